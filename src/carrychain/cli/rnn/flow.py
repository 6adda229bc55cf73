"""`carrychain rnn flow`: where the gradient of a random network goes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from carrychain.cli.console import check_output, json_option, notes, put_json, results
from carrychain.errors import InvalidInput
from carrychain.io import write_bytes
from carrychain.rnn.bounds import power_bound, product_bound, regime, step_bounds
from carrychain.rnn.model import Init, recurrent_matrix

if TYPE_CHECKING:
    from carrychain.rnn.cells import GradientFlow

Array = NDArray[np.float64]

GATES = {"rnn": 1, "gru": 3, "lstm": 4}
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
    settings = Settings(**given)
    check_output(json_path)
    if plot is not None:
        _check_picture(plot)
    with notes.status(f"following {_counted(settings.steps, 'step')}"):
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


# --- what is asked for ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """The flags; `nonlinearity`, `scale` and `s_max` are None where they were not given."""

    cell: str
    nonlinearity: str | None
    hidden: int
    steps: int
    init: Init
    scale: float | None
    s_max: float | None
    input_std: float
    seed: int

    def __post_init__(self) -> None:
        if self.nonlinearity and self.cell != "rnn":
            raise InvalidInput(
                f"--nonlinearity {self.nonlinearity} is for --cell rnn; a {self.cell} has its own"
            )
        if self.scale is not None and self.s_max is not None:
            raise InvalidInput(
                f"--scale {self.scale:g} and --s-max {self.s_max:g} both set the size of W_hh; "
                "give one"
            )
        if self.s_max is not None and not 0 < self.s_max < math.inf:
            raise InvalidInput(f"s_max is {self.s_max:g}; it must be a finite number above 0")
        if not 0 <= self.input_std < math.inf:
            raise InvalidInput(
                f"input_std is {self.input_std:g}; it must be a finite number from 0 on"
            )

    @property
    def kind(self) -> str:
        """The network's name."""
        return f"{self.nonlinearity or 'tanh'} RNN" if self.cell == "rnn" else self.cell.upper()

    def as_dict(self) -> dict[str, object]:
        """Return the flags with what those not given meant."""
        values = asdict(self)
        if self.cell == "rnn":
            values["nonlinearity"] = self.nonlinearity or "tanh"
        if self.s_max is None and self.scale is None:
            values["scale"] = 1.0
        return values


# --- what is measured -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """A network's flow and what bounds it.

    Attributes:
        W_hh: the recurrent weights, gates one below the other, (g d, d).
        bounds: upper bounds of the norms under their names, in logs, (T+1, T+1) each.
        slope: a step, of log ||dh_T/dh_i|| by least squares over the lag T - i; None where fewer
            than two of these norms are not 0.
        meaning: what it comes to, in sentences.
    """

    settings: Settings
    flow: GradientFlow
    W_hh: Array
    bounds: dict[str, Array]
    slope: float | None
    meaning: str

    @property
    def s_max(self) -> float:
        """Largest singular value of W_hh."""
        return float(np.linalg.norm(self.W_hh, 2))

    @property
    def title(self) -> str:
        """What was measured, in a line."""
        s = self.settings
        return (
            f"{s.kind}, {_counted(s.hidden, 'unit')}, {_counted(s.steps, 'step')}, "
            f"{s.init} W_hh with s_max {self.s_max:.3g}, seed {s.seed}"
        )

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON has it: null above the diagonal and for what is not finite."""
        flow = self.flow
        above = np.triu(np.ones_like(flow.log_norms, dtype=bool), 1)
        return {
            "settings": self.settings.as_dict(),
            "s_max": self.s_max,
            "log_norms": _finite(flow.log_norms),
            "certificate": _finite(np.where(above, np.nan, flow.certificate)),
            "lyapunov": _finite(flow.lyapunov),
            "lyapunov_error": _finite(flow.lyapunov_error),
            "log_per_step_terms": _finite(flow.log_per_step_terms),
            "shares": _finite(flow.shares),
            "slope": self.slope,
            "regime": self.meaning,
        }


def _finite(array: Array) -> list[Any]:
    values = array.astype(object)
    values[~np.isfinite(array)] = None
    return values.tolist()


def measure(settings: Settings) -> Measured:
    """Make a network, its inputs and its first state, and follow the gradient."""
    flow, W_hh = _random_flow(settings)
    slope = _slope(flow.log_norms)
    bounds = {"product of step norms": product_bound(np.diagonal(flow.log_norms, -1))}
    if settings.kind == "tanh RNN":
        bounds["product of step bounds"] = product_bound(step_bounds(W_hh, flow.states))
        meaning = str(regime(W_hh, flow.states, flow.log_norms))
    else:
        meaning = _meaning(settings.cell, flow.log_norms, slope)
    if settings.cell == "rnn":
        bounds["s_max^lag"] = power_bound(W_hh, settings.steps)
    return Measured(settings, flow, W_hh, bounds, slope, meaning)


