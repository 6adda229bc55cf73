"""Continue many prompts together with a transformers model.

A step adds one token to each row, and rows live in a fixed number of slots. A slot whose row has
ended takes the next prompt, so no row waits for the longest. A row's products have shapes that its
own prompt decides, or that are shown to give the same bits, so its text depends on its own prompt,
parameters and seed alone. The tokens that all prompts begin with are computed once and attended to
once (`attention`).

A model that this can't serve exactly (sliding windows, recurrent states, positions that it counts
itself) gets batches of prompts of equal length instead, also of constant shape.

Shapes: B rows, T tokens a row, V tokens of the vocabulary.
"""

from __future__ import annotations

import inspect
import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from carrychain.engines import attention, memory
from carrychain.engines.attention import (
    COLUMNS,
    Buffers,
    Pass,
    Prefix,
    PrefixPass,
    PromptPass,
    StepPass,
)
from carrychain.engines.base import SamplingParams
from carrychain.engines.lean import LeanLlama, is_plain_llama
from carrychain.engines.rows import Continuation, Request, Rows
from carrychain.engines.stopping import Decode
from carrychain.engines.twin import twin

_GROUP = 32  # most rows whose prompts are written together
_CHUNK = 64  # most tokens of a prompt that are written together
_WIDTHS = 4  # fewer are filled up to a multiple of this
_PREFIX_CHUNK = 1024  # tokens of a prefix computed together
_LEAST_PREFIX = 16  # a shorter prefix costs more than it saves
_PLAIN_SLOTS = 16
_SIZES = (16, 32, 64, 96, 128, 192)  # numbers of rows that a step may have beside all slots

_Ints = NDArray[np.int64]


