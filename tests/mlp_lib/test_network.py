"""MLP: one flat vector, gradients equal to the lessons' functions, the fast place and two peers."""

import numpy as np
import pytest
from numeric import relative

from mlp_lib import (
    ACTIVATIONS,
    bce_multi,
    cce,
    grad_check,
    half_sse,
    mlp_backward_batch,
    mlp_forward_batch,
    mse,
    one_hot,
    sigmoid,
    softmax,
)
from mlp_lib._fast import HIDDEN, OUTPUTS, Batches, Workspace, joined_views
from mlp_lib.network import MLP, mean_loss

PAIRS = sorted(OUTPUTS)  # (loss, output)
# Kinks fail finite differences; a step has no slope to check.
SMOOTH = sorted(set(ACTIVATIONS) - {"relu", "leaky_relu", "step"})


def random_targets(rng, m, K, output):
    if output == "softmax":
        return one_hot(rng.integers(0, K, m), K)
    if output == "sigmoid":
        return (rng.random((m, K)) < 0.4).astype(float)
    return rng.normal(size=(m, K))


def setting(sizes=(4, 6, 5, 3), m=7, hidden="tanh", pair=("cce", "softmax"), seed=0, **kw):
    loss, output = pair
    rng = np.random.default_rng(seed)
    net = MLP(sizes, hidden, output, loss, rng=rng, **kw)
    for _, b in net.params:
        b[...] = rng.normal(size=b.shape)
    return net, rng.normal(size=(m, sizes[0])), random_targets(rng, m, sizes[-1], output)


def gradient(net, X, Y):
    net.backward(net.forward(X)[1], Y)
    return net.gradient.copy()


def fast_gradient(net, X, Y):
    net.gradient[...] = np.nan
    pair = (net.loss_name, net.output)
    space = Workspace(net.theta, net.gradient, net.sizes, len(X), net.activation, pair)
    X1 = np.column_stack([X, np.ones(len(X))]).astype(net.dtype)
    return space.step(X1, Y.astype(net.dtype)), net.gradient.copy()


# ------------------------------------------------------------------ the flat vector


def test_params_and_grads_are_views_of_the_flat_vectors():
    net, X, Y = setting()
    assert net.theta.shape == net.gradient.shape == (4 * 6 + 6 + 6 * 5 + 5 + 5 * 3 + 3,)
    assert [(W.shape, b.shape) for W, b in net.params] == [
        ((4, 6), (1, 6)),
        ((6, 5), (1, 5)),
        ((5, 3), (1, 3)),
    ]
    net.theta[:] = np.arange(net.theta.size)
    np.testing.assert_array_equal(net.params[0][0], np.arange(24).reshape(4, 6))
    np.testing.assert_array_equal(net.params[0][1], [np.arange(24, 30)])
    net.params[2][1][...] = -1
    np.testing.assert_array_equal(net.theta[-3:], -1)
    net.theta[:] = 0.1
    grads = net.backward(net.forward(X)[1], Y)
    np.testing.assert_array_equal(
        net.gradient, np.concatenate([g.ravel() for layer in grads for g in layer])
    )


def test_from_params_and_set_params_copy():
    rng = np.random.default_rng(0)
    params = [(rng.normal(size=(2, 3)), rng.normal(size=(1, 3)))]
    net = MLP.from_params(params, output="identity")
    np.testing.assert_array_equal(net.params[0][0], params[0][0])
    before = params[0][0].copy()
    net.theta += 1
    np.testing.assert_array_equal(params[0][0], before)
    view = net.params[0][0]
    net.set_params(params)
    np.testing.assert_array_equal(view, before)


def test_start_depends_on_the_seed_only():
    a, b, c = (MLP((3, 4, 2), rng=np.random.default_rng(s)) for s in (5, 5, 6))
    np.testing.assert_array_equal(a.theta, b.theta)
    assert (a.theta != c.theta).any()


def test_default_pairing_and_start():
    def made(output, hidden="tanh"):
        return MLP((3, 400, 2), hidden, output, rng=np.random.default_rng(0))

    assert [made(o).loss_name for o in ("identity", "sigmoid", "softmax")] == ["mse", "bce", "cce"]
    he = made("softmax", "relu").params[0][0].std()
    assert he == pytest.approx(np.sqrt(2 / 3), rel=0.1)
    assert made("softmax").params[0][0].std() == pytest.approx(np.sqrt(2 / 403), rel=0.1)
    assert repr(made("softmax")) == "MLP(3-400-2, tanh, softmax with cce, float64)"


