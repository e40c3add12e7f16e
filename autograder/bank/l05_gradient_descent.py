# ruff: noqa: ARG001, ARG005 - a wrong implementation may well ignore an argument
"""Lesson 5: the update, the path of gradient descent, and mini-batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import mlp_lib
from autograder.engine.compare import alike
from autograder.engine.generators import (
    column_net,
    generic,
    layer_sizes,
    row_net,
    sizes,
    targets,
)
from autograder.engine.step import (
    Answer,
    Array,
    Case,
    Fields,
    Function,
    Integer,
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
from autograder.inside.runner import Fn, RngArg, View

# --------------------------------------------------------------------------------------
# gd-update (E5.1)

LAYER = [(np.array([[0.7, 0.9]]), np.array([1.0]))]
LAYER_GRADS = [(np.array([[-0.0065, -0.0063]]), np.array([-0.0081]))]
NET = [
    (np.array([[0.5, -0.5], [1.2, 0.25], [-0.75, 0.9]]), np.array([0.3, 0.5, -0.25])),
    (np.array([[1.5, -0.8, 0.5], [-0.5, 0.25, 0.7]]), np.array([0.1, -0.1])),
]
NET_GRADS = [
    (np.array([[0.12, -0.3], [-0.05, 0.24], [-0.04, 0.09]]), np.array([0.15, -0.06, -0.45])),
    (np.array([[0.32, 0.27, 0.02], [-0.74, -0.63, -0.06]]), np.array([0.38, -0.88])),
]


def _small_net() -> tuple[Any, Any]:
    """The 1-2-1 net of the lesson with x = 0.5 and y = 1, and the gradients of its loss."""
    params = [
        (np.array([[0.7], [0.9]]), np.array([1.0, 0.8])),
        (np.array([[0.7, 0.9]]), np.array([1.0])),
    ]
    x = np.array([0.5])
    yhat, cache = mlp_lib.mlp_forward(x, params, out=mlp_lib.sigmoid)
    delta2 = yhat - 1
    delta1 = (params[1][0].T @ delta2) * mlp_lib.d_sigmoid(cache["z"][0])
    grads = [
        (mlp_lib.weight_grad(delta1, x), delta1),
        (mlp_lib.weight_grad(delta2, cache["a"][1]), delta2),
    ]
    return params, grads


TWICE = '''
def drive(fns, params, grads, lr):
    """Two calls with the same arguments, as two readers of one net would make them."""
    fns.gd_update(params, grads, lr)
    return fns.gd_update(params, grads, lr)
'''

SWEEP = '''
def drive(fns, params, grads, lr):
    """The output layer is updated first; then its error passes the weights the caller holds."""
    fns.gd_update(params[1:], grads[1:], lr)
    (W,), (delta,) = params[1][0], grads[1][1]
    return W * delta
'''

PAIRS = Layers(
    Several(
        Array("W", because="a step keeps the shape of W"),
        Array("b", because="a step keeps the shape of b"),
    )
)


def update_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield nets in both storages and one whose layers are all of one size."""
    L = int(rng.integers(2, 4))
    for words, net, square in (
        ("column form", column_net, False),
        ("row form", row_net, False),
        ("all layers of one size", column_net, True),
    ):
        n = layer_sizes(rng, L, square)
        lr = float(rng.uniform(0.05, 0.6))
        asked = call("gd_update", net(rng, n), net(rng, n, scale=0.3), lr)
        yield random(f"{'-'.join(map(str, n))}, {words}", asked)


def _updated(
    params: Any,
    grads: Any,
    lr: float,
    *,
    W_step: Callable[[Any, Any], Any] | None = None,
    b_step: Callable[[Any, Any], Any] | None = None,
) -> Any:
    """The update with the step of W or b exchanged."""

    def usual(x: Any, dx: Any) -> Any:
        return x - lr * dx

    move_W, move_b = W_step or usual, b_step or usual
    return [(move_W(W, dW), move_b(b, db)) for (W, b), (dW, db) in zip(params, grads, strict=True)]


def _ascent(params: Any, grads: Any, lr: float) -> Any:
    return _updated(params, grads, -lr)


def _no_rate(params: Any, grads: Any, lr: float) -> Any:
    return _updated(params, grads, 1.0)


def _in_place(params: Any, grads: Any, lr: float) -> Any:
    for (W, b), (dW, db) in zip(params, grads, strict=True):
        W -= lr * dW
        b -= lr * db
    return params


def _list_in_place(params: Any, grads: Any, lr: float) -> Any:
    params[:] = mlp_lib.gd_update(params, grads, lr)
    return params


def _bias_stays(params: Any, grads: Any, lr: float) -> Any:
    return _updated(params, grads, lr, b_step=lambda b, db: b)


