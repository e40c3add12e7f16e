# ruff: noqa: ARG001, ARG005 - a wrong implementation may well ignore an argument
"""Lesson 9: backpropagation through matrices, one example in column form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

import mlp_lib
from autograder.bank.common import ACTIVATIONS, column
from autograder.engine.compare import alike
from autograder.engine.generators import column_net, generic, layer_sizes, sizes, targets
from autograder.engine.step import (
    Answer,
    Array,
    Case,
    Function,
    Gradient,
    Layers,
    Mistake,
    Number,
    Several,
    Step,
    call,
    edge,
    random,
    worked,
)
from autograder.inside.runner import Fn, Tree, View
from mlp_lib._types import Params
from mlp_lib.col import path_products

# Why some mutants of the reference compute the same.
VECTOR = "a vector is its own transpose"
CHECK = "part of the check that the shapes of params fit, which every case passes"
ONE_OUTPUT = "one output: its index 1 − 1 is 0, and −1 is the same entry"

# The two networks of the lesson: 2-3-4, and all square.
X1, Y1 = np.array([0.8, -2.0]), np.array([0.0, 1.0, 0.0, 0.0])
NET1: Params = [
    (np.array([[0.5, -0.5], [1.2, 0.25], [-0.75, 0.9]]), np.array([0.3, 0.5, -0.25])),
    (
        np.array([[1.5, -0.8, 0.5], [-0.5, 0.25, 0.7], [0.4, 0.6, -0.9], [-0.2, -0.3, 0.35]]),
        np.array([0.1, -0.1, 0.2, -0.25]),
    ),
]
X2, Y2 = np.array([0.8, -0.6]), np.array([1.0, 0.0])
SQUARE = [
    np.array([[0.9, 0.5], [-0.5, 0.25]]),
    np.array([[0.5, -0.7], [0.6, 2.0]]),
    np.array([[0.8, -2.0], [0.5, 1.3]]),
]
NET2: Params = [(W, np.zeros(2)) for W in SQUARE]

# --------------------------------------------------------------------------------------
# error to the previous layer (E9.1)


def error_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield layers that widen, layers that narrow, and a square one."""
    few, many = sorted(sizes(rng, 2))
    for n_to, n_from in ((few, many), (many, few), (few + 1, few + 1)):
        yield random(
            f"{n_from} units send to {n_to}",
            call("error_to_previous", generic(rng, n_to, n_from), generic(rng, n_to)),
        )


def _no_transpose(W_next: Any, delta_next: Any) -> Any:
    return W_next @ delta_next


def _inverse(W_next: Any, delta_next: Any) -> Any:
    return np.linalg.inv(W_next) @ delta_next


def _elementwise(W_next: Any, delta_next: Any) -> Any:
    return W_next * delta_next


def _not_summed(W_next: Any, delta_next: Any) -> Any:
    return W_next * np.asarray(delta_next)[:, None]


def _summed_over_senders(W_next: Any, delta_next: Any) -> Any:
    return (W_next * np.asarray(delta_next)[:, None]).sum(axis=1)


def _wrong_layer(W_next: Any, delta_next: Any) -> Any:
    return SQUARE[1].T @ delta_next


DELTA3 = np.array([-0.910406, 0.910406])
DELTA2 = np.array([0.376118, -0.877108, 0.411497, 0.089493])

error_to_previous = Step(
    id="error-to-previous",
    title="Propagate the error through a weight matrix",
    lesson="09-backprop",
    equation="eq-error-to-previous",
    points=1,
    functions=(
        Function(
            "error_to_previous(W_next, delta_next)",
            mlp_lib.error_to_previous,
            Array("e", because="one error for each unit that sent something, a column of W_next"),
        ),
    ),
    cases=(
        worked(
            "the square matrix of the lesson",
            call("error_to_previous", SQUARE[2], DELTA3),
            gives=[-0.2731, 3.0043],
        ),
        worked(
            "the 4 × 3 matrix of the lesson",
            call("error_to_previous", NET1[1][0], DELTA2),
            gives=[1.1494, -0.3001, -0.7649],
        ),
        edge("one receiver", call("error_to_previous", NET1[1][0][:1], np.array([-0.7]))),
        edge("one sender", call("error_to_previous", NET1[1][0][:, :1], DELTA2)),
        edge(
            "one receiver and one sender",
            call("error_to_previous", np.array([[1.7]]), np.array([0.3])),
        ),
        edge("δ = 0", call("error_to_previous", SQUARE[2], np.zeros(2))),
        edge(
            "only one unit has an error",
            call("error_to_previous", NET1[1][0], np.array([0.0, 0.6, 0.0, 0.0])),
        ),
        edge("a matrix of rank 1", call("error_to_previous", np.outer(X1, X1 + 0.3), X1)),
        edge("large weights", call("error_to_previous", 1e8 * SQUARE[2], DELTA3)),
        edge(
            "read-only inputs",
            call("error_to_previous", View(NET1[1][0], "readonly"), View(DELTA2, "readonly")),
        ),
        edge(
            "W transposed in memory",
            call("error_to_previous", View(SQUARE[1], "fortran"), DELTA3),
        ),
        edge(
            "every second entry",
            call("error_to_previous", View(NET1[1][0], "strided"), View(DELTA2, "strided")),
        ),
    ),
    generate=error_cases,
    mistakes=(
        Mistake(
            "no-transpose",
            "the transpose forgotten",
            "W δ adds along a row: what unit i receives. Sending back, unit j collects from all "
            "units it sent to, and they stand in column j of W: e = Wᵀ δ.",
            {"error_to_previous": _no_transpose},
            gives=[-2.5491, 0.7283],
        ),
        Mistake(
            "no-transpose-shapes",
            "the transpose forgotten",
            "W δ adds along a row: what unit i receives. Sending back, unit j collects from all "
            "units it sent to, and they stand in column j of W: e = Wᵀ δ.",
            {"error_to_previous": _no_transpose},
            same_as="no-transpose",
            on="the 4 × 3 matrix of the lesson",
            gives="ValueError: matmul: Input operand 1 has a mismatch in its core dimension 0, "
            "with gufunc",
        ),
        Mistake(
            "inverse",
            "the inverse in place of the transpose",
            "Backward does not mean undoing the step. A weight of 3 transmits a change three times "
            "as strongly in both directions, so the error is multiplied by W, through Wᵀ.",
            {"error_to_previous": _inverse},
            gives=[0.3124, 0.5802],
        ),
        Mistake(
            "elementwise",
            "W * δ, entry by entry",
            "The star pairs δ with the columns of W, which belong to the senders, and adds "
            "nothing up. Each sender collects one sum over its receivers: eⱼ = Σᵢ W[i, j] δᵢ.",
            {"error_to_previous": _elementwise},
            equation="eq-error-sum",
            gives=[[-0.7283, -1.8208], [-0.4552, 1.1835]],
        ),
        Mistake(
            "not-summed",
            "the products W[i, j] δᵢ not added up",
            "These are the right products, one for each connection. Where roads meet they add: "
            "sum over the receivers i, and one number for each sender j is left.",
            {"error_to_previous": _not_summed},
            equation="eq-error-sum",
        ),
        Mistake(
            "summed-over-senders",
            "a sum over the senders",
            "The products W[i, j] δᵢ are right, but the sum runs over the wrong index: δᵢ then "
            "stays with unit i of the layer above. Add over i, and every sender j gets its share.",
            {"error_to_previous": _summed_over_senders},
            equation="eq-error-sum",
        ),
        Mistake(
            "wrong-layer",
            "another layer's matrix",
            "The error goes back over the connections that carried the signal forward: between "
            "δ⁽ᵏ⁺¹⁾ and e⁽ᵏ⁾ lies W⁽ᵏ⁺¹⁾, which arrives as W_next. Use no matrix from elsewhere.",
            {"error_to_previous": _wrong_layer},
            gives=[0.091, 2.4581],
        ),
    ),
    equivalent={"* -> (W_next.T @ delta_next.T)": VECTOR},
)

