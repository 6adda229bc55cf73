"""What a person sees: tables on standard output, notes and progress on standard error."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from carrychain.io import check_writable, write_json

results = Console(highlight=False, soft_wrap=False)
notes = Console(stderr=True, highlight=False)

json_option = click.option(
    "--json",
    "json_path",
    metavar="FILE",
    help="Write the result as JSON to FILE; - writes it to standard output instead of the table.",
)


def note(message: str) -> None:
    """Say something about the work, not of its result, on standard error."""
    notes.print(message, style="dim", markup=False, soft_wrap=True)


def check_output(path: str | None) -> None:
    """Raise InvalidInput now if a result could not be written to `path` later."""
    if path not in (None, "-"):
        check_writable(Path(path))


def put_json(data: Any, path: str | None) -> None:
    """Write a result as JSON where `--json` says: a file, standard output (-) or nowhere."""
    if path == "-":
        click.echo(json.dumps(data, ensure_ascii=False, allow_nan=False, indent=1))
    elif path is not None:
        write_json(Path(path), data)


class Advance(Protocol):
    """Tells a progress bar how far the work is, what to write beside it, and a new total."""

    def __call__(self, done: int, status: str = "", total: int | None = None) -> None: ...


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="progress.data.speed")


@contextmanager
def progress(label: str, total: int, done: int = 0) -> Generator[Advance]:
    """Show a bar with rate and time left on standard error; nothing where that is no terminal."""
    if not notes.is_terminal:
        yield lambda done, status="", total=None: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[status]}"),
    )
    with Progress(*columns, console=notes, transient=True) as bar:
        task = bar.add_task(label, total=total, completed=done, status="")
        yield lambda done, status="", total=None: bar.update(
            task, completed=done, status=status, total=total
        )
