# ruff: noqa: ARG001, ARG005 - a wrong implementation may well ignore an argument
"""Lesson 6: gates for XOR, and the forward pass in both forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

import mlp_lib
from autograder.engine.compare import superscript
from autograder.engine.generators import column_net, generic, layer_sizes, row_net, sizes
from autograder.engine.step import (
    Answer,
    Anything,
    Array,
    Case,
    Fields,
    Function,
    Layers,
    Mistake,
    Quantity,
    Several,
    Step,
    Text,
    call,
    edge,
    random,
    worked,
)
from autograder.inside.runner import Fn, Tree, View
from mlp_lib._types import Params

# Why some mutants of the reference compute the same.
VECTOR = "a vector is its own transpose"

# --------------------------------------------------------------------------------------
# XOR with hand-set gates (E6.1)

GATES = """
def sums_of(params, shift=(0.0, 0.0, 0.0)):
    '''The weighted sums of the three units for 00, 10, 01, 11.'''
    (W1, b1), (W2, b2) = params
    arrays = [np.asarray(item, dtype=float) for item in (W1, b1, W2, b2)]
    names, shapes = ("W1", "b1", "W2", "b2"), ((2, 2), (2,), (1, 2), (1,))
    for name, array, shape in zip(names, arrays, shapes):
        if array.shape != shape:
            raise ValueError(f"{name} has the shape {array.shape}; {shape} is asked for")
    W1, b1, W2, b2 = arrays
    X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    hidden = X @ W1.T + b1 - np.asarray(shift[:2])
    output = np.where(hidden > 0, 1.0, 0.0) @ W2.T + b2 - shift[2]
    return np.column_stack([hidden, output])
"""

OUTPUTS = GATES + (
    "def drive(fns, shift=(0.0, 0.0, 0.0)):\n"
    "    return np.where(sums_of(fns.xor_gate_net(), shift)[:, 2] > 0, 1.0, 0.0)\n"
)
HIDDEN = GATES + (
    "def drive(fns):\n"
    "    fires = np.where(sums_of(fns.xor_gate_net()) > 0, 1.0, 0.0)\n"
    "    return fires[:, 0], fires[:, 1]\n"
)
MARGINS = GATES + (
    "def drive(fns):\n"
    "    near = np.abs(sums_of(fns.xor_gate_net())).min(axis=0) < 0.25 - 1e-9\n"
    "    return ['less than 1/4' if unit else '1/4 or more' for unit in near]\n"
)

COLUMN: dict[tuple[int, ...], str] = {
    (1, 0, 0, 0): "NOR",
    (0, 0, 0, 1): "AND",
    (0, 1, 1, 1): "OR",
    (1, 1, 1, 0): "NAND",
    (0, 1, 1, 0): "XOR",
    (1, 0, 0, 1): "XNOR, the opposite of XOR",
    (0, 0, 0, 0): "never: it does not fire for any input",
    (1, 1, 1, 1): "always: it fires for every input",
}


def _gate(column: Any) -> str:
    found = tuple(int(entry) for entry in np.asarray(column))
    return COLUMN.get(found, f"a unit that answers {list(found)}")


def right_gates(answer: Answer) -> str | None:
    """Say which gates the hidden units are, when they are not NOR and AND."""
    gates = [_gate(column) for column in answer.value]
    if gates == ["NOR", "AND"]:
        return None
    return f"Your first hidden unit is {gates[0]}, the second is {gates[1]}; NOR and AND are asked."


def right_output(answer: Answer) -> str | None:
    """Say what the network computes, when it is not XOR."""
    gate = _gate(answer.value)
    return None if gate == "XOR" else f"For 00, 10, 01, 11 the network computes {gate}."


def gate_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield small shifts of the three thresholds, which gates with margins do not feel."""
    shift = np.round(rng.uniform(0.05, 0.2, size=3) * rng.choice([-1.0, 1.0], size=3), 3)
    yield random(
        "every threshold shifted a little",
        call("xor_gate_net", shift=shift),
        driver=OUTPUTS,
        returns=Array("outputs"),
    )


def _net(nor: float = 0.5, and_: float = -1.5, out: float = 0.5) -> Any:
    hidden = np.array([[-1.0, -1.0], [1.0, 1.0]]), np.array([nor, and_])
    return [hidden, (np.array([[-1.0, -1.0]]), np.array([out]))]


def _output_or() -> Any:
    return [_net()[0], (np.array([[1.0, 1.0]]), np.array([-0.5]))]


def _hidden_swapped() -> Any:
    (W, b), output = _net()
    return [(W[::-1].copy(), b[::-1].copy()), output]


def _other_gates() -> Any:
    hidden = np.array([[1.0, 1.0], [-1.0, -1.0]]), np.array([-0.5, 1.5])
    return [hidden, (np.array([[1.0, 1.0]]), np.array([-1.5]))]


def _from_to() -> Any:
    (W, b), output = _net()
    return [(W.T.copy(), b), output]


def _and_sign() -> Any:
    hidden = np.array([[-1.0, -1.0], [-1.0, -1.0]]), np.array([0.5, 1.5])
    return [hidden, (np.array([[-1.0, -1.0]]), np.array([0.5]))]


def _straight_line() -> Any:
    X, Y = mlp_lib.xor()
    features = np.column_stack([np.ones(4), X])
    b, *w = np.linalg.lstsq(features, Y[:, 0], rcond=None)[0]
    through = np.eye(2), np.full(2, -0.5)  # the hidden units hand the inputs on
    return [through, (np.round([w], 9), np.array([b]))]


