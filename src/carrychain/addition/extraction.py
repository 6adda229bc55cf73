"""The ways to read a number from a model's output.

A digit is any Unicode decimal digit, full-width ones included. A sum is never negative, so a minus
sign is taken for a dash and passed over. Numbers are exact; one of more than 4,300 digits, which
Python does not turn into text, counts as not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from carrychain.errors import InvalidInput, nearest

Read = Callable[[str], int | None]
"""From an output to the number in it; None if there is none."""

MAX_DIGITS = 4300
AFTER = "after:"
"""What the name of a way to read begins with that looks for a text first."""
_SEPARATED = re.compile(r"\d(?:[ ,_]?\d)*")


@dataclass(frozen=True, slots=True)
class Extraction:
    """A named way to read a number, and what it does in one line."""

    name: str
    description: str
    read: Read


def first_integer(output: str) -> int | None:
    r"""Read the first run of digits.

    Example:
        >>> first_integer("It is 10160736.\nQuestion: What is 3+4?")
        10160736
    """
    run = re.search(r"\d+", output)
    return _number(run[0]) if run else None


def last_integer(output: str) -> int | None:
    """Read the last run of digits."""
    runs = re.findall(r"\d+", output)
    return _number(runs[-1]) if runs else None


def first_line(output: str) -> int | None:
    r"""Read all digits, joined, of the first line that is not blank; later lines play no part.

    Example:
        >>> first_line("\nThe sum is 10,160,736.\n8 more")
        10160736
    """
    return all_digits(next((line for line in output.splitlines() if line.strip()), ""))


def all_digits(output: str) -> int | None:
    r"""Read all digits of the whole output, joined, as the hand-out's own code does.

    Example:
        >>> all_digits("10160736\nQuestion: What is 3+4?")
        1016073634
    """
    return _number("".join(re.findall(r"\d", output)))


def separated(output: str) -> int | None:
    """Read the first number, whose digits may be parted by single commas, blanks or underscores.

    Example:
        >>> separated("10,160,736"), separated("1 0 1 6 0 7 3 6"), separated("10_160 736")
        (10160736, 10160736, 10160736)
    """
    return _number(_separated_digits(output))


def reversed_digits(output: str) -> int | None:
    """Read the number that `separated` finds, last digit first.

    Example:
        >>> reversed_digits("63706101"), reversed_digits("6 3 7 0 6 1 0 1")
        (10160736, 10160736)
    """
    return _number(_separated_digits(output)[::-1])


EXTRACTIONS = {
    extraction.name: extraction
    for extraction in (
        Extraction("first-integer", "the first run of digits", first_integer),
        Extraction("last-integer", "the last run of digits", last_integer),
        Extraction("first-line", "all digits of the first line that is not blank", first_line),
        Extraction("all-digits", "all digits joined, as the hand-out does", all_digits),
        Extraction(
            "separated", "the first number, its digits parted by commas, blanks or _", separated
        ),
        Extraction("reversed", "the first number, last digit first", reversed_digits),
    )
}
"""Every way but `after:TEXT`, the first run of digits after the first place where TEXT stands."""


def extractor(name: str) -> Read:
    r"""Return the function of a name: one of `EXTRACTIONS`, or `after:TEXT`.

    Raises:
        InvalidInput: there is no such name, or nothing follows `after:`.

    Example:
        >>> extractor("after:Answer:")("5+1+0=6\nAnswer: 16\nAnswer: 3")
        16
    """
    if name.startswith(AFTER):
        marker = name.removeprefix(AFTER)
        if not marker:
            raise InvalidInput("after: needs the text that stands before the answer: after:Answer:")
        return lambda output: first_integer(output.partition(marker)[2])
    if name not in EXTRACTIONS:
        known = [*EXTRACTIONS, "after:TEXT"]
        raise InvalidInput(f"there is no way {name!r} to read an answer{nearest(name, known)}")
    return EXTRACTIONS[name].read


def _separated_digits(output: str) -> str:
    run = _SEPARATED.search(output)
    return re.sub(r"[ ,_]", "", run[0]) if run else ""


def _number(digits: str) -> int | None:
    return int(digits) if 0 < len(digits) <= MAX_DIGITS else None
