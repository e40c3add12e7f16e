r"""Room for inline formulas: a line does not break anew when MathJax arrives.

The pages carry TeX, and MathJax sets it in the browser, after the first picture. Until then each
inline formula is an empty box about as wide as the formula will be, so that the text around it
stays where it is. The width is read from the TeX with the widths of the letters in TeX's fonts.

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
SIGN = re.compile(r"\\[a-zA-Z]+|\\.|\S")
TEXT = {r"\text", r"\mathrm", r"\operatorname", r"\mathbf"}
ACCENTS = {r"\hat", r"\tilde", r"\bar", r"\overline", r"\mathbb", r"\mathcal", r"\boldsymbol"}
NOTHING = {rf"\{name}" for name in ("left", "right", "displaystyle", "big", "Big", "bigl", "bigr")}
NOTHING |= {r"\Bigl", r"\Bigr"}
MATRIX = re.compile(r"\\begin\{pmatrix\}(.*?)\\end\{pmatrix\}", re.S)
SMALL = 0.707  # of a script beside its base
SCALE = 1.2725  # of a formula's letters beside those of the text


def widths(table: str) -> dict[str, float]:
    """Read "sign width sign width …", widths in thousandths of an em."""
    words = table.split()
    return {sign: float(width) for sign, width in zip(words[::2], words[1::2], strict=True)}


LETTERS = widths(r"""
    a 529 b 429 c 433 d 520 e 466 f 490 g 477 h 576 i 345 j 412 k 521 l 298 m 878
    n 600 o 485 p 503 q 446 r 451 s 469 t 361 u 572 v 485 w 716 x 572 y 490 z 465
    A 750 B 759 C 715 D 828 E 738 F 643 G 786 H 831 I 440 J 555 K 889 L 681 M 1051
    N 803 O 763 P 642 Q 791 R 759 S 613 T 584 U 683 V 583 W 944 X 828 Y 581 Z 683
    0 500 1 500 2 500 3 500 4 500 5 500 6 500 7 500 8 500 9 500 / 500 ' 275 & 0
    ( 389 ) 389 [ 278 ] 278 | 278 ! 278 . 278 , 445 ; 445 \, 167 \; 278 \! -167 \quad 1000
    \lvert 278 \rvert 278 \lVert 500 \rVert 500 \| 500 \langle 389 \rangle 389 \lceil 444 \rceil 444
    \alpha 640 \delta 444 \varphi 654 \Phi 722 \Delta 833 \mu 603 \phi 596 \prime 275 \ell 417
    \top 778 \sum 1223 \prod 1111 \int 583 \dots 1339 \ldots 1339 \cdots 1339
    \nabla 833 \infty 1000 \partial 531
""")
OTHER = 550  # the width of a sign that is not in the table
FUNCTIONS = widths(r"""
    \ln 834 \log 1278 \exp 1528 \max 1861 \min 1667
    \sin 1228 \cos 1338 \tanh 2001 \sinh 1784 \cosh 2000
""")
# these stand in space, 556 and 444, except in scripts
RELATIONS = widths(r"""
    = 778 < 778 > 778 : 278 \le 778 \ge 778 \ne 778 \neq 778 \approx 778 \sim 778
    \in 667 \to 1000 \leftarrow 1000 \rightarrow 1000
""")
BINARY = widths(r"""
    + 778 - 778 − 778 * 500 \times 778 \odot 778 \pm 778 \mp 778 \cdot 278 \circ 500
""")


def width(tex: str, *, outermost: bool = False) -> float:
    """About how wide a formula is, in em of the text around it."""
    total = 0.0
    for inside in MATRIX.findall(tex):
        lines = [[width(entry) for entry in line.split("&")] for line in inside.split(r"\\")]
        total += sum(map(max, zip(*lines, strict=False))) + SCALE * (
            len(lines[0]) + 0.5
        )  # brackets, space
    signs = SIGN.findall(MATRIX.sub("", tex))[::-1]
    return total + SCALE * row(signs, small=not outermost) / 1000


def row(signs: list[str], small: bool) -> float:
    """Take the signs of a row, up to the brace that ends it, and return its width."""
    total, script, operand = 0.0, 0.0, False
    while signs:
        sign = signs.pop()
        if sign == "}":
            break
        if sign in "_^":
            taller = SMALL * item(signs, small=True) + 50
            total, script = total + max(taller - script, 0), max(taller, script)
            continue
        script = 0.0
        if sign in RELATIONS or sign in BINARY:
            space = 0 if small else 556 if sign in RELATIONS else 444 if operand else 0
            total += (RELATIONS | BINARY)[sign] + space
        else:
            signs.append(sign)
            total += item(signs, small)
        operand = sign not in RELATIONS and sign not in BINARY and sign not in {"(", ","}
    return total


def item(signs: list[str], small: bool) -> float:
    """Take one sign with what belongs to it, or a group, and return its width."""
    sign = signs.pop() if signs else ""
    if sign == "{":
        return row(signs, small)
    if sign in {r"\frac", r"\tfrac", r"\dfrac"}:
        size = 1.0 if sign == r"\dfrac" else SMALL
        return size * max(item(signs, True), item(signs, True)) + 440
    if sign == r"\sqrt":
        return 833 + item(signs, small)
    if sign in ACCENTS:
        return item(signs, small)
    if sign in TEXT:
        return 500 * len(word(signs))
    if sign in FUNCTIONS:
        return FUNCTIONS[sign] + (167 if signs and signs[-1] not in "(^_" and not small else 0)
    return 0 if sign in NOTHING else LETTERS.get(sign, OTHER)


def word(signs: list[str]) -> str:
    """Take the letters of a text: those in braces, or one."""
    if not signs or signs[-1] != "{":
        return signs.pop() if signs else ""
    letters = ""
    while signs and (sign := signs.pop()) != "}":
        letters += sign
    return letters[1:]


def make_room(*event: Any) -> None:
    """Write the width of every inline formula of a page into its box."""
    context = event[3]
    if "body" in context:
        context["body"] = SPAN.sub(with_width, context["body"])


def with_width(found: re.Match[str]) -> str:
    """Return the box of one formula with its width, held together with the marks beside it."""
    before, formula, tex, behind = found.groups()
    room = f'<span style="--room:{width(html.unescape(tex), outermost=True):.2f}em"'
    box = f"{before}{formula.replace('<span', room, 1)}{behind}"
    return f'<span class="math-together">{box}</span>' if before or behind else box


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("html-page-context", make_room, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
