"""Right answers to the steps of lesson 12, written differently."""

import math

import numpy as np

import mlp_lib
from autograder.engine.step import Alternative

SLOPES = {
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: 1 / (2 + np.exp(z) + np.exp(-z))),
    "relu": (lambda z: np.maximum(0, z), lambda z: (z > 0) * 1.0),
    "softplus": (lambda z: np.log1p(np.exp(z)), lambda z: 1 / (1 + np.exp(-z))),
    "identity": (lambda z: z, lambda z: np.ones_like(z)),
}


def answer(Z, output):
    if output == "sigmoid":
        return 0.5 * (1 + np.tanh(Z / 2))
    if output == "softmax":
        E = np.exp(Z - Z.max(axis=1, keepdims=True))
        return E / E.sum(axis=1, keepdims=True)
    return Z


def mean_loss(P, Y, output):
    if output == "sigmoid":
        P = np.clip(P, 1e-12, 1 - 1e-12)
        return -(Y * np.log(P) + (1 - Y) * np.log(1 - P)).sum() / len(Y)
    if output == "softmax":
        return -np.sum(Y * np.log(np.maximum(P, 1e-12)), axis=1).mean()
    return np.mean((P - Y) ** 2)


def train_in_place(X, Y, params0, lr, epochs, b=None, rng=None, hidden="tanh", output="sigmoid"):
    """Copies at the start, everything else in place."""
    g, dg = SLOPES[hidden]
    Ws, bs = [W.copy() for W, _ in params0], [c.copy() for _, c in params0]
    L, m = len(Ws), X.shape[0]
    history = np.zeros(epochs)

    def forward(A):
        As, Zs = [A], []
        for k in range(L):
            Zs.append(As[k] @ Ws[k] + bs[k])
            As.append(g(Zs[k]) if k < L - 1 else answer(Zs[k], output))
        return As, Zs

    for epoch in range(epochs):
        history[epoch] = mean_loss(forward(X)[0][-1], Y, output)
        order = np.arange(m) if b is None else rng.permutation(m)
        size = m if b is None else b
        for start in range(0, m, size):
            rows = order[start : start + size]
            As, Zs = forward(X[rows])
            dZ = (As[-1] - Y[rows]) / len(rows)
            if output == "identity":
                dZ *= 2 / Y.shape[1]
            dWs, dbs = [None] * L, [None] * L
            for k in range(L - 1, -1, -1):
                dWs[k], dbs[k] = As[k].T @ dZ, dZ.sum(axis=0, keepdims=True)
                if k > 0:
                    dZ = (dZ @ Ws[k].T) * dg(Zs[k - 1])
            for k in range(L):
                Ws[k] -= lr * dWs[k]
                bs[k] -= lr * dbs[k]
    return list(zip(Ws, bs, strict=True)), history


def train_with_library(
    X, Y, params0, lr, epochs, b=None, rng=None, hidden="tanh", output="sigmoid"
):
    """The functions of earlier lessons, tuples throughout, some printing."""
    g = mlp_lib.ACTIVATIONS[hidden]
    out = {"sigmoid": mlp_lib.sigmoid, "softmax": mlp_lib.softmax, "identity": mlp_lib.identity}
    pair = {"sigmoid": "bce", "softmax": "cce", "identity": "half_sse"}[output]
    factor = 2 / Y.shape[1] if output == "identity" else 1.0
    params, history = params0, ()
    for epoch in range(epochs):
        Yhat = mlp_lib.mlp_forward_batch(X, params, g.f, out[output])[0]
        history += (float(mean_loss(Yhat, Y, output)),)
        whole = [(X, Y)]
        for Xb, Yb in whole if b is None else mlp_lib.iterate_minibatches(X, Y, b, rng):
            _, cache = mlp_lib.mlp_forward_batch(Xb, params, g.f, out[output])
            grads = mlp_lib.mlp_backward_batch(
                params, cache, Yb, g.df, loss=pair, activation=output
            )
            params = tuple(
                (W - lr * factor * dW, c - lr * factor * db)
                for (W, c), (dW, db) in zip(params, grads, strict=True)
            )
        if epoch % 50 == 0:
            print(epoch, history[-1])
    return params, history


