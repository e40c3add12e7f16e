"""Measure the time from `git clone` to the first problem set, open in JupyterLab with its kernel.

    .venv/bin/python benchmarks/fresh_clone.py

clones this repository into a temporary folder and runs `make lab` there, in an environment that
holds nothing but PATH and an empty HOME, so that pip has no cache. Chromium then opens the set.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
NAME = "ps01-neuron.ipynb"


def main() -> None:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        raise SystemExit("this needs chromium on the PATH")
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        measure(Path(folder), port, program)


def measure(folder: Path, port: int, program: str) -> None:
    began = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - began:6.1f} s  {what}", flush=True)

    home, clone = folder / "home", folder / "clone"
    home.mkdir()
    bare = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home)}
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], env=bare, check=True)
    say("cloned")
    options = f"--no-browser --allow-root --ServerApp.port={port} --IdentityProvider.token="
    with (folder / "log").open("w") as log:
        lab = subprocess.Popen(
            ["make", "lab", f"ARGS={options}"],
            cwd=clone,
            env=bare,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}"
        while not answers(f"{address}/api/contents/{NAME}"):
            if lab.poll() is not None:
                raise SystemExit((folder / "log").read_text())
            time.sleep(0.1)
        say(f"JupyterLab answers for {NAME}")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=program, args=["--no-sandbox", "--headless=new", "--disable-gpu"]
            )
            page = browser.new_page()
            page.goto(f"{address}/lab/tree/{NAME}")
            page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=120_000)
            kernel = page.locator(".jp-Toolbar-kernelName", has_text="Python 3 (ipykernel)")
            kernel.first.wait_for(timeout=120_000)
            idle = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
            page.wait_for_selector(idle, state="attached", timeout=120_000)
            say("the set is open, its kernel ready")
            browser.close()
    finally:
        if lab.poll() is None:
            os.killpg(lab.pid, signal.SIGTERM)
            lab.wait(60)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    main()
