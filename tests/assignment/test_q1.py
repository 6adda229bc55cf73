"""What Q1a to Q1d say follows the numbers, also where they are not the usual ones."""

import json
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import pytest

from carrychain import engines
from carrychain.addition.extraction import EXTRACTIONS
from carrychain.addition.problems import Problem, carries
from carrychain.assignment.experiment import Plan
from carrychain.assignment.lab import Lab
from carrychain.assignment.q1 import Q1A, Q1B, Q1C, Q1D
from carrychain.assignment.q1.distributions import entropy
from carrychain.assignment.q1.repeats import is_fresh, matched_pairs, repeats
from carrychain.assignment.q1.second_model import least_pairs, only_right, recorded_pairs
from carrychain.assignment.q1.tokens import token_counts
from carrychain.assignment.unpaired import Share, unpaired, unpaired_direction
from carrychain.engines.base import Completion, EngineInfo, FinishReason, SamplingParams
from carrychain.stats import mcnemar_exact

QUESTIONS = (Q1A, Q1B, Q1C, Q1D)
Say = Callable[[Problem, SamplingParams, int], str]


@dataclass
class Scripted:
    """An engine that says what a function makes of problem, parameters and seed.

    A token is one character, or as many digits as `joined`.
    """

    say: Say
    name: str = "scripted"
    joined: int = 1
    counts: bool = True
    context: int | None = None

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(self.name, f"{self.name} (scripted)")

    def count_tokens(self, text: str) -> int | None:
        return len(re.findall(rf"\d{{1,{self.joined}}}|\D", text)) if self.counts else None

    def generate(
        self, prompts: Sequence[str], params: SamplingParams, seeds: Sequence[int]
    ) -> Iterator[Completion]:
        for i, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True)):
            a, b = map(int, re.findall(r"(\d+)\+(\d+)", prompt)[-1])
            text = self.say(Problem(a, b), params, seed)[: params.max_tokens]
            yield Completion(
                i, text, len(text), self.count_tokens(prompt) or 0, FinishReason.LENGTH
            )


def right(p: Problem, params: SamplingParams, seed: int) -> str:
    return f"{p.answer}\n"


def by_problem(share: float) -> Callable[[Problem], bool]:
    """Choose a share of all problems, the same ones each time."""
    return lambda p: zlib.crc32(f"{p}".encode()) % 1000 < 1000 * share


def ask(question, engine, n=60, other=None):
    return next(
        iter(Lab(engine, other).run([question], Plan(n=n, second=other is not None)))
    ).result


def check_form(result):
    json.dumps(result.metrics, allow_nan=False)
    assert all(not isinstance(value, dict) for value in result.metrics.values())
    assert result.findings
    assert result.answer
    for table in result.tables:
        assert table.rows
        assert all(len(row) == len(table.columns) for row in table.rows)
    for kind in (result.tables, result.pictures):
        assert len({x.name for x in kind}) == len(kind)
    for panel in (panel for picture in result.pictures for panel in picture.panels):
        for axis, place in product((panel.x,), (p.x for s in panel.series for p in s.points)):
            assert not axis.categories or place in range(len(axis.categories))


def cells(result, table):
    return next(t for t in result.tables if t.name == table).rows


# --- Q1a -----------------------------------------------------------------------------------------


def test_q1a_says_that_seven_digits_are_easier_where_they_are():
    easy = by_problem(0.2)

    def say(p, params, seed):
        return f"{p.answer if p.a > 10**6 or easy(p) else p.answer + 1}\n"

    result = ask(Q1A, Scripted(say))
    check_form(result)
    assert result.metrics["digits_direction"] == 1
    assert "with 7 digits is higher than with 1 digit: 1.00" in result.findings[0]
    assert "rises from" in result.findings[1]
    assert "falls" not in result.findings[1]
    assert "show no deterioration" in result.answer[0]


