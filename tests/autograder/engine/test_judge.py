"""The judge: points, hidden data, hidden state, and the name of the mistake."""

import json
import time

import numpy as np
import pytest

from autograder.bank import get
from autograder.checking import evaluate, outcomes_of
from autograder.engine.judge import RULE, Request, judge, requests_for
from autograder.engine.step import (
    Array,
    Function,
    Mistake,
    Number,
    Step,
    call,
    edge,
    random,
    worked,
)
from autograder.inside import codec
from autograder.inside.runner import Fn, execute


def double(x):
    return 2 * x


def norm(x):
    return float(np.sqrt((x * x).sum()))


def draw(rng):
    x = rng.uniform(0.3, 0.9, size=4)
    yield random("four numbers", call("double", x))
    yield random("length of four numbers", call("norm", x))


STEP = Step(
    id="toy",
    title="Toy",
    lesson="00-toy",
    equation="eq-toy",
    points=3,
    functions=(
        Function("double(x)", double, Array("y", like="x")),
        Function("norm(x)", norm, Number("n")),
    ),
    cases=(
        worked("three numbers", call("double", np.array([1.5, 2.5, 0.5]))),
        worked("three numbers", call("norm", np.array([1.5, 2.5, 0.5]))),
        edge("zero", call("double", np.zeros(2))),
        edge("negative", call("norm", np.array([-2.0, 1.5]))),
        edge("refused", call("norm", np.zeros((0,))), may_raise=("ValueError",)),
    ),
    generate=draw,
    mistakes=(
        Mistake("plus", "x + 2", "Hint.", {"double": lambda x: x + 2}, equation="eq-plus"),
        Mistake("sum", "the sum", "Hint.", {"norm": lambda x: float(abs(x.sum()))}),
        Mistake("manhattan", "sum of |x|", "Hint.", {"norm": lambda x: float(abs(x).sum())}),
        Mistake("contrast", "same", "Hint.", {"double": lambda x: x + x}, contrast=True),
    ),
)


def points(**code):
    return evaluate(STEP, {**STEP.reference, **code}).points


def test_all_points_only_when_all_is_right():
    result = evaluate(STEP, STEP.reference)
    assert (result.points, result.status, result.failures) == (3.0, "passed", [])


def test_parts_share_the_points_and_edges_count_on_top():
    assert points(norm=lambda x: 0.0) == 1.5
    assert points(norm=lambda x: norm(x) if x.size and x.min() > 0 else 99.0) == 2.25
    assert points(double=lambda x: x + 2, norm=lambda x: 0.0) == 0.0


def test_edge_cases_alone_earn_nothing():
    assert points(double=lambda x: np.zeros(2), norm=lambda x: 2.5) == 0.0


def test_the_rule_is_monotone():
    """Whatever more is right, the points never fall."""
    base = {"double": lambda x: x + 2, "norm": lambda x: 0.0}
    better = [{**base, "norm": lambda x: norm(x) if x.min(initial=1) > 0 else 9.0}]
    better += [{**base, "norm": norm}, {"double": double, "norm": norm}]
    earned = [evaluate(STEP, code).points for code in (base, *better)]
    assert earned == sorted(earned)
    assert earned[0] == 0
    assert earned[-1] == 3


def test_changing_an_input_costs_the_second_half():
    def spoil(x):
        x *= 2
        return x

    result = evaluate(STEP, {**STEP.reference, "double": spoil})
    assert result.points == 2.25
    assert "changed its input `x`" in result.failure.sentences[0]


def test_hidden_state_is_found_by_calling_again():
    counter = iter(range(10_000))
    result = evaluate(STEP, {**STEP.reference, "double": lambda x: 2 * x * (next(counter) < 4)})
    assert any("called twice" in s for s in result.failure.sentences)
    assert result.points == 2.25


def test_an_exception_returned_where_one_is_due():
    step = STEP.with_(cases=(edge("none", call("norm", np.zeros(0)), raises=("ValueError",)),))
    code = {**step.reference, "norm": lambda x: norm(x) if x.size else ValueError("empty")}
    said = evaluate(step, code)
    assert "yours returned a ValueError: write `raise ValueError(…)`" in said.failure.sentences[0]


def test_chance_is_found_by_calling_again():
    def guess(x):
        return 2 * x + np.random.rand() * (x.size == 4)  # noqa: NPY002

    result = evaluate(STEP, {**STEP.reference, "double": guess})
    assert any("called twice" in s for s in result.failure.sentences)


def test_an_answer_that_is_right_in_the_lesson_only():
    printed = 2 * np.array([1.5, 2.5, 0.5])
    code = {**STEP.reference, "double": lambda x: printed if x.size == 3 else x}
    assert "the lesson's example cannot show this" in evaluate(STEP, code).failure.pattern
    assert evaluate(STEP, code).points == 1.5
    constant = {**STEP.reference, "double": lambda x: printed}
    assert "the same answer whatever the input" in evaluate(STEP, constant).failure.pattern


def test_a_named_mistake_needs_no_word_on_the_lessons_numbers():
    code = {**STEP.reference, "norm": lambda x: norm(x) + (x.size != 3)}
    failure = evaluate(STEP, code).failure
    assert "cannot show" in failure.pattern
    named = STEP.with_(
        mistakes=(*STEP.mistakes, Mistake("odd", "odd", "Hint.", {"norm": code["norm"]}))
    )
    failure = evaluate(named, code).failure
    assert failure.mistakes[0].id == "odd"
    assert failure.pattern == ""


