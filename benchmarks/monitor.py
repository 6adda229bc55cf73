"""What watching a training costs: a recorded step and an unrecorded one against a step alone.

Each row trains one network; three kinds of steps take turns, so that a change in the machine's load
touches them alike: without the monitor, with it but not recorded, and recorded, the making of the
record included. Their medians give the overhead of the default, one recorded step in 50.

Run it with the Python that carrychain is installed in: python benchmarks/monitor.py
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import nn

from carrychain.rnn.monitor import monitor
from machine import machine

EVERY = 50  # the default
CASES = [
    # cell, layers, hidden (and inputs), length, batch
    (nn.RNN, 1, 64, 100, 32),
    (nn.RNN, 1, 128, 100, 32),
    (nn.RNN, 2, 128, 200, 32),
    (nn.RNN, 1, 512, 100, 32),
    (nn.GRU, 1, 64, 100, 32),
    (nn.GRU, 1, 128, 200, 32),
    (nn.GRU, 1, 256, 100, 64),
    (nn.LSTM, 1, 64, 100, 32),
    (nn.LSTM, 2, 128, 100, 32),
    (nn.LSTM, 1, 256, 100, 64),
]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=20, help="steps of each kind a row")
    arguments.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    print(
        f"{machine()}, {given.threads} threads, torch {torch.__version__}; medians of "
        f"{given.rounds} rounds, overhead at every={EVERY}"
    )
    print(f"{'cell':<6}{'layers':>7}{'hidden':>7}{'length':>7}{'batch':>6}", end="")
    print(f"{'ms a step':>11}{'ms a record':>13}{'records/step':>14}{'overhead':>10}")
    for cell, layers, hidden, length, batch in CASES:
        plain, idle, recorded = step_times(cell, layers, hidden, length, batch, given.rounds)
        record = recorded - plain
        overhead = ((EVERY - 1) * (idle - plain) + record) / (EVERY * plain)
        print(f"{cell.__name__:<6}{layers:>7}{hidden:>7}{length:>7}{batch:>6}", end="")
        print(f"{1e3 * plain:>11.1f}{1e3 * record:>13.1f}{record / plain:>14.2f}", end="")
        print(f"{100 * overhead:>9.1f}%", flush=True)


def step_times(
    cell: type[nn.RNNBase], layers: int, hidden: int, length: int, batch: int, rounds: int
) -> tuple[float, float, float]:
    """Return the median seconds of a step alone, of one that is watched, of one recorded."""
    torch.manual_seed(0)
    rnn, head = cell(hidden, hidden, layers, batch_first=True), nn.Linear(hidden, 1)
    model = nn.ModuleList([rnn, head])
    optimiser = torch.optim.Adam(model.parameters())
    x, y = torch.randn(batch, length, hidden), torch.randn(batch, 1)

    def step() -> None:
        outputs, _ = rnn(x)
        loss = nn.functional.mse_loss(head(outputs[:, -1]), y)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    def seconds(every: int | None) -> float:
        # A watch that starts at step 1 of so many does not record its first.
        flow = None if every is None else monitor(model, every=every, start=int(every > 1))
        started = time.perf_counter()
        step()
        if flow is not None:
            assert len(flow.records) == (every == 1)
        taken = time.perf_counter() - started
        if flow is not None:
            flow.close()
        return taken

    kinds = (None, EVERY, 1)
    times = [[seconds(every) for every in kinds] for _ in range(rounds + 1)]
    plain, idle, recorded = (statistics.median(kind) for kind in zip(*times[1:], strict=True))
    return plain, idle, recorded


if __name__ == "__main__":
    main()