def test_q1a_claims_no_difference_where_there_is_none():
    result = ask(Q1A, Scripted(right))
    directions = ("digits_direction", "chain_direction", "carries_direction")
    assert [result.metrics[name] for name in directions] == [0, 0, 0]
    assert result.findings[0].startswith("No difference between accuracy")
    assert "can a difference be told" in result.findings[1]
    assert "No digit of the 7-digit sums" in result.findings[5]
    assert result.findings[7] == "No answer to a 7-digit sum is wrong."


def test_q1a_finds_the_step_the_carries_and_the_hard_digit():
    def say(p, params, seed):
        wrong_hundreds = p.a >= 10**4 and any(carries(p.a, p.b))
        return f"{p.answer + 100 * (1 if p.answer // 100 % 10 < 9 else -1) * wrong_hundreds}\n"

    result = ask(Q1A, Scripted(say))
    assert result.metrics["digits_direction"] == -1
    assert "falls from 1.00 (.94 to 1.00) at 4 digits to" in result.findings[1]
    assert "the other steps can't be told" in result.findings[1]
    assert result.metrics["chain_direction"] == -1
    assert result.metrics["chain_0_acc"] == 1
    assert result.metrics["chain_7_acc"] == 0
    assert result.metrics["hardest_digit"] == 2
    assert "the hundreds in" in result.findings[5]
    assert "one digit is wrong" in result.findings[7]


@pytest.mark.parametrize(("joined", "tokens"), [(1, 7), (3, 3)])
def test_q1a_counts_the_tokens_of_an_operand(joined, tokens):
    result = ask(Q1A, Scripted(right, joined=joined), n=4)
    assert result.metrics["digits_7_tokens_a_number"] == tokens
    assert f"and {tokens} with 7: the longer sum" in result.findings[2]


def test_q1a_says_so_where_tokens_are_not_counted():
    result = ask(Q1A, Scripted(right, counts=False), n=4)
    assert result.metrics["digits_7_tokens_a_number"] is None
    assert "not known" in result.findings[2]


def test_q1a_shows_the_recorded_runs_as_recorded_with_their_interval():
    result = ask(Q1A, Scripted(right), n=4)
    recorded = [row for row in cells(result, "digits") if row[0].startswith("recorded, Llama-2")]
    assert [row[1:4] for row in recorded] == [
        ("10 of 10", "1.00", ".72 to 1.00"),
        ("9 of 10", ".90", ".60 to .98"),
        ("2 of 10", ".20", ".057 to .51"),
        ("1 of 10", ".10", ".018 to .40"),
    ]
    series = result.pictures[0].panels[0].series
    assert [s.recorded for s in series] == [False, True, True]
    assert [p.x for p in series[1].points] == [1, 7]


def test_an_unpaired_difference_is_told_only_where_the_interval_leaves_out_none():
    assert unpaired_direction(Share(3, 10), Share(9, 10)) == 1  # Newcombe (1998): .1705 to .8090
    assert unpaired_direction(Share(3, 10), Share(7, 10)) == 0
    assert "+.17 to +.81" in unpaired(Share(3, 10), Share(9, 10), a="of a", b="of b")
    assert unpaired_direction(Share(1, 1), Share(0, 1)) == 0


# --- Q1b -----------------------------------------------------------------------------------------


def test_q1b_says_that_a_penalty_helps_where_it_does():
    poor = by_problem(0.3)

    def say(p, params, seed):
        return f"{p.answer if params.repetition_penalty > 1 or poor(p) else 0}\n"

    result = ask(Q1B, Scripted(say), n=40)
    check_form(result)
    assert result.metrics["repetition_penalty_2_digits_7_direction"] == 1
    assert result.metrics["repetition_penalty_0.8_digits_7_direction"] == 0
    sentence = result.findings[4]
    assert "with 7 digits 1.1 is better" in sentence
    assert "worse" not in sentence
    assert "shows no logits" in result.findings[-1]
    assert "distributions" not in {t.name for t in result.tables}


