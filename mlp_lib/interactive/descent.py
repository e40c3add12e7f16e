"""Figure 7, GradientDescent: one walk downhill, drawn on the ground and as a curve of heights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
import traitlets

from mlp_lib._types import Array
from mlp_lib.activations import sigmoid
from mlp_lib.interactive.drawing import (
    Axes,
    Marks,
    button,
    counted,
    element,
    mark,
    number,
    path,
    picture,
    power,
    ring,
    select,
    short,
    slider,
    trimmed,
    value,
)
from mlp_lib.interactive.figure import Figure, View
from mlp_lib.optimisers import OPTIMISERS

LABELS = {
    "sgd": "plain descent",
    "momentum": "momentum",
    "nesterov": "Nesterov",
    "rmsprop": "RMSProp",
    "adam": "Adam",
}
PRESETS = (0.001, 0.1, 0.4, 0.665757, 0.6667, 0.67)
FAR = 1e12  # the walk ends where nothing can be seen any more
X3, Y3 = np.array([0.0, 1.0, -3.0]), np.array([0.2, 0.8, 0.8])
BOTTOM = 0.03723020754910907


def _bowl(theta: Any) -> Any:
    x, y = theta
    return 1.5 * x * x + y * y


def _two(theta: Any) -> Any:
    w, b = (np.asarray(v)[..., None] for v in theta)
    return ((sigmoid(w * X3 + b) - Y3) ** 2).sum(-1) / 6 - BOTTOM


def _grad_two(theta: Array) -> Array:
    p = sigmoid(theta[0] * X3 + theta[1])
    delta = (p - Y3) * p * (1 - p) / 3
    return np.array([delta @ X3, delta.sum()])


@dataclass(frozen=True)
class Surface:
    """What a reader walks on: f is the height above the lowest point, bottom the height there."""

    label: str
    short: str
    names: tuple[str, str]
    bottom: float
    f: Callable[[Any], Any]
    grad: Callable[[Array], Array]
    axes: Axes
    start: tuple[tuple[float, float], tuple[float, float]]
    eta: tuple[float, float, float]
    levels: tuple[float, ...]
    lowest: tuple[tuple[float, float], ...]
    ticks: tuple[tuple[float, ...], tuple[float, ...]]


SURFACES = {
    "bowl": Surface(
        "bowl, 1.5x² + y² + 2",
        "bowl",
        ("x", "y"),
        2.0,
        _bowl,
        lambda theta: np.array([3.0, 2.0]) * theta,
        Axes(38, 30, 306, 216, (-1.7, 1.7), (-1.2, 1.2)),
        ((-1.6, 1.6), (-1.1, 1.1)),
        (0.001, 1, 0.001),
        (0.1, 0.4, 1.0, 2.0, 3.5, 5.5),
        ((0.0, 0.0),),
        ((-1, 0, 1), (-1, 0, 1)),
    ),
    "two": Surface(
        "two valleys, one sigmoid unit",
        "surface with two valleys",
        ("w", "b"),
        BOTTOM,
        _two,
        _grad_two,
        Axes(38, 30, 306, 216, (-4.1, 5.25), (-4.6, 2.0)),
        ((-4, 5), (-4.5, 1.9)),
        (0.05, 10, 0.05),
        (0.005, 0.02, 0.04, 0.06, 0.072, 0.085, 0.11, 0.14, 0.18),
        ((-0.177, 0.284), (2.759, -1.378)),
        ((-4, -2, 0, 2, 4), (-4, -2, 0)),
    ),
}
CURVE = Axes(52, 30, 286, 216, (0, 1), (-12, 4))


def noise_source() -> Callable[[], float]:
    """Numbers like those of a normal distribution, the same in every language."""
    s = 12345

    def draw() -> float:
        nonlocal s
        total = 0
        for _ in range(12):
            s = (s * 1664525 + 1013904223) % 2**32
            total += s >> 16
        return total / 65536 - 6

    return draw


@cache
def contour_lines(key: str) -> str:
    """Paths of equal height; they do not depend on the state."""
    from contourpy import contour_generator  # what matplotlib draws contours with

    surface = SURFACES[key]
    x = np.linspace(*surface.axes.x_range, 44)
    y = np.linspace(*surface.axes.y_range, 34)
    generator = contour_generator(x, y, surface.f(np.meshgrid(x, y)))
    lines = []
    for level in surface.levels:
        for line in generator.lines(level):
            lines.append(path((surface.axes.x(a), surface.axes.y(b)) for a, b in np.asarray(line)))
    return "".join(lines)


class GradientDescent(Figure):
    """A walk downhill from a start you choose, with the learning rates of the lesson.

    surface: "bowl" or "two". eta: η. optimiser: a name from `mlp_lib.optimisers.OPTIMISERS`.
    steps: how many. start: where, in the coordinates of the surface. noise: how much is added to
    each component of each gradient, as a small batch does.
    """

    name: ClassVar[str] = "descent"
    title: ClassVar[str] = "Gradient descent on a surface"

    surface = traitlets.Enum(list(SURFACES), "bowl").tag(sync=True)
    optimiser = traitlets.Enum(list(LABELS), "sgd").tag(sync=True)
    eta = traitlets.Float(0.1, min=0.001, max=10.0).tag(sync=True)
    steps = traitlets.Int(30, min=1, max=300).tag(sync=True)
    start = traitlets.List(traitlets.Float(min=-5.0, max=5.0), [1.0, 1.0], minlen=2, maxlen=2).tag(
        sync=True
    )
    noise = traitlets.Float(0.0, min=0.0, max=2.0).tag(sync=True)

    def _start(self) -> list[float]:
        limits = SURFACES[self.surface].start
        return [max(a, min(b, v)) for v, (a, b) in zip(self.start, limits, strict=True)]

    def walk(self) -> tuple[list[list[float]], list[float], float]:
        """The points, their heights above the lowest point, and the last gradient's length."""
        surface, draw = SURFACES[self.surface], noise_source()
        rule = OPTIMISERS[self.optimiser](lr=self.eta)
        theta = np.array(self._start())
        points = [theta.tolist()]
        for _ in range(self.steps):
            gradient = surface.grad(theta) + self.noise * np.array([draw(), draw()])
            rule.update(theta, gradient)
            points.append(theta.tolist())
            if np.abs(theta).max() > FAR:
                break
        heights = [float(surface.f(point)) for point in points]
        return points, heights, math.hypot(*surface.grad(theta))

    def _said(self, point: list[float]) -> str:
        a, b = SURFACES[self.surface].names
        return f"{a} = {value(point[0])}, {b} = {value(point[1])}"

    def _verdict(self, points: list[list[float]], heights: list[float], slope: float) -> str:
        if self.surface == "bowl" and self.optimiser == "sgd" and not self.noise:
            x, y = (1 - curvature * self.eta for curvature in (3, 2))
            words = (
                f"Each step multiplies x by 1 − 3η = {trimmed(x, 6)} and y by 1 − 2η = "
                f"{trimmed(y, 6)}"
            )
            largest = max(abs(x), abs(y))
            if abs(largest - 1) < 1e-9:
                return f"{words}: it comes no nearer."
            if largest > 1:
                return f"{words}: the walk diverges, since η is above 2/3."
            half = math.log(0.5) / math.log(largest)
            often = "step or sooner" if half < 1 else f"{trimmed(half, 0)} steps"
            return f"{words}: the distance halves every {often}."
        if not heights[-1] < 10 * heights[0] + 1:
            return "The walk diverges."
        if slope > 1e-3:
            return f"It still goes downhill: the gradient has length {value(slope)}."
        if heights[-1] < 1e-3:
            return "The gradient is nearly 0: this is the lowest point."
        valley = math.dist(points[-1], SURFACES["two"].lowest[1]) < 0.3
        place = "the higher valley" if valley else "flat ground, not a valley"
        return f"The gradient is nearly 0 here, and this is {place}."

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in descent.js."""
        surface, start = SURFACES[self.surface], self._start()
        points, heights, slope = self.walk()
        last, axes = len(points) - 1, surface.axes
        places = [(axes.x(a), axes.y(b)) for a, b in points]
        curve = [
            (t / self.steps * CURVE.width, CURVE.y(math.log10(max(h, 1e-99))))
            for t, h in enumerate(heights)
        ]
        verdict = self._verdict(points, heights, slope)
        marks: Marks = {
            "path": {"d": path(places)},
            "dots": {"d": "".join(ring(*place, 2) for place in places)},
            "start": {"d": ring(*places[0], 6)},
            "end": {"d": ring(*places[-1], 5)},
            "curve": {"d": path(curve)},
            "curve-end": {"d": ring(*curve[-1], 5)},
            "half-steps": {"text": trimmed(self.steps / 2, 1)},
            "all-steps": {"text": str(self.steps)},
            "verdict": {"text": verdict},
        }
        for key in SURFACES:
            marks[f"frame-{key}"] = {"display": "inline" if key == self.surface else "none"}
        for key, t in [*((str(t), t) for t in range(4)), ("end", last)]:
            marks[f"t-{key}"] = {"text": str(t)}
            for i in range(2):
                marks[f"p{i}-{key}"] = {"text": value(points[t][i]) if t <= last else "–"}
            height = value(heights[t] + surface.bottom) if t <= last else "–"
            marks[f"f-{key}"] = {"text": height}
        for i, name in enumerate(surface.names):
            marks[f"head-{i}"] = {"text": name}
        noise = f", noise {short(self.noise)}" if self.noise else ""
        above = max(0.0, heights[last])
        sentence = (
            f"On the {surface.short}, {LABELS[self.optimiser]} with η = {trimmed(self.eta, 6)}"
            f"{noise} from {self._said(start)}, f = {value(heights[0] + surface.bottom)}: after "
            f"{counted(last, 'step')} at {self._said(points[last])}, "
            f"f = {value(heights[last] + surface.bottom)}, "
            f"{number(0 if above < 1e-12 else above)} above the lowest value. {verdict}"
        )
        return {
            "marks": marks,
            "values": {
                "eta": trimmed(self.eta, 6),
                "steps": str(self.steps),
                "noise": short(self.noise),
                "start.0": short(start[0]),
                "start.1": short(start[1]),
            },
            "disabled": [],
            "limits": {
                "eta": surface.eta,
                "start.0": (*surface.start[0], 0.05),
                "start.1": (*surface.start[1], 0.05),
            },
            "sentence": sentence,
        }

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values, limits = view["marks"], view["values"], view["limits"]
        surfaces = {key: surface.label for key, surface in SURFACES.items()}
        presets = "".join(
            button("eta", eta, trimmed(eta, 6), self.eta, name=f"η = {trimmed(eta, 6)}")
            for eta in PRESETS
        )
        starts = "".join(
            slider(
                "start",
                f"start {name}",
                limits[f"start.{i}"],
                self._start()[i],
                values[f"start.{i}"],
                index=i,
            )
            for i, name in enumerate(("across", "up"))
        )
        return (
            '<div class="lm-row lm-wide">'
            + slider("eta", "η", limits["eta"], self.eta, values["eta"], name="learning rate η")
            + f'<div class="lm-row lm-presets"><span>η =</span>{presets}</div></div>'
            + self._contour(marks)
            + self._curve(marks)
            + '<div class="lm-side">'
            + select("surface", "surface", surfaces, self.surface)
            + select("optimiser", "optimiser", LABELS, self.optimiser)
            + slider("steps", "steps", (1, 300, 1), self.steps, values["steps"])
            + starts
            + slider("noise", "noise", (0, 2, 0.1), self.noise, values["noise"])
            + '</div><div class="lm-side">'
            + self._numbers(marks)
            + mark("p", "verdict", marks, class_="lm-verdict")
            + "</div>"
        )

    def _contour(self, marks: Marks) -> str:
        frames, grounds = "", ""
        for key, surface in SURFACES.items():
            x_ticks, y_ticks = ([(float(v), short(v)) for v in ticks] for ticks in surface.ticks)
            name = f"{surface.names[0]}, and {surface.names[1]} upwards"
            inside = element("path", {"class": "lm-contour", "d": contour_lines(key)})
            crosses = ""
            for a, b in surface.lowest:
                x, y = surface.axes.x(a), surface.axes.y(b)
                crosses += path([(x - 4, y), (x + 4, y), None, (x, y - 4), (x, y + 4)])
            inside += element("path", {"class": "lm-low", "d": crosses})
            shown = marks[f"frame-{key}"]
            own: Marks = {"frame": shown}
            scaffold = surface.axes.scaffold(
                x_ticks, y_ticks, name, "lines of equal height, and the walk"
            )
            for tag, part in (("frame", scaffold), ("ground", inside)):
                made = element("g", {"data-lm": f"frame-{key}"} | own["frame"], part)
                if tag == "frame":
                    frames += made
                else:
                    grounds += made
        walk = (
            mark("path", "path", marks, class_="lm-walk", fill="none", stroke="#0060a8")
            + mark("path", "dots", marks, class_="lm-point lm-a")
            + mark("path", "start", marks, class_="lm-begin", fill="none", stroke="#b04400")
            + mark("path", "end", marks, class_="lm-end", fill="none", stroke="currentColor")
        )
        axes = SURFACES["bowl"].axes
        label = "The walk on the ground, with lines of equal height"
        return picture(350, 284, label, frames + axes.plot("contour", grounds + walk))

    def _curve(self, marks: Marks) -> str:
        y_ticks = [(float(v), power(v) if v else "1") for v in range(-12, 5, 4)]
        scaffold = CURVE.scaffold([(0.0, "0")], y_ticks, "steps", "f above its lowest value")
        ends = "".join(
            mark("text", name, marks, x=f"{CURVE.left + CURVE.x(at):g}", y="262")
            for name, at in (("half-steps", 0.5), ("all-steps", 1.0))
        )
        content = mark(
            "path", "curve", marks, class_="lm-line lm-a", fill="none", stroke="#0060a8"
        ) + mark("path", "curve-end", marks, class_="lm-end", fill="none", stroke="currentColor")
        return picture(
            350,
            284,
            "Height above the lowest point over the steps, logarithmic",
            scaffold
            + f'<g class="lm-ticks" text-anchor="middle" font-size="13">{ends}</g>'
            + CURVE.plot("heights", content),
        )

    def _numbers(self, marks: Marks) -> str:
        heads = "".join(mark("th", f"head-{i}", marks, scope="col") for i in range(2))
        rows = ""
        for key in ("0", "1", "2", "3", "end"):
            cells = "".join(mark("td", f"{name}-{key}", marks) for name in ("p0", "p1", "f"))
            rows += f"<tr>{mark('th', f't-{key}', marks, scope='row')}{cells}</tr>"
        return element(
            "table",
            {"class": "lm-numbers"},
            f'<thead><tr><th scope="col">step</th>{heads}<th scope="col">f</th></tr></thead>'
            f"<tbody>{rows}</tbody>",
        )
