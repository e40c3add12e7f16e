"""Figure 10, BackpropStepper: one training step of a small network, number by number, with mistakes
to plant and the gradient check to notice them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import traitlets

from mlp_lib import activations as reference
from mlp_lib._types import Array, Cache, Func, Grads, Params
from mlp_lib.batch import error_backward, mlp_forward_batch, weight_backward
from mlp_lib.bridge import to_col, to_row
from mlp_lib.col import mlp_forward
from mlp_lib.delta import output_delta
from mlp_lib.descent import gd_update
from mlp_lib.interactive.drawing import (
    Marks,
    act,
    button,
    coordinate,
    counted,
    down,
    factor,
    mark,
    matrix,
    picture,
    power,
    select,
    short,
    slider,
    up,
    value,
)
from mlp_lib.interactive.figure import Figure, View
from mlp_lib.losses import bce_multi, cce, half_sse
from mlp_lib.numgrad import numerical_gradient, relative_error
from mlp_lib.softmax import softmax

Tensors = list[Any]  # one array a layer, or None where the code did not get to it
Place = tuple[int, int, int | None]  # a parameter: layer − 1, to, from (None: a bias)

LABELS = {
    "identity": "identity",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "softplus": "softplus",
}
# loss and output activation: what the reader sees, J, the activation, and δ of the output as coded
PAIRS: dict[str, tuple[str, str, Callable[[Array, Array], float], Func]] = {
    "half_sse_identity": ("linear, ½ squared error", "½ Σ (ŷ − y)²", half_sse, reference.identity),
    "half_sse_sigmoid": ("sigmoid, ½ squared error", "½ Σ (ŷ − y)²", half_sse, reference.sigmoid),
    "bce_sigmoid": (
        "sigmoid, binary cross-entropy",
        "−Σ (y ln ŷ + (1 − y) ln(1 − ŷ))",
        bce_multi,
        reference.sigmoid,
    ),
    "cce_softmax": ("softmax, cross-entropy", "−Σ y ln ŷ", cce, softmax),
}
MISTAKES = {
    "none": "no mistake",
    "no_transpose": "W δ: no transpose",
    "no_slope": "δ = e: no g′",
    "elementwise": "softmax as e ⊙ ŷ(1 − ŷ)",
    "sign": "y − ŷ at the output",
    "no_mean": "no 1/m in a batch",
}
# what else gives the numbers of a reader's own function; each where the shapes allow it
MORE_MISTAKES = {
    "some_transpose": "W δ: no transpose",
    "slope_of_a": "g′(a) for g′(z)",
    "receiver": "δ⁽ˡ⁾ a⁽ˡ⁾ᵀ: the receiver's own activation",
}
NOT_CALLED = (
    "Your function has not been called for this state (that needs a kernel): there is no verdict."
)
FLOOR = 1e-5  # below this size two gradients count as equal: differences have rounding noise
NOTICED = 1e-3  # relative error above which the check objects
TOO_LARGE = 1e4
MOST = 5  # examples in a batch

# The networks of the lessons, by sizes; others are drawn.
LESSONS: dict[str, dict[str, Any]] = {
    "2-2-2-2": {
        "params": [
            [[[0.9, 0.5], [-0.5, 0.25]], [0, 0]],
            [[[0.5, -0.7], [0.6, 2]], [0, 0]],
            [[[0.8, -2], [0.5, 1.3]], [0, 0]],
        ],
        "X": [[0.8, -0.6], [-0.3, 0.9], [1.5, 0.4], [-1, -0.7], [0.2, 1.1]],
        "Y": [[1, 0], [0, 1], [0, 1], [1, 0], [0, 1]],
    },
    "2-3-4": {
        "params": [
            [[[0.5, -0.5], [1.2, 0.25], [-0.75, 0.9]], [0.3, 0.5, -0.25]],
            [
                [[1.5, -0.8, 0.5], [-0.5, 0.25, 0.7], [0.4, 0.6, -0.9], [-0.2, -0.3, 0.35]],
                [0.1, -0.1, 0.2, -0.25],
            ],
        ],
        "X": [[0.8, -2], [0.3, 0.7], [2, 0.5], [-0.4, 0.6], [1.2, -0.9]],
        "Y": [
            [0, 1, 0, 0],
            [1, 0, 0, 0],
            [0, 0, 1, 0],
            [0, 0, 0, 1],
            [0, 1, 0, 0],
        ],
    },
}
PRESETS = {"2-2-2-2": [2, 2, 2, 0, 2], "2-3-4": [2, 3, 0, 0, 4]}

WIDTH, TOP, BOTTOM = 350, 30, 452  # of the graph, and the middles of its first and last row


def drawn(sizes: Sequence[int], seed: int) -> dict[str, Any]:
    """A network of these sizes with examples; the same numbers in the page and in Python."""
    s = (seed + 1) * 2654435761 % 2**32

    def draw() -> int:
        nonlocal s
        s = (s * 1664525 + 1013904223) % 2**32
        return s >> 16

    def values(n: int) -> list[float]:
        return [(draw() % 30 - 14.5) / 10 for _ in range(n)]

    def target() -> list[float]:
        at = draw() % sizes[-1]
        return [float(i == at) for i in range(sizes[-1])]

    X, Y = [values(sizes[0])], []
    params = [[[values(n) for _ in range(m)], values(m)] for n, m in pairwise(sizes)]
    Y.append(target())
    while len(X) < MOST:
        X.append(values(sizes[0]))
        Y.append(target())
    return {"params": params, "X": X, "Y": Y}


@dataclass
class Pass:
    """The backward pass as some code does it; entry k belongs to layer k + 1.

    delta, e: a row for each example, with the 1/m of the mean. dW, db: as W[to, from] and b (n,).
    """

    delta: Tensors
    e: Tensors
    dW: Tensors
    db: Tensors

    def whole(self) -> bool:
        """Whether there is a gradient for every parameter."""
        return all(t is not None for t in (*self.db, *self.dW))

    def grads(self) -> Grads:
        """As `mlp_backward` returns them."""
        return list(zip(self.dW, self.db, strict=True))


@dataclass
class Run:
    """Everything that a state of the figure stands for; X, Y, z and a have a row per example."""

    sizes: list[int]
    params: Params
    X: Array
    Y: Array
    cache: Cache
    J: float
    right: Pass
    got: Pass
    measured: Grads
    after: Params | None
    J_after: float
    done: int  # updates
    own: bool  # the reader has a function
    called: bool  # and its numbers belong to this state
    at: int  # the row of the example on the graph

    @property
    def batch(self) -> bool:
        """Whether the row form is shown: more than one example."""
        return len(self.X) > 1

    def form(self, tensor: Any) -> Any:
        """What belongs to the examples, or W, or b, as the matrices show it."""
        return tensor if self.batch else tensor[0]

    def weight(self, W: Any) -> Any:
        """W as the matrices show it."""
        return W.T if self.batch else W

    def unknown(self, which: str) -> bool:
        """Whether a reader's own function does not return it: the right one stands there."""
        return self.own and (which == "e" or (which == "delta" and self.batch))

    def stops(self, k: int, symbol: str) -> str:
        """What a missing transpose says where W of layer k + 2 is not square."""
        shape = "×".join(map(str, self.weight(self.params[k + 1][0]).shape))
        error = f"{'a row of ' if self.batch else ''}{_SYMBOLS[self.batch][-1]}{up(k + 2)}"
        return (
            f"NumPy stops before {symbol}: W{up(k + 2)} is {shape} and "
            f"{error} has {self.sizes[k + 2]} entries."
        )


