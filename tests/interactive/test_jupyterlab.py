"""In JupyterLab a figure and its Python object are in sync both ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import pytest

from mlp_lib import interactive

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# what changes a control of each kind
KEYS = {"range": "ArrowRight", "select-one": "ArrowDown", "button": "Space", "text": "+"}

# What Python sets, a trait of every figure.
SET: dict[str, tuple[str, Any]] = {
    "Activations": ("z", -3.0),
    "Approximation": ("units", 4),
    "BackpropStepper": ("activation", "relu"),
    "BatchBridge": ("m", 3),
    "Chain": ("depth", 4),
    "Dropout": ("p", 0.5),
    "Forward": ("output", "identity"),
    "GradientCheck": ("at", 30),
    "GradientDescent": ("optimiser", "adam"),
    "Graph": ("values", [1.5, -2.0, 0.5, 1.0, -1.0, 1.5]),
    "Losses": ("y", 0),
    "Neuron": ("b", -1.0),
    "OuterProduct": ("receivers", 3),
    "Perceptron": ("extra", "1"),
    "Playground": ("steps", 5),
    "Shapes": ("m", 3),
    "Softmax": ("shift", 1000.0),
    "Vanishing": ("compare", "relu"),
}
# What follows from the first control.
ALSO = {"Perceptron": {"updates"}}  # other targets begin before the first update
CELLS = [
    "import json\nfrom mlp_lib import interactive\n"
    "figures = {name: getattr(interactive, name)() for name in interactive.__all__}\n"
    "turn = 0\ndisplay(*figures.values())",
    "turn += 1\n"
    "print(json.dumps([turn, {name: [f.state(), f.sentence()] for name, f in figures.items()}]))",
    f"for name, (trait, value) in {SET!r}.items():\n    setattr(figures[name], trait, value)",
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
OTHERS = """from mlp_lib import chain_backward, d_tanh
from mlp_lib.interactive import Activations, Chain, Graph

called = {}


def doubled(w, cache, y, dg):
    called["chain"] = len(w)
    dw, delta, e = chain_backward(w, cache, y, dg)
    return 2 * dw, delta, e


class Value:
    def __init__(self, data, parents=(), slopes=()):
        self.data, self.grad, self.parents, self.slopes = data, 0.0, parents, slopes

    def __add__(self, other):
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def backward(self):
        called["graph"] = self.data
        self.push(1.0)

    def push(self, amount):
        self.grad = amount  # and not +=
        for parent, slope in zip(self.parents, self.slopes):
            parent.push(slope * amount)


curve = Activations("tanh", own=(lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0), z=1)
chain = Chain(backward=doubled)
graph = Graph("u = a*b; u + u + a", engine=Value)
display(curve, chain, graph)"""
OWN_CELLS = [
    MINE,
    "print('asked for', asked[-1], 'has', forward.numbers[0])",
    "forward.output, forward.numbers = 'identity', [-1.0, *forward.numbers[1:]]",
    "stepper = BackpropStepper(backward=no_transpose)\nstepper",
    "stepper.pair = 'bce_sigmoid'",
    "batch = BackpropStepper(batch=5, backward=no_mean)\nbatch",
    "print('batch of', batch.batch, batch.own['at'][-1])",
    OTHERS,
    "curve.z, chain.y, graph.values = 2.0, 0.5, [1.5, *graph.values[1:]]",
    "print('curve at', curve.z, curve.activation, '; chain of', called['chain'], chain.depth, "
    "'; graph of', graph.expression, called['graph'])",
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
            cells=[
                # long outputs scroll, so that all cells stay in the page
                nbformat.v4.new_code_cell(source, metadata={"scrolled": True})
                for source in cells
            ],
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


def _move(figure: Any) -> tuple[str, Any, Any]:
    """Change the first enabled control of a figure; its trait, the trait's entry and the value."""
    control = figure.locator(
        ":is(input, select, button)[data-lm-trait]:enabled:not([aria-pressed=true])"
    ).first.element_handle()  # this one, also when it is pressed
    kind = control.evaluate("node => node.type")
    key = KEYS[kind]
    if kind == "range" and control.evaluate("node => node.value === node.max"):
        key = "ArrowLeft"
    control.focus()
    if kind == "text":
        control.press("End")
    control.press(key)  # JupyterLab must not take the key for itself
    trait, index, value = control.evaluate(
        """({ type, dataset, value, valueAsNumber }) =>
          [dataset.lmTrait, dataset.lmIndex ?? null, type === "range" ? valueAsNumber : value]"""
    )
    return trait, index, json.loads(value) if kind == "button" else value


