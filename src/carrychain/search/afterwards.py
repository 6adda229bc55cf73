"""After the search: the winner on problems that nobody saw, and which of its parts matter."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import optuna

from carrychain.addition.comparison import Comparison, compare
from carrychain.addition.evaluation import Evaluation
from carrychain.addition.prompts import Prompt
from carrychain.addition.scoring import Metrics, score
from carrychain.engines.base import SamplingParams
from carrychain.errors import InvalidInput
from carrychain.io import Json, jsonable
from carrychain.search.race import MAE_SCALE, Entrant
from carrychain.search.search import Search
from carrychain.search.space import Candidate, candidate

UNSEEN, ABLATED = 1, 2
"""Streams of problems that the search never draws from."""
FEWEST_TRIALS = 20
"""Importance is not told from fewer."""


@dataclass(frozen=True)
class Final:
    """The winner on problems that the search never saw.

    Args:
        evaluation: of those problems.
        metrics: its scores, with the length that the model saw beyond the problems.
        estimate: what the search took its metric to be; it chose the best of many, so this is too
            good on average.
        measured: the metric on the unseen problems.
    """

    evaluation: Evaluation
    metrics: Metrics
    estimate: float
    measured: float

    @property
    def gap(self) -> float:
        """By how much the search's own estimate was higher."""
        return self.estimate - self.measured


@dataclass(frozen=True)
class Ablation:
    """The winner with one part removed, on the same unseen problems.

    Args:
        part: what was removed.
        was: what it was.
        comparison: the winner, A, and what is left, B; None where the model can't take it.
        length: characters of the shorter prompt.
    """

    part: str
    was: str
    comparison: Comparison | None
    length: int

    def as_dict(self) -> dict[str, Json]:
        """Return the fields for JSON."""
        compared = self.comparison.as_dict() if self.comparison else None
        return {
            "part": self.part,
            "was": self.was,
            "prompt_length": self.length,
            "comparison": jsonable(compared),
        }


def verify(
    search: Search, best: Entrant, n: int, on_row: Callable[[object], None] = lambda row: None
) -> Final:
    """Measure the winner on n problems of a stream that the search does not draw from."""
    problems = search.settings.problems(UNSEEN, n)
    done = search.evaluate(
        best.candidate, problems, search.settings.seed, on_row, reading=best.reading
    )
    length = max(1, round(best.candidate.length([str(p) for p in problems])))
    metrics = score(
        [row.answer for row in done.rows], [row.response for row in done.rows], length, MAE_SCALE
    )
    return Final(done, metrics, _metric(best.metrics, best.metric), _metric(metrics, best.metric))


def _metric(metrics: Metrics, name: str) -> float:
    return float(getattr(metrics, name))


def ablate(
    search: Search, best: Entrant, n: int, on_row: Callable[[object], None] = lambda row: None
) -> Iterator[Ablation]:
    """Remove each part of the winner by itself and measure what is left, on n unseen problems."""
    problems = search.settings.problems(ABLATED, n)
    seed = search.settings.seed
    whole = search.evaluate(best.candidate, problems, seed, on_row, reading=best.reading)
    for part, was, without, reading in _without_each(search, best):
        try:
            left = search.evaluate(without, problems, seed, on_row, reading=reading)
        except InvalidInput:
            yield Ablation(part, was, None, without.prompt.length)
            continue
        yield Ablation(part, was, compare(whole, left), without.prompt.length)


def parts_of(search: Search, best: Entrant) -> int:
    """Return how many parts `ablate` removes."""
    return len(list(_without_each(search, best)))


def _without_each(search: Search, best: Entrant) -> Iterator[tuple[str, str, Candidate, str]]:
    """Yield each part's name, what it was, the candidate without it and how that is read."""
    values = search.settings.blocks.as_dict()
    chosen = {name: values[name][place] for name, place in best.choice.items()}
    whole, reading = best.candidate, best.reading

    def built(**other: object) -> Candidate:
        blocks = replace(search.settings.blocks, **{name: (x,) for name, x in other.items()})
        return candidate(
            blocks, {n: 0 if n in other else place for n, place in best.choice.items()}
        )

    def with_sampling(**other: Any) -> Candidate:
        return replace(whole, sampling=replace(whole.sampling, **other))

    if chosen["instructions"]:
        without = Prompt(
            whole.prompt.prefix.removeprefix(chosen["instructions"]), whole.prompt.suffix
        )
        yield "instruction", chosen["instructions"], replace(whole, prompt=without), reading
    if chosen["examples"]:
        yield (
            "examples",
            f"{chosen['examples']} of {chosen['digits']} digits",
            built(examples=0),
            reading,
        )
        if chosen["examples"] > 1:
            yield "all examples but one", str(chosen["examples"]), built(examples=1), reading
    if chosen["styles"] != "direct" and chosen["examples"]:
        yield "steps in the examples", chosen["styles"], built(styles="direct"), "first-integer"
    if chosen["formats"] != "plain":
        plain = "first-integer" if reading in ("separated", "reversed") else reading
        yield "number format", chosen["formats"], built(formats="plain"), plain
    usual = SamplingParams()
    for name in ("temperature", "top_k", "top_p", "repetition_penalty"):
        value = getattr(whole.sampling, name)
        if value != getattr(usual, name) and not (whole.sampling.greedy and name.startswith("top")):
            yield name, f"{value:g}", with_sampling(**{name: getattr(usual, name)}), reading
    if whole.sampling.max_tokens != usual.max_tokens:
        yield "max_tokens", str(whole.sampling.max_tokens), with_sampling(max_tokens=50), reading
    if whole.sampling.stop:
        yield "stop", repr(whole.sampling.stop[0]), with_sampling(stop=()), reading
    if reading != "first-integer":
        yield "way to read", reading, whole, "first-integer"


def importance(search: Search) -> dict[str, float] | None:
    """Return how much each choice decided whether a candidate was among the best tenth, by share.

    PED-ANOVA (Watanabe, Bansal and Hutter 2023, arXiv:2304.10255) over all candidates at the first
    rung; None where there were too few of them to tell.
    """
    first = search.settings.rungs[0]
    trials = [t for t in search.study.get_trials(deepcopy=False) if first in t.intermediate_values]
    if len(trials) < FEWEST_TRIALS:
        return None
    study = optuna.create_study(direction="maximize")
    for trial in trials:
        study.add_trial(
            optuna.trial.create_trial(
                value=trial.intermediate_values[first],
                params=trial.params,
                distributions=trial.distributions,
            )
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna calls the evaluator experimental
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        return optuna.importance.get_param_importances(study, evaluator=evaluator)
