"""Right answers to the steps of lesson 9, written in other ways."""

from __future__ import annotations

from itertools import product

import numpy as np

from autograder.engine.step import Alternative


def sigmoid(z):
    return 1 / (1 + np.exp(-np.asarray(z)))


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


# --------------------------------------------------------------------------------------
# error-to-previous


def _from_the_left(W_next, delta_next):
    return delta_next @ W_next


def _einsum(W_next, delta_next):
    return np.einsum("ij,i->j", W_next, delta_next)


def _two_loops(W_next, delta_next):
    n_to, n_from = W_next.shape
    e = np.zeros(n_from)
    for j in range(n_from):
        for i in range(n_to):
            e[j] += W_next[i, j] * delta_next[i]
    return e


def _weighted_rows(W_next, delta_next):
    return sum(d * row for d, row in zip(delta_next, W_next, strict=True))


def _scaled_then_summed(W_next, delta_next):
    return (W_next * delta_next[:, np.newaxis]).sum(axis=0)


def _columns(W_next, delta_next):
    return np.array([np.dot(column, delta_next) for column in W_next.T])


def _column_vector(W_next, delta_next):
    return (W_next.T @ delta_next.reshape(-1, 1)).ravel()


# --------------------------------------------------------------------------------------
# hidden-delta


def _multiply(e, z, dg):
    return np.multiply(dg(z), e)


def _unit_by_unit(e, z, dg):
    return np.array([e_j * dg(z_j) for e_j, z_j in zip(e, z, strict=True)])


def _filled(e, z, dg):
    delta = np.empty(len(z))
    for j in range(len(z)):
        delta[j] = dg(z[j]) * e[j]
    return delta


def _diagonal(e, z, dg):
    return np.diag(dg(z)) @ e


def _einsum_delta(e, z, dg):
    return np.einsum("j,j->j", e, dg(z))


def _copy_and_scale(e, z, dg):
    delta = e.copy()
    delta *= dg(z)
    return delta


# --------------------------------------------------------------------------------------
# mlp-backward


def _appended_and_reversed(params, cache, y, dg=d_sigmoid):
    grads = []
    delta = cache["a"][-1] - y
    for k in range(len(params) - 1, -1, -1):
        grads.append((np.outer(delta, cache["a"][k]), delta))
        if k > 0:
            delta = (params[k][0].T @ delta) * dg(cache["z"][k - 1])
    return grads[::-1]


def _deltas_first(params, cache, y, dg=d_sigmoid):
    delta = {len(params): cache["a"][-1] - y}
    for k in range(len(params) - 1, 0, -1):
        delta[k] = dg(cache["z"][k - 1]) * (delta[k + 1] @ params[k][0])
    return tuple(
        (delta[k][:, None] * cache["a"][k - 1][None, :], delta[k].copy())
        for k in range(1, len(params) + 1)
    )


def _recursive(params, cache, y, dg=d_sigmoid):
    def back(k, delta):
        here = [(np.einsum("i,j->ij", delta, cache["a"][k]), delta)]
        if k == 0:
            return here
        e = np.einsum("ij,i->j", params[k][0], delta)
        return back(k - 1, e * dg(cache["z"][k - 1])) + here

    return back(len(params) - 1, cache["a"][-1] - y)


def _columns_throughout(params, cache, y, dg=d_sigmoid):
    a = [v.reshape(-1, 1) for v in cache["a"]]
    z = [v.reshape(-1, 1) for v in cache["z"]]
    delta = a[-1] - y.reshape(-1, 1)
    grads = [None] * len(params)
    for k in reversed(range(len(params))):
        grads[k] = [delta @ a[k].T, delta.ravel()]
        if k:
            delta = params[k][0].T @ delta * dg(z[k - 1])
    return grads


def _softmax_jacobian(params, cache, y, dg=d_sigmoid):
    yhat = cache["a"][-1]
    J = np.diag(yhat) - np.outer(yhat, yhat)
    with np.errstate(all="ignore"):
        e = np.where(y > 0, -y / yhat, 0.0)
    delta = J @ e
    grads = []
    for k in reversed(range(len(params))):
        grads.insert(0, (np.outer(delta, cache["a"][k]), delta))
        if k:
            delta = np.diag(dg(cache["z"][k - 1])) @ params[k][0].T @ delta
    return grads


def _entry_by_entry(params, cache, y, dg=d_sigmoid):
    L = len(params)
    delta = [None] * L
    delta[-1] = [p - t for p, t in zip(cache["a"][-1], y, strict=True)]
    for k in range(L - 2, -1, -1):
        W = params[k + 1][0]
        delta[k] = [
            sum(W[i, j] * delta[k + 1][i] for i in range(W.shape[0])) * dg(cache["z"][k][j])
            for j in range(W.shape[1])
        ]
    return [
        (np.array([[d * a for a in cache["a"][k]] for d in delta[k]]), np.array(delta[k]))
        for k in range(L)
    ]


# --------------------------------------------------------------------------------------
# path-gradient


