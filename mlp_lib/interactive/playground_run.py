"""The runs of the Playground: data, start and updates, all with what mlp_lib trains with.

A run follows from its settings alone, so that a link can hold it. It draws everything from one
``numpy.random.default_rng(seed)``, in this order: data, split, start, then an order of the examples
for every epoch and masks for dropout. The page draws the same numbers (`maths/random.js`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlp_lib import data
from mlp_lib._types import Array, Cache
from mlp_lib.activations import ACTIVATIONS
from mlp_lib.batch import layer_deltas
from mlp_lib.descent import iterate_minibatches
from mlp_lib.diagnostics import grad_norms
from mlp_lib.encoding import one_hot
from mlp_lib.init import init_params
from mlp_lib.network import MLP, layer_views
from mlp_lib.optimisers import OPTIMISERS, Optimiser
from mlp_lib.training import _add_penalty, _with_dropout

Rng = np.random.Generator
State = Mapping[str, Any]
Maker = Callable[[int, Rng, float], tuple[Array, Any]]

EXAMPLES = 200
POINTS = 120  # of the loss curve
TOO_LARGE = 1e6  # a parameter beyond this: the run has diverged
FIRST = ("data", "noise", "share", "features", "hidden", "activation", "init", "seed", "start")
LATER = ("lr", "optimiser", "batch", "penalty", "rate", "dropout")

CORNERS = ((-0.8, -0.8), (0.8, -0.8), (-0.8, 0.8), (0.8, 0.8))
THREE = ((-0.9, -0.5), (0.9, -0.5), (0.0, 0.9))


@dataclass(frozen=True)
class DataSet:
    """Points X (m, 2) with labels or numbers (m,); classes is 0 where the target is a number."""

    label: str
    classes: int
    make: Maker


def _xor(m: int, rng: Rng, noise: float) -> tuple[Array, Any]:
    X, corner = data.gaussians(m, rng, CORNERS, 2 * noise)
    return X, (corner == 1) | (corner == 2)


def _moons(m: int, rng: Rng, noise: float) -> tuple[Array, Any]:
    X, labels = data.moons(m, rng, noise)
    return X - np.array([0.5, 0.25]), labels


def _spiral(classes: int) -> Maker:
    def make(m: int, rng: Rng, noise: float) -> tuple[Array, Any]:
        X, labels = data.spiral(m, rng, classes, noise=noise / 3)
        return 1.4 * X, labels

    return make


def _surface(
    f: Callable[[Array, Array], Array],
) -> Maker:
    def make(m: int, rng: Rng, noise: float) -> tuple[Array, Any]:
        X = rng.uniform(-1.5, 1.5, (m, 2))
        return X, f(X[:, 0], X[:, 1]) + noise * rng.standard_normal(m)

    return make


def _hills(x: Array, y: Array) -> Array:
    def bump(c: float) -> Array:
        return np.asarray(np.exp(-2 * ((x - c) ** 2 + (y - c) ** 2)))

    return np.asarray(bump(0.7) - bump(-0.7))


DATA = {
    "circles": DataSet("circles", 2, lambda m, rng, noise: data.circles(m, rng, noise)),
    "xor": DataSet("XOR", 2, _xor),
    "moons": DataSet("moons", 2, _moons),
    "spiral": DataSet("spiral", 2, _spiral(2)),
    "gaussians": DataSet(
        "three clouds", 3, lambda m, rng, noise: data.gaussians(m, rng, THREE, 2 * noise)
    ),
    "arms": DataSet("three arms", 3, _spiral(3)),
    "plane": DataSet("plane", 0, _surface(lambda x, y: (x + y) / 3)),
    "saddle": DataSet("saddle", 0, _surface(lambda x, y: x * y / 2)),
    "hills": DataSet("hill and hollow", 0, _surface(_hills)),
}

FEATURES: dict[str, Callable[[Array, Array], Array]] = {
    "x₁": lambda x, y: x,  # noqa: ARG005
    "x₂": lambda x, y: y,  # noqa: ARG005
    "x₁²": lambda x, y: x * x,  # noqa: ARG005
    "x₂²": lambda x, y: y * y,  # noqa: ARG005
    "x₁x₂": lambda x, y: x * y,
    "sin πx₁": lambda x, y: np.sin(np.pi * x),  # noqa: ARG005
    "sin πx₂": lambda x, y: np.sin(np.pi * y),  # noqa: ARG005
}


def inputs(points: Array, features: list[bool]) -> Array:
    """The chosen features of points (m, 2), one column each."""
    columns = [f(points[:, 0], points[:, 1]) for f in FEATURES.values()]
    return np.column_stack([c for c, chosen in zip(columns, features, strict=True) if chosen])


def sizes_of(state: State) -> list[int]:
    """The numbers of units from the input to the output."""
    classes = DATA[state["data"]].classes
    return [sum(state["features"]), *state["hidden"], classes if classes > 2 else 1]


def setting_at(state: State, name: str, t: int) -> Any:
    """What a setting is for update t + 1: as it was until a change, or as it is."""
    for end, changed, value in state["until"]:
        if changed == name and end > t:
            return value
    return state[name]


@dataclass(frozen=True)
class Examples:
    """Points (m, 2), their labels or numbers (m,), the network's inputs X and targets Y."""

    points: Array
    t: Array
    X: Array
    Y: Array


