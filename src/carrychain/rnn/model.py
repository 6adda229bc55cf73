"""The assignment's recurrent network: equations (1) to (3), softmax and cross-entropy.

    x_t = W_e onehot(s_t)                                      (1)
    h_t = tanh(a_t),  a_t = W_hh h_{t-1} + W_ih x_t + b_h      (2)
    o_t = W_ho h_t + b_o                                       (3)
    p_T = softmax(o_T),  l(y, p_T) = -sum over i of y[i] log p_T[i]

Shapes: V words, d features of an embedding, d' units of a hidden state, k classes, T steps; `...`
are the leading axes of a batch, none for one sequence. All numbers are float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from carrychain.errors import InvalidInput, nearest

Array = NDArray[np.float64]
Tokens = NDArray[np.int64]
Init = Literal["gaussian", "orthogonal", "identity", "uniform"]


# --- the weights ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Network:
    """The weights.

    Args:
        W_e: word embeddings, a column a word, (d, V).
        W_ih: input to hidden, (d', d).
        W_hh: hidden to hidden, (d', d').
        b_h: bias of the hidden state, (d',).
        W_ho: hidden to output, (k, d').
        b_o: bias of the output, (k,).

    Raises:
        InvalidInput: two shapes do not fit, or a weight is not a finite real number.
    """

    W_e: Array
    W_ih: Array
    W_hh: Array
    b_h: Array
    W_ho: Array
    b_o: Array

    def __post_init__(self) -> None:
        sizes: dict[str, tuple[int, str]] = {}  # of each axis, and the weight that it was read from
        for name, axes in _AXES.items():
            weight = np.require(real_array(name, getattr(self, name)), np.float64, ["C", "W"])
            object.__setattr__(self, name, weight)
            if weight.ndim != len(axes) or 0 in weight.shape:
                raise InvalidInput(f"{name} has the shape {weight.shape}, not {_written(axes)}")
            for axis, size in zip(axes, weight.shape, strict=True):
                known, other = sizes.setdefault(axis, (size, name))
                if size == known:
                    continue
                if name == other:
                    raise InvalidInput(f"{name} has the shape {weight.shape}; it must be square")
                raise InvalidInput(
                    f"{name} has the shape {weight.shape} and {other} "
                    f"{getattr(self, other).shape}; they must be {_written(axes)} and "
                    f"{_written(_AXES[other])}, with one {axis}"
                )

    @classmethod
    def random(
        cls,
        hidden: int,
        rng: np.random.Generator,
        *,
        init: Init = "gaussian",
        scale: float = 1.0,
        embedding: int = 16,
        vocabulary: int = 32,
        classes: int = 4,
        input_std: float = 0.3,
    ) -> Network:
        """Return a network of random weights whose biases are 0.

        Args:
            hidden: d', at least 1.
            rng: where the weights come from.
            init, scale: of W_hh, as for `recurrent_matrix`.
            embedding, vocabulary, classes: d, V and k, at least 1.
            input_std: standard deviation of an entry of W_ih x_t, at least 0.

        Raises:
            InvalidInput: an argument is out of its range.
        """
        sizes = {"embedding": embedding, "vocabulary": vocabulary, "classes": classes}
        for name, size in sizes.items():
            if size < 1:
                raise InvalidInput(f"{name} is {size}; it must be at least 1")
        if not 0 <= input_std < math.inf:
            raise InvalidInput(f"input_std is {input_std}; it must be finite and at least 0")
        return cls(
            W_hh=recurrent_matrix(init, hidden, scale, rng),
            W_ih=rng.normal(0, input_std / math.sqrt(embedding), (hidden, embedding)),
            b_h=np.zeros(hidden),
            W_e=rng.normal(0, 1, (embedding, vocabulary)),
            W_ho=rng.normal(0, 1 / math.sqrt(hidden), (classes, hidden)),
            b_o=np.zeros(classes),
        )


_AXES = {
    "W_hh": ("d'", "d'"),
    "W_ih": ("d'", "d"),
    "b_h": ("d'",),
    "W_e": ("d", "V"),
    "W_ho": ("k", "d'"),
    "b_o": ("k",),
}


def recurrent_matrix(init: Init, hidden: int, scale: float, rng: np.random.Generator) -> Array:
    """Return a recurrent matrix W_hh, (d', d').

    Args:
        init: `gaussian`, scale * N(0, 1/d'), whose largest singular value is near 2 scale;
            `orthogonal`, scale * Q with Q uniform, whose singular values all are scale; `identity`,
            scale * I; `uniform`, scale * U(-1/sqrt d', 1/sqrt d'), the default of PyTorch at 1.
        hidden: d', at least 1.
        scale: finite, at least 0.
        rng: where the entries come from.

    Raises:
        InvalidInput: an argument is out of its range.

    Source:
        Mezzadri (2007), "How to generate random matrices from the classical compact groups", for
        the orthogonal matrix.
    """
    if hidden < 1:
        raise InvalidInput(f"hidden is {hidden}; a hidden state has at least 1 unit")
    if not 0 <= scale < math.inf:
        raise InvalidInput(f"scale is {scale}; it must be finite and at least 0")
    if init not in get_args(Init):
        raise InvalidInput(f"there is no init {init!r}{nearest(str(init), get_args(Init))}")
    shape, root = (hidden, hidden), math.sqrt(hidden)
    match init:
        case "gaussian":
            return scale * rng.normal(0, 1 / root, shape)
        case "orthogonal":
            q, r = np.linalg.qr(rng.normal(size=shape))
            return scale * q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
        case "identity":
            return scale * np.eye(hidden)
        case "uniform":
            return scale * rng.uniform(-1 / root, 1 / root, shape)


# --- the forward pass -----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Forward:
    """What a forward pass computed.

    Attributes:
        tokens: s_1 to s_T, (..., T).
        x: x_1 to x_T, (..., T, d).
        a: what goes into tanh, a[..., t, :] is a_t; a_0 does not exist and is NaN, (..., T+1, d').
        h: hidden states, h[..., t, :] is h_t, (..., T+1, d').
        o_T: logits, (..., k).
        p_T: probabilities of the classes, (..., k).
    """

    tokens: Tokens
    x: Array
    a: Array
    h: Array
    o_T: Array
    p_T: Array


def forward(network: Network, tokens: ArrayLike, h0: ArrayLike | None = None) -> Forward:
    """Run the network over a sequence, or over a batch of sequences of one length.

    Args:
        network: the weights.
        tokens: words as integers from 0 to V - 1, (..., T), T at least 1.
        h0: the state before the first step, (d',) or (..., d'); zero where left out.

    Raises:
        InvalidInput: T is 0, a token is outside the vocabulary, or h0 does not fit.
    """
    s = check_tokens(tokens, network)  # (..., T)
    *batch, T = s.shape
    x = np.moveaxis(network.W_e[:, s], 0, -1)  # (1): (..., T, d)
    a = np.empty((*batch, T + 1, len(network.b_h)))
    h = np.empty_like(a)
    a[..., 0, :], h[..., 0, :] = np.nan, check_h0(h0, network, batch)
    for t in range(1, T + 1):
        recurrent = h[..., t - 1, :] @ network.W_hh.T  # (..., d')
        a[..., t, :] = recurrent + x[..., t - 1, :] @ network.W_ih.T + network.b_h
        h[..., t, :] = np.tanh(a[..., t, :])  # (2)
    o_T = h[..., T, :] @ network.W_ho.T + network.b_o  # (3)
    return Forward(s, x, a, h, o_T, softmax(o_T))


def softmax(o: Array) -> Array:
    """Return exp(o) / sum exp(o) over the last axis, (..., k)."""
    e = np.exp(o - o.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# --- the loss -------------------------------------------------------------------------------------


def one_hot(labels: ArrayLike, k: int) -> Array:
    """Return y, 1 at the label and 0 elsewhere, (..., k).

    Args:
        labels: integers from 0 to k - 1, (...).
        k: number of classes, at least 1.

    Raises:
        InvalidInput: a label is not one of the classes.

    Example:
        >>> one_hot([2, 0], 3)
        array([[0., 0., 1.],
               [1., 0., 0.]])
    """
    if k < 1:
        raise InvalidInput(f"k is {k}; there must be at least 1 class")
    return np.eye(k)[_integers("label", labels, k, "classes")]


def loss(y: ArrayLike, p: ArrayLike) -> Array:
    """Return the cross-entropy l(y, p) = -sum over i of y[i] log p[i] of each example, (...).

    It is infinite where the label's probability is 0.

    Args:
        y: one-hot labels, (..., k).
        p: probabilities, (..., k).

    Raises:
        InvalidInput: y is not one-hot, p is not from 0 to 1, or the shapes differ.

    Example:
        >>> round(float(loss([0, 1, 0], [0.25, 0.5, 0.25])), 4)
        0.6931
    """
    p = real_array("p", p)
    if ((p < 0) | (p > 1)).any():
        raise InvalidInput("p must be probabilities, from 0 to 1; softmax makes them of logits")
    y = check_one_hot(y, p.shape)
    with np.errstate(divide="ignore"):  # log 0
        return -np.log((y * p).sum(axis=-1))


# --- checks ---------------------------------------------------------------------------------------


def real_array(name: str, values: ArrayLike) -> Array:
    """Return finite real numbers as float64.

    Raises:
        InvalidInput: they are no such array; the first that is NaN or infinite is named.
    """
    try:
        given = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):  # ragged lists, a tensor that requires grad
        given = np.array(None)
    if given.dtype.kind not in "biuf":
        raise InvalidInput(f"{name} must be an array of real numbers, its rows of one length")
    array = given.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        where, value = _first(array, ~np.isfinite(array))
        raise InvalidInput(f"{name}{where} is {value}; every number must be finite")
    return array


def check_square(name: str, values: ArrayLike) -> Array:
    """Return a square matrix of finite real numbers, or raise InvalidInput."""
    matrix = real_array(name, values)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise InvalidInput(f"{name} has the shape {matrix.shape}; it must be square, (d', d')")
    return matrix


def check_tokens(tokens: ArrayLike, network: Network) -> Tokens:
    """Return the tokens, (..., T), or raise InvalidInput if the network can't read them."""
    s = _integers("token", tokens, network.W_e.shape[1], "words")
    if s.ndim == 0 or s.size == 0:
        raise InvalidInput(f"tokens have the shape {s.shape}; a sequence has at least one token")
    return s


def check_h0(h0: ArrayLike | None, network: Network, batch: list[int]) -> Array:
    """Return h_0, (d',) or (..., d'), or raise InvalidInput if it does not fit."""
    single = network.b_h.shape
    given = np.zeros(single) if h0 is None else real_array("h0", h0)
    if given.shape not in (single, whole := (*batch, *single)):
        choice = f"{single}" if whole == single else f"{single} or {whole}"
        raise InvalidInput(f"h0 has the shape {given.shape}; these tokens and W_hh need {choice}")
    return given


def check_one_hot(y: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return y, (..., k), or raise InvalidInput if it is not one-hot or of another shape."""
    y = real_array("y", y)
    if y.shape != shape:
        raise InvalidInput(
            f"y has the shape {y.shape} and the probabilities {shape}; give one-hot labels of the "
            "same shape (one_hot makes them)"
        )
    if not (((y == 0) | (y == 1)).all() and (y.sum(axis=-1) == 1).all()):
        raise InvalidInput("y must be one-hot: a single 1 for each example, and 0 elsewhere")
    return y


def _integers(name: str, values: ArrayLike, end: int, of: str) -> Tokens:
    """Return integers from 0 to end - 1, or raise InvalidInput."""
    try:
        given = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        raise InvalidInput(
            f"{name}s must be an array of integers, its rows of one length"
        ) from None
    if given.size and given.dtype.kind not in "iu":
        raise InvalidInput(f"{name}s must be integers, not {given.dtype}")
    outside = (given < 0) | (given >= end)
    if outside.any():
        where, value = _first(given, outside)
        raise InvalidInput(f"{name}s{where} is {value}; of {end} {of} it is from 0 to {end - 1}")
    return given.astype(np.int64)


def _first(array: NDArray[np.generic], chosen: NDArray[np.bool_]) -> tuple[str, np.generic]:
    """Return the index, as text, and the value of the first entry that is chosen."""
    index = tuple(int(axis[0]) for axis in np.nonzero(np.atleast_1d(chosen)))
    return (str(list(index)) if array.ndim else ""), np.atleast_1d(array)[index]


def _written(axes: tuple[str, ...]) -> str:
    return f"({axes[0]},)" if len(axes) == 1 else f"({', '.join(axes)})"
