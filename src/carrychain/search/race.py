"""Candidates raced on more and more problems: who does badly on few is not asked the many.

Asynchronous successive halving (Li et al. 2020, "A system for massively parallel hyperparameter
tuning", arXiv:1810.05934), in which a candidate also has to stand a paired test against the best of
its rung: problems are the same for all, so few of them tell much.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from carrychain.addition.extraction import extractor
from carrychain.addition.problems import Problem
from carrychain.addition.scoring import Metrics, absolute_errors, as_float, score
from carrychain.search.space import Candidate, Choice
from carrychain.stats import mcnemar_exact

METRICS = {
    "acc": "share of exact sums, more is better",
    "mae": "mean absolute error, less is better",
    "res": "the hand-out's acc / length * (1 - mae / 5e6), more is better",
}
MAE_SCALE = 5e6
REDUCTION = 4
"""A rung has so many times the problems of the one below, and lets one in so many up."""
RUNGS = (4, 16, 64, 192)
"""Problems that a candidate has answered at each rung."""
WORSE = 0.05
"""Who is worse than the best of the rung with a p below this does not go up."""
_RESAMPLES = 500

Read = Callable[[Sequence[str]], list[int | None]]
"""From outputs to the numbers in them."""


@dataclass(frozen=True)
class Entrant:
    """A candidate and what it wrote so far.

    Args:
        number: its trial's number.
        choice: what it is made of.
        candidate: the prompt and parameters that this makes.
        problems: those that it was asked, a beginning of the search's problems.
        outputs: what the model wrote to each.
        tokens: tokens of its prompts and outputs.
        readings: ways to read its outputs, by name; the best of them counts.
        metric: a name in `METRICS`.
    """

    number: int
    choice: Choice
    candidate: Candidate
    problems: tuple[Problem, ...]
    outputs: tuple[str, ...]
    tokens: int
    readings: dict[str, Read]
    metric: str

    @cached_property
    def _read(self) -> tuple[str, tuple[int | None, ...], Metrics]:
        """Return the best reading, its responses and scores; the first of equals."""
        length = max(1, round(self.candidate.length([str(p) for p in self.problems])))
        answers = [p.answer for p in self.problems]
        read = [
            (name, tuple(responses), score(answers, responses, length, MAE_SCALE))
            for name, responses in ((n, r(self.outputs)) for n, r in self.readings.items())
        ]
        return max(read, key=lambda each: self._value(each[1], each[2]))

    @property
    def reading(self) -> str:
        """The way to read it that does best."""
        return self._read[0]

    @property
    def metrics(self) -> Metrics:
        """Its scores by that way."""
        return self._read[2]

    @cached_property
    def value(self) -> float:
        """What the search maximises."""
        return self._value(self._read[1], self._read[2])

    @property
    def perfect(self) -> bool:
        """Whether nothing is left to gain on its problems; of res, a shorter prompt always is."""
        return self.metric != "res" and self.metrics.acc == 1

    @cached_property
    def right(self) -> tuple[bool, ...]:
        """Of each problem, whether the answer is exact."""
        return tuple(r == p.answer for p, r in zip(self.problems, self._read[1], strict=True))

    @cached_property
    def errors(self) -> tuple[float, ...]:
        """Of each problem, the absolute error."""
        exact = absolute_errors([p.answer for p in self.problems], self._read[1])
        return tuple(map(as_float, exact))

    def _value(self, responses: Sequence[int | None], metrics: Metrics) -> float:
        """Return the metric; among equals, who has more right digits is ahead by a hair."""
        if self.metric == "mae":
            return -math.log10(1 + metrics.mae)
        digits = _share_of_digits([p.answer for p in self.problems], responses)
        if self.metric == "acc":
            return metrics.acc + 1e-3 * digits
        assert metrics.res is not None
        return metrics.res + 1e-9 * digits


def _share_of_digits(answers: Sequence[int], responses: Sequence[int | None]) -> float:
    """Return the share of the sums' digits that stand at their place from the right."""
    right = total = 0
    for answer, response in zip(answers, responses, strict=True):
        given = "" if response is None else str(response)[::-1]
        expected = str(answer)[::-1]
        total += len(expected)
        if len(given) <= len(expected) + 1:
            right += sum(x == y for x, y in zip(expected, given, strict=False))
    return right / total


