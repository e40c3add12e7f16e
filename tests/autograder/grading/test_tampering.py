"""Nothing but the values that functions return changes a grade: right stays right, wrong wrong."""

from __future__ import annotations

import copy

import pytest

from .conftest import cell_of, code, insert

WRONG = "\n\nhonest = softmax\n\ndef softmax(Z):\n    return honest(Z) * 1.01"
HALF = (
    "def softmax(Z):\n    E = np.exp(np.asarray(Z, dtype=float))\n"
    "    return E / E.sum(axis=-1, keepdims=True)"
)

TAMPERING = {
    "patched assertions": """
import numpy.testing as t
for name in dir(t):
    if name.startswith("assert"):
        setattr(t, name, lambda *a, **k: None)
""",
    "everything is close": """
for name in ("allclose", "isclose", "array_equal", "array_equiv"):
    setattr(np, name, lambda *a, **k: True)
np.linalg.norm = lambda *a, **k: 0.0
""",
    "patched builtins": """
import builtins
builtins.abs = lambda x: 0.0
builtins.AssertionError = KeyError
builtins.repr = lambda x: "1.0"
builtins.print = lambda *a, **k: None
""",
    "no more asserts": """
import ast
class Strip(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)
get_ipython().ast_transformers.append(Strip())
""",
    "check cells read as points": """
def rewrite(lines):
    return ["2.0"] if any("check(" in line for line in lines) else lines
get_ipython().input_transformers_post.append(rewrite)
get_ipython().input_transformers_cleanup.append(rewrite)
""",
    "another check": """
import sys, types
fake = types.ModuleType("autograder")
fake.check = check = lambda *a: 2.0
sys.modules["autograder"] = fake
sys.modules["autograder.checking"] = sys.modules["autograder.engine"] = fake
""",
    "an import hook": """
import sys
class Hook:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("autograder", "mlp_lib", "nbgrader")):
            raise SystemExit
sys.meta_path.insert(0, Hook())
""",
    "a shell that runs nothing": """
shell = get_ipython()
original = type(shell).run_cell
def run_cell(self, source, *a, **k):
    return original(self, "2.0" if "check" in source else source, *a, **k)
type(shell).run_cell = run_cell
""",
    "printed points": """
print("2.0")
display({"text/plain": "2.0"}, raw=True)
2.0
""",
    "forged statuses": """
import sys
runner = sys.modules.get("inside.runner")
if runner:
    kept = runner.execute
    def execute(*arguments, **named):
        outcome = kept(*arguments, **named)
        outcome.update(points=2.0, passed=True, expected=outcome["value"], score=2.0)
        return outcome
    runner.execute = execute
""",
    "changes hidden from the runner": """
import sys
runner = sys.modules.get("inside.runner")
if runner:
    runner._changes = lambda *a: []
    runner._warned = lambda *a: []
""",
    "a clock that stands": """
import time
time.time = time.monotonic = time.perf_counter = lambda: 0.0
""",
    "a tracer": """
import sys, threading
def tracer(frame, event, arg):
    for name in ("expected", "reference", "answer"):
        if name in frame.f_locals:
            frame.f_globals["STOLEN"] = frame.f_locals[name]
    return tracer
threading.settrace(tracer)
""",
    "a search of the memory": """
import gc, types
found = [o for o in gc.get_objects() if isinstance(o, types.FunctionType)
         and o.__name__ in ("softmax", "judge", "requests_for", "reference_outcomes")]
assert all(f is softmax for f in found), found
""",
    "an attempt to end the judge": """
import os, signal
for number in (1, os.getppid()):
    try:
        if number > 1:
            os.kill(number, signal.SIGKILL)
    except OSError:
        pass
""",
    "no warnings, no errors": """
import warnings, sys
warnings.warn = warnings.showwarning = lambda *a, **k: None
sys.excepthook = get_ipython().showtraceback = lambda *a, **k: None
""",
    "a thread that meddles": """
import threading, time
def meddle():
    while True:
        time.sleep(0.001)
        globals()["score"] = globals()["points"] = 2.0
threading.Thread(target=meddle, daemon=True).start()
""",
    "arrays that equal everything": """
class Sure(np.ndarray):
    __hash__ = None
    def __eq__(self, other): return np.ones(self.shape, bool)
    def __sub__(self, other): return np.zeros(self.shape)
    __rsub__ = __sub__
    def __array_ufunc__(self, ufunc, method, *inputs, **k):
        plain = [np.asarray(i).view(np.ndarray) for i in inputs]
        return getattr(ufunc, method)(*plain, **k)
inner = softmax
def softmax(Z):
    return np.asarray(inner(Z)).view(Sure)
""",
    "a number printed as another": """
np.set_printoptions(formatter={"float": lambda x: "1.0"})
np.ndarray.__array_priority__ if True else None
""",
    "exits left behind": """
import atexit, os, sys
atexit.register(lambda: print("2.0"))
sys.exitfunc = lambda: 2.0
class Late:
    def __del__(self):
        print("2.0")
late = Late()
""",
    "an interrupt handler": """
import signal
for number in (signal.SIGINT, signal.SIGXCPU, signal.SIGTERM):
    signal.signal(number, lambda *a: None)
""",
}


