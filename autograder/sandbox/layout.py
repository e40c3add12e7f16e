"""What of this machine a sandbox can see: one interpreter, its packages without ours, `inside/`."""

from __future__ import annotations

import glob
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

NEEDED = ("numpy", "matplotlib", "IPython", "msgpack", "traitlets")
OURS = (
    "mlp_lib",
    "autograder",
    "backprop_course*",
    "__editable__*backprop*",
    "_editable*backprop*",
)
PACKAGE = Path(__file__).resolve().parent.parent
INSIDE = PACKAGE / "inside"

_SYSTEM = (
    *("/usr/lib", "/usr/lib32", "/usr/lib64", "/lib", "/lib32", "/lib64"),
    *("/usr/share/fonts", "/usr/local/share/fonts", "/usr/share/zoneinfo", "/usr/share/fontconfig"),
    *("/etc/ld.so.cache", "/etc/fonts", "/etc/localtime"),
)


@dataclass(frozen=True)
class Layout:
    """Paths on the host, all of them absolute and free of symbolic links but `system`."""

    python: str
    """The interpreter."""
    base: tuple[str, ...]
    """The interpreter's own folders and files."""
    sites: tuple[str, ...]
    """Folders of packages, in the order of the path."""
    system: tuple[str, ...]
    """Libraries, fonts, time zones."""
    hidden: tuple[str, ...]
    """Whatever below these is ours and must not be seen."""

    @classmethod
    def of_this_process(cls, python: str | None = None) -> Layout:
        """Describe the running interpreter, or another one of the same version."""
        executable = os.path.realpath(python or sys.executable)
        prefix = os.path.dirname(os.path.dirname(executable))
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        base = _existing(
            executable,
            *(os.path.join(prefix, folder, version) for folder in ("lib", "lib64")),
            *glob.glob(os.path.join(prefix, "lib", "*.so*")),
            os.path.join(prefix, "lib", "python-wheels"),
        )
        if _conda(prefix):
            base = _existing(executable, os.path.join(prefix, "lib"), os.path.join(prefix, "etc"))
        sites = tuple(dict.fromkeys(_site_of(name) for name in NEEDED))
        system = tuple(path for path in _SYSTEM if os.path.exists(path))
        roots = [*sites, *_nested_sites(prefix, version)]
        hidden = {match for root in roots for name in OURS for match in glob.glob(f"{root}/{name}")}
        hidden.add(str(PACKAGE))
        hidden.add(str(PACKAGE.parent / "mlp_lib"))
        if _is_checkout(PACKAGE.parent):
            hidden.update(_siblings(PACKAGE.parent, sites))
        return cls(executable, base, sites, system, tuple(sorted(hidden)))

    def bound(self) -> tuple[str, ...]:
        """Return everything that is let in, except `inside/`."""
        return (*self.base, *self.sites, *self.system)

    def masked(self) -> list[str]:
        """Return the hidden paths that lie below something that is let in."""
        roots = [os.path.realpath(path) for path in self.bound()]
        return [path for path in self.hidden if any(_below(path, root) for root in roots)]

    def readable(self) -> tuple[list[str], list[str]]:
        """Return the paths to let in with all below them, and the folders to be listed only.

        The hidden paths are left out of the first; where a folder has one in it, its other
        contents are let in one by one, and the folder can be listed so that imports find them.
        """
        hidden = set(self.masked())
        whole: list[str] = []
        parts: list[str] = []
        for root in self.bound():
            _divide(os.path.realpath(root), hidden, whole, parts)
        return list(dict.fromkeys(whole)), list(dict.fromkeys(parts))


def reachable(path: str) -> bool:
    """Tell whether any user of this machine may follow this path and read what is there."""
    real = Path(os.path.realpath(path))
    needed = 0o005 if real.is_dir() else 0o004
    if not real.exists() or real.stat().st_mode & needed != needed:
        return False
    return all(parent.stat().st_mode & 0o001 for parent in real.parents)


def _existing(*paths: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(os.path.realpath(path) for path in paths if os.path.exists(path)))


def _conda(prefix: str) -> bool:
    return os.path.isdir(os.path.join(prefix, "conda-meta"))


def _site_of(name: str) -> str:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"the sandbox needs {name}; install the grading requirements")
    return os.path.realpath(os.path.dirname(os.path.dirname(spec.origin)))


def _nested_sites(prefix: str, version: str) -> list[str]:
    return [
        os.path.join(prefix, "lib", version, "site-packages"),
        os.path.join(prefix, "lib", version, "dist-packages"),
        os.path.join(prefix, "lib", "python3", "dist-packages"),
        "/usr/lib/python3/dist-packages",
    ]


def _is_checkout(root: Path) -> bool:
    return (root / "pyproject.toml").exists() and (root / "mlp_lib").is_dir()


def _siblings(root: Path, sites: Iterable[str]) -> Iterator[str]:
    """Return what lies in a checkout of the course, apart from an environment inside it."""
    for entry in root.iterdir():
        if not any(_below(site, str(entry)) for site in sites):
            yield str(entry)


def _below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def _divide(root: str, hidden: set[str], whole: list[str], parts: list[str]) -> None:
    """Add `root` to the whole ones, or itself to the parts and its contents to either."""
    if root in hidden:
        return
    if not any(_below(path, root) for path in hidden):
        whole.append(root)
        return
    parts.append(root)
    for name in sorted(os.listdir(root)):
        _divide(os.path.join(root, name), hidden, whole, parts)
