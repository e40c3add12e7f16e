"""A seccomp filter: the list of system calls that student code may make, and everything else fails.

The filter is a classic BPF program that the kernel runs before each system call. It is put together
here from a table, so that it can be read, tested and fitted to the process it will confine. A call
that is not on the list fails with EPERM, as if the user had no right to it; calls newer than the
table fail with ENOSYS, so that the C library falls back to the old ones. A call made through
another architecture's table ends the process.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass, field

# name: (number on x86_64, number on aarch64)
ALLOWED: dict[str, tuple[int | None, int | None]] = {
    # descriptors, all of them already open or opened below
    "read": (0, 63),
    "write": (1, 64),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "preadv": (295, 69),
    "pwritev": (296, 70),
    "lseek": (8, 62),
    "close": (3, 57),
    "close_range": (436, 436),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "flock": (73, 32),
    "pipe": (22, None),
    "pipe2": (293, 59),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "fallocate": (285, 47),
    "ftruncate": (77, 46),
    "fadvise64": (221, 223),
    "sendfile": (40, 71),
    "copy_file_range": (326, 285),
    "eventfd2": (290, 19),
    # waiting
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "epoll_create": (213, None),
    "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21),
    "epoll_wait": (232, None),
    "epoll_pwait": (281, 22),
    "epoll_pwait2": (441, 441),
    # files: what can be reached is decided by mounts or Landlock
    "open": (2, None),
    "openat": (257, 56),
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getdents": (78, None),
    "getdents64": (217, 61),
    "getcwd": (79, 17),
    "chdir": (80, 49),
    "fchdir": (81, 50),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "rmdir": (84, None),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "link": (86, None),
    "linkat": (265, 37),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "umask": (95, 166),
    # memory: RLIMIT_AS counts it; no memfd_create, which it would not count
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "brk": (12, 214),
    "msync": (26, 227),
    "mincore": (27, 232),
    "membarrier": (324, 283),
    # signals to oneself
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "rt_sigpending": (127, 136),
    "rt_sigsuspend": (130, 133),
    "rt_sigtimedwait": (128, 137),
    "sigaltstack": (131, 132),
    "pause": (34, None),
    "restart_syscall": (219, 128),
    "getitimer": (36, 102),
    "setitimer": (38, 103),
    "alarm": (37, None),
    # questions about oneself
    "getpid": (39, 172),
    "getppid": (110, 173),
    "gettid": (186, 178),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getgroups": (115, 158),
    "getpgrp": (111, None),
    "getresuid": (118, 148),
    "getresgid": (120, 150),
    "getrusage": (98, 165),
    "getrlimit": (97, 163),
    "times": (100, 153),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "getcpu": (309, 168),
    "capget": (125, 90),
    "sched_getaffinity": (204, 123),
    "wait4": (61, 260),
    "waitid": (247, 95),
    # time and chance
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "getrandom": (318, 278),
    # threads
    "futex": (202, 98),
    "set_robust_list": (273, 99),
    "set_tid_address": (218, 96),
    "rseq": (334, 293),
    "arch_prctl": (158, None),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "sched_yield": (24, 124),
    # the one socket there is, and socket pairs
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "sendmsg": (46, 211),
    "recvmsg": (47, 212),
    "shutdown": (48, 210),
    "getsockopt": (55, 209),
    "getsockname": (51, 204),
    "getpeername": (52, 205),
    # only with the arguments that `_conditions` lists
    "kill": (62, 129),
    "tgkill": (234, 131),
    "fcntl": (72, 25),
    "prctl": (157, 167),
    "clone": (56, 220),
    "prlimit64": (302, 261),
    "ioctl": (16, 29),
    "socketpair": (53, 199),
}

# Changing times and modes by path is not covered by Landlock: only where mounts decide.
ATTRIBUTES: dict[str, tuple[int | None, int | None]] = {
    "truncate": (76, 45),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "utimensat": (280, 88),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
}

_FIRST_UNIFIED = 424
"""From here on numbers are the same everywhere, and the C library copes with their absence."""

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT = 0x40000000

_CLONE_THREAD = 0x00010000
_CLONE_NEW = 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000 | 0x20000
_AF_UNIX = 1
_PRCTL = (15, 16)  # PR_SET_NAME, PR_GET_NAME
_O_TMPFILE = 0x00400000  # its bit alone: a file without a name would not be seen by who counts
# Flags, locks and duplicates; not F_SETOWN and F_SETSIG, which send signals to others.
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)
# Is it a terminal, how much is there to read, blocking and close-on-exec; not TIOCSTI.
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)

# BPF: opcodes and what a program may return
_LOAD, _JUMP_EQ, _JUMP_GE, _AND, _RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
_RET_KILL, _RET_ERRNO, _RET_ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_NR, _ARCH, _ARGS = 0, 4, 16

Instruction = tuple[int, int, int, int]


@dataclass(frozen=True)
class Condition:
    """Allowed if `argument & mask` is one of `values` (32 bits, as the kernel reads them)."""

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF

    def instructions(self) -> list[Instruction]:
        """Load, mask, compare; fall off the end with a refusal."""
        load = [(_LOAD, 0, 0, _ARGS + 8 * self.argument)]
        if self.mask != 0xFFFFFFFF:
            load.append((_AND, 0, 0, self.mask))
        tests: list[Instruction] = []
        for value in self.values:
            tests += [(_JUMP_EQ, 0, 1, value & 0xFFFFFFFF), (_RETURN, 0, 0, _RET_ALLOW)]
        return [*load, *tests, (_RETURN, 0, 0, _RET_ERRNO | errno.EPERM)]


@dataclass(frozen=True)
class Policy:
    """What a filter depends on: the process it is for, and who keeps it from foreign files."""

    pid: int
    attributes: bool = True
    machine: str = field(default_factory=platform.machine)


def _conditions(policy: Policy) -> dict[str, Condition]:
    return {
        "kill": Condition(0, (policy.pid,)),
        "tgkill": Condition(0, (policy.pid,)),
        "prlimit64": Condition(0, (0, policy.pid)),
        "clone": Condition(0, (_CLONE_THREAD,), mask=_CLONE_THREAD | _CLONE_NEW),
        "socketpair": Condition(0, (_AF_UNIX,)),
        "prctl": Condition(0, _PRCTL),
        "open": Condition(1, (0,), mask=_O_TMPFILE),
        "openat": Condition(2, (0,), mask=_O_TMPFILE),
        "fcntl": Condition(1, _FCNTL),
        "ioctl": Condition(1, _IOCTL),
    }


def numbers(policy: Policy) -> dict[str, int]:
    """Return name and number of every call on the list, for the machine of the policy."""
    column = list(_AUDIT_ARCH).index(policy.machine)
    table = ALLOWED | (ATTRIBUTES if policy.attributes else {})
    return {name: number for name, row in table.items() if (number := row[column]) is not None}


def supported(machine: str | None = None) -> bool:
    """Tell whether there is a table for this machine."""
    return (machine or platform.machine()) in _AUDIT_ARCH


def program(policy: Policy) -> list[Instruction]:
    """Assemble the filter."""
    conditions = _conditions(policy)
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        (_JUMP_EQ, 1, 0, _AUDIT_ARCH[policy.machine]),
        (_RETURN, 0, 0, _RET_KILL),
        (_LOAD, 0, 0, _NR),
        (_JUMP_GE, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, _RET_KILL),
    ]
    for name, number in sorted(numbers(policy).items(), key=lambda item: item[1]):
        if name in conditions:
            block = conditions[name].instructions()
        else:
            block = [(_RETURN, 0, 0, _RET_ALLOW)]
        code += [(_JUMP_EQ, 0, len(block), number), *block]
    return [
        *code,
        (_JUMP_GE, 0, 1, _FIRST_UNIFIED),
        (_RETURN, 0, 0, _RET_ERRNO | errno.ENOSYS),
        (_RETURN, 0, 0, _RET_ERRNO | errno.EPERM),
    ]


def verdict(code: list[Instruction], machine: str, number: int, *args: int) -> int:
    """Run a program on one system call as the kernel would: 0 allowed, errno refused, -1 killed."""
    data = struct.pack("<iIQ6Q", number, _AUDIT_ARCH[machine], 0, *(*args, *[0] * (6 - len(args))))
    accumulator, at = 0, 0
    while True:
        operation, if_true, if_false, operand = code[at]
        at += 1
        if operation == _LOAD:
            accumulator = int.from_bytes(data[operand : operand + 4], "little")
        elif operation == _AND:
            accumulator &= operand
        elif operation == _JUMP_EQ:
            at += if_true if accumulator == operand else if_false
        elif operation == _JUMP_GE:
            at += if_true if accumulator >= operand else if_false
        elif operand == _RET_ALLOW:
            return 0
        else:
            return -1 if operand == _RET_KILL else operand & 0xFFFF


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def install(policy: Policy) -> None:
    """Confine the calling thread, and every thread it will start; there is no way back."""
    packed = b"".join(struct.pack("<HBBI", *step) for step in program(policy))
    buffer = ctypes.create_string_buffer(packed, len(packed))
    filters = _Program(len(packed) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (ctypes.c_ulong(2), ctypes.byref(filters), ctypes.c_ulong(0), ctypes.c_ulong(0))
    if libc.prctl(22, *arguments) != 0:  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        code = ctypes.get_errno()
        raise OSError(code, f"seccomp filter refused: {os.strerror(code)}")
