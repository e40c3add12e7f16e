import math
from copy import deepcopy
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeric import F1, F1_X, F1_Y, F2, F2_X, F2_Y, central, complex_step, random_net, relative

from mlp_lib.activations import (
    ACTIVATIONS,
    d_relu,
    d_sigmoid,
    d_tanh,
    identity,
    relu,
    sigmoid,
    step,
    tanh,
)
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
from mlp_lib.delta import PAIRS
from mlp_lib.losses import bce_multi, cce, half_sse
from mlp_lib.softmax import softmax

pytestmark = pytest.mark.filterwarnings("error")

OUTPUT = {"identity": identity, "sigmoid": sigmoid, "softmax": softmax}
TOTAL = {"half_sse": half_sse, "bce": bce_multi, "cce": cce}
ROWS = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
sizes = st.lists(st.integers(1, 4), min_size=2, max_size=5)
SIX = {"atol": 6e-7}  # printed with six decimals


# --- forward ---------------------------------------------------------------------------------


def test_forward_numbers_of_f1():
    yhat, cache = mlp_forward(F1_X, F1)
    np.testing.assert_allclose(cache["z"][0], [1.7, 0.96, -2.65], atol=1e-15)
    np.testing.assert_allclose(cache["a"][1], [0.845535, 0.723122, 0.065989], **SIX)
    np.testing.assert_allclose(cache["z"][1], [0.822799, -0.295795, 0.912697, -0.612947], **SIX)
    np.testing.assert_allclose(yhat, [0.376118, 0.122892, 0.411497, 0.089493], **SIX)
    assert cce(yhat, F1_Y) == pytest.approx(2.096446, abs=6e-7)


def test_forward_numbers_of_f2():
    yhat, _ = mlp_forward(F2_X, F2)
    np.testing.assert_allclose(yhat, [0.089594, 0.910406], **SIX)
    assert cce(yhat, F2_Y) == pytest.approx(2.412472, abs=6e-7)


ONE_TWO_ONE = [
    (np.array([[0.7], [0.9]]), np.array([1.0, 0.8])),
    (np.array([[0.7, 0.9]]), np.array([1.0])),
]


def test_the_1_2_1_net_of_the_first_lecture():
    yhat, cache = mlp_forward([0.5], ONE_TWO_ONE, out=sigmoid)
    np.testing.assert_allclose(cache["z"][0], [1.35, 1.25], atol=1e-15)
    np.testing.assert_allclose(cache["a"][1], [0.794130, 0.777300], **SIX)
    np.testing.assert_allclose(cache["z"][1], [2.255461], **SIX)
    np.testing.assert_allclose(yhat, [0.905121], **SIX)
    e = error_to_previous(ONE_TWO_ONE[1][0], yhat - 1)  # bce with sigmoid, y = 1
    np.testing.assert_allclose(e, [-0.0664, -0.0854], atol=5e-5)


@given(sizes, st.integers(0, 1000))
def test_shapes_and_the_cache(sizes, seed):
    net = random_net(sizes, seed)
    x = np.random.default_rng(seed).normal(size=sizes[0])
    yhat, cache = mlp_forward(x, net)
    assert [len(z) for z in cache["z"]] == sizes[1:]
    assert [len(a) for a in cache["a"]] == sizes
    np.testing.assert_array_equal(cache["a"][0], x)
    np.testing.assert_array_equal(cache["a"][-1], yhat)
    assert yhat.sum() == pytest.approx(1)
    for a, z in zip(cache["a"][1:-1], cache["z"], strict=False):
        np.testing.assert_array_equal(a, sigmoid(z))


def test_the_net_2_4_3_has_27_parameters():
    net = random_net([2, 4, 3], 0)
    assert sum(W.size + b.size for W, b in net) == 27
    assert [sum(W.size for W, _ in random_net([4, 3, 3, 3], 0))] == [30]


@given(st.permutations(range(3)))
def test_the_order_of_the_hidden_units_does_not_matter(order):
    (W1, b1), (W2, b2) = F1
    moved = [(W1[order], b1[order]), (W2[:, order], b2)]
    np.testing.assert_allclose(mlp_forward(F1_X, moved)[0], mlp_forward(F1_X, F1)[0], rtol=1e-14)


