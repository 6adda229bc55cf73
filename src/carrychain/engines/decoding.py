"""Continue many prompts together with a transformers model.

The tokens that all prompts begin with are computed once. The rest of the prompts goes through in
batches of like length, padded on the left between prefix and rest; a mask hides the padding and
explicit positions ignore it, so that a row's logits are those of its prompt alone. A model for
which that would not be exact (sliding windows, recurrent states, positions that it counts itself)
gets batches of equal length without a shared prefix instead.

Each row draws from its own stream and is yielded in the step in which it ends.

Shapes: B rows in the batch, P tokens of prefix, R of the longest rest, T seen so far, V vocabulary.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import Cache, DynamicCache

from carrychain.engines.base import FinishReason, SamplingParams
from carrychain.engines.cache import buffers, is_plain, spread
from carrychain.engines.sampling import next_tokens, seen_tokens, uniform
from carrychain.engines.stopping import Decode, StopFinder, cut

# Dropping rows copies the cache of the others, so it waits until this share of them is left.
_WORTH_DROPPING = 0.75


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt as token ids (at least one), and the seed of its stream."""

    index: int
    tokens: Sequence[int]
    seed: int


@dataclass(frozen=True, slots=True)
class Continuation:
    """A request's output: tokens, text without stop string and special tokens, why it ended."""

    request: Request
    tokens: Sequence[int]
    text: str
    finish_reason: FinishReason


@dataclass(slots=True)
class _Row:
    request: Request
    stop: StopFinder
    output: list[int] = field(default_factory=list[int])
    ended: bool = False


