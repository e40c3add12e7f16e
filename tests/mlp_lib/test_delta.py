from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numeric import central, complex_step, relative

from mlp_lib.activations import ACTIVATIONS, sigmoid
from mlp_lib.delta import PAIRS, output_delta, require_pair, weight_grad
from mlp_lib.losses import LOSSES, bce_multi, cce, half_sse
from mlp_lib.softmax import softmax, softmax_vjp

pytestmark = pytest.mark.filterwarnings("error")

Z, Y = np.array([1.0, 3, -4]), np.array([0.0, 1, 0])
OUTPUT = {"identity": lambda z: z, "sigmoid": sigmoid, "softmax": softmax}
TOTAL = {"half_sse": half_sse, "bce": bce_multi, "cce": cce}  # summed over the outputs
vector = hnp.arrays(float, st.integers(1, 5), elements=st.floats(-3, 3))


def test_worked_numbers_of_lesson_4():
    got = output_delta(softmax(Z), Y, "cce", "softmax")
    np.testing.assert_allclose(got, [0.1191, -0.1199, 0.0008], atol=5e-5)
    yhat = np.array([sigmoid(2.5)])
    assert output_delta(yhat, [0.0], "half_sse", "sigmoid") == pytest.approx(0.0648, abs=5e-5)
    assert output_delta(yhat, [0.0], "bce", "sigmoid") == pytest.approx(0.9241, abs=5e-5)


def test_a_saturated_unit_learns_405_times_faster_with_cross_entropy():
    yhat, y = np.array([sigmoid(-6.0)]), np.array([1.0])
    fast = output_delta(yhat, y, "bce", "sigmoid")
    slow = output_delta(yhat, y, "half_sse", "sigmoid")
    assert fast == pytest.approx(-0.9975, abs=5e-5)
    assert slow == pytest.approx(-0.00246, abs=5e-6)
    assert fast / slow == pytest.approx(405, abs=0.5)


def test_the_slope_printed_as_f_times_f_minus_1_climbs():
    yhat, y = np.array([0.3, 0.8]), np.array([1.0, 0.0])
    printed = (yhat - y) * yhat * (yhat - 1)
    np.testing.assert_array_equal(printed, -output_delta(yhat, y, "half_sse", "sigmoid"))


def test_the_gradient_of_one_weight():
    x, delta = np.array([2.0]), output_delta([2.0], [1.0], "half_sse", "identity")
    assert weight_grad(delta, x).item() == 2  # (2 − 1) · 2
    yhat, x = softmax(Z), np.array([0.8, -2.0])
    dW = weight_grad(output_delta(yhat, Y, "cce", "softmax"), x)
    assert dW[2, 0] == (yhat[2] - Y[2]) * x[0]  # w₃₁


@pytest.mark.parametrize("pair", sorted(PAIRS))
def test_delta_is_the_slope_of_the_composed_loss(pair):
    loss, activation = pair
    z = np.array([0.7, -1.3, 0.4, 2.1])
    y = np.array([0.0, 1, 0, 0])

    def J(z):
        return TOTAL[loss](OUTPUT[activation](z), y)

    delta = output_delta(OUTPUT[activation](z), y, loss, activation)
    assert relative(delta, complex_step(J, z)) < 1e-14
    assert relative(delta, central(J, z)) < 1e-9


@pytest.mark.parametrize("pair", sorted(PAIRS))
def test_each_row_has_its_own_delta(pair):
    rng = np.random.default_rng(2)
    Yhat, T = softmax(rng.normal(size=(5, 3))), np.eye(3)[[0, 2, 1, 1, 0]]
    rows = [output_delta(p, t, *pair) for p, t in zip(Yhat, T, strict=True)]
    np.testing.assert_array_equal(output_delta(Yhat, T, *pair), rows)


@given(vector, st.integers(0, 4))
def test_softmax_delta_sums_to_zero_and_is_the_jacobian_route(z, k):
    p, y = softmax(z), np.zeros(len(z))
    y[k % len(z)] = 1
    delta = output_delta(p, y, "cce", "softmax")
    assert delta.sum() == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(softmax_vjp(p, -y / p), delta, atol=1e-14)