# --------------------------------------------------------------------------------------
# hidden delta (E9.2)

E1 = np.array([1.14943, -0.30012, -0.76494])
Z1 = np.array([1.7, 0.96, -2.65])
SLOPES = ("d_tanh", "d_sine", "d_softplus", "d_relu")


def delta_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield layers of several sizes with several activations, the sigmoid always among them."""
    counts = sizes(rng, 4)
    for n, slope in zip(counts, ("d_sigmoid", *rng.permutation(SLOPES)[:3].tolist()), strict=True):
        arguments = generic(rng, n), 1.5 * generic(rng, n), Fn(slope)
        yield random(f"{n} units, {slope}", call("hidden_delta", *arguments))


def _inner(e: Any, z: Any, dg: Any) -> Any:
    return np.dot(e, dg(z))


def _at_a(e: Any, z: Any, dg: Any) -> Any:
    return e * dg(mlp_lib.sigmoid(z))


def _g(e: Any, z: Any, dg: Any) -> Any:
    return e * mlp_lib.sigmoid(z)


def _e_alone(e: Any, z: Any, dg: Any) -> Any:
    return np.array(e)


def _outer(e: Any, z: Any, dg: Any) -> Any:
    return np.outer(e, dg(z))


def _at_e(e: Any, z: Any, dg: Any) -> Any:
    return e * dg(e)


def _slope_alone(e: Any, z: Any, dg: Any) -> Any:
    return dg(z)


def _z_for_a(e: Any, z: Any, dg: Any) -> Any:
    return e * z * (1 - np.asarray(z))


def _fixed_sigmoid(e: Any, z: Any, dg: Any) -> Any:
    return e * mlp_lib.d_sigmoid(z)


def _divided(e: Any, z: Any, dg: Any) -> Any:
    with np.errstate(all="ignore"):
        return e / dg(z)


def _slope_twice(e: Any, z: Any, dg: Any) -> Any:
    return e * dg(z) * dg(z)


def _added(e: Any, z: Any, dg: Any) -> Any:
    return e + dg(z)


def _times_z(e: Any, z: Any, dg: Any) -> Any:
    return e * z


def _minus_at_a(e: Any, z: Any, dg: Any) -> Any:
    return -_at_a(e, z, dg)


hidden_delta = Step(
    id="hidden-delta",
    title="Hidden delta",
    lesson="09-backprop",
    equation="eq-hidden-delta",
    points=1,
    functions=(
        Function(
            "hidden_delta(e, z, dg)",
            mlp_lib.hidden_delta,
            Array("delta", like="z", because="one δ for each pre-activation"),
        ),
    ),
    cases=(
        worked(
            "the hidden layer of the lesson",
            call("hidden_delta", E1, Z1, Fn("d_sigmoid")),
            gives=[0.1501, -0.0601, -0.0471],
        ),
        edge("one unit", call("hidden_delta", E1[:1], Z1[1:2], Fn("d_tanh"))),
        edge("no error arrives", call("hidden_delta", np.zeros(3), Z1, Fn("d_sigmoid"))),
        edge("z = 0", call("hidden_delta", E1, np.zeros(3), Fn("d_softplus"))),
        edge(
            "saturated units",
            call("hidden_delta", E1, np.array([40.0, -800.0, 800.0]), Fn("d_sigmoid")),
            quiet=True,
        ),
        edge(
            "ReLU units, two of them dead",
            call("hidden_delta", E1, np.array([-0.4, 1.3, 0.0]), Fn("d_relu")),
        ),
        edge("linear units", call("hidden_delta", E1, Z1, Fn("d_identity"))),
        edge(
            "read-only inputs",
            call("hidden_delta", View(E1, "readonly"), View(Z1, "readonly"), Fn("d_sine")),
        ),
        edge(
            "every second entry",
            call("hidden_delta", View(E1, "strided"), View(Z1, "reversed"), Fn("d_tanh")),
        ),
    ),
    generate=delta_cases,
    mistakes=(
        Mistake(
            "inner-product",
            "an inner product",
            "The inner product adds up the messages to different units. Unit j's error passes "
            "unit j's own slope and no other: δⱼ = eⱼ g′(zⱼ).",
            {"hidden_delta": _inner},
            gives=0.0429,
        ),
        Mistake(
            "outer-product",
            "an outer product",
            "The outer product sends every error through every unit's slope, but aⱼ depends on zⱼ "
            "alone. Only its diagonal has roads behind it: δⱼ = eⱼ g′(zⱼ).",
            {"hidden_delta": _outer},
            gives=[
                [0.1501, 0.2301, 0.0708],
                [-0.0392, -0.0601, -0.0185],
                [-0.0999, -0.1532, -0.0471],
            ],
        ),
        Mistake(
            "slope-at-a",
            "g′ taken at a instead of z",
            "dg is the derivative as a function of the pre-activation. The forward pass went "
            "through the curve g at z, so that is where its slope counts.",
            {"hidden_delta": _at_a},
            gives=[0.2416, -0.066, -0.191],
        ),
        Mistake(
            "g-for-slope",
            "g in place of g′",
            "g(z) says what the unit sends on. What a small change of z does to it is the slope, "
            "g′(z), and an error is a statement about small changes.",
            {"hidden_delta": _g},
            gives=[0.9719, -0.217, -0.0505],
        ),
        Mistake(
            "no-slope",
            "g′ left out",
            "e says how J reacts to a, δ how it reacts to z. Between the two lies the activation, "
            "and a change passes it with the factor g′(z).",
            {"hidden_delta": _e_alone},
            gives=[1.1494, -0.3001, -0.7649],
        ),
        Mistake(
            "no-error",
            "g′ alone, without the error",
            "The slope is only the last factor of the road. All that happened between a and the "
            "loss is in e: δ = e ⊙ g′(z).",
            {"hidden_delta": _slope_alone},
        ),
        Mistake(
            "slope-at-e",
            "g′ taken at the error",
            "The slope belongs to the point where the forward pass went through the activation, "
            "and that is z. The error e is what gets multiplied.",
            {"hidden_delta": _at_e},
        ),
        Mistake(
            "z-for-a",
            "z(1 − z) as the slope",
            "σ′ = a(1 − a) holds for the activation a = σ(z). With z in the place of a it is not a "
            "slope of anything; dg(z) is.",
            {"hidden_delta": _z_for_a},
        ),
        Mistake(
            "slope-twice",
            "g′ taken twice",
            "Between aⱼ and zⱼ lies one activation, so an error passes one slope: δ = e ⊙ g′(z). "
            "e has not met this layer's g′ yet.",
            {"hidden_delta": _slope_twice},
        ),
        Mistake(
            "added",
            "e + g′ instead of e ⊙ g′",
            "Rates along one road multiply: how J reacts to aⱼ, times how aⱼ reacts to zⱼ. Sums "
            "belong where several roads meet, and between a and z there is one.",
            {"hidden_delta": _added},
        ),
        Mistake(
            "times-z",
            "z in place of g′(z)",
            "z is the place where the slope is taken, not the slope. Call the derivative there: "
            "dg(z).",
            {"hidden_delta": _times_z},
        ),
        Mistake(
            "sign-and-a",
            "the wrong sign, and g′ taken at a",
            "Two slips: δ has the sign of e, which already says in which direction J rises, and "
            "dg wants the pre-activation z.",
            {"hidden_delta": _minus_at_a},
        ),
        Mistake(
            "dg-ignored",
            "σ′ whatever dg is",
            "The slope must belong to the activation of the forward pass: tanh units need tanh′. "
            "It arrives as the argument dg.",
            {"hidden_delta": _fixed_sigmoid},
            shows_on=("random", "edge"),
        ),
        Mistake(
            "divided",
            "division by g′",
            "Backward does not mean undoing g. A flat place of the curve transmits little in "
            "either direction, so the error is multiplied by the slope there.",
            {"hidden_delta": _divided},
        ),
    ),
)

# --------------------------------------------------------------------------------------
# the whole pass (E9.3)


def backward_call(
    params: Any, x: Any, y: Any, dg: str = "", g: Callable[[Any], Any] = mlp_lib.sigmoid
) -> Any:
    """Return the call for one example, with the cache its forward pass leaves behind."""
    _, cache = mlp_lib.mlp_forward(x, params, g=g)
    if dg:
        return call("mlp_backward", params, cache, y, dg=Fn(dg))
    return call("mlp_backward", params, cache, y)


def backward_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield nets of two and three layers, one all-square net, and three activations."""
    others = [ACTIVATIONS[i] for i in 1 + rng.permutation(len(ACTIVATIONS) - 1)[:2]]
    plans = ((2, False, ACTIVATIONS[0]), (3, False, others[0]), (3, True, others[1]))
    for L, square, (name, slope, g) in plans:
        n = layer_sizes(rng, L, square=square)
        params = column_net(rng, n, scale=0.7)
        x, y = generic(rng, n[0]), targets(rng, 1, n[-1])[0]
        title = "-".join(map(str, n)) + f", {name}"
        if name == "sigmoid":
            yield random(title, backward_call(params, x, y))
        else:
            yield random(title, backward_call(params, x, y, slope, g))


