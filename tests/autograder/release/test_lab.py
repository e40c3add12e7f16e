"""`autograder work`: a student's folder is filled, and what they wrote is never touched."""

from __future__ import annotations

import json

import pytest

from autograder import lab, sets
from autograder.cli import main

NAME = "ps02-softmax"


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    lab.fill(folder)
    return folder


@pytest.fixture
def revise(monkeypatch):
    """Make a later version of one set."""

    def revise(word: str) -> None:
        released = sets.student(NAME)
        released.cells[0].source += f"\n\n{word}"
        text = sets.as_text(released)
        old = sets._student_text
        monkeypatch.setattr(
            sets, "_student_text", lambda name, book: text if name == NAME else old(name, book)
        )

    return revise


def files(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_all_sets_are_there_without_solutions(work):
    assert files(work) == [f"{name}.ipynb" for name in sets.names()]
    for name in sets.names():
        assert (work / f"{name}.ipynb").read_text(encoding="utf-8") == sets.as_text(
            sets.student(name)
        )


def test_the_second_time_nothing_happens(work):
    before = {path: path.stat().st_mtime_ns for path in work.glob("*.ipynb")}
    assert lab.fill(work) == ["nothing new: your notebooks are as you left them"]
    assert {path: path.stat().st_mtime_ns for path in work.glob("*.ipynb")} == before


def test_only_the_sets_that_are_asked_for(tmp_path):
    assert lab.fill(tmp_path / "work", [NAME]) == [f"put {NAME}.ipynb there"]
    assert files(tmp_path / "work") == [f"{NAME}.ipynb"]


def test_an_edited_notebook_without_a_new_release_is_left_alone(work):
    (work / f"{NAME}.ipynb").write_text("my answers")
    assert lab.fill(work) == ["nothing new: your notebooks are as you left them"]
    assert (work / f"{NAME}.ipynb").read_text() == "my answers"


def test_an_untouched_notebook_is_brought_up_to_date(work, revise):
    revise("Second edition.")
    (said,) = lab.fill(work)
    assert "up to date" in said
    assert "Second edition" in (work / f"{NAME}.ipynb").read_text(encoding="utf-8")
    assert len(files(work)) == len(sets.names())


def test_a_second_release_beside_an_edited_notebook_keeps_both_and_says_so(work, revise):
    (work / f"{NAME}.ipynb").write_text("my answers")
    revise("Second edition.")
    (said,) = lab.fill(work)
    assert f"kept {NAME}.ipynb as you left it" in said
    assert f"{NAME}-version-2.ipynb" in said
    assert (work / f"{NAME}.ipynb").read_text() == "my answers"
    assert "Second edition" in (work / f"{NAME}-version-2.ipynb").read_text(encoding="utf-8")
    assert lab.fill(work) == ["nothing new: your notebooks are as you left them"]


def test_a_third_release_beside_two_edited_ones_keeps_all_three(work, revise):
    (work / f"{NAME}.ipynb").write_text("my answers")
    revise("Second edition.")
    lab.fill(work)
    (work / f"{NAME}-version-2.ipynb").write_text("my new answers")
    revise("Third edition.")
    lab.fill(work)
    assert (work / f"{NAME}.ipynb").read_text() == "my answers"
    assert (work / f"{NAME}-version-2.ipynb").read_text() == "my new answers"
    assert "Third edition" in (work / f"{NAME}-version-3.ipynb").read_text(encoding="utf-8")


def test_an_untouched_second_version_is_replaced_by_the_third(work, revise):
    (work / f"{NAME}.ipynb").write_text("my answers")
    revise("Second edition.")
    lab.fill(work)
    revise("Third edition.")
    lab.fill(work)
    assert not (work / f"{NAME}-version-3.ipynb").exists()
    assert "Third edition" in (work / f"{NAME}-version-2.ipynb").read_text(encoding="utf-8")


def test_a_new_version_that_was_thrown_away_stays_away(work, revise):
    (work / f"{NAME}.ipynb").write_text("my answers")
    revise("Second edition.")
    lab.fill(work)
    (work / f"{NAME}-version-2.ipynb").unlink()
    lab.fill(work)
    assert not (work / f"{NAME}-version-2.ipynb").exists()


def test_a_deleted_notebook_comes_back_fresh(work):
    (work / f"{NAME}.ipynb").unlink()
    assert lab.fill(work) == [f"put {NAME}.ipynb there"]


@pytest.mark.parametrize("damage", ["", "not json", "[1, 2]"])
def test_without_its_memory_it_still_overwrites_nothing(work, damage):
    (work / lab.RECORD).write_text(damage)
    (work / f"{NAME}.ipynb").write_text("my answers")
    (said,) = lab.fill(work)
    assert (work / f"{NAME}.ipynb").read_text() == "my answers"
    assert f"{NAME}-version-2.ipynb" in said
    record = json.loads((work / lab.RECORD).read_text())
    assert len(record) == len(sets.names())


def test_a_notebook_that_jupyter_has_only_saved_again_counts_as_theirs(work, revise):
    path = work / f"{NAME}.ipynb"
    tree = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(tree, indent=2), encoding="utf-8")
    revise("Second edition.")
    lab.fill(work)
    assert "Second edition" not in path.read_text(encoding="utf-8")


def test_the_command_and_its_refusals(course, tmp_path, capsys):
    assert main(["work", str(tmp_path / "work"), NAME]) == 0
    assert f"put {NAME}.ipynb there" in capsys.readouterr().out
    assert main(["work", str(tmp_path / "work"), "ps99"]) == 1
    assert "there is no problem set 'ps99'" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["work", str(tmp_path / "file")]) == 1
    before = sorted(course.root.rglob("*"))
    assert main(["work", str(course.root)]) == 1
    assert sorted(course.root.rglob("*")) == before
