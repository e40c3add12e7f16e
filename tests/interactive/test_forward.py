"""What only the forward figure does: the reader's own network and own forward pass, choosing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from traitlets import TraitError

from mlp_lib import mlp_forward, relu, sigmoid, softmax, xor_gate_net
from mlp_lib.interactive import Forward

PARAMS = [
    (np.array([[0.5, -0.5], [1.2, 0.25], [-0.75, 0.9]]), np.array([0.3, 0.5, -0.25])),
    (
        np.array([[1.5, -0.8, 0.5], [-0.5, 0.25, 0.7], [0.4, 0.6, -0.9], [-0.2, -0.3, 0.35]]),
        np.array([0.1, -0.1, 0.2, -0.25]),
    ),
]
X = np.array([0.8, -2.0])


def text(figure: Forward, mark: str) -> str:
    return re.sub(r"<[^>]+>", " ", figure.view()["marks"][mark]["html"])


def test_numbers_of_the_lesson() -> None:
    said = Forward().sentence()
    assert "z⁽¹⁾ = 1.3500, 1.2500; a⁽¹⁾ = 0.7941, 0.7773. z⁽²⁾ = 2.2555; ŷ = 0.9051." in said
    assert "= 0.7·0.7941 + 0.9·0.7773 + 1 = 2.2555." in said
    assert "z⁽¹⁾₁ = w⁽¹⁾₁₁x₁ + b⁽¹⁾₁ = 0.7·0.5 + 1 = 1.3500" in text(Forward(), "sums")
    assert "ŷ = 0.3761, 0.1229, 0.4115, 0.0895" in Forward(PARAMS, X).sentence()
    gates = Forward(xor_gate_net(), [1.0, 0.0], activation="step", output="step")
    assert "a⁽¹⁾ = 0, 0. z⁽²⁾ = 0.5000; ŷ = 1." in gates.sentence()


def test_a_right_forward_pass_is_called_right_and_followed() -> None:
    calls = []

    def mine(*given: Any) -> Any:
        calls.append(given)
        return mlp_forward(*given)

    figure = Forward(PARAMS, X, forward=mine)
    assert figure.sentence().endswith("Your numbers are the reference's.")
    figure.numbers = [0.5, *figure.numbers[1:]]
    figure.activation = "relu"
    assert len(calls) == 3
    assert calls[-1][0][0] == 0.5
    assert calls[-1][2] is relu
    assert figure.sentence().endswith("Your numbers are the reference's.")


def _no_bias(x: Any, params: Any, g: Any, out: Any) -> Any:
    return mlp_forward(x, [(W, 0 * b) for W, b in params], g, out)


def _turned_later(x: Any, params: Any, g: Any, out: Any) -> Any:
    z1 = params[0][0] @ x + params[0][1]
    z2 = params[1][0].T @ g(z1) + params[1][1]
    return out(z2), {"z": [z1, z2], "a": [x, g(z1), out(z2)]}


@pytest.mark.parametrize(
    ("function", "first", "known"),
    [
        (_no_bias, "z⁽¹⁾ = 1.4000, 0.4600, −2.4000, expected 1.7000, 0.9600, −2.6500", "biases"),
        (lambda x, p, g, out: mlp_forward(x, p, softmax, out), "a⁽¹⁾", "the output's function in"),
        (lambda x, p, g, out: mlp_forward(x, p, g, g), "ŷ", "g at the output"),
        (lambda x, p, g, out: mlp_forward(x, p, lambda z: z, out)[0], "ŷ", "leaving out g"),
    ],
)
def test_the_first_wrong_quantity_and_its_mistake(
    function: Callable[..., Any], first: str, known: str
) -> None:
    figure = Forward(PARAMS, X, forward=function)
    said = figure.sentence().split("Your first wrong quantity: ")[1]
    assert said.startswith(first)
    assert known in said.split("The same output comes from ")[1]
    assert "✗" in text(figure, "graph")
    layers = figure.view()["marks"]["layers"]["html"]
    assert layers.count("lm-first") == 1
    assert "right: " in layers


def test_a_transposed_square_matrix_is_painted_where_it_stands() -> None:
    square = [(np.array([[0.9, 0.5], [-0.5, 0.25]]), np.zeros(2))]
    square.append((np.array([[0.5, -0.7], [0.6, 2.0]]), np.zeros(2)))
    figure = Forward(square, [0.8, -0.6], forward=_turned_later)
    assert "Your first wrong quantity: z⁽²⁾" in figure.sentence()
    assert "The same output" not in figure.sentence()
    both = Forward(
        square,
        [0.8, -0.6],
        forward=lambda x, p, g, out: mlp_forward(x, [(W.T, b) for W, b in p], g, out),
    )
    assert "Your first wrong quantity: z⁽¹⁾ = 1.0200, 0.2500" in both.sentence()
    assert "comes from Wᵀ a where W a belongs." in both.sentence()


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda *_: 1 / 0, "Your function raised ZeroDivisionError: division by zero."),
        (lambda *_: None, "ŷ: expected shape (4,), got shape ()"),
        (lambda *_: (np.ones(3), {"z": [], "a": []}), "cache['z']: expected 2 vectors, got 0"),
        (lambda x, p, g, o: np.full(4, np.nan), "ŷ: expected shape (4,), got nan or infinity"),
    ],
)
def test_what_an_own_forward_may_do(function: Callable[..., Any], said: str) -> None:
    figure = Forward(PARAMS, X, forward=function)
    assert said in figure.sentence()
    assert figure.html()


def test_own_forward_cannot_change_the_figure() -> None:
    def vandal(x: Any, params: Any, g: Any, out: Any) -> Any:
        x[:] = 7
        params[0][0][:] = 7
        return np.zeros(4)

    before = Forward(PARAMS, X).sentence()
    assert Forward(PARAMS, X, forward=vandal).sentence().startswith(before.split(". z⁽")[0])
    assert PARAMS[0][0][0, 0] == 0.5


def test_networks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="expected an input x"):
        Forward(PARAMS)
    with pytest.raises(ValueError, match="got sizes"):
        Forward([(np.ones((5, 2)), np.ones(5))], X)
    with pytest.raises(TraitError, match="numbers: expected 8"):
        Forward(numbers=[1.0])
    with pytest.raises(ValueError, match="x"):
        Forward(PARAMS, [1.0, 2.0, 3.0])


def test_every_number_has_its_own_slider() -> None:
    html = Forward(PARAMS, X, activation="sigmoid").html()
    assert html.count('data-lm-trait="numbers"') == 2 + 6 + 3 + 12 + 4
    assert 'aria-label="weight of layer 2, to 4 from 3"' in html
    assert sigmoid(1.7) == pytest.approx(0.845535, abs=5e-7)


@pytest.mark.browser
def test_a_unit_is_chosen_by_pointer_and_a_number_changed(open_page: Any) -> None:
    page = open_page("forward")
    page.locator(".lm-sums div").first.hover()
    page.wait_for_selector(".lm-units .lm-mine[data-u='1']")
    assert page.locator(".lm-sums .lm-mine").inner_text().startswith("z⁽¹⁾₁")
    page.locator("[data-lm-trait=numbers]").first.press("ArrowRight")
    page.wait_for_selector(".lm-sentence:text('0.7·0.55 + 1 = 1.3850')")
    page.select_option("[data-lm-trait=output]", "identity")
    page.wait_for_selector(".lm-sentence:text('identity output')")
