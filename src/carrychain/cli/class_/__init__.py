"""`carrychain class`: a class from its folder to its report."""

from __future__ import annotations

import click

from carrychain.cli.lazy import lazy_group

COMMANDS = {
    "new": "make the folder of a class, with its rules and a secret seed",
    "add": "keep what was handed in: files, folders, zips, a Gradescope export",
    "run": "grade what is new or changed",
    "decide": "record your word on a verdict or a score, with its reason",
    "report": "write the report: grades, marks, pictures, who is alike, CSV and JSON",
}

EXAMPLES = """A class in six lines:

\b
  carrychain class new hw3 --deadline "2026-12-01 23:59" --time-zone America/New_York
  carrychain class add hw3 assignment_1234_export/
  carrychain class run hw3
  carrychain class decide hw3 ab1234 --clean --reason "explained it to me"
  $EDITOR hw3/marks.csv        points for the written parts
  carrychain class report hw3
"""


@click.group("class", cls=lazy_group("carrychain.cli.class_", COMMANDS), epilog=EXAMPLES)
def class_() -> None:
    """Run a class: its folder, its deadline, its grades, decisions, marks and report."""
