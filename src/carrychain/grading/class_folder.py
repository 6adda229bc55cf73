"""The folder of a class: its rules, its secret seed, what was handed in, and the grades.

    my-class/
      class.toml     name, model, deadline, attempts a day, weights
      rubric.toml    how a submission is graded
      seed           draws the instances; a secret
      submissions/   a folder for each attempt, as it was handed in
      grades.sqlite  the grades, every attempt, every decision
      marks.csv      points for the written parts
      report/

The folder and the seed are readable by their owner only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, TypeAdapter, ValidationError

from carrychain.errors import InvalidInput
from carrychain.grading import inbox
from carrychain.grading.classroom import own_name
from carrychain.grading.deadlines import Late, Policy, instant, zone_of
from carrychain.grading.inbox import HandIn, Student
from carrychain.grading.rubric import Rubric, load_rubric
from carrychain.grading.store import Store, as_net_id
from carrychain.grading.tables import Table, first_fault
from carrychain.io import StrPath, read_json, read_text, write_bytes, write_json, write_text

SETTINGS = "class.toml"
RUBRIC = "rubric.toml"
SEED = "seed"
SUBMISSIONS = "submissions"
MARKS = "marks.csv"
REPORT = "report"
_ENTRY = "entry.json"
_SEED_BITS = 62
_OWNER_ONLY = 0o700
_LONGEST_NAME = 60

_TEMPLATE = """\
# A class of carrychain. `carrychain class run` reads this file each time, and judges every attempt
# by what it says then.

name = {name}
model = {model}  # who is asked, see `carrychain models`; the rubric's own model is not looked at

time_zone = {time_zone}  # where the class is: deadlines and days are meant there
{deadline}  # the last moment
{attempts_a_day}  # those beyond are kept, and neither ranked nor counted

counts = "best"  # which attempt is a student's: "best" or "latest"

# Where grades are kept: a file in this folder, or a database for several graders, such as
# "postgresql://user@host/class". The password stands in ~/.pgpass or PGPASSWORD, never here.
store = {store}

# What a late attempt keeps of its points: the first step that is long enough holds, `after` beyond
# all of them. For a day of grace, then half: steps = [{{ hours = 24, keeps = 1.0 }}], after = 0.5
[late]
steps = []
after = 1.0    # late ones are marked as late, and keep all points
ranked = true  # whether they stand on the leaderboard

# Another deadline for one student: net id = time
[extensions]
# ab1234 = 2026-12-03T23:59:00

# What each part is worth in the total.
[weights]
part1 = 35
q1 = 10
q2 = 25
q3 = 30
"""


class Weights(Table):
    """What each part is worth in the total."""

    part1: float = Field(ge=0)
    q1: float = Field(ge=0)
    q2: float = Field(ge=0)
    q3: float = Field(ge=0)


class Settings(Table):
    """What class.toml says."""

    name: str = Field(min_length=1)
    model: str = Field(min_length=1)
    time_zone: str
    deadline: datetime | None = None
    attempts_a_day: int | None = Field(default=None, ge=1)
    counts: str = Field(pattern="^(best|latest)$")
    store: str = Field(min_length=1)
    late: Late
    extensions: dict[str, datetime]
    weights: Weights


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt as it was handed in.

    Args:
        called: its path, as it was added.
        hand_in: its files, under the name that it has in the class.
    """

    called: str
    hand_in: HandIn


