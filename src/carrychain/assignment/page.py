"""A report as one HTML file: no script, no request, light and dark, narrow and wide, on paper."""

from __future__ import annotations

import importlib.resources
from base64 import b64encode
from collections.abc import Iterator, Mapping
from html import escape

from markdown_it import MarkdownIt

from carrychain.assignment.experiment import Experiment, Picture, Table
from carrychain.assignment.pictures import Drawing
from carrychain.assignment.report import Report, asked, figure_name
from carrychain.assignment.visible import visible

# Should a browser ever find a request to make, it may not.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

LEAST = 0.7
"""A picture's least width as a share of its own, for its text to stay legible."""

Drawn = Mapping[str, tuple[Drawing, Drawing]]
"""Pictures by the names of their files, drawn for a light and a dark page."""


def page(report: Report, drawn: Drawn) -> str:
    """Return the report as a document.

    Args:
        report: what to show.
        drawn: its pictures.
    """
    questions = [each.question for each in report.experiments]
    style = importlib.resources.files("carrychain.assignment").joinpath("page.css")
    sections = "\n".join(
        _section(experiment, drawn, report.with_answers) for experiment in report.experiments
    )
    links = "\n".join(
        f'<li><a href="#{_id(q.name)}"><b>{text(q.name)}</b> {text(q.title)}</a></li>'
        for q in questions
    )
    facts = "\n".join(
        f"<div><dt>{text(name)}</dt><dd>{text(fact)}</dd></div>"
        for name, fact in report.facts.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{text(report.title)}</title>
<link rel="icon" href="data:,">
<style>
{style.read_text("utf-8")}</style>
</head>
<body>
<header>
<h1>{text(report.title)}</h1>
<dl>
{facts}
</dl>
</header>
<nav aria-label="Questions">
<ul>
{links}
<li><a href="#asked">What was asked</a></li>
</ul>
</nav>
<main>
{sections}
<section id="asked" aria-labelledby="asked-title">
<h2 id="asked-title">What was asked</h2>
{_table(asked(report), "asked-table")}
</section>
</main>
</body>
</html>
"""


def _section(experiment: Experiment, drawn: Drawn, with_answer: bool) -> str:
    question, result = experiment.question, experiment.result
    name = _id(question.name)
    return "\n".join(
        [
            f'<section id="{name}" aria-labelledby="{name}-title">',
            f'<h2 id="{name}-title"><b>{text(question.name)}</b> {text(question.title)}</h2>',
            f'<p class="asked">{text(question.text)}</p>',
            *_findings(result.findings),
            *(_figure(p, *drawn[figure_name(experiment, p)]) for p in result.pictures),
            *(_table(table, f"{name}-{_id(table.name)}") for table in result.tables),
            *(_answer(experiment) if with_answer else ()),
            "</section>",
        ]
    )


def _findings(findings: tuple[str, ...]) -> Iterator[str]:
    first, *others = findings
    yield f'<p class="first">{text(first)}</p>'
    if others:
        yield "<ul>\n" + "\n".join(f"<li>{text(finding)}</li>" for finding in others) + "\n</ul>"


def _figure(picture: Picture, light: Drawing, dark: Drawing) -> str:
    alt = f"{picture.title}. {picture.alt}"
    label = f"Picture: {picture.title}"
    return (
        f'<figure class="box" role="group" tabindex="0" aria-label="{text(label)}">\n'
        "<picture>\n"
        '<source media="screen and (prefers-color-scheme: dark)" '
        f'srcset="{_data(dark)}">\n'
        f'<img alt="{text(alt)}" width="{light.width}" height="{light.height}" '
        f'style="min-width: {round(LEAST * light.width)}px" '
        f'src="{_data(light)}">\n'
        "</picture>\n"
        "</figure>"
    )


def _table(table: Table, name: str) -> str:
    """Return a table in a box of its own, which scrolls where the table is wider than the page."""
    sides = ['class="number"' if column.numeric else "" for column in table.columns]
    heads = "".join(
        f'<th {side} scope="col">{text(column.title)}</th>' if column.title else f"<td {side}></td>"
        for column, side in zip(table.columns, sides, strict=True)
    )
    rows = "\n".join(_row(row, sides) for row in table.rows)
    note = f'\n<p class="note">{text(table.note)}</p>' if table.note else ""
    return (
        f'<div class="box" role="group" tabindex="0" aria-labelledby="{name}">\n'
        f'<table>\n<caption id="{name}"><span>{text(table.title)}</span></caption>\n'
        f"<thead>\n<tr>{heads}</tr>\n</thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>{note}"
    )


def _row(row: tuple[str, ...], sides: list[str]) -> str:
    first, *others = row
    kind = ' class="recorded"' if "recorded" in first.lower() else ""
    cells = "".join(
        f"<td {side}>{text(cell)}</td>" for cell, side in zip(others, sides[1:], strict=True)
    )
    return f'<tr{kind}><th {sides[0]} scope="row">{text(first)}</th>{cells}</tr>'


def _answer(experiment: Experiment) -> Iterator[str]:
    name = experiment.question.name
    reader = MarkdownIt("commonmark", {"html": False}).disable("image")
    yield f'<section class="answer" aria-labelledby="{_id(name)}-answer">'
    yield f'<h3 id="{_id(name)}-answer">Written answer to {text(name)} (the instructor\'s)</h3>'
    yield from (reader.render(paragraph).strip() for paragraph in experiment.result.answer)
    yield "</section>"


def _data(drawing: Drawing) -> str:
    return f"data:image/svg+xml;base64,{b64encode(drawing.svg).decode()}"


def text(anything: str) -> str:
    """Return text that HTML shows as it is, on one line."""
    return escape(visible(anything))


def _id(name: str) -> str:
    return escape(name.lower().replace(" ", "-"))
