"""A Python file that nobody trusts, asked call by call.

    with Sandbox("derivation.py") as child:
        outcome = child.call("jacobian", W_hh, a, h, 2)
        print(outcome if isinstance(outcome, Failure) else outcome.value)

The parent never imports the file, and unpickles nothing of it.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self

from carrychain.sandbox.outcome import Answer, Failure, Limits
from carrychain.sandbox.tiers import Tier
from carrychain.sandbox.workshop import Call, Get, Running, Workshop


class Sandbox:
    """Answers calls of a file's functions; a child that died is replaced at the next call.

    Args:
        path: a Python file.
        limits: what it may use.

    Raises (when it is first asked):
        InvalidInput: the file can't be read or is no Python text.
        CarrychainError: no child can be started here.
    """

    def __init__(self, path: str | os.PathLike[str], limits: Limits | None = None) -> None:
        self._path = os.path.realpath(path) if os.path.islink(path) else path
        self._workshop = Workshop(limits)
        self._running: Running | None = None
        self._unloaded: Failure | None = None
        self._printed: list[str] = []

    def __enter__(self) -> Self:
        self._workshop.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()
        self._workshop.__exit__(kind, error, traceback)

    @property
    def tier(self) -> Tier:
        """How far the file is kept in."""
        return self._workshop.tier

    @property
    def printed(self) -> str:
        """What the file printed, up to the limit; complete once the sandbox is closed."""
        return "".join(self._printed)

    def load(self) -> Failure | None:
        """Run the file's own statements, unless a living child has; return what stopped them."""
        if self._running is None and self._unloaded is None:
            self._running = self._workshop.start(self._path)
            self._unloaded = self._running.load()
            if self._unloaded is not None:
                self._end()
        return self._unloaded

    def call(self, function: str, *arguments: object) -> Answer | Failure:
        """Call one of the file's functions with numbers, texts, lists, dicts and arrays."""
        return self._ask(Call(function, arguments))

    def get(self, name: str) -> Answer | Failure:
        """Return one of the file's constants."""
        return self._ask(Get(name))

    def _ask(self, call: Call | Get) -> Answer | Failure:
        unloaded = self.load()
        if unloaded is not None:
            return unloaded
        assert self._running is not None
        (outcome,) = self._running.ask([call])
        if isinstance(outcome, Failure) and outcome.fatal:
            self._end()
        return outcome

    def _end(self) -> None:
        if self._running is not None:
            self._printed.append(self._running.end())
            self._running = None
