"""Points: full for the solution, none for a stub, for every known mistake what `check` says."""

from __future__ import annotations

import copy
import json

import pytest

from autograder import bank, sets
from autograder.checking import evaluate, outcomes_of
from autograder.engine.judge import judge, requests_for
from autograder.grading import run
from autograder.grading.notebook import Cell, Template

from . import bundle
from .conftest import ACTIVATIONS, LIMITS, SOFTMAX, cell_of, code, insert

QUICK = {"softmax", "hidden-delta", "chain-backward"}
STEPS = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for file in bank.written()
    for name in bank.FILES[file]
]


@pytest.mark.parametrize("name", [SOFTMAX, ACTIVATIONS])
def test_the_solution_has_full_marks_and_the_essay_waits(name, grade, notebooks, templates):
    result, _ = grade(notebooks[name], name)
    for grade_id, slot in templates[name].slots.items():
        if slot.role == "check":
            assert result["cells"][grade_id]["score"] == slot.points
        if slot.role == "manual":
            assert result["cells"][grade_id]["score"] is None
    assert (result["status"], result["notes"], result["runs"]) == ("graded", [], 1)


@pytest.mark.parametrize("name", [SOFTMAX, ACTIVATIONS])
def test_the_stub_has_none_and_nothing_is_left_to_read(name, grade, notebooks):
    result, _ = grade(notebooks[f"{name} empty"], name)
    scores = {e["score"] for e in result["cells"].values() if e["kind"] != "answer"}
    assert scores == {0.0}
    assert result["score"] == 0
    assert {step["status"] for step in result["steps"]} == {"not-started"}


@pytest.mark.parametrize("name", STEPS)
def test_every_known_mistake_has_the_points_that_check_gives(name, sandbox):
    step = bank.get(name)
    requests = {name: requests_for(step)}
    with sandbox.submission() as session:
        assert session.run_cell(bundle.cell(), limit=20).status == "ok"
        playing = run._Run(sandbox, [], requests, {name: 5.0}, figures=False)
        for mistake in [None, *step.mistakes]:
            code_of = f".mistake({mistake.id!r}).code" if mistake else ".reference"
            cell = f"_task = bank.get({name!r}); globals().update(_task.reference)\n"
            cell += f"globals().update(_task{code_of})"
            assert session.run_cell(cell, limit=20).status == "ok"
            outcomes = playing._ask(session, name, float("inf"))
            sandboxed = judge(step, requests[name], outcomes)
            namespace = {**step.reference, **(mistake.code if mistake else {})}
            in_process = evaluate(step, namespace, limit=5 * step.limit)  # a busy machine is slow
            assert sandboxed.points == in_process.points, mistake
            assert sandboxed.mistakes == in_process.mistakes, mistake
            if mistake is None or not mistake.contrast:  # a contrast may be no answer at all
                assert (sandboxed.points < step.points) == (mistake is not None), mistake


def test_hidden_data_belongs_to_the_salt_and_the_student(grade, solved):
    """A function that knows the answers of the check's own numbers fails on others'."""
    arguments = [r.wire["args"][0] for r in requests_for(bank.get("softmax"))]
    known = json.dumps([a.tolist() for a in arguments if hasattr(a, "tolist")])
    cell_of(solved, "softmax-answer")["source"] += (
        f"\nright, Infinity, NaN = softmax, np.inf, np.nan\nKNOWN = {known}\n\n"
        "def softmax(Z):\n    listed = np.asarray(Z).tolist()\n"
        "    return right(Z) if listed in KNOWN else right(Z) + 1"
    )
    result, _ = grade(solved)
    assert result["cells"]["softmax"]["score"] == 0


def test_a_set_may_give_a_step_other_points(solved, templates, grade, monkeypatch):
    import dataclasses

    template = templates[SOFTMAX]
    slots = dict(template.slots)
    slots["softmax"] = dataclasses.replace(slots["softmax"], points=5.0)
    monkeypatch.setitem(templates, SOFTMAX, dataclasses.replace(template, slots=slots))
    result, _ = grade(solved)
    assert result["cells"]["softmax"]["score"] == 5.0


