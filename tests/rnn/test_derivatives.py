"""Every factor of (4) and (5), and their sum, agree with autograd and with complex steps."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from carrychain.errors import InvalidInput
from carrychain.rnn.derivatives import (
    dh_dh,
    dl_do,
    do_dh,
    immediate_partial,
    immediate_partials,
    jacobians,
    loss_terms,
    slopes,
    state_terms,
)
from carrychain.rnn.gradient import gradient
from carrychain.rnn.model import Network, forward, one_hot

PARAMETERS = ("W_hh", "W_ih", "b_h", "W_e")
HIDDEN, STEPS = 5, 6
STEP = 1e-200  # of a complex step: its error is its square


def problem(seed=0, batch=(), hidden=HIDDEN, steps=STEPS, scale=1.3):
    rng = np.random.default_rng(seed)
    network = Network.random(hidden, rng, scale=scale, embedding=3, vocabulary=4, input_std=0.8)
    network = replace(network, b_h=rng.normal(0, 0.3, hidden), b_o=rng.normal(size=4))
    tokens = rng.integers(4, size=(*batch, steps))
    h0 = rng.normal(0, 0.5, (*batch, hidden))
    y = one_hot(rng.integers(4, size=batch), 4)
    return network, tokens, h0, y


def by_autograd(network, tokens, h0, y):
    """The derivative of the sum of the losses, from equations (1) to (3) in torch."""
    weights = {
        name: torch.tensor(getattr(network, name), requires_grad=True)
        for name in ("W_e", "W_ih", "W_hh", "b_h", "W_ho", "b_o")
    }
    w, h = weights, torch.tensor(h0)
    for t in range(tokens.shape[-1]):
        x = w["W_e"].T[torch.tensor(tokens[..., t])]
        h = torch.tanh(h @ w["W_hh"].T + x @ w["W_ih"].T + w["b_h"])
    log_p = torch.log_softmax(h @ w["W_ho"].T + w["b_o"], dim=-1)
    (-(torch.tensor(y) * log_p).sum()).backward()
    return {name: weights[name].grad.numpy() for name in PARAMETERS}


def states(network, tokens, h0, **changed):
    """h_1 to h_T of one sequence; weights may be complex."""
    w = {name: getattr(network, name) for name in PARAMETERS} | changed
    h, found = h0, []
    for s in tokens:
        h = np.tanh(w["W_hh"] @ h + w["W_ih"] @ w["W_e"][:, s] + w["b_h"])
        found.append(h)
    return np.array(found)


def nudged(array, entry):
    array = array.astype(complex)
    array[entry] += 1j * STEP
    return array


def entries(network, parameter):
    return np.ndindex(getattr(network, parameter).shape)


# --- the factors ----------------------------------------------------------------------------------


def test_dl_do_is_p_less_y_and_do_dh_is_W_ho():
    network, tokens, h0, y = problem()
    passed = forward(network, tokens, h0)
    o = torch.tensor(passed.o_T, requires_grad=True)
    torch.nn.functional.cross_entropy(o, torch.tensor(y)).backward()
    assert dl_do(passed, y) == pytest.approx(o.grad.numpy(), abs=1e-15)

    def output(h):
        return torch.tensor(network.W_ho) @ h + torch.tensor(network.b_o)

    jacobian = torch.autograd.functional.jacobian(output, torch.tensor(passed.h[-1]))
    assert do_dh(network) == pytest.approx(jacobian.numpy(), abs=1e-15)


def test_slopes_are_the_derivative_of_tanh():
    a = np.linspace(-5, 5, 41)
    assert slopes(np.tanh(a)) == pytest.approx(np.tanh(a + 1j * STEP).imag / STEP, abs=1e-15)


def test_each_jacobian_is_the_derivative_of_a_state_by_the_one_before():
    network, tokens, h0, _ = problem(batch=(2,))
    passed = forward(network, tokens, h0)
    J = jacobians(network.W_hh, passed.h)
    assert J.shape == (2, STEPS, HIDDEN, HIDDEN)
    for t in range(STEPS):
        for n in range(HIDDEN):
            before = nudged(passed.h[1, t], n)
            (after,) = states(network, tokens[1, t : t + 1], before)
            assert J[1, t, :, n] == pytest.approx(after.imag / STEP, abs=1e-14)


def test_dh_dh_is_the_derivative_over_several_steps_and_the_identity_over_none():
    network, tokens, h0, _ = problem()
    passed = forward(network, tokens, h0)
    J = jacobians(network.W_hh, passed.h)
    for i in range(STEPS + 1):
        assert (dh_dh(J, i, i) == np.eye(HIDDEN)).all()
        for n in range(HIDDEN):
            later = states(network, tokens[i:], nudged(passed.h[i], n))
            for t in range(i + 1, STEPS + 1):
                assert dh_dh(J, t, i)[:, n] == pytest.approx(
                    later[t - i - 1].imag / STEP, abs=1e-13
                )


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_an_immediate_partial_takes_the_state_before_as_a_constant(parameter):
    network, tokens, h0, _ = problem()
    passed = forward(network, tokens, h0)
    for i in range(1, STEPS + 1):
        every = immediate_partials(network, passed, i, parameter)
        for entry in entries(network, parameter):
            weight = nudged(getattr(network, parameter), entry)
            (h_i,) = states(network, tokens[i - 1 : i], passed.h[i - 1], **{parameter: weight})
            one = immediate_partial(network, passed, i, parameter, entry)
            assert one == pytest.approx(h_i.imag / STEP, abs=1e-14)
            assert every[(slice(None), *entry)] == pytest.approx(one, abs=1e-16)


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_the_immediate_partials_of_a_batch_are_those_of_its_sequences(parameter):
    network, tokens, h0, _ = problem(batch=(2, 3))
    whole, alone = forward(network, tokens, h0), forward(network, tokens[1, 2], h0[1, 2])
    of_batch = immediate_partials(network, whole, 4, parameter)[1, 2]
    assert of_batch == pytest.approx(immediate_partials(network, alone, 4, parameter), abs=1e-15)


# --- (5) and (4) ----------------------------------------------------------------------------------


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_the_terms_of_equation_5_add_up_to_dh_t_by_dw(parameter):
    network, tokens, h0, _ = problem()
    passed = forward(network, tokens, h0)
    for entry in entries(network, parameter):
        weight = nudged(getattr(network, parameter), entry)
        h = states(network, tokens, h0, **{parameter: weight})
        for t in (1, 3, STEPS):
            terms = state_terms(network, passed, t, parameter, entry)
            assert terms.shape == (t, HIDDEN)
            assert terms.sum(axis=0) == pytest.approx(h[t - 1].imag / STEP, abs=1e-13)


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_a_term_of_equation_5_is_what_a_change_at_that_step_alone_does(parameter):
    network, tokens, h0, _ = problem()
    passed = forward(network, tokens, h0)
    entry = next(entries(network, parameter)) if parameter != "W_e" else (1, int(tokens[2]))
    terms = state_terms(network, passed, STEPS, parameter, entry)
    for i in range(1, STEPS + 1):
        weight = nudged(getattr(network, parameter), entry)
        (h_i,) = states(network, tokens[i - 1 : i], passed.h[i - 1], **{parameter: weight})
        h_T = h_i if i == STEPS else states(network, tokens[i:], h_i)[-1]
        assert terms[i - 1] == pytest.approx(h_T.imag / STEP, abs=1e-13)


@pytest.mark.parametrize("parameter", PARAMETERS)
def test_the_terms_of_equation_4_add_up_to_autograds_derivative(parameter):
    network, tokens, h0, y = problem(batch=(3,))
    passed = forward(network, tokens, h0)
    expected = by_autograd(network, tokens, h0, y)[parameter]
    for entry in entries(network, parameter):
        terms = loss_terms(network, passed, y, parameter, entry)
        assert terms.shape == (3, STEPS)
        assert terms.sum() == pytest.approx(expected[entry], abs=1e-12)


# --- all entries at once --------------------------------------------------------------------------


@pytest.mark.parametrize("parameter", PARAMETERS)
@given(
    seed=st.integers(0, 10**6),
    batch=st.sampled_from([(), (1,), (4,), (2, 3)]),
    hidden=st.integers(1, 9),
    steps=st.integers(1, 40),
    scale=st.sampled_from([0.3, 1.0, 2.0]),
)
def test_the_gradient_is_autograds(parameter, seed, batch, hidden, steps, scale):
    network, tokens, h0, y = problem(seed, batch, hidden, steps, scale)
    expected = by_autograd(network, tokens, h0, y)[parameter]
    found = gradient(network, tokens, y, h0).by(parameter)
    assert found.total.shape == expected.shape
    assert found.total == pytest.approx(expected, abs=1e-10 * (1e-3 + np.abs(expected).max()))
    assert found.shares.sum() == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("parameter", PARAMETERS)
@pytest.mark.parametrize("batch", [(), (2, 3)])
def test_terms_norms_and_shares_are_those_of_equations_4_and_5(parameter, batch):
    network, tokens, h0, y = problem(batch=batch)
    passed, found = forward(network, tokens, h0), gradient(network, tokens, y, h0)
    terms, derivative = found.terms(parameter), found.by(parameter)
    for entry in entries(network, parameter):
        one = loss_terms(network, passed, y, parameter, entry)
        assert terms[(..., *entry)] == pytest.approx(one, abs=1e-13)
    flat = terms.reshape(*batch, STEPS, -1)
    total = derivative.total.ravel()
    assert flat.sum(axis=tuple(range(len(batch) + 1))) == pytest.approx(total, abs=1e-13)
    assert derivative.norms == pytest.approx(np.linalg.norm(flat, axis=-1), abs=1e-13)
    assert derivative.shares == pytest.approx(flat @ total / (total @ total), abs=1e-13)


def test_a_share_below_0_is_a_step_that_pulls_against_the_derivative():
    network, tokens, h0, y = problem(seed=9)
    found = gradient(network, tokens, y, h0)
    derivative = found.by("W_hh")
    i = int(np.argmin(derivative.shares))
    assert derivative.shares[i] < 0
    without = derivative.total - found.terms("W_hh")[i]
    assert (without * derivative.total).sum() > (derivative.total**2).sum()


def test_the_states_and_deltas_are_the_models_and_autograds():
    network, tokens, h0, y = problem(batch=(2, 3))
    found = gradient(network, tokens, y, h0)
    passed = forward(network, tokens, h0)
    assert found.h == pytest.approx(passed.h, abs=1e-14)
    assert found.x == pytest.approx(passed.x, abs=0)
    # b_h goes into every a_i alike, so its derivative is the sum of dl/da_i
    assert found.delta.shape == (2, 3, STEPS, HIDDEN)
    expected = by_autograd(network, tokens, h0, y)["b_h"]
    assert found.delta.sum(axis=(0, 1, 2)) == pytest.approx(expected, abs=1e-13)


def test_without_h0_the_first_term_of_W_hh_is_0():
    network, tokens, _, y = problem()
    derivative = gradient(network, tokens, y).by("W_hh")
    assert derivative.norms[0] == derivative.shares[0] == 0
    assert (derivative.norms[1:] > 0).all()


def test_norms_and_shares_of_a_vanishing_derivative_do_not_underflow():
    network, tokens, h0, y = problem()
    network = replace(network, W_ho=1e-200 * network.W_ho)
    found = gradient(network, tokens, y, h0)
    terms, derivative = 1e200 * found.terms("W_hh"), found.by("W_hh")
    total = terms.sum(axis=0)
    assert derivative.norms * 1e200 == pytest.approx(np.linalg.norm(terms, axis=(1, 2)), rel=1e-12)
    assert derivative.shares == pytest.approx(
        (terms * total).sum(axis=(1, 2)) / (total**2).sum(), abs=1e-12
    )


def test_norms_of_far_terms_keep_their_digits_below_1e_minus_162():
    network, tokens, h0, y = problem(steps=70, scale=1.0)
    network = replace(network, W_hh=1e-3 * np.eye(HIDDEN))
    found = gradient(network, tokens, y, h0)
    scaled = np.linalg.norm(found.delta[5] * 1e180) * np.linalg.norm(found.h[5])
    assert 0 < found.by("W_hh").norms[5] < 1e-162
    assert found.by("W_hh").norms[5] * 1e180 == pytest.approx(scaled, rel=1e-12)


def test_where_the_derivative_is_0_there_are_no_shares():
    network, tokens, h0, y = problem()
    found = gradient(replace(network, W_ho=np.zeros((4, HIDDEN))), tokens, y, h0)
    for parameter in PARAMETERS:
        derivative = found.by(parameter)
        assert (derivative.total == 0).all()
        assert (derivative.norms == 0).all()
        assert np.isnan(derivative.shares).all()


def test_many_sequences_are_summed_in_pieces_without_a_seam():
    network, tokens, h0, y = problem(batch=(7,), steps=150)
    derivative = gradient(network, tokens, y, h0).by("W_hh")
    flat = gradient(network, tokens, y, h0).terms("W_hh").reshape(7, 150, -1)
    total = flat.sum(axis=(0, 1))
    assert derivative.shares == pytest.approx(flat @ total / (total @ total), abs=1e-13)


# --- what is refused, and what is not loaded ------------------------------------------------------


def test_steps_entries_and_parameters_that_do_not_exist_are_named():
    network, tokens, h0, y = problem()
    passed = forward(network, tokens, h0)
    J = jacobians(network.W_hh, passed.h)
    for t, i in ((7, 0), (2, 3), (2, -1)):
        with pytest.raises(InvalidInput, match=f"t is {t} and i {i}; with T = 6"):
            dh_dh(J, t, i)
    for i in (0, 7):
        with pytest.raises(InvalidInput, match=f"i is {i}; there are the steps 1 to 6"):
            immediate_partial(network, passed, i, "W_hh", (0, 0))
    with pytest.raises(InvalidInput, match="t is 7"):
        state_terms(network, passed, 7, "W_hh", (0, 0))
    for entry in ((5, 0), (0,), (-1, 0)):
        with pytest.raises(InvalidInput, match=r"W_hh has the shape \(5, 5\), and no entry"):
            immediate_partial(network, passed, 1, "W_hh", entry)
    for call in (
        lambda: immediate_partials(network, passed, 1, "W_oh"),
        lambda: gradient(network, tokens, y).by("W_oh"),
        lambda: gradient(network, tokens, y).terms("W_oh"),
    ):
        with pytest.raises(InvalidInput, match=r"no parameter 'W_oh'; .*W_hh"):
            call()


def test_states_and_labels_that_do_not_fit_are_named():
    network, tokens, _, y = problem()
    with pytest.raises(InvalidInput, match=r"h has the shape \(7, 4\) and W_hh \(5, 5\)"):
        jacobians(network.W_hh, np.zeros((7, 4)))
    with pytest.raises(InvalidInput, match=r"W_hh has the shape \(2, 5\); it must be square"):
        jacobians(network.W_hh[:2], np.zeros((7, 5)))
    with pytest.raises(InvalidInput, match=r"h\[3, 1\] is nan"):
        jacobians(network.W_hh, np.where(np.arange(35).reshape(7, 5) == 16, math.nan, 0))
    with pytest.raises(InvalidInput, match="one-hot"):
        gradient(network, tokens, 0 * y)
    with pytest.raises(InvalidInput, match=r"tokens\[0\] is 4"):
        gradient(network, [4], y)


def test_a_derivative_too_large_for_float64_is_refused_with_the_step():
    network = replace(
        Network.random(2, np.random.default_rng(0), vocabulary=1, input_std=0),
        W_hh=1000 * np.eye(2),
    )
    # |dl/da_T| is below 1 and grows a thousandfold a step: 10^308 is passed near lag 103
    with pytest.raises(InvalidInput, match=r"too large for float64 from step 9[5-9] back"):
        gradient(network, np.zeros(200, int), one_hot(0, 4))


def test_a_nontrivial_order_of_memory_and_read_only_weights_change_nothing():
    network, tokens, h0, y = problem(batch=(2,))
    W = np.asfortranarray(network.W_hh)
    W.flags.writeable = False
    again = gradient(replace(network, W_hh=W), tokens, y, h0).by("W_hh").total
    assert (again == gradient(network, tokens, y, h0).by("W_hh").total).all()


def test_the_equations_as_written_do_without_torch():
    modules = "carrychain.rnn.bounds, carrychain.rnn.derivatives"
    program = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
