"""A causal language model of transformers on this machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from carrychain.engines import checkpoint, memory
from carrychain.engines.base import Completion, EngineInfo, SamplingParams
from carrychain.engines.decoding import Decoder, Request
from carrychain.engines.rows import Continuation
from carrychain.errors import GenerationFailed, InvalidInput

_CONTEXT_NAMES = ("max_position_embeddings", "n_positions", "max_seq_len", "n_ctx")
_REMEMBERED_TEXTS = 1 << 14


class LocalEngine:
    """An `Engine` over a checkpoint in a folder or on the hub.

    Args:
        source: a folder (a `Path`, or a string that names one), else a hub id. A folder needs no
            network; a gated hub model takes the token from HF_TOKEN or the hub's own login.
        name: the name that loads this engine again.
        title: what a person reads.
        dtype: float32, bfloat16, float16, or auto: the checkpoint's own on a GPU, float32 on a CPU.
        device: auto (a GPU if there is one, all GPUs for a model that one can't hold), cpu, cuda
            or cuda:N.
        revision: what identifies the weights, where it is known; else it is found.
        offline: ask no network.

    Raises:
        ModelUnavailable: it can't be loaded here; the message says why.
        InvalidInput: an unknown dtype or device.
    """

    model: Any
    """transformers' model; `config._name_or_path` is a folder or id that from_pretrained loads."""
    tokenizer: Any
    """transformers' tokenizer."""

    def __init__(
        self,
        source: str | Path,
        name: str | None = None,
        title: str | None = None,
        dtype: str = "auto",
        device: str = "auto",
        revision: str | None = None,
        offline: bool = False,
    ) -> None:
        if checkpoint.is_folder(source):
            source = Path(source).expanduser()
        self._source: str | Path | None = source
        self._given_revision = revision
        self._name = name or f"hf:{source}"
        self._title = title or (source.name if isinstance(source, Path) else source)
        chosen = checkpoint.choose_device(device)
        loaded = checkpoint.load(source, dtype, chosen, offline, spread=device == "auto")
        self._hold(loaded.model, loaded.tokenizer, chosen)

    @classmethod
    def around(cls, model: Any, tokenizer: Any) -> LocalEngine:
        """Return an engine over a model and its tokenizer that transformers has loaded already.

        The model is put in eval mode. Its weights may be any, so the engine knows no revision.
        """
        engine = cls.__new__(cls)
        engine._source = engine._given_revision = None
        engine._title = model.name_or_path or type(model).__name__
        engine._name = f"hf:{engine._title}"
        engine._hold(model.eval(), tokenizer, model.device)
        return engine

    def _hold(self, model: Any, tokenizer: Any, device: torch.device) -> None:
        self.model, self.tokenizer, self._device = model, tokenizer, device
        decode = lru_cache(_REMEMBERED_TEXTS)(self._decode)
        self._decoder = Decoder(model, decode, self._eos(), memory.slots(model, device))

    @property
    def info(self) -> EngineInfo:
        """What this engine is; the first call hashes a folder's weights."""
        settings = {
            "dtype": str(self.model.dtype).removeprefix("torch."),
            "device": str(self._device),
            "slots": self._decoder.slots,
            "prefix": f"not shared: {plain}"
            if (plain := self._decoder.plain_because)
            else "shared",
        }
        return EngineInfo(self._name, self._title, self._revision, settings)

    @property
    def context(self) -> int | None:
        """Most tokens that prompt and output may have together; None if the model does not say."""
        config = self.model.config.get_text_config()
        sizes = (getattr(config, name, None) for name in _CONTEXT_NAMES)
        return next((size for size in sizes if isinstance(size, int)), None)

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of a prompt as the model sees it."""
        return len(self._encode([text])[0])

    def generate(
        self, prompts: Sequence[str], params: SamplingParams, seeds: Sequence[int]
    ) -> Iterator[Completion]:
        """Yield one completion a prompt, in the order in which they finish (see `Engine.generate`).

        Nothing is shared between prompts: which tokens they have in common depends on which prompts
        there are, and so would the rounding. `generate_sharing` is told.

        Raises:
            InvalidInput: a prompt is empty, or does not fit the context together with max_tokens;
                raised here and not at the first completion.
            GenerationFailed: the logits are not numbers, or PyTorch failed (out of memory, say).
        """
        return self.generate_sharing(prompts, params, seeds, ())

    def generate_sharing(
        self,
        prompts: Sequence[str],
        params: SamplingParams,
        seeds: Sequence[int],
        probes: Sequence[str],
    ) -> Iterator[Completion]:
        """Do what `generate` does, with the probes' common prefix computed once."""
        return (completion(c) for c in self.continuations(prompts, params, seeds, probes))

    def continuations(
        self,
        prompts: Sequence[str],
        params: SamplingParams,
        seeds: Sequence[int],
        probes: Sequence[str],
    ) -> Iterator[Continuation]:
        """Do what `generate_sharing` does, and give the tokens of prompts and outputs too."""
        if len(prompts) != len(seeds):
            raise InvalidInput(
                f"there are {len(prompts)} prompts and {len(seeds)} seeds; give each prompt its own"
            )
        tokens = self._encode(prompts)
        for ids in tokens:
            self._check_length(ids, params.max_tokens)
        requests = [
            Request(i, ids, seed) for i, (ids, seed) in enumerate(zip(tokens, seeds, strict=True))
        ]
        return self._continue(requests, params, self._encode(probes))

    def encode(self, prompt: str) -> list[int]:
        """Return the prompt's token ids as the model sees them."""
        return self._encode([prompt])[0]

    def token_text(self, token: int) -> str:
        """Return one token as text; special tokens by their names."""
        return self.tokenizer.decode([token], clean_up_tokenization_spaces=False)

    def ends_text(self, token: int) -> bool:
        """Whether the model ends a text with this token."""
        return token in self._eos()

    def next_token_logits(self, prompt: str, continuation: Sequence[int] = ()) -> Tensor:
        """Return the scores of the token that comes next, float32 (V,), on the CPU.

        Args:
            prompt: the text to go on from.
            continuation: ids of tokens that follow it already.

        Raises:
            InvalidInput: the prompt is empty, both do not fit the context, or an id is none of the
                vocabulary's.
        """
        tokens = [*self._encode([prompt])[0], *continuation]
        self._check_length(tokens, 1)
        vocabulary = int(self.model.config.get_text_config().vocab_size)
        unknown = next((t for t in continuation if not 0 <= t < vocabulary), None)
        if unknown is not None:
            raise InvalidInput(
                f"the text goes on with token {unknown}, but the tokens of {self._title} are "
                f"0 to {vocabulary - 1}; give ids of its own"
            )
        return self._decoder.last_logits(tokens)[0]

    def logits_along(self, prompt: Sequence[int], output: Sequence[int]) -> Tensor:
        """Return the scores that each token of an output was chosen by, in one forward pass.

        Args:
            prompt: the prompt's token ids, P >= 1.
            output: the output's token ids, T >= 1.

        Returns:
            Row i is of the token that follows the prompt and output[:i]: float32 (T, V), on the
            CPU.
        """
        self._check_length(prompt, len(output))
        return self._decoder.last_logits([*prompt, *output[:-1]], len(output))

    @cached_property
    def _revision(self) -> str | None:
        if self._source is None:
            return None
        return self._given_revision or checkpoint.revision(self._source)

    def _continue(
        self,
        requests: Sequence[Request],
        params: SamplingParams,
        probes: Sequence[Sequence[int]],
    ) -> Iterator[Continuation]:
        waiting = {request.index: request for request in requests}
        while waiting:
            try:
                for c in self._decoder(list(waiting.values()), params, probes):
                    del waiting[c.request.index]
                    yield c
            except RuntimeError as error:  # PyTorch's own, out of memory among them
                if not _is_out_of_memory(error) or self._decoder.slots == 1:
                    what = str(error).splitlines()[0]
                    raise GenerationFailed(
                        f"{self._title} failed while generating: {what}"
                    ) from error
            if waiting:  # out of the except clause: the error's frames hold what did not fit
                self._halve_slots()

    def _halve_slots(self) -> None:
        slots = self._decoder.slots
        self._decoder.set_slots(slots // 2)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        logging.getLogger("carrychain").warning(
            "%s ran out of memory with %d rows side by side; it goes on with %d",
            self._title,
            slots,
            slots // 2,
        )

    def _encode(self, prompts: Sequence[str]) -> list[list[int]]:
        return self.tokenizer(list(prompts), verbose=False)["input_ids"] if prompts else []

    def _decode(self, tokens: tuple[int, ...]) -> str:
        return self.tokenizer.decode(
            list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )

    def _eos(self) -> frozenset[int]:
        for owner in (self.model.generation_config, self.model.config, self.tokenizer):
            ids = getattr(owner, "eos_token_id", None)
            if ids is not None:
                return frozenset([ids] if isinstance(ids, int) else ids)
        return frozenset()

    def _check_length(self, tokens: Sequence[int], max_tokens: int) -> None:
        if not tokens:
            raise InvalidInput(
                "the prompt is empty, and this model needs at least one token to go on from"
            )
        if self.context is not None and len(tokens) + max_tokens > self.context:
            raise InvalidInput(
                f"the prompt has {len(tokens)} tokens and max_tokens is {max_tokens}, but the "
                f"context of {self._title} is {self.context} tokens for both; "
                "shorten the prompt or lower max_tokens"
            )


def completion(c: Continuation) -> Completion:
    """Return what an engine tells of a continuation."""
    return Completion(
        c.request.index, c.text, len(c.tokens), len(c.request.tokens), c.finish_reason
    )


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Whether PyTorch could get no memory, of a GPU or of the machine."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
