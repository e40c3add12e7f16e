"""Make safe to look at what comes from a student: outputs, and the text of Markdown cells.

Formgrader and the feedback pages put Markdown and HTML of a notebook into a page of the instructor
as they are. So only a whitelist gets through: plain text, pictures as data, HTML without scripts,
styles that move things, or addresses other than links.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Collection
from typing import Any

import nh3

Output = dict[str, Any]

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_DATA_PICTURE = re.compile(r"data:(image/(?:png|jpeg|gif|webp));base64,([A-Za-z0-9+/=\s]*)\Z")
_TAGS = {
    *("a", "abbr", "b", "bdi", "blockquote", "br", "caption", "center", "cite", "code", "col"),
    *("colgroup", "dd", "del", "details", "dfn", "div", "dl", "dt", "em", "figcaption", "figure"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol"),
    *("p", "pre", "q", "s", "samp", "small", "span", "strong", "sub", "summary", "sup", "table"),
    *("tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr"),
}
_STYLES = {
    *("color", "background-color", "text-align", "vertical-align", "font-weight", "font-style"),
    *("font-family", "text-decoration", "white-space", "padding", "border", "border-collapse"),
}
_ATTRIBUTES = {
    "*": {"style", "title", "align"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "table": {"border"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start"},
}
# Raw HTML that Markdown may hold: it cannot leave its cell, nor swallow the next one.
_PLAIN_TAG = re.compile(r"/?(?:strong|small|code|mark|sub|sup|kbd|br|em|hr|b|i|s|u)\s*/?>", re.I)
_AUTOLINK = re.compile(r"https?://[^\s<>\"'`]*>")
_OPENS = re.compile(r"<(?=[A-Za-z/!?])")
# Characters that Markdown, HTML or a browser would drop from the middle of an address.
_INVISIBLE = re.compile(r"[\s\x00-\x20\x7f-\xa0\u00ad\u200b-\u200f\u2028-\u202e\u2060\ufeff\\]+")
_HOSTILE = re.compile(r"(?:java|vb|live)script:|attachment:")
_TEX = re.compile(r"\\(?:href|csname|require|cssId|class|style)(?![A-Za-z])")


def text_of(value: Any) -> str:
    """Join the lines of a text of the notebook format; lone surrogates cannot be written."""
    text = "".join(map(str, value)) if isinstance(value, list) else str(value)
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def suspicious(text: str, pictures: Collection[str] = ()) -> bool:
    """Tell whether a text may hold the address of a script, however it is disguised.

    Or a picture that is not attached: nbconvert fails on that, and the feedback page with it.
    """
    if _TEX.search(text):
        return True
    for name in pictures:
        text = re.sub(rf"\(attachment:{re.escape(name)}(?=[\s)])", "(", text)
    for _ in range(3):
        text = html.unescape(text)
    return bool(_HOSTILE.search(_INVISIBLE.sub("", text).lower()))


def markdown(text: str, pictures: Collection[str] = ()) -> str:
    """Return a Markdown text in which nothing is left that a page would run.

    A space after the `<` of every tag that is not plain keeps mathematics and code readable. A
    text with the address of a script in it, or of a picture that is not among the attached
    `pictures`, is shown as it was typed.
    """
    if suspicious(text, pictures):
        return as_typed(text)

    def opened(match: re.Match[str]) -> str:
        rest = text[match.end() : match.end() + 2000]
        harmless = _PLAIN_TAG.match(rest) or _AUTOLINK.match(rest)
        return "<" if harmless else "< "

    return _OPENS.sub(opened, text)


def as_typed(text: str) -> str:
    """Return Markdown that shows a text as it is."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        return value if _DATA_PICTURE.match(value) else None
    return value


_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes=_ATTRIBUTES,
    attribute_filter=_attribute,
    filter_style_properties=_STYLES,
    url_schemes={"http", "https", "mailto", "data"},
    link_rel="noopener noreferrer",
)


# Tags that a browser opens again in every block that follows while they are not closed, so that a
# page may grow with the square of its length: half a gigabyte from 100 kB.
_REOPENED = re.compile(
    r"<(/?)(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])", re.I
)
_PAGE = 2 * 10**5
"""Characters of HTML in one output; depth costs time with its square."""
_GROWTH = 2**20
"""What a page may grow to, by its tags, before those that are opened again are left out."""


def page(text: str) -> str:
    """Return HTML of which only what the whitelist knows is left, nothing of what is too long."""
    if len(text) > _PAGE:
        return ""
    if len(text) * text.count("<") > _GROWTH:
        text = _REOPENED.sub(r"<\1span", text)
    cleaned: str = _CLEANER.clean(text)
    return re.sub(r'href="\s*data:[^"]*"', "", cleaned, flags=re.I)


def picture(value: Any) -> str | None:
    """Return the base64 text of a picture, or None if it is none."""
    text = re.sub(r"\s+", "", text_of(value))
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return text


def attachments(tree: Any) -> dict[str, dict[str, str]]:
    """Return the pictures that a Markdown cell carries along."""
    found: dict[str, dict[str, str]] = {}
    if isinstance(tree, dict):
        for name, bundle in list(tree.items())[:50]:
            if isinstance(bundle, dict) and re.fullmatch(r"[A-Za-z0-9_.-]{1,200}", str(name)):
                kept = {m: p for m in PICTURES if m in bundle and (p := picture(bundle[m]))}
                if kept:
                    found[str(name)] = kept
    return found


def outputs(found: list[Output]) -> list[Output]:
    """Return what is safe of a cell's outputs."""
    return [cleaned for output in found if (cleaned := _output(output)) is not None]


def _output(output: Output) -> Output | None:
    kind = output["output_type"]
    if kind == "stream":
        return {"output_type": kind, "name": output["name"], "text": text_of(output["text"])}
    if kind == "error":
        lines = [text_of(line) for line in output["traceback"]]
        if len(lines) > 100:
            lines = [*lines[:50], "… traceback cut off …", *lines[-49:]]
        return {
            "output_type": kind,
            "ename": text_of(output["ename"]),
            "evalue": text_of(output["evalue"]),
            "traceback": lines,
        }
    data = _bundle(output["data"])
    if not data:
        return None
    cleaned: Output = {"output_type": kind, "data": data, "metadata": {}}
    if kind == "execute_result":
        cleaned["execution_count"] = output.get("execution_count")
    return cleaned


def _bundle(data: dict[str, Any]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for mime in PICTURES:
        if mime in data and (found := picture(data[mime])):
            kept[mime] = found
    if "image/svg+xml" in data and not kept:  # as a picture a drawing runs no scripts
        drawing = base64.b64encode(text_of(data["image/svg+xml"]).encode()).decode()
        kept["text/html"] = f'<img alt="a drawing" src="data:image/svg+xml;base64,{drawing}">'
    if "text/html" in data and "text/html" not in kept:
        found_html = text_of(data["text/html"])
        if not _TEX.search(found_html) and (cleaned := page(found_html)).strip():
            kept["text/html"] = cleaned
    if "text/markdown" in data:
        kept["text/markdown"] = markdown(text_of(data["text/markdown"]))
    if "text/latex" in data and not suspicious(text_of(data["text/latex"])):
        kept["text/latex"] = text_of(data["text/latex"]).replace("<", "< ")
    if "text/plain" in data:
        kept["text/plain"] = text_of(data["text/plain"])
    return kept
