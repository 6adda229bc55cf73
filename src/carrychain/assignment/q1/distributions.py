"""The exact distribution that the next token is drawn from, for several settings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from carrychain.addition.evaluation import Row
from carrychain.engines.base import Engine, SamplingParams

if TYPE_CHECKING:
    from carrychain.engines.local import LocalEngine

Probabilities = dict[int, float]
"""By token; those of probability 0 may be left out."""


@dataclass(frozen=True, slots=True)
class Distributions:
    """The next token after a text.

    Args:
        text: what the token follows.
        texts: tokens as text.
        raw: probabilities before any parameter.
        drawn: those that the token is drawn from, by setting.
        penalised: those after the repetition penalty alone, by setting.
        present: tokens that the text already has.
    """

    text: str
    texts: Mapping[int, str]
    raw: Probabilities
    drawn: Mapping[SamplingParams, Probabilities]
    penalised: Mapping[SamplingParams, Probabilities]
    present: frozenset[int]

    @property
    def raw_entropy(self) -> float:
        """Entropy before any parameter, in bits."""
        return entropy(self.raw.values())

    def entropy(self, setting: SamplingParams) -> float:
        """Return the entropy, in bits, of what the token is drawn from."""
        return entropy(self.drawn[setting].values())

    def seen(self, setting: SamplingParams) -> float:
        """Return the probability, after the penalty alone, of tokens that the text already has."""
        return sum(self.penalised[setting][token] for token in self.present)


def entropy(probabilities: Iterable[float]) -> float:
    """Return -sum p log2 p, in bits.

    Example:
        >>> entropy([0.5, 0.25, 0.25])
        1.5
    """
    return -sum(p * math.log2(p) for p in probabilities if p > 0) + 0.0


def distributions(
    engine: Engine, row: Row, settings: Iterable[SamplingParams]
) -> Distributions | None:
    """Return them for a row's problem, None where the engine shows no logits.

    The text is the prompt and as many of the sum's own digits as lead to where the model is least
    sure of the next token: there the parameters have most to do.
    """
    from carrychain.engines.local import LocalEngine

    return _of_local(engine, row, settings) if isinstance(engine, LocalEngine) else None


def _of_local(engine: LocalEngine, row: Row, settings: Iterable[SamplingParams]) -> Distributions:
    from carrychain.engines.next_token import next_token

    digits = str(row.answer)
    starts = [row.prompt + digits[:k] for k in range(len(digits))]
    plain = SamplingParams()
    text = max(starts, key=lambda start: entropy(t.raw for t in next_token(engine, start, plain)))
    tokens = {setting: next_token(engine, text, setting) for setting in settings}
    first = next(iter(tokens.values()))
    return Distributions(
        text=text,
        texts={t.id: t.text for t in first},
        raw={t.id: t.raw for t in first},
        drawn={s: {t.id: t.top_p for t in found} for s, found in tokens.items()},
        penalised={s: {t.id: t.penalised for t in found} for s, found in tokens.items()},
        present=frozenset(engine.encode(text)),
    )


def most_likely(exact: Distributions, n: int) -> list[int]:
    """Return the n tokens likeliest in any of the settings, in the order of the raw ones."""
    best = {
        token: max(p, *(drawn.get(token, 0.0) for drawn in exact.drawn.values()))
        for token, p in exact.raw.items()
    }
    chosen = sorted(best, key=lambda token: -best[token])[:n]
    return sorted(chosen, key=lambda token: -exact.raw[token])
