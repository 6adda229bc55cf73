"""Draw docs/images/engines.png: what a step computes, and how slots are filled again.

python docs/figures/engines.py
"""

from __future__ import annotations

import random
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

SHARED, OWN, NEW, IDLE = "#4477aa", "#ccbb44", "#ee6677", "#dddddd"


def memory(ax: Axes) -> None:
    """Draw the keys and values that a step reads: the prefix once, own tokens a row."""
    ax.add_patch(Rectangle((0, 0.2), 14, 5.6, color=SHARED))
    text = "the prefix's keys and values,\nstored once\n\none product with the\nqueries of all rows"
    ax.text(7, 3, text, color="white", ha="center", va="center")
    rng = random.Random(3)
    for row in range(6):
        length = rng.randint(3, 8)
        ax.add_patch(Rectangle((14.5, row + 0.2), length, 0.6, color=OWN))
        ax.add_patch(Rectangle((14.5 + length, row + 0.2), 0.9, 0.6, color=NEW))
    ax.text(14.5, 6.1, "each row's own tokens", color="black", va="bottom")
    ax.set(xlim=(0, 25), ylim=(-0.3, 7), title="What one step reads", yticks=[], xticks=[])
    ax.set_ylabel("rows")


def slots(ax: Axes) -> None:
    """Draw slots over steps: a row that ends makes room for the next problem."""
    rng = random.Random(1)
    problem, steps = 0, 40
    for slot in range(6):
        at = 0
        while at < steps:
            problem += 1
            length = min(rng.choice([6, 8, 9, 11, 14, 20]), steps - at)
            shade = OWN if problem % 2 else "#e8dfa0"
            ax.add_patch(Rectangle((at, slot + 0.2), length - 0.3, 0.6, color=shade))
            if at + length < steps:
                ax.add_patch(Rectangle((at + length - 1.1, slot + 0.2), 0.8, 0.6, color=NEW))
            at += length
    ax.text(0, 6.1, "red: a stop string, the end of the text, or max_tokens", va="bottom")
    ax.set(xlim=(0, steps), ylim=(-0.3, 7), title="Slots are filled again", xlabel="steps")
    ax.set(yticks=[], ylabel="slots")


def main() -> None:
    """Write the picture."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
    memory(axes[0])
    slots(axes[1])
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(Path(__file__).parents[1] / "images" / "engines.png", dpi=150)


if __name__ == "__main__":
    main()
