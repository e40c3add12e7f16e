"""What all tests share."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure of the code: no example has to be quick.
settings.register_profile("course", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("course")

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium with every host but this machine unreachable.

    Closed after each file: while it is open, Playwright keeps an event loop running in this thread,
    which other libraries (Dask, a second Playwright) take for their own.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        missing("Chromium")
    api = pytest.importorskip("playwright.sync_api")
    arguments = [
        "--no-sandbox", "--headless=new", "--disable-gpu", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--no-first-run",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    ]  # fmt: skip
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=arguments)
        yield chromium
        chromium.close()


@contextlib.contextmanager
def _server(module: str, root: Path, home: Path) -> Iterator[str]:
    """Run a Jupyter application in a folder, with its settings in another, and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    own = {name: str(home / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    command = [sys.executable, "-m", module, "--no-browser", "--allow-root"]
    command += [f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1", "--IdentityProvider.token="]
    command += ["--LabApp.news_url=None"] if module == "jupyterlab" else []
    with (home / "log").open("w") as log:
        running = subprocess.Popen(
            command,
            cwd=root,
            env=os.environ | own | {"PATH": path, "OPENBLAS_NUM_THREADS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            for _ in range(600):
                try:
                    with urllib.request.urlopen(f"{address}/api", timeout=1) as answer:
                        json.load(answer)
                    break
                except (urllib.error.URLError, OSError):
                    time.sleep(0.1)
            else:
                pytest.fail((home / "log").read_text())
            yield address
        finally:
            running.terminate()
            running.wait(20)


@pytest.fixture(scope="session")
def jupyter() -> Callable[[str, Path, Path], contextlib.AbstractContextManager[str]]:
    """jupyter(module, root, home) runs a Jupyter application: `with jupyter(…) as address`."""
    return _server
