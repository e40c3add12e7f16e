"""The equations that the bank names stand in the lessons where it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autograder import bank
from autograder.bank.equations import EQUATIONS, HOME
from autograder.engine.render import lesson_words
from tests.conftest import ROOT


def sections(page: Path) -> dict[str, str]:
    """Each labelled equation of a page with the heading above it."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    found, heading = {}, ""
    for title, label in re.findall(r"^#{2,3} (.+)$|^\$\$ \((eq-[a-z0-9-]+)\)", text, re.MULTILINE):
        if label:
            found[label] = heading
        heading = title or heading
    return found


@pytest.mark.parametrize("lesson", EQUATIONS)
def test_the_table_agrees_with_the_lessons(lesson: str):
    there = sections(ROOT / "lessons" / f"{lesson}.md")
    for heading, names in EQUATIONS[lesson].items():
        for name in names.split():
            assert there.get(f"eq-{name}") == heading, f"eq-{name} of {lesson}"


@pytest.mark.parametrize("path", sorted((ROOT / "solutions").glob("*.md")), ids=str)
def test_every_equation_a_problem_set_links_to_is_in_the_table(path: Path):
    linked = re.findall(r"lessons/([\w-]+)\.md#equation-([\w-]+)", path.read_text("utf-8"))
    assert linked
    for lesson, label in linked:
        assert HOME[label] == lesson


@pytest.mark.parametrize("path", sorted((ROOT / "autograder" / "bank").glob("*.py")), ids=str)
def test_every_equation_a_bank_file_names_is_in_the_table(path: Path):
    named = set(re.findall(r'"(eq-[a-z0-9-]+)"', path.read_text(encoding="utf-8")))
    assert named <= set(HOME)


def test_a_step_points_back_to_the_lesson_where_the_equation_is():
    step = bank.get("softmax-jacobian")
    assert step.lesson == "14-autodiff"
    assert lesson_words(step.lesson, step.equation).startswith("lesson 4 (output delta)")
