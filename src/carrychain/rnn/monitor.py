"""Watch the gradient's way through a recurrent network while it is trained.

    with monitor(model, every=50) as flow:
        for x, y in batches:
            ...                      # your own loop, unchanged
    flow.records[-1].log_norms       # log ||dh_T/dh_{T-k}||_2 at lags k = 1, 2, 4, ..., T-1

A forward hook looks at every 50th training step: it keeps the inputs, states and weights of that
step, and hooks on the outputs keep what the loss sends back to each of them. From these two,

    dl/dh_t = (dl/dh_t, directly) + J_{t+1}^T dl/dh_{t+1},    J_t = dh_t/dh_{t-1}

gives the whole derivative that backpropagation passes through step t, which torch keeps to itself,
and the same products of J, which are equation (5)'s dh_T/dh_i, are marched back from the last step.
No Jacobian is built: a layer's `pull` multiplies rows by J in the closed form of its cell.

For an LSTM read the state s_t = (h_t, c_t) for h_t everywhere.

Shapes: N sequences, T steps, L layers, d units a layer, g gates, S parts of the state (2 of an
LSTM, else 1), r rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch.utils.hooks import RemovableHandle

from carrychain.errors import InvalidInput
from carrychain.io import StrPath, read_json, write_json

Pull: TypeAlias = Callable[[int, Tensor], Tensor]

GATES = {
    "RNN_TANH": ("h",),
    "RNN_RELU": ("h",),
    "GRU": ("r", "z", "n"),
    "LSTM": ("i", "f", "g", "o"),
}
"""The activations of each of torch's cells, in the order of its weights."""

SATURATED = 0.1
"""An activation counts as saturated where its slope is below this share of its largest slope."""

_FORMATS = (torch.float32, torch.float64)


