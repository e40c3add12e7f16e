"""Known mistakes are named when a student makes them, with the functions of the problem set.

The mistakes of the bank are written with the reference's functions. A student's answer uses what
stands at the top of the notebook, raises errors in words of its own, and loops in its own way.
"""

import textwrap

import pytest

from autograder import sets
from autograder.bank import get
from autograder.checking import evaluate
from autograder.engine.render import as_text


def given(name):
    """What the student's notebook defines before the first answer."""
    scope = {}
    for cell in sets.student(name)["cells"]:
        if cell["cell_type"] == "code":
            if "raise NotImplementedError" in cell["source"]:
                break
            exec(cell["source"], scope)
    return scope


REGRESSION = """
def softmax_regression_grads(X, Y, W, b):
    m = len(X)
    P = softmax(X @ W + b)
    E = (P - Y) / m
    return X.T @ E, E.sum(axis=0, keepdims=True)
"""
CHAIN = """
def chain_backward(w, cache, y, dg=d_sigmoid):
    z, a = cache
    L = len(w)
    dw, delta, e = np.zeros(L), np.zeros(L), np.zeros(L)
    error = a[-1] - y
    for l in range(L - 1, -1, -1):
        e[l] = error
        delta[l] = e[l] * dg(z[l])
        dw[l] = delta[l] * a[l]
        error = w[l] * delta[l]
    return dw, delta, e
"""
BACKWARD = """
def mlp_backward(params, cache, y, dg=d_sigmoid):
    L = len(params)
    grads = [None] * L
    delta = cache["a"][-1] - y
    for l in range(L - 1, -1, -1):
        grads[l] = (np.outer(delta, cache["a"][l]), delta)
        if l > 0:
            delta = (params[l][0].T @ delta) * dg(cache["z"][l - 1])
    return grads
"""
TRAINING = """
def train_mlp(X, Y, params0, lr, epochs, b=None, rng=None, hidden="tanh", output="sigmoid"):
    params = [(W.copy(), c.copy()) for W, c in params0]
    history = []
    m = len(X)
    for epoch in range(epochs):
        Yhat, _ = forward(X, params, hidden, output)
        history.append(mean_loss(Yhat, Y, output))
        order = np.arange(m) if b is None else rng.permutation(m)
        size = m if b is None else b
        for i in range(0, m, size):
            rows = order[i : i + size]
            _, cache = forward(X[rows], params, hidden, output)
            grads = backward(params, cache, Y[rows], hidden, output)
            params = [(W - lr * dW, c - lr * db) for (W, c), (dW, db) in zip(params, grads)]
    return params, history
"""
XOR = """
def fit_xor(hidden=4, act="tanh", lr=1.0, epochs=2000, seed=1):
    rng = np.random.default_rng(seed)
    W1 = rng.standard_normal((2, hidden))
    W2 = rng.standard_normal((hidden, 1))
    params = [(W1, np.zeros((1, hidden))), (W2, np.zeros((1, 1)))]
    history = []
    for epoch in range(epochs):
        Yhat, cache = forward(X_XOR, params, act, "sigmoid")
        history.append(mean_loss(Yhat, Y_XOR, "sigmoid"))
        grads = backward(params, cache, Y_XOR, act, "sigmoid")
        params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads)]
    return params, history
"""
CURVE = """
def fit_1d(f, hidden=3, N=50, lr=0.1, epochs=20000, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (N, 1))
    y = f(x)
    W1 = rng.standard_normal((1, hidden))
    b1 = rng.standard_normal((1, hidden))
    W2 = rng.standard_normal((hidden, 1))
    params = [(W1, b1), (W2, np.zeros((1, 1)))]
    for epoch in range(epochs):
        _, cache = forward(x, params, "tanh", "identity")
        grads = backward(params, cache, y, "tanh", "identity")
        params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads)]

    def predict(points):
        points = np.asarray(points)
        values, _ = forward(points.reshape(-1, 1), params, "tanh", "identity")
        return values.reshape(points.shape)

    return predict, float(np.mean((predict(x) - y) ** 2))
"""
DELTA = """
def output_delta(yhat, y, loss, activation):
    if loss == "half_sse" and activation == "identity":
        return yhat - y
    if loss == "half_sse" and activation == "sigmoid":
        return (yhat - y) * yhat * (1 - yhat)
    if loss == "bce" and activation == "sigmoid":
        return yhat - y
    if loss == "cce" and activation == "softmax":
        return yhat - y
    raise ValueError("I do not know this pair")
"""
STEPS = {
    "output-delta": ("ps04-output-delta", DELTA),
    "softmax-regression-grads": ("ps04-output-delta", REGRESSION),
    "chain-backward": ("ps08-chain", CHAIN),
    "mlp-backward": ("ps09-backprop", BACKWARD),
    "train-mlp": ("ps12-training", TRAINING),
    "fit-xor": ("ps12-training", XOR),
    "fit-1d": ("ps12-training", CURVE),
}


