"""Pictures; matplotlib is imported only here."""

from __future__ import annotations

from io import BytesIO

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from carrychain.assignment.demo import Curve, Demo
from carrychain.assignment.recorded import LLAMA2, runs

STYLES = {
    "zero-shot": ("no example", "o", ":", "#b35806"),
    "one-shot-7-digit": ("one 7-digit example", "s", "--", "#1a1a1a"),
    "best": ("the best prompt", "D", "-", "#2166ac"),
}


def demo_picture(demo: Demo, model: str, each: int) -> bytes:
    """Draw accuracy by number of digits and by longest carry chain; return a PNG.

    Args:
        demo: the measured curves.
        model: the model's title.
        each: problems a point.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True, layout="constrained")
    _curves(left, demo.by_digits)
    _curves(right, demo.by_chain)
    for digits, max_tokens in ((1, 2), (7, 8)):
        for run in runs(model=LLAMA2, prompt="zero-shot", digits=digits, max_tokens=max_tokens):
            low, high = run.acc_ci
            left.errorbar(
                digits + (0.12 if run.id.startswith("A") else 0.24),
                run.acc,
                yerr=[[run.acc - low], [high - run.acc]],
                fmt="^",
                mfc="none",
                color="0.45",
                elinewidth=0.8,
                capsize=2,
                label=f"{LLAMA2}, no example,\nrecorded, n = {run.n}" if run.id == "A-10" else None,
            )
    left.set(xlabel="digits of each operand", ylabel="accuracy (exact sums)", xticks=range(1, 8))
    right.set(xlabel="longest carry chain of a 7-digit sum", xticks=range(8))
    left.set_ylim(-0.03, 1.03)
    left.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(0.0, 0.42))
    for axes in (left, right):
        axes.grid(axis="y", color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{model}: {each} sums a point, bars are 95% intervals", fontsize=10)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    plt.close(figure)
    return buffer.getvalue()


def _curves(axes: Axes, curves: dict[str, Curve]) -> None:
    for shift, (prompt, points) in enumerate(curves.items()):
        label, marker, line, colour = STYLES[prompt]
        low = [p.acc - p.acc_ci[0] for p in points]
        high = [p.acc_ci[1] - p.acc for p in points]
        axes.errorbar(
            [p.x + 0.06 * (shift - 1) for p in points],
            [p.acc for p in points],
            yerr=[low, high],
            marker=marker,
            markersize=5,
            linestyle=line,
            color=colour,
            elinewidth=0.8,
            capsize=2,
            label=label,
        )
