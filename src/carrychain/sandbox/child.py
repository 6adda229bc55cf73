"""A Python file that nobody trusts, run in a child process of its own.

    with Sandbox("derivation.py") as child:
        outcome = child.call("jacobian", W_hh, a, h, 2)
        print(outcome if isinstance(outcome, Failure) else outcome.value)

The parent never imports the file, and unpickles nothing of it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from carrychain.errors import CarrychainError, InvalidInput
from carrychain.sandbox.protocol import (
    BadMessage,
    Kind,
    Message,
    Value,
    decode,
    encode,
    read,
    write,
)

_KEPT_VARIABLES = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_SECONDS_TO_START = 60.0
_GRACE = 1.0  # seconds in which a child may say for itself where its time was spent
_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may use.

    Args:
        seconds: of the clock, for its own statements and for each call.
        cpu_seconds: of the processor, for all that one child does.
        memory: address space in bytes.
        printed: bytes that it may print.
        answer: bytes of one answer.
        files: how many may be open at once.
    """

    seconds: float = 10.0
    cpu_seconds: int = 60
    memory: int = 1 << 30
    printed: int = 1 << 16
    answer: int = 1 << 24
    files: int = 64


class Tier(StrEnum):
    """How far a file is kept in.

    PROCESS: a process group of its own that is killed at the end, with an empty environment, a
    temporary folder, a clock, and bounds on what it prints and answers. LIMITS: the kernel bounds
    processor time, memory, open files and, except for root, processes too, and lets it write
    nothing into any file. Neither hides the user's files or the network from a file that means
    harm, nor finds a process of root's that has left the group.
    """

    PROCESS = "process"
    LIMITS = "limits"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function returned: exact built-in types and plain arrays."""

    value: Value


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer.

    Args:
        kind: what went wrong.
        message: the reason, one line.
        exception: the class of the exception that was raised, if one was.
        line: the file's own line, counted from 1, if it is known.
        code: that line.
    """

    kind: Kind
    message: str
    exception: str = ""
    line: int | None = None
    code: str = ""

    def __str__(self) -> str:
        reason = ": ".join(part for part in (self.exception, self.message) if part)
        if self.line is None:
            return reason
        return f"line {self.line}{f' ({self.code})' if self.code else ''}: {reason}"


class Sandbox:
    """Answers calls of a file's functions; a child that died is replaced at the next call.

    Args:
        path: a Python file.
        limits: what it may use.

    Raises:
        InvalidInput: the file can't be read or is no Python text.
    """

    def __init__(self, path: str | os.PathLike[str], limits: Limits | None = None) -> None:
        self._path = Path(path).resolve()
        self._source = _read_source(Path(path))
        self._limits = limits or Limits()
        self._child: _Child | None = None
        self._unloaded: Failure | None = None
        self._printed: list[str] = []
        self.tier = Tier.PROCESS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def printed(self) -> str:
        """What the file printed, up to the limit; complete once the sandbox is closed."""
        return "".join(self._printed)

    def load(self) -> Failure | None:
        """Run the file's own statements, unless a living child has; return what stopped them.

        Raises:
            CarrychainError: no child can be started here.
        """
        if self._child is not None or self._unloaded is not None:
            return self._unloaded
        try:
            self._child = _Child(self._limits)
        except OSError as error:
            raise CarrychainError(f"the sandbox can't start: {error.strerror or error}") from error
        ready = self._child.ask(asdict(self._limits), _SECONDS_TO_START)
        if isinstance(ready, Failure):
            self._end()
            raise CarrychainError(f"the sandbox can't start: {_last_line(self.printed) or ready}")
        self.tier = Tier.LIMITS if ready.get("limited") is True else Tier.PROCESS
        loaded = self._outcome({"path": str(self._path), "source": self._source})
        self._unloaded = loaded if isinstance(loaded, Failure) else None
        return self._unloaded

    def call(self, function: str, *arguments: object) -> Answer | Failure:
        """Call one of the file's functions with numbers, texts, lists, dicts and arrays."""
        return self._ask({"name": function, "arguments": [encode(item) for item in arguments]})

    def get(self, name: str) -> Answer | Failure:
        """Return one of the file's constants."""
        return self._ask({"name": name})

    def _ask(self, request: Message) -> Answer | Failure:
        unloaded = self.load()
        return self._outcome(request) if unloaded is None else unloaded

    def _outcome(self, request: Message) -> Answer | Failure:
        """Return what comes of a request, and end a child that will answer no more."""
        assert self._child is not None
        message = self._child.ask(request, self._limits.seconds + _GRACE)
        try:
            outcome = message if isinstance(message, Failure) else _outcome(message)
        except (BadMessage, RecursionError):
            outcome = Failure(Kind.DIED, "sent what is no answer")
        if isinstance(outcome, Failure) and outcome.kind is Kind.TIME and not outcome.message:
            outcome = replace(outcome, message=f"was not done after {self._limits.seconds:g} s")
        if isinstance(outcome, Failure) and outcome.kind in _FATAL:
            self._end()
        return outcome

    def _end(self) -> None:
        if self._child is not None:
            self._printed.append(self._child.end())
            self._child = None


