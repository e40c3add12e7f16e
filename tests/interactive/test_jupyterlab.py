"""In JupyterLab a figure and its Python object are in sync both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELLS = [
    "from mlp_lib.interactive import Activations, Softmax\nfigure = Activations()\nfigure",
    "print('z is', figure.z)",
    "figure.z, figure.activation = -3.0, 'relu'",
    "scores = Softmax()\nscores",
    "print('scores are', *(f'{v:g}' for v in [*scores.scores, scores.shift]))",
]

MINE = """import numpy as np
from mlp_lib import mlp_backward_batch, mlp_forward
from mlp_lib.interactive import BackpropStepper, Forward

asked = []


def without_bias(x, params, g, out):
    asked.append(float(x[0]))
    return mlp_forward(x, [(W, 0 * b) for W, b in params], g, out)


def no_transpose(params, cache, y, dg):
    delta, grads = cache["a"][-1] - y, []
    for k in reversed(range(len(params))):
        grads.insert(0, (np.outer(delta, cache["a"][k]), delta))
        if k:
            delta = params[k][0] @ delta * dg(cache["z"][k - 1])
    return grads


def no_mean(params, cache, Y, dg):
    return [(len(Y) * dW, len(Y) * db) for dW, db in mlp_backward_batch(params, cache, Y, dg)]