def train_by_examples(X, Y, params0, lr, epochs, b=None, rng=None, hidden="tanh", output="sigmoid"):
    """The gradient of a batch as the mean of the gradients of its examples."""
    g, dg = SLOPES[hidden]
    params = [[np.array(W), np.array(c)] for W, c in params0]
    n_out = Y.shape[1]

    def forward(x):
        a, zs = [x], []
        for k, (W, c) in enumerate(params):
            zs.append(a[-1] @ W + c[0])
            last = k + 1 == len(params)
            a.append(answer(zs[-1][None], output)[0] if last else g(zs[-1]))
        return a, zs

    history = []
    for _ in range(epochs):
        losses = [
            mean_loss(forward(x)[0][-1][None], y[None], output) for x, y in zip(X, Y, strict=True)
        ]
        history.append(math.fsum(losses) / len(losses))
        order = list(range(len(X))) if b is None else list(rng.permutation(len(X)))
        for start in range(0, len(X), b or len(X)):
            rows = order[start : start + (b or len(X))]
            total = [[np.zeros_like(W), np.zeros_like(c)] for W, c in params]
            for i in rows:
                a, zs = forward(X[i])
                delta = a[-1] - Y[i]
                if output == "identity":
                    delta = delta * 2 / n_out
                for k in reversed(range(len(params))):
                    total[k][0] += np.outer(a[k], delta) / len(rows)
                    total[k][1] += delta / len(rows)
                    if k:
                        delta = params[k][0] @ delta * dg(zs[k - 1])
            params = [
                [W - lr * dW, c - lr * dc] for (W, c), (dW, dc) in zip(params, total, strict=True)
            ]
    return params, history


def train_shuffled_arrays(
    X, Y, params0, lr, epochs, b=None, rng=None, hidden="tanh", output="sigmoid"
):
    """The whole set reordered, then cut by np.array_split positions."""
    g, dg = SLOPES[hidden]
    params = [(1.0 * W, 1.0 * c) for W, c in params0]
    history = []

    def forward(A):
        cache = []
        for k, (W, c) in enumerate(params):
            Z = np.einsum("mi,io->mo", A, W) + c
            cache.append((A, Z))
            A = g(Z) if k < len(params) - 1 else answer(Z, output)
        return A, cache

    for _ in range(epochs):
        history.append(np.float64(mean_loss(forward(X)[0], Y, output)))
        if b is None:
            parts = [(X, Y)]
        else:
            index = rng.permutation(len(X))
            cuts = range(b, len(X), b)
            parts = zip(np.split(X[index], cuts), np.split(Y[index], cuts), strict=True)
        for Xb, Yb in parts:
            P, cache = forward(Xb)
            dZ = (P - Yb) * (2 / Yb.size if output == "identity" else 1 / len(Yb))
            new = []
            for k in range(len(params))[::-1]:
                (A, _), (W, c) = cache[k], params[k]
                new.append((W - lr * np.einsum("mi,mo->io", A, dZ), c - lr * dZ.sum(0)[None]))
                if k:
                    dZ = np.einsum("mo,io->mi", dZ, W) * dg(cache[k - 1][1])
            params = new[::-1]
    return [params, history]


def train_recursive(X, Y, params0, lr, epochs, b=None, rng=None, hidden="tanh", output="sigmoid"):
    """One recursive function that goes forward, and back on its return."""
    g, dg = SLOPES[hidden]

    def walk(A, params, Yb):
        (W, c), *rest = params
        Z = A @ W + c
        if rest:
            dA, below, loss = walk(g(Z), rest, Yb)
            dZ = dA * dg(Z)
        else:
            P = answer(Z, output)
            loss, below = mean_loss(P, Yb, output), []
            dZ = (P - Yb) / len(Yb)
            if output == "identity":
                dZ = dZ * 2 / Yb.shape[1]
        updated = (W - lr * A.T @ dZ, c - lr * dZ.sum(axis=0, keepdims=True))
        return dZ @ W.T, [updated, *below], loss

    params, history = [(W, c) for W, c in params0], []
    for _ in range(epochs):
        history.append(walk(X, params, Y)[2])
        order = np.arange(len(X)) if b is None else rng.permutation(len(X))
        size = len(X) if b is None else b
        for rows in (order[i : i + size] for i in range(0, len(X), size)):
            params = walk(X[rows], params, Y[rows])[1]
    return params, history


# -- XOR ------------------------------------------------------------------------------------------