def _random_flow(settings: Settings) -> tuple[GradientFlow, Array]:
    """Return the flow through a random network, and its W_hh, (g d, d)."""
    import torch

    from carrychain.rnn.cells import gradient_flow

    d, gates = settings.hidden, GATES[settings.cell]
    rng = np.random.default_rng(settings.seed)
    scale = 1.0 if settings.scale is None else settings.scale
    W_hh = np.concatenate(
        [recurrent_matrix(settings.init, d, scale, rng) for _ in range(gates)]
    )  # (g d, d)
    if settings.s_max is not None:
        W_hh *= settings.s_max / np.linalg.norm(W_hh, 2)
    W_ih = rng.normal(0, 1 / math.sqrt(d), (gates * d, d))
    h0, c0 = torch.from_numpy(rng.uniform(-1, 1, (2, 1, d)))  # (1, d) each
    x = torch.from_numpy(rng.normal(0, settings.input_std, (settings.steps, d)))
    module: torch.nn.RNNBase
    if settings.cell == "rnn":
        module = torch.nn.RNN(d, d, nonlinearity=settings.nonlinearity or "tanh", bias=False)
    else:
        module = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[settings.cell](d, d, bias=False)
    weights = {"weight_hh_l0": torch.from_numpy(W_hh), "weight_ih_l0": torch.from_numpy(W_ih)}
    module.double().load_state_dict(weights)
    return gradient_flow(module, x, (h0, c0) if settings.cell == "lstm" else h0), W_hh


def _slope(log_norms: Array) -> float | None:
    norms = log_norms[-1, :0:-1]  # of dh_T/dh_i for i = T..1, (T,)
    lag = np.flatnonzero(np.isfinite(norms))
    return float(np.polyfit(lag, norms[lag], 1)[0]) if len(lag) > 1 else None


def _meaning(cell: str, log_norms: Array, slope: float | None) -> str:
    """Say what a network did that is no tanh RNN; `regime` speaks of those."""
    end = f"At lag {len(log_norms) - 1} the norm is {magnitude(log_norms[-1, 0])}"
    if slope is not None:
        end += f"; from step to step it changes by a factor of {magnitude(slope)}"
    if cell == "rnn":
        return f"{end}. The slope of relu is at most 1, so s_max below 1 would make it vanish."
    return f"{end}. s_max alone bounds nothing here, for the gates let the state pass W_hh by."


# --- what a person reads --------------------------------------------------------------------------


def _show(measured: Measured) -> None:
    flow, settings = measured.flow, measured.settings
    results.print(measured.title)
    state = "; h stands for h and c" if settings.cell == "lstm" else ""
    results.print(f"\n||dh_t/dh_i|| and its bounds, medians over i{state}")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    columns = {"norm": flow.log_norms, **measured.bounds}
    for heading in ("lag t - i", *columns):
        table.add_column(heading, justify="right", max_width=11, vertical="bottom")
    for lag in _round_numbers(settings.steps):
        table.add_row(str(lag), *(magnitude(_median(logs, lag)) for logs in columns.values()))
    results.print(table)
    results.print()
    facts = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row("error", _certainty(flow.certificate))
    facts.add_row("exponents", _largest(flow.lyapunov, flow.lyapunov_error))
    facts.add_row("gradient", _sources(flow.shares))
    facts.add_row("meaning", measured.meaning)
    results.print(facts)


def magnitude(log: float) -> str:
    """Write e^log, however large or small.

    Example:
        >>> magnitude(0.0), magnitude(-2000.0), magnitude(-math.inf)
        ('1', '2.6e-869', '0')
    """
    if log == -math.inf:
        return "0"
    power = log / math.log(10)
    if -2 < power < 4:
        return f"{math.exp(log):.3g}"
    mantissa, exponent = 10 ** (power % 1), math.floor(power)
    if f"{mantissa:.1f}" == "10.0":
        mantissa, exponent = 1.0, exponent + 1
    return f"{mantissa:.1f}e{exponent:+03d}"


def _round_numbers(largest: int) -> list[int]:
    """Return 1, 2, 5, 10, 20, ... below a number, and the number."""
    steps = [k * 10**e for e in range(len(str(largest))) for k in (1, 2, 5)]
    return [step for step in steps if step < largest] + [largest]


def _median(logs: Array, lag: int) -> float:
    return float(np.quantile(np.diagonal(logs, -lag), 0.5, method="lower"))


def _certainty(certificate: Array) -> str:
    unknown = int(np.isinf(certificate).sum())
    worst = float(certificate[np.isfinite(certificate)].max())
    text = f"of a norm at most {worst:.1e} of it, certified"
    return f"{text}, but for {unknown:,} norms that float64 can't resolve" if unknown else text


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
    for last in _round_numbers(len(shares)):
        part = float(shares[-last:].sum())
        most = part > 0.995
        percent = ">99%" if most and last < len(shares) else f"{part:.0%}"
        said.append(f"{percent} from the last {last if last > 1 else 'step'}")
        if most:
            break
    return "by W_hh: " + ", ".join(said)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' if number > 1 else ''}"
