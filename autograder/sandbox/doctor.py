"""Which tier this machine gives, and why: each one is tried out, not guessed.

`prove` starts a tier, lets a probe attack it from within and reports what happened to each attempt.
`choose` takes the strongest tier of which every check holds; it never goes below tier C.
"""

from __future__ import annotations

import functools
import os
import platform
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.sandbox.host import Sandbox
from autograder.sandbox.layout import Layout
from autograder.sandbox.limits import MEBIBYTE, Limits, SandboxError, SessionDied
from autograder.sandbox.tiers import Tier

_LIMITS = Limits(
    cell=20.0, call=20.0, cpu=20, memory=256 * MEBIBYTE, threads=16, disk=4 * MEBIBYTE, files=200
)

_WORKS = """
import asyncio, threading
import numpy as np
import matplotlib.pyplot as plt

plt.plot(np.linalg.solve(np.eye(3), np.ones(3)))
answers = []
threads = [threading.Thread(target=answers.append, args=(i,)) for i in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
await asyncio.sleep(0)
with open("note.txt", "w") as file:
    file.write("a file of one's own")
assert sorted(answers) == [0, 1, 2, 3]
"""

_PROBE = '''
import ctypes, os, signal, socket, sys, threading

def probe(canary, folder, host, memory, threads):
    """Try to get out; say what happened to each attempt."""
    libc = ctypes.CDLL(None, use_errno=True)

    def system_call(name, *arguments):
        if getattr(libc, name)(*arguments) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def read():
        with open(canary) as file:
            file.read()

    def write():
        with open(os.path.join(folder, "written"), "w") as file:
            file.write("x")

    def fork():
        if os.fork() == 0:
            os._exit(0)

    def flood():
        started = []
        try:
            for _ in range(threads):
                started.append(threading.Thread(target=stop.wait))
                started[-1].start()
        finally:
            stop.set()
    stop = threading.Event()

    attempts = {
        "read a file outside": read,
        "list a folder outside": lambda: os.listdir(folder),
        "write a file outside": write,
        "change the mode of a file outside": lambda: os.chmod(canary, 0o600),
        "import the grader": lambda: __import__("autograder.sandbox"),
        "import the reference": lambda: __import__("mlp_lib"),
        "open an internet socket": lambda: socket.socket(socket.AF_INET),
        "open an IPv6 socket": lambda: socket.socket(socket.AF_INET6),
        "open a unix socket": lambda: socket.socket(socket.AF_UNIX),
        "signal the grader": lambda: os.kill(host, 0),
        "signal the parent": lambda: os.kill(os.getppid() or -1, 0),
        "trace a process": lambda: system_call("ptrace", 0, 0, None, None),
        "fork": fork,
        "run a program": lambda: os.execv("/bin/true", ["true"]),
        "make a namespace": lambda: system_call("unshare", 0x10000000),
        "mount": lambda: system_call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
        "open an anonymous file": lambda: os.memfd_create("m"),
        "take too much memory": lambda: bytearray(memory),
        "start too many threads": flood,
    }
    report = {}
    for name, attempt in attempts.items():
        try:
            attempt()
        except BaseException as error:
            report[name] = type(error).__name__
        else:
            report[name] = ""
    return report
'''

_REFUSALS = {
    *("PermissionError", "FileNotFoundError", "OSError", "ProcessLookupError"),
    *("ModuleNotFoundError", "MemoryError", "RuntimeError"),
}

_FILL = """
def fill(count):
    for number in range(count):
        with open(f"filler-{number}", "wb") as file:
            file.write(bytes(2**20))
            file.flush()
"""


@dataclass(frozen=True)
class Finding:
    """One check: what was tried, whether the sandbox behaved as it must, and how."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class Proof:
    """What trying out a tier came to."""

    tier: Tier
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Tell whether every check was passed."""
        return all(finding.ok for finding in self.findings)

    def why_not(self) -> str:
        """Say in a line what failed."""
        return "; ".join(f"{f.name}: {f.detail}" for f in self.findings if not f.ok)


