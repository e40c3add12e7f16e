"""A neuron adds up its weighted inputs, shifts the sum by a bias and bends it."""

import numpy as np

from mlp_lib._check import arrays
from mlp_lib._types import ArrayLike, Func
from mlp_lib.activations import sigmoid


def neuron_forward(x: ArrayLike, w: ArrayLike, b: ArrayLike, g: Func = sigmoid) -> float:
    """z = Σⱼ wⱼ xⱼ + b and a = g(z) (eq-neuron).

    x: inputs, (n,). w: weights, (n,). b: bias, one number. g: activation. Returns a, one number.
    """
    x, w, b = arrays("n, n, ()", trainable="w", x=x, w=w, b=b)
    z = w @ x + b
    return np.asarray(g(z)).item()  # type: ignore[no-any-return]
