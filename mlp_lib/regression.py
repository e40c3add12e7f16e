"""One layer, three models: linear, logistic and softmax regression share the same gradient,
because each pairs its output with the loss that makes δ = ŷ − y.

Row form: an example is a row of X. The loss is the mean over the m examples, so 1/m enters once,
in dZ.
"""

from collections.abc import Callable

import numpy as np

from mlp_lib._check import arrays, converging, integer, scalar, signs, targets, unit_rows
from mlp_lib._types import Array, ArrayLike, Pair
from mlp_lib.activations import identity, sigmoid
from mlp_lib.losses import bce_multi, cce, grad_hinge, half_sse, hinge
from mlp_lib.softmax import softmax


def linear_regression_grads(X: ArrayLike, Y: ArrayLike, W: ArrayLike, b: ArrayLike) -> Pair:
    """dW = Xᵀ(Ŷ − Y)/m, db = Σ rows (Ŷ − Y)/m with Ŷ = XW + b (eq-linear-regression-grads).

    X: (m, d). Y: (m, K). W: (d, K). b: (1, K). Returns dW (d, K) and db (1, K) of the mean over
    the examples of ½ Σₖ (Ŷ − Y)².
    """
    X, Y, W, b = _data(X, Y, W, b)
    dZ = (X @ W + b - Y) / len(X)  # (m, K)
    return X.T @ dZ, dZ.sum(axis=0, keepdims=True)  # (d, K), (1, K)


def logistic_regression_grads(X: ArrayLike, Y: ArrayLike, W: ArrayLike, b: ArrayLike) -> Pair:
    """dW = Xᵀ(Ŷ − Y)/m, db = Σ rows (Ŷ − Y)/m with Ŷ = σ(XW + b) (eq-logistic-regression-grads).

    X: (m, d). Y: 0 or 1, (m, K). W: (d, K). b: (1, K). Returns dW (d, K) and db (1, K) of the mean
    over the examples of the binary cross-entropies, summed over the K yes/no questions.
    """
    X, Y, W, b = _data(X, Y, W, b)
    targets(Y=Y)
    dZ = (sigmoid(X @ W + b) - Y) / len(X)  # (m, K)
    return X.T @ dZ, dZ.sum(axis=0, keepdims=True)  # (d, K), (1, K)


def softmax_regression_grads(X: ArrayLike, Y: ArrayLike, W: ArrayLike, b: ArrayLike) -> Pair:
    """dW = Xᵀ(Ŷ − Y)/m, db = Σ rows (Ŷ − Y)/m with Ŷ = softmax(XW + b)
    (eq-softmax-regression-grads).

    X: (m, d). Y: one-hot, (m, K). W: (d, K). b: (1, K). Returns dW (d, K) and db (1, K) of the
    mean categorical cross-entropy.
    """
    X, Y, W, b = _data(X, Y, W, b)
    unit_rows("Y", Y)
    dZ = (softmax(X @ W + b) - Y) / len(X)  # (m, K)
    return X.T @ dZ, dZ.sum(axis=0, keepdims=True)  # (d, K), (1, K)


def fit_linear(
    X: ArrayLike, Y: ArrayLike, lr: float = 0.1, n_steps: int = 1000
) -> tuple[Array, Array, list[float]]:
    """Gradient descent for linear regression; see `fit_softmax` for the arguments."""

    def loss(Yhat: Array, Y: Array) -> float:
        return half_sse(Yhat, Y) / len(Y)

    return _fit(X, Y, linear_regression_grads, identity, loss, lr, n_steps)


def fit_logistic(
    X: ArrayLike, Y: ArrayLike, lr: float = 0.1, n_steps: int = 1000
) -> tuple[Array, Array, list[float]]:
    """Gradient descent for logistic regression; see `fit_softmax` for the arguments."""

    def loss(Yhat: Array, Y: Array) -> float:
        return bce_multi(Yhat, Y) / len(Y)

    return _fit(X, Y, logistic_regression_grads, sigmoid, loss, lr, n_steps)


def fit_softmax(
    X: ArrayLike, Y: ArrayLike, lr: float = 0.1, n_steps: int = 1000
) -> tuple[Array, Array, list[float]]:
    """Gradient descent W ← W − lr dW, b ← b − lr db for softmax regression (eq-gd-update).

    X: (m, d). Y: one-hot, (m, K). Starts from zeros: the loss of one layer is a bowl, so any start
    leads to the same lowest value. Returns W (d, K), b (1, K) and the loss before each step.
    """
    return _fit(X, Y, softmax_regression_grads, softmax, cce, lr, n_steps)


def linear_svm_grads(
    X: ArrayLike, y: ArrayLike, w: ArrayLike, b: ArrayLike, lam: float = 0.01
) -> tuple[Array, float]:
    """dw = Xᵀe + λw, db = Σ e with e = ∂hinge/∂s at the scores s = Xw + b (eq-svm-grads).

    X: (m, d). y: −1 or +1, (m,). w: (d,). b: one number. Returns dw (d,) and db of the linear
    support vector machine's loss, hinge(s, y) + ½ λ ‖w‖².
    """
    X, y, w, b = arrays("m d, m, d, ()", trainable="w", X=X, y=y, w=w, b=b)
    e = grad_hinge(X @ w + b, y)  # (m,)
    return X.T @ e + scalar("lam", lam, low=0) * w, e.sum().item()  # (d,), one number


def fit_linear_svm(
    X: ArrayLike, y: ArrayLike, lam: float = 0.01, lr: float = 0.1, n_steps: int = 1000
) -> tuple[Array, float, list[float]]:
    """Gradient descent for the linear support vector machine, from zeros (eq-svm-grads).

    X: (m, d). y: −1 or +1, (m,). Returns w (d,), b and the loss before each step.
    """
    X, y = arrays("m d, m", X=X, y=y)
    signs("y", y)
    lr = scalar("lr", lr)
    w, b, history = np.zeros(X.shape[1], X.dtype), 0.0, []
    for _ in range(integer("n_steps", n_steps, low=0)):
        history.append(hinge(converging(lr, X @ w + b), y) + lam / 2 * (w @ w).item())
        dw, db = linear_svm_grads(X, y, w, b, lam)
        w, b = w - lr * dw, b - lr * db
    return w, b, history


def _data(X: ArrayLike, Y: ArrayLike, W: ArrayLike, b: ArrayLike) -> list[Array]:
    return arrays("m d, m K, d K, 1 K", trainable="W b", X=X, Y=Y, W=W, b=b)


def _fit(
    X: ArrayLike,
    Y: ArrayLike,
    grads: Callable[..., Pair],
    g: Callable[[Array], Array],
    loss: Callable[[Array, Array], float],
    lr: float,
    n_steps: int,
) -> tuple[Array, Array, list[float]]:
    X, Y = arrays("m d, m K", X=X, Y=Y)
    lr = scalar("lr", lr)
    W, b = np.zeros((X.shape[1], Y.shape[1]), X.dtype), np.zeros((1, Y.shape[1]), X.dtype)
    history = []
    for _ in range(integer("n_steps", n_steps, low=0)):
        history.append(loss(g(converging(lr, X @ W + b)), Y))
        dW, db = grads(X, Y, W, b)
        W, b = W - lr * dW, b - lr * db
    return W, b, history
