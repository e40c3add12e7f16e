"""In a browser: a set in JupyterLab and Notebook 7, and formgrader on a graded course."""

from __future__ import annotations

import csv
import re
import shutil
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from autograder import lab, sets
from autograder.course import Course
from autograder.release import release

from .conftest import cell_called, hand_in, nbgrader, require_sandbox, solved, stock

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NAME = "ps02-softmax"


# --------------------------------------------------------------------------------------
# the student


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """What `autograder work` makes, and a solved set beside it."""
    folder: Path = tmp_path_factory.mktemp("student") / "work"
    lab.fill(folder, [NAME])
    (folder / "solved.ipynb").write_text(sets.as_text(solved(NAME)), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("module", "page_of"),
    [
        # a workspace for each notebook, or JupyterLab opens the other one in a tab again
        ("jupyterlab", "{0}/lab/workspaces/{1}/tree/{1}.ipynb"),
        ("notebook", "{0}/notebooks/{1}.ipynb"),
    ],
    ids=["jupyterlab", "notebook"],
)
def test_a_set_opens_and_runs(jupyter, module, page_of, work, browser, tmp_path):
    with jupyter(module, work, tmp_path) as address:
        for name, points in ((NAME, ["0.0", "0.0"]), ("solved", ["1.0", "2.0"])):
            context = browser.new_context(viewport={"width": 1300, "height": 6000})
            page = context.new_page()
            page.goto(page_of.format(address, name))
            cells = page.locator(".jp-Notebook .jp-CodeCell")
            cells.first.wait_for(timeout=90_000)
            # "run all" before the kernel is there asks which kernel to take
            kernel = page.locator(".jp-Toolbar-kernelName", has_text="Python 3 (ipykernel)")
            kernel.first.wait_for(timeout=90_000)
            idle = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
            page.wait_for_selector(idle, state="attached", timeout=90_000)
            page.get_by_role("menuitem", name="Run", exact=True).click()
            page.get_by_role("menuitem", name=re.compile("^Run All Cells")).click()
            notebook = saved(page, work / f"{name}.ipynb")
            context.close()
            for grade_id, expected in zip(("one-hot", "softmax"), points, strict=True):
                report, result = cell_called(notebook, grade_id).outputs
                assert result.data["text/plain"] == expected
                said = "passed" if name == "solved" else "not started"
                assert said in report.data["text/plain"]
            # what nbgrader needs has survived
            known = [meta for _, meta in sets.nbgrader_cells(notebook)]
            assert known == [meta for _, meta in sets.nbgrader_cells(sets.student(NAME))]


def saved(page: Any, path: Path) -> Any:
    """Save until the last cell has run, and return the file.

    The cells that call a missing answer raise, and "run all" goes on behind them.
    """
    for _ in range(120):
        page.get_by_role("menuitem", name="File", exact=True).click()
        save = page.get_by_role("menuitem", name=re.compile("^Save Notebook(?! As)")).first
        save.wait_for()
        if save.get_attribute("aria-disabled") == "true":  # while the notebook settles
            page.keyboard.press("Escape")
        else:
            save.click()
        page.wait_for_timeout(500)
        notebook = sets.read(path)
        last = [cell for cell in notebook.cells if cell.cell_type == "code"][-1]
        if last.outputs:
            return notebook
    pytest.fail("the last cell has not run")


# --------------------------------------------------------------------------------------
# the instructor


