import numpy as np
import pytest

from mlp_lib import ACTIVATIONS, d_tanh, identity, relu, sigmoid, softmax, tanh
from mlp_lib.batch import layer_deltas, mlp_forward_batch
from mlp_lib.diagnostics import (
    chain_gradient,
    dead_unit_counts,
    dead_units,
    delta_stats,
    embedding,
    grad_norms,
    layer_grad_norms,
)


def ratio(norms):
    return norms[0] / norms[-1]


@pytest.mark.parametrize(
    ("act", "expected"), [("sigmoid", 1.540e-06), ("tanh", 1.2612), ("relu", 1.1681)]
)
def test_vanishing_ratios_of_lesson_13(act, expected):
    norms = layer_grad_norms(act)
    assert norms.shape == (10,)
    assert ratio(norms) == pytest.approx(expected, rel=2e-4)


@pytest.mark.parametrize(
    ("act", "scale", "expected"),
    [
        ("leaky_relu", 0.25, 1.13),
        ("sigmoid", np.sqrt(2 / 16), 1.7e-5),
        ("tanh", np.sqrt(2 / 16), 1.68),
        ("relu", np.sqrt(2 / 16), 0.965),
        ("leaky_relu", np.sqrt(2 / 16), 0.959),
        ("tanh", 0.01, 0.8861),
    ],
)
def test_the_appendix_s_other_ratios(act, scale, expected):
    assert ratio(layer_grad_norms(act, scale=scale)) == pytest.approx(expected, rel=2e-2)


def test_the_ratio_can_hide_that_everything_vanished():
    norms = layer_grad_norms("tanh", scale=0.01)
    assert norms[0] == pytest.approx(6.1e-13, rel=0.02)
    assert norms.max() < 1e-12


def test_tiny_sigmoid_weights_still_feed_the_output_layer():
    norms = layer_grad_norms("sigmoid", scale=0.01)
    assert norms[0] == pytest.approx(2.3e-18, rel=0.05)
    assert norms[-1] == pytest.approx(1.33, rel=0.01)


def test_large_relu_weights_explode():
    norms = layer_grad_norms("relu", scale=2)
    assert norms[0] == pytest.approx(1.8e15, rel=0.02)
    assert norms.min() > 1e15


def test_the_experiment_step_by_step():
    """The same norms from the definition, without the library's passes."""
    rng = np.random.default_rng(7)
    X, Y = rng.standard_normal((5, 4)), rng.standard_normal((5, 4))
    W1, W2, W3 = (0.5 * rng.standard_normal((4, 4)) for _ in range(3))
    A1 = np.tanh(X @ W1)
    A2 = np.tanh(A1 @ W2)
    d3 = (A2 @ W3 - Y) / 5
    d2 = d3 @ W3.T * (1 - A2**2)
    d1 = d2 @ W2.T * (1 - A1**2)
    expected = [np.sqrt(np.sum((a.T @ d) ** 2)) for a, d in ((X, d1), (A1, d2), (A2, d3))]
    got = layer_grad_norms("tanh", depth=3, width=4, m=5, scale=0.5, seed=7)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_unknown_activation_and_bad_sizes():
    with pytest.raises(ValueError, match=r"act: expected one of .*; got 'sigmoidd'"):
        layer_grad_norms("sigmoidd")
    with pytest.raises(ValueError, match="depth: expected a whole number at least 1, got 0"):
        layer_grad_norms("tanh", depth=0)
    with pytest.raises(TypeError, match=r"width: expected a whole number, got 4\.5"):
        layer_grad_norms("tanh", width=4.5)
    with pytest.raises(ValueError, match="scale: expected a finite number from 0 to inf, got nan"):
        layer_grad_norms("tanh", scale=np.nan)


@pytest.mark.parametrize(
    ("act", "depth", "expected"),
    [
        ("sigmoid", 1, -4.436e-2),
        ("sigmoid", 2, -9.3e-3),
        ("sigmoid", 3, -2.1e-3),
        ("sigmoid", 5, -1.0e-4),
        ("sigmoid", 10, -5.938e-8),
        ("sigmoid", 20, -1.9e-14),
        ("tanh", 1, -0.21),
        ("tanh", 10, -0.077),
        ("tanh", 20, -0.041),
        ("relu", 1, -0.25),
        ("relu", 20, -0.25),
    ],
)
def test_chain_gradients_by_depth(act, depth, expected):
    assert chain_gradient(act, depth) == pytest.approx(expected, rel=4e-2)


