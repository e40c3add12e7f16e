"""`autograder init`: nbgrader's layout, a secret, and nothing overwritten."""

from __future__ import annotations

import contextlib
import os
import stat

import pytest

from autograder import sets
from autograder.cli import main
from autograder.course import Course, CourseError, initialise, make_salt


def test_a_new_course_has_nbgraders_layout_and_all_sources(course):
    for part in ("source", "release", "submitted", "autograded", "feedback"):
        assert (course.root / part).is_dir()
    for name in sets.names():
        assert sets.as_text(sets.source(name)) == course.source(name).read_text(encoding="utf-8")
    assert (course.root / "gradebook.db").stat().st_size > 0
    assert course.nbgrader_config().CourseDirectory.course_id == "course"


def test_the_gradebook_opens(course):
    from nbgrader.api import Gradebook

    with sets.tools_on_path(), Gradebook(course.gradebook_url) as gradebook:
        assert gradebook.assignments == []


def test_the_second_time_nothing_happens(course):
    before = {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()}
    assert initialise(course.root) == ["everything is up to date"]
    assert {p: p.read_bytes() for p in course.root.rglob("*") if p.is_file()} == before


def test_other_files_and_an_edited_configuration_are_kept(course):
    (course.root / "nbgrader_config.py").write_text("c = get_config()\n")
    (course.root / "submitted" / "ada").mkdir()
    (course.root / "notes.txt").write_text("mine")
    (course.source("ps01-neuron").parent / "picture.png").write_bytes(b"x")
    initialise(course.root)
    assert (course.root / "nbgrader_config.py").read_text() == "c = get_config()\n"
    assert (course.root / "notes.txt").read_text() == "mine"
    assert (course.source("ps01-neuron").parent / "picture.png").exists()


# --------------------------------------------------------------------------------------
# sources


@pytest.fixture
def newer(course, tmp_path, monkeypatch):
    """A later version of the course, in which one set has changed."""
    home = tmp_path / "solutions"
    home.mkdir()
    for name in sets.names():
        text = sets.path_of(name).read_text(encoding="utf-8")
        if name == "ps02-softmax":
            text = text.replace("One-hot targets and softmax", "Softmax, revised")
        (home / f"{name}.md").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sets, "home", lambda: home)
    return course


def test_a_source_nobody_edited_is_brought_up_to_date(newer):
    assert initialise(newer.root) == ["updated source/ps02-softmax/ps02-softmax.ipynb"]
    assert "revised" in newer.source("ps02-softmax").read_text(encoding="utf-8")


def test_an_edited_source_is_kept_and_the_new_one_put_beside(newer):
    path = newer.source("ps02-softmax")
    path.write_text(path.read_text(encoding="utf-8").replace("Room to play", "Play"))
    mine = path.read_bytes()
    (said,) = initialise(newer.root)
    assert said.startswith("kept source/ps02-softmax")
    assert path.read_bytes() == mine
    beside = newer.ours / "new" / "ps02-softmax.ipynb"
    assert "revised" in beside.read_text(encoding="utf-8")
    assert initialise(newer.root) == ["everything is up to date"]  # it is said once
    assert path.read_bytes() == mine


def test_an_edited_source_with_nothing_new_from_us_is_kept_in_silence(course):
    path = course.source("ps02-softmax")
    path.write_text(path.read_text(encoding="utf-8").replace("Room to play", "Play"))
    mine = path.read_bytes()
    assert initialise(course.root) == ["everything is up to date"]
    assert path.read_bytes() == mine


def test_a_deleted_source_comes_back(course):
    course.source("ps02-softmax").unlink()
    assert initialise(course.root) == ["wrote source/ps02-softmax/ps02-softmax.ipynb"]


# --------------------------------------------------------------------------------------
# the secret

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@posix
def test_a_first_init_says_all_it_does_and_keeps_the_secret_from_others(tmp_path):
    before = os.umask(0)
    try:
        said = "\n".join(initialise(tmp_path / "course"))
    finally:
        os.umask(before)
    for words in ("nbgrader_config.py", "secret", "source/ps01-neuron", "gradebook.db"):
        assert words in said
    course = Course(tmp_path / "course")
    assert mode(course.salt_file) == 0o600
    assert mode(course.ours) == 0o700
    assert len(course.salt) == 64


@posix
def test_a_secret_that_others_can_read_is_closed_again(course):
    course.salt_file.chmod(0o644)
    salt = course.salt
    assert any("closed" in line for line in initialise(course.root))
    assert mode(course.salt_file) == 0o600
    assert course.salt == salt


def test_the_secret_stays_the_same_and_differs_between_courses(course, tmp_path):
    salt = course.salt
    initialise(course.root)
    assert course.salt == salt
    assert make_salt(tmp_path / "salt")
    assert (tmp_path / "salt").read_text().strip() != salt


def test_a_lost_secret_is_an_error_with_advice(course):
    course.salt_file.unlink()
    with pytest.raises(CourseError, match="backup"):
        _ = course.salt


# --------------------------------------------------------------------------------------
# places


def test_a_folder_with_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(CourseError, match="not empty"):
        initialise(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["thesis.tex"]


def test_an_empty_folder_is_taken_and_a_file_refused(tmp_path, monkeypatch):
    (tmp_path / "course").mkdir()
    monkeypatch.setattr("nbgrader.api.Gradebook", lambda _: contextlib.nullcontext())
    initialise(tmp_path / "course")
    assert Course(tmp_path / "course").source("ps01-neuron").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match="is a file"):
        initialise(tmp_path / "file")


def test_a_course_is_found_from_inside_and_missed_outside(course, tmp_path):
    assert Course.find(course.source("ps01-neuron").parent) == course
    with pytest.raises(CourseError, match="autograder init"):
        Course.find(tmp_path)


def test_the_command_says_a_mistake_in_one_line(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("x")
    assert main(["init", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("autograder: ")
    assert said.count("\n") == 1
