"""Students get one of a few papers of hidden cases, and what is shared gives the same points."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from autograder import bank
from autograder.engine import judge as engine
from autograder.engine.judge import judge, requests_for
from autograder.grading import papers, run
from autograder.inside import codec
from autograder.inside.runner import execute


def test_a_student_keeps_the_paper_and_the_class_is_spread():
    found = Counter(papers.paper_of("salt", f"s{n}") for n in range(800))
    assert len(found) == papers.PAPERS
    assert max(found.values()) < 3 * min(found.values())
    assert papers.paper_of("salt", "ada") == papers.paper_of("salt", "ada")
    other = [papers.paper_of("pepper", f"s{n}") for n in range(100)]
    assert other != [papers.paper_of("salt", f"s{n}") for n in range(100)]


def test_papers_differ_and_depend_on_the_salt():
    def data(salt, paper):
        wires = [r.wire for r in papers.requests_of("softmax", salt, paper)]
        return codec.encode(wires)

    assert data("salt", "paper 1") == data("salt", "paper 1")
    assert data("salt", "paper 1") != data("salt", "paper 2")
    assert data("salt", "paper 1") != data("pepper", "paper 1")


def answers(step, requests, code):
    namespace = {**step.reference, **code}
    return [execute(namespace, {**r.wire, "limit": 5.0}) for r in requests]


@pytest.mark.parametrize("name", ["softmax", "mlp-backward", "path-gradient", "dropout"])
def test_a_shared_request_is_judged_as_one_of_its_own(name):
    """Right answers and every known mistake get the same points, hints and words either way."""
    step = bank.get(name)
    shared, own = papers.requests_of(name, "salt", "paper 3"), requests_for(step, "salt", "paper 3")
    for code in ({}, *(mistake.code for mistake in step.mistakes)):
        outcomes = answers(step, own, code)
        for _ in range(2):  # the second time from memory
            with np.errstate(all="ignore"):
                ours, theirs = judge(step, shared, outcomes), judge(step, own, outcomes)
            assert ours.points == theirs.points
            assert ours.mistakes == theirs.mistakes
            assert [case.parts for case in ours.cases] == [case.parts for case in theirs.cases]


def test_the_reference_runs_once_for_a_paper(monkeypatch):
    step = bank.get("softmax")
    requests = papers.requests_of("softmax", "a salt of its own", "paper 5")
    outcomes = answers(step, requests, {})
    judge(step, requests, outcomes)
    calls = []
    monkeypatch.setattr(engine, "execute", lambda *a, **k: calls.append(a))
    assert judge(step, requests, outcomes).passed
    assert calls == []


def test_what_travels_is_the_same_encoded_once_or_anew():
    shared = papers.requests_of("softmax", "salt", "paper 1")[-1]
    own = requests_for(bank.get("softmax"), "salt", "paper 1")[-1]
    assert run.payload_of(shared) is run.payload_of(shared)
    assert run.payload_of(own) == run.payload_of(shared)
    assert codec.decode(run.payload_of(own))["request"]["function"] == "softmax"
