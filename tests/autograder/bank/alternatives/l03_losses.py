"""Right answers to the steps of lesson 3, written differently."""

import math

import numpy as np

from autograder.engine.step import Alternative

# squared error


def half_sse_loop(yhat, y):
    total = 0.0
    for p, t in zip(np.ravel(yhat), np.ravel(y), strict=True):
        total += (p - t) ** 2
    return total / 2


def mse_loop(yhat, y):
    return 2 * half_sse_loop(yhat, y) / yhat.size


def grad_half_sse_loop(yhat, y):
    g = np.zeros(yhat.shape)
    for index in np.ndindex(*yhat.shape):
        g[index] = yhat[index] - y[index]
    return g


def grad_mse_loop(yhat, y):
    return 2 * grad_half_sse_loop(yhat, y) / yhat.size


def half_sse_dot(yhat, y):
    r = (yhat - y).ravel()
    return 0.5 * np.dot(r, r)


def mse_dot(yhat, y):
    r = (yhat - y).ravel()
    return r @ r / len(r)


def grad_half_sse_minus(yhat, y):
    return -(y - yhat)


def grad_mse_step(yhat, y):
    m = 1 if yhat.ndim == 1 else yhat.shape[0]
    n = yhat.shape[-1]
    return 2 / n * (yhat - y) / m


def half_sse_norm(yhat, y):
    return 0.5 * np.linalg.norm(yhat - y) ** 2


def mse_twice(yhat, y):
    return np.mean(np.mean(np.square(yhat - y), axis=-1))


def half_sse_einsum(yhat, y):
    r = np.atleast_2d(yhat - y)
    return np.einsum("ij,ij->", r, r) / 2


def mse_einsum(yhat, y):
    r = np.atleast_2d(yhat - y)
    return np.einsum("ij,ij->", r, r) / r.size


def half_sse_in_place(yhat, y):
    r = yhat - y
    r *= r
    print("errors", r)
    return np.asarray(r.sum() / 2)


def grad_in_place(yhat, y):
    g = yhat.copy()
    g -= y
    return g


def grad_mse_in_place(yhat, y):
    g = grad_in_place(yhat, y)
    g /= 0.5 * g.size
    return g


def single(function):
    return lambda yhat, y: function(yhat.astype(np.float32), y.astype(np.float32))


# binary cross-entropy


def bce_clip(yhat, y, eps=1e-12):
    p = np.clip(yhat, eps, 1 - eps)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def bce_where(yhat, y, eps=1e-12):
    return -np.log(np.maximum(np.where(y == 1, yhat, 1 - yhat), eps)).mean()


def bce_loop(yhat, y, eps=1e-12):
    total, count = 0.0, 0
    for p, t in zip(np.ravel(yhat), np.ravel(y), strict=True):
        total -= math.log(max(p if t == 1 else 1 - p, eps))
        count += 1
    return total / count


def bce_power(yhat, y, eps=1e-12):
    p, q = np.maximum(yhat, eps), np.maximum(1 - yhat, eps)
    return -np.average(np.log(p**y * q ** (1 - y)))


def bce_two_masks(yhat, y, eps=1e-12):
    yes, no = yhat[y == 1], 1 - yhat[y == 0]
    both = np.concatenate([yes, no])
    return np.sum(-np.log(np.clip(both, eps, None))) / y.size


def bce_einsum(yhat, y, eps=1e-12):
    p = np.clip(yhat.ravel(), eps, 1 - eps)
    t = y.ravel()
    return -(np.einsum("i,i", t, np.log(p)) + np.einsum("i,i", 1 - t, np.log1p(-p))) / t.size


def bce_two_classes(yhat, y, eps=1e-12):
    P = np.stack([yhat.ravel(), 1 - yhat.ravel()], axis=1)
    T = np.stack([y.ravel(), 1 - y.ravel()], axis=1)
    return np.asarray(cce_plain(P, T, eps))


# categorical cross-entropy


def cce_plain(Yhat, Y, eps=1e-12, per_example=False):
    losses = -np.sum(Y * np.log(np.clip(Yhat, eps, 1)), axis=-1)
    return losses if per_example else np.mean(losses)


def cce_clip(Yhat, Y, eps=1e-12, per_example=False):
    P = np.clip(np.atleast_2d(Yhat), eps, 1 - eps)
    losses = (np.atleast_2d(Y) * -np.log(P)).sum(axis=1)
    return losses if per_example else losses.sum() / len(losses)


def cce_index(Yhat, Y, eps=1e-12, per_example=False):
    Yhat, Y = np.atleast_2d(Yhat), np.atleast_2d(Y)
    p = Yhat[np.arange(len(Y)), Y.argmax(axis=1)]
    losses = -np.log(np.maximum(p, eps))
    return losses if per_example else float(losses.mean())


def cce_loop(Yhat, Y, eps=1e-12, per_example=False):
    if np.ndim(Yhat) == 1:
        return cce_loop([Yhat], [Y], eps)
    losses = []
    for p_row, y_row in zip(Yhat, Y, strict=True):
        losses.append(sum(-t * math.log(max(p, eps)) for p, t in zip(p_row, y_row, strict=True)))
    return np.array(losses) if per_example else sum(losses) / len(losses)


def cce_mask(Yhat, Y, eps=1e-12, per_example=False):
    losses = -np.log(np.maximum(Yhat[Y == 1], eps))
    return losses if per_example else losses.mean()


