"""`carrychain handout`: the folder that a student receives, or the instructor's with answers."""

from __future__ import annotations

from pathlib import Path

import click

from carrychain.assignment.handout import check_folder, students_files, write_folder
from carrychain.cli.console import check_output, json_option, note, progress, put_json, results
from carrychain.cli.options import model_option

_ONLY_WITH_ANSWERS = ("model", "second", "n")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--overwrite", is_flag=True, help="Replace the hand-out's own files in DIR; others stay."
)
@click.option(
    "--with-answers",
    is_flag=True,
    help="Write the instructor's folder: solved, answered from measurements, notebooks run.",
)
@model_option
@click.option(
    "--compare-with",
    "second",
    metavar="MODEL",
    help="The second model, for the answer to Q1c.  [default: recorded runs of Qwen3-8B]",
)
@click.option(
    "-n",
    "n",
    default=100,
    show_default=True,
    type=click.IntRange(min=1),
    help="Problems a setting that the answers are measured on.",
)
@json_option
@click.pass_context
def handout(
    context: click.Context,
    folder: Path,
    overwrite: bool,
    with_answers: bool,
    model: str,
    second: str | None,
    n: int,
    json_path: str | None,
) -> None:
    """Write the student's folder to DIR: notebooks, files to fill in, requirements, README.

    The package comes along as a wheel, so that a student needs nothing else from you. With
    --with-answers DIR is the instructor's: the same folder, solved. That asks the model all
    questions and runs the notebooks, which takes some minutes on mini.
    """
    for name in () if with_answers else _ONLY_WITH_ANSWERS:
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            raise click.UsageError("--model, --compare-with and -n belong to --with-answers")
    check_output(json_path)
    check_folder(folder, overwrite=overwrite)
    content = _answered(model, second, n) if with_answers else students_files()
    write_folder(folder, content, overwrite=overwrite)
    listed = [{"name": name, "bytes": len(data)} for name, data in content.items()]
    put_json({"folder": str(folder), "with_answers": with_answers, "files": listed}, json_path)
    if json_path == "-":
        return
    for name, data in content.items():
        results.print(f"{len(data):>10,}  {name}", soft_wrap=True)
    if with_answers:
        results.print(f"{folder} holds the answers: keep it from students", soft_wrap=True)
    else:
        results.print(f"{folder} is ready to hand out; its README.md comes first", soft_wrap=True)


def _answered(model: str, second: str | None, n: int) -> dict[str, bytes]:
    from carrychain.assignment.answers import check_can_run, instructors_files
    from carrychain.assignment.experiment import Plan
    from carrychain.assignment.lab import Progress, distinct
    from carrychain.assignment.questions import QUESTIONS

    check_can_run()
    plan = Plan(n=n, second=second is not None)
    total = sum(ask.answers for ask in distinct(QUESTIONS, plan))
    with progress(model, total) as advance:

        def on_progress(now: Progress) -> None:
            advance(now.done, now.question, now.total)

        return instructors_files(
            plan, model=model, second=second, say=note, on_progress=on_progress
        )
