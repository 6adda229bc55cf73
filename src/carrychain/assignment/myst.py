"""Notebooks from their sources: MyST Markdown, as Jupytext reads it, to Jupyter's format 4.5.

Of MyST this reads what our sources use: a header between lines of three dashes, code cells
(```` ```{code-cell} python ````, options as `:name: value`), and lines of `+++` between Markdown
cells, with a JSON object that describes the next one. No notebook library is needed to write the
format, so neither is one to hand out notebooks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from carrychain.errors import InvalidInput
from carrychain.io import Json

ANSWER = "answer"
"""What a cell with room for an answer has in its metadata: the question's name."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a notebook: its kind, its text, and what is said of it."""

    kind: Literal["markdown", "code"]
    source: str
    metadata: dict[str, Json] = field(default_factory=dict[str, Json])

    @property
    def answers(self) -> str | None:
        """The question whose answer goes here, None for other cells."""
        name = self.metadata.get(ANSWER)
        return name if isinstance(name, str) else None


def read(text: str) -> list[Cell]:
    """Return the cells of a source.

    Raises:
        InvalidInput: a code cell does not end, or a line of +++ holds no JSON object.
    """
    lines = text.splitlines()
    if lines[:1] == ["---"]:
        lines = lines[lines.index("---", 1) + 1 :]
    return list(_cells(lines))


def _cells(lines: Sequence[str]) -> Iterator[Cell]:
    prose: list[str] = []
    metadata: dict[str, Json] = {}
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith("```{code-cell}"):
            yield from _markdown(prose, metadata)
            prose, metadata = [], {}
            try:
                end = lines.index("```", at)
            except ValueError:
                raise InvalidInput(
                    f"the code cell at line {at} of the source does not end"
                ) from None
            yield _code(lines[at:end])
            at = end + 1
        elif line.startswith("+++"):
            yield from _markdown(prose, metadata)
            prose, metadata = [], _described(line.removeprefix("+++").strip())
        else:
            prose.append(line)
    yield from _markdown(prose, metadata)


def _markdown(lines: Sequence[str], metadata: dict[str, Json]) -> Iterator[Cell]:
    text = "\n".join(lines).strip("\n")
    if text:
        yield Cell("markdown", text, metadata)


def _code(lines: Sequence[str]) -> Cell:
    options: dict[str, Json] = {}
    body = list(lines)
    while body and (option := re.fullmatch(r":(\w+): (.+)", body[0])):
        options[option[1]] = option[2]
        body.pop(0)
    return Cell("code", "\n".join(body).strip("\n"), options)


def _described(text: str) -> dict[str, Json]:
    try:
        value = cast(Json, json.loads(text or "{}"))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InvalidInput(f"a line of +++ holds {text!r}; a JSON object is needed, or nothing")
    return value


def answered(cells: Iterable[Cell], answers: Iterable[Cell]) -> list[Cell]:
    """Return a notebook with answers in place of the room for them.

    Args:
        cells: the notebook.
        answers: cells one after the other; one that names a question begins its answer, which goes
            on up to the next that does.

    Raises:
        InvalidInput: a question has no answer, or an answer no question.
    """
    by_question: dict[str, list[Cell]] = {}
    current: list[Cell] = []
    for cell in answers:
        if cell.answers is not None:
            current = by_question.setdefault(cell.answers, [])
        current.append(cell)
    whole: list[Cell] = []
    for cell in cells:
        if cell.answers is None:
            whole.append(cell)
        elif cell.answers in by_question:
            whole.extend(by_question.pop(cell.answers))
        else:
            raise InvalidInput(f"there is no answer to {cell.answers}")
    if by_question:
        raise InvalidInput(f"there is no question {', '.join(by_question)} to answer")
    return whole


def with_values(cells: Sequence[Cell], **values: str | None) -> list[Cell]:
    """Return a notebook whose first code cell assigns these values: its switches, turned.

    Raises:
        InvalidInput: the cell has no line that assigns one of the names.
    """
    at = next(i for i, cell in enumerate(cells) if cell.kind == "code")
    source = cells[at].source
    for name, value in values.items():
        line = re.compile(rf"^{name} = \S+", re.MULTILINE)
        if not line.search(source):
            raise InvalidInput(f"the notebook's first code cell does not assign {name}")
        assignment = f"{name} = {json.dumps(value) if value is not None else None}"
        source = line.sub(lambda _, text=assignment: text, source, count=1)
    return [*cells[:at], replace(cells[at], source=source), *cells[at + 1 :]]


def to_ipynb(cells: Iterable[Cell]) -> str:
    """Return the file of a notebook without outputs; the same cells always give the same text."""
    notebook: dict[str, Json] = {
        "cells": [_as_dict(number, cell) for number, cell in enumerate(cells, start=1)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def _as_dict(number: int, cell: Cell) -> dict[str, Json]:
    common: dict[str, Json] = {
        "cell_type": cell.kind,
        "id": f"cell-{number:02}",
        "metadata": cell.metadata,
        "source": list(cell.source.splitlines(keepends=True)),
    }
    return common if cell.kind == "markdown" else {**common, "execution_count": None, "outputs": []}
