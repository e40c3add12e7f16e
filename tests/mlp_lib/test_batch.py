from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlp_lib import (
    bce,
    cce,
    d_gelu,
    d_leaky_relu,
    d_relu,
    d_sigmoid,
    d_softplus,
    d_tanh,
    gelu,
    half_sse,
    identity,
    leaky_relu,
    relu,
    sigmoid,
    softmax,
    softplus,
    tanh,
)
from mlp_lib.batch import (
    error_backward,
    layer_deltas,
    linear_backward,
    mlp_backward_batch,
    mlp_forward_batch,
    weight_backward,
)
from mlp_lib.numgrad import grad_check

# F1 in row form and the batch F3
W1 = np.array([[0.5, -0.5], [1.2, 0.25], [-0.75, 0.9]]).T
B1 = np.array([[0.3, 0.5, -0.25]])
W2 = np.array([[1.5, -0.8, 0.5], [-0.5, 0.25, 0.7], [0.4, 0.6, -0.9], [-0.2, -0.3, 0.35]]).T
B2 = np.array([[0.1, -0.1, 0.2, -0.25]])
F1 = [(W1, B1), (W2, B2)]
X3 = np.array([[0.8, -2], [0.3, 0.7], [2, 0.5], [-0.4, 0.6], [1.2, -0.9]])
Y3 = np.eye(4)[[1, 0, 2, 3, 1]]

ACTS = {
    "sigmoid": (sigmoid, d_sigmoid),
    "tanh": (tanh, d_tanh),
    "relu": (relu, d_relu),
    "leaky_relu": (leaky_relu, d_leaky_relu),
    "gelu": (gelu, d_gelu),
    "softplus": (softplus, d_softplus),
}
# loss of the whole batch, mean over the m examples, and the pair it belongs to
PAIRS = {
    ("cce", "softmax"): (softmax, cce),
    ("bce", "sigmoid"): (sigmoid, lambda P, Y: P.shape[1] * bce(P, Y)),
    ("half_sse", "identity"): (identity, lambda P, Y: half_sse_mean(P, Y)),
    ("half_sse", "sigmoid"): (sigmoid, lambda P, Y: half_sse_mean(P, Y)),
}


def half_sse_mean(P, Y):
    return ((P - Y) ** 2).sum() / 2 / len(P)


def norm_wise(got, expected):
    return np.linalg.norm(got - expected) / max(np.linalg.norm(expected), 1e-300)


def network(sizes, seed=0, m=6, dtype=np.float64, loss="cce"):
    rng = np.random.default_rng(seed)
    params = [
        (
            (rng.normal(size=(a, b)) / np.sqrt(a)).astype(dtype),
            rng.normal(size=(1, b)).astype(dtype),
        )
        for a, b in pairwise(sizes)
    ]
    X = rng.normal(size=(m, sizes[0])).astype(dtype)
    if loss == "cce":
        Y = np.eye(sizes[-1])[rng.integers(0, sizes[-1], m)]
    else:
        Y = rng.uniform(size=(m, sizes[-1]))
    return X, Y.astype(dtype), params


def gradients(X, Y, params, act="sigmoid", pair=("cce", "softmax")):
    g, dg = ACTS[act]
    _, cache = mlp_forward_batch(X, params, g, PAIRS[pair][0])
    return mlp_backward_batch(params, cache, Y, dg, loss=pair[0], activation=pair[1])


def flat(grads):
    return [tensor for layer in grads for tensor in layer]


# -- forward --------------------------------------------------------------------------------------


def test_forward_of_f3():
    expected = [
        [0.3761, 0.1229, 0.4115, 0.0895],
        [0.3451, 0.2390, 0.2830, 0.1329],
        [0.3107, 0.1643, 0.4281, 0.0970],
        [0.3782, 0.2530, 0.2212, 0.1477],
        [0.3375, 0.1409, 0.4291, 0.0925],
    ]
    Yhat, cache = mlp_forward_batch(X3, F1)
    np.testing.assert_allclose(Yhat, expected, atol=5e-5)
    assert cce(Yhat, Y3) == pytest.approx(1.576288, abs=5e-7)
    assert [z.shape for z in cache["z"]] == [(5, 3), (5, 4)]
    assert [a.shape for a in cache["a"]] == [(5, 2), (5, 3), (5, 4)]
    np.testing.assert_array_equal(cache["a"][0], X3)
    np.testing.assert_array_equal(cache["a"][-1], Yhat)


