"""How a model's tokenizer cuts numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean

from carrychain.addition.problems import Problem
from carrychain.engines.base import Engine

MOST_COUNTED = 20
"""Numbers that are looked at: a server is asked about each."""


def operands(problems: Sequence[Problem]) -> list[int]:
    """Return the first operands, at most `MOST_COUNTED`."""
    return [x for p in problems for x in (p.a, p.b)][:MOST_COUNTED]


def sums(problems: Sequence[Problem]) -> list[int]:
    """Return the first sums, at most `MOST_COUNTED`."""
    return [p.answer for p in problems][:MOST_COUNTED]


def token_counts(engine: Engine, numbers: Iterable[int]) -> list[int] | None:
    """Return how many tokens each number takes after a plus sign, None where it can't be told.

    What a tokenizer puts in front of every text is in both counts and so in neither figure.
    """
    before = engine.count_tokens("1+")
    if before is None:
        return None
    counts = [engine.count_tokens(f"1+{number}") for number in numbers]
    known = [count - before for count in counts if count is not None]
    return known if len(known) == len(counts) else None


def tokens_a_number(engine: Engine, numbers: Iterable[int]) -> float | None:
    """Return the mean number of tokens of a number, None where it can't be told."""
    counts = token_counts(engine, numbers)
    return None if counts is None else mean(counts)


def count_text(value: float | None) -> str:
    """Write a mean number of tokens: 7, 2.4 or –."""
    return "–" if value is None else f"{value:.3g}"
