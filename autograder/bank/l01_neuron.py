# ruff: noqa: ARG001, ARG005 - a wrong implementation may well ignore an argument
"""Lesson 1: the neuron and the perceptron."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import mlp_lib
from autograder.engine.generators import generic, sizes
from autograder.engine.step import (
    Answer,
    Array,
    Case,
    Flag,
    Function,
    Integer,
    Mistake,
    Number,
    Several,
    Step,
    call,
    edge,
    random,
    worked,
)
from autograder.inside.runner import Fn, View

# --------------------------------------------------------------------------------------
# neuron-forward (E1.1)

X5 = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
ONES = np.ones(5)
X3 = np.array([0.8, -2.0, 1.3])
W3 = np.array([0.5, -0.25, 1.7])


def neuron_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield neurons with the default sigmoid, and with two other activations."""
    n, k = sizes(rng, 2, low=2, high=7)
    name = ("tanh", "softplus", "sine")[rng.integers(3)]

    def draw(size: int) -> tuple[Any, Any, float]:
        return generic(rng, size), generic(rng, size), float(generic(rng))

    yield random(f"{n} inputs", call("neuron_forward", *draw(n)))
    yield random(f"{k} inputs, {name}", call("neuron_forward", *draw(k), g=Fn(name)))
    yield random(f"{n} inputs, identity", call("neuron_forward", *draw(n), g=Fn("identity")))


def _no_bias(x: Any, w: Any, b: Any, g: Any = mlp_lib.sigmoid) -> Any:
    return g(w @ x)


def _no_activation(x: Any, w: Any, b: Any, g: Any = mlp_lib.sigmoid) -> Any:
    return w @ x + b


def _activation_first(x: Any, w: Any, b: Any, g: Any = mlp_lib.sigmoid) -> Any:
    return (w * g(x)).sum() + b


def _bias_last(x: Any, w: Any, b: Any, g: Any = mlp_lib.sigmoid) -> Any:
    return g(w @ x) + b


def _sigmoid_sign(x: Any, w: Any, b: Any, g: Any = mlp_lib.sigmoid) -> Any:
    return 1 / (1 + np.exp(w @ x + b)) if g is mlp_lib.sigmoid else g(w @ x + b)


def _always_sigmoid(x: Any, w: Any, b: Any, g: Any = mlp_lib.sigmoid) -> Any:
    return mlp_lib.sigmoid(w @ x + b)


def _last_weight(x: Any, w: Any, b: Any, g: Any = mlp_lib.sigmoid) -> Any:
    return g(sum(w[-1] * x_r for x_r in x) + b)


def _bias_for_each(x: Any, w: Any, b: Any, g: Any = mlp_lib.sigmoid) -> Any:
    return g((w * x + b).sum())


def _not_summed(x: Any, w: Any, b: Any, g: Any = mlp_lib.sigmoid) -> Any:
    return g(w * x + b)