def backward(
    params: Params, cache: Cache, Y: Array, dg: Func, pair: str, mistake: str = "none"
) -> Pass:
    """`mlp_backward_batch` with every quantity kept, and with a mistake if one is named."""
    L, z, a = len(params), cache["z"], cache["a"]
    result = Pass([None] * L, [None] * L, [None] * L, [None] * L)
    loss, output = pair.rsplit("_", 1)
    dZ = output_delta(a[-1], Y, loss, output)
    if mistake == "sign":
        dZ = -dZ
    if mistake == "elementwise" and pair == "cce_softmax":
        dZ = -Y * (1 - a[-1])  # e ⊙ ŷ(1 − ŷ) with e = −y/ŷ
    if mistake != "no_mean":
        dZ = dZ / len(Y)
    for k in reversed(range(L)):
        W = params[k][0].T  # [from, to]
        square = W.shape[0] == W.shape[1]
        dW, db = weight_backward(dZ, a[k + (mistake == "receiver" and square)])
        result.delta[k], result.dW[k], result.db[k] = dZ, dW.T, db[0]
        if k == 0 or (mistake == "no_transpose" and not square):
            break
        wrong = mistake == "no_transpose" or (mistake == "some_transpose" and square)
        e = dZ @ W if wrong else error_backward(dZ, W)
        result.e[k - 1] = e
        dZ = e if mistake == "no_slope" else e * dg(a[k] if mistake == "slope_of_a" else z[k - 1])
    return result


def roads(
    params: Params, z: Sequence[Array], delta_out: Array, dg: Func, k: int, to: int, begin: float
) -> list[float]:
    """What each road from a weight into unit `to` of layer k + 1 adds to its derivative.

    begin: the activation that enters the weight (1 for a bias). delta_out: δ of the output layer.
    """
    if k == len(params) - 1:
        return [begin * float(delta_out[to])]
    now = begin * float(dg(z[k][to]))
    found = []
    for i, row in enumerate(params[k + 1][0]):
        found += roads(params, z, delta_out, dg, k + 1, i, now * float(row[to]))
    return found


def measure(f: Callable[[Params], float], params: Params) -> Grads:
    """Central differences of f, tensor by tensor."""

    def moved(k: int, j: int, theta: Array) -> float:
        W, b = params[k]
        return f([*params[:k], (W, theta) if j else (theta, b), *params[k + 1 :]])

    return [
        (numerical_gradient(partial(moved, k, 0), W), numerical_gradient(partial(moved, k, 1), b))
        for k, (W, b) in enumerate(params)
    ]


def off(got: Any, right: Any) -> Any:
    """Entry by entry, whether a number is wrong: by more than a millionth of the largest."""
    if got is None or right is None:
        return np.zeros(np.shape(right), dtype=bool)
    allowed = 1e-6 * np.abs(right).max() + 1e-12
    return ~(np.abs(got - right) <= allowed)


def _same(own: Grads, made: Grads, scale: float = 1) -> bool:
    """Whether the gradients are these, up to rounding."""
    return not any(
        off(g, k * scale).any()
        for mine, known in zip(own, made, strict=True)
        for g, k in zip(mine, known, strict=True)
    )


def _size(error: float) -> str:
    """A relative error with digits that show it."""
    return f"{error:.{2 if error >= 0.01 else 4}f}"


def _places(sizes: Sequence[int]) -> list[Place]:
    found: list[Place] = []
    for k, (n, m) in enumerate(pairwise(sizes)):
        for i in range(m):
            found += [(k, i, j) for j in range(n)]
            found.append((k, i, None))
    return found


def _steps(L: int) -> list[tuple[str, int]]:
    found = [("start", 0)]
    for k in range(L):
        found += [("z", k), ("a", k)]
    found.append(("loss", 0))
    for k in reversed(range(L)):
        found += [("delta", k), ("grad", k)]
        if k:
            found.append(("e", k - 1))
    return [*found, ("update", 0)]


