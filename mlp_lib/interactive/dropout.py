"""Figure 15, Dropout: a new mask at every draw, and the mean over many of them."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import ClassVar

import numpy as np
import traitlets

from mlp_lib._types import Array
from mlp_lib.interactive.drawing import (
    Axes,
    Marks,
    act,
    counted,
    mark,
    path,
    picture,
    ring,
    select,
    short,
    slider,
    trimmed,
    value,
)
from mlp_lib.interactive.figure import Figure, View
from mlp_lib.regularisation import dropout_forward

WAYS = {
    "inverted": "A ⊙ M / keep",
    "unscaled": "A ⊙ M, not divided",
    "by_p": "A ⊙ M / p",
    "one_row": "A ⊙ M / keep, one row for all",
}
ROWS, UNITS, MOST = 4, 6, 2000
CELL, ROW, LEFT = 52, 23, 36
GRIDS = (("whole", 0), ("draw", 128), ("mean", 256))
PLOT = Axes(38, 30, 300, 176, (0, math.log10(MOST)), (0, 2))


def activations() -> Array:
    """What the layer says about four examples, (4, 6)."""
    return np.ceil(20 * np.random.default_rng(5).random((ROWS, UNITS))) / 10


@lru_cache(maxsize=8)
def masks(p: float, draws: int, way: str) -> Array:
    """The masks of so many draws, (draws, 4, 6)."""
    made = (np.random.default_rng(6).random((draws, ROWS, UNITS)) < 1 - p).astype(float)
    return np.repeat(made[:, :1], ROWS, axis=1) if way == "one_row" else made


def dropped(p: float, mask: Array, way: str) -> Array:
    """The layer after dropout, mask by mask (draws, 4, 6); for a right way by `mlp_lib`."""
    A = activations() * np.ones_like(mask)
    if way in ("unscaled", "by_p"):
        return A * mask / (p if way == "by_p" else 1.0)
    out, _ = dropout_forward(A.reshape(-1, UNITS), p, mask=mask.reshape(-1, UNITS))
    return out.reshape(mask.shape)


class Dropout(Figure):
    """A layer of six units and four examples, with a mask drawn anew again and again.

    p: the probability to silence a unit. draws: how many masks have been drawn. way: what is done
    with what is left, a key of WAYS. unit: whose mean is followed, in the first example.
    """

    name: ClassVar[str] = "dropout"
    title: ClassVar[str] = "Dropout, one mask after the other"

    p = traitlets.Float(0.2, min=0.05, max=0.9).tag(sync=True)
    draws = traitlets.Int(10, min=1, max=MOST).tag(sync=True)
    way = traitlets.Enum(list(WAYS), "inverted").tag(sync=True)
    unit = traitlets.Int(1, min=1, max=UNITS).tag(sync=True)

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in dropout.js."""
        A, all_masks = activations(), masks(self.p, self.draws, self.way)
        out = dropped(self.p, all_masks, self.way)
        mask, mean = all_masks[-1], out.mean(0)
        j, scale = (
            self.unit - 1,
            {"unscaled": 1.0, "by_p": 1 / self.p}.get(self.way, 1 / (1 - self.p)),
        )
        a = float(A[0, j])
        running = np.cumsum(out[:, 0, j]) / np.arange(1, self.draws + 1) / a
        stops = sorted({1, self.draws, *(n for k in range(111) if (n := _stop(k)) <= self.draws)})
        line = [(PLOT.x(math.log10(n)), PLOT.y(float(running[n - 1]))) for n in stops]
        expected, spread = scale * (1 - self.p), scale * math.sqrt(self.p * (1 - self.p))
        band = [
            [
                (PLOT.x(math.log10(n)), PLOT.y(expected + sign * 2 * spread / math.sqrt(n)))
                for n in (_stop(k) for k in range(111))
            ]
            for sign in (1, -1)
        ]
        silent, overall = int((mask == 0).sum()), float(mean.mean() / A.mean())
        x, y = line[-1]
        marks: Marks = {
            "whole": {"html": _grid(A, np.ones_like(A), j)},
            "draw": {"html": _grid(out[-1], mask, j)},
            "mean": {"html": _grid(mean, np.ones_like(A), j)},
            "draw-title": {"text": f"draw {self.draws}: kept ones times {trimmed(scale, 2)}"},
            "mean-title": {"text": f"mean over {counted(self.draws, 'draw')}"},
            "line": {"d": path(line)},
            "here": {"d": ring(x, max(5.0, min(PLOT.height - 5, y)), 5)},
            "band": {"d": "".join(map(path, band))},
        }
        shared = " The four examples share one row." if self.way == "one_row" else ""
        return {
            "marks": marks,
            "values": {
                "p": short(self.p),
                "draws": str(self.draws),
                "unit": str(self.unit),
            },
            "disabled": [],
            "sentence": (
                f"With p = {short(self.p)}, draw {self.draws} silences {silent} of {A.size} "
                f"activations and multiplies the others by {trimmed(scale, 3)}.{shared} Unit "
                f"{self.unit} of example 1 says {short(a)} at evaluation; its mean over "
                f"{counted(self.draws, 'draw')} is {value(float(mean[0, j]))}, expected "
                f"{value(a * expected)}. Over the whole layer the mean is "
                f"{value(overall)} times that of evaluation, expected "
                f"{trimmed(expected, 3)}."
            ),
        }

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values = view["marks"], view["values"]
        go = (
            slider("draws", "draws", (1, MOST, 1), self.draws, values["draws"])
            + act("next", "draw again")
            + act("play", "play", pace=180)
        )
        side = (
            slider("p", "p", (0.05, 0.9, 0.05), self.p, values["p"], name="probability p")
            + select("way", "out =", WAYS, self.way)
            + slider("unit", "unit", (1, UNITS, 1), self.unit, values["unit"])
        )
        return (
            f'<div class="lm-row lm-wide">{go}</div>'
            + self._grids(marks)
            + f'<div class="lm-side">{self._plot(marks)}{side}</div>'
        )

    def _grids(self, marks: Marks) -> str:
        titles = {
            "whole": '<text class="lm-title" y="14" font-weight="600">A, as at evaluation</text>',
            "draw": mark("text", "draw-title", marks, class_="lm-title", y="14", font_weight="600"),
            "mean": mark("text", "mean-title", marks, class_="lm-title", y="14", font_weight="600"),
        }
        rows = "".join(
            f'<text class="lm-quiet" x="0" y="{38.5 + ROW * i:g}">ex. {i + 1}</text>'
            for i in range(ROWS)
        )
        parts = "".join(
            f'<g transform="translate(0 {top})">{titles[name]}<g font-size="12">{rows}'
            + mark("g", name, marks, text_anchor="middle")
            + "</g></g>"
            for name, top in GRIDS
        )
        label = "Three tables of 4 examples by 6 units: the activations, one draw, the mean"
        return picture(350, 376, label, parts, "lm-grids")

    def _plot(self, marks: Marks) -> str:
        content = (
            mark("path", "band", marks, class_="lm-guide", fill="none", stroke="#7d8896")
            + f'<path class="lm-line lm-a" fill="none" stroke="#0060a8" d="M0 {PLOT.y(1):g}H300"/>'
            + mark("path", "line", marks, class_="lm-line lm-b", fill="none", stroke="#b04400")
            + mark("path", "here", marks, class_="lm-point lm-b", fill="#b04400")
        )
        scaffold = PLOT.scaffold(
            [(float(k), str(10**k)) for k in range(4)],
            [(v, short(v)) for v in (0.0, 0.5, 1.0, 1.5, 2.0)],
            "draws",
            "mean of the unit, as a share of a",
        )
        names = (
            f'<text class="lm-label lm-a" x="{PLOT.width - 4:g}" y="{PLOT.y(1) - 8:g}" '
            'text-anchor="end">evaluation</text>'
        )
        label = "Mean of one unit's output over the draws, beside its value at evaluation"
        return picture(350, 244, label, scaffold + PLOT.plot("mean", content + names))


def _stop(k: int) -> int:
    """Numbers of draws, evenly spread on the axis."""
    return round(10 ** (k * math.log10(MOST) / 110))


def _grid(values: Array, mask: Array, chosen: int) -> str:
    """The numbers of a layer, example by example."""
    out = ""
    for i in range(ROWS):
        for j in range(UNITS):
            v = float(f"{values[i, j]:.9g}")  # without rounding noise
            x, y = LEFT + CELL * j, 22 + ROW * i
            own = " lm-chosen" if (i, j) == (0, chosen) else ""
            place = f'x="{x + 1}" y="{y + 1}" width="{CELL - 2}" height="{ROW - 2}" rx="3"'
            if mask[i, j]:
                shade = trimmed(min(0.5, v / 8), 2)
                look = f'class="lm-cell{own}" fill="#0060a8" fill-opacity="{shade}"'
            else:
                look = f'class="lm-cell lm-gone{own}" fill="none"'
            out += (
                f"<rect {look} {place}/>"
                f'<text x="{x + CELL // 2}" y="{y + 16}">{trimmed(v, 2)}</text>'
            )
    return out
