"""`carrychain evaluate`: the main job."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from carrychain import engines, io
from carrychain.addition.evaluation import Evaluation, Row
from carrychain.addition.evaluation import evaluate as evaluate_problems
from carrychain.addition.extraction import extractor
from carrychain.addition.prompts import Prompt, ShippedPrompt
from carrychain.api import Origin, problems_of
from carrychain.cli import EXIT_INTERRUPTED
from carrychain.cli.asked import (
    extract_option,
    origin_from,
    problem_options,
    prompt_from,
    prompt_options,
)
from carrychain.cli.console import check_output, json_option, note, progress, put_json, results
from carrychain.cli.options import (
    dtype_option,
    model_option,
    offline_option,
    on_cluster,
    ray_option,
    sampling_from,
    sampling_options,
)
from carrychain.cli.submissions import runnable_submission
from carrychain.cli.tables import sample_outputs, summary
from carrychain.engines.base import SamplingParams
from carrychain.errors import InvalidInput
from carrychain.grading.asking import ask, hidden
from carrychain.grading.contract import POST, PRE
from carrychain.grading.submission import Submission
from carrychain.sandbox import Workshop

INTERRUPTED_FILE = "carrychain-interrupted.json"

EXAMPLES = r"""Examples:

{block}
  carrychain evaluate                           7-digit sums, no example
  carrychain evaluate --prompt columns          one example, worked out
  carrychain evaluate --digits 1 --max-tokens 2
  carrychain evaluate --prefix 'Q: ' --suffix '\nA: ' --json mine.json
  carrychain evaluate submission.py             its prompt, parameters and functions
""".format(block="\b")

BESIDE_RESUME = ("submission_path", "offline", "ray_address", "json_path", "csv_path", "resume")
GIVEN_BY_A_SUBMISSION = (
    "prompt_name",
    "prompt_file",
    "prefix",
    "suffix",
    "pre_processing",
    "extract",
)


@dataclass(frozen=True)
class Plan:
    """Everything that decides an evaluation's rows."""

    prompt: Prompt
    prompt_name: str | None
    pre_processing: str
    extract: str
    sampling: SamplingParams
    origin: Origin
    seed: int
    runs: int
    mae_scale: float
    model: str
    dtype: str


@click.command(epilog=EXAMPLES)
@click.argument(
    "submission_path",
    metavar="[SUBMISSION.py]",
    required=False,
    type=click.Path(path_type=Path),
)
@prompt_options
@model_option
@dtype_option
@offline_option
@problem_options
@click.option("--seed", default=0, show_default=True, help="Fixes problems and sampling.")
@click.option(
    "--runs", default=1, show_default=True, help="Ask each problem so often, with fresh sampling."
)
@ray_option
@sampling_options
@click.option(
    "--ignore-stop", is_flag=True, help="Drop every stop string, as the hand-out's own code does."
)
@extract_option
@click.option(
    "--mae-scale",
    default=5e6,
    show_default=True,
    help="Scale of the mean absolute error in res (the notebook's is 1e4).",
)
@json_option
@click.option(
    "--csv", "csv_path", type=click.Path(path_type=Path), help="Write the rows as CSV to FILE."
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    help="Finish an interrupted evaluation; everything is taken from the file.",
)
@click.pass_context
def evaluate(
    ctx: click.Context,
    submission_path: Path | None,
    json_path: str | None,
    csv_path: Path | None,
    resume: Path | None,
    offline: bool,
    ray_address: str | None,
    **given: Any,
) -> int:
    """Measure a prompt on addition problems: accuracy with its interval, error, cost.

    SUBMISSION.py gives prompt, parameters, pre- and post-processing; it runs in a sandbox.
    """
    check_output(json_path)
    check_output(None if csv_path is None else str(csv_path))
    with ExitStack() as stack:
        submission = earlier = None
        if submission_path is not None:
            _refuse(
                ctx, GIVEN_BY_A_SUBMISSION, f"{submission_path} gives the prompt and how it is read"
            )
            submission = runnable_submission(submission_path, stack.enter_context(Workshop()))
        if resume:
            _refuse(
                ctx,
                [name for name in ctx.params if name not in BESIDE_RESUME],
                "--resume takes every setting from its file",
            )
            earlier = Evaluation.load(resume)
            _check_whose(earlier, submission, resume)
            plan = _plan_of(earlier)
            json_path = json_path or str(resume)
        else:
            plan = _plan_from(given, submission)
        if ray_address is None:
            engine = engines.load(plan.model, dtype=plan.dtype, offline=offline)
        else:
            engine = stack.enter_context(
                on_cluster(ray_address, plan.model, dtype=plan.dtype, offline=offline)
            )
        evaluation = run(plan, engine, earlier, submission)
    if not evaluation.complete and json_path is None:
        json_path = INTERRUPTED_FILE
    put_json(evaluation.as_dict(), json_path)
    if csv_path:
        io.write_csv(csv_path, [row.as_dict() for row in evaluation.rows])
    if json_path != "-":
        results.print(summary(evaluation), sample_outputs(evaluation))
    if evaluation.complete:
        return 0
    note(
        f"{evaluation.interruption}; {len(evaluation.rows):,} rows are kept in {json_path}; "
        f"go on with: carrychain evaluate {_resuming(submission, json_path)}"
    )
    return EXIT_INTERRUPTED


