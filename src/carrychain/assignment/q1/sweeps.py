"""The decoding parameters one at a time: what is asked for each value, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from statistics import mean

from carrychain.addition.comparison import Comparison, compare
from carrychain.addition.evaluation import Evaluation
from carrychain.assignment.experiment import Ask, Context, Plan, ask_shipped
from carrychain.assignment.q1.distributions import Distributions
from carrychain.assignment.q1.repeats import matched_pairs
from carrychain.assignment.words import LEVEL, direction
from carrychain.engines.base import SamplingParams

Value = int | float

BASE = SamplingParams(max_tokens=8)
"""The hand-out's values for 7-digit sums without an example."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """A parameter and its values, from the lowest to the highest.

    Args:
        parameter: a field of SamplingParams.
        title: as the assignment calls it.
        values: the hand-out's among them; 0 switches top-k off, so it stands above all others.
    """

    parameter: str
    title: str
    values: tuple[Value, ...]

    @property
    def base(self) -> Value:
        """The hand-out's value."""
        return getattr(BASE, self.parameter)

    @property
    def others(self) -> tuple[Value, ...]:
        """All values but the hand-out's."""
        return tuple(value for value in self.values if value != self.base)

    def sampling(self, value: Value, base: SamplingParams = BASE) -> SamplingParams:
        """Return the parameters with this one changed."""
        return replace(base, **{self.parameter: value})

    def text(self, value: Value) -> str:
        """Write a value."""
        return "off" if self.parameter == "top_k" and value == 0 else plain(value)


def plain(value: Value) -> str:
    """Write a value as tables do: .7, 1.5, 50."""
    text = f"{value:g}"
    return text.removeprefix("0") if value else text


TEMPERATURE = Sweep("temperature", "Temperature", (0, 0.7, 1, 1.5, 2))
MAX_TOKENS = Sweep("max_tokens", "Max Tokens", (2, 4, 8, 20, 50))
TOP_P = Sweep("top_p", "Top P", (0, 0.3, 0.6, 0.9, 1))
TOP_K = Sweep("top_k", "Top K", (1, 2, 5, 50, 0))
PENALTY = Sweep("repetition_penalty", "Repetition Penalty", (0.8, 1, 1.1, 1.3, 2))
SWEEPS = (TEMPERATURE, MAX_TOKENS, TOP_P, TOP_K, PENALTY)

LENGTHS = (3, 7)
"""Digits of the operands: the assignment's 7, and 3, which a model may be good enough at for a harm
to show."""

TEMPERATURES = (0, 0.7, 2)
"""Temperatures at which top-k and top-p are changed."""

CHANGES = ((TOP_K, 1), (TOP_K, 0), (TOP_P, 0), (TOP_P, 1))
"""What is changed there: a parameter and its other value."""

NOTABLE = ((TEMPERATURE, 0), (TEMPERATURE, 2), (TOP_P, 1), (PENALTY, 0.8), (PENALTY, 1.3))
"""Where estimates of mini are counted."""


def asks(plan: Plan) -> dict[str, Ask]:
    """Ask each value of each parameter, top-k and top-p at other temperatures, and repeats."""
    return {
        name: ask
        for part in (_sweep_asks(plan), _interaction_asks(plan), _repeat_asks(plan))
        for name, ask in part
    }


def _sweep_asks(plan: Plan) -> Iterator[tuple[str, Ask]]:
    for sweep in SWEEPS:
        for value in sweep.values:
            sampling = sweep.sampling(value)
            for digits in LENGTHS:
                yield (
                    swept(sweep, value, digits),
                    ask_shipped("zero-shot", plan.problems(digits), sampling),
                )
            yield (
                again_name(sweep, value),
                ask_shipped("zero-shot", plan.problems(7)[:1], sampling, runs=_runs(plan)),
            )


