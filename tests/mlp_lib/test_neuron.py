import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeric import complex_step

from mlp_lib.activations import d_sigmoid, identity, tanh
from mlp_lib.neuron import neuron_forward

pytestmark = pytest.mark.filterwarnings("error")

X, ONES = np.array([0.1, 0.2, 0.3, 0.4, 0.5]), np.ones(5)


def test_worked_numbers_of_lesson_1():
    assert neuron_forward(X, ONES, 1) == pytest.approx(0.9241, abs=5e-5)
    assert neuron_forward(X, ONES, 0) == pytest.approx(0.8176, abs=5e-5)  # bias unit forgotten
    assert neuron_forward(X, ONES, 1, g=identity) == pytest.approx(2.5, abs=1e-15)
    assert neuron_forward(X, ONES, 1) == pytest.approx(1 / (1 + math.exp(-2.5)), abs=1e-15)


def test_the_answer_is_a_python_number_whatever_g_returns():
    assert type(neuron_forward(X, ONES, 1)) is float
    assert type(neuron_forward(X.astype(np.float32), ONES.astype(np.float32), 1)) is float
    assert neuron_forward(X, ONES, 1, g=math.tanh) == neuron_forward(X, ONES, 1, g=tanh)


def test_slope_in_the_weights_is_the_slope_of_g_times_the_input():
    w = np.array([0.3, -0.7, 0.2, 0.9, -0.4])
    z = w @ X + 0.25
    slopes = complex_step(lambda v: neuron_forward(X, v, 0.25), w)
    np.testing.assert_allclose(slopes, d_sigmoid(z) * X, rtol=1e-14)


@given(st.permutations(range(5)))
def test_the_order_of_the_inputs_does_not_matter(order):
    w = np.array([0.3, -0.7, 0.2, 0.9, -0.4])
    assert neuron_forward(X[order], w[order], 0.25) == pytest.approx(neuron_forward(X, w, 0.25))


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_a_linear_neuron_is_linear_in_its_input(c, b):
    w = np.array([0.3, -0.7, 0.2, 0.9, -0.4])
    scaled = neuron_forward(c * X, w, b, g=identity)
    assert scaled == pytest.approx(c * neuron_forward(X, w, 0, g=identity) + b)


def test_shapes_that_numpy_would_broadcast_are_refused():
    with pytest.raises(ValueError, match=r"w: expected shape \(n,\) with n = 5, got \(1,\)"):
        neuron_forward(X, [0.5], 1)
    with pytest.raises(ValueError, match=r"x: expected shape \(n,\), got \(1, 5\)"):
        neuron_forward(X[None], ONES, 1)
    with pytest.raises(ValueError, match=r"b: expected shape \(\), got \(5,\)"):
        neuron_forward(X, ONES, np.ones(5))


def test_integer_weights_and_numbers_that_are_none_are_refused():
    with pytest.raises(TypeError, match="w: expected a parameter array of floats, got dtype int"):
        neuron_forward(X, np.ones(5, dtype=int), 1)
    with pytest.raises(ValueError, match=r"x: expected finite numbers, got nan at index \(1,\)"):
        neuron_forward([0.1, np.nan], [0.2, 0.3], 1)
