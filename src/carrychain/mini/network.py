"""The network of `mini`: Llama's (Touvron et al. 2023, arXiv:2302.13971), and its export.

It is written in the shape that trains fastest on a CPU; a test compares it with transformers' own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer
from torch import Tensor, nn

from carrychain.mini.tokenizer import BOS, EOS, special_id


@dataclass(frozen=True)
class Architecture:
    """Sizes of the network."""

    vocabulary: int = 1024
    width: int = 192
    layers: int = 6
    heads: int = 6
    feed_forward: int = 512
    context: int = 1536
    rope_theta: float = 10_000.0


class Block(nn.Module):
    """One layer: causal self-attention with rotary positions, then a gated feed-forward part."""

    def __init__(self, size: Architecture):
        super().__init__()
        width = size.width
        self.heads = size.heads
        self.attention_norm = nn.Parameter(torch.ones(width))
        self.q, self.k, self.v, self.o = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.feed_forward_norm = nn.Parameter(torch.ones(width))
        self.gate = nn.Linear(width, size.feed_forward, bias=False)
        self.up = nn.Linear(width, size.feed_forward, bias=False)
        self.down = nn.Linear(size.feed_forward, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        B, T, C = x.shape
        y = _rms_norm(x, self.attention_norm)
        q, k, v = (
            proj(y).view(B, T, self.heads, C // self.heads).transpose(1, 2)  # (B, nh, T, hs)
            for proj in (self.q, self.k, self.v)
        )
        y = _attention(_rotate(q, cos, sin), _rotate(k, cos, sin), v)
        x = x + self.o(y.transpose(1, 2).reshape(B, T, C))
        y = _rms_norm(x, self.feed_forward_norm)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Mini(nn.Module):
    """Tokens (B, T) to logits (B, T, vocabulary)."""

    def __init__(self, size: Architecture):
        super().__init__()
        self.embedding = nn.Embedding(size.vocabulary, size.width)
        self.blocks = nn.ModuleList(Block(size) for _ in range(size.layers))
        self.norm = nn.Parameter(torch.ones(size.width))
        for parameter in self.parameters():
            if parameter.ndim == 2:
                nn.init.normal_(parameter, std=0.02)
        for name, parameter in self.named_parameters():
            if name.endswith((".o.weight", ".down.weight")):  # the ends of the residual branches
                nn.init.normal_(parameter, std=0.02 / (2 * size.layers) ** 0.5)

    def forward(self, tokens: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, cos, sin)
        return F.linear(_rms_norm(x, self.norm), self.embedding.weight)  # embeddings are tied


def rotary(size: Architecture, context: int, device: str) -> tuple[Tensor, Tensor]:
    """Return cosines and sines of the rotary embedding, each (context, hs / 2)."""
    half = size.width // size.heads // 2
    frequencies = size.rope_theta ** (-torch.arange(half, dtype=torch.float32) / half)
    angles = torch.outer(torch.arange(context, dtype=torch.float32), frequencies)
    return angles.cos().to(device), angles.sin().to(device)


def _rms_norm(x: Tensor, scale: Tensor) -> Tensor:
    return F.rms_norm(x, scale.shape, scale.to(x.dtype), eps=1e-5)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    left, right = x.chunk(2, dim=-1)
    return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1)


def _attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    B, nh, T, hs = q.shape
    if q.device.type != "cpu" or T > 512:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    # On a CPU and for short rows the plain product is faster, its backward pass above all.
    mask = torch.full((T, T), float("-inf"), dtype=q.dtype).triu(1)
    q, k, v = q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1)  # (B*nh, T, hs)
    scores = torch.baddbmm(mask.expand(B * nh, T, T), q, k.transpose(1, 2), alpha=hs**-0.5)
    return torch.bmm(scores.softmax(-1), v).view(B, nh, T, hs)


# --- export --------------------------------------------------------------------------------


def export(model: Mini, size: Architecture, tokenizer: Tokenizer, folder: Path) -> None:
    """Save the network as a bfloat16 transformers checkpoint with its tokenizer."""
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    config = LlamaConfig(
        vocab_size=size.vocabulary,
        hidden_size=size.width,
        intermediate_size=size.feed_forward,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        max_position_embeddings=size.context,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": size.rope_theta},
        tie_word_embeddings=True,
        bos_token_id=special_id(tokenizer, BOS),
        eos_token_id=special_id(tokenizer, EOS),
        dtype="bfloat16",
    )
    llama = LlamaForCausalLM(config)
    llama.load_state_dict(llama_state(model), strict=False)
    llama.tie_weights()
    llama.bfloat16().save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BOS, eos_token=EOS, clean_up_tokenization_spaces=False
    ).save_pretrained(folder)


def llama_state(model: Mini) -> dict[str, Tensor]:
    """Return the parameters under the names of transformers' LlamaForCausalLM."""
    state = {
        "model.embed_tokens.weight": model.embedding.weight,
        "lm_head.weight": model.embedding.weight,
        "model.norm.weight": model.norm,
    }
    for i, block in enumerate(model.blocks):
        for ours, theirs in _LLAMA_NAMES.items():
            state[f"model.layers.{i}.{theirs}"] = block.get_parameter(ours)
    return {name: tensor.detach().float().cpu() for name, tensor in state.items()}


_LLAMA_NAMES = {
    "attention_norm": "input_layernorm.weight",
    "q.weight": "self_attn.q_proj.weight",
    "k.weight": "self_attn.k_proj.weight",
    "v.weight": "self_attn.v_proj.weight",
    "o.weight": "self_attn.o_proj.weight",
    "feed_forward_norm": "post_attention_layernorm.weight",
    "gate.weight": "mlp.gate_proj.weight",
    "up.weight": "mlp.up_proj.weight",
    "down.weight": "mlp.down_proj.weight",
}
