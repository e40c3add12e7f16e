"""What only the figures of a single layer do, in a real browser without a kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser
Open = Callable[..., Any]


def wait_for_words(page: Any, words: str) -> None:
    page.wait_for_function(
        "(words) => document.querySelector('.lm-sentence').innerText.includes(words)", arg=words
    )


def press_in(page: Any, plot: str, x: float, y: float) -> None:
    """Press the pointer at (x, y), in the units of the picture, from the edge of a plot in it."""
    page.locator(plot).scroll_into_view_if_needed()
    at = page.evaluate(
        """([plot, x, y]) => {
          const ctm = document.querySelector(plot).getScreenCTM();
          return { x: ctm.e + ctm.a * x, y: ctm.f + ctm.d * y };
        }""",
        [plot, x, y],
    )
    page.mouse.move(at["x"] + 3, at["y"])
    page.mouse.down()
    page.mouse.move(at["x"], at["y"], steps=2)
    page.mouse.up()


def test_neuron_bends_as_chosen(open_page: Open) -> None:
    page = open_page("neuron")
    page.select_option("[data-lm-trait=activation]", "sgn")
    wait_for_words(page, "Sgn makes of it a = 1.")
    page.get_by_role("slider", name="bias b").press("Home")
    wait_for_words(page, "z = −2; b pulls most, downwards. Sgn makes of it a = −1.")
    assert page.locator('[data-lm="wire-3"]').get_attribute("class") == "lm-wire lm-b"


def test_losses_follow_the_pointer(open_page: Open) -> None:
    page = open_page("losses")
    press_in(page, '[data-lm-plot="p"]', 0.5 * 316, 120)
    wait_for_words(page, "gave p = 0.5: −ln p = 0.6931, slope −2;")
    page.get_by_role("button", name="y = 0, no").click()
    press_in(page, '[data-lm-plot="p"]', 0.75 * 316, 120)
    wait_for_words(page, "ŷ = 0.25, and y = 0 came true, to which it gave p = 0.75")
    press_in(page, '[data-lm-plot="p"]', -2, 120)
    wait_for_words(page, "the code replaces 0 by 10⁻¹²")
    slider = page.get_by_role("slider", name="probability of the true class of picture 4")
    slider.press("Home")
    wait_for_words(page, "3 of 4 classified correctly")


def test_a_weight_is_chosen_with_the_pointer(open_page: Open) -> None:
    page = open_page("outer")
    press_in(page, ".lm-right", 98 + 2.5 * 84, 88 + 22)
    wait_for_words(page, "To receiver 1 from sender 3: ∂J/∂w₁₃ = 0.62 · 0.05 = 0.0310")
    press_in(page, ".lm-right", 98 + 42, 88 + 2.5 * 44)  # no third receiver yet
    wait_for_words(page, "To receiver 2 from sender 1")
    third = page.get_by_role("slider", name="error δ of receiver 3")
    assert third.is_disabled()
    page.get_by_role("button", name="W is 3 by 3").click()
    wait_for_words(page, "6 of 9 weights go wrong")
    assert third.is_enabled()
    assert page.get_by_role("slider", name="weight to receiver").get_attribute("max") == "3"


def test_perceptron_goes_on_by_button(open_page: Open) -> None:
    page = open_page("perceptron")
    page.get_by_role("button", name="next update").click()
    wait_for_words(page, "After 4 updates")
    page.get_by_role("button", name="OR", exact=True).click()
    wait_for_words(page, "OR: targets −1, +1, +1, +1 for 00, 10, 01, 11. After 0 updates")
    run = page.get_by_role("button", name="run")
    run.click()
    assert run.get_attribute("aria-pressed") == "true"
    wait_for_words(page, "the algorithm has stopped")
    page.wait_for_selector("button:text('run')[aria-pressed=false]")
    assert page.get_by_role("slider", name="updates").input_value() == "5"
    page.get_by_role("button", name="flip 11").click()
    wait_for_words(page, "XOR: targets")
    assert page.get_by_role("button", name="XOR").get_attribute("aria-pressed") == "true"
    page.get_by_role("slider", name="updates").press("End")
    wait_for_words(page, "circle of 4 updates and never stops")


def test_a_fifth_point_is_placed(open_page: Open) -> None:
    page = open_page("perceptron")
    page.select_option("[data-lm-trait=extra]", "1")
    wait_for_words(page, "+1 for the fifth point at (0.5, 0.5)")
    press_in(page, '[data-lm-plot="plane"]', 290 * 1.02 / 2.5, 290 * 0.52 / 2.5)
    wait_for_words(page, "+1 for the fifth point at (0.25, 1.25)")
    page.get_by_role("slider", name="fifth point at x₂").press("ArrowUp")
    wait_for_words(page, "(0.25, 1.5)")
