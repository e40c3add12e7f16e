"""Right answers to the steps of lesson 10, written in other ways."""

from __future__ import annotations

from functools import reduce

import numpy as np

from autograder.engine.step import Alternative


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def softmax(Z):
    E = np.exp(Z - Z.max(axis=-1, keepdims=True))
    return E / E.sum(axis=-1, keepdims=True)


# --------------------------------------------------------------------------------------
# batch-from-singles


def _forward_backward(params, x, y):
    """The pass of lesson 9, in column form."""
    z, a = [], [x]
    for k, (W, b) in enumerate(params):
        z.append(W @ a[-1] + b)
        a.append(softmax(z[-1]) if k == len(params) - 1 else sigmoid(z[-1]))
    delta, grads = a[-1] - y, []
    for k in reversed(range(len(params))):
        grads.insert(0, (np.outer(delta, a[k]), delta))
        if k:
            delta = (params[k][0].T @ delta) * d_sigmoid(z[k - 1])
    return grads


def _to_row(params_col):
    return [(W.T, b[None, :]) for W, b in params_col]


def _to_col(params_row):
    return [(W.T, b[0]) for W, b in params_row]


def _accumulated(params_col, X, Y):
    total = [(np.zeros(W.shape), np.zeros(b.shape)) for W, b in params_col]
    for x, y in zip(X, Y, strict=True):
        grads = _forward_backward(params_col, x, y)
        total = [(T + dW, t + db) for (T, t), (dW, db) in zip(total, grads, strict=True)]
    return _to_row([(T / len(X), t / len(X)) for T, t in total])


def _mean_of_stacks(params_col, X, Y):
    singles = [_forward_backward(params_col, x, y) for x, y in zip(X, Y, strict=True)]
    return tuple(
        (
            np.stack([grads[k][0].T for grads in singles]).mean(axis=0),
            np.stack([grads[k][1] for grads in singles]).mean(axis=0, keepdims=True),
        )
        for k in range(len(params_col))
    )


def _running_mean(params_col, X, Y):
    mean = None
    for i, (x, y) in enumerate(zip(X, Y, strict=True), 1):
        grads = _to_row(_forward_backward(params_col, x, y))
        if mean is None:
            mean = grads
        mean = [
            (M + (dW - M) / i, c + (db - c) / i)
            for (M, c), (dW, db) in zip(mean, grads, strict=True)
        ]
    return mean


def _one_batch(params_col, X, Y):
    params = _to_row(params_col)
    Z, A = [], [X]
    for k, (W, b) in enumerate(params):
        Z.append(A[-1] @ W + b)
        A.append(softmax(Z[-1]) if k == len(params) - 1 else sigmoid(Z[-1]))
    dZ, grads = (A[-1] - Y) / len(X), []
    for k in reversed(range(len(params))):
        grads.insert(0, [A[k].T @ dZ, dZ.sum(axis=0, keepdims=True)])
        if k:
            dZ = dZ @ params[k][0].T * d_sigmoid(Z[k - 1])
    return grads


def _reduced(params_col, X, Y):
    m = len(X)

    def add(left, right):
        return [(a + c, b + d) for (a, b), (c, d) in zip(left, right, strict=True)]

    singles = (
        [(dW.T / m, db.reshape(1, -1) / m) for dW, db in _forward_backward(params_col, x, y)]
        for x, y in zip(X, Y, strict=True)
    )
    return reduce(add, singles)


def _in_place(params_col, X, Y):
    grads = [[np.zeros(W.shape[::-1]), np.zeros((1, len(b)))] for W, b in params_col]
    for x, y in zip(X, Y, strict=True):
        for total, (dW, db) in zip(grads, _forward_backward(params_col, x, y), strict=True):
            total[0] += dW.T
            total[1] += db
    for total in grads:
        total[0] /= X.shape[0]
        total[1] /= X.shape[0]
    return grads


