"""Attention in which all rows of a batch share the keys and values of one prefix.

The prefix is stored once, without a batch dimension. The queries of all rows attend to it in one
product and each row's own tokens are attended to apart (Juravsky et al. 2024, "Hydragen",
arXiv:2402.05099). With out and lse, the log-sum-exp of the scores, of the part over the prefix,

    softmax over both = softmax over [own scores, lse] @ [own values, out]

so the prefix joins a row's own tokens as one column more.

transformers calls `attend` in place of its own attention: a forward pass is given one of the passes
below as the argument `shared_prefix`, no cache, and explicit positions.

Shapes: B rows, T tokens a row, H query heads, N key heads (H = N * g), hs features a head,
P tokens of prefix, C columns a block of the buffers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention
from transformers import AttentionInterface, DynamicCache
from transformers.cache_utils import DynamicLayer

IMPLEMENTATION = "carrychain_shared_prefix"
"""The name under which `register` makes `attend` known to transformers."""

COLUMNS = 32
"""Tokens of a row whose keys are multiplied together."""

# What a model may tell its attention and what changes nothing here. Anything else (a window, soft
# capping, sinks, a position bias) would be dropped silently, so it is refused.
_NEUTRAL = frozenset({"position_ids", "use_cache", "cache_position", "output_attentions"})


class NotServed(Exception):
    """A model asks its attention for something that shared-prefix attention does not do."""


class Pass(Protocol):
    """One forward pass: where new keys and values go, and what the queries see."""

    only_writes: bool
    """Whether nobody asks for the logits: then the last layer's keys and values are enough."""

    def write(self, layer: int, k: Tensor, v: Tensor) -> None:
        """Store k and v, (B, N, T, hs)."""
        ...

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """Store k and v, (B, N, T, hs), and return what q, (B, H, T, hs), reads: (B, T, H, hs)."""
        ...


def register() -> None:
    """Make `attend` known to transformers, which builds no mask for a name it has no mask for."""
    AttentionInterface.register(IMPLEMENTATION, attend)


def why_not(model: Any) -> str:
    """Return why a model's attention can't be replaced, as far as its description tells, or ''."""
    accepted = inspect.signature(model.forward).parameters
    config = model.config.get_text_config()
    layers = DynamicCache(config=model.config).layers
    if "position_ids" not in accepted:
        return "it counts positions itself"
    if not getattr(model, "_supports_attention_backend", False):
        return "its attention can't be replaced"
    if not layers or any(type(layer) is not DynamicLayer for layer in layers):
        return "it has layers with a sliding window or a recurrent state"
    if set(_rope_types(getattr(config, "rope_parameters", None))) & {"dynamic", "longrope"}:
        return "its positions are scaled by the length of the text"
    return ""


def _rope_types(parameters: Any) -> Iterator[str]:
    """Yield the kinds of rotary positions, one for the model or one a kind of layer."""
    if isinstance(parameters, dict):
        described = cast(dict[str, Any], parameters)
        if "rope_type" in described:
            yield described["rope_type"]
        for value in described.values():
            yield from _rope_types(value)


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    shared_prefix: Pass,
    scaling: float | None = None,
    dropout: float = 0.0,
    **others: Any,
) -> tuple[Tensor, None]:
    """Attend as transformers' attention functions do, with the keys and values of a `Pass`.

    Raises:
        NotServed: the model hands over a mask, or an argument that this does not know.
    """
    asked = [name for name, value in others.items() if value is not None and name not in _NEUTRAL]
    if attention_mask is not None:
        asked.append("attention_mask")
    if dropout:
        asked.append("dropout")
    if asked == ["is_causal"] and others["is_causal"]:
        asked = []
    if asked:
        raise NotServed(", ".join(asked))
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return shared_prefix.attend(module.layer_idx, query, key, value, scale), None


# --- the keys and values --------------------------------------------------------------------------


@dataclass(slots=True)
class Prefix:
    """Keys and values of the tokens that all rows begin with, a layer each (1, N, P, hs)."""

    length: int
    keys: list[Tensor]
    values: list[Tensor]


