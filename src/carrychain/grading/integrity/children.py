"""Probes and graded texts asked of fresh children, in shuffled batches or as if for grading."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from carrychain.sandbox.outcome import Failure
from carrychain.sandbox.protocol import Kind

T = TypeVar("T", str, int)

BATCH = 120
AGAIN = 12
"""Texts of a batch that were asked before: an answer must not depend on what came before it."""


class Children(Generic[T]):
    """One of a submission's functions, and all that it answered.

    Args:
        call: calls the function on texts, all in one fresh child.
        rng: shuffles.

    Attributes:
        answers: the first answer to each text; None where the function failed on it.
        unsteady: texts that got different answers, with both.
        ended: the text and the failure that ended the examination, if one did.
        refused: the first text on which the function tried what it may not do, and what it was.
    """

    def __init__(self, call: Callable[[Sequence[str]], list[T | Failure]], rng: random.Random):
        self._call = call
        self._rng = rng
        self.answers: dict[str, T | None] = {}
        self.unsteady: dict[str, tuple[T | None, T | None]] = {}
        self.ended: tuple[str, Failure] | None = None
        self.refused: tuple[str, Failure] | None = None

    def known(self, answers: Iterable[tuple[str, T | None]]) -> None:
        """Take over answers that were given before, when the submission was graded."""
        for text, answer in answers:
            self._note(text, answer)

    def ask(self, texts: Iterable[str]) -> None:
        """Ask texts, those asked before among them, mixed at random with some of the earlier."""
        new = list(dict.fromkeys(texts))
        self._rng.shuffle(new)
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            earlier = list(self.answers)
            batch += self._rng.sample(earlier, min(AGAIN, len(earlier)))
            self._rng.shuffle(batch)
            self.rehearse(batch)

    def rehearse(self, texts: Sequence[str]) -> list[T | None]:
        """Ask one child texts in this order, unless the examination ended; return its answers."""
        if self.ended:
            return [None] * len(texts)
        outcomes = self._call(texts)
        for text, outcome in zip(texts, outcomes, strict=True):
            if not isinstance(outcome, Failure):
                self._note(text, outcome)
            elif outcome.fatal:
                self.ended = self.ended or (text, outcome)
            else:
                self._note(text, None)
                if outcome.kind is Kind.FORBIDDEN:
                    self.refused = self.refused or (text, outcome)
        return [None if isinstance(outcome, Failure) else outcome for outcome in outcomes]

    def _note(self, text: str, answer: T | None) -> None:
        first = self.answers.setdefault(text, answer)
        if first != answer:
            self.unsteady.setdefault(text, (first, answer))
