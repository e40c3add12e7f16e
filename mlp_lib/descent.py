"""Gradient descent walks downhill: step against the gradient, look again, repeat."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from mlp_lib._check import arrays, generator, integer, pairs, scalar, shapes
from mlp_lib._types import Array, ArrayLike, Func, Grads, Params


def gd_update(params: Params, grads: Grads, lr: float) -> Params:
    """W ← W − α dW, b ← b − α db for every layer (eq-gd-update).

    params, grads: lists of (W, b) and (dW, db), equal shapes. Returns a new list; the arrays that
    came in stay as they were.
    """
    params, grads, lr = pairs(params), pairs(grads, "grads"), scalar("lr", lr)
    _match(params, grads)
    return [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads, strict=True)]


def gd_path(grad: Func, theta0: ArrayLike, eta: float, n: int) -> Array:
    """θₜ₊₁ = θₜ − η ∇J(θₜ) for t = 0 … n − 1 (eq-gd-path).

    grad: θ (p,) → ∇J(θ) (p,). theta0: start, (p,). Returns (n + 1, p), the start first.
    """
    (theta,) = arrays("p", trainable="theta0", theta0=theta0)
    eta, path = scalar("eta", eta), [theta]
    for _ in range(integer("n", n, low=0)):
        slope = np.asarray(grad(theta), dtype=theta.dtype)
        shapes(str(theta.size), **{"grad(theta)": slope})
        theta = theta - eta * slope  # (p,)
        path.append(theta)
    return np.array(path)  # (n + 1, p)


def iterate_minibatches(
    X: ArrayLike, Y: ArrayLike, b: int, rng: np.random.Generator
) -> Iterator[tuple[Array, Array]]:
    """Cut the examples, in a random order, into batches of b; the last may be shorter
    (eq-minibatch).

    X: (m, d). Y: (m, K), or (m,). 1 ≤ b ≤ m. Yields pairs of (b, d) and (b, K): every example
    once, each still beside its target.
    """
    X, Y = np.asarray(X), np.asarray(Y)
    if X.ndim == 0 or Y.ndim == 0 or len(X) != len(Y):
        raise ValueError(
            f"X and Y: expected as many rows of Y as of X, got shapes {X.shape} and {Y.shape}"
        )
    b = integer("b", b, low=1, high=len(X))
    order = generator(rng).permutation(len(X))  # one order for both
    return ((X[rows], Y[rows]) for rows in _slices(order, b))


def updates_per_epoch(m: int, b: int) -> int:
    """⌈m/b⌉: batches of b examples that it takes to see all m once (eq-updates-per-epoch)."""
    m = integer("m", m, low=1)
    return math.ceil(m / integer("b", b, low=1))


def _slices(order: Any, b: int) -> Iterator[Any]:
    return (order[start : start + b] for start in range(0, len(order), b))


def _match(params: Params, grads: Grads) -> None:
    if len(params) != len(grads):
        raise ValueError(f"grads: expected {len(params)} layers, as in params, got {len(grads)}")
    for k, (layer, slopes) in enumerate(zip(params, grads, strict=True)):
        for i in (0, 1):
            if layer[i].shape != slopes[i].shape:
                raise ValueError(
                    f"grads[{k}][{i}]: expected the shape of params[{k}][{i}], "
                    f"{layer[i].shape}, got {slopes[i].shape}"
                )
