"""Lyapunov exponents against published values and against other tools on the same network.

    python benchmarks/lyapunov.py      # pip install lyapynov pynamicalsys, for the other tools

What is not installed is left out, and said. No time is measured: the tools are asked for agreement.
"""

from __future__ import annotations

import importlib.util

import click
import numpy as np
from numpy.typing import NDArray

from carrychain.rnn.lyapunov import Lyapunov, lyapunov_spectrum

Floats = NDArray[np.float64]

LARGE_WIDTH = {1.5: 0.0652, 3: 0.3103, 5: 0.5324}  # largest exponent by gain, for d to infinity
BURN_IN = 500
PEER_DISCARD, PEER_STEPS = 1000, 5000


def network(d: int, gain: float, seed: int) -> tuple[Floats, Floats]:
    """Return W_hh, (d, d), and a state on its attractor, (d,)."""
    rng = np.random.default_rng(seed)
    W, h = gain * rng.normal(size=(d, d)) / d**0.5, rng.normal(size=d)
    for _ in range(BURN_IN):
        h = np.tanh(W @ h)
    return W, h


def trajectory(W: Floats, h: Floats, steps: int) -> Floats:
    """Return the Jacobians of h = tanh(W h), (steps, d, d)."""
    J = np.empty((steps, *W.shape))
    for t in range(steps):
        h = np.tanh(W @ h)
        J[t] = (1 - h * h)[:, None] * W
    return J


def with_lyapynov(W: Floats, h: Floats) -> Floats:
    import lyapynov

    system = lyapynov.DiscreteDS(
        h.copy(),
        0.0,
        lambda x, t: np.tanh(W @ x),
        lambda x, t: (1 - np.tanh(W @ x) ** 2)[:, None] * W,
    )
    return np.asarray(lyapynov.LCE(system, len(h), PEER_DISCARD, PEER_STEPS, False))


def with_pynamicalsys(W: Floats, h: Floats) -> Floats:
    from numba import njit
    from pynamicalsys import DiscreteDynamicalSystem

    @njit
    def step(x, parameters):
        return np.tanh(W @ x)

    @njit
    def jacobian(x, parameters, *_):
        return (1 - np.tanh(W @ x) ** 2).reshape(-1, 1) * W

    system = DiscreteDynamicalSystem(
        mapping=step, jacobian=jacobian, system_dimension=len(h), number_of_parameters=1
    )
    found = system.lyapunov(
        h,
        PEER_DISCARD + PEER_STEPS,
        parameters=[0.0],
        method="QR",
        transient_time=PEER_DISCARD,
    )
    return np.asarray(found)


@click.command()
@click.option("--width", default=256, show_default=True, help="Of the three networks a gain.")
@click.option("--steps", default=1900, show_default=True, help="That are averaged for each.")
def main(width: int, steps: int) -> None:
    """Print the largest exponents by gain, and whole spectra beside those of other tools."""
    for gain, limit in LARGE_WIDTH.items():
        found: list[Lyapunov] = []
        for seed in range(3):
            J = trajectory(*network(width, gain, seed), steps + 100)
            found.append(lyapunov_spectrum(J, discard=100, k=1))
        each = [float(one.exponents[0]) for one in found]
        print(
            f"gain {gain:g}, width {width}: {np.mean(each):.3f} on average of "
            f"{', '.join(f'{x:.3f}' for x in each)}; {limit} in the limit of large width"
        )
    W, h = network(24, 2.5, 7)
    J = trajectory(W, h, PEER_DISCARD + PEER_STEPS)
    # lyapynov starts its directions after the steps that it leaves out.
    for name, peer, ours in (
        ("lyapynov", with_lyapynov, lyapunov_spectrum(J[PEER_DISCARD:])),
        ("pynamicalsys", with_pynamicalsys, lyapunov_spectrum(J, discard=PEER_DISCARD)),
    ):
        if importlib.util.find_spec(name) is None:
            print(f"{name}: not installed")
            continue
        apart = np.abs(np.sort(peer(W, h).ravel())[::-1] - ours.exponents)
        print(
            f"{name}: {len(h)} exponents at most {apart.max():.2g} apart, "
            f"{(apart / ours.error).max():.2g} standard errors"
        )


if __name__ == "__main__":
    main()
