"""A report's folder: what it holds, whether work in it can be gone on with, and what is foreign."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from carrychain.errors import InvalidInput
from carrychain.io import Json, jsonable, read_json, write_json

RUN_FILE = "run.json"
EVALUATIONS = "evaluations"
FIGURES = "figures"


@dataclass(frozen=True, slots=True)
class Sitting:
    """When and where a run was begun."""

    started: str
    machine: str

    @classmethod
    def now(cls) -> Sitting:
        """Describe the present moment, in UTC, and this machine."""
        started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        machine = f"{platform.system()} {platform.machine()}, {os.cpu_count() or 1} cores"
        return cls(started, machine)


class Folder:
    """A folder that a run writes to. Nothing that is in it is ever deleted.

    Args:
        path: the folder; it need not be there.
        overwrite: whether files of another run, or of a finished one, may be replaced.

    Attributes:
        goes_on: whether `start` found a run of the same settings.

    Raises:
        InvalidInput: it can't be written to, or holds something that is no unfinished run, and
            overwrite is not given.
    """

    def __init__(self, path: Path, overwrite: bool = False) -> None:
        self.path, self._overwrite = path, overwrite
        self.goes_on = False
        self._earlier: dict[str, Json] | None = None
        try:
            holds = sorted(each.name for each in path.iterdir())
        except FileNotFoundError:
            return
        except OSError as error:
            raise InvalidInput(f"{path} can't be written to: {error.strerror}") from error
        if RUN_FILE in holds:
            self._earlier = _read_run(path / RUN_FILE)
        if overwrite or not holds:
            return
        if self._earlier is None:
            raise InvalidInput(
                f"{path} is not empty: it holds {_listed(holds)}; name another folder, or use "
                "--overwrite to write beside what is there"
            )
        if self._earlier["finished"]:
            raise InvalidInput(
                f"{path} holds a finished report; name another folder, or use --overwrite to "
                "replace its files"
            )

    @property
    def evaluations(self) -> Path:
        """Where evaluations are kept."""
        return self.path / EVALUATIONS

    @property
    def figures(self) -> Path:
        """Where pictures lie."""
        return self.path / FIGURES

    def start(self, settings: Mapping[str, object]) -> Sitting:
        """Begin a run, or go on with the unfinished one; return when and where it was begun.

        Args:
            settings: what decides the answers, by names for a person.

        Raises:
            InvalidInput: the unfinished run has other settings, and overwrite was not given; the
                message names the first. Or the folder can't be written to.
        """
        wanted = jsonable(settings)
        assert isinstance(wanted, dict)
        sitting = Sitting.now()
        if self._earlier is not None:
            had = self._earlier["settings"]
            assert isinstance(had, dict)
            changed = [name for name in {**had, **wanted} if had.get(name) != wanted.get(name)]
            if not changed:
                self.goes_on = True
                sitting = Sitting(str(self._earlier["started"]), str(self._earlier["machine"]))
            elif not self._overwrite:
                name = changed[0]
                raise InvalidInput(
                    f"{self.path} holds an unfinished run of other settings: {name} was "
                    f"{_said(had.get(name))} and is {_said(wanted.get(name))}; go on with those, "
                    "name another folder, or use --overwrite to replace its files"
                )
        for folder in (self.path, self.evaluations, self.figures):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InvalidInput(f"{folder} can't be made: {error.strerror}") from error
        self._write(wanted, sitting, finished=False)
        return sitting

    def finish(self, settings: Mapping[str, object], sitting: Sitting) -> None:
        """Note that the report is whole."""
        self._write(settings, sitting, finished=True)

    def _write(self, settings: Mapping[str, object], sitting: Sitting, finished: bool) -> None:
        write_json(
            self.path / RUN_FILE,
            {
                "settings": settings,
                "started": sitting.started,
                "machine": sitting.machine,
                "finished": finished,
            },
        )


def _read_run(path: Path) -> dict[str, Json] | None:
    """Return what a run wrote, None if something else lies there."""
    try:
        run = read_json(path)
    except InvalidInput:
        return None
    ours = isinstance(run.get("settings"), dict) and isinstance(run.get("finished"), bool)
    return run if ours and {"started", "machine"} <= run.keys() else None


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _said(value: Json) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "nothing" if value is None else str(value)
