"""The bounds that the assignment asks for, and what students write in their place, by name.

A bound is wrong when it falls below the norm on some network; one that is true and wide is right,
and it is said how wide. The parts of a bound are a number for sigma' of each step, the size of
W_hh, and how often that stands there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from carrychain.rnn import derivatives
from carrychain.rnn.bounds import largest_singular_value as s_max
from carrychain.rnn.bounds import product_bound, step_bounds
from carrychain.rnn.cases import Case, T, everywhere
from carrychain.rnn.mistakes import slope
from carrychain.rnn.model import Array
from carrychain.rnn.questions import Mistake, Part, Question, loose, mistake


def _largest_slopes(c: Case, first: int, last: int) -> Array:
    """Return max over m of sigma'(a_j[m]), j = first..last, (last - first + 1,)."""
    return slope(c.a[first : last + 1]).max(1)


def _bound(slopes: Array, size: float, exponent: int) -> float:
    return float(np.prod(slopes)) * size**exponent


def _spectral_radius(A: Array) -> float:
    return float(np.abs(np.linalg.eigvals(A)).max())


_SIZES: dict[str, tuple[Callable[[Array], float], str]] = {
    "spectral radius for s_max": (
        _spectral_radius,
        "The largest |eigenvalue| is at most s_max, and less unless W_hh is normal: a matrix can "
        "stretch a vector by more than any eigenvalue. ||W_hh||_2 is the largest singular value.",
    ),
    "the largest real eigenvalue for s_max": (
        lambda W: float(np.linalg.eigvals(W).real.max()),
        "||W_hh||_2 = sqrt(lambda_max(W_hh^T W_hh)) takes the eigenvalues of W_hh^T W_hh, not of "
        "W_hh.",
    ),
    "smallest singular value for s_max": (
        lambda W: float(np.linalg.norm(W, -2)),
        "The smallest singular value says how little W_hh can stretch; a bound needs how much.",
    ),
    "the square root of lambda_max forgotten": (
        lambda W: s_max(W) ** 2,
        "s_max = sqrt(lambda_max(W_hh^T W_hh)). Without the root it is s_max^2: too small where "
        "s_max < 1.",
    ),
    "largest entry for s_max": (
        lambda W: float(np.abs(W).max()),
        "The largest |entry| is at most s_max: a sum of many small entries stretches more.",
    ),
    "largest column sum for s_max": (
        lambda W: float(np.linalg.norm(W, 1)),
        "np.linalg.norm(W, 1) is the norm induced by ||x||_1, which may lie below ||W||_2.",
    ),
    "largest row sum for s_max": (
        lambda W: float(np.linalg.norm(W, np.inf)),
        "np.linalg.norm(W, inf) is the norm induced by ||x||_inf, which may lie below ||W||_2.",
    ),
    "|det W_hh| for s_max": (
        lambda W: float(abs(np.linalg.det(W))),
        "The determinant is the product of all singular values, and is small if one of them is.",
    ),
    "missing W_hh": (
        lambda W: 1.0,
        "sigma' <= 1 bounds diag(sigma') alone; by (6) the factor ||W_hh||_2 = s_max comes on top.",
    ),
}

_LARGER_SIZES: dict[str, tuple[Callable[[Array], float], str]] = {
    "Frobenius norm for s_max": (
        lambda W: float(np.linalg.norm(W)),
        "np.linalg.norm(W) is the Frobenius norm, sqrt(sum of all s^2): never below s_max, and up "
        "to sqrt(d') times above. np.linalg.norm(W, 2) is s_max.",
    ),
    "geometric mean of row and column sums for s_max": (
        lambda W: math.sqrt(float(np.linalg.norm(W, 1)) * float(np.linalg.norm(W, np.inf))),
        "sqrt(||W||_1 ||W||_inf) is never below s_max, and above it for most matrices.",
    ),
    "d' times the largest entry for s_max": (
        lambda W: float(len(W) * np.abs(W).max()),
        "d' max |W_hh[m, n]| is never below s_max, and far above it for most matrices.",
    ),
    "nuclear norm for s_max": (
        lambda W: float(np.linalg.norm(W, "nuc")),
        "The sum of all singular values is never below the largest, and up to d' times above.",
    ),
}


def _size_mistakes() -> tuple[Mistake, ...]:
    def part(f: Callable[[Array], float]) -> Part:
        return lambda c: f(c.W_hh)

    return (
        *(mistake(name, why, size=part(f)) for name, (f, why) in _SIZES.items()),
        *(loose(name, why, size=part(f)) for name, (f, why) in _LARGER_SIZES.items()),
    )


