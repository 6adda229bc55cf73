"""Bounds of ||dh_t/dh_i||_2, and what they say of a network, beside what its norms did.

    ||dh_{t+1}/dh_t||_2 <= max over m of sigma'(a_{t+1}[m]) s_max <= s_max      a step
    ||dh_t/dh_i||_2 <= the product of the steps' bounds <= s_max^(t-i)          a product

s_max is the largest singular value of W_hh, ||W_hh||_2. Both lines follow from
||A B||_2 <= ||A||_2 ||B||_2, equation (6), and from sigma' <= 1. All is in logarithms, which
neither under- nor overflow, and laid out like log_norms: [t, i] for dh_t/dh_i, (T+1, T+1), 0 on the
diagonal and -inf above.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from carrychain.errors import InvalidInput
from carrychain.rnn.derivatives import check_states, slopes
from carrychain.rnn.model import Array, check_square

SATURATED = 0.1
"""A unit counts as saturated at a step where sigma'(a) is below this, |h| above .949."""


def step_bounds(W_hh: ArrayLike, h: ArrayLike) -> Array:
    """Return the log of each step's bound, [t] of dh_{t+1}/dh_t, (T,).

    Args:
        W_hh: (d', d').
        h: h_0 to h_T, (T+1, d').

    Raises:
        InvalidInput: the shapes do not fit, or a number is not finite.
    """
    W, states = check_states(W_hh, h)
    if states.ndim != 2:
        raise InvalidInput(f"h has the shape {states.shape}; give one sequence, (T+1, d')")
    with np.errstate(divide="ignore"):  # log 0
        return np.log(slopes(states[1:]).max(axis=-1)) + np.log(largest_singular_value(W))


def product_bound(steps: ArrayLike) -> Array:
    """Return the log of the product of the steps' bounds from i to t, (T+1, T+1).

    Args:
        steps: as `step_bounds` returns them, (T,); -inf for a bound of 0.

    Raises:
        InvalidInput: not a list of logarithms.
    """
    log_steps = np.asarray(steps, dtype=np.float64)
    if log_steps.ndim != 1 or np.isnan(log_steps).any() or (log_steps == np.inf).any():
        raise InvalidInput("steps must be a list of logarithms, finite or -inf, (T,)")
    T = len(log_steps)
    bound = np.full((T + 1, T + 1), -np.inf)
    bound[0, 0] = 0
    for t in range(1, T + 1):
        bound[t, :t] = bound[t - 1, :t] + log_steps[t - 1]
        bound[t, t] = 0
    return bound


def power_bound(W_hh: ArrayLike, T: int) -> Array:
    """Return the log of s_max^(t-i), (T+1, T+1).

    Args:
        W_hh: (d', d').
        T: number of steps, at least 0.

    Raises:
        InvalidInput: W_hh is not a square matrix of finite numbers, or T is below 0.
    """
    if T < 0:
        raise InvalidInput(f"T is {T}; it must be at least 0")
    s_max = largest_singular_value(W_hh)
    log_s_max = math.log(s_max) if s_max else -math.inf
    lag = np.subtract.outer(np.arange(T + 1.0), np.arange(T + 1.0))  # t - i
    bound = np.where(lag < 0, -np.inf, 0.0)
    bound[lag > 0] = lag[lag > 0] * log_s_max
    return bound


def largest_singular_value(W_hh: ArrayLike) -> float:
    """Return s_max = ||W_hh||_2 of a square matrix, (d', d')."""
    W = check_square("W_hh", W_hh)
    return float(np.linalg.norm(W, 2))