_FATAL = {Kind.TIME, Kind.OUTPUT, Kind.DIED}


class _Child:
    """The process: one answer a request, a clock, and what is printed kept apart."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._folder = tempfile.TemporaryDirectory(prefix="carrychain-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-u", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder.name,
            env=_environment(self._folder.name),
            start_new_session=True,
        )
        self._requests: queue.Queue[Message | None] = queue.Queue()
        self._answers: queue.Queue[Message | Failure] = queue.Queue()
        self._printed = bytearray()
        self._too_much = False
        self._threads = [
            threading.Thread(target=self._talk, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, request: Message, seconds: float) -> Message | Failure:
        """Return the answer, or why none came in that time."""
        self._requests.put(request)
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            self._kill()
            return Failure(Kind.TIME, "")
        if isinstance(answer, Failure) and self._too_much:
            return Failure(Kind.OUTPUT, f"printed more than {self._limits.printed:,} bytes")
        return answer

    def end(self) -> str:
        """End the process with all that it started; return what was printed."""
        self._kill()
        self._requests.put(None)
        for thread in self._threads:
            thread.join(timeout=_GRACE)
        self._folder.cleanup()
        return bytes(self._printed[: self._limits.printed]).decode("utf-8", "replace")

    def _kill(self) -> None:
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()

    def _talk(self) -> None:
        """Pass requests on and answers back; a child that neither reads nor writes blocks this."""
        to_child, from_child = self._process.stdin, self._process.stdout
        assert to_child is not None
        assert from_child is not None
        with from_child:
            while (request := self._requests.get()) is not None:
                self._answers.put(self._exchange(request, to_child, from_child))
            with contextlib.suppress(OSError):
                to_child.close()

    def _exchange(
        self, request: Message, to_child: IO[bytes], from_child: IO[bytes]
    ) -> Message | Failure:
        try:
            write(to_child, request)
        except OSError:
            return self._why_it_ended()
        try:
            answer = read(from_child, self._limits.answer)
        except BadMessage as error:
            return Failure(Kind.DIED, f"sent what is no answer: {error}")
        return self._why_it_ended() if answer is None else answer

    def _why_it_ended(self) -> Failure:
        try:
            status = self._process.wait(timeout=_GRACE)
        except subprocess.TimeoutExpired:
            return Failure(Kind.DIED, "closed the way on which it answers")
        if status >= 0:
            return Failure(Kind.DIED, f"ended its own process with status {status}")
        if status == -getattr(signal, "SIGXCPU", 0):
            used = f"used more than {self._limits.cpu_seconds} s of the processor"
            return Failure(Kind.TIME, used)
        names = {each.value: each.name for each in signal.Signals}
        return Failure(Kind.DIED, f"was ended by signal {names.get(-status, -status)}")

    def _listen(self) -> None:
        """Keep what is printed, and end a child that prints too much."""
        stream = self._process.stderr
        assert stream is not None
        with stream:
            while chunk := os.read(stream.fileno(), 1 << 16):
                if self._too_much:
                    continue
                self._printed += chunk
                if len(self._printed) > self._limits.printed:
                    self._too_much = True
                    self._kill()


_PROGRAM = "from carrychain.sandbox.worker import main; main()"


def _environment(folder: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, **dict.fromkeys(_ONE_THREAD, "1"), "HOME": folder, "TMPDIR": folder}


def _read_source(path: Path) -> str:
    try:
        return importlib.util.decode_source(path.read_bytes())
    except (UnicodeDecodeError, SyntaxError) as error:
        raise InvalidInput(f"{path} can't be read: it is no Python text") from error
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror or error}") from error


def _outcome(message: Message) -> Answer | Failure:
    """Read a child's message, believing nothing."""
    match message:
        case {"value": value}:
            return Answer(decode(value))
        case {"kind": str() as kind, "message": str() as text} if kind in set(Kind):
            line, code, exception = (message.get(key) for key in ("line", "code", "exception"))
            return Failure(
                Kind(kind),
                _one_line(text),
                _one_line(exception) if isinstance(exception, str) else "",
                line if type(line) is int else None,
                _one_line(code) if isinstance(code, str) else "",
            )
        case _:
            raise BadMessage("neither a value nor a failure")


def _last_line(text: str) -> str:
    return _one_line(text.strip().rpartition("\n")[2])


def _one_line(text: str) -> str:
    """Return a stranger's text as one short line that no terminal takes for a command."""
    line = " ".join(text[: 4 * _LONGEST_TEXT].split())
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"
