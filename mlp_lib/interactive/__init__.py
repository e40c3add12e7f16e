"""Figures that move: widgets in Jupyter, and the same figures on a page without a kernel."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlp_lib.interactive.activations import Activations
    from mlp_lib.interactive.approximation import Approximation
    from mlp_lib.interactive.backprop import BackpropStepper
    from mlp_lib.interactive.bridge import BatchBridge
    from mlp_lib.interactive.chain import Chain
    from mlp_lib.interactive.descent import GradientDescent
    from mlp_lib.interactive.dropout import Dropout
    from mlp_lib.interactive.forward import Forward
    from mlp_lib.interactive.gradcheck import GradientCheck
    from mlp_lib.interactive.graph import Graph
    from mlp_lib.interactive.losses import Losses
    from mlp_lib.interactive.neuron import Neuron
    from mlp_lib.interactive.outer import OuterProduct
    from mlp_lib.interactive.perceptron import Perceptron
    from mlp_lib.interactive.playground import Playground
    from mlp_lib.interactive.shapes import Shapes
    from mlp_lib.interactive.softmax import Softmax
    from mlp_lib.interactive.vanishing import Vanishing

__all__ = [
    "Activations",
    "Approximation",
    "BackpropStepper",
    "BatchBridge",
    "Chain",
    "Dropout",
    "Forward",
    "GradientCheck",
    "GradientDescent",
    "Graph",
    "Losses",
    "Neuron",
    "OuterProduct",
    "Perceptron",
    "Playground",
    "Shapes",
    "Softmax",
    "Vanishing",
]

# Class → module; loaded when first asked for, so that importing one figure loads one.
_HOME = {
    "Activations": "activations",
    "Approximation": "approximation",
    "BackpropStepper": "backprop",
    "BatchBridge": "bridge",
    "Chain": "chain",
    "Dropout": "dropout",
    "Forward": "forward",
    "GradientCheck": "gradcheck",
    "GradientDescent": "descent",
    "Graph": "graph",
    "Losses": "losses",
    "Neuron": "neuron",
    "OuterProduct": "outer",
    "Perceptron": "perceptron",
    "Playground": "playground",
    "Shapes": "shapes",
    "Softmax": "softmax",
    "Vanishing": "vanishing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