xor_gate_net = Step(
    id="xor-gate-net",
    title="XOR with hand-set gates",
    lesson="06-forward",
    equation="eq-xor-gates",
    points=1,
    functions=(Function("xor_gate_net()", mlp_lib.xor_gate_net, Anything("[(W1, b1), (W2, b2)]")),),
    cases=(
        worked(
            "the hidden layer for 00, 10, 01, 11",
            call("xor_gate_net"),
            driver=HIDDEN,
            returns=Several(Array("NOR"), Array("AND")),
            rules=(right_gates,),
            gives=([1, 0, 0, 0], [0, 0, 0, 1]),
        ),
        worked(
            "the outputs for 00, 10, 01, 11",
            call("xor_gate_net"),
            driver=OUTPUTS,
            returns=Array("outputs"),
            rules=(right_output,),
            gives=[0, 1, 1, 0],
        ),
        edge(
            "how far the weighted sums stay from the threshold",
            call("xor_gate_net"),
            driver=MARGINS,
            returns=Several(
                *(
                    Text(f"The distance of the {unit} sums from 0")
                    for unit in ("NOR", "AND", "output")
                )
            ),
        ),
    ),
    generate=gate_cases,
    mistakes=(
        Mistake(
            "and-is-or",
            "OR in place of AND",
            "AND has to wait for both inputs: its bias must hold back a single 1. As an OR it "
            "fires together with every example that should come out as 1, and the output is "
            "always 0.",
            {"xor_gate_net": lambda: _net(and_=-0.5)},
            on="the outputs for 00, 10, 01, 11",
            gives=[0, 0, 0, 0],
        ),
        Mistake(
            "output-is-or",
            "OR at the output",
            "XOR is true when neither NOR nor AND is: the output is the NOR of the two. Their OR "
            "is the opposite, and every target would get an error of 1.",
            {"xor_gate_net": _output_or},
            on="the outputs for 00, 10, 01, 11",
            gives=[1, 0, 0, 1],
        ),
        Mistake(
            "nor-bias-zero",
            "bias 0 at NOR",
            "For 00 the weighted sum is the bias alone, and the step unit fires only above 0. "
            "NOR needs a positive bias that a single input of 1 turns negative.",
            {"xor_gate_net": lambda: _net(nor=0.0)},
            on="the outputs for 00, 10, 01, 11",
            gives=[1, 1, 1, 0],
        ),
        Mistake(
            "no-biases",
            "no biases",
            "Without a bias every line passes through the origin, and for 00 each sum is 0. The "
            "bias is what moves the cut to where it is needed.",
            {"xor_gate_net": lambda: _net(0.0, 0.0, 0.0)},
            on="the outputs for 00, 10, 01, 11",
            gives=[0, 0, 0, 0],
        ),
        Mistake(
            "output-bias-zero",
            "bias 0 at the output",
            "When neither gate fires, the weighted sum of the output unit is its bias. It has to "
            "be above 0 there, since these are the examples with target 1.",
            {"xor_gate_net": lambda: _net(out=0.0)},
            on="the outputs for 00, 10, 01, 11",
            gives=[0, 0, 0, 0],
        ),
        Mistake(
            "gates-swapped",
            "AND in the first row, NOR in the second",
            "The network computes XOR, but row 0 of W1 is asked to be NOR and row 1 AND. W[to, "
            "from] has one row for each receiving unit, in the order of the units.",
            {"xor_gate_net": _hidden_swapped},
        ),
        Mistake(
            "other-gates",
            "OR and NAND in place of NOR and AND",
            "AND(OR, NAND) is XOR too, and a network may well learn it. The task asks for the "
            "hidden units NOR and AND, so that the representation can be compared.",
            {"xor_gate_net": _other_gates},
        ),
        Mistake(
            "from-to",
            "W1 stored as [from, to]",
            "In column form W1[to, from] has a row for each gate. Transposed, each gate weighs one "
            "input with −1 and the other with +1; the shape, 2 × 2, does not complain.",
            {"xor_gate_net": _from_to},
            equation="eq-mlp-forward",
        ),
        Mistake(
            "and-is-nand",
            "NAND in place of AND",
            "A negative weight makes an input speak against firing. AND wants both inputs to "
            "speak for it, and its bias to outweigh one of them.",
            {"xor_gate_net": _and_sign},
        ),
        Mistake(
            "margin-too-small",
            "a sum close to the threshold",
            "The truth table is right, but a sum lies nearer to 0 than ¼, so a little noise "
            "switches the gate. Put each threshold in the middle between the sums it separates.",
            {"xor_gate_net": lambda: _net(nor=0.04, and_=-1.96, out=0.04)},
        ),
        Mistake(
            "straight-line",
            "the best straight line",
            "Fitted by least squares the line has slope 0 and says ½ for every input: one cut "
            "cannot do it, which is why there is a hidden layer.",
            {"xor_gate_net": _straight_line},
            equation="eq-xor-inequalities",
            contrast=True,
        ),
    ),
    equivalent={
        "xor_gate_net: 1.0 -> 2.0*": "a NOR with weights −2 and −1 is a NOR with good margins too",
        "xor_gate_net: np.array(*) -> (*)": "lists of numbers are accepted",
    },
)

# --------------------------------------------------------------------------------------
# what both forms of the forward pass share

