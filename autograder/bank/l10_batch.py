# ruff: noqa: ARG001, ARG005 - a wrong implementation may well ignore an argument
"""Lesson 10: a batch in row form, and the bridge that leads there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

import mlp_lib
from autograder.bank.common import ACTIVATIONS, row, singles
from autograder.bank.l09_backprop import CHECK, NET1, NET2, view
from autograder.engine.generators import column_net, generic, row_net, sizes, targets
from autograder.engine.step import (
    Array,
    Case,
    Function,
    Gradient,
    Layers,
    Mistake,
    Quantity,
    Several,
    Step,
    call,
    edge,
    random,
    worked,
)
from autograder.inside.runner import Fn, View
from mlp_lib._types import Params

# Why some mutants of the reference compute the same.
STRICT = "the lists are of equal length: one entry for each layer, or for each example"

# The batch of the lesson, for its 2-3-4 network.
X = np.array([[0.8, -2.0], [0.3, 0.7], [2.0, 0.5], [-0.4, 0.6], [1.2, -0.9]])
Y = np.eye(4)[[1, 0, 2, 3, 1]]
X22 = np.array([[0.8, -0.6], [-1.3, 0.45]])
Y22 = np.eye(2)[[0, 1]]
PRINTED = [
    ([[0.0481, -0.0224, 0.0241], [-0.1041, 0.0512, 0.0315]], [[0.0549, 0.0113, -0.0232]]),
    (
        [
            [0.1285, -0.2126, 0.1026, -0.0186],
            [0.1153, -0.1784, 0.0889, -0.0257],
            [0.0047, 0.0325, 0.0505, -0.0877],
        ],
        [[0.1495, -0.216, 0.1546, -0.0881]],
    ),
]

# --------------------------------------------------------------------------------------
# the bridge (E10.1)


def bridge_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield nets in both forms with a batch size unlike any layer size, and square ones."""
    for L in (2, 3):
        m, *n = sizes(rng, L + 2, low=2, high=7)
        params: Any = column_net(rng, n, scale=0.7)
        title = "-".join(map(str, n))
        batch = generic(rng, m, n[0]), targets(rng, m, n[-1])
        yield random(f"{title}, {m} examples", call("batch_from_singles", params, *batch))
        yield random(title, call("to_row", params))
        yield random(title, call("to_col", mlp_lib.to_row(params)))
    side = int(rng.integers(2, 5))
    title = "-".join([str(side)] * 3)
    params = column_net(rng, [side] * 3, scale=0.7)
    batch = generic(rng, side, side), targets(rng, side, side)
    yield random(f"{title}, {side} examples", call("batch_from_singles", params, *batch))
    yield random(title, call("to_row", params))
    yield random(title, call("to_col", mlp_lib.to_row(params)))


def _singles(params_col: Any, X: Any, Y: Any) -> list[Any]:
    """One backward pass for each example, in column form."""
    found = []
    for x, y in zip(np.asarray(X), np.asarray(Y), strict=True):
        _, cache = mlp_lib.mlp_forward(x, params_col)
        found.append(mlp_lib.mlp_backward(params_col, cache, y))
    return found


def _mean(params_col: Any, X: Any, Y: Any) -> Any:
    """The mean gradient, still in column form."""
    layers = zip(*_singles(params_col, X, Y), strict=True)
    return [tuple(np.mean(part, axis=0) for part in zip(*layer, strict=True)) for layer in layers]


def _column_form(params_col: Any, X: Any, Y: Any) -> Any:
    return _mean(params_col, X, Y)


def _dw_not_transposed(params_col: Any, X: Any, Y: Any) -> Any:
    return [(dW, db.reshape(1, -1)) for dW, db in _mean(params_col, X, Y)]


def _bias_vector(params_col: Any, X: Any, Y: Any) -> Any:
    return [(dW.T, db) for dW, db in _mean(params_col, X, Y)]


def _sum(params_col: Any, X: Any, Y: Any) -> Any:
    m = len(X)
    return [(m * dW.T, m * db.reshape(1, -1)) for dW, db in _mean(params_col, X, Y)]


def _reshaped(params_col: Any, X: Any, Y: Any) -> Any:
    grads = _mean(params_col, X, Y)
    return [(dW.reshape(dW.shape[::-1]), db.reshape(1, -1)) for dW, db in grads]


def _averaged_inputs(params_col: Any, X: Any, Y: Any) -> Any:
    return mlp_lib.to_row(_mean(params_col, np.mean(X, axis=0)[None], np.mean(Y, axis=0)[None]))


def _product_of_means(params_col: Any, X: Any, Y: Any) -> Any:
    _, cache = mlp_lib.mlp_forward_batch(X, mlp_lib.to_row(params_col))
    deltas = [np.mean(db, axis=0) for _, db in _transposed_singles(params_col, X, Y)]
    senders = [np.mean(a, axis=0) for a in cache["a"][:-1]]
    return [(np.outer(a, d), d[None]) for a, d in zip(senders, deltas, strict=True)]


def _transposed_singles(params_col: Any, X: Any, Y: Any) -> list[Any]:
    layers = zip(*_singles(params_col, X, Y), strict=True)
    return [tuple(np.array(part) for part in zip(*layer, strict=True)) for layer in layers]


def _last_example(params_col: Any, X: Any, Y: Any) -> Any:
    return mlp_lib.to_row(_singles(params_col, X, Y)[-1])


def _last_over_m(params_col: Any, X: Any, Y: Any) -> Any:
    return [(dW / len(X), db / len(X)) for dW, db in _last_example(params_col, X, Y)]


