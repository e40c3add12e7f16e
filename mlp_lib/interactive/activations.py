"""Figure 5, Activations: f and f′, the tangent at a moving point, where the gradient dies, and what
is left of it after many layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
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
    power,
    ring,
    select,
    short,
    slider,
)
from mlp_lib.interactive.figure import Figure, View

Scalar = Callable[[float], float]

LABELS = {
    "identity": "identity",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "gelu": "GELU",
    "gelu_tanh": "GELU (tanh)",
    "gudermannian": "Gudermannian",
    "step": "step",
    "softplus": "softplus",
}
# The limit from the right where it differs from the value at 0.
JUMPS: dict[str, dict[str, float]] = {
    "relu": {"df": 1.0},
    "leaky_relu": {"df": 1.0},
    "step": {"f": 1.0},
}

CELL = 0.05
GRID = [(i - 120) * CELL for i in range(241)]  # −6 … 6
DEAD = 0.01
REACH = 40
H = 1e-5

F_AXES = Axes(30, 30, 310, 214, (-6, 6), (-2, 3))
DF_AXES = Axes(36, 30, 304, 214, (-6, 6), (-0.25, 1.25))
DEPTH_AXES = Axes(46, 30, 294, 190, (0, 36), (-15, 9))  # room for names at the right


@dataclass(frozen=True)
class Curve:
    """One of the two functions in the picture."""

    label: str
    f: Scalar
    df: Scalar
    measured: Scalar  # the slope by central difference
    jump: Mapping[str, float]
    f_grid: list[float]
    df_grid: list[float]
    dead: list[tuple[float, float]]


def dead_intervals(df: Callable[[Any], Any]) -> list[tuple[float, float]]:
    """Where |f′| < 0.01 in [−40, 40]; an end at ±40 means that it stays so from there on."""
    cells = round(2 * REACH / CELL)
    at = [(i - cells / 2) * CELL for i in range(cells + 1)]
    dead = np.abs(df(np.array(at))) < DEAD

    def edge(alive: float, gone: float) -> float:
        for _ in range(40):
            middle = (alive + gone) / 2
            if abs(float(df(np.float64(middle)))) < DEAD:
                gone = middle
            else:
                alive = middle
        return 0.0 if abs(gone) < 1e-9 else gone

    found: list[tuple[float, float]] = []
    start = at[0] if dead[0] else None
    for i in range(1, cells + 1):
        if dead[i] and start is None:
            start = edge(at[i - 1], at[i])
        if not dead[i] and start is not None:
            found.append((start, edge(at[i], at[i - 1])))
            start = None
    return found if start is None else [*found, (start, at[-1])]


def dead_text(intervals: list[tuple[float, float]], df: Scalar) -> str:
    """The intervals in words: z < −4.585 or z > 4.585."""

    def sign(at: float, strict: str, loose: str) -> str:
        return loose if at == 0 and abs(df(0.0)) < DEAD else strict

    parts = []
    for low, high in intervals:
        if low == -REACH and high == REACH:
            return "everywhere"
        if low == -REACH:
            parts.append(f"z\u00a0{sign(high, '<', '≤')}\u00a0{short(high)}")
        elif high == REACH:
            parts.append(f"z\u00a0{sign(low, '>', '≥')}\u00a0{short(low)}")
        else:
            parts.append(f"{short(low)} < z < {short(high)}")
    return " or ".join(parts) or "nowhere"


@lru_cache(maxsize=64)
def named_curve(name: str, alpha: float) -> Curve:
    """The curve of an activation of `mlp_lib`."""
    known = reference.ACTIVATIONS[name]
    options = {"alpha": alpha} if name == "leaky_relu" else {}
    f: Callable[[Any], Any] = partial(getattr(reference, name), **options)
    df: Callable[[Any], Any] = partial(getattr(reference, f"d_{name}"), **options)
    z = np.array(GRID)
    return Curve(
        label=LABELS[known.name],
        f=lambda v: float(f(np.float64(v))),
        df=lambda v: float(df(np.float64(v))),
        measured=lambda v: float((f(np.float64(v + H)) - f(np.float64(v - H))) / (2 * H)),
        jump=JUMPS.get(name, {}),
        f_grid=f(z).tolist(),
        df_grid=df(z).tolist(),
        dead=dead_intervals(df),
    )


def own_curve(own: Mapping[str, Any]) -> Curve:
    """The curve of the reader's own functions, from their values on the grid."""

    def between(values: list[float]) -> Callable[[Any], Any]:
        def value(z: Any) -> Any:
            place = np.clip((z - GRID[0]) / CELL, 0, len(values) - 1)
            i = np.minimum(np.floor(place + 1e-9), len(values) - 2).astype(int)
            share = np.maximum(0, place - i)
            array = np.asarray(values)
            return array[i] + np.where(share < 1e-9, 0, share * (array[i + 1] - array[i]))

        return value

    f, df, measured = (between(own[key]) for key in ("f", "df", "measured"))
    return Curve(
        label="yours",
        f=lambda v: float(f(np.float64(v))),
        df=lambda v: float(df(np.float64(v))),
        measured=lambda v: float(measured(np.float64(v))),
        jump={},
        f_grid=list(own["f"]),
        df_grid=list(own["df"]),
        dead=dead_intervals(df),
    )