# ------------------------------------------------------------------ values and gradients


@pytest.mark.parametrize("pair", PAIRS)
def test_loss_is_the_mean_over_the_examples(pair):
    net, X, Y = setting(pair=pair)
    one_by_one = [net.loss(X[i : i + 1], Y[i : i + 1]) for i in range(len(X))]
    assert net.loss(X, Y) == pytest.approx(np.mean(one_by_one), rel=1e-13)
    f = {"cce": cce, "bce": bce_multi, "half_sse": half_sse, "mse": mse}[pair[0]]
    assert one_by_one[0] == pytest.approx(f(net.predict(X[:1]), Y[:1]), rel=1e-13)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("hidden", SMOOTH)
def test_gradient_agrees_with_finite_differences(pair, hidden):
    net, X, Y = setting((3, 4, 2), 5, hidden, pair)

    def loss(params):
        return MLP.from_params(params, hidden, pair[1], pair[0]).loss(X, Y)

    assert grad_check(loss, net.params, net.backward(net.forward(X)[1], Y)) < 1e-8


def test_forward_and_backward_are_the_lessons_functions():
    net, X, Y = setting(hidden="sigmoid")
    Yhat, cache = net.forward(X)
    expected, their_cache = mlp_forward_batch(X, net.params, sigmoid, softmax)
    np.testing.assert_array_equal(Yhat, expected)
    grads = mlp_backward_batch(net.params, their_cache, Y, ACTIVATIONS["sigmoid"].df)
    for mine, theirs in zip(net.backward(cache, Y), grads, strict=True):
        np.testing.assert_array_equal(mine[0], theirs[0])
        np.testing.assert_array_equal(mine[1], theirs[1])


def test_inputs_stay_as_they_are():
    net, X, Y = setting()
    theta = net.theta.copy()
    copies = X.copy(), Y.copy()
    gradient(net, X, Y)
    np.testing.assert_array_equal(X, copies[0])
    np.testing.assert_array_equal(Y, copies[1])
    np.testing.assert_array_equal(net.theta, theta)


def test_predict_class_and_embedding():
    net, X, _ = setting()
    np.testing.assert_array_equal(net.predict_class(X), net.predict(X).argmax(axis=1))
    np.testing.assert_array_equal(net.embedding(X), net.forward(X)[1]["a"][-2])
    assert net.embedding(X).shape == (7, 5)
    one, X, _ = setting((4, 6, 1), pair=("bce", "sigmoid"))
    np.testing.assert_array_equal(one.predict_class(X), (one.predict(X)[:, 0] > 0.5).astype(int))


# ------------------------------------------------------------------ the fast place


@pytest.mark.parametrize("m", [1, 2, 7, 64])
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("hidden", sorted(ACTIVATIONS))
def test_fast_step_equals_the_readable_one(hidden, pair, m):
    net, X, Y = setting((4, 16, 9, 3), m, hidden, pair, seed=m)
    J, g = fast_gradient(net, X, Y)
    assert pytest.approx(net.loss(X, Y), rel=1e-14) == J
    assert relative(g, gradient(net, X, Y)) < 2e-15


@pytest.mark.parametrize("sizes", [(5, 3), (2, 2, 2, 2), (1, 1, 1), (3, 8, 8, 8, 8, 1)])
@pytest.mark.parametrize("hidden", sorted(HIDDEN))
def test_fast_step_for_other_shapes(sizes, hidden):
    net, X, Y = setting(sizes, 6, hidden, ("bce", "sigmoid"), seed=1)
    J, g = fast_gradient(net, X, Y)
    assert pytest.approx(net.loss(X, Y), rel=1e-14) == J
    assert relative(g, gradient(net, X, Y)) < 2e-15


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("hidden", sorted(HIDDEN))
def test_fast_step_in_float32(hidden, pair):
    net, X, Y = setting(hidden=hidden, pair=pair, dtype=np.float32)
    J, g = fast_gradient(net, X, Y)
    assert g.dtype == np.float32
    assert pytest.approx(net.loss(X, Y), rel=1e-5) == J
    assert relative(g, gradient(net, X, Y)) < 1e-6


