"""What was handed in: files, folders, zips and Gradescope exports, read once and run by nobody.

A submission is two files, `submission.py` and perhaps `prompt.txt`; nothing else of what a student
sent is read, no link is followed and no archive is unpacked to a place that it names.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Literal, cast

from carrychain.errors import InvalidInput
from carrychain.io import Json, StrPath, read_text

PROGRAM = "submission.py"
PROMPT = "prompt.txt"
EXPORT = "submission_metadata.yml"
KEPT_GRADES = "grades.sqlite"

MOST_BYTES = 1 << 20
"""How large each of a submission's two files may be."""
MOST_ZIP_BYTES = 1 << 25
MOST_ENTRIES = 10_000
_DEEPEST = 4
_NO_FOLDERS_OF_STUDENTS = ("__MACOSX", "__pycache__")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d{1,6})?\d* ?(Z|[+-]\d\d:\d\d)?")

TimeFrom = Literal["export", "file", "now"]
"""Who says when something was handed in: Gradescope, the file's own time, or nobody."""


@dataclass(frozen=True, slots=True)
class Student:
    """Who handed something in, as a Gradescope export says."""

    name: str
    email: str
    sid: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.email else self.name

    def as_dict(self) -> dict[str, Json]:
        """Return the fields for JSON."""
        return {"name": self.name, "email": self.email, "sid": self.sid}


@dataclass(frozen=True, slots=True)
class HandIn:
    """One submission, not yet run.

    Args:
        name: what a person calls it: its path as given.
        program, prompt: the bytes of submission.py and of prompt.txt beside it, if there is one.
        problem: why there is nothing to grade; empty if there is.
        students: who handed it in, where an export says so.
        handed_in: when, in UTC; None where nothing says so.
        time_from: who says when.
    """

    name: str
    program: bytes = field(default=b"", repr=False)
    prompt: bytes | None = field(default=None, repr=False)
    problem: str = ""
    students: tuple[Student, ...] = ()
    handed_in: datetime | None = None
    time_from: TimeFrom = "now"

    @property
    def digest(self) -> str:
        """SHA-256 of the two files: the same for everyone who handed in the same."""
        digest = hashlib.sha256()
        for part in (self.program, self.prompt):
            digest.update(b"-" if part is None else f"{len(part)}:".encode() + part)
        return digest.hexdigest()

    @contextmanager
    def unpacked(self) -> Generator[Path]:
        """Give the program's path in a folder that holds the two files and nothing else."""
        with tempfile.TemporaryDirectory(
            prefix="carrychain-", ignore_cleanup_errors=True
        ) as folder:
            if self.prompt is not None:
                (Path(folder) / PROMPT).write_bytes(self.prompt)
            (Path(folder) / PROGRAM).write_bytes(self.program)
            yield Path(folder) / PROGRAM


def find(paths: Sequence[StrPath], say: Callable[[str], None] = lambda note: None) -> list[HandIn]:
    """Return all that was handed in, in the order of their names.

    Args:
        paths: each a Python file; a zip; a folder with a submission.py; a Gradescope export (a
            folder with submission_metadata.yml); or a folder of Python files, of zips and of
            folders with a submission.py somewhere in them.
        say: called with a sentence on what is left out.

    Raises:
        InvalidInput: a path is none of these, or there is nothing in it.
    """
    found: list[HandIn] = []
    for path in map(Path, paths):
        if path.is_dir():
            found += _in_folder(path, say)
        elif path.is_file() and path.suffix == ".py":
            beside = path.with_name(PROMPT)
            found.append(_from_files(_name(path), path.resolve(), beside.resolve()))
        elif path.is_file() and path.suffix == ".zip":
            found.append(_from_zip(_name(path), path))
        elif path.exists():
            raise InvalidInput(f"{path} is no submission: give a .py file, a .zip or a folder")
        else:
            raise InvalidInput(f"{path} can't be graded: there is no such file or folder")
    names = [each.name for each in found]
    if double := {name for name in names if names.count(name) > 1}:
        raise InvalidInput(f"{min(double)} is given twice; name every submission once")
    return found


