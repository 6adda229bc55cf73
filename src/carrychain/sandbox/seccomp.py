"""The system calls that a file keeps: those that compute, read and answer, and no other.

The list says what is allowed, so that a call which Linux gains tomorrow is refused. What is not on
it fails with EPERM; the newest calls fail with ENOSYS, at which the C library turns to older ones;
and a few that only a smuggler makes end the process, so that the attempt is seen.

Source:
    The kernel's documentation, "Seccomp BPF"; its tables of system calls for x86_64 and for arm64.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

from carrychain.sandbox.libc import checked, function

_prctl = function("prctl", ctypes.c_int, ctypes.c_ulong, ctypes.c_char_p)
_SET_SECCOMP = 22

# name: x86_64, aarch64 (where it has the call)
_ALLOWED = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "stat": (4,), "fstat": (5, 80),
    "lstat": (6,), "poll": (7,), "lseek": (8, 62), "mmap": (9, 222), "mprotect": (10, 226),
    "munmap": (11, 215), "brk": (12, 214), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139), "pread64": (17, 67), "readv": (19, 65), "writev": (20, 66),
    "access": (21,), "pipe": (22,), "select": (23,), "sched_yield": (24, 124),
    "mremap": (25, 216), "madvise": (28, 233), "dup": (32, 23), "dup2": (33,), "pause": (34,),
    "nanosleep": (35, 101), "getitimer": (36, 102), "alarm": (37,), "setitimer": (38, 103),
    "getpid": (39, 172), "exit": (60, 93), "uname": (63, 160), "getcwd": (79, 17),
    "chdir": (80, 49), "fchdir": (81, 50), "readlink": (89,), "umask": (95, 166),
    "gettimeofday": (96, 169), "getrlimit": (97, 163), "getrusage": (98, 165), "times": (100, 153),
    "getuid": (102, 174), "getgid": (104, 176), "geteuid": (107, 175), "getegid": (108, 177),
    "getppid": (110, 173), "getpgrp": (111,), "getgroups": (115, 158), "getresuid": (118, 148),
    "getresgid": (120, 150), "getpgid": (121, 155), "getsid": (124, 156),
    "rt_sigpending": (127, 136), "rt_sigtimedwait": (128, 137), "rt_sigsuspend": (130, 133),
    "sigaltstack": (131, 132), "arch_prctl": (158,), "gettid": (186, 178), "time": (201,),
    "futex": (202, 98), "sched_getaffinity": (204, 123), "getdents64": (217, 61),
    "set_tid_address": (218, 96), "restart_syscall": (219, 128), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "exit_group": (231, 94),
    "epoll_wait": (232,), "epoll_ctl": (233, 21), "newfstatat": (262, 79), "readlinkat": (267, 78),
    "faccessat": (269, 48), "pselect6": (270, 72), "ppoll": (271, 73),
    "set_robust_list": (273, 99), "get_robust_list": (274, 100), "epoll_pwait": (281, 22),
    "epoll_create1": (291, 20), "dup3": (292, 24), "pipe2": (293, 59), "getcpu": (309, 168),
    "getrandom": (318, 278), "membarrier": (324, 283), "statx": (332, 291), "rseq": (334, 293),
}  # fmt: skip
_OWN_PROCESS = {"kill": (62, 129), "tgkill": (234, 131)}  # allowed where argument 0 is its own
_OF_A_LIST = {  # allowed where argument 0 or 1 is one of these
    "prctl": ((157, 167), 0, (15, 16, 39, 0x53564D41)),  # names, and whether privileges can grow
    "ioctl": ((16, 29), 1, (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),  # a terminal? ready?
    "fcntl": ((72, 25), 1, (0, 1, 2, 3, 4, 1030, 1032)),  # copies and flags; no locks, no owner
}
_DEADLY = {  # kept by the kernel for whoever asks next: no program here has an honest use for it
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "shmdt": (67, 197),
    "semget": (64, 190), "semop": (65, 193), "semctl": (66, 191), "semtimedop": (220, 192),
    "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187),
    "mq_open": (240, 180), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "memfd_create": (319, 279),
}  # fmt: skip
_CLONE, _A_THREAD = (56, 220), 0x10000  # deadly too, for a thread outlives the call that starts it
_OPEN = {"open": ((2,), 1), "openat": ((257, 56), 2)}  # and the argument that holds the flags
_LIMIT = (302, 261)  # prlimit64
_NEWEST = 424  # from here on numbers are the same on every machine
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # a column above, an AUDIT_ARCH

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_KILL, _REFUSE, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data


def program(may_write: bool) -> list[bytes] | None:
    """Return the rules as the kernel reads them, None for a machine that is not listed here.

    They come in pieces, between which the process's own id belongs.

    Args:
        may_write: leave it to others to say which files may be opened for writing.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None or struct.calcsize("P") != 8:
        return None
    pieces = [b""]
    for *jumps, constant in _instructions(*machine, may_write):
        if constant is None:
            pieces[-1] += struct.pack("=HBB", *jumps)
            pieces.append(b"")
        else:
            pieces[-1] += struct.pack("=HBBI", *jumps, constant)
    return pieces


