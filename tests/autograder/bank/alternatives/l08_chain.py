"""Right answers to the steps of lesson 8, written differently."""

from itertools import accumulate

import numpy as np

from autograder.engine.step import Alternative


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def d_sigmoid(z):
    return sigmoid(z) * (1 - sigmoid(z))


def forward_filled(w, a0, g=sigmoid):
    L = len(w)
    z, a = np.zeros(L), np.zeros(L + 1)
    a[0] = a0
    for k in range(L):
        z[k] = w[k] * a[k]
        a[k + 1] = g(z[k])
    return z, a


def forward_lists(w, a0, g=sigmoid):
    z, a = [], [float(a0)]
    for weight in w:
        z += [float(weight * a[-1])]
        a += [float(g(z[-1]))]
    return [z, a]


def forward_accumulate(w, a0, g=sigmoid):
    a = np.array(list(accumulate(w, lambda left, weight: g(weight * left), initial=a0)))
    return w * a[:-1], a


def forward_recursive(w, a0, g=sigmoid):
    if len(w) == 0:
        return np.array([]), np.array([a0])
    z0 = w[0] * a0
    z, a = forward_recursive(w[1:], g(z0), g)
    return np.concatenate([[z0], z]), np.concatenate([[a0], a])


def forward_append(w, a0, g=sigmoid):
    z, a = np.array([]), np.array([a0])
    for weight in w:
        z = np.append(z, weight * a[-1])
        a = np.append(a, g(z[-1]))
    print("done")
    return z, a


def backward_filled(w, cache, y, dg=d_sigmoid):
    z, a = cache
    L = len(w)
    dw, delta, e = np.zeros(L), np.zeros(L), np.zeros(L)
    e[L - 1] = a[L] - y
    for k in range(L - 1, -1, -1):
        if k < L - 1:
            e[k] = w[k + 1] * delta[k + 1]
        delta[k] = e[k] * dg(z[k])
        dw[k] = delta[k] * a[k]
    return dw, delta, e


def backward_lists(w, cache, y, dg=d_sigmoid):
    z, a = cache
    e, delta, dw = [], [], []
    error = a[-1] - y
    for weight, zl, below in zip(w[::-1], z[::-1], a[-2::-1], strict=True):
        e.insert(0, float(error))
        delta.insert(0, float(error * dg(zl)))
        dw.insert(0, float(delta[0] * below))
        error = weight * delta[0]
    return [dw, delta, e]


def backward_products(w, cache, y, dg=d_sigmoid):
    """Every delta as one long product, without a recursion."""
    z, a = cache
    w, slopes = np.asarray(w), np.array([dg(zl) for zl in z])
    L = len(w)
    e = np.array([(a[-1] - y) * np.prod(w[k + 1 :] * slopes[k + 1 :]) for k in range(L)])
    delta = e * slopes
    return delta * np.asarray(a)[:-1], delta, e


def backward_matrix(w, cache, y, dg=d_sigmoid):
    """The chain as a triangular system: δ = s ⊙ (N δ + last)."""
    z, a = cache
    L = len(w)
    slopes = np.array([dg(zl) for zl in z])
    N = np.zeros((L, L))
    for k in range(L - 1):
        N[k, k + 1] = w[k + 1]
    last = np.zeros(L)
    last[-1] = a[-1] - y
    delta = np.linalg.solve(np.eye(L) - slopes[:, None] * N, slopes * last)
    return delta * a[:-1], delta, N @ delta + last


def backward_recursive(w, cache, y, dg=d_sigmoid):
    z, a = cache
    if len(w) == 0:
        return [], [], [a[0] - y]

    def rest(k):
        if k == len(w):
            return (), (), a[-1] - y
        deltas, errors, error = rest(k + 1)
        delta = error * dg(z[k])
        return (delta, *deltas), (error, *errors), w[k] * delta

    delta, e, _ = rest(0)
    return np.multiply(delta, a[:-1]), np.array(delta), np.array(e)


ALTERNATIVES = {
    "chain-forward": (
        Alternative("arrays filled in a loop", {"chain_forward": forward_filled}),
        Alternative("lists of floats, in a list", {"chain_forward": forward_lists}),
        Alternative("itertools.accumulate", {"chain_forward": forward_accumulate}),
        Alternative("recursion", {"chain_forward": forward_recursive}),
        Alternative("np.append, with printing", {"chain_forward": forward_append}),
    ),
    "chain-backward": (
        Alternative("arrays filled in a loop", {"chain_backward": backward_filled}),
        Alternative("lists of floats, in a list", {"chain_backward": backward_lists}),
        Alternative("products without recursion", {"chain_backward": backward_products}),
        Alternative("a triangular system", {"chain_backward": backward_matrix}),
        Alternative("recursion", {"chain_backward": backward_recursive}),
    ),
}
