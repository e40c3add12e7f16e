"""Right answers to the steps of lesson 13, written differently."""

import numpy as np

import mlp_lib
from autograder.engine.step import Alternative

PAIRS = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: 0.25 / np.cosh(z / 2) ** 2),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: z * (z > 0), lambda z: (z > 0).astype(float)),
    "identity": (lambda z: z, np.ones_like),
}


def norms_loop(act, depth=10, width=16, m=32, scale=0.25, seed=0):
    g, dg = PAIRS[act]
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, width))
    Y = rng.standard_normal((m, width))
    Ws = [rng.normal(0, 1, (width, width)) * scale for _ in range(depth)]
    A, Zs = [X], []
    for W in Ws:
        Zs.append(A[-1] @ W)
        A.append(g(Zs[-1]))
    delta = (Zs[-1] - Y) / m
    norms = np.zeros(depth)
    for k in range(depth - 1, -1, -1):
        norms[k] = np.sqrt(np.sum((A[k].T @ delta) ** 2))
        if k > 0:
            delta = (delta @ Ws[k].T) * dg(Zs[k - 1])
    return norms


def norms_library(act, depth=10, width=16, m=32, scale=0.25, seed=0):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((2, m, width))
    Ws = scale * rng.standard_normal((depth, width, width))
    g = mlp_lib.ACTIVATIONS[act]
    params = [(W, np.zeros((1, width))) for W in Ws]
    _, cache = mlp_lib.mlp_forward_batch(X, params, g.f, lambda Z: Z)
    grads = mlp_lib.mlp_backward_batch(
        params, cache, Y, g.df, loss="half_sse", activation="identity"
    )
    return [float(np.linalg.norm(dW, "fro")) for dW, _ in grads]


def norms_by_examples(act, depth=10, width=16, m=32, scale=0.25, seed=0):
    """One example at a time, outer products added up."""
    g, dg = PAIRS[act]
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((m, width)), rng.standard_normal((m, width))
    Ws = [scale * rng.standard_normal((width, width)) for _ in range(depth)]
    total = np.zeros((depth, width, width))
    for x, y in zip(X, Y, strict=True):
        a, z = [x], []
        for W in Ws:
            z.append(W.T @ a[-1])
            a.append(g(z[-1]))
        delta = z[-1] - y
        for k in reversed(range(depth)):
            total[k] += np.outer(a[k], delta)
            if k:
                delta = Ws[k] @ delta * dg(z[k - 1])
    return np.linalg.norm(total / m, axis=(1, 2))


def norms_recursive(act, depth=10, width=16, m=32, scale=0.25, seed=0):
    g, dg = PAIRS[act]
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((m, width)), rng.standard_normal((m, width))
    Ws = [scale * rng.standard_normal((width, width)) for _ in range(depth)]

    def walk(A, k):
        Z = A @ Ws[k]
        if k == depth - 1:
            dZ, later = (Z - Y) / m, ()
        else:
            dA, later = walk(g(Z), k + 1)
            dZ = dA * dg(Z)
        return dZ @ Ws[k].T, (np.sqrt(((A.T @ dZ) ** 2).sum()), *later)

    return np.array(walk(X, 0)[1])


def norms_gram(act, depth=10, width=16, m=32, scale=0.25, seed=0):
    """‖AᵀdZ‖² = Σ (AAᵀ) ⊙ (dZ dZᵀ): the gradient itself is never built."""
    g, dg = PAIRS[act]
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((m, width)), rng.standard_normal((m, width))
    Ws = [scale * rng.standard_normal((width, width)) for _ in range(depth)]
    A, Z = [X], []
    for W in Ws:
        Z.append(np.einsum("mi,io->mo", A[-1], W))
        A.append(g(Z[-1]))
    dZ, squares = (Z[-1] - Y) / m, []
    for k in range(depth)[::-1]:
        squares.append(np.einsum("ij,ij->", A[k] @ A[k].T, dZ @ dZ.T))
        if k:
            dZ = np.einsum("mo,io->mi", dZ, Ws[k]) * dg(Z[k - 1])
    return np.sqrt(np.maximum(squares[::-1], 0))


