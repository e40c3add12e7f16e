# ruff: noqa: ARG001 - a wrong implementation may well ignore an argument
"""Lesson 4: the output delta, the delta rule, and the gradients of softmax regression.

Besides the comparison with the reference, every answer is held against measured slopes of a loss,
which know nothing of any formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

import mlp_lib
from autograder.engine.compare import alike, digits
from autograder.engine.generators import generic, probabilities, sizes, targets
from autograder.engine.step import (
    Answer,
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
from autograder.inside.runner import View

H = 1e-5


def slopes(J: Callable[[Any], Any], at: Any) -> Any:
    """Measure ∂J/∂x for every entry of x = at. J takes a stack of points, one loss for each."""
    h = H * np.maximum(1.0, np.abs(at)).ravel()
    steps = np.diag(h).reshape(at.size, *at.shape)
    return ((J(at + steps) - J(at - steps)) / (2 * h)).reshape(at.shape)


def measured(gradient: str, variable: str, got: Any, slope: Any) -> str | None:
    """Say where a gradient is not the slope that was measured, if it is not."""
    gap = np.abs(np.asarray(got, dtype=float) - slope)
    if gap.max(initial=0.0) <= 1e-5 * max(1.0, np.abs(slope).max(initial=0.0)):
        return None
    i = np.unravel_index(int(gap.argmax()), gap.shape)
    where = "[" + ", ".join(map(str, map(int, i))) + "]"
    return (
        f"Measured: when {variable}{where} moves a little, the loss changes {digits(slope[i])} "
        f"times as much; your {gradient}{where} says {digits(np.asarray(got)[i])}."
    )


def _log_sum_exp(Z: Any) -> Any:
    top = Z.max(axis=-1, keepdims=True)
    return (top + np.log(np.exp(Z - top).sum(axis=-1, keepdims=True)))[..., 0]


# --------------------------------------------------------------------------------------
# output-delta (E4.1)

LESSON_Z, LESSON_Y = np.array([1.0, 3.0, -4.0]), np.array([0.0, 1.0, 0.0])
LESSON_P = mlp_lib.softmax(LESSON_Z)
SURE = mlp_lib.sigmoid(np.array([2.5]))
PAIRS = (("half_sse", "identity"), ("half_sse", "sigmoid"), ("bce", "sigmoid"), ("cce", "softmax"))


def loss_of_scores(z: Any, y: Any, loss: str, activation: str) -> Any:
    """Return J(g(z)) for a stack of score vectors z, by way of the scores alone."""
    if loss == "cce":
        return _log_sum_exp(z) * y.sum() - (y * z).sum(axis=-1)
    if loss == "bce":
        return (np.logaddexp(0, z) - y * z).sum(axis=-1)
    yhat = z if activation == "identity" else mlp_lib.sigmoid(z)
    return ((yhat - y) ** 2).sum(axis=-1) / 2


def delta_is_a_slope(answer: Answer) -> str | None:
    """Measure ∂J/∂z at the scores that give ŷ."""
    yhat, y = np.asarray(answer.args["yhat"]), np.asarray(answer.args["y"])
    loss, activation = answer.args["loss"], answer.args["activation"]
    with np.errstate(divide="ignore"):
        z = yhat if activation == "identity" else np.log(yhat)
        z = z - np.log(1 - yhat) if activation == "sigmoid" else z
    if not np.isfinite(z).all():  # a saturated unit has no finite score
        return None
    slope = slopes(lambda stack: loss_of_scores(stack, y, loss, activation), z)
    return measured("δ", "z", answer.value, slope)


def _outputs(rng: np.random.Generator, n: int, loss: str, activation: str) -> tuple[Any, Any]:
    """Return predictions and targets that fit a pair."""
    if activation == "softmax":
        return probabilities(rng, 1, n)[0], targets(rng, 1, n)[0]
    if activation == "identity":
        return generic(rng, n), generic(rng, n)
    y = (rng.random(n) < 0.5).astype(float)
    y[0], y[-1] = 1.0, 0.0
    return rng.uniform(0.05, 0.95, n), y


def output_delta_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield every pair, with a number of outputs of its own."""
    for (loss, activation), n in zip(PAIRS, sizes(rng, 4, low=2, high=7), strict=True):
        yhat, y = _outputs(rng, n, loss, activation)
        name = f"{loss} with {activation}, {n} outputs"
        yield random(name, call("output_delta", yhat, y, loss, activation))


def _residual(yhat: Any, y: Any) -> Any:
    return np.asarray(yhat) - np.asarray(y)


def _slope_of(yhat: Any) -> Any:
    """σ′(z) by way of ŷ = σ(z)."""
    return np.asarray(yhat) * (1 - np.asarray(yhat))


