"""An instructor's word on a grade: what it changes, and what it is worth in points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from carrychain.grading.grader import Test
from carrychain.grading.integrity.verdict import Verdict
from carrychain.grading.rubric import INTEGRITY_TEST, IntegrityRules
from carrychain.io import Json


@dataclass(frozen=True, slots=True)
class Ruling:
    """What an instructor decided on one attempt.

    Args:
        verdict: in place of the grade's; None leaves the one that held.
        score: points; None for those that the tests give under the verdict.
        reason: why.
        by: who decided.
        at: when, in UTC.
    """

    verdict: Verdict | None
    score: float | None
    reason: str
    by: str
    at: datetime

    def as_dict(self) -> dict[str, Json]:
        """Return the fields for JSON."""
        return {
            "verdict": self.verdict,
            "score": self.score,
            "reason": self.reason,
            "by": self.by,
            "at": self.at.isoformat(timespec="seconds"),
        }


def ruled(
    verdict: Verdict,
    score: float,
    tests: Sequence[Test],
    rulings: Iterable[Ruling],
    rules: IntegrityRules,
) -> tuple[Verdict, float]:
    """Return the verdict and the points that hold after all rulings, the last of which wins.

    Args:
        verdict, score: the grade's own.
        tests: the grade's.
        rulings: in the order of deciding.
        rules: what a flagged submission gets.
    """
    for ruling in rulings:
        verdict = ruling.verdict or verdict
        score = points_under(verdict, tests, rules) if ruling.score is None else ruling.score
    return verdict, score


def points_under(verdict: Verdict, tests: Sequence[Test], rules: IntegrityRules) -> float:
    """Return what the tests would have given under another verdict.

    A submission that is cleared gets what being flagged had taken; one that is flagged now loses
    what the rules take.
    """
    taken = rules.taken if verdict == "flagged" else ()
    points = 0.0
    for test in tests:
        passed = test.ran if test.name == INTEGRITY_TEST else test.passed
        points += test.max_points if passed and test.name not in taken else 0
    return points
