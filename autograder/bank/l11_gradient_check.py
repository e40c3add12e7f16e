# ruff: noqa: ARG001, ARG005 - a wrong implementation may well ignore an argument
"""Lesson 11: numerical gradients, gradient checking and what it costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

import mlp_lib
from autograder.bank.l10_batch import ROW1, X, Y
from autograder.engine.generators import generic, row_net, sizes
from autograder.engine.step import (
    Answer,
    Anything,
    Array,
    Case,
    Fields,
    Function,
    Integer,
    Mistake,
    Number,
    Step,
    call,
    edge,
    random,
    worked,
)
from autograder.inside.runner import Fn, View
from mlp_lib._types import Params

# --------------------------------------------------------------------------------------
# numerical gradient (E11.1)

# Functions of an array. `volume` takes any shape, `layer` only matrices.
FUNCTIONS = {
    "bowl": "def bowl(theta):\n    x, y = theta\n    return 1.5 * x**2 + y**2 + 2\n",
    "volume": (
        "def volume(theta):\n"
        "    k = 1 + np.arange(theta.size).reshape(theta.shape)\n"
        "    return float(np.sum(np.sin(1.3 * theta + 0.2 * k)) + np.sum(k * theta) ** 2 / 20)\n"
    ),
    "layer": (
        "def layer(W):\n"
        "    x = np.linspace(-0.7, 1.1, W.shape[1])\n"
        "    return np.sum(np.exp(0.4 * np.tanh(W @ x)))\n"
    ),
    "steep": "def steep(theta):\n    return np.sum(np.exp(theta) + theta**3)\n",
    "kink": "def kink(theta):\n    return np.sum(np.abs(theta))\n",
    "constant": "def constant(theta):\n    return 4.25\n",
}
NOISE = (
    "‖yours − ours‖ ≤ 1e-7 (‖ours‖ + 1): the same differences, formed in another order, agree to "
    "about 1e-10; a one-sided difference with h = 1e-5 is off by 1e-5"
)


def gradient_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield vectors, matrices and boxes, both schemes, the standard step and larger ones."""
    p, q, rows, columns, deep = sizes(rng, 5)
    plans: tuple[tuple[str, tuple[int, ...], dict[str, Any]], ...] = (
        ("volume", (p,), {}),
        ("steep", (q,), {"scheme": "forward"}),
        ("layer", (rows, columns), {"h": 10 ** rng.uniform(-4, -2)}),
        ("layer", (deep, deep), {"h": 10 ** rng.uniform(-4, -2), "scheme": "forward"}),
        ("volume", (2, 1, 3), {"scheme": "central"}),
    )
    for name, shape, options in plans:
        said = options.get("scheme", "central") + (
            f", h = {options['h']:.2g}" if "h" in options else ""
        )
        yield random(
            f"{name}, θ of shape {shape}, {said}",
            call("numerical_gradient", Fn(name), generic(rng, *shape), **options),
            counts=True,
        )


def not_truncated(answer: Answer) -> str | None:
    """Check that whole numbers are refused or taken for real ones: (3.015, 2.01) from one side."""
    if isinstance(answer.value, str):
        return None
    found = np.asarray(answer.value, dtype=float)
    if found.shape == (2,) and np.allclose(found, [3.015, 2.01], rtol=0, atol=1e-6):
        return None
    return (
        "θ holds integers, and a nudge of 0.01 stored in an integer array is cut off. Measure at "
        "real numbers, or refuse integers with a TypeError."
    )


REFUSED = """
def drive(fns, f, theta, h, scheme):
    try:
        return fns.numerical_gradient(f, theta, h, scheme)
    except (TypeError, ValueError) as error:
        return f"refused: {type(error).__name__}"
"""


def _measured(theta: Any, slope: Callable[[Any], Any]) -> Any:
    """One number for each entry; `slope` gets an array with a single 1."""
    found = np.zeros(np.shape(theta))
    for i in np.ndindex(found.shape):
        direction = np.zeros(found.shape)
        direction[i] = 1
        found[i] = slope(direction)
    return found


def _checked(scheme: str) -> None:
    if scheme not in ("central", "forward"):
        raise ValueError(f"unknown scheme {scheme}")


def _central(f: Any, theta: Any, h: float, over: float = 2.0) -> Any:
    return _measured(theta, lambda e: (f(theta + h * e) - f(theta - h * e)) / (over * h))


def _forward(f: Any, theta: Any, h: float) -> Any:
    base = f(theta.copy())
    return _measured(theta, lambda e: (f(theta + h * e) - base) / h)


