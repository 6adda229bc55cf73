"""`carrychain models`: what can be used here, fetching what is not, and whether an engine obeys."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.table import Table

from carrychain.cli.console import check_output, json_option, note, put_json, results
from carrychain.engines import registry


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def models(ctx: click.Context, json_path: str | None) -> None:
    """List the models, and whether each can be used on this machine now."""
    if ctx.invoked_subcommand is not None:
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
