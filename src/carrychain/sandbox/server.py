"""The fork server: a process that has imported what files import, and forks a child for each run.

It is started with its environment cleared, and it never sees anything of a file: the parent sends
four descriptors, and the child that gets them reads its own orders from the first. So nothing of
one run is in the memory that another inherits. One child always waits: most of what a child costs
is the copying of the pages that it touches, which a rehearsal brings forward.

    requests   orders and calls to the child
    answers    what it says to them
    printed    where it prints
    lifeline   the parent ends its side to have the child killed; the child's status comes back
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import selectors
import shutil
import signal
import socket
import sys
import traceback
from typing import NoReturn, cast

from carrychain.sandbox import libc
from carrychain.sandbox.confine import Confinement
from carrychain.sandbox.probe import probe
from carrychain.sandbox.protocol import READY, STATUS, Message
from carrychain.sandbox.worker import Limited, limit, rehearse, serve

_DESCRIPTORS = 4
_NO_LIMITS: Limited = {"cpu_seconds": 1 << 30, "memory": 1 << 60, "files": 1 << 20}  # rehearsed
_REHEARSALS = 20  # after some the interpreter has adapted its code, which copies pages too

_IMPORTED = """
abc argparse array ast base64 bisect calendar codecs collections collections.abc colorsys contextlib
copy csv ctypes dataclasses datetime decimal difflib enum fractions functools hashlib heapq html
importlib.metadata inspect io itertools json keyword linecache locale logging math numbers numpy
operator os pathlib pickle platform pprint queue random re requests secrets shutil
signal socket ssl statistics string struct subprocess tempfile textwrap threading time tokenize
traceback types typing unicodedata urllib.request uuid warnings zlib
""".split()


def main() -> None:
    """Serve on standard input, a socket, until the other side closes it."""
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    _import()
    libc.prctl(libc.SET_SUBREAPER, 1)
    _Server(control).serve()


def _import() -> None:
    """Import what files import, without what it would have done in every child.

    A process with one thread that holds no lock leaves nothing to set right in a child, and each
    such hook copies dozens of pages there. What Python's random numbers need, a child does itself.
    """
    register, os.register_at_fork = os.register_at_fork, _do_nothing
    for name in _IMPORTED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    os.register_at_fork = register


class _Server:
    """The children that live, each with its lifeline."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._confinement = Confinement(os.environ["HOME"], sys.argv[1:])
        self._lifelines: dict[int, socket.socket] = {}
        self._woken, wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _do_nothing)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._events = selectors.DefaultSelector()
        self._events.register(control, selectors.EVENT_READ)
        self._events.register(self._woken, selectors.EVENT_READ)
        for _ in range(_REHEARSALS):
            rehearse()
        gc.collect()
        gc.freeze()  # a collection in a child touches nothing of this, and copies no page of it
        self._spare = self._fork()

    def serve(self) -> None:
        self._control.send(READY)
        while True:
            for key, _ in self._events.select():
                if key.fileobj is self._control:
                    if not self._accept():
                        return self._end()
                elif key.fileobj == self._woken:
                    self._reap()
                elif key.data in self._lifelines:
                    self._events.unregister(key.fileobj)
                    os.kill(key.data, signal.SIGKILL)

    def _accept(self) -> bool:
        """Give the descriptors that come to the child that waits; return whether any came."""
        data, fds, _, _ = socket.recv_fds(self._control, 1, _DESCRIPTORS)
        if not data:
            return False
        pid = self._hand_over(fds)
        *others, lifeline = fds
        for fd in others:
            os.close(fd)
        self._lifelines[pid] = socket.socket(fileno=lifeline)
        self._events.register(self._lifelines[pid], selectors.EVENT_READ, pid)
        self._spare = self._fork()
        return True

    def _hand_over(self, fds: list[int]) -> int:
        """Give descriptors to the child that waits; return its number."""
        try:
            return self._send(fds)
        except OSError:  # something has ended it meanwhile
            self._spare = self._fork()
            return self._send(fds)

    def _send(self, fds: list[int]) -> int:
        pid, way = self._spare
        with way:
            socket.send_fds(way, [b"\0"], fds)
        return pid

    def _fork(self) -> tuple[int, socket.socket]:
        """Make a child that waits for descriptors; return its number, and the way to it."""
        self._confinement.next_user()
        way, its_end = socket.socketpair(type=socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            _become_child(its_end, self._confinement)
        its_end.close()
        return pid, way

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 1 << 12)
        with contextlib.suppress(ChildProcessError):
            how = os.WEXITED | os.WNOHANG | os.WNOWAIT
            while ended := os.waitid(os.P_ALL, 0, how):
                self._finish(ended.si_pid)

    def _finish(self, pid: int) -> None:
        """End what a dead child has left behind, then tell its status."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        lifeline = self._lifelines.pop(pid, None)
        if lifeline is None:
            return
        self._kill_orphans()
        with contextlib.suppress(KeyError):
            self._events.unregister(lifeline)
        with lifeline, contextlib.suppress(OSError):
            lifeline.send(STATUS.pack(os.waitstatus_to_exitcode(status)))

    def _kill_orphans(self) -> None:
        """End processes that a child started and left; as its heir, the server has them now."""
        while orphans := _children() - {*self._lifelines, self._spare[0]}:
            for pid in orphans:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def _end(self) -> None:
        for pid in self._lifelines:
            os.kill(pid, signal.SIGKILL)
        while self._lifelines:
            self._finish(next(iter(self._lifelines)))
        self._spare[1].close()
        shutil.rmtree(os.environ["HOME"], ignore_errors=True)  # if the grader can't any more


def _do_nothing(*_: object, **__: object) -> None:
    """Be a handler: for a signal that is to wake the server up, and for no fork."""


def _children() -> set[int]:
    try:
        listed = os.open(f"/proc/self/task/{os.getpid()}/children", os.O_RDONLY)
    except OSError:  # a kernel or a container without it
        return set()
    with open(listed, "rb") as children:
        return set(map(int, children.read().split()))


def _become_child(way: socket.socket, confinement: Confinement) -> NoReturn:
    """Do in a forked child all that it ever does."""
    try:
        _run_child(way, confinement)
    except BaseException:  # a forked child must never return into the server's own code
        traceback.print_exc()
    finally:
        os._exit(1)


def _run_child(way: socket.socket, confinement: Confinement) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    confinement.prepare(way.fileno())
    sys.modules["random"].seed()
    limit(_NO_LIMITS)
    rehearse()
    _, fds, _, _ = socket.recv_fds(way, 1, _DESCRIPTORS)
    if not fds:  # the server has ended
        return
    os.dup2(fds[2], 1)
    os.dup2(fds[2], 2)
    requests, answers = os.fdopen(fds[0], "rb"), os.fdopen(fds[1], "wb")

    def keep_in(order: Message) -> Message:
        """Finish the confinement as it is asked, and say what could not be had."""
        limit(cast("Limited", order["limits"]))
        kept = (requests.fileno(), answers.fileno())
        missing = confinement.finish(str(order["folder"]), kept)
        return {"missing": missing, "evidence": probe(order) if order["probe"] else []}

    serve(requests, answers, keep_in)
