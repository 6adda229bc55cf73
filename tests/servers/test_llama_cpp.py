"""llama-cpp-python's server with SmolLM2."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from carrychain.addition.evaluation import Row, evaluate
from carrychain.addition.problems import handout_pairs
from carrychain.addition.prompts import SHIPPED
from carrychain.engines.base import SamplingParams
from carrychain.engines.conformance import NAMES, check
from carrychain.engines.remote import RemoteEngine

pytestmark = pytest.mark.servers

PROMPTS = ["Question: What is 12+34?\nAnswer: ", "The sea is", "1 2 3 4 5", "To add two numbers,"]


def engine(server: Any) -> RemoteEngine:
    return RemoteEngine(f"{server.url}#smollm2", backoff=0.01)


def test_it_obeys_every_parameter(llama_cpp: Any) -> None:
    remote = engine(llama_cpp)
    assert remote.info.settings["server"] == "llama-cpp-python"
    checks = list(check(remote))
    assert [c.name for c in checks] == list(NAMES)
    assert [c for c in checks if not c.passed] == []


def test_greedy_text_and_counts_are_llama_cpps_own(llama_cpp: Any, gguf: Any) -> None:
    from llama_cpp import Llama

    local = Llama(str(gguf), n_ctx=1024, verbose=False)
    remote = engine(llama_cpp)
    greedy = SamplingParams(temperature=0, max_tokens=16)
    for completion in remote.generate(PROMPTS, greedy, range(4)):
        prompt = PROMPTS[completion.index]
        expected = local.create_completion(
            prompt, max_tokens=16, temperature=0, top_k=0, top_p=1, min_p=0, repeat_penalty=1
        )
        assert completion.text == expected["choices"][0]["text"]
        assert completion.tokens == expected["usage"]["completion_tokens"]
        assert completion.prompt_tokens == remote.count_tokens(prompt)


def test_a_killed_server_leaves_a_partial_evaluation_that_resumes(llama_cpp: Any) -> None:
    remote = engine(llama_cpp)
    arguments: dict[str, Any] = {
        "prompt": SHIPPED["zero-shot"].prompt,
        "problems": handout_pairs(0, 1, 10, 8),
        "sampling": SamplingParams(max_tokens=12),
    }
    whole = evaluate(engine=remote, **arguments)
    assert whole.complete
    arrived: list[Row] = []

    def kill_after_three(row: Row) -> None:
        arrived.append(row)
        if len(arrived) == 3:
            threading.Thread(target=llama_cpp.stop).start()

    partial = evaluate(engine=remote, on_row=kill_after_three, **arguments)
    assert not partial.complete
    assert 3 <= len(partial.rows) < 8
    assert "the connection failed" in str(partial.interruption)
    llama_cpp.start()
    finished = evaluate(engine=engine(llama_cpp), resume=partial, **arguments)
    assert finished.complete
    assert len(finished.rows) == len(whole.rows)
    assert set(partial.rows) <= set(finished.rows)
