"""`carrychain class run`: grade what is new or changed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from carrychain.cli import EXIT_FAILED, EXIT_INTERRUPTED
from carrychain.cli.console import check_output, json_option, note, progress, put_json, results
from carrychain.cli.graders import Graders, graders
from carrychain.cli.grades import class_table, line
from carrychain.cli.options import offline_option, ray_option
from carrychain.errors import InvalidInput
from carrychain.grading.class_folder import ClassFolder
from carrychain.grading.classroom import Result, grade_class, key_of, whose
from carrychain.grading.grader import Grade
from carrychain.grading.inbox import HandIn
from carrychain.grading.marking import write_sheet
from carrychain.grading.store import Store


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@offline_option
@click.option(
    "--require-sandbox", is_flag=True, help="Grade nothing where the sandbox can't be complete."
)
@ray_option
@json_option
def run(
    folder: Path,
    offline: bool,
    require_sandbox: bool,
    ray_address: str | None,
    json_path: str | None,
) -> int:
    """Grade every attempt of the class in FOLDER that has no grade yet.

    An attempt is graded again only if the model, the rubric or the seed changed. Ctrl-C keeps what
    was finished; run it again to go on. What is added meanwhile is graded too. Several may run it
    at once where class.toml names a database.
    """
    check_output(json_path)
    room = ClassFolder.open(folder)
    if not room.entries():
        raise InvalidInput(
            f"{folder} holds no submission yet; add some: carrychain class add {folder} PATH..."
        )
    runs = room.rubric.runs
    with (
        graders(
            ray_address, room.settings.model, offline, room.rubric, room.seed, runs, require_sandbox
        ) as given,
        room.store() as store,
    ):
        outcomes, waiting = _grade(room, store, given)
        if (lines := write_sheet(room.marks, list(store.students()))) and json_path != "-":
            note(f"{room.marks}: {lines} new to mark")
    data = {"class": room.settings.name, "grades": [outcome.as_dict() for outcome in outcomes]}
    put_json(data, json_path)
    if json_path != "-":
        results.print(class_table(outcomes))
    if waiting:
        note(f"interrupted; the same command goes on with the other {waiting}")
        return EXIT_INTERRUPTED
    return 0 if all(outcome.grade for outcome in outcomes) else EXIT_FAILED


def _grade(room: ClassFolder, store: Store, graders: Graders) -> tuple[list[Result], int]:
    """Grade all that is there, and what was added meanwhile; return how many were left out."""
    rubric = room.rubric
    key = partial(key_of, engine=graders.info, rubric=rubric, seed=room.seed, runs=rubric.runs)
    outcomes: list[Result] = []
    done: set[str] = set()
    while True:
        entries = [entry for entry in room.entries() if entry.hand_in.name not in done]
        if not entries:
            return outcomes, 0
        called = {entry.hand_in.name: entry.called for entry in entries}
        hand_ins = [entry.hand_in for entry in entries]
        if "://" in room.settings.store:
            random.shuffle(hand_ins)  # several graders going the same way would do the same work
        finished = 0
        with progress(graders.info.title, len(hand_ins)) as advance:

            def on_result(result: Result) -> None:
                nonlocal finished
                finished += 1
                note(line(result))
                advance(finished)

            owners = partial(_whose, called)
            found = grade_class(
                hand_ins,
                graders.grade,
                key,
                store,
                owners=owners,
                at_once=graders.at_once,
                on_result=on_result,
            )
        outcomes += sorted(found, key=lambda result: list(called).index(result.hand_in.name))
        done |= called.keys()
        if len(found) < len(hand_ins):
            return outcomes, len(hand_ins) - len(found)


def _whose(called: Mapping[str, str], hand_in: HandIn, grade: Grade) -> list[str]:
    """Tell whose it is by the path that it came from, where nothing else says so."""
    return whose(replace(hand_in, name=called[hand_in.name]), grade)
