"""Figure 2, Perceptron: the learning rule on AND, OR, NOR, XOR or your own targets, update by
update, with a fifth point to place."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import traitlets

from mlp_lib.interactive.drawing import (
    Axes,
    Marks,
    act,
    button,
    coordinate,
    element,
    mark,
    path,
    picture,
    ring,
    select,
    short,
    slider,
)
from mlp_lib.interactive.figure import Figure, View
from mlp_lib.perceptron import perceptron_predict, perceptron_train

CORNERS = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
NAMES = ("00", "10", "01", "11", "the fifth point")
PRESETS = {
    "AND": [-1, -1, -1, 1],
    "OR": [-1, 1, 1, 1],
    "NOR": [1, -1, -1, -1],
    "XOR": [-1, 1, 1, -1],
}
MOST = 48  # updates
ROWS = 5  # of the table
LOW, HIGH = -0.75, 1.75
PLANE = Axes(34, 30, 290, 290, (LOW, HIGH), (LOW, HIGH))
HISTORY = Axes(34, 30, 306, 290, (0, 1.1), (-1, 1))
WEIGHTS = {"a": "b", "b": "w₁", "c": "w₂"}
DASHES = {"a": "", "b": "7 4", "c": "2 3"}

Weights = list[float]


def train(X: Any, y: Any, most: int) -> list[Weights]:
    """The weights before the first update and after each one, at most `most` of them."""
    found = [[0.0, 0.0, 0.0]]
    while len(found) <= most:
        w, updates, _ = perceptron_train(X, y, max_updates=1, w0=found[-1])
        if not updates:
            break
        found.append(w.tolist())
    return found


def mistakes(X: Any, y: Any, w: Weights) -> list[int]:
    """The examples that w gets wrong."""
    return np.flatnonzero(perceptron_predict(X, w) != np.asarray(y)).tolist()


def _score(w: Weights, x: list[float]) -> float:
    return w[0] + w[1] * x[0] + w[2] * x[1]


def _vector(w: Weights) -> str:
    return f"({', '.join(map(short, w))})"


def _signed(v: float) -> str:
    return f"+{short(v)}" if v > 0 else short(v)


def equation(w: Weights) -> str:
    """The line w·x = 0 as one writes it: −3 + x₁ + 2x₂ = 0."""
    text = short(w[0]) if w[0] else ""
    for value, name in zip(w[1:], ("x₁", "x₂"), strict=True):
        if value:
            size = "" if abs(value) == 1 else short(abs(value))
            sign = "−" if value < 0 else "+" if text else ""
            text += (f" {sign} " if text else sign) + size + name
    return f"{text} = 0"


class Perceptron(Figure):
    """The perceptron learns four targets, one update at a time.

    targets: −1 or +1 for 00, 10, 01, 11. updates: how many are done.
    extra: "none", or the class "1" or "-1" of a fifth example at `place`.
    """

    name: ClassVar[str] = "perceptron"
    title: ClassVar[str] = "The perceptron learns from its mistakes"

    targets = traitlets.List(traitlets.Enum([-1, 1]), PRESETS["AND"], minlen=4, maxlen=4).tag(
        sync=True
    )
    updates = traitlets.Int(3, min=0, max=MOST).tag(sync=True)
    extra = traitlets.Enum(["none", "1", "-1"], "none").tag(sync=True)
    place = traitlets.List(traitlets.Float(min=-0.5, max=1.5), [0.5, 0.5], minlen=2, maxlen=2).tag(
        sync=True
    )

    def examples(self) -> tuple[list[list[float]], list[float]]:
        """The points and their classes, −1 or +1."""
        X, y = list(CORNERS), [float(t) for t in self.targets]
        if self.extra != "none":
            X, y = [*X, list(self.place)], [*y, float(self.extra)]
        return X, y

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in perceptron.js."""
        X, y = self.examples()
        found = train(X, y, self.updates)
        wrong = mistakes(X, y, found[-1])
        marks: Marks = {}
        _mark_plane(marks, X, y, found, wrong)
        before = max((k for k, w in enumerate(found[:-1]) if w == found[-1]), default=None)
        _mark_history(marks, found, before)
        marks["rows"] = {"html": _rows(X, y, found)}
        return {
            "marks": marks,
            "values": {"updates": str(self.updates)}
            | {f"place.{j}": short(v) for j, v in enumerate(self.place)},
            "disabled": [],
            "sentence": self._sentence(X, y, found, wrong, before),
        }

    def _sentence(
        self,
        X: list[list[float]],
        y: list[float],
        found: list[Weights],
        wrong: list[int],
        before: int | None,
    ) -> str:
        w, done = found[-1], len(found) - 1
        name = next((n for n, t in PRESETS.items() if t == self.targets), "Your own")
        line = f"the line is {equation(w)}"
        if not w[1] and not w[2]:
            line = f"no line, since the score is {short(w[0])} everywhere"
        fifth = ""
        if self.extra != "none":
            at = ", ".join(map(short, self.place))
            fifth = f" and {_signed(y[4])} for the fifth point at ({at})"
        text = (
            f"{name}: targets {', '.join(map(_signed, y[:4]))} for 00, 10, 01, 11{fifth}. "
            f"After {done} {'update' if done == 1 else 'updates'} w = {_vector(w)}; {line}. "
        )
        if not wrong:
            return f"{text}No example is wrong: the algorithm has stopped."
        i = wrong[0]
        z = _score(w, X[i])
        text += (
            f"Wrong: {', '.join(NAMES[k] for k in wrong)}. Next in turn is {NAMES[i]}, with "
            f"w·x = {short(z)} but y = {_signed(y[i])}."
        )
        if before is not None:
            text += (
                f" The same weights were there after {before}: it goes round in a circle of "
                f"{done - before} updates and never stops."
            )
        return text

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values = view["marks"], view["values"]
        presets = "".join(button("targets", t, name, self.targets) for name, t in PRESETS.items())
        flips = "".join(act(f"flip{i}", NAMES[i], name=f"flip {NAMES[i]}") for i in range(4))
        steps = slider("updates", "updates", (0, MOST, 1), self.updates, values["updates"])
        places = "".join(
            slider(
                "place",
                f"at x{'₁₂'[j]}",
                (-0.5, 1.5, 0.25),
                self.place[j],
                values[f"place.{j}"],
                index=j,
                name=f"fifth point at x{'₁₂'[j]}",
            )
            for j in range(2)
        )
        fifth = select(
            "extra", "fifth point", {"none": "none", "1": "class +1", "-1": "class −1"}, self.extra
        )
        return (
            f'<div class="lm-row lm-wide"><div class="lm-row lm-tight">{presets}</div>'
            f'<div class="lm-row lm-tight"><span>change the class of</span>{flips}</div></div>'
            f'<div class="lm-row lm-wide">{steps}<div class="lm-row lm-tight">'
            + act("next", "next update")
            + act("run", "run", pace=600)
            + act("reset", "start again")
            + f'</div></div><div class="lm-row lm-wide">{fifth}{places}</div>'
            + self._plane(marks)
            + self._history(marks)
            + f'<div class="lm-wide">{self._table(marks)}</div>'
        )

    def _plane(self, marks: Marks) -> str:
        ticks = [(v / 2, short(v / 2)) for v in range(-1, 4)]
        none = {"fill": "none"}
        content = (
            mark("path", "side", marks, class_="lm-positive lm-c", fill_opacity="0.13")
            + mark("path", "before", marks, class_="lm-guide", **none)
            + mark("path", "line", marks, class_="lm-line lm-c", stroke="#00705a", **none)
            + mark("path", "arrow", marks, class_="lm-normal lm-c", stroke="#00705a", **none)
            + mark("path", "minus", marks, class_="lm-point lm-b")
            + mark("path", "plus", marks, class_="lm-point lm-a")
            + mark("path", "wrong", marks, class_="lm-wrong", stroke="currentColor", **none)
            + mark("path", "turn", marks, class_="lm-turn", stroke="currentColor", **none)
        )
        names = "".join(
            f'<text class="lm-label" x="{coordinate(PLANE.x(x[0]) + 12)}" '
            f'y="{coordinate(PLANE.y(x[1]) - 12)}">{name}</text>'
            for x, name in zip(CORNERS, NAMES, strict=False)
        )
        scaffold = PLANE.scaffold(ticks, ticks, "x₁", "shaded: ŷ = +1, at and beyond the line")
        names += mark("text", "fifth", marks, class_="lm-label", text_anchor="middle")
        plot = PLANE.plot("plane", content + names)
        scaffold += f'<g class="lm-ticks"><text x="4" y="{PLANE.top + 8:g}">x₂</text></g>'
        label = "The examples in the plane, the line where the score is 0, and the mistakes"
        return picture(350, 366, label, scaffold + plot, "lm-plane")

    def _history(self, marks: Marks) -> str:
        levels = [(v / 2, mark("tspan", f"level-{v + 2}", marks)) for v in range(-2, 3)]
        content = mark("path", "circle", marks, class_="lm-circle", fill="none")
        for key in WEIGHTS:
            dash = {"stroke_dasharray": DASHES[key]} if DASHES[key] else {}
            look = {"class_": f"lm-line lm-{key}", "fill": "none", "stroke": "#666"} | dash
            content += mark("path", f"path-{key}", marks, **look)
        for key in WEIGHTS:
            dot = f"lm-dot lm-{key}"
            content += mark("path", f"now-{key}", marks, class_=dot)
            content += mark("text", f"name-{key}", marks, class_=f"lm-label lm-{key}")
        ticks = [(k / 4, mark("tspan", f"tick-{k}", marks)) for k in range(5)]
        scaffold = HISTORY.scaffold(ticks, levels, "updates", "History of w = (b, w₁, w₂)")
        label = "The bias and the two weights over the updates"
        return picture(350, 366, label, scaffold + HISTORY.plot("history", content), "lm-history")

    def _table(self, marks: Marks) -> str:
        heads = ("step", "w before", "first mistake", "w·x", "y", "w after")
        head = "".join(f'<th scope="col">{text}</th>' for text in heads)
        return element(
            "table",
            {"class": "lm-numbers"},
            f"<thead><tr>{head}</tr></thead>{mark('tbody', 'rows', marks)}",
        )


