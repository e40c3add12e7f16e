"""What students do to notebooks, from the file to the grade.

Both ways: by nbgrader's own executor, and by `autograder grade` in the sandbox.
"""

from __future__ import annotations

import copy
import json
import shutil

import nbformat
import pytest

from autograder import sets
from autograder.cli import main
from autograder.course import Course
from autograder.release import release

from .conftest import (
    cell_called,
    hand_in,
    nbgrader,
    require_sandbox,
    scores,
    solved,
    unsandboxed,
)

pytestmark = pytest.mark.slow
NAME = "ps02-softmax"


def position(notebook, grade_id):
    return notebook.cells.index(cell_called(notebook, grade_id))


def duplicate(notebook, grade_id, text=None):
    """Copy a cell as Jupyter does, metadata included; the original may get another text."""
    at = position(notebook, grade_id)
    twin = copy.deepcopy(notebook.cells[at])
    twin["id"] = "copied"
    if text is not None:
        notebook.cells[at].source = text
    notebook.cells.insert(at + 1, twin)


def without(notebook, *grade_ids):
    for grade_id in grade_ids:
        notebook.cells.remove(cell_called(notebook, grade_id))


WRONG = "def softmax(Z):\n    return Z"


def crlf(notebook):
    return sets.as_text(notebook).replace("\\n", "\\r\\n").replace("\n", "\r\n")


def another_kernel(notebook):
    notebook.metadata.kernelspec = {"name": "conda-env-ml-py", "display_name": "ml", "language": ""}


def saved_by_colab(notebook):
    notebook.metadata.colab = {"provenance": [], "toc_visible": True}
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    notebook.nbformat_minor = 0
    for number, cell in enumerate(notebook.cells):
        del cell["id"]
        cell.metadata["id"] = f"aB{number}"
        cell.metadata["outputId"] = "x"
        cell.metadata.pop("deletable", None)
        cell.metadata.pop("editable", None)


def saved_by_vs_code(notebook):
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": ".venv", "language": "python"},
        "language_info": {"name": "python", "version": "3.12.4", "file_extension": ".py"},
        "vscode": {"interpreter": {"hash": "31f2"}},
    }
    notebook.nbformat_minor = 2
    for cell in notebook.cells:
        del cell["id"]
        cell.metadata["vscode"] = {"languageId": "python"}


def names_thrown_away(notebook):
    """Some editors drop metadata that they do not know."""
    for cell in notebook.cells:
        cell.metadata = {}


def out_of_order(notebook):
    """Cells were run in another order; the file still has them in theirs."""
    counts = [9, 3, 7, 1, 12, 2, 5]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, count in zip(code, counts, strict=False):
        cell.execution_count = count
        cell.outputs = [nbformat.v4.new_output("stream", text="from another order\n")]


def restarted(notebook):
    """After a restart only the last cells were run, and stale reports remain."""
    cell_called(notebook, "one-hot").outputs = [
        nbformat.v4.new_output("execute_result", {"text/plain": "0.0"}, execution_count=1)
    ]


def helper_needed_from_above(notebook):
    """A helper defined in a cell of their own, above the answer."""
    at = position(notebook, "softmax-answer")
    notebook.cells.insert(
        at,
        nbformat.v4.new_code_cell("def shifted(Z):\n    return Z - Z.max(axis=-1, keepdims=True)"),
    )
    notebook.cells[at + 1].source = (
        "def softmax(Z):\n    E = np.exp(shifted(np.asarray(Z, dtype=float)))\n"
        "    return E / E.sum(axis=-1, keepdims=True)"
    )


def renamed(notebook):
    answer = cell_called(notebook, "softmax-answer")
    answer.source = answer.source.replace("def softmax(", "def my_softmax(")


def large_outputs(notebook):
    big = nbformat.v4.new_output("stream", text="x" * 100 + "\n")
    big.text *= 20_000
    check = cell_called(notebook, "one-hot")
    check.outputs, check.execution_count = [big], 1
    notebook.cells.append(nbformat.v4.new_code_cell("for i in range(30_000):\n    print('y' * 80)"))


