"""Small data sets: a row is an example, and every random one names its generator.

The plane sets give X (m, 2) and integer labels (m,), classes taking turns row by row, so that
every class has m / K examples. `one_hot` turns labels into targets.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlp_lib import _check, activations
from mlp_lib._types import Array

FloatArray = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Rows = npt.NDArray[Any]


def xor() -> tuple[FloatArray, FloatArray]:
    """Return the four examples of XOR in the order 00, 10, 01, 11: X (4, 2), Y (4, 1) (eq-xor)."""
    X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    Y = np.array([[0.0], [1.0], [1.0], [0.0]])
    return X, Y


def gaussians(
    m: int,
    rng: np.random.Generator,
    centres: Sequence[Sequence[float]] = ((-2.0, 0.0), (2.0, 0.0), (0.0, 2.5)),
    spread: float = 0.6,
) -> tuple[FloatArray, Labels]:
    """Return round clouds of points, class k around centres[k]: X (m, d), labels (m,).

    x = centre + spread · ξ,  ξ ~ N(0, 1) in every coordinate.
    """
    middle = np.asarray(centres, dtype=np.float64)  # (K, d)
    if middle.ndim != 2:
        raise ValueError(f"centres: expected K points of d numbers, got shape {middle.shape}")
    labels = _take_turns(m, len(middle))
    return middle[labels] + _noise(rng, spread, (m, middle.shape[1]), "spread"), labels


def moons(m: int, rng: np.random.Generator, noise: float = 0.1) -> tuple[FloatArray, Labels]:
    """Return two half circles that reach into each other: X (m, 2), labels (m,) in {0, 1}.

    class 0: (cos t, sin t)     class 1: (1 − cos t, ½ − sin t),   t uniform in [0, π].
    """
    labels = _take_turns(m, 2)
    t = _check.generator(rng).uniform(0, np.pi, m)
    upper = np.column_stack([np.cos(t), np.sin(t)])
    lower = np.column_stack([1 - np.cos(t), 0.5 - np.sin(t)])
    X = np.where(labels[:, None] == 0, upper, lower)
    return X + _noise(rng, noise, (m, 2)), labels


def circles(
    m: int, rng: np.random.Generator, noise: float = 0.08, inner_radius: float = 0.5
) -> tuple[FloatArray, Labels]:
    """Return a circle inside a circle: X (m, 2), labels (m,), 0 outside and 1 inside.

    r (cos t, sin t),  r = 1 or inner_radius,  t uniform in [0, 2π].
    """
    labels = _take_turns(m, 2)
    t = _check.generator(rng).uniform(0, 2 * np.pi, m)
    r = np.where(labels == 0, 1.0, inner_radius)
    X = np.column_stack([r * np.cos(t), r * np.sin(t)])
    return X + _noise(rng, noise, (m, 2)), labels


def spiral(
    m: int, rng: np.random.Generator, classes: int = 3, turns: float = 0.75, noise: float = 0.03
) -> tuple[FloatArray, Labels]:
    """Return arms that wind around each other, one a class: X (m, 2), labels (m,).

    r (cos t, sin t),  r uniform in [0, 1],  t = 2π (turns · r + k / classes) for class k.
    """
    labels = _take_turns(m, classes)
    r = _check.generator(rng).uniform(0, 1, m)
    t = 2 * np.pi * (turns * r + labels / classes)
    X = np.column_stack([r * np.cos(t), r * np.sin(t)])
    return X + _noise(rng, noise, (m, 2)), labels


def digits() -> tuple[FloatArray, Labels]:
    """Return the 8×8 handwritten digits: X (1797, 64) between 0 and 1, labels (1797,) 0 … 9.

    They come with scikit-learn (the UCI optical recognition set), so nothing is downloaded.
    """
    from sklearn.datasets import load_digits  # only here: nothing else in mlp_lib needs it

    X, labels = load_digits(return_X_y=True)
    return X.astype(np.float64) / 16, labels.astype(np.int64)


def _square(x: Array) -> Array:
    return x**2


#: The four functions of the universal-approximation figure: three tanh units learn each of them.
FUNCTIONS_1D: dict[str, Callable[[Array], Array]] = {
    "square": _square,
    "sine": np.sin,
    "absolute": np.abs,
    "step": activations.step,
}


def sample_1d(
    f: Callable[[Array], Array], rng: np.random.Generator, N: int = 50
) -> tuple[Array, Array]:
    """Return N points of a function: x (N, 1) uniform in (−1, 1) and y = f(x) (N, 1)."""
    x = _check.generator(rng).uniform(-1, 1, (_check.integer("N", N, low=1), 1))
    return x, f(x)


def train_test_split(
    X: Rows, Y: Rows, rng: np.random.Generator, test_share: float = 0.25
) -> tuple[Rows, Rows, Rows, Rows]:
    """Return (X_train, X_test, Y_train, Y_test): rows shuffled together, then cut once.

    X (m, …), Y (m, …); the test part has round(m · test_share) rows.
    """
    m = len(X)
    if len(Y) != m:
        raise ValueError(f"expected as many rows in Y as in X, got {len(Y)} and {m}")
    test = round(m * test_share)
    if not 0 < test < m:
        raise ValueError(
            f"test_share: expected at least one row on each side, got {test_share} of {m} rows"
        )
    order = _check.generator(rng).permutation(m)
    train_rows, test_rows = order[test:], order[:test]
    return X[train_rows], X[test_rows], Y[train_rows], Y[test_rows]


def _take_turns(m: int, classes: int) -> Labels:
    """Return labels 0, 1, …, classes − 1, 0, 1, … (m,)."""
    m, classes = _check.integer("m", m, low=1), _check.integer("classes", classes, low=1)
    return np.arange(m) % classes


def _noise(
    rng: np.random.Generator, spread: float, shape: tuple[int, ...], name: str = "noise"
) -> FloatArray:
    spread = _check.scalar(name, spread, low=0)
    return spread * _check.generator(rng).standard_normal(shape)
