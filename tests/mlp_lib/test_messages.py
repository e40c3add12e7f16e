"""Wrong calls a newcomer makes, and what is said to each; claims of docstrings, held to numbers."""

import inspect
import itertools
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import mlp_lib as ml
from mlp_lib import training

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(5, 2)), np.eye(3)[[0, 1, 2, 0, 1]]
NET = ml.MLP((2, 4, 3), rng=np.random.default_rng(1))
COLUMN = ml.to_col(NET.params)
ROW = [(W.copy(), b.copy()) for W, b in NET.params]
SIGMOIDS = [(W / 9, b) for W, b in ROW]
_, CACHE = NET.forward(X)
_, COLUMN_CACHE = ml.mlp_forward(X[0], COLUMN)
fit = partial(NET.fit, X, Y, epochs=1, rng=RNG)
BINARY = ml.MLP((2, 1), output="sigmoid", rng=np.random.default_rng(1))

WRONG = {
    # call, the kind of error, and words of its message
    "whole forward as cache": (
        lambda: ml.mlp_backward_batch(ROW, NET.forward(X), Y, ml.d_relu),
        'cache: expected the dict with "z" and "a", the second thing forward returns, got tuple',
    ),
    "column, whole forward as cache": (
        lambda: ml.mlp_backward(COLUMN, ml.mlp_forward(X[0], COLUMN), Y[0]),
        "cache: expected the dict",
    ),
    "empty cache": (
        lambda: ml.mlp_backward_batch(ROW, {}, Y, ml.d_relu),
        "cache: expected the dict",
    ),
    "backward swapped": (lambda: NET.backward(Y, CACHE), "cache: expected the dict .*got ndarray"),
    "cache of no layers": (
        lambda: NET.backward({"z": [], "a": []}, Y),
        "cache: expected 2 entries of z and 3 of a, got 0 and 0",
    ),
    "slope by name": (
        lambda: ml.mlp_backward_batch(ROW, CACHE, Y, "relu"),
        "dg: expected a function such as d_relu, got 'relu'",
    ),
    "column slope by name": (
        lambda: ml.mlp_backward(COLUMN, COLUMN_CACHE, Y[0], "sigmoid"),
        "dg: expected a function such as d_relu, got 'sigmoid'",
    ),
    "activation by name": (
        lambda: ml.mlp_forward(X[0], COLUMN, g="sigmoid"),
        "g: expected a function such as sigmoid, got 'sigmoid'",
    ),
    "output by name": (
        lambda: ml.mlp_forward_batch(X, ROW, out="softmax"),
        "out: expected a function such as sigmoid, got 'softmax'",
    ),
    "chain by name": (
        lambda: ml.chain_forward([0.5], 1.0, "tanh"),
        "g: expected a function such as sigmoid, got 'tanh'",
    ),
    "hidden delta by name": (
        lambda: ml.hidden_delta(X[0], X[0], "tanh"),
        "dg: expected a function such as d_sigmoid, got 'tanh'",
    ),
    "optimiser by name": (
        lambda: fit(optimiser="adam", batch_size=5),
        r"optimiser: expected an object such as Adam\(0.001\), got 'adam'",
    ),
    "optimiser class": (
        lambda: fit(optimiser=ml.Adam, batch_size=5),
        r"optimiser: expected an object such as Adam\(0.001\), got Adam",
    ),
    "default batch": (
        lambda: fit(),
        r"batch_size: .*from 1 to 5, got 32 \(the default is 32; .*None",
    ),
    "validation without targets": (
        lambda: fit(validation=X, batch_size=5),
        r"validation: expected \(X, Y\), got ndarray",
    ),
    "no layers": (
        lambda: ml.mlp_forward(X[0], []),
        r"params: expected a list of \(W, b\) pairs, got an empty list",
    ),
    "init": (
        lambda: ml.MLP((2, 3), init="xavier", rng=RNG),
        "^init: expected one of .*xavier_normal.*; got 'xavier'",
    ),
    "hidden": (
        lambda: ml.MLP((2, 3), hidden="softmax", rng=RNG),
        "^hidden: expected one of .*tanh; got 'softmax'",
    ),
    "act": (lambda: ml.fit_xor(act="softmax", epochs=1), "^act: expected one of .*'softmax'"),
    "MLP's own pairs": (
        lambda: ml.MLP((2, 3), output="sigmoid", loss="mse", rng=RNG),
        "mse with identity; got mse with sigmoid",
    ),
    "MLP's own losses": (
        lambda: ml.MLP((2, 3), loss="nll", rng=RNG),
        "^loss: expected one of bce, cce, half_sse, mse; got 'nll'",
    ),
    "targets of 2": (
        lambda: BINARY.fit(X, np.full((5, 1), 2.0), epochs=1, batch_size=None),
        "^Y: expected targets 0 or 1, got 2.0",
    ),
    "bce of targets of 2": (lambda: ml.bce([0.5], [2]), "^y: expected targets 0 or 1, got 2.0"),
    "labels": (
        lambda: ml.train_mlp(X, np.arange(5) % 3, ROW, 0.1, 1, output="softmax"),
        r"^Y: expected one-hot targets of shape \(5, 3\), got \(5,\): one_hot\(labels, 3\)",
    ),
    "one column of targets": (
        lambda: ml.train_mlp(X, np.arange(5) % 2, BINARY.params, 0.1, 1),
        r"^Y: expected shape \(5, 1\), got \(5,\) \(Y\[:, None\] has it\)",
    ),
    "column in a batch": (lambda: ml.mlp_forward_batch(X, COLUMN), "params: .*: to_row converts"),
    "rows in a column": (lambda: ml.mlp_forward(X[0], ROW), "params: .*: to_col converts"),
    "column in MLP": (lambda: ml.MLP.from_params(COLUMN), "params: .*: to_row converts"),
    "one example": (
        lambda: ml.mlp_forward_batch(X[0], ROW),
        r"X: .*\(one example .*X\[None, :\]\)",
    ),
    "one example, MLP": (lambda: NET.predict(X[0]), r"X: expected .*as rows.*X\[None, :\]"),
    "lr None": (lambda: ml.SGD(None), "lr: expected one real number, got None"),
    "sizes": (
        lambda: ml.MLP(3, rng=RNG),
        r"sizes: expected at least two layer sizes such as \[2, 3, 1\], got 3",
    ),
    "sizes, fdm": (lambda: ml.fdm_cost(3), "sizes: expected at least two layer sizes"),
    "spread": (lambda: ml.gaussians(6, RNG, spread=-1), "^spread: expected a finite number from 0"),
    "softmax, nan": (lambda: ml.softmax([np.nan, 0]), "Z: expected finite numbers, got nan"),
    "softmax, inf": (lambda: ml.softmax([np.inf, 0]), "Z: expected finite numbers, got inf"),
    "log_softmax": (lambda: ml.log_softmax([np.inf, 0]), "Z: expected finite numbers, got inf"),
    "softmax_vjp": (lambda: ml.softmax_vjp([0.5, 0.5], [np.nan, 0]), "v: expected finite numbers"),
    "no softmax": (
        lambda: ml.output_delta([0.9, 0.8], [0, 1], "cce", "softmax"),
        "^yhat: expected rows that sum to 1, as softmax gives, got the sum 1.7 in row 0",
    ),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_call_says_what_was_expected(name):
    call, words = WRONG[name]
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    assert re.search(words, str(caught.value)), str(caught.value)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("train", "targets", "lr"),
    [
        (ml.fit_linear, Y, 10),
        (ml.fit_linear, Y, 1e300),
        (ml.fit_linear_svm, np.array([1.0, -1, 1, -1, 1]), 1e200),
    ],
)
def test_a_learning_rate_that_diverges_is_named(train, targets, lr):
    with pytest.raises(ValueError, match=r"^lr: .*got 1.*diverged; try a smaller lr"):
        train(X, targets, lr=lr)


