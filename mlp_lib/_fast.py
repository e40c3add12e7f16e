"""The fast place: a training step of an `MLP` and of an optimiser, in place.

With relu, tanh or sigmoid and a loss that cancels the slope, a step allocates no array; other
activations and half_sse with sigmoid call the readable functions, which return new ones.

`batch.py` is how a step is explained, this is how it is run a million times. The mathematics is the
same and tests hold the two equal. Six things make it quick:

1. [W; b] is one matrix, because the flat vector stores each b behind its W. An activation carries a
   last column of ones, so that A₁ [W; b] = A W + b and A₁ᵀ dZ = [dW; db] are single products.
2. Every product and every ufunc writes into a buffer that exists already.
3. Slopes come from what the forward pass left behind, and the mask of ReLU is a product.
4. The loss is taken from the scores (log-softmax), before they become probabilities.
5. Examples are gathered by blocks of several batches, and a batch is a slice of a block.
6. The learning rate of plain SGD enters dZ together with 1/m: a product with every output of the
   batch is cheaper than one with every parameter.

`np.dot`, not `@`: the latter leaves BLAS for some products with a single row. A constant operand
is an array of the right dtype, because a Python number is converted anew at every call.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from mlp_lib._types import Array, IntArray
from mlp_lib.activations import Activation, sigmoid
from mlp_lib.delta import output_delta
from mlp_lib.losses import half_sse

MODERATE = 16.0  # scores between −16 and 16: ln Σ e^z is right to 15 decimals without a shift
BLOCK = 65_536  # numbers in a block of gathered examples: half a megabyte of float64


def joined_views(flat: Array, sizes: Sequence[int]) -> list[Array]:
    """Return [W; b] of every layer, (n_in + 1, n_out), as views of the flat vector."""
    views, start = [], 0
    for n_in, n_out in pairwise(sizes):
        end = start + (n_in + 1) * n_out
        views.append(flat[start:end].reshape(n_in + 1, n_out))
        start = end
    return views


class Hidden:
    """Buffers of a hidden layer of n units, and its g and g′ for any activation.

    Z (m, n) pre-activations · A1 (m, n + 1) activations and the column of ones · D (m, n) first dA,
    then dZ.
    """

    def __init__(self, m: int, n: int, dtype: Any, g: Activation) -> None:
        self.g = g
        self.Z = np.empty((m, n), dtype)
        self.A1 = np.ones((m, n + 1), dtype)
        self.A = self.A1[:, :-1]
        self.D = np.empty((m, n), dtype)

    def activate(self) -> None:
        """A = g(Z)."""
        self.A[...] = self.g.f(self.Z)

    def times_slope(self) -> None:
        """D ← D ⊙ g′(Z). Z may be overwritten: nobody needs it after this."""
        np.multiply(self.D, self.g.df(self.Z), self.D)


class Relu(Hidden):
    """max(Z, 0) and the mask Z > 0."""

    def __init__(self, m: int, n: int, dtype: Any, g: Activation) -> None:
        super().__init__(m, n, dtype, g)
        self.zero = np.zeros((m, n), dtype)  # a full array: numpy's maximum is slow with one number
        self.mask = np.empty((m, n), np.bool_)

    def activate(self) -> None:
        """A = max(Z, 0)."""
        np.maximum(self.Z, self.zero, out=self.A)

    def times_slope(self) -> None:
        """D ← D ⊙ (Z > 0)."""
        np.greater(self.Z, self.zero, self.mask)
        np.multiply(self.D, self.mask, self.D)


class Tanh(Hidden):
    """Tanh and its slope 1 − A², from the activation."""

    def __init__(self, m: int, n: int, dtype: Any, g: Activation) -> None:
        super().__init__(m, n, dtype, g)
        self.one = np.ones((), dtype)

    def activate(self) -> None:
        """A = tanh(Z)."""
        np.tanh(self.Z, self.A)

    def times_slope(self) -> None:
        """D ← D ⊙ (1 − A²)."""
        np.multiply(self.A, self.A, self.Z)
        np.subtract(self.one, self.Z, self.Z)
        np.multiply(self.D, self.Z, self.D)


class Sigmoid(Tanh):
    """σ(Z) = ½ + ½ tanh(Z/2) and its slope A(1 − A), from the activation."""

    def activate(self) -> None:
        """A = σ(Z)."""
        _sigmoid_in_place(self.Z)
        self.A[...] = self.Z

    def times_slope(self) -> None:
        """D ← D ⊙ A ⊙ (1 − A)."""
        np.multiply(self.D, self.A, self.D)
        np.subtract(self.one, self.A, self.Z)
        np.multiply(self.D, self.Z, self.D)


HIDDEN: dict[str, type[Hidden]] = {"relu": Relu, "tanh": Tanh, "sigmoid": Sigmoid}


class Output:
    """Scores Z (m, n) of the last layer, which `delta` turns into dZ = δ/m in place."""

    def __init__(self, m: int, n: int, dtype: Any) -> None:
        self.m, self.n = m, n
        self.Z = np.empty((m, n), dtype)
        self.weight = 1 / m
        self.share = np.array(self.weight, dtype)

    def times(self, factor: float) -> None:
        """Make dZ, and with it the whole gradient, `factor` times as large from now on."""
        self.share[()] = factor * self.weight

    def delta(self, Y: Array) -> float:
        """Leave dZ in Z and return the mean loss."""
        raise NotImplementedError


class SigmoidHalfSSE(Output):
    """The pair whose slope does not cancel (lesson 4), rare enough to stay as it is written there.

    dZ = (σ(Z) − Y) ⊙ σ′(Z) / m and J = ½ Σ (σ(Z) − Y)² / m.
    """

    def delta(self, Y: Array) -> float:
        """Leave dZ in Z and return the mean loss."""
        Yhat = sigmoid(self.Z)
        self.Z[...] = output_delta(Yhat, Y, "half_sse", "sigmoid") * self.share
        return half_sse(Yhat, Y) / self.m


class SoftmaxCCE(Output):
    """dZ = (softmax(Z) − Y)/m, and J = mean (ln Σ e^z − z_true).

    z is shifted by its maximum, unless all scores of the batch are moderate: two looks at the whole
    batch are quicker than a maximum for every row.
    """

    def __init__(self, m: int, n: int, dtype: Any) -> None:
        super().__init__(m, n, dtype)
        self.column = np.empty((m, 1), dtype)
        self.per_row = self.column if m > 1 else self.column.reshape(())  # one number is quicker
        self.moderate = MODERATE if dtype == np.float64 else 0.0  # float32 has no digits to spare
        self.ones_n, self.ones_m = np.ones((n, 1), dtype), np.ones((1, m), dtype)

    def delta(self, Y: Array) -> float:
        """Leave dZ in Z and return the mean loss."""
        Z, column = self.Z, self.column
        if not (Z.item(Z.argmax()) < self.moderate and Z.item(Z.argmin()) > -self.moderate):
            np.maximum.reduce(Z, axis=1, out=column, keepdims=True)
            np.subtract(Z, self.per_row, Z)
        z_true = np.vdot(Y, Z)
        np.exp(Z, Z)
        np.dot(Z, self.ones_n, column)  # Σ e^z
        np.divide(Z, self.per_row, Z)  # softmax
        np.subtract(Z, Y, Z)
        np.multiply(Z, self.share, Z)
        if self.m == 1:
            return float(math.log(column.item()) - z_true)
        np.log(column, column)
        return float((np.dot(self.ones_m, column).item() - z_true) / self.m)


class SigmoidBCE(Output):
    """dZ = (σ(Z) − Y)/m, and J = mean Σ (softplus(z) − y z), summed over the outputs."""

    def __init__(self, m: int, n: int, dtype: Any) -> None:
        super().__init__(m, n, dtype)
        self.zero, self.work = np.zeros((), dtype), np.empty((m, n), dtype)

    def delta(self, Y: Array) -> float:
        """Leave dZ in Z and return the mean loss."""
        Z, work = self.Z, self.work
        np.logaddexp(self.zero, Z, work)  # softplus(z) = ln(e⁰ + e^z)
        J = work.sum() - np.vdot(Y, Z)
        _sigmoid_in_place(Z)
        np.subtract(Z, Y, Z)
        np.multiply(Z, self.share, Z)
        return float(J / self.m)


class IdentitySquares(Output):
    """dZ = c (Z − Y) and J = ½ c Σ (Z − Y)²: c = 1/m for ½SSE, 2/(m n) for MSE."""

    def __init__(self, m: int, n: int, dtype: Any) -> None:
        super().__init__(m, n, dtype)
        self.half = 0.5 / m

    def delta(self, Y: Array) -> float:
        """Leave dZ in Z and return the mean loss."""
        np.subtract(self.Z, Y, self.Z)
        J = self.half * np.vdot(self.Z, self.Z)
        np.multiply(self.Z, self.share, self.Z)
        return float(J)


class IdentityMSE(IdentitySquares):
    """The same with the mean over the outputs in place of ½ Σ."""

    def __init__(self, m: int, n: int, dtype: Any) -> None:
        super().__init__(m, n, dtype)
        self.half, self.weight = 1 / (m * n), 2 / (m * n)
        self.times(1.0)


OUTPUTS: dict[tuple[str, str], type[Output]] = {
    ("cce", "softmax"): SoftmaxCCE,
    ("bce", "sigmoid"): SigmoidBCE,
    ("half_sse", "sigmoid"): SigmoidHalfSSE,
    ("half_sse", "identity"): IdentitySquares,
    ("mse", "identity"): IdentityMSE,
}


class Workspace:
    """Everything one step with m examples needs: views of θ and of the gradient, and buffers."""

    def __init__(
        self,
        theta: Array,
        gradient: Array,
        sizes: Sequence[int],
        m: int,
        g: Activation,
        pair: tuple[str, str],
    ) -> None:
        W1s, dW1s = joined_views(theta, sizes), joined_views(gradient, sizes)
        kind = HIDDEN.get(g.name, Hidden)
        hidden = [kind(m, n, theta.dtype, g) for n in sizes[1:-1]]
        self.out = OUTPUTS[pair](m, sizes[-1], theta.dtype)
        self.forward = [(W1, h.Z, h.activate, h.A1) for W1, h in zip(W1s[:-1], hidden, strict=True)]
        self.W1_last, self.dW1_first = W1s[-1], dW1s[0]
        # Layer l hands the error to the hidden layer below it, from the last layer to the second.
        self.backward = [
            (h.A1.T, dW1, W1[:-1].T, h.D, h.times_slope)
            for h, dW1, W1 in zip(hidden[::-1], dW1s[:0:-1], W1s[:0:-1], strict=True)
        ]

    def step(self, X1: Array, Y: Array) -> float:
        """Fill the gradient with that of the mean loss over a batch, and return the loss.

        X1 (m, n₀ + 1): examples and a last column of ones. Y (m, n_L).
        """
        A1, dZ = X1, self.out.Z
        for W1, Z, activate, next_A1 in self.forward:
            np.dot(A1, W1, Z)  # (m, n): A W + b
            activate()
            A1 = next_A1
        np.dot(A1, self.W1_last, dZ)  # (m, n_L)
        J = self.out.delta(Y)
        for A1T, dW1, WT, D, times_slope in self.backward:
            np.dot(A1T, dZ, dW1)  # [dW; db]
            np.dot(dZ, WT, D)  # (m, n): dA = dZ Wᵀ
            times_slope()
            dZ = D
        np.dot(X1.T, dZ, self.dW1_first)
        return J


class Batches:
    """Batches of b examples, gathered by blocks: memory for one block, however many examples.

    A block is a few batches, as many as make up `BLOCK` numbers, at least one.
    """

    def __init__(self, X: Array, Y: Array, b: int, dtype: Any) -> None:
        self.X, self.Y, self.b = X, Y, b
        wide = X.shape[1] + 1 + Y.shape[1]
        self.rows = min(b * max(1, BLOCK // (b * wide)), len(X))
        self.X1 = np.ones((self.rows, X.shape[1] + 1), dtype)
        self.Yb = np.empty((self.rows, Y.shape[1]), dtype)

    def epoch(self, order: IntArray | None) -> Iterator[tuple[Array, Array]]:
        """Yield every example once, by the given order: (X1 (b, n₀ + 1), Y (b, n_L))."""
        X1, Yb, b = self.X1, self.Yb, self.b
        for start in range(0, len(self.X), self.rows):
            chosen = slice(start, start + self.rows)
            rows = chosen if order is None else order[chosen]
            X = self.X[rows]
            n = len(X)
            X1[:n, :-1] = X
            Yb[:n] = self.Y[rows]
            for i in range(0, n, b):
                j = min(i + b, n)
                yield X1[i:j], Yb[i:j]


def _sigmoid_in_place(Z: Array) -> None:
    """Z ← σ(Z) = ½ + ½ tanh(Z/2), which cannot overflow."""
    half = np.array(0.5, Z.dtype)
    np.multiply(Z, half, Z)
    np.tanh(Z, Z)
    np.multiply(Z, half, Z)
    np.add(Z, half, Z)


# -- optimisers: the rules of `optimisers.py`, piece by piece through one scratch vector -----------

PIECE = 65_536  # numbers worked on at a time: half a megabyte of scratch, and few calls


class InPlace:
    """One optimiser bound to θ, g and its state; this one runs the readable rule, for any rule."""

    def __init__(self, rule: Any, theta: Array, gradient: Array, state: list[Array]) -> None:
        self.rule, self.theta, self.gradient, self.state = rule, theta, gradient, state
        scratch = np.empty(min(PIECE, theta.size), theta.dtype)
        pieces = [slice(i, i + PIECE) for i in range(0, theta.size, PIECE)]
        self.pieces = [
            (theta[p], gradient[p], scratch[: theta[p].size], *(s[p] for s in state))
            for p in pieces
        ]
        self.numbers = {k: np.array(v, theta.dtype) for k, v in self.constants().items()}
        self.lr = np.array(rule.lr, theta.dtype)

    def constants(self) -> dict[str, float]:
        """Return the numbers that enter a product."""
        return {}

    def prepare(self) -> None:
        """Compute what is the same for all pieces of this step."""
        self.lr[()] = self.rule.lr

    def step(self, theta: Array, g: Array, scratch: Array, *state: Array) -> None:  # noqa: ARG002
        """Take one step with a piece of θ."""
        new_theta, *new_state = self.rule.step(theta, g, *state)
        theta[...] = new_theta
        for old, new in zip(state, new_state, strict=True):
            old[...] = new


class SGDInPlace(InPlace):
    """θ ← θ − α g."""

    def step(self, theta: Array, g: Array, scratch: Array, *state: Array) -> None:  # noqa: ARG002
        """Take one step with a piece of θ."""
        np.multiply(g, self.lr, scratch)
        np.subtract(theta, scratch, theta)


class MomentumInPlace(InPlace):
    """v ← μ v + g,   θ ← θ − α v."""

    def constants(self) -> dict[str, float]:
        """Return the numbers that enter a product."""
        return {"mu": self.rule.mu}

    def step(self, theta: Array, g: Array, scratch: Array, *state: Array) -> None:
        """Take one step with a piece of θ."""
        (v,) = state
        np.multiply(v, self.numbers["mu"], v)
        np.add(v, g, v)
        np.multiply(v, self.lr, scratch)
        np.subtract(theta, scratch, theta)


class NesterovInPlace(MomentumInPlace):
    """v ← μ v + g,   θ ← θ − α (g + μ v)."""

    def step(self, theta: Array, g: Array, scratch: Array, *state: Array) -> None:
        """Take one step with a piece of θ."""
        (v,) = state
        np.multiply(v, self.numbers["mu"], v)
        np.add(v, g, v)
        np.multiply(v, self.numbers["mu"], scratch)
        np.add(scratch, g, scratch)
        np.multiply(scratch, self.lr, scratch)
        np.subtract(theta, scratch, theta)


class RMSPropInPlace(InPlace):
    """s ← ρ s + (1 − ρ) g²,   θ ← θ − α g / (√s + ε)."""

    def constants(self) -> dict[str, float]:
        """Return the numbers that enter a product."""
        return {"rho": self.rule.rho, "1 - rho": 1 - self.rule.rho, "eps": self.rule.eps}

    def step(self, theta: Array, g: Array, scratch: Array, *state: Array) -> None:
        """Take one step with a piece of θ."""
        (s,), number = state, self.numbers
        np.multiply(g, g, scratch)
        np.multiply(scratch, number["1 - rho"], scratch)
        np.multiply(s, number["rho"], s)
        np.add(s, scratch, s)
        np.sqrt(s, scratch)
        np.add(scratch, number["eps"], scratch)
        np.divide(g, scratch, scratch)
        np.multiply(scratch, self.lr, scratch)
        np.subtract(theta, scratch, theta)


class AdamInPlace(InPlace):
    """m ← β₁ m + (1 − β₁) g,   v ← β₂ v + (1 − β₂) g²,   θ ← θ − α m̂ / (√v̂ + ε).

    With c = √(1 − β₂ᵗ) the fraction is m/(√v + c ε) times c/(1 − β₁ᵗ), two factors a step in place
    of two more divisions a parameter.
    """

    def constants(self) -> dict[str, float]:
        """Return the numbers that enter a product."""
        b1, b2 = self.rule.beta1, self.rule.beta2
        return {"b1": b1, "1 - b1": 1 - b1, "b2": b2, "1 - b2": 1 - b2, "c eps": 0.0, "rate": 0.0}

    def prepare(self) -> None:
        """Compute what is the same for all pieces of this step."""
        rule = self.rule
        c = (1 - rule.beta2**rule.t) ** 0.5
        self.numbers["c eps"][()] = c * rule.eps
        self.numbers["rate"][()] = rule.lr * c / (1 - rule.beta1**rule.t)

    def step(self, theta: Array, g: Array, scratch: Array, *state: Array) -> None:
        """Take one step with a piece of θ."""
        (m, v), number = state, self.numbers
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