def _xor_by(train):
    def fit_xor(hidden=4, act="tanh", lr=1.0, epochs=2000, seed=1):
        rng = np.random.default_rng(seed)
        X = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=float)
        Y = np.array([[0], [1], [1], [0]], dtype=float)
        W1 = rng.normal(size=(2, hidden))
        W2 = rng.normal(size=(hidden, 1))
        params0 = [(W1, np.zeros((1, hidden))), (W2, np.zeros((1, 1)))]
        return train(X, Y, params0, lr, epochs, hidden=act)

    return fit_xor


def xor_written_out(hidden=4, act="tanh", lr=1.0, epochs=2000, seed=1):
    """Two layers written out, no helper; W drawn through one generator."""
    g, dg = SLOPES[act]
    generator = np.random.default_rng(seed)
    X = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    y = np.array([0.0, 1, 1, 0])[:, None]
    W1, W2 = generator.standard_normal((2, hidden)), generator.standard_normal((hidden, 1))
    b1, b2 = np.zeros((1, hidden)), np.zeros((1, 1))
    losses = []
    for _ in range(epochs):
        Z1 = X @ W1 + b1
        A1 = g(Z1)
        p = 1 / (1 + np.exp(-(A1 @ W2 + b2)))
        losses.append(-np.mean(np.log(np.where(y == 1, p, 1 - p))))
        d2 = (p - y) / 4
        d1 = d2 @ W2.T * dg(Z1)
        W2, b2 = W2 - lr * A1.T @ d2, b2 - lr * d2.sum(0, keepdims=True)
        W1, b1 = W1 - lr * X.T @ d1, b1 - lr * d1.sum(0, keepdims=True)
    return ((W1, b1), (W2, b2)), np.array(losses)


def xor_columns(hidden=4, act="tanh", lr=1.0, epochs=2000, seed=1):
    """Column form inside, row form outside."""
    g, dg = SLOPES[act]
    rng = np.random.default_rng(seed)
    W1, W2 = rng.standard_normal((2, hidden)).T, rng.standard_normal((hidden, 1)).T
    b1, b2 = np.zeros((hidden, 1)), np.zeros((1, 1))
    X = np.array([[0.0, 1, 0, 1], [0, 0, 1, 1]])
    y = np.array([[0.0, 1, 1, 0]])
    history = []
    for _ in range(epochs):
        z1 = W1 @ X + b1
        a1 = g(z1)
        yhat = 0.5 + 0.5 * np.tanh((W2 @ a1 + b2) / 2)
        history += [float(-(y * np.log(yhat) + (1 - y) * np.log(1 - yhat)).mean())]
        delta2 = (yhat - y) / 4
        delta1 = (W2.T @ delta2) * dg(z1)
        W2, b2 = W2 - lr * delta2 @ a1.T, b2 - lr * delta2.sum(axis=1, keepdims=True)
        W1, b1 = W1 - lr * delta1 @ X.T, b1 - lr * delta1.sum(axis=1, keepdims=True)
    return [(W1.T, b1.T), (W2.T, b2.T)], history


# -- curves ---------------------------------------------------------------------------------------


def curve_written_out(f, hidden=3, N=50, lr=0.1, epochs=20000, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(N, 1))
    y = f(x)
    W1, b1 = rng.standard_normal((1, hidden)), rng.standard_normal((1, hidden))
    W2, b2 = rng.standard_normal((hidden, 1)), np.zeros((1, 1))
    for _ in range(epochs):
        A = np.tanh(x @ W1 + b1)
        dZ2 = 2 * (A @ W2 + b2 - y) / N
        dZ1 = dZ2 @ W2.T * (1 - A * A)
        W2 = W2 - lr * A.T @ dZ2
        b2 = b2 - lr * dZ2.sum()
        W1 = W1 - lr * x.T @ dZ1
        b1 = b1 - lr * dZ1.sum(axis=0, keepdims=True)

    def predict(points):
        points = np.asarray(points)
        flat = points.reshape(-1, 1)
        return (np.tanh(flat @ W1 + b1) @ W2 + b2).reshape(points.shape)

    return predict, np.mean((predict(x) - y) ** 2)


