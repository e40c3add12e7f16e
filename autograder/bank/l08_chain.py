# ruff: noqa: ARG001, ARG005 - a wrong implementation may well ignore an argument
"""Lesson 8: the scalar chain, forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

import mlp_lib
from autograder.engine.compare import superscript
from autograder.engine.generators import generic
from autograder.engine.step import (
    Array,
    Case,
    Function,
    Gradient,
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

W = np.array([0.5, -1.5, 2.0])
A0, Y = 0.8, 1.0
PAIRS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("sigmoid", "d_sigmoid", mlp_lib.sigmoid),
    ("tanh", "d_tanh", mlp_lib.tanh),
    ("softplus", "d_softplus", mlp_lib.softplus),
    ("relu", "d_relu", mlp_lib.relu),
)


def _depths(rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Yield (number of layers, which activation): the default and two others, unequal depths."""
    depths = rng.permutation([2, 3, 4, 5, 6])
    others = 1 + rng.permutation(len(PAIRS) - 1)
    yield int(depths[0]), 0
    yield int(depths[1]), int(others[0])
    yield int(depths[2]), int(others[1])


# --------------------------------------------------------------------------------------
# forward (E8.1)


def forward_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield chains of several depths and activations."""
    for L, kind in _depths(rng):
        w, a0 = generic(rng, L), float(generic(rng))
        g = PAIRS[kind][0]
        if kind == 0:
            yield random(f"{L} layers", call("chain_forward", w, a0))
        else:
            yield random(f"{L} layers, {g}", call("chain_forward", w, a0, g=Fn(g)))


def forward_stations(value: Any, args: Mapping[str, Any]) -> Iterator[Quantity]:
    """List z⁽¹⁾, a⁽¹⁾, z⁽²⁾, … in the order in which they are computed."""
    z, a = np.asarray(value[0]), np.asarray(value[1])
    yield Quantity("a⁽⁰⁾", a[0], "", "a⁽⁰⁾ is the input a0", "eq-chain-forward")
    for k in range(len(z)):
        now, before = superscript(k + 1), superscript(k)
        rule = f"z{now} = w{now} a{before}"
        yield Quantity(f"z{now}", z[k], f"a{before}", rule, "eq-chain-forward")
        rule = f"a{now} = g(z{now})"
        yield Quantity(f"a{now}", a[k + 1], f"z{now}", rule, "eq-chain-forward")


def _g_before_w(w: Any, a0: Any, g: Any = mlp_lib.sigmoid) -> Any:
    z, a = [], [a0]
    for wl in w:
        z.append(g(a[-1]))
        a.append(wl * z[-1])
    return np.array(z), np.array(a)


def _linear(w: Any, a0: Any, g: Any = mlp_lib.sigmoid) -> Any:
    z = a0 * np.cumprod(w)
    return z, np.array([a0, *z[:-1], g(z[-1])])


def _reversed(w: Any, a0: Any, g: Any = mlp_lib.sigmoid) -> Any:
    return mlp_lib.chain_forward(w[::-1], a0, g)


def _a0_lost(w: Any, a0: Any, g: Any = mlp_lib.sigmoid) -> Any:
    z, a = mlp_lib.chain_forward(w, a0, g)
    return z, a[1:]


def _always_sigmoid(w: Any, a0: Any, g: Any = mlp_lib.sigmoid) -> Any:
    return mlp_lib.chain_forward(w, a0)


def _last_linear(w: Any, a0: Any, g: Any = mlp_lib.sigmoid) -> Any:
    z, a = mlp_lib.chain_forward(w, a0, g)
    return z, np.array([*a[:-1], z[-1]])


chain_forward = Step(
    id="chain-forward",
    title="Scalar chain, forward",
    lesson="08-chain",
    equation="eq-chain-forward",
    points=1,
    functions=(
        Function(
            "chain_forward(w, a0, g=sigmoid)",
            mlp_lib.chain_forward,
            Several(
                Array("z", like="w", because="one pre-activation for each layer", list_ok=True),
                Array("a", because="one for each layer, and a⁽⁰⁾ in front", list_ok=True),
            ),
            trace=forward_stations,
        ),
    ),
    cases=(
        worked(
            "the lesson's chain",
            call("chain_forward", W, A0),
            gives=([0.4, -0.898, 0.5789], [0.8, 0.5987, 0.2895, 0.6408]),
        ),
        edge("one layer", call("chain_forward", np.array([-0.7]), 1.3)),
        edge("input 0", call("chain_forward", W, 0.0)),
        edge("large weights", call("chain_forward", np.array([60.0, -45.0, 30.0]), 1.4)),
        edge("read-only weights", call("chain_forward", View(W[:2], "readonly"), 0.3)),
        edge("weights backwards in memory", call("chain_forward", View(W, "reversed"), -0.6)),
    ),
    generate=forward_cases,
    mistakes=(
        Mistake(
            "g-before-w",
            "the activation applied before the weight",
            "A layer first multiplies, z = w a, and then bends, a = g(z). In the other order z and "
            "a change roles, and g′ is later taken at the wrong place.",
            {"chain_forward": _g_before_w},
            gives=[0.8, 0.345, -0.8781, 0.5871],
            of="a",
        ),
        Mistake(
            "linear-chain",
            "z passed on instead of a",
            "The next layer receives a = g(z), not z. Without g in between, the layers collapse "
            "into one product of weights and there is no slope to send back.",
            {"chain_forward": _linear},
            gives=[0.8, 0.4, -0.6, 0.2315],
            of="a",
        ),
        Mistake(
            "weights-reversed",
            "the weights taken from the last to the first",
            "Forward means from a⁽⁰⁾ on: w⁽¹⁾ = w[0] acts first. It is the backward pass that "
            "walks the weights from the end.",
            {"chain_forward": _reversed},
            gives=[0.8, 0.832, 0.223, 0.5279],
            of="a",
        ),
        Mistake(
            "a0-not-stored",
            "a⁽⁰⁾ missing from the list",
            "a has one entry more than z: it begins with the input, which the backward pass needs, "
            "as in dw⁽¹⁾ = δ⁽¹⁾ a⁽⁰⁾.",
            {"chain_forward": _a0_lost},
            gives=[0.5987, 0.2895, 0.6408],
            of="a",
        ),
        Mistake(
            "g-ignored",
            "sigmoid whatever g is",
            "g is an argument: the same chain must run with tanh or ReLU, and the backward pass "
            "will use the derivative that belongs to it.",
            {"chain_forward": _always_sigmoid},
            shows_on=("random",),
        ),
        Mistake(
            "last-linear",
            "no activation at the last layer",
            "Every layer of this chain has its g, the last one too: ŷ = g(z⁽ᴸ⁾).",
            {"chain_forward": _last_linear},
        ),
    ),
    equivalent={
        "chain_forward: np.array(z) -> z": "a list of numbers is accepted for z",
        "chain_forward: np.array(a) -> a": "a list of numbers is accepted for a",
    },
)

# --------------------------------------------------------------------------------------
# backward (E8.2)


def _cache(w: Any, a0: float, g: Callable[[Any], Any] = mlp_lib.sigmoid) -> tuple[Any, Any]:
    return mlp_lib.chain_forward(w, a0, g)


def backward_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield chains of several depths and activations, with targets away from the output."""
    for L, kind in _depths(rng):
        name, slope, g = PAIRS[kind]
        w, a0, y = generic(rng, L), float(generic(rng)), float(generic(rng))
        if name == "relu":
            w, a0 = np.abs(w), abs(a0)  # a dead unit would make every gradient zero
        cache = _cache(w, a0, g)
        if kind == 0:
            yield random(f"{L} layers", call("chain_backward", w, cache, y))
        else:
            yield random(f"{L} layers, {name}", call("chain_backward", w, cache, y, dg=Fn(slope)))


