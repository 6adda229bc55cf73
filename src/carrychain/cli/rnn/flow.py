"""`carrychain rnn flow`: where the gradient of a random network goes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from carrychain.cli.console import check_output, json_option, notes, put_json, results
from carrychain.errors import InvalidInput
from carrychain.io import write_bytes
from carrychain.rnn.flow import (
    GATES,
    Array,
    Measured,
    Settings,
    by_lag,
    certainty,
    counted,
    magnitude,
    measure,
    round_numbers,
)

EXPONENTS = 3
"""How many Lyapunov exponents the text shows."""


EXAMPLES = """Examples:

\b
  carrychain rnn flow --s-max 0.9                  must vanish
  carrychain rnn flow --s-max 2                    may explode, vanishes
  carrychain rnn flow --s-max 2 --init orthogonal  explodes
  carrychain rnn flow --cell lstm --steps 500 --plot lstm.png
"""


@click.command(epilog=EXAMPLES)
@click.option(
    "--cell",
    type=click.Choice(list(GATES)),
    default="rnn",
    show_default=True,
    help="The network; of an LSTM h and c are followed as one state.",
)
@click.option(
    "--nonlinearity",
    type=click.Choice(["tanh", "relu"]),
    help="Of --cell rnn.  [default: tanh]",
)
@click.option(
    "--hidden",
    type=click.IntRange(1, 4096),
    default=64,
    show_default=True,
    help="Units.",
)
@click.option(
    "--steps",
    type=click.IntRange(1, 10_000),
    default=100,
    show_default=True,
    help="Length T of the sequence.",
)
@click.option(
    "--init",
    type=click.Choice(["gaussian", "orthogonal", "identity", "uniform"]),
    default="gaussian",
    show_default=True,
    help="W_hh, of each gate: N(0, 1/hidden); a random rotation; I; PyTorch's U(±1/√hidden).",
)
@click.option("--scale", type=float, help="Multiplies W_hh.  [default: 1]")
@click.option(
    "--s-max",
    type=float,
    help="In place of --scale: W_hh gets this largest singular value.",
)
@click.option(
    "--input-std",
    type=float,
    default=0.3,
    show_default=True,
    help="Standard deviation of what W_ih x_t gives each unit; 0 is no input.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Fixes weights, inputs and h_0.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Draw the flow: .png, .svg or .pdf.",
)
@json_option
def flow(plot: Path | None, json_path: str | None, **given: Any) -> None:
    """Follow the gradient through a random recurrent network.

    Shows the norm of dh_t/dh_i beside its bounds, Lyapunov exponents, and the steps from which the
    gradient by W_hh comes. Biases are 0 and h_0 is uniform from -1 to 1.
    """
    if given["scale"] is not None and given["s_max"] is not None:
        raise InvalidInput(
            f"--scale {given['scale']:g} and --s-max {given['s_max']:g} both set the size of W_hh; "
            "give one"
        )
    settings = Settings(**given)
    check_output(json_path)
    if plot is not None:
        _check_picture(plot)
    with notes.status(f"following {counted(settings.steps, 'step')}"):
        measured = measure(settings)
        data = measured.as_dict()
        if plot is not None:
            _draw(measured, plot)
    put_json(data, json_path)
    if json_path == "-":
        return
    _show(measured)
    if plot is not None:
        results.print(f"picture: {plot.resolve()}", soft_wrap=True)


def _check_picture(plot: Path) -> None:
    from carrychain.rnn.plots import picture_format

    picture_format(plot)
    check_output(str(plot))


def _draw(measured: Measured, plot: Path) -> None:
    from carrychain.rnn.plots import flow_picture, picture_format, render

    picture = flow_picture(measured.flow, measured.bounds, measured.title)
    write_bytes(plot, render(picture, picture_format(plot)))


# --- what a person reads --------------------------------------------------------------------------


def _show(measured: Measured) -> None:
    flow, settings = measured.flow, measured.settings
    results.print(measured.title)
    state = "; h stands for h and c" if settings.cell == "lstm" else ""
    results.print(f"\n||dh_t/dh_i|| and its bounds, medians over i{state}")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    columns = {
        name: by_lag(logs)[1] for name, logs in {"norm": flow.log_norms, **measured.bounds}.items()
    }
    for heading in ("lag t - i", *columns):
        table.add_column(heading, justify="right", max_width=11, vertical="bottom")
    for lag in round_numbers(settings.steps):
        table.add_row(str(lag), *(magnitude(medians[lag]) for medians in columns.values()))
    results.print(table)
    results.print()
    facts = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row("error", certainty(flow.certificate))
    facts.add_row("exponents", _largest(flow.lyapunov, flow.lyapunov_error))
    facts.add_row("gradient", _sources(flow.shares))
    facts.add_row("meaning", measured.meaning)
    results.print(facts)


def _largest(exponents: Array, errors: Array) -> str:
    shown = zip(exponents[:EXPONENTS], errors[:EXPONENTS], strict=True)
    listed = (
        f"{value:.3f} ± {error:.3f}" if math.isfinite(error) else f"{value:.3f}"
        for value, error in shown
    )
    return f"Lyapunov, largest, a step: {', '.join(listed)}"


def _sources(shares: Array) -> str:
    """Say how much of the gradient the last steps give."""
    if not shares.any():
        return "by W_hh: exactly 0 from every step"
    said: list[str] = []
    for last in round_numbers(len(shares)):
        part = float(shares[-last:].sum())
        most = part > 0.995
        percent = ">99%" if most and last < len(shares) else f"{part:.0%}"
        said.append(f"{percent} from the last {last if last > 1 else 'step'}")
        if most:
            break
    return "by W_hh: " + ", ".join(said)
