import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numeric import TABLE_P, TABLE_Y, central, complex_step, relative

from mlp_lib.encoding import one_hot
from mlp_lib.losses import (
    LOSSES,
    accuracy,
    bce,
    bce_multi,
    cce,
    get_loss,
    grad_bce,
    grad_cce,
    grad_half_sse,
    grad_hinge,
    grad_mse,
    half_sse,
    hinge,
    likelihood,
    mse,
    nll,
)
from mlp_lib.softmax import softmax

pytestmark = pytest.mark.filterwarnings("error")

YHAT, Y = np.array([0.2, 0.7, 0.4]), np.array([0.0, 1, 0])
SIGNS = np.array([-1.0, 1, 1, -1])
probability = st.floats(0.01, 0.99)


def example(name, m=5, K=3, seed=0):
    """Predictions and targets in the form that the loss takes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, K, m)
    return {
        "half_sse": (rng.normal(size=(m, K)), rng.normal(size=(m, K))),
        "mse": (rng.normal(size=(m, K)), rng.normal(size=(m, K))),
        "bce": (rng.uniform(0.05, 0.95, (m, K)), rng.integers(0, 2, (m, K)).astype(float)),
        "cce": (softmax(rng.normal(size=(m, K))), one_hot(labels, K)),
        "hinge": (rng.normal(0, 2, m), 2.0 * rng.integers(0, 2, m) - 1),
    }[name]


EVERY = pytest.mark.parametrize("name", sorted(LOSSES))


def test_worked_numbers_of_squared_error():
    assert half_sse(YHAT, Y) == pytest.approx(0.145, abs=1e-15)
    assert mse(YHAT, Y) == pytest.approx(0.29 / 3, abs=1e-15)
    np.testing.assert_allclose(grad_half_sse(YHAT, Y), [0.2, -0.3, 0.4], atol=1e-15)
    np.testing.assert_allclose(grad_mse(YHAT, Y), [2 / 15, -0.2, 4 / 15], atol=1e-15)


def test_worked_numbers_of_binary_cross_entropy():
    assert bce([0.9, 0.2, 0.6, 0.5], [1, 0, 0, 1]) == pytest.approx(0.4845, abs=5e-5)
    assert bce([0.0], [1.0]) == pytest.approx(27.6310, abs=5e-5)
    assert bce([0.0, 1.0], [0.0, 1.0]) == pytest.approx(0, abs=1e-11)


def test_worked_numbers_of_categorical_cross_entropy():
    each = cce(TABLE_P, TABLE_Y, per_example=True)
    np.testing.assert_allclose(each, [0.2231, 0.3567, 0.3567, 0.5108], atol=5e-5)
    assert cce(TABLE_P, TABLE_Y) == pytest.approx(0.3618, abs=5e-5)
    assert cce([0.2, 0.8], [1, 0]) == pytest.approx(1.609438, abs=5e-7)
    assert cce([0.1, 0.7, 0.2], [0, 1, 0]) == pytest.approx(0.3567, abs=5e-5)
    got = [cce([0.4, 0.5, 0.1], row) for row in np.eye(3)]
    np.testing.assert_allclose(got, [0.9163, 0.6931, 2.3026], atol=5e-5)


def test_worked_numbers_of_likelihood():
    assert likelihood(TABLE_P, TABLE_Y) == pytest.approx(0.2352, abs=1e-15)
    assert nll(TABLE_P, TABLE_Y) == pytest.approx(1.4473, abs=5e-5)
    assert bce_multi(TABLE_P, TABLE_Y) == pytest.approx(2.7613, abs=5e-5)


def test_a_sum_of_logarithms_lives_where_the_product_dies():
    P, T = np.tile([0.7, 0.3], (3000, 1)), np.tile([1.0, 0.0], (3000, 1))
    assert -math.log(likelihood(P, T)) == pytest.approx(744.4401, abs=5e-5)  # 4.9e-324
    assert nll(P, T) == pytest.approx(1070.02, abs=5e-3)


def test_how_the_losses_hang_together():
    assert nll(TABLE_P, TABLE_Y) == pytest.approx(4 * cce(TABLE_P, TABLE_Y), rel=1e-15)
    assert nll(TABLE_P, TABLE_Y) == pytest.approx(-math.log(likelihood(TABLE_P, TABLE_Y)))
    p, y = np.array([0.9, 0.2, 0.6, 0.5]), np.array([1.0, 0, 0, 1])
    two_columns = np.column_stack([1 - p, p]), np.column_stack([1 - y, y])
    assert cce(*two_columns) == pytest.approx(bce(p, y), rel=1e-14)
    assert bce_multi(p[:, None], y[:, None]) == pytest.approx(4 * bce(p, y), rel=1e-15)


@given(hnp.arrays(float, 4, elements=probability), st.lists(st.integers(0, 1), min_size=4))
def test_two_classes_are_the_binary_case(p, y):
    y = np.array(y[:4], float)
    assert cce(np.column_stack([1 - p, p]), np.column_stack([1 - y, y])) == pytest.approx(bce(p, y))


@EVERY
def test_gradient_equals_complex_step_and_central_difference(name):
    loss, (yhat, y) = LOSSES[name], example(name)
    grad = loss.grad(yhat, y)
    assert relative(grad, complex_step(lambda v: loss.f(v, y), yhat)) < 1e-15
    assert relative(grad, central(lambda v: loss.f(v, y), yhat, h=1e-6)) < 1e-8


@EVERY
def test_gradient_of_one_example_as_a_vector(name):
    loss, (yhat, y) = LOSSES[name], example(name)
    if name != "hinge":
        yhat, y = yhat[0], y[0]
    assert relative(loss.grad(yhat, y), complex_step(lambda v: loss.f(v, y), yhat)) < 1e-15


@EVERY
@given(order=st.permutations(range(5)), seed=st.integers(0, 99))
def test_the_order_of_the_examples_does_not_matter(name, order, seed):
    loss, (yhat, y) = LOSSES[name], example(name, seed=seed)
    assert loss.f(yhat[order], y[order]) == pytest.approx(loss.f(yhat, y), rel=1e-13)
    np.testing.assert_allclose(loss.grad(yhat[order], y[order]), loss.grad(yhat, y)[order])


@EVERY
def test_a_loss_is_no_less_than_zero_and_zero_when_perfect(name):
    loss, (yhat, y) = LOSSES[name], example(name)
    assert loss.f(yhat, y) > 0
    assert loss.f(y, y) == pytest.approx(0, abs=1e-11)


@EVERY
def test_mean_losses_are_the_mean_of_the_examples_and_half_sse_is_the_sum(name):
    loss, (yhat, y) = LOSSES[name], example(name)
    singles = [loss.f(a[None], b[None]) for a, b in zip(yhat, y, strict=True)]
    together = np.sum if name == "half_sse" else np.mean
    assert loss.f(yhat, y) == pytest.approx(together(singles), rel=1e-13)


@EVERY
def test_a_loss_is_a_python_number(name):
    loss, (yhat, y) = LOSSES[name], example(name)
    assert type(loss.f(yhat, y)) is float
    assert type(loss.f(yhat.astype(np.float32), y.astype(np.float32))) is float


@EVERY
def test_gradient_keeps_float32_also_beside_integer_targets(name):
    loss, (yhat, y) = LOSSES[name], example(name)
    small = yhat.astype(np.float32)
    assert loss.grad(small, y.astype(np.float32)).dtype == np.float32
    assert loss.grad(small, y.round().astype(int)).dtype == np.float32 or name in ("hinge",)
    assert relative(loss.grad(small, y.astype(np.float32)), loss.grad(yhat, y)) < 1e-6


def test_eps_bounds_the_logarithm_from_below_in_float32_too():
    one, zero = np.float32([1.0]), np.float32([0.0])
    assert bce(one, zero) == pytest.approx(-math.log(1e-12), rel=1e-6)
    assert bce(zero, one) == pytest.approx(-math.log(1e-12), rel=1e-6)
    assert bce([0.0], [1.0], eps=1e-3) == pytest.approx(-math.log(1e-3))
    assert cce([0.0, 1.0], [1, 0], eps=1e-3) == pytest.approx(-math.log(1e-3))
    assert np.all(np.isfinite(grad_bce(one, zero)))
    assert np.all(np.isfinite(grad_cce([0.0, 1.0], [1, 0])))


def test_per_example_of_one_vector_has_one_entry():
    assert cce([0.2, 0.8], [1, 0], per_example=True).shape == (1,)


def test_hinge_is_zero_beyond_the_margin():
    score = np.array([2.0, 1.0, 0.25, -3.0])
    assert hinge(score, np.ones(4)) == pytest.approx((0 + 0 + 0.75 + 4) / 4)
    np.testing.assert_array_equal(grad_hinge(score, np.ones(4)), [0, 0, -0.25, -0.25])
    assert hinge(-score, -np.ones(4)) == hinge(score, np.ones(4))


def test_accuracy():
    assert accuracy(TABLE_P, TABLE_Y) == 1
    assert accuracy(TABLE_P, TABLE_Y[[1, 1, 2, 2]]) == 0.5
    assert accuracy([0.9, 0.2, 0.6, 0.5], [1, 0, 0, 1]) == 0.5
    assert accuracy(np.array([[0.9], [0.2]]), np.array([[1], [1]])) == 0.5


PAIR_FUNCTIONS = [half_sse, mse, grad_half_sse, grad_mse, bce, grad_bce, cce, grad_cce]
PAIR_FUNCTIONS += [likelihood, nll, bce_multi, accuracy]


@pytest.mark.parametrize("f", PAIR_FUNCTIONS)
def test_shapes_that_numpy_would_broadcast_are_refused(f):
    p = np.full(3, 1 / 3)
    with pytest.raises(ValueError, match=r"expected the shape of \w+, \(3,\), got \(3, 1\)"):
        f(p, p[:, None])
    with pytest.raises(ValueError, match=r"expected the shape of \w+, \(2, 3\), got \(3,\)"):
        f(np.stack([p, p]), p)
    with pytest.raises(ValueError, match="expected a non-empty array with 1 or 2 axes"):
        f(0.5, 1.0)


@pytest.mark.parametrize("f", [hinge, grad_hinge])
def test_hinge_refuses_what_it_cannot_mean(f):
    with pytest.raises(ValueError, match=r"y: expected shape \(m,\) with m = 4, got \(4, 1\)"):
        f(SIGNS, SIGNS[:, None])
    with pytest.raises(ValueError, match=r"y: expected labels -1 or \+1, got 0.0"):
        f(SIGNS, np.array([0, 1, 1, 0]))


@pytest.mark.parametrize("f", PAIR_FUNCTIONS)
def test_nan_and_infinity_are_refused(f):
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"expected finite numbers, got (nan|inf) at index"):
            f([bad, 0.5], [1.0, 0.0])


@pytest.mark.parametrize("f", [bce, grad_bce, cce, grad_cce, likelihood, nll, bce_multi])
def test_scores_in_place_of_probabilities_are_refused(f):
    with pytest.raises(ValueError, match=r"probabilities between 0 and 1, got 3.0 at index \(1,\)"):
        f([0.5, 3.0], [1.0, 0.0])
    with pytest.raises(ValueError, match=r"expected targets 0 or 1, got -1.0"):
        f([0.5, 0.5], [1.0, -1.0])


@pytest.mark.parametrize("f", [cce, grad_cce, likelihood, nll])
def test_targets_that_are_no_one_hot_rows_are_refused(f):
    with pytest.raises(ValueError, match=r"Y: expected rows that sum to 1.*sum 2 in row 1"):
        f(np.full((2, 2), 0.5), [[1, 0], [1, 1]])


def test_unknown_loss():
    assert get_loss("bce").f is bce
    with pytest.raises(ValueError, match=r"loss: expected one of bce, cce, .*; got 'log'"):
        get_loss("log")
    with pytest.raises(ValueError, match="eps: expected a finite number from 0"):
        bce([0.5], [1.0], eps=-1)


@pytest.mark.peer
@EVERY
def test_pytorch_agrees_on_value_and_gradient(torch, name):
    F = torch.nn.functional
    peer = {
        "half_sse": lambda p, t: 0.5 * F.mse_loss(p, t, reduction="sum"),
        "mse": F.mse_loss,
        "bce": F.binary_cross_entropy,
        "cce": lambda p, t: F.nll_loss(torch.log(p), t.argmax(dim=1)),
        "hinge": lambda p, t: torch.clamp(1 - p * t, min=0).mean(),
    }[name]
    yhat, y = example(name, m=7, K=4, seed=5)
    p = torch.tensor(yhat, requires_grad=True)
    value = peer(p, torch.tensor(y))
    value.backward()
    assert LOSSES[name].f(yhat, y) == pytest.approx(value.item(), rel=1e-12)
    assert relative(LOSSES[name].grad(yhat, y), p.grad.numpy()) < 1e-12
