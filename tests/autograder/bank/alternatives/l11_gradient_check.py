"""Right answers to the steps of lesson 11, written in other ways."""

from __future__ import annotations

from functools import reduce
from operator import add, mul

import numpy as np

from autograder.engine.step import Alternative

# --------------------------------------------------------------------------------------
# numerical-gradient


def _refuse(scheme):
    if scheme not in ("central", "forward"):
        raise ValueError(f"scheme: expected central or forward, got {scheme!r}")


def _in_place(f, theta, h=1e-5, scheme="central"):
    _refuse(scheme)
    if not np.issubdtype(theta.dtype, np.floating):
        raise TypeError("theta must hold floats")
    gradient = np.zeros_like(theta)
    base = f(theta) if scheme == "forward" else None
    for i in np.ndindex(theta.shape):
        old = theta[i]
        theta[i] = old + h
        right = f(theta)
        if scheme == "central":
            theta[i] = old - h
            gradient[i] = (right - f(theta)) / (2 * h)
        else:
            gradient[i] = (right - base) / h
        theta[i] = old
    return gradient


def _flat_copies(f, theta, h=1e-5, scheme="central"):
    _refuse(scheme)
    flat = np.array(theta, dtype=float).ravel()
    f_flat = lambda v: f(v.reshape(theta.shape))  # noqa: E731
    slopes = []
    if scheme == "forward":
        base = f_flat(flat.copy())
    for i in range(flat.size):
        step = np.zeros(flat.size)
        step[i] = h
        if scheme == "forward":
            slopes.append((f_flat(flat + step) - base) / h)
        else:
            slopes.append((f_flat(flat + step) - f_flat(flat - step)) / h / 2)
    return np.array(slopes).reshape(theta.shape)


def _rows_of_an_identity(f, theta, h=1e-5, scheme="central"):
    _refuse(scheme)
    theta = np.asarray(theta, dtype=float)
    directions = np.eye(theta.size).reshape(theta.size, *theta.shape)
    if scheme == "central":
        values = [0.5 * (f(theta + h * e) - f(theta - h * e)) / h for e in directions]
    else:
        base = f(theta)
        values = [(f(theta + h * e) - base) / h for e in directions]
    return np.reshape(values, theta.shape)


def _nditer(f, theta, h=1e-5, scheme="central"):
    _refuse(scheme)
    moved = theta.astype(float)
    gradient = np.empty(theta.shape)
    base = f(moved) if scheme == "forward" else 0.0
    walk = np.nditer(moved, flags=["multi_index"])
    while not walk.finished:
        i = walk.multi_index
        old = float(moved[i])
        moved[i] = old + h
        ahead = f(moved)
        if scheme == "forward":
            gradient[i] = (ahead - base) / h
        else:
            moved[i] = old - h
            gradient[i] = (ahead - f(moved)) / (2 * h)
        moved[i] = old
        walk.iternext()
    return gradient


def _table_of_schemes(f, theta, h=1e-5, scheme="central"):
    ends = {"central": (1, -1), "forward": (1, 0)}
    if scheme not in ends:
        raise ValueError("unknown scheme")
    ahead, behind = ends[scheme]
    theta = theta.astype(float)
    base = f(theta) if behind == 0 else None
    gradient = np.zeros(theta.shape)
    for i, value in np.ndenumerate(theta):
        here = theta.copy()
        here[i] = value + ahead * h
        there = theta.copy()
        there[i] = value + behind * h
        low = base if behind == 0 else f(there)
        gradient[i] = (f(here) - low) / ((ahead - behind) * h)
    return gradient


def _recursive(f, theta, h=1e-5, scheme="central"):
    if scheme == "forward":
        base = f(theta.copy())
        low = lambda e: base  # noqa: E731
        width = h
    elif scheme == "central":
        low = lambda e: f(theta - e)  # noqa: E731
        width = 2 * h
    else:
        raise ValueError(scheme)

    def slopes(index):
        if len(index) == theta.ndim:
            e = np.zeros(theta.shape)
            e[index] = h
            return (f(theta + e) - low(e)) / width
        return [slopes((*index, i)) for i in range(theta.shape[len(index)])]

    return np.array(slopes(()))


# --------------------------------------------------------------------------------------
# grad-check


def _worst(errors):
    errors = np.array(errors)
    return float("inf") if np.isnan(errors).any() else float(errors.max())


def _moved_in_place(loss, params, grads, h=1e-5):
    errors = []
    for pair, slopes in zip(params, grads, strict=True):
        for theta, g in zip(pair, slopes, strict=True):
            n = np.zeros(theta.shape)
            for i in np.ndindex(theta.shape):
                old = theta[i]
                theta[i] = old + h
                right = loss(params)
                theta[i] = old - h
                left = loss(params)
                theta[i] = old
                n[i] = (right - left) / (2 * h)
            size = max(1e-8, np.linalg.norm(g) + np.linalg.norm(n))
            errors.append(np.linalg.norm(g - n) / size)
    return _worst(errors)


