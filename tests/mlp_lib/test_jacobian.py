import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp_lib.jacobian import full_jacobian_W, full_jacobian_X, jacobian_entries, linear_vjp
from mlp_lib.numgrad import numerical_gradient

X2 = np.array([[1.0, 2], [3, 4]])
W2 = np.array([[1.0, 0, -1], [2, 1, 0]])
DY = np.array([[1.0, 2, 3], [4, 5, 6]])

cases = st.tuples(
    st.integers(1, 5), st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1)
)


def draw(case):
    N, D, M, seed = case
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, D)), rng.normal(size=(D, M)), rng.normal(size=(N, M))


def test_the_michigan_example():
    dX, dW = linear_vjp(X2, W2, DY)
    assert dX.tolist() == [[-2, 4], [-2, 13]]
    assert dW.tolist() == [[13, 17, 21], [18, 24, 30]]
    assert tuple(jacobian_entries(2, 2, 3)) == (36, 24, 6, 4)
    assert full_jacobian_W(X2, W2).size == 36
    assert full_jacobian_X(X2, W2).size == 24


def test_the_size_nobody_can_store():
    entries, *_ = jacobian_entries(64, 4096, 4096)
    assert entries == 64 * 4096**3
    assert entries == pytest.approx(4.398e12, rel=1e-4)
    assert entries * 4 / 1e12 == pytest.approx(17.6, abs=0.05)  # TB in float32


@given(cases)
def test_the_vjp_is_the_product_with_the_full_jacobian(case):
    X, W, dY = draw(case)
    dX, dW = linear_vjp(X, W, dY)
    np.testing.assert_allclose(np.tensordot(dY, full_jacobian_W(X, W)), dW, atol=1e-12)
    np.testing.assert_allclose(np.tensordot(dY, full_jacobian_X(X, W)), dX, atol=1e-12)


@given(cases, st.floats(-3, 3), st.floats(-3, 3))
def test_the_vjp_is_linear_in_its_vector(case, s, t):
    X, W, P = draw(case)
    Q = P[::-1, ::-1] + 1
    both = linear_vjp(X, W, s * P + t * Q)
    for got, p, q in zip(both, linear_vjp(X, W, P), linear_vjp(X, W, Q), strict=True):
        np.testing.assert_allclose(got, s * p + t * q, atol=1e-11)


@given(cases)
def test_shapes_and_number_of_entries(case):
    X, W, dY = draw(case)
    (N, D), M = X.shape, W.shape[1]
    J_W, J_X, (dX, dW) = full_jacobian_W(X, W), full_jacobian_X(X, W), linear_vjp(X, W, dY)
    assert (J_W.shape, J_X.shape) == ((N, M, D, M), (N, M, N, D))
    assert jacobian_entries(N, D, M) == (J_W.size, J_X.size, dW.size, dX.size)


def test_every_entry_of_the_jacobian_against_the_complex_step():
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(3, 2)), rng.normal(size=(2, 4))
    for n, m in np.ndindex(3, 4):
        by_W = numerical_gradient(lambda V, n=n, m=m: (X @ V)[n, m], W, scheme="complex")
        by_X = numerical_gradient(lambda V, n=n, m=m: (V @ W)[n, m], X, scheme="complex")
        np.testing.assert_allclose(full_jacobian_W(X, W)[n, m], by_W, atol=1e-15)
        np.testing.assert_allclose(full_jacobian_X(X, W)[n, m], by_X, atol=1e-15)


def test_the_vjp_needs_no_more_memory_than_its_answers():
    """∂Y/∂W would have 40·300·200·300 entries, 5.8 GB; the answers have 68,000."""
    rng = np.random.default_rng(0)
    X, W, dY = rng.normal(size=(40, 200)), rng.normal(size=(200, 300)), rng.normal(size=(40, 300))
    linear_vjp(X, W, dY)
    tracemalloc.start()
    answers = linear_vjp(X, W, dY)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * sum(a.nbytes for a in answers)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays_and_inputs_are_unchanged(dtype):
    arrays = [a.astype(dtype) for a in (X2, W2, DY)]
    before = [a.copy() for a in arrays]
    for a in arrays:
        a.flags.writeable = False
    X, W, dY = arrays
    results = [*linear_vjp(X, W, dY), full_jacobian_W(X, W), full_jacobian_X(X, W)]
    assert {r.dtype for r in results} == {np.dtype(dtype)}
    assert all(np.array_equal(a, b) for a, b in zip(arrays, before, strict=True))


def test_bad_input_says_what_was_expected():
    with pytest.raises(ValueError, match=r"W: expected shape \(D, M\) with D = 2, got \(3, 2\)"):
        full_jacobian_W(X2, W2.T)
    with pytest.raises(ValueError, match=r"expected shape .*got \(1, 2\)"):
        linear_vjp(X2[:1], W2, DY)  # would broadcast in no product, and must say so
    with pytest.raises(ValueError, match=r"expected shape"):
        linear_vjp(X2, W2, DY[:, :1])
    with pytest.raises(TypeError, match="W: expected a parameter array of floats, got dtype int64"):
        linear_vjp(X2, W2.astype(int), DY)
    with pytest.raises(ValueError, match="X: expected finite numbers, got nan"):
        full_jacobian_X(X2 * np.nan, W2)
    with pytest.raises(ValueError, match="D: expected a whole number at least 1, got 0"):
        jacobian_entries(3, 0, 2)
    with pytest.raises(TypeError, match=r"N: expected a whole number, got 1\.5"):
        jacobian_entries(1.5, 2, 2)