def _reduction_mistakes(a: Callable[[Case], Array]) -> tuple[Mistake, ...]:
    """Return what is done to sigma'(a_j[m]) in place of its maximum; a has the chain's rows."""
    return (
        loose(
            "sigma' replaced by 1",
            "True, for sigma' <= 1, and enough to see what s_max decides. Where all units are "
            "saturated, max over m of sigma'(a_j[m]) is far below 1.",
            slopes=lambda c: np.ones(len(a(c))),
        ),
        mistake(
            "min for max of sigma'",
            "||diag(s)||_2 is the largest entry of s: one free unit lets everything through.",
            slopes=lambda c: slope(a(c)).min(1),
        ),
        mistake(
            "mean for max of sigma'",
            "||diag(s)||_2 is the largest entry of s, not their mean: the free units count.",
            slopes=lambda c: slope(a(c)).mean(1),
        ),
        loose(
            "sum for max of sigma'",
            "||diag(s)||_2 is the largest entry of s; their sum is larger, still a bound.",
            slopes=lambda c: slope(a(c)).sum(1),
        ),
        loose(
            "length of the vector sigma' for its max",
            "||diag(s)||_2 is the largest entry of s; the length ||s||_2 is larger, still a bound.",
            slopes=lambda c: np.linalg.norm(slope(a(c)), axis=1),
        ),
        mistake(
            "sigma for sigma'",
            "There stands max |tanh(a)|. The derivative is sigma'(a) = 1 - tanh(a)^2.",
            slopes=lambda c: np.abs(np.tanh(a(c))).max(1),
        ),
        mistake(
            "1 - a^2 for sigma'",
            "sigma'(a) = 1 - tanh(a)^2 = 1 - h^2: what is squared is h, not a.",
            slopes=lambda c: (1 - a(c) ** 2).max(1),
        ),
    )


def _norm(c: Case) -> float:
    return s_max(derivatives.dh_dh(c.J, c.t, c.i))


STEP_BOUND = Question(
    name="step_bound",
    signature="step_bound(W_hh, a, i)",
    place="bounding question 1",
    asks="a bound of ||dh_i/dh_{i-1}||_2",
    answer="||dh_i/dh_{i-1}||_2 <= ||diag(sigma'(a_i))||_2 ||W_hh||_2 "
    "= max over m of sigma'(a_i[m]) s_max <= s_max",
    shape="a number",
    arguments=lambda c: (c.W_hh, c.a, c.i),
    shows=lambda c: {"i": c.i, "W_hh": c.W_hh, f"a_{c.i}": c.a[c.i]},
    right=lambda c: np.exp(step_bounds(c.W_hh, c.h))[c.i - 1],
    formula=_bound,
    parts={
        "slopes": lambda c: _largest_slopes(c, c.i, c.i),
        "size": lambda c: s_max(c.W_hh),
        "exponent": lambda c: 1,
    },
    mistakes=(
        *_reduction_mistakes(lambda c: c.a[c.i : c.i + 1]),
        *_size_mistakes(),
        mistake(
            "sigma' at the wrong step (a_{i-1} for a_i)",
            "h_i = sigma(a_i), so dh_i/dh_{i-1} = diag(sigma'(a_i)) W_hh.",
            slopes=lambda c: _largest_slopes(c, c.i - 1, c.i - 1),
        ),
        mistake(
            "sigma' at the wrong step (a_{i+1} for a_i)",
            "h_i = sigma(a_i), so dh_i/dh_{i-1} = diag(sigma'(a_i)) W_hh.",
            slopes=lambda c: _largest_slopes(c, c.i + 1, c.i + 1),
        ),
        mistake(
            "sigma' twice",
            "One step passes the activation once, so max sigma'(a_i) stands there once.",
            slopes=lambda c: _largest_slopes(c, c.i, c.i) ** 2,
        ),
        mistake(
            "sum instead of product of the norms",
            "(6) multiplies: ||A B||_2 <= ||A||_2 ||B||_2.",
            answer=lambda c: slope(c.a[c.i]).max() + s_max(c.W_hh),
        ),
        loose(
            "the norm itself",
            "||diag(sigma'(a_i)) W_hh||_2 is what is to be bounded. It is never below itself, but "
            "(6) separates what the units do from what W_hh does.",
            answer=lambda c: s_max(c.J[c.i - 1]),
        ),
        mistake(
            "the spectral radius of the Jacobian",
            "A matrix can stretch a vector by more than any of its eigenvalues.",
            answer=lambda c: _spectral_radius(c.J[c.i - 1]),
        ),
    ),
    edges=lambda c: [replace(c, i=i) for i in range(1, T + 1)],
    norm=lambda c: s_max(c.J[c.i - 1]),
)


