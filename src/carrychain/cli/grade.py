"""`carrychain grade`: submissions to grades."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from rich.text import Text

from carrychain import engines
from carrychain.cli import EXIT_FAILED, EXIT_INTERRUPTED
from carrychain.cli.console import check_output, json_option, note, progress, put_json, results
from carrychain.cli.graders import Graders, graders, workshop
from carrychain.cli.grades import class_table, csv_rows, findings_shown, line, report, wrapped
from carrychain.cli.options import offline_option, ray_option
from carrychain.errors import InvalidInput
from carrychain.grading import gradescope, inbox
from carrychain.grading.classroom import Result, grade_class, key_of
from carrychain.grading.findings import Finding
from carrychain.grading.grader import Grader
from carrychain.grading.handout import handout_results
from carrychain.grading.inbox import HandIn
from carrychain.grading.rubric import Rubric, load_rubric
from carrychain.grading.store import Store
from carrychain.grading.submission import check
from carrychain.io import Json, StrPath, check_writable, write_csv, write_json
from carrychain.sandbox import Tier, Workshop, explain
from carrychain.sandbox.tiers import reached

RESULTS = "results"

EXAMPLES = """Examples:

\b
  carrychain grade submission.py             your own, as the instructor does
  carrychain grade submission.py --check-only
  carrychain grade submissions/ --seed 4711  a class; run again to go on