def view(tree: Tree, how: str) -> Tree:
    """Return a tree in which every array is a view."""
    if isinstance(tree, np.ndarray):
        return View(tree, how)
    if isinstance(tree, dict):
        return {key: view(item, how) for key, item in tree.items()}
    return type(tree)(view(item, how) for item in tree)


def _viewed(params: Any, x: Any, y: Any, how: str) -> Any:
    plain = backward_call(params, x, y)
    return call("mlp_backward", *(view(argument, how) for argument in plain.args))


def _backward(
    params: Any,
    cache: Any,
    y: Any,
    dg: Any,
    *,
    start: Callable[[Any, Any, Any], Any] = lambda yhat, y, z: yhat - y,
    back: Callable[[Any, int, Any], Any] = lambda Ws, k, delta: Ws[k].T @ delta,
    slope: Callable[[Any, Any, Any], Any] = lambda dg, z, a: dg(z),
    sender: Callable[[Any, int], Any] = lambda a, k: a[k],
    weight: Callable[[Any, Any], Any] = np.outer,
    bias: Callable[[Any], Any] = lambda delta: delta,
) -> Any:
    """The backward pass with one rule exchanged: what the mistakes below have in common."""
    Ws, z, a = [W for W, _ in params], cache["z"], cache["a"]
    delta = start(a[-1], y, z[-1])
    grads: list[Any] = []
    for k in reversed(range(len(Ws))):
        grads.insert(0, (weight(delta, sender(a, k)), bias(delta)))
        if k:
            delta = back(Ws, k, delta) * slope(dg, z[k - 1], a[k])
    return grads


