"""The names for shapes of data that every other module uses in its type hints."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

# Entries float32 or float64 (checked by `_check`); complex only during a complex step (lesson 11).
Array = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.intp]
ArrayLike = npt.ArrayLike

# An activation or its derivative: element by element, same shape out (softmax: row by row).
Func = Callable[[Any], Any]

# One (W, b) per layer, in column form W[to, from] or in row form W[from, to].
Pair = tuple[Array, Array]
Params = list[Pair]
Grads = list[Pair]

# What the forward pass keeps for the backward pass: "z" has L entries, "a" has L + 1.
Cache = dict[str, list[Array]]
