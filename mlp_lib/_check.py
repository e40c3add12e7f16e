"""Checks of the inputs, one line each where they are used, so that the mathematics stays in view.

Every message has the form "name: expected …, got …".
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
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
    if not np.isfinite(x).all():
        where = tuple(map(int, np.argwhere(~np.isfinite(x))[0]))
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
    A list of whole numbers may stay: it has no dtype, and becomes an array of floats.
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
        found = "an empty list" if isinstance(layers, Sequence) else type(layers).__name__
        raise TypeError(f"{name}: expected a list of (W, b) pairs, got {found}")
    checked = []
    for k, pair in enumerate(layers):
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise TypeError(f"{name}[{k}]: expected a pair (W, b), got {type(pair).__name__}")
        W, b = params(**{f"{name}[{k}][0]": pair[0], f"{name}[{k}][1]": pair[1]})
        checked.append((W, b))
    return checked


def column_form(layers: Any, name: str = "params") -> Params:
    """Return pairs W (n_out, n_in), b (n_out,), each layer taking what the one before it gives."""
    checked = pairs(layers, name)
    _refuse_form(checked, name, (1,), "column form, b of shape (n_out,)", "to_col")
    return _chain(checked, name, "n_out {n_in}, n_out")


def row_form(layers: Any, name: str = "params") -> Params:
    """Return pairs W (n_in, n_out), b (1, n_out), each layer taking what the one before gives."""
    checked = pairs(layers, name)
    _refuse_form(checked, name, (), "row form, b of shape (1, n_out)", "to_row")
    return _chain(checked, name, "{n_in} n_out, 1 n_out")


def passed_cache(passed: Any, n_layers: int) -> tuple[list[Array], list[Array]]:
    """Return z (n_layers entries) and a (one more) of what a forward pass kept."""
    if not (isinstance(passed, Mapping) and {"z", "a"} <= passed.keys()):
        raise TypeError(
            'cache: expected the dict with "z" and "a", the second thing forward returns, '
            f"got {_short(passed)}"
        )
    z, a = passed["z"], passed["a"]
    if (len(z), len(a)) != (n_layers, n_layers + 1):
        raise ValueError(
            f"cache: expected {n_layers} entries of z and {n_layers + 1} of a, "
            f"got {len(z)} and {len(a)}"
        )
    return z, a


def shapes(spec: str, **arrays: Array) -> dict[str, int]:
    """Compare the arrays with a spec such as "m d, m K, ()" and return what each name stands for.

    A name stands for the same size wherever it occurs, a number for itself, () for a single number.
    Nothing is broadcast.
    """
    size: dict[str, int] = {}
    for (name, x), dims in zip(arrays.items(), spec.split(","), strict=True):
        axes = dims.replace("()", "").split()
        known = [f"{d} = {size[d]}" for d in axes if d in size and not d.isdigit()]
        if len(axes) == x.ndim:
            for d, n in zip(axes, x.shape, strict=True):
                size.setdefault(d, int(d) if d.isdigit() else n)
        if tuple(map(size.get, axes)) != x.shape:
            words = f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"
            given = f" with {', '.join(known)}" if known else ""
            raise ValueError(f"{name}: expected shape {words}{given}, got {x.shape}")
    return {d: n for d, n in size.items() if not d.isdigit()}


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


def rows(name: str, X: Array) -> None:
    """Require m examples, one a row: (m, n), m at least 1."""
    if X.ndim != 2 or X.size == 0:
        hint = f" (one example is one row: {name}[None, :])" if X.ndim == 1 else ""
        raise ValueError(f"{name}: expected examples as rows, (m, n), got shape {X.shape}{hint}")


def probabilities(**arrays: Array) -> None:
    """Require entries between 0 and 1."""
    for name, x in arrays.items():
        words = "probabilities between 0 and 1"
        _between_0_and_1(name, x, words, "scores become probabilities through sigmoid or softmax")


def targets(**arrays: Array) -> None:
    """Require entries 0 or 1; what lies between is a target too, a probability."""
    for name, x in arrays.items():
        _between_0_and_1(name, x, "targets 0 or 1", "or probabilities between them")


def unit_rows(name: str, Y: Array, like: str = "one-hot targets do") -> None:
    """Require that the entries of every row sum to 1, as in one-hot targets."""
    totals = np.atleast_1d(Y.sum(axis=-1))
    wrong = np.flatnonzero(np.abs(totals - 1) > 10 * _ROUNDING)
    if len(wrong):
        i = int(wrong[0])
        raise ValueError(
            f"{name}: expected rows that sum to 1, as {like}, got the sum {totals[i]:g} in row {i}"
        )


def target_shape(name: str, Y: Array, m: int, K: int) -> None:
    """Require one row of K targets for each of m examples."""
    if Y.ndim == 1 and K > 1:
        raise ValueError(
            f"{name}: expected one-hot targets of shape ({m}, {K}), got {Y.shape}: "
            f"one_hot(labels, {K}) makes them from class numbers"
        )
    hint = f" ({name}[:, None] has it)" if Y.shape == (m,) else ""
    if Y.shape != (m, K):
        raise ValueError(f"{name}: expected shape ({m}, {K}), got {Y.shape}{hint}")


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
    if isinstance(x, (str, bytes)) or np.ndim(x) != 0 or np.asarray(x).dtype.kind not in "fiub":
        raise TypeError(f"{name}: expected one real number, got {x!r}")
    value = float(x)
    if not (np.isfinite(value) and low <= value <= high):
        raise ValueError(f"{name}: expected a finite number from {low:g} to {high:g}, got {x!r}")
    return value


def integer(name: str, n: Any, low: int, high: int | None = None, hint: str = "") -> int:
    """Return a whole number with low ≤ n (≤ high)."""
    if isinstance(n, (bool, np.bool_)) or not isinstance(n, (int, np.integer)):
        raise TypeError(f"{name}: expected a whole number, got {n!r}")
    if n < low or (high is not None and n > high):
        limit = f"at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name}: expected a whole number {limit}, got {n}{hint}")
    return int(n)


def layer_sizes(sizes: Any) -> list[int]:
    """Return n₀, …, n_L: at least two whole numbers, each at least 1."""
    if not isinstance(sizes, Iterable) or len(listed := list(sizes)) < 2:
        raise ValueError(f"sizes: expected at least two layer sizes such as [2, 3, 1], got {sizes}")
    return [integer(f"sizes[{k}]", n, low=1) for k, n in enumerate(listed)]


def choice(name: str, value: Any, options: Collection[str]) -> None:
    """Require one of the known names."""
    if value not in options:
        raise ValueError(f"{name}: expected one of {', '.join(sorted(options))}; got {value!r}")


def function(example: str, **functions: Any) -> None:
    """Require things that can be called, not their names."""
    for name, f in functions.items():
        if not callable(f):
            raise TypeError(f"{name}: expected a function such as {example}, got {_short(f)}")


def slope_fits(dg: Any, a: list[Array]) -> None:
    """Require a function for g′, and not σ′ where the activations cannot be those of a sigmoid."""
    function("d_relu", dg=dg)
    for k, A in enumerate(a[1:-1] if getattr(dg, "__name__", "") == "d_sigmoid" else [], 1):
        if np.any((A.real < 0) | (A.real > 1)):
            raise ValueError(
                "dg: expected the slope of the activation that made the cache, got d_sigmoid, "
                f"but a[{k}] has entries outside [0, 1]"
            )


def with_update(name: str, x: Any, example: str) -> None:
    """Require an object with a method `update`, not its class and not its name."""
    if isinstance(x, type) or not callable(getattr(x, "update", None)):
        raise TypeError(f"{name}: expected an object such as {example}, got {_short(x)}")


def converging(lr: float, scores: Array) -> Array:
    """Return the scores unless they have grown so large that their squares overflow."""
    if not np.all(np.abs(scores) < np.sqrt(np.finfo(scores.dtype).max)):
        raise ValueError(
            f"lr: expected a learning rate at which the loss falls, got {lr:g}: "
            "gradient descent diverged; try a smaller lr"
        )
    return scores


def generator(rng: Any, name: str = "rng") -> np.random.Generator:
    """Require a numpy random generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{name}: expected a generator such as np.random.default_rng(0), got {rng!r}"
        )
    return rng


