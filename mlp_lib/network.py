"""A network is its sizes, its activations and one long vector of parameters.

`MLP` only ties together what the lessons build: forward and backward pass are those of `batch.py`,
the start is that of `init.py`, training is in `training.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from mlp_lib import _check, diagnostics
from mlp_lib._types import Array, ArrayLike, Cache, Func, Grads, IntArray, Params
from mlp_lib.activations import ACTIVATIONS, Activation, get_activation, identity, sigmoid
from mlp_lib.batch import mlp_backward_batch, mlp_forward_batch
from mlp_lib.delta import PAIRS, require_pair
from mlp_lib.init import INIT_SCHEMES, init_params
from mlp_lib.losses import bce_multi, cce, half_sse, mse
from mlp_lib.softmax import softmax

if TYPE_CHECKING:
    from mlp_lib.optimisers import Optimiser
    from mlp_lib.regularisation import EarlyStopping
    from mlp_lib.training import Callback, History

OUTPUTS: dict[str, Callable[[Any], Array]] = {
    "identity": identity,
    "sigmoid": sigmoid,
    "softmax": softmax,
}

# The loss an output goes with unless another is asked for.
LOSS_OF_OUTPUT = {"identity": "mse", "sigmoid": "bce", "softmax": "cce"}

LOSSES_AND_OUTPUTS = [*PAIRS, ("mse", "identity")]  # mse is ½SSE up to a factor

# Half of all ReLU sums are cut to zero, which He's start makes up for.
_INIT_OF_HIDDEN = {"relu": "he", "leaky_relu": "he", "gelu": "he", "gelu_tanh": "he"}


def mean_loss(Yhat: Array, Y: Array, loss: str) -> float:
    """J = 1/m Σ over the m examples of the loss of one example (eq-mean-loss).

    Yhat, Y (m, n_L). One example costs ½ Σ (ŷ − y)², the mean of (ŷ − y)², the SUM of its n_L
    binary cross-entropies, or the categorical cross-entropy. So bce here is n_L times `losses.bce`,
    the mean over all entries, and half_sse is `losses.half_sse`, the sum over all entries, over m.
    """
    if loss == "cce":
        return float(cce(Yhat, Y))
    if loss == "mse":
        return mse(Yhat, Y)
    _check.choice("loss", loss, {*LOSS_OF_OUTPUT.values(), "half_sse"})
    return (half_sse if loss == "half_sse" else bce_multi)(Yhat, Y) / len(Y)


def mean_loss_grads(
    params: Params, cache: Cache, Y: Array, dg: Func, loss: str, output: str
) -> Grads:
    """Return the gradient of `mean_loss`: `mlp_backward_batch`, and mse with identity besides.

    1/n Σ (ŷ − y)² is ½ Σ (ŷ − y)² times 2/n, and so is its gradient. Arguments as there.
    """
    if (loss, output) != ("mse", "identity"):
        return mlp_backward_batch(params, cache, Y, dg, loss=loss, activation=output)
    factor = 2 / Y.shape[1]
    grads = mlp_backward_batch(params, cache, Y, dg, loss="half_sse", activation=output)
    return [(factor * dW, factor * db) for dW, db in grads]


class MLP:
    """A multi-layer perceptron in row form, trained by backpropagation (eq-forward-batch).

    sizes n₀, …, n_L · hidden: name of g in the hidden layers · output: identity, sigmoid or softmax
    · loss: half_sse or mse with identity, bce or half_sse with sigmoid, cce with softmax (by
    default mse, bce, cce) · init: a scheme of `init.py` (by default He's for the ReLU family,
    Xavier's for the others) · rng: what the start is drawn from. The loss is `mean_loss`: a mean
    over the examples, in which bce and half_sse are sums over the outputs.

    theta (N,) holds all parameters and gradient (N,) all slopes, layer after layer, each b behind
    its W. params and grads are the same numbers seen as [(W (n_in, n_out), b (1, n_out)), …].
    """

    def __init__(
        self,
        sizes: Sequence[int],
        hidden: str = "relu",
        output: str = "softmax",
        loss: str | None = None,
        init: str | None = None,
        *,
        rng: np.random.Generator,
        dtype: Any = np.float64,
    ) -> None:
        _check.choice("hidden", hidden, ACTIVATIONS)
        _check.choice("init", "zeros" if init is None else init, INIT_SCHEMES)
        init = _INIT_OF_HIDDEN.get(hidden, "xavier_normal") if init is None else init
        self._set_up(init_params(sizes, rng, init, dtype), hidden, output, loss)

    @classmethod
    def from_params(
        cls, params: Params, hidden: str = "relu", output: str = "softmax", loss: str | None = None
    ) -> MLP:
        """Return a network that starts from a copy of these parameters, in row form."""
        net = cls.__new__(cls)
        net._set_up(_check_dtype(_check.row_form(params)), hidden, output, loss)
        return net

    def _set_up(self, params: Params, hidden: str, output: str, loss: str | None) -> None:
        self.activation: Activation = get_activation(hidden, "hidden")
        _check.choice("output", output, OUTPUTS)
        self.output, self.loss_name = output, LOSS_OF_OUTPUT[output] if loss is None else loss
        _check.choice("loss", self.loss_name, {loss for loss, _ in LOSSES_AND_OUTPUTS})
        require_pair(self.loss_name, output, LOSSES_AND_OUTPUTS)
        self.sizes = (len(params[0][0]), *(W.shape[1] for W, _ in params))
        self.theta: Array = np.concatenate([x.ravel() for layer in params for x in layer])
        self.gradient: Array = np.zeros_like(self.theta)
        self.params: Params = layer_views(self.theta, self.sizes)
        self.grads: Grads = layer_views(self.gradient, self.sizes)

    @property
    def hidden(self) -> str:
        """The name of the activation of the hidden layers."""
        return self.activation.name

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 or float32, of parameters, gradient and predictions."""
        return self.theta.dtype

    def __repr__(self) -> str:
        shape = "-".join(map(str, self.sizes))
        return f"MLP({shape}, {self.hidden}, {self.output} with {self.loss_name}, {self.dtype})"

    def forward(self, X: ArrayLike) -> tuple[Array, Cache]:
        """Return Ŷ (m, n_L) and the cache for `backward` (eq-forward-batch). X (m, n₀)."""
        X = self.check_examples(X)
        return mlp_forward_batch(X, self.params, self.activation.f, OUTPUTS[self.output])

    def loss(self, X: ArrayLike, Y: ArrayLike) -> float:
        """Return the mean loss J (eq-mean-loss). X (m, n₀), Y (m, n_L)."""
        Yhat, _ = self.forward(X)
        return mean_loss(Yhat, self.check_targets(Y, len(Yhat)), self.loss_name)

    def backward(self, cache: Cache, Y: ArrayLike) -> Grads:
        """Fill `gradient` with ∂J/∂θ and return `grads`, its views (eq-backward-batch).

        cache of `forward`, Y (m, n_L).
        """
        _, A = _check.passed_cache(cache, len(self.params))
        Y = self.check_targets(Y, len(A[0]))
        dg = self.activation.df
        grads = mean_loss_grads(self.params, cache, Y, dg, self.loss_name, self.output)
        for (dW, db), (new_dW, new_db) in zip(self.grads, grads, strict=True):
            dW[...], db[...] = new_dW, new_db
        return self.grads

    def predict(self, X: ArrayLike) -> Array:
        """Return Ŷ (m, n_L): numbers, or probabilities. X (m, n₀)."""
        return self.forward(X)[0]

    def scores(self, X: ArrayLike) -> Array:
        """Return Z⁽ᴸ⁾ (m, n_L), what the output activation is applied to. X (m, n₀)."""
        X = self.check_examples(X)
        return mlp_forward_batch(X, self.params, self.activation.f, identity)[0]

    def predict_class(self, X: ArrayLike) -> IntArray:
        """Return the class of every example, (m,): the largest output, or Ŷ > ½ if it is one."""
        Yhat = self.predict(X)
        return Yhat.argmax(axis=1) if self.sizes[-1] > 1 else (Yhat[:, 0] > 0.5).astype(np.intp)

    def embedding(self, X: ArrayLike) -> Array:
        """Return the last hidden layer's activations, (m, n_(L−1)) (eq-embedding). X (m, n₀)."""
        return diagnostics.embedding(self.check_examples(X), self.params, self.activation.f)

    def set_params(self, params: Params) -> None:
        """Copy these parameters into `theta`; shapes must be those of the network."""
        params = _check.pairs(params)
        if len(params) != len(self.params):
            raise ValueError(f"params: expected {len(self.params)} layers, got {len(params)}")
        for k, (layer, views) in enumerate(zip(params, self.params, strict=True)):
            for j, (x, view) in enumerate(zip(layer, views, strict=True)):
                _check.same_shape(**{f"the network's [{k}][{j}]": view, f"params[{k}][{j}]": x})
                view[...] = x

    def fit(
        self,
        X: ArrayLike,
        Y: ArrayLike,
        *,
        epochs: int,
        batch_size: int | None = 32,
        optimiser: Optimiser | None = None,
        rng: np.random.Generator | None = None,
        shuffle: bool = True,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
        early_stopping: EarlyStopping | None = None,
        callbacks: Sequence[Callback] = (),
        l1: float = 0.0,
        l2: float = 0.0,
        dropout: float = 0.0,
        progress: bool = False,
    ) -> History:
        """Train this network in place; the settings are those of `training.fit`.

        X (m, n₀), Y (m, n_L). batch_size=None takes all examples at once. The optimiser is SGD(0.1)
        unless another is given. validation: (X, Y) to measure the loss on after every epoch.
        dropout: share of hidden units silenced. Returns the history, one loss an epoch.
        """
        settings = {name: x for name, x in locals().items() if name not in ("self", "X", "Y")}
        from mlp_lib.training import fit  # training needs MLP, MLP needs training only here

        return fit(self, X, Y, **settings)

    def check_examples(self, X: ArrayLike) -> Array:
        """Return X (m, n₀) in the network's dtype; another shape is a ValueError."""
        X = _check.as_real("X", X).astype(self.dtype, copy=False)
        _check.rows("X", X)
        _check.shapes(f"m {self.sizes[0]}", X=X)
        return X

    def check_targets(self, Y: ArrayLike, m: int) -> Array:
        """Return Y (m, n_L) in the network's dtype; another shape is a ValueError."""
        Y = _check.as_real("Y", Y).astype(self.dtype, copy=False)
        _check.target_shape("Y", Y, m, self.sizes[-1])
        return Y


def layer_views(flat: Array, sizes: Sequence[int]) -> Params:
    """Return [(W (n_in, n_out), b (1, n_out)), …] as views of a vector, each b behind its W."""
    views, start = [], 0
    for n_in, n_out in pairwise(sizes):
        end_W, end = start + n_in * n_out, start + (n_in + 1) * n_out
        views.append((flat[start:end_W].reshape(n_in, n_out), flat[end_W:end].reshape(1, n_out)))
        start = end
    return views


def _check_dtype(params: Params) -> Params:
    """Require one dtype throughout."""
    kinds = {str(x.dtype) for layer in params for x in layer}
    if len(kinds) > 1:
        raise TypeError(f"params: expected one dtype, got {' and '.join(sorted(kinds))}")
    return params
