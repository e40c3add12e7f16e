"""Figure 8, Forward: a small network with every number in reach, as sums and as matrices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import traitlets

from mlp_lib import activations as reference
from mlp_lib._types import Array, Func, Params
from mlp_lib.col import mlp_forward
from mlp_lib.interactive.activations import LABELS
from mlp_lib.interactive.drawing import (
    Marks,
    coordinate,
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
from mlp_lib.softmax import softmax

OUT: dict[str, tuple[str, Func]] = {
    "identity": ("identity", reference.identity),
    "sigmoid": ("sigmoid", reference.sigmoid),
    "softmax": ("softmax", softmax),
    "step": ("step", reference.step),
}
SIZES = [1, 2, 1]
NUMBERS = [0.5, 0.7, 0.9, 1.0, 0.8, 0.7, 0.9, 1.0]  # the network of lesson 6
MOST = 40  # numbers in a network: one slider each

WIDTH, TOP, PITCH, HALF = 350, 22, 112, 29  # of the graph

Place = tuple[str, int]  # a quantity: z or a, and its layer


def held(v: float) -> str:
    """A setting as a factor."""
    return f"({short(v)})" if v < 0 else short(v)


@dataclass
class Run:
    """Everything that a state of the figure stands for; entry k belongs to layer k + 1."""

    x: Array
    params: Params
    z: list[Array]
    a: list[Array]  # without the input
    own: dict[str, Any] | None
    wrong: list[Place] = field(default_factory=list)


def _places(L: int) -> list[Place]:
    return [(kind, k) for k in range(L) for kind in ("z", "a")]


def _off(got: Any, right: Array) -> Any:
    """Entry by entry, whether a number is wrong; all of them where there is none."""
    if got is None:
        return np.ones(right.shape, bool)
    return ~(np.abs(np.asarray(got, float) - right) <= 1e-6 * np.abs(right).max() + 1e-12)


class Forward(Figure):
    """The forward pass of a small network, every number in reach, as sums and as matrices.

    params: a list of W (n_k, n_k₋₁) and b (n_k,) as in `mlp_forward`, sizes 1 to 4, one to three
    layers; x: the input. Without them the 1-2-1 network of lesson 6.
    activation: of the hidden units. output: of the last layer. unit: the one whose sum stands out.
    forward: your mlp_forward(x, params, g, out), which returns ŷ and the cache, or ŷ alone. Its
    numbers stand in the picture where they differ from the reference's, and the first wrong
    quantity is named:

        Forward(params, x, forward=my_forward)
    """

    name: ClassVar[str] = "forward"
    title: ClassVar[str] = "The forward pass, number by number"

    activation = traitlets.Enum(list(LABELS), "sigmoid").tag(sync=True)
    output = traitlets.Enum(list(OUT), "sigmoid").tag(sync=True)
    unit = traitlets.Int(3, min=1, max=12).tag(sync=True)
    sizes = traitlets.List(traitlets.Int(min=1, max=4), SIZES, minlen=2, maxlen=4).tag(sync=True)
    numbers = traitlets.List(traitlets.Float(), NUMBERS).tag(sync=True)
    own = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        params: Params | None = None,
        x: Any = None,
        *,
        forward: Callable[..., Any] | None = None,
        **traits: Any,
    ) -> None:
        if params is not None:
            traits = _given(params, x) | traits
        super().__init__(**traits)
        self._forward = forward
        if forward is not None:
            self.observe(self._ask_own, ["activation", "output", "numbers"])
            self._ask_own()

    @traitlets.validate("numbers")
    def _one_for_each_place(self, proposal: Any) -> Any:
        needed = self.sizes[0] + sum(m * n + m for n, m in pairwise(self.sizes))
        if len(proposal["value"]) != needed:
            raise traitlets.TraitError(
                f"numbers: expected {needed} for sizes {self.sizes}, got {len(proposal['value'])}"
            )
        return proposal["value"]

    def _network(self) -> tuple[Array, Params]:
        """The input and the parameters, from the list of all numbers."""
        rest = iter(self.numbers)
        x = np.array([next(rest) for _ in range(self.sizes[0])])
        params = []
        for n, m in pairwise(self.sizes):
            W = np.array([[next(rest) for _ in range(n)] for _ in range(m)])
            params.append((W, np.array([next(rest) for _ in range(m)])))
        return x, params

    def _settings(self) -> list[Any]:
        """What the numbers of the reader's own function belong to."""
        return [self.activation, self.output, *self.numbers]

    def _ask_own(self, _change: Any = None) -> None:
        """Call the reader's function where the figure stands."""
        assert self._forward is not None
        x, params = self._network()
        g, out = reference.ACTIVATIONS[self.activation].f, OUT[self.output][1]
        copies = [(W.copy(), b.copy()) for W, b in params]
        own: dict[str, Any] = {"at": self._settings(), "z": None, "a": None, "remark": ""}
        try:
            made = self._forward(x.copy(), copies, g, out)
            own |= _taken(made, [len(b) for _, b in params])
        except Exception as error:  # anything that the reader's code may raise
            own["remark"] = f"Your function raised {type(error).__name__}: {error}"
        if own["a"] and own["a"][-1] and not own["remark"]:
            own["remark"] = _known(x, params, g, out, np.array(own["a"][-1]))
        self.own = own

    def _run(self) -> Run:
        x, params = self._network()
        g, out = reference.ACTIVATIONS[self.activation].f, OUT[self.output][1]
        _, cache = mlp_forward(x, params, g, out)
        own = self.own if self.own and self.own["at"] == self._settings() else None
        run = Run(x, params, cache["z"], cache["a"][1:], own)
        if own:
            for kind, k in _places(len(params)):
                if own[kind] is None or (kind == "a" and own["z"] is None and k < len(params) - 1):
                    continue
                if _off(own[kind][k], getattr(run, kind)[k]).any():
                    run.wrong.append((kind, k))
        return run

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in forward.js."""
        run = self._run()
        units = [(k, i) for k, n in enumerate(self.sizes[1:]) for i in range(n)]
        chosen = units[min(self.unit, len(units)) - 1]
        lines = self._lines(run)
        own = self._own_text(run)
        marks: Marks = {
            "graph": {"html": self._graph(run, chosen)},
            "sums": {"html": self._sums(lines, chosen)},
            "layers": {"html": self._layers(run, chosen)},
            "own": {"text": own},
        }
        k, i = chosen
        values = {f"numbers.{n}": short(v) for n, v in enumerate(self.numbers)}
        stages = ". ".join(
            f"z{up(j + 1)} = {_listed(run.z[j])}; {self._symbol(j)} = {_listed(run.a[j])}"
            for j in range(len(run.params))
        )
        return {
            "marks": marks,
            "values": values | {"unit": f"{i + 1} of layer {k + 1}"},
            "disabled": [],
            "limits": {"unit": (1, len(units), 1)},
            "sentence": (
                f"Network {'-'.join(map(str, self.sizes))}, {LABELS[self.activation]} units, "
                f"{OUT[self.output][0]} output, x = {_listed(run.x, short)}. {stages}. "
                f"{lines[chosen][0]}.{f' {own}' if own else ''}"
            ),
        }

    def _symbol(self, k: int) -> str:
        return "ŷ" if k == len(self.sizes) - 2 else f"a{up(k + 1)}"

    def _lines(self, run: Run) -> dict[tuple[int, int], tuple[str, str]]:
        """For each unit its sum and its activation, as formulas with the numbers filled in."""
        found = {}
        L = len(run.params)
        for k, (W, b) in enumerate(run.params):
            before = run.x if k == 0 else run.a[k - 1]
            name = OUT[self.output][0] if k == L - 1 else LABELS[self.activation]
            for i, row in enumerate(W):
                here = f"{up(k + 1)}{down(i + 1)}"
                sender = "x" if k == 0 else f"a{up(k)}"
                terms = [
                    f"w{up(k + 1)}{down(i + 1, j + 1)}{sender}{down(j + 1)}"
                    for j in range(len(row))
                ]
                filled = [
                    f"{held(float(w))}·{held(float(v)) if k == 0 else factor(float(v))}"
                    for w, v in zip(row, before, strict=True)
                ]
                z = (
                    f"z{here} = {' + '.join(terms)} + b{here} = "
                    f"{' + '.join(filled)} + {held(float(b[i]))} = {value(run.z[k][i])}"
                )
                symbol = f"ŷ{down(i + 1)}" if k == L - 1 else f"a{here}"
                inside = f"z{here}"
                if k == L - 1 and self.output == "softmax":
                    a = f"softmax(z{up(k + 1)}){down(i + 1)}"
                else:
                    a = f"{name}({inside}) = {name}({value(run.z[k][i])})"
                found[k, i] = z, f"{symbol} = {a} = {value(run.a[k][i])}"
        return found

    def _sums(self, lines: dict[tuple[int, int], tuple[str, str]], chosen: tuple[int, int]) -> str:
        rows = []
        for n, (place, (z, a)) in enumerate(lines.items(), 1):
            mine = ' class="lm-mine"' if place == chosen else ""
            rows.append(f'<div data-u="{n}"{mine}><p>{z}</p><p>{a}</p></div>')
        return "".join(rows)

    def _made(self, run: Run, kind: str, k: int) -> tuple[Any, Any]:
        """The numbers to draw, and which of them are wrong."""
        right = getattr(run, kind)[k]
        if (kind, k) not in run.wrong:
            return right, np.zeros(right.shape, bool)
        assert run.own is not None
        got = run.own[kind][k]
        return np.full(right.shape, math.nan) if got is None else np.array(got), _off(got, right)

    def _layers(self, run: Run, chosen: tuple[int, int]) -> str:
        """W a + b = z → a, a row for each layer; the line of a unit is the row of its matrix."""
        rows, n = [], 0
        first = run.wrong[0] if run.wrong else None
        for k, (W, b) in enumerate(run.params):
            here = up(k + 1)
            start = n + 1
            n += len(b)

            def cell(r: int, _c: int, start: int = start) -> str:
                return f' data-u="{start + r}"'

            row = chosen[1] if chosen[0] == k else None
            sender = "x" if k == 0 else f"a{up(k)}"
            before = run.x if k == 0 else run.a[k - 1]
            sent = matrix(sender, before, "a")
            parts = matrix(f"W{here}", W, "plain", cell=cell, row=row) + sent + "<i>+</i>"
            parts += matrix(f"b{here}", b, "plain", cell=cell, row=row)
            last = k == len(run.params) - 1
            bend = OUT[self.output][0] if last else LABELS[self.activation]
            for kind, sign, label in (("z", "=", f"z{here}"), ("a", f"{bend} →", self._symbol(k))):
                made, wrong = self._made(run, kind, k)
                classes = " lm-first" if (kind, k) == first else ""
                parts += f"<i>{sign}</i>"
                parts += matrix(label, made, "a", classes=classes, wrong=wrong, cell=cell, row=row)
                if wrong.any():
                    parts += matrix(f"right: {label}", getattr(run, kind)[k], "c")
            rows.append(f'<div class="lm-layer">{parts}</div>')
        return "".join(rows)

    def _own_text(self, run: Run) -> str:
        if run.own is None:
            return ""
        remark = f"{run.own['remark']}." if run.own["remark"] else ""
        if not run.wrong:
            if remark or run.own["a"] is None:
                return remark
            return "Your numbers are the reference's."
        kind, k = run.wrong[0]
        got, _ = self._made(run, kind, k)
        symbol = f"z{up(k + 1)}" if kind == "z" else self._symbol(k)
        said = (
            f"Your first wrong quantity: {symbol} = {_listed(got)}, expected "
            f"{_listed(getattr(run, kind)[k])}."
        )
        return f"{said} {remark}".strip()

    def _graph(self, run: Run, chosen: tuple[int, int]) -> str:
        """The network from the input at the top to the output at the bottom."""
        x = [[WIDTH * (j + 0.5) / n for j in range(n)] for n in self.sizes]
        y = [TOP + PITCH * k for k in range(len(self.sizes))]
        half = [12] + [HALF] * len(run.params)
        edges, labels, boxes = "", "", ""
        n = 0
        for k, (W, b) in enumerate(run.params):
            few = W.size <= 4
            for i, row in enumerate(W):
                mine = (k, i) == chosen
                for j, w in enumerate(row):
                    x1, x2 = x[k][j], x[k + 1][i] + (j - (len(row) - 1) / 2) * 14
                    y1, y2 = y[k] + half[k], y[k + 1] - HALF
                    d = f"M{coordinate(x1)} {coordinate(y1)}L{coordinate(x2)} {coordinate(y2)}"
                    class_ = ' class="lm-mine"' if mine else ""
                    edges += f'<path{class_} d="{d}"/>'
                    if few or mine:
                        share = 0.5 if 1 in W.shape else 0.3 + 0.14 * j
                        at = f'x="{coordinate(x1 + share * (x2 - x1))}" '
                        at += f'y="{coordinate(y1 + share * (y2 - y1) + 4)}"'
                        bold = " lm-now" if mine else ""
                        labels += f'<text class="lm-label{bold}" {at}>{short(float(w))}</text>'
            for i in range(len(b)):
                n += 1
                boxes += self._unit(run, k, i, n, (k, i) == chosen, x[k + 1][i], y[k + 1])
        inputs = ""
        for j, v in enumerate(run.x):
            place = f'x="{coordinate(x[0][j] - 36)}" y="{coordinate(y[0] - 12)}"'
            text = f'x="{coordinate(x[0][j])}" y="{coordinate(y[0] + 4.5)}"'
            inputs += (
                f'<rect {place} width="72" height="24" rx="6"/>'
                f'<text text-anchor="middle" {text}>x{down(j + 1)} {short(float(v))}</text>'
            )
        ends = 'text-anchor="middle"'
        return (
            f'<g class="lm-edges" fill="none" stroke="#888">{edges}</g><g {ends}>{labels}</g>'
            f'<g class="lm-units" fill="none" stroke="none">{inputs}{boxes}</g>'
        )

    def _unit(self, run: Run, k: int, i: int, n: int, mine: bool, x: float, y: float) -> str:
        """The box of one unit: its bias, its sum, its activation."""
        lines = [("", f"b {short(float(run.params[k][1][i]))}")]
        last = k == len(run.params) - 1
        for kind, symbol in (("z", "z"), ("a", "ŷ" if last else "a")):
            made, wrong = self._made(run, kind, k)
            cross = "✗" if wrong[i] else ""
            lines.append(("lm-a", f"{symbol} {cross}{value(float(made[i]))}"))
        place = f'x="{coordinate(x - 41)}" y="{coordinate(y - HALF)}"'
        class_ = ' class="lm-mine"' if mine else ""
        text = ""
        for r, (name, words) in enumerate(lines):
            at = f'x="{coordinate(x - 34)}" y="{coordinate(y - 12 + 16 * r)}"'
            text += f'<text class="{name}" {at}>{words}</text>'
        box = f'<rect {place} width="82" height="{2 * HALF}" rx="6"/>'
        return f'<g data-u="{n}"{class_}>{box}{text}</g>'

    def _names(self) -> Iterator[tuple[str, str]]:
        """For each number its sign and how it is read out."""
        for j in range(self.sizes[0]):
            yield f"x{down(j + 1)}", f"input {j + 1}"
        for k, (n, m) in enumerate(pairwise(self.sizes), 1):
            for i in range(1, m + 1):
                for j in range(1, n + 1):
                    yield f"w{up(k)}{down(i, j)}", f"weight of layer {k}, to {i} from {j}"
            for i in range(1, m + 1):
                yield f"b{up(k)}{down(i)}", f"bias of layer {k}, unit {i}"

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values, limits = view["marks"], view["values"], view["limits"]
        reach = max(3, math.ceil(max(map(abs, self.numbers))))
        numbers = "".join(
            slider(
                "numbers",
                sign,
                (-reach, reach, 0.05),
                v,
                values[f"numbers.{n}"],
                index=n,
                name=name,
            )
            for n, ((sign, name), v) in enumerate(zip(self._names(), self.numbers, strict=True))
        )
        height = TOP + PITCH * (len(self.sizes) - 1) + HALF + 4
        # Softmax of one output is always 1.
        outputs = {
            key: words
            for key, (words, _) in OUT.items()
            if key != "softmax" or self.sizes[-1] > 1 or self.output == key
        }
        return (
            f'<div class="lm-wide lm-numbers-grid">{numbers}</div>'
            + '<div class="lm-row lm-wide">'
            + select("activation", "hidden units", LABELS, self.activation)
            + select("output", "output", outputs, self.output)
            + slider(
                "unit",
                "unit",
                limits["unit"],
                min(self.unit, int(limits["unit"][1])),
                values["unit"],
            )
            + "</div>"
            + picture(
                WIDTH,
                height,
                "The network as a graph, input at the top, output at the bottom, weights beside "
                "the edges",
                mark("g", "graph", marks, font_size="12.5"),
                "lm-net",
            )
            + '<div class="lm-side"><p class="lm-strong">as sums</p>'
            + mark("div", "sums", marks, class_="lm-sums")
            + "</div>"
            + '<div class="lm-wide"><p class="lm-strong">as matrices, z = W a + b</p>'
            + mark("div", "layers", marks, class_="lm-layers")
            + mark("p", "own", marks, class_="lm-strong")
            + "</div>"
        )


def _listed(values: Any, write: Callable[[float], str] = value) -> str:
    return ", ".join(write(float(v)) for v in values)


def _given(params: Params, x: Any) -> dict[str, Any]:
    """The traits that stand for the reader's own network."""
    if x is None:
        raise ValueError("params: expected an input x with them, got params alone")
    mlp_forward(x, params)  # says what does not fit
    sizes = [int(np.size(x)), *(len(b) for _, b in params)]
    arrays = [x, *(theta for layer in params for theta in layer)]
    numbers = [float(v) for array in arrays for v in np.ravel(array)]
    if len(sizes) > 4 or max(sizes) > 4 or len(numbers) > MOST:
        raise ValueError(
            f"params: expected one to three layers, 1 to 4 units in each and at most {MOST} "
            f"numbers, got sizes {sizes}"
        )
    output = "softmax" if sizes[-1] > 1 else "sigmoid"
    return {"sizes": sizes, "numbers": numbers, "output": output}


