"""Figure 6, OuterProduct: δaᵀ as a heat map between its two vectors, and its transposed twin."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import traitlets

from mlp_lib.delta import weight_grad
from mlp_lib.interactive.drawing import (
    Marks,
    button,
    element,
    mark,
    number,
    picture,
    short,
    slider,
)
from mlp_lib.interactive.figure import Figure, View

SUB = "₁₂₃"
LEFT, TOP = 98, 88  # of the first cell
WIDTH, HEIGHT = 84, 44  # of a cell
SIDE = (24, 62)  # left edge and width of the vector at the left
ABOVE = (46, 32)  # top edge and height of the vector above
TITLES = {"right": "outer(δ, a) = δaᵀ, like W", "twin": "outer(a, δ) = aδᵀ, transposed"}


def _listed(values: Any) -> str:
    return ", ".join(map(short, values))


class OuterProduct(Figure):
    """∂J/∂W = δaᵀ of one layer, entry by entry, beside the transposed matrix.

    delta: δ of the receivers. a: activations of the three senders. receivers: 2 or 3 of them.
    to, sender: the weight looked at, counted from 1.
    """

    name: ClassVar[str] = "outer"
    title: ClassVar[str] = "The gradient of the weights as an outer product"

    delta = traitlets.List(
        traitlets.Float(min=-1.0, max=1.0), [0.62, -0.35, 0.2], minlen=3, maxlen=3
    ).tag(sync=True)
    a = traitlets.List(
        traitlets.Float(min=-1.0, max=1.0), [0.82, 0.73, 0.05], minlen=3, maxlen=3
    ).tag(sync=True)
    receivers = traitlets.Int(2, min=2, max=3).tag(sync=True)
    to = traitlets.Int(2, min=1, max=3).tag(sync=True)
    sender = traitlets.Int(1, min=1, max=3).tag(sync=True)

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in outer.js."""
        n = self.receivers
        delta = self.delta[:n]
        to, sender = min(self.to, n), self.sender
        dW = weight_grad(delta, self.a)
        twin = dW.T
        marks: Marks = {}
        self._mark_panel(marks, "right", dW, ("δ", delta), ("a", self.a))
        self._mark_panel(marks, "twin", twin, ("a", self.a), ("δ", delta))
        w, product = f"w{SUB[to - 1]}{SUB[sender - 1]}", f"δ{SUB[to - 1]} · a{SUB[sender - 1]}"
        value = number(float(dW[to - 1, sender - 1]))
        filled = f"{short(delta[to - 1])} · {short(self.a[sender - 1])}"
        marks["says-right"] = {"text": f"∂J/∂{w} = {product} = {filled} = {value}"}
        there = f"at the place of {w} it has nothing, no column {sender}"
        if sender <= n:
            other = number(float(twin[to - 1, sender - 1]))
            there = f"at the place of {w} it has a{SUB[to - 1]} · δ{SUB[sender - 1]} = {other}"
        marks["says-twin"] = {"text": there[0].upper() + there[1:]}
        wrong = int((np.abs(twin - dW) > 1e-12).sum()) if n == 3 else 0
        if n == 2:
            verdict = "W − α · twin: ValueError, the shapes (2, 3) and (3, 2) do not fit."
        elif wrong:
            verdict = f"W − α · twin: no error message, and {wrong} of 9 weights go wrong."
        else:
            verdict = "W − α · twin: no error message, and by luck no difference."
        marks["verdict"] = {"text": verdict}
        return {
            "marks": marks,
            "values": {f"delta.{i}": short(v) for i, v in enumerate(self.delta)}
            | {f"a.{j}": short(v) for j, v in enumerate(self.a)}
            | {"to": str(to), "sender": str(sender)},
            "limits": {"to": (1, n, 1)},
            "disabled": [] if n == 3 else ["delta.2"],
            "sentence": (
                f"δ = ({_listed(delta)}), a = ({_listed(self.a)}). "
                f"∂J/∂W = δaᵀ has the shape {n}×3 of W: {_rows(dW)}. "
                f"To receiver {to} from sender {sender}: ∂J/∂{w} = {filled} = {value}. "
                f"The transposed twin has the shape 3×{n}; {there}. {verdict}"
            ),
        }

    def _mark_panel(
        self,
        marks: Marks,
        panel: str,
        grid: Any,
        left: tuple[str, list[float]],
        top: tuple[str, list[float]],
    ) -> None:
        to, sender = min(self.to, self.receivers), self.sender
        size = max(0.05, float(np.abs(grid).max()))
        for i in range(3):
            for key, (name, vector) in (("side", left), ("above", top)):
                known = i < len(vector)
                marks[f"{key}-{panel}-{i}"] = _ground(vector[i], 1.0) if known else GONE
                marks[f"{key}-name-{panel}-{i}"] = {"text": f"{name}{SUB[i]}" if known else ""}
                marks[f"{key}-value-{panel}-{i}"] = {"text": short(vector[i]) if known else ""}
            for j in range(3):
                known = i < grid.shape[0] and j < grid.shape[1]
                value = float(grid[i, j]) if known else 0.0
                marks[f"cell-{panel}-{i}{j}"] = _ground(value, size) if known else GONE
                marks[f"value-{panel}-{i}{j}"] = {"text": number(value) if known else ""}
        frame = source = ""
        if sender <= len(top[1]):
            x, y = LEFT + (sender - 1) * WIDTH, TOP + (to - 1) * HEIGHT
            frame = f"M{x} {y}h{WIDTH}v{HEIGHT}h-{WIDTH}Z"
            source = (
                f"M{SIDE[0]} {y}h{SIDE[1]}v{HEIGHT}h-{SIDE[1]}Z"
                f"M{x} {ABOVE[0]}h{WIDTH}v{ABOVE[1]}h-{WIDTH}Z"
            )
        marks[f"chosen-{panel}"] = {"d": frame}
        marks[f"from-{panel}"] = {"d": source}

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values = view["marks"], view["values"]
        rows = []
        for trait, label, name in (
            ("delta", "δ", "error δ of receiver"),
            ("a", "a", "activation of sender"),
        ):
            rows.append(
                '<div class="lm-row lm-wide lm-three">'
                + "".join(
                    slider(
                        trait,
                        f"{label}{SUB[i]}",
                        (-1, 1, 0.01),
                        getattr(self, trait)[i],
                        values[f"{trait}.{i}"],
                        index=i,
                        name=f"{name} {i + 1}",
                    )
                    for i in range(3)
                )
                + "</div>"
            )
        sizes = "".join(
            button("receivers", n, f"W is {n}×3", self.receivers, name=f"W is {n} by 3")
            for n in (2, 3)
        )
        look = slider(
            "to",
            "weight to",
            (1, self.receivers, 1),
            self.to,
            values["to"],
            name="weight to receiver",
        )
        look += slider(
            "sender",
            "weight from",
            (1, 3, 1),
            self.sender,
            values["sender"],
            name="weight from sender",
        )
        return (
            "".join(rows)
            + f'<div class="lm-row lm-wide"><div class="lm-row">{sizes}</div>'
            + f'<div class="lm-look">{look}</div></div>'
            + self._panel(marks, "right", mark("p", "says-right", marks))
            + self._panel(
                marks,
                "twin",
                mark("p", "says-twin", marks) + mark("p", "verdict", marks, class_="lm-strong"),
            )
        )

    def _panel(self, marks: Marks, panel: str, below: str) -> str:
        middle, end = {"text_anchor": "middle"}, {"text_anchor": "end"}
        parts = []

        def cell(name: str, shown: str, x: int, y: int, width: int, height: int) -> None:
            place = {"x": f"{x}", "y": f"{y}", "width": f"{width}", "height": f"{height}"}
            parts.append(mark("rect", name, marks, **place))
            at = {"x": f"{x + width // 2}", "y": f"{y + height // 2 + 5}"}
            parts.append(mark("text", shown, marks, **at, **middle))

        for i in range(3):
            y, x = TOP + i * HEIGHT, LEFT + i * WIDTH
            cell(f"side-{panel}-{i}", f"side-value-{panel}-{i}", SIDE[0], y, SIDE[1], HEIGHT)
            cell(f"above-{panel}-{i}", f"above-value-{panel}-{i}", x, ABOVE[0], WIDTH, ABOVE[1])
            at = {"x": f"{SIDE[0] - 5}", "y": f"{y + HEIGHT // 2 + 5}"}
            parts.append(mark("text", f"side-name-{panel}-{i}", marks, **at, **end))
            at = {"x": f"{x + WIDTH // 2}", "y": f"{ABOVE[0] - 6}"}
            parts.append(mark("text", f"above-name-{panel}-{i}", marks, **at, **middle))
            for j in range(3):
                place = (LEFT + j * WIDTH, y, WIDTH, HEIGHT)
                cell(f"cell-{panel}-{i}{j}", f"value-{panel}-{i}{j}", *place)
        frame = {"fill": "none", "stroke": "currentColor"}
        parts.append(mark("path", f"from-{panel}", marks, class_="lm-from", **frame))
        parts.append(mark("path", f"chosen-{panel}", marks, class_="lm-chosen", **frame))
        title = f'<text class="lm-title" x="0" y="16" font-weight="600">{TITLES[panel]}</text>'
        label = {
            "right": "Heat map of the outer product, δ at its left and a above it",
            "twin": "Heat map of the transposed matrix, a at its left and δ above it",
        }[panel]
        height = TOP + 3 * HEIGHT + 4
        drawn = picture(350, height, label, title + "".join(parts), f"lm-{panel}")
        return element("div", {"class": "lm-side"}, drawn + f'<div class="lm-says">{below}</div>')


GONE = {"class": "lm-heat", "fill-opacity": "0"}


def _ground(value: float, size: float) -> dict[str, str]:
    """The colour of a cell says the sign of its number, the strength how large it is."""
    sign = " lm-a" if value > 0 else " lm-b" if value < 0 else ""
    ink = 0.06 + 0.4 * min(1.0, abs(value) / size) if value else 0.0
    return {"class": f"lm-heat{sign} lm-there", "fill-opacity": f"{ink:.2f}"}


def _rows(grid: Any) -> str:
    return "; ".join(", ".join(number(float(v)) for v in row) for row in grid)