def test_every_figure_is_in_sync_both_ways(lab: str, browser: Any) -> None:
    assert set(SET) == set(interactive.__all__)
    page, run = _open(lab, browser, "figures", len(CELLS))
    shown = run(0)
    figures = {
        name: shown.locator(f"[data-lm-figure={getattr(interactive, name).name}][data-lm-ready]")
        for name in interactive.__all__
    }
    for figure in figures.values():
        figure.wait_for(timeout=60_000)

    turn = 0

    def python() -> dict[str, tuple[dict[str, Any], str]]:
        """State and sentence of every figure in Python, once the browser shows the same."""
        nonlocal turn
        run(1)
        printed = page.wait_for_function(  # not what stands there from the last time
            """(turn) => {
                 const [, cell] = document.querySelectorAll(".jp-Notebook .jp-CodeCell");
                 const text = cell.querySelector(".jp-OutputArea-output pre")?.textContent;
                 return text?.endsWith("\\n") && JSON.parse(text)[0] > turn ? text : null;
               }""",
            arg=turn,
            timeout=20_000,
        )
        turn, made = json.loads(printed.json_value())
        for name, (_, sentence) in made.items():
            kind = getattr(interactive, name).name
            page.wait_for_function(
                "([kind, words]) => document.querySelector(`.lm-${kind} .lm-sentence`)"
                ".textContent === words",
                arg=[kind, sentence],
                timeout=20_000,
            )
        return made

    before = python()
    moved = {name: _move(figure) for name, figure in figures.items()}
    page.wait_for_timeout(500)
    after = python()
    for name, (trait, index, value) in moved.items():
        (old, said), (new, says) = before[name], after[name]
        changed = {key for key in new if new[key] != old[key]}
        assert (name, changed - ALSO.get(name, set())) == (name, {trait})
        assert (name, new[trait] if index is None else new[trait][int(index)]) == (name, value)
        assert says != said

    run(2)
    page.wait_for_timeout(500)
    last = python()
    for name, (trait, value) in SET.items():
        assert (name, last[name][0][trait]) == (name, value)
        assert last[name][1] != after[name][1]
    assert "gives nan, nan, nan." in last["Softmax"][1]
    page.context.close()


def test_a_readers_own_function_is_asked_again_after_every_change(lab: str, browser: Any) -> None:
    page, run = _open(lab, browser, "own", len(OWN_CELLS))

    def says(kind: str, *words: str) -> None:
        for said in words:
            page.locator(f".lm-{kind} .lm-sentence", has_text=said).wait_for(timeout=20_000)

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

    shown = run(7)
    shown.locator(".lm-graph[data-lm-ready]").wait_for(timeout=20_000)
    says("activations", "Yours first leaves tanh at z = −6: f = 0, expected −1.0000.")
    says("chain", "Your first wrong quantity: ∂J/∂w⁽³⁾ =")
    says("graph", "u is used 2 times, ∂y/∂u = 2. ", "∂y/∂u = 1, expected 2. That is one share of 2")
    shown.locator(".lm-activations [data-lm-trait=activation]").select_option("relu")
    says("activations", "Yours agrees with ReLU")
    shown.locator(".lm-chain [data-lm-trait=depth]").press("ArrowLeft")
    says("chain", "Chain of 2 sigmoid units", "Your first wrong quantity: ∂J/∂w⁽²⁾ =")
    field = shown.locator(".lm-graph input[data-lm-trait=expression]")
    field.fill("a*b + b")
    says("graph", "y = −9.", "∂y/∂b = 1, expected 3. That is one share of 2")
    shown.locator(".lm-graph [data-lm-trait=values]:enabled").first.press("ArrowRight")
    says("graph", "With a = 2.1000, b = −3: y = −9.3000.", "∂y/∂b = 1, expected 3.1000.")
    run(8)
    says("activations", "At z = 2, ReLU gives f = 2 with slope f′ = 1; yours gives f = 2")
    says("chain", "y = 0.5.", "Your first wrong quantity: ∂J/∂w⁽²⁾ =")
    says(
        "graph", "With a = 1.5000, b = −3: y = −7.5000.", "expected 2.5000. That is one share of 2"
    )
    words = "curve at 2.0 relu ; chain of 2 2 ; graph of a*b + b -7.5"
    run(9).locator(f"text={words}").wait_for(timeout=20_000)
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
