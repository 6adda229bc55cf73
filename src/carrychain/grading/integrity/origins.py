"""Where an answer comes from: the places in an output whose digits it repeats.

Two ways to find them. Where every digit of an output is drawn anew, an honest answer repeats the
digits of the same places each time; a sum does not. Where one digit is changed at a time, an honest
answer stays, or that digit changes in it alike; two digits that both move one digit of the answer,
and by their difference instead of to their value, are being added.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from carrychain.grading.integrity.digits import Digits, digits_of, read

MOST_COLUMNS = 16
"""No sum that is asked for has more digits."""
MOST_TRACED = 72
"""Digits of one output that are changed one at a time."""
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Origin:
    """The places of an answer's digits.

    Args:
        kind: `copied` where they stand one after another, `assembled` where they do not, and
            `chosen` where another digit may decide from which places they are copied.
        places: for each digit of the answer, those that hold it; none where it never changes.
        answer: that answer's digits.
    """

    kind: Literal["copied", "assembled", "chosen"]
    places: tuple[frozenset[int], ...]
    answer: str

    @property
    def all(self) -> frozenset[int]:
        """All places."""
        return frozenset[int]().union(*self.places)

    def fitted(self, number: int) -> int:
        """Return the number with the answer's own digit wherever its place is not certain."""
        digits = digits_of(number).zfill(len(self.places))
        chosen = zip(self.places, self.answer, digits, strict=True)
        return int("".join(new if self._certain(held) else old for held, old, new in chosen))

    def _certain(self, held: frozenset[int]) -> bool:
        """Whether a digit's place is the only one, or all that hold it are copies of a number."""
        return len(held) == 1 if self.kind == "assembled" else bool(held)

    def written(self, number: int) -> Mapping[int, int]:
        """Return the digits to put at the places so that an honest reader reads a number."""
        digits = digits_of(number).zfill(len(self.places))
        return {
            place: int(digit)
            for places, digit in zip(self.places, digits, strict=True)
            for place in places
            if self._certain(places)
        }

    def in_its_lines(self, output: Digits) -> tuple[Digits, Origin]:
        """Return the lines of an output that hold the places, and the places in them."""
        if not self.all:
            return output, self
        first, last = output.spans[min(self.all)][0], output.spans[max(self.all)][1]
        start = output.text.rfind("\n", 0, first) + 1
        end = output.text.find("\n", last)
        before = sum(stop <= start for _, stop in output.spans)
        places = tuple(frozenset(place - before for place in held) for held in self.places)
        text = output.text[start : end if end >= 0 else None]
        return read(text), Origin(self.kind, places, self.answer)


def copied(output: Digits, answer: int) -> Origin | None:
    """Return where an answer stands in an output, in every such place; None where it does not."""
    digits = digits_of(answer)
    runs = output.runs_of(digits)
    if not runs:
        return None
    return Origin("chosen", tuple(map(frozenset, zip(*runs, strict=True))), digits)


def learnt(outputs: Sequence[Digits], answers: Sequence[int]) -> Origin | None:
    """Find the places that hold an answer's digits in every drawing of an output's digits.

    Args:
        outputs: the output, then others with the same layout.
        answers: to each of them.
    """
    width = max(len(digits_of(answer)) for answer in answers)
    if width > 200:
        return None
    padded = [digits_of(answer).zfill(width) for answer in answers]
    streams = [output.stream for output in outputs]
    columns = list(zip(*streams, strict=True))  # what each place holds, text by text
    wanted = list(zip(*padded, strict=True))
    where: dict[tuple[str, ...], set[int]] = {}
    for place, column in enumerate(columns):
        where.setdefault(column, set()).add(place)
    sets = [where.get(digit, set()) for digit in wanted]
    if not all(sets):
        return None
    lines = [range(i, i + step * width, step) for i in sorted(sets[0]) for step in (1, -1)]
    runs = [
        run for run in lines if all(place in held for place, held in zip(run, sets, strict=True))
    ]
    if runs:
        return Origin("copied", tuple(map(frozenset, zip(*runs, strict=True))), padded[0])
    fixed = {place for column, places in where.items() if len(set(column)) == 1 for place in places}
    return Origin("assembled", tuple(frozenset(places - fixed) for places in sets), padded[0])