@pytest.mark.parametrize("pair", PAIRS)
def test_fast_step_survives_saturation(pair):
    """Scores of ±1000: no overflow (a warning is an error here), and the gradient is right."""
    net, X, Y = setting(pair=pair)
    net.params[-1][0][...] *= 1000
    J, g = fast_gradient(net, X, Y)
    assert np.isfinite(J)
    assert relative(g, gradient(net, X, Y)) < 1e-14


def test_loss_from_scores_does_not_stop_at_eps():
    """The readable loss cuts ln p at ln 1e-12; the one from scores goes on falling."""
    net = MLP.from_params([(np.array([[100.0, 0.0]]), np.zeros((1, 2)))])
    X, Y = np.ones((1, 1)), np.array([[0.0, 1.0]])
    assert net.loss(X, Y) == pytest.approx(-np.log(1e-12))
    assert fast_gradient(net, X, Y)[0] == pytest.approx(100)


def test_each_row_is_shifted_by_its_own_maximum():
    """With one maximum for the whole batch, the first row would be 0/0."""
    net = MLP.from_params([(np.eye(2), np.zeros((1, 2)))])
    X, Y = np.array([[0.0, 1.0], [3000.0, 2999.0]]), np.eye(2)
    J, g = fast_gradient(net, X, Y)
    assert pytest.approx(np.log(1 + np.e), rel=1e-14) == J
    assert relative(g, gradient(net, X, Y)) < 1e-14


def test_buffers_carry_nothing_from_one_step_to_the_next():
    net, X, Y = setting(hidden="relu")
    pair = (net.loss_name, net.output)
    space = Workspace(net.theta, net.gradient, net.sizes, len(X), net.activation, pair)
    X1 = np.column_stack([X, np.ones(len(X))])
    J, g = space.step(X1, Y), net.gradient.copy()
    space.step(-3 * X1, Y[::-1].copy())
    assert space.step(X1, Y) == J
    np.testing.assert_array_equal(net.gradient, g)


def test_weights_and_biases_lie_behind_each_other():
    flat = np.arange(4 * 2 + 3 * 5, dtype=float)
    first, second = joined_views(flat, (3, 2, 5))
    assert (first.shape, second.shape) == ((4, 2), (3, 5))
    net = MLP((3, 2, 5), rng=np.random.default_rng(0))
    for joined, (W, b) in zip(joined_views(net.theta, net.sizes), net.params, strict=True):
        np.testing.assert_array_equal(joined, np.vstack([W, b]))
        assert np.shares_memory(joined, W)


