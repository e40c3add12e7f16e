"""Offers the problem sets in the book: a page for each, a download beside each lesson.

Before Sphinx looks for pages, the folder `problem-sets/` is filled from `solutions/`: for every set
a page (its tasks, without solutions) and the notebook that students get, an index, and every lesson
as a notebook. Nothing in that folder is edited by hand or tracked by git. At the end of the section
"Exercises" of a lesson, labelled (lNN-exercises)=, a line with the links is added.

    problem_sets_solutions: true      in _config.yml, or BOOK_SOLUTIONS=1 in the environment,

makes the instructor's edition: pages and notebooks with solutions and rubrics. Never publish it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
from docutils import nodes
from nbformat import NotebookNode
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config

from autograder import bank, sets
from mlp_lib._narrow import narrow

FOLDER = "problem-sets"
SIDE_BY_SIDE = 70  # letters of TeX: shorter formulas have room for two in a line
EXERCISES = re.compile(r"lessons/(\d\d)-[\w-]+")
FOR_INSTRUCTORS = """\
:::{admonition} Instructor's edition
:class: warning
This page contains solutions and rubrics. Do not publish it.
:::
"""


def write(path: Path, text: str) -> None:
    """Write a file unless it has this text already, so that Sphinx need not read it again."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def notebook_of(name: str, solutions: bool) -> NotebookNode:
    """Return the notebook to download."""
    return sets.source(name) if solutions else sets.student(name)


# --------------------------------------------------------------------------------------
# pages


def with_roles(text: str) -> str:
    """Turn links to lesson files into cross-references of the book."""

    def role(found: re.Match[str]) -> str:
        words, lesson, label = found["words"], found["lesson"], found["equation"]
        return f"{words} {{eq}}`{label}`" if label else f"{{doc}}`{words} </lessons/{lesson}>`"

    return sets.LINK.sub(role, text)


def page_of(name: str, solutions: bool) -> str:
    """Write a set as a page of the book: its text, and its cells as code that is not run."""
    full = jupytext.read(sets.path_of(name))
    notebook = full if solutions else sets.student_version(full)
    parts = [part for cell in notebook.cells for part in rendered(cell, as_it_is=solutions)]
    title, *rest = parts
    file = f"{name}.ipynb"
    download = (
        f"Download {{download}}`{file} <notebooks/{file}>` and open it in Jupyter, VS Code or "
        "Colab. This page shows what is in it."
    )
    head = [title.split("\n", 1)[0], *([FOR_INSTRUCTORS] if solutions else []), download]
    return "\n\n".join([*head, title.split("\n", 1)[1].strip(), *rest]) + "\n"


def rendered(cell: NotebookNode, as_it_is: bool) -> Iterator[str]:
    """Yield a cell as Markdown; code and formulas are made to fit the page unless `as_it_is`."""
    if cell.cell_type == "code":
        code = "\n".join(line for line in cell.source.splitlines() if not marker(line))
        yield "```python\n" + (code if as_it_is else narrow(code)) + "\n```"
    elif any(map(marker, cell.source.splitlines())):
        inside = [line for line in cell.source.splitlines() if not marker(line)]
        yield ":::{admonition} For the person who grades\n" + "\n".join(inside) + "\n:::"
    else:
        yield with_roles(cell.source if as_it_is else stacked(cell.source))


def stacked(text: str) -> str:
    """Put formulas that stand side by side below each other, as the width of a page asks for."""

    def lines(found: re.Match[str]) -> str:
        formula = found[1]
        if r"\qquad" not in formula or len(formula) < SIDE_BY_SIDE:
            return found[0]
        formula = re.sub(r"\s*\\qquad\s*|(?<=,)\s*\\quad\s*", r"\\\\[.4em]\n", formula)
        return f"$$\n\\begin{{gathered}}\n{formula}\n\\end{{gathered}}\n$$"

    return re.sub(r"^\$\$\n(.*?)\n\$\$$", lines, text, flags=re.DOTALL | re.MULTILINE)


def marker(line: str) -> bool:
    """Whether a line says where a solution begins or ends."""
    return sets.BEGIN in line or sets.END in line


def index_page(solutions: bool) -> str:
    """Write the page that lists all sets."""
    rows = []
    for name in sets.names():
        notebook = notebook_of(name, solutions)
        lesson = sets.lesson_of(name)
        title = notebook.cells[0].source.splitlines()[0].split(". ", 1)[1]
        steps = ", ".join(
            f"`{function}`"
            for _, meta in sets.nbgrader_cells(notebook)
            if meta["grade"] and meta["grade_id"] in bank.ids()
            for function in bank.get(meta["grade_id"]).names
        )
        rows.append(
            f"| {{doc}}`{int(lesson[:2])}. {title} <{name}>` | {steps} | {minutes(notebook)} | "
            f"{sets.points_of(notebook):g} | {{download}}`notebook <notebooks/{name}.ipynb>` |"
        )
    return INDEX.format(rows="\n".join(rows), edition=FOR_INSTRUCTORS if solutions else "")


