"""A child process: one answer a request, a clock, and what is printed kept apart."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, NamedTuple, Protocol, cast

from carrychain.sandbox.outcome import Answer, Failure, Limits, outcome
from carrychain.sandbox.protocol import STATUS, BadMessage, Kind, Message, pack, read

SECONDS_TO_START = 60.0
_GRACE = 1.0  # seconds in which a child may say for itself where its time was spent
_LEAST_SECONDS = 1e-3  # 0 would tell a child that it has all the time
_KEPT_VARIABLES = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
_SET_VARIABLES = {
    "LD_BIND_NOW": "1",  # else each child would look the same symbols up again
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
}
_HOME = str(Path(__file__).resolve().parents[2])


def interpreter(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module's `main` and nothing of the user's settings."""
    path = f"import sys; {_HOME!r} in sys.path or sys.path.append({_HOME!r})"
    program = f"{path}; from {module} import main; main()"
    return [sys.executable, "-I", "-B", "-u", "-c", program, *arguments]


def environment(folder: str) -> dict[str, str]:
    """Return the little of the environment that a child sees."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, **_SET_VARIABLES, "HOME": folder, "TMPDIR": folder}


class Process(Protocol):
    """What a child is to its parent: three streams, a way to end it, and how it ended."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    stderr: IO[bytes] | None

    def kill(self) -> None: ...
    def wait(self, timeout: float | None = None) -> int: ...


