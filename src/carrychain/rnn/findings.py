"""What trained networks show, in sentences that are computed from their numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from carrychain.rnn.monitor import Record
from carrychain.rnn.train import Run

VANISHED, EXPLODED = 1e-3, 1e3
"""A gradient counts as vanished where less than the first of it reaches step 1, as exploded where
more than the second does, or where its norm exceeds the second."""

STUCK, LEARNT = 0.9, 0.1
"""A loss above the first share of the baseline is stuck there, one below the second is learnt."""

SAME = 1.2
"""Two losses are about the same if neither is more than so many times the other."""


def reach(record: Record) -> float:
    """Return log10 ||dh_T/dh_1||_2: what reaches the first step, through the first layer."""
    return record.log_norms[0][-1] / math.log(10)


def reach_in_the_end(run: Run) -> float:
    """Return the median of `reach` over the last quarter of a run's records."""
    last = run.records[-max(1, len(run.records) // 4) :]
    return float(np.median([reach(record) for record in last]))


def outcome(run: Run) -> str:
    """Say in a few words what the loss came to."""
    if run.diverged:
        return f"diverged at step {run.steps:,}"
    share = run.loss / run.baseline
    if share > STUCK:
        return "at the baseline" if share < 2 - STUCK else "worse than the baseline"
    return "learnt" if share < LEARNT else "learnt in part"


def largest_gradient(run: Run) -> float:
    """Return the largest norm of all recorded gradients, before clipping; inf if one overflowed."""
    norms = [record.gradient_norm for record in run.records]
    return max(norm if math.isfinite(norm) else math.inf for norm in norms)


def gradient_fate(run: Run) -> str:
    """Say what became of the gradient on its way to the first step."""
    arrives = reach_in_the_end(run)
    if largest_gradient(run) > EXPLODED or arrives > math.log10(EXPLODED):
        return "exploded"
    return "vanished" if arrives < math.log10(VANISHED) else "got through"


def findings(runs: Sequence[Run]) -> list[str]:
    """Return a sentence on the first run and on each that changes one setting of an earlier.

    Args:
        runs: of one task and one length.
    """
    sentences = [_alone(run) for run in runs[:1]]
    for index, run in enumerate(runs):
        before = _neighbour(run, runs[:index])
        if before is not None:
            sentences.append(_change(before, run))
    return sentences


def _alone(run: Run) -> str:
    loss = "" if run.diverged else f"loss {amount(run.loss)}, "
    return (
        f"{run.recipe.title}: {outcome(run)} ({loss}baseline {amount(run.baseline)}). "
        f"{_gradient(run)}"
    )


def _gradient(run: Run) -> str:
    return (
        f"Its gradient {gradient_fate(run)}: ||dh_T/dh_1|| was {power(reach(run.records[0]))} at "
        f"the first training step and {power(reach_in_the_end(run))} in the end, the gradient's "
        f"norm at most {largest_gradient(run):.3g}."
    )


def _neighbour(run: Run, earlier: Sequence[Run]) -> Run | None:
    """Return the first earlier run that differs in the clipping alone, else the start, the cell."""
    for setting in ("clip", "init", "cell"):
        for other in earlier:
            if _differences(other, run) == [setting]:
                return other
    return None


def _differences(a: Run, b: Run) -> list[str]:
    settings = ("cell", "init", "clip")
    return [name for name in settings if getattr(a.recipe, name) != getattr(b.recipe, name)]


def _change(a: Run, b: Run) -> str:
    clipped = ""
    if b.recipe.clip is not None:
        cut = sum(record.gradient_norm > b.recipe.clip for record in b.records)
        clipped = f" Clipping cut {cut} of {len(b.records)} recorded gradients."
    return (
        f"{b.recipe.title} against {a.recipe.title}: {_loss_change(a, b)}.{clipped} {_gradient(b)}"
    )


def _loss_change(a: Run, b: Run) -> str:
    match a.diverged, b.diverged:
        case True, True:
            return "both diverged"
        case True, False:
            return f"finite ({amount(b.loss)}) instead of diverged"
        case False, True:
            return f"diverged instead of {amount(a.loss)}"
        case _:
            both = f"({amount(a.loss)} to {amount(b.loss)})"
            if max(a.loss, b.loss) <= SAME * min(a.loss, b.loss):
                return f"the loss is about the same {both}"
            return f"the loss is {'lower' if b.loss < a.loss else 'higher'} {both}"


def amount(loss: float) -> str:
    """Write a loss.

    Example:
        >>> amount(0.16667), amount(3.1e17)
        ('0.1667', '3.1e+17')
    """
    return f"{loss:.4f}" if loss < 1000 else f"{loss:.1e}"


def power(log10: float) -> str:
    """Write a number of any size from its decimal logarithm.

    Example:
        >>> power(-7.31), power(0.26), power(-math.inf), power(1200.0)
        ('10^-7.3', '1.8', '0', '10^1200.0')
    """
    if math.isnan(log10):
        return "not finite"
    if log10 == -math.inf:
        return "0"
    return f"{10**log10:.2g}" if -2 < log10 < 3 else f"10^{log10:.1f}"
