"""In JupyterLab a figure and its Python object are in sync both ways."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELLS = [
    "from mlp_lib.interactive import Activations, Softmax\nfigure = Activations()\nfigure",
    "print('z is', figure.z)",
    "figure.z, figure.activation = -3.0, 'relu'",
    "scores = Softmax()\nscores",
    "print('scores are', *(f'{v:g}' for v in [*scores.scores, scores.shift]))",
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab that serves one notebook."""
    home = tmp_path_factory.mktemp("lab")
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, home / "figures.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    config = {name: str(home / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1", "--IdentityProvider.token="]
    command += [f"--ServerApp.root_dir={home}", "--LabApp.news_url=None"]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            command,
            env=os.environ | config | {"PATH": path, "OPENBLAS_NUM_THREADS": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            for _ in range(300):
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
            server.terminate()
            server.wait(10)


def test_traits_sync_both_ways(lab: str, browser: Any) -> None:
    context = browser.new_context(viewport={"width": 1400, "height": 1600})
    page = context.new_page()
    page.goto(f"{lab}/lab/tree/figures.ipynb")
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    cells.nth(4).wait_for(timeout=60_000)
    page.wait_for_selector(
        ".jp-Notebook-ExecutionIndicator[data-status=idle]", state="attached", timeout=60_000
    )

    def run(index: int) -> Any:
        cell = cells.nth(index)
        for _ in range(20):  # until the keystroke is heard: JupyterLab may still be settling
            cell.locator(".jp-InputArea-editor").click()
            page.keyboard.press("Control+Enter")
            page.wait_for_timeout(500)
            if cell.locator(".jp-InputPrompt").first.inner_text().strip() != "[ ]:":
                return cell
        pytest.fail(f"cell {index} does not run")

    figure = run(0).locator(".lm-figure[data-lm-ready]")
    figure.wait_for(timeout=60_000)
    slider = figure.locator("[data-lm-trait=z]")
    slider.focus()
    for _ in range(10):
        slider.press("ArrowRight")  # JupyterLab must not take the key for itself
    page.wait_for_function("document.querySelector('[data-lm-trait=z]').value === '2'")
    page.wait_for_timeout(300)
    run(1).locator("text=z is 2.0").wait_for(timeout=20_000)

    run(2)
    page.wait_for_function("document.querySelector('[data-lm-trait=z]').value === '-3'")
    assert figure.locator("[data-lm-trait=activation]").input_value() == "relu"
    page.wait_for_selector(".lm-sentence:text('At z = −3, ReLU gives f = 0')")

    softmax = run(3).locator(".lm-softmax[data-lm-ready]")
    softmax.wait_for(timeout=20_000)
    softmax.get_by_role("button", name="c = 1000", exact=True).click()
    softmax.locator("[data-lm-trait=scores]").first.press("ArrowLeft")
    page.wait_for_timeout(300)
    run(4).locator("text=scores are 0.9 3 -4 1000").wait_for(timeout=20_000)
    context.close()
