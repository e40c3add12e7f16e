"""Derivatives measured without any of mlp_lib, and the nets of the syllabus."""

from itertools import pairwise

import numpy as np


def central(f, x, h=1e-5):
    """(f(x + h) − f(x − h)) / 2h for every entry of x; f gives one number."""
    x = np.array(x, dtype=float)
    slopes = np.empty_like(x)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += h
        down[i] -= h
        slopes[i] = (f(up) - f(down)) / (2 * h)
    return slopes


def complex_step(f, x, h=1e-20):
    """Im f(x + ih) / h for every entry of x: nothing is subtracted, so no digit is lost."""
    x = np.array(x, dtype=complex)
    slopes = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        moved = x.copy()
        moved[i] += 1j * h
        slopes[i] = np.imag(f(moved)) / h
    return slopes


def relative(got, expected):
    """‖got − expected‖ / ‖expected‖, nan and inf included in the failure."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, f"shapes {got.shape} and {expected.shape}"
    assert np.all(np.isfinite(got))
    size = np.linalg.norm(expected)
    return np.linalg.norm(got - expected) / (size if size > 0 else 1.0)


def random_net(sizes, seed, scale=0.9):
    """Column-form parameters with entries that avoid 0 and ±1."""
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(0, scale, (n_to, n_from)) + 0.013, rng.normal(0, scale, n_to) + 0.017)
        for n_from, n_to in pairwise(sizes)
    ]


# F1: 2-3-4, sigmoid hidden units, softmax with cce.
F1_X = np.array([0.8, -2.0])
F1_Y = np.array([0.0, 1.0, 0.0, 0.0])
F1 = [
    (
        np.array([[0.5, -0.5], [1.2, 0.25], [-0.75, 0.9]]),
        np.array([0.3, 0.5, -0.25]),
    ),
    (
        np.array([[1.5, -0.8, 0.5], [-0.5, 0.25, 0.7], [0.4, 0.6, -0.9], [-0.2, -0.3, 0.35]]),
        np.array([0.1, -0.1, 0.2, -0.25]),
    ),
]

# F2: all square, 2-2-2-2, no bias, softmax with cce.
F2_X = np.array([0.8, -0.6])
F2_Y = np.array([1.0, 0.0])
F2 = [
    (np.array([[0.9, 0.5], [-0.5, 0.25]]), np.zeros(2)),
    (np.array([[0.5, -0.7], [0.6, 2.0]]), np.zeros(2)),
    (np.array([[0.8, -2.0], [0.5, 1.3]]), np.zeros(2)),
]

# F4: the scalar chain.
F4_W = np.array([0.5, -1.5, 2.0])
F4_A0, F4_T = 0.8, 1.0

# The four predictions of the table of lesson 3 and their true classes.
TABLE_P = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.6, 0.2, 0.2]])
TABLE_Y = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]])
