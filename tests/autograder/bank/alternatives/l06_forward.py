"""Right answers to the steps of lesson 6, written differently."""

from functools import reduce

import numpy as np

from autograder.engine.step import Alternative


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(Z):
    E = np.exp(Z - np.max(Z, axis=-1, keepdims=True))
    return E / np.sum(E, axis=-1, keepdims=True)


# -- gates ----------------------------------------------------------------------------------------


def gates_whole_numbers():
    """Twice the lesson's numbers, as integers, in tuples."""
    nor, and_ = ([-2, -2], 1), ([2, 2], -3)
    return (
        (np.array([nor[0], and_[0]]), np.array([nor[1], and_[1]])),
        (np.array([nor[0]]), np.array([nor[1]])),
    )


def gates_lists():
    return [([[-1, -1], [1, 1]], [0.6, -1.4]), ([[-1, -1]], [0.3])]


def gates_uneven():
    W1, b1 = np.array([[-3.0, -1.5], [0.8, 1.1]]), np.array([0.7, -1.5])
    return [(W1, b1), (np.array([[-2.0, -0.9]]), np.array([0.25]))]


def gates_from_points():
    """Each bias in the middle between the sums that the gate has to tell apart."""
    w = np.ones(2)
    none, one, both = 0.0, 1.0, 2.0
    W1 = np.stack([-w, w])
    b1 = np.array([(none + one) / 2, -(one + both) / 2])
    return [[W1, b1], [-w[None], b1[:1].copy()]]


def gates_float32():
    W1 = np.float32([[-4, -4], [4, 4]])
    return [(W1, np.float32([2, -6])), (W1[:1], np.float32([2]))]


# -- forward, one example -------------------------------------------------------------------------


def forward_enumerate(x, params, g=sigmoid, out=softmax):
    cache = {"z": [], "a": [x]}
    for k, (W, b) in enumerate(params, start=1):
        z = np.dot(W, cache["a"][-1]) + b
        cache["z"].append(z)
        cache["a"].append(g(z) if k < len(params) else out(z))
    return cache["a"][-1], cache


def forward_sums(x, params, g=sigmoid, out=softmax):
    """Every weighted sum as a double loop over receivers and senders."""
    z, a = (), (np.asarray(x),)
    for k in range(len(params)):
        W, b = params[k]
        sums = np.zeros(len(b))
        for i in range(W.shape[0]):
            sums[i] = b[i]
            for j in range(W.shape[1]):
                sums[i] += W[i, j] * a[-1][j]
        z += (sums,)
        a += (g(sums),) if k + 1 < len(params) else (out(sums),)
    return [a[-1], {"a": a, "z": z}]


def forward_einsum(x, params, g=sigmoid, out=softmax):
    functions = [g] * (len(params) - 1) + [out]
    z, a = [], [x]
    for (W, b), f in zip(params, functions, strict=True):
        z.append(np.einsum("ij,j->i", W, a[-1]) + b)
        a.append(f(z[-1]))
    return a[-1], {"z": z, "a": a, "depth": len(params)}


def forward_wide(x, params, g=sigmoid, out=softmax):
    """The bias as the weight of a unit that always says 1."""
    z, a = [], [np.array(x)]
    for W, b in params:
        z.append(np.column_stack([b, W]) @ np.concatenate([[1.0], a[-1]]))
        a.append(g(z[-1]))
    a[-1] = out(z[-1])
    return a[-1], {"z": z, "a": a}


def forward_recursive(x, params, g=sigmoid, out=softmax):
    (W, b), *later = params
    z = (W * x).sum(axis=1) + b
    if not later:
        y = out(z)
        return y, {"z": [z], "a": [x, y]}
    yhat, cache = forward_recursive(g(z), later, g, out)
    return yhat, {"z": [z, *cache["z"]], "a": [x, *cache["a"]]}


def forward_as_row(x, params, g=sigmoid, out=softmax):
    rows = [(W.T, b[None, :]) for W, b in params]
    yhat, cache = batch_loop_over_layers(np.atleast_2d(x), rows, g, out)
    return yhat[0], {key: [item[0] for item in items] for key, items in cache.items()}


# -- forward, a batch -----------------------------------------------------------------------------


def batch_loop_over_layers(X, params, g=sigmoid, out=softmax):
    Z, A = [], [X]
    for W, b in params[:-1]:
        Z.append(np.matmul(A[-1], W) + b)
        A.append(g(Z[-1]))
    W, b = params[-1]
    Z.append(np.matmul(A[-1], W) + b)
    A.append(out(Z[-1]))
    return A[-1], {"z": Z, "a": A}


def batch_by_examples(X, params, g=sigmoid, out=softmax):
    columns = [(W.T, b[0]) for W, b in params]
    caches = [forward_enumerate(x, columns, g, out)[1] for x in X]
    together = {
        key: [np.array([c[key][k] for c in caches]) for k in range(len(caches[0][key]))]
        for key in ("z", "a")
    }
    return together["a"][-1], together


