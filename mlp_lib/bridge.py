"""The column form and the row form are one network: transpose every array and average the examples.

column form   W[to, from]  (n_out, n_in)     b (n_out,)       one example a call
row form      W[from, to]  (n_in, n_out)     b (1, n_out)     one example a row
"""

import numpy as np

from mlp_lib import _check
from mlp_lib._types import Array, Grads, Params
from mlp_lib.activations import d_sigmoid
from mlp_lib.col import mlp_backward, mlp_forward


def to_row(params_col: Params) -> Params:
    """Return the parameters in row form: W_row = W_colᵀ, b as one row (eq-to-row).

    [(W (n_out, n_in), b (n_out,)), …]  →  [(W (n_in, n_out), b (1, n_out)), …], all new arrays.
    Gradients convert in the same way, for a gradient has the shape of its variable.
    """
    params_col = _check.column_form(params_col, "params_col")
    return [(W.T.copy(), b.reshape(1, -1).copy()) for W, b in params_col]


def to_col(params_row: Params) -> Params:
    """Return the parameters in column form: W_col = W_rowᵀ, b as a vector (eq-to-col).

    [(W (n_in, n_out), b (1, n_out)), …]  →  [(W (n_out, n_in), b (n_out,)), …], all new arrays.
    """
    params_row = _check.row_form(params_row, "params_row")
    return [(W.T.copy(), b.ravel().copy()) for W, b in params_row]


def batch_from_singles(params_col: Params, X: Array, Y: Array) -> Grads:
    """Return the gradient of the mean loss from one backward pass an example (eq-batch-singles).

    dW_row = (1/m) Σᵢ a⟨i⟩ δ⟨i⟩ᵀ = (1/m) Σᵢ (δ⟨i⟩ a⟨i⟩ᵀ)ᵀ        db_row = (1/m) Σᵢ δ⟨i⟩ᵀ

    params_col in column form, X (m, n₀), Y (m, n_L)  →  [(dW (n_in, n_out), db (1, n_out)), …] in
    row form. Sigmoid hidden units, softmax with CCE. Slow and easy to believe: it is what
    `mlp_backward_batch` must equal.
    """
    X, Y = _check.reals(X=X, Y=Y)
    _check.shapes("m n_0, m n_L", X=X, Y=Y)
    if not len(X):
        raise ValueError("X: expected at least one example, got 0")
    singles = []
    for x, y in zip(X, Y, strict=True):
        _, cache = mlp_forward(x, params_col)
        singles.append(mlp_backward(params_col, cache, y, d_sigmoid))
    return [_mean_of_layer(layer) for layer in zip(*map(to_row, singles), strict=True)]


def _mean_of_layer(pairs: tuple[tuple[Array, Array], ...]) -> tuple[Array, Array]:
    """Average the (dW, db) that m examples have for one layer."""
    dWs, dbs = zip(*pairs, strict=True)
    return np.mean(dWs, axis=0), np.mean(dbs, axis=0)
