"""Pictures for the lessons: one palette, readable in light, in dark and in grey.

A picture is drawn with matplotlib as usual and shown with `show(fig, alt=...)`. That turns it into
an SVG whose ink is the text colour of the page around it, so that the same picture works on a white
page, on a dark one and in print. `alt` says in words what the picture shows; there is no picture
without it.
"""

from __future__ import annotations

import hashlib
import html
import inspect
import io
import re
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from mlp_lib._narrow import narrow

__all__ = [
    "COLOURS",
    "Picture",
    "curves",
    "figure",
    "heat",
    "network",
    "show",
    "source",
]

# Four hues told apart by the usual kinds of colour blindness; each has a contrast of at least 3 to
# 1 with white and with the dark theme's background, so none of them needs a second version.
COLOURS = {"blue": "#2a7fc1", "orange": "#cf6a1c", "green": "#1f9268", "purple": "#a45fb3"}
DASHES = ["-", "--", "-.", ":"]
_INK = "#010203"  # stands for the page's text colour until `show` replaces it
_FAINT = "#7f8487"  # grid lines, weak on both backgrounds

_STYLE: Any = {
    "axes.edgecolor": _INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "font.size": 11,
    "grid.alpha": 0.35,
    "grid.color": _FAINT,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 2.2,
    "svg.fonttype": "none",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def figure(
    columns: int = 1, rows: int = 1, width: float = 5.2, height: float = 3.2, **kwargs: Any
) -> Any:
    """Return a figure and its axes (one, or an array of them) in the style of the course.

    A phone shows a picture 3.7 inches wide: beyond a `width` of 5.2 its text becomes too small to
    read there. Panels therefore stand one below the other, in `rows`.
    """
    with mpl.rc_context(_STYLE):
        # between panels a title keeps away from the axis above it
        layout = ConstrainedLayoutEngine(h_pad=0.12 if rows > 1 else 0.04)
        fig = Figure(figsize=(width, height), layout=layout)
        FigureCanvasSVG(fig)
        axes = fig.subplots(rows, columns, **kwargs)
    return fig, axes


def curves(
    axes: Axes,
    x: Any,
    lines: dict[str, Any],
    xlabel: str = "",
    ylabel: str = "",
    legend: bool = True,
) -> Axes:
    """Draw named curves over `x`, each with its own colour and its own dashes."""
    for (name, y), colour, dash in zip(
        lines.items(), cycle(COLOURS.values()), cycle(DASHES), strict=False
    ):
        axes.plot(x, y, label=name, color=colour, linestyle=dash)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    if legend and len(lines) > 1:
        axes.legend(labelcolor=_INK, frameon=False)
    return axes


def heat(axes: Axes, matrix: Any, title: str = "", digits: int = 2) -> Axes:
    """Draw a matrix as coloured cells with its numbers: blue positive, orange negative."""
    values = np.atleast_2d(np.asarray(matrix, dtype=float))
    top = max(float(np.abs(values).max()), 1e-12)
    for (row, column), value in np.ndenumerate(values):
        colour = COLOURS["blue"] if value >= 0 else COLOURS["orange"]
        share = 0.08 + 0.55 * abs(value) / top
        axes.add_patch(
            mpl.patches.Rectangle((column, row), 1, 1, facecolor=colour, alpha=share, linewidth=0)
        )
        axes.text(
            column + 0.5, row + 0.5, f"{value:.{digits}f}", ha="center", va="center", color=_INK
        )
    axes.set(xlim=(0, values.shape[1]), ylim=(values.shape[0], 0), aspect="equal", title=title)
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    return axes


def network(
    sizes: Sequence[int],
    labels: Sequence[Sequence[str]] | None = None,
    titles: Sequence[str] | None = None,
    highlight: Sequence[tuple[int, int, int]] = (),
    width: float = 6.0,
    height: float | None = None,
) -> Figure:
    """Draw a fully connected network, layer 0 on the left.

    `labels[l][i]` is written into unit i of layer l; `highlight` lists connections
    (layer, to, from), counted from layer 1 and unit 0, that are drawn thick and dashed.
    """
    span = 2.2 * (len(sizes) - 1) + 1.2  # in units of the drawing, as is the height below it
    fig, axes = figure(width=width, height=height or width * (max(sizes) + 0.7) / span)
    marked = set(highlight)
    spot = {
        (layer, unit): (2.2 * layer, (count - 1) / 2 - unit)
        for layer, count in enumerate(sizes)
        for unit in range(count)
    }
    for layer in range(1, len(sizes)):
        for to in range(sizes[layer]):
            for source_unit in range(sizes[layer - 1]):
                (x0, y0), (x1, y1) = spot[layer - 1, source_unit], spot[layer, to]
                strong = (layer, to, source_unit) in marked
                axes.plot(
                    [x0, x1],
                    [y0, y1],
                    color=COLOURS["orange"] if strong else _FAINT,
                    linestyle="--" if strong else "-",
                    linewidth=2.6 if strong else 0.9,
                    zorder=1,
                )
    for (layer, unit), (x, y) in spot.items():
        colour = COLOURS["green"] if layer == 0 else COLOURS["blue"]
        axes.add_patch(
            mpl.patches.Circle((x, y), 0.33, facecolor=colour, edgecolor="none", zorder=2)
        )
        if labels:
            axes.text(
                x, y, labels[layer][unit], ha="center", va="center", color="#ffffff", zorder=3
            )
    if titles:
        top = (max(sizes) - 1) / 2 + 0.75
        for layer, title in enumerate(titles):
            axes.text(2.2 * layer, top, title, ha="center", va="bottom", color=_INK)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.margins(0.08)
    return fig  # type: ignore[no-any-return]


class Picture:
    """An SVG with its description; Jupyter and the book show it, text readers read it."""

    def __init__(self, svg: str, alt: str) -> None:
        self.svg, self.alt = svg, alt

    def _repr_html_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"[picture: {self.alt}]"


def show(fig: Figure, alt: str) -> Picture:
    """Turn a figure into a picture in the page's own ink, described by `alt`."""
    if len(alt.split()) < 4:
        raise ValueError(f"alt has to say what the picture shows, got {alt!r}")
    for legend in filter(None, (axes.get_legend() for axes in fig.axes)):
        legend.set_frame_on(False)  # its box would stay white on a dark page
    salt = hashlib.sha1(alt.encode()).hexdigest()[:10]
    text = io.StringIO()
    with mpl.rc_context(_STYLE | {"svg.hashsalt": salt}):
        fig.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # ids are shared by all pictures on a page: make clips and markers this picture's own
    svg = re.sub(r'(id="|url\(#|href="#)(?=[pmC]\w*[0-9a-f]{6,})', rf"\g<1>{salt}-", svg)
    svg = re.sub(r'<g id="[A-Za-z0-9_.]+">', "<g>", svg)
    size = float(fig.get_size_inches()[0]) * 96
    head = (
        f'<svg role="img" aria-label="{html.escape(alt, quote=True)}" fill="currentColor" '
        f'style="width:100%;max-width:{size:.0f}px;height:auto" '
    )
    svg = re.sub(r'<svg (.*?)(?:width="[^"]*"|height="[^"]*")', r"<svg \1", svg, count=1)
    svg = re.sub(r'(<svg [^>]*?)(?:width|height)="[0-9.]+pt"', r"\1", svg, count=1)
    return Picture(svg.replace("<svg ", head, 1).replace("\n", " "), alt)


def source(*functions: Callable[..., Any]) -> Any:
    """Show the source of library functions as it stands in the module, highlighted.

    Only remarks to the tools that check the code are left out, and what is wider than the page is
    broken anew.
    """
    from IPython.display import Markdown

    files = dict.fromkeys(f.__module__.replace(".", "/") + ".py" for f in functions)
    code = "\n\n\n".join(inspect.getsource(f).rstrip() for f in functions)
    code = re.sub(r"  # (?:type: ignore|noqa)\b.*", "", code)
    code = narrow(code)
    return Markdown(  # type: ignore[no-untyped-call]
        f"From `{'`, `'.join(files)}`:\n\n```python\n{code}\n```"
    )
