"""The four ways to confine a warm process, each as the command that starts it.

| tier | the warm process runs in | each submission gets |
|---|---|---|
| A | bubblewrap: only the interpreter's files | namespaces, a tmpfs, seccomp, rlimits |
| B | a plain process of an unprivileged user | Landlock, seccomp, rlimits, a watched folder |
| C | a container of docker or podman | Landlock where there is one, seccomp, rlimits |
| D | a plain process | rlimits |
"""

from __future__ import annotations

import enum
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox.layout import Layout, reachable
from autograder.sandbox.limits import SandboxError

NOBODY = 65534
VENV = "/venv"
HOME = "/grader"
SCRATCH = "/tmp"
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


class Tier(enum.Enum):
    """How a submission is kept apart from the rest of the machine, strongest first."""

    A = "bubblewrap, namespaces, seccomp, rlimits"
    B = "Landlock, seccomp, rlimits"
    C = "container, seccomp, rlimits"
    D = "rlimits only"


@dataclass(frozen=True)
class Start:
    """How to start a zygote, and the part of its configuration that depends on the tier."""

    command: list[str]
    env: dict[str, str]
    config: dict[str, object]


def environment(scratch: str) -> dict[str, str]:
    """Return the whole environment of a zygote; nothing of the host's is passed on."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": scratch,
        "TMPDIR": scratch,
        "LANG": "C.UTF-8",
        "USER": "student",
        "LOGNAME": "student",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": scratch,
        "IPYTHONDIR": os.path.join(scratch, ".ipython"),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        # One thread for linear algebra: fast for small matrices, and forks keep no locks held.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        # Every arena reserves 64 MB of address space, which is what the memory limit counts.
        "MALLOC_ARENA_MAX": "2",
        # What a notebook kernel sets.
        "TERM": "xterm-color",
        "CLICOLOR": "1",
        "FORCE_COLOR": "1",
        "CLICOLOR_FORCE": "1",
        "PAGER": "cat",
        "GIT_PAGER": "cat",
    }


def python_flags(script: str, descriptor: int) -> list[str]:
    """Return the arguments of the interpreter: no site module, so no .pth file is ever obeyed."""
    return ["-S", "-s", "-P", "-B", script, str(descriptor)]


# --------------------------------------------------------------------------------------
# tier A


def bubblewrap(layout: Layout, stage: Path, descriptor: int) -> Start:
    """Start the zygote in bubblewrap; as root, as an unprivileged user all the same."""
    tool = _tool("bwrap", "bubblewrap is not installed")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    inside_sites = [
        f"{VENV}/lib/{version}/site-packages" + (f"-{i}" if i else "")
        for i in range(len(layout.sites))
    ]
    binds = [(path, path) for path in layout.base]
    binds += [(path, path) for path in layout.system if not os.path.islink(path)]
    binds += list(zip(layout.sites, inside_sites, strict=True))
    binds.append((str(stage / "home"), HOME))

    prefix: list[str] = []
    if os.geteuid() == 0:
        binds, prefix = _for_nobody(binds, stage)
    arguments = [
        *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-net", "--unshare-uts"),
        *("--unshare-cgroup-try", "--new-session", "--hostname", "sandbox", "--clearenv"),
        # For the zygote alone, which makes process namespaces; the children drop it.
        *("--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN"),
    ]
    for source, target in binds:
        arguments += ["--ro-bind", source, target]
    for path in layout.system:
        if os.path.islink(path) and path.count("/") == 1:
            arguments += ["--symlink", os.readlink(path), path]
        elif os.path.islink(path):
            arguments += ["--ro-bind", os.path.realpath(path), path]
    for hidden in layout.masked():
        for target in _targets(hidden, layout, inside_sites):
            if os.path.isfile(hidden):
                arguments += ["--ro-bind", "/dev/null", target]
            else:
                arguments += ["--tmpfs", target, "--remount-ro", target]
    for device in DEVICES:
        arguments += ["--dev-bind", device, device]
    arguments += ["--proc", "/proc", "--tmpfs", SCRATCH, "--symlink", SCRATCH, "/dev/shm"]
    arguments += ["--remount-ro", "/"]  # what holds the mount points, or siblings could meet there
    env = environment(SCRATCH)
    for name, value in env.items():
        arguments += ["--setenv", name, value]
    arguments += ["--chdir", "/", "--", layout.python]
    arguments += python_flags(f"{HOME}/inside/zygote.py", descriptor)
    config: dict[str, object] = {
        "mode": "namespaces",
        "prefix": VENV,
        "sites": inside_sites,
        "home": HOME,
        "scratch": SCRATCH,
        "readable": [],
        "listable": [],
    }
    return Start([*prefix, tool, *arguments], {"PATH": "/usr/bin:/bin"}, config)


def _targets(hidden: str, layout: Layout, inside_sites: Sequence[str]) -> list[str]:
    """Return where a hidden path would appear inside."""
    targets = []
    for root in (*layout.base, *map(os.path.realpath, layout.system)):
        if hidden.startswith(root + "/"):
            targets.append(hidden)
    for site, inside in zip(layout.sites, inside_sites, strict=True):
        if hidden.startswith(site + "/"):
            targets.append(inside + hidden[len(site) :])
    return list(dict.fromkeys(targets))


def _drop_root() -> list[str]:
    """Return the command that becomes nobody: root's rlimits and file rights do not hold."""
    tool = _tool("setpriv", "setpriv (util-linux) is needed to leave root")
    return [
        *(tool, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
        *("--inh-caps=-all", "--ambient-caps=-all", "--"),
    ]


def _for_nobody(
    binds: list[tuple[str, str]], stage: Path
) -> tuple[list[tuple[str, str]], list[str]]:
    """Give an unprivileged user access to what lies below folders that only root may enter.

    The paths are mounted once more below the stage, in a mount namespace of their own that ends
    with the zygote.
    """
    mounts: list[str] = []
    reached: list[tuple[str, str]] = []
    for index, (source, target) in enumerate(binds):
        if reachable(source):
            reached.append((source, target))
            continue
        point = stage / "mounts" / str(index)
        point.parent.mkdir(mode=0o755, exist_ok=True)
        if os.path.isdir(source):
            point.mkdir(mode=0o755, exist_ok=True)
        else:
            point.touch()
        mounts += [source, str(point)]
        reached.append((str(point), target))
    if not mounts:
        return reached, _drop_root()
    script = (
        'while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 97; shift 2; done; '
        'shift; exec "$@"'
    )
    unshare = _tool("unshare", "unshare (util-linux) is needed to leave root")
    private = [unshare, "--mount", "--propagation", "private", "--", "/bin/sh", "-c", script, "sh"]
    return reached, [*private, *mounts, "--", *_drop_root()]


# --------------------------------------------------------------------------------------
# tiers B and D


def plain_process(layout: Layout, stage: Path, descriptor: int, *, landlock: bool) -> Start:
    """Start the zygote as a plain process, of an unprivileged user if we are root."""
    prefix: list[str] = []
    if os.geteuid() == 0:
        closed = [path for path in (*layout.bound(), str(stage)) if not reachable(path)]
        if closed:
            raise SandboxError(
                f"started as root, and an unprivileged user cannot read {closed[0]}; "
                "start the grader as a user with an interpreter of its own"
            )
        prefix = _drop_root()
    whole, parts = layout.readable()
    scratch = stage / "scratch"
    home = stage / "home"
    config: dict[str, object] = {
        "mode": "landlock" if landlock else "plain",
        "prefix": sys.prefix,
        "sites": list(layout.sites),
        "home": str(home),
        "scratch": str(scratch),
        "readable": [*whole, str(home), *DEVICES],
        "listable": parts,
    }
    script = str(home / "inside" / "zygote.py")
    command = [*prefix, layout.python, *python_flags(script, descriptor)]
    return Start(command, environment(str(scratch)), config)


def _tool(name: str, complaint: str) -> str:
    found = shutil.which(
        name, path="/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/opt/homebrew/bin"
    )
    if found is None:
        raise SandboxError(complaint)
    return found


def start(tier: Tier, layout: Layout, stage: Path, descriptor: int) -> Start:
    """Return how to start the zygote of a tier whose control socket is a file descriptor."""
    if tier is Tier.A:
        return bubblewrap(layout, stage, descriptor)
    if tier is Tier.C:
        raise SandboxError("a container is reached through a bridge, not through a descriptor")
    return plain_process(layout, stage, descriptor, landlock=tier is Tier.B)
