"""What the page of the next token has a worker do."""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from carrychain.errors import GenerationFailed, InvalidInput
from carrychain.io import Json
from carrychain.web.worker import Emit

if TYPE_CHECKING:
    from carrychain.engines.base import SamplingParams
    from carrychain.engines.local import LocalEngine
    from carrychain.engines.next_token import TokenProbabilities

MOST_SHOWN = 100
"""Tokens that the page can show at a time."""

_NO_DISTRIBUTION = (
    "these values give no distribution in float32; choose a temperature or a repetition penalty "
    "nearer to 1"
)


def logits(request: dict[str, Json], emit: Emit, earlier: Sequence[Json]) -> Json:
    """Return every token's score after a text, and what the page needs to show it.

    Args:
        request: `model`, `prompt` and `continuation`, the ids of the tokens after the prompt.
        emit, earlier: not used; it is over at once.

    Returns:
        `logits`: float32, little-endian, in base64, one for each token of the vocabulary.
        `before`: the tokens of prompt and continuation as [id, text].
        `prompt_tokens`: how many of them are the prompt's.
        `texts`: by id, the text of each token that can be among the `MOST_SHOWN` likeliest,
        whatever the repetition penalty is. `ends`: those of them that end a text.

    Raises:
        InvalidInput: the model shows no logits, or the text does not suit it.
        GenerationFailed: the logits are not numbers.
    """
    engine, prompt, continuation = _asked(request)
    scores = engine.next_token_logits(prompt, continuation)  # (V,)
    if bool(scores.isnan().any()):
        raise GenerationFailed("the model's logits are not numbers (NaN)")
    ids = engine.encode(prompt)
    before = [*ids, *continuation]
    seen = {token for token in before if token < len(scores)}
    likeliest = cast(list[int], scores.argsort(descending=True, stable=True).tolist())
    unseen = [token for token in likeliest if token not in seen][:MOST_SHOWN]
    named = sorted(seen.union(unseen))
    return {
        "logits": b64encode(scores.numpy().astype("<f4").tobytes()).decode(),
        "before": [[token, engine.token_text(token)] for token in before],
        "prompt_tokens": len(ids),
        "texts": {str(token): engine.token_text(token) for token in named},
        "ends": [token for token in named if engine.ends_text(token)],
    }


def table(request: dict[str, Json], emit: Emit, earlier: Sequence[Json]) -> Json:
    """Return the likeliest tokens with their probabilities, for a page without a script.

    Args:
        request: as for `logits`, and `sampling`, four of SamplingParams' values, and `shown`.
        emit, earlier: not used; it is over at once.

    Returns:
        `rows`: the `shown` likeliest tokens after the repetition penalty, with the fields of
        `TokenProbabilities`, `ends`, and `falls_to`, what takes its probability.
        `possible`: how many of `vocabulary` tokens can be drawn.
        `given`: the texts of the prompt's tokens.
        `path`: the continuation's tokens, with the fields of `TokenProbabilities`.
        `chance`: the probability of drawing it; `raw`: before any parameter.

    Raises:
        InvalidInput, GenerationFailed: as for `logits`; also where the values are too extreme.
    """
    from carrychain.engines.base import SamplingParams
    from carrychain.engines.next_token import next_token, written_tokens

    engine, prompt, continuation = _asked(request)
    params = SamplingParams(**cast(dict[str, float], request["sampling"]))  # pyright: ignore[reportArgumentType]
    tokens = next_token(engine, prompt, params, continuation)
    if any(math.isnan(token.top_p) for token in tokens):
        raise InvalidInput(_NO_DISTRIBUTION)
    ids = engine.encode(prompt)
    path = [
        written.token
        for written in (
            written_tokens(engine, ids, continuation, params, 0) if continuation else ()
        )
    ]
    likeliest = sorted(tokens, key=lambda token: (-token.penalised, -token.logit, token.id))
    return {
        "rows": [
            {
                **token.as_dict(),
                "ends": engine.ends_text(token.id),
                "falls_to": _falls_to(token, params),
            }
            for token in likeliest[: cast(int, request["shown"])]
        ],
        "given": [engine.token_text(token) for token in ids],
        "possible": sum(token.top_p > 0 for token in tokens),
        "vocabulary": len(tokens),
        "path": [cast(Json, token.as_dict()) for token in path],
        "chance": math.prod(token.top_p for token in path),
        "raw": math.prod(token.raw for token in path),
    }


def _falls_to(token: TokenProbabilities, params: SamplingParams) -> str:
    if params.greedy:
        return "" if token.top_p else "temperature 0"
    if token.tempered and not token.top_k:
        return "top-k"
    return "top-p" if token.top_k and not token.top_p else ""


def _asked(request: dict[str, Json]) -> tuple[LocalEngine, str, list[int]]:
    from carrychain import engines
    from carrychain.engines.local import LocalEngine

    name = cast(str, request["model"])
    engine = engines.load(name, offline=True)
    if not isinstance(engine, LocalEngine):
        raise InvalidInput(
            f"{engine.info.title} does not show its probabilities; "
            "this page needs a model that runs where the lab runs, such as mini"
        )
    return engine, cast(str, request["prompt"]), cast(list[int], request["continuation"])