def _bias_ascent(params: Any, grads: Any, lr: float) -> Any:
    return _updated(params, grads, lr, b_step=lambda b, db: b + lr * db)


def _bias_whole_step(params: Any, grads: Any, lr: float) -> Any:
    return _updated(params, grads, lr, b_step=lambda b, db: b - db)


def _rate_squared(params: Any, grads: Any, lr: float) -> Any:
    return _updated(params, grads, lr * lr)


def _divided(params: Any, grads: Any, lr: float) -> Any:
    return _updated(params, grads, 1 / lr if lr else np.inf)


def _only_the_step(params: Any, grads: Any, lr: float) -> Any:
    return [(lr * dW, lr * db) for dW, db in grads]


def _last_first(params: Any, grads: Any, lr: float) -> Any:
    return _updated(params, grads[::-1], lr)


def _only_the_last(params: Any, grads: Any, lr: float) -> Any:
    return [*params[:-1], *_updated(params[-1:], grads[-1:], lr)]


gd_update = Step(
    id="gd-update",
    title="Parameter update",
    lesson="05-gradient-descent",
    equation="eq-gd-update",
    points=1,
    functions=(Function("gd_update(params, grads, lr)", mlp_lib.gd_update, PAIRS),),
    cases=(
        worked(
            "one layer, lr = 0.25",
            call("gd_update", LAYER, LAYER_GRADS, 0.25),
            gives=[([[0.7016, 0.9016]], [1.0020])],
        ),
        worked("two layers, lr = 0.1", call("gd_update", NET, NET_GRADS, 0.1)),
        edge(
            "called twice on one list",
            call("gd_update", LAYER, LAYER_GRADS, 0.25),
            driver=TWICE,
            returns=PAIRS,
            gives=[([[0.7016, 0.9016]], [1.0020])],
        ),
        edge(
            "the error behind an update, lr = 5",
            call("gd_update", *_small_net(), 5.0),
            driver=SWEEP,
            returns=Array("e⁽¹⁾", because="one error for each hidden unit"),
            gives=[-0.0664, -0.0854],
        ),
        edge("learning rate 0", call("gd_update", NET, NET_GRADS, 0.0)),
        edge("a large learning rate", call("gd_update", NET, NET_GRADS, 300.0)),
        edge(
            "no slope anywhere",
            call("gd_update", NET, [(np.zeros_like(W), np.zeros_like(b)) for W, b in NET], 0.4),
        ),
        edge(
            "read-only",
            call(
                "gd_update",
                [(View(W, "readonly"), View(b, "readonly")) for W, b in NET],
                [(View(W, "readonly"), View(b, "readonly")) for W, b in NET_GRADS],
                0.3,
            ),
        ),
        edge(
            "stored differently, pairs as lists",
            call(
                "gd_update",
                [[View(W, "fortran"), View(b, "strided")] for W, b in NET],
                [[View(W, "strided"), View(b, "reversed")] for W, b in NET_GRADS],
                0.3,
            ),
        ),
    ),
    generate=update_cases,
    mistakes=(
        Mistake(
            "ascent",
            "the plus sign",
            "The gradient points to where the loss rises fastest. Walk against it, W − α dW, or "
            "every step makes the loss larger.",
            {"gd_update": _ascent},
            gives=[[0.6984, 0.8984]],
            of="W⁽¹⁾",
        ),
        Mistake(
            "no-learning-rate",
            "the learning rate left out",
            "The gradient says in which direction and how steep, not how far. Without α the step "
            "is taken with α = 1, often beyond the limit at which descent diverges.",
            {"gd_update": _no_rate},
            gives=[[0.7065, 0.9063]],
            of="W⁽¹⁾",
        ),
        Mistake(
            "in-place",
            "the caller's arrays changed",
            "W −= … writes into the array of whoever called: two calls are two steps, and a "
            "backward pass that still needs the old W meets the new one. Return new arrays.",
            {"gd_update": _in_place},
            on="called twice on one list",
            gives=[[0.7032, 0.9032]],
            of="W⁽¹⁾",
        ),
        Mistake(
            "new-weights-in-the-sweep",
            "the new weights of a layer used for the error of the layer below",
            "The error e⁽¹⁾ = W⁽²⁾ᵀδ⁽²⁾ belongs to the weights of the forward pass. Compute all "
            "gradients at one point, then update; an update in place moves W⁽²⁾ too early.",
            {"gd_update": _in_place},
            same_as="in-place",
            on="the error behind an update, lr = 5",
            gives=[-0.1022, -0.1204],
        ),
        Mistake(
            "list-in-place",
            "new pairs put into the caller's list",
            "The arrays are new, the list is not: the caller's net has moved, and the gradients "
            "next to it belong to a place it has left. Build a new list.",
            {"gd_update": _list_in_place},
        ),
        Mistake(
            "bias-stays",
            "the bias not updated",
            "b is a parameter with a gradient of its own, db. If it stays, the unit's boundary can "
            "turn, but it remains tied to its start.",
            {"gd_update": _bias_stays},
            gives=[1],
            of="b⁽¹⁾",
        ),
        Mistake(
            "bias-ascent",
            "the plus sign for the bias",
            "Weights and biases go the same way, against their gradients: b − α db. Here the "
            "weights walk down while the biases climb.",
            {"gd_update": _bias_ascent},
            gives=[0.998],
            of="b⁽¹⁾",
        ),
        Mistake(
            "bias-whole-step",
            "no learning rate for the bias",
            "One α for all: W and b are one point θ, and its step is −α times the whole gradient. "
            "With another factor for b the direction is no longer downhill steepest.",
            {"gd_update": _bias_whole_step},
            gives=[1.0081],
            of="b⁽¹⁾",
        ),
        Mistake(
            "rate-squared",
            "the learning rate multiplied twice",
            "α enters once, in the step. If the gradients were scaled by it already, the step is "
            "α² long and training crawls.",
            {"gd_update": _rate_squared},
        ),
        Mistake(
            "divided-by-rate",
            "division by the learning rate",
            "A small α makes small steps: the gradient is multiplied by it. Divided, the smallest "
            "learning rate would take the longest step.",
            {"gd_update": _divided},
        ),
        Mistake(
            "only-the-step",
            "the step in place of the new parameters",
            "α dW is how far to walk. The new place is the old one minus that: W − α dW.",
            {"gd_update": _only_the_step},
        ),
        Mistake(
            "last-layer-first",
            "the gradients of the last layer given to the first",
            "The backward pass meets the last layer first, but grads[l] belongs to params[l]. A "
            "gradient has the shape of its variable, which shows the mix-up unless all are equal.",
            {"gd_update": _last_first},
        ),
        Mistake(
            "only-the-last-layer",
            "only the output layer updated",
            "Backpropagation exists to give the hidden layers a gradient too. Each pair (W, b) "
            "takes its step.",
            {"gd_update": _only_the_last},
        ),
    ),
    equivalent={
        "gd_update: _match(*) -> *": "_match only compares shapes, which fit in every case",
        "_match: *": "_match only compares shapes, which fit in every case",
        "gd_update: True -> False": "there are as many pairs of gradients as of parameters",
    },
)

