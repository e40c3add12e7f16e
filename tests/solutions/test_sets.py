"""Every problem set is complete, graded as the bank says, and solved by its own solution."""

from __future__ import annotations

import contextlib
import io
import re
import tokenize

import pytest

from autograder import bank, sets
from autograder.checking import evaluate

NAMES = sets.names()


def steps_of(name: str) -> list[str]:
    """The ids of a set's graded steps, in order."""
    ids = []
    for cell, meta in sets.nbgrader_cells(sets.source(name)):
        if meta["grade"] and cell.cell_type == "code":
            ids.append(meta["grade_id"])
    return ids


def given_cells(name: str) -> list[str]:
    """What a set hands to its steps: code that is locked and not graded."""
    return [
        cell.source
        for cell, meta in sets.nbgrader_cells(sets.source(name))
        if meta["locked"] and not meta["grade"]
    ]


def answer_to(name: str, step: str) -> str:
    """The solution of one step."""
    cells = sets.nbgrader_cells(sets.source(name))
    return next(cell.source for cell, meta in cells if meta["grade_id"] == f"{step}-answer")


def run(*sources: str) -> dict[str, object]:
    """Execute cells and return what they define."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        for number, source in enumerate(sources):
            exec(compile(source, f"<cell {number}>", "exec"), namespace)
    return namespace


STEPS = [(name, step) for name in NAMES for step in steps_of(name)]


def test_there_is_a_set_for_every_lesson_and_a_place_for_every_step():
    lessons = [file.replace("_", "-").removeprefix("l") for file in bank.FILES]
    assert [sets.lesson_of(name) for name in NAMES] == lessons
    assert [step for name in NAMES for step in steps_of(name)] == bank.ids()


# --------------------------------------------------------------------------------------
# nbgrader's metadata


@pytest.mark.parametrize("name", NAMES)
def test_metadata_are_schema_3_with_unique_ids(name):
    from nbgrader.nbgraderformat import MetadataValidator

    notebook = sets.source(name)
    MetadataValidator().validate_nb(notebook)
    cells = list(sets.nbgrader_cells(notebook))
    ids = [meta["grade_id"] for _, meta in cells]
    assert len(ids) == len(set(ids))
    for cell, meta in cells:
        assert meta["schema_version"] == 3
        if not meta["solution"]:
            assert meta["locked"], f"{meta['grade_id']} could be edited"
        if meta["grade"] and cell.cell_type == "code":
            assert cell.source == f'check("{meta["grade_id"]}")'


@pytest.mark.parametrize(("name", "step"), STEPS)
def test_points_are_the_banks(name, step):
    meta = next(m for _, m in sets.nbgrader_cells(sets.source(name)) if m["grade_id"] == step)
    assert meta["points"] == bank.get(step).points
    assert bank.get(step).lesson == sets.lesson_of(name)


@pytest.mark.parametrize("name", NAMES)
def test_one_question_for_a_person_with_a_rubric(name):
    manual = [
        (cell, meta)
        for cell, meta in sets.nbgrader_cells(sets.source(name))
        if meta["grade"] and cell.cell_type == "markdown"
    ]
    assert len(manual) == 1
    cell, meta = manual[0]
    assert meta["grade_id"] == f"{name[:4]}-explain"
    assert meta["solution"]
    assert "**Model answer.**" in cell.source
    assert f"**For the grader, {meta['points']} points.**" in cell.source


# --------------------------------------------------------------------------------------
# the text


@pytest.mark.parametrize("name", NAMES)
def test_the_head_of_a_set_states_its_points_and_the_lessons_time(name, root):
    notebook = sets.source(name)
    head = " ".join(notebook.cells[0].source.split())
    checked = [f"{bank.get(step).points:g}" for step in steps_of(name)]
    assert f"**Points** {sets.points_of(notebook):g}: {' + '.join(checked)} are checked" in head
    time = re.search(r"\*\*Time\*\* about (\d+) minutes", head)
    assert time
    lesson = (root / "lessons" / f"{sets.lesson_of(name)}.md").read_text(encoding="utf-8")
    assert f"{time[1]} more for {{ref}}`the exercises" in lesson


@pytest.mark.parametrize("name", NAMES)
def test_the_head_of_a_set_says_what_the_parts_of_its_steps_are(name):
    """A step is shared among its functions, unless the bank splits it in another way."""
    head = " ".join(sets.source(name).cells[0].source.split())
    for step in map(bank.get, steps_of(name)):
        parts = evaluate(step, step.reference).parts
        if len(parts) > 1 and [part.name for part in parts] != step.names:
            assert "among its parts" in head
        elif len(parts) > 1:
            assert "among its functions" in head or "these are the" in head
        else:
            assert parts[0].of == step.points


@pytest.mark.parametrize("name", NAMES)
def test_every_set_has_what_a_student_needs(name):
    notebook = sets.source(name)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    words = " ".join(text.split())
    steps = len(steps_of(name))
    assert len(re.findall(r"^## Step \d\. ", text, re.M)) == steps
    assert text.count("Predict first: ") == steps
    assert text.count("Room to play") == steps
    assert text.count("## Debug this (not graded)") == 1
    assert text.count("## In your own words") == 1
    assert f"[Lesson {int(name[2:4])}](../lessons/{sets.lesson_of(name)}.md)" in (
        sets.path_of(name).read_text(encoding="utf-8")
    )
    head = " ".join(notebook.cells[0].source.split())
    assert "earns the first half of" in head  # the rule of the points
    assert "restart the kernel and run all cells" in head
    alone = ("steps do not need each other", "no step needs another one", "is checked by itself")
    assert any(said in words for said in alone)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_lessons_and_equations_that_exist(name, root):
    text = sets.path_of(name).read_text(encoding="utf-8")
    links = list(sets.LINK.finditer(text))
    assert len(links) == text.count("](../") > 1  # no other links
    for link in links:
        lesson = root / "lessons" / f"{link['lesson']}.md"
        assert lesson.exists(), link[0]
        if link["equation"]:
            assert link["words"] in ("equation", "equations")
            assert f"$$ ({link['equation']})" in lesson.read_text(encoding="utf-8"), link[0]


def test_links_lead_to_the_published_book_or_become_words(monkeypatch):
    lesson = "../lessons/01-neuron.md"
    text = f"see ([equation]({lesson}#equation-eq-pla)) of [Lesson 1]({lesson})"
    book = "https://example.org/book"
    assert sets.linked(text, book) == (
        f"see ([equation]({book}/lessons/01-neuron.html#equation-eq-pla)) of "
        f"[Lesson 1]({book}/lessons/01-neuron.html)"
    )
    assert sets.linked(text, "") == "see (equation, “The learning rule” in lesson 1) of Lesson 1"
    monkeypatch.delenv("BACKPROP_BOOK", raising=False)
    assert "](" not in sets.student("ps01-neuron").cells[0].source
    monkeypatch.setenv("BACKPROP_BOOK", book + "/")
    assert (
        f"[Lesson 1]({book}/lessons/01-neuron.html)" in sets.student("ps01-neuron").cells[0].source
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_set_needs_nothing_but_the_installed_course(name):
    """No files, no paths, no roles that only the book understands."""
    for cell in sets.source(name).cells:
        if cell.cell_type == "code":
            imported = set(re.findall(r"^(?:from|import) (\w+)", cell.source, re.M))
            assert imported <= {"autograder", "numpy", "math", "itertools"}
            assert "open(" not in cell.source
            assert "%" not in {line[:1] for line in cell.source.splitlines()}
        else:
            assert not re.search(r"\{(ref|eq|cite\S*|numref|doc)\}`", cell.source)


# --------------------------------------------------------------------------------------
# solutions


@pytest.mark.parametrize(("name", "step"), STEPS)
def test_the_solution_of_a_step_earns_all_points_without_any_other_step(name, step):
    result = evaluate(bank.get(step), run(*given_cells(name), answer_to(name, step)), limit=None)
    assert result.status == "passed", result.failure
    assert result.points == bank.get(step).points


@pytest.mark.parametrize("name", NAMES)
def test_nothing_given_answers_a_step(name):
    namespace = run(*given_cells(name))
    for step in map(bank.get, steps_of(name)):
        assert not set(step.names) & set(namespace)
        for offered in [value for value in namespace.values() if callable(value)]:
            try_all = dict.fromkeys(step.names, offered)
            assert evaluate(step, try_all, limit=0.5).points == 0, (step.id, offered)


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_of_the_solution_runs(name):
    code = [cell for cell in sets.source(name).cells if cell.cell_type == "code"]
    run(*(cell.source for cell in code if not cell.source.startswith("check(")))


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_that_calls_an_answer_does_not_stop_run_all(name):
    """Where no answer is written yet, Jupyter runs on behind a cell with this tag."""
    released = sets.student(name)
    namespace: dict[str, object] = {}
    for cell in released.cells:
        if cell.cell_type == "code" and not cell.source.startswith("check("):
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(cell.source, "<cell>", "exec"), namespace)
            except Exception:
                assert cell.metadata.get("tags") == ["raises-exception"], cell.source


@pytest.mark.parametrize(("name", "step"), STEPS)
def test_a_stub_is_not_started_and_earns_nothing(name, step):
    cells = sets.nbgrader_cells(sets.student(name))
    stub = next(cell.source for cell, meta in cells if meta["grade_id"] == f"{step}-answer")
    result = evaluate(bank.get(step), run(*given_cells(name), stub))
    assert result.points == 0
    assert {failure.status for failure in result.failures} == {"not-started"}


# --------------------------------------------------------------------------------------
# what students get


def with_stubs(cell) -> str:
    """A source cell with a stub in the place of every solution."""
    lines, within = [], False
    stub = sets.STUB if cell.cell_type == "code" else sets.TEXT_STUB
    for line in cell.source.split("\n"):
        if sets.BEGIN in line:
            within = True
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + text for text in stub.split("\n")]
        elif sets.END in line:
            within = False
        elif not within:
            lines.append(line)
    return "\n".join(lines)


@pytest.mark.parametrize("name", NAMES)
def test_stub_and_solution_differ_only_between_the_markers(name):
    full, released = sets.source(name), sets.student(name)
    assert len(full.cells) == len(released.cells)
    changed = 0
    for before, after in zip(full.cells, released.cells, strict=True):
        assert after.cell_type == before.cell_type
        assert after.id == before.id
        assert after.source == with_stubs(before)
        changed += after.source != before.source
        known = {k: v for k, v in after.metadata.items() if k not in ("deletable", "editable")}
        for key in ("checksum", "cell_type"):  # added by nbgrader
            known.get("nbgrader", {}).pop(key, None)
        assert known == before.metadata
    assert changed == len(steps_of(name)) + 1


@pytest.mark.parametrize("name", NAMES)
def test_a_released_notebook_is_clean(name):
    released = sets.student(name)
    assert sets.leaks(sets.source(name), released) == []
    assert sets.as_text(released).count("BEGIN") == 0
    for cell in released.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            list(tokenize.generate_tokens(io.StringIO(cell.source).readline))  # is Python
