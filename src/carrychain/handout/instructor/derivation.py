"""Part 1 of the assignment: the derivation of an RNN's gradient (instructor's: with answers).

It is checked on small random networks by

    carrychain rnn check derivation.py

The symbols are the assignment's:

    h_t = sigma(a_t),  a_t = W_hh h_{t-1} + W_ih x_t + b_h,  sigma = tanh        equation (2)

Steps are counted as there, so index with them directly:

    a    (T+1, d')       a[t] is a_t for t = 1..T; a[0] is NaN, because there is no a_0
    h    (T+1, d')       h[t] is h_t for t = 1..T; h[0] is the initial state h_0
    J    (T, d', d')     J[j] is the Jacobian dh_{j+1}/dh_j for j = 0..T-1

Only the standard library and NumPy are there when the file is checked. It may print, but neither
write files nor start processes.
"""

import numpy as np

# The Jacobian dy/dx has a row for each entry of y and a column for each entry of x: numerator
# layout. If you derived in the other one (a row for each entry of x), say so: "denominator". Then
# `product` is given its J in that layout, and `jacobian` and `product` return theirs in it.
LAYOUT = "numerator"


def sigma(a):
    """The activation function, entry by entry."""
    return np.tanh(a)


def dsigma(a):
    """Its derivative sigma'(a), entry by entry: between 0 and 1."""
    return 1 - np.tanh(a) ** 2


# --- RNN Derivatives ------------------------------------------------------------------------------


def loss(y, p):
    """Question 1: how wrong is the prediction p for an example whose class is y?

    Args:
        y: one-hot label, (k,).
        p: probability of each class, (k,), positive, adding up to 1.

    Returns:
        The cross-entropy, a number.
    """
    return -np.sum(y * np.log(p))


def immediate_partial(W_hh, a, h, i, m, n):
    """Question 2a: how does h_i move with the weight w = W_hh[m, n], if h_{i-1} stands still?

    Args:
        W_hh: (d', d').
        a, h: (T+1, d').
        i: step, 1 to T.
        m, n: row and column of the weight, 0 to d'-1.

    Returns:
        The immediate partial dh_i^+/dw, a vector (d',): an entry for each unit of h_i.
    """
    partial = np.zeros(len(W_hh))
    partial[m] = dsigma(a[i, m]) * h[i - 1, n]
    return partial


def product(J, t, i):
    """Question 2b: how does h_t move with h_i, given how each state moves with the one before?

    Args:
        J: J[j] = dh_{j+1}/dh_j, (T, d', d').
        t, i: steps, 0 <= i <= t <= T. The sum of equation (5) needs i = t as well.

    Returns:
        dh_t/dh_i, a matrix (d', d').
    """
    derivative = np.eye(J.shape[1])
    for j in range(i, t):
        derivative = J[j] @ derivative
    return derivative


def jacobian(W_hh, a, h, i):
    """Question 3: how does h_{i+1} move with h_i?

    Args:
        W_hh: (d', d').
        a, h: (T+1, d').
        i: step, 0 to T-1.

    Returns:
        dh_{i+1}/dh_i, a matrix (d', d').
    """
    return np.diag(dsigma(a[i + 1])) @ W_hh


# --- Bounding Gradient Norm -----------------------------------------------------------------------


def step_bound(W_hh, a, i):
    """Bounding question 1: what can ||dh_i/dh_{i-1}||_2 not exceed, by inequality (6)?

    Args:
        W_hh: (d', d').
        a: (T+1, d').
        i: step, 1 to T.

    Returns:
        A number that is never below the norm. The closer, the better.
    """
    return dsigma(a[i]).max() * np.linalg.norm(W_hh, 2)


def bound(W_hh, a, t, i):
    """Bounding question 2: what can ||dh_t/dh_i||_2 not exceed?

    Args:
        W_hh: (d', d').
        a: (T+1, d').
        t, i: steps, 0 <= i <= t <= T.

    Returns:
        A number that is never below the norm. When does it go to 0, and when may it grow, as t - i
        grows?
    """
    return np.prod([step_bound(W_hh, a, j) for j in range(i + 1, t + 1)])


if __name__ == "__main__":
    print("Check this file with:  carrychain rnn check derivation.py")
