import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numeric import F4_A0, F4_T, F4_W, central, complex_step, relative

from mlp_lib.activations import ACTIVATIONS, d_relu, d_sigmoid, d_tanh, relu, tanh
from mlp_lib.chain import chain_backward, chain_forward
from mlp_lib.col import mlp_backward, mlp_forward

pytestmark = pytest.mark.filterwarnings("error")

weights = hnp.arrays(float, st.integers(1, 6), elements=st.floats(-3, 3))


def loss(w, a0, y, g):
    return 0.5 * (chain_forward(w, a0, g)[1][-1] - y) ** 2


def test_worked_numbers_of_f4():
    z, a = chain_forward(F4_W, F4_A0)
    np.testing.assert_allclose(a, [0.8, 0.5987, 0.2895, 0.6408], atol=5e-5)
    np.testing.assert_allclose(z, [0.4, -0.89803, 0.57891], atol=5e-6)
    assert loss(F4_W, F4_A0, F4_T, ACTIVATIONS["sigmoid"].f) == pytest.approx(0.0645063, abs=5e-8)
    dw, delta, e = chain_backward(F4_W, (z, a), F4_T)
    np.testing.assert_allclose(dw, [0.0098, -0.02036, -0.02393], atol=5e-5)
    np.testing.assert_allclose(delta, [0.012256, -0.034007, -0.082673], atol=5e-7)
    np.testing.assert_allclose(e, [0.051011, -0.165347, -0.359183], atol=5e-7)


def test_rates_multiply():
    w, one = np.array([2.0, 4.0]), ACTIVATIONS["identity"]
    _, a = chain_forward(w, 1.0, one.f)
    assert a[-1] == 2 * 4


@pytest.mark.parametrize(
    ("g", "dg", "slopes"),
    [
        ("sigmoid", d_sigmoid, [-4.4e-2, -9.3e-3, -2.1e-3, -1.0e-4, -5.9e-8, -1.9e-14]),
        ("tanh", d_tanh, [-0.21, -0.18, -0.16, -0.12, -0.077, -0.041]),
        ("relu", d_relu, [-0.25] * 6),
    ],
)
def test_depth_shrinks_the_first_gradient(g, dg, slopes):
    for depth, slope in zip([1, 2, 3, 5, 10, 20], slopes, strict=True):
        w = np.ones(depth)
        dw, _, _ = chain_backward(w, chain_forward(w, 0.5, ACTIVATIONS[g].f), 1.0, dg)
        assert float(f"{dw[0]:.1e}") == pytest.approx(slope)


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"step"}))
def test_gradient_equals_complex_step_and_central_difference(name):
    g = ACTIVATIONS[name]
    dw, _, _ = chain_backward(F4_W, chain_forward(F4_W, F4_A0, g.f), F4_T, g.df)
    assert relative(dw, complex_step(lambda w: loss(w, F4_A0, F4_T, g.f), F4_W)) < 1e-14
    assert relative(dw, central(lambda w: loss(w, F4_A0, F4_T, g.f), F4_W, h=1e-6)) < 1e-6


@given(weights, st.floats(-2, 2), st.floats(0, 1))
def test_the_three_relations_hold_in_every_layer(w, a0, y):
    z, a = chain_forward(w, a0)
    assert (z.shape, a.shape, a[0]) == (w.shape, (len(w) + 1,), a0)
    dw, delta, e = chain_backward(w, (z, a), y)
    assert e[-1] == a[-1] - y
    np.testing.assert_array_equal(e[:-1], w[1:] * delta[1:])
    np.testing.assert_allclose(delta, e * d_sigmoid(z), rtol=1e-15)
    np.testing.assert_array_equal(dw, delta * a[:-1])


@given(weights, st.floats(-2, 2), st.floats(0, 1))
def test_a_chain_is_an_mlp_with_one_unit_a_layer(w, a0, y):
    net = [(np.array([[wl]]), np.zeros(1)) for wl in w]
    sigmoid = ACTIVATIONS["sigmoid"].f
    yhat, cache = mlp_forward([a0], net, out=sigmoid)
    grads = mlp_backward(net, cache, [y], loss="half_sse", activation="sigmoid")
    dw, delta, _ = chain_backward(w, chain_forward(w, a0), y)
    assert yhat == pytest.approx(chain_forward(w, a0)[1][-1], rel=1e-15)
    np.testing.assert_allclose([dW[0, 0] for dW, _ in grads], dw, rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose([db[0] for _, db in grads], delta, rtol=1e-13, atol=1e-300)


def test_lists_and_other_activations_work():
    cache = chain_forward([0.5, -1.5], 0.8, tanh)
    assert cache[1][1] == pytest.approx(math.tanh(0.4))
    dw, _, _ = chain_backward([0.5, -1.5], cache, 1, d_tanh)
    assert dw.shape == (2,)
    np.testing.assert_array_equal(chain_forward([-1.0], 2.0, relu)[1], [2, 0])


def test_float32_stays_also_beside_python_numbers():
    w = F4_W.astype(np.float32)
    cache = chain_forward(w, 0.8)
    assert [part.dtype for part in cache] == [np.float32] * 2
    assert [part.dtype for part in chain_backward(w, cache, 1.0)] == [np.float32] * 3


def test_bad_input_is_refused():
    z, a = chain_forward(F4_W, F4_A0)
    with pytest.raises(ValueError, match=r"a: expected shape \(4,\), got \(3,\)"):
        chain_backward(F4_W, (z, a[1:]), 1.0)
    with pytest.raises(ValueError, match=r"z: expected shape \(3,\), got \(4,\)"):
        chain_backward(F4_W, (a, z), 1.0)
    with pytest.raises(ValueError, match=r"y: expected shape \(\), got \(1,\)"):
        chain_backward(F4_W, (z, a), [1.0])
    with pytest.raises(ValueError, match=r"w: expected shape \(L,\), got \(3, 1\)"):
        chain_forward(F4_W[:, None], 0.8)
    with pytest.raises(ValueError, match=r"a0: expected shape \(\), got \(3,\)"):
        chain_forward(F4_W, F4_W)
    with pytest.raises(TypeError, match="w: expected a parameter array of floats, got dtype int"):
        chain_forward(np.array([1, 2]), 0.8)
    with pytest.raises(ValueError, match="a0: expected finite numbers, got nan"):
        chain_forward(F4_W, np.nan)
