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
from mlp_lib.col import error_to_previous, hidden_delta, mlp_forward
from mlp_lib.delta import output_delta, weight_grad
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
}
FLOOR = 1e-5  # below this size two gradients count as equal: differences have rounding noise
NOTICED = 1e-3  # relative error above which the check objects
TOO_LARGE = 1e6

# The networks of the lessons, by sizes; others are drawn.
LESSONS: dict[str, dict[str, Any]] = {
    "2-2-2-2": {
        "params": [
            [[[0.9, 0.5], [-0.5, 0.25]], [0.0, 0.0]],
            [[[0.5, -0.7], [0.6, 2.0]], [0.0, 0.0]],
            [[[0.8, -2.0], [0.5, 1.3]], [0.0, 0.0]],
        ],
        "x": [0.8, -0.6],
        "y": [1.0, 0.0],
    },
    "2-3-4": {
        "params": [
            [[[0.5, -0.5], [1.2, 0.25], [-0.75, 0.9]], [0.3, 0.5, -0.25]],
            [
                [[1.5, -0.8, 0.5], [-0.5, 0.25, 0.7], [0.4, 0.6, -0.9], [-0.2, -0.3, 0.35]],
                [0.1, -0.1, 0.2, -0.25],
            ],
        ],
        "x": [0.8, -2.0],
        "y": [0.0, 1.0, 0.0, 0.0],
    },
}
PRESETS = {"2-2-2-2": [2, 2, 2, 0, 2], "2-3-4": [2, 3, 0, 0, 4]}

WIDTH, TOP, BOTTOM = 350, 30, 452  # of the graph, and the middles of its first and last row


def drawn(sizes: Sequence[int], seed: int) -> dict[str, Any]:
    """A network of these sizes with an example; the same numbers in the page and in Python."""
    s = (seed + 1) * 2654435761 % 2**32

    def draw() -> int:
        nonlocal s
        s = (s * 1664525 + 1013904223) % 2**32
        return s >> 16

    def values(n: int) -> list[float]:
        return [(draw() % 30 - 14.5) / 10 for _ in range(n)]

    x = values(sizes[0])
    params = [[[values(n) for _ in range(m)], values(m)] for n, m in pairwise(sizes)]
    target = draw() % sizes[-1]
    return {"params": params, "x": x, "y": [float(i == target) for i in range(sizes[-1])]}


@dataclass
class Pass:
    """The backward pass as some code does it; entry k belongs to layer k + 1, δ is also ∂J/∂b."""

    delta: Tensors
    e: Tensors
    dW: Tensors

    def whole(self) -> bool:
        """Whether there is a gradient for every parameter."""
        return all(t is not None for t in (*self.delta, *self.dW))

    def grads(self) -> Grads:
        """As `mlp_backward` returns them."""
        return list(zip(self.dW, self.delta, strict=True))


@dataclass
class Run:
    """Everything that a state of the figure stands for."""

    sizes: list[int]
    params: Params
    x: Array
    y: Array
    cache: Cache
    J: float
    right: Pass
    got: Pass
    measured: Grads
    after: Params | None
    J_after: float
    done: int  # updates
    own: bool


