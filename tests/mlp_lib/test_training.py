"""Training: the syllabus's trajectories, and what a long run needs."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from numeric import relative

from mlp_lib import (
    EarlyStopping,
    accuracy,
    gd_update,
    iterate_minibatches,
    l1_grads,
    l2_grads,
    mlp_backward_batch,
    mlp_forward_batch,
    one_hot,
)
from mlp_lib.activations import ACTIVATIONS, d_tanh, identity, sigmoid, tanh
from mlp_lib.data import FUNCTIONS_1D, digits, moons, xor
from mlp_lib.losses import bce, cce, mse
from mlp_lib.network import LOSSES_AND_OUTPUTS, MLP
from mlp_lib.optimisers import SGD, Adam, Momentum
from mlp_lib.softmax import softmax
from mlp_lib.training import fit, fit_1d, fit_xor, train_mlp

HALF_LN_2 = np.log(2) / 2


def fixture_params():
    """F5: the fixed 2-4-1 start of E12.1."""
    W1 = np.array([[0.5, -1, 0.8, 0.3], [-0.4, 0.9, 0.6, -1.2]])
    W2 = np.array([[0.7], [-0.6], [1.1], [0.2]])
    return [(W1, np.zeros((1, 4))), (W2, np.zeros((1, 1)))]


def three_classes(m=50, seed=0):
    rng = np.random.default_rng(seed)
    X, labels = rng.normal(size=(m, 4)), rng.integers(0, 3, m)
    return X, one_hot(labels, 3)


def a_net(seed=1, sizes=(4, 6, 3), hidden="tanh", **kw):
    return MLP(sizes, hidden, rng=np.random.default_rng(seed), **kw)


# ------------------------------------------------------------------ E12.1


def test_the_worked_trajectory():
    params, history = train_mlp(*xor(), fixture_params(), 1.0, 2001)
    assert len(history) == 2001
    printed = [0.751206, 0.682439, 0.631681, 0.020246, 0.001113]
    np.testing.assert_allclose([history[t] for t in (0, 1, 4, 200, 2000)], printed, atol=5e-7)
    Yhat, _ = mlp_forward_batch(xor()[0], params, tanh, sigmoid)
    np.testing.assert_array_equal(Yhat > 0.5, xor()[1] > 0.5)


def test_start_and_data_are_not_modified():
    params0, (X, Y) = fixture_params(), xor()
    train_mlp(X, Y, params0, 1.0, 3)
    train_mlp(X, Y, params0, 1.0, 3, 2, np.random.default_rng(0))
    for (W, b), (W0, b0) in zip(params0, fixture_params(), strict=True):
        np.testing.assert_array_equal(W, W0)
        np.testing.assert_array_equal(b, b0)
    np.testing.assert_array_equal(X, xor()[0])
    np.testing.assert_array_equal(Y, xor()[1])


def test_no_epochs_returns_a_copy_of_the_start():
    params0 = fixture_params()
    params, history = train_mlp(*xor(), params0, 1.0, 0)
    assert history == []
    assert not np.shares_memory(params[0][0], params0[0][0])
    np.testing.assert_array_equal(params[0][0], params0[0][0])


def test_batches_come_from_one_permutation_an_epoch():
    X, Y = three_classes(10)
    params0 = a_net().params
    params, history = train_mlp(
        X, Y, params0, 0.3, 4, 3, np.random.default_rng(7), "tanh", "softmax"
    )
    rng, by_hand, losses = np.random.default_rng(7), params0, []
    for _ in range(4):
        losses.append(cce(mlp_forward_batch(X, by_hand, tanh, softmax)[0], Y))
        order = rng.permutation(10)
        for rows in (order[:3], order[3:6], order[6:9], order[9:]):
            _, cache = mlp_forward_batch(X[rows], by_hand, tanh, softmax)
            by_hand = gd_update(by_hand, mlp_backward_batch(by_hand, cache, Y[rows], d_tanh), 0.3)
    np.testing.assert_allclose(history, losses, rtol=1e-13)
    assert relative(params[0][0], by_hand[0][0]) < 1e-13


def test_history_is_the_whole_sets_loss_before_the_updates():
    X, Y = three_classes()
    first = train_mlp(X, Y, a_net().params, 0.1, 1, 7, np.random.default_rng(0), "tanh", "softmax")
    second = train_mlp(X, Y, a_net().params, 0.1, 2, 7, np.random.default_rng(0), "tanh", "softmax")
    assert second[1][0] == first[1][0] == pytest.approx(a_net().loss(X, Y), rel=1e-14)
    Yhat, _ = mlp_forward_batch(X, first[0], tanh, softmax)
    assert second[1][1] == pytest.approx(cce(Yhat, Y), rel=1e-14)


@pytest.mark.parametrize(
    ("output", "loss", "out"),
    [("sigmoid", bce, sigmoid), ("identity", mse, identity), ("softmax", cce, softmax)],
)
def test_the_loss_follows_from_the_output(output, loss, out):
    X, Y = three_classes()
    Y = Y[:, :1] if output == "sigmoid" else Y
    params0 = MLP((4, 5, Y.shape[1]), "relu", output, rng=np.random.default_rng(2)).params
    _, history = train_mlp(X, Y, params0, 0.2, 5, hidden="relu", output=output)
    Yhat, _ = mlp_forward_batch(X, params0, ACTIVATIONS["relu"].f, out)
    assert history[0] == pytest.approx(loss(Yhat, Y), rel=1e-14)
    assert (np.diff(history) < 0).all()


def test_train_mlp_in_float32():
    params0 = [(W.astype(np.float32), b.astype(np.float32)) for W, b in fixture_params()]
    X, Y = (x.astype(np.float32) for x in xor())
    params, history = train_mlp(X, Y, params0, 1.0, 20)
    assert {x.dtype for layer in params for x in layer} == {np.dtype(np.float32)}
    np.testing.assert_allclose(history, train_mlp(*xor(), fixture_params(), 1.0, 20)[1], rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"hidden": "swish"}, ValueError, "hidden: expected one of"),
        ({"output": "relu"}, ValueError, "output: expected one of"),
        ({"epochs": -1}, ValueError, "epochs: expected a whole number at least 0"),
        ({"lr": np.nan}, ValueError, "lr: expected a finite number"),
        ({"b": 2}, TypeError, "rng: expected a generator"),
        ({"b": 5, "rng": np.random.default_rng(0)}, ValueError, "b: expected .* from 1 to 4"),
        ({"Y": np.zeros(4)}, ValueError, r"got \(4,\)"),
        ({"Y": np.zeros((4, 2))}, ValueError, r"got \(4, 2\)"),
        ({"X": np.zeros((4, 3))}, ValueError, r"X: expected shape \(m, 2\), got \(4, 3\)"),
        ({"X": np.full((4, 2), np.inf)}, ValueError, "X: expected finite numbers"),
        ({"params0": []}, TypeError, "params0: expected a list of"),
        ({"params0": [(np.ones((2, 1), int), np.zeros((1, 1)))]}, TypeError, "array of floats"),
    ],
)
def test_train_mlp_refuses(change, error, message):
    X, Y = xor()
    good = {"X": X, "Y": Y, "params0": fixture_params(), "lr": 1.0, "epochs": 1}
    with pytest.raises(error, match=message):
        train_mlp(**(good | change))


# ------------------------------------------------------------------ E12.2 and E12.3


def test_xor_is_learned_from_seed_1():
    params, history = fit_xor()
    X, Y = xor()
    Yhat, cache = mlp_forward_batch(X, params, tanh, sigmoid)
    np.testing.assert_allclose(Yhat.ravel(), [0.0001, 0.9987, 0.9987, 0.0020], atol=5e-5)
    assert len(history) == 2000
    assert history[-1] < 0.01
    features = np.column_stack([cache["a"][1], np.ones(4)])  # the learned ones are separable
    line, *_ = np.linalg.lstsq(features, Y, rcond=None)
    np.testing.assert_allclose(features @ line, Y, atol=1e-6)


def test_xor_from_seed_0_rests_at_half_ln_2():
    params, history = fit_xor(seed=0)
    Yhat, _ = mlp_forward_batch(xor()[0], params, tanh, sigmoid)
    np.testing.assert_allclose(Yhat.ravel(), [0.0009, 0.9994, 0.4993, 0.5006], atol=5e-5)
    assert history[-1] == pytest.approx(HALF_LN_2, abs=2e-3)


def test_xor_needs_the_hidden_layer_to_bend():
    params, history = fit_xor(act="identity")
    Yhat, _ = mlp_forward_batch(xor()[0], params, identity, sigmoid)
    np.testing.assert_allclose(Yhat, 0.5, atol=1e-3)
    assert history[-1] == pytest.approx(np.log(2), abs=1e-5)


@pytest.mark.parametrize(
    ("name", "printed"),
    [("square", 1.896e-5), ("sine", 5.165e-6), ("absolute", 6.2e-4), ("step", 6.35e-3)],
)
def test_four_functions_by_three_units(name, printed):
    predict, error = fit_1d(FUNCTIONS_1D[name])
    assert error == pytest.approx(printed, rel=2e-3)
    grid = np.linspace(-1, 1, 12)
    assert predict(grid).shape == (12,)
    assert predict(grid.reshape(3, 4)).shape == (3, 4)
    assert np.shape(predict(0.3)) == ()
    if name != "step":
        np.testing.assert_allclose(predict(grid), FUNCTIONS_1D[name](grid), atol=0.12)


def test_fit_1d_walks_the_path_of_train_mlp():
    rng = np.random.default_rng(4)
    x = rng.uniform(-1, 1, (50, 1))
    W1, b1, W2 = (rng.standard_normal(s) for s in ((1, 3), (1, 3), (3, 1)))
    start = [(W1, b1), (W2, np.zeros((1, 1)))]
    params, _ = train_mlp(x, np.sin(x), start, 0.1, 300, output="identity")
    predict, error = fit_1d(np.sin, epochs=300, seed=4)
    expected, _ = mlp_forward_batch(x, params, tanh, identity)
    np.testing.assert_allclose(predict(x), expected, atol=1e-12)
    assert error == pytest.approx(mse(expected, np.sin(x)), rel=1e-10)


# ------------------------------------------------------------------ fit: the same steps, fast


def by_hand(net, X, Y, epochs, b, optimiser, rng, extra=lambda net: 0):
    """What `fit` promises, in the words of the lessons: returns the history of losses."""
    history = []
    for _ in range(epochs):
        total = 0.0
        batches = [(X, Y)] if b is None else iterate_minibatches(X, Y, b, rng)
        for Xb, Yb in batches:
            total += len(Xb) * net.loss(Xb, Yb)
            net.backward(net.forward(Xb)[1], Yb)
            extra(net)
            optimiser.update(net.theta, net.gradient)
        history.append(total / len(X))
    return history


@pytest.mark.parametrize("b", [None, 1, 7, 16, 50])
@pytest.mark.parametrize("make", [lambda: SGD(0.2), lambda: Momentum(0.05), lambda: Adam(0.01)])
@pytest.mark.parametrize("hidden", ["relu", "tanh", "gelu"])
def test_fit_equals_the_readable_loop(b, make, hidden):
    X, Y = three_classes()
    net, readable = a_net(hidden=hidden), a_net(hidden=hidden)
    history = net.fit(X, Y, epochs=5, batch_size=b, optimiser=make(), rng=np.random.default_rng(3))
    expected = by_hand(readable, X, Y, 5, None if b == 50 else b, make(), np.random.default_rng(3))
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-11)
    assert relative(net.theta, readable.theta) < 1e-11


def test_fit_equals_train_mlp_on_the_worked_example():
    net = MLP.from_params(fixture_params(), "tanh", "sigmoid")
    history = net.fit(*xor(), epochs=500, batch_size=None, optimiser=SGD(1.0))
    np.testing.assert_allclose(
        history["loss"], train_mlp(*xor(), fixture_params(), 1.0, 500)[1], rtol=1e-11
    )


def test_one_seed_one_result():
    def run(seed):
        net = a_net()
        history = net.fit(
            *three_classes(), epochs=3, batch_size=8, dropout=0.3, rng=np.random.default_rng(seed)
        )
        return net.theta, history["loss"]

    np.testing.assert_array_equal(run(5)[0], run(5)[0])
    assert run(5)[1] == run(5)[1]
    assert (run(5)[0] != run(6)[0]).any()


def test_without_shuffling_the_order_stays():
    X, Y = three_classes()
    a, b = a_net(), a_net()
    a.fit(X, Y, epochs=2, batch_size=8, shuffle=False)
    for _ in range(2):
        for i in range(0, 50, 8):
            b.backward(b.forward(X[i : i + 8])[1], Y[i : i + 8])
            b.theta -= 0.1 * b.gradient
    assert relative(a.theta, b.theta) < 1e-13


def test_a_second_call_goes_on_where_the_first_ended():
    X, Y = three_classes()
    whole, halves = a_net(), a_net()
    whole.fit(X, Y, epochs=6, optimiser=Adam(0.01), rng=np.random.default_rng(0))
    optimiser, rng = Adam(0.01), np.random.default_rng(0)
    halves.fit(X, Y, epochs=2, optimiser=optimiser, rng=rng)
    halves.fit(X, Y, epochs=4, optimiser=optimiser, rng=rng)
    np.testing.assert_array_equal(halves.theta, whole.theta)


def test_data_are_not_modified_and_may_be_integers_or_read_only():
    X, Y = three_classes()
    X = np.round(10 * X).astype(int)
    kept = X.copy(), Y.copy()
    X.flags.writeable = Y.flags.writeable = False
    a_net().fit(X, Y, epochs=2, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(X, kept[0])
    np.testing.assert_array_equal(Y, kept[1])


def test_float32_all_the_way():
    X, Y = three_classes()
    net, exact = a_net(dtype=np.float32), a_net()
    optimiser = Adam(0.01)
    net.fit(X, Y, epochs=3, optimiser=optimiser, rng=np.random.default_rng(0))
    exact.fit(X, Y, epochs=3, optimiser=Adam(0.01), rng=np.random.default_rng(0))
    assert net.theta.dtype == net.gradient.dtype == optimiser.state[0].dtype == np.float32
    assert relative(net.theta, exact.theta) < 1e-4


@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_penalties_add_their_gradients(penalty):
    X, Y = three_classes()
    grads_of = {"l1": l1_grads, "l2": l2_grads}[penalty]

    def add(net):
        for mine, more in zip(net.grads, grads_of(net.params, 0.01), strict=True):
            mine[0][...] += more[0]
            mine[1][...] += more[1]

    net, readable = a_net(), a_net()
    net.fit(X, Y, epochs=4, batch_size=8, rng=np.random.default_rng(1), **{penalty: 0.01})
    by_hand(readable, X, Y, 4, 8, SGD(0.1), np.random.default_rng(1), add)
    assert relative(net.theta, readable.theta) < 1e-12


def test_dropout_gradient_is_that_of_the_thinned_network(monkeypatch):
    """Masks are recorded on their way in; with them fixed, finite differences give the slope."""
    masks = []
    from mlp_lib import training

    def remember(A, p_drop, mask=None, rng=None, train=True):
        out, mask = original(A, p_drop, mask, rng, train)
        masks.append(mask)
        return out, mask

    original = training.dropout_forward
    monkeypatch.setattr(training, "dropout_forward", remember)
    X, Y = three_classes(9)
    net = a_net(sizes=(4, 6, 5, 3))
    theta = net.theta.copy()
    net.fit(X, Y, epochs=1, batch_size=None, dropout=0.4, rng=np.random.default_rng(2))
    got = (theta - net.theta) / 0.1
    assert [mask.shape for mask in masks] == [(9, 6), (9, 5)]
    assert 0 < masks[0].mean() < 1

    def thinned_loss(at):
        net.theta[...] = at
        A = X
        for (W, b), mask in zip(net.params, [*masks, None], strict=True):
            Z = A @ W + b
            A = softmax(Z) if mask is None else np.tanh(Z) * mask / 0.6
        return cce(A, Y)

    measured = np.empty_like(theta)
    for i in range(theta.size):
        step = np.zeros_like(theta)
        step[i] = 1e-5
        measured[i] = (thinned_loss(theta + step) - thinned_loss(theta - step)) / 2e-5
    assert relative(got, measured) < 1e-8


def test_no_dropout_outside_training():
    X, Y = three_classes()
    net = a_net()
    net.fit(X, Y, epochs=1, dropout=0.5, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(net.predict(X), net.predict(X))
    assert net.activation is ACTIVATIONS["tanh"]


# ------------------------------------------------------------------ history, callbacks, stopping


def test_history_has_one_number_an_epoch():
    X, Y = three_classes()
    net = a_net()
    history = net.fit(X, Y, epochs=4, rng=np.random.default_rng(0), validation=(X[:9], Y[:9]))
    assert {k: len(v) for k, v in history.items()} == {"loss": 4, "val_loss": 4}
    assert history["val_loss"][-1] == pytest.approx(net.loss(X[:9], Y[:9]), rel=1e-14)
    assert net.fit(X, Y, epochs=0, rng=np.random.default_rng(0)) == {"loss": []}


def test_held_out_loss_by_parts_is_the_loss(monkeypatch):
    monkeypatch.setattr("mlp_lib.training.ROWS", 8)
    X, Y = three_classes()
    net = a_net()
    history = net.fit(X, Y, epochs=1, rng=np.random.default_rng(0), validation=(X, Y))
    assert history["val_loss"][0] == pytest.approx(net.loss(X, Y), rel=1e-13)


def test_callbacks_see_every_epoch_and_may_stop():
    calls = []

    def note(epoch, net, history):
        calls.append((epoch, len(history["loss"]), net.loss(*three_classes())))

    def third(epoch, net, history):
        return epoch == 2

    net = a_net()
    history = net.fit(
        *three_classes(), epochs=10, rng=np.random.default_rng(0), callbacks=[note, third]
    )
    assert [c[:2] for c in calls] == [(0, 1), (1, 2), (2, 3)]
    assert len(history["loss"]) == 3
    assert calls[-1][2] == net.loss(*three_classes())


def test_a_callback_may_change_the_learning_rate():
    X, Y = three_classes()
    optimiser, net = SGD(0.5), a_net()

    def freeze(epoch, net, history):
        optimiser.lr = 0.0

    net.fit(X, Y, epochs=1, batch_size=None, optimiser=SGD(0.5))
    after_one, net = net.theta.copy(), a_net()
    net.fit(X, Y, epochs=5, batch_size=None, optimiser=optimiser, callbacks=[freeze])
    np.testing.assert_array_equal(net.theta, after_one)


@pytest.mark.parametrize(("loss", "output"), sorted(LOSSES_AND_OUTPUTS))
def test_plain_sgd_leaves_the_last_gradient_and_follows_a_changed_rate(loss, output):
    """Its rate is part of dZ while it trains; afterwards `gradient` is the slope of the loss."""
    X, Y = three_classes()
    nets = [MLP((4, 5, 3), "tanh", output, loss, rng=np.random.default_rng(3)) for _ in range(2)]
    optimiser, seen = SGD(0.4), []

    def halve(epoch, net, history):
        seen.append(net.gradient.copy())
        optimiser.lr /= 2

    nets[0].fit(X, Y, epochs=3, batch_size=None, optimiser=optimiser, callbacks=[halve])
    for lr, gradient in zip((0.4, 0.2, 0.1), seen, strict=True):
        by_hand(nets[1], X, Y, 1, None, SGD(lr), None)
        assert relative(gradient, nets[1].gradient) < 1e-12
    assert relative(nets[0].theta, nets[1].theta) < 1e-12
    assert optimiser.t == 3


def test_early_stopping_puts_the_best_parameters_back():
    X, Y = three_classes(30)  # labels are noise: the held-out loss soon rises
    held_out = three_classes(40, seed=9)
    watch, net = EarlyStopping(patience=5), a_net(sizes=(4, 30, 3))
    history = fit(
        net,
        X,
        Y,
        epochs=500,
        batch_size=5,
        optimiser=Adam(0.02),
        rng=np.random.default_rng(0),
        validation=held_out,
        early_stopping=watch,
    )
    best = int(np.argmin(history["val_loss"]))
    assert len(history["val_loss"]) == best + 6 < 500
    assert watch.best_round == best
    assert net.loss(*held_out) == pytest.approx(history["val_loss"][best], rel=1e-13)


@pytest.mark.parametrize("held_out", [None, "same"])
def test_divergence_stops_with_a_warning(held_out):
    X, Y = np.array([[1.0], [2.0]]), np.array([[10.0], [-10.0]])
    net = MLP((1, 4, 1), "relu", "identity", rng=np.random.default_rng(0))
    validation = None if held_out is None else (X, Y)
    with pytest.warns(UserWarning, match="learning rate may be too large"):
        history = net.fit(
            X, Y, epochs=500, batch_size=None, optimiser=SGD(50.0), validation=validation
        )
    assert 0 < len(history["loss"]) < 500
    assert not np.isfinite(history["loss"][-1])
    assert np.isfinite(history["loss"][:-1]).all()


def test_progress_bar_can_be_on_or_off(capsys):
    for progress in (False, True):
        a_net().fit(*three_classes(), epochs=3, rng=np.random.default_rng(0), progress=progress)
        shown = capsys.readouterr().err
        assert ("3/3" in shown and "loss=" in shown) == progress
    code = "import sys, mlp_lib.training; sys.exit('tqdm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_large_but_finite_data_are_no_mistake():
    """Their sum overflows, they themselves do not."""
    X, Y = np.full((4, 1), 1e308), np.zeros((4, 1))
    net = MLP.from_params([(np.array([[1e-310]]), np.zeros((1, 1)))], output="identity")
    history = net.fit(X, Y, epochs=1, batch_size=None, optimiser=SGD(0.0))
    assert history["loss"][0] == pytest.approx(1e-4)


# ------------------------------------------------------------------ memory


def peak_of_training(m, epochs, b=32):
    X, Y = np.ones((m, 64)), np.zeros((m, 10))
    Y[:, 0] = 1
    net, optimiser = a_net(sizes=(64, 32, 10)), Adam()
    rng = np.random.default_rng(0)
    tracemalloc.start()
    net.fit(X, Y, epochs=epochs, batch_size=b, optimiser=optimiser, rng=rng)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_epochs_or_data():
    """40,000 more examples are 23 MB of data; the order of them is 8 bytes an example."""
    small = peak_of_training(10_000, 1)
    assert peak_of_training(50_000, 1) - small < 40_000 * 8 + 100_000
    assert peak_of_training(10_000, 6) - small < 20_000


# ------------------------------------------------------------------ it learns


def test_moons_and_digits_are_learned():
    rng = np.random.default_rng(0)
    X, labels = moons(400, rng, noise=0.1)
    net = MLP((2, 16, 16, 2), rng=rng)
    net.fit(X, one_hot(labels, 2), epochs=60, optimiser=Adam(0.01), rng=rng)
    assert accuracy(net.predict(X), one_hot(labels, 2)) > 0.99
    X, labels = digits()
    net = MLP((64, 32, 10), rng=rng)
    net.fit(X[:1400], one_hot(labels[:1400], 10), epochs=20, optimiser=Adam(0.005), rng=rng)
    assert (net.predict_class(X[1400:]) == labels[1400:]).mean() > 0.88


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"X": np.ones((6, 3))}, ValueError, r"X: expected shape \(m, 4\), got \(6, 3\)"),
        ({"X": np.full((6, 4), np.nan)}, ValueError, "X: expected finite numbers, got nan"),
        ({"X": np.array([[np.inf, -np.inf, 0, 0]] * 6)}, ValueError, "X: expected finite numbers"),
        ({"X": np.zeros((0, 4))}, ValueError, "X: expected examples as rows"),
        ({"Y": np.array([0, 1, 2, 0, 1, 2])}, ValueError, r"one_hot\(labels, 3\)"),
        ({"Y": np.ones((6, 3))}, ValueError, "Y: expected rows that sum to 1"),
        ({"Y": np.full((6, 3), np.inf)}, ValueError, "Y: expected finite numbers"),
        ({"Y": np.array([[2.0, -1, 0]] * 6)}, ValueError, "Y: expected targets 0 or 1"),
        ({"Y": np.eye(3)}, ValueError, r"Y: expected shape \(6, 3\), got \(3, 3\)"),
        ({"batch_size": 7}, ValueError, "batch_size: expected a whole number from 1 to 6, got 7"),
        ({"batch_size": 2.0}, TypeError, "batch_size: expected a whole number"),
        ({"epochs": -1}, ValueError, "epochs: expected"),
        ({"rng": None}, TypeError, "rng: expected a generator"),
        ({"l2": -1.0}, ValueError, "l2: expected a finite number from 0"),
        ({"dropout": 1.0}, ValueError, "p_drop: expected a probability below 1"),
        ({"early_stopping": EarlyStopping()}, ValueError, "early_stopping: expected validation"),
        ({"validation": (np.ones((2, 3)), np.eye(3)[:2])}, ValueError, "X: expected shape"),
    ],
)
def test_fit_refuses(change, error, message):
    rng = np.random.default_rng(0)
    good = {"X": rng.normal(size=(6, 4)), "Y": np.eye(3)[[0, 1, 2, 0, 1, 2]], "epochs": 1}
    with pytest.raises(error, match=message):
        fit(a_net(), **(good | {"batch_size": 3, "rng": rng} | change))
