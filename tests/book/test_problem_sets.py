"""In the built book, lessons and problem sets lead to each other, and downloads are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autograder import sets
from tests.conftest import ROOT, missing

SITE = ROOT / "_build" / "html"


def text_of(page: str) -> str:
    path = SITE / page
    if not path.exists():
        missing("a built book (make book)")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sets.names())
def test_a_lesson_offers_its_set_and_the_set_leads_back(name: str):
    lesson = sets.lesson_of(name)
    text = text_of(f"lessons/{lesson}.html")
    assert f'href="../problem-sets/{name}.html"' in text
    downloads = re.findall(r'href="\.\./(_downloads/[^"]+\.ipynb)"', text)
    assert {Path(path).name for path in downloads} >= {f"{name}.ipynb", f"{lesson}.ipynb"}
    assert f'href="../lessons/{lesson}.html"' in text_of(f"problem-sets/{name}.html")
    for path in downloads:
        notebook = sets.read(SITE / path)
        if Path(path).name == f"{name}.ipynb":
            assert sets.leaks(sets.source(name), notebook) == []
            assert [meta["grade_id"] for _, meta in sets.nbgrader_cells(notebook)] == [
                meta["grade_id"] for _, meta in sets.nbgrader_cells(sets.student(name))
            ]