@dataclass(frozen=True)
class Diagnosis:
    """The tier of this machine, None if it gives none, and the proofs that decided it."""

    tier: Tier | None
    proofs: tuple[Proof, ...]

    def text(self) -> str:
        """Explain, for people."""
        system = f"{platform.system()} {platform.release()}, {platform.machine()}"
        lines = [f"This machine ({system}, user {os.getuid()}):"]
        for proof in self.proofs:
            verdict = "works" if proof.holds else "does not work here"
            lines.append(f"  tier {proof.tier.name} ({proof.tier.value}): {verdict}")
            if not proof.holds:
                lines.append(textwrap.indent(proof.why_not(), "      "))
            else:
                stopped = sum(1 for finding in proof.findings if finding.ok)
                lines.append(f"      {stopped} checks, all passed")
        if self.tier is None:
            lines.append(
                "No tier protects this machine. Grading needs one of: bubblewrap on Linux,"
            )
            lines.append(
                "a Linux with Landlock, docker or podman. `--unsafe` runs without (tier D)."
            )
        else:
            lines.append(f"Grading uses tier {self.tier.name}.")
        return "\n".join(lines)


def prove(tier: Tier, layout: Layout | None = None) -> Proof:
    """Try a tier out."""
    findings: list[Finding] = []
    try:
        with tempfile.TemporaryDirectory(prefix="autograder-canary-") as name:
            folder = Path(name)
            folder.chmod(0o777)  # so that file permissions are not what stops the probe
            canary = folder / "canary"
            canary.write_text("not for students")
            canary.chmod(0o666)
            with Sandbox(tier, _LIMITS, unsafe=tier is Tier.D, layout=layout) as sandbox:
                findings += _attempts(sandbox, canary)
                findings.append(_disk(sandbox))
                findings.append(_endless(sandbox))
                findings.append(_works(sandbox))
    except SandboxError as error:
        findings.append(Finding("starts", False, str(error).splitlines()[0]))
    except SessionDied as error:
        findings.append(Finding("runs notebooks", False, str(error)))
    return Proof(tier, tuple(findings))


def _attempts(sandbox: Sandbox, canary: Path) -> list[Finding]:
    with sandbox.submission() as session:
        session.run_cell(_PROBE)
        arguments = [str(canary), str(canary.parent), os.getpid()]
        arguments += [2 * _LIMITS.memory, 4 * _LIMITS.threads]
        outcome = session.call({"function": "probe", "args": arguments})
    report: Any = outcome["value"]
    if outcome["status"] != "ok" or not isinstance(report, dict):
        return [Finding("attacks", False, f"the probe did not finish: {outcome['status']}")]
    return [
        Finding(
            f"cannot {name}", error in _REFUSALS, f"stopped by {error}" if error else "it could"
        )
        for name, error in report.items()
    ]


def _disk(sandbox: Sandbox) -> Finding:
    name = "cannot fill the disk"
    with sandbox.submission() as session:
        session.run_cell(_FILL)
        try:
            count = 100 * _LIMITS.disk // MEBIBYTE
            outcome = session.call({"function": "fill", "args": [count]})
        except SessionDied as death:
            return Finding(name, death.reason == "disk", f"ended: {death.reason}")
    error = outcome["error"] or {}
    return Finding(name, outcome["status"] == "raised", str(error.get("type", "it could")))


def _endless(sandbox: Sandbox) -> Finding:
    name = "cannot run for ever"
    source = (
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass"
    )
    with sandbox.submission() as session:
        try:
            session.run_cell(source, limit=0.3)
        except SessionDied as death:
            return Finding(name, death.reason == "timeout", f"ended: {death.reason}")
    return Finding(name, False, "it went on")


def _works(sandbox: Sandbox) -> Finding:
    with sandbox.submission() as session:
        result = session.run_cell(_WORKS)
    errors = [output["evalue"] for output in result.outputs if output["output_type"] == "error"]
    return Finding("runs an honest notebook", result.status == "ok", errors[0] if errors else "")


def diagnose(tiers: Sequence[Tier] = (Tier.A, Tier.B, Tier.C)) -> Diagnosis:
    """Try out every tier, for `autograder doctor`."""
    proofs = tuple(prove(tier) for tier in tiers)
    held = [proof.tier for proof in proofs if proof.holds]
    return Diagnosis(held[0] if held else None, proofs)


@functools.cache
def choose() -> Diagnosis:
    """Try out tiers from the strongest down to the first that holds; the answer is remembered."""
    proofs: list[Proof] = []
    for tier in (Tier.A, Tier.B, Tier.C):
        proofs.append(prove(tier))
        if proofs[-1].holds:
            return Diagnosis(tier, tuple(proofs))
    return Diagnosis(None, tuple(proofs))