def points_raised(notebook):
    cell_called(notebook, "softmax").metadata.nbgrader["points"] = 200
    cell_called(notebook, "softmax").source = "200.0"


def syntax_error(notebook):
    cell_called(notebook, "softmax-answer").source = "def softmax(Z)\n    return Z"


CASES = {
    # what was done: (points, how)
    "nothing": (3, lambda nb: None),
    "windows-line-ends": (3, crlf),
    "another-kernel": (3, another_kernel),
    "colab": (3, saved_by_colab),
    "vs-code": (3, saved_by_vs_code),
    "names-thrown-away": (3, names_thrown_away),
    "answer-copied": (3, lambda nb: duplicate(nb, "softmax-answer")),
    "wrong-answer-above-its-copy": (3, lambda nb: duplicate(nb, "softmax-answer", WRONG)),
    "check-copied": (3, lambda nb: duplicate(nb, "softmax")),
    "explanation-copied": (3, lambda nb: duplicate(nb, "ps02-explain")),
    "check-deleted": (3, lambda nb: without(nb, "softmax")),
    "answer-deleted": (1, lambda nb: without(nb, "softmax-answer")),
    "answer-and-check-deleted": (1, lambda nb: without(nb, "softmax-answer", "softmax")),
    "setup-deleted": (3, lambda nb: without(nb, "ps02-setup")),
    "explanation-deleted": (3, lambda nb: without(nb, "ps02-explain")),
    "out-of-order": (3, out_of_order),
    "restarted": (3, restarted),
    "helper-in-a-cell-of-their-own": (3, helper_needed_from_above),
    "renamed": (1, renamed),
    "large-outputs": (3, large_outputs),
    "points-raised": (3, points_raised),
    "syntax-error": (1, syntax_error),
}


@pytest.fixture(scope="module", params=["nbgrader", "sandbox"])
def graded(request, template, tmp_path_factory) -> Course:
    """A course in which every case was handed in by a student of its name."""
    root = tmp_path_factory.mktemp("robust") / "course"
    shutil.copytree(template, root)
    course = Course(root)
    if request.param == "nbgrader":
        unsandboxed(course)
    else:
        require_sandbox()
    release(course, [NAME])
    for student, (_, change) in CASES.items():
        notebook = solved(NAME)
        content = change(notebook)
        if content is None:
            content = json.dumps(notebook)
        hand_in(course, student, NAME, content)
    if request.param == "nbgrader":
        nbgrader(course, "autograde", NAME)
    else:
        assert main(["grade", "--course", str(root), NAME]) == 0
    return course


@pytest.fixture(scope="module")
def points(graded):
    return scores(graded, NAME)


@pytest.mark.parametrize("case", CASES)
def test_the_grade_is_what_the_answers_are_worth(points, case):
    assert points[case] == CASES[case][0]


def autograded(course, student):
    path = course.root / "autograded" / student / NAME / f"{NAME}.ipynb"
    return nbformat.read(path, as_version=4), path


def test_large_outputs_do_not_grow_the_course(graded):
    _, path = autograded(graded, "large-outputs")
    assert path.stat().st_size < 1_200_000  # the sandbox keeps 1 MiB of what a notebook says


def test_what_was_locked_is_as_it_was_released(graded):
    notebook, _ = autograded(graded, "points-raised")
    cell = cell_called(notebook, "softmax")
    assert (cell.source, cell.metadata.nbgrader.points) == ('check("softmax")', 2)


def test_a_renamed_function_is_named_in_the_report(graded):
    notebook, _ = autograded(graded, "renamed")
    assert "softmax" in cell_called(notebook, "softmax").outputs[0].data["text/plain"]


def test_windows_line_ends_leave_no_trace(graded):
    notebook, _ = autograded(graded, "windows-line-ends")
    assert not any("\r" in cell.source for cell in notebook.cells)


def test_an_explanation_that_was_copied_is_read_once(graded):
    notebook, _ = autograded(graded, "explanation-copied")
    ids = [meta.get("grade_id") for _, meta in sets.nbgrader_cells(notebook)]
    assert ids.count("ps02-explain") == 1
