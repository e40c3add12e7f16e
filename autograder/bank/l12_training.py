# ruff: noqa: ARG001 - a wrong implementation may well ignore an argument
"""Lesson 12: the training loop, learned XOR, and functions approximated by three units.

Right code has one trajectory, because the start is given or drawn in a stated order. So a few
epochs are compared number by number, and only two runs are long.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

import mlp_lib
from autograder.engine.generators import generic, layer_sizes, row_net, sizes, targets
from autograder.engine.step import (
    Answer,
    Array,
    Case,
    Function,
    Integer,
    Layers,
    Mistake,
    Number,
    Quantity,
    Several,
    Step,
    Text,
    call,
    edge,
    random,
    worked,
)
from autograder.inside.runner import Fn, RngArg, Tree, View
from mlp_lib._types import Params

PARAMS = Layers(Several(Array("W", like="W"), Array("b", like="b")))
# Why some mutants of the references compute the same.
REFUSES = "only refuses what no case passes"

DRIFT = (
    "‖yours − ours‖ ≤ 1e-8 ‖ours‖ + 1e-10: rounding grows along hundreds of updates, to about "
    "1e-12, and every mistake is much further off"
)

# --------------------------------------------------------------------------------------
# the training loop (E12.1)

X, Y = mlp_lib.xor()
W1 = np.array([[0.5, -1.0, 0.8, 0.3], [-0.4, 0.9, 0.6, -1.2]])
W2 = np.array([[0.7], [-0.6], [1.1], [0.2]])
START: Params = [(W1, np.zeros((1, 4))), (W2, np.zeros((1, 1)))]

SEVEN = np.array(
    [[0.8, -1.9], [0.3, 0.7], [1.6, 0.5], [-0.4, 0.6], [1.2, -0.9], [-1.3, -0.6], [0.45, 1.4]]
)
THREE = np.eye(3)[[1, 0, 2, 2, 1, 0, 1]]
DEEP: Params = [
    (np.array([[0.5, -0.7, 0.3, 1.2], [-0.4, 0.9, -0.6, 0.25]]), np.array([[0.1, -0.2, 0.3, 0.4]])),
    (
        np.array([[0.6, -0.35], [-0.8, 0.45], [0.7, 0.2], [-0.15, 1.1]]),
        np.array([[0.35, -0.3]]),
    ),
    (np.array([[0.9, -0.5, 0.65], [-0.45, 0.75, 0.3]]), np.array([[-0.1, 0.2, 0.15]])),
]

LOSSES = """
def drive(fns, X, Y, params0, lr, epochs):
    _, history = fns.train_mlp(X, Y, params0, lr, epochs)
    return [history[step] for step in (0, 1, 4, 200)]
"""


def training_stations(value: Any, args: Mapping[str, Any]) -> Iterator[Quantity]:
    """List the losses in the order in which they are met: a wrong update shows in the next."""
    losses = np.asarray(value[1])
    for step, loss in enumerate(losses):
        label, before = f"history[{step}]", f"history[{step - 1}]"
        if step == 0:
            rule = "the mean loss of params0 over all examples, before any update"
            yield Quantity(label, loss, "", rule, "eq-mean-loss")
        else:
            rule = "forward, backward and update, for every batch once"
            yield Quantity(label, loss, before, rule, "eq-training-loop")


def _data(rng: np.random.Generator, m: int, n: int, K: int, output: str) -> tuple[Any, Any]:
    """Draw m examples with targets that suit the output."""
    examples = generic(rng, m, n)
    if output == "softmax":
        return examples, targets(rng, m, K)
    if output == "sigmoid":
        yes = (rng.random((m, K)) < 0.5).astype(np.float64)
        yes[0], yes[-1] = 0.0, 1.0
        return examples, yes
    return examples, generic(rng, m, K)


def training_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield a full batch, and mini-batches of which the last is shorter, one net all square."""
    hidden, other = rng.permutation(["sigmoid", "relu", "softplus"])[:2].tolist()
    plans: tuple[tuple[int, bool, int | None, dict[str, Tree], str], ...] = (
        (2, False, None, {}, "sigmoid"),
        (3, False, 3, {"hidden": hidden, "output": "softmax"}, "softmax"),
        (2, True, 4, {"hidden": "tanh"}, "sigmoid"),
        (2, True, None, {"hidden": other, "output": "softmax"}, "softmax"),
    )
    for L, square, b, options, output in plans:
        n = layer_sizes(rng, L, square=square)
        m = int(rng.choice([m for m in (7, 8, 10, 11) if m not in n and m % (b or 1) != 1]))
        examples, aims = _data(rng, m, n[0], n[-1], output)
        lr, epochs = round(float(rng.uniform(0.2, 0.8)), 2), int(rng.integers(5, 8))
        title = f"{m} examples, " + "-".join(map(str, n))
        if b is not None:
            options = {**options, "b": b, "rng": RngArg(int(rng.integers(1000)))}
            title += f", batches of {b}"
        title += "".join(f", {options[key]}" for key in ("hidden", "output") if key in options)
        params0 = row_net(rng, n, scale=0.7)
        yield random(title, call("train_mlp", examples, aims, params0, lr, epochs, **options))


def _view(tree: Tree, how: str) -> Tree:
    if isinstance(tree, np.ndarray):
        return View(tree, how)
    return type(tree)(_view(item, how) for item in tree)


Train = Callable[..., Any]


def _loop(slip: str) -> Train:
    """The training loop with one slip: what the mistakes below have in common."""

    def train_mlp(
        X: Any,
        Y: Any,
        params0: Any,
        lr: Any,
        epochs: Any,
        b: Any = None,
        rng: Any = None,
        hidden: str = "tanh",
        output: str = "sigmoid",
    ) -> Any:
        X, Y = np.asarray(X), np.asarray(Y)
        if slip == "names-ignored":
            hidden, output = "tanh", "sigmoid"
        g = mlp_lib.ACTIVATIONS[hidden]
        params: Params = [(np.array(W), np.array(c)) for W, c in params0]
        start, history = params, []
        sums: Params = [(0.0 * W, 0.0 * c) for W, c in params]
        order = None if b is None or slip != "one-order" else rng.permutation(len(X))
        for _ in range(epochs - 1 if slip == "epoch-lost" else epochs):
            if slip == "anew":
                params = start
            if slip not in ("late", "batch-loss"):
                at = start if slip == "loss-of-start" else params
                history.append(_loss(_forward(X, at, hidden, output)[-1], Y, output))
            if slip == "anew-after-the-loss":
                params = start
            met = []
            for rows, aims in _batches(len(X), b, rng, order, slip):
                Xb, Yb = (X, Y) if slip == "all-in-every-batch" else (X[rows], Y[aims])
                cache = _forward(Xb, start if slip == "stale" else params, hidden, output)
                met.append(len(Xb) * _loss(cache[-1], Yb, output))
                grads = _gradients(params, cache, Yb, lr, g, output, slip)
                if slip == "kept":
                    grads = mlp_lib.add_grads(sums, grads)
                    sums = grads
                if slip in ("no-bias", "bias-up"):
                    sign = 0.0 if slip == "no-bias" else -1.0
                    grads = [(dW, sign * db) for dW, db in grads]
                if slip == "last-layer-only":
                    grads = [(0.0 * dW, 0.0 * db) for dW, db in grads[:-1]] + grads[-1:]
                rate = -lr if slip == "ascent" else lr
                params = [
                    (W - rate * dW, c - rate * db)
                    for (W, c), (dW, db) in zip(params, grads, strict=True)
                ]
            if slip == "batch-loss":
                history.append(sum(met) / len(X))
            if slip == "late":
                history.append(_loss(_forward(X, params, hidden, output)[-1], Y, output))
        return params, history

    return train_mlp