forward = Forward(forward=without_bias)
forward"""
OWN_CELLS = [
    MINE,
    "print('asked for', asked[-1], 'has', forward.numbers[0])",
    "forward.output, forward.numbers = 'identity', [-1.0, *forward.numbers[1:]]",
    "stepper = BackpropStepper(backward=no_transpose)\nstepper",
    "stepper.pair = 'bce_sigmoid'",
    "batch = BackpropStepper(batch=5, backward=no_mean)\nbatch",
    "print('batch of', batch.batch, batch.own['at'][-1])",
]


PLAY_CELLS = [
    "from mlp_lib import mlp_backward_batch\nfrom mlp_lib.interactive import Playground\n"
    "figure = Playground('xor', backward=mlp_backward_batch)\nfigure",
    "print('at', figure.steps, figure.until, figure.own['at'][0], figure.lr)",
    "figure.hidden = [3]",
    "figure.steps = 20",
    "print(figure.sentence())",
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, jupyter: Any) -> Iterator[str]:
    """The address of a JupyterLab that serves three notebooks."""
    home = tmp_path_factory.mktemp("lab")
    for name, cells in (("figures", CELLS), ("own", OWN_CELLS), ("play", PLAY_CELLS)):
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.write(notebook, home / f"{name}.ipynb")
    with jupyter("jupyterlab", home, home) as address:
        yield address


def _open(lab: str, browser: Any, name: str, count: int) -> tuple[Any, Callable[[int], Any]]:
    """The page of a notebook, and how to run one of its cells."""
    context = browser.new_context(viewport={"width": 1400, "height": 1600})
    page = context.new_page()
    page.goto(f"{lab}/lab/workspaces/{name}/tree/{name}.ipynb")  # one notebook in each
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    cells.nth(count - 1).wait_for(timeout=60_000)
    page.wait_for_selector(
        ".jp-Notebook-ExecutionIndicator[data-status=idle]", state="attached", timeout=60_000
    )

    def run(index: int) -> Any:
        cell = cells.nth(index)
        for _ in range(20):  # until the keystroke is heard: JupyterLab may still be settling
            cell.locator(".jp-InputArea-editor").click()
            page.keyboard.press("Control+Enter")
            page.wait_for_timeout(500)
            if cell.locator(".jp-InputPrompt").first.inner_text().strip() != "[ ]:":
                return cell
        pytest.fail(f"cell {index} does not run")

    return page, run


def test_traits_sync_both_ways(lab: str, browser: Any) -> None:
    page, run = _open(lab, browser, "figures", len(CELLS))
    figure = run(0).locator(".lm-figure[data-lm-ready]")
    figure.wait_for(timeout=60_000)
    slider = figure.locator("[data-lm-trait=z]")
    slider.focus()
    for _ in range(10):
        slider.press("ArrowRight")  # JupyterLab must not take the key for itself
    page.wait_for_function("document.querySelector('[data-lm-trait=z]').value === '2'")
    page.wait_for_timeout(300)
    run(1).locator("text=z is 2.0").wait_for(timeout=20_000)

    run(2)
    page.wait_for_function("document.querySelector('[data-lm-trait=z]').value === '-3'")
    assert figure.locator("[data-lm-trait=activation]").input_value() == "relu"
    page.wait_for_selector(".lm-sentence:text('At z = −3, ReLU gives f = 0')")

    softmax = run(3).locator(".lm-softmax[data-lm-ready]")
    softmax.wait_for(timeout=20_000)
    softmax.get_by_role("button", name="c = 1000", exact=True).click()
    softmax.locator("[data-lm-trait=scores]").first.press("ArrowLeft")
    page.wait_for_timeout(300)
    run(4).locator("text=scores are 0.9 3 -4 1000").wait_for(timeout=20_000)
    page.context.close()


def test_a_readers_own_function_is_asked_again_after_every_change(lab: str, browser: Any) -> None:
    page, run = _open(lab, browser, "own", len(OWN_CELLS))

    def says(kind: str, *words: str) -> None:
        for said in words:
            page.wait_for_function(
                "([kind, words]) => document.querySelector(`.lm-${kind} .lm-sentence`)"
                ".innerText.includes(words)",
                arg=[kind, said],
                timeout=20_000,
            )

    forward = run(0).locator(".lm-forward[data-lm-ready]")
    forward.wait_for(timeout=60_000)
    says("forward", "Your first wrong quantity: z⁽¹⁾ = 0.3500, 0.4500, expected 1.3500, 1.2500.")
    says("forward", "The same output comes from leaving out the biases.")
    forward.locator("[data-lm-trait=numbers]").first.press("ArrowRight")
    says("forward", "z⁽¹⁾ = 0.3850, 0.4950, expected 1.3850, 1.2950.")
    run(1).locator("text=asked for 0.55 has 0.55").wait_for(timeout=20_000)
    run(2)
    says(
        "forward", "identity output, x = −1.", "Your first wrong quantity: z⁽¹⁾ = −0.7000, −0.9000"
    )
    assert forward.locator("[data-lm-trait=output]").input_value() == "identity"
    assert "✗−0.7000" in forward.locator(".lm-net").text_content()

    stepper = run(3).locator(".lm-backprop[data-lm-ready]")
    stepper.wait_for(timeout=20_000)
    wrong = "Your first wrong quantity: ∂J/∂b⁽²⁾. The same numbers come from “W δ: no transpose”."
    says("backprop", "after 0 updates", wrong)
    updates = stepper.locator("[data-lm-trait=updates]")
    updates.press("ArrowRight")
    says("backprop", "after 1 update.", wrong)
    assert stepper.locator(".lm-matrix.lm-first").count() == 1
    run(4)
    says("backprop", "output sigmoid, binary cross-entropy", wrong)

    batch = run(5).locator(".lm-backprop[data-lm-ready]")
    batch.wait_for(timeout=20_000)
    sentence = batch.locator(".lm-sentence")
    missing = "They are {} times the right ones: the 1/m of the mean is missing."
    assert missing.format(5) in sentence.inner_text()
    batch.locator("[data-lm-trait=batch]").press("ArrowLeft")
    batch.locator(f".lm-sentence:has-text('{missing.format(4)}')").wait_for(timeout=20_000)
    run(6).locator("text=batch of 4 4").wait_for(timeout=20_000)
    page.context.close()


def test_a_run_of_the_playground_is_the_same_in_python(lab: str, browser: Any) -> None:
    page, run = _open(lab, browser, "play", len(PLAY_CELLS))
    figure = run(0).locator(".lm-figure[data-lm-ready]")
    figure.wait_for(timeout=60_000)
    address = page.url

    def says(words: str) -> None:
        figure.locator(f".lm-sentence:has-text('{words}')").wait_for(timeout=20_000)

    step = figure.get_by_role("button", name="step", exact=True)
    for _ in range(3):
        step.click()
    rate = figure.locator("[data-lm-field=lr]")
    rate.focus()
    rate.press("ArrowUp")
    step.click()
    says("After 56 updates")
    says("s in every dW and db.")
    run(1).locator("text=at 56 [[42, 'lr', 0.1]] 56 0.11").wait_for(timeout=20_000)

    run(2)
    says("Network 2-3-1 on")
    says("After 0 updates")
    run(3)
    says("After 20 updates")
    says("s in every dW and db.")
    said = run(4).locator(".jp-OutputArea-output").inner_text().strip()
    assert figure.locator(".lm-sentence").inner_text() == said
    play = figure.get_by_role("button", name="run / pause")
    play.click()
    page.wait_for_timeout(1500)
    play.click()
    page.wait_for_timeout(500)
    page.wait_for_function(
        "() => document.querySelector('[data-lm=own]').textContent.startsWith('Your gradient is')",
        timeout=20_000,
    )
    assert page.url == address
    page.context.close()
