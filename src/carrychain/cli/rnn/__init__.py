"""`carrychain rnn`: the gradient of a recurrent network."""

from __future__ import annotations

import click

from carrychain.cli.lazy import lazy_group

COMMANDS = {
    "flow": "the norm of dh_t/dh_i for every t and i, its bounds, and the Lyapunov spectrum",
    "check": "check a derivation: which step is wrong, and why",
    "train": "watch the gradient while a network learns: vanishing, and what cures it",
}


@click.group(cls=lazy_group("carrychain.cli.rnn", COMMANDS))
def rnn() -> None:
    """Where a recurrent network's gradient goes (Part 1 of the assignment)."""
