"""`carrychain export`: the task in the form that other tools take."""

from __future__ import annotations

import click

from carrychain.cli.lazy import lazy_group

COMMANDS = {"lm-eval": "a task for lm-evaluation-harness, with the same problems and prompts"}


@click.group(cls=lazy_group("carrychain.cli.export", COMMANDS))
def export() -> None:
    """Write the task for other tools.

    inspect_ai needs no export: `inspect eval carrychain/addition --model carrychain/mini`.
    """
