"""Softmax turns K scores into K probabilities that sum to one."""

import numpy as np

from mlp_lib._check import as_real, finite, ndim, reals, same_shape
from mlp_lib._types import Array, ArrayLike


def softmax(Z: ArrayLike) -> Array:
    """pᵢ = e^zᵢ / Σⱼ e^zⱼ, over the last axis (eq-softmax).

    Z: scores, (K,) or (m, K). Returns probabilities of the same shape.
    The largest score of each row is subtracted first: that changes nothing, because softmax(z + c)
    = softmax(z), and keeps e^z from overflowing.
    """
    Z = _scores(Z)
    E: Array = np.exp(Z - Z.real.max(axis=-1, keepdims=True))  # (m, K), largest entry 1
    total: Array = E.sum(axis=-1, keepdims=True)  # (m, 1)
    return E / total  # (m, K)


def log_softmax(Z: ArrayLike) -> Array:
    """ln pᵢ = zᵢ − ln Σⱼ e^zⱼ, over the last axis (eq-log-softmax).

    Z: scores, (K,) or (m, K). Returns logarithms of probabilities of the same shape; they stay
    finite where p itself is too small for a float.
    """
    Z = _scores(Z)
    shifted: Array = Z - Z.real.max(axis=-1, keepdims=True)  # (m, K), largest entry 0
    log_total: Array = np.log(np.exp(shifted).sum(axis=-1, keepdims=True))  # (m, 1)
    return shifted - log_total  # (m, K)


def softmax_jacobian(z: ArrayLike) -> Array:
    """∂pᵢ/∂zⱼ = pᵢ (𝟙[i=j] − pⱼ), that is diag(p) − p pᵀ with p = softmax(z) (eq-softmax-jacobian).

    z: scores of one example, (K,). Returns (K, K). The diagonal p(1 − p) alone is not the
    derivative: every score moves every probability.
    """
    z = as_real("z", z)
    ndim("z", z, 1)
    p = softmax(z)
    return np.diag(p) - np.outer(p, p)  # (K, K)


def softmax_vjp(p: ArrayLike, v: ArrayLike) -> Array:
    """vᵀ(diag(p) − p pᵀ) = p ⊙ (v − v·p), without the K × K matrix (eq-softmax-vjp).

    p: probabilities softmax(z), (K,) or (m, K). v: ∂J/∂p, same shape. Returns ∂J/∂z, same shape.
    """
    p, v = reals(p=p, v=v)
    ndim("p", p, 1, 2)
    same_shape(p=p, v=v)
    pv: Array = (p * v).sum(axis=-1, keepdims=True)  # (m, 1)
    return p * (v - pv)  # (m, K)


def _scores(Z: ArrayLike) -> Array:
    Z = finite("Z", as_real("Z", Z))
    ndim("Z", Z, 1, 2)
    return Z
