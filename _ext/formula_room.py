r"""Room for inline formulas: a line does not break anew when MathJax arrives.

The pages carry TeX, and MathJax sets it in the browser, after the first picture. Until then each
inline formula is an empty box about as wide as the formula will be, so that the text around it
stays where it is. The width is a sum over the signs of the formula, in em, right to a tenth or two.

A browser may end a line between such a box and the full stop behind it, so the marks beside a
formula are held together with it.
"""

from __future__ import annotations

import html
import re
from typing import Any

from sphinx.application import Sphinx

SPAN = re.compile(
    r'([(\[“]*)(<span class="math notranslate nohighlight">\\\((.*?)\\\)</span>)'
    r"((?:[)\].,;:?”’]|-\w+|\[\w+)*)",
    re.S,
)
SIGN = re.compile(r"\\[a-zA-Z]+|\\.|[^\s]")
RELATIONS = {"=", "<", ">", r"\le", r"\ge", r"\to", r"\approx", r"\neq", r"\leftarrow", r"\in"}
BINARY = {"+", "-", "−", r"\cdot", r"\times", r"\odot", r"\pm"}
NARROW = {"(", ")", "[", "]", "|", ".", ",", "'", "′", ";", ":", "!", "i", "j", "l", "t", r"\,"}
WIDE = {"m", "w", "M", "W", "N", "X", "Y", "Z", "J", "A", "D", r"\sum", r"\ldots", r"\dots"}
NOTHING = re.compile(
    r"[{}_^&$]|\\(hat|tilde|bar|mathbf|mathrm|mathbb|mathcal|operatorname|text|left|right|tfrac|frac"
    r"|dfrac|sqrt|overline|displaystyle|big|Big|bigl|bigr|!)$"
)
FRACTION = re.compile(r"\\[td]?frac\s*(?:\{([^{}]*)\}|(\d))\s*(?:\{([^{}]*)\}|(\d))")
SCRIPT = re.compile(r"[_^](?:\{([^{}]*)\}|(\\[a-zA-Z]+|[^{\s]))")
SMALL = 0.72


def width(tex: str, *, outermost: bool = False) -> float:
    """About how wide a formula is, in em of the text around it."""
    total = 0.0
    for numerator, digit, denominator, digit2 in FRACTION.findall(tex):
        total += SMALL * max(width(numerator or digit), width(denominator or digit2)) + 0.2
    tex = FRACTION.sub("", tex)
    for group, single in SCRIPT.findall(tex):
        total += SMALL * width(group or single)
    tex = SCRIPT.sub("", tex)
    for sign in SIGN.findall(tex):
        if NOTHING.match(sign):
            continue
        if sign in RELATIONS:
            total += 1.4
        elif sign in BINARY:
            total += 1.15
        elif sign in NARROW:
            total += 0.4
        elif sign in WIDE:
            total += 0.85
        elif re.fullmatch(r"\\(ln|log|exp|max|min|tanh|sin|cos)", sign):
            total += 0.5 * len(sign)
        else:
            total += 0.56
    return 1.14 * total if outermost else total


def make_room(*event: Any) -> None:
    """Write the width of every inline formula of a page into its box."""
    context = event[3]
    if "body" in context:
        context["body"] = SPAN.sub(with_width, context["body"])


def with_width(found: re.Match[str]) -> str:
    """Return the box of one formula with its width, held together with the marks beside it."""
    before, formula, tex, behind = found.groups()
    room = f'<span style="--room:{width(html.unescape(tex), outermost=True):.1f}em"'
    box = f"{before}{formula.replace('<span', room, 1)}{behind}"
    return f'<span class="math-together">{box}</span>' if before or behind else box


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("html-page-context", make_room, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