INDEX = """\
# Problem sets

{edition}
One for each lesson. You write the functions of the lesson yourself, and below each of them stands
a cell that checks it: it says which cases are right, and if a number is wrong, which line of
thought leads to it. Every set has room to play, a bug to find, and a question that a person reads.

| set | you write | minutes | points | |
|---|---|---|---|---|
{rows}

In a copy of the course's repository, `make lab` puts all of them into a folder `work/` of your own
and opens JupyterLab there. It never overwrites what you wrote. A downloaded notebook needs Python
3.11 or newer with the course installed (`pip install .` in a copy of the repository).
"""


def minutes(notebook: NotebookNode) -> str:
    """Return the time a set says it takes."""
    found = re.search(r"\*\*Time\*\* about (\d+) minutes", notebook.cells[0].source)
    if found is None:
        raise ValueError(f"{notebook.metadata.course.set}: its head does not say **Time** about …")
    return found[1]


def make_files(app: Sphinx, config: Config) -> None:
    """Fill the folder before Sphinx and the table of contents look for pages."""
    folder, solutions = Path(app.srcdir) / FOLDER, bool(config.problem_sets_solutions)
    write(folder / ".gitignore", "*\n")
    write(folder / "index.md", index_page(solutions))
    for name in sets.names():
        write(folder / f"{name}.md", page_of(name, solutions))
        write(folder / "notebooks" / f"{name}.ipynb", sets.as_text(notebook_of(name, solutions)))
    for lesson in sorted((Path(app.srcdir) / "lessons").glob("[0-9][0-9]-*.md")):
        write(folder / "lessons" / f"{lesson.stem}.ipynb", lesson_notebook(lesson))


def lesson_notebook(path: Path) -> str:
    """Write a lesson as a notebook without outputs."""
    notebook = jupytext.read(path)
    for position, cell in enumerate(notebook.cells):
        cell["id"] = f"lesson-{position:03d}"
    notebook.metadata.pop("jupytext", None)
    return sets.as_text(notebook)


# --------------------------------------------------------------------------------------
# links in the lessons


def add_links(app: Sphinx, doctree: nodes.document) -> None:
    """Add a line to the section "Exercises" of a lesson that has a problem set."""
    docname = app.env.docname
    found = EXERCISES.fullmatch(docname)
    name = f"ps{docname.removeprefix('lessons/')}"
    if found is None or name not in sets.names():
        return
    wanted = f"l{found[1]}-exercises"
    for section in doctree.findall(nodes.section):
        if wanted in section["ids"]:
            section += line_for(app, docname, name)
            return
    raise ValueError(f"{docname}: expected a section labelled ({wanted})=")


def line_for(app: Sphinx, docname: str, name: str) -> nodes.paragraph:
    """Return the line: the set's page, its notebook, the lesson as a notebook."""
    solutions = bool(app.config.problem_sets_solutions)
    points = f"{sets.points_of(notebook_of(name, solutions)):g}"
    line = nodes.paragraph(classes=["problem-set"])
    line += nodes.strong(text=f"Problem set {int(name[2:4])}")
    line += nodes.Text(f" ({points} points): ")
    if f"{FOLDER}/{name}" in app.env.found_docs:
        line += page(docname, f"/{FOLDER}/{name}", "read the tasks")
        line += nodes.Text(", or ")
    line += download(docname, f"/{FOLDER}/notebooks/{name}.ipynb", f"download {name}.ipynb")
    line += nodes.Text(" and open it in Jupyter. ")
    lesson = f"/{FOLDER}/lessons/{name.removeprefix('ps')}.ipynb"
    line += download(docname, lesson, "This lesson as a notebook")
    line += nodes.Text(".")
    return line


def page(docname: str, target: str, words: str) -> addnodes.pending_xref:
    """Return a link to a page of the book."""
    return addnodes.pending_xref(
        "",
        nodes.inline(text=words),
        refdomain="std",
        reftype="doc",
        reftarget=target,
        refexplicit=True,
        refwarn=True,
        refdoc=docname,
    )


def download(docname: str, target: str, words: str) -> addnodes.download_reference:
    """Return a link to a file."""
    link = addnodes.download_reference("", "", reftarget=target, refdoc=docname, refexplicit=True)
    link += nodes.inline(text=words)
    return link


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_config_value("problem_sets_solutions", os.environ.get("BOOK_SOLUTIONS") == "1", "env")
    app.connect("config-inited", make_files, priority=100)  # before the table of contents is read
    app.connect("doctree-read", add_links, priority=400)  # before Sphinx collects downloads
    return {"parallel_read_safe": True, "parallel_write_safe": True}
