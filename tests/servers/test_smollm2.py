"""SmolLM2 as it was fetched and converted: against llama.cpp's tokens and transformers' text."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch

from carrychain import engines
from carrychain.engines.base import SamplingParams

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def smollm2() -> Any:
    return engines.load("smollm2")


def test_its_tokens_are_llama_cpps(smollm2: Any, gguf: Any) -> None:
    from llama_cpp import Llama

    vocabulary = Llama(str(gguf), vocab_only=True, n_ctx=8, verbose=False)
    rng = random.Random(0)
    parts = [
        "a",
        "the ",
        " quick",
        "7",
        "42",
        "+",
        "=",
        "\n",
        "  ",
        ".",
        "é",
        "☃",
        "'s",
        "\t",
        "日本",
    ]
    texts = ["".join(rng.choices(parts, k=rng.randint(1, 25))) for _ in range(300)]
    for text in texts:
        expected = vocabulary.tokenize(text.encode(), add_bos=False, special=False)
        assert smollm2.encode(text) == expected, text


def test_greedy_text_of_64_prompts_of_unequal_length_is_that_of_generate(smollm2: Any) -> None:
    rng = random.Random(1)
    prompts = [
        f"{'Some words. ' * (i % 7)}Question: What is {rng.randint(1, 10 ** (1 + i % 7))}+"
        f"{rng.randint(1, 10**7)}?\nAnswer: "
        for i in range(64)
    ]
    params = SamplingParams(temperature=0, max_tokens=12)
    found = {c.index: c for c in smollm2.generate(prompts, params, range(64))}
    shared = {
        c.index: c for c in smollm2.generate_sharing(prompts, params, range(64), prompts[::7])
    }
    for i, prompt in enumerate(prompts):
        inputs = smollm2.tokenizer(prompt, return_tensors="pt")
        with torch.inference_mode():
            ids = smollm2.model.generate(**inputs, do_sample=False, max_new_tokens=12)
        expected = ids[0, inputs["input_ids"].shape[1] :].tolist()
        assert found[i].tokens == len(expected)
        assert found[i].text == smollm2.tokenizer.decode(expected, skip_special_tokens=True)
        assert shared[i] == found[i]