@pytest.fixture(scope="module")
def graded(template, tmp_path_factory) -> Course:
    """Two students, one of them late, graded by stock nbgrader with a penalty for lateness."""
    from nbgrader.api import Gradebook

    root = tmp_path_factory.mktemp("formgrader") / "course"
    shutil.copytree(template, root)
    course = stock(Course(root))
    with (root / "nbgrader_config.py").open("a", encoding="utf-8") as config:
        config.write("\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    release(course, [NAME])
    with sets.tools_on_path(), Gradebook(course.gradebook_url) as gradebook:
        gradebook.update_or_create_assignment(NAME, duedate=datetime(2030, 1, 2))
    for student, when in (("ada", "2030-01-01 12:00:00 UTC"), ("bob", "2030-01-03 12:00:00 UTC")):
        path = hand_in(course, student, NAME, sets.as_text(solved(NAME)))
        (path.parent / "timestamp.txt").write_text(when)
    nbgrader(course, "autograde", NAME)
    return course


def test_formgrader_shows_the_course_and_takes_a_grade_by_hand(jupyter, graded, browser, tmp_path):
    from nbgrader.api import Gradebook

    with sets.tools_on_path(), Gradebook(graded.gradebook_url) as gradebook:
        submitted = gradebook.find_submission_notebook(NAME, NAME, "ada").id
    with jupyter("jupyter_server", graded.root, tmp_path) as address:
        page = browser.new_page()

        page.goto(f"{address}/formgrader/manage_assignments")
        row = page.locator("tr", has=page.locator("td", has_text=re.compile(f"^{NAME}$")))
        row.first.wait_for(timeout=60_000)
        assert "2" in row.first.inner_text()  # submissions

        page.goto(f"{address}/formgrader/gradebook")
        row = page.locator("tr", has_text=NAME)
        row.first.wait_for(timeout=60_000)

        page.goto(f"{address}/formgrader/gradebook/{NAME}/{NAME}")
        page.locator("tr", has_text="Submission #2").wait_for(timeout=60_000)

        page.goto(f"{address}/formgrader/submissions/{submitted}")
        score = page.locator("input.score#ps02-explain")
        score.wait_for(timeout=60_000)
        assert page.locator("input.score").count() == 3
        assert "Model answer" in page.locator("body").inner_text()  # what was handed in
        page.wait_for_function("document.querySelector('input.score').placeholder !== ''")
        score.fill("1.5")
        score.press("Tab")
        for _ in range(100):
            with sets.tools_on_path(), Gradebook(graded.gradebook_url) as gradebook:
                grade = gradebook.find_grade("ps02-explain", NAME, NAME, "ada")
                if grade.manual_score == 1.5:
                    break
            time.sleep(0.1)
        else:
            pytest.fail("the grade did not arrive in the gradebook")

        page.close()

    with sets.tools_on_path(), Gradebook(graded.gradebook_url) as gradebook:
        assert gradebook.find_submission(NAME, "ada").score == 4.5
        bob = gradebook.find_submission(NAME, "bob")
        assert (bob.score, bob.late_submission_penalty) == (3, 3)


@pytest.fixture
def late(template, tmp_path) -> Course:
    """A course as `init` makes it, with the example of its configuration switched on.

    Somebody handed in a day and a half after the date, and nothing is graded yet.
    """
    from nbgrader.api import Gradebook

    shutil.copytree(template, tmp_path / "course")
    course = Course(tmp_path / "course")
    config = course.root / "nbgrader_config.py"
    text = config.read_text(encoding="utf-8")
    start = text.index("# from nbgrader.plugins import")
    stop = text.index("#\n# The penalty is entered")
    example = re.sub("^# ?", "", text[start:stop], flags=re.MULTILINE)
    config.write_text(text[:start] + example + text[stop:], encoding="utf-8")
    release(course, [NAME])
    with sets.tools_on_path(), Gradebook(course.gradebook_url) as gradebook:
        gradebook.update_or_create_assignment(NAME, duedate=datetime(2030, 1, 2))
    path = hand_in(course, "bob", NAME, sets.as_text(solved(NAME)))
    (path.parent / "timestamp.txt").write_text("2030-01-03 12:00:00 UTC")
    return course


def test_formgraders_buttons_take_off_what_lateness_costs_and_show_it(
    jupyter, late, browser, tmp_path
):
    """Its autograde button runs the sandbox; its tables show the points before the penalty."""
    from nbgrader.api import Gradebook

    require_sandbox()
    with jupyter("jupyter_server", late.root, tmp_path) as address:
        page = browser.new_page()
        page.goto(f"{address}/formgrader/manage_submissions/{NAME}")
        row = page.locator("tr", has=page.locator(".student-id", has_text="bob"))
        row.wait_for(timeout=60_000)
        assert "2030-01-03" in row.locator(".timestamp").inner_text()
        assert "needs autograding" in row.inner_text()
        for button in (".autograde", ".generate-feedback"):
            row.locator(f"{button} a").click()
            done = page.locator("#success-modal, #error-modal")
            done.wait_for(timeout=120_000)
            assert "Success" in done.inner_text()
            done.get_by_role("button", name="Close").last.click()
            done.wait_for(state="detached")
            row.locator(".score", has_text="3 / 5").wait_for()

        page.goto((late.root / "feedback" / "bob" / NAME / f"{NAME}.html").as_uri())
        shown = page.locator("li.late-penalty")
        shown.wait_for()
        assert shown.inner_text() == "Late submission penalty (Score: -1.0)"
        page.close()

    with sets.tools_on_path(), Gradebook(late.gradebook_url) as gradebook:
        bob = gradebook.find_submission(NAME, "bob")
        assert (bob.score, bob.late_submission_penalty) == (3, 1)
    nbgrader(late, "export")
    with (late.root / "grades.csv").open(newline="") as file:
        (row,) = [r for r in csv.DictReader(file) if r["student_id"] == "bob"]
    assert (float(row["raw_score"]), float(row["score"])) == (3, 2)


def test_what_lateness_cost_is_in_the_feedback_and_in_the_export(graded):
    nbgrader(graded, "generate_feedback", NAME, "--student", "bob")
    page = graded.root / "feedback" / "bob" / NAME / f"{NAME}.html"
    assert "Late submission penalty (Score: -3.0)" in page.read_text(encoding="utf-8")
    nbgrader(graded, "export")
    with (graded.root / "grades.csv").open(newline="") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores["bob"] == 0
    assert scores["ada"] >= 3
