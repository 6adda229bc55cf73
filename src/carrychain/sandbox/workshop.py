"""A workshop in which files that nobody trusts are run, each time in a fresh child.

    with Workshop(require=Tier.ISOLATED) as workshop:
        ran = workshop.run("submission.py", [Call("your_pre_processing", ("1+2",))])
        print(ran.outcomes[0])

The child and the file share one interpreter, so a file can take over everything in it: it can read
all calls of its run before it answers the first, and answer them without being called. What it wins
by that are its own answers. It can't reach the grader, another run, a file or the network; how far
that holds on this machine is tried when the workshop opens, and is its tier.

Two ways stay open on every tier: what a run costs in time, and traces that reading leaves in the
kernel (a file's time of access, what is cached). They carry bits from one run to a later one; that
an answer does not depend on them is for the grader to try.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from carrychain.errors import CarrychainError, InvalidInput
from carrychain.sandbox.outcome import Answer, Failure, Limits, one_line
from carrychain.sandbox.process import (
    SECONDS_TO_START,
    Child,
    Forked,
    Process,
    Request,
    Spawned,
    environment,
    interpreter,
)
from carrychain.sandbox.protocol import READY, Message, encode
from carrychain.sandbox.tiers import MECHANISMS, NEEDED_FOR, Evidence, Tier, reached

WITHOUT = "CARRYCHAIN_SANDBOX_WITHOUT"
"""Environment variable: mechanisms left off, as if the machine lacked them, to see what is lost."""

HAS_SERVER = sys.platform == "linux"
"""Whether children are forked; elsewhere each is a new interpreter with limits alone."""

_LIMITS = {
    "processor time": "RLIMIT_CPU",
    "memory": "RLIMIT_AS",
    "file size": "RLIMIT_FSIZE",
    "open files": "RLIMIT_NOFILE",
}
_MOST_BYTES = 1 << 20
_SECONDS_TO_END = 5.0


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a file's function.

    Args:
        function: its name.
        arguments: numbers, texts, lists, tuples, dicts with texts as keys, and arrays.
    """

    function: str
    arguments: tuple[object, ...] = ()

    def as_message(self) -> Message:
        return {"name": self.function, "arguments": [encode(each) for each in self.arguments]}


