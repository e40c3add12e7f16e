"""`autograder release`: nbgrader's own student version, in the gradebook and in a zip."""

from __future__ import annotations

import zipfile

import nbformat
import pytest
from nbclient import NotebookClient

from autograder import sets
from autograder.course import CourseError
from autograder.release import release

NAME = "ps02-softmax"


def test_the_released_notebook_is_the_one_made_in_memory(course):
    """The book and the students' work folder use `sets.student`, which needs no gradebook."""
    release(course, [NAME])
    assert course.released(NAME).read_text(encoding="utf-8") == sets.as_text(sets.student(NAME))


def test_the_gradebook_knows_the_cells_and_the_points(course):
    from nbgrader.api import Gradebook

    assert release(course, [NAME]) == [f"released {NAME}: 5 points, release/{NAME}.zip"]
    with sets.tools_on_path(), Gradebook(course.gradebook_url) as gradebook:
        notebook = gradebook.find_notebook(NAME, NAME)
        assert notebook.max_score == 5
        assert {cell.name for cell in notebook.grade_cells} == {
            "one-hot",
            "softmax",
            "ps02-explain",
        }


def test_an_instructors_edit_is_released(course):
    notebook = sets.read(course.source(NAME))
    notebook.cells[0].source += "\n\nHand in by Friday."
    course.source(NAME).write_text(sets.as_text(notebook), encoding="utf-8")
    release(course, [NAME])
    assert "by Friday" in course.released(NAME).read_text(encoding="utf-8")


def test_a_set_can_be_released_again(course):
    release(course, [NAME])
    first = (course.root / "release" / f"{NAME}.zip").read_bytes()
    release(course, [NAME])
    assert (course.root / "release" / f"{NAME}.zip").read_bytes() == first


def test_an_unknown_set_is_refused_with_the_known_ones(course):
    with pytest.raises(CourseError, match="ps01-neuron"):
        release(course, ["ps99-nothing"])


def test_a_broken_source_is_a_sentence(course):
    text = course.source(NAME).read_text(encoding="utf-8").replace("### END SOLUTION", "")
    course.source(NAME).write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match="nbgrader says: no end solution"):
        release(course, [NAME])


def test_the_zip_opens_anywhere_and_its_notebook_runs(course, tmp_path):
    (course.source(NAME).parent / "data.csv").write_text("1,2\n")
    release(course, [NAME])
    elsewhere = tmp_path / "some where else"
    with zipfile.ZipFile(course.root / "release" / f"{NAME}.zip") as pack:
        assert pack.testzip() is None
        assert set(pack.namelist()) == {
            f"{NAME}/{file}" for file in (f"{NAME}.ipynb", "README.txt", "data.csv")
        }
        pack.extractall(elsewhere)
    path = elsewhere / NAME / f"{NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    NotebookClient(
        notebook, timeout=60, allow_errors=True, resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    checks = [c for c in notebook.cells if c.cell_type == "code" and c.source.startswith("check(")]
    assert len(checks) == 2
    for cell in checks:  # what a student sees first: a report, and no points yet
        kinds = [output.output_type for output in cell.outputs]
        assert kinds == ["display_data", "execute_result"]
        assert "not started" in cell.outputs[0].data["text/plain"]
        assert cell.outputs[1].data["text/plain"] == "0.0"
