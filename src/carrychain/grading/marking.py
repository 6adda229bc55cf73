"""The marking sheet: points for the written parts, a line a student, which any spreadsheet opens.

With Q3's points, which the grader gives, they make a total of 100.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from carrychain.errors import InvalidInput, nearest
from carrychain.grading.spreadsheet import cell
from carrychain.grading.store import as_net_id
from carrychain.io import StrPath, read_text, write_text

WRITTEN: dict[str, dict[str, float]] = {
    "part1": {
        "part1_1": 4,
        "part1_2a": 4,
        "part1_2b": 6,
        "part1_3": 6,
        "part1_bound1": 5,
        "part1_bound2": 10,
    },
    "q1": {"q1a": 2, "q1b": 3, "q1c": 2, "q1d": 3},
    "q2": {"q2a": 3, "q2b": 7, "q2c": 9, "q2d": 6},
}
"""The written questions of the assignment, by part, each with its points."""

QUESTIONS = {name: points for part in WRITTEN.values() for name, points in part.items()}
_NET_ID = "net_id"
_HEADING = re.compile(r"(\w+)(?: \(\d+\))?")
_SEPARATORS = ",;\t"
_MOST_FAULTS = 5


@dataclass(frozen=True, slots=True)
class Marks:
    """A student's points for the written questions; a question without is not marked yet."""

    points: Mapping[str, float]

    def part(self, name: str) -> float | None:
        """Return the points of a part, None where a question of it is not marked."""
        given = [self.points.get(question) for question in WRITTEN[name]]
        marked = [points for points in given if points is not None]
        return sum(marked) if len(marked) == len(given) else None


def total(marks: Marks, q3: float | None, weights: Mapping[str, float]) -> float | None:
    """Return all points of a student, None where something is not marked or graded yet.

    Args:
        marks: of the written parts.
        q3: the share of Q3's points, 0 to 1; None where there is no grade.
        weights: what each of part1, q1, q2 and q3 is worth.
    """
    shares = {"q3": q3}
    for part, questions in WRITTEN.items():
        points = marks.part(part)
        shares[part] = None if points is None else points / sum(questions.values())
    parts = [None if share is None else weights[part] * share for part, share in shares.items()]
    known = [points for points in parts if points is not None]
    return math.fsum(known) if len(known) == len(parts) else None


def write_sheet(path: Path, net_ids: Sequence[str]) -> int:
    """Write a sheet, or add lines to it for those who have none; return how many lines are new.

    What stands there stays.

    Raises:
        InvalidInput: the file can't be read or written, or has no column net_id.
    """
    if path.exists():
        text = read_text(path)
        separator, places = _heading(path, text)
        there = set(_lines(text, separator, places))
        width = len(places)
    else:
        headings = [_NET_ID, *(f"{name} ({points:g})" for name, points in QUESTIONS.items())]
        text, separator, there, width = ",".join(headings) + "\n", ",", set[str](), len(headings)
        places = {_NET_ID: 0}
    new = [net_id for net_id in net_ids if net_id not in there]
    if new or not path.exists():
        lines = StringIO()
        writer = csv.writer(lines, delimiter=separator, lineterminator="\n")
        for net_id in new:
            row = [""] * width
            row[places[_NET_ID]] = cell(net_id)
            writer.writerow(row)
        between = "" if text.endswith("\n") else "\n"
        write_text(path, text + between + lines.getvalue())
    return len(new)


def _lines(text: str, separator: str, places: Mapping[str, int]) -> list[str]:
    rows = list(csv.reader(StringIO(text), delimiter=separator))[1:]
    return [_id_of(row[places[_NET_ID]]) for row in rows if len(row) > places[_NET_ID]]


def _id_of(text: str) -> str:
    return as_net_id(text.strip().removeprefix("'"))


def read_sheet(path: StrPath, net_ids: Sequence[str]) -> dict[str, Marks]:
    """Read a sheet; a spreadsheet may have put ; or tabs between cells, and decimal commas.

    Args:
        path: the file; an empty cell is a question that is not marked yet.
        net_ids: those of the class.

    Raises:
        InvalidInput: the file is no such sheet, or lines of it are wrong: points out of range or
            no number, a net id that is not of the class, or one that comes twice. Each of the
            first five is named by its line.
    """
    text = read_text(path)
    separator, places = _heading(path, text)
    marks: dict[str, Marks] = {}
    seen: dict[str, int] = {}
    faults: list[str] = []
    reader = csv.reader(StringIO(text), delimiter=separator)
    next(reader)
    for row in reader:
        line = reader.line_num
        if not any(text.strip() for text in row):
            continue
        if len(row) > len(places):
            faults.append(f"line {line} has {len(row)} cells, and the first line {len(places)}")
            continue
        cells = {name: row[place].strip() for name, place in places.items() if place < len(row)}
        net_id = _id_of(cells.get(_NET_ID, ""))
        if not net_id:
            faults.append(f"line {line} has no net id")
        elif net_id in seen:
            faults.append(f"line {line}: {net_id} stands in line {seen[net_id]} too")
        elif net_id not in net_ids:
            like = nearest(net_id, net_ids)
            like = like if like.startswith("; did you mean") else ""
            faults.append(f"line {line}: {net_id} is not of this class{like}")
        else:
            points, wrong = _points(cells)
            faults += [f"line {line}: {fault}" for fault in wrong]
            marks[net_id] = Marks(points)
        seen.setdefault(net_id, line)
    if faults:
        more = f"; and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
        raise InvalidInput(f"{path}: {'; '.join(faults[:_MOST_FAULTS])}{more}")
    return marks


def _heading(path: StrPath, text: str) -> tuple[str, dict[str, int]]:
    """Return what stands between cells, and the place of each column."""
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    headings = next(csv.reader([first], delimiter=separator), list[str]())
    places: dict[str, int] = {}
    for place, heading in enumerate(headings):
        found = _HEADING.fullmatch(heading.strip())
        name = found[1] if found else heading.strip()
        if name not in (_NET_ID, *QUESTIONS):
            known = nearest(name, (_NET_ID, *QUESTIONS))
            raise InvalidInput(f"{path}: line 1: there is no question {name!r}{known}")
        if name in places:
            raise InvalidInput(f"{path}: line 1: {name} comes twice")
        places[name] = place
    if _NET_ID not in places:
        raise InvalidInput(f"{path}: line 1 has no column {_NET_ID}")
    return separator, places


def _points(cells: Mapping[str, str]) -> tuple[dict[str, float], list[str]]:
    """Return the points of a line, and what is wrong in it."""
    points: dict[str, float] = {}
    wrong: list[str] = []
    for name, most in QUESTIONS.items():
        text = cells.get(name, "")
        if not text:
            continue
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            wrong.append(f"{name} is {text!r}; it must be a number from 0 to {most:g}")
            continue
        if 0 <= value <= most:
            points[name] = value
        else:
            wrong.append(f"{name} is {text}; it must be 0 to {most:g}")
    return points, wrong
