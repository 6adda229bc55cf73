"""Two evaluations on the same problems, compared problem by problem."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass
from fractions import Fraction

from carrychain.addition.evaluation import Evaluation, Row
from carrychain.addition.scoring import absolute_errors, as_float
from carrychain.errors import InvalidInput
from carrychain.io import Json, jsonable
from carrychain.stats import Interval, bootstrap_paired_difference, mcnemar_exact


@dataclass(frozen=True, slots=True)
class Comparison:
    """How B differs from A. A difference is B less A: above 0, B is more accurate, or errs more.

    Args:
        n_pairs: problems that both answered.
        acc_a, acc_b: accuracy on them, each problem counting once whatever its number of runs.
        acc_difference: acc_b - acc_a.
        acc_difference_ci: its 95% interval, a paired bootstrap over problems.
        mcnemar_p: p of McNemar's exact test; None where either has several runs.
        only_a, only_b: problems that A, that B is right on and the other is not; with several runs,
            that it is right on in a larger share of them.
        mae_a, mae_b, mae_difference, mae_difference_ci: the same of the mean absolute error; the
            interval is None where a sum of errors may exceed every float.
    """

    n_pairs: int
    acc_a: float
    acc_b: float
    acc_difference: float
    acc_difference_ci: Interval
    mcnemar_p: float | None
    only_a: int
    only_b: int
    mae_a: float
    mae_b: float
    mae_difference: float
    mae_difference_ci: Interval | None

    def as_dict(self) -> dict[str, Json]:
        """Return the values for JSON; one that is not finite is None."""
        return {name: jsonable(value) for name, value in asdict(self).items()}


def compare(a: Evaluation, b: Evaluation) -> Comparison:
    """Compare two evaluations on the problems that both answered.

    Problems are the same if a, b and their occurrence are: the second 1+2 of one meets the second
    1+2 of the other. What one evaluation lacks must be missing because that one was interrupted.

    Raises:
        InvalidInput: the problems differ, or none was answered by both.
    """
    in_a, in_b = _by_problem(a), _by_problem(b)
    shared = [problem for problem in in_a if problem in in_b]
    lacking = (len(in_a) > len(shared) and b.complete) or (len(in_b) > len(shared) and a.complete)
    if lacking or not shared:
        raise InvalidInput(
            f"the evaluations are of different problems: {len(in_a)} and {len(in_b)}, of which "
            f"{len(shared)} are shared; evaluate both with the same seed, range and n"
        )
    acc_a, acc_b = ([_accuracy(rows[p]) for p in shared] for rows in (in_a, in_b))
    mae_a, mae_b = ([_error(rows[p]) for p in shared] for rows in (in_a, in_b))
    only_a = sum(x > y for x, y in zip(acc_a, acc_b, strict=True))
    only_b = sum(y > x for x, y in zip(acc_a, acc_b, strict=True))
    return Comparison(
        n_pairs=len(shared),
        acc_a=as_float(_mean(acc_a)),
        acc_b=as_float(_mean(acc_b)),
        acc_difference=as_float(_mean(acc_b) - _mean(acc_a)),
        acc_difference_ci=bootstrap_paired_difference(_floats(acc_a), _floats(acc_b)),
        mcnemar_p=mcnemar_exact(only_a, only_b) if a.runs == b.runs == 1 else None,
        only_a=only_a,
        only_b=only_b,
        mae_a=as_float(_mean(mae_a)),
        mae_b=as_float(_mean(mae_b)),
        mae_difference=as_float(_mean(mae_b) - _mean(mae_a)),
        mae_difference_ci=_error_interval(_floats(mae_a), _floats(mae_b)),
    )


def _by_problem(evaluation: Evaluation) -> dict[tuple[int, int, int], list[Row]]:
    """Return the rows of each problem under (a, b, occurrence)."""
    by_index: dict[int, list[Row]] = {}
    for row in evaluation.rows:
        by_index.setdefault(row.index, []).append(row)
    seen: Counter[tuple[int, int]] = Counter()
    found: dict[tuple[int, int, int], list[Row]] = {}
    for rows in by_index.values():
        pair = rows[0].a, rows[0].b
        found[*pair, seen[pair]] = rows
        seen[pair] += 1
    return found


def _accuracy(rows: list[Row]) -> Fraction:
    return Fraction(sum(row.correct for row in rows), len(rows))


def _error(rows: list[Row]) -> Fraction:
    errors = absolute_errors([row.answer for row in rows], [row.response for row in rows])
    return Fraction(sum(errors), len(rows))


def _mean(values: list[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def _floats(values: list[Fraction]) -> list[float]:
    return [as_float(value) for value in values]


def _error_interval(a: list[float], b: list[float]) -> Interval | None:
    if not math.isfinite(max([*a, *b]) * len(a)):  # no sum of a sample may overflow
        return None
    return bootstrap_paired_difference(a, b)
