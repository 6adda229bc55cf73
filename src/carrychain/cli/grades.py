"""Grades as a person reads them: one in full, a class as a table, and both as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import TextWrapper

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from carrychain.cli.console import results
from carrychain.grading.classroom import Result
from carrychain.grading.findings import Finding, clipped
from carrychain.grading.grader import Grade
from carrychain.grading.integrity import Reason
from carrychain.grading.rubric import TESTS
from carrychain.grading.spreadsheet import cell
from carrychain.text import interval, number, share

_COLOURS = {"clean": "green", "flagged": "bold red", "review": "yellow"}
_INDENT = " " * 8
_MOST_SHOWN = 200


def line(result: Result) -> str:
    """Return one submission on one line, as it finishes."""
    grade = result.grade
    if grade is None:
        return f"{result.hand_in.name}  not graded: {result.problem}"
    parts = [
        result.hand_in.name,
        grade.net_id,
        points(grade.score, grade.max_score),
        f"acc {share(grade.acc)}",
        "" if grade.integrity.verdict == "clean" else grade.integrity.verdict,
        "(graded before)" if result.kept else "",
    ]
    return "  ".join(part for part in parts if part)


def points(score: float, of: float) -> str:
    """Write points: `28/30`."""
    return f"{score:g}/{of:g}"


def report(grade: Grade, model: str) -> RenderableType:
    """Return one grade in full: scores, each test, what the verdict rests on, what was found."""
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("score", Text(points(grade.score, grade.max_score), "bold"))
    table.add_row("net id", Text(grade.net_id or "none"))
    table.add_row("accuracy", f"{share(grade.acc)}  95% interval {interval(grade.acc_ci)}")
    table.add_row("mean absolute error", number(grade.mae))
    table.add_row("res", number(grade.res))
    table.add_row("prompt", f"{grade.prompt_length:,} characters")
    verdict = grade.integrity.verdict
    table.add_row("the model's own?", Text(verdict, _COLOURS[verdict]))
    table.add_row("model", model)
    table.add_row("sandbox", f"tier {grade.sandbox.tier}")
    lines: list[Text] = [Text()]
    for test in grade.tests:
        mark = Text("passed  ", "green") if test.passed else Text("FAILED  ", "bold red")
        of = points(test.points, test.max_points)
        lines += [Text.assemble(mark, (test.name, "bold"), f"  {of}"), *wrapped(test.output)]
    for reason in grade.integrity.reasons:
        lines += [Text(), *_reason(reason, verdict)]
    if grade.findings:
        lines += [Text(), *findings_shown(grade.findings)]
    return Group(table, *lines)


def _reason(reason: Reason, verdict: str) -> Iterator[Text]:
    yield Text.assemble((f"{verdict:<8}", _COLOURS[verdict]), (reason.experiment, "bold"))
    yield from wrapped(reason.sentence)
    for label, text in (
        (f"{reason.function} was given", reason.given),
        ("it returned", reason.returned),
        ("an honest one returns", reason.expected),
    ):
        if reason.function and text:
            yield from wrapped(f"{label}: {clipped(text, _MOST_SHOWN)}")


def findings_shown(findings: Sequence[Finding]) -> list[Text]:
    """Return what is wrong with a submission, an error or a warning each."""
    lines: list[Text] = []
    for finding in findings:
        colour = "bold red" if finding.severity == "error" else "yellow"
        lines += [
            Text.assemble((f"{finding.severity:<8}", colour), (finding.code, "bold")),
            *wrapped(str(finding)),
        ]
    return lines


def wrapped(text: str) -> list[Text]:
    """Return lines that fit the terminal, without a trailing space."""
    wrapper = TextWrapper(
        min(results.width, 100),
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_on_hyphens=False,
    )
    return [Text(row) for row in wrapper.wrap(text)]


def class_table(outcomes: Sequence[Result]) -> RenderableType:
    """Return a table of a class, what is flagged or for review and why, and the counts."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("submission", overflow="fold")
    table.add_column("net id", overflow="fold")
    for heading in ("score", "acc", "mae"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    names = short_names([outcome.hand_in.name for outcome in outcomes])
    for name, outcome in zip(names, outcomes, strict=True):
        grade = outcome.grade
        if grade is None:
            table.add_row(Text(name), "", "–", "–", "–", Text("none", "bold red"))
            continue
        verdict = grade.integrity.verdict
        table.add_row(
            Text(name),
            Text(grade.net_id),
            points(grade.score, grade.max_score),
            share(grade.acc),
            number(grade.mae),
            Text(verdict, _COLOURS[verdict]),
        )
    lines: list[Text] = []
    for name, outcome in zip(names, outcomes, strict=True):
        if outcome.grade is None:
            lines += [Text.assemble((name, "bold"), "  not graded"), *wrapped(outcome.problem)]
        elif outcome.grade.integrity.reasons:
            verdict = outcome.grade.integrity.verdict
            lines.append(Text.assemble((name, "bold"), "  ", (verdict, _COLOURS[verdict])))
            for reason in outcome.grade.integrity.reasons:
                lines += wrapped(f"{reason.experiment}: {reason.sentence}")
    return Group(table, Text(), *lines, *([Text()] if lines else []), Text(_counts(outcomes)))


def _counts(outcomes: Sequence[Result]) -> str:
    graded = [outcome.grade for outcome in outcomes if outcome.grade is not None]
    parts = [f"{len(graded)} graded"]
    for verdict in ("flagged", "review"):
        if count := sum(grade.integrity.verdict == verdict for grade in graded):
            parts.append(f"{count} {'for ' if verdict == 'review' else ''}{verdict}")
    if missing := len(outcomes) - len(graded):
        parts.append(f"{missing} not graded")
    return ", ".join(parts)


def short_names(names: Sequence[str]) -> list[str]:
    """Return names without the folders that all of them share.

    Example:
        >>> short_names(["hw3/a/x.py", "hw3/b/y.py"])
        ['a/x.py', 'b/y.py']
    """
    parents = [Path(name).parent.parts for name in names]
    shared = 0
    while parents and all(len(p) > shared and p[shared] == parents[0][shared] for p in parents):
        shared += 1
    return [str(Path(*Path(name).parts[shared:])) for name in names]


def csv_rows(outcomes: Sequence[Result]) -> list[dict[str, object]]:
    """Return a row of CSV for each submission.

    A text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    rows: list[dict[str, object]] = []
    for outcome in outcomes:
        grade = outcome.grade
        tests = {test.name: test.points for test in grade.tests} if grade else {}
        rows.append(
            {
                "submission": cell(outcome.hand_in.name),
                "net_id": cell(grade.net_id) if grade else None,
                "students": cell("; ".join(map(str, outcome.hand_in.students))),
                **{name: getattr(grade, name, None) for name in _NUMBERS},
                **{name: tests.get(name) for name in TESTS},
                "verdict": grade.integrity.verdict if grade else None,
                "reasons": cell(" ".join(r.sentence for r in grade.integrity.reasons))
                if grade
                else None,
                "tier": grade.sandbox.tier if grade else None,
                "problem": cell(outcome.problem),
            }
        )
    return rows


_NUMBERS = ("score", "max_score", "acc", "mae", "res", "prompt_length", "rendered_length")
