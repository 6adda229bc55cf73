"""What a child gives up before it runs anything of a file's, on Linux.

Three mechanisms stand behind one another. Each may be missing on a machine: an ordinary user has no
other user to become, a kernel may lack Landlock or seccomp. The order matters: privileges go first,
since Landlock and seccomp need none, and the list of system calls last, since it would refuse the
rest.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import site
import stat
import sys
import sysconfig
from collections.abc import Callable, Collection
from itertools import pairwise
from pathlib import Path

from carrychain.sandbox import libc, seccomp
from carrychain.sandbox.landlock import ReadOnly

_LIBRARIES = (
    *("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib"),
    *("/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo"),
    "/dev/urandom",
)
_FIRST_USER, _USERS = 61184, 4096  # a range that distributions leave to processes like these


class Confinement:
    """Takes children's powers away: as much as can be before they know their file, then the rest.

    It is made in the server, and what takes time is done there, once.

    Args:
        home: the folder that holds the children's folders.
        left_off: of `MECHANISMS`.
    """

    def __init__(self, home: str, left_off: Collection[str]) -> None:
        readable = _python()
        self._landlock = ReadOnly(readable, [os.devnull])
        self._calls = {may_write: seccomp.program(may_write) for may_write in (False, True)}
        self._hidden = not (_enterable(f"{home}/x") and all(map(_open_to_all, readable)))
        self._left_off = left_off
        self._children = secrets.randbelow(_USERS)  # several servers may run at once
        self.missing: dict[str, str] = {}
        _be_first_to_go()
        libc.prctl(libc.SET_NO_NEW_PRIVILEGES, 1)
        libc.prctl(libc.SET_DUMPABLE, 0)
        if os.geteuid() == 0:
            libc.prctl(libc.SET_KEEP_CAPABILITIES, 1)
            with contextlib.suppress(OSError):
                os.setgroups([])

    def next_user(self) -> None:
        """Have the next child become another user than this one."""
        self._children += 1

    def prepare(self, kept: int) -> None:
        """Give up what no child needs, whatever its file.

        Args:
            kept: the one descriptor above 2 that stays open.
        """
        self._take_on("user", self._become_nobody)
        if "user" in self.missing:
            with contextlib.suppress(OSError):
                libc.set_capabilities(0)
        libc.prctl(libc.SET_DUMPABLE, 0)  # changing the user undoes both
        libc.prctl(libc.SET_DEATH_SIGNAL, signal.SIGKILL)
        self._take_on("landlock", self._landlock.prepare)
        close_all_but([kept, *self._landlock.descriptors])

    def finish(self, folder: str, kept: Collection[int]) -> dict[str, str]:
        """Give up the rest; return why a mechanism could not be had, by its name.

        Args:
            folder: what may be read besides Python's own files; it is also where this runs.
            kept: descriptors above 2 that stay open.
        """
        os.chdir(folder)
        if "landlock" not in self.missing:
            self._take_on("landlock", lambda: self._landlock.restrict(folder))
        close_all_but(kept)
        may_write = "landlock" not in self.missing and self._landlock.version >= 3  # knows O_TRUNC
        rules = self._calls[may_write]
        self._take_on("seccomp", lambda: seccomp.install(rules))
        return self.missing

    def _take_on(self, mechanism: str, step: Callable[[], None]) -> None:
        try:
            if mechanism in self._left_off:
                raise OSError(0, "left off")
            step()
        except OSError as error:
            self.missing[mechanism] = error.strerror or str(error)

    def _become_nobody(self) -> None:
        """Change to a user that no other process has.

        Where Python lies in a folder that is closed to others, as in root's home, the child keeps
        the right to read any file, if Landlock then says which.
        """
        if os.geteuid() != 0:
            raise OSError(0, "only root can become another user")
        if self._hidden and (self._landlock.version == 0 or "landlock" in self._left_off):
            raise OSError(0, "Python's files are closed to other users")
        user = _FIRST_USER + self._children % _USERS
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        libc.set_capabilities(libc.READ_ANY_FILE if self._hidden else 0)


def close_all_but(kept: Collection[int]) -> None:
    """Close every descriptor above 2 that is not kept."""
    edges = [2, *sorted(kept), 1 << 20]
    for low, high in pairwise(edges):
        os.closerange(low + 1, high)


def _be_first_to_go() -> None:
    """Have the kernel end the children, and no other, when the machine's memory runs out."""
    with contextlib.suppress(OSError):
        score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(score, b"1000")
        os.close(score)


def _python() -> list[str]:
    """Return the folders and files that Python and its packages are loaded from.

    A checkout that an editable install points to is not among them.
    """
    folders = [
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("platstdlib"),
        os.path.dirname(os.__file__),
    ]
    folders += [path for path in sys.path if _holds_packages(path)]
    folders += [os.path.join(sys.base_prefix, "lib"), *_LIBRARIES]
    folders += os.environ.get("LD_LIBRARY_PATH", "").split(":")
    return [path for path in folders if path and os.path.exists(path)]


def _holds_packages(path: str) -> bool:
    return os.path.basename(path) in ("site-packages", "dist-packages", "lib-dynload") or (
        path in site.getsitepackages()
    )


def _open_to_all(path: str) -> bool:
    """Whether every user can read a path."""
    return bool(os.stat(path).st_mode & stat.S_IROTH) and _enterable(os.path.realpath(path))


def _enterable(path: str) -> bool:
    """Whether every user can enter all folders above a path."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in Path(path).parents)