def _row_reshaped(params_col: Any) -> Any:
    return [(W.reshape(W.shape[::-1]), b.reshape(1, -1)) for W, b in params_col]


def _row_untransposed(params_col: Any) -> Any:
    return [(W.copy(), b.reshape(1, -1)) for W, b in params_col]


def _row_bias_vector(params_col: Any) -> Any:
    return [(W.T, b.copy()) for W, b in params_col]


def _row_bias_column(params_col: Any) -> Any:
    return [(W.T, b.reshape(-1, 1)) for W, b in params_col]


def _col_reshaped(params_row: Any) -> Any:
    return [(W.reshape(W.shape[::-1]), b.ravel()) for W, b in params_row]


def _col_untransposed(params_row: Any) -> Any:
    return [(W.copy(), b.ravel()) for W, b in params_row]


def _col_bias_row(params_row: Any) -> Any:
    return [(W.T, b.copy()) for W, b in params_row]


def _col_bias_column(params_row: Any) -> Any:
    return [(W.T, b.T) for W, b in params_row]


ROW1, ROW2 = mlp_lib.to_row(NET1), mlp_lib.to_row(NET2)
ONE_UNIT: Params = [(NET1[0][0][:1], NET1[0][1][:1])]
SAME = "nothing is computed here, so every number must be exactly the one that went in"
EXACT: dict[str, Any] = {"rtol": 0.0, "atol": 0.0, "why": SAME}

