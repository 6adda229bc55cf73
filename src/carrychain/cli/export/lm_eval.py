"""`carrychain export lm-eval`: a task for lm-evaluation-harness."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from carrychain.api import problems_of
from carrychain.cli.asked import (
    extract_option,
    origin_from,
    problem_options,
    prompt_from,
    prompt_options,
)
from carrychain.cli.console import check_output, json_option, note, put_json, results
from carrychain.cli.options import sampling_from, sampling_options
from carrychain.peers.lm_eval import TASK, export


@click.command("lm-eval")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@prompt_options
@problem_options
@click.option("--seed", default=0, show_default=True, help="Fixes the problems.")
@sampling_options
@click.option("--ignore-stop", is_flag=True, help="Drop every stop string.")
@extract_option
@click.option(
    "--task",
    default=TASK,
    show_default=True,
    metavar="NAME",
    help="The task's name; tasks that are run together need names of their own.",
)
@click.option(
    "--overwrite", is_flag=True, help="Write into a DIR that is not empty; other files stay."
)
@json_option
def lm_eval(folder: Path, task: str, overwrite: bool, json_path: str | None, **given: Any) -> None:
    """Write a task for lm-evaluation-harness to DIR.

    It asks the problems of `carrychain evaluate` with the same options, in the same words, with the
    same decoding parameters, and reads the answers in the same way. carrychain is not needed where
    it is run.
    """
    check_output(json_path)
    asked = prompt_from(given)
    sampling = sampling_from(given, **asked.sampling)
    exported = export(
        folder,
        prompt=asked.prompt,
        problems=problems_of(origin_from(given)),
        sampling=replace(sampling, stop=()) if given["ignore_stop"] else sampling,
        extract=given["extract"] or asked.extract,
        pre_processing=given["pre_processing"] or asked.pre_processing,
        task=task,
        overwrite=overwrite,
    )
    put_json(exported.as_dict(), json_path)
    if json_path == "-":
        return
    results.print(
        f"{exported.folder} holds the task {exported.task}, {exported.n:,} problems: "
        f"{', '.join(exported.files)}",
        soft_wrap=True,
    )
    note(f"run it, with a model's name or folder for ID: {exported.command}")
