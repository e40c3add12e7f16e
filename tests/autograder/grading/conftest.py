"""A course with two released sets, and a sandbox that all tests of grading share."""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course, initialise
from autograder.grading.grade import Settings, Task
from autograder.grading.notebook import Template
from autograder.release import release
from autograder.sandbox.host import Sandbox
from autograder.sandbox.limits import Limits, SandboxError
from autograder.sandbox.tiers import Tier

SETS = ("ps02-softmax", "ps07-activations")
SOFTMAX, ACTIVATIONS = SETS
LIMITS = Limits(cell=2.0, call=2.0, grace=0.3, cpu=20)


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with released sets and no submissions; copy it, do not change it."""
    root = tmp_path_factory.mktemp("course") / "course"
    initialise(root)
    course = Course.find(root)
    release(course, SETS)
    with (root / "nbgrader_config.py").open("a") as config:
        config.write("c.Sandbox.cell = 2.0\nc.Sandbox.call = 2.0\nc.Sandbox.grace = 0.3\n")
    return root


@pytest.fixture
def course(released: Path, tmp_path: Path) -> Course:
    """A course of this test's own."""
    shutil.copytree(released, tmp_path / "course")
    return Course(tmp_path / "course")


@pytest.fixture(scope="session")
def templates(released: Path) -> dict[str, Template]:
    return {name: Template.of(Course(released), name) for name in SETS}


@pytest.fixture(scope="session")
def notebooks(released: Path) -> dict[str, dict[str, Any]]:
    """Solved and empty notebooks, as a student with a perfect memory would hand them in."""
    course = Course(released)
    found = {}
    for name in SETS:
        solved = json.loads(course.released(name).read_text())
        full = json.loads(course.source(name).read_text())
        for empty, cell in zip(solved["cells"], full["cells"], strict=True):
            if cell["metadata"].get("nbgrader", {}).get("solution"):
                empty["source"] = cell["source"]
        found[name] = solved
        found[f"{name} empty"] = json.loads(course.released(name).read_text())
    return found


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    try:
        with Sandbox(Tier.A, LIMITS) as opened:
            yield opened
    except SandboxError as error:
        if os.environ.get("COURSE_CI"):
            pytest.fail(f"CI must have tier A: {error}")
        pytest.skip(f"tier A does not run here: {error}")


@pytest.fixture
def solved(notebooks: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The solved notebook of set 2, to be changed."""
    return copy.deepcopy(notebooks[SOFTMAX])


@pytest.fixture
def empty(notebooks: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The empty notebook of set 2, to be changed."""
    return copy.deepcopy(notebooks[f"{SOFTMAX} empty"])


def cell_of(notebook: dict[str, Any], grade_id: str) -> dict[str, Any]:
    """The cell of that grade id."""
    return next(c for c in notebook["cells"] if id_of(c) == grade_id)


def id_of(cell: dict[str, Any]) -> str:
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "")


def code(source: str, **metadata: Any) -> dict[str, Any]:
    """A code cell of a student's own."""
    return {
        "cell_type": "code",
        "metadata": metadata,
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def text(source: str) -> dict[str, Any]:
    """A Markdown cell of a student's own."""
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def insert(notebook: dict[str, Any], before: str, *cells: dict[str, Any]) -> None:
    """Put cells before the one of that grade id."""
    place = notebook["cells"].index(cell_of(notebook, before))
    notebook["cells"][place:place] = cells


Grade = Callable[..., tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture
def grade(templates: dict[str, Template], sandbox: Sandbox, tmp_path: Path) -> Grade:
    """Grade a notebook (a tree, or bytes) without a course; return result and notebook."""
    from autograder.grading import grade as module

    def graded(notebook: Any, name: str = SOFTMAX, salt: str = "salt", student: str = "anna"):
        data = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
        folder = tmp_path / "submitted" / student / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.ipynb").write_bytes(data)
        task = Task(student, name, folder / f"{name}.ipynb", tmp_path / "a", tmp_path / "r")
        settings = Settings(salt, LIMITS)
        return module.grade(task, module.read(task), templates[name], settings, sandbox)

    return graded


def hand_in(course: Course, student: str, notebook: Any, name: str = SOFTMAX) -> Path:
    """Put a submission where nbgrader collects it."""
    folder = course.root / "submitted" / student / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ipynb"
    if path.is_symlink() or path.exists():
        path.unlink()
    path.write_bytes(notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode())
    return path