X1 = np.array([0.8, -2.0])
NET1: Params = [
    (np.array([[0.5, -0.5], [1.2, 0.25], [-0.75, 0.9]]), np.array([0.3, 0.5, -0.25])),
    (
        np.array([[1.5, -0.8, 0.5], [-0.5, 0.25, 0.7], [0.4, 0.6, -0.9], [-0.2, -0.3, 0.35]]),
        np.array([0.1, -0.1, 0.2, -0.25]),
    ),
]
X2 = np.array([0.8, -0.6])
SQUARE: Params = [
    (np.array([[0.9, 0.5], [-0.5, 0.25]]), np.zeros(2)),
    (np.array([[0.5, -0.7], [0.6, 2.0]]), np.zeros(2)),
    (np.array([[0.8, -2.0], [0.5, 1.3]]), np.zeros(2)),
]
SMALL: Params = [
    (np.array([[0.7], [0.9]]), np.array([1.0, 0.8])),
    (np.array([[0.7, 0.9]]), np.array([1.0])),
]
BATCH = np.array([[0.8, -2.0], [0.3, 0.7], [2.0, 0.5], [-0.4, 0.6], [1.2, -0.9]])
ROW1 = mlp_lib.to_row(NET1)
ROW_SQUARE = mlp_lib.to_row(SQUARE)
HIDDEN_ROWS = np.array([[0.7, -1.6, 0.4], [-0.3, 1.2, 0.55]])

PREDICTION = """
def drive(fns, *args, **kwargs):
    return fns.{name}(*args, **kwargs)[0]
"""


def _returns(yhat: str, z: str, a: str) -> Several:
    cache = Fields(
        z=Layers(Array(z, list_ok=True)),
        a=Layers(Array(a, list_ok=True), first=0),
    )
    return Several(Array(yhat, list_ok=True), cache)


def _stations(
    yhat: str, z: str, a: str, sum_: str, equation: str
) -> Callable[[Any, Mapping[str, Any]], Iterator[Quantity]]:
    """Return the trace of a forward pass: a⁽⁰⁾, z⁽¹⁾, a⁽¹⁾, … in the order of computing."""

    def stations(value: Any, args: Mapping[str, Any]) -> Iterator[Quantity]:
        prediction, cache = value
        yield Quantity(f"{a}⁽⁰⁾", cache["a"][0], "", f"{a}⁽⁰⁾ is the input itself", equation)
        for k, (z_k, a_k) in enumerate(zip(cache["z"], cache["a"][1:], strict=True), start=1):
            now, below = superscript(k), superscript(k - 1)
            rule = f"{z}{now} = {sum_.format(now=now, below=below)}"
            yield Quantity(f"{z}{now}", z_k, f"{a}{below}", rule, equation)
            g = "out" if k == len(cache["z"]) else "g"
            rule = f"{a}{now} = {g}({z}{now})"
            yield Quantity(f"{a}{now}", a_k, f"{z}{now}", rule, equation)
        rule = f"{yhat} is the last entry of the cache's a"
        yield Quantity(yhat, prediction, f"{a}{superscript(len(cache['z']))}", rule, equation)

    return stations


Layer = Callable[[Any, Any, Any], Any]


def _forward(
    x: Any,
    params: Any,
    g: Any,
    out: Any,
    layer: Layer,
    *,
    squash: Callable[[Any, Any, Any, bool], Any] = lambda z, g, out, last: out(z) if last else g(z),
) -> Any:
    """The forward pass with one rule exchanged: what the mistakes below have in common."""
    z: list[Any] = []
    a = [np.array(x)]
    for W, b in params:
        z.append(layer(W, a[-1], b))
        a.append(squash(z[-1], g, out, len(z) == len(params)))
    return a[-1], {"z": z, "a": a}


def _g_at_output(z: Any, g: Any, out: Any, last: bool) -> Any:
    return g(z)


def _out_everywhere(z: Any, g: Any, out: Any, last: bool) -> Any:
    return out(z)


def _no_g(z: Any, g: Any, out: Any, last: bool) -> Any:
    return out(z) if last else 1.0 * z


def _both_at_output(z: Any, g: Any, out: Any, last: bool) -> Any:
    return out(g(z)) if last else g(z)


def _g_ignored(z: Any, g: Any, out: Any, last: bool) -> Any:
    return out(z) if last else mlp_lib.sigmoid(z)


def _out_ignored(z: Any, g: Any, out: Any, last: bool) -> Any:
    return mlp_lib.softmax(z) if last else g(z)


def _z_given_out(z: Any, g: Any, out: Any, last: bool) -> Any:
    return 1.0 * z if last else g(z)


HINTS = {
    "g-at-output": (
        "the hidden activation at the output",
        "The output has a nonlinearity of its own, chosen by the task. Sigmoids answer each class "
        "separately and do not sum to 1; softmax does, and only then is δ = ŷ − y.",
    ),
    "out-everywhere": (
        "the output's nonlinearity in the hidden layers",
        "Softmax makes its units share a total of 1, which is wanted of probabilities. Hidden "
        "units are independent features, each with its own g.",
    ),
    "no-g": (
        "no nonlinearity in the hidden layers",
        "Without g the layers collapse into one linear layer, and depth gains nothing. Bend z "
        "before the next layer receives it: a = g(z).",
    ),
    "both-at-output": (
        "g and out at the output, one after the other",
        "The output's nonlinearity replaces g there. Squashed by a sigmoid first, all scores lie "
        "between 0 and 1, and softmax can only answer about 1/K for every class.",
    ),
    "g-ignored": (
        "sigmoid whatever g is",
        "g is an argument: the same forward pass must run with tanh or ReLU units, and the "
        "backward pass will use the slope that belongs to them.",
    ),
    "out-ignored": (
        "softmax whatever out is",
        "The output's nonlinearity is an argument: identity for numbers, sigmoid for yes or no, "
        "softmax for one class of several.",
    ),
    "out-left-out": (
        "scores returned in place of ŷ",
        "The last z are scores. ŷ is what out makes of them, and the output error ŷ − y compares "
        "that with the target.",
    ),
    "input-not-cached": (
        "the input missing in the cache",
        "a has one entry more than z: it begins with the input a⁽⁰⁾, which the backward pass "
        "needs for the first layer's dW.",
    ),
    "z-overwritten": (
        "z overwritten by a",
        "The cache keeps z and a side by side, because the backward pass takes the slope g′ at z. "
        "Activate into a new array.",
    ),
    "input-activated": (
        "the input put through g",
        "a⁽⁰⁾ is the input as it came. The first nonlinearity follows the first weighted sum.",
    ),
    "no-biases": (
        "no biases",
        "z = W a alone sends every unit's line through the origin. The bias shifts it, and the "
        "gradient db later has no meaning if b was never added.",
    ),
}