class Buffers:
    """Keys and values of the rows' own tokens, a layer each (blocks, slots, N, C, hs).

    A row's tokens go on from block to block. However many blocks are read, because some row is
    long, each is multiplied in the same shape, and what a short row adds to its sums is 0: a row's
    rounding does not depend on its neighbours' lengths. And each block is read from end to end.

    The first block's first column stays empty: `_joined` puts the prefix there.

    Args:
        slots: number of rows.
        capacity: columns, one more than the tokens that a row can have; whole blocks are made.
    """

    def __init__(self, slots: int, capacity: int) -> None:
        self.slots, self.capacity = slots, blocks(capacity) * COLUMNS
        self._layers: dict[int, tuple[Tensor, Tensor]] = {}

    def layer(self, index: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Return a layer's keys and values; made at its first use, like k and v in shape."""
        if index not in self._layers:
            self._layers[index] = (self._empty(k), self._empty(v))
        return self._layers[index]

    def _empty(self, like: Tensor) -> Tensor:
        _, heads, _, size = like.shape
        # Zeros, for a masked NaN would still be one.
        return like.new_zeros(blocks(self.capacity), self.slots, heads, COLUMNS, size)


def blocks(columns: int) -> int:
    """Return how many blocks hold so many columns."""
    return -(-columns // COLUMNS)


# --- the passes -----------------------------------------------------------------------------------


class PrefixPass:
    """Computes a prefix: one row, causal, in chunks of any length."""

    only_writes = True

    def __init__(self) -> None:
        self.prefix = Prefix(0, [], [])

    def write(self, layer: int, k: Tensor, v: Tensor) -> None:
        """Append k and v."""
        prefix = self.prefix
        if layer == len(prefix.keys):
            # A copy: k and v may be views of a tensor that holds more.
            prefix.keys.append(k.contiguous())
            prefix.values.append(v.contiguous())
        else:
            prefix.keys[layer] = torch.cat((prefix.keys[layer], k), dim=2)
            prefix.values[layer] = torch.cat((prefix.values[layer], v), dim=2)
        prefix.length = prefix.keys[layer].shape[2]

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """Append k and v and attend causally to all that is there."""
        self.write(layer, k, v)
        k, v = self.prefix.keys[layer], self.prefix.values[layer]
        new, end = q.shape[2], k.shape[2]
        causal = None if new == end else _causal(new, end, q.device)
        out = scaled_dot_product_attention(
            q, k, v, attn_mask=causal, is_causal=causal is None, scale=scale, enable_gqa=True
        )
        return out.transpose(1, 2)


class PromptPass:
    """Writes T tokens of some rows' prompts, at the same columns of each, after the prefix.

    Args:
        prefix: what the rows begin with, or None.
        buffers: where the rows' own tokens are.
        rows: which slots, int64 (B,).
        start: how many own tokens come before; they are written.
    """

    only_writes = True

    def __init__(self, prefix: Prefix | None, buffers: Buffers, rows: Tensor, start: int) -> None:
        self._prefix, self._buffers, self._rows, self._start = prefix, buffers, rows, start
        self._mask: Tensor | None = None

    def write(self, layer: int, k: Tensor, v: Tensor) -> None:
        """Write k and v."""
        columns = 1 + self._start + torch.arange(k.shape[2], device=k.device)
        block, column = columns // COLUMNS, columns % COLUMNS  # (T,)
        for whole, new in zip(self._buffers.layer(layer, k, v), (k, v), strict=True):
            whole[block, self._rows[:, None], :, column] = new.transpose(1, 2)  # (B, T, N, hs)

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """Write k and v; every token sees the prefix, the columns before it and itself."""
        self.write(layer, k, v)
        tokens = k.shape[2]
        end = self._start + tokens
        keys, values = (
            whole[: blocks(1 + end), self._rows].movedim(0, 2).flatten(2, 3)[:, :, : 1 + end]
            for whole in self._buffers.layer(layer, k, v)
        )
        own = [(keys, values)]  # each (B, N, 1 + end, hs)
        if self._mask is None:
            seen = pad(_causal(tokens, end, q.device), (1, 0))
            self._mask = _additive(seen.repeat(q.shape[1] // k.shape[1], 1), q.dtype)
        return _merged(layer, q, self._prefix, own, self._mask, scale)


class StepPass:
    """Writes one token in each of the first B slots, after the tokens that the slot holds.

    Args:
        prefix: what the rows begin with, or None.
        buffers: where the rows' own tokens are.
        lengths: own tokens of each row before this one, int64 (B,).
        read: how many of the buffers' blocks hold anything.
    """

    only_writes = False

    def __init__(self, prefix: Prefix | None, buffers: Buffers, lengths: Tensor, read: int) -> None:
        self._prefix, self._buffers, self._lengths = prefix, buffers, lengths
        self._read = read
        self._places: Tensor | None = None
        self._mask: Tensor | None = None

    def write(self, layer: int, k: Tensor, v: Tensor) -> None:
        """Write k and v."""
        keys, values = self._buffers.layer(layer, k, v)
        rows, groups = k.shape[:2]
        if self._places is None:  # of each row's and head's next column, among all columns
            column = 1 + self._lengths
            row = (column // COLUMNS) * self._buffers.slots + torch.arange(rows, device=k.device)
            head = row[:, None] * groups + torch.arange(groups, device=k.device)
            self._places = (head * COLUMNS + (column % COLUMNS)[:, None]).flatten()  # (B * N,)
        keys.view(-1, keys.shape[-1]).index_copy_(0, self._places, k.flatten(0, 2))
        values.view(-1, values.shape[-1]).index_copy_(0, self._places, v.flatten(0, 2))

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        """Write k and v; every row sees the prefix and its own tokens."""
        self.write(layer, k, v)
        rows = len(self._lengths)
        keys, values = self._buffers.layer(layer, k, v)
        own = [(keys[i, :rows], values[i, :rows]) for i in range(self._read)]
        if self._mask is None:
            at = torch.arange(self._read * COLUMNS, device=k.device)
            seen = (at > 0) & (at <= 1 + self._lengths[:, None])  # (B, E)
            self._mask = _additive(seen[:, None, None], q.dtype)
        return _merged(layer, q, self._prefix, own, self._mask, scale)


# --- attention in two parts -----------------------------------------------------------------------


def _causal(new: int, end: int, device: torch.device) -> Tensor:
    """Return which of `end` tokens each of the last `new` sees, bool (new, end)."""
    return torch.ones(new, end, dtype=torch.bool, device=device).tril(end - new)


def _additive(seen: Tensor, dtype: torch.dtype) -> Tensor:
    """Return 0 where a column is seen and -inf elsewhere."""
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill_(~seen, -torch.inf)


def _merged(
    layer: int,
    q: Tensor,
    prefix: Prefix | None,
    own: Sequence[tuple[Tensor, Tensor]],
    mask: Tensor,
    scale: float,
) -> Tensor:
    """Attend to the prefix and to own keys and values.

    Args:
        layer: index of the layer.
        q: (B, H, T, hs).
        prefix: what all rows see, or None.
        own: blocks of keys and values, (B, N, C, hs) each, 0 in the first column; E in all.
        mask: 0 or -inf, (B, 1, 1, E) or (g * T, E), -inf in the first column.
        scale: factor of the scores.

    Returns:
        (B, T, H, hs).
    """
    rows, heads, tokens, size = q.shape
    groups = own[0][0].shape[1]
    q = q.reshape(rows, groups, -1, size)  # (B, N, g * T, hs): the g heads that share a key head
    if prefix is None:
        out = _joined(q, own, mask, scale, None)
    else:
        folded = q.transpose(0, 1).reshape(1, groups, -1, size)  # (1, N, B * g * T, hs)
        shared, lse = _attention(folded, prefix.keys[layer], prefix.values[layer], scale)
        shared = shared.view(groups, rows, -1, shared.shape[-1]).transpose(0, 1)
        lse = lse.view(groups, rows, -1).transpose(0, 1)
        out = _joined(q, own, mask, scale, (shared, lse))
    return out.reshape(rows, heads, tokens, -1).transpose(1, 2)


def _joined(
    q: Tensor,
    own: Sequence[tuple[Tensor, Tensor]],
    mask: Tensor,
    scale: float,
    prefix: tuple[Tensor, Tensor] | None,
) -> Tensor:
    """Attend to own keys and values, and to a prefix as if it were one column more, the first.

    The column's score is the log-sum-exp of the prefix, its value what was read there; so one
    softmax gives every weight. In `own` the first column is 0.

    PyTorch's fused kernel is not used here: for an odd number of queries it rounds a row by where
    in memory it stands.

    Shapes: q (B, N, T, hs), blocks (B, N, C, hs), E columns in all; of the prefix (B, N, T, hs)
    and (B, N, T).
    """
    q = q * scale
    scores = torch.cat([torch.matmul(q, k.transpose(-1, -2)) for k, _ in own], dim=-1)
    scores = scores.float().add_(mask)  # (B, N, T, E)
    if prefix is not None:
        scores[..., 0] = prefix[1]
    weights = scores.softmax(-1).to(q.dtype)
    read, at = q.new_zeros(()), 0
    for _, v in own:
        read = read + torch.matmul(weights[..., at : at + v.shape[2]], v)
        at += v.shape[2]
    return read if prefix is None else read.addcmul_(weights[..., :1], prefix[0])


def _attention(q: Tensor, k: Tensor, v: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Return softmax(scale q k^T) v, and the log-sum-exp of the scores in float32.

    Shapes: q (1, N, T, hs), k and v (1, N, P, hs); the results (1, N, T, hs) and (1, N, T).
    """
    fits = q.device.type == "cpu" and q.dtype in _FUSED_TYPES and k.shape[-1] == v.shape[-1]
    if _FLASH is not None and fits:
        return _FLASH(q, k, v, 0.0, False, scale=scale)
    return attention_in_steps(q, k, v, scale)


def attention_in_steps(q: Tensor, k: Tensor, v: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Do the same in PyTorch's public operations: on a GPU, and in bfloat16 where it is faster."""
    scores = torch.matmul(q * scale, k.transpose(-1, -2)).float()  # (1, N, T, P)
    top = scores.amax(-1, keepdim=True)
    weights = scores.sub_(top).exp_()
    total = weights.sum(-1, keepdim=True)
    out = torch.matmul(weights.to(v.dtype), v) / total.to(v.dtype)
    return out, (top + total.log())[..., 0]


# PyTorch's fused CPU kernel gives the log-sum-exp, which its public function keeps to itself.
_FLASH: Callable[..., tuple[Tensor, Tensor]] | None = getattr(
    torch.ops.aten, "_scaled_dot_product_flash_attention_for_cpu", None
)

# In bfloat16 it is the faster way only on a processor that multiplies tiles (AMX).
_capabilities: Callable[[], dict[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)
_FUSED_TYPES: frozenset[torch.dtype] = frozenset(
    (torch.float32, torch.bfloat16) if _capabilities().get("amx_bf16") else (torch.float32,)
)
