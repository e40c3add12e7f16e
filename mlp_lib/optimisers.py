"""An optimiser decides how far and where a step goes, given the gradient and what it remembers.

θ is the flat vector of all parameters, g = ∂J/∂θ the flat gradient, α the learning rate (`lr`).
`update(theta, gradient)` changes θ in place and leaves g as it was. Work is done piece by piece
through one scratch vector: no step allocates memory, and a piece stays in the cache while several
operations pass over it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp_lib import _check
from mlp_lib._types import Array

PIECE = 32_768  # numbers worked on at a time


class Optimiser:
    """What all of them share: the learning rate, the state vectors and the walk over the pieces."""

    n_states = 0  # vectors remembered between steps, each as long as θ

    def __init__(self, lr: float) -> None:
        self.lr = _check.scalar("lr", lr, low=0)
        self.t = 0  # updates done
        self.state: list[Array] = []
        self._bound: tuple[Array, Array] | None = None
        self._pieces: list[tuple[Array, ...]] = []

    def update(self, theta: Array, gradient: Array) -> None:
        """Take one step: θ changes in place. theta, gradient: (n,), one dtype."""
        bound = self._bound
        if bound is None or bound[0] is not theta or bound[1] is not gradient:
            self._bind(theta, gradient)
        self.t += 1
        self._prepare()
        for piece in self._pieces:
            self._step(*piece)

    def reset(self) -> None:
        """Forget everything but the settings, as if no step had been taken."""
        self.t, self.state, self._bound, self._pieces = 0, [], None, []

    def _bind(self, theta: Array, gradient: Array) -> None:
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
        scratch = np.empty(min(PIECE, theta.size), theta.dtype)
        pieces = [slice(i, i + PIECE) for i in range(0, theta.size, PIECE)]
        self._pieces = [
            (theta[p], gradient[p], scratch[: theta[p].size], *(s[p] for s in self.state))
            for p in pieces
        ]
        self._bound = (theta, gradient)
        # Numbers that enter a product, as arrays without axes in the dtype of θ: numpy converts
        # a Python number at every call, which on a small network costs as much as the product.
        self._numbers = {k: np.array(v, theta.dtype) for k, v in self._constants().items()}
        self._lr = np.array(self.lr, theta.dtype)

    def _constants(self) -> dict[str, float]:
        return {}

    def _prepare(self) -> None:
        """Compute what is the same for all pieces of this step."""
        self._lr[()] = self.lr

    def _step(self, theta: Array, g: Array, scratch: Array, *state: Array) -> None:
        raise NotImplementedError


class SGD(Optimiser):
    """θ ← θ − α g (eq-sgd)."""

    def _step(self, theta: Array, g: Array, scratch: Array, *state: Array) -> None:  # noqa: ARG002
        np.multiply(g, self._lr, scratch)
        np.subtract(theta, scratch, theta)


class Momentum(Optimiser):
    """v ← μ v + g,   θ ← θ − α v (eq-momentum).

    A ball that keeps rolling: v is the sum of all gradients, each faded by μ per step. v starts at
    0.
    """

    n_states = 1

    def __init__(self, lr: float, mu: float = 0.9) -> None:
        super().__init__(lr)
        self.mu = _share("mu", mu)

    def _constants(self) -> dict[str, float]:
        return {"mu": self.mu}

    def _step(self, theta: Array, g: Array, scratch: Array, *state: Array) -> None:
        (v,) = state
        np.multiply(v, self._numbers["mu"], v)
        np.add(v, g, v)
        np.multiply(v, self._lr, scratch)
        np.subtract(theta, scratch, theta)


class Nesterov(Momentum):
    """v ← μ v + g,   θ ← θ − α (g + μ v) (eq-nesterov).

    As momentum, but the step already contains the next fading of v: it looks ahead.
    """

    def _step(self, theta: Array, g: Array, scratch: Array, *state: Array) -> None:
        (v,) = state
        np.multiply(v, self._numbers["mu"], v)
        np.add(v, g, v)
        np.multiply(v, self._numbers["mu"], scratch)
        np.add(scratch, g, scratch)
        np.multiply(scratch, self._lr, scratch)
        np.subtract(theta, scratch, theta)


class RMSProp(Optimiser):
    """s ← ρ s + (1 − ρ) g²,   θ ← θ − α g / (√s + ε) (eq-rmsprop).

    Each parameter's step is measured by the usual size of its own gradient. s starts at 0.
    """

    n_states = 1

    def __init__(self, lr: float = 0.01, rho: float = 0.99, eps: float = 1e-8) -> None:
        super().__init__(lr)
        self.rho, self.eps = _share("rho", rho), _check.scalar("eps", eps, low=0)

    def _constants(self) -> dict[str, float]:
        return {"rho": self.rho, "1 - rho": 1 - self.rho, "eps": self.eps}

    def _step(self, theta: Array, g: Array, scratch: Array, *state: Array) -> None:
        (s,), number = state, self._numbers
        np.multiply(g, g, scratch)
        np.multiply(scratch, number["1 - rho"], scratch)
        np.multiply(s, number["rho"], s)
        np.add(s, scratch, s)
        np.sqrt(s, scratch)
        np.add(scratch, number["eps"], scratch)
        np.divide(g, scratch, scratch)
        np.multiply(scratch, self._lr, scratch)
        np.subtract(theta, scratch, theta)


class Adam(Optimiser):
    """m ← β₁ m + (1 − β₁) g,   v ← β₂ v + (1 − β₂) g²,   θ ← θ − α m̂ / (√v̂ + ε) (eq-adam)

    with m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ), which undo the start at 0.

    ε stands outside the root, beside √v̂: with c = √(1 − β₂ᵗ) that is m/(√v + c ε) times
    c/(1 − β₁ᵗ), and so it is computed. Added to √v without the c, or under the root, ε would
    change the result where gradients are as small as ε.
    """

    n_states = 2

    def __init__(
        self, lr: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        super().__init__(lr)
        self.beta1, self.beta2 = _share("beta1", beta1), _share("beta2", beta2)
        self.eps = _check.scalar("eps", eps, low=0)

    def _constants(self) -> dict[str, float]:
        b1, b2 = self.beta1, self.beta2
        return {"b1": b1, "1 - b1": 1 - b1, "b2": b2, "1 - b2": 1 - b2, "c eps": 0.0, "rate": 0.0}

    def _prepare(self) -> None:
        c = (1 - self.beta2**self.t) ** 0.5
        self._numbers["c eps"][()] = c * self.eps
        self._numbers["rate"][()] = self.lr * c / (1 - self.beta1**self.t)

    def _step(self, theta: Array, g: Array, scratch: Array, *state: Array) -> None:
        (m, v), number = state, self._numbers
        np.multiply(g, number["1 - b1"], scratch)
        np.multiply(m, number["b1"], m)
        np.add(m, scratch, m)
        np.multiply(g, g, scratch)
        np.multiply(scratch, number["1 - b2"], scratch)
        np.multiply(v, number["b2"], v)
        np.add(v, scratch, v)
        np.sqrt(v, scratch)
        np.add(scratch, number["c eps"], scratch)
        np.divide(m, scratch, scratch)
        np.multiply(scratch, number["rate"], scratch)
        np.subtract(theta, scratch, theta)


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