def _softmax(Z: Any) -> Any:
    E = np.exp(Z - Z.max(axis=-1, keepdims=True))
    return E / E.sum(axis=-1, keepdims=True)


OUTPUTS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda Z: Z,
    "sigmoid": lambda Z: 0.5 * (1.0 + np.tanh(0.5 * Z)),
    "softmax": _softmax,
}
"""As the problem set gives them: where a slip makes the loss grow without end, it matters how a
probability is rounded, and that nothing is refused.
"""


def _forward(X: Any, params: Any, hidden: str, output: str) -> list[Any]:
    """X, z⁽¹⁾, a⁽¹⁾, …, z⁽ᴸ⁾, Ŷ, with the functions of the problem set."""
    g = mlp_lib.ACTIVATIONS[hidden].f if hidden != "sigmoid" else OUTPUTS["sigmoid"]
    met = [np.asarray(X)]
    with np.errstate(all="ignore"):
        for k, (W, c) in enumerate(params, start=1):
            Z = met[-1] @ W + c
            met += [Z, g(Z) if k < len(params) else OUTPUTS[output](Z)]
    return met


def _loss(Yhat: Any, Y: Any, output: str) -> float:
    """The mean loss of the problem set."""
    m = len(Y)
    with np.errstate(all="ignore"):
        if output == "identity":
            return float(np.mean((Yhat - Y) ** 2))
        P = np.maximum(Yhat, 1e-12)
        if output == "softmax":
            return float(-np.sum(Y * np.log(P)) / m)
        return float(-np.sum(Y * np.log(P) + (1 - Y) * np.log(np.maximum(1 - Yhat, 1e-12))) / m)


def _batches(m: int, b: Any, rng: Any, order: Any, slip: str) -> list[tuple[Any, Any]]:
    """Return the rows of X and of Y of every batch."""
    every = np.arange(m)
    if b is None or slip == "b-ignored":
        return [(every, every)]
    if slip == "replaced":
        order = rng.choice(m, m)
    if slip == "not-shuffled":
        order = every
    order = rng.permutation(m) if order is None else order
    starts = range(0, m - b + 1, b) if slip == "short-batch-lost" else range(0, m, b)
    if slip == "one-batch":
        starts = range(1)
    aims = every if slip == "targets-left" else order
    return [(order[i : i + b], aims[i : i + b]) for i in starts]


def _gradients(
    params: Any, cache: Any, Y: Any, lr: float, g: Any, output: str, slip: str
) -> list[Any]:
    A, Z, Yhat, m = cache[::2], cache[1::2], cache[-1], len(Y)
    dZ = (Yhat - Y) / {"sum": 1, "mean-twice": m * m}.get(slip, m)
    if output == "identity" and slip != "half-mse":
        dZ = dZ * 2 / Y.shape[1]
    if slip == "mse-slope" and output != "identity":
        dZ = dZ * Yhat * (1 - Yhat)
    grads: list[Any] = []
    for k in reversed(range(len(params))):
        W, _ = params[k]
        dW = A[k].T @ dZ
        grads.insert(0, (dW, dZ.sum(axis=0, keepdims=True)))
        if k:
            if slip == "new-weights":
                W = W - lr * dW
            with np.errstate(all="ignore"):
                slope = g.df(Z[k - 1])
            if slip == "no-slope":
                slope = 1.0
            if slip == "plus" and g.name == "tanh":
                slope = 1 + A[k] ** 2
            if slip == "always-tanh":
                slope = 1 - A[k] ** 2
            dZ = dZ @ W.T * slope
    return grads


def _params0_changed(
    X: Any,
    Y: Any,
    params0: Any,
    lr: Any,
    epochs: Any,
    b: Any = None,
    rng: Any = None,
    hidden: str = "tanh",
    output: str = "sigmoid",
) -> Any:
    params, history = mlp_lib.train_mlp(X, Y, params0, lr, epochs, b, rng, hidden, output)
    for (W, c), (W_new, c_new) in zip(params0, params, strict=True):
        W[...], c[...] = W_new, c_new
    return params0, history


PATH = "the path of the loss, steps 0, 1, 4 and 200"


def _slip(id: str, name: str, hint: str, slip: str, **options: Any) -> Mistake:
    if "gives" in options:
        options["on"] = PATH
    return Mistake(id, name, hint, {"train_mlp": _loop(slip)}, **options)


