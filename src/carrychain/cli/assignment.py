"""`carrychain assignment`: the questions of Part 2, asked, answered and reported."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click
from click.core import ParameterSource
from rich.cells import cell_len
from rich.table import Table as RichTable
from rich.text import Text

from carrychain import __version__, engines
from carrychain.assignment.experiment import Experiment, Plan, Question, Table
from carrychain.assignment.folder import Folder, Sitting
from carrychain.assignment.lab import Lab, Progress, distinct
from carrychain.assignment.report import Report, write
from carrychain.assignment.visible import visible
from carrychain.cli import EXIT_INTERRUPTED, console
from carrychain.cli.console import check_output, json_option, note, progress, put_json
from carrychain.cli.options import dtype_option, model_option, offline_option
from carrychain.engines.base import Engine
from carrychain.errors import GenerationFailed

GAP = 2

EXAMPLES = r"""Examples:

{block}
  carrychain assignment --out report         every question; open report/report.html
  carrychain assignment Q1d Q2b              two of them, in the terminal
  carrychain assignment Q1c --compare-with smollm2
""".format(block="\b")


@click.command(epilog=EXAMPLES)
@click.argument("names", metavar="[Q1a … Q2d]", nargs=-1)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write report.html, report.md, report.json, the pictures and every evaluation to DIR. "
    "An unfinished run in it is gone on with.",
)
@model_option
@click.option("--compare-with", metavar="MODEL", help="A second model, for Q1c.")
@dtype_option
@offline_option
@click.option(
    "-n",
    "n",
    default=100,
    show_default=True,
    type=click.IntRange(min=1),
    help="Problems a setting.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="Fixes problems and sampling.",
)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace the files of another run in DIR. Nothing is deleted, and what the same model "
    "was asked in the same way is not asked again.",
)
@click.option(
    "--with-answers",
    is_flag=True,
    help="Add the written answers: the instructor's copy, not for students.",
)
@json_option
@click.pass_context
def assignment(
    ctx: click.Context,
    names: tuple[str, ...],
    out: Path | None,
    model: str,
    compare_with: str | None,
    dtype: str,
    offline: bool,
    n: int,
    seed: int,
    overwrite: bool,
    with_answers: bool,
    json_path: str | None,
) -> int:
    """Ask the assignment's questions of Part 2, all or those named, and say what came of it.

    Every finding is computed from the answers, with 95% intervals, beside recorded runs of
    Llama-2 and Qwen3. Without --out nothing is kept.
    """
    check_output(json_path)
    from carrychain.assignment.questions import find

    questions = find(names)
    folder = Folder(out, overwrite) if out else None
    plan = Plan(n, seed, second=_asks_second(questions, Plan(n, seed, second=True), compare_with))
    engine = engines.load(model, dtype=dtype, offline=offline)
    other = None
    if plan.second and compare_with is not None:
        other = engines.load(compare_with, dtype=dtype, offline=offline)
    settings = _settings(questions, plan, engine, other)
    sitting = folder.start(settings) if folder else Sitting.now()
    if folder and folder.goes_on:
        note(f"{folder.path} holds a run of the same settings; it is gone on with")
    lab = Lab(engine, other, folder.evaluations if folder else None, seed)
    experiments: list[Experiment] = []
    reached = Progress(0, sum(ask.answers for ask in distinct(questions, plan)), "")

    def report() -> Report:
        second = other.info if other else None
        return Report(engine.info, second, plan, sitting, tuple(experiments), with_answers)

    try:
        with progress(engine.info.title, reached.total) as advance:

            def on_progress(now: Progress) -> None:
                nonlocal reached
                reached = now
                advance(now.done, now.question, now.total)

            experiments.extend(lab.run(questions, plan, on_progress))
        if folder:
            write(report(), folder)
            folder.finish(settings, sitting)
    except (KeyboardInterrupt, GenerationFailed) as error:
        if folder is None and json_path != "-":
            _show(report())
        why = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
        note(f"{why}; {_how_to_go_on(ctx, out, reached)}")
        return EXIT_INTERRUPTED
    put_json(report().as_dict(), json_path)
    if json_path != "-":
        _show(report(), brief=folder is not None)
        if folder:
            console.results.print(
                f"report: {(folder.path / 'report.html').resolve()}", soft_wrap=True
            )
    return 0


def _asks_second(questions: Sequence[Question], plan: Plan, name: str | None) -> bool:
    """Whether there is a second model and a question that asks it."""
    if name is None:
        return False
    asks = any(ask.second for ask in distinct(questions, plan))
    if not asks:
        listed = ", ".join(question.name for question in questions)
        note(f"--compare-with {name}: no second model plays a part in {listed}; it is not loaded")
    return asks


def _settings(
    questions: Sequence[Question], plan: Plan, engine: Engine, other: Engine | None
) -> dict[str, object]:
    """Return what decides the answers, by names for a person."""

    def of(engine: Engine | None) -> list[object]:
        return [] if engine is None else [engine.info.name, engine.info.revision]

    return {
        "the questions": [question.name for question in questions],
        "-n": plan.n,
        "--seed": plan.seed,
        "--model": of(engine),
        "--compare-with": of(other),
        "--dtype": [e.info.settings.get("dtype") for e in (engine, other) if e],
        "carrychain's version": __version__,
    }


def _how_to_go_on(ctx: click.Context, out: Path | None, reached: Progress) -> str:
    if out is None:
        return "nothing is kept; with --out DIR the same could be gone on with"
    given = ["carrychain", "assignment", *ctx.params["names"]]
    for option in ctx.command.params:
        name = option.name or ""
        source = ctx.get_parameter_source(name)
        if name in ("names", "overwrite") or source is not ParameterSource.COMMANDLINE:
            continue
        value = ctx.params[name]
        given += [option.opts[0]] if value is True else [option.opts[0], str(value)]
    return (
        f"{reached.done:,} of {reached.total:,} answers are kept in {out}; "
        f"go on with: {shlex.join(given)}"
    )


def _show(report: Report, brief: bool = False) -> None:
    """Print each question's findings, and its tables unless they stand in a report."""
    for experiment in report.experiments:
        question, result = experiment.question, experiment.result
        console.results.print(_text(f"{question.name}  {question.title}", "bold"))
        console.results.print(_text(experiment.model, "dim"))
        for finding in result.findings[: 1 if brief else None]:
            console.results.print(_text(finding))
        for table in () if brief else result.tables:
            console.results.print()
            _show_table(table)
        if report.with_answers and not brief:
            console.results.print()
            console.results.print(_text("Written answer (the instructor's)", "bold"))
            for paragraph in result.answer:
                console.results.print(_text(paragraph))
        console.results.print()


