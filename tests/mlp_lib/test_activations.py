import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numeric import relative

import mlp_lib
from mlp_lib import ACTIVATIONS
from mlp_lib.activations import (
    d_gelu,
    d_leaky_relu,
    d_relu,
    d_sigmoid,
    d_softplus,
    d_step,
    d_tanh,
    gelu,
    gelu_tanh,
    get_activation,
    gudermannian,
    leaky_relu,
    relu,
    sigmoid,
    softplus,
    step,
    tanh,
)

pytestmark = pytest.mark.filterwarnings("error")

GRID = np.linspace(-30, 30, 4001) + 0.00123  # avoids 0, where some have a kink
FIVE = np.array([-2, -0.5, 0, 0.5, 2])
EVERY = pytest.mark.parametrize("name", sorted(ACTIVATIONS))
floats = st.floats(-700, 700, allow_nan=False)
any_array = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    elements=st.floats(-50, 50),
)


def test_worked_numbers_of_lesson_7():
    np.testing.assert_allclose(leaky_relu(FIVE), [-0.02, -0.005, 0, 0.5, 2], atol=1e-15)
    np.testing.assert_allclose(d_tanh(FIVE), [0.0707, 0.7864, 1, 0.7864, 0.0707], atol=5e-5)
    np.testing.assert_allclose(d_sigmoid(FIVE), [0.1050, 0.2350, 0.25, 0.2350, 0.1050], atol=5e-5)
    np.testing.assert_allclose(gelu(FIVE), [-0.0455, -0.1543, 0, 0.3457, 1.9545], atol=5e-5)
    assert d_sigmoid(0.0) == 0.25
    assert gudermannian(1.0) == pytest.approx(0.8658, abs=5e-5)
    assert 1 + tanh(0.5) ** 2 == pytest.approx(1.2136, abs=5e-5)  # the printed sign
    assert d_tanh(0.5) == pytest.approx(0.7864, abs=5e-5)
    assert ACTIVATIONS["sigmoid"].df_from_a(np.array(0.8)) == pytest.approx(0.16)  # not f(f − 1)


def test_slopes_fall_below_one_hundredth_where_the_lesson_says():
    assert d_sigmoid(4.584) > 0.01 > d_sigmoid(4.586)
    assert d_tanh(2.992) > 0.01 > d_tanh(2.994)


def test_tanh_is_a_stretched_sigmoid():
    np.testing.assert_allclose(tanh(GRID), 2 * sigmoid(2 * GRID) - 1, atol=1e-15)


def test_values_at_the_kinks_follow_the_course():
    assert d_relu(0.0) == 0
    assert d_leaky_relu(0.0) == 0.01
    assert d_leaky_relu(0.0, alpha=0.3) == 0.3
    assert step(0.0) == 0
    assert step(1e-300) == 1
    assert relu(np.array([-1.0, 0, 2])).tolist() == [0, 0, 2]
    assert d_step(FIVE).tolist() == [0] * 5


@EVERY
def test_derivative_equals_the_complex_step(name):
    g = ACTIVATIONS[name]
    assert relative(g.df(GRID), np.imag(g.f(GRID + 1e-20j)) / 1e-20) < 1e-15


@EVERY
def test_derivative_equals_the_central_difference(name):
    g, h, z = ACTIVATIONS[name], 1e-5, np.linspace(-5, 5, 401) + 0.00123
    np.testing.assert_allclose(g.df(z), (g.f(z + h) - g.f(z - h)) / (2 * h), atol=1e-9)


@EVERY
def test_the_slope_from_the_activation_is_the_slope(name):
    g = ACTIVATIONS[name]
    if g.df_from_a is None:
        assert name in ("gelu", "gelu_tanh")  # f takes some values twice, with different slopes
    else:
        z = np.append(GRID, [0.0, -700.0, 700.0])
        np.testing.assert_allclose(g.df_from_a(g.f(z)), g.df(z), atol=1e-15)


