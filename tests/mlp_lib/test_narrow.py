"""Code on a page: narrow enough for it, and still the same code."""

from __future__ import annotations

import ast
import inspect

import jupytext
import pytest

import mlp_lib
from autograder import sets
from mlp_lib._narrow import PAGE, narrow


def statements(code: str) -> str:
    """Return what Python reads, with any white space in docstrings counted as one space."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = " ".join(node.value.split())
    return ast.dump(tree)


def width(code: str) -> int:
    return max(map(len, code.split("\n")))


PUBLIC = sorted(
    name
    for name, thing in vars(mlp_lib).items()
    if inspect.isfunction(thing) or (inspect.isclass(thing) and thing.__module__ != "typing")
)


@pytest.mark.parametrize("name", PUBLIC)
def test_the_library_fits_the_page_and_says_the_same(name: str):
    code = inspect.getsource(getattr(mlp_lib, name))
    assert statements(narrow(code)) == statements(code)
    formulas = "   "  # in columns: they stay as they are
    lines = [line for line in narrow(code).split("\n") if formulas not in line.strip()]
    assert width("\n".join(lines)) <= PAGE


@pytest.mark.parametrize("name", sets.names())
def test_the_problem_sets_fit_the_page_and_say_the_same(name: str):
    notebook = sets.student_version(jupytext.read(sets.path_of(name)))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            code = narrow(cell.source)
            assert statements(code) == statements(cell.source)
            assert width(code) <= PAGE


EXAMPLES = """
g, out, loss = get_activation(hidden, "hidden"), OUTPUTS[output], LOSS_OF_OUTPUT[output]
becomes
g, out, loss = (
    get_activation(hidden, "hidden"),
    OUTPUTS[output],
    LOSS_OF_OUTPUT[output],
)

return [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads, strict=True)]
becomes
return [
    (W - lr * dW, b - lr * db)
    for (W, b), (dW, db) in zip(params, grads, strict=True)
]

def linear_backward(dZ: ArrayLike, A_prev: ArrayLike, W: ArrayLike) -> tuple[Array, Array]:
becomes
def linear_backward(
    dZ: ArrayLike, A_prev: ArrayLike, W: ArrayLike
) -> tuple[Array, Array]:

rows = [(W.T, b) for W, b in params]  # the network of step 2, stored the other way round
becomes
# the network of step 2, stored the other way round
rows = [(W.T, b) for W, b in params]

raise ValueError(f"expected two gradients of one and the same shape, got {g.shape} and {n.shape}")
becomes
raise ValueError(
    f"expected two gradients of one and the same shape, got {g.shape} and {n.shape}"
)

    raise TypeError(
        f"early_stopping: expected patience that is an integer, got {type(patience).__name__}"
    )
becomes
    raise TypeError(
        f"early_stopping: expected patience that is an integer, got "
        f"{type(patience).__name__}"
    )

# If the next line fails, this Python does not have the course, and `pip install PATH` does it.
becomes
# If the next line fails, this Python does not have the course, and
# `pip install PATH` does it.
"""


@pytest.mark.parametrize("example", EXAMPLES.strip("\n").split("\n\n"))
def test_a_line_breaks_where_a_reader_expects_it(example: str):
    code, shown = example.split("\nbecomes\n")
    assert narrow(code) == shown


def test_a_line_that_fits_stays():
    code = "def f(x):\n    # a remark\n    return [x for _ in range(3)]  # so it is\n"
    assert narrow(code) == code