def test_cached_values_obey_their_equations():
    X, _, params = network([3, 5, 4, 2])
    _, cache = mlp_forward_batch(X, params, tanh)
    for k, (W, b) in enumerate(params):
        z = sum(cache["a"][k][:, [i]] * W[[i]] for i in range(len(W))) + b
        np.testing.assert_allclose(cache["z"][k], z, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(cache["a"][1], np.tanh(cache["z"][0]))


def test_one_example_is_a_batch_too():
    Yhat, _ = mlp_forward_batch(X3[:1], F1)
    np.testing.assert_allclose(Yhat, mlp_forward_batch(X3, F1)[0][:1], rtol=1e-14)


def test_a_network_of_one_layer():
    Yhat, cache = mlp_forward_batch(X3, [(W1, B1)], relu, identity)
    np.testing.assert_allclose(Yhat, X3 @ W1 + B1)
    ((dW, db),) = mlp_backward_batch(
        [(W1, B1)], cache, np.zeros((5, 3)), d_relu, loss="half_sse", activation="identity"
    )
    np.testing.assert_allclose(dW, X3.T @ Yhat / 5)
    np.testing.assert_allclose(db, Yhat.mean(axis=0, keepdims=True))


# -- linear_backward ------------------------------------------------------------------------------


def test_the_michigan_example():
    X, W = np.array([[1.0, 2], [3, 4]]), np.array([[1.0, 0, -1], [2, 1, 0]])
    dA, dW, db = linear_backward(np.array([[1.0, 2, 3], [4, 5, 6]]), X, W)
    assert dA.tolist() == [[-2, 4], [-2, 13]]
    assert dW.tolist() == [[13, 17, 21], [18, 24, 30]]
    assert db.tolist() == [[5, 7, 9]]


def test_the_all_square_fixture_that_shape_checks_cannot_see():
    X, dY, W = (
        np.array([[1.0, 2], [3, 4]]),
        np.array([[1.0, 2], [4, 5]]),
        np.array([[1, -1], [2, 0.5]]),
    )
    dA, dW, _ = linear_backward(dY, X, W)
    assert dW.tolist() == [[13, 17], [18, 24]]
    assert dA.tolist() == [[-1, 3], [-1, 10.5]]


sizes_st = st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6))


@given(sizes_st, st.integers(0, 2**32 - 1))
def test_linear_backward_is_the_gradient_of_a_weighted_sum(sizes, seed):
    """L = Σ dY ⊙ (X W + b) is linear in each of X, W, b: finite differences are exact."""
    m, n_in, n_out = sizes
    rng = np.random.default_rng(seed)
    dZ, A, W = (rng.normal(size=s) for s in ((m, n_out), (m, n_in), (n_in, n_out)))
    dA, dW, db = linear_backward(dZ, A, W)
    step = rng.normal(size=A.shape), rng.normal(size=W.shape), rng.normal(size=(1, n_out))
    assert np.sum(dZ * (step[0] @ W)) == pytest.approx(np.sum(dA * step[0]), abs=1e-10)
    assert np.sum(dZ * (A @ step[1])) == pytest.approx(np.sum(dW * step[1]), abs=1e-10)
    broadcast = np.repeat(step[2], m, axis=0)
    assert np.sum(dZ * broadcast) == pytest.approx(np.sum(db * step[2]), abs=1e-10)
    assert (dA.shape, dW.shape, db.shape) == (A.shape, W.shape, (1, n_out))


@given(sizes_st, st.integers(0, 2**32 - 1), st.floats(-3, 3), st.floats(-3, 3))
def test_linear_backward_is_linear_in_the_error(sizes, seed, s, t):
    m, n_in, n_out = sizes
    rng = np.random.default_rng(seed)
    P, Q, A, W = (
        rng.normal(size=size) for size in ((m, n_out), (m, n_out), (m, n_in), (n_in, n_out))
    )
    both = linear_backward(s * P + t * Q, A, W)
    for got, p, q in zip(both, linear_backward(P, A, W), linear_backward(Q, A, W), strict=True):
        np.testing.assert_allclose(got, s * p + t * q, atol=1e-11)