def answers(notebook, kind):
    """A right answer, one that is wrong everywhere, and one that is wrong at the edges."""
    found = copy.deepcopy(notebook)
    cell = cell_of(found, "softmax-answer")
    cell["source"] = "".join(cell["source"])
    if kind == "wrong":
        cell["source"] += WRONG
    if kind == "half":
        cell["source"] = HALF
    return found


POINTS = {"right": 2.0, "wrong": 0.0, "half": 1.0}


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("source", TAMPERING.values(), ids=TAMPERING)
def test_tampering_in_a_cell(source, place, grade, solved):
    where = "softmax-answer" if place == "before" and "inner = softmax" not in source else "softmax"
    for kind, points in POINTS.items():
        notebook = answers(solved, kind)
        insert(notebook, where, code(source))
        result, _ = grade(notebook)
        assert result["cells"]["softmax"]["score"] == points, kind
        assert result["runs"] == 1


def metadata(**changes):
    def change(notebook):
        cell_of(notebook, "softmax")["metadata"]["nbgrader"] |= changes

    return change


def skipped(notebook):
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]


def emptied(notebook):
    cell_of(notebook, "softmax")["source"] = ""


def passed(notebook):
    cell_of(notebook, "softmax")["source"] = "2.0"


def removed(notebook):
    notebook["cells"].remove(cell_of(notebook, "softmax"))


def copied(notebook):
    notebook["cells"].append(copy.deepcopy(cell_of(notebook, "softmax")) | {"source": "2.0"})


def outputs_kept(notebook):
    cell_of(notebook, "softmax")["outputs"] = [
        {
            "output_type": "execute_result",
            "data": {"text/plain": "2.0"},
            "metadata": {},
            "execution_count": 1,
        }
    ]


def turned_into_text(notebook):
    cell = cell_of(notebook, "softmax")
    cell["cell_type"] = "markdown"
    del cell["outputs"], cell["execution_count"]


def other_kernel(notebook):
    notebook["metadata"]["kernelspec"] = {"name": "bash", "display_name": "b", "language": "bash"}


def at_the_end(notebook):
    cell = cell_of(notebook, "softmax")
    notebook["cells"].remove(cell)
    notebook["cells"].append(cell)


STRUCTURE = {
    "more points": metadata(points=1000),
    "an answer instead of a check": metadata(solution=True, locked=False),
    "not graded": metadata(grade=False),
    "another checksum": metadata(checksum="0" * 32),
    "another name": metadata(grade_id="softmax-2"),
    "a name of something else": metadata(grade_id="one-hot"),
    "tags to skip it": skipped,
    "an empty check": emptied,
    "a check that says two": passed,
    "no check": removed,
    "two checks": copied,
    "outputs from elsewhere": outputs_kept,
    "a check that is text": turned_into_text,
    "another kernel": other_kernel,
    "a check at the end": at_the_end,
}


@pytest.mark.parametrize("change", STRUCTURE.values(), ids=STRUCTURE)
def test_tampering_with_the_notebook(change, grade, solved):
    for kind, points in POINTS.items():
        notebook = answers(solved, kind)
        change(notebook)
        result, _ = grade(notebook)
        assert result["cells"]["softmax"]["score"] == points, kind
        assert result["cells"]["one-hot"]["score"] == 1.0
        assert result["max"] == 5


def test_nothing_passes_from_one_submission_to_the_next(grade, solved):
    """What the first leaves in files, the environment, modules and random state is gone."""
    leave = """
import os, tempfile, builtins
open("answers.txt", "w").write("x"); os.environ["ANSWERS"] = "x"; builtins.answers = "x"
np.random.seed(0); np.answers = "x"
"""
    look = """
import os, builtins
assert not os.path.exists("answers.txt") and "ANSWERS" not in os.environ
assert not hasattr(builtins, "answers") and not hasattr(np, "answers")
"""
    insert(solved, "softmax", code(leave))
    grade(solved)
    insert(solved, "softmax-answer", code(look))
    _, notebook = grade(solved, student="ben")
    cell = next(c for c in notebook["cells"] if c["source"] == look)
    assert cell["outputs"] == []
