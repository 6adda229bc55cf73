"""The whole matrix ||dh_t/dh_i||_2 of a recurrent network, fast and with an error bound.

dh_t/dh_i = J[t-1] ... J[i] is in equation (5). The products of one lag are those of the lag before
and one factor more, so the starts i march together, a chunk at a time:

    kept = (P V)^T,  P = J[t-1] ... J[i],  V orthogonal     # (n, r, d)
    gram = kept kept^T,  lam its largest eigenvalue,  norm = sqrt(lam)

Directions that have become a million times shorter than the longest are rotated apart and dropped,
so r falls and with it the work. What dropping and rounding can have changed is bounded
afterwards, from the last start to the first. u = 2^-53 is the unit roundoff.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from carrychain.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float64]

_U = 2.0**-53
_LN2 = math.log(2)
_EPS = 1e-6  # directions shorter than this, relative to the longest, are dropped
_SHRINK = 0.7  # ... once at most this share of them would stay
_DROP_TOLERANCE = 1e-6  # a chunk that dropping may change by more is done again without
_GAP = 1e-10  # an enclosure of lam is taken if it is no wider than this, relative to lam
_ONE_THREAD = 64  # d up to which two threads gain next to nothing
_DEEPEST = -700.0  # exp of less might underflow


@dataclass(frozen=True)
class LagNorms:
    """The norms ||dh_t/dh_i||_2 for all t and i, in logs.

    Attributes:
        log_norms: [t, i] is log ||dh_t/dh_i||_2; 0 on the diagonal, -inf above it, (T+1, T+1).
        certificate: [t, i] bounds the norm's relative error and the error of its log; 0 where the
            norm is exactly 0 and on and above the diagonal, inf where float64 can't tell,
            (T+1, T+1).
    """

    log_norms: Floats
    certificate: Floats


def lag_norms(jacobians: ArrayLike | Tensor) -> LagNorms:
    """Return ||J[t-1] ... J[i]||_2 for all 0 <= i <= t <= T, each with a bound on its error.

    The certificate is about the numbers given, taken as float64. It assumes of LAPACK only that its
    eigenvalues are those of a matrix within 8 d u of the given one. It is computed on the CPU, by
    as many threads as PyTorch uses, in less than 3 T d^2 numbers of memory beside the result once
    T and d are 32 or more.

    Args:
        jacobians: J[t] = dh_{t+1}/dh_t, float64 or float32, as a NumPy array or as a torch tensor
            on any device, (T, d, d). T may be 0.

    Raises:
        InvalidInput: another shape or type, half precision, NaN or infinity.

    Example:
        >>> halving = np.stack([np.eye(2) / 2] * 3)
        >>> np.exp(lag_norms(halving).log_norms[3]).round(3).tolist()
        [0.125, 0.25, 0.5, 1.0]
    """
    J = checked_jacobians(jacobians)
    T, d, _ = J.shape
    # From here on every factor is scaled by an exact power of two, to entries of at most 1.
    largest = np.maximum(J.max((1, 2), initial=0), -J.min((1, 2), initial=0))  # (T,)
    exponents = np.frexp(largest)[1].astype(np.int64)
    J_T = np.empty((T, d, d))
    np.ldexp(J.transpose(0, 2, 1), -exponents[:, None, None], out=J_T, dtype=np.float64)
    log_norms, certificate = np.zeros((T + 1, T + 1)), np.zeros((T + 1, T + 1))
    n = min(max(32, min(256, 1024 // d)), max(1, T // 4))
    with _threads(d):
        for first in reversed(range(0, T, n)):
            march = _march(J_T, first, min(first + n, T), drop=True)
            by_dropping = _certify(J, march, log_norms, certificate)
            if by_dropping > _DROP_TOLERANCE:
                march = _march(J_T, first, min(first + n, T), drop=False)
                _certify(J, march, log_norms, certificate)
    E = np.concatenate(([0], np.cumsum(exponents)))  # (T+1,)
    for t in range(T + 1):
        scale = (E[t] - E[:t]) * _LN2
        certificate[t, :t] += np.where(np.isfinite(log_norms[t, :t]), 4 * _U * np.abs(scale), 0)
        log_norms[t, :t] += scale
        log_norms[t, t + 1 :] = -np.inf
    return LagNorms(log_norms, certificate)


def exact_lag_norms(jacobians: ArrayLike | Tensor) -> Floats:
    """Return `LagNorms.log_norms` by the plain way: a running product and an SVD for every pair.

    Each product is divided by its norm before it is multiplied on, so nothing overflows. It costs
    T^2/2 products and as many SVDs, and gives no bound on its rounding error.

    Args:
        jacobians: as for `lag_norms`, (T, d, d).

    Raises:
        InvalidInput: as `lag_norms`.
    """
    import torch

    J = torch.from_numpy(checked_jacobians(jacobians).astype(np.float64))  # (T, d, d)
    T, d, _ = J.shape
    log_norms = np.full((T + 1, T + 1), -np.inf)
    np.fill_diagonal(log_norms, 0)
    for i in range(T):
        product, log_scale = torch.eye(d, dtype=torch.float64), 0.0
        for t in range(i + 1, T + 1):
            product = J[t - 1] @ product  # (d, d)
            norm = cast("Tensor", torch.linalg.svdvals(product))[0].item()
            if norm == 0:
                break
            log_scale += math.log(norm)
            log_norms[t, i] = log_scale
            product = product / norm
    return log_norms


@contextmanager
def _threads(d: int) -> Generator[None]:
    """Let small matrices have one thread: several wait for each other at every operation.

    Two save a fifth of the time at best, and on a busy machine they cost a hundred times as much.
    """
    import torch

    before = torch.get_num_threads()
    if d <= _ONE_THREAD:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def checked_jacobians(jacobians: ArrayLike | Tensor) -> NDArray[np.floating[Any]]:
    """Return Jacobians as a NumPy array of float64 or float32, (T, d, d).

    Raises:
        InvalidInput: they are not real numbers in single or double precision, not of that shape,
            or not finite.
    """
    kind, J = _as_array(jacobians)
    if J is None or J.dtype.name not in ("float32", "float64"):
        raise InvalidInput(f"the Jacobians are {kind}; compute them in float64 or float32")
    shape = tuple(J.shape)
    if len(shape) == 4:
        raise InvalidInput(
            f"the Jacobians have the shape {shape}, with a batch dimension; "
            "call once for each sequence, with (T, d, d)"
        )
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] == 0:
        raise InvalidInput(
            f"the Jacobians have the shape {shape}; expected (T, d, d), a square matrix for a step"
        )
    finite = np.isfinite(J)
    if not finite.all():
        t, row, column = (int(k) for k in np.argwhere(~finite)[0])
        raise InvalidInput(
            f"the Jacobians hold {J[t, row, column]}, first at step {t}, row {row}, column "
            f"{column}; look for an overflow at that step or before"
        )
    return J


def _as_array(jacobians: ArrayLike | Tensor) -> tuple[str, NDArray[Any] | None]:
    """Return the name of their type, and an array unless NumPy has none of that type."""
    given = cast(Any, jacobians)
    if hasattr(given, "detach"):  # a torch tensor, told without importing torch
        kind = str(given.dtype).removeprefix("torch.")
        return kind, None if kind == "bfloat16" else given.detach().cpu().numpy()
    try:
        array = np.asarray(given)
    except ValueError:  # lists of unequal length
        return "lists of unequal length", None
    return array.dtype.name, array.astype(np.float64) if array.dtype.kind in "iu" else array


# --- the march ------------------------------------------------------------------------------------


@dataclass
class _March:
    """What the march of a chunk gave: a row a start, and for the first three a column a time t."""

    first: int
    log_norm: Floats  # -inf where t < i, (n, T+1)
    y0: Floats  # relative error of the norm itself, (n, T+1)
    log_F: Floats  # rounding in the step that arrives at t, (n, T+1)
    drops: list[tuple[int, Floats]]  # a lag, and log D of the starts that reached it, (k,)
    log_J: Floats  # log ||J||_F, (T,)


def _march(J_T: Floats, first: int, last: int, *, drop: bool) -> _March:
    """March the starts from first to last - 1 to the end, all at one lag.

    Args:
        J_T: the scaled Jacobians, each transposed, (T, d, d).
        first, last: the chunk.
        drop: whether short directions are dropped.
    """
    import torch

    T, d, _ = J_T.shape
    n = last - first
    factors = torch.from_numpy(J_T)
    log_J = _length(factors, (1, 2)).log().numpy()  # (T,)
    log_norm, log_F = np.full((n, T + 1), -np.inf), np.full((n, T + 1), -np.inf)
    y0 = np.zeros((n, T + 1))
    np.fill_diagonal(log_norm[:, first:], 0)
    drops: list[tuple[int, Floats]] = []
    kept = factors[first:last]  # times 2^exponent, (n, r, d)
    exponent, log_fro = np.zeros(n), np.zeros(n)
    check = enclose = 1  # the next lag at which it is worth while to try
    for lag in range(1, T - first + 1):
        k = min(n, T - first - lag + 1)  # starts that reach this lag
        row, t = np.arange(k), np.arange(first, first + k) + lag
        if lag > 1:
            step = slice(first + lag - 1, first + lag - 1 + k)
            log_F[row, t] = math.log((d + 2) * _U) + log_fro[:k] + log_J[step]
            kept, exponent = kept[:k] @ factors[step], exponent[:k]  # (k, r, d)
        gram, trace = _gram(kept)  # (k, r, r), (k,)
        if trace.min() < 1e-20 or trace.max() > 1e20:
            change = np.frexp(kept.abs().amax((1, 2)).numpy())[1]
            kept = torch.from_numpy(np.ldexp(kept.numpy(), -change[:, None, None]))
            exponent = exponent + change
            gram, trace = _gram(kept)
            if not trace.any():
                break  # all products are 0, and stay it
        log_scale = exponent * _LN2
        log_fro = trace.log().numpy() / 2 + log_scale  # log ||kept||_F
        r = kept.shape[1]
        shrinks = False
        if drop and r > 1 and lag >= check:
            check = lag + max(1, lag // 8)
            shrinks = _long(_eigenvalues(gram[:1])) <= _SHRINK * r  # the others are much like it
        if shrinks:
            kept, lam, dropped = _drop(kept, gram)
            gap = torch.zeros_like(lam)
            if kept.shape[1] < r:
                log_D = (dropped + 12 * d * _U * trace).log().numpy() + 2 * log_scale
                drops.append((lag, log_D))
                turn = math.log((r + 8) * math.sqrt(r) * _U) + log_fro
                log_F[row, t] = np.logaddexp(log_F[row, t], turn)
        elif r > 8 and lag >= enclose:
            lam, gap = _enclose(gram, trace)
            wide = ~(gap <= _GAP * lam)
            if wide.any():
                lam[wide], gap[wide] = _eigenvalues(gram[wide])[:, -1], 0
            if 2 * int(wide.sum()) > k:
                enclose = 2 * lag
        else:
            lam = _eigenvalues(gram)[:, -1] if r > 1 else trace
            gap = torch.zeros_like(lam)
        del gram  # before the next one is made
        log_lam = lam.log().numpy()
        log_norm[row, t] = log_lam / 2 + log_scale
        y0[row, t] = ((12 * d * _U * trace + gap) / lam).numpy()
        y0[row, t] += 4 * _U * (1 + np.abs(log_scale) + np.abs(log_lam))
    return _March(first, log_norm, y0, log_F, drops, log_J)


def _length(x: Tensor, dim: int | tuple[int, int], *, keepdim: bool = False) -> Tensor:
    """Return the Euclidean norm over one or two dimensions."""
    import torch

    return cast("Tensor", torch.linalg.vector_norm(x, dim=dim, keepdim=keepdim))


def _drop(kept: Tensor, gram: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return kept without its short directions, lam, and the largest square dropped, (k,) each."""
    import torch

    values, vectors = cast("tuple[Tensor, Tensor]", torch.linalg.eigh(gram))  # (k, r), (k, r, r)
    r, long = values.shape[1], _long(values)
    if long < r:
        kept = vectors[:, :, r - long :].mT @ kept  # (k, long, d)
    return kept, values[:, -1], values[:, max(0, r - long - 1)].clamp_min(0)


