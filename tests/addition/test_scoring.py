"""The scores are those that the notebook printed, and stay exact where floats end."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrychain.addition.scoring import score
from carrychain.errors import InvalidInput
from carrychain.stats import wilson

RUNS = [f"A-{n}" for n in (10, 12, 22, 28, 32, 40, 44, 45, 49)]
RUNS += [f"B-{n}" for n in (10, 12, 22, 28, 32, 40, 44, 45, 49)]


def scored(run):
    rows = run["rows"]
    return score(
        [row["answer"] for row in rows],
        [row["response"] for row in rows],
        run["reported"]["prompt_length"],
        run["mae_scale"],
    )


@pytest.mark.parametrize("name", RUNS)
def test_a_recorded_run_gets_the_printed_figures(name, recorded_runs):
    printed = recorded_runs[name]["reported"]
    metrics = scored(recorded_runs[name])
    assert metrics.acc == printed["acc"]
    assert metrics.mae == pytest.approx(printed["mae"], rel=1e-15, abs=0)
    assert metrics.res == pytest.approx(printed["res"], rel=1e-15, abs=0)
    assert math.copysign(1, metrics.res) == math.copysign(1, printed["res"])


def test_all_recorded_runs_are_met_and_16_of_18_to_the_last_digit(recorded_runs):
    assert sorted(RUNS) == sorted(recorded_runs)
    exact = [scored(run).mae == run["reported"]["mae"] for run in recorded_runs.values()]
    assert sum(exact) == 16
    res = [scored(run).res == run["reported"]["res"] for run in recorded_runs.values()]
    assert sum(res) >= 16


@given(st.lists(st.tuples(st.integers(0, 10**40), st.none() | st.integers(0, 10**40)), min_size=1))
def test_mae_is_the_nearest_float_to_the_exact_mean(pairs):
    answers, responses = [p[0] for p in pairs], [p[1] for p in pairs]
    exact = Fraction(sum(abs(a - (r or 0)) for a, r in pairs), len(pairs))
    assert score(answers, responses, 28).mae == float(exact)


def test_an_answer_that_cannot_be_read_counts_as_0_and_as_unparsed():
    metrics = score([12, 10], [None, 10], 4)
    assert (metrics.acc, metrics.mae, metrics.unparsed, metrics.correct) == (0.5, 6, 1, 1)
    assert score([0], [None], 4).acc == 0


def test_the_median_error_ignores_one_huge_answer():
    assert score([5, 5, 5], [5, 6, 10**31], 4).median_error == 1
    assert score([5, 5], [5, 6], 4).median_error == 0.5


def test_res_is_missing_at_length_0():
    assert score([1], [1], 0).res is None
    assert score([1], [1], 4).res == 0.25


def test_an_error_beyond_every_float_is_null_in_json_and_raises_nothing():
    metrics = score([1, 1], [10**400, 1], 4)
    assert metrics.mae == math.inf
    written = metrics.as_dict()
    assert written["mae"] is None
    assert written["res"] is None
    assert written["acc"] == 0.5
    assert score([1], [10**400], 4).res == 0


def test_nothing_scored_is_null_and_not_0():
    metrics = score([], [], 4, unscored=3)
    assert metrics.as_dict()["acc"] is None
    assert metrics.as_dict()["mae"] is None
    assert metrics.as_dict()["acc_ci"] == [0, 1]
    assert metrics.unscored == 3


def test_one_run_has_wilsons_interval():
    answers = list(range(30))
    responses = [a if a < 24 else a + 1 for a in answers]
    assert score(answers, responses, 4).acc_ci == wilson(24, 30)
    assert score(answers, responses, 4, groups=answers).acc_ci == wilson(24, 30)


def test_several_runs_are_as_uncertain_as_their_problems():
    answers = [7] * 200
    problems = [i // 10 for i in range(200)]
    responses = [7 if problem < 10 else 8 for problem in problems]
    low, high = score(answers, responses, 4, groups=problems).acc_ci
    naive_low, naive_high = wilson(100, 200)
    assert high - low > 2 * (naive_high - naive_low)


def test_several_runs_that_are_all_right_do_not_look_certain():
    metrics = score([7] * 30, [7] * 30, 4, groups=[i // 3 for i in range(30)])
    assert metrics.acc_ci == wilson(10, 10)


@pytest.mark.parametrize("scale", [0, -1, math.inf, math.nan])
def test_a_scale_that_is_no_scale_is_refused(scale):
    with pytest.raises(InvalidInput, match="mae_scale"):
        score([1], [1], 4, scale)


def test_each_answer_needs_a_response():
    with pytest.raises(InvalidInput, match="2 answers and 1 responses"):
        score([1, 2], [1], 4)
