"""The C library's calls that Python has no name for, with errors as OSError; Linux only."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long


def function(name: str, *types: type) -> Callable[..., int]:
    """Return a function of the C library that takes these types, and returns -1 for an error."""
    found = _LIBC[name]
    found.argtypes, found.restype = types, ctypes.c_long
    return found


SET_DEATH_SIGNAL, SET_DUMPABLE, SET_KEEP_CAPABILITIES = 1, 4, 8
SET_SUBREAPER, SET_NO_NEW_PRIVILEGES = 36, 38

_CAPABILITY_VERSION = 0x20080522
READ_ANY_FILE = 1 << 2  # CAP_DAC_READ_SEARCH


_prctl = function("prctl", *[ctypes.c_ulong] * 5)
_capset = function("capset", ctypes.c_char_p, ctypes.c_char_p)


def syscall(number: int, *arguments: int | bytes) -> int:
    """Make a system call and return what it returns.

    Raises:
        OSError: it returned an error.
    """
    return checked(_LIBC.syscall(ctypes.c_long(number), *map(_word, arguments)))


def prctl(option: int, first: int, second: int = 0) -> int:
    """Change this process in one of the ways that Linux has for that.

    Raises:
        OSError: it returned an error.
    """
    return checked(_prctl(option, first, second, 0, 0))


def set_capabilities(kept: int) -> None:
    """Give up every capability whose bit is not in `kept`.

    Raises:
        OSError: it has not got what it is to keep.
    """
    header = struct.pack("=II", _CAPABILITY_VERSION, 0)
    sets = struct.pack("=6I", kept, kept, 0, 0, 0, 0)  # effective, permitted, inheritable; high
    checked(_capset(header, sets))


def read_memory(pid: int, address: int) -> bytes:
    """Return a byte of another process's memory, as process_vm_readv(2) does.

    Raises:
        OSError: it may not be read, or nothing is there (EFAULT).
    """
    byte = ctypes.create_string_buffer(1)
    here = (ctypes.c_size_t * 2)(ctypes.addressof(byte), 1)  # struct iovec
    there = (ctypes.c_size_t * 2)(address, 1)
    one, none = ctypes.c_ulong(1), ctypes.c_ulong(0)
    checked(_LIBC.process_vm_readv(ctypes.c_int(pid), here, one, there, one, none))
    return byte.raw


def _word(argument: int | bytes) -> ctypes.c_ulong | ctypes.c_char_p:
    return ctypes.c_char_p(argument) if isinstance(argument, bytes) else ctypes.c_ulong(argument)


def checked(result: int) -> int:
    """Return a result that is no error.

    Raises:
        OSError: it is one.
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
