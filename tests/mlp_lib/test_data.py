import subprocess
import sys

import numpy as np
import pytest

from mlp_lib.data import (
    FUNCTIONS_1D,
    circles,
    digits,
    gaussians,
    moons,
    sample_1d,
    spiral,
    train_test_split,
    xor,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_xor_rows_stand_in_the_order_of_the_lessons():
    X, Y = xor()
    assert X.tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]
    assert Y.tolist() == [[0], [1], [1], [0]]
    assert X.dtype == Y.dtype == np.float64


@pytest.mark.parametrize(
    ("make", "classes"), [(gaussians, 3), (moons, 2), (circles, 2), (spiral, 3)]
)
def test_plane_sets_are_balanced_reproducible_and_float(make, classes):
    X, labels = make(90, rng(3))
    assert X.shape == (90, 2)
    assert X.dtype == np.float64
    assert labels.dtype == np.int64
    assert np.bincount(labels).tolist() == [90 // classes] * classes
    again, _ = make(90, rng(3))
    other, _ = make(90, rng(4))
    assert np.array_equal(X, again)
    assert not np.array_equal(X, other)


def test_without_noise_the_points_lie_on_their_curves():
    X, labels = circles(50, rng(), noise=0)
    np.testing.assert_allclose(np.hypot(*X.T), np.where(labels == 0, 1, 0.5))
    X, labels = moons(50, rng(), noise=0)
    centre = np.where(labels[:, None] == 0, [0, 0], [1, 0.5])
    np.testing.assert_allclose(np.hypot(*(X - centre).T), 1)
    assert (X[labels == 0, 1] >= 0).all()
    assert (X[labels == 1, 1] <= 0.5).all()
    X, labels = spiral(60, rng(), classes=4, turns=0.5, noise=0)
    r, angle = np.hypot(*X.T), np.arctan2(X[:, 1], X[:, 0])
    turned = (angle / (2 * np.pi) - 0.5 * r - labels / 4) % 1
    np.testing.assert_allclose(np.minimum(turned, 1 - turned), 0, atol=1e-9)


def test_gaussians_scatter_around_their_centres():
    centres = [[0.0, 0.0, 5.0], [3.0, 1.0, -5.0]]
    X, labels = gaussians(4000, rng(), centres, spread=0.5)
    for k, centre in enumerate(centres):
        np.testing.assert_allclose(X[labels == k].mean(axis=0), centre, atol=0.05)
        np.testing.assert_allclose(X[labels == k].std(axis=0), 0.5, atol=0.05)


def test_digits():
    X, labels = digits()
    assert X.shape == (1797, 64)
    assert (X.min(), X.max()) == (0, 1)
    assert sorted(set(labels.tolist())) == list(range(10))


def test_importing_the_module_does_not_import_scikit_learn():
    code = "import sys, mlp_lib.data; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def straight_line_mse(x, y):
    A = np.column_stack([x, np.ones(len(x))])
    return float(np.mean((y - A @ np.linalg.lstsq(A, y, rcond=None)[0]) ** 2))


@pytest.mark.parametrize(
    ("name", "line", "variance"),
    [
        ("square", 0.1027, 0.1032),
        ("sine", 6.45e-4, 0.2734),
        ("absolute", 0.0859, 0.0860),
        ("step", 0.0611, 0.2436),
    ],
)
def test_the_four_functions_and_their_best_straight_lines(name, line, variance):
    x, y = sample_1d(FUNCTIONS_1D[name], rng(0))
    assert x.shape == y.shape == (50, 1)
    assert straight_line_mse(x, y) == pytest.approx(line, rel=1e-3)
    assert y.var() == pytest.approx(variance, rel=1e-3)
    assert (np.abs(x) < 1).all()


def test_values_of_the_four_functions():
    x = np.array([-0.5, 0.0, 2.0])
    expected = {
        "square": [0.25, 0, 4],
        "sine": np.sin(x),
        "absolute": [0.5, 0, 2],
        "step": [0, 0, 1],
    }
    assert list(FUNCTIONS_1D) == list(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(FUNCTIONS_1D[name](x), values)


def test_split_keeps_rows_together_and_loses_none():
    X = np.arange(20.0).reshape(10, 2)
    Y = np.arange(10)
    before = X.copy()
    X_train, X_test, Y_train, Y_test = train_test_split(X, Y, rng(), test_share=0.3)
    assert (len(X_train), len(X_test)) == (7, 3)
    assert (X_train[:, 0] == 2 * Y_train).all()
    assert (X_test[:, 0] == 2 * Y_test).all()
    assert sorted([*Y_train, *Y_test]) == list(range(10))
    assert np.array_equal(X, before)


def test_split_gives_copies():
    X, Y = np.ones((4, 1)), np.arange(4)
    X_train, *_ = train_test_split(X, Y, rng())
    X_train[:] = 7
    assert X.tolist() == [[1]] * 4


def test_bad_input_says_what_was_expected():
    with pytest.raises(ValueError, match="expected as many rows in Y as in X, got 3 and 4"):
        train_test_split(np.ones((4, 1)), np.ones(3), rng())
    with pytest.raises(ValueError, match="test_share: expected at least one row on each side"):
        train_test_split(np.ones((4, 1)), np.ones(4), rng(), test_share=1.0)
    with pytest.raises(ValueError, match="m: expected a whole number at least 1, got 0"):
        moons(0, rng())
    with pytest.raises(TypeError, match=r"m: expected a whole number, got 2\.5"):
        spiral(2.5, rng())
    with pytest.raises(ValueError, match="noise: expected a finite number from 0"):
        circles(10, rng(), noise=-1)
    with pytest.raises(ValueError, match=r"centres: expected K points of d numbers, got shape"):
        gaussians(10, rng(), centres=[1.0, 2.0])
    with pytest.raises(TypeError, match=r"rng: expected a generator such as .*, got 0"):
        moons(10, 0)
