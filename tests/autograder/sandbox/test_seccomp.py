"""The filter as a program, run by hand for both machines it is written for."""

from __future__ import annotations

import errno
import platform

import pytest

from autograder.inside import seccomp
from autograder.inside.seccomp import Policy, numbers, program, verdict

# What no student needs, by number on (x86_64, aarch64).
FORBIDDEN = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "execve": (59, 221),
    "execveat": (322, 281),
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept4": (288, 242),
    "setsockopt": (54, 208),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "memfd_create": (319, 279),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "setuid": (105, 146),
    "setresuid": (117, 147),
    "capset": (126, 91),
    "seccomp": (317, 277),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setpriority": (141, 140),
    "sched_setaffinity": (203, 122),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "syslog": (103, 116),
    "personality": (135, 92),
    "mlock": (149, 228),
    "splice": (275, 76),
    "vmsplice": (278, 75),
    "tee": (276, 77),
    "move_pages": (279, 239),
    "kcmp": (312, 272),
    "mknodat": (259, 33),
    "setxattr": (188, 5),
    "chown": (92, None),
    "fchownat": (260, 54),
    "timer_create": (222, 107),
    "sendmmsg": (307, 269),
}
NEWER = {"pidfd_send_signal": 424, "io_uring_setup": 425, "open_tree": 428, "pidfd_open": 434}
NEWER |= {"clone3": 435, "openat2": 437, "pidfd_getfd": 438, "process_madvise": 440}
NEWER |= {"landlock_create_ruleset": 444, "memfd_secret": 447, "not invented yet": 900}

machines = pytest.mark.parametrize("machine", ["x86_64", "aarch64"])


def ask(machine: str, name: str, *args: int, pid: int = 1, attributes: bool = True) -> int:
    policy = Policy(pid, attributes, machine)
    return verdict(program(policy), machine, numbers(policy)[name], *args)


@machines
def test_forbidden(machine: str) -> None:
    code = program(Policy(1, True, machine))
    column = ["x86_64", "aarch64"].index(machine)
    for name, row in FORBIDDEN.items():
        if row[column] is not None:
            assert verdict(code, machine, row[column]) == errno.EPERM, name
    for name, number in NEWER.items():
        assert verdict(code, machine, number) == errno.ENOSYS, name


@machines
def test_every_number_has_a_verdict(machine: str) -> None:
    policy = Policy(1, True, machine)
    code = program(policy)
    allowed = {n for n in range(600) if verdict(code, machine, n, 1) == 0}
    assert allowed <= set(numbers(policy).values())
    assert {0, 1, 9} <= allowed or machine != "x86_64"
    assert len(code) < 4096  # what the kernel takes


@machines
def test_only_oneself_gets_signals(machine: str) -> None:
    for name in ("kill", "tgkill"):
        assert ask(machine, name, 7, pid=7) == 0
        for other in (1, 0, -1, -7, 8):
            assert ask(machine, name, other & 0xFFFFFFFFFFFFFFFF, pid=7) == errno.EPERM


@machines
def test_threads_but_no_processes_and_no_namespaces(machine: str) -> None:
    thread = 0x3D0F00  # what the C library asks for
    assert ask(machine, "clone", thread) == 0
    assert ask(machine, "clone", 17) == errno.EPERM
    for flag in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert ask(machine, "clone", thread | flag) == errno.EPERM


@machines
def test_arguments_that_matter(machine: str) -> None:
    assert ask(machine, "socketpair", 1) == 0
    assert ask(machine, "socketpair", 2) == errno.EPERM
    assert ask(machine, "openat", 0, 0, 0o101) == 0
    assert ask(machine, "openat", 0, 0, 0o20200002) == errno.EPERM
    assert ask(machine, "fcntl", 3, 4) == 0
    assert ask(machine, "fcntl", 3, 8) == errno.EPERM  # F_SETOWN
    assert ask(machine, "fcntl", 3, 10) == errno.EPERM  # F_SETSIG
    assert ask(machine, "ioctl", 0, 0x5401) == 0
    assert ask(machine, "ioctl", 0, 0x5412) == errno.EPERM  # TIOCSTI
    assert ask(machine, "prctl", 15) == 0
    for option in (4, 1, 22, 23, 38, 47):
        assert ask(machine, "prctl", option) == errno.EPERM
    assert ask(machine, "prlimit64", 0) == 0
    assert ask(machine, "prlimit64", 99) == errno.EPERM


@machines
def test_modes_and_times_only_where_mounts_decide(machine: str) -> None:
    assert ask(machine, "fchmod") == 0
    for name in ("fchmod", "fchmodat", "utimensat", "truncate"):
        bare = program(Policy(1, False, machine))
        number = numbers(Policy(1, True, machine))[name]
        assert verdict(bare, machine, number) == errno.EPERM


def test_another_architecture_ends_the_process() -> None:
    code = program(Policy(1, True, "x86_64"))
    assert verdict(code, "aarch64", 63) == -1
    assert verdict(code, "x86_64", 0x40000000) == -1  # x32
    assert verdict(program(Policy(1, True, "aarch64")), "x86_64", 0) == -1


def test_support_is_told() -> None:
    assert seccomp.supported("x86_64")
    assert not seccomp.supported("s390x")
    assert seccomp.supported() == (platform.machine() in ("x86_64", "aarch64"))