def _row_loop(params_col):
    row = []
    for W, b in params_col:
        n_out, n_in = W.shape
        W_row = np.empty((n_in, n_out))
        for i in range(n_out):
            for j in range(n_in):
                W_row[j, i] = W[i, j]
        row.append((W_row, np.array([list(b)])))
    return row


def _row_swapaxes(params_col):
    return tuple([np.swapaxes(W, 0, 1), b[np.newaxis]] for W, b in params_col)


def _row_copy(params_col):
    return [(np.transpose(W).copy(), np.reshape(b, (1, b.size)).copy()) for W, b in params_col]


def _row_atleast(params_col):
    return [(np.einsum("ij->ji", W), np.atleast_2d(b)) for W, b in params_col]


def _row_columns(params_col):
    return [(np.stack(list(W), axis=1), np.expand_dims(b, 0)) for W, b in params_col]


def _col_loop(params_row):
    col = []
    for W, b in params_row:
        n_in, n_out = W.shape
        W_col = np.array([[W[j, i] for j in range(n_in)] for i in range(n_out)])
        col.append((W_col, np.array([b[0, i] for i in range(n_out)])))
    return col


def _col_flatten(params_row):
    return tuple([W.transpose().copy(), b.flatten()] for W, b in params_row)


def _col_squeeze(params_row):
    return [(np.moveaxis(W, 0, 1), np.squeeze(b, axis=0)) for W, b in params_row]


def _col_reshape(params_row):
    return [(W.T, b.reshape(-1)) for W, b in params_row]


def _col_sum(params_row):
    return [(np.einsum("ij->ji", W), b.sum(axis=0)) for W, b in params_row]


def _three(batch, row, col):
    return {"batch_from_singles": batch, "to_row": row, "to_col": col}


# --------------------------------------------------------------------------------------
# linear-backward


def _einsum(dZ, A_prev, W):
    return (
        np.einsum("ik,jk->ij", dZ, W),
        np.einsum("ij,ik->jk", A_prev, dZ),
        np.einsum("ik->k", dZ)[None, :],
    )


def _sum_of_outer_products(dZ, A_prev, W):
    dW = sum(np.outer(a, dz) for a, dz in zip(A_prev, dZ, strict=True))
    dA = np.array([W @ dz for dz in dZ])
    db = np.zeros((1, dZ.shape[1]))
    for dz in dZ:
        db += dz
    return dA, dW, db


def _three_loops(dZ, A_prev, W):
    (m, n_out), n_in = dZ.shape, A_prev.shape[1]
    dA, dW, db = np.zeros((m, n_in)), np.zeros((n_in, n_out)), np.zeros((1, n_out))
    for i in range(m):
        for k in range(n_out):
            db[0, k] += dZ[i, k]
            for j in range(n_in):
                dA[i, j] += dZ[i, k] * W[j, k]
                dW[j, k] += A_prev[i, j] * dZ[i, k]
    return dA, dW, db


def _column_of_ones(dZ, A_prev, W):
    ones = np.ones((len(dZ), 1))
    both = np.hstack([A_prev, ones]).T @ dZ
    return [np.dot(dZ, W.T), both[:-1], both[-1:]]


def _transposed_products(dZ, A_prev, W):
    return (W @ dZ.T).T, (dZ.T @ A_prev).T, dZ.T.sum(axis=1).reshape(1, -1)


def _broadcast(dZ, A_prev, W):
    return (
        (dZ[:, None, :] * W[None, :, :]).sum(axis=2),
        (A_prev[:, :, None] * dZ[:, None, :]).sum(axis=0),
        np.sum(dZ, axis=0, keepdims=True),
    )


# --------------------------------------------------------------------------------------
# mlp-backward-batch


def _by_layers(params, cache, Y, dg):
    grads = []
    dZ = (cache["a"][-1] - Y) / Y.shape[0]
    for k in range(len(params) - 1, -1, -1):
        dA, dW, db = _einsum(dZ, cache["a"][k], params[k][0])
        grads.append((dW, db))
        if k:
            dZ = dA * dg(cache["z"][k - 1])
    return grads[::-1]