class Training:
    """A run as far as it has come; `advance` continues it."""

    def __init__(self, state: State) -> None:
        set_ = DATA[state["data"]]
        self.rng = np.random.default_rng(state["seed"])
        points, t = set_.make(EXAMPLES, self.rng, state["noise"])
        t = np.asarray(t, dtype=float)
        parts = data.train_test_split(points, t, self.rng, state["share"])

        def examples(points: Array, t: Array) -> Examples:
            Y = one_hot(t.astype(int), 3) if set_.classes > 2 else t[:, None]
            return Examples(points, t, inputs(points, state["features"]), Y.astype(float))

        self.train, self.test = examples(parts[0], parts[2]), examples(parts[1], parts[3])
        sizes = sizes_of(state)
        params = init_params(sizes, self.rng, state["init"])
        output = {0: "identity", 2: "sigmoid", 3: "softmax"}[set_.classes]
        self.net = MLP.from_params(params, state["activation"], output)
        if len(state["start"]) == self.net.theta.size:
            self.net.set_params(layer_views(np.array(state["start"], dtype=float), sizes))
        self.t, self.epoch, self.diverged, self.stride = 0, 0, False, 1
        self._waiting: Iterator[tuple[Array, Array]] = iter(())
        self._size = 0
        self._rule: tuple[str, Optimiser] | None = None
        self.curve = [self._losses()]

    def _losses(self) -> tuple[int, float, float]:
        net = self.net
        return self.t, net.loss(self.train.X, self.train.Y), net.loss(self.test.X, self.test.Y)

    def shown(self, state: State) -> MLP:
        """The network after t updates, with what was changed by hand since."""
        net = MLP.from_params(self.net.params, self.net.hidden, self.net.output)
        self._edit(net.theta, state)
        return net

    def _edit(self, theta: Array, state: State) -> None:
        for t, index, value in state["edits"]:
            if t == self.t and index < theta.size:
                theta[index] = value

    def _batch(self, b: int) -> tuple[Array, Array]:
        """The next batch; another size begins a new epoch."""
        X, Y = self.train.X, self.train.Y
        found = next(self._waiting, None) if b == self._size else None
        if found is None:
            self._size, self.epoch = b, self.epoch + 1
            self._waiting = iterate_minibatches(X, Y, b, self.rng) if b < len(X) else iter([(X, Y)])
            found = next(self._waiting)
        return found

    def _update(self, state: State) -> None:
        net, now = self.net, {name: setting_at(state, name, self.t) for name in LATER}
        self._edit(net.theta, state)
        before = net.theta.copy()
        Xb, Yb = self._batch(now["batch"])
        plain = net.activation
        if now["dropout"]:
            net.activation = _with_dropout(plain, now["dropout"], self.rng)
        _, cache = net.forward(Xb)
        net.backward(cache, Yb)
        net.activation = plain
        if now["penalty"] != "none":
            _add_penalty(net, *((now["rate"], 0) if now["penalty"] == "l1" else (0, now["rate"])))
        if self._rule is None or self._rule[0] != now["optimiser"]:
            self._rule = now["optimiser"], OPTIMISERS[now["optimiser"]](lr=now["lr"])
        self._rule[1].lr = now["lr"]
        with np.errstate(over="ignore", invalid="ignore"):
            self._rule[1].update(net.theta, net.gradient)
        if not (np.abs(net.theta) <= TOO_LARGE).all():
            net.theta[...], self.diverged = before, True
            return
        self.t += 1
        if self.t % self.stride == 0:
            self.curve.append(self._losses())
        if len(self.curve) > POINTS:
            self.stride, self.curve = 2 * self.stride, self.curve[::2]

    def advance(self, state: State) -> None:
        """As many updates as the state asks for."""
        while self.t < state["steps"] and not self.diverged:
            self._update(state)
        self.past = _past(state, self.t + self.diverged)

    def goes_on(self, state: State) -> bool:
        """Whether this run is the beginning of the one that the state describes."""
        return self.t <= state["steps"] and self.past == _past(state, self.t + self.diverged)


def _past(state: State, t: int) -> str:
    """All that decides on the first t updates."""
    settings = [
        [
            [entry for entry in state["until"] if entry[1] == name and entry[0] < t],
            t and setting_at(state, name, t - 1),
        ]
        for name in LATER
    ]
    edits = [edit for edit in state["edits"] if edit[0] < t]
    return json.dumps([[state[name] for name in FIRST], settings, edits])


@dataclass(frozen=True)
class Measured:
    """What the figure shows of a network: losses, shares that are right, δ of every example."""

    cache: Cache
    losses: tuple[float, float]
    right: tuple[float, float] | None
    delta: list[Array]
    gradient: Array
    norms: list[float]


def measured(run: Training, net: MLP) -> Measured:
    """Look at a network on the examples of a run; no dropout, no penalty."""

    def right(part: Examples) -> float:
        return float((net.predict_class(part.X) == part.t).mean())

    _, cache = net.forward(run.train.X)
    net.backward(cache, run.train.Y)
    squares = net.output == "identity"
    dZ = layer_deltas(
        net.params,
        cache,
        run.train.Y,
        ACTIVATIONS[net.hidden].df,
        loss="half_sse" if squares else net.loss_name,
        activation=net.output,
    )
    m = len(run.train.X)
    return Measured(
        cache,
        (net.loss(run.train.X, run.train.Y), net.loss(run.test.X, run.test.Y)),
        None if squares else (right(run.train), right(run.test)),
        [(2 if squares else 1) * m * dZ_k for dZ_k in dZ],
        net.gradient.copy(),
        [float(norm) for norm in grad_norms(net.grads)],
    )
