"""What an engine is: prompts, sampling parameters and seeds in, completions out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from carrychain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """The hand-out's six decoding parameters, at its values.

    Args:
        max_tokens: most tokens to generate, at least 1.
        temperature: divides the logits, at least 0; 0 is greedy decoding.
        top_k: keep this many most likely tokens, at least 0; 0 is off.
        top_p: keep the fewest most likely tokens whose probability reaches this, 0 to 1; 1 is off.
        repetition_penalty: divides positive and multiplies negative logits of tokens already in the
            prompt or the output (Keskar et al. 2019, arXiv:1909.05858), above 0; 1 is off.
        stop: strings that end the text and are cut from it, none empty.

    Raises:
        InvalidInput: a value is outside its range; the message names value and range.
    """

    max_tokens: int = 50
    temperature: float = 0.7
    top_k: int = 50
    top_p: float = 0.6
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require_integer("max_tokens", self.max_tokens, 1)
        _require_integer("top_k", self.top_k, 0)
        _require_number("temperature", self.temperature)
        _require_number("top_p", self.top_p)
        _require_number("repetition_penalty", self.repetition_penalty)
        if self.temperature < 0:
            raise InvalidInput(
                f"temperature is {self.temperature}; it must be at least 0 (0 is greedy)"
            )
        if not 0 <= self.top_p <= 1:
            raise InvalidInput(f"top_p is {self.top_p}; it must be 0 to 1 (1 is off)")
        if self.repetition_penalty <= 0:
            raise InvalidInput(
                f"repetition_penalty is {self.repetition_penalty}; it must be above 0 (1 is off)"
            )
        if isinstance(self.stop, str) or not all(isinstance(s, str) and s for s in self.stop):
            raise InvalidInput(f"stop is {self.stop!r}; it must be a sequence of non-empty strings")
        object.__setattr__(self, "stop", tuple(self.stop))

    @property
    def greedy(self) -> bool:
        """Whether the next token is always the most likely one."""
        return self.temperature == 0

    def as_dict(self) -> dict[str, int | float | list[str]]:
        """Return the six values for JSON, in the hand-out's order."""
        return {**asdict(self), "stop": list(self.stop)}


def _require_integer(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f"{name} is {value!r}; it must be a whole number")
    if value < least:
        raise InvalidInput(
            f"{name} is {value}; it must be at least {least}"
            + (" (0 is off)" if least == 0 else "")
        )


def _require_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidInput(f"{name} is {value!r}; it must be a finite number")


class FinishReason(StrEnum):
    """Why a completion ended."""

    STOP = "stop"
    """A stop string was found; the text ends before it."""
    LENGTH = "length"
    """max_tokens were generated."""
    EOS = "eos"
    """The model ended the text itself."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What an engine made of one prompt.

    Args:
        index: position of the prompt in the request.
        text: the generated text, without the prompt, cut before a stop string, special tokens left
            out.
        tokens: number of generated tokens (an end-of-text token and those of a stop string
            included).
        prompt_tokens: number of tokens of the prompt as the model saw it.
        finish_reason: why it ended.
    """

    index: int
    text: str
    tokens: int
    prompt_tokens: int
    finish_reason: FinishReason


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What to write beside a result so that it can be repeated.

    Args:
        name: the name that loads the engine again ("mini", "hf:gpt2", ...).
        title: what a person reads ("mini (embedded teaching model)").
        revision: commit or content hash of the weights, or None where there is none.
        settings: dtype, device, slots and whatever else changes results.
    """

    name: str
    title: str
    revision: str | None = None
    settings: Mapping[str, str | int | float | bool | None] = field(
        default_factory=dict[str, str | int | float | bool | None]
    )


class Engine(Protocol):
    """Anything that turns prompts into text."""

    @property
    def info(self) -> EngineInfo:
        """What this engine is."""
        ...

    @property
    def context(self) -> int | None:
        """Most tokens that prompt and output may have together; None if unknown."""
        ...

    def count_tokens(self, text: str) -> int | None:
        """Return the number of tokens of a prompt as the model sees it, None if unknown."""
        ...

    def generate(
        self, prompts: Sequence[str], params: SamplingParams, seeds: Sequence[int]
    ) -> Iterator[Completion]:
        """Yield one completion a prompt, in the order in which they finish.

        Args:
            prompts: texts to continue.
            params: how to continue them.
            seeds: one seed a prompt, 0 to 2^64 - 1; prompt, parameters and seed decide the text.

        Raises:
            InvalidInput: a prompt and max_tokens exceed the context; raised before any work.
            GenerationFailed: the engine broke down; what was yielded stands.
        """
        ...


@runtime_checkable
class SharesPrefix(Protocol):
    """An engine that computes once what all prompts begin with."""

    def generate_sharing(
        self,
        prompts: Sequence[str],
        params: SamplingParams,
        seeds: Sequence[int],
        probes: Sequence[str],
    ) -> Iterator[Completion]:
        """Do what `Engine.generate` does, with a hint.

        Args:
            prompts, params, seeds: as in `Engine.generate`.
            probes: fixed prompts made as these are. The first tokens that all probes share are
                computed once, for every prompt that begins with them too. The probes decide it and
                not the prompts, so a text does not depend on which other prompts there are.
        """
        ...


def generate_sharing(
    engine: Engine,
    prompts: Sequence[str],
    params: SamplingParams,
    seeds: Sequence[int],
    probes: Sequence[str],
) -> Iterator[Completion]:
    """Do what `SharesPrefix` does where the engine can, else what `Engine.generate` does."""
    if isinstance(engine, SharesPrefix):
        return engine.generate_sharing(prompts, params, seeds, probes)
    return engine.generate(prompts, params, seeds)


class Around:
    """What an engine that stands around another has of it; it generates in its own way.

    Args:
        engine: the other.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def info(self) -> EngineInfo:
        return self._engine.info

    @property
    def context(self) -> int | None:
        return self._engine.context

    def count_tokens(self, text: str) -> int | None:
        return self._engine.count_tokens(text)
