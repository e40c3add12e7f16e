import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp_lib.descent import gd_path, gd_update, iterate_minibatches, updates_per_epoch

pytestmark = pytest.mark.filterwarnings("error")


def bowl(t):
    return 1.5 * t[0] ** 2 + t[1] ** 2 + 2


def grad_bowl(t):
    return np.array([3 * t[0], 2 * t[1]])


ONE = np.ones(2)


@pytest.mark.parametrize(
    ("eta", "n", "end"),
    [(0.1, 10, [0.0282, 0.1074]), (0.001, 1000, [0.0496, 0.1351]), (0.665757, 100, [0.7609, 0])],
)
def test_worked_paths_of_lesson_5(eta, n, end):
    path = gd_path(grad_bowl, ONE, eta, n)
    assert path.shape == (n + 1, 2)
    assert path[0].tolist() == [1, 1]
    np.testing.assert_allclose(path[-1], end, atol=5e-5)
    np.testing.assert_allclose(path[:, 0], (1 - 3 * eta) ** np.arange(n + 1), rtol=1e-10)
    np.testing.assert_allclose(path[:, 1], (1 - 2 * eta) ** np.arange(n + 1), rtol=1e-10)


def test_two_thirds_is_the_limit():
    path = gd_path(grad_bowl, ONE, 0.67, 100)
    np.testing.assert_allclose(path[-1], [2.7048, 0], atol=5e-5)
    assert np.abs(gd_path(grad_bowl, ONE, 0.666, 2000)[-1]).max() < 0.02
    assert np.all(np.diff(np.sign(gd_path(grad_bowl, ONE, 0.665757, 100)[:, 0])) != 0)


def test_first_order_prediction_of_the_gain():
    start, after = gd_path(grad_bowl, ONE, 0.1, 1)
    assert 0.1 * grad_bowl(ONE) @ grad_bowl(ONE) == pytest.approx(1.3)
    assert bowl(start) - bowl(after) == pytest.approx(1.125)


@given(st.floats(0.001, 0.66), st.integers(0, 30))
def test_a_longer_path_begins_with_the_shorter_one(eta, n):
    longer = gd_path(grad_bowl, [0.3, -0.7], eta, n + 3)
    np.testing.assert_array_equal(longer[: n + 1], gd_path(grad_bowl, [0.3, -0.7], eta, n))


def test_path_refusals():
    with pytest.raises(ValueError, match=r"grad\(theta\): expected shape \(2,\), got \(2, 1\)"):
        gd_path(lambda t: grad_bowl(t)[:, None], ONE, 0.1, 3)
    with pytest.raises(ValueError, match=r"grad\(theta\): expected shape \(2,\), got \(\)"):
        gd_path(lambda t: 1.0, ONE, 0.1, 3)
    with pytest.raises(TypeError, match="theta0: expected a parameter array of floats"):
        gd_path(grad_bowl, np.array([1, 1]), 0.1, 3)
    with pytest.raises(ValueError, match=r"theta0: expected shape \(p,\), got \(1, 2\)"):
        gd_path(grad_bowl, [[1.0, 1.0]], 0.1, 3)
    with pytest.raises(ValueError, match="n: expected a whole number at least 0, got -1"):
        gd_path(grad_bowl, ONE, 0.1, -1)
    with pytest.raises(TypeError, match=r"n: expected a whole number, got 3\.0"):
        gd_path(grad_bowl, ONE, 0.1, 3.0)
    with pytest.raises(ValueError, match="eta: expected a finite number"):
        gd_path(grad_bowl, ONE, math.nan, 3)


PARAMS = [(np.array([[0.7, 0.9]]), np.array([1.0]))]
GRADS = [(np.array([[-0.0065, -0.0063]]), np.array([-0.0081]))]


def test_the_exercise_fixture():
    for _ in range(2):  # the second call sees the same parameters
        [(W, b)] = gd_update(PARAMS, GRADS, 0.25)
        np.testing.assert_allclose(W, [[0.701625, 0.901575]], rtol=1e-15)
        np.testing.assert_allclose(b, [1.002025], rtol=1e-15)
    assert PARAMS[0][0].tolist() == [[0.7, 0.9]]


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_two_steps_along_the_same_gradient_are_one_longer_step(lr1, lr2):
    twice = gd_update(gd_update(PARAMS, GRADS, lr1), GRADS, lr2)
    once = gd_update(PARAMS, GRADS, lr1 + lr2)
    np.testing.assert_allclose(twice[0][0], once[0][0], atol=1e-15)