neuron_forward = Step(
    id="neuron-forward",
    title="Output of one neuron",
    lesson="01-neuron",
    equation="eq-neuron",
    points=1,
    functions=(
        Function("neuron_forward(x, w, b, g=sigmoid)", mlp_lib.neuron_forward, Number("a")),
    ),
    cases=(
        worked("the lesson's neuron", call("neuron_forward", X5, ONES, 1.0), gives=0.9241),
        worked(
            "two inputs, no bend",
            call("neuron_forward", X3[:2], np.array([0.5, -0.5]), 0.3, g=Fn("identity")),
            gives=1.7,
        ),
        edge("one input", call("neuron_forward", np.array([0.6]), np.array([-1.4]), 0.35)),
        edge("all inputs 0", call("neuron_forward", np.zeros(3), W3, -0.7)),
        edge("bias 0", call("neuron_forward", X3, W3, 0.0)),
        edge("a saturated unit", call("neuron_forward", 30 * X3, W3, -2.5)),
        edge("a unit far on the other side", call("neuron_forward", -20 * X3, W3, 1.5)),
        edge("ReLU, switched off", call("neuron_forward", -X3, W3, 0.4, g=Fn("relu"))),
        edge(
            "read-only inputs and weights",
            call("neuron_forward", View(X3, "readonly"), View(W3, "readonly"), 0.2),
        ),
        edge(
            "every second entry",
            call("neuron_forward", View(X3, "strided"), View(W3, "reversed"), 0.2),
        ),
    ),
    generate=neuron_cases,
    mistakes=(
        Mistake(
            "no-bias",
            "the bias forgotten",
            "The bias is the weight of an input that is always 1, and it is added before the "
            "bend: z = w·x + b. Without it there is nothing that db could move.",
            {"neuron_forward": _no_bias},
            gives=0.8176,
        ),
        Mistake(
            "no-activation",
            "z returned in place of a",
            "A neuron has two stations, z = w·x + b and a = g(z), and the next layer receives a. "
            "Keep the two apart: the backward pass passes through both.",
            {"neuron_forward": _no_activation},
            gives=2.5,
        ),
        Mistake(
            "activation-first",
            "the activation applied to each input",
            "The bend comes once, after the sum. Applied to the inputs it leaves the neuron "
            "linear in its weights, and the slope g′(z) has no place in the backward pass.",
            {"neuron_forward": _activation_first},
            gives=3.8704,
        ),
        Mistake(
            "bias-after",
            "the bias added after the activation",
            "The bias shifts z, the place where the unit stands on its curve. Added to a it would "
            "push a sigmoid out of the interval from 0 to 1, and its gradient would miss g′(z).",
            {"neuron_forward": _bias_last},
            gives=1.8176,
        ),
        Mistake(
            "sigmoid-sign",
            "σ(−z): the minus in the exponent lost",
            "σ(z) = 1/(1 + e⁻ᶻ) rises with z. Without the minus it falls, and every slope of the "
            "backward pass has the wrong sign.",
            {"neuron_forward": _sigmoid_sign},
            equation="eq-sigmoid",
            gives=0.0759,
        ),
        Mistake(
            "always-sigmoid",
            "sigmoid whatever g is",
            "g is an argument: the same neuron must run with another bend, and the backward pass "
            "will use the slope that belongs to it.",
            {"neuron_forward": _always_sigmoid},
        ),
        Mistake(
            "last-weight",
            "the same weight for every input",
            "In Σⱼ wⱼ xⱼ both letters carry the index: each input meets its own weight. It is "
            "also why each weight will get a gradient of its own, δ xⱼ.",
            {"neuron_forward": _last_weight},
            equation="eq-weighted-sum",
        ),
        Mistake(
            "bias-for-each-input",
            "the bias added once per input",
            "There is one bias for the unit, outside the sum. Inside, n inputs add it n times, and "
            "its gradient would be n δ in place of δ.",
            {"neuron_forward": _bias_for_each},
        ),
        Mistake(
            "not-summed",
            "products not added up",
            "A neuron gives back one number: the products wⱼ xⱼ are added to one z before the "
            "bend, so that one δ = ∂J/∂z can speak for all its weights.",
            {"neuron_forward": _not_summed},
            equation="eq-weighted-sum",
        ),
    ),
    equivalent={
        "neuron_forward: w @ x -> *": "w and x have one axis, so their product has no order",
        "neuron_forward: np.asarray(g(z)) -> g(z)": "the given activations return numpy numbers",
    },
)

# --------------------------------------------------------------------------------------
# perceptron-train (E1.2)

FOUR_ROWS = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
AND = np.array([-1.0, -1.0, -1.0, 1.0])
OR = np.array([-1.0, 1.0, 1.0, 1.0])
NOR = np.array([1.0, -1.0, -1.0, -1.0])
XOR = np.array([-1.0, 1.0, 1.0, -1.0])
START = np.array([0.75, -1.25, 0.375])