class BackpropStepper(Figure):
    """One training step of a small network: forward, loss, backward, update, number by number.

    params: a list of W (n_k, n_k₋₁) and b (n_k,), sizes 1 to 4, one to three hidden layers, as in
    `mlp_forward`; x, y: one example. Or a batch of 2 to 5 examples in row form, X (m, n₀) and
    Y (m, n_L), and then params as in `mlp_forward_batch`.
    backward: your mlp_backward(params, cache, y, dg), for a batch your mlp_backward_batch, which
    returns [(dW, db), …]; its numbers stand beside the reference's:

        BackpropStepper(params, x, y, backward=my_backward)

    activation: of the hidden units. pair: loss and output. mistake: planted into the backward pass.
    batch: how many examples; one is shown in column form, several in row form. example: the one on
    the graph. sizes: inputs, three hidden layers (0: not there), outputs. seed: 0 for the lesson's
    numbers.
    """

    name: ClassVar[str] = "backprop"
    title: ClassVar[str] = "Backpropagation step by step"

    activation = traitlets.Enum(list(LABELS), "sigmoid").tag(sync=True)
    pair = traitlets.Enum(list(PAIRS), "cce_softmax").tag(sync=True)
    mistake = traitlets.Enum(list(MISTAKES), "none").tag(sync=True)
    sizes = traitlets.List(traitlets.Int(min=0, max=4), PRESETS["2-2-2-2"], minlen=5, maxlen=5).tag(
        sync=True
    )
    seed = traitlets.Int(0, min=0, max=50).tag(sync=True)
    updates = traitlets.Int(0, min=0, max=50).tag(sync=True)
    batch = traitlets.Int(1, min=1, max=MOST).tag(sync=True)
    example = traitlets.Int(1, min=1, max=MOST).tag(sync=True)
    eta = traitlets.Float(0.5, min=0.05, max=5.0).tag(sync=True)
    step = traitlets.Int(15, min=0, max=21).tag(sync=True)
    chosen = traitlets.Int(1, min=1, max=80).tag(sync=True)
    nets = traitlets.Dict(LESSONS).tag(sync=True)
    own = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        params: Params | None = None,
        x: Any = None,
        y: Any = None,
        *,
        backward: Callable[..., Any] | None = None,
        **traits: Any,
    ) -> None:
        if params is not None:
            net, traits["sizes"] = _given(params, x, y)
            key = "-".join(str(n) for n in traits["sizes"] if n)
            traits = {"batch": len(net["X"])} | traits
            traits["nets"] = LESSONS | {key: net}
        super().__init__(**traits)
        self._backward = backward
        if backward is not None:
            self.observe(
                self._ask_own,
                ["activation", "pair", "sizes", "seed", "updates", "eta", "batch"],
            )
            self._ask_own()

    @traitlets.validate("sizes")
    def _ends_and_one_between(self, proposal: Any) -> Any:
        inputs, *hidden, outputs = proposal["value"]
        if not (inputs and outputs and any(hidden)):
            raise traitlets.TraitError(
                "sizes: expected inputs, three hidden layers (at least one not 0) and outputs, "
                f"got {proposal['value']}"
            )
        return proposal["value"]

    def _settings(self) -> list[Any]:
        """What the numbers of the reader's own function belong to."""
        here = [self.activation, self.pair, *self.sizes, self.seed, self.updates, self.eta]
        return [*here, self.batch]

    def _ask_own(self, _change: Any = None) -> None:
        """Call the reader's function where the figure stands."""
        assert self._backward is not None
        params, X, Y = self._start()
        grads: list[Any] = []
        for update in range(self.updates + 1):
            cache = self._forward(params, X)
            grads, problem, error = _asked(self._backward, params, cache, Y, self._dg())
            if problem or update == self.updates:
                break
            params = gd_update(params, grads, self.eta)
        own = {
            "at": self._settings(),
            "not_called": NOT_CALLED,
            "params": [[_plain(W), _plain(b)] for W, b in params],
            "grads": [[_plain(dW), _plain(db)] for dW, db in grads],
        }
        run = self._run(own)
        nothing = all(t is None for pair in grads for t in pair)
        first = None if nothing else self._first_wrong(run)
        if error is not None:
            problem = " ".join([problem, *self._shape_error(run, error)])
        if nothing:
            verdict = problem
        elif first is None:
            verdict = self._agrees(run)
        else:
            verdict = self._own_wrong(run, first, problem)
        self.own = own | {"first": first and list(first), "verdict": verdict}

    def _shape_error(self, run: Run, error: Exception) -> list[str]:
        """What a planted missing transpose says, if the error is that of W δ."""
        for k in reversed(range(len(run.params) - 1)):
            W, delta = run.params[k + 1][0], run.right.delta[k + 1]
            if W.shape[0] == W.shape[1]:
                continue
            pair = (delta, W.T) if run.batch else (W, delta[0])
            for product in (np.matmul, np.dot):
                try:
                    product(*pair)
                except ValueError as known:
                    if str(known) == str(error):
                        return [run.stops(k, _SYMBOLS[run.batch][-2] + up(k + 1))]
            break
        return []

    def _made(self, run: Run, mistake: str) -> Pass:
        return backward(run.params, run.cache, run.Y, self._dg(), self.pair, mistake)

    def _agrees(self, run: Run) -> str:
        """The verdict on right numbers, and which mistakes would not show in this network."""
        noticed = any(e > NOTICED for pair in self._errors(run) if pair for e in pair)
        end = "" if noticed else ", and the gradient check agrees in this network"
        text = f"Your numbers are the reference's{end}."
        if not any(delta.any() for delta in run.right.delta[:-1]):
            return f"{text} It hides mistakes: all hidden δ are 0."
        if not any(W.shape[0] == W.shape[1] for W, _ in run.params[1:]):
            text += " No W after the first is square: W δ cannot show as a wrong number."
        right = run.right.grads()
        idle = {
            label: None
            for mistake, label in (MISTAKES | MORE_MISTAKES).items()
            if not self._idle(mistake)
            and (made := self._made(run, mistake)).whole()
            and not (mistake in ("some_transpose", "receiver") and not self._square(run, mistake))
            and _same(made.grads(), right)
        }
        hidden = ", ".join(f"“{label}”" for label in idle)
        return f"{text} It would not show {hidden}." if hidden else text

    def _idle(self, mistake: str) -> bool:
        """Whether there is nothing to get wrong."""
        return (
            mistake == "none"
            or (mistake == "no_mean" and self.batch == 1)
            or (mistake == "elementwise" and self.pair != "cce_softmax")
        )

    def _square(self, run: Run, mistake: str) -> bool:
        start = 1 if mistake == "some_transpose" else 0
        return any(W.shape[0] == W.shape[1] for W, _ in run.params[start:])

    def _own_wrong(self, run: Run, first: tuple[str, int], problem: str) -> str:
        """The verdict on wrong numbers."""
        kind, k = first
        d = "d" if run.batch else "∂J/∂"
        dW = run.got.dW[k]
        dW_right = dW is not None and not off(dW, run.right.dW[k]).any()
        name = "b" if kind == "delta" or dW_right else "W"
        text = f"Your first wrong quantity: {d}{name}{up(k + 1)}."
        if dW_right and run.right.dW[k].any():
            text += f" Your {d}W{up(k + 1)} is right, and with it {_SYMBOLS[run.batch][-1]}."
        remark = problem or self._known(run)
        if remark:
            text += f" {remark}."
        return text + self._notice(run, own=True)

    def _notice(self, run: Run, *, own: bool = False) -> str:
        """Whether the gradient check notices wrong numbers."""
        known = [e for pair in self._errors(run) if pair for e in pair]
        noticed = [e for e in known if e > NOTICED]
        if noticed:
            many, most = f"{len(noticed)} of {len(known)} tensors", _size(max(noticed))
            return f" The gradient check notices it in {many}, relative error {most}."
        if not run.got.whole():
            return ""
        text = " The gradient check does not notice it"
        if own and max(known) > 1e-7:  # below, it is the noise of the differences
            mantissa, exponent = f"{max(known):.1e}".split("e")
            text += f": relative error {mantissa}×{power(int(exponent))}"
        return f"{text}."

    def _known(self, run: Run) -> str:
        """The known mistake, if there is one, that gives just the reader's numbers."""
        grads, right, m = run.got.grads(), run.right.grads(), len(run.Y)
        if m > 1 and not _same(grads, right):
            if _same(grads, right, m):
                return f"They are {m} times the right ones: the 1/m of the mean is missing"
            if _same(grads, right, 1 / m):
                return f"They are 1/{m} of the right ones: the 1/m of the mean stands there twice"
        for mistake, label in (MISTAKES | MORE_MISTAKES).items():
            made = self._made(run, mistake)
            if mistake != "none" and made.whole() and _same(grads, made.grads()):
                return f"The same numbers come from “{label}”"
        return ""

    def _dg(self) -> Func:
        return reference.ACTIVATIONS[self.activation].df

    def _forward(self, params: Params, X: Array) -> Cache:
        g = reference.ACTIVATIONS[self.activation].f
        return mlp_forward_batch(X, to_row(params), g, PAIRS[self.pair][3])[1]

    def _net(self) -> dict[str, Any]:
        sizes = [n for n in self.sizes if n]
        known = self.nets.get("-".join(map(str, sizes))) if self.seed == 0 else None
        return known or drawn(sizes, self.seed)

    def _limits(self) -> tuple[int, int]:
        """The fewest and the most examples: a reader's own function knows one of the two forms."""
        if self.own:
            one = self.own["at"][-1] == 1
            return (1, 1) if one else (2, len(self._net()["X"]))
        return 1, len(self._net()["X"])

    def _start(self) -> tuple[Params, Array, Array]:
        """Parameters before the first update, and the examples."""
        net = self._net()
        params = [(np.array(W, float), np.array(b, float)) for W, b in net["params"]]
        X, Y = (np.array(net[key][: self.batch], float) for key in "XY")
        return params, X, Y

    def _run(self, own: dict[str, Any] | None = None) -> Run:
        params, X, Y = self._start()
        dg = self._dg()

        def loss(params: Params) -> float:
            J, P = PAIRS[self.pair][2], self._forward(params, X)["a"][-1]
            return sum(J(p, y) for p, y in zip(P, Y, strict=True)) / len(Y)

        own = own or self.own
        called = bool(own) and own["at"] == self._settings()
        done = 0
        if called:
            params = [(np.array(W), np.array(b)) for W, b in own["params"]]
            done = self.updates
        elif not own:
            for _ in range(self.updates):
                made = backward(params, self._forward(params, X), Y, dg, self.pair, self.mistake)
                if not made.whole():
                    break
                moved = gd_update(params, made.grads(), self.eta)
                if max(float(np.abs(t).max()) for layer in moved for t in layer) > TOO_LARGE:
                    break
                params, done = moved, done + 1
        cache = self._forward(params, X)
        right = backward(params, cache, Y, dg, self.pair)
        if own:
            grads = own["grads"] if called else [(None, None)] * len(params)
            dW, db = (_arrays(t) for t in zip(*grads, strict=True))
            # for one example db is δ; of a batch only the sums are known
            delta = right.delta if len(X) > 1 else [None if t is None else t[None] for t in db]
            got = Pass(delta, [None] * len(db), dW, db)
        elif self.mistake == "none":
            got = right
        else:
            got = backward(params, cache, Y, dg, self.pair, self.mistake)
        after = gd_update(params, got.grads(), self.eta) if got.whole() else None
        return Run(
            sizes=[n for n in self.sizes if n],
            params=params,
            X=X,
            Y=Y,
            cache=cache,
            J=loss(params),
            right=right,
            got=got,
            measured=measure(loss, params),
            after=after,
            J_after=loss(after) if after else math.nan,
            done=done,
            own=bool(own),
            called=called,
            at=min(self.example, len(X)) - 1,
        )

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in backprop.js."""
        run = self._run()
        L = len(run.params)
        steps, places = _steps(L), _places(run.sizes)
        at, chosen = min(self.step, len(steps) - 1), min(self.chosen, len(places)) - 1
        shown = set(steps[: at + 1])
        title, formula = self._stage(run, *steps[at])
        if not run.own:
            first = self._first_wrong(run)
            verdict = self._verdict(run, first)
        elif run.called:
            first = self.own["first"] and tuple(self.own["first"])
            verdict = self.own["verdict"]
        else:
            first, verdict = None, NOT_CALLED
        losses = f"J = {value(run.J)}"
        if ("loss", 0) not in shown:
            losses = "J = ·"
        elif ("update", 0) in shown:
            losses += f" → {value(run.J_after)}" if run.after else " → no update"
        said, lines = self._lines(run, places[chosen])
        few, most = self._limits()
        marks: Marks = {
            "graph": {"html": self._graph(run, shown, steps[at], places, chosen, losses)},
            "stage": {"text": title},
            "formula": {"text": formula},
            "losses": {"text": losses},
            "lines": {"html": "".join(f"<p>{line}</p>" for line in lines)},
            "check": {"html": self._check(run)},
            "verdict": {"text": verdict},
            "layers": {"html": self._layers(run, shown, steps[at], first)},
        }
        values = {f"sizes.{i}": str(n) for i, n in enumerate(self.sizes)} | {
            "step": str(at),
            "chosen": _name(places[chosen], run.batch),
            "batch": str(len(run.X)),
            "example": str(run.at + 1),
            "seed": str(self.seed),
            "updates": str(self.updates),
            "eta": short(self.eta),
        }
        return {
            "marks": marks,
            "values": values,
            "disabled": [
                *(["mistake"] if self.own else []),
                *(["batch"] if few == most else []),
                *([] if run.batch else ["example"]),
            ],
            "limits": {
                "step": (0, len(steps) - 1, 1),
                "chosen": (1, len(places), 1),
                "batch": (few, most, 1),
                "example": (1, len(run.X), 1),
            },
            "sentence": self._sentence(run, at, len(steps) - 1, title, said, verdict),
        }

    def _sentence(self, run: Run, at: int, last: int, title: str, said: str, verdict: str) -> str:
        step = f"leads to {value(run.J_after)}" if run.after else "cannot be made"
        return (
            f"Network {'-'.join(map(str, run.sizes))}, {LABELS[self.activation]} units, output "
            f"{PAIRS[self.pair][0]}, {counted(len(run.X), 'example')}, after "
            f"{counted(run.done, 'update')}. "
            f"Step {at} of {last}: {title}. "
            f"J = {value(run.J)}, and an update with η = {short(self.eta)} {step}. "
            f"{said} {verdict}"
        )

    def _stage(self, run: Run, kind: str, k: int) -> tuple[str, str]:
        """A step in words and as a formula; with a planted mistake, as the mistaken code has it."""
        here, later, batch = up(k + 1), up(k + 2), run.batch
        X, Z, A, P, Y, E, D = _SYMBOLS[batch]
        before = X if k == 0 else f"{A}{up(k)}"
        last = k == len(run.params) - 1
        layer = "the output layer" if last else f"layer {k + 1}"
        wrong = "" if self.own else self.mistake
        output = PAIRS[self.pair][0].split(",")[0]
        start = f"{Y} − {P}" if wrong == "sign" else f"{P} − {Y}"
        if self.pair == "half_sse_sigmoid":
            start = f"({start}) ⊙ {P}(1 − {P})"
        elif batch:
            start = f"({start})"
        if wrong == "elementwise" and self.pair == "cce_softmax":
            start = f"−{Y}/{P} ⊙ {P}(1 − {P})"
        if batch and wrong != "no_mean":
            start += "/m"
        slope = "" if wrong == "no_slope" else f" ⊙ g′({Z}{here})"
        T = "" if wrong == "no_transpose" else "ᵀ"
        W, d = f"W{here}", f"{D}{here}"
        grad = f"∂J/∂W{here} = {d} {before}ᵀ, ∂J/∂b{here} = {d}"
        mean = PAIRS[self.pair][1]
        if batch:
            grad = f"dW{here} = {before}ᵀ {d}, db{here} = sum of the rows of {d}"
            mean = f"mean over {len(run.X)} examples of {mean}"
        return {
            "start": ("the start", f"{X} and all W and b"),
            "z": (
                f"forward, {Z} of {layer}",
                f"{Z}{here} = {f'{before} {W}' if batch else f'{W} {before}'} + b{here}",
            ),
            "a": (
                f"forward, {A} of {layer}",
                f"{P} = {output}({Z}{here})"
                if last
                else f"{A}{here} = {LABELS[self.activation]}({Z}{here})",
            ),
            "loss": ("the loss", f"J = {mean}"),
            "delta": (
                f"backward, {D} of {layer}",
                f"{d} = {start}" if last else f"{d} = {E}{here}{slope}",
            ),
            "e": (
                f"backward, {E} of {layer}",
                f"{E}{here} = "
                + (f"{D}{later} W{later}{T}" if batch else f"W{later}{T} {D}{later}"),
            ),
            "grad": (f"backward, gradients of {layer}", grad),
            "update": ("the update", "W ← W − η ∂J/∂W, b ← b − η ∂J/∂b"),
        }[kind]

    def _first_wrong(self, run: Run) -> tuple[str, int] | None:
        """The first quantity of the backward pass that is not the reference's."""
        for kind, k in _steps(len(run.params)):
            if kind not in ("delta", "e", "grad"):
                continue
            unknown = run.own and kind == "e"
            for which in ("dW", "db") if kind == "grad" else (kind,):
                got = getattr(run.got, which)[k]
                if not unknown and (got is None or off(got, getattr(run.right, which)[k]).any()):
                    return kind, k
        return None

    def _errors(self, run: Run) -> list[tuple[float, float] | None]:
        """Relative errors of dW and db by layer, None where there is no gradient."""
        found: list[tuple[float, float] | None] = []
        for k, pair in enumerate(run.measured):
            got = (run.got.dW[k], run.got.db[k])
            if got[0] is None or got[1] is None:
                found.append(None)
                continue
            w, b = (relative_error(g, n, FLOOR) for g, n in zip(got, pair, strict=True))
            found.append((w, b))
        return found

    def _verdict(self, run: Run, first: tuple[str, int] | None) -> str:
        noticed = any(e > NOTICED for pair in self._errors(run) if pair for e in pair)
        if first is None:
            if self.mistake != "none":
                end = "" if noticed else ", and the gradient check agrees"
                return f"In this network the mistake changes no number{end}: {self._why()}."
            if noticed:
                return "The measurement stepped over a kink and disagrees."
            return "The gradient check agrees with all ∂J/∂W, ∂J/∂b in this network."
        kind, k = first
        *_, E, D = _SYMBOLS[run.batch]
        symbol = (E if kind == "e" else D) + up(k + 1)  # a gradient comes after its δ
        if getattr(run.got, kind)[k] is None:
            text = run.stops(k, symbol)
        else:
            text = f"First wrong quantity: {symbol}."
        return text + self._notice(run)

    def _why(self) -> str:
        """Why a planted mistake changes no number."""
        if self.mistake == "elementwise" and self.pair != "cce_softmax":
            return "no softmax"
        return {
            "no_transpose": "Wᵀδ = Wδ",
            "no_slope": "g′ = 1 or e = 0",
            "no_mean": "m = 1" if self.batch == 1 else "ŷ = y",
        }.get(self.mistake, "ŷ = y")

    def _lines(self, run: Run, place: Place) -> tuple[str, list[str]]:
        """The chosen parameter in a sentence, and its equations with the numbers filled in."""
        k, i, j = place
        L, here, name = len(run.params), up(k + 1), _name(place, run.batch)
        W, b = run.params[k]
        weight = float(b[i] if j is None else W[i][j])
        r, right, m = run.at, run.right, len(run.X)
        delta = right.delta[k][r]
        g = float(right.db[k][i] if j is None else right.dW[k][i][j])
        *_, E, D = _SYMBOLS[run.batch]
        z, own_delta = f"z{here}{down(i + 1)}", f"{D}{here}{down(i + 1)}"
        start = f"x{down(j + 1)}" if j is not None else "1"
        if j is not None and k:
            start = f"a{up(k)}{down(j + 1)}"
        starts = [1.0 if j is None else float(row[j]) for row in run.cache["a"][k]]
        begin = starts[r]
        write = factor if run.batch else value
        products = " + ".join(
            f"{write(float(d[i]))} · {factor(v)}"
            for d, v in zip(right.delta[k], starts, strict=True)
        )
        each = "Σ " if run.batch else ""
        label = "" if run.got is right else "Right: "
        lines = [
            f"<b>{name} = {value(weight)}</b>, from {start} to {z}",
            f"{label}∂J/∂{name} = {each}{own_delta} · {start} = {products} = {value(g)}",
        ]
        which = label + (f"example {r + 1}: " if run.batch else "")
        if k == L - 1:
            p, t = float(run.cache["a"][L][r][i]), float(run.Y[r][i])
            text = f"ŷ{down(i + 1)} − y{down(i + 1)}"
            filled = f"{value(p)} − {factor(t)}"
            if self.pair == "half_sse_sigmoid":
                text = f"({text}) · ŷ{down(i + 1)}(1 − ŷ{down(i + 1)})"
                filled = f"({filled}) · {value(p * (1 - p))}"
            elif run.batch:
                text, filled = f"({text})", f"({filled})"
            if run.batch:
                text, filled = f"{text}/m", f"{filled}/{m}"
            lines.append(f"{which}{own_delta} = {text} = {filled} = {value(delta[i])}")
        else:
            e = float(right.e[k][r][i])
            slope = float(self._dg()(run.cache["z"][k][r][i]))
            error = f"{E}{here}{down(i + 1)}"
            lines.append(
                f"{which}{own_delta} = {error} · g′({z}) = "
                f"{value(e)} · {factor(slope)} = {value(delta[i])}"
            )
            later = up(k + 2)
            terms = [
                f"{_name((k + 1, q, i), run.batch)}{D}{later}{down(q + 1)}"
                for q in range(run.sizes[k + 2])
            ]
            filled_terms = [
                f"{factor(float(row[i]))}·{factor(float(d))}"
                for row, d in zip(run.params[k + 1][0], right.delta[k + 1][r], strict=True)
            ]
            filled = f"{' + '.join(terms)} = {' + '.join(filled_terms)}"
            lines.append(f"{label}{error} = {filled} = {value(e)}")
        z_here = [rows[r] for rows in run.cache["z"]]
        found = roads(run.params, z_here, right.delta[-1][r], self._dg(), k, i, begin)
        added = f": {' + '.join(map(factor, found))} = {value(sum(found))}"
        added = added if 1 < len(found) <= 8 else ""
        ways = counted(len(found), "road")
        lines.append(f"{which}{ways} to the loss{added}")
        n = float(run.measured[k][1][i] if j is None else run.measured[k][0][i][j])
        digits = 1e8 / max(1.0, run.J)  # that a difference has
        n = math.floor(n * digits + 0.5) / digits
        lines.append(f"measured: (J(w + h) − J(w − h))/2h = {value(n)}")
        made, wanted = (p.db[k] if j is None else p.dW[k] for p in (run.got, right))
        if made is not None and off(made, wanted).any():
            mine = float(made[i] if j is None else made[i][j])
            whose = "yours" if run.own else "with the mistake"
            lines.append(f"<b>✗ {whose}: ∂J/∂{name} = {value(mine)}</b>")
        each = " an example" if run.batch else ""
        return f"{label}∂J/∂{name} = {value(g)} over {ways}{each}.", lines

    def _check(self, run: Run) -> str:
        """The gradient check, tensor by tensor, from the output backward."""

        def word(error: float) -> str:
            return "✓" if error <= NOTICED else f'<b class="lm-off">✗ {_size(error)}</b>'

        rows = []
        for k, pair in enumerate(self._errors(run)):
            both = f"∂J/∂W {word(pair[0])}, ∂J/∂b {word(pair[1])}" if pair else "no gradient"
            rows.append(f"<p>layer {k + 1}: {both}</p>")
        return "".join(reversed(rows))

    def _layers(
        self,
        run: Run,
        shown: set[tuple[str, int]],
        now: tuple[str, int],
        first: tuple[str, int] | None,
    ) -> str:
        """Every vector and matrix with its shape, a row for each layer."""
        L = len(run.params)
        updated = ("update", 0) in shown and run.after is not None
        places = _places(run.sizes)

        X, Z, A, P, Y, E, D = _SYMBOLS[run.batch]
        d = "d" if run.batch else "∂J/∂"

        def chooser(start: int, k: int) -> Callable[[int, int], str]:
            columns = run.sizes[k] + 1

            def place(r: int, c: int) -> str:
                to, sender = (c, r) if run.batch else (r, c)
                return f' data-w="{start + to * columns + sender}"'

            return place

        def rows(label: str, tensor: Any, kind: str, step: tuple[str, int], **options: Any) -> str:
            """What has a row for each example; the chosen one stands out."""
            active = " lm-now" if step == now else ""
            row = run.at if run.batch else None
            options = {"classes": active, "row": row} | options
            return matrix(label, run.form(tensor), kind, **options)

        def result(which: str, label: str, k: int, start: int = 0) -> str:
            """A quantity of the backward pass, and the right one beside it where it is wrong."""
            step = ("grad" if which in ("dW", "db") else which, k)
            got, right = getattr(run.got, which)[k], getattr(run.right, which)[k]
            kind = "b"
            if run.unknown(which):
                got, label, kind = right, f"right: {label}", "c"
            elif run.own and which == "delta":
                label = f"∂J/∂b{up(k + 1)} = {label}"
            forms: dict[str, Callable[[Any], Any]] = {"dW": run.weight, "db": lambda t: t[None]}
            form = forms.get(which, run.form)
            classes = " lm-now" if step == now else ""
            visible, row = step in shown, run.at if run.batch and which in ("e", "delta") else None
            beside = matrix(f"right: {label}", form(right), "c", row=row) if visible else ""
            if got is None:
                options: dict[str, Any] = {"classes": classes, "row": row}
                return matrix(label, form(right), kind, visible=False, **options) + beside
            wrong = off(got, right)
            if visible and step == first and wrong.any():
                classes += " lm-first"
            cell = chooser(start, k) if start else None
            made = matrix(
                label,
                form(got),
                kind,
                visible=visible,
                wrong=form(wrong),
                classes=classes,
                cell=cell,
                row=row,
            )
            return made + (beside if wrong.any() else "")

        found = []
        for k in range(L):
            here = up(k + 1)
            W, b = run.after[k] if updated and run.after else run.params[k]
            new = "new " if updated else ""
            classes = " lm-now" if now[0] == "update" else ""
            start = places.index((k, 0, 0)) + 1
            last = k == L - 1
            parts = [rows(X, run.X, "a", ("start", 0))] if k == 0 else []
            cell = chooser(start, k)
            parts.append(
                matrix(f"{new}W{here}", run.weight(W), "plain", classes=classes, cell=cell)
            )
            bias = b[None] if run.batch else b
            parts.append(matrix(f"{new}b{here}", bias, "plain", classes=classes))
            for kind, label in (("z", f"{Z}{here}"), ("a", P if last else f"{A}{here}")):
                tensor = run.cache["z"][k] if kind == "z" else run.cache["a"][k + 1]
                visible = (kind, k) in shown
                parts.append(rows(label, tensor, "a", (kind, k), visible=visible))
            if last:
                parts.append(rows(Y, run.Y, "plain", ("loss", 0)) + "</div><div>")
            else:
                parts.append("</div><div>" + result("e", f"{E}{here}", k))
            parts.append(result("delta", f"{D}{here}", k))
            parts.append(result("dW", f"{d}W{here}", k, start))
            if run.batch:
                parts.append(result("db", f"db{here}", k))
            title = "output" if last else f"layer {k + 1}"
            found.append(f'<div class="lm-layer"><b>{title}</b><div>{"".join(parts)}</div></div>')
        return "".join(found)

    def _graph(
        self,
        run: Run,
        shown: set[tuple[str, int]],
        now: tuple[str, int],
        places: list[Place],
        chosen: int,
        losses: str,
    ) -> str:
        """The network from the input at the top to the loss at the bottom."""
        L = len(run.params)
        middle = [TOP + (BOTTOM - TOP) * k / L for k in range(L + 1)]
        half = [12] + [30] * L
        x = [[WIDTH * (j + 0.5) / n for j in range(n)] for n in run.sizes]
        largest = {
            "w": max(float(np.abs(W).max()) for W, _ in run.params),
            "g": max([0.0, *(float(np.abs(t).max()) for t in run.got.dW if t is not None)]) or 1.0,
        }
        edges, hits = "", ""
        ck, ci, cj = places[chosen]
        for number_, (k, i, j) in enumerate(places, 1):
            if j is None:
                continue
            n, m = run.sizes[k], run.sizes[k + 1]
            x1, y1 = x[k][j] + (i - (m - 1) / 2) * 9, middle[k] + half[k]
            x2, y2 = x[k + 1][i] + (j - (n - 1) / 2) * 9, middle[k + 1] - half[k + 1]
            d = f"M{coordinate(x1)} {coordinate(y1)}L{coordinate(x2)} {coordinate(y2)}"
            glow = ""
            if number_ == chosen + 1:
                glow = " lm-glow lm-chosen"
            elif (k == ck + 1 and j == ci) or k > ck + 1:
                glow = " lm-glow"
            w, got = float(run.params[k][0][i][j]), run.got.dW[k]
            if ("grad", k) in shown and got is not None:
                width, class_ = abs(float(got[i][j])) / largest["g"], "lm-b"
            else:
                width, class_ = abs(w) / largest["w"] if largest["w"] else 0, ""
            thick = coordinate(0.8 + 3.2 * width)
            edges += f'<path class="lm-edge {class_}" stroke-width="{thick}" d="{d}"/>'
            hits += f'<path class="lm-hit{glow}" data-w="{number_}" d="{d}"/>'
        boxes = ""
        for k in range(L + 1):
            for j in range(run.sizes[k]):
                lines = self._unit(run, shown, now, k, j)
                left, top = x[k][j] - 42, middle[k] - half[k]
                own = cj is None and ck == k - 1 and ci == j
                boxes += (
                    f'<rect class="lm-unit{" lm-chosen" if own else ""}" '
                    f'x="{coordinate(left)}" y="{coordinate(top)}" width="84" '
                    f'height="{2 * half[k]}" rx="6"/>'
                )
                for r, (text, class_) in enumerate(lines):
                    at = f'x="{coordinate(left + 4)}" y="{coordinate(top + 15 + 13.5 * r)}"'
                    if len(text) > 11:  # else it might not fit
                        at += ' textLength="77" lengthAdjust="spacingAndGlyphs"'
                    boxes += f'<text class="{class_}" {at}>{text}</text>'
        end = f'<text class="lm-title" x="175" y="502">{losses}</text>'
        return hits + edges + boxes + end

    def _unit(
        self, run: Run, shown: set[tuple[str, int]], now: tuple[str, int], k: int, j: int
    ) -> list[tuple[str, str]]:
        """The lines in the box of one unit: text and class."""
        r = run.at
        if k == 0:
            return [(f"x{down(j + 1)} {value(run.X[r][j])}", "")]
        last, layer = k == len(run.params), k - 1
        *_, E, D = _SYMBOLS[run.batch]

        def line(symbol: str, kind: str, v: Any, class_: str, wrong: bool = False) -> Any:
            step = (kind, layer)
            active = " lm-now" if step == now else ""
            if step not in shown:
                return f"{symbol} ·", class_
            if v is None:
                return f"{symbol} –", class_
            return f"{symbol} {'✗' if wrong else ''}{value(v)}", class_ + active

        lines = [
            line("z", "z", run.cache["z"][layer][r][j], "lm-a"),
            line("ŷ" if last else "a", "a", run.cache["a"][k][r][j], "lm-a"),
        ]
        if last:
            lines.append((f"y {value(run.Y[r][j])}", "lm-now" if now[0] == "loss" else ""))
        for kind in ("delta",) if last else ("e", "delta"):
            right, got = getattr(run.right, kind)[layer], getattr(run.got, kind)[layer]
            symbol, class_ = D if kind == "delta" else E, "lm-b"
            if run.unknown(kind):
                got, symbol, class_ = right, f"right {symbol}", "lm-c"
            elif run.own:
                symbol = "db"
            wrong = got is not None and bool(off(got, right)[r][j])
            lines.append(line(symbol, kind, None if got is None else got[r][j], class_, wrong))
        return lines

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values = view["marks"], view["values"]
        limits = view["limits"]
        y = self._start()[2]
        fits = {
            "half_sse_identity": True,
            "half_sse_sigmoid": bool(((y >= 0) & (y <= 1)).all()),
            "bce_sigmoid": bool(((y >= 0) & (y <= 1)).all()),
            "cce_softmax": bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all()),
        }
        pairs = {key: words for key, (words, *_) in PAIRS.items() if fits[key]}

        def own_slider(trait: str, label: str, low: float, high: float, step: float) -> str:
            return slider(trait, label, (low, high, step), getattr(self, trait), values[trait])

        go = (
            slider(
                "step", "step", limits["step"], min(self.step, limits["step"][1]), values["step"]
            )
            + act("next", "next step")
            + act("play", "play", pace=1100)
            + select("mistake", "mistake", MISTAKES, self.mistake)
            + "".join(
                slider(trait, label, limits[trait], int(values[trait]), values[trait])
                for trait, label in (("example", "example"), ("batch", "in a batch of"))
            )
        )
        names = ["inputs", "hidden 1", "hidden 2", "hidden 3", "outputs"]
        sizes = "".join(
            slider(
                "sizes", label, (0 if i in (2, 3) else 1, 4, 1), n, values[f"sizes.{i}"], index=i
            )
            for i, (label, n) in enumerate(zip(names, self.sizes, strict=True))
        )
        presets = "".join(
            button("sizes", preset, key, self.sizes, name=f"sizes {key}")
            for key, preset in PRESETS.items()
        )
        chosen = slider(
            "chosen",
            "weight",
            limits["chosen"],
            min(self.chosen, int(limits["chosen"][1])),
            values["chosen"],
            name="weight or bias",
        )
        return (
            f'<div class="lm-row lm-wide lm-go">{go}</div>'
            + picture(
                WIDTH,
                510,
                "The network, input on top, loss below",
                mark("g", "graph", marks, font_size="11.5"),
                "lm-graph",
            )
            + '<div class="lm-side lm-panel"><div class="lm-stage">'
            + mark("p", "stage", marks, class_="lm-strong")
            + mark("p", "formula", marks)
            + mark("p", "losses", marks, class_="lm-strong")
            + "</div>"
            + chosen
            + mark("div", "lines", marks, class_="lm-lines")
            + '<div class="lm-check"><p>gradient check by central differences</p>'
            + mark("div", "check", marks)
            + "</div>"
            + mark("p", "verdict", marks, class_="lm-verdict")
            + "</div>"
            + mark("div", "layers", marks, class_="lm-layers lm-wide")
            + '<div class="lm-row lm-wide lm-setup">'
            + select("activation", "hidden units", LABELS, self.activation)
            + select("pair", "output, loss", pairs, self.pair)
            + own_slider("eta", "η", 0.05, 5, 0.05)
            + own_slider("updates", "updates done", 0, 50, 1)
            + own_slider("seed", "numbers", 0, 50, 1)
            + f'<div class="lm-row lm-sizes">{sizes}</div>'
            + f'<div class="lm-row lm-presets"><span>sizes of the lessons</span>{presets}</div>'
            + "</div>"
        )


