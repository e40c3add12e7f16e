"""An optimiser decides how far and where a step goes, given the gradient and what it remembers.

θ is the flat vector of all parameters, g = ∂J/∂θ the flat gradient, α the learning rate (`lr`).
`step` is the rule, a formula that returns new arrays. `update(theta, gradient)` changes θ in place
and leaves g as it was: the same numbers to rounding, by the quick form of the rule in `_fast.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlp_lib import _check, _fast
from mlp_lib._types import Array


class Optimiser:
    """What all of them share: the learning rate, the number of updates and the state vectors.

    A rule of your own needs `n_states` and `step`; without a quick form `update` runs `step`.
    """

    n_states = 0  # vectors remembered between steps, each as long as θ, zeros at the start
    in_place: type[_fast.InPlace] = _fast.InPlace  # the quick form of `step`
    step: Callable[..., tuple[Array, ...]]  # (θ, g, *state) → (new θ, *new state), at update t

    def __init__(self, lr: float) -> None:
        self.lr = _check.scalar("lr", lr, low=0)
        self.t = 0  # updates done, this one included
        self.state: list[Array] = []
        self._bound: _fast.InPlace | None = None

    def update(self, theta: Array, gradient: Array) -> None:
        """Take one step: θ changes in place. theta, gradient: (n,), one dtype."""
        bound = self._bound
        if bound is None or bound.theta is not theta or bound.gradient is not gradient:
            bound = self._bound = self._bind(theta, gradient)
        self.t += 1
        bound.prepare()
        for piece in bound.pieces:
            bound.step(*piece)

    def reset(self) -> None:
        """Forget everything but the settings, as if no step had been taken."""
        self.t, self.state, self._bound = 0, [], None

    def _bind(self, theta: Array, gradient: Array) -> _fast.InPlace:
        for name, x in {"theta": theta, "gradient": gradient}.items():
            if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
                raise TypeError(f"{name}: expected an array of floats, got {_kind(x)}")
            _check.shapes("n", **{name: x})
        _check.same_shape(theta=theta, gradient=gradient)
        if theta.dtype != gradient.dtype:
            raise TypeError(f"gradient: expected dtype {theta.dtype}, got {gradient.dtype}")
        if self.state and self.state[0].shape != theta.shape:
            raise ValueError(
                f"theta: expected the {self.state[0].size} parameters this optimiser has state "
                f"for, got {theta.size} (reset() makes it forget)"
            )
        if not self.state:
            self.state = [np.zeros_like(theta) for _ in range(self.n_states)]
        quick = vars(type(self)).get("in_place", _fast.InPlace)  # a subclass has its own or none
        return quick(self, theta, gradient, self.state)  # type: ignore[no-any-return]


class SGD(Optimiser):
    """θ ← θ − α g (eq-sgd)."""

    in_place = _fast.SGDInPlace

    def step(self, theta: Array, g: Array) -> tuple[Array]:
        """Return the new θ. theta, g: (n,)."""
        return (theta - self.lr * g,)


class Momentum(Optimiser):
    """v ← μ v + g,   θ ← θ − α v (eq-momentum).

    A ball that keeps rolling: v is the sum of all gradients, each faded by μ per step. v starts at
    0.
    """

    n_states = 1
    in_place = _fast.MomentumInPlace

    def __init__(self, lr: float, mu: float = 0.9) -> None:
        super().__init__(lr)
        self.mu = _share("mu", mu)

    def step(self, theta: Array, g: Array, v: Array) -> tuple[Array, Array]:
        """Return the new θ and v. theta, g, v: (n,)."""
        v = self.mu * v + g
        return theta - self.lr * v, v


class Nesterov(Momentum):
    """v ← μ v + g,   θ ← θ − α (g + μ v) (eq-nesterov).

    As momentum, but the step already contains the next fading of v: it looks ahead.
    """

    in_place = _fast.NesterovInPlace

    def step(self, theta: Array, g: Array, v: Array) -> tuple[Array, Array]:
        """Return the new θ and v. theta, g, v: (n,)."""
        v = self.mu * v + g
        return theta - self.lr * (g + self.mu * v), v


class RMSProp(Optimiser):
    """s ← ρ s + (1 − ρ) g²,   θ ← θ − α g / (√s + ε) (eq-rmsprop).

    Each parameter's step is measured by the usual size of its own gradient. s starts at 0.
    """

    n_states = 1
    in_place = _fast.RMSPropInPlace

    def __init__(self, lr: float = 0.01, rho: float = 0.99, eps: float = 1e-8) -> None:
        super().__init__(lr)
        self.rho, self.eps = _share("rho", rho), _check.scalar("eps", eps, low=0)

    def step(self, theta: Array, g: Array, s: Array) -> tuple[Array, Array]:
        """Return the new θ and s. theta, g, s: (n,)."""
        s = self.rho * s + (1 - self.rho) * g**2
        return theta - self.lr * g / (np.sqrt(s) + self.eps), s


class Adam(Optimiser):
    """m ← β₁ m + (1 − β₁) g,   v ← β₂ v + (1 − β₂) g²,   θ ← θ − α m̂ / (√v̂ + ε) (eq-adam)

    with m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ), which undo the start at 0.

    ε stands outside the root, beside √v̂. Added to √v without the hat, or under the root, ε would
    change the result where gradients are as small as ε.
    """

    n_states = 2
    in_place = _fast.AdamInPlace

    def __init__(
        self, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        super().__init__(lr)
        self.beta1, self.beta2 = _share("beta1", beta1), _share("beta2", beta2)
        self.eps = _check.scalar("eps", eps, low=0)

    def step(self, theta: Array, g: Array, m: Array, v: Array) -> tuple[Array, Array, Array]:
        """Return the new θ, m and v of update t. theta, g, m, v: (n,)."""
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * g**2
        m_hat, v_hat = m / (1 - self.beta1**self.t), v / (1 - self.beta2**self.t)
        return theta - self.lr * m_hat / (np.sqrt(v_hat) + self.eps), m, v


OPTIMISERS: dict[str, type[Optimiser]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RMSProp,
    "adam": Adam,
}


def _share(name: str, value: float) -> float:
    if (x := _check.scalar(name, value, low=0)) >= 1:
        raise ValueError(f"{name}: expected 0 ≤ {name} < 1, got {value!r}")
    return x


def _kind(x: Any) -> str:
    return f"dtype {x.dtype}" if isinstance(x, np.ndarray) else type(x).__name__