def _taken(made: Any, sizes: Sequence[int]) -> dict[str, Any]:
    """The reader's z and a for the page: None where the shape is not right, and what was wrong."""
    yhat, cache = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    problem = ""

    def vector(name: str, given: Any, n: int) -> list[float] | None:
        nonlocal problem
        array = np.asarray(given, dtype=float)
        if array.shape == (n,) and np.isfinite(array).all():
            return [float(v) for v in array]
        got = f"shape {array.shape}" if array.shape != (n,) else "nan or infinity"
        problem = problem or f"{name}: expected shape ({n},), got {got}"
        return None

    L = len(sizes)
    if cache is None:
        a = [None] * (L - 1) + [vector("ŷ", yhat, sizes[-1])]
        return {"a": a, "remark": problem}
    for key, length in (("z", L), ("a", L + 1)):
        if len(cache[key]) != length:
            return {"remark": f"cache['{key}']: expected {length} vectors, got {len(cache[key])}"}
    z = [vector(f"z{up(k + 1)}", v, sizes[k]) for k, v in enumerate(cache["z"])]
    a = [vector(f"a{up(k + 1)}", v, sizes[k]) for k, v in enumerate(cache["a"][1:-1])]
    return {"z": z, "a": [*a, vector("ŷ", yhat, sizes[-1])], "remark": problem}


def _known(x: Array, params: Params, g: Func, out: Func, yhat: Array) -> str:
    """The known mistake, if there is one, that gives the reader's output."""

    def turned() -> Params:
        return [(W.T, b) for W, b in params]

    made: dict[str, Callable[[], Any]] = {
        "right": lambda: mlp_forward(x, params, g, out),
        "leaving out the biases": lambda: mlp_forward(x, [(W, 0 * b) for W, b in params], g, out),
        "Wᵀ a where W a belongs": lambda: mlp_forward(x, turned(), g, out),
        "leaving out g in the hidden layers": lambda: mlp_forward(
            x, params, reference.identity, out
        ),
        "the output's function in the hidden layers": lambda: mlp_forward(x, params, out, out),
        "g at the output": lambda: mlp_forward(x, params, g, g),
        "g and then the output's function at the output": lambda: mlp_forward(
            x, params, g, lambda z: out(g(z))
        ),
    }
    for name, run in made.items():
        try:
            there, _ = run()
        except (ValueError, TypeError):
            continue
        if there.shape == yhat.shape and not _off(yhat, there).any():
            return "" if name == "right" else f"The same output comes from {name}"
    return ""
