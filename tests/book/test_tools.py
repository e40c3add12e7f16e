"""The page of tools: what it names as a counterpart in our figures exists, none is missing."""

from __future__ import annotations

import inspect
import re

import pytest

from mlp_lib import interactive
from tests.conftest import ROOT

TEXT = (ROOT / "lessons" / "tools.md").read_text(encoding="utf-8")
TABLES = {"tools-controls-playground": "Playground", "tools-controls-explainer": "BackpropStepper"}
KINDS = ("trait", "act", "field")  # what a reader can move or press
SHOWN = (*KINDS, "plot", "canvas")


def section(label: str) -> str:
    after = TEXT.split(f"({label})=\n")[1]
    return re.split(r"\n\([a-z-]+\)=\n", after)[0]


def rows(label: str) -> list[list[str]]:
    lines = [line for line in section(label).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def in_markup(figure: str, kinds: tuple[str, ...]) -> set[str]:
    made = getattr(interactive, figure)()
    return set(re.findall(rf'data-lm-(?:{"|".join(kinds)})="([^"]+)"', made.body(made.view())))


def names_of(figure: str) -> set[str]:
    """Arguments, traits, controls and views."""
    made = getattr(interactive, figure)
    arguments = set(inspect.signature(made).parameters) | set(made.class_own_traits(sync=True))
    return arguments | in_markup(figure, SHOWN) | set(made().view()["marks"])


def without_number(names: set[str]) -> set[str]:
    """plus0 to plus5 are one control, repeated."""
    return {name.rstrip("0123456789") for name in names}


ROWS = [(label, row) for label in TABLES for row in rows(label)]


@pytest.mark.parametrize(("label", "row"), ROWS, ids=lambda part: part[0])
def test_a_counterpart_exists_or_a_reason_says_why_not(label: str, row: list[str]):
    there, here, name = row
    assert there
    if here.startswith("not here"):
        assert name == "–"
        assert re.fullmatch(r"not here: .{10,}", here)
        return
    figure, found = TABLES[label], []
    for word, colon in re.findall(r"`([^`]+)`(:?)", name):
        if colon:  # the names after it are of another figure
            figure = word
        else:
            found.append(word)
            assert word in names_of(figure)
    assert found


@pytest.mark.parametrize("label", TABLES)
def test_a_table_has_each_thing_once(label: str):
    there = [row[0] for row in rows(label)]
    assert there
    assert len(set(there)) == len(there)


@pytest.mark.parametrize(("label", "figure"), TABLES.items())
def test_every_control_of_the_figure_has_its_place_on_the_page(label: str, figure: str):
    named = set(re.findall(r"`([\w-]+)`", section(label)))
    assert without_number(in_markup(figure, KINDS)) <= without_number(named)


@pytest.mark.parametrize(("label", "figure"), TABLES.items())
def test_what_is_only_here_exists(label: str, figure: str):
    only = section(label).split("\nOnly here: ")[1]
    found = re.findall(r"`([^`]+)`", only)
    assert found
    assert set(found) <= names_of(figure)
