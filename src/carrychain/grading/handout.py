"""results/results.json as the hand-out's `run_tests.py` writes it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from carrychain.grading.grader import Grade, Test
from carrychain.io import Json


def handout_results(grade: Grade) -> dict[str, Json]:
    """Return the hand-out's seven fields: the date, counts of its tests, and what each says.

    A test that could not be carried out is an error, as it is to unittest; none is skipped.
    """
    counts = Counter(_status(test) for test in grade.tests)
    return {
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "num_tests": len(grade.tests),
        "failures": counts["failure"],
        "errors": counts["error"],
        "skipped": 0,
        "successful": counts["success"],
        "details": [
            {
                "name": test.name,
                "status": _status(test),
                "points": test.points,
                "max_points": test.max_points,
                "message": test.output,
            }
            for test in grade.tests
        ],
    }


def _status(test: Test) -> str:
    if test.passed:
        return "success"
    return "failure" if test.ran else "error"
