"""Every step keeps the rules of autograder/bank/README.md, and gives the printed numbers."""

import re
from pathlib import Path

import numpy as np
import pytest

from autograder import bank
from autograder.bank.__main__ import main
from autograder.checking import evaluate
from autograder.engine.compare import compare
from autograder.engine.judge import cases_for, parts_of, requests_for
from autograder.engine.step import Layers, Several
from autograder.inside.runner import execute

LESSONS = Path(bank.__file__).resolve().parents[2] / "lessons"
STEPS = list(bank.steps())
EVERY = pytest.mark.parametrize("step", STEPS, ids=[step.id for step in STEPS])


def agrees(got, printed):
    """Whether a value agrees with numbers printed to four decimals, nan included."""
    if isinstance(printed, list | tuple) and any(
        isinstance(item, list | tuple | np.ndarray) for item in printed
    ):
        return len(got) == len(printed) and all(
            agrees(g, p) for g, p in zip(got, printed, strict=True)
        )
    got, printed = np.asarray(got, dtype=float), np.asarray(printed, dtype=float)
    return got.shape == printed.shape and np.allclose(got, printed, 0, 5.1e-5, equal_nan=True)


def test_the_table_has_the_39_steps_of_the_syllabus():
    assert len(bank.ids()) == len(set(bank.ids())) == 39
    assert [file[:3] for file in bank.FILES] == [f"l{n:02d}" for n in range(1, 15)]


def test_the_list(capsys):
    main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(STEPS) + 2
    assert "softmax" in lines[2] or any(line.startswith("softmax ") for line in lines)


@EVERY
def test_the_reference_earns_all_points_in_the_notebook_and_hidden(step):
    assert evaluate(step, step.reference).points == step.points


@EVERY
def test_a_released_stub_is_not_started(step):
    """Also where something about it is right already, such as the defaults in its first line."""
    stub = "".join(
        f"def {function.signature}:\n    raise NotImplementedError\n" for function in step.functions
    )
    names = re.findall(r"=(\w*[a-z]\w*)", stub)
    namespace = dict.fromkeys(names, np.tanh)
    exec(stub, namespace)
    result = evaluate(step, namespace)
    assert (result.status, result.points) == ("not-started", 0)


@EVERY
def test_worked_cases_give_the_printed_numbers(step):
    checked = 0
    for request in requests_for(step):
        if request.case.gives is None or request.again is not None:
            continue
        outcome = execute(step.reference, request.wire)
        assert agrees(outcome["value"], request.case.gives), request.case.name
        checked += 1
    assert checked or not any(case.kind == "worked" for case in step.cases)


@EVERY
def test_mistakes_give_the_printed_numbers(step):
    requests = [r for r in requests_for(step) if r.again is None]
    for mistake in step.mistakes:
        if mistake.gives is None:
            continue
        request = next(
            r
            for r in requests
            if (r.case.name == mistake.on if mistake.on else r.case.kind == "worked")
            and set(r.case.uses) & set(mistake.code)
        )
        outcome = execute({**step.reference, **mistake.code}, request.wire)
        if isinstance(mistake.gives, str):
            error = outcome["error"]
            assert f"{error['type']}: {error['message']}".startswith(mistake.gives), mistake.id
            continue
        value = outcome["value"]
        if mistake.of:
            spec = step.returns(request.case)
            if isinstance(spec, Layers | Several):
                found = compare(spec, value, value, "f")
                value = next((f.got for f in found if f.label == mistake.of), None)
                if value is None:  # compared with itself it is all right, so look by position
                    raise AssertionError(f"{mistake.id}: no quantity {mistake.of}")
        assert agrees(value, mistake.gives), f"{mistake.id}: {value}"


@EVERY
def test_every_part_meets_random_numbers(step):
    for draw in range(3):
        cases = cases_for(step, "salt", str(draw))
        ordinary = {p for c in cases if c.kind == "random" for p in parts_of(step, c)}
        assert {p for c in cases for p in parts_of(step, c)} == ordinary


@EVERY
def test_random_cases_do_not_repeat_themselves(step):
    def texts(*key):
        return [repr(c.call) for c in cases_for(step, *key) if c.kind == "random"]

    assert texts("a", "x") != texts("a", "y")
    assert texts("a", "x") == texts("a", "x")


@EVERY
def test_equations_stand_in_the_lesson(step):
    assert (LESSONS / f"{step.lesson}.md").exists()
    book = "".join(path.read_text(encoding="utf-8") for path in LESSONS.glob("*.md"))
    labels = set(re.findall(r"\((eq-[\w-]+)\)|:label: (eq-[\w-]+)", book))
    known = {label for pair in labels for label in pair if label}
    wanted = {step.equation} | {m.equation for m in step.mistakes if m.equation}
    assert wanted <= known


@EVERY
def test_hints_are_one_or_two_sentences(step):
    for mistake in step.mistakes:
        assert re.fullmatch(r"[A-Za-z0-9-]+", mistake.id)
        assert not mistake.name.endswith(".")
        if mistake.contrast:
            continue
        assert mistake.hint.endswith("."), mistake.id
        assert 1 <= len(re.findall(r"[.?](?:\s|$)", mistake.hint)) <= 3, mistake.id
        assert 30 <= len(mistake.hint) <= 330, mistake.id


@EVERY
def test_there_are_worked_edge_and_random_cases(step):
    kinds = {case.kind for case in cases_for(step)}
    assert {"worked", "random"} <= kinds
    names = [(case.call.function, case.name) for case in step.cases]
    assert len(names) == len(set(names))