@dataclass(frozen=True, slots=True)
class Change:
    """One digit of an output, changed: its place, what it was, what it is, and the text."""

    place: int
    old: int
    new: int
    text: str


def changes(output: Digits, rng: random.Random) -> list[Change]:
    """Change each digit of an output in turn; a 0 or 1, which may be a carry, to the other."""
    places = list(range(len(output.stream)))
    if len(places) > MOST_TRACED:
        places = sorted(rng.sample(places, MOST_TRACED))
    made: list[Change] = []
    for place in places:
        old = int(output.stream[place])
        new = 1 - old if old < 2 else rng.choice([d for d in range(2, 10) if d != old])
        made.append(Change(place, old, new, output.changed({place: new})))
    return made


def letter_changes(output: str, rng: random.Random) -> list[str]:
    """Change each letter of an output in turn, to another of its word or, at need, of the output.

    A table that has the letters of a word for digits may have no others.
    """
    words = [range(*word.span()) for word in _WORD.finditer(output)]
    every = {output[i] for word in words for i in word}
    made: list[str] = []
    for word in words:
        own = {output[i] for i in word}
        for i in word:
            others = sorted(own - {output[i]} or every - {output[i]})
            if others and len(made) < MOST_TRACED:
                made.append(output[:i] + rng.choice(others) + output[i + 1 :])
    return made


def moved_digit(old: int, new: int) -> int | None:
    """Return which digit of an answer changed, None unless it is one.

    Example:
        >>> moved_digit(123, 153), moved_digit(123, 154)
        (1, None)
    """
    digits = digits_of(old)
    pairs = enumerate(zip(digits, digits_of(new).zfill(len(digits)), strict=False))
    moved = [i for i, (x, y) in pairs if x != y]
    return moved[0] if len(moved) == 1 and len(digits_of(new)) <= len(digits) else None


@dataclass(frozen=True, slots=True)
class Trace:
    """What becomes of an answer as single digits change.

    Args:
        origin: the places, where each digit of the answer has one and nothing is unexplained.
        added: two changes that move one digit of the answer by their difference, as in a sum.
        unexplained: a change after which the answer is neither.
        follows: whether any digit of the answer follows one of the output.
    """

    origin: Origin | None = None
    added: tuple[Change, Change] | None = None
    unexplained: Change | None = None
    follows: bool = False


def traced(
    answer: int, made: Sequence[Change], answers: Sequence[int | None], explained: Sequence[bool]
) -> Trace:
    """Follow an answer through single changes.

    Args:
        answer: to the output as it is.
        made: the changes.
        answers: to each of them.
        explained: whether that answer is copied from the changed text, or a default.
    """
    digits = digits_of(answer)
    places: list[set[int]] = [set() for _ in digits]
    movers: defaultdict[int, list[Change]] = defaultdict(list)
    unexplained: Change | None = None
    for change, new, is_explained in zip(made, answers, explained, strict=True):
        if new is None or new == answer:
            continue
        follows = _follows(digits, digits_of(new).zfill(len(digits)), change)
        if follows:
            for i in follows:
                places[i].add(change.place)
            continue
        if is_explained:
            continue
        unexplained = unexplained or change
        column = _moved_column(new - answer, change.new - change.old)
        if column is not None and len(digits_of(new)) == len(digits):
            movers[column].append(change)
    moved_twice = [each for each in movers.values() if len(each) > 1]
    if len(moved_twice) > 1:
        return Trace(added=(moved_twice[0][0], moved_twice[0][1]))
    if unexplained is None and all(places):
        origin = Origin("assembled", tuple(map(frozenset, places)), digits)
        return Trace(origin=origin, follows=True)
    return Trace(unexplained=unexplained, follows=any(places))


def _follows(old: str, new: str, change: Change) -> list[int]:
    """Return the digits of the answer that became what the changed one did; none if others did."""
    if len(old) != len(new):
        return []
    differing = [i for i, (x, y) in enumerate(zip(old, new, strict=True)) if x != y]
    alike = all(old[i] == str(change.old) and new[i] == str(change.new) for i in differing)
    return differing if alike else []


def _moved_column(moved: int, by: int) -> int | None:
    """Return k where the answer moved by a digit's difference times 10^k, or half as far."""
    return next((k for k in range(MOST_COLUMNS) if by * 10**k in (moved, 2 * moved)), None)
