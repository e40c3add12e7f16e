"""Training repeats four lines: forward, loss, backward, update.

`train_mlp` is the loop to read. `fit` is the loop to use: the same steps, with what long runs need.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from mlp_lib import _check
from mlp_lib._fast import Batches, Workspace
from mlp_lib._types import Array, ArrayLike, Params
from mlp_lib.activations import ACTIVATIONS, Activation, get_activation
from mlp_lib.batch import mlp_forward_batch
from mlp_lib.data import sample_1d, xor
from mlp_lib.descent import gd_update, iterate_minibatches
from mlp_lib.network import LOSS_OF_OUTPUT, MLP, OUTPUTS, mean_loss, mean_loss_grads
from mlp_lib.optimisers import SGD, Optimiser
from mlp_lib.regularisation import EarlyStopping, dropout_backward, dropout_forward

History = dict[str, list[float]]
Callback = Callable[[int, MLP, History], bool | None]

DEFAULT_BATCH = " (the default is 32; batch_size=None takes all examples at once)"
ROWS = 4096  # examples looked at together where the whole set is evaluated


def train_mlp(
    X: Array,
    Y: Array,
    params0: Params,
    lr: float,
    epochs: int,
    b: int | None = None,
    rng: np.random.Generator | None = None,
    hidden: str = "tanh",
    output: str = "sigmoid",
) -> tuple[Params, list[float]]:
    """Gradient descent on the mean loss, batch by batch, epoch by epoch (eq-training-loop).

    X (m, n₀), Y (m, n_L), params0 [(W (n_in, n_out), b (1, n_out)), …]  →  new params, and the mean
    loss over all m examples before each epoch's updates, `epochs` numbers. params0 stays as it is.
    b examples a batch, in a new order of `rng` every epoch; b=None takes all of them at once.
    The loss follows from the output: sigmoid bce, softmax cce, identity mse.
    """
    X, Y = _check.reals(X=X, Y=Y)
    params = [(W.copy(), c.copy()) for W, c in _check.row_form(params0, "params0")]
    _check.target_shape("Y", Y, len(X), params[-1][0].shape[1])
    lr, epochs = _check.scalar("lr", lr), _check.integer("epochs", epochs, low=0)
    _check.choice("output", output, OUTPUTS)
    g, out, loss = get_activation(hidden, "hidden"), OUTPUTS[output], LOSS_OF_OUTPUT[output]
    history = []
    for _ in range(epochs):
        Yhat, _ = mlp_forward_batch(X, params, g.f, out)
        history.append(mean_loss(Yhat, Y, loss))
        for Xb, Yb in _batches(X, Y, b, rng):
            _, cache = mlp_forward_batch(Xb, params, g.f, out)
            grads = mean_loss_grads(params, cache, Yb, g.df, loss, output)
            params = gd_update(params, grads, lr)
    return params, history


def _batches(
    X: Array, Y: Array, b: int | None, rng: np.random.Generator | None
) -> Iterable[tuple[Array, Array]]:
    return [(X, Y)] if b is None else iterate_minibatches(X, Y, b, _check.generator(rng))


def fit_xor(
    hidden: int = 4, act: str = "tanh", lr: float = 1.0, epochs: int = 2000, seed: int = 1
) -> tuple[Params, list[float]]:
    """Learn XOR with one hidden layer, all four examples in every step (eq-fit-xor).

    W1 (2, hidden), then W2 (hidden, 1) ~ N(0, 1), biases 0. Returns the parameters in row form and
    the loss before each epoch. Seed 1 learns it; seed 0 rests at ½ ln 2, with two points right and
    two undecided.
    """
    hidden = _check.integer("hidden", hidden, low=1)
    _check.choice("act", act, ACTIVATIONS)
    rng = np.random.default_rng(seed)
    W1, W2 = rng.standard_normal((2, hidden)), rng.standard_normal((hidden, 1))
    params0: Params = [(W1, np.zeros((1, hidden))), (W2, np.zeros((1, 1)))]
    return train_mlp(*xor(), params0, lr, epochs, hidden=act)


def fit_1d(
    f: Callable[[Array], Array],
    hidden: int = 3,
    N: int = 50,
    lr: float = 0.1,
    epochs: int = 20_000,
    seed: int = 0,
) -> tuple[Callable[[ArrayLike], Array], float]:
    """Approximate a function on (−1, 1) by a few tanh units and a linear output (eq-fit-1d).

    N points x uniform in (−1, 1), then W1, b1, W2 ~ N(0, 1) and b2 = 0, drawn in this order;
    gradient descent on the mean of squares. Returns predict, which keeps the shape of its input,
    and the mean of squares at the N points after training.
    """
    hidden = _check.integer("hidden", hidden, low=1)
    rng = np.random.default_rng(seed)
    x, y = sample_1d(f, rng, N)
    W1, b1, W2 = (rng.standard_normal(shape) for shape in ((1, hidden), (1, hidden), (hidden, 1)))
    net = MLP.from_params([(W1, b1), (W2, np.zeros((1, 1)))], "tanh", "identity")
    fit(net, x, y, epochs=epochs, batch_size=None, optimiser=SGD(lr))

    def predict(points: ArrayLike) -> Array:
        points = _check.as_real("x", points)
        return net.predict(points.reshape(-1, 1)).reshape(points.shape)

    return predict, net.loss(x, y)


def fit(
    net: MLP,
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
    """Train the network in place and return its history (eq-training-loop).

    X (m, n₀), Y (m, n_L); batch_size=None takes all examples at once, otherwise `rng` gives one new
    order an epoch (none with shuffle=False). The optimiser is SGD(0.1) unless another is given; it
    keeps its state, so that a second call goes on where the first one ended.

    history["loss"]: one number an epoch, the mean of the losses of its batches, each met before its
    update and without penalties. history["val_loss"]: the loss on `validation` after the epoch.
    early_stopping watches that one and puts the best parameters back at the end. A callback is
    called after every epoch with (epoch, net, history); if it returns True, training ends.
    l1, l2: penalties l1 Σ|W| + ½ l2 ΣW² on the weights. dropout: share of hidden units silenced.

    Memory: parameters, gradient, state of the optimiser, buffers for one batch and one block of
    gathered examples; of the data only the order, one whole number an example.
    """
    X, Y = _check_data(net, X, Y)
    m, epochs = len(X), _check.integer("epochs", epochs, low=0)
    b = m if batch_size is None else _check.integer("batch_size", batch_size, 1, m, DEFAULT_BATCH)
    l1, l2 = _check.scalar("l1", l1, low=0), _check.scalar("l2", l2, low=0)
    shuffle = shuffle and b < m
    if shuffle or dropout:
        rng = _check.generator(rng)
    if validation is not None and not (isinstance(validation, tuple) and len(validation) == 2):
        raise TypeError(f"validation: expected (X, Y), got {type(validation).__name__}")
    if early_stopping is not None and validation is None:
        raise ValueError("early_stopping: expected validation=(X, Y) to watch, got None")
    optimiser = SGD(0.1) if optimiser is None else optimiser
    _check.with_update("optimiser", optimiser, "Adam(0.001)")
    g = _with_dropout(net.activation, dropout, rng) if dropout else net.activation
    batches = Batches(X, Y, b, net.dtype)
    pair = (net.loss_name, net.output)
    spaces = {  # for a whole batch, and for the shorter one at the end
        n: Workspace(net.theta, net.gradient, net.sizes, n, g, pair) for n in {b, m % b} - {0}
    }
    step = {n: space.step for n, space in spaces.items()}
    held_out = None if validation is None else _check_data(net, *validation, "validation ")
    history: History = {"loss": []} if held_out is None else {"loss": [], "val_loss": []}

    rounds = _rounds(epochs, progress)
    for epoch in rounds:
        order = rng.permutation(m) if shuffle and rng is not None else None
        total = 0.0
        plain = type(optimiser) is SGD and optimiser.lr > 0 and not (l1 or l2)
        factor = optimiser.lr if plain else 1.0  # the gradient comes so many times as large
        for space in spaces.values():
            space.out.times(factor)
        with np.errstate(over="ignore", invalid="ignore"):
            for Xb, Yb in batches.epoch(order):
                n = len(Xb)
                total += n * step[n](Xb, Yb)
                if plain:
                    np.subtract(net.theta, net.gradient, net.theta)
                    optimiser.t += 1
                    continue
                if l1 or l2:
                    _add_penalty(net, l1, l2)
                optimiser.update(net.theta, net.gradient)
            net.gradient /= factor
        history["loss"].append(total / m)
        if held_out is not None:
            history["val_loss"].append(_loss_by_parts(net, *held_out))
        if progress:
            rounds.set_postfix({name: f"{values[-1]:.4g}" for name, values in history.items()})
        stop = [bool(callback(epoch, net, history)) for callback in callbacks]
        if early_stopping is not None:
            stop.append(early_stopping.update(history["val_loss"][-1], net.params))
        if not np.isfinite(total):
            warnings.warn(
                f"training stopped: the loss of epoch {epoch} is {total}; "
                "the learning rate may be too large",
                stacklevel=2,
            )
            break
        if any(stop):
            break
    if early_stopping is not None and early_stopping.best_params is not None:
        net.set_params(early_stopping.best_params)
    return history


def _rounds(epochs: int, progress: bool) -> Any:
    """Return 0 … epochs − 1, with a bar that a terminal and a notebook both show."""
    if not progress:
        return range(epochs)
    from tqdm.auto import tqdm  # only here: finding out where it runs takes it a while

    return tqdm(range(epochs), unit="epoch")


def _with_dropout(g: Activation, p_drop: float, rng: np.random.Generator | None) -> Activation:
    """Return g followed by dropout as one function, whose slope uses the mask of its value.

    The backward pass meets the hidden layers in reverse, so the masks lie on a stack.
    """
    masks: list[Array] = []

    def f(Z: Array) -> Array:
        A, mask = dropout_forward(g.f(Z), p_drop, rng=rng)
        masks.append(mask)
        return A

    def df(Z: Array) -> Array:
        return dropout_backward(g.df(Z), masks.pop(), p_drop)

    return Activation(f"{g.name} with dropout", f, df)


def _add_penalty(net: MLP, l1: float, l2: float) -> None:
    """Add to the gradient: dW ← dW + l1 sign(W) + l2 W, biases untouched (eq-d-l1, eq-d-l2)."""
    for (W, _), (dW, _) in zip(net.params, net.grads, strict=True):
        if l1:
            dW += l1 * np.sign(W)
        if l2:
            dW += l2 * W


def _loss_by_parts(net: MLP, X: Array, Y: Array) -> float:
    """Return the mean loss of the whole set, looking at `ROWS` examples at a time."""
    if not np.isfinite(net.theta).all():
        return np.inf
    total = 0.0
    for i in range(0, len(X), ROWS):
        with np.errstate(over="ignore", invalid="ignore"):
            Z = net.scores(X[i : i + ROWS])
            if not np.isfinite(Z).all():
                return np.inf
            Yhat = OUTPUTS[net.output](Z)
            targets = net.check_targets(Y[i : i + ROWS], len(Yhat))
            total += len(Yhat) * mean_loss(Yhat, targets, net.loss_name)
    return total / len(X)


def _check_data(net: MLP, X: ArrayLike, Y: ArrayLike, which: str = "") -> tuple[Array, Array]:
    """Require finite examples and targets that fit the network, read without a copy of the set."""
    X, Y = _check.as_real(f"{which}X", X), _check.as_real(f"{which}Y", Y)
    _check.rows(f"{which}X", X)
    _check.shapes(f"m {net.sizes[0]}", **{f"{which}X": X})
    for i in range(0, len(X), ROWS):
        part = X[i : i + ROWS]
        with np.errstate(over="ignore", invalid="ignore"):
            if not np.isfinite(part.sum()):  # quick, and finite only if every entry is
                _check.finite(f"{which}X", part)
    net.check_targets(_check.finite(f"{which}Y", Y), len(X))
    if net.output != "identity":
        _check.targets(**{f"{which}Y": Y})
    if net.output == "softmax":
        _check.unit_rows(f"{which}Y", Y)
    return X, Y
