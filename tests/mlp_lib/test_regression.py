import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeric import central, complex_step, relative

from mlp_lib.activations import identity, sigmoid
from mlp_lib.encoding import one_hot
from mlp_lib.losses import accuracy, bce, bce_multi, cce, half_sse, hinge
from mlp_lib.regression import (
    fit_linear,
    fit_linear_svm,
    fit_logistic,
    fit_softmax,
    linear_regression_grads,
    linear_svm_grads,
    logistic_regression_grads,
    softmax_regression_grads,
)
from mlp_lib.softmax import softmax

pytestmark = pytest.mark.filterwarnings("error")

M, D, K = 5, 2, 3
ROWS = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])


def mean_half_sse(Yhat, Y):
    return half_sse(Yhat, Y) / len(Y)


def mean_bce_multi(Yhat, Y):
    return bce_multi(Yhat, Y) / len(Y)


MODELS = {
    "linear": (linear_regression_grads, identity, mean_half_sse, fit_linear),
    "logistic": (logistic_regression_grads, sigmoid, mean_bce_multi, fit_logistic),
    "softmax": (softmax_regression_grads, softmax, cce, fit_softmax),
}
EVERY = pytest.mark.parametrize("name", sorted(MODELS))


def problem(name, m=M, d=D, K=K, seed=0):
    rng = np.random.default_rng(seed)
    X, W, b = rng.normal(size=(m, d)), rng.normal(size=(d, K)), rng.normal(size=(1, K))
    Y = {
        "linear": rng.normal(size=(m, K)),
        "logistic": rng.integers(0, 2, (m, K)).astype(float),
        "softmax": one_hot(rng.integers(0, K, m), K),
    }[name]
    return X, Y, W, b


def test_the_exercise_fixture():
    X = np.array([[1.0, 2], [3, 4], [0, -1]])
    dW, db = softmax_regression_grads(X, np.eye(3), np.zeros((2, 3)), np.zeros((1, 3)))
    expected = [[0.1111, -0.5556, 0.4444], [-0.1111, -0.7778, 0.8889]]
    np.testing.assert_allclose(dW, expected, atol=5e-5)
    np.testing.assert_allclose(db, np.zeros((1, 3)), atol=1e-16)
    assert db.shape == (1, 3)


@EVERY
def test_gradients_equal_complex_step_and_central_difference(name):
    grads, g, loss, _ = MODELS[name]
    X, Y, W, b = problem(name)
    dW, db = grads(X, Y, W, b)
    assert (dW.shape, db.shape) == (W.shape, b.shape)
    assert relative(dW, complex_step(lambda V: loss(g(X @ V + b), Y), W)) < 1e-14
    assert relative(db, complex_step(lambda c: loss(g(X @ W + c), Y), b)) < 1e-14
    assert relative(dW, central(lambda V: loss(g(X @ V + b), Y), W)) < 1e-8


@EVERY
@given(order=st.permutations(range(M)), seed=st.integers(0, 50))
def test_the_order_of_the_examples_does_not_matter(name, order, seed):
    grads = MODELS[name][0]
    X, Y, W, b = problem(name, seed=seed)
    for got, same in zip(grads(X[order], Y[order], W, b), grads(X, Y, W, b), strict=True):
        np.testing.assert_allclose(got, same, atol=1e-14)


@EVERY
def test_the_batch_is_the_mean_of_the_examples(name):
    grads = MODELS[name][0]
    X, Y, W, b = problem(name)
    singles = [grads(X[i : i + 1], Y[i : i + 1], W, b) for i in range(M)]
    for i, got in enumerate(grads(X, Y, W, b)):
        np.testing.assert_allclose(got, np.mean([s[i] for s in singles], axis=0), atol=1e-15)


@EVERY
def test_a_fit_goes_downhill_to_a_place_without_slope(name):
    grads, g, loss, fit = MODELS[name]
    X, Y, _, _ = problem(name, m=40)
    W, b, history = fit(X, Y, lr=0.5, n_steps=3000)
    assert len(history) == 3000
    assert np.all(np.diff(history) <= 1e-15)
    assert loss(g(X @ W + b), Y) <= history[-1]
    assert max(np.abs(d).max() for d in grads(X, Y, W, b)) < 1e-6


def test_the_best_line_for_xor_says_one_half_everywhere():
    y = np.array([[0.0], [1], [1], [0]])
    W, b, _ = fit_linear(ROWS, y, lr=0.5, n_steps=2000)
    np.testing.assert_allclose(ROWS @ W + b, np.full((4, 1), 0.5), atol=1e-9)
    assert ((ROWS @ W + b - y) ** 2).mean() == pytest.approx(0.25)


def test_the_product_of_the_inputs_as_third_feature_solves_xor():
    y = np.array([[0.0], [1], [1], [0]])
    features = np.column_stack([ROWS, ROWS[:, 0] * ROWS[:, 1]])
    W, b, _ = fit_linear(features, y, lr=0.5, n_steps=4000)
    np.testing.assert_allclose([b[0, 0], *W[:, 0]], [0, 1, 1, -2], atol=1e-6)


def test_least_squares_is_where_linear_regression_ends():
    X, Y, _, _ = problem("linear", m=30)
    W, b, _ = fit_linear(X, Y, lr=0.3, n_steps=2000)
    solution = np.linalg.lstsq(np.column_stack([np.ones(30), X]), Y, rcond=None)[0]
    np.testing.assert_allclose(np.vstack([b, W]), solution, atol=1e-10)