@dataclass(frozen=True)
class ClassFolder:
    """A class, opened.

    Args:
        folder: where it is.
        settings: what its class.toml says.
        rubric: how it is graded, with the class's model.
        policy: which attempts count.
        seed: draws the instances; never shown.
    """

    folder: Path
    settings: Settings
    rubric: Rubric
    policy: Policy
    seed: int = field(repr=False)

    @classmethod
    def open(cls, folder: StrPath) -> ClassFolder:
        """Open the folder of a class.

        Raises:
            InvalidInput: it is none, its seed is missing or open to others, or a file of it says
                what it can't.
        """
        folder = Path(folder)
        if not (folder / SETTINGS).is_file():
            raise InvalidInput(
                f"{folder} is no folder of a class; `carrychain class new {folder}` makes one"
            )
        settings = _read_settings(folder / SETTINGS)
        rubric = load_rubric(folder / RUBRIC).model_copy(update={"model": settings.model})
        try:
            policy = _policy(settings, rubric)
        except InvalidInput as error:
            raise InvalidInput(f"{folder / SETTINGS}: {error}") from error
        return cls(folder, settings, rubric, policy, _read_seed(folder / SEED))

    def store(self) -> Store:
        """Open the class's grades, with its rules for attempts.

        Raises:
            InvalidInput: the database can't be used, or is another class's.
        """
        where: StrPath = self.settings.store
        if "://" not in self.settings.store:
            where = self.folder / self.settings.store
        secret = hmac.digest(str(self.seed).encode(), b"public names", hashlib.sha256).hex()
        store = Store(where, secret)
        try:
            store.set_policy(self.policy)
        except BaseException:  # Ctrl-C too: nobody else could let go of the database
            store.close()
            raise
        return store

    @property
    def marks(self) -> Path:
        """The marking sheet."""
        return self.folder / MARKS

    @property
    def report(self) -> Path:
        """Where the report is written."""
        return self.folder / REPORT

    def add(self, hand_ins: Iterable[HandIn]) -> Iterator[tuple[HandIn, str]]:
        """Keep what was handed in, and yield each with the name that it has in the class.

        A file that is changed is a new attempt; the same again is none, and its name is "".

        Raises:
            InvalidInput: it can't be written.
        """
        last = {entry.called: entry.hand_in for entry in self.entries()}
        for hand_in in hand_ins:
            before = last.get(hand_in.name)
            if before is not None and (before.digest, before.problem) == (
                hand_in.digest,
                hand_in.problem,
            ):
                yield hand_in, ""
                continue
            kept = replace(hand_in, handed_in=hand_in.handed_in or datetime.now(UTC))
            last[hand_in.name] = kept
            yield hand_in, self._keep(kept)

    def _keep(self, hand_in: HandIn) -> str:
        """Write one attempt, whole or not at all; return its name."""
        submissions = self.folder / SUBMISSIONS
        draft = submissions / f".adding-{secrets.token_hex(8)}"
        try:
            draft.mkdir(_OWNER_ONLY, parents=True)
            _write_entry(draft, hand_in)
            stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", own_name(hand_in.name)).strip("._")
            stem = stem[:_LONGEST_NAME] or "submission"
            number = 1
            while True:  # another may be adding too
                name = f"{stem}-{number}"
                try:
                    draft.rename(submissions / name)
                    return name
                except OSError:
                    if not (submissions / name).exists():
                        raise
                    number += 1
        except OSError as error:
            raise InvalidInput(f"{submissions}: {error.strerror or error}") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def entries(self) -> list[Entry]:
        """Return every attempt, in the order of handing in.

        Raises:
            InvalidInput: a folder in submissions/ is none that `add` wrote.
        """
        submissions = self.folder / SUBMISSIONS
        if not submissions.is_dir():
            return []
        folders = [path for path in submissions.iterdir() if not path.name.startswith(".")]
        entries = [_read_entry(path) for path in folders if path.is_dir()]
        return sorted(entries, key=lambda each: (str(each.hand_in.handed_in), each.hand_in.name))


class _Said(Table):
    """What entry.json says of an attempt."""

    called: str
    problem: str
    handed_in: datetime
    time_from: inbox.TimeFrom
    students: list[dict[str, str]]


def _write_entry(folder: Path, hand_in: HandIn) -> None:
    if not hand_in.problem:
        write_bytes(folder / inbox.PROGRAM, hand_in.program)
        if hand_in.prompt is not None:
            write_bytes(folder / inbox.PROMPT, hand_in.prompt)
    assert hand_in.handed_in is not None
    said = {
        "called": hand_in.name,
        "problem": hand_in.problem,
        "handed_in": hand_in.handed_in.isoformat(),
        "time_from": hand_in.time_from,
        "students": [student.as_dict() for student in hand_in.students],
    }
    write_json(folder / _ENTRY, said)


