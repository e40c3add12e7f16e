"""What only the stepper does: planted mistakes, the reader's backward pass, steps, choosing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from traitlets import TraitError

from mlp_lib import mlp_backward
from mlp_lib.interactive import BackpropStepper
from mlp_lib.interactive.backprop import MISTAKES, PRESETS

BY_HAND = PRESETS["2-3-4"]


def text(markup: str) -> str:
    return re.sub(r"<[^>]+>", " ", markup)


def lines(figure: BackpropStepper) -> str:
    return text(figure.view()["marks"]["lines"]["html"])


def test_numbers_of_the_lesson() -> None:
    square = BackpropStepper()
    assert "J = 2.4125" in square.sentence()
    assert "∂J/∂w⁽¹⁾₁₁ = 0.0583 over 4 roads" in square.sentence()
    layers = text(square.view()["marks"]["layers"]["html"])
    for number in ("0.2185", "−0.1639", "−0.2731", "3.0043"):
        assert number in layers
    assert "δ⁽¹⁾₁ · x₁ = 0.1501 · 0.8000 = 0.1201" in lines(BackpropStepper(sizes=BY_HAND))


def test_a_missing_transpose_runs_on_square_layers_only() -> None:
    square = BackpropStepper(mistake="no_transpose")
    assert "First wrong quantity: e⁽²⁾" in square.sentence()
    assert "notices it in 4 of 6 tensors" in square.sentence()
    assert "✗−2.5491" in text(square.view()["marks"]["layers"]["html"])
    other = BackpropStepper(mistake="no_transpose", sizes=BY_HAND)
    assert "NumPy stops before e⁽¹⁾: W⁽²⁾ is 4×3 and δ⁽²⁾ has 4 entries." in other.sentence()
    assert "cannot be made" in other.sentence()


@pytest.mark.parametrize(
    ("mistake", "first", "count"),
    [("no_slope", "δ⁽²⁾", 4), ("elementwise", "δ⁽³⁾", 6), ("sign", "δ⁽³⁾", 6)],
)
def test_planted_mistakes_are_found(mistake: str, first: str, count: int) -> None:
    said = BackpropStepper(mistake=mistake).sentence()
    assert f"First wrong quantity: {first}." in said
    assert f"The gradient check notices it in {count} of 6 tensors" in said


def test_a_mistake_that_changes_nothing_is_called_so() -> None:
    said = BackpropStepper(mistake="elementwise", pair="bce_sigmoid").sentence()
    assert "the mistake changes no number, and the gradient check agrees" in said


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("updates", [0, 3])
def test_step_of_the_mistaken_code(mistake: str, updates: int) -> None:
    """The parameters after an update are those from which the next round begins."""
    now = BackpropStepper(mistake=mistake, updates=updates)._run()
    later = BackpropStepper(mistake=mistake, updates=updates + 1)._run()
    assert now.after is not None
    for (W, b), (W_later, b_later) in zip(now.after, later.params, strict=True):
        np.testing.assert_array_equal(W, W_later)
        np.testing.assert_array_equal(b, b_later)
    assert pytest.approx(now.J_after) == later.J


def own_network() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(3)
    params = [(rng.normal(size=(3, 2)), rng.normal(size=3))]
    params.append((rng.normal(size=(3, 3)), rng.normal(size=3)))
    return params, rng.normal(size=2), np.array([0.0, 0.0, 1.0])


def test_own_network_and_right_backward() -> None:
    params, x, y = own_network()
    calls = []

    def mine(*given: Any) -> Any:
        calls.append(given)
        return mlp_backward(*given)

    figure = BackpropStepper(params, x, y, backward=mine)
    assert "Network 2-3-3" in figure.sentence()
    assert "Your numbers are the reference's, and the gradient check agrees." in figure.sentence()
    assert len(calls) == 1
    figure.updates = 2
    assert len(calls) == 4
    assert "after 2 updates" in figure.sentence()
    expected = BackpropStepper(params, x, y, updates=2).sentence().split("The gradient check")[0]
    assert figure.sentence() == expected + (
        "Your numbers are the reference's, and the gradient check agrees."
    )


def test_own_backward_with_a_mistake() -> None:
    params, x, y = own_network()

    def mine(params: Any, cache: Any, y: Any, dg: Any) -> Any:
        delta = cache["a"][-1] - y
        grads = [(np.outer(delta, cache["a"][1]), delta)]
        delta = params[1][0] @ delta * dg(cache["z"][0])
        return [(np.outer(delta, cache["a"][0]), delta), *grads]

    figure = BackpropStepper(params, x, y, backward=mine)
    assert "Your first wrong quantity: ∂J/∂b⁽¹⁾." in figure.sentence()
    assert "The same numbers come from “W δ: no transpose”." in figure.sentence()
    assert "✗ yours: ∂J/∂w⁽¹⁾₁₁" in lines(figure)
    layers = figure.view()["marks"]["layers"]["html"]
    assert layers.count("lm-first") == 1
    assert "right: δ⁽¹⁾" in layers


@pytest.mark.parametrize(
    ("returned", "remark"),
    [
        (lambda *_: 1 / 0, "Your function raised ZeroDivisionError: division by zero"),
        (lambda *_: [], "Expected 2 pairs (dW, db), got 0"),
        (lambda p, *_: [(W.T, b) for W, b in p], "dW⁽¹⁾: expected shape (3, 2), got shape (2, 3)"),
        (lambda p, *_: [(W * np.nan, b) for W, b in p], "dW⁽²⁾: expected shape (3, 3), got nan"),
        (lambda p, *_: [(W, None) for W, b in p], "db⁽²⁾: expected shape (3,), got shape ()"),
    ],
)
def test_what_an_own_backward_may_do(returned: Callable[..., Any], remark: str) -> None:
    figure = BackpropStepper(*own_network(), backward=returned)
    assert remark in figure.sentence()
    assert json.loads(re.findall(r"json\">(.*?)</script>", figure.html())[0]) == figure.state()


def test_own_backward_cannot_change_the_figure() -> None:
    params, x, y = own_network()

    def vandal(params: Any, cache: Any, y: Any, dg: Any) -> Any:
        for W, b in params:
            W[:], b[:] = 7, 7
        cache["z"][0][:] = 7
        y[:] = 7
        return []

    before = BackpropStepper(params, x, y).sentence()
    after = BackpropStepper(params, x, y, backward=vandal).sentence()
    assert after.split("∂J")[0].split("J =")[1][:9] == before.split("J =")[1][:9]


def test_networks_that_do_not_fit_are_refused() -> None:
    params, x, y = own_network()
    with pytest.raises(ValueError, match="expected x and y"):
        BackpropStepper(params)
    with pytest.raises(ValueError, match=r"y: expected shape \(3,\), got \(2,\)"):
        BackpropStepper(params, x, y[:2])
    with pytest.raises(ValueError, match="one to three hidden layers"):
        BackpropStepper(params[:1], x, y)
    with pytest.raises(TraitError, match="at least one not 0"):
        BackpropStepper(sizes=[2, 0, 0, 0, 2])


def test_pairs_that_fit_the_target() -> None:
    params, x, _ = own_network()
    made = BackpropStepper(params, x, np.array([0.5, -2.0, 3.0]), pair="half_sse_identity")
    choices = re.findall(r'<option value="(\w+)"', made.html().split('data-lm-trait="pair"')[1])
    assert choices == ["half_sse_identity"]


@pytest.mark.browser
def test_steps_one_by_one(open_page: Any) -> None:
    page = open_page("backprop")
    step, title = page.locator("[data-lm-trait=step]"), page.locator('[data-lm="stage"]')
    for words in ("the update", "the start"):
        page.get_by_role("button", name="next step").click()
        page.wait_for_selector(f'[data-lm="stage"]:text("{words}")')
    assert page.locator("[data-lm-trait=updates]").input_value() == "1"
    seen = []
    for _ in range(16):
        before = title.inner_text()
        page.get_by_role("button", name="next step").click()
        page.wait_for_function(
            "(t) => document.querySelector('[data-lm=stage]').innerText !== t", arg=before
        )
        seen.append(title.inner_text())
    assert step.input_value() == "16"
    assert seen[5:9] == [
        "forward, a of the output layer",
        "the loss",
        "backward, δ of the output layer",
        "backward, gradients of the output layer",
    ]
    assert seen[-1] == "the update"


@pytest.mark.browser
def test_play_runs_to_the_end_and_stops_on_request(open_page: Any) -> None:
    page = open_page("backprop")
    page.clock.install()
    play, step = page.get_by_role("button", name="play"), page.locator("[data-lm-trait=step]")
    page.clock.run_for(5000)
    assert step.input_value() == "15"  # nothing moves by itself
    step.press("End")
    play.click()
    page.clock.run_for(3400)
    page.wait_for_function("document.querySelector('[data-lm-trait=step]').value === '3'")
    assert play.get_attribute("aria-pressed") == "true"
    play.click()
    page.clock.run_for(5000)
    assert step.input_value() == "3"
    play.click()
    page.clock.run_for(30_000)
    page.wait_for_function("document.querySelector('[data-lm-trait=step]').value === '16'")
    assert play.get_attribute("aria-pressed") == "false"


@pytest.mark.browser
def test_a_weight_is_chosen_by_pointer_and_by_key(open_page: Any) -> None:
    page = open_page("backprop")
    head = page.locator('[data-lm="lines"] b').first
    page.locator(".lm-matrix [data-w='7']").first.hover()
    page.wait_for_function("document.querySelector('[data-lm=lines] b').innerText.includes('⁽²⁾')")
    assert head.inner_text() == "w⁽²⁾₁₁ = 0.5000"
    page.locator(".lm-hit[data-w='4']").dispatch_event("pointerover", {"bubbles": True})
    page.wait_for_function("document.querySelector('[data-lm=lines] b').innerText.includes('₂₁')")
    page.locator("[data-lm-trait=chosen]").press("ArrowRight")
    page.wait_for_function("document.querySelector('[data-lm=lines] b').innerText.includes('₂₂')")


@pytest.mark.browser
def test_sliders_follow_the_size_of_the_network(open_page: Any) -> None:
    page = open_page("backprop")
    page.get_by_role("button", name="sizes 2-3-4").click()
    page.wait_for_function("document.querySelector('[data-lm-trait=step]').max === '11'")
    assert page.locator("[data-lm-trait=chosen]").get_attribute("max") == "25"
    page.select_option("[data-lm-trait=mistake]", "no_transpose")
    page.wait_for_selector('[data-lm="verdict"]:text("NumPy stops before e⁽¹⁾")')
