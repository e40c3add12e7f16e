"""Where training starts decides whether it gets anywhere: unequal units, slopes of a good size.

A unit that adds n_in inputs of size 1 with weights of variance v has a sum of variance n_in · v.
Each scheme picks v so that signals, or errors on their way back, neither fade nor explode.
Weights are random, because equal units would stay equal for ever; biases start at zero.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from mlp_lib import _check
from mlp_lib._types import Array, Params

Rng = np.random.Generator
Scheme = Callable[[int, int, Rng], Array]


def zeros(n_in: int, n_out: int, rng: Rng | None = None) -> Array:  # noqa: ARG001
    """W = 0: every hidden unit gets the same gradient, the network stays stuck (eq-init-zeros)."""
    return np.zeros((n_in, n_out))


def normal(n_in: int, n_out: int, rng: Rng, scale: float = 1.0) -> Array:
    """W ~ N(0, scale²), whatever the layer's size (eq-init-normal). Returns (n_in, n_out)."""
    return scale * rng.standard_normal((n_in, n_out))


def xavier_normal(n_in: int, n_out: int, rng: Rng) -> Array:
    """W ~ N(0, 2/(n_in + n_out)), a balance of the way forward and back (eq-init-xavier).

    Returns (n_in, n_out). Made for tanh and sigmoid; also called Glorot's.
    """
    return normal(n_in, n_out, rng, math.sqrt(2 / (n_in + n_out)))


def xavier_uniform(n_in: int, n_out: int, rng: Rng) -> Array:
    """W uniform in ±√(6/(n_in + n_out)), the same variance as `xavier_normal` (eq-init-xavier).

    Returns (n_in, n_out). A uniform variable in ±r has variance r²/3.
    """
    r = math.sqrt(6 / (n_in + n_out))
    return rng.uniform(-r, r, (n_in, n_out))


def he_normal(n_in: int, n_out: int, rng: Rng) -> Array:
    """W ~ N(0, 2/n_in): twice LeCun's variance, for ReLU silences half the units (eq-init-he).

    Returns (n_in, n_out).
    """
    return normal(n_in, n_out, rng, math.sqrt(2 / n_in))


def lecun_normal(n_in: int, n_out: int, rng: Rng) -> Array:
    """W ~ N(0, 1/n_in): the sum over n_in inputs keeps their variance (eq-init-lecun).

    Returns (n_in, n_out).
    """
    return normal(n_in, n_out, rng, math.sqrt(1 / n_in))


INIT_SCHEMES: dict[str, Scheme] = {
    "zeros": zeros,
    "normal": normal,
    "xavier_normal": xavier_normal,
    "xavier_uniform": xavier_uniform,
    "he": he_normal,
    "lecun": lecun_normal,
}


def init_params(
    sizes: Sequence[int], rng: Rng, scheme: str = "xavier_normal", dtype: Any = np.float64
) -> Params:
    """Return start parameters in row form, weights by the scheme and biases zero (eq-init).

    sizes n₀, …, n_L  →  [(W (n_in, n_out), b (1, n_out)), …]; layers are drawn first to last.
    """
    _check.choice("scheme", scheme, INIT_SCHEMES)
    rng = _check.generator(rng)
    sizes = _check.layer_sizes(sizes)
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise TypeError(f"dtype: expected float32 or float64, got {np.dtype(dtype)}")
    draw = INIT_SCHEMES[scheme]
    return [
        (draw(n_in, n_out, rng).astype(dtype), np.zeros((1, n_out), dtype))
        for n_in, n_out in pairwise(sizes)
    ]