def _mistake(
    id: str, function: str, code: Callable[..., Any], equation: str, **options: Any
) -> Mistake:
    name, hint = HINTS[id]
    return Mistake(id, name, hint, {function: code}, equation=equation, **options)


# --------------------------------------------------------------------------------------
# forward, one example (E6.2)

KINDS: tuple[tuple[str, str], ...] = (
    ("tanh", "softmax"),
    ("relu", "identity"),
    ("softplus", "sigmoid"),
    ("sine", "softmax"),
)
"""Hidden and output activation of random cases beside the default sigmoid and softmax."""


def forward_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield nets of two and three layers, one all-square net, and three pairs of activations."""
    kinds = [KINDS[i] for i in rng.permutation(len(KINDS))[:2]]
    plans = ((2, False, ("", "")), (3, False, kinds[0]), (3, True, kinds[1]))
    for L, square, (g, out) in plans:
        n = layer_sizes(rng, L, square=square)
        params, x = column_net(rng, n, scale=0.7), generic(rng, n[0])
        title = "-".join(map(str, n))
        if g:
            made = call("mlp_forward", x, params, g=Fn(g), out=Fn(out))
            yield random(f"{title}, {g} and {out}", made)
        else:
            yield random(title, call("mlp_forward", x, params))


def _view(tree: Tree, how: str) -> Tree:
    if isinstance(tree, np.ndarray):
        return View(tree, how)
    return type(tree)(_view(item, how) for item in tree)


def _column(W: Any, a: Any, b: Any) -> Any:
    return W @ a + b


Forward = Callable[..., Any]


def _column_with(layer: Layer = _column, **hooks: Callable[[Any, Any, Any, bool], Any]) -> Forward:
    def mlp_forward(
        x: Any, params: Any, g: Any = mlp_lib.sigmoid, out: Any = mlp_lib.softmax
    ) -> Any:
        return _forward(x, params, g, out, layer, **hooks)

    return mlp_forward


def _not_cached(x: Any, params: Any, g: Any = mlp_lib.sigmoid, out: Any = mlp_lib.softmax) -> Any:
    yhat, cache = mlp_lib.mlp_forward(x, params, g, out)
    return yhat, {"z": cache["z"], "a": cache["a"][1:]}


def _overwritten(x: Any, params: Any, g: Any = mlp_lib.sigmoid, out: Any = mlp_lib.softmax) -> Any:
    yhat, cache = mlp_lib.mlp_forward(x, params, g, out)
    return yhat, {"z": cache["a"][1:], "a": cache["a"]}


def _input_activated(
    x: Any, params: Any, g: Any = mlp_lib.sigmoid, out: Any = mlp_lib.softmax
) -> Any:
    return mlp_lib.mlp_forward(g(x), params, g, out)


FORWARD = "eq-mlp-forward"

mlp_forward = Step(
    id="mlp-forward",
    title="MLP forward, one example",
    lesson="06-forward",
    equation=FORWARD,
    points=2,
    functions=(
        Function(
            "mlp_forward(x, params, g=sigmoid, out=softmax)",
            mlp_lib.mlp_forward,
            _returns("ŷ", "z", "a"),
            parts="outputs",
            trace=_stations("ŷ", "z", "a", "W{now} a{below} + b{now}", FORWARD),
        ),
    ),
    cases=(
        worked("the 2-3-4 network of the lesson", call("mlp_forward", X1, NET1)),
        worked(
            "its prediction",
            call("mlp_forward", X1, NET1),
            driver=PREDICTION.format(name="mlp_forward"),
            returns=Array("ŷ", list_ok=True),
            gives=[0.3761, 0.1229, 0.4115, 0.0895],
        ),
        worked(
            "the prediction of the square network",
            call("mlp_forward", X2, SQUARE),
            driver=PREDICTION.format(name="mlp_forward"),
            returns=Array("ŷ", list_ok=True),
            gives=[0.0896, 0.9104],
        ),
        worked(
            "the 1-2-1 network of the lesson",
            call("mlp_forward", np.array([0.5]), SMALL, out=Fn("sigmoid")),
        ),
        worked(
            "the prediction of the 1-2-1 network",
            call("mlp_forward", np.array([0.5]), SMALL, out=Fn("sigmoid")),
            driver=PREDICTION.format(name="mlp_forward"),
            returns=Array("ŷ", list_ok=True),
            gives=[0.9051],
        ),
        edge("no hidden layer", call("mlp_forward", np.array([0.7, -1.6, 0.4]), NET1[1:])),
        edge(
            "one class: softmax is sure",
            call("mlp_forward", X1, [NET1[0], (NET1[1][0][:1], NET1[1][1][:1])]),
        ),
        edge(
            "one hidden unit, tanh",
            call(
                "mlp_forward",
                X1,
                [(NET1[0][0][:1], NET1[0][1][:1]), (NET1[1][0][:, :1], NET1[1][1])],
                g=Fn("tanh"),
            ),
        ),
        edge("x = 0", call("mlp_forward", np.zeros(2), NET1)),
        edge(
            "a linear network",
            call("mlp_forward", X1, NET1, g=Fn("identity"), out=Fn("identity")),
        ),
        edge(
            "scores around 1000",
            call(
                "mlp_forward",
                X1,
                [(200 * NET1[0][0], NET1[0][1]), (5 * NET1[1][0], NET1[1][1])],
                g=Fn("relu"),
                out=Fn("softmax"),
            ),
            quiet=True,
        ),
        edge(
            "pairs and layers as tuples",
            call("mlp_forward", X1, tuple(NET1), g=Fn("softplus"), out=Fn("sigmoid")),
        ),
        edge("read-only arrays", call("mlp_forward", *_view((X1, NET1), "readonly"))),
        edge("matrices transposed in memory", call("mlp_forward", *_view((X2, SQUARE), "fortran"))),
        edge("every second entry", call("mlp_forward", *_view((X1, NET1), "strided"))),
    ),
    generate=forward_cases,
    mistakes=(
        _mistake(
            "no-biases",
            "mlp_forward",
            _column_with(lambda W, a, b: W @ a),
            FORWARD,
            gives=[0.3845, 0.1496, 0.334, 0.1319],
            of="ŷ",
        ),
        Mistake(
            "transposed",
            "Wᵀ a in place of W a",
            "In column form W[to, from] has a row for each receiving unit, so z = W a adds along "
            "the row. Wᵀ belongs to the way back; on a square layer it runs and is wrong.",
            {"mlp_forward": _column_with(lambda W, a, b: W.T @ a + b)},
            equation=FORWARD,
            on="the prediction of the square network",
            gives=[0.795, 0.205],
        ),
        Mistake(
            "transposed-shapes",
            "Wᵀ a in place of W a",
            "In column form W[to, from] has a row for each receiving unit, so z = W a adds along "
            "the row. Wᵀ belongs to the way back; on a square layer it runs and is wrong.",
            {"mlp_forward": _column_with(lambda W, a, b: W.T @ a + b)},
            equation=FORWARD,
            same_as="transposed",
            gives="ValueError: matmul: Input operand 1 has a mismatch in its core dimension 0, "
            "with gufunc",
        ),
        _mistake(
            "g-at-output",
            "mlp_forward",
            _column_with(squash=_g_at_output),
            FORWARD,
            gives=[0.6948, 0.4266, 0.7136, 0.3514],
            of="ŷ",
        ),
        _mistake(
            "out-everywhere",
            "mlp_forward",
            _column_with(squash=_out_everywhere),
            FORWARD,
            gives=[0.42, 0.126, 0.3432, 0.1109],
            of="ŷ",
        ),
        _mistake(
            "no-g",
            "mlp_forward",
            _column_with(squash=_no_g),
            "eq-collapse",
            gives=[0.0359, 0.0016, 0.9591, 0.0034],
            of="ŷ",
        ),
        _mistake(
            "both-at-output",
            "mlp_forward",
            _column_with(squash=_both_at_output),
            FORWARD,
            gives=[0.2863, 0.2189, 0.2917, 0.2031],
            of="ŷ",
        ),
        _mistake(
            "g-ignored",
            "mlp_forward",
            _column_with(squash=_g_ignored),
            FORWARD,
            shows_on=("random", "edge"),
        ),
        _mistake("out-ignored", "mlp_forward", _column_with(squash=_out_ignored), FORWARD),
        _mistake("out-left-out", "mlp_forward", _column_with(squash=_z_given_out), FORWARD),
        _mistake("input-not-cached", "mlp_forward", _not_cached, FORWARD),
        _mistake("z-overwritten", "mlp_forward", _overwritten, FORWARD),
        _mistake("input-activated", "mlp_forward", _input_activated, FORWARD),
    ),
    equivalent={
        "mlp_forward: W @ a[-1] -> (W @ a[-1].T)": VECTOR,
    },
)

# --------------------------------------------------------------------------------------
# forward, a batch (E6.3)


def batch_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield nets of two and three layers, one all-square net, and three pairs of activations."""
    kinds = [KINDS[i] for i in rng.permutation(len(KINDS))[:2]]
    plans = ((2, False, ("", "")), (3, False, kinds[0]), (3, True, kinds[1]))
    for L, square, (g, out) in plans:
        n = layer_sizes(rng, L, square=square)
        m = sizes(rng, 1, high=9, avoid=tuple(n))[0]
        params, X = row_net(rng, n, scale=0.7), generic(rng, m, n[0])
        title = f"{m} examples, " + "-".join(map(str, n))
        if g:
            made = call("mlp_forward_batch", X, params, g=Fn(g), out=Fn(out))
            yield random(f"{title}, {g} and {out}", made)
        else:
            yield random(title, call("mlp_forward_batch", X, params))


