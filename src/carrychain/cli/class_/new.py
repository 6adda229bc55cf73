"""`carrychain class new`: the folder of a class."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from carrychain.cli.console import check_output, json_option, note, put_json, results
from carrychain.grading.class_folder import SEED, SETTINGS, create
from carrychain.grading.inbox import KEPT_GRADES

EXAMPLES = """Example:

\b
  carrychain class new hw3 --deadline "2026-12-01 23:59" --time-zone America/New_York
"""


@click.command(epilog=EXAMPLES)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", help="What the class is called.  [default: the folder's name]")
@click.option("--model", help="The model; see `carrychain models`.  [default: the rubric's]")
@click.option(
    "--deadline",
    type=click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    metavar="TIME",
    help='The last moment, such as "2026-12-01 23:59".  [default: none]',
)
@click.option(
    "--time-zone",
    default="UTC",
    show_default=True,
    metavar="ZONE",
    help="Where the class is, such as America/New_York.",
)
@click.option(
    "--attempts-a-day",
    type=click.IntRange(min=1),
    metavar="N",
    help="Attempts beyond are kept and not ranked.  [default: no limit]",
)
@click.option(
    "--rubric",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Rules to copy into the folder.  [default: the package's own]",
)
@click.option(
    "--store",
    default=KEPT_GRADES,
    show_default=True,
    metavar="URL",
    help="Where grades are kept: a file in the folder, or a database for several graders, such "
    "as postgresql://user@host/class.",
)
@json_option
def new(
    folder: Path,
    name: str | None,
    model: str | None,
    deadline: datetime | None,
    time_zone: str,
    attempts_a_day: int | None,
    rubric: Path | None,
    store: str,
    json_path: str | None,
) -> None:
    """Make the FOLDER of a class: its rules, a secret seed, a place for what is handed in.

    Read class.toml and rubric.toml there, and change what you like: late attempts, extensions,
    weights, points. The folder and the seed are readable by you alone.
    """
    check_output(json_path)
    room = create(
        folder,
        name=name,
        model=model,
        deadline=deadline,
        time_zone=time_zone,
        attempts_a_day=attempts_a_day,
        rubric=rubric,
        store=store,
    )
    at = room.policy.deadline
    data = {
        "folder": str(folder),
        "class": room.settings.name,
        "model": room.settings.model,
        "deadline": at and at.isoformat(),
        "time_zone": time_zone,
        "attempts_a_day": attempts_a_day,
    }
    put_json(data, json_path)
    if json_path != "-":
        results.print(f"{folder} is ready: read {folder / SETTINGS}", soft_wrap=True, markup=False)
    note(f"{folder / SEED} draws the instances: keep it secret, and keep a copy")
    note(f"next: carrychain class add {folder} PATH...")
