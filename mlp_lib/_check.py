"""Checks of the inputs, one line each where they are used, so that the mathematics stays in view.

Every message has the form "name: expected …, got …".
"""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlp_lib._types import Array, IntArray, Params

_NUMPY = (np.ndarray, np.generic)
_ROUNDING = 1e-6  # a float32 mean of probabilities may lie this far outside [0, 1]


def as_real(name: str, x: Any, dtype: npt.DTypeLike = np.float64) -> Array:
    """Return x as an array of floats: numpy floats keep their dtype, all else takes `dtype`."""
    try:
        array = np.asarray(x)
    except ValueError:
        raise ValueError(
            f"{name}: expected a rectangular array of numbers, got rows of unequal length"
        ) from None
    if array.dtype.kind == "c" or (array.dtype.kind == "f" and isinstance(x, _NUMPY)):
        return array
    if array.dtype.kind in "fiub":
        return array.astype(dtype)
    raise TypeError(f"{name}: expected an array of real numbers, got dtype {array.dtype}")


def finite(name: str, x: Array) -> Array:
    """Return x if no entry is nan or infinite."""
    bad = np.argwhere(~np.isfinite(x))
    if len(bad):
        where = tuple(map(int, bad[0]))
        raise ValueError(f"{name}: expected finite numbers, got {x[where]} at index {where}")
    return x


def reals(**arrays: Any) -> list[Array]:
    """Return the arrays as floats, all entries finite: `x, y = reals(x=x, y=y)`.

    Integers, Python numbers and lists take the dtype of the first float array beside them, so that
    float32 stays float32.
    """
    floats = (x.dtype for x in arrays.values() if isinstance(x, _NUMPY) and x.dtype.kind == "f")
    dtype = next(floats, np.dtype(np.float64))
    return [finite(name, as_real(name, x, dtype)) for name, x in arrays.items()]


def no_integers(name: str, x: Any) -> None:
    """Refuse an integer array of parameters.

    A parameter moves in small steps, and an integer array would cut every step to a whole number.
    """
    if isinstance(x, np.ndarray) and x.dtype.kind in "iub":
        raise TypeError(
            f"{name}: expected a parameter array of floats, got dtype {x.dtype} "
            f"(small updates would be cut to whole numbers; use {name}.astype(float))"
        )


def params(**arrays: Any) -> list[Array]:
    """Return arrays of parameters: as `reals`, but an integer array is refused."""
    for name, x in arrays.items():
        no_integers(name, x)
    return reals(**arrays)


def arrays(spec: str, trainable: str = "", **xs: Any) -> list[Array]:
    """Everything at once: floats, finite, shapes as in `shapes`, no integers where trainable.

    `X, W = arrays("m d, d K", trainable="W", X=X, W=W)`
    """
    for name in trainable.split():
        no_integers(name, xs[name])
    checked = reals(**xs)
    shapes(spec, **dict(zip(xs, checked, strict=True)))
    return checked


def pairs(layers: Any, name: str = "params") -> Params:
    """Return a list of (W, b), one pair per layer: arrays of finite floats, integers refused."""
    if not isinstance(layers, Sequence) or not layers:
        raise TypeError(f"{name}: expected a list of (W, b) pairs, got {type(layers).__name__}")
    checked = []
    for k, pair in enumerate(layers):
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise TypeError(f"{name}[{k}]: expected a pair (W, b), got {type(pair).__name__}")
        W, b = params(**{f"{name}[{k}][0]": pair[0], f"{name}[{k}][1]": pair[1]})
        checked.append((W, b))
    return checked


def shapes(spec: str, **arrays: Array) -> dict[str, int]:
    """Compare the arrays with a spec such as "m d, m K, ()" and return what each name stands for.

    A name stands for the same size wherever it occurs, a number for itself, () for a single number.
    Nothing is broadcast.
    """
    size: dict[str, int] = {}
    for (name, x), dims in zip(arrays.items(), spec.split(","), strict=True):
        expected = dims.replace("()", "").split()
        found = dict(zip(expected, x.shape, strict=False))
        fits = len(expected) == x.ndim and all(
            n == (int(d) if d.isdigit() else size.get(d, n)) and found[d] == n
            for d, n in zip(expected, x.shape, strict=False)
        )
        if not fits:
            comma = "," if len(expected) == 1 else ""
            words = f"({', '.join(expected)}{comma})"
            known = [f"{d} = {size[d]}" for d in expected if d in size]
            given = f" with {', '.join(known)}" if known else ""
            raise ValueError(f"{name}: expected shape {words}{given}, got {x.shape}")
        size.update({d: n for d, n in found.items() if not d.isdigit()})
    return size


