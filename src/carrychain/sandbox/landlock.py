"""Landlock: a process of Linux gives up files, connections and signals for good.

Source:
    The kernel's documentation, "Landlock: unprivileged access control"; its interface of every
    version from 1 (Linux 5.13) to 7 (Linux 6.15).
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
from collections.abc import Iterable
from ctypes import c_char_p, c_int, c_long

from carrychain.sandbox.libc import checked, function, syscall

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446  # the same on every machine
_VERSION, _PATH_BENEATH = 1, 1

_add_rule = function("syscall", c_long, c_int, c_int, c_char_p, c_int)  # fast: for every path

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_FILES = {1: 13, 2: 14, 3: 15, 5: 16}  # since this version, so many rights to files are known
_CONNECTIONS = 0b11  # bind and connect of TCP, since version 4
_SCOPES = 0b11  # abstract sockets and signals, since version 6


def version() -> int:
    """Return the version of Landlock here, 0 where there is none."""
    try:
        return syscall(_CREATE, 0, 0, _VERSION)
    except OSError:
        return 0


class ReadOnly:
    """Paths that a process may go on reading; opened once, used in every child.

    Args:
        paths: files and folders, with all beneath; those that don't exist are left out.
        writable: files of devices that may be written to as well.
    """

    def __init__(self, paths: Iterable[str], writable: Iterable[str]) -> None:
        self.version = version()
        self._known = max((n for v, n in _FILES.items() if v <= self.version), default=0)
        self._allowed: list[bytes] = []
        self.descriptors: tuple[int, ...] = ()
        """What must stay open between `prepare` and `restrict`."""
        for path in _outermost(paths):
            self._open(path, 0)
        for path in writable:
            self._open(path, _WRITE_FILE)

    def _open(self, path: str, rights: int) -> None:
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            folder = stat.S_ISDIR(os.fstat(fd).st_mode)
            self._allowed.append(_rule(fd, rights | _READ_FILE | (_READ_DIR if folder else 0)))

    def prepare(self) -> None:
        """Make the rules for this process, which do not hold yet.

        Raises:
            OSError: the kernel has no Landlock, or refuses.
        """
        handled = [(1 << self._known) - 1, _CONNECTIONS, _SCOPES]
        size = 1 + (self.version >= 4) + (self.version >= 6)
        attributes = struct.pack(f"={size}Q", *handled[:size])
        ruleset = syscall(_CREATE, attributes, len(attributes), 0)
        for rule in self._allowed:
            _allow(ruleset, rule)
        self.descriptors = (ruleset,)

    def restrict(self, folder: str) -> None:
        """Give up, for good, everything but reading the paths and one folder more.

        Raises:
            OSError: the kernel refuses.
        """
        (ruleset,) = self.descriptors
        own = os.open(folder, os.O_PATH)
        _allow(ruleset, _rule(own, _READ_FILE | _READ_DIR))
        syscall(_RESTRICT, ruleset, 0)


def _rule(fd: int, rights: int) -> bytes:
    return struct.pack("=Qi", rights, fd)


def _allow(ruleset: int, rule: bytes) -> None:
    checked(_add_rule(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))


def _outermost(paths: Iterable[str]) -> list[str]:
    """Return real paths, without those that lie beneath others of them."""
    kept: list[str] = []
    for path in sorted({os.path.realpath(path) for path in paths}):
        if not any(path.startswith(f"{other}/") for other in kept):
            kept.append(path)
    return kept