def _refuse_form(
    layers: Params, name: str, other: tuple[int, ...], expected: str, convert: str
) -> None:
    """Refuse parameters in the other form: a first bias of shape (*other, n)."""
    b = layers[0][1]
    if b.ndim > 0 and b.shape[:-1] == other:
        raise ValueError(
            f"{name}: expected {expected}, got b of shape {b.shape}: {convert} converts"
        )


def _chain(layers: Params, name: str, spec: str) -> Params:
    """Require the shapes of the spec, and that each layer takes what the one before it gives."""
    n_in: int | str = "n_in"
    for k, (W, b) in enumerate(layers):
        layer = {f"{name}[{k}][0]": W, f"{name}[{k}][1]": b}
        n_in = shapes(spec.format(n_in=n_in), **layer)["n_out"]
    return layers


def _between_0_and_1(name: str, x: Array, expected: str, hint: str) -> None:
    outside = np.argwhere((x.real < -_ROUNDING) | (x.real > 1 + _ROUNDING))
    if len(outside):
        where = tuple(map(int, outside[0]))
        raise ValueError(f"{name}: expected {expected}, got {x[where]} at index {where} ({hint})")


def _short(x: Any) -> str:
    """Say what was given: names and classes as they are written, anything else by its type."""
    return repr(x) if isinstance(x, str) else getattr(x, "__name__", type(x).__name__)