def _read_entry(folder: Path) -> Entry:
    path = folder / _ENTRY
    try:
        said = _Said.model_validate_json(json.dumps(read_json(path)))
        students = TypeAdapter(tuple[Student, ...]).validate_python(said.students)
    except ValidationError as error:
        raise InvalidInput(f"{path} is not what `carrychain class add` writes") from error
    hand_in = HandIn(folder.name, problem=said.problem)
    if not said.problem:
        hand_in = inbox.in_tree(folder.name, folder)
    hand_in = replace(
        hand_in, students=students, handed_in=said.handed_in, time_from=said.time_from
    )
    return Entry(said.called, hand_in)


def create(
    folder: StrPath,
    *,
    name: str | None = None,
    model: str | None = None,
    deadline: datetime | None = None,
    time_zone: str = "UTC",
    attempts_a_day: int | None = None,
    store: str = inbox.KEPT_GRADES,
    rubric: StrPath | None = None,
) -> ClassFolder:
    """Make the folder of a class, whole or not at all, with a fresh secret seed.

    Args:
        folder: a place where there is nothing, or an empty folder.
        name: of the class; the folder's where left out.
        model: who is asked; the rubric's where left out.
        deadline: as a clock in the time zone shows it; None for none.
        time_zone: such as America/New_York.
        attempts_a_day: at least 1; None for no limit.
        store: a file's name, or the URL of a database.
        rubric: rules to copy; the package's own where left out.

    Raises:
        InvalidInput: the folder holds something, a value can't be, or it can't be written.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(f"{folder} is there already; name a folder that is new or empty")
    rules = load_rubric(rubric)
    if deadline is not None:
        instant(deadline, time_zone)
    zone_of(time_zone)
    said = _TEMPLATE.format(
        name=_toml(name or folder.resolve().name or "class"),
        model=_toml(model or rules.model),
        time_zone=_toml(time_zone),
        deadline=f"deadline = {deadline.isoformat()}"
        if deadline
        else "# deadline = 2026-12-01T23:59:00",
        attempts_a_day=f"attempts_a_day = {attempts_a_day}"
        if attempts_a_day is not None
        else "# attempts_a_day = 5",
        store=_toml(store),
    )
    draft = folder.absolute().with_name(f".carrychain-{secrets.token_hex(8)}")
    try:
        draft.mkdir(_OWNER_ONLY)
        write_text(draft / SETTINGS, said)
        source = Path(__file__).with_name(RUBRIC) if rubric is None else rubric
        write_text(draft / RUBRIC, read_text(source))
        _write_seed(draft / SEED)
        (draft / SUBMISSIONS).mkdir(_OWNER_ONLY)
        ClassFolder.open(draft)
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
    except OSError as error:
        raise InvalidInput(f"{folder} can't be made: {error.strerror or error}") from error
    except InvalidInput as error:
        raise InvalidInput(str(error).removeprefix(f"{draft / SETTINGS}: ")) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return ClassFolder.open(folder)


def _write_seed(path: Path) -> None:
    """Write a seed that only this user can read, from the first moment on."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(f"{secrets.randbits(_SEED_BITS)}\n")


def _read_seed(path: Path) -> int:
    if not path.is_file():
        raise InvalidInput(
            f"{path.parent} has no {SEED}: put the class's secret back there, for another would "
            "draw other instances"
        )
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InvalidInput(f"{path} can be read by others; make it yours: chmod 600 {path}")
    text = read_text(path).strip()
    if not (text.isascii() and text.isdecimal()):
        raise InvalidInput(f"{path} holds no seed: a whole number of at least 0 is needed")
    return int(text)


def _read_settings(path: Path) -> Settings:
    text = read_text(path)
    try:
        return Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path} is no TOML: {error}") from error
    except ValidationError as error:
        raise InvalidInput(f"{path}: {first_fault(error, of='a class')}") from error


def _policy(settings: Settings, rubric: Rubric) -> Policy:
    zone = settings.time_zone
    zone_of(zone)
    extensions: Mapping[str, datetime] = {
        as_net_id(net_id): instant(at, zone) for net_id, at in settings.extensions.items()
    }
    return Policy.model_validate(
        {
            "time_zone": zone,
            "deadline": settings.deadline and instant(settings.deadline, zone),
            "extensions": extensions,
            "attempts_a_day": settings.attempts_a_day,
            "counts": settings.counts,
            "late": settings.late,
            "integrity": rubric.integrity,
        }
    )


def _toml(text: str) -> str:
    """Write a string of TOML; JSON's form is one, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
