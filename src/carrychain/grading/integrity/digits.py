"""The digits of a text: where they stand, how they are changed, and what is copied from them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

_WORDS: tuple[str, ...] = (*"zero one two three four five six seven eight nine".split(),)
_DIGIT = re.compile(rf"\d|\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?!\d)|\d+")
_MANY_DIGITS = 10**4000
_LABEL = re.compile(r"([^\W\d_]+|^)\W{0,3}$", re.MULTILINE)


@dataclass(frozen=True)
class Digits:
    """A text as the digits in it, in order; a digit may be full-width, or a word such as "six".

    Example:
        >>> digits = read("It is 10,160.")
        >>> digits.stream, digits.changed({1: 9})
        ('10160', 'It is 19,160.')
    """

    text: str

    @cached_property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Where each digit begins and ends."""
        return tuple(found.span() for found in _DIGIT.finditer(self.text))

    @cached_property
    def stream(self) -> str:
        """All digits, one after another."""
        return "".join(_value(self.text[start:end]) for start, end in self.spans)

    @cached_property
    def numbers(self) -> tuple[range, ...]:
        """The numbers: indices of their digits; 1,234 is one, 1 234 are two."""
        index = {start: i for i, (start, _) in enumerate(self.spans)}
        found: list[range] = []
        for number in _NUMBER.finditer(self.text):
            first = index[number.start()]
            found.append(range(first, first + sum(c.isdecimal() for c in number[0])))
        return tuple(found)

    @cached_property
    def values(self) -> frozenset[int]:
        """Every number that one may read: plain, with digits apart, and both backwards."""
        texts = [self.stream[run.start : run.stop] for run in self.numbers]
        apart = re.findall(r"\d(?:[ ,_]?\d)*", self.text)
        texts += [_plain(number) for number in apart]
        texts = [text for text in texts if len(text) <= 40]
        return frozenset(int(text) for number in texts for text in (number, number[::-1]))

    def copies(self, answer: int) -> bool:
        """Whether a number's digits stand one after another, forwards or backwards."""
        digits = digits_of(answer)
        return digits in self.stream or digits in self.stream[::-1]

    def runs_of(self, digits: str) -> list[tuple[int, ...]]:
        """Return where digits stand one after another: their indices, in the order of reading."""
        found: list[tuple[int, ...]] = []
        n = len(self.stream)
        for i in range(n - len(digits) + 1):
            if self.stream.startswith(digits, i):
                found.append(tuple(range(i, i + len(digits))))
            elif self.stream.startswith(digits[::-1], i):
                found.append(tuple(range(i + len(digits) - 1, i - 1, -1)))
        return found

    def is_one_number(self, places: Sequence[int]) -> bool:
        """Whether at most a blank, a comma or an underscore stands between digits in a row."""
        spans = [self.spans[place] for place in sorted(places)]
        return all(
            self.text[end:start] in ("", " ", ",", "_") for (_, end), (start, _) in pairwise(spans)
        )

    def changed(self, to: Mapping[int, int]) -> str:
        """Return the text with some digits changed, each written as the one in its place."""
        parts: list[str] = []
        end = 0
        for i in sorted(to):
            start, stop = self.spans[i]
            parts += [self.text[end:start], _written_like(self.text[start:stop], to[i])]
            end = stop
        return "".join([*parts, self.text[end:]])

    def without(self) -> str:
        """Return the text without its digits."""
        return _DIGIT.sub("", self.text)

    def redrawn(self, rng: random.Random) -> str:
        """Return the text with other digits in the same layout.

        What a reader may rely on stays: how many digits a number has and its first one, that equal
        numbers are equal, that a digit is 0 or 1 as carries are, and the counting of steps.
        """
        drawn: dict[str, str] = {}
        to: dict[int, int] = {}
        in_layout = self._layout
        apart = set(range(len(self.spans))).difference(*self.numbers)
        for run in [*self.numbers, *(range(i, i + 1) for i in apart)]:
            if run in in_layout:
                continue
            number = self.stream[run.start : run.stop]
            new = _other(number, rng) if len(run) < 3 else drawn.setdefault(number, "")
            if not new:
                new = drawn[number] = _other(number, rng)
            to |= {i: int(digit) for i, digit in zip(run, new, strict=True)}
        return self.changed(to)

    @cached_property
    def _layout(self) -> frozenset[range]:
        """The numbers that count: "Step 1", "Step 2", or lines that begin with 1 and 2."""
        labelled: dict[str, list[range]] = {}
        for run in self.numbers:
            label = _LABEL.search(self.text, 0, self.spans[run.start][0])
            if len(run) < 3 and label:
                labelled.setdefault(label[1].lower(), []).append(run)
        return frozenset(run for runs in labelled.values() if self._counts(runs) for run in runs)

    def _counts(self, runs: list[range]) -> bool:
        values = [int(self.stream[run.start : run.stop]) for run in runs]
        steps = {y - x for x, y in pairwise(values) if y != values[0]}
        return len(set(values)) > 2 and (steps == {1} or steps == {-1})


@lru_cache(maxsize=4096)
def read(text: str) -> Digits:
    """Return a text's digits."""
    return Digits(text)


def digits_of(number: int) -> str:
    """Return a number's digits, without its sign.

    Example:
        >>> digits_of(-120)
        '120'
    """
    return _plain_digits(abs(number))


def random_number(rng: random.Random, length: int) -> int:
    """Return a number of so many digits."""
    return rng.randrange(10 ** (length - 1), 10**length)


def _plain_digits(number: int) -> str:
    """Return all digits of a number, however many; Python writes no more than 4,300 at once."""
    if number < _MANY_DIGITS:
        return str(number)
    high, low = divmod(number, _MANY_DIGITS)
    return _plain_digits(high) + str(low).zfill(4000)


def _plain(number: str) -> str:
    return "".join(_value(c) for c in number if c.isdecimal())


def _value(written: str) -> str:
    return str(int(written)) if written.isdecimal() else str(_WORDS.index(written.lower()))


def _written_like(old: str, digit: int) -> str:
    """Write a digit as another one is written."""
    if old.isdecimal():
        return chr(ord(old) - int(old) + digit)
    cases: list[Callable[[str], str]] = [str.lower, str.upper, str.title]
    case = next((case for case in cases if case(old) == old), str.lower)
    return case(_WORDS[digit])


def _other(number: str, rng: random.Random) -> str:
    if len(number) == 1:
        return rng.choice("01" if number in "01" else "0123456789")
    if len(number) == 2 and number[0] != "1":
        return str(rng.randrange(20, 100))
    return number[0] + "".join(rng.choice("0123456789") for _ in number[1:])
