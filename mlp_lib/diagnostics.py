"""What to look at when a deep network does not learn: how large the gradient is in every layer.

On its way back the error is multiplied by a weight matrix and a slope in every layer. Factors
below one make it vanish, factors above one make it explode, a slope of zero stops it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlp_lib import _check
from mlp_lib._types import Array, Cache, Func, Grads, Params
from mlp_lib.activations import d_relu, get_activation, identity, sigmoid
from mlp_lib.batch import mlp_backward_batch, mlp_forward_batch
from mlp_lib.chain import chain_backward, chain_forward


def grad_norms(grads: Grads) -> Array:
    """Return ‖dW⁽ˡ⁾‖ = √(Σ dW²) of every layer (eq-grad-norm). grads [(dW, db), …]  →  (L,)."""
    return np.array([np.linalg.norm(dW) for dW, _ in grads])


def layer_grad_norms(
    act: str,
    depth: int = 10,
    width: int = 16,
    m: int = 32,
    scale: float = 0.25,
    seed: int = 0,
) -> Array:
    """Return ‖dW⁽¹⁾‖ … ‖dW⁽ᴸ⁾‖ of a random network with L = depth: vanishing gradients (eq-vanish).

    X, Y (m, width) ~ N(0, 1), then every W (width, width) ~ N(0, scale²), drawn in this order; no
    biases; `act` in the hidden layers, identity with the mean of ½‖ŷ − y‖² at the output.
    Returns (depth,). Look at the norms and at their ratio: tiny weights make all of them tiny.
    """
    g = get_activation(act, "act")
    sizes = {"depth": depth, "width": width, "m": m}
    depth, width, m = (_check.integer(name, n, low=1) for name, n in sizes.items())
    scale = _check.scalar("scale", scale, low=0)
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((m, width)), rng.standard_normal((m, width))
    no_bias = np.zeros((1, width))
    params: Params = [(scale * rng.standard_normal((width, width)), no_bias) for _ in range(depth)]
    _, cache = mlp_forward_batch(X, params, g.f, identity)
    grads = mlp_backward_batch(params, cache, Y, g.df, loss="half_sse", activation="identity")
    return grad_norms(grads)


def chain_gradient(act: str, depth: int, w: float = 1.0, a0: float = 0.5, y: float = 1.0) -> float:
    """Return ∂J/∂w⁽¹⁾ of a chain of `depth` units that all have the weight w (eq-chain-product).

    ∂J/∂w⁽¹⁾ = (ŷ − y) · g′(z⁽ᴸ⁾) · w g′(z⁽ᴸ⁻¹⁾) ⋯ w g′(z⁽¹⁾) · a₀      one factor w g′ a layer
    """
    g = get_activation(act, "act")
    weights = np.full(_check.integer("depth", depth, low=1), w, dtype=np.float64)
    dw, _, _ = chain_backward(weights, chain_forward(weights, a0, g.f), y, g.df)
    return float(dw[0])


def dead_units(cache: Cache, dg: Func = d_relu) -> list[npt.NDArray[np.bool_]]:
    """Return for every hidden layer which units are dead: g′(z) = 0 on all m examples (eq-dead).

    No error passes a dead unit, so none of its weights moves. cache of `mlp_forward_batch`
    →  a list of L − 1 masks (nₗ,).
    """
    return [np.all(dg(Z) == 0, axis=0) for Z in cache["z"][:-1]]


def dead_unit_counts(cache: Cache, dg: Func = d_relu) -> list[int]:
    """Return the number of dead units of every hidden layer."""
    return [int(mask.sum()) for mask in dead_units(cache, dg)]


def embedding(X: Array, params: Params, g: Func = sigmoid) -> Array:
    """Return what the last hidden layer says about every example, A⁽ᴸ⁻¹⁾ (eq-embedding).

    X (m, n₀), params in row form  →  (m, n_(L−1)). The output layer is a one-layer model on these
    features: the network has learned them, nobody designed them.
    """
    _, cache = mlp_forward_batch(X, params, g, identity)
    return cache["a"][-2].copy()


@dataclass(frozen=True)
class DeltaStats:
    """How large the errors of one layer are: of all |dZ| the mean and maximum, and the zeros."""

    layer: int
    mean_abs: float
    max_abs: float
    zero_share: float


def delta_stats(deltas: list[Array]) -> list[DeltaStats]:
    """Summarise the dZ of `layer_deltas`, layers counted from 1 to L. deltas: arrays (m, nₗ)."""
    return [
        DeltaStats(layer, float(size.mean()), float(size.max()), float(np.mean(size == 0)))
        for layer, size in enumerate(map(np.abs, deltas), start=1)
    ]
