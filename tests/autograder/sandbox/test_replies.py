"""The form of replies: any tree at all is either put in form or refused."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.inside import runner
from autograder.inside.codec import ProtocolError
from autograder.sandbox import replies

junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
OPTIONAL = ("value", "changed", "printed", "warned", "error", "calls", "peak", "seconds")
outcome_like = st.fixed_dictionaries(
    {"status": st.sampled_from(["ok", "raised", "missing", "timeout", "unserialisable", "x"])},
    optional=dict.fromkeys(
        ("value", "changed", "printed", "warned", "error", "calls", "peak", "seconds"), junk
    ),
)
output_like = st.fixed_dictionaries(
    {"output_type": st.sampled_from(["stream", "display_data", "execute_result", "error", "x"])},
    optional={
        "name": junk,
        "text": junk,
        "data": junk | st.dictionaries(st.sampled_from(["text/plain", "application/json"]), junk),
        "metadata": junk,
        "execution_count": junk,
        "ename": st.text(),
        "evalue": st.text(),
        "traceback": st.lists(st.text()) | junk,
    },
)


@given(junk | outcome_like)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_outcomes(tree: Any) -> None:
    try:
        outcome = replies.outcome(tree)
    except ProtocolError:
        return
    assert set(outcome) == set(replies.timeout(1.0))
    assert outcome["status"] in ("ok", "raised", "missing", "timeout", "unserialisable")


@given(
    junk
    | st.fixed_dictionaries(
        {"status": st.sampled_from(["ok", "error", "x"]), "outputs": st.lists(output_like)},
        optional={"count": junk, "truncated": junk},
    )
)
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_cells(tree: Any) -> None:
    try:
        result = replies.cell_result(tree, late=False, room=1000)
    except ProtocolError:
        return
    json.dumps(result.outputs, allow_nan=False)
    cell = nbformat.v4.new_code_cell(outputs=[nbformat.from_dict(o) for o in result.outputs])
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))


def test_a_cell_that_claims_little_and_sends_much() -> None:
    outputs = [{"output_type": "stream", "name": "stdout", "text": "x" * 900}] * 50
    reply = {"status": "ok", "outputs": outputs, "count": 1, "truncated": False}
    result = replies.cell_result(reply, late=False, room=5000)
    assert result.truncated
    assert sum(len(output["text"]) for output in result.outputs) <= 6000


@pytest.mark.parametrize(
    "source",
    [
        "def f(x): return x",
        "def f(x): raise ValueError('no')",
        "def f(x): raise NotImplementedError",
        "def f(x):\n    import warnings; warnings.warn('w'); print(1); x[0] = 7; return x",
        "g = 1",
        "f = 3",
        "def f(x): return object()",
        "def f(): return 1",
    ],
)
def test_honest_outcomes_pass_unchanged(source: str) -> None:
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    outcome = runner.execute(namespace, {"function": "f", "args": [np.ones(2)]})
    passed = replies.outcome(outcome)
    assert passed.keys() == outcome.keys()
    for name, value in outcome.items():
        if name != "value":
            assert passed[name] == value, name
    np.testing.assert_array_equal(passed["value"], outcome["value"])


@pytest.mark.parametrize(
    "path", ["", "x", "args[]", "args[" + "9" * 5000 + "]", "args[1", "kwargs"]
)
def test_only_arguments_can_have_changed(path: str) -> None:
    """A path of another form would be a fault of ours further on."""
    good = {"status": "ok", "value": 1, "printed": "", "warned": [], "calls": {}, "seconds": 0.1}
    for known in ("args[0]", "args[0][1]", "kwargs['w']", "kwargs['w']['b'][2]"):
        assert replies.outcome({**good, "changed": [known]})["changed"] == [known]
    with pytest.raises(ProtocolError):
        replies.outcome({**good, "changed": [path]})