def _slope_at_output(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, start=lambda p, y, z: (p - y) * p * (1 - p))


def _dg_at_output(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, start=lambda p, y, z: (p - y) * dg(z))


def _sign(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, start=lambda p, y, z: y - p)


def _start_at_ratio(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, start=lambda p, y, z: -y / p)


def _dw_transposed(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, weight=lambda delta, a: np.outer(a, delta))


def _no_slope(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, slope=lambda dg, z, a: 1.0)


def _slope_at_a(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, slope=lambda dg, z, a: dg(a))


def _a_for_slope(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, slope=lambda dg, z, a: a)


def _dg_ignored(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, slope=lambda dg, z, a: a * (1 - a))


def _own_activation(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, sender=lambda a, k: a[k + 1])


def _z_for_sender(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    Z = [cache["a"][0], *cache["z"]]
    return _backward(params, cache, y, dg, sender=lambda a, k: Z[k])


def _not_sent_back(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, back=lambda Ws, k, delta: Ws[k] @ delta)


def _inverse_sent(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, back=lambda Ws, k, delta: np.linalg.inv(Ws[k]) @ delta)


def _layer_below(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, back=lambda Ws, k, delta: Ws[k - 1].T @ delta)


def _delta_forgotten(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    grads: list[Any] = []
    e, delta = None, cache["a"][-1] - y
    for k in reversed(range(len(params))):
        grads.insert(0, (np.outer(delta, cache["a"][k]), delta))
        if k:
            e = params[k][0].T @ (delta if e is None else e)
            delta = e * dg(cache["z"][k - 1])
    return grads


def _sigmoid_slope(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, mlp_lib.d_sigmoid)


def _same_delta(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    delta = cache["a"][-1] - y
    return [(np.outer(delta, a), delta) for a in cache["a"][:-1]]


def _two_layers_back(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, sender=lambda a, k: a[k - 1])


def _slope_above(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    grads: list[Any] = []
    delta = cache["a"][-1] - y
    for k in reversed(range(len(params))):
        grads.insert(0, (np.outer(delta, cache["a"][k]), delta))
        if k:
            delta = params[k][0].T @ (delta * dg(cache["z"][k]))
    return grads


def _no_bias(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, bias=np.zeros_like)


def _bias_column(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg, bias=lambda delta: delta.reshape(-1, 1))


def _last_first(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(params, cache, y, dg)[::-1]


def _two_layers(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    (_, _), (W2, _) = params
    x, a1, yhat = cache["a"]
    delta2 = yhat - y
    delta1 = (W2.T @ delta2) * dg(cache["z"][0])
    return [(np.outer(delta1, x), delta1), (np.outer(delta2, a1), delta2)]


def _yhat_overwritten(params: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    def start(yhat: Any, y: Any, z: Any) -> Any:
        yhat -= y
        return yhat

    return _backward(params, cache, y, dg, start=start)


_, CACHE1 = mlp_lib.mlp_forward(X1, NET1)
ONE_LAYER = [(NET1[1][0], NET1[1][1])]
ONE_UNIT = [(NET1[0][0][:1], NET1[0][1][:1]), (NET1[1][0][:, :1], NET1[1][1])]
ONE_CLASS = [NET1[0], (NET1[1][0][:1], NET1[1][1][:1])]
A_HIDDEN = np.array([0.7, -1.6, 0.4])

mlp_backward = Step(
    id="mlp-backward",
    title="Full backward pass, one example",
    lesson="09-backprop",
    equation="eq-mlp-backward",
    points=4,
    functions=(
        Function(
            "mlp_backward(params, cache, y, dg=d_sigmoid)",
            mlp_lib.mlp_backward,
            Layers(Several(Gradient("dW", of="W"), Gradient("db", of="b"))),
            clue=column.clue,
            trace=column.stations,
        ),
    ),
    cases=(
        worked(
            "the 2-3-4 network of the lesson",
            backward_call(NET1, X1, Y1),
            gives=[
                (
                    [[0.1201, -0.3002], [-0.0481, 0.1202], [-0.0377, 0.0943]],
                    [0.1501, -0.0601, -0.0471],
                ),
                (
                    [
                        [0.318, 0.272, 0.0248],
                        [-0.7416, -0.6343, -0.0579],
                        [0.3479, 0.2976, 0.0272],
                        [0.0757, 0.0647, 0.0059],
                    ],
                    [0.3761, -0.8771, 0.4115, 0.0895],
                ),
            ],
        ),
        worked(
            "the square network of the lesson",
            backward_call(NET2, X2, Y2),
            gives=[
                ([[0.0583, -0.0437], [0.2185, -0.1639]], [0.0729, 0.2731]),
                ([[-0.0412, -0.025], [0.3408, 0.2066]], [-0.0682, 0.5647]),
                ([[-0.4656, -0.682], [0.4656, 0.682]], [-0.9104, 0.9104]),
            ],
        ),
        edge("no hidden layer", backward_call(ONE_LAYER, A_HIDDEN, Y1)),
        edge("one hidden unit", backward_call(ONE_UNIT, X1, Y1)),
        edge(
            "one class: softmax is sure, and nothing is left to learn",
            backward_call(ONE_CLASS, X1, np.array([1.0])),
        ),
        edge(
            "all weights zero",
            backward_call([(0 * W, b) for W, b in NET1], X1, Y1),
        ),
        edge(
            "dead ReLU units",
            backward_call([(NET1[0][0], NET1[0][1] - 9), NET1[1]], X1, Y1, "d_relu", mlp_lib.relu),
        ),
        edge(
            "a saturated softmax, sure and right",
            call(
                "mlp_backward",
                *backward_call(
                    [NET1[0], (400 * NET1[1][0], NET1[1][1])], X1, np.array([1.0, 0.0, 0.0, 0.0])
                ).args,
            ),
            quiet=True,
        ),
        edge("linear hidden units", backward_call(NET1, X1, Y1, "d_identity", mlp_lib.identity)),
        edge("read-only arrays", _viewed(NET1, X1, Y1, "readonly")),
        edge("matrices transposed in memory", _viewed(NET2, X2, Y2, "fortran")),
        edge("every second entry", _viewed(NET1, X1, Y1, "strided")),
    ),
    generate=backward_cases,
    mistakes=(
        Mistake(
            "slope-at-output",
            "the output error multiplied by ŷ(1 − ŷ)",
            "With softmax and cross-entropy δ = ŷ − y is already the derivative with respect to "
            "z: the slope has cancelled on the way. Multiplied once more, every gradient shrinks.",
            {"mlp_backward": _slope_at_output},
            equation="eq-output-delta-softmax",
            gives=[[0.0228, -0.057], [-0.0059, 0.0147], [-0.0054, 0.0135]],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "dg-at-output",
            "the hidden slope g′ at the output too",
            "e ⊙ g′(z) holds where each aⱼ depends on its own zⱼ. Softmax outputs depend on all "
            "scores, and ŷ − y has taken that into account: the sweep starts with δ = ŷ − y.",
            {"mlp_backward": _dg_at_output},
            equation="eq-output-delta-softmax",
        ),
        Mistake(
            "start-at-dJ-dyhat",
            "the sweep started with ∂J/∂ŷ = −y/ŷ",
            "That is how J reacts to ŷ; δ says how it reacts to z. The way through softmax lies "
            "between them, and both together give ŷ − y.",
            {"mlp_backward": _start_at_ratio},
            equation="eq-output-delta-softmax",
        ),
        Mistake(
            "sign",
            "y − ŷ at the output",
            "δ is ∂J/∂z = ŷ − y: raising the score of a class that is too likely raises the loss. "
            "With the sign turned, W − α dW climbs.",
            {"mlp_backward": _sign},
            equation="eq-output-delta-softmax",
            gives=[[-0.1201, 0.3002], [0.0481, -0.1202], [0.0377, -0.0943]],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "dw-transposed",
            "dW transposed",
            "W[to, from] has a row for each receiver, and so has its gradient: δ, the error of "
            "the receivers, runs down the side, dW = δ aᵀ.",
            {"mlp_backward": _dw_transposed},
            equation="eq-weight-gradient",
            gives=[[0.1201, -0.0481, -0.0377], [-0.3002, 0.1202, 0.0943]],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "no-slope",
            "g′ left out in the hidden layers",
            "Wᵀ δ is e = ∂J/∂a. Before it meets the weights of its layer it has to pass the "
            "activation: δ = e ⊙ g′(z).",
            {"mlp_backward": _no_slope},
            equation="eq-hidden-delta",
            gives=[[0.9195, -2.2989], [-0.2401, 0.6002], [-0.612, 1.5299]],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "slope-at-a",
            "g′ taken at a instead of z",
            "dg is a function of the pre-activation, and the cache has kept z for this purpose. "
            "At a it is the slope of some other place of the curve.",
            {"mlp_backward": _slope_at_a},
            equation="eq-hidden-delta",
        ),
        Mistake(
            "a-for-slope",
            "the activation in place of its slope",
            "A change of z passes the unit with the factor g′(z), the slope. How large a is does "
            "not matter there; it matters for the weights that leave the unit.",
            {"mlp_backward": _a_for_slope},
            equation="eq-hidden-delta",
        ),
        Mistake(
            "dg-ignored",
            "a(1 − a) whatever dg is",
            "a(1 − a) is the slope of the sigmoid. The network may be made of other units; their "
            "slope arrives as dg, and is taken at z.",
            {"mlp_backward": _dg_ignored},
            equation="eq-hidden-delta",
            shows_on=("random", "edge"),
        ),
        Mistake(
            "own-activation",
            "the activation of the layer itself in dW",
            "W⁽ˡ⁾ multiplies a⁽ˡ⁻¹⁾, so its gradient is error of the receiver times activation of "
            "the sender: dW⁽ˡ⁾ = δ⁽ˡ⁾ a⁽ˡ⁻¹⁾ᵀ. For the first layer the sender is x.",
            {"mlp_backward": _own_activation},
            equation="eq-weight-gradient",
            gives=[
                [0.1269, 0.1086, 0.0099],
                [-0.0508, -0.0435, -0.004],
                [-0.0399, -0.0341, -0.0031],
            ],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "z-for-sender",
            "the pre-activation of the sender in dW",
            "What the layer before sent is a = g(z), and the weight multiplies that. z is needed "
            "for the slopes, a for the weights.",
            {"mlp_backward": _z_for_sender},
            equation="eq-weight-gradient",
        ),
        Mistake(
            "no-transpose",
            "W δ in place of Wᵀ δ",
            "Unit j wants to know what it has caused, and it has caused something wherever it "
            "sent something: in column j of W. On a square layer W δ runs and is wrong.",
            {"mlp_backward": _not_sent_back},
            equation="eq-error-to-previous",
            on="the square network of the lesson",
            gives=[[-0.0793, 0.0595], [-0.0201, 0.0151]],
            of="dW⁽¹⁾",
        ),
        Mistake(
            "inverse",
            "the inverse in place of the transpose",
            "Backward does not mean undoing the step. How strongly a weight transmits a change is "
            "the weight itself, in both directions: e = Wᵀ δ.",
            {"mlp_backward": _inverse_sent},
            equation="eq-error-to-previous",
        ),
        Mistake(
            "layer-below",
            "the matrix of the layer below",
            "From δ⁽ˡ⁾ to e⁽ˡ⁻¹⁾ the error goes over the connections between these two layers, "
            "W⁽ˡ⁾: the matrix whose gradient you have just computed.",
            {"mlp_backward": _layer_below},
            equation="eq-error-to-previous",
        ),
        Mistake(
            "e-sent-on",
            "e sent on in place of δ",
            "Each layer sends back its δ, after g′ has been multiplied in. If e goes on instead, "
            "the slope of that layer is missing everywhere below.",
            {"mlp_backward": _delta_forgotten},
            equation="eq-error-to-previous",
        ),
        Mistake(
            "d-sigmoid-whatever-dg-is",
            "σ′(z) whatever dg is",
            "The slope must belong to the activation of the forward pass; it arrives as the "
            "argument dg.",
            {"mlp_backward": _sigmoid_slope},
            equation="eq-hidden-delta",
            shows_on=("random", "edge"),
        ),
        Mistake(
            "never-sent-back",
            "the δ of the output in every layer",
            "Every layer has an error of its own. After the gradients of layer l are noted, its δ "
            "becomes that of the layer before: δ⁽ˡ⁻¹⁾ = (W⁽ˡ⁾ᵀ δ⁽ˡ⁾) ⊙ g′(z⁽ˡ⁻¹⁾).",
            {"mlp_backward": _same_delta},
        ),
        Mistake(
            "sender-two-back",
            "the activation of two layers before in dW",
            "cache['a'] begins with x, so it is one entry longer than cache['z'], and what layer l "
            "received is entry l − 1 counted from 0. Index −1 takes ŷ without a complaint.",
            {"mlp_backward": _two_layers_back},
            equation="eq-weight-gradient",
        ),
        Mistake(
            "slope-of-the-layer-above",
            "the slope of the layer above, before the matrix",
            "δ has passed its own activation already. First the matrix, then the slope of the "
            "units that are reached: e⁽ˡ⁻¹⁾ = W⁽ˡ⁾ᵀ δ⁽ˡ⁾, δ⁽ˡ⁻¹⁾ = e⁽ˡ⁻¹⁾ ⊙ g′(z⁽ˡ⁻¹⁾).",
            {"mlp_backward": _slope_above},
            equation="eq-hidden-delta",
        ),
        Mistake(
            "no-bias-gradient",
            "db left at zero",
            "z = W a + b moves one to one with b, so ∂J/∂b = ∂J/∂z = δ. With zero, the biases stay "
            "where they started.",
            {"mlp_backward": _no_bias},
            equation="eq-weight-gradient",
        ),
        Mistake(
            "bias-as-column",
            "db as a matrix with one column",
            "b has shape (n,), and a gradient has the shape of its variable. b − α db with a "
            "column would quietly broadcast to an n × n matrix.",
            {"mlp_backward": _bias_column},
            equation="eq-weight-gradient",
        ),
        Mistake(
            "last-first",
            "gradients in the order in which they are computed",
            "You walk from the output to the input, but the first entry of the list belongs to "
            "the first layer, like the first entry of params.",
            {"mlp_backward": _last_first},
        ),
        Mistake(
            "two-layers-only",
            "a pass that is written out for two layers",
            "The two lines for e and δ repeat: once for every layer that has a layer before it. "
            "The number of layers is len(params).",
            {"mlp_backward": _two_layers},
        ),
        Mistake(
            "yhat-overwritten",
            "ŷ overwritten in the cache",
            "The numbers are right, but the forward pass is lost: cache['a'][-1] now holds δ. "
            "The backward pass only reads; compute ŷ − y into a new array.",
            {"mlp_backward": _yhat_overwritten},
            equation="eq-output-delta-softmax",
        ),
    ),
    equivalent={
        "* -> (W_next.T @ delta_next.T)": VECTOR,
    },
)

# --------------------------------------------------------------------------------------
# the sum over paths (E9.4)

_DRAWN = np.random.default_rng(1)
ROADS: dict[str, Any] = {
    "W": [_DRAWN.normal(size=shape).T for shape in ((2, 2), (2, 2), (2, 1))],
    "x": np.array([0.5, -1.2]),
    "t": 1.0,
}


def roads_walked(answer: Answer) -> str | None:
    """Say which roads were walked, when the answer is a sum over some of them."""
    if alike(answer.value, answer.expected):
        return None
    net, weight = answer.args["net"], answer.args["weight"]
    products, roads = path_products(net, weight), mlp_lib.paths(net, weight)
    n, value = len(roads), answer.value
    if n == 1 or n > 12 or np.ndim(value) or not isinstance(value, float | np.ndarray):
        return None
    walked = np.arange(1, 2**n - 1)[:, None] >> np.arange(n) & 1  # every choice of some roads
    walked = walked[np.isclose(walked @ products, value, rtol=1e-6, atol=1e-9)]
    for some in sorted(walked, key=np.sum):
        if alike(value, some @ products):
            missing = [road for road, there in zip(roads, some, strict=True) if not there]
            through = " → ".join(map(str, missing[0]))
            return (
                f"Your number is the sum over {some.sum()} of the {n} roads; missing is "
                f"{'for instance ' if len(missing) > 1 else ''}the one through the units "
                f"{through} (layer {weight[0]} to the output)."
            )
    return None


def path_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield deep and shallow nets, a square one, and weights of the first and of later layers."""
    inputs, first, second, third = sizes(rng, 4, low=2, high=5)
    side = int(rng.integers(2, 4))
    plans = (
        ([inputs, first, second, 1], 1),
        ([inputs, first, second, third, 1], 1),
        ([inputs, first, second, third, 1], 2),
        ([side, side, side, 1], 1),
    )
    for n, layer in plans:
        W = [0.8 * generic(rng, to, of) for of, to in pairwise(n)]
        unit = int(rng.integers(1, n[layer] + 1))
        origin = 1 + unit % n[layer - 1]  # another number than `unit`, or 1
        net = {"W": W, "x": generic(rng, n[0]), "t": float(rng.uniform(0.1, 0.9))}
        weight = (layer, unit, origin)
        yield random(
            "-".join(map(str, n)) + f", weight {weight}", call("path_gradient", net, weight)
        )


def _pass(net: Any) -> tuple[Any, Any]:
    a, z = [np.asarray(net["x"])], []
    for W in net["W"]:
        z.append(W @ a[-1])
        a.append(mlp_lib.sigmoid(z[-1]))
    return z, a


def _sum_over_paths(
    net: Any,
    weight: Any,
    *,
    outgoing: Callable[[Any, int, int, int], Any] = lambda W, hop, to, of: W[to, of],
    slope: Callable[[Any, Any, bool], Any] = lambda z, a, last: a * (1 - a),
    sender: Callable[[Any], Any] = lambda a: a,
    error: Callable[[Any, Any], Any] = lambda yhat, t: yhat - t,
) -> list[float]:
    """What every path contributes, with one factor exchanged."""
    layer, _, origin = weight
    z, a = _pass(net)
    L = len(net["W"])
    products = []
    for path in mlp_lib.paths(net, weight):
        factors = [sender(a[layer - 1][origin - 1]), error(a[-1][0], net["t"])]
        for k, unit in enumerate(path, layer):
            factors.append(slope(z[k - 1][unit - 1], a[k][unit - 1], k == L))
        for hop, (unit, after) in enumerate(pairwise(path)):
            factors.append(outgoing(net["W"][layer + hop], hop, after - 1, unit - 1))
        products.append(float(prod(factors)))
    return products


def _first_path(net: Any, weight: Any) -> Any:
    return path_products(net, weight)[0]


def _multiplied(net: Any, weight: Any) -> Any:
    return prod(path_products(net, weight))


def _literal(net: Any, weight: Any) -> Any:
    products = zip(path_products(net, weight), mlp_lib.paths(net, weight), strict=True)
    return sum(product for product, path in products if all(unit == 1 for unit in path[1:]))


def _half_corrected(net: Any, weight: Any) -> Any:
    def outgoing(W: Any, hop: int, to: int, of: int) -> Any:
        return W[to, 0 if hop else of]

    return sum(_sum_over_paths(net, weight, outgoing=outgoing))


def _averaged(net: Any, weight: Any) -> Any:
    return float(np.mean(path_products(net, weight)))


def _no_sender(net: Any, weight: Any) -> Any:
    return sum(_sum_over_paths(net, weight, sender=lambda a: 1.0))


def _no_output_slope(net: Any, weight: Any) -> Any:
    return sum(_sum_over_paths(net, weight, slope=lambda z, a, last: 1.0 if last else a * (1 - a)))


def _turned(net: Any, weight: Any) -> Any:
    return sum(_sum_over_paths(net, weight, error=lambda yhat, t: t - yhat))


def _slopes_at_a(net: Any, weight: Any) -> Any:
    return sum(_sum_over_paths(net, weight, slope=lambda z, a, last: mlp_lib.d_sigmoid(a)))


def _matrix(net: Any, layer: int) -> Any:
    """The whole gradient of one layer's matrix."""
    _, a = _pass(net)
    delta = (a[-1] - net["t"]) * a[-1] * (1 - a[-1])
    for k in reversed(range(layer, len(net["W"]))):
        delta = (net["W"][k].T @ delta) * a[k] * (1 - a[k])
    return np.outer(delta, a[layer - 1])


def _swapped(net: Any, weight: Any) -> Any:
    layer, to, origin = weight
    return _matrix(net, layer)[origin - 1, to - 1]


def _from_zero(net: Any, weight: Any) -> Any:
    layer, to, origin = weight
    return _matrix(net, layer)[to, origin]


path_gradient = Step(
    id="path-gradient",
    title="Sum over paths",
    lesson="09-backprop",
    equation="eq-path-sum",
    points=2,
    functions=(
        Function(
            "path_gradient(net, weight)",
            mlp_lib.path_gradient,
            Number("dJ/dw"),
            rules=(roads_walked,),
        ),
    ),
    cases=(
        worked(
            "the 2-2-2-1 network of the lesson",
            call("path_gradient", ROADS, (1, 1, 1)),
            gives=-0.001355,
        ),
        edge("a weight of the second layer: one road", call("path_gradient", ROADS, (2, 1, 2))),
        edge("a weight of the last layer", call("path_gradient", ROADS, (3, 1, 2))),
        edge(
            "one layer",
            call("path_gradient", {"W": ROADS["W"][2:], "x": X1, "t": 0.25}, (1, 1, 2)),
        ),
        edge(
            "a target that is met: no error, no gradient",
            call("path_gradient", {**ROADS, "t": float(_pass(ROADS)[1][-1][0])}, (1, 2, 1)),
        ),
        edge(
            "an input of 0",
            call("path_gradient", {**ROADS, "x": np.array([0.0, -1.2])}, (1, 1, 1)),
        ),
        edge(
            "a broken connection",
            call(
                "path_gradient",
                {**ROADS, "W": [*ROADS["W"][:2], ROADS["W"][2] * np.array([[0.0, 1.7]])]},
                (1, 2, 2),
            ),
        ),
        edge(
            "read-only arrays",
            call(
                "path_gradient",
                {"W": view(ROADS["W"], "readonly"), "x": View(X1, "readonly"), "t": 0.4},
                (1, 1, 2),
            ),
        ),
        edge(
            "matrices transposed in memory",
            call("path_gradient", {**ROADS, "W": view(ROADS["W"], "fortran")}, (1, 2, 1)),
        ),
    ),
    generate=path_cases,
    mistakes=(
        Mistake(
            "first-path-only",
            "the first road only",
            "The weight moves unit 1 of its layer, and that unit sends to every unit of the next "
            "one. Each of them opens another road to the loss: where roads meet again, they add.",
            {"path_gradient": _first_path},
            gives=-0.001002,
        ),
        Mistake(
            "multiplied",
            "the roads multiplied",
            "Along a road rates multiply, because each stretch passes on the change of the one "
            "before. Two roads act side by side: their effects on J add.",
            {"path_gradient": _multiplied},
            gives=3.536e-07,
        ),
        Mistake(
            "third-term-literal",
            "roads through other units counted as zero",
            "a₁ does not depend on z₂, but nothing asks for that factor: the second road runs over "
            "a₂ and its own weight. Follow the indices unit by unit.",
            {"path_gradient": _literal},
            same_as="first-path-only",
            equation="eq-path-product",
            gives=-0.001002,
        ),
        Mistake(
            "half-corrected",
            "unit 1's outgoing weight on every road",
            "A road through unit j leaves unit j over its own weight. Slopes and weights of one "
            "road carry the indices of the same units.",
            {"path_gradient": _half_corrected},
            equation="eq-path-product",
            gives=-0.001439,
        ),
        Mistake(
            "averaged",
            "the mean of the roads",
            "Moving the weight sends the change down all roads at once, and J feels all of it: "
            "the sum, not the mean.",
            {"path_gradient": _averaged},
            gives=-0.000677,
        ),
        Mistake(
            "no-sender",
            "the activation at the beginning of the road missing",
            "The weight multiplies the activation that enters it, so z moves by a for each unit "
            "the weight moves. Every road begins with that factor, x in the first layer.",
            {"path_gradient": _no_sender},
            equation="eq-path-product",
        ),
        Mistake(
            "no-output-slope",
            "the slope of the output unit missing",
            "With squared error the road ends with two factors: ŷ − t, and σ′ of the output unit. "
            "Only with cross-entropy do they merge into ŷ − t.",
            {"path_gradient": _no_output_slope},
            equation="eq-path-product",
        ),
        Mistake(
            "sign",
            "t − ŷ at the end of the road",
            "J = ½(ŷ − t)² reacts to ŷ with ŷ − t: raising an output that is too high raises the "
            "loss.",
            {"path_gradient": _turned},
            equation="eq-path-product",
        ),
        Mistake(
            "slope-at-a",
            "σ′ taken at a instead of z",
            "The slope of a unit is taken where it stood before it was bent, at z. In terms of "
            "a = σ(z) the same number is a(1 − a).",
            {"path_gradient": _slopes_at_a},
            equation="eq-path-product",
        ),
        Mistake(
            "to-from-swapped",
            "to and from exchanged",
            "weight = (layer, to, from), as in W[to, from]: the first unit receives, the second "
            "one sends. The road begins at the sender and goes on from the receiver.",
            {"path_gradient": _swapped},
            equation="eq-path-product",
        ),
        Mistake(
            "counted-from-zero",
            "units counted from 0",
            "The units of weight = (layer, to, from) are numbered from 1, as in w⁽¹⁾₁₁; Python's "
            "indices are one less.",
            {"path_gradient": _from_zero},
            equation="eq-path-product",
        ),
    ),
    equivalent={
        "mlp_forward: W @ a[-1] + b -> *": "the networks of this step have no biases: b = 0",
        "mlp_forward: W @ a[-1] -> (W @ a[-1].T)": VECTOR,
        "mlp_forward: len(*": "hidden units and output are both sigmoid units here",
        "path_products: np.asarray(W) -> W": "every W is an array already",
        "path_products: path[-1] - 1 -> (1 - path[-1])": ONE_OUTPUT,
        "path_products: 1 -> 2 (10)": ONE_OUTPUT,
    },
)

STEPS = (error_to_previous, hidden_delta, mlp_backward, path_gradient)
