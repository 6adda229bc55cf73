"""Calls of the model until a search is as good as asked: racing, Optuna without it, and chance.

    python benchmarks/search.py                 # the target accuracy, three seeds

All three draw the same kinds of prompts. Without racing every candidate is asked the problems of a
rung at once. After each candidate the best so far is measured on problems that no search draws from
(those answers are not counted), so no strategy is judged by its own estimate. No time is compared.
"""

from __future__ import annotations

import statistics

import click

from carrychain import engines
from carrychain.engines.base import Engine
from carrychain.search.afterwards import verify
from carrychain.search.race import RUNGS
from carrychain.search.search import Budget, Search, Settings
from carrychain.text import number, share
from machine import machine

STRATEGIES = {
    "racing": ("tpe", RUNGS),
    "Optuna, no racing": ("tpe", RUNGS[2:3]),
    "random, no racing": ("random", RUNGS[2:3]),
}


class Reached(Exception):
    """The target is reached."""


def calls_until(
    engine: Engine, strategy: str, seed: int, target: float, unseen: int, most: int
) -> tuple[int | None, float]:
    """Return the calls until the best has the target on unseen problems, and what it had last."""
    sampler, rungs = STRATEGIES[strategy]
    settings = Settings(seed=seed, budget=Budget(answers=most), sampler=sampler, rungs=rungs)
    search = Search(engine, settings)
    known: dict[tuple[tuple[str, int], ...], float] = {}
    accuracy = 0.0

    def on_step(now: Search) -> None:
        nonlocal accuracy
        best = now.race.best
        assert best is not None
        if best.metrics.acc < target - 0.1:
            return
        key = tuple(sorted(best.choice.items()))
        if key not in known:
            known[key] = verify(now, best, unseen).metrics.acc
        accuracy = known[key]
        if accuracy >= target:
            raise Reached

    try:
        search.run(on_step)
    except Reached:
        return search.spent.answers, accuracy
    return None, accuracy


@click.command()
@click.option("--target", default=0.98, show_default=True, help="Accuracy on unseen problems.")
@click.option("--unseen", default=150, show_default=True, help="Unseen problems.")
@click.option("--most", default=8000, show_default=True, help="Give up after so many calls.")
@click.option("--seeds", default=3, show_default=True)
@click.option("--model", default="mini", show_default=True)
def main(target: float, unseen: int, most: int, seeds: int, model: str) -> None:
    """Count calls of the model to the target accuracy."""
    engine = engines.load(model)
    print(f"{machine()}\n{engine.info.title}: calls to accuracy {share(target)} on {unseen} unseen")
    median: dict[str, float] = {}
    for strategy in STRATEGIES:
        calls: list[int] = []
        for seed in range(seeds):
            reached, accuracy = calls_until(engine, strategy, seed, target, unseen, most)
            calls.append(reached or most)
            said = f"{reached:,}" if reached else f"not in {most:,} (at {share(accuracy)})"
            print(f"  {strategy:20}  seed {seed}  {said}", flush=True)
        median[strategy] = statistics.median(calls)
    for strategy, calls in median.items():
        ratio = calls / median["racing"]
        print(f"{strategy:20}  median {number(calls)} calls, {ratio:.1f} times racing's")


if __name__ == "__main__":
    main()