def _forward(net):
    a = [net["x"]]
    for W in net["W"]:
        a.append(sigmoid(W @ a[-1]))
    return a


def _backprop(net, weight):
    layer, to, origin = weight
    a = _forward(net)
    delta = (a[-1] - net["t"]) * a[-1] * (1 - a[-1])
    for k in range(len(net["W"]) - 1, layer - 1, -1):
        delta = (net["W"][k].T @ delta) * a[k] * (1 - a[k])
    return delta[to - 1] * a[layer - 1][origin - 1]


def _depth_first(net, weight):
    layer, to, origin = weight
    a = _forward(net)

    def from_unit(k, unit):
        """How J reacts to z of a unit of layer k."""
        slope = a[k][unit] * (1 - a[k][unit])
        if k == len(net["W"]):
            return slope * (a[k][unit] - net["t"])
        W = net["W"][k]
        return slope * sum(W[after, unit] * from_unit(k + 1, after) for after in range(len(W)))

    return from_unit(layer, to - 1) * a[layer - 1][origin - 1]


def _all_paths(net, weight):
    layer, to, origin = weight
    a = _forward(net)
    total = 0.0
    for units in product(*(range(len(W)) for W in net["W"][layer:])):
        path = (to - 1, *units)
        rate = a[layer - 1][origin - 1] * (a[-1][0] - net["t"])
        for k, unit in enumerate(path):
            rate *= a[layer + k][unit] * (1 - a[layer + k][unit])
        for k in range(len(path) - 1):
            rate *= net["W"][layer + k][path[k + 1], path[k]]
        total += rate
    return total


def _products_of_matrices(net, weight):
    layer, to, origin = weight
    a = _forward(net)
    row = np.zeros(len(net["W"][layer - 1]))
    row[to - 1] = a[layer - 1][origin - 1]
    move = row * a[layer] * (1 - a[layer])
    for k in range(layer, len(net["W"])):
        move = (a[k + 1] * (1 - a[k + 1])) * (net["W"][k] @ move)
    return np.dot(a[-1] - net["t"], move)


def _complex_step(net, weight):
    layer, to, origin = weight
    Ws = [W.astype(complex) for W in net["W"]]
    Ws[layer - 1][to - 1, origin - 1] += 1e-30j
    a = net["x"].astype(complex)
    for W in Ws:
        a = sigmoid(W @ a)
    loss = 0.5 * np.sum((a - net["t"]) ** 2)
    return float(loss.imag / 1e-30)


def _whole_gradient(net, weight):
    layer, to, origin = weight
    a = _forward(net)
    delta = (a[-1] - net["t"]) * a[-1] * (1 - a[-1])
    gradients = []
    for k in reversed(range(len(net["W"]))):
        gradients.insert(0, np.outer(delta, a[k]))
        delta = (delta @ net["W"][k]) * a[k] * (1 - a[k])
    return gradients[layer - 1][to - 1][origin - 1]


ALTERNATIVES = {
    "error-to-previous": (
        Alternative("δ from the left", {"error_to_previous": _from_the_left}),
        Alternative("einsum", {"error_to_previous": _einsum}),
        Alternative("two loops", {"error_to_previous": _two_loops}),
        Alternative("a weighted sum of rows", {"error_to_previous": _weighted_rows}),
        Alternative("broadcast and sum", {"error_to_previous": _scaled_then_summed}),
        Alternative("column by column", {"error_to_previous": _columns}),
        Alternative("a matrix with one column", {"error_to_previous": _column_vector}),
    ),
    "hidden-delta": (
        Alternative("np.multiply", {"hidden_delta": _multiply}),
        Alternative("unit by unit", {"hidden_delta": _unit_by_unit}),
        Alternative("an array filled in a loop", {"hidden_delta": _filled}),
        Alternative("a diagonal Jacobian", {"hidden_delta": _diagonal}),
        Alternative("einsum", {"hidden_delta": _einsum_delta}),
        Alternative("a copy, scaled", {"hidden_delta": _copy_and_scale}),
    ),
    "mlp-backward": (
        Alternative("appended and reversed", {"mlp_backward": _appended_and_reversed}),
        Alternative("all deltas first, tuples", {"mlp_backward": _deltas_first}),
        Alternative("recursion and einsum", {"mlp_backward": _recursive}),
        Alternative("matrices with one column", {"mlp_backward": _columns_throughout}),
        Alternative("Jacobians", {"mlp_backward": _softmax_jacobian}),
        Alternative("entry by entry", {"mlp_backward": _entry_by_entry}),
    ),
    "path-gradient": (
        Alternative("backpropagation", {"path_gradient": _backprop}),
        Alternative("depth first", {"path_gradient": _depth_first}),
        Alternative("every path listed", {"path_gradient": _all_paths}),
        Alternative("forward mode", {"path_gradient": _products_of_matrices}),
        Alternative("complex step", {"path_gradient": _complex_step}),
        Alternative("the whole gradient, one entry taken", {"path_gradient": _whole_gradient}),
    ),
}
