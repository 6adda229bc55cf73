"""A class in four pictures; they stay readable in grey: hatching and marks differ, not colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from zoneinfo import ZoneInfo

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_INK = "#1a1a1a"
_FILL = {"clean": "#f2f2f2", "review": "#c9d8ea", "flagged": "#8a8a8a"}
_HATCH = {"clean": "", "review": "///", "flagged": "xx"}
_SIZE = (6.4, 3.4)
_DPI = 130
_MOST_BINS = 40


@dataclass(frozen=True, slots=True)
class Point:
    """A student, as the pictures show one.

    Args:
        points: of Q3, 0 to `max_points`.
        acc, acc_ci: share of exact answers, with its 95% interval.
        graded_verdict, verdict: before and after an instructor's word.
    """

    points: float
    acc: float
    acc_ci: tuple[float, float]
    graded_verdict: str
    verdict: str


def draw_class(
    students: Sequence[Point],
    max_points: float,
    moments: Sequence[datetime],
    deadline: datetime | None,
    time_zone: str,
) -> dict[str, bytes]:
    """Return the pictures as PNG, by file name.

    Args:
        students: at least one.
        max_points: of Q3.
        moments: when each attempt was handed in.
        deadline: the last moment, None for none.
        time_zone: in which times are shown.
    """
    zone = ZoneInfo(time_zone)
    return {
        "scores.png": _scores(students, max_points),
        "accuracy.png": _accuracy(students),
        "attempts.png": _attempts(sorted(at.astimezone(zone) for at in moments), deadline, zone),
        "verdicts.png": _verdicts(students),
    }


def _scores(students: Sequence[Point], max_points: float) -> bytes:
    figure, axes = _axes("points", "students")
    bins = min(_MOST_BINS, max(1, math.ceil(max_points) + 1))
    width = max(max_points, 1) / max(1, bins - 1)
    bottom = [0] * bins
    for verdict, fill in _FILL.items():
        heights = [0] * bins
        for student in students:
            if student.verdict == verdict:
                heights[min(bins - 1, int(student.points / width))] += 1
        axes.bar(
            [place * width for place in range(bins)],
            heights,
            width=0.9 * width,
            bottom=bottom,
            color=fill,
            edgecolor=_INK,
            hatch=_HATCH[verdict],
            linewidth=0.6,
            label=verdict,
        )
        bottom = [a + b for a, b in zip(bottom, heights, strict=True)]
    axes.legend(frameon=False)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return _png(figure)


def _accuracy(students: Sequence[Point]) -> bytes:
    figure, axes = _axes("students, the most accurate first", "accuracy, with 95% interval")
    ordered = sorted(students, key=lambda student: -student.acc)
    places = range(1, len(ordered) + 1)
    axes.vlines(
        list(places),
        [student.acc_ci[0] for student in ordered],
        [student.acc_ci[1] for student in ordered],
        color="0.6",
        linewidth=max(0.5, min(2.0, 200 / len(ordered))),
    )
    size = max(2.0, min(6.0, 400 / len(ordered)))
    axes.plot(list(places), [student.acc for student in ordered], "o", color=_INK, markersize=size)
    axes.set_ylim(-0.02, 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return _png(figure)


def _attempts(moments: Sequence[datetime], deadline: datetime | None, zone: ZoneInfo) -> bytes:
    figure, axes = _axes(f"time ({zone.key})", "attempts so far")
    days = [_days(at) for at in moments]
    axes.step(days, range(1, len(days) + 1), where="post", color=_INK)
    axes.plot(days, range(1, len(days) + 1), ".", color=_INK, markersize=4)
    if deadline is not None:
        axes.axvline(_days(deadline), color=_INK, linestyle="--", label="deadline")
        axes.legend(frameon=False)
    locator = AutoDateLocator(tz=zone)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    return _png(figure)


def _days(at: datetime) -> float:
    """Return days since 1970 in UTC, as matplotlib counts them."""
    return at.timestamp() / 86_400


def _verdicts(students: Sequence[Point]) -> bytes:
    figure, axes = _axes("verdict", "students")
    for side, (label, fill, hatch) in enumerate(
        (("as graded", "#f2f2f2", ""), ("after decisions", "#8a8a8a", "///"))
    ):
        counts = [
            sum(
                (student.verdict if side else student.graded_verdict) == verdict
                for student in students
            )
            for verdict in _FILL
        ]
        bars = axes.bar(
            [place + 0.4 * side - 0.2 for place in range(len(_FILL))],
            counts,
            width=0.38,
            color=fill,
            edgecolor=_INK,
            hatch=hatch,
            linewidth=0.6,
            label=label,
        )
        axes.bar_label(bars, padding=1)
    axes.set_xticks(range(len(_FILL)), list(_FILL))
    axes.margins(y=0.12)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)
    return _png(figure)


def _axes(x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: Figure) -> bytes:
    content = BytesIO()
    figure.savefig(content, format="png", dpi=_DPI, metadata={"Software": None})
    return content.getvalue()