# x, z, a, ŷ, y, ∂J/∂a and ∂J/∂z: of one example, and of a batch
_SYMBOLS = {
    False: ("x", "z", "a", "ŷ", "y", "e", "δ"),
    True: ("X", "Z", "A", "Ŷ", "Y", "dA", "dZ"),
}


def _name(place: Place, batch: bool) -> str:
    """A parameter: w with the indices of its matrix, [to, from], of a batch [from, to]."""
    k, i, j = place
    if j is None:
        return f"b{up(k + 1)}{down(i + 1)}"
    return f"w{up(k + 1)}{down(*((j + 1, i + 1) if batch else (i + 1, j + 1)))}"


def _arrays(tensors: Sequence[Any]) -> Tensors:
    return [None if tensor is None else np.array(tensor, dtype=float) for tensor in tensors]


def _plain(tensor: Any) -> Any:
    """An array as lists for JSON, which has no NaN and no ∞: those become a missing tensor."""
    if tensor is None or not np.isfinite(tensor).all():
        return None
    return np.asarray(tensor, dtype=float).tolist()


def _given(params: Params, x: Any, y: Any) -> tuple[dict[str, Any], list[int]]:
    """The reader's own network for `nets`, and its sizes."""
    if x is None or y is None:
        raise ValueError("params: expected x and y with them, got params alone")
    if np.ndim(x) == 2:
        mlp_forward_batch(x, params)  # says what does not fit
        params = to_col(params)
    else:
        mlp_forward(x, params)
    X, Y = np.atleast_2d(x), np.atleast_2d(y)
    sizes = [X.shape[1], *(len(b) for _, b in params)]
    if not 2 <= len(params) <= 4 or max(sizes) > 4:
        raise ValueError(
            "params: expected one to three hidden layers and 1 to 4 units in each layer, "
            f"got sizes {sizes}"
        )
    if np.ndim(x) == 2 and not 2 <= len(X) <= MOST:
        raise ValueError(f"X: expected 2 to {MOST} examples (one alone as a vector), got {len(X)}")
    wanted = (*np.shape(x)[:-1], sizes[-1])
    if np.shape(y) != wanted:
        raise ValueError(f"y: expected shape {wanted}, got {np.shape(y)}")
    net = {"params": [[_plain(W), _plain(b)] for W, b in params], "X": _plain(X), "Y": _plain(Y)}
    return net, sizes[:-1] + [0] * (5 - len(sizes)) + sizes[-1:]


