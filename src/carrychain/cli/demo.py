"""`carrychain demo`: the assignment in one table and one picture."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from carrychain import engines
from carrychain.addition.evaluation import Evaluation
from carrychain.assignment.demo import Demo, Setting, answers, demonstrate
from carrychain.assignment.recorded import LLAMA2
from carrychain.cli.console import (
    check_output,
    json_option,
    progress,
    put_json,
    results,
)
from carrychain.cli.options import model_option
from carrychain.io import write_bytes
from carrychain.text import interval, number, share


@click.command()
@model_option
@click.option(
    "-n",
    "n",
    default=100,
    show_default=True,
    type=click.IntRange(min=1),
    help="Problems a row of the table.",
)
@click.option(
    "--each",
    default=40,
    show_default=True,
    type=click.IntRange(min=1),
    help="Problems a point of the picture.",
)
@click.option("--seed", default=0, show_default=True, help="Fixes problems and sampling.")
@click.option(
    "--plot",
    default="carrychain-demo.png",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the picture goes (PNG).",
)
@json_option
def demo(model: str, n: int, each: int, seed: int, plot: Path, json_path: str | None) -> None:
    """Show that single digits are easy, seven digits are hard, and a good prompt wins."""
    check_output(json_path)
    check_output(str(plot))
    engine = engines.load(model)
    done = 0
    with progress(engine.info.title, answers(n, each)) as advance:

        def on_row() -> None:
            nonlocal done
            done += 1
            advance(done)

        measured = demonstrate(engine, n=n, each=each, seed=seed, on_row=on_row)
    from carrychain.assignment.figures import demo_picture

    write_bytes(plot, demo_picture(measured, engine.info.title, each))
    put_json({"rows": [_as_dict(s, e) for s, e in measured.table], "plot": str(plot)}, json_path)
    if json_path != "-":
        results.print(_table(measured, engine.info.title, n))
        results.print(f"picture: {plot.resolve()}", soft_wrap=True)


def _table(demo: Demo, title: str, n: int) -> Table:
    table = Table(
        title=f"{title}, {n} problems a row",
        title_justify="left",
        caption=f"Llama-2: recorded runs of {LLAMA2}, how many right; not measured here",
        caption_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    table.add_column("prompt", overflow="fold")
    for heading in ("accuracy", "95% interval", "mean error", "res"):
        table.add_column(heading, justify="right")
    table.add_column("Llama-2", style="dim")
    for setting, evaluation in demo.table:
        m = evaluation.metrics
        recorded = "\n".join(f"{run.correct} of {run.n}" for run in setting.recorded())
        table.add_row(
            setting.label, share(m.acc), interval(m.acc_ci), number(m.mae), number(m.res), recorded
        )
    return table


def _as_dict(setting: Setting, evaluation: Evaluation) -> dict[str, object]:
    return {
        "label": setting.label,
        "prompt": setting.prompt,
        "digits": setting.digits,
        "extract": evaluation.extract,
        "metrics": evaluation.metrics.as_dict(),
        "recorded": [
            {"model": r.model, "n": r.n, "acc": r.acc, "acc_ci": r.acc_ci, "mae": r.mae}
            for r in setting.recorded()
        ],
    }
