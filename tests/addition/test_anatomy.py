"""Every wrong answer is of one kind, the documented one, and the counts add up."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrychain.addition.anatomy import KINDS, Count, dissect, error_kind
from carrychain.addition.problems import Problem

OPERANDS = st.integers(0, 10**8)


@pytest.mark.parametrize(
    ("a", "b", "response", "kind"),
    [
        (6732655, 3428081, None, "unparsed"),
        (6732655, 3428081, 3428081, "copied_operand"),
        (6732655, 3428081, 10160636, "dropped_carry"),
        (6732655, 3428081, 160736, "dropped_carry"),
        (6732655, 3428081, 9150636, "dropped_carry"),
        (99, 1, 90, "dropped_carry"),
        (6732655, 3428081, 10160763, "transposition"),
        (10, 2, 21, "transposition"),
        (60, 41, 11, "transposition"),
        (6732655, 3428081, 1016073, "too_short"),
        (6732655, 3428081, 101607369, "too_long"),
        (6732655, 3428081, 10160739, "one_digit"),
        (6732655, 3428081, 10169739, "other"),
    ],
)
def test_a_wrong_answer_is_of_the_documented_kind(a, b, response, kind):
    assert error_kind(Problem(a, b), response) == kind


def sums_with_carries_dropped(a, b):
    """Add in every way in which column addition can forget the carries that it makes."""
    columns = len(str(max(a, b)))
    found = set()
    for keep in product((False, True), repeat=columns):
        total = carry = 0
        for i in range(columns):
            column = a // 10**i % 10 + b // 10**i % 10 + carry
            total += column % 10 * 10**i
            carry = column // 10 if keep[i] else 0
        found.add(total + carry * 10**columns)
    return found - {a + b}


@given(st.integers(0, 99999), st.integers(0, 99999), st.data())
def test_dropped_carries_are_those_that_column_addition_can_drop(a, b, data):
    dropped = sums_with_carries_dropped(a, b) - {a, b}
    for response in dropped:
        assert error_kind(Problem(a, b), response) == "dropped_carry"
    other = data.draw(st.integers(0, 200_000))
    if other not in dropped | {a + b}:
        assert error_kind(Problem(a, b), other) != "dropped_carry"


@given(st.lists(st.tuples(OPERANDS, OPERANDS, st.none() | st.integers(0, 10**9) | st.just(-1))))
def test_every_answer_is_counted_once_in_each_table(cases):
    problems = [Problem(a, b) for a, b, _ in cases]
    responses = [a + b if r == -1 else r for a, b, r in cases]
    right = sum(p.answer == r for p, r in zip(problems, responses, strict=True))
    anatomy = dissect(problems, responses)
    assert list(anatomy.errors) == list(KINDS)
    assert sum(anatomy.errors.values()) == len(cases) - right
    for table in (anatomy.by_carries, anatomy.by_carry_chain, anatomy.by_extra_digit):
        assert sum(count.n for count in table) == len(cases)
        assert sum(count.correct for count in table) == right
        values = [count.value for count in table]
        assert values == sorted(set(values))


def test_digits_are_compared_from_the_right():
    anatomy = dissect([Problem(900, 99), Problem(5, 4), Problem(5, 4)], [1099, 9, None])
    assert anatomy.by_digit == (Count(0, 3, 2), Count(1, 1, 1), Count(2, 1, 0))


def test_sums_are_split_by_carries_chain_and_extra_digit():
    anatomy = dissect([Problem(95, 17), Problem(909, 191), Problem(11, 11)], [112, 0, 22])
    assert anatomy.by_carries == (Count(0, 1, 1), Count(2, 1, 1), Count(3, 1, 0))
    assert anatomy.by_carry_chain == (Count(0, 1, 1), Count(2, 1, 1), Count(3, 1, 0))
    assert anatomy.by_extra_digit == (Count(0, 1, 1), Count(1, 2, 1))


def test_the_tables_are_plain_json():
    written = dissect([Problem(1, 2)], [3]).as_dict()
    assert written["by_digit"] == [{"value": 0, "n": 1, "correct": 1}]
    assert written["errors"] == dict.fromkeys(KINDS, 0)
