# ruff: noqa: ARG001 - a wrong implementation may well ignore an argument
"""Lesson 7: activation functions and their derivatives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import mlp_lib
from autograder.engine.generators import generic, sizes
from autograder.engine.step import (
    Array,
    Case,
    Function,
    Mistake,
    Step,
    call,
    edge,
    random,
    worked,
)
from autograder.inside.runner import View

SAME = "an activation works entry by entry"
FIVE = np.array([-2.0, -0.5, 0.0, 0.5, 2.0])
FOUR = np.array([-2.0, -0.5, 0.5, 2.0])
WIDE = np.linspace(-30, 30, 25)
WHOLE = np.array([-3, 2, 5])
COMPLEX = "only complex input, as in the complex step of lesson 11, comes this way"
REFUSE = ("TypeError", "ValueError")


def _layouts(name: str) -> tuple[Case, ...]:
    """The edge cases that every function of this lesson has."""
    grid = np.array([[-1.75, 0.6, 3.5], [0.45, -0.3, -4.2]])
    return (
        edge(f"{name}: one number", call(name, np.array(-0.7))),
        edge(f"{name}: from −30 to 30", call(name, WIDE)),
        edge(f"{name}: read-only, transposed in memory", call(name, View(grid, "fortran"))),
        edge(f"{name}: every second entry", call(name, View(grid, "strided"))),
        edge(f"{name}: read-only", call(name, View(FOUR, "readonly"))),
        edge(f"{name}: whole numbers", call(name, WHOLE), may_raise=REFUSE),
    )


def _drawn(rng: np.random.Generator, name: str) -> Iterator[Case]:
    """A vector, a batch and a square array of generic numbers."""
    m, n = sizes(rng, 2, low=3, high=7)
    yield random(f"{name}: {n} numbers", call(name, 2 * generic(rng, n)))
    yield random(f"{name}: {m} × {n} numbers", call(name, 2 * generic(rng, m, n)))
    yield random(f"{name}: {n} × {n} numbers", call(name, 2 * generic(rng, n, n)))


# --------------------------------------------------------------------------------------
# activations (E7.1)

FIRST = ("sigmoid", "tanh", "relu", "leaky_relu", "gelu", "identity", "step")


def activation_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield arrays of three shapes for every function, and other slopes for leaky ReLU."""
    for name in FIRST:
        yield from _drawn(rng, name)
    alpha = float(rng.uniform(0.05, 0.6))
    z = 2 * generic(rng, 5)
    yield random(f"leaky_relu: slope {alpha:.2g}", call("leaky_relu", z, alpha=alpha))


def _leaky_min(z: Any, alpha: float = 0.01) -> Any:
    return np.minimum(z, alpha * z)


def _leaky_positive(z: Any, alpha: float = 0.01) -> Any:
    return np.where(z > 0, alpha * z, z)


def _leaky_abs(z: Any, alpha: float = 0.01) -> Any:
    return np.abs(np.maximum(z, alpha * z))


def _leaky_fixed(z: Any, alpha: float = 0.01) -> Any:
    return np.maximum(z, 0.01 * z)


def _tanh_no_minus(z: Any) -> Any:
    return np.exp(z) * np.exp(-z) / (np.exp(z) + np.exp(-z))


def _gelu_clipped(z: Any) -> Any:
    return mlp_lib.gelu(np.maximum(z, 0))


def _sigmoid_naive(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def _sigmoid_branches(z: Any) -> Any:
    return np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))


def _sigmoid_sign(z: Any) -> Any:
    return mlp_lib.sigmoid(-np.asarray(z))


def _relu_abs(z: Any) -> Any:
    return np.abs(z)


def _relu_in_place(z: Any) -> Any:
    z[z < 0] = 0
    return z


def _step_at_zero(z: Any) -> Any:
    return np.where(z >= 0, 1.0, 0.0)


def _step_sign(z: Any) -> Any:
    return np.sign(z)