def _always_forward(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    _checked(scheme)
    return _forward(f, theta, h)


def _always_central(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    _checked(scheme)
    return _central(f, theta, h)


def _over_h(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    _checked(scheme)
    return _forward(f, theta, h) if scheme == "forward" else _central(f, theta, h, over=1.0)


def _forward_over_2h(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    _checked(scheme)
    return _forward(f, theta, h) / 2 if scheme == "forward" else _central(f, theta, h)


def _tiny_step(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    return mlp_lib.numerical_gradient(f, theta, 1e-14, scheme)


def _fixed_step(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    return mlp_lib.numerical_gradient(f, theta, 1e-5, scheme)


def _not_put_back(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    _checked(scheme)
    moved, found = theta.copy(), np.zeros(theta.shape)
    base = f(moved) if scheme == "forward" else None
    for i in np.ndindex(theta.shape):
        moved[i] += h
        right = f(moved)
        if scheme == "forward":
            found[i] = (right - base) / h
        else:
            moved[i] -= 2 * h
            found[i] = (right - f(moved)) / (2 * h)
    return found


def _all_at_once(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    _checked(scheme)
    if scheme == "forward":
        base = f(theta.copy())
        return _measured(theta, lambda e: (f(theta + h) - base) / h)
    return _measured(theta, lambda e: (f(theta + h) - f(theta - h)) / (2 * h))


def _truncated(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    _checked(scheme)
    moved, found = theta.copy(), np.zeros(theta.shape)
    base = f(moved) if scheme == "forward" else None
    for i in np.ndindex(theta.shape):
        moved[i] = theta[i] + h
        right = f(moved)
        if scheme == "forward":
            found[i] = (right - base) / h
        else:
            moved[i] = theta[i] - h
            found[i] = (right - f(moved)) / (2 * h)
        moved[i] = theta[i]
    return found


def _base_again(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    _checked(scheme)
    if scheme == "forward":
        return _measured(theta, lambda e: (f(theta + h * e) - f(theta.copy())) / h)
    return _central(f, theta, h)


def _idle_base(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    _checked(scheme)
    base = f(theta.copy())
    if scheme == "forward":
        return _measured(theta, lambda e: (f(theta + h * e) - base) / h)
    return _central(f, theta, h)


def _shape_lost(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    return mlp_lib.numerical_gradient(f, theta, h, scheme).ravel()


def _flat_for_f(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    return mlp_lib.numerical_gradient(f, theta.ravel(), h, scheme).reshape(theta.shape)


def _flat_copy(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    _checked(scheme)
    flat, found = theta.reshape(-1), []
    base = f(theta) if scheme == "forward" else None
    for i in range(flat.size):
        old = flat[i]
        flat[i] = old + h
        right = f(theta)
        if scheme == "forward":
            found.append((right - base) / h)
        else:
            flat[i] = old - h
            found.append((right - f(theta)) / (2 * h))
        flat[i] = old
    return np.array(found).reshape(theta.shape)


def _subtracted_again(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    _checked(scheme)
    found = np.zeros(theta.shape)
    base = f(theta) if scheme == "forward" else None
    for i in np.ndindex(theta.shape):
        theta[i] += h
        right = f(theta)
        if scheme == "forward":
            found[i] = (right - base) / h
            theta[i] -= h
        else:
            theta[i] -= 2 * h
            found[i] = (right - f(theta)) / (2 * h)
            theta[i] += h
    return found


def _unchecked(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    return _forward(f, theta, h) if scheme == "forward" else _central(f, theta, h)


def _backward_difference(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    _checked(scheme)
    if scheme == "forward":
        base = f(theta.copy())
        return _measured(theta, lambda e: (base - f(theta - h * e)) / h)
    return _central(f, theta, h)


def _not_divided(f: Any, theta: Any, h: float = 1e-5, scheme: str = "central") -> Any:
    _checked(scheme)
    return _forward(f, theta, h) * h if scheme == "forward" else _central(f, theta, h) * 2 * h


POINT = np.array([1.0, 1.0])
BOX = np.array([[[0.4, -1.3], [0.7, 0.2]], [[-0.6, 1.7], [0.35, -0.85]], [[1.2, 0.5], [-0.2, 0.9]]])
MATRIX = np.array([[0.3, -0.7, 1.2], [0.6, 0.4, -1.4]])

numerical_gradient = Step(
    id="numerical-gradient",
    title="Numerical gradient",
    lesson="11-gradient-check",
    equation="eq-central-difference",
    points=3,
    functions=(
        Function(
            'numerical_gradient(f, theta, h=1e-5, scheme="central")',
            mlp_lib.numerical_gradient,
            Array(
                "gradient",
                like="theta",
                because="one slope for each entry",
                rtol=1e-7,
                atol=1e-7,
                why=NOISE,
            ),
        ),
    ),
    given=FUNCTIONS,
    cases=(
        worked(
            "1.5x² + y² + 2 at (1, 1), both sides",
            call("numerical_gradient", Fn("bowl"), POINT, h=0.01),
            gives=[3, 2],
            counts=True,
        ),
        worked(
            "1.5x² + y² + 2 at (1, 1), one side",
            call("numerical_gradient", Fn("bowl"), POINT, h=0.01, scheme="forward"),
            gives=[3.015, 2.01],
            counts=True,
        ),
        edge(
            "one number",
            call("numerical_gradient", Fn("steep"), np.array([0.7])),
            counts=True,
        ),
        edge("a box of numbers", call("numerical_gradient", Fn("volume"), BOX), counts=True),
        edge(
            "zeros, one of them negative",
            call("numerical_gradient", Fn("volume"), np.array([0.0, -0.0, 0.7])),
            counts=True,
        ),
        edge(
            "a function that does not change",
            call("numerical_gradient", Fn("constant"), MATRIX),
            counts=True,
        ),
        edge(
            "a kink, from both sides",
            call("numerical_gradient", Fn("kink"), np.array([0.0, 0.6, -1.4]), h=0.01),
            counts=True,
        ),
        edge(
            "a kink, from one side",
            call(
                "numerical_gradient",
                Fn("kink"),
                np.array([0.0, 0.6, -1.4]),
                h=0.01,
                scheme="forward",
            ),
            counts=True,
        ),
        edge(
            "h by position, scheme by name",
            call("numerical_gradient", Fn("steep"), 0.4 * MATRIX[0], 0.02, scheme="forward"),
            counts=True,
        ),
        edge(
            "every second entry of an array",
            call("numerical_gradient", Fn("layer"), View(MATRIX, "strided")),
            counts=True,
        ),
        edge(
            "a matrix transposed in memory",
            call("numerical_gradient", Fn("layer"), View(MATRIX, "fortran"), scheme="forward"),
            counts=True,
        ),
        edge(
            "a scheme that does not exist",
            call("numerical_gradient", Fn("bowl"), POINT, scheme="sideways"),
            raises=("ValueError",),
        ),
        edge(
            "whole numbers in θ",
            call("numerical_gradient", Fn("bowl"), np.array([1, 1]), 0.01, "forward"),
            driver=REFUSED,
            returns=Anything("gradient"),
            compare=False,
            rules=(not_truncated,),
        ),
    ),
    generate=gradient_cases,
    mistakes=(
        Mistake(
            "forward-for-central",
            "a one-sided difference where both sides are asked for",
            "Not wrong, but of first order: the term ½ f″h stays. Nudged to both sides it cancels, "
            "and the error falls from h to h².",
            {"numerical_gradient": _always_forward},
            equation="eq-forward-difference",
            gives=[3.015, 2.01],
        ),
        Mistake(
            "central-for-forward",
            "both sides where a one-sided difference is asked for",
            'With scheme="forward" f(θ) is evaluated once and every entry costs one more call. '
            "The central difference is better, and costs nearly twice as much.",
            {"numerical_gradient": _always_central},
            equation="eq-forward-difference",
        ),
        Mistake(
            "over-h",
            "the central difference divided by h",
            "From θ − h to θ + h is a distance of 2h. Divided by h, every slope comes out twice "
            "as steep, and a right backward pass looks wrong.",
            {"numerical_gradient": _over_h},
            gives=[6, 4],
        ),
        Mistake(
            "forward-over-2h",
            "the one-sided difference divided by 2h",
            "From θ to θ + h is a distance of h; 2h belongs to the difference of both sides.",
            {"numerical_gradient": _forward_over_2h},
            equation="eq-forward-difference",
        ),
        Mistake(
            "tiny-step",
            "a step of 1e-14, whatever h is",
            "The two losses then agree in almost all digits, and what is left of their difference "
            "is rounding, blown up by 1/h. The best central step is near 1e-5.",
            {"numerical_gradient": _tiny_step},
            equation="eq-difference-error",
            gives=[3.0198, 1.954],
        ),
        Mistake(
            "h-ignored",
            "a step of 1e-5, whatever h is",
            "h is an argument, because the best step depends on the function: near a kink or in "
            "single precision 1e-5 is not it.",
            {"numerical_gradient": _fixed_step},
            equation="eq-best-step",
        ),
        Mistake(
            "not-put-back",
            "the nudged entry not put back",
            "Each slope is taken at θ itself. If entry 1 stays moved, entry 2 is measured at "
            "another point, and its difference contains the effect of both.",
            {"numerical_gradient": _not_put_back},
            on="1.5x² + y² + 2 at (1, 1), one side",
            gives=[3.015, 5.025],
        ),
        Mistake(
            "all-at-once",
            "all entries nudged at once",
            "That measures the slope in one direction, the diagonal, and writes it into every "
            "slot. A partial derivative moves one entry and holds all others.",
            {"numerical_gradient": _all_at_once},
            on="1.5x² + y² + 2 at (1, 1), one side",
            gives=[5.025, 5.025],
        ),
        Mistake(
            "integers-truncated",
            "a nudge lost in an integer array",
            "1 + 0.01 stored in an integer array is 1 again, so f does not move and every slope "
            "is 0. Take θ as floats, or refuse integers.",
            {"numerical_gradient": _truncated},
            shows_on=("edge",),
            on="whole numbers in θ",
            gives=[0, 0],
        ),
        Mistake(
            "base-again",
            "f(θ) evaluated again for every entry",
            "The values are right, at twice the price: f(θ) is the same for all entries, so p + 1 "
            "calls are enough. For a network every call is a whole forward pass.",
            {"numerical_gradient": _base_again},
            equation="eq-fdm-cost",
        ),
        Mistake(
            "idle-base",
            "f(θ) evaluated although both sides are measured",
            "The central difference uses f(θ + h) and f(θ − h) only: 2p calls. The value in the "
            "middle is not needed.",
            {"numerical_gradient": _idle_base},
        ),
        Mistake(
            "shape-lost",
            "the gradient as a flat list",
            "A gradient has the shape of its variable: the slope with respect to W[i, j] belongs "
            "to place [i, j], so that it can be compared with dW.",
            {"numerical_gradient": _shape_lost},
        ),
        Mistake(
            "flat-for-f",
            "f called with a flattened θ",
            "f is the loss as a function of θ in its own shape: a weight matrix must arrive as a "
            "matrix, or the forward pass inside f cannot run.",
            {"numerical_gradient": _flat_for_f},
        ),
        Mistake(
            "flat-copy",
            "a copy nudged instead of θ",
            "Flattening may copy: the nudge goes into the copy, f is called with the untouched θ, "
            "and every slope is 0. Hand f the array that you have moved.",
            {"numerical_gradient": _flat_copy},
            shows_on=("edge",),
        ),
        Mistake(
            "subtracted-again",
            "θ put back by subtracting h",
            "(θ + h) − h is not always θ: rounding leaves a trace, and after a thousand checks "
            "the parameters have drifted. Keep the old value and write it back.",
            {"numerical_gradient": _subtracted_again},
        ),
        Mistake(
            "scheme-unchecked",
            "any scheme accepted",
            "A misspelt scheme silently becomes another one, with another error and another cost. "
            "Refuse unknown names with a ValueError.",
            {"numerical_gradient": _unchecked},
            shows_on=("edge",),
        ),
        Mistake(
            "backward-difference",
            "a nudge to the other side",
            "f(θ) − f(θ − h) is a one-sided difference too, but its error has the other sign. The "
            "forward difference looks ahead, to θ + h.",
            {"numerical_gradient": _backward_difference},
            equation="eq-forward-difference",
        ),
        Mistake(
            "not-divided",
            "the change of f, not divided by the step",
            "A slope is change of f per change of θ. Without the division the result shrinks with "
            "h and is no gradient.",
            {"numerical_gradient": _not_divided},
        ),
    ),
    equivalent={
        "numerical_gradient: _check.no_integers*": "whole numbers become floats: also an answer"
    },
)

# --------------------------------------------------------------------------------------
# gradient check and cost (E11.2)

CHECK = "part of the check of the inputs, which every case passes"
SYMMETRIC = "g and n play the same part: ‖g − n‖ = ‖n − g‖"

# The batch a loss is measured on; the same text serves the losses and the gradients below.
EXAMPLES = """
def examples(n_in, n_out):
    m = n_in + n_out
    X = np.sin(1.7 * np.arange(m * n_in) + 0.4).reshape(m, n_in) * 1.4
    Y = np.eye(n_out)[(np.arange(m) ** 2 + 1) % n_out]
    return X, Y
"""
LOSSES = {
    "loss": EXAMPLES
    + """
def loss(params):
    X, Y = examples(len(params[0][0]), params[-1][0].shape[1])
    A = X
    for W, b in params[:-1]:
        A = np.tanh(A @ W + b)
    W, b = params[-1]
    Z = A @ W + b
    Z = Z - Z.max(axis=1, keepdims=True)
    log_P = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))
    return float(-np.mean(np.sum(Y * log_P, axis=1)))
""",
    "lesson_loss": f"""
def lesson_loss(params):
    X, Y = np.array({X.tolist()}), np.array({Y.tolist()})
    (W1, b1), (W2, b2) = params
    E = np.exp(1 / (1 + np.exp(-(X @ W1 + b1))) @ W2 + b2)
    P = E / E.sum(axis=1, keepdims=True)
    return -np.mean(np.log(np.sum(Y * P, axis=1)))
""",
    "chain_loss": """
def chain_loss(params):
    a = np.array([[0.5]])
    for W, b in params:
        a = 1 / (1 + np.exp(-(a @ W + b)))
    return 0.5 * (a[0, 0] - 1) ** 2
""",
    "cubic": """
def cubic(params):
    return sum(np.sum(t**3) for pair in params for t in pair) / 3
""",
    "first_only": """
def first_only(params):
    return np.sum(params[0][0] ** 3) / 3
""",
    "faint": """
def faint(params):
    return 1e-9 * sum(np.sum(t**3) for pair in params for t in pair)
""",
}
SAME_MEASURE = (
    "|yours − ours| ≤ 1e-6 (ours + 1): two right measurements differ by rounding, about 1e-9; "
    "right gradients stay below 1e-6 and wrong ones above 1e-2"
)


def batch_of(params: Params) -> tuple[Any, Any]:
    """Return the examples that `loss` uses for parameters of these shapes."""
    namespace: dict[str, Any] = {"np": np}
    exec(EXAMPLES, namespace)
    found: tuple[Any, Any] = namespace["examples"](len(params[0][0]), params[-1][0].shape[1])
    return found


def gradients(
    params: Params,
    *,
    transpose: bool = True,
    slope: Callable[[Any], Any] = mlp_lib.d_tanh,
    mean: bool = True,
) -> Any:
    """Return the gradients of `loss`, right or with one known slip of lesson 10."""
    X, Y = batch_of(params)
    _, cache = mlp_lib.mlp_forward_batch(X, params, g=mlp_lib.tanh)
    dZ = (cache["a"][-1] - Y) / (len(Y) if mean else 1)
    found: list[Any] = []
    for k in reversed(range(len(params))):
        found.insert(0, (cache["a"][k].T @ dZ, dZ.sum(axis=0, keepdims=True)))
        W = params[k][0]
        dZ = (dZ @ (W.T if transpose else W)) * slope(cache["z"][k - 1]) if k else dZ
    return found


def changed(grads: Any, layer: int, tensor: int, change: Callable[[Any], Any]) -> Any:
    """Return gradients of which one array is changed."""
    pairs = [list(pair) for pair in grads]
    pairs[layer][tensor] = change(pairs[layer][tensor])
    return [tuple(pair) for pair in pairs]


def check_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield right gradients, the slips of lesson 10, and single wrong tensors; costs of nets."""
    n = sizes(rng, 3, low=2, high=4)
    params: Any = row_net(rng, n, scale=0.7)
    name = "-".join(map(str, n))
    right = gradients(params)
    layer, entry = int(rng.integers(2)), generic(rng, low=0.2, high=0.6).item()
    side = int(rng.integers(2, 4))
    square: Any = row_net(rng, [side] * 3, scale=0.7)
    plans: tuple[tuple[str, Any, Any, dict[str, Any]], ...] = (
        (f"right gradients, {name}", params, right, {}),
        (f"right gradients, {name}, h = 0.001", params, right, {"h": 1e-3}),
        (
            f"no slope in the hidden layer, {name}",
            params,
            gradients(params, slope=np.ones_like),
            {},
        ),
        (f"1/m forgotten, {name}, h = 0.01", params, gradients(params, mean=False), {"h": 1e-2}),
        (
            f"a transpose forgotten, {side}-{side}-{side}",
            square,
            gradients(square, transpose=False),
            {},
        ),
        (
            f"one entry of db⁽{'¹²'[layer]}⁾ wrong, {name}",
            params,
            changed(right, layer, 1, lambda g: g + entry * np.eye(1, g.size)),
            {},
        ),
        (
            f"dW⁽{'²¹'[layer]}⁾ too large by a half, {name}",
            params,
            changed(right, 1 - layer, 0, lambda g: 1.5 * g),
            {},
        ),
    )
    for title, p, g, options in plans:
        yield random(title, call("grad_check", Fn("loss"), p, g, **options))
    count = int(rng.integers(3, 6))
    shape = rng.integers(2, 12, size=count).tolist()
    yield random("-".join(map(str, shape)), call("fdm_cost", shape))


def nan_fails(answer: Answer) -> str | None:
    """Check that a gradient with nan does not pass."""
    if np.ndim(answer.value) == 0 and not float(answer.value) <= 1e-2:
        return None
    return (
        "One entry of the gradient is nan, and the check reports an error of "
        f"{float(np.asarray(answer.value)):.2g}: it would pass. Every comparison with nan is "
        "false, and max(0.0, nan) is 0.0; look for nan by itself."
    )


def _relative(g: Any, n: Any, floor: float = 1e-8) -> float:
    size = max(floor, float(np.linalg.norm(g) + np.linalg.norm(n)))
    return float(np.linalg.norm(g - n)) / size


def _compared(
    loss: Any,
    params: Any,
    grads: Any,
    h: float,
    error: Callable[[Any, Any], float] = _relative,
    scheme: str = "central",
    tensors: tuple[int, ...] = (0, 1),
) -> list[float]:
    """The error of every tensor, of the chosen kinds."""
    errors = []
    for k, (pair, slopes) in enumerate(zip(params, grads, strict=True)):
        for j in tensors:

            def of_tensor(theta: Any, k: int = k, j: int = j) -> Any:
                layers = [list(p) for p in params]
                layers[k][j] = theta
                return loss([tuple(p) for p in layers])

            g, n = np.asarray(slopes[j]), mlp_lib.numerical_gradient(of_tensor, pair[j], h, scheme)
            errors.append(math.inf if not np.isfinite(g).all() else error(g, n))
    return errors


def _absolute(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    return max(_compared(loss, params, grads, h, lambda g, n: float(np.abs(g - n).max())))


def _magnitudes(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    def error(g: Any, n: Any) -> float:
        return _relative(np.linalg.norm(g), np.linalg.norm(n))

    return max(_compared(loss, params, grads, h, error))


def _entries(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    def error(g: Any, n: Any) -> float:
        return float((np.abs(g - n) / np.maximum(1e-8, np.abs(g) + np.abs(n))).max())

    return max(_compared(loss, params, grads, h, error))


def _no_floor(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    def error(g: Any, n: Any) -> float:
        with np.errstate(all="ignore"):
            size = np.linalg.norm(g) + np.linalg.norm(n)
            return float(np.linalg.norm(g - n) / size)

    return np.max(_compared(loss, params, grads, h, error))


def _over_measured(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    def error(g: Any, n: Any) -> float:
        return float(np.linalg.norm(g - n) / max(1e-8, float(np.linalg.norm(n))))

    return max(_compared(loss, params, grads, h, error))


def _over_larger(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    def error(g: Any, n: Any) -> float:
        size = max(1e-8, float(np.linalg.norm(g)), float(np.linalg.norm(n)))
        return float(np.linalg.norm(g - n) / size)

    return max(_compared(loss, params, grads, h, error))


def _no_biases(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    return max(_compared(loss, params, grads, h, tensors=(0,)))


def _no_weights(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    return max(_compared(loss, params, grads, h, tensors=(1,)))


def _last_tensor(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    return _compared(loss, params, grads, h)[-1]


def _averaged(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    return float(np.mean(_compared(loss, params, grads, h)))


def _smallest(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    return min(_compared(loss, params, grads, h))


def _one_norm(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    pieces: list[tuple[Any, Any]] = []

    def error(g: Any, n: Any) -> float:
        pieces.append((g.ravel(), n.ravel()))
        return 0.0

    if math.inf in _compared(loss, params, grads, h, error):
        return math.inf
    g, n = (np.concatenate(side) for side in zip(*pieces, strict=True))
    return _relative(g, n)


def _one_sided(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    return max(_compared(loss, params, grads, h, scheme="forward"))


def _h_ignored(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    return max(_compared(loss, params, grads, 1e-5))


def _nan_lost(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    worst = 0.0
    for error in _compared(loss, params, grads, h):
        worst = max(worst, math.nan if error == math.inf else error)
    return worst


def _left_moved(loss: Any, params: Any, grads: Any, h: float = 1e-5) -> Any:
    worst = 0.0
    for pair, slopes in zip(params, grads, strict=True):
        for theta, g in zip(pair, slopes, strict=True):
            n = np.zeros(theta.shape)
            for i in np.ndindex(theta.shape):
                theta[i] += h
                right = loss(params)
                theta[i] -= 2 * h
                n[i] = (right - loss(params)) / (2 * h)
                theta[i] += h
            error = _relative(g, n)
            worst = error if not error <= worst else worst
    return worst


def _cost(N: int, fdm: int, backprop: int) -> dict[str, int]:
    return {"weights": N, "fdm_mults": fdm, "backprop_mults": backprop}


def _products(sizes: Any) -> list[int]:
    return [a * b for a, b in pairwise(sizes)]


def _with_biases(sizes: Any) -> Any:
    return mlp_lib.fdm_cost(sizes, biases=True)


def _without_base(sizes: Any) -> Any:
    n = _products(sizes)
    N = sum(n)
    return _cost(N, N * N, 3 * N - n[0])


def _both_sides(sizes: Any) -> Any:
    n = _products(sizes)
    N = sum(n)
    return _cost(N, 2 * N * N, 3 * N - n[0])


def _error_of_input(sizes: Any) -> Any:
    N = sum(_products(sizes))
    return _cost(N, (N + 1) * N, 3 * N)


def _no_errors_sent(sizes: Any) -> Any:
    N = sum(_products(sizes))
    return _cost(N, (N + 1) * N, 2 * N)


def _backward_only(sizes: Any) -> Any:
    n = _products(sizes)
    N = sum(n)
    return _cost(N, (N + 1) * N, 2 * N - n[0])


def _last_not_sent(sizes: Any) -> Any:
    n = _products(sizes)
    N = sum(n)
    return _cost(N, (N + 1) * N, 3 * N - n[-1])


def _units_counted(sizes: Any) -> Any:
    N = sum(sizes)
    return _cost(N, (N + 1) * N, 3 * N - sizes[0] * sizes[1])


def _cubic_gradient(params: Any) -> Any:
    return [tuple(t**2 for t in pair) for pair in params]


RIGHT1 = mlp_lib.mlp_backward_batch(
    ROW1, mlp_lib.mlp_forward_batch(X, ROW1)[1], Y, mlp_lib.d_sigmoid
)
CHAIN: Params = [(np.ones((1, 1)), np.zeros((1, 1)))] * 10
_, CHAIN_CACHE = mlp_lib.mlp_forward_batch([[0.5]], CHAIN, out=mlp_lib.sigmoid)
CHAIN_GRADS = mlp_lib.mlp_backward_batch(
    CHAIN, CHAIN_CACHE, [[1.0]], mlp_lib.d_sigmoid, loss="half_sse", activation="sigmoid"
)
FEW: Params = [(np.array([[0.6, -1.3], [0.4, 0.8]]), np.array([[0.7, -0.35]]))]
MORE: Params = [*FEW, (np.array([[1.4], [-0.9]]), np.array([[0.55]]))]
ONLY_FIRST = [(MORE[0][0] ** 2, 0 * MORE[0][1]), (0 * MORE[1][0], 0 * MORE[1][1])]

grad_check = Step(
    id="grad-check",
    title="Gradient check and cost",
    lesson="11-gradient-check",
    equation="eq-gradient-check",
    points=3,
    functions=(
        Function(
            "grad_check(loss, params, grads, h=1e-5)",
            mlp_lib.grad_check,
            Number("relative error", rtol=1e-6, atol=1e-6, why=SAME_MEASURE),
        ),
        Function(
            "fdm_cost(sizes)",
            mlp_lib.fdm_cost,
            Fields(
                weights=Integer("weights"),
                fdm_mults=Integer("fdm_mults"),
                backprop_mults=Integer("backprop_mults"),
            ),
        ),
    ),
    given=LOSSES,
    cases=(
        worked(
            "the 2-3-4 network of the lesson, right gradients",
            call("grad_check", Fn("lesson_loss"), ROW1, RIGHT1),
            gives=0.0,
        ),
        worked(
            "all signs turned",
            call("grad_check", Fn("lesson_loss"), ROW1, [(-dW, -db) for dW, db in RIGHT1]),
            gives=1.0,
        ),
        worked(
            "all gradients doubled",
            call("grad_check", Fn("lesson_loss"), ROW1, [(2 * dW, 2 * db) for dW, db in RIGHT1]),
            gives=0.3333,
        ),
        worked("4-3-3-3", call("fdm_cost", [4, 3, 3, 3])),
        worked("784-128-64-10", call("fdm_cost", [784, 128, 64, 10])),
        edge(
            "a vanished gradient, reported as 0",
            call("grad_check", Fn("chain_loss"), CHAIN, changed(CHAIN_GRADS, 0, 0, np.zeros_like)),
        ),
        edge(
            "only the last bias is wrong",
            call(
                "grad_check",
                Fn("cubic"),
                MORE,
                changed(_cubic_gradient(MORE), 1, 1, lambda g: 1.2 * g),
            ),
        ),
        edge(
            "only the first matrix is wrong",
            call(
                "grad_check",
                Fn("cubic"),
                MORE,
                changed(_cubic_gradient(MORE), 0, 0, lambda g: g.T.copy()),
            ),
        ),
        edge(
            "parameters that the loss does not use",
            call("grad_check", Fn("first_only"), MORE, ONLY_FIRST),
        ),
        edge(
            "gradients below the floor of 1e-8",
            call("grad_check", Fn("faint"), FEW, [(0 * W, 0 * b) for W, b in FEW]),
        ),
        edge(
            "one layer, given as lists",
            call("grad_check", Fn("cubic"), [list(FEW[0])], [[W**2, b**2] for W, b in FEW]),
        ),
        edge(
            "matrices transposed in memory",
            call(
                "grad_check",
                Fn("cubic"),
                [(View(W, "fortran"), View(b, "strided")) for W, b in FEW],
                [(1.1 * W**2, b**2) for W, b in FEW],
            ),
        ),
        edge(
            "nan in a gradient",
            call(
                "grad_check",
                Fn("cubic"),
                MORE,
                changed(_cubic_gradient(MORE), 0, 1, lambda g: np.where(g > 0.3, np.nan, g)),
            ),
            compare=False,
            rules=(nan_fails,),
            may_raise=("ValueError", "ArithmeticError", "AssertionError"),
        ),
        edge("one layer", call("fdm_cost", [5, 2])),
        edge("one unit in every layer", call("fdm_cost", [1, 1, 1])),
        edge("a wide layer in the middle", call("fdm_cost", [2, 30, 1])),
        edge("many layers", call("fdm_cost", [3, 4, 5, 6, 5, 4, 3])),
    ),
    generate=check_cases,
    mistakes=(
        Mistake(
            "sign-flip-is-one",
            "a turned sign has the relative error 1",
            "With ‖g‖ + ‖n‖ below the fraction line nothing exceeds 1, so a threshold of 1 accepts "
            "everything. Right gradients lie below 1e-6.",
            {"grad_check": mlp_lib.grad_check},
            equation="eq-relative-error",
            contrast=True,
            on="all signs turned",
            gives=1.0,
        ),
        Mistake(
            "absolute-error",
            "the absolute difference",
            "A vanished gradient of 5.9e-8 reported as 0 differs by 5.9e-8 and would pass any "
            "tolerance. Divide by the size of the two gradients.",
            {"grad_check": _absolute},
            equation="eq-relative-error",
            on="a vanished gradient, reported as 0",
            gives=5.938e-08,
        ),
        Mistake(
            "magnitudes",
            "the lengths of the gradients compared",
            "Two vectors of the same length may point in opposite directions: a turned sign would "
            "pass. Take the norm of the difference, not the difference of the norms.",
            {"grad_check": _magnitudes},
            equation="eq-relative-error",
        ),
        Mistake(
            "entry-by-entry",
            "the relative error of single entries",
            "In a right gradient some entries lie near 0, where the rounding of the measurement is "
            "a large share. One norm for a whole tensor asks whether it points the right way.",
            {"grad_check": _entries},
            equation="eq-relative-error",
        ),
        Mistake(
            "no-floor",
            "no floor below the fraction line",
            "Where loss and tensor have nothing to do with each other both gradients are 0, and "
            "0/0 is nan. The floor of 1e-8 makes it 0.",
            {"grad_check": _no_floor},
            equation="eq-relative-error",
            shows_on=("edge",),
        ),
        Mistake(
            "over-measured",
            "division by the measured gradient only",
            "Then a doubled gradient has the error 1 and a turned sign 2, and a tensor whose true "
            "gradient is tiny explodes. ‖g‖ + ‖n‖ treats both alike and stays between 0 and 1.",
            {"grad_check": _over_measured},
            equation="eq-relative-error",
        ),
        Mistake(
            "over-larger",
            "division by the larger of the two",
            "That is another measure, with 2 for a turned sign. The course divides by "
            "‖g‖ + ‖n‖, so that the error lies between 0 and 1.",
            {"grad_check": _over_larger},
            equation="eq-relative-error",
        ),
        Mistake(
            "biases-unchecked",
            "the biases not checked",
            "db is a gradient like any other, and a forgotten sum over the rows shows nowhere "
            "else. Check both tensors of every layer.",
            {"grad_check": _no_biases},
        ),
        Mistake(
            "weights-unchecked",
            "the weights not checked",
            "Most of what can go wrong on the way back goes wrong in dW: check both tensors of "
            "every layer.",
            {"grad_check": _no_weights},
        ),
        Mistake(
            "last-tensor",
            "the last tensor only",
            "The result is overwritten in every round. The layers near the input, which most "
            "mistakes reach, are the first to be forgotten: keep the largest error.",
            {"grad_check": _last_tensor},
        ),
        Mistake(
            "averaged",
            "the mean over the tensors",
            "One wrong tensor among many right ones disappears in the mean. A chain is as good as "
            "its worst link: take the largest error.",
            {"grad_check": _averaged},
        ),
        Mistake(
            "smallest",
            "the smallest error",
            "The last layer is nearly always right, because its gradient has passed no matrix. "
            "Take the largest error of all tensors.",
            {"grad_check": _smallest},
        ),
        Mistake(
            "one-norm",
            "one norm for the whole network",
            "The tensor with the largest gradient drowns the others, and a wrong one in a layer "
            "with small gradients passes. Compare tensor by tensor, then take the largest error.",
            {"grad_check": _one_norm},
        ),
        Mistake(
            "one-sided",
            "one-sided differences",
            "Their error is of order h, so that right gradients come near 1e-5 and look "
            "suspicious. The central difference has h², for one more pass per weight.",
            {"grad_check": _one_sided},
            equation="eq-central-difference",
        ),
        Mistake(
            "h-ignored",
            "a step of 1e-5, whatever h is",
            "h is an argument: with a kink nearby you repeat the check with a smaller step, and "
            "the error tells a kink from a mistake.",
            {"grad_check": _h_ignored},
            equation="eq-best-step",
        ),
        Mistake(
            "nan-lost",
            "nan swallowed by max",
            "max(0.0, nan) is 0.0, and every comparison with nan is false. A backward pass that "
            "divides by zero would pass the check: let nan fail.",
            {"grad_check": _nan_lost},
            equation="eq-relative-error",
            shows_on=("edge",),
        ),
        Mistake(
            "left-moved",
            "parameters put back by subtracting h",
            "(θ + h) − h is not always θ. The check leaves its traces in the network that is "
            "going to be trained: keep the old value and write it back.",
            {"grad_check": _left_moved},
            equation="eq-central-difference",
        ),
        Mistake(
            "biases-counted",
            "biases counted",
            "This count is for weights alone: N = Σ nₗ₋₁ nₗ. Each weight is one multiplication of "
            "the forward pass; a bias is only added.",
            {"fdm_cost": _with_biases},
            equation="eq-fdm-cost",
        ),
        Mistake(
            "without-base-pass",
            "N² for the one-sided differences",
            "Every weight needs one more forward pass of N products, and all of them are compared "
            "with the base value, which costs one pass too: (N + 1) N.",
            {"fdm_cost": _without_base},
            equation="eq-fdm-cost",
        ),
        Mistake(
            "both-sides-counted",
            "2N² for the differences",
            "That is the price of the central difference. The count here is for one-sided ones: "
            "one pass for each weight and one for the base, (N + 1) N.",
            {"fdm_cost": _both_sides},
            equation="eq-fdm-cost",
        ),
        Mistake(
            "error-of-input",
            "the error sent back to the input counted",
            "The input has no weights before it, so nobody asks for its error: W⁽¹⁾ is used going "
            "forward and for dW⁽¹⁾, but not to send anything back. 3N − n₀n₁.",
            {"fdm_cost": _error_of_input},
            equation="eq-fdm-cost",
        ),
        Mistake(
            "errors-not-counted",
            "the errors sent back not counted",
            "Besides dW, one product δᵢ aⱼ for each weight, the backward pass multiplies each "
            "weight with a δ once more to send the error on, except in the first layer.",
            {"fdm_cost": _no_errors_sent},
            equation="eq-fdm-cost",
        ),
        Mistake(
            "backward-only",
            "the forward pass not counted",
            "There is no backward pass without the z and a of a forward pass, and it costs N "
            "products as well.",
            {"fdm_cost": _backward_only},
            equation="eq-fdm-cost",
        ),
        Mistake(
            "last-layer-not-sent",
            "the last layer left out of the way back",
            "The error starts at the output and goes back through the last matrix first. The one "
            "that nothing has to pass is the first: 3N − n₀n₁.",
            {"fdm_cost": _last_not_sent},
            equation="eq-fdm-cost",
        ),
        Mistake(
            "units-counted",
            "units in place of weights",
            "A weight sits on every connection, and two layers in a row have nₗ₋₁ · nₗ of them: "
            "multiply neighbours, then add.",
            {"fdm_cost": _units_counted},
            equation="eq-fdm-cost",
        ),
    ),
    equivalent={
        "numerical_gradient: _check.*": CHECK,
        "_check_same_shapes: *": CHECK,
        "*max(*": "the larger of two numbers does not depend on their order",
        "relative_error: np.asarray(?) -> ?": "both are arrays already",
        "relative_error: float(*": "a numpy float is as good as a Python float",
        "relative_error: g - n -> (n - g)": SYMMETRIC,
        "grad_check: relative_error(*": SYMMETRIC,
        "fdm_cost: *": "the count with biases is an extra of the library; the step has none",
    },
)

STEPS = (numerical_gradient, grad_check)
