"""A loss turns predictions and targets into one number: how wrong the model is.

ln 0 and a division by 0 are avoided by replacing a probability below eps by eps, inside the
logarithm of a loss and in the denominator of its gradient.
A gradient here is ∂J/∂ŷ, called e in the lessons; it has the shape of ŷ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np

from mlp_lib._check import (
    arrays,
    choice,
    ndim,
    probabilities,
    reals,
    same_shape,
    scalar,
    signs,
    targets,
    unit_rows,
)
from mlp_lib._types import Array, ArrayLike

EPS = 1e-12


def half_sse(yhat: ArrayLike, y: ArrayLike) -> float:
    """J = ½ Σ (ŷ − y)², over all entries (eq-half-sse).

    yhat, y: predictions and targets, (n,) or (m, n).
    """
    yhat, y = _pair(yhat=yhat, y=y)
    return _number(((yhat - y) ** 2).sum() / 2)


def grad_half_sse(yhat: ArrayLike, y: ArrayLike) -> Array:
    """∂J/∂ŷ = ŷ − y (eq-grad-half-sse). yhat, y: (n,) or (m, n); returns the same shape."""
    yhat, y = _pair(yhat=yhat, y=y)
    return yhat - y


def mse(yhat: ArrayLike, y: ArrayLike) -> float:
    """J = 1/n Σ (ŷ − y)² over the n outputs, then the mean over the examples (eq-mse).

    yhat, y: predictions and targets, (n,) or (m, n).
    """
    yhat, y = _pair(yhat=yhat, y=y)
    return _number(((yhat - y) ** 2).mean())


def grad_mse(yhat: ArrayLike, y: ArrayLike) -> Array:
    """∂J/∂ŷ = 2/n (ŷ − y), for m examples 2/(m n) (ŷ − y) (eq-grad-mse).

    yhat, y: (n,) or (m, n); returns the same shape.
    """
    yhat, y = _pair(yhat=yhat, y=y)
    return 2 / yhat.size * (yhat - y)


def bce(yhat: ArrayLike, y: ArrayLike, eps: float = EPS) -> float:
    """J = −mean( y ln ŷ + (1 − y) ln(1 − ŷ) ), over all entries (eq-bce).

    With K outputs this is 1/K of what `MLP` and `output_delta` call bce: they add up the K
    cross-entropies of an example, as `bce_multi` does, and average over the examples only.

    yhat: probabilities of class 1, (m,) or (m, K). y: targets 0 or 1, same shape.
    """
    yhat, y = _bernoulli_pair(yhat=yhat, y=y)
    return _number(_bernoulli(yhat, y, eps).mean())


def grad_bce(yhat: ArrayLike, y: ArrayLike, eps: float = EPS) -> Array:
    """∂J/∂ŷ = ( (1 − y)/(1 − ŷ) − y/ŷ ) / N, N the number of entries (eq-grad-bce).

    yhat, y: (m,) or (m, K); returns the same shape. A denominator below eps is replaced by eps.
    """
    yhat, y = _bernoulli_pair(yhat=yhat, y=y)
    return ((1 - y) / _at_least(1 - yhat, eps) - y / _at_least(yhat, eps)) / yhat.size


@overload
def cce(
    Yhat: ArrayLike, Y: ArrayLike, eps: float = ..., per_example: Literal[False] = ...
) -> float: ...
@overload
def cce(
    Yhat: ArrayLike, Y: ArrayLike, eps: float = ..., *, per_example: Literal[True]
) -> Array: ...
def cce(
    Yhat: ArrayLike, Y: ArrayLike, eps: float = EPS, per_example: bool = False
) -> float | Array:
    """J = −1/m Σᵢ Σₖ Yᵢₖ ln Ŷᵢₖ: minus the mean log-probability of the true class (eq-cce).

    Yhat: probabilities, (K,) or (m, K). Y: one-hot targets, same shape.
    per_example=True returns the m losses before the mean, (m,).
    """
    Yhat, Y = _categorical_pair(Yhat=Yhat, Y=Y)
    losses = np.atleast_1d(_categorical(Yhat, Y, eps))  # (m,)
    return losses if per_example else _number(losses.mean())


def grad_cce(Yhat: ArrayLike, Y: ArrayLike, eps: float = EPS) -> Array:
    """∂J/∂Ŷ = −Y/Ŷ / m (eq-grad-cce).

    Yhat, Y: (K,) or (m, K); returns the same shape. A denominator below eps is replaced by eps.
    """
    Yhat, Y = _categorical_pair(Yhat=Yhat, Y=Y)
    m = 1 if Yhat.ndim == 1 else len(Yhat)
    return -Y / _at_least(Yhat, eps) / m


def likelihood(P: ArrayLike, Y: ArrayLike) -> float:
    """ℒ = Πᵢ Πₖ Pᵢₖ^Yᵢₖ: the probability of all the true classes together (eq-likelihood).

    P: probabilities, (K,) or (m, K). Y: one-hot targets, same shape. With many examples the
    product is too small for a float; `nll` is the same information as a sum.
    """
    P, Y = _categorical_pair(P=P, Y=Y)
    return _number((P**Y).prod())


def nll(P: ArrayLike, Y: ArrayLike) -> float:
    """−ln ℒ = −Σᵢ Σₖ Yᵢₖ ln Pᵢₖ = m · cce (eq-nll).

    P: probabilities, (K,) or (m, K). Y: one-hot targets, same shape.
    """
    P, Y = _categorical_pair(P=P, Y=Y)
    return _number(_categorical(P, Y, EPS).sum())


def bce_multi(P: ArrayLike, Y: ArrayLike) -> float:
    """J = −Σᵢ Σₖ ( Yᵢₖ ln Pᵢₖ + (1 − Yᵢₖ) ln(1 − Pᵢₖ) ): K independent yes/no questions
    (eq-bce-multi).

    P: probabilities, (K,) or (m, K). Y: targets 0 or 1, same shape; a row may hold several 1s.
    """
    P, Y = _bernoulli_pair(P=P, Y=Y)
    return _number(_bernoulli(P, Y, EPS).sum())


def hinge(score: ArrayLike, y: ArrayLike) -> float:
    """J = mean max(0, 1 − y s): zero once every score is right by a margin of 1 (eq-hinge).

    score: linear outputs s, (m,). y: labels −1 or +1, (m,).
    """
    score, y = arrays("m, m", score=score, y=y)
    signs("y", y)
    margin = 1 - y * score
    return _number((margin * (margin.real > 0)).mean())


def grad_hinge(score: ArrayLike, y: ArrayLike) -> Array:
    """∂J/∂s = −y/m where y s < 1, else 0 (eq-grad-hinge). score, y: (m,); returns (m,)."""
    score, y = arrays("m, m", score=score, y=y)
    signs("y", y)
    return np.where((y * score).real < 1, -y, 0).astype(score.dtype) / len(y)


def accuracy(Yhat: ArrayLike, Y: ArrayLike) -> float:
    """The fraction of examples whose predicted class is the true one (eq-accuracy).

    Yhat: probabilities or scores, (m, K). Y: one-hot targets, (m, K); the class is the largest
    entry of a row. With a single column, (m,) or (m, 1), the class is 1 above one half.
    """
    Yhat, Y = _pair(Yhat=Yhat, Y=Y)
    if Yhat.ndim == 1 or Yhat.shape[1] == 1:
        return _number(((Yhat > 0.5) == (Y > 0.5)).mean())
    return _number((Yhat.argmax(axis=1) == Y.argmax(axis=1)).mean())


@dataclass(frozen=True)
class Loss:
    """A loss by name: f(ŷ, y) is the value, grad(ŷ, y) = ∂J/∂ŷ of the same shape as ŷ."""

    name: str
    f: Callable[[Array, Array], float]
    grad: Callable[[Array, Array], Array]


LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss("half_sse", half_sse, grad_half_sse),
        Loss("mse", mse, grad_mse),
        Loss("bce", bce, grad_bce),
        Loss("cce", cce, grad_cce),
        Loss("hinge", hinge, grad_hinge),
    )
}


def get_loss(name: str) -> Loss:
    """Look up a loss by name; an unknown name is a ValueError that lists the known ones."""
    choice("loss", name, LOSSES)
    return LOSSES[name]


def _bernoulli(p: Array, y: Array, eps: float) -> Array:
    """−ln of the probability p^y (1 − p)^(1 − y) of one yes/no outcome, entry by entry."""
    log_p: Array = np.log(_at_least(p, eps))
    log_q: Array = np.log(_at_least(1 - p, eps))
    return -(y * log_p + (1 - y) * log_q)


def _categorical(P: Array, Y: Array, eps: float) -> Array:
    """−ln of the probability Πₖ pₖ^yₖ of one class out of K, row by row: (m, K) → (m,)."""
    log_P: Array = np.log(_at_least(P, eps))
    total: Array = (Y * log_P).sum(axis=-1)
    return -total


def _at_least(p: Array, eps: float) -> Array:
    """max(p, eps); for a complex p the real part decides."""
    return np.where(p.real < eps, scalar("eps", eps, low=0), p)


def _number(x: Any) -> float:
    """Turn a numpy scalar into a Python number: float, or complex during a complex step."""
    return x.item()  # type: ignore[no-any-return]


def _pair(**pair: ArrayLike) -> list[Array]:
    checked = reals(**pair)
    named = dict(zip(pair, checked, strict=True))
    for name, x in named.items():
        ndim(name, x, 1, 2)
    same_shape(**named)
    return checked


def _bernoulli_pair(**pair: ArrayLike) -> list[Array]:
    P, Y = _pair(**pair)
    name_of_P, name_of_Y = pair
    probabilities(**{name_of_P: P})
    targets(**{name_of_Y: Y})
    return [P, Y]


def _categorical_pair(**pair: ArrayLike) -> list[Array]:
    P, Y = _bernoulli_pair(**pair)
    unit_rows("Y", Y)
    return [P, Y]
