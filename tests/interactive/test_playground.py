"""What only the Playground does: runs that Python, the page and a link make alike."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from traitlets import TraitError

from mlp_lib import mlp_backward_batch, numerical_gradient
from mlp_lib.init import INIT_SCHEMES, init_params
from mlp_lib.interactive import Playground
from mlp_lib.interactive.playground import _usual
from mlp_lib.interactive.playground_run import DATA, Training, measured, sizes_of
from mlp_lib.network import MLP
from mlp_lib.optimisers import OPTIMISERS
from mlp_lib.training import fit

PLAIN = _usual() | {"hidden": [5, 4]}


def made(**settings: Any) -> tuple[Training, dict[str, Any]]:
    state = PLAIN | settings
    run = Training(state)
    run.advance(state)
    return run, state


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("batch", [7, 200])
def test_a_run_is_what_fit_makes_of_the_same_seed(name: str, batch: int) -> None:
    settings = {"optimiser": name, "lr": 0.02, "batch": batch, "dropout": 0.25, "rate": 0.01}
    updates = 3 * -(-140 // min(batch, 140))
    run, state = made(**settings, penalty="l2", steps=updates)
    rng = np.random.default_rng(state["seed"])
    DATA["circles"].make(200, rng, state["noise"])
    rng.permutation(200)
    start = init_params(sizes_of(state), rng, state["init"])
    net = MLP.from_params(start, "tanh", "sigmoid")
    fit(
        net,
        run.train.X,
        run.train.Y,
        epochs=3,
        batch_size=None if batch == 200 else batch,
        optimiser=OPTIMISERS[name](lr=0.02),
        rng=rng,
        l2=0.01,
        dropout=0.25,
    )
    assert (run.t, run.epoch) == (updates, 3)
    np.testing.assert_allclose(run.net.theta, net.theta, rtol=1e-9, atol=1e-12)


def test_generators_start_and_training_of_the_page_are_those_of_python(node: Any) -> None:
    """Data, split, start and a run with changes on the way, for every data set and scheme."""
    rng = np.random.default_rng(3)
    states = []
    for k, name in enumerate([*DATA] * 3):
        features = [bool(v) for v in rng.random(7) < 0.5]
        features[k % 7] = True
        states.append(
            PLAIN
            | {
                "data": name,
                "seed": int(rng.integers(100)),
                "noise": float(rng.integers(0, 51) / 100),
                "share": float(rng.choice([0.1, 0.25, 0.3, 0.9])),
                "features": features,
                "hidden": [int(n) for n in rng.integers(1, 9, rng.integers(0, 5))],
                "activation": str(rng.choice(["tanh", "sigmoid", "softplus", "gelu"])),
                "init": list(INIT_SCHEMES)[k % len(INIT_SCHEMES)],
                "optimiser": str(rng.choice(["sgd", "momentum", "nesterov", "adam"])),
                "lr": 0.03,
                "batch": int(rng.choice([1, 7, 30, 200])),
                "penalty": str(rng.choice(["none", "l1", "l2"])),
                "dropout": float(rng.choice([0, 0.3])),
                "steps": 20,
                "until": [[8, "lr", 0.1], [10, "optimiser", "momentum"], [14, "batch", 9]],
                "edits": [[5, 0, 0.5], [20, 1, -0.7]],
            }
        )
    body = """
        const { Training, proceed } = figure.maths;
        return data.map((state) => {
          const run = new Training(state);
          const start = [...run.theta];
          proceed(run, state);
          const { train, test, t, epoch, curve } = run;
          const [X, Y, testX] = [train.X, train.Y, test.X].map((v) => [...v]);
          return { X, Y, testX, start, t, epoch, curve, theta: [...run.params(state)] };
        });
    """
    for state, got in zip(states, node("playground", body, states), strict=True):
        run = Training(state)
        exact = {"rtol": 1e-13, "atol": 1e-14}  # sin πx passes through 0
        np.testing.assert_allclose(got["X"], run.train.X.ravel(), **exact)
        np.testing.assert_allclose(got["Y"], run.train.Y.ravel(), **exact)
        np.testing.assert_allclose(got["testX"], run.test.X.ravel(), **exact)
        np.testing.assert_allclose(got["start"], run.net.theta, **exact)
        run.advance(state)
        assert (got["t"], got["epoch"]) == (run.t, run.epoch)
        np.testing.assert_allclose(got["theta"], run.shown(state).theta, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(got["curve"], run.curve, rtol=1e-9)


def test_random_numbers_are_those_of_numpy(node: Any) -> None:
    body = """
        return data.map((seed) => {
          const rng = figure.maths.generator(seed);
          const u = [1, 2, 3].map(() => rng.random());
          const normal = Array.from({ length: 20000 }, () => rng.normal());
          const order = rng.permutation(137);
          return { u, order, normal, more: rng.permutation(5), last: rng.uniform(-1, 2) };
        });
    """
    seeds = [0, 1, 12345, 2**32 - 1]
    for seed, got in zip(seeds, node("playground", body, seeds), strict=True):
        rng = np.random.default_rng(seed)
        assert got["u"] == rng.random(3).tolist()
        np.testing.assert_allclose(got["normal"], rng.standard_normal(20000), rtol=1e-13)
        assert got["order"] == rng.permutation(137).tolist()
        assert got["more"] == rng.permutation(5).tolist()
        assert got["last"] == rng.uniform(-1, 2)


@pytest.mark.parametrize("data", ["xor", "gaussians", "saddle"])
def test_the_gradient_shown_is_the_slope_of_the_loss_shown(data: str) -> None:
    run, state = made(data=data, steps=15)
    net = run.shown(state)
    got = measured(run, net).gradient

    def loss(theta: Any) -> float:
        net.theta[...] = theta
        return net.loss(run.train.X, run.train.Y)

    np.testing.assert_allclose(got, numerical_gradient(loss, net.theta.copy()), atol=1e-8)


def test_every_bias_takes_one_step_an_update() -> None:
    run, state = made(steps=0)
    state["batch"], state["steps"] = 200, 1
    gradient, before = measured(run, run.net).gradient, run.net.theta.copy()
    run.advance(state)
    np.testing.assert_allclose(run.net.theta, before - state["lr"] * gradient, rtol=1e-12)


def test_a_setting_changed_on_the_way_belongs_to_the_run() -> None:
    figure = Playground(steps=30)
    figure.lr = 0.5
    figure.lr = 0.7  # nothing was done with 0.5
    assert figure.until == [[30, "lr", 0.1]]
    figure.steps = 60
    again = Playground(steps=60, lr=0.7, until=[[30, "lr", 0.1]])
    assert figure.link == again.link
    for mine, other in zip(figure.params, again.params, strict=True):
        np.testing.assert_array_equal(mine[0], other[0])
    plain = Playground(steps=60, lr=0.7)
    assert not np.allclose(plain.params[0][0], figure.params[0][0])


def test_another_start_is_another_run() -> None:
    figure = Playground(steps=30, edits=[[10, 0, 1.5]])
    figure.seed = 4
    assert (figure.steps, figure.until, figure.edits) == (0, [], [])


def test_an_edit_moves_one_parameter() -> None:
    plain, edited = Playground(steps=20), Playground(steps=20, edits=[[20, 3, 0.25]])
    flat = [
        np.concatenate([t.ravel() for p in figure.params for t in p]) for figure in (plain, edited)
    ]
    assert np.flatnonzero(flat[0] != flat[1]).tolist() == [3]
    assert flat[1][3] == 0.25


LINKED = [
    {},
    {"data": "xor", "hidden": [], "features": [False] * 4 + [True] * 3, "steps": 40, "lr": 1e-5},
    {"data": "arms", "hidden": [8, 1], "optimiser": "adam", "discrete": True, "tests": False},
    {"steps": 60, "until": [[30, "lr", 0.3], [40, "optimiser", "adam"], [50, "batch", 7]]},
    {"edits": [[0, 2, -0.125], [3, 20, 1e-7]], "steps": 9, "chosen": 21, "penalty": "l1"},
    {"start": [0.1 * k - 1 for k in range(25)], "steps": 3, "noise": 0.0, "share": 0.15},
]


@pytest.mark.parametrize("settings", LINKED, ids=range(len(LINKED)))
def test_a_link_holds_the_run(settings: dict[str, Any], node: Any) -> None:
    figure = Playground(**settings)
    again = Playground.from_link("https://example.org/12-training.html" + figure.link)
    assert again.state() == figure.state()
    body = "return figure.maths.readLink(data.link, data.usual, figure.maths.fits);"
    read = node("playground", body, {"link": figure.link, "usual": _usual()})
    assert read == {name: getattr(figure, name) for name in _usual()}


def test_the_page_has_the_usual_state_of_python(node: Any) -> None:
    assert node("playground", "return figure.maths.USUAL;", None) == json.loads(
        json.dumps(_usual())
    )


@pytest.mark.parametrize(
    "pair",
    ["data=spirals", "hidden=9", "lr=-1", "steps=1e9", "features=0,0,0,0,0,0,0", "until=3,x,1"],
)
def test_a_link_with_impossible_values_is_refused(pair: str, node: Any) -> None:
    body = """
        const { USUAL, fits, readLink } = figure.maths;
        return readLink(`#playground&${data}`, USUAL, fits);
    """
    assert node("playground", body, pair) == _usual()
    if not pair.startswith("until"):
        with pytest.raises((TraitError, ValueError)):
            Playground.from_link(f"#playground&{pair}")


def test_the_students_parameters_are_the_start() -> None:
    rng = np.random.default_rng(5)
    params = init_params([2, 3, 1], rng)
    figure = Playground("moons", params=params)
    assert figure.hidden == [3]
    for mine, shown in zip(params, figure.params, strict=True):
        np.testing.assert_array_equal(mine[0], shown[0])
        np.testing.assert_array_equal(mine[1], shown[1])
    assert "a start of your own" in figure.sentence()
    with pytest.raises(ValueError, match="expected layers 2-3-3"):
        Playground("gaussians", params=params)


def _forgets_the_mean_below(params: Any, cache: Any, Y: Any, dg: Any, **pair: Any) -> Any:
    grads = mlp_backward_batch(params, cache, Y, dg, **pair)
    return [(dW * len(Y), db * len(Y)) if k == 0 else (dW, db) for k, (dW, db) in enumerate(grads)]


@pytest.mark.parametrize("data", ["circles", "arms", "saddle"])
def test_the_students_backward_is_compared(data: str) -> None:
    assert (
        "Your gradient is the reference's"
        in Playground(data, backward=mlp_backward_batch).sentence()
    )
    wrong = Playground(data, backward=_forgets_the_mean_below, steps=3)
    assert "Your first wrong quantity, from the output back: dW⁽¹⁾" in wrong.sentence()
    wrong.steps = 12
    assert wrong.own["at"][0] == 12
    assert "dW⁽¹⁾" in wrong.sentence()


def test_what_the_students_backward_may_do() -> None:
    said = Playground(backward=lambda *_: 1 / 0).sentence()
    assert "Your function raised ZeroDivisionError" in said
    said = Playground(backward=lambda *_: []).sentence()
    assert "expected 3 pairs (dW, db), got 0" in said

    def narrow(params: Any, cache: Any, Y: Any, dg: Any) -> Any:
        return [(W.T, b) for W, b in params]

    assert "dW⁽³⁾, expected shape (2, 1), got (1, 2)" in Playground(backward=narrow).sentence()


def test_a_run_that_diverges_says_so() -> None:
    figure = Playground("hills", lr=10.0, activation="identity", steps=5000)
    assert "diverges" in figure.sentence()


def test_dead_units_are_counted() -> None:
    params = [(np.zeros((2, 3)), np.array([[-1.0, -1.0, 1.0]])), (np.ones((3, 1)), np.ones((1, 1)))]
    figure = Playground(params=params, activation="relu")
    assert "dead units: 2 of 3" in figure.sentence()


def test_one_input_is_always_on() -> None:
    with pytest.raises(TraitError, match="at least one"):
        Playground(features=[False] * 7)


# In the page.

STEPS = "Number(document.querySelector('[data-lm=update]').textContent)"


def _until(page: Any, condition: str) -> None:
    page.wait_for_function(f"() => {condition}")


def _text(page: Any, mark: str) -> str:
    return str(page.locator(f'[data-lm="{mark}"]').first.text_content())


@pytest.mark.browser
def test_a_run_by_keyboard_alone(open_page: Any) -> None:
    page = open_page("playground", reduced_motion="reduce")
    page.wait_for_timeout(300)
    assert _text(page, "update") == "0"  # nothing moves by itself
    run = page.get_by_role("button", name="run / pause")
    run.focus()
    page.keyboard.press("Space")
    _until(page, f"{STEPS} > 100")
    assert run.get_attribute("aria-pressed") == "true"
    page.keyboard.press("Space")
    assert run.get_attribute("aria-pressed") == "false"
    _until(page, f"location.hash.endsWith('&steps=' + {STEPS})")
    page.keyboard.press("Tab")
    before = int(_text(page, "update"))
    page.keyboard.press("Enter")
    _until(page, f"{STEPS} === {before + 14}")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    _until(page, f"{STEPS} === 0")


@pytest.mark.browser
def test_a_link_makes_the_run_again(open_page: Any) -> None:
    page = open_page("playground")
    page.select_option("[data-lm-trait=data]", "gaussians")
    page.locator("[data-lm-field=lr]").fill("0.05")
    for _ in range(5):
        page.get_by_role("button", name="step", exact=True).click()
    page.select_option("[data-lm-trait=optimiser]", "adam")
    page.get_by_role("button", name="step", exact=True).click()
    page.locator("[data-lm-trait=chosen]").focus()
    page.keyboard.press("ArrowRight")
    page.locator("[data-lm-field=weight]").fill("-1.25")
    page.get_by_role("button", name="step", exact=True).click()
    _until(page, "location.hash.includes('steps=98') && location.hash.includes('edits=84,1,-1.25')")
    link, sentence = page.url, page.locator(".lm-sentence")
    page.wait_for_timeout(300)
    said = sentence.inner_text()
    assert "until=70,optimiser,sgd" in link
    again = open_page("index", ready=False)
    again.goto(link)
    again.wait_for_function(
        "(said) => document.querySelector('.lm-sentence').innerText === said", arg=said
    )
    assert Playground.from_link(link).sentence() == said


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"data": "xor"}, "● ŷ = 0|ŷ = 1 ■"),
        ({"data": "xor", "discrete": True}, "● ŷ = 0|ŷ = 1 ■"),
        ({"data": "plane"}, "● ŷ ≥ 1|ŷ ≤ −1 ■"),
        ({"data": "arms"}, "● 0|■ 1|▲ 2|the likeliest; pale: unsure"),
        ({"data": "arms", "discrete": True}, "● 0|■ 1|▲ 2|the likeliest"),
        ({"unit": 1, "activation": "sigmoid", "discrete": True}, "above 0|below 0"),
        ({"unit": 3, "activation": "sigmoid"}, "above 0.5|below 0.5"),
        ({"unit": 3}, "above 0|below 0"),
        ({"unit": 60, "data": "plane", "activation": "sigmoid"}, "above 0|below 0"),
        ({"unit": 60}, "above 0.5|below 0.5"),
    ],
)
def test_the_colours_of_the_map_have_a_legend(node: Any, state: Any, said: str) -> None:
    figure = Playground(**state)
    html = figure.view()["marks"]["legend"]["html"]
    assert [part for part in re.split("<[^>]*>", html) if part] == said.split("|")
    assert ("lm-cut" in html) == (state == {"data": "xor", "discrete": True})
    assert node("playground", "return figure.view(data).marks.legend.html;", figure.state()) == html


def test_a_bias_is_marked_by_sign_and_size() -> None:
    figure = Playground(hidden=[2])
    assert "lm-bias" not in figure.view()["marks"]["graph"]["html"]  # all begin at 0
    figure.edits = [[0, 4, 0.5], [0, 5, -1.0]]
    html = figure.view()["marks"]["graph"]["html"]
    found = re.findall(r'class="lm-bias (lm-\w)" x="[\d.]+" y="[\d.]+" width="([\d.]+)"', html)
    assert found == [("lm-a", "6.0"), ("lm-b", "9.0")]


@pytest.mark.browser
def test_a_click_on_a_line_and_a_unit_chooses_it(open_page: Any) -> None:
    page = open_page("playground")
    line = page.locator('[data-w="23"]')
    place = line.evaluate(
        """(path) => {
          const at = path.getPointAtLength(path.getTotalLength() * 0.3);
          const { x, y } = new DOMPoint(at.x, at.y).matrixTransform(path.getScreenCTM());
          return [x, y];
        }"""
    )
    page.mouse.click(*place)
    _until(page, "document.querySelector('[data-lm=weight]').textContent.startsWith('w⁽³⁾ 1 → 1')")
    page.locator('[data-u="4"]').click()
    _until(page, "document.querySelector('[data-lm=shown]').textContent === 'the plane: a⁽¹⁾₂'")
    _until(page, "document.querySelector('[data-lm=legend]').innerText.startsWith('above 0')")
    page.locator('[data-w="10"]').click()  # the corner of the unit
    _until(page, "document.querySelector('[data-lm=weight]').textContent.startsWith('b⁽¹⁾ 2 =')")


@pytest.mark.browser
def test_layers_and_units_come_and_go(open_page: Any) -> None:
    page = open_page("playground")
    for _ in range(6):
        page.get_by_role("button", name="one layer more").click()
    page.get_by_role("button", name="layer 6, one unit more").click()
    page.wait_for_selector('.lm-sentence:text("Network 2-4-2-2-2-2-3-1")')
    for _ in range(7):
        page.get_by_role("button", name="one layer fewer").click()
    page.wait_for_selector('.lm-sentence:text("Network 2-1 on")')


@pytest.mark.browser
def test_a_running_network_leaves_the_page_responsive(open_page: Any) -> None:
    """Frames while a 2-8-8-1 network trains, at the best of six times: the machine may be busy."""
    page = open_page("playground")
    page.evaluate("location.hash = '#playground&hidden=8,8'")
    page.wait_for_selector('.lm-sentence:text("2-8-8-1")')
    page.get_by_role("button", name="run / pause").click()
    intervals = page.evaluate(
        """async () => {
          const found = [];
          let last = performance.now();
          while (found.length < 180) {
            await new Promise(requestAnimationFrame);
            const now = performance.now();
            found.push(now - last);
            last = now;
          }
          return found;
        }"""
    )
    assert np.median(np.reshape(intervals, (6, 30)), axis=1).min() < 25
    assert int(_text(page, "update")) > 300
    before = page.locator(".lm-sentence").inner_text()
    page.wait_for_function(
        "(before) => document.querySelector('.lm-sentence').innerText !== before",
        arg=before,
        timeout=15_000,
    )
