"""How prompts are shared out: the prefix once, the rest in slots."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from carrychain.addition.evaluation import evaluate
from carrychain.addition.problems import handout_pairs
from carrychain.addition.prompts import Prompt
from carrychain.engines import attention, decoding, load
from carrychain.engines.base import SamplingParams
from carrychain.engines.decoding import Decoder, common_prefix
from carrychain.engines.local import LocalEngine

token_lists = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=1, max_size=5)


@given(prompts=token_lists)
def test_the_common_prefix_is_the_longest_that_leaves_a_token_of_each(
    prompts: list[list[int]],
) -> None:
    shared = common_prefix(prompts)
    assert all(prompt[:shared] == prompts[0][:shared] for prompt in prompts)
    assert all(len(prompt) > shared for prompt in prompts)
    longer_fits = all(len(prompt) > shared + 1 for prompt in prompts)
    assert not (longer_fits and len({tuple(prompt[: shared + 1]) for prompt in prompts}) == 1)


PREFIX = "Question: What is 1234567+7654321?\nAnswer: 8888888\n" * 3
PROBES = [f"{PREFIX}{p}=" for p in ("0+0", "17+4", "923+55555", "4+1")]


def in_order(engine: Any, prompts: list[str], params: SamplingParams, seeds: Any) -> list[Any]:
    found = engine.generate_sharing(prompts, params, list(seeds), PROBES)
    return sorted(found, key=lambda c: c.index)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[int, ...]]]:
    """The kind and the shape of every forward pass."""
    found: list[tuple[str, tuple[int, ...]]] = []
    forward = Decoder._forward

    def noting(self: Decoder, ids: Any, positions: Any, state: Any) -> Any:
        found.append((type(state).__name__, tuple(ids.shape)))
        return forward(self, ids, positions, state)

    monkeypatch.setattr(Decoder, "_forward", noting)
    return found


def test_the_shared_prefix_is_computed_once_and_kept_for_the_next_call(
    engines: dict[str, Any], passes: list[tuple[str, tuple[int, ...]]]
) -> None:
    engine = engines["llama"]
    prompts = [f"{PREFIX}{i}+{i}=" for i in range(1, 9)]
    shared = common_prefix([engine.encode(p) for p in PROBES])
    assert shared > 40
    engine._decoder._kept = None
    first = in_order(engine, prompts, SamplingParams(max_tokens=3), range(8))
    assert [shape for kind, shape in passes if kind == "PrefixPass"] == [(1, shared)]
    assert sum(kind == "StepPass" for kind, _ in passes) >= 3
    assert all(shape[1] < 16 for kind, shape in passes if kind == "PromptPass")
    passes.clear()
    assert in_order(engine, prompts, SamplingParams(max_tokens=3), range(8)) == first
    assert not [shape for kind, shape in passes if kind == "PrefixPass"]


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gpt2", "phi", "opt", "gemma"])
def test_greedy_text_after_a_shared_prefix_is_that_of_generate(
    engines: dict[str, Any], kind: str
) -> None:
    engine = engines[kind]
    prompts = [
        *(f"{PREFIX}{i}+{'7' * (i % 9)}=" for i in range(20)),
        PREFIX,  # does not reach beyond what is shared
        "What is 1+1?",  # does not begin with it
    ]
    assert not engine._decoder.plain_because
    params = SamplingParams(temperature=0, max_tokens=12)
    for prompt, completion in zip(
        prompts, in_order(engine, prompts, params, range(22)), strict=True
    ):
        inputs = engine.tokenizer(prompt, return_tensors="pt")
        ids = engine.model.generate(
            inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            do_sample=False,
            max_new_tokens=12,
            pad_token_id=1,
        )
        expected = ids[0, inputs["input_ids"].shape[1] :].tolist()
        assert completion.tokens == len(expected)
        assert completion.text == engine.tokenizer.decode(expected, skip_special_tokens=True)


def test_greedy_text_of_64_prompts_of_unequal_length_on_mini_is_that_of_generate() -> None:
    engine: Any = load("mini")
    prompts = [
        f"{'Some words. ' * (i % 5)}Question: What is {37 ** (i % 5)}+{91 ** (i % 4)}?\nAnswer: "
        for i in range(64)
    ]
    assert len({engine.count_tokens(prompt) for prompt in prompts}) > 10
    params = SamplingParams(temperature=0, max_tokens=16)
    for completion in engine.generate_sharing(prompts, params, list(range(64)), PROBES):
        inputs = engine.tokenizer(
            prompts[completion.index], return_tensors="pt", return_token_type_ids=False
        )
        ids = engine.model.generate(**inputs, do_sample=False, max_new_tokens=16, pad_token_id=1)
        expected = ids[0, inputs["input_ids"].shape[1] :].tolist()
        assert completion.tokens == len(expected)
        assert completion.text == engine.tokenizer.decode(expected, skip_special_tokens=True)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["llama", "qwen3", "mistral"])
def test_a_row_rounds_the_same_whatever_n_order_and_neighbours(
    checkpoints: dict[str, Path], kind: str, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only the text: every logit of every step, bit for bit."""
    engine = LocalEngine(checkpoints[kind], dtype=dtype, device="cpu")
    logits: dict[int, list[bytes]] = {}
    push = decoding.Rows.push

    def noting(self: Any, scores: Any) -> Any:
        for slot in self.busy:
            seed = self._rows[slot].request.seed
            logits.setdefault(seed, []).append(scores[slot].float().numpy().tobytes())
        return push(self, scores)

    monkeypatch.setattr(decoding.Rows, "push", noting)
    params = SamplingParams(max_tokens=9, temperature=1.2, top_k=0, top_p=1, stop=("7",))
    prompts = [f"{PREFIX}{i}+{10 ** (i % 5)}=" for i in range(90)]

    def bits(chosen: Sequence[int]) -> dict[int, list[bytes]]:
        logits.clear()
        in_order(engine, [prompts[i] for i in chosen], params, chosen)
        return dict(logits)

    everything = bits(range(90))
    assert len({len(steps) for steps in everything.values()}) > 3
    assert bits(range(89, -1, -1)) == everything
    for few in (range(20, 50), [77], [3, 88]):
        assert bits(few) == {i: everything[i] for i in few}