def test_q1b_claims_nothing_where_no_parameter_matters():
    result = ask(Q1B, Scripted(right), n=40)
    told = [k for k, v in result.metrics.items() if k.endswith("_direction") and v != 0]
    # Below the length of a sum, max_tokens cuts: that is no matter of the model.
    assert all(name.startswith("max_tokens_") for name in told)
    for sentence in (result.findings[i] for i in (0, 2, 3, 4)):
        assert "with 3 digits no value differs that can be told at n = 40" in sentence
        assert "with 7 digits no value differs that can be told at n = 40" in sentence
    assert "at no value do sums whose digits repeat lose" in result.findings[7]


def test_q1b_finds_the_harm_to_repeated_digits_and_only_there():
    def say(p, params, seed):
        return f"{p.answer + (params.repetition_penalty > 1.2 and repeats(p))}\n"

    result = ask(Q1B, Scripted(say), n=40)
    found = {v: result.metrics[f"penalty_{v}_extra_loss_of_repeating_direction"] for v in (1.1, 2)}
    assert found == {1.1: 0, 2: 1}
    assert result.metrics["penalty_2_extra_loss_of_repeating"] == 1
    assert "at 2 those whose digits repeat lose more accuracy" in result.findings[7]
    assert "at 1.1" not in result.findings[7]


def test_q1b_says_so_where_repeats_lose_less():
    def say(p, params, seed):
        return f"{p.answer + (params.repetition_penalty > 1.2 and is_fresh(p))}\n"

    result = ask(Q1B, Scripted(say), n=40)
    assert "at 2 those whose digits repeat lose less accuracy" in result.findings[7]


def test_q1b_checks_row_by_row_that_temperature_0_makes_top_k_and_top_p_idle():
    def obeys(p, params, seed):
        spread = 0 if params.temperature == 0 or params.top_k == 1 or params.top_p == 0 else 9
        return f"{p.answer + seed % (spread + 1)}\n"

    result = ask(Q1B, Scripted(obeys), n=20)
    assert "At temperature 0 top-k and top-p are idle: all 20 outputs" in result.findings[5]
    assert "20 and 20 of 20 outputs are those of temperature 0" in result.findings[6]
    assert result.metrics["at_temperature_0_top_k_1_same_outputs"] == 20
    assert result.metrics["at_temperature_2_top_k_1_same_outputs"] < 20

    def disobeys(p, params, seed):
        return f"{p.answer + (params.temperature == 0 and params.top_k == 1)}\n"

    result = ask(Q1B, Scripted(disobeys), n=20)
    assert "are not idle here" in result.findings[5]
    assert "change 20 with top-k 1" in result.findings[5]


def test_q1b_counts_different_outputs_of_one_sum():
    def say(p, params, seed):
        return f"{p.answer + (seed % 1000 if params.temperature else 0)}\n"

    result = ask(Q1B, Scripted(say), n=80)
    assert result.metrics["temperature_0_distinct_outputs"] == 1
    assert result.metrics["temperature_2_distinct_outputs"] > 15
    assert "different outputs in 20 runs of one sum goes from 1 to" in result.findings[0]


def test_q1b_holds_p_against_the_number_of_values_that_it_looks_at():
    sums = Plan(n=40).problems(7)[:6]
    fresh = matched_pairs(0, 40)[1][:6]

    def say(p, params, seed):
        changed = params.temperature == 2 or params.repetition_penalty == 2
        return f"{p.answer + (changed and p in (*sums, *fresh))}\n"

    result = ask(Q1B, Scripted(say), n=40)
    assert (
        mcnemar_exact(6, 0) == 0.03125
    )  # below 5%, but of 8 values for accuracy and 4 for repeats
    assert result.metrics["temperature_2_digits_7_mcnemar_p"] == 0.03125
    assert result.metrics["temperature_2_digits_7_direction"] == 0
    assert result.metrics["penalty_2_extra_loss_of_repeating_p"] == 0.03125
    assert result.metrics["penalty_2_extra_loss_of_repeating_direction"] == 0


