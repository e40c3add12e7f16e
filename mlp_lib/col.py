"""A network of layers, one example at a time, in column form: the error goes back the way the
signal came, through the transposed weights.

W⁽ˡ⁾[to, from] has shape (nₗ, nₗ₋₁), every vector is a column, stored as (nₗ,).
"""

from itertools import pairwise, product
from typing import Any

import numpy as np

from mlp_lib._check import (
    arrays,
    as_real,
    column_form,
    finite,
    function,
    integer,
    passed_cache,
    same_shape,
    shapes,
    slope_fits,
)
from mlp_lib._types import Array, ArrayLike, Cache, Func, Grads, Pair, Params
from mlp_lib.activations import d_sigmoid, sigmoid
from mlp_lib.delta import output_delta, weight_grad
from mlp_lib.softmax import softmax


def mlp_forward(
    x: ArrayLike, params: Params, g: Func = sigmoid, out: Func = softmax
) -> tuple[Array, Cache]:
    """z⁽ˡ⁾ = W⁽ˡ⁾ a⁽ˡ⁻¹⁾ + b⁽ˡ⁾ and a⁽ˡ⁾ = g(z⁽ˡ⁾), at the output ŷ = out(z⁽ᴸ⁾) (eq-mlp-forward).

    x = a⁽⁰⁾: (n₀,). params: a list of W⁽ˡ⁾ (nₗ, nₗ₋₁) and b⁽ˡ⁾ (nₗ,).
    Returns ŷ, (n_L,), and the cache {"z": [z⁽¹⁾ … z⁽ᴸ⁾], "a": [x, a⁽¹⁾ … ŷ]}.
    """
    function("sigmoid", g=g, out=out)
    x, params = _network(x, params)
    z: list[Array] = []
    a = [x]
    for W, b in params:
        z.append(W @ a[-1] + b)  # (nₗ,)
        a.append(out(z[-1]) if len(z) == len(params) else g(z[-1]))  # (nₗ,)
    return a[-1], {"z": z, "a": a}


def error_to_previous(W_next: ArrayLike, delta_next: ArrayLike) -> Array:
    """e⁽ˡ⁾ = W⁽ˡ⁺¹⁾ᵀ δ⁽ˡ⁺¹⁾: eⱼ = Σᵢ W[i, j] δᵢ (eq-error-to-previous).

    W_next: (nₗ₊₁, nₗ). delta_next: (nₗ₊₁,). Returns ∂J/∂a⁽ˡ⁾, (nₗ,). Unit j sent its
    activation to every unit i through W[i, j], so it collects every δᵢ through the same weight.
    """
    W_next, delta_next = arrays(
        "n_to n_from, n_to", trainable="W_next", W_next=W_next, delta_next=delta_next
    )
    e: Array = W_next.T @ delta_next  # (nₗ,)
    return e


def hidden_delta(e: ArrayLike, z: ArrayLike, dg: Func) -> Array:
    """δ⁽ˡ⁾ = e⁽ˡ⁾ ⊙ g′(z⁽ˡ⁾), entry by entry (eq-hidden-delta).

    e: ∂J/∂a, (nₗ,). z: pre-activations, (nₗ,). dg: g′. Returns ∂J/∂z, (nₗ,).
    """
    function("d_sigmoid", dg=dg)
    e, z = arrays("n, n", e=e, z=z)
    slope: Array = dg(z)  # (nₗ,)
    same_shape(z=z, **{"dg(z)": slope})
    return e * slope  # (nₗ,)


def mlp_backward(
    params: Params,
    cache: Cache,
    y: ArrayLike,
    dg: Func = d_sigmoid,
    *,
    loss: str = "cce",
    activation: str = "softmax",
) -> Grads:
    """δ⁽ᴸ⁾ at the output, then dW⁽ˡ⁾ = δ⁽ˡ⁾ a⁽ˡ⁻¹⁾ᵀ, db⁽ˡ⁾ = δ⁽ˡ⁾, and one layer down
    δ⁽ˡ⁻¹⁾ = W⁽ˡ⁾ᵀδ⁽ˡ⁾ ⊙ g′(z⁽ˡ⁻¹⁾), until the input (eq-mlp-backward).

    params, cache: as in `mlp_forward`. y: target, (n_L,). loss and activation: the pair at the
    output. dg: g′ of the hidden units; it MUST belong to the g that made the cache, for a cache
    does not say which g that was. Returns [(dW⁽¹⁾, db⁽¹⁾), …], each of its parameter's shape.
    """
    params, z, a = _passed(params, cache)
    slope_fits(dg, a)
    delta = output_delta(a[-1], y, loss, activation)  # (n_L,)
    grads: Grads = []
    for layer in range(len(params), 0, -1):  # lists count from 0: W⁽ˡ⁾ and z⁽ˡ⁾ are at layer - 1
        grads.insert(0, (weight_grad(delta, a[layer - 1]), delta))  # (nₗ, nₗ₋₁), (nₗ,)
        if layer > 1:
            W, _ = params[layer - 1]
            delta = hidden_delta(error_to_previous(W, delta), z[layer - 2], dg)  # (nₗ₋₁,)
    return grads