def first_difference(own: Curve, right: Curve) -> tuple[str, float, float, float] | None:
    """Where the reader's function first leaves the reference: (f or df, z, got, expected)."""
    for which in ("f", "df"):
        got, expected = getattr(own, f"{which}_grid"), getattr(right, f"{which}_grid")
        for z, a, b in zip(GRID, got, expected, strict=True):
            if not abs(a - b) <= 1e-6 * max(1.0, abs(b)):
                return which, z, a, b
    return None


def _line(axes: Axes, curve: Curve, which: str) -> str:
    points: list[tuple[float, float] | None] = []
    for z, value in zip(GRID[::2], getattr(curve, f"{which}_grid")[::2], strict=True):
        points.append((axes.x(z), axes.y(value)))
        if z == 0 and which in curve.jump:
            points += [None, (axes.x(z), axes.y(curve.jump[which]))]
    return path(points)


def _label(axes: Axes, curve: Curve, which: str, second: bool) -> dict[str, str]:
    """The name of a curve, beside its right end (first curve) or its left end (second)."""
    low, high = axes.y_range
    room = 0.08 * (high - low)
    places = range(8, 233) if second else range(232, 7, -1)
    values = getattr(curve, f"{which}_grid")
    i = next((k for k in places if low + room <= values[k] <= high - room), places[0])
    x, y = axes.x(GRID[i]), axes.y(values[i])
    if i == places[0]:
        below = which == "f" and not second  # where tangents seldom go
        return _text(x, y + 18 if below else y - 8, "start" if second else "end", curve.label)
    return _text(*((x + 10, y + 12, "start") if second else (x - 10, y + 4, "end")), curve.label)


def _text(x: float, y: float, anchor: str, text: str) -> dict[str, str]:
    return {"x": coordinate(x), "y": coordinate(y), "text-anchor": anchor, "text": text}


def _bands(axes: Axes, curve: Curve) -> str:
    edges = [(axes.x(max(low, -6)), axes.x(min(high, 6))) for low, high in curve.dead]
    return "".join(
        f"M{coordinate(a)} 0V{coordinate(axes.height)}H{coordinate(b)}V0Z"
        for a, b in edges
        if b > a
    )


def _strip(axes: Axes, curve: Curve, y: float) -> str:
    edges = [(axes.x(max(low, -6)), axes.x(min(high, 6))) for low, high in curve.dead]
    return "".join(f"M{coordinate(a)} {coordinate(y)}H{coordinate(b)}" for a, b in edges if b > a)