def install(pieces: list[bytes] | None) -> None:
    """Give up every system call that is not needed, for good.

    Raises:
        OSError: the kernel has no seccomp, or the machine is not listed here.
    """
    if pieces is None:
        raise OSError(errno.ENOSYS, f"no list of system calls for {platform.machine()}")
    rules = struct.pack("=I", os.getpid()).join(pieces)
    where = ctypes.cast(ctypes.c_char_p(rules), ctypes.c_void_p).value
    checked(_prctl(_SET_SECCOMP, 2, struct.pack("@HP", len(rules) // 8, where)))  # sock_fprog


_Instruction = tuple[int, int, int, int | None]  # code, jumps if true and false, constant or own id


def _instructions(column: int, architecture: int, may_write: bool) -> list[_Instruction]:
    refuse, unknown = _REFUSE | errno.EPERM, _REFUSE | errno.ENOSYS

    def number(numbers: tuple[int, ...]) -> int | None:
        return numbers[column] if column < len(numbers) else None

    def one_of(numbers: tuple[int, ...], argument: int, values: tuple[int | None, ...]):
        body: list[_Instruction] = [(_LOAD, 0, 0, _FIRST_ARGUMENT + 8 * argument)]
        for value in values:
            body += [(_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW)]
        return _only_for(number(numbers), [*body, (_RETURN, 0, 0, refuse)])

    program: list[_Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for numbers, argument in _OPEN.values():
        flags: list[_Instruction] = [
            (_LOAD, 0, 0, _FIRST_ARGUMENT + 8 * argument),
            (_ANY_BIT, 0, 1, 0 if may_write else _WRITING),
            (_RETURN, 0, 0, refuse),
            (_RETURN, 0, 0, _ALLOW),
        ]
        program += _only_for(number(numbers), flags)
    for numbers in _ALLOWED.values():
        program += _only_for(number(numbers), [(_RETURN, 0, 0, _ALLOW)])
    for numbers in _OWN_PROCESS.values():
        program += one_of(numbers, 0, (None,))
    program += one_of(_LIMIT, 0, (0, None))
    for numbers, argument, values in _OF_A_LIST.values():
        program += one_of(numbers, argument, values)
    starts: list[_Instruction] = [
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 0, 1, _A_THREAD),
        (_RETURN, 0, 0, _KILL),
        (_RETURN, 0, 0, refuse),
    ]
    program += _only_for(number(_CLONE), starts)
    for numbers in _DEADLY.values():
        program += _only_for(number(numbers), [(_RETURN, 0, 0, _KILL)])
    return [
        *program,
        (_AT_LEAST, 0, 1, _NEWEST),
        (_RETURN, 0, 0, unknown),
        (_RETURN, 0, 0, refuse),
    ]


def _only_for(number: int | None, body: list[_Instruction]) -> list[_Instruction]:
    """Return `body` behind a jump over it for every other call; it must end in returns."""
    return [] if number is None else [(_EQUAL, 0, len(body), number), *body]
