"""Where the gradient goes in torch's RNN, GRU and LSTM, and through any step function.

Write s_t for what a cell carries from step t to step t+1: h_t of an RNN and a GRU, h_t and then c_t
of an LSTM, the states of all layers, lowest first, of a stack. The recurrent weights enter through
a_t = W_hh h_{t-1} + b_hh, gates one below the other, and a gate acts on its own unit alone. So
ds_t/da_t is made of diagonal matrices (G), as is what reaches s_t past the weights (D), and

    ds_t/ds_{t-1} = G_t W_hh + D_t

Shapes: B sequences, T steps, L layers, d units a layer, g gates, S parts of a layer's state (2 for
an LSTM, else 1), n = L S d numbers in a state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, TypeAlias, cast

import numpy as np
import psutil
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from carrychain.errors import InvalidInput
from carrychain.rnn.derivatives import slopes
from carrychain.rnn.lag_norms import LagNorms, lag_norms
from carrychain.rnn.lyapunov import Lyapunov, lyapunov_spectrum

Array: TypeAlias = NDArray[np.float64]
Step: TypeAlias = Callable[[Tensor, Tensor], Tensor]
State: TypeAlias = "Tensor | tuple[Tensor, Tensor]"

_KINDS = (nn.RNN, nn.GRU, nn.LSTM, nn.RNNCell, nn.GRUCell, nn.LSTMCell)
_FORMATS = (torch.float32, torch.float64)


@dataclass(frozen=True, eq=False)
class GradientFlow:
    """How a change of the state at step i reaches step t, for all i and t.

    A batch gives every array a leading axis (B, ...). All numbers are float64. The matrix of norms
    takes T^2 n^3 operations, the exponents T n^3; each is computed when first asked for, and kept.

    Attributes:
        states: s_0 to s_T, (T+1, n).
        jacobians: jacobians[t] = ds_{t+1}/ds_t, (T, n, n).
        log_per_step_terms: entry i-1 is the log of the Frobenius norm of step i's term in equation
            (5), (dh_T/ds_i)(ds_i^+/dW), where h_T is the output (of the top layer) and W holds all
            recurrent weights; of a step function, whose weights are not known, the log of
            ||ds_T/ds_i||_F. -inf where the norm is 0, (T,).
    """

    states: Array
    jacobians: Array
    log_per_step_terms: Array
    _stack: tuple[GradientFlow, ...] = ()

    @property
    def layers(self) -> tuple[GradientFlow, ...]:
        """The flow along each layer's own recurrent path, all that comes from below held fixed.

        Of one layer, and of a step function, it is the flow itself.
        """
        return self._stack or (self,)

    @property
    def log_norms(self) -> Array:
        """Entry [t, i] is log ||ds_t/ds_i||_2: 0 on the diagonal, -inf above, (T+1, T+1)."""
        return self._joined([norms.log_norms for norms in self._lag_norms])

    @property
    def certificate(self) -> Array:
        """A bound on each norm's relative error, see `lag_norms`, (T+1, T+1)."""
        return self._joined([norms.certificate for norms in self._lag_norms])

    @property
    def lyapunov(self) -> Array:
        """Exponential rates a step at which changes of the state grow, descending, (n,).

        -inf for a direction that some step maps to 0.
        """
        return self._joined([spectrum.exponents for spectrum in self._spectra])

    @property
    def lyapunov_error(self) -> Array:
        """The exponents' standard errors, inf after one step, see `lyapunov_spectrum`, (n,)."""
        return self._joined([spectrum.error for spectrum in self._spectra])

    @property
    def per_step_terms(self) -> Array:
        """The terms themselves, (T,); over a long sequence they may be 0 or inf, their logs not."""
        with np.errstate(over="ignore"):
            return np.exp(self.log_per_step_terms)

    @property
    def shares(self) -> Array:
        """Each step's part of the sum of all `per_step_terms`, (T,); all 0 where every term is."""
        top = self.log_per_step_terms.max(-1, keepdims=True)
        terms = np.exp(self.log_per_step_terms - np.where(np.isfinite(top), top, 0))
        return terms / np.maximum(terms.sum(-1, keepdims=True), 1)

    @cached_property
    def _lag_norms(self) -> list[LagNorms]:
        return [lag_norms(J) for J in self._sequences()]

    @cached_property
    def _spectra(self) -> list[Lyapunov]:
        return [lyapunov_spectrum(J) for J in self._sequences()]

    def _sequences(self) -> Array:
        return self.jacobians.reshape(-1, *self.jacobians.shape[-3:])  # (B, T, n, n)

    def _joined(self, arrays: list[Array]) -> Array:
        return np.stack(arrays) if self.jacobians.ndim == 4 else arrays[0]