def _mark_plane(
    marks: Marks, X: list[list[float]], y: list[float], found: list[Weights], wrong: list[int]
) -> None:
    def at(x: list[float]) -> tuple[float, float]:
        return PLANE.x(x[0]), PLANE.y(x[1])

    w = found[-1]
    side, line = _half_plane(w)
    marks["side"] = {"d": side}
    marks["line"] = {"d": line}
    marks["before"] = {"d": _half_plane(found[-2])[1] if len(found) > 1 else ""}
    size = math.hypot(w[1], w[2])
    marks["arrow"] = {"d": ""}
    if size:
        # from the point of the line nearest to the middle of the four, towards the positive side
        ahead = _score(w, [0.5, 0.5]) / size**2
        x, y0 = at([0.5 - ahead * w[1], 0.5 - ahead * w[2]])
        dx, dy = 34 * w[1] / size, -34 * w[2] / size
        tip = (x + dx, y0 + dy)
        barbs = [
            (tip[0] - 0.25 * dx + s * 0.18 * dy, tip[1] - 0.25 * dy - s * 0.18 * dx)
            for s in (1, -1)
        ]
        marks["arrow"] = {"d": path([(x, y0), tip, None, barbs[0], tip, barbs[1]])}
    marks["plus"] = {"d": "".join(ring(*at(x), 7) for x, t in zip(X, y, strict=True) if t > 0)}
    squares = [at(x) for x, t in zip(X, y, strict=True) if t < 0]
    marks["minus"] = {
        "d": "".join(f"M{coordinate(a - 6)} {coordinate(b - 6)}h12v12h-12Z" for a, b in squares)
    }
    fifth = at(X[4]) if len(X) > 4 else (0.0, 0.0)
    marks["fifth"] = {
        "x": coordinate(fifth[0]),
        "y": coordinate(fifth[1] + 26),
        "text": "5th" if len(X) > 4 else "",
    }
    marks["wrong"] = {"d": "".join(ring(*at(X[i]), 12) for i in wrong[1:])}
    marks["turn"] = {"d": ring(*at(X[wrong[0]]), 12) if wrong else ""}


