"""Random numbers that are the same in every language, to the last bit; the twin of random.js.

A counter goes through a mixer (the end of murmur3), so that each seed has a sequence of its own.
The methods have the names of `numpy.random.Generator`, and fill an array row by row.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Shape = int | tuple[int, ...]
GOLDEN = 0x9E3779B9


def _mix(x: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    y = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    z = (y ^ (y >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return z ^ (z >> np.uint32(16))


class Random:
    """A seeded source of numbers."""

    def __init__(self, seed: int) -> None:
        self._at = int(_mix(np.array([seed + 1], np.uint32))[0])

    def random(self, size: Shape) -> Floats:
        """Numbers spread evenly over [0, 1)."""
        n = math.prod(size) if isinstance(size, tuple) else size
        counter = self._at + GOLDEN * np.arange(1, n + 1, dtype=np.uint64)
        self._at = (self._at + GOLDEN * n) % 2**32
        bits = _mix((counter % 2**32).astype(np.uint32))
        return np.asarray(bits / 2**32, np.float64).reshape(size)

    def uniform(self, low: float, high: float, size: Shape) -> Floats:
        """Numbers spread evenly over [low, high)."""
        return low + (high - low) * self.random(size)

    def below(self, n: int, size: Shape) -> npt.NDArray[np.int64]:
        """Whole numbers 0 … n − 1."""
        return np.floor(n * self.random(size)).astype(np.int64)

    def standard_normal(self, size: Shape) -> Floats:
        """Like a normal distribution: sums of twelve, which no rounding touches."""
        shape = size if isinstance(size, tuple) else (size,)
        sums: Floats = self.random((*shape, 12)).sum(-1) - 6
        return sums
