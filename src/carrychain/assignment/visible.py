"""Text that may hold anything, a model's output say, made safe to look at."""

from __future__ import annotations

import unicodedata

_MARKS = {"\n": "↵", "\t": "⇥", "\x7f": "␡"}


def visible(text: str) -> str:
    r"""Return one line in which every character is seen and none acts.

    Line breaks, tabs and control characters become marks, odd blanks become blanks, and whatever
    else has no glyph, such as a change of the writing's direction, becomes its number.

    Example:
        >>> visible("It is 7.\n\x1b[2J")
        'It is 7.↵␛[2J'
    """
    return "".join(c if c.isprintable() else _mark(c) for c in text)


def _mark(character: str) -> str:
    code = ord(character)
    if character in _MARKS:
        return _MARKS[character]
    if code < 0x20:
        return chr(0x2400 + code)
    return " " if unicodedata.category(character) == "Zs" else f"\\u{code:04x}"
