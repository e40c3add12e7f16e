"""The warm process: everything slow is imported here once, then each submission is a fork of it.

The host starts one zygote for each worker and speaks JSON lines with it over a control socket. The
first line is the configuration; then `{"do": "fork", "id", "seed"}` (with the child's end of a
fresh socket pair attached) and `{"do": "signal", "id", "signal"}`. The zygote answers `ready`,
`started` and `exit` events. It never runs a line of a student and never sees a request: those go
over the socket pair from host to child directly. When the host goes away, so does everything here.

Usage: zygote.py DESCRIPTOR
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from types import ModuleType
from typing import Any

_POLL = 0.05
"""Seconds between two looks at the disk use of a child that has no file system of its own."""


def main() -> None:
    """Configure, warm up, serve."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    config = json.loads(control.makefile("rb", buffering=0).readline())
    Zygote(control, config).serve()


class Zygote:
    """The state of the warm process."""

    def __init__(self, control: socket.socket, config: dict[str, Any]) -> None:
        self.control = control
        self.config = config
        self.children: dict[int, Child] = {}
        self.buffer = b""
        _set_paths(config)
        self.confine = importlib.import_module("inside.confine")
        self.child = importlib.import_module("inside.child")
        self.shell = _warm_up(self.child, config["preload"])
        self.namespaces = config["mode"] == "namespaces"
        self.own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY) if self.namespaces else -1
        self.memory_base = self.confine.address_space()
        if not self.namespaces:
            self.confine.close_memory()
        _forget_paths(config)
        gc.collect()
        gc.freeze()

    def say(self, **event: Any) -> None:
        """Send an event to the host."""
        self.control.sendall(json.dumps(event).encode() + b"\n")

    def serve(self) -> None:
        """Wait for orders and for deaths."""
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        os.set_blocking(wake_read, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self.say(event="ready", pid=os.getpid(), landlock=self.confine.landlock_version())
        with selectors.DefaultSelector() as selector:
            selector.register(self.control, selectors.EVENT_READ)
            selector.register(wake_read, selectors.EVENT_READ)
            while True:
                idle = self.namespaces or not self.children
                for key, _ in selector.select(None if idle else _POLL):
                    if key.fileobj is self.control:
                        if not self.obey():
                            return
                    else:
                        with contextlib.suppress(BlockingIOError):
                            os.read(wake_read, 4096)
                self.reap()
                for child in self.children.values():
                    if child.scratch is not None and child.over(self.config["limits"]):
                        child.reason = "disk"
                        child.kill(signal.SIGKILL)

    def obey(self) -> bool:
        """Read orders; return False when the host has gone."""
        data, descriptors, _, _ = socket.recv_fds(self.control, 65536, 1)
        if not data:
            for child in self.children.values():
                child.kill(signal.SIGKILL)
            return False
        self.buffer += data
        while b"\n" in self.buffer:
            line, _, self.buffer = self.buffer.partition(b"\n")
            order = json.loads(line)
            if order["do"] == "fork":
                self.fork(order, descriptors.pop())
            elif order["id"] in self.children:
                self.children[order["id"]].kill(order["signal"])
        return True

    def fork(self, order: dict[str, Any], descriptor: int) -> None:
        """Start the child of one submission."""
        number = order["id"]
        scratch = self.config["scratch"]
        if not self.namespaces:
            scratch = os.path.join(scratch, str(number))
            os.mkdir(scratch, 0o700)
            tasks = self.confine.tasks_of_user()
        else:
            self.confine.unshare(self.confine.CLONE_NEWPID)  # for the next fork only
            tasks = 0
        pid = os.fork()
        if pid == 0:
            try:
                self.run_child(order, descriptor, scratch, tasks)
            finally:
                os._exit(0)
        if self.namespaces:
            self.confine.enter(self.own_pids, self.confine.CLONE_NEWPID)
        os.close(descriptor)
        self.children[number] = Child(pid, None if self.namespaces else scratch)
        self.say(event="started", id=number)

    def run_child(self, order: dict[str, Any], descriptor: int, scratch: str, tasks: int) -> None:
        """Confine this process, then serve; nothing of the student runs before all is in place."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.dup2(descriptor, 3)
        os.closerange(4, 65536)
        channel = socket.socket(fileno=3)
        try:
            self.give_up(scratch, tasks)
        except (OSError, ValueError) as error:
            self.child.send(channel, 0, {"ready": False, "reason": str(error)[:500]})
            return
        session = self.shell.session
        session.prepare(seed=order["seed"], output_limit=self.config["limits"]["output"])
        del self.control, self.buffer
        self.child.serve(channel, session)

    def give_up(self, scratch: str, tasks: int) -> None:
        """Take the steps of `confine` that belong to the mode."""
        confine, mode, limits = self.confine, self.config["mode"], self.config["limits"]
        if mode == "namespaces":
            confine.own_namespaces()
            confine.mount_scratch(scratch, limits["disk"], limits["files"])
        else:
            os.setsid()
        os.environ["HOME"] = scratch
        os.environ["TMPDIR"] = scratch
        os.chdir(scratch)
        limits = dict(limits)
        if mode != "namespaces":
            # No file system of limited size: keep single files small and watch the sum.
            limits["disk"] = min(limits["disk"], limits["file"])
        confine.set_limits(limits, memory_base=self.memory_base, task_base=tasks)
        if mode == "plain":
            return
        confine.drop_capabilities()
        if mode == "landlock":
            readable, listable = self.config["readable"], self.config["listable"]
            confine.landlock(readable, listable, [scratch, "/dev/null"])
        seccomp = importlib.import_module("inside.seccomp")
        seccomp.install(seccomp.Policy(os.getpid(), attributes=mode == "namespaces"))

    def reap(self) -> None:
        """Tell the host of the children that ended, and clean up after them."""
        for number, child in list(self.children.items()):
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            if pid == 0:
                continue
            if os.WIFSTOPPED(status):  # it asked to be traced by us
                child.kill(signal.SIGKILL)
                continue
            del self.children[number]
            if child.scratch is not None:
                child.kill(signal.SIGKILL)  # what is left of its process group
                remove_tree(child.scratch)
            self.say(
                event="exit",
                id=number,
                status=os.waitstatus_to_exitcode(status),
                reason=child.reason,
                cpu=usage.ru_utime + usage.ru_stime,
                memory=usage.ru_maxrss,
            )


class Child:
    """A process of one submission, as the zygote sees it."""

    def __init__(self, pid: int, scratch: str | None) -> None:
        self.pid = pid
        self.scratch = scratch
        self.reason: str | None = None

    def kill(self, number: int) -> None:
        """Send a signal; without a process namespace, to the whole group for good measure."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, number)
        if self.scratch is not None and number == signal.SIGKILL:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def over(self, limits: dict[str, int]) -> bool:
        """Tell whether the scratch folder holds more than it may."""
        size = files = 0
        folders = [self.scratch]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        about = entry.stat(follow_symlinks=False)
                        size += about.st_blocks * 512
                        files += 1
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(entry.path)
                        if size > limits["disk"] or files > limits["files"]:
                            return True
            except FileNotFoundError:
                continue  # removed while we looked
            except OSError:
                return True  # nested beyond the length of a path, or made unreadable
        return False


def remove_tree(root: str) -> None:
    """Remove a folder, however deep it was nested: folders inside move to the top first."""
    moved = 0
    with contextlib.suppress(OSError):
        while entries := list(os.scandir(root)):
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
                    continue
                os.chmod(entry.path, 0o700)
                for inner in list(os.scandir(entry.path)):
                    if inner.is_dir(follow_symlinks=False):
                        os.rename(inner.path, os.path.join(root, f".moved-{moved}"))
                        moved += 1
                    else:
                        os.unlink(inner.path)
                os.rmdir(entry.path)
        os.rmdir(root)


# --------------------------------------------------------------------------------------
# before the first fork


def _set_paths(config: dict[str, Any]) -> None:
    """Make the interpreter look like that of a virtual environment with the given packages."""
    if config["sites"] is None:  # in a container: its interpreter has what it needs
        sysconfig = importlib.import_module("sysconfig")
        paths = sysconfig.get_paths()
        config["sites"] = list(dict.fromkeys((paths["purelib"], paths["platlib"])))
    else:
        sys.prefix = sys.exec_prefix = config["prefix"]
    sys.path.extend(config["sites"])
    sys.path.append(config["home"])
    site: Any = importlib.import_module("site")
    site.ENABLE_USER_SITE = False
    site.setquit()
    site.setcopyright()
    site.sethelper()


def _forget_paths(config: dict[str, Any]) -> None:
    sys.path.remove(config["home"])
    if os.path.dirname(os.path.abspath(__file__)) in sys.path:
        sys.path.remove(os.path.dirname(os.path.abspath(__file__)))
    sys.path_importer_cache.clear()
    sys.argv[:] = [""]


def _warm_up(child: ModuleType, preload: list[str]) -> Any:
    """Import what notebooks import, and rehearse a few cells."""
    importlib.import_module("inside.seccomp")
    for name in preload:
        try:
            importlib.import_module(name)
        except ImportError as error:
            print(f"not preloaded: {error}", file=sys.stderr)
    shell = child.make_shell()
    child.rehearse(shell)
    return shell


if __name__ == "__main__":
    main()
