"""Where each equation is that the bank points to: lesson → labels, without their "eq-".

A step often points back to an earlier lesson. `tests/autograder/bank/test_equations.py` compares
this table with the lessons; `check` makes its links from it.
"""

from __future__ import annotations

EQUATIONS: dict[str, str] = {
    "01-neuron": """
        bias-unit neuron perceptron pla sgn weighted-sum
    """,
    "02-softmax": """
        one-hot softmax softmax-shift
    """,
    "03-losses": """
        accuracy bce bce-multi cce grad-half-sse grad-mse half-sse likelihood mse nll
    """,
    "04-output-delta": """
        cce-error delta delta-rule linear-regression-grads output-delta softmax-delta
        softmax-jacobian softmax-regression-grads softmax-roads softmax-vjp
    """,
    "05-gradient-descent": """
        gd-path gd-update minibatch updates-per-epoch
    """,
    "06-forward": """
        collapse forward-batch mlp-forward xor xor-gates xor-inequalities
    """,
    "07-activations": """
        d-gelu d-leaky-relu d-relu d-sigmoid d-tanh gelu gelu-tanh leaky-relu relu sigmoid step
        tanh
    """,
    "08-chain": """
        chain-backward chain-delta-e chain-forward
    """,
    "09-backprop": """
        error-sum error-to-previous hidden-delta mlp-backward output-delta-softmax path-product
        path-sum weight-gradient
    """,
    "10-batch": """
        backward-batch batch-singles error-backward layer-deltas linear-backward to-col to-row
        weight-backward
    """,
    "11-gradient-check": """
        best-step central-difference difference-error fdm-cost forward-difference gradient-check
        relative-error
    """,
    "12-training": """
        fit-1d fit-xor init-normal init-zeros mean-loss training-loop
    """,
    "13-deep": """
        chain-product d-dropout dropout dropout-expectation grad-norm vanish
    """,
    "14-autodiff": """
        jacobian jacobian-size jacobian-w linear-vjp reverse-mode
    """,
}

HOME = {f"eq-{name}": lesson for lesson, names in EQUATIONS.items() for name in names.split()}
