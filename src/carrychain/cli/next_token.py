"""`carrychain next-token`: the distribution that a token is drawn from, and how it came about."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table
from rich.text import Text

from carrychain import engines
from carrychain.cli.console import check_output, json_option, put_json, results
from carrychain.cli.options import (
    dtype_option,
    model_option,
    offline_option,
    sampling_from,
    sampling_options,
    typed,
)
from carrychain.engines.local import LocalEngine
from carrychain.engines.next_token import next_token as distribution
from carrychain.errors import InvalidInput

STAGES = ("raw", "penalised", "tempered", "top_k", "top_p")
BAR = 20
EXAMPLES = r"""Examples:

{block}
  carrychain next-token 'Question: What is 3+7?\nAnswer: '
  carrychain next-token 'Question: What is 55+55?\nAnswer: 1' --repetition-penalty 1.5
""".format(block="\b")


@click.command("next-token", epilog=EXAMPLES)
@click.argument("prompt")
@model_option
@dtype_option
@offline_option
@sampling_options
@click.option(
    "--top",
    default=10,
    show_default=True,
    type=click.IntRange(min=1),
    help="Show this many tokens.",
)
@json_option
def next_token(
    prompt: str,
    model: str,
    dtype: str,
    offline: bool,
    top: int,
    json_path: str | None,
    **given: Any,
) -> None:
    """Show the next token's probabilities after PROMPT, before and after each parameter."""
    check_output(json_path)
    params = sampling_from(given)
    engine = engines.load(model, dtype=dtype, offline=offline)
    if not isinstance(engine, LocalEngine):
        raise InvalidInput(
            f"{model} does not show its probabilities; "
            "next-token needs a model on this machine, such as mini"
        )
    rows = distribution(engine, typed(prompt, "PROMPT"), params)
    put_json(
        {"prompt": prompt, "sampling": params.as_dict(), "tokens": [row.as_dict() for row in rows]},
        json_path,
    )
    if json_path == "-":
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("token")
    table.add_column("logit", justify="right")
    for stage in STAGES:
        table.add_column(stage.replace("_", "-"), justify="right")
    table.add_column("")
    for row in rows[:top]:
        shares = [f"{getattr(row, stage):.4f}" for stage in STAGES]
        table.add_row(
            Text(repr(row.text)), f"{row.logit:.2f}", *shares, "█" * round(BAR * row.top_p)
        )
    results.print(table)
    possible = sum(row.top_p > 0 for row in rows)
    results.print(f"{possible} of {len(rows)} tokens can be drawn", soft_wrap=True)
