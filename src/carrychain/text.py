"""How numbers are written for people, everywhere alike."""

from __future__ import annotations

from collections.abc import Sequence


def interval(bounds: Sequence[float] | None) -> str:
    """Write a confidence interval: `.63 to .90`."""
    return "" if bounds is None else f"{share(bounds[0])} to {share(bounds[1])}"


def share(value: float | None) -> str:
    """Write a share from 0 to 1 with two or three decimals and no leading zero."""
    if value is None:
        return "–"
    text = f"{value:.3f}" if 0 < value < 0.1 else f"{value:.2f}"
    return text if value >= 1 else text.removeprefix("0")


def number(value: float | None) -> str:
    """Write a magnitude that may be anything from 0 to 10^30.

    Example:
        >>> number(12345678.0), number(3.2e30), number(0.5), number(None)
        ('12,345,678', '3.2e+30', '0.5', '–')
    """
    if value is None:
        return "–"
    if abs(value) >= 1e12:
        return f"{value:.1e}"
    if abs(value) >= 100 or float(value).is_integer():
        return f"{value:z,.0f}"
    return f"{value:.3g}"