def _by_copies(loss, params, grads, h=1e-5):
    errors = []
    for k in range(len(params)):
        for j in range(2):
            g = np.asarray(grads[k][j])

            def f(theta, k=k, j=j):
                copy = [[W, b] for W, b in params]
                copy[k][j] = theta
                return loss(copy)

            n = _rows_of_an_identity(f, params[k][j], h)
            size = np.sqrt((g**2).sum()) + np.sqrt((n**2).sum())
            errors.append(np.sqrt(((g - n) ** 2).sum()) / max(size, 1e-8))
    return np.max(errors)  # nan stays nan


def _one_long_vector(loss, params, grads, h=1e-5):
    shapes = [np.shape(t) for pair in params for t in pair]
    cuts = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]

    def tensors(vector):
        return [v.reshape(s) for v, s in zip(np.split(vector, cuts), shapes, strict=True)]

    def f(vector):
        found = tensors(vector)
        return loss(list(zip(found[::2], found[1::2], strict=True)))

    theta = np.concatenate([np.ravel(t) for pair in params for t in pair])
    measured = tensors(_flat_copies(f, theta, h))
    claimed = [np.asarray(g) for pair in grads for g in pair]
    if not all(np.isfinite(g).all() for g in claimed):
        raise ValueError("a gradient is not finite")
    return max(
        float(np.linalg.norm((g - n).ravel()) / max(1e-8, _length(g) + _length(n)))
        for g, n in zip(claimed, measured, strict=True)
    )


def _length(v):
    return np.sqrt(np.vdot(v, v))


def _clipped_denominator(loss, params, grads, h=1e-5):
    worst = 0.0
    for k, (dW, db) in enumerate(grads):
        for j, g in ((0, dW), (1, db)):
            W, b = params[k]

            def f(theta, k=k, j=j, W=W, b=b):
                layer = (theta, b) if j == 0 else (W, theta)
                return loss([*params[:k], layer, *params[k + 1 :]])

            n = _recursive(f, np.array(params[k][j]), h)
            error = np.linalg.norm(g - n) / np.clip(
                np.linalg.norm(g) + np.linalg.norm(n), 1e-8, None
            )
            if np.isnan(error):
                return error
            worst = max(worst, error)
    return worst


def _with_copies_of_everything(loss, params, grads, h=1e-5):
    errors = []
    for k in range(len(params)):
        for j in (0, 1):
            shape = np.shape(params[k][j])
            n = np.empty(shape)
            for i in np.ndindex(shape):
                values = []
                for sign in (+1, -1):
                    moved = [(np.array(W), np.array(b)) for W, b in params]
                    moved[k][j][i] += sign * h
                    values.append(loss(moved))
                n[i] = (values[0] - values[1]) / (2 * h)
            g = grads[k][j]
            errors.append(np.linalg.norm(g - n) / max(1e-8, np.linalg.norm(g) + np.linalg.norm(n)))
    return _worst(errors)


def _cost_zip(sizes):
    n = [sizes[k] * sizes[k + 1] for k in range(len(sizes) - 1)]
    N = sum(n)
    return {"weights": N, "fdm_mults": (N + 1) * N, "backprop_mults": 3 * N - n[0]}


def _cost_numpy(sizes):
    n = np.array(sizes)
    products = n[1:] * n[:-1]
    N = products.sum()
    return {
        "weights": N,
        "fdm_mults": N**2 + N,
        "backprop_mults": N + N + products[1:].sum(),
    }


def _cost_loop(sizes):
    forward = gradients = errors = 0
    for k in range(1, len(sizes)):
        for _ in range(sizes[k]):
            forward += sizes[k - 1]
            gradients += sizes[k - 1]
            if k > 1:
                errors += sizes[k - 1]
    return {
        "backprop_mults": forward + gradients + errors,
        "fdm_mults": forward + forward * forward,
        "weights": forward,
    }


def _cost_dot(sizes):
    N = float(np.dot(sizes[:-1], sizes[1:]))
    sent = 3 * N - sizes[0] * sizes[1]
    return {"weights": N, "fdm_mults": N * (N + 1), "backprop_mults": sent}


def _cost_map(sizes):
    products = list(map(mul, sizes, sizes[1:]))
    N = reduce(add, products)
    return {"weights": N, "fdm_mults": (N + 1) * N, "backprop_mults": 2 * N + sum(products[1:])}


ALTERNATIVES = {
    "numerical-gradient": (
        Alternative("in place, put back", {"numerical_gradient": _in_place}),
        Alternative("flat copies", {"numerical_gradient": _flat_copies}),
        Alternative("rows of an identity", {"numerical_gradient": _rows_of_an_identity}),
        Alternative("nditer on a copy", {"numerical_gradient": _nditer}),
        Alternative("a table of schemes", {"numerical_gradient": _table_of_schemes}),
        Alternative("recursion over axes", {"numerical_gradient": _recursive}),
    ),
    "grad-check": (
        Alternative("in place; zip", {"grad_check": _moved_in_place, "fdm_cost": _cost_zip}),
        Alternative("by copies; numpy", {"grad_check": _by_copies, "fdm_cost": _cost_numpy}),
        Alternative(
            "one long vector; loop", {"grad_check": _one_long_vector, "fdm_cost": _cost_loop}
        ),
        Alternative("clip; dot", {"grad_check": _clipped_denominator, "fdm_cost": _cost_dot}),
        Alternative(
            "copies of everything; map",
            {"grad_check": _with_copies_of_everything, "fdm_cost": _cost_map},
        ),
    ),
}
