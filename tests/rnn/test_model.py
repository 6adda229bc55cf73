"""The forward pass is equations (1) to (3), and bad weights, tokens and labels are named."""

from __future__ import annotations

import math
import re
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from carrychain.errors import InvalidInput
from carrychain.rnn.model import Network, forward, loss, one_hot, recurrent_matrix, softmax


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def network(rng):
    network = Network.random(5, rng, embedding=3, vocabulary=7, classes=4)
    return replace(network, b_h=rng.normal(size=5), b_o=rng.normal(size=4))


def test_the_forward_pass_is_equations_1_to_3_entry_by_entry(network):
    tokens = [3, 0, 6, 6]
    h = [[0.0] * 5]
    for s in tokens:
        x = [network.W_e[j, s] for j in range(3)]
        row = []
        for m in range(5):
            a = network.b_h[m]
            a += sum(network.W_hh[m, n] * h[-1][n] for n in range(5))
            a += sum(network.W_ih[m, n] * x[n] for n in range(3))
            row.append(math.tanh(a))
        h.append(row)
    o = [network.b_o[c] + sum(network.W_ho[c, m] * h[-1][m] for m in range(5)) for c in range(4)]
    passed = forward(network, tokens)
    assert passed.h == pytest.approx(np.array(h), abs=1e-14)
    assert passed.o_T == pytest.approx(np.array(o), abs=1e-14)
    assert passed.p_T == pytest.approx(np.exp(o) / np.exp(o).sum(), abs=1e-14)


def test_the_hidden_states_are_those_of_torch(network, rng):
    rnn = torch.nn.RNN(3, 5, batch_first=True, dtype=torch.float64)
    rnn.load_state_dict(
        {
            "weight_ih_l0": torch.tensor(network.W_ih),
            "weight_hh_l0": torch.tensor(network.W_hh),
            "bias_ih_l0": torch.tensor(network.b_h),
            "bias_hh_l0": torch.zeros(5),
        }
    )
    tokens, h0 = rng.integers(7, size=(3, 9)), rng.normal(size=(3, 5))
    with torch.no_grad():
        expected, _ = rnn(torch.tensor(network.W_e.T[tokens]), torch.tensor(h0)[None])
    assert forward(network, tokens, h0).h[:, 1:] == pytest.approx(expected.numpy(), abs=1e-13)


def test_a_sequence_in_a_batch_is_as_if_alone(network, rng):
    tokens, h0 = rng.integers(7, size=(2, 3, 6)), rng.normal(size=(2, 3, 5))
    whole = forward(network, tokens, h0)
    alone = forward(network, tokens[1, 2], h0[1, 2])
    for field in fields(whole):
        of_batch, single = getattr(whole, field.name)[1, 2], getattr(alone, field.name)
        assert of_batch == pytest.approx(single, abs=1e-14, nan_ok=True)


def test_one_h0_serves_all_sequences(network, rng):
    h0 = rng.normal(size=5)
    passed = forward(network, [[1, 2], [3, 4]], h0)
    assert (passed.h[:, 0] == h0).all()


def test_h_is_tanh_of_a_and_there_is_no_a_0(network):
    passed = forward(network, [1, 2, 3])
    assert np.isnan(passed.a[0]).all()
    assert (np.tanh(passed.a[1:]) == passed.h[1:]).all()


def test_softmax_stands_logits_of_any_size():
    assert softmax(np.array([1e4, 1e4, -1e4])) == pytest.approx([0.5, 0.5, 0])


def test_the_loss_is_torchs_cross_entropy(rng):
    o, labels = rng.normal(size=(6, 4)), rng.integers(4, size=6)
    expected = torch.nn.functional.cross_entropy(
        torch.tensor(o), torch.tensor(labels), reduction="none"
    )
    assert loss(one_hot(labels, 4), softmax(o)) == pytest.approx(expected.numpy(), abs=1e-14)


def test_the_loss_of_an_impossible_label_is_infinite():
    assert loss([0, 1], [1, 0]) == math.inf


# --- weights --------------------------------------------------------------------------------------


def test_an_orthogonal_matrix_has_all_singular_values_at_the_scale(rng):
    values = np.linalg.svd(recurrent_matrix("orthogonal", 40, 1.7, rng), compute_uv=False)
    assert values == pytest.approx(np.full(40, 1.7))


def test_orthogonal_matrices_turn_both_ways_and_have_no_preferred_sign():
    matrices = [recurrent_matrix("orthogonal", 6, 1, np.random.default_rng(s)) for s in range(200)]
    assert abs(np.mean([np.linalg.det(q) for q in matrices])) < 0.3
    assert abs(np.mean([np.trace(q) for q in matrices])) < 0.3  # 0 for Haar, without the sign -2


def test_a_gaussian_matrix_has_its_largest_singular_value_near_twice_the_scale(rng):
    W = recurrent_matrix("gaussian", 300, 0.7, rng)
    assert W.std() == pytest.approx(0.7 / math.sqrt(300), rel=0.02)
    assert np.linalg.norm(W, 2) == pytest.approx(1.4, rel=0.03)


