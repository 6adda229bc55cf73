"""The questions of Part 2, in the assignment's order."""

from __future__ import annotations

from collections.abc import Iterable

from carrychain.assignment.experiment import Question
from carrychain.assignment.q1 import Q1A, Q1B, Q1C, Q1D
from carrychain.assignment.q2 import Q2A, Q2B, Q2C, Q2D
from carrychain.errors import InvalidInput, nearest

QUESTIONS = (Q1A, Q1B, Q1C, Q1D, Q2A, Q2B, Q2C, Q2D)


def find(names: Iterable[str]) -> tuple[Question, ...]:
    """Return the questions of these names, each once, in the assignment's order; all for none.

    Args:
        names: as in the assignment; q1a stands for Q1a.

    Raises:
        InvalidInput: there is no such question; the message has the nearest.
    """
    known = {question.name.lower(): question for question in QUESTIONS}
    wanted: set[str] = set()
    for name in names:
        if name.lower() not in known:
            like = nearest(name.capitalize(), (question.name for question in QUESTIONS))
            raise InvalidInput(f"there is no question {name!r}{like}")
        wanted.add(name.lower())
    return tuple(known[name] for name in known if name in wanted or not wanted)
