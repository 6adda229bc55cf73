"""A question's pictures, drawn for light and dark pages; matplotlib is imported only here.

Series differ in grey too: by marker and line, bars by hatching. Text stays text in SVG, and the
same picture gives the same bytes.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from textwrap import wrap
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from carrychain.assignment.experiment import Axis, Panel, Picture, Point
from carrychain.assignment.visible import visible


@dataclass(frozen=True, slots=True)
class Scheme:
    """Colours on a page of one kind; each has a contrast of at least 3 to 1 with it."""

    name: str
    ink: str
    recorded: str
    grid: str
    series: tuple[str, ...]


LIGHT = Scheme(
    "light",
    ink="#1c1f23",
    recorded="#5d646c",
    grid="#d5d9de",
    series=("#12355b", "#c2410c", "#0a7d5c", "#8e44ad", "#1f7fc4", "#7a6a00"),
)
DARK = Scheme(
    "dark",
    ink="#e8eaed",
    recorded="#a7afb8",
    grid="#3d444c",
    series=("#9ecbff", "#ff9d5c", "#4fd1a5", "#d9a5ec", "#f2f2f2", "#e0cf5a"),
)
SCHEMES = (LIGHT, DARK)

_MARKERS = "osD^vPX*"
_LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 2, 1, 2, 1, 2)), (0, (1, 3)))
_HATCHES = ("", "///", "xx", "---", "\\\\\\", "++")

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica"],
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "carrychain",
}
_WIDTHS = {1: 6.4, 2: 9.6, 3: 10.8}
"""Inches of a picture, by panels in a row."""

_LETTER = 0.085
"""Inches that a letter takes on average, generously."""

_NAME = 2.2
"""Inches of a line of a category's name, where it has room."""

