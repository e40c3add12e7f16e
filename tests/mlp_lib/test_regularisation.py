import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp_lib.numgrad import grad_check, numerical_gradient
from mlp_lib.regularisation import (
    EarlyStopping,
    add_grads,
    dropout_backward,
    dropout_forward,
    gradient_is_small,
    l1_grads,
    l1_penalty,
    l2_grads,
    l2_penalty,
    loss_is_flat,
)

A = np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]])
MASK = np.array([[1.0, 0, 1, 1], [0, 1, 1, 0]])


def params(dtype=np.float64):
    rng = np.random.default_rng(0)
    shapes = [((3, 4), (1, 4)), ((4, 2), (1, 2))]
    return [(rng.normal(size=w).astype(dtype), rng.normal(size=b).astype(dtype)) for w, b in shapes]


# -- penalties ------------------------------------------------------------------------------------


def test_penalties_of_small_numbers():
    W, V = np.array([[1.0, -2.0]]), np.array([[3.0]])
    layers = [(W, np.array([[9.0, 9.0]])), (V, np.ones((1, 1)))]
    assert l2_penalty(layers, 0.1) == pytest.approx(0.05 * (1 + 4 + 9))
    assert l1_penalty(layers, 0.1) == pytest.approx(0.1 * (1 + 2 + 3))
    np.testing.assert_allclose(l2_grads(layers, 0.1)[0][0], [[0.1, -0.2]])
    np.testing.assert_allclose(l1_grads(layers, 0.1)[0][0], [[0.1, -0.1]])


@pytest.mark.parametrize(("penalty", "grads"), [(l1_penalty, l1_grads), (l2_penalty, l2_grads)])
@pytest.mark.parametrize("scheme", ["central", "complex"])
def test_penalty_gradients(penalty, grads, scheme):
    def loss(layers):
        return penalty(layers, 0.3) + sum(0 * b.sum() for _, b in layers)

    limit = 1e-8 if scheme == "central" else 1e-14
    assert grad_check(loss, params(), grads(params(), 0.3), scheme=scheme) < limit


@pytest.mark.parametrize("grads", [l1_grads, l2_grads])
def test_biases_are_not_punished(grads):
    assert all((db == 0).all() for _, db in grads(params(), 0.5))


