"""The four ways to confine a warm process, each as the command that starts it.

| tier | the warm process runs in | each submission gets |
|---|---|---|
| A | bubblewrap: only the interpreter's files | namespaces, a tmpfs, seccomp, rlimits |
| B | a plain process of an unprivileged user | Landlock, seccomp, rlimits, a watched folder |
| C | a container of docker or podman | as B, in the container |
| D | a plain process | rlimits |
"""

from __future__ import annotations

import enum
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from autograder.sandbox.layout import Layout, reachable
from autograder.sandbox.limits import MEBIBYTE, Limits, SandboxError

NOBODY = 65534
VENV = "/venv"
HOME = "/grader"
SCRATCH = "/tmp"
_SEARCH = "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/opt/homebrew/bin"
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


class Tier(enum.Enum):
    """How a submission is kept apart from the rest of the machine, strongest first."""

    A = "bubblewrap, namespaces, seccomp, rlimits"
    B = "Landlock, seccomp, rlimits"
    C = "container, Landlock, seccomp, rlimits"
    D = "rlimits only"


@dataclass(frozen=True)
class Start:
    """How to start a zygote, and the part of its configuration that depends on the tier."""

    command: list[str]
    env: dict[str, str]
    config: dict[str, object]
    bridged: bool = False
    """Its control socket is carried over standard input and output."""
    clean_up: list[str] | None = None
    """A command that ends what killing the process would leave behind."""


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
    found = shutil.which(name, path=_SEARCH)
    if found is None:
        raise SandboxError(complaint)
    return found


# --------------------------------------------------------------------------------------
# tier C

IMAGE = "backprop-course-sandbox"
IMAGE_PACKAGES = (
    *("numpy", "matplotlib", "ipython", "msgpack", "tqdm", "ipywidgets", "anywidget"),
    "scikit-learn",
)


def engine() -> str:
    """Return the container engine of this machine, if one answers and has our image."""
    found = [
        tool
        for name in ("docker", "podman")
        if (tool := shutil.which(name, path=_SEARCH + ":" + os.environ.get("PATH", "")))
    ]
    if not found:
        raise SandboxError("neither docker nor podman is installed")
    complaints = []
    for tool in found:
        if not _answers([tool, "info"]):
            complaints.append(f"{os.path.basename(tool)} is installed, but its engine is silent")
        elif not _answers([tool, "image", "inspect", IMAGE]):
            complaints.append(f"{os.path.basename(tool)} has no image {IMAGE}; see `dockerfile`")
        else:
            return tool
    raise SandboxError("; ".join(complaints))


def _answers(command: list[str]) -> bool:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=15,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def dockerfile() -> str:
    """Return the recipe of the image, with the versions that are installed here."""
    pins = " ".join(f"{name}=={metadata.version(name)}" for name in IMAGE_PACKAGES)
    return (
        f"FROM docker.io/library/python:{sys.version_info.major}.{sys.version_info.minor}-slim\n"
        f"RUN pip install --no-cache-dir {pins}\n"
    )


def container(tool: str, stage: Path, limits: Limits) -> Start:
    """Start the zygote in a container, and reach it over standard input and output."""
    name = f"autograder-{os.getpid()}-{secrets.token_hex(4)}"
    # A user of its own, because the number of processes is counted by user across containers.
    user = 200_000 + secrets.randbelow(1_000_000)
    scratch = f"rw,nosuid,nodev,noexec,size={2 * limits.disk},mode=1777"
    memory = str(limits.memory + 1024 * MEBIBYTE)
    arguments = [
        *("run", "--rm", "--interactive", "--init", "--name", name, "--pull", "never"),
        *("--network", "none", "--ipc", "private", "--hostname", "sandbox"),
        *("--read-only", "--tmpfs", f"{SCRATCH}:{scratch}", "--workdir", SCRATCH),
        *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
        *("--user", f"{user}:{user}", "--pids-limit", str(4 * limits.threads)),
        *("--memory", memory, "--memory-swap", memory),
        *("--mount", f"type=bind,source={stage / 'home'},target={HOME},readonly"),
    ]
    for key, value in environment(SCRATCH).items():
        if key != "PATH":
            arguments += ["--env", f"{key}={value}"]
    inner = ["python3", "-S", "-s", "-P", "-B", f"{HOME}/inside/bridge.py"]
    config: dict[str, object] = {
        "mode": "landlock",
        "prefix": "",
        "sites": None,
        "home": HOME,
        "scratch": SCRATCH,
        "readable": ["/usr", "/lib", "/lib64", "/opt", "/etc", HOME, *DEVICES],
        "listable": [],
    }
    env = {
        key: os.environ[key]
        for key in ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "XDG_RUNTIME_DIR")
        if key in os.environ
    }
    command = [tool, *arguments, IMAGE, *inner]
    return Start(command, env, config, bridged=True, clean_up=[tool, "kill", name])


# --------------------------------------------------------------------------------------


def start(tier: Tier, layout: Layout, stage: Path, descriptor: int, limits: Limits) -> Start:
    """Return how to start the zygote of a tier whose control socket is a file descriptor."""
    if tier is Tier.A:
        return bubblewrap(layout, stage, descriptor)
    if tier is Tier.C:
        return container(engine(), stage, limits)
    return plain_process(layout, stage, descriptor, landlock=tier is Tier.B)