@EVERY
def test_complex_input_keeps_the_real_value(name):
    g = ACTIVATIONS[name]
    # numpy's complex log1p is right to 1e-16 of 1, not of its own size
    np.testing.assert_allclose(g.f(GRID + 1e-20j).real, g.f(GRID), rtol=1e-13, atol=1e-15)


@EVERY
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_shape_stay(name, dtype):
    g = ACTIVATIONS[name]
    for shape in [(), (0,), (3,), (2, 3), (2, 1, 3)]:
        z = np.full(shape, 0.7, dtype)
        for f in filter(None, (g.f, g.df, g.df_from_a)):
            assert f(z).shape == shape
            assert f(z).dtype == dtype


@EVERY
def test_float32_is_right_to_its_own_precision(name):
    g = ACTIVATIONS[name]
    z = GRID.astype(np.float32)
    assert relative(g.f(z), g.f(z.astype(float))) < 6e-7
    assert relative(g.df(z), g.df(z.astype(float))) < 6e-7


@EVERY
def test_integers_lists_and_python_numbers_are_real_numbers(name):
    g = ACTIVATIONS[name]
    for f in (g.f, g.df):
        expected = f(np.array([-2.0, 0.0, 3.0]))
        np.testing.assert_array_equal(f(np.array([-2, 0, 3])), expected)
        np.testing.assert_array_equal(f([-2, 0, 3]), expected)
        assert f(3) == expected[2]


@EVERY
def test_far_out_there_is_no_warning_and_no_nan(name):
    g = ACTIVATIONS[name]
    for dtype in (np.float32, np.float64):
        z = np.array([-1000, -89, 89, 1000], dtype)
        assert np.all(np.isfinite(g.f(z)))
        assert np.all(np.isfinite(g.df(z)))


@EVERY
def test_nan_is_not_hidden(name):
    if name != "step":  # a comparison with nan is false
        assert np.isnan(ACTIVATIONS[name].f(np.array([np.nan]))).all()


def test_limits():
    assert sigmoid(-1000) == 0
    assert sigmoid(1000) == 1
    np.testing.assert_array_equal(sigmoid([-np.inf, np.inf]), [0, 1])
    np.testing.assert_array_equal(relu([-np.inf, np.inf]), [0, np.inf])


def test_tails_keep_their_digits():
    for z in (-20.0, -100.0, -700.0):
        assert sigmoid(z) == pytest.approx(math.exp(z) / (1 + math.exp(z)), rel=1e-15)
        assert d_sigmoid(z) == pytest.approx(math.exp(z), rel=1e-8)
        assert d_sigmoid(-z) == d_sigmoid(z)
        assert softplus(z) == pytest.approx(math.log1p(math.exp(z)), rel=1e-15)
    assert sigmoid(np.float32(-80)) == pytest.approx(math.exp(-80), rel=1e-6)
    assert gelu(-8.0) == pytest.approx(-8 * 0.5 * math.erfc(8 / math.sqrt(2)), rel=1e-15)


def test_softplus_has_the_sigmoid_as_slope():
    np.testing.assert_array_equal(d_softplus(GRID), sigmoid(GRID))
    assert softplus(0.0) == pytest.approx(math.log(2))


def test_the_two_gelus_differ_by_less_than_the_docstring_says():
    z = np.linspace(-6, 6, 2001)
    assert 1e-4 < np.abs(gelu(z) - gelu_tanh(z)).max() < 5e-4


def test_gelu_refuses_complex_numbers_that_are_no_complex_step():
    with pytest.raises(TypeError, match="complex step of at most 1e-8"):
        gelu(np.array([0.5 + 0.1j]))
    with pytest.raises(TypeError, match="complex step"):
        d_gelu(np.array([0.5 + 0.1j]))


def test_gelu_takes_a_value_twice_so_that_a_does_not_tell_the_slope():
    assert gelu(-0.2) < 0 > gelu(-3.0)
    assert d_gelu(-0.2) > 0 > d_gelu(-3.0)


@given(floats)
def test_sigmoid_is_a_probability_and_its_mirror_image_completes_it(z):
    assert 0 <= sigmoid(z) <= 1
    assert sigmoid(z) + sigmoid(-z) == pytest.approx(1, abs=4e-16)