def curve_vectors(f, hidden=3, N=50, lr=0.1, epochs=20000, seed=0):
    """One-dimensional arrays and outer products; predict broadcasts over any shape."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, N)
    y = f(x)
    v, b, w, c = rng.standard_normal(hidden), rng.standard_normal(hidden), None, 0.0
    w = rng.standard_normal(hidden)
    for _ in range(epochs):
        a = np.tanh(np.outer(x, v) + b)
        error = 2 / N * (a @ w + c - y)
        back = np.outer(error, w) * (1 - a**2)
        w, c = w - lr * error @ a, c - lr * error.sum()
        v, b = v - lr * x @ back, b - lr * back.sum(axis=0)

    def predict(x):
        return np.tanh(np.asarray(x)[..., None] * v + b) @ w + c

    return [predict, float(np.mean(np.square(predict(x) - y)))]


class Curve:
    """A callable object in the place of the function `predict`."""

    def __init__(self, params):
        self.params = params

    def __call__(self, points):
        (W, b), (V, c) = self.params
        rows = np.ravel(points)[:, None]
        return np.reshape(np.tanh(rows * W + b) @ V + c, np.shape(points))


def curve_object(f, hidden=3, N=50, lr=0.1, epochs=20000, seed=0):
    rng = np.random.default_rng(seed)
    x = 2 * rng.random((N, 1)) - 1
    params0 = [
        (rng.standard_normal((1, hidden)), rng.standard_normal((1, hidden))),
        (rng.standard_normal((hidden, 1)), np.zeros((1, 1))),
    ]
    params, _ = train_in_place(x, f(x), params0, lr, epochs, hidden="tanh", output="identity")
    curve = Curve(params)
    return curve, np.array(np.mean((curve(x) - f(x)) ** 2))


def curve_train_mlp(f, hidden=3, N=50, lr=0.1, epochs=20_000, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.0, 1.0, (N, 1))
    W1 = rng.standard_normal((1, hidden))
    b1 = rng.standard_normal((1, hidden))
    W2 = rng.standard_normal((hidden, 1))
    start = [(W1, b1), (W2, np.zeros((1, 1)))]
    params, _ = train_recursive(x, f(x), start, lr, epochs, output="identity")

    def predict(x):
        x = np.array(x)
        return mlp_lib.mlp_forward_batch(x.reshape(-1, 1), params, np.tanh, lambda z: z)[0].reshape(
            x.shape
        )

    return predict, float(((predict(x) - f(x)) ** 2).mean())


def curve_one_vector(f, hidden=3, N=50, lr=0.1, epochs=20_000, seed=0):
    """All parameters in one vector θ, and one gradient."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (N, 1))[:, 0]
    y = f(x)
    draws = [rng.standard_normal(hidden) for _ in range(3)]
    theta = np.concatenate([*draws, [0.0]])

    def parts(theta):
        return theta[:hidden], theta[hidden : 2 * hidden], theta[2 * hidden : -1], theta[-1]

    def gradient(theta):
        v, b, w, _ = parts(theta)
        a = np.tanh(x[:, None] * v + b)
        dy = 2 * (value(theta, x) - y) / N
        dz = dy[:, None] * w * (1 - a**2)
        return np.concatenate([(dz * x[:, None]).sum(0), dz.sum(0), dy @ a, [dy.sum()]])

    def value(theta, points):
        v, b, w, c = parts(theta)
        return (np.tanh(np.multiply.outer(points, v) + b) * w).sum(axis=-1) + c

    for _ in range(epochs):
        theta = theta - lr * gradient(theta)
    return (lambda points: value(theta, np.asarray(points))), np.mean((value(theta, x) - y) ** 2)


def _train(code):
    return {"train_mlp": code}


ALTERNATIVES = {
    "train-mlp": (
        Alternative("copies changed in place", _train(train_in_place)),
        Alternative("functions of earlier lessons, tuples", _train(train_with_library)),
        Alternative("gradients example by example", _train(train_by_examples)),
        Alternative("the set reordered and split", _train(train_shuffled_arrays)),
        Alternative("a recursive pass", _train(train_recursive)),
    ),
    "fit-xor": (
        Alternative("copies changed in place", {"fit_xor": _xor_by(train_in_place)}),
        Alternative("functions of earlier lessons", {"fit_xor": _xor_by(train_with_library)}),
        Alternative("a recursive pass", {"fit_xor": _xor_by(train_recursive)}),
        Alternative("two layers written out", {"fit_xor": xor_written_out}),
        Alternative("column form inside", {"fit_xor": xor_columns}),
    ),
    "fit-1d": (
        Alternative("two layers written out", {"fit_1d": curve_written_out}),
        Alternative("vectors and outer products", {"fit_1d": curve_vectors}),
        Alternative("predict as an object", {"fit_1d": curve_object}),
        Alternative("train_mlp and its forward pass", {"fit_1d": curve_train_mlp}),
        Alternative("one vector of parameters", {"fit_1d": curve_one_vector}),
    ),
}