def decides_rightly(answer: Answer) -> str | None:
    """Check that the weights that came back classify all rows, as the algorithm promises."""
    w, n_updates, converged = answer.value
    X, y = np.asarray(answer.args["X"]), np.asarray(answer.args["y"])
    if not converged:
        return f"A line separates these points, but converged is False (n_updates = {n_updates})."
    wrong = np.flatnonzero(mlp_lib.perceptron_predict(X, np.asarray(w)) != y)
    if wrong.size:
        i = int(wrong[0])
        return f"converged is True, but row {i} of X is not answered with {y[i]:+g}."
    return None


def _eighths(rng: np.random.Generator, *shape: int) -> Any:
    """Return multiples of 1/8 other than 0 and ±1: all sums of them are exact."""
    size = rng.choice([2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15], size=shape) / 8
    return size * rng.choice([-1.0, 1.0], size=shape)


def _separable(
    rng: np.random.Generator, m: int, n: int, noise: float = 0.0, **options: Any
) -> tuple[Any, Any]:
    """Return points with room between the classes, which take a few updates but not many."""
    while True:
        X, w = _eighths(rng, m, n), _eighths(rng, n + 1)
        X = X + rng.uniform(-noise, noise, X.shape)
        score = X @ w[1:] + w[0]
        y = np.where(score >= 0, 1.0, -1.0)
        if np.abs(score).min() < 0.1 or np.abs(y.sum()) == m:
            continue
        if 4 <= mlp_lib.perceptron_train(X, y, **options)[1] <= 60:
            return X, y


