"""What the assignment is about, measured in under a minute: a table and a picture's numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from carrychain.addition.evaluation import Evaluation, evaluate
from carrychain.addition.problems import (
    Problem,
    bounds_of_digits,
    handout_pairs,
    pairs_by_carry_chain,
)
from carrychain.addition.prompts import SHIPPED
from carrychain.assignment.recorded import LLAMA2, RecordedRun, runs
from carrychain.engines.base import Engine, SamplingParams
from carrychain.stats import Proportion

PICTURED = ("zero-shot", "one-shot-7-digit", "best")
DIGITS = range(1, 8)
CHAINS = range(0, 8)


@dataclass(frozen=True)
class Setting:
    """A row of the table: what is asked, how, and the recorded setting that it stands beside."""

    label: str
    prompt: str
    digits: int
    extract: str | None = None
    recorded_max_tokens: int | None = None

    def recorded(self) -> list[RecordedRun]:
        """Return the recorded Llama-2 runs of this setting."""
        if self.recorded_max_tokens is None:
            return []
        return runs(
            model=LLAMA2,
            prompt=self.prompt,
            digits=self.digits,
            max_tokens=self.recorded_max_tokens,
        )


SETTINGS = (
    Setting("1 digit, no example", "zero-shot", 1, recorded_max_tokens=2),
    Setting("7 digits, no example", "zero-shot", 7, recorded_max_tokens=8),
    Setting("7 digits, example 3+7", "one-shot-1-digit", 7, recorded_max_tokens=8),
    Setting("7 digits, long example", "one-shot-7-digit", 7, recorded_max_tokens=8),
    Setting("the same, digits joined", "one-shot-7-digit", 7, "all-digits", 50),
    Setting("7 digits, 8 examples", "few-shot", 7),
    Setting("7 digits, best prompt", "best", 7),
    Setting("the same, digits joined", "best", 7, "all-digits"),
)


@dataclass(frozen=True)
class Point(Proportion):
    """Accuracy at one place of a curve, with its 95% interval."""

    x: int
    correct: int
    n: int


Curve = list[Point]


@dataclass(frozen=True)
class Demo:
    """The table's rows and the picture's curves, by prompt."""

    table: list[tuple[Setting, Evaluation]]
    by_digits: dict[str, Curve]
    by_chain: dict[str, Curve]


def demonstrate(
    engine: Engine, *, n: int, each: int, seed: int, on_row: Callable[[], None]
) -> Demo:
    """Measure everything that the demonstration shows.

    Args:
        engine: the model.
        n: problems a row of the table.
        each: problems a point of the picture.
        seed: fixes problems and sampling.
        on_row: called after each answer; there are `answers(n, each)` in all.
    """
    table = [
        (s, _ask(engine, s.prompt, _drawn(s.digits, n, seed), seed, on_row, s.extract))
        for s in SETTINGS
    ]
    rng = np.random.default_rng(seed)
    chains = {chain: pairs_by_carry_chain(rng, 7, chain, each) for chain in CHAINS}
    lengths = {digits: _drawn(digits, each, seed + 1) for digits in DIGITS}
    return Demo(
        table=table,
        by_digits={p: list(_curve(engine, p, lengths, seed, on_row)) for p in PICTURED},
        by_chain={p: list(_curve(engine, p, chains, seed, on_row)) for p in PICTURED},
    )


def answers(n: int, each: int) -> int:
    """Return how many answers `demonstrate` asks for."""
    return n * len(SETTINGS) + each * len(PICTURED) * (len(DIGITS) + len(CHAINS))


def _drawn(digits: int, n: int, seed: int) -> list[Problem]:
    return handout_pairs(seed, *bounds_of_digits(digits), n)


def _curve(
    engine: Engine,
    prompt: str,
    problems: dict[int, list[Problem]],
    seed: int,
    on_row: Callable[[], None],
) -> Iterator[Point]:
    everything = [p for group in problems.values() for p in group]
    rows = iter(_ask(engine, prompt, everything, seed, on_row).rows)
    for x, group in problems.items():
        yield Point(x, sum(next(rows).correct for _ in group), len(group))


def _ask(
    engine: Engine,
    prompt: str,
    problems: list[Problem],
    seed: int,
    on_row: Callable[[], None],
    extract: str | None = None,
) -> Evaluation:
    shipped = SHIPPED[prompt]
    return evaluate(
        prompt=shipped.prompt,
        prompt_name=prompt,
        engine=engine,
        problems=problems,
        sampling=SamplingParams(**shipped.sampling),
        seed=seed,
        extract=extract or shipped.extract,
        pre_processing=shipped.pre_processing,
        on_row=lambda row: on_row(),
    )