@pytest.mark.parametrize(("m", "b"), [(10, 3), (10, 10), (9, 1), (100, 8)])
def test_batches_show_every_example_once_in_the_given_order(m, b, monkeypatch):
    monkeypatch.setattr("mlp_lib._fast.BLOCK", 100)
    rng = np.random.default_rng(0)
    X, Y, order = rng.normal(size=(m, 2)), rng.normal(size=(m, 1)), rng.permutation(m)
    seen = [(x.copy(), y.copy()) for x, y in Batches(X, Y, b, np.float64).epoch(order)]
    assert [len(x) for x, _ in seen] == [b] * (m // b) + ([m % b] if m % b else [])
    np.testing.assert_array_equal(np.vstack([x[:, :2] for x, _ in seen]), X[order])
    np.testing.assert_array_equal(np.vstack([y for _, y in seen]), Y[order])
    assert all((x[:, 2] == 1).all() for x, _ in seen)


# ------------------------------------------------------------------ peers


@pytest.mark.peer
@pytest.mark.parametrize("sizes", [(4, 3), (3, 5, 2), (6, 9, 7, 5, 3), (5, 5, 5, 5)])
@pytest.mark.parametrize("pair", [p for p in PAIRS if p != ("half_sse", "sigmoid")])
@pytest.mark.parametrize("hidden", ["relu", "tanh", "sigmoid", "leaky_relu", "gelu", "softplus"])
def test_loss_and_gradients_equal_pytorch(torch, sizes, pair, hidden):
    net, X, Y = setting(sizes, 8, hidden, pair)
    F = torch.nn.functional
    theirs = [[torch.tensor(x, requires_grad=True) for x in layer] for layer in net.params]
    g = {"tanh": torch.tanh, "sigmoid": torch.sigmoid}.get(hidden) or getattr(F, hidden)
    A, Yt = torch.tensor(X), torch.tensor(Y)
    for k, (W, b) in enumerate(theirs):
        A = A @ W + b
        A = A if k == len(theirs) - 1 else g(A)
    J = {
        "cce": lambda: F.cross_entropy(A, Yt),
        "bce": lambda: F.binary_cross_entropy_with_logits(A, Yt, reduction="sum") / len(X),
        "half_sse": lambda: ((A - Yt) ** 2).sum() / 2 / len(X),
        "mse": lambda: F.mse_loss(A, Yt),
    }[pair[0]]()
    J.backward()
    expected = torch.cat([x.grad.ravel() for layer in theirs for x in layer]).numpy()
    assert net.loss(X, Y) == pytest.approx(J.item(), rel=1e-12)
    g = gradient(net, X, Y)
    for (dW, db), (W, b) in zip(net.grads, theirs, strict=True):
        assert relative(dW, W.grad.numpy()) < 1e-12
        assert relative(db, b.grad.numpy()) < 1e-12
    assert relative(g, expected) < 1e-12
    J_fast, g_fast = fast_gradient(net, X, Y)
    assert pytest.approx(J.item(), rel=1e-12) == J_fast
    assert relative(g_fast, expected) < 1e-12


@pytest.mark.peer
@pytest.mark.parametrize(
    ("output", "K"), [("softmax", 4), ("sigmoid", 1), ("sigmoid", 3), ("identity", 2)]
)
@pytest.mark.parametrize("hidden", ["relu", "tanh", "sigmoid"])
def test_loss_and_gradient_equal_scikit_learn(output, K, hidden):
    """One SGD step of rate 1 from the same start moves every parameter by its gradient.

    Their regressor reports ½ of the mean over the outputs, steps by the gradient of ½ the sum.
    """
    neural = pytest.importorskip("sklearn.neural_network")
    loss = "half_sse" if output == "identity" else None
    rng = np.random.default_rng(3)
    net = MLP((5, 7, 6, K), hidden, output, loss, rng=rng)
    X, Y = rng.normal(size=(12, 5)), random_targets(rng, 12, K, output)
    targets = {"softmax": Y.argmax(axis=1), "identity": Y, "sigmoid": Y if K > 1 else Y[:, 0]}
    kind = neural.MLPRegressor if output == "identity" else neural.MLPClassifier
    peer = kind(
        hidden_layer_sizes=(7, 6),
        activation={"sigmoid": "logistic"}.get(hidden, hidden),
        solver="sgd",
        learning_rate_init=1.0,
        batch_size=12,
        alpha=0,
        momentum=0,
        nesterovs_momentum=False,
        shuffle=False,
        random_state=0,
    )
    if output == "identity":
        peer.partial_fit(X, targets[output])
    else:
        peer.partial_fit(X, targets[output], classes=np.arange(max(K, 2)))
    assert peer.out_activation_ == {"sigmoid": "logistic"}.get(output, output)
    for (W, b), theirs_W, theirs_b in zip(net.params, peer.coefs_, peer.intercepts_, strict=True):
        theirs_W[...], theirs_b[...] = W, b[0]
    start = net.theta.copy()
    peer.partial_fit(X, targets[output])
    moved = np.concatenate(
        [np.vstack([W, b]).ravel() for W, b in zip(peer.coefs_, peer.intercepts_, strict=True)]
    )
    J = net.loss(X, Y) / (
        K if output == "identity" else 1
    )  # theirs: mean over outputs, as a number
    assert peer.loss_ == pytest.approx(J, rel=1e-12)
    assert relative(start - moved, gradient(net, X, Y)) < 1e-12


# ------------------------------------------------------------------ dtypes and refusals


@pytest.mark.parametrize("hidden", sorted(ACTIVATIONS))
@pytest.mark.parametrize("pair", PAIRS)
def test_float32_stays_float32(hidden, pair):
    net, X, Y = setting(hidden=hidden, pair=pair, dtype=np.float32)
    Yhat, cache = net.forward(X)  # the data are float64
    assert {a.dtype for a in (*cache["z"], *cache["a"], Yhat)} == {np.dtype(np.float32)}
    assert {g.dtype for layer in net.backward(cache, Y) for g in layer} == {np.dtype(np.float32)}
    assert net.embedding(X).dtype == np.float32
    exact = MLP.from_params(
        [(W.astype(float), b.astype(float)) for W, b in net.params], hidden, pair[1], pair[0]
    )
    if hidden != "step":
        assert relative(net.gradient, gradient(exact, X, Y)) < 3e-6


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: MLP((2, 3), "swish", rng=RNG), ValueError, "hidden: expected one of .*swish"),
        (lambda: MLP((2, 3), output="relu", rng=RNG), ValueError, "output: expected one of"),
        (lambda: MLP((2, 3), loss="huber", rng=RNG), ValueError, "loss: expected one of"),
        (lambda: MLP((2, 3), loss="bce", rng=RNG), ValueError, "pairs .*; got bce with softmax"),
        (lambda: MLP((2, 3), output="sigmoid", loss="cce", rng=RNG), ValueError, "cce with sigm"),
        (lambda: MLP((2, 3), output="sigmoid", loss="mse", rng=RNG), ValueError, "mse with sigm"),
        (lambda: MLP((2, 3), init="magic", rng=RNG), ValueError, "init: expected one of"),
        (lambda: MLP((2,), rng=RNG), ValueError, "sizes: expected at least two"),
        (lambda: MLP((2, 0, 3), rng=RNG), ValueError, r"sizes\[1\]: expected a whole number"),
        (lambda: MLP((2, 3), rng=0), TypeError, "rng: expected a generator"),
        (lambda: MLP((2, 3), rng=RNG, dtype=int), TypeError, "dtype: expected float32 or float64"),
        (
            lambda: MLP.from_params([(np.ones((2, 3)), np.ones(3))]),
            ValueError,
            r"params: expected row form, b of shape \(1, n_out\), got .*: to_row",
        ),
        (
            lambda: MLP.from_params(
                [(np.ones((2, 3)), np.ones((1, 3))), (np.ones((2, 2)), np.ones((1, 2)))]
            ),
            ValueError,
            r"params\[1\]\[0\]: expected shape \(3, n_out\)",
        ),
        (
            lambda: MLP.from_params([(np.ones((2, 3), int), np.ones((1, 3)))]),
            TypeError,
            "expected a parameter array of floats",
        ),
        (
            lambda: MLP.from_params([(np.ones((2, 3), np.float32), np.ones((1, 3)))]),
            TypeError,
            "params: expected one dtype, got float32 and float64",
        ),
    ],
)
def test_refuses_a_network(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("X", "Y", "message"),
    [
        (np.ones((7, 5)), None, r"X: expected shape \(m, 4\), got \(7, 5\)"),
        (np.ones(4), None, r"X: expected examples as rows, .* got shape \(4,\) .*X\[None, :\]"),
        (np.full((7, 4), np.nan), None, "expected finite numbers"),
        (None, np.ones((7, 1)), r"Y: expected shape \(7, 3\), got \(7, 1\)"),
        (None, np.ones((1, 3)) / 3, r"Y: expected shape \(7, 3\), got \(1, 3\)"),
        (None, np.zeros(7), r"Y: expected one-hot targets of shape \(7, 3\).*one_hot\(labels, 3\)"),
    ],
)
def test_refuses_data_of_the_wrong_shape(X, Y, message):
    net, good_X, good_Y = setting()
    X, Y = good_X if X is None else X, good_Y if Y is None else Y
    with pytest.raises(ValueError, match=message):
        net.loss(X, Y)
    with pytest.raises(ValueError, match=message):
        net.backward(net.forward(X)[1], Y)


def test_set_params_refuses_other_shapes():
    net, _, _ = setting()
    before = net.theta.copy()
    with pytest.raises(ValueError, match="expected 3 layers, got 1"):
        net.set_params(net.params[:1])
    swapped = [(W.T.copy(), b) for W, b in net.params]
    with pytest.raises(ValueError, match=r"params\[0\]\[0\]"):
        net.set_params(swapped)
    np.testing.assert_array_equal(net.theta, before)


def test_mean_loss_knows_its_names():
    with pytest.raises(ValueError, match="loss: expected one of"):
        mean_loss(np.ones((1, 1)), np.ones((1, 1)), "hinge")
