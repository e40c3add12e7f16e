"""A batch stores one example a row, and one matrix product then does what a loop over examples did.

Row form: W[from, to], and every array of the column form appears transposed.

    one example       Z = W a + b      e = Wᵀ δ        dW = δ aᵀ
    m rows at once    Z = A W + b     dA = dZ Wᵀ       dW = Aᵀ dZ

The 1/m of the mean loss enters once, at the output.
"""

from __future__ import annotations

from mlp_lib import _check
from mlp_lib._types import Array, Cache, Func, Grads, Params
from mlp_lib.activations import sigmoid
from mlp_lib.delta import output_delta
from mlp_lib.softmax import softmax


def mlp_forward_batch(
    X: Array, params: Params, g: Func = sigmoid, out: Func = softmax
) -> tuple[Array, Cache]:
    """Run a batch through the network (eq-forward-batch).

    A⁰ = X,    Zˡ = Aˡ⁻¹ Wˡ + bˡ,    Aˡ = g(Zˡ),  in the last layer out(Zᴸ) = Ŷ

    X (m, n₀), params [(W (n_in, n_out), b (1, n_out)), …]  →  Ŷ (m, n_L) and the cache
    {"z": [Z¹ … Zᴸ], "a": [X, A¹ … Ŷ]} that the backward pass reads.
    """
    X, params = _check_network(X, params)
    Z: list[Array] = []
    A: list[Array] = [X]
    for layer, (W, b) in enumerate(params, start=1):
        Z.append(A[-1] @ W + b)  # (m, n_out)
        A.append(out(Z[-1]) if layer == len(params) else g(Z[-1]))
    return A[-1], {"z": Z, "a": A}


def linear_backward(dZ: Array, A_prev: Array, W: Array) -> tuple[Array, Array, Array]:
    """Return (dA_prev, dW, db), the gradients behind Z = A W + b (eq-linear-backward).

    dA = dZ Wᵀ      what each input of the layer is to blame for
    dW = Aᵀ dZ      Σ over the examples of their outer products a δᵀ
    db = Σ rows of dZ

    dZ (m, n_out), A_prev (m, n_in), W (n_in, n_out)  →  (m, n_in), (n_in, n_out), (1, n_out).
    """
    dZ, A_prev = _check.reals(dZ=dZ, A_prev=A_prev)
    (W,) = _check.params(W=W)
    _check.shapes("m n_out, m n_in, n_in n_out", dZ=dZ, A_prev=A_prev, W=W)
    return error_backward(dZ, W), *weight_backward(dZ, A_prev)


def weight_backward(dZ: Array, A_prev: Array) -> tuple[Array, Array]:
    """Return (dW, db) of Z = A W + b: Aᵀ dZ and the sum of the rows of dZ (eq-batch-weights).

    dZ (m, n_out), A_prev (m, n_in)  →  dW (n_in, n_out), db (1, n_out).
    """
    return A_prev.T @ dZ, dZ.sum(axis=0, keepdims=True)


def error_backward(dZ: Array, W: Array) -> Array:
    """Return dA = dZ Wᵀ of Z = A W + b (eq-batch-error). dZ (m, n_out), W (n_in, n_out)."""
    return dZ @ W.T  # (m, n_in)


def layer_deltas(
    params: Params,
    cache: Cache,
    Y: Array,
    dg: Func,
    loss: str = "cce",
    output: str = "softmax",
) -> list[Array]:
    """Return dZ¹ … dZᴸ, the error of every layer, computed from the last to the first (eq-deltas).

    dZᴸ = (Ŷ − Y) / m                      the output delta of the pair softmax with CCE
    dZˡ⁻¹ = (dZˡ Wˡᵀ) ⊙ g′(Zˡ⁻¹)           through the weights, then through the activation

    Arguments as in `mlp_backward_batch`  →  L arrays dZˡ = ∂J/∂Zˡ (m, n_l).
    """
    params, Z, Yhat, Y = _check_backward(params, cache, Y)
    dZ = [output_delta(Yhat, Y, loss, output) / len(Y)]  # (m, n_L); the only 1/m
    for (W, _), Z_prev in zip(reversed(params[1:]), reversed(Z[:-1]), strict=True):
        dZ.append(error_backward(dZ[-1], W) * dg(Z_prev))  # (m, n_in)
    return dZ[::-1]


def mlp_backward_batch(
    params: Params,
    cache: Cache,
    Y: Array,
    dg: Func,
    loss: str = "cce",
    output: str = "softmax",
) -> Grads:
    """Return the gradient of the mean loss for every W and b (eq-backward-batch).

    dWˡ = Aˡ⁻¹ᵀ dZˡ,    dbˡ = Σ rows of dZˡ,    with the dZˡ that `layer_deltas` sends back

    params [(W (n_in, n_out), b (1, n_out)), …], cache of `mlp_forward_batch`, Y (m, n_L), dg = g′
    of the pre-activation  →  [(dW, db), …] shaped like params. Another pair of loss and output
    changes nothing but the first delta: see `output_delta`.
    """
    dZ = layer_deltas(params, cache, Y, dg, loss, output)
    return [weight_backward(dZ_l, A_prev) for dZ_l, A_prev in zip(dZ, cache["a"][:-1], strict=True)]


def _check_network(X: Array, params: Params) -> tuple[Array, Params]:
    """Require X (m, n₀) and layers whose sizes fit, biases as rows; nothing is broadcast."""
    (X,), params = _check.reals(X=X), _check.pairs(params)
    _check.ndim("X", X, 2)
    n_in = X.shape[1]
    for k, (W, b) in enumerate(params):
        layer = {f"params[{k}][0]": W, f"params[{k}][1]": b}
        n_in = _check.shapes(f"{n_in} n_out, 1 n_out", **layer)["n_out"]
    return X, params


def _check_backward(
    params: Params, cache: Cache, Y: Array
) -> tuple[Params, list[Array], Array, Array]:
    """Require a cache and targets that belong to this network."""
    L = len(params)
    if len(cache["z"]) != L or len(cache["a"]) != L + 1:
        found = f"{len(cache['z'])} z and {len(cache['a'])} a"
        raise ValueError(f"cache: expected {L} z and {L + 1} a for {L} layers, got {found}")
    X, params = _check_network(cache["a"][0], params)
    (Y,) = _check.reals(Y=Y)
    _check.same_shape(Yhat=cache["a"][-1], Y=Y)
    for k, (_, b) in enumerate(params):
        layer = {f"cache['z'][{k}]": cache["z"][k], f"cache['a'][{k + 1}]": cache["a"][k + 1]}
        _check.shapes(f"{len(X)} {b.shape[1]}, {len(X)} {b.shape[1]}", **layer)
    return params, cache["z"], cache["a"][-1], Y