train_mlp = Step(
    id="train-mlp",
    title="Training loop",
    lesson="12-training",
    equation="eq-training-loop",
    points=4,
    functions=(
        Function(
            "train_mlp(X, Y, params0, lr, epochs, b=None, rng=None, hidden='tanh', "
            "output='sigmoid')",
            mlp_lib.train_mlp,
            Several(
                PARAMS,
                Array("history", because="one loss for each epoch", list_ok=True),
            ),
            parts="outputs",
            trace=training_stations,
        ),
    ),
    cases=(
        worked("the first twenty steps on XOR", call("train_mlp", X, Y, START, 1.0, 20)),
        worked(
            PATH,
            call("train_mlp", X, Y, START, 1.0, 201),
            driver=LOSSES,
            returns=Array("history", list_ok=True, rtol=1e-8, atol=1e-10, why=DRIFT),
            part="history",
            gives=[0.751206, 0.682439, 0.631681, 0.020246],
            repeat=False,
        ),
        edge("no epochs", call("train_mlp", X, Y, START, 1.0, 0)),
        edge("learning rate 0", call("train_mlp", X, Y, START, 0.0, 3)),
        edge("one example", call("train_mlp", SEVEN[:1], np.ones((1, 1)), START, 0.5, 4)),
        edge(
            "no hidden layer",
            call(
                "train_mlp",
                SEVEN,
                THREE,
                [(DEEP[0][0][:, :3], DEEP[0][1][:, :3])],
                0.6,
                5,
                output="softmax",
            ),
        ),
        edge(
            "regression, three outputs",
            call("train_mlp", SEVEN, 1.5 * THREE - 0.4, DEEP, 0.1, 5, output="identity"),
        ),
        edge(
            "two sigmoids at the output",
            call("train_mlp", SEVEN, THREE[:, :2], DEEP[:2], 0.7, 4, hidden="relu"),
        ),
        edge(
            "batches of one",
            call("train_mlp", SEVEN, THREE, DEEP, 0.3, 3, 1, RngArg(5), output="softmax"),
        ),
        edge(
            "one batch of all examples",
            call("train_mlp", SEVEN, THREE, DEEP, 0.4, 4, b=7, rng=RngArg(6), output="softmax"),
        ),
        edge(
            "a linear network",
            call("train_mlp", SEVEN, THREE, DEEP, 0.2, 4, hidden="identity", output="softmax"),
        ),
        edge(
            "read-only arrays",
            call("train_mlp", *_view((SEVEN, THREE, DEEP), "readonly"), 0.5, 3, output="softmax"),
        ),
        edge(
            "every second entry",
            call("train_mlp", *_view((SEVEN, THREE, DEEP), "strided"), 0.5, 3, output="softmax"),
        ),
    ),
    generate=training_cases,
    mistakes=(
        _slip(
            "ascent",
            "the update with a plus",
            "The gradient points uphill. W − α dW goes down; with a plus the first loss is right "
            "and every later one is larger.",
            "ascent",
            equation="eq-gd-update",
            gives=[0.751206, 0.858585, 2.150116, 13.815522],
        ),
        _slip(
            "summed",
            "the gradient summed over the examples",
            "The loss is a mean, so its gradient has the factor 1/m, once, at the output. Without "
            "it the step is m times as long; on XOR it even ends lower, on another path.",
            "sum",
            equation="eq-layer-deltas",
            gives=[0.751206, 0.684145, 0.755691, 0.003159],
        ),
        _slip(
            "new-weights-on-the-way-back",
            "a new W used while propagating backwards",
            "The backward pass differentiates the forward pass that has just run, with its "
            "weights. Compute all gradients first, then update all layers at once.",
            "new-weights",
            gives=[0.751206, 0.686425, 0.633781, 0.020123],
        ),
        _slip(
            "gradients-kept",
            "gradients added up over the updates",
            "Each update uses the gradient of this batch at these weights. Old gradients belong "
            "to weights that are gone: start every backward pass from nothing.",
            "kept",
            gives=[0.751206, 0.682439, 0.620261, 0.353911],
        ),
        _slip(
            "started-anew",
            "the parameters reset in every epoch",
            "The starting point is chosen once, before the loop. Set again inside it, every "
            "update is undone and the loss never moves.",
            "anew",
            gives=[0.751206, 0.751206, 0.751206, 0.751206],
        ),
        _slip(
            "started-anew-after-the-loss",
            "the parameters reset after the loss is noted",
            "The starting point is chosen once, before the loop. Set again inside it, every epoch "
            "begins where the first one did, and the loss moves once.",
            "anew-after-the-loss",
        ),
        _slip(
            "stale-forward-pass",
            "the forward pass of params0 in every update",
            "The gradient belongs to the weights that are there now. Forward again before every "
            "backward pass, with the params of the last update.",
            "stale",
        ),
        _slip(
            "loss-of-the-start",
            "the loss of params0 noted in every epoch",
            "history is to show how the loss changes while the params do: take the forward pass "
            "with the params of this epoch.",
            "loss-of-start",
            equation="eq-mean-loss",
            gives=[0.751206, 0.751206, 0.751206, 0.751206],
        ),
        _slip(
            "mean-twice",
            "the gradient divided by m twice",
            "`backward` gives the gradient of the mean loss: the 1/m is in it. Divided once more, "
            "every step is m times too short.",
            "mean-twice",
            equation="eq-layer-deltas",
        ),
        _slip(
            "last-layer-only",
            "only the last layer updated",
            "Every layer has its gradient and its step. With the hidden layers left at their "
            "start, a linear model is trained on features drawn at random.",
            "last-layer-only",
        ),
        _slip(
            "bias-up",
            "the biases moved uphill",
            "W and b are updated alike: minus the learning rate times the gradient.",
            "bias-up",
            equation="eq-gd-update",
        ),
        _slip(
            "epoch-lost",
            "one epoch too few",
            "`epochs` says how often the whole loop runs: range(epochs), which counts from 0 to "
            "epochs − 1.",
            "epoch-lost",
        ),
        _slip(
            "one-batch-an-epoch",
            "one batch in every epoch",
            "An epoch meets every example once: ⌈m/b⌉ batches, each with its update.",
            "one-batch",
            equation="eq-updates-per-epoch",
            shows_on=("random", "edge"),
        ),
        _slip(
            "all-in-every-batch",
            "the gradient of all examples in every batch",
            "Each update of an epoch sees its own b examples: pick the rows of X and of Y that "
            "belong to this batch, for the forward and for the backward pass.",
            "all-in-every-batch",
            equation="eq-minibatch",
            shows_on=("random", "edge"),
        ),
        _slip(
            "drawn-with-replacement",
            "examples drawn with replacement",
            "rng.choice(m, m) takes some examples twice and others not at all. An epoch meets "
            "every example once: rng.permutation(m).",
            "replaced",
            equation="eq-minibatch",
            shows_on=("random", "edge"),
        ),
        _slip(
            "names-ignored",
            "tanh and sigmoid whatever hidden and output are",
            "The forward and the backward pass go through the functions that hidden and output "
            "name: hand both names on.",
            "names-ignored",
            shows_on=("random", "edge"),
        ),
        _slip(
            "no-bias-update",
            "biases never updated",
            "A bias is a parameter like a weight: b − α db, with db the sum of the rows of dZ. "
            "Left at its start it keeps every unit's line through the same point.",
            "no-bias",
            equation="eq-gd-update",
            gives=[0.751206, 0.712124, 0.665422, 0.1926],
        ),
        _slip(
            "tanh-slope-plus",
            "1 + tanh² as the slope",
            "tanh′ = 1 − tanh²: a saturated unit is flat and lets no error through. With the plus "
            "it amplifies the error instead.",
            "plus",
            equation="eq-d-tanh",
            gives=[0.751206, 0.720613, 0.713663, 0.693269],
        ),
        _slip(
            "no-slope",
            "g′ left out in the hidden layers",
            "dZ Wᵀ is dA. Before it meets the weights of its layer it passes the activation: dZ = "
            "dA ⊙ g′(Z).",
            "no-slope",
            equation="eq-layer-deltas",
            gives=[0.751206, 0.701955, 0.684677, 0.684899],
        ),
        _slip(
            "slope-of-tanh-always",
            "the slope of tanh whatever hidden is",
            "1 − a² belongs to tanh. The backward pass takes the slope of the activation that the "
            "forward pass went through, and that is named by hidden.",
            "always-tanh",
            equation="eq-layer-deltas",
            shows_on=("random", "edge"),
        ),
        _slip(
            "mse-gradient",
            "the slope of the output kept, as for squared error",
            "With cross-entropy the slope ŷ(1 − ŷ) cancels and δ = ŷ − y. Multiplied by it once "
            "more, the gradient belongs to another loss than the one in history.",
            "mse-slope",
            equation="eq-output-delta-softmax",
            gives=[0.751206, 0.732509, 0.691983, 0.408264],
        ),
        _slip(
            "loss-after-update",
            "the loss noted after the update",
            "history[0] is the loss of the start. Note the loss before anything is changed, "
            "otherwise the whole list is one step late.",
            "late",
            equation="eq-mean-loss",
            gives=[0.682439, 0.657269, 0.622471, 0.020075],
        ),
        _slip(
            "loss-of-batches",
            "the mean of the batch losses",
            "Each batch loss is met at other weights. history asks for the loss over the whole "
            "set, at the weights with which the epoch begins.",
            "batch-loss",
            equation="eq-mean-loss",
            shows_on=("random", "edge"),
        ),
        _slip(
            "b-ignored",
            "all examples in one batch whatever b is",
            "With b given, an epoch has one forward pass, backward pass and update for every "
            "batch of b examples, not one for all of them.",
            "b-ignored",
            equation="eq-minibatch",
            shows_on=("random", "edge"),
        ),
        _slip(
            "one-order",
            "one order for all epochs",
            "Draw a new order at the beginning of every epoch. With the same batches again and "
            "again, their particular errors are learnt along.",
            "one-order",
            equation="eq-minibatch",
            shows_on=("random", "edge"),
        ),
        _slip(
            "not-shuffled",
            "batches in the order of the data",
            "An epoch goes through the examples in a random order, rng.permutation(m); only then "
            "is a batch gradient an unbiased sample of the whole one.",
            "not-shuffled",
            equation="eq-minibatch",
            shows_on=("random", "edge"),
        ),
        _slip(
            "short-batch-lost",
            "the short last batch left out",
            "m need not be a multiple of b. The examples that are left over form a last, shorter "
            "batch, whose mean gradient is divided by its own size.",
            "short-batch-lost",
            equation="eq-updates-per-epoch",
            shows_on=("random",),
        ),
        _slip(
            "targets-not-shuffled",
            "X shuffled and Y not",
            "An example and its target travel together: the same order for both. Otherwise the "
            "error ŷ − y compares a prediction with somebody else's target.",
            "targets-left",
            equation="eq-minibatch",
            shows_on=("random", "edge"),
        ),
        _slip(
            "half-mse",
            "the gradient of ½SE for the mean of squares",
            "With the identity at the output the loss is the mean of (ŷ − y)² over the n outputs; "
            "its delta is 2/n (ŷ − y).",
            "half-mse",
            equation="eq-mean-loss",
            shows_on=("edge",),
        ),
        Mistake(
            "params0-changed",
            "params0 used up",
            "The start belongs to the caller, who may want to train from it again with another "
            "learning rate. Work on copies, or make new arrays in every update.",
            {"train_mlp": _params0_changed},
        ),
    ),
    equivalent={
        "*: _check.*(*) -> pass": REFUSES,
        "train_mlp: 0 -> 1": "part of a check: b has as many columns as W",
        "_batches: _check.generator(rng) -> rng": REFUSES,
    },
)

