import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp_lib.activations import sigmoid
from mlp_lib.numgrad import fdm_cost, grad_check, numerical_gradient, relative_error

SCHEMES = ["central", "forward", "complex"]


def f6(t):
    """F6: f = 1.5 x² + y² + 2, with gradient (3, 2) at (1, 1)."""
    return 1.5 * t[0] ** 2 + t[1] ** 2 + 2


class Counter:
    def __init__(self, f):
        self.f, self.calls = f, 0

    def __call__(self, t):
        self.calls += 1
        return self.f(t)


def test_worked_numbers_of_f6():
    one = np.ones(2)
    np.testing.assert_allclose(numerical_gradient(f6, one, h=1e-2), [3, 2], atol=1e-12)
    forward = numerical_gradient(f6, one, h=1e-2, scheme="forward")
    np.testing.assert_allclose(forward, [3.015, 2.01], atol=1e-12)
    np.testing.assert_allclose(numerical_gradient(f6, one), [3, 2], atol=1e-7)
    assert numerical_gradient(f6, one, scheme="complex").tolist() == [3, 2]


def chain_loss(w):
    """F4: J of the scalar chain w, a0 = .8, y = 1."""
    a = 0.8
    for weight in w:
        a = sigmoid(weight * a)
    return 0.5 * (a - 1) ** 2


F4 = np.array([0.5, -1.5, 2.0])


def largest_error(h, scheme="central"):
    """Against the complex step: no subtraction, so right to the last digits."""
    exact = numerical_gradient(chain_loss, F4, scheme="complex")
    return np.max(np.abs(numerical_gradient(chain_loss, F4, h, scheme) - exact))


def test_complex_step_gives_the_printed_gradient_of_f4():
    exact = numerical_gradient(chain_loss, F4, scheme="complex")
    np.testing.assert_allclose(exact, [0.0098, -0.02036, -0.02393], atol=5e-6)


@pytest.mark.parametrize(
    ("h", "error", "rel"), [(1e-1, 8.3e-6, 0.05), (1e-2, 8.3e-8, 0.05), (1e-3, 8.3e-10, 0.05)]
)
def test_central_errors_on_f4(h, error, rel):
    assert largest_error(h) == pytest.approx(error, rel=rel)


@pytest.mark.parametrize(("h", "error"), [(1e-1, 3e-4), (1e-5, 3.2e-8), (1e-6, 3.2e-9)])
def test_forward_errors_on_f4(h, error):
    assert largest_error(h, "forward") == pytest.approx(error, rel=0.1)


def test_rounding_takes_over_below_h_1e_5():
    """Measured 8e-12, 3e-12, 9e-12, …, 1e-5; the last digits depend on the machine."""
    assert 5e-12 < largest_error(1e-4) < 2e-11
    assert largest_error(1e-5) < 1.5e-11
    assert largest_error(1e-10) > 1e-9
    assert largest_error(1e-12) > 1e-7
    assert largest_error(1e-10, "forward") > 1e-8


def test_order_of_the_schemes():
    exact = numerical_gradient(chain_loss, F4, scheme="complex")

    def error(h, scheme):
        return np.linalg.norm(numerical_gradient(chain_loss, F4, h, scheme) - exact)

    assert error(1e-3, "central") / error(1e-4, "central") == pytest.approx(100, rel=0.05)
    assert error(1e-3, "forward") / error(1e-4, "forward") == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize(("scheme", "calls"), [("central", 12), ("forward", 7), ("complex", 6)])
def test_number_of_calls(scheme, calls):
    f = Counter(lambda t: (t * t).sum())
    numerical_gradient(f, np.ones((2, 3)), scheme=scheme)
    assert f.calls == calls


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (1, 2, 3), (0,)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_and_dtype_are_those_of_theta(scheme, shape, dtype):
    theta = np.full(shape, 1.5, dtype)
    before = theta.copy()
    theta.flags.writeable = False
    got = numerical_gradient(lambda t: (t**3).sum(), theta, scheme=scheme)
    assert (got.shape, got.dtype) == (shape, dtype)
    np.testing.assert_allclose(got, 3 * 1.5**2, rtol=1e-4)
    assert theta.tobytes() == before.tobytes()


