"""Round trips with stock nbgrader: nothing of ours in its configuration but the words of the stub.

Slow, because nbgrader starts a process for every set and a kernel for every submission.
"""

from __future__ import annotations

import csv
import re
import shutil
from datetime import UTC, datetime, timedelta

import nbformat
import pytest

from autograder import sets
from autograder.course import Course
from autograder.release import release

from .conftest import cell_called, hand_in, nbgrader, scores, solved, stock

# The first test waits for 29 commands of nbgrader; on a busy machine that takes minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SOFTMAX, CHAIN = "ps02-softmax", "ps08-chain"

NAIVE_SOFTMAX = """\
def softmax(Z):
    E = np.exp(Z)
    return E / E.sum(axis=-1, keepdims=True)
"""
ONLY_THE_GRADIENT = """\
def chain_backward(w, cache, y, dg=d_sigmoid):
    z, a = cache
    L, dw, error = len(w), np.zeros(len(w)), a[-1] - y
    for k in reversed(range(L)):
        delta = error * dg(z[k])
        dw[k] = delta * a[k]
        error = w[k] * delta
    return dw, np.zeros(L), np.zeros(L)
"""
HANDED_IN = {name: {"solution": solved(name), "stub": sets.student(name)} for name in sets.names()}
HANDED_IN[SOFTMAX]["partial"] = solved(SOFTMAX, softmax_answer=NAIVE_SOFTMAX)
HANDED_IN[CHAIN]["partial"] = solved(CHAIN, chain_backward_answer=ONLY_THE_GRADIENT)


@pytest.fixture(scope="module")
def graded(template, tmp_path_factory) -> Course:
    """A course released, autograded and fed back by stock nbgrader commands alone."""
    root = tmp_path_factory.mktemp("stock") / "course"
    shutil.copytree(template, root)
    course = stock(Course(root))
    for name in (SOFTMAX, CHAIN):
        nbgrader(course, "generate_assignment", name)
    release(course, [name for name in HANDED_IN if name not in (SOFTMAX, CHAIN)])
    for name, submissions in HANDED_IN.items():
        for student, notebook in submissions.items():
            hand_in(course, student, name, sets.as_text(notebook))
        nbgrader(course, "autograde", name)
    return course


@pytest.mark.parametrize("name", [SOFTMAX, CHAIN])
def test_nbgrader_generates_what_we_release(graded, name):
    text = graded.released(name).read_text(encoding="utf-8")
    assert text == sets.as_text(sets.student(name))


@pytest.mark.parametrize("name", sets.names())
def test_solutions_get_all_points_and_stubs_none(graded, name):
    """The question for a person is not graded yet; everything else is."""
    found = scores(graded, name)
    assert found["solution"] == sets.points_of(sets.student(name)) - 2
    assert found["stub"] == 0


@pytest.mark.parametrize(("name", "points"), [(SOFTMAX, 1 + 1), (CHAIN, 1 + 1)])
def test_partial_answers_get_the_partial_points(graded, name, points):
    assert scores(graded, name)["partial"] == points


def test_no_cell_of_a_stub_crashes_the_notebook(graded):
    path = graded.root / "autograded" / "stub" / SOFTMAX / f"{SOFTMAX}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for step in ("one-hot", "softmax"):
        cell = cell_called(notebook, step)
        assert [output.output_type for output in cell.outputs] == ["display_data", "execute_result"]
        assert "not started" in cell.outputs[0].data["text/plain"]


def test_the_explanation_waits_for_a_person_and_counts_then(graded):
    from nbgrader.api import Gradebook

    with sets.tools_on_path(), Gradebook(graded.gradebook_url) as gradebook:
        grade = gradebook.find_grade("ps02-explain", SOFTMAX, SOFTMAX, "solution")
        assert grade.needs_manual_grade
        # an untouched answer needs nobody
        untouched = gradebook.find_grade("ps02-explain", SOFTMAX, SOFTMAX, "stub")
        assert (untouched.needs_manual_grade, untouched.score) == (False, 0)
        grade.manual_score = 1.5
        gradebook.db.commit()
        assert gradebook.find_submission(SOFTMAX, "solution").score == 4.5
        grade.manual_score = None
        gradebook.db.commit()


def test_feedback_is_a_page_with_the_report_of_the_check(graded):
    nbgrader(graded, "generate_feedback", SOFTMAX, "--student", "partial")
    page = graded.root / "feedback" / "partial" / SOFTMAX / f"{SOFTMAX}.html"
    text = page.read_text(encoding="utf-8")
    assert "no shift by the maximum" in text
    assert "softmax" in text


def test_grades_are_exported(graded):
    nbgrader(graded, "export")
    with (graded.root / "grades.csv").open(newline="") as file:
        rows = {(row["assignment"], row["student_id"]): row for row in csv.DictReader(file)}
    assert float(rows[SOFTMAX, "solution"]["score"]) == 3
    assert float(rows[SOFTMAX, "partial"]["raw_score"]) == 2
    assert float(rows[SOFTMAX, "stub"]["max_score"]) == 5


def test_lateness_and_extra_credit_stay_nbgraders(graded):
    from nbgrader.api import Gradebook

    with sets.tools_on_path(), Gradebook(graded.gradebook_url) as gradebook:
        assignment = gradebook.find_assignment(SOFTMAX)
        assignment.duedate = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=2)
        submission = gradebook.find_submission(SOFTMAX, "solution")
        submission.timestamp = datetime.now(UTC).replace(tzinfo=None)
        assert submission.total_seconds_late > 86_400
        submission.notebooks[0].late_submission_penalty = 1.0
        grade = gradebook.find_grade("softmax", SOFTMAX, SOFTMAX, "solution")
        grade.extra_credit = 0.5
        gradebook.db.commit()
        assert submission.score == 3.5
        assert submission.late_submission_penalty == 1.0


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ("solution", "Success! Your notebook passes all the tests."),
        ("partial", "VALIDATION FAILED ON 1 CELL(S)!"),
        ("stub", "VALIDATION FAILED ON 3 CELL(S)!"),  # the explanation is missing, too
    ],
)
def test_nbgrader_validate_says_what_a_student_should_see(graded, tmp_path, answers, said):
    path = tmp_path / f"{SOFTMAX}.ipynb"
    path.write_text(sets.as_text(HANDED_IN[SOFTMAX][answers]), encoding="utf-8")
    heard = nbgrader(graded, "validate", str(path), status=None)
    assert said in heard
    if answers == "partial":
        assert "Partial credit; passed some but not all of the tests" in heard
        assert 'check("softmax")' in heard
        assert 'check("one-hot")' not in heard
    # pyzmq's log of a kernel whose sockets close early is no traceback of the student's
    noise = re.compile(r"Uncaught exception in ZMQStream callback\s+Traceback.*", re.S)
    assert "Traceback" not in noise.sub("", heard)
