"""Texts of others in a spreadsheet, where some would be run as formulas."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def cell(text: str) -> str:
    """Return a text with an apostrophe before it if a spreadsheet would take it for a formula.

    Example:
        >>> cell("=1+2"), cell("ab1234")
        ("'=1+2", 'ab1234')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text
