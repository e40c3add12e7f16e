"""What the steps with a backward pass share: the stations of the way back, and what went wrong
between them.

An answer [(dW, db), …] shows dW and db of every layer, and through them δ: if either of the two is
right, the δ they are made of is right too. `column`, `row` and `singles` say how a pass is written
for one example, for a batch, and for a batch made of single examples. Their `stations` are the
`trace` of a function. Their `clue` is a rule that takes the way back step by step and tries which
slip gives the student's numbers on this one step, so that two slips at once are found, each at its
place, where no single known mistake explains the whole answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlp_lib
from autograder.engine.compare import alike, superscript
from autograder.engine.given import source_of
from autograder.engine.step import Answer, Quantity
from mlp_lib.batch import layer_deltas

Floats = Any
Slope = Callable[[Any], Any]

ACTIVATIONS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("sigmoid", "d_sigmoid", mlp_lib.sigmoid),
    ("tanh", "d_tanh", mlp_lib.tanh),
    ("softplus", "d_softplus", mlp_lib.softplus),
    ("relu", "d_relu", mlp_lib.relu),
)
"""Name of a hidden activation g, name of g′, and g. The first is the default of the lessons."""


@dataclass(frozen=True)
class Tried:
    """What a slip would have given at one place, and the sentence that says so."""

    kind: str
    value: Floats
    sentence: str


@dataclass(frozen=True)
class Pass:
    """One forward pass with its targets, examples as rows, and the errors that belong to it."""

    W: list[Floats]
    Z: list[Floats]
    A: list[Floats]
    Y: Floats
    dg: Slope
    dZ: list[Floats]

    @classmethod
    def of(cls, params: Any, cache: Mapping[str, Any], Y: Floats, dg: Slope) -> Pass:
        """Collect a pass in row form."""
        layers = [(np.asarray(W), np.asarray(b)) for W, b in params]
        Z, A = ([np.asarray(item) for item in cache[key]] for key in ("z", "a"))
        dZ = layer_deltas(layers, {"z": Z, "a": A}, Y, dg)
        return cls([W for W, _ in layers], Z, A, np.asarray(Y), dg, dZ)

    def error(self, k: int) -> Floats:
        """dA of layer k + 1, counted from 0."""
        return self.dZ[k + 1] @ self.W[k + 1].T


@dataclass(frozen=True)
class Way:
    """A form of the backward pass: its letters, and how its arrays become rows."""

    read: Callable[[Mapping[str, Any]], Pass]
    to_row: Callable[[Any], Any]
    delta: str
    error: str
    z: str
    a: str
    start: str
    product: str
    untransposed: str
    inverse: str
    gradient: str
    bias: str
    equations: tuple[str, str, str]

    def stations(self, value: Any, args: Mapping[str, Any]) -> Iterator[Quantity]:
        """List δ⁽ᴸ⁾, dW⁽ᴸ⁾, db⁽ᴸ⁾, δ⁽ᴸ⁻¹⁾, … from the output backwards."""
        way = self.read(args)
        first, step, weights = self.equations
        for k in reversed(range(len(way.W))):
            label = self.letter(self.delta, k)
            right = way.dZ[k] if self.exposed(value, way, k, way.dZ[k]) else None
            if k == len(way.W) - 1:
                yield Quantity(label, right, "", f"{label} = {self.start}", first)
            else:
                error, above = self.letter(self.error, k), self.letter(self.delta, k + 1)
                rule = (
                    f"{error} = {self.text(self.product, k)}, "
                    f"then {label} = {error} ⊙ g′({self.letter(self.z, k)})"
                )
                yield Quantity(label, right, above, rule, step)
            dW, db = value[k]
            names = self.letter("dW", k), self.letter("db", k)
            rule = f"{names[0]} = {self.text(self.gradient, k)}"
            yield Quantity(names[0], dW, label, rule, weights)
            yield Quantity(names[1], db, label, f"{names[1]} = {self.text(self.bias, k)}", weights)

    def clue(self, answer: Answer) -> str | None:
        """Say what happened at each station that is wrong, as far as it can be recognised.

        Every layer is judged by the error that really reached it, so that a second slip is found
        behind the first. The walk ends where an error is wrong for no known reason.
        """
        if alike(answer.value, answer.expected):
            return None
        way, value = self.read(answer.args), answer.value
        told: dict[str, str] = {}
        for k in reversed(range(len(way.W))):
            last = k == len(way.W) - 1
            right = way.dZ[k] if last else way.error(k) * way.dg(way.Z[k])
            if not self.exposed(value, way, k, right):
                tried = self._outputs(way) if last else self._hidden(way, k)
                found = next((t for t in tried if self.exposed(value, way, k, t.value)), None)
                if found is None:
                    break
                told.setdefault(found.kind, found.sentence)
                right = found.value
            way.dZ[k] = right
            dW, db = self.to_row(value[k][0]), np.ravel(value[k][1])
            for yours, made, tried in (
                (dW, way.A[k].T @ right, self._gradients(way, k)),
                (db, right.sum(axis=0), self._biases(way, k)),
            ):
                if not alike(yours, made):
                    found = next((t for t in tried if alike(yours, t.value)), None)
                    if found is not None:
                        told.setdefault(found.kind, found.sentence)
        return " ".join(told.values()) or None

    def letter(self, name: str, k: int) -> str:
        """Write a quantity of the layer that has the weights W[k]."""
        return name + superscript(k + 1)

    def text(self, formula: str, k: int) -> str:
        """Write a formula of that layer."""
        below, now, above = (superscript(k + i) for i in range(3))
        return formula.format(below=below, now=now, above=above)

    def exposed(self, value: Any, way: Pass, k: int, dZ: Floats) -> bool:
        """Tell whether dW or db of a layer shows that it was made of this dZ."""
        dW, db = (np.asarray(item) for item in value[k])
        made = way.A[k].T @ dZ
        if alike(np.ravel(db), dZ.sum(axis=0)):
            return True
        return alike(dW, made) or alike(dW.T, made)

    def _outputs(self, way: Pass) -> Iterator[Tried]:
        """What may stand at the output."""
        yours = f"Your {self.letter(self.delta, len(way.W) - 1)}"
        Yhat, Y, m = way.A[-1], way.Y, len(way.Y)
        right = (Yhat - Y) / m
        slopes = Yhat * (1 - Yhat), way.dg(way.Z[-1])
        known = "with softmax and cross-entropy the slope is contained in ŷ − y already"
        yield Tried("sign", -right, f"{yours} has the wrong sign: it is made of y − ŷ.")
        for slope in slopes:
            told = f"{yours} is multiplied by a slope: {known}."
            yield Tried("output", right * slope, told)
        yield Tried("output", Yhat / m, f"{yours} is ŷ alone: the target y is not subtracted.")
        told = f"{yours} is ∂J/∂ŷ = −y/ŷ: the way through softmax is missing."
        yield Tried("output", -Y / np.maximum(Yhat, 1e-300) / m, told)
        if m == 1:
            return
        yield Tried("1/m", right * m, f"{yours} lacks the 1/m of the mean over the {m} examples.")
        yield Tried("1/m", right / m, f"{yours} is divided by m = {m} twice.")
        n = Y.shape[1]
        for count, name in ((n, "outputs"), (m * n, "entries of Ŷ")):
            told = (
                f"{yours} is divided by {count}, the number of {name}, in place of m = {m}: the "
                "loss is a mean over the examples."
            )
            yield Tried("1/m", right * m / count, told)
        for slope in slopes:
            told = f"{yours} lacks the 1/m, and is multiplied by a slope: {known}."
            yield Tried("output", right * m * slope, told)

    def _hidden(self, way: Pass, k: int) -> Iterator[Tried]:
        """What may happen between two errors: the product, the slope, or both."""
        delta, error = self.letter(self.delta, k), self.letter(self.error, k)
        errors, slopes = list(self._errors(way, k)), list(self._slopes(way, k))
        right, slope = way.error(k), way.dg(way.Z[k])
        for e in errors:
            yield Tried(e.kind, e.value * slope, f"{error} goes wrong: {e.sentence}.")
        for g in slopes:
            told = f"On the step from {error} to {delta}, {g.sentence}."
            yield Tried(g.kind, right * g.value, told)
        for e in errors:
            for g in slopes:
                told = f"{error} goes wrong: {e.sentence}. And to {delta}, {g.sentence}."
                yield Tried(f"{e.kind}, {g.kind}", e.value * g.value, told)

    def _errors(self, way: Pass, k: int) -> Iterator[Tried]:
        dZ, W, own = way.dZ[k + 1], way.W[k + 1], way.W[k]
        above, right = self.letter(self.delta, k + 1), self.text(self.product, k)
        if W.shape[0] == W.shape[1]:
            told = f"it is {self.text(self.untransposed, k)} in place of {right}"
            yield Tried("transpose", dZ @ W, f"{told}, so the transpose is missing")
            told = f"it is {above}, which has not passed through {self.letter('W', k + 1)}"
            yield Tried("passed on", dZ, told)
            if abs(np.linalg.det(W)) > 1e-9:
                told = f"it is {self.text(self.inverse, k)}, and the inverse is not the transpose"
                yield Tried("inverse", dZ @ np.linalg.inv(W), told)
        if own.shape == W.shape:
            told = f"it uses {self.letter('W', k)}, the matrix of the layer below"
            yield Tried("matrix", dZ @ own.T, told)
        if k + 2 < len(way.W):
            told = f"it is made of {self.letter(self.error, k + 1)} in place of {above}"
            yield Tried("e for δ", way.error(k + 1) @ W.T, told)
        yield Tried("sign back", -(dZ @ W.T), "its sign is turned")
        if len(dZ) > 1:
            yield Tried("1/m back", dZ @ W.T / len(dZ), "it is divided by m once more")

    def _slopes(self, way: Pass, k: int) -> Iterator[Tried]:
        Z, A = way.Z[k], way.A[k + 1]
        z, a = self.letter(self.z, k), self.letter(self.a, k)
        units = "whatever the hidden units are"
        slope, belongs = f"g′({z})", f"stands where the slope g′({z}) belongs"
        yield Tried("no slope", np.ones_like(Z), f"the slope {slope} is missing")
        yield Tried("slope at a", way.dg(A), f"g′ is taken at {a} in place of {z}")
        yield Tried("slope sign", -way.dg(Z), "the slope has the wrong sign")
        yield Tried("a for slope", A, f"{a} itself {belongs}")
        yield Tried("z for slope", Z, f"{z} itself {belongs}")
        yield Tried("sigmoid", A * (1 - A), f"the slope is that of a sigmoid, {units}")
        yield Tried("tanh", 1 - A**2, f"the slope is that of tanh, {units}")
        yield Tried("relu", np.where(Z > 0, 1.0, 0.0), f"the slope is that of ReLU, {units}")
        yield Tried("slope twice", way.dg(Z) ** 2, f"the slope {slope} is there twice")

    def _gradients(self, way: Pass, k: int) -> Iterator[Tried]:
        dZ, A = way.dZ[k], way.A[k]
        dW, delta, sender = (
            self.letter(name, i) for name, i in (("dW", k), (self.delta, k), (self.a, k - 1))
        )
        made = A.T @ dZ
        told = f"{dW} is the transpose of what it should be: to and from are exchanged."
        yield Tried("dW transposed", made.T, told)
        for other, name in (
            (way.A[k + 1], self.letter(self.a, k)),
            (way.Z[k - 1] if k else None, self.letter(self.z, k - 1)),
            (np.ones_like(A), "1"),
        ):
            if other is not None and other.shape == A.shape:
                told = f"{dW} is made of {delta} and {name}; what the layer received is {sender}."
                yield Tried("dW sender", other.T @ dZ, told)
        yield Tried("dW sign", -made, f"{dW} has the wrong sign, though {delta} is right.")
        if len(dZ) > 1:
            told = f"{dW} is divided by m, which {delta} contains already."
            yield Tried("dW 1/m", made / len(dZ), told)
            yield Tried("dW 1/m", made * len(dZ), f"{dW} lacks the 1/m, though db has it.")

    def _biases(self, way: Pass, k: int) -> Iterator[Tried]:
        dZ = way.dZ[k]
        db, delta = self.letter("db", k), self.letter(self.delta, k)
        told = f"{db} is 0, but a bias moves {self.letter(self.z, k)} one to one."
        yield Tried("db 0", 0 * dZ[0], told)
        yield Tried(
            "db sign", -dZ.sum(axis=0), f"{db} has the wrong sign, though {delta} is right."
        )
        if len(dZ) > 1:
            told = f"{db} is the mean of the rows, but {delta} contains the 1/m already: add them."
            yield Tried("db 1/m", dZ.mean(axis=0), told)
            told = f"{db} lacks the 1/m, though dW has it."
            yield Tried("db 1/m", dZ.sum(axis=0) * len(dZ), told)


def _slope_of(args: Mapping[str, Any]) -> Slope:
    """The given derivative that an argument names, σ′ when it is left out."""
    name = str(args.get("dg", "d_sigmoid"))
    namespace: dict[str, Any] = {"np": np}
    exec(source_of([name], {}), namespace)
    slope: Slope = namespace[name]
    return slope


def _transposed(array: Any) -> Any:
    array = np.asarray(array)
    return array.T if array.ndim == 2 else array


def _read_column(args: Mapping[str, Any]) -> Pass:
    params = [(np.asarray(W).T, np.reshape(b, (1, -1))) for W, b in args["params"]]
    cache = {key: [np.reshape(v, (1, -1)) for v in args["cache"][key]] for key in ("z", "a")}
    return Pass.of(params, cache, np.reshape(args["y"], (1, -1)), _slope_of(args))


def _read_row(args: Mapping[str, Any]) -> Pass:
    return Pass.of(args["params"], args["cache"], np.asarray(args["Y"]), _slope_of(args))


def _read_singles(args: Mapping[str, Any]) -> Pass:
    params = mlp_lib.to_row(args["params_col"])
    _, cache = mlp_lib.mlp_forward_batch(args["X"], params)
    return Pass.of(params, cache, np.asarray(args["Y"]), mlp_lib.d_sigmoid)


column = Way(
    read=_read_column,
    to_row=_transposed,
    delta="δ",
    error="e",
    z="z",
    a="a",
    start="ŷ − y",
    product="W{above}ᵀ δ{above}",
    untransposed="W{above} δ{above}",
    inverse="W{above}⁻¹ δ{above}",
    gradient="δ{now} a{below}ᵀ",
    bias="δ{now}",
    equations=("eq-output-delta-softmax", "eq-mlp-backward", "eq-weight-gradient"),
)

row = Way(
    read=_read_row,
    to_row=np.asarray,
    delta="dZ",
    error="dA",
    z="Z",
    a="A",
    start="(Ŷ − Y)/m",
    product="dZ{above} W{above}ᵀ",
    untransposed="dZ{above} W{above}",
    inverse="dZ{above} W{above}⁻¹",
    gradient="A{below}ᵀ dZ{now}",
    bias="Σ rows of dZ{now}",
    equations=("eq-layer-deltas", "eq-layer-deltas", "eq-weight-backward"),
)

singles = Way(
    read=_read_singles,
    to_row=np.asarray,
    delta="δ",
    error="e",
    z="z",
    a="a",
    start="ŷ − y for each example, the mean taken at the end",
    product="W{above}ᵀ δ{above}",
    untransposed="W{above} δ{above}",
    inverse="W{above}⁻¹ δ{above}",
    gradient="the mean of all a{below} δ{now}ᵀ, stored [from, to]",
    bias="the mean of all δ{now}, as one row",
    equations=("eq-batch-singles", "eq-batch-singles", "eq-to-row"),
)
