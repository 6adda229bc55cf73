"""How the questions put numbers into words: a difference is claimed only where it can be told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from carrychain.addition.comparison import Comparison
from carrychain.addition.evaluation import Evaluation
from carrychain.assignment.experiment import Column
from carrychain.assignment.recorded import RecordedRun
from carrychain.stats import Interval, wilson
from carrychain.text import interval, number
from carrychain.text import share as plain_share

LEVEL = 0.05
"""A test's p below it supports a difference; intervals leave out as much."""

SCORES = (
    Column("setting", numeric=False),
    Column("right"),
    Column("accuracy"),
    Column("95% interval"),
    Column("mean error"),
)
"""Columns of `scores` and `recorded_scores`."""

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def share(correct: int, n: int) -> str:
    """Write a share of n independent answers with its 95% Wilson interval.

    Example:
        >>> share(55, 100)
        '.55 (.45 to .64)'
    """
    return f"{plain_share(correct / n)} ({interval(wilson(correct, n))})"


def accuracy(evaluation: Evaluation) -> str:
    """Write an evaluation's accuracy with its 95% interval, which knows of several runs."""
    metrics = evaluation.metrics
    return f"{plain_share(metrics.acc)} ({interval(metrics.acc_ci)})"


def large(value: float | None) -> str:
    """Write a magnitude in prose: in full below 10^12, as a power of ten from there.

    Args:
        value: any number, an integer of any size; inf is a mean that exceeds every float.

    Example:
        >>> large(9844393.4), large(32563249146903272543252352352352), large(-2.8e22)
        ('9,844,393', '3.3·10³¹', '−2.8·10²²')
    """
    if value is None:
        return "–"
    if isinstance(value, float) and math.isinf(value):
        return "beyond 10³⁰⁸" if value > 0 else "below −10³⁰⁸"
    if abs(value) < 10**12:
        return number(value).replace("-", "−")
    digits, _, exponent = f"{Decimal(value):.1e}".partition("e")
    power = str(int(exponent)).translate(_SUPERSCRIPTS)
    return f"{digits}·10{power}".replace("-", "−")


def signed(value: float) -> str:
    """Write a difference of shares with its sign.

    Example:
        >>> signed(0.22), signed(-0.05), signed(0.0)
        ('+.22', '−.050', '0')
    """
    text = plain_share(abs(value)) if round(abs(value), 3) else "0"
    return text if text == "0" else ("+" if value > 0 else "−") + text


def signed_interval(bounds: Interval) -> str:
    """Write the interval of a difference of shares: `+.12 to +.32`."""
    return f"{signed(bounds[0])} to {signed(bounds[1])}"


def direction(comparison: Comparison) -> int:
    """Return 1 where B is more accurate, -1 where A is, 0 where no difference can be told.

    The interval of the paired difference must leave out 0, and McNemar's test, where it applies,
    must have p below 5%.
    """
    low, high = comparison.acc_difference_ci
    if comparison.mcnemar_p is not None and comparison.mcnemar_p >= LEVEL:
        return 0
    return (low > 0) - (high < 0)


def error_direction(comparison: Comparison) -> int:
    """Return 1 where B's mean error is larger, -1 where A's is, 0 where none can be told."""
    if comparison.mae_difference_ci is None:
        return 0
    low, high = comparison.mae_difference_ci
    return (low > 0) - (high < 0)


def paired(comparison: Comparison, *, a: str, b: str) -> str:
    """Write how B compares with A on the same problems, in one sentence.

    Args:
        comparison: of A and B.
        a, b: what they are, as the subject of a sentence: "the zero-shot prompt".
    """
    c = comparison
    if c.only_a == c.only_b == 0:
        return (
            f"No difference between {a} and {b} can be told at n = {c.n_pairs}: both are right on "
            f"the same problems, {plain_share(c.acc_a)} of them."
        )
    evidence = f"difference {signed(c.acc_difference)}, 95% interval "
    evidence += signed_interval(c.acc_difference_ci)
    if c.mcnemar_p is not None:
        evidence += f", McNemar p {p_value(c.mcnemar_p)}"
    found = direction(c)
    if found == 0:
        return (
            f"No difference between {a} and {b} can be told at n = {c.n_pairs}: "
            f"{plain_share(c.acc_a)} and {plain_share(c.acc_b)} are right ({evidence})."
        )
    more = "more" if found > 0 else "less"
    shares = f"{plain_share(c.acc_b)} against {plain_share(c.acc_a)}"
    return capital(f"{b} is right {more} often than {a}: {shares} ({evidence}).")


def paired_error(comparison: Comparison, *, a: str, b: str) -> str:
    """Write how B's mean error compares with A's on the same problems, in one sentence."""
    c = comparison
    means = f"{large(c.mae_b)} against {large(c.mae_a)}"
    if c.mae_difference_ci is None:
        return f"The mean errors of {b} and {a}, {means}, are too large for an interval."
    low, high = c.mae_difference_ci
    evidence = f"95% interval of the difference {large(low)} to {large(high)}"
    found = error_direction(c)
    if found == 0:
        return (
            f"No difference between the mean errors of {b} and {a} can be told at "
            f"n = {c.n_pairs}: {means} ({evidence})."
        )
    change = "larger" if found > 0 else "smaller"
    return f"The mean error of {b} is {change} than that of {a}: {means} ({evidence})."


def response(value: int | None) -> str:
    """Write a number that was read: the digits, or the first of very many.

    Example:
        >>> response(10160736), response(1016073634000000000000000000000), response(None)
        ('10160736', '10160736340… (31 digits)', 'nothing')
    """
    if value is None:
        return "nothing"
    digits = str(value)
    return digits if len(digits) <= 16 else f"{digits[:11]}… ({len(digits)} digits)"


def quoted(output: str, most: int = 60) -> str:
    """Write an output on one line: ↵ for a line break, … where it is cut after `most` signs."""
    line = output.replace("\n", "↵")
    return f"“{line}”" if len(line) <= most else f"“{line[:most]}…”"


def join(parts: Sequence[str]) -> str:
    """Write a list: `a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def p_value(p: float) -> str:
    """Write a p so that it follows a noun: `= .04`, `< .001`."""
    return "< .001" if p < 0.001 else f"= {plain_share(p)}"


def scores(label: str, evaluation: Evaluation) -> tuple[str, ...]:
    """Return the cells of `SCORES` for an evaluation."""
    m = evaluation.metrics
    return (label, f"{m.correct} of {m.n}", plain_share(m.acc), interval(m.acc_ci), large(m.mae))


def recorded_scores(label: str, run: RecordedRun) -> tuple[str, ...]:
    """Return the cells of `SCORES` for a recorded run; the first one says that it is."""
    return (
        f"{recorded(run)}: {label}",
        f"{run.correct} of {run.n}",
        plain_share(run.acc),
        interval(run.acc_ci),
        large(run.mae),
    )


def recorded(run: RecordedRun) -> str:
    """Write which recorded run it is: `recorded, Llama-2-7b-chat-hf, A-32`."""
    return f"recorded, {run.model}, {run.id}"


def capital(sentence: str) -> str:
    """Begin it with a capital letter."""
    return sentence[0].upper() + sentence[1:]
