"""A gradient can be measured: nudge one number, see how the loss answers, divide.

It is slow, one or two runs of the network for every parameter, and it knows nothing about
backpropagation. That makes it the judge of every gradient in this course.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from mlp_lib import _check
from mlp_lib._types import Array, Grads, Params

ScalarFunction = Callable[[Any], Any]

DEFAULT_STEP = {"central": 1e-5, "forward": 1e-5, "complex": 1e-20}
SMALLEST_STEP = 1e-200


def numerical_gradient(
    f: ScalarFunction, theta: Array, h: float | None = None, scheme: str = "central"
) -> Array:
    """Measure ∂f/∂θ entry by entry (eq-central-difference).

    central   (f(θ + h eᵢ) − f(θ − h eᵢ)) / 2h     error ~ h²,  2p calls of f
    forward   (f(θ + h eᵢ) − f(θ)) / h             error ~ h,   p + 1 calls
    complex   Im f(θ + i h eᵢ) / h                 no subtraction, so h may be 1e-20; p calls

    theta: p numbers in any shape  →  the same shape. f takes an array like theta and returns a
    number. h is 1e-5 unless given (1e-20 for `complex`, which needs an f that survives complex
    numbers: no abs, no .real, no np.vdot).

    A difference of two nearly equal numbers needs every digit, so f is called with float64 (or
    complex128) copies of theta, and only the answer takes theta's dtype.
    """
    _check.choice("scheme", scheme, DEFAULT_STEP)
    _check.no_integers("theta", theta)
    (theta,) = _check.reals(theta=theta)
    if np.iscomplexobj(theta):
        raise TypeError(f"theta: expected real numbers, got dtype {theta.dtype}")
    h = _check.scalar("h", DEFAULT_STEP[scheme] if h is None else h, low=SMALLEST_STEP)
    point = theta.astype(np.float64)
    slopes = _SCHEMES[scheme](f, point, h)
    return np.fromiter(slopes, np.float64, point.size).reshape(theta.shape).astype(theta.dtype)


def _central(f: ScalarFunction, theta: Array, h: float) -> Iterator[float]:
    for step in _steps(theta, h):
        yield (_number(f, theta + step) - _number(f, theta - step)) / (2 * h)


def _forward(f: ScalarFunction, theta: Array, h: float) -> Iterator[float]:
    base = _number(f, theta.copy())
    for step in _steps(theta, h):
        yield (_number(f, theta + step) - base) / h


def _complex(f: ScalarFunction, theta: Array, h: float) -> Iterator[float]:
    for step in _steps(theta, h):
        yield _number(f, theta + 1j * step).imag / h


_SCHEMES = {"central": _central, "forward": _forward, "complex": _complex}


def _steps(theta: Array, h: float) -> Iterator[Array]:
    """Yield h eᵢ for every entry i of theta, shaped like theta."""
    for i in np.ndindex(theta.shape):
        step = np.zeros_like(theta)
        step[i] = h
        yield step


def _number(f: ScalarFunction, theta: Any) -> Any:
    """Return f(theta), required to be one finite number, complex exactly where theta is."""
    value = np.asarray(f(theta))
    if value.size != 1 or value.dtype.kind not in "fciub":
        raise ValueError(f"f: expected one number, got {value.dtype} of shape {value.shape}")
    if np.iscomplexobj(value) and not np.iscomplexobj(theta):
        raise TypeError("f: expected a real number, got a complex one")
    if np.iscomplexobj(theta) and not np.iscomplexobj(value):
        raise TypeError(
            f"f: expected a complex number back from a complex theta, got {value.dtype}: "
            "something on the way (abs, .real, np.vdot) drops the imaginary part, "
            "or f does not depend on theta at all"
        )
    if not np.isfinite(value.item()):
        raise ValueError(f"f: expected a finite number, got {value.item()}")
    return value.item()


def relative_error(g: Array, n: Array, floor: float = 1e-8) -> float:
    """Return how far two gradients of one tensor are apart, between 0 and 1 (eq-relative-error).

    ‖g − n‖ / max(floor, ‖g‖ + ‖n‖)

    g, n: the same shape. One norm for the whole tensor: entry by entry, a number near zero would
    make right gradients look wrong. A sign error gives exactly 1, unless the norms are as small as
    the floor. A NaN or infinite entry gives inf, because NaN would slip through `max`
    (max(0.0, nan) is 0.0) and every comparison.
    """
    g, n = np.asarray(g), np.asarray(n)
    if g.shape != n.shape:
        raise ValueError(f"expected two gradients of one shape, got {g.shape} and {n.shape}")
    if not (np.isfinite(g).all() and np.isfinite(n).all()):
        return math.inf
    g, n = g.ravel(), n.ravel()
    size = max(floor, float(np.linalg.norm(g) + np.linalg.norm(n)))
    return float(np.linalg.norm(g - n)) / size


def grad_check(
    loss: Callable[[Params], Any],
    params: Params,
    grads: Grads,
    h: float | None = None,
    scheme: str = "central",
) -> float:
    """Return the largest relative error of `grads` over all tensors (eq-gradient-check).

    params, grads: lists of (W, b) with equal shapes, in row or in column form; loss(params) is a
    float. Right gradients stay below 1e-6; a real mistake usually gives more
    than 1e-2, a factor close to 1 less.
    """
    params, grads = _check_same_shapes(params, grads)
    exact: Params = [(W.astype(np.float64), b.astype(np.float64)) for W, b in params]
    worst = 0.0
    for k, layer in enumerate(exact):
        for j, tensor in enumerate(layer):
            loss_of_tensor = partial(_loss_with_tensor, loss, exact, k, j)
            measured = numerical_gradient(loss_of_tensor, tensor, h, scheme)
            worst = max(worst, relative_error(grads[k][j], measured))
    return worst


def _loss_with_tensor(
    loss: Callable[[Params], Any], params: Params, k: int, j: int, theta: Array
) -> Any:
    """Return the loss with array j (0 is W, 1 is b) of layer k replaced by theta."""
    W, b = params[k]
    layer = (theta, b) if j == 0 else (W, theta)
    return loss([*params[:k], layer, *params[k + 1 :]])


def _check_same_shapes(params: Params, grads: Grads) -> tuple[Params, Grads]:
    """Require one gradient for each parameter and of its shape; nothing is broadcast."""
    params = _check.pairs(params)
    if len(grads) != len(params):
        raise ValueError(f"grads: expected {len(params)} pairs (dW, db), got {len(grads)}")
    for k, (layer, slopes) in enumerate(zip(params, grads, strict=True)):
        if len(slopes) != len(layer):
            raise ValueError(f"grads[{k}]: expected a pair (dW, db), got {len(slopes)} arrays")
        for j, (p, g) in enumerate(zip(layer, slopes, strict=True)):
            _check.same_shape(**{f"params[{k}][{j}]": p, f"grads[{k}][{j}]": np.asarray(g)})
    return params, grads


def fdm_cost(sizes: Sequence[int], biases: bool = False) -> dict[str, int]:
    """Count multiplications: finite differences against backpropagation (eq-fdm-cost).

    weights         N = Σ nₗ nₗ₋₁  (with biases: + Σ nₗ)
    fdm_mults       (N + 1) · N    one forward pass of N products, and one more for each weight
    backprop_mults  2N + E         N forward, N for all dW, and E = Σ nₗ nₗ₋₁ from layer 2 on for
                                   the e: nobody asks for the error of the input

    sizes: n₀, …, n_L. Without biases 2N + E is 3N − n₀n₁. A bias is one more weight whose input is
    1; it receives no error of its own, so E is the same with biases.
    """
    sizes = _check.layer_sizes(sizes)
    pairs = [n_in * n_out for n_in, n_out in pairwise(sizes)]
    N = sum(pairs) + (sum(sizes[1:]) if biases else 0)
    errors = sum(pairs[1:])
    return {"weights": N, "fdm_mults": (N + 1) * N, "backprop_mults": 2 * N + errors}
