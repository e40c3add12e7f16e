"""Numbers as text, paths, axes and controls: what the static picture of a figure is made of.

The first half mirrors `figure.js` line by line, because the picture that Python draws and the one
the page redraws must be the same; a test compares the two.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from html import escape
from typing import Any

import numpy as np

Attributes = Mapping[str, str]
Marks = dict[str, dict[str, str]]

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def _fixed(x: float, decimals: int) -> str:
    """Like JavaScript's toFixed: a tie of the exact binary value goes away from zero."""
    return f"{Decimal(x).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP):f}"


def power(exponent: int) -> str:
    """10 to an exponent, with superscript digits: 10⁻⁵."""
    return "10" + str(exponent).translate(_SUPERSCRIPT)


def number(x: float) -> str:
    """About four digits: 0.2350, −12.35, 1.23×10⁻⁵; whole numbers without decimals."""
    if math.isnan(x):
        return "nan"
    size, sign = abs(x), "−" if x < 0 else ""
    if math.isinf(size):
        return f"{sign}∞"
    if size < 1e5 and size == int(size):
        return f"{sign}{int(size)}"
    if size >= 1e5 or size < 1e-3:
        exact = Decimal(size)
        exponent = exact.adjusted()
        mantissa = exact.scaleb(-exponent).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
        if mantissa >= 10:
            mantissa, exponent = Decimal("1.00"), exponent + 1
        return f"{sign}{mantissa}×{power(exponent)}"
    return sign + _fixed(size, 4 if size < 10 else 3 if size < 100 else 2 if size < 1000 else 1)


def trimmed(x: float, decimals: int) -> str:
    """At most so many decimals and none that say nothing: 1.5, −0.25, 3."""
    text = _fixed(abs(x), decimals)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"−{text}" if x < 0 and text != "0" else text


def short(x: float) -> str:
    """At most three decimals: how settings are written."""
    return trimmed(x, 3)


def value(v: float) -> str:
    """A quantity of a network, without rounding noise."""
    return number(0.0 if abs(v) < 1e-12 else float(f"{v:.12g}"))


def factor(v: float) -> str:
    """A number where it is multiplied: −2 in brackets."""
    return f"({value(v)})" if v < 0 else value(v)


def up(k: int) -> str:
    """A layer as superscript: ⁽²⁾."""
    return f"⁽{str(k).translate(_SUPERSCRIPT)}⁾"


def down(*indices: int) -> str:
    """Indices as subscript: ₁₂."""
    return "".join(map(str, indices)).translate(_SUBSCRIPT)


def counted(n: int, what: str) -> str:
    """A number of things: 1 road, 2 roads."""
    return f"{n} {what}{'' if n == 1 else 's'}"


def coordinate(x: float) -> str:
    """A length in the picture, to a tenth of a unit."""
    bounded = max(-9999.0, min(9999.0, x))
    text = _fixed(abs(bounded), 1)
    return f"-{text}" if bounded < 0 else text


def path(points: Iterable[tuple[float, float] | None]) -> str:
    """A path through points (x, y); None lifts the pen."""
    d, down = [], False
    for point in points:
        if point is not None:
            d.append(f"{'L' if down else 'M'}{coordinate(point[0])} {coordinate(point[1])}")
        down = point is not None
    return "".join(d)


def ring(x: float, y: float, r: float = 3.5) -> str:
    """A circle as a path, so that several of them (or none) are one element."""
    size, across = f"{r:g} {r:g}", f"{2 * r:g}"
    return f"M{coordinate(x - r)} {coordinate(y)}a{size} 0 1 0 {across} 0a{size} 0 1 0 -{across} 0Z"


def element(tag: str, attributes: Attributes, content: str = "") -> str:
    """One element of SVG or HTML; `content` is markup."""
    written = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{tag}{written}>{content}</{tag}>"


def mark(tag: str, name: str, marks: Marks, **attributes: str) -> str:
    """The element `name` of a picture, which the page redraws: its attributes come from `marks`."""
    own = dict(marks[name])
    text = own.pop("html", "") or escape(own.pop("text", ""))
    fixed = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
    return element(tag, {"data-lm": name} | fixed | own, text)


def matrix(
    label: str,
    values: Any,
    kind: str,
    *,
    classes: str = "",
    visible: bool = True,
    wrong: Any = None,
    cell: Callable[[int, int], str] | None = None,
    row: int | None = None,
) -> str:
    """A matrix or a vector as a table with its name and shape; the twin of `matrix.js`.

    wrong: which entries are, in the shape of values. cell: further attributes of an entry. row: the
    one that stands out.
    """
    array = np.asarray(values, dtype=float)
    rows = array.reshape(len(array), -1)
    flags = np.zeros(rows.shape, bool) if wrong is None else np.reshape(wrong, rows.shape)
    body = ""
    for r, line in enumerate(rows):
        cells = ""
        for c, v in enumerate(line):
            bad = bool(flags[r][c]) and visible
            attributes = (' class="lm-off"' if bad else "") + (cell(r, c) if cell else "")
            text = ("✗" if bad else "") + value(float(v)) if visible else "·"
            cells += f"<td{attributes}>{text}</td>"
        mine = ' class="lm-mine"' if r == row else ""
        body += f"<tr{mine}>{cells}</tr>"
    return (
        f'<table class="lm-matrix lm-{kind}{classes}"><caption>{label} '
        f"<small>{'×'.join(map(str, array.shape))}</small></caption><tbody>{body}</tbody></table>"
    )