# --------------------------------------------------------------------------------------
# learned XOR (E12.2)


DEFAULTS = """
import inspect

def drive(fns, *args):
    parameters = inspect.signature(fns.{name}).parameters
    return [parameters[name].default if name in parameters else "missing" for name in {parameters}]
"""
XOR_DEFAULTS = ("hidden", "epochs", "seed", "lr", "act")
CURVE_DEFAULTS = ("hidden", "N", "epochs", "seed", "lr")

FIRST_LOSSES = """
def drive(fns, epochs):
    _, history = fns.fit_xor(epochs=epochs)
    return [history[step] for step in (0, 1, 4, 7)]
"""


def outputs_of(params: Any, act: str = "tanh") -> Any:
    """What a trained network answers to 00, 10, 01, 11."""
    g = mlp_lib.get_activation(act)
    return mlp_lib.mlp_forward_batch(X, params, g.f, mlp_lib.sigmoid)[0].ravel()


def learned(answer: Answer) -> str | None:
    """Check that all four outputs are right, the loss is small, and the embedding is separable."""
    params, history = answer.value
    outputs, loss = outputs_of(params), float(np.asarray(history).ravel()[-1])
    rounded = ", ".join(f"{output:.2f}" for output in outputs)
    said = f"The outputs for 00, 10, 01, 11 are {rounded}, the loss ends at {loss:.4f}"
    if np.array_equal(outputs > 0.5, Y[:, 0] > 0.5) and loss < 0.1:
        features = np.column_stack([mlp_lib.embedding(X, params, np.tanh), np.ones(4)])
        fitted = features @ np.linalg.lstsq(features, Y, rcond=None)[0]
        if np.allclose(fitted, Y, atol=1e-6):
            return None
        return f"{said}, but no line on the hidden activations gives XOR."
    if abs(loss - np.log(2)) < 0.01:
        return f"{said}: that is ln 2, and the network knows nothing."
    if abs(loss - np.log(2) / 2) < 0.01:
        return f"{said}: that is ½ ln 2, two examples are right and two undecided."
    return f"{said}: XOR is not learned."


