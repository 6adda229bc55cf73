"""`carrychain rnn train`: what becomes of the gradient while a network learns."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from carrychain.cli import EXIT_INTERRUPTED
from carrychain.cli.console import (
    Advance,
    check_output,
    json_option,
    note,
    progress,
    put_json,
    results,
)
from carrychain.errors import InvalidInput
from carrychain.io import jsonable, write_bytes
from carrychain.rnn.findings import (
    amount,
    findings,
    gradient_fate,
    outcome,
    power,
    reach_in_the_end,
)
from carrychain.rnn.tasks import TASKS
from carrychain.rnn.train import CELLS, DEFAULTS, INITS, Recipe, Run, comparison
from carrychain.rnn.train import train as train_network

EXAMPLES = """Examples:

{block}
  carrychain rnn train --plot training.png      six networks, side by side
  carrychain rnn train --task characters
  carrychain rnn train --cell rnn --init orthogonal --clip 1 --length 50
""".format(block="\b")


def _default(name: str) -> str:
    """Write a setting's default, of each task where they differ."""
    values = {task: f"{getattr(recipe, name):,}" for task, recipe in DEFAULTS.items()}
    if len(set(values.values())) == 1:
        return next(iter(values.values()))
    return "; ".join(f"{task} {value}" for task, value in values.items())


@click.command(epilog=EXAMPLES)
@click.option(
    "--task",
    type=click.Choice(list(TASKS)),
    default="adding",
    show_default=True,
    help="adding: the sum of two marked numbers; characters: the next letter of the Zen of Python.",
)
@click.option(
    "--cell", type=click.Choice(list(CELLS)), help="Train this one network, not the comparison."
)
@click.option(
    "--init", type=click.Choice(INITS), help="How W_hh starts, with --cell.  [default: default]"
)
@click.option("--clip", type=float, help="Cut the gradient's norm to this, with --cell.")
@click.option("--hidden", type=int, help=f"Units.  [default: {_default('hidden')}]")
@click.option(
    "--length", type=int, help=f"Time steps of a sequence.  [default: {_default('length')}]"
)
@click.option("--steps", type=int, help=f"Training steps.  [default: {_default('steps')}]")
@click.option("--lr", type=float, help=f"Learning rate.  [default: {_default('lr')}]")
@click.option("--seed", type=int, default=0, show_default=True, help="Fixes weights and data.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="carrychain-rnn-train",
    show_default=True,
    help="Folder of checkpoints; what is found there is not trained again.",
)
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the runs: .png, .svg or .pdf.")
@json_option
def train(out: Path, plot: Path | None, json_path: str | None, **given: Any) -> int:
    """Train recurrent networks and watch the gradient: vanishing, and what changes it.

    Without --cell six networks see the same data: a plain RNN, the same with gradient clipping,
    with orthogonal initialisation, with both, a GRU and an LSTM. An interrupted training goes on
    where it was when the same command is given again.
    """
    check_output(json_path)
    check_output(None if plot is None else str(plot))
    format = None
    if plot is not None:
        from carrychain.rnn.plots import picture_format

        format = picture_format(plot)
    recipes = _recipes(given)
    _make(out)
    runs = _trained(recipes, out)
    if known := sum(run.resumed for run in runs):
        note(f"{known} of {len(recipes)} runs were taken up from {out}")
    put_json(jsonable(_as_dict(recipes[0], runs)), json_path)
    if runs and json_path != "-":
        results.print(_table(runs))
        for sentence in findings(runs):
            results.print(sentence, markup=False)
    if runs and plot is not None and format is not None:
        from carrychain.rnn.plots import render
        from carrychain.rnn.train_plots import training_picture

        write_bytes(plot, render(training_picture(runs, _described(recipes[0])), format))
        note(f"picture: {plot}")
    if len(runs) == len(recipes):
        return 0
    note(
        f"interrupted; {len(runs)} of {len(recipes)} runs are finished, the rest is kept in {out}; "
        "give the same command again to go on"
    )
    return EXIT_INTERRUPTED


def _recipes(given: dict[str, Any]) -> list[Recipe]:
    settings = {
        name: given[name]
        for name in ("hidden", "length", "steps", "lr", "seed")
        if given[name] is not None
    }
    base = replace(DEFAULTS[given["task"]], **settings)
    if given["cell"] is not None:
        init = given["init"] or "default"
        return [replace(base, cell=given["cell"], init=init, clip=given["clip"])]
    for name in ("init", "clip"):
        if given[name] is not None:
            raise InvalidInput(
                f"--{name} is one network's and the comparison has six; name one with --cell"
            )
    return comparison(base)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"{folder} can't be made: {error.strerror or error}") from error


def _trained(recipes: list[Recipe], out: Path) -> list[Run]:
    """Train one network after another; Ctrl-C leaves those that are finished."""
    runs: list[Run] = []
    total = sum(recipe.steps for recipe in recipes)
    with progress(recipes[0].task, total) as advance, suppress(KeyboardInterrupt):
        for before, recipe in zip(range(0, total, recipes[0].steps), recipes, strict=True):
            shown = partial(_show, advance, before, recipe.title)
            runs.append(train_network(recipe, out, shown))
    return runs


def _show(advance: Advance, before: int, title: str, done: int, loss: float) -> None:
    advance(before + done, f"{title}, loss {loss:.4f}")


def _described(recipe: Recipe) -> str:
    task = TASKS[recipe.task](recipe.length)
    return (
        f"{recipe.task}: {recipe.steps:,} steps at rate {recipe.lr:g}, {recipe.hidden} units, "
        f"{recipe.length} time steps; loss: {task.loss_is}; baseline {amount(task.baseline)}: "
        f"{task.baseline_is}"
    )


def _table(runs: list[Run]) -> Table:
    table = Table(
        title=_described(runs[0].recipe),
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    table.add_column("network", min_width=10)
    table.add_column("loss", justify="right", no_wrap=True)
    table.add_column("task")
    table.add_column("‖dh_T/dh_1‖", justify="right", no_wrap=True)
    table.add_column("gradient", no_wrap=True)
    for run in runs:
        table.add_row(
            run.recipe.title,
            "–" if run.diverged else amount(run.loss),
            outcome(run),
            power(reach_in_the_end(run)),
            gradient_fate(run),
        )
    return table


def _as_dict(recipe: Recipe, runs: list[Run]) -> dict[str, object]:
    task = TASKS[recipe.task](recipe.length)
    return {
        "task": recipe.task,
        "loss_is": task.loss_is,
        "baseline": task.baseline,
        "baseline_is": task.baseline_is,
        "runs": [
            {
                **run.as_dict(),
                "outcome": outcome(run),
                "gradient": gradient_fate(run),
            }
            for run in runs
        ],
        "findings": findings(runs),
    }