def test_pairs_as_tuples_are_as_good():
    got = gd_update(tuple(map(list, PARAMS)), tuple(GRADS), 0.25)
    np.testing.assert_array_equal(got[0][0], gd_update(PARAMS, GRADS, 0.25)[0][0])


def test_update_refusals():
    W, b = PARAMS[0]
    with pytest.raises(
        ValueError, match=r"grads\[0\]\[0\]: expected the shape .*\(1, 2\), got \(2"
    ):
        gd_update(PARAMS, [(W.T, b)], 0.1)
    with pytest.raises(ValueError, match=r"grads\[0\]\[1\]: .*\(1,\), got \(1, 1\)"):
        gd_update(PARAMS, [(W, b[None])], 0.1)
    with pytest.raises(ValueError, match="grads: expected 1 layers, as in params, got 2"):
        gd_update(PARAMS, GRADS * 2, 0.1)
    with pytest.raises(TypeError, match=r"params\[0\]\[0\]: expected a parameter array of floats"):
        gd_update([(np.array([[1, 2]]), b)], GRADS, 0.1)
    with pytest.raises(TypeError, match=r"params: expected a list of \(W, b\) pairs, got dict"):
        gd_update({"W": W, "b": b}, GRADS, 0.1)
    with pytest.raises(TypeError, match=r"params\[0\]: expected a pair \(W, b\), got ndarray"):
        gd_update([W, b], GRADS, 0.1)
    with pytest.raises(ValueError, match=r"grads\[0\]\[1\]: expected finite numbers, got inf"):
        gd_update(PARAMS, [(W, np.array([np.inf]))], 0.1)
    with pytest.raises(TypeError, match="lr: expected one real number"):
        gd_update(PARAMS, GRADS, np.array([0.1]))


X = np.arange(20.0).reshape(10, 2)
Y = X[:, :1] * 10


def test_the_exercise_fixture_of_minibatches():
    batches = list(iterate_minibatches(X, Y, 4, np.random.default_rng(0)))
    assert [len(x) for x, _ in batches] == [4, 4, 2]
    assert updates_per_epoch(10, 4) == 3
    assert updates_per_epoch(1000, 32) == 32


@given(st.integers(1, 10), st.integers(0, 1000))
def test_an_epoch_is_the_data_once_each_beside_its_target(b, seed):
    batches = list(iterate_minibatches(X, Y, b, np.random.default_rng(seed)))
    assert len(batches) == updates_per_epoch(len(X), b)
    xs, ys = (np.concatenate(part) for part in zip(*batches, strict=True))
    np.testing.assert_array_equal(ys, xs[:, :1] * 10)
    np.testing.assert_array_equal(xs[np.argsort(xs[:, 0])], X)
    np.testing.assert_array_equal(xs, X[np.random.default_rng(seed).permutation(10)])


def test_a_batch_is_a_copy():
    x, _ = next(iterate_minibatches(X, Y, 10, np.random.default_rng(0)))
    x[:] = -1
    assert X[0, 1] == 1


def test_minibatch_refusals_come_at_once():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="b: expected a whole number from 1 to 10, got 0"):
        iterate_minibatches(X, Y, 0, rng)
    with pytest.raises(ValueError, match="b: expected a whole number from 1 to 10, got 11"):
        iterate_minibatches(X, Y, 11, rng)
    with pytest.raises(
        ValueError, match=r"as many rows of Y as of X, got .*\(10, 2\) and \(9, 1\)"
    ):
        iterate_minibatches(X, Y[:9], 4, rng)
    with pytest.raises(TypeError, match=r"rng: expected a generator .*default_rng\(0\), got 0"):
        iterate_minibatches(X, Y, 4, 0)
    with pytest.raises(ValueError, match="m: expected a whole number at least 1, got 0"):
        updates_per_epoch(0, 4)
    with pytest.raises(TypeError, match=r"b: expected a whole number, got 2\.5"):
        updates_per_epoch(10, 2.5)
