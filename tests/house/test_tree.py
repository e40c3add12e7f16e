"""What the repository promises about itself: arrows point down, sources only, exact pins."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest


def imports_of(path: Path) -> set[str]:
    """The modules a file imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or ""))
    return found


def test_mlp_lib_knows_nothing_of_the_autograder(root: Path):
    for path in (root / "mlp_lib").rglob("*.py"):
        assert not any(name.startswith("autograder") for name in imports_of(path)), path


def test_what_runs_beside_student_code_can_compute_no_answer(root: Path):
    kernel = {"IPython", "traitlets", "pygments", "matplotlib", "msgpack", "numpy"}
    for path in (root / "autograder" / "inside").rglob("*.py"):
        for name in imports_of(path):
            known = name.split(".")[0] in sys.stdlib_module_names | kernel
            assert known or name.startswith((".", "autograder.inside")), f"{path.name}: {name}"


def test_importing_mlp_lib_loads_numpy_and_nothing_heavy(root: Path):
    code = (
        "import sys, mlp_lib; "
        "heavy = {'matplotlib', 'IPython', 'ipywidgets', 'anywidget', 'sklearn', 'tqdm', 'torch'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def tracked(root: Path) -> list[str]:
    if not (root / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    )
    return [name for name in listing.stdout.split("\0") if name]


def test_notebooks_are_built_not_committed(root: Path):
    assert [name for name in tracked(root) if name.endswith(".ipynb")] == []


def test_no_large_file_is_committed(root: Path):
    large = [n for n in tracked(root) if (root / n).exists() and (root / n).stat().st_size > 10**6]
    assert large == []


def test_every_requirement_is_pinned_exactly_and_covers_pyproject(root: Path):
    pins = {}
    for line in (root / "requirements.txt").read_text().splitlines():
        if line and not line.lstrip().startswith("#"):
            match = re.match(r"^([A-Za-z0-9._-]+)==([^ ;]+)", line)
            assert match, f"not an exact pin: {line}"
            pins[match[1].lower().replace("_", "-")] = match[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    wanted = [requirement for group in groups for requirement in group]
    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9._-]+", requirement)
        assert name is not None
        assert name[0].lower().replace("_", "-") in pins, requirement
    assert pins["jupyter-book"].startswith("1.")


def test_no_macros_that_jupyter_would_not_know(root: Path):
    """Lessons are opened in Jupyter too, where MathJax does not know macros of the book."""
    assert "macros" not in (root / "_config.yml").read_text().replace("no macros:", "")