class Decoder:
    """A model ready to continue requests.

    Args:
        model: a transformers causal language model in eval mode.
        decode: how its token ids become text.
        eos: ids that end a text.
        slots: most rows to compute at a time.
    """

    def __init__(self, model: Any, decode: Decode, eos: frozenset[int], slots: int) -> None:
        self._model, self._decode, self._eos, self._slots = model, decode, eos, slots
        accepted = inspect.signature(model.forward).parameters
        self._takes_positions = "position_ids" in accepted
        self._keeps_logits = "logits_to_keep" in accepted
        self._pads = self._takes_positions and is_plain(model.config)

    def __call__(
        self, requests: Sequence[Request], params: SamplingParams
    ) -> Iterator[Continuation]:
        """Yield each request's continuation in the step in which it ends."""
        if not requests:
            return
        prefix = common_prefix([r.tokens for r in requests]) if self._pads else 0
        cache = self._prefill(requests[0].tokens[:prefix]) if prefix else None
        for batch in self._batches(requests):
            yield from self._continue(batch, params, prefix, cache)

    def last_logits(self, tokens: Sequence[int]) -> Tensor:
        """Return the logits of the token that follows `tokens`, float32 (V,)."""
        cache = DynamicCache(config=self._model.config)
        mask = torch.ones(1, len(tokens), dtype=torch.int64)
        ids = torch.tensor([list(tokens)])
        return self._forward(ids, mask, torch.arange(len(tokens))[None], cache)[0].float().cpu()

    def _batches(self, requests: Sequence[Request]) -> Iterator[list[Request]]:
        batch: list[Request] = []
        for request in sorted(requests, key=lambda r: len(r.tokens)):
            unequal = bool(batch) and len(batch[0].tokens) != len(request.tokens)
            if len(batch) == self._slots or (unequal and not self._pads):
                yield batch
                batch = []
            batch.append(request)
        yield batch

    def _prefill(self, tokens: Sequence[int]) -> Cache:
        cache = buffers(self._model.config, len(tokens))
        mask = torch.ones(1, len(tokens), dtype=torch.int64)
        self._forward(torch.tensor([list(tokens)]), mask, torch.arange(len(tokens))[None], cache)
        return cache

    def _continue(
        self,
        requests: list[Request],
        params: SamplingParams,
        prefix: int,
        prefix_cache: Cache | None,
    ) -> Iterator[Continuation]:
        rests = [r.tokens[prefix:] for r in requests]
        longest = max(map(len, rests))
        cache: Any = self._cache(len(requests), prefix_cache, prefix + longest + params.max_tokens)
        ids, mask, positions = _padded(rests, prefix)  # (B, R), (B, P + R), (B, R)
        rows: list[_Row] = [_Row(r, StopFinder(self._decode, params.stop)) for r in requests]
        seeds = np.array([r.seed for r in requests], dtype=np.uint64)  # (B,)
        seen: Tensor | None = None
        for step in range(params.max_tokens):
            logits = self._forward(ids, mask, positions, cache)  # (B, V)
            if params.repetition_penalty != 1 and seen is None:
                seen = seen_tokens([r.tokens for r in requests], logits.shape[-1], logits.device)
            uniforms = torch.from_numpy(uniform(seeds, step))
            tokens = next_tokens(logits, seen, params, uniforms).cpu()  # (B,)
            for row, token in zip(rows, map(int, tokens), strict=True):
                if not row.ended and (continuation := self._push(row, token, params)) is not None:
                    row.ended = True
                    yield continuation
            going: list[int] = [i for i, row in enumerate(rows) if not row.ended]
            if not going:
                return
            ids, positions = tokens[:, None], positions[:, -1:] + 1  # (B, 1)
            mask = torch.cat((mask, mask.new_ones(len(rows), 1)), dim=-1)  # (B, T)
            if seen is not None:
                seen.scatter_(-1, ids.to(seen.device), True)
            if len(going) <= _WORTH_DROPPING * len(rows):
                keep = torch.tensor(going)
                rows, seeds = [rows[i] for i in going], seeds[going]
                ids, mask, positions = ids[keep], mask[keep], positions[keep]
                seen = None if seen is None else seen[keep.to(seen.device)]
                cache.reorder_cache(keep.to(self._model.device))

    def _push(self, row: _Row, token: int, params: SamplingParams) -> Continuation | None:
        """Add a token to the row; return its continuation if that ends it."""
        row.output.append(token)
        eos = token in self._eos
        text = None if eos else row.stop.push(token)
        if text is not None:
            return Continuation(row.request, row.output, text, FinishReason.STOP)
        if not eos and len(row.output) < params.max_tokens:
            return None
        whole = self._decode(tuple(row.output[:-1] if eos else row.output))
        text = cut(whole, params.stop)
        if text is not None:  # it was complete only with the characters that the end completes
            return Continuation(row.request, row.output, text, FinishReason.STOP)
        return Continuation(
            row.request, row.output, whole, FinishReason.EOS if eos else FinishReason.LENGTH
        )

    def _cache(self, rows: int, prefix: Cache | None, capacity: int) -> Cache:
        if not self._pads:
            return DynamicCache(config=self._model.config)
        return (
            buffers(self._model.config, capacity)
            if prefix is None
            else spread(prefix, rows, capacity)
        )

    @torch.inference_mode()
    def _forward(self, ids: Tensor, mask: Tensor, positions: Tensor, cache: Cache) -> Tensor:
        """Return the last position's logits, (B, V), and add the tokens to the cache."""
        device = self._model.device
        options: dict[str, Any] = (
            {"position_ids": positions.to(device)} if self._takes_positions else {}
        )
        if self._keeps_logits:
            options["logits_to_keep"] = 1
        output = self._model(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            past_key_values=cache,
            use_cache=True,
            **options,
        )
        return output.logits[:, -1]


def common_prefix(prompts: Sequence[Sequence[int]]) -> int:
    """Return how many first tokens all prompts share, leaving at least one of each to compute."""
    shared = 0
    for column in zip(*(prompt[:-1] for prompt in prompts), strict=False):
        if len(set(column)) > 1:
            break
        shared += 1
    return shared


def _padded(rests: Sequence[Sequence[int]], prefix: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return ids (B, R), mask over prefix and rest (B, P + R), positions (B, R)."""
    width = max(map(len, rests))
    gaps = [width - len(rest) for rest in rests]
    ids = torch.tensor([[0] * gap + list(rest) for rest, gap in zip(rests, gaps, strict=True)])
    gap = torch.tensor(gaps)[:, None]  # (B, 1)
    column = torch.arange(width)
    real = (column >= gap).long()  # (B, R)
    mask = torch.cat((real.new_ones(len(rests), prefix), real), dim=-1)
    return ids, mask, prefix + (column - gap).clamp(min=0)
