"""The figures on a built page in a real browser, without a kernel."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from mlp_lib import interactive

pytestmark = pytest.mark.browser
FIGURES = [getattr(interactive, name) for name in interactive.__all__]
every_figure = pytest.mark.parametrize("figure", FIGURES, ids=interactive.__all__)
Open = Callable[..., Any]

SHIFTS = """
    window.shifted = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        if (!entry.hadRecentInput) window.shifted += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
"""

# what changes a control of each kind
KEYS = {"range": "ArrowRight", "select-one": "ArrowDown", "button": "Space"}
KEYS |= {"checkbox": "Space", "number": "ArrowUp", "text": "+"}
NAME = "(node) => node.ariaLabel ?? node.parentElement.textContent"


def spoken(page: Any) -> str:
    return page.locator(".lm-sentence").first.inner_text()


def wait_for_other_words(page: Any, before: str) -> str:
    page.wait_for_function(
        "(before) => document.querySelector('.lm-sentence').innerText !== before", arg=before
    )
    return spoken(page)


def first_slider(page: Any) -> Any:
    return page.locator(".lm-figure input[type=range]:enabled").first


@every_figure
def test_moves_by_mouse(open_page: Open, figure: Any) -> None:
    page = open_page(figure.name)
    before, slider = spoken(page), first_slider(page)
    box = slider.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    wait_for_other_words(page, before)
    shown = slider.evaluate("node => node.parentElement.querySelector('.lm-value').textContent")
    assert slider.get_attribute("aria-valuetext") == shown
    assert float(shown.replace("−", "-")) == pytest.approx(float(slider.input_value()))


@every_figure
def test_moves_by_touch(open_page: Open, figure: Any) -> None:
    page = open_page(figure.name, has_touch=True, viewport={"width": 390, "height": 844})
    before, slider = spoken(page), first_slider(page)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
    wait_for_other_words(page, before)


@every_figure
def test_moves_by_keyboard_alone(open_page: Open, figure: Any) -> None:
    page = open_page(figure.name)
    page.evaluate("document.querySelector('article').tabIndex = -1")
    page.evaluate("document.querySelector('article').focus()")
    expected = page.eval_on_selector_all(
        ".lm-figure :is(input, select, button):enabled",
        f"nodes => nodes.map({NAME})",
    )
    seen: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        inside = page.evaluate("!!document.activeElement.closest('.lm-figure')")
        if not inside:
            if seen:
                break
            continue
        if page.evaluate("document.activeElement.tagName") == "A":
            continue
        seen.append(page.evaluate(f"({NAME})(document.activeElement)"))
        before, kind = spoken(page), page.evaluate("document.activeElement.type")
        key = KEYS[kind]
        if page.evaluate("(({ value, max }) => max && value === max)(document.activeElement)"):
            key = "ArrowLeft"
        pressed = page.evaluate("document.activeElement.ariaPressed")
        if kind == "text":
            page.keyboard.press("End")
        page.keyboard.press(key)
        if pressed != "true":
            wait_for_other_words(page, before)
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        again = page.evaluate("document.activeElement.closest('.lm-figure') !== null")
        assert again, "a control lost the focus when it was used"
    assert seen == expected


def test_point_follows_the_pointer_in_the_picture(open_page: Open) -> None:
    page = open_page("activations")
    for plot, share, z in (("f", 0.75, 3.0), ("df", 0.25, -3.0), ("df", 1.2, 6.0)):
        box = page.evaluate(
            """(name) => {
              const plot = document.querySelector(`[data-lm-plot="${name}"]`);
              const ctm = plot.getScreenCTM();
              return { x: ctm.e, y: ctm.f, width: ctm.a * plot.width.baseVal.value };
            }""",
            plot,
        )
        before = spoken(page)
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + 60, steps=4)
        page.mouse.up()
        wait_for_other_words(page, before)
        got = float(page.locator("[data-lm-trait=z]").input_value())
        assert got == pytest.approx(z, abs=0.0501)


def test_point_follows_a_finger_in_the_picture(open_page: Open) -> None:
    page = open_page("activations", has_touch=True, viewport={"width": 390, "height": 844})
    plot = page.locator('[data-lm-plot="f"]')
    plot.scroll_into_view_if_needed()
    before = spoken(page)
    box = plot.bounding_box()
    session = page.context.new_cdp_session(page)
    y = box["y"] + box["height"] / 2

    def touch(kind: str, share: float | None = None) -> None:
        places = [] if share is None else [{"x": box["x"] + box["width"] * share, "y": y}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    touch("touchStart", 0.5)
    for share in (0.45, 0.4, 0.35, 0.3, 0.25):
        touch("touchMove", share)
    touch("touchEnd")
    wait_for_other_words(page, before)
    assert float(page.locator("[data-lm-trait=z]").input_value()) < -1


def test_choosing_activations(open_page: Open) -> None:
    page = open_page("activations")
    alpha = page.locator("[data-lm-trait=alpha]")
    assert alpha.is_disabled()
    before = spoken(page)
    page.select_option("[data-lm-trait=activation]", "leaky_relu")
    before = wait_for_other_words(page, before)
    assert alpha.is_enabled()
    page.select_option("[data-lm-trait=compare]", "none")
    after = wait_for_other_words(page, before)
    assert "tanh" not in after
    assert page.locator('[data-lm="line-f-b"]').get_attribute("d") == ""
    names = page.locator("[data-lm-trait=activation] option").all_inner_texts()
    for name in ("identity", "sigmoid", "tanh", "ReLU", "GELU", "Gudermannian", "step", "softplus"):
        assert name in names


def test_overflow_of_the_plain_formula(open_page: Open) -> None:
    page = open_page("softmax")
    stable = page.locator('[data-lm="value-softmax-a"]').text_content()
    page.get_by_role("button", name="c = 1000", exact=True).click()
    page.wait_for_selector('[data-lm="value-naive-a"]:text("nan")')
    assert page.locator('[data-lm="why-a"]').text_content() == "∞ / ∞"
    assert page.locator('[data-lm="value-softmax-a"]').text_content() == stable
    assert page.locator('[data-lm="value-sigmoid-a"]').text_content() == "1"


def test_figures_on_one_page_do_not_touch_each_other(open_page: Open) -> None:
    page = open_page("several")
    page.wait_for_function("document.querySelectorAll('[data-lm-ready]').length === 3")
    first, second, third = page.locator(".lm-sentence").all()
    rest = second.inner_text(), third.inner_text()
    before = first.inner_text()
    first_slider(page).press("ArrowRight")
    wait_for_other_words(page, before)
    assert (second.inner_text(), third.inner_text()) == rest
    assert "Yours first leaves ReLU at z = −6: f = 6, expected 0" in rest[1]


@every_figure
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: Open, figure: Any, scheme: Any) -> None:
    page = open_page(figure.name, color_scheme=scheme)
    theme = page.evaluate("document.documentElement.dataset.theme")
    assert theme == scheme
    # text in SVG is what axe cannot judge; the next test does
    context = {"include": [[".lm-figure"]], "exclude": [[".lm-picture text"]]}
    found = Axe().run(page, context=context, options={"preload": False}).response
    assert [(v["id"], v["nodes"]) for v in found["violations"]] == []
    assert [(v["id"], v["nodes"]) for v in found["incomplete"]] == []
    assert "color-contrast" in {rule["id"] for rule in found["passes"]}


def _luminance(colour: str) -> float:
    channels = [int(v) / 255 for v in re.findall(r"\d+", colour)[:3]]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(a: str, b: str) -> float:
    light, dark = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@every_figure
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_inside_the_picture(open_page: Open, figure: Any, scheme: Any) -> None:
    # axe does not look at text and strokes in SVG
    page = open_page(figure.name, color_scheme=scheme)
    ground = page.evaluate("getComputedStyle(document.querySelector('.lm-figure')).backgroundColor")
    texts = page.eval_on_selector_all(
        ".lm-picture text", "nodes => nodes.map((n) => getComputedStyle(n).fill)"
    )
    lines = page.eval_on_selector_all(
        ".lm-picture .lm-line", "nodes => nodes.map((n) => getComputedStyle(n).stroke)"
    )
    assert texts
    assert min(_contrast(colour, ground) for colour in texts) >= 4.5
    assert all(_contrast(colour, ground) >= 3 for colour in lines)


@every_figure
def test_stands_without_javascript(open_page: Open, figure: Any) -> None:
    page = open_page(figure.name, ready=False, java_script_enabled=False)
    for picture in page.locator(".lm-picture").all():
        assert picture.is_visible()
        assert picture.locator("text").count() > 5
    assert spoken(page) == figure().sentence()
    for control in page.locator(".lm-figure :is(input, select, button)").all():
        assert not control.is_visible()


@every_figure
def test_works_from_a_file(open_page: Open, book: Path, figure: Any) -> None:
    page = open_page(figure.name, base=book.as_uri())
    before = spoken(page)
    first_slider(page).press("ArrowLeft")
    wait_for_other_words(page, before)


@every_figure
@pytest.mark.parametrize("width", [1200, 390])
def test_the_live_figure_is_the_static_one(open_page: Open, figure: Any, width: int) -> None:
    size = {"width": width, "height": 900}
    page = open_page(figure.name, viewport=size)
    live = page.locator(".lm-body svg").evaluate_all("nodes => nodes.map((n) => n.outerHTML)")
    response = page.request.get(page.url)
    static = page.evaluate(
        """(html) => [...new DOMParser().parseFromString(html, "text/html")
             .querySelectorAll(".lm-body svg")].map((n) => n.outerHTML)""",
        response.text(),
    )
    assert live == static


@every_figure
@pytest.mark.parametrize("width", [1200, 390])
def test_nothing_shifts(open_page: Open, browser: Any, site: str, figure: Any, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900})
    context.add_init_script(SHIFTS)
    page = context.new_page()
    page.goto(f"{site}/{figure.name}.html", wait_until="networkidle")
    page.locator(".lm-figure").scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    shifted = page.evaluate("window.shifted")
    context.close()
    assert shifted < 0.02


@every_figure
def test_fits_a_phone(open_page: Open, figure: Any) -> None:
    page = open_page(figure.name, viewport={"width": 360, "height": 780}, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    boxes = page.eval_on_selector_all(
        ".lm-figure :is(input, select, button)",
        """nodes => nodes.filter((n) => n.checkVisibility()).map((n) => {
             const { width, height } = n.getBoundingClientRect();
             return { trait: n.dataset.lmTrait, width, height };
           })""",
    )
    assert [b for b in boxes if b["width"] < 24 or b["height"] < 24] == []
    text = page.eval_on_selector_all(
        ".lm-picture text", "nodes => nodes.map((n) => n.getBoundingClientRect().height)"
    )
    assert min(height for height in text if height) > 9
    inner = page.eval_on_selector_all(
        ".lm-figure *",
        """nodes => nodes.filter((n) => !n.closest("svg svg")
             && n.getBoundingClientRect().right > innerWidth + 0.5).length""",
    )
    assert inner == 0


@every_figure
def test_nothing_leaves_its_box(open_page: Open, figure: Any) -> None:
    page = open_page(figure.name)
    for width in (1200, 900, 640, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(50)
        box = page.locator(".lm-figure").evaluate("node => [node.scrollWidth, node.clientWidth]")
        cut = page.eval_on_selector_all(
            ".lm-figure :is(.lm-control, button)",
            """nodes => nodes
                 .filter((n) => n.checkVisibility() && n.scrollWidth > n.clientWidth + 1)
                 .map((n) => n.textContent)""",
        )
        assert (width, box[0], cut) == (width, box[1], [])


def test_the_figures_own_style_reaches_it(open_page: Open) -> None:
    page = open_page("backprop")
    spans = "(node) => [getComputedStyle(node).gridColumnEnd, getComputedStyle(node).margin]"
    assert page.locator(".lm-go").evaluate(spans)[0] == "-1"
    assert page.locator(".lm-stage p").first.evaluate(spans)[1] == "0px"


def test_a_page_without_a_figure_loads_nothing_of_them(book: Path) -> None:
    assert "_static/figures/" not in (book / "index.html").read_text(encoding="utf-8")


@every_figure
def test_a_page_with_a_figure_loads_that_one(book: Path, figure: Any) -> None:
    html = (book / f"{figure.name}.html").read_text(encoding="utf-8")
    assert re.findall(r"_static/figures/(\w+)\.js", html) == [figure.name]
    assert re.findall(r"_static/figures/(\w+)\.css", html) == [figure.name]
    assert re.search(r'<script [^>]*async="async"[^>]* src="_static/figures/', html)
    assert "widget-state" not in html
    assert "require.js" not in html
