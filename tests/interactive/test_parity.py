"""The mathematics of the figures in JavaScript is that of mlp_lib."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from mlp_lib import (
    ACTIVATIONS,
    activations,
    gd_update,
    linear_backward,
    mlp_backward,
    mlp_backward_batch,
    mlp_forward,
    mlp_forward_batch,
    softmax,
    to_col,
    to_row,
)
from mlp_lib.chain import chain_backward, chain_forward
from mlp_lib.col import path_products
from mlp_lib.delta import output_delta
from mlp_lib.interactive import (
    Activations,
    BackpropStepper,
    BatchBridge,
    Chain,
    Forward,
    GradientCheck,
    GradientDescent,
    Playground,
    Shapes,
    Softmax,
)
from mlp_lib.interactive.activations import LABELS, dead_intervals
from mlp_lib.interactive.backprop import LABELS as PLAIN_LABELS
from mlp_lib.interactive.backprop import MISTAKES, PAIRS, PRESETS, drawn, measure, roads
from mlp_lib.interactive.bridge import PLACES
from mlp_lib.interactive.descent import PRESETS as ETAS
from mlp_lib.interactive.descent import SURFACES, noise_source
from mlp_lib.interactive.gradcheck import FUNCTIONS, H, exp
from mlp_lib.interactive.gradcheck import measure as difference
from mlp_lib.interactive.playground_run import DATA
from mlp_lib.interactive.shapes import BREAKS
from mlp_lib.interactive.softmax import naive_softmax
from mlp_lib.optimisers import OPTIMISERS

Node = Callable[[str, str, Any], Any]
RTOL = 1e-13


def _forgets_the_transpose(params: Any, cache: Any, y: Any, dg: Any) -> Any:
    delta, grads = cache["a"][-1] - y, []
    for k in reversed(range(len(params))):
        grads.insert(0, (np.outer(delta, cache["a"][k]), delta))
        if k:
            delta = params[k][0] @ delta * dg(cache["z"][k - 1])
    return grads


def _wrong_shape(params: Any, cache: Any, y: Any, dg: Any) -> Any:
    return [(dW.sum(axis=1), db) for dW, db in mlp_backward(params, cache, y, dg)]


def _raises(params: Any, cache: Any, y: Any, dg: Any) -> Any:
    raise KeyError("a < b")


def _weight_inverted(w: Any, cache: Any, y: Any, dg: Any) -> Any:
    dw, delta, e = chain_backward(w, cache, y, dg)
    e[:-1] = delta[1:] / w[1:]
    return dw, delta, e


CHAIN_BACKWARD = (
    chain_backward,
    _weight_inverted,
    lambda *given: chain_backward(*given)[0],
    lambda *given: (None, [1, 2], [np.nan] * 4),
)
FORWARD = (
    mlp_forward,
    lambda x, params, g, out: mlp_forward(x, params, g, out)[0],
    lambda x, params, g, out: mlp_forward(x, [(W, 0 * b) for W, b in params], g, out),
    lambda x, params, g, out: mlp_forward(x, [(W.T, b) for W, b in params], g, out)[0],
    lambda x, params, g, out: (np.nan, {"z": [], "a": []}),
    lambda x, params, g, out: (np.nan, {"z": [1] * len(params), "a": [1] * (len(params) + 1)}),
)
ROWS = (
    mlp_backward_batch,
    lambda p, c, Y, dg: [(len(Y) * W, len(Y) * b) for W, b in mlp_backward_batch(p, c, Y, dg)],
    lambda p, c, Y, dg: [(W, b.ravel()) for W, b in mlp_backward_batch(p, c, Y, dg)],
    lambda p, c, Y, dg: [(W, 2 * b) for W, b in mlp_backward_batch(p, c, Y, dg)],
)
BACKWARD = (mlp_backward, _forgets_the_transpose, _wrong_shape, _raises)


def points() -> list[float]:
    rng = np.random.default_rng(7)
    edges = [0.0, -0.0, 5e-324, -5e-324, 1e-300, 1e-17, -1e-17, 1.5, -1.5, 2**0.5 * 1.5]
    edges += [36.7, -36.7, 38.5, -38.5, 709.0, -709.0, 745.2, -745.2, 1000.0, -1000.0, 1e18, -1e18]
    spread = rng.choice([-1, 1], 1000) * 10 ** rng.uniform(-12, 2.5, 1000)
    return [*edges, *np.linspace(-30, 30, 2401), *rng.normal(0, 3, 2000), *spread]


def assert_close(got: list[float], expected: list[float], z: list[float], atol: float) -> None:
    got_, expected_ = np.array(got, float), np.array(expected, float)
    # below the smallest normal number a double has fewer digits to agree on
    allowed = RTOL * np.abs(expected_) + atol + 1e-307
    bad = ~((np.abs(got_ - expected_) <= allowed) | (got_ == expected_))
    bad &= ~(np.isnan(got_) & np.isnan(expected_))
    i = int(bad.argmax())
    assert not bad.any(), f"{bad.sum()} differ, first at z = {z[i]!r}: {got[i]!r}, {expected[i]!r}"


# 1 − tanh² keeps absolute, not relative, digits where tanh is near 1, here and in numpy alike.
CANCELS = {"tanh": 5e-16}


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activation_and_slope_equal_mlp_lib(node: Node, name: str) -> None:
    z = points()
    body = """
        const { f, df } = figure.maths.ACTIVATIONS[data.name];
        return { f: data.z.map((v) => f(v)), df: data.z.map((v) => df(v)) };
    """
    got = node("activations", body, {"name": name, "z": z})
    with np.errstate(all="ignore"):
        f = getattr(activations, name)(np.array(z))
        df = getattr(activations, f"d_{name}")(np.array(z))
    assert_close(got["f"], f, z, 0.0)
    assert_close(got["df"], df, z, CANCELS.get(name, 0.0))


def test_leaky_relu_takes_its_slope(node: Node) -> None:
    z = points()
    body = """
        const { f, df } = figure.maths.ACTIVATIONS.leaky_relu;
        return { f: data.map((v) => f(v, 0.2)), df: data.map((v) => df(v, 0.2)) };
    """
    got = node("activations", body, z)
    assert_close(got["f"], activations.leaky_relu(np.array(z), 0.2), z, 0.0)
    assert_close(got["df"], activations.d_leaky_relu(np.array(z), 0.2), z, 0.0)


def test_every_activation_of_the_library_is_in_the_figure(node: Node) -> None:
    names = node("activations", "return Object.keys(figure.maths.ACTIVATIONS);", None)
    assert sorted(names) == sorted(ACTIVATIONS) == sorted(LABELS)


def test_softmax_equals_mlp_lib(node: Node) -> None:
    rng = np.random.default_rng(8)
    scores = [[1.0, 3.0, -4.0], [1000.0, 1001.0, 999.0], [0.0, 0.0, 0.0], [-1e4, 0.0, 1e4]]
    scores += rng.normal(0, 10, (3000, 3)).tolist()
    got = node("softmax", "return data.map((z) => figure.maths.softmax(z));", scores)
    expected = softmax(np.array(scores))
    assert_close(np.ravel(got).tolist(), np.ravel(expected).tolist(), np.ravel(scores).tolist(), 0)


def test_naive_softmax_overflows_like_numpy(node: Node) -> None:
    scores = [[710.0, 1.0, 709.0], [1001.0, 1003.0, 996.0], [-800.0, -900.0, -746.0], [1, 3, -4]]
    got = node("softmax", "return data.map((z) => figure.maths.naiveSoftmax(z));", scores)
    for z, values in zip(scores, got, strict=True):
        np.testing.assert_allclose(values, naive_softmax(z)[1], rtol=RTOL)
    assert math.isnan(got[0][0])
    assert got[0][1] == 0


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_chain_equals_mlp_lib(node: Node, name: str) -> None:
    rng, known = np.random.default_rng(13), ACTIVATIONS[name]
    cases = [
        {
            "w": rng.uniform(-2, 2, depth).tolist(),
            "a0": float(rng.normal()),
            "y": float(rng.normal()),
        }
        for depth in rng.integers(1, 21, 40)
    ]
    body = """
        const { chainForward, chainBackward, chainMeasured, ACTIVATIONS } = figure.maths;
        const { f, df } = ACTIVATIONS[data.name];
        return data.cases.map(({ w, a0, y }) => {
          const cache = chainForward(w, a0, (v) => f(v));
          const measured = chainMeasured(w, a0, y, (v) => f(v));
          return { ...cache, ...chainBackward(w, cache, y, (v) => df(v)), measured };
        });
    """
    for case, got in zip(cases, node("chain", body, {"name": name, "cases": cases}), strict=True):
        z, a = chain_forward(case["w"], case["a0"], known.f)
        dw, delta, e = chain_backward(case["w"], (z, a), case["y"], known.df)
        for key, expected in {"z": z, "a": a, "dw": dw, "delta": delta, "e": e}.items():
            np.testing.assert_allclose(got[key], expected, rtol=1e-12, atol=1e-300)
        if name not in ("relu", "leaky_relu", "step"):  # kinks
            assert got["measured"] == pytest.approx(dw[0], rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_optimiser_equals_mlp_lib(node: Node, name: str) -> None:
    rng = np.random.default_rng(14)
    gradients = rng.normal(size=(200, 5)) * 10.0 ** rng.integers(-10, 3, (200, 1))
    gradients[20:30] = 0
    theta = rng.normal(size=5)
    body = """
        const step = figure.maths.optimiser(data.name, 0.03);
        let theta = data.theta;
        return data.gradients.map((g) => (theta = step(theta, g)));
    """
    sent = {"name": name, "theta": theta.tolist(), "gradients": gradients.tolist()}
    rule, expected = OPTIMISERS[name](lr=0.03), []
    for g in gradients:
        rule.update(theta, g)
        expected.append(theta.copy())
    np.testing.assert_allclose(node("descent", body, sent), expected, rtol=1e-12, atol=1e-15)


def test_surfaces_and_noise_are_the_same(node: Node) -> None:
    points = np.random.default_rng(15).uniform(-5, 5, (200, 2))
    for name, surface in SURFACES.items():
        body = """
            const { f, grad, bottom } = figure.maths.SURFACES[data.name];
            return { f: data.points.map(f), grad: data.points.map(grad), bottom };
        """
        got = node("descent", body, {"name": name, "points": points.tolist()})
        np.testing.assert_allclose(got["f"], surface.f(points.T), rtol=1e-12, atol=1e-15)
        slopes = [surface.grad(point) for point in points]
        np.testing.assert_allclose(got["grad"], slopes, rtol=1e-12, atol=1e-16)
        assert got["bottom"] == surface.bottom
    body = "const draw = figure.maths.noiseSource(); return data.map(() => draw());"
    draw = noise_source()
    expected = [draw() for _ in range(5000)]
    assert node("descent", body, list(range(5000))) == expected
    assert abs(np.mean(expected)) < 0.05
    assert np.std(expected) == pytest.approx(1, abs=0.03)


def test_exp_and_differences_are_the_same_to_the_last_bit(node: Node) -> None:
    rng = np.random.default_rng(16)
    x = [0.0, *rng.uniform(-30, 30, 3000).tolist(), *(10.0 ** -rng.uniform(0, 20, 200)).tolist()]
    assert node("gradcheck", "return data.map(figure.maths.exp);", x) == [exp(v) for v in x]
    np.testing.assert_allclose([exp(v) for v in x], np.exp(x), rtol=5e-16)
    body = """
        const { FUNCTIONS, H, SCHEMES } = figure.maths;
        const rows = Object.values(SCHEMES).map((s) => H.map((h) => s(FUNCTIONS.chain.f, data, h)));
        return { H, rows };
    """
    for w in rng.uniform(-3, 3, (20, 3)).tolist():
        got = node("gradcheck", body, w)
        assert got["H"] == H
        for scheme, rows in zip(("forward", "central", "complex"), got["rows"], strict=True):
            assert rows == [difference(scheme, FUNCTIONS["chain"].f, w, h) for h in H]


def _nets(count: int) -> list[BackpropStepper]:
    rng = np.random.default_rng(11)
    return [_backprop(rng) for _ in range(count)]


def test_network_equals_mlp_lib(node: Node) -> None:
    """Forward, loss, backward, update and the measured gradient of the page are the library's."""
    made, cases = [], []
    for figure in _nets(120):
        sizes = [n for n in figure.sizes if n]
        net = drawn(sizes, figure.seed)
        params = [(np.array(W), np.array(b)) for W, b in net["params"]]
        X, Y = (net[key][: figure.batch] for key in ("X", "Y"))
        made.append((figure.activation, figure.pair, params, np.array(X), np.array(Y)))
        here = {"params": net["params"], "X": X, "Y": Y}
        cases.append(here | {"activation": figure.activation, "pair": figure.pair})
    body = """
        const { forward, loss, backward, apply, measure } = figure.maths;
        return data.map(({ params, X, Y, activation, pair }) => {
          const { z, a } = forward(params, X, activation, pair);
          const grads = backward(params, { z, a }, Y, activation, pair);
          const J = (p) => loss(p, X, Y, activation, pair);
          const measured = measure(J, params);
          return { z, a, J: J(params), grads, after: apply(params, grads, 0.3), measured };
        });
    """
    for (activation, pair, params, X, Y), got in zip(
        made, node("backprop", body, cases), strict=True
    ):
        known, output = ACTIVATIONS[activation], pair.rsplit("_", 1)
        row = to_row(params)
        Yhat, cache = mlp_forward_batch(X, row, known.f, PAIRS[pair][3])
        options = {"loss": output[0], "activation": output[1]}
        grads = to_col(mlp_backward_batch(row, cache, Y, known.df, **options))
        close = functools.partial(np.testing.assert_allclose, rtol=1e-12, atol=1e-13)
        for k in range(len(params)):
            close(got["z"][k], cache["z"][k])
            close(got["a"][k + 1], cache["a"][k + 1])
            close(got["grads"]["dW"][k], grads[k][0])
            close(got["grads"]["db"][k], grads[k][1])
            for j, theta in enumerate(gd_update(params, grads, 0.3)[k]):
                close(got["after"][k][j], theta)
        if len(X) == 1:  # the column form of lesson 9
            _, single = mlp_forward(X[0], params, known.f, PAIRS[pair][3])
            for k, (dW, db) in enumerate(mlp_backward(params, single, Y[0], known.df, **options)):
                close(got["grads"]["dW"][k], dW)
                close(got["grads"]["delta"][k][0], db)
        close(got["J"], np.mean([PAIRS[pair][2](p, y) for p, y in zip(Yhat, Y, strict=True)]))
        numbers = measure(lambda p: _loss_of(p, X, Y, known.f, pair), params)  # noqa: B023
        for k, (dW, db) in enumerate(numbers):
            np.testing.assert_allclose(got["measured"]["dW"][k], dW, atol=1e-9)
            np.testing.assert_allclose(got["measured"]["db"][k], db, atol=1e-9)


