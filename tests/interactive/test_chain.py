"""What only the chain does: the lesson's numbers, the reader's backward pass, steps."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from mlp_lib import chain_backward, chain_gradient
from mlp_lib.interactive import Chain


def text(markup: str) -> str:
    return re.sub(r"<[^>]+>", " ", markup)


def test_numbers_of_the_lesson() -> None:
    figure = Chain()
    drawn = text(figure.view()["marks"]["chain"]["html"])
    for number in ("0.5987", "−0.8980", "0.6408", "0.0645", "−0.3592", "−0.0340", "w⁽¹⁾: 0.0098"):
        assert number in drawn
    product = text(figure.view()["marks"]["product"]["html"])
    assert "= −0.3592 · 0.2302 · 2 · 0.2057 · (−1.5) · 0.2403 · 0.8 = 0.0098" in product
    assert "is a product of 7 factors, measured 0.0098" in figure.sentence()


def test_only_what_has_been_reached_is_shown() -> None:
    marks = Chain(step=10).view()["marks"]  # δ and dw of layer 3, then e of layer 2 comes
    drawn = text(marks["chain"]["html"])
    assert "δ⁽³⁾ = −0.0827" in drawn
    assert "e⁽²⁾ = ·" in drawn
    assert "= −0.3592 · 0.2302 · … = −0.0827 · …" in text(marks["product"]["html"])
    assert "z⁽¹⁾ = ·" in text(Chain(step=0).view()["marks"]["chain"]["html"])


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_long_chains_of_the_lesson(activation: str) -> None:
    sizes = Chain(activation, w=[1, 1, 1], a0=0.5)._run().sizes
    expected = [abs(chain_gradient(activation, depth)) for depth in range(1, 21)]
    assert sizes == pytest.approx(expected, rel=1e-12)


def test_own_backward() -> None:
    def right(*given: Any) -> Any:
        return chain_backward(*given)

    def divides(w: Any, cache: Any, y: Any, dg: Any) -> Any:
        dw, delta, e = chain_backward(w, cache, y, dg)
        e[1] = delta[2] / w[2]
        delta[1] = e[1] * dg(cache[0][1])
        return dw, delta, e

    assert "Your numbers are the reference's." in Chain(backward=right).sentence()
    wrong = Chain(backward=divides)
    assert "Your first wrong quantity: e⁽²⁾ = −0.0413, expected −0.1653." in wrong.sentence()
    assert "e⁽²⁾ = ✗−0.0413" in text(wrong.view()["marks"]["chain"]["html"])
    wrong.depth = 2  # asked again, and with two layers w[2] is not there
    assert "Your function raised IndexError" in wrong.sentence()


@pytest.mark.parametrize(
    ("returned", "remark"),
    [
        (lambda *_: (1, 2), "Your function raised ValueError"),
        (
            lambda *_: ([1, 2], [1, 2, 3], [1, 2, 3]),
            "dw: expected 3 finite numbers, got [1.0, 2.0]",
        ),
        (lambda *_: ([1, 2, 3], [np.nan] * 3, [1, 2, 3]), "delta: expected 3 finite numbers"),
    ],
)
def test_what_an_own_backward_may_do(returned: Any, remark: str) -> None:
    assert remark in Chain(backward=returned).sentence()


@pytest.mark.browser
def test_one_factor_at_a_time(open_page: Any) -> None:
    page = open_page("chain")
    button = page.get_by_role("button", name="next step")
    button.click()
    page.wait_for_selector('[data-lm="stage"]:text("the input")')
    for _ in range(8):
        button.click()
    page.wait_for_selector('[data-lm="formula"]:text("e⁽³⁾ = ŷ − y = 0.6408 − 1 = −0.3592")')
    product = page.locator('[data-lm="product"]')
    assert "= −0.3592 · … = −0.3592 · …" in product.inner_text()
    button.click()
    page.wait_for_selector('[data-lm="formula"]:text("δ⁽³⁾ = e⁽³⁾ g′(z⁽³⁾)")')
    assert "= −0.3592 · 0.2302 · …" in product.inner_text()
