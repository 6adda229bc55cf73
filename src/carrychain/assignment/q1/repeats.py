"""Sums whose digits repeat, and what a repetition penalty costs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from carrychain.addition.evaluation import Evaluation
from carrychain.addition.problems import Problem, bounds_of_digits, carries, draw_pairs
from carrychain.assignment.words import LEVEL
from carrychain.stats import Interval, bootstrap_paired_difference, mcnemar_exact

DIGITS = 3
"""Digits of the operands: with more of them, few sums are left whose digits are all new."""

Problems = tuple[Problem, ...]


def repeats(problem: Problem) -> bool:
    """Whether a digit stands in the sum twice."""
    digits = str(problem.answer)
    return len(set(digits)) < len(digits)


def is_fresh(problem: Problem) -> bool:
    """Whether each digit of the sum stands in it once and not in the operands."""
    return not repeats(problem) and not set(str(problem.answer)) & set(f"{problem.a}{problem.b}")


def matched_pairs(seed: int, n: int) -> tuple[Problems, Problems]:
    """Draw n sums whose digits repeat and n whose digits are all new, alike in all else.

    The i-th of both carry in the same columns, and so are equally long.
    """
    rng = np.random.default_rng(seed)
    drawn = draw_pairs(rng, *bounds_of_digits(DIGITS))
    fresh = [_next(drawn, is_fresh) for _ in range(n)]
    repeating = [
        _next(drawn, lambda p, f=f: repeats(p) and _columns(p) == _columns(f)) for f in fresh
    ]
    return tuple(repeating), tuple(fresh)


def _next(drawn: Iterator[Problem], fits: Callable[[Problem], bool]) -> Problem:
    return next(problem for problem in drawn if fits(problem))


def _columns(problem: Problem) -> list[bool]:
    return carries(problem.a, problem.b)


@dataclass(frozen=True, slots=True)
class Harm:
    """What a penalty costs sums whose digits repeat, and others.

    Args:
        n: pairs of such sums.
        loss_repeating, loss_fresh: accuracy without the penalty less accuracy with it.
        extra: the first less the second.
        extra_ci: its 95% interval, a bootstrap over pairs.
        p: of the exact sign test on the pairs in which one of the two loses more.
    """

    n: int
    loss_repeating: float
    loss_fresh: float
    extra: float
    extra_ci: Interval
    p: float

    def told(self, tests: int = 1) -> int:
        """Return 1 where repeats lose more, -1 where they lose less, 0 where it can't be told.

        Args:
            tests: how many such differences are looked at together.
        """
        low, high = self.extra_ci
        return (low > 0) - (high < 0) if self.p * tests < LEVEL else 0


def harm(repeating: tuple[Evaluation, Evaluation], fresh: tuple[Evaluation, Evaluation]) -> Harm:
    """Compare the losses of matched sums; each kind is asked without the penalty and with it."""
    lost = _losses(*repeating)
    lost_fresh = _losses(*fresh)
    n = len(lost)
    more = sum(x > y for x, y in zip(lost, lost_fresh, strict=True))
    less = sum(x < y for x, y in zip(lost, lost_fresh, strict=True))
    return Harm(
        n=n,
        loss_repeating=sum(lost) / n,
        loss_fresh=sum(lost_fresh) / n,
        extra=(sum(lost) - sum(lost_fresh)) / n,
        extra_ci=bootstrap_paired_difference(lost_fresh, lost),
        p=mcnemar_exact(less, more),
    )


def _losses(without: Evaluation, with_penalty: Evaluation) -> list[int]:
    return [x.correct - y.correct for x, y in zip(without.rows, with_penalty.rows, strict=True)]
