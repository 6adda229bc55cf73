"""Small networks on which a derivation is tried, so made that a right formula and a wrong one part.

Any pre-activations are those of some network: give each step a word of its own whose embedding is
a_t - W_hh h_{t-1}. So they are chosen here, some units near 0 and some saturated, and rounded to
two decimals, as is W_hh: whoever is shown an example can do it again by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from carrychain.rnn.derivatives import jacobians
from carrychain.rnn.model import Array, Forward, Network, forward, one_hot, recurrent_matrix

T = 6
CLASSES = 4


@dataclass(frozen=True, eq=False)
class Case:
    """One network on one sequence, and the indices that are asked about.

    Args:
        network, passed: its weights and its forward pass over T steps.
        y: one-hot label, (k,); not the most likely class.
        t, i: steps, 0 <= i <= t <= T.
        m, n: row and column of a weight W_hh[m, n].
    """

    network: Network
    passed: Forward
    y: Array
    t: int
    i: int
    m: int
    n: int

    @property
    def W_hh(self) -> Array:
        """(d', d')."""
        return self.network.W_hh

    @property
    def a(self) -> Array:
        """(T+1, d'), a[0] is NaN."""
        return self.passed.a

    @property
    def h(self) -> Array:
        """(T+1, d')."""
        return self.passed.h

    @property
    def p(self) -> Array:
        """(k,)."""
        return self.passed.p_T

    @property
    def J(self) -> Array:
        """J[j] = dh_{j+1}/dh_j, (T, d', d')."""
        return jacobians(self.W_hh, self.h)


def random_cases(seed: int) -> list[Case]:
    """Return random networks of 2 to 5 units, chains of two and of three steps between."""
    rng = np.random.default_rng(seed)
    cases: list[Case] = []
    for hidden, (i, t) in zip((2, 3, 4, 5), ((2, 5), (3, 5), (2, 4), (2, 5)), strict=True):
        W_hh = recurrent_matrix("gaussian", hidden, 1.2, rng)
        size = rng.choice([0.3, 0.9, 2.0], (T, hidden)) * rng.uniform(0.6, 1.4, (T, hidden))
        a = size * rng.choice([-1, 1], size.shape)  # (T, d')
        m, n = (int(unit) for unit in rng.choice(hidden, 2, replace=False))
        cases.append(_case(W_hh, a, rng, t, i, m, n))
    return cases


def bound_cases(seed: int) -> list[Case]:
    """Return the random networks, and two-unit ones on which a number too small must show."""
    rng = np.random.default_rng(seed)
    designed = [_case(np.array(W_hh), a, rng, 5, 2, 0, 1) for W_hh, a in _DESIGNED]
    return random_cases(seed) + designed


def everywhere(case: Case) -> list[Case]:
    """Return a case asked about every chain from h_i to h_t, 0 <= i <= t <= T, short ones first."""
    lags = ((i + lag, i) for lag in range(T + 1) for i in range(T + 1 - lag))
    return [replace(case, t=t, i=i) for t, i in lags]


# Pre-activations a_1 to a_6 of two units. Where the first unit is the freer at every step, a
# diagonal W_hh attains the bound by max sigma' and s_max; steps 2 and 6 are saturated, so that
# sigma' taken a step early or late is too small.
_STEPS = [[0.3, 0.9], [1.6, 2.0], [0.1, 1.2], [-0.2, 1.4], [0.05, -1.1], [1.8, 2.1]]
_FREE = [[0.1, 0.2], [0.2, -0.1], [0.05, 0.1], [-0.1, 0.05], [0.1, -0.1], [0.2, 0.1]]
_TURNS = [[0.1, 0.2], [0.4, -1.9], [0.1, 1.9], [0.2, -1.8], [-0.1, 1.7], [0.3, 0.4]]

_DESIGNED = (
    ([[0.6, 0], [0, 0.3]], _STEPS),
    ([[1.7, 0], [0, 0.4]], _STEPS),
    ([[2.5, 0], [0, 0.4]], _FREE),  # 2.5^k outgrows 2.5 k
    ([[0.9, 4], [0, 0.8]], _FREE),  # eigenvalues far below s_max
    ([[0, 1.9], [0.2, 0]], _FREE),
    ([[1.2, 1.2], [0, 0]], _FREE),  # its column sums are below s_max, ...
    ([[1.2, 0], [1.2, 0]], _FREE),  # ... its row sums
    ([[1.5, -1.4], [1.5, -1.5]], _TURNS),  # its square is nearly 0, not with sigma' between
)


def _case(
    W_hh: Array,
    a: Array | list[list[float]],
    rng: np.random.Generator,
    t: int,
    i: int,
    m: int,
    n: int,
) -> Case:
    W_hh, a = np.round(W_hh, 2), np.round(a, 2)  # (d', d'), (T, d')
    hidden = len(W_hh)
    h_0 = np.round(rng.uniform(-0.9, 0.9, hidden), 2)
    h = np.concatenate([h_0[None], np.tanh(a)])  # (T+1, d')
    p = np.sort(rng.dirichlet(np.full(CLASSES, 3.0)))
    p = np.round(0.04 + 0.84 * p, 2)
    p[-1] += 1 - p.sum()
    network = Network(
        W_e=(a - h[:-1] @ W_hh.T).T,
        W_ih=np.eye(hidden),
        W_hh=W_hh,
        b_h=np.zeros(hidden),
        W_ho=np.zeros((CLASSES, hidden)),
        b_o=np.log(p),
    )
    y = one_hot(int(rng.integers(CLASSES - 1)), CLASSES)
    return Case(network, forward(network, range(T), h_0), y, t, i, m, n)