def _divided_at_the_end(params, cache, Y, dg):
    m = len(Y)
    dZ, found = cache["a"][-1] - Y, {}
    for k in reversed(range(len(params))):
        found[k] = [cache["a"][k].T @ dZ / m, np.ones((1, m)) @ dZ / m]
        dZ = dZ @ params[k][0].T
        if k:
            dZ = dZ * dg(cache["z"][k - 1])
    return [found[k] for k in range(len(params))]


def _example_by_example(params, cache, Y, dg):
    m = len(Y)
    total = [(np.zeros(W.shape), np.zeros(b.shape)) for W, b in params]
    for i in range(m):
        delta = cache["a"][-1][i] - Y[i]
        for k in reversed(range(len(params))):
            dW, db = total[k]
            total[k] = dW + np.outer(cache["a"][k][i], delta) / m, db + delta / m
            if k:
                delta = params[k][0] @ delta * dg(cache["z"][k - 1][i])
    return total


def _recursive(params, cache, Y, dg):
    def back(k, dZ):
        here = ((np.tensordot(cache["a"][k], dZ, (0, 0)), dZ.sum(0).reshape(1, -1)),)
        if k == 0:
            return here
        return back(k - 1, np.multiply(dZ @ params[k][0].T, dg(cache["z"][k - 1]))) + here

    return back(len(params) - 1, (cache["a"][-1] - Y) / len(Y))


def _mean_of_products(params, cache, Y, dg):
    dZ = cache["a"][-1] - Y
    grads = [None] * len(params)
    for k in reversed(range(len(params))):
        A = cache["a"][k]
        grads[k] = (
            (A[:, :, None] * dZ[:, None, :]).mean(axis=0),
            dZ.mean(axis=0, keepdims=True),
        )
        if k:
            dZ = np.einsum("ik,jk->ij", dZ, params[k][0]) * dg(cache["z"][k - 1])
    return grads


def _columns_are_examples(params, cache, Y, dg):
    A, Z = [a.T for a in cache["a"]], [z.T for z in cache["z"]]
    m = Y.shape[0]
    D = (A[-1] - Y.T) / m
    grads = []
    for k in reversed(range(len(params))):
        grads.insert(0, ((D @ A[k].T).T, D.sum(axis=1)[None, :]))
        if k:
            D = params[k][0] @ D * dg(Z[k - 1])
    return grads


ALTERNATIVES = {
    "batch-from-singles": (
        Alternative("totals, then a division", _three(_accumulated, _to_row, _to_col)),
        Alternative("mean of stacks; loops", _three(_mean_of_stacks, _row_loop, _col_loop)),
        Alternative("running mean; swapaxes", _three(_running_mean, _row_swapaxes, _col_flatten)),
        Alternative("one batch pass", _three(_one_batch, _row_copy, _col_squeeze)),
        Alternative("reduce; einsum", _three(_reduced, _row_atleast, _col_reshape)),
        Alternative("in place; stacked columns", _three(_in_place, _row_columns, _col_sum)),
    ),
    "linear-backward": (
        Alternative("einsum", {"linear_backward": _einsum}),
        Alternative("a sum of outer products", {"linear_backward": _sum_of_outer_products}),
        Alternative("three loops", {"linear_backward": _three_loops}),
        Alternative("the bias as a weight of 1", {"linear_backward": _column_of_ones}),
        Alternative("transposed products", {"linear_backward": _transposed_products}),
        Alternative("broadcasting", {"linear_backward": _broadcast}),
    ),
    "mlp-backward-batch": (
        Alternative("layer by layer with einsum", {"mlp_backward_batch": _by_layers}),
        Alternative("1/m at the end", {"mlp_backward_batch": _divided_at_the_end}),
        Alternative("example by example", {"mlp_backward_batch": _example_by_example}),
        Alternative("recursion, tuples", {"mlp_backward_batch": _recursive}),
        Alternative("means of products", {"mlp_backward_batch": _mean_of_products}),
        Alternative("examples as columns", {"mlp_backward_batch": _columns_are_examples}),
    ),
}
