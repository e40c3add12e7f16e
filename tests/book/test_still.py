"""A page of the built book stands still while it loads, and loads only what it needs."""

from __future__ import annotations

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import ROOT, missing

SITE = ROOT / "_build" / "html"
PAGES = sorted(p.relative_to(SITE).as_posix() for p in SITE.glob("lessons/[01]*.html"))
WATCH = """
    window.moved = [];
    new PerformanceObserver((list) => {
      for (const e of list.getEntries()) {
        const what = e.sources.map((s) => (s.node?.textContent ?? "").trim().slice(0, 40));
        if (!e.hadRecentInput) window.moved.push([e.value, what]);
      }
    }).observe({ type: "layout-shift", buffered: true });
"""
# [the width that the page kept free, the width of the formula], both in em
WIDTHS = """[...document.querySelectorAll("span.math")].map((span) => [
    parseFloat(span.style.getPropertyValue("--room")),
    span.querySelector("mjx-container").getBoundingClientRect().width
      / parseFloat(getComputedStyle(span).fontSize),
    span.textContent,
]).filter(([, width]) => width > 0)"""


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    if not PAGES:
        missing("a built book (make book)")
    handler = functools.partial(Silent, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def loaded(browser: Any, address: str, width: int, height: int) -> Any:
    context = browser.new_context(viewport={"width": width, "height": height})
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(address)
    page.wait_for_function("window.MathJax?.startup?.promise !== undefined")
    page.evaluate("window.MathJax.startup.promise")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    return page


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)], ids=["wide", "phone"])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_moves_while_a_lesson_loads(
    browser: Any, base: str, path: str, width: int, height: int
) -> None:
    page = loaded(browser, f"{base}/{path}", width, height)
    moved = page.evaluate("window.moved")
    page.context.close()
    assert sum(value for value, _ in moved) < 0.02, moved


def test_a_formula_finds_room_of_about_its_width(browser: Any, base: str) -> None:
    page = loaded(browser, f"{base}/lessons/08-chain.html", 1280, 900)
    widths = page.evaluate(WIDTHS)
    page.context.close()
    assert len(widths) > 50
    off = sorted((abs(room - width), text) for room, width, text in widths)
    assert off[len(off) // 2][0] < 0.05, off[len(off) // 2 :]
    assert off[len(off) * 9 // 10][0] < 0.4, off[len(off) * 9 // 10 :]


@pytest.mark.parametrize("path", PAGES)
def test_the_search_index_is_loaded_by_the_search_page_only(path: str) -> None:
    assert "searchindex.js" not in (SITE / path).read_text(encoding="utf-8")
    assert "searchindex.js" in (SITE / "search.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("scheme", "theme"), [("dark", "dark"), ("light", "light")])
def test_a_page_is_dark_or_light_from_its_first_picture(
    browser: Any, base: str, scheme: str, theme: str
) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    # the scripts that wait do not come, so the theme's own switch does not run
    page.route(re.compile(r"pydata-sphinx-theme\.js"), lambda route: route.abort())
    page.goto(f"{base}/{PAGES[0]}", wait_until="commit")
    page.wait_for_selector("article")
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert page.locator(".navbar-brand.logo img:visible").count() == 1
    context.close()
