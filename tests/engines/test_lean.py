"""Llama in few operations: what transformers computes, and only where that is what it computes."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from carrychain.engines.attention import Buffers, Prefix, PrefixPass, PromptPass, StepPass
from carrychain.engines.base import SamplingParams
from carrychain.engines.decoding import Decoder
from carrychain.engines.lean import LeanLlama, is_plain_llama
from carrychain.engines.local import LocalEngine

from .conftest import tiny_config

pytestmark = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="needs oneDNN's packed products"
)


def llama(**changes: Any) -> Any:
    torch.manual_seed(0)
    config = tiny_config("llama", 99)
    for name, value in changes.items():
        setattr(config, name, value)
    return AutoModelForCausalLM.from_config(config).eval()


@torch.inference_mode()
def logits(model: Any, ids: torch.Tensor) -> torch.Tensor:
    """The last logits of rows that share two tokens, by way of a prefix, a prompt and a step."""
    lean, buffers, positions = LeanLlama(model), Buffers(len(ids), 50), torch.arange(ids.shape[1])
    positions, rows = positions.expand(len(ids), -1), torch.arange(len(ids))
    computing = PrefixPass()
    lean(ids[:1, :2], positions[:1, :2], computing)
    lean(ids[:, 2:-1], positions[:, 2:-1], PromptPass(computing.prefix, buffers, rows, 0))
    own = torch.full((len(ids),), ids.shape[1] - 3)
    step = StepPass(computing.prefix, buffers, own, 2)
    return lean(ids[:, -1:], positions[:, -1:], step)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_key_value_heads": 2},
        {"head_dim": 24},
        {"rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 500.0}},
        {"tie_word_embeddings": True},
    ],
    ids=["plain", "grouped", "wide heads", "scaled positions", "tied"],
)
def test_logits_are_those_of_transformers(changes: dict[str, Any]) -> None:
    model = llama(**changes)
    assert is_plain_llama(model)
    ids = torch.randint(0, 99, (3, 45))
    ids[:, :2] = 7
    with torch.inference_mode():
        expected = model(ids).logits[:, -1]
    assert torch.allclose(logits(model, ids), expected, atol=1e-4)


class Adapted(nn.Linear):
    """Stands for an adapter, a quantised layer, or what else a library puts in a layer's place."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(x)


def test_what_is_no_plain_llama_is_computed_by_its_own_modules(engines: dict[str, Any]) -> None:
    adapted = llama()
    for layer in adapted.model.layers:
        old = layer.mlp.up_proj
        layer.mlp.up_proj = Adapted(old.in_features, old.out_features, bias=False)
        layer.mlp.up_proj.weight = old.weight
    others = [adapted, llama(hidden_act="gelu"), llama(mlp_bias=True), llama(attention_bias=True)]
    for model in [*others, engines["qwen3"].model]:
        assert not is_plain_llama(model)
        decoder = Decoder(model, str, frozenset(), 4)
        assert not decoder.plain_because
        assert decoder._lean is None


def test_a_llama_that_is_loaded_takes_few_operations_and_stays_as_it_was(
    engines: dict[str, Any],
) -> None:
    engine: LocalEngine = engines["llama"]
    assert engine._decoder._lean is not None
    before = copy.deepcopy(engine.model.state_dict())
    list(engine.generate(["1+1="], SamplingParams(max_tokens=3), [0]))
    after = engine.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("groups", "heads", "size"), [(6, 6, 32), (3, 9, 64), (4, 4, 8)])
def test_a_row_rounds_the_same_however_long_its_neighbours_are(
    dtype: torch.dtype, groups: int, heads: int, size: int
) -> None:
    """A step reads as many blocks as the longest row fills."""
    torch.manual_seed(1)
    slots, tokens = 40, 30

    def some(*shape: int) -> torch.Tensor:
        return torch.randn(shape).to(dtype)

    prefix = Prefix(50, [some(1, groups, 50, size)], [some(1, groups, 50, size)])
    buffers = Buffers(slots, 200)
    written = some(slots, groups, 180, size), some(slots, groups, 180, size)
    PromptPass(prefix, buffers, torch.arange(slots), 0).write(0, *written)
    q, k, v = some(slots, heads, 1, size), *(some(slots, groups, 1, size) for _ in range(2))
    lengths = torch.randint(0, tokens, (slots,))
    found = {
        StepPass(prefix, buffers, lengths, read).attend(0, q, k, v, 0.3).float().numpy().tobytes()
        for read in range(1, 7)
    }
    assert len(found) == 1
