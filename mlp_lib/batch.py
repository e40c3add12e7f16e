"""A batch stores one example a row, and one matrix product then does what a loop over examples did.

Row form: W[from, to], and every array of the column form appears transposed.

    one example, a column    z = W a + b      e = Wᵀ δ       dW = δ aᵀ
    m examples, as rows      Z = A W + b     dA = dZ Wᵀ      dW = Aᵀ dZ

The 1/m of the mean loss enters once, at the output.
"""

from mlp_lib._check import (
    arrays,
    as_real,
    finite,
    function,
    passed_cache,
    row_form,
    rows,
    shapes,
    slope_fits,
)
from mlp_lib._types import Array, ArrayLike, Cache, Func, Grads, Pair, Params
from mlp_lib.activations import sigmoid
from mlp_lib.delta import output_delta
from mlp_lib.softmax import softmax


def mlp_forward_batch(
    X: ArrayLike, params: Params, g: Func = sigmoid, out: Func = softmax
) -> tuple[Array, Cache]:
    """Z⁽ˡ⁾ = A⁽ˡ⁻¹⁾ W⁽ˡ⁾ + b⁽ˡ⁾ and A⁽ˡ⁾ = g(Z⁽ˡ⁾), at the output Ŷ = out(Z⁽ᴸ⁾) (eq-forward-batch).

    X = A⁽⁰⁾: (m, n₀). params: a list of W⁽ˡ⁾ (nₗ₋₁, nₗ) and b⁽ˡ⁾ (1, nₗ).
    Returns Ŷ, (m, n_L), and the cache {"z": [Z⁽¹⁾ … Z⁽ᴸ⁾], "a": [X, A⁽¹⁾ … Ŷ]}.
    """
    function("sigmoid", g=g, out=out)
    A_0, params = _network(X, params)
    Z: list[Array] = []
    A = [A_0]
    for W, b in params:
        Z.append(A[-1] @ W + b)  # (m, nₗ)
        A.append(out(Z[-1]) if len(Z) == len(params) else g(Z[-1]))  # (m, nₗ)
    return A[-1], {"z": Z, "a": A}


def linear_backward(dZ: ArrayLike, A_prev: ArrayLike, W: ArrayLike) -> tuple[Array, Array, Array]:
    """Backward through Z = A W + b: dA = dZ Wᵀ, dW = Aᵀ dZ, db = Σ rows of dZ (eq-linear-backward).

    dZ: ∂J/∂Z, (m, n_out). A_prev: what entered the layer, (m, n_in). W: (n_in, n_out).
    Returns dA_prev (m, n_in), dW (n_in, n_out), db (1, n_out).
    """
    dZ, A_prev, W = arrays("m n_out, m n_in, n_in n_out", trainable="W", dZ=dZ, A_prev=A_prev, W=W)
    dW, db = weight_backward(dZ, A_prev)
    return error_backward(dZ, W), dW, db


def weight_backward(dZ: Array, A_prev: Array) -> Pair:
    """dW = Aᵀ dZ and db = Σ rows of dZ: the outer products a δᵀ of all examples, added up
    (eq-weight-backward).

    dZ: (m, n_out). A_prev: (m, n_in). Returns dW (n_in, n_out), db (1, n_out).
    """
    return A_prev.T @ dZ, dZ.sum(axis=0, keepdims=True)


def error_backward(dZ: Array, W: Array) -> Array:
    """dA = dZ Wᵀ: every unit collects the errors of the units it sent to (eq-error-backward).

    dZ: (m, n_out). W: (n_in, n_out). Returns dA (m, n_in).
    """
    return dZ @ W.T


def layer_deltas(
    params: Params,
    cache: Cache,
    Y: ArrayLike,
    dg: Func,
    *,
    loss: str = "cce",
    activation: str = "softmax",
) -> list[Array]:
    """dZ⁽ᴸ⁾ = δ⁽ᴸ⁾/m at the output (δ⁽ᴸ⁾ of `output_delta`), then from the last layer to the first
    dZ⁽ˡ⁻¹⁾ = (dZ⁽ˡ⁾ W⁽ˡ⁾ᵀ) ⊙ g′(Z⁽ˡ⁻¹⁾) (eq-layer-deltas).

    Arguments as in `mlp_backward_batch`. Returns dZ⁽¹⁾ … dZ⁽ᴸ⁾, each ∂J/∂Z⁽ˡ⁾ (m, nₗ).
    """
    params, Z, Yhat = _passed(params, cache)
    slope_fits(dg, cache["a"])
    delta = output_delta(Yhat, Y, loss, activation)  # (m, n_L)
    dZ: list[Array] = [delta / len(delta)]  # the only 1/m
    for (W, _), Z_prev in zip(reversed(params[1:]), reversed(Z[:-1]), strict=True):
        dZ.append(error_backward(dZ[-1], W) * dg(Z_prev))  # (m, nₗ₋₁)
    return dZ[::-1]


def mlp_backward_batch(
    params: Params,
    cache: Cache,
    Y: ArrayLike,
    dg: Func,
    *,
    loss: str = "cce",
    activation: str = "softmax",
) -> Grads:
    """dW⁽ˡ⁾ = A⁽ˡ⁻¹⁾ᵀ dZ⁽ˡ⁾ and db⁽ˡ⁾ = Σ rows of dZ⁽ˡ⁾, with the errors dZ⁽ˡ⁾ that
    `layer_deltas` sends back: the gradient of the mean loss (eq-backward-batch).

    params, cache: as in `mlp_forward_batch`. Y: targets, (m, n_L). loss and
    activation: the pair at the output. dg: g′ of the hidden units, called with the
    pre-activations; it MUST belong to the g that made the cache.
    Returns [(dW⁽¹⁾, db⁽¹⁾), …], each of its parameter's shape.
    """
    dZ = layer_deltas(params, cache, Y, dg, loss=loss, activation=activation)
    A_prev = cache["a"][:-1]
    return [weight_backward(dZ_k, A) for dZ_k, A in zip(dZ, A_prev, strict=True)]


def _network(X: ArrayLike, params: Params) -> tuple[Array, Params]:
    """Check X (m, n₀) and that each layer takes what the one before it gives."""
    params = row_form(params)
    W = params[0][0]
    A_0 = as_real("X", X, W.dtype if W.dtype.kind == "f" else float)
    rows("X", finite("X", A_0))
    shapes(f"m {len(W)}", X=A_0)
    return A_0, params


def _passed(params: Params, cache: Cache) -> tuple[Params, list[Array], Array]:
    """Check that the cache is what this network left behind."""
    Z, A = passed_cache(cache, len(params))
    X, params = _network(A[0], params)
    for k, (W, _) in enumerate(params):
        spec = f"{len(X)} {W.shape[1]}, {len(X)} {W.shape[1]}"
        shapes(spec, **{f"cache['z'][{k}]": Z[k], f"cache['a'][{k + 1}]": A[k + 1]})
    return params, Z, A[-1]
