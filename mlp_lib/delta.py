"""δ = ∂J/∂z says how each output's weighted sum should move; times the incoming activation it is
the gradient of a weight.
"""

from collections.abc import Callable, Collection

import numpy as np

from mlp_lib._check import arrays, choice, ndim, probabilities, reals, same_shape, unit_rows
from mlp_lib._types import Array, ArrayLike
from mlp_lib.activations import ACTIVATIONS
from mlp_lib.losses import LOSSES

# δ for the pairs of a loss and an output activation that belong together.
PAIRS: dict[tuple[str, str], Callable[[Array, Array], Array]] = {
    ("half_sse", "identity"): lambda yhat, y: yhat - y,
    ("half_sse", "sigmoid"): lambda yhat, y: (yhat - y) * yhat * (1 - yhat),  # e ⊙ σ′(z)
    ("bce", "sigmoid"): lambda yhat, y: yhat - y,  # σ′ cancels the denominator ŷ(1 − ŷ)
    ("cce", "softmax"): lambda yhat, y: yhat - y,  # Jᵀe with the whole Jacobian of softmax
}

# Why another pair is refused: the pair's own reason, else the loss's, else the activation's.
_WHY = {
    ("cce", "sigmoid"): "K sigmoids are K separate probabilities that need not sum to 1, and cce "
    "looks at the true class only, so nothing would push the other outputs down",
    ("cce", "identity"): "cce takes the logarithm of a probability, and a linear output may be "
    "negative or above 1",
    ("bce", "identity"): "bce takes the logarithm of a probability, and a linear output may be "
    "negative or above 1",
    ("bce", "softmax"): "bce asks K separate yes/no questions, and softmax ties the K answers "
    "together, so δ would not be ŷ − y",
    ("half_sse", "softmax"): "every softmax output depends on every z, so δ is the Jacobian "
    "times ŷ − y, which softmax_vjp(yhat, yhat - y) gives, and not ŷ − y",
    ("half_sse", "step"): "the slope of a step is 0, so δ would be 0 everywhere",
    "mse": "mse is half_sse times 2/n, so use half_sse and let the learning rate carry the factor",
    "hinge": "hinge compares a score with a label −1 or +1, and its slope is grad_hinge",
    "cce": "cce needs probabilities that sum to 1, which is what softmax gives",
    "bce": "bce needs probabilities between 0 and 1, which is what sigmoid gives",
    "half_sse": "the course pairs half_sse with outputs for numbers (identity) or for one "
    "probability (sigmoid); elsewhere use δ = e ⊙ g′(z), hidden_delta",
}


def output_delta(yhat: ArrayLike, y: ArrayLike, loss: str, activation: str) -> Array:
    """δ⁽ᴸ⁾ = ∂J/∂z⁽ᴸ⁾ of one example, by pair of loss and output activation (eq-output-delta).

    half_sse, identity: ŷ − y          bce, sigmoid: ŷ − y (summed over the outputs)
    half_sse, sigmoid:  (ŷ − y) ŷ(1 − ŷ)   cce, softmax: ŷ − y (eq-softmax-delta)

    yhat, y: (n,), or (m, n) for m examples, each with its own δ. Returns the same shape.
    Here bce is the sum over the n outputs, J = `bce_multi(yhat, y)` of one example. The function
    `bce` is the mean over all entries; with n outputs its slope is this δ divided by n.
    """
    yhat, y = reals(yhat=yhat, y=y)
    ndim("yhat", yhat, 1, 2)
    same_shape(yhat=yhat, y=y)
    require_pair(loss, activation)
    if activation != "identity":
        probabilities(yhat=yhat)
    if loss == "cce":
        unit_rows("yhat", yhat, like="softmax gives")
        unit_rows("y", y)
    return PAIRS[loss, activation](yhat, y)


def weight_grad(delta: ArrayLike, a_prev: ArrayLike) -> Array:
    """∂J/∂W[i, j] = δᵢ aⱼ, as a matrix dW = δ aᵀ (eq-delta-rule).

    delta: (n_out,). a_prev: activations that entered the layer, (n_in,). Returns (n_out, n_in),
    the shape of W[to, from]. The gradient of the bias is δ itself.
    """
    delta, a_prev = arrays("n_out, n_in", delta=delta, a_prev=a_prev)
    return np.outer(delta, a_prev)  # (n_out, n_in)


def require_pair(loss: str, activation: str, pairs: Collection[tuple[str, str]] = PAIRS) -> None:
    """Raise a ValueError that says why, unless loss and output activation belong together."""
    choice("loss", loss, LOSSES)
    choice("activation", activation, [*ACTIVATIONS, "softmax"])
    if (loss, activation) not in pairs:
        why = _WHY.get((loss, activation)) or _WHY[loss]
        known = "; ".join(f"{a} with {b}" for a, b in pairs)
        raise ValueError(
            f"loss and activation: expected one of the pairs {known}; "
            f"got {loss} with {activation}: {why}"
        )
