"""`carrychain models`: what can be used here, fetching what is not, and whether an engine obeys."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.table import Table
from rich.text import Text

from carrychain import engines
from carrychain.cli.console import (
    check_output,
    json_option,
    note,
    progress,
    put_json,
    results,
)
from carrychain.cli.options import dtype_option, offline_option
from carrychain.engines import conformance, registry
from carrychain.engines.conformance import NAMES, Check
from carrychain.io import jsonable


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def models(ctx: click.Context, json_path: str | None) -> None:
    """List the models, and whether each can be used on this machine now."""
    if ctx.invoked_subcommand is not None:
        if json_path is not None:
            raise click.UsageError(f"give --json after {ctx.invoked_subcommand}")
        return
    check_output(json_path)
    entries = registry.available()
    put_json({"models": [asdict(entry) for entry in entries]}, json_path)
    if json_path == "-":
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("name", "model and where it comes from", "licence", "here"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        here = "yes" if entry.available else entry.reason
        table.add_row(entry.name, f"{entry.title}\n{entry.source}", entry.licence, here)
    results.print(table)


@models.command()
@click.argument("name")
@dtype_option
@offline_option
@json_option
def check(name: str, dtype: str, offline: bool, json_path: str | None) -> int:
    """Show by experiment that the model NAME obeys every sampling parameter.

    A server may drop a parameter without a word, and then every figure is of another experiment
    than the one that was asked for. The status is 1 if a check fails.
    """
    check_output(json_path)
    engine = engines.load(name, dtype=dtype, offline=offline)
    outcomes: list[Check] = []
    with progress(engine.info.title, len(NAMES)) as advance:
        for outcome in conformance.check(engine):
            outcomes.append(outcome)
            advance(len(outcomes), outcome.name)
    failed = sum(not outcome.passed for outcome in outcomes)
    checks = [asdict(outcome) for outcome in outcomes]
    put_json({"model": jsonable(asdict(engine.info)), "checks": checks}, json_path)
    if json_path != "-":
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for heading in ("check", "", "evidence"):
            table.add_column(heading, overflow="fold")
        for outcome in outcomes:
            verdict = Text("passed", "green") if outcome.passed else Text("FAILED", "bold red")
            table.add_row(outcome.name, verdict, Text(outcome.detail))
        results.print(table)
        passed = f"{len(NAMES) - failed} of {len(NAMES)} checks passed"
        results.print(f"{engine.info.title}: {passed}", soft_wrap=True, markup=False)
    return 1 if failed else 0


@models.command()
@click.argument("name")
@json_option
def fetch(name: str, json_path: str | None) -> None:
    """Download the model NAME, unless it is here.

    smollm2 is a real language model of 135 million parameters that runs on any machine. llama2,
    qwen3 and hf:ID come from the Hugging Face hub.
    """
    check_output(json_path)
    folder = registry.fetch(name, note)
    put_json({"model": name, "folder": str(folder)}, json_path)
    if json_path != "-":
        results.print(f"{name} is here: try  carrychain evaluate --model {name}", soft_wrap=True)