def test_its_two_halves_are_the_parts():
    X, _, ((W, _),) = network([4, 3])
    dZ = np.random.default_rng(1).normal(size=(6, 3))
    dA, dW, db = linear_backward(dZ, X, W)
    np.testing.assert_array_equal(dA, error_backward(dZ, W))
    for got, part in zip((dW, db), weight_backward(dZ, X), strict=True):
        np.testing.assert_array_equal(got, part)


# -- backward -------------------------------------------------------------------------------------


def test_gradients_of_f3():
    (dW1, db1), (dW2, db2) = gradients(X3, Y3, F1)
    expected = [[0.0481, -0.0224, 0.0241], [-0.1041, 0.0512, 0.0315]]
    np.testing.assert_allclose(dW1, expected, atol=5e-5)
    assert (db1.shape, dW2.shape, db2.shape) == ((1, 3), (3, 4), (1, 4))


def test_gradients_of_f1_for_its_one_example():
    (dW1, _), (dW2, db2) = gradients(X3[:1], Y3[:1], F1)
    expected1 = [[0.120098, -0.300245], [-0.048071, 0.120179], [-0.037717, 0.094293]]
    np.testing.assert_allclose(dW1.T, expected1, atol=5e-7)
    np.testing.assert_allclose(db2, [[0.376118, -0.877108, 0.411497, 0.089493]], atol=5e-7)
    np.testing.assert_allclose(dW2.T[1], [-0.741625, -0.634256, -0.057879], atol=5e-7)


def test_gradients_of_the_square_net_f2():
    """Every matrix is 2×2, so a missing transpose would run; only the numbers can tell."""
    Ws = [[[0.9, 0.5], [-0.5, 0.25]], [[0.5, -0.7], [0.6, 2]], [[0.8, -2], [0.5, 1.3]]]
    params = [(np.array(W).T.copy(), np.zeros((1, 2))) for W in Ws]
    X, Y = np.array([[0.8, -0.6]]), np.array([[1.0, 0]])
    Yhat, _ = mlp_forward_batch(X, params)
    np.testing.assert_allclose(Yhat, [[0.089594, 0.910406]], atol=5e-7)
    got = [dW.T for dW, _ in gradients(X, Y, params)]
    expected = [
        [[0.058325, -0.043744], [0.218477, -0.163857]],
        [[-0.041185, -0.024968], [0.340765, 0.20659]],
        [[-0.465588, -0.681986], [0.465588, 0.681986]],
    ]
    np.testing.assert_allclose(got, expected, atol=5e-7)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("sizes", [[3, 2], [3, 5, 2], [4, 4, 4, 4], [2, 7, 5, 6, 3]], ids=str)
def test_gradients_against_the_complex_step(sizes, act, pair):
    X, Y, params = network(sizes, loss=pair[0])
    out, loss = PAIRS[pair]

    def of_params(p):
        return loss(mlp_forward_batch(X, p, ACTS[act][0], out)[0], Y)

    grads = gradients(X, Y, params, act, pair)
    assert grad_check(of_params, params, grads, scheme="complex") < 1e-13


@pytest.mark.parametrize("m", [1, 7])
@pytest.mark.parametrize("act", ACTS)
def test_gradients_against_central_differences(act, m):
    X, Y, params = network([3, 5, 4], seed=5, m=m)

    def loss(p):
        return cce(mlp_forward_batch(X, p, ACTS[act][0])[0], Y)

    h = 1e-6 if "relu" in act else 1e-5
    assert grad_check(loss, params, gradients(X, Y, params, act), h=h) < 1e-7


nets = st.tuples(
    st.lists(st.integers(1, 5), min_size=2, max_size=4),
    st.integers(1, 7),
    st.integers(0, 2**32 - 1),
    st.sampled_from(sorted(ACTS)),
)


@given(nets)
def test_batch_is_the_mean_of_single_examples(net):
    sizes, m, seed, act = net
    X, Y, params = network(sizes, seed, m)
    singles = [flat(gradients(X[[i]], Y[[i]], params, act)) for i in range(m)]
    for got, *parts in zip(flat(gradients(X, Y, params, act)), *singles, strict=True):
        np.testing.assert_allclose(got, np.mean(parts, axis=0), atol=1e-12)


