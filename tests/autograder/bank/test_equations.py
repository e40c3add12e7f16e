"""The equations that the bank names stand in the lessons where it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autograder import bank
from autograder.bank.equations import HOME
from autograder.engine.render import lesson_words
from tests.conftest import ROOT


def labels(page: Path) -> set[str]:
    return set(re.findall(r"^\$\$ \((eq-[a-z0-9-]+)\)", page.read_text("utf-8"), re.MULTILINE))


def test_the_table_agrees_with_the_lessons():
    for label, lesson in HOME.items():
        assert label in labels(ROOT / "lessons" / f"{lesson}.md"), f"{label} is not in {lesson}"


@pytest.mark.parametrize("path", sorted((ROOT / "autograder" / "bank").glob("*.py")), ids=str)
def test_every_equation_a_bank_file_names_is_in_the_table(path: Path):
    named = set(re.findall(r'"(eq-[a-z0-9-]+)"', path.read_text(encoding="utf-8")))
    assert named <= set(HOME)


def test_a_step_points_back_to_the_lesson_where_the_equation_is():
    step = bank.get("softmax-jacobian")
    assert step.lesson == "14-autodiff"
    assert lesson_words(step.lesson, step.equation).startswith("lesson 4 (output delta)")
