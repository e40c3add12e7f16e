"""What only the walk does: the lesson's numbers, its learning rates, choosing the start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlp_lib import gd_path, numerical_gradient
from mlp_lib.interactive import GradientDescent
from mlp_lib.interactive.descent import SURFACES


def test_numbers_of_the_lesson() -> None:
    marks = GradientDescent(eta=0.1).view()["marks"]
    rows = [[marks[f"{cell}-{t}"]["text"] for cell in ("p0", "p1", "f")] for t in (1, 2)]
    assert rows == [["0.7000", "0.8000", "3.3750"], ["0.4900", "0.6400", "2.7698"]]


@pytest.mark.parametrize("eta", [0.001, 0.1, 0.4, 0.665757, 0.67])
def test_plain_descent_is_the_path_of_the_library(eta: float) -> None:
    points, _, _ = GradientDescent(eta=eta, steps=100).walk()
    expected = gd_path(lambda theta: np.array([3.0, 2.0]) * theta, [1.0, 1.0], eta, 100)
    np.testing.assert_allclose(points, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("eta", "words"),
    [
        (0.001, "halves every 346 steps"),
        (0.4, "halves every step or sooner"),
        (
            0.665757,
            "x by 1 − 3η = −0.997271 and y by 1 − 2η = −0.331514: the distance halves every",
        ),
        (2 / 3, "it comes no nearer"),
        (0.6667, "the walk diverges, since η is above 2/3"),
        (0.67, "the walk diverges"),
    ],
)
def test_learning_rates_of_the_lecture(eta: float, words: str) -> None:
    assert words in GradientDescent(eta=eta).sentence()


def test_the_start_decides_between_two_valleys() -> None:
    low = GradientDescent(surface="two", eta=10, steps=300, start=[-1, -2])
    assert "this is the lowest point" in low.sentence()
    high = GradientDescent(surface="two", eta=10, steps=300, start=[3.5, -3])
    assert "this is the higher valley" in high.sentence()
    assert high.view()["marks"]["f-end"]["text"] == "0.1066"


def test_noise_may_carry_the_walk_out_of_a_valley() -> None:
    away = GradientDescent(surface="two", eta=10, steps=300, start=[3.5, -3], noise=0.2)
    assert "flat ground, not a valley" in away.sentence()


@pytest.mark.parametrize("name", SURFACES)
def test_gradients_and_lowest_points(name: str) -> None:
    surface = SURFACES[name]
    for point in np.random.default_rng(0).uniform(-3, 3, (20, 2)):
        measured = numerical_gradient(surface.f, point)
        np.testing.assert_allclose(surface.grad(point), measured, atol=1e-8)
    assert abs(surface.f(np.array(surface.lowest[0]))) < 1e-6
    for point in surface.lowest:
        assert np.linalg.norm(surface.grad(np.array(point))) < 1e-4


def test_a_walk_that_explodes_ends() -> None:
    figure = GradientDescent(eta=2, steps=300, optimiser="momentum")
    points, heights, _ = figure.walk()
    assert len(points) < 300
    assert np.isfinite(heights).all()
    assert "The walk diverges." in figure.sentence()


@pytest.mark.browser
def test_start_follows_the_pointer(open_page: Any) -> None:
    page = open_page("descent")
    plot = page.evaluate(
        """() => {
          const plot = document.querySelector('[data-lm-plot="contour"]');
          const { e, f, a } = plot.getScreenCTM();
          const [width, height] = [plot.width, plot.height].map((v) => a * v.baseVal.value);
          return { x: e, y: f, width, height };
        }"""
    )
    page.mouse.move(plot["x"] + plot["width"] / 2, plot["y"] + plot["height"] / 2)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] / 4, plot["y"] + plot["height"] / 2, steps=4)
    page.mouse.up()
    page.wait_for_selector('[data-lm="p0-0"]:text("−0.8500")')
    assert page.locator("[data-lm-trait=start]").first.input_value() == "-0.85"


@pytest.mark.browser
def test_the_other_surface_has_its_own_limits(open_page: Any) -> None:
    page = open_page("descent")
    page.select_option("[data-lm-trait=surface]", "two")
    page.wait_for_selector('[data-lm="head-0"]:text("w")')
    assert page.locator("input[data-lm-trait=eta]").get_attribute("max") == "10"
    assert page.locator("[data-lm-trait=start]").first.get_attribute("max") == "5"
    assert not page.locator('[data-lm="frame-bowl"]').first.is_visible()
    assert page.locator('[data-lm="frame-two"]').first.is_visible()