def test_f_may_keep_or_change_its_argument():
    kept = []

    def f(t):
        kept.append(t)
        t *= 2.0
        return t.sum()

    theta = np.array([1.0, 2.0])
    np.testing.assert_allclose(numerical_gradient(f, theta), [2, 2], atol=1e-9)
    np.testing.assert_allclose(numerical_gradient(f, theta, scheme="forward"), [2, 2], atol=1e-9)
    assert theta.tolist() == [1, 2]
    assert len({id(t) for t in kept}) == len(kept)


def test_strided_and_fortran_arrays():
    theta = np.arange(12.0).reshape(3, 4)
    weights = np.arange(6.0).reshape(3, 2)
    for view in (theta[:, ::2], np.asfortranarray(theta[:, ::2])):
        got = numerical_gradient(lambda t: (weights * t).sum(), view)
        np.testing.assert_allclose(got, weights, atol=1e-8)


@given(
    st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    st.lists(st.floats(-2, 2), min_size=3, max_size=3),
)
def test_of_a_linear_function_every_scheme_gives_its_coefficients(c, theta):
    c, theta = np.array(c), np.array(theta)
    for scheme in SCHEMES:
        got = numerical_gradient(lambda t: c @ t, theta, scheme=scheme)
        np.testing.assert_allclose(got, c, atol=1e-9)


def test_unknown_scheme():
    with pytest.raises(ValueError, match="scheme: expected one of central, complex, forward; got"):
        numerical_gradient(f6, np.ones(2), scheme="backward")


def test_integer_theta_is_refused():
    with pytest.raises(TypeError, match="theta: expected a parameter array of floats, got dtype"):
        numerical_gradient(f6, np.array([1, 1]))


@pytest.mark.parametrize("h", [0, -1e-5, math.nan, math.inf])
def test_bad_steps(h):
    with pytest.raises(ValueError, match="h: expected a finite number from"):
        numerical_gradient(f6, np.ones(2), h=h)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_f_must_return_one_finite_number(scheme):
    with pytest.raises(ValueError, match=r"f: expected one number, got \w+ of shape \(2,\)"):
        numerical_gradient(lambda t: t, np.ones(2), scheme=scheme)
    with pytest.raises(ValueError, match="f: expected one number, got object"):
        numerical_gradient(lambda t: None, np.ones(2), scheme=scheme)
    with pytest.raises(ValueError, match="f: expected a finite number, got"):
        numerical_gradient(lambda t: t.sum() * np.nan, np.ones(2), scheme=scheme)


def test_complex_step_notices_when_the_imaginary_part_is_lost():
    with pytest.raises(TypeError, match=r"drops the imaginary part"):
        numerical_gradient(lambda t: np.abs(t).sum(), np.ones(2), scheme="complex")


def test_real_schemes_refuse_complex_values():
    with pytest.raises(TypeError, match="f: expected a real number, got a complex one"):
        numerical_gradient(lambda t: 1j * t.sum(), np.ones(2))


def test_complex_theta_is_refused():
    with pytest.raises(TypeError, match="theta: expected real numbers, got dtype complex128"):
        numerical_gradient(f6, np.ones(2) * 1j)


def test_non_finite_theta_is_refused():
    with pytest.raises(ValueError, match="theta: expected finite numbers, got nan"):
        numerical_gradient(f6, np.array([1.0, np.nan]))


# -- relative_error -------------------------------------------------------------------------------


def test_relative_error_of_a_sign_flip_is_one_and_of_double_a_third():
    g = np.array([[1.0, -2.0], [3.0, 0.5]])
    assert relative_error(g, -g) == 1
    assert relative_error(2 * g, g) == pytest.approx(1 / 3)
    assert relative_error(g, g) == 0


def test_relative_error_is_norm_wise():
    g, n = np.array([1.0, 1e-13]), np.array([1.0, 2e-13])
    assert relative_error(g, n) < 1e-12


def test_vanished_gradient_against_zero_is_seen():
    assert relative_error(np.array([5.938e-08]), np.array([0.0])) == 1


def test_zero_against_zero_is_no_error():
    assert relative_error(np.zeros(3), np.zeros(3)) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_inf_never_pass(bad):
    g = np.array([1.0, bad])
    for pair in ((g, np.ones(2)), (np.ones(2), g), (g, g)):
        assert relative_error(*pair) == math.inf


def test_relative_error_refuses_to_broadcast():
    with pytest.raises(ValueError, match=r"got \(2, 1\) and \(1, 2\)"):
        relative_error(np.ones((2, 1)), np.ones((1, 2)))


# -- grad_check -----------------------------------------------------------------------------------