def test_the_slope_of_a_sigmoid_is_refused_where_the_cache_shows_another_activation():
    _, cache = ml.mlp_forward(X[0], COLUMN, g=ml.tanh)
    words = r"dg: expected the slope of the activation .*a\[1\] has entries outside \[0, 1\]"
    with pytest.raises(ValueError, match=words):
        ml.mlp_backward(COLUMN, cache, Y[0])
    with pytest.raises(ValueError, match=words):
        ml.mlp_backward_batch(ROW, ml.mlp_forward_batch(X, ROW, ml.tanh)[1], Y, ml.d_sigmoid)
    ml.mlp_backward(COLUMN, cache, Y[0], ml.d_tanh)


def test_softmax_refuses_nothing_a_complex_step_needs():
    assert ml.softmax(np.array([1 + 1e-20j, 2])).dtype == complex


def test_a_diverging_run_ends_with_a_warning_and_an_infinite_validation_loss():
    net = ml.MLP((2, 4, 3), "relu", rng=np.random.default_rng(2))
    with pytest.warns(UserWarning, match="learning rate may be too large"):
        history = net.fit(
            1e100 * X, Y, epochs=30, batch_size=None, optimiser=ml.SGD(1e100), validation=(X, Y)
        )
    assert history["val_loss"][-1] == np.inf