@dataclass(frozen=True, slots=True)
class Get:
    """The value of one of a file's constants.

    Args:
        name: of the constant.
    """

    name: str

    def as_message(self) -> Message:
        return {"name": self.name}


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run.

    Args:
        outcomes: one a call, in their order. If the file's own statements failed or the child
            ended, that is the outcome of every call that was not answered before.
        printed: what the file printed, up to the limit.
        seconds: of the clock.
    """

    outcomes: list[Answer | Failure]
    printed: str
    seconds: float


class Workshop:
    """Runs files in children, several at once if several threads ask.

    Args:
        limits: what a file may use.
        require: the tier below which nothing is run.

    Raises:
        CarrychainError: on entering, if this machine does not reach the tier, or no child starts.
    """

    def __init__(self, limits: Limits | None = None, require: Tier | None = None) -> None:
        self._limits = limits or Limits()
        self._require = require or Tier.PROCESS
        self._starting = threading.Lock()
        self.evidence: tuple[Evidence, ...] = ()
        self.tier = Tier.PROCESS

    def __enter__(self) -> Self:
        try:
            self._folder = tempfile.mkdtemp(prefix="carrychain-")
            os.chmod(self._folder, 0o711)
        except OSError as error:
            raise CarrychainError(f"the sandbox can't start: {error.strerror}") from error
        self._server: _Server | None = None
        try:
            self._try_out()
            if self.tier < self._require:
                raise CarrychainError(_too_low(self._require, self.tier, self.evidence))
        except BaseException:  # __exit__ is not called when __enter__ raises, Ctrl-C included
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def run(
        self,
        path: str | os.PathLike[str],
        calls: Sequence[Call | Get],
        beside: Sequence[str] = ("prompt.txt",),
        limits: Limits | None = None,
    ) -> Ran:
        """Run a file's statements in a fresh child, then have it answer calls, in order.

        Each call costs a round trip: the next one is sent when it is answered, so that the file
        can't look ahead. Afterwards the child and all that it started are dead.

        Args:
            path: a Python file.
            calls: what to ask.
            beside: names of files that the child sees beside it, if they exist.
            limits: what this run may use, if not what the workshop says.

        Raises:
            InvalidInput: a file can't be read, or is no plain file but a link or a device.
            CarrychainError: no child can be started.
        """
        started = time.perf_counter()
        with self.start(path, beside, limits) as running:
            outcomes = running.ask(calls, last=True)
            printed = running.end()
        return Ran(outcomes, printed, time.perf_counter() - started)

    def start(
        self,
        path: str | os.PathLike[str],
        beside: Sequence[str] = (),
        limits: Limits | None = None,
    ) -> Running:
        """Make a child for a file, which then waits to be asked; arguments and errors as `run`."""
        path = Path(path)
        content = _read_file(path)
        source = _source(path, content)
        others = {
            name: _read_file(path.with_name(name))
            for name in beside
            if os.path.lexists(path.with_name(name))
        }
        folder = os.path.join(self._folder, secrets.token_hex(8))
        _fill(folder, {path.name: content, **others})
        try:
            child = Child(self._process(folder), limits or self._limits)
        except BaseException:  # nobody else knows the folder yet
            shutil.rmtree(folder, ignore_errors=True)
            raise
        order = child.order({"mechanisms": self._mechanisms, "folder": folder, "probe": False})
        file = child.request([{"path": os.path.join(folder, path.name), "source": source}])
        return Running(child, folder, self._mechanisms, (order, file))

    def _try_out(self) -> None:
        """Have a child attempt all that is forbidden; its evidence decides the tier."""
        canary = os.path.join(self._folder, "canary")
        Path(canary).touch()
        os.chmod(canary, 0o644)
        folder = os.path.join(self._folder, "probe")
        _fill(folder, {})
        if HAS_SERVER:
            self._server = _Server(self._folder)
        child = Child(self._process(folder), self._limits)
        order: Message = {
            "mechanisms": [],
            "folder": folder,
            "probe": True,
            "canary": canary,
            "grader": os.getpid(),
            "user": os.geteuid() if hasattr(os, "geteuid") else 0,
        }
        ((ready,),) = child.ask(child.order(order))
        printed = child.end()
        if isinstance(ready, Failure):
            raise _cannot_start(printed, ready)
        missing = cast("dict[str, str]", ready["missing"])
        self._mechanisms = [each for each in MECHANISMS if each not in missing]
        if self._server is None:
            self.evidence = _without_a_server(cast("list[str]", ready["refused"]))
        else:
            tried = cast("list[tuple[str, bool, str]]", ready["evidence"])
            self.evidence = tuple(Evidence(*each) for each in tried)
        self.tier = reached(self.evidence)

    def _process(self, folder: str) -> Process:
        try:
            if self._server is None:
                return Spawned(folder)
            server = self._living()
            try:
                return Forked(server.control)
            except OSError:  # it has ended just now
                return Forked(self._living(instead_of=server).control)
        except OSError as error:
            raise CarrychainError(f"the sandbox can't start: {error.strerror or error}") from error

    def _living(self, instead_of: _Server | None = None) -> _Server:
        """Return the server, a new one if something has ended it."""
        assert self._server is not None
        with self._starting:
            if self._server.ended or self._server is instead_of:
                self._server.end()
                self._server = _Server(self._folder)
            return self._server

    def _close(self) -> None:
        if self._server is not None:
            self._server.end()
        shutil.rmtree(self._folder, ignore_errors=True)


class Running:
    """A child for one file, which answers calls until it ends."""

    def __init__(
        self, child: Child, folder: str, mechanisms: Sequence[str], first: Sequence[Request]
    ) -> None:
        self._child = child
        self._folder = folder
        self._mechanisms = mechanisms
        self._first = first
        self._unloaded: Failure | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()

    def load(self) -> Failure | None:
        """Run the file's own statements, if that is not done yet; return what stopped them.

        Raises:
            CarrychainError: the child could not be kept in as it was to be.
        """
        self.ask([])
        return self._unloaded

    def ask(self, calls: Sequence[Call | Get], last: bool = False) -> list[Answer | Failure]:
        """Return an outcome a call; errors as `load`.

        Args:
            calls: what to ask.
            last: whether nothing will be asked afterwards; then the child need not be told to end.
        """
        asked = self._child.request([call.as_message() for call in calls])
        answers = self._child.ask(*self._first, asked, last=last)
        if self._first:
            self._first = ()
            (ready,), *answers = answers
            self._check(ready)
            loaded = self._child.outcomes(answers[0], 1)[0]
            self._unloaded = loaded if isinstance(loaded, Failure) else None
        if self._unloaded is not None:
            return [self._unloaded] * len(calls)
        return self._child.outcomes(answers[-1], len(calls))

    def _check(self, ready: Message | Failure) -> None:
        """Raise if the child ended before it had anything of the file's."""
        if isinstance(ready, Failure):
            raise _cannot_start(self.end(), ready)
        missing = cast("dict[str, str]", ready["missing"])
        lost = [name for name in self._mechanisms if name in missing]
        if lost:
            self.end()
            reason = f"{lost[0]} was there and is not now ({missing[lost[0]]})"
            raise CarrychainError(f"the sandbox can't start: {reason}")

    def end(self) -> str:
        """End the child with all that it started, and return what the file printed."""
        printed = self._child.end()
        shutil.rmtree(self._folder, ignore_errors=True)
        return printed