X = np.array([[0.8, -2.0], [0.3, 0.7], [2.0, 0.5]])
W = np.array([[0.5, 1.2, -0.75, 0.3], [-0.5, 0.25, 0.9, 0.6]])
B = np.array([[0.3, 0.5, -0.25, 0.1]])


def quadratic_loss(params):
    ((W, b),) = params
    return 0.5 * ((X @ W + b) ** 2).sum()


def right_grads(params):
    ((W, b),) = params
    R = X @ W + b
    return [(X.T @ R, R.sum(axis=0, keepdims=True))]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_right_gradients_pass(scheme):
    h = 1e-7 if scheme == "forward" else None
    params = [(W, B)]
    assert grad_check(quadratic_loss, params, right_grads(params), h=h, scheme=scheme) < 1e-6


def test_float32_gradients_are_measured_in_float64():
    params = [(W.astype(np.float32), B.astype(np.float32))]
    grads = [tuple(g.astype(np.float32) for g in right_grads([(W, B)])[0])]
    assert grad_check(quadratic_loss, params, grads) < 1e-6


@pytest.mark.parametrize(
    "mutate",
    [
        lambda dW, db: (-dW, db),
        lambda dW, db: (dW, -db),
        lambda dW, db: (dW / 3, db),
        lambda dW, db: (dW, 0 * db),
        lambda dW, db: (dW * 1.05, db),
    ],
    ids=["sign of dW", "sign of db", "1/m twice", "db forgotten", "5 % off"],
)
def test_mistakes_fail(mutate):
    params = [(W, B)]
    assert grad_check(quadratic_loss, params, [mutate(*right_grads(params)[0])]) > 1e-2


def test_a_nan_gradient_fails_the_check():
    params = [(W, B)]
    dW, db = right_grads(params)[0]
    db = db.copy()
    db[0, 1] = np.nan
    assert grad_check(quadratic_loss, params, [(dW, db)]) == math.inf


def test_grad_check_leaves_its_inputs_alone():
    params, before = [(W.copy(), B.copy())], [(W.copy(), B.copy())]
    for tensor in params[0]:
        tensor.flags.writeable = False
    grad_check(quadratic_loss, params, right_grads(params))
    assert all((p == q).all() for p, q in zip(params[0], before[0], strict=True))


def test_gradients_of_another_shape_are_refused_not_broadcast():
    params = [(W, B)]
    dW, db = right_grads(params)[0]
    with pytest.raises(ValueError, match=r"grads\[0\]\[0\]: expected the shape of params"):
        grad_check(quadratic_loss, params, [(dW.T, db)])
    with pytest.raises(ValueError, match=r"grads\[0\]\[1\]: .*got \(4,\)"):
        grad_check(quadratic_loss, params, [(dW, db.ravel())])
    with pytest.raises(ValueError, match=r"grads\[0\]: expected a pair \(dW, db\), got 1 arrays"):
        grad_check(quadratic_loss, params, [(dW,)])
    with pytest.raises(ValueError, match="grads: expected 1 pairs"):
        grad_check(quadratic_loss, params, [])


def test_integer_parameters_are_refused():
    with pytest.raises(TypeError, match="expected a parameter array of floats, got dtype int64"):
        grad_check(quadratic_loss, [(np.ones((2, 4), int), B)], right_grads([(W, B)]))


# -- fdm_cost -------------------------------------------------------------------------------------


def test_worked_counts():
    assert fdm_cost([4, 3, 3, 3]) == {"weights": 30, "fdm_mults": 930, "backprop_mults": 78}
    big = fdm_cost([784, 128, 64, 10])
    assert (big["weights"], big["backprop_mults"]) == (109184, 227200)
    assert big["fdm_mults"] == 109184 * 109185
    assert big["fdm_mults"] == pytest.approx(1.19e10, rel=2e-3)


def test_counts_with_biases():
    assert fdm_cost([4, 3, 3, 3], biases=True)["weights"] == 39
    assert fdm_cost([4, 3, 3, 3], biases=True)["fdm_mults"] == 1560


def test_one_layer_needs_no_error_backward():
    assert fdm_cost([5, 2])["backprop_mults"] == 20


@pytest.mark.parametrize("sizes", [[], [4], [4, 0, 3], [4, -1]])
def test_sizes_that_are_no_network(sizes):
    with pytest.raises(
        ValueError, match=r"sizes.*: expected (at least two layer sizes|a whole number at least 1)"
    ):
        fdm_cost(sizes)