def test_matched_sums_carry_alike_and_differ_in_repeats():
    repeating, fresh = matched_pairs(3, 40)
    assert all(repeats(p) for p in repeating)
    for p in fresh:
        assert len(set(str(p.answer))) == len(str(p.answer))
        assert not set(str(p.answer)) & (set(str(p.a)) | set(str(p.b)))
    assert [carries(p.a, p.b) for p in repeating] == [carries(p.a, p.b) for p in fresh]
    assert matched_pairs(3, 40) == (repeating, fresh)


def test_entropy_is_in_bits():
    assert entropy([0.25] * 4) == 2
    assert entropy([1.0, 0.0]) == 0


# --- Q1c -----------------------------------------------------------------------------------------


def test_q1c_says_that_the_second_model_is_worse_where_it_is():
    some = by_problem(0.4)
    worse = Scripted(lambda p, params, seed: f"{p.answer if some(p) else 7}\n", "second", joined=3)
    result = ask(Q1C, Scripted(right), other=worse)
    check_form(result)
    assert result.metrics["second_max_8_direction"] == -1
    assert "Second (scripted) is right less often than scripted (scripted)" in result.findings[0]
    assert "second (scripted) is worse than scripted (scripted)" in result.answer[-1]
    assert (
        result.metrics["first_tokens_an_operand"],
        result.metrics["second_tokens_an_operand"],
    ) == (
        7,
        3,
    )
    assert "7 tokens with scripted (scripted) and 3 tokens with second" in result.findings[-1]


def test_q1c_claims_no_difference_between_equal_models():
    result = ask(Q1C, Scripted(right), other=Scripted(right))
    assert result.metrics["second_max_20_direction"] == 0
    assert "No difference between the first scripted" in result.findings[0]
    assert "can't be told apart" in result.answer[-1]


def test_q1c_tells_a_limit_that_cuts_from_a_model_that_cannot_add():
    blank_first = Scripted(lambda p, params, seed: f" {p.answer}\n", "second")
    result = ask(Q1C, Scripted(right), other=blank_first)
    assert result.metrics["second_max_8_direction"] == -1
    assert result.metrics["second_max_20_direction"] == 0
    assert "At 20 is right more often than second (scripted) at 8 tokens" in " ".join(
        result.findings
    )


def test_q1c_without_a_second_model_tells_what_ten_recorded_sums_can():
    result = ask(Q1C, Scripted(right, counts=False), n=5)
    check_form(result)
    assert result.metrics["second_model"] is False
    assert result.metrics["recorded_A-12_A-22_mcnemar_p"] == 0.0390625  # 1 against 8 sums
    assert result.metrics["recorded_B-12_A-22_mcnemar_p"] == 0.0078125  # 0 against 8
    assert "No second model was asked" in result.findings[0]
    assert "does not count" in result.findings[-1] or "not known" in result.findings[-1]


def test_recorded_pairs_are_counted_on_the_same_sums():
    assert [only_right(*pair) for pair in recorded_pairs()] == [(1, 8), (0, 8)]
    assert all(x.problems == y.problems for x, y in recorded_pairs())


def test_six_sums_of_ten_are_the_fewest_that_tell():
    assert least_pairs(10) == 6
    assert mcnemar_exact(0, 5) > 0.05 > mcnemar_exact(0, 6)


# --- Q1d -----------------------------------------------------------------------------------------


def test_q1d_says_that_50_tokens_are_better_than_8_where_they_are():
    def say(p, params, seed):
        return f"The sum is {p.answer}" + "." * 40

    result = ask(Q1D, Scripted(say))
    check_form(result)
    assert result.metrics["all_digits_8_to_50_direction"] == 1
    assert "The limit of 50 tokens is right more often" in result.findings[0]
    assert "accuracy rises with first-integer" in result.findings[2]
    assert "accuracy falls" not in result.findings[2]
    assert result.answer[0].startswith("Yes")