def backward(
    params: Params, cache: Cache, y: Array, dg: Func, pair: str, mistake: str = "none"
) -> Pass:
    """`mlp_backward` with every quantity kept, and with a mistake if one is named."""
    L, z, a = len(params), cache["z"], cache["a"]
    result = Pass([None] * L, [None] * L, [None] * L)
    loss, output = pair.rsplit("_", 1)
    delta = output_delta(a[-1], y, loss, output)
    if mistake == "sign":
        delta = -delta
    if mistake == "elementwise" and pair == "cce_softmax":
        delta = -y * (1 - a[-1])  # e ⊙ ŷ(1 − ŷ) with e = −y/ŷ
    for k in reversed(range(L)):
        W, _ = params[k]
        result.delta[k], result.dW[k] = delta, weight_grad(delta, a[k])
        if k == 0 or (mistake == "no_transpose" and W.shape[0] != W.shape[1]):
            break
        e = W @ delta if mistake == "no_transpose" else error_to_previous(W, delta)
        result.e[k - 1] = e
        delta = e if mistake == "no_slope" else hidden_delta(e, z[k - 1], dg)
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
    `mlp_forward`; x, y: one example. backward: your mlp_backward(params, cache, y, dg), which
    returns [(dW, db), …]; its numbers stand beside the reference's.
    activation: of the hidden units. pair: loss and output. mistake: planted into the backward pass.
    sizes: inputs, three hidden layers (0: not there), outputs. seed: 0 for the lesson's numbers.
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
            traits["nets"] = LESSONS | {key: net}
        super().__init__(**traits)
        self._backward = backward
        if backward is not None:
            self.observe(self._ask_own, ["activation", "pair", "sizes", "seed", "updates", "eta"])
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
        return [self.activation, self.pair, *self.sizes, self.seed, self.updates, self.eta]

    def _ask_own(self, _change: Any = None) -> None:
        """Call the reader's function where the figure stands."""
        assert self._backward is not None
        self.own = {}
        params, x, y = self._start()
        grads: list[Any] = []
        for update in range(self.updates + 1):
            cache = self._forward(params, x)
            grads, problem = _asked(self._backward, params, cache, y, self._dg())
            if problem or update == self.updates:
                break
            params = gd_update(params, grads, self.eta)
        self.own = {
            "at": self._settings(),
            "params": [[_plain(W), _plain(b)] for W, b in params],
            "grads": [[_plain(dW), _plain(db)] for dW, db in grads],
            "remark": problem or self._known(params, cache, y, grads),
        }

    def _known(self, params: Params, cache: Cache, y: Array, grads: Grads) -> str:
        """The known mistake, if there is one, that gives just the reader's numbers."""
        for mistake, label in MISTAKES.items():
            made = backward(params, cache, y, self._dg(), self.pair, mistake)
            if mistake == "none" or not made.whole():
                continue
            pairs = zip(grads, made.grads(), strict=True)
            if not any(
                off(g, m).any() for own, known in pairs for g, m in zip(own, known, strict=True)
            ):
                return f"The same numbers come from “{label}”"
        return ""

    def _dg(self) -> Func:
        return reference.ACTIVATIONS[self.activation].df

    def _forward(self, params: Params, x: Array) -> Cache:
        g = reference.ACTIVATIONS[self.activation].f
        return mlp_forward(x, params, g, PAIRS[self.pair][3])[1]

    def _start(self) -> tuple[Params, Array, Array]:
        """Parameters before the first update, x and y."""
        sizes = [n for n in self.sizes if n]
        known = self.nets.get("-".join(map(str, sizes))) if self.seed == 0 else None
        net = known or drawn(sizes, self.seed)
        params = [(np.array(W), np.array(b)) for W, b in net["params"]]
        return params, np.array(net["x"]), np.array(net["y"])

    def _run(self) -> Run:
        params, x, y = self._start()
        dg = self._dg()

        def loss(params: Params) -> float:
            return PAIRS[self.pair][2](self._forward(params, x)["a"][-1], y)

        own = self.own if self.own and self.own["at"] == self._settings() else None
        done = 0
        if own:
            params = [(np.array(W), np.array(b)) for W, b in own["params"]]
            done = self.updates
        else:
            for _ in range(self.updates):
                made = backward(params, self._forward(params, x), y, dg, self.pair, self.mistake)
                if not made.whole():
                    break
                moved = gd_update(params, made.grads(), self.eta)
                if max(float(np.abs(t).max()) for layer in moved for t in layer) > TOO_LARGE:
                    break
                params, done = moved, done + 1
        cache = self._forward(params, x)
        right = backward(params, cache, y, dg, self.pair)
        if own:
            dW, db = zip(*own["grads"], strict=True)
            got = Pass(_arrays(db), [None] * len(db), _arrays(dW))
        elif self.mistake == "none":
            got = right
        else:
            got = backward(params, cache, y, dg, self.pair, self.mistake)
        after = gd_update(params, got.grads(), self.eta) if got.whole() else None
        return Run(
            sizes=[n for n in self.sizes if n],
            params=params,
            x=x,
            y=y,
            cache=cache,
            J=loss(params),
            right=right,
            got=got,
            measured=measure(loss, params),
            after=after,
            J_after=loss(after) if after else math.nan,
            done=done,
            own=bool(own),
        )

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in backprop.js."""
        run = self._run()
        L = len(run.params)
        steps, places = _steps(L), _places(run.sizes)
        at, chosen = min(self.step, len(steps) - 1), min(self.chosen, len(places)) - 1
        shown = set(steps[: at + 1])
        title, formula = self._stage(run, *steps[at])
        first = self._first_wrong(run)
        verdict = self._verdict(run, first)
        losses = f"J = {value(run.J)}"
        if ("loss", 0) not in shown:
            losses = "J = ·"
        elif ("update", 0) in shown:
            losses += f" → {value(run.J_after)}" if run.after else " → no update"
        said, lines = self._lines(run, places[chosen])
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
            "chosen": _name(places[chosen]),
            "seed": str(self.seed),
            "updates": str(self.updates),
            "eta": short(self.eta),
        }
        return {
            "marks": marks,
            "values": values,
            "disabled": ["mistake"] if self.own else [],
            "limits": {"step": (0, len(steps) - 1, 1), "chosen": (1, len(places), 1)},
            "sentence": self._sentence(run, at, len(steps) - 1, title, said, verdict),
        }

    def _sentence(self, run: Run, at: int, last: int, title: str, said: str, verdict: str) -> str:
        step = f"leads to {value(run.J_after)}" if run.after else "cannot be made"
        return (
            f"Network {'-'.join(map(str, run.sizes))}, {LABELS[self.activation]} units, output "
            f"{PAIRS[self.pair][0]}, after {counted(run.done, 'update')}. "
            f"Step {at} of {last}: {title}. "
            f"J = {value(run.J)}, and an update with η = {short(self.eta)} {step}. "
            f"{said} {verdict}"
        )

    def _stage(self, run: Run, kind: str, k: int) -> tuple[str, str]:
        """A step in words and as a formula; with a planted mistake, as the mistaken code has it."""
        here, later, before = up(k + 1), up(k + 2), "x" if k == 0 else f"a{up(k)}"
        last = k == len(run.params) - 1
        layer = "the output layer" if last else f"layer {k + 1}"
        wrong = "" if self.own else self.mistake
        output = PAIRS[self.pair][0].split(",")[0]
        start = "y − ŷ" if wrong == "sign" else "ŷ − y"
        if self.pair == "half_sse_sigmoid":
            start = f"({start}) ⊙ ŷ(1 − ŷ)"
        if wrong == "elementwise" and self.pair == "cce_softmax":
            start = "e ⊙ ŷ(1 − ŷ), e = −y/ŷ"
        slope = "" if wrong == "no_slope" else f" ⊙ g′(z{here})"
        return {
            "start": ("the start", "x and all W and b"),
            "z": (f"forward, z of {layer}", f"z{here} = W{here} {before} + b{here}"),
            "a": (
                f"forward, a of {layer}",
                f"ŷ = {output}(z{here})"
                if last
                else f"a{here} = {LABELS[self.activation]}(z{here})",
            ),
            "loss": ("the loss", f"J = {PAIRS[self.pair][1]}"),
            "delta": (
                f"backward, δ of {layer}",
                f"δ{here} = {start}" if last else f"δ{here} = e{here}{slope}",
            ),
            "e": (
                f"backward, e of {layer}",
                f"e{here} = W{later}{'' if wrong == 'no_transpose' else 'ᵀ'} δ{later}",
            ),
            "grad": (
                f"backward, gradients of {layer}",
                f"∂J/∂W{here} = δ{here} {before}ᵀ, ∂J/∂b{here} = δ{here}",
            ),
            "update": ("the update", "W ← W − η ∂J/∂W, b ← b − η ∂J/∂b"),
        }[kind]

    def _first_wrong(self, run: Run) -> tuple[str, int] | None:
        """The first quantity of the backward pass that is not the reference's."""
        for kind, k in _steps(len(run.params)):
            if kind not in ("delta", "e", "grad"):
                continue
            which = "dW" if kind == "grad" else kind
            got = getattr(run.got, which)[k]
            unknown = run.own and kind == "e"
            if not unknown and (got is None or off(got, getattr(run.right, which)[k]).any()):
                return kind, k
        return None

    def _errors(self, run: Run) -> list[tuple[float, float] | None]:
        """Relative errors of dW and db by layer, None where there is no gradient."""
        found: list[tuple[float, float] | None] = []
        for k, pair in enumerate(run.measured):
            got = (run.got.dW[k], run.got.delta[k])
            if got[0] is None or got[1] is None:
                found.append(None)
                continue
            w, b = (relative_error(g, n, FLOOR) for g, n in zip(got, pair, strict=True))
            found.append((w, b))
        return found

    def _verdict(self, run: Run, first: tuple[str, int] | None) -> str:
        known = [e for pair in self._errors(run) if pair for e in pair]
        noticed = [e for e in known if e > NOTICED]
        if first is None:
            end = "" if noticed else ", and the gradient check agrees"
            if run.own:
                return f"Your numbers are the reference's{end}."
            if self.mistake != "none":
                return f"In this network the mistake changes no number{end}."
            if noticed:
                return "The measurement stepped over a kink and disagrees."
            return "The gradient check agrees with every ∂J/∂W and ∂J/∂b."
        kind, k = first
        symbol = {"delta": "δ", "e": "e", "grad": "∂J/∂W"}[kind] + up(k + 1)
        if run.own:
            symbol = f"∂J/∂b{up(k + 1)}" if kind == "delta" else symbol
            text = f"Your first wrong quantity: {symbol}."
            if self.own["remark"]:
                text += f" {self.own['remark']}."
        elif getattr(run.got, "dW" if kind == "grad" else kind)[k] is None:
            rows, columns = run.params[k + 1][0].shape
            text = (
                f"NumPy stops before {symbol}: W{up(k + 2)} is {rows}×{columns} and "
                f"δ{up(k + 2)} has {rows} entries."
            )
        else:
            text = f"First wrong quantity: {symbol}."
        if noticed:
            many = f"{len(noticed)} of {len(known)} tensors"
            text += f" The gradient check notices it in {many}, relative error {max(noticed):.2f}."
        return text

    def _lines(self, run: Run, place: Place) -> tuple[str, list[str]]:
        """The chosen parameter in a sentence, and its equations with the numbers filled in."""
        k, i, j = place
        L, here, name = len(run.params), up(k + 1), _name(place)
        W, b = run.params[k]
        weight = float(b[i] if j is None else W[i][j])
        delta, right = run.right.delta[k], run.right
        g = float(delta[i] if j is None else right.dW[k][i][j])
        z, own_delta = f"z{here}{down(i + 1)}", f"δ{here}{down(i + 1)}"
        start = f"x{down(j + 1)}" if j is not None else "1"
        if j is not None and k:
            start = f"a{up(k)}{down(j + 1)}"
        begin = 1.0 if j is None else float(run.cache["a"][k][j])
        product = f"{value(delta[i])} · {factor(begin)}"
        lines = [
            f"<b>{name} = {value(weight)}</b>, from {start} to {z}",
            f"∂J/∂{name} = {own_delta} · {start} = {product} = {value(g)}",
        ]
        if k == L - 1:
            p, t = float(run.cache["a"][L][i]), float(run.y[i])
            text = f"ŷ{down(i + 1)} − y{down(i + 1)}"
            filled = f"{value(p)} − {factor(t)}"
            if self.pair == "half_sse_sigmoid":
                text = f"({text}) · ŷ{down(i + 1)}(1 − ŷ{down(i + 1)})"
                filled = f"({filled}) · {value(p * (1 - p))}"
            lines.append(f"{own_delta} = {text} = {filled} = {value(delta[i])}")
        else:
            e = float(right.e[k][i])
            slope = float(self._dg()(run.cache["z"][k][i]))
            error = f"e{here}{down(i + 1)}"
            lines.append(
                f"{own_delta} = {error} · g′({z}) = "
                f"{value(e)} · {factor(slope)} = {value(delta[i])}"
            )
            later = up(k + 2)
            terms = [
                f"w{later}{down(r + 1, i + 1)}δ{later}{down(r + 1)}"
                for r in range(run.sizes[k + 2])
            ]
            filled_terms = [
                f"{factor(float(row[i]))}·{factor(float(d))}"
                for row, d in zip(run.params[k + 1][0], right.delta[k + 1], strict=True)
            ]
            lines.append(f"{error} = {' + '.join(terms)} = {' + '.join(filled_terms)} = {value(e)}")
        found = roads(run.params, run.cache["z"], right.delta[-1], self._dg(), k, i, begin)
        added = f": {' + '.join(map(factor, found))} = {value(sum(found))}"
        added = added if 1 < len(found) <= 8 else ""
        ways = counted(len(found), "road")
        lines.append(f"{ways} to the loss{added}")
        tensor = run.measured[k][0 if j is not None else 1]
        n = float(tensor[i] if j is None else tensor[i][j])
        n = math.floor(n * 1e8 + 0.5) / 1e8  # the digits that a difference has
        lines.append(f"measured: (J(w + h) − J(w − h))/2h = {value(n)}")
        made = run.got.delta[k] if j is None else run.got.dW[k]
        if made is not None and off(made, delta if j is None else right.dW[k]).any():
            mine = float(made[i] if j is None else made[i][j])
            whose = "yours" if run.own else "with the mistake"
            lines.append(f"<b>✗ {whose}: ∂J/∂{name} = {value(mine)}</b>")
        return f"∂J/∂{name} = {value(g)} over {ways}.", lines

    def _check(self, run: Run) -> str:
        """The gradient check, tensor by tensor, from the output backward."""

        def word(error: float) -> str:
            return "✓" if error <= NOTICED else f'<b class="lm-off">✗ {error:.2f}</b>'

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

        def chooser(start: int, columns: int) -> Callable[[int, int], str]:
            return lambda r, c: f' data-w="{start + r * (columns + 1) + c}"'

        def result(which: str, label: str, k: int, start: int | None = None) -> str:
            """A quantity of the backward pass, and the right one beside it where it is wrong."""
            step = ("grad" if which == "dW" else which, k)
            got, right = getattr(run.got, which)[k], getattr(run.right, which)[k]
            if run.own and which == "e":
                got = right
            classes = " lm-now" if step == now else ""
            visible = step in shown
            if got is None:
                missing = matrix(label, right, "b", visible=False, classes=classes)
                return missing + (matrix(f"right: {label}", right, "c") if visible else "")
            wrong = off(got, right)
            if visible and step == first:
                classes += " lm-first"
            cell = chooser(start, got.shape[1]) if start else None
            made = matrix(label, got, "b", visible=visible, wrong=wrong, classes=classes, cell=cell)
            if visible and wrong.any():
                made += matrix(f"right: {label}", right, "c")
            return made

        rows = []
        for k in range(L):
            here = up(k + 1)
            W, b = run.after[k] if updated and run.after else run.params[k]
            new = "new " if updated else ""
            classes = " lm-now" if now[0] == "update" else ""
            start = places.index((k, 0, 0)) + 1
            b_cells = matrix(f"{new}b{here}", b, "plain", classes=classes)
            cell = chooser(start, W.shape[1])
            last = k == L - 1
            parts = [matrix(f"{new}W{here}", W, "plain", classes=classes, cell=cell), b_cells]
            if k == 0:
                active = " lm-now" if now[0] == "start" else ""
                parts.insert(0, matrix("x", run.x, "a", classes=active))
            for kind, label in (("z", f"z{here}"), ("a", "ŷ" if last else f"a{here}")):
                vector = run.cache["z"][k] if kind == "z" else run.cache["a"][k + 1]
                active = " lm-now" if now == (kind, k) else ""
                visible = (kind, k) in shown
                parts.append(matrix(label, vector, "a", visible=visible, classes=active))
            if last:
                active = " lm-now" if now[0] == "loss" else ""
                parts.append(matrix("y", run.y, "plain", classes=active) + "</div><div>")
            else:
                parts.append("</div><div>" + result("e", f"e{here}", k))
            parts.append(result("delta", f"δ{here}", k))
            parts.append(result("dW", f"∂J/∂W{here}", k, start))
            title = "output" if last else f"layer {k + 1}"
            rows.append(f'<div class="lm-layer"><b>{title}</b><div>{"".join(parts)}</div></div>')
        return "".join(rows)

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
        glows, edges, hits = "", "", ""
        ck, ci, cj = places[chosen]
        for number_, (k, i, j) in enumerate(places, 1):
            if j is None:
                continue
            n, m = run.sizes[k], run.sizes[k + 1]
            x1, y1 = x[k][j] + (i - (m - 1) / 2) * 9, middle[k] + half[k]
            x2, y2 = x[k + 1][i] + (j - (n - 1) / 2) * 9, middle[k + 1] - half[k + 1]
            d = f"M{coordinate(x1)} {coordinate(y1)}L{coordinate(x2)} {coordinate(y2)}"
            if number_ == chosen + 1:
                glows += f'<path class="lm-glow lm-chosen" d="{d}"/>'
            elif (k == ck + 1 and j == ci) or k > ck + 1:
                glows += f'<path class="lm-glow" d="{d}"/>'
            w, got = float(run.params[k][0][i][j]), run.got.dW[k]
            if ("grad", k) in shown and got is not None:
                width, class_ = abs(float(got[i][j])) / largest["g"], "lm-b"
            else:
                width, class_ = abs(w) / largest["w"] if largest["w"] else 0, ""
            thick = coordinate(0.8 + 3.2 * width)
            edges += f'<path class="lm-edge {class_}" stroke-width="{thick}" d="{d}"/>'
            hits += f'<path class="lm-hit" data-w="{number_}" d="{d}"/>'
        boxes = ""
        for k in range(L + 1):
            for j in range(run.sizes[k]):
                lines = self._unit(run, shown, now, k, j)
                left, top = x[k][j] - 42, middle[k] - half[k]
                own = cj is None and ck == k - 1 and ci == j
                boxes += (
                    f'<rect class="lm-unit{" lm-chosen" if own else ""}" fill="none" '
                    f'x="{coordinate(left)}" y="{coordinate(top)}" width="84" '
                    f'height="{2 * half[k]}" rx="6"/>'
                )
                for r, (text, class_) in enumerate(lines):
                    at = f'x="{coordinate(left + 6)}" y="{coordinate(top + 15 + 13.5 * r)}"'
                    boxes += f'<text class="{class_}" {at}>{text}</text>'
        at = 'class="lm-title" text-anchor="middle" font-weight="600" x="175" y="502"'
        end = f"<text {at}>{losses}</text>"
        return glows + edges + hits + boxes + end

    def _unit(
        self, run: Run, shown: set[tuple[str, int]], now: tuple[str, int], k: int, j: int
    ) -> list[tuple[str, str]]:
        """The lines in the box of one unit: text and class."""
        if k == 0:
            return [(f"x{down(j + 1)} {value(run.x[j])}", "")]
        last, layer = k == len(run.params), k - 1

        def line(symbol: str, kind: str, v: Any, class_: str, wrong: bool = False) -> Any:
            step = (kind, layer)
            active = " lm-now" if step == now else ""
            if step not in shown:
                return f"{symbol} ·", class_
            if v is None:
                return f"{symbol} –", class_
            return f"{symbol} {'✗' if wrong else ''}{value(v)}", class_ + active

        lines = [
            line("z", "z", run.cache["z"][layer][j], "lm-a"),
            line("ŷ" if last else "a", "a", run.cache["a"][k][j], "lm-a"),
        ]
        if last:
            lines.append((f"y {value(run.y[j])}", "lm-now" if now[0] == "loss" else ""))
        for kind in ("delta",) if last else ("e", "delta"):
            right, got = getattr(run.right, kind)[layer], getattr(run.got, kind)[layer]
            if run.own and kind == "e":
                got = right
            wrong = got is not None and bool(off(got, right)[j])
            symbol = "δ" if kind == "delta" else "e"
            lines.append(line(symbol, kind, None if got is None else got[j], "lm-b", wrong))
        return lines

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values = view["marks"], view["values"]
        limits = view["limits"]
        y = self._run().y
        fits = {
            "half_sse_identity": True,
            "half_sse_sigmoid": bool(((y >= 0) & (y <= 1)).all()),
            "bce_sigmoid": bool(((y >= 0) & (y <= 1)).all()),
            "cce_softmax": bool(((y == 0) | (y == 1)).all() and y.sum() == 1),
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
            name="chosen weight or bias",
        )
        return (
            f'<div class="lm-row lm-wide lm-go">{go}'
            + select("mistake", "mistake", MISTAKES, self.mistake)
            + "</div>"
            + picture(
                WIDTH,
                510,
                "The network as a graph, input at the top, loss at the bottom",
                mark("g", "graph", marks, font_size="12"),
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


def _name(place: Place) -> str:
    k, i, j = place
    if j is None:
        return f"b{up(k + 1)}{down(i + 1)}"
    return f"w{up(k + 1)}{down(i + 1, j + 1)}"


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
    mlp_forward(x, params)  # says what does not fit
    sizes = [np.size(x), *(len(b) for _, b in params)]
    if not 2 <= len(params) <= 4 or max(sizes) > 4:
        raise ValueError(
            "params: expected one to three hidden layers and 1 to 4 units in each layer, "
            f"got sizes {sizes}"
        )
    if np.shape(y) != (sizes[-1],):
        raise ValueError(f"y: expected shape ({sizes[-1]},), got {np.shape(y)}")
    net = {"params": [[_plain(W), _plain(b)] for W, b in params], "x": _plain(x), "y": _plain(y)}
    return net, sizes[:-1] + [0] * (5 - len(sizes)) + sizes[-1:]


def _asked(
    function: Callable[..., Any], params: Params, cache: Cache, y: Array, dg: Func
) -> tuple[list[Any], str]:
    """The reader's gradients, None where the shape is not right, and what was wrong."""
    copies = [(W.copy(), b.copy()) for W, b in params]
    kept: Mapping[str, list[Array]] = {key: [t.copy() for t in ts] for key, ts in cache.items()}
    nothing = [(None, None)] * len(params)
    try:
        returned = list(function(copies, kept, y.copy(), dg))
    except Exception as error:  # anything that the reader's code may raise
        return nothing, f"Your function raised {type(error).__name__}: {error}"
    if len(returned) != len(params):
        return nothing, f"Expected {len(params)} pairs (dW, db), got {len(returned)}"
    problem, grads = "", []
    for k, (layer, given) in enumerate(zip(params, returned, strict=True)):
        pair: list[Any] = []
        for j, tensor in enumerate(layer):
            try:
                made = np.asarray(given[j], dtype=float)
            except (TypeError, ValueError, IndexError):
                made = np.array(math.nan)
            fits = made.shape == tensor.shape and np.isfinite(made).all()
            if not fits:
                got = f"shape {made.shape}" if made.shape != tensor.shape else "nan or infinity"
                wanted = f"expected shape {tensor.shape}"
                problem = f"d{'Wb'[j]}{up(k + 1)}: {wanted}, got {got}"
            pair.append(made if fits else None)
        grads.append((pair[0], pair[1]))
    return grads, problem
