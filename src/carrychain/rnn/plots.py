"""Pictures of the gradient's way. They stay readable in grey: styles differ, not colours alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from carrychain.errors import InvalidInput
from carrychain.io import StrPath
from carrychain.rnn.flow import by_lag

if TYPE_CHECKING:
    from carrychain.rnn.cells import GradientFlow

Array = NDArray[np.float64]

FORMATS = ("png", "svg", "pdf")
BOUND_STYLES = (("--", "#9a5b00"), ("-.", "#0b6fb8"), (":", "#7a7a7a"))
INK, SHADE, ACCENT = "#1a1a1a", "0.82", "#0b6fb8"
LOG10_E = float(np.log10(np.e))


def lag_norm_map(log_norms: Array, certificate: Array) -> Figure:
    """Draw ||dh_t/dh_i||_2 for every start i and end t as colours, on a log scale.

    Norms whose error can't be bounded (an infinite certificate) are hatched, zeros are black.

    Args:
        log_norms, certificate: as `lag_norms` gives them, (T+1, T+1).
    """
    figure = _figure()
    _draw_map(figure.subplots(), log_norms, certificate)
    return figure


def norms_by_lag(log_norms: Array, bounds: Mapping[str, Array]) -> Figure:
    """Draw the norm's median and range over all starts against the lag t - i, and bounds.

    Args:
        log_norms: (T+1, T+1).
        bounds: the log of each bound under its name, (T+1, T+1); their medians are drawn.
    """
    figure = _figure()
    _draw_by_lag(figure.subplots(), log_norms, bounds)
    return figure


def step_shares(shares: Array) -> Figure:
    """Draw which steps the gradient comes from, as far back as 99.9% of it.

    Args:
        shares: each step's share of the sum of the terms' norms in equation (5), (T,).
    """
    figure = _figure()
    _draw_shares(figure.subplots(), shares)
    return figure


def spectrum(exponents: Array, error: Array) -> Figure:
    """Draw Lyapunov exponents in descending order with their errors.

    Args:
        exponents, error: a step, (n,).
    """
    figure = _figure()
    _draw_spectrum(figure.subplots(), exponents, error)
    return figure


def spectra_over_training(steps: Sequence[int], spectra: Sequence[Array]) -> Figure:
    """Draw how the Lyapunov spectrum changes while a network learns.

    Args:
        steps: training steps, ascending.
        spectra: the exponents at each of them, (n,).

    Raises:
        InvalidInput: as many steps as spectra are needed, at least one, all spectra of one length.
    """
    sizes = {np.shape(exponents) for exponents in spectra}
    if len(steps) != len(spectra) or len(sizes) != 1:
        raise InvalidInput(
            f"{len(spectra)} spectra of the shapes {sorted(sizes)} at {len(steps)} steps; give one "
            "for each step, all of one length"
        )
    values = np.sort(np.asarray(spectra), axis=1)[:, ::-1]  # (K, n)
    values = np.where(np.isfinite(values), values, np.nan)
    figure = _figure()
    axes = figure.subplots()
    axes.fill_between(steps, values[:, 0], values[:, -1], color=SHADE, lw=0, label="range")
    axes.plot(steps, values[:, 0], color=INK, marker="o", ms=4, label="largest")
    axes.plot(steps, np.median(values, axis=1), color=ACCENT, ls="--", label="median")
    axes.axhline(0, color="0.4", lw=0.8)
    axes.set(xlabel="training step", ylabel="Lyapunov exponent, a step")
    axes.set_title("spectrum over training")
    _finish(axes)
    axes.legend(frameon=False, fontsize=8)
    return figure


def flow_picture(flow: GradientFlow, bounds: Mapping[str, Array], title: str) -> Figure:
    """Draw one sequence's flow: the map of norms, norms by lag, shares and spectrum.

    Args:
        flow: of one sequence, no batch.
        bounds: as for `norms_by_lag`.
        title: what was measured.
    """
    figure = Figure(figsize=(11, 8), layout="constrained")
    (first, second), (third, fourth) = figure.subplots(2, 2)
    _draw_map(first, flow.log_norms, flow.certificate)
    _draw_by_lag(second, flow.log_norms, bounds)
    _draw_shares(third, flow.shares)
    _draw_spectrum(fourth, flow.lyapunov, flow.lyapunov_error)
    figure.suptitle(title, fontsize=11)
    return figure


def picture_format(path: StrPath) -> str:
    """Return which kind of picture a file's name asks for.

    Raises:
        InvalidInput: its suffix is none of .png, .svg and .pdf.
    """
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise InvalidInput(f"{path} is no picture's name; let it end in .png, .svg or .pdf")
    return suffix


def render(figure: Figure, format: str) -> bytes:
    """Return a figure as the bytes of a png, svg or pdf file."""
    buffer = BytesIO()
    figure.savefig(buffer, format=format, dpi=150)
    return buffer.getvalue()


# --- one panel each -------------------------------------------------------------------------------


def _draw_map(axes: Axes, log_norms: Array, certificate: Array) -> None:
    steps = np.arange(len(log_norms))
    reached = steps[:, None] >= steps  # t >= i
    zero = reached & np.isneginf(log_norms)
    finite = log_norms[reached & ~zero] * LOG10_E
    low, high = finite.min(), max(finite.max(), finite.min() + 1)  # rounding is no pattern
    shown = np.ma.masked_where(~reached, np.where(zero, low - 1, log_norms * LOG10_E))
    colours = colormaps["cividis"].with_extremes(under="black", bad="white")
    image = axes.imshow(shown, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    axes.figure.colorbar(
        image,
        ax=axes,
        label=r"$\log_{10}\,\Vert\partial h_t/\partial h_i\Vert_2$"
        + ", black is 0" * bool(zero.any()),
        extend="min" if zero.any() else "neither",
    )
    unknown = reached & np.isinf(certificate)
    if unknown.any():
        axes.contourf(
            steps, steps, unknown, levels=[0.5, 1.5], colors="none", hatches=["xxxx"]
        ).set_edgecolor("white")
        axes.text(0.97, 0.93, "hatched: no certificate", ha="right", transform=axes.transAxes)
    axes.set(xlabel="from step i", ylabel="to step t")
    axes.set_title("norm of every product")


def _draw_by_lag(axes: Axes, log_norms: Array, bounds: Mapping[str, Array]) -> None:
    lags = np.arange(len(log_norms))
    low, median, high = _over_starts(log_norms)
    axes.fill_between(lags, low, high, color=SHADE, lw=0, label="range over starts")
    every = max(1, len(lags) // 12)
    axes.plot(lags, median, color=INK, marker="o", ms=4, markevery=every, label="norm, median")
    for (name, bound), (line, colour) in zip(bounds.items(), cycle(BOUND_STYLES), strict=False):
        axes.plot(lags, _over_starts(bound)[1], ls=line, color=colour, label=name)
    axes.set(xlabel="lag t - i", ylabel=r"$\log_{10}$ norm")
    axes.set_title("norm against lag")
    _finish(axes)
    axes.legend(frameon=False, fontsize=8)


def _over_starts(logs: Array) -> Array:
    """Return lowest, median and highest log10 at each lag, NaN where it is 0, (3, T+1)."""
    values = by_lag(logs)
    return np.where(np.isfinite(values), values * LOG10_E, np.nan)


def _draw_shares(axes: Axes, shares: Array) -> None:
    later = np.cumsum(shares[::-1])[::-1]  # of step i and all after it
    T = len(shares)
    first = min(int((later >= 0.999).sum()), max(1, T - 20))
    axes.stairs(shares, np.arange(T + 1) + 0.5, fill=True, color=SHADE, ec="0.4")
    axes.set(xlabel="step i", ylabel="share of step i (filled)")
    axes.set_xlim(first - 0.5, T + 0.5)
    axes.set_title("where the gradient comes from")
    _finish(axes)
    summed = axes.twinx()
    summed.plot(np.arange(1, T + 1), later, color=ACCENT, ls="--")
    summed.set(ylabel="of step i and later (dashed)", ylim=(0, 1.05))
    summed.spines["top"].set_visible(False)


def _draw_spectrum(axes: Axes, exponents: Array, error: Array) -> None:
    rank = np.arange(1, len(exponents) + 1)
    shown = np.where(np.isfinite(exponents), exponents, np.nan)
    bars = np.where(np.isfinite(error), error, np.nan)
    axes.errorbar(
        rank, shown, yerr=bars, color=INK, ecolor="0.55", ls="", marker="o", ms=3.5, capsize=2
    )
    axes.axhline(0, color="0.4", lw=0.8)
    axes.set(xlabel="rank", ylabel="Lyapunov exponent, a step")
    axes.set_title("spectrum, with standard errors")
    _finish(axes)


def _figure() -> Figure:
    return Figure(figsize=(6.4, 4.6), layout="constrained")


def _finish(axes: Axes) -> None:
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
