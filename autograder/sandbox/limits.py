"""What one submission may use, and the ways in which it can end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """The limits of one submission; seconds, bytes and numbers of things."""

    cell: float = 10.0
    """Wall-clock time of one cell, before it is interrupted."""
    call: float = 5.0
    """Wall-clock time of one call, before it is interrupted."""
    grace: float = 1.0
    """Time between an interrupt and the end."""
    cpu: int = 60
    """CPU time of the whole submission, before it is interrupted."""
    memory: int = 1024 * MEBIBYTE
    """Address space on top of what the warm process has."""
    threads: int = 64
    disk: int = 64 * MEBIBYTE
    files: int = 4096
    file: int = 4 * MEBIBYTE
    """Size of one file, where the disk space of the submission can only be watched."""
    descriptors: int = 256
    output: int = MEBIBYTE
    """Characters that one cell may put out."""
    start: float = 30.0
    """Time for the warm process to start."""

    def for_zygote(self) -> dict[str, int]:
        """Return the part that the inside has to know."""
        return {
            "cpu": self.cpu,
            "cpu_grace": max(1, round(self.grace)),
            "memory": self.memory,
            "threads": self.threads,
            "disk": self.disk,
            "files": self.files,
            "file": self.file,
            "descriptors": self.descriptors,
            "output": self.output,
        }


class SandboxError(Exception):
    """The sandbox does not work on this machine; no fault of a submission."""


class SessionDied(Exception):  # noqa: N818 - it is an end, not an error of ours
    """A submission's process is gone.

    `reason` is one of: `timeout` (it did not heed the interrupt), `cpu`, `disk`, `killed` (by a
    signal it did not send itself, as a rule for memory), `crash` (by a signal such as SIGSEGV),
    `exit` (it ended itself), `protocol` (it sent what is no answer).
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class CellResult:
    """What running a cell came to: `ok`, `error`, or `timeout` if it had to be interrupted."""

    status: str
    outputs: list[dict[str, Any]]
    count: int | None
    truncated: bool


@dataclass(frozen=True)
class Usage:
    """What a submission used, by the accounting of the operating system."""

    cpu: float
    memory: int
    """Peak resident size in bytes, shared pages of the warm process included."""
