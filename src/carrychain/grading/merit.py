"""The order of a leaderboard, and what of it everyone may see."""

from __future__ import annotations

import math
import struct


def merit(points: float, acc: float | None, mae: float | None, length: float | None) -> str:
    """Return a text that sorts as the leaderboard does; equal texts share a rank.

    More points come first, then a higher accuracy, a smaller error, a shorter prompt. One text of
    constant width, so that a database finds a place in an index, in any collation.

    Args:
        points, acc: at least 0; None is 0.
        mae, length: at least 0; None comes last.

    Example:
        >>> merit(30, 0.5, 10, 40) < merit(30, 0.5, 11, 20) < merit(29, 1, 0, 10)
        True
    """
    down = (~_bits(value or 0.0) & 0xFFFF_FFFF_FFFF_FFFF for value in (points, acc))
    up = (_bits(math.inf if value is None else value) for value in (mae, length))
    return "".join(f"{bits:016x}" for bits in (*down, *up))


def _bits(value: float) -> int:
    """Return the bits of a number of at least 0; they rise with it (IEEE 754)."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", abs(value)))
    assert isinstance(bits, int)
    return bits


def coarse(value: float) -> float:
    """Round to two digits: all that others may know of an error or a length.

    A more exact mean would give away what a submission can spell in its answers.
    """
    return float(f"{value:.1e}")
