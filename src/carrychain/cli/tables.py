"""An evaluation as a person reads it."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from carrychain.addition.anatomy import marked
from carrychain.addition.evaluation import Evaluation, Row
from carrychain.text import interval, number, share

SAMPLES = 3
MOST_OUTPUT = 60
MOST_DIGITS = 40


def summary(evaluation: Evaluation) -> Table:
    """Return accuracy, errors and cost of one evaluation, a line each."""
    m = evaluation.metrics
    prompt = evaluation.prompt
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("model", evaluation.model.title)
    table.add_row(
        "prompt", f"{prompt.name or 'own'}, {prompt.length} characters" + _tokens(prompt.tokens)
    )
    table.add_row(
        "accuracy",
        Text.assemble(
            (share(m.acc), "bold"), f"  95% interval {interval(m.acc_ci)}  ({m.correct} of {m.n})"
        ),
    )
    table.add_row("mean absolute error", number(m.mae))
    table.add_row("median absolute error", number(m.median_error))
    table.add_row("res", number(m.res))
    table.add_row(
        "unparsed", f"{m.unparsed} of {m.n} outputs hold no number that {evaluation.extract} finds"
    )
    if not evaluation.complete:
        table.add_row("unfinished", f"{m.unscored:,} rows are not scored")
    seconds = evaluation.timing.seconds
    table.add_row(
        "time",
        f"{seconds:.1f} s, {number(evaluation.timing.problems_per_second)} problems a second",
    )
    return table


def _tokens(count: int | None) -> str:
    return "" if count is None else f", {count} tokens"


def sample_outputs(evaluation: Evaluation) -> RenderableType:
    """Return the first outputs, each with the digits that are wrong marked."""
    return Group(*(line for row in evaluation.rows[:SAMPLES] for line in _sample(row)))


def _sample(row: Row) -> list[Text]:
    verdict = ("right", "green") if row.correct else ("wrong", "red")
    lines = [
        Text(),
        Text(f"{row.a}+{row.b} = {row.answer}", overflow="fold"),
        Text.assemble(
            "  output    ", (_shown(row.output), "dim"), no_wrap=True, overflow="ellipsis"
        ),
    ]
    if row.response is None:
        return [*lines, Text.assemble("  response  ", ("no number", "red"))]
    if row.response >= 10**MOST_DIGITS:
        digits = len(str(row.response))
        return [
            *lines,
            Text.assemble("  response  ", (f"a number of {digits} digits  wrong", "red")),
        ]
    digits, marks = marked(row.answer, row.response)
    text = Text("  response  ")
    for digit, wrong in zip(digits, marks, strict=True):
        text.append(digit, style="bold red" if wrong else "")
    text.append(f"  {verdict[0]}", style=verdict[1])
    lines.append(text)
    if any(marks):
        lines.append(
            Text(
                "            " + "".join("^" if wrong else " " for wrong in marks).rstrip(),
                style="red",
            )
        )
    return lines


def _shown(output: str) -> str:
    text = repr(output)
    return text if len(text) <= MOST_OUTPUT else text[: MOST_OUTPUT - 1] + "…"