def _loss_of(params: Any, X: Any, Y: Any, g: Any, pair: str) -> float:
    P = mlp_forward_batch(X, to_row(params), g, PAIRS[pair][3])[0]
    return float(np.mean([PAIRS[pair][2](p, y) for p, y in zip(P, Y, strict=True)]))


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_forward_equals_mlp_lib(node: Node, name: str) -> None:
    rng, cases = np.random.default_rng(17), []
    for _ in range(40):
        sizes = rng.integers(1, 5, int(rng.integers(2, 5)))
        params = [
            [rng.normal(size=(m, n)).tolist(), rng.normal(size=m).tolist()]
            for n, m in pairwise(sizes)
        ]
        cases.append({"x": rng.normal(size=sizes[0]).tolist(), "params": params})
    body = """
        const { forward, softmax, ACTIVATIONS } = figure.maths;
        const g = ACTIVATIONS[data.name].f;
        return data.cases.map(({ x, params }) => forward(x, params, g, softmax));
    """
    for case, got in zip(cases, node("forward", body, {"name": name, "cases": cases}), strict=True):
        params = [(np.array(W), np.array(b)) for W, b in case["params"]]
        _, cache = mlp_forward(case["x"], params, ACTIVATIONS[name].f, softmax)
        for kind, expected in (("z", cache["z"]), ("a", cache["a"][1:])):
            for k, v in enumerate(expected):
                np.testing.assert_allclose(got[kind][k], v, rtol=1e-12, atol=1e-14)