def _asked(
    function: Callable[..., Any], params: Params, cache: Cache, Y: Array, dg: Func
) -> tuple[list[Any], str, Exception | None]:
    """The reader's gradients in column form, None where the shape is not right, what was wrong, and
    what was raised.

    A batch goes in and comes back in row form, one example in column form.
    """
    batch = len(Y) > 1
    copies = to_row(params) if batch else [(W.copy(), b.copy()) for W, b in params]
    kept: Mapping[str, list[Array]] = {
        key: [t.copy() if batch else t[0].copy() for t in ts] for key, ts in cache.items()
    }
    nothing = [(None, None)] * len(params)
    shapes = [(W.shape, b.shape) for W, b in copies]
    try:
        returned = list(function(copies, kept, (Y if batch else Y[0]).copy(), dg))
    except Exception as error:  # anything that the reader's code may raise
        return nothing, f"Your function raised {type(error).__name__}: {error}.", error
    if len(returned) != len(params):
        return nothing, f"Expected {len(params)} pairs (dW, db), got {len(returned)}.", None
    problem, grads = "", []
    for k, (expected, given) in enumerate(zip(shapes, returned, strict=True)):
        pair: list[Any] = []
        for j, shape in enumerate(expected):
            try:
                made = np.asarray(given[j], dtype=float)
            except (TypeError, ValueError, IndexError):
                made = np.array(math.nan)
            fits = made.shape == shape and np.isfinite(made).all()
            if not fits:
                got = f"shape {made.shape}" if made.shape != shape else "nan or infinity"
                problem = f"d{'Wb'[j]}{up(k + 1)}: expected shape {shape}, got {got}"
            column = made.T if j == 0 and batch else made.ravel() if j else made
            pair.append(column if fits else None)
        grads.append((pair[0], pair[1]))
    return grads, problem, None
