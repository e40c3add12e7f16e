"""One unit per layer: the smallest network that has every idea of backpropagation.

a⁽⁰⁾ → z⁽¹⁾ → a⁽¹⁾ → … → z⁽ᴸ⁾ → a⁽ᴸ⁾ = ŷ → J = ½(ŷ − y)²
"""

import numpy as np

from mlp_lib._check import arrays, function
from mlp_lib._types import Array, ArrayLike, Func
from mlp_lib.activations import d_sigmoid, sigmoid


def chain_forward(w: ArrayLike, a0: ArrayLike, g: Func = sigmoid) -> tuple[Array, Array]:
    """z⁽ˡ⁾ = w⁽ˡ⁾ a⁽ˡ⁻¹⁾ and a⁽ˡ⁾ = g(z⁽ˡ⁾) for l = 1 … L (eq-chain-forward).

    w: one weight a layer, (L,). a0: the input, one number. Returns z, (L,), and a, (L + 1,), which
    begins with a0.
    """
    function("sigmoid", g=g)
    w, a0 = arrays("L, ()", trainable="w", w=w, a0=a0)
    z, a = [], [a0]
    for wl in w:
        z.append(wl * a[-1])
        a.append(g(z[-1]))
    return np.array(z), np.array(a)


def chain_backward(
    w: ArrayLike, cache: tuple[ArrayLike, ArrayLike], y: ArrayLike, dg: Func = d_sigmoid
) -> tuple[Array, Array, Array]:
    """e⁽ᴸ⁾ = ŷ − y, then from the last layer to the first (eq-chain-backward):

        δ⁽ˡ⁾ = e⁽ˡ⁾ g′(z⁽ˡ⁾)        error before the activation, ∂J/∂z⁽ˡ⁾
        dw⁽ˡ⁾ = δ⁽ˡ⁾ a⁽ˡ⁻¹⁾          gradient of the weight
        e⁽ˡ⁻¹⁾ = w⁽ˡ⁾ δ⁽ˡ⁾           error of the layer below, ∂J/∂a⁽ˡ⁻¹⁾

    w: (L,). cache: (z, a) of `chain_forward`, (L,) and (L + 1,). y: target, one number.
    Returns dw, δ and e, each (L,); entry 0 belongs to layer 1.
    """
    function("d_sigmoid", dg=dg)
    z, a = cache
    L = len(np.atleast_1d(w))
    w, z, a, y = arrays(f"{L}, {L}, {L + 1}, ()", trainable="w", w=w, z=z, a=a, y=y)
    delta, e = np.empty_like(z), np.empty_like(z)
    error = a[-1] - y
    for k in reversed(range(L)):
        e[k] = error
        delta[k] = e[k] * dg(z[k])
        error = w[k] * delta[k]
    return delta * a[:-1], delta, e