def test_l1_has_slope_zero_at_its_kink():
    assert l1_grads([(np.zeros((1, 2)), np.zeros((1, 2)))], 1.0)[0][0].tolist() == [[0, 0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_inputs(dtype):
    layers = params(dtype)
    for layer in layers:
        for tensor in layer:
            tensor.flags.writeable = False
    for grads in (l1_grads(layers, 0.1), l2_grads(layers, 0.1), add_grads(layers, layers)):
        assert {t.dtype for layer in grads for t in layer} == {np.dtype(dtype)}


def test_bad_penalties():
    with pytest.raises(ValueError, match="lam: expected a finite number from 0 to inf, got -1"):
        l2_penalty(params(), -1)
    with pytest.raises(TypeError, match="expected a parameter array of floats, got dtype int64"):
        l1_grads([(np.ones((2, 2), int), np.ones((1, 2)))], 0.1)


def test_add_grads():
    ((dW, db), _) = add_grads(params(), l2_grads(params(), 1.0))
    np.testing.assert_allclose(dW, 2 * params()[0][0])
    np.testing.assert_array_equal(db, params()[0][1])


def test_add_grads_refuses_to_broadcast_or_to_drop_layers():
    one, two = params(), params()
    two[0] = (two[0][0], two[0][1].T)
    with pytest.raises(ValueError, match=r"more\[0\]\[1\]: expected the shape of grads\[0\]\[1\]"):
        add_grads(one, two)
    with pytest.raises(ValueError, match="more: expected 2 layers, got 1"):
        add_grads(one, one[:1])


# -- dropout --------------------------------------------------------------------------------------


def test_worked_numbers_of_dropout():
    out, mask = dropout_forward(A, 0.2, mask=MASK)
    np.testing.assert_allclose(out, [[1.25, 0, 3.75, 5], [0, 7.5, 8.75, 0]], rtol=1e-15)
    assert np.array_equal(mask, MASK)
    back = dropout_backward(np.ones_like(A), MASK, 0.2)
    np.testing.assert_allclose(back, [[1.25, 0, 1.25, 1.25], [0, 1.25, 1.25, 0]], rtol=1e-15)


def test_the_expected_value_is_that_of_the_input():
    ones = np.ones((1000, 100))
    out, mask = dropout_forward(ones, 0.2, rng=np.random.default_rng(0))
    assert out.mean() == pytest.approx(1, abs=0.01)
    assert mask.mean() == pytest.approx(0.8, abs=0.01)
    assert set(np.unique(mask)) == {0, 1}


def test_every_row_and_unit_has_a_mask_of_its_own():
    _, mask = dropout_forward(np.ones((200, 50)), 0.5, rng=np.random.default_rng(1))
    assert len(np.unique(mask, axis=0)) == 200
    assert np.abs(mask.mean(axis=0) - 0.5).max() < 0.2


def test_evaluation_changes_nothing():
    out, mask = dropout_forward(A, 0.2, mask=MASK, train=False)
    assert np.array_equal(out, A)
    assert np.array_equal(mask, np.ones_like(A))
    assert out is not A
    np.testing.assert_array_equal(dropout_backward(A, mask, 0.0), A)


def test_the_same_generator_gives_the_same_mask_and_none_a_fresh_one():
    masks = [dropout_forward(np.ones((9, 9)), 0.5, rng=np.random.default_rng(3))[1] for _ in "ab"]
    assert np.array_equal(*masks)
    fresh = [dropout_forward(np.ones((9, 9)), 0.5)[1] for _ in "ab"]
    assert not np.array_equal(*fresh)


def test_no_dropout_is_the_identity():
    out, mask = dropout_forward(A, 0.0)
    assert np.array_equal(out, A)
    assert mask.all()


@given(st.integers(0, 2**32 - 1), st.floats(0, 0.9))
def test_backward_is_the_transpose_of_forward(seed, p_drop):
    """⟨dout, forward(A)⟩ = ⟨backward(dout), A⟩: the defining property of a VJP."""
    rng = np.random.default_rng(seed)
    x, dout = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    out, mask = dropout_forward(x, p_drop, rng=rng)
    back = dropout_backward(dout, mask, p_drop)
    assert np.sum(dout * out) == pytest.approx(np.sum(back * x), rel=1e-12, abs=1e-12)


def test_backward_against_the_complex_step():
    rng = np.random.default_rng(0)
    x, dout = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    _, mask = dropout_forward(x, 0.4, rng=rng)
    measured = numerical_gradient(
        lambda a: np.sum(dout * dropout_forward(a, 0.4, mask=mask)[0]), x, scheme="complex"
    )
    np.testing.assert_allclose(dropout_backward(dout, mask, 0.4), measured, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mask", [None, MASK, MASK.astype(bool), MASK.astype(int)])
@pytest.mark.parametrize("train", [True, False])
def test_dropout_keeps_dtype_and_inputs(dtype, mask, train):
    x = A.astype(dtype)
    x.flags.writeable = False
    out, used = dropout_forward(x, 0.2, mask=mask, train=train)
    back = dropout_backward(x, used, 0.2)
    assert {out.dtype, used.dtype, back.dtype} == {np.dtype(dtype)}
    assert np.array_equal(x, A)
    assert out.flags.writeable


def test_a_mask_row_is_not_broadcast_over_the_batch():
    with pytest.raises(ValueError, match=r"mask: expected the shape of A, \(2, 4\), got \(4,\)"):
        dropout_forward(A, 0.2, mask=MASK[0])
    with pytest.raises(ValueError, match=r"mask: expected the shape of dout, \(2, 4\), got \(1, 4"):
        dropout_backward(A, MASK[:1], 0.2)


def test_other_bad_dropout():
    with pytest.raises(ValueError, match="p_drop: expected a probability below 1, got 1"):
        dropout_forward(A, 1)
    for bad in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="p_drop: expected a finite number from 0 to 1"):
            dropout_forward(A, bad)
    with pytest.raises(ValueError, match=r"mask: expected only 0 and 1, got 1\.25 at index"):
        dropout_backward(A, MASK * 1.25, 0.2)
    with pytest.raises(TypeError, match="rng: expected a generator"):
        dropout_forward(A, 0.2, rng=0)
    with pytest.raises(ValueError, match="A: expected finite numbers, got nan"):
        dropout_forward(A * np.nan, 0.2)


# -- stopping -------------------------------------------------------------------------------------


def test_early_stopping_waits_and_keeps_the_best():
    stop = EarlyStopping(patience=3)
    losses = [5.0, 3.0, 4.0, 2.0, 2.5, 2.0, 2.1, 9.9]
    answers = []
    for i, loss in enumerate(losses):
        answers.append(stop.update(loss, [(np.full((1, 1), i), np.zeros((1, 1)))]))
    assert answers == [False] * 6 + [True, True]
    assert (stop.best_loss, stop.best_round) == (2.0, 3)
    assert stop.best_params[0][0].item() == 3


def test_early_stopping_keeps_copies():
    W, b = np.zeros((1, 1)), np.zeros((1, 1))
    stop = EarlyStopping(patience=1)
    stop.update(1.0, [(W, b)])
    W += 7
    assert stop.best_params[0][0].item() == 0


def test_min_delta_asks_for_more_than_a_trifle():
    stop = EarlyStopping(patience=2, min_delta=0.1)
    assert [stop.update(x) for x in (1.0, 0.95, 0.92)] == [False, False, True]
    assert stop.best_loss == 1.0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_at_once(bad):
    stop = EarlyStopping(patience=50)
    assert not stop.update(1.0)
    assert stop.update(bad)
    assert stop.best_loss == 1.0


def test_early_stopping_refuses_nonsense():
    with pytest.raises(ValueError, match="patience: expected a whole number at least 1, got 0"):
        EarlyStopping(patience=0)
    with pytest.raises(ValueError, match="min_delta: expected a finite number from 0"):
        EarlyStopping(min_delta=-1)


def test_gradient_is_small():
    grads = [(np.array([[3e-4]]), np.array([[4e-4]]))]
    assert gradient_is_small(grads, tol=5.1e-4)
    assert not gradient_is_small(grads, tol=4.9e-4)
    assert not gradient_is_small([(np.array([[np.nan]]), np.zeros((1, 1)))], tol=1.0)


@pytest.mark.filterwarnings("error")
def test_loss_is_flat():
    falling = [1 / (t + 1) for t in range(50)]
    assert not loss_is_flat(falling, tol=1e-3)
    assert loss_is_flat([*falling, *[0.02] * 11], tol=1e-6)
    assert not loss_is_flat([0.5] * 10, window=10)
    assert loss_is_flat([0.5] * 11, window=10)
    assert not loss_is_flat([math.nan] * 20)
    assert not loss_is_flat([math.inf] * 20)
