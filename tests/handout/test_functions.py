"""The notebook's functions do what the original's do, pair seeds included, only fast."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from carrychain import engines
from carrychain.addition.problems import handout_pairs
from carrychain.assignment.handout import PART_2, notebook
from carrychain.assignment.notebook import engine_of, sampling
from carrychain.engines.base import Completion, EngineInfo, FinishReason, SamplingParams
from carrychain.errors import InvalidInput

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "recorded_runs.json").read_text())
SEVEN = {"lower_bound": 1_000_000, "upper_bound": 9_999_999}
CONFIGS = {
    "max_tokens": 8,
    "temperature": 0.7,
    "top_k": 50,
    "top_p": 0.6,
    "repetition_penalty": 1.0,
    "stop": [],
}


class Scripted:
    """An engine that says what a function of prompt and seed tells it; it keeps each request."""

    info = EngineInfo("scripted", "scripted")
    context = None

    def __init__(self, says: Any) -> None:
        self.says = says
        self.requests: list[tuple[list[str], SamplingParams, list[int]]] = []

    def count_tokens(self, text: str) -> int:
        return len(text)

    def generate(
        self, prompts: Sequence[str], params: SamplingParams, seeds: Sequence[int]
    ) -> Iterator[Completion]:
        self.requests.append((list(prompts), params, list(seeds)))
        for i in reversed(range(len(prompts))):  # an engine may finish them in any order
            text = self.says(prompts[i], seeds[i])
            yield Completion(i, text, 1, 1, FinishReason.LENGTH)


def adds(prompt: str, seed: int) -> str:
    a, b = re.findall(r"(\d+)\+(\d+)", prompt)[-1]
    return str(int(a) + int(b))


@pytest.fixture
def student() -> Any:
    """The names that the notebook's first code cells define, and the data frames it shows."""
    space: dict[str, Any] = {}
    for cell in [cell for cell in notebook(PART_2) if cell.kind == "code"][:4]:
        exec(cell.source, space)
    frames: list[Any] = []
    space["display"] = frames.append
    return SimpleNamespace(frames=frames, space=space, **space)


def pairs_in(frame: Any) -> list[tuple[int, int]]:
    return list(zip(frame.int_a, frame.int_b, strict=True))


def drawn(n: int) -> list[tuple[int, int]]:
    return [(p.a, p.b) for p in handout_pairs(0, 1_000_000, 9_999_999, n)]


def test_test_range_gives_the_originals_pairs_columns_and_keys(student):
    rng = np.random.default_rng(0)
    scores = student.test_range(
        ("What is ", "? "), CONFIGS, rng, Scripted(adds), None, n_sample=10, **SEVEN
    )
    (frame,) = student.frames
    assert list(frame.columns) == ["int_a", "int_b", "prompt", "answer", "response", "correct"]
    assert pairs_in(frame) == drawn(10)
    assert frame.prompt[0] == "What is 6732655+3428081? "
    assert list(frame.answer) == list(frame.response) == [a + b for a, b in drawn(10)]
    assert frame.correct.all()
    assert scores == {"res": 1 / 10, "acc": 1.0, "mae": 0.0, "prompt_length": 10}
    assert list(scores) == ["res", "acc", "mae", "prompt_length"]


@pytest.mark.parametrize("run", RECORDED["runs"], ids=lambda run: run["id"])
def test_a_recorded_run_gets_the_scores_that_the_original_printed(student, run):
    responses = {f"{row['a']}+{row['b']}": row["response"] for row in run["rows"]}
    engine = Scripted(lambda prompt, _: str(responses[re.findall(r"\d+\+\d+", prompt)[-1]]))
    rng = np.random.default_rng(run["seed"])
    low, high = (1, 10) if "1-digit" in run["experiment"] else (1_000_000, 9_999_999)
    fixed = re.fullmatch(r"fixed \((\d+), (\d+)\)", run["pairs"])
    if not fixed:
        for _ in range(int(run["pairs"].split("..")[0])):
            student.get_addition_pairs(low, high, rng)
    scores = student.test_range(
        (run["prefix"], run["suffix"]),
        {**CONFIGS, "max_tokens": run["max_tokens"]},
        rng,
        engine,
        None,
        n_sample=10,
        lower_bound=low,
        upper_bound=high,
        fixed_pairs=[(int(fixed[1]), int(fixed[2]))] if fixed else None,
    )
    (frame,) = student.frames
    assert pairs_in(frame) == [(row["a"], row["b"]) for row in run["rows"]]
    assert list(frame.correct) == [row["correct"] for row in run["rows"]]
    assert scores == pytest.approx(run["reported"], rel=1e-15, abs=0)


def test_the_random_numbers_go_on_from_run_to_run_as_in_q2c(student):
    rng = np.random.default_rng(0)
    for _ in range(3):
        student.test_range(("", "="), CONFIGS, rng, Scripted(adds), None, 10, **SEVEN)
    assert [pair for frame in student.frames for pair in pairs_in(frame)] == drawn(30)


def test_a_loop_is_one_request_and_its_answers_stand_in_the_order_of_the_pairs(student):
    engine = Scripted(adds)
    student.test_range(("", "="), CONFIGS, np.random.default_rng(0), engine, None, 10, **SEVEN)
    ((prompts, params, seeds),) = engine.requests
    assert prompts == [f"{a}+{b}=" for a, b in drawn(10)]
    assert params == SamplingParams(max_tokens=8)
    assert len(set(seeds)) == 10


