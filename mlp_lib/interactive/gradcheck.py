"""Figure 12, GradientCheck: how wrong a measured gradient is, over the step of the measurement."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import traitlets

from mlp_lib.chain import chain_backward, chain_forward
from mlp_lib.interactive.drawing import (
    Axes,
    Marks,
    _fixed,
    coordinate,
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
)
from mlp_lib.interactive.figure import Figure, View

Complex = tuple[float, float]  # real and imaginary part
Function = Callable[[Sequence[Complex]], Complex]

KEYS = {"forward": "a", "central": "b", "complex": "c"}
LABELS = {
    "chain": "loss of the chain",
    "bowl": "bowl 1.5x² + y² + 2 at (1, 1)",
    "kink": "1 + ReLU(z) at z = 10⁻⁴",
}
CALLS: dict[str, Callable[[int], int]] = {
    "forward": lambda p: p + 1,
    "central": lambda p: 2 * p,
    "complex": lambda p: p,
}
H = [float(f"{(1, 1.8, 3.2, 5.6)[i % 4]}e-{16 - i // 4}") for i in range(61)]
FLOOR = 1e-18
PLOT = Axes(46, 30, 294, 250, (0, 60), (-19, 1))
INPUT = 0.8  # of the chain of lesson 8, whose target is 1

# The figure shows rounding errors, and rounding depends on how exp is computed. So exp, sin and cos
# are spelt out here and in maths/measure.js in the same operations, and give the same bits
# everywhere. A test compares them with numpy's, and the figure with `numerical_gradient`.
LN2_HIGH = 0.693147180369123816490  # 33 bits, so that k·LN2_HIGH is exact
LN2_LOW = 1.90821492927058770002e-10


def exp(x: float) -> float:
    """e^x for moderate x, to the last digit or two."""
    k = math.floor(x / math.log(2) + 0.5)
    r = x - k * LN2_HIGH - k * LN2_LOW
    total = 1.0
    for n in range(17, 0, -1):
        total = 1 + (total * r) / n
    return total * 2.0**k


def _series(first: float, n: int, b: float) -> float:
    """Σ of a term that goes on by −b²/(n(n+1)): cos from n = 1, sin from n = 2."""
    term = total = first
    for m in range(n, 24, 2):
        term *= (-b * b) / (m * (m + 1))
        total += term
    return total


def sigmoid(z: float) -> float:
    """1/(1 + e^−z)."""
    return 1 / (1 + exp(-z))


def _complex_sigmoid(z: Complex) -> Complex:
    a, b = z
    if b == 0:
        return sigmoid(a), 0.0
    e = exp(-a)
    c, d = 1 + e * _series(1.0, 1, b), -e * _series(b, 2, b)
    size = c * c + d * d
    return c / size, -d / size


def _chain(theta: Sequence[Complex]) -> Complex:
    a = (INPUT, 0.0)
    for w, v in theta:
        a = _complex_sigmoid((w * a[0] - v * a[1], w * a[1] + v * a[0]))
    d = a[0] - 1
    return 0.5 * (d * d - a[1] * a[1]), d * a[1]


def _grad_chain(w: Sequence[float]) -> list[float]:
    def g(z: Any) -> Any:
        return np.float64(sigmoid(float(z)))

    cache = chain_forward(w, INPUT, g)
    dw, _, _ = chain_backward(w, cache, 1.0, lambda z: g(z) * g(-z))
    return [float(v) for v in dw]


def _bowl(theta: Sequence[Complex]) -> Complex:
    (x, u), (y, v) = theta
    return 1.5 * (x * x - u * u) + (y * y - v * v) + 2, 3 * x * u + 2 * y * v


def _kink(theta: Sequence[Complex]) -> Complex:
    ((z, v),) = theta
    return (1 + z, v) if z > 0 else (1.0, 0.0)


@dataclass(frozen=True)
class Target:
    """A function to differentiate, and where, if that is not the reader's choice."""

    f: Function
    grad: Callable[[Sequence[float]], list[float]]
    point: list[float] | None = None


FUNCTIONS = {
    "chain": Target(_chain, _grad_chain),
    "bowl": Target(_bowl, lambda p: [3 * p[0], 2 * p[1]], [1.0, 1.0]),
    "kink": Target(_kink, lambda p: [1.0 if p[0] > 0 else 0.0], [1e-4]),
}


def measure(scheme: str, f: Function, theta: Sequence[float], h: float) -> list[float]:
    """The gradient as a scheme of `numerical_gradient` measures it."""

    def moved(i: int, re: float, im: float) -> list[Complex]:
        return [(v + re, im) if j == i else (v, 0.0) for j, v in enumerate(theta)]

    places = range(len(theta))
    if scheme == "complex":
        return [f(moved(i, 0.0, h))[1] / h for i in places]
    if scheme == "central":
        return [(f(moved(i, h, 0.0))[0] - f(moved(i, -h, 0.0))[0]) / (2 * h) for i in places]
    base = f(moved(-1, 0.0, 0.0))[0]
    return [(f(moved(i, h, 0.0))[0] - base) / h for i in places]


@dataclass(frozen=True)
class Run:
    """Measured gradients and largest errors over all steps, by scheme."""

    exact: list[float]
    measured: dict[str, list[list[float]]]
    errors: dict[str, list[float]]


@lru_cache(maxsize=16)
def _run(target: str, w: tuple[float, ...]) -> Run:
    known = FUNCTIONS[target]
    theta = known.point or w
    exact = known.grad(theta)
    measured = {name: [measure(name, known.f, theta, h) for h in H] for name in KEYS}
    errors = {
        name: [max(abs(v - e) for v, e in zip(row, exact, strict=True)) for row in rows]
        for name, rows in measured.items()
    }
    return Run(exact, measured, errors)


