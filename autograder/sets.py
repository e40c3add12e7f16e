"""The problem sets: MyST notebooks in `solutions/`, the only source of every assignment.

names()             ["ps01-neuron", …], in the order of the lessons
source(name)        the instructor's notebook, with solutions
student(name)       what a student gets: made by nbgrader's generator, then searched for leaks
leaks(full, given)  everything in a student's notebook that a student must not get
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode
from traitlets.config import Config

from autograder.bank.equations import SECTION

# What a student finds in place of an answer. The words are part of the course: `check` answers a
# stub that still raises this with "not started" instead of an error.
STUB = "# Write your answer here, then delete the next line.\nraise NotImplementedError()"
TEXT_STUB = "*Write your answer here.*"
BEGIN, END = "BEGIN SOLUTION", "END SOLUTION"
# A link to a lesson, as the sources have it: it works where the files are read, as on a code host.
LINK = re.compile(
    r"\[(?P<words>[^\]]+)\]\(\.\./lessons/(?P<lesson>[\w-]+)\.md(?:#equation-(?P<equation>[\w-]+))?\)"
)


class SetError(Exception):
    """A problem set that does not exist or is not fit to be released; the message says why."""


@contextlib.contextmanager
def tools_on_path() -> Iterator[None]:
    """Let nbgrader find `alembic`, which it starts by name, in an environment nobody activated."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before


# --------------------------------------------------------------------------------------
# notebooks as text


def as_text(notebook: NotebookNode) -> str:
    """Write a notebook; the same notebook gives the same text."""
    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return text.rstrip("\n") + "\n"


def from_text(text: str) -> NotebookNode:
    """Read a notebook."""
    notebook: NotebookNode = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def read(path: Path) -> NotebookNode:
    """Read a notebook file."""
    return from_text(path.read_text(encoding="utf-8"))


# --------------------------------------------------------------------------------------
# the sources


def home() -> Path:
    """The folder of the sources: inside an installed package, beside it in a checkout."""
    package = Path(__file__).parent
    for place in (package / "_solutions", package.parent / "solutions"):
        if any(place.glob("ps*.md")):
            return place
    raise SetError("the problem sets are not here: install the course again")


def names() -> list[str]:
    """All problem sets, in the order of the lessons."""
    return sorted(path.stem for path in home().glob("ps*.md"))


def lesson_of(name: str) -> str:
    """The lesson a set belongs to: ps07-activations → 07-activations."""
    return name.removeprefix("ps")


def path_of(name: str) -> Path:
    """The source file of a set."""
    path = home() / f"{name}.md"
    if not path.exists():
        raise SetError(f"there is no problem set {name!r}; there are: {', '.join(names())}")
    return path


def book_address() -> str:
    """Where the book is published, as the environment variable BACKPROP_BOOK says; "" if nowhere.

    `check` looks there, too.
    """
    return os.environ.get("BACKPROP_BOOK", "").rstrip("/")


def linked(text: str, book: str) -> str:
    """Turn links to lesson files into addresses of the published book, or into words."""

    def link(found: re.Match[str]) -> str:
        words, lesson, label = found["words"], found["lesson"], found["equation"]
        if book:
            return f"[{words}]({book}/lessons/{lesson}.html{'#equation-' + label if label else ''})"
        where = f", “{SECTION[label]}” in lesson {int(lesson[:2])}" if label in SECTION else ""
        return words + where

    return LINK.sub(link, text)