class Spawned(subprocess.Popen[bytes]):
    """A new interpreter with limits alone: what is left where there is no fork server."""

    def __init__(self, folder: str) -> None:
        super().__init__(
            interpreter("carrychain.sandbox.worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=environment(folder),
            start_new_session=True,
        )

    def kill(self) -> None:
        """End it and its group."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        super().kill()


class Forked:
    """A child that the fork server makes for one end each of three pipes and a socket.

    Args:
        control: the way to the server.

    Raises:
        OSError: the server is gone.
    """

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    stderr: IO[bytes] | None

    def __init__(self, control: socket.socket) -> None:
        self._lifeline, its_lifeline = socket.socketpair()
        (requests, self_in), (out, answers), (err, printed) = os.pipe(), os.pipe(), os.pipe()
        self.stdin, self.stdout, self.stderr = (
            os.fdopen(self_in, "wb"),
            os.fdopen(out, "rb"),
            os.fdopen(err, "rb", 0),
        )
        its_ends = (requests, answers, printed, its_lifeline.detach())
        try:
            socket.send_fds(control, [b"\0"], its_ends)
        finally:
            for fd in its_ends:
                os.close(fd)
        self._status: int | None = None
        self._waiting = threading.Lock()

    def kill(self) -> None:
        """Have the server end it with all that it started."""
        with contextlib.suppress(OSError):
            self._lifeline.shutdown(socket.SHUT_WR)

    def wait(self, timeout: float | None = None) -> int:
        """Return its status as subprocess does, once it and all it started are dead."""
        with self._waiting:
            if self._status is None:
                self._lifeline.settimeout(timeout)
                try:
                    told = self._lifeline.recv(STATUS.size)
                except TimeoutError as error:
                    raise subprocess.TimeoutExpired("child", timeout or 0) from error
                with_server = STATUS.pack(-signal.SIGKILL)
                (self._status,) = cast("tuple[int]", STATUS.unpack(told or with_server))
                self._lifeline.close()
            return self._status


class Request(NamedTuple):
    """What a child is sent.

    Args:
        messages: of the protocol; each gets an answer, and then the next one is sent.
        seconds: in which the answers must have come, from when those before them had.
    """

    messages: Sequence[Message]
    seconds: float


class _Pending:
    """The answers to a request, as they come in."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.messages: list[Message | Failure] = []
        self.complete = threading.Event()


class Child:
    """A process, and what it is asked and answers.

    Args:
        process: just started.
        limits: what bounds its answers and what it prints.
    """

    def __init__(self, process: Process, limits: Limits) -> None:
        self._process = process
        self._limits = limits
        self._asked: queue.SimpleQueue[tuple[list[_Pending], bool]] = queue.SimpleQueue()
        self._printed = bytearray()
        self._too_much = False
        self._told_to_end = False
        self._threads = [
            threading.Thread(target=self._talk, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def order(self, order: Message) -> Request:
        """Return the request that must come first: it has the child kept in."""
        return Request([{**order, "limits": asdict(self._limits)}], SECONDS_TO_START)

    def request(self, messages: Sequence[Message]) -> Request:
        """Return a request of what is to be done in the time that the limits give."""
        return Request(messages, self._limits.seconds)

    def ask(self, *requests: Request, last: bool = False) -> list[list[Message | Failure]]:
        """Return the answers to each; where one is a failure, it is the last that there are.

        Args:
            requests: one after another.
            last: whether the child may end afterwards.
        """
        pending = [_Pending(request) for request in requests]
        self._told_to_end = last
        self._asked.put((pending, last))
        answers: list[list[Message | Failure]] = []
        for each in pending:
            in_time = each.complete.wait(each.request.seconds + _GRACE)
            messages = list(each.messages)
            if not in_time:
                self._told_to_end = False
                self._process.kill()
                messages.append(Failure(Kind.TIME, ""))
            answers.append(messages)
            if messages and isinstance(messages[-1], Failure):
                if self._too_much:
                    most = f"printed more than {self._limits.printed:,} bytes"
                    messages[-1] = Failure(Kind.OUTPUT, most)
                break
        return answers

    def outcomes(self, messages: Sequence[Message | Failure], count: int) -> list[Answer | Failure]:
        """Return `count` outcomes; what ended the child is the outcome of all that is left."""
        outcomes: list[Answer | Failure] = []
        for message in messages:
            latest = message if isinstance(message, Failure) else outcome(message)
            if isinstance(latest, Failure) and latest.fatal:
                if latest.kind is Kind.TIME and not latest.message:
                    late = f"was not done after {self._limits.seconds:g} s"
                    latest = replace(latest, message=late)
                return outcomes + [latest] * (count - len(outcomes))
            outcomes.append(latest)
        return outcomes

    def end(self) -> str:
        """End the process with all that it started; return what was printed."""
        if self._told_to_end:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_GRACE)
        self._process.kill()
        self._process.wait()
        self._asked.put(([], True))
        for thread in self._threads:
            thread.join(timeout=_GRACE)
        return bytes(self._printed[: self._limits.printed]).decode("utf-8", "replace")

    def _talk(self) -> None:
        """Pass requests on and answers back; a child that neither reads nor writes blocks this."""
        to_child, from_child = self._process.stdin, self._process.stdout
        assert to_child is not None
        assert from_child is not None
        with from_child:
            last = False
            while not last:
                pending, last = self._asked.get()
                self._pass_on(pending, last, to_child, from_child)

    def _pass_on(
        self, pending: list[_Pending], last: bool, to_child: IO[bytes], from_child: IO[bytes]
    ) -> None:
        for each in pending:
            self._converse(each, last and each is pending[-1], to_child, from_child)
            each.complete.set()
            if each.messages and isinstance(each.messages[-1], Failure):
                break
        if last:
            with contextlib.suppress(OSError):
                to_child.close()

    def _converse(
        self, pending: _Pending, last: bool, to_child: IO[bytes], from_child: IO[bytes]
    ) -> None:
        """Send each message when the one before it is answered, with the seconds that are left."""
        end = time.monotonic() + pending.request.seconds
        messages = pending.request.messages
        for message in messages:
            left = max(end - time.monotonic(), _LEAST_SECONDS)
            with contextlib.suppress(OSError):  # a child that has ended may still have answered
                to_child.write(pack({**message, "seconds": left}))
                to_child.flush()
                if last and message is messages[-1]:
                    to_child.close()
            try:
                answer = read(from_child, self._limits.answer)
            except BadMessage as error:
                answer = Failure(Kind.DIED, f"sent what is no answer: {error}")
            pending.messages.append(self._why_it_ended() if answer is None else answer)
            if not isinstance(answer, dict):
                return

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
                    self._process.kill()