@dataclass(frozen=True)
class Axes:
    """A plot inside a picture: where it lies and which numbers it spans."""

    left: float
    top: float
    width: float
    height: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def x(self, value: float) -> float:
        """The horizontal place of a value, from the left edge of the plot."""
        low, high = self.x_range
        return (value - low) / (high - low) * self.width

    def y(self, value: float) -> float:
        """The vertical place of a value, from the top edge of the plot."""
        low, high = self.y_range
        return (high - value) / (high - low) * self.height

    def scaffold(
        self,
        x_ticks: Sequence[tuple[float, str]],
        y_ticks: Sequence[tuple[float, str]],
        x_name: str,
        title: str,
    ) -> str:
        """Title, grid lines, tick labels and the name of the horizontal axis."""
        lines, labels = [], []
        bottom = self.top + self.height
        for value, text in x_ticks:
            at = coordinate(self.left + self.x(value))
            strong = ' class="lm-zero"' if value == 0 and self.x_range[0] < 0 else ""
            lines.append(f'<path{strong} d="M{at} {coordinate(self.top)}V{coordinate(bottom)}"/>')
            labels.append(f'<text x="{at}" y="{coordinate(bottom + 16)}">{text}</text>')
        for value, text in y_ticks:
            at = coordinate(self.top + self.y(value))
            strong = ' class="lm-zero"' if value == 0 else ""
            right = coordinate(self.left + self.width)
            lines.append(f'<path{strong} d="M{coordinate(self.left)} {at}H{right}"/>')
            labels.append(
                f'<text class="lm-tick-y" x="{coordinate(self.left - 6)}" y="{at}" dy="4" '
                f'text-anchor="end">{text}</text>'
            )
        middle = coordinate(self.left + self.width / 2)
        return (
            f'<text class="lm-title" x="{coordinate(self.left)}" y="{coordinate(self.top - 10)}" '
            f'font-weight="600">{title}</text>'
            f'<g class="lm-grid" fill="none" stroke="#8884">{"".join(lines)}</g>'
            f'<g class="lm-ticks" text-anchor="middle" font-size="13">{"".join(labels)}'
            f'<text x="{middle}" y="{coordinate(bottom + 33)}">{x_name}</text></g>'
        )

    def plot(self, name: str, content: str) -> str:
        """What is drawn into the plot, cut off at its edges."""
        place = {"x": self.left, "y": self.top, "width": self.width, "height": self.height}
        return element(
            "svg",
            {"class": "lm-plot", "data-lm-plot": name}
            | {key: coordinate(value) for key, value in place.items()},
            '<rect width="100%" height="100%" fill="none" pointer-events="all"/>' + content,
        )


def picture(width: float, height: float, label: str, content: str, class_: str = "") -> str:
    """An SVG of the given size in its own units, which fills the width it gets."""
    return element(
        "svg",
        {
            "class": f"lm-picture {class_}".strip(),
            "viewBox": f"0 0 {width:g} {height:g}",
            "role": "img",
            "aria-label": label,
            "fill": "currentColor",
            "font-size": "14",
        },
        content,
    )


def slider(
    trait: str,
    label: str,
    limits: tuple[float, float, float],
    value: float,
    text: str,
    *,
    index: int | None = None,
    name: str | None = None,
) -> str:
    """A labelled range input; `limits` is (from, to, step), `name` what is read out for `label`."""
    low, high, step = limits
    attributes = {"type": "range", "data-lm-trait": trait}
    if index is not None:
        attributes["data-lm-index"] = str(index)
    attributes |= {"min": f"{low:g}", "max": f"{high:g}", "step": f"{step:g}"}
    attributes |= {"value": f"{value!r}", "aria-label": name or label, "aria-valuetext": text}
    attributes["data-lm-suppress-shortcuts"] = "true"
    written = "".join(f' {key}="{escape(v)}"' for key, v in attributes.items())
    return (
        f'<label class="lm-control lm-slider"><span class="lm-name">{label}</span>'
        f'<input{written}><span class="lm-value">{escape(text)}</span></label>'
    )


def select(trait: str, label: str, options: Mapping[str, str], value: str, class_: str = "") -> str:
    """A labelled select; `options` maps values to what the reader sees."""
    choices = ""
    for key, text in options.items():
        chosen = {"selected": ""} if key == value else {}
        choices += element("option", {"value": key} | chosen, escape(text))
    return (
        f'<label class="lm-control {class_}"><span class="lm-name">{label}</span>'
        f'<select data-lm-trait="{trait}" data-lm-suppress-shortcuts="true">{choices}</select>'
        "</label>"
    )


def button(
    trait: str,
    value: float | str | list[int],
    label: str,
    now: float | str | list[int],
    *,
    name: str | None = None,
) -> str:
    """A button that sets a trait to a value and shows whether it has that value."""
    written = json.dumps(value, separators=(",", ":")) if isinstance(value, list) else str(value)
    attributes = {"type": "button", "data-lm-trait": trait, "value": written}
    attributes |= {"aria-pressed": "true" if value == now else "false"}
    attributes |= {"aria-label": name or label, "data-lm-suppress-shortcuts": "true"}
    return element("button", attributes, label)


def act(action: str, label: str, *, pace: int | None = None, name: str | None = None) -> str:
    """A button that does one of the module's `actions`, again every `pace` ms until it is over."""
    attributes = {"type": "button", "data-lm-act": action, "data-lm-suppress-shortcuts": "true"}
    if pace is not None:
        attributes |= {"data-lm-pace": str(pace), "aria-pressed": "false"}
    return element("button", attributes | {"aria-label": name or label}, label)