def _eigenvalues(gram: Tensor) -> Tensor:
    """Return the eigenvalues in ascending order, (k, r)."""
    import torch

    return cast("Tensor", torch.linalg.eigvalsh(gram))


def _gram(kept: Tensor) -> tuple[Tensor, Tensor]:
    """Return kept kept^T, (k, r, r), and its trace, (k,), for kept of shape (k, r, d)."""
    gram = kept @ kept.mT
    return gram, gram.diagonal(dim1=1, dim2=2).sum(1)


def _long(values: Tensor) -> int:
    """Return how many eigenvalues are to be kept: the most of any row; ascending, (k, r)."""
    return max(1, int((values > _EPS**2 * values[:, -1:]).sum(1).max()))


def _enclose(gram: Tensor, trace: Tensor) -> tuple[Tensor, Tensor]:
    """Return theta and gap, (k,) each: theta <= lam <= theta + gap; gap may be inf or NaN.

    All eigenvalues cost more than one vector q near the eigenvector of lam, which a power of the
    matrix gives. With theta = q gram q^T, rho = ||q gram - theta q|| and nu at least the second
    eigenvalue, but below theta, Temple's inequality is

        theta <= lam <= theta + rho^2 / (theta - nu)

    and nu follows from lam^p + lam_2^p <= tr gram^p. The powers are squared in float32: rho is that
    of the q they gave, good or bad, and nu has room for their rounding.

    Args:
        gram: positive semidefinite, (k, r, r).
        trace: (k,).

    Source:
        Temple (1928), "The theory of Rayleigh's principle as applied to continuous systems".
    """
    import torch

    k, r, _ = gram.shape
    power = gram.float().div_(trace.float()[:, None, None])  # gram^p, divided by its trace
    p, log_trace = 1, torch.zeros_like(trace)  # log tr (gram / trace)^p
    while True:
        share = _length(power, (1, 2)).square()  # near 1 where lam stands out
        p, log_trace = 2 * p, 2 * log_trace + share.double().log()
        if share.min() > 0.5 or p == 64:
            break
        power = (power @ power).div_(share[:, None, None])
    q = power[torch.arange(k), power.diagonal(dim1=1, dim2=2).argmax(1)][:, None]  # (k, 1, r)
    for _ in range(12):
        q = q @ power
    q = q.double()
    q = q / _length(q, 2, keepdim=True)
    q_gram = q @ gram
    theta = (q_gram * q).sum((1, 2))
    rho = _length(q_gram - theta[:, None, None] * q, (1, 2)) + 4 * r * _U * trace
    rounding = p * r**1.5 * 2.0**-22
    rest = torch.expm1(log_trace - p * (theta / trace).log() + rounding)  # (lam_2 / theta)^p
    nu = theta * (rest.log() / p).exp()
    return theta, torch.where(nu < theta, rho**2 / (theta - nu), torch.inf)


