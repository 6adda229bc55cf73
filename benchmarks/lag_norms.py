"""All norms ||dh_t/dh_i||_2 of a recurrent network: `lag_norms` against the other ways, in one run.

    python benchmarks/lag_norms.py                      # all sizes, about 40 minutes
    python benchmarks/lag_norms.py --size 64 128

Every way is given the same network. All but `lag_norms` are timed on a sample, spread evenly over
all pairs, and stand in the table as what the whole would take. Before anything is timed, a column,
a row and a pair in the middle must be the norms of `lag_norms`: the SVD's within the certificate,
those of autograd, which starts from weights and not from Jacobians, within 1e-8 beside it.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from carrychain.rnn.lag_norms import LagNorms, lag_norms
from machine import machine

SIZES = ((64, 128), (128, 256), (256, 512))
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """A tanh network without input, or products of orthogonal matrices where W_hh is None."""

    J: Floats  # (T, d, d)
    h: Tensor  # (T+1, d)
    W_hh: Tensor | None = None

    @classmethod
    def tanh(cls, d: int, T: int, gain: float) -> Network:
        """Gaussian W_hh of spectral radius `gain`, after 100 steps."""
        rng = np.random.default_rng(0)
        W = torch.from_numpy(gain * rng.normal(size=(d, d)) / d**0.5)
        states = [torch.from_numpy(rng.normal(size=d))]
        for _ in range(100 + T):  # by the operations of the ways below: chaos forgives no rounding
            states.append(torch.tanh(W @ states[-1]))
        h = torch.stack(states[100:])
        J = (1 - h[1:, :, None] ** 2) * W
        return cls(J.numpy(), h, W)

    @classmethod
    def orthogonal(cls, d: int, T: int) -> Network:
        """Nothing ever becomes short: the hard case."""
        Q = np.linalg.qr(np.random.default_rng(0).normal(size=(T, d, d))).Q
        return cls(Q, torch.zeros(T + 1, d, dtype=torch.float64))


NETWORKS: dict[str, Callable[[int, int], Network]] = {
    "tanh, gain 1.5": lambda d, T: Network.tanh(d, T, 1.5),
    "tanh, gain 3": lambda d, T: Network.tanh(d, T, 3),
    "orthogonal": Network.orthogonal,
}


# --- the ways: each gives the log norms of some pairs ---------------------------------------------


def running_svd(network: Network, i: int) -> Floats:
    """Column i by a running product, scaled, and an SVD of each, (T - i,)."""
    J = torch.from_numpy(network.J)
    product, scale, logs = J[i], 0.0, []
    for t in range(i + 1, len(J) + 1):
        if t > i + 1:
            product = J[t - 1] @ product
        norm = torch.linalg.svdvals(product)[0].item()
        scale += np.log(norm)
        product = product / norm
        logs.append(scale)
    return np.array(logs)


def jacrev_row(network: Network, t: int) -> Floats:
    """Row t by torch.func.jacrev, as the derivative by something added to each state, (t,)."""
    W, h0 = network.W_hh, network.h[0]

    def last(added: Tensor) -> Tensor:
        h = h0
        for step in range(t):
            h = torch.tanh(W @ (h + added[step]))
        return h

    J = torch.func.jacrev(last)(torch.zeros(t, len(h0), dtype=torch.float64))  # (d, t, d)
    return torch.linalg.svdvals(J.transpose(0, 1))[:, 0].log().numpy()


def autograd_pair(network: Network, t: int, i: int) -> float:
    """One pair by torch.autograd.functional.jacobian."""

    def last(h: Tensor) -> Tensor:
        for _ in range(t - i):
            h = torch.tanh(network.W_hh @ h)
        return h

    J = torch.autograd.functional.jacobian(last, network.h[i])  # (d, d)
    return torch.linalg.svdvals(J)[0].log().item()


# --- samples and their share of the whole ---------------------------------------------------------


def midpoints(T: int, n: int) -> list[int]:
    """Spread n of 0 .. T-1 evenly: what grows linearly has the mean of all."""
    return [int((k + 0.5) * T / n) for k in range(n)]


def sampled_pairs(T: int, n: int) -> list[tuple[int, int]]:
    """Choose n pairs (t, i) whose lags are spread as those of all pairs are."""
    lags = [max(1, round(T * (1 - (1 - (k + 0.5) / n) ** 0.5))) for k in range(n)]
    return [((T + lag) // 2, (T + lag) // 2 - lag) for lag in lags]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def check(network: Network, found: LagNorms) -> None:
    """Raise if a way disagrees with `lag_norms`."""
    T = len(network.J)
    log_norms, certificate = found.log_norms, found.certificate
    i = T // 2
    error = np.abs(running_svd(network, i) - log_norms[i + 1 :, i])
    assert np.all(error <= certificate[i + 1 :, i] + 1e-11)
    if network.W_hh is None:
        return
    error = np.abs(jacrev_row(network, i) - log_norms[i, :i])
    assert np.all(error <= certificate[i, :i] + 1e-8)
    error = abs(autograd_pair(network, i, i // 2) - log_norms[i, i // 2])
    assert error <= certificate[i, i // 2] + 1e-8


def times(network: Network, samples: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of the whole matrix by every way; the ways take turns."""
    T, d, _ = network.J.shape
    pairs = T * (T + 1) / 2
    A, products = torch.randn(d, d, dtype=torch.float64), 2_000_000_000 // d**3
    taken: dict[str, list[float]] = {}

    def note(way: str, took: float) -> None:
        taken.setdefault(way, []).append(took)

    for _ in range(rounds):
        note("lag_norms", seconds(lambda: lag_norms(network.J)))
        svd = sum(seconds(lambda i=i: running_svd(network, i)) for i in midpoints(T, samples))
        note("running product, SVD", svd * T / samples)
        note("flop bound", seconds(lambda: [A @ A for _ in range(products)]) / products * pairs)
    if network.W_hh is not None:
        rows = sum(seconds(lambda t=t: jacrev_row(network, t + 1)) for t in midpoints(T, samples))
        note("jacrev by row", rows * T / samples)
        some = sampled_pairs(T, samples)
        each = sum(seconds(lambda t=t, i=i: autograd_pair(network, t, i)) for t, i in some)
        note("autograd by pair", each * pairs / samples)
    return taken