@given(nets)
def test_the_order_of_the_examples_does_not_matter(net):
    sizes, m, seed, act = net
    X, Y, params = network(sizes, seed, m)
    order = np.random.default_rng(seed).permutation(m)
    Yhat, _ = mlp_forward_batch(X, params, ACTS[act][0])
    shuffled, _ = mlp_forward_batch(X[order], params, ACTS[act][0])
    np.testing.assert_allclose(shuffled, Yhat[order], rtol=1e-12)
    for got, again in zip(
        flat(gradients(X, Y, params, act)),
        flat(gradients(X[order], Y[order], params, act)),
        strict=True,
    ):
        np.testing.assert_allclose(got, again, atol=1e-12)


@given(nets)
def test_every_example_twice_changes_nothing(net):
    sizes, m, seed, act = net
    X, Y, params = network(sizes, seed, m)
    twice = flat(gradients(np.tile(X, (2, 1)), np.tile(Y, (2, 1)), params, act))
    for got, again in zip(flat(gradients(X, Y, params, act)), twice, strict=True):
        np.testing.assert_allclose(got, again, atol=1e-12)


@given(nets)
def test_renumbering_hidden_units_renumbers_their_gradients(net):
    (n_0, *_), m, seed, act = net
    X, Y, ((W, b), (V, c)) = network([n_0, 5, 3], seed, m)
    p = np.random.default_rng(seed).permutation(5)
    (dW, db), (dV, dc) = gradients(X, Y, [(W, b), (V, c)], act)
    (pW, pb), (pV, pc) = gradients(X, Y, [(W[:, p], b[:, p]), (V[p], c)], act)
    for got, expected in ((pW, dW[:, p]), (pb, db[:, p]), (pV, dV[p]), (pc, dc)):
        np.testing.assert_allclose(got, expected, atol=1e-12)


def test_deltas_are_the_gradients_by_z():
    """Σ rows of dZ is db, and dZ is what one example's z answers with."""
    X, Y, params = network([3, 5, 4, 2])
    _, cache = mlp_forward_batch(X, params, tanh)
    deltas = layer_deltas(params, cache, Y, d_tanh)
    assert [d.shape for d in deltas] == [(6, 5), (6, 4), (6, 2)]
    for dZ, (_, db) in zip(deltas, gradients(X, Y, params, "tanh"), strict=True):
        np.testing.assert_allclose(dZ.sum(axis=0, keepdims=True), db, rtol=1e-14)
    np.testing.assert_allclose(deltas[-1], (cache["a"][-1] - Y) / 6, rtol=1e-14)


def test_one_over_m_enters_once():
    X, Y, params = network([3, 5, 2], m=1)
    once = gradients(X, Y, params)
    many = gradients(np.repeat(X, 9, axis=0), np.repeat(Y, 9, axis=0), params)
    for a, b in zip(flat(once), flat(many), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-14)


# -- dtype, inputs, bad input ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_dtype_stays_and_float32_is_accurate(dtype, act, pair):
    X, Y, params = network([3, 5, 4, 2], dtype=dtype, loss=pair[0])
    _, cache = mlp_forward_batch(X, params, ACTS[act][0], PAIRS[pair][0])
    grads = gradients(X, Y, params, act, pair)
    assert {t.dtype for t in [*cache["z"], *cache["a"], *flat(grads)]} == {np.dtype(dtype)}
    exact = gradients(
        X.astype(float),
        Y.astype(float),
        [(W.astype(float), b.astype(float)) for W, b in params],
        act,
        pair,
    )
    tolerance = 1e-5 if dtype == np.float32 else 1e-14
    for got, expected in zip(flat(grads), flat(exact), strict=True):
        assert norm_wise(got, expected) < tolerance


def test_linear_backward_keeps_float32():
    X, _, ((W, _),) = network([4, 3], dtype=np.float32)
    parts = linear_backward(np.ones((6, 3), np.float32), X, W)
    assert {p.dtype for p in parts} == {np.dtype(np.float32)}