def test_chain_gradients_known_to_more_digits():
    assert chain_gradient("sigmoid", 1) == pytest.approx(-4.436e-2, rel=2e-4)
    assert chain_gradient("sigmoid", 10) == pytest.approx(-5.938e-8, rel=2e-4)
    assert chain_gradient("relu", 10, w=2.0) == 130816


def test_grad_norms():
    grads = [(np.array([[3.0, 4.0]]), np.array([[9.0]])), (np.zeros((2, 2)), np.ones((1, 2)))]
    np.testing.assert_array_equal(grad_norms(grads), [5, 0])
    single = [(np.ones((2, 2), np.float32), np.ones((1, 2), np.float32))]
    assert grad_norms(single).dtype == np.float32


# -- units ----------------------------------------------------------------------------------------


def relu_net():
    """Unit 0 works, unit 1 is dead on all data, unit 2 is silent on some of it."""
    W = np.array([[1.0, -1.0, 1.0], [1.0, -1.0, -1.0]])
    b = np.array([[1.0, -10.0, 0.0]])
    return [(W, b), (np.ones((3, 2)), np.zeros((1, 2)))]


def test_dead_units():
    X = np.random.default_rng(0).uniform(0, 1, (20, 2))
    _, cache = mlp_forward_batch(X, relu_net(), relu)
    (mask,) = dead_units(cache)
    assert mask.tolist() == [False, True, False]
    assert dead_unit_counts(cache) == [1]


def test_a_smooth_unit_is_not_dead():
    X = np.random.default_rng(0).uniform(0, 1, (20, 2))
    _, cache = mlp_forward_batch(X, relu_net(), tanh)
    assert dead_unit_counts(cache, d_tanh) == [0]


def test_a_dead_unit_s_weights_get_no_gradient():
    X = np.random.default_rng(0).uniform(0, 1, (20, 2))
    _, cache = mlp_forward_batch(X, relu_net(), relu)
    deltas = layer_deltas(relu_net(), cache, np.eye(2)[[0, 1] * 10], ACTIVATIONS["relu"].df)
    assert (deltas[0][:, 1] == 0).all()


def test_embedding_is_the_last_hidden_layer():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 3))
    sizes = [3, 5, 4, 2]
    params = [(rng.normal(size=s), rng.normal(size=(1, s[1]))) for s in ((3, 5), (5, 4), (4, 2))]
    E = embedding(X, params, tanh)
    assert E.shape == (6, sizes[-2])
    Yhat, _ = mlp_forward_batch(X, params, tanh)
    np.testing.assert_allclose(softmax(E @ params[-1][0] + params[-1][1]), Yhat, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_embedding_keeps_dtype_and_hands_out_copies(dtype):
    X = np.ones((2, 3), dtype)
    E = embedding(X, [(np.ones((3, 1), dtype), np.ones((1, 1), dtype))], sigmoid)
    assert E.dtype == dtype
    E[:] = 9  # a network of one layer has its input for embedding: still a copy
    assert (X == 1).all()


def test_delta_stats():
    stats = delta_stats([np.array([[0.0, -2.0], [0.0, 4.0]]), np.array([[1.0], [1.0]])])
    assert [s.layer for s in stats] == [1, 2]
    assert (stats[0].mean_abs, stats[0].max_abs, stats[0].zero_share) == (1.5, 4.0, 0.5)
    assert (stats[1].mean_abs, stats[1].zero_share) == (1.0, 0.0)


def test_delta_stats_show_the_vanishing_error():
    rng = np.random.default_rng(0)
    params = [(0.25 * rng.normal(size=(16, 16)), np.zeros((1, 16))) for _ in range(8)]
    X, Y = rng.normal(size=(32, 16)), rng.normal(size=(32, 16))
    _, cache = mlp_forward_batch(X, params, sigmoid, identity)
    deltas = layer_deltas(
        params, cache, Y, ACTIVATIONS["sigmoid"].df, loss="half_sse", activation="identity"
    )
    sizes = [s.mean_abs for s in delta_stats(deltas)]
    assert sizes == sorted(sizes)
    assert sizes[0] < 1e-3 * sizes[-1]