def run(
    plan: Plan,
    engine: engines.Engine,
    earlier: Evaluation | None = None,
    submission: Submission | None = None,
) -> Evaluation:
    """Carry a plan out with a progress bar."""
    problems = problems_of(plan.origin)
    if str(sharing := engine.info.settings.get("prefix", "shared")) != "shared":
        note(
            f"{engine.info.title}: the prompt's prefix is {sharing}; every prompt is computed whole"
        )
    finished = len(earlier.rows) if earlier else 0
    correct = sum(row.correct for row in earlier.rows) if earlier else 0
    with progress(engine.info.title, len(problems) * plan.runs, finished) as advance:

        def on_row(row: Row) -> None:
            nonlocal finished, correct
            finished += 1
            correct += row.correct
            advance(finished, f"acc {correct / finished:.2f}" if submission is None else "")

        if submission is not None:
            return _ask(submission, plan, engine, earlier, on_row)
        return evaluate_problems(
            prompt=plan.prompt,
            prompt_name=plan.prompt_name,
            engine=engine,
            problems=problems,
            origin=plan.origin,
            sampling=plan.sampling,
            seed=plan.seed,
            runs=plan.runs,
            extract=plan.extract,
            pre_processing=plan.pre_processing,
            mae_scale=plan.mae_scale,
            on_row=on_row,
            resume=earlier,
        )


def _ask(
    submission: Submission,
    plan: Plan,
    engine: engines.Engine,
    earlier: Evaluation | None,
    on_row: Callable[[Row], None],
) -> Evaluation:
    """Carry a plan out through a submission's functions."""
    try:
        asked = ask(
            submission,
            engine,
            problems_of(plan.origin),
            sampling=plan.sampling,
            origin=plan.origin,
            seed=plan.seed,
            runs=plan.runs,
            mae_scale=plan.mae_scale,
            on_row=on_row,
            resume=earlier,
        )
    except InvalidInput as error:
        raise InvalidInput(submission.redact(str(error))) from None
    said = submission.with_findings(asked.findings).findings[len(submission.findings) :]
    if asked.unasked or asked.evaluation is None:
        raise InvalidInput(f"{submission.path} can't be evaluated: {said[0]}")
    for finding in said:
        note(f"{finding.severity}: {finding}")
    return hidden(asked.evaluation, submission)


def _plan_from(given: dict[str, Any], submission: Submission | None) -> Plan:
    if submission is None:
        asked = prompt_from(given)
        own: dict[str, Any] = dict(asked.sampling)
    else:
        assert submission.sampling is not None
        asked = ShippedPrompt("", submission.prompt, "", extract=POST, pre_processing=PRE)
        own = asdict(submission.sampling)
    extract = given["extract"] or asked.extract
    if submission is None:
        extractor(extract)
    sampling = sampling_from(given, **own)
    return Plan(
        prompt=asked.prompt,
        prompt_name=asked.name or None,
        pre_processing=given["pre_processing"] or asked.pre_processing,
        extract=extract,
        sampling=replace(sampling, stop=()) if given["ignore_stop"] else sampling,
        origin=origin_from(given),
        seed=given["seed"],
        runs=given["runs"],
        mae_scale=given["mae_scale"],
        model=given["model"],
        dtype=given["dtype"],
    )


def _plan_of(earlier: Evaluation) -> Plan:
    """Return the plan that an interrupted evaluation followed."""
    dtype = earlier.model.settings.get("dtype")
    return Plan(
        prompt=Prompt(earlier.prompt.prefix, earlier.prompt.suffix),
        prompt_name=earlier.prompt.name,
        pre_processing=earlier.prompt.pre_processing,
        extract=earlier.extract,
        sampling=earlier.sampling,
        origin=earlier.origin,
        seed=earlier.seed,
        runs=earlier.runs,
        mae_scale=earlier.mae_scale,
        model=earlier.model.name,
        dtype=dtype if isinstance(dtype, str) else "auto",
    )


def _check_whose(earlier: Evaluation, submission: Submission | None, path: Path) -> None:
    """Raise InvalidInput if only one of both is of a submission."""
    if earlier.extract == POST and submission is None:
        raise InvalidInput(
            f"{path} is of a submission, whose functions it needs; name it too: "
            f"carrychain evaluate SUBMISSION.py --resume {path}"
        )
    if earlier.extract != POST and submission is not None:
        raise InvalidInput(f"{path} is not of a submission; leave out {submission.path}")


def _resuming(submission: Submission | None, json_path: str | None) -> str:
    return f"{submission.path if submission else ''} --resume {json_path}".strip()


def _refuse(ctx: click.Context, names: Iterable[str], why: str) -> None:
    """Raise InvalidInput if one of these options was given."""
    for name in names:
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            option = next(p for p in ctx.command.params if p.name == name)
            raise InvalidInput(f"{why}; leave out {option.opts[0]}")
