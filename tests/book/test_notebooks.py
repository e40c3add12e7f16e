"""A lesson downloaded as a notebook runs from top to bottom, and nobody waits long for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT, missing

LESSONS = [path.stem for path in sorted((ROOT / "lessons").glob("[01][0-9]-*.md"))]
A_CELL, A_LESSON = 10.0, 60.0
"""Seconds of processor time, because tests share the machine; readers have it to themselves."""


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cell needs the network: whatever asks for it is sent to a port where nobody listens."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")


def spent(kernel: psutil.Process) -> float:
    """Processor time of the kernel and of what it started."""
    every = [kernel, *kernel.children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in every)


@pytest.mark.slow
@pytest.mark.parametrize("name", LESSONS)
def test_a_downloaded_lesson_runs(name: str, tmp_path: Path) -> None:
    found = sorted((ROOT / "_build" / "html" / "_downloads").glob(f"*/{name}.ipynb"))
    if not found:
        missing("a built book (make book)")
    notebook: Any = nbformat.read(found[0], as_version=4)
    first = next(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert "pip install" in first.split("import", 2)[1], "the first cell says how to install"
    seconds: dict[int, float] = {}

    def before(cell: Any, cell_index: int) -> None:
        seconds[cell_index] = -spent(kernel())

    def after(cell: Any, cell_index: int, execute_reply: Any) -> None:
        seconds[cell_index] += spent(kernel())

    def kernel() -> psutil.Process:
        return psutil.Process(client.km.provisioner.pid)

    client: Any = NotebookClient(
        notebook,
        timeout=240,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
        on_cell_execute=before,
        on_cell_executed=after,
    )
    client.execute()  # an error in a cell is an error here
    assert max(seconds.values()) < A_CELL, seconds
    assert sum(seconds.values()) < A_LESSON, seconds
    assert list(tmp_path.iterdir()) == [], "a lesson leaves no files behind"
