"""A picture of training runs side by side: the loss, the gradient at each step, the spectrum."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from carrychain.rnn.findings import gradient_fate
from carrychain.rnn.plots import ACCENT, INK, SHADE
from carrychain.rnn.train import Run

FAINTEST = 12
"""Powers of ten below the largest gradient that the colours tell apart."""


def training_picture(runs: Sequence[Run], title: str) -> Figure:
    """Draw a column for each run, with common scales.

    From above: the training loss and the baseline; log10 ||dl/dh_t||_2 over training (across) and
    time steps (up); the singular values of W_hh. The scales are those of the runs that did not
    explode, if there are any; a run that did says so above its column, for it leaves them.

    Args:
        runs: at least one, of one task.
        title: what was measured.
    """
    figure = Figure(figsize=(2.2 + 2.3 * len(runs), 7.4), layout="constrained")
    losses, maps, spectra = figure.subplots(3, len(runs), sharey="row", squeeze=False)
    tame = [run for run in runs if gradient_fate(run) != "exploded"] or runs
    top = max(_finite_maximum(_log10_gradients(run)) for run in tame)
    image = None
    for run, loss_axes, map_axes, spectrum_axes in zip(runs, losses, maps, spectra, strict=True):
        _draw_loss(loss_axes, run)
        image = _draw_gradients(map_axes, run, top)
        _draw_spectrum(spectrum_axes, run)
        spectrum_axes.set_xlabel("training step")
        for axes in (loss_axes, map_axes, spectrum_axes):
            axes.set_xlim(0, run.recipe.steps)
        for axes in (loss_axes, map_axes):
            axes.tick_params(labelbottom=False)
    losses[0].set(ylabel="training loss", yscale="log")
    shown = [loss for run in tame for loss in run.losses if math.isfinite(loss)]
    if shown:
        losses[0].set_ylim(min(shown) / 1.5, max(shown) * 1.5)
    losses[0].legend(frameon=False, fontsize=8)
    maps[0].set_ylabel("time step t")
    largest = max(_finite_maximum(np.array([record.s_max for record in r.records])) for r in tame)
    spectra[0].set(ylabel=r"singular values of $W_{hh}$", ylim=(-0.05 * largest, 1.05 * largest))
    spectra[0].legend(frameon=False, fontsize=8)
    assert image is not None
    label = r"$\log_{10}\,\Vert\partial\ell/\partial h_t\Vert_2$"
    figure.colorbar(image, ax=maps[-1], extend="both", label=label)
    figure.suptitle(title, fontsize=10)
    return figure


def _log10_gradients(run: Run) -> NDArray[np.float64]:
    """Return log10 ||dl/dh_t||_2 of the first layer, (T, records)."""
    return np.array([record.log_gradients[0] for record in run.records]).T / math.log(10)


def _finite_maximum(values: NDArray[np.float64]) -> float:
    """Return the largest finite value, 1 if there is none."""
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) else 1.0


def _steps(run: Run) -> list[int]:
    return [record.step for record in run.records]


def _draw_loss(axes: Axes, run: Run) -> None:
    axes.plot(_steps(run), run.losses, color=INK, lw=1, label="loss")
    axes.axhline(run.baseline, color=ACCENT, ls="--", lw=1, label="baseline")
    title = textwrap.fill(run.recipe.title, 20)
    if gradient_fate(run) == "exploded":
        title += "\nexploded: beyond the scales"
    axes.set_title(title, fontsize=9)
    _finish(axes)


def _draw_gradients(axes: Axes, run: Run, top: float) -> AxesImage:
    """Draw the map; what is 0 or below the colours is black, above them white."""
    log, steps = _log10_gradients(run), _steps(run)
    width = steps[1] - steps[0] if len(steps) > 1 else 1
    return axes.imshow(
        np.nan_to_num(log, nan=top + 1, posinf=top + 1, neginf=top - FAINTEST - 1),
        cmap=colormaps["cividis"].with_extremes(under="black", over="white"),
        vmin=top - FAINTEST,
        vmax=top,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
        extent=(steps[0], steps[-1] + width, 0.5, len(log) + 0.5),
    )


def _draw_spectrum(axes: Axes, run: Run) -> None:
    steps = _steps(run)
    values = np.array([record.singular_values[0] for record in run.records])  # (records, d)
    axes.fill_between(steps, values[:, 0], values[:, -1], color=SHADE, lw=0, label="range")
    axes.plot(steps, values[:, 0], color=INK, lw=1.2, label="largest")
    axes.plot(steps, np.median(values, axis=1), color=ACCENT, ls="--", lw=1.2, label="median")
    axes.axhline(1, color="0.4", lw=0.8)
    _finish(axes)


def _finish(axes: Axes) -> None:
    axes.grid(color="0.9")
    axes.spines[["top", "right"]].set_visible(False)
