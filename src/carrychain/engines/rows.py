"""The rows that are generated side by side: their streams, their tokens, and where they end.

Shapes: B slots, V tokens of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from carrychain.engines.base import FinishReason, SamplingParams
from carrychain.engines.sampling import next_tokens, seen_tokens, uniform
from carrychain.engines.stopping import Decode, StopFinder, cut


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


class Rows:
    """What the slots generate: a row or nothing each, its stream and the tokens it has seen.

    Args:
        slots: how many there are.
        decode: how token ids become text.
        eos: ids that end a text.
        params: how tokens are chosen and where a text ends.
    """

    def __init__(
        self, slots: int, decode: Decode, eos: frozenset[int], params: SamplingParams
    ) -> None:
        self._decode, self._eos, self._params = decode, eos, params
        self._rows: list[_Row | None] = [None] * slots
        self._seeds = np.zeros(slots, dtype=np.uint64)  # (B,)
        self._seen: Tensor | None = None  # bool (B, V), only for the repetition penalty

    @property
    def busy(self) -> list[int]:
        """Return the slots that hold a row."""
        return [slot for slot, row in enumerate(self._rows) if row is not None]

    def free(self) -> list[int]:
        """Return the slots that hold none."""
        return [slot for slot, row in enumerate(self._rows) if row is None]

    def admit(self, slot: int, request: Request) -> None:
        """Put a request into a slot."""
        self._rows[slot] = _Row(request, StopFinder(self._decode, self._params.stop))
        self._seeds[slot] = request.seed
        if self._seen is not None:
            self._seen[slot] = self._seen_by(request, self._seen)

    def push(self, logits: Tensor) -> tuple[NDArray[np.int64], list[Continuation]]:
        """Choose the next token of every row and free the slots that end.

        Args:
            logits: scores for the first slots, at least all busy ones, (b, V).

        Returns:
            The tokens, int64 (b,), and what has ended.
        """
        count, vocabulary = logits.shape
        if self._params.repetition_penalty != 1 and self._seen is None:
            self._seen = torch.zeros(
                len(self._rows), vocabulary, dtype=torch.bool, device=logits.device
            )
            for slot in self.busy:
                row = self._rows[slot]
                assert row is not None
                self._seen[slot] = self._seen_by(row.request, self._seen)
        steps = [len(row.output) if row else 0 for row in self._rows[:count]]
        uniforms = torch.from_numpy(uniform(self._seeds[:count], np.array(steps, dtype=np.uint64)))
        seen = None if self._seen is None else self._seen[:count]
        chosen = next_tokens(logits, seen, self._params, uniforms)  # (b,)
        if seen is not None:
            seen.scatter_(-1, chosen[:, None], True)
        tokens = chosen.cpu().numpy()
        ended: list[Continuation] = []
        for slot, token in enumerate(tokens.tolist()):
            row = self._rows[slot]
            if row is not None and (continuation := self._add(row, token)) is not None:
                ended.append(continuation)
                self._rows[slot] = None
        return tokens, ended

    def _seen_by(self, request: Request, like: Tensor) -> Tensor:
        return seen_tokens([request.tokens], like.shape[-1], like.device)[0]

    def _add(self, row: _Row, token: int) -> Continuation | None:
        """Add a token to a row; return its continuation if that ends it."""
        row.output.append(token)
        eos = token in self._eos
        text = None if eos else row.stop.push(token)
        if text is not None:
            return Continuation(row.request, row.output, text, FinishReason.STOP)
        if not eos and len(row.output) < self._params.max_tokens:
            return None
        whole = self._decode(tuple(row.output[:-1] if eos else row.output))
        text = cut(whole, self._params.stop)
        if text is not None:  # it was complete only with the characters that the end completes
            return Continuation(row.request, row.output, text, FinishReason.STOP)
        return Continuation(
            row.request, row.output, whole, FinishReason.EOS if eos else FinishReason.LENGTH
        )
