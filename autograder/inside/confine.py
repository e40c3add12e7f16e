"""What a child gives up before it runs a student's first line.

The steps are in the order in which they have to happen: namespaces need a map of users, mounts need
the namespaces, Landlock needs the files it will speak of, and the filter comes last because it
forbids all of these. Each step raises `OSError` when the kernel refuses; the caller then ends the
child, so that nothing runs half confined.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import stat
import struct
import sys
from collections.abc import Mapping, Sequence
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x00020000, 0x02000000, 0x04000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = (
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8

_PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 4, 24, 38, 47


def _check(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def _syscall(number: int, *arguments: Any) -> int:
    return int(_libc.syscall(ctypes.c_long(number), *arguments))


def _prctl(option: int, *arguments: int) -> int:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    return int(_libc.prctl(ctypes.c_int(option), *padded))


# --------------------------------------------------------------------------------------
# namespaces


def unshare(flags: int) -> None:
    """Leave the given namespaces for new ones."""
    _check(_libc.unshare(ctypes.c_int(flags)), "unshare")


def enter(descriptor: int, kind: int) -> None:
    """Go (back) to the namespace an open `/proc/…/ns/…` file stands for."""
    _check(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(kind)), "setns")


def own_namespaces() -> None:
    """Move to new user, mount, IPC, network, host name and cgroup namespaces, as a plain user.

    The number of processes is counted by user and user namespace, so a namespace of one's own also
    makes RLIMIT_NPROC a limit of this submission and of nothing else.
    """
    user, group = os.getuid(), os.getgid()
    unshare(
        CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWCGROUP
    )
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def mount_scratch(path: str, size: int, files: int) -> None:
    """Put an empty file system of limited size and number of files at `path`, and hide /proc."""
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    _mount(path, flags, f"size={size},nr_inodes={files},mode=1777")
    if os.path.isdir("/proc"):
        _mount("/proc", flags | _MS_RDONLY, "size=4k,nr_inodes=2,mode=0555")


def _mount(target: str, flags: int, options: str) -> None:
    result = _libc.mount(
        b"tmpfs", os.fsencode(target), b"tmpfs", ctypes.c_ulong(flags), options.encode()
    )
    _check(result, f"mount {target}")


# --------------------------------------------------------------------------------------
# privileges


def drop_capabilities() -> None:
    """Give up every capability, for good, and every way to get one by executing a file."""
    _check(_prctl(_PR_SET_NO_NEW_PRIVS, 1), "no_new_privs")
    for capability in range(64):
        if _prctl(_PR_CAPBSET_DROP, capability) < 0 and ctypes.get_errno() != errno.EPERM:
            break  # EINVAL: beyond the last one the kernel knows
    _prctl(_PR_CAP_AMBIENT, 4)  # clear all; older kernels have none
    header = struct.pack("=Ii", 0x20080522, 0)
    _check(_libc.capset(header, bytes(24)), "capset")
    close_memory()


def close_memory() -> None:
    """Let no process of the same user read or write this one's memory through /proc."""
    if sys.platform == "linux":
        _check(_prctl(_PR_SET_DUMPABLE, 0), "dumpable")


# --------------------------------------------------------------------------------------
# Landlock

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
# Rights that came with each version of the interface: 1, 2 (refer), 3 (truncate), 5 (ioctl).
_RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_FILE_RIGHTS = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15
_TCP = 3  # version 4: bind and connect
_SCOPED = 3  # version 6: abstract unix sockets and signals


def landlock_version() -> int:
    """Return the version of Landlock the kernel speaks, 0 for none."""
    return max(0, _syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(1)))


def landlock(readable: Sequence[str], listable: Sequence[str], writable: Sequence[str]) -> int:
    """Let this process open files below the given paths only; return the version in force."""
    version = landlock_version()
    if version == 0:
        raise OSError(errno.ENOSYS, "this kernel has no Landlock")
    rights = 0
    for since, some in _RIGHTS.items():
        rights |= some if version >= since else 0
    attributes = struct.pack(
        "=QQQ", rights, _TCP if version >= 4 else 0, _SCOPED if version >= 6 else 0
    )
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _check(
        _syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint(0)),
        "landlock ruleset",
    )
    try:
        for path in readable:
            _allow(ruleset, path, (_READ_FILE | _READ_DIR | _EXECUTE) & rights)
        for path in listable:
            _allow(ruleset, path, _READ_DIR)
        for path in writable:
            kinds = 1 << 6 | 1 << 11  # no character and no block devices
            _allow(ruleset, path, rights & ~kinds & ~_EXECUTE)
        _check(_prctl(_PR_SET_NO_NEW_PRIVS, 1), "no_new_privs")
        _check(_syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0)), "landlock")
    finally:
        os.close(ruleset)
    return version


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _FILE_RIGHTS
        rule = struct.pack("=Qi", rights, descriptor)
        _check(
            _syscall(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint(0)),
            f"landlock rule for {path}",
        )
    finally:
        os.close(descriptor)


# --------------------------------------------------------------------------------------
# resource limits


def address_space() -> int:
    """Return the bytes of address space this process uses now."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def tasks_of_user() -> int:
    """Count the threads that the user of this process runs now, as far as /proc tells."""
    total = 0
    user = str(os.getuid())
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        with contextlib.suppress(OSError, KeyError):
            if name.isdigit():
                with open(f"/proc/{name}/status") as file:
                    status = dict(line.split(":", 1) for line in file if ":" in line)
                if status["Uid"].split()[0] == user:
                    total += int(status["Threads"])
    return total


def set_limits(limits: Mapping[str, int], *, memory_base: int, task_base: int) -> None:
    """Set the resource limits; memory and threads come on top of what there is."""
    cpu = limits["cpu"]
    wanted = {
        "RLIMIT_CPU": (cpu, cpu + limits["cpu_grace"]),
        "RLIMIT_AS": memory_base + limits["memory"],
        "RLIMIT_NPROC": task_base + limits["threads"],
        "RLIMIT_FSIZE": limits["disk"],
        "RLIMIT_NOFILE": limits["descriptors"],
        "RLIMIT_CORE": 0,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_SIGPENDING": 256,
        "RLIMIT_RTPRIO": 0,
        "RLIMIT_NICE": 0,
    }
    for name, value in wanted.items():
        number = getattr(resource, name, None)
        if number is None:
            continue
        soft, hard = value if isinstance(value, tuple) else (value, value)
        ceiling = resource.getrlimit(number)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(number, (soft, hard))
