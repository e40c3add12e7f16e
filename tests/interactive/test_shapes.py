"""What only the shape tracker does: shapes are numpy's, and each mistake is told as it is."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from traitlets import TraitError

from mlp_lib.interactive import Shapes
from mlp_lib.interactive.shapes import BREAKS, FORMS, Layer, total, written
from mlp_lib.interactive.shapes import product as times

Node = Callable[[str, str, Any], Any]
SHAPES = [(n,) for n in (1, 2, 3)] + list(product((1, 2, 3), repeat=2))


def of_numpy(operation: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    try:
        return list(operation(np.ones(a), np.ones(b)).shape)
    except ValueError:
        return None


def test_products_and_sums_are_those_of_numpy(node: Node) -> None:
    pairs = [(a, b) for a in SHAPES for b in SHAPES if len(a) + len(b) > 2]
    body = """
        const { product, total } = figure.maths;
        return data.map(([a, b]) => [product(a, b), total(a, b)]);
    """
    for (a, b), got in zip(pairs, node("shapes", body, pairs), strict=True):
        expected = [of_numpy(np.matmul, a, b), of_numpy(np.add, a, b)]
        assert got == expected
        here = [times(a, b), total(a, b)]
        assert [None if shape is None else list(shape) for shape in here] == expected


def run(figure: Shapes) -> list[tuple[int, ...]]:
    """The shapes of z that numpy gives for what the figure describes, until it stops."""
    row, sizes = figure.form == "row", [n for n in figure.sizes if n]
    at = 1 if figure.wrong == "input" else min(figure.at, len(sizes) - 1)
    signal = np.ones((figure.m, sizes[0]) if row else sizes[0])
    found = []
    for k, (n, m) in enumerate(pairwise(sizes), 1):
        wrong = figure.wrong if k == at else "none"
        W = np.ones((n, m) if row else (m, n))
        b = np.ones((1, m) if row else m)
        if wrong == "transpose":
            W = W.T
        if wrong == "bias":
            b = b.reshape(-1, 1)
        if wrong == "input":
            signal = signal.T if row else signal.reshape(1, -1)
        factors = (signal, W) if row else (W, signal)
        try:
            signal = np.matmul(*(factors[::-1] if wrong == "swap" else factors)) + b
        except ValueError:
            break
        found.append(signal.shape)
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("wrong", BREAKS)
def test_layers_go_as_far_as_numpy_goes(form: str, wrong: str) -> None:
    rng = np.random.default_rng(1)
    for _ in range(60):
        sizes = [int(v) for v in rng.integers(1, 4, 4)]
        sizes[2] *= int(rng.integers(0, 2))
        m, at = (int(v) for v in rng.integers(1, 4, 2))
        figure = Shapes(form=form, wrong=wrong, sizes=sizes, m=m, at=at)
        layers: list[Layer] = figure._layers()
        assert [layer.sum for layer in layers if layer.sum] == run(figure), figure.state()


def test_the_account_of_the_lesson() -> None:
    said = Shapes().sentence()
    assert "layers 2-4-3, 27 parameters." in said
    assert "X 5×2 · W⁽¹⁾ 2×4 + b⁽¹⁾ 1×4 = Z⁽¹⁾ 5×4" in said
    assert written((5, 4)) == "5×4"


@pytest.mark.parametrize(
    ("traits", "end"),
    [
        ({"wrong": "transpose"}, "NumPy stops here: 4 against 3."),
        ({"wrong": "transpose", "sizes": [2, 4, 0, 4]}, "only the numbers are wrong."),
        ({"wrong": "swap"}, "NumPy stops here: 3 against 5."),
        ({"wrong": "swap", "m": 3}, "the sum of layer 2 stops: 4×4 and 1×3."),
        ({"wrong": "swap", "at": 1, "m": 4, "sizes": [4, 4, 0, 3]}, "only the numbers are wrong."),
        ({"wrong": "input"}, "NumPy stops here: 5 against 2."),
        ({"wrong": "bias", "at": 1}, "the sum of layer 1 stops: 5×4 and 4×1."),
        ({"wrong": "bias", "m": 3}, "only the numbers are wrong."),
        ({"wrong": "bias", "sizes": [2, 4, 0, 1]}, "nothing goes wrong."),
        ({"form": "column", "wrong": "bias"}, "ŷ has the shape 3×3 where 3 belongs."),
        (
            {"form": "column", "wrong": "bias", "at": 1},
            "Layer 1 runs, and the sum of layer 2 stops: 3×4 and 3.",
        ),
        ({"form": "column", "wrong": "swap", "sizes": [2, 3, 0, 3]}, "only the numbers are wrong."),
        ({"form": "column", "wrong": "input"}, "NumPy stops here: 2 against 1."),
    ],
)
def test_what_becomes_of_a_mistake(traits: dict[str, Any], end: str) -> None:
    assert end in Shapes(**traits).sentence()


def test_every_mistake_that_ends_with_right_shapes_changes_numbers() -> None:
    """Where the figure says that the numbers are wrong, they are; where nothing, they are right."""
    rng = np.random.default_rng(2)
    for form, wrong, n, k, m in product(FORMS, BREAKS, (1, 2), (1, 2), (1, 2)):
        said = Shapes(form=form, wrong=wrong, sizes=[n, k, 0, 3], m=m, at=1).sentence()
        row = form == "row"
        A, W = rng.normal(size=(m, n) if row else n), rng.normal(size=(n, k) if row else (k, n))
        b = rng.normal(size=(1, k) if row else k)
        right = A @ W + b if row else W @ A + b
        V, c = (W.T if wrong == "transpose" else W), (b.reshape(-1, 1) if wrong == "bias" else b)
        S = A
        if wrong == "input":
            S = A.T if row else A.reshape(1, -1)
        first, second = (S, V) if row == (wrong != "swap") else (V, S)
        if "only the numbers are wrong" in said:
            assert not np.allclose(first @ second + c, right)
        if "nothing goes wrong" in said:
            assert np.allclose(first @ second + c, right)


def test_sizes_that_are_no_network_are_refused() -> None:
    with pytest.raises(TraitError, match="only the second may be 0"):
        Shapes(sizes=[2, 0, 3, 1])


@pytest.mark.browser
def test_a_mistake_is_chosen_and_explained(open_page: Any) -> None:
    page = open_page("shapes")
    assert page.locator("[data-lm-trait=at]").is_disabled()
    page.select_option("[data-lm-trait=wrong]", "transpose")
    page.wait_for_selector('[data-lm="verdict"]:text("NumPy stops here: 4 against 3")')
    page.locator("[data-lm-trait=sizes][data-lm-index='3']").press("ArrowRight")
    page.wait_for_selector('[data-lm="verdict"]:text("only the numbers are wrong")')
    page.get_by_role("button", name="column form, one example").click()
    page.wait_for_selector('[data-lm="verdict"]:text("sums over the 4 units that receive")')
    assert page.locator("[data-lm-trait=m]").is_disabled()
