"""Right answers to the steps of lesson 1, written differently."""

import math

import numpy as np

from autograder.engine.step import Alternative


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def neuron_loop(x, w, b, g=sigmoid):
    z = b
    for j in range(len(x)):
        z += w[j] * x[j]
    return float(g(z))


def neuron_product_and_sum(x, w, b, g=sigmoid):
    return g((w * x).sum() + b)


def neuron_einsum(x, w, b, g=sigmoid):
    return g(np.einsum("j,j->", w, x) + b)


def neuron_bias_unit(x, w, b, g=sigmoid):
    return g(np.dot(np.concatenate([[b], w]), np.concatenate([[1.0], x])))


def neuron_column(x, w, b, g=sigmoid):
    z = w.reshape(1, -1) @ x.reshape(-1, 1) + b
    return g(z)[0, 0]


def neuron_zip(x, w, b, g=lambda z: 0.5 + 0.5 * math.tanh(z / 2)):
    return g(math.fsum([wj * xj for wj, xj in zip(w, x, strict=True)] + [b]))


def neuron_zero_dimensional(x, w, b, g=sigmoid):
    print("z =", w @ x + b)
    return np.asarray(g(np.inner(x, w) + b))


def neuron_single(x, w, b, g=sigmoid):
    return g(x.astype(np.float32) @ w.astype(np.float32) + np.float32(b))


def sgn(z):
    return 1 if z >= 0 else -1


def perceptron_loops(X, y, eta=0.5, max_updates=100, w0=None):
    m, n = X.shape
    w = [0.0] * (n + 1) if w0 is None else [float(v) for v in w0]
    n_updates = 0
    while True:
        for i in range(m):
            z = w[0] + sum(w[j + 1] * X[i, j] for j in range(n))
            if sgn(z) != y[i]:
                break
        else:
            return np.array(w), n_updates, True
        if n_updates == max_updates:
            return np.array(w), n_updates, False
        w[0] += eta * (y[i] - sgn(z))
        for j in range(n):
            w[j + 1] += eta * (y[i] - sgn(z)) * X[i, j]
        n_updates += 1


def perceptron_argmax(X, y, eta=0.5, max_updates=100, w0=None):
    X1 = np.hstack([np.ones((len(X), 1)), X])
    w = np.zeros(X1.shape[1]) if w0 is None else np.copy(w0)
    for n_updates in range(max_updates):
        yhat = np.where(X1 @ w >= 0, 1, -1)
        if (yhat == y).all():
            return w, n_updates, True
        i = np.argmax(yhat != y)
        w += eta * (y[i] - yhat[i]) * X1[i]
    return w, max_updates, bool((np.where(X1 @ w >= 0, 1, -1) == y).all())


def perceptron_bias_apart(X, y, eta=0.5, max_updates=100, w0=None):
    start = np.zeros(X.shape[1] + 1) if w0 is None else np.asarray(w0)
    b, w = start[0], start[1:]
    n_updates = 0
    while True:
        wrong = [i for i in range(len(y)) if (X[i] @ w + b >= 0) != (y[i] > 0)]
        if not wrong or n_updates == max_updates:
            return np.concatenate([[b], w]), n_updates, not wrong
        i = wrong[0]
        b, w = b + 2 * eta * y[i], w + 2 * eta * y[i] * X[i]
        n_updates += 1


def perceptron_recursive(X, y, eta=0.5, max_updates=100, w0=None):
    X1 = np.insert(X.astype(float), 0, 1.0, axis=1)
    w = np.zeros(X1.shape[1]) if w0 is None else w0.copy()

    def go_on(w, n_updates):
        for x_i, y_i in zip(X1, y, strict=True):
            yhat = 1.0 if x_i @ w >= 0 else -1.0
            if yhat != y_i:
                if n_updates == max_updates:
                    return w, n_updates, False
                return go_on(w + eta * (y_i - yhat) * x_i, n_updates + 1)
        return w, n_updates, True

    return go_on(w, 0)


def perceptron_list(X, y, eta=0.5, max_updates=100, w0=None):
    X1 = np.c_[np.ones(X.shape[0]), X]
    w = np.zeros(X1.shape[1]) if w0 is None else np.array(w0, dtype=float)
    n_updates, converged = np.int64(0), np.bool_(False)
    while not converged and n_updates <= max_updates:
        errors = y - np.where(np.einsum("ij,j->i", X1, w) < 0, -1.0, 1.0)
        rows = errors.nonzero()[0]
        converged = np.bool_(rows.size == 0)
        if converged or n_updates == max_updates:
            break
        w = w + eta * errors[rows[0]] * X1[rows[0]]
        n_updates += 1
    return [w, n_updates, converged]


def perceptron_single(X, y, eta=0.5, max_updates=100, w0=None):
    w0 = None if w0 is None else w0.astype(np.float32)
    w, n_updates, converged = perceptron_argmax(X.astype(np.float32), y, eta, max_updates, w0)
    return w.astype(np.float32), n_updates, converged


ALTERNATIVES = {
    "neuron-forward": (
        Alternative("a loop", {"neuron_forward": neuron_loop}),
        Alternative("entry by entry, then the sum", {"neuron_forward": neuron_product_and_sum}),
        Alternative("einsum", {"neuron_forward": neuron_einsum}),
        Alternative("the bias as a weight", {"neuron_forward": neuron_bias_unit}),
        Alternative("row times column", {"neuron_forward": neuron_column}),
        Alternative("zip, with another form of the sigmoid", {"neuron_forward": neuron_zip}),
        Alternative("a 0-d array, with printing", {"neuron_forward": neuron_zero_dimensional}),
        Alternative("float32", {"neuron_forward": neuron_single}),
    ),
    "perceptron-train": (
        Alternative("loops and lists", {"perceptron_train": perceptron_loops}),
        Alternative("argmax, a last look after the loop", {"perceptron_train": perceptron_argmax}),
        Alternative("the bias apart, 2ηy", {"perceptron_train": perceptron_bias_apart}),
        Alternative("recursion", {"perceptron_train": perceptron_recursive}),
        Alternative("a list with numpy scalars", {"perceptron_train": perceptron_list}),
        Alternative("float32", {"perceptron_train": perceptron_single}),
    ),
}
