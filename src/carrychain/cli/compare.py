"""`carrychain compare`: two saved evaluations, paired."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from carrychain.addition.comparison import compare as compare_evaluations
from carrychain.addition.evaluation import Evaluation
from carrychain.cli.console import check_output, json_option, put_json, results
from carrychain.text import number, share


@click.command()
@click.argument("a", type=click.Path(path_type=Path), metavar="A.json")
@click.argument("b", type=click.Path(path_type=Path), metavar="B.json")
@json_option
def compare(a: Path, b: Path, json_path: str | None) -> None:
    """Compare two evaluations on the problems that both have, B less A.

    A difference is given with its 95% interval (paired bootstrap over problems); at one run each,
    McNemar's exact test says how likely so uneven a split is if neither prompt is better.
    """
    check_output(json_path)
    first, second = Evaluation.load(a), Evaluation.load(b)
    comparison = compare_evaluations(first, second)
    put_json(comparison.as_dict(), json_path)
    if json_path == "-":
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", "A", "B", "B less A", "95% interval"):
        table.add_column(heading, justify="left" if heading == "" else "right")
    c = comparison
    table.add_row(
        "accuracy",
        share(c.acc_a),
        share(c.acc_b),
        f"{c.acc_difference:+.3f}",
        _signed(c.acc_difference_ci, "+.3f"),
    )
    table.add_row(
        "mean absolute error",
        number(c.mae_a),
        number(c.mae_b),
        number(c.mae_difference),
        _signed(c.mae_difference_ci, ",.4g"),
    )
    results.print(table)
    results.print(
        f"{c.n_pairs} problems; A does better on {c.only_a}, B on {c.only_b}", soft_wrap=True
    )
    if c.mcnemar_p is not None:
        results.print(f"McNemar's exact test: p = {c.mcnemar_p:.3g}", soft_wrap=True)


def _signed(bounds: tuple[float, float] | None, form: str) -> str:
    return "–" if bounds is None else f"{bounds[0]:{form}} to {bounds[1]:{form}}"
