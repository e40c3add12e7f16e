"""Right answers to the steps of lesson 4, written differently."""

import numpy as np

from autograder.engine.step import Alternative

# output delta


def delta_branches(yhat, y, loss, activation):
    if loss == "half_sse" and activation == "sigmoid":
        return (yhat - y) * yhat * (1 - yhat)
    if (loss, activation) in [("half_sse", "identity"), ("bce", "sigmoid"), ("cce", "softmax")]:
        return yhat - y
    raise ValueError(f"no output delta for {loss} with {activation}")


TABLE = {
    "half_sse": {
        "identity": lambda p, t: p - t,
        "sigmoid": lambda p, t: (p - t) * (p - p**2),
    },
    "bce": {"sigmoid": np.subtract},
    "cce": {"softmax": np.subtract},
}


def delta_table(yhat, y, loss, activation):
    try:
        return TABLE[loss][activation](yhat, y)
    except KeyError:
        raise ValueError(loss, activation) from None


class PairError(ValueError):
    """A ValueError of one's own."""


def delta_loop(yhat, y, loss, activation):
    pair = loss + "+" + activation
    known = ("half_sse+identity", "half_sse+sigmoid", "bce+sigmoid", "cce+softmax")
    if pair not in known:
        raise PairError(pair)
    delta = np.empty(len(yhat))
    for i in range(len(yhat)):
        delta[i] = yhat[i] - y[i]
        if pair == "half_sse+sigmoid":
            delta[i] *= yhat[i] * (1 - yhat[i])
    return delta


def delta_jacobian(yhat, y, loss, activation):
    if (loss, activation) == ("cce", "softmax"):  # e ⊙ p = −y, so the division is never made
        return -y + yhat * y.sum()
    match loss, activation:
        case ("half_sse", "identity"):
            jacobian = np.eye(len(yhat))
        case ("half_sse", "sigmoid"):
            jacobian = np.diag(yhat * (1 - yhat))
        case ("bce", "sigmoid"):
            jacobian = np.eye(len(yhat))
        case _:
            raise ValueError("these two do not belong together")
    return jacobian.T @ (yhat - y)


def delta_switch(yhat, y, loss, activation):
    known = {"half_sse": {"identity", "sigmoid"}, "bce": {"sigmoid"}, "cce": {"softmax"}}
    if activation not in known.get(loss, ()):
        raise ValueError("unknown pair")
    slope = (yhat - yhat * yhat) if loss + activation == "half_ssesigmoid" else 1.0
    print("slope", slope)
    return -slope * (y - yhat)


def delta_single(yhat, y, loss, activation):
    return delta_branches(yhat.astype(np.float32), y.astype(np.float32), loss, activation)


# weight gradient


def grad_loops(delta, a_prev):
    dW = np.zeros((len(delta), len(a_prev)))
    for i in range(len(delta)):
        for j in range(len(a_prev)):
            dW[i, j] = delta[i] * a_prev[j]
    return dW


def grad_columns(delta, a_prev):
    return delta.reshape(-1, 1) @ a_prev.reshape(1, -1)


def grad_broadcast(delta, a_prev):
    return delta[:, None] * a_prev


def grad_einsum(delta, a_prev):
    return np.einsum("i,j->ij", delta, a_prev)


def grad_comprehension(delta, a_prev):
    return np.array([[d * a for a in a_prev] for d in delta])


def grad_stacked(delta, a_prev):
    return np.stack([d * a_prev for d in delta], axis=0)


def grad_transposed_twice(delta, a_prev):
    return np.multiply.outer(a_prev, delta).T


def grad_single(delta, a_prev):
    return np.outer(delta.astype(np.float32), a_prev.astype(np.float32))


# softmax regression


def softmax(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def regression_singles(X, Y, W, b):
    dW, db = np.zeros_like(W, dtype=float), np.zeros_like(b, dtype=float)
    for x, y in zip(X, Y, strict=True):
        z = x @ W + b[0]
        e = np.exp(z - z.max())
        delta = e / e.sum() - y
        dW += np.outer(x, delta)
        db[0] += delta
    return dW / len(X), db / len(X)


def regression_einsum(X, Y, W, b):
    P = softmax(np.einsum("ij,jk->ik", X, W) + b)
    dW = np.einsum("ij,ik->jk", X, P - Y) / X.shape[0]
    return dW, np.einsum("ik->k", P - Y)[None, :] / X.shape[0]


def regression_divided_late(X, Y, W, b):
    m = X.shape[0]
    R = softmax(X @ W + b) - Y
    return [(X.T @ R) / m, np.mean(R, axis=0, keepdims=True)]


def regression_ones(X, Y, W, b):
    X1 = np.hstack([np.ones((len(X), 1)), X])
    W1 = np.vstack([b, W])
    dW1 = X1.T @ (softmax(X1 @ W1) - Y) / len(X)
    return dW1[1:], dW1[:1]


def regression_columns(X, Y, W, b):
    Z = W.T @ X.T + b.T
    E = np.exp(Z - Z.max(axis=0))
    D = (E / E.sum(axis=0) - Y.T) / len(X)
    return (D @ X).T, D.sum(axis=1).reshape(1, -1)


def regression_two_terms(X, Y, W, b):
    P = softmax(np.matmul(X, W) + b)
    print(P.shape)
    dW = (X.T @ P - X.T @ Y) / len(Y)
    db = np.ones((1, len(Y))) @ (P - Y) / len(Y)
    return dW, db


def regression_single(X, Y, W, b):
    return regression_divided_late(*(a.astype(np.float32) for a in (X, Y, W, b)))


ALTERNATIVES = {
    "output-delta": (
        Alternative("branches", {"output_delta": delta_branches}),
        Alternative("a table of tables", {"output_delta": delta_table}),
        Alternative("a loop, an exception of one's own", {"output_delta": delta_loop}),
        Alternative("through Jacobians", {"output_delta": delta_jacobian}),
        Alternative("the sign turned twice, with printing", {"output_delta": delta_switch}),
        Alternative("float32", {"output_delta": delta_single}),
    ),
    "weight-grad": (
        Alternative("two loops", {"weight_grad": grad_loops}),
        Alternative("column times row", {"weight_grad": grad_columns}),
        Alternative("broadcasting", {"weight_grad": grad_broadcast}),
        Alternative("einsum", {"weight_grad": grad_einsum}),
        Alternative("nested comprehension", {"weight_grad": grad_comprehension}),
        Alternative("one row for each receiver", {"weight_grad": grad_stacked}),
        Alternative("the transpose, transposed", {"weight_grad": grad_transposed_twice}),
        Alternative("float32", {"weight_grad": grad_single}),
    ),
    "softmax-regression-grads": (
        Alternative("one example at a time", {"softmax_regression_grads": regression_singles}),
        Alternative("einsum", {"softmax_regression_grads": regression_einsum}),
        Alternative(
            "divided at the end, as a list", {"softmax_regression_grads": regression_divided_late}
        ),
        Alternative("the bias as a weight", {"softmax_regression_grads": regression_ones}),
        Alternative("examples as columns", {"softmax_regression_grads": regression_columns}),
        Alternative("two terms, with printing", {"softmax_regression_grads": regression_two_terms}),
        Alternative("float32", {"softmax_regression_grads": regression_single}),
    ),
}
