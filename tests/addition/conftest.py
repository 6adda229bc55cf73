"""The recorded runs and a scripted engine."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from carrychain.engines.base import Completion, EngineInfo, FinishReason

RECORDED = Path(__file__).parents[1] / "data" / "recorded_runs.json"


@pytest.fixture(scope="session")
def recorded_runs():
    """Executed runs of the assignment's notebook, by id."""
    return {run["id"]: run for run in json.loads(RECORDED.read_text("utf-8"))["runs"]}


class ScriptedEngine:
    """An engine that answers "a+b" in a prompt by a function; it can be told to break down.

    Completions come last prompt first, as an engine may finish them in any order.
    """

    context = None

    def __init__(self, answer, name="scripted", fail_after=None, error=None):
        self.info = EngineInfo(name, f"{name} (a script)", "r1", {"dtype": "none"})
        self.answer = answer
        self.fail_after = fail_after
        self.error = error
        self.asked = []

    def count_tokens(self, text):
        return len(text.split())

    def generate(self, prompts, params, seeds):
        assert len(prompts) == len(seeds)
        self.asked.append(list(zip(prompts, seeds, strict=True)))
        for done, index in enumerate(reversed(range(len(prompts)))):
            if done == self.fail_after:
                raise self.error
            a, b = map(int, re.search(r"(\d+)\+(\d+)", prompts[index]).groups())
            text = self.answer(a, b, seeds[index])
            yield Completion(index, text, len(text), len(prompts[index]), FinishReason.EOS)


@pytest.fixture
def scripted():
    """Make a scripted engine."""
    return ScriptedEngine