def explain() -> list[Evidence]:
    """Return what this machine enforces: every protection, whether it held, and what was tried.

    Raises:
        CarrychainError: no child can be started here.
    """
    with Workshop() as workshop:
        return list(workshop.evidence)


class _Server:
    """The fork server's process, and the way to it."""

    def __init__(self, folder: str) -> None:
        self.control, its_end = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with its_end:
            self._process = subprocess.Popen(
                interpreter("carrychain.sandbox.server", *os.environ.get(WITHOUT, "").split()),
                stdin=its_end.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                cwd="/",
                env=environment(folder),
                start_new_session=True,
            )
        self.control.settimeout(SECONDS_TO_START)
        try:
            ready = self.control.recv(len(READY))
        except OSError:
            ready = b""
        if ready != READY:
            reason = self.end()
            raise CarrychainError(f"the sandbox can't start: {one_line(reason) or 'no answer'}")
        self.control.settimeout(None)

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def end(self) -> str:
        """Let it go, and all its children with it; return the last line that it wrote."""
        self.control.close()
        try:
            _, written = self._process.communicate(timeout=_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            _, written = self._process.communicate()
        return written.decode("utf-8", "replace").strip().rpartition("\n")[2]


def _without_a_server(refused: Sequence[str]) -> tuple[Evidence, ...]:
    evidence: list[Evidence] = []
    for protection in NEEDED_FOR:
        limit = _LIMITS.get(protection)
        if limit is None:
            evidence.append(Evidence(protection, False, "only Linux has what this needs"))
        elif limit in refused:
            evidence.append(Evidence(protection, False, f"this system does not take {limit}"))
        else:
            evidence.append(Evidence(protection, True, f"this system took {limit}"))
    return tuple(evidence)


def _cannot_start(printed: str, failure: Failure) -> CarrychainError:
    reason = one_line(printed.strip().rpartition("\n")[2])
    return CarrychainError(f"the sandbox can't start: {reason or failure}")


def _too_low(required: Tier, tier: Tier, evidence: Sequence[Evidence]) -> str:
    def needed(each: Evidence) -> bool:
        lowest = NEEDED_FOR[each.protection]
        return lowest is not None and lowest <= required

    lacking = "; ".join(
        f"{each.protection}: {each.sentence}"
        for each in evidence
        if not each.enforced and needed(each)
    )
    return f"the sandbox tier {required} is required, and this machine reaches {tier} ({lacking})"


def _read_file(path: Path) -> bytes:
    """Read a plain file.

    Raises:
        InvalidInput: there is none, or a link, a device, a pipe or more than a mebibyte in its
            place: what a stranger put there decides what is read, with the grader's rights.
    """
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise InvalidInput(f"{path} can't be read: it is a link or a folder, not a plain file")
        with open(path, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"{path} can't be read: {error.strerror or error}") from error
    if len(content) > _MOST_BYTES:
        raise InvalidInput(f"{path} can't be read: it has more than {_MOST_BYTES:,} bytes")
    return content


def _source(path: Path, content: bytes) -> str:
    try:
        return importlib.util.decode_source(content)
    except (UnicodeDecodeError, SyntaxError, LookupError) as error:
        raise InvalidInput(f"{path} can't be read: it is no Python text") from error


def _fill(folder: str, files: Mapping[str, bytes]) -> None:
    """Make a folder that a child may read whatever user it becomes, if it is told the name."""
    os.mkdir(folder)
    os.chmod(folder, 0o755)
    for name, content in files.items():
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o444)