def same_shape(**arrays: Array) -> None:
    """Require that all arrays have the shape of the first one; nothing is broadcast."""
    (first, reference), *others = arrays.items()
    for name, x in others:
        if x.shape != reference.shape:
            raise ValueError(
                f"{name}: expected the shape of {first}, {reference.shape}, got {x.shape}"
            )


def ndim(name: str, x: Array, *allowed: int) -> None:
    """Require one of the allowed numbers of axes, and at least one entry."""
    if x.ndim not in allowed or x.size == 0:
        words = " or ".join(map(str, allowed))
        raise ValueError(f"{name}: expected a non-empty array with {words} axes, got {x.shape}")


def probabilities(**arrays: Array) -> None:
    """Require entries between 0 and 1."""
    for name, x in arrays.items():
        outside = np.argwhere((x.real < -_ROUNDING) | (x.real > 1 + _ROUNDING))
        if len(outside):
            where = tuple(map(int, outside[0]))
            raise ValueError(
                f"{name}: expected probabilities between 0 and 1, got {x[where]} at index {where} "
                "(scores become probabilities through sigmoid or softmax)"
            )


def unit_rows(name: str, Y: Array) -> None:
    """Require that the entries of every row sum to 1, as in one-hot targets."""
    totals = np.atleast_1d(Y.sum(axis=-1))
    wrong = np.flatnonzero(np.abs(totals - 1) > 10 * _ROUNDING)
    if len(wrong):
        i = int(wrong[0])
        raise ValueError(
            f"{name}: expected rows that sum to 1, as one-hot targets do, "
            f"got the sum {totals[i]:g} in row {i}"
        )


def signs(name: str, y: Array) -> None:
    """Require labels −1 and +1."""
    wrong = np.argwhere((y != 1) & (y != -1))
    if len(wrong):
        where = tuple(map(int, wrong[0]))
        raise ValueError(f"{name}: expected labels -1 or +1, got {y[where]} at index {where}")


def class_labels(name: str, labels: Any, K: int) -> IntArray:
    """Return whole numbers between 0 and K − 1, shape (m,)."""
    array = np.asarray(labels)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(f"{name}: expected integers (class numbers), got dtype {array.dtype}")
    if array.ndim != 1:
        raise ValueError(f"{name}: expected shape (m,), got {array.shape}")
    wrong = np.flatnonzero((array < 0) | (array >= K))
    if len(wrong):
        i = int(wrong[0])
        raise ValueError(
            f"{name}: expected class numbers from 0 to {K - 1}, got {array[i]} at index {i}"
        )
    return array.astype(np.intp)


def scalar(name: str, x: Any, low: float = -np.inf, high: float = np.inf) -> float:
    """Return one finite number, low ≤ x ≤ high, as a Python float (which keeps float32 arrays)."""
    if np.ndim(x) != 0 or isinstance(x, (str, bytes)) or np.iscomplexobj(x):
        raise TypeError(f"{name}: expected one real number, got {x!r}")
    value = float(x)
    if not (np.isfinite(value) and low <= value <= high):
        raise ValueError(f"{name}: expected a finite number from {low:g} to {high:g}, got {x!r}")
    return value


def integer(name: str, n: Any, low: int, high: int | None = None) -> int:
    """Return a whole number with low ≤ n (≤ high)."""
    if isinstance(n, (bool, np.bool_)) or not isinstance(n, (int, np.integer)):
        raise TypeError(f"{name}: expected a whole number, got {n!r}")
    if n < low or (high is not None and n > high):
        limit = f"at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name}: expected a whole number {limit}, got {n}")
    return int(n)


def choice(name: str, value: Any, options: Collection[str]) -> None:
    """Require one of the known names."""
    if value not in options:
        raise ValueError(f"{name}: expected one of {', '.join(sorted(options))}; got {value!r}")


def generator(rng: Any, name: str = "rng") -> np.random.Generator:
    """Require a numpy random generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{name}: expected a generator such as np.random.default_rng(0), got {rng!r}"
        )
    return rng
