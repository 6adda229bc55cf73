"""The Lyapunov spectrum of a recurrent network: growth a step, direction by direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from carrychain.errors import InvalidInput
from carrychain.rnn.lag_norms import checked_jacobians

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float64]

_U = 2.0**-53
_FEWEST_BLOCKS = 8


@dataclass(frozen=True)
class Lyapunov:
    """Lyapunov exponents, largest first.

    Attributes:
        exponents: natural log of the growth a step; -inf for a direction that some step maps to 0,
            as far as float64 can tell, (k,).
        error: standard error of each, for the steps averaged; inf after a single step, NaN beside
            -inf. What the first steps, before the directions have aligned, put into the mean is
            not part of it: it falls as 1/T, and `discard` leaves it out, (k,).
    """

    exponents: Floats
    error: Floats


def lyapunov_spectrum(
    jacobians: ArrayLike | Tensor, discard: int = 0, k: int | None = None
) -> Lyapunov:
    """Return the Lyapunov exponents along a trajectory, by a QR decomposition a step.

    Q[t+1] R[t+1] = J[t] Q[t]; the exponents are the means of log |diag R|. Without `discard` and
    `k` their sum is the mean of log |det J|, which is log |det W_hh| + sum of log(1 - h^2) for
    tanh.

    Args:
        jacobians: J[t] = dh_{t+1}/dh_t, as `lag_norms` takes them, (T, d, d), T at least 1.
        discard: steps at the start that align the directions and are not averaged, below T.
        k: how many exponents, the largest, 1 to d; all where left out. Then Q starts as the
            identity, otherwise in a fixed direction that no axis is special to.

    Raises:
        InvalidInput: Jacobians that `lag_norms` refuses; no step left to average; k out of range.

    Source:
        Benettin, Galgani, Giorgilli and Strelcyn (1980), Meccanica 15, 9-30; Geist, Parlitz and
        Lauterborn (1990), Progress of Theoretical Physics 83, 875-893.

    Example:
        >>> turn = np.array([[0.0, -1.0], [1.0, 0.0]])
        >>> lyapunov_spectrum(np.stack([2 * turn] * 10)).exponents.round(3).tolist()
        [0.693, 0.693]
    """
    J = checked_jacobians(jacobians)
    T, d, _ = J.shape
    if not 0 <= discard < T:
        raise InvalidInput(
            f"discard is {discard} of {T} steps; it must be at least 0 and leave a step to average"
        )
    if k is not None and not 1 <= k <= d:
        raise InvalidInput(f"k is {k}; a network of width {d} has 1 to {d} exponents")
    local = _local_exponents(J, k)[discard:]  # (T - discard, k)
    exponents = local.mean(0)
    order = np.argsort(-exponents, kind="stable")
    return Lyapunov(exponents[order], _standard_error(local)[order])


def _local_exponents(J: NDArray[np.floating], k: int | None) -> Floats:
    """Return log |diag R| for every step, (T, k)."""
    T, d, _ = J.shape
    start = np.eye(d) if k is None else np.random.default_rng(0).normal(size=(d, k))
    directions = np.linalg.qr(start).Q  # (d, k)
    local = np.empty((T, directions.shape[1]))
    for t in range(T):
        step = J[t].astype(np.float64)
        # What rounding alone can leave of a direction that the step maps to 0.
        noise = d * _U * np.linalg.norm(np.abs(step) @ np.abs(directions), axis=0)  # (k,)
        directions, R = np.linalg.qr(step @ directions)
        growth = np.abs(np.diagonal(R))
        with np.errstate(divide="ignore"):
            local[t] = np.log(np.where(growth > noise, growth, 0))
    return local


def _standard_error(local: Floats) -> Floats:
    """Return the standard error of the mean of correlated values, by blocking, (k,).

    Means of blocks are less correlated the longer the blocks; the error is the largest that any
    length gives, doubling it as long as there are enough blocks.

    Source:
        Flyvbjerg and Petersen (1989), "Error estimates on averages of correlated data".
    """
    n = len(local)
    if n == 1:
        return np.full_like(local[0], np.inf)
    errors: list[Floats] = []
    length = 1
    while length == 1 or n // length >= _FEWEST_BLOCKS:
        blocks = n // length
        means = local[n - blocks * length :].reshape(blocks, length, -1).mean(1)  # (blocks, k)
        with np.errstate(invalid="ignore"):  # -inf less -inf
            errors.append(means.std(0, ddof=1) / np.sqrt(blocks))
        length *= 2
    largest: Floats = np.max(errors, axis=0)
    return largest