def _row(W: Any, A: Any, b: Any) -> Any:
    return A @ W + b


def _row_with(layer: Layer = _row, **hooks: Callable[[Any, Any, Any, bool], Any]) -> Forward:
    def mlp_forward_batch(
        X: Any, params: Any, g: Any = mlp_lib.sigmoid, out: Any = mlp_lib.softmax
    ) -> Any:
        return _forward(X, params, g, out, layer, **hooks)

    return mlp_forward_batch


def _axis_0(z: Any, g: Any, out: Any, last: bool) -> Any:
    return out(z.T).T if last else g(z)


def _examples_as_columns(
    X: Any, params: Any, g: Any = mlp_lib.sigmoid, out: Any = mlp_lib.softmax
) -> Any:
    return _forward(np.asarray(X).T, params, g, out, _row)


def _bias_as_column(
    X: Any, params: Any, g: Any = mlp_lib.sigmoid, out: Any = mlp_lib.softmax
) -> Any:
    (W, b), *later = params
    return _forward(X, [(W, b.reshape(-1, 1)), *later], g, out, _row)


def _batch_not_cached(
    X: Any, params: Any, g: Any = mlp_lib.sigmoid, out: Any = mlp_lib.softmax
) -> Any:
    yhat, cache = mlp_lib.mlp_forward_batch(X, params, g, out)
    return yhat, {"z": cache["z"], "a": cache["a"][1:]}