def backward_stations(value: Any, args: Mapping[str, Any]) -> Iterator[Quantity]:
    """List e⁽ᴸ⁾, δ⁽ᴸ⁾, dw⁽ᴸ⁾, e⁽ᴸ⁻¹⁾, … from the output backwards."""
    dw, delta, e = (np.asarray(item) for item in value)
    L = len(np.asarray(args["w"]))
    equation = "eq-chain-backward"
    for k in reversed(range(L)):
        now, below, above = superscript(k + 1), superscript(k), superscript(k + 2)
        if k == L - 1:
            yield Quantity(f"e{now}", e[k], "", f"e{now} = ∂J/∂ŷ = ŷ − y", "eq-chain-delta-e")
        else:
            rule = f"e{now} = w{above} δ{above}"
            yield Quantity(f"e{now}", e[k], f"δ{above}", rule, equation)
        rule = f"δ{now} = e{now} g′(z{now})"
        yield Quantity(f"δ{now}", delta[k], f"e{now}", rule, "eq-chain-delta-e")
        rule = f"dw{now} = δ{now} a{below}"
        yield Quantity(f"dw{now}", dw[k], f"δ{now}", rule, equation)


def _backward(
    w: Any,
    cache: Any,
    y: Any,
    dg: Any,
    *,
    slope: Callable[[Any, Any, Any], Any] = lambda dg, z, a: dg(z),
    back: Callable[[Any, int, Any], Any] = lambda w, k, delta: w[k] * delta,
    start: Callable[[Any, Any], Any] = lambda yhat, y: yhat - y,
    weight: Callable[[Any, Any], Any] = lambda delta, a: delta * a[:-1],
) -> Any:
    """The backward pass with one rule exchanged: what the mistakes below have in common."""
    z, a = (np.asarray(item) for item in cache)
    delta, e = np.empty(len(z)), np.empty(len(z))
    error = start(a[-1], y)
    for k in reversed(range(len(z))):
        e[k] = error
        delta[k] = e[k] * slope(dg, z[k], a[k + 1])
        error = back(w, k, delta[k])
    return weight(delta, a), delta, e


