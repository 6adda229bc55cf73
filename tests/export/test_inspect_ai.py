"""The task and the models for inspect_ai: the texts and scores are those of evaluate."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from carrychain import Evaluation, SamplingParams, evaluate
from carrychain.addition.prompts import shipped
from carrychain.errors import GenerationFailed

inspect_ai = pytest.importorskip("inspect_ai", reason="inspect_ai is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")  # inspect_ai's own, and those of what it imports


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run a task with a model; return its log."""

    def run(task: Any, model: Any = "carrychain/mini", **options: Any) -> Any:
        (log,) = inspect_ai.eval(
            task, model=model, display="none", log_dir=str(tmp_path), **options
        )
        gc.collect()  # inspect_ai's unclosed streams warn here, where they are let pass
        return log

    return run


def addition(**settings: Any) -> Any:
    from carrychain.peers.inspect_ai import addition as task

    return task(**settings)


def ours(name: str, *, n: int, runs: int = 1, digits: int = 7, **sampling: Any) -> Evaluation:
    prompt = shipped(name)
    return evaluate(
        prompt=prompt.prompt,
        n=n,
        runs=runs,
        digits=digits,
        extract=prompt.extract,
        pre_processing=prompt.pre_processing,
        sampling=SamplingParams(**{**prompt.sampling, **sampling}),
    )


def metrics(log: Any) -> dict[str, float]:
    return {name: m.value for score in log.results.scores for name, m in score.metrics.items()}


SETTINGS = {
    "greedy": ("zero-shot", 1, {"digits": 1, "n": 12, "temperature": 0, "max_tokens": 6}),
    "a long prefix, sampled": ("few-shot", 1, {"n": 8, "max_tokens": 10}),
    "several runs": ("zero-shot", 3, {"digits": 2, "n": 6, "max_tokens": 6}),
    "a prompt that carries stop and length": ("columns", 1, {"n": 3}),
    "a rewritten problem and a penalty": ("spaced", 1, {"n": 3, "repetition_penalty": 1.3}),
}


@pytest.mark.parametrize(("name", "runs", "settings"), SETTINGS.values(), ids=SETTINGS)
def test_texts_answers_and_scores_are_those_of_evaluate_row_by_row(
    run: Any, name: str, runs: int, settings: dict[str, Any]
) -> None:
    evaluation = ours(name, runs=runs, **settings)
    log = run(addition(prompt=name, **settings), epochs=runs)
    assert log.status == "success"
    samples = {(s.metadata["index"], s.epoch - 1): s for s in log.samples}
    assert len(samples) == len(evaluation.rows)
    for row in evaluation.rows:
        sample = samples[row.index, row.run]
        assert sample.input[0].content == row.prompt
        assert sample.output.completion == row.output
        assert sample.output.usage.output_tokens == row.tokens
        score = sample.scores["exact_sum"]
        assert score.answer == (None if row.response is None else str(row.response))
        assert (score.value == "C") == row.correct
    found = metrics(log)
    assert found["accuracy"] == pytest.approx(evaluation.metrics.acc)
    assert found["mean"] == pytest.approx(evaluation.metrics.mae)
    if runs == 1:
        assert (found["lower"], found["upper"]) == pytest.approx(evaluation.metrics.acc_ci)


def test_inspects_own_options_win_over_the_task(run: Any) -> None:
    log = run(addition(n=2, max_tokens=30), temperature=0, max_tokens=3)
    assert all(s.output.usage.output_tokens <= 3 for s in log.samples)
    expected = [row.output for row in ours("zero-shot", n=2, temperature=0, max_tokens=3).rows]
    assert [s.output.completion for s in log.samples] == expected


def test_a_prompt_of_ones_own_is_typed_as_on_our_command_line(run: Any, tmp_path: Path) -> None:
    written = addition(prefix="Add ", suffix=r":\n", n=1)
    (tmp_path / "prompt.txt").write_text("Add {problem}:\n")
    read = addition(prompt_file=str(tmp_path / "prompt.txt"), n=1)
    for task in (written, read):
        assert task.dataset[0].input[0].content == "Add 6732655+3428081:\n"