# --- what it means --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Regime:
    """What s_max decides for a network, and what its norms did; `str` says it in sentences.

    The norms are those of equation (5) at t = T, ||dh_T/dh_i||_2 for i = 1..T.

    Attributes:
        s_max: largest singular value of W_hh.
        decides: `vanish` (s_max < 1: norms must), `bounded` (s_max is 1 to rounding: none can
            grow), `open` (s_max > 1: they may explode and need not).
        did: `vanished` or `exploded` (the norm at the longest lag is below 1/10 or above 10, and
            the rate has the same sign), else `neither`.
        T: number of steps.
        rate: slope a step of the log of the norms that are not 0, by least squares over the lag
            T - i; None if there are fewer than two.
        zeros: how many of the T - 1 norms with i < T are exactly 0.
        longest: the longest lag whose norm is not 0.
        log_norm, log_product, log_power: at that lag the log of the norm, of the product of the
            steps' bounds and of s_max^lag.
        mean_slope: mean of sigma'(a) over units and steps, 0 to 1.
        saturated: share of units and steps with sigma'(a) below `SATURATED`, 0 to 1.
    """

    s_max: float
    decides: Literal["vanish", "bounded", "open"]
    did: Literal["vanished", "exploded", "neither"]
    T: int
    rate: float | None
    zeros: int
    longest: int
    log_norm: float
    log_product: float
    log_power: float
    mean_slope: float
    saturated: float

    def __str__(self) -> str:
        parts = (self._decided(), self._done(), self._loose(), self._saturation())
        return " ".join(part for part in parts if part)

    def _decided(self) -> str:
        if self.s_max == 0:
            return "W_hh is 0, so every dh_t/dh_i with i < t is 0."
        if self.decides == "bounded":
            return "s_max is 1 to rounding: no norm ||dh_t/dh_i|| can grow, and none need vanish."
        s_max = f"s_max is {_factor(math.log(self.s_max), rounding=0)}"
        if self.decides == "open":
            return (
                f"{s_max}, above 1: the norm ||dh_t/dh_i|| may explode, at most as s_max^(t-i), "
                "and need not."
            )
        half_life = math.log(0.5) / math.log(self.s_max)
        return (
            f"{s_max}, below 1: the norm ||dh_t/dh_i|| must vanish as t - i grows, with a "
            f"half-life of at most {half_life:.3g} steps."
        )

    def _done(self) -> str:
        if self.T == 1:
            return "With T = 1 no term of (5) has a product of Jacobians."
        if self.rate is None:
            return "At t = T it is exactly 0 for every i < T: only the last step has a gradient."
        level = abs(self.rate) * self.longest < 1e-9
        course = "stays level" if level else f"changes by a factor of {_factor(self.rate)} a step"
        verb = {"vanished": "vanished", "exploded": "exploded", "neither": "did neither here"}
        zeros = f"; {self.zeros} of {self.T - 1} norms are exactly 0" if self.zeros else ""
        return (
            f"It {verb[self.did]}: at t = T it {course} and is {_factor(self.log_norm)} at lag "
            f"{self.longest}{zeros}."
        )

    def _loose(self) -> str:
        if self.rate is None:
            return ""
        product, power = (_factor(b - self.log_norm) for b in (self.log_product, self.log_power))
        return (
            f"At that lag the product of the steps' bounds is {product} times the norm, and "
            f"s_max^(t-i) {power} times."
        )

    def _saturation(self) -> str:
        return (
            f"sigma'(a) is {self.mean_slope:.3g} on average, and below {SATURATED} (saturated) in "
            f"{100 * self.saturated:.3g}% of units and steps."
        )


def regime(W_hh: ArrayLike, h: ArrayLike, log_norms: ArrayLike) -> Regime:
    """Return what the bounds decide for a tanh network on a sequence, and what its norms did.

    Args:
        W_hh: (d', d').
        h: h_0 to h_T, (T+1, d'), T at least 1.
        log_norms: log ||dh_t/dh_i||_2 as `lag_norms` gives it, (T+1, T+1).

    Raises:
        InvalidInput: the shapes do not fit, a number is NaN, or a norm is above its bound, so that
            it is not of this network.
    """
    W, states = check_states(W_hh, h)
    T = len(states) - 1
    bound = product_bound(step_bounds(W, states))  # (T+1, T+1)
    norms = np.asarray(log_norms, dtype=np.float64)
    if T < 1 or norms.shape != bound.shape:
        raise InvalidInput(
            f"log_norms has the shape {norms.shape} and h {states.shape}; they must be (T+1, T+1) "
            "and (T+1, d'), T at least 1"
        )
    if not (norms <= bound + 1e-6).all():
        t, i = np.argwhere(~(norms <= bound + 1e-6))[0]
        raise InvalidInput(
            f"log_norms[{t}, {i}] is {norms[t, i]:.6g}, not at most its bound {bound[t, i]:.6g}; "
            "give the norms of this W_hh and h"
        )
    s_max = largest_singular_value(W)
    lag, row = np.arange(T), norms[T, :0:-1]  # of i = T..1, (T,)
    lag, row = lag[row > -np.inf], row[row > -np.inf]
    rate = float(np.polyfit(lag, row, 1)[0]) if len(lag) > 1 else None
    longest, log_norm = int(lag[-1]), float(row[-1])
    slope = slopes(states[1:])  # sigma'(a_t), (T, d')
    return Regime(
        s_max=s_max,
        decides=_decides(s_max, len(W)),
        did=_did(rate, log_norm if len(lag) == T else -math.inf),
        T=T,
        rate=rate,
        zeros=T - len(lag),
        longest=longest,
        log_norm=log_norm,
        log_product=float(bound[T, T - longest]),
        log_power=longest * math.log(s_max) if longest else 0.0,
        mean_slope=float(slope.mean()),
        saturated=float((slope < SATURATED).mean()),
    )


def _decides(s_max: float, hidden: int) -> Literal["vanish", "bounded", "open"]:
    if abs(s_max - 1) <= 8 * hidden * np.finfo(np.float64).eps:
        return "bounded"
    return "vanish" if s_max < 1 else "open"


def _did(rate: float | None, log_end: float) -> Literal["vanished", "exploded", "neither"]:
    if log_end == -math.inf or (rate is not None and rate < 0 and log_end < -math.log(10)):
        return "vanished"
    if rate is not None and rate > 0 and log_end > math.log(10):
        return "exploded"
    return "neither"


def _factor(log: float, rounding: float = 1e-9) -> str:
    """Write e^log: as a power of ten if it is far from 1, as 1 + x or 1 - x if it is near."""
    power = log / math.log(10)
    if abs(power) >= 4:
        return f"10^{power:.1f}"
    excess = math.expm1(log)
    if rounding < abs(excess) < 0.005:
        return f"1 {'+' if excess > 0 else '-'} {abs(excess):.2g}"
    return f"{math.exp(log):.3g}"