batch_from_singles = Step(
    id="batch-from-singles",
    title="Bridge: single-example gradients to the batch gradient",
    lesson="10-batch",
    equation="eq-batch-singles",
    points=3,
    functions=(
        Function(
            "batch_from_singles(params_col, X, Y)",
            mlp_lib.batch_from_singles,
            Layers(
                Several(
                    Gradient("dW", of="W_row"),
                    Gradient("db", of="b_row"),
                )
            ),
            clue=singles.clue,
            trace=singles.stations,
            everywhere=(
                "look at how the examples are put together; every example is added once, and the "
                "sum is divided by m once, after the last one"
            ),
        ),
        Function(
            "to_row(params_col)",
            mlp_lib.to_row,
            Layers(
                Several(
                    Array("W", because="row form is W[from, to]", **EXACT),
                    Array("b", because="row form keeps b as one row, (1, n_out)", **EXACT),
                )
            ),
        ),
        Function(
            "to_col(params_row)",
            mlp_lib.to_col,
            Layers(
                Several(
                    Array("W", because="column form is W[to, from]", **EXACT),
                    Array("b", because="column form keeps b as a vector, (n_out,)", **EXACT),
                )
            ),
        ),
    ),
    cases=(
        worked(
            "the 2-3-4 network of the lesson, 5 examples",
            call("batch_from_singles", NET1, X, Y),
            gives=PRINTED,
        ),
        worked(
            "the 2-3-4 network of the lesson",
            call("to_row", NET1),
            gives=[(W.T.tolist(), [b.tolist()]) for W, b in NET1],
        ),
        worked(
            "the 2-3-4 network of the lesson",
            call("to_col", ROW1),
            gives=[(W.tolist(), b.tolist()) for W, b in NET1],
        ),
        edge("one example", call("batch_from_singles", NET1, X[:1], Y[:1])),
        edge("all square, two examples", call("batch_from_singles", NET2, X22, Y22)),
        edge(
            "no hidden layer", call("batch_from_singles", NET1[:1], X, np.eye(3)[[1, 0, 2, 2, 1]])
        ),
        edge(
            "the same example five times",
            call(
                "batch_from_singles", NET1, np.repeat(X[:1], 5, axis=0), np.repeat(Y[:1], 5, axis=0)
            ),
        ),
        edge(
            "read-only arrays",
            call(
                "batch_from_singles",
                view(NET1, "readonly"),
                View(X, "readonly"),
                View(Y, "readonly"),
            ),
        ),
        edge(
            "every second entry",
            call("batch_from_singles", NET1, View(X, "strided"), View(Y, "reversed")),
        ),
        edge("all square", call("to_row", NET2)),
        edge("one unit, one layer", call("to_row", ONE_UNIT)),
        edge("read-only arrays", call("to_row", view(NET1, "readonly"))),
        edge("matrices transposed in memory", call("to_row", view(NET1, "fortran"))),
        edge("all square", call("to_col", ROW2)),
        edge(
            "one unit, one layer",
            call("to_col", mlp_lib.to_row(ONE_UNIT)),
        ),
        edge("read-only arrays", call("to_col", view(ROW1, "readonly"))),
        edge("matrices transposed in memory", call("to_col", view(ROW1, "fortran"))),
    ),
    generate=bridge_cases,
    mistakes=(
        Mistake(
            "column-form",
            "gradients left in column form",
            "The single passes give dW[to, from] and db as a vector. Row form stores W[from, to], "
            "and a gradient has the shape of its variable: transpose dW, make db one row.",
            {"batch_from_singles": _column_form},
            equation="eq-to-row",
            gives=[[0.0481, -0.1041], [-0.0224, 0.0512], [0.0241, 0.0315]],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "dw-not-transposed",
            "dW not transposed",
            "dW = δ aᵀ has a row for each receiver. In row form W is stored [from, to], so the "
            "gradient of one example is a δᵀ, with a row for each sender.",
            {"batch_from_singles": _dw_not_transposed},
            equation="eq-to-row",
            gives=[[0.0481, -0.1041], [-0.0224, 0.0512], [0.0241, 0.0315]],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "db-as-vector",
            "db left as a vector",
            "Row form keeps b as one row, (1, n_out), to be added to every example. Its gradient "
            "has the same shape.",
            {"batch_from_singles": _bias_vector},
            equation="eq-to-row",
        ),
        Mistake(
            "sum",
            "the sum over the examples, not the mean",
            "The batch loss is the mean of the single losses, so the 1/m comes along: without it "
            "every step is m times as long, and grows with the batch.",
            {"batch_from_singles": _sum},
            gives=[[0.2407, -0.1122, 0.1204], [-0.5207, 0.2559, 0.1577]],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "reshape",
            "reshape in place of the transpose",
            "reshape reads the numbers off in a line and fills them into the new shape, so the "
            "gradient of one connection lands on another. The shape fits, the entries do not.",
            {"batch_from_singles": _reshaped},
            equation="eq-to-row",
            gives=[[0.0481, -0.1041, -0.0224], [0.0512, 0.0241, 0.0315]],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "averaged-inputs",
            "the inputs averaged first, then one backward pass",
            "The network between input and loss is not linear: the gradient at the mean example "
            "is not the mean of the gradients. Go through every example, then average.",
            {"batch_from_singles": _averaged_inputs},
            gives=[[0.0698, -0.0047, -0.0421], [-0.0197, 0.0013, 0.0119]],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "product-of-means",
            "the mean δ times the mean activation",
            "Each example's error belongs to its own activations: average the products a δᵀ. A "
            "product of two averages forgets which error came with which input.",
            {"batch_from_singles": _product_of_means},
        ),
        Mistake(
            "last-example",
            "the last example only",
            "Every example has a gradient of its own, and the batch needs them all: add them up "
            "layer by layer, then divide by m.",
            {"batch_from_singles": _last_example},
        ),
        Mistake(
            "last-example-over-m",
            "the last example divided by m",
            "The sum is overwritten in every round: only the last gradient is left when the 1/m "
            "is applied. Add each example's dW to what is there already.",
            {"batch_from_singles": _last_over_m},
        ),
        Mistake(
            "to-row-reshape",
            "reshape in place of the transpose in to_row",
            "The same numbers must stand at exchanged places, W_row[from, to] = W_col[to, from]. "
            "reshape keeps their order in memory and puts weights on other connections.",
            {"to_row": _row_reshaped},
            equation="eq-to-row",
        ),
        Mistake(
            "to-row-no-transpose",
            "W not transposed in to_row",
            "Transposing z = W a + b gives zᵀ = aᵀ Wᵀ + bᵀ: what multiplies the row of an example "
            "is Wᵀ, and that is what row form stores.",
            {"to_row": _row_untransposed},
            equation="eq-to-row",
        ),
        Mistake(
            "to-row-bias-vector",
            "b left as a vector in to_row",
            "The course keeps b as one row, (1, n_out): it is added to every row of Z, and its "
            "gradient, a sum over rows, has the same shape.",
            {"to_row": _row_bias_vector},
            equation="eq-to-row",
        ),
        Mistake(
            "to-row-bias-column",
            "b as a column in to_row",
            "A column (n_out, 1) runs along the examples, and Z = A W + b would add unit i's bias "
            "to example i. Examples are rows, so b is one row.",
            {"to_row": _row_bias_column},
            equation="eq-to-row",
        ),
        Mistake(
            "to-col-reshape",
            "reshape in place of the transpose in to_col",
            "The same numbers must stand at exchanged places, W_col[to, from] = W_row[from, to]. "
            "reshape keeps their order in memory and puts weights on other connections.",
            {"to_col": _col_reshaped},
            equation="eq-to-col",
        ),
        Mistake(
            "to-col-no-transpose",
            "W not transposed in to_col",
            "Column form has W[to, from], a row for each receiver, so that z = W a + b. Row form "
            "holds the same numbers with the indices exchanged.",
            {"to_col": _col_untransposed},
            equation="eq-to-col",
        ),
        Mistake(
            "to-col-bias-row",
            "b left as a row in to_col",
            "For one example z, a, δ and b are vectors, (n_out,). With a row, W a + b becomes a "
            "matrix and so does everything after it.",
            {"to_col": _col_bias_row},
            equation="eq-to-col",
        ),
        Mistake(
            "to-col-bias-column",
            "b as a column matrix in to_col",
            "The course stores a column as a vector (n_out,). W a + b with b of shape (n_out, 1) "
            "broadcasts to a square, without a word.",
            {"to_col": _col_bias_column},
            equation="eq-to-col",
        ),
    ),
    equivalent={
        "*_check.*": CHECK,
        "*True -> False*": STRICT,
        "to_row: 1 -> 2 (2)": "for numpy any negative length means whatever is left, −2 like −1",
    },
)

# --------------------------------------------------------------------------------------
# one linear layer (E10.2)