def _name(path: Path) -> str:
    """Return a path as text that no terminal takes for a command and any file can hold."""
    text = str(path).encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _in_folder(folder: Path, say: Callable[[str], None]) -> list[HandIn]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InvalidInput(f"{folder} can't be read: {error.strerror or error}") from error
    names = {entry.name for entry in entries}
    if EXPORT in names:
        return _in_export(folder)
    if PROGRAM in names:
        return [_from_files(_name(folder), folder / PROGRAM, folder / PROMPT)]
    programs = [entry for entry in entries if entry.suffix == ".py"]
    prompt = folder / PROMPT if len(programs) == 1 else None
    found: list[HandIn] = []
    left: list[str] = []
    for entry in entries:
        if entry in programs:
            found.append(_from_files(_name(entry), entry, prompt))
        elif entry.suffix == ".zip":
            found.append(_from_zip(_name(entry), entry))
        elif _is_a_students(entry):
            found.append(in_tree(_name(entry), entry))
        elif not entry.name.startswith((".", "__")) and not (prompt and entry == prompt):
            left.append(entry.name)
    if not found:
        raise InvalidInput(
            f"{folder} holds no submission: neither {PROGRAM} nor other .py files, zips or folders"
        )
    if left:
        shown = ", ".join(left[:3]) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
        say(f"{folder}: {shown} left out: no .py file, zip or folder of a submission")
    return found


def _is_a_students(entry: Path) -> bool:
    """Tell a student's folder from hidden ones, caches, and the grades of an earlier run."""
    return (
        entry.is_dir()
        and not entry.is_symlink()
        and not entry.name.startswith(".")
        and entry.name not in _NO_FOLDERS_OF_STUDENTS
        and not (entry / KEPT_GRADES).exists()
    )


def _in_export(folder: Path) -> list[HandIn]:
    said = _said_by_export(folder / EXPORT)
    there = {entry.name for entry in folder.iterdir() if _is_a_students(entry)}
    found: list[HandIn] = []
    for name in sorted(there | set(said)):
        students, at = said.get(name, ((), None))
        where = _name(folder / name)
        if name in there:
            hand_in = in_tree(where, folder / name, students)
        else:
            hand_in = HandIn(where, problem="the export has no such folder", students=students)
        if at is not None:
            hand_in = replace(hand_in, handed_in=at, time_from="export")
        found.append(hand_in)
    if not found:
        raise InvalidInput(f"{folder} is a Gradescope export without any submission")
    return found