def test_inputs_are_read_only_safe_and_unchanged():
    X, Y, params = network([3, 5, 2])
    arrays = [X, Y, *flat(params)]
    before = [a.copy() for a in arrays]
    for a in arrays:
        a.flags.writeable = False
    _, cache = mlp_forward_batch(X, params)
    cached = [*cache["z"], *cache["a"]]
    kept = [a.copy() for a in cached]
    mlp_backward_batch(params, cache, Y, d_sigmoid)
    linear_backward(Y, X, params[0][0][:, :2])
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(cached, kept, strict=True))


def test_a_bias_column_is_refused_where_it_would_broadcast():
    """With m = n_hidden = 3 a bias of shape (3, 1) would be added down the wrong axis."""
    with pytest.raises(ValueError, match=r"params\[0\]\[1\]: expected shape .*got \(3, 1\)"):
        mlp_forward_batch(X3[:3], [(W1, B1.T), (W2, B2)])


@pytest.mark.parametrize("bias", [np.zeros(3), np.zeros((1, 1)), np.zeros((5, 3)), np.zeros(())])
def test_other_biases_that_would_broadcast(bias):
    with pytest.raises(ValueError, match=r"params.*: expected .*got b? ?.*\(.*\)"):
        mlp_forward_batch(X3, [(W1, bias), (W2, B2)])


def test_wrong_shapes_say_which_and_what():
    with pytest.raises(ValueError, match=r"X: expected shape \(m, 2\), got \(2, 5\)"):
        mlp_forward_batch(X3.T, F1)
    with pytest.raises(ValueError, match=r"X: expected examples as rows, .* got shape \(2,\)"):
        mlp_forward_batch(X3[0], F1)
    with pytest.raises(ValueError, match=r"X: expected examples as rows"):
        mlp_forward_batch(X3[:0], F1)
    with pytest.raises(ValueError, match=r"params\[1\]\[0\]: expected shape \(3, n_out\), got"):
        mlp_forward_batch(X3, [(W1, B1), (W2.T, B2)])
    with pytest.raises(ValueError, match=r"W: expected shape \(n_in, n_out\) .*got \(3, 2\)"):
        linear_backward(np.ones((5, 3)), X3, W1.T)
    with pytest.raises(ValueError, match=r"A_prev: expected shape \(m, n_in\) .*got \(1, 2\)"):
        linear_backward(np.ones((5, 3)), X3[:1], W1)


def test_targets_that_would_broadcast_are_refused():
    _, cache = mlp_forward_batch(X3, F1)
    for Y in (Y3[:1], Y3[0], Y3[:, :1], Y3.T):
        with pytest.raises(ValueError, match=r"y: expected the shape of yhat, \(5, 4\), got"):
            mlp_backward_batch(F1, cache, Y, d_sigmoid)


def test_a_cache_of_another_network_or_batch_is_refused():
    _, cache = mlp_forward_batch(X3, F1)
    with pytest.raises(ValueError, match="cache: expected 1 entries of z and 2 of a, got 2 and 3"):
        mlp_backward_batch(F1[:1], cache, Y3, d_sigmoid)
    mixed = {"z": [cache["z"][0][:1], cache["z"][1]], "a": cache["a"]}
    with pytest.raises(ValueError, match=r"cache\['z'\]\[0\]: expected shape \(5, 3\), got \(1, 3"):
        mlp_backward_batch(F1, mixed, Y3, d_sigmoid)


def test_integer_parameters_are_refused():
    with pytest.raises(TypeError, match=r"params\[0\]\[0\]: expected a parameter array of floats"):
        mlp_forward_batch(X3, [(np.ones((2, 3), int), B1), (W2, B2)])
    with pytest.raises(TypeError, match=r"W: expected a parameter array of floats, got dtype int"):
        linear_backward(np.ones((5, 3)), X3, np.ones((2, 3), int))


