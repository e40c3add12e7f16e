"""Figure 11, BatchBridge: outer products of single examples add up to one product of the batch."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import traitlets

from mlp_lib._types import Array
from mlp_lib.batch import weight_backward
from mlp_lib.delta import weight_grad
from mlp_lib.interactive.drawing import (
    Marks,
    act,
    counted,
    down,
    element,
    factor,
    mark,
    picture,
    select,
    short,
    slider,
    value,
)
from mlp_lib.interactive.figure import Figure, View

PLACES = {
    "output": "once, in dZ",
    "end": "once, in dW and db",
    "none": "nowhere",
    "twice": "in both places",
}
MOST, SENDERS, RECEIVERS = 5, 2, 3
A = [1.0, 2.0, 3.0, 4.0, 0.0, -1.0, 2.0, -2.0, -1.0, 1.0]  # two numbers an example
DELTA = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, -1.0, 0.0, 2.0, 0.0, 3.0, -2.0, 2.0, -1.0, 1.0]  # three
NOISE = 1e-9  # what rounding leaves of a zero has no colour
WIDE, HIGH = 58, 23  # a cell


def grid(x: float, y: float, values: Any, chosen: Any = (), faded: Any = ()) -> str:
    """A table of numbers as cells; their colour says the sign, its strength the size."""
    rows = np.asarray(values, dtype=float)
    size = max(NOISE, float(np.abs(rows).max()))
    out = ""
    for (r, c), v in np.ndenumerate(rows):
        sign = " lm-a" if v > NOISE else " lm-b" if v < -NOISE else ""
        ink = f"{0.06 + 0.3 * abs(v) / size:.2f}" if sign else "0"
        left, top = x + WIDE * c, y + HIGH * r
        gone = " lm-faded" if r in faded else ""
        frame = " lm-chosen" if (r, c) in chosen else ""
        out += (
            f'<rect class="lm-heat{sign}{frame}{gone}" fill-opacity="{ink}" x="{left:g}" '
            f'y="{top:g}" width="{WIDE}" height="{HIGH}"/><text class="lm-cell{gone}" '
            f'x="{left + WIDE / 2:g}" y="{top + 16:g}">{value(float(v))}</text>'
        )
    return out


def words(x: float, y: float, text: str, class_: str = "") -> str:
    """A label in the picture."""
    return f'<text class="{class_}" x="{x:g}" y="{y:g}">{text}</text>'


class BatchBridge(Figure):
    """One layer's gradient twice: single examples added up, and one product over the batch.

    m: examples in the batch, 1 to 5. shown: how many of them are added so far.
    a, delta: for each of five examples what two units sent (10 numbers) and the errors δ of three
    receivers (15 numbers). place: where the 1/m of the mean stands. to, sender: the weight whose
    sum is spelt out.
    """

    name: ClassVar[str] = "bridge"
    title: ClassVar[str] = "From single examples to a batch"

    m = traitlets.Int(2, min=1, max=MOST).tag(sync=True)
    shown = traitlets.Int(2, min=0, max=MOST).tag(sync=True)
    place = traitlets.Enum(list(PLACES), "output").tag(sync=True)
    to = traitlets.Int(1, min=1, max=RECEIVERS).tag(sync=True)
    sender = traitlets.Int(1, min=1, max=SENDERS).tag(sync=True)
    a = traitlets.List(traitlets.Float(min=-6.0, max=6.0), A, minlen=10, maxlen=10).tag(sync=True)
    delta = traitlets.List(traitlets.Float(min=-6.0, max=6.0), DELTA, minlen=15, maxlen=15).tag(
        sync=True
    )

    def _examples(self) -> tuple[Array, Array]:
        """What was sent (m, 2) and the errors δ (m, 3), one example a row."""
        a, delta = np.reshape(self.a, (MOST, SENDERS)), np.reshape(self.delta, (MOST, RECEIVERS))
        return a[: self.m], delta[: self.m]

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in bridge.js."""
        m, shown = self.m, min(self.shown, self.m)
        now = max(1, shown)
        a, delta = self._examples()
        tables = [weight_grad(d, v) for d, v in zip(delta, a, strict=True)]
        added: Array = sum(tables[:shown], np.zeros((RECEIVERS, SENDERS)))
        errors: Array = sum(delta[:shown], np.zeros(RECEIVERS))
        dZ = delta / m if self.place in ("output", "twice") else delta
        later = m if self.place in ("end", "twice") else 1
        dW, db = weight_backward(dZ[:shown], a[:shown])
        dW, db = dW / later, db / later
        verdict = self._verdict(shown)
        says = self._sums(a[:shown], delta[:shown], dZ[:shown], later)
        marks: Marks = {
            "column": {"html": self._column(now, a, delta, tables, added, errors)},
            "row": {"html": self._row(now, shown, a, dZ, dW, db)},
            "says-column": {"text": says[0]},
            "says-row": {"text": says[1]},
            "verdict": {"text": verdict},
            "whose": {"text": f"example {now}"},
        }
        for i in range(1, MOST + 1):
            marks[f"edit-{i}"] = {"class": f"lm-edit{' lm-away' if i != now else ''}"}
        others = [i for i in range(MOST) if i != now - 1]
        return {
            "marks": marks,
            "values": {f"a.{i}": short(v) for i, v in enumerate(self.a)}
            | {f"delta.{i}": short(v) for i, v in enumerate(self.delta)}
            | {"m": str(m), "shown": str(shown), "to": str(self.to), "sender": str(self.sender)},
            "disabled": [f"a.{SENDERS * i + j}" for i in others for j in range(SENDERS)]
            + [f"delta.{RECEIVERS * i + j}" for i in others for j in range(RECEIVERS)],
            "limits": {"shown": (0, m, 1)},
            "sentence": (
                f"Batch of {m}, {counted(shown, 'example')} added, 1/m "
                f"{PLACES[self.place]}. Example {now}: a = {_listed(a[now - 1])}, "
                f"δ = {_listed(delta[now - 1])}. The tables δaᵀ add up to {_rows(added)}; "
                f"dW = {_rows(dW)}; db = {_listed(db[0])}. {says[1]} {verdict}"
            ),
        }

    def _verdict(self, shown: int) -> str:
        if shown < self.m:
            left = counted(self.m - shown, "example")
            return f"{left} still to come: a row of A and of dZ for each."
        if self.place == "none" and self.m > 1:
            return f"Without 1/m this is the gradient of the sum, {self.m} times that of the mean."
        if self.place == "twice" and self.m > 1:
            return f"With 1/m twice this is the mean's gradient divided by {self.m} once more."
        return "dW is the mean of the tables, transposed: the same numbers, stored [from, to]."

    def _sums(self, a: Array, delta: Array, dZ: Array, later: int) -> tuple[str, str]:
        """The chosen weight's derivative, example by example, in both forms."""
        i, j, m = self.to - 1, self.sender - 1, self.m
        column = " + ".join(
            f"{factor(float(d[i]))}·{factor(float(v[j]))}" for d, v in zip(delta, a, strict=True)
        )
        row = " + ".join(
            f"{factor(float(v[j]))}·{factor(float(d[i]))}" for v, d in zip(a, dZ, strict=True)
        )
        mean = float(delta[:, i] @ a[:, j]) / m
        total = float(a[:, j] @ dZ[:, i]) / later
        over = f"({row or '0'})/{later}" if later > 1 else row or "0"
        inside, shares = down(i + 1, j + 1), down(j + 1, i + 1)
        return (
            f"∂J/∂w{inside} = 1/m Σ δ{down(i + 1)}a{down(j + 1)} = ({column or '0'})/{m} "
            f"= {value(mean)}",
            f"dW{shares} = Σ over the rows of column {j + 1} of A times column {i + 1} of dZ = "
            f"{over} = {value(total)}.",
        )

    def _column(
        self, now: int, a: Array, delta: Array, tables: list[Array], added: Array, errors: Array
    ) -> str:
        """One example as in lesson 9, the sum so far, and the mean."""
        entry = {(self.to - 1, self.sender - 1)}
        x, end = 128, 128 + SENDERS * WIDE + 18
        out = words(x - 8, 48, "aᵀ", "lm-side-name")
        out += grid(x, 32, a[now - 1 : now], {(0, self.sender - 1)})
        out += words(x - WIDE - 20, 96, "δ", "lm-side-name")
        out += grid(x - WIDE - 12, 59, delta[now - 1][:, None], {(self.to - 1, 0)})
        out += grid(x, 59, tables[now - 1], entry)
        out += words(end, 96, f"δaᵀ, example {now}")
        out += words(x - 8, 188, "sum", "lm-side-name") + grid(x, 150, added, entry)
        out += words(end + WIDE / 2, 144, "Σδ", "lm-cell") + grid(end, 150, errors[:, None])
        out += words(x - 8, 281, "sum · 1/m", "lm-side-name") + grid(x, 243, added / self.m, entry)
        out += words(x, 237, "∂J/∂W") + words(end, 237, "∂J/∂b")
        return out + grid(end, 243, errors[:, None] / self.m)

    def _row(self, now: int, shown: int, a: Array, dZ: Array, dW: Array, db: Array) -> str:
        """A and dZ with a row for each example, and what their product holds so far."""
        i, j = self.to - 1, self.sender - 1
        faded = range(shown, self.m)
        x, top = 350 - RECEIVERS * WIDE, 43
        divided = "δᵀ/m" if self.place in ("output", "twice") else "δᵀ"
        later = "/m" if self.place in ("end", "twice") else ""
        place = top + HIGH * (now - 1)
        out = words(30, 36, "A") + words(x, 36, f"dZ, rows {divided}")
        out += grid(30, top, a, {(r, j) for r in range(shown)}, faded)
        out += grid(x, top, dZ, {(r, i) for r in range(shown)}, faded)
        out += words(4, place + 16, f"{now} ▸", "lm-strong")
        out += words(x - 8, 228, f"dW = AᵀdZ{later}", "lm-side-name")
        out += grid(x, 201, dW, {(j, i)})
        out += words(x - 8, 280, f"db = sum of rows{later}", "lm-side-name")
        return out + grid(x, 264, db)

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values, limits = view["marks"], view["values"], view["limits"]

        def numbers(trait: str, label: str, count: int, i: int) -> str:
            return "".join(
                slider(
                    trait,
                    f"{label}{down(j + 1)}",
                    (-6, 6, 0.5),
                    getattr(self, trait)[count * i + j],
                    values[f"{trait}.{count * i + j}"],
                    index=count * i + j,
                    name=f"{label} {j + 1} of example {i + 1}",
                )
                for j in range(count)
            )

        edits = "".join(
            element(
                "div",
                {"data-lm": f"edit-{i + 1}"} | marks[f"edit-{i + 1}"],
                numbers("a", "a", SENDERS, i) + numbers("delta", "δ", RECEIVERS, i),
            )
            for i in range(MOST)
        )
        go = (
            slider("m", "examples m", (1, MOST, 1), self.m, values["m"])
            + slider("shown", "added", limits["shown"], min(self.shown, self.m), values["shown"])
            + act("next", "add the next")
            + act("play", "play", pace=1000)
        )
        look = (
            select("place", "1/m", PLACES, self.place)
            + slider("sender", "weight from", (1, SENDERS, 1), self.sender, values["sender"])
            + slider("to", "to", (1, RECEIVERS, 1), self.to, values["to"])
        )

        def panel(title: str, name: str, label: str, height: int) -> str:
            head = f'<text class="lm-title" x="0" y="15" font-weight="600">{title}</text>'
            drawn = mark("g", name, marks, font_size="12.5")
            says = mark("p", f"says-{name}", marks, class_="lm-says")
            picture_ = picture(350, height, label, head + drawn, "lm-tables")
            return f'<div class="lm-side">{picture_}{says}</div>'

        return (
            '<div class="lm-wide lm-numbers-of">'
            + mark("b", "whose", marks)
            + f'<div class="lm-edits">{edits}</div></div>'
            + f'<div class="lm-row lm-wide lm-go">{go}</div>'
            + f'<div class="lm-row lm-wide lm-go">{look}</div>'
            + panel(
                "column form: example by example",
                "column",
                "Outer product of one example, the sum so far, and the mean",
                316,
            )
            + panel(
                "row form: one product",
                "row",
                "A and dZ with a row for each example, their product dW, and db",
                316,
            )
            + mark("p", "verdict", marks, class_="lm-wide lm-strong")
        )


def _listed(values: Any) -> str:
    return ", ".join(value(float(v)) for v in values)


def _rows(values: Any) -> str:
    return "; ".join(_listed(row) for row in values)