def gradient_flow(
    cell: nn.Module | Step, inputs: Tensor | ArrayLike, h0: State | None = None
) -> GradientFlow:
    """Follow the gradient through every step of a recurrent network on given inputs.

    A torch module is read, never run or changed: its weights are taken as float64 and its Jacobians
    computed in closed form. A step function is called once a step, as given, and differentiated by
    `torch.func.jacrev`; its Jacobians are as exact as the number format that it computes in.

    Args:
        cell: torch.nn.RNN (tanh or relu), GRU, LSTM, of any number of layers; RNNCell, GRUCell,
            LSTMCell; or a function step(h, x) -> h of one state, (n,), and one step's input. In
            float32 or float64.
        inputs: one sequence, (T, d_in); for a module also a batch, (T, B, d_in), or (B, T, d_in) if
            it was made with batch_first. For a step function inputs[t] is its x, of any shape. At
            least one step.
        h0: the first state as the module takes it, 0 where left out: (L, d) or (L, B, d), of a cell
            (d,) or (B, d), of an LSTM a pair of them. A step function needs it, (n,).

    Raises:
        InvalidInput: shapes that do not fit, NaN or Inf, a state that overflows, half precision; a
            bidirectional or projected module, or one whose dropout is active; a step function that
            fails or returns something else than the next state.

    Source:
        Equations (4) and (5) of the assignment; gates as torch's documentation writes them.

    Example:
        >>> flow = gradient_flow(nn.GRU(3, 8), torch.zeros(20, 3))
        >>> flow.log_norms.shape, flow.lyapunov.shape
        ((21, 21), (8,))
    """
    if isinstance(cell, _KINDS):
        return _of_module(cell, inputs, h0)
    if not callable(cell):
        raise InvalidInput(
            f"a {type(cell).__name__} has no known derivatives; give a torch.nn.RNN, GRU or LSTM, "
            "one of their cells, or a function step(h, x) that returns the next h"
        )
    return _of_step(cast(Step, cell), inputs, h0)


# --- torch's modules ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Layer:
    """One layer's states, and what each depends on at once; diagonal matrices are vectors."""

    s: Array  # (T+1, B, S, d)
    G: Array  # ds_t/da_t, (T, B, S, g, d)
    K: Array  # ds_t/d(W_ih x_t), (T, B, S, g, d)
    D: Array  # ds_t/ds_{t-1} past the weights, (T, B, S, S, d)
    W_ih: Array  # (g, d, d_in)
    W_hh: Array  # (g, d, d)

    @property
    def n(self) -> int:
        """Numbers in this layer's state."""
        return self.s.shape[2] * self.s.shape[3]

    def jacobians(self) -> Array:
        """Return ds_t/ds_{t-1} = G_t W_hh + D_t, (T, B, n, n)."""
        T, B, S, _, d = self.G.shape
        J = np.zeros((T, B, S, d, S, d))
        J[:, :, :, :, 0] = _times(self.G, self.W_hh)  # h is the state's first part
        np.einsum("tbrmcm->tbrcm", J)[...] += self.D  # a view of the parts' diagonals
        return J.reshape(T, B, self.n, self.n)

    def by_input(self) -> Array:
        """Return ds_t/dx_t = K_t W_ih, (T, B, n, d_in)."""
        T, B = self.K.shape[:2]
        return _times(self.K, self.W_ih).reshape(T, B, self.n, -1)


def _times(diagonals: Array, W: Array) -> Array:
    """Multiply (T, B, S, g, d), diagonal matrices side by side, by (g, d, m): (T, B, S, d, m)."""
    total = diagonals[:, :, :, 0, :, None] * W[0]
    for k in range(1, len(W)):
        total += diagonals[:, :, :, k, :, None] * W[k]
    return total


