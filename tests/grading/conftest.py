"""What tests of grading share: a model, a workshop, files as students write them, a grade."""

import re

import pytest

from carrychain import engines
from carrychain.engines.base import Completion, EngineInfo, FinishReason
from carrychain.sandbox import Workshop

PARTS = {
    "imports": "import collections, json, random, re\nimport numpy as np",
    "net_id": "def your_netid():\n    return 'ab1234'",
    "token": "def your_hf_token():\n    return 'hf_' + 'x' * 34",
    "prompt": "def your_prompt():\n    return 'Question: What is ', '?\\nAnswer: '",
    "config": (
        "def your_config():\n    return {'max_tokens': 50, 'temperature': 0.7, 'top_k': 50,\n"
        "            'top_p': 0.6, 'repetition_penalty': 1, 'stop': []}"
    ),
    "pre": "def your_pre_processing(s):\n    return s",
    "post": (
        "def your_post_processing(output_string):\n"
        "    digits = re.findall(r'\\d+', output_string)\n"
        "    return int(digits[0]) if digits else 0"
    ),
}
"""A submission without a fault, part by part."""


@pytest.fixture
def write(tmp_path):
    """Write a submission; parts given by name replace those of PARTS."""

    def write(name="submission.py", **parts):
        assert parts.keys() <= PARTS.keys()
        path = tmp_path / name
        path.write_text("\n\n".join({**PARTS, **parts}.values()) + "\n", "utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def workshop():
    """Where submissions run."""
    with Workshop() as opened:
        yield opened


@pytest.fixture(scope="session")
def mini():
    """The embedded model."""
    return engines.load("mini")


class ScriptedEngine:
    """An engine that answers the "a+b" in a prompt by a function."""

    info = EngineInfo("scripted", "scripted (a script)")
    context = 1000

    def __init__(self, answer):
        self.answer = answer

    def count_tokens(self, text):
        return len(text)

    def generate(self, prompts, params, seeds):
        for index, prompt in enumerate(prompts):
            a, b = map(int, re.search(r"(\d+)\+(\d+)", prompt).groups())
            text = self.answer(a, b)
            yield Completion(index, text, len(text), len(prompt), FinishReason.EOS)


@pytest.fixture
def scripted():
    """Make a scripted engine."""
    return ScriptedEngine
