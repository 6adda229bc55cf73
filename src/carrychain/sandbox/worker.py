"""The child: it is kept in, runs a file that nobody trusts, and answers calls.

The first message says how it is kept in, the second holds the file's path and source, each later
one a call of a function with its arguments, or of a constant. The parent sends a call when the one
before it is answered, so that no call that is still to come is in the child's memory. What the file
prints goes to the child's standard error, which the parent keeps apart.

What the kernel refuses is what stops a file. The audit hook is there to be clear, not to be safe:
it says "tried to write notes.txt, line 12" where the kernel would only refuse, or, on a low tier,
would let a file of the user's be emptied by mistake; whoever wants to gets around it.
"""

from __future__ import annotations

import linecache
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType, ModuleType, TracebackType
from typing import IO, NoReturn, TypeAlias, cast

from carrychain.sandbox.protocol import BadMessage, Kind, Message, decode, encode, read, write
from carrychain.sandbox.tiers import MECHANISMS

MOST_REQUEST = 1 << 28

FORBIDDEN = {
    "os.remove": "delete {0!r}",
    "os.rename": "rename {0!r}",
    "os.link": "link {0!r}",
    "os.symlink": "link {0!r}",
    "os.mkdir": "make the folder {0!r}",
    "os.rmdir": "delete the folder {0!r}",
    "os.truncate": "write to {0!r}",
    "os.chmod": "change {0!r}",
    "os.chown": "change {0!r}",
    "os.utime": "change {0!r}",
    "os.fork": "start a process",
    "os.forkpty": "start a process",
    "os.exec": "start {0!r}",
    "os.spawn": "start {1!r}",
    "os.posix_spawn": "start {0!r}",
    "os.startfile": "start {0!r}",
    "os.system": "start {0!r}",
    "subprocess.Popen": "start {0!r}",
    "os.kill": "send a signal",
    "os.killpg": "send a signal",
    "socket.bind": "use the network",
    "socket.connect": "use the network",
    "socket.getaddrinfo": "use the network",
    "socket.sendto": "use the network",
}
"""What a file may not do: audit events, and how a finding puts them."""
FORBIDDEN_IN_CALLS = {"socket.__new__": "use the network"}
"""What its functions may not do either; packages that it imports may, to see what there is."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC


def main() -> None:
    """Take the protocol off standard input and output, then serve with the limits alone."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    serve(requests, answers, _keep_in)


def _keep_in(order: Message) -> Message:
    refused = limit(cast("Limited", order["limits"]))
    return {"missing": dict.fromkeys(MECHANISMS, "this system has none"), "refused": refused}


def serve(
    requests: IO[bytes], answers: IO[bytes], keep_in: Callable[[Message], Message]
) -> NoReturn:
    """Keep this process in as the first message says, run the second's file, answer the others.

    It ends itself, before it sees anything of a file, if something that was demanded is missing.
    """
    asked = iter(lambda: read(requests, MOST_REQUEST), None)
    order = next(asked)
    ready = keep_in(order)
    write(answers, ready)
    if set(cast("list[str]", order["mechanisms"])) & set(cast("list[str]", ready["missing"])):
        os._exit(1)
    for file in asked:
        student = _Student(str(file["path"]), str(file["source"]), answers)
        sys.addaudithook(student.audit)
        if not student.load(cast(float, file["seconds"])):
            break
        for call in asked:
            student.answer(call)
    os._exit(0)  # what the file left behind, an atexit hook or a thread, is not waited for


_LIKE_A_SUBMISSION = """
import re
import numpy as np
def read(text):
    return int(re.search("[0-9]+", text).group())
"""


def rehearse() -> None:
    """Do once, through a pipe to itself, what every run does, with a file of our own."""
    file: Message = {"path": "rehearsal.py", "source": _LIKE_A_SUBMISSION}
    call: Message = {"name": "read", "arguments": ["It is 7."], "seconds": 1.0}
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb") as requests, os.fdopen(theirs, "wb") as answers:
        write(answers, {**file, **call})
        read(requests, MOST_REQUEST)
        student = _Student(str(file["path"]), str(file["source"]), answers)
        student.load(1.0)
        student.answer(call)
        student.answer(call)
    del sys.modules["rehearsal"], linecache.cache["rehearsal.py"]


Limited: TypeAlias = "dict[str, float]"


def limit(limits: Limited) -> list[str]:
    """Set what the kernel can limit; return the names of what it refused."""
    try:
        import resource
    except ImportError:  # Windows
        return ["RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_NOFILE"]
    seconds = int(limits["cpu_seconds"])
    wanted: dict[str, tuple[int, int]] = {
        "RLIMIT_CPU": (seconds, seconds + 1),  # SIGXCPU, then SIGKILL
        "RLIMIT_AS": (int(limits["memory"]), int(limits["memory"])),
        "RLIMIT_FSIZE": (0, 0),
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_NOFILE": (int(limits["files"]), int(limits["files"])),
        "RLIMIT_NPROC": (0, 0),
    }
    refused: list[str] = []
    for name, most in wanted.items():
        try:
            resource.setrlimit(getattr(resource, name), most)
        except (AttributeError, OSError, ValueError):
            refused.append(name)
    return refused