ENDINGS = {
    "an endless loop": ("while True: pass", "Timeout", 1),
    "a loop that heeds nothing": (
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
        "Ended",
        2,
    ),
    "a loop in C": ("sum(range(10**12))", "Ended", 2),
    "an exit": ("import os\nos._exit(0)", "Ended", 2),
    "a crash": ("import ctypes\nctypes.string_at(0)", "Ended", 2),
}


@pytest.mark.parametrize(("source", "name", "runs"), ENDINGS.values(), ids=ENDINGS)
def test_a_cell_that_ends_badly_costs_nothing_else(source, name, runs, grade, solved):
    insert(solved, "softmax-answer", code("before = 1\n" + source))
    result, notebook = grade(solved)
    assert result["cells"]["one-hot"]["score"] == 1
    assert result["cells"]["softmax"]["score"] == 2
    assert result["runs"] == runs
    cell = next(c for c in notebook["cells"] if "".join(c["source"]).startswith("before"))
    assert cell["outputs"][-1]["ename"] == name


def test_a_function_that_ends_badly_costs_its_own_points(grade, solved):
    cell_of(solved, "one-hot-answer")["source"] += (
        "\ndef one_hot(labels, K):\n    import os\n    os._exit(0)"
    )
    result, notebook = grade(solved)
    assert result["cells"]["one-hot"]["score"] == 0
    assert result["cells"]["softmax"]["score"] == 2
    assert "A call of `one_hot` ended the notebook" in result["notes"][0]
    assert "ended the Python process" in json.dumps(cell_of(notebook, "one-hot")["outputs"])


def test_three_culprits_are_left_out_one_after_the_other(grade, solved):
    insert(solved, "one-hot", code("import os; os._exit(1)"))
    insert(solved, "softmax-answer", code("import os; os._exit(2)"))
    insert(solved, "softmax", code("import os; os._exit(3)"))
    result, _ = grade(solved)
    assert result["runs"] == 4
    assert result["cells"]["softmax"]["score"] == 2
    assert len(result["notes"]) == 3


def test_a_submission_that_always_dies_is_given_up(grade, solved):
    for _ in range(run.RUNS):
        insert(solved, "one-hot", code("import os; os._exit(1)"))
    result, _ = grade(solved)
    assert result["runs"] == run.RUNS
    assert result["cells"]["softmax"]["score"] == 0
    assert result["notes"][-1].endswith("What came after was not run.")


def test_warnings_prints_and_the_error_stream_cost_nothing(grade, solved):
    cell_of(solved, "softmax-answer")["source"] += (
        "\nimport sys, warnings\nquiet = softmax\n\ndef softmax(Z):\n    print('x' * 100_000)\n"
        "    print('!', file=sys.stderr)\n    warnings.warn('!')\n    return quiet(Z)"
    )
    result, notebook = grade(solved)
    assert result["cells"]["softmax"]["score"] == 2
    assert len(json.dumps(cell_of(notebook, "softmax"))) < 50_000


def test_two_hundred_megabytes_of_output_are_cut(grade, solved):
    for _ in range(8):
        insert(solved, "softmax", code("for _ in range(200): print('x' * 10**6)"))
    result, notebook = grade(solved)
    assert result["cells"]["softmax"]["score"] == 2
    assert len(json.dumps(notebook)) < run.ROOM + 10**6


def test_what_the_course_offers_works_and_tells_nothing(grade, solved):
    source = (
        "import autograder\nfrom autograder import check\nprint(check('softmax', softmax))\n"
        "from mlp_lib.plots import anything\nfig, ax = plot = anything(1, b=2), 3\nprint(fig)\n"
        "import mlp_lib.interactive as i\ni.Thing().observe(print)\n!pip install x\n"
        "files = !ls\nprint(files)\ndone = True"
    )
    insert(solved, "ps02-explain", code(source), code("from mlp_lib import softmax"))
    result, notebook = grade(solved)
    cells = {"".join(c["source"]): c for c in notebook["cells"]}
    said = "".join(o["text"] for o in cells[source]["outputs"])
    assert said.splitlines() == [
        "The points of this step are counted at its own check cell.",
        "0.0",
        "[a figure: not drawn while grading]",
        "[no other programs here: this line was left out]",
        "[no other programs here: this line was left out]",
        "[]",
    ]
    assert cells["from mlp_lib import softmax"]["outputs"][0]["ename"] == "ImportError"
    assert cell_of(notebook, "ps02-setup")["execution_count"] == 1  # no cell came before
    assert result["cells"]["softmax"]["score"] == 2