def linear_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield layers that widen and narrow, with few and many examples, and a square one."""
    for _ in range(2):
        m, n_in, n_out = sizes(rng, 3)
        arguments = generic(rng, m, n_out), generic(rng, m, n_in), generic(rng, n_in, n_out)
        title = f"{m} examples, {n_in} inputs, {n_out} outputs"
        yield random(title, call("linear_backward", *arguments))
    n = int(rng.integers(2, 5))
    arguments = generic(rng, n, n), generic(rng, n, n), generic(rng, n, n)
    yield random(f"everything {n} × {n}", call("linear_backward", *arguments))


def linear_stations(value: Any, args: Mapping[str, Any]) -> Iterator[Quantity]:
    """List what the layer sends back and what it keeps; each is made of dZ alone."""
    dA_prev, dW, db = value
    yield Quantity("dA_prev", dA_prev, "dZ", "dA_prev = dZ Wᵀ", "eq-error-backward")
    yield Quantity("dW", dW, "dZ", "dW = A_prevᵀ dZ", "eq-weight-backward")
    yield Quantity("db", db, "dZ", "db = Σ rows of dZ", "eq-weight-backward")


def _linear(
    dZ: Any,
    A_prev: Any,
    W: Any,
    *,
    back: Callable[[Any, Any], Any] = lambda dZ, W: dZ @ W.T,
    weight: Callable[[Any, Any], Any] = lambda dZ, A: A.T @ dZ,
    bias: Callable[[Any], Any] = lambda dZ: dZ.sum(axis=0, keepdims=True),
) -> Any:
    return back(dZ, W), weight(dZ, A_prev), bias(dZ)


def _dw_literal(dZ: Any, A_prev: Any, W: Any) -> Any:
    return _linear(dZ, A_prev, W, weight=lambda dZ, A: dZ @ A)


def _da_literal(dZ: Any, A_prev: Any, W: Any) -> Any:
    return _linear(dZ, A_prev, W, back=lambda dZ, W: dZ @ W)


def _all_literal(dZ: Any, A_prev: Any, W: Any) -> Any:
    return dZ @ W, dZ @ A_prev, np.array(dZ)


def _db_not_summed(dZ: Any, A_prev: Any, W: Any) -> Any:
    return _linear(dZ, A_prev, W, bias=np.array)


def _db_axis_1(dZ: Any, A_prev: Any, W: Any) -> Any:
    return _linear(dZ, A_prev, W, bias=lambda dZ: dZ.sum(axis=1, keepdims=True))


def _db_vector(dZ: Any, A_prev: Any, W: Any) -> Any:
    return _linear(dZ, A_prev, W, bias=lambda dZ: dZ.sum(axis=0))


def _db_mean(dZ: Any, A_prev: Any, W: Any) -> Any:
    return _linear(dZ, A_prev, W, bias=lambda dZ: dZ.mean(axis=0, keepdims=True))


def _db_total(dZ: Any, A_prev: Any, W: Any) -> Any:
    return _linear(dZ, A_prev, W, bias=lambda dZ: dZ.sum(keepdims=True))


def _dw_no_transpose(dZ: Any, A_prev: Any, W: Any) -> Any:
    return _linear(dZ, A_prev, W, weight=lambda dZ, A: A @ dZ)


def _dw_transposed(dZ: Any, A_prev: Any, W: Any) -> Any:
    return _linear(dZ, A_prev, W, weight=lambda dZ, A: dZ.T @ A)


def _another_1_over_m(dZ: Any, A_prev: Any, W: Any) -> Any:
    dA_prev, dW, db = _linear(dZ, A_prev, W)
    return dA_prev, dW / len(dZ), db / len(dZ)


def _another_1_over_m_in_dw(dZ: Any, A_prev: Any, W: Any) -> Any:
    return _linear(dZ, A_prev, W, weight=lambda dZ, A: A.T @ dZ / len(dZ))


def _forward_again(dZ: Any, A_prev: Any, W: Any) -> Any:
    return A_prev @ W, A_prev.T @ dZ, dZ.sum(axis=0, keepdims=True)


def _another_order(dZ: Any, A_prev: Any, W: Any) -> Any:
    dA_prev, dW, db = _linear(dZ, A_prev, W)
    return dW, db, dA_prev


X2 = np.array([[1.0, 2.0], [3.0, 4.0]])
W23 = np.array([[1.0, 0.0, -1.0], [2.0, 1.0, 0.0]])
DZ23 = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
W22 = np.array([[1.0, -1.0], [2.0, 0.5]])
DZ22 = np.array([[1.0, 2.0], [4.0, 5.0]])
A43 = np.array([[0.3, -0.7, 1.2], [0.6, 0.4, -1.4], [-0.8, 1.6, 0.5], [1.3, -0.2, 0.7]])
DZ42 = np.array([[0.4, -0.9], [-1.2, 0.3], [0.7, 0.55], [-0.35, 1.5]])
W32 = np.array([[0.6, -0.4], [1.3, 0.8], [-0.7, 1.7]])

linear_backward = Step(
    id="linear-backward",
    title="Linear layer backward, batch",
    lesson="10-batch",
    equation="eq-linear-backward",
    points=3,
    functions=(
        Function(
            "linear_backward(dZ, A_prev, W)",
            mlp_lib.linear_backward,
            Several(
                Gradient("dA_prev", of="A_prev"),
                Gradient("dW", of="W"),
                Gradient("db", of="b"),
            ),
            parts="outputs",
            trace=linear_stations,
        ),
    ),
    cases=(
        worked(
            "the lesson's layer, 2 inputs and 3 outputs",
            call("linear_backward", DZ23, X2, W23),
            gives=([[-2, 4], [-2, 13]], [[13, 17, 21], [18, 24, 30]], [[5, 7, 9]]),
        ),
        worked(
            "everything 2 × 2",
            call("linear_backward", DZ22, X2, W22),
            gives=([[-1, 3], [-1, 10.5]], [[13, 17], [18, 24]], [[5, 7]]),
        ),
        edge("one example", call("linear_backward", DZ42[:1], A43[:1], W32)),
        edge("one output", call("linear_backward", DZ42[:, :1], A43, W32[:, :1])),
        edge("one input", call("linear_backward", DZ42, A43[:, :1], W32[:1])),
        edge("one of everything", call("linear_backward", DZ42[:1, :1], A43[:1, :1], W32[:1, :1])),
        edge("no error arrives", call("linear_backward", 0 * DZ42, A43, W32)),
        edge("large activations", call("linear_backward", DZ42, 1e9 * A43, W32)),
        edge(
            "read-only arrays",
            call("linear_backward", *(View(x, "readonly") for x in (DZ42, A43, W32))),
        ),
        edge(
            "arrays transposed in memory",
            call("linear_backward", *(View(x, "fortran") for x in (DZ42, A43, W32))),
        ),
        edge(
            "every second entry",
            call("linear_backward", *(View(x, "strided") for x in (DZ42, A43, W32))),
        ),
    ),
    generate=linear_cases,
    mistakes=(
        Mistake(
            "dw-literal",
            "dW = dZ A, without the transpose",
            "The sum over the examples must happen inside the product, so the example index of "
            "both has to meet: Aᵀ first, then dZ. dZ A pairs the outputs of one with another.",
            {"linear_backward": _dw_literal},
            equation="eq-weight-backward",
            on="everything 2 × 2",
            gives=[[7, 10], [19, 28]],
            of="dW",
        ),
        Mistake(
            "dw-literal-shapes",
            "dW = dZ A, without the transpose",
            "The sum over the examples must happen inside the product, so the example index of "
            "both has to meet: Aᵀ first, then dZ. dZ A pairs the outputs of one with another.",
            {"linear_backward": _dw_literal},
            equation="eq-weight-backward",
            same_as="dw-literal",
            gives="ValueError: matmul: Input operand 1 has a mismatch in its core dimension 0, "
            "with gufunc",
        ),
        Mistake(
            "da-literal",
            "dA = dZ W, without the transpose",
            "A unit collects the errors of all outputs it sent to: dA[i, j] = Σₖ dZ[i, k] W[j, k]. "
            "The sum runs over the outputs, W's second index, so W is transposed.",
            {"linear_backward": _da_literal},
            equation="eq-error-backward",
            on="everything 2 × 2",
            gives=[[5, 0], [14, -1.5]],
            of="dA_prev",
        ),
        Mistake(
            "da-literal-shapes",
            "dA = dZ W, without the transpose",
            "A unit collects the errors of all outputs it sent to: dA[i, j] = Σₖ dZ[i, k] W[j, k]. "
            "The sum runs over the outputs, W's second index, so W is transposed.",
            {"linear_backward": _da_literal},
            equation="eq-error-backward",
            same_as="da-literal",
            gives="ValueError: matmul: Input operand 1 has a mismatch in its core dimension 0, "
            "with gufunc",
        ),
        Mistake(
            "all-literal",
            "all three formulas without transpose and sum",
            "dZ W, dZ A and dZ only run where every size is the same. Sum over outputs for dA, "
            "over examples for dW and db: dZ Wᵀ, Aᵀ dZ, and the sum of the rows.",
            {"linear_backward": _all_literal},
        ),
        Mistake(
            "db-not-summed",
            "db = dZ, not summed over the examples",
            "One bias serves all examples, so their wishes add: db is the sum of the rows of dZ. "
            "Unsummed, b − α db quietly becomes a matrix with one bias per example.",
            {"linear_backward": _db_not_summed},
            equation="eq-weight-backward",
            gives=[[1, 2, 3], [4, 5, 6]],
            of="db",
        ),
        Mistake(
            "db-axis-1",
            "db summed over the outputs",
            "Different columns of dZ belong to different units, each with a bias of its own. What "
            "shares a bias are the examples: sum over the rows, axis 0.",
            {"linear_backward": _db_axis_1},
            equation="eq-weight-backward",
            gives=[[6], [15]],
            of="db",
        ),
        Mistake(
            "db-vector",
            "db without its row axis",
            "b is kept as one row, (1, n_out), and a gradient has the shape of its variable: keep "
            "the axis that is summed.",
            {"linear_backward": _db_vector},
            equation="eq-weight-backward",
        ),
        Mistake(
            "db-mean",
            "db as the mean of the rows",
            "dZ contains the 1/m of the mean loss already. A bias is the weight of an input 1, so "
            "its gradient is a sum over the examples like dW.",
            {"linear_backward": _db_mean},
            equation="eq-weight-backward",
        ),
        Mistake(
            "db-total",
            "db as the sum of all entries",
            "Each unit has its own bias, and only the errors of that unit move it. Sum over the "
            "examples, and keep the units apart.",
            {"linear_backward": _db_total},
            equation="eq-weight-backward",
        ),
        Mistake(
            "dw-no-transpose",
            "A dZ without the transpose",
            "With as many examples as inputs it runs, and mixes example i's inputs with the error "
            "of other examples. Aᵀ makes the example indices meet: dW = Σᵢ aᵢ dzᵢᵀ.",
            {"linear_backward": _dw_no_transpose},
            equation="eq-weight-backward",
            gives=[[9, 12, 15], [19, 26, 33]],
            of="dW",
        ),
        Mistake(
            "dw-transposed",
            "dW in column form",
            "dZᵀ A is the gradient stored [to, from]. In row form W is [from, to], and its "
            "gradient has the same shape: Aᵀ dZ.",
            {"linear_backward": _dw_transposed},
            equation="eq-weight-backward",
        ),
        Mistake(
            "another-1-over-m",
            "another 1/m in dW and db",
            "The 1/m of the mean loss is in dZ from the output on, and travels through by itself. "
            "A layer need not know how many examples there are.",
            {"linear_backward": _another_1_over_m},
            gives=[[6.5, 8.5, 10.5], [9, 12, 15]],
            of="dW",
        ),
        Mistake(
            "another-1-over-m-in-dw",
            "another 1/m in dW",
            "The 1/m of the mean loss is in dZ from the output on. Divided once more, the weights "
            "learn m times more slowly than the biases.",
            {"linear_backward": _another_1_over_m_in_dw},
            equation="eq-weight-backward",
            gives=[[6.5, 8.5, 10.5], [9, 12, 15]],
            of="dW",
        ),
        Mistake(
            "forward-again",
            "A W sent back in place of the error",
            "A W is the forward direction. What goes back to the layer before is made of dZ, the "
            "error that has arrived, and the weights it came through: dZ Wᵀ.",
            {"linear_backward": _forward_again},
            equation="eq-error-backward",
        ),
        Mistake(
            "another-order",
            "the results in another order",
            "The caller unpacks dA_prev, dW, db. In another order the error of the layer before "
            "would be taken for a weight gradient.",
            {"linear_backward": _another_order},
        ),
    ),
)

# --------------------------------------------------------------------------------------
# the whole pass (E10.3)


def batch_call(
    params: Any, X: Any, Y: Any, dg: str = "d_sigmoid", g: Callable[[Any], Any] = mlp_lib.sigmoid
) -> Any:
    """Return the call for a batch, with the cache its forward pass leaves behind."""
    _, cache = mlp_lib.mlp_forward_batch(X, params, g=g)
    return call("mlp_backward_batch", params, cache, Y, Fn(dg))


def batch_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield nets of two and three layers, an all-square one, three activations and batch sizes."""
    others = [ACTIVATIONS[i] for i in 1 + rng.permutation(len(ACTIVATIONS) - 1)[:2]]
    plans = ((2, False, ACTIVATIONS[0]), (3, False, others[0]), (3, True, others[1]))
    for L, square, (name, slope, g) in plans:
        m, *n = [int(rng.integers(2, 5))] * (L + 2) if square else sizes(rng, L + 2, high=7)
        params = row_net(rng, n, scale=0.7)
        batch = generic(rng, m, n[0]), targets(rng, m, n[-1])
        title = "-".join(map(str, n)) + f", {name}, {m} examples"
        yield random(title, batch_call(params, *batch, slope, g))