def test_a_prompt_that_is_asked_five_times_is_sampled_five_times(student):
    engine = Scripted(lambda prompt, seed: str(seed))
    student.test_range(("", "="), CONFIGS, None, engine, None, fixed_pairs=[(9, 1)] * 5)
    ((_, _, seeds),) = engine.requests
    assert sorted(student.frames[0].response) == sorted(seeds)
    assert len(set(seeds)) == 5


def test_call_model_samples_afresh_unless_it_is_given_a_seed(student):
    engine = Scripted(lambda prompt, seed: str(seed))
    fresh = [student.call_model("1+1=", CONFIGS, int, engine, None) for _ in range(20)]
    assert len(set(fresh)) == 20
    assert student.call_model("1+1=", CONFIGS, int, engine, None, seed=7) == 7

    wild = {**CONFIGS, "max_tokens": 20, "temperature": 2.0, "top_k": 0, "top_p": 1.0}
    mini = engines.load("mini")
    seeded = [student.call_model("1+1=", wild, str, mini, None, seed=s) for s in (7, 7, 8)]
    assert seeded[0] == seeded[1] != seeded[2]


def test_debug_shows_prompt_output_and_response(student, capsys):
    student.call_model("1+1=", CONFIGS, int, Scripted(adds), None, debug=True)
    shown = capsys.readouterr().out
    assert "'1+1='" in shown
    assert "'2'" in shown


def test_functions_that_a_student_changes_are_those_that_test_range_uses(student):
    student.space["get_addition_pairs"] = lambda low, high, rng: (low, high)
    student.space["call_model"] = lambda prompt, *rest: len(prompt)
    engine = Scripted(adds)
    student.test_range(("", "="), CONFIGS, None, engine, None, n_sample=2)
    assert pairs_in(student.frames[0]) == [(1, 10)] * 2
    assert list(student.frames[0].response) == [5, 5]
    assert engine.requests == []


def test_a_changed_call_model_may_ask_something_else_or_twice(student):
    original = student.call_model

    def votes(prompt, configs, read, model_obj, tokenizer_obj, debug=False):
        answers = [original(prompt, configs, read, model_obj, tokenizer_obj) for _ in range(3)]
        changed = original("Now: " + prompt, configs, read, model_obj, tokenizer_obj)
        greedy = {**configs, "temperature": 0}
        return {*answers, changed, original(prompt, greedy, read, model_obj, tokenizer_obj)}.pop()

    student.space["call_model"] = votes
    scores = student.test_range(
        ("", "="), CONFIGS, np.random.default_rng(0), Scripted(adds), None, 4, **SEVEN
    )
    assert scores["acc"] == 1


def test_a_sum_is_written_and_an_output_read_by_the_students_functions(student):
    def spaced(text: str) -> str:
        assert len(text) == 15, "this function knows no sum but those of seven digits"
        return " ".join(text)

    engine = Scripted(lambda prompt, seed: "<3>" if "6 7 3 2 6 5 5" in prompt else "")
    student.test_range(
        ("", "="),
        CONFIGS,
        np.random.default_rng(0),
        engine,
        None,
        n_sample=2,
        pre_processing=spaced,
        post_processing=lambda output: int(output[1]) if output else None,
        **SEVEN,
    )
    assert engine.requests[0][0][0] == "6 7 3 2 6 5 5 + 3 4 2 8 0 8 1="
    assert list(student.frames[0].response) == [3, None]


def test_a_response_that_is_no_integer_is_named(student):
    with pytest.raises(InvalidInput, match="a response is '2', a str; post_processing must return"):
        student.test_range(
            ("", "="),
            CONFIGS,
            None,
            Scripted(adds),
            None,
            fixed_pairs=[(1, 1)],
            post_processing=str,
        )


def test_a_model_of_transformers_and_its_tokenizer_answer_as_the_engine_does(student):
    mini: Any = engines.load("mini")
    prompt, configs = "Question: What is 3+4?\nAnswer: ", {**CONFIGS, "max_tokens": 20}
    given = student.call_model(prompt, configs, str, mini.model, mini.tokenizer, seed=3)
    assert given == student.call_model(prompt, configs, str, "mini", None, seed=3)
    assert engine_of(mini.model, mini.tokenizer) is engine_of(mini.model, mini.tokenizer)
    scores = student.test_range(
        ("Question: What is ", "?\nAnswer: "),
        {**CONFIGS, "max_tokens": 2, "temperature": 0},
        np.random.default_rng(0),
        mini.model,
        mini.tokenizer,
        n_sample=10,
    )
    assert scores["acc"] > 0.8


def test_what_is_no_model_is_named():
    with pytest.raises(InvalidInput, match="model_obj is a NoneType; give an engine"):
        engine_of(None)
    with pytest.raises(InvalidInput, match="there is no model 'minni'; did you mean mini"):
        engine_of("minni")


def test_parameters_are_read_as_students_write_them():
    assert sampling(CONFIGS) == SamplingParams(max_tokens=8)
    assert sampling({"stop": None, "top_k": np.int64(3)}) == SamplingParams(top_k=3)
    assert sampling({"stop": "\n"}).stop == ("\n",)
    with pytest.raises(InvalidInput, match="'max_token' is none of the six parameters; did you"):
        sampling({"max_token": 8})
    with pytest.raises(InvalidInput, match="temperature is -1"):
        sampling({"temperature": -1})
