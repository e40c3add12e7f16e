import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numeric import complex_step, relative

from mlp_lib.activations import sigmoid
from mlp_lib.softmax import log_softmax, softmax, softmax_jacobian, softmax_vjp

pytestmark = pytest.mark.filterwarnings("error")

scores = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=1, max_dims=2, min_side=1, max_side=5),
    elements=st.floats(-800, 800),
)
moderate = hnp.arrays(np.float64, st.integers(2, 5), elements=st.floats(-5, 5))


def test_worked_numbers_of_lesson_2():
    np.testing.assert_allclose(softmax([1, 3, -4]), [0.1191, 0.8801, 0.0008], atol=5e-5)
    np.testing.assert_allclose(sigmoid([1, 3, -4]), [0.7311, 0.9526, 0.0180], atol=5e-5)
    assert sigmoid([1, 3, -4]).sum() == pytest.approx(1.7016, abs=5e-5)
    e = np.exp([1.0, 3, -4])
    assert (e / (1 + e).sum()).sum() == pytest.approx(0.8838, abs=5e-5)  # the misprint
    np.testing.assert_allclose(softmax(np.log([0.4, 0.5, 0.1])), [0.4, 0.5, 0.1], rtol=1e-15)


def test_the_exercise_fixture():
    got = softmax([[1, 3, -4], [1000, 1001, 999], [0, 0, 0]])
    expected = [[0.1191, 0.8801, 0.0008], [0.2447, 0.6652, 0.09], [1 / 3] * 3]
    np.testing.assert_allclose(got, expected, atol=5e-5)


@given(scores)
def test_rows_are_probabilities_and_keep_the_order_of_the_scores(Z):
    P = softmax(Z)
    assert P.shape == Z.shape
    assert np.all((P >= 0) & (P <= 1))
    np.testing.assert_allclose(P.sum(axis=-1), 1, rtol=1e-15 * Z.shape[-1])
    order = np.argsort(Z, axis=-1, kind="stable")
    assert np.all(np.diff(np.take_along_axis(P, order, axis=-1), axis=-1) >= 0)


@given(scores, st.floats(-100, 100))
def test_a_shift_of_all_scores_changes_nothing(Z, c):
    np.testing.assert_allclose(softmax(Z + c), softmax(Z), rtol=1e-12, atol=1e-300)


@given(scores, st.randoms(use_true_random=False))
def test_permuting_classes_or_examples_permutes_the_answer(Z, random):
    Z = np.atleast_2d(Z)
    rows, columns = list(range(Z.shape[0])), list(range(Z.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    moved = Z[rows][:, columns]
    np.testing.assert_allclose(softmax(moved), softmax(Z)[rows][:, columns], rtol=1e-14)


@given(scores)
def test_log_softmax_is_the_logarithm_and_stays_finite(Z):
    log_p = log_softmax(Z)
    assert np.all(np.isfinite(log_p))
    np.testing.assert_allclose(np.exp(log_p), softmax(Z), rtol=1e-12, atol=1e-300)


def test_log_softmax_where_the_probability_is_zero():
    assert softmax([0, -2000.0])[1] == 0
    assert log_softmax([0, -2000.0])[1] == -2000


def test_a_small_row_beside_a_large_one_survives():
    P = softmax([[-1000.0, -1001], [1000.0, 1001]])
    np.testing.assert_allclose(P[0], P[1][::-1], rtol=1e-14)


def test_two_classes_are_the_sigmoid_of_the_difference():
    z = np.linspace(-30, 30, 61)
    P = softmax(np.column_stack([z, np.zeros_like(z)]))
    np.testing.assert_allclose(P[:, 0], sigmoid(z), rtol=1e-14)


def test_jacobian_of_the_worked_example():
    J = softmax_jacobian([1, 3, -4])
    expected = [
        [0.1049, -0.1048, -9.559e-05],
        [-0.1048, 0.1055, -0.0007],
        [-9.559e-05, -0.0007, 0.0008],
    ]
    np.testing.assert_allclose(J, expected, atol=5e-5)
    assert np.linalg.matrix_rank(J) == 2


@given(moderate)
def test_jacobian_is_symmetric_sums_to_zero_and_is_the_complex_step(z):
    J = softmax_jacobian(z)
    np.testing.assert_array_equal(J, J.T)
    np.testing.assert_allclose(J.sum(axis=1), 0, atol=1e-15)
    for i in range(len(z)):
        slopes = complex_step(lambda s, i=i: softmax(s)[i], z)
        np.testing.assert_allclose(J[i], slopes, atol=1e-15)


@given(moderate, st.integers(0, 2**32 - 1))
def test_vjp_is_the_vector_times_the_jacobian(z, seed):
    v = np.random.default_rng(seed).normal(size=z.shape)
    np.testing.assert_allclose(softmax_vjp(softmax(z), v), v @ softmax_jacobian(z), atol=1e-14)


def test_vjp_of_the_cross_entropy_slope_is_p_minus_y():
    p, y = softmax([1, 3, -4]), np.array([0, 1.0, 0])
    np.testing.assert_allclose(softmax_vjp(p, -y / p), p - y, atol=1e-15)
    np.testing.assert_allclose(softmax_vjp(p, -y / p), [0.1191, -0.1199, 0.0008], atol=5e-5)


def test_vjp_row_by_row():
    rng = np.random.default_rng(3)
    P, V = softmax(rng.normal(size=(4, 3))), rng.normal(size=(4, 3))
    rows = [softmax_vjp(p, v) for p, v in zip(P, V, strict=True)]
    np.testing.assert_allclose(softmax_vjp(P, V), rows, rtol=1e-15)


@pytest.mark.parametrize("f", [softmax, log_softmax])
def test_scores_need_one_or_two_axes_and_an_entry(f):
    for bad in (1.0, [], np.ones((2, 2, 2)), np.ones((2, 0))):
        with pytest.raises(ValueError, match="Z: expected a non-empty array with 1 or 2 axes"):
            f(bad)


def test_shapes_are_not_broadcast():
    with pytest.raises(ValueError, match=r"v: expected the shape of p, \(3,\), got \(1, 3\)"):
        softmax_vjp(np.ones(3) / 3, np.ones((1, 3)))
    with pytest.raises(ValueError, match="z: expected a non-empty array with 1 axes"):
        softmax_jacobian(np.ones((2, 3)))


@pytest.mark.peer
def test_pytorch_agrees_on_values_and_on_the_jacobian(torch):
    Z = np.random.default_rng(0).normal(0, 20, (7, 5))
    T = torch.tensor(Z)
    assert relative(softmax(Z), torch.softmax(T, dim=1).numpy()) < 1e-12
    assert relative(log_softmax(Z), torch.log_softmax(T, dim=1).numpy()) < 1e-12
    J = torch.autograd.functional.jacobian(lambda z: torch.softmax(z, 0), T[0] / 10)
    assert relative(softmax_jacobian(Z[0] / 10), J.numpy()) < 1e-12
