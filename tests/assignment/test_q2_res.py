"""What Q2c says of res, against exact arithmetic and the figures that the notebook printed."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from carrychain.addition.scoring import res
from carrychain.assignment.q2.res import Scored, absurd, absurd_sentence, range_table, turned
from carrychain.assignment.recorded import RUNS

SCALES = (5e6, 1e4)


def exact(acc: Fraction, length: int, mae: Fraction, scale: int) -> float:
    return float(acc / length * (1 - mae / scale))


@pytest.mark.parametrize("scale", [5_000_000, 10_000])
@pytest.mark.parametrize("mae", [0, 1, 5_000, 10_000, 7_500_000, 10**31])
@pytest.mark.parametrize("length", [1, 28, 79])
def test_res_is_what_fractions_give(scale, mae, length):
    got = Scored("x", 0.25, float(mae), length).res(scale)
    assert got == pytest.approx(exact(Fraction(1, 4), length, Fraction(mae), scale), rel=1e-12)


def test_res_of_the_recorded_runs_is_what_the_notebook_printed():
    path = Path(__file__).parents[1] / "data" / "recorded_runs.json"
    printed = {r["id"]: r["reported"]["res"] for r in json.loads(path.read_text())["runs"]}
    for run in RUNS:
        got = Scored(run.id, run.acc, run.mae, run.prompt_length).res(1e4)
        assert got == pytest.approx(printed[run.id], rel=1e-12)


@pytest.mark.parametrize("scale", SCALES)
def test_no_prompt_has_a_higher_res_than_one_over_its_length_and_none_is_the_lowest(scale):
    assert Scored("x", 1.0, 0.0, 50).res(scale) == 1 / 50
    lower = [Scored("x", 0.01, 10.0**power, 50).res(scale) for power in range(8, 300, 20)]
    assert lower == sorted(lower, reverse=True)
    assert lower[-1] < -1e200


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("mae", [0.5, 1e7, 1e31, float("inf")])
def test_at_accuracy_0_res_is_0_whatever_the_error(scale, mae):
    assert Scored("x", 0.0, mae, 50).res(scale) == 0


@pytest.mark.parametrize("scale", SCALES)
def test_the_same_answers_to_a_prompt_twice_as_long_have_half_the_res(scale):
    for mae in (100.0, 9e6):
        scored = Scored("x", 0.5, mae, 50)
        assert scored.res(scale, times=2) == scored.res(scale) / 2


def test_an_empty_prompt_has_no_res():
    assert res(1.0, 0.0, 0) is None


def test_of_absurd_pairs_the_one_that_differs_most_in_accuracy_is_found():
    good, middling = Scored("good", 0.9, 6e6, 50), Scored("middling", 0.5, 6e6, 50)
    bad = Scored("bad", 0.0, 9e9, 50)
    assert absurd([bad, middling, good], 5e6) == (good, bad)


def test_a_ranking_that_follows_accuracy_or_error_is_not_called_absurd():
    good, bad = Scored("good", 0.9, 100.0, 50), Scored("bad", 0.1, 1e6, 50)
    assert absurd([good, bad], 5e6) is None
    accurate_with_larger_errors = Scored("wild", 0.5, 1e9, 50)
    assert absurd([bad, accurate_with_larger_errors], 5e6) is None
    assert absurd([good, good], 5e6) is None


def test_where_nothing_is_ranked_absurdly_the_sentence_says_so():
    good, bad = Scored("good", 0.9, 100.0, 50), Scored("bad", 0.1, 1e6, 50)
    sentence = absurd_sentence([good, bad], [good], 5e6)
    assert "no measured setting" in sentence
    assert "no recorded one" in sentence


def test_the_sign_turns_where_the_error_exceeds_the_scale():
    at, above = Scored("at", 0.5, 5e6, 50), Scored("above", 0.5, 5e6 + 1, 50)
    assert turned([at], 5e6) is None
    assert turned([at, above], 5e6) == above
    assert above.res(5e6, times=2) > above.res(5e6)


def test_the_made_up_cases_of_the_table_have_the_res_of_hand_arithmetic():
    table = range_table(Scored("best", 0.5, 0.0, 40))
    cells = {row[0]: row[-2:] for row in table.rows}
    by_start = {name.removeprefix("made up: ")[:12]: value for name, value in cells.items()}
    assert by_start["none right, "] == ("0", "0")
    # 99 of 100 right and one error of 10^31 - 10^7: .99 / 100 * (1 - 10^29 / scale)
    assert by_start["99 right, on"] == ("−2.0·10²⁰", "−9.9·10²²")
    assert cells["best"] == ("0.0125", "0.0125")
    assert cells["the same answers, prompt twice as long: best"] == ("0.00625", "0.00625")
