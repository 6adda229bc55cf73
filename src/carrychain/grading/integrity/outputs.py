"""Outputs as a model might have written them: wrong numbers, repeated problems, two candidates."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from carrychain.addition.problems import Problem
from carrychain.grading.integrity.digits import Digits, digits_of, random_number, read
from carrychain.grading.integrity.origins import Origin

FAR = 0.2
"""A number is far from another one if it is off by more than this share."""


@dataclass(frozen=True, slots=True)
class Echo:
    """A problem as it may be repeated in an output: as numbers, and as pre-processing wrote it."""

    problem: Problem
    rendered: str
    prefix: str
    suffix: str

    def written(self, form: int) -> str:
        """Return it in one of the forms that models use."""
        a, b = self.problem.a, self.problem.b
        forms = (
            f"{self.prefix}{self.rendered}{self.suffix}",
            f"{a}+{b}=",
            f"Question: What is {a}+{b}?\nAnswer: ",
            f"{self.rendered} = ",
            f"The sum of {a} and {b} is ",
            f"{a} + {b} = ",
            f"{a}\n{b}\n",
            f"{a:,} + {b:,} = ",
            f"a = {a}, b = {b}\nAnswer: ",
            f"{a} plus {b} equals ",
        )
        return forms[form % len(forms)]


def wrong_numbers(right: int, seen: int, rng: random.Random) -> list[int]:
    """Return numbers as long as the right one and wrong as a model is, nearest first.

    Args:
        right: the sum.
        seen: the number in its place now, not to be returned.
        rng: draws them.
    """
    digits = digits_of(right)
    n = len(digits)
    first = 1 if n == 8 else 0  # the eighth digit of a sum is 1
    column = rng.randrange(first, n)
    swap = rng.randrange(first, n - 1) if n > 1 else 0
    two = rng.sample(range(first, n), min(2, n - first))
    candidates = [
        right - rng.choice((1, 2, 3)),
        right + 10 ** rng.randrange(n - first),
        right - 10 ** rng.randrange(n - first),
        _with_other_digits(digits, [column], rng),
        _with_other_digits(digits, [n - 1], rng),
        _with_other_digits(digits, two, rng),
        int(digits[:swap] + digits[swap : swap + 2][::-1] + digits[swap + 2 :]),
        int(digits[0] + "".join(rng.choice("0123456789") for _ in digits[1:])),
        rng.randrange(10**7, 2 * 10**7) if first else random_number(rng, n),
        right,
    ]
    return [w for w in dict.fromkeys(candidates) if w != seen and len(digits_of(w)) == n and w > 0]


def _with_other_digits(digits: str, places: list[int], rng: random.Random) -> int:
    new = list(digits)
    for place in places:
        lowest = 1 if place == 0 else 0
        new[place] = rng.choice([str(d) for d in range(lowest, 10) if str(d) != digits[place]])
    return int("".join(new))


def places_of_operand(output: Digits, operand: int, taken: frozenset[int]) -> list[tuple[int, ...]]:
    """Return where an operand is repeated in an output, apart from places that are taken."""
    digits = digits_of(operand)
    if len(digits) < 4:
        return []
    return [
        run for run in output.runs_of(digits) if taken.isdisjoint(run) and output.is_one_number(run)
    ]


def with_operands(
    output: Digits, old: Problem, new: Problem, taken: frozenset[int]
) -> dict[int, int]:
    """Return the digits that put other operands in place of those that an output repeats."""
    first, second = (places_of_operand(output, each, taken) for each in (old.a, old.b))
    if old.a == old.b:  # they take turns
        first, second = first[::2], first[1::2]
    return {
        place: int(digit)
        for runs, becomes in ((first, new.a), (second, new.b))
        for run in runs
        for place, digit in zip(run, digits_of(becomes), strict=True)
    }


def other_operands(problem: Problem, rng: random.Random) -> Problem:
    """Return operands as long as a problem's, and equal where its own are."""
    a, b = (random_number(rng, len(digits_of(operand))) for operand in (problem.a, problem.b))
    return Problem(a, a if problem.a == problem.b else b)


def operands_of_sum(total: int, like: Problem, rng: random.Random) -> Problem | None:
    """Return operands as long as those of a problem whose sum is a given one."""
    m, n = len(digits_of(like.a)), len(digits_of(like.b))
    low = max(10 ** (m - 1), total - 10**n + 1)
    high = min(10**m - 1, total - 10 ** (n - 1))
    if low > high:
        return None
    a = rng.randint(low, high)
    return Problem(a, total - a)


def two_candidates(length: int, near: bool, rng: random.Random) -> tuple[int, int]:
    """Return two numbers of a length that differ in last digit, parity and remainders.

    Args:
        length: digits, at least 2.
        near: whether they differ in one digit, or by a good share.
        rng: draws them.
    """
    low = 10 ** (length - 1)
    while True:
        first = rng.randrange(low, 2 * low) if length == 8 else random_number(rng, length)
        second = rng.randrange(low, 2 * low) if length == 8 else random_number(rng, length)
        if near:
            step = rng.choice((1, 3, 7))
            second = first + rng.choice((-1, 1)) * step
        difference = abs(first - second)
        apart = near or difference > FAR * max(first, second)
        if (
            apart
            and len(digits_of(second)) == length
            and all(difference % modulus for modulus in (2, 9, 10, 11))
        ):
            return first, second


def two_lengths(like: Problem, rng: random.Random) -> tuple[int, int]:
    """Return two numbers that may be sums of operands as long, the second with a digit more."""
    low = 10 ** max(len(digits_of(like.a)), len(digits_of(like.b)))
    return rng.randrange(low // 3, low), rng.randrange(low, low + low // 2)


def is_far(text: str, number: int) -> bool:
    """Whether no number in a text is anywhere near this one."""
    return all(abs(value - number) > FAR * number for value in read(text).values)


def put(output: Digits, origin: Origin | None, number: int, but_not: int | None = None) -> str:
    """Return the output with a number in the answer's place, where it has one as long.

    Args:
        output: the output.
        origin: the answer's place.
        number: what to write there; digits whose place is not certain stay.
        but_not: a number not to be written.
    """
    if origin is None or len(digits_of(number)) != len(origin.places):
        return output.text
    fitted = origin.fitted(number)
    return output.text if fitted == but_not else output.changed(origin.written(fitted))


def two_numbers(output: Digits, problem: Problem) -> tuple[range, range] | None:
    """Return the first two numbers of an output, other than its operands, as long as its sum."""
    operands = {digits_of(problem.a), digits_of(problem.b)}
    found = [
        run
        for run in output.numbers
        if len(run) == len(digits_of(problem.answer))
        and output.stream[run.start : run.stop] not in operands
    ]
    return (found[0], found[1]) if len(found) > 1 else None


def rewritten(output: Digits, numbers: Mapping[range, int]) -> str:
    """Return the text with other numbers, of any length, in place of some of its own."""
    text = output.text
    for run in sorted(numbers, key=lambda run: run.start, reverse=True):
        start, end = output.spans[run.start][0], output.spans[run.stop - 1][1]
        text = f"{text[:start]}{numbers[run]}{text[end:]}"
    return text
