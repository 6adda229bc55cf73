"""The derivative of the loss by equations (4) and (5), term by term as they are written.

    dl/dw = dl/do_T do_T/dh_T dh_T/dw                          (4)
    dh_t/dw = sum over i = 1..t of dh_t/dh_i dh_i^+/dw         (5)

The loss depends on o_T alone, so (4) gives the whole derivative at t = T. The derivative of a
vector by a vector is a matrix with a row an output, so the later factor of a product is on the
left.

Steps count as in the assignment: t and i from 1 to T, and h_0 is the state before the first.
Entries of an array count as in Python, from 0. `...` are the leading axes of a batch.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from carrychain.errors import InvalidInput, nearest
from carrychain.rnn.model import (
    Array,
    Forward,
    Network,
    check_one_hot,
    check_square,
    real_array,
)

Parameter = Literal["W_hh", "W_ih", "b_h", "W_e"]


# --- the factors ----------------------------------------------------------------------------------


def dl_do(passed: Forward, y: ArrayLike) -> Array:
    """Return dl/do_T = p_T - y, (..., k), for one-hot labels y, (..., k)."""
    return passed.p_T - check_one_hot(y, passed.p_T.shape)


def do_dh(network: Network) -> Array:
    """Return do_T/dh_T = W_ho, (k, d')."""
    return network.W_ho


def slopes(h: Array) -> Array:
    """Return sigma'(a) = 1 - tanh(a)^2 from h = tanh(a), of the same shape."""
    return 1 - h * h


def jacobians(W_hh: ArrayLike, h: ArrayLike) -> Array:
    """Return every step's Jacobian, J[..., t] = dh_{t+1}/dh_t = diag(sigma'(a_{t+1})) W_hh.

    Args:
        W_hh: (d', d').
        h: h_0 to h_T, (..., T+1, d').

    Returns:
        (..., T, d', d').

    Raises:
        InvalidInput: the shapes do not fit, or a number is not finite.
    """
    W, states = check_states(W_hh, h)
    return slopes(states[..., 1:, :])[..., None] * W


def dh_dh(J: Array, t: int, i: int) -> Array:
    """Return dh_t/dh_i = J[t-1] ... J[i], later factors on the left; the identity for t = i.

    Args:
        J: as `jacobians` returns them, (..., T, d', d').
        t, i: steps, 0 <= i <= t <= T.

    Returns:
        (..., d', d').

    Raises:
        InvalidInput: there is no such step.
    """
    T, hidden = J.shape[-3:-1]
    if not 0 <= i <= t <= T:
        raise InvalidInput(f"t is {t} and i {i}; with T = {T} they must be 0 <= i <= t <= T")
    product = np.broadcast_to(np.eye(hidden), (*J.shape[:-3], hidden, hidden))
    for j in range(i, t):
        product = J[..., j, :, :] @ product
    return product


def immediate_partial(
    network: Network, passed: Forward, i: int, parameter: Parameter, entry: tuple[int, ...]
) -> Array:
    """Return dh_i^+/dw of one weight w, for which h_{i-1} is a constant.

    With e_m the m-th unit vector and * entry by entry:

        w = W_hh[m, n]:  e_m sigma'(a_i[m]) h_{i-1}[n]
        w = W_ih[m, n]:  e_m sigma'(a_i[m]) x_i[n]
        w = b_h[m]:      e_m sigma'(a_i[m])
        w = W_e[m, n]:   sigma'(a_i) * W_ih[:, m] if s_i is the word n, else 0

    Args:
        network, passed: the weights and a forward pass of them.
        i: the step, 1 to T.
        parameter: `W_hh`, `W_ih`, `b_h` or `W_e`.
        entry: (m, n), or (m,) of the bias.

    Returns:
        (..., d').

    Raises:
        InvalidInput: there is no such parameter, entry or step.
    """
    _check_entry(network, parameter, entry)
    _check_step("i", i, passed)
    m, n = entry[0], entry[-1]
    slope = slopes(passed.h[..., i, :])  # (..., d')
    if parameter == "W_e":
        read = passed.tokens[..., i - 1, None] == n  # (..., 1)
        return slope * network.W_ih[:, m] * read
    match parameter:
        case "W_hh":
            factor = passed.h[..., i - 1, n]  # (...)
        case "W_ih":
            factor = passed.x[..., i - 1, n]  # (...)
        case "b_h":
            factor = 1.0
    partial = np.zeros_like(slope)
    partial[..., m] = slope[..., m] * factor
    return partial


def immediate_partials(network: Network, passed: Forward, i: int, parameter: Parameter) -> Array:
    """Return dh_i^+/dw for every entry w of a parameter.

    Args:
        network, passed, i, parameter: as for `immediate_partial`.

    Returns:
        (..., d', *shape of the parameter), so [..., :, m, n] is the partial of W[m, n].

    Raises:
        InvalidInput: there is no such parameter or step.
    """
    check_parameter(parameter)
    _check_step("i", i, passed)
    hidden = len(network.b_h)
    dh_da = np.eye(hidden) * slopes(passed.h[..., i, :])[..., None, :]  # diag(sigma'(a_i))
    match parameter:
        case "W_hh":
            return dh_da[..., None] * passed.h[..., i - 1, None, None, :]  # (..., d', d', d')
        case "W_ih":
            return dh_da[..., None] * passed.x[..., i - 1, None, None, :]  # (..., d', d', d)
        case "b_h":
            return dh_da
        case "W_e":
            read = np.eye(network.W_e.shape[1])[passed.tokens[..., i - 1]]  # (..., V)
            return (dh_da @ network.W_ih)[..., None] * read[..., None, None, :]  # (..., d', d, V)


# --- (5) and (4), as they are written -------------------------------------------------------------


def state_terms(
    network: Network, passed: Forward, t: int, parameter: Parameter, entry: tuple[int, ...]
) -> Array:
    """Return the terms of (5), dh_t/dh_i dh_i^+/dw for i = 1..t; their sum over i is dh_t/dw.

    Args:
        network, passed, parameter, entry: as for `immediate_partial`.
        t: the step, 1 to T.

    Returns:
        (..., t, d').

    Raises:
        InvalidInput: there is no such parameter, entry or step.
    """
    _check_step("t", t, passed)
    J = jacobians(network.W_hh, passed.h)
    terms = np.empty((*passed.h.shape[:-2], t, len(network.b_h)))
    to_t = dh_dh(J, t, t)  # (..., d', d')
    for i in range(t, 0, -1):
        partial = immediate_partial(network, passed, i, parameter, entry)
        terms[..., i - 1, :] = (to_t @ partial[..., None])[..., 0]
        to_t = to_t @ J[..., i - 1, :, :]  # dh_t/dh_{i-1}
    return terms


def loss_terms(
    network: Network,
    passed: Forward,
    y: ArrayLike,
    parameter: Parameter,
    entry: tuple[int, ...],
) -> Array:
    """Return the terms of dl/dw, by (5) in (4): dl/do_T do_T/dh_T dh_T/dh_i dh_i^+/dw, i = 1..T.

    Args:
        network, passed, parameter, entry: as for `immediate_partial`.
        y: one-hot labels, (..., k).

    Returns:
        (..., T); their sum over i is dl/dw.

    Raises:
        InvalidInput: y is not one-hot, or there is no such parameter or entry.
    """
    dl_dh = dl_do(passed, y) @ do_dh(network)  # (..., d')
    terms = state_terms(network, passed, passed.tokens.shape[-1], parameter, entry)
    return (terms @ dl_dh[..., None])[..., 0]


# --- checks ---------------------------------------------------------------------------------------


def check_states(W_hh: ArrayLike, h: ArrayLike) -> tuple[Array, Array]:
    """Return W_hh, (d', d'), and h, (..., T+1, d'), or raise InvalidInput if they do not fit."""
    W, states = check_square("W_hh", W_hh), real_array("h", h)
    if states.ndim < 2 or states.shape[-1] != len(W) or not states.size:
        raise InvalidInput(
            f"h has the shape {states.shape} and W_hh {W.shape}; they must be (..., T+1, d') and "
            "(d', d')"
        )
    return W, states


def _check_step(name: str, step: int, passed: Forward) -> None:
    T = passed.tokens.shape[-1]
    if not 1 <= step <= T:
        raise InvalidInput(f"{name} is {step}; there are the steps 1 to {T}")


def check_parameter(parameter: str) -> None:
    """Raise InvalidInput if there is no such parameter."""
    names = get_args(Parameter)
    if parameter not in names:
        raise InvalidInput(f"there is no parameter {parameter!r}{nearest(str(parameter), names)}")


def _check_entry(network: Network, parameter: Parameter, entry: tuple[int, ...]) -> None:
    check_parameter(parameter)
    shape = getattr(network, parameter).shape
    if len(entry) != len(shape) or not all(0 <= e < n for e, n in zip(entry, shape, strict=True)):
        raise InvalidInput(f"{parameter} has the shape {shape}, and no entry {list(entry)}")
