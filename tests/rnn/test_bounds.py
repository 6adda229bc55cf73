"""The bounds hold, are laid out like the norms, and the sentence says what the numbers say."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrychain.errors import InvalidInput
from carrychain.rnn.bounds import (
    largest_singular_value,
    power_bound,
    product_bound,
    regime,
    step_bounds,
)
from carrychain.rnn.derivatives import jacobians
from carrychain.rnn.model import recurrent_matrix


def exact_log_norms(J, ends=None):
    """Log ||J[t-1] ... J[i]||_2 by products and SVD; of the given t alone, -inf at others."""
    T, hidden = J.shape[:2]
    norms = np.full((T + 1, T + 1), -math.inf)
    np.fill_diagonal(norms, 0)
    for t in range(T + 1) if ends is None else ends:
        product = np.eye(hidden)
        for i in range(t - 1, -1, -1):
            product = product @ J[i]
            norm = np.linalg.norm(product, 2)
            norms[t, i] = math.log(norm) if norm else -math.inf
    return norms


def states(W, T, input_std=0.3, seed=0, burn_in=0):
    rng = np.random.default_rng(seed)
    h = [rng.normal(0, 0.3, len(W))]
    for _ in range(burn_in + T):
        h.append(np.tanh(W @ h[-1] + rng.normal(0, 1, len(W)) * input_std))
    return np.array(h[burn_in:])  # (T+1, d')


def described(W, h, ends=None):
    return regime(W, h, exact_log_norms(jacobians(W, h), ends))


@st.composite
def networks(draw):
    hidden, T = draw(st.integers(1, 4)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    init = draw(st.sampled_from(["gaussian", "orthogonal", "identity", "uniform"]))
    W = recurrent_matrix(
        init, hidden, draw(st.sampled_from([0, 1e-9, 0.4, 0.999, 1, 1.001, 3])), rng
    )
    if draw(st.booleans()):
        W = np.triu(W, 1)  # nilpotent
    std = draw(st.sampled_from([0, 0.3, 50]))
    return W, states(W, T, std, draw(st.integers(0, 10**6)))


# --- bounds ---------------------------------------------------------------------------------------


@given(networks())
def test_norm_at_most_product_at_most_power(case):
    W, h = case
    norms = exact_log_norms(jacobians(W, h))
    product = product_bound(step_bounds(W, h))
    power = power_bound(W, len(h) - 1)
    assert (norms <= product + 1e-9).all()
    assert (product <= power + 1e-9).all()
    for bound in (product, power):
        assert (np.diagonal(bound) == 0).all()
        assert (bound[np.triu_indices(len(h), 1)] == -math.inf).all()


def test_a_step_bound_is_the_largest_slope_times_the_largest_singular_value():
    W = np.array([[0.0, 2.0], [0.5, 0.0]])
    h = np.array([[0.9, 0.9], [0.5, -0.1], [0.8, 0.6]])
    expected = [2 * (1 - 0.1**2), 2 * (1 - 0.6**2)]  # h_0 has no part in it
    assert np.exp(step_bounds(W, h)) == pytest.approx(expected)


def test_a_product_bound_is_the_sum_of_the_logs_from_i_to_t():
    bound = product_bound([1.0, 10.0, 100.0])
    below = {(t, i): bound[t, i] for t in range(4) for i in range(t)}
    assert below == {(1, 0): 1, (2, 1): 10, (3, 2): 100, (2, 0): 11, (3, 1): 110, (3, 0): 111}


def test_a_step_whose_bound_is_0_zeroes_all_products_over_it_and_no_other():
    bound = product_bound([1.0, -math.inf, 2.0])
    assert (bound[2:, :2] == -math.inf).all()
    assert bound[1, 0] == 1
    assert bound[3, 2] == 2


def test_the_power_bound_is_the_lag_times_the_log():
    bound = power_bound(3 * np.eye(2), 3)
    assert bound[3] == pytest.approx(np.array([3, 2, 1, 0]) * math.log(3))
    assert power_bound(np.zeros((2, 2)), 2)[2].tolist() == [-math.inf, -math.inf, 0]
    assert power_bound(np.eye(2), 0).tolist() == [[0]]


def test_bounds_do_not_overflow_over_10000_steps():
    W = 10 * np.eye(2)
    steps = step_bounds(W, np.zeros((10_001, 2)))
    assert steps.sum() == pytest.approx(10_000 * math.log(10))
    assert power_bound(W, 500)[500, 0] == pytest.approx(500 * math.log(10))


# --- regimes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("init", "input_std", "did", "rate"),
    [
        ("gaussian", 0.3, "vanished", -0.155),
        ("orthogonal", 0.3, "exploded", 0.14),
        ("gaussian", 0.0, None, -0.02),
        ("orthogonal", 0.0, "exploded", 0.15),
    ],
)
def test_s_max_2_may_explode_and_need_not(init, input_std, did, rate):
    found = []
    for seed in range(3):
        W = recurrent_matrix(init, 128, 1, np.random.default_rng(seed))
        W *= 2 / np.linalg.norm(W, 2)
        h = states(W, 100, input_std, seed, burn_in=100)
        found.append(described(W, h, ends=[100]))
    assert all(r.decides == "open" and r.s_max == pytest.approx(2) for r in found)
    assert did is None or all(r.did == did for r in found)
    assert np.mean([r.rate for r in found]) == pytest.approx(rate, abs=0.035)
    assert all(r.log_power - r.log_norm > 40 for r in found)  # the bound is loose


def test_s_max_below_1_must_vanish_with_a_half_life():
    W = 0.5 * recurrent_matrix("orthogonal", 6, 1, np.random.default_rng(0))
    found = described(W, states(W, 12))
    assert (found.decides, found.did) == ("vanish", "vanished")
    assert found.rate is not None
    assert found.rate < math.log(0.5)
    assert "s_max is 0.5, below 1: the norm ||dh_t/dh_i|| must vanish" in str(found)
    assert "half-life of at most 1 steps" in str(found)


def test_s_max_1_can_not_explode_and_stays_level_where_the_slopes_are_1():
    W = recurrent_matrix("orthogonal", 6, 1, np.random.default_rng(0))
    found = described(W, np.zeros((9, 6)))
    assert (found.decides, found.did) == ("bounded", "neither")
    assert "s_max is 1 to rounding" in str(found)
    assert "stays level and is 1 at lag 7" in str(found)


def test_saturated_units_are_counted():
    W = 2 * np.eye(4)
    h = np.zeros((3, 4))
    h[1:, 0] = 0.99
    h[1:, 1] = 0.94  # sigma' = .116
    found = described(W, h)
    assert found.saturated == 0.25
    assert found.mean_slope == pytest.approx((2 + 1 - 0.99**2 + 1 - 0.94**2) / 4)
    assert "below 0.1 (saturated) in 25% of units and steps" in str(found)


def test_one_step_has_nothing_to_multiply():
    found = described(2 * np.eye(2), np.zeros((2, 2)))
    assert (found.rate, found.did, found.zeros) == (None, "neither", 0)
    assert "With T = 1 no term of (5) has a product" in str(found)


def test_W_hh_of_0_and_nilpotent_ones_are_said_to_be_exactly_0():
    found = described(np.zeros((3, 3)), states(np.zeros((3, 3)), 4))
    assert (found.zeros, found.longest, found.did) == (3, 0, "vanished")
    assert "W_hh is 0" in str(found)
    assert "only the last step has a gradient" in str(found)
    shift = np.diag([3.0, 3.0], 1)
    found = described(shift, np.zeros((6, 3)))
    assert (found.zeros, found.longest, found.did) == (2, 2, "vanished")
    assert "is 9 at lag 2; 2 of 4 norms are exactly 0" in str(found)


@pytest.mark.parametrize("excess", [1e-12, 1e-7, 1e-3, -1e-12, -1e-7, -1e-3])
def test_an_s_max_near_1_is_not_written_as_1(excess):
    found = described((1 + excess) * np.eye(3), np.zeros((5, 3)))
    sign = "+" if excess > 0 else "-"
    assert f"s_max is 1 {sign} {abs(excess):.1g}" in str(found)


def value(text):
    """Read what `_factor` writes."""
    if text.startswith("10^"):
        return 10 ** float(text.removeprefix("10^"))
    number = re.fullmatch(r"(?:1 ([+-]) )?(\S+)", text)
    assert number is not None
    sign, digits = number.groups()
    return float(digits) if sign is None else 1 + float(sign + digits)


@given(networks())
def test_the_sentence_never_contradicts_the_numbers(case):
    W, h = case
    T = len(h) - 1
    norms = exact_log_norms(jacobians(W, h))[T, 1:]  # of i = 1..T
    text = str(regime(W, h, exact_log_norms(jacobians(W, h))))
    s_max = np.linalg.norm(W, 2)
    said = re.search(r"s_max is (.*?), (above|below) 1", text)
    if said:
        assert (said[2] == "below") == (s_max < 1)
        assert (value(said[1]) < 1) == (s_max < 1)
        assert value(said[1]) == pytest.approx(s_max, rel=0.13)
    else:
        assert s_max == 0 or abs(s_max - 1) < 1e-13
    assert ("must vanish" in text) == (0 < s_max < 1 - 1e-13)
    assert not ("It exploded" in text and s_max < 1.01)
    if "It vanished" in text:
        assert norms[0] < math.log(0.1)
    if "It exploded" in text:
        assert norms[0] > math.log(10)
    assert ("exactly 0" in text) == (-math.inf in norms)
    if course := re.search(r"changes by a factor of (.*?) a step and is (.*?) at lag (\d+)", text):
        lag = int(course[3])
        assert norms[T - 1 - lag] > -math.inf
        assert math.log(value(course[2])) == pytest.approx(norms[T - 1 - lag], abs=0.13)
        if T == 2:
            assert value(course[1]) == pytest.approx(value(course[2]), rel=0.3)
        if s_max < 1:
            assert value(course[1]) < 1
    assert "nan" not in text
    assert "inf" not in text


# --- what is refused ------------------------------------------------------------------------------


def test_norms_of_another_network_are_refused():
    W = 0.5 * np.eye(3)
    h = states(W, 5)
    other = exact_log_norms(jacobians(2 * np.eye(3), h))
    with pytest.raises(InvalidInput, match=r"log_norms\[1, 0\] is .* not at most its bound"):
        regime(W, h, other)


def test_shapes_numbers_and_lengths_that_do_not_fit_are_named():
    W, h = np.eye(3), np.zeros((5, 3))
    with pytest.raises(InvalidInput, match=r"log_norms has the shape \(4, 4\) and h \(5, 3\)"):
        regime(W, h, np.zeros((4, 4)))
    with pytest.raises(InvalidInput, match="T at least 1"):
        regime(W, h[:1], [[0.0]])
    with pytest.raises(InvalidInput, match="nan"):
        regime(W, h, np.full((5, 5), math.nan))
    with pytest.raises(InvalidInput, match=r"h has the shape \(2, 5, 3\); give one sequence"):
        step_bounds(W, np.zeros((2, 5, 3)))
    with pytest.raises(InvalidInput, match=r"W_hh has the shape \(3,\); it must be square"):
        largest_singular_value(np.ones(3))
    with pytest.raises(InvalidInput, match="T is -1"):
        power_bound(W, -1)
    for steps in ([math.nan], [math.inf], [[0.0]]):
        with pytest.raises(InvalidInput, match="steps must be"):
            product_bound(steps)
