"""`carrychain class report`: what a class has come to."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from carrychain.cli.console import check_output, json_option, note, put_json, results
from carrychain.grading.class_folder import ClassFolder
from carrychain.grading.class_report import gather, write_report


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@json_option
def report(folder: Path, json_path: str | None) -> None:
    """Write FOLDER/report: report.html and report.md, pictures, grades.csv, a public leaderboard.

    Points for the written parts are read from FOLDER/marks.csv, a sheet with a line a student that
    any spreadsheet opens; with Q3's they make the total, by the weights in class.toml. A student
    with an empty cell has no total yet.
    """
    check_output(json_path)
    room = ClassFolder.open(folder)
    with room.store() as store:
        found = gather(room, store)
        written = write_report(room, found, store)
    put_json(found.as_dict(), json_path)
    if json_path != "-":
        for path in written:
            results.print(Text(str(path)), soft_wrap=True)
        totals = sum(line.total is not None for line in found.lines)
        note(
            f"{len(found.lines)} students, {totals} with a total; {len(found.waiting)} for review; "
            f"{len(found.alike)} groups alike; {len(found.not_graded)} without a grade"
        )
