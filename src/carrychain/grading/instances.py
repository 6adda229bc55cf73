"""The instances of Q3: public ones, made to be hard, and others that a seed draws."""

from __future__ import annotations

from itertools import islice

import numpy as np

from carrychain.addition.problems import Problem, draw_pairs
from carrychain.errors import InvalidInput
from carrychain.grading.rubric import Instances

_Q3 = 3


def graded_problems(instances: Instances, seed: int) -> list[Problem]:
    """Return the public instances, then the drawn ones.

    They are drawn by the hand-out's rule, but from a generator of their own: at the same seed the
    notebook's pairs, which everyone has seen, are others.

    Args:
        instances: what the rubric asks for.
        seed: at least 0; the class keeps it secret.

    Raises:
        InvalidInput: the seed is negative.
    """
    if seed < 0:
        raise InvalidInput(f"seed is {seed}; it must be at least 0")
    drawn = draw_pairs(np.random.default_rng([_Q3, seed]), instances.low, instances.high)
    return [*instances.public, *islice(drawn, instances.drawn)]
