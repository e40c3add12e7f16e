"""Figure 4, Losses: −ln p against (1 − p)², BCE as CCE of two classes, and a likelihood of four."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import traitlets

from mlp_lib.interactive.drawing import (
    Axes,
    Marks,
    button,
    coordinate,
    element,
    mark,
    number,
    path,
    picture,
    ring,
    short,
    slider,
)
from mlp_lib.interactive.figure import Figure, View
from mlp_lib.losses import EPS, accuracy, bce, cce, grad_bce, grad_mse, likelihood, mse, nll

KEYS = "abc"  # one colour per class
PENALTIES = Axes(26, 30, 316, 206, (0, 1), (0, 5))
REACH = 0.15  # of a tangent, to either side
LEFT, WIDTH, TOP, ROW = 26, 258, 34, 38  # of the bars
TRUE = (0, 1, 2, 0)  # the classes of the four pictures
# How each picture divides the rest among the classes, as in the lesson's table.
REST = ((0.0, 0.5, 0.5), (2 / 3, 0.0, 1 / 3), (1 / 3, 2 / 3, 0.0), (0.0, 0.5, 0.5))


def predictions(p: Any) -> tuple[list[list[float]], list[list[float]]]:
    """Four rows of three probabilities, with p for the true class, and the one-hot targets."""
    P, Y = [], []
    for pi, true, rest in zip(p, TRUE, REST, strict=True):
        P.append([pi if k == true else (1 - pi) * rest[k] for k in range(3)])
        Y.append([float(k == true) for k in range(3)])
    return P, Y


def _tidy(x: float) -> str:
    """As text, without the noise of the last digits, which two languages do not share."""
    return number(round(x, 12) if abs(x) < 1e5 else x)


class Losses(Figure):
    """What a prediction costs: −ln p and (1 − p)², one output and two, one example and four.

    yhat: the predicted probability of yes. y: 1 if it was yes, 0 if no.
    p: the probability that each of four predictions gave to its true class.
    """

    name: ClassVar[str] = "losses"
    title: ClassVar[str] = "Losses as probabilities of what happened"

    yhat = traitlets.Float(0.2, min=0.0, max=1.0).tag(sync=True)
    y = traitlets.Int(1, min=0, max=1).tag(sync=True)
    p = traitlets.List(
        traitlets.Float(min=0.0, max=1.0), [0.8, 0.7, 0.7, 0.6], minlen=4, maxlen=4
    ).tag(sync=True)

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in losses.js."""
        marks: Marks = {}
        said = self._mark_penalties(marks) + " " + self._mark_likelihood(marks)
        return {
            "marks": marks,
            "values": {"yhat": short(self.yhat)}
            | {f"p.{i}": short(p) for i, p in enumerate(self.p)},
            "disabled": [],
            "sentence": said,
        }

    def _mark_penalties(self, marks: Marks) -> str:
        p = self.yhat if self.y else 1 - self.yhat
        found = {
            "a": (bce([p], [1.0]), float(grad_bce([p], [1.0])[0])),
            "b": (mse([p], [1.0]), float(grad_mse([p], [1.0])[0])),
        }
        x = PENALTIES.x(p)
        marks["guide"] = {"d": f"M{coordinate(x)} 0V{coordinate(PENALTIES.height)}"}
        texts = {}
        for key, (value, slope) in found.items():
            ends = [(PENALTIES.x(p + t), PENALTIES.y(value + t * slope)) for t in (-REACH, REACH)]
            marks[f"tangent-{key}"] = {"d": path(ends)}
            marks[f"point-{key}"] = {
                "d": ring(x, max(5.0, PENALTIES.y(value)), 4.5 if key == "a" else 6.5)
            }
            name = "−ln p" if key == "a" else "(1 − p)²"
            texts[key] = f"{name} = {_tidy(value)}, slope {_tidy(slope)}"
            marks[f"says-{key}"] = {"text": texts[key]}

        two, targets = [self.yhat, 1 - self.yhat], [float(self.y), 1.0 - self.y]
        for k in range(2):
            marks[f"target-{k}"] = {"text": short(targets[k])}
            marks[f"yhat-{k}"] = {"text": short(two[k])}
            term = cce([two[k]], [1.0]) if targets[k] else 0.0
            marks[f"term-{k}"] = {"text": _tidy(term)}
        one = bce([self.yhat], [float(self.y)])
        both = cce(two, targets)
        marks["cce"] = {"text": _tidy(both)}
        marks["bce"] = {"text": _tidy(one)}
        clipped = " In the logarithm the code replaces 0 by 10⁻¹²." if p < EPS else ""
        return (
            f"The model said ŷ = {short(self.yhat)}, and y = {self.y} came true, to which it gave "
            f"p = {short(p)}: {texts['a']}; {texts['b']}.{clipped} "
            f"BCE of one output is {_tidy(one)}, CCE of two is {_tidy(both)}."
        )

    def _mark_likelihood(self, marks: Marks) -> str:
        P, Y = predictions(self.p)
        losses = cce(np.array(P), np.array(Y), per_example=True).tolist()
        hits = [int(accuracy(np.array([row]), np.array([y]))) for row, y in zip(P, Y, strict=True)]
        for i in range(4):
            start = 0.0
            for k, key in enumerate(KEYS):
                marks[f"bar-{i}-{key}"] = {
                    "x": coordinate(LEFT + start * WIDTH),
                    "width": coordinate(P[i][k] * WIDTH),
                }
                if k == TRUE[i]:
                    marks[f"true-{i}"] = dict(marks[f"bar-{i}-{key}"])
                start += P[i][k]
            marks[f"p-{i}"] = {"text": short(self.p[i])}
            marks[f"loss-{i}"] = {"text": _tidy(losses[i])}
            marks[f"product-{i}"] = {"text": _tidy(likelihood(P[: i + 1], Y[: i + 1]))}
            marks[f"sum-{i}"] = {"text": _tidy(nll(P[: i + 1], Y[: i + 1]))}
            marks[f"hit-{i}"] = {"text": "" if hits[i] else "✗"}
        all_four, mean, share = likelihood(P, Y), cce(P, Y), f"{sum(hits)} of 4"
        marks["bar-all"] = {"width": coordinate(all_four * WIDTH)}
        marks["all"] = {"text": _tidy(all_four)}
        marks["mean"] = {"text": _tidy(mean)}
        marks["accuracy"] = {"text": share}
        return (
            f"Four pictures with {', '.join(map(short, self.p))} for the true class: likelihood "
            f"{_tidy(all_four)}, minus its logarithm {_tidy(nll(P, Y))}, mean {_tidy(mean)}; "
            f"{share} classified correctly."
        )

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values = view["marks"], view["values"]
        targets = "".join(
            button("y", v, text, self.y) for v, text in ((1, "y = 1, yes"), (0, "y = 0, no"))
        )
        yhat = slider("yhat", "prediction ŷ", (0, 1, 0.01), self.yhat, values["yhat"])
        sliders = "".join(
            slider(
                "p",
                f"picture {i + 1}",
                (0.01, 1, 0.01),
                self.p[i],
                values[f"p.{i}"],
                index=i,
                name=f"probability of the true class of picture {i + 1}",
            )
            for i in range(4)
        )
        return (
            f'<div class="lm-row lm-wide">{yhat}<div class="lm-row">{targets}</div></div>'
            + self._penalties(marks)
            + f'<div class="lm-side">{self._two_classes(marks)}</div>'
            + f'<div class="lm-row lm-wide lm-four">{sliders}</div>'
            + self._bars(marks)
            + f'<div class="lm-side">{self._running(marks)}</div>'
        )

    def _penalties(self, marks: Marks) -> str:
        grid = [math.exp(-5 * (1 - i / 60)) for i in range(61)]
        curves = {
            "a": [(PENALTIES.x(p), PENALTIES.y(-math.log(p))) for p in grid],
            "b": [(PENALTIES.x(i / 40), PENALTIES.y((1 - i / 40) ** 2)) for i in range(41)],
        }
        content = [mark("path", "guide", marks, class_="lm-guide", fill="none")]
        for key, points in curves.items():
            colour = {"fill": "none", "stroke": "#0060a8" if key == "a" else "#b04400"}
            dash = {"stroke-dasharray": "7 4"} if key == "b" else {}
            look = {"class": f"lm-line lm-{key}", "d": path(points), "stroke-width": "2.4"}
            content.append(element("path", look | colour | dash))
            content.append(
                mark("path", f"tangent-{key}", marks, class_=f"lm-tangent lm-{key}", **colour)
            )
        for key, y in (("b", 50), ("a", 28)):
            place = {"x": "308", "y": f"{y}", "text_anchor": "end"}
            content.append(mark("text", f"says-{key}", marks, class_=f"lm-label lm-{key}", **place))
            content.append(mark("path", f"point-{key}", marks, class_=f"lm-point lm-{key}"))
        scaffold = PENALTIES.scaffold(
            [(v / 4, short(v / 4)) for v in range(5)],
            [(float(v), str(v)) for v in range(6)],
            "probability p of what came true",
            "Penalty",
        )
        label = "Graphs of minus ln p and of the squared difference over the probability p"
        return picture(
            350, 276, label, scaffold + PENALTIES.plot("p", "".join(content)), "lm-penalties"
        )

    def _two_classes(self, marks: Marks) -> str:
        def row(name: str, head: str) -> str:
            cells = "".join(mark("td", f"{name}-{k}", marks) for k in range(2))
            return f'<tr><th scope="row">{head}</th>{cells}</tr>'

        def total(name: str, head: str) -> str:
            cell = mark("td", name, marks, colspan="2", class_="lm-strong")
            return f'<tr><th scope="row">{head}</th>{cell}</tr>'

        return element(
            "table",
            {"class": "lm-numbers lm-two"},
            "<caption>One output with BCE is two outputs with CCE: where the target is 0, the "
            "term is 0 too.</caption>"
            '<thead><tr><th scope="col">two classes</th><th scope="col">yes</th>'
            '<th scope="col">no</th></tr></thead><tbody>'
            + row("target", "target y<sub>k</sub>")
            + row("yhat", "prediction ŷ<sub>k</sub>")
            + row("term", "−y<sub>k</sub> ln ŷ<sub>k</sub>")
            + total("cce", "CCE: their sum")
            + total("bce", "BCE: −y ln ŷ − (1−y) ln(1−ŷ)")
            + "</tbody>",
        )

    def _bars(self, marks: Marks) -> str:
        parts = [
            '<text class="lm-title" x="0" y="16" font-weight="600">'
            "Four predictions, the true class framed</text>"
        ]
        for i in range(4):
            y = TOP + i * ROW
            parts.append(f'<text x="0" y="{y + 17}">{i + 1}</text>')
            for key in KEYS:
                place = {"y": f"{y}", "height": "24", "class_": f"lm-share lm-{key}"}
                parts.append(mark("rect", f"bar-{i}-{key}", marks, **place))
            frame = {"class_": "lm-frame", "fill": "none", "stroke": "currentColor"}
            parts.append(mark("rect", f"true-{i}", marks, y=f"{y}", height="24", **frame))
            parts.append(mark("text", f"hit-{i}", marks, x=f"{LEFT + WIDTH + 6}", y=f"{y + 17}"))
            place = {"x": "350", "y": f"{y + 17}", "text_anchor": "end"}
            parts.append(mark("text", f"p-{i}", marks, **place))
        y = TOP + 4 * ROW
        parts.append(f'<text x="0" y="{y + 17}">ℒ</text>')
        at = {"x": f"{LEFT}", "y": f"{y}", "height": "24", "class_": "lm-all"}
        parts.append(mark("rect", "bar-all", marks, **at))
        strong = {"x": "350", "y": f"{y + 17}", "text_anchor": "end", "font_weight": "600"}
        parts.append(mark("text", "all", marks, **strong))
        edge = f'<path d="M{LEFT} {TOP - 6}V{y + 32}M{LEFT + WIDTH} {TOP - 6}V{y + 32}"/>'
        grid = f'<g class="lm-grid" fill="none" stroke="#8884">{edge}</g>'
        ends = (
            f'<text x="{LEFT}" y="{y + 47}">0</text><text x="{LEFT + WIDTH}" y="{y + 47}">1</text>'
        )
        for k, key in enumerate(KEYS):
            x = LEFT + k * 88
            ends += (
                f'<rect class="lm-share lm-{key}" x="{x}" y="{y + 58}" width="12" height="12"/>'
                f'<text x="{x + 44}" y="{y + 69}">class {k + 1}</text>'
            )
        ticks = f'<g class="lm-ticks" text-anchor="middle" font-size="13">{ends}</g>'
        label = "Bars of the four predictions and of the product of what they gave the true class"
        return picture(350, y + 76, label, grid + "".join(parts) + ticks, "lm-bars")

    def _running(self, marks: Marks) -> str:
        rows = ""
        for i in range(4):
            cells = "".join(mark("td", f"{n}-{i}", marks) for n in ("loss", "product", "sum"))
            rows += f'<tr><th scope="row">{i + 1}</th>{cells}</tr>'
        last = (
            f'<tr><th scope="row" colspan="3">mean of −ln p, CCE</th>'
            f"{mark('td', 'mean', marks, class_='lm-strong')}</tr>"
            f'<tr><th scope="row" colspan="3">classified correctly</th>'
            f"{mark('td', 'accuracy', marks, class_='lm-strong')}</tr>"
        )
        return element(
            "table",
            {"class": "lm-numbers"},
            '<thead><tr><th scope="col">picture</th><th scope="col">−ln p</th>'
            '<th scope="col">product so far</th><th scope="col">sum so far</th></tr></thead>'
            f"<tbody>{rows}{last}</tbody>",
        )