def report(name: str, d: int, T: int, samples: int, rounds: int) -> None:
    network = NETWORKS[name](d, T)
    found = lag_norms(network.J)
    check(network, found)
    rounds = rounds if d < 256 else 1
    taken = {way: statistics.median(all_) for way, all_ in times(network, samples, rounds).items()}
    ours = taken["lag_norms"]
    certificate = found.certificate[np.tril_indices(T + 1, -1)]
    print(f"\nd = {d}, T = {T}, {name}; median of {rounds}")
    print(f"certificate: median {np.median(certificate):.1e}, largest {certificate.max():.1e}")
    if sys.platform == "linux":
        share = memory(name, d, min(T, 128))  # longer ones take a smaller share
        print(f"memory beside the result at T = {min(T, 128)}: {share:.1f} T d^2 numbers")
    print(f"{'':<24}{'seconds':>10}{'ratio':>9}")
    for way, took in sorted(taken.items(), key=lambda item: item[1]):
        print(f"{way:<24}{took:>10.3g}{took / ours:>9.3g}")


def memory(name: str, d: int, T: int) -> float:
    """Numbers in use beside the result at the peak, in units of T d^2, from a fresh process."""
    # Each array gets pages of its own, so that the peak is what is in use and no leftover.
    os.environ["MALLOC_MMAP_THRESHOLD_"] = "65536"
    with multiprocessing.get_context("spawn").Pool(1) as fresh:
        return fresh.apply(numbers_in_use, (name, d, T))


def numbers_in_use(name: str, d: int, T: int) -> float:
    J = NETWORKS[name](d, T).J
    lag_norms(J)  # what libraries keep for themselves
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = kilobytes("VmRSS")
    lag_norms(J)
    numbers = (kilobytes("VmHWM") - before) * 1024 / 8
    return (numbers - 2 * (T + 1) ** 2) / (T * d**2)


def kilobytes(name: str) -> int:
    (line,) = [x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(name)]
    return int(line.split()[1])


@click.command()
@click.option("--size", "sizes", type=(int, int), multiple=True, help="d and T; may be repeated.")
@click.option("--samples", default=4, show_default=True, help="Columns, rows or pairs timed.")
@click.option("--rounds", default=3, show_default=True, help="One alone where d is 256.")
@click.option("--threads", default=1, show_default=True)
def main(sizes: Sequence[tuple[int, int]], samples: int, rounds: int, threads: int) -> None:
    """Print a table a network."""
    torch.set_num_threads(threads)
    print(f"{machine()}; {threads} threads, PyTorch {torch.__version__}, float64")
    print(f"the other ways timed on {samples} columns, rows or pairs")
    for d, T in sizes or SIZES:
        for name in NETWORKS:
            report(name, d, T, samples, rounds)


if __name__ == "__main__":
    main()
