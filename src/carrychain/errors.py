"""The exceptions of carrychain, grouped by what a caller can do about them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CarrychainError(Exception):
    """Base of every error that carrychain raises on purpose; its message is for a person."""


class InvalidInput(CarrychainError, ValueError):
    """A value, a file or a flag is not what is needed: correct it and call again."""


class ModelUnavailable(CarrychainError):
    """A model cannot be used here: unknown, missing, damaged, or its requirements are absent."""


class GenerationFailed(CarrychainError):
    """An engine failed on a request; what it finished before stands."""


def nearest(name: str, names: Iterable[str]) -> str:
    """Return "; did you mean ...?" with the names most like `name`, or all if none is like it."""
    known = list(names)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return f"; there are {', '.join(known)}"