BOUND = Question(
    name="bound",
    signature="bound(W_hh, a, t, i)",
    place="bounding question 2",
    asks="a bound of ||dh_t/dh_i||_2",
    answer="||dh_t/dh_i||_2 <= product over j = i+1..t of max over m of sigma'(a_j[m]) s_max "
    "<= s_max^(t-i)",
    shape="a number",
    arguments=lambda c: (c.W_hh, c.a, c.t, c.i),
    shows=lambda c: {
        "t": c.t,
        "i": c.i,
        "W_hh": c.W_hh,
        **{f"a_{j}": c.a[j] for j in range(c.i + 1, c.t + 1)},
    },
    right=lambda c: np.exp(product_bound(step_bounds(c.W_hh, c.h)))[c.t, c.i],
    formula=_bound,
    parts={
        "slopes": lambda c: _largest_slopes(c, c.i + 1, c.t),
        "size": lambda c: s_max(c.W_hh),
        "exponent": lambda c: c.t - c.i,
    },
    mistakes=(
        *_reduction_mistakes(lambda c: _window(c)),
        *_size_mistakes(),
        mistake(
            "exponent off by one (t-i+1)",
            "From h_i to h_t there are t - i steps, so s_max stands there t - i times.",
            exponent=lambda c: c.t - c.i + 1,
        ),
        mistake(
            "exponent off by one (t-i-1)",
            "From h_i to h_t there are t - i steps, so s_max stands there t - i times.",
            exponent=lambda c: c.t - c.i - 1,
        ),
        mistake(
            "exponent t for t-i",
            "The chain starts at h_i, not at h_0: t - i steps.",
            exponent=lambda c: c.t,
        ),
        mistake(
            "missing exponent",
            "Each of the t - i steps multiplies by up to s_max: s_max^(t-i).",
            exponent=lambda c: 1,
        ),
        mistake(
            "sigma' a step early (a_i..a_{t-1} for a_{i+1}..a_t)",
            "dh_{j+1}/dh_j takes sigma' at a_{j+1}, so j = i..t-1 needs a_{i+1} to a_t.",
            slopes=lambda c: _largest_slopes(c, c.i, c.t - 1),
        ),
        mistake(
            "sigma' a step late (a_{i+2}..a_{t+1} for a_{i+1}..a_t)",
            "dh_{j+1}/dh_j takes sigma' at a_{j+1}, so j = i..t-1 needs a_{i+1} to a_t.",
            slopes=lambda c: _largest_slopes(c, c.i + 2, c.t + 1),
        ),
        mistake(
            "one sigma' too many (a_i)",
            "sigma' at a_i belongs to the step into h_i, before the chain begins.",
            slopes=lambda c: _largest_slopes(c, c.i, c.t),
        ),
        loose(
            "one sigma' too few (a_t)",
            "The last step's sigma'(a_t) is left out; true, and looser than need be.",
            slopes=lambda c: _largest_slopes(c, c.i + 1, c.t - 1),
        ),
        loose(
            "one sigma' too few (a_{i+1})",
            "The first step's sigma'(a_{i+1}) is left out; true, and looser than need be.",
            slopes=lambda c: _largest_slopes(c, c.i + 2, c.t),
        ),
        mistake(
            "sigma' of the last step for every step",
            "sigma' differs from step to step: take each step's own maximum.",
            slopes=lambda c: np.repeat(_largest_slopes(c, c.t, c.t), c.t - c.i),
        ),
        mistake(
            "sigma' of the first step for every step",
            "sigma' differs from step to step: take each step's own maximum.",
            slopes=lambda c: np.repeat(_largest_slopes(c, c.i + 1, c.i + 1), c.t - c.i),
        ),
        mistake(
            "sigma' of one step alone",
            "Each step has its own factor. With sigma' <= 1 for the others it is true, but for the "
            "empty chain t = i, where no sigma' is left.",
            slopes=lambda c: _largest_slopes(c, c.t, c.t),
        ),
        loose(
            "the largest sigma' of the whole chain for every step",
            "True, and looser than each step's own maximum.",
            slopes=lambda c: np.repeat(_largest_slopes(c, c.i + 1, c.t).max(), c.t - c.i),
        ),
        mistake(
            "sum instead of product",
            "(6) multiplies the norms of the steps: it is s_max^(t-i), not (t-i) s_max. A sum "
            "neither vanishes nor explodes.",
            answer=lambda c: (_largest_slopes(c, c.i + 1, c.t) * s_max(c.W_hh)).sum(),
        ),
        mistake(
            "sum instead of product",
            "(6) multiplies the norms of the steps: it is s_max^(t-i), not (t-i) s_max. A sum "
            "neither vanishes nor explodes.",
            answer=lambda c: (c.t - c.i) * s_max(c.W_hh),
        ),
        mistake(
            "the norm of a power for the power of the norm",
            "||W_hh^(t-i)||_2 would do for a linear network. Here diag(sigma') stands between the "
            "factors, and can undo what cancels in W_hh W_hh.",
            answer=lambda c: s_max(np.linalg.matrix_power(c.W_hh, c.t - c.i)),
        ),
        loose(
            "the norm itself",
            "||dh_t/dh_i||_2 is what is to be bounded. It is never below itself, but only a bound "
            "such as s_max^(t-i) shows what W_hh decides.",
            answer=_norm,
        ),
        loose(
            "the product of the steps' own norms",
            "True, and closer than the bound asked for; but (6) once more separates s_max, and so "
            "shows what W_hh decides.",
            answer=lambda c: math.prod(s_max(J) for J in c.J[c.i : c.t]),
        ),
    ),
    edges=everywhere,
    norm=_norm,
)


def _window(c: Case) -> Array:
    """Return a_{i+1} to a_t, (t-i, d')."""
    return c.a[c.i + 1 : c.t + 1]


BOUNDS = (STEP_BOUND, BOUND)
"""The questions on bounds, in the assignment's order."""