@given(floats, floats)
def test_most_activations_never_fall(z1, z2):
    low, high = min(z1, z2), max(z1, z2)
    for name in set(ACTIVATIONS) - {"gelu", "gelu_tanh"}:
        f = ACTIVATIONS[name].f
        assert f(low) <= f(high) + 1e-15 * abs(f(high))


@given(any_array, st.sampled_from(sorted(ACTIVATIONS)))
def test_an_array_is_its_entries_one_by_one(z, name):
    g = ACTIVATIONS[name]
    for f in (g.f, g.df):
        got = f(z)
        assert got.shape == z.shape
        for i in np.ndindex(z.shape):
            np.testing.assert_allclose(got[i], f(z[i]), rtol=1e-14, atol=1e-300)


@given(any_array, st.floats(0, 0.99))
def test_leaky_relu_is_the_larger_of_z_and_alpha_z(z, alpha):
    np.testing.assert_array_equal(leaky_relu(z, alpha), np.maximum(z, alpha * z))


@pytest.mark.parametrize("alpha", [-0.1, 1.0, 2, np.inf, np.nan])
def test_alpha_outside_its_range_is_refused(alpha):
    with pytest.raises(ValueError, match="alpha: expected"):
        leaky_relu(FIVE, alpha)
    with pytest.raises(ValueError, match="alpha: expected"):
        d_leaky_relu(FIVE, alpha)


def test_alpha_as_numpy_number_keeps_float32():
    z = FIVE.astype(np.float32)
    assert leaky_relu(z, np.float64(0.2)).dtype == np.float32
    assert d_leaky_relu(z, np.float64(0.2)).dtype == np.float32


def test_alpha_as_array_is_refused():
    with pytest.raises(TypeError, match="alpha: expected one real number"):
        leaky_relu(FIVE, np.array([0.1, 0.2, 0.3, 0.1, 0.2]))


@EVERY
def test_what_is_no_number_is_refused(name):
    with pytest.raises(TypeError, match="z: expected an array of real numbers, got dtype <U1"):
        ACTIVATIONS[name].f(["a", "b"])
    with pytest.raises(ValueError, match="z: expected a rectangular array"):
        ACTIVATIONS[name].df([[1.0], [1.0, 2.0]])


def test_lookup_by_name():
    assert get_activation("tanh").f is tanh
    with pytest.raises(ValueError, match=r"activation: expected one of gelu, .*; got 'rellu'"):
        get_activation("rellu")


@EVERY
def test_the_table_holds_the_functions_of_that_name(name):
    g = ACTIVATIONS[name]
    assert g.f is getattr(mlp_lib, name)
    assert g.df is getattr(mlp_lib, f"d_{name}")


@EVERY
def test_the_table_entries_cannot_be_changed(name):
    with pytest.raises(AttributeError):
        ACTIVATIONS[name].f = None


@pytest.mark.peer
@pytest.mark.parametrize(
    ("name", "peer"),
    [
        ("identity", lambda F, z: z * 1),
        ("sigmoid", lambda F, z: F.sigmoid(z)),
        ("tanh", lambda F, z: F.tanh(z)),
        ("relu", lambda F, z: F.relu(z)),
        ("leaky_relu", lambda F, z: F.leaky_relu(z, 0.01)),
        ("gelu", lambda F, z: F.gelu(z)),
        ("gelu_tanh", lambda F, z: F.gelu(z, approximate="tanh")),
        ("softplus", lambda F, z: F.softplus(z, threshold=1000)),
    ],
)
def test_pytorch_agrees_on_values_and_slopes(torch, name, peer):
    z = np.append(GRID, 0.0)
    t = torch.tensor(z, requires_grad=True)
    value = peer(torch.nn.functional, t)
    value.sum().backward()
    assert relative(ACTIVATIONS[name].f(z), value.detach().numpy()) < 1e-12
    assert relative(ACTIVATIONS[name].df(z)[:-1], t.grad.numpy()[:-1]) < 1e-12