activations = Step(
    id="activations",
    title="Activation functions",
    lesson="07-activations",
    equation="eq-sigmoid",
    points=3.5,
    functions=(
        Function("sigmoid(z)", mlp_lib.sigmoid, Array("a", like="z", because=SAME)),
        Function("tanh(z)", mlp_lib.tanh, Array("a", like="z", because=SAME)),
        Function("relu(z)", mlp_lib.relu, Array("a", like="z", because=SAME)),
        Function(
            "leaky_relu(z, alpha=0.01)", mlp_lib.leaky_relu, Array("a", like="z", because=SAME)
        ),
        Function("gelu(z)", mlp_lib.gelu, Array("a", like="z", because=SAME)),
        Function("identity(z)", mlp_lib.identity, Array("a", like="z", because=SAME)),
        Function("step(z)", mlp_lib.activations.step, Array("a", like="z", because=SAME)),
    ),
    cases=(
        worked(
            "σ at five points", call("sigmoid", FIVE), gives=[0.1192, 0.3775, 0.5, 0.6225, 0.8808]
        ),
        worked(
            "tanh at five points", call("tanh", FIVE), gives=[-0.964, -0.4621, 0, 0.4621, 0.964]
        ),
        worked("ReLU at five points", call("relu", FIVE), gives=[0, 0, 0, 0.5, 2]),
        worked(
            "leaky ReLU at five points",
            call("leaky_relu", FIVE),
            gives=[-0.02, -0.005, 0, 0.5, 2],
        ),
        worked(
            "GELU at five points",
            call("gelu", FIVE),
            gives=[-0.0455, -0.1543, 0, 0.3457, 1.9545],
        ),
        worked("identity at five points", call("identity", FIVE), gives=[-2, -0.5, 0, 0.5, 2]),
        worked("step at four points", call("step", FOUR), gives=[0, 0, 1, 1]),
        *(case for name in FIRST for case in _layouts(name)),
        edge("σ(−1000), without a warning", call("sigmoid", np.array([-1000.0])), quiet=True),
        edge("σ(1000), without a warning", call("sigmoid", np.array([1000.0])), quiet=True),
        edge("leaky ReLU with slope 0", call("leaky_relu", FOUR, alpha=0.0)),
        edge("step at zero", call("step", np.array([0.0, -0.0, 1e-3])), gives=[0, 0, 1]),
    ),
    generate=activation_cases,
    mistakes=(
        Mistake(
            "leaky-min",
            "min instead of max in leaky ReLU",
            "With 0 ≤ α < 1 the larger of z and αz is z on the right and αz on the left. The "
            "smaller one lets almost nothing through where the unit should be active.",
            {"leaky_relu": _leaky_min},
            equation="eq-leaky-relu",
            gives=[-2, -0.5, 0, 0.005, 0.02],
        ),
        Mistake(
            "leaky-wrong-side",
            "α on the positive side of leaky ReLU",
            "The small slope α belongs to z < 0, where plain ReLU would let no gradient through; "
            "for z > 0 the unit passes z unchanged.",
            {"leaky_relu": _leaky_positive},
            equation="eq-leaky-relu",
            same_as="leaky-min",
        ),
        Mistake(
            "leaky-abs",
            "absolute value of leaky ReLU",
            "For z < 0 the output is αz, a small negative number. Without its sign the slope on "
            "the left is −α, and the error sent back through the unit points the wrong way.",
            {"leaky_relu": _leaky_abs},
            equation="eq-leaky-relu",
            gives=[0.02, 0.005, 0, 0.5, 2],
        ),
        Mistake(
            "leaky-alpha-ignored",
            "the argument alpha ignored",
            "0.01 is only the default. Whoever passes another slope, and the matching derivative "
            "in the backward pass, must get it.",
            {"leaky_relu": _leaky_fixed},
            equation="eq-leaky-relu",
        ),
        Mistake(
            "tanh-no-minus",
            "the minus of tanh lost",
            "The numerator is the difference e^z − e⁻ᶻ, not the product. The product is 1, and "
            "what remains is a bell that can send no negative activation forward.",
            {"tanh": _tanh_no_minus},
            equation="eq-tanh",
            gives=[0.1329, 0.4434, 0.5, 0.4434, 0.1329],
        ),
        Mistake(
            "gelu-clipped",
            "max(z, 0) in place of z in GELU",
            "GELU is z Φ(z) for every z, slightly negative on the left. Cutting it off there also "
            "cuts off the gradient that lets such a unit recover.",
            {"gelu": _gelu_clipped},
            equation="eq-gelu",
            gives=[0, 0, 0, 0.3457, 1.9545],
        ),
        Mistake(
            "gelu-approximated",
            "the tanh approximation of GELU",
            "This is close, within 0.0005, but the task asks for z Φ(z) with math.erf: a gradient "
            "check would find the difference between the two at once.",
            {"gelu": mlp_lib.activations.gelu_tanh},
            equation="eq-gelu-tanh",
        ),
        Mistake(
            "sigmoid-naive",
            "e⁻ᶻ for very negative z",
            "The limit is right, but e^1000 overflows on the way. For z < 0 use the equal form "
            "e^z/(1 + e^z), so that no power is ever positive.",
            {"sigmoid": _sigmoid_naive},
            equation="eq-sigmoid",
            shows_on=("edge",),
            on="σ(−1000), without a warning",
            gives=[0],
        ),
        Mistake(
            "sigmoid-both-branches",
            "both forms of σ computed everywhere",
            "np.where computes both of its branches for every entry and then chooses, so the "
            "overflow still happens. Choose the exponent first, −|z|, and take one power of it.",
            {"sigmoid": _sigmoid_branches},
            equation="eq-sigmoid",
            shows_on=("edge",),
        ),
        Mistake(
            "sigmoid-sign",
            "σ(−z): the minus in the exponent lost",
            "σ(z) = 1/(1 + e⁻ᶻ) rises with z. Without the minus it falls, and every slope in the "
            "backward pass has the wrong sign.",
            {"sigmoid": _sigmoid_sign},
            equation="eq-sigmoid",
        ),
        Mistake(
            "relu-abs",
            "|z| in place of max(z, 0)",
            "ReLU is 0 for negative z. With |z| no unit is ever silent, and the slope on the left "
            "is −1 where the backward pass multiplies by 0.",
            {"relu": _relu_abs},
            equation="eq-relu",
        ),
        Mistake(
            "relu-in-place",
            "ReLU written into its input",
            "The backward pass needs z as it was, because relu′(z) asks for its sign. Return a "
            "new array and leave the cached z alone.",
            {"relu": _relu_in_place},
            equation="eq-relu",
        ),
        Mistake(
            "step-at-zero",
            "step(0) = 1",
            "The unit fires when z > 0, strictly. At 0 we take 0, as the gates of lesson 6 assume.",
            {"step": _step_at_zero},
            equation="eq-step",
            shows_on=("edge",),
        ),
        Mistake(
            "step-as-sign",
            "the sign function",
            "The step unit answers 0 or 1. sgn answers −1, 0 or 1 and belongs to the perceptron.",
            {"step": _step_sign},
            equation="eq-step",
        ),
    ),
    equivalent={
        "sigmoid: z.real < 0 -> z.real <= 0": "both forms of σ are ½ at 0",
        "sigmoid: 0 -> 1": "both forms of σ agree on 0 ≤ z < 1, and neither overflows there",
        "relu: z.real <= 0 -> z.real < 0": "at 0 both sides are 0",
        "leaky_relu: z.real > 0 -> z.real >= 0": "at 0 both sides are 0",
        "leaky_relu: _slope(alpha) -> alpha": "_slope only checks the range of alpha",
        "_Phi: *z.real*": COMPLEX,
        "_Phi: *1j*": COMPLEX,
        "_phi: *": COMPLEX,
    },
)