def test_logistic_regression_is_softmax_regression_with_two_classes():
    X, _, _, _ = problem("linear", m=20)
    labels = (X[:, 0] + 0.3 * X[:, 1] > 0.2).astype(int)
    w, b, history = fit_logistic(X, labels[:, None].astype(float), lr=1.0, n_steps=50)
    V, c, same = fit_softmax(X, one_hot(labels, 2), lr=0.5, n_steps=50)
    np.testing.assert_allclose(V[:, [1]] - V[:, [0]], w, rtol=1e-12)
    np.testing.assert_allclose(c[0, 1] - c[0, 0], b[0, 0], rtol=1e-12)
    np.testing.assert_allclose(history, same, rtol=1e-12)
    assert history[0] == pytest.approx(np.log(2))
    assert bce(sigmoid(X @ w + b), labels[:, None]) < history[0]


def test_softmax_regression_learns_three_clouds():
    rng = np.random.default_rng(1)
    labels = np.arange(60) % 3
    X = np.array([[0.0, 3], [3, -2], [-3, -2]])[labels] + rng.normal(0, 0.5, (60, 2))
    W, b, history = fit_softmax(X, one_hot(labels, 3), lr=0.5, n_steps=200)
    assert history[0] == pytest.approx(np.log(3))
    assert accuracy(softmax(X @ W + b), one_hot(labels, 3)) == 1


def svm_loss(X, y, w, b, lam):
    return hinge(X @ w + b, y) + lam / 2 * (w @ w)


def test_svm_gradients():
    rng = np.random.default_rng(4)
    X, w, b, y = rng.normal(size=(7, 3)), rng.normal(size=3), 0.3, np.array([1.0, -1] * 3 + [1])
    dw, db = linear_svm_grads(X, y, w, b, lam=0.2)
    assert relative(dw, complex_step(lambda v: svm_loss(X, y, v, b, 0.2), w)) < 1e-14
    assert relative(db, complex_step(lambda c: svm_loss(X, y, w, c, 0.2), b)) < 1e-14


def test_svm_separates_and_with_gate():
    y = np.array([-1.0, -1, -1, 1])
    w, b, history = fit_linear_svm(ROWS, y, lam=0.001, lr=0.1, n_steps=3000)
    assert np.sign(ROWS @ w + b).tolist() == y.tolist()
    assert (y * (ROWS @ w + b)).min() > 0.9  # a margin, not only the right side
    assert history[0] == 1  # all scores 0: every example is inside the margin
    assert svm_loss(ROWS, y, w, b, 0.001) < 0.1


@EVERY
def test_bad_input_is_refused(name):
    grads, _, _, fit = MODELS[name]
    X, Y, W, b = problem(name)
    with pytest.raises(ValueError, match=r"b: expected shape \(1, K\) with K = 3, got \(3,\)"):
        grads(X, Y, W, b[0])
    with pytest.raises(ValueError, match=r"b: expected shape \(1, K\).*got \(3, 1\)"):
        grads(X, Y, W, b.T)
    with pytest.raises(ValueError, match=r"W: expected shape \(d, K\) with d = 2, K = 3, got \(3"):
        grads(X, Y, W.T, b)
    with pytest.raises(ValueError, match=r"Y: expected shape \(m, K\) with m = 5, got \(5,\)"):
        grads(X, Y[:, 0], W, b)
    with pytest.raises(ValueError, match=r"Y: expected shape \(m, K\) with m = 5, got \(1, 3\)"):
        fit(X, Y[:1])
    with pytest.raises(TypeError, match="W: expected a parameter array of floats, got dtype int"):
        grads(X, Y, np.zeros((D, K), dtype=int), b)
    with pytest.raises(ValueError, match=r"X: expected finite numbers, got nan at index \(0, 0\)"):
        grads(np.full_like(X, np.nan), Y, W, b)


def test_targets_that_do_not_fit_the_model_are_refused():
    X, Y, W, b = problem("linear")
    with pytest.raises(ValueError, match="Y: expected targets 0 or 1"):
        logistic_regression_grads(X, Y, W, b)
    with pytest.raises(ValueError, match="Y: expected rows that sum to 1"):
        softmax_regression_grads(X, Y, W, b)
    with pytest.raises(ValueError, match=r"y: expected labels -1 or \+1, got 0.0"):
        fit_linear_svm(ROWS, [0, 0, 0, 1])
    with pytest.raises(ValueError, match="lam: expected a finite number from 0"):
        linear_svm_grads(ROWS, [-1, -1, -1, 1], np.zeros(2), 0.0, lam=-1)


@pytest.mark.peer
def test_pytorch_agrees_on_the_gradients(torch):
    F = torch.nn.functional
    peer = {
        "linear": lambda Z, T: 0.5 * F.mse_loss(Z, T, reduction="sum") / len(Z),
        "logistic": lambda Z, T: F.binary_cross_entropy_with_logits(Z, T, reduction="sum") / len(Z),
        "softmax": F.cross_entropy,
    }
    for name, loss in peer.items():
        X, Y, W, b = problem(name, m=9, d=4, K=3, seed=8)
        V, c = (torch.tensor(t, requires_grad=True) for t in (W, b))
        loss(torch.tensor(X) @ V + c, torch.tensor(Y)).backward()
        dW, db = MODELS[name][0](X, Y, W, b)
        assert relative(dW, V.grad.numpy()) < 1e-12
        assert relative(db, c.grad.numpy()) < 1e-12