def _h_text(i: int) -> str:
    return number(H[i]) if i % 4 else power(i // 4 - 16)


class GradientCheck(Figure):
    """The error of forward, central and complex differences over the step h, really evaluated.

    target: "chain" (the loss of lesson 8's chain, weights w), "bowl" or "kink".
    at: which step h of the scale from 10⁻¹⁶ (0) to 10⁻¹ (60) the numbers belong to.
    """

    name: ClassVar[str] = "gradcheck"
    title: ClassVar[str] = "The error of a measured gradient"

    target = traitlets.Enum(list(LABELS), "chain").tag(sync=True)
    w = traitlets.List(
        traitlets.Float(min=-3.0, max=3.0), [0.5, -1.5, 2.0], minlen=3, maxlen=3
    ).tag(sync=True)
    at = traitlets.Int(44, min=0, max=60).tag(sync=True)

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in gradcheck.js."""
        run, at = _run(self.target, tuple(self.w)), self.at
        marks: Marks = {
            "here": {"d": f"M{coordinate(PLOT.x(at))} 0V{PLOT.height:g}"},
            "exact": {"text": f"exactly {_decimals(run.exact[0])}"},
            "h": {"text": f"h = {_h_text(at)}"},
        }
        best = {}
        for name, key in KEYS.items():
            errors = run.errors[name]
            best[name] = errors.index(min(errors))
            points = [(PLOT.x(i), PLOT.y(math.log10(max(e, FLOOR)))) for i, e in enumerate(errors)]
            marks[f"line-{key}"] = {"d": path(points)}
            marks[f"point-{key}"] = {"d": ring(*points[at], 5)}
            marks[f"measured-{key}"] = {"text": _decimals(run.measured[name][at][0])}
            marks[f"error-{key}"] = {"text": number(errors[at])}
            marks[f"best-{key}"] = {"text": number(errors[best[name]])}
            marks[f"tip-{key}"] = {"text": _h_text(best[name])}
            marks[f"calls-{key}"] = {"text": str(CALLS[name](len(run.exact)))}
        chain = self.target == "chain"
        where = f" with w = {', '.join(map(short, self.w))}" if chain else ""
        now = ", ".join(f"{name} {number(run.errors[name][at])}" for name in KEYS)
        tips = ", ".join(
            f"{name} {number(run.errors[name][i])} at h = {_h_text(i)}" for name, i in best.items()
        )
        return {
            "marks": marks,
            "values": {f"w.{i}": short(v) for i, v in enumerate(self.w)} | {"at": _h_text(at)},
            "disabled": [] if chain else ["w.0", "w.1", "w.2"],
            "sentence": (
                f"Function: {LABELS[self.target]}{where}. Largest error of its gradient measured "
                f"with h = {_h_text(at)}: {now}. Smallest error on this scale: {tips}."
            ),
        }

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values = view["marks"], view["values"]
        weights = "".join(
            slider("w", f"w{'₁₂₃'[i]}", (-3, 3, 0.1), v, values[f"w.{i}"], index=i)
            for i, v in enumerate(self.w)
        )
        return (
            f'<div class="lm-row lm-wide">{weights}'
            + select("target", "function", LABELS, self.target)
            + "</div>"
            + self._plot(marks)
            + '<div class="lm-side">'
            + slider("at", "step h", (0, 60, 1), self.at, values["at"])
            + self._numbers(marks)
            + "</div>"
        )

    def _plot(self, marks: Marks) -> str:
        content = mark("path", "here", marks, class_="lm-here", stroke="currentColor")
        for key in KEYS.values():
            content += mark(
                "path",
                f"line-{key}",
                marks,
                class_=f"lm-line lm-{key}",
                fill="none",
                stroke="currentColor",
            )
        for key in KEYS.values():
            content += mark("path", f"point-{key}", marks, class_=f"lm-point lm-{key}")
        x_ticks = [(float(i), power(i // 4 - 16)) for i in range(0, 61, 12)]
        y_ticks = [(float(v), power(v) if v else "1") for v in range(-18, 1, 3)]
        scaffold = PLOT.scaffold(x_ticks, y_ticks, "step h", "error")
        names = "".join(
            f'<text class="lm-label lm-{key}" x="{x}" y="20">{name}</text>'
            for (name, key), x in zip(KEYS.items(), (110, 190, 270), strict=True)
        )
        return picture(
            350,
            318,
            "Largest error of the measured gradient over the step, both logarithmic",
            scaffold + names + PLOT.plot("error", content),
        )

    def _numbers(self, marks: Marks) -> str:
        def row(part: str, head: str) -> str:
            cells = "".join(mark("td", f"{part}-{key}", marks) for key in KEYS.values())
            return f'<tr><th scope="row">{head}</th>{cells}</tr>'

        heads = "".join(
            f'<th scope="col" class="lm-{key}">{name}</th>' for name, key in KEYS.items()
        )
        return element(
            "table",
            {"class": "lm-numbers"},
            f"<caption>The slope is that of the first parameter, {mark('span', 'exact', marks)}. "
            "The error is the largest over all parameters; the picture draws nothing below "
            "10⁻¹⁸. Calls of the function per gradient.</caption>"
            f"<thead><tr>{mark('th', 'h', marks, scope='col')}{heads}</tr></thead><tbody>"
            + row("measured", "slope")
            + row("error", "error")
            + row("best", "smallest")
            + row("tip", "at h")
            + row("calls", "calls")
            + "</tbody>",
        )


def _decimals(v: float) -> str:
    """Seven decimals."""
    return f"{'−' if v < 0 else ''}{_fixed(abs(v), 7)}"
