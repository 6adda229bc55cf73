"""dL/dW_hh by `carrychain.rnn.gradient` against PyTorch's autograd of nn.RNN, in one run.

    OMP_NUM_THREADS=1 python benchmarks/gradient.py

Both start from tokens, in float64 and with the same threads, and end at dL/dW_hh; autograd is asked
for nothing else. Ours also gives the norm and the share of every step's term. The two derivatives,
and the sum of the shares, are checked before anything is timed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import click
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, embedding

from carrychain.rnn.gradient import Derivative, gradient
from carrychain.rnn.model import Array, Network, one_hot
from machine import machine

HIDDEN, STEPS, BATCH = (32, 64, 128, 256), (50, 200), (1, 32)
EMBEDDING, WORDS, CLASSES = 32, 64, 10


def ours(network: Network, tokens: Array, labels: Array) -> Derivative:
    return gradient(network, tokens, one_hot(labels, CLASSES)).by("W_hh")


def autograd(network: Network, tokens: Array, labels: Array) -> Callable[[], Tensor]:
    """Return what computes dL/dW_hh by autograd of nn.RNN; only W_hh requires a gradient."""
    rnn = torch.nn.RNN(EMBEDDING, len(network.b_h), dtype=torch.float64).requires_grad_(False)
    rnn.load_state_dict(
        {
            "weight_ih_l0": torch.tensor(network.W_ih),
            "weight_hh_l0": torch.tensor(network.W_hh),
            "bias_ih_l0": torch.tensor(network.b_h),
            "bias_hh_l0": torch.zeros(len(network.b_h)),
        }
    )
    W_hh = rnn.weight_hh_l0.requires_grad_()
    W_e, W_ho = torch.tensor(network.W_e.T.copy()), torch.tensor(network.W_ho)
    b_o, words, targets = torch.tensor(network.b_o), torch.tensor(tokens.T), torch.tensor(labels)

    def way() -> Tensor:
        h, _ = rnn(embedding(words, W_e))
        loss = cross_entropy(torch.addmm(b_o, h[-1], W_ho.T), targets, reduction="sum")
        return torch.autograd.grad(loss, W_hh)[0]

    return way


def seconds(way: Callable[[], object], calls: int) -> float:
    way()  # brings weights and memory back into the caches
    start = time.perf_counter()
    for _ in range(calls):
        way()
    return (time.perf_counter() - start) / calls


@click.command()
@click.option(
    "--repeats", default=15, show_default=True, help="Rounds, of which the median counts."
)
def main(repeats: int) -> None:
    """Print milliseconds and the ratio for each size."""
    print(f"{machine()}, {torch.get_num_threads()} threads, float64, median of {repeats}")
    print(f"{'hidden':>6} {'steps':>6} {'batch':>6} {'autograd':>10} {'ours':>10} {'ratio':>7}")
    rng = np.random.default_rng(0)
    for hidden in HIDDEN:
        for steps in STEPS:
            for batch in BATCH:
                network = Network.random(
                    hidden, rng, embedding=EMBEDDING, vocabulary=WORDS, classes=CLASSES
                )
                tokens = rng.integers(WORDS, size=(batch, steps))
                labels = rng.integers(CLASSES, size=batch)
                theirs = autograd(network, tokens, labels)
                mine = lambda n=network, t=tokens, y=labels: ours(n, t, y)  # noqa: E731
                check(theirs().numpy(), mine())
                calls = max(3, 2000 // (steps * batch))
                # The two take turns, so that a change in the machine's load touches them alike.
                times = [(seconds(theirs, calls), seconds(mine, calls)) for _ in range(repeats)]
                slow, fast = (1e3 * statistics.median(way) for way in zip(*times, strict=True))
                ratio = statistics.median(a / b for a, b in times)
                print(
                    f"{hidden:6d} {steps:6d} {batch:6d} {slow:7.2f} ms {fast:7.2f} ms {ratio:7.2f}"
                )


def check(theirs: Array, mine: Derivative) -> None:
    """Stop where the two are not the same derivative, or the shares are not shares."""
    if np.abs(theirs - mine.total).max() > 1e-10 * np.abs(theirs).max():
        raise SystemExit("the two derivatives differ; nothing was timed")
    if abs(mine.shares.sum() - 1) > 1e-10:
        raise SystemExit("the shares do not add up to 1; nothing was timed")


if __name__ == "__main__":
    main()