# --- XOR and linear networks -----------------------------------------------------------------


def test_hand_set_gates_compute_xor():
    net = xor_gate_net()
    hidden = []
    outputs = []
    for row in ROWS:
        yhat, cache = mlp_forward(row, net, g=step, out=step)
        outputs.append(yhat[0])
        hidden.append(cache["a"][1].tolist())
        assert min(np.abs(z).min() for z in cache["z"]) >= 0.25
    assert outputs == [0, 1, 1, 0]
    assert [h[0] for h in hidden] == [1, 0, 0, 0]  # NOR
    assert [h[1] for h in hidden] == [0, 0, 0, 1]  # AND
    assert [(W.shape, b.shape) for W, b in net] == [((2, 2), (2,)), ((1, 2), (1,))]


def test_each_call_gives_a_gate_net_of_its_own():
    xor_gate_net()[0][0][:] = 7
    assert xor_gate_net()[0][0].max() == 1


def test_the_exercise_fixture_of_collapse():
    W1, b1 = np.array([[1.0, 2], [3, 4], [0, -1]]), np.array([1.0, 0, -1])
    W2, b2 = np.array([[1.0, 0, 2], [-1, 1, 0]]), np.array([0.5, -0.5])
    W, b = collapse_linear([(W1, b1), (W2, b2)])
    np.testing.assert_allclose(W, [[1, 0], [2, 2]], atol=1e-15)
    np.testing.assert_allclose(b, [-0.5, -1.5], atol=1e-15)


@given(sizes, st.integers(0, 1000))
def test_a_linear_network_is_one_layer(sizes, seed):
    net = random_net(sizes, seed)
    W, b = collapse_linear(net)
    x = np.random.default_rng(seed + 1).normal(size=sizes[0])
    yhat, _ = mlp_forward(x, net, g=identity, out=identity)
    np.testing.assert_allclose(W @ x + b, yhat, rtol=1e-11, atol=1e-12)


# --- backward --------------------------------------------------------------------------------


def test_backward_numbers_of_f1():
    _, cache = mlp_forward(F1_X, F1)
    (dW1, db1), (dW2, db2) = mlp_backward(F1, cache, F1_Y)
    np.testing.assert_allclose(db2, [0.376118, -0.877108, 0.411497, 0.089493], **SIX)
    np.testing.assert_allclose(db1, [0.150122, -0.060089, -0.047147], **SIX)
    np.testing.assert_allclose(
        dW1, [[0.120098, -0.300245], [-0.048071, 0.120179], [-0.037717, 0.094293]], **SIX
    )
    expected = [
        [0.318021, 0.271979, 0.02482],
        [-0.741625, -0.634256, -0.057879],
        [0.347935, 0.297562, 0.027154],
        [0.075669, 0.064714, 0.005906],
    ]
    np.testing.assert_allclose(dW2, expected, **SIX)
    e = error_to_previous(F1[1][0], db2)
    np.testing.assert_allclose(e, [1.149431, -0.300121, -0.764941], **SIX)
    np.testing.assert_array_equal(hidden_delta(e, cache["z"][0], d_sigmoid), db1)


def test_backward_numbers_of_f2():
    _, cache = mlp_forward(F2_X, F2)
    (dW1, db1), (dW2, db2), (dW3, db3) = mlp_backward(F2, cache, F2_Y)
    np.testing.assert_allclose(db3, [-0.910406, 0.910406], **SIX)
    e2, e1 = error_to_previous(F2[2][0], db3), error_to_previous(F2[1][0], db2)
    np.testing.assert_allclose(e2, [-0.273122, 3.004341], **SIX)
    np.testing.assert_allclose(db2, [-0.068245, 0.564663], **SIX)
    np.testing.assert_allclose(e1, [0.304676, 1.177098], **SIX)
    np.testing.assert_allclose(db1, [0.072906, 0.273096], **SIX)
    np.testing.assert_allclose(dW1, [[0.058325, -0.043744], [0.218477, -0.163857]], **SIX)
    np.testing.assert_allclose(dW2, [[-0.041185, -0.024968], [0.340765, 0.20659]], **SIX)
    np.testing.assert_allclose(dW3, [[-0.465588, -0.681986], [0.465588, 0.681986]], **SIX)
    # without the transpose a square net runs as well, and is wrong
    np.testing.assert_allclose(F2[2][0] @ db3, [-2.5491, 0.7283], atol=5e-5)


