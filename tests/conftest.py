"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the repository."""
    return ROOT


def missing(what: str) -> None:
    """Skip because the machine lacks something; in CI, where it must be there, fail."""
    if os.environ.get("COURSE_CI"):
        pytest.fail(f"CI must have {what}")
    pytest.skip(f"this machine has no {what}")
