import numpy as np
import pytest

from mlp_lib import d_tanh, tanh
from mlp_lib.batch import mlp_backward_batch, mlp_forward_batch
from mlp_lib.init import INIT_SCHEMES, init_params


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("scheme", INIT_SCHEMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_row_form_zero_biases_and_dtype(scheme, dtype):
    params = init_params([4, 7, 3], rng(), scheme, dtype)
    assert [(W.shape, b.shape) for W, b in params] == [((4, 7), (1, 7)), ((7, 3), (1, 3))]
    assert {t.dtype for layer in params for t in layer} == {np.dtype(dtype)}
    assert all((b == 0).all() for _, b in params)


@pytest.mark.parametrize(
    ("scheme", "variance"),
    [
        ("normal", 1.0),
        ("xavier_normal", 2 / 700),
        ("xavier_uniform", 2 / 700),
        ("he", 2 / 300),
        ("lecun", 1 / 300),
    ],
)
def test_variance_of_the_weights(scheme, variance):
    ((W, _),) = init_params([300, 400], rng(), scheme)
    assert W.var() == pytest.approx(variance, rel=0.02)
    assert abs(W.mean()) < 3 * np.sqrt(variance / W.size)


def test_xavier_uniform_stays_in_its_bounds():
    ((W, _),) = init_params([30, 24], rng(), "xavier_uniform")
    assert np.abs(W).max() <= np.sqrt(6 / 54)
    assert np.abs(W).max() > 0.95 * np.sqrt(6 / 54)


def test_the_scheme_keeps_the_size_of_the_signal():
    """LeCun's variance keeps that of a sum of 500 inputs; He's makes up for the ReLU."""
    X = rng(1).normal(size=(400, 500))
    ((W, _),) = init_params([500, 500], rng(), "lecun")
    assert (X @ W).var() == pytest.approx(1, rel=0.05)
    ((W, _),) = init_params([500, 500], rng(), "he")
    assert np.mean(np.maximum(X @ W, 0) ** 2) == pytest.approx(1, rel=0.05)


def test_layers_are_drawn_first_to_last_and_reproducibly():
    one, two = init_params([2, 3, 1], rng(5)), init_params([2, 3, 1], rng(5))
    assert all(np.array_equal(a, b) for p, q in zip(one, two, strict=True) for a, b in zip(p, q))  # noqa: B905
    generator = rng(5)
    np.testing.assert_array_equal(one[0][0], generator.standard_normal((2, 3)) * np.sqrt(2 / 5))
    np.testing.assert_array_equal(one[1][0], generator.standard_normal((3, 1)) * np.sqrt(2 / 4))


def test_units_that_start_equal_get_equal_gradients():
    """All-zero weights: the hidden units can never differ, and their own gradient is zero."""
    X, Y = rng().normal(size=(8, 3)), np.eye(2)[[0, 1] * 4]
    params = init_params([3, 4, 2], rng(), "zeros")
    _, cache = mlp_forward_batch(X, params, tanh)
    (dW, _), (dV, _) = mlp_backward_batch(params, cache, Y, d_tanh)
    assert (dW == 0).all()
    assert np.ptp(dV, axis=0).max() == 0


def test_bad_input_says_what_was_expected():
    with pytest.raises(ValueError, match=r"scheme: expected one of he, lecun, normal, .*; got 'Xa"):
        init_params([2, 1], rng(), "Xavier")
    with pytest.raises(ValueError, match="sizes: expected at least two layer sizes"):
        init_params([2], rng())
    with pytest.raises(ValueError, match=r"sizes\[1\]: expected a whole number at least 1, got 0"):
        init_params([2, 0], rng())
    with pytest.raises(TypeError, match=r"sizes\[0\]: expected a whole number, got 2\.0"):
        init_params([2.0, 1], rng())
    with pytest.raises(TypeError, match="rng: expected a generator"):
        init_params([2, 1], 0)
    with pytest.raises(TypeError, match="dtype: expected float32 or float64, got int64"):
        init_params([2, 1], rng(), dtype=np.int64)
