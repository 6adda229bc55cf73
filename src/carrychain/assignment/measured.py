"""Evaluations as the questions use them: read in other ways, as numbers by name, as marks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from carrychain.addition.comparison import Comparison
from carrychain.addition.evaluation import Evaluation
from carrychain.addition.extraction import extractor
from carrychain.assignment.experiment import Point, Series
from carrychain.assignment.recorded import RecordedRun
from carrychain.assignment.words import direction
from carrychain.io import Json, jsonable
from carrychain.stats import wilson


def read_as(evaluation: Evaluation, extract: str) -> Evaluation:
    """Return it with the numbers that another way reads from the same outputs."""
    read = extractor(extract)
    again = evaluation.with_responses([read(row.output) for row in evaluation.rows])
    return replace(again, extract=extract)


def as_trials(evaluation: Evaluation) -> Evaluation:
    """Return the runs of one problem as trials of their own: intervals are then about it alone.

    Runs of several problems are not independent, and `Evaluation.metrics` resamples problems. Of
    one problem that says nothing; its runs, given the problem, are independent.
    """
    rows = tuple(replace(row, index=row.run, run=0) for row in evaluation.rows)
    return replace(evaluation, rows=rows, runs=1)


def flat(name: str, evaluation: Evaluation) -> dict[str, Json]:
    """Return an evaluation's scores under `{name}_acc`, `{name}_acc_ci` and so on."""
    return {f"{name}_{key}": value for key, value in evaluation.metrics.as_dict().items()}


def flat_comparison(name: str, comparison: Comparison) -> dict[str, Json]:
    """Return a comparison's numbers under `{name}_acc_difference` and so on.

    `{name}_direction` is 1 where B is more accurate, -1 where A is, 0 where it can't be told.
    """
    numbers = {**comparison.as_dict(), "direction": direction(comparison)}
    return {f"{name}_{key}": jsonable(value) for key, value in numbers.items()}


def mark(x: float, correct: int, n: int) -> Point:
    """Return a share of n independent answers as a point with its 95% interval."""
    return Point(x, correct / n, *wilson(correct, n))


def accuracy_mark(x: float, evaluation: Evaluation) -> Point:
    """Return an evaluation's accuracy as a point with its 95% interval."""
    metrics = evaluation.metrics
    return Point(x, metrics.acc, *metrics.acc_ci)


def recorded_series(runs: Sequence[Iterable[RecordedRun]]) -> tuple[Series, ...]:
    """Return recorded accuracies as hollow marks, a series a notebook and model.

    Args:
        runs: the recorded runs at the places 0, 1, 2 and so on; there may be none.
    """
    found: dict[str, list[Point]] = {}
    for x, here in enumerate(runs):
        for run in here:
            label = f"{run.model}, recorded {run.id.partition('-')[0]}, n = {run.n}"
            found.setdefault(label, []).append(mark(x, run.correct, run.n))
    return tuple(
        Series(label, tuple(points), recorded=True, joined=False)
        for label, points in sorted(found.items())
    )