def paths(net: dict[str, Any], weight: tuple[int, int, int]) -> list[tuple[int, ...]]:
    """Every route from one weight to an output: which unit it passes in each layer (eq-paths).

    net: {"W": [W⁽ˡ⁾ (nₗ, nₗ₋₁), …], …}. weight: (layer, to, from), counted from 1.
    Returns tuples (unit of layer l, of layer l + 1, …, of layer L), counted from 1; there are as
    many as the product of the widths of the layers after l.
    """
    layer, to, _ = _weight(net, weight)
    later = [range(1, len(W) + 1) for W in net["W"][layer:]]
    return [(to, *units) for units in product(*later)]


def path_products(net: dict[str, Any], weight: tuple[int, int, int]) -> list[float]:
    """What each of the `paths` contributes: the product of all slopes along it (eq-path-product).

    For the path i, j, …, o from w⁽ˡ⁾[i, q]:  a_q σ′(zᵢ) · W⁽ˡ⁺¹⁾[j, i] σ′(zⱼ) · … · (ŷ_o − t_o)

    net: {"W": [W⁽ˡ⁾ (nₗ, nₗ₋₁), …], "x": (n₀,), "t": (n_L,)}, sigmoid units without biases,
    J = ½ Σ (ŷ − t)². weight: (layer, to, from), counted from 1.
    """
    layer, _, origin = _weight(net, weight)
    weights = [np.asarray(W) for W in net["W"]]
    no_bias: Params = [(W, np.zeros(len(W))) for W in weights]
    yhat, cache = mlp_forward(net["x"], no_bias, g=sigmoid, out=sigmoid)
    (t,) = arrays(str(len(yhat)), t=np.atleast_1d(net["t"]))
    z, a = cache["z"], cache["a"]
    contributions = []
    for path in paths(net, weight):
        slope = a[layer - 1][origin - 1]
        for k, unit in enumerate(path, layer):
            slope = slope * d_sigmoid(z[k - 1][unit - 1])
        for k, (unit, after) in enumerate(pairwise(path), layer + 1):
            slope = slope * weights[k - 1][after - 1, unit - 1]
        contributions.append((slope * (yhat - t)[path[-1] - 1]).item())
    return contributions


def path_gradient(net: dict[str, Any], weight: tuple[int, int, int]) -> float:
    """∂J/∂w⁽ˡ⁾[to, from] = Σ over all paths of the product of the slopes (eq-path-sum).

    net, weight: as in `path_products`. The same number as `mlp_backward` gives, without sharing
    any work between the paths.
    """
    return sum(path_products(net, weight))


def collapse_linear(params: Params) -> Pair:
    """W = W⁽ᴸ⁾ ⋯ W⁽¹⁾ and b = W⁽ᴸ⁾(⋯) + b⁽ᴸ⁾: layers without g are one layer (eq-collapse).

    params: a list of W⁽ˡ⁾ (nₗ, nₗ₋₁) and b⁽ˡ⁾ (nₗ,). Returns W (n_L, n₀) and b (n_L,).
    """
    (W, b), *later = column_form(params)
    for W_next, b_next in later:
        W, b = W_next @ W, W_next @ b + b_next  # (nₗ, n₀), (nₗ,)
    return W, b


def xor_gate_net() -> Params:
    """XOR = NOR(NOR(x₁, x₂), AND(x₁, x₂)) with step units (eq-xor-gates).

    Returns [(W1 (2, 2), b1 (2,)), (W2 (1, 2), b2 (1,))]; the hidden units are NOR and AND. No
    weighted sum comes closer to the threshold 0 than ½.
    """
    nor, and_ = ([-1.0, -1.0], 0.5), ([1.0, 1.0], -1.5)
    hidden = np.array([nor[0], and_[0]]), np.array([nor[1], and_[1]])
    output = np.array([nor[0]]), np.array([nor[1]])
    return [hidden, output]


def _network(x: Any, params: Params) -> tuple[Array, Params]:
    params = column_form(params)
    W = params[0][0]
    x = finite("x", as_real("x", x, W.dtype if W.dtype.kind == "f" else np.float64))
    shapes(str(W.shape[1]), x=x)
    return x, params


def _passed(params: Params, cache: Cache) -> tuple[Params, list[Array], list[Array]]:
    params = column_form(params)
    z, a = passed_cache(cache, len(params))
    for k, (W, _) in enumerate(params):
        shapes(f"{W.shape[1]}, {W.shape[0]}", **{f"a[{k}]": a[k], f"z[{k}]": z[k]})
    return params, z, a


def _weight(net: dict[str, Any], weight: tuple[int, int, int]) -> tuple[int, int, int]:
    layer, to, origin = weight
    layer = integer("layer", layer, low=1, high=len(net["W"]))
    n_to, n_from = np.shape(net["W"][layer - 1])
    return layer, integer("to", to, low=1, high=n_to), integer("from", origin, low=1, high=n_from)
