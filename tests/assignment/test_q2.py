"""The findings of Q2a to Q2d on engines whose truth is known, and end to end on mini."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from carrychain import engines
from carrychain.addition.evaluation import Row
from carrychain.assignment.experiment import Experiment, Plan, Question
from carrychain.assignment.lab import Lab
from carrychain.assignment.q2 import Q2A, Q2B, Q2C, Q2D
from carrychain.assignment.q2.large_error import spread
from carrychain.assignment.recorded import LARGE_ERROR, LARGE_ERRORS, OWN_READING
from carrychain.engines.base import Completion, EngineInfo, FinishReason, SamplingParams

QUESTIONS = (Q2A, Q2B, Q2C, Q2D)
N = 20


@dataclass(frozen=True)
class Asked:
    a: int
    b: int
    prompt: str
    params: SamplingParams
    seed: int

    @property
    def sum(self) -> int:
        return self.a + self.b

    def shows(self, example: str) -> bool:
        return example in self.prompt


class Scripted:
    """An engine that writes what a function says, a character a token."""

    context = None
    info = EngineInfo("scripted", "a scripted engine")

    def __init__(self, write: Callable[[Asked], object]) -> None:
        self._write = write
        self.answers = 0

    def count_tokens(self, text: str) -> int:
        return len(text)

    def generate(
        self, prompts: Sequence[str], params: SamplingParams, seeds: Sequence[int]
    ) -> Iterator[Completion]:
        for i, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True)):
            a, b = re.findall(r"(\d+)\+(\d+)", prompt)[-1]
            text = str(self._write(Asked(int(a), int(b), prompt, params, seed)))
            self.answers += 1
            text = text[: params.max_tokens]
            yield Completion(i, text, len(text), len(prompt), FinishReason.LENGTH)


def ask(question: Question, write: Callable[[Asked], object], n: int = N) -> Experiment:
    return next(iter(Lab(Scripted(write)).run([question], Plan(n))))


def says(experiment: Experiment, *words: str) -> bool:
    """Whether one finding holds all of these words."""
    return any(all(w in finding for w in words) for finding in experiment.result.findings)


# --- Q2a -----------------------------------------------------------------------------------------


def test_an_example_that_helps_is_said_to_help():
    experiment = ask(Q2A, lambda q: q.sum if q.shows("3+7") else q.sum + 1)
    assert experiment.result.findings[0].startswith("The example 3+7 helps.")
    assert experiment.result.metrics["example_direction"] == 1
    assert experiment.result.metrics["one_shot_acc"] == 1


def test_an_example_that_hurts_is_said_to_hurt():
    experiment = ask(Q2A, lambda q: q.sum + 1 if q.shows("3+7") else q.sum)
    assert experiment.result.findings[0].startswith("The example 3+7 hurts.")
    assert experiment.result.metrics["example_direction"] == -1
    assert says(experiment, "mean error of the prompt with it is larger")


@pytest.mark.parametrize("extra_right", [0, 1, 3])
def test_no_effect_of_the_example_is_claimed_that_the_numbers_do_not_bear(extra_right):
    lucky = {p.a for p in Plan(N).problems()[:extra_right]}
    experiment = ask(
        Q2A, lambda q: q.sum if q.a % 2 or (q.shows("3+7") and q.a in lucky) else q.sum + 10
    )
    first = experiment.result.findings[0]
    assert first.startswith("Whether the example 3+7 helps or hurts can't be told.")
    assert "often" not in first


def test_kinds_of_errors_that_became_more_and_fewer_are_named():
    experiment = ask(Q2A, lambda q: q.sum - 1 if q.shows("3+7") else q.sum // 100)
    kinds = next(f for f in experiment.result.findings if f.startswith("With the example there"))
    assert "fewer answers with “fewer digits than the sum” (20 without, 0 with" in kinds
    assert experiment.result.metrics["zero_shot_error_too_short"] == N
    assert experiment.result.metrics["one_shot_error_too_short"] == 0


def test_errors_of_the_same_kind_with_and_without_are_not_said_to_change():
    experiment = ask(Q2A, lambda q: q.sum // 10)
    assert says(experiment, "No kind of error became more or fewer")


def test_an_estimate_in_words_is_counted_and_quoted():
    experiment = ask(Q2A, lambda q: f"~{q.sum // 10**6} mio" if q.shows("3+7") else q.sum)
    assert says(experiment, "0 of 0 without and 20 of 20 with the example", " mio”")
    assert any("matter of form" in paragraph for paragraph in experiment.result.answer)


def test_copying_the_example_is_claimed_only_where_it_is_read_more_often_with_it():
    copies = ask(Q2A, lambda q: 10 if q.shows("3+7") else q.sum + 1)
    assert any("attract" in paragraph for paragraph in copies.result.answer)
    always = ask(Q2A, lambda q: 10)
    assert not any("attract" in paragraph for paragraph in always.result.answer)
    assert any("can't be told from that" in paragraph for paragraph in always.result.answer)


# --- Q2b -----------------------------------------------------------------------------------------


def test_last_integer_is_best_where_the_answer_comes_last():
    experiment = ask(Q2B, lambda q: f"{q.sum + 1}? no, {q.sum}")
    assert says(experiment, "right most often is last-integer, 1.00", "worse", "first-integer .00")
    assert experiment.result.metrics["one_digit_best"] == ["last-integer"]


def test_commas_are_read_by_the_ways_that_pass_over_them():
    experiment = ask(Q2B, lambda q: f"{q.sum:,}\n5+6")
    assert experiment.result.metrics["one_digit_best"] == ["first-line", "separated"]
    assert says(experiment, "right most often is first-line and separated")


def test_an_answer_after_steps_is_read_after_the_word():
    experiment = ask(Q2B, lambda q: f"1+2=3\nAnswer: {q.sum}\n4")
    assert experiment.result.metrics["one_digit_best"] == ["after:Answer:"]


def test_more_tokens_are_said_to_be_better_where_they_are():
    experiment = ask(Q2B, lambda q: f"It must be {q.sum}")
    assert says(experiment, "The 50-token output read with all-digits is right more often")
    assert experiment.result.metrics["one_digit_all_digits_vs_short_direction"] == 1


def test_where_every_way_reads_the_same_no_difference_is_claimed():
    experiment = ask(Q2B, lambda q: f"{q.sum + q.a % 2}", n=8)
    for finding in experiment.result.findings[:-1]:
        assert "more often" not in finding
        assert "less often" not in finding
        assert "worse" not in finding


def test_where_no_way_finds_a_sum_none_is_called_best():
    experiment = ask(Q2B, lambda q: "about three")
    assert says(experiment, "no way reads a right sum from any of 20 outputs")
    assert experiment.result.metrics["one_digit_first_integer_unparsed"] == N


def test_long_outputs_that_begin_otherwise_than_short_ones_are_counted():
    experiment = ask(Q2B, lambda q: "x" if q.params.max_tokens == 8 else q.sum)
    assert says(experiment, "0 of 20 outputs of 50 tokens begin with the output of 8 tokens")


def test_no_way_is_right_on_more_outputs_than_hold_the_sum():
    def write(q: Asked) -> str:
        return [f"{q.sum:,}", f"{q.sum}\n3", "4", f"x {q.sum}"][q.a % 4]

    metrics = ask(Q2B, write).result.metrics
    right = [v for k, v in metrics.items() if re.fullmatch(r"one_digit_\w+_correct", k)]
    assert len(right) == 7
    assert max(right) <= metrics["one_digit_holding_the_sum"] < N


def test_ways_of_reading_ask_the_model_nothing_more():
    engine = Scripted(lambda q: q.sum)
    next(iter(Lab(engine).run([Q2B], Plan(N))))
    assert engine.answers == 4 * N


def test_a_miss_is_shown_with_its_output_and_what_was_read():
    experiment = ask(Q2B, lambda q: f"{q.sum}\nQuestion: What is 5+6?")
    misses = next(t for t in experiment.result.tables if t.name == "misses")
    problem = Plan(N).problems()[0]
    row = next(r for r in misses.rows if r[1] == "last-integer")
    assert row[2:] == (
        str(N),
        str(problem),
        str(problem.answer),
        "6",
        f"“{problem.answer}↵Question: What is 5+6?”",
    )


# --- Q2c -----------------------------------------------------------------------------------------


def test_the_better_example_is_named_whichever_it_is():
    longer = ask(Q2C, lambda q: q.sum if q.shows("1234567") else q.sum + 1)
    assert says(longer, "Of the two examples the 7-digit one is better")
    shorter = ask(Q2C, lambda q: q.sum if q.shows("3+7") else q.sum + 1)
    assert says(shorter, "Of the two examples the 1-digit one is better")
    neither = ask(Q2C, lambda q: q.sum)
    assert not says(neither, "is better.")
    assert says(neither, "Which of the two examples is better can't be told")


def test_absurd_rankings_are_the_measured_ones_where_there_are_any():
    # joined digits give huge errors at accuracy 0: res 0, above the negative res of a right half
    experiment = ask(
        Q2C, lambda q: f"{q.sum}\n99999999999" if q.a % 2 else f"{10**8 - 1}\n99999999999"
    )
    metrics = experiment.result.metrics
    assert metrics["measured_absurd_above_5e6"] == "7-digit example, 50 tokens, all-digits"
    assert says(experiment, "At the scale 5,000,000 res ranks 7-digit example, 50 tokens", "above")


def test_where_no_measured_ranking_is_absurd_a_recorded_one_is_shown_as_recorded():
    experiment = ask(Q2C, lambda q: q.sum)
    metrics = experiment.result.metrics
    assert metrics["measured_absurd_above_5e6"] is None
    for scale in ("5,000,000", "10,000"):
        assert says(
            experiment, f"At the scale {scale} res ranks no measured setting below", "recorded"
        )
    assert metrics["measured_below_zero_1e4"] is None
    assert says(experiment, "Below 0 length becomes a merit. Recorded, Llama-2-7b-chat-hf")


def test_res_acc_mae_and_length_are_given_at_8_and_50_tokens():
    metrics = ask(Q2C, lambda q: f"{q.sum}\n7").result.metrics
    assert metrics["seven_8_all_digits_prompt_length"] == 79
    assert metrics["seven_8_all_digits_acc"] == 1
    assert metrics["seven_8_all_digits_mae"] == 0
    assert metrics["seven_50_all_digits_acc"] == 0
    assert metrics["seven_50_all_digits_res_5e6"] == 0
    assert metrics["seven_50_first_integer_acc"] == 1
    assert metrics["seven_50_first_integer_res_5e6"] == pytest.approx(1 / 79)
    assert metrics["seven_50_first_integer_res_1e4"] == pytest.approx(1 / 79)


# --- Q2d -----------------------------------------------------------------------------------------


def test_the_problem_with_the_largest_error_is_repeated():
    worst = Plan(N).problems()[7]
    experiment = ask(Q2D, lambda q: q.sum + (500_000 if q.a == worst.a else 1))
    metrics = experiment.result.metrics
    assert (metrics["a"], metrics["b"]) == (worst.a, worst.b)
    assert metrics["chosen_error"] == 500_000
    assert all((r.a, r.b) == (worst.a, worst.b) for r in experiment.evaluations["sampled"].rows)


def test_the_first_problem_is_never_chosen_so_that_no_repeat_has_the_seed_it_was_chosen_for():
    first = Plan(N).problems()[0]
    experiment = ask(Q2D, lambda q: q.sum + (500_000 if q.a == first.a else 1))
    assert experiment.result.metrics["a"] != first.a
    seeds = {row.seed for row in experiment.evaluations["sampled"].rows}
    chosen = next(
        row for row in experiment.evaluations["all"].rows if row.a == experiment.result.metrics["a"]
    )
    assert chosen.seed not in seeds


def test_where_nothing_is_wrong_the_recorded_problem_is_repeated():
    experiment = ask(Q2D, lambda q: q.sum)
    assert (experiment.result.metrics["a"], experiment.result.metrics["b"]) == (9090909, 1010101)
    assert experiment.result.metrics["chosen_error"] is None
    assert says(experiment, "the recorded problem, 9090909+1010101 = 10101010, is repeated")


def test_answers_that_never_vary_are_said_not_to():
    experiment = ask(Q2D, lambda q: q.sum + 3)
    assert says(experiment, "Asked 5 times, ", " is missed by 3 each time: the error does not")
    assert says(experiment, "All 20 sampled runs give")
    assert experiment.result.metrics["many_distinct"] == 1
    assert experiment.result.metrics["many_error_sd"] == 0


def test_answers_that_vary_are_counted_and_greedy_ones_that_do_not_are_told_apart():
    def write(q: Asked) -> int:
        return q.sum + 5 + (0 if q.params.temperature == 0 else q.seed % 3)

    experiment = ask(Q2D, write, n=60)
    metrics = experiment.result.metrics
    assert metrics["many_distinct"] == 3
    assert metrics["greedy_distinct"] == 1
    assert sum(count for _, count in metrics["many_answers"]) == 60
    assert says(experiment, "60 sampled runs give 3 different answers, with errors from 5 to 7")
    assert says(experiment, "Greedy decoding gives", "in all of 5 runs, which is wrong")


def test_an_engine_that_is_not_the_same_twice_at_temperature_0_is_called_so():
    experiment = ask(Q2D, lambda q: q.sum + 1 + q.seed % 2)
    assert says(experiment, "does not repeat itself at temperature 0")


def test_prompts_that_help_hurt_or_do_nothing_are_told_apart():
    worst = Plan(N).problems()[3]

    def write(q: Asked) -> object:
        if q.shows("6+1+0=7"):  # the worked columns of best
            return f"Answer: {q.sum}"
        if q.shows("Give exact answers"):
            return q.sum + 9
        return q.sum + (10**6 if q.a == worst.a else 9 * (q.seed % 2))

    experiment = ask(Q2D, write, n=40)
    metrics = experiment.result.metrics
    assert metrics["a"] == worst.a
    assert [metrics[f"{key}_here_direction"] for key in ("few_shot", "exact", "best")] == [0, 0, 1]
    assert metrics["few_shot_everywhere_direction"] == 0
    assert metrics["exact_everywhere_direction"] == -1
    assert metrics["best_everywhere_direction"] == 1
    assert says(experiment, "On this problem best helps")
    assert says(experiment, "On all problems exact hurts")
    assert says(experiment, "On all problems few-shot can't be told to help or to hurt")


def test_an_interval_of_one_problem_counts_its_runs():
    experiment = ask(Q2D, lambda q: q.sum + 1)
    low, high = experiment.result.metrics["sampled_acc_ci"]
    assert (low, round(high, 3)) == (0, 0.161)  # Wilson's, 0 of 20; one trial would give .79


def test_the_spread_is_that_of_the_statistics_module_and_holds_beyond_every_float():
    assert _spread([12, 15, 15, 40]).deviation == pytest.approx(
        statistics.stdev([2, 5, 5, 30]), rel=0.02
    )
    assert _spread([12, 15, 15, 40]).answers == ((15, 2), (12, 1), (40, 1))
    many = [1000 + 37 * i * i for i in range(50)]
    errors = [abs(m - 10) for m in many]
    assert _spread(many).deviation == pytest.approx(statistics.stdev(errors), rel=1e-6)
    huge = _spread([10**400, None])
    assert huge.mean == float("inf")
    assert huge.largest == 10**400 - 10


def _spread(responses: list[int | None]):
    return spread(
        [
            Row(0, i, 7, 3, 10, "", "", r, r == 10, FinishReason.LENGTH, i, 1, 1)
            for i, r in enumerate(responses)
        ]
    )


# --- all of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "write",
    [lambda q: q.sum, lambda q: "", lambda q: "9" * 200],
    ids=["all right", "nothing", "all nines"],
)
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.name)
def test_extreme_outputs_give_whole_results(question, write):
    check(ask(question, write, n=3))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.name)
def test_one_problem_is_enough(question):
    experiment = ask(question, lambda q: q.sum + q.seed % 2, n=1)
    check(experiment)
    assert not says(experiment, " often than ")


def test_the_questions_run_on_mini_from_end_to_end():
    for experiment in Lab(engines.load("mini")).run(QUESTIONS, Plan(4)):
        check(experiment)
        assert experiment.model == "mini (embedded teaching model)"


def check(experiment: Experiment) -> None:
    result = experiment.result
    json.dumps(result.metrics, allow_nan=False)
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in result.metrics)
    assert len({table.name for table in result.tables}) == len(result.tables)
    for table in result.tables:
        assert table.rows
        assert all(len(row) == len(table.columns) for row in table.rows), table.name
        assert all(isinstance(cell, str) for row in table.rows for cell in row)
    for text in (*result.findings, *result.answer, *(p.alt for p in result.pictures)):
        assert text.endswith((".", "?")), text
        assert not re.search(r"\bnan\b|\binf\b|None|  ", text), text
    for picture in result.pictures:
        for panel in picture.panels:
            places = len(panel.x.categories)
            assert all(p.x < places for s in panel.series for p in s.points if places)


def test_recorded_figures_are_those_of_the_recorded_runs():
    path = Path(__file__).parents[1] / "data" / "recorded_runs.json"
    runs = {run["id"]: run for run in json.loads(path.read_text())["runs"]}
    for name, response in LARGE_ERRORS.items():
        (row,) = runs[name]["rows"]
        assert (row["a"], row["b"], row["response"]) == (LARGE_ERROR.a, LARGE_ERROR.b, response)
    own = runs[OWN_READING.id]
    assert OWN_READING.acc == own["reported"]["acc"]
    assert OWN_READING.mae == own["reported"]["mae"]
    assert OWN_READING.prompt_length == own["reported"]["prompt_length"]
    assert list(OWN_READING.responses) == [row["response"] for row in own["rows"]]