def perceptron_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield separable points, as many points as features, a start, and a contradiction.

    Multiples of 1/8 make every score exact, so that w itself can be compared. For numbers that
    are rounded the decisions are.
    """
    m, n = sizes(rng, 2, low=4, high=8)
    X, y = _separable(rng, m, n)
    yield random(f"{m} points, {n} features", call("perceptron_train", X, y))
    eta = float(rng.choice([0.25, 0.75]))
    X, y = _separable(rng, n, n, eta=eta)
    name = f"{n} points, {n} features, eta = {eta}"
    yield random(name, call("perceptron_train", X, y, eta=eta))
    w0 = _eighths(rng, 3)
    X, y = _separable(rng, m, 2, w0=w0)
    yield random(f"{m} points, another start", call("perceptron_train", X, y, w0=w0))
    X, y = np.vstack([X, X[:1]]), np.append(y, -y[0])
    yield random(
        "one point with both labels", call("perceptron_train", X, y, max_updates=10 + 2 * m)
    )
    X, y = _separable(rng, n + 3, 2, noise=0.05)
    yield random(
        "decisions on rounded numbers",
        call("perceptron_train", X, y, max_updates=1000),
        compare=False,
        rules=(decides_rightly,),
    )


def _learn(
    X: Any,
    y: Any,
    eta: float = 0.5,
    max_updates: int = 100,
    w0: Any = None,
    *,
    sign: Callable[[Any], Any] = mlp_lib.sgn,
    change: Callable[[Any, Any], Any] = lambda y, yhat: y - yhat,
    choose: Callable[[Any], Any] = lambda wrong: wrong[:1],
    inputs: Callable[[Any], Any] = lambda X: np.column_stack([np.ones(len(X)), X]),
) -> Any:
    """The algorithm with one rule exchanged: what the mistakes below have in common."""
    X1 = inputs(X)
    w = np.zeros(X1.shape[1]) if w0 is None else np.array(w0)
    for n_updates in range(max_updates + 1):
        yhat = sign(X1 @ w)
        wrong = np.flatnonzero(yhat != y)
        if len(wrong) == 0:
            return w, n_updates, True
        if n_updates < max_updates:
            for i in choose(wrong):
                w = w + eta * change(y[i], yhat[i]) * X1[i]
    return w, max_updates, False


def _product(X: Any, y: Any, eta: Any = 0.5, max_updates: Any = 100, w0: Any = None) -> Any:
    return _learn(X, y, eta, max_updates, w0, change=lambda y, yhat: y * yhat)


def _subtracted(X: Any, y: Any, eta: Any = 0.5, max_updates: Any = 100, w0: Any = None) -> Any:
    return _learn(X, y, eta, max_updates, w0, change=lambda y, yhat: yhat - y)


def _no_column(X: Any, y: Any, eta: Any = 0.5, max_updates: Any = 100, w0: Any = None) -> Any:
    return _learn(X, y, eta, max_updates, w0, inputs=np.asarray)


def _numpy_sign(X: Any, y: Any, eta: Any = 0.5, max_updates: Any = 100, w0: Any = None) -> Any:
    return _learn(X, y, eta, max_updates, w0, sign=np.sign)


def _zero_is_no(X: Any, y: Any, eta: Any = 0.5, max_updates: Any = 100, w0: Any = None) -> Any:
    return _learn(X, y, eta, max_updates, w0, sign=lambda z: np.where(z > 0, 1.0, -1.0))


def _half_step(X: Any, y: Any, eta: Any = 0.5, max_updates: Any = 100, w0: Any = None) -> Any:
    return _learn(X, y, eta, max_updates, w0, change=lambda y, yhat: y)


def _column_last(X: Any, y: Any, eta: Any = 0.5, max_updates: Any = 100, w0: Any = None) -> Any:
    def inputs(X: Any) -> Any:
        return np.column_stack([X, np.ones(len(X))])

    return _learn(X, y, eta, max_updates, w0, inputs=inputs)


def _last_wrong(X: Any, y: Any, eta: Any = 0.5, max_updates: Any = 100, w0: Any = None) -> Any:
    return _learn(X, y, eta, max_updates, w0, choose=lambda wrong: wrong[-1:])


def _all_wrong(X: Any, y: Any, eta: Any = 0.5, max_updates: Any = 100, w0: Any = None) -> Any:
    return _learn(X, y, eta, max_updates, w0, choose=lambda wrong: wrong)


def _scan_goes_on(X: Any, y: Any, eta: Any = 0.5, max_updates: Any = 100, w0: Any = None) -> Any:
    X1 = np.column_stack([np.ones(len(X)), X])
    w = np.zeros(X1.shape[1]) if w0 is None else np.array(w0)
    n_updates = right_in_a_row = i = 0
    while right_in_a_row < len(y):
        yhat = 1 if X1[i] @ w >= 0 else -1
        if yhat == y[i]:
            right_in_a_row += 1
        elif n_updates == max_updates:
            return w, n_updates, False
        else:
            w = w + eta * (y[i] - yhat) * X1[i]
            n_updates, right_in_a_row = n_updates + 1, 0
        i = (i + 1) % len(y)
    return w, n_updates, True


def _scans_counted(X: Any, y: Any, eta: Any = 0.5, max_updates: Any = 100, w0: Any = None) -> Any:
    w, n_updates, converged = _learn(X, y, eta, max_updates, w0)
    return w, n_updates + 1, converged


def _no_last_scan(X: Any, y: Any, eta: Any = 0.5, max_updates: Any = 100, w0: Any = None) -> Any:
    w, n_updates, _ = _learn(X, y, eta, max_updates, w0)
    return w, n_updates, n_updates < max_updates


def _fixed_eta(X: Any, y: Any, eta: Any = 0.5, max_updates: Any = 100, w0: Any = None) -> Any:
    return _learn(X, y, 0.5, max_updates, w0)


def _zero_start(X: Any, y: Any, eta: Any = 0.5, max_updates: Any = 100, w0: Any = None) -> Any:
    return _learn(X, y, eta, max_updates)


def _start_overwritten(
    X: Any, y: Any, eta: Any = 0.5, max_updates: Any = 100, w0: Any = None
) -> Any:
    found = _learn(X, y, eta, max_updates, w0)
    if w0 is not None:
        w0[:] = found[0]
    return found


REFUSE = ("TypeError", "ValueError")

perceptron_train = Step(
    id="perceptron-train",
    title="Perceptron learning algorithm",
    lesson="01-neuron",
    equation="eq-pla",
    points=3,
    functions=(
        Function(
            "perceptron_train(X, y, eta=0.5, max_updates=100, w0=None)",
            mlp_lib.perceptron_train,
            Several(
                Array("w", because="the bias first, then one weight for each feature"),
                Integer("n_updates"),
                Flag("converged"),
            ),
        ),
    ),
    cases=(
        worked("AND", call("perceptron_train", FOUR_ROWS, AND), gives=([-3, 1, 2], 11, True)),
        worked("OR", call("perceptron_train", FOUR_ROWS, OR), gives=([-1, 1, 1], 5, True)),
        worked("NOR", call("perceptron_train", FOUR_ROWS, NOR), gives=([0, -1, -1], 4, True)),
        worked("XOR", call("perceptron_train", FOUR_ROWS, XOR), gives=([0, 1, 1], 100, False)),
        worked(
            "AND, stopped after three updates",
            call("perceptron_train", FOUR_ROWS, AND, max_updates=3),
            gives=([-1, 1, 1], 3, False),
        ),
        edge(
            "AND with as many updates as it needs",
            call("perceptron_train", FOUR_ROWS, AND, max_updates=11),
            gives=([-3, 1, 2], 11, True),
        ),
        edge("no update allowed", call("perceptron_train", FOUR_ROWS, AND, max_updates=0)),
        edge(
            "right from the start",
            call("perceptron_train", FOUR_ROWS, AND, w0=np.array([-3.0, 1.0, 2.0])),
        ),
        edge("one example", call("perceptron_train", np.array([[0.5, -0.25]]), np.array([-1.0]))),
        edge("all examples positive", call("perceptron_train", FOUR_ROWS, np.ones(4))),
        edge("one feature", call("perceptron_train", np.array([[0.5], [-0.75], [1.5]]), AND[1:])),
        edge(
            "the start is read-only",
            call("perceptron_train", FOUR_ROWS, OR, w0=View(START, "readonly")),
        ),
        edge(
            "every second row and column",
            call("perceptron_train", View(FOUR_ROWS - 0.375, "strided"), View(NOR, "strided")),
        ),
        edge(
            "read-only data, transposed in memory",
            call("perceptron_train", View(FOUR_ROWS + 0.625, "fortran"), View(AND, "readonly")),
        ),
        edge(
            "whole numbers, eta = 0.25",
            call("perceptron_train", FOUR_ROWS.astype(int), AND.astype(int), eta=0.25),
            may_raise=REFUSE,
        ),
    ),
    generate=perceptron_cases,
    mistakes=(
        Mistake(
            "product",
            "y·ŷ in place of y − ŷ",
            "At every mistake y·ŷ is −1, whichever side the example is on, so each update takes "
            "η x away. The difference y − ŷ carries the direction, as δ = ŷ − y does later.",
            {"perceptron_train": _product},
            gives=([-50, -49.5, -49.5], 100, False),
        ),
        Mistake(
            "subtracted",
            "the update subtracted",
            "w + η (y − ŷ) x raises a score that was too low. With the minus it sinks further: a "
            "step uphill, the same sign error as W + α dW.",
            {"perceptron_train": _subtracted},
            gives=([100, 0, 0], 100, False),
        ),
        Mistake(
            "no-bias-column",
            "no column of ones for the bias",
            "Without x₀ = 1 every boundary goes through the origin, and the row 00 has the score 0 "
            "for any w. The bias is the weight of a constant input and learns like the others.",
            {"perceptron_train": _no_column},
            equation="eq-bias-unit",
            gives=([0, 0], 100, False),
        ),
        Mistake(
            "numpy-sign",
            "np.sign, which answers 0 at 0",
            "Where the score is 0, y − ŷ is then ±1 and the update only half as long. The course's "
            "sgn(0) is +1: each example gets one of the two labels.",
            {"perceptron_train": _numpy_sign},
            equation="eq-sgn",
            gives=([-2.5, 1, 2], 11, True),
        ),
        Mistake(
            "xor",
            "XOR, which no line separates",
            "",
            {"perceptron_train": mlp_lib.perceptron_train},
            contrast=True,
            gives=([0, 1, 1], 100, False),
            on="XOR",
        ),
        Mistake(
            "zero-is-no",
            "sgn(0) = −1",
            "The boundary itself belongs to +1: sgn(z) = +1 for z ≥ 0. With > in place of ≥ the "
            "first scan, where all scores are 0, finds other mistakes to learn from.",
            {"perceptron_train": _zero_is_no},
            equation="eq-sgn",
        ),
        Mistake(
            "half-step",
            "η y in place of η (y − ŷ)",
            "At a mistake y − ŷ is 2y, so this step is half as long. It is the error that scales "
            "the step, here and in the delta rule.",
            {"perceptron_train": _half_step},
            gives=([-1.5, 0.5, 1], 11, True),
        ),
        Mistake(
            "bias-last",
            "the bias at the end of w",
            "w = (b, w₁, …, wₙ): the bias stands first, beside x₀ = 1. The numbers are right, but "
            "whoever uses w takes the last weight for the bias.",
            {"perceptron_train": _column_last},
            equation="eq-perceptron",
            gives=([1, 2, -3], 11, True),
        ),
        Mistake(
            "last-mistake",
            "the last wrong row updated, not the first",
            "Each update belongs to one example, here the first misclassified row from the top. "
            "Another choice learns as well, but it takes another path and ends at another line.",
            {"perceptron_train": _last_wrong},
        ),
        Mistake(
            "all-mistakes",
            "all wrong rows in one update",
            "This is a batch step: it adds the changes of all misclassified rows. The perceptron "
            "changes w after one example and looks again before it changes more.",
            {"perceptron_train": _all_wrong},
        ),
        Mistake(
            "scan-goes-on",
            "the scan not restarted after an update",
            "A change of w may spoil rows that were right, so the scan begins again at row 0 after "
            "each update. Going on with the next row learns too, along another path.",
            {"perceptron_train": _scan_goes_on},
        ),
        Mistake(
            "scans-counted",
            "scans counted, not updates",
            "n_updates counts how often w was changed. The last scan, which finds nothing wrong, "
            "changes nothing.",
            {"perceptron_train": _scans_counted},
            gives=([-3, 1, 2], 12, True),
        ),
        Mistake(
            "no-last-scan",
            "no scan after the last allowed update",
            "The last allowed update may be the one that puts everything right. Only a full scan "
            "with the new w tells, so scan once more before you report converged = False.",
            {"perceptron_train": _no_last_scan},
            shows_on=("edge",),
            on="AND with as many updates as it needs",
            gives=([-3, 1, 2], 11, False),
        ),
        Mistake(
            "eta-ignored",
            "the argument eta ignored",
            "η scales every update. From a zero start it only scales w, so no decision shows that "
            "it is missing; the weights do.",
            {"perceptron_train": _fixed_eta},
        ),
        Mistake(
            "start-ignored",
            "the start w0 ignored",
            "Learning begins where w0 says; zeros are only the default. The path and the number of "
            "updates depend on the start.",
            {"perceptron_train": _zero_start},
        ),
        Mistake(
            "start-overwritten",
            "the caller's w0 overwritten",
            "w0 belongs to whoever called you and may be the start of the next run too. Copy it "
            "first, or write w = w + …, which makes a new array.",
            {"perceptron_train": _start_overwritten},
        ),
    ),
    equivalent={
        "perceptron_train: 1 -> 2 (2)": "one more look without an update finds the same mistakes",
        "perceptron_train: X1 @ w -> (X1 @ w.T)": "w has one axis",
    },
)

STEPS = (neuron_forward, perceptron_train)
