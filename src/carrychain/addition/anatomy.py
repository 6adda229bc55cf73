"""Where sums go wrong: by digit, by carries, by length, and by kind of error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

from carrychain.addition.problems import Problem, carries, longest_carry_chain
from carrychain.io import Json, jsonable

KINDS = {
    "unparsed": "no number could be read",
    "copied_operand": "the answer is one of the operands",
    "dropped_carry": "the answer is the sum with one or more carries forgotten",
    "transposition": "two adjacent digits of the sum are swapped",
    "too_short": "fewer digits than the sum",
    "too_long": "more digits than the sum",
    "one_digit": "one digit is wrong",
    "other": "as long as the sum, with several digits wrong",
}
"""Kinds of wrong answers. A wrong answer is of the first kind, in this order, that fits."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many of `n` cases that share `value` are right."""

    value: int
    n: int
    correct: int


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Counts of right and wrong, each list in ascending order of `value`.

    Args:
        by_digit: value is the digit's place in the sum from the right, 0 for the ones; a digit is
            right if the response has it there, whatever the other digits are.
        by_carries: value is the number of columns that carry.
        by_carry_chain: value is the longest run of adjacent columns that carry.
        by_extra_digit: value is 1 where the sum has a digit more than the longer operand, else 0.
        errors: wrong answers of each kind in `KINDS`.
    """

    by_digit: tuple[Count, ...]
    by_carries: tuple[Count, ...]
    by_carry_chain: tuple[Count, ...]
    by_extra_digit: tuple[Count, ...]
    errors: dict[str, int]

    def as_dict(self) -> dict[str, Json]:
        """Return the counts for JSON."""
        return {name: jsonable(value) for name, value in asdict(self).items()}


def dissect(problems: Sequence[Problem], responses: Sequence[int | None]) -> Anatomy:
    """Count what is right and wrong; `responses` has one number, or None, a problem.

    Example:
        >>> dissect([Problem(95, 17)], [102]).errors["dropped_carry"]
        1
    """
    answered = list(zip(problems, responses, strict=True))
    wrong = Counter(error_kind(p, r) for p, r in answered if r != p.answer)

    def by(measure: Callable[[Problem], int]) -> tuple[Count, ...]:
        return _counts((measure(p), r == p.answer) for p, r in answered)

    return Anatomy(
        by_digit=_counts(digit for p, r in answered for digit in _digits(p.answer, r)),
        by_carries=by(lambda p: sum(carries(p.a, p.b))),
        by_carry_chain=by(lambda p: longest_carry_chain(p.a, p.b)),
        by_extra_digit=by(lambda p: len(str(p.answer)) - len(str(max(p.a, p.b)))),
        errors={kind: wrong[kind] for kind in KINDS},
    )


def error_kind(problem: Problem, response: int | None) -> str:
    """Return which of `KINDS` a wrong response is.

    Example:
        >>> error_kind(Problem(6732655, 3428081), 10150736)
        'dropped_carry'
    """
    if response is None:
        return "unparsed"
    if response in (problem.a, problem.b):
        return "copied_operand"
    if _drops_carries(problem.a, problem.b, response):
        return "dropped_carry"
    right, given = str(problem.answer), str(response)
    if _is_transposition(right, given.zfill(len(right))):
        return "transposition"
    if len(given) != len(right):
        return "too_short" if len(given) < len(right) else "too_long"
    differing = sum(x != y for x, y in zip(right, given, strict=True))
    return "one_digit" if differing == 1 else "other"


def marked(answer: int, response: int) -> tuple[str, list[bool]]:
    """Return the response's digits and which of them differ from the answer's, aligned at the ones.

    Example:
        >>> marked(10160736, 10155336)
        ('10155336', [False, False, False, True, True, True, False, False])
    """
    digits = str(response)
    expected = str(answer).rjust(len(digits))
    return digits, [d != e for d, e in zip(digits, expected[-len(digits) :], strict=True)]


def _counts(cases: Iterable[tuple[int, bool]]) -> tuple[Count, ...]:
    all_cases: Counter[int] = Counter()
    right: Counter[int] = Counter()
    for value, correct in cases:
        all_cases[value] += 1
        right[value] += correct
    return tuple(Count(value, all_cases[value], right[value]) for value in sorted(all_cases))


def _digits(answer: int, response: int | None) -> Iterable[tuple[int, bool]]:
    """Yield the place of each digit of the answer, from the right, and whether it is right."""
    given = "" if response is None else str(response)[::-1]
    return ((i, given[i : i + 1] == digit) for i, digit in enumerate(reversed(str(answer))))


def _drops_carries(a: int, b: int, response: int) -> bool:
    """Whether column addition gives the response if it may forget any carry that it makes.

    From the right, the carries with which the digits so far can have been written: to forget one
    may mean that the next column makes none, which no list of single carries would show.
    """
    carry_in = {0}
    while a or b:
        a, x = divmod(a, 10)
        b, y = divmod(b, 10)
        response, digit = divmod(response, 10)
        written = [x + y + carry for carry in carry_in if (x + y + carry) % 10 == digit]
        carry_in = {carry for column in written for carry in (0, column // 10)}
        if not carry_in:
            return False
    return response in carry_in


def _is_transposition(right: str, given: str) -> bool:
    if len(right) != len(given):
        return False
    places = [i for i, (x, y) in enumerate(zip(right, given, strict=True)) if x != y]
    return (
        len(places) == 2
        and places[1] == places[0] + 1
        and right[places[0]] == given[places[1]]
        and right[places[1]] == given[places[0]]
    )
