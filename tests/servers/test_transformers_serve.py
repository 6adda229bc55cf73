"""`transformers serve` with the embedded model: its text is transformers' own."""

from __future__ import annotations

from typing import Any

import pytest

from carrychain import engines
from carrychain.engines.base import SamplingParams
from carrychain.engines.conformance import check
from carrychain.engines.registry import mini_weights
from carrychain.engines.remote import RemoteEngine

pytestmark = pytest.mark.servers


def test_it_obeys_every_parameter_and_says_what_the_local_engine_says(
    transformers_serve: Any,
) -> None:
    remote = RemoteEngine(f"{transformers_serve.url}#{mini_weights()}")
    assert remote.info.settings["server"] == "transformers"
    assert [c for c in check(remote) if not c.passed] == []
    prompts = [f"Question: What is {i}{i}+{i * i}?\nAnswer: " for i in range(1, 6)]
    for params in (
        SamplingParams(temperature=0, max_tokens=20),
        SamplingParams(temperature=0, max_tokens=20, stop=("\n",)),
        SamplingParams(temperature=0, max_tokens=20, repetition_penalty=1.3),
    ):
        served = {c.index: c for c in remote.generate(prompts, params, range(5))}
        for local in engines.load("mini").generate(prompts, params, range(5)):
            assert served[local.index] == local
