"""Right answers to the steps of lesson 5, written differently."""

import math
from itertools import accumulate

import numpy as np

from autograder.engine.step import Alternative

# update


def update_loop(params, grads, lr):
    new = []
    for layer in range(len(params)):
        W, b = params[layer]
        dW, db = grads[layer]
        new.append((W - lr * dW, b - lr * db))
    return new


def update_copies(params, grads, lr):
    new = [[W.copy(), b.copy()] for W, b in params]
    for pair, slopes in zip(new, grads, strict=True):
        for x, dx in zip(pair, slopes, strict=True):
            x -= lr * dx
    return new


def update_map(params, grads, lr):
    def step(pair, slopes):
        return tuple(np.add(x, -lr * dx) for x, dx in zip(pair, slopes, strict=True))

    return tuple(map(step, params, grads))


def update_entries(params, grads, lr):
    new = []
    for pair, slopes in zip(params, grads, strict=True):
        moved = []
        for x, dx in zip(pair, slopes, strict=True):
            y = np.empty(x.shape)
            for index in np.ndindex(*x.shape):
                y[index] = x[index] - lr * dx[index]
            moved.append(y)
        new.append(tuple(moved))
    return new


def update_one_vector(params, grads, lr):
    def flat(pairs):
        return np.concatenate([np.ravel(x) for pair in pairs for x in pair])

    theta = flat(params) - lr * flat(grads)
    new, start = [], 0
    for pair in params:
        moved = []
        for x in pair:
            moved.append(theta[start : start + x.size].reshape(x.shape))
            start += x.size
        new.append(tuple(moved))
    print("one vector of", theta.size)
    return new


def update_single(params, grads, lr):
    return [
        (W.astype(np.float32) - np.float32(lr) * dW.astype(np.float32), b - lr * db)
        for (W, b), (dW, db) in zip(params, grads, strict=True)
    ]


# path


def path_append(grad, theta0, eta, n):
    theta = theta0
    path = [theta]
    for _ in range(n):
        theta = theta - eta * grad(theta)
        path.append(theta)
    return np.array(path)


def path_filled(grad, theta0, eta, n):
    path = np.zeros((n + 1, len(theta0)))
    path[0] = theta0
    for t in range(n):
        path[t + 1] = path[t] - eta * grad(path[t])
    return path


def path_in_place(grad, theta0, eta, n):
    theta = theta0.copy()
    path = [theta.copy()]
    while len(path) <= n:
        theta -= eta * grad(theta)
        path.append(theta.copy())
    return np.vstack(path)


def path_accumulate(grad, theta0, eta, n):
    return np.stack(list(accumulate(range(n), lambda x, _: x - eta * grad(x), initial=theta0)))


def path_halves(grad, theta0, eta, n):
    if n == 0:
        return theta0.reshape(1, -1).copy()
    if n == 1:
        return np.stack([theta0, theta0 - eta * grad(theta0)])
    first = path_halves(grad, theta0, eta, n // 2)
    return np.concatenate([first[:-1], path_halves(grad, first[-1], eta, n - n // 2)])


def path_one_slope_more(grad, theta0, eta, n):
    path, slope = [np.array(theta0)], grad(theta0)
    for _ in range(n):
        path.append(path[-1] + -eta * slope)
        slope = grad(path[-1])
        print("slope", slope)
    return np.array(path)


def path_plain_numbers(grad, theta0, eta, n):
    path = [[float(x) for x in theta0]]
    for _ in range(n):
        slope = grad(np.array(path[-1]))
        path.append([x - eta * float(s) for x, s in zip(path[-1], slope, strict=True)])
    return np.array(path)


# mini-batches


def batches_yield(X, Y, b, rng):
    order = rng.permutation(len(X))
    for start in range(0, len(X), b):
        rows = order[start : start + b]
        yield X[rows], Y[rows]


def updates_ceil(m, b):
    return math.ceil(m / b)


def batches_list(X, Y, b, rng):
    order = rng.permutation(X.shape[0])
    Xs, Ys = X[order], Y[order]
    return [(Xs[i : i + b], Ys[i : i + b]) for i in range(0, X.shape[0], b)]


def updates_floor(m, b):
    return -(-m // b)


def batches_split(X, Y, b, rng):
    order = rng.permutation(len(X))
    parts = np.split(order, range(b, len(X), b))
    return zip([X[rows] for rows in parts], [Y[rows] for rows in parts], strict=True)


def updates_sum(m, b):
    return (m + b - 1) // b


class Batches:
    """An iterator of one's own."""

    def __init__(self, X, Y, b, rng):
        self.X, self.Y, self.b, self.start = X, Y, b, 0
        self.order = rng.permutation(len(X))

    def __iter__(self):
        return self

    def __next__(self):
        if self.start >= len(self.X):
            raise StopIteration
        rows = self.order[self.start : self.start + self.b]
        self.start += self.b
        return [self.X[rows], self.Y[rows]]


def updates_count(m, b):
    return len(range(0, m, b))


def batches_while(X, Y, b, rng):
    left = list(rng.permutation(np.arange(len(X))))
    while left:
        rows, left = left[:b], left[b:]
        yield np.array([X[i] for i in rows]), np.array([Y[i] for i in rows])


def updates_rest(m, b):
    return m // b if m % b == 0 else m // b + 1


def batches_together(X, Y, b, rng):
    both = np.hstack([X, Y])[rng.permutation(len(X))]
    d = X.shape[1]
    return ((part[:, :d], part[:, d:]) for part in (both[i : i + b] for i in range(0, len(X), b)))


def updates_float(m, b):
    return float(np.ceil(m / b))


def batches_shuffled(X, Y, b, rng):
    order = np.arange(len(X))
    rng.shuffle(order)
    print("order", order)
    for start in range(0, len(order), b):
        yield np.take(X, order[start : start + b], axis=0), Y[order[start : start + b], :]


def minibatch(iterate, updates):
    return {"iterate_minibatches": iterate, "updates_per_epoch": updates}


ALTERNATIVES = {
    "gd-update": (
        Alternative("a loop", {"gd_update": update_loop}),
        Alternative("copies, then in place, lists", {"gd_update": update_copies}),
        Alternative("map, tuples", {"gd_update": update_map}),
        Alternative("entry by entry", {"gd_update": update_entries}),
        Alternative("one long vector, with printing", {"gd_update": update_one_vector}),
        Alternative("float32", {"gd_update": update_single}),
    ),
    "gd-path": (
        Alternative("append", {"gd_path": path_append}),
        Alternative("an array filled in", {"gd_path": path_filled}),
        Alternative("in place, copies stored", {"gd_path": path_in_place}),
        Alternative("accumulate", {"gd_path": path_accumulate}),
        Alternative("half of the way, then the rest", {"gd_path": path_halves}),
        Alternative("one gradient more than needed", {"gd_path": path_one_slope_more}),
        Alternative("plain numbers", {"gd_path": path_plain_numbers}),
    ),
    "minibatches": (
        Alternative("yield and ceil", minibatch(batches_yield, updates_ceil)),
        Alternative("a list, minus floor of minus", minibatch(batches_list, updates_floor)),
        Alternative("np.split and zip", minibatch(batches_split, updates_sum)),
        Alternative("a class, pairs as lists", minibatch(Batches, updates_count)),
        Alternative("a while loop over a list", minibatch(batches_while, updates_rest)),
        Alternative("X and Y side by side", minibatch(batches_together, updates_float)),
        Alternative("rng.shuffle of the row numbers", {"iterate_minibatches": batches_shuffled}),
    ),
}
