"""Outputs replayed from a saved evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carrychain.engines.base import FinishReason, SamplingParams
from carrychain.engines.recorded import RecordedEngine
from carrychain.errors import InvalidInput, ModelUnavailable

PARAMS = SamplingParams()


def save(folder: Path, rows: Any) -> Path:
    path = folder / "run.json"
    path.write_text(json.dumps({"model": {"name": "mini"}, "rows": rows}))
    return path


def row(
    prompt: str, output: str | None, seed: int | None = None, reason: str = "length"
) -> dict[str, Any]:
    return {
        "prompt": prompt,
        "output": output,
        "seed": seed,
        "finish_reason": reason,
        "a": 1,
        "b": 2,
    }


def texts(engine: RecordedEngine, prompts: list[str], seeds: list[int]) -> list[str]:
    return [c.text for c in engine.generate(prompts, PARAMS, seeds)]


def test_prompt_and_seed_decide(tmp_path: Path) -> None:
    engine = RecordedEngine(save(tmp_path, [row("1+1=", "2", 10), row("1+1=", "3", 11, "stop")]))
    assert texts(engine, ["1+1=", "1+1="], [11, 10]) == ["3", "2"]
    (completion,) = engine.generate(["1+1="], PARAMS, [11])
    assert completion.finish_reason is FinishReason.STOP


def test_unknown_seeds_take_rows_in_order_of_the_file_and_keep_them(tmp_path: Path) -> None:
    engine = RecordedEngine(
        save(tmp_path, [row("p", "first"), row("q", "other"), row("p", "second")])
    )
    assert texts(engine, ["p", "q"], [1, 2]) == ["first", "other"]
    assert texts(engine, ["p"], [3]) == ["second"]
    assert texts(engine, ["p", "p"], [3, 1]) == ["second", "first"]
    with pytest.raises(InvalidInput, match="2 outputs for the prompt 'p'"):
        engine.generate(["p"], PARAMS, [4])


def test_a_prompt_that_is_not_in_the_file_is_refused_before_any_output(tmp_path: Path) -> None:
    engine = RecordedEngine(save(tmp_path, [row("p", "x"), row("failed", None)]))
    for prompt in ("new", "failed"):
        with pytest.raises(InvalidInput, match=f"holds no output for the prompt '{prompt}'"):
            engine.generate(["p", prompt], PARAMS, [0, 1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is not JSON"),
        ("[]", "has no rows"),
        ('{"rows": 3}', "has no rows"),
        ('{"rows": [{"prompt": "p", "output": "x"}, {"output": "x"}]}', r"rows\[1\] needs prompt"),
        ('{"rows": [7]}', r"rows\[0\] needs prompt"),
        (
            '{"rows": [{"prompt": "p", "output": "x", "finish_reason": "bored"}]}',
            "stop, length, eos",
        ),
    ],
)
def test_a_file_that_is_no_evaluation_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "run.json"
    path.write_text(content)
    with pytest.raises(ModelUnavailable, match=message):
        RecordedEngine(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"nowhere\.json can't be read: No such file"):
        RecordedEngine(tmp_path / "nowhere.json")
