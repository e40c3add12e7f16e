"""The bank: every graded step of the course, one file per lesson, loaded when it is asked for."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
from collections.abc import Iterator

from autograder.engine.step import Step

FILES: dict[str, tuple[str, ...]] = {
    "l01_neuron": ("neuron-forward", "perceptron-train"),
    "l02_softmax": ("one-hot", "softmax"),
    "l03_losses": ("squared-error", "bce", "cce", "likelihood"),
    "l04_output_delta": ("output-delta", "weight-grad", "softmax-regression-grads"),
    "l05_gradient_descent": ("gd-update", "gd-path", "minibatches"),
    "l06_forward": ("xor-gate-net", "mlp-forward", "mlp-forward-batch", "collapse-linear"),
    "l07_activations": ("activations", "activation-derivatives"),
    "l08_chain": ("chain-forward", "chain-backward"),
    "l09_backprop": ("error-to-previous", "hidden-delta", "mlp-backward", "path-gradient"),
    "l10_batch": ("batch-from-singles", "linear-backward", "mlp-backward-batch"),
    "l11_gradient_check": ("numerical-gradient", "grad-check"),
    "l12_training": ("train-mlp", "fit-xor", "fit-1d"),
    "l13_deep": ("layer-grad-norms", "dropout"),
    "l14_autodiff": ("softmax-jacobian", "linear-vjp", "value"),
}
"""File → the steps it holds, in teaching order."""


def ids() -> list[str]:
    """Return the ids of all steps, in teaching order."""
    return [step for steps in FILES.values() for step in steps]


def get(step_id: str) -> Step:
    """Return one step; an unknown id is a ValueError that names the nearest ones."""
    for file, steps in FILES.items():
        if step_id in steps:
            return next(step for step in load(file) if step.id == step_id)
    near = difflib.get_close_matches(str(step_id), ids(), n=3, cutoff=0.4)
    known = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known: {ids()}"
    raise ValueError(f"there is no step {step_id!r}; {known}")


def load(file: str) -> tuple[Step, ...]:
    """Return the steps of one lesson file."""
    steps: tuple[Step, ...] = importlib.import_module(f"autograder.bank.{file}").STEPS
    found = tuple(step.id for step in steps)
    if found != FILES[file]:
        raise ValueError(f"autograder/bank/{file}.py: expected steps {FILES[file]}, got {found}")
    return steps


def written() -> list[str]:
    """Return the names of the lesson files that exist."""
    return [f for f in FILES if importlib.util.find_spec(f"autograder.bank.{f}") is not None]


def steps() -> Iterator[Step]:
    """Yield every step, in teaching order."""
    for file in written():
        yield from load(file)
