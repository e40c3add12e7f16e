"""Pictures: readable on any background, described in words, safe side by side on one page."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable

import numpy as np
import pytest

import mlp_lib
from mlp_lib import plots


def luminance(colour: str) -> float:
    """WCAG's relative luminance of #rrggbb."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", plots.COLOURS.values())
@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
def test_every_colour_stands_out_on_white_and_on_the_dark_page(colour: str, page: str):
    assert contrast(colour, page) >= 3


def drawn(alt: str = "two curves that rise from left to right") -> plots.Picture:
    fig, axes = plots.figure()
    x = np.linspace(-2, 2, 50)
    plots.curves(axes, x, {"tanh": np.tanh(x), "sigmoid": mlp_lib.sigmoid(x)}, "z", "a")
    axes.text(0, 0, "a word")
    return plots.show(fig, alt)


def test_the_ink_is_the_colour_of_the_page_around_it():
    svg = drawn().svg
    assert plots._INK not in svg
    assert svg.count("currentColor") > 5
    assert 'fill="currentColor"' in svg.split(">")[0], "text without a colour of its own"
    assert "white" not in svg
    assert "#ffffff" not in svg


def test_no_legend_brings_a_box_of_its_own():
    fig, axes = plots.figure()
    axes.plot([0, 1], label="a line")
    axes.legend(frameon=True, facecolor="#fedcba")
    assert "#fedcba" not in plots.show(fig, "a line that rises to the right").svg


def test_curves_differ_by_dashes_as_well_as_by_colour():
    assert drawn().svg.count("stroke-dasharray") >= 1


def test_the_description_is_in_the_picture_and_escaped():
    picture = drawn('a curve called "g" rises & flattens out')
    assert 'aria-label="a curve called &quot;g&quot; rises &amp; flattens out"' in picture.svg
    assert 'role="img"' in picture.svg
    assert repr(picture) == '[picture: a curve called "g" rises & flattens out]'


@pytest.mark.parametrize("alt", ["", "a plot", "loss curve"])
def test_a_picture_without_a_real_description_is_refused(alt: str):
    with pytest.raises(ValueError, match="what the picture shows"):
        plots.show(plots.figure()[0], alt)


def test_two_pictures_on_a_page_share_no_ids():
    one, two = drawn("two curves that rise, first copy").svg, drawn("two curves, second copy").svg
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (one, two)]
    assert ids[0]
    assert not ids[0] & ids[1]
    for svg, own in zip((one, two), ids, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= own
        assert set(re.findall(r'href="#([^"]+)"', svg)) <= own


def test_the_same_picture_is_the_same_bytes():
    assert drawn().svg == drawn().svg


def test_a_network_has_every_unit_and_every_connection():
    fig = plots.network([2, 3, 1], highlight=[(1, 0, 0)])
    (axes,) = fig.axes
    assert len(axes.patches) == 6
    assert len(axes.lines) == 2 * 3 + 3 * 1
    assert sum(line.get_linestyle() == "--" for line in axes.lines) == 1


def test_a_heat_map_shows_every_number():
    _, axes = plots.figure()
    plots.heat(axes, [[0.5, -2.0], [0.0, 1.25]])
    assert [text.get_text() for text in axes.texts] == ["0.50", "-2.00", "0.00", "1.25"]


def test_source_shows_the_module_s_own_text():
    shown = plots.source(mlp_lib.d_sigmoid).data
    assert inspect.getsource(mlp_lib.d_sigmoid).rstrip() in shown
    assert "mlp_lib/activations.py" in shown


@pytest.mark.parametrize(
    "functions",
    [
        [mlp_lib.neuron_forward, mlp_lib.perceptron_train, mlp_lib.softmax],
        [mlp_lib.linear_vjp, mlp_lib.full_jacobian_W],
        [mlp_lib.mlp_backward, mlp_lib.sigmoid],
    ],
)
def test_source_fits_the_page(functions: list[Callable[..., object]]):
    shown = plots.source(*functions).data
    code = shown[shown.index("```python\n") + 10 : shown.rindex("\n```")]
    original = "\n".join(map(inspect.getsource, functions))
    assert max(map(len, original.split("\n"))) > 84
    assert max(map(len, code.split("\n"))) <= 85
    assert set(re.findall(r"^ *", code, re.MULTILINE)) <= {" " * 4 * k for k in range(8)}


def test_panels_stand_below_each_other_and_a_phone_can_read_them():
    fig, axes = plots.figure(rows=2)
    assert axes.shape == (2,)
    top, bottom = (ax.get_position() for ax in axes)
    assert top.y0 > bottom.y1
    assert top.x0 == bottom.x0
    assert fig.get_size_inches()[0] * 96 * 0.7 < 358, "the text keeps 70 % of its size at 390 px"


def test_source_leaves_out_remarks_to_tools():
    assert "# type: ignore" in inspect.getsource(plots.source)
    shown = plots.source(plots.source).data
    assert "return Markdown(\n" in shown
    assert "# type: ignore" not in shown