def _runs(plan: Plan) -> int:
    return max(2, plan.n // 4)


def _interaction_asks(plan: Plan) -> Iterator[tuple[str, Ask]]:
    for temperature in TEMPERATURES:
        at = TEMPERATURE.sampling(temperature)
        yield at_temperature(temperature), ask_shipped("zero-shot", plan.problems(7), at)
        for sweep, value in CHANGES:
            yield (
                at_temperature(temperature, sweep, value),
                ask_shipped("zero-shot", plan.problems(7), sweep.sampling(value, at)),
            )


def _repeat_asks(plan: Plan) -> Iterator[tuple[str, Ask]]:
    repeating, fresh = matched_pairs(plan.seed, plan.n)
    for penalty in PENALTY.values:
        for kind, problems in (("repeating", repeating), ("fresh", fresh)):
            yield (
                penalised(kind, penalty),
                ask_shipped("zero-shot", problems, PENALTY.sampling(penalty)),
            )


def swept(sweep: Sweep, value: Value, digits: int) -> str:
    """Name the sums of a length at a value of a parameter."""
    return f"{sweep.parameter}_{value:g}_digits_{digits}"


def again_name(sweep: Sweep, value: Value) -> str:
    """Name the runs of one sum at a value of a parameter."""
    return f"{sweep.parameter}_{value:g}_one_problem"


def at_temperature(temperature: Value, sweep: Sweep | None = None, value: Value = 0) -> str:
    """Name the 7-digit sums at a temperature, with a parameter changed or none."""
    changed = "" if sweep is None else f"_{sweep.parameter}_{value:g}"
    return f"at_temperature_{temperature:g}{changed}"


def penalised(kind: str, penalty: Value) -> str:
    """Name the sums whose digits repeat ("repeating") or are new ("fresh") at a penalty."""
    return f"{kind}_penalty_{penalty:g}"


# --- what is measured ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setting:
    """What one value of a parameter does.

    Args:
        value: the value.
        answers: evaluations by digits of the operands.
        distinct, runs: different outputs among so many runs of one problem.
        tokens: mean length of the outputs to 7-digit sums, in tokens.
        characters: mean length of those outputs in characters.
        entropy: of the next token's distribution in bits, None where there are no logits.
        changes: compared with the hand-out's value, by digits; empty for that value itself.
    """

    value: Value
    answers: dict[int, Evaluation]
    distinct: int
    runs: int
    tokens: float
    characters: float
    entropy: float | None
    changes: dict[int, Comparison]


def measured(sweep: Sweep, context: Context, exact: Distributions | None) -> list[Setting]:
    """Return what each value of a parameter does."""
    settings: list[Setting] = []
    for value in sweep.values:
        answers = {d: context.evaluations[swept(sweep, value, d)] for d in LENGTHS}
        again = context.evaluations[again_name(sweep, value)].rows
        settings.append(
            Setting(
                value=value,
                answers=answers,
                distinct=len({row.output for row in again}),
                runs=len(again),
                tokens=mean(row.tokens for row in answers[7].rows),
                characters=mean(len(row.output) for row in answers[7].rows),
                entropy=None if exact is None else exact.entropy(sweep.sampling(value)),
                changes={}
                if value == sweep.base
                else {
                    d: compare(context.evaluations[swept(sweep, sweep.base, d)], answers[d])
                    for d in LENGTHS
                },
            )
        )
    return settings


def told(sweep: Sweep, comparison: Comparison) -> int:
    """Return how a value's accuracy differs from the hand-out's, all values being looked at.

    McNemar's p is held against 5% divided by the number of comparisons of the parameter.
    """
    p = comparison.mcnemar_p
    return direction(comparison) if p is not None and p * comparisons(sweep) < LEVEL else 0


def comparisons(sweep: Sweep) -> int:
    """Return how many evaluations of a parameter are compared with the hand-out's value."""
    return len(sweep.others) * len(LENGTHS)


def unchanged(a: Evaluation, b: Evaluation) -> int:
    """Return how many outputs are the same, row by row."""
    return sum(x.output == y.output for x, y in zip(a.rows, b.rows, strict=True))


@dataclass(frozen=True, slots=True)
class Kept:
    """How many of n outputs stay the same when a value is changed at a temperature."""

    temperature: Value
    sweep: Sweep
    value: Value
    same: int
    n: int


def kept_outputs(evaluations: Mapping[str, Evaluation]) -> list[Kept]:
    """Return how many outputs each change at each temperature leaves as they were."""
    return [
        Kept(
            t,
            sweep,
            value,
            unchanged(evaluations[at_temperature(t)], evaluations[at_temperature(t, sweep, value)]),
            len(evaluations[at_temperature(t)].rows),
        )
        for t in TEMPERATURES
        for sweep, value in CHANGES
    ]


def change(k: Kept) -> str:
    """Write what was changed: `top-k 1`."""
    return f"{k.sweep.parameter.replace('_', '-')} {k.sweep.text(k.value)}"


def bits(entropy: float) -> str:
    """Write an entropy."""
    return f"{entropy:.2f}"