# --------------------------------------------------------------------------------------
# gd-path (E5.2)

GIVEN = {
    "bowl": (
        "def bowl(theta):\n"
        '    """The gradient of 1.5 x² + y² + 2."""\n'
        "    return np.array([3.0, 2.0]) * theta\n"
    ),
    "tilted": (
        "def tilted(theta):\n"
        '    """The gradient of a bowl whose axes are not those of the parameters."""\n'
        "    return 1.3 * theta + 0.4 * np.sum(theta) - 0.7\n"
    ),
    "ripples": (
        "def ripples(theta):\n"
        '    """The gradient of a bowl with ripples."""\n'
        "    return 0.8 * theta + np.sin(2 * theta) + 0.3 * np.mean(theta)\n"
    ),
}
START = np.array([1.0, 1.0])

END = '''
def drive(fns, grad, theta0, eta, n):
    """The last row of the path."""
    return fns.gd_path(grad, theta0, eta, n)[-1]
'''


def _end(name: str, eta: float, n: int, gives: list[float]) -> Case:
    return worked(
        name,
        call("gd_path", Fn("bowl"), START, eta, n),
        driver=END,
        returns=Array("the last row", because="one entry for each parameter"),
        gives=gives,
    )


def path_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield paths on three surfaces, with several numbers of parameters and steps."""
    p, n, k = sizes(rng, 3, low=2, high=9)
    for name, dim, steps in (("tilted", p, n), ("ripples", k, p), ("tilted", n, n)):
        eta = float(rng.uniform(0.05, 0.4))
        asked = call("gd_path", Fn(name), generic(rng, dim), eta, steps)
        yield random(f"{name}: {dim} parameters, {steps} steps", asked)


def _path(
    grad: Any,
    theta0: Any,
    eta: float,
    n: int,
    *,
    step: Callable[[Any, Any, float], Any] = lambda grad, theta, eta: theta - eta * grad(theta),
) -> Any:
    """The path with another step."""
    path = [np.array(theta0)]
    for _ in range(n):
        path.append(step(grad, path[-1], eta))
    return np.array(path)


def _half_gradient(grad: Any, theta0: Any, eta: float, n: int) -> Any:
    return _path(grad, theta0, eta / 2, n)


def _climbing(grad: Any, theta0: Any, eta: float, n: int) -> Any:
    return _path(grad, theta0, -eta, n)


def _frozen(grad: Any, theta0: Any, eta: float, n: int) -> Any:
    slope = grad(theta0)
    return _path(grad, theta0, eta, n, step=lambda grad, theta, eta: theta - eta * slope)


def _one_step_less(grad: Any, theta0: Any, eta: float, n: int) -> Any:
    return _path(grad, theta0, eta, n - 1)


def _one_step_more(grad: Any, theta0: Any, eta: float, n: int) -> Any:
    return _path(grad, theta0, eta, n + 1)


def _start_lost(grad: Any, theta0: Any, eta: float, n: int) -> Any:
    return _path(grad, theta0, eta, n)[1:]


def _only_the_end(grad: Any, theta0: Any, eta: float, n: int) -> Any:
    return _path(grad, theta0, eta, n)[-1]


def _one_array(grad: Any, theta0: Any, eta: float, n: int) -> Any:
    theta = np.array(theta0)
    path = [theta]
    for _ in range(n):
        theta -= eta * grad(theta)
        path.append(theta)
    return np.array(path)


def _start_overwritten(grad: Any, theta0: Any, eta: float, n: int) -> Any:
    path = [theta0.copy()]
    for _ in range(n):
        theta0 -= eta * grad(theta0)
        path.append(theta0.copy())
    return np.array(path)


def _no_eta(grad: Any, theta0: Any, eta: float, n: int) -> Any:
    return _path(grad, theta0, 1.0, n)


def _one_by_one(grad: Any, theta0: Any, eta: float, n: int) -> Any:
    def step(grad: Any, theta: Any, eta: float) -> Any:
        theta = theta.copy()
        for i in range(theta.size):
            theta[i] -= eta * grad(theta)[i]
        return theta

    return _path(grad, theta0, eta, n, step=step)


def _from_the_start(grad: Any, theta0: Any, eta: float, n: int) -> Any:
    def step(grad: Any, theta: Any, eta: float) -> Any:
        return theta0 - eta * grad(theta)

    return _path(grad, theta0, eta, n, step=step)


def _transposed(grad: Any, theta0: Any, eta: float, n: int) -> Any:
    return _path(grad, theta0, eta, n).T


gd_path = Step(
    id="gd-path",
    title="Path of gradient descent",
    lesson="05-gradient-descent",
    equation="eq-gd-path",
    points=2,
    functions=(
        Function(
            "gd_path(grad, theta0, eta, n)",
            mlp_lib.gd_path,
            Array("path", because="the start and one row for each of the n steps, (n + 1, p)"),
        ),
    ),
    given=GIVEN,
    cases=(
        worked(
            "two steps in the bowl",
            call("gd_path", Fn("bowl"), START, 0.1, 2),
            gives=[[1, 1], [0.7, 0.8], [0.49, 0.64]],
        ),
        _end("where ten steps lead", 0.1, 10, [0.0282, 0.1074]),
        _end("η = 0.001, a thousand steps", 0.001, 1000, [0.0496, 0.1351]),
        _end("η = 0.665757, a hundred steps", 0.665757, 100, [0.7609, 0]),
        _end("η = 0.67, a hundred steps", 0.67, 100, [2.7048, 0]),
        edge("no step", call("gd_path", Fn("bowl"), np.array([0.6, -1.7]), 0.2, 0)),
        edge("one step", call("gd_path", Fn("bowl"), np.array([0.6, -1.7]), 0.2, 1)),
        edge("one parameter", call("gd_path", Fn("ripples"), np.array([1.3]), 0.15, 4)),
        edge("start at the minimum", call("gd_path", Fn("bowl"), np.zeros(2), 0.3, 3)),
        edge("learning rate 0", call("gd_path", Fn("tilted"), np.array([0.6, -1.7]), 0.0, 3)),
        edge("far beyond the limit", call("gd_path", Fn("bowl"), START, 3.0, 40)),
        edge(
            "a read-only start",
            call("gd_path", Fn("tilted"), View(np.array([0.6, -1.7, 0.35]), "readonly"), 0.2, 3),
        ),
        edge(
            "every second entry",
            call("gd_path", Fn("tilted"), View(np.array([0.6, -1.7, 0.35]), "strided"), 0.2, 3),
        ),
    ),
    generate=path_cases,
    mistakes=(
        Mistake(
            "half-gradient",
            "half of the gradient",
            "f = 1.5 x² + y² has the gradient (3x, 2y): the power rule brings down a 2. With "
            "(1.5x, y) every step is half as long as η says.",
            {"gd_path": _half_gradient},
            on="where ten steps lead",
            gives=[0.1969, 0.3487],
        ),
        Mistake(
            "climbing",
            "the plus sign",
            "The gradient points uphill. With θ + η ∇J every step makes J larger, and the steeper "
            "it gets, the longer the steps.",
            {"gd_path": _climbing},
            on="where ten steps lead",
            gives=[13.7858, 6.1917],
        ),
        Mistake(
            "frozen-gradient",
            "the gradient computed once, before the loop",
            "The slope changes with the place. Kept from θ₀ it leads straight on, past the "
            "minimum: compute ∇J(θₜ) anew before each step.",
            {"gd_path": _frozen},
            on="where ten steps lead",
            gives=[-2, -1],
        ),
        Mistake(
            "one-step-less",
            "n − 1 steps",
            "n steps give n + 1 places, the start included: ∇J is needed at θ₀, …, θₙ₋₁.",
            {"gd_path": _one_step_less},
            on="where ten steps lead",
            gives=[0.0404, 0.1342],
        ),
        Mistake(
            "diverges",
            "η = 0.67, just above the limit 2/3",
            "",
            {"gd_path": mlp_lib.gd_path},
            contrast=True,
            on="η = 0.67, a hundred steps",
            gives=[2.7048, 0],
        ),
        Mistake(
            "sign-flips",
            "η = 0.665757, just below the limit: still far, and the sign flips at each step",
            "",
            {"gd_path": mlp_lib.gd_path},
            contrast=True,
            on="η = 0.665757, a hundred steps",
            gives=[0.7609, 0],
        ),
        Mistake(
            "one-step-more",
            "n + 1 steps",
            "The start is the first of the n + 1 rows, so only n gradients are needed. The last "
            "row is θₙ.",
            {"gd_path": _one_step_more},
            on="where ten steps lead",
            gives=[0.0198, 0.0859],
        ),
        Mistake(
            "start-lost",
            "the start left out of the path",
            "Row t is θₜ, so row 0 is θ₀: the place at which the first gradient is taken belongs "
            "to the path.",
            {"gd_path": _start_lost},
        ),
        Mistake(
            "only-the-end",
            "the last place in place of the path",
            "All places are asked for, one row each: they show whether descent crawls, jumps to "
            "and fro or explodes.",
            {"gd_path": _only_the_end},
            gives=[0.49, 0.64],
        ),
        Mistake(
            "one-array",
            "one array stored n + 1 times",
            "θ −= … moves the array that is in the list already, so all rows show the last place. "
            "θ = θ − η ∇J(θ) makes a new one for each step.",
            {"gd_path": _one_array},
            gives=[[0.49, 0.64], [0.49, 0.64], [0.49, 0.64]],
        ),
        Mistake(
            "start-overwritten",
            "the caller's start moved",
            "The path is right, but θ −= … has moved theta0 too, and a second run with another η "
            "would begin where this one ended. Write θ = θ − η ∇J(θ).",
            {"gd_path": _start_overwritten},
        ),
        Mistake(
            "no-eta",
            "the learning rate left out",
            "A step with η = 1 is beyond the limit 2/λ of every direction with a curvature above "
            "2, and there each step leads farther away.",
            {"gd_path": _no_eta},
        ),
        Mistake(
            "one-by-one",
            "the parameters moved one after the other",
            "All entries of the gradient belong to one place. If the first parameter has moved "
            "before the second slope is taken, this is another method, like new weights in a "
            "backward pass.",
            {"gd_path": _one_by_one},
            shows_on=("random", "edge"),
        ),
        Mistake(
            "from-the-start",
            "every step taken from θ₀",
            "Each step starts where the last one ended: θₜ₊₁ = θₜ − η ∇J(θₜ), with θₜ in both "
            "places.",
            {"gd_path": _from_the_start},
        ),
        Mistake(
            "transposed",
            "one column for each step",
            "A row is a place: path[t] should be θₜ, with p entries.",
            {"gd_path": _transposed},
            gives=[[1, 0.7, 0.49], [1, 0.8, 0.64]],
        ),
    ),
    equivalent={
        "gd_path: np.asarray(grad(theta), *) -> grad(theta)": "the given gradients are arrays",
    },
)

# --------------------------------------------------------------------------------------
# minibatches (E5.3)

# A driver takes at most 100 batches, so that an iterator without an end does not matter.
EPOCH = """
import itertools

