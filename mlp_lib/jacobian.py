"""A Jacobian holds every ∂output/∂input; backpropagation multiplies by it and never builds it.

For the linear layer Y = X W with X (N, D) and W (D, M), that is N = m examples with D inputs and M
outputs each, the Jacobians have N·M·D·M and N·M·N·D entries. One in M of ∂Y/∂W and one in N of
∂Y/∂X can differ from zero: in a wide layer or a large batch nearly all are zero. The vector–
Jacobian product dY ↦ (dX, dW) needs two matrix products and no more memory than the answers. (J is
the loss, here as everywhere.)
"""

import numpy as np

from mlp_lib import _check
from mlp_lib._types import Array
from mlp_lib.batch import linear_backward


def linear_vjp(X: Array, W: Array, dY: Array) -> tuple[Array, Array]:
    """Return (dX, dW), the gradients behind Y = X W, without a Jacobian (eq-linear-vjp).

    dX = dY Wᵀ        dW = Xᵀ dY

    X (N, D), W (D, M), dY = ∂J/∂Y (N, M)  →  dX (N, D), dW (D, M).
    This is `linear_backward` of lesson 10 seen again: backpropagation through a layer is a
    vector–Jacobian product.
    """
    dX, dW, _ = linear_backward(dY, X, W)
    return dX, dW


def full_jacobian_W(X: Array, W: Array) -> Array:
    """Return the whole Jacobian ∂Y/∂W of Y = X W, to see how empty it is (eq-jacobian-w).

    ∂Y[n, m]/∂W[d, k] = X[n, d] where m = k, else 0

    X (N, D), W (D, M)  →  (N, M, D, M). dW[d, k] = Σₙₘ dY[n, m] ∂Y[n, m]/∂W[d, k].
    """
    X, W = _check_product(X, W)
    same_unit = np.eye(W.shape[1], dtype=X.dtype)  # (M, M)
    dY_dW: Array = np.einsum("nd,mk->nmdk", X, same_unit)
    return dY_dW  # (N, M, D, M)


def full_jacobian_X(X: Array, W: Array) -> Array:
    """Return the whole Jacobian ∂Y/∂X of Y = X W (eq-jacobian-x).

    ∂Y[n, m]/∂X[i, d] = W[d, m] where n = i, else 0

    X (N, D), W (D, M)  →  (N, M, N, D).
    """
    X, W = _check_product(X, W)
    same_example = np.eye(X.shape[0], dtype=W.dtype)  # (N, N)
    dY_dX: Array = np.einsum("ni,dm->nmid", same_example, W)
    return dY_dX  # (N, M, N, D)


def jacobian_entries(N: int, D: int, M: int) -> tuple[int, int, int, int]:
    """Return the numbers of entries of ∂Y/∂W, ∂Y/∂X, dW and dX for Y = X W (eq-jacobian-size).

    N·M·D·M,  N·M·N·D,  D·M,  N·D   for X (N, D), W (D, M), Y (N, M).
    """
    N, D, M = (_check.integer(k, n, low=1) for k, n in (("N", N), ("D", D), ("M", M)))
    return N * M * D * M, N * M * N * D, D * M, N * D


def _check_product(X: Array, W: Array) -> tuple[Array, Array]:
    X, W = _check.arrays("N D, D M", trainable="W", X=X, W=W)
    return X, W
