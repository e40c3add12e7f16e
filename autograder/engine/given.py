"""Callables that a case may hand to a student's function, as source text.

A case names them by `Fn("sigmoid")`. They travel as text because they run beside the student's
code, where nothing of the course can be imported. A step adds its own through `Step.given`.
Every text stands alone and works for arrays of any shape and for complex numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autograder.inside.runner import Tree

GIVEN: dict[str, str] = {
    "identity": "def identity(z):\n    return 1.0 * np.asarray(z)\n",
    "d_identity": "def d_identity(z):\n    return np.ones_like(np.asarray(z) * 1.0)\n",
    "sigmoid": "def sigmoid(z):\n    return 0.5 * (1 + np.tanh(0.5 * np.asarray(z)))\n",
    "d_sigmoid": (
        "def d_sigmoid(z):\n    s = np.tanh(0.5 * np.asarray(z))\n    return 0.25 * (1 - s * s)\n"
    ),
    "tanh": "def tanh(z):\n    return np.tanh(z)\n",
    "d_tanh": "def d_tanh(z):\n    return 1 - np.tanh(z) ** 2\n",
    "relu": "def relu(z):\n    z = np.asarray(z)\n    return np.where(z.real > 0, z, 0.0)\n",
    "d_relu": "def d_relu(z):\n    return np.where(np.asarray(z).real > 0, 1.0, 0.0)\n",
    "softplus": "def softplus(z):\n    return np.log1p(np.exp(z))\n",
    "d_softplus": "def d_softplus(z):\n    return 0.5 * (1 + np.tanh(0.5 * np.asarray(z)))\n",
    "sine": "def sine(z):\n    return np.sin(z)\n",
    "d_sine": "def d_sine(z):\n    return np.cos(z)\n",
    "softmax": (
        "def softmax(Z):\n"
        "    Z = np.asarray(Z)\n"
        "    E = np.exp(Z - Z.real.max(axis=-1, keepdims=True))\n"
        "    return E / E.sum(axis=-1, keepdims=True)\n"
    ),
}


def named(tree: Tree) -> set[str]:
    """Return the names of all `Fn` markers in a tree."""
    if isinstance(tree, dict):
        if "$fn" in tree:
            return {str(tree["$fn"])}
        return set().union(*(named(item) for item in tree.values()))
    if isinstance(tree, list | tuple):
        return set().union(*(named(item) for item in tree))
    return set()


def drawn(args: Iterable[Tree], kwargs: Mapping[str, Tree]) -> bool:
    """Tell whether a generator is among the arguments of a call."""
    return any(isinstance(arg, dict) and "$rng" in arg for arg in (*args, *kwargs.values()))


def source_of(names: Iterable[str], own: Mapping[str, str]) -> str:
    """Return the text that defines these callables; a step's own come first."""
    return "\n".join(own.get(name) or GIVEN[name] for name in sorted(set(names)))