def _said_by_export(path: Path) -> dict[str, tuple[tuple[Student, ...], datetime | None]]:
    """Read who handed in which folder, and when; Ruby's own tags in exports are passed over.

    The form, with a folder's name for each submission:

        submission_409194023:
          :submitters:
          - :name: Ada Lovelace
            :sid: '1815'
            :email: ada@example.edu
          :created_at: 2026-04-26 17:34:00.861687000 Z
    """
    import yaml

    try:
        root = cast(object, yaml.compose(read_text(path), Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise InvalidInput(f"{path} is no YAML as Gradescope exports it") from error
    if root is not None and not isinstance(root, yaml.MappingNode):
        raise InvalidInput(f"{path} is no list of submissions as Gradescope exports it")
    said: dict[str, tuple[tuple[Student, ...], datetime | None]] = {}
    for folder, node in _items(root):
        keys = dict(_items(node))
        students = tuple(
            Student(*(_text(dict(_items(one)).get(key)) for key in (":name", ":email", ":sid")))
            for one in _elements(keys.get(":submitters"))
        )
        created = keys.get(":created_at")
        utc = dict(_items(created)).get("utc")  # where Ruby wrote an object of its own
        said[folder] = students, _moment(_text(utc) or _text(created))
    return said


def _moment(text: str) -> datetime | None:
    """Read a time as Ruby writes it, with up to nine decimals; UTC where it names no zone."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return None
    day, time, fraction, zone = found.groups()
    try:
        at = datetime.fromisoformat(f"{day}T{time}{(fraction or '.0').ljust(7, '0')}{zone or 'Z'}")
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _items(node: object) -> Iterator[tuple[str, object]]:
    import yaml

    if isinstance(node, yaml.MappingNode):
        pairs = cast("list[tuple[object, object]]", node.value)
        yield from ((_text(key), value) for key, value in pairs)


def _elements(node: object) -> Iterable[object]:
    import yaml

    return cast("list[object]", node.value) if isinstance(node, yaml.SequenceNode) else ()


def _text(node: object) -> str:
    import yaml

    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def in_tree(name: str, folder: Path, students: tuple[Student, ...] = ()) -> HandIn:
    """Return the submission somewhere in a student's folder."""
    files = {PurePosixPath(path.relative_to(folder).as_posix()): path for path in _walk(folder)}
    try:
        program = _choose(files)
    except _Problem as problem:
        return HandIn(name, problem=str(problem), students=students)
    return _from_files(name, files[program], files[program].with_name(PROMPT), students)


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        if len(here.relative_to(folder).parts) == _DEEPEST:
            folders.clear()
        yield from (here / file for file in files)


def _choose(names: Iterable[PurePosixPath]) -> PurePosixPath:
    """Return the submission.py that lies nearest to the top."""
    programs = sorted(
        (name for name in names if name.name == PROGRAM and _plain(name)),
        key=lambda name: (len(name.parts), name),
    )
    if not programs:
        raise _Problem(f"there is no {PROGRAM}")
    rivals = [name for name in programs if len(name.parts) == len(programs[0].parts)]
    if len(rivals) > 1:
        raise _Problem(f"there are {len(rivals)} {PROGRAM}: {rivals[0]} and {rivals[1]}")
    return programs[0]


def _plain(name: PurePosixPath) -> bool:
    """Whether a path stays inside, and is none of the copies that macOS makes."""
    return not name.is_absolute() and not any(
        part.startswith(".") or part in _NO_FOLDERS_OF_STUDENTS for part in name.parts
    )


def _from_files(
    name: str, program: Path, prompt: Path | None, students: tuple[Student, ...] = ()
) -> HandIn:
    try:
        text = _bytes(prompt) if prompt is not None and os.path.lexists(prompt) else None
        content = _bytes(program)
        return HandIn(name, content, text, "", students, _changed(program), "file")
    except _Problem as problem:
        return HandIn(name, problem=str(problem), students=students)


def _bytes(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise _Problem(f"{path.name} is no ordinary file; links are not followed")
        with path.open("rb") as file:
            return _within(file.read(MOST_BYTES + 1), path.name)
    except OSError as error:
        raise _Problem(f"{path.name} can't be read: {error.strerror or error}") from error


def _changed(path: Path) -> datetime:
    """Return when a file was changed last; a time that is still to come is now."""
    now = datetime.now(UTC)
    return min(now, datetime.fromtimestamp(max(0.0, path.lstat().st_mtime), UTC))


def _within(content: bytes, name: str) -> bytes:
    if len(content) > MOST_BYTES:
        raise _Problem(f"{name} is larger than {MOST_BYTES:,} bytes")
    return content


def _from_zip(name: str, path: Path) -> HandIn:
    """Read the two files out of an archive; its other entries are not even looked into."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise _Problem("it is no ordinary file; links are not followed")
        if path.stat().st_size > MOST_ZIP_BYTES:
            raise _Problem(f"the zip is larger than {MOST_ZIP_BYTES:,} bytes")
        with zipfile.ZipFile(path) as archive:
            entries = {PurePosixPath(e.filename): e for e in archive.infolist() if not e.is_dir()}
            if len(entries) > MOST_ENTRIES:
                raise _Problem(f"the zip holds more than {MOST_ENTRIES:,} files")
            if any(entry.name == EXPORT for entry in entries):
                raise _Problem("it is a whole Gradescope export: unpack it and grade the folder")
            program = _choose(entries)
            prompt = entries.get(program.with_name(PROMPT))
            return HandIn(
                name,
                _entry(archive, entries[program]),
                None if prompt is None else _entry(archive, prompt),
                handed_in=_changed(path),
                time_from="file",
            )
    except _Problem as problem:
        return HandIn(name, problem=str(problem))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        return HandIn(name, problem=f"the zip can't be read: {error}")
    except (NotImplementedError, RuntimeError):
        return HandIn(name, problem="the zip is encrypted or packed in a way that is not known")


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    name = PurePosixPath(entry.filename).name
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _Problem(f"{name} is no ordinary file; links are not followed")
    with archive.open(entry) as file:
        return _within(file.read(MOST_BYTES + 1), name)


class _Problem(Exception):
    """Why a submission can't be read; it stays with that submission."""