def _of_module(cell: Any, inputs: Any, h0: Any) -> GradientFlow:
    _check_supported(cell)
    stacked = isinstance(cell, nn.RNNBase)
    suffixes = [f"_l{k}" for k in range(cell.num_layers)] if stacked else [""]
    x, batched = _sequence(cell, inputs)  # (T, B, d_in)
    T, B, _ = x.shape
    d, S = cell.hidden_size, 2 if isinstance(cell, nn.LSTM | nn.LSTMCell) else 1
    _check_memory(T, B, len(suffixes) * S * d)
    s0 = _first_state(h0, S, (len(suffixes),) * stacked + (B,) * batched + (d,))
    layers: list[_Layer] = []
    for suffix, first in zip(suffixes, s0.reshape(-1, B, S, d), strict=True):
        layers.append(_run(cell, suffix, x, first))
        x = layers[-1].s[1:, :, 0]  # (T, B, d): h_t goes up
    flow = _flow(layers, batched)
    if len(layers) == 1:
        return flow
    own = tuple(_flow([layer], batched) for layer in layers)
    return replace(flow, _stack=own)


def _run(cell: Any, suffix: str, x: Array, s0: Array) -> _Layer:
    """Compute a layer's states and derivatives: x (T, B, d_in), s0 (B, S, d)."""
    T, B, _ = x.shape
    d = cell.hidden_size
    W_ih = _weight(cell, f"weight_ih{suffix}").reshape(-1, d, x.shape[2])  # (g, d, d_in)
    W_hh = _weight(cell, f"weight_hh{suffix}").reshape(-1, d, d)  # (g, d, d)
    g = len(W_hh)
    b_ih, b_hh = np.zeros((2, g, d))
    if cell.bias:
        b_ih = _weight(cell, f"bias_ih{suffix}").reshape(g, d)
        b_hh = _weight(cell, f"bias_hh{suffix}").reshape(g, d)
    pre = (x @ W_ih.reshape(g * d, -1).T).reshape(T, B, g, d) + b_ih  # W_ih x_t + b_ih
    columns = W_hh.reshape(g * d, d).T

    def recur(h: Array) -> Array:  # a_t of h_{t-1}: (B, d) gives (B, g, d)
        return (h @ columns).reshape(B, g, d) + b_hh

    if isinstance(cell, nn.LSTM | nn.LSTMCell):
        run = _lstm
    elif isinstance(cell, nn.GRU | nn.GRUCell):
        run = _gru
    else:
        run = partial(_rnn, relu=cell.nonlinearity == "relu")
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is found below
        s, G, K, D = run(pre, recur, s0)
    if not np.isfinite(s).all():
        t = int(np.argwhere(~np.isfinite(s))[0, 0])
        raise InvalidInput(f"the state overflows at step {t} of {T}; scale the weights down")
    return _Layer(s, G, K, D, W_ih, W_hh)


_Derivatives: TypeAlias = tuple[Array, Array, Array, Array]


def _rnn(pre: Array, recur: Callable[[Array], Array], s0: Array, relu: bool) -> _Derivatives:
    """h_t = sigma(W_hh h_{t-1} + W_ih x_t + b_h), equation (2)."""
    T, B, _, d = pre.shape
    h = np.empty((T + 1, B, 1, d))
    h[0] = s0
    for t in range(T):
        a = recur(h[t, :, 0]) + pre[t]  # (B, 1, d)
        h[t + 1] = np.maximum(a, 0) if relu else np.tanh(a)
    slope = (h[1:] > 0).astype(np.float64) if relu else slopes(h[1:])  # sigma'(a_t)
    G = slope[:, :, :, None]  # (T, B, 1, 1, d)
    return h, G, G, np.zeros_like(G)


def _gru(pre: Array, recur: Callable[[Array], Array], s0: Array) -> _Derivatives:
    """r, z = sigmoid(pre + a); n = tanh(pre_n + r a_n); h_t = (1 - z) n + z h_{t-1}."""
    T, B, _, d = pre.shape
    h = np.empty((T + 1, B, 1, d))
    r, z, n, a_n = np.empty((4, T, B, d))
    h[0] = s0
    for t in range(T):
        a = recur(h[t, :, 0])  # (B, 3, d)
        r[t], z[t] = _sigmoid(pre[t] + a)[:, :2].swapaxes(0, 1)
        a_n[t] = a[:, 2]
        n[t] = np.tanh(pre[t, :, 2] + r[t] * a_n[t])
        h[t + 1, :, 0] = (1 - z[t]) * n[t] + z[t] * h[t, :, 0]
    by_n = (1 - z) * slopes(n)  # dh_t/d(pre_n + r a_n), (T, B, d)
    by_r = by_n * a_n * r * (1 - r)
    by_z = (h[:-1, :, 0] - n) * z * (1 - z)
    G = np.stack((by_r, by_z, by_n * r), axis=2)[:, :, None]  # (T, B, 1, 3, d)
    K = np.stack((by_r, by_z, by_n), axis=2)[:, :, None]
    return h, G, K, z[:, :, None, None]