@dataclass(frozen=True)
class Record:
    """What one training step showed; over several sequences norms are root mean squares.

    All logs are natural, -inf stands for 0, and nan for what is not finite.

    Attributes:
        step: which training step, counted from 0.
        length: number of time steps T of the sequences.
        lags: the lags k, ascending, (K,).
        log_norms: log ||dh_T/dh_{T-k}||_2 of each layer along its own recurrent path, (L, K).
        log_gradients: log ||dl/dh_t||_2 for t = 1 to T, (L, T).
        singular_values: of each layer's W_hh as torch stores it, the gates' matrices one below the
            other, descending, (L, d).
        saturation: the share of each gate's activations, over units and steps, that are saturated;
            `GATES` has their names. Of relu it is the share that is 0. (L, g).
        gradient_norm: norm of the gradient of all parameters of the watched module, before any
            clipping; nan if none was accumulated.
    """

    step: int
    length: int
    lags: tuple[int, ...]
    log_norms: tuple[tuple[float, ...], ...]
    log_gradients: tuple[tuple[float, ...], ...]
    singular_values: tuple[tuple[float, ...], ...]
    saturation: tuple[tuple[float, ...], ...]
    gradient_norm: float

    @property
    def s_max(self) -> tuple[float, ...]:
        """The largest singular value of each layer's W_hh, (L,)."""
        return tuple(values[0] for values in self.singular_values)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data; `record_from` reads it back."""
        return asdict(self)


def record_from(data: Mapping[str, Any]) -> Record:
    """Return the record that `as_dict` wrote; a null, which JSON has for -inf and nan, is nan."""
    try:
        return Record(
            step=int(data["step"]),
            length=int(data["length"]),
            lags=tuple(int(lag) for lag in data["lags"]),
            log_norms=tuple(_numbers(row) for row in data["log_norms"]),
            log_gradients=tuple(_numbers(row) for row in data["log_gradients"]),
            singular_values=tuple(_numbers(row) for row in data["singular_values"]),
            saturation=tuple(_numbers(row) for row in data["saturation"]),
            gradient_norm=_numbers([data["gradient_norm"]])[0],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"this is no record of a monitor: {error!r}") from error


def _numbers(row: Sequence[float | None]) -> tuple[float, ...]:
    return tuple(math.nan if x is None else float(x) for x in row)


def load_records(path: StrPath) -> list[Record]:
    """Read what `Monitor.save` wrote.

    Raises:
        InvalidInput: the file can't be read or was not written by `Monitor.save`.
    """
    records = read_json(path).get("records")
    if not isinstance(records, list):
        raise InvalidInput(f"{path} holds no records of a monitor")
    return [record_from(cast(Mapping[str, Any], record)) for record in records]


def monitor(
    module: nn.Module,
    *,
    every: int = 50,
    lags: Sequence[int] | None = None,
    sequences: int = 1,
    start: int = 0,
) -> Monitor:
    """Watch a recurrent network through an ordinary training loop, from now until it is closed.

    It never changes the training: no weight, gradient, loss or random number. A training step is a
    forward pass in training mode with gradients on; it is recorded once its backward pass is done.
    A recorded step costs about as much as T (S d)^2 g d multiplications for each sequence.

    Args:
        module: a torch.nn.RNN (tanh or relu), GRU or LSTM, or a model that holds exactly one.
        every: record each so many training steps, the first included; at least 1.
        lags: at which lags to take ||dh_T/dh_{T-k}||_2, at least 1 each; those above T-1 wait for a
            longer sequence. Left out: the powers of 2 below T-1, and T-1, which reaches step 1.
        sequences: look at the first so many of the batch, at least 1; of packed sequences at the
            longest ones, those of one length. The gradient's norm is always that of the batch.
        start: the number of the next training step, when a training is resumed.

    Raises:
        InvalidInput: no recurrent network or several, bidirectional, projected, in half precision,
            or with dropout between its layers, whose mask can't be seen; a number out of range.

    Example:
        >>> rnn = nn.GRU(2, 8)
        >>> with monitor(rnn, every=1) as flow:
        ...     rnn(torch.ones(20, 1, 2))[0].sum().backward()
        >>> flow.records[0].lags
        (1, 2, 4, 8, 16, 19)
    """
    if every < 1 or sequences < 1 or start < 0:
        raise InvalidInput(
            f"every is {every}, sequences {sequences} and start {start}; the first two must be at "
            "least 1 and start at least 0"
        )
    if lags is not None and (not lags or min(lags) < 1):
        raise InvalidInput(f"lags is {list(lags)}; name at least one lag, each at least 1")
    rnn = _recurrent(module)
    _check(rnn)
    return Monitor(module, rnn, every, lags, sequences, start)


class Monitor:
    """Holds the hooks and the records; made by `monitor`, a context manager.

    Attributes:
        steps: the number of the next training step.
    """

    def __init__(
        self,
        module: nn.Module,
        rnn: nn.RNNBase,
        every: int,
        lags: Sequence[int] | None,
        sequences: int,
        start: int,
    ) -> None:
        self.steps = start
        self._module, self._rnn = module, rnn
        self._every, self._sequences = every, sequences
        self._lags = None if lags is None else sorted(set(lags))
        self._records: list[Record] = []
        self._step: _Step | None = None
        self._hook = rnn.register_forward_hook(self._on_forward, with_kwargs=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:  # the step that failed may be half done
            self._drop()
        self.close()

    @property
    def records(self) -> list[Record]:
        """What was recorded so far, in order."""
        self._finish()
        return list(self._records)

    def close(self) -> None:
        """Remove all hooks; the records stay."""
        self._finish()
        self._drop()
        self._hook.remove()

    def save(self, path: StrPath) -> None:
        """Write the records as JSON; `load_records` reads them."""
        gates = GATES[self._rnn.mode]
        records = [record.as_dict() for record in self.records]
        write_json(path, {"cell": self._rnn.mode, "gates": gates, "records": records})

    def _on_forward(
        self, rnn: nn.RNNBase, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
    ) -> None:
        output, last = result
        outputs = output.data if isinstance(output, PackedSequence) else output
        if not (rnn.training and torch.is_grad_enabled() and outputs.requires_grad):
            return
        self._finish()
        due = self.steps % self._every == 0
        self.steps += 1
        if not due:
            return
        self._drop()
        if outputs.dtype not in _FORMATS:
            raise InvalidInput(
                f"the network computes in {outputs.dtype}; its gradient is only followed in "
                "float32 or float64: leave it out of autocast"
            )
        inputs = args[0] if args else kwargs["input"]
        h0 = args[1] if len(args) > 1 else kwargs.get("hx")
        self._step = _Step(
            self.steps - 1, self._module, rnn, inputs, h0, output, last, self._sequences
        )

    def _finish(self) -> None:
        """Turn the step that is kept into a record, if its backward pass is done."""
        if self._step is not None and self._step.arrived:
            self._records.append(self._step.record(self._lags))
            self._drop()

    def _drop(self) -> None:
        if self._step is not None:
            self._step.release()
            self._step = None


def _recurrent(module: nn.Module) -> nn.RNNBase:
    inside = cast(Iterable[tuple[str, nn.Module]], module.named_modules())
    found = {name: m for name, m in inside if isinstance(m, nn.RNNBase)}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        raise InvalidInput(
            f"this {type(module).__name__} holds {len(found)} recurrent networks, "
            f"{', '.join(found)}; give the monitor one of them"
        )
    raise InvalidInput(
        f"this {type(module).__name__} holds no torch.nn.RNN, GRU or LSTM, whose gradient could be "
        "followed; single cells, such as LSTMCell, are not watched"
    )


def _check(rnn: nn.RNNBase) -> None:
    """Raise InvalidInput, with the reason, for a network whose gradient is not followed."""
    name = type(rnn).__name__
    if rnn.mode not in GATES:
        raise InvalidInput(f"a {name} is none of torch.nn.RNN, GRU and LSTM")
    if rnn.bidirectional:
        raise InvalidInput(
            f"this {name} is bidirectional: its states have no single order in time along which "
            "dh_t/dh_i could be followed; give it bidirectional=False"
        )
    if rnn.proj_size:
        raise InvalidInput(
            f"this {name} projects its output (proj_size={rnn.proj_size}), so that h and c differ "
            "in size; that is not supported: give it proj_size=0"
        )
    if rnn.dropout and rnn.num_layers > 1:
        raise InvalidInput(
            f"this {name} drops out between its layers, with a mask that can't be seen from "
            "outside; give it dropout=0, or stack single layers with nn.Dropout between them"
        )
    formats = {weight.dtype for weight in rnn.parameters()}
    if not formats <= set(_FORMATS):
        names = ", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in formats))
        raise InvalidInput(
            f"this {name} has weights in {names}; its gradient is only followed in float32 or "
            "float64"
        )


# --- one training step ----------------------------------------------------------------------------


class _Step:
    """What a training step did, from its forward pass until its record is made."""

    def __init__(
        self,
        number: int,
        module: nn.Module,
        rnn: nn.RNNBase,
        inputs: Tensor | PackedSequence,
        h0: Tensor | tuple[Tensor, Tensor] | None,
        output: Tensor | PackedSequence,
        last: Tensor | tuple[Tensor, Tensor],
        sequences: int,
    ) -> None:
        self.number, self.mode, self.arrived = number, rnn.mode, False
        # The weights change before the record is made.
        self.weights = [
            [_kept(weight).clone() for weight in layer]
            for layer in cast(list[list[Tensor]], rnn.all_weights)
        ]
        pick, rows = _picker(inputs, rnn.batch_first, sequences)
        outputs = output.data if isinstance(output, PackedSequence) else output
        lasts = list(last) if isinstance(last, tuple) else [last]
        if h0 is None:
            firsts = [torch.zeros_like(part) for part in lasts]
        else:
            firsts = list(h0) if isinstance(h0, tuple) else [h0]
        pick_state = partial(_picked_state, rows=rows)
        self.x = pick(_data(inputs))  # (N, T, d_in)
        self.h = pick(outputs)  # (N, T, d), of the top layer
        self.s0 = [pick_state(part) for part in firsts]  # S times (L, N, d)
        # What the loss sends back to each output, and to the last state, by itself.
        self.to_h = torch.zeros_like(self.h)
        self.to_last = [torch.zeros_like(part) for part in self.s0]
        self.hooks: list[RemovableHandle] = [
            outputs.register_hook(partial(self._arrive, self.to_h, pick)),
            *(
                part.register_hook(partial(self._arrive, kept, pick_state))
                for part, kept in zip(lasts, self.to_last, strict=True)
            ),
        ]
        self.norms: dict[int, Tensor] = {}
        for index, weight in enumerate(module.parameters()):
            if weight.requires_grad:
                hook = partial(self._accumulated, index)
                self.hooks.append(
                    cast(RemovableHandle, weight.register_post_accumulate_grad_hook(hook))
                )

    def _arrive(self, kept: Tensor, pick: Callable[[Tensor], Tensor], gradient: Tensor) -> None:
        self.arrived = True
        kept += pick(gradient)

    def _accumulated(self, index: int, weight: Tensor) -> None:
        gradient = cast(Tensor, weight.grad).detach()
        values = gradient.coalesce().values() if gradient.is_sparse else gradient
        self.norms[index] = torch.linalg.vector_norm(values)

    def release(self) -> None:
        """Remove the hooks of this step."""
        for hook in self.hooks:
            hook.remove()

    @torch.no_grad()
    def record(self, lags: Sequence[int] | None) -> Record:
        """Follow the gradient back through every layer."""
        T = self.h.shape[1]
        chosen = _powers_of_two(T) if lags is None else tuple(k for k in lags if k < T)
        layers = self._layers()
        return Record(
            step=self.number,
            length=T,
            lags=chosen,
            log_norms=tuple(_log_lag_norms(layer, chosen) for layer in layers),
            log_gradients=tuple(_log_gradients(layer) for layer in layers),
            singular_values=tuple(_singular_values(weights[1]) for weights in self.weights),
            saturation=tuple(tuple(layer.saturation) for layer in layers),
            gradient_norm=math.hypot(*(float(n) for n in self.norms.values()))
            if self.norms
            else math.nan,
        )

    def _layers(self) -> list[_Layer]:
        """Return every layer's step backward and what the loss sends to its states directly."""
        outputs, direct = [self.h], [self.to_h]
        if len(self.weights) > 1:
            outputs, direct = self._lower_layers()
        layers: list[_Layer] = []
        for index, weights in enumerate(self.weights):
            x = outputs[index - 1] if index else self.x
            s0 = [part[index] for part in self.s0]  # S times (N, d)
            before = torch.cat((s0[0][:, None], outputs[index][:, :-1]), 1)  # h_0 .. h_{T-1}
            to_last = torch.cat([part[index] for part in self.to_last], -1)  # (N, S d)
            layer = _LAYERS[self.mode](x, before, outputs[index], s0, weights)
            layer.direct = torch.zeros(*x.shape[:2], to_last.shape[-1]).to(to_last)
            layer.direct[..., : direct[index].shape[-1]] = direct[index]
            layer.direct[:, -1] += to_last
            layers.append(layer)
        return layers

    @torch.enable_grad()
    def _lower_layers(self) -> tuple[list[Tensor], list[Tensor]]:
        """Return each layer's outputs and what the layer above sends back to them, (N, T, d).

        torch shows neither, so the layers run once more, one by one. The top layer's outputs are
        those of the training step itself.
        """
        x = self.x.clone().requires_grad_()
        outputs: list[Tensor] = []
        ends: list[Tensor] = []
        sent: list[Tensor] = []
        for index, weights in enumerate(self.weights):
            s0 = [part[index : index + 1].contiguous() for part in self.s0]
            hx = s0 if self.mode == "LSTM" else s0[0]
            x, *last = _KERNELS[self.mode](
                x, hx, weights, len(weights) > 2, 1, 0.0, True, False, True
            )
            outputs.append(x)
            ends += last
            sent += [part[index : index + 1] for part in self.to_last]
        lower = torch.autograd.grad([x, *ends], outputs[:-1], [self.to_h, *sent])
        return [*(out.detach() for out in outputs[:-1]), self.h], [*lower, self.to_h]