"""


@click.command(epilog=EXAMPLES)
@click.argument("paths", nargs=-1, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--model", help="The model; see `carrychain models`.  [default: the rubric's]")
@offline_option
@click.option(
    "--seed",
    default=0,
    show_default=True,
    help="Draws the instances and fixes sampling; a class keeps one secret.",
)
@click.option("--runs", type=int, help="Ask each instance so often.  [default: the rubric's]")
@click.option(
    "--rubric",
    "rubric_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Rules to grade by.  [default: the package's own]",
)
@click.option(
    "--check-only", is_flag=True, help="Say what is wrong with the files; no model is asked."
)
@click.option(
    "--results-dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep grades there: grades.sqlite, .json and .csv, and the hand-out's results.json where "
    f"there is one submission.  [default: {RESULTS}, where there are more]",
)
@click.option(
    "--store",
    metavar="URL",
    envvar="CARRYCHAIN_STORE",
    help="Keep grades in this database, such as postgresql://user@host/class; several may write "
    "at once.  [default: grades.sqlite in the results folder]",
)
@click.option(
    "--gradescope",
    "be_gradescope",
    is_flag=True,
    help="Be the autograder under PATH, /autograder where none is given.",
)
@click.option(
    "--require-sandbox", is_flag=True, help="Grade nothing where the sandbox can't be complete."
)
@click.option(
    "--explain-sandbox", is_flag=True, help="Show what this machine can enforce, and end."
)
@ray_option
@json_option
@click.option(
    "--csv", "csv_path", type=click.Path(path_type=Path), help="Write the grades as CSV to FILE."
)
@click.pass_context
def grade(
    ctx: click.Context,
    paths: tuple[Path, ...],
    model: str | None,
    offline: bool,
    seed: int,
    runs: int | None,
    rubric_path: Path | None,
    check_only: bool,
    results_dir: Path | None,
    store: str | None,
    be_gradescope: bool,
    require_sandbox: bool,
    explain_sandbox: bool,
    ray_address: str | None,
    json_path: str | None,
    csv_path: Path | None,
) -> int:
    """Grade submissions: acc, mae, tests, and whether the sums are the model's own.

    PATH is a file; a folder of *.py, of folders with a submission.py, or of zips; or a Gradescope
    export. Each runs in a sandbox and sees its own file and its prompt.txt alone. What is handed in
    meanwhile is graded too. The status is 0 if all were graded, whatever the score, and 1 if one
    could not be.
    """
    if explain_sandbox:
        _refuse_beside(ctx, "explain_sandbox", "json_path")
        return _explain(json_path)
    if be_gradescope:
        _refuse_beside(ctx, "be_gradescope", "paths", "require_sandbox")
        return _be_gradescope(paths, require_sandbox)
    if not paths:
        raise click.UsageError("give a PATH to grade: a file, a zip or a folder")
    if check_only:
        _refuse_beside(ctx, "check_only", "paths", "require_sandbox", "json_path")
    check_output(json_path)
    if csv_path is not None:
        check_writable(csv_path)
    hand_ins = inbox.find(paths, note)
    if check_only:
        with workshop(require_sandbox) as sandbox:
            return _check(hand_ins, sandbox, json_path)
    rubric = load_rubric(rubric_path)
    runs = rubric.runs if runs is None else runs
    model = model or rubric.model
    if results_dir is None and len(hand_ins) > 1:
        results_dir = Path(RESULTS)
    if results_dir is not None:
        _make(results_dir)
    where = store or (results_dir and results_dir / inbox.KEPT_GRADES)
    with graders(ray_address, model, offline, rubric, seed, runs, require_sandbox) as given:
        info = given.info
        outcomes, hand_ins = _grade(paths, hand_ins, given, rubric, seed, runs, where)
    data = {
        "model": info.name,
        "seed": seed,
        "runs": runs,
        "grades": [outcome.as_dict() for outcome in outcomes],
    }
    put_json(data, json_path)
    rows = csv_rows(outcomes)
    if csv_path is not None:
        write_csv(csv_path, rows)
    if results_dir is not None:
        write_json(results_dir / "grades.json", data)
        write_csv(results_dir / "grades.csv", rows)
        if len(hand_ins) == 1 and outcomes and (only := outcomes[0].grade):
            write_json(results_dir / "results.json", handout_results(only))
    if json_path != "-":
        _show(outcomes, len(hand_ins), info.title)
    if len(outcomes) < len(hand_ins):
        missing = len(hand_ins) - len(outcomes)
        kept = f"; the same command goes on with the other {missing}" if where else ""
        note(f"interrupted after {len(outcomes)} of {len(hand_ins)}{kept}")
        return EXIT_INTERRUPTED
    return 0 if all(outcome.grade for outcome in outcomes) else EXIT_FAILED


def _refuse_beside(ctx: click.Context, mode: str, *allowed: str) -> None:
    """Raise UsageError if something was given that this way of grading would not look at."""
    flags = {option.name: option.opts[0] for option in ctx.command.params}
    for name in ctx.params:
        given = ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name not in (mode, *allowed):
            raise click.UsageError(f"{flags[mode]} takes no {flags[name].replace('paths', 'PATH')}")


def _grade(
    paths: Sequence[Path],
    hand_ins: Sequence[HandIn],
    graders: Graders,
    rubric: Rubric,
    seed: int,
    runs: int,
    where: StrPath | None,
) -> tuple[list[Result], list[HandIn]]:
    """Grade with a line for each as it finishes, and a bar; then what was handed in meanwhile.

    Returns:
        The results and what was handed in, more than those where the work was interrupted.
    """
    key = partial(key_of, engine=graders.info, rubric=rubric, seed=seed, runs=runs)
    outcomes: list[Result] = []
    found = list(hand_ins)
    several = len(found) > 1
    with ExitStack() as stack:
        store = stack.enter_context(Store(where)) if where is not None else None
        advance = stack.enter_context(progress(graders.info.title, len(found)))

        def on_result(result: Result) -> None:
            outcomes.append(result)
            if several:
                note(line(result))
            advance(len(outcomes), total=len(found))

        late = found
        while late:
            grade_class(
                late, graders.grade, key, store, at_once=graders.at_once, on_result=on_result
            )
            if len(outcomes) < len(found):
                break
            known = {each.name for each in found}
            late = [each for each in _found_now(paths) if each.name not in known]
            found += late
    places = {each.name: place for place, each in enumerate(found)}
    return sorted(outcomes, key=lambda result: places[result.hand_in.name]), found


def _found_now(paths: Sequence[Path]) -> list[HandIn]:
    """Return what there is by now, nothing where a path is gone."""
    try:
        return inbox.find(paths)
    except InvalidInput:
        return []


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"{folder} can't be made: {error.strerror or error}") from error


def _show(outcomes: Sequence[Result], of: int, model: str) -> None:
    """Show one submission in full, a class as a table."""
    if of > 1:
        results.print(class_table(outcomes))
    elif outcomes and outcomes[0].grade is not None:
        results.print(report(outcomes[0].grade, model))
    elif outcomes:
        note(line(outcomes[0]))


@dataclass(frozen=True, slots=True)
class _Checked:
    """What is wrong with one file."""

    name: str
    net_id: str
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        return all(finding.severity != "error" for finding in self.findings)

    def as_dict(self) -> dict[str, Json]:
        return {
            "submission": self.name,
            "net_id": self.net_id,
            "passed": self.passed,
            "findings": [finding.as_dict() for finding in self.findings],
        }


def _check(hand_ins: Sequence[HandIn], workshop: Workshop, json_path: str | None) -> int:
    """Show what is wrong with each file; the status is 1 if anything must be put right."""
    checks: list[_Checked] = []
    with progress("checking", len(hand_ins)) as advance:
        for hand_in in hand_ins:
            checks.append(_checked(hand_in, workshop))
            advance(len(checks))
    data = {"checks": [each.as_dict() for each in checks], "sandbox": {"tier": str(workshop.tier)}}
    put_json(data, json_path)
    if json_path != "-":
        for each in checks:
            verdict = Text("fine  ", "green") if each.passed else Text("FAILED", "bold red")
            whose = f"  {each.net_id}" if each.net_id else ""
            results.print(Text.assemble(verdict, "  ", (each.name, "bold"), whose))
            results.print(*findings_shown(each.findings), sep="\n", end="\n" * bool(each.findings))
        results.print(f"{sum(each.passed for each in checks)} of {len(checks)} fine")
    return 0 if all(each.passed for each in checks) else EXIT_FAILED


def _checked(hand_in: HandIn, workshop: Workshop) -> _Checked:
    if hand_in.problem:
        return _Checked(hand_in.name, "", (Finding("nothing-to-grade", hand_in.problem),))
    with hand_in.unpacked() as path:
        submission = check(path, workshop)
    return _Checked(hand_in.name, submission.net_id, submission.findings)


def _be_gradescope(paths: Sequence[Path], require_sandbox: bool) -> int:
    """Grade what a student handed in, and say nothing where the student could read it."""
    if len(paths) > 1:
        raise click.UsageError("--gradescope takes one PATH, the folder that holds submission/")
    root = paths[0] if paths else gradescope.ROOT
    settings, rubric = gradescope.load_autograder(root)
    hand_in = gradescope.submitted(root)
    if hand_in.problem:
        said = gradescope.nothing_to_grade(hand_in.problem)
    else:
        with workshop(require_sandbox) as sandbox, hand_in.unpacked() as path:
            engine = engines.load(settings.model)
            grader = Grader(engine, sandbox, rubric, settings.seed, settings.runs)
            said = gradescope.results(grader.grade(path), rubric)
    write_json(root / "results" / "results.json", said)
    note("results.json is written")
    return 0


def _explain(json_path: str | None) -> int:
    """Show what was tried in a child here, and the tier that follows from it."""
    check_output(json_path)
    evidence = explain()
    tier = reached(evidence)
    put_json({"tier": str(tier), "evidence": [each._asdict() for each in evidence]}, json_path)
    if json_path != "-":
        for each in evidence:
            mark = ("enforced", "green") if each.enforced else ("OPEN    ", "bold red")
            results.print(Text.assemble(mark, "  ", (each.protection, "bold")))
            results.print(*wrapped(each.sentence), sep="\n")
        results.print(f"tier: {tier} (of {', '.join(map(str, Tier))})", soft_wrap=True)
    return 0
