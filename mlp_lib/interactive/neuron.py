"""Figure 1, Neuron: three inputs, weights and a bias, what each contributes to z, and g(z)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import traitlets

from mlp_lib import activations as reference
from mlp_lib.interactive.drawing import (
    Axes,
    Marks,
    coordinate,
    element,
    mark,
    number,
    path,
    picture,
    ring,
    select,
    short,
    slider,
    trimmed,
)
from mlp_lib.interactive.figure import Figure, View
from mlp_lib.neuron import neuron_forward
from mlp_lib.perceptron import sgn

# activation: what the reader sees, what stands in the circle, the function
BENDS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "identity": ("identity", "id", reference.identity),
    "sigmoid": ("sigmoid", "σ", reference.sigmoid),
    "tanh": ("tanh", "tanh", reference.tanh),
    "relu": ("ReLU", "ReLU", reference.relu),
    "step": ("step, 0 or 1", "step", reference.step),
    "sgn": ("sgn, −1 or +1", "sgn", sgn),
}
JUMPS = {"step": (0.0, 1.0), "sgn": (-1.0, 1.0)}
UNBOUNDED = ("identity", "relu")

NAMES = ("w₁x₁", "w₂x₂", "w₃x₃", "b")
ROWS = (50, 106, 162, 218)  # of the inputs
LABELS = ((106, 62), (80, 103), (80, 175), (106, 216))  # of the weights, off their lines
MIDDLE = 134
SUM, BEND = 222, 302  # where the two circles are
BARS = Axes(56, 30, 224, 194, (-1, 1), (0, 1))
CURVE = Axes(34, 30, 306, 194, (-10, 10), (-1.25, 1.25))


def neuron(x: Any, w: Any, b: float, bend: str) -> tuple[list[float], list[float], float]:
    """The contributions, their sums one after another, and a = g(z); sums rounded as settings are.

    Sums like 0.1 · 3 − 0.3 are 0 here and not 6×10⁻¹⁷, so that a jump of g lies where it is drawn.
    """
    parts = [wj * xj for wj, xj in zip(w, x, strict=True)] + [b]
    sums = [neuron_forward(x[:j], w[:j], 0, reference.identity) for j in range(1, len(x) + 1)]
    sums = [round(s, 12) for s in (*sums, neuron_forward(x, w, b, reference.identity))]
    a = neuron_forward([1.0], [0.0], sums[-1], BENDS[bend][2])
    return [round(part, 12) for part in parts], sums, a


def _sign(value: float) -> str:
    return " lm-a" if value > 0 else " lm-b" if value < 0 else ""


def _tidy(x: float) -> str:
    return trimmed(x, 4)


class Neuron(Figure):
    """z = w·x + b and a = g(z), with what each input contributes.

    x, w: three inputs and three weights in [−2, 2]. b: the bias. activation: g.
    """

    name: ClassVar[str] = "neuron"
    title: ClassVar[str] = "A neuron with three inputs"

    x = traitlets.List(
        traitlets.Float(min=-2.0, max=2.0), [0.8, -2.0, 0.5], minlen=3, maxlen=3
    ).tag(sync=True)
    w = traitlets.List(
        traitlets.Float(min=-2.0, max=2.0), [0.5, -0.5, -0.8], minlen=3, maxlen=3
    ).tag(sync=True)
    b = traitlets.Float(0.3, min=-3.0, max=3.0).tag(sync=True)
    activation = traitlets.Enum(list(BENDS), "sigmoid").tag(sync=True)

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in neuron.js."""
        parts, sums, a = neuron(self.x, self.w, self.b, self.activation)
        z = sums[-1]
        marks: Marks = {
            "bend": {"text": BENDS[self.activation][1]},
            "z": {"text": f"z = {_tidy(z)}"},
            "a": {"text": f"a = {number(a)}"},
        }
        for j, (part, y) in enumerate(zip(parts, ROWS, strict=True)):
            marks[f"wire-{j}"] = {
                "d": path([(70, y), (SUM, MIDDLE)]),
                "class": f"lm-wire{_sign(part)}",
                "stroke-width": coordinate(1 + 2 * min(4.0, abs(part))),
            }
            marks[f"input-{j}"] = {"text": short(self.x[j]) if j < 3 else "1"}
            weight = f"w{'₁₂₃'[j]} = {short(self.w[j])}" if j < 3 else f"b = {short(self.b)}"
            marks[f"weight-{j}"] = {"text": weight}
        self._mark_bars(marks, parts, sums)
        self._mark_curve(marks, z, a)
        values = {f"x.{j}": short(v) for j, v in enumerate(self.x)}
        values |= {f"w.{j}": short(v) for j, v in enumerate(self.w)} | {"b": short(self.b)}
        return {
            "marks": marks,
            "values": values,
            "disabled": [],
            "sentence": self._sentence(parts, z, a),
        }

    def _mark_bars(self, marks: Marks, parts: list[float], sums: list[float]) -> None:
        limit = 2
        while limit < max(map(abs, sums)):
            limit *= 2
        for k in range(5):
            marks[f"tick-{k}"] = {"text": short((k - 2) * limit / 2)}

        def at(value: float) -> float:
            return BARS.x(value / limit)

        ends = [(0.0, sums[0]), *pairwise(sums), (0.0, sums[-1])]
        for j, (start, end) in enumerate(ends):
            low, high = sorted((at(start), at(end)))
            marks[f"bar-{j}"] = {
                "x": coordinate(low),
                "width": coordinate(high - low),
                "class": f"lm-bar{_sign(end - start) if j < 4 else ' lm-c'}",
            }
            marks[f"part-{j}"] = {"text": _tidy((*parts, sums[-1])[j])}
        steps = [f"M{coordinate(at(s))} {8 + j * 38}v38" for j, s in enumerate(sums)]
        marks["steps"] = {"d": "".join(steps)}

    def _mark_curve(self, marks: Marks, z: float, a: float) -> None:
        g = BENDS[self.activation][2]
        scale = 8 if self.activation in UNBOUNDED else 1
        for k, level in enumerate((-1, -0.5, 0, 0.5, 1)):
            marks[f"level-{k}"] = {"text": short(level * scale)}
        points: list[tuple[float, float] | None] = []
        grid = [(i - 50) / 5 for i in range(101)]
        for at, value in zip(grid, g(np.array(grid)).tolist(), strict=True):
            if at == 0 and self.activation in JUMPS:
                low, high = JUMPS[self.activation]
                points += [(CURVE.x(0), CURVE.y(low)), None, (CURVE.x(0), CURVE.y(high))]
            else:
                points.append((CURVE.x(at), CURVE.y(value / scale)))
        x = max(6.0, min(CURVE.width - 6, CURVE.x(z)))
        y = max(6.0, min(CURVE.height - 6, CURVE.y(a / scale)))
        marks["curve"] = {"d": path(points)}
        marks["guide"] = {"d": f"M{coordinate(x)} {coordinate(CURVE.height)}V{coordinate(y)}H0"}
        marks["point"] = {"d": ring(x, y, 5)}

    def _sentence(self, parts: list[float], z: float, a: float) -> str:
        strongest = max(range(4), key=lambda j: abs(parts[j]))
        pull = "nothing pulls"
        if parts[strongest]:
            way = "up" if parts[strongest] > 0 else "down"
            pull = f"{NAMES[strongest]} pulls most, {way}wards"
        return (
            f"Inputs {', '.join(map(short, self.x))}, weights {', '.join(map(short, self.w))}, "
            f"bias {short(self.b)}. The contributions {', '.join(map(_tidy, parts[:3]))} and the "
            f"bias add up to z = {_tidy(z)}; {pull}. "
            f"{BENDS[self.activation][0].split(',')[0].capitalize()} "
            f"makes of it a = {number(a)}."
        ).replace("Relu", "ReLU")

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values = view["marks"], view["values"]
        controls = [
            select(
                "activation", "activation g", {k: v[0] for k, v in BENDS.items()}, self.activation
            )
        ]
        for j, sub in enumerate("₁₂₃"):
            controls.append(
                '<div class="lm-row lm-pair">'
                + slider(
                    "x",
                    f"x{sub}",
                    (-2, 2, 0.1),
                    self.x[j],
                    values[f"x.{j}"],
                    index=j,
                    name=f"input {j + 1}",
                )
                + slider(
                    "w",
                    f"w{sub}",
                    (-2, 2, 0.1),
                    self.w[j],
                    values[f"w.{j}"],
                    index=j,
                    name=f"weight {j + 1}",
                )
                + "</div>"
            )
        controls.append(slider("b", "bias b", (-3, 3, 0.1), self.b, values["b"]))
        return (
            self._graph(marks)
            + f'<div class="lm-side">{"".join(controls)}</div>'
            + self._bars(marks)
            + self._curve(marks)
        )

    def _graph(self, marks: Marks) -> str:
        wires, units = [], []
        for j, y in enumerate(ROWS):
            wires.append(mark("path", f"wire-{j}", marks, fill="none", stroke="#666"))
            units.append(
                f'<circle class="lm-unit" cx="48" cy="{y}" r="22"/>'
                + (f'<text x="0" y="{y + 5}">x{"₁₂₃"[j]}</text>' if j < 3 else "")
                + mark("text", f"input-{j}", marks, x="48", y=f"{y + 5}", text_anchor="middle")
            )
            place = {"x": f"{LABELS[j][0]}", "y": f"{LABELS[j][1]}"}
            units.append(mark("text", f"weight-{j}", marks, class_="lm-label", **place))
        units.append(
            f'<path class="lm-arrow" fill="none" stroke="currentColor" d="M{SUM + 24} {MIDDLE}'
            f'H{BEND - 26}m-6 -5l6 5l-6 5M{BEND + 24} {MIDDLE}H349m-6 -5l6 5l-6 5"/>'
        )
        for x, content in ((SUM, "<text {}>Σ</text>"), (BEND, "")):
            place = {"x": f"{x}", "y": f"{MIDDLE + 5}", "text_anchor": "middle"}
            units.append(f'<circle class="lm-unit" cx="{x}" cy="{MIDDLE}" r="24"/>')
            units.append(
                content.format(f'x="{x}" y="{MIDDLE + 5}" text-anchor="middle"')
                or mark("text", "bend", marks, **place)
            )
        strong = {"font_weight": "600", "text_anchor": "middle"}
        units.append(mark("text", "z", marks, x=f"{SUM}", y=f"{MIDDLE + 46}", **strong))
        units.append(mark("text", "a", marks, x=f"{BEND}", y=f"{MIDDLE - 36}", **strong))
        title = '<text class="lm-title" x="0" y="16" font-weight="600">z = w·x + b, a = g(z)</text>'
        label = "A neuron: three inputs and a constant 1, their weights, the sum, the activation"
        return picture(350, 246, label, title + "".join(wires + units), "lm-graph")

    def _bars(self, marks: Marks) -> str:
        ticks = [((k - 2) / 2, mark("tspan", f"tick-{k}", marks)) for k in range(5)]
        scaffold = BARS.scaffold(ticks, [], "sum so far", "What each input contributes to z")
        content, names = [mark("path", "steps", marks, class_="lm-guide", fill="none")], []
        for j, name in enumerate((*NAMES, "z")):
            y = 8 + j * 38
            content.append(mark("rect", f"bar-{j}", marks, y=f"{y}", height="24"))
            at = {"y": f"{BARS.top + y + 17:g}"}
            weight = {"font-weight": "600"} if name == "z" else {}
            names.append(element("text", {"x": "0"} | at | weight, name))
            place = {"x": "350", "text-anchor": "end"} | at | weight
            names.append(mark("text", f"part-{j}", marks, **place))
        label = "Bars of the contributions, each beginning where the one before it ends"
        plot = BARS.plot("bars", "".join(content))
        return picture(350, 266, label, scaffold + plot + "".join(names), "lm-bars")

    def _curve(self, marks: Marks) -> str:
        levels = [
            (level, mark("tspan", f"level-{k}", marks))
            for k, level in enumerate((-1, -0.5, 0, 0.5, 1))
        ]
        ticks = [(float(v), short(v)) for v in (-10, -5, 0, 5, 10)]
        scaffold = CURVE.scaffold(ticks, levels, "z", "a = g(z)")
        content = (
            mark("path", "guide", marks, class_="lm-guide", fill="none")
            + mark("path", "curve", marks, class_="lm-line lm-c", fill="none", stroke="#00705a")
            + mark("path", "point", marks, class_="lm-point lm-c")
        )
        return picture(
            350,
            266,
            "Graph of the activation g with the point (z, a)",
            scaffold + CURVE.plot("g", content),
            "lm-curve",
        )
