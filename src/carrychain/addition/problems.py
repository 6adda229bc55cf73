"""Addition problems: exact integers, drawn as the hand-out draws them or by how hard they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import ceil

import numpy as np

from carrychain.errors import InvalidInput

MAX_DIGITS = 15
"""Operands are drawn through float64 as the hand-out does, which is exact up to this many digits."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Two non-negative integers to add."""

    a: int
    b: int

    @property
    def answer(self) -> int:
        """The exact sum."""
        return self.a + self.b

    def __str__(self) -> str:
        return f"{self.a}+{self.b}"


def draw_pairs(rng: np.random.Generator, low: int, high: int) -> Iterator[Problem]:
    """Draw problems without end, each operand `int(ceil(rng.uniform(low, high)))`, a then b.

    This is the hand-out's rule: operands lie in low+1..high (low itself has probability zero).
    """
    while True:
        a = int(ceil(rng.uniform(low, high)))
        yield Problem(a, int(ceil(rng.uniform(low, high))))


def handout_pairs(seed: int, low: int, high: int, n: int) -> list[Problem]:
    """Return the first n pairs that the hand-out draws from a fresh generator.

    Args:
        seed: seed of `numpy.random.default_rng`.
        low, high: bounds of the operands, 0 <= low <= high.
        n: number of pairs, at least 1.

    Example:
        >>> print(handout_pairs(0, 1_000_000, 9_999_999, 1)[0])
        6732655+3428081
    """
    _check_range(low, high)
    _check_count(n)
    return list(islice(draw_pairs(np.random.default_rng(seed), low, high), n))


def bounds_of_digits(digits: int) -> tuple[int, int]:
    """Return the hand-out's bounds (low, high) for operands of this many digits.

    One digit means 1 to 10, as in the hand-out; d > 1 means 10^(d-1) to 10^d - 1.
    """
    if not 1 <= digits <= MAX_DIGITS:
        raise InvalidInput(f"digits is {digits}; it must be 1 to {MAX_DIGITS}")
    return (1, 10) if digits == 1 else (10 ** (digits - 1), 10**digits - 1)


def pairs_by_carry_chain(
    rng: np.random.Generator, digits: int, chain: int, n: int
) -> list[Problem]:
    """Draw n problems of `digits` digits whose longest carry chain is exactly `chain`.

    Rejection from the uniform distribution over such operands; chains that are rare by chance
    (long ones) are reached by drawing the columns of one chain as carrying ones first.

    Args:
        rng: source of randomness.
        digits: digits of each operand, 1 to 15.
        chain: length of the longest run of carrying columns, 0 to `digits`.
        n: number of problems, at least 1.
    """
    bounds_of_digits(digits)
    _check_count(n)
    if not 0 <= chain <= digits:
        raise InvalidInput(f"the carry chain is {chain}; with {digits} digits it must be 0 to {digits}")
    found: list[Problem] = []
    while len(found) < n:
        problem = _propose(rng, digits, chain)
        if longest_carry_chain(problem.a, problem.b) == chain:
            found.append(problem)
    return found


def _propose(rng: np.random.Generator, digits: int, chain: int) -> Problem:
    """Draw operands whose columns start..start+chain-1 carry and whose neighbours do not."""
    start = int(rng.integers(0, digits - chain + 1))
    a = b = 0
    carry = 0
    for column in range(digits):
        smallest = 1 if column == digits - 1 else 0
        while True:
            x, y = (int(d) for d in rng.integers(smallest, 10, size=2))
            out = x + y + carry >= 10
            inside = start <= column < start + chain
            if (chain == 0 and not out) or (chain > 0 and (out == inside or (not inside and _free(column, start, chain)))):
                break
        a, b, carry = a + x * 10**column, b + y * 10**column, int(out)
    return Problem(a, b)


def _free(column: int, start: int, chain: int) -> bool:
    """Whether a column outside the chain may carry without lengthening it at once."""
    return column not in (start - 1, start + chain)


def carries(a: int, b: int) -> list[bool]:
    """Return, from the right, which columns of a+b carry into the next.

    Example:
        >>> carries(95, 17)
        [True, True]
    """
    out: list[bool] = []
    carry = 0
    while a or b:
        a, x = divmod(a, 10)
        b, y = divmod(b, 10)
        carry = int(x + y + carry >= 10)
        out.append(bool(carry))
    return out


def longest_carry_chain(a: int, b: int) -> int:
    """Return the length of the longest run of adjacent carrying columns in a+b."""
    longest = run = 0
    for carried in carries(a, b):
        run = run + 1 if carried else 0
        longest = max(longest, run)
    return longest


def _check_range(low: int, high: int) -> None:
    if low < 0:
        raise InvalidInput(f"low is {low}; operands are not negative, so it must be at least 0")
    if low > high:
        raise InvalidInput(f"low is {low} and high is {high}; low must not be above high")
    if high >= 10**MAX_DIGITS:
        raise InvalidInput(f"high is {high}; it must be below 10^{MAX_DIGITS}")


def _check_count(n: int) -> None:
    if n < 1:
        raise InvalidInput(f"n is {n}; at least 1 problem is needed")
