"""The table of what is treated where: complete, and every place exists."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
import yaml

import mlp_lib
from tests.conftest import ROOT, missing

LESSONS = ROOT / "lessons"
SITE = ROOT / "_build" / "html" / "lessons"
TABLE = yaml.safe_load((LESSONS / "coverage.yml").read_text(encoding="utf-8"))
SIZES = {"A": 33, "B": 11, "C": 8, "D": 8, "E": 11, "F": 20, "G": 7, "H": 15}
TREATMENTS = {"implemented", "demonstrated", "explained", "linked"}

ROWS: list[dict[str, Any]] = [
    *TABLE["topics"],
    *(row for group in TABLE["groups"].values() for row in group["rows"]),
]


def label_pages() -> dict[str, str]:
    """Which page has a label that a reference can show: of a heading or of an equation."""
    found = {}
    for page in LESSONS.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for label in re.findall(r"^\(([a-z0-9-]+)\)=\n(?=#+ )", text, re.MULTILINE):
            found[label] = page.stem
        for label in re.findall(r"^\$\$ \((eq-[a-z0-9-]+)\)$", text, re.MULTILINE):
            found[label] = page.stem
    return found


PAGE_OF = label_pages()


def test_every_system_and_every_topic_has_one_row():
    wanted = [f"{group}{k}" for group, size in SIZES.items() for k in range(1, size + 1)]
    assert len(wanted) == 113
    wanted += [f"T{k}" for k in range(1, 39)]
    counts = Counter(row["id"] for row in ROWS)
    assert sorted(counts) == sorted(wanted)
    assert [name for name, count in counts.items() if count > 1] == []


def test_a_row_stands_in_its_group():
    for letter, group in TABLE["groups"].items():
        ids = [row["id"] for row in group["rows"]]
        assert ids == [f"{letter}{k}" for k in range(1, SIZES[letter] + 1)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_row_leads_to_places_that_exist(row: dict[str, Any]):
    assert set(row) <= {"id", "what", "how", "at", "code"}
    assert row["what"]
    assert row["how"] in TREATMENTS
    assert row["at"]
    nowhere = [label for label in row["at"] if label not in PAGE_OF]
    assert nowhere == [], f"no heading or equation in lessons/*.md has the label {nowhere}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_what_is_implemented_is_in_the_library(row: dict[str, Any]):
    assert (row["how"] == "implemented") == bool(row.get("code"))
    assert [
        name for name in row.get("code", []) if not callable(getattr(mlp_lib, name, None))
    ] == []


def test_the_page_shows_every_group():
    text = (LESSONS / "coverage.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```\{coverage\} (\w+)$", text, re.MULTILINE)
    assert shown == ["topics", *SIZES]


def test_the_built_pages_have_the_places():
    if not (SITE / "coverage.html").exists():
        missing("a built book (make book)")
    pages = {page.stem: page.read_text(encoding="utf-8") for page in SITE.glob("*.html")}
    for row in ROWS:
        for label in row["at"]:
            anchor = f"equation-{label}" if label.startswith("eq-") else label
            assert f'id="{anchor}"' in pages[PAGE_OF[label]], f"{row['id']}: {label}"
            link = f'href="{PAGE_OF[label]}.html#{anchor}"'
            assert link in pages["coverage"], f"{row['id']} is not linked to {label}"
