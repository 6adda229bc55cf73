"""The distribution that the next token is drawn from, and how each parameter makes it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import cast

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
    engine: LocalEngine, prompt: str, params: SamplingParams
) -> list[TokenProbabilities]:
    """Return every token's probabilities, the most likely to be drawn first.

    Raises:
        InvalidInput: the prompt is empty or does not fit the model's context.
    """
    logits = engine.next_token_logits(prompt)[None]  # (1, V)
    seen = seen_tokens([engine.encode(prompt)], logits.shape[-1], logits.device)
    columns = {name: _floats(p[0]) for name, p in stages(logits, seen, params).items()}
    tokens = [
        TokenProbabilities(
            id=i,
            text=engine.token_text(i),
            logit=score,
            **{name: column[i] for name, column in columns.items()},
        )
        for i, score in enumerate(_floats(logits[0]))
    ]
    return sorted(tokens, key=lambda t: (-t.top_p, -t.logit))


def _floats(values: Tensor) -> list[float]:
    return cast(list[float], values.tolist())