def source(name: str, book: str | None = None) -> NotebookNode:
    """Read a set as a notebook: ids from the position, no outputs, a kernel every Jupyter has.

    `book` is the address of the published book, for the links to the lessons.
    """
    notebook: NotebookNode = jupytext.read(path_of(name))
    for position, cell in enumerate(notebook.cells):
        cell["id"] = f"{name[:4]}-{position:03d}"
        if cell.cell_type == "markdown":
            cell["source"] = linked(cell.source, book_address() if book is None else book)
        if cell.cell_type == "code":
            cell["outputs"], cell["execution_count"] = [], None
    notebook.metadata.clear()
    notebook.metadata.update(
        {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
            "course": {"set": name},
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    nbformat.validate(notebook)
    return notebook


def nbgrader_cells(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, dict[str, Any]]]:
    """The (cell, nbgrader metadata) of every cell that nbgrader knows."""
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            yield cell, cell.metadata["nbgrader"]


def points_of(notebook: NotebookNode) -> float:
    """How many points a set has in all, those given by hand included."""
    return sum(float(meta.get("points", 0)) for _, meta in nbgrader_cells(notebook))


# --------------------------------------------------------------------------------------
# what students get


def stub_config() -> Config:
    """What nbgrader's generator has to know about this course."""
    config = Config()
    config.ClearSolutions.code_stub = {"python": STUB}
    config.ClearSolutions.text_stub = TEXT_STUB
    return config


def student_version(full: NotebookNode, config: Config | None = None) -> NotebookNode:
    """Run the steps of nbgrader's generator on a notebook in memory, without a gradebook.

    What `nbgrader generate_assignment` writes is the same; a test compares the two.
    """
    from nbgrader.converters import GenerateAssignment
    from nbgrader.preprocessors import SaveCells

    config = stub_config() if config is None else config
    notebook = from_text(as_text(full))  # a deep copy
    for step in GenerateAssignment(config=config).preprocessors:
        if step is not SaveCells:  # needs the gradebook
            notebook, _ = step(config=config).preprocess(notebook, {})
    return notebook


@functools.cache
def _student_text(name: str, book: str) -> str:
    full = source(name, book)
    released = student_version(full)
    if found := leaks(full, released):
        raise SetError(f"{name} is not fit for students: " + "; ".join(found))
    return as_text(released)


def student(name: str) -> NotebookNode:
    """Return what a student gets."""
    return from_text(_student_text(name, book_address()))


# --------------------------------------------------------------------------------------
# what students must not get


def leaks(full: NotebookNode, released: NotebookNode, salt: str = "") -> list[str]:
    """Say everything in a released notebook that a student must not get; empty when it is clean.

    A line of the solution is a leak unless the author uses the same line elsewhere, too. Two lines
    in a row, or a whole answer, are a leak wherever they come from.
    """
    found = []
    alone, blocks = solution_lines(full), solution_blocks(full)
    for number, cell in enumerate(released.cells):
        where = cell.metadata.get("nbgrader", {}).get("grade_id") or f"cell {number}"
        lines = significant(cell.source.splitlines())
        text = "\n".join(lines)
        shown = [line for line in lines if line in alone]
        shown += [block for block in blocks if contains(text, block)]
        if shown:
            found.append(f"{where} shows the solution: {shown[0]!r}")
        for mark, what in (
            (BEGIN, "a solution marker"),
            (END, "a solution marker"),
            ("BEGIN HIDDEN TESTS", "hidden tests"),
            ("END HIDDEN TESTS", "hidden tests"),
            ("BEGIN MARK SCHEME", "the marking scheme"),
            ("END MARK SCHEME", "the marking scheme"),
        ):
            if mark in cell.source:
                found.append(f"{where} contains {what}")
        if cell.get("outputs") or cell.get("execution_count"):
            found.append(f"{where} has outputs: clear them in the source")
    rest = as_text(without_sources(released))
    if hidden := [line for line in sorted(alone) if len(line) >= 20 and line in rest]:
        found.append(f"the notebook's metadata hold the solution: {hidden[0]!r}")
    if salt and salt in as_text(released):
        found.append("the notebook contains the course's secret salt")
    return found


def significant(lines: list[str]) -> list[str]:
    """The lines that say something, without indentation and comment signs."""
    stripped = (line.strip().lstrip("#").strip() for line in lines)
    return [line for line in stripped if len(line) >= 6]


def regions(notebook: NotebookNode) -> Iterator[tuple[list[str], bool]]:
    """The pieces of a notebook, each with whether it is a solution."""
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader", {})
        if BEGIN not in cell.source:
            whole = bool(meta.get("solution")) and not meta.get("task")
            yield cell.source.splitlines(), whole
            continue
        piece: list[str] = []
        for line in cell.source.splitlines():
            if BEGIN in line or END in line:
                yield piece, END in line
                piece = []
            else:
                piece.append(line)
        yield piece, False


def solution_lines(notebook: NotebookNode) -> set[str]:
    """The lines that stand in a solution and nowhere else in the notebook."""
    inside: set[str] = set()
    outside: set[str] = set()
    for piece, is_solution in regions(notebook):
        (inside if is_solution else outside).update(significant(piece))
    return inside - outside


def solution_blocks(notebook: NotebookNode) -> list[str]:
    """Whole answers and pairs of lines in a row, of at least 20 characters."""
    blocks = []
    for piece, is_solution in regions(notebook):
        lines = significant(piece)
        if is_solution and lines:
            blocks += ["\n".join(lines), *("\n".join(pair) for pair in pairwise(lines))]
    return [block for block in blocks if len(block) >= 20]


def contains(text: str, block: str) -> bool:
    """Whether a block of lines stands in a text, as whole lines."""
    return f"\n{block}\n" in f"\n{text}\n"


def without_sources(notebook: NotebookNode) -> NotebookNode:
    """A copy in which only what is not shown is left: metadata and attachments."""
    copy = from_text(as_text(notebook))
    for cell in copy.cells:
        cell.source = ""
    return copy