# --- the certificate ------------------------------------------------------------------------------


def _certify(
    J: NDArray[np.floating[Any]], march: _March, log_norms: Floats, certificate: Floats
) -> float:
    """Write a chunk's norms and certificates; return by how much dropping may have changed a norm.

    U[t, c] bounds ||J[t-1] ... J[c]||. An error F in the step that arrives at c changes the norm at
    t by at most F U[t, c]; dropping rows of norm sqrt(D) at c lowers its square by at most
    D U[t, c]^2. So, from the last start to the first,

        x^2 = sum over i < c < t of D[c, i] U[t, c]^2 / norm^2
        y = sum over i < c <= t of F[c, i] U[t, c] / norm + y0
        U[t, i] = norm (sqrt(1 + x^2) + y),  the certificate is log(U[t, i] / norm) + 2 y

    Computed norms in place of U would be too small, and the certificate with them.

    Args:
        J: the Jacobians as given, (T, d, d).
        march: the chunk's.
        log_norms: the norms, of which this writes the chunk's columns; until all are written,
            log U[t, c] stands at [c, t], (T+1, T+1).
        certificate: of which this writes the chunk's columns, (T+1, T+1).
    """
    first, n, T = march.first, len(march.log_norm), len(J)
    last = first + n
    # Sums are in units of the norm. A norm of 0 is none, but the rounding that arrives there is.
    unit = np.where(np.isfinite(march.log_norm), march.log_norm, march.log_F)
    unit = np.where(np.isfinite(unit), unit, 0)
    most = np.cumsum(np.append(0, np.where(np.isfinite(march.log_J), march.log_J, 0)))  # (T+1,)
    by_dropping = 0.0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        y = march.y0 + _rounding_after(last, march.log_F, log_norms, unit)  # (n, T+1)
        log_unit_U = unit.max(0)  # (T+1,)
        U = np.zeros((n, T + 1))
        for j in reversed(range(n)):
            i = first + j
            after = slice(i + 1, T + 1)
            norm, e = march.log_norm[j, after], unit[j, after]
            if i + 1 < last:  # steps that arrive within the chunk
                F, log_unit_F = _mantissa(march.log_F[j, i + 1 : last], 0)
                y[j, after] += F @ U[j + 1 :, after] * np.exp(log_unit_F + log_unit_U[after] - e)
            y_i = np.where(np.isnan(y[j, after]), np.inf, y[j, after])
            x_squared = np.zeros(T - i)
            for lag, log_D in march.drops:
                c = i + lag
                if j < len(log_D):
                    x_squared[lag:] += np.exp(log_D[j] + 2 * (log_norms[c, c + 1 :] - e[lag:]))
            x = np.sqrt(x_squared)
            dropped = np.hypot(1, x) - 1
            growth = np.log1p(dropped + y_i)
            zero = norm == -np.inf
            log_U = np.minimum(e + np.where(zero, np.log(x + y_i), growth), most[after] - most[i])
            error = np.where(zero | (y_i >= 0.5), np.inf, growth + 2 * y_i)
            if zero.any():
                dead = np.arange(i + 1, T + 1) >= _dies(J, i)
                log_U[dead], error[dead] = -np.inf, 0
            log_norms[after, i], log_norms[i, after] = norm, log_U
            certificate[after, i] = error
            U[j, i] = np.exp(-log_unit_U[i])
            U[j, after] = np.exp(np.maximum(log_U - log_unit_U[after], _DEEPEST))
            U[j, after][log_U == -np.inf] = 0
            by_dropping = max(by_dropping, float(dropped.max(where=~zero, initial=0)))
    return by_dropping


