"""What a student must not get is refused, whichever way it got into the notebook."""

from __future__ import annotations

import nbformat
import pytest

from autograder import sets
from autograder.course import CourseError
from autograder.release import release

from .conftest import cell_called

NAME = "ps02-softmax"
LINE = "return powers / powers.sum(axis=-1, keepdims=True)"
SALT = "0123456789abcdef" * 4


@pytest.fixture
def full():
    return sets.source(NAME)


@pytest.fixture
def released():
    return sets.student(NAME)


def test_a_clean_notebook_has_no_leak(full, released):
    assert sets.leaks(full, released, SALT) == []


@pytest.mark.parametrize("cell_type", ["code", "markdown"])
@pytest.mark.parametrize("text", [LINE, f"x = 1\n    {LINE}", f"# {LINE}"])
def test_a_line_of_the_solution_is_found(full, released, cell_type, text):
    make = nbformat.v4.new_code_cell if cell_type == "code" else nbformat.v4.new_markdown_cell
    released.cells.append(make(text))
    assert any(LINE in found for found in sets.leaks(full, released))


def test_a_line_of_the_model_answer_is_found(full, released):
    model = cell_called(full, "ps02-explain").source.splitlines()[1]
    released.cells[0].source += "\n\n" + model
    assert any("Model answer" in found for found in sets.leaks(full, released))


def test_a_solution_that_the_author_wrote_elsewhere_too_is_found(full):
    """A copy in an example cell is in the source, so it is no line of the solution alone."""
    answer = cell_called(full, "softmax-answer").source
    full.cells.append(
        nbformat.v4.new_code_cell(answer.replace(sets.BEGIN, "").replace(sets.END, ""))
    )
    assert sets.leaks(full, sets.student_version(full))


def test_a_whole_answer_of_one_line_is_found_as_well():
    full = sets.source("ps13-deep")
    line = "return dout * mask / (1.0 - p_drop)"
    assert line in cell_called(full, "dropout-answer").source
    full.cells.append(nbformat.v4.new_markdown_cell(f"Hint:\n\n    {line}"))
    assert any(line in found for found in sets.leaks(full, sets.student_version(full)))


def test_a_solution_in_the_metadata_is_found(full, released):
    released.metadata["note"] = LINE
    assert any("metadata" in found for found in sets.leaks(full, released))


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ("### BEGIN SOLUTION", "solution marker"),
        ("### END SOLUTION", "solution marker"),
        ("### BEGIN HIDDEN TESTS\nassert True\n### END HIDDEN TESTS", "hidden tests"),
        ("=== BEGIN MARK SCHEME ===", "marking scheme"),
    ],
)
def test_markers_are_found(full, released, planted, said):
    released.cells[-1].source += "\n" + planted
    assert any(said in found for found in sets.leaks(full, released))


def test_outputs_are_found(full, released):
    check = cell_called(released, "softmax")
    check.outputs = [nbformat.v4.new_output("stream", text="2.0")]
    assert any("softmax has outputs" in found for found in sets.leaks(full, released))
    check.outputs, check.execution_count = [], 7
    assert any("softmax has outputs" in found for found in sets.leaks(full, released))


@pytest.mark.parametrize("where", ["source", "metadata"])
def test_the_salt_is_found(full, released, where):
    if where == "source":
        released.cells[0].source += SALT
    else:
        released.cells[0].metadata["x"] = SALT
    assert any("secret salt" in found for found in sets.leaks(full, released, SALT))


# --------------------------------------------------------------------------------------
# the same on the way from source/ to release/


def edit(course, change):
    """Change the instructor's notebook by hand."""
    notebook = sets.read(course.source(NAME))
    change(notebook)
    course.source(NAME).write_text(sets.as_text(notebook), encoding="utf-8")


def append(text, **metadata):
    return lambda notebook: notebook.cells.append(
        nbformat.v4.new_code_cell(text, metadata=metadata)
    )


def copy_the_answer(notebook):
    answer = cell_called(notebook, "softmax-answer").source
    append(answer.replace("### BEGIN SOLUTION", "").replace("### END SOLUTION", ""))(notebook)


def refused(course, *said):
    before = sorted((course.root / "release").rglob("*"))
    with pytest.raises(CourseError, match="was not released") as problem:
        release(course, [NAME])
    for words in said:
        assert words in str(problem.value)
    assert sorted((course.root / "release").rglob("*")) == before


def test_release_refuses_a_copy_of_the_solution(course):
    edit(course, copy_the_answer)
    refused(course, "shows the solution")


def test_release_refuses_hidden_tests_that_nbgrader_would_not_take_out(course):
    edit(course, append("### BEGIN HIDDEN TESTS\nassert True\n### END HIDDEN TESTS"))
    refused(course, "idden test")


def test_release_takes_hidden_tests_out_where_nbgrader_knows_them(course):
    meta = {
        "grade": True, "grade_id": "more", "locked": True, "points": 1, "schema_version": 3,
        "solution": False, "task": False,
    }  # fmt: skip
    text = "assert True\n### BEGIN HIDDEN TESTS\nassert 7 * 6 == 42\n### END HIDDEN TESTS"
    edit(course, append(text, nbgrader=meta))
    release(course, [NAME])
    assert "7 * 6" not in course.released(NAME).read_text(encoding="utf-8")


def test_release_refuses_when_other_markers_are_configured(course):
    """nbgrader would then leave our solutions where they are."""
    config = course.root / "nbgrader_config.py"
    with config.open("a", encoding="utf-8") as file:
        file.write("c.ClearSolutions.begin_solution_delimeter = 'HERE IT BEGINS'\n")
        file.write("c.ClearSolutions.end_solution_delimeter = 'HERE IT ENDS'\n")
        file.write("c.ClearSolutions.enforce_metadata = False\n")
    notebook = sets.read(course.source(NAME))
    with_marks = sets.as_text(notebook).replace(
        "### BEGIN SOLUTION", "# HERE IT BEGINS\\n    # HERE IT ENDS\\n    ### BEGIN SOLUTION"
    )
    course.source(NAME).write_text(with_marks, encoding="utf-8")
    refused(course, "solution")


def test_release_refuses_outputs_that_are_kept_by_configuration(course):
    def with_output(notebook):
        cell_called(notebook, "softmax").outputs = [nbformat.v4.new_output("stream", text="2.0")]

    edit(course, with_output)
    release(course, [NAME])  # nbgrader clears them
    config = course.root / "nbgrader_config.py"
    with config.open("a", encoding="utf-8") as file:
        file.write(
            "from nbgrader.preprocessors import ClearSolutions, LockCells, ComputeChecksums, "
            "SaveCells, CheckCellMetadata\n"
            "c.GenerateAssignment.preprocessors = [LockCells, ClearSolutions, CheckCellMetadata, "
            "ComputeChecksums, SaveCells]\n"
        )
    refused(course, "has outputs")


def test_release_refuses_the_salt_in_a_notebook_and_in_a_file_beside_it(course):
    (course.source(NAME).parent / "data.txt").write_text(f"seed: {course.salt}")
    refused(course, "secret salt", "data.txt")
    (course.source(NAME).parent / "data.txt").unlink()
    edit(course, append(f"seed = '{course.salt}'"))
    refused(course, "secret salt")


def test_one_leak_stops_the_release_of_all(course):
    edit(course, copy_the_answer)
    with pytest.raises(CourseError):
        release(course, ["ps01-neuron", NAME])
    assert not course.released(NAME).exists()