def test_uniform_is_pytorchs_default_and_identity_is_scaled(rng):
    W = recurrent_matrix("uniform", 100, 1, rng)
    assert 0.099 < np.abs(W).max() <= 0.1
    assert abs(W.mean()) < 0.002
    assert (recurrent_matrix("identity", 3, 0.5, rng) == 0.5 * np.eye(3)).all()


def test_a_seed_repeats_a_network_and_the_input_has_its_spread():
    one, same = (Network.random(256, np.random.default_rng(3), input_std=0.3) for _ in range(2))
    other = Network.random(256, np.random.default_rng(4))
    assert (one.W_hh == same.W_hh).all()
    assert (one.W_hh != other.W_hh).any()
    assert (one.W_ih @ one.W_e).std() == pytest.approx(0.3, rel=0.15)


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("W_hh", (5, 4), r"W_hh has the shape \(5, 4\); it must be square"),
        ("W_ih", (4, 3), r"W_ih has the shape \(4, 3\) and W_hh \(5, 5\); .* \(d', d\) and"),
        ("W_e", (2, 7), r"W_e has the shape \(2, 7\) and W_ih \(5, 3\)"),
        ("b_h", (6,), r"b_h has the shape \(6,\) and W_hh \(5, 5\); they must be \(d',\)"),
        ("b_h", (5, 1), r"b_h has the shape \(5, 1\), not \(d',\)"),
        ("W_ho", (4, 6), r"W_ho has the shape \(4, 6\) and W_hh \(5, 5\)"),
        ("b_o", (3,), r"b_o has the shape \(3,\) and W_ho \(4, 5\)"),
        ("W_ho", (0, 5), r"W_ho has the shape \(0, 5\), not \(k, d'\)"),
    ],
)
def test_weights_that_do_not_fit_are_named_with_their_shapes(network, name, shape, message):
    with pytest.raises(InvalidInput, match=message):
        replace(network, **{name: np.ones(shape)})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_the_first_weight_that_is_not_finite_is_named(network, value):
    W = network.W_hh.copy()
    W[2, 3] = W[4, 0] = value
    with pytest.raises(InvalidInput, match=rf"W_hh\[2, 3\] is {value}"):
        replace(network, W_hh=W)


@pytest.mark.parametrize("weights", [[["a"]], [[1, 2], [3]], 1j * np.eye(5), None])
def test_weights_that_are_no_real_numbers_are_refused(network, weights):
    with pytest.raises(InvalidInput, match="W_hh must be an array of real numbers"):
        replace(network, W_hh=weights)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([], "at least one token"),
        (np.zeros((3, 0), int), r"shape \(3, 0\)"),
        (4, "at least one token"),
        ([1, 7], r"tokens\[1\] is 7; of 7 words it is from 0 to 6"),
        ([[1, 2], [-1, 2]], r"tokens\[1, 0\] is -1"),
        ([1.0, 2.0], "must be integers, not float64"),
        ([True, False], "must be integers, not bool"),
        (["a"], "must be integers"),
        ([[1], [1, 2]], "rows of one length"),
    ],
)
def test_tokens_the_network_cannot_read_are_refused(network, tokens, message):
    with pytest.raises(InvalidInput, match=message):
        forward(network, tokens)


@pytest.mark.parametrize("shape", [(4,), (2, 5), (1, 1, 5)])
def test_an_h0_that_does_not_fit_is_refused(network, shape):
    with pytest.raises(InvalidInput, match=re.escape(f"h0 has the shape {shape}")):
        forward(network, [[1, 2], [1, 2], [1, 2]], np.zeros(shape))


def test_labels_and_probabilities_that_are_none_are_refused():
    with pytest.raises(InvalidInput, match=r"labels\[1\] is 3; of 3 classes it is from 0 to 2"):
        one_hot([0, 3], 3)
    with pytest.raises(InvalidInput, match="at least 1 class"):
        one_hot(0, 0)
    for y in ([1, 1, 0], [0, 0, 0], [0.5, 0.5, 0]):
        with pytest.raises(InvalidInput, match="one-hot"):
            loss(y, [0.2, 0.3, 0.5])
    with pytest.raises(InvalidInput, match=r"y has the shape \(2,\) and the probabilities \(3,\)"):
        loss([1, 0], [0.2, 0.3, 0.5])
    with pytest.raises(InvalidInput, match="from 0 to 1"):
        loss([1, 0], [2.0, -1.0])


def test_sizes_scales_and_names_out_of_range_are_refused(rng):
    with pytest.raises(InvalidInput, match="hidden is 0"):
        Network.random(0, rng)
    with pytest.raises(InvalidInput, match="classes is 0"):
        Network.random(2, rng, classes=0)
    with pytest.raises(InvalidInput, match="input_std is nan"):
        Network.random(2, rng, input_std=math.nan)
    with pytest.raises(InvalidInput, match="scale is inf"):
        recurrent_matrix("gaussian", 2, math.inf, rng)
    with pytest.raises(InvalidInput, match="'orthogonl'; did you mean orthogonal"):
        recurrent_matrix("orthogonl", 2, 1, rng)