def _batch(
    params: Any,
    cache: Any,
    Y: Any,
    dg: Any,
    *,
    start: Callable[[Any, Any, Any], Any] = lambda P, Y, Z: (P - Y) / len(Y),
    back: Callable[[Any, int, Any], Any] = lambda Ws, k, dZ: dZ @ Ws[k].T,
    slope: Callable[[Any, Any, Any], Any] = lambda dg, Z, A: dg(Z),
    sender: Callable[[Any, int], Any] = lambda A, k: A[k],
    weight: Callable[[Any, Any], Any] = lambda A, dZ: A.T @ dZ,
    bias: Callable[[Any], Any] = lambda dZ: dZ.sum(axis=0, keepdims=True),
) -> Any:
    """The backward pass with one rule exchanged: what the mistakes below have in common."""
    Ws, Z, A = [W for W, _ in params], cache["z"], cache["a"]
    dZ = start(A[-1], Y, Z[-1])
    grads: list[Any] = []
    for k in reversed(range(len(Ws))):
        grads.insert(0, (weight(sender(A, k), dZ), bias(dZ)))
        if k:
            dZ = back(Ws, k, dZ) * slope(dg, Z[k - 1], A[k])
    return grads


def _no_mean(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, start=lambda P, Y, Z: P - Y)


