"""The mathematics of the figures in JavaScript is that of mlp_lib."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlp_lib import ACTIVATIONS, activations, softmax
from mlp_lib.interactive import Activations, Softmax
from mlp_lib.interactive.activations import LABELS, dead_intervals
from mlp_lib.interactive.softmax import naive_softmax

Node = Callable[[str, str, Any], Any]
RTOL = 1e-13


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


def test_dead_intervals_of_the_lesson() -> None:
    (low, left), (right, high) = dead_intervals(activations.d_sigmoid)
    assert (low, high) == (-40, 40)
    assert left == pytest.approx(-4.5848, abs=1e-4)
    assert right == pytest.approx(4.5848, abs=1e-4)
    assert dead_intervals(activations.d_tanh)[1][0] == pytest.approx(2.9932, abs=1e-4)
    assert dead_intervals(activations.d_relu) == [(-40, 0)]
    assert dead_intervals(activations.d_identity) == []
    assert dead_intervals(activations.d_step) == [(-40, 40)]


def _states(figure: type, count: int) -> list[Any]:
    rng = np.random.default_rng(9)
    made: list[Any] = [figure()]
    for _ in range(count):
        if figure is Activations:
            first, second = rng.choice(list(LABELS), 2)
            z = float(rng.integers(-120, 121) * 0.05)
            w = float(rng.integers(-30, 31) / 10)
            alpha = float(rng.integers(0, 51) / 100)
            depth = int(rng.integers(1, 21))
            made.append(Activations(str(first), str(second), z=z, w=w, alpha=alpha, depth=depth))
        else:
            scores = [float(v) for v in rng.integers(-60, 61, 3) / 10]
            shift = float(rng.choice([0, 3, 100, 706, 708, 1000, -744, -1000]))
            temperature = float(rng.integers(1, 101) / 10)
            made.append(Softmax(scores=scores, shift=shift, temperature=temperature))
    return made


def _numbers(text: str) -> tuple[str, list[float]]:
    import re

    pattern = re.compile(r"-?\d+\.?\d*")
    return pattern.sub("#", text), [float(v) for v in pattern.findall(text)]


@pytest.mark.parametrize("figure", [Activations, Softmax])
def test_python_and_the_page_draw_the_same_picture(node: Node, figure: Any) -> None:
    states = _states(figure, 150)
    if figure is Activations:
        right = (activations.relu, activations.d_relu)
        wrong = (activations.relu, lambda z: np.where(z >= 0, 1.0, 0.0))
        states += [Activations("relu", own=right), Activations("relu", own=wrong, z=-0.4)]
        states.append(Activations("tanh", own=(np.tanh, lambda z: 1 + np.tanh(z) ** 2)))
    views = node(figure.name, "return data.map(figure.view);", [f.state() for f in states])
    for drawn, got in zip(states, views, strict=True):
        expected = drawn.view()
        assert got["sentence"] == expected["sentence"]
        assert got["values"] == expected["values"]
        assert got["disabled"] == expected["disabled"]
        assert got["marks"].keys() == expected["marks"].keys()
        for name, attributes in expected["marks"].items():
            there = got["marks"][name]
            assert there.keys() == attributes.keys(), name
            for key, value in attributes.items():
                if key == "text":
                    assert there[key] == value, (name, drawn.state())
                    continue
                shape, places = _numbers(value)
                shape_there, places_there = _numbers(there[key])
                assert shape_there == shape, name
                assert places_there == pytest.approx(places, abs=0.11), (name, drawn.state())
