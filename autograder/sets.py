"""The problem sets: MyST notebooks in `solutions/`, the only source of every assignment.

names()          ["ps01-neuron", …], in the order of the lessons
source(name)     the instructor's notebook, with solutions
student(name)    what a student gets: made by nbgrader's own generator, then searched for leaks
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

# What a student finds in place of an answer. The words are part of the course: `check` answers a
# stub that still raises this with "not started" instead of an error.
STUB = "# Write your answer here, then delete the next line.\nraise NotImplementedError()"
TEXT_STUB = "*Write your answer here.*"
BEGIN, END = "BEGIN SOLUTION", "END SOLUTION"


@contextlib.contextmanager
def tools_on_path() -> Iterator[None]:
    """Let nbgrader find `alembic`, which it starts by name, in an environment nobody activated."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before


class SetError(Exception):
    """A problem set that does not exist or is not fit to be released; the message says why."""


def home() -> Path:
    """The folder of the sources: beside the package in a checkout, inside it when installed."""
    package = Path(__file__).parent
    for place in (package.parent / "solutions", package / "_solutions"):
        if any(place.glob("ps*.md")):
            return place
    raise SetError("the problem sets are not installed: work in a checkout of the course")


def names() -> list[str]:
    """All problem sets, in the order of the lessons."""
    return sorted(path.stem for path in home().glob("ps*.md"))


def path_of(name: str) -> Path:
    """The source file of a set."""
    path = home() / f"{name}.md"
    if not path.exists():
        raise SetError(f"there is no problem set {name!r}; there are: {', '.join(names())}")
    return path


def source(name: str) -> NotebookNode:
    """Read a set as a notebook: ids from the position, no outputs, a kernel every Jupyter has."""
    notebook = jupytext.read(path_of(name))
    for position, cell in enumerate(notebook.cells):
        cell["id"] = f"{name[:4]}-{position:03d}"
        if cell.cell_type == "code":
            cell["outputs"], cell["execution_count"] = [], None
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
            "course": {"set": name},
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    return notebook


def graded_cells(notebook: NotebookNode) -> Iterator[tuple[str, dict[str, Any]]]:
    """The (source, nbgrader metadata) of every cell that nbgrader knows."""
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            yield cell.source, cell.metadata["nbgrader"]


def student(name: str) -> NotebookNode:
    """Make the student's version with nbgrader's generator, in a folder that is thrown away."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    full = source(name)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "source" / name).mkdir(parents=True)
        nbformat.write(full, root / "source" / name / f"{name}.ipynb")
        config = Config()
        config.ClearSolutions.code_stub = {"python": STUB}
        config.ClearSolutions.text_stub = TEXT_STUB
        directory = CourseDirectory(config=config)
        directory.root, directory.assignment_id = str(root), name
        generator = GenerateAssignment(coursedir=directory, config=config, no_database=True)
        generator.log.setLevel(logging.ERROR)
        with tools_on_path():
            generator.start()
        released = nbformat.read(root / "release" / name / f"{name}.ipynb", as_version=4)
    if found := leaks(full, released):
        raise SetError(f"{name} is not fit for students: " + "; ".join(found))
    return released


def solution_lines(notebook: NotebookNode) -> set[str]:
    """The lines that stand between the solution markers and nowhere else in the notebook."""
    inside: set[str] = set()
    outside: set[str] = set()
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader", {})
        marked = BEGIN in cell.source
        within = False
        for line in cell.source.splitlines():
            if BEGIN in line or END in line:
                within = BEGIN in line
            elif within or (meta.get("solution") and not marked and not meta.get("task")):
                inside.add(line.strip())
            else:
                outside.add(line.strip())
    return {line for line in inside - outside if len(line) >= 6}


def leaks(full: NotebookNode, released: NotebookNode, salt: str = "") -> list[str]:
    """Say everything in a released notebook that a student must not get; empty when it is clean."""
    found = []
    solution = solution_lines(full)
    for number, cell in enumerate(released.cells):
        where = cell.metadata.get("nbgrader", {}).get("grade_id") or f"cell {number}"
        lines = {line.strip() for line in cell.source.splitlines()}
        if shown := sorted(lines & solution):
            found.append(f"{where} shows a line of the solution: {shown[0]!r}")
        for mark, what in (
            (BEGIN, "a solution marker"),
            (END, "a solution marker"),
            ("BEGIN HIDDEN TESTS", "hidden tests"),
            ("BEGIN MARK SCHEME", "the marking scheme"),
        ):
            if mark in cell.source:
                found.append(f"{where} contains {what}")
        if cell.get("outputs") or cell.get("execution_count"):
            found.append(f"{where} has outputs: clear them in the source")
    if salt and salt in nbformat.writes(released):
        found.append("the notebook contains the course's secret salt")
    return found
