"""What fits into memory, and what is done when it does not."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from carrychain.engines import memory
from carrychain.engines.attention import Buffers
from carrychain.engines.base import SamplingParams
from carrychain.engines.decoding import Decoder, Request
from carrychain.engines.local import LocalEngine
from carrychain.errors import GenerationFailed

LLAMA2_7B = {"weights": 13_476_831_232, "token": 2 * 32 * 32 * 128 * 2}


@pytest.mark.parametrize(
    ("gigabytes", "slots"), [(80, 64), (141, 128), (24, 16), (16, 4), (1000, 256)]
)
def test_a_larger_gpu_takes_more_rows_of_llama2(gigabytes: int, slots: int) -> None:
    assert memory.gpu_slots(gigabytes * 10**9, **LLAMA2_7B) == slots


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gpt2", "phi", "opt", "gemma"])
def test_the_bytes_of_a_token_are_those_that_are_stored(
    engines: dict[str, Any], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    engine, made = engines[kind], []

    class Kept(Buffers):
        def __init__(self, slots: int, capacity: int) -> None:
            super().__init__(slots, capacity)
            made.append(self)

    monkeypatch.setattr("carrychain.engines.decoding.Buffers", Kept)
    list(engine.generate(["1+2="], SamplingParams(max_tokens=2), [0]))
    buffers = made[-1]
    stored = sum(t.numel() * t.itemsize for layer in buffers._layers.values() for t in layer)
    assert stored == buffers.slots * buffers.capacity * memory.token_bytes(engine.model)


def test_fewer_rows_are_taken_before_the_memory_is_full(
    checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = LocalEngine(checkpoints["llama"], device="cpu")
    prompts, params = [f"{i}+{i}=" for i in range(20)], SamplingParams(max_tokens=4)
    expected = {c.index: c.text for c in engine.generate(prompts, params, range(20))}
    room = 70 * 32 * memory.token_bytes(engine.model)  # for 70 rows of 32 tokens
    monkeypatch.setattr(memory, "free", lambda device: room)
    with caplog.at_level(logging.WARNING, "carrychain"):
        found = {c.index: c.text for c in engine.generate(prompts, params, range(20))}
    assert found == expected
    assert engine.info.settings["slots"] == 64
    assert "with 256 rows side by side; it goes on with 128" in caplog.text
    monkeypatch.setattr(memory, "free", lambda device: 100)
    with pytest.raises(GenerationFailed, match=r"keys and values of 32 tokens need .* GB are free"):
        list(engine.generate(prompts, params, range(20)))


def test_a_model_on_several_devices_gives_the_text_of_generate(
    checkpoints: dict[str, Path], engines: dict[str, Any], tmp_path: Path
) -> None:
    """As a model over two GPUs; here half of its layers stand on the disk."""
    places = {"model.embed_tokens": "cpu", "model.layers.0": "cpu", "model.layers.1": "disk"}
    places |= {"model.norm": "cpu", "model.rotary_emb": "cpu", "lm_head": "cpu"}
    model: Any = AutoModelForCausalLM.from_pretrained(
        checkpoints["llama"], device_map=places, offload_folder=tmp_path, dtype=torch.float32
    ).eval()
    whole = engines["llama"]
    decoder = Decoder(model, whole._decode, frozenset(), slots=4)
    assert decoder.plain_because == "its layers stand on several devices"
    tokens = whole.encode("Question: What is 12+34?")
    (found,) = decoder([Request(0, tokens, 0)], SamplingParams(max_tokens=12, temperature=0))
    expected = whole.model.generate(
        torch.tensor([tokens]), max_new_tokens=12, do_sample=False, eos_token_id=None
    )
    assert list(found.tokens) == expected[0, len(tokens) :].tolist()