def _data(sequences: Tensor | PackedSequence) -> Tensor:
    return sequences.data if isinstance(sequences, PackedSequence) else sequences


def _kept(tensor: Tensor) -> Tensor:
    """Return a tensor apart from its graph, where float64 is to be had: Apple's GPUs have none."""
    return tensor.detach().cpu() if tensor.device.type == "mps" else tensor.detach()


def _picker(
    inputs: Tensor | PackedSequence, batch_first: bool, sequences: int
) -> tuple[Callable[[Tensor], Tensor], Tensor | None]:
    """Return what takes the first sequences out of a batch as (N, T, ...), and their places in it.

    The places are None where there is no batch.
    """
    if isinstance(inputs, PackedSequence):
        sizes = inputs.batch_sizes  # (T,), descending: how many sequences have a step t
        rows = torch.arange(min(sequences, int(sizes[-1])))
        index = sizes.cumsum(0) - sizes + rows[:, None]  # (N, T)
        order = inputs.sorted_indices
        return lambda data: _kept(data)[index], rows if order is None else order[rows].cpu()
    if inputs.dim() == 2:
        return lambda data: _kept(data)[None].clone(), None
    rows = torch.arange(min(sequences, inputs.shape[0 if batch_first else 1]))
    if batch_first:
        return lambda data: _kept(data)[rows], rows
    return lambda data: _kept(data)[:, rows].transpose(0, 1).contiguous(), rows