def test_integer_examples_are_read_as_real_numbers():
    whole = np.array([[1, -2], [3, 0]])
    expected, _ = mlp_forward_batch(whole.astype(float), F1)
    np.testing.assert_array_equal(mlp_forward_batch(whole, F1)[0], expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_non_finite_input_is_refused(bad):
    X = X3.copy()
    X[1, 1] = bad
    with pytest.raises(ValueError, match=r"X: expected finite numbers, got .* at index \(1, 1\)"):
        mlp_forward_batch(X, F1)
    W = W1.copy()
    W[0, 2] = bad
    with pytest.raises(ValueError, match=r"params\[0\]\[0\]: expected finite numbers, got"):
        mlp_forward_batch(X3, [(W, B1), (W2, B2)])


def test_unpaired_loss_and_output_are_refused_with_the_reason():
    _, cache = mlp_forward_batch(X3, F1)
    with pytest.raises(ValueError, match="every softmax output depends on every z"):
        mlp_backward_batch(F1, cache, Y3, d_sigmoid, loss="half_sse", activation="softmax")
    with pytest.raises(ValueError, match="loss: expected one of"):
        mlp_backward_batch(F1, cache, Y3, d_sigmoid, loss="entropy")


@pytest.mark.parametrize("params", [[], None, [W1], [(W1,)]], ids=["[]", "None", "W", "(W,)"])
def test_what_is_no_list_of_pairs_is_refused(params):
    with pytest.raises(TypeError, match=r"expected a (list|pair)"):
        mlp_forward_batch(X3, params)


# -- a peer ---------------------------------------------------------------------------------------


def torch_gradients(torch, X, Y, params, act, pair):
    """The same network by PyTorch's autograd, in float64."""
    F = torch.nn.functional
    acts = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": torch.relu,
        "leaky_relu": lambda z: F.leaky_relu(z, 0.01),
        "gelu": F.gelu,
        "softplus": F.softplus,
    }
    tensors = [tuple(torch.tensor(t, requires_grad=True) for t in layer) for layer in params]
    A, Y = torch.tensor(X), torch.tensor(Y)
    for k, (W, b) in enumerate(tensors):
        Z = A @ W + b
        A = acts[act](Z) if k < len(tensors) - 1 else Z
    loss = {
        ("cce", "softmax"): lambda: F.cross_entropy(Z, Y),
        ("bce", "sigmoid"): lambda: (
            F.binary_cross_entropy_with_logits(Z, Y, reduction="sum") / len(X)
        ),
        ("half_sse", "identity"): lambda: 0.5 * F.mse_loss(Z, Y, reduction="sum") / len(X),
        ("half_sse", "sigmoid"): lambda: (
            0.5 * F.mse_loss(torch.sigmoid(Z), Y, reduction="sum") / len(X)
        ),
    }[pair]()
    loss.backward()
    return [tuple(t.grad.numpy() for t in layer) for layer in tensors]


@pytest.mark.peer
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    ("sizes", "m"),
    [([4, 3], 6), ([2, 16, 16, 2], 32), ([64, 128, 10], 64), ([5, 5, 5, 5, 5], 5), ([7, 3, 9], 1)],
    ids=str,
)
def test_every_gradient_agrees_with_torch(sizes, m, act, pair):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: no peer for backprop")
    X, Y, params = network(sizes, seed=11, m=m, loss=pair[0])
    ours = gradients(X, Y, params, act, pair)
    theirs = torch_gradients(torch, X, Y, params, act, pair)
    for got, expected in zip(flat(ours), flat(theirs), strict=True):
        assert norm_wise(got, expected) < 1e-12


@pytest.mark.peer
@settings(deadline=None, max_examples=30)
@given(nets, st.sampled_from(sorted(PAIRS)))
def test_random_networks_agree_with_torch(net, pair):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: no peer for backprop")
    sizes, m, seed, act = net
    X, Y, params = network(sizes, seed, m, loss=pair[0])
    ours, theirs = (
        gradients(X, Y, params, act, pair),
        torch_gradients(torch, X, Y, params, act, pair),
    )
    # one norm for the whole gradient: a single softmax output has an exactly zero gradient, and
    # a nearly dead layer only rounding in it
    got, expected = (np.concatenate([t.ravel() for t in flat(g)]) for g in (ours, theirs))
    assert np.linalg.norm(got - expected) <= 1e-12 * np.linalg.norm(expected) + 1e-15


def test_half_sse_of_one_example_is_the_library_s_own():
    X, Y, params = network([3, 4, 2], m=1, loss="half_sse")
    Yhat, _ = mlp_forward_batch(X, params, tanh, identity)
    assert half_sse(Yhat[0], Y[0]) == pytest.approx(half_sse_mean(Yhat, Y), rel=1e-14)