# --------------------------------------------------------------------------------------
# derivatives (E7.2)

SECOND = ("d_sigmoid", "d_tanh", "d_relu", "d_leaky_relu", "d_gelu")


def derivative_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield arrays of three shapes for every function, and other slopes for leaky ReLU."""
    for name in SECOND:
        yield from _drawn(rng, name)
    alpha = float(rng.uniform(0.05, 0.6))
    z = 2 * generic(rng, 5)
    yield random(f"d_leaky_relu: slope {alpha:.2g}", call("d_leaky_relu", z, alpha=alpha))


def _d_tanh_plus(z: Any) -> Any:
    return 1 + np.tanh(z) ** 2


def _d_tanh_of_a(z: Any) -> Any:
    return 1 - z**2


def _d_tanh_twice(z: Any) -> Any:
    return 1 - np.tanh(np.tanh(z)) ** 2


def _d_sigmoid_sign(z: Any) -> Any:
    s = mlp_lib.sigmoid(z)
    return s * (s - 1)


def _d_sigmoid_twice(z: Any) -> Any:
    return mlp_lib.d_sigmoid(mlp_lib.sigmoid(z))


def _d_sigmoid_overflow(z: Any) -> Any:
    return np.exp(-z) / (1 + np.exp(-z)) ** 2


def _d_sigmoid_of_a(z: Any) -> Any:
    return z * (1 - z)


def _d_relu_at_zero(z: Any) -> Any:
    return np.where(z >= 0, 1.0, 0.0)


def _d_relu_is_relu(z: Any) -> Any:
    return np.maximum(z, 0)


def _d_leaky_at_zero(z: Any, alpha: float = 0.01) -> Any:
    return np.where(z >= 0, 1.0, alpha)


def _d_leaky_zero(z: Any, alpha: float = 0.01) -> Any:
    return np.where(z > 0, 1.0, 0.0)


def _Phi(z: Any) -> Any:
    z = np.asarray(z, dtype=float)
    return np.where(z == 0, 0.5, mlp_lib.gelu(z) / np.where(z == 0, 1, z))


def _d_gelu_first_term(z: Any) -> Any:
    return _Phi(z)


def _d_gelu_no_z(z: Any) -> Any:
    return _Phi(z) + np.exp(-(np.asarray(z) ** 2) / 2) / np.sqrt(2 * np.pi)


SLOPE = "a slope for each entry"

derivatives = Step(
    id="activation-derivatives",
    title="Derivatives of the activations",
    lesson="07-activations",
    equation="eq-d-sigmoid",
    points=2.5,
    functions=(
        Function("d_sigmoid(z)", mlp_lib.d_sigmoid, Array("g′", like="z", because=SLOPE)),
        Function("d_tanh(z)", mlp_lib.d_tanh, Array("g′", like="z", because=SLOPE)),
        Function("d_relu(z)", mlp_lib.d_relu, Array("g′", like="z", because=SLOPE)),
        Function(
            "d_leaky_relu(z, alpha=0.01)",
            mlp_lib.d_leaky_relu,
            Array("g′", like="z", because=SLOPE),
        ),
        Function("d_gelu(z)", mlp_lib.d_gelu, Array("g′", like="z", because=SLOPE)),
    ),
    cases=(
        worked(
            "σ′ at five points", call("d_sigmoid", FIVE), gives=[0.105, 0.235, 0.25, 0.235, 0.105]
        ),
        worked(
            "tanh′ at five points", call("d_tanh", FIVE), gives=[0.0707, 0.7864, 1, 0.7864, 0.0707]
        ),
        worked("relu′ at four points", call("d_relu", FOUR), gives=[0, 0, 1, 1]),
        worked("leaky relu′ at four points", call("d_leaky_relu", FOUR), gives=[0.01, 0.01, 1, 1]),
        worked(
            "gelu′ at five points",
            call("d_gelu", FIVE),
            gives=[-0.0852, 0.1325, 0.5, 0.8675, 1.0852],
        ),
        *(case for name in SECOND for case in _layouts(name)),
        edge("relu′ at the kink", call("d_relu", FIVE), gives=[0, 0, 0, 1, 1]),
        edge("leaky relu′ at the kink", call("d_leaky_relu", FIVE), gives=[0.01, 0.01, 0.01, 1, 1]),
        edge("leaky relu′ with slope 0", call("d_leaky_relu", FOUR, alpha=0.0)),
        edge("σ′ far out", call("d_sigmoid", np.array([-800.0, 800.0])), gives=[0, 0]),
    ),
    generate=derivative_cases,
    mistakes=(
        Mistake(
            "d-tanh-plus",
            "1 + tanh² in place of 1 − tanh²",
            "A saturated tanh unit is flat, so its slope goes to 0 there. With the plus it goes to "
            "2, and the deltas of saturated units are the largest of all.",
            {"d_tanh": _d_tanh_plus},
            equation="eq-d-tanh",
            gives=[1.9293, 1.2136, 1, 1.2136, 1.9293],
        ),
        Mistake(
            "d-tanh-of-a",
            "1 − a² with z in the place of a",
            "1 − a² is right for a = tanh(z). This function is given the pre-activation z, so take "
            "tanh first.",
            {"d_tanh": _d_tanh_of_a},
            equation="eq-d-tanh",
            gives=[-3, 0.75, 1, 0.75, -3],
        ),
        Mistake(
            "d-tanh-twice",
            "tanh taken twice",
            "The argument is z and tanh′(z) = 1 − tanh²(z): one tanh. Here the slope is taken at "
            "a = tanh(z), one station too late.",
            {"d_tanh": _d_tanh_twice},
            equation="eq-d-tanh",
            gives=[0.4434, 0.8135, 1, 0.8135, 0.4434],
        ),
        Mistake(
            "d-sigmoid-sign",
            "σ(σ − 1) in place of σ(1 − σ)",
            "σ rises everywhere, so its slope is positive. With the sign turned, δ flips at every "
            "sigmoid layer and every second layer is trained uphill.",
            {"d_sigmoid": _d_sigmoid_sign},
            equation="eq-d-sigmoid",
            gives=[-0.105, -0.235, -0.25, -0.235, -0.105],
        ),
        Mistake(
            "d-sigmoid-twice",
            "σ taken twice",
            "The slope belongs to z, where the unit stood. Taken at a = σ(z) it is always near its "
            "maximum ¼ and the unit never seems to saturate.",
            {"d_sigmoid": _d_sigmoid_twice},
            equation="eq-d-sigmoid",
            gives=[0.2491, 0.2413, 0.235, 0.2273, 0.2072],
        ),
        Mistake(
            "d-sigmoid-of-a",
            "a(1 − a) with z in the place of a",
            "a(1 − a) is right for a = σ(z). This function is given the pre-activation z, so take "
            "σ first.",
            {"d_sigmoid": _d_sigmoid_of_a},
            equation="eq-d-sigmoid",
        ),
        Mistake(
            "d-sigmoid-overflow",
            "∞/∞ for very negative z",
            "e⁻ᶻ/(1 + e⁻ᶻ)² is the right formula, but far out it is ∞/∞ = nan, and a nan in one δ "
            "spreads to every layer below. σ(z)(1 − σ(z)) stays finite.",
            {"d_sigmoid": _d_sigmoid_overflow},
            equation="eq-d-sigmoid",
            shows_on=("edge",),
        ),
        Mistake(
            "d-relu-at-zero",
            "relu′(0) = 1",
            "At the kink there is no slope; the course takes 0 there, so that a unit at exactly 0 "
            "sends no error back.",
            {"d_relu": _d_relu_at_zero},
            equation="eq-d-relu",
            shows_on=("edge",),
            on="relu′ at the kink",
            gives=[0, 0, 1, 1, 1],
        ),
        Mistake(
            "d-relu-is-relu",
            "ReLU itself in place of its slope",
            "The backward pass multiplies e by the slope, which is 0 or 1: it lets an error "
            "through or stops it. The value max(z, 0) would also stretch it.",
            {"d_relu": _d_relu_is_relu},
            equation="eq-d-relu",
        ),
        Mistake(
            "d-leaky-at-zero",
            "slope 1 at the kink of leaky ReLU",
            "At 0 the course takes the slope of the left side, α: only z > 0 has slope 1.",
            {"d_leaky_relu": _d_leaky_at_zero},
            equation="eq-d-leaky-relu",
            shows_on=("edge",),
        ),
        Mistake(
            "d-leaky-zero",
            "slope 0 on the left",
            "That is plain ReLU. The leak is what lets a unit with z < 0 still send the error α e "
            "back and recover.",
            {"d_leaky_relu": _d_leaky_zero},
            equation="eq-d-leaky-relu",
        ),
        Mistake(
            "d-gelu-first-term",
            "only Φ(z): the product rule forgotten",
            "GELU is a product of z and Φ(z), and both factors depend on z. The slope has a second "
            "term, z φ(z).",
            {"d_gelu": _d_gelu_first_term},
            equation="eq-d-gelu",
        ),
        Mistake(
            "d-gelu-no-z",
            "φ(z) without its factor z",
            "In the product rule the second term is z times the derivative of Φ: Φ(z) + z φ(z).",
            {"d_gelu": _d_gelu_no_z},
            equation="eq-d-gelu",
        ),
    ),
    equivalent={
        "sigmoid: z.real < 0 -> z.real <= 0": "both forms of σ are ½ at 0",
        "sigmoid: 0 -> 1": "both forms of σ agree on 0 ≤ z < 1, and neither overflows there",
        "sigmoid: np.where(negative, e, 1) -> np.where(negative, 1, e)": (
            "σ(z) and σ(−z) trade places, and their product stays"
        ),
        "d_leaky_relu: _slope(alpha) -> alpha": "_slope only checks the range of alpha",
        "_Phi: *z.real*": COMPLEX,
        "_Phi: *1j*": COMPLEX,
    },
)

STEPS = (activations, derivatives)
