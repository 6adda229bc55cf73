"""The score res over its whole range: its ends, its sign, and what it ranks absurdly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations

from carrychain.addition.scoring import res, score
from carrychain.assignment.experiment import Column, Table
from carrychain.assignment.words import capital, large
from carrychain.text import share

SCALES = {"5e6": 5e6, "1e4": 1e4}
"""Scales of mae in res: the hand-out's test script, its notebook."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What res is made of.

    Args:
        label: which prompt, how many tokens, how read.
        acc: share of exact answers.
        mae: mean absolute error.
        prompt_length: characters of prefix and suffix, at least 1.
    """

    label: str
    acc: float
    mae: float
    prompt_length: int

    def res(self, scale: float, times: int = 1) -> float:
        """Return res, with the same answers to a prompt so many times as long."""
        value = res(self.acc, self.mae, times * self.prompt_length, scale)
        assert value is not None, "no prompt here is empty"
        return value

    def described(self, scale: float) -> str:
        """Write it with its numbers."""
        return (
            f"{self.label} (accuracy {share(self.acc)}, mean error {large(self.mae)}, "
            f"res {large(self.res(scale))})"
        )


def absurd(settings: Sequence[Scored], scale: float) -> tuple[Scored, Scored] | None:
    """Return a setting, and one that is right less often, errs no less and yet has a higher res.

    Of all such pairs the one with the largest difference in accuracy, then in res, then the first.
    """
    pairs = [
        (better, worse)
        for better, worse in permutations(settings, 2)
        if better.acc > worse.acc
        and better.mae <= worse.mae
        and better.res(scale) < worse.res(scale)
    ]
    return max(
        pairs,
        key=lambda p: (p[0].acc - p[1].acc, p[1].res(scale) - p[0].res(scale)),
        default=None,
    )


def turned(settings: Iterable[Scored], scale: float) -> Scored | None:
    """Return the most accurate setting whose res is below 0, where length becomes a merit."""
    below = [s for s in settings if s.res(scale) < 0]
    return max(below, key=lambda s: s.acc, default=None)


def absurd_sentence(measured: Sequence[Scored], recorded: Sequence[Scored], scale: float) -> str:
    """Write what res ranks absurdly at a scale, of what was measured or else recorded."""
    where = f"At the scale {large(scale)} res ranks"
    pair = absurd(measured, scale)
    if pair is None:
        where += " no measured setting below one that is right less often and errs no less"
        pair = absurd(recorded, scale)
        if pair is None:
            return f"{where}, and no recorded one."
        where += "; of the recorded ones it ranks"
    better, worse = pair
    return (
        f"{where} {worse.described(scale)} above {better.described(scale)}, which is right more "
        "often and errs no more."
    )


def turned_sentence(measured: Sequence[Scored], recorded: Sequence[Scored], scale: float) -> str:
    """Write where a longer prompt has the higher res, of what was measured or else recorded."""
    found = turned(measured, scale) or turned(recorded, scale)
    if found is None:
        return f"At the scale {large(scale)} no setting has a res below 0."
    once, twice = found.res(scale), found.res(scale, times=2)
    return (
        f"{capital(found.label)} has a mean error of {large(found.mae)}, above the scale "
        f"{large(scale)}: its res is {large(once)}, and the same answers to a prompt twice as long "
        f"have a higher one, {large(twice)}."
    )


def range_table(best: Scored) -> Table:
    """Show the ends of res and what moves it, each case scored as any result is.

    Args:
        best: a measured setting, shown with its prompt as it is and twice as long.
    """
    n, answer, huge = 100, 10_000_000, 10**31
    right, off, far = [answer], [answer + 1], [huge]
    cases = (
        ("all right, prompt of 1 character: the highest res there is", n * right, 1),
        ("all right, prompt of 100 characters", n * right, 100),
        ("none right, each off by 1", n * off, 100),
        ("none right, each an answer of 10³¹", n * far, 100),
        ("99 right, one answer of 10³¹", (n - 1) * right + far, 100),
    )
    made: list[Scored] = []
    for label, responses, length in cases:
        m = score(n * [answer], responses, length)
        made.append(Scored(f"made up: {label}", m.acc, m.mae, length))
    twice = Scored(
        f"the same answers, prompt twice as long: {best.label}",
        best.acc,
        best.mae,
        2 * best.prompt_length,
    )
    return Table(
        "res_range",
        "res over its range",
        RES_COLUMNS,
        tuple(res_cells(s) for s in (*made, best, twice)),
        "res = accuracy · (1 / prompt length) · (1 − mean error / scale). Nothing bounds it below; "
        "at accuracy 0 it is 0, whatever the error.",
    )


RES_COLUMNS = (
    Column("setting", numeric=False),
    Column("accuracy"),
    Column("mean error"),
    Column("prompt length"),
    *(Column(f"res, scale {large(scale)}") for scale in SCALES.values()),
)


def res_cells(setting: Scored) -> tuple[str, ...]:
    """Return the cells of `RES_COLUMNS`."""
    return (
        setting.label,
        share(setting.acc),
        large(setting.mae),
        str(setting.prompt_length),
        *(large(setting.res(scale)) for scale in SCALES.values()),
    )
