"""All norms ||dh_t/dh_i||_2 of a recurrent network: `lag_norms` against the other ways, in one run.

    python benchmarks/lag_norms.py                      # all sizes, about a quarter of an hour
    python benchmarks/lag_norms.py --size 64 128

Every way is given the same network. Those that take too long are timed on a sample, spread evenly
over all pairs, and stand in the table as what the whole would take. Before anything is timed, every
way must give the norms of `lag_norms` on its sample: the SVD within the certificate, autograd,
which starts from weights and not from Jacobians, within 1e-8 beside it.
"""

from __future__ import annotations

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

    name: str
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
        return cls(f"tanh, gain {gain:g}", J.numpy(), h, W)

    @classmethod
    def orthogonal(cls, d: int, T: int) -> Network:
        """Nothing ever becomes short: the hard case."""
        Q = np.linalg.qr(np.random.default_rng(0).normal(size=(T, d, d))).Q
        return cls("orthogonal", Q, torch.zeros(T + 1, d, dtype=torch.float64))


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


def check(network: Network, found: LagNorms, samples: int) -> None:
    """Raise if a way disagrees with `lag_norms` on its sample."""
    T = len(network.J)
    for i in midpoints(T, samples):
        error = np.abs(running_svd(network, i) - found.log_norms[i + 1 :, i])
        assert np.all(error <= found.certificate[i + 1 :, i] + 1e-11), network.name
    if network.W_hh is None:
        return
    for t in midpoints(T, samples):
        error = np.abs(jacrev_row(network, t + 1) - found.log_norms[t + 1, : t + 1])
        assert np.all(error <= found.certificate[t + 1, : t + 1] + 1e-8), network.name
    for t, i in sampled_pairs(T, samples):
        error = abs(autograd_pair(network, t, i) - found.log_norms[t, i])
        assert error <= found.certificate[t, i] + 1e-8, network.name


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


def report(network: Network, samples: int, rounds: int) -> None:
    found = lag_norms(network.J)
    check(network, found, samples)
    T, d, _ = network.J.shape
    taken = {way: statistics.median(all_) for way, all_ in times(network, samples, rounds).items()}
    ours = taken["lag_norms"]
    certificate = found.certificate[np.tril_indices(T + 1, -1)]
    print(f"\nd = {d}, T = {T}, {network.name}")
    print(f"certificate: median {np.median(certificate):.1e}, largest {certificate.max():.1e}")
    if sys.platform == "linux":
        print(f"memory beside the result: {memory(network):.1f} T d^2 numbers")
    print(f"{'':<24}{'seconds':>10}{'ratio':>9}")
    for way, took in sorted(taken.items(), key=lambda item: item[1]):
        print(f"{way:<24}{took:>10.3g}{took / ours:>9.3g}")


def memory(network: Network) -> float:
    """Numbers in use beside the result at the peak, in units of T d^2; Linux alone tells."""
    T, d, _ = network.J.shape
    lag_norms(network.J)  # what libraries keep for themselves
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = kilobytes("VmRSS")
    lag_norms(network.J)
    numbers = (kilobytes("VmHWM") - before) * 1024 / 8
    return (numbers - 2 * (T + 1) ** 2) / (T * d**2)


def kilobytes(name: str) -> int:
    (line,) = [x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(name)]
    return int(line.split()[1])


@click.command()
@click.option("--size", "sizes", type=(int, int), multiple=True, help="d and T; may be repeated.")
@click.option("--samples", default=4, show_default=True, help="Rows or pairs of a slow way.")
@click.option("--rounds", default=3, show_default=True, help="Rounds; the median counts.")
@click.option("--threads", default=1, show_default=True)
def main(sizes: Sequence[tuple[int, int]], samples: int, rounds: int, threads: int) -> None:
    """Print a table a network."""
    torch.set_num_threads(threads)
    print(f"{machine()}; {threads} threads, PyTorch {torch.__version__}, float64")
    print(f"slow ways timed on {samples} rows or pairs, median of {rounds} rounds of the others")
    for d, T in sizes or SIZES:
        for network in (
            Network.tanh(d, T, 1.5),
            Network.tanh(d, T, 3),
            Network.orthogonal(d, T),
        ):
            report(network, samples, rounds)


if __name__ == "__main__":
    main()
