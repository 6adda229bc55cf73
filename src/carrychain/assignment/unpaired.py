"""Shares of different problems, which can't be paired: how they differ, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass

from carrychain.addition.evaluation import Evaluation
from carrychain.assignment.words import LEVEL, signed, signed_interval
from carrychain.assignment.words import share as share_text
from carrychain.stats import Interval, Proportion, newcombe


@dataclass(frozen=True, slots=True)
class Share(Proportion):
    """So many right of n independent answers, n at least 1."""

    correct: int
    n: int


def share_of(evaluation: Evaluation) -> Share:
    """Return the share of an evaluation that asked each problem once."""
    return Share(evaluation.metrics.correct, evaluation.metrics.n)


def difference(a: Proportion, b: Proportion, tests: int = 1) -> Interval:
    """Return the interval of b less a, 95%, or wider where it is one of several (Bonferroni)."""
    return newcombe(a.correct, a.n, b.correct, b.n, 1 - LEVEL / tests)


def unpaired_direction(a: Proportion, b: Proportion, tests: int = 1) -> int:
    """Return 1 where b is larger, -1 where a is, 0 where no difference can be told."""
    low, high = difference(a, b, tests)
    return (low > 0) - (high < 0)


def unpaired(first: Proportion, second: Proportion, *, a: str, b: str) -> str:
    """Write how two accuracies on different problems differ, in one sentence.

    Args:
        first, second: the shares.
        a, b: what they are of, to follow "accuracy": "with 1 digit".
    """
    x, y = share_text(first.correct, first.n), share_text(second.correct, second.n)
    evidence = (
        f"difference {signed(second.acc - first.acc)}, "
        f"95% interval {signed_interval(difference(first, second))}"
    )
    found = unpaired_direction(first, second)
    if found == 0:
        return (
            f"No difference between accuracy {a} and {b} can be told at "
            f"n = {first.n} and {second.n}: {x} and {y} ({evidence})."
        )
    change = "higher" if found > 0 else "lower"
    return f"Accuracy {b} is {change} than {a}: {y} against {x} ({evidence})."