def _batch_overwritten(
    X: Any, params: Any, g: Any = mlp_lib.sigmoid, out: Any = mlp_lib.softmax
) -> Any:
    yhat, cache = mlp_lib.mlp_forward_batch(X, params, g, out)
    return yhat, {"z": cache["a"][1:], "a": cache["a"]}


def _first_example(
    X: Any, params: Any, g: Any = mlp_lib.sigmoid, out: Any = mlp_lib.softmax
) -> Any:
    return mlp_lib.mlp_forward_batch(np.broadcast_to(X[0], np.shape(X)), params, g, out)


ROWS = "eq-forward-batch"

mlp_forward_batch = Step(
    id="mlp-forward-batch",
    title="MLP forward, batch",
    lesson="06-forward",
    equation=ROWS,
    points=2,
    functions=(
        Function(
            "mlp_forward_batch(X, params, g=sigmoid, out=softmax)",
            mlp_lib.mlp_forward_batch,
            _returns("Ŷ", "Z", "A"),
            parts="outputs",
            trace=_stations("Ŷ", "Z", "A", "A{below} W{now} + b{now}", ROWS),
        ),
    ),
    cases=(
        worked("five examples through the 2-3-4 network", call("mlp_forward_batch", BATCH, ROW1)),
        worked(
            "their predictions",
            call("mlp_forward_batch", BATCH, ROW1),
            driver=PREDICTION.format(name="mlp_forward_batch"),
            returns=Array("Ŷ", list_ok=True),
            gives=[
                [0.3761, 0.1229, 0.4115, 0.0895],
                [0.3451, 0.239, 0.283, 0.1329],
                [0.3107, 0.1643, 0.4281, 0.097],
                [0.3782, 0.253, 0.2212, 0.1477],
                [0.3375, 0.1409, 0.4291, 0.0925],
            ],
        ),
        worked(
            "the predictions for the first three examples",
            call("mlp_forward_batch", BATCH[:3], ROW1),
            driver=PREDICTION.format(name="mlp_forward_batch"),
            returns=Array("Ŷ", list_ok=True),
            gives=[
                [0.3761, 0.1229, 0.4115, 0.0895],
                [0.3451, 0.239, 0.283, 0.1329],
                [0.3107, 0.1643, 0.4281, 0.097],
            ],
        ),
        edge("one example, m = 1", call("mlp_forward_batch", BATCH[:1], ROW1)),
        edge(
            "as many examples as hidden units",
            call("mlp_forward_batch", BATCH[1:4], ROW1, g=Fn("tanh")),
        ),
        edge(
            "the square network, one example for each unit",
            call("mlp_forward_batch", BATCH[3:], ROW_SQUARE),
        ),
        edge("no hidden layer", call("mlp_forward_batch", HIDDEN_ROWS, ROW1[1:])),
        edge(
            "one class: softmax is sure",
            call("mlp_forward_batch", BATCH, [ROW1[0], (ROW1[1][0][:, :1], ROW1[1][1][:, :1])]),
        ),
        edge(
            "one hidden unit",
            call(
                "mlp_forward_batch",
                BATCH,
                [(ROW1[0][0][:, :1], ROW1[0][1][:, :1]), (ROW1[1][0][:1], ROW1[1][1])],
            ),
        ),
        edge("all inputs 0", call("mlp_forward_batch", np.zeros((5, 2)), ROW1)),
        edge("the same example twice", call("mlp_forward_batch", BATCH[[1, 1]], ROW1)),
        edge(
            "a linear network",
            call("mlp_forward_batch", BATCH, ROW1, g=Fn("identity"), out=Fn("identity")),
        ),
        edge(
            "scores around 1000",
            call(
                "mlp_forward_batch",
                BATCH,
                [(200 * ROW1[0][0], ROW1[0][1]), (5 * ROW1[1][0], ROW1[1][1])],
                g=Fn("relu"),
                out=Fn("softmax"),
            ),
            quiet=True,
        ),
        edge("layers as a tuple", call("mlp_forward_batch", BATCH, tuple(ROW1))),
        edge("read-only arrays", call("mlp_forward_batch", *_view((BATCH, ROW1), "readonly"))),
        edge(
            "arrays transposed in memory",
            call("mlp_forward_batch", *_view((BATCH[2:], ROW_SQUARE), "fortran")),
        ),
        edge("every second entry", call("mlp_forward_batch", *_view((BATCH, ROW1), "strided"))),
    ),
    generate=batch_cases,
    mistakes=(
        Mistake(
            "examples-as-columns",
            "X transposed, examples as columns",
            "Row = example, in every data array of the course. X W pairs the features of an "
            "example, along its row, with the senders of W[from, to].",
            {"mlp_forward_batch": _examples_as_columns},
            gives="ValueError: matmul: Input operand 1 has a mismatch in its core dimension 0, "
            "with gufunc",
        ),
        Mistake(
            "column-form-weights",
            "weights used as [to, from]",
            "In row form W is stored [from, to], and Z = A W needs no transpose: W_row is W_col "
            "transposed already. On a square layer the other way runs and is wrong.",
            {"mlp_forward_batch": _row_with(lambda W, A, b: A @ W.T + b)},
            gives="ValueError: matmul: Input operand 1 has a mismatch in its core dimension 0, "
            "with gufunc",
        ),
        Mistake(
            "softmax-axis-0",
            "softmax down the columns",
            "Each example shares out its own probability among the classes, along its row. Down "
            "the columns the examples compete, and one example's δ would depend on the others.",
            {"mlp_forward_batch": _row_with(squash=_axis_0)},
            equation="eq-softmax",
            on="their predictions",
            gives=[
                [0.2351, 0.1487, 0.2499, 0.1771],
                [0.1819, 0.2439, 0.1449, 0.2218],
                [0.1799, 0.1841, 0.2408, 0.1777],
                [0.2004, 0.2594, 0.1138, 0.2476],
                [0.2028, 0.1638, 0.2505, 0.1758],
            ],
        ),
        Mistake(
            "bias-as-column",
            "the first layer's bias as a column",
            "b is one row, added to every example. As a column it gives bias i to example i, and "
            "with as many examples as units no error tells you; with others the shapes clash.",
            {"mlp_forward_batch": _bias_as_column},
            on="the predictions for the first three examples",
            gives=[
                [0.3971, 0.1252, 0.3858, 0.0919],
                [0.3841, 0.2494, 0.234, 0.1325],
                [0.2874, 0.1832, 0.4223, 0.1071],
            ],
        ),
        Mistake(
            "bias-as-column-m5",
            "the first layer's bias as a column",
            "b is one row, added to every example. As a column it gives bias i to example i, and "
            "with as many examples as units no error tells you; with others the shapes clash.",
            {"mlp_forward_batch": _bias_as_column},
            same_as="bias-as-column",
            gives="ValueError: operands could not be broadcast together with shapes (5,3) (3,1)",
        ),
        Mistake(
            "first-example-for-all",
            "the first example for the whole batch",
            "The rows pass side by side and every one has its own features. Row i of Ŷ must be "
            "what example i gives alone.",
            {"mlp_forward_batch": _first_example},
        ),
        _mistake("no-biases", "mlp_forward_batch", _row_with(lambda W, A, b: A @ W), ROWS),
        _mistake("g-at-output", "mlp_forward_batch", _row_with(squash=_g_at_output), ROWS),
        _mistake("out-everywhere", "mlp_forward_batch", _row_with(squash=_out_everywhere), ROWS),
        _mistake("no-g", "mlp_forward_batch", _row_with(squash=_no_g), "eq-collapse"),
        _mistake("both-at-output", "mlp_forward_batch", _row_with(squash=_both_at_output), ROWS),
        _mistake(
            "g-ignored",
            "mlp_forward_batch",
            _row_with(squash=_g_ignored),
            ROWS,
            shows_on=("random", "edge"),
        ),
        _mistake(
            "out-ignored",
            "mlp_forward_batch",
            _row_with(squash=_out_ignored),
            ROWS,
            shows_on=("random", "edge"),
        ),
        _mistake("out-left-out", "mlp_forward_batch", _row_with(squash=_z_given_out), ROWS),
        _mistake("input-not-cached", "mlp_forward_batch", _batch_not_cached, ROWS),
        _mistake("z-overwritten", "mlp_forward_batch", _batch_overwritten, ROWS),
    ),
)