def _rounding_after(last: int, log_F: Floats, log_norms: Floats, unit: Floats) -> Floats:
    """Return the sum over last <= c <= t of F[c, i] U[t, c], divided by exp(unit), (n, T+1).

    Blocks of c are products of matrices, each with units of its own: nothing under- or overflows.
    """
    n, T = len(log_F), len(log_norms) - 1
    total = np.zeros((n, T + 1))
    for c in range(last, T + 1, n):
        block = slice(c, min(c + n, T + 1))
        log_U = log_norms[block, c:]
        log_U = np.where(np.tri(len(log_U), T + 1 - c, -1) > 0, -np.inf, log_U)  # only t >= c
        U, log_unit_U = _mantissa(log_U, 0)  # (block, T+1-c)
        F, log_unit_F = _mantissa(log_F[:, block], 1)  # (n, block)
        sums = F @ np.where(log_U > -np.inf, U, 0)
        total[:, c:] += sums * np.exp(log_unit_F + log_unit_U - unit[:, c:])
    return total


def _mantissa(logs: Floats, axis: int) -> tuple[Floats, Floats]:
    """Return numbers in (0, 1] and the log of their unit along `axis`: exp(logs), or a bit more."""
    unit = logs.max(axis, keepdims=True)
    unit = np.where(np.isfinite(unit), unit, 0)
    return np.exp(np.maximum(logs - unit, _DEEPEST)), unit


def _dies(J: NDArray[np.floating[Any]], i: int) -> int:
    """Return the first t at which J[t-1] ... J[i] is 0 by where zeros stand alone, or T + 1."""
    reached = np.ones(J.shape[1], bool)
    for t in range(i, len(J)):
        reached = (J[t][:, reached] != 0).any(1)
        if not reached.any():
            return t + 1
    return len(J) + 1