def _delta_sign(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    return -mlp_lib.output_delta(yhat, y, loss, activation)


def _slope_at_softmax(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    delta = mlp_lib.output_delta(yhat, y, loss, activation)
    return delta * _slope_of(yhat) if activation == "softmax" else delta


def _slope_at_bce(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    delta = mlp_lib.output_delta(yhat, y, loss, activation)
    return delta * _slope_of(yhat) if loss == "bce" else delta


def _slope_everywhere(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    delta = mlp_lib.output_delta(yhat, y, loss, activation)
    return delta * _slope_of(yhat) if loss != "half_sse" else delta


def _error(yhat: Any, y: Any, loss: str) -> Any:
    """e = ∂J/∂ŷ."""
    with np.errstate(all="ignore"):
        if loss == "cce":
            return -np.asarray(y) / np.asarray(yhat)
        if loss == "bce":
            return (1 - np.asarray(y)) / (1 - np.asarray(yhat)) - np.asarray(y) / np.asarray(yhat)
        return _residual(yhat, y)


def _diagonal(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    delta = mlp_lib.output_delta(yhat, y, loss, activation)
    return _error(yhat, y, loss) * _slope_of(yhat) if activation == "softmax" else delta


def _error_at_softmax(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    delta = mlp_lib.output_delta(yhat, y, loss, activation)
    return _error(yhat, y, loss) if activation == "softmax" else delta


def _error_everywhere(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    mlp_lib.output_delta(yhat, y, loss, activation)
    return _error(yhat, y, loss)


def _no_slope(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    mlp_lib.output_delta(yhat, y, loss, activation)
    return _residual(yhat, y)


def _slope_sign(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    delta = mlp_lib.output_delta(yhat, y, loss, activation)
    return -delta if (loss, activation) == ("half_sse", "sigmoid") else delta


def _slope_exchanged(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    delta = mlp_lib.output_delta(yhat, y, loss, activation)
    if activation != "sigmoid":
        return delta
    slope = yhat * (1 - yhat)
    return _residual(yhat, y) * (slope if loss == "bce" else 1.0)


def _slope_at_a(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    delta = mlp_lib.output_delta(yhat, y, loss, activation)
    if (loss, activation) == ("half_sse", "sigmoid"):
        return _residual(yhat, y) * mlp_lib.d_sigmoid(yhat)
    return delta


def _doubled(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    delta = mlp_lib.output_delta(yhat, y, loss, activation)
    return 2 * delta if loss == "half_sse" else delta


def _mean_of_outputs(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    delta = mlp_lib.output_delta(yhat, y, loss, activation)
    return delta / delta.size if loss == "bce" else delta


def _not_cancelled(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    delta = mlp_lib.output_delta(yhat, y, loss, activation)
    with np.errstate(all="ignore"):
        return _error(yhat, y, loss) * _slope_of(yhat) if loss == "bce" else delta


def _jacobian_not_cancelled(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    delta = mlp_lib.output_delta(yhat, y, loss, activation)
    if activation != "softmax":
        return delta
    with np.errstate(all="ignore"):
        return (np.diag(yhat) - np.outer(yhat, yhat)) @ _error(yhat, y, loss)


def _any_pair(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    if (loss, activation) == ("half_sse", "sigmoid"):
        return _residual(yhat, y) * _slope_of(yhat)
    return _residual(yhat, y)


def _always_the_residual(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    return _residual(yhat, y)


def _general_recipe(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    mlp_lib.output_delta(yhat, y, loss, activation)
    slope = 1.0 if activation == "identity" else _slope_of(yhat)
    with np.errstate(all="ignore"):
        return _error(yhat, y, loss) * slope


def _none_for_others(yhat: Any, y: Any, loss: str, activation: str) -> Any:
    if (loss, activation) in PAIRS:
        return mlp_lib.output_delta(yhat, y, loss, activation)
    return None


VALUE_ERROR = ("ValueError",)
TWO_P, TWO_Y = np.array([0.3, 0.7]), np.array([0.0, 1.0])

output_delta = Step(
    id="output-delta",
    title="Output delta",
    lesson="04-output-delta",
    equation="eq-output-delta",
    points=2,
    functions=(
        Function(
            "output_delta(yhat, y, loss, activation)",
            mlp_lib.output_delta,
            Array("δ", like="yhat", because="one δ = ∂J/∂z for each output"),
            rules=(delta_is_a_slope,),
        ),
    ),
    cases=(
        worked(
            "cat, dog and horse: cce with softmax",
            call("output_delta", LESSON_P, LESSON_Y, "cce", "softmax"),
            gives=[0.1191, -0.1199, 0.0008],
        ),
        worked(
            "z = 2.5, y = 0: half_sse with sigmoid",
            call("output_delta", SURE, np.zeros(1), "half_sse", "sigmoid"),
            gives=[0.0648],
        ),
        worked(
            "z = 2.5, y = 0: bce with sigmoid",
            call("output_delta", SURE, np.zeros(1), "bce", "sigmoid"),
            gives=[0.9241],
        ),
        worked(
            "ŷ = 2, y = 1: half_sse with identity",
            call("output_delta", np.array([2.0]), np.array([1.0]), "half_sse", "identity"),
            gives=[1.0],
        ),
        edge(
            "a saturated sigmoid with bce",
            call(
                "output_delta", np.array([1.0, 0.25, 0.0]), np.array([0, 1, 1.0]), "bce", "sigmoid"
            ),
            gives=[1, -0.75, -1],
        ),
        edge(
            "a saturated sigmoid with half_sse",
            call("output_delta", np.array([1.0, 0.25]), np.array([0, 1.0]), "half_sse", "sigmoid"),
            gives=[0, -0.1406],
        ),
        edge(
            "a saturated softmax",
            call("output_delta", np.array([1.0, 0.0, 0.0]), np.eye(3)[1], "cce", "softmax"),
            gives=[1, -1, 0],
        ),
        edge("one class", call("output_delta", np.ones(1), np.ones(1), "cce", "softmax")),
        edge(
            "target already met",
            call(
                "output_delta", np.array([0.7, -1.6]), np.array([0.7, -1.6]), "half_sse", "identity"
            ),
        ),
        edge(
            "undecided between four classes",
            call("output_delta", np.full(4, 0.25), np.eye(4)[2], "cce", "softmax"),
        ),
        edge(
            "large numbers",
            call(
                "output_delta", np.array([3e6, -2e5]), np.array([1e6, 4e5]), "half_sse", "identity"
            ),
        ),
        edge(
            "read-only",
            call(
                "output_delta",
                View(LESSON_P, "readonly"),
                View(LESSON_Y, "readonly"),
                "cce",
                "softmax",
            ),
        ),
        edge(
            "stored differently",
            call(
                "output_delta",
                View(np.array([0.15, 0.6, 0.85]), "strided"),
                View(LESSON_Y, "reversed"),
                "half_sse",
                "sigmoid",
            ),
        ),
        *(
            edge(
                f"{loss} with {activation} is refused",
                call("output_delta", TWO_P, TWO_Y, loss, activation),
                raises=VALUE_ERROR,
            )
            for loss, activation in (
                ("cce", "sigmoid"),
                ("bce", "softmax"),
                ("half_sse", "softmax"),
                ("cce", "identity"),
                ("bce", "identity"),
                ("bce", "tanh"),
                ("mse", "identity"),
            )
        ),
        edge(
            "a loss nobody knows",
            call("output_delta", TWO_P, TWO_Y, "huber", "sigmoid"),
            raises=VALUE_ERROR,
        ),
    ),
    generate=output_delta_cases,
    mistakes=(
        Mistake(
            "sign",
            "y − ŷ: the sign turned",
            "δ = ∂J/∂z is positive where the output is too high. y − ŷ is the δ of texts that "
            "write w + η δ x; with the update w − α δ x it climbs.",
            {"output_delta": _delta_sign},
            gives=[-0.1191, 0.1199, -0.0008],
        ),
        Mistake(
            "slope-at-softmax",
            "a factor ŷ(1 − ŷ) behind ŷ − y at the softmax",
            "ŷ − y has passed through softmax already: its Jacobian is inside. One more slope "
            "makes every δ, and so every gradient behind it, far too small.",
            {"output_delta": _slope_at_softmax},
            equation="eq-softmax-delta",
            gives=[0.0125, -0.0127, 6.436e-07],
        ),
        Mistake(
            "slope-at-bce",
            "a factor ŷ(1 − ŷ) behind ŷ − y with bce",
            "The slope of the sigmoid has cancelled against the denominator ŷ(1 − ŷ) of ∂J/∂ŷ. "
            "Multiplied once more, a confidently wrong unit hardly learns.",
            {"output_delta": _slope_at_bce},
            on="z = 2.5, y = 0: bce with sigmoid",
            gives=[0.0648],
        ),
        Mistake(
            "slope-everywhere",
            "a factor ŷ(1 − ŷ) for bce and cce alike",
            "For matching pairs the slope of the output and the steepness of the loss have "
            "cancelled, and δ = ŷ − y is finished. Only half_sse behind a sigmoid keeps its slope.",
            {"output_delta": _slope_everywhere},
        ),
        Mistake(
            "diagonal-only",
            "the diagonal of the softmax Jacobian alone",
            "Every score moves every probability, so all roads from z to J count, not only the one "
            "through pᵢ itself. With e ⊙ p(1 − p) nobody tells the wrong classes to give way.",
            {"output_delta": _diagonal},
            equation="eq-softmax-roads",
            gives=[0, -0.1199, 0],
        ),
        Mistake(
            "error-at-softmax",
            "e = −y/ŷ returned in place of δ",
            "e = ∂J/∂ŷ is the error behind the softmax. δ = ∂J/∂z lies before it, and between the "
            "two is the Jacobian: δ = Jᵀe = ŷ − y.",
            {"output_delta": _error_at_softmax},
            equation="eq-cce-error",
            gives=[0, -1.1362, 0],
        ),
        Mistake(
            "error-everywhere",
            "e = ∂J/∂ŷ in place of δ, for every pair",
            "e says how the loss reacts to ŷ, δ how it reacts to z. Between them lies the output "
            "activation, and its slope is the factor that is missing.",
            {"output_delta": _error_everywhere},
            equation="eq-delta",
        ),
        Mistake(
            "no-slope",
            "ŷ − y for half_sse behind a sigmoid",
            "Here e = ŷ − y, and nothing cancels: δ = e ⊙ σ′(z) = (ŷ − y) ŷ(1 − ŷ). ŷ − y alone is "
            "the δ of another pair.",
            {"output_delta": _no_slope},
            on="z = 2.5, y = 0: half_sse with sigmoid",
            gives=[0.9241],
        ),
        Mistake(
            "half-sse-sigmoid",
            "half_sse with sigmoid, where the slope belongs",
            "",
            {"output_delta": mlp_lib.output_delta},
            contrast=True,
            on="z = 2.5, y = 0: half_sse with sigmoid",
            gives=[0.0648],
        ),
        Mistake(
            "slope-sign",
            "ŷ(ŷ − 1) as the slope of the sigmoid",
            "σ rises everywhere, so its slope ŷ(1 − ŷ) is positive. f(f − 1) turns the sign of δ, "
            "and the step goes uphill.",
            {"output_delta": _slope_sign},
            on="z = 2.5, y = 0: half_sse with sigmoid",
            gives=[-0.0648],
        ),
        Mistake(
            "slope-of-yhat",
            "σ′ taken at ŷ in place of z",
            "ŷ is σ(z) already, so σ′(z) is ŷ(1 − ŷ). σ′(ŷ) squashes a second time and never falls "
            "below 0.19, however saturated the unit is.",
            {"output_delta": _slope_at_a},
            on="z = 2.5, y = 0: half_sse with sigmoid",
        ),
        Mistake(
            "slope-exchanged",
            "the slope with bce, and none with half_sse",
            "Behind a sigmoid it is the cross-entropy whose 1/(ŷ(1 − ŷ)) takes the slope away. "
            "half_sse has no such denominator: there the slope stays.",
            {"output_delta": _slope_exchanged},
        ),
        Mistake(
            "two-left-over",
            "the 2 of the power rule left over",
            "The loss is ½ Σ(ŷ − y)², and its ½ takes the 2 away. With the 2 every gradient of the "
            "net would be twice as long.",
            {"output_delta": _doubled},
            equation="eq-grad-half-sse",
            on="ŷ = 2, y = 1: half_sse with identity",
            gives=[2],
        ),
        Mistake(
            "mean-of-outputs",
            "the mean over the outputs in δ",
            "For one example the binary cross-entropies of the outputs are added, so each output "
            "has δ = ŷ − y. The 1/m of a mean belongs to examples.",
            {"output_delta": _mean_of_outputs},
            shows_on=("random", "edge"),
        ),
        Mistake(
            "not-cancelled",
            "the fraction of bce computed before it cancels",
            "The formula is right, but at a saturated unit e is 1/0 and σ′ is 0, and their product "
            "nan goes on to every gradient. Cancel on paper first: δ = ŷ − y.",
            {"output_delta": _not_cancelled},
            shows_on=("edge",),
            on="a saturated sigmoid with bce",
            gives=[np.nan, -0.75, np.nan],
        ),
        Mistake(
            "jacobian-not-cancelled",
            "−y/ŷ computed before it cancels",
            "Jᵀe is the right road, but where the true class has the probability 0, e is −1/0 and "
            "its product with 0 is nan. Cancel on paper first: δ = ŷ − y.",
            {"output_delta": _jacobian_not_cancelled},
            equation="eq-softmax-delta",
            shows_on=("edge",),
            on="a saturated softmax",
            gives=[np.nan, np.nan, np.nan],
        ),
        Mistake(
            "any-pair",
            "an answer for every pair",
            "ŷ − y is ∂J/∂z for three pairs only. For the others it is some vector that no loss "
            "has as its slope, and nothing would warn you: raise a ValueError.",
            {"output_delta": _any_pair},
            shows_on=("edge",),
            on="half_sse with softmax is refused",
            gives=[0.3, -0.3],
        ),
        Mistake(
            "always-the-residual",
            "ŷ − y whatever the pair",
            "ŷ − y is what remains where loss and output belong together and a slope cancels. With "
            "half_sse behind a sigmoid σ′ stays, and other pairs have another δ: refuse them.",
            {"output_delta": _always_the_residual},
            on="z = 2.5, y = 0: half_sse with sigmoid",
            gives=[0.9241],
        ),
        Mistake(
            "general-recipe",
            "δ = e ⊙ g′ for every output, softmax too",
            "For units that depend on their own z only, e ⊙ g′(z) is right, if it is cancelled on "
            "paper before it becomes 0/0. At softmax all roads count: δ = Jᵀe = ŷ − y.",
            {"output_delta": _general_recipe},
            equation="eq-softmax-roads",
        ),
        Mistake(
            "none-for-others",
            "None for a pair without a formula",
            "A δ that is None fails only later, somewhere in the backward pass. Refuse the pair "
            "where it is chosen: raise a ValueError.",
            {"output_delta": _none_for_others},
            shows_on=("edge",),
        ),
    ),
    equivalent={
        "require_pair: *_WHY.get((loss, activation))* -> *": "another reason in the same refusal",
        'require_pair: "; ".join(*) -> *': "other words in the same refusal",
    },
)

# --------------------------------------------------------------------------------------
# weight-grad (E4.2)

DELTA, A = np.array([0.62, -0.35]), np.array([0.82, 0.73, 0.05])


def dW_is_a_slope(answer: Answer) -> str | None:
    """Measure ∂J/∂W for a linear layer from W = 0 whose residual is δ, J = ½‖W a + δ‖²."""
    delta, a = np.asarray(answer.args["delta"]), np.asarray(answer.args["a_prev"])

    def J(W: Any) -> Any:
        return ((W @ a + delta) ** 2).sum(axis=-1) / 2

    return measured("dW", "W", answer.value, slopes(J, np.zeros((delta.size, a.size))))


def weight_grad_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield more senders than receivers, fewer, and as many."""
    few, many = sorted(sizes(rng, 2, low=2, high=6))
    for n_out, n_in in ((few, many), (many, few), (many, many)):
        name = f"{n_out} outputs, {n_in} inputs"
        yield random(name, call("weight_grad", generic(rng, n_out), generic(rng, n_in)))


def _outer_transposed(delta: Any, a_prev: Any) -> Any:
    return np.outer(a_prev, delta)


def _entry_by_entry(delta: Any, a_prev: Any) -> Any:
    return delta * a_prev


def _inner(delta: Any, a_prev: Any) -> Any:
    return delta @ a_prev


def _own_side(delta: Any, a_prev: Any) -> Any:
    return np.outer(delta, delta)


def _reshaped(delta: Any, a_prev: Any) -> Any:
    return np.outer(a_prev, delta).reshape(len(delta), len(a_prev))


def _delta_repeated(delta: Any, a_prev: Any) -> Any:
    return np.repeat(np.reshape(delta, (-1, 1)), len(a_prev), axis=1)


def _activation_repeated(delta: Any, a_prev: Any) -> Any:
    return np.repeat(np.reshape(a_prev, (1, -1)), len(delta), axis=0)


def _outer_sign(delta: Any, a_prev: Any) -> Any:
    return -np.outer(delta, a_prev)


def _outer_sum(delta: Any, a_prev: Any) -> Any:
    return np.add.outer(delta, a_prev)


weight_grad = Step(
    id="weight-grad",
    title="Weight gradient by the delta rule",
    lesson="04-output-delta",
    equation="eq-delta-rule",
    points=1,
    functions=(
        Function(
            "weight_grad(delta, a_prev)",
            mlp_lib.weight_grad,
            Array("dW", because="dW has the shape of W[to, from], (n_out, n_in)"),
            rules=(dW_is_a_slope,),
        ),
    ),
    cases=(
        worked(
            "the lesson's layer",
            call("weight_grad", DELTA, A),
            gives=[[0.5084, 0.4526, 0.031], [-0.287, -0.2555, -0.0175]],
        ),
        worked(
            "two outputs, two inputs",
            call("weight_grad", DELTA, np.array([0.8, 0.7])),
            gives=[[0.496, 0.434], [-0.28, -0.245]],
        ),
        edge("one output", call("weight_grad", DELTA[1:], A)),
        edge("one input", call("weight_grad", DELTA, A[:1])),
        edge("one weight", call("weight_grad", DELTA[:1], A[1:2])),
        edge("a unit without error", call("weight_grad", np.array([0.0, 0.4, -1.3]), A[:2])),
        edge("a silent sender", call("weight_grad", DELTA, np.array([0.6, 0.0, -0.7, 1.2]))),
        edge("large numbers", call("weight_grad", 1e8 * DELTA, -3e7 * A)),
        edge("read-only", call("weight_grad", View(DELTA, "readonly"), View(A, "readonly"))),
        edge(
            "stored differently", call("weight_grad", View(DELTA, "strided"), View(A, "reversed"))
        ),
    ),
    generate=weight_grad_cases,
    mistakes=(
        Mistake(
            "transposed",
            "the transposed outer product",
            "Row i of dW belongs to receiver i, as in W[to, from]: δ is the column and a the row. "
            "a δᵀ is the gradient of Wᵀ, and for a square layer nothing warns you.",
            {"weight_grad": _outer_transposed},
            gives=[[0.5084, -0.287], [0.4526, -0.2555], [0.031, -0.0175]],
        ),
        Mistake(
            "entry-by-entry",
            "δ times a entry by entry",
            "Every sender is connected with every receiver, so every δᵢ meets every aⱼ: n_out·n_in "
            "products. Entry by entry only one weight for each unit gets a gradient.",
            {"weight_grad": _entry_by_entry},
            gives="ValueError: operands could not be broadcast together with shapes (2,) (3,)",
        ),
        Mistake(
            "entry-by-entry-square",
            "δ times a entry by entry, for equal lengths",
            "With as many inputs as outputs δ ⊙ a runs and gives a vector, the diagonal of dW. The "
            "other weights connect different units and need their products δᵢ aⱼ too.",
            {"weight_grad": _entry_by_entry},
            same_as="entry-by-entry",
            on="two outputs, two inputs",
            gives=[0.496, -0.245],
        ),
        Mistake(
            "inner-product",
            "the inner product",
            "The inner product adds everything up to one number. A gradient has the shape of its "
            "variable, one entry δᵢ aⱼ for each weight: the outer product.",
            {"weight_grad": _inner},
            gives="ValueError: matmul: Input operand 1 has a mismatch in its core dimension 0",
        ),
        Mistake(
            "own-side",
            "the receiving side twice",
            "∂zᵢ/∂wᵢⱼ is aⱼ, the activation at the sending end. δ sits at the receiving end and is "
            "only the first factor.",
            {"weight_grad": _own_side},
            gives=[[0.3844, -0.217], [-0.217, 0.1225]],
        ),
        Mistake(
            "reshaped",
            "the transpose forced into shape",
            "reshape reads the numbers of a δᵀ in another order, it does not turn rows into "
            "columns: δᵢ aⱼ lands at the weight of another pair of units.",
            {"weight_grad": _reshaped},
            gives=[[0.5084, -0.287, 0.4526], [-0.2555, 0.031, -0.0175]],
        ),
        Mistake(
            "activation-forgotten",
            "δ for every weight of a receiver",
            "A weight moves z by aⱼ for each unit it moves itself, so a silent sender's weight has "
            "no effect and no gradient. δ alone is the gradient of the bias.",
            {"weight_grad": _delta_repeated},
            gives=[[0.62, 0.62, 0.62], [-0.35, -0.35, -0.35]],
        ),
        Mistake(
            "delta-forgotten",
            "the activations for every receiver",
            "aⱼ says how z reacts to the weight. How the loss reacts to z, the δᵢ of the receiver, "
            "is the other half of the chain.",
            {"weight_grad": _activation_repeated},
            gives=[[0.82, 0.73, 0.05], [0.82, 0.73, 0.05]],
        ),
        Mistake(
            "sign",
            "the minus of the update in the gradient",
            "dW points uphill. The minus comes once, in W − α dW; a second one here makes the step "
            "climb.",
            {"weight_grad": _outer_sign},
        ),
        Mistake(
            "sums",
            "sums in place of products",
            "Along a road the rates multiply: ∂J/∂wᵢⱼ = ∂J/∂zᵢ · ∂zᵢ/∂wᵢⱼ = δᵢ aⱼ. Sums belong "
            "where several roads lead to the loss.",
            {"weight_grad": _outer_sum},
        ),
    ),
)

# --------------------------------------------------------------------------------------
# softmax-regression-grads (E4.3)

X3 = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, -1.0]])
Y3 = np.eye(3)
W23, B3 = np.zeros((2, 3)), np.zeros((1, 3))
X5 = np.array([[0.8, -2.0], [0.3, 0.7], [2.0, 0.5], [-0.4, 0.6], [1.2, -0.9]])
Y5 = np.eye(4)[[1, 0, 2, 3, 1]]
W24 = np.array([[0.6, -0.35, 1.2, 0.25], [-0.8, 0.45, 0.7, -1.4]])
B4 = np.array([[0.3, -0.6, 0.15, 0.5]])


def _dZ(args: Mapping[str, Any]) -> Any:
    X, Y, W, b = (np.asarray(args[name], dtype=float) for name in ("X", "Y", "W", "b"))
    return (mlp_lib.softmax(X @ W + b) - Y) / len(X)


def _mean_loss(args: Mapping[str, Any]) -> Callable[[Any, Any], Any]:
    """Return J(W, b), the mean cross-entropy by way of the scores, for stacks of W or of b."""
    X, Y = np.asarray(args["X"]), np.asarray(args["Y"])

    def J(W: Any, b: Any) -> Any:
        Z = X @ W + b
        return (_log_sum_exp(Z) - (Y * Z).sum(axis=-1)).mean(axis=-1)

    return J


def regression_dW_is_a_slope(answer: Answer) -> str | None:
    """Measure ∂J/∂W."""
    J, W, b = _mean_loss(answer.args), np.asarray(answer.args["W"]), np.asarray(answer.args["b"])
    return measured("dW", "W", answer.value[0], slopes(lambda W: J(W, b), W))


def regression_db_is_a_slope(answer: Answer) -> str | None:
    """Measure ∂J/∂b."""
    J, W, b = _mean_loss(answer.args), np.asarray(answer.args["W"]), np.asarray(answer.args["b"])
    return measured("db", "b", answer.value[1], slopes(lambda b: J(W, b), b))


def regression_stations(value: Any, args: Mapping[str, Any]) -> Iterator[Quantity]:
    """List dZ, dW, db. dZ does not come back, but shows in dW, also in a transposed one, and in db.

    Where db is 0 (as in the example by hand) and dW is wrong, nothing can be said about dZ.
    """
    dW, db = (np.asarray(item) for item in value)
    X, dZ = np.asarray(args["X"]), _dZ(args)
    made, gathered = X.T @ dZ, dZ.sum(axis=0)
    right = alike(dW, made) or alike(dW.T, made)
    if not right and np.allclose(gathered, 0):
        raise ValueError("db = 0 shows nothing")
    right = right or alike(np.ravel(db), gathered)
    equation = "eq-softmax-regression-grads"
    yield Quantity("dZ", dZ if right else None, "", "dZ = (P − Y)/m", equation)
    yield Quantity("dW", dW, "dZ", "dW = Xᵀ dZ", equation)
    yield Quantity("db", db, "dZ", "db = Σ rows of dZ", equation)


def regression_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield two sets of pairwise different sizes, and m = d = K, there measured as well."""
    m, d, K = sizes(rng, 3, low=2, high=6)
    for a, b, c in ((m, d, K), (K, m, d), (d, d, d)):
        name = f"{a} examples, {b} features, {c} classes"
        layer = generic(rng, b, c), generic(rng, 1, c)
        asked = call("softmax_regression_grads", generic(rng, a, b), targets(rng, a, c), *layer)
        yield random(name, asked)
    for part, rule in (("dW", regression_dW_is_a_slope), ("db", regression_db_is_a_slope)):
        name = f"{part} beside measured slopes"
        yield random(name, asked, compare=False, rules=(rule,), part=part)


def _regression(
    X: Any,
    Y: Any,
    W: Any,
    b: Any,
    *,
    g: Callable[[Any], Any] = mlp_lib.softmax,
    start: Callable[[Any, Any], Any] = lambda P, Y: (P - Y) / len(Y),
    weight: Callable[[Any, Any], Any] = lambda X, dZ: X.T @ dZ,
    bias: Callable[[Any], Any] = lambda dZ: dZ.sum(axis=0, keepdims=True),
) -> Any:
    """The gradients with one rule exchanged: what the mistakes below have in common."""
    dZ = start(g(X @ W + b), Y)
    return weight(X, dZ), bias(dZ)


def _sum_of_examples(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, b, start=lambda P, Y: P - Y)


def _regression_sign(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, b, start=lambda P, Y: (Y - P) / len(Y))


def _dW_transposed(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, b, weight=lambda X, dZ: dZ.T @ X)


def _mean_of_entries(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, b, start=lambda P, Y: (P - Y) / Y.size)


def _not_transposed(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, b, weight=lambda X, dZ: X @ dZ)


def _bias_as_vector(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, b, bias=lambda dZ: dZ.sum(axis=0))


def _bias_not_summed(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, b, bias=lambda dZ: dZ)


def _bias_mean(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, b, bias=lambda dZ: dZ.mean(axis=0, keepdims=True))


def _bias_other_axis(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, b, bias=lambda dZ: dZ.sum(axis=1, keepdims=True))


def _bias_not_divided(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, b, bias=lambda dZ: len(dZ) * dZ.sum(axis=0, keepdims=True))


def _bias_left_out(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, 0 * b)


def _sigmoids(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, b, g=mlp_lib.sigmoid)


def _linear(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, b, g=lambda Z: Z)


def _down_the_columns(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, b, g=lambda Z: mlp_lib.softmax(Z.T).T)


def _extra_slope(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, b, start=lambda P, Y: (P - Y) * P * (1 - P) / len(Y))


def _slope_and_sum(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(X, Y, W, b, start=lambda P, Y: (P - Y) * P * (1 - P))


def _last_example(X: Any, Y: Any, W: Any, b: Any) -> Any:
    return _regression(
        X,
        Y,
        W,
        b,
        weight=lambda X, dZ: X[-1:].T @ dZ[-1:],
        bias=lambda dZ: dZ[-1:],
    )


def _updated(X: Any, Y: Any, W: Any, b: Any) -> Any:
    dW, db = _regression(X, Y, W, b)
    return W - dW, b - db


def _overflowing(X: Any, Y: Any, W: Any, b: Any) -> Any:
    def unshifted(Z: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)

    return _regression(X, Y, W, b, g=unshifted)


softmax_regression_grads = Step(
    id="softmax-regression-grads",
    title="Gradients of softmax regression",
    lesson="04-output-delta",
    equation="eq-softmax-regression-grads",
    points=3,
    functions=(
        Function(
            "softmax_regression_grads(X, Y, W, b)",
            mlp_lib.softmax_regression_grads,
            Several(Gradient("dW", of="W"), Gradient("db", of="b")),
            parts="outputs",
            trace=regression_stations,
        ),
    ),
    cases=(
        worked(
            "three examples, all weights 0",
            call("softmax_regression_grads", X3, Y3, W23, B3),
            gives=(
                [[0.1111, -0.5556, 0.4444], [-0.1111, -0.7778, 0.8889]],
                [[0, 0, 0]],
            ),
        ),
        edge("one example", call("softmax_regression_grads", X5[:1], Y5[:1], W24, B4)),
        edge("one feature", call("softmax_regression_grads", X5[:, :1], Y5, W24[:1], B4)),
        edge(
            "one class",
            call("softmax_regression_grads", X5, np.ones((5, 1)), W24[:, :1], B4[:, :1]),
        ),
        edge(
            "two classes",
            call("softmax_regression_grads", X5, np.eye(2)[[1, 0, 0, 1, 0]], W24[:, :2], B4[:, :2]),
        ),
        edge(
            "inputs of 0",
            call("softmax_regression_grads", np.zeros((3, 2)), Y3, W24[:, :3], B4[:, :3]),
        ),
        edge("scores in the thousands", call("softmax_regression_grads", 900 * X5, Y5, W24, B4)),
        edge(
            "read-only",
            call(
                "softmax_regression_grads",
                *(View(array, "readonly") for array in (X5, Y5, W24, B4)),
            ),
        ),
        edge(
            "stored differently",
            call(
                "softmax_regression_grads",
                View(X5, "fortran"),
                View(Y5, "strided"),
                View(W24, "reversed"),
                View(B4, "strided"),
            ),
        ),
    ),
    generate=regression_cases,
    mistakes=(
        Mistake(
            "sum-of-examples",
            "the sum over the examples, no mean",
            "The loss is a mean over m examples, so 1/m enters once, in dZ = (P − Y)/m. Without it "
            "the step grows with the amount of data.",
            {"softmax_regression_grads": _sum_of_examples},
            gives=[[0.3333, -1.6667, 1.3333], [-0.3333, -2.3333, 2.6667]],
            of="dW",
        ),
        Mistake(
            "sign",
            "Y − P at the start",
            "dZ = ∂J/∂Z is positive where a probability is too high: P − Y. With the sign turned, "
            "W − α dW climbs.",
            {"softmax_regression_grads": _regression_sign},
            gives=[[-0.1111, 0.5556, -0.4444], [0.1111, 0.7778, -0.8889]],
            of="dW",
        ),
        Mistake(
            "transposed",
            "dZᵀX: the transposed gradient",
            "In row form W leads [from, to], so the features of X index the rows of dW: "
            "dW = Xᵀ dZ. dZᵀX is the gradient of Wᵀ, and fits W only when d = K.",
            {"softmax_regression_grads": _dW_transposed},
            gives=[[0.1111, -0.1111], [-0.5556, -0.7778], [0.4444, 0.8889]],
            of="dW",
        ),
        Mistake(
            "mean-of-entries",
            "divided by m·K",
            "Sum over the classes, mean over the examples: only m divides. With m·K every gradient "
            "is K times too small.",
            {"softmax_regression_grads": _mean_of_entries},
            gives=[[0.037, -0.1852, 0.1481], [-0.037, -0.2593, 0.2963]],
            of="dW",
        ),
        Mistake(
            "not-transposed",
            "X @ dZ without the transpose",
            "The sum runs over the examples, the first index of X and of dZ. A product sums over "
            "the second index of its left factor, so X has to be transposed.",
            {"softmax_regression_grads": _not_transposed},
            gives="ValueError: matmul: Input operand 1 has a mismatch in its core dimension 0",
        ),
        Mistake(
            "bias-as-vector",
            "db with one axis",
            "A gradient has the shape of its variable, and b is (1, K). A db of shape (K,) "
            "happens to be added rightly here, but it is not the gradient of a row.",
            {"softmax_regression_grads": _bias_as_vector},
        ),
        Mistake(
            "bias-not-summed",
            "dZ returned as db",
            "Every example moves the same bias, so their contributions add up: db is the sum of "
            "the rows of dZ, one row for the whole batch.",
            {"softmax_regression_grads": _bias_not_summed},
        ),
        Mistake(
            "bias-mean",
            "the mean of the rows of dZ as db",
            "The 1/m is in dZ already. The bias gathers the sum of the rows, as dW = Xᵀ dZ gathers "
            "a sum; a second 1/m slows the bias down.",
            {"softmax_regression_grads": _bias_mean},
            shows_on=("random", "edge"),
        ),
        Mistake(
            "bias-other-axis",
            "dZ added up over the classes",
            "Each class has its own bias, so the sum runs down the rows, over the examples. Over "
            "the classes a row of dZ adds up to 0.",
            {"softmax_regression_grads": _bias_other_axis},
        ),
        Mistake(
            "bias-not-divided",
            "1/m in dW but not in db",
            "The 1/m of the mean enters once, in dZ, and both gradients inherit it. A bias without "
            "it takes steps that are m times too long.",
            {"softmax_regression_grads": _bias_not_divided},
            shows_on=("random", "edge"),
        ),
        Mistake(
            "bias-left-out",
            "no bias in the scores",
            "Z = XW + b. Without b the forward pass is another model, and P − Y belongs to the "
            "wrong place on the loss.",
            {"softmax_regression_grads": _bias_left_out},
            shows_on=("random", "edge"),
        ),
        Mistake(
            "sigmoids",
            "K sigmoids in place of softmax",
            "With one class out of K the scores share one probability 1. The gradient P − Y of the "
            "cross-entropy is that of softmax; with sigmoids it belongs to another loss.",
            {"softmax_regression_grads": _sigmoids},
            equation="eq-softmax",
        ),
        Mistake(
            "no-softmax",
            "scores in place of probabilities",
            "The δ of softmax with its cross-entropy is P − Y with P = softmax(Z). Z − Y is the δ "
            "of linear regression.",
            {"softmax_regression_grads": _linear},
            equation="eq-linear-regression-grads",
        ),
        Mistake(
            "softmax-down-the-columns",
            "softmax over the examples",
            "A row is an example and shares out its own probability 1 among the classes. Down the "
            "columns, the δ of one example would depend on the others.",
            {"softmax_regression_grads": _down_the_columns},
            equation="eq-softmax",
            shows_on=("random", "edge"),
        ),
        Mistake(
            "extra-slope",
            "a factor P(1 − P) behind P − Y",
            "P − Y is ∂J/∂Z: the whole Jacobian of softmax is inside. One more slope makes the "
            "gradient too small where the model is sure, and learning stops there.",
            {"softmax_regression_grads": _extra_slope},
            equation="eq-softmax-delta",
        ),
        Mistake(
            "extra-slope-and-sum",
            "a factor P(1 − P) behind P − Y, and no mean",
            "Two things at once. P − Y is ∂J/∂Z already, without a slope behind it; and the loss "
            "is a mean, so dZ is divided by the m examples.",
            {"softmax_regression_grads": _slope_and_sum},
            equation="eq-softmax-delta",
        ),
        Mistake(
            "last-example",
            "the gradient of the last example alone",
            "Every example has a say in every weight: dW is the sum of m outer products. Written "
            "with =, each turn of a loop throws the sum so far away.",
            {"softmax_regression_grads": _last_example},
            gives=[[0, 0, 0], [-0.1111, -0.1111, 0.2222]],
            of="dW",
        ),
        Mistake(
            "updated",
            "W − dW in place of dW",
            "These are the parameters after a step with the rate 1. The gradient alone is asked "
            "for: how far to go is decided by whoever takes the step.",
            {"softmax_regression_grads": _updated},
            equation="eq-gd-update",
        ),
        Mistake(
            "overflow",
            "softmax without the shift",
            "e^z overflows from z = 710 on, and ∞/∞ = nan reaches every weight through dZ. "
            "Subtract the largest score of each row first: it cancels.",
            {"softmax_regression_grads": _overflowing},
            equation="eq-softmax-shift",
            shows_on=("edge",),
        ),
    ),
)

STEPS = (output_delta, weight_grad, softmax_regression_grads)