_MOST_TICKS = 8
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn picture on a transparent ground.

    Args:
        svg, png: the files' contents.
        width, height: in CSS pixels.
    """

    svg: bytes
    png: bytes
    width: int
    height: int


def draw(picture: Picture, scheme: Scheme = LIGHT) -> Drawing:
    """Draw a picture.

    An axis holds all values, beyond the ends that it is given too; axes of panels that measure the
    same on y have the same ends. A logarithmic axis that must hold 0 or less is linear below the
    smallest magnitude above 0. A value that is not a finite number has no place; its panel's title
    says how many there are.
    """
    columns = _columns(len(picture.panels))
    rows = math.ceil(len(picture.panels) / columns)
    with matplotlib.rc_context(), warnings.catch_warnings():
        # A reader's fonts may well have the letter that ours lack.
        warnings.filterwarnings("ignore", r"Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE | _inks(scheme))
        figure = Figure(layout=ConstrainedLayoutEngine(hspace=0.06))
        styles = _styles(picture, scheme)
        drawn: list[tuple[Panel, Axes]] = []
        for place, panel in enumerate(picture.panels):
            beside = drawn[-1] if place % columns else None
            shared = beside[1] if beside is not None and beside[0].y == panel.y else None
            axes = figure.add_subplot(rows, columns, place + 1, sharey=shared)
            alike = [p for other in picture.panels if other.y == panel.y for p in _points(other)]
            _draw_panel(axes, panel, styles, alike, _WIDTHS[columns] / columns)
            if shared is not None:
                axes.tick_params(labelleft=False)
                axes.set_ylabel("")
            drawn.append((panel, axes))
        title = _wrapped(picture.title, _WIDTHS[columns])
        figure.suptitle(title, fontsize=10.5)
        lines = title.count("\n") + _add_legend(figure, picture, styles, _WIDTHS[columns])
        below = max(_room_below(panel, _WIDTHS[columns] / columns) for panel in picture.panels)
        figure.set_size_inches(_WIDTHS[columns], (3.3 + below) * rows + 0.3 + 0.2 * lines)
        svg, png = BytesIO(), BytesIO()
        figure.savefig(svg, format="svg", transparent=True, metadata={"Date": None})
        figure.savefig(png, format="png", transparent=True, dpi=160)
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Drawing(svg.getvalue(), png.getvalue(), width, height)


@dataclass(frozen=True, slots=True)
class _Look:
    """How a series is told from the others."""

    colour: str
    marker: str
    line: Any
    hatch: str
    recorded: bool


def _styles(picture: Picture, scheme: Scheme) -> dict[str, _Look]:
    """Give each label its look, the same in every panel."""
    looks: dict[str, _Look] = {}
    for series in (s for panel in picture.panels for s in panel.series):
        place = sum(look.recorded == series.recorded for look in looks.values())
        colours = (scheme.recorded,) if series.recorded else scheme.series
        look = _Look(
            colour=colours[place % len(colours)],
            marker=_MARKERS[(place + 3 * series.recorded) % len(_MARKERS)],
            line=_LINES[place % len(_LINES)],
            hatch=_HATCHES[place % len(_HATCHES)],
            recorded=series.recorded,
        )
        looks.setdefault(series.label, look)
    return looks


def _draw_panel(
    axes: Axes, panel: Panel, styles: dict[str, _Look], alike: Sequence[Point], inches: float
) -> None:
    """Draw one pair of axes, of so many inches, with room for the points of those alike on y."""
    points = _points(panel)
    lost = sum(len(series.points) for series in panel.series) - len(points)
    said = f"\n({lost} not a finite number: not drawn)" if lost else ""
    axes.set_title(_wrapped(panel.title, inches) + said)
    axes.grid(axis="x" if panel.y.categories else "y", linewidth=0.6)
    axes.set_axisbelow(True)
    # Where series stand side by side: bars fill most of the step between two values of x, points
    # with intervals stand close to their value.
    logarithmic = _scale(panel.x, [p.x for p in points]) == "log"
    to_axis, to_x = (math.log, math.exp) if logarithmic else (float, float)
    step = min((b - a for a, b in pairwise(sorted({to_axis(p.x) for p in points}))), default=1.0)
    count = max(1, len(panel.series))
    width = step * (0.8 / count if panel.bars else 0.36 / max(3, count))
    aside = 0.5 * step if panel.bars else 0.0
    ends = [to_x(to_axis(p.x) + side * aside) for p in points for side in (-1, 1)]
    _set_axis(axes, "x", panel.x, [p.x for p in points], ends, inches)
    heights = [v for p in alike for v in (p.y, p.low, p.high) if v is not None]
    _set_axis(
        axes, "y", panel.y, heights, [0.0] if panel.bars and panel.y.scale == "linear" else [], 3.0
    )
    if panel.bars and axes.get_yscale() == "linear" and min(heights, default=0.0) >= 0:
        axes.set_ylim(bottom=0.0)
    for place, series in enumerate(panel.series):
        kept, look = _finite(series.points), styles[series.label]
        beside = panel.bars or any(p.low is not None for p in kept)
        shift = width * (place - (len(panel.series) - 1) / 2) if beside else 0.0
        xs = [to_x(to_axis(p.x) + shift) for p in kept]
        barred = panel.bars and not series.recorded
        if barred:
            _draw_bars(axes, xs, kept, 0.92 * width, look)
        else:
            _draw_points(axes, xs, kept, look, series.joined and not panel.bars)
        _draw_intervals(axes, xs, kept, look, on_bars=barred)


def _draw_bars(
    axes: Axes, xs: Sequence[float], points: Sequence[Point], width: float, look: _Look
) -> None:
    axes.bar(
        xs,
        [p.y for p in points],
        width=width,
        facecolor=(look.colour, 0.28),
        edgecolor=look.colour,
        hatch=look.hatch,
        linewidth=1.0,
    )


def _draw_points(
    axes: Axes, xs: Sequence[float], points: Sequence[Point], look: _Look, joined: bool
) -> None:
    axes.plot(
        xs,
        [p.y for p in points],
        color=look.colour,
        marker=look.marker,
        markersize=7 if look.recorded else 5.5,
        markerfacecolor="none" if look.recorded else look.colour,
        markeredgewidth=1.3 if look.recorded else 0.8,
        linestyle=look.line if joined else "none",
        linewidth=1.5,
        markevery=0.06 if len(xs) > 24 else 1,  # a share of the panel's diagonal, or each
        zorder=3,
    )


def _draw_intervals(
    axes: Axes, xs: Sequence[float], points: Sequence[Point], look: _Look, on_bars: bool
) -> None:
    """Draw 95% intervals as lines with ends; over bars in the ink of the text."""
    colour = matplotlib.rcParams["text.color"] if on_bars else look.colour
    for x, p in zip(xs, points, strict=True):
        if p.low is not None and p.high is not None:
            axes.plot([x, x], [p.low, p.high], color=colour, linewidth=1.0, marker="_", zorder=4)


def _set_axis(
    axes: Axes,
    which: str,
    axis: Axis,
    values: Sequence[float],
    more: Sequence[float],
    inches: float,
) -> None:
    """Scale, limit, tick and label an axis that holds these values, and more without ticks."""
    on = axes.xaxis if which == "x" else axes.yaxis
    limit = axes.set_xlim if which == "x" else axes.set_ylim
    on.set_label_text(_wrapped(axis.label, inches))
    if axis.categories:
        _set_categories(axes, which, axis.categories, inches)
        return
    ends = [v for v in (axis.low, axis.high) if v is not None]
    held = [*values, *more, *ends] or [0.0, 1.0]
    low, high = min(held), max(held)
    scale = _scale(axis, held)
    if scale == "linear":
        room = 0.04 * ((high - low) or abs(high) or 1.0)
        limit(low - room, high + room)
        ticks = _at(values, values) if which == "x" else None
        on.set_major_locator(ticks or MaxNLocator(_MOST_TICKS, steps=[1, 2, 2.5, 5, 10]))
    elif scale == "log":
        _set_scale(axes, which, "log")
        room = (high / low) ** 0.05 if high > low else 2.0
        limit(low / room, high * room)
        ticks = _at([math.log(v) for v in values], values) if which == "x" else None
        on.set_major_locator(ticks or LogLocator(numticks=_MOST_TICKS))
        on.set_minor_locator(NullLocator())
    else:
        least = min((abs(v) for v in held if v), default=1.0)
        _set_scale(axes, which, "symlog", linthresh=least, linscale=0.6)
        limit(_beyond(low, -1, least), _beyond(high, 1, least))
        on.set_major_locator(FixedLocator(_decades(low, high, least)))
        on.set_minor_locator(NullLocator())
    on.set_major_formatter(FuncFormatter(_tick))


def _set_scale(axes: Axes, which: str, name: str, **options: float) -> None:
    if which == "x":
        axes.set_xscale(name, **options)
    else:
        axes.set_yscale(name, **options)


def _set_categories(axes: Axes, which: str, names: Sequence[str], inches: float) -> None:
    """Name the places 0, 1, 2, ...; where names are too long for their room they stand askew."""
    places = range(len(names))
    if which == "y":
        axes.set_yticks(places, [_wrapped(name, _NAME) for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        return
    if _fit(names, inches):
        axes.set_xticks(places, [_wrapped(name, _room(names, inches)) for name in names])
    else:
        askew = [_wrapped(name, _askew(names)) for name in names]
        axes.set_xticks(places, askew, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_xlim(-0.6, len(names) - 0.4)


def _room(names: Sequence[str], inches: float) -> float:
    """Return the inches that each of several names has side by side."""
    return 0.85 * inches / len(names)


def _fit(names: Sequence[str], inches: float) -> bool:
    """Whether names stand side by side in up to three lines each."""
    room = _room(names, inches)
    lines = [_wrapped(name, room).split("\n") for name in names]
    widest = max(len(line) for wrapped in lines for line in wrapped)
    return widest * _LETTER <= room and max(len(wrapped) for wrapped in lines) <= 3


def _room_below(panel: Panel, inches: float) -> float:
    """Return how many inches more than numbers the names below a panel need."""
    names = panel.x.categories
    if not names:
        return 0.0
    if _fit(names, inches):
        return 0.17 * max(_wrapped(name, _room(names, inches)).count("\n") for name in names)
    longest = max(len(line) for name in names for line in _wrapped(name, _askew(names)).split("\n"))
    return 0.65 * _LETTER * longest


def _askew(names: Sequence[str]) -> float:
    """Return the inches of a line of names that stand askew, in up to two lines each."""
    return max(_NAME, 0.5 * _LETTER * max(len(visible(name)) for name in names) + 0.5)


def _add_legend(figure: Figure, picture: Picture, styles: dict[str, _Look], inches: float) -> int:
    """Say below the panels which series is which; return how many lines that takes."""
    barred = {s.label for panel in picture.panels if panel.bars for s in panel.series}
    joined = {
        s.label for panel in picture.panels if not panel.bars for s in panel.series if s.joined
    }
    handles: list[Line2D | Patch] = []
    for label, look in styles.items():
        text = _wrapped(label, min(inches - 1.0, 5.5))
        if label in barred and not look.recorded:
            faint = (look.colour, 0.28)
            handles.append(Patch(fc=faint, ec=look.colour, hatch=look.hatch, label=text))
        else:
            handles.append(
                Line2D(
                    [],
                    [],
                    color=look.colour,
                    marker=look.marker,
                    markerfacecolor="none" if look.recorded else look.colour,
                    markersize=7 if look.recorded else 5.5,
                    linestyle=look.line if label in joined else "none",
                    label=text,
                )
            )
    if not handles:
        return 0
    lines = [str(handle.get_label()).split("\n") for handle in handles]
    widest = max(len(line) for label in lines for line in label)
    columns = max(1, min(len(handles), int(inches / (_LETTER * widest + 0.7))))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, handlelength=3.2)
    return math.ceil(sum(len(label) for label in lines) / columns)


def _scale(axis: Axis, values: Iterable[float]) -> str:
    """Return the scale that an axis gets: 0 and less have no place on a logarithmic one."""
    return "symlog" if axis.scale == "log" and min(values, default=1.0) <= 0 else axis.scale


def _columns(panels: int) -> int:
    """Return how many panels stand side by side: four make a square."""
    return 2 if panels in (2, 4) else min(panels, 3)


def _inks(scheme: Scheme) -> dict[Any, Any]:
    names = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    return {**dict.fromkeys(names, scheme.ink), "grid.color": scheme.grid}


def _points(panel: Panel) -> list[Point]:
    return [point for series in panel.series for point in _finite(series.points)]


def _finite(points: Iterable[Point]) -> list[Point]:
    return [
        p for p in points if all(v is None or math.isfinite(v) for v in (p.x, p.y, p.low, p.high))
    ]


def _wrapped(text: str, inches: float) -> str:
    """Break text into lines of so many inches; a dollar sign is no mathematics."""
    lines = wrap(visible(text), max(6, int(inches / _LETTER)), break_long_words=False)
    return "\n".join(lines).replace("$", r"\$")


def _at(places: Sequence[float], values: Sequence[float]) -> FixedLocator | None:
    """Return ticks at the values themselves, if they are few, whole and stand apart.

    Args:
        places: where they stand on the axis.
        values: what they are.
    """
    by_place = dict(sorted(zip(places, values, strict=True)))
    ordered = list(by_place)
    if not 1 <= len(ordered) <= _MOST_TICKS:
        return None
    whole = all(float(value).is_integer() for value in by_place.values())
    apart = min((b - a for a, b in pairwise(ordered)), default=1.0)
    if not whole or apart < 0.06 * (ordered[-1] - ordered[0]):
        return None
    return FixedLocator(list(by_place.values()))


def _decades(low: float, high: float, least: float) -> list[float]:
    """Return 0 and powers of ten in a range that is linear below `least`, a readable number."""
    first = math.floor(math.log10(least))
    up, down = (
        [sign * 10.0**e for e in range(first, math.ceil(math.log10(end)) + 1)] if end > 0 else []
        for sign, end in ((1, high), (-1, -low))
    )
    every = math.ceil((len(up) + len(down)) / _MOST_TICKS)
    return [*reversed(down[every - 1 :: every]), 0.0, *up[every - 1 :: every]]


def _beyond(end: float, side: int, least: float) -> float:
    """Move an end of a symlog axis outwards a little."""
    if abs(end) <= least:
        return end + side * 0.8 * least
    return end * 2 if end * side > 0 else end / 2


def _tick(value: float, place: object = None) -> str:
    """Write a number at an axis as the tables do: .25, 1,000, 5·10⁶."""
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e5:
        text = f"{value:,.6g}"
    else:
        digits, _, exponent = f"{value:.1e}".partition("e")
        digits = digits.removesuffix(".0")
        power = f"10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
        text = {"1": power, "-1": f"-{power}"}.get(digits, f"{digits}·{power}")
    return text.replace("-", "−").replace("−0.", "−.") if value < 0 else text.removeprefix("0")