def _lstm(pre: Array, recur: Callable[[Array], Array], s0: Array) -> _Derivatives:
    """i, f, o = sigmoid, g = tanh of pre + a; c_t = f c_{t-1} + i g; h_t = o tanh(c_t)."""
    T, B, _, d = pre.shape
    s = np.empty((T + 1, B, 2, d))
    i, f, g, o, tanh_c = np.empty((5, T, B, d))
    s[0] = s0
    for t in range(T):
        a = recur(s[t, :, 0]) + pre[t]  # (B, 4, d)
        i[t], f[t], _, o[t] = _sigmoid(a).swapaxes(0, 1)
        g[t] = np.tanh(a[:, 2])
        s[t + 1, :, 1] = c = f[t] * s[t, :, 1] + i[t] * g[t]
        tanh_c[t] = np.tanh(c)
        s[t + 1, :, 0] = o[t] * tanh_c[t]
    h_by_c = o * slopes(tanh_c)  # (T, B, d)
    c_by = (g * i * (1 - i), s[:-1, :, 1] * f * (1 - f), i * slopes(g))  # dc_t/da_t but of o
    none = np.zeros_like(f)
    h_row = np.stack((*(h_by_c * by for by in c_by), tanh_c * o * (1 - o)), axis=2)
    c_row = np.stack((*c_by, none), axis=2)
    G = np.stack((h_row, c_row), axis=2)  # (T, B, 2, 4, d)
    past_h = np.stack((none, h_by_c * f), axis=2)
    past_c = np.stack((none, f), axis=2)
    return s, G, G, np.stack((past_h, past_c), axis=2)


def _sigmoid(a: Array) -> Array:
    return 0.5 * (1 + np.tanh(0.5 * a))


# --- from layers to the flow ----------------------------------------------------------------------


def _flow(layers: list[_Layer], batched: bool) -> GradientFlow:
    """Return the flow through layers, each fed by the one before, the first by fixed inputs."""
    E = None if len(layers) == 1 else _within_a_step(layers)
    J = _joint_jacobians(layers, E)
    s = np.concatenate([layer.s.reshape(*layer.s.shape[:2], -1) for layer in layers], axis=-1)
    logs = _log_terms(layers, J, E)
    if not batched:
        return GradientFlow(s[:, 0], J[:, 0], logs[:, 0])
    return GradientFlow(s.swapaxes(0, 1), J.swapaxes(0, 1), logs.T)


def _joint_jacobians(layers: list[_Layer], E: Array | None) -> Array:
    """Return ds_t/ds_{t-1} of all layers' state, (T, B, n, n); E is that of `_within_a_step`."""
    own = [layer.jacobians() for layer in layers]
    if E is None:
        return own[0]
    blocks = zip(np.split(E, len(layers), axis=-1), own, strict=True)
    return np.concatenate([block @ A for block, A in blocks], axis=-1)


def _within_a_step(layers: list[_Layer]) -> Array:
    """Return how a nudge to each layer's new state moves all new states, (T, B, n, n).

    Block [l, m] is the path up from layer m to layer l within one step: the identity at l = m.
    """
    T, B, _, _, d = layers[0].G.shape
    size = layers[0].n
    E = np.zeros((T, B, len(layers) * size, len(layers) * size))
    E[:] = np.eye(E.shape[-1])
    for start, layer in zip(range(size, E.shape[-1], size), layers[1:], strict=True):
        below = E[:, :, start - size : start - size + d, :start]  # the rows of h of the layer below
        E[:, :, start : start + size, :start] = layer.by_input() @ below
    return E


def _log_terms(layers: list[_Layer], J: Array, E: Array | None) -> Array:
    """Return log ||(dh_T/ds_i)(ds_i^+/dW_hh)||_F for i = 1..T, (T, B).

    W_hh[m, k] of a gate enters at a_i[m] = ... + W_hh[m, k] h_{i-1}[k], so the derivative by all
    of W_hh is dh_T/da_i times h_{i-1}, outer, and its norm the product of theirs.
    """
    T, B, _, _, d = layers[0].G.shape
    output = np.zeros((B, d, J.shape[-1]))  # dh_T/ds_T: the top layer's h
    top = J.shape[-1] - layers[-1].n
    output[:, :, top : top + d] = np.eye(d)
    logs = np.empty((T, B))
    for i, M, log_scale in _from_the_end(J, output):
        by_new = M if E is None else M @ E[i]
        squares: list[Array] = []
        for layer, part in zip(layers, np.split(by_new, len(layers), axis=-1), strict=True):
            part = part.reshape(B, d, -1, 1, d)  # (B, d, S, 1, d)
            by_a = (part * layer.G[i][:, None]).sum(2)  # dh_T/da_i, (B, d, g, d)
            h_before = layer.s[i, :, 0]  # (B, d)
            squares.append(2 * (_log_norm(by_a) + _log_norm(h_before)))
        logs[i] = np.logaddexp.reduce(squares) / 2 + log_scale
    return logs