def _next_activation(w: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(w, cache, y, dg, weight=lambda delta, a: delta * a[1:])


def _no_slope(w: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(w, cache, y, dg, slope=lambda dg, z, a: 1.0)


def _no_weight(w: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(w, cache, y, dg, back=lambda w, k, delta: delta)


def _divided(w: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(w, cache, y, dg, back=lambda w, k, delta: delta / w[k])


def _own_weight(w: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(w, cache, y, dg, back=lambda w, k, delta: w[k - 1] * delta)


def _slope_at_a(w: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(w, cache, y, dg, slope=lambda dg, z, a: dg(a))


def _no_activation(w: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(w, cache, y, dg, weight=lambda delta, a: delta.copy())


def _start_sign(w: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(w, cache, y, dg, start=lambda yhat, y: y - yhat)


def _slope_sign(w: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(w, cache, y, dg, slope=lambda dg, z, a: -dg(z))


def _dg_ignored(w: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(w, cache, y, mlp_lib.d_sigmoid)


def _error_sent_on(w: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    z, a = (np.asarray(item) for item in cache)
    e = np.empty(len(z))
    e[-1] = a[-1] - y
    for k in reversed(range(1, len(z))):
        e[k - 1] = w[k] * e[k]
    delta = e * dg(z)
    return delta * a[:-1], delta, e


def _slope_at_incoming(w: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    a = np.asarray(cache[1])
    return _backward(w, (dg(a[:-1]), a), y, None, slope=lambda dg, slope, a: slope)


def _error_below(w: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    dw, delta, _ = _backward(w, cache, y, dg)
    return dw, delta, np.asarray(w) * delta


def _slope_and_start(w: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return _backward(w, cache, y, dg, slope=lambda dg, z, a: dg(a), start=lambda yhat, y: y - yhat)


def _first_layer_first(w: Any, cache: Any, y: Any, dg: Any = mlp_lib.d_sigmoid) -> Any:
    return tuple(item[::-1].copy() for item in mlp_lib.chain_backward(w, cache, y, dg))


chain_backward = Step(
    id="chain-backward",
    title="Scalar chain, backward",
    lesson="08-chain",
    equation="eq-chain-backward",
    points=3,
    functions=(
        Function(
            "chain_backward(w, cache, y, dg=d_sigmoid)",
            mlp_lib.chain_backward,
            Several(
                Gradient("dw", of="w", list_ok=True),
                Array("delta", like="z", because="one error for each unit", list_ok=True),
                Array("e", like="z", because="one error for each unit", list_ok=True),
            ),
            parts="outputs",
            trace=backward_stations,
        ),
    ),
    cases=(
        worked(
            "the lesson's chain",
            call("chain_backward", W, _cache(W, A0), Y),
            gives=(
                [0.0098, -0.0204, -0.0239],
                [0.0123, -0.034, -0.0827],
                [0.051, -0.1653, -0.3592],
            ),
        ),
        edge("one layer", call("chain_backward", W[:1], _cache(W[:1], 1.3), -0.4)),
        edge("input 0", call("chain_backward", W, _cache(W, 0.0), 0.35)),
        edge("target already met", call("chain_backward", W, _cache(W, A0), _cache(W, A0)[1][-1])),
        edge(
            "read-only weights",
            call("chain_backward", View(W[:2], "readonly"), _cache(W[:2], 0.3), 0.6),
        ),
        edge(
            "weights backwards in memory",
            call("chain_backward", View(W, "reversed"), _cache(W, -0.6), 0.2),
        ),
        edge(
            "the cache as a list",
            call("chain_backward", W, list(_cache(W, -1.2)), 0.45),
        ),
    ),
    generate=backward_cases,
    mistakes=(
        Mistake(
            "next-activation",
            "the activation of the layer itself in dw",
            "w⁽ˡ⁾ multiplies a⁽ˡ⁻¹⁾, so that is the factor in its gradient: dw⁽ˡ⁾ = δ⁽ˡ⁾ a⁽ˡ⁻¹⁾. "
            "What comes out of the layer plays no part.",
            {"chain_backward": _next_activation},
            gives=[0.00734, -0.00984, -0.05298],
            of="dw",
        ),
        Mistake(
            "no-slope",
            "g′ left out",
            "Between e (after the activation) and δ (before it) lies the activation itself, and a "
            "change passes it with the factor g′(z): δ⁽ˡ⁾ = e⁽ˡ⁾ g′(z⁽ˡ⁾).",
            {"chain_backward": _no_slope},
            equation="eq-chain-delta-e",
            gives=[0.86204, -0.43008, -0.10397],
            of="dw",
        ),
        Mistake(
            "no-weight",
            "the weight left out on the way back",
            "a⁽ˡ⁻¹⁾ reaches the loss through w⁽ˡ⁾, so the error coming back is weighted by it: "
            "e⁽ˡ⁻¹⁾ = w⁽ˡ⁾ δ⁽ˡ⁾.",
            {"chain_backward": _no_weight},
            gives=[-0.00327, -0.01018, -0.02393],
            of="dw",
        ),
        Mistake(
            "divided-by-w",
            "division by the weight",
            "Backward does not mean inverse. The change of z caused by a change of a is w times "
            "as large, in whichever direction you read the chain, so the error is multiplied by w.",
            {"chain_backward": _divided},
            gives=[0.00109, -0.00509, -0.02393],
            of="dw",
        ),
        Mistake(
            "own-weight",
            "the weight of the layer below",
            "The error travels back over the connection that carried the activation forward: from "
            "δ⁽ˡ⁺¹⁾ to e⁽ˡ⁾ it is w⁽ˡ⁺¹⁾, not w⁽ˡ⁾.",
            {"chain_backward": _own_weight},
            gives=[0.00245, 0.01527, -0.02393],
            of="dw",
        ),
        Mistake(
            "slope-at-a",
            "g′ taken at a instead of z",
            "dg is a function of the pre-activation. The slope belongs to the place where the unit "
            "stood before it was bent, z⁽ˡ⁾.",
            {"chain_backward": _slope_at_a},
            equation="eq-chain-delta-e",
            gives=[0.01092, -0.0238, -0.0235],
            of="dw",
        ),
        Mistake(
            "no-activation",
            "δ returned as dw",
            "δ says how J reacts to z. The weight moves z by a⁽ˡ⁻¹⁾ for each unit it moves itself, "
            "so dw⁽ˡ⁾ = δ⁽ˡ⁾ a⁽ˡ⁻¹⁾.",
            {"chain_backward": _no_activation},
            gives=[0.01226, -0.03401, -0.08267],
            of="dw",
        ),
        Mistake(
            "start-sign",
            "y − ŷ at the start",
            "J = ½(ŷ − y)² has the derivative ŷ − y. With the sign turned, every gradient points "
            "downhill and the update W − α dW climbs.",
            {"chain_backward": _start_sign},
            equation="eq-chain-delta-e",
            gives=[-0.0098, 0.02036, 0.02393],
            of="dw",
        ),
        Mistake(
            "slope-sign",
            "−g′ in place of g′, as in f(f − 1)",
            "Each layer turns the sign once, so the gradients come out wrong, right, wrong, … from "
            "the last layer back. The slope of the sigmoid is f(1 − f), positive.",
            {"chain_backward": _slope_sign},
            equation="eq-chain-delta-e",
            gives=[-0.0098, -0.02036, 0.02393],
            of="dw",
        ),
        Mistake(
            "dg-ignored",
            "σ′ whatever dg is",
            "The slope must belong to the activation of the forward pass; it arrives as the "
            "argument dg.",
            {"chain_backward": _dg_ignored},
            equation="eq-chain-delta-e",
            shows_on=("random",),
        ),
        Mistake(
            "e-sent-on",
            "e sent on in place of δ",
            "On its way to the layer below the error passes the activation first: e⁽ˡ⁻¹⁾ = w⁽ˡ⁾ "
            "δ⁽ˡ⁾. With e instead, the slope of every later layer is missing.",
            {"chain_backward": _error_sent_on},
        ),
        Mistake(
            "slope-at-incoming",
            "g′ taken at the incoming activation",
            "dg is a function of the pre-activation: δ⁽ˡ⁾ = e⁽ˡ⁾ g′(z⁽ˡ⁾). a⁽ˡ⁻¹⁾, which stands "
            "at the same index of its list as z⁽ˡ⁾, belongs into dw⁽ˡ⁾.",
            {"chain_backward": _slope_at_incoming},
            equation="eq-chain-delta-e",
        ),
        Mistake(
            "e-of-the-layer-below",
            "e one layer too far down",
            "e⁽ˡ⁾ stands behind the activation of layer l, and δ⁽ˡ⁾ is made of it. w⁽ˡ⁾ δ⁽ˡ⁾ is "
            "the next station, e⁽ˡ⁻¹⁾: note e before you move on.",
            {"chain_backward": _error_below},
            equation="eq-chain-delta-e",
        ),
        Mistake(
            "slope-at-a-and-sign",
            "y − ŷ at the start, and g′ taken at a",
            "Two things at once. J = ½(ŷ − y)² has the derivative ŷ − y; and dg is a function of "
            "the pre-activation z⁽ˡ⁾.",
            {"chain_backward": _slope_and_start},
            equation="eq-chain-delta-e",
        ),
        Mistake(
            "last-first",
            "results in the order in which they are computed",
            "You walk from the last layer to the first, but entry 0 of dw, δ and e belongs to "
            "layer 1, like entry 0 of w.",
            {"chain_backward": _first_layer_first},
        ),
    ),
    equivalent={
        "chain_backward: np.atleast_1d(w) -> w": "w is an array with one axis in every case",
    },
)

STEPS = (chain_forward, chain_backward)