def drive(fns, X, Y, b, rng, epochs=1):
    sizes, xs, ys = [], [], []
    for _ in range(epochs):
        for x, y in itertools.islice(fns.iterate_minibatches(X, Y, b, rng), 100):
            sizes.append(len(x))
            xs.append(x)
            ys.append(y)
    sizes = np.array(sizes, dtype=int)
    return {"sizes": sizes, "X": np.concatenate(xs), "Y": np.concatenate(ys)}
"""

SIZES = """
import itertools

def drive(fns, X, Y, b, rng):
    batches = itertools.islice(fns.iterate_minibatches(X, Y, b, rng), 100)
    return np.array([len(x) for x, y in batches], dtype=int)
"""

PAIRED = '''
import itertools

def drive(fns, X, Y, b, rng):
    """The fraction of rows of X that are still beside their target; Y repeats X."""
    batches = list(itertools.islice(fns.iterate_minibatches(X, Y, b, rng), 100))
    return np.mean([row == target for x, y in batches for row, target in zip(x, y)])
'''

DISTINCT = '''
import itertools

def drive(fns, X, Y, b, rng):
    """How many different rows an epoch shows."""
    batches = itertools.islice(fns.iterate_minibatches(X, Y, b, rng), 100)
    return len({float(row[0]) for x, y in batches for row in x})
'''

PULL = '''
import itertools

def drive(fns, X, Y, b, rng):
    """How far the first b examples move a parameter, in units of the learning rate.

    Y holds the slope of each example, and one update walks along the mean slope of a batch.
    """
    moved = seen = 0
    for x, y in itertools.islice(fns.iterate_minibatches(X, Y, b, rng), 100):
        moved += np.mean(y)
        seen += len(x)
        if seen >= b:
            return moved
'''

BATCHES = Fields(
    sizes=Array("sizes", because="⌈m/b⌉ batches, the last may be shorter", kind="integer"),
    X=Array("X, batch after batch", because="every example once in an epoch"),
    Y=Array("Y, batch after batch", because="every target once in an epoch"),
)
TEN = np.arange(10.0)[:, None]
DATA = (np.linspace(-1.7, 1.9, 14).reshape(7, 2), np.eye(3)[[0, 2, 1, 1, 0, 2, 2]])


def what_became_of_the_rows(answer: Answer) -> str | None:
    """Say in words what is wrong with an epoch: rows lost, pairs torn apart, or another order."""
    if alike(answer.value, answer.expected):
        return None
    X, Y = np.asarray(answer.args["X"]), np.asarray(answer.args["Y"])
    x, y = np.asarray(answer.value["X"]), np.asarray(answer.value["Y"])
    m = len(X)
    rows = [tuple(row) for row in X]
    if sorted(map(tuple, x[:m])) != sorted(rows):
        missing = len(set(rows) - set(map(tuple, x[:m])))
        return f"One epoch shows every example once; yours leaves out {missing} of {m}."
    found = [rows.index(tuple(row)) for row in x]
    if not np.array_equal(y, Y[found]):
        apart = int((y != Y[found]).any(axis=1).sum())
        return f"{apart} of {len(x)} examples are no longer beside their targets."
    if found == list(range(m)) * (len(x) // m):
        return "The examples come in the order in which they were given: they are not shuffled."
    return "The order of the examples is not the one that rng.permutation(m) gives."


def _epoch(make: Callable[..., Case], name: str, X: Any, Y: Any, b: int, seed: int) -> Case:
    return make(
        name,
        call("iterate_minibatches", X, Y, b, RngArg(seed)),
        driver=EPOCH,
        returns=BATCHES,
        rules=(what_became_of_the_rows,),
    )


def _seen(name: str, driver: str, returns: Any, gives: Any, Y: Any = TEN, b: int = 4) -> Case:
    asked = call("iterate_minibatches", TEN[: len(Y)], Y, b, RngArg(0))
    return worked(name, asked, driver=driver, returns=returns, gives=gives)


def minibatch_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield an epoch with a shorter last batch, one without, and one with m = d = K."""
    b, d, K = sizes(rng, 3, low=2, high=6)
    times = int(rng.integers(2, 4))
    for m, n_in, n_out, size in (
        (times * b + int(rng.integers(1, b)), d, K, b),
        (times * b, d, K, b),
        (6, 6, 6, int(rng.integers(2, 6))),
    ):
        X, Y = generic(rng, m, n_in), targets(rng, m, n_out)
        yield _epoch(random, f"m = {m}, b = {size}", X, Y, size, int(rng.integers(1, 1_000_000)))
    m, size = int(rng.integers(20, 500)), int(rng.integers(3, 12))
    for examples in (m * size, m * size + 1, m * size + size // 2 + 1):
        asked = call("updates_per_epoch", examples, size)
        yield random(f"m = {examples}, b = {size}: updates", asked)


def _batches(
    X: Any,
    Y: Any,
    b: int,
    rng: Any,
    *,
    order: Callable[[int, Any], Any] = lambda m, rng: rng.permutation(m),
    cut: Callable[[int, int], Any] = lambda m, b: range(0, m, b),
) -> Any:
    """The iterator with another order, or with other cuts."""
    rows = order(len(X), rng)
    for start in cut(len(X), b):
        yield X[rows[start : start + b]], Y[rows[start : start + b]]


def _drop_last(X: Any, Y: Any, b: int, rng: Any) -> Any:
    return _batches(X, Y, b, rng, cut=lambda m, b: range(0, m - m % b, b))


def _two_orders(X: Any, Y: Any, b: int, rng: Any) -> Any:
    of_X, of_Y = rng.permutation(len(X)), rng.permutation(len(Y))
    for start in range(0, len(X), b):
        yield X[of_X[start : start + b]], Y[of_Y[start : start + b]]


def _only_X(X: Any, Y: Any, b: int, rng: Any) -> Any:
    order = rng.permutation(len(X))
    for start in range(0, len(X), b):
        yield X[order[start : start + b]], Y[start : start + b]


def _replaced(X: Any, Y: Any, b: int, rng: Any) -> Any:
    return _batches(X, Y, b, rng, order=lambda m, rng: rng.integers(m, size=m))


def _not_shuffled(X: Any, Y: Any, b: int, rng: Any) -> Any:
    return _batches(X, Y, b, rng, order=lambda m, rng: np.arange(m))


def _fixed_seed(X: Any, Y: Any, b: int, rng: Any) -> Any:
    return _batches(X, Y, b, np.random.default_rng(0))


def _single_examples(X: Any, Y: Any, b: int, rng: Any) -> Any:
    for i in rng.permutation(len(X)):
        yield X[i : i + 1], Y[i : i + 1]


def _last_filled_up(X: Any, Y: Any, b: int, rng: Any) -> Any:
    order = rng.permutation(len(X))
    for start in range(0, len(X), b):
        rows = np.take(order, range(start, start + b), mode="wrap")
        yield X[rows], Y[rows]


def _first_only(X: Any, Y: Any, b: int, rng: Any) -> Any:
    return next(_batches(X, Y, b, rng))


def _shuffled_in_place(X: Any, Y: Any, b: int, rng: Any) -> Any:
    order = rng.permutation(len(X))
    X[:], Y[:] = X[order], Y[order]
    for start in range(0, len(X), b):
        yield X[start : start + b], Y[start : start + b]


def _b_batches(X: Any, Y: Any, b: int, rng: Any) -> Any:
    order = rng.permutation(len(X))
    for rows in np.array_split(order, b):
        yield X[rows], Y[rows]


minibatches = Step(
    id="minibatches",
    title="Mini-batches",
    lesson="05-gradient-descent",
    equation="eq-minibatch",
    points=3,
    functions=(
        Function(
            "iterate_minibatches(X, Y, b, rng)",
            mlp_lib.iterate_minibatches,
            BATCHES,
        ),
        Function("updates_per_epoch(m, b)", mlp_lib.updates_per_epoch, Integer("updates")),
    ),
    cases=(
        _seen("m = 10, b = 4: sizes", SIZES, BATCHES.items["sizes"], [4, 4, 2]),
        _seen("m = 10, b = 4: different examples", DISTINCT, Integer("different rows"), 10),
        _seen("m = 10, b = 4: still beside its target", PAIRED, Number("fraction"), 1.0),
        _seen(
            "m = 8, b = 4: the way of the first 4 examples",
            PULL,
            Number("way"),
            1.0,
            Y=np.ones((8, 1)),
        ),
        _epoch(worked, "m = 7, b = 3", *DATA, 3, 5),
        worked("m = 10, b = 4: updates", call("updates_per_epoch", 10, 4), gives=3),
        worked("m = 1000, b = 32: updates", call("updates_per_epoch", 1000, 32), gives=32),
        _epoch(edge, "one batch, b = m", *DATA, 7, 2),
        _epoch(edge, "single examples, b = 1", *DATA, 1, 3),
        _epoch(edge, "one example, m = b = 1", DATA[0][:1], DATA[1][:1], 1, 4),
        _epoch(edge, "a last batch of one", *DATA, 6, 8),
        _epoch(edge, "read-only", View(DATA[0], "readonly"), View(DATA[1], "readonly"), 2, 6),
        _epoch(
            edge, "stored differently", View(DATA[0], "fortran"), View(DATA[1], "strided"), 4, 9
        ),
        edge(
            "two epochs",
            call("iterate_minibatches", *DATA, 3, RngArg(11), epochs=2),
            driver=EPOCH,
            returns=BATCHES,
            rules=(what_became_of_the_rows,),
        ),
        edge("m = 12, b = 4: updates", call("updates_per_epoch", 12, 4), gives=3),
        edge("one batch: updates", call("updates_per_epoch", 9, 9), gives=1),
        edge("single examples: updates", call("updates_per_epoch", 9, 1), gives=9),
        edge("one example: updates", call("updates_per_epoch", 1, 1), gives=1),
    ),
    generate=minibatch_cases,
    mistakes=(
        Mistake(
            "not-whole",
            "m/b, which need not be whole",
            "An update happens or it does not. A shorter last batch gives a gradient as well, so "
            "the number is m/b rounded up.",
            {"updates_per_epoch": lambda m, b: m / b},
            equation="eq-updates-per-epoch",
            gives=2.5,
        ),
        Mistake(
            "rounded-down",
            "m/b rounded down",
            "The examples that do not fill a batch still have something to say: their shorter "
            "batch is one more update.",
            {"updates_per_epoch": lambda m, b: m // b},
            equation="eq-updates-per-epoch",
            gives=2,
        ),
        Mistake(
            "one-too-many",
            "m // b + 1",
            "Right only where a rest remains. If b divides m, there is no shorter batch, and the "
            "extra update would have no examples to take a gradient of.",
            {"updates_per_epoch": lambda m, b: m // b + 1},
            equation="eq-updates-per-epoch",
            shows_on=("random", "edge"),
        ),
        Mistake(
            "rounded",
            "m/b rounded to the nearest number",
            "A rest of fewer than b/2 examples is a batch too. Round up, so that every example has "
            "its part in the gradients of an epoch.",
            {"updates_per_epoch": lambda m, b: math.floor(m / b + 0.5)},
            equation="eq-updates-per-epoch",
        ),
        Mistake(
            "last-batch-dropped",
            "the shorter last batch dropped",
            "Its examples would send no error back in this epoch. A batch may have any size; the "
            "mean over it keeps the gradient in scale.",
            {"iterate_minibatches": _drop_last},
            gives=[4, 4],
            on="m = 10, b = 4: sizes",
        ),
        Mistake(
            "two-permutations",
            "X and Y shuffled with two permutations",
            "An example must stay beside its target. Otherwise ŷ − y compares it with the target "
            "of another one, and the net learns noise: draw one order, use it for both.",
            {"iterate_minibatches": _two_orders},
            on="m = 10, b = 4: still beside its target",
            gives=0.1,
        ),
        Mistake(
            "targets-not-shuffled",
            "only X shuffled",
            "The targets have to move with their examples: the same rows of X and of Y, or the "
            "error ŷ − y belongs to nobody.",
            {"iterate_minibatches": _only_X},
        ),
        Mistake(
            "with-replacement",
            "batches drawn with replacement",
            "In an epoch every example is seen once, so that the batch gradients average to the "
            "full gradient exactly. Drawn with replacement, some come twice and some not at all.",
            {"iterate_minibatches": _replaced},
            on="m = 10, b = 4: different examples",
            gives=7,
        ),
        Mistake(
            "summed",
            "one update for each example of a batch",
            "b updates in a row add up the gradients of a batch where their mean is meant: the "
            "effective learning rate is b times as large. A batch gives one mean and one update.",
            {"iterate_minibatches": _single_examples},
            on="m = 8, b = 4: the way of the first 4 examples",
            gives=4,
        ),
        Mistake(
            "not-shuffled",
            "the examples in the order of the data",
            "Data often come sorted by class. Then a batch knows one class only, and its gradient "
            "is a bad estimate of the full one: draw a new order for each epoch.",
            {"iterate_minibatches": _not_shuffled},
        ),
        Mistake(
            "fixed-seed",
            "a generator of one's own with a fixed seed",
            "The order has to come from rng, which moves on: with a fixed seed every epoch is cut "
            "into the same batches, and their gradients err the same way each time.",
            {"iterate_minibatches": _fixed_seed},
        ),
        Mistake(
            "last-batch-filled",
            "the last batch filled up with examples seen before",
            "Those examples count twice in this epoch, and the batch gradients no longer average "
            "to the full one. The last batch may be shorter.",
            {"iterate_minibatches": _last_filled_up},
            on="m = 10, b = 4: sizes",
            gives=[4, 4, 4],
        ),
        Mistake(
            "first-batch-only",
            "one batch, and the end",
            "return ends the function at the first batch. An epoch has ⌈m/b⌉ of them, one gradient "
            "each: yield each batch, or return a list of all.",
            {"iterate_minibatches": _first_only},
        ),
        Mistake(
            "shuffled-in-place",
            "the caller's data shuffled",
            "The batches are right, but X and Y now stand in another order: whoever compares "
            "losses or gradients example by example is misled. Index with the order.",
            {"iterate_minibatches": _shuffled_in_place},
        ),
        Mistake(
            "b-batches",
            "b batches in place of batches of b",
            "b is the number of examples in a batch, over which the gradient is averaged. The "
            "number of batches follows from it, ⌈m/b⌉.",
            {"iterate_minibatches": _b_batches},
        ),
    ),
    equivalent={
        "iterate_minibatches: np.asarray(?) -> *": "X and Y are arrays in every case",
    },
)

STEPS = (gd_update, gd_path, minibatches)