def xor_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield short runs with other widths, activations, learning rates and seeds."""
    acts, widths = rng.permutation(["tanh", "sigmoid", "relu"]), sizes(rng, 3, low=2, high=7)
    for act, hidden in zip(acts.tolist(), widths, strict=True):
        lr, epochs = round(float(rng.uniform(0.3, 0.9)), 2), int(rng.integers(6, 13))
        seed = int(rng.integers(2, 10_000))
        yield random(
            f"{hidden} {act} units, {epochs} epochs, seed {seed}",
            call("fit_xor", hidden=hidden, act=act, lr=lr, epochs=epochs, seed=seed),
        )


Draw = Callable[[np.random.Generator, int], Params]


def _start(rng: np.random.Generator, hidden: int) -> Params:
    W1, W2 = rng.standard_normal((2, hidden)), rng.standard_normal((hidden, 1))
    return [(W1, np.zeros((1, hidden))), (W2, np.zeros((1, 1)))]


def _zero_start(rng: np.random.Generator, hidden: int) -> Params:
    return [(0 * W, b) for W, b in _start(rng, hidden)]


def _tiny_start(rng: np.random.Generator, hidden: int) -> Params:
    return [(0.001 * W, b) for W, b in _start(rng, hidden)]


def _equal_start(rng: np.random.Generator, hidden: int) -> Params:
    return [(np.full_like(W, W[0, 0]), b) for W, b in _start(rng, hidden)]


def _last_layer_first(rng: np.random.Generator, hidden: int) -> Params:
    W2, W1 = rng.standard_normal((hidden, 1)), rng.standard_normal((2, hidden))
    return [(W1, np.zeros((1, hidden))), (W2, np.zeros((1, 1)))]


def _biases_drawn(rng: np.random.Generator, hidden: int) -> Params:
    shapes = (2, hidden), (1, hidden), (hidden, 1), (1, 1)
    W1, b1, W2, b2 = (rng.standard_normal(shape) for shape in shapes)
    return [(W1, b1), (W2, b2)]


def _uniform_start(rng: np.random.Generator, hidden: int) -> Params:
    W1, W2 = rng.uniform(-1, 1, (2, hidden)), rng.uniform(-1, 1, (hidden, 1))
    return [(W1, np.zeros((1, hidden))), (W2, np.zeros((1, 1)))]


def _drawn_the_other_way(rng: np.random.Generator, hidden: int) -> Params:
    W1, W2 = rng.standard_normal((hidden, 2)).T, rng.standard_normal((1, hidden)).T
    return [(W1, np.zeros((1, hidden))), (W2, np.zeros((1, 1)))]


def _drawn_twice(rng: np.random.Generator, hidden: int) -> Params:
    again = copy.deepcopy(rng)
    W1, W2 = rng.standard_normal((2, hidden)), again.standard_normal((hidden, 1))
    return [(W1, np.zeros((1, hidden))), (W2, np.zeros((1, 1)))]


def xor_stations(value: Any, args: Mapping[str, Any]) -> Iterator[Quantity]:
    """List the losses; the first one shows the start."""
    for station in training_stations(value, args):
        if station.after:
            rule = "forward, backward and update, with all four examples"
            yield replace(station, rule=rule)
        else:
            rule = "the loss of the start, W1 and then W2 drawn, biases 0, before any update"
            yield replace(station, rule=rule, equation="eq-fit-xor")


def _xor(draw: Draw = _start, *, slip: str = "", **fixed: Any) -> Callable[..., Any]:
    """The reference with another start, another loop, or an argument that is not listened to."""
    train = _loop(slip) if slip else mlp_lib.train_mlp

    def fit_xor(
        hidden: int = 4, act: str = "tanh", lr: float = 1.0, epochs: int = 2000, seed: int = 1
    ) -> Any:
        asked = {"hidden": hidden, "act": act, "lr": lr, "epochs": epochs, "seed": seed, **fixed}
        params0 = draw(np.random.default_rng(asked["seed"]), asked["hidden"])
        aims = fixed.get("targets", Y)
        return train(X, aims, params0, asked["lr"], asked["epochs"], hidden=asked["act"])

    return fit_xor


def _xor_slip(id: str, name: str, hint: str, *draw: Draw, **fixed: Any) -> Mistake:
    equation = fixed.pop("equation", "eq-fit-xor")
    contrast = fixed.pop("contrast", False)
    shows_on = fixed.pop("shows_on", ())
    code = {"fit_xor": _xor(*draw, **fixed)}
    return Mistake(id, name, hint, code, equation, shows_on, contrast=contrast)


fit_xor = Step(
    id="fit-xor",
    title="Learn XOR",
    lesson="12-training",
    equation="eq-fit-xor",
    points=2,
    functions=(
        Function(
            "fit_xor(hidden=4, act='tanh', lr=1.0, epochs=2000, seed=1)",
            mlp_lib.fit_xor,
            Several(
                Layers(
                    Several(
                        Array("W", rtol=1e-8, atol=1e-10, why=DRIFT),
                        Array("b", rtol=1e-8, atol=1e-10, why=DRIFT),
                    )
                ),
                Array(
                    "history",
                    because="one loss for each epoch",
                    list_ok=True,
                    rtol=1e-8,
                    atol=1e-10,
                    why=DRIFT,
                ),
            ),
            trace=xor_stations,
        ),
    ),
    cases=(
        worked(
            "seed 1, until XOR is learned",
            call("fit_xor", epochs=300),
            rules=(learned,),
            repeat=False,
        ),
        worked("seed 1, eight epochs", call("fit_xor", epochs=8)),
        worked(
            "seed 1, the first losses",
            call("fit_xor", epochs=8),
            driver=FIRST_LOSSES,
            returns=Array("history", list_ok=True),
            gives=[0.6712, 0.6630, 0.6453, 0.6252],
        ),
        edge("one hidden unit", call("fit_xor", 1, epochs=5, seed=3)),
        edge("everything by position", call("fit_xor", 3, "sigmoid", 0.7, 6, 8)),
        edge("one epoch", call("fit_xor", epochs=1, seed=2)),
        edge("no epochs: the start itself", call("fit_xor", hidden=5, epochs=0, seed=4)),
        edge("seed 0, which will get stuck", call("fit_xor", epochs=15, seed=0)),
        edge("dead ReLU units", call("fit_xor", hidden=2, act="relu", lr=2.5, epochs=10, seed=6)),
        edge(
            "what is used when nothing else is said",
            call("fit_xor"),
            driver=DEFAULTS.format(name="fit_xor", parameters=XOR_DEFAULTS),
            returns=Several(
                *(Integer(f"the default of {name}") for name in ("hidden", "epochs", "seed")),
                Number("the default of lr"),
                Text("the default of act"),
            ),
        ),
    ),
    generate=xor_cases,
    mistakes=(
        _xor_slip(
            "identity-hidden",
            "no nonlinearity in the hidden layer",
            "Linear layers collapse into one, and no line separates XOR: the best answer is ½ for "
            "all four examples, at a loss of ln 2.",
            act="identity",
            equation="eq-collapse",
        ),
        _xor_slip(
            "zero-start",
            "all weights 0 at the start",
            "With zeros the senders are silent and no error passes W2, so all weight gradients are "
            "0. Equal units stay equal for ever: break the symmetry by chance.",
            _zero_start,
            equation="eq-init-zeros",
        ),
        _xor_slip(
            "tiny-start",
            "a start of size 0.001",
            "The first gradients are products of tiny weights, so the start is nearly symmetric "
            "and training rests on the plateau ln 2. Draw from N(0, 1).",
            _tiny_start,
            equation="eq-init-normal",
        ),
        _xor_slip(
            "equal-start",
            "equal weights for all units",
            "Units with equal weights compute the same, receive the same error and take the same "
            "step. Four of them do the work of one, and one is not enough for XOR.",
            _equal_start,
            equation="eq-init-normal",
        ),
        _xor_slip(
            "too-few-epochs",
            "50 epochs whatever epochs says",
            "After 50 steps the outputs lean the right way and the errors still shrink with every "
            "update. Go on for as many epochs as asked.",
            epochs=50,
            equation="eq-training-loop",
        ),
        _xor_slip(
            "last-layer-first",
            "W2 drawn before W1",
            "The start is drawn from the input to the output, W1 and then W2. In another order the "
            "same seed is another network, with a path of its own.",
            _last_layer_first,
        ),
        _xor_slip(
            "drawn-the-other-way",
            "weights drawn as [to, from] and transposed",
            "In row form W1 is (2, hidden), from the two inputs to the units, and is drawn in this "
            "shape. Drawn as (hidden, 2), the same numbers stand in other places.",
            _drawn_the_other_way,
        ),
        _xor_slip(
            "drawn-twice",
            "a generator of its own for W2",
            "One generator draws W1 and then goes on to W2. A second one with the same seed begins "
            "anew, and W2 repeats the numbers of W1.",
            _drawn_twice,
        ),
        _xor_slip(
            "ascent",
            "the update with a plus",
            "The gradient points uphill. W − α dW goes down; with a plus the first loss is right "
            "and every later one is larger.",
            slip="ascent",
            equation="eq-gd-update",
        ),
        _xor_slip(
            "no-bias-update",
            "biases never updated",
            "A bias is a parameter like a weight: b − α db. Left at 0 it keeps the line of every "
            "unit through the origin.",
            slip="no-bias",
            equation="eq-gd-update",
        ),
        _xor_slip(
            "loss-after-update",
            "the loss noted after the update",
            "history[0] is the loss of the start. Note the loss before anything is changed, "
            "otherwise the whole list is one step late.",
            slip="late",
            equation="eq-mean-loss",
        ),
        _xor_slip(
            "new-weights-on-the-way-back",
            "a new W used while propagating backwards",
            "The backward pass differentiates the forward pass that has just run, with its "
            "weights. Compute all gradients first, then update all layers at once.",
            slip="new-weights",
            equation="eq-training-loop",
        ),
        _xor_slip(
            "mean-twice",
            "the gradient divided by 4 twice",
            "`backward` gives the gradient of the mean loss: the ¼ is in it. Divided once more, "
            "every step is four times too short.",
            slip="mean-twice",
            equation="eq-layer-deltas",
        ),
        _xor_slip(
            "summed",
            "the gradient summed over the examples",
            "The loss is a mean, so its gradient has the factor ¼, once, at the output. Without it "
            "every step is four times as long.",
            slip="sum",
            equation="eq-layer-deltas",
        ),
        _xor_slip(
            "epoch-lost",
            "one epoch too few",
            "`epochs` says how often the whole loop runs: range(epochs), which counts from 0 to "
            "epochs − 1.",
            slip="epoch-lost",
            equation="eq-training-loop",
        ),
        _xor_slip(
            "biases-drawn",
            "biases drawn at random",
            "Biases start at 0: unequal weights are enough to break the symmetry. Drawing b1 also "
            "moves on the generator, so that W2 becomes another.",
            _biases_drawn,
            equation="eq-init-normal",
        ),
        _xor_slip(
            "uniform-start",
            "a uniform start",
            "The weights come from N(0, 1), the normal distribution. A uniform draw in (−1, 1) is "
            "a third of its variance and another path.",
            _uniform_start,
            equation="eq-init-normal",
        ),
        _xor_slip(
            "act-ignored",
            "tanh whatever act is",
            "act names the hidden activation, and with it the slope of the backward pass.",
            act="tanh",
            shows_on=("random", "edge"),
        ),
        _xor_slip(
            "seed-ignored",
            "seed 1 whatever seed is",
            "The seed chooses the start. One start proves little: some get stuck, and one has to "
            "be able to look.",
            seed=1,
            shows_on=("random", "edge"),
        ),
        _xor_slip(
            "lr-ignored",
            "learning rate 1 whatever lr is",
            "The step is lr times the gradient, and lr is an argument.",
            lr=1.0,
            equation="eq-training-loop",
            shows_on=("random", "edge"),
        ),
        _xor_slip(
            "and-targets",
            "the targets of AND",
            "XOR wants 1 for 10 and 01, and 0 for 11. AND is separable by one line, so nothing "
            "has to be learned in the hidden layer.",
            targets=np.array([[0.0], [0.0], [0.0], [1.0]]),
            equation="eq-xor",
        ),
        _xor_slip(
            "stuck-seed",
            "seed 0, which gets stuck",
            "The code is right. Two examples share one point of the embedding, and the loss rests "
            "at ½ ln 2.",
            seed=0,
            contrast=True,
        ),
    ),
    equivalent={
        "fit_xor: 1 -> 0": "the least number of hidden units that is not refused",
        "*: _check.*(*) -> pass": REFUSES,
        "train_mlp: 0 -> 1": "part of a check: b has as many columns as W",
        "_batches: _check.generator(rng) -> rng": REFUSES,
    },
)

# --------------------------------------------------------------------------------------
# functions of one variable (E12.3)

FUNCTIONS = {
    "square": "def square(x):\n    return np.asarray(x) ** 2\n",
    "sine": "def sine(x):\n    return np.sin(x)\n",
    "absolute": "def absolute(x):\n    return np.abs(x)\n",
    "heaviside": "def heaviside(x):\n    return np.where(np.asarray(x) > 0, 1.0, 0.0)\n",
    "wave": "def wave(x):\n    return np.cos(3 * np.asarray(x)) - 0.4\n",
    "cubic": "def cubic(x):\n    return 1.7 * np.asarray(x) ** 3 - np.asarray(x) + 0.25\n",
    "nothing": "def nothing(x):\n    return 0.0 * np.asarray(x)\n",
}

FITTED = """
def drive(fns, f, points, **settings):
    predict, mse = fns.fit_1d(f, **settings)
    return predict(points), mse
