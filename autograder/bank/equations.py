"""Where each equation is that the bank points to: lesson → section → labels, without their "eq-".

A step often points back to an earlier lesson. `check` makes its links from this table, and where
the book has no address it names the section, which a reader finds in the book's own contents.
`tests/autograder/bank/test_equations.py` compares the table with the lessons.
"""

from __future__ import annotations

EQUATIONS: dict[str, dict[str, str]] = {
    "01-neuron": {
        "A weighted sum, written four ways": "weighted-sum",
        "The neuron": "neuron",
        "The bias is a weight too": "bias-unit",
        "The perceptron": "sgn perceptron",
        "The learning rule": "pla",
    },
    "02-softmax": {
        "Representing a class": "one-hot",
        "From scores to probabilities": "softmax",
        "A shift changes nothing": "softmax-shift",
    },
    "03-losses": {
        "Why not count the mistakes?": "accuracy",
        "Squared error": "half-sse grad-half-sse mse grad-mse",
        "A loss out of a probability": "likelihood nll",
        "Yes or no: binary cross-entropy": "bce",
        "One of several: categorical cross-entropy": "cce",
        "Several tags: $K$ binary cross-entropies": "bce-multi",
    },
    "04-output-delta": {
        "Two questions instead of one": "delta",
        "Through the Jacobian": (
            "cce-error softmax-jacobian softmax-roads softmax-vjp softmax-delta"
        ),
        "The same δ three times": "output-delta",
        "From δ to the weights": "delta-rule",
        "A whole batch: a first look at the row form": "softmax-regression-grads",
        "The other two models": "linear-regression-grads",
    },
    "05-gradient-descent": {
        "The numbers first": "gd-path gd-update",
        "How many examples before a step": "minibatch updates-per-epoch",
    },
    "06-forward": {
        "The numbers first": "xor-inequalities",
        "First cure: a better input": "xor",
        "Second cure: a hidden layer": "xor-gates",
        "Forward, one example": "mlp-forward",
        "Forward, a batch": "forward-batch",
        "Linear layers collapse": "collapse",
    },
    "07-activations": {
        "Sigmoid": "sigmoid d-sigmoid",
        "Tanh": "tanh d-tanh",
        "ReLU and its leaky sister": "relu d-relu leaky-relu d-leaky-relu",
        "GELU, softplus, Gudermannian": "gelu d-gelu gelu-tanh",
        "Identity and step": "step",
    },
    "08-chain": {
        "Forward, and keep everything": "chain-forward",
        "What the three derivatives share": "chain-delta-e",
        "A start and three relations": "chain-backward",
    },
    "09-backprop": {
        "The numbers first": "path-product path-sum",
        "One step back through a weight matrix": "error-sum error-to-previous",
        "Through the nonlinearity": "hidden-delta",
        "What a weight gets": "weight-gradient",
        "The start: the output layer": "output-delta-softmax",
        "The whole pass": "mlp-backward",
    },
    "10-batch": {
        "Step 1: forward, and how W is stored": "to-row to-col",
        "Step 2: the weights, where the batch is summed": "batch-singles",
        "Step 3: the biases": "weight-backward",
        "Step 4: the error, where nothing is summed over examples": (
            "error-backward linear-backward"
        ),
        "The whole pass": "layer-deltas backward-batch",
    },
    "11-gradient-check": {
        "The mathematics: a larger step is worse": "forward-difference central-difference",
        "The machine: a smaller step is worse": "difference-error best-step",
        "What it costs": "fdm-cost",
        "When are two gradients equal?": "relative-error gradient-check",
    },
    "12-training": {
        "The numbers first": "mean-loss",
        "The loop": "training-loop",
        "Where to start": "init-zeros init-normal",
        "Learning XOR": "fit-xor",
        "Three units, four functions": "fit-1d",
    },
    "13-deep": {
        "Layer by layer": "chain-product",
        "In a whole network": "grad-norm vanish",
        "Dropout": "dropout dropout-expectation d-dropout",
    },
    "14-autodiff": {
        "The Jacobian, in two layouts": "jacobian",
        "The Jacobian of a linear layer": "jacobian-w jacobian-size linear-vjp",
        "Any computation is a graph": "reverse-mode",
    },
}

HOME: dict[str, str] = {}
"""Label → lesson."""
SECTION: dict[str, str] = {}
"""Label → heading of the section, in plain words."""

for _lesson, _sections in EQUATIONS.items():
    for _heading, _names in _sections.items():
        for _name in _names.split():
            HOME[f"eq-{_name}"] = _lesson
            SECTION[f"eq-{_name}"] = _heading.replace("$", "")
