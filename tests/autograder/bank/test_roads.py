"""A sum over paths that leaves some out is told which."""

import numpy as np
import pytest

from autograder.bank.l09_backprop import roads_walked
from autograder.engine.step import Answer
from mlp_lib import paths
from mlp_lib.col import path_products

RNG = np.random.default_rng(0)
NET = {
    "W": [RNG.standard_normal(shape) for shape in ((3, 2), (2, 3), (1, 2))],
    "x": RNG.standard_normal(2),
    "t": 0.3,
}
WEIGHT = (1, 2, 1)
PRODUCTS = path_products(NET, WEIGHT)


def said(value):
    answer = Answer({"net": NET, "weight": WEIGHT}, value, sum(PRODUCTS), {}, {}, None)
    return roads_walked(answer)


@pytest.mark.parametrize("walked", [0, 1])
def test_the_missing_road_is_named(walked):
    missing = " → ".join(map(str, paths(NET, WEIGHT)[1 - walked]))
    for value in (PRODUCTS[walked], np.asarray(PRODUCTS[walked])):
        assert said(value).startswith("Your number is the sum over 1 of the 2 roads; missing is")
        assert f"through the units {missing} (" in said(value)


@pytest.mark.parametrize("value", [2 * sum(PRODUCTS), None, [PRODUCTS[0]], "road", {"a": 1.0}])
def test_other_answers_are_left_alone(value):
    assert said(value) is None
