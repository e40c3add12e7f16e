"""The measured gradients of the figure are those of mlp_lib, apart from rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlp_lib import chain_backward, chain_forward, numerical_gradient, sigmoid
from mlp_lib.interactive import GradientCheck
from mlp_lib.interactive.gradcheck import FUNCTIONS, LABELS, H, _run, measure


def chain_loss(w: Any) -> Any:
    a = 0.8
    for weight in w:
        a = 1 / (1 + np.exp(-weight * a))
    return 0.5 * (a - 1) ** 2


@pytest.mark.parametrize("w", [[0.5, -1.5, 2.0], [-3.0, 3.0, 2.9], [0.0, 0.1, -0.1]])
def test_chain_is_that_of_the_lesson(w: list[float]) -> None:
    exact = chain_backward(w, chain_forward(w, 0.8, sigmoid), 1.0)[0]
    np.testing.assert_allclose(FUNCTIONS["chain"].grad(w), exact, rtol=1e-14)
    for h in (1e-1, 1e-3, 1e-5):
        for scheme in ("forward", "central", "complex"):
            expected = numerical_gradient(chain_loss, np.array(w), h, scheme)
            got = measure(scheme, FUNCTIONS["chain"].f, w, h)
            np.testing.assert_allclose(got, expected, atol=1e-15 / h, rtol=1e-13)


@pytest.mark.parametrize("target", LABELS)
def test_true_gradients(target: str) -> None:
    known = FUNCTIONS[target]
    theta = known.point or [0.5, -1.5, 2.0]
    measured = measure("complex", known.f, theta, 1e-20)
    np.testing.assert_allclose(known.grad(theta), measured, rtol=1e-14)


def test_arms_of_the_v() -> None:
    errors = _run("chain", (0.5, -1.5, 2.0)).errors
    x = np.log10(H)

    def slope(scheme: str, low: float, high: float) -> float:
        inside = (x >= low) & (x <= high)
        return float(np.polyfit(x[inside], np.log10(np.array(errors[scheme])[inside]), 1)[0])

    assert slope("forward", -6, -1) == pytest.approx(1, abs=0.05)
    assert slope("central", -4, -1) == pytest.approx(2, abs=0.05)
    assert slope("forward", -16, -9) == pytest.approx(-1, abs=0.25)
    assert slope("central", -16, -7) == pytest.approx(-1, abs=0.25)
    assert max(np.array(errors["complex"])[x < -9]) < 1e-17
    at = {scheme: H[int(np.argmin(errors[scheme]))] for scheme in ("forward", "central")}
    assert 1e-9 < at["forward"] < 1e-6
    assert 1e-6 < at["central"] < 1e-4


def test_numbers_of_the_lesson() -> None:
    said = GradientCheck().sentence()
    assert "measured with h = 10⁻⁵: forward 3.19×10⁻⁸, central 3.2" in said
    bowl = GradientCheck(target="bowl", at=56).view()["marks"]  # h = 0.01
    assert bowl["measured-a"]["text"] == "3.0150000"
    assert bowl["measured-b"]["text"] == "3.0000000"


def test_a_kink_within_reach_of_the_step() -> None:
    wide = GradientCheck(target="kink", at=52).view()["marks"]  # h = 10⁻³ reaches over the kink
    assert wide["measured-b"]["text"] == "0.5500000"
    assert wide["measured-c"]["text"] == "1.0000000"
    assert GradientCheck(target="kink", at=44).view()["marks"]["measured-b"]["text"] == "1.0000000"


@pytest.mark.browser
def test_step_follows_the_pointer(open_page: Any) -> None:
    page = open_page("gradcheck")
    box = page.locator('[data-lm-plot="error"]').bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 80, steps=3)
    page.mouse.up()
    page.wait_for_function("document.querySelector('[data-lm-trait=at]').value > 38")
    page.select_option("[data-lm-trait=target]", "kink")
    page.wait_for_selector('.lm-sentence:text("1 + ReLU")')
    assert page.locator("[data-lm-trait=w]").first.is_disabled()
