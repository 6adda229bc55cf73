import os
import subprocess
import sys
from math import log

import numpy as np
import pytest
import torch

from carrychain.errors import InvalidInput
from carrychain.rnn.lag_norms import exact_lag_norms, lag_norms


@pytest.fixture(autouse=True)
def one_thread():
    """Threads of a busy machine wait for one another at every small operation."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def orthogonal(rng, d):
    return np.linalg.qr(rng.normal(size=(d, d))).Q


def tanh_network(rng, d, T, gain):
    W = gain * rng.normal(size=(d, d)) / d**0.5
    h, J = rng.normal(size=d), []
    for _ in range(T):
        h = np.tanh(W @ h + 0.3 * rng.normal(size=d))
        J.append((1 - h * h)[:, None] * W)
    return np.stack(J)


def lstm(rng, d, T):
    """Joint Jacobians of h and c, by autograd."""
    cell = torch.nn.LSTMCell(3, d // 2, dtype=torch.float64)
    for parameter in cell.parameters():
        parameter.data = torch.from_numpy(rng.normal(size=parameter.shape) / 2)
    state, J = torch.zeros(d, dtype=torch.float64), []
    for _ in range(T):
        x = torch.from_numpy(rng.normal(size=3))

        def step(both, x=x):
            return torch.cat(cell(x, (both[: d // 2], both[d // 2 :])))

        J.append(torch.autograd.functional.jacobian(step, state).numpy())
        state = step(state).detach()
    return np.stack(J)


KINDS = {
    "gaussian": lambda rng, d, T: rng.choice([0.1, 1, 10]) * rng.normal(size=(T, d, d)) / d**0.5,
    "tanh": lambda rng, d, T: tanh_network(rng, d, T, rng.choice([0.5, 1.5, 3])),
    "orthogonal": lambda rng, d, T: np.stack([1.3 * orthogonal(rng, d) for _ in range(T)]),
    "diagonal": lambda rng, d, T: np.stack(
        [np.diag(10 ** rng.uniform(-2, 1, d)) for _ in range(T)]
    ),
    "low rank": lambda rng, d, T: rng.normal(size=(T, d, 2)) @ rng.normal(size=(T, 2, d)),
    "near identity": lambda rng, d, T: np.eye(d) + 0.01 * rng.normal(size=(T, d, d)),
    "lstm": lstm,
    "nilpotent": lambda rng, d, T: np.triu(rng.normal(size=(T, d, d)), 1),
    "nilpotent, turned": lambda rng, d, T: turned(rng, np.triu(rng.normal(size=(T, d, d)), 1)),
    "ill conditioned": lambda rng, d, T: np.stack(
        [orthogonal(rng, d) * np.logspace(0, -8, d) @ orthogonal(rng, d) for _ in range(T)]
    ),
}
VACUOUS = {"nilpotent, turned"}  # beyond its index rounding is all there is


def turned(rng, J):
    Q = orthogonal(rng, J.shape[1])
    return Q @ J @ Q.T


def true_log_norms(J):
    """Norms of products in exact integer arithmetic: a float is an integer times a power of two."""
    T, d, _ = J.shape
    ratios = [x.as_integer_ratio() for x in J.flat]
    unit = max(denominator for _, denominator in ratios)
    exact = np.array([n * (unit // denominator) for n, denominator in ratios], object)
    exact = exact.reshape(J.shape)
    log_norms = np.full((T + 1, T + 1), -np.inf)
    np.fill_diagonal(log_norms, 0)
    for i in range(T):
        product = np.diag(np.array([1] * d, object))
        for t in range(i + 1, T + 1):
            product = exact[t - 1] @ product
            largest = max(abs(x) for x in product.flat)
            if largest == 0:
                break
            shape = np.array([x / largest for x in product.flat]).reshape(d, d)
            head = max(0, largest.bit_length() - 1000)
            exponent = head - (t - i) * (unit.bit_length() - 1)
            log_largest = log(largest >> head) + exponent * log(2)
            log_norms[t, i] = log(np.linalg.norm(shape, 2)) + log_largest
    return log_norms


@pytest.mark.parametrize("kind", KINDS)
def test_the_certificate_holds_against_exact_arithmetic_and_says_something(kind):
    medians = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        J = KINDS[kind](rng, int(rng.choice([4, 6, 10])), int(rng.integers(5, 15)))
        below = np.tril_indices(len(J) + 1, -1)
        truth = true_log_norms(J)[below]
        found = lag_norms(J)
        norms, certificate = found.log_norms[below], found.certificate[below]
        zero = truth == -np.inf
        assert np.all(np.where(norms[zero] == -np.inf, 0, np.inf) == certificate[zero])
        finite = np.isfinite(certificate) & ~zero
        error = norms[finite] - truth[finite]
        own = 4e-15 * (1 + np.abs(truth[finite]))  # of the truth's last steps, in float64
        assert np.all(np.abs(error) <= certificate[finite] + own)
        assert np.all(np.abs(np.expm1(error)) <= certificate[finite] + own)
        medians.append(np.median(certificate))
    if kind not in VACUOUS:
        assert np.max(medians) < 1e-4


@pytest.mark.parametrize("kind", ["gaussian", "tanh", "orthogonal", "near identity", "lstm"])
def test_wide_networks_agree_with_the_svd(kind):
    J = KINDS[kind](np.random.default_rng(3), 48, 60)
    found, plain = lag_norms(J), exact_lag_norms(J)
    below = np.tril_indices(61, -1)
    error = np.abs(found.log_norms[below] - plain[below])
    assert np.all(error <= found.certificate[below] + 1e-12)
    assert np.median(found.certificate[below]) < 1e-8


def test_the_plain_way_is_the_norm_of_the_product():
    J = np.random.default_rng(0).normal(size=(4, 5, 5))
    expected = np.linalg.norm(J[3] @ J[2] @ J[1], 2)
    assert exact_lag_norms(J)[4, 1] == pytest.approx(log(expected), abs=1e-13)
    assert lag_norms(J).log_norms[4, 1] == pytest.approx(log(expected), abs=1e-13)


@pytest.mark.parametrize("tolerance", [1e-6, np.inf])
def test_what_was_dropped_and_grows_again_is_not_forgotten(monkeypatch, tolerance):
    # After sixty steps the second direction is 1e-24 of the first, after a hundred 1e16 of it.
    J = np.stack([np.diag([1, 10**-0.4])] * 60 + [np.diag([1, 10.0])] * 40)
    monkeypatch.setattr(sys.modules[lag_norms.__module__], "_DROP_TOLERANCE", tolerance)
    found = lag_norms(J)
    t, i = np.tril_indices(101, -1)
    shrunk = np.clip(60 - i, 0, None) - np.clip(60 - t, 0, None)
    truth = np.maximum(0, (-0.4 * shrunk + (t - i - shrunk)) * log(10))
    # A norm that lost what grew is told by its certificate, and done again where that is too large.
    assert np.all(np.abs(found.log_norms[t, i] - truth) <= found.certificate[t, i] + 1e-13)
    if tolerance < 1:
        assert found.log_norms[100, 0] == pytest.approx(16 * log(10), abs=1e-9)


def test_rounding_noise_that_grows_is_reported_and_not_hidden():
    rng = np.random.default_rng(1)
    Q = orthogonal(rng, 6)
    shrink, grow = np.diag(np.logspace(0, -2, 6)), np.diag(np.logspace(0, 2, 6))
    J = np.stack([Q @ shrink @ Q.T] * 12 + [Q @ grow @ Q.T] * 12)
    found, truth = lag_norms(J), true_log_norms(J)
    below = np.tril_indices(25, -1)
    certificate = found.certificate[below]
    assert np.isinf(certificate).any()
    assert np.all(np.abs(found.log_norms[below] - truth[below]) <= certificate + 1e-13)


def test_an_orthogonal_linear_network_grows_by_exactly_s_a_step():
    rng = np.random.default_rng(0)
    for s in (0.5, 1.0, 2.0):
        J = np.stack([s * orthogonal(rng, 20)] * 50)
        t, i = np.tril_indices(51)
        np.testing.assert_allclose(lag_norms(J).log_norms[t, i], (t - i) * log(s), atol=1e-12)


@pytest.mark.parametrize("s", [0.1, 10.0])
def test_thousands_of_steps_neither_under_nor_overflow(s):
    T = 1500
    J = np.stack([s * orthogonal(np.random.default_rng(t), 2) for t in range(T)])
    found = lag_norms(J)
    t, i = np.tril_indices(T + 1)
    np.testing.assert_allclose(found.log_norms[t, i], (t - i) * log(s), atol=1e-9)
    assert found.log_norms[T, 0] == pytest.approx(T * log(s))
    assert found.certificate.max() < 1e-9


def test_entries_at_the_ends_of_float64_are_scaled_and_not_lost():
    J = np.stack([np.diag([1e308, 1e300]), np.diag([1e308, 1e-300]), np.diag([1e-320, 1.0])])
    found, below = lag_norms(J), np.tril_indices(4)
    error = np.abs(found.log_norms[below] - true_log_norms(J)[below])
    assert np.all(error <= found.certificate[below] + 1e-12)
    assert found.certificate[2, 0] < 1e-11
    assert found.log_norms[2, 0] == pytest.approx(616 * log(10))


def test_a_zero_step_and_a_nilpotent_network_give_norm_0_exactly():
    rng = np.random.default_rng(0)
    J = rng.normal(size=(9, 4, 4))
    J[5] = 0
    found = lag_norms(J)
    assert np.all(found.log_norms[6:, :6] == -np.inf)
    assert np.all(found.certificate[6:, :6] == 0)
    assert np.all(np.isfinite(found.log_norms[np.tril_indices(6)]))
    shift = lag_norms(np.stack([np.eye(5, k=1)] * 12))
    t, i = np.tril_indices(13)
    np.testing.assert_allclose(shift.log_norms[t, i], np.where(t - i < 5, 0, -np.inf), atol=1e-14)
    assert shift.certificate.max() < 1e-12


def test_a_product_that_underflows_to_0_is_not_called_exact():
    # The second step annihilates what the first did not already make 1e-600 of the rest.
    tiny, rest = np.diag([1e-300, 1.0]), np.diag([1.0, 0.0])
    found = lag_norms(np.stack([tiny, tiny, rest]))
    assert found.log_norms[3, 0] == -np.inf
    assert found.certificate[3, 0] == np.inf
    swapped = np.array([[0, 1e308], [1e-320, 0]])  # its square is 1e-12 times the identity
    assert lag_norms(np.stack([swapped] * 2)).certificate[2, 0] == np.inf


def test_no_steps_and_one_step():
    for d in (1, 3):
        none = lag_norms(np.zeros((0, d, d)))
        assert none.log_norms.tolist() == none.certificate.tolist() == [[0]]
    one = lag_norms(np.array([[[3.0, 0], [0, -4]]]))
    np.testing.assert_allclose(one.log_norms, [[0, -np.inf], [log(4), 0]], atol=1e-14)
    assert one.certificate[1, 0] < 1e-12
    assert exact_lag_norms(np.zeros((0, 3, 3))).tolist() == [[0]]


@pytest.mark.parametrize("T", [2, 3, 7, 33, 130])
def test_any_number_of_steps_is_covered(T):
    J = np.random.default_rng(T).normal(size=(T, 3, 3))
    found = lag_norms(J)
    np.testing.assert_allclose(found.log_norms, exact_lag_norms(J), atol=1e-9)
    above = np.triu_indices(T + 1, 1)
    assert np.all(found.log_norms[above] == -np.inf)
    assert np.all(found.certificate[above] == 0)
    assert np.all(np.diagonal(found.certificate) == 0)


def test_arrays_and_tensors_of_both_precisions_are_taken_for_their_numbers():
    single = np.random.default_rng(0).normal(size=(6, 4, 4)).astype(np.float32)
    expected = lag_norms(single.astype(np.float64))
    for given in (single, torch.from_numpy(single), torch.tensor(single, requires_grad=True)):
        found = lag_norms(given)
        assert found.log_norms.dtype == found.certificate.dtype == np.float64
        np.testing.assert_array_equal(found.log_norms, expected.log_norms)
    np.testing.assert_array_equal(
        lag_norms(torch.from_numpy(single).double().mT).log_norms,
        lag_norms(np.ascontiguousarray(single.transpose(0, 2, 1))).log_norms,
    )


def test_the_input_is_left_as_it_was():
    J = np.random.default_rng(0).normal(size=(40, 4, 4))
    before = J.copy()
    lag_norms(J)
    np.testing.assert_array_equal(J, before)


NAN = np.zeros((3, 2, 2))
NAN[1, 0, 1] = np.nan
INFINITE = np.zeros((3, 2, 2))
INFINITE[2, 1, 0] = -np.inf


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((4, 3)), r"shape \(4, 3\); expected \(T, d, d\)"),
        (np.zeros((4, 3, 2)), r"shape \(4, 3, 2\); expected \(T, d, d\)"),
        (np.zeros((4, 0, 0)), r"shape \(4, 0, 0\); expected"),
        (np.zeros((2, 4, 3, 3)), r"\(2, 4, 3, 3\), with a batch dimension; call once"),
        (np.zeros((4, 3, 3), np.float16), "are float16; compute them in float64 or float32"),
        (torch.zeros(4, 3, 3, dtype=torch.bfloat16), "are bfloat16"),
        (torch.zeros(4, 3, 3, dtype=torch.half), "are float16"),
        (np.zeros((4, 3, 3), complex), "are complex128"),
        ([[[1.0, 2.0], [3.0]]], "lists of unequal length"),
        ("J", "are str"),
        (NAN, "hold nan, first at step 1, row 0, column 1"),
        (INFINITE, "hold -inf, first at step 2, row 1, column 0"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(given, message):
    for function in (lag_norms, exact_lag_norms):
        with pytest.raises(InvalidInput, match=message) as refused:
            function(given)
        assert isinstance(refused.value, ValueError)
        assert "\n" not in str(refused.value)


MEMORY = """
import sys
from pathlib import Path
import numpy as np
from carrychain.rnn.lag_norms import lag_norms

def kilobytes(name):
    return next(int(x.split()[1]) for x in Path("/proc/self/status").open() if x.startswith(name))

d, T = 64, 128
rng = np.random.default_rng(0)
if sys.argv[1] == "orthogonal":
    J = np.linalg.qr(rng.normal(size=(T, d, d))).Q
else:
    J = rng.normal(size=(T, d, d)) / 8
lag_norms(J)  # what libraries keep for themselves
Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
before = kilobytes("VmRSS")
lag_norms(J)
print((kilobytes("VmHWM") - before) * 1024 / 8 - 2 * (T + 1) ** 2, 3 * T * d**2)
"""


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="Linux counts it")
@pytest.mark.parametrize("kind", ["gaussian", "orthogonal"])
def test_memory_beside_the_result_stays_below_three_times_the_jacobians(kind):
    # Each array gets pages of its own, so that the peak is what is in use and no leftover.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-c", MEMORY, kind],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    numbers, most = map(float, run.stdout.split())
    assert 0 < numbers < most
