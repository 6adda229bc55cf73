"""Intervals and tests for accuracies and mean errors: NumPy and exact integers, nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from carrychain.errors import InvalidInput

Interval = tuple[float, float]

RESAMPLES = 4000
_MOST_DRAWS_AT_ONCE = 1 << 22


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval for a share.

    Args:
        successes: 0 to n.
        n: number of independent trials, at least 0; without any the interval is 0 to 1.
        confidence: above 0 and below 1.

    Source:
        Wilson (1927), "Probable inference, the law of succession, and statistical inference".

    Example:
        >>> low, high = wilson(24, 30)
        >>> f"{low:.2f} to {high:.2f}"
        '0.63 to 0.90'
    """
    _check_confidence(confidence)
    if not 0 <= successes <= n:
        raise InvalidInput(f"{successes} successes of {n} are not possible")
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p = successes / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return low, high


def newcombe(
    successes_a: int, n_a: int, successes_b: int, n_b: int, confidence: float = 0.95
) -> Interval:
    """Return Newcombe's interval of a difference of two independent shares, b less a.

    It combines the two Wilson intervals.

    Args:
        successes_a, successes_b: 0 to n_a, 0 to n_b.
        n_a, n_b: number of independent trials, at least 1.
        confidence: above 0 and below 1.

    Source:
        Newcombe (1998), "Interval estimation for the difference between independent proportions",
        method 10.

    Example:
        >>> low, high = newcombe(48, 80, 56, 70)
        >>> f"{low:.4f} to {high:.4f}"
        '0.0524 to 0.3339'
    """
    if n_a < 1 or n_b < 1:
        raise InvalidInput(f"there are {n_a} and {n_b} trials; each share needs at least 1")
    low_a, high_a = wilson(successes_a, n_a, confidence)
    low_b, high_b = wilson(successes_b, n_b, confidence)
    a, b = successes_a / n_a, successes_b / n_b
    return b - a - math.hypot(b - low_b, high_a - a), b - a + math.hypot(high_b - b, a - low_a)


class Proportion:
    """What has `correct` of `n` independent answers: the share and its interval."""

    __slots__ = ()
    correct: int
    n: int

    @property
    def acc(self) -> float:
        """Share of exact answers."""
        return self.correct / self.n

    @property
    def acc_ci(self) -> Interval:
        """95% Wilson interval of `acc`."""
        return wilson(self.correct, self.n)


def mcnemar_exact(b: int, c: int) -> float:
    """Return the two-sided p of McNemar's exact test.

    Of b + c pairs whose two outcomes differ, b go one way; if neither side is better, b is binomial
    with probability one half. p is twice the smaller tail, at most 1, and 1 where no pair differs.

    Args:
        b, c: pairs that only the first, only the second got right, at least 0.

    Source:
        McNemar (1947), "Note on the sampling error of the difference between correlated
        proportions or percentages", in its exact conditional form.

    Example:
        >>> mcnemar_exact(1, 8)
        0.0390625
    """
    if b < 0 or c < 0:
        raise InvalidInput(f"counts of pairs are {b} and {c}; they must be at least 0")
    n, smaller = b + c, min(b, c)
    term = tail = 1
    for i in range(smaller):
        term = term * (n - i) // (i + 1)
        tail += term
    return min(1.0, 2 * tail / (1 << n))


def bootstrap_mean(
    values: Sequence[float] | NDArray[np.float64],
    groups: Sequence[int] | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the percentile bootstrap interval of a mean, resampling whole groups.

    Values of one group (the runs of one problem) are not independent, groups are.

    Args:
        values: finite numbers, at least one, (N,).
        groups: the group of each value; each value is its own where left out, (N,).
        confidence: above 0 and below 1.
        resamples: how many samples of groups are drawn, at least 1.
        seed: fixes them.

    Source:
        Efron (1979), "Bootstrap methods: another look at the jackknife"; for groups Davison and
        Hinkley (1997), "Bootstrap methods and their application", section 3.8.
    """
    _check_confidence(confidence)
    if resamples < 1:
        raise InvalidInput(f"resamples is {resamples}; it must be at least 1")
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size == 0 or not np.isfinite(x).all():
        raise InvalidInput("a bootstrap needs a list of finite numbers, at least one")
    sums, sizes = _by_group(x, groups)  # (G,), (G,)
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    at_once = max(1, _MOST_DRAWS_AT_ONCE // sums.size)
    for start in range(0, resamples, at_once):
        rows = min(at_once, resamples - start)
        drawn = rng.integers(sums.size, size=(rows, sums.size))  # (rows, G)
        means[start : start + rows] = sums[drawn].sum(1) / sizes[drawn].sum(1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def bootstrap_paired_difference(
    a: Sequence[float] | NDArray[np.float64],
    b: Sequence[float] | NDArray[np.float64],
    groups: Sequence[int] | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the percentile bootstrap interval of mean(b) - mean(a), resampling pairs by group.

    Args:
        a, b: finite numbers, a[i] and b[i] of the same problem, (N,).
        groups, confidence, resamples, seed: as for `bootstrap_mean`.
    """
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if x.shape != y.shape:
        raise InvalidInput(f"paired values have the shapes {x.shape} and {y.shape}, not one")
    return bootstrap_mean(y - x, groups, confidence=confidence, resamples=resamples, seed=seed)


def _by_group(
    x: NDArray[np.float64], groups: Sequence[int] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each group's sum and size."""
    if groups is None:
        return x, np.ones_like(x)
    if len(groups) != x.size:
        raise InvalidInput(f"there are {x.size} values and {len(groups)} groups; give each its own")
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(group, weights=x).astype(np.float64)
    return sums, np.bincount(group).astype(np.float64)


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InvalidInput(f"confidence is {confidence}; it must be above 0 and below 1")