def test_fit_of_a_network_has_the_settings_of_fit():
    method = inspect.signature(ml.MLP.fit).parameters
    function = inspect.signature(training.fit).parameters
    assert list(method.values())[1:] == list(function.values())[1:]
    default = function["batch_size"].default
    assert f"default is {default}" in training.DEFAULT_BATCH


# -- claims of docstrings -------------------------------------------------------------------------


def test_bce_of_a_network_is_the_sum_over_its_outputs_and_bce_the_mean():
    net = ml.MLP((2, 3), output="sigmoid", rng=np.random.default_rng(3))
    yhat, cache = net.forward(X)
    assert net.loss(X, Y) == pytest.approx(3 * ml.bce(yhat, Y))
    assert net.loss(X, Y) == pytest.approx(ml.bce_multi(yhat, Y) / len(X))
    one = ml.grad_bce(yhat[0], Y[0]) * ml.d_sigmoid(cache["z"][0][0])
    np.testing.assert_allclose(ml.output_delta(yhat[0], Y[0], "bce", "sigmoid"), 3 * one)


@pytest.mark.parametrize(("loss", "output"), [("half_sse", "sigmoid"), ("cce", "softmax")])
def test_the_last_of_the_layer_deltas_is_output_delta_over_m(loss, output):
    yhat, cache = ml.mlp_forward_batch(X, SIGMOIDS, ml.sigmoid, getattr(ml, output))
    settings = {"loss": loss, "activation": output}
    last = ml.layer_deltas(SIGMOIDS, cache, Y, ml.d_sigmoid, **settings)[-1]
    np.testing.assert_allclose(last, ml.output_delta(yhat, Y, loss, output) / len(X))


def test_half_sse_of_a_network_is_that_of_the_batch_over_m():
    net = ml.MLP((2, 3), output="identity", loss="half_sse", rng=np.random.default_rng(3))
    assert net.loss(X, Y) == pytest.approx(ml.half_sse(net.predict(X), Y) / len(X))


@pytest.mark.parametrize("sizes", [(2, 3, 1), (4, 2, 5, 3)])
def test_what_backpropagation_costs_follows_the_formula_with_and_without_biases(sizes):
    products = [n * k for n, k in itertools.pairwise(sizes)]
    for biases in (False, True):
        cost = ml.fdm_cost(sizes, biases)
        assert cost["backprop_mults"] == 2 * cost["weights"] + sum(products[1:])
    assert ml.fdm_cost(sizes)["backprop_mults"] == 3 * sum(products) - products[0]
    assert ml.fdm_cost((2, 3, 1), biases=True)["backprop_mults"] == 29


def test_a_sign_error_is_exactly_1_above_the_floor_and_less_below_it():
    assert ml.relative_error(np.array([1e-3]), np.array([-1e-3])) == 1
    assert ml.relative_error(np.array([1e-10]), np.array([-1e-10])) == pytest.approx(0.02)


def test_a_mistake_close_to_a_right_gradient_can_stay_below_one_percent():
    g = RNG.normal(size=9)
    assert 1e-6 < ml.relative_error(1.005 * g, g) < 1e-2


@pytest.mark.parametrize(("m", "d", "k"), [(2, 3, 4), (5, 4, 3)])
def test_the_share_of_a_jacobian_that_is_not_zero(m, d, k):
    A, W = RNG.normal(size=(m, d)), RNG.normal(size=(d, k))
    assert np.mean(ml.full_jacobian_W(A, W) != 0) == pytest.approx(1 / k)
    assert np.mean(ml.full_jacobian_X(A, W) != 0) == pytest.approx(1 / m)


def test_the_reading_order_names_every_file():
    named = set(re.findall(r"\w+", ml.__doc__.split("Functions never")[0]))
    files = {path.stem for path in Path(ml.__file__).parent.glob("*.py")}
    assert files - named == {"__init__", "plots", "_narrow"}  # the last two draw for the lessons
