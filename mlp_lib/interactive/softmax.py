"""Figure 3, Softmax: three scores as sigmoids, as softmax, and as the plain formula overflows."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import traitlets

from mlp_lib.activations import sigmoid
from mlp_lib.interactive.drawing import (
    Marks,
    button,
    coordinate,
    element,
    mark,
    number,
    picture,
    short,
    slider,
)
from mlp_lib.interactive.figure import Figure, View
from mlp_lib.softmax import softmax

KEYS = "abc"  # one colour per class
LEFT, WIDTH = 62, 198  # of the bars
ROWS = (34, 66, 98)
STACK = 164
PANELS = {
    "sigmoid": ("σ(u), each score on its own", "Bars of the three sigmoids and their sum"),
    "softmax": ("softmax(u)", "Bars of the three softmax probabilities and their sum"),
    "naive": (
        "e<tspan baseline-shift='super' font-size='10'>u</tspan> / Σ e<tspan "
        "baseline-shift='super' font-size='10'>u</tspan>, as the formula reads",
        "Bars of the softmax formula computed without subtracting the largest score",
    ),
}


def naive_softmax(u: Any) -> tuple[list[float], list[float]]:
    """e^u and e^u / Σ e^u in float64 as the formula reads: what not to write."""
    with np.errstate(all="ignore"):
        e = np.exp(np.asarray(u, dtype=np.float64))
        return e.tolist(), (e / e.sum()).tolist()


def _whole(x: float) -> float:
    """Rounding noise of a sum is not shown as a number."""
    return float(round(x)) if math.isfinite(x) and abs(x - round(x)) < 1e-12 else x


def _listed(values: list[float]) -> str:
    return ", ".join(number(_whole(v)) for v in values)


class Softmax(Figure):
    """Sigmoid and softmax of the same scores, with a shift and a temperature: u = (z + c)/T.

    scores: z, three numbers in [−6, 6]. shift: c. temperature: T.
    """

    name: ClassVar[str] = "softmax"
    title: ClassVar[str] = "Sigmoids and softmax of three scores"

    scores = traitlets.List(
        traitlets.Float(min=-6.0, max=6.0), [1.0, 3.0, -4.0], minlen=3, maxlen=3
    ).tag(sync=True)
    shift = traitlets.Float(0.0, min=-1000.0, max=1000.0).tag(sync=True)
    temperature = traitlets.Float(1.0, min=0.1, max=10.0).tag(sync=True)

    def u(self) -> list[float]:
        """What the units see: (z + c)/T."""
        return [(z + self.shift) / self.temperature for z in self.scores]

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in softmax.js."""
        u = self.u()
        e, naive = naive_softmax(u)
        shown = {
            "sigmoid": sigmoid(np.array(u)).tolist(),
            "softmax": softmax(np.array(u)).tolist(),
            "naive": naive,
        }
        marks: Marks = {}
        for panel, values in shown.items():
            start = 0.0
            for key, value in zip(KEYS, values, strict=True):
                known = 0.0 if math.isnan(value) else value
                marks[f"bar-{panel}-{key}"] = {"width": coordinate(known * WIDTH)}
                marks[f"value-{panel}-{key}"] = {"text": number(_whole(value))}
                marks[f"stack-{panel}-{key}"] = {
                    "x": coordinate(LEFT + start * WIDTH / 3),
                    "width": coordinate(known * WIDTH / 3),
                }
                start += known
            marks[f"total-{panel}"] = {"text": number(_whole(sum(values)))}
        for key, value, power in zip(KEYS, naive, e, strict=True):
            why = ("∞ / ∞" if math.isinf(power) else "0 / 0") if math.isnan(value) else ""
            marks[f"why-{key}"] = {"text": why}
        for key, at, power in zip(KEYS, u, e, strict=True):
            marks[f"u-{key}"] = {"text": number(at)}
            marks[f"e-{key}"] = {"text": number(power)}
        marks["e-total"] = {"text": number(sum(e))}
        return {
            "marks": marks,
            "values": {f"scores.{i}": short(z) for i, z in enumerate(self.scores)}
            | {"shift": short(self.shift), "temperature": short(self.temperature)},
            "disabled": [],
            "sentence": self._sentence(shown, e),
        }

    def _sentence(self, shown: dict[str, list[float]], e: list[float]) -> str:
        sums = {panel: number(_whole(sum(values))) for panel, values in shown.items()}
        if any(map(math.isinf, e)):
            plain = f"overflows, since float64 ends near e⁷⁰⁹, and gives {_listed(shown['naive'])}"
        elif sum(e) == 0:
            plain = "underflows: every power of e is 0, and 0/0 is nan"
        else:
            plain = "gives the same here"
        return (
            f"Scores {', '.join(map(short, self.scores))} with shift {short(self.shift)} and "
            f"temperature {short(self.temperature)}. "
            f"Sigmoids: {_listed(shown['sigmoid'])}, sum {sums['sigmoid']}. "
            f"Softmax: {_listed(shown['softmax'])}, sum {sums['softmax']}. "
            f"The formula without subtracting the largest score {plain}."
        )

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        values = view["values"]
        sliders = [
            slider(
                "scores",
                f'<i class="lm-key lm-{key}"></i>z{sub}',
                (-6, 6, 0.1),
                self.scores[i],
                values[f"scores.{i}"],
                index=i,
                name=f"score of class {i + 1}",
            )
            for i, (key, sub) in enumerate(zip(KEYS, "₁₂₃", strict=True))
        ]
        shift = slider(
            "shift", "shift c", (-1000, 1000, 1), self.shift, values["shift"], name="shift c"
        )
        presets = "".join(
            button("shift", c, short(c), self.shift, name=f"c = {short(c)}")
            for c in (0, 100, 1000, -1000)
        )
        temperature = slider(
            "temperature", "temperature T", (0.1, 10, 0.1), self.temperature, values["temperature"]
        )
        return (
            f'<div class="lm-row lm-scores">{"".join(sliders)}</div>'
            f'<div class="lm-row lm-scores lm-tune">{shift}{temperature}'
            f'<div class="lm-row lm-presets"><span>c =</span>{presets}</div></div>'
            + "".join(self._panel(view["marks"], panel) for panel in PANELS)
            + f'<div class="lm-side">{self._numbers(view["marks"])}</div>'
        )

    def _panel(self, marks: Marks, panel: str) -> str:
        title, label = PANELS[panel]
        half, right = LEFT + WIDTH // 2, LEFT + WIDTH
        grid = "".join(f'<path d="M{x} 28V126"/>' for x in (LEFT, half, right))
        ticks = "".join(
            f'<text x="{x}" y="141">{text}</text>'
            for x, text in ((LEFT, "0"), (half, "0.5"), (right, "1"))
        )
        stack = "".join(f'<path d="M{LEFT + k * WIDTH // 3} {STACK - 6}v28"/>' for k in (0, 2, 3))
        one = LEFT + WIDTH // 3
        ends = "".join(
            f'<text x="{LEFT + k * WIDTH // 3}" y="{STACK + 37}">{k}</text>' for k in range(4)
        )
        parts = [
            f'<text class="lm-title" x="0" y="16" font-weight="600">{title}</text>',
            f'<g class="lm-grid" fill="none" stroke="#8884">{grid}{stack}</g>',
            f'<g class="lm-ticks" text-anchor="middle" font-size="13">{ticks}{ends}</g>',
        ]
        for i, (key, y) in enumerate(zip(KEYS, ROWS, strict=True)):
            parts.append(f'<text x="0" y="{y + 16}">class {i + 1}</text>')
            place = {"x": f"{LEFT}", "y": f"{y}", "height": "22"}
            parts.append(mark("rect", f"bar-{panel}-{key}", marks, class_=f"lm-{key}", **place))
            at = {"x": f"{right + 10}", "y": f"{y + 16}"}
            parts.append(mark("text", f"value-{panel}-{key}", marks, **at))
            if panel == "naive":
                at = {"x": f"{LEFT + 8}", "y": f"{y + 16}"}
                parts.append(mark("text", f"why-{key}", marks, class_="lm-why", **at))
        parts.append(f'<text x="0" y="{STACK + 13}">sum</text>')
        for key in KEYS:
            place = {"y": f"{STACK}", "height": "16"}
            name = f"stack-{panel}-{key}"
            parts.append(mark("rect", name, marks, class_=f"lm-stack lm-{key}", **place))
        at = {"x": f"{right + 10}", "y": f"{STACK + 13}", "font_weight": "600"}
        parts.append(mark("text", f"total-{panel}", marks, **at))
        parts.append(f'<path class="lm-one" stroke="currentColor" d="M{one} {STACK - 6}v28"/>')
        return picture(350, 206, label, "".join(parts), f"lm-{panel}")

    def _numbers(self, marks: Marks) -> str:
        rows = "".join(
            f'<tr><th scope="row">class {i + 1}</th>{mark("td", f"u-{key}", marks)}'
            f"{mark('td', f'e-{key}', marks)}</tr>"
            for i, key in enumerate(KEYS)
        )
        return element(
            "table",
            {"class": "lm-numbers"},
            "<caption>float64 holds no power of e above e<sup>709.78</sup> = 1.80×10³⁰⁸; "
            "below e<sup>−745.1</sup> it has only 0.</caption>"
            '<thead><tr><th scope="col">float64</th><th scope="col">u = (z + c)/T</th>'
            '<th scope="col">e<sup>u</sup></th></tr></thead>'
            f'<tbody>{rows}<tr><th scope="row">sum</th><td>–</td>{mark("td", "e-total", marks)}'
            "</tr></tbody>",
        )
