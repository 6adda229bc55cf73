"""The derivative of the loss by equations (4) and (5), by all weights and steps at once.

What `derivatives` multiplies out term by term is here one pass back through the steps and a few
large products. It computes in PyTorch without autograd, for PyTorch multiplies matrices faster than
NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from carrychain.errors import InvalidInput
from carrychain.rnn.derivatives import Parameter, check_parameter
from carrychain.rnn.model import (
    Array,
    Network,
    Tokens,
    check_h0,
    check_one_hot,
    check_tokens,
)

_ROWS = 128  # of a piece that stays in the cache


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
        check_parameter(parameter)
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
        check_parameter(parameter)
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

    Args:
        network, tokens, h0: as for `carrychain.rnn.model.forward`.
        y: one-hot labels, (..., k).

    Raises:
        InvalidInput: as `forward`; y is not one-hot; the derivative outgrows float64.
    """
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
    lengths = cast(Tensor, torch.linalg.vector_norm(rows, dim=1))
    outside = (lengths < 1e-140) | (lengths > 1e140)
    if outside.any():
        extreme = rows[outside]
        largest = extreme.abs().amax(1, keepdim=True).clamp(min=5e-324)
        lengths[outside] = largest[:, 0] * torch.linalg.vector_norm(extreme / largest, dim=1)
    return lengths


def _check_range(delta: Tensor) -> None:
    """Raise InvalidInput if a delta is above float64; it stays so in all steps before."""
    if delta[0].isfinite().all():
        return
    steps = int((~delta.flatten(1).isfinite().all(1)).sum())
    raise InvalidInput(
        f"the derivative is too large for float64 from step {steps} back; give a smaller W_hh or "
        "fewer steps, or see lag_norms, which works in logarithms"
    )
