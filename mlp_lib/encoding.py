"""A class becomes a row of zeros with a single 1, which reads as a list of probabilities."""

from typing import Any

import numpy as np
import numpy.typing as npt

from mlp_lib._check import class_labels, integer, reals
from mlp_lib._types import Array, ArrayLike, IntArray


def one_hot(labels: Any, K: int, dtype: npt.DTypeLike = np.float64) -> Array:
    """Y[i, k] = 1 if labels[i] = k else 0 (eq-one-hot).

    labels: class numbers 0 … K − 1, (m,). Returns (m, K). K is given, not guessed, because the
    last class may be missing from the data.
    """
    K = integer("K", K, low=1)
    return np.eye(K, dtype=dtype)[class_labels("labels", labels, K)]  # (m, K)


def labels_of(Y: ArrayLike) -> IntArray:
    """The class of each row, the column of its largest entry: argmaxₖ Y[i, k] (eq-argmax).

    Y: one-hot rows, probabilities or scores, (m, K) with K ≥ 2. Returns (m,). Undoes `one_hot`.
    """
    (Y,) = reals(Y=Y)
    if Y.ndim != 2 or Y.shape[1] < 2:
        raise ValueError(f"Y: expected shape (m, K) with K of at least 2, got {Y.shape}")
    labels: IntArray = Y.argmax(axis=1)  # (m,)
    return labels