"""
CURVE = Several(
    Array(
        "predict",
        like="points",
        because="one prediction for each point, in the same shape",
        rtol=1e-8,
        atol=1e-10,
        why=DRIFT,
    ),
    Number("mse", rtol=1e-8, atol=1e-12, why=DRIFT),
)
POINTS = np.array([-0.95, -0.4, 0.1, 0.35, 0.8])


def fit(
    kind: Callable[..., Case],
    name: str,
    f: str,
    points: Tree = POINTS,
    gives: Tree = None,
    **settings: Tree,
) -> Case:
    """Return a case that fits a given function and then asks for predictions."""
    made = call("fit_1d", Fn(f), points=points, **{"epochs": 300, **settings})
    return kind(name, made, driver=FITTED, returns=CURVE, gives=gives)


def fit_1d_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield short runs with other functions, widths, numbers of points and seeds."""
    widths, counts = sizes(rng, 2, low=2, high=6), sizes(rng, 2, low=7, high=30)
    for f, hidden, N in zip(rng.permutation(["wave", "cubic"]), widths, counts, strict=True):
        settings = {
            "hidden": hidden,
            "N": N,
            "lr": round(float(rng.uniform(0.05, 0.2)), 3),
            "epochs": int(rng.integers(15, 40)),
            "seed": int(rng.integers(1, 10_000)),
        }
        title = f"{f}, {hidden} units, {N} points, {settings['epochs']} epochs"
        yield fit(random, title, str(f), generic(rng, 6, high=0.9), **settings)


