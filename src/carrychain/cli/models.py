"""`carrychain models`: what can be used here."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.table import Table

from carrychain.cli.console import check_output, json_option, put_json, results
from carrychain.engines.registry import available


@click.command()
@json_option
def models(json_path: str | None) -> None:
    """List the models, and whether each can be used on this machine now."""
    check_output(json_path)
    entries = available()
    put_json({"models": [asdict(entry) for entry in entries]}, json_path)
    if json_path == "-":
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("name", "model", "licence", "here"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        table.add_row(
            entry.name, entry.title, entry.licence or "", "yes" if entry.available else entry.reason
        )
    results.print(table)