def _half_plane(w: Weights) -> tuple[str, str]:
    """The part of the picture where the score is not negative, and the line where it is 0."""
    corners = [[LOW, LOW], [HIGH, LOW], [HIGH, HIGH], [LOW, HIGH]]
    kept: list[tuple[float, float] | None] = []
    cuts: list[tuple[float, float] | None] = []
    for k, end in enumerate(corners):
        start = corners[k - 1]
        first, last = _score(w, start), _score(w, end)
        if (first >= 0) != (last >= 0):
            share = first / (first - last)
            cut = [a + share * (b - a) for a, b in zip(start, end, strict=True)]
            cuts.append((PLANE.x(cut[0]), PLANE.y(cut[1])))
            kept.append(cuts[-1])
        if last >= 0:
            kept.append((PLANE.x(end[0]), PLANE.y(end[1])))
    return path(kept) + ("Z" if kept else ""), path(cuts)


def _mark_history(marks: Marks, found: list[Weights], before: int | None) -> None:
    limit = 4
    while limit < max(abs(v) for w in found for v in w):
        limit *= 2
    for k in range(5):
        marks[f"level-{k}"] = {"text": short((k - 2) * limit / 2)}
    last = len(found) - 1
    ends = {}
    span = 12
    while span < last:
        span *= 2
    for k in range(5):
        marks[f"tick-{k}"] = {"text": str(k * span // 4)}
    for j, key in enumerate(WEIGHTS):
        points = [(HISTORY.x(k / span), HISTORY.y(w[j] / limit)) for k, w in enumerate(found)]
        ends[key] = points[-1][1]
        marks[f"path-{key}"] = {"d": path(points)}
        marks[f"now-{key}"] = {"d": ring(*points[-1], (3, 5, 7)[j])}
    lowest = -99.0
    for key in sorted(ends, key=lambda key: ends[key]):  # names that would touch move apart
        lowest = max(lowest + 16, ends[key])
        marks[f"name-{key}"] = {
            "x": coordinate(HISTORY.x(last / span) + 10),
            "y": coordinate(lowest + 5),
            "text": WEIGHTS[key],
        }
    marks["circle"] = {"d": ""}
    if before is not None:
        edges = coordinate(HISTORY.x(before / span)), coordinate(HISTORY.x(last / span))
        bottom = coordinate(HISTORY.height)
        marks["circle"] = {"d": f"M{edges[0]} 0V{bottom}M{edges[1]} 0V{bottom}"}


def _rows(X: list[list[float]], y: list[float], found: list[Weights]) -> str:
    """The last updates, the newest below."""
    rows = []
    for k in range(max(1, len(found) - ROWS), max(1, len(found) - ROWS) + ROWS):
        cells = ["–"] * 5
        if k < len(found):
            w = found[k - 1]
            i = mistakes(X, y, w)[0]
            name = NAMES[i] if i < 4 else "fifth"
            cells = [_vector(w), name, short(_score(w, X[i])), _signed(y[i]), _vector(found[k])]
        rows.append(f'<tr><th scope="row">{k}</th><td>{"</td><td>".join(cells)}</td></tr>')
    return "".join(rows)
