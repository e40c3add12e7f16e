"""What a person's browser gets to see of a student's text and outputs."""

from __future__ import annotations

import re

import pytest
from nbconvert.filters import markdown2html

from autograder.grading import clean

MARKDOWN = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<IMG SRC=x ONERROR=alert(1)>",
    "<b onclick=alert(1)>x</b>",
    "<svg/onload=alert(1)>",
    "<iframe src='data:text/html,<script>alert(1)</script>'></iframe>",
    "<!-- --><script>alert(1)</script>",
    "</div></div><form action=//evil>",
    "<style>body{display:none}</style>",
    "```\n<script>alert(1)</script>\n```\n<script>alert(1)</script>",
    "`<script>`<script>alert(1)</script>",
    "$<script>alert(1)</script>$",
    "[x](javascript:alert(1))",
    "[x]( JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A&#x61;vascript&colon;alert(1))",
    "[x](&amp;#106;avascript:alert(1))",
    "[x](javascript\\:alert(1))",
    "[x](java\u00adscript:alert(1))",
    "[r]\n\n[r]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "[x](vbscript:msgbox(1))",
    "$\\href{javascript:alert(1)}{x}$",
    "$\\def\\j{java}\\href{\\j script:alert(1)}{x}$",
    "# x <img src=x onerror=alert(1)>",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "<details><summary>swallow the page",
]
RUNS = re.compile(
    r"<\s*(script|img|svg|iframe|style|form|details)\b|<[^>]*\son\w+\s*=|href=\"?\s*(java|vb)script",
    re.I,
)


@pytest.mark.parametrize("text", MARKDOWN)
def test_nothing_in_markdown_runs(text):
    page = markdown2html(clean.markdown(text))
    assert not RUNS.search(page), page
    if "\\href" in text:
        assert "<pre>" in page or "<code" in page  # where MathJax does not look


@pytest.mark.parametrize(
    "text",
    [
        "The slope is $\\sigma'(z) = a(1-a)$, so **small**.",
        "a < b and b > c, $x<0$ is $x <0$",
        "see <https://example.org/a?b=c>",
        "H<sub>2</sub>O<br>next",
        "JavaScript is another language: scripts run in the browser",
        "[link](https://example.org) ![picture](https://example.org/a.png)",
        "1. one\n2. two\n\n> quote\n\n`x<y`",
    ],
)
def test_honest_markdown_is_left_alone(text):
    assert markdown2html(clean.markdown(text)).replace("&lt; ", "&lt;") == markdown2html(
        text
    ).replace("&lt; ", "&lt;")


@pytest.mark.parametrize(
    "text", ["![x](attachment:b.png)", "![x](&#97;ttachment:b.png)", "![x](attachment:a.png.b)"]
)
def test_a_picture_that_is_not_attached_breaks_no_page(text):
    markdown2html(clean.markdown(text, {"a.png"}))


def test_a_picture_that_is_attached_is_shown():
    assert clean.markdown("![x](attachment:a.png)", {"a.png"}) == "![x](attachment:a.png)"


def display(**data):
    return {"output_type": "display_data", "data": data, "metadata": {"isolated": True}}


def only(output):
    return clean.outputs([output])[0]["data"]


@pytest.mark.parametrize("text", [text for text in MARKDOWN if text.startswith("<")])
def test_nothing_in_html_runs(text):
    found = clean.outputs([display(**{"text/html": text, "text/plain": "x"})])
    page = found[0]["data"].get("text/html", "")
    assert not re.search(r"<(script|svg|iframe|style|form)|\son\w+=|script:", page, re.I), page


def test_tables_of_pandas_are_still_tables():
    page = (
        "<div><style scoped>.dataframe {color: red}</style><table border='1' class='dataframe'>"
        "<thead><tr style='text-align: right; position: fixed'><th>a</th></tr></thead>"
        "<tbody><tr><td>1</td></tr></tbody></table></div>"
    )
    assert only(display(**{"text/html": page}))["text/html"] == (
        '<div><table border="1"><thead><tr style="text-align:right"><th>a</th></tr></thead>'
        "<tbody><tr><td>1</td></tr></tbody></table></div>"
    )


def test_pictures_come_from_the_notebook_and_nowhere_else():
    page = (
        '<img src="https://evil/track.png"><img src="data:image/png;base64,aGVsbG8=">'
        '<a href="data:text/html;base64,PHM+">x</a><a href="https://example.org">y</a>'
    )
    found = only(display(**{"text/html": page}))["text/html"]
    assert "evil" not in found
    assert "data:text" not in found
    assert 'src="data:image/png;base64,aGVsbG8="' in found
    assert 'href="https://example.org"' in found


def test_only_known_kinds_get_through():
    found = only(
        display(
            **{
                "application/javascript": "alert(1)",
                "application/vnd.jupyter.widget-view+json": {"model_id": "x"},
                "application/pdf": "x",
                "image/png": '" onerror="alert(1)',
                "image/jpeg": "aGVs\nbG8=",
                "text/latex": "$<img src=x>$",
                "text/plain": "<b>x</b>",
            }
        )
    )
    assert found == {
        "image/jpeg": "aGVsbG8=",
        "text/latex": "$< img src=x>$",
        "text/plain": "<b>x</b>",
    }


def test_a_drawing_becomes_a_picture():
    found = only(display(**{"image/svg+xml": "<svg onload='alert(1)'/>"}))
    assert set(found) == {"text/html"}
    assert "onload" not in found["text/html"]


def test_outputs_of_nothing_safe_disappear():
    assert clean.outputs([display(**{"application/javascript": "alert(1)"})]) == []
    assert clean.outputs([display(**{"text/html": "<script>alert(1)</script>"})]) == []


def test_long_tracebacks_are_cut():
    error = {"output_type": "error", "ename": "E", "evalue": "", "traceback": ["x"] * 500}
    assert len(clean.outputs([error])[0]["traceback"]) == 100


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"<b title={n}><p>" for n in range(10_000)),
        "".join(f"<FONT\tcolor={n}><p>x" for n in range(10_000)),
        '<p><b title="' + "&" * 50_000 + '">' + "<p>x" * 20_000,
        "".join(f"<a/href={n}><table><td></a>" for n in range(5_000)),
    ],
)
def test_a_page_does_not_grow(text):
    """A browser opens unclosed tags again in every block: these would have up to some gigabytes."""
    assert len(clean.page(text)) < 10 * len(text)


def test_a_large_table_keeps_its_tags_and_a_small_page_its_links():
    table = "<table>" + "<tr><td>1</td></tr>" * 5_000 + "</table>"
    assert clean.page(table).count("<td>") == 5_000
    link = '<p><b>see</b> <a href="https://example.org">this</a></p>'
    assert "<b>see</b>" in clean.page(link)
    assert 'href="https://example.org"' in clean.page(link)


def test_a_page_that_is_too_long_leaves_its_text_form():
    assert only(display(**{"text/html": "<div>" * 10**5, "text/plain": "x"})) == {"text/plain": "x"}
