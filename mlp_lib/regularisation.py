"""A network that may learn anything also learns the noise; regularisation makes that expensive.

Penalties keep weights small, dropout keeps units from leaning on each other, and early stopping
ends the training where the loss on held-out data was best.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlp_lib import _check
from mlp_lib._types import Array, Grads, Params


def l2_penalty(params: Params, lam: float) -> Any:
    """Return ½ λ Σ W², over all weights and no bias (eq-l2). params [(W, b), …] in either form."""
    lam = _check.scalar("lam", lam, low=0)
    return 0.5 * lam * sum(np.sum(W * W) for W, _ in _check.pairs(params))


def l2_grads(params: Params, lam: float) -> Grads:
    """Return λ W and 0 for every (W, b): each step shrinks a weight by a share of itself (eq-d-l2).

    params [(W, b), …]  →  the same shapes; add them to the gradients of the loss.
    """
    lam = _check.scalar("lam", lam, low=0)
    return [(lam * W, np.zeros_like(b)) for W, b in _check.pairs(params)]


def l1_penalty(params: Params, lam: float) -> Any:
    """Return λ Σ |W|, over all weights and no bias (eq-l1). params [(W, b), …] in either form."""
    lam = _check.scalar("lam", lam, low=0)
    return lam * sum(np.sum(W * np.sign(W.real)) for W, _ in _check.pairs(params))


def l1_grads(params: Params, lam: float) -> Grads:
    """Return λ sign(W) and 0 for every (W, b): the same pull at any size, down to 0 (eq-d-l1).

    params [(W, b), …]  →  the same shapes. At W = 0, where |W| has a kink, we take 0.
    """
    lam = _check.scalar("lam", lam, low=0)
    return [(lam * np.sign(W), np.zeros_like(b)) for W, b in _check.pairs(params)]


def add_grads(grads: Grads, more: Grads) -> Grads:
    """Return the sums dW + dW′ and db + db′, layer by layer: the loss is a sum (eq-sum-rule)."""
    if len(more) != len(grads):
        raise ValueError(f"more: expected {len(grads)} layers, got {len(more)}")
    for k, ((dW, db), (dV, dc)) in enumerate(zip(grads, more, strict=True)):
        _check.same_shape(**{f"grads[{k}][0]": dW, f"more[{k}][0]": dV})
        _check.same_shape(**{f"grads[{k}][1]": db, f"more[{k}][1]": dc})
    return [(dW + dV, db + dc) for (dW, db), (dV, dc) in zip(grads, more, strict=True)]


def dropout_forward(
    A: Array,
    p_drop: float,
    mask: Array | None = None,
    rng: np.random.Generator | None = None,
    train: bool = True,
) -> tuple[Array, Array]:
    """Silence each unit with probability p_drop and scale up the rest (eq-dropout).

    out = A ⊙ mask / keep,   keep = 1 − p_drop,   mask[i, j] = 1 with probability keep, else 0

    A (m, n), mask (m, n) of 0 and 1 or None to draw one  →  (out (m, n), mask (m, n)).
    Dividing by keep leaves the expected value at A, so that at evaluation (train=False) nothing is
    left to do: the output is A, the mask all ones.
    """
    (A,) = _check.reals(A=A)
    keep = _keep(p_drop)
    if not train:
        return A.copy(), np.ones_like(A)
    if mask is None:
        rng = np.random.default_rng() if rng is None else _check.generator(rng)
        mask = (rng.random(A.shape) < keep).astype(A.dtype)
    mask = _check_mask(mask, A=A)
    return A * mask / keep, mask


def dropout_backward(dout: Array, mask: Array, p_drop: float) -> Array:
    """Send the error back through the units that spoke, with the same scale (eq-d-dropout).

    dA = dout ⊙ mask / keep

    dout (m, n), mask (m, n) of the forward pass  →  (m, n).
    """
    (dout,) = _check.reals(dout=dout)
    return dout * _check_mask(mask, dout=dout) / _keep(p_drop)


def _keep(p_drop: float) -> float:
    p_drop = _check.scalar("p_drop", p_drop, low=0, high=1)
    if p_drop == 1:
        raise ValueError("p_drop: expected a probability below 1, got 1 (nothing would be left)")
    return 1 - p_drop


def _check_mask(mask: Array, **like: Array) -> Array:
    """Return the mask in the dtype of the array it belongs to, shape and 0/1 entries checked."""
    (x,) = like.values()
    mask = np.asarray(mask)
    _check.same_shape(**like, mask=mask)
    wrong = np.argwhere((mask != 0) & (mask != 1))
    if len(wrong):
        where = tuple(map(int, wrong[0]))
        raise ValueError(f"mask: expected only 0 and 1, got {mask[where]} at index {where}")
    return mask.astype(x.dtype)


@dataclass
class EarlyStopping:
    """Stop when the held-out loss has not fallen for `patience` rounds; keep the best (eq-stop).

    Call `update(loss, params)` after each round; it returns True when it is time to stop.
    `best_params` are copies, so training may go on changing its own.
    """

    patience: int = 10
    min_delta: float = 0.0
    best_loss: float = field(default=np.inf, init=False)
    best_round: int = field(default=-1, init=False)
    best_params: Params | None = field(default=None, init=False, repr=False)
    rounds: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        _check.integer("patience", self.patience, low=1)
        _check.scalar("min_delta", self.min_delta, low=0)

    def update(self, loss: float, params: Params | None = None) -> bool:
        """Record one round. A loss that is NaN or infinite stops at once: it will not recover."""
        this_round, self.rounds = self.rounds, self.rounds + 1
        if not np.isfinite(loss):
            return True
        if loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_round = float(loss), this_round
            self.best_params = None if params is None else [(W.copy(), b.copy()) for W, b in params]
        return this_round - self.best_round >= self.patience


def gradient_is_small(grads: Grads, tol: float = 1e-6) -> bool:
    """Exit criterion: the gradient over all parameters has norm below tol (eq-exit-gradient).

    ‖∇J‖ = √(Σ ‖dW‖² + ‖db‖²) < tol. A NaN gradient is not small.
    """
    squares = sum(float(np.sum(g * g)) for layer in grads for g in layer)
    return bool(np.sqrt(squares) < _check.scalar("tol", tol, low=0))


def loss_is_flat(history: Sequence[float], tol: float = 1e-6, window: int = 10) -> bool:
    """Exit criterion: the last `window` steps changed the loss by less than tol (eq-exit-loss).

    max − min of the last window + 1 losses < tol. Mind a plateau: XOR can rest at ½ ln 2 for long.
    """
    window = _check.integer("window", window, low=1)
    if len(history) <= window:
        return False
    recent = np.asarray(history[-window - 1 :], dtype=float)
    return bool(np.isfinite(recent).all() and np.ptp(recent) < _check.scalar("tol", tol, low=0))
