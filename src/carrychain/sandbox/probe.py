"""Attempts to break each protection, made in a child that is kept in as files will be."""

from __future__ import annotations

import errno
import mmap
import os
import resource
import socket
from collections.abc import Callable
from typing import cast

from carrychain.sandbox import libc
from carrychain.sandbox.protocol import Message

_NEW = "carrychain-probe"
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_NOBODY_LISTENS = ("127.0.0.1", 9)

Attempt = tuple[str, Callable[[], object]]  # what is tried; it worked if nothing is raised


def probe(order: Message) -> list[tuple[str, bool, str]]:
    """Return what became of each protection: its name, whether it held, and a sentence.

    Args:
        order: holds `limits`; `folder`, which the child was given; `canary`, a file beside it that
            every user may read; `grader`, the process that will grade, and its `user`.
    """
    limits = cast("dict[str, int]", order["limits"])
    folder, canary = str(order["folder"]), str(order["canary"])
    grader, user = cast(int, order["grader"]), cast(int, order["user"])
    return [
        _broken_by(
            "processor time",
            (f"more than {limits['cpu_seconds']} s", lambda: _raise(resource.RLIMIT_CPU)),
        ),
        _broken_by(
            "memory",
            (f"{limits['memory'] >> 20} MiB more", lambda: mmap.mmap(-1, limits["memory"]).close()),
            ("a higher limit", lambda: _raise(resource.RLIMIT_AS)),
        ),
        _broken_by(
            "file size",
            ("a file with content", lambda: _raise(resource.RLIMIT_FSIZE)),
        ),
        _broken_by(
            "open files",
            (f"{limits['files']} files more", lambda: _open_many(limits["files"])),
            ("a higher limit", lambda: _raise(resource.RLIMIT_NOFILE)),
        ),
        _broken_by(
            "writing",
            ("a new file in its folder", lambda: _create(folder)),
            ("one outside it", lambda: _create(os.path.dirname(canary))),
            ("one in /tmp", lambda: _create("/tmp")),
            ("a new folder", lambda: _make_folder(os.path.dirname(canary))),
            ("emptying a file", lambda: os.close(os.open(canary, os.O_WRONLY | os.O_TRUNC))),
            ("changing a file's mode", lambda: os.chmod(canary, 0o644)),
        ),
        _broken_by("processes", ("a fork", _fork)),
        _broken_by(
            "network",
            ("TCP", lambda: _connect(socket.SOCK_STREAM)),
            ("UDP", lambda: _connect(socket.SOCK_DGRAM)),
            ("a listening socket", _listen),
            ("a local socket", _connect_locally),
        ),
        _broken_by(
            "signals",
            ("one to the grader", lambda: os.kill(grader, 0)),
            ("one to the sandbox's server", lambda: os.kill(os.getppid(), 0)),
        ),
        _broken_by(
            "other processes' memory",
            ("the grader's through /proc", lambda: _read(f"/proc/{grader}/mem")),
            ("the grader's by process_vm_readv", lambda: _read_memory(grader)),
            ("the server's by process_vm_readv", lambda: _read_memory(os.getppid())),
        ),
        _broken_by(
            "reading",
            ("a file outside its folder", lambda: _read(canary)),
            ("the root folder", lambda: os.listdir("/")),
            ("/etc/passwd", lambda: _read("/etc/passwd")),
            ("the grader's environment", lambda: _read(f"/proc/{grader}/environ")),
        ),
        _own_user(user),
    ]


def _broken_by(protection: str, *attempts: Attempt) -> tuple[str, bool, str]:
    results = [(what, *_try(attempt)) for what, attempt in attempts]
    worked = [what for what, refused, _ in results if not refused]
    if worked:
        return protection, False, f"it can have {_listed(worked)}"
    by_error: dict[str, list[str]] = {}
    for what, _, error in results:
        by_error.setdefault(error, []).append(what)
    refused = [f"{_listed(these)} ({error})" for error, these in by_error.items()]
    return protection, True, f"refused: {'; '.join(refused)}"


def _try(attempt: Callable[[], object]) -> tuple[bool, str]:
    try:
        attempt()
    except OSError as error:
        return True, error.strerror or str(error)
    except ValueError as error:  # resource's, where a limit can't be raised
        return True, str(error)
    return False, ""


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _raise(limit: int) -> None:
    resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _open_many(count: int) -> None:
    opened: list[int] = []
    try:
        for _ in range(count):
            opened.append(os.dup(0))
    finally:
        for fd in opened:
            os.close(fd)


def _create(folder: str) -> None:
    path = os.path.join(folder, f"{_NEW}-{os.getpid()}")
    os.close(os.open(path, _NEW_FILE))
    os.unlink(path)


def _make_folder(folder: str) -> None:
    path = os.path.join(folder, f"{_NEW}-{os.getpid()}")
    os.mkdir(path)
    os.rmdir(path)


def _fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _connect(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as end:
        _reach(end, _NOBODY_LISTENS)


def _connect_locally() -> None:
    with socket.socket(socket.AF_UNIX) as end:
        _reach(end, f"\0{_NEW}-{os.getpid()}")


def _reach(end: socket.socket, address: tuple[str, int] | str) -> None:
    try:
        end.connect(address)
    except ConnectionRefusedError:  # by the other side: the way there was open
        return


def _listen() -> None:
    with socket.socket() as end:
        end.bind(("127.0.0.1", 0))


def _read(path: str) -> None:
    os.close(os.open(path, os.O_RDONLY))


def _read_memory(pid: int) -> None:
    try:
        libc.read_memory(pid, address=0)
    except OSError as error:
        if error.errno != errno.EFAULT:  # nothing is there, but it was looked up
            raise


def _own_user(grader: int) -> tuple[str, bool, str]:
    here = os.geteuid()
    if here == grader:
        return "own user", False, f"it runs as the grader's user, {here}"
    refused, error = _try(lambda: os.setuid(grader))
    if not refused:
        return "own user", False, "it can become the grader's user again"
    return (
        "own user",
        True,
        f"it runs as user {here}, the grader as {grader}; refused: to go back ({error})",
    )
