"""What a warm process leaves behind in the folder of temporary files: nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from autograder.sandbox import host
from autograder.sandbox.host import Sandbox
from autograder.sandbox.tiers import Tier

from .conftest import SMALL, open_sandbox

ONE = """
import sys, time
from autograder.sandbox.host import Sandbox
from autograder.sandbox.tiers import Tier
with Sandbox(Tier.A):
    print("open", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of temporary files of this test's own, which every user can enter."""
    made = Path(tempfile.mkdtemp(prefix="stages-"))
    made.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(made))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return made


def stages(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{host.STAGE}*"))


def test_what_a_killed_process_left_is_removed_at_the_next_start(folder: Path) -> None:
    open_sandbox(Tier.A).__exit__()  # or skip
    assert stages(folder) == []
    process = subprocess.Popen([sys.executable, "-c", ONE], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"open\n"
    process.kill()
    process.wait()
    (left,) = stages(folder)
    old = time.time() - 2 * host._YOUNG
    os.utime(left, (old, old))
    (folder / f"{host.STAGE}not-ours").symlink_to("/etc")
    with Sandbox(Tier.A, SMALL):
        assert left not in stages(folder)
        (mine,) = [path for path in stages(folder) if not path.is_symlink()]
        os.utime(mine, (old, old))
        host.sweep()  # what is in use stays, however old it is
        assert mine in stages(folder)
    assert [path.name for path in stages(folder)] == [f"{host.STAGE}not-ours"]