def test_slots_are_filled_again_as_rows_end(
    engines: dict[str, Any], passes: list[tuple[str, tuple[int, ...]]]
) -> None:
    """With a stop string the steps fall with the tokens that it saves."""
    engine, many = engines["llama"], 3 * engines["llama"]._decoder.slots
    prompts = [f"{PREFIX}{i}+{i}=" for i in range(many)]
    free = SamplingParams(max_tokens=20, temperature=1.0, top_k=0, top_p=1)
    counts = []
    for params in (free, replace(free, stop=tuple("0123456789abcdeinst"))):
        passes.clear()
        completions = in_order(engine, prompts, params, range(many))
        steps = [shape[0] for kind, shape in passes if kind == "StepPass"]
        counts.append((sum(steps), sum(c.tokens for c in completions)))
    (all_steps, all_tokens), (fewer_steps, fewer_tokens) = counts
    assert fewer_tokens < 0.5 * all_tokens
    assert fewer_steps < 0.75 * all_steps
    assert all_steps < 1.2 * all_tokens


@pytest.fixture
def buffers(monkeypatch: pytest.MonkeyPatch) -> weakref.WeakSet[attention.Buffers]:
    """The rows' keys and values that are alive."""
    alive: weakref.WeakSet[attention.Buffers] = weakref.WeakSet()

    class Noted(attention.Buffers):
        def __init__(self, slots: int, capacity: int) -> None:
            super().__init__(slots, capacity)
            alive.add(self)

    monkeypatch.setattr(decoding, "Buffers", Noted)
    return alive


def size(tensors: Iterable[Any]) -> int:
    return sum(t.numel() * t.element_size() for t in tensors)


