"""Figure 8, Shapes: every product of a forward pass by its shapes, and what a wrong one means."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import traitlets

from mlp_lib.interactive.drawing import (
    Marks,
    button,
    coordinate,
    counted,
    mark,
    picture,
    select,
    slider,
    up,
)
from mlp_lib.interactive.figure import Figure, View

Shape = tuple[int, ...]

FORMS = {"row": "row form, a batch", "column": "column form, one example"}
BREAKS = {
    "none": "no mistake",
    "transpose": "W transposed",
    "swap": "factors in the other order",
    "input": "the input transposed",
    "bias": "b as a column",
}
SLOTS, HEIGHT = [38, 124, 210, 296], 300  # middles of left factor, right factor, b and result


def product(left: Shape, right: Shape) -> Shape | None:
    """The shape of left @ right as numpy has it; None where it stops."""
    if left[-1] != right[0]:
        return None
    return left[:-1] + right[1:]


def total(left: Shape, right: Shape) -> Shape | None:
    """The shape of left + right as numpy broadcasts it; None where it stops."""
    length = max(len(left), len(right))
    pairs = zip(
        (1,) * (length - len(left)) + left, (1,) * (length - len(right)) + right, strict=True
    )
    found = []
    for a, b in pairs:
        if a != b and 1 not in (a, b):
            return None
        found.append(b if a == 1 else a)
    return tuple(found)


def written(shape: Shape) -> str:
    """A shape as the lessons write it: 5×2."""
    return "×".join(map(str, shape))


@dataclass
class Layer:
    """One layer: names and shapes of its factors and its bias, and what becomes of them."""

    left: tuple[str, Shape]
    right: tuple[str, Shape]
    bias: tuple[str, Shape]
    product: Shape | None
    sum: Shape | None


class Shapes(Figure):
    """The shapes of a forward pass through layers of any sizes, and what a wrong order breaks.

    form: "row" (a batch, one example a row, W[from, to]) or "column" (one example, W[to, from]).
    sizes: inputs, two hidden layers (the second 0: not there), outputs. m: examples in the batch.
    wrong: what is done wrongly in layer `at`.
    """

    name: ClassVar[str] = "shapes"
    title: ClassVar[str] = "The shapes of a forward pass"

    form = traitlets.Enum(list(FORMS), "row").tag(sync=True)
    m = traitlets.Int(5, min=1, max=8).tag(sync=True)
    sizes = traitlets.List(traitlets.Int(min=0, max=8), [2, 4, 0, 3], minlen=4, maxlen=4).tag(
        sync=True
    )
    wrong = traitlets.Enum(list(BREAKS), "none").tag(sync=True)
    at = traitlets.Int(2, min=1, max=3).tag(sync=True)

    @traitlets.validate("sizes")
    def _only_the_second_may_lack(self, proposal: Any) -> Any:
        inputs, first, _, outputs = proposal["value"]
        if not (inputs and first and outputs):
            raise traitlets.TraitError(
                "sizes: expected inputs, two hidden layers (only the second may be 0) and outputs, "
                f"got {proposal['value']}"
            )
        return proposal["value"]

    def _sizes(self) -> list[int]:
        return [n for n in self.sizes if n]

    def _at(self) -> int:
        """The layer with the mistake."""
        return 1 if self.wrong == "input" else min(self.at, len(self._sizes()) - 1)

    def _layers(self) -> list[Layer]:
        """Layer by layer what numpy would do, until it stops."""
        row, found = self.form == "row", []
        n0 = self.sizes[0]
        signal: Shape | None = (self.m, n0) if row else (n0,)
        name = "X" if row else "x"
        for k, (n, m) in enumerate(pairwise(self._sizes()), 1):
            wrong = self.wrong if k == self._at() else "none"
            here = up(k)
            W = (f"W{here}", (n, m) if row else (m, n))
            b = (f"b{here}", (1, m) if row else (m,))
            if wrong == "input":
                name, signal = "Xᵀ" if row else "xᵀ", (n0, self.m) if row else (1, n0)
            if wrong == "transpose":
                W = (f"W{here}ᵀ", W[1][::-1])
            if wrong == "bias":
                b = (f"b{here}{'ᵀ' if row else ''}", (m, 1))
            if signal is None:
                break
            factors = [(name, signal), W] if row else [W, (name, signal)]
            left, right = factors[::-1] if wrong == "swap" else factors
            made = product(left[1], right[1])
            z = made and total(made, b[1])
            found.append(Layer(left, right, b, made, z))
            signal, name = z, f"{'A' if row else 'a'}{here}"
        return found

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in shapes.js."""
        sizes, layers = self._sizes(), self._layers()
        count = sum(n * m + m for n, m in pairwise(sizes))
        verdict = self._verdict(layers)
        lines = [self._line(k, layer) for k, layer in enumerate(layers, 1)]
        which = f"Row form, batch of {self.m}" if self.form == "row" else "Column form"
        marks: Marks = {
            "picture": {"html": self._picture(layers)},
            "lines": {"html": "".join(f"<p>{line}</p>" for line in lines)},
            "count": {"text": f"{counted(count, 'parameter')}, whatever the batch"},
            "verdict": {"text": verdict},
        }
        return {
            "marks": marks,
            "values": {f"sizes.{i}": str(n) for i, n in enumerate(self.sizes)}
            | {"m": str(self.m), "at": str(self._at())},
            "disabled": [
                *(["m"] if self.form == "column" else []),
                *(["at"] if self.wrong in ("none", "input") else []),
            ],
            "limits": {"at": (1, len(sizes) - 1, 1)},
            "sentence": (
                f"{which}, layers {'-'.join(map(str, sizes))}, {counted(count, 'parameter')}. "
                f"{'; '.join(lines)}. {verdict}"
            ),
        }

    def _result(self, k: int) -> str:
        return f"{'Z' if self.form == 'row' else 'z'}{up(k)}"

    def _line(self, k: int, layer: Layer) -> str:
        """A layer as a formula of shapes."""
        left, right, b = (f"{name} {written(shape)}" for name, shape in self._parts(layer))
        end = f"= {self._result(k)} {written(layer.sum)}" if layer.sum else "✗"
        if layer.product is None:
            return f"{left} · {right} ✗"
        return f"{left} · {right} + {b} {end}"

    @staticmethod
    def _parts(layer: Layer) -> list[tuple[str, Shape]]:
        return [layer.left, layer.right, layer.bias]

    def _verdict(self, layers: list[Layer]) -> str:
        """What the shapes mean for the network."""
        sizes, at, row = self._sizes(), self._at(), self.form == "row"
        n, k, m = sizes[at - 1], sizes[at], self.m
        here, before = up(at), up(at - 1)
        sent = ("X" if row else "x") if at == 1 else f"{'A' if row else 'a'}{before}"
        if self.wrong == "none":
            said = "Every product fits: what meets inside it are the units that send"
            return f"{said}, and the examples stay apart." if row else f"{said}."
        meant = {
            ("row", "transpose"): (
                f"W{here}ᵀ is stored [to, from], as in the column form: its rows are the {k} units "
                f"that receive, and a row of {sent} holds what the {n} units that send have to say."
            ),
            ("row", "swap"): (
                f"With W{here} on the left, what meets inside are its columns, the {k} units that "
                f"receive, and the rows of {sent}, the {m} examples. Those have no business there."
            ),
            ("row", "input"): (
                f"Xᵀ has the {m} examples as columns, so they would meet the {n} inputs of W{here}:"
                " the sum would run over examples."
            ),
            ("row", "bias"): (
                f"A column of {k} biases gives bias i to row i. A row is an example, and there are "
                f"{m}; a bias belongs to a unit."
            ),
            ("column", "transpose"): (
                f"W{here}ᵀ sums over the {k} units that receive, and {sent} brings what the {n} "
                "units that send have to say."
            ),
            ("column", "swap"): (
                f"For a vector, {sent} W{here} is W{here}ᵀ {sent}: the sum runs over the {k} units "
                f"that receive, and {sent} brings what the {n} units that send have to say."
            ),
            ("column", "input"): (
                f"As a row, x looks like {n} examples with one input each, and W{here} wants the "
                f"{n} inputs of one example."
            ),
            ("column", "bias"): (
                f"W{here} {sent} is a vector of {k} sums. A column of {k} biases is added to each "
                "of its entries, so that every unit gets every bias."
            ),
        }[self.form, self.wrong]
        return f"{meant} {self._outcome(layers, n, k)}"

    def _outcome(self, layers: list[Layer], n: int, k: int) -> str:
        """How far the mistaken code comes."""
        sizes, at, row = self._sizes(), self._at(), self.form == "row"
        last, j = layers[-1], len(layers)
        if last.product is None:
            a, b = last.left[1][-1], last.right[1][0]
            where = "NumPy stops here" if j == at else f"Layer {at} runs, and layer {j} stops"
            return f"{where}: {a} against {b}."
        if last.sum is None:
            where = "The product runs" if j == at else f"Layer {at} runs"
            shapes = f"{written(last.product)} and {written(last.bias[1])}"
            return f"{where}, and the sum of layer {j} stops: {shapes}."
        right = (self.m, sizes[-1]) if row else (sizes[-1],)
        if last.sum != right:
            return (
                f"Everything runs, and {'Ŷ' if row else 'ŷ'} has the shape {written(last.sum)} "
                f"where {written(right)} belongs."
            )
        if (k == 1 or self.wrong == "input") and (n == 1 or self.wrong == "bias"):
            return "With one number on each side nothing goes wrong."
        return (
            "Everything runs, and every shape at the end is right: only the numbers are wrong. "
            "Another size would have told you."
        )

    def _picture(self, layers: list[Layer]) -> str:
        """A row of boxes for each layer, a cell for each number."""
        L = len(self._sizes()) - 1
        pitch, room = HEIGHT / L, 72 if L == 2 else 56
        cell = min(14, room // max(self.m, *self.sizes))
        out = ""
        for index, layer in enumerate(layers):
            middle = pitch * index + room / 2 + 6
            shapes: list[tuple[str, Shape | None, str]] = [
                (*layer.left, "lm-a"),
                (*layer.right, ""),
                (*layer.bias, ""),
                (self._result(index + 1), layer.sum, "lm-a"),
            ]
            bad = [layer.product is None, layer.product is not None and layer.sum is None]
            for slot, (name, shape, class_) in zip(SLOTS, shapes, strict=True):
                under = middle + room / 2
                at = f'x="{slot}" y="{coordinate(under + 15)}"'
                if shape is None:
                    out += f'<text class="lm-b" x="{slot}" y="{coordinate(middle + 5)}">✗</text>'
                else:
                    out += _cells(slot, middle, cell, shape, class_)
                    end = f'x="{slot}" y="{coordinate(under + 30)}"'
                    out += f'<text class="lm-shape" {end}>{written(shape)}</text>'
                out += f'<text class="lm-strong" {at}>{name}</text>'
            for x, sign, wrong in ((81, "·", bad[0]), (167, "+", bad[1]), (253, "=", False)):
                place = f'x="{x}" y="{coordinate(middle + 5)}"'
                class_ = ' class="lm-b lm-strong"' if wrong else ""
                out += f"<text{class_} {place}>{'✗' if wrong else sign}</text>"
            out += _inner(middle, cell, layer.left[1], layer.right[1], bad[0])
        return out

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values, limits = view["marks"], view["values"], view["limits"]
        names = ["inputs", "hidden 1", "hidden 2", "outputs"]
        sizes = "".join(
            slider("sizes", label, (0 if i == 2 else 1, 8, 1), n, values[f"sizes.{i}"], index=i)
            for i, (label, n) in enumerate(zip(names, self.sizes, strict=True))
        )
        forms = "".join(button("form", key, words, self.form) for key, words in FORMS.items())
        return (
            f'<div class="lm-wide lm-sizes">{sizes}'
            + slider("m", "examples", (1, 8, 1), self.m, values["m"])
            + slider("at", "in layer", limits["at"], self._at(), values["at"])
            + "</div>"
            + f'<div class="lm-row lm-wide">{forms}'
            + select("wrong", "mistake", BREAKS, self.wrong)
            + "</div>"
            + picture(
                350,
                HEIGHT,
                "Each layer as a row of tables: left factor times right factor plus bias",
                mark("g", "picture", marks, font_size="13", text_anchor="middle"),
                "lm-tables",
            )
            + '<div class="lm-side">'
            + mark("div", "lines", marks, class_="lm-lines")
            + mark("p", "verdict", marks, class_="lm-verdict")
            + mark("p", "count", marks)
            + "</div>"
        )


def _cells(x: float, middle: float, cell: float, shape: Shape, class_: str) -> str:
    """A table of cells around (x, middle); a vector stands upright."""
    rows, columns = shape[0], shape[1] if len(shape) > 1 else 1
    left, top = x - columns * cell / 2, middle - rows * cell / 2
    right, bottom = left + columns * cell, top + rows * cell
    d = "".join(
        f"M{coordinate(left)} {coordinate(top + i * cell)}H{coordinate(right)}"
        for i in range(rows + 1)
    )
    d += "".join(
        f"M{coordinate(left + j * cell)} {coordinate(top)}V{coordinate(bottom)}"
        for j in range(columns + 1)
    )
    size = f'width="{coordinate(columns * cell)}" height="{coordinate(rows * cell)}"'
    return (
        f'<rect class="lm-ground {class_}" x="{coordinate(left)}" y="{coordinate(top)}" {size}/>'
        f'<path class="lm-cells" d="{d}"/>'
    )


def _inner(middle: float, cell: float, left: Shape, right: Shape, bad: bool) -> str:
    """The two sides that meet in a product: the left factor's last, the right one's first."""
    d = ""
    for x, shape, across in ((SLOTS[0], left, len(left) > 1), (SLOTS[1], right, False)):
        rows, columns = shape[0], shape[1] if len(shape) > 1 else 1
        a, b = x - columns * cell / 2, middle - rows * cell / 2
        if across:
            d += f"M{coordinate(a)} {coordinate(b - 4)}h{coordinate(columns * cell)}"
        else:
            d += f"M{coordinate(a - 4)} {coordinate(b)}v{coordinate(rows * cell)}"
    return f'<path class="lm-inner {"lm-b" if bad else "lm-c"}" d="{d}"/>'
