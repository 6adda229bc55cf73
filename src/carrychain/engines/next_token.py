"""The distribution that a token is drawn from, and how each parameter makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import cast

import torch
from torch import Tensor

from carrychain.engines.base import SamplingParams
from carrychain.engines.local import LocalEngine
from carrychain.engines.sampling import seen_tokens, stages


@dataclass(frozen=True, slots=True)
class TokenProbabilities:
    """A token of the vocabulary: its logit, and its probability after each step.

    Args:
        id: the token's number.
        text: the token alone as text.
        logit: the model's score.
        raw: probability before any parameter.
        penalised: after the repetition penalty.
        tempered: after the temperature.
        top_k: after top-k.
        top_p: after top-p; the next token is drawn from this.
    """

    id: int
    text: str
    logit: float
    raw: float
    penalised: float
    tempered: float
    top_k: float
    top_p: float

    def as_dict(self) -> dict[str, int | float | str]:
        """Return the fields for JSON."""
        return asdict(self)


def next_token(
    engine: LocalEngine, prompt: str, params: SamplingParams, continuation: Sequence[int] = ()
) -> list[TokenProbabilities]:
    """Return every token's probabilities, the most likely to be drawn first.

    Args:
        engine: the model.
        prompt: the text to go on from.
        params: how the next token is drawn.
        continuation: ids of tokens that follow the prompt already.

    Raises:
        InvalidInput: the prompt is empty, both do not fit the model's context, or an id is none of
            the vocabulary's.
    """
    logits = engine.next_token_logits(prompt, continuation)[None]  # (1, V)
    columns = _columns(logits, [[*engine.encode(prompt), *continuation]], params)
    return _described(engine, _likeliest_first(columns)[0], columns, 0)


@dataclass(frozen=True, slots=True)
class WrittenToken:
    """A token that a model wrote.

    Args:
        token: the token, with the probabilities that it had.
        others: the tokens that were likeliest in its place, the most likely to be drawn first.
    """

    token: TokenProbabilities
    others: tuple[TokenProbabilities, ...]


def written_tokens(
    engine: LocalEngine,
    prompt: Sequence[int],
    output: Sequence[int],
    params: SamplingParams,
    others: int = 5,
) -> list[WrittenToken]:
    """Return an output's tokens with their probabilities, from one forward pass over all of it.

    Each has the probabilities that `next_token` gives after the prompt and the tokens before it,
    but for the last bits.

    Args:
        engine: the model that wrote it.
        prompt, output: token ids, at least one each.
        params: the decoding parameters that it was written with.
        others: how many other tokens to give for each, at least 0.

    Raises:
        InvalidInput: prompt and output do not fit the model's context.
    """
    written: list[WrittenToken] = []
    logits = engine.logits_along(prompt, output)  # (T, V)
    for start in range(0, len(output), _ROWS):
        chosen = output[start : start + _ROWS]
        seen = [[*prompt, *output[: start + i]] for i in range(len(chosen))]
        columns = _columns(logits[start : start + _ROWS], seen, params)
        likeliest = _likeliest_first(columns)  # (<= _ROWS, V)
        for row, token in enumerate(chosen):
            order = likeliest[row, : others + 1]
            rest = order[order != token][:others]
            (itself,) = _described(engine, torch.tensor([token]), columns, row)
            written.append(WrittenToken(itself, tuple(_described(engine, rest, columns, row))))
    return written


_ROWS = 16  # positions whose distributions are in memory at a time


def _columns(
    logits: Tensor, seen: Sequence[Sequence[int]], params: SamplingParams
) -> dict[str, Tensor]:
    """Return the logits, (B, V), and the probabilities after each step, by the field's name."""
    mask = seen_tokens(seen, logits.shape[-1], logits.device)
    return {"logit": logits, **stages(logits, mask, params)}


def _likeliest_first(columns: dict[str, Tensor]) -> Tensor:
    """Return the tokens by the last probability, those of equal probability by logit, (B, V)."""
    by_logit = columns["logit"].argsort(dim=-1, descending=True, stable=True)
    drawn = columns["top_p"].gather(-1, by_logit)
    return by_logit.gather(-1, drawn.argsort(dim=-1, descending=True, stable=True))


def _described(
    engine: LocalEngine, tokens: Tensor, columns: dict[str, Tensor], row: int
) -> list[TokenProbabilities]:
    """Return tokens, (m,), with a row's values."""
    values = {name: cast(list[float], c[row, tokens].tolist()) for name, c in columns.items()}
    return [
        TokenProbabilities(
            id=token, text=engine.token_text(token), **{name: v[i] for name, v in values.items()}
        )
        for i, token in enumerate(cast(list[int], tokens.tolist()))
    ]