def _from_the_end(J: Array, M: Array) -> Iterator[tuple[int, Array, Array]]:
    """Yield, for i = T-1 to 0, i and M J[T-1] ... J[i+1] as a matrix and the log of its scale.

    Shapes: J (T, B, n, n), M (B, m, n), the logs (B,).
    """
    product, exponent = M, np.zeros(len(M), dtype=np.int64)
    for i in reversed(range(len(J))):
        yield i, product, exponent * np.log(2)
        product = product @ J[i]
        _, power = np.frexp(np.abs(product).max((1, 2)))  # (B,)
        product = np.ldexp(product, -power[:, None, None])
        exponent += power


def _log_norm(x: Array) -> Array:
    """Return the log of the Frobenius norm over all axes but the first, for numbers of any size."""
    flat = np.abs(x.reshape(len(x), -1))
    top = flat.max(1)
    with np.errstate(divide="ignore"):
        return np.log(top) + np.log(
            np.linalg.norm(flat / np.where(top > 0, top, 1)[:, None], axis=1)
        )


# --- any step function ----------------------------------------------------------------------------


def _of_step(step: Step, inputs: Any, h0: Any) -> GradientFlow:
    x = _tensor("inputs", inputs)
    if h0 is None:
        raise InvalidInput("a step function needs its first state; give h0, one vector")
    h = _tensor("h0", h0).detach()
    if h.ndim != 1 or h.numel() == 0 or h.dtype not in _FORMATS:
        raise InvalidInput(
            f"h0 is {str(h.dtype).removeprefix('torch.')} of the shape {_shape(h)}; a step "
            "function needs one vector of float32 or float64"
        )
    if x.ndim == 0 or len(x) == 0:
        raise InvalidInput(
            f"inputs have the shape {_shape(x)}; a step function takes one row a step"
        )
    _check_memory(len(x), 1, len(h))
    states, jacobians = [_double(h)], list[Array]()
    for t, x_t in enumerate(x):
        by_h, h = _differentiated(step, h, x_t, t + 1)
        if not (torch.isfinite(h).all() and torch.isfinite(by_h).all()):
            raise InvalidInput(f"the step function gives NaN or Inf at step {t + 1} of {len(x)}")
        states.append(_double(h))
        jacobians.append(_double(by_h))
    J = np.stack(jacobians)
    logs = np.array(
        [log + _log_norm(M) for _, M, log in _from_the_end(J[:, None], np.eye(len(h))[None])]
    )
    return GradientFlow(np.stack(states), J, logs[::-1, 0])


def _differentiated(step: Step, h: Tensor, x: Tensor, t: int) -> tuple[Tensor, Tensor]:
    """Return the Jacobian of one step and the next state, (n, n) and (n,)."""

    def twice(h: Tensor) -> tuple[Tensor, Tensor]:
        new = cast(object, step(h.clone(), x))  # it may change its h in place
        if not isinstance(new, Tensor):
            raise InvalidInput(f"the step function returns a {type(new).__name__}, not the next h")
        if new.shape != h.shape:
            raise InvalidInput(
                f"the step function makes of h with the shape {_shape(h)} one of {_shape(new)}; "
                "the next state must have the same shape"
            )
        return new, new

    try:
        with torch.no_grad():  # of the weights; jacrev differentiates by h all the same
            return torch.func.jacrev(twice, has_aux=True)(h)
    except InvalidInput:
        raise
    except Exception as error:  # whatever the user's own function raises
        reason = str(error).strip().split("\n")[0]
        raise InvalidInput(
            f"the step function fails at step {t}: {type(error).__name__}: {reason}"
        ) from error


# --- what is given --------------------------------------------------------------------------------


