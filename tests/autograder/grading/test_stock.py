"""What stock nbgrader gets wrong, and that we get it right, on the same notebooks.

Two sets: problem set 2, whose graded cells call `check`, and `classic`, written as courses usually
do, with assertions and hidden tests in a locked cell. Every student of `SUBMISSIONS` hands in once;
`nbgrader autograde` grades them with its own configuration, then `autograder grade` does.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from autograder.course import Course
from autograder.grading import batch
from autograder.grading.batch import Options
from autograder.sandbox.tiers import Tier

from .conftest import SOFTMAX, cell_of, code, hand_in, id_of, insert
from .test_tampering import WRONG

pytestmark = pytest.mark.slow

CLASSIC = "classic"
PATIENCE = 2
"""Seconds for a cell, in place of nbgrader's 30."""
LONG = 20_000_000


def classic_cell(grade_id: str, source: str, **about: Any) -> dict[str, Any]:
    empty = {"grade": False, "solution": False, "locked": False, "task": False}
    known = {"grade_id": grade_id, "schema_version": 3, "cell_type": "code", **empty, **about}
    return code(source, nbgrader=known)


SOLUTION = "    E = np.exp(Z - Z.max(axis=-1, keepdims=True))\n    return E / E.sum(axis=-1)"
CLASSIC_SET = {
    "cells": [
        classic_cell("classic-setup", "import numpy as np", locked=True),
        classic_cell(
            "classic-answer",
            f"def softmax(Z):\n    ### BEGIN SOLUTION\n{SOLUTION}\n    ### END SOLUTION",
            solution=True,
        ),
        classic_cell(
            "classic-test",
            "np.testing.assert_allclose(softmax(np.zeros(2)), [0.5, 0.5])\n"
            "### BEGIN HIDDEN TESTS\n"
            "np.testing.assert_allclose(softmax(np.log([1.0, 3.0])), [0.25, 0.75])\n"
            "### END HIDDEN TESTS",
            grade=True,
            locked=True,
            points=2,
        ),
        classic_cell(
            "classic-sum",
            "np.testing.assert_allclose(softmax(np.arange(3.0)).sum(), 1)",
            grade=True,
            locked=True,
            points=1,
        ),
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "P", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 4,
}

# --------------------------------------------------------------------------------------
# what the students do


def skipped(notebook):
    """Wrong, and the graded cell carries a tag that nbclient obeys."""
    cell_of(notebook, "softmax-answer")["source"] = "def softmax(Z):\n    return Z"
    cell_of(notebook, "softmax")["metadata"]["tags"] = ["skip-execution"]


def wrong_with(source):
    def change(notebook):
        cell = cell_of(notebook, "softmax-answer")
        cell["source"] = "".join(cell["source"]) + WRONG
        insert(notebook, "softmax", code(source))

    return change


AST = """import ast
class Full(ast.NodeTransformer):
    def visit_Call(self, node):
        self.generic_visit(node)
        check = getattr(node.func, "id", "") == "check"
        return ast.copy_location(ast.Constant(2.0), node) if check else node
get_ipython().ast_transformers.append(Full())"""

INPUT = """def rewrite(lines):
    return ["2.0"] if lines and lines[0].startswith("check(") else lines
get_ipython().input_transformers_post.append(rewrite)"""

CHECK = """import autograder
autograder.check = check = lambda *a: 2.0"""


def cell_before(source):
    return lambda notebook: insert(notebook, "softmax", code(source))


def cell_at_the_end(source):
    return lambda notebook: notebook["cells"].append(code(source))


C_LOOP = "import collections, itertools\ncollections.deque(itertools.repeat(0), maxlen=0)"

SUBMISSIONS = {
    "honest": lambda notebook: None,
    "skip-tag": skipped,
    "ast-transformer": wrong_with(AST),
    "input-transformer": wrong_with(INPUT),
    "another-check": wrong_with(CHECK),
    "c-loop": cell_at_the_end(C_LOOP),
    "exit": cell_at_the_end("import os\nos._exit(1)"),
    "long-line": cell_before(f"print('x' * {LONG})"),
}


def answer(notebook, old="", new="", head=""):
    cell = cell_of(notebook, "classic-answer")
    cell["source"] = head + f"def softmax(Z):\n{SOLUTION}".replace(old, new)


def patched(notebook):
    answer(notebook, "return E", "return 2 * E")
    insert(notebook, "classic-test", code("np.testing.assert_allclose = lambda *a, **k: None"))


CLASSIC_SUBMISSIONS = {
    "honest": answer,
    "patched": patched,
    "warns": lambda n: answer(
        n, "    return", "    warnings.warn('careful')\n    return", "import warnings\n"
    ),
    "prints": lambda n: answer(
        n, "    return", "    print('here', file=sys.stderr)\n    return", "import sys\n"
    ),
    "endless": lambda n: answer(n, "    return", "    while True: pass\n    return"),
}


# --------------------------------------------------------------------------------------
# both graders


def nbgrader(course: Course, *arguments: str) -> str:
    """Run nbgrader as it comes; return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course.root,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    return done.stdout + done.stderr


def score(course: Course, student: str, name: str = SOFTMAX) -> float | None:
    with Gradebook(course.gradebook_url) as book:
        found = {s.student.id: s.score for s in book.assignment_submissions(name)}
    return found.get(student)


def autograded(course: Course, student: str, name: str = SOFTMAX) -> Path:
    return course.root / "autograded" / student / name / f"{name}.ipynb"


@dataclass(frozen=True)
class Both:
    """The same course, graded by stock nbgrader and by us."""

    stock: Course
    ours: Course

    def scores(self, student: str, name: str = SOFTMAX) -> tuple[float | None, float | None]:
        return score(self.stock, student, name), score(self.ours, student, name)


@pytest.fixture(scope="module")
def released_both(released: Path, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """The two sets, released, in two courses: one keeps nothing of our configuration."""
    root = tmp_path_factory.mktemp("stock")
    ours, stock = Course(root / "ours"), Course(root / "stock")
    shutil.copytree(released, ours.root)
    source = ours.source(CLASSIC)
    source.parent.mkdir()
    source.write_text(json.dumps(CLASSIC_SET))
    said = nbgrader(ours, "generate_assignment", CLASSIC)
    assert ours.released(CLASSIC).exists(), said
    shutil.copytree(ours.root, stock.root)
    with (stock.root / "nbgrader_config.py").open("a") as config:
        config.write(f"del c.Autograde, c.Sandbox\nc.Execute.timeout = {PATIENCE}\n")
    return Both(stock, ours)


@pytest.fixture(scope="module")
def both(released_both, notebooks, sandbox, tmp_path_factory) -> Both:
    root = tmp_path_factory.mktemp("both")
    found = Both(Course(root / "stock"), Course(root / "ours"))
    shutil.copytree(released_both.stock.root, found.stock.root)
    shutil.copytree(released_both.ours.root, found.ours.root)
    classic = json.loads(found.ours.released(CLASSIC).read_text())
    for course in (found.stock, found.ours):
        for name, (notebook, students) in {
            SOFTMAX: (notebooks[SOFTMAX], SUBMISSIONS),
            CLASSIC: (classic, CLASSIC_SUBMISSIONS),
        }.items():
            for student, change in students.items():
                changed = copy.deepcopy(notebook)
                change(changed)
                hand_in(course, student, changed, name)
    for name in (SOFTMAX, CLASSIC):
        nbgrader(found.stock, "autograde", name, "--log-level=ERROR")
    batch.run(found.ours, Options(sets=(SOFTMAX, CLASSIC), workers=2), lambda: Tier.A)
    return found


def test_both_agree_about_the_honest(both):
    assert both.scores("honest") == (3, 3)
    assert both.scores("honest", CLASSIC) == (3, 3)


@pytest.mark.parametrize(
    "student", ["skip-tag", "ast-transformer", "input-transformer", "another-check"]
)
def test_a_wrong_answer_has_full_marks_there(both, student):
    assert both.scores(student) == (3, 1)
    notebook = json.loads(autograded(both.ours, student).read_text())
    assert all(set(cell["metadata"]) <= {"nbgrader", "deletable", "editable"}
               for cell in notebook["cells"])  # fmt: skip


def test_patched_assertions_have_full_marks_there(both, notebooks, grade):
    """With us where the bank judges; an instructor's own assertions share the student's process."""
    assert score(both.stock, "patched", CLASSIC) == 3
    changed = copy.deepcopy(notebooks[SOFTMAX])
    wrong_with("np.testing.assert_allclose = lambda *a, **k: None")(changed)
    result, _ = grade(changed)
    assert result["cells"]["softmax"]["score"] == 0


@pytest.mark.parametrize("student", ["c-loop", "exit"])
def test_what_ends_the_kernel_loses_the_whole_submission_there(both, student):
    assert both.scores(student) == (0, 3)
    assert not autograded(both.stock, student).exists()
    assert autograded(both.ours, student).exists()


@pytest.mark.parametrize("student", ["warns", "prints"])
def test_a_word_on_stderr_costs_all_points_there(both, student):
    assert both.scores(student, CLASSIC) == (0, 3)


def test_an_endless_loop_costs_the_time_out_in_every_cell_there(both, notebooks, grade):
    text = autograded(both.stock, "endless", CLASSIC).read_text()
    assert text.count('"ename": "CellTimeoutError"') == 2  # both cells that call it
    changed = copy.deepcopy(notebooks[SOFTMAX])
    cell_of(changed, "softmax-answer")["source"] = "def softmax(Z):\n    while True: pass"
    for cell in list(changed["cells"]):
        if not id_of(cell) and cell["cell_type"] == "code" and "softmax" in "".join(cell["source"]):
            changed["cells"].remove(cell)
    result, _ = grade(changed)
    cases = next(step for step in result["steps"] if step["step"] == "softmax")["cases"]
    assert len(cases) > 5
    assert result["seconds"] < 2 * PATIENCE  # all the calls together: one time-out


def test_a_long_line_ends_up_in_the_notebook_there(both):
    assert both.scores("long-line") == (3, 3)
    assert autograded(both.stock, "long-line").stat().st_size > LONG
    assert autograded(both.ours, "long-line").stat().st_size < 2 * 2**20


def test_feedback_shows_the_hidden_tests_there(both):
    nbgrader(both.stock, "generate_feedback", CLASSIC, "--student", "honest")
    page = both.stock.root / "feedback" / "honest" / CLASSIC / f"{CLASSIC}.html"
    text = page.read_text()
    assert "BEGIN HIDDEN TESTS" in text
    assert "0.75" in text
    # with us the locked cell is what it was, and the hidden cases are the course's secret
    notebook = json.loads(autograded(both.ours, "another-check").read_text())
    assert "".join(cell_of(notebook, "softmax")["source"]) == 'check("softmax")'
    assert both.ours.salt not in json.dumps(notebook)


# --------------------------------------------------------------------------------------
# the class and the day


def duplicated(notebook):
    notebook["cells"].append(copy.deepcopy(cell_of(notebook, "softmax")))


def renamed(notebook):
    cell_of(notebook, "softmax")["metadata"]["nbgrader"]["grade_id"] = "softmax-2"


def test_a_copied_cell_ends_the_run_for_all_after_it_and_a_renamed_one_loses_it(
    released_both, notebooks, sandbox, tmp_path
):
    found = Both(Course(tmp_path / "stock"), Course(tmp_path / "ours"))
    shutil.copytree(released_both.stock.root, found.stock.root)
    shutil.copytree(released_both.ours.root, found.ours.root)
    for course in (found.stock, found.ours):
        for student, change in {"a": renamed, "b": duplicated, "c": lambda _: None}.items():
            changed = copy.deepcopy(notebooks[SOFTMAX])
            change(changed)
            hand_in(course, student, changed)
    nbgrader(found.stock, "autograde", SOFTMAX)
    batch.run(found.ours, Options(), lambda: Tier.A)
    assert found.scores("a") == (0, 3)
    assert found.scores("b") == (0, 3)
    assert found.scores("c") == (None, 3)  # handed in what is right, and was never looked at


def start(command: list[str], course: Course) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=course.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def test_killed_in_the_middle_the_student_stays_at_zero_there(
    released_both, notebooks, sandbox, tmp_path
):
    found = Both(Course(tmp_path / "stock"), Course(tmp_path / "ours"))
    slow = copy.deepcopy(notebooks[SOFTMAX])
    insert(slow, "softmax", code("import time; time.sleep(1.5)"))
    commands = {
        "stock": [sys.executable, "-m", "nbgrader", "autograde", SOFTMAX],
        "ours": [sys.executable, "-m", "autograder.cli", "grade", SOFTMAX],
    }
    for name, command in commands.items():
        course: Course = getattr(found, name)
        shutil.copytree(getattr(released_both, name).root, course.root)
        hand_in(course, "anna", slow)
        process = start(command, course)
        end = time.monotonic() + 60
        if name == "stock":  # it enters the student before it runs the notebook
            while score(course, "anna") is None and time.monotonic() < end:
                time.sleep(0.1)
            while not autograded(course, "anna").exists() and time.monotonic() < end:
                time.sleep(0.01)
        else:  # we open the gradebook before it
            while not (course.root / ".autograder" / "lock").exists() and time.monotonic() < end:
                time.sleep(0.05)
            time.sleep(0.5)
        os.killpg(process.pid, 9)
        process.wait()
        subprocess.run(command, cwd=course.root, capture_output=True, check=False)
    assert found.scores("anna") == (0, 3)  # there, the next run skips what it finds begun