def cce_einsum(Yhat, Y, eps=1e-12, per_example=False):
    each = -np.einsum("...k,...k->...", Y, np.log(np.maximum(Yhat, eps)))
    if per_example:
        return each
    return each.sum() / each.size


def cce_dot(Yhat, Y, eps=1e-12, per_example=False):
    p = (Yhat * Y).sum(axis=-1)
    print("probabilities of the true classes", p)
    losses = -np.log(np.where(p < eps, eps, p))
    return losses if per_example else np.asarray(losses.mean())


# likelihood


def likelihood_loop(P, Y):
    product = 1.0
    for p_row, y_row in zip(P, Y, strict=True):
        for p, y in zip(p_row, y_row, strict=True):
            product *= p if y == 1 else 1.0
    return product


def nll_loop(P, Y):
    return -sum(math.log(p) for p, y in zip(P.ravel(), Y.ravel(), strict=True) if y == 1)


def multi_loop(P, Y):
    pairs = zip(P.ravel(), Y.ravel(), strict=True)
    return -sum(y * math.log(p) + (1 - y) * math.log(1 - p) for p, y in pairs)


def likelihood_exp(P, Y):
    return np.exp(-nll_einsum(P, Y))


def nll_einsum(P, Y):
    return -np.einsum("ij,ij->", Y, np.log(P))


def multi_einsum(P, Y):
    return -np.einsum("ij,ij->", Y, np.log(P)) - np.einsum("ij,ij->", 1 - Y, np.log(1 - P))


def likelihood_mask(P, Y):
    return P[Y == 1].prod()


def nll_mask(P, Y):
    return -np.log(P[Y == 1]).sum()


def multi_mask(P, Y):
    return -np.log(P[Y == 1]).sum() - np.log(1 - P[Y == 0]).sum()


def likelihood_rows(P, Y):
    return np.prod([p @ y for p, y in zip(P, Y, strict=True)])


def nll_rows(P, Y):
    return len(P) * -np.mean(np.log(np.sum(P * Y, axis=1)))


def multi_columns(P, Y):
    return sum(len(P) * bce_clip(P[:, k], Y[:, k]) for k in range(P.shape[1]))


def likelihood_index(P, Y):
    return np.asarray(np.cumprod(P[range(len(P)), np.argmax(Y, axis=1)])[-1])


def nll_index(P, Y):
    return float(np.sum(np.log(1 / P[range(len(P)), np.argmax(Y, axis=1)])))


def multi_where(P, Y):
    return np.sum(-np.log(np.where(Y == 1, P, 1 - P)))


def all_squared(a, b, c, d):
    return {"half_sse": a, "mse": b, "grad_half_sse": c, "grad_mse": d}


ALTERNATIVES = {
    "squared-error": (
        Alternative(
            "loops",
            all_squared(half_sse_loop, mse_loop, grad_half_sse_loop, grad_mse_loop),
        ),
        Alternative(
            "dot products", all_squared(half_sse_dot, mse_dot, grad_half_sse_minus, grad_mse_step)
        ),
        Alternative("norm and two means", {"half_sse": half_sse_norm, "mse": mse_twice}),
        Alternative("einsum", {"half_sse": half_sse_einsum, "mse": mse_einsum}),
        Alternative(
            "in place on a copy, with printing",
            {
                "half_sse": half_sse_in_place,
                "grad_half_sse": grad_in_place,
                "grad_mse": grad_mse_in_place,
            },
        ),
        Alternative(
            "float32",
            all_squared(
                single(half_sse_dot),
                single(mse_twice),
                single(grad_half_sse_minus),
                single(grad_mse_step),
            ),
        ),
    ),
    "bce": (
        Alternative("clipped on both sides", {"bce": bce_clip}),
        Alternative("the probability of what happened", {"bce": bce_where}),
        Alternative("a loop", {"bce": bce_loop}),
        Alternative("the logarithm of the product", {"bce": bce_power}),
        Alternative("two masks", {"bce": bce_two_masks}),
        Alternative("einsum and log1p", {"bce": bce_einsum}),
        Alternative("cross-entropy of two columns", {"bce": bce_two_classes}),
    ),
    "cce": (
        Alternative("clipped from below", {"cce": cce_plain}),
        Alternative("clipped on both sides", {"cce": cce_clip}),
        Alternative("indexing the true class", {"cce": cce_index}),
        Alternative("loops", {"cce": cce_loop}),
        Alternative("a mask", {"cce": cce_mask}),
        Alternative("einsum", {"cce": cce_einsum}),
        Alternative("the true class first, with printing", {"cce": cce_dot}),
    ),
    "likelihood": (
        Alternative(
            "loops", {"likelihood": likelihood_loop, "nll": nll_loop, "bce_multi": multi_loop}
        ),
        Alternative(
            "einsum, the likelihood from its logarithm",
            {"likelihood": likelihood_exp, "nll": nll_einsum, "bce_multi": multi_einsum},
        ),
        Alternative(
            "masks", {"likelihood": likelihood_mask, "nll": nll_mask, "bce_multi": multi_mask}
        ),
        Alternative(
            "row by row, column by column",
            {"likelihood": likelihood_rows, "nll": nll_rows, "bce_multi": multi_columns},
        ),
        Alternative(
            "indexing the true class",
            {"likelihood": likelihood_index, "nll": nll_index, "bce_multi": multi_where},
        ),
        Alternative("float32", {"nll": single(nll_mask), "bce_multi": single(multi_where)}),
    ),
}
