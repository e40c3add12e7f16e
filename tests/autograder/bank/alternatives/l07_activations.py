"""Right answers to the steps of lesson 7, written differently."""

import math

import numpy as np

from autograder.engine.step import Alternative

erf = np.vectorize(math.erf, otypes=[float])


def sigmoid_tanh(z):
    return 0.5 * (1 + np.tanh(np.asarray(z) / 2))


def sigmoid_clipped(z):
    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))


def sigmoid_abs(z):
    e = np.exp(-np.abs(z))
    return np.where(np.asarray(z) >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_logaddexp(z):
    return np.exp(-np.logaddexp(0, -np.asarray(z)))


def sigmoid_masked(z):
    z = np.asarray(z, dtype=float)
    out = np.empty_like(z)
    right = z >= 0
    out[right] = 1 / (1 + np.exp(-z[right]))
    e = np.exp(z[~right])
    out[~right] = e / (1 + e)
    return out


def tanh_exponentials(z):
    z = np.asarray(z, dtype=float)
    return (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))


def tanh_sigmoid(z):
    return 2 * sigmoid_abs(2 * np.asarray(z)) - 1


def relu_where(z):
    return np.where(np.asarray(z) > 0, z, 0)


def relu_product(z):
    return z * (z > 0)


def relu_half(z):
    return (z + np.abs(z)) / 2


def relu_list(z):
    return np.array([max(0, x) for x in np.ravel(z)]).reshape(np.shape(z))


def leaky_where(z, alpha=0.01):
    return np.where(z > 0, z, alpha * z)


def leaky_max(z, alpha=0.01):
    return np.maximum(z, alpha * z)


def leaky_parts(z, alpha=0.01):
    return np.maximum(0, z) + alpha * np.minimum(0, z)


def leaky_masked(z, alpha=0.01):
    out = np.array(z, dtype=float)
    out[out < 0] *= alpha
    return out


def gelu_erf(z):
    z = np.asarray(z, dtype=float)
    return 0.5 * z * (1 + erf(z / math.sqrt(2)))


def gelu_loop(z):
    flat = [x * (1 + math.erf(x / 2**0.5)) / 2 for x in np.ravel(z)]
    return np.array(flat).reshape(np.shape(z))


def identity_same(z):
    return z


def step_float(z):
    return (z > 0).astype(float)


def step_integers(z):
    return np.where(z > 0, 1, 0)


def step_heaviside(z):
    return np.heaviside(z, 0.0)


def d_sigmoid_product(z):
    s = sigmoid_clipped(z)
    return s * (1 - s)


def d_sigmoid_difference(z):
    s = sigmoid_abs(z)
    return s - s**2


def d_sigmoid_cosh(z):
    return 0.25 / np.cosh(np.clip(z, -700, 700) / 2) ** 2


def d_sigmoid_tanh(z):
    return (1 - np.tanh(z / 2) ** 2) / 4


def d_tanh_cosh(z):
    return 1 / np.cosh(z) ** 2


def d_tanh_factors(z):
    return (1 - np.tanh(z)) * (1 + np.tanh(z))


def d_relu_integers(z):
    return np.where(z > 0, 1, 0)


def d_relu_float(z):
    return 1.0 * (z > 0)


def d_leaky_where(z, alpha=0.01):
    return np.where(z > 0, 1.0, alpha)


def d_leaky_full(z, alpha=0.01):
    slope = np.full(np.shape(z), alpha, dtype=float)
    slope[np.asarray(z) > 0] = 1
    return slope


def d_leaky_sum(z, alpha=0.01):
    return (z > 0) + alpha * (z <= 0)


def d_gelu_erf(z):
    z = np.asarray(z, dtype=float)
    return 0.5 * (1 + erf(z / 2**0.5)) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def d_gelu_loop(z):
    def one(x):
        bell = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        return (1 + math.erf(x / math.sqrt(2))) / 2 + x * bell

    return np.vectorize(one, otypes=[float])(z)


def single(f):
    def in_single(z, *args, **kwargs):
        return np.asarray(f(np.asarray(z), *args, **kwargs)).astype(np.float32)

    in_single.__name__ = f.__name__
    return in_single


ALTERNATIVES = {
    "activations": (
        Alternative(
            "everything through tanh",
            {
                "sigmoid": sigmoid_tanh,
                "tanh": np.tanh,
                "relu": relu_where,
                "leaky_relu": leaky_where,
                "gelu": gelu_erf,
                "identity": identity_same,
                "step": step_float,
            },
        ),
        Alternative(
            "clipped, products with masks",
            {
                "sigmoid": sigmoid_clipped,
                "tanh": tanh_exponentials,
                "relu": relu_product,
                "leaky_relu": leaky_max,
                "gelu": gelu_loop,
                "step": step_integers,
            },
        ),
        Alternative(
            "absolute values",
            {
                "sigmoid": sigmoid_abs,
                "tanh": tanh_sigmoid,
                "relu": relu_half,
                "leaky_relu": leaky_parts,
                "step": step_heaviside,
            },
        ),
        Alternative(
            "boolean indexing and lists",
            {"sigmoid": sigmoid_masked, "relu": relu_list, "leaky_relu": leaky_masked},
        ),
        Alternative(
            "logaddexp, identity plus zero",
            {"sigmoid": sigmoid_logaddexp, "identity": lambda z: z + 0.0},
        ),
        Alternative(
            "float32",
            {"sigmoid": single(sigmoid_abs), "tanh": single(np.tanh), "gelu": single(gelu_erf)},
        ),
    ),
    "activation-derivatives": (
        Alternative(
            "from the outputs",
            {
                "d_sigmoid": d_sigmoid_product,
                "d_tanh": d_tanh_factors,
                "d_relu": d_relu_integers,
                "d_leaky_relu": d_leaky_where,
                "d_gelu": d_gelu_erf,
            },
        ),
        Alternative(
            "hyperbolic functions",
            {"d_sigmoid": d_sigmoid_cosh, "d_tanh": d_tanh_cosh, "d_relu": d_relu_float},
        ),
        Alternative(
            "differences and sums of masks",
            {"d_sigmoid": d_sigmoid_difference, "d_leaky_relu": d_leaky_sum},
        ),
        Alternative(
            "indexing, entry by entry", {"d_leaky_relu": d_leaky_full, "d_gelu": d_gelu_loop}
        ),
        Alternative(
            "σ′ through tanh, heaviside",
            {"d_sigmoid": d_sigmoid_tanh, "d_relu": lambda z: np.heaviside(z, 0)},
        ),
        Alternative(
            "float32", {"d_sigmoid": single(d_sigmoid_product), "d_gelu": single(d_gelu_erf)}
        ),
    ),
}
