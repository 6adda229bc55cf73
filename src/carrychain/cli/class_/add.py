"""`carrychain class add`: what was handed in."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from carrychain.cli import EXIT_FAILED
from carrychain.cli.console import check_output, json_option, note, put_json, results
from carrychain.grading import inbox
from carrychain.grading.class_folder import ClassFolder
from carrychain.io import Json


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path)
)
@json_option
def add(folder: Path, paths: tuple[Path, ...], json_path: str | None) -> int:
    """Keep what was handed in at each PATH as attempts of the class in FOLDER.

    PATH is a file; a folder of *.py, of folders with a submission.py, or of zips; or a Gradescope
    export, which says who handed it in and when. Elsewhere the file's own time counts. The same
    file again is no new attempt; a changed one is. The status is 1 if there was one without
    anything to grade: it is kept too, and the report names it.
    """
    check_output(json_path)
    room = ClassFolder.open(folder)
    added: list[dict[str, Json]] = []
    for hand_in, name in room.add(inbox.find(paths, note)):
        at = hand_in.handed_in
        added.append(
            {
                "path": hand_in.name,
                "submission": name,
                "new": bool(name),
                "problem": hand_in.problem,
                "handed_in": at and at.isoformat(timespec="seconds"),
                "time_from": hand_in.time_from,
            }
        )
        if json_path != "-":
            what = name or "there already"
            parts = [(hand_in.name, "bold"), f"  {what}"]
            if hand_in.problem:
                parts.append((f"  nothing to grade: {hand_in.problem}", "bold red"))
            results.print(Text.assemble(*parts), soft_wrap=True)
    put_json({"added": added}, json_path)
    count = sum(bool(each["new"]) for each in added)
    note(f"{count} new of {len(added)}; next: carrychain class run {folder}")
    return EXIT_FAILED if any(each["problem"] for each in added) else 0
