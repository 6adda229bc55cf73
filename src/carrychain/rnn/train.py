"""Train recurrent networks on the same data and watch where their gradient goes.

One `Recipe` gives one `Run`; `COMPARISON` is the demonstration: a plain network, and what clipping,
orthogonal initialisation, both, and the gates of GRU and LSTM change. `findings` says what the runs
show, in sentences that are computed from their numbers.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from carrychain.errors import InvalidInput, nearest
from carrychain.io import write_bytes
from carrychain.rnn.monitor import Record, monitor, record_from
from carrychain.rnn.tasks import TASKS, Task

CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
INITS = ("default", "orthogonal")
RECORDS = 80
"""How many steps of a run are recorded, evenly spaced."""

RECORDS_A_CHECKPOINT = 4

_FORMAT = 1  # of the checkpoints


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run.

    Attributes:
        task: a name in `TASKS`.
        cell: a name in `CELLS`; rnn has tanh.
        init: "default" is PyTorch's, uniform in -1/sqrt(d) to 1/sqrt(d); "orthogonal" makes each
            gate's W_hh orthogonal instead (Saxe, McClelland and Ganguli 2014).
        clip: the gradient's norm is cut to it (Pascanu, Mikolov and Bengio 2013); None leaves it.
        hidden: units d, at least 1.
        length: time steps T of a sequence.
        steps: training steps, at least 1, each on `batch` fresh sequences.
        batch: sequences a step, at least 1.
        lr: learning rate of stochastic gradient descent with momentum .9, above 0. A method that
            scales every gradient to one size, such as Adam, would hide much of what is shown here.
        seed: fixes weights and data.

    Raises:
        InvalidInput: a name that there is not, or a number out of range.
    """

    task: str = "adding"
    cell: str = "rnn"
    init: str = "default"
    clip: float | None = None
    hidden: int = 64
    length: int = 30
    steps: int = 4000
    batch: int = 64
    lr: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (("task", TASKS), ("cell", CELLS), ("init", INITS)):
            value = getattr(self, name)
            if value not in known:
                raise InvalidInput(f"there is no {name} {value!r}{nearest(value, known)}")
        for name in ("hidden", "steps", "batch"):
            if getattr(self, name) < 1:
                raise InvalidInput(f"{name} is {getattr(self, name)}; it must be at least 1")
        for name, value in (("lr", self.lr), ("clip", self.clip)):
            if value is not None and not 0 < value <= 1e6:
                raise InvalidInput(f"{name} is {value}; it must be above 0 and at most 10^6")
        if self.seed < 0:
            raise InvalidInput(f"seed is {self.seed}; it must be at least 0")
        TASKS[self.task](self.length)

    @property
    def title(self) -> str:
        """What sets this network apart, for a table."""
        name = {"rnn": "plain RNN", "gru": "GRU", "lstm": "LSTM"}[self.cell]
        orthogonal = ", orthogonal" if self.init == "orthogonal" else ""
        clipped = "" if self.clip is None else f", clipped at {self.clip:g}"
        return f"{name}{orthogonal}{clipped}"

    @property
    def file(self) -> str:
        """The name of this recipe's checkpoint; another recipe has another."""
        settings = json.dumps({"format": _FORMAT, **asdict(self)}, sort_keys=True)
        digest = hashlib.sha256(settings.encode()).hexdigest()[:8]
        clipped = "" if self.clip is None else "-clipped"
        return f"{self.task}-{self.cell}-{self.init}{clipped}-{digest}.pt"


DEFAULTS: dict[str, Recipe] = {
    "adding": Recipe(),
    "characters": Recipe(task="characters", length=50, steps=1000, lr=0.5),
}
"""Settings of each task at which its networks differ, in a few minutes on two cores."""

CLIP = 0.1


def comparison(settings: Recipe) -> list[Recipe]:
    """Return the recipes of the demonstration: one change at a time, the rest as in `settings`."""
    plain = replace(settings, cell="rnn", init="default", clip=None)
    orthogonal = replace(plain, init="orthogonal")
    return [
        plain,
        replace(plain, clip=CLIP),
        orthogonal,
        replace(orthogonal, clip=CLIP),
        replace(plain, cell="gru"),
        replace(plain, cell="lstm"),
    ]


@dataclass(frozen=True)
class Run:
    """What a recipe came to.

    Attributes:
        recipe: the settings.
        loss: on the exam; nan if the training diverged.
        accuracy: share of right answers on the exam.
        baseline: the loss of the best answer that takes no notice of the sequence.
        steps: training steps done; fewer than the recipe's if it diverged.
        seconds: training time.
        losses: mean training loss up to each record's step, from the one before, (records,).
        records: what the monitor saw.
        resumed: whether it was taken up from a checkpoint.
    """

    recipe: Recipe
    loss: float
    accuracy: float
    baseline: float
    steps: int
    seconds: float
    losses: tuple[float, ...]
    records: tuple[Record, ...]
    resumed: bool = False

    @property
    def diverged(self) -> bool:
        """Whether the training ended early, at a loss that is not finite."""
        return self.steps < self.recipe.steps or not math.isfinite(self.loss)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            **asdict(self.recipe),
            "title": self.recipe.title,
            "loss": self.loss,
            "accuracy": self.accuracy,
            "baseline": self.baseline,
            "diverged": self.diverged,
            "planned_steps": self.recipe.steps,
            "steps": self.steps,
            "seconds": self.seconds,
            "losses": self.losses,
            "flow": [record.as_dict() for record in self.records],
        }


