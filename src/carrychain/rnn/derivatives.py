"""The derivative of the loss by equations (4) and (5): term by term, and all of it at once.

    dl/dw = dl/do_T do_T/dh_T dh_T/dw                          (4)
    dh_t/dw = sum over i = 1..t of dh_t/dh_i dh_i^+/dw         (5)

The loss depends on o_T alone, so (4) gives the whole derivative at t = T. The derivative of a
vector by a vector is a matrix with a row an output, so the later factor of a product is on the
left.

Steps count as in the assignment: t and i from 1 to T, and h_0 is the state before the first.
Entries of an array count as in Python, from 0. `...` are the leading axes of a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

import numpy as np
from numpy.typing import ArrayLike

from carrychain.errors import InvalidInput, nearest
from carrychain.rnn.model import (
    Array,
    Forward,
    Network,
    Tokens,
    check_h0,
    check_one_hot,
    check_square,
    check_tokens,
    real_array,
)

if TYPE_CHECKING:
    from torch import Tensor

Parameter = Literal["W_hh", "W_ih", "b_h", "W_e"]

_ROWS = 128  # of a piece that stays in the cache


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
    _check_parameter(parameter)
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


# --- all entries at once --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Derivative:
    """The derivative by one parameter, and which steps it comes from.

    Attributes:
        total: the derivative, of the parameter's shape.
        norms: Frobenius norm of each step's term, (..., T).
        shares: <term, total> / ||total||^2 of each step's term, (..., T). The total is the sum of
            the terms, so the shares add up to 1 over steps and sequences: a share is how much of
            the total's length the term brings, below 0 where it points against the total. Norms
            say nothing of terms that cancel. NaN where the total is 0.
    """

    total: Array
    norms: Array
    shares: Array


class Gradient:
    """The derivative of the loss of a sequence, or of the sum of a batch's losses.

    With delta_i = dl/da_i, the term of step i in (4) and (5) is for all entries of a parameter

        W_hh:  delta_i h_{i-1}^T
        W_ih:  delta_i x_i^T
        b_h:   delta_i
        W_e:   W_ih^T delta_i onehot(s_i)^T

    Attributes:
        x: x_1 to x_T, (..., T, d).
        h: h_0 to h_T, (..., T+1, d').
        delta: delta_1 to delta_T, (..., T, d').
    """

    def __init__(
        self, network: Network, tokens: Tokens, x: Tensor, h: Tensor, delta: Tensor
    ) -> None:
        self._network, self._tokens = network, tokens  # tokens: (..., T)
        self._x, self._h, self._delta = x, h, delta  # (T, N, d), (T+1, N, d'), (T, N, d')
        self.x, self.h, self.delta = map(self._by_sequence, (x, h, delta))

    def by(self, parameter: Parameter) -> Derivative:
        """Return the derivative by `W_hh`, `W_ih`, `b_h` or `W_e`.

        Raises:
            InvalidInput: there is no such parameter.
        """
        _check_parameter(parameter)
        delta = self._delta.flatten(0, 1)  # (T N, d')
        match parameter:
            case "W_hh":
                sums = _sum_outer(delta, self._h[:-1].flatten(0, 1))
            case "W_ih":
                sums = _sum_outer(delta, self._x.flatten(0, 1))
            case "b_h":
                sums = _sum_outer(delta, delta.new_ones(len(delta), 1))
            case "W_e":
                dl_dx = delta @ delta.new_tensor(self._network.W_ih)  # (T N, d)
                words = _time_first(self._tokens).flatten()  # (T N,)
                sums = _sum_by_word(dl_dx, words, self._network.W_e.shape[1])
        total, norms, shares = sums
        return Derivative(
            total=total.numpy().reshape(getattr(self._network, parameter).shape),
            norms=self._by_sequence(norms.view(len(self._delta), -1)),
            shares=self._by_sequence(shares.view(len(self._delta), -1)),
        )

    def terms(self, parameter: Parameter) -> Array:
        """Return every step's term, (..., T, *shape of the parameter).

        Raises:
            InvalidInput: there is no such parameter.
        """
        _check_parameter(parameter)
        match parameter:
            case "W_hh":
                return self.delta[..., None] * self.h[..., :-1, None, :]
            case "W_ih":
                return self.delta[..., None] * self.x[..., None, :]
            case "b_h":
                return self.delta
            case "W_e":
                read = np.eye(self._network.W_e.shape[1])[self._tokens]  # (..., T, V)
                return (self.delta @ self._network.W_ih)[..., None] * read[..., None, :]

    def _by_sequence(self, rows: Tensor) -> Array:
        """Return (T, N, ...) as (..., T, ...)."""
        batch = self._tokens.shape[:-1]
        array: Array = rows.numpy()
        return np.moveaxis(array.reshape(len(rows), *batch, *rows.shape[2:]), 0, len(batch))


def gradient(
    network: Network, tokens: ArrayLike, y: ArrayLike, h0: ArrayLike | None = None
) -> Gradient:
    """Run the network, and carry dl/do_T back through all steps in one pass.

        delta_T = sigma'(a_T) * W_ho^T (p_T - y)
        delta_{i-1} = sigma'(a_{i-1}) * W_hh^T delta_i

    It computes in PyTorch without autograd, for PyTorch multiplies matrices faster than NumPy.

    Args:
        network, tokens, h0: as for `carrychain.rnn.model.forward`.
        y: one-hot labels, (..., k).

    Raises:
        InvalidInput: as `forward`; y is not one-hot; the derivative outgrows float64.
    """
    import torch

    s = check_tokens(tokens, network)  # (..., T)
    *batch, T = s.shape
    hidden, classes = len(network.b_h), len(network.b_o)
    start = np.broadcast_to(check_h0(h0, network, batch), (*batch, hidden))
    y = check_one_hot(y, (*batch, classes))
    with torch.inference_mode():
        W_e, W_ih, W_hh = (torch.from_numpy(w) for w in (network.W_e, network.W_ih, network.W_hh))
        b_h, W_ho, b_o = (torch.from_numpy(w) for w in (network.b_h, network.W_ho, network.b_o))
        # Time goes first, so that a step of all N sequences is one matrix.
        x = W_e.T[_time_first(s)]  # (1): (T, N, d)
        h = x.new_empty(T + 1, x.shape[1], hidden)
        h[0] = torch.tensor(start.reshape(-1, hidden))
        torch.addmm(b_h, x.flatten(0, 1), W_ih.T, out=h[1:].view(-1, hidden))
        h_, W_hh_T = h.unbind(), W_hh.T.contiguous()
        for t in range(1, T + 1):
            h_[t].addmm_(h_[t - 1], W_hh_T).tanh_()  # (2)
        p_T = torch.addmm(b_o, h[T], W_ho.T).softmax(-1)  # (3)
        dl_dh = (p_T - torch.tensor(y).view(-1, classes)) @ W_ho  # (N, d')
        delta = torch.addcmul(h.new_ones(()), h[1:], h[1:], value=-1)  # sigma'(a): (T, N, d')
        delta_ = delta.unbind()
        for i in range(T, 1, -1):
            torch.mm(delta_[i - 1].mul_(dl_dh), W_hh, out=dl_dh)  # dl/dh_{i-1}
        delta_[0].mul_(dl_dh)
    _check_range(delta)
    return Gradient(network, s, x, h, delta)


def _time_first(tokens: Tokens) -> Tensor:
    """Return (..., T) as (T, N)."""
    import torch

    return torch.tensor(tokens.reshape(-1, tokens.shape[-1]).T)


def _sum_outer(u: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the sum of u v^T over rows, and each row's norm and share.

    No u v^T is formed: its norm is ||u|| ||v||, and its inner product with the total u^T total v.

    Args:
        u, v: (T N, m), (T N, n).
    """
    total = u.T @ v  # (m, n)
    length = _norms(total.reshape(1, -1))
    unit = total / length
    shares = u.new_empty(len(u))
    for start in range(0, len(u), _ROWS):
        rows = slice(start, start + _ROWS)
        shares[rows] = (u[rows] @ unit).mul_(v[rows]).sum(1)
    return total, _norms(u) * _norms(v), shares / length


def _sum_by_word(u: Tensor, words: Tensor, vocabulary: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the sum of u onehot(word)^T over rows, and each row's norm and share.

    Args:
        u, words: (T N, m), (T N,).
        vocabulary: V; the sum is (m, V).
    """
    total = u.new_zeros(vocabulary, u.shape[1]).index_add_(0, words, u)  # (V, m)
    length = _norms(total.reshape(1, -1))
    unit = total / length
    return total.T, _norms(u), (u * unit[words]).sum(1) / length


def _norms(rows: Tensor) -> Tensor:
    """Return each row's length, right also where its square is outside float64."""
    import torch

    lengths = cast("Tensor", torch.linalg.vector_norm(rows, dim=1))
    outside = (lengths < 1e-140) | (lengths > 1e140)
    if outside.any():
        extreme = rows[outside]
        largest = extreme.abs().amax(1, keepdim=True).clamp(min=5e-324)
        lengths[outside] = largest[:, 0] * torch.linalg.vector_norm(extreme / largest, dim=1)
    return lengths


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


def _check_parameter(parameter: str) -> None:
    names = get_args(Parameter)
    if parameter not in names:
        raise InvalidInput(f"there is no parameter {parameter!r}{nearest(str(parameter), names)}")


def _check_entry(network: Network, parameter: Parameter, entry: tuple[int, ...]) -> None:
    _check_parameter(parameter)
    shape = getattr(network, parameter).shape
    if len(entry) != len(shape) or not all(0 <= e < n for e, n in zip(entry, shape, strict=True)):
        raise InvalidInput(f"{parameter} has the shape {shape}, and no entry {list(entry)}")


def _check_range(delta: Tensor) -> None:
    """Raise InvalidInput if a delta is above float64; it stays so in all steps before."""
    if delta[0].isfinite().all():
        return
    steps = int((~delta.flatten(1).isfinite().all(1)).sum())
    raise InvalidInput(
        f"the derivative is too large for float64 from step {steps} back; give a smaller W_hh or "
        "fewer steps, or see lag_norms, which works in logarithms"
    )