# -- dropout --------------------------------------------------------------------------------------


def forward_at_least(A, p_drop, mask=None, rng=None, train=True):
    """The mask from random() ≥ p, a truth value turned into a number."""
    if train:
        if mask is None:
            rng = rng or np.random.default_rng()
            mask = 1.0 * (rng.random(size=np.shape(A)) >= p_drop)
        return mask * A / (1 - p_drop), mask
    return A, np.ones(A.shape)


def forward_binomial(A, p_drop, mask=None, rng=None, train=True):
    keep = 1.0 - p_drop
    if not train:
        return A.copy(), np.ones(A.shape, dtype=int)
    if mask is None:
        generator = np.random.default_rng() if rng is None else rng
        mask = generator.binomial(1, keep, size=A.shape)
    return np.where(np.asarray(mask) == 1, A / keep, 0.0), mask


def forward_choice(A, p_drop, mask=None, rng=None, train=True):
    out = np.array(A)
    if not train:
        return [out, np.ones_like(out)]
    if mask is None:
        rng = np.random.default_rng() if rng is None else rng
        mask = rng.choice([0.0, 1.0], size=out.shape, p=[p_drop, 1 - p_drop])
    out *= mask
    out /= 1 - p_drop
    return [out, mask]


def forward_loops(A, p_drop, mask=None, rng=None, train=True):
    m, n = A.shape
    if mask is None or not train:
        source = np.random.default_rng() if rng is None else rng
        draws = source.random((m, n)) if train else np.ones((m, n))
        mask = np.ceil(draws - p_drop) if train else draws
    out = np.zeros((m, n))
    for i in range(m):
        for j in range(n):
            if mask[i, j]:
                out[i, j] = A[i, j] / (1 - p_drop) if train else A[i, j]
    return out, np.array(mask)


def forward_rescaled(A, p_drop, mask=None, rng=None, train=True):
    p = p_drop if train else 0.0
    if not train:
        mask = np.full(A.shape, 1.0)
    elif mask is None:
        mask = np.floor((rng or np.random.default_rng()).uniform(1 - p, 2 - p, A.shape))
    scale = np.asarray(mask) * (1 / (1 - p))
    print("share of units that speak:", np.mean(mask))
    return scale * A, mask


def back_where(dout, mask, p_drop):
    return np.where(np.asarray(mask) > 0, dout, 0) / (1 - p_drop)


def back_scale_first(dout, mask, p_drop):
    slope = np.asarray(mask) / (1.0 - p_drop)
    return slope * dout


def back_copy(dout, mask, p_drop):
    dA = dout.copy()
    dA[np.asarray(mask) == 0] = 0.0
    return dA / (1 - p_drop)


def back_loops(dout, mask, p_drop):
    return np.array(
        [
            [d * k / (1 - p_drop) for d, k in zip(errors, kept, strict=True)]
            for errors, kept in zip(dout, mask, strict=True)
        ]
    )


def back_through_forward(dout, mask, p_drop):
    """A linear step is its own derivative."""
    return forward_at_least(dout, p_drop, mask=mask)[0]


def _norms(code):
    return {"layer_grad_norms": code}


def _dropout(forward, back):
    return {"dropout_forward": forward, "dropout_backward": back}


ALTERNATIVES = {
    "layer-grad-norms": (
        Alternative("everything in one loop", _norms(norms_loop)),
        Alternative("functions of earlier lessons, a list", _norms(norms_library)),
        Alternative("example by example", _norms(norms_by_examples)),
        Alternative("recursion", _norms(norms_recursive)),
        Alternative("without building a gradient", _norms(norms_gram)),
    ),
    "dropout": (
        Alternative("random() ≥ p, np.where", _dropout(forward_at_least, back_where)),
        Alternative("binomial, whole numbers", _dropout(forward_binomial, back_scale_first)),
        Alternative("choice, a list", _dropout(forward_choice, back_copy)),
        Alternative("double loops", _dropout(forward_loops, back_loops)),
        Alternative("shifted uniform, printing", _dropout(forward_rescaled, back_through_forward)),
    ),
}
