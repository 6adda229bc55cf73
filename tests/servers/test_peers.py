"""SmolLM2 in three places: carrychain, inspect_ai, lm-evaluation-harness. One row, one answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from carrychain import Evaluation, SamplingParams, engines, evaluate
from carrychain.addition.problems import bounds_of_digits, handout_pairs
from carrychain.addition.prompts import shipped
from carrychain.peers.lm_eval import TASK, export

pytestmark = [pytest.mark.servers, pytest.mark.filterwarnings("ignore")]

CASES = {
    "one digit": ("zero-shot", 1, 10, {"max_tokens": 8}),
    "seven digits after eight examples": ("few-shot", 7, 4, {"max_tokens": 24}),
    "two digits in columns, with a stop string": ("columns", 2, 3, {"max_tokens": 60}),
    "spaced, with a penalty": ("spaced", 3, 4, {"max_tokens": 16, "repetition_penalty": 1.3}),
    "the last number": ("steps", 2, 3, {"max_tokens": 24}),
}


@pytest.fixture(scope="module")
def folder(gguf: Path) -> str:
    return str(engines.load("smollm2", dtype="float32").model.config._name_or_path)


@pytest.fixture(scope="module")
def harness_model(folder: str) -> Any:
    lm_eval = pytest.importorskip("lm_eval", reason="lm_eval is not installed")
    from lm_eval.api.registry import get_model

    assert lm_eval
    return get_model("hf")(pretrained=folder, dtype="float32", device="cpu", batch_size=1)


def sampling(name: str, settings: dict[str, Any]) -> SamplingParams:
    return SamplingParams(**{**shipped(name).sampling, "temperature": 0, **settings})


def ours(name: str, digits: int, n: int, settings: dict[str, Any]) -> Evaluation:
    prompt = shipped(name)
    return evaluate(
        prompt=prompt.prompt,
        model="smollm2",
        digits=digits,
        n=n,
        extract=prompt.extract,
        pre_processing=prompt.pre_processing,
        sampling=sampling(name, settings),
    )


@pytest.mark.parametrize(("name", "digits", "n", "settings"), CASES.values(), ids=CASES)
def test_inspect_ai_gives_the_same_answers(
    tmp_path: Path, gguf: Path, name: str, digits: int, n: int, settings: dict[str, Any]
) -> None:
    inspect_ai = pytest.importorskip("inspect_ai", reason="inspect_ai is not installed")
    from carrychain.peers.inspect_ai import addition

    (log,) = inspect_ai.eval(
        addition(prompt=name, digits=digits, n=n, temperature=0, **settings),
        model="carrychain/smollm2",
        display="none",
        log_dir=str(tmp_path),
    )
    found = sorted(log.samples, key=lambda sample: sample.metadata["index"])
    scores = [sample.scores["exact_sum"] for sample in found]
    evaluation = ours(name, digits, n, settings)
    assert [s.output.completion for s in found] == [row.output for row in evaluation.rows]
    assert [s.answer for s in scores] == [
        None if row.response is None else str(row.response) for row in evaluation.rows
    ]
    assert [s.value == "C" for s in scores] == [row.correct for row in evaluation.rows]


@pytest.mark.parametrize(("name", "digits", "n", "settings"), CASES.values(), ids=CASES)
def test_lm_eval_gives_the_same_answers(
    tmp_path: Path,
    harness_model: Any,
    name: str,
    digits: int,
    n: int,
    settings: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import lm_eval
    from lm_eval.tasks import TaskManager

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    prompt = shipped(name)
    export(
        tmp_path,
        prompt=prompt.prompt,
        problems=handout_pairs(0, *bounds_of_digits(digits), n),
        sampling=sampling(name, settings),
        extract=prompt.extract,
        pre_processing=prompt.pre_processing,
    )
    results = lm_eval.simple_evaluate(
        model=harness_model,
        tasks=[TASK],
        task_manager=TaskManager(include_path=str(tmp_path), include_defaults=False),
        log_samples=True,
    )
    assert results is not None
    found = sorted(results["samples"][TASK], key=lambda sample: sample["doc_id"])
    evaluation = ours(name, digits, n, settings)
    assert [s["arguments"][0][0] for s in found] == [row.prompt for row in evaluation.rows]
    assert [s["resps"][0][0] for s in found] == [row.output for row in evaluation.rows]
    assert [s["exact_match"] for s in found] == [row.correct for row in evaluation.rows]
    assert [s["mae"] for s in found] == [
        abs(row.answer - (row.response or 0)) for row in evaluation.rows
    ]
    metrics = results["results"][TASK]
    way = prompt.extract.partition(":")[0]
    assert metrics[f"exact_match,{way}"] == pytest.approx(evaluation.metrics.acc)
    assert metrics[f"mae,{way}"] == pytest.approx(evaluation.metrics.mae)


def test_one_digit_sums_are_not_all_wrong_so_that_equal_means_something(gguf: Path) -> None:
    assert 0 < ours(*CASES["one digit"]).metrics.acc < 1
