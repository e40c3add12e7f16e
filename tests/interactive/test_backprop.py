"""What only the stepper does: planted mistakes, the reader's backward pass, steps, choosing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from traitlets import TraitError

from mlp_lib import mlp_backward, mlp_backward_batch, to_row
from mlp_lib.interactive import BackpropStepper, bundle
from mlp_lib.interactive.backprop import LESSONS, MISTAKES, PRESETS

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


AGREES = "Your numbers are the reference's, and the gradient check agrees in this network."


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
    assert AGREES in figure.sentence()
    assert len(calls) == 1
    figure.updates = 2
    assert len(calls) == 4
    assert "after 2 updates" in figure.sentence()
    expected = BackpropStepper(params, x, y, updates=2).sentence().split("The gradient check")[0]
    assert figure.sentence().replace("Right: ", "") == expected + AGREES


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
    assert "right: ∂J/∂b⁽¹⁾ = δ⁽¹⁾" in layers


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


def by_hand(
    *, sender: int = 0, of_a: bool = False, bias: float = 1, turned: bool = False
) -> Callable[..., Any]:
    """A backward pass of one example with the mistake asked for."""

    def mine(params: Any, cache: Any, y: Any, dg: Any) -> Any:
        a, z = cache["a"], cache["z"]
        delta, grads = a[-1] - y, []
        for k in reversed(range(len(params))):
            W = params[k][0]
            entering = a[k + sender] if W.shape[0] == W.shape[1] else a[k]
            grads.insert(0, (np.outer(delta, entering), bias * delta))
            if k:
                delta = (W if turned else W.T) @ delta * dg(a[k] if of_a else z[k - 1])
        return grads

    return mine


def test_a_state_without_a_call_has_no_verdict() -> None:
    figure = BackpropStepper(*own_network(), backward=mlp_backward)
    figure.unobserve_all()  # as a page without a kernel
    figure.activation = "tanh"
    said, check = figure.sentence(), text(figure.view()["marks"]["check"]["html"])
    assert "has not been called for this state" in said
    assert "agrees" not in said
    assert "✓" not in check
    assert "no gradient" in check


def test_what_an_own_function_does_not_return_is_labelled() -> None:
    one = BackpropStepper(*own_network(), backward=mlp_backward).view()["marks"]
    assert '<table class="lm-matrix lm-c"><caption>right: e⁽¹⁾' in one["layers"]["html"]
    assert re.search(r'class="lm-c" [^>]*>right e ', one["graph"]["html"])
    assert ">db " in one["graph"]["html"]
    assert one["lines"]["html"].count("<p>Right: ") == 4
    rows = BackpropStepper(*own_batch(), backward=mlp_backward_batch).view()["marks"]
    assert "right: dZ⁽²⁾" in rows["layers"]["html"]


def test_a_wrong_bias_is_not_blamed_on_delta() -> None:
    figure = BackpropStepper(*own_network(), backward=by_hand(bias=2))
    end = "∂J/∂b⁽²⁾. Your ∂J/∂W⁽²⁾ is right, and with it δ. The gradient check notices it in 2 of 4"
    assert f"Your first wrong quantity: {end}" in figure.sentence()
    assert "<caption>∂J/∂b⁽²⁾ = δ⁽²⁾" in figure.view()["marks"]["layers"]["html"]


@pytest.mark.parametrize(
    ("mistake", "label"),
    [
        ({"of_a": True}, "g′(a) for g′(z)"),
        ({"sender": 1}, "δ⁽ˡ⁾ a⁽ˡ⁾ᵀ: the receiver's own activation"),
        ({"turned": True}, "W δ: no transpose"),
    ],
)
def test_more_mistakes_are_known(mistake: dict[str, Any], label: str) -> None:
    said = BackpropStepper(*own_network(), backward=by_hand(**mistake)).sentence()
    assert f"The same numbers come from “{label}”." in said


def test_a_transpose_missing_where_w_is_square() -> None:
    def mine(params: Any, cache: Any, y: Any, dg: Any) -> Any:
        turned = [(W.T if W.shape[0] == W.shape[1] else W, b) for W, b in params]
        return by_hand()(turned, cache, y, dg)

    said = BackpropStepper(sizes=[2, 3, 3, 0, 2], backward=mine).sentence()
    assert "The same numbers come from “W δ: no transpose”." in said


def test_an_error_is_named_and_no_quantity() -> None:
    figure = BackpropStepper(sizes=BY_HAND, backward=by_hand(turned=True))
    said = figure.sentence()
    assert "Your function raised ValueError: matmul" in said
    assert said.endswith("NumPy stops before e⁽¹⁾: W⁽²⁾ is 4×3 and δ⁽²⁾ has 4 entries.")
    assert "first wrong" not in said
    assert "lm-first" not in figure.view()["marks"]["layers"]["html"]
    rows = BackpropStepper(
        sizes=BY_HAND, batch=3, backward=lambda p, c, Y, dg: (c["a"][-1] - Y) @ p[1][0]
    )
    assert "before dA⁽¹⁾: W⁽²⁾ is 3×4 and a row of dZ⁽²⁾ has 4 entries." in rows.sentence()
    other = BackpropStepper(sizes=BY_HAND, backward=lambda *_: 1 / 0).sentence()
    assert other.endswith("ZeroDivisionError: division by zero.")


def test_what_a_network_hides() -> None:
    lesson = BackpropStepper(sizes=BY_HAND, backward=mlp_backward)
    assert f"{AGREES} No W after the first is square: W δ cannot" in lesson.sentence()
    lesson.activation = "identity"
    assert "It would not show “δ = e: no g′”, “g′(a) for g′(z)”." in lesson.sentence()
    params, x, y = own_network()
    params[0] = (params[0][0], np.full(3, -50.0))
    dead = BackpropStepper(params, x, y, activation="relu", backward=mlp_backward)
    assert "It hides mistakes: all hidden δ are 0." in dead.sentence()


def test_what_the_check_does_not_notice() -> None:
    def nearly(*given: Any) -> Any:
        return [(1.00024 * dW, db) for dW, db in mlp_backward(*given)]

    said = BackpropStepper(*own_network(), backward=nearly).sentence()
    assert "The gradient check does not notice it: relative error 1.2×10⁻⁴." in said

    def more(*given: Any) -> Any:
        return [(1.0044 * dW, db) for dW, db in mlp_backward(*given)]

    said = BackpropStepper(*own_network(), backward=more).sentence()
    assert "notices it in 2 of 4 tensors, relative error 0.0022." in said


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"mistake": "no_mean"}, "m = 1"),
        ({"mistake": "elementwise", "pair": "bce_sigmoid"}, "no softmax"),
        ({"mistake": "no_slope", "activation": "identity"}, "g′ = 1 or e = 0"),
        ({"mistake": "no_transpose", "sizes": [2, 1, 0, 0, 1], "pair": "bce_sigmoid"}, "Wᵀδ = Wδ"),
    ],
)
def test_why_a_mistake_changes_no_number(state: dict[str, Any], why: str) -> None:
    assert BackpropStepper(**state).sentence().endswith(f"agrees: {why}.")


def test_planted_mistakes_have_right_numbers_labelled() -> None:
    assert lines(BackpropStepper(mistake="sign")).count("Right: ") == 4
    assert "Right" not in lines(BackpropStepper())


def test_long_numbers_stay_in_their_box() -> None:
    params, x, y = own_network()
    small = [(1e-5 * W, b) for W, b in params]
    graph = BackpropStepper(small, x, y, backward=mlp_backward).view()["marks"]["graph"]["html"]
    entries = re.findall(
        r'<text class="(?!lm-title)[^>]*?( textLength="77"[^>]*)?>([^<]+)<',
        graph,
    )
    assert {bool(fit) for fit, _ in entries} == {True, False}
    assert all(bool(fit) == (len(words) > 11) for fit, words in entries)


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


def own_batch(m: int = 3) -> tuple[Any, Any, Any]:
    params, _, _ = own_network()
    rng = np.random.default_rng(5)
    return to_row(params), rng.normal(size=(m, 2)), np.eye(3)[rng.integers(3, size=m)]


def test_the_batch_of_lesson_10() -> None:
    figure = BackpropStepper(sizes=BY_HAND, batch=5, example=2)
    assert "J = 1.5763" in figure.sentence()
    assert "∂J/∂w⁽¹⁾₁₁ = 0.0481 over 4 roads an example" in figure.sentence()
    layers = re.sub(r"\s+", " ", text(figure.view()["marks"]["layers"]["html"]))
    assert "dW⁽¹⁾ 2×3 0.0481 −0.0224 0.0241 −0.1041 0.0512 0.0315" in layers
    for shape in (
        "X 5×2",
        "W⁽¹⁾ 2×3",
        "b⁽¹⁾ 1×3",
        "Z⁽¹⁾ 5×3",
        "dA⁽¹⁾ 5×3",
        "dW⁽²⁾ 3×4",
        "db⁽²⁾ 1×4",
    ):
        assert shape in layers
    graph = text(figure.view()["marks"]["graph"]["html"])
    assert "x₁ 0.3000" in graph  # the second example
    assert "dZ" in graph
    start = BackpropStepper(sizes=BY_HAND, batch=5, step=6).view()["marks"]["formula"]["text"]
    assert start == "dZ⁽²⁾ = (Ŷ − Y)/m"


def test_indices_follow_the_form() -> None:
    """The same weight is w₁₂ as [to, from] and w₂₁ as [from, to]."""
    cell = re.compile(r'<td data-w="2">([^<]+)</td>')
    for m, name in ((1, "w⁽¹⁾₁₂"), (4, "w⁽¹⁾₂₁")):
        figure = BackpropStepper(sizes=BY_HAND, batch=m, chosen=2, step=5)
        assert re.sub(r"\s+", " ", lines(figure)).startswith(
            f" {name} = −0.5000 , from x₂ to z⁽¹⁾₁"
        )
        assert cell.findall(figure.view()["marks"]["layers"]["html"])[0] == "−0.5000"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_batch_is_the_mean_of_its_examples(mistake: str) -> None:
    whole = BackpropStepper(batch=4, mistake=mistake)._run().got
    net = LESSONS["2-2-2-2"]
    params = [(np.array(W, float), np.array(b, float)) for W, b in net["params"]]
    alone = [
        BackpropStepper(params, x, y, mistake=mistake)._run().got
        for x, y in zip(net["X"][:4], net["Y"][:4], strict=True)
    ]
    for k, dW in enumerate(whole.dW):
        size = 4 if mistake == "no_mean" else 1
        mean = size * np.mean([p.dW[k] for p in alone], axis=0)
        np.testing.assert_allclose(dW, mean, atol=1e-15)
        np.testing.assert_allclose(whole.db[k], size * np.mean([p.db[k] for p in alone], axis=0))


def test_mistakes_in_a_batch() -> None:
    figure = BackpropStepper(batch=3, mistake="no_transpose", sizes=BY_HAND)
    end = "W⁽²⁾ is 3×4 and a row of dZ⁽²⁾ has 4 entries."
    assert f"NumPy stops before dA⁽¹⁾: {end}" in figure.sentence()
    assert "First wrong quantity: dZ⁽²⁾" in BackpropStepper(batch=3, mistake="no_slope").sentence()


def test_a_missing_mean_shows_in_a_batch_only() -> None:
    figure = BackpropStepper(batch=4, mistake="no_mean", step=8)
    assert "First wrong quantity: dZ⁽³⁾" in figure.sentence()
    assert figure.view()["marks"]["formula"]["text"] == "dZ⁽³⁾ = (Ŷ − Y)"
    run = figure._run()
    for got, right in zip(run.got.dW, run.right.dW, strict=True):
        np.testing.assert_allclose(got, 4 * right)
    assert "the mistake changes no number" in BackpropStepper(mistake="no_mean").sentence()


def test_own_batch_backward() -> None:
    calls = []

    def mine(*given: Any) -> Any:
        calls.append(given)
        return mlp_backward_batch(*given)

    figure = BackpropStepper(*own_batch(), backward=mine)
    assert "3 examples" in figure.sentence()
    assert AGREES in figure.sentence()
    params, cache, Y, _ = calls[0]
    assert [W.shape for W, _ in params] == [(2, 3), (3, 3)]
    assert (Y.shape, cache["a"][1].shape) == ((3, 3), (3, 3))
    assert figure.view()["limits"]["batch"] == (2, 3, 1)
    figure.batch = 2
    assert calls[-1][2].shape == (2, 3)
    assert "Your numbers are the reference's" in figure.sentence()


@pytest.mark.parametrize(
    ("scale", "remark"),
    [
        (3, "They are 3 times the right ones: the 1/m of the mean is missing."),
        (1 / 3, "They are 1/3 of the right ones: the 1/m of the mean stands there twice."),
    ],
)
def test_own_batch_backward_and_the_mean(scale: float, remark: str) -> None:
    def scaled(*given: Any) -> Any:
        return [(scale * dW, scale * db) for dW, db in mlp_backward_batch(*given)]

    said = BackpropStepper(*own_batch(), backward=scaled).sentence()
    assert f"Your first wrong quantity: dW⁽²⁾. {remark}" in said


def test_own_batch_backward_with_a_wrong_bias() -> None:
    def mine(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
        (dW, db), last = mlp_backward_batch(params, cache, Y, dg)
        return [(dW, 2 * db), last]

    assert "quantity: db⁽¹⁾." in BackpropStepper(*own_batch(), backward=mine).sentence()
    flat = BackpropStepper(
        *own_batch(),
        backward=lambda *given: [(dW, db.sum(axis=0)) for dW, db in mlp_backward_batch(*given)],
    )
    assert "expected shape (1, 3), got shape (3,)" in flat.sentence()


def test_one_form_for_an_own_function() -> None:
    one = BackpropStepper(*own_network(), backward=mlp_backward)
    assert one.view()["limits"]["batch"] == (1, 1, 1)
    lesson = BackpropStepper(backward=mlp_backward)
    assert lesson.view()["limits"]["batch"] == (1, 1, 1)
    rows = BackpropStepper(batch=4, backward=mlp_backward_batch)
    assert rows.view()["limits"]["batch"] == (2, 5, 1)
    assert "Your numbers are the reference's" in rows.sentence()
    with pytest.raises(ValueError, match="expected 2 to 5 examples"):
        BackpropStepper(*own_batch(6))
    params, X, Y = own_batch()
    with pytest.raises(ValueError, match=r"y: expected shape \(3, 3\), got \(2, 3\)"):
        BackpropStepper(params, X, Y[:2])


@pytest.mark.browser
def test_one_example_or_a_batch(open_page: Any) -> None:
    page = open_page("backprop")
    example = page.locator("[data-lm-trait=example]")
    assert example.get_attribute("max") == "1"
    page.locator("[data-lm-trait=batch]").press("End")
    page.wait_for_selector(".lm-matrix caption:has-text('X 5×2')")
    assert example.get_attribute("max") == "5"
    example.press("End")
    page.wait_for_selector(".lm-graph text:text('x₁ 0.2000')")
    assert page.locator(".lm-matrix .lm-mine").first.locator("td").first.inner_text() == "0.2000"


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
    page.mouse.move(0, 0)  # or scrolling to the slider brings another number under the pointer
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


@pytest.mark.browser
def test_an_own_function_on_a_page_without_a_kernel(browser: Any, tmp_path: Any) -> None:
    figure = BackpropStepper(*own_network(), backward=mlp_backward)
    script, style = bundle.page_script("backprop"), bundle.style_sheet("backprop")
    markup = f'<meta charset="utf-8"><style>{style}</style>{figure.html()}<script>{script}</script>'
    (tmp_path / "own.html").write_text(markup, encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "own.html").as_uri())
    page.wait_for_selector("[data-lm-ready]")
    verdict = page.locator('[data-lm="verdict"]')
    assert verdict.inner_text() == AGREES
    page.select_option("[data-lm-trait=activation]", "tanh")
    page.wait_for_selector('[data-lm="verdict"]:text("has not been called for this state")')
    assert "✓" not in page.locator('[data-lm="check"]').inner_text()
    page.select_option("[data-lm-trait=activation]", "sigmoid")
    page.wait_for_selector('[data-lm="verdict"]:text("Your numbers are the reference")')
    page.close()