def _curve(slip: str) -> Callable[..., Any]:
    """The fit with one slip: what the mistakes below have in common."""

    def fit_1d(
        f: Any,
        hidden: int = 3,
        N: int = 50,
        lr: float = 0.1,
        epochs: int = 20_000,
        seed: int = 0,
    ) -> Any:
        hidden, N = (1 if slip == "one-unit" else hidden), (50 if slip == "n-ignored" else N)
        seed = 0 if slip == "seed-ignored" else seed
        lr = 2.0 if slip == "large-steps" else lr
        rng = np.random.default_rng(seed)
        if slip == "weights-first":
            W, b, V = (rng.standard_normal(s) for s in [(1, hidden), (1, hidden), (hidden, 1)])
        x = np.linspace(-1, 1, N)[:, None] if slip == "grid" else rng.uniform(-1, 1, (N, 1))
        if slip == "positive":
            x = (x + 1) / 2
        if slip != "weights-first":
            W, b, V = (rng.standard_normal(s) for s in [(1, hidden), (1, hidden), (hidden, 1)])
        if slip in ("b1-last", "b1-not-drawn"):
            b, V = V.T, np.append(b, V)[:hidden, None]
            if slip == "b1-not-drawn":
                b = np.zeros_like(b)
        c = rng.standard_normal((1, 1)) if slip == "b2-drawn" else np.zeros((1, 1))
        if slip in ("no-hidden-biases", "b1-zero"):
            b = np.zeros_like(b)
        if slip == "zero-start":
            W, b, V = 0 * W, 0 * b, 0 * V
        y = f(x)

        def forward(points: Any) -> Any:
            A = points @ W + b if slip == "identity" else np.tanh(points @ W + b)
            Z = A @ V + c
            return A, mlp_lib.sigmoid(Z) if slip == "sigmoid-output" else Z

        before = 0.0
        with np.errstate(all="ignore"):
            for _ in range(epochs):
                A, yhat = forward(x)
                before = float(np.mean((yhat - y) ** 2))
                if not np.isfinite(before) and slip != "ascent":
                    break
                dZ = (1 if slip == "half" else 2) / (1 if slip == "sum" else N) * (yhat - y)
                if slip == "sigmoid-output":
                    dZ = dZ * yhat * (1 - yhat)
                slope = 1.0 if slip == "identity" else 1 - A**2
                if slip == "plus":
                    slope = 1 + A**2
                dA = dZ @ V.T * slope
                if slip == "mean-twice":
                    dZ, dA = dZ / N, dA / N
                rate = -lr if slip == "ascent" else lr
                V, W = V - rate * A.T @ dZ, W - rate * x.T @ dA
                if slip != "biases-kept":
                    c = c - rate * dZ.sum(axis=0, keepdims=True)
                if slip not in ("no-hidden-biases", "biases-kept"):
                    b = b - rate * dA.sum(axis=0, keepdims=True)
            error = float(np.mean((forward(x)[1] - y) ** 2))
        if not np.isfinite(error) and slip != "ascent":
            error = np.inf

        def predict(points: Any) -> Any:
            points = np.asarray(points)
            with np.errstate(all="ignore"):
                values = forward(points.reshape(-1, 1))[1]
            if slip == "predict-column":
                return values
            return values.reshape(points.shape)

        if slip == "mse-before":
            error = before
        if slip == "root":
            error = float(np.sqrt(error))
        return predict, error

    return fit_1d


def _curve_slip(slip: str, name: str, hint: str, equation: str = "eq-fit-1d") -> Mistake:
    return Mistake(slip, name, hint, {"fit_1d": _curve(slip)}, equation)


