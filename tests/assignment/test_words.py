"""Numbers in words: what may be claimed, and how it is written."""

from __future__ import annotations

from typing import Any

import pytest

from carrychain.addition.comparison import Comparison
from carrychain.assignment.words import (
    direction,
    join,
    large,
    p_value,
    paired,
    paired_error,
    quoted,
    response,
    share,
    signed,
)


def comparison(**changes: Any) -> Comparison:
    usual: dict[str, Any] = {
        "n_pairs": 100,
        "acc_a": 0.4,
        "acc_b": 0.6,
        "acc_difference": 0.2,
        "acc_difference_ci": (0.1, 0.3),
        "mcnemar_p": 0.001,
        "only_a": 5,
        "only_b": 25,
        "mae_a": 10.0,
        "mae_b": 20.0,
        "mae_difference": 10.0,
        "mae_difference_ci": (5.0, 15.0),
    }
    return Comparison(**usual | changes)


def test_a_difference_is_claimed_where_interval_and_test_bear_it():
    assert paired(comparison(), a="zero-shot", b="few-shot") == (
        "Few-shot is right more often than zero-shot: .60 against .40 "
        "(difference +.20, 95% interval +.10 to +.30, McNemar p = .001)."
    )


@pytest.mark.parametrize(
    "changes", [{"acc_difference_ci": (-0.01, 0.4)}, {"mcnemar_p": 0.05}, {"mcnemar_p": 1.0}]
)
def test_no_difference_is_claimed_where_interval_or_test_does_not_bear_it(changes):
    assert direction(comparison(**changes)) == 0
    sentence = paired(comparison(**changes), a="A", b="B")
    assert sentence.startswith("No difference between A and B can be told at n = 100")


def test_several_runs_have_no_test_and_go_by_the_interval():
    assert direction(comparison(mcnemar_p=None)) == 1
    assert "McNemar" not in paired(comparison(mcnemar_p=None), a="A", b="B")


def test_equal_answers_get_no_interval_of_width_0():
    same = comparison(only_a=0, only_b=0, acc_b=0.4, acc_difference=0.0, acc_difference_ci=(0, 0))
    assert "interval" not in paired(same, a="A", b="B")
    assert "right on the same problems" in paired(same, a="A", b="B")


def test_errors_too_large_for_an_interval_are_not_compared():
    assert "too large for an interval" in paired_error(
        comparison(mae_difference_ci=None), a="A", b="B"
    )
    assert "is larger than" in paired_error(comparison(), a="A", b="B")
    assert paired_error(comparison(mae_difference_ci=(-1.0, 2.0)), a="A", b="B").startswith(
        "No difference"
    )


def test_shares_are_written_with_wilsons_interval():
    assert share(24, 30) == ".80 (.63 to .90)"
    assert share(0, 10) == ".00 (.00 to .28)"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (999_999_999_999, "999,999,999,999"),
        (10**12, "1.0·10¹²"),
        (1.7535181104765195e29, "1.8·10²⁹"),
        (-2.7833620801214594e22, "−2.8·10²²"),
        (9.96e20, "1.0·10²¹"),
        (10**400, "1.0·10⁴⁰⁰"),
        (float("inf"), "beyond 10³⁰⁸"),
        (float("-inf"), "below −10³⁰⁸"),
        (None, "–"),
    ],
)
def test_magnitudes_of_any_size_are_readable(value, text):
    assert large(value) == text


def test_differences_carry_their_sign_and_zero_none():
    assert [signed(x) for x in (0.2, -0.2, 0.0, 1.0)] == ["+.20", "−.20", "0", "+1.00"]


def test_a_small_p_is_not_written_as_0():
    assert p_value(0.0004) == "< .001"
    assert p_value(0.04) == "= .040"


def test_lists_and_outputs_are_written_on_one_line():
    assert [join(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
    assert quoted("1\n2") == "“1↵2”"
    assert quoted("x" * 61) == f"“{'x' * 60}…”"
    assert response(10**30) == "10000000000… (31 digits)"
