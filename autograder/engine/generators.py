"""Random inputs that let no mistake hide.

A wrong transpose passes every shape check when sizes are equal, and a wrong entry when sizes
differ; a weight of ±1 hides w against 1/w, an activation of 1 hides that it was forgotten, and
residuals that sum to zero hide a lost bias. The helpers here keep such coincidences out:

    sizes(rng, n, avoid)     n pairwise different sizes
    generic(rng, *shape)     numbers away from 0 and ±1, and from each other in size
    column_net, row_net      parameters of a net in either storage, `square=True` for equal sizes
    targets(rng, m, K)       one-hot rows of which no class sum hides a sign
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Net = list[tuple[Floats, Floats]]


def sizes(
    rng: np.random.Generator, n: int, low: int = 2, high: int = 6, avoid: tuple[int, ...] = ()
) -> list[int]:
    """Return n pairwise different sizes in low … high, none of them in `avoid`."""
    choices = [size for size in range(low, high + 1) if size not in avoid]
    if len(choices) < n:
        raise ValueError(f"expected at least {n} sizes to choose from, got {choices}")
    return [int(size) for size in rng.permutation(choices)[:n]]


def generic(rng: np.random.Generator, *shape: int, low: float = 0.15, high: float = 2.0) -> Floats:
    """Return numbers with |x| between low and high, not within 0.05 of 1, of both signs."""
    size = rng.uniform(low, high - 0.1 if low < 0.95 < high else high, size=shape)
    if low < 0.95 < high:
        size = np.where(size > 0.95, size + 0.1, size)  # leaves out 0.95 … 1.05
    signs = np.where(rng.random(shape) < 0.5, -1.0, 1.0)
    if signs.size > 1:  # both signs occur
        signs.flat[0], signs.flat[-1] = 1.0, -1.0
    return np.asarray(size * signs, dtype=np.float64)


def layer_sizes(rng: np.random.Generator, layers: int, square: bool = False) -> list[int]:
    """Return layers + 1 sizes: pairwise different, or all equal."""
    if square:
        return [int(rng.integers(2, 5))] * (layers + 1)
    return sizes(rng, layers + 1, high=max(6, layers + 3))


def column_net(rng: np.random.Generator, sizes: list[int], scale: float = 1.0) -> Net:
    """Return [(W (n_l, n_{l−1}), b (n_l,)), …] for one example as a column."""
    pairs = zip(sizes[1:], sizes[:-1], strict=True)
    return [(scale * generic(rng, to, of), scale * generic(rng, to)) for to, of in pairs]


def row_net(rng: np.random.Generator, sizes: list[int], scale: float = 1.0) -> Net:
    """Return [(W (n_{l−1}, n_l), b (1, n_l)), …] for a batch of rows."""
    pairs = zip(sizes[1:], sizes[:-1], strict=True)
    return [(scale * generic(rng, of, to), scale * generic(rng, 1, to)) for to, of in pairs]


def labels(rng: np.random.Generator, m: int, K: int) -> npt.NDArray[np.int64]:
    """Return m class numbers that are not all the same when m > 1."""
    found = rng.integers(0, K, size=m)
    if m > 1 and K > 1 and len(set(found.tolist())) == 1:
        found[0] = (found[0] + 1) % K
    return np.asarray(found, dtype=np.int64)


def targets(rng: np.random.Generator, m: int, K: int) -> Floats:
    """Return m one-hot rows of K classes."""
    return np.asarray(np.eye(K)[labels(rng, m, K)], dtype=np.float64)


def probabilities(rng: np.random.Generator, m: int, K: int) -> Floats:
    """Return m rows of K probabilities between about 0.02 and 0.9 that sum to one."""
    scores = np.exp(rng.uniform(-1.5, 1.5, size=(m, K)))
    return np.asarray(scores / scores.sum(axis=1, keepdims=True), dtype=np.float64)