class OnStep(Protocol):
    """Told after each training step how many are done, and the loss."""

    def __call__(self, done: int, loss: float) -> None: ...


class Network(nn.Module):
    """A recurrent network and a linear map of each of its states.

    Args:
        cell: a name in `CELLS`.
        inputs, hidden, outputs: numbers a step.
    """

    def __init__(self, cell: str, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.rnn = CELLS[cell](inputs, hidden, batch_first=True)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, T, outputs) for x (B, T, inputs)."""
        h, _ = self.rnn(x)  # (B, T, d)
        return self.head(h)


@dataclass
class _State:
    """A run under way: what a checkpoint holds."""

    step: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list[float])
    records: list[Record] = field(default_factory=list[Record])
    exam: tuple[float, float] | None = None  # loss and accuracy, once the run is done


def train(recipe: Recipe, folder: Path | None = None, on_step: OnStep | None = None) -> Run:
    """Carry out a recipe, or go on with it where its checkpoint ends.

    The same recipe gives the same run, whole or in pieces. It runs on one thread: networks of this
    size gain nothing from more, and so the number of cores does not change the result.

    Args:
        recipe: the settings.
        folder: where its checkpoint is and goes; nothing is kept where left out.
        on_step: called after each training step.

    Raises:
        InvalidInput: a checkpoint that can't be read or written.
    """
    path = None if folder is None else folder / recipe.file
    task = TASKS[recipe.task](recipe.length)
    model = _network(recipe, task)
    optimiser = torch.optim.SGD(model.parameters(), lr=recipe.lr, momentum=0.9)
    state = _State()
    if path is not None and path.exists():
        _restore(path, model, optimiser, state)
    resumed = state.step > 0
    if state.exam is None:
        with _one_thread():
            _train_on(recipe, task, model, optimiser, state, path, on_step)
    assert state.exam is not None
    loss, accuracy = state.exam
    return Run(
        recipe=recipe,
        loss=loss,
        accuracy=accuracy,
        baseline=task.baseline,
        steps=state.step,
        seconds=state.seconds,
        losses=tuple(state.losses),
        records=tuple(state.records),
        resumed=resumed,
    )


def _train_on(
    recipe: Recipe,
    task: Task,
    model: Network,
    optimiser: torch.optim.Optimizer,
    state: _State,
    path: Path | None,
    on_step: OnStep | None,
) -> None:
    """Train from the state's step to the end, or to a loss that is not finite."""
    every = max(1, recipe.steps // RECORDS)
    before = state.records
    started = time.perf_counter() - state.seconds
    recent: list[float] = []
    with monitor(model, every=every, start=state.step) as flow:
        for step in range(state.step, recipe.steps):
            x, answers = task.batch(recipe.seed, step, recipe.batch)
            loss = task.loss(model(x), answers)
            optimiser.zero_grad()
            loss.backward()
            if recipe.clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimiser.step()
            recent.append(loss.item())
            state.step = step + 1
            diverged = not math.isfinite(recent[-1])
            ended = diverged or state.step == recipe.steps
            if on_step is not None:
                on_step(state.step, recent[-1])
            if state.step % every == 0 or ended:
                state.losses.append(float(np.mean(recent)))
                recent.clear()
            if state.step % (every * RECORDS_A_CHECKPOINT) == 0 or ended:
                state.records = [*before, *flow.records]
                state.seconds = time.perf_counter() - started
                if ended:
                    state.exam = _examine(task, model, recipe.seed)
                if path is not None:
                    _save(path, recipe, model, optimiser, state)
            if diverged:
                break


def _network(recipe: Recipe, task: Task) -> Network:
    """Return the network that the recipe's seed gives; torch's own random numbers stay as are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = Network(recipe.cell, task.inputs, recipe.hidden, task.outputs)
        if recipe.init == "orthogonal":
            W_hh = cast(Tensor, model.rnn.weight_hh_l0)  # (g d, d)
            with torch.no_grad():
                for gate in W_hh.view(-1, recipe.hidden, recipe.hidden):
                    nn.init.orthogonal_(gate)
    return model


@torch.no_grad()
def _examine(task: Task, model: Network, seed: int) -> tuple[float, float]:
    x, answers = task.exam(seed)
    model.eval()
    outputs = model(x)
    return float(task.loss(outputs, answers)), task.accuracy(outputs, answers)


@contextmanager
def _one_thread() -> Generator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


# --- checkpoints ----------------------------------------------------------------------------------


def _save(
    path: Path, recipe: Recipe, model: Network, optimiser: torch.optim.Optimizer, state: _State
) -> None:
    content = {
        "recipe": asdict(recipe),
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "step": state.step,
        "seconds": state.seconds,
        "losses": state.losses,
        "records": [record.as_dict() for record in state.records],
        "exam": state.exam,
    }
    buffer = BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def _restore(path: Path, model: Network, optimiser: torch.optim.Optimizer, state: _State) -> None:
    try:
        content = cast(Mapping[str, Any], torch.load(path, weights_only=True))
        model.load_state_dict(content["model"])
        optimiser.load_state_dict(content["optimiser"])
        state.step, state.seconds = content["step"], content["seconds"]
        state.losses, state.exam = list(content["losses"]), content["exam"]
        state.records = [record_from(record) for record in content["records"]]
    except Exception as error:  # torch has many for a file that is no checkpoint
        raise InvalidInput(
            f"{path} is no checkpoint of this run; delete it to start anew"
        ) from error
