"""Two tasks that ask a recurrent network to remember, each with the loss of a network that can't.

A batch depends on the seed and the step alone, so a training can be cut off anywhere and go on.

Shapes: B sequences, T steps, V different characters.
"""

from __future__ import annotations

import ast
import codecs
import importlib.util
from functools import cache
from importlib.abc import InspectLoader
from typing import Protocol, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from carrychain.errors import InvalidInput

EXAM_SEQUENCES = 1000
_EXAM = 1 << 32  # no training step has this number


class Task(Protocol):
    """What a network is trained on.

    Attributes:
        inputs, outputs: numbers that the network reads and gives at each step.
        baseline: the loss of the best answer that takes no notice of the sequence.
        baseline_is: what that answer is.
        loss_is: what the loss measures.
    """

    inputs: int
    outputs: int
    baseline: float
    baseline_is: str
    loss_is: str

    def batch(self, seed: int, step: int, size: int) -> tuple[Tensor, Tensor]:
        """Return a training step's inputs, (B, T, inputs), and answers."""
        ...

    def exam(self, seed: int) -> tuple[Tensor, Tensor]:
        """Return what a trained network is examined on."""
        ...

    def loss(self, outputs: Tensor, answers: Tensor) -> Tensor:
        """Return the mean loss of outputs (B, T, outputs)."""
        ...

    def accuracy(self, outputs: Tensor, answers: Tensor) -> float:
        """Return the share of right answers."""
        ...


class Adding:
    """The adding problem: the sum of the two marked numbers of a long sequence.

    Each step shows a number, uniform in [0, 1], and a mark that is 1 at two steps, one in each half
    of the sequence, and 0 elsewhere. The loss is the squared error of the last output; answering 1
    always has the variance of a sum of two such numbers, 1/12 + 1/12. An answer is right where it
    is within .08, which is the .04 of the source on its own scale, half of ours.

    Args:
        length: steps T, at least 2.

    Source:
        Hochreiter and Schmidhuber (1997), "Long short-term memory", section 5.4, in the form of Le,
        Jaitly and Hinton (2015), "A simple way to initialize recurrent networks", section 4.1.
    """

    inputs, outputs = 2, 1
    baseline = 1 / 6
    baseline_is = "answering 1, the mean, always"
    loss_is = "mean squared error of the sum"

    def __init__(self, length: int) -> None:
        if length < 2:
            raise InvalidInput(f"length is {length}; the adding problem marks two steps, so give 2")
        self.length = length

    def batch(self, seed: int, step: int, size: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng((seed, step))
        values = rng.random((size, self.length), dtype=np.float32)  # (B, T)
        marks = np.zeros_like(values)
        rows, half = np.arange(size), self.length // 2
        first, second = rng.integers(0, half, size), rng.integers(half, self.length, size)
        marks[rows, first] = marks[rows, second] = 1
        x = np.stack((values, marks), -1)  # (B, T, 2)
        return torch.from_numpy(x), torch.from_numpy(values[rows, first] + values[rows, second])

    def exam(self, seed: int) -> tuple[Tensor, Tensor]:
        return self.batch(seed, _EXAM, EXAM_SEQUENCES)

    def loss(self, outputs: Tensor, answers: Tensor) -> Tensor:
        return F.mse_loss(outputs[:, -1, 0], answers)

    def accuracy(self, outputs: Tensor, answers: Tensor) -> float:
        return float(((outputs[:, -1, 0] - answers).abs() < 0.08).double().mean())


class Characters:
    """The next character, at every step of stretches of `zen()`.

    The loss is the cross-entropy in nats a character; knowing no more than how often each character
    occurs, it is the entropy of those frequencies. A text this short is learnt by heart and the
    exam is all of it: what is asked is how far back a network can look.

    Args:
        length: steps T, at least 1 and below the text's length.
    """

    baseline_is = "knowing how often each character occurs, and nothing else"
    loss_is = "cross-entropy, nats a character"

    def __init__(self, length: int) -> None:
        text = zen()
        if not 1 <= length < len(text):
            raise InvalidInput(
                f"length is {length}; the text has {len(text)} characters, so give 1 to "
                f"{len(text) - 1}"
            )
        known, tokens, counts = np.unique(list(text), return_inverse=True, return_counts=True)
        self.inputs = self.outputs = len(known)
        shares = counts / len(text)
        self.baseline = float(-(shares * np.log(shares)).sum())
        stretches = np.lib.stride_tricks.sliding_window_view(tokens, length + 1)
        self._stretches = torch.from_numpy(stretches.copy())  # (len(text) - T, T+1)

    def batch(self, seed: int, step: int, size: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng((seed, step))
        return self._pairs(self._stretches[rng.integers(0, len(self._stretches), size)])

    def exam(self, seed: int) -> tuple[Tensor, Tensor]:
        return self._pairs(self._stretches)

    def loss(self, outputs: Tensor, answers: Tensor) -> Tensor:
        return F.cross_entropy(outputs.transpose(1, 2), answers)

    def accuracy(self, outputs: Tensor, answers: Tensor) -> float:
        return float((outputs.argmax(-1) == answers).double().mean())

    def _pairs(self, stretches: Tensor) -> tuple[Tensor, Tensor]:
        return F.one_hot(stretches[:, :-1], self.inputs).float(), stretches[:, 1:]


TASKS: dict[str, type[Adding] | type[Characters]] = {"adding": Adding, "characters": Characters}


@cache
def zen() -> str:
    """Return the Zen of Python by Tim Peters, which every Python ships, the same in each version.

    It stands, rotated by 13 letters, in the module `this`; importing that would print it.
    """
    spec = importlib.util.find_spec("this")
    assert spec is not None
    source = cast(InspectLoader, spec.loader).get_source("this")
    assert source is not None
    for node in ast.parse(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="s")], value=ast.Constant(value=str(rotated))):
                return codecs.decode(rotated, "rot13")
            case _:
                pass
    raise AssertionError("the module `this` holds no text")
