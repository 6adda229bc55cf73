"""A random recurrent network, and where its gradient goes: what is asked, measured and said."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from carrychain.errors import InvalidInput
from carrychain.rnn.bounds import power_bound, product_bound, regime, step_bounds
from carrychain.rnn.model import Init, recurrent_matrix

if TYPE_CHECKING:
    from carrychain.rnn.cells import GradientFlow

Array = NDArray[np.float64]

GATES = {"rnn": 1, "gru": 3, "lstm": 4}


@dataclass(frozen=True)
class Settings:
    """Which network, on which inputs.

    Biases are 0, h_0 is uniform from -1 to 1, inputs are normal. A seed fixes all of them, whatever
    the size of W_hh is.

    Args:
        cell: a name in `GATES`.
        nonlinearity: `tanh` or `relu`, of an rnn; None is tanh, and what a gated cell needs.
        hidden: units d, at least 1.
        steps: length T of the sequence, at least 1.
        init: how W_hh is drawn, gate by gate, see `recurrent_matrix`.
        scale: multiplies W_hh, from 0 on; None is 1.
        s_max: in place of `scale`, the largest singular value of W_hh, above 0.
        input_std: standard deviation of what W_ih x_t gives each unit, from 0 on.
        seed: from 0 on.

    Raises:
        InvalidInput: a value is out of its range, or does not go with another.
    """

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
                f"nonlinearity {self.nonlinearity} is for the cell rnn; a {self.cell} has its own"
            )
        if self.scale is not None and self.s_max is not None:
            raise InvalidInput(
                f"scale {self.scale:g} and s_max {self.s_max:g} both set the size of W_hh; give one"
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
        """Return them by name, with what those left out meant."""
        values = asdict(self)
        if self.cell == "rnn":
            values["nonlinearity"] = self.nonlinearity or "tanh"
        if self.s_max is None and self.scale is None:
            values["scale"] = 1.0
        return values


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
            f"{s.kind}, {counted(s.hidden, 'unit')}, {counted(s.steps, 'step')}, "
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
    """Make a network, its inputs and its first state, and follow the gradient.

    Raises:
        InvalidInput: a state overflows, or memory does not suffice.
    """
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


# --- in words and numbers -------------------------------------------------------------------------


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


def certainty(certificate: Array) -> str:
    """Say how far off the norms can be at most."""
    unknown = int(np.isinf(certificate).sum())
    worst = float(certificate[np.isfinite(certificate)].max())
    text = f"of a norm at most {worst:.1e} of it, certified"
    return f"{text}, but for {unknown:,} norms that float64 can't resolve" if unknown else text


def by_lag(logs: Array) -> Array:
    """Return the lowest, median and highest over all starts i at each lag t - i.

    Args:
        logs: [t, i] as in log_norms, (T+1, T+1).

    Returns:
        (3, T+1). The median is one of the values, the lower of two in the middle.
    """
    columns = [np.diagonal(logs, -lag) for lag in range(len(logs))]
    return np.array([np.quantile(column, [0, 0.5, 1], method="lower") for column in columns]).T


def round_numbers(largest: int) -> list[int]:
    """Return 1, 2, 5, 10, 20, ... below a number, and the number."""
    steps = [k * 10**e for e in range(len(str(largest))) for k in (1, 2, 5)]
    return [step for step in steps if step < largest] + [largest]


def counted(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number:,} {noun}{'s' if number > 1 else ''}"