def test_the_mistake_is_named_when_it_explains_everything():
    result = evaluate(STEP, {**STEP.reference, "double": lambda x: 2.0 + x})
    assert result.mistakes == ["plus"]
    assert result.failure.certain
    assert result.failure.equation == "eq-plus"


def test_several_mistakes_that_explain_everything_are_closest():
    positive = STEP.with_(
        cases=(STEP.cases[0], STEP.cases[1]),
        generate=lambda rng: iter([*draw(rng)]),
    )
    result = evaluate(positive, {**STEP.reference, "norm": lambda x: float(np.sum(x))})
    assert set(result.mistakes) == {"sum", "manhattan"}
    assert not result.failure.certain


def test_a_mistake_that_explains_most_is_mentioned():
    def mixed(x):
        return x + 2 if x.size != 3 else x - 7

    failure = evaluate(STEP, {**STEP.reference, "double": mixed}).failure
    assert not failure.mistakes
    assert failure.partly[0] == "x + 2"


def test_two_wrong_functions_are_explained_separately():
    code = {"double": lambda x: x + 2, "norm": lambda x: float(abs(x).sum())}
    result = evaluate(STEP, code)
    assert result.mistakes == ["plus", "manhattan"]


def test_hidden_data_depends_on_salt_and_student_alone():
    def data(*key):
        return [r.wire["args"][0].tolist() for r in requests_for(STEP, *key)]

    assert data() == data()
    assert data("salt", "ada") == data("salt", "ada")
    assert data("salt", "ada") != data("salt", "emmy")
    assert data("salt", "ada") != data("pepper", "ada")
    assert len(data("salt", "ada")) > len(data())


def test_what_travels_knows_no_answer_and_survives_the_wire():
    step = get("chain-backward")
    requests = requests_for(step, "salt", "ada", limit=5.0)
    outcomes = []
    for request in requests:
        wire = codec.decode(codec.encode(request.wire))
        assert "salt" not in repr(wire)
        outcomes.append(codec.decode(codec.encode(execute(step.reference, wire))))
    assert judge(step, requests, outcomes).points == step.points


def test_a_result_is_json():
    code = {**STEP.reference, "norm": lambda x: float(abs(x).sum())}
    tree = json.loads(json.dumps(evaluate(STEP, code).to_dict()))
    assert tree["points"] == 1.5
    assert tree["failures"][0]["mistakes"][0]["id"] == "manhattan"
    assert tree["cases"][0]["ok"] is True


def test_a_function_that_hung_is_not_called_again():
    calls = []

    def hang(x):
        calls.append(1)
        while True:
            pass

    requests = requests_for(STEP, limit=0.1)
    outcomes = outcomes_of({**STEP.reference, "double": hang}, requests)
    assert len(calls) == 1
    assert judge(STEP, requests, outcomes).points == 1.5


def test_a_slow_function_runs_out_of_patience():
    calls = []

    def slow(x):
        calls.append(1)
        time.sleep(0.1)
        return 2 * x

    requests = requests_for(STEP.with_(draws=30), limit=0.3)
    outcomes = outcomes_of({**STEP.reference, "double": slow}, requests)
    assert len(calls) <= 16
    said = [outcome["error"]["message"] for outcome in outcomes if outcome["error"]]
    assert "its calls together took more than 1.5 s" in said


def test_counts_memory_and_warnings_fail_a_case():
    def slope(f, x):
        return (f(x + 1e-5) - f(x - 1e-5)) / 2e-5

    step = Step(
        id="toy2",
        title="Toy",
        lesson="00-toy",
        equation="eq-toy",
        points=1,
        functions=(Function("slope(f, x)", slope, Number("s", rtol=1e-6)),),
        cases=(
            edge("calls", call("slope", Fn("sine"), 0.3), counts=True),
            edge("memory", call("slope", Fn("sine"), 0.2), memory=100_000),
            edge("quiet", call("slope", Fn("sine"), 0.4), quiet=True),
        ),
        generate=lambda rng: [random("any", call("slope", Fn("sine"), float(rng.random())))],
        mistakes=(),
    )
    assert evaluate(step, step.reference).points == 1

    def wasteful(f, x):
        f(x)
        np.ones(1_000_000).sum()
        np.log(np.zeros(1))
        return slope(f, x)

    result = evaluate(step, {"slope": wasteful})
    assert result.points == 0.5
    said = [problem for case in result.cases for problem in case.problems]
    assert any("`sine` is called 3 times; 2 are needed" in s for s in said)
    assert any("MB" in s for s in said)
    assert any("numpy warned" in s for s in said)


def test_a_bank_that_contradicts_itself_is_refused():
    with pytest.raises(ValueError, match="no function"):
        STEP.with_(cases=(worked("x", call("triple", 1.0)),))
    with pytest.raises(ValueError, match="two mistakes"):
        STEP.with_(mistakes=(STEP.mistakes[0], STEP.mistakes[0]))
    wire = {"function": "norm", "args": ["text"]}
    request = Request(worked("x", call("norm", "text")), wire)
    with pytest.raises(RuntimeError, match="the reference fails"):
        judge(STEP, [request], [execute(STEP.reference, wire)])


def test_the_rule_is_told():
    assert "half" in RULE