def test_the_exercise_fixture_of_hidden_delta():
    got = hidden_delta([1.14943, -0.30012, -0.76494], [1.7, 0.96, -2.65], d_sigmoid)
    np.testing.assert_allclose(got, [0.1501, -0.0601, -0.0471], atol=5e-5)


def test_weights_stored_from_to_need_no_transpose():
    W, delta = F1[1][0], np.array([0.376118, -0.877108, 0.411497, 0.089493])
    stored_from_to = np.ascontiguousarray(W.T)
    np.testing.assert_allclose(error_to_previous(W, delta), stored_from_to @ delta, rtol=1e-14)


def composed(net, x, y, g, loss, activation):
    """J as a function of all parameters in one vector, and that vector."""
    arrays = [array for layer in net for array in layer]
    cuts = np.cumsum([array.size for array in arrays])[:-1]

    def J(theta):
        parts = np.split(theta, cuts)
        shaped = [p.reshape(array.shape) for p, array in zip(parts, arrays, strict=True)]
        layers = list(zip(shaped[::2], shaped[1::2], strict=True))
        return TOTAL[loss](mlp_forward(x, layers, g, OUTPUT[activation])[0], y)

    return J, np.concatenate([array.ravel() for array in arrays])


def flat(grads):
    return np.concatenate([array.ravel() for layer in grads for array in layer])


@pytest.mark.parametrize("pair", sorted(PAIRS))
@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"step"}))
@pytest.mark.parametrize("sizes", [[3, 4, 2], [2, 5, 3, 4], [3, 3, 3, 3], [4, 2]])
def test_gradient_equals_the_complex_step(pair, name, sizes):
    g, net = ACTIVATIONS[name], random_net(sizes, seed=7)
    x, y = np.random.default_rng(3).normal(size=sizes[0]), np.eye(sizes[-1])[1]
    _, cache = mlp_forward(x, net, g.f, OUTPUT[pair[1]])
    grads = mlp_backward(net, cache, y, g.df, loss=pair[0], activation=pair[1])
    for (dW, db), (W, b) in zip(grads, net, strict=True):
        assert (dW.shape, db.shape) == (W.shape, b.shape)
    J, theta = composed(net, x, y, g.f, *pair)
    # ŷ − y of an output that is nearly right has lost some digits, in either way of computing it
    assert relative(flat(grads), complex_step(J, theta)) < 1e-12


@pytest.mark.parametrize(("g", "dg"), [(sigmoid, d_sigmoid), (tanh, d_tanh), (relu, d_relu)])
def test_gradient_equals_the_central_difference(g, dg):
    net = random_net([3, 4, 2], seed=7)
    x, y = np.array([0.6, -1.1, 0.3]), np.array([0.0, 1.0])
    _, cache = mlp_forward(x, net, g)
    J, theta = composed(net, x, y, g, "cce", "softmax")
    assert relative(flat(mlp_backward(net, cache, y, dg)), central(J, theta, h=1e-6)) < 1e-7


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 1000), st.floats(-2, 2))
def test_sending_back_is_linear_and_the_adjoint_of_sending_forward(n_to, n_from, seed, c):
    rng = np.random.default_rng(seed)
    W, a = rng.normal(size=(n_to, n_from)), rng.normal(size=n_from)
    d1, d2 = rng.normal(size=(2, n_to))
    e = error_to_previous(W, d1)
    assert e.shape == (n_from,)
    np.testing.assert_allclose(
        error_to_previous(W, d1 + c * d2), e + c * error_to_previous(W, d2), atol=1e-13
    )
    assert e @ a == pytest.approx(d1 @ (W @ a), abs=1e-12)


def test_backward_may_be_called_twice_and_needs_only_its_cache():
    _, cache = mlp_forward(F1_X, F1)
    before = deepcopy(cache)
    first, second = mlp_backward(F1, cache, F1_Y), mlp_backward(F1, cache, F1_Y)
    np.testing.assert_array_equal(flat(first), flat(second))
    for key in cache:
        for kept, now in zip(before[key], cache[key], strict=True):
            np.testing.assert_array_equal(kept, now)