def _mean_twice(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, start=lambda P, Y, Z: (P - Y) / len(Y) ** 2)


def _mean_in_every_layer(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, back=lambda Ws, k, dZ: dZ @ Ws[k].T / len(dZ))


def _over_outputs(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, start=lambda P, Y, Z: (P - Y) / Y.shape[1])


def _over_everything(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, start=lambda P, Y, Z: (P - Y) / Y.size)


def _slope_at_output(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, start=lambda P, Y, Z: (P - Y) * P * (1 - P) / len(Y))


def _dg_at_output(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, start=lambda P, Y, Z: (P - Y) * dg(Z) / len(Y))


def _sign(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, start=lambda P, Y, Z: (Y - P) / len(Y))


def _no_slope(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, slope=lambda dg, Z, A: 1.0)


def _relu_mask(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, slope=lambda dg, Z, A: mlp_lib.d_relu(Z))


def _dg_ignored(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, slope=lambda dg, Z, A: A * (1 - A))


def _slope_at_a(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, slope=lambda dg, Z, A: dg(A))


def _not_transposed_back(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, back=lambda Ws, k, dZ: dZ @ Ws[k])


def _layer_below(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, back=lambda Ws, k, dZ: dZ @ Ws[k - 1].T)


def _column_dw(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, weight=lambda A, dZ: dZ.T @ A)


def _untransposed_dw(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, weight=lambda A, dZ: A @ dZ)


def _own_activation(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, sender=lambda A, k: A[k + 1])


def _bias_not_summed(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, bias=np.array)


def _bias_over_outputs(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, bias=lambda dZ: dZ.sum(axis=1, keepdims=True))


def _flat_bias(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, bias=lambda dZ: dZ.sum(axis=0))


def _mean_bias(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg, bias=lambda dZ: dZ.mean(axis=0, keepdims=True))


