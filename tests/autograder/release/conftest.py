"""A course in a temporary folder, and submissions made of its notebooks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import sets
from autograder.course import Course, initialise
from autograder.sandbox.host import Sandbox
from autograder.sandbox.limits import Limits, SandboxError
from autograder.sandbox.tiers import Tier


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """A course directory made once; making the gradebook takes seconds."""
    root: Path = tmp_path_factory.mktemp("template") / "course"
    initialise(root)
    return root


@pytest.fixture
def course(template, tmp_path) -> Course:
    """A fresh course directory."""
    shutil.copytree(template, tmp_path / "course")
    return Course(tmp_path / "course")


def stock(course: Course) -> Course:
    """Leave of a course's configuration what plain nbgrader would need."""
    config = course.root / "nbgrader_config.py"
    text = config.read_text(encoding="utf-8")
    cut = re.sub(r"# True: `nbgrader autograde`.*?\n\n(?=# nbgrader starts)", "", text, flags=re.S)
    assert "SANDBOX" in text
    assert "Autograde" not in cut
    config.write_text(cut, encoding="utf-8")
    return course


def unsandboxed(course: Course) -> Course:
    """Switch a course to nbgrader's own executor."""
    config = course.root / "nbgrader_config.py"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("SANDBOX = True", "SANDBOX = False"), encoding="utf-8")
    return course


def nbgrader(course: Course, *arguments: str, status: int | None = 0) -> str:
    """Run a stock nbgrader command as an instructor would, in an environment nobody activated."""
    without = os.pathsep.join(
        part
        for part in os.environ["PATH"].split(os.pathsep)
        if Path(part) != Path(sys.executable).parent
    )
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course.root,
        env=os.environ | {"PATH": without, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    said = done.stdout + done.stderr
    assert status is None or done.returncode == status, said
    return said


def hand_in(course: Course, student: str, name: str, content: str | bytes) -> Path:
    """Put a notebook where nbgrader looks for it."""
    path = course.root / "submitted" / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def solved(name: str, **instead: str):
    """A released notebook with the solutions filled in, or other answers by grade id."""
    full, released = sets.source(name), sets.student(name)
    for before, cell in zip(full.cells, released.cells, strict=True):
        meta = cell.metadata.get("nbgrader", {})
        if meta.get("solution"):
            key = meta["grade_id"].replace("-", "_")
            cell.source = instead.get(key, before.source)
    return released


def scores(course: Course, name: str) -> dict[str, float]:
    """Student → points in the gradebook."""
    from nbgrader.api import Gradebook

    with sets.tools_on_path(), Gradebook(course.gradebook_url) as gradebook:
        assignment = gradebook.find_assignment(name)
        return {s.student.id: s.score for s in assignment.submissions}


def cell_called(notebook, grade_id: str):
    """The cell of that grade id."""
    return next(c for c, meta in sets.nbgrader_cells(notebook) if meta["grade_id"] == grade_id)


def require_sandbox() -> None:
    """Skip where submissions cannot be contained; in CI that is a failure."""
    try:
        with Sandbox(Tier.A, Limits()):
            pass
    except SandboxError as error:
        if os.environ.get("COURSE_CI"):
            pytest.fail(f"CI must have tier A: {error}")
        pytest.skip(f"tier A does not run here: {error}")
