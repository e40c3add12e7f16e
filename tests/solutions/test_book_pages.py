"""The problem sets in the book: tasks without solutions, links beside the lessons."""

from __future__ import annotations

import importlib.util
import io
import re
from pathlib import Path

import pytest

from autograder import sets

NAME = "ps02-softmax"


@pytest.fixture(scope="module")
def extension(root):
    spec = importlib.util.spec_from_file_location("problem_sets", root / "_ext/problem_sets.py")
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", sets.names())
def test_a_page_shows_the_tasks_and_no_solution(extension, name):
    page = extension.page_of(name, solutions=False)
    assert page.startswith(f"# Problem set {int(name[2:4])}. ")
    shown = {line.strip() for line in page.splitlines()}
    assert not shown & sets.solution_lines(sets.source(name))
    assert "raise NotImplementedError()" in page
    assert f"{{download}}`{name}.ipynb" in page
    assert "](../" not in page  # every link has become a cross-reference
    assert page.count("```") % 2 == 0


@pytest.mark.parametrize("name", sets.names())
def test_the_instructors_page_has_solutions_and_says_so(extension, name):
    page = extension.page_of(name, solutions=True)
    shown = {line.strip() for line in page.splitlines()}
    missing = {
        line
        for line in sets.solution_lines(sets.source(name, book=""))
        if line not in page and line not in shown
    }
    assert not missing
    assert "Do not publish it." in page
    assert "BEGIN SOLUTION" not in page
    assert "**For the grader" in page


def test_the_index_lists_all_sets_with_time_and_points(extension):
    index = extension.index_page(solutions=False)
    rows = re.findall(r"^\| \{doc\}`(\d+)\. .* \| (\d+) \| ([\d.]+) \| \{download\}", index, re.M)
    assert [int(number) for number, _, _ in rows] == list(range(1, 15))
    assert "`softmax`" in index
    assert "Instructor" not in index


def test_a_lesson_becomes_a_notebook(extension, root):
    text = extension.lesson_notebook(root / "lessons" / "02-softmax.md")
    notebook = sets.from_text(text)
    assert notebook.metadata.kernelspec.name == "python3"
    assert text == extension.lesson_notebook(root / "lessons" / "02-softmax.md")


LESSON = """\
# Lesson 2

(l02-exercises)=
## Exercises

Write them.

## Summary

Done.
"""


def build(root: Path, source: Path, **config: object) -> tuple[Path, str]:
    """Build a small book in which lesson 2 is the only lesson."""
    import sys

    from sphinx.application import Sphinx

    (source / "lessons").mkdir(parents=True, exist_ok=True)
    (source / "lessons" / "02-softmax.md").write_text(LESSON, encoding="utf-8")
    toctree = (
        "```{toctree}\nlessons/02-softmax\nproblem-sets/index\nproblem-sets/ps02-softmax\n```\n"
    )
    (source / "index.md").write_text("# Book\n\n" + toctree, encoding="utf-8")
    warnings = io.StringIO()
    sys.path.insert(0, str(root / "_ext"))
    try:
        app = Sphinx(
            str(source), None, str(source / "_html"), str(source / "_trees"), "html",
            confoverrides={
                "extensions": ["myst_nb", "problem_sets"],
                "myst_enable_extensions": ["dollarmath", "amsmath", "colon_fence"],
                "exclude_patterns": ["problem-sets/notebooks", "problem-sets/lessons", "_*"],
                "nb_execution_mode": "off",
                **config,
            },
            status=None, warning=warnings,
        )  # fmt: skip
        app.build()
    finally:
        sys.path.remove(str(root / "_ext"))
    return source / "_html", warnings.getvalue()


@pytest.mark.slow
def test_a_lesson_links_its_set_and_offers_both_notebooks(root, tmp_path):
    html, _ = build(root, tmp_path)
    page = (html / "lessons" / "02-softmax.html").read_text(encoding="utf-8")
    exercises, summary = page.split("<h2>Summary")
    assert "Problem set 2" in exercises
    assert 'class="problem-set"' not in summary
    assert 'href="../problem-sets/ps02-softmax.html"' in exercises
    downloads = re.findall(r'href="\.\./(_downloads/[^"]+\.ipynb)"', exercises)
    assert [Path(path).name for path in downloads] == ["ps02-softmax.ipynb", "02-softmax.ipynb"]
    student = sets.as_text(sets.student(NAME))
    assert (html / downloads[0]).read_text(encoding="utf-8") == student
    tasks = (html / "problem-sets" / "ps02-softmax.html").read_text(encoding="utf-8")
    assert "NotImplementedError" in tasks
    assert "powers" not in tasks
    assert (tmp_path / "problem-sets" / ".gitignore").read_text() == "*\n"


@pytest.mark.slow
@pytest.mark.parametrize("switch", ["configuration", "environment"])
def test_the_instructors_edition_is_a_switch(root, tmp_path, monkeypatch, switch):
    if switch == "environment":
        monkeypatch.setenv("BOOK_SOLUTIONS", "1")
        html, _ = build(root, tmp_path)
        monkeypatch.delenv("BOOK_SOLUTIONS")
    else:
        html, _ = build(root, tmp_path, problem_sets_solutions=True)
    tasks = (html / "problem-sets" / "ps02-softmax.html").read_text(encoding="utf-8")
    assert "powers" in tasks
    assert "Do not publish it" in tasks
    html, _ = build(root, tmp_path)  # and back, in the same folder
    assert "powers" not in (html / "problem-sets" / "ps02-softmax.html").read_text(encoding="utf-8")
    for path in html.rglob("*.ipynb"):
        assert "powers" not in path.read_text(encoding="utf-8")
