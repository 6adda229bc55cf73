"""A report as Markdown that GitHub and editors show, its pictures in a folder beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from carrychain.assignment.experiment import Experiment, Picture, Table
from carrychain.assignment.folder import FIGURES
from carrychain.assignment.report import Report, asked, figure_name
from carrychain.assignment.visible import visible

# What means something to Markdown within a line: an underscore only at the edge of a word, a colon
# only before a name that another one ends. And what does at its beginning.
_WITHIN = re.compile(r"([\\`*\[\]|~$])|(?<![^\W_])(_)|(_)(?![^\W_])|(:)(?=[\w+-]+:)")
_AT_THE_BEGINNING = re.compile(r"^([-+#]|\d+(?=[.)]))")


def markdown(report: Report) -> str:
    """Return the report; each picture is `figures/NAME.svg`, and `-dark.svg` for a dark page."""
    return "\n\n".join(_blocks(report)) + "\n"


def _blocks(report: Report) -> Iterator[str]:
    yield f"# {escaped(report.title)}"
    facts = [f"| {escaped(name)} | {escaped(fact)} |" for name, fact in report.facts.items()]
    yield "\n".join(["| | |", "|:--|:--|", *facts])
    questions = [each.question for each in report.experiments]
    yield "\n".join(f"- [{q.name}: {escaped(q.title)}](#{q.name.lower()})" for q in questions)
    for experiment in report.experiments:
        yield from _question(experiment, report.with_answers)
    yield '<a id="asked"></a>\n\n## What was asked'
    yield from _table(asked(report))


def _question(experiment: Experiment, with_answer: bool) -> Iterator[str]:
    question, result = experiment.question, experiment.result
    yield f'<a id="{question.name.lower()}"></a>\n\n## {question.name}: {escaped(question.title)}'
    yield f"> {escaped(question.text)}"
    first, *others = result.findings
    yield f"**{escaped(first)}**"
    if others:
        yield "\n".join(f"- {escaped(finding)}" for finding in others)
    for picture in result.pictures:
        yield _picture(experiment, picture)
    for table in result.tables:
        yield from _table(table)
    if with_answer:
        yield "### Written answer (the instructor's)"
        yield from result.answer


def _picture(experiment: Experiment, picture: Picture) -> str:
    file = f"{FIGURES}/{figure_name(experiment, picture)}"
    alt = _attribute(f"{picture.title}. {picture.alt}")
    return (
        "<picture>\n"
        f'  <source media="(prefers-color-scheme: dark)" srcset="{file}-dark.svg">\n'
        f'  <img alt="{alt}" src="{file}.svg">\n'
        "</picture>"
    )


def _table(table: Table) -> Iterator[str]:
    yield f"**{escaped(table.title)}**"
    rows = [
        [column.title for column in table.columns],
        ["--:" if column.numeric else ":--" for column in table.columns],
        *table.rows,
    ]
    yield "\n".join(
        "| " + " | ".join(row if place == 1 else map(escaped, row)) + " |"
        for place, row in enumerate(rows)
    )
    if table.note:
        yield escaped(table.note)


def escaped(text: str) -> str:
    r"""Return text that Markdown shows as it is, on one line.

    Example:
        >>> escaped("max_tokens is *8*, _so_ <b>")
        'max_tokens is \\*8\\*, \\_so\\_ &lt;b&gt;'
    """
    text = _WITHIN.sub(lambda found: f"\\{found[0]}", visible(text))
    text = _AT_THE_BEGINNING.sub(_escape_first, text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _escape_first(found: re.Match[str]) -> str:
    return f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}"


def _attribute(text: str) -> str:
    text = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;")