def batch_einsum(X, params, g=sigmoid, out=softmax):
    Z, A = [], [np.array(X)]
    for k, (W, b) in enumerate(params):
        Z.append(np.einsum("mi,io->mo", A[k], W) + np.tile(b, (len(X), 1)))
        A.append((g, out)[k == len(params) - 1](Z[k]))
    return A[-1], {"z": Z, "a": A}


def batch_ones_column(X, params, g=sigmoid, out=softmax):
    ones = np.ones((X.shape[0], 1))
    Z, A = (), (X,)
    for W, b in params:
        Z += (np.hstack([ones, A[-1]]) @ np.vstack([b, W]),)
        A += (g(Z[-1]),)
    A = (*A[:-1], out(Z[-1]))
    return A[-1], {"z": Z, "a": A}


def batch_transposed_twice(X, params, g=sigmoid, out=softmax):
    Z, A = [], [X]
    for k, (W, b) in enumerate(params):
        Z += [(W.T @ A[-1].T + b.T).T]
        A += [out(Z[-1]) if k == len(params) - 1 else g(Z[-1])]
    return A[-1].copy(), {"z": Z, "a": A}


def batch_float32(X, params, g=sigmoid, out=softmax):
    small = [(W.astype(np.float32), b.astype(np.float32)) for W, b in params]
    return batch_loop_over_layers(X.astype(np.float32), small, g, out)


# -- collapse -------------------------------------------------------------------------------------


def collapse_reduce(params):
    def join(first, second):
        return second[0] @ first[0], second[0] @ first[1] + second[1]

    return reduce(join, params)


def collapse_from_the_end(params):
    W, b = params[-1]
    for W_below, b_below in params[-2::-1]:
        b = b + W @ b_below
        W = W @ W_below
    return [W, b]


def collapse_by_columns(params):
    """What the network answers to 0 is b, and what it answers to unit vectors gives W."""

    def through(x):
        for W, b in params:
            x = W @ x + b
        return x

    n = params[0][0].shape[1]
    b = through(np.zeros(n))
    return np.stack([through(e) - b for e in np.eye(n)], axis=1), b


def collapse_wide(params):
    """One matrix [[W, b], [0, 1]] a layer, multiplied."""
    M = np.eye(params[0][0].shape[1] + 1)
    for W, b in params:
        last = np.zeros(W.shape[1] + 1)
        last[-1] = 1
        M = np.vstack([np.column_stack([W, b]), last]) @ M
    return M[:-1, :-1], M[:-1, -1]


def collapse_einsum(params):
    W, b = np.array(params[0][0]), np.array(params[0][1])
    for V, c in params[1:]:
        W = np.einsum("ij,jk->ik", V, W)
        b = np.einsum("ij,j->i", V, b) + c
    return W, b


def _gates(code):
    return {"xor_gate_net": code}


def _one(code):
    return {"mlp_forward": code}


def _batch(code):
    return {"mlp_forward_batch": code}


def _collapse(code):
    return {"collapse_linear": code}


ALTERNATIVES = {
    "xor-gate-net": (
        Alternative("whole numbers, in tuples", _gates(gates_whole_numbers)),
        Alternative("lists of numbers", _gates(gates_lists)),
        Alternative("uneven weights", _gates(gates_uneven)),
        Alternative("biases in the middle between the sums", _gates(gates_from_points)),
        Alternative("float32", _gates(gates_float32)),
    ),
    "mlp-forward": (
        Alternative("enumerate and np.dot", _one(forward_enumerate)),
        Alternative("double loops, tuples in a list", _one(forward_sums)),
        Alternative("einsum, one more key in the cache", _one(forward_einsum)),
        Alternative("the bias as a weight", _one(forward_wide)),
        Alternative("recursion over the layers", _one(forward_recursive)),
        Alternative("a batch of one", _one(forward_as_row)),
    ),
    "mlp-forward-batch": (
        Alternative("hidden layers in a loop, output apart", _batch(batch_loop_over_layers)),
        Alternative("example by example", _batch(batch_by_examples)),
        Alternative("einsum and tiled biases", _batch(batch_einsum)),
        Alternative("a column of ones", _batch(batch_ones_column)),
        Alternative("transposed in between", _batch(batch_transposed_twice)),
        Alternative("float32", _batch(batch_float32)),
    ),
    "collapse-linear": (
        Alternative("functools.reduce", _collapse(collapse_reduce)),
        Alternative("from the last layer back", _collapse(collapse_from_the_end)),
        Alternative("what the network answers to unit vectors", _collapse(collapse_by_columns)),
        Alternative("one wide matrix a layer", _collapse(collapse_wide)),
        Alternative("einsum", _collapse(collapse_einsum)),
    ),
}
