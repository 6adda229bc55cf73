"""Each way to read a number does what its name says, on any text, without an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrychain.addition.extraction import EXTRACTIONS, extractor
from carrychain.errors import InvalidInput

NAMES = [*EXTRACTIONS, "after:Answer:"]


@pytest.mark.parametrize(
    ("name", "output", "number"),
    [
        ("first-integer", "10160736\nQuestion: What is 3+4?", 10160736),
        ("first-integer", "Answer: 007", 7),
        ("first-integer", "10,160,736", 10),
        ("first-integer", "-12", 12),
        ("last-integer", "5+1+0=6\nAnswer: 10160736.", 10160736),
        ("first-line", "\n \n10,160,736\n3+4", 10160736),
        ("first-line", "none here\n12", None),
        ("all-digits", "1 2\n3", 123),
        ("separated", "It is 10,160,736.", 10160736),
        ("separated", "1 0 1 6 0 7 3 6\n5", 10160736),
        ("separated", "10_160_736", 10160736),
        ("separated", "12, 13", 12),
        ("separated", "1  2", 1),
        ("reversed", "63706101", 10160736),
        ("reversed", "Reversed: 6 3 7 0 6 1 0 1\n9", 10160736),
        ("reversed", "021", 120),
        ("after:Answer:", "6+1=7\nAnswer: 10160736\nAnswer: 5", 10160736),
        ("after:Answer:", "6+1=7", None),
        ("after:=", "6+1=7", 7),
        ("after:a:b", "1 a:b 2", 2),
    ],
)
def test_the_number_is_read(name, output, number):
    assert extractor(name)(output) == number


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("output", ["", "no number", " \n\n", "½²③", "-", ",", "Answer:"])
def test_an_output_without_digits_is_unparsed(name, output):
    assert extractor(name)(output) is None


@pytest.mark.parametrize("name", EXTRACTIONS)
def test_full_width_and_other_decimal_digits_count(name):
    for one, two in (("\uff11", "\uff12"), ("\u0661", "\u0662")):
        assert extractor(name)(two + one if name == "reversed" else one + two) == 12


@pytest.mark.parametrize("name", NAMES)
@given(st.text())
def test_no_text_raises_and_no_number_is_negative(name, output):
    number = extractor(name)(output)
    assert number is None or number >= 0


@pytest.mark.parametrize("name", NAMES)
@given(st.integers(0, 10**40))
def test_a_number_alone_is_read_exactly_beyond_every_float(name, number):
    written = str(number)[::-1] if name == "reversed" else str(number)
    assert extractor(name)("Answer:" * name.startswith("after") + written) == number


@pytest.mark.parametrize("name", NAMES)
def test_a_number_that_python_does_not_turn_into_text_is_unparsed(name):
    answer = "Answer:" * name.startswith("after")
    assert extractor(name)(answer + "9" * 4300) == 10**4300 - 1
    assert extractor(name)(answer + "9" * 4301) is None


def test_all_digits_reads_what_the_notebook_read(recorded_runs):
    row = recorded_runs["A-49"]["rows"][0]
    assert row["response"] > 10**31
    spaced_out = "x".join(str(row["response"]))
    assert extractor("all-digits")(spaced_out) == row["response"]


@pytest.mark.parametrize(("name", "near"), [("first-int", "first-integer"), ("After:", "after:")])
def test_an_unknown_name_is_answered_with_the_nearest(name, near):
    with pytest.raises(InvalidInput, match=near):
        extractor(name)


def test_after_needs_a_text():
    with pytest.raises(InvalidInput, match="after: needs the text"):
        extractor("after:")
