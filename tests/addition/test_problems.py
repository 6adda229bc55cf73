"""Pairs are the hand-out's, chains are exact, and a file of pairs is read or refused clearly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrychain.addition.problems import (
    Problem,
    carries,
    handout_pairs,
    load_pairs,
    longest_carry_chain,
    pairs_by_carry_chain,
)
from carrychain.errors import InvalidInput

SIZES = [(digits, chain) for digits in range(1, 16) for chain in range(digits + 1)]


def test_the_first_pair_of_seed_0_is_the_hand_outs(recorded_runs):
    recorded = [(row["a"], row["b"]) for row in recorded_runs["A-12"]["rows"]]
    assert recorded[0] == (6732655, 3428081)
    drawn = handout_pairs(0, 1_000_000, 9_999_999, 10)
    assert [(p.a, p.b) for p in drawn] == recorded


def test_pairs_are_the_rule_of_the_hand_out_in_float64():
    rng = np.random.default_rng(5)
    expected = [int(np.ceil(rng.uniform(1, 10))) for _ in range(40)]
    assert [x for p in handout_pairs(5, 1, 10, 20) for x in (p.a, p.b)] == expected


def test_a_negative_seed_or_an_empty_range_is_refused():
    with pytest.raises(InvalidInput, match="seed is -1"):
        handout_pairs(-1, 1, 10, 3)
    with pytest.raises(InvalidInput, match="low must not be above high"):
        handout_pairs(0, 10, 1, 3)


@pytest.mark.parametrize(("digits", "chain"), SIZES)
def test_the_longest_chain_and_the_digits_are_exactly_as_asked(digits, chain):
    problems = pairs_by_carry_chain(np.random.default_rng(0), digits, chain, 30)
    assert len(problems) == 30
    for p in problems:
        assert longest_carry_chain(p.a, p.b) == chain
        assert len(str(p.a)) == len(str(p.b)) == digits


@pytest.mark.parametrize("chain", [0, 1, 2])
def test_pairs_of_a_chain_are_uniform_over_all_such_pairs(chain):
    everything = [
        (a, b) for a in range(10, 100) for b in range(10, 100) if longest_carry_chain(a, b) == chain
    ]
    n = 20 * len(everything)
    drawn = pairs_by_carry_chain(np.random.default_rng(1), 2, chain, n)
    counts = dict.fromkeys(everything, 0)
    for p in drawn:
        counts[p.a, p.b] += 1
    chi_squared = sum((count - 20) ** 2 / 20 for count in counts.values())
    k = len(everything) - 1
    assert abs(chi_squared - k) < 5 * (2 * k) ** 0.5


def test_a_chain_longer_than_the_operands_is_refused():
    with pytest.raises(InvalidInput, match="0 to 3"):
        pairs_by_carry_chain(np.random.default_rng(0), 3, 4, 1)


@given(st.integers(0, 10**20), st.integers(0, 10**20))
def test_a_column_carries_if_the_digits_up_to_it_reach_its_power_of_ten(a, b):
    for i, carried in enumerate(carries(a, b)):
        power = 10 ** (i + 1)
        assert carried == (a % power + b % power >= power)


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n30,40\n",
        "a,b\n1,2\n30,40",
        "A, B\r\n1, 2\r\n30 ,40\r\n",
        "\ufeff1 2\n\n# a comment\n30\t40  # another\n",
    ],
)
def test_pairs_are_read_from_csv_or_columns(text):
    assert load_pairs(text) == [Problem(1, 2), Problem(30, 40)]


def test_listed_operands_may_be_of_any_size():
    (problem,) = load_pairs(f"{10**31},{10**3999}")
    assert problem == Problem(10**31, 10**3999)
    with pytest.raises(InvalidInput, match="4,001 digits"):
        load_pairs("1," + "9" * 4001)


@pytest.mark.parametrize(
    "line",
    ["1", "1,2,3", "-1,2", "1.5,2", "1,two", "1_0,2", "1;2", "1e3,2", "a,b", "1+2", "٣,4"],
)
def test_a_row_that_is_no_pair_is_named_with_its_line(line):
    with pytest.raises(InvalidInput) as error:
        load_pairs(f"# pairs\n5,6\n{line}\n")
    assert "line 3" in str(error.value)
    assert line in str(error.value)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "a,b\n"])
def test_a_file_without_pairs_is_refused(text):
    with pytest.raises(InvalidInput, match="no pair"):
        load_pairs(text)