def _show_table(table: Table) -> None:
    """Print a table; where its words do not fit side by side, each row becomes a list."""
    titles = tuple(column.title for column in table.columns)
    widths = _widths([titles, *table.rows], console.results.width)
    if widths is None:
        _show_rows(table)
    else:
        shown = RichTable(
            title=_text(table.title, "italic"),
            title_justify="left",
            box=None,
            pad_edge=False,
            padding=(0, GAP, 0, 0),
        )
        for column, width in zip(table.columns, widths, strict=True):
            side = "right" if column.numeric else "left"
            shown.add_column(_text(column.title), justify=side, width=width)
        for row in table.rows:
            shown.add_row(*map(_text, row))
        console.results.print(shown)
    if table.note:
        console.results.print(_text(table.note, "dim"))


def _widths(rows: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """Return columns' widths that break no word, None if there are none so narrow."""
    columns = [[visible(cell) for cell in column] for column in zip(*rows, strict=True)]
    least = [max(cell_len(w) for cell in c for w in cell.split() or [""]) for c in columns]
    wanted = [max(map(cell_len, column)) for column in columns]
    spare = width - sum(least) - GAP * (len(columns) - 1)
    if spare < 0:
        return None
    widths = list(least)
    by_need = sorted(range(len(columns)), key=lambda place: wanted[place] - least[place])
    for done, place in enumerate(by_need):  # what the modest leave is the others'
        more = min(wanted[place] - least[place], spare // (len(columns) - done))
        widths[place] += more
        spare -= more
    return widths


def _show_rows(table: Table) -> None:
    console.results.print(_text(table.title, "italic"))
    for first, *others in table.rows:
        console.results.print(_text(first))
        for column, cell in zip(table.columns[1:], others, strict=True):
            if cell:
                title = (f"  {visible(column.title)}  ", "dim")
                console.results.print(Text.assemble(title, visible(cell), overflow="fold"))


def _text(anything: str, style: str = "") -> Text:
    return Text(visible(anything), style, overflow="fold")
