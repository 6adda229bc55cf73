"""What is asked of a student: the right answer, and its formula in parts that can be got wrong.

Most mistakes get one part of a formula wrong: `slope` is 1 where it should be sigma'(a_i). So a
mistake is a name, a reason, and the part as the student has it; two mistakes in different parts
make a third formula, and need no entry of their own. A mistake that spoils more than parts gives
the whole `answer`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from carrychain.rnn.cases import Case
from carrychain.rnn.model import Array

Part = Callable[[Case], object]


@dataclass(frozen=True)
class Mistake:
    """A part of a formula that is not as asked for.

    Args:
        name: what a person would call it.
        why: what to see, and what is right instead.
        changes: the part as the student has it, by its name; `answer` stands for the whole.
        loose: whether it only makes a bound wider, so that the bound stays true.
    """

    name: str
    why: str
    changes: Mapping[str, Part]
    loose: bool = False


def mistake(name: str, why: str, **changes: Part) -> Mistake:
    """Return a mistake; its parts are keywords, for a table that can be read."""
    return Mistake(name, why, changes)


def loose(name: str, why: str, **changes: Part) -> Mistake:
    """Return what makes a bound wider than it need be."""
    return Mistake(name, why, changes, loose=True)


@dataclass(frozen=True)
class Question:
    """One function of the student's file.

    Args:
        name: the function.
        signature: how it is called.
        place: where the assignment asks it.
        asks: the quantity.
        answer: the right equation.
        shape: what the answer looks like.
        arguments: what the function is given.
        shows: the inputs that an example must print, by name.
        right: the right answer.
        formula, parts: the right answer again, taken to pieces.
        mistakes: wrong parts.
        edges: the case at the indices that are special; for a bound at all of them.
        norm: for a bound, what it must not fall below; its `exponent` is the number of steps.
    """

    name: str
    signature: str
    place: str
    asks: str
    answer: str
    shape: str
    arguments: Callable[[Case], tuple[object, ...]]
    shows: Callable[[Case], Mapping[str, object]]
    right: Callable[[Case], Array]
    formula: Callable[..., object]
    parts: Mapping[str, Part]
    mistakes: Sequence[Mistake]
    edges: Callable[[Case], Sequence[Case]]
    norm: Callable[[Case], float] | None = None

    def wrong(self, mistakes: Sequence[Mistake], case: Case) -> Array:
        """Return the answer with these mistakes in it; without any, the right one."""
        parts = dict(self.parts)
        for each in mistakes:
            parts.update(each.changes)
        with np.errstate(all="ignore"):
            whole = parts.pop("answer", None)
            if whole is not None:
                return np.asarray(whole(case), dtype=np.float64)
            values = {name: part(case) for name, part in parts.items()}
            return np.asarray(self.formula(**values), dtype=np.float64)

    def known(self) -> Iterator[tuple[Mistake, ...]]:
        """Yield every mistake, then every two that concern different parts."""
        yield from ((each,) for each in self.mistakes)
        for one, other in combinations(self.mistakes, 2):
            changed = {*one.changes, *other.changes}
            if "answer" not in changed and len(changed) == len(one.changes) + len(other.changes):
                yield one, other