def checked(step, *changes):
    name, text = STEPS[step]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    scope = given(name)
    exec(textwrap.dedent(text), scope)
    return evaluate(get(step), scope)


@pytest.mark.parametrize("step", STEPS)
def test_the_unchanged_answers_are_right(step):
    assert checked(step).passed


@pytest.mark.parametrize(
    ("step", "mistake", "changes"),
    [
        (
            "output-delta",
            "no-slope",
            [("(yhat - y) * yhat * (1 - yhat)", "yhat - y")],
        ),
        ("output-delta", "sign", [("yhat - y", "y - yhat")]),
        (
            "output-delta",
            "slope-exchanged",
            [
                ("(yhat - y) * yhat * (1 - yhat)", "yhat - y"),
                (
                    'if loss == "bce" and activation == "sigmoid":\n        return yhat - y',
                    'if loss == "bce" and activation == "sigmoid":\n'
                    "        return (yhat - y) * yhat * (1 - yhat)",
                ),
            ],
        ),
        (
            "softmax-regression-grads",
            "extra-slope-and-sum",
            [("(P - Y) / m", "(P - Y) * P * (1 - P)")],
        ),
        (
            "softmax-regression-grads",
            "last-example",
            [
                (
                    "    return X.T @ E, E.sum(axis=0, keepdims=True)",
                    "    for x, error in zip(X, E):\n"
                    "        dW, db = np.outer(x, error), error[None]\n"
                    "    return dW, db",
                )
            ],
        ),
        (
            "softmax-regression-grads",
            "updated",
            [("return X.T @ E, E.sum", "return W - X.T @ E, b - E.sum")],
        ),
        ("chain-backward", "e-sent-on", [("w[l] * delta[l]", "w[l] * e[l]")]),
        ("chain-backward", "slope-at-incoming", [("dg(z[l])", "dg(a[l])")]),
        (
            "chain-backward",
            "e-of-the-layer-below",
            [
                ("        e[l] = error\n", ""),
                ("e[l] * dg", "error * dg"),
                ("w[l] * delta[l]", "w[l] * delta[l]\n        e[l] = error"),
            ],
        ),
        (
            "chain-backward",
            "slope-at-a-and-sign",
            [("a[-1] - y", "y - a[-1]"), ("dg(z[l])", "dg(a[l + 1])")],
        ),
        ("mlp-backward", "d-sigmoid-whatever-dg-is", [("* dg(", "* d_sigmoid(")]),
        (
            "mlp-backward",
            "never-sent-back",
            [('delta = (params[l][0].T @ delta) * dg(cache["z"][l - 1])', "pass")],
        ),
        (
            "mlp-backward",
            "sender-two-back",
            [('delta, cache["a"][l])', 'delta, cache["a"][l - 1])')],
        ),
        (
            "mlp-backward",
            "slope-of-the-layer-above",
            [
                (
                    '(params[l][0].T @ delta) * dg(cache["z"][l - 1])',
                    'params[l][0].T @ (delta * dg(cache["z"][l]))',
                )
            ],
        ),
        ("train-mlp", "ascent", [("W - lr * dW, c - lr * db", "W + lr * dW, c + lr * db")]),
        ("train-mlp", "bias-up", [("c - lr * db", "c + lr * db")]),
        ("train-mlp", "mean-twice", [("lr * d", "lr / len(rows) * d")]),
        ("train-mlp", "epoch-lost", [("range(epochs)", "range(epochs - 1)")]),
        ("train-mlp", "one-batch-an-epoch", [("range(0, m, size)", "range(0, size, size)")]),
        ("train-mlp", "drawn-with-replacement", [("rng.permutation(m)", "rng.choice(m, m)")]),
        (
            "train-mlp",
            "started-anew-after-the-loss",
            [("        order =", "        params = params0\n        order =")],
        ),
        (
            "train-mlp",
            "stale-forward-pass",
            [("forward(X[rows], params,", "forward(X[rows], params0,")],
        ),
        ("train-mlp", "loss-of-the-start", [("forward(X, params,", "forward(X, params0,")]),
        (
            "train-mlp",
            "all-in-every-batch",
            [("forward(X[rows]", "forward(X"), ("cache, Y[rows]", "cache, Y")],
        ),
        (
            "train-mlp",
            "last-layer-only",
            [
                (
                    "params = [(W - lr * dW, c - lr * db) for (W, c), (dW, db) in zip(params, "
                    "grads)]",
                    "params[-1] = tuple(p - lr * g for p, g in zip(params[-1], grads[-1]))",
                )
            ],
        ),
        (
            "train-mlp",
            "names-ignored",
            [
                ("(X[rows], params, hidden, output)", "(X[rows], params, 'tanh', 'sigmoid')"),
                ("forward(X, params, hidden, output)", "forward(X, params, 'tanh', 'sigmoid')"),
                ("mean_loss(Yhat, Y, output)", "mean_loss(Yhat, Y, 'sigmoid')"),
                ("Y[rows], hidden, output", "Y[rows], 'tanh', 'sigmoid'"),
            ],
        ),
        ("fit-xor", "ascent", [("W - lr * dW, b - lr * db", "W + lr * dW, b + lr * db")]),
        ("fit-xor", "no-bias-update", [("b - lr * db", "b")]),
        ("fit-xor", "mean-twice", [("lr * d", "lr / 4 * d")]),
        ("fit-xor", "summed", [("lr * d", "lr * 4 * d")]),
        ("fit-xor", "epoch-lost", [("range(epochs)", "range(1, epochs)")]),
        ("fit-xor", "drawn-the-other-way", [("((2, hidden))", "((hidden, 2)).T")]),
        ("fit-xor", "drawn-twice", [("W2 = rng", "W2 = np.random.default_rng(seed)")]),
        (
            "fit-xor",
            "loss-after-update",
            [
                ('        history.append(mean_loss(Yhat, Y_XOR, "sigmoid"))\n', ""),
                (
                    "zip(params, grads)]\n",
                    "zip(params, grads)]\n"
                    '        Yhat, _ = forward(X_XOR, params, act, "sigmoid")\n'
                    '        history.append(mean_loss(Yhat, Y_XOR, "sigmoid"))\n',
                ),
            ],
        ),
        ("fit-1d", "ascent", [("W - lr * dW, b - lr * db", "W + lr * dW, b + lr * db")]),
        ("fit-1d", "biases-kept", [("b - lr * db", "b")]),
        ("fit-1d", "mean-twice", [("lr * d", "lr / N * d")]),
        ("fit-1d", "b1-not-drawn", [("b1 = rng.standard_normal", "b1 = np.zeros")]),
        (
            "fit-1d",
            "b1-last",
            [
                ("    b1 = rng.standard_normal((1, hidden))\n", ""),
                ("(hidden, 1))\n", "(hidden, 1))\n    b1 = rng.standard_normal((1, hidden))\n"),
            ],
        ),
    ],
)
def test_the_mistake_is_named_with_certainty(step, mistake, changes):
    result = checked(step, *changes)
    assert result.mistakes == [mistake]
    assert result.failure.certain
    assert f"This is what you get with: {get(step).mistake(mistake).name}." in as_text(result)
