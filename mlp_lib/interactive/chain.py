"""Figure 9, Chain: forward and backward through one unit per layer, one factor at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import traitlets

from mlp_lib import activations as reference
from mlp_lib._types import Array
from mlp_lib.chain import chain_backward, chain_forward
from mlp_lib.interactive.activations import LABELS
from mlp_lib.interactive.drawing import (
    Axes,
    Marks,
    act,
    coordinate,
    counted,
    factor,
    mark,
    number,
    path,
    picture,
    power,
    ring,
    select,
    short,
    slider,
    up,
    value,
)
from mlp_lib.interactive.figure import Figure, View
from mlp_lib.numgrad import numerical_gradient

Step = tuple[str, int]
SYMBOLS = {"e": "e", "delta": "δ", "dw": "∂J/∂w"}

DEEPEST = 20
TOP, ROOM, WIDTH, HALF = 36, 506, 118, 10  # of the boxes
LEFT, RIGHT = 0, 232
PLOT = Axes(46, 30, 286, 150, (1, 20), (-16, 6))


@dataclass
class Run:
    """Everything that a state of the figure stands for; entry l of a list is layer l + 1."""

    w: list[float]
    z: list[float]
    a: list[float]
    slopes: list[float]
    J: float
    right: dict[str, list[float]]  # dw, delta and e
    own: dict[str, Any] | None
    measured: float
    sizes: list[float]  # |∂J/∂w⁽¹⁾| for depth 1, 2, …
    wrong: list[Step] = field(default_factory=list)


def _held(v: float) -> str:
    """A setting as a factor."""
    return f"({short(v)})" if v < 0 else short(v)


def _steps(L: int) -> list[Step]:
    found = [("start", 0)]
    for layer in range(1, L + 1):
        found += [("z", layer), ("a", layer)]
    found += [("loss", 0), ("e", L)]
    for layer in range(L, 0, -1):
        found += [("delta", layer), ("dw", layer)]
        if layer > 1:
            found.append(("e", layer - 1))
    return found


def _arrow(x: float, start: float, end: float) -> str:
    back = -5 if start < end else 5
    return path([(x, start), (x, end), None, (x - 4, end + back), (x, end), (x + 4, end + back)])


class Chain(Figure):
    """Forward and backward through a chain of units, one factor at a time.

    depth: number of layers, 1 to 6. w: the weights of layers 1 to 3; rest: of all further ones.
    activation, a0, y: as in `chain_forward` and `chain_backward`. step: how far both passes are.
    backward: your chain_backward(w, (z, a), y, dg), which returns dw, delta and e; its numbers
    stand in the picture, and the first wrong one is named:

        Chain("tanh", backward=my_chain_backward)
    """

    name: ClassVar[str] = "chain"
    title: ClassVar[str] = "Forward and backward through a chain"

    activation = traitlets.Enum(list(LABELS), "sigmoid").tag(sync=True)
    depth = traitlets.Int(3, min=1, max=6).tag(sync=True)
    w = traitlets.List(
        traitlets.Float(min=-3.0, max=3.0), [0.5, -1.5, 2.0], minlen=3, maxlen=3
    ).tag(sync=True)
    rest = traitlets.Float(1.0, min=-3.0, max=3.0).tag(sync=True)
    a0 = traitlets.Float(0.8, min=-2.0, max=2.0).tag(sync=True)
    y = traitlets.Float(1.0, min=-2.0, max=2.0).tag(sync=True)
    step = traitlets.Int(31, min=0, max=31).tag(sync=True)
    own = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        activation: str = "sigmoid",
        *,
        backward: Callable[..., Any] | None = None,
        **traits: Any,
    ) -> None:
        super().__init__(activation=activation, **traits)
        self._backward = backward
        if backward is not None:
            self.observe(self._ask_own, ["activation", "depth", "w", "rest", "a0", "y"])
            self._ask_own()

    def weights(self, depth: int) -> list[float]:
        """The weights of a chain of this depth."""
        return [*self.w[:depth], *[self.rest] * (depth - 3)]

    def _settings(self) -> list[Any]:
        """What the numbers of the reader's own function belong to."""
        return [self.activation, self.depth, *self.w, self.rest, self.a0, self.y]

    def _ask_own(self, _change: Any = None) -> None:
        """Call the reader's function where the figure stands."""
        assert self._backward is not None
        known = reference.ACTIVATIONS[self.activation]
        w = np.array(self.weights(self.depth))
        own: dict[str, Any] = dict.fromkeys(SYMBOLS)
        remark = ""
        try:
            made = self._backward(w.copy(), chain_forward(w, self.a0, known.f), self.y, known.df)
            for key, numbers in zip(("dw", "delta", "e"), made, strict=True):
                array = np.asarray(numbers, dtype=float)
                if array.shape != w.shape or not np.isfinite(array).all():
                    remark = f"{key}: expected {len(w)} finite numbers, got {array.tolist()}"
                    continue
                own[key] = array.tolist()
        except Exception as error:  # anything that the reader's code may raise
            remark = f"Your function raised {type(error).__name__}: {error}"
        self.own = own | {"at": self._settings(), "remark": remark}

    def _run(self) -> Run:
        known = reference.ACTIVATIONS[self.activation]

        def passes(depth: int) -> tuple[Array, Array, Array, Array, Array, Array]:
            w = np.array(self.weights(depth))
            z, a = chain_forward(w, self.a0, known.f)
            return w, z, a, *chain_backward(w, (z, a), self.y, known.df)

        w, z, a, dw, delta, e = passes(self.depth)

        def loss(first: Array) -> float:
            return float(
                0.5 * (chain_forward([*first, *w[1:]], self.a0, known.f)[1][-1] - self.y) ** 2
            )

        measured = float(numerical_gradient(loss, w[:1])[0])
        run = Run(
            w=w.tolist(),
            z=z.tolist(),
            a=a.tolist(),
            slopes=[float(known.df(v)) for v in z],
            J=float(0.5 * (a[-1] - self.y) ** 2),
            right={"dw": dw.tolist(), "delta": delta.tolist(), "e": e.tolist()},
            own=self.own if self.own and self.own["at"] == self._settings() else None,
            measured=math.floor(measured * 1e8 + 0.5) / 1e8,  # the digits that a difference has
            sizes=[abs(float(passes(depth)[3][0])) for depth in range(1, DEEPEST + 1)],
        )
        if run.own:
            run.wrong = [step for step in _steps(self.depth) if self._is_wrong(run, *step)]
        return run

    def _is_wrong(self, run: Run, kind: str, layer: int) -> bool:
        if kind not in SYMBOLS:
            return False
        allowed = 1e-6 * max(map(abs, run.right[kind])) + 1e-12
        return not abs(self._made(run, kind, layer) - run.right[kind][layer - 1]) <= allowed

    def _made(self, run: Run, kind: str, layer: int) -> float:
        """The reader's number, nan where there is none."""
        assert run.own is not None
        return float(run.own[kind][layer - 1]) if run.own[kind] else math.nan

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in chain.js."""
        run, steps, L = self._run(), _steps(self.depth), self.depth
        at = min(self.step, len(steps) - 1)
        shown = set(steps[: at + 1])
        title, formula = self._stage(run, *steps[at])
        heights = [PLOT.y(math.log10(v) if v > 0 else -99) for v in run.sizes]
        points = [(PLOT.x(i), y) for i, y in enumerate(heights, 1)]
        x, y = points[L - 1]
        own = self._own_text(run)
        marks: Marks = {
            "chain": {"html": self._picture(run, shown, steps[at])},
            "stage": {"text": title},
            "formula": {"text": formula},
            "product": {"html": self._product(run, shown)},
            "measured": {"text": f"measured: (J(w + h) − J(w − h))/2h = {value(run.measured)}"},
            "own": {"text": own},
            "line": {"d": path(points)},
            "dots": {"d": "".join(ring(*point, 2.5) for point in points)},
            "here": {"d": ring(x, max(5, min(PLOT.height - 5, y)), 6)},
            "size": {"text": f"|∂J/∂w⁽¹⁾| = {number(run.sizes[L - 1])} at depth {L}"},
        }
        values = {f"w.{i}": short(v) for i, v in enumerate(self.w)} | {
            "step": str(at),
            "depth": str(L),
            "rest": short(self.rest),
            "a0": short(self.a0),
            "y": short(self.y),
        }
        w = ", ".join(map(short, run.w))
        units = counted(L, f"{LABELS[self.activation]} unit")
        sentence = (
            f"Chain of {units}, w = {w}, from {short(self.a0)}, y = {short(self.y)}. "
            f"Step {at} of {len(steps) - 1}: {title}. ŷ = {value(run.a[L])}, J = {value(run.J)}. "
            f"∂J/∂w⁽¹⁾ = {value(run.right['dw'][0])} is a product of {2 * L + 1} factors, "
            f"measured {value(run.measured)}. With further weights of {short(self.rest)} its size "
            f"at depth {DEEPEST} is {number(run.sizes[-1])}.{f' {own}' if own else ''}"
        )
        return {
            "marks": marks,
            "values": values,
            "disabled": [],
            "limits": {"step": (0, len(steps) - 1, 1)},
            "sentence": sentence,
        }

    def _own_text(self, run: Run) -> str:
        if run.own is None:
            return ""
        if run.own["remark"]:
            return f"{run.own['remark']}."
        if not run.wrong:
            return "Your numbers are the reference's."
        kind, layer = run.wrong[0]
        return (
            f"Your first wrong quantity: {SYMBOLS[kind]}{up(layer)} = "
            f"{value(self._made(run, kind, layer))}, expected "
            f"{value(run.right[kind][layer - 1])}."
        )

    def _stage(self, run: Run, kind: str, layer: int) -> tuple[str, str]:
        """A step in words, and its formula with the numbers filled in."""
        L, i, here, before = self.depth, layer - 1, up(layer), up(layer - 1)
        w, z, a, right, name = run.w, run.z, run.a, run.right, LABELS[self.activation]
        if kind == "start":
            return "the input", f"a⁽⁰⁾ = {short(self.a0)}"
        if kind == "z":
            numbers = f"{short(w[i])} · {factor(a[i])} = {value(z[i])}"
            return f"forward, z of layer {layer}", f"z{here} = w{here} a{before} = {numbers}"
        if kind == "a":
            symbol = "ŷ" if layer == L else f"a{here}"
            numbers = f"{name}({value(z[i])}) = {value(a[layer])}"
            return f"forward, a of layer {layer}", f"{symbol} = {name}(z{here}) = {numbers}"
        if kind == "loss":
            numbers = f"½({value(a[L])} − {_held(self.y)})² = {value(run.J)}"
            return "the loss", f"J = ½(ŷ − y)² = {numbers}"
        if kind == "e" and layer == L:
            numbers = f"{value(a[L])} − {_held(self.y)} = {value(right['e'][i])}"
            return "backward, e of the last layer", f"e{here} = ŷ − y = {numbers}"
        if kind == "e":
            later = up(layer + 1)
            numbers = (
                f"{short(w[layer])} · {factor(right['delta'][layer])} = {value(right['e'][i])}"
            )
            return f"backward, e of layer {layer}", f"e{here} = w{later} δ{later} = {numbers}"
        if kind == "delta":
            e, slope, delta = right["e"][i], run.slopes[i], right["delta"][i]
            numbers = f"{value(e)} · {factor(slope)} = {value(delta)}"
            return f"backward, δ of layer {layer}", f"δ{here} = e{here} g′(z{here}) = {numbers}"
        numbers = f"{value(right['delta'][i])} · {factor(a[i])} = {value(right['dw'][i])}"
        return f"the gradient of layer {layer}", f"∂J/∂w{here} = δ{here} a{before} = {numbers}"

    def _product(self, run: Run, shown: set[Step]) -> str:
        """The product of all rates for the first weight, as far as the backward pass has come."""
        L = self.depth
        e = run.right["e"][L - 1]
        factors = [(("e", L), "(ŷ − y)", e, value(e))]
        for layer in range(L, 0, -1):
            slope, w = run.slopes[layer - 1], run.w[layer - 1]
            factors.append((("delta", layer), f"g′(z{up(layer)})", slope, factor(slope)))
            if layer > 1:
                factors.append((("e", layer - 1), f"w{up(layer)}", w, _held(w)))
        factors.append((("dw", 1), "a⁽⁰⁾", run.a[0], _held(run.a[0])))
        names = " · ".join(name for _, name, _, _ in factors)
        passed = [(rate, text) for step, _, rate, text in factors if step in shown]
        more = " · …" if len(passed) < len(factors) else ""
        numbers = "…"
        if passed:
            so = value(math.prod(rate for rate, _ in passed))
            numbers = f"{' · '.join(text for _, text in passed)}{more} = {so}{more}"
        return f"<p>∂J/∂w⁽¹⁾ = {names}</p><p>= {numbers}</p>"

    def _picture(self, run: Run, shown: set[Step], now: Step) -> str:
        """Forward on the left from top to bottom, backward on the right from bottom to top."""
        L, out = self.depth, []
        rows = 2 * L + 2
        pitch = min(70.0, ROOM / (rows - 1))

        def y(row: int) -> float:
            return TOP + pitch * row

        def box(x: int, row: int, step: Step, symbol: str, v: float, class_: str) -> None:
            active = " lm-now" if step == now else ""
            wrong = "✗" if step in run.wrong else ""
            text = f"{symbol} = {wrong}{value(v)}" if step in shown else f"{symbol} = ·"
            out.append(
                f'<rect class="lm-box {class_}{active}" x="{x}" y="{coordinate(y(row) - HALF)}" '
                f'width="{WIDTH}" height="20" rx="5"/>'
                f'<text class="{active.strip()}" text-anchor="middle" x="{x + WIDTH // 2}" '
                f'y="{coordinate(y(row) + 4.2)}">{text}</text>'
            )

        def link(x: int, class_: str, start: float, end: float, label: str) -> None:
            out.append(
                f'<path class="lm-arrow {class_}" d="{_arrow(x, start, end)}"/>'
                f'<text class="lm-quiet" x="{x + 9}" y="{coordinate((start + end) / 2 + 4)}">'
                f"{label}</text>"
            )

        def made(kind: str, layer: int) -> float:
            if (kind, layer) in run.wrong:
                return self._made(run, kind, layer)
            return run.right[kind][layer - 1]

        for layer in range(1, L + 1):
            before, at = 2 * layer - 2, 2 * layer - 1
            middle, step = (y(before) + y(at)) / 2, ("dw", layer)
            gradient = "·"
            if step in shown:
                gradient = ("✗" if step in run.wrong else "") + value(made(*step))
            out.append(
                f'<path class="lm-meet" d="M{WIDTH} {coordinate(y(before))}L175 '
                f'{coordinate(middle)}L{RIGHT} {coordinate(y(at))}"/>'
                f'<text class="lm-label lm-c{" lm-now" if step == now else ""}" '
                f'text-anchor="middle" x="175" y="{coordinate(middle + 4)}">'
                f"w{up(layer)}: {gradient}</text>"
            )
            weight = f"× {_held(run.w[layer - 1])}"
            slope = f"× {value(run.slopes[layer - 1])}"
            link(LEFT + 30, "lm-a", y(before) + HALF, y(at) - HALF, weight)
            link(LEFT + 30, "lm-a", y(at) + HALF, y(at + 1) - HALF, LABELS[self.activation])
            if layer > 1:
                link(RIGHT + 30, "lm-b", y(at) - HALF, y(before) + HALF, weight)
            link(RIGHT + 30, "lm-b", y(at + 1) - HALF, y(at) + HALF, slope)
            symbol = "ŷ" if layer == L else f"a{up(layer)}"
            box(LEFT, at, ("z", layer), f"z{up(layer)}", run.z[layer - 1], "lm-a")
            box(LEFT, at + 1, ("a", layer), symbol, run.a[layer], "lm-a")
            delta, e = made("delta", layer), made("e", layer)
            box(RIGHT, at, ("delta", layer), f"δ{up(layer)}", delta, "lm-b")
            box(RIGHT, at + 1, ("e", layer), f"e{up(layer)}", e, "lm-b")
        end = rows - 1
        link(LEFT + 30, "lm-a", y(end - 1) + HALF, y(end) - HALF, "½(ŷ − y)²")
        link(RIGHT + 30, "lm-b", y(end) - HALF, y(end - 1) + HALF, "× (ŷ − y)")
        box(LEFT, 0, ("start", 0), "a⁽⁰⁾", self.a0, "lm-a")
        box(LEFT, end, ("loss", 0), "J", run.J, "lm-a")
        box(RIGHT, end, ("loss", 0), "∂J/∂J", 1.0, "lm-b")
        return "".join(out)

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values, limits = view["marks"], view["values"], view["limits"]
        last = int(limits["step"][1])
        go = (
            slider("step", "step", limits["step"], min(self.step, last), values["step"])
            + act("next", "next step")
            + act("play", "play", pace=1100)
            + slider("depth", "layers", (1, 6, 1), self.depth, values["depth"])
            + select("activation", "units", LABELS, self.activation)
        )
        weights = "".join(
            slider(
                "w",
                f"w{up(i + 1)}",
                (-3, 3, 0.1),
                v,
                values[f"w.{i}"],
                index=i,
                name=f"weight of layer {i + 1}",
            )
            for i, v in enumerate(self.w)
        )
        chain = "".join(
            f'<text class="lm-title {class_}" text-anchor="middle" font-weight="600" x="{x}" '
            f'y="14">{text}</text>'
            for x, class_, text in (
                (LEFT + 59, "lm-a", "forward"),
                (175, "lm-c", "∂J/∂w"),
                (RIGHT + 59, "lm-b", "backward"),
            )
        ) + mark("g", "chain", marks, font_size="12")
        return (
            f'<div class="lm-row lm-wide lm-go">{go}</div>'
            + picture(
                350,
                556,
                "Forward pass from top to bottom on the left, backward pass from bottom to top on "
                "the right, gradients of the weights between them",
                chain,
                "lm-chain-picture",
            )
            + '<div class="lm-side"><div class="lm-stage">'
            + mark("p", "stage", marks, class_="lm-strong")
            + mark("p", "formula", marks)
            + "</div>"
            + mark("div", "product", marks, class_="lm-product")
            + mark("p", "measured", marks)
            + mark("p", "own", marks, class_="lm-strong")
            + self._plot(marks)
            + "</div>"
            + f'<div class="lm-row lm-wide lm-setup">{weights}'
            + slider("rest", "all further w", (-3, 3, 0.1), self.rest, values["rest"])
            + slider("a0", "a⁽⁰⁾", (-2, 2, 0.1), self.a0, values["a0"], name="input")
            + slider("y", "y", (-2, 2, 0.1), self.y, values["y"], name="target y")
            + "</div>"
        )

    def _plot(self, marks: Marks) -> str:
        x_ticks = [(float(v), str(v)) for v in (1, 5, 10, 15, 20)]
        y_ticks = [(float(v), power(v) if v else "1") for v in (-15, -10, -5, 0, 5)]
        content = (
            mark("path", "line", marks, class_="lm-line lm-a", fill="none", stroke="#0060a8")
            + mark("path", "dots", marks, class_="lm-point lm-a")
            + mark("path", "here", marks, class_="lm-here", fill="none", stroke="currentColor")
        )
        scaffold = PLOT.scaffold(x_ticks, y_ticks, "depth", "")
        title = mark("text", "size", marks, class_="lm-title", x="0", y="16", font_weight="600")
        label = "Size of the derivative of the loss by the first weight over the depth, logarithmic"
        return picture(350, 218, label, scaffold + title + PLOT.plot("depth", content))