def test_a_model_that_is_not_ours_gets_the_prompt_and_a_seed_that_servers_take(run: Any) -> None:
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    asked = []

    def answer(messages: Any, tools: Any, choice: Any, config: Any) -> Any:
        asked.append((messages[0].content, config))
        output = ModelOutput.from_content("mock", "It is 7 or so")
        output.usage = ModelUsage()  # else the mock counts tokens with a file from the web
        return output

    model = get_model("mockllm/model", custom_outputs=answer)
    log = run(addition(digits=1, n=3, repetition_penalty=1.1), model=model)
    assert [s.scores["exact_sum"].answer for s in log.samples] == ["7"] * 3
    assert [content for content, _ in asked] == [
        row.prompt for row in ours("zero-shot", n=3, digits=1, max_tokens=1).rows
    ]
    for _, config in asked:
        assert 0 <= config.seed < 1 << 31
        assert (config.temperature, config.top_k, config.top_p) == (0.7, 50, 0.6)
        assert config.extra_body == {"repetition_penalty": 1.1}
    assert len({config.seed for _, config in asked}) == 3


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"prompt": "zeroshot"}, "did you mean zero-shot"),
        ({"prompt": "best", "prefix": "x"}, "use one of them"),
        ({"prefix": ["a", "b"]}, "splits them at commas"),
        ({"extract": {"after:Answer": None}}, "which is no text"),
        ({"extract": "first"}, "no way 'first'"),
        ({"stop": ["a", 3]}, "stop is 3"),
        ({"n": 0}, "at least 1"),
        ({"n": 2.5}, "n is 2.5; it must be a whole number"),
        ({"seed": -1}, "seed is -1"),
        ({"digits": 99}, "1 to 15"),
        ({"temperature": -1}, "temperature is -1"),
        ({"prompt_file": "nowhere.txt"}, "nowhere.txt"),
    ],
)
def test_bad_input_is_the_one_sentence_that_inspect_shows(
    settings: dict[str, Any], said: str
) -> None:
    from inspect_ai._util.error import PrerequisiteError

    with pytest.raises(PrerequisiteError) as raised:
        addition(**settings)
    assert said in str(raised.value.message)


@pytest.mark.parametrize(
    ("model", "arguments", "said"),
    [
        ("carrychain/mimi", {}, "did you mean mini"),
        ("carrychain/mini", {"colour": "red"}, "no model argument 'colour'"),
        ("carrychain/mini", {"dtype": "int3"}, "int3"),
    ],
)
def test_a_model_that_there_is_not_is_one_sentence(
    model: str, arguments: dict[str, Any], said: str
) -> None:
    from inspect_ai._util.error import PrerequisiteError
    from inspect_ai.model import get_model

    with pytest.raises(PrerequisiteError) as raised:
        get_model(model, **arguments)
    assert said in str(raised.value.message)


def test_what_our_models_do_not_have_is_refused_and_not_dropped(run: Any) -> None:
    for option, said in [
        ({"frequency_penalty": 1.0}, "frequency_penalty is set"),
        ({"num_choices": 2}, "num_choices is set"),
        ({"extra_body": {"min_p": 0.1}}, "extra_body.min_p is set"),
        ({"system_message": "Be exact."}, "one user message"),
        ({"max_tokens": 5000}, "the context of mini (embedded teaching model) is"),
    ]:
        log = run(addition(n=2), **option)
        assert log.status == "error"
        assert said in log.error.message


def test_an_engine_that_breaks_down_ends_the_evaluation_for_all_that_wait(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_ai.model import get_model

    model = get_model("carrychain/mini", memoize=False)

    def broken(*arguments: Any) -> Any:
        raise GenerationFailed("it broke down")
        yield

    class Broken:
        info = model.api._engine.info
        generate = broken

    monkeypatch.setattr(model.api, "_engine", Broken())
    log = run(addition(n=5), model=model)
    assert log.status == "error"
    assert "it broke down" in log.error.message


def test_an_engine_that_gives_too_few_answers_keeps_nobody_waiting(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_ai.model import get_model

    model = get_model("carrychain/mini", memoize=False)

    class Silent:
        info = model.api._engine.info

        def generate(self, *arguments: Any) -> Any:
            return iter(())

    monkeypatch.setattr(model.api, "_engine", Silent())
    log = run(addition(n=5), model=model)
    assert log.status == "error"
    assert "gave no answer" in log.error.message


def test_the_command_finds_task_and_models_by_their_names(tmp_path: Path) -> None:
    options = ["--model", "carrychain/mini", "-T", "digits=1", "-T", "n=3", "--max-tokens", "2"]
    options += ["--display", "plain", "--log-dir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "inspect_ai", "eval", "carrychain/addition", *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "carrychain/mini" in done.stdout
    assert "accuracy" in done.stdout


def test_loading_the_entry_point_loads_no_torch() -> None:
    code = "import carrychain.peers.inspect_ai, sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