def _check_supported(cell: Any) -> None:
    name = type(cell).__name__
    weight = cell.weight_hh_l0 if isinstance(cell, nn.RNNBase) else cell.weight_hh
    if type(cell).forward not in [kind.forward for kind in _KINDS]:
        raise InvalidInput(
            f"{name} has a forward of its own; give its step as a function step(h, x)"
        )
    if weight.dtype not in _FORMATS:
        raise InvalidInput(
            f"the {name} is in {str(weight.dtype).removeprefix('torch.')}, too coarse a format for "
            "products of many Jacobians; convert it with .float() or .double()"
        )
    if not isinstance(cell, nn.RNNBase):
        return
    if cell.bidirectional:
        raise InvalidInput(
            f"a bidirectional {name} is not supported: its second direction runs from the end, so "
            "there is no one chain of states; give each direction as a module of its own"
        )
    if cell.proj_size:
        raise InvalidInput(
            f"a projected {name} (proj_size {cell.proj_size}) is not supported: it mixes units "
            "where the closed form takes each by itself; give its step as a function step(h, x)"
        )
    if cell.training and cell.dropout and cell.num_layers > 1:
        raise InvalidInput(
            f"the {name} is in training mode with dropout {cell.dropout:g} between its layers, so "
            "every call would give another flow; call .eval() on it first"
        )


def _sequence(cell: Any, inputs: Any) -> tuple[Array, bool]:
    """Return the inputs as (T, B, d_in), and whether they are a batch."""
    x = _tensor("inputs", inputs)
    batch_first = isinstance(cell, nn.RNNBase) and cell.batch_first
    batch = ("batch", "steps") if batch_first else ("steps", "batch")
    if x.ndim not in (2, 3) or x.shape[-1] != cell.input_size:
        raise InvalidInput(
            f"inputs have the shape {_shape(x)}; this {type(cell).__name__} takes "
            f"(steps, {cell.input_size}) or ({', '.join(batch)}, {cell.input_size})"
        )
    if 0 in x.shape:
        raise InvalidInput(f"inputs have the shape {_shape(x)}; at least one step is needed")
    numbers = _double(x)
    if x.ndim == 2:
        return numbers[:, None], False
    return numbers.swapaxes(0, 1) if batch_first else numbers, True


def _first_state(h0: Any, parts: int, shape: tuple[int, ...]) -> Array:
    """Return h0, or h0 and c0, as (L, B, S, d) without the axes that the module leaves out."""
    if h0 is None:
        return np.zeros((*shape[:-1], parts, shape[-1]))
    given = cast("tuple[Any, ...]", h0 if isinstance(h0, tuple) else (h0,))
    if len(given) != parts:
        raise InvalidInput(
            "h0 of an LSTM is a pair (h0, c0)" if parts == 2 else "h0 is one tensor, not a tuple"
        )
    arrays: list[Array] = []
    for name, part in zip(("h0", "c0"), given, strict=False):
        tensor = _tensor(name, part)
        if tuple(tensor.shape) != shape:
            raise InvalidInput(
                f"{name} has the shape {_shape(tensor)}; with these inputs it is {shape}"
            )
        arrays.append(_double(tensor))
    return np.stack(arrays, axis=-2)


def _weight(cell: Any, name: str) -> Array:
    return _double(_tensor(name, getattr(cell, name)))


def _tensor(name: str, value: Any) -> Tensor:
    """Return a tensor of real numbers that are there, or say why there is none."""
    try:
        tensor = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        raise InvalidInput(
            f"{name}: a {type(value).__name__} is not an array of numbers; give a tensor"
        ) from None
    if tensor.is_meta or tensor.is_complex():
        why = "on the meta device, without values" if tensor.is_meta else "complex"
        raise InvalidInput(f"{name} is {why}; give real numbers")
    if tensor.is_floating_point() and not torch.isfinite(tensor).all():
        where = tuple(int(i) for i in torch.nonzero(~torch.isfinite(tensor))[0])
        value = tensor[where].item()
        at = f"{name}[{', '.join(map(str, where))}]" if where else name
        raise InvalidInput(f"{at} is {value}; every number must be finite")
    return tensor


def _double(tensor: Tensor) -> Array:
    """Return a copy as a float64 array."""
    return tensor.detach().to("cpu", torch.float64, copy=True).numpy()


def _shape(tensor: Tensor) -> tuple[int, ...]:
    return tuple(tensor.shape)


def _check_memory(T: int, B: int, n: int) -> None:
    needed, free = 8 * B * T * n * n, psutil.virtual_memory().available
    if needed > free:
        raise InvalidInput(
            f"the Jacobians of {B * T:,} steps of {n:,} numbers of state alone need "
            f"{needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free; take fewer steps"
        )