def _picked_state(state: Tensor, rows: Tensor | None) -> Tensor:
    """Return (L, N, d) of (L, B, d), or of (L, d) where there is no batch."""
    return _kept(state)[:, None].clone() if rows is None else _kept(state)[:, rows]


def _powers_of_two(T: int) -> tuple[int, ...]:
    return (*(1 << j for j in range(T) if 1 << j < T - 1), *([T - 1] if T > 1 else []))


# --- one layer ------------------------------------------------------------------------------------


@dataclass
class _Layer:
    """A layer's Jacobians, as a product from the left, and what enters it from the loss.

    Attributes:
        pull: pull(t, X) is X dh_{t+1}/dh_t for t = 0 to T-1: rows (N, r, S d) to rows.
        saturation: of each gate, (g,).
        direct: what the loss, or the layer above, sends back to each state, (N, T, S d).
    """

    pull: Pull
    saturation: list[float]
    direct: Tensor = field(default_factory=lambda: torch.empty(0))


def _tanh(x: Tensor, before: Tensor, h: Tensor, s0: list[Tensor], weights: list[Tensor]) -> _Layer:
    return _plain(1 - h * h, weights[1])


def _relu(x: Tensor, before: Tensor, h: Tensor, s0: list[Tensor], weights: list[Tensor]) -> _Layer:
    return _plain((h > 0).to(h), weights[1])