def test_figures_are_drawn_only_where_a_person_looks(sandbox):
    source = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"
    cells = [
        Cell("own", "code", source),
        Cell("manual", "code", source, grade_id="essay"),
    ]
    run.execute(sandbox, cells, {}, {}, seed=1)
    kinds = [{k for o in c.outputs for k in o.get("data", {})} for c in cells]
    assert "image/png" not in kinds[0]
    assert "image/png" in kinds[1]


def test_a_check_cell_shows_the_judgement_and_gives_nbgrader_the_points(grade, solved):
    import logging

    import nbformat
    from nbgrader.utils import determine_grade

    cell_of(solved, "softmax-answer")["source"] = (
        "def softmax(Z):\n    return np.exp(Z) / np.exp(Z).sum(axis=-1, keepdims=True)"
    )
    _, tree = grade(solved)
    notebook = nbformat.from_dict(copy.deepcopy(tree))
    nbformat.validate(notebook)
    cells = {c.metadata.get("nbgrader", {}).get("grade_id"): c for c in notebook.cells}
    assert determine_grade(cells["softmax"], logging.getLogger()) == (1.0, 2.0)
    assert "<section" in cells["softmax"].outputs[0].data["text/html"]


def test_sandboxed_outcomes_equal_those_in_process(sandbox):
    """Bit for bit, for the solution of a whole set."""
    notebook = sets.source(ACTIVATIONS)
    steps = ["activations", "activation-derivatives"]
    cells = [Cell("own", "code", c.source) for c in notebook.cells if "def " in c.source]
    requests = {name: requests_for(bank.get(name)) for name in steps}
    cells += [Cell("check", "code", "", grade_id=name) for name in steps]
    cells.insert(0, Cell("own", "code", "import math\nimport numpy as np"))
    done = run.execute(sandbox, cells, requests, dict.fromkeys(steps, LIMITS.call), seed=1)
    namespace: dict = {}
    exec("import math\nimport numpy as np", namespace)
    for cell in cells:
        exec(cell.source, namespace)
    from autograder.inside import codec

    for name in steps:
        for there, here in zip(
            done.outcomes[name], outcomes_of(namespace, requests[name]), strict=True
        ):
            for field in ("status", "value", "changed"):
                assert codec.encode(there[field]) == codec.encode(here[field])


def checked(source, points=2.0, grade_id="own-test"):
    about = {"grade": True, "solution": False, "locked": True, "task": False, "points": points}
    return code(source, nbgrader={**about, "grade_id": grade_id, "schema_version": 3})


@pytest.fixture
def own_tests(templates, monkeypatch):
    """A set of an instructor's own, of test cells alone."""

    def made(*sources):
        cells = [checked(s, grade_id=f"test-{n}") for n, s in enumerate(sources)]
        tree = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
        monkeypatch.setitem(templates, "own", Template.build("own", tree))
        return copy.deepcopy(tree)

    return made


def test_a_flood_of_output_gives_no_points(grade, own_tests):
    """What a test cell says counts, even if there is no room left to show it."""
    notebook = own_tests("assert x == 2", "0.5", "assert x == 1")
    flood = [code("print('x' * 900_000)") for _ in range(8)]
    notebook["cells"][:0] = [code("x = 1"), *flood]
    result, _ = grade(notebook, "own")
    assert [cell["score"] for cell in result["cells"].values()] == [0.0, 0.5, 2.0]


def test_a_warning_in_a_test_cell_costs_nothing_in_nbgrader_either(grade, own_tests):
    import logging

    import nbformat
    from nbgrader.utils import determine_grade

    warning = "import warnings; warnings.warn('careful')\n"
    notebook = own_tests(warning + "1", warning, warning + "assert False", warning + "7")
    result, tree = grade(notebook, "own")
    assert [cell["score"] for cell in result["cells"].values()] == [1.0, 2.0, 0.0, 2.0]
    cells = nbformat.from_dict(tree).cells
    assert [determine_grade(c, logging.getLogger())[0] for c in cells] == [1.0, 2.0, 0.0, 2.0]