# --------------------------------------------------------------------------------------
# linear layers collapse (E6.4)

LINEAR: Params = [
    (np.array([[1.0, 2.0], [3.0, 4.0], [0.0, -1.0]]), np.array([1.0, 0.0, -1.0])),
    (np.array([[1.0, 0.0, 2.0], [-1.0, 1.0, 0.0]]), np.array([0.5, -0.5])),
]


def collapse_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield two, three and four layers with unequal sizes, and square layers."""
    for L in (2, 3):
        n = layer_sizes(rng, L)
        yield random("-".join(map(str, n)), call("collapse_linear", column_net(rng, n)))
    n = layer_sizes(rng, int(rng.integers(2, 5)), square=True)
    yield random("-".join(map(str, n)), call("collapse_linear", column_net(rng, n)))


def _wrong_order(params: Any) -> Any:
    (W, b), *later = params
    for W_next, b_next in later:
        W, b = W @ W_next, W_next @ b + b_next
    return W, b


def _last_bias(params: Any) -> Any:
    W, _ = mlp_lib.collapse_linear(params)
    return W, np.array(params[-1][1])


def _biases_added(params: Any) -> Any:
    W, _ = mlp_lib.collapse_linear(params)
    b = params[0][1]
    for _, b_next in params[1:]:
        b = b + b_next
    return W, b


def _elementwise(params: Any) -> Any:
    (W, b), *later = params
    for W_next, b_next in later:
        W, b = W * W_next, W_next @ b + b_next
    return W, b


def _no_next_bias(params: Any) -> Any:
    (W, b), *later = params
    for W_next, _ in later:
        W, b = W_next @ W, W_next @ b
    return W, b


def _row_form(params: Any) -> Any:
    W, b = mlp_lib.collapse_linear(params)
    return W.T, b


def _two_only(params: Any) -> Any:
    return mlp_lib.collapse_linear(params[:2])


def _bias_order(params: Any) -> Any:
    """b⁽¹⁾ multiplied by the product of all later matrices in the wrong order."""
    W, _ = mlp_lib.collapse_linear(params)
    b = np.array(params[-1][1])
    for k in range(len(params) - 1):
        carried = params[k][1]
        for W_next, _ in reversed(params[k + 1 :]):
            carried = W_next @ carried
        b = b + carried
    return W, b


collapse_linear = Step(
    id="collapse-linear",
    title="Collapse a linear network",
    lesson="06-forward",
    equation="eq-collapse",
    points=1,
    functions=(
        Function(
            "collapse_linear(params)",
            mlp_lib.collapse_linear,
            Several(
                Array("W", because="it leads from the first layer's inputs to the last outputs"),
                Array("b", because="one for each unit of the last layer"),
            ),
            parts="outputs",
        ),
    ),
    cases=(
        worked(
            "the two layers of the lesson",
            call("collapse_linear", LINEAR),
            gives=([[1, 0], [2, 2]], [-0.5, -1.5]),
        ),
        edge("one layer", call("collapse_linear", NET1[:1])),
        edge("from one input to one output", call("collapse_linear", SMALL)),
        edge("all biases 0", call("collapse_linear", SQUARE)),
        edge("all weights 0", call("collapse_linear", [(0 * W, b) for W, b in NET1])),
        edge(
            "six layers",
            call("collapse_linear", [(W, b + 0.3 * k) for k, (W, b) in enumerate(2 * SQUARE)]),
        ),
        edge("large weights", call("collapse_linear", [(1e6 * W, 1e3 * b) for W, b in NET1])),
        edge("layers as a tuple", call("collapse_linear", tuple(NET1))),
        edge("read-only arrays", call("collapse_linear", _view(NET1, "readonly"))),
        edge("matrices transposed in memory", call("collapse_linear", _view(SQUARE, "fortran"))),
        edge("every second entry", call("collapse_linear", _view(NET1, "strided"))),
    ),
    generate=collapse_cases,
    mistakes=(
        Mistake(
            "wrong-order",
            "the product in the wrong order",
            "W⁽¹⁾ acts first and therefore stands at the right: W⁽²⁾ W⁽¹⁾ x. The product must "
            "lead from the input's size to the output's.",
            {"collapse_linear": _wrong_order},
            gives=[[-1, 2, 2], [-1, 4, 6], [1, -1, 0]],
            of="W",
        ),
        Mistake(
            "last-bias-only",
            "only the last bias kept",
            "b⁽¹⁾ is added before the second layer and goes on through its weights: it arrives as "
            "W⁽²⁾ b⁽¹⁾, on top of b⁽²⁾.",
            {"collapse_linear": _last_bias},
            gives=([[1, 0], [2, 2]], [0.5, -0.5]),
        ),
        Mistake(
            "biases-added",
            "biases added as they are",
            "b⁽¹⁾ belongs to the units of layer 1, b⁽²⁾ to those of layer 2, usually another "
            "number. On its way b⁽¹⁾ passes the weights: W⁽²⁾ b⁽¹⁾ + b⁽²⁾.",
            {"collapse_linear": _biases_added},
            gives="ValueError: operands could not be broadcast together with shapes (3,) (2,)",
        ),
        Mistake(
            "elementwise",
            "an elementwise product of the matrices",
            "Layer after layer is a matrix product: each output collects over all hidden units, "
            "Σ over them of to-weight times from-weight. The star pairs entries that never meet.",
            {"collapse_linear": _elementwise},
            gives="ValueError: operands could not be broadcast together with shapes (3,2) (2,3)",
        ),
        Mistake(
            "next-bias-lost",
            "the later biases lost",
            "W⁽²⁾ b⁽¹⁾ is what becomes of the first bias. The second layer then adds its own "
            "bias, b⁽²⁾.",
            {"collapse_linear": _no_next_bias},
            gives=([[1, 0], [2, 2]], [-1, -1]),
        ),
        Mistake(
            "row-form",
            "W transposed",
            "In column form the collapsed layer is W x + b with W[to, from]: one row for each "
            "output. [from, to] is the row form of lesson 10.",
            {"collapse_linear": _row_form},
            gives=([[1, 2], [0, 2]], [-0.5, -1.5]),
        ),
        Mistake(
            "two-layers-only",
            "only the first two layers",
            "Two layers become one, and that one and the third become one again: repeat the step "
            "for as many layers as there are.",
            {"collapse_linear": _two_only},
            shows_on=("random", "edge"),
        ),
        Mistake(
            "bias-through-wrong-order",
            "a bias sent through the later layers in the wrong order",
            "b⁽¹⁾ meets W⁽²⁾ first and W⁽³⁾ after it, as the signal does: W⁽³⁾ W⁽²⁾ b⁽¹⁾.",
            {"collapse_linear": _bias_order},
            shows_on=("random", "edge"),
        ),
    ),
    equivalent={
        "collapse_linear: W_next @ b -> (W_next @ b.T)": VECTOR,
    },
)

STEPS = (xor_gate_net, mlp_forward, mlp_forward_batch, collapse_linear)
