"""What the book's own extensions do to a page, one by one."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import ROOT


def extension(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "_ext" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def test_the_pieces_of_an_output_are_joined_as_they_came():
    pieces = [stream("right   0.1"), stream("\nwrong   "), stream("0.7\n"), stream("\nend\n\n")]
    assert extension("streams").joined(pieces) == [stream("right   0.1\nwrong   0.7\n\nend\n")]
    assert pieces[0]["text"] == "right   0.1", "the notebook itself stays as it is"


def test_streams_and_pictures_keep_their_places():
    picture = {"output_type": "display_data", "data": {}}
    outputs = [stream("a\n"), picture, stream("b\n", "stderr"), stream("c\n")]
    shown = extension("streams").joined(outputs)
    assert shown == [stream("a\nc\n"), picture, stream("b\n", "stderr")]


FORMULA = '<span class="math notranslate nohighlight">\\(x\\)</span>'


@pytest.mark.parametrize(("before", "behind"), [("", "."), ("(", ")."), ("", "-axis"), ("“", ",”")])
def test_a_formula_and_the_marks_beside_it_stay_together(before: str, behind: str):
    context = {"body": f"so {before}{FORMULA}{behind} And"}
    extension("formula_room").make_room(None, "page", "template", context)
    assert context["body"].startswith(
        f'so <span class="math-together">{before}<span style="--room:'
    )
    assert context["body"].endswith(f"</span>{behind}</span> And")


def test_a_formula_between_words_is_left_alone():
    context = {"body": f"so {FORMULA} is"}
    extension("formula_room").make_room(None, "page", "template", context)
    assert "math-together" not in context["body"]


def test_long_names_break_in_tables_only():
    name = '<code><span class="pre">softmax_regression_grads</span></code>'
    short = '<code><span class="pre">d_relu</span></code>'
    context = {"body": f"<p>{name}</p><td>{name}{short}</td>"}
    extension("course_site").names_break(None, "page", "template", context)
    broken = name.replace("_", "_<wbr>")
    assert context["body"] == f"<p>{name}</p><td>{broken}{short}</td>"


def test_formulas_side_by_side_are_stacked_where_they_are_long():
    stacked = extension("problem_sets").stacked
    short = "$$\na = b, \\qquad c = d.\n$$"
    assert stacked(short) == short
    long = "$$\n" + "a" * 40 + ", \\qquad\n" + "b" * 40 + ".\n$$"
    lines = [r"\begin{gathered}", "a" * 40 + r",\\[.4em]", "b" * 40 + ".", r"\end{gathered}"]
    assert stacked(f"so\n\n{long}\n") == "so\n\n$$\n" + "\n".join(lines) + "\n$$\n"
