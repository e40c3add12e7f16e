import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp_lib import d_sigmoid, mlp_forward
from mlp_lib.batch import mlp_backward_batch, mlp_forward_batch
from mlp_lib.bridge import batch_from_singles, to_col, to_row

F1 = [
    (np.array([[0.5, -0.5], [1.2, 0.25], [-0.75, 0.9]]), np.array([0.3, 0.5, -0.25])),
    (
        np.array([[1.5, -0.8, 0.5], [-0.5, 0.25, 0.7], [0.4, 0.6, -0.9], [-0.2, -0.3, 0.35]]),
        np.array([0.1, -0.1, 0.2, -0.25]),
    ),
]
X3 = np.array([[0.8, -2], [0.3, 0.7], [2, 0.5], [-0.4, 0.6], [1.2, -0.9]])
Y3 = np.eye(4)[[1, 0, 2, 3, 1]]


@st.composite
def column_nets(draw):
    """A random network in column form with a batch: (params, X, Y)."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=2, max_size=4))
    m = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    params = [
        (rng.normal(size=(n_out, n_in)), rng.normal(size=n_out))
        for n_in, n_out in zip(sizes[:-1], sizes[1:])  # noqa: B905, RUF007
    ]
    Y = np.eye(sizes[-1])[rng.integers(0, sizes[-1], m)]
    return params, rng.normal(size=(m, sizes[0])), Y


def test_worked_numbers_of_e10_1():
    (dW1, db1), (dW2, db2) = batch_from_singles(F1, X3, Y3)
    expected = [[0.0481, -0.0224, 0.0241], [-0.1041, 0.0512, 0.0315]]
    np.testing.assert_allclose(dW1, expected, atol=5e-5)
    assert (dW1.shape, db1.shape, dW2.shape, db2.shape) == ((2, 3), (1, 3), (3, 4), (1, 4))


@given(column_nets())
def test_single_examples_and_the_batch_agree(net):
    params, X, Y = net
    row = to_row(params)
    _, cache = mlp_forward_batch(X, row)
    batch = mlp_backward_batch(row, cache, Y, d_sigmoid)
    for ours, theirs in zip(batch_from_singles(params, X, Y), batch, strict=True):
        for got, expected in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)


@given(column_nets())
def test_the_two_forward_passes_agree_row_by_row(net):
    params, X, _ = net
    Yhat, cache = mlp_forward_batch(X, to_row(params))
    for i, x in enumerate(X):
        yhat, single = mlp_forward(x, params)
        np.testing.assert_allclose(Yhat[i], yhat, rtol=0, atol=1e-14)
        for name in ("z", "a"):
            for rows, vector in zip(cache[name], single[name], strict=True):
                np.testing.assert_allclose(rows[i], vector, rtol=1e-12, atol=1e-13)


@given(column_nets())
def test_there_and_back_is_the_identity(net):
    params, _, _ = net
    for start, there, back in ((params, to_row, to_col), (to_row(params), to_col, to_row)):
        for old, new in zip(start, back(there(start)), strict=True):
            for a, b in zip(old, new, strict=True):
                assert a.shape == b.shape
                assert a.tobytes() == b.tobytes()


def test_shapes_and_entries():
    (W, b), _ = to_row(F1)
    assert (W.shape, b.shape) == ((2, 3), (1, 3))
    assert W[1, 2] == F1[0][0][2, 1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays(dtype):
    params = [(W.astype(dtype), b.astype(dtype)) for W, b in F1]
    grads = batch_from_singles(params, X3.astype(dtype), Y3.astype(dtype))
    converted = [*to_row(params), *to_col(to_row(params)), *grads]
    assert {t.dtype for layer in converted for t in layer} == {np.dtype(dtype)}


def test_the_results_are_copies_and_the_inputs_unchanged():
    before = [(W.copy(), b.copy()) for W, b in F1]
    row = to_row(F1)
    col = to_col(row)
    for layer in [*row, *col]:
        for tensor in layer:
            assert tensor.flags.writeable
            assert tensor.flags.c_contiguous
            tensor[:] = 99
    batch_from_singles(F1, X3, Y3)
    for layer, old in zip(F1, before, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(layer, old, strict=True))


def test_a_form_mistaken_for_the_other_is_refused():
    with pytest.raises(
        ValueError, match=r"params_col: expected column form.*got b of shape \(1, 3\): to_col"
    ):
        to_row(to_row(F1))
    with pytest.raises(
        ValueError, match=r"params_row: expected row form.*got b of shape \(3,\): to_row"
    ):
        to_col(F1)
    with pytest.raises(ValueError, match=r"params: expected column form.*: to_col converts"):
        batch_from_singles(to_row(F1), X3, Y3)


def test_other_bad_input():
    with pytest.raises(ValueError, match=r"Y: expected shape \(m, n_L\) with m = 5, got \(4, 4\)"):
        batch_from_singles(F1, X3, Y3[:4])
    with pytest.raises(ValueError, match=r"X: expected shape \(m, n_0\), got \(2,\)"):
        batch_from_singles(F1, X3[0], Y3)
    with pytest.raises(ValueError, match="X: expected at least one example, got 0"):
        batch_from_singles(F1, X3[:0], Y3[:0])
    with pytest.raises(TypeError, match="expected a parameter array of floats, got dtype int64"):
        to_row([(np.ones((2, 2), int), np.ones(2))])
    with pytest.raises(ValueError, match="expected finite numbers, got nan"):
        to_col([(np.full((2, 2), np.nan), np.ones((1, 2)))])
