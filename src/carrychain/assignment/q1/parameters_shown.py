"""The tables and pictures of Q1b."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from carrychain.addition.evaluation import Evaluation
from carrychain.assignment.experiment import Axis, Column, Panel, Picture, Point, Series, Table
from carrychain.assignment.measured import accuracy_mark
from carrychain.assignment.q1.distributions import Distributions, most_likely
from carrychain.assignment.q1.repeats import Harm
from carrychain.assignment.q1.sweeps import (
    BASE,
    LENGTHS,
    MAX_TOKENS,
    PENALTY,
    SWEEPS,
    TEMPERATURE,
    TEMPERATURES,
    Kept,
    Setting,
    Sweep,
    Value,
    bits,
    change,
    comparisons,
    penalised,
    plain,
)
from carrychain.assignment.visible import visible
from carrychain.assignment.words import LEVEL, accuracy, signed, signed_interval
from carrychain.text import share as plain_share


def sweep_table(title: str, settings: Mapping[Sweep, Sequence[Setting]]) -> Table:
    """Return accuracy, entropy, spread and length for each value of each parameter."""
    rows: list[tuple[str, ...]] = []
    for sweep, values in settings.items():
        for s in values:
            mark = " (hand-out)" if s.value == sweep.base else ""
            rows.append(
                (
                    sweep.title,
                    sweep.text(s.value) + mark,
                    *(accuracy(s.answers[d]) for d in LENGTHS),
                    "–" if s.entropy is None else bits(s.entropy),
                    str(s.distinct),
                    f"{s.tokens:.1f}",
                    f"{s.characters:.1f}",
                )
            )
    first = settings[TEMPERATURE][0]
    return Table(
        "sweeps",
        f"{title}: each parameter alone, the others at the hand-out's values",
        (
            Column("parameter", numeric=False),
            Column("value"),
            *(Column(f"right, {d} digits") for d in LENGTHS),
            Column("entropy, bits"),
            Column("different outputs"),
            Column("tokens"),
            Column("characters"),
        ),
        tuple(rows),
        f"Zero-shot, n = {first.answers[7].metrics.n} sums of each length with 95% intervals. "
        f"Entropy is the next token's after all steps. Different outputs among {first.runs} runs "
        "of the first 7-digit sum; tokens and characters are mean lengths of outputs to 7-digit "
        "sums. A value is called better or worse than the hand-out's where McNemar's p is below "
        f"{LEVEL:g} divided by the {comparisons(TEMPERATURE)} comparisons of its parameter.",
    )


def kept_table(title: str, kept: Sequence[Kept]) -> Table:
    """Return how many outputs stay the same, by change and temperature."""
    by_change = {change(k): [x for x in kept if change(x) == change(k)] for k in kept}
    return Table(
        "idle",
        f"{title}: outputs of {kept[0].n} that stay the same when one value is changed",
        (
            Column("changed to", numeric=False),
            *(Column(f"temperature {plain(t)}") for t in TEMPERATURES),
        ),
        tuple((name, *(str(k.same) for k in ks)) for name, ks in by_change.items()),
        f"7-digit sums, row by row, against top-k {BASE.top_k} and top-p {plain(BASE.top_p)} at "
        "the same temperature, with the same seeds.",
    )


def harm_table(
    title: str, evaluations: Mapping[str, Evaluation], harms: Mapping[Value, Harm]
) -> Table:
    """Return what the penalty costs sums whose digits repeat, and others."""
    rows = [
        (
            plain(penalty) + (" (hand-out)" if penalty == PENALTY.base else ""),
            accuracy(evaluations[penalised("repeating", penalty)]),
            accuracy(evaluations[penalised("fresh", penalty)]),
            signed(harms[penalty].extra) if penalty in harms else "",
            signed_interval(harms[penalty].extra_ci) if penalty in harms else "",
        )
        for penalty in PENALTY.values
    ]
    return Table(
        "repeats",
        f"{title}: repetition penalty on 3-digit sums, n = {next(iter(harms.values())).n} each",
        (
            Column("penalty"),
            Column("right, digits repeat"),
            Column("right, no repeats"),
            Column("lost more by repeats"),
            Column("95% interval"),
        ),
        tuple(rows),
        "Digits repeat: a digit stands in the sum twice. No repeats: each digit of the sum is new, "
        "in the question too. Pairs of the two carry in the same columns. The penalty counts "
        "tokens: where a token holds several digits, repeats look otherwise to it.",
    )


def distribution_table(title: str, exact: Distributions) -> Table:
    """Return the probabilities of the likeliest tokens, a row a setting."""
    shown = most_likely(exact, 6)
    rows = [
        (
            "before",
            "",
            *(plain_share(exact.raw[i]) for i in shown),
            plain_share(max(0.0, 1 - sum(exact.raw[i] for i in shown))),
            bits(exact.raw_entropy),
        )
    ]
    for sweep in SWEEPS:
        if sweep is MAX_TOKENS:
            continue
        for value in sweep.values:
            drawn = exact.drawn[sweep.sampling(value)]
            rows.append(
                (
                    sweep.title,
                    sweep.text(value) + (" (hand-out)" if value == sweep.base else ""),
                    *(plain_share(drawn[i]) for i in shown),
                    plain_share(max(0.0, 1 - sum(drawn[i] for i in shown))),
                    bits(exact.entropy(sweep.sampling(value))),
                )
            )
    return Table(
        "distributions",
        f"{title}: exact probabilities of the next token",
        (
            Column("parameter", numeric=False),
            Column("value"),
            *(Column(token_text(exact, i)) for i in shown),
            Column("others"),
            Column("entropy, bits"),
        ),
        tuple(rows),
        f"After “{visible(exact.text)}”, where the model is least sure of the sum. Before: from "
        "the model, nothing changed. Other rows: one parameter at its value, the others at the "
        "hand-out's. Max Tokens is no part of it.",
    )


# --- pictures ------------------------------------------------------------------------------------


def _values_axis(sweep: Sweep) -> Axis:
    return Axis(
        f"value; the hand-out's is {sweep.text(sweep.base)}",
        categories=tuple(sweep.text(v) for v in sweep.values),
    )


def sweep_picture(title: str, settings: Mapping[Sweep, Sequence[Setting]]) -> Picture:
    """Return accuracy by each parameter, a panel each."""
    panels = tuple(
        Panel(
            sweep.title,
            _values_axis(sweep),
            Axis("share right", low=0, high=1),
            tuple(
                Series(
                    f"{title}, {d} digits",
                    tuple(accuracy_mark(x, s.answers[d]) for x, s in enumerate(values)),
                )
                for d in LENGTHS
            ),
        )
        for sweep, values in settings.items()
    )
    ends = ", ".join(
        f"{sweep.title} {sweep.text(s.value)}: {plain_share(s.answers[3].metrics.acc)} and "
        f"{plain_share(s.answers[7].metrics.acc)}"
        for sweep, values in settings.items()
        for s in (values[0], values[-1])
    )
    n = settings[TEMPERATURE][0].answers[7].metrics.n
    return Picture(
        "parameters",
        f"Accuracy by each parameter alone, zero-shot, n = {n} a mark; lines at the marks are 95% "
        "intervals",
        f"{title}: share right with 3 and with 7 digits at the ends of each range. {ends}.",
        panels,
    )


def spread_picture(title: str, settings: Mapping[Sweep, Sequence[Setting]]) -> Picture:
    """Return the number of different outputs by each parameter, a panel each."""
    runs = settings[TEMPERATURE][0].runs
    panels = tuple(
        Panel(
            sweep.title,
            _values_axis(sweep),
            Axis("different outputs", low=0, high=runs),
            (Series(title, tuple(Point(x, s.distinct) for x, s in enumerate(values))),),
        )
        for sweep, values in settings.items()
    )
    ends = ", ".join(
        f"{sweep.title} {values[0].distinct} and {values[-1].distinct}"
        for sweep, values in settings.items()
    )
    return Picture(
        "spread",
        f"Different outputs among {runs} runs of one 7-digit sum",
        f"{title}: different outputs at the lowest and the highest value: {ends}.",
        panels,
    )


def harm_picture(
    title: str, evaluations: Mapping[str, Evaluation], harms: Mapping[Value, Harm]
) -> Picture:
    """Return accuracy by penalty, of sums whose digits repeat and of others."""
    kinds = (("repeating", "digits of the sum repeat"), ("fresh", "none repeats"))
    ends = " and ".join(
        f"{accuracy(evaluations[penalised(kind, PENALTY.values[-1])])} where {label}"
        for kind, label in kinds
    )
    return Picture(
        "repeats",
        f"{title}: repetition penalty on 3-digit sums, n = {next(iter(harms.values())).n} a mark; "
        "lines at the marks are 95% intervals",
        f"At a penalty of {plain(PENALTY.values[-1])} the share right is {ends}.",
        (
            Panel(
                "sums whose digits repeat, and others",
                _values_axis(PENALTY),
                Axis("share right", low=0, high=1),
                tuple(
                    Series(
                        label,
                        tuple(
                            accuracy_mark(x, evaluations[penalised(kind, penalty)])
                            for x, penalty in enumerate(PENALTY.values)
                        ),
                    )
                    for kind, label in kinds
                ),
            ),
        ),
    )


def distribution_picture(title: str, exact: Distributions) -> Picture:
    """Return the next token's probabilities before and after each parameter."""
    shown = most_likely(exact, 5)
    tokens = Axis("next token", categories=tuple(token_text(exact, i) for i in shown))

    def panel(sweep: Sweep) -> Panel:
        ends = {"lowest": sweep.values[0], "hand-out's": sweep.base, "highest": sweep.values[-1]}
        series = [Series("before", tuple(Point(x, exact.raw[i]) for x, i in enumerate(shown)))]
        for label, value in ends.items():
            drawn = exact.drawn[sweep.sampling(value)]
            series.append(
                Series(f"{label} value", tuple(Point(x, drawn[i]) for x, i in enumerate(shown)))
            )
        named = ", ".join(sweep.text(value) for value in ends.values())
        return Panel(
            f"{sweep.title}: {named}",
            tokens,
            Axis("probability", low=0, high=1),
            tuple(series),
            bars=True,
        )

    panels = tuple(panel(sweep) for sweep in SWEEPS if sweep is not MAX_TOKENS)
    told_ends = ", ".join(
        f"{s.title} {bits(exact.entropy(s.sampling(s.values[0])))} to "
        f"{bits(exact.entropy(s.sampling(s.values[-1])))}"
        for s in SWEEPS
        if s is not MAX_TOKENS
    )
    return Picture(
        "distributions",
        f"{title}: the next token after “{visible(exact.text[-40:])}”",
        f"Entropy in bits from the lowest to the highest value: {told_ends}; "
        f"{bits(exact.raw_entropy)} before any parameter.",
        panels,
    )


def token_text(exact: Distributions, token: int) -> str:
    """Write a token so that blanks and line breaks are seen."""
    return visible(exact.texts[token]).replace(" ", "␣") or "(nothing)"
