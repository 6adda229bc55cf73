"""What the embedded model must show: the assignment's lesson, on sums that it never saw.

Greedy, 200 problems a line, drawn with a seed whose pairs training kept out.
"""

from functools import cache

import pytest

from carrychain.addition.evaluation import evaluate
from carrychain.addition.problems import bounds_of_digits, handout_pairs
from carrychain.addition.prompts import SHIPPED, Prompt, column_steps
from carrychain.engines.base import SamplingParams
from carrychain.engines.registry import load, mini_weights
from carrychain.mini.corpus import held_out_pairs

SEED = 50
N = 200
ENGLISH = (
    "My grandfather kept bees behind the old mill, and every summer we sold honey by the road. "
    "Some visitors asked how many jars he had filled; he never counted, but my aunt wrote it down "
    "in a blue notebook. When the mill was sold, the notebook went to the village library.\n"
)


def problems(digits):
    return handout_pairs(SEED, *bounds_of_digits(digits), N)


@cache
def measure(name, digits=7, before="", sampling=None, extract=None):
    shipped = SHIPPED[name]
    parameters = {"max_tokens": 30, "stop": ("\n",), **shipped.sampling, **dict(sampling or ())}
    return evaluate(
        prompt=Prompt(before + shipped.prompt.prefix, shipped.prompt.suffix),
        engine=load("mini"),
        problems=problems(digits),
        sampling=SamplingParams(temperature=0, **parameters),
        extract=extract or shipped.extract,
        pre_processing=shipped.pre_processing,
    )


def accuracy(*args, **kwargs):
    return measure(*args, **kwargs).metrics.acc


def worked_examples(count):
    pairs = handout_pairs(7777, *bounds_of_digits(7), count)
    return "".join(
        f"Question: What is {p}?\n"
        + "\n".join(column_steps(p.a, p.b))
        + f"\nAnswer: {p.answer}\n\n"
        for p in pairs
    )


def test_the_problems_asked_here_were_kept_out_of_training():
    assert {(p.a, p.b) for p in problems(7)} <= held_out_pairs()


def test_the_weights_are_under_12_mb():
    assert sum(f.stat().st_size for f in mini_weights().iterdir()) < 12_000_000


def test_one_digit_is_easy():
    assert accuracy("zero-shot", 1) >= 0.95
    assert accuracy("one-shot-1-digit", 1) >= 0.95


def test_seven_digits_are_hard_without_an_example():
    assert 0.02 <= accuracy("zero-shot") <= 0.35


def test_an_example_like_the_task_beats_one_far_from_it_and_eight_beat_one():
    far, like, eight = map(accuracy, ("one-shot-1-digit", "one-shot-7-digit", "few-shot"))
    assert far < like < eight


@pytest.mark.parametrize("name", ["exact", "spaced", "steps", "columns"])
def test_an_idea_lifts_seven_digits_far_above_plain(name):
    assert accuracy(name) >= accuracy("zero-shot") + 0.3


def test_the_best_prompt_is_nearly_always_right():
    assert accuracy("best") >= 0.99


def test_a_prompt_of_1000_tokens_works_as_well_as_one_of_300():
    long = measure("columns", before=worked_examples(10))
    assert min(row.prompt_tokens for row in long.rows) >= 1000
    assert 280 <= measure("best").rows[0].prompt_tokens <= 330
    assert long.metrics.acc >= accuracy("best") - 0.02


def test_a_paragraph_of_english_before_the_examples_costs_little():
    assert accuracy("best", before=ENGLISH) >= accuracy("best") - 0.05


def test_it_goes_on_with_another_question_which_joined_digits_show_and_a_stop_string_cures():
    on = measure("few-shot", sampling=(("max_tokens", 50), ("stop", ())), extract="all-digits")
    assert all("Question: What is" in row.output for row in on.rows)
    assert on.metrics.acc == 0
    assert on.metrics.mae > 1e29
    cured = measure("few-shot", sampling=(("max_tokens", 50),), extract="all-digits")
    assert cured.metrics.acc == accuracy("few-shot")