class Decoder:
    """A model ready to continue requests.

    Args:
        model: a transformers causal language model in eval mode.
        decode: how its token ids become text.
        eos: ids that end a text.
        slots: rows to compute at a time.
    """

    slots: int
    """Rows that are computed at a time, fewer than asked for where `plain_because` says so."""
    plain_because: str
    """Why the model can't share a prefix; empty where it can."""

    def __init__(self, model: Any, decode: Decode, eos: frozenset[int], slots: int) -> None:
        self._model, self._decode, self._eos = model, decode, eos
        accepted = inspect.signature(model.forward).parameters
        self._takes_positions = "position_ids" in accepted
        self._keeps_logits = "logits_to_keep" in accepted
        # transformers renamed it in 5.24, model by model.
        self._cache_name = "cache" if "cache" in accepted else "past_key_values"
        self._kept: tuple[tuple[int, ...], Prefix] | None = None
        self._lean: LeanLlama | None = None
        self._twin: Any = None
        self.plain_because = self._why_plain()
        if self.plain_because:
            self._lean = self._twin = None  # their packed weights would stay
        self.set_slots(min(slots, _PLAIN_SLOTS) if self.plain_because else slots)

    def set_slots(self, slots: int) -> None:
        """Compute so many rows at a time from now on; a prefix that is kept stays."""
        self.slots = slots
        self._group = max(1, min(slots // 4, _GROUP))  # rows whose prompts are written together
        self._sizes: list[int] | None = None  # numbers of rows that a step may have, ascending

    def __call__(
        self,
        requests: Sequence[Request],
        params: SamplingParams,
        probes: Sequence[Sequence[int]] = (),
    ) -> Iterator[Continuation]:
        """Yield each request's continuation in the step in which it ends.

        Args:
            requests: what to continue.
            params: how.
            probes: prompts made as these are, from other problems. What they all begin with is
                computed once, for every request that begins with it too.
        """
        if self.plain_because:
            yield from self._in_batches(requests, params)
            return
        prefix = tuple(probes[0][: common_prefix(probes)]) if len(probes) > 1 else ()
        if len(prefix) < _LEAST_PREFIX:
            prefix = ()
        shares = {r.index: _goes_on(r.tokens, prefix) for r in requests}
        yield from self._in_slots([r for r in requests if shares[r.index]], params, prefix)
        yield from self._in_slots([r for r in requests if not shares[r.index]], params, ())

    def last_logits(self, tokens: Sequence[int], count: int = 1) -> Tensor:
        """Return the logits after each of the last `count` tokens, float32 (count, V)."""
        ids = torch.tensor([list(tokens)])
        positions = torch.arange(len(tokens))[None]
        return self._forward_plain(ids, positions, count=count)[0].float().cpu()

    # --- slots that share a prefix ----------------------------------------------------------------

    def _in_slots(
        self, requests: Sequence[Request], params: SamplingParams, prefix_tokens: tuple[int, ...]
    ) -> Iterator[Continuation]:
        if not requests:
            return
        waiting = deque(sorted(requests, key=lambda r: len(r.tokens)))
        start = len(prefix_tokens)
        longest = len(waiting[-1].tokens) - start
        prefix = self._prefix(prefix_tokens)
        if self._sizes is None:
            self._sizes = self._equal_sizes(prefix)
        sizes = self._sizes
        # One slot more than rows: what fills up a group of prompts is written there.
        buffers = Buffers(self.slots + 1, longest + params.max_tokens + _WIDTHS)
        self._check_memory(buffers.capacity)
        rows = Rows(self.slots, self._decode, self._eos, params)
        ids = np.zeros(self.slots, dtype=np.int64)  # (B,): the token that a slot goes on from
        lengths = np.zeros(self.slots, dtype=np.int64)  # (B,): own tokens before that one
        while waiting or rows.busy:
            free = rows.free()
            while waiting and len(free) >= (size := self._group_size(waiting, start)):
                slots, free = free[:size], free[size:]
                group = [waiting.popleft() for _ in slots]
                rests = [request.tokens[start:] for request in group]
                self._write_prompts(prefix, buffers, slots, rests)
                ids[slots] = [rest[-1] for rest in rests]
                lengths[slots] = [len(rest) - 1 for rest in rests]
                for slot, request in zip(slots, group, strict=True):
                    rows.admit(slot, request)
            count = next(size for size in sizes if size > max(rows.busy))
            logits = self._step(prefix, buffers, ids[:count], lengths[:count])
            busy = rows.busy
            tokens, ended = rows.push(logits)
            ids[busy], lengths[busy] = tokens[busy], lengths[busy] + 1
            idle = rows.free()
            ids[idle] = lengths[idle] = 0
            yield from ended

    def _check_memory(self, tokens: int) -> None:
        """Raise before rows of so many tokens fill the memory: a machine may swap, or end us."""
        needed = (self.slots + 1) * tokens * memory.token_bytes(self._model)
        room = memory.free(self._model.device)
        if needed > room:
            raise torch.OutOfMemoryError(
                f"out of memory: keys and values of {self.slots * tokens} tokens need "
                f"{needed / 1e9:.1f} GB, and {room / 1e9:.1f} GB are free"
            )

    def _step(self, prefix: Prefix | None, buffers: Buffers, ids: _Ints, lengths: _Ints) -> Tensor:
        """Add a token, (B,), to each of the first slots; return the logits that follow, (B, V)."""
        positions = torch.from_numpy((prefix.length if prefix else 0) + lengths)
        own = torch.from_numpy(lengths).to(self._model.device)
        step = StepPass(prefix, buffers, own, attention.blocks(int(lengths.max()) + 2))
        return self._forward(torch.from_numpy(ids)[:, None], positions[:, None], step)

    def _equal_sizes(self, prefix: Prefix | None) -> list[int]:
        """Return the numbers of rows at which a step gives a row the very same logits.

        All slots are one of them. Fewer rows cost less while few are busy, but a library may add up
        in another order for another shape, so it is tried: on this machine, for this model.
        """
        rng = np.random.default_rng(0)
        buffers = Buffers(self.slots, COLUMNS)
        ids, lengths = rng.integers(2, 99, self.slots), rng.integers(0, COLUMNS - 1, self.slots)
        whole = self._step(prefix, buffers, ids, lengths)

        def gives_the_same(size: int) -> bool:
            return torch.equal(
                self._step(prefix, buffers, ids[:size], lengths[:size]), whole[:size]
            )

        fewer = [size for size in _SIZES if size < self.slots and gives_the_same(size)]
        return [*fewer, self.slots]

    def _prefix(self, tokens: tuple[int, ...]) -> Prefix | None:
        """Return a prefix's keys and values: those of the last call, if it is the same."""
        if not tokens:
            return None
        if self._kept is None or self._kept[0] != tokens:
            self._kept = None  # two need not fit
            computing = PrefixPass()
            for at in range(0, len(tokens), _PREFIX_CHUNK):
                ids = torch.tensor([tokens[at : at + _PREFIX_CHUNK]])
                self._forward(ids, at + torch.arange(ids.shape[1])[None], computing)
            self._kept = (tokens, computing.prefix)
        return self._kept[1]

    def _group_size(self, waiting: Sequence[Request], start: int) -> int:
        """Return how many of the next requests are written together: those of the same width."""
        width = _written_width(len(waiting[0].tokens) - start)
        first = itertools.islice(waiting, self._group)
        return sum(_written_width(len(request.tokens) - start) == width for request in first)

    def _write_prompts(
        self,
        prefix: Prefix | None,
        buffers: Buffers,
        slots: Sequence[int],
        rests: Sequence[Sequence[int]],
    ) -> None:
        """Write the keys and values of all tokens of each rest but the last.

        The shapes depend on a rest's own length alone: rests of one width go together, in a group
        that is filled up with rows that nobody reads.
        """
        start, spare = prefix.length if prefix else 0, self._group - len(slots)
        lasts = torch.tensor([len(rest) - 1 for rest in rests] + [0] * spare)[:, None]
        width = _written_width(len(rests[0]))
        ids = torch.zeros(self._group, width, dtype=torch.int64)
        for i, rest in enumerate(rests):
            ids[i, : len(rest) - 1] = torch.tensor(rest[:-1], dtype=torch.int64)
        # What follows a rest's end is never read; its positions stay within the model's table.
        positions = start + torch.minimum(torch.arange(width), lasts)
        rows = torch.tensor([*slots, *[self.slots] * spare], device=self._model.device)
        for at in range(0, width, _CHUNK):
            chunk = slice(at, at + _CHUNK)
            writing = PromptPass(prefix, buffers, rows, at)
            self._forward(ids[:, chunk], positions[:, chunk], writing)

    # --- batches of equal length ------------------------------------------------------------------

    def _in_batches(
        self, requests: Sequence[Request], params: SamplingParams
    ) -> Iterator[Continuation]:
        from transformers import DynamicCache

        by_length = sorted(requests, key=lambda r: len(r.tokens))
        for length, equal in itertools.groupby(by_length, key=lambda r: len(r.tokens)):
            equals = list(equal)
            for at in range(0, len(equals), self.slots):
                batch = equals[at : at + self.slots]
                rows = Rows(self.slots, self._decode, self._eos, params)
                for slot, request in enumerate(batch):
                    rows.admit(slot, request)
                spare = [batch[0]] * (self.slots - len(batch))
                ids = torch.tensor([list(r.tokens) for r in [*batch, *spare]])
                positions = torch.arange(length).expand(self.slots, -1)
                cache = DynamicCache(config=self._model.config)
                while rows.busy:
                    logits = self._forward_plain(ids, positions, cache)[:, -1]
                    tokens, ended = rows.push(logits)
                    ids, positions = torch.from_numpy(tokens)[:, None], positions[:, -1:] + 1
                    yield from ended

    # --- the model --------------------------------------------------------------------------------

    @torch.inference_mode()
    def _forward(self, ids: Tensor, positions: Tensor, state: Pass) -> Tensor:
        """Run the model's stand-in on new tokens within a pass.

        Args:
            ids: the tokens, (B, T).
            positions: their positions, (B, T).
            state: where their keys and values go, and what they see.

        Returns:
            The last position's logits, (B, V), which a pass that only writes may leave out.
        """
        if self._lean is not None:
            return self._lean(ids, positions, state)
        options = self._options(ids, positions)
        return self._twin(**options, use_cache=False, shared_prefix=state).logits[:, -1]

    @torch.inference_mode()
    def _forward_plain(
        self, ids: Tensor, positions: Tensor, cache: Any = None, count: int = 1
    ) -> Tensor:
        """Run the model itself on tokens that follow those in `cache`, if there is one.

        Returns:
            The logits of the last `count` positions, (B, count, V); other shapes as in `_forward`.
        """
        options = self._options(ids, positions, count)
        seen = ids.new_ones(len(ids), int(positions[0, -1]) + 1)
        options["attention_mask"] = seen.to(self._model.device)
        options[self._cache_name], options["use_cache"] = cache, cache is not None
        return self._model(**options).logits[:, -count:]

    def _options(self, ids: Tensor, positions: Tensor, count: int = 1) -> dict[str, Any]:
        device = self._model.device
        options: dict[str, Any] = {"input_ids": ids.to(device)}
        if self._takes_positions:
            options["position_ids"] = positions.to(device)
        if self._keeps_logits:
            options["logits_to_keep"] = count
        return options

    def _why_plain(self) -> str:
        """Return why the model can't share a prefix, or nothing if it can."""
        if reason := attention.why_not(self._model):
            return reason
        if len(set(getattr(self._model, "hf_device_map", {}).values())) > 1:
            return "its layers stand on several devices"
        vocabulary = int(self._model.config.get_text_config().vocab_size)
        ids = (7919 * torch.arange(1, 12)) % vocabulary  # ordinary tokens, all over it
        try:
            if is_plain_llama(self._model):
                self._lean = LeanLlama(self._model)
            else:
                self._twin = twin(self._model)
            expected = self._forward_plain(ids[None], torch.arange(11)[None])[0].float()  # (1, V)
            found = self._in_passes(ids).float()  # (2, V)
        except attention.NotServed as error:
            return f"its attention asks for {error}"
        except (AttributeError, IndexError, TypeError, RuntimeError, ValueError) as error:
            return f"its attention can't be replaced ({str(error).splitlines()[0]})"
        tolerance = 1e-3 if self._model.dtype == torch.float32 else 0.1
        difference = found.log_softmax(-1) - expected.log_softmax(-1)
        if not difference.norm() <= tolerance * (expected - expected.mean()).norm():
            return "an experiment gave other logits than its own attention"
        return ""

    def _in_passes(self, ids: Tensor) -> Tensor:
        """Return the logits after eleven tokens, for two rows, by way of every kind of pass."""
        rows = torch.tensor([0, 1], device=self._model.device)
        computing, buffers = PrefixPass(), Buffers(2, 8)
        for part in (slice(0, 3), slice(3, 4)):
            self._forward(ids[None, part], torch.arange(11)[None, part], computing)
        prefix, positions = computing.prefix, torch.arange(11).expand(2, -1)
        both = ids.expand(2, -1)
        for part in (slice(4, 8), slice(8, 10)):
            writing = PromptPass(prefix, buffers, rows, part.start - 4)
            self._forward(both[:, part], positions[:, part], writing)
        step = StepPass(prefix, buffers, torch.full_like(rows, 6), 1)
        return self._forward(both[:, 10:], positions[:, 10:], step)


def common_prefix(prompts: Sequence[Sequence[int]]) -> int:
    """Return how many first tokens all prompts share, leaving at least one of each to compute."""
    shared = 0
    for column in zip(*(prompt[:-1] for prompt in prompts), strict=False):
        if len(set(column)) > 1:
            break
        shared += 1
    return shared


def _goes_on(tokens: Sequence[int], prefix: tuple[int, ...]) -> bool:
    """Whether a prompt begins with a prefix and has at least one token more."""
    return len(tokens) > len(prefix) and tuple(tokens[: len(prefix)]) == prefix


def _written_width(tokens: int) -> int:
    """Return how many columns are written for a rest of so many tokens, the last of them aside."""
    return _round_up(tokens - 1, _WIDTHS)


def _round_up(number: int, step: int) -> int:
    return -(-number // step) * step