def _plain(slope: Tensor, W_hh: Tensor) -> _Layer:
    """h_t = sigma(W_hh h_{t-1} + W_ih x_t + b): J_t = diag(sigma'(a_t)) W_hh."""
    return _Layer(lambda t, X: (X * slope[:, t, None]) @ W_hh, [_share(slope < SATURATED)])


def _gru(x: Tensor, before: Tensor, h: Tensor, s0: list[Tensor], weights: list[Tensor]) -> _Layer:
    """h_t = (1 - z) n + z h_{t-1}, n = tanh(a_in + r a_hn); gates as torch documents them."""
    W_ih, W_hh, b_ih, b_hh = _with_biases(weights)
    r_x, z_x, n_x = (x @ W_ih.T + b_ih).chunk(3, -1)  # (N, T, d) each
    r_h, z_h, n_h = (before @ W_hh.T + b_hh).chunk(3, -1)
    r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
    n = torch.tanh(n_x + r * n_h)
    by_n = (1 - z) * (1 - n * n)
    slopes = torch.stack((by_n * n_h * r * (1 - r), (before - n) * z * (1 - z), by_n * r), -2)

    def pull(t: int, X: Tensor) -> Tensor:
        A = (X[..., None, :] * slopes[:, t, None]).flatten(-2)  # dl/da, (N, r, 3 d)
        return A @ W_hh + X * z[:, t, None]

    return _Layer(pull, [_sigmoid_saturation(r), _sigmoid_saturation(z), _tanh_saturation(n)])


def _lstm(x: Tensor, before: Tensor, h: Tensor, s0: list[Tensor], weights: list[Tensor]) -> _Layer:
    """c_t = f c_{t-1} + i g, h_t = o tanh(c_t); gates as torch documents them."""
    W_ih, W_hh, b_ih, b_hh = _with_biases(weights)
    a = x @ W_ih.T + b_ih + before @ W_hh.T + b_hh  # (N, T, 4 d)
    a_i, a_f, a_g, a_o = a.chunk(4, -1)
    i, f, g, o = torch.sigmoid(a_i), torch.sigmoid(a_f), torch.tanh(a_g), torch.sigmoid(a_o)
    states = [s0[1]]
    for t in range(x.shape[1]):
        states.append(f[:, t] * states[-1] + i[:, t] * g[:, t])
    c_before, c = torch.stack(states[:-1], 1), torch.stack(states[1:], 1).tanh()
    by_c = o * (1 - c * c)  # dh_t/dc_t
    slopes = torch.stack((g * i * (1 - i), c_before * f * (1 - f), i * (1 - g * g)), -2)
    by_o = c * o * (1 - o)

    def pull(t: int, X: Tensor) -> Tensor:
        to_h, to_c = X.chunk(2, -1)
        to_c = to_c + to_h * by_c[:, t, None]
        A = torch.cat(
            ((to_c[..., None, :] * slopes[:, t, None]).flatten(-2), to_h * by_o[:, t, None]), -1
        )  # dl/da, (N, r, 4 d)
        return torch.cat((A @ W_hh, to_c * f[:, t, None]), -1)

    saturation = [_sigmoid_saturation(i), _sigmoid_saturation(f), _tanh_saturation(g)]
    return _Layer(pull, [*saturation, _sigmoid_saturation(o)])