fit_1d = Step(
    id="fit-1d",
    title="Approximate four functions",
    lesson="12-training",
    equation="eq-fit-1d",
    points=2,
    functions=(
        Function(
            "fit_1d(f, hidden=3, N=50, lr=0.1, epochs=20000, seed=0)",
            mlp_lib.fit_1d,
            CURVE,
            parts="outputs",
        ),
    ),
    cases=(
        fit(
            worked,
            "x², 300 epochs",
            "square",
            gives=([0.8467, 0.1444, 0.0288, 0.1983, 0.5869], 0.0050),
        ),
        fit(
            worked,
            "sin x, 300 epochs",
            "sine",
            gives=([-0.8099, -0.3846, 0.0910, 0.3308, 0.7273], 0.0001),
        ),
        fit(
            worked,
            "|x|, 300 epochs",
            "absolute",
            gives=([0.9267, 0.3430, 0.2216, 0.3753, 0.7337], 0.0040),
        ),
        fit(
            worked,
            "the step function, 300 epochs",
            "heaviside",
            gives=([-0.1342, 0.1985, 0.6159, 0.8234, 1.1424], 0.0530),
        ),
        fit(edge, "x², 2000 epochs", "square", epochs=2000),
        fit(edge, "points in a column", "sine", POINTS[:, None], epochs=20),
        fit(edge, "points in a 2 × 3 array", "sine", np.reshape([*POINTS, -0.2], (2, 3)), epochs=9),
        fit(edge, "one point", "square", POINTS[:1], epochs=7),
        fit(edge, "one hidden unit", "absolute", hidden=1, epochs=25),
        fit(edge, "one example", "cubic", N=1, epochs=12),
        fit(edge, "no epochs: the start itself", "wave", epochs=0),
        fit(edge, "f = 0", "nothing", epochs=15, seed=3),
        fit(edge, "read-only points", "wave", View(POINTS, "readonly"), epochs=6),
        fit(edge, "every second point", "cubic", View(POINTS, "strided"), epochs=6, hidden=4),
        edge(
            "what is used when nothing else is said",
            call("fit_1d", Fn("square")),
            driver=DEFAULTS.format(name="fit_1d", parameters=CURVE_DEFAULTS),
            returns=Several(
                *(Integer(f"the default of {name}") for name in ("hidden", "N", "epochs", "seed")),
                Number("the default of lr"),
            ),
            part="predict",
        ),
    ),
    generate=fit_1d_cases,
    given=FUNCTIONS,
    mistakes=(
        _curve_slip(
            "identity",
            "no nonlinearity in the hidden layer",
            "Linear layers collapse: whatever the weights, this is a straight line. On (−1, 1) "
            "sin x is nearly one itself, so look at x².",
            "eq-collapse",
        ),
        _curve_slip(
            "no-hidden-biases",
            "no hidden biases",
            "Without biases a sum of w tanh(vx) is an odd function, and x² and |x| are even. Give "
            "every hidden unit its bias and train it.",
        ),
        _curve_slip(
            "sigmoid-output",
            "a sigmoid at the output",
            "A sigmoid cannot say anything below 0 or above 1, but sin x wants negative numbers. "
            "For regression the output is linear.",
        ),
        _curve_slip(
            "one-unit",
            "one hidden unit",
            "One tanh is one S-curve, which only rises or only falls. x² and |x| need at least two "
            "to turn round: use as many units as hidden says.",
        ),
        _curve_slip(
            "plus",
            "1 + tanh² as the slope",
            "tanh′ = 1 − tanh². With the plus the hidden weights are sent the wrong way by "
            "saturated units, and the curve never bends.",
            "eq-d-tanh",
        ),
        _curve_slip(
            "large-steps",
            "a learning rate of 2",
            "Steps that overshoot by more than they gain make the loss grow until it overflows. "
            "The step is lr times the gradient, with lr = 0.1 unless told otherwise.",
            "eq-gd-update",
        ),
        _curve_slip(
            "zero-start",
            "all weights 0 at the start",
            "With zeros no weight ever gets a gradient; only the output's bias moves, to the mean "
            "of y, and the error is the variance of y.",
            "eq-init-zeros",
        ),
        _curve_slip(
            "half",
            "the gradient of ½(ŷ − y)²",
            "The loss is the mean of squares, whose delta is 2(ŷ − y)/N. Without the 2 every step "
            "is half as long.",
            "eq-mean-loss",
        ),
        _curve_slip(
            "sum",
            "the gradient summed over the points",
            "The loss is a mean over N points and so is its gradient: 1/N once, at the output. "
            "Summed, the steps are N times as long and overshoot.",
            "eq-mean-loss",
        ),
        _curve_slip(
            "b2-drawn",
            "the output's bias drawn at random",
            "W1, b1 and W2 are drawn, in this order; b2 starts at 0 and is learned.",
        ),
        _curve_slip(
            "b1-zero",
            "hidden biases started at 0",
            "Here b1 is drawn from N(0, 1), between W1 and W2: it decides where each S-curve has "
            "its steep place, and these should be spread over the interval.",
        ),
        _curve_slip(
            "b1-not-drawn",
            "hidden biases of 0 in place of drawn ones",
            "Here b1 is drawn from N(0, 1), between W1 and W2: it decides where each S-curve has "
            "its steep place. Left out, it is missing in the sequence too, and W2 is another.",
        ),
        _curve_slip(
            "b1-last",
            "b1 drawn after W2",
            "The generator is asked for x, then W1, b1 and W2. In another order the same seed "
            "gives another start.",
        ),
        _curve_slip(
            "biases-kept",
            "biases never updated",
            "A bias is a parameter like a weight: b − α db. Left where they started, the S-curves "
            "cannot move to where the function bends.",
            "eq-gd-update",
        ),
        _curve_slip(
            "ascent",
            "the update with a plus",
            "The gradient points uphill. W − α dW goes down; with a plus the error grows until it "
            "overflows.",
            "eq-gd-update",
        ),
        _curve_slip(
            "mean-twice",
            "the gradient divided by N twice",
            "`backward` gives the gradient of the mean of squares: the 1/N is in it. Divided once "
            "more, every step is N times too short.",
            "eq-mean-loss",
        ),
        _curve_slip(
            "weights-first",
            "the weights drawn before the points",
            "The generator is asked for x first, then W1, b1, W2. In another order the same seed "
            "gives other points and another start.",
        ),
        _curve_slip(
            "grid",
            "points on a grid",
            "The N points are drawn, uniform in (−1, 1), from the generator. A grid is other data, "
            "and leaves the generator at another place for the weights.",
        ),
        _curve_slip(
            "positive",
            "points in (0, 1)",
            "The interval is (−1, 1). On its right half |x| is a straight line and the step "
            "function a constant: there would be nothing to learn.",
        ),
        _curve_slip(
            "seed-ignored",
            "seed 0 whatever seed is",
            "The seed chooses the points and the start, so that one can see how much of a result "
            "is luck.",
        ),
        _curve_slip(
            "n-ignored",
            "50 points whatever N is",
            "N is the number of examples, and the N of the mean.",
        ),
        _curve_slip(
            "predict-column",
            "predictions always as a column",
            "predict takes points in any shape and answers in the same shape: put them into one "
            "column for the forward pass, and back afterwards.",
            "eq-forward-batch",
        ),
        _curve_slip(
            "mse-before",
            "the error before the last update",
            "mse is asked for the network that predict uses, after the last update. Go forward "
            "once more.",
            "eq-mean-loss",
        ),
        _curve_slip(
            "root",
            "the root of the mean of squares",
            "The mean of squares is what is minimised and what is asked for; leave out the root.",
            "eq-mean-loss",
        ),
    ),
    equivalent={
        "fit_1d: 1 -> 0": "the least number of hidden units that is not refused",
        "fit_1d: 1 -> 2 (7)": "numpy takes every negative size in reshape for the unknown one",
        "fit: *": (
            "what survives in `fit` serves mini-batches, dropout, penalties, held-out data, "
            "callbacks, the printed history or a loss that overflows; fit_1d uses none of them"
        ),
        "_rounds: *": "fit_1d shows no progress bar",
        "_with_dropout: *": "fit_1d uses no dropout",
        "_add_penalty: *": "fit_1d uses no penalty",
        "_loss_by_parts: *": "fit_1d has no held-out data",
        "_check_data: *": REFUSES,
    },
)

STEPS = (train_mlp, fit_xor, fit_1d)
