"""An activation bends the weighted sum z into the activation a = g(z); its slope g′(z) is what
backpropagation multiplies by.

Each derivative takes the pre-activation z. Where the slope also follows from a = g(z) alone,
`ACTIVATIONS` holds that form too, because the forward pass has a already.

Complex input is for the complex step of lesson 11: g(z + ih) = g(z) + ih g′(z). The real part of z
decides on which side of a kink we are.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlp_lib._check import as_real, choice, scalar
from mlp_lib._types import Array, ArrayLike


def identity(z: ArrayLike) -> Array:
    """g(z) = z (eq-identity). z: any shape; returns a new array of the same shape."""
    return as_real("z", z).copy()


def d_identity(z: ArrayLike) -> Array:
    """g′(z) = 1 (eq-d-identity). z: any shape; returns the same shape."""
    return np.ones_like(as_real("z", z))


def sigmoid(z: ArrayLike) -> Array:
    """σ(z) = 1/(1 + e^(−z)), for z < 0 written e^z/(1 + e^z) (eq-sigmoid).

    z: any shape; returns the same shape. Both forms are equal, and e is never raised to a positive
    power: no overflow, and σ(−700) keeps all its digits.
    """
    z = as_real("z", z)
    negative = z.real < 0
    e: Array = np.exp(np.where(negative, z, -z))  # exp(−|z|)
    return np.where(negative, e, 1) / (1 + e)


def d_sigmoid(z: ArrayLike) -> Array:
    """σ′(z) = σ(z)(1 − σ(z)), where 1 − σ(z) = σ(−z) (eq-d-sigmoid).

    z: the PRE-activation, any shape; returns the same shape. At most 1/4, at z = 0.
    """
    z = as_real("z", z)
    return sigmoid(z) * sigmoid(-z)


def tanh(z: ArrayLike) -> Array:
    """tanh(z) = (e^z − e^(−z))/(e^z + e^(−z)) = 2σ(2z) − 1 (eq-tanh).

    z: any shape; returns the same shape.
    """
    return np.tanh(as_real("z", z))


def d_tanh(z: ArrayLike) -> Array:
    """tanh′(z) = 1 − tanh²(z) (eq-d-tanh). z: the PRE-activation, any shape, same shape out."""
    return 1 - np.tanh(as_real("z", z)) ** 2


def relu(z: ArrayLike) -> Array:
    """relu(z) = max(z, 0) (eq-relu). z: any shape; returns the same shape."""
    z = as_real("z", z)
    return np.where(z.real <= 0, 0, z)


def d_relu(z: ArrayLike) -> Array:
    """relu′(z) = 1 if z > 0 else 0 (eq-d-relu). z: any shape, same shape out. At 0 we take 0."""
    z = as_real("z", z)
    return (z.real > 0).astype(z.dtype)


def leaky_relu(z: ArrayLike, alpha: float = 0.01) -> Array:
    """z if z > 0 else αz, which is max(z, αz) for 0 ≤ α < 1 (eq-leaky-relu).

    z: any shape; returns the same shape.
    """
    z, alpha = as_real("z", z), _slope(alpha)
    return np.where(z.real > 0, z, alpha * z)


def d_leaky_relu(z: ArrayLike, alpha: float = 0.01) -> Array:
    """1 if z > 0 else α (eq-d-leaky-relu). z: any shape, same shape out. At 0 we take α."""
    z, alpha = as_real("z", z), _slope(alpha)
    return np.where(z.real > 0, 1, alpha).astype(z.dtype)


def gelu(z: ArrayLike) -> Array:
    """gelu(z) = z Φ(z), Φ the distribution function of the standard normal (eq-gelu).

    z: any shape; returns the same shape.
    """
    z = as_real("z", z)
    return z * _Phi(z)


def d_gelu(z: ArrayLike) -> Array:
    """gelu′(z) = Φ(z) + z φ(z), φ = Φ′ the bell curve (eq-d-gelu). z: any shape, same shape out."""
    z = as_real("z", z)
    return _Phi(z) + z * _phi(z)


def gelu_tanh(z: ArrayLike) -> Array:
    """½ z (1 + tanh u) = z σ(2u) with u = √(2/π)(z + 0.044715 z³) (eq-gelu-tanh).

    z: any shape; returns the same shape. An approximation of `gelu` that needs no Φ; the two
    differ by less than 0.0005.
    """
    z = as_real("z", z)
    return z * sigmoid(2 * _gelu_u(z))


def d_gelu_tanh(z: ArrayLike) -> Array:
    """σ(2u) + z σ′(2u) 2u′ with u′ = √(2/π)(1 + 3 · 0.044715 z²) (eq-d-gelu-tanh).

    z: any shape; returns the same shape.
    """
    z = as_real("z", z)
    u, du = _gelu_u(z), math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * z * z)
    return sigmoid(2 * u) + z * d_sigmoid(2 * u) * 2 * du


def gudermannian(z: ArrayLike) -> Array:
    """gd(z) = 2 arctan(tanh(z/2)), between −π/2 and π/2 (eq-gudermannian).

    z: any shape; returns the same shape.
    """
    return 2 * np.arctan(np.tanh(as_real("z", z) / 2))


def d_gudermannian(z: ArrayLike) -> Array:
    """gd′(z) = 1/cosh(z) = 2e/(1 + e²) with e = exp(−|z|) (eq-d-gudermannian).

    z: the PRE-activation, any shape; returns the same shape.
    """
    z = as_real("z", z)
    e: Array = np.exp(np.where(z.real < 0, z, -z))  # exp(−|z|), never overflows
    return 2 * e / (1 + e * e)


def step(z: ArrayLike) -> Array:
    """step(z) = 1 if z > 0 else 0 (eq-step). z: any shape; returns the same shape."""
    z = as_real("z", z)
    return (z.real > 0).astype(z.dtype)


def d_step(z: ArrayLike) -> Array:
    """step′(z) = 0 wherever it exists, so a step unit learns nothing (eq-d-step).

    z: any shape; returns the same shape. At 0, where there is no slope, we take 0.
    """
    return np.zeros_like(as_real("z", z))


def softplus(z: ArrayLike) -> Array:
    """softplus(z) = ln(1 + e^z) = max(z, 0) + ln(1 + exp(−|z|)), a smooth ReLU (eq-softplus).

    z: any shape; returns the same shape.
    """
    z = as_real("z", z)
    return relu(z) + np.log1p(np.exp(np.where(z.real < 0, z, -z)))


def d_softplus(z: ArrayLike) -> Array:
    """softplus′(z) = σ(z) (eq-d-softplus). z: any shape; returns the same shape."""
    return sigmoid(z)


@dataclass(frozen=True)
class Activation:
    """An activation g by name: f = g, df = g′ of the pre-activation z, df_from_a = g′ of a = g(z).

    df_from_a is None where a does not determine the slope (GELU takes each small negative value
    twice). The course's backward passes call df; df_from_a is for a look at which slopes need no z,
    and `_fast.py` writes out the forms of sigmoid and tanh.
    """

    name: str
    f: Callable[[Array], Array]
    df: Callable[[Array], Array]
    df_from_a: Callable[[Array], Array] | None = None


ACTIVATIONS: dict[str, Activation] = {
    g.name: g
    for g in (
        Activation("identity", identity, d_identity, np.ones_like),
        Activation("sigmoid", sigmoid, d_sigmoid, lambda a: a * (1 - a)),
        Activation("tanh", tanh, d_tanh, lambda a: 1 - a * a),
        Activation("relu", relu, d_relu, d_relu),  # a > 0 exactly where z > 0
        Activation("leaky_relu", leaky_relu, d_leaky_relu, d_leaky_relu),  # a has the sign of z
        Activation("gelu", gelu, d_gelu),
        Activation("gelu_tanh", gelu_tanh, d_gelu_tanh),
        Activation("gudermannian", gudermannian, d_gudermannian, np.cos),
        Activation("step", step, d_step, np.zeros_like),
        Activation("softplus", softplus, d_softplus, lambda a: -np.expm1(-a)),
    )
}


def get_activation(name: str, argument: str = "activation") -> Activation:
    """Look up an activation by name; an unknown name is a ValueError that lists the known ones.

    argument: what the caller's own parameter is called, for the message.
    """
    choice(argument, name, ACTIVATIONS)
    return ACTIVATIONS[name]


def _slope(alpha: float) -> float:
    if (value := scalar("alpha", alpha, low=0)) >= 1:
        raise ValueError(f"alpha: expected 0 ≤ alpha < 1, got {alpha!r}")
    return value


def _gelu_u(z: Array) -> Array:
    return math.sqrt(2 / math.pi) * (z + 0.044715 * z * z * z)


_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def _Phi(z: Array) -> Array:
    """Φ(z) = ½(1 + erf(z/√2)) = ½ erfc(−z/√2), the second form without cancellation for z < 0.

    numpy has no erf, so this is `math.erfc` entry by entry. For the complex step it is the first
    two terms of the Taylor series, Φ(x + ih) = Φ(x) + ihφ(x), exact to rounding for |h| ≤ 1e-8.
    """
    if not np.iscomplexobj(z):
        erfc: Array = _erfc(-z / math.sqrt(2))
        return (0.5 * erfc).astype(z.dtype)
    if np.any(np.abs(z.imag) > 1e-8):
        raise TypeError("z: expected real numbers or a complex step of at most 1e-8 for GELU")
    return _Phi(z.real) + 1j * z.imag * _phi(z.real)


def _phi(z: Array) -> Array:
    """φ(z) = e^(−z²/2)/√(2π)."""
    bell: Array = np.exp(-z * z / 2)
    return bell / math.sqrt(2 * math.pi)
