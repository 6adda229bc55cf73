"""Llama's forward pass in as few operations as it has, for the CPU.

A small model's matrix products are over so soon that what surrounds them counts: a hundred modules
called from Python, and sums and products of their own. Here one product gives queries, keys and
values, and a product's result is multiplied or added to where it is made.

Touvron et al. 2023, "LLaMA" (arXiv:2302.13971), section 2.2.

Shapes: B rows, T tokens a row, V tokens of the vocabulary, d features, m features inside the MLP,
H query heads, N key heads, hs features a head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, rms_norm, silu
from transformers import LlamaForCausalLM
from transformers.activations import SiLUActivation
from transformers.models.llama import modeling_llama as llama

from carrychain.engines.attention import Pass
from carrychain.engines.packed import MOST_BYTES, linear, linear_plus, linear_times, pack, packs


@dataclass(frozen=True, slots=True)
class _Layer:
    """A layer's weights; all but the two of the norms, (d,), are packed."""

    norm: Tensor
    qkv: Tensor  # ((H + 2 N) hs, d)
    out: Tensor  # (d, H hs)
    mlp_norm: Tensor
    gate: Tensor  # (m, d)
    up: Tensor  # (m, d)
    down: Tensor  # (d, m)


class LeanLlama:
    """Computes what a Llama of transformers does, inside a `Pass`.

    Args:
        model: one that `is_plain_llama`; its weights are copied, but for the embedding.
    """

    def __init__(self, model: Any) -> None:
        inner, config = model.model, model.config
        self._heads: int = config.num_attention_heads
        self._key_heads: int = config.num_key_value_heads
        self._eps: float = config.rms_norm_eps
        self._embedding: Tensor = inner.embed_tokens.weight  # (V, d)
        self._turns = _turns(inner.rotary_emb, config.max_position_embeddings)
        self._layers = [_layer(layer, self._heads, self._key_heads) for layer in inner.layers]
        self._norm: Tensor = inner.norm.weight
        self._head = pack(model.lm_head.weight)  # (V, d)

    def __call__(self, ids: Tensor, positions: Tensor, state: Pass) -> Tensor:
        """Return the last token's logits, (B, V); none, (B, 0), from a pass that only writes.

        Args:
            ids: the tokens, (B, T).
            positions: their positions, (B, T).
            state: where their keys and values go, and what they see.
        """
        rows, tokens = ids.shape
        x = embedding(ids, self._embedding).flatten(0, 1)  # (B T, d)
        turns = self._turns[positions][:, :, None]  # (B, T, 1, hs / 2)
        turned = self._heads + self._key_heads
        for i, layer in enumerate(self._layers):
            qkv = linear(self._normed(x, layer.norm), layer.qkv)
            heads = qkv.view(rows, tokens, turned + self._key_heads, -1)
            qk = _turn(heads[:, :, :turned], turns).transpose(1, 2)  # (B, H + N, T, hs)
            q, k, v = qk[:, : self._heads], qk[:, self._heads :], heads[:, :, turned:]
            v = v.transpose(1, 2)  # (B, N, T, hs)
            if state.only_writes and layer is self._layers[-1]:
                state.write(i, k, v)
                break
            read = state.attend(i, q, k, v, q.shape[-1] ** -0.5)  # (B, T, H, hs)
            x = linear_plus(read.reshape(rows * tokens, -1), layer.out, x)
            normed = self._normed(x, layer.mlp_norm)
            inside = linear_times(normed, layer.up, silu(linear(normed, layer.gate), inplace=True))
            x = linear_plus(inside, layer.down, x)
        if state.only_writes:
            return x.new_empty(rows, 0)
        last = x.view(rows, tokens, -1)[:, -1]  # (B, d)
        return linear(self._normed(last, self._norm), self._head)

    def _normed(self, x: Tensor, weight: Tensor) -> Tensor:
        return rms_norm(x, weight.shape, weight, self._eps)


def is_plain_llama(model: Any) -> bool:
    """Whether `LeanLlama` computes what a model does, and this machine has the operations."""
    if type(model) is not LlamaForCausalLM or model.config.hidden_act != "silu":
        return False
    modules: list[Any] = list(model.modules())
    weights = [module.weight for module in modules if type(module) is nn.Linear]
    return (
        {type(module) for module in modules} <= _MODULES
        and not (model.config.attention_bias or model.config.mlp_bias)
        and all(packs(weight) for weight in weights)
        and model.get_memory_footprint() <= MOST_BYTES
    )


_MODULES: frozenset[type] = frozenset(
    {
        *(LlamaForCausalLM, llama.LlamaModel, llama.LlamaDecoderLayer, llama.LlamaAttention),
        *(llama.LlamaMLP, llama.LlamaRMSNorm, llama.LlamaRotaryEmbedding),
        *(nn.ModuleList, nn.Embedding, nn.Linear, nn.SiLU, SiLUActivation),
    }
)
"""What a Llama consists of; an adapter or a quantised layer is something else."""


def _layer(layer: Any, heads: int, key_heads: int) -> _Layer:
    attention, mlp = layer.self_attn, layer.mlp
    q = _side_by_side(attention.q_proj.weight, heads)
    k = _side_by_side(attention.k_proj.weight, key_heads)
    return _Layer(
        layer.input_layernorm.weight,
        pack(torch.cat((q, k, attention.v_proj.weight))),
        pack(attention.o_proj.weight),
        layer.post_attention_layernorm.weight,
        *(pack(linear.weight) for linear in (mlp.gate_proj, mlp.up_proj, mlp.down_proj)),
    )


# --- rotary positions (Su et al. 2021, arXiv:2104.09864) ------------------------------------------
# Two features are turned as one complex number. transformers pairs feature i with i + hs / 2; here
# the two stand side by side, in queries and keys alike, so that no score changes.


def _side_by_side(weight: Tensor, heads: int) -> Tensor:
    """Return the rows of q's or k's weight, (heads hs, d), with paired features together."""
    return weight.view(heads, 2, -1, weight.shape[1]).transpose(1, 2).flatten(0, 2)


def _turns(rotary: Any, positions: int) -> Tensor:
    """Return e^(i angle) of each position and pair of features, complex (positions, hs / 2)."""
    cos, sin = rotary(torch.zeros(1), torch.arange(positions)[None])  # (1, positions, hs)
    return torch.complex(cos, sin)[0, :, : cos.shape[-1] // 2]


def _turn(x: Tensor, turns: Tensor) -> Tensor:
    """Turn each head of x, (B, T, heads, hs), by its token's position."""
    pairs = torch.view_as_complex(x.float().view(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * turns).flatten(-2).to(x.dtype)