def _log_product(factor: float, depth: int) -> float:
    """log₁₀ |factor|^depth, bounded so that it can be drawn."""
    size = abs(factor)
    exponent = depth * math.log10(size) if size > 0 else -math.inf
    return max(-99.0, min(99.0, exponent)) if depth else 0.0


EMPTY = {"text": ""}


class Activations(Figure):
    """Every activation of `mlp_lib` with its slope, two at a time.

    activation, compare: names from `mlp_lib.activations.ACTIVATIONS` (compare may be "none").
    alpha: the slope of leaky ReLU for z < 0. z: the pre-activation where the tangent touches.
    w, depth: weight and number of layers of the product (w·f′(z))^depth.
    own=(f, df): your functions of an array z, drawn as the second curve beside the reference, with
    a mark where they first leave it:

        Activations("tanh", own=(my_tanh, my_d_tanh))
    """

    name: ClassVar[str] = "activations"
    title: ClassVar[str] = "Activation functions and their slopes"

    activation = traitlets.Enum(list(LABELS), "sigmoid").tag(sync=True)
    compare = traitlets.Enum(["none", "own", *LABELS], "tanh").tag(sync=True)
    alpha = traitlets.Float(0.01, min=0.0, max=0.99).tag(sync=True)
    z = traitlets.Float(1.5, min=-6.0, max=6.0).tag(sync=True)
    w = traitlets.Float(1.0, min=-3.0, max=3.0).tag(sync=True)
    depth = traitlets.Int(10, min=1, max=20).tag(sync=True)
    own = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        activation: str = "sigmoid",
        compare: str | None = None,
        *,
        own: tuple[Callable[[Any], Any], Callable[[Any], Any]] | None = None,
        **traits: Any,
    ) -> None:
        if own is not None:
            traits["own"] = _sample(*own)
        second = compare or ("own" if own else "tanh")
        super().__init__(activation=activation, compare=second, **traits)

    @traitlets.validate("compare")
    def _own_needs_functions(self, proposal: Any) -> Any:
        if proposal["value"] == "own" and not self.own:
            raise traitlets.TraitError("compare='own': expected own=(f, df), got no functions")
        return proposal["value"]

    def curves(self) -> tuple[Curve, Curve | None]:
        """The two functions of the picture."""
        first = named_curve(self.activation, self.alpha)
        if self.compare == "none" or self.compare == self.activation:
            return first, None
        if self.compare == "own":
            return first, own_curve(self.own)
        return first, named_curve(self.compare, self.alpha)

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in activations.js."""
        first, second = self.curves()
        marks: Marks = {}
        for key, curve in (("a", first), ("b", second)):
            self._mark_curve(marks, key, curve)
            self._mark_product(marks, key, curve, second if key == "a" else first)
        guide = {f"guide-{name}": axes for name, axes in (("f", F_AXES), ("df", DF_AXES))}
        for name, axes in guide.items():
            marks[name] = {"d": f"M{coordinate(axes.x(self.z))} 0V{coordinate(axes.height)}"}
        marks["at"] = {"text": f"z\u00a0=\u00a0{short(self.z)}"}
        marks["head-power"] = {"text": f"(w·f′){_superscript(self.depth)}"}

        wrong = first_difference(second, first) if second and self.compare == "own" else None
        for which, axes in (("f", F_AXES), ("df", DF_AXES)):
            at = ""
            if wrong is not None and wrong[0] == which:
                # at the edge where the point itself lies outside
                x = max(9.0, min(axes.width - 9, axes.x(wrong[1])))
                y = max(9.0, min(axes.height - 9, axes.y(wrong[2])))
                at = ring(x, y, 8)
            marks[f"wrong-{which}"] = {"d": at}
        return {
            "marks": marks,
            "values": {
                "alpha": short(self.alpha),
                "z": short(self.z),
                "w": short(self.w),
                "depth": str(self.depth),
            },
            "disabled": [] if "leaky_relu" in (self.activation, self.compare) else ["alpha"],
            "sentence": self._sentence(first, second, wrong),
        }

    def _mark_curve(self, marks: Marks, key: str, curve: Curve | None) -> None:
        for which, axes in (("f", F_AXES), ("df", DF_AXES)):
            names = [f"{part}-{which}-{key}" for part in ("line", "point", "label", "open", "shut")]
            line, point, label, hole, dot = names
            if curve is None:
                marks |= {line: {"d": ""}, point: {"d": ""}, label: EMPTY}
                marks |= {hole: {"d": ""}, dot: {"d": ""}, f"dead-{which}-{key}": {"d": ""}}
                continue
            value = (curve.f if which == "f" else curve.df)(self.z)
            marks[line] = {"d": _line(axes, curve, which)}
            marks[point] = {"d": ring(axes.x(self.z), axes.y(value), 4.5 if key == "a" else 6.5)}
            marks[label] = _label(axes, curve, which, key == "b")
            jumps = which in curve.jump
            marks[hole] = {"d": ring(axes.x(0), axes.y(curve.jump[which])) if jumps else ""}
            at_zero = (curve.f if which == "f" else curve.df)(0.0)
            marks[dot] = {"d": ring(axes.x(0), axes.y(at_zero)) if jumps else ""}
            marks[f"dead-{which}-{key}"] = {"d": _bands(axes, curve)}
        marks[f"strip-{key}"] = {
            "d": _strip(DF_AXES, curve, 210 if key == "a" else 204) if curve else ""
        }
        marks[f"head-{key}"] = {"text": curve.label if curve else "–"}
        if curve is None:
            marks[f"tangent-{key}"] = {"d": ""}
            marks |= {f"{row}-{key}": {"text": "–"} for row in ("f", "df", "measured", "dead")}
            return
        f, df = curve.f(self.z), curve.df(self.z)
        ends = [(F_AXES.x(self.z + t), F_AXES.y(f + t * df)) for t in (-2, 2)]
        marks[f"tangent-{key}"] = {"d": path(ends)}
        marks[f"f-{key}"] = {"text": number(f)}
        marks[f"df-{key}"] = {"text": number(df)}
        marks[f"measured-{key}"] = {"text": number(_tidy(curve.measured(self.z)))}
        marks[f"dead-{key}"] = {"text": dead_text(curve.dead, curve.df)}

    def _mark_product(
        self, marks: Marks, key: str, curve: Curve | None, other: Curve | None
    ) -> None:
        names = (f"product-{key}", f"dots-{key}", f"label-product-{key}", f"power-{key}")
        if curve is None:
            marks |= {names[0]: {"d": ""}, names[1]: {"d": ""}, names[2]: EMPTY}
            marks[names[3]] = {"text": "–"}
            return
        axes, factor = DEPTH_AXES, self.w * curve.df(self.z)
        heights = [axes.y(_log_product(factor, layer)) for layer in range(self.depth + 1)]
        marks[names[0]] = {"d": path([(axes.x(k), y) for k, y in enumerate(heights)])}
        marks[names[1]] = {
            "d": "".join(
                ring(axes.x(k), y, 2 if key == "a" else 3.5) for k, y in enumerate(heights)
            )
        }
        y = heights[-1]
        if other is not None:
            theirs = axes.y(_log_product(self.w * other.df(self.z), self.depth))
            upper = y < theirs or (y == theirs and key == "a")
            if abs(y - theirs) < 16:  # names that would touch move apart
                y = (y + theirs) / 2 + (-8 if upper else 8)
            y = max(9.0 if upper else 25.0, min(axes.height - (25 if upper else 9), y))
        y = max(9.0, min(axes.height - 9, y))
        marks[names[2]] = _text(axes.x(self.depth) + 8, y + 4, "start", curve.label)
        marks[names[3]] = {"text": number(_power(factor, self.depth))}

    def _sentence(
        self, first: Curve, second: Curve | None, wrong: tuple[str, float, float, float] | None
    ) -> str:
        def at(curve: Curve) -> str:
            f, df = number(curve.f(self.z)), number(curve.df(self.z))
            return f"{curve.label} gives f = {f} with slope f′ = {df}"

        def dies(curve: Curve) -> str:
            where = dead_text(curve.dead, curve.df)
            return f"{curve.label} {where if where.endswith('where') else f'for {where}'}"

        def left(curve: Curve) -> str:
            product = number(_power(self.w * curve.df(self.z), self.depth))
            return f"{product} for {curve.label}"

        both = [first] if second is None else [first, second]
        layers = "1 layer" if self.depth == 1 else f"{self.depth} layers"
        text = (
            f"At z = {short(self.z)}, {'; '.join(map(at, both))}. "
            f"The gradient dies (|f′| below {DEAD:g}): "
            f"{'; '.join(map(dies, both))}. "
            f"Through {layers} with w = {short(self.w)} it is multiplied by "
            f"{' and '.join(map(left, both))}."
        )
        if wrong is not None:
            which, z, got, expected = wrong
            text += (
                f" Yours first leaves {first.label} at z = {short(z)}: "
                f"{'f′' if which == 'df' else 'f'} = {number(got)}, expected {number(expected)}."
            )
        elif second is not None and self.compare == "own":
            text += f" Yours agrees with {first.label} everywhere in the picture."
        return text

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks = view["marks"]
        second = {"none": "nothing"} | ({"own": "yours"} if self.own else {}) | LABELS
        return (
            '<div class="lm-row lm-choose">'
            + select("activation", "Activation", LABELS, self.activation, "lm-is-a")
            + select("compare", "compared with", second, self.compare, "lm-is-b")
            + self._slider("alpha", "α of leaky ReLU", (0, 0.5, 0.01), view)
            + "</div>"
            + self._curves_picture(marks, "f", F_AXES, "f(z)", [-2, -1, 0, 1, 2, 3])
            + self._curves_picture(
                marks, "df", DF_AXES, "f′(z), shaded where |f′| &lt; 0.01", [0, 0.25, 0.5, 0.75, 1]
            )
            + f'<div class="lm-row lm-z">{self._slider("z", "z", (-6, 6, 0.05), view)}</div>'
            + self._product_picture(marks)
            + f'<div class="lm-side">{self._numbers(marks)}'
            + self._slider("w", "w", (-3, 3, 0.1), view)
            + self._slider("depth", "layers", (1, 20, 1), view)
            + "</div>"
        )

    def _slider(
        self, trait: str, label: str, limits: tuple[float, float, float], view: View
    ) -> str:
        spoken = {"z": "pre-activation z", "w": "weight w", "depth": "number of layers"}
        text, value = view["values"][trait], getattr(self, trait)
        return slider(trait, label, limits, value, text, name=spoken.get(trait))

    def _curves_picture(
        self, marks: Marks, which: str, axes: Axes, title: str, ticks: list[float]
    ) -> str:
        def both(part: str, class_: str, keys: str = "ab", **attributes: str) -> list[str]:
            return [
                mark("path", f"{part}-{key}", marks, class_=f"{class_} lm-{key}", **attributes)
                for key in keys
            ]

        content = both(f"dead-{which}", "lm-dead", fill_opacity="0.1")
        content.append(
            mark("path", f"guide-{which}", marks, class_="lm-guide", stroke="currentColor")
        )
        if which == "df":
            content += both("strip", "lm-strip", stroke="currentColor")
        # the dashed line over the solid one, the small point over the large: both show when equal
        content += [mark("path", f"line-{which}-{key}", marks, **_stroke(key)) for key in "ab"]
        if which == "f":
            content += both("tangent", "lm-tangent", stroke="currentColor")
        content += both(f"shut-{which}", "lm-dot")
        content += both(f"open-{which}", "lm-hole", fill="none", stroke="currentColor")
        content += both(f"point-{which}", "lm-point", "ba")
        content.append(
            mark(
                "path",
                f"wrong-{which}",
                marks,
                class_="lm-wrong",
                fill="none",
                stroke="currentColor",
            )
        )
        content += [
            mark("text", f"label-{which}-{key}", marks, class_=f"lm-label lm-{key}") for key in "ba"
        ]
        x_ticks = [(float(v), short(v)) for v in (-6, -4, -2, 0, 2, 4, 6)]
        scaffold = axes.scaffold(x_ticks, [(v, short(v)) for v in ticks], "z", title)
        label = "Graph of f over z" if which == "f" else "Graph of the slope f′ over z"
        return picture(
            350, 284, label, scaffold + axes.plot(which, "".join(content)), f"lm-{which}"
        )

    def _product_picture(self, marks: Marks) -> str:
        axes = DEPTH_AXES
        content = [mark("path", f"product-{key}", marks, **_stroke(key)) for key in "ab"]
        content += [mark("path", f"dots-{key}", marks, class_=f"lm-point lm-{key}") for key in "ba"]
        content += [
            mark("text", f"label-product-{key}", marks, class_=f"lm-label lm-{key}") for key in "ba"
        ]
        y_ticks = [(float(e), power(e) if e else "1") for e in range(-15, 10, 3)]
        scaffold = axes.scaffold(
            [(float(v), str(v)) for v in range(0, 21, 5)],
            y_ticks,
            "layers passed",
            "|w·f′(z)| multiplied over depth",
        )
        label = "Product of w times f′ over the number of layers, logarithmic"
        return picture(
            350, 260, label, scaffold + axes.plot("product", "".join(content)), "lm-product"
        )

    def _numbers(self, marks: Marks) -> str:
        def row(name: str, head: str) -> str:
            cells = "".join(mark("td", f"{name}-{key}", marks) for key in "ab")
            return f'<tr class="lm-row-{name}"><th scope="row">{head}</th>{cells}</tr>'

        heads = "".join(
            mark("th", f"head-{key}", marks, scope="col", class_=f"lm-{key}") for key in "ab"
        )
        last = mark("th", "head-power", marks, scope="row")
        cells = "".join(mark("td", f"power-{key}", marks) for key in "ab")
        return element(
            "table",
            {"class": "lm-numbers"},
            f"<thead><tr>{mark('th', 'at', marks, scope='col')}{heads}</tr></thead><tbody>"
            + row("f", "f(z)")
            + row("df", "f′(z)")
            + row("measured", "measured slope")
            + row("dead", "gradient dies")
            + f"<tr>{last}{cells}</tr></tbody>",
        )


def _stroke(key: str) -> dict[str, str]:
    dash = {"stroke_dasharray": "7 4"} if key == "b" else {}
    colour = "#0060a8" if key == "a" else "#b84a00"
    return {
        "class_": f"lm-line lm-{key}",
        "fill": "none",
        "stroke": colour,
        "stroke_width": "2.4",
    } | dash


def _superscript(count: int) -> str:
    return power(count)[2:]


def _tidy(x: float) -> float:
    """Rounding noise of a difference quotient is not shown as a number."""
    return 0.0 if abs(x) < 1e-9 else x


def _power(factor: float, depth: int) -> float:
    """factor^depth by repeated multiplication, as the backward pass does it."""
    product = 1.0
    for _ in range(depth):
        product *= factor
    return product


def _sample(f: Callable[[Any], Any], df: Callable[[Any], Any]) -> dict[str, list[float]]:
    """A reader's functions on the grid of the picture."""
    z = np.array(GRID)
    values = {"f": f(z.copy()), "df": df(z.copy()), "measured": (f(z + H) - f(z - H)) / (2 * H)}
    for name, value in values.items():
        if np.shape(value) != z.shape:
            raise ValueError(f"own {name}: expected shape {z.shape}, got {np.shape(value)}")
    return {name: [float(v) for v in value] for name, value in values.items()}
