"""One warm process per tier for all tests of the sandbox, with limits low enough to reach."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.sandbox.host import Sandbox
from autograder.sandbox.layout import Layout, reachable
from autograder.sandbox.limits import MEBIBYTE, Limits, SandboxError
from autograder.sandbox.tiers import Tier

SMALL = Limits(
    cell=10.0,
    call=10.0,
    grace=0.3,
    cpu=5,
    memory=256 * MEBIBYTE,
    threads=16,
    disk=8 * MEBIBYTE,
    files=100,
    file=MEBIBYTE,
    descriptors=64,
    output=20_000,
)

SECRET = secrets.token_hex(16)
"""Stands for the salt: in this process's memory and environment while sandboxes start."""


def layout_for(tier: Tier) -> Layout:
    """Root's own interpreter may be closed to the unprivileged user that tier B runs as."""
    own = Layout.of_this_process()
    if tier is Tier.A or os.geteuid() != 0 or all(map(reachable, own.bound())):
        return own
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    if os.path.exists(system):
        other = Layout.of_this_process(system)
        if all(map(reachable, other.bound())):
            return other
    pytest.skip("no interpreter that an unprivileged user can read")


def open_sandbox(tier: Tier, limits: Limits = SMALL) -> Sandbox:
    sandbox = Sandbox(tier, limits, unsafe=tier is Tier.D, layout=layout_for(tier))
    try:
        return sandbox.__enter__()
    except SandboxError as error:
        if tier is Tier.A and os.environ.get("COURSE_CI"):
            pytest.fail(f"CI must have tier A: {error}")
        pytest.skip(f"tier {tier.name} does not run here: {error}")


@pytest.fixture(scope="session", params=[Tier.A, Tier.B], ids=["A", "B"])
def any_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """The tiers that protect, one after the other."""
    os.environ["AUTOGRADER_SALT"] = SECRET
    sandbox = open_sandbox(request.param)
    yield sandbox
    sandbox.__exit__()
    del os.environ["AUTOGRADER_SALT"]


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """The default tier."""
    opened = open_sandbox(Tier.A)
    yield opened
    opened.__exit__()


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of the host that every user may read and write, with a gradebook in it."""
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="course-"))
    folder.chmod(0o777)
    gradebook = folder / "gradebook.db"
    gradebook.write_text(SECRET)
    gradebook.chmod(0o666)
    yield folder
    assert gradebook.read_text() == SECRET
    assert [path.name for path in folder.iterdir()] == ["gradebook.db"]
    assert gradebook.stat().st_mode & 0o777 == 0o666
    shutil.rmtree(folder)
