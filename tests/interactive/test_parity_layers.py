"""The figures of a single layer agree with mlp_lib, in both languages, and say what they show."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlp_lib import (
    accuracy,
    bce,
    cce,
    grad_bce,
    grad_mse,
    likelihood,
    mse,
    neuron_forward,
    nll,
    perceptron_predict,
    perceptron_train,
    weight_grad,
)
from mlp_lib.interactive.losses import Losses, predictions
from mlp_lib.interactive.neuron import BENDS, Neuron
from mlp_lib.interactive.outer import OuterProduct
from mlp_lib.interactive.perceptron import CORNERS, MOST, PRESETS, Perceptron

Node = Callable[[str, str, Any], Any]
NUMBER = re.compile(r"-?\d+\.?\d*")


def tenths(rng: np.random.Generator, limit: int, count: int) -> list[float]:
    """Settings as the sliders make them."""
    return [float(v) / 10 for v in rng.integers(-10 * limit, 10 * limit + 1, count)]


def same_picture(node: Node, states: list[Any]) -> None:
    """The page's view of each state has the marks, texts and sentence that Python's has."""
    views = node(states[0].name, "return data.map(figure.view);", [s.state() for s in states])
    for state, got in zip(states, views, strict=True):
        expected = state.view()
        for key in ("sentence", "values", "disabled"):
            assert got[key] == expected[key], state.state()
        assert got["marks"].keys() == expected["marks"].keys()
        for name, attributes in expected["marks"].items():
            there = got["marks"][name]
            assert there.keys() == attributes.keys(), name
            for key, value in attributes.items():
                if key in ("text", "html", "class"):
                    assert there[key] == value, (name, state.state())
                    continue
                assert NUMBER.sub("#", there[key]) == NUMBER.sub("#", value), name
                places = [[float(v) for v in NUMBER.findall(text)] for text in (there[key], value)]
                assert places[0] == pytest.approx(places[1], abs=0.11), (name, state.state())


def neurons() -> list[Neuron]:
    rng = np.random.default_rng(1)
    made = [Neuron(), Neuron(x=[0.1, 0.1, 0.0], w=[1.0, 2.0, 1.0], b=-0.3, activation="step")]
    for _ in range(150):
        x, w, b = tenths(rng, 2, 3), tenths(rng, 2, 3), tenths(rng, 3, 1)[0]
        made.append(Neuron(x=x, w=w, b=b, activation=str(rng.choice(list(BENDS)))))
    return made


def test_neuron_draws_the_same_picture(node: Node) -> None:
    same_picture(node, neurons())


def test_neuron_is_that_of_mlp_lib(node: Node) -> None:
    rng = np.random.default_rng(2)
    cases = [
        [rng.normal(size=3).tolist(), rng.normal(size=3).tolist(), float(rng.normal()), bend]
        for bend in BENDS
        for _ in range(300)
    ]
    body = "return data.map(([x, w, b, bend]) => figure.maths.neuron(x, w, b, bend));"
    for (x, w, b, bend), got in zip(cases, node("neuron", body, cases), strict=True):
        # z is rounded to twelve decimals
        assert got["z"] == pytest.approx(np.dot(w, x) + b, abs=1e-12)
        assert got["a"] == pytest.approx(neuron_forward(x, w, b, BENDS[bend][2]), abs=1e-11)
        assert got["parts"] == pytest.approx([*np.multiply(w, x), b], abs=1e-12)
        assert got["sums"] == pytest.approx(np.cumsum([*np.multiply(w, x), b]), abs=1e-11)


def test_bends_have_the_values_of_mlp_lib_at_their_corners(node: Node) -> None:
    z = [0.0, -0.0, 5e-324, -5e-324, 1e-12, -1e-12, 36.7, -36.7, 745.2, -745.2]
    body = "return data.z.map((v) => figure.maths.BENDS[data.bend](v));"
    for bend, (_, _, g) in BENDS.items():
        got = node("neuron", body, {"z": z, "bend": bend})
        np.testing.assert_allclose(got, g(np.array(z)), rtol=1e-13, atol=1e-307)


def test_neuron_of_the_lesson() -> None:
    said = Neuron(x=[0.5] * 3, w=[1.0] * 3, b=1.0).sentence()
    assert "add up to z = 2.5" in said
    assert "Sigmoid makes of it a = 0.9241" in said
    assert "z = 1.3; w₂x₂ pulls most, upwards" in Neuron().sentence()
    at_zero = Neuron(x=[0.1, 0.1, 0.0], w=[1.0, 2.0, 1.0], b=-0.3)
    assert 0.1 + 0.2 - 0.3 != 0
    for bend, a in (("step", "0"), ("sgn", "1"), ("relu", "0"), ("sigmoid", "0.5000")):
        at_zero.activation = bend
        assert at_zero.sentence().endswith(f"a = {a}.")


def test_losses_draw_the_same_picture(node: Node) -> None:
    rng = np.random.default_rng(3)
    made = [Losses(), Losses(yhat=0.0), Losses(yhat=1.0, y=0), Losses(p=[1.0] * 4)]
    made += [Losses(p=[0.01] * 4), Losses(p=[0.4] * 4), Losses(p=[0.0, 0.5, 0.5, 1.0])]
    for _ in range(200):
        yhat, *p = (rng.integers(0, 101, 5) / 100).tolist()
        made.append(Losses(yhat=yhat, y=int(rng.integers(2)), p=p))
    same_picture(node, made)


def test_losses_are_those_of_mlp_lib(node: Node) -> None:
    rng = np.random.default_rng(4)
    edges = [0.0, 1.0, 1e-12, 1e-13, 1 - 1e-12, 1e-300, 0.5]
    p = [*edges, *rng.random(500).tolist(), *(10 ** rng.uniform(-16, 0, 200)).tolist()]
    y = [float(v) for v in rng.integers(0, 2, len(p))]
    names = "bce", "gradBce", "mse", "gradMse"
    body = "const m = figure.maths; return data.p.map((p, i) => {names});".replace(
        "{names}", "[" + ", ".join(f"m.{name}([p], [data.y[i]])" for name in names) + "]"
    )
    for at, target, got in zip(p, y, node("losses", body, {"p": p, "y": y}), strict=True):
        expected = [f([at], [target]) for f in (bce, grad_bce, mse, grad_mse)]
        for mine, theirs in zip(got, expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-13, atol=1e-307)
    body = "const m = figure.maths; return {names};".replace(
        "{names}", "[" + ", ".join(f"m.{name}(data.p, data.y)" for name in names) + "]"
    )
    for mine, f in zip(
        node("losses", body, {"p": p, "y": y}), (bce, grad_bce, mse, grad_mse), strict=True
    ):
        np.testing.assert_allclose(mine, f(p, y), rtol=1e-12, atol=1e-307)


def test_likelihoods_are_those_of_mlp_lib(node: Node) -> None:
    rng = np.random.default_rng(5)
    body = "const m = figure.maths; return data.map(([P, Y]) => [m.cce(P, Y), m.each(P, Y), "
    body += "m.nll(P, Y), m.likelihood(P, Y), m.right(P, Y)]);"
    cases = []
    for _ in range(300):
        m, K = rng.integers(1, 7, 2)
        P = rng.dirichlet(np.full(K, 0.3), m)
        P[P < 0.02] = 0.0
        cases.append([P.tolist(), np.eye(K)[rng.integers(0, K, m)].tolist()])
    for (P, Y), got in zip(cases, node("losses", body, cases), strict=True):
        wholly = [cce(P, Y), cce(P, Y, per_example=True), nll(P, Y), likelihood(P, Y)]
        for mine, theirs in zip(got, wholly, strict=False):
            np.testing.assert_allclose(mine, theirs, rtol=1e-13, atol=1e-15)
        if len(P[0]) > 1:  # a single column means one half to `accuracy`
            assert np.mean(got[4]) == pytest.approx(accuracy(P, Y))


def test_losses_of_the_lesson() -> None:
    P, _ = predictions([0.8, 0.7, 0.7, 0.6])
    table = [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.6, 0.2, 0.2]]
    np.testing.assert_allclose(P, table, atol=1e-15)
    said = Losses().sentence()
    assert "−ln p = 1.6094" in said
    assert "likelihood 0.2352, minus its logarithm 1.4473, mean 0.3618; 4 of 4" in said
    marks = Losses().view()["marks"]
    assert [marks[f"loss-{i}"]["text"] for i in range(4)] == [
        "0.2231",
        "0.3567",
        "0.3567",
        "0.5108",
    ]
    assert marks["cce"] == marks["bce"] == {"text": "1.6094"}
    wrong = Losses(yhat=0.0, p=[0.8, 0.7, 0.7, 0.3])
    assert "−ln p = 27.631" in wrong.sentence()
    assert "the code replaces 0 by 10⁻¹²" in wrong.sentence()
    assert wrong.sentence().endswith("3 of 4 classified correctly.")
    assert wrong.view()["marks"]["hit-3"]["text"] == "✗"


def test_outer_product_draws_the_same_picture(node: Node) -> None:
    rng = np.random.default_rng(6)
    made = [OuterProduct(), OuterProduct(to=3, sender=3), OuterProduct(delta=[0.0] * 3)]
    made += [OuterProduct(delta=[0.5] * 3, a=[0.5] * 3, receivers=3)]
    for _ in range(200):
        delta, a = (rng.integers(-100, 101, (2, 3)) / 100).tolist()
        n, to, sender = (int(v) for v in rng.integers((2, 1, 1), 4))
        made.append(OuterProduct(delta=delta, a=a, receivers=n, to=to, sender=sender))
    same_picture(node, made)
    views = node("outer", "return data.map(figure.view);", [f.state() for f in made])
    assert [v["limits"]["to"] for v in views] == [[1, f.receivers, 1] for f in made]


def test_outer_product_is_that_of_mlp_lib(node: Node) -> None:
    rng = np.random.default_rng(7)
    cases = []
    for _ in range(500):
        m, n = rng.integers(1, 6, 2)
        cases.append([rng.normal(size=m).tolist(), rng.normal(size=n).tolist()])
    body = "return data.map(([delta, a]) => figure.maths.weightGrad(delta, a));"
    for (delta, a), got in zip(cases, node("outer", body, cases), strict=True):
        np.testing.assert_array_equal(got, weight_grad(delta, a))


def test_outer_product_of_the_lesson() -> None:
    said = OuterProduct().sentence()
    assert "0.5084, 0.4526, 0.0310; −0.2870, −0.2555, −0.0175" in said
    assert "at the place of w₂₁ it has a₂ · δ₁ = 0.4526" in said
    with pytest.raises(ValueError, match="shapes"):  # what the figure says of two receivers
        np.zeros((2, 3)) - np.zeros((3, 2))
    square = OuterProduct(receivers=3)
    dW = weight_grad(square.delta, square.a)
    assert (dW != dW.T).sum() == 6
    assert "no error message, and 6 of 9 weights go wrong" in square.sentence()
    alike = OuterProduct(receivers=3, delta=[0.2, 0.4, 0.6], a=[0.1, 0.2, 0.3])
    assert "by luck no difference" in alike.sentence()
    assert "it has nothing, no column 3" in OuterProduct(sender=3).sentence()


def test_perceptron_draws_the_same_picture(node: Node) -> None:
    rng = np.random.default_rng(8)
    made = [Perceptron(), Perceptron(updates=0), Perceptron(updates=MOST)]
    made += [Perceptron(targets=t, updates=k) for t in PRESETS.values() for k in range(0, MOST, 3)]
    for _ in range(200):
        targets = [int(v) for v in rng.choice([-1, 1], 4)]
        place = (rng.integers(-2, 7, 2) / 4).tolist()
        extra, updates = str(rng.choice(["none", "1", "-1"])), int(rng.integers(0, MOST + 1))
        made.append(Perceptron(targets=targets, updates=updates, extra=extra, place=place))
    same_picture(node, made)


def test_perceptron_is_that_of_mlp_lib(node: Node) -> None:
    rng = np.random.default_rng(9)
    cases = []
    for _ in range(60):
        m = int(rng.integers(1, 9))
        X, y = rng.normal(size=(m, 2)), rng.choice([-1.0, 1.0], m)
        cases.append([X.tolist(), y.tolist(), int(rng.integers(0, 40)), float(rng.uniform(0.1, 2))])
    body = """return data.map(([X, y, most, eta]) => {
      const path = figure.maths.train(X, y, most, eta);
      return [path, figure.maths.mistakes(X, y, path.at(-1))];
    });"""
    for (X, y, most, eta), (found, wrong) in zip(
        cases, node("perceptron", body, cases), strict=True
    ):
        w, updates, converged = perceptron_train(X, y, eta, most)
        assert len(found) == updates + 1
        np.testing.assert_allclose(found[-1], w, rtol=1e-12, atol=1e-14)
        assert (wrong == []) == converged
        assert wrong == np.flatnonzero(perceptron_predict(X, w) != y).tolist()


def test_perceptron_of_the_lesson(node: Node) -> None:
    for name, count, w in (
        ("AND", 11, "(−3, 1, 2)"),
        ("OR", 5, "(−1, 1, 1)"),
        ("NOR", 4, "(0, −1, −1)"),
    ):
        said = Perceptron(targets=PRESETS[name], updates=MOST).sentence()
        assert said.startswith(f"{name}: ")
        assert f"After {count} updates w = {w};" in said
        assert said.endswith("the algorithm has stopped.")
    and_ = Perceptron()
    assert "After 3 updates w = (−1, 1, 1); the line is −1 + x₁ + x₂ = 0." in and_.sentence()
    rows = and_.view()["marks"]["rows"]["html"]
    assert "<td>(−1, 0, 0)</td><td>11</td><td>−1</td><td>+1</td><td>(0, 1, 1)</td>" in rows
    xor = Perceptron(targets=PRESETS["XOR"], updates=6)
    assert "circle" not in xor.sentence()
    assert xor.view()["marks"]["circle"]["d"] == ""
    for updates in (7, 19, MOST):
        xor.updates = updates
        said = f"there after {updates - 4}: it goes round in a circle of 4 updates"
        assert said in xor.sentence()
    assert xor.view()["marks"]["circle"]["d"]
    # of the sixteen sets of targets, two have no line
    body = "return data.filter((s) => !figure.view(s).sentence.endsWith('stopped.')).length;"
    states = [
        Perceptron(targets=[1 - 2 * (k >> i & 1) for i in range(4)], updates=MOST).state()
        for k in range(16)
    ]
    assert node("perceptron", body, states) == 2


def test_perceptron_shades_where_it_says_yes() -> None:
    shares = []  # the area by the shoelace formula, against the share of a fine grid
    grid = np.stack(np.meshgrid(*[np.linspace(-0.75, 1.75, 401)] * 2), -1).reshape(-1, 2)
    for updates in range(12):
        figure = Perceptron(updates=updates)
        w, _, _ = perceptron_train(CORNERS, figure.targets, max_updates=updates)
        points = np.array(NUMBER.findall(figure.view()["marks"]["side"]["d"]), float).reshape(-1, 2)
        x, y = points.T if len(points) else np.zeros((2, 1))
        area = abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2 / 290**2
        shares.append((area, (perceptron_predict(grid, w) > 0).mean()))
    np.testing.assert_allclose(*np.transpose(shares), atol=0.01)


def test_perceptron_buttons(node: Node) -> None:
    """next, run, start again and the flips, as the page calls them."""
    body = "return data.map(([name, state, first]) => figure.maths.actions[name](state, first));"
    done = Perceptron(updates=30).state()
    cases = [
        ["next", Perceptron().state(), True],
        ["next", done, True],
        ["run", done, False],
        ["run", done, True],
        ["run", Perceptron(targets=[1, 1, 1, 1], updates=0).state(), True],
        ["next", Perceptron(targets=PRESETS["XOR"], updates=MOST).state(), True],
        ["flip1", Perceptron().state(), True],
        ["reset", done, True],
    ]
    assert node("perceptron", body, cases) == [
        {"updates": 4},
        None,
        None,
        {"updates": 0},
        None,
        None,
        {"targets": [-1, 1, -1, 1], "updates": 0},
        {"updates": 0},
    ]
