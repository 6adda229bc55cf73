"""`carrychain class decide`: an instructor's word."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.text import Text

from carrychain.cli.console import check_output, json_option, put_json, results
from carrychain.cli.grades import points
from carrychain.grading.class_folder import ClassFolder
from carrychain.grading.integrity.verdict import Verdict
from carrychain.grading.rulings import Ruling

EXAMPLES = """Examples:

\b
  carrychain class decide hw3 ab1234 --clean --reason "sorting digits is no addition"
  carrychain class decide hw3 cd5678 --score 22 --reason "agreed in office hours"
"""


@click.command(epilog=EXAMPLES)
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("net_id", metavar="NET_ID")
@click.option("--clean", "verdict", flag_value="clean", help="The sums are the model's own.")
@click.option("--flagged", "verdict", flag_value="flagged", help="They are not.")
@click.option("--score", type=float, help="Points for Q3.  [default: those that the tests give]")
@click.option("--reason", required=True, help="Why; it stands in the report.")
@click.option("--submission", help="Which attempt, where there are several.")
@click.option("--by", help="Who decides.  [default: your user name]")
@json_option
def decide(
    folder: Path,
    net_id: str,
    verdict: Verdict | None,
    score: float | None,
    reason: str,
    submission: str | None,
    by: str | None,
    json_path: str | None,
) -> None:
    """Record your word on the attempt of NET_ID in the class of FOLDER.

    A cleared submission gets the points that being flagged had taken; one that you flag loses what
    the rubric takes. The grade itself stays as it was, and every decision is kept, with who
    decided, when and why: to take one back, decide again.
    """
    check_output(json_path)
    room = ClassFolder.open(folder)
    ruling = Ruling(verdict, score, reason, by or getpass.getuser(), datetime.now(UTC))
    with room.store() as store:
        attempt = store.decide(net_id, ruling, submission)
    put_json(attempt.as_dict(), json_path)
    if json_path != "-":
        before = f"{attempt.graded_verdict}, {points(attempt.graded_score, attempt.max_score)}"
        now = f"{attempt.verdict}, {points(attempt.score, attempt.max_score)}"
        results.print(
            Text.assemble((attempt.net_id, "bold"), f" ({attempt.name}): {now}; graded {before}"),
            soft_wrap=True,
        )