def readings_of(names: Sequence[str]) -> dict[str, Read]:
    """Return the ways to read outputs that have these names in `addition.extraction`."""

    def reader(name: str) -> Read:
        read = extractor(name)
        return lambda outputs: [read(output) for output in outputs]

    return {name: reader(name) for name in names}


@dataclass
class Race:
    """Who is at which rung, and who goes up next.

    Args:
        rungs: how many problems a candidate has answered at each, ascending; one rung is no race.
    """

    rungs: tuple[int, ...] = RUNGS
    _rungs: dict[int, list[Entrant]] = field(default_factory=dict[int, list[Entrant]])
    _risen: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])

    def arrive(self, entrant: Entrant) -> None:
        """Take in an entrant that has finished a rung."""
        rung = self.rungs.index(len(entrant.outputs))
        self._rungs.setdefault(rung, []).append(entrant)
        self._risen.add((rung - 1, entrant.number))

    def rise(self, entrant: Entrant) -> None:
        """Take note that an entrant is on its way to the next rung."""
        self._risen.add((self.rungs.index(len(entrant.outputs)), entrant.number))

    def goal(self, entrant: Entrant) -> int:
        """Return how many problems it has answered at its next rung."""
        return self.rungs[self.rungs.index(len(entrant.outputs)) + 1]

    def next_up(self) -> Entrant | None:
        """Return who goes on to the next rung, from the highest rung that has someone, or None.

        One in `REDUCTION` does, and everyone who answered all of it exactly.
        """
        for rung in range(len(self.rungs) - 2, -1, -1):
            here = sorted(self._rungs.get(rung, []), key=lambda e: -e.value)
            rising = max(len(here) // REDUCTION, sum(e.perfect for e in here))
            for entrant in here[:rising]:
                if (rung, entrant.number) in self._risen:
                    continue
                if entrant is here[0] or p_worse(entrant, here[0]) >= WORSE:
                    return entrant
                self._risen.add((rung, entrant.number))
        return None

    @property
    def finished(self) -> bool:
        """Whether someone is at the top and can't be beaten there."""
        return any(entrant.perfect for entrant in self._rungs.get(len(self.rungs) - 1, []))

    @property
    def best(self) -> Entrant | None:
        """The best of the highest rung that anyone reached; the cheaper of equals."""
        if not self._rungs:
            return None
        highest = self._rungs[max(self._rungs)]
        return max(highest, key=lambda e: (e.value, -e.tokens / len(e.outputs)))

    @property
    def entrants(self) -> list[Entrant]:
        """Everyone, at the highest rung that each reached."""
        latest: dict[int, Entrant] = {}
        for rung in sorted(self._rungs):
            latest |= {entrant.number: entrant for entrant in self._rungs[rung]}
        return [latest[number] for number in sorted(latest)]


def p_worse(entrant: Entrant, best: Entrant) -> float:
    """Return the one-sided p that an entrant is worse than another on the problems of both.

    For acc it is McNemar's exact test; for mae and res, whose values are no mean of single
    problems', the share of 500 bootstrap samples of problems in which it is not worse.
    """
    n = min(len(entrant.outputs), len(best.outputs))
    if entrant.metric == "acc":
        only = [
            sum(x and not y for x, y in zip(one.right[:n], other.right[:n], strict=True))
            for one, other in ((entrant, best), (best, entrant))
        ]
        return 1.0 if only[0] >= only[1] else mcnemar_exact(*only) / 2
    rng = np.random.default_rng(n)
    drawn = rng.integers(n, size=(_RESAMPLES, n))
    one, other = (_resampled(each, drawn) for each in (entrant, best))
    return float(np.mean(one >= other))


def _resampled(entrant: Entrant, drawn: np.ndarray) -> np.ndarray:
    """Return the metric, larger is better, of each sample of problems, (R,)."""
    mae = np.array(entrant.errors)[drawn].mean(1)  # (R,)
    if entrant.metric == "mae":
        return -mae
    acc = np.array(entrant.right, dtype=float)[drawn].mean(1)  # (R,)
    length = entrant.metrics.prompt_length
    return acc / length * (1 - mae / MAE_SCALE)
