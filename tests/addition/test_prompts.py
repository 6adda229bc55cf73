"""Prompts render and count as the hand-out's do, and every shipped example is right."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carrychain.addition.extraction import extractor
from carrychain.addition.prompts import (
    PRE_PROCESSING,
    SHIPPED,
    Prompt,
    column_steps,
    pre_processor,
    shipped,
    unescape,
)
from carrychain.engines.base import SamplingParams
from carrychain.errors import InvalidInput


def test_the_model_sees_prefix_problem_suffix():
    prompt = Prompt("Question: What is ", "?\nAnswer: ")
    assert prompt.render("6732655+3428081") == "Question: What is 6732655+3428081?\nAnswer: "


@given(st.text(), st.text())
def test_a_template_gives_back_what_stands_around_the_problem(prefix, suffix):
    if "{problem}" in prefix + suffix or (prefix + "{problem}" + suffix).count("{problem}") != 1:
        return
    prompt = Prompt.from_template(prefix + "{problem}" + suffix)
    assert (prompt.prefix, prompt.suffix) == (prefix, suffix)
    assert prompt.length == len(prefix) + len(suffix)


@pytest.mark.parametrize(
    ("text", "said"), [("no place", "not in it"), ("{problem} {problem}", "2 times")]
)
def test_a_template_needs_the_problem_once(text, said):
    with pytest.raises(InvalidInput, match=said):
        Prompt.from_template(text)


def test_a_line_break_typed_as_two_characters_becomes_one():
    typed = r"?\nAnswer:\t"
    assert unescape(typed) == "?\nAnswer:\t"
    assert len(unescape(r"?\nAnswer: ")) + len("Question: What is ") == 28


def test_prompt_lengths_are_the_recorded_ones(recorded_runs):
    one_shot = recorded_runs["A-44"]
    assert shipped("one-shot-7-digit").prompt == Prompt(one_shot["prefix"], one_shot["suffix"])
    assert shipped("one-shot-7-digit").prompt.length == one_shot["reported"]["prompt_length"]
    zero_shot = recorded_runs["A-12"]
    typed = Prompt(zero_shot["prefix"], zero_shot["suffix"])
    assert typed.length == zero_shot["reported"]["prompt_length"] == 29
    assert shipped("zero-shot").prompt == Prompt(typed.prefix, unescape(typed.suffix))


@pytest.mark.parametrize("name", ["zero-shot", "one-shot-1-digit", "one-shot-7-digit", "few-shot"])
def test_the_hand_outs_own_prompts_carry_no_settings(name):
    entry = shipped(name)
    assert entry.sampling == {}
    assert entry.extract == "first-integer"
    assert entry.pre_processing == "none"
    listed = entry.as_dict()
    assert not any(listed[k] for k in ("extract", "max_tokens", "stop", "pre_processing"))


@pytest.mark.parametrize("name", SHIPPED)
def test_what_a_shipped_prompt_carries_is_accepted(name):
    entry = shipped(name)
    assert SamplingParams(**entry.sampling).max_tokens >= 50
    extractor(entry.extract or "first-integer")
    pre_processor(entry.pre_processing or "none")
    assert entry.name == name
    assert entry.idea


@pytest.mark.parametrize("name", SHIPPED)
def test_every_example_that_is_shipped_is_right_as_its_own_extraction_reads_it(name):
    entry = shipped(name)
    read = extractor(entry.extract or "first-integer")
    layout = r"Question: What is ([\d +]+)\?\n(.*?)(?=\n*Question:|\Z)"
    examples = re.findall(layout, entry.prompt.prefix, re.DOTALL)
    expected = {"few-shot": 8, "best": 3, "reversed": 2, "spaced": 2}
    expected |= {"zero-shot": 0, "exact": 0, "steps": 0}
    assert len(examples) == expected.get(name, 1)
    for problem, answer in examples:
        a, b = (int(operand.replace(" ", "")) for operand in problem.split("+"))
        assert read(answer) == a + b


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_column_steps_spell_the_sum(a, b):
    steps = [re.fullmatch(r"(\d)\+(\d)\+(\d)=(\d+)", step) for step in column_steps(a, b)]
    digits = "".join(step[4][-1] for step in reversed(steps))
    carry = "1" if len(steps[-1][4]) == 2 else ""
    assert int(carry + digits) == a + b
    assert [int(s[1]) for s in steps] == [a // 10**i % 10 for i in range(len(steps))]
    assert all(int(s[1]) + int(s[2]) + int(s[3]) == int(s[4]) for s in steps)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("none", "1234567+89"),
        ("spaced", "1 2 3 4 5 6 7 + 8 9"),
        ("commas", "1,234,567+89"),
        ("reversed", "7654321+98"),
        ("padded", "01234567+00000089"),
    ],
)
def test_pre_processing_writes_the_same_operands_otherwise(name, written):
    assert pre_processor(name)("1234567+89") == written
    assert set(PRE_PROCESSING) == {"none", "spaced", "commas", "reversed", "padded"}


@pytest.mark.parametrize("name", PRE_PROCESSING)
@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**12))
def test_what_pre_processing_makes_of_an_operand_does_not_depend_on_the_other(name, a, b, c):
    write = pre_processor(name)
    first = write(f"{a}+{b}").split("+")[0]
    assert write(f"{a}+{c}").split("+")[0] == first


def test_a_name_that_is_nearly_right_gets_the_right_one():
    with pytest.raises(InvalidInput, match="zero-shot"):
        shipped("zeroshot")
    with pytest.raises(InvalidInput, match="spaced"):
        pre_processor("space")