class _Student:
    """The file's module, and how it is asked."""

    def __init__(self, path: str, source: str, answers: IO[bytes]) -> None:
        self._path = path
        self._source = source
        self._answers = answers
        name = os.path.splitext(os.path.basename(path))[0]
        self._module = ModuleType(name if name not in sys.modules else f"{name}_")
        self._module.__file__ = path
        self._forbidden: Message | None = None
        self._loaded = False

    def load(self, seconds: float) -> bool:
        """Run the file's own statements; return whether nothing stopped them."""
        lines = self._source.splitlines(keepends=True)
        linecache.cache[self._path] = (len(self._source), None, lines, self._path)
        sys.modules[self._module.__name__] = self._module
        self._alarm(seconds)
        self._loaded = self._tell(self._run)
        self._alarm(0)
        return self._loaded

    def answer(self, call: Message) -> None:
        """Call a function or look a constant up, in the seconds that the call says."""
        self._alarm(cast(float, call["seconds"]))
        self._tell(lambda: self._answer(call))
        self._alarm(0)

    def _run(self) -> Message:
        exec(compile(self._source, self._path, "exec"), self._module.__dict__)
        return {"value": None}

    def _answer(self, request: Message) -> Message:
        name = str(request["name"])
        if name not in self._module.__dict__:
            return _failure(Kind.MISSING, f"there is no {name} in it")
        value: object = self._module.__dict__[name]
        if "arguments" in request:
            arguments = [decode(item) for item in cast("list[object]", request["arguments"])]
            value = cast("Callable[..., object]", value)(*arguments)
        try:
            return {"value": encode(value)}
        except BadMessage as error:
            return _failure(Kind.VALUE, str(error))
        except RecursionError:
            return _failure(Kind.VALUE, "lists nested too deeply")

    def _tell(self, work: Callable[[], Message]) -> bool:
        """Do something of the file's, whatever it raises is an answer; return whether it did."""
        self._forbidden = None
        try:
            answer = work()
        except BaseException as error:  # SystemExit and KeyboardInterrupt are answers too
            answer = self._raised(error)
        write(self._answers, self._forbidden or answer)
        return self._forbidden is None and "value" in answer

    def _raised(self, error: BaseException) -> Message:
        if isinstance(error, SyntaxError) and error.filename == self._path:
            line, message = error.lineno, error.msg
        else:
            line, message = self._line(error.__traceback__), _text(error)
        kind = Kind.MEMORY if isinstance(error, MemoryError) else Kind.EXCEPTION
        return self._at(line, _failure(kind, message, type(error).__name__))

    def _line(self, traceback: TracebackType | None) -> int | None:
        """Return the innermost line of the file's own that an exception passed."""
        line = None
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == self._path:
                line = traceback.tb_lineno
            traceback = traceback.tb_next
        return line

    def _current_line(self, frame: FrameType | None) -> int | None:
        while frame is not None and frame.f_code.co_filename != self._path:
            frame = frame.f_back
        return frame.f_lineno if frame else None

    def _at(self, line: int | None, failure: Message) -> Message:
        code = linecache.getline(self._path, line).strip() if line else ""
        return {**failure, "line": line, "code": code}

    def _alarm(self, seconds: float) -> None:
        """Have the file's line told when its time is over; the parent ends what does not hear."""
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self._time_is_over)
            signal.setitimer(signal.ITIMER_REAL, seconds)

    def _time_is_over(self, _: int, frame: FrameType | None) -> None:
        line = self._current_line(frame)
        write(self._answers, self._at(line, _failure(Kind.TIME, "")))
        os._exit(0)

    def audit(self, event: str, arguments: tuple[object, ...]) -> None:
        """Note what the file may not do, with the line, and refuse it; a hook of `sys`."""
        if event == "open":
            path, _, flags = arguments
            if not (isinstance(flags, int) and flags & _WRITING) or path == os.devnull:
                return
            act = f"write to {path!r}"
        elif event in FORBIDDEN:
            act = FORBIDDEN[event].format(*arguments)
        elif event in FORBIDDEN_IN_CALLS and self._loaded:
            act = FORBIDDEN_IN_CALLS[event]
        elif event == "import" and arguments[0] == "_posixshmem":
            act = "share memory"
        else:
            return
        line = self._current_line(sys._getframe())  # pyright: ignore[reportPrivateUsage]
        self._forbidden = self._at(line, _failure(Kind.FORBIDDEN, f"tried to {act}"))
        raise PermissionError(f"this file may not {act}")


def _failure(kind: Kind, message: str, exception: str = "") -> Message:
    return {"kind": kind.value, "message": message, "exception": exception}


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # the file's own __str__ may raise anything
        return ""
