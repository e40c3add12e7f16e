"""The built book as its reader meets it: everything is on the site, and nothing is broken."""

from __future__ import annotations

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from autograder.bank.equations import HOME
from tests.conftest import ROOT, missing

SITE = ROOT / "_build" / "html"
PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for folder in ("lessons", "problem-sets")
    for path in SITE.glob(f"{folder}/**/*.html")
)
CHROMIUM = next((p for p in ("/usr/bin/chromium", "/snap/bin/chromium") if Path(p).exists()), None)


@pytest.fixture(scope="session")
def site() -> Path:
    if not PAGES:
        missing("a built book (make book)")
    return SITE


class Page(HTMLParser):
    """Collect what a page loads, where it links to, its anchors and its pictures."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.mute: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if "id" in found:
            self.anchors.add(found["id"])
        if tag in {"script", "img", "iframe", "source"} and "src" in found:
            self.loads.append(found["src"])
        if tag == "link" and found.get("rel") in {"stylesheet", "preload", "icon", "shortcut icon"}:
            self.loads.append(found["href"])
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "img" and "alt" not in found:
            self.mute.append(found.get("src", "img"))
        if tag == "svg" and found.get("role") == "img" and not found.get("aria-label"):
            self.mute.append("svg")


@functools.cache
def page(name: str) -> Page:
    return Page((SITE / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_nothing_from_elsewhere(site: Path, name: str):
    elsewhere = [url for url in page(name).loads if urlparse(url).netloc]
    assert elsewhere == []


@pytest.mark.parametrize("name", PAGES)
def test_every_link_inside_the_book_leads_somewhere(site: Path, name: str):
    for link in page(name).links:
        parts = urlparse(link)
        if parts.scheme or parts.netloc:
            continue
        target = (site / name).parent / unquote(parts.path) if parts.path else site / name
        assert target.exists(), link
        figure, _, settings = parts.fragment.partition("&")
        if settings:  # a link to a state of a figure
            assert f'data-lm-figure="{figure}"' in target.read_text(encoding="utf-8"), link
            continue
        if parts.fragment and target.suffix == ".html":
            name_there = target.resolve().relative_to(site.resolve()).as_posix()
            assert unquote(parts.fragment) in page(name_there).anchors, link


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_is_described(site: Path, name: str):
    assert page(name).mute == []


def labels_in(name: str) -> set[str]:
    return {a.removeprefix("equation-") for a in page(name).anchors if a.startswith("equation-")}


@pytest.mark.parametrize("name", [page for page in PAGES if page.startswith("lessons")])
def test_a_page_numbers_its_equations_once(site: Path, name: str):
    text = (ROOT / name.replace(".html", ".md")).read_text(encoding="utf-8")
    labels = re.findall(r"^\$\$ \((eq-[a-z0-9-]+)\)", text, re.MULTILINE)
    assert sorted(labels) == sorted(set(labels))
    assert set(labels) <= labels_in(name)


def test_the_bank_points_to_equations_that_exist(site: Path):
    for label, lesson in HOME.items():
        assert label in labels_in(f"lessons/{lesson}.html"), label


def test_the_library_names_equations_that_exist(site: Path):
    everywhere = set().union(*(labels_in(name) for name in PAGES))
    lessons = {name.split("/")[1] for name in PAGES if name.startswith("lessons")}
    for path in sorted((ROOT / "mlp_lib").glob("*.py")):
        for label in set(re.findall(r"\beq-[a-z0-9-]+\b", path.read_text(encoding="utf-8"))):
            assert label in everywhere or len(lessons & LESSONS) < 14, f"{path.name}: {label}"


LESSONS = {
    "01-neuron.html", "02-softmax.html", "03-losses.html", "04-output-delta.html",
    "05-gradient-descent.html", "06-forward.html", "07-activations.html", "08-chain.html",
    "09-backprop.html", "10-batch.html", "11-gradient-check.html", "12-training.html",
    "13-deep.html", "14-autodiff.html",
}  # fmt: skip


# --------------------------------------------------------------------------------------
# in a real browser


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def trouble(tab: object) -> list[str]:
    """Listen for everything that goes wrong on a page."""
    found: list[str] = []
    tab.on("console", lambda m: found.append(m.text) if m.type == "error" else None)
    tab.on("pageerror", lambda error: found.append(str(error)))
    tab.on("requestfailed", lambda request: found.append(f"failed: {request.url}"))
    tab.on("response", lambda r: found.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
    return found


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_a_page_works_without_the_internet(browser, address: str, name: str):
    tab = browser.new_page()
    found = trouble(tab)
    tab.goto(f"{address}/{name}", wait_until="load")
    if "\\(" in (SITE / name).read_text(encoding="utf-8"):
        tab.wait_for_selector("mjx-container", state="attached")
        tab.wait_for_function("() => MathJax.startup.promise.then(() => true)")
    assert tab.locator("mjx-merror").count() == 0
    assert tab.get_by_text(re.compile(r"\\\(|\\\[")).count() == 0, "a formula was left as it was"
    assert found == []
    tab.close()


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone(browser, address: str, name: str):
    tab = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    tab.goto(f"{address}/{name}", wait_until="load")
    tab.wait_for_function("() => !window.MathJax || MathJax.startup.promise.then(() => true)")
    wide = tab.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 1, f"{wide} pixels too wide"
    tab.close()


# what a reader would have to scroll sideways for, or cannot see at all
WIDE_CODE = """() => {
    document.querySelectorAll("article details").forEach((box) => { box.open = true; });
    return [...document.querySelectorAll("article pre")]
        .filter((code) => code.scrollWidth > code.clientWidth + 1)
        .map((code) => code.textContent.split("\\n").sort((a, b) => b.length - a.length)[0]);
}"""
CUT_FORMULAS = """() => {
    document.querySelectorAll(".toggle-hidden").forEach((e) => e.classList.remove("toggle-hidden"));
    const cut = [];
    for (const box of document.querySelectorAll("article span.math")) {
        const formula = box.querySelector("mjx-math")?.getBoundingClientRect();
        const {right} = box.getBoundingClientRect();
        if (formula && formula.right > right + 1) cut.push(box.textContent);
    }
    for (const box of document.querySelectorAll("article div.math mjx-container")) {
        const {top} = box.getBoundingClientRect();
        const signs = [...box.querySelectorAll("mjx-c")].map((c) => c.getBoundingClientRect().top);
        // a sign may reach a little above its box: the bar of a transpose does
        if (Math.min(...signs) < top + 3) cut.push(box.textContent);
    }
    return cut;
}"""


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_no_code_is_wider_than_the_page(browser, address: str, name: str):
    tab = browser.new_page(viewport={"width": 1200, "height": 900})
    tab.goto(f"{address}/{name}", wait_until="load")
    assert tab.evaluate(WIDE_CODE) == []
    tab.close()


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_no_formula_is_cut(browser, address: str, name: str):
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.goto(f"{address}/{name}", wait_until="load")
    tab.wait_for_function("() => !window.MathJax || MathJax.startup.promise.then(() => true)")
    assert tab.evaluate(CUT_FORMULAS) == []
    tab.close()


@pytest.mark.browser
def test_a_page_opened_from_the_disk_shows_its_formulas(browser, site: Path):
    tab = browser.new_page()
    found = trouble(tab)
    tab.goto((site / PAGES[0]).as_uri())
    tab.wait_for_selector("mjx-container", state="attached")
    assert [text for text in found if "favicon" not in text] == []
    tab.close()


@pytest.mark.browser
def test_search_finds_a_lesson(browser, address: str):
    tab = browser.new_page()
    tab.goto(f"{address}/search.html?q=transpose")
    tab.wait_for_selector("#search-results li a")
    assert "09-backprop" in tab.locator("#search-results").inner_html()
    tab.close()