# --- paths -----------------------------------------------------------------------------------


def path_net(shapes=((2, 2), (2, 2), (2, 1)), seed=1, x=(0.5, -1.2), t=1.0):
    rng = np.random.default_rng(seed)
    return {"W": [rng.normal(size=shape).T for shape in shapes], "x": np.array(x), "t": t}


def test_the_two_paths_of_lesson_9():
    net = path_net()
    np.testing.assert_allclose(path_products(net, (1, 1, 1)), [-0.001002, -0.000353], **SIX)
    assert path_gradient(net, (1, 1, 1)) == pytest.approx(-0.001355, abs=6e-7)
    assert paths(net, (1, 1, 1)) == [(1, 1, 1), (1, 2, 1)]


@pytest.mark.parametrize("widths", [[2, 2, 2, 1], [2, 3, 2, 1], [3, 2, 4, 3, 2], [2, 3]])
def test_paths_add_up_to_backpropagation_for_every_weight(widths):
    rng = np.random.default_rng(5)
    W = [rng.normal(size=(n, m)) for m, n in pairwise(widths)]
    net = {"W": W, "x": rng.normal(size=widths[0]), "t": rng.uniform(size=widths[-1])}
    layers = [(w, np.zeros(len(w))) for w in W]
    _, cache = mlp_forward(net["x"], layers, out=sigmoid)
    grads = mlp_backward(layers, cache, net["t"], loss="half_sse", activation="sigmoid")
    for k, (dW, _) in enumerate(grads, 1):
        for i, j in np.ndindex(dW.shape):
            weight = (k, i + 1, j + 1)
            assert path_gradient(net, weight) == pytest.approx(dW[i, j], rel=1e-10, abs=1e-16)
            assert len(paths(net, weight)) == math.prod(widths[k + 1 :])


def test_two_paths_reach_the_first_weight_of_2_3_2_1():
    net = path_net(shapes=((2, 3), (3, 2), (2, 1)))
    assert len(paths(net, (1, 1, 1))) == 2


def test_path_refusals():
    net = path_net()
    for weight, name in [((0, 1, 1), "layer"), ((4, 1, 1), "layer")]:
        with pytest.raises(ValueError, match=f"{name}: expected a whole number from 1 to 3"):
            path_gradient(net, weight)
    with pytest.raises(ValueError, match="to: expected a whole number from 1 to 1, got 2"):
        paths(net, (3, 2, 1))
    with pytest.raises(ValueError, match="from: expected a whole number from 1 to 2, got 3"):
        path_gradient(net, (1, 1, 3))
    with pytest.raises(ValueError, match=r"t: expected shape \(1,\), got \(2,\)"):
        path_gradient({**net, "t": [1.0, 0.0]}, (1, 1, 1))


# --- refusals --------------------------------------------------------------------------------


def test_forward_refuses_what_numpy_would_broadcast():
    (W1, b1), layer2 = F1
    with pytest.raises(ValueError, match=r"x: expected shape \(2,\), got \(2, 1\)"):
        mlp_forward(F1_X[:, None], F1)
    with pytest.raises(
        ValueError, match=r"params\[0\]\[1\]: expected shape \(n_out,\) with n_out = 3"
    ):
        mlp_forward(F1_X, [(W1, b1[:1]), layer2])
    with pytest.raises(ValueError, match=r"params\[0\]\[1\]: .*got \(3, 1\)"):
        mlp_forward(F1_X, [(W1, b1[:, None]), layer2])
    with pytest.raises(
        ValueError, match=r"params\[1\]\[0\]: expected shape \(n_out, 3\), got \(3, 4"
    ):
        mlp_forward(F1_X, [(W1, b1), (layer2[0].T, layer2[1])])


