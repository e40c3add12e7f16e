"""The book's configuration makes an error in a cell, a warning and a dead link fail the build."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HEAD = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {name: python3, display_name: Python 3, language: python}
---

# A page

"""
CELL = "```{code-cell} ipython3\n%s\n```\n"


def build(root: Path, folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    """Build a one-page book with the repository's own configuration and build script."""
    for name in ("_config.yml", "requirements.txt"):
        shutil.copy(root / name, folder)
    for name in ("_ext", "scripts"):
        shutil.copytree(root / name, folder / name)
    lessons = folder / "lessons"
    shutil.copytree(root / "lessons" / "_images", lessons / "_images")
    shutil.copy(root / "lessons" / "references.bib", lessons)
    (folder / "_toc.yml").write_text("format: jb-book\nroot: lessons/page\n")
    (lessons / "page.md").write_text(HEAD + body)
    return subprocess.run(
        [sys.executable, "scripts/book.py"], cwd=folder, capture_output=True, text=True
    )


@pytest.mark.slow
def test_a_cell_imports_mlp_lib_and_its_output_is_on_the_page(root: Path, tmp_path: Path):
    folder = tmp_path / "with spaces"
    folder.mkdir()
    cell = "import mlp_lib\nprint(f'{float(mlp_lib.sigmoid(2.5)):.4f}')"
    done = build(root, folder, CELL % cell + "\n$$\na^2\n$$ (eq-one)\n\nSee {eq}`eq-one`.\n")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "0.9241" in (folder / "_build" / "html" / "lessons" / "page.html").read_text()
    assert (folder / "_build" / "html" / "_static" / "mathjax" / "tex-chtml.js").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param(CELL % "assert 1 == 2, 'not equal'", "not equal", id="error in a cell"),
        pytest.param("See {ref}`nowhere`.\n", "nowhere", id="dead cross reference"),
        pytest.param("See {eq}`eq-nowhere`.\n", "eq-nowhere", id="dead equation"),
        pytest.param(CELL % "import sys; print('x', file=sys.stderr)", "stderr", id="stderr"),
        pytest.param("## One\n\n#### Three\n", "header", id="a skipped heading level"),
    ],
)
def test_the_build_fails_and_names_the_place(root: Path, tmp_path: Path, body: str, named: str):
    done = build(root, tmp_path, body)
    text = done.stdout + done.stderr
    assert done.returncode != 0, text[-3000:]
    assert named in text
    assert "page.md" in text or "lessons/page" in text
