"""Addition problems: exact integers, drawn as the hand-out draws them or by how hard they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from math import ceil

import numpy as np

from carrychain.errors import InvalidInput

MAX_DIGITS = 15
"""Operands are drawn through float64, as the hand-out does: exact up to this many digits."""
MAX_LISTED_DIGITS = 4000
"""Python turns integers of up to 4,300 digits into text; a sum has to stay below."""


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


PROBES = tuple(
    Problem(a, b)
    for a, b in (
        (0, 0),
        (1, 98),
        (27, 3),
        (345, 61_204),
        (4_096, 517_329),
        (58_123, 7),
        (690_817, 40_265),
        (7_531_902, 8_264_075),
        (81_640_377, 2_905),
        (9_876_543_210, 123_456_789_012_345),
    )
)
"""Fixed problems, as unlike as operands can be: what prompts for all of them begin with, no problem
changes."""


def draw_pairs(rng: np.random.Generator, low: int, high: int) -> Iterator[Problem]:
    """Draw problems without end, each operand `int(ceil(rng.uniform(low, high)))`, a then b.

    This is the hand-out's rule: operands lie in low+1..high (low itself has probability zero).
    """
    while True:
        a = ceil(rng.uniform(low, high))
        yield Problem(a, ceil(rng.uniform(low, high)))


def handout_pairs(seed: int, low: int, high: int, n: int) -> list[Problem]:
    """Return the first n pairs that the hand-out draws from a fresh generator.

    Args:
        seed: seed of `numpy.random.default_rng`, at least 0.
        low, high: bounds of the operands, 0 <= low <= high.
        n: number of pairs, at least 1.

    Example:
        >>> print(handout_pairs(0, 1_000_000, 9_999_999, 1)[0])
        6732655+3428081
    """
    if seed < 0:
        raise InvalidInput(f"seed is {seed}; it must be at least 0")
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
    """Draw n problems of `digits` digits, uniform over those whose longest carry chain is `chain`.

    Columns are drawn from the right; how likely a column carries is the share of all completions
    that keep the longest chain at `chain`, counted exactly, so nothing is drawn in vain.

    Args:
        rng: source of randomness.
        digits: digits of each operand, 1 to 15; the leading one is not 0.
        chain: length of the longest run of carrying columns, 0 to `digits`.
        n: number of problems, at least 1.
    """
    bounds_of_digits(digits)
    _check_count(n)
    if not 0 <= chain <= digits:
        raise InvalidInput(
            f"the carry chain is {chain}; with {digits} digits it must be 0 to {digits}"
        )
    return [_draw_with_chain(rng, digits, chain) for _ in range(n)]


def _draw_with_chain(rng: np.random.Generator, digits: int, chain: int) -> Problem:
    a = b = run = longest = 0
    for column in range(digits):
        leading = column == digits - 1
        left = digits - column - 1
        pairs = [_columns(leading, run > 0, carried) for carried in (False, True)]
        ways = [
            len(pairs[0]) * _completions(left, 0, longest, chain),
            len(pairs[1]) * _completions(left, run + 1, max(longest, run + 1), chain),
        ]
        carried = bool(rng.random() < ways[1] / sum(ways))
        x, y = pairs[carried][int(rng.integers(len(pairs[carried])))]
        a, b = a + x * 10**column, b + y * 10**column
        run = run + 1 if carried else 0
        longest = max(longest, run)
    return Problem(a, b)


@cache
def _columns(leading: bool, carry: bool, carried: bool) -> list[tuple[int, int]]:
    """Return the digit pairs of a column that carries, or not, given the carry into it."""
    digits = range(1 if leading else 0, 10)
    return [(x, y) for x in digits for y in digits if (x + y + carry >= 10) == carried]


@cache
def _completions(left: int, run: int, longest: int, chain: int) -> int:
    """Count the ways to fill the `left` leftmost columns so that the longest run is `chain`."""
    if longest > chain:
        return 0
    if left == 0:
        return int(longest == chain)
    quiet, carrying = (len(_columns(left == 1, run > 0, carried)) for carried in (False, True))
    return quiet * _completions(left - 1, 0, longest, chain) + carrying * _completions(
        left - 1, run + 1, max(longest, run + 1), chain
    )


def load_pairs(text: str) -> list[Problem]:
    r"""Read a file of problems: `a,b` a line, parted by a comma or blanks.

    Blank lines, what follows a `#` and a first line `a,b` are passed over. Operands may have up to
    4,000 digits.

    Raises:
        InvalidInput: a line holds anything else, named with its number; or there is no pair.

    Example:
        >>> load_pairs("a,b\n6732655,3428081\n12 7  # both ways\n")
        [Problem(a=6732655, b=3428081), Problem(a=12, b=7)]
    """
    problems: list[Problem] = []
    header_may_come = True
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        if header_may_come and re.fullmatch(r"a\s*[,\s]\s*b", content, re.IGNORECASE):
            header_may_come = False
            continue
        header_may_come = False
        pair = re.fullmatch(r"([0-9]+)(?:\s*,\s*|\s+)([0-9]+)", content)
        if pair is None:
            shown = content if len(content) <= 40 else content[:39] + "…"
            raise InvalidInput(
                f"line {number} of the pairs is {shown!r}; "
                "it must be two whole numbers, not negative, as in 12,34"
            )
        if max(len(pair[1]), len(pair[2])) > MAX_LISTED_DIGITS:
            raise InvalidInput(
                f"line {number} of the pairs has an operand of "
                f"{max(len(pair[1]), len(pair[2])):,} digits; up to {MAX_LISTED_DIGITS:,} are read"
            )
        problems.append(Problem(int(pair[1]), int(pair[2])))
    if not problems:
        raise InvalidInput("the file of pairs holds no pair; write one a line, as in 12,34")
    return problems


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