def _last_first(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    return _batch(params, cache, Y, dg)[::-1]


def _two_layers(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    (_, _), (W2, _) = params
    X, A1, P = cache["a"]
    dZ2 = (P - Y) / len(Y)
    dZ1 = (dZ2 @ W2.T) * dg(cache["z"][0])
    return [(A.T @ dZ, dZ.sum(axis=0, keepdims=True)) for A, dZ in ((X, dZ1), (A1, dZ2))]


def _yhat_overwritten(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
    def start(P: Any, Y: Any, Z: Any) -> Any:
        P -= Y
        P /= len(Y)
        return P

    return _batch(params, cache, Y, dg, start=start)


def _viewed(params: Any, X: Any, Y: Any, how: str) -> Any:
    *arrays, dg = batch_call(params, X, Y).args
    return call("mlp_backward_batch", *(view(argument, how) for argument in arrays), dg)


ONE_HIDDEN = [(ROW1[0][0][:, :1], ROW1[0][1][:, :1]), (ROW1[1][0][:1], ROW1[1][1])]
ONE_CLASS = [ROW1[0], (ROW1[1][0][:, :1], ROW1[1][1][:, :1])]
SEVEN = np.concatenate([X, 0.6 * X[:2] + 0.13])

mlp_backward_batch = Step(
    id="mlp-backward-batch",
    title="Full backward pass, batch",
    lesson="10-batch",
    equation="eq-backward-batch",
    points=4,
    functions=(
        Function(
            "mlp_backward_batch(params, cache, Y, dg)",
            mlp_lib.mlp_backward_batch,
            Layers(Several(Gradient("dW", of="W"), Gradient("db", of="b"))),
            clue=row.clue,
            trace=row.stations,
        ),
    ),
    cases=(
        worked(
            "the 2-3-4 network of the lesson, 5 examples",
            batch_call(ROW1, X, Y),
            gives=PRINTED,
        ),
        edge("all square, two examples", batch_call(ROW2, X22, Y22)),
        edge("one example", batch_call(ROW1, X[:1], Y[:1])),
        edge("seven examples", batch_call(ROW1, SEVEN, np.eye(4)[[1, 0, 2, 3, 1, 1, 2]])),
        edge("no hidden layer", batch_call(ROW1[1:], A43, np.eye(4)[[2, 0, 3, 2]])),
        edge("one hidden unit", batch_call(ONE_HIDDEN, X, Y)),
        edge("one class: nothing is left to learn", batch_call(ONE_CLASS, X, np.ones((5, 1)))),
        edge("all weights zero", batch_call([(0 * W, b) for W, b in ROW1], X, Y)),
        edge(
            "dead ReLU units",
            batch_call([(ROW1[0][0], ROW1[0][1] - 9), ROW1[1]], X, Y, "d_relu", mlp_lib.relu),
        ),
        edge("linear hidden units", batch_call(ROW1, X, Y, "d_identity", mlp_lib.identity)),
        edge("read-only arrays", _viewed(ROW1, X, Y, "readonly")),
        edge("arrays transposed in memory", _viewed(ROW2, X22, Y22, "fortran")),
        edge("every second entry", _viewed(ROW1, X, Y, "strided")),
    ),
    generate=batch_cases,
    mistakes=(
        Mistake(
            "no-mean",
            "the 1/m forgotten",
            "This is the gradient of the summed loss. The loss is the mean over the batch, so dZ "
            "starts as (Ŷ − Y)/m; otherwise the step grows with the batch.",
            {"mlp_backward_batch": _no_mean},
            equation="eq-layer-deltas",
            gives=[[0.2407, -0.1122, 0.1204], [-0.5207, 0.2559, 0.1577]],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "mean-twice",
            "the 1/m applied twice",
            "Everything behind the output is linear in dZ, so a 1/m put in at the output is in "
            "every gradient. Dividing again makes all steps m times too short.",
            {"mlp_backward_batch": _mean_twice},
            equation="eq-layer-deltas",
            gives=[[0.0096, -0.0045, 0.0048], [-0.0208, 0.0102, 0.0063]],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "mean-in-every-layer",
            "a 1/m in every layer",
            "The 1/m enters once, at the output, and travels down inside dZ. With another one per "
            "layer the gradients shrink by m from layer to layer.",
            {"mlp_backward_batch": _mean_in_every_layer},
            equation="eq-layer-deltas",
        ),
        Mistake(
            "over-outputs",
            "division by the number of outputs",
            "m is the number of examples, the rows of Y. The classes are not averaged: their "
            "errors belong to one example.",
            {"mlp_backward_batch": _over_outputs},
            equation="eq-layer-deltas",
        ),
        Mistake(
            "over-everything",
            "division by the number of entries of Y",
            "The loss is a mean over the m examples, each of which has one cross-entropy. Dividing "
            "by m · n averages over the classes as well.",
            {"mlp_backward_batch": _over_everything},
            equation="eq-layer-deltas",
        ),
        Mistake(
            "slope-at-output",
            "the output error multiplied by ŷ(1 − ŷ)",
            "With softmax and cross-entropy Ŷ − Y is the derivative with respect to Z already: "
            "the slope has cancelled on the way. Here it would count twice.",
            {"mlp_backward_batch": _slope_at_output},
            equation="eq-layer-deltas",
            gives=[[0.0088, -0.0024, 0.0062], [-0.0203, 0.0071, 0.0052]],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "dg-at-output",
            "the hidden slope g′ at the output too",
            "g′ belongs to the hidden layers. At the output stands softmax, and its derivative "
            "together with that of the cross-entropy is Ŷ − Y.",
            {"mlp_backward_batch": _dg_at_output},
            equation="eq-layer-deltas",
        ),
        Mistake(
            "sign",
            "Y − Ŷ at the output",
            "dZ is ∂J/∂Z = (Ŷ − Y)/m: raising the score of a class that is too likely raises the "
            "loss. With the sign turned, W − α dW climbs.",
            {"mlp_backward_batch": _sign},
            equation="eq-layer-deltas",
        ),
        Mistake(
            "no-slope",
            "g′ left out in the hidden layers",
            "dZ Wᵀ is dA, the error behind the activation. Before it meets the weights of its "
            "layer it passes the activation: dZ = dA ⊙ g′(Z).",
            {"mlp_backward_batch": _no_slope},
            equation="eq-layer-deltas",
            gives=[[0.3827, -0.3102, 0.0049], [-0.7004, 0.2258, 0.4621]],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "relu-mask",
            "a ReLU mask over other units",
            "The slope must be that of the units in the forward pass. A mask of zeros and ones is "
            "right for ReLU; for others take the dg you are given, at Z.",
            {"mlp_backward_batch": _relu_mask},
            equation="eq-layer-deltas",
            gives=[[0.4387, -0.3102, -0.0116], [-0.7843, 0.2258, -0.0673]],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "dg-ignored",
            "A(1 − A) whatever dg is",
            "A(1 − A) is the slope of the sigmoid. The network may be made of other units; their "
            "slope arrives as dg.",
            {"mlp_backward_batch": _dg_ignored},
            equation="eq-layer-deltas",
            shows_on=("random", "edge"),
        ),
        Mistake(
            "slope-at-a",
            "g′ taken at A instead of Z",
            "dg is a function of the pre-activation, and the cache has kept Z for this purpose. At "
            "A it is the slope of some other place of the curve.",
            {"mlp_backward_batch": _slope_at_a},
            equation="eq-layer-deltas",
        ),
        Mistake(
            "no-transpose-back",
            "dZ W in place of dZ Wᵀ",
            "W[from, to] leads from A to Z. Going back, unit j collects over all the units it "
            "sent to, and they run along row j of W: dA = dZ Wᵀ.",
            {"mlp_backward_batch": _not_transposed_back},
            equation="eq-error-backward",
        ),
        Mistake(
            "layer-below",
            "the matrix of the layer below",
            "From dZ⁽ᵏ⁾ to dA⁽ᵏ⁻¹⁾ the error goes over the connections between these two layers, "
            "W⁽ᵏ⁾: the matrix whose gradient you have just computed.",
            {"mlp_backward_batch": _layer_below},
            equation="eq-error-backward",
        ),
        Mistake(
            "dw-in-column-form",
            "dW in column form",
            "dZᵀ A is the gradient stored [to, from]. In row form W is [from, to], and a gradient "
            "has the shape of its variable: Aᵀ dZ.",
            {"mlp_backward_batch": _column_dw},
            equation="eq-weight-backward",
        ),
        Mistake(
            "dw-no-transpose",
            "A dZ without the transpose",
            "Both A and dZ have a row per example, and the sum over the examples has to happen "
            "inside the product. Aᵀ dZ makes the two example indices meet.",
            {"mlp_backward_batch": _untransposed_dw},
            equation="eq-weight-backward",
        ),
        Mistake(
            "own-activation",
            "the activation of the layer itself in dW",
            "W⁽ᵏ⁾ multiplies A⁽ᵏ⁻¹⁾, and its gradient is made of that: dW⁽ᵏ⁾ = A⁽ᵏ⁻¹⁾ᵀ dZ⁽ᵏ⁾. For "
            "the first layer it is X.",
            {"mlp_backward_batch": _own_activation},
            equation="eq-weight-backward",
        ),
        Mistake(
            "db-not-summed",
            "db not summed over the examples",
            "One bias serves all examples, so their wishes add: db is the sum of the rows of dZ. "
            "Unsummed, b − α db quietly becomes a matrix with one bias per example.",
            {"mlp_backward_batch": _bias_not_summed},
            equation="eq-weight-backward",
        ),
        Mistake(
            "db-axis-1",
            "db summed over the units",
            "Different columns of dZ belong to different units, each with a bias of its own. What "
            "shares a bias are the examples: sum over the rows.",
            {"mlp_backward_batch": _bias_over_outputs},
            equation="eq-weight-backward",
        ),
        Mistake(
            "db-vector",
            "db without its row axis",
            "b is kept as one row, (1, n), and a gradient has the shape of its variable: keep the "
            "axis that is summed.",
            {"mlp_backward_batch": _flat_bias},
            equation="eq-weight-backward",
        ),
        Mistake(
            "db-mean",
            "db as the mean of the rows",
            "dZ contains the 1/m already, so its rows are added. With the mean the biases learn m "
            "times more slowly than the weights.",
            {"mlp_backward_batch": _mean_bias},
            equation="eq-weight-backward",
        ),
        Mistake(
            "last-first",
            "gradients in the order in which they are computed",
            "You walk from the output to the input, but the first entry of the list belongs to "
            "the first layer, like the first entry of params.",
            {"mlp_backward_batch": _last_first},
        ),
        Mistake(
            "two-layers-only",
            "a pass that is written out for two layers",
            "The step from dZ⁽ᵏ⁾ to dZ⁽ᵏ⁻¹⁾ repeats: once for every layer that has a layer before "
            "it. The number of layers is len(params).",
            {"mlp_backward_batch": _two_layers},
        ),
        Mistake(
            "yhat-overwritten",
            "Ŷ overwritten in the cache",
            "The numbers are right, but the forward pass is lost: cache['a'][-1] now holds dZ. The "
            "backward pass only reads; compute Ŷ − Y into a new array.",
            {"mlp_backward_batch": _yhat_overwritten},
            equation="eq-layer-deltas",
        ),
    ),
    equivalent={
        "*True -> False*": STRICT,
    },
)

STEPS = (batch_from_singles, linear_backward, mlp_backward_batch)
