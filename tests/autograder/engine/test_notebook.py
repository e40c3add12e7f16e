"""`check` inside a real kernel, as the last line of an nbgrader test cell."""

import logging

import nbformat
import pytest
from nbclient import NotebookClient
from nbgrader.utils import determine_grade

GRADE = {"grade": True, "solution": False, "locked": True, "grade_id": "x", "points": 2}

SETUP = "import time\nimport numpy as np\nfrom autograder import check"
NAIVE = "def softmax(Z):\n    return np.exp(Z) / np.exp(Z).sum(axis=-1, keepdims=True)"
RIGHT = (
    "def softmax(Z):\n    E = np.exp(Z - Z.max(axis=-1, keepdims=True))\n"
    "    return E / E.sum(axis=-1, keepdims=True)"
)
SLEEPS = "def softmax(Z):\n    time.sleep(60)"
STUB = "def softmax(Z):\n    raise NotImplementedError"
CALL = "check('softmax', softmax)"


@pytest.fixture(scope="module")
def cells():
    sources = [SETUP]
    for answer in (NAIVE, RIGHT, SLEEPS, STUB):
        sources += [answer, CALL]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "", "language": "python"}
    NotebookClient(notebook, timeout=60).execute()
    found = notebook.cells[2::2]
    for cell in found:
        cell.metadata["nbgrader"] = dict(GRADE)
    return dict(zip(("naive", "right", "sleeps", "stub"), found, strict=True))


@pytest.mark.parametrize(
    ("answer", "points"), [("naive", 1.0), ("right", 2.0), ("sleeps", 0.0), ("stub", 0.0)]
)
def test_stock_nbgrader_reads_the_points_from_the_cell(cells, answer, points):
    assert determine_grade(cells[answer], logging.getLogger()) == (points, 2.0)


def test_the_cell_shows_html_and_text_and_nothing_on_the_error_stream(cells):
    for cell in cells.values():
        kinds = [output.output_type for output in cell.outputs]
        assert kinds == ["display_data", "execute_result"]
        assert set(cell.outputs[0].data) == {"text/html", "text/plain"}


def test_the_line_of_a_notebook_cell_is_shown(cells):
    assert "in line 2, `return np.exp(Z)" in cells["naive"].outputs[0].data["text/plain"]


def test_a_sleeping_answer_ends_with_a_message(cells):
    assert "gave no answer in time" in cells["sleeps"].outputs[0].data["text/plain"]
