"""The reference of the course: neural networks and their gradients in numpy, one idea a file.

A way to read it: _types · neuron, perceptron · encoding, softmax · losses · delta, regression ·
descent · col (forward), activations · chain · col (backward) · batch, bridge · numgrad · init,
data, optimisers, network, training · regularisation, diagnostics · jacobian, autodiff. Two files
can wait: _check (every refusal and its words) and _fast (training without new arrays).

Functions never change their arguments; what changes is objects made for it: a network under `fit`,
θ under an optimiser's `update`, a `Value` under `backward`. float32 stays float32. Randomness comes
from a generator that the caller passes in, or from a seed in the experiments `fit_xor`, `fit_1d`
and `layer_grad_norms`; dropout_forward(rng=None) alone draws a mask that no seed repeats.
"""

import importlib
from typing import Any

from mlp_lib.activations import (
    ACTIVATIONS,
    Activation,
    d_gelu,
    d_gelu_tanh,
    d_gudermannian,
    d_identity,
    d_leaky_relu,
    d_relu,
    d_sigmoid,
    d_softplus,
    d_step,
    d_tanh,
    gelu,
    gelu_tanh,
    get_activation,
    gudermannian,
    identity,
    leaky_relu,
    relu,
    sigmoid,
    softplus,
    step,
    tanh,
)
from mlp_lib.autodiff import Value, draw_graph, topological_order
from mlp_lib.batch import layer_deltas, linear_backward, mlp_backward_batch, mlp_forward_batch
from mlp_lib.bridge import batch_from_singles, to_col, to_row
from mlp_lib.chain import chain_backward, chain_forward
from mlp_lib.col import (
    collapse_linear,
    error_to_previous,
    hidden_delta,
    mlp_backward,
    mlp_forward,
    path_gradient,
    path_products,
    paths,
    xor_gate_net,
)
from mlp_lib.data import (
    FUNCTIONS_1D,
    circles,
    digits,
    gaussians,
    moons,
    sample_1d,
    spiral,
    train_test_split,
    xor,
)
from mlp_lib.delta import output_delta, weight_grad
from mlp_lib.descent import gd_path, gd_update, iterate_minibatches, updates_per_epoch
from mlp_lib.diagnostics import (
    chain_gradient,
    dead_unit_counts,
    dead_units,
    delta_stats,
    embedding,
    grad_norms,
    layer_grad_norms,
)
from mlp_lib.encoding import labels_of, one_hot
from mlp_lib.init import INIT_SCHEMES, init_params
from mlp_lib.jacobian import full_jacobian_W, full_jacobian_X, jacobian_entries, linear_vjp
from mlp_lib.losses import (
    LOSSES,
    Loss,
    accuracy,
    bce,
    bce_multi,
    cce,
    get_loss,
    grad_bce,
    grad_cce,
    grad_half_sse,
    grad_hinge,
    grad_mse,
    half_sse,
    hinge,
    likelihood,
    mse,
    nll,
)
from mlp_lib.network import MLP
from mlp_lib.neuron import neuron_forward
from mlp_lib.numgrad import fdm_cost, grad_check, numerical_gradient, relative_error
from mlp_lib.optimisers import OPTIMISERS, SGD, Adam, Momentum, Nesterov, RMSProp
from mlp_lib.perceptron import perceptron_predict, perceptron_train, sgn
from mlp_lib.regression import (
    fit_linear,
    fit_linear_svm,
    fit_logistic,
    fit_softmax,
    linear_regression_grads,
    linear_svm_grads,
    logistic_regression_grads,
    softmax_regression_grads,
)
from mlp_lib.regularisation import (
    EarlyStopping,
    add_grads,
    dropout_backward,
    dropout_forward,
    gradient_is_small,
    l1_grads,
    l1_penalty,
    l2_grads,
    l2_penalty,
    loss_is_flat,
)
from mlp_lib.softmax import log_softmax, softmax, softmax_jacobian, softmax_vjp
from mlp_lib.training import fit, fit_1d, fit_xor, train_mlp

__all__ = [
    "ACTIVATIONS",
    "FUNCTIONS_1D",
    "INIT_SCHEMES",
    "LOSSES",
    "MLP",
    "OPTIMISERS",
    "SGD",
    "Activation",
    "Adam",
    "EarlyStopping",
    "Loss",
    "Momentum",
    "Nesterov",
    "RMSProp",
    "Value",
    "accuracy",
    "add_grads",
    "batch_from_singles",
    "bce",
    "bce_multi",
    "cce",
    "chain_backward",
    "chain_forward",
    "chain_gradient",
    "circles",
    "collapse_linear",
    "d_gelu",
    "d_gelu_tanh",
    "d_gudermannian",
    "d_identity",
    "d_leaky_relu",
    "d_relu",
    "d_sigmoid",
    "d_softplus",
    "d_step",
    "d_tanh",
    "dead_unit_counts",
    "dead_units",
    "delta_stats",
    "digits",
    "draw_graph",
    "dropout_backward",
    "dropout_forward",
    "embedding",
    "error_to_previous",
    "fdm_cost",
    "fit",
    "fit_1d",
    "fit_linear",
    "fit_linear_svm",
    "fit_logistic",
    "fit_softmax",
    "fit_xor",
    "full_jacobian_W",
    "full_jacobian_X",
    "gaussians",
    "gd_path",
    "gd_update",
    "gelu",
    "gelu_tanh",
    "get_activation",
    "get_loss",
    "grad_bce",
    "grad_cce",
    "grad_check",
    "grad_half_sse",
    "grad_hinge",
    "grad_mse",
    "grad_norms",
    "gradient_is_small",
    "gudermannian",
    "half_sse",
    "hidden_delta",
    "hinge",
    "identity",
    "init_params",
    "iterate_minibatches",
    "jacobian_entries",
    "l1_grads",
    "l1_penalty",
    "l2_grads",
    "l2_penalty",
    "labels_of",
    "layer_deltas",
    "layer_grad_norms",
    "leaky_relu",
    "likelihood",
    "linear_backward",
    "linear_regression_grads",
    "linear_svm_grads",
    "linear_vjp",
    "log_softmax",
    "logistic_regression_grads",
    "loss_is_flat",
    "mlp_backward",
    "mlp_backward_batch",
    "mlp_forward",
    "mlp_forward_batch",
    "moons",
    "mse",
    "neuron_forward",
    "nll",
    "numerical_gradient",
    "one_hot",
    "output_delta",
    "path_gradient",
    "path_products",
    "paths",
    "perceptron_predict",
    "perceptron_train",
    "relative_error",
    "relu",
    "sample_1d",
    "sgn",
    "sigmoid",
    "softmax",
    "softmax_jacobian",
    "softmax_regression_grads",
    "softmax_vjp",
    "softplus",
    "spiral",
    "step",
    "tanh",
    "to_col",
    "to_row",
    "topological_order",
    "train_mlp",
    "train_test_split",
    "updates_per_epoch",
    "weight_grad",
    "xor",
    "xor_gate_net",
]

_LAZY = ("plots", "interactive")  # they need matplotlib and anywidget


def __getattr__(name: str) -> Any:
    """Load the drawing modules when they are first asked for."""
    if name in _LAZY:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
