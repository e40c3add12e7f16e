import re
import subprocess
import sys
from pathlib import Path

import pytest

import mlp_lib

PACKAGE = Path(mlp_lib.__file__).parent


def test_importing_the_package_loads_numpy_and_nothing_heavier():
    heavy = ["matplotlib", "sklearn", "anywidget", "ipywidgets", "IPython", "tqdm", "torch"]
    code = f"import sys, mlp_lib; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_exists_once_and_says_what_it_does():
    assert len(mlp_lib.__all__) == len(set(mlp_lib.__all__))
    for name in mlp_lib.__all__:
        thing = getattr(mlp_lib, name)
        if callable(thing):
            assert thing.__doc__, name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'mlp_lib' has no attribute 'sigmod'"):
        mlp_lib.sigmod  # noqa: B018


STEPS = [
    "neuron_forward",
    "perceptron_train",
    "one_hot",
    "softmax",
    "half_sse",
    "mse",
    "grad_half_sse",
    "grad_mse",
    "bce",
    "cce",
    "likelihood",
    "nll",
    "bce_multi",
    "output_delta",
    "weight_grad",
    "softmax_regression_grads",
    "gd_update",
    "gd_path",
    "iterate_minibatches",
    "updates_per_epoch",
    "xor_gate_net",
    "mlp_forward",
    "collapse_linear",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "gelu",
    "identity",
    "step",
    "d_sigmoid",
    "d_tanh",
    "d_relu",
    "d_leaky_relu",
    "d_gelu",
    "chain_forward",
    "chain_backward",
    "error_to_previous",
    "hidden_delta",
    "mlp_backward",
    "path_gradient",
    "softmax_jacobian",
    "softmax_vjp",
]


@pytest.mark.parametrize("name", STEPS)
def test_the_answer_to_a_step_names_its_equation(name):
    assert name in mlp_lib.__all__
    assert re.search(r"\(eq-[a-z0-9-]+\)", getattr(mlp_lib, name).__doc__)


def test_equation_labels_are_written_as_the_book_writes_them():
    for path in PACKAGE.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        for labels in re.findall(r"\((eq-[^)]*)\)", text):
            for label in labels.split(", "):
                assert re.fullmatch(r"eq-[a-z0-9]+(-[a-z0-9]+)*", label), f"{path.name}: {label}"