REASONS = {
    ("cce", "sigmoid"): "need not sum to 1",
    ("cce", "identity"): "negative or above 1",
    ("bce", "identity"): "negative or above 1",
    ("bce", "softmax"): "separate yes/no questions",
    ("half_sse", "softmax"): "every softmax output depends on every z",
    ("half_sse", "step"): "slope of a step is 0",
    ("half_sse", "tanh"): "δ = e ⊙ g′",
    ("bce", "tanh"): "sigmoid gives",
    ("cce", "relu"): "softmax gives",
    ("mse", "identity"): "half_sse times 2/n",
    ("hinge", "identity"): "grad_hinge",
}


@pytest.mark.parametrize("pair", sorted(REASONS))
def test_a_refused_pair_says_why(pair):
    expected = f"expected one of the pairs .*; got {pair[0]} with {pair[1]}: .*{REASONS[pair]}"
    with pytest.raises(ValueError, match=expected):
        output_delta([0.5, 0.5], [1.0, 0.0], *pair)


def test_every_combination_is_either_a_pair_or_refused_with_a_reason():
    for pair in product(LOSSES, [*ACTIVATIONS, "softmax"]):
        if pair in PAIRS:
            require_pair(*pair)
        else:
            with pytest.raises(ValueError, match=r"got \w+ with \w+: \w.{20,}"):
                require_pair(*pair)


def test_refusing_half_sse_with_softmax_points_to_what_is_right():
    y = np.array([0.2, 0.5, 0.3])
    right = complex_step(lambda z: half_sse(softmax(z), y), Z)
    p = softmax(Z)
    np.testing.assert_allclose(softmax_vjp(p, p - y), right, atol=1e-15)
    assert relative(p - y, right) > 0.1


def test_unknown_names_and_wrong_shapes():
    with pytest.raises(ValueError, match=r"loss: expected one of bce, .*; got 'nll'"):
        output_delta([0.5], [1.0], "nll", "sigmoid")
    with pytest.raises(ValueError, match=r"activation: expected one of .*softmax.*; got 'sigma'"):
        output_delta([0.5], [1.0], "bce", "sigma")
    with pytest.raises(ValueError, match=r"y: expected the shape of yhat, \(3,\), got \(3, 1\)"):
        output_delta(softmax(Z), Y[:, None], "cce", "softmax")
    with pytest.raises(ValueError, match=r"yhat: expected probabilities between 0 and 1, got 3.0"):
        output_delta(Z, Y, "cce", "softmax")
    with pytest.raises(ValueError, match="y: expected rows that sum to 1"):
        output_delta(softmax(Z), [1.0, 1.0, 0.0], "cce", "softmax")
    with pytest.raises(ValueError, match="yhat: expected finite numbers, got nan"):
        output_delta([np.nan], [1.0], "half_sse", "identity")


def test_the_exercise_fixture_of_the_delta_rule():
    got = weight_grad([0.62, -0.35], [0.82, 0.73, 0.05])
    expected = [[0.5084, 0.4526, 0.031], [-0.287, -0.2555, -0.0175]]
    np.testing.assert_allclose(got, expected, atol=1e-15)


@given(vector, vector, st.floats(-2, 2))
def test_delta_rule_has_the_shape_of_the_weights_and_is_linear_in_delta(delta, a, c):
    dW = weight_grad(delta, a)
    assert dW.shape == (len(delta), len(a))
    for i, j in np.ndindex(dW.shape):
        assert dW[i, j] == delta[i] * a[j]
    np.testing.assert_allclose(weight_grad(c * delta, a), c * dW, atol=1e-14)


def test_delta_rule_wants_two_vectors():
    with pytest.raises(ValueError, match=r"delta: expected shape \(n_out,\), got \(2, 1\)"):
        weight_grad([[0.1], [0.2]], [0.3, 0.4])
    with pytest.raises(ValueError, match=r"a_prev: expected shape \(n_in,\), got \(\)"):
        weight_grad([0.1, 0.2], 0.3)