def test_the_prefix_stands_in_memory_once(
    checkpoints: dict[str, Path], buffers: weakref.WeakSet[attention.Buffers]
) -> None:
    engine = LocalEngine(checkpoints["qwen3"], device="cpu")
    prompts = [f"{PREFIX}{i}+{i}=" for i in range(100)]
    run = engine.generate_sharing(prompts, SamplingParams(max_tokens=4), list(range(100)), PROBES)
    next(run)
    tokens, prefix = engine._decoder._kept
    config = engine.model.config
    a_token = 2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim * 4
    assert size([*prefix.keys, *prefix.values]) == len(tokens) * a_token
    (own,) = [size(t for pair in b._layers.values() for t in pair) for b in buffers if b._layers]
    longest = max(len(engine.encode(p)) for p in prompts) - len(tokens) + 4
    assert longest < 20 < len(tokens)
    assert own <= (engine._decoder.slots + 1) * (longest + 32) * a_token
    run.close()


def test_a_cancelled_run_frees_its_memory(
    engines: dict[str, Any], buffers: weakref.WeakSet[attention.Buffers]
) -> None:
    prompts = [f"{i}+1=" for i in range(9)]
    run = engines["llama"].generate(prompts, SamplingParams(max_tokens=9), range(9))
    next(run)
    assert len(buffers) >= 1
    run.close()
    gc.collect()
    assert not buffers


def test_out_of_memory_halves_the_slots_says_so_and_goes_on(
    checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = LocalEngine(checkpoints["llama"], device="cpu")
    prompts, params = [f"{PREFIX}{i}+{i}=" for i in range(80)], SamplingParams(max_tokens=4)
    expected = in_order(engine, prompts, params, range(80))
    forward = Decoder._forward

    def full_at_40_rows(self: Decoder, ids: Any, positions: Any, state: Any) -> Any:
        if len(ids) > 40:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB")
        return forward(self, ids, positions, state)

    monkeypatch.setattr(Decoder, "_forward", full_at_40_rows)
    assert in_order(engine, prompts, params, range(80)) == expected
    assert engine.info.settings["slots"] == 32
    assert [r.getMessage() for r in caplog.records if r.name == "carrychain"] == [
        "llama ran out of memory with 256 rows side by side; it goes on with 128",
        "llama ran out of memory with 128 rows side by side; it goes on with 64",
        "llama ran out of memory with 64 rows side by side; it goes on with 32",
    ]


def test_an_evaluation_names_the_slots_that_it_ended_with(
    checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = LocalEngine(checkpoints["qwen3"], device="cpu")
    forward = Decoder._forward

    def full_at_100_rows(self: Decoder, ids: Any, positions: Any, state: Any) -> Any:
        if len(ids) > 100:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(self, ids, positions, state)

    monkeypatch.setattr(Decoder, "_forward", full_at_100_rows)
    found = evaluate(
        engine=engine,
        prompt=Prompt("What is ", "?"),
        problems=handout_pairs(0, 1, 10, 3),
        sampling=SamplingParams(max_tokens=2),
    )
    assert found.complete
    assert found.model.settings["slots"] == 64


def test_the_steps_that_a_gpu_takes_give_what_the_fused_kernel_gives() -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(1, 3, 10, 8), torch.randn(1, 3, 70, 8), torch.randn(1, 3, 70, 8)
    for fused, steps in zip(
        attention._attention(q, k, v, 0.3),
        attention.attention_in_steps(q, k, v, 0.3),
        strict=True,
    ):
        assert torch.allclose(fused, steps, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("mistral", "sliding window"),
        ("gemma2", "sliding window"),
        ("bloom", "counts positions itself"),
    ],
)
def test_what_can_not_share_a_prefix_says_why(
    engines: dict[str, Any], kind: str, reason: str
) -> None:
    assert reason in engines[kind].info.settings["prefix"]


def test_a_run_that_is_dropped_half_way_leaves_the_engine_usable(engines: dict[str, Any]) -> None:
    engine = engines["qwen3"]
    prompts, params = [f"{i}+1=" for i in range(6)], SamplingParams(max_tokens=5)
    expected = sorted(engine.generate(prompts, params, range(6)), key=lambda c: c.index)
    run = engine.generate(prompts, params, range(6))
    next(run)
    run.close()
    again = sorted(engine.generate(prompts, params, range(6)), key=lambda c: c.index)
    assert again == expected
