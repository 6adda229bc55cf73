"""What the functions in the student's notebook stand on; those are short, to be read and changed.

A notebook asks one prompt at a time, which is slow. `ask_together` has the prompts of a loop
answered side by side, and the loop stays as it is.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any, cast

import numpy as np

from carrychain import engines
from carrychain.addition.problems import PROBES
from carrychain.addition.scoring import score
from carrychain.engines.base import Around, Completion, Engine, SamplingParams, generate_sharing
from carrychain.errors import InvalidInput, nearest

_KEYS = tuple(key.name for key in fields(SamplingParams))
_SEED_BITS = 64


def complete(
    prompt: str,
    student_configs: Mapping[str, object],
    model_obj: object,
    tokenizer_obj: object = None,
    seed: int | None = None,
) -> str:
    """Return what a model writes after a prompt.

    Args:
        prompt: all that the model sees.
        student_configs: decoding parameters, see `sampling`.
        model_obj, tokenizer_obj: the model, see `engine_of`.
        seed: 0 to 2^64 - 1; the same gives the same text. Without, every call samples afresh.

    Raises:
        InvalidInput: an argument is not what it must be, or the prompt does not fit the model.
        GenerationFailed: the model broke down.
    """
    if not isinstance(cast(object, prompt), str):
        raise InvalidInput(f"the prompt is a {type(prompt).__name__}; it must be a string")
    engine = engine_of(model_obj, tokenizer_obj)
    seed = secrets.randbits(_SEED_BITS) if seed is None else seed
    (completion,) = engine.generate([prompt], sampling(student_configs), [seed])
    return completion.text


def ask_together(
    write: Callable[[int, int], str],
    pairs: Sequence[tuple[int, int]],
    student_configs: Mapping[str, object],
    model_obj: object,
    tokenizer_obj: object = None,
) -> Engine:
    """Return the model, ready to answer the prompts of all pairs side by side.

    The first of these prompts that it is asked has all of them answered, with fresh sampling, and
    each later one gets its answer at once. A prompt is answered in this way as often as it stands
    among them. Another prompt, or other parameters, goes to the model itself.

    Args:
        write: from a pair to its prompt.
        pairs: what will be asked.
        student_configs: decoding parameters, see `sampling`.
        model_obj, tokenizer_obj: the model, see `engine_of`.
    """
    prompts = [write(a, b) for a, b in pairs]
    probes: list[str] = []
    with suppress(
        Exception
    ):  # a student's function need not write every sum; then nothing is shared
        probes = [write(problem.a, problem.b) for problem in PROBES]
    engine = engine_of(model_obj, tokenizer_obj)
    return _Together(engine, prompts, probes, sampling(student_configs))


def mean_absolute_error(answers: Sequence[int], responses: Sequence[int | None]) -> float:
    """Return the mean distance of the responses from the answers, exact until it is rounded once.

    A response of None counts as 0.

    Raises:
        InvalidInput: a response is neither an integer nor None, or there is not one for each
            answer.
    """
    exact = [_integer(response) for response in responses]
    return score(answers, exact, prompt_length=0).mae


def engine_of(model_obj: object, tokenizer_obj: object = None) -> Engine:
    """Return the engine that a model stands for.

    Args:
        model_obj: an engine (`carrychain.engines.load`), the name of one, or a causal language
            model of transformers.
        tokenizer_obj: the tokenizer of a model of transformers; others need none.

    Raises:
        InvalidInput: it is none of these.
        ModelUnavailable: the engine of that name can't be used here.
    """
    if isinstance(model_obj, str):
        return engines.load(model_obj)
    if hasattr(model_obj, "generate") and hasattr(model_obj, "count_tokens"):
        return cast(Engine, model_obj)
    if hasattr(model_obj, "generation_config") and tokenizer_obj is not None:
        return _around(model_obj, tokenizer_obj)
    raise InvalidInput(
        f"model_obj is a {type(model_obj).__name__}; give an engine, the name of one, or a causal "
        "language model of transformers and its tokenizer_obj"
    )


@lru_cache(maxsize=1)  # of a model that fills a machine there is no place for a second
def _around(model: object, tokenizer: object) -> Engine:
    from carrychain.engines.local import LocalEngine

    return LocalEngine.around(model, tokenizer)


def sampling(student_configs: Mapping[str, object]) -> SamplingParams:
    """Return the decoding parameters of a notebook's dictionary.

    Args:
        student_configs: up to six keys, those of `SamplingParams`; one that is left out has the
            hand-out's value. `stop` may be a list, one string or None.

    Raises:
        InvalidInput: there is another key, or a value is outside its range.
    """
    values: dict[str, Any] = {}
    for key, value in student_configs.items():
        if key not in _KEYS:
            raise InvalidInput(f"{key!r} is none of the six parameters{nearest(key, _KEYS)}")
        values[key] = cast(object, value.item()) if isinstance(value, np.generic) else value
    if "stop" in values:
        stop = values["stop"] or ()
        values["stop"] = (stop,) if isinstance(stop, str) else tuple(stop)
    return SamplingParams(**values)


def _integer(response: object) -> int | None:
    if response is None or (isinstance(response, int) and not isinstance(response, bool)):
        return response
    if isinstance(response, np.integer):
        return int(cast("np.integer[Any]", response))
    raise InvalidInput(
        f"a response is {response!r}, a {type(response).__name__}; post_processing must return an "
        "integer, or None where it finds none"
    )


class _Together(Around):
    """An engine before which some prompts wait, to be answered side by side."""

    def __init__(
        self, engine: Engine, prompts: list[str], probes: list[str], params: SamplingParams
    ) -> None:
        super().__init__(engine)
        self._params = params
        self._prompts, self._probes = prompts, probes
        self._answers: dict[str, deque[Completion]] | None = None

    def generate(
        self, prompts: Sequence[str], params: SamplingParams, seeds: Sequence[int]
    ) -> Iterator[Completion]:
        for index, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True)):
            completion = self._ready(prompt, params)
            if completion is None:
                (completion,) = self._engine.generate([prompt], params, [seed])
            yield replace(completion, index=index)

    def _ready(self, prompt: str, params: SamplingParams) -> Completion | None:
        if params != self._params or prompt not in self._prompts:
            return None
        if self._answers is None:
            self._answers = {prompt: deque() for prompt in self._prompts}
            for completion in self._ask_all():
                self._answers[self._prompts[completion.index]].append(completion)
        waiting = self._answers[prompt]
        return waiting.popleft() if waiting else None

    def _ask_all(self) -> Iterator[Completion]:
        seeds = [secrets.randbits(_SEED_BITS) for _ in self._prompts]
        return generate_sharing(self._engine, self._prompts, self._params, seeds, self._probes)