def test_q1d_claims_nothing_where_the_limit_does_not_matter():
    result = ask(Q1D, Scripted(right))
    directions = [v for k, v in result.metrics.items() if k.endswith("_direction")]
    assert len(directions) == 2 * len(EXTRACTIONS)
    assert not any(directions)
    assert result.answer[0].startswith("Whether")
    assert result.metrics["outputs_max_50_goes_on"] == 0


def test_q1d_shows_which_ways_of_reading_suffer_from_what_follows():
    def say(p, params, seed):
        return f"{p.answer:08}\nQuestion: What is 3+4?\nAnswer: 7\n"

    result = ask(Q1D, Scripted(say), n=30)
    assert "accuracy falls with last-integer, all-digits;" in result.findings[2]
    kept = ("first_integer", "first_line", "separated")
    assert [result.metrics[f"{way}_max_50_acc"] for way in kept] == [1, 1, 1]
    assert [result.metrics[f"outputs_max_{limit}_digits"] for limit in (8, 20, 50)] == [0, 0, 30]
    assert result.metrics["outputs_max_50_question"] == 30
    assert "All 30 of 30 outputs" in result.findings[5]
    assert result.answer[0].startswith("No")


def test_q1d_says_so_where_the_limit_changes_what_is_written():
    result = ask(Q1D, Scripted(lambda p, params, seed: f"{p.answer + params.max_tokens}\n"), n=10)
    assert result.findings[5].startswith("0 of 10 outputs")
    assert "not the only change" in result.findings[5]


def test_q1d_counts_recorded_answers_that_only_go_on():
    result = ask(Q1D, Scripted(right), n=5)
    assert "A-22 at 8 and A-28 at 20 tokens" in result.findings[6]
    assert "McNemar p = .50" in result.findings[6]
    assert "2 of the 3 wrong answers at 20 begin with the right sum" in result.findings[6]


# --- on models -----------------------------------------------------------------------------------


def test_tokens_of_a_number_leave_out_what_stands_before_every_text():
    class WithStart(Scripted):
        def count_tokens(self, text):
            return 1 + len(text)

    assert token_counts(WithStart(right), [7, 1234567]) == [1, 7]


@pytest.mark.parametrize("question", [Q1A, Q1C, Q1D], ids=lambda question: question.name)
def test_a_question_runs_on_mini(question):
    check_form(ask(question, engines.load("mini"), n=2))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
@pytest.mark.parametrize("say", [right, lambda p, params, seed: ""], ids=["right", "silent"])
def test_one_problem_is_enough_to_run_and_too_few_to_tell(question, say):
    result = ask(question, Scripted(say), n=1)
    check_form(result)
    assert not any(v for k, v in result.metrics.items() if k.endswith("_direction"))


def test_q1b_on_mini_shows_exact_distributions():
    result = ask(Q1B, engines.load("mini"), n=2)
    check_form(result)
    rows = cells(result, "distributions")
    for row in rows:
        assert sum(map(float, row[2:-1])) == pytest.approx(1, abs=0.02)
    by_setting = {row[:2]: row for row in rows}
    raw = by_setting["before", ""]
    assert float(raw[-1]) == pytest.approx(result.metrics["next_token_raw_entropy_bits"], abs=0.005)
    assert by_setting["Temperature", "0"][-1] == "0.00"
    assert result.metrics["temperature_0_entropy_bits"] == 0
    assert result.metrics["at_temperature_0_top_p_1_same_outputs"] == 2
    assert (
        result.metrics["temperature_2_entropy_bits"]
        >= result.metrics["temperature_0.7_entropy_bits"]
    )
    assert "hold" in result.findings[-1]
    assert {p.name for p in result.pictures} == {"parameters", "spread", "repeats", "distributions"}
    parameters = next(p for p in result.pictures if p.name == "parameters")
    assert len(parameters.panels) == 5


def test_q1_shares_evaluations_and_stays_within_its_budget():
    asks = {ask for q in QUESTIONS for ask in q.asks(Plan(n=100)).values()}
    tokens = sum(ask.answers * ask.sampling.max_tokens for ask in asks)
    assert tokens <= 8000 * 50 / 2
