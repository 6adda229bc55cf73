"""Intervals and tests agree with published numbers and with counting."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrychain.errors import InvalidInput
from carrychain.stats import (
    bootstrap_mean,
    bootstrap_paired_difference,
    mcnemar_exact,
    newcombe,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17:857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(successes, n, low, high):
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [
        # Newcombe (1998), Statistics in Medicine 17:873, table II, method 10
        ((48, 80), (56, 70), 0.0524, 0.3339),
        ((3, 10), (9, 10), 0.1705, 0.8090),
        ((2, 7), (6, 7), 0.0582, 0.8062),
    ],
)
def test_the_difference_of_two_shares_has_the_published_interval(a, b, low, high):
    assert newcombe(*a, *b) == pytest.approx((low, high), abs=5e-5)
    assert newcombe(*b, *a) == pytest.approx((-high, -low), abs=5e-5)


def test_a_difference_without_trials_is_refused():
    with pytest.raises(InvalidInput, match="each share needs at least 1"):
        newcombe(0, 0, 1, 2)


def test_24_of_30_is_63_to_90_percent():
    assert [round(bound, 2) for bound in wilson(24, 30)] == [0.63, 0.90]


@given(st.integers(0, 500), st.integers(0, 500))
def test_wilson_holds_the_share_within_0_and_1_and_mirrors(successes, failures):
    n = successes + failures
    low, high = wilson(successes, n)
    assert 0 <= low < high <= 1
    if n:
        assert low <= successes / n <= high
    mirrored = wilson(failures, n)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-12)


def test_without_trials_nothing_is_known():
    assert wilson(0, 0) == (0, 1)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_sum_of_both_binomial_tails(b, c):
    n = b + c
    outcomes = {k: Fraction(comb(n, k), 2**n) for k in range(n + 1)}
    as_extreme = sum(p for p in outcomes.values() if p <= outcomes[b])
    assert mcnemar_exact(b, c) == float(as_extreme)


def test_mcnemar_without_a_difference_is_1_and_stands_large_counts():
    assert mcnemar_exact(0, 0) == 1
    assert mcnemar_exact(0, 3000) == 0
    assert mcnemar_exact(5000, 5000) == 1


def test_bootstrap_of_independent_values_is_near_the_normal_interval():
    values = np.random.default_rng(0).normal(3, 2, 400)
    half = 1.96 * values.std() / 20
    low, high = bootstrap_mean(values)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)


def test_runs_of_one_problem_are_not_taken_for_independent():
    one = np.random.default_rng(1).integers(0, 2, 40)
    repeated, problems = np.repeat(one, 25), np.repeat(np.arange(40), 25).tolist()
    low, high = bootstrap_mean(repeated, problems)
    assert (low, high) == bootstrap_mean(one)
    naive_low, naive_high = bootstrap_mean(repeated)
    assert high - low > 3 * (naive_high - naive_low)


def test_groups_of_unequal_size_weigh_by_their_values():
    low, high = bootstrap_mean([0, 0, 0, 1], [7, 7, 7, 9])
    assert (low, high) == (0, 1)
    low, high = bootstrap_mean([1, 1, 1, 1], [7, 7, 7, 9])
    assert (low, high) == (1, 1)


def test_a_seed_repeats_the_interval():
    values = list(range(30))
    assert bootstrap_mean(values, seed=4) == bootstrap_mean(values, seed=4)
    assert bootstrap_mean(values, seed=4) != bootstrap_mean(values, seed=5)


def test_a_paired_difference_is_b_less_a_and_uses_the_pairs():
    a = np.random.default_rng(2).normal(0, 100, 50)
    assert bootstrap_paired_difference(a, a + 5) == pytest.approx((5, 5))


def test_chunks_do_not_change_what_is_drawn_and_10_to_5_groups_fit(monkeypatch):
    values = np.arange(100_000) % 2
    low, high = bootstrap_mean(values, resamples=200)
    assert 0.49 < low < 0.5 < high < 0.51
    few = bootstrap_mean(values[:50], resamples=101)
    monkeypatch.setattr("carrychain.stats._MOST_DRAWS_AT_ONCE", 120)
    assert bootstrap_mean(values[:50], resamples=101) == few


@pytest.mark.parametrize("values", [[], [1.0, float("inf")], [float("nan")]])
def test_values_without_a_mean_are_refused(values):
    with pytest.raises(InvalidInput):
        bootstrap_mean(values)


def test_impossible_arguments_are_refused():
    with pytest.raises(InvalidInput, match="5 successes of 4"):
        wilson(5, 4)
    with pytest.raises(InvalidInput, match="confidence"):
        wilson(1, 4, confidence=95)
    with pytest.raises(InvalidInput):
        mcnemar_exact(-1, 2)
    with pytest.raises(InvalidInput, match="groups"):
        bootstrap_mean([1, 2], [0])
    with pytest.raises(InvalidInput, match="shapes"):
        bootstrap_paired_difference([1, 2], [1])
