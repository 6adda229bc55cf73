"""The derivatives that the assignment asks for, and the wrong answers that students give, by name.

Matrices are in numerator layout, their entries count from 0, and steps as in the assignment. The
right answers come from `model` and `derivatives`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce

import numpy as np

from carrychain.rnn import derivatives, model
from carrychain.rnn.cases import Case, T
from carrychain.rnn.model import Array
from carrychain.rnn.questions import Mistake, Part, Question, mistake

# --- sigma' and its misreadings -------------------------------------------------------------------


def slope(a: Array) -> Array:
    """Return sigma'(a)."""
    return derivatives.slopes(np.tanh(a))


def _logistic(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


_SLOPES: dict[str, tuple[Callable[[Array], Array], str]] = {
    "missing sigma'": (
        np.ones_like,
        "h = sigma(a), so by the chain rule a derivative of h carries the factor sigma'(a).",
    ),
    "sigma for sigma'": (
        np.tanh,
        "There stands tanh(a), the function itself. Its derivative is sigma'(a) = 1 - tanh(a)^2.",
    ),
    "1 - a^2 for sigma'": (
        lambda a: 1 - a**2,
        "sigma'(a) = 1 - tanh(a)^2 = 1 - h^2: what is squared is h, not a.",
    ),
    "sigma' of h, not of a": (
        lambda a: slope(np.tanh(a)),
        "1 - tanh(h)^2 takes tanh twice, for h = tanh(a) already: sigma'(a) = 1 - h^2.",
    ),
    "1 - tanh(a), the square forgotten": (
        lambda a: 1 - np.tanh(a),
        "sigma'(a) = 1 - tanh(a)^2, which never exceeds 1. Without the square it goes up to 2.",
    ),
    "sigma' twice": (
        lambda a: slope(a) ** 2,
        "One step passes the activation once, so sigma'(a) stands there once.",
    ),
    "square root of sigma'": (
        lambda a: 1 / np.cosh(a),
        "tanh'(a) = 1 / cosh(a)^2; the square is missing.",
    ),
    "the logistic function's derivative": (
        lambda a: _logistic(a) * (1 - _logistic(a)),
        "s(a) (1 - s(a)) belongs to the logistic function; sigma is tanh, sigma'(a) = 1 - h^2.",
    ),
    "h (1 - h) for sigma'": (
        lambda a: np.tanh(a) * (1 - np.tanh(a)),
        "h (1 - h) belongs to the logistic function; sigma is tanh, sigma'(a) = 1 - h^2.",
    ),
}


def _slope_mistakes(a: Callable[[Case], Array]) -> tuple[Mistake, ...]:
    def part(f: Callable[[Array], Array]) -> Part:
        return lambda c: f(a(c))

    return tuple(mistake(name, why, slope=part(f)) for name, (f, why) in _SLOPES.items())


# --- Question 1: the loss -------------------------------------------------------------------------


def _loss(y: Array, log_p: Array, sign: float, count: int) -> float:
    return sign * (y * log_p).sum() / count


LOSS = Question(
    name="loss",
    signature="loss(y, p)",
    place="question 1",
    asks="the cross-entropy l(y, p_T)",
    answer="l(y, p_T) = -sum over i of y[i] log p_T[i]",
    shape="a number",
    arguments=lambda c: (c.y, c.p),
    shows=lambda c: {"y": c.y, "p": c.p},
    right=lambda c: model.loss(c.y, c.p),
    formula=_loss,
    parts={
        "y": lambda c: c.y,
        "log_p": lambda c: np.log(c.p),
        "sign": lambda c: -1,
        "count": lambda c: 1,
    },
    mistakes=(
        mistake(
            "missing minus",
            "log p is negative, so without the minus the loss falls as the prediction gets worse.",
            sign=lambda c: 1,
        ),
        mistake(
            "logarithm to base 2",
            "That measures in bits. The cross-entropy, and dl/do_T = p - y, need the natural log.",
            log_p=lambda c: np.log2(c.p),
        ),
        mistake(
            "logarithm to base 10",
            "np.log10 is not the natural logarithm; dl/do_T = p - y holds for np.log only.",
            log_p=lambda c: np.log10(c.p),
        ),
        mistake(
            "no logarithm",
            "The probability itself stands there. -log p goes to infinity as p[label] goes to 0.",
            log_p=lambda c: c.p,
        ),
        mistake(
            "log(1 - p) for log p",
            "That is the log probability of being wrong; the label's own probability is p[label].",
            log_p=lambda c: np.log(1 - c.p),
        ),
        mistake(
            "softmax a second time",
            "p_T = softmax(o_T) is a probability vector already: take its logarithm as it is.",
            log_p=lambda c: np.log(model.softmax(c.p)),
        ),
        mistake(
            "mean over the classes",
            "The sum over classes has one term that is not 0; dividing it by k has no meaning.",
            count=lambda c: len(c.p),
        ),
        mistake(
            "y left out",
            "The logs of all classes are added up. y[i] keeps the label's alone.",
            y=lambda c: np.ones_like(c.p),
        ),
        mistake(
            "the predicted class for the label",
            "The largest p[i] is what the network believes; the loss asks for the label's.",
            y=lambda c: c.p == c.p.max(),
        ),
        mistake(
            "p log p, the entropy",
            "The logs are weighted by y, not by p: otherwise the label has no part in the loss.",
            y=lambda c: c.p,
        ),
        mistake(
            "y and p the wrong way round",
            "log y is -infinity for every wrong class. The logarithm is of p, weighted by y.",
            answer=lambda c: -(c.p * np.log(c.y)).sum(),
        ),
        mistake(
            "binary cross-entropy added over the classes",
            "The terms (1 - y[i]) log(1 - p[i]) belong to k separate yes-or-no questions. Here one "
            "class of k is right, and softmax already ties the others to it.",
            answer=lambda c: -(c.y * np.log(c.p) + (1 - c.y) * np.log(1 - c.p)).sum(),
        ),
        mistake(
            "binary cross-entropy, its mean over the classes",
            "The terms (1 - y[i]) log(1 - p[i]) belong to k separate yes-or-no questions. Here one "
            "class of k is right.",
            answer=lambda c: -(c.y * np.log(c.p) + (1 - c.y) * np.log(1 - c.p)).mean(),
        ),
        mistake(
            "squared error",
            "sum (y - p)^2 is another loss. It stays small where p[label] is near 0, where the "
            "cross-entropy grows without end.",
            answer=lambda c: ((c.y - c.p) ** 2).sum(),
        ),
        mistake(
            "half the squared error",
            "sum (y - p)^2 / 2 is another loss; the cross-entropy is -log p[label].",
            answer=lambda c: ((c.y - c.p) ** 2).sum() / 2,
        ),
        mistake(
            "mean squared error",
            "mean (y - p)^2 is another loss; the cross-entropy is -log p[label].",
            answer=lambda c: ((c.y - c.p) ** 2).mean(),
        ),
        mistake(
            "not summed over the classes",
            "A vector with a term for each class came back; the loss is their sum.",
            answer=lambda c: -c.y * np.log(c.p),
        ),
        mistake(
            "the derivative for the loss",
            "p - y is dl/do_T, the derivative of the loss by the logits.",
            answer=lambda c: c.p - c.y,
        ),
    ),
    edges=lambda c: [],
)


# --- Question 2a: the immediate partial -----------------------------------------------------------


def _immediate(unit: Array, slope: float, state: float) -> Array:
    return unit * slope * state


def _unit(c: Case, row: int) -> Array:
    return np.eye(len(c.W_hh))[row]


IMMEDIATE = Question(
    name="immediate_partial",
    signature="immediate_partial(W_hh, a, h, i, m, n)",
    place="question 2a",
    asks="dh_i^+/dw for w = W_hh[m, n]",
    answer="dh_i^+/dw = e_m sigma'(a_i[m]) h_{i-1}[n], where e_m is 1 at m and 0 elsewhere",
    shape="a vector (d',), an entry for each unit of h_i",
    arguments=lambda c: (c.W_hh, c.a, c.h, c.i, c.m, c.n),
    shows=lambda c: {
        "i": c.i,
        "m": c.m,
        "n": c.n,
        f"a_{c.i}": c.a[c.i],
        f"h_{c.i - 1}": c.h[c.i - 1],
    },
    right=lambda c: derivatives.immediate_partial(c.network, c.passed, c.i, "W_hh", (c.m, c.n)),
    formula=_immediate,
    parts={
        "unit": lambda c: _unit(c, c.m),
        "slope": lambda c: slope(c.a[c.i, c.m]),
        "state": lambda c: c.h[c.i - 1, c.n],
    },
    mistakes=(
        *_slope_mistakes(lambda c: c.a[c.i, c.m]),
        mistake(
            "h_i for h_{i-1}",
            "a_i = W_hh h_{i-1} + ..., so the weight multiplies the state before, h_{i-1}[n].",
            state=lambda c: c.h[c.i, c.n],
        ),
        mistake(
            "h_{i-1}[m] for h_{i-1}[n]",
            "W_hh[m, n] stands in row m and column n: it carries unit n into unit m.",
            state=lambda c: c.h[c.i - 1, c.m],
        ),
        mistake(
            "missing h_{i-1}",
            "The derivative of W_hh[m, n] h_{i-1}[n] by the weight is h_{i-1}[n], not 1.",
            state=lambda c: 1,
        ),
        mistake(
            "W_hh[m, n] for h_{i-1}[n]",
            "That differentiates W_hh[m, n] h_{i-1}[n] by the state. Here the weight moves.",
            state=lambda c: c.W_hh[c.m, c.n],
        ),
        mistake(
            "the weight kept as a factor",
            "W_hh[m, n] h_{i-1}[n] is linear in the weight, so the weight is gone after deriving.",
            state=lambda c: c.W_hh[c.m, c.n] * c.h[c.i - 1, c.n],
        ),
        mistake(
            "a_{i-1} for h_{i-1}",
            "The recurrence feeds back h_{i-1}, after the activation, and not a_{i-1}.",
            state=lambda c: c.a[c.i - 1, c.n],
        ),
        mistake(
            "sigma' at the wrong step (a_{i-1} for a_i)",
            "The weight acts at step i, so sigma' is taken where that step is: at a_i.",
            slope=lambda c: slope(c.a[c.i - 1, c.m]),
        ),
        mistake(
            "sigma' at the wrong step (a_{i+1} for a_i)",
            "The weight acts at step i, so sigma' is taken where that step is: at a_i.",
            slope=lambda c: slope(c.a[c.i + 1, c.m]),
        ),
        mistake(
            "sigma' of the wrong unit (a_i[n] for a_i[m])",
            "Row m of W_hh feeds unit m, so the activation passed is that of unit m.",
            slope=lambda c: slope(c.a[c.i, c.n]),
        ),
        mistake(
            "the wrong unit (e_n for e_m)",
            "W_hh[m, n] moves a_i[m] alone, so the entry that is not 0 is the m-th.",
            unit=lambda c: _unit(c, c.n),
        ),
        mistake(
            "m and n the wrong way round",
            "Entry [m, n] stands in row m and column n: it carries h_{i-1}[n] into unit m.",
            unit=lambda c: _unit(c, c.n),
            slope=lambda c: slope(c.a[c.i, c.n]),
            state=lambda c: c.h[c.i - 1, c.m],
        ),
        mistake(
            "a number for a vector",
            "That is the m-th entry. h_i has d' entries, and so has its derivative: the others are "
            "0, for W_hh[m, n] does not touch them.",
            unit=lambda c: 1,
        ),
        mistake(
            "every unit moved, not the m-th alone",
            "sigma'(a_i) h_{i-1}[n] is full. W_hh[m, n] enters a_i[m] alone: multiply by e_m.",
            answer=lambda c: slope(c.a[c.i]) * c.h[c.i - 1, c.n],
        ),
        mistake(
            "two vectors multiplied entry by entry",
            "sigma'(a_i) * h_{i-1} pairs unit with unit and ignores m and n.",
            answer=lambda c: slope(c.a[c.i]) * c.h[c.i - 1],
        ),
        mistake(
            "all weights at once",
            "The outer product of sigma'(a_i) and h_{i-1} collects all the weights' derivatives; "
            "asked is that of one weight, a vector.",
            answer=lambda c: np.outer(slope(c.a[c.i]), c.h[c.i - 1]),
        ),
        mistake(
            "the whole derivative, not the immediate one",
            "That is dh_i/dw: it follows the weight through h_{i-1} back to the start, as the sum "
            "in (5) does. In the immediate partial h_{i-1} is a constant.",
            answer=lambda c: derivatives.state_terms(
                c.network, c.passed, c.i, "W_hh", (c.m, c.n)
            ).sum(0),
        ),
    ),
    edges=lambda c: [replace(c, i=1), replace(c, i=T), replace(c, n=c.m)],
)


# --- Question 2b: the product ---------------------------------------------------------------------


def _product(J: Array, first: int, last: int, later_left: bool) -> Array:
    factors = J[first : last + 1]
    return _chain(factors[::-1] if later_left else factors)


def _chain(factors: Array) -> Array:
    return reduce(np.matmul, factors, np.eye(factors.shape[-1]))


def _between(c: Case) -> Array:
    return c.J[c.i : c.t]


PRODUCT = Question(
    name="product",
    signature="product(J, t, i)",
    place="question 2b",
    asks="dh_t/dh_i as a product",
    answer="dh_t/dh_i = J[t-1] J[t-2] ... J[i] with J[j] = dh_{j+1}/dh_j: t - i factors, the "
    "later ones on the left, and for t = i the identity",
    shape="a matrix (d', d')",
    arguments=lambda c: (c.J, c.t, c.i),
    shows=lambda c: {"t": c.t, "i": c.i, **{f"J[{j}]": c.J[j] for j in range(c.i, c.t)}},
    right=lambda c: derivatives.dh_dh(c.J, c.t, c.i),
    formula=_product,
    parts={
        "J": lambda c: c.J,
        "first": lambda c: c.i,
        "last": lambda c: c.t - 1,
        "later_left": lambda c: True,
    },
    mistakes=(
        mistake(
            "product in the wrong order",
            "Matrices do not commute. dh_t = J[t-1] dh_{t-1}, so the later a step, the further "
            "left its factor.",
            later_left=lambda c: False,
        ),
        mistake(
            "one factor too many (J[t])",
            "J[t] = dh_{t+1}/dh_t goes beyond h_t; the last factor is J[t-1] = dh_t/dh_{t-1}.",
            last=lambda c: c.t,
        ),
        mistake(
            "one factor too many (J[i-1])",
            "J[i-1] = dh_i/dh_{i-1} starts before h_i; the first factor is J[i] = dh_{i+1}/dh_i.",
            first=lambda c: c.i - 1,
        ),
        mistake(
            "one factor too few (J[t-1] is missing)",
            "The chain stops at h_{t-1}. There are t - i factors, the last J[t-1] = dh_t/dh_{t-1}; "
            "range(i, t) ends before t by itself.",
            last=lambda c: c.t - 2,
        ),
        mistake(
            "one factor too few (J[i] is missing)",
            "The chain starts at h_{i+1}. There are t - i factors, the first J[i] = dh_{i+1}/dh_i.",
            first=lambda c: c.i + 1,
        ),
        mistake(
            "every factor a step late",
            "J[j] = dh_{j+1}/dh_j leads out of h_j; so the factors run from J[i] to J[t-1], and "
            "not from J[i+1] to J[t].",
            first=lambda c: c.i + 1,
            last=lambda c: c.t,
        ),
        mistake(
            "every factor a step early",
            "J[j] = dh_{j+1}/dh_j leads out of h_j; so the factors run from J[i] to J[t-1].",
            first=lambda c: c.i - 1,
            last=lambda c: c.t - 2,
        ),
        mistake(
            "the chain from h_0, not from h_i",
            "The product of all Jacobians up to t is dh_t/dh_0; dh_t/dh_i begins with J[i].",
            first=lambda c: 0,
        ),
        mistake(
            "sum instead of product",
            "One path leads from h_i to h_t, step after step, so the factors multiply. The sum in "
            "(5) is over i, outside this product.",
            answer=lambda c: _between(c).sum(0),
        ),
        mistake(
            "multiplied entry by entry",
            "* multiplies arrays entry by entry; the chain rule needs the matrix product @.",
            answer=lambda c: _between(c).prod(0),
        ),
        mistake(
            "a power of J[i]",
            "sigma' differs from step to step, so the Jacobians differ: multiply each one's own.",
            answer=lambda c: np.linalg.matrix_power(c.J[c.i], c.t - c.i),
        ),
        mistake(
            "a power of J[t-1]",
            "sigma' differs from step to step, so the Jacobians differ: multiply each one's own.",
            answer=lambda c: np.linalg.matrix_power(c.J[c.t - 1], c.t - c.i),
        ),
        mistake(
            "only J[i]",
            "That is one step, dh_{i+1}/dh_i; from h_i to h_t there are t - i.",
            answer=lambda c: c.J[c.i],
        ),
        mistake(
            "only J[t-1]",
            "That is one step, dh_t/dh_{t-1}; from h_i to h_t there are t - i.",
            answer=lambda c: c.J[c.t - 1],
        ),
        mistake(
            "transposed",
            "The rows of the answer belong to h_i. If you derived in that layout, state "
            'LAYOUT = "denominator" in the file; otherwise transpose.',
            answer=lambda c: _chain(_between(c)[::-1]).T,
        ),
        mistake(
            "every factor transposed",
            "J[j] has a row for each unit of h_{j+1} already: multiply as it is.",
            J=lambda c: c.J.swapaxes(1, 2),
        ),
        mistake(
            "started from 0",
            "0 times anything is 0. An empty product is the identity: start from np.eye.",
            answer=lambda c: np.zeros_like(c.W_hh),
        ),
    ),
    edges=lambda c: [replace(c, t=c.i), replace(c, t=c.i + 1), replace(c, t=T, i=0)],
)


# --- Question 3: the Jacobian ---------------------------------------------------------------------


def _jacobian(slope: Array, W_hh: Array, by_row: bool) -> Array:
    return slope[:, None] * W_hh if by_row else W_hh * slope


JACOBIAN = Question(
    name="jacobian",
    signature="jacobian(W_hh, a, h, i)",
    place="question 3",
    asks="dh_{i+1}/dh_i",
    answer="dh_{i+1}/dh_i = diag(sigma'(a_{i+1})) W_hh: row m is sigma'(a_{i+1}[m]) W_hh[m, :]",
    shape="a matrix (d', d'), a row for each unit of h_{i+1}, a column for each of h_i",
    arguments=lambda c: (c.W_hh, c.a, c.h, c.i),
    shows=lambda c: {"i": c.i, "W_hh": c.W_hh, f"a_{c.i + 1}": c.a[c.i + 1]},
    right=lambda c: c.J[c.i],
    formula=_jacobian,
    parts={
        "slope": lambda c: slope(c.a[c.i + 1]),
        "W_hh": lambda c: c.W_hh,
        "by_row": lambda c: True,
    },
    mistakes=(
        *_slope_mistakes(lambda c: c.a[c.i + 1]),
        mistake(
            "sigma' at the wrong step (a_i for a_{i+1})",
            "h_{i+1} = sigma(a_{i+1}), so its derivative takes sigma' at a_{i+1}.",
            slope=lambda c: slope(c.a[c.i]),
        ),
        mistake(
            "sigma' at the wrong step (a_{i+2} for a_{i+1})",
            "h_{i+1} = sigma(a_{i+1}), so its derivative takes sigma' at a_{i+1}.",
            slope=lambda c: slope(c.a[c.i + 2]),
        ),
        mistake(
            "sigma' at W_hh h_i alone",
            "a_{i+1} = W_hh h_i + W_ih x_{i+1} + b_h: the input and the bias move the point at "
            "which sigma' is taken, though they drop out of the derivative. Use a[i+1].",
            slope=lambda c: slope(c.W_hh @ c.h[c.i]),
        ),
        mistake(
            "sigma' averaged over the units",
            "Each unit has its own sigma'(a_{i+1}[m]), and it scales that unit's row.",
            slope=lambda c: np.full_like(c.h[c.i], slope(c.a[c.i + 1]).mean()),
        ),
        mistake(
            "transposed W_hh",
            "a_{i+1}[m] = sum over n of W_hh[m, n] h_i[n]: its derivative by h_i[n] is W_hh[m, n], "
            "row m, column n, as it stands.",
            W_hh=lambda c: c.W_hh.T,
        ),
        mistake(
            "missing W_hh",
            "diag(sigma'(a_{i+1})) is dh_{i+1}/da_{i+1}; da_{i+1}/dh_i = W_hh is still to come.",
            W_hh=lambda c: np.eye(len(c.W_hh)),
        ),
        mistake(
            "sigma' on the wrong side",
            "W_hh diag(sigma') scales columns, one for each unit of h_i. sigma' belongs to the "
            "units of h_{i+1}, so it scales rows: diag(sigma'(a_{i+1})) W_hh. In NumPy W_hh * s "
            "scales columns, s[:, None] * W_hh rows.",
            by_row=lambda c: False,
        ),
        mistake(
            "transposed",
            "The rows of the answer belong to h_i. If you derived in that layout, state "
            'LAYOUT = "denominator" in the file; otherwise transpose.',
            answer=lambda c: c.J[c.i].T,
        ),
        mistake(
            "only the diagonal kept",
            "np.diag(s) * W_hh multiplies entry by entry: only the diagonal is left; the matrix "
            "product is np.diag(s) @ W_hh.",
            answer=lambda c: np.diag(np.diag(c.J[c.i])),
        ),
        mistake(
            "sigma' as a vector times W_hh",
            "s @ W_hh adds the rows up to a vector. The Jacobian is the matrix "
            "diag(s) W_hh: np.diag(s) @ W_hh.",
            answer=lambda c: slope(c.a[c.i + 1]) @ c.W_hh,
        ),
        mistake(
            "W_hh times sigma' as a vector",
            "W_hh @ s is a vector. The Jacobian is the matrix diag(s) W_hh: np.diag(s) @ W_hh.",
            answer=lambda c: c.W_hh @ slope(c.a[c.i + 1]),
        ),
        mistake(
            "sigma' of W_hh",
            "The activation acts on a_{i+1}, not on the weights.",
            answer=lambda c: slope(c.W_hh),
        ),
        mistake(
            "the Jacobian of the step before",
            "That is dh_i/dh_{i-1} = J[i-1] carried on to h_{i+1}: one factor too many.",
            answer=lambda c: c.J[c.i] @ c.J[c.i - 1],
        ),
    ),
    edges=lambda c: [replace(c, i=0), replace(c, i=T - 1)],
)


DERIVATIVES = (LOSS, IMMEDIATE, PRODUCT, JACOBIAN)
"""The questions on derivatives, in the assignment's order."""