_LAYERS = {"RNN_TANH": _tanh, "RNN_RELU": _relu, "GRU": _gru, "LSTM": _lstm}
_KERNELS: dict[str, Callable[..., tuple[Tensor, ...]]] = {
    "RNN_TANH": torch.rnn_tanh,
    "RNN_RELU": torch.rnn_relu,
    "GRU": torch.gru,
    "LSTM": torch.lstm,
}


def _with_biases(weights: list[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    W_ih, W_hh, *biases = weights
    b_ih, b_hh = biases or (W_ih.new_zeros(()), W_ih.new_zeros(()))
    return W_ih, W_hh, b_ih, b_hh


def _tanh_saturation(value: Tensor) -> float:
    return _share(1 - value * value < SATURATED)


def _sigmoid_saturation(value: Tensor) -> float:
    return _share(4 * value * (1 - value) < SATURATED)


def _share(mask: Tensor) -> float:
    return float(mask.double().mean())


# --- norms ----------------------------------------------------------------------------------------


def _log_lag_norms(layer: _Layer, lags: tuple[int, ...]) -> tuple[float, ...]:
    """Return log ||dh_T/dh_{T-k}||_2 for each lag k, ascending."""
    N, T, size = layer.direct.shape
    product = torch.eye(size).to(layer.direct).expand(N, size, size)
    exponents = torch.zeros(N, dtype=torch.int64, device=product.device)
    log_norms: list[float] = []
    for lag in range(1, lags[-1] + 1 if lags else 1):
        product = layer.pull(T - lag, product)
        # An exact power of two keeps the product within the format's range.
        exponent = torch.frexp(product.abs().amax((1, 2))).exponent  # (N,)
        product *= torch.ldexp(torch.ones_like(product[:, :1, :1]), -exponent[:, None, None])
        exponents += exponent
        if lag in lags:
            log_norms.append(
                _root_mean_square(_log_norm(product) + exponents.double() * math.log(2))
            )
    return tuple(log_norms)


def _log_norm(product: Tensor) -> Tensor:
    """Return log ||P||_2 of each matrix, (N,); nan where one is not finite."""
    if not bool(product.isfinite().all()):
        return torch.full((len(product),), math.nan, dtype=torch.float64, device=product.device)
    squares = cast(Tensor, torch.linalg.eigvalsh(product @ product.mT))  # (N, S d)
    return squares[:, -1].double().clamp(min=0).log() / 2


def _log_gradients(layer: _Layer) -> tuple[float, ...]:
    """Return log ||dl/dh_t||_2 for t = 1 to T, by the recursion at the top of this file."""
    T = layer.direct.shape[1]
    g = layer.direct[:, T - 1]  # (N, S d)
    logs = [_log_length(g)]
    for t in range(T - 1, 0, -1):
        g = layer.pull(t, g[:, None])[:, 0] + layer.direct[:, t - 1]
        logs.append(_log_length(g))
    return tuple(_root_mean_square(log) for log in reversed(logs))


def _log_length(g: Tensor) -> Tensor:
    return cast(Tensor, torch.linalg.vector_norm(g.double(), dim=-1)).log()


def _root_mean_square(logs: Tensor) -> float:
    """Return the log of the root mean square of numbers that are given as logs, (N,)."""
    return float(torch.logsumexp(2 * logs, 0) - math.log(len(logs))) / 2


def _singular_values(W_hh: Tensor) -> tuple[float, ...]:
    if not W_hh.isfinite().all():
        return (math.nan,) * W_hh.shape[1]
    values = cast(Tensor, torch.linalg.svdvals(W_hh.double()))
    return tuple(cast(list[float], values.tolist()))