def test_products_over_a_batch_equal_mlp_lib(node: Node) -> None:
    rng = np.random.default_rng(18)
    for m in range(1, 6):
        A, dZ, W = rng.normal(size=(m, 2)), rng.normal(size=(m, 3)), rng.normal(size=(2, 3))
        _, dW, db = linear_backward(dZ, A, W)
        body = """
            const { crossed, columnSums, weightGrad } = figure.maths;
            const tables = data.A.map((a, i) => weightGrad(data.dZ[i], a));
            return [crossed(data.A, data.dZ, 2, 3), columnSums(data.dZ, 3), tables];
        """
        got = node("bridge", body, {"A": A.tolist(), "dZ": dZ.tolist()})
        np.testing.assert_allclose(got[0], dW, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose([got[1]], db, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(np.sum(got[2], axis=0).T, dW, rtol=1e-12, atol=1e-15)


def test_roads_equal_mlp_lib(node: Node) -> None:
    rng = np.random.default_rng(12)
    for sizes in ([2, 3, 2], [3, 2, 4, 1], [2, 2, 2, 2]):
        weights = [rng.normal(size=(m, n)) for n, m in pairwise(sizes)]
        params = [(W, np.zeros(len(W))) for W in weights]
        x, y = rng.normal(size=sizes[0]), rng.random(sizes[-1])
        _, cache = mlp_forward(x, params, activations.sigmoid, activations.sigmoid)
        out = output_delta(cache["a"][-1], y, "half_sse", "sigmoid")
        expected = path_products({"W": weights, "x": x, "t": y}, (1, 2, 1))
        here = roads(params, cache["z"], out, activations.d_sigmoid, 0, 1, float(x[0]))
        assert here == pytest.approx(expected, rel=1e-12)
        body = "return figure.maths.roads(data.params, data.z, data.out, 'sigmoid', 0, 1, data.x);"
        plain = [[W.tolist(), b.tolist()] for W, b in params]
        z = [v.tolist() for v in cache["z"]]
        sent = {"params": plain, "z": z, "out": out.tolist(), "x": float(x[0])}
        assert node("backprop", body, sent) == pytest.approx(expected, rel=1e-12)


def test_dead_intervals_of_the_lesson() -> None:
    (low, left), (right, high) = dead_intervals(activations.d_sigmoid)
    assert (low, high) == (-40, 40)
    assert left == pytest.approx(-4.5848, abs=1e-4)
    assert right == pytest.approx(4.5848, abs=1e-4)
    assert dead_intervals(activations.d_tanh)[1][0] == pytest.approx(2.9932, abs=1e-4)
    assert dead_intervals(activations.d_relu) == [(-40, 0)]
    assert dead_intervals(activations.d_identity) == []
    assert dead_intervals(activations.d_step) == [(-40, 40)]


def _activations(rng: np.random.Generator) -> Activations:
    first, second = rng.choice(list(LABELS), 2)
    z = float(rng.integers(-120, 121) * 0.05)
    w = float(rng.integers(-30, 31) / 10)
    alpha = float(rng.integers(0, 51) / 100)
    depth = int(rng.integers(1, 21))
    return Activations(str(first), str(second), z=z, w=w, alpha=alpha, depth=depth)


def _softmax(rng: np.random.Generator) -> Softmax:
    scores = [float(v) for v in rng.integers(-60, 61, 3) / 10]
    shift = float(rng.choice([0, 3, 100, 706, 708, 1000, -744, -1000]))
    return Softmax(scores=scores, shift=shift, temperature=float(rng.integers(1, 101) / 10))


def _backprop(rng: np.random.Generator) -> BackpropStepper:
    sizes = [int(v) for v in (*rng.integers(1, 5, 2), *rng.integers(0, 5, 2), rng.integers(1, 5))]
    if rng.random() < 0.3:
        sizes = list(PRESETS[str(rng.choice(list(PRESETS)))])
    return BackpropStepper(
        sizes=sizes,
        activation=str(rng.choice(list(PLAIN_LABELS))),
        pair=str(rng.choice(list(PAIRS))),
        mistake=str(rng.choice(list(MISTAKES))),
        seed=int(rng.choice([0, 0, 1, 2, 7, 50])),
        updates=int(rng.choice([0, 0, 1, 5])),
        eta=float(rng.integers(1, 40) / 20),
        batch=int(rng.choice([1, 1, 2, 3, 5])),
        example=int(rng.integers(1, 6)),
        step=int(rng.integers(0, 22)),
        chosen=int(rng.integers(1, 81)),
    )


def _chain(rng: np.random.Generator) -> Chain:
    tenths = lambda n, size: [float(v) for v in rng.integers(-n, n + 1, size) / 10]  # noqa: E731
    rest, a0, y = *tenths(30, 1), *tenths(20, 2)
    return Chain(
        str(rng.choice(list(LABELS))),
        depth=int(rng.integers(1, 7)),
        w=tenths(30, 3),
        rest=rest,
        a0=a0,
        y=y,
        step=int(rng.integers(0, 32)),
    )


def _descent(rng: np.random.Generator) -> GradientDescent:
    # η for which the walk is not chaotic: there the last digit of a step decides on the next ones
    return GradientDescent(
        surface=str(rng.choice(list(SURFACES))),
        optimiser=str(rng.choice(list(OPTIMISERS))),
        eta=float(rng.choice([*ETAS, 2 / 3, *(rng.integers(1, 21, 12) / 20)])),
        steps=int(rng.choice([1, 2, 3, 30, 300])),
        start=[float(v) for v in rng.integers(-100, 101, 2) / 20],
        noise=float(rng.choice([0, 0, 0.5])),
    )


def _forward(rng: np.random.Generator) -> Forward:
    sizes = [int(v) for v in rng.integers(1, 5, int(rng.integers(2, 5)))]
    if rng.random() < 0.4:
        sizes = [1, 2, 1]
    count = sizes[0] + sum(m * n + m for n, m in pairwise(sizes))
    return Forward(
        sizes=sizes,
        numbers=[float(v) / 20 for v in rng.integers(-60, 61, count)],
        activation=str(rng.choice(list(LABELS))),
        output=str(rng.choice(["identity", "sigmoid", "softmax", "step"])),
        unit=int(rng.integers(1, 13)),
    )


def _shapes(rng: np.random.Generator) -> Shapes:
    small = int(rng.choice([3, 8]))  # with few sizes a wrong product fits by accident
    sizes = [int(v) for v in rng.integers(1, small + 1, 4)]
    sizes[2] *= int(rng.integers(0, 2))
    return Shapes(
        form=str(rng.choice(["row", "column"])),
        m=int(rng.integers(1, small + 1)),
        sizes=sizes,
        wrong=str(rng.choice(list(BREAKS))),
        at=int(rng.integers(1, 4)),
    )


def _bridge(rng: np.random.Generator) -> BatchBridge:
    halves = lambda size: [float(v) / 2 for v in rng.integers(-12, 13, size)]  # noqa: E731
    return BatchBridge(
        m=int(rng.integers(1, 6)),
        shown=int(rng.integers(0, 6)),
        place=str(rng.choice(list(PLACES))),
        to=int(rng.integers(1, 4)),
        sender=int(rng.integers(1, 3)),
        a=halves(10),
        delta=halves(15),
    )


def _gradcheck(rng: np.random.Generator) -> GradientCheck:
    return GradientCheck(
        target=str(rng.choice(["chain", "chain", "bowl", "kink"])),
        w=[float(v) for v in rng.integers(-30, 31, 3) / 10],
        at=int(rng.integers(0, 61)),
    )


def _playground(rng: np.random.Generator) -> Playground:
    features = [bool(v) for v in rng.random(7) < 0.5]
    features[int(rng.integers(7))] = True
    return Playground(
        data=str(rng.choice(list(DATA))),
        noise=float(rng.integers(0, 51) / 100),
        share=float(rng.integers(2, 19) / 20),
        features=features,
        hidden=[int(n) for n in rng.integers(1, 9, rng.integers(0, 7))],
        activation=str(rng.choice(["tanh", "sigmoid", "relu", "gelu", "step"])),
        init=str(rng.choice(["zeros", "normal", "he", "xavier_uniform"])),
        seed=int(rng.integers(100)),
        lr=float(rng.choice([1e-5, 0.003, 0.05])),
        optimiser=str(rng.choice(["sgd", "momentum", "adam"])),
        batch=int(rng.choice([1, 10, 200])),
        penalty=str(rng.choice(["none", "l1", "l2"])),
        dropout=float(rng.choice([0, 0.25])),
        steps=int(rng.choice([0, 1, 12])),
        until=[[5, "lr", 0.02]] if rng.random() < 0.3 else [],
        edits=[[1, 2, 0.75]] if rng.random() < 0.3 else [],
        pace=str(rng.choice(["epoch", "update"])),
        chosen=int(rng.integers(1, 300)),
        unit=int(rng.integers(0, 40)),
        discrete=bool(rng.random() < 0.5),
        tests=bool(rng.random() < 0.5),
    )


# figure → (how a random state is made, how many)
STATES: dict[type, tuple[Callable[[np.random.Generator], Any], int]] = {
    Activations: (_activations, 150),
    BackpropStepper: (_backprop, 100),
    BatchBridge: (_bridge, 150),
    Chain: (_chain, 150),
    Forward: (_forward, 150),
    GradientCheck: (_gradcheck, 60),
    GradientDescent: (_descent, 150),
    Playground: (_playground, 60),
    Shapes: (_shapes, 400),
    Softmax: (_softmax, 150),
}


def _special(figure: type) -> list[Any]:
    """States with the reader's own functions, right and wrong."""
    if figure is Activations:
        right = (activations.relu, activations.d_relu)
        wrong = (activations.relu, lambda z: np.where(z >= 0, 1.0, 0.0))
        return [
            Activations("relu", own=right),
            Activations("relu", own=wrong, z=-0.4),
            Activations("tanh", own=(np.tanh, lambda z: 1 + np.tanh(z) ** 2)),
        ]
    if figure is BackpropStepper:
        rng = np.random.default_rng(19)
        row = [(rng.normal(size=(n, m)), rng.normal(size=(1, m))) for n, m in ((2, 3), (3, 2))]
        X, Y = rng.normal(size=(3, 2)), np.eye(2)[[0, 1, 1]]
        one, rows = (
            BackpropStepper(backward=BACKWARD[1]),
            BackpropStepper(row, X, Y, backward=ROWS[0]),
        )
        for figure_ in (one, rows):  # as a page without a kernel
            figure_.unobserve_all()
            figure_.updates = 2
        return [
            one,
            rows,
            *(BackpropStepper(backward=function) for function in BACKWARD),
            *(BackpropStepper(row, X, Y, backward=f, step=s) for f in ROWS for s in (11, 6)),
        ]
    if figure is Forward:
        small = [(np.array([[0.7], [0.9]]), np.ones(2)), (np.array([[0.7, 0.9]]), np.ones(1))]
        square = [(np.array([[0.7, 1.2], [0.9, -0.4]]), np.ones(2))]
        return [
            Forward(params, np.full(len(params[0][0][0]), 0.5), forward=function)
            for params in (small, square)
            for function in FORWARD
        ]
    if figure is Playground:
        own = (mlp_backward_batch, lambda *given: [], _raises)
        return [Playground(backward=function, steps=3) for function in own]
    if figure is Chain:
        return [Chain("tanh", depth=4, backward=function) for function in CHAIN_BACKWARD]
    return []


def _numbers(text: str) -> tuple[str, list[float]]:
    import re

    pattern = re.compile(r"-?\d+\.?\d*")
    return pattern.sub("#", text), [float(v) for v in pattern.findall(text)]


@pytest.mark.parametrize("figure", list(STATES), ids=lambda figure: figure.name)
def test_python_and_the_page_draw_the_same_picture(node: Node, figure: Any) -> None:
    make, count = STATES[figure]
    rng = np.random.default_rng(9)
    states = [figure(), *(make(rng) for _ in range(count)), *_special(figure)]
    views = node(figure.name, "return data.map(figure.view);", [f.state() for f in states])
    for state, got in zip(states, views, strict=True):
        expected = state.view()
        assert got["sentence"] == expected["sentence"]
        assert got["values"] == expected["values"]
        assert got["disabled"] == expected["disabled"]
        limits = {key: list(value) for key, value in expected.get("limits", {}).items()}
        assert got.get("limits", {}) == limits
        assert got["marks"].keys() == expected["marks"].keys()
        for name, attributes in expected["marks"].items():
            there = got["marks"][name]
            assert there.keys() == attributes.keys(), name
            for key, value in attributes.items():
                if key in ("text", "html"):
                    assert there[key] == value, (name, state.state())
                    continue
                shape, places = _numbers(value)
                shape_there, places_there = _numbers(there[key])
                assert shape_there == shape, name
                assert places_there == pytest.approx(places, abs=0.11), (name, state.state())
