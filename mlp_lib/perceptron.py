"""The perceptron decides by a sign and learns only from its mistakes."""

from typing import Any

import numpy as np

from mlp_lib._check import arrays, integer, reals, scalar, signs
from mlp_lib._types import Array, ArrayLike


def sgn(z: ArrayLike) -> Array:
    """sgn(z) = +1 if z ≥ 0 else −1 (eq-sgn). z: any shape; returns the same shape.

    Unlike np.sign it never answers 0, so that every example gets one of the two labels.
    """
    (z,) = reals(z=z)
    return np.where(z >= 0, 1, -1).astype(z.dtype)


def perceptron_train(
    X: ArrayLike,
    y: ArrayLike,
    eta: float = 0.5,
    max_updates: int = 100,
    w0: ArrayLike | None = None,
) -> tuple[Array, int, bool]:
    """w ← w + η (yᵢ − ŷᵢ) xᵢ for the first misclassified example i, until there is none (eq-pla).

    X: inputs, (m, n), without a column for the bias. y: labels −1 or +1, (m,).
    w0: start, (n + 1,), bias first; zeros unless given.
    Returns w, (n + 1,), the number of updates, and whether the last scan found no mistake.
    """
    X, y = arrays("m n, m", X=X, y=y)
    signs("y", y)
    eta, max_updates = scalar("eta", eta), integer("max_updates", max_updates, low=0)
    m, n = X.shape
    w = np.zeros(n + 1, X.dtype) if w0 is None else _weights("w0", w0, n)
    X1 = np.column_stack([np.ones(m, dtype=X.dtype), X])  # (m, n + 1), x₀ = 1 carries the bias
    for n_updates in range(max_updates + 1):
        yhat = sgn(X1 @ w)  # (m,)
        mistakes = np.flatnonzero(yhat != y)
        if len(mistakes) == 0:
            return w.copy(), n_updates, True
        if n_updates < max_updates:
            i = mistakes[0]
            w = w + eta * (y[i] - yhat[i]) * X1[i]  # (n + 1,)
    return w, max_updates, False


def perceptron_predict(X: ArrayLike, w: ArrayLike) -> Array:
    """ŷ = sgn(w₀ + Σⱼ wⱼ xⱼ) for each row x of X (eq-perceptron).

    X: inputs, (m, n). w: weights, (n + 1,), bias first. Returns labels −1 or +1, (m,).
    """
    (X,) = arrays("m n", X=X)
    w = _weights("w", w, X.shape[1])
    return sgn(X @ w[1:] + w[0])  # (m,)


def _weights(name: str, w: Any, n: int) -> Array:
    return arrays(f"{n + 1}", trainable=name, **{name: w})[0]