def test_forward_refuses_integer_weights_and_nan():
    (_, b1), layer2 = F1
    with pytest.raises(TypeError, match=r"params\[0\]\[0\]: expected a parameter array of floats"):
        mlp_forward(F1_X, [(np.ones((3, 2), dtype=int), b1), layer2])
    with pytest.raises(ValueError, match=r"x: expected finite numbers, got nan at index \(1,\)"):
        mlp_forward([0.8, np.nan], F1)
    with pytest.raises(ValueError, match=r"params\[0\]\[0\]: expected finite numbers, got inf"):
        mlp_forward(F1_X, [(np.full((3, 2), np.inf), b1), layer2])
    with pytest.raises(
        TypeError, match=r"params: expected a list of \(W, b\) pairs, got an empty list"
    ):
        mlp_forward(F1_X, [])


def test_backward_refuses_a_cache_of_another_net_and_wrong_targets():
    _, cache = mlp_forward(F1_X, F1)
    with pytest.raises(ValueError, match="cache: expected 3 entries of z and 4 of a, got 2 and 3"):
        mlp_backward(F2, cache, F2_Y)
    with pytest.raises(ValueError, match=r"a\[1\]: expected shape \(3,\), got \(2,\)"):
        mlp_backward(F1, {"z": cache["z"], "a": [cache["a"][0], F1_X, cache["a"][2]]}, F1_Y)
    with pytest.raises(ValueError, match=r"y: expected the shape of yhat, \(4,\), got \(4, 1\)"):
        mlp_backward(F1, cache, F1_Y[:, None])
    with pytest.raises(ValueError, match=r"got bce with softmax: .*separate yes/no"):
        mlp_backward(F1, cache, F1_Y, loss="bce")


def test_the_two_small_steps_refuse_wrong_shapes():
    with pytest.raises(
        ValueError, match=r"delta_next: expected shape \(n_to,\) with n_to = 4, got"
    ):
        error_to_previous(F1[1][0], np.ones(3))
    with pytest.raises(ValueError, match=r"delta_next: expected shape .*got \(4, 1\)"):
        error_to_previous(F1[1][0], np.ones((4, 1)))
    with pytest.raises(TypeError, match="W_next: expected a parameter array of floats"):
        error_to_previous(np.ones((2, 2), dtype=int), [0.1, 0.2])
    with pytest.raises(ValueError, match=r"z: expected shape \(n,\) with n = 3, got \(3, 1\)"):
        hidden_delta(np.ones(3), np.ones((3, 1)), d_sigmoid)
    with pytest.raises(ValueError, match=r"dg\(z\): expected the shape of z, \(3,\), got \(3, 1\)"):
        hidden_delta(np.ones(3), np.ones(3), lambda z: d_sigmoid(z)[:, None])


@pytest.mark.peer
@pytest.mark.parametrize("pair", sorted(PAIRS))
@pytest.mark.parametrize("sizes", [[3, 4, 2], [2, 5, 3, 4], [3, 3, 3, 3]])
def test_pytorch_agrees_on_every_gradient(torch, sizes, pair):
    F = torch.nn.functional
    peer = {
        ("half_sse", "identity"): lambda z, y: 0.5 * ((z - y) ** 2).sum(),
        ("half_sse", "sigmoid"): lambda z, y: 0.5 * ((torch.sigmoid(z) - y) ** 2).sum(),
        ("bce", "sigmoid"): lambda z, y: F.binary_cross_entropy_with_logits(z, y, reduction="sum"),
        ("cce", "softmax"): lambda z, y: -(y * torch.log_softmax(z, 0)).sum(),
    }[pair]
    hidden = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu, "gelu": F.gelu}
    net = random_net(sizes, seed=11)
    x, y = np.random.default_rng(12).normal(size=sizes[0]), np.eye(sizes[-1])[1]
    for name, peer_g in hidden.items():
        g = ACTIVATIONS[name]
        leaves = [[torch.tensor(p, requires_grad=True) for p in layer] for layer in net]
        a = torch.tensor(x)
        for k, (W, b) in enumerate(leaves):
            z = W @ a + b
            a = peer_g(z) if k < len(leaves) - 1 else z
        peer(a, torch.tensor(y)).backward()
        _, cache = mlp_forward(x, net, g.f, OUTPUT[pair[1]])
        grads = mlp_backward(net, cache, y, g.df, loss=pair[0], activation=pair[1])
        for layer, peer_layer in zip(grads, leaves, strict=True):
            for got, leaf in zip(layer, peer_layer, strict=True):
                assert relative(got, leaf.grad.numpy()) < 1e-12
