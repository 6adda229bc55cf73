from math import log

import numpy as np
import pytest
import torch

from carrychain.errors import InvalidInput
from carrychain.rnn.lyapunov import lyapunov_spectrum


def tanh_network(seed, d, T, gain, before=500):
    """Jacobians and states of a random network without input, after it has settled."""
    rng = np.random.default_rng(seed)
    W = gain * rng.normal(size=(d, d)) / d**0.5
    h = rng.normal(size=d)
    for _ in range(before):
        h = np.tanh(W @ h)
    states = np.empty((T, d))
    for t in range(T):
        h = states[t] = np.tanh(W @ h)
    return W, states, (1 - states[:, :, None] ** 2) * W


@pytest.mark.parametrize("gain", [0.5, 1.5, 3])
def test_the_exponents_add_up_to_the_log_determinant(gain):
    W, h, J = tanh_network(0, 24, 200, gain)
    spectrum = lyapunov_spectrum(J)
    expected = np.linalg.slogdet(W)[1] + np.log(1 - h**2).sum(1).mean()
    assert spectrum.exponents.sum() == pytest.approx(expected, abs=1e-10)
    assert np.all(np.diff(spectrum.exponents) <= 0)


@pytest.mark.parametrize(("gain", "expected"), [(1.5, 0.047), (3, 0.301), (5, 0.515)])
def test_random_tanh_networks_are_as_chaotic_as_published(gain, expected):
    largest, errors = [], []
    for seed in range(3):
        _, _, J = tanh_network(seed, 256, 400, gain)
        spectrum = lyapunov_spectrum(J, discard=100, k=1)
        largest.append(spectrum.exponents[0])
        errors.append(spectrum.error[0])
    assert np.mean(largest) == pytest.approx(expected, abs=0.015)
    assert 0 < max(errors) < 0.015


def test_an_orthogonal_linear_network_grows_alike_in_all_directions():
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(12, 12))).Q
    spectrum = lyapunov_spectrum(np.stack([2 * Q] * 50))
    np.testing.assert_allclose(spectrum.exponents, log(2), atol=1e-13)
    np.testing.assert_allclose(spectrum.error, 0, atol=1e-13)


def test_a_diagonal_network_gives_the_mean_logs_largest_first():
    factors = np.exp(np.random.default_rng(0).normal([0, 3, -40, 1], size=(300, 4)))
    spectrum = lyapunov_spectrum(np.stack([np.diag(row) for row in factors]))
    np.testing.assert_allclose(spectrum.exponents, np.sort(np.log(factors).mean(0))[::-1])
    np.testing.assert_allclose(spectrum.error, 1 / 300**0.5, rtol=0.5)


def test_the_henon_map_has_its_published_exponents():
    # Sprott (2003), "Chaos and time-series analysis": .41922 and -1.62319 for a = 1.4, b = .3
    x, y, J = 0.1, 0.1, []
    for _ in range(8000):
        J.append([[-2.8 * x, 1.0], [0.3, 0.0]])
        x, y = 1 - 1.4 * x * x + y, 0.3 * x
    spectrum = lyapunov_spectrum(np.array(J), discard=100)
    assert spectrum.error[0] < 0.01
    assert np.all(np.abs(spectrum.exponents - [0.41922, -1.62319]) < 3 * spectrum.error)


def test_the_error_is_that_of_repeated_runs_also_where_steps_are_correlated():
    rng = np.random.default_rng(0)
    means, errors = [], []
    for _ in range(40):
        growth = np.zeros(1000)
        for t in range(1, 1000):
            growth[t] = 0.95 * growth[t - 1] + rng.normal()
        spectrum = lyapunov_spectrum(np.exp(growth / 10)[:, None, None])
        means.append(spectrum.exponents[0])
        errors.append(spectrum.error[0])
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.3)


def test_a_few_exponents_are_the_largest_of_all():
    _, _, J = tanh_network(1, 20, 3000, 2)
    every, few = lyapunov_spectrum(J, discard=500), lyapunov_spectrum(J, discard=500, k=3)
    np.testing.assert_allclose(few.exponents, every.exponents[:3], atol=1e-3)
    flipped = np.stack([np.diag([0.5, 2.0])] * 200)
    assert lyapunov_spectrum(flipped, discard=100, k=1).exponents[0] == pytest.approx(log(2))


def test_the_largest_exponent_is_the_growth_of_the_product():
    _, _, J = tanh_network(2, 16, 800, 3)
    product, growth = np.eye(16), 0.0
    for step in J:
        product = step @ product
        norm = np.linalg.norm(product, 2)
        product, growth = product / norm, growth + log(norm)
    assert lyapunov_spectrum(J).exponents[0] == pytest.approx(growth / 800, abs=0.01)


def test_directions_that_are_lost_have_minus_infinity():
    rng = np.random.default_rng(0)
    W = rng.normal(size=(12, 5)) @ rng.normal(size=(5, 12)) / 6
    h, J = rng.normal(size=12), []
    for _ in range(200):
        h = np.tanh(W @ h + rng.normal(size=12))
        J.append((1 - h * h)[:, None] * W)
    spectrum = lyapunov_spectrum(np.stack(J))
    assert np.all(np.isfinite(spectrum.exponents[:5]))
    assert np.all(spectrum.exponents[5:] == -np.inf)
    assert np.all(np.isnan(spectrum.error[5:]))
    assert np.all(lyapunov_spectrum(np.zeros((3, 2, 2))).exponents == -np.inf)


def test_one_step_has_exponents_and_no_known_error():
    spectrum = lyapunov_spectrum(np.array([[[3.0, 0], [0, 0.5]]]))
    np.testing.assert_allclose(spectrum.exponents, [log(3), log(0.5)])
    assert np.all(spectrum.error == np.inf)


def test_tensors_and_single_precision_are_taken():
    single = tanh_network(0, 6, 30, 1)[2].astype(np.float32)
    expected = lyapunov_spectrum(single.astype(np.float64)).exponents
    np.testing.assert_array_equal(lyapunov_spectrum(single).exponents, expected)
    np.testing.assert_array_equal(lyapunov_spectrum(torch.from_numpy(single)).exponents, expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"jacobians": np.zeros((0, 3, 3))}, "discard is 0 of 0 steps"),
        ({"discard": 5}, "discard is 5 of 5 steps; it must be at least 0 and leave a step"),
        ({"discard": -1}, "discard is -1 of 5"),
        ({"k": 0}, "k is 0; a network of width 3 has 1 to 3 exponents"),
        ({"k": 4}, "k is 4"),
        ({"jacobians": np.zeros((5, 3, 2))}, r"shape \(5, 3, 2\)"),
        ({"jacobians": np.full((5, 3, 3), np.nan)}, "first at step 0"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(arguments, message):
    with pytest.raises(InvalidInput, match=message):
        lyapunov_spectrum(**{"jacobians": np.ones((5, 3, 3)), **arguments})
