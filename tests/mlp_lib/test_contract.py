"""What holds for every function of lessons 1 to 9: arguments are left alone, float32 stays."""

import copy
from collections.abc import Mapping

import numpy as np
import pytest
from numeric import F1, F1_X, F1_Y, F4_W, TABLE_P, TABLE_Y

import mlp_lib as ml

pytestmark = pytest.mark.filterwarnings("error")

Z = np.array([-1.3, 0.4, 2.2])
X = np.array([[0.8, -2.0], [0.3, 0.7], [2.0, 0.5], [-0.4, 0.6]])
SIGNS = np.array([1.0, -1, -1, 1])
W, B = np.array([[0.3, -0.2, 0.7], [0.1, 0.6, -0.5]]), np.array([[0.2, -0.1, 0.4]])
CACHE = ml.mlp_forward(F1_X, F1)[1]
NET = {"W": [W.T, W], "x": np.array([0.5, -1.2]), "t": np.array([1.0, 0.3])}

# one call of each function: positional arguments, all float arrays in them may become float32
CALLS = {
    **dict.fromkeys(ml.ACTIVATIONS, (Z,)),
    **{f"d_{name}": (Z,) for name in ml.ACTIVATIONS},
    "softmax": (Z,),
    "log_softmax": (Z,),
    "softmax_jacobian": (Z,),
    "softmax_vjp": (TABLE_P, TABLE_Y),
    "neuron_forward": (Z, Z / 2, np.array(0.3)),
    "sgn": (Z,),
    "perceptron_train": (X, SIGNS, 0.5, 5, np.array([0.1, 0.2, 0.3])),
    "perceptron_predict": (X, Z),
    "labels_of": (TABLE_P,),
    "half_sse": (TABLE_P, TABLE_Y),
    "mse": (TABLE_P, TABLE_Y),
    "grad_half_sse": (TABLE_P, TABLE_Y),
    "grad_mse": (TABLE_P, TABLE_Y),
    "bce": (TABLE_P, TABLE_Y),
    "grad_bce": (TABLE_P, TABLE_Y),
    "cce": (TABLE_P, TABLE_Y, 1e-12, True),
    "grad_cce": (TABLE_P, TABLE_Y),
    "likelihood": (TABLE_P, TABLE_Y),
    "nll": (TABLE_P, TABLE_Y),
    "bce_multi": (TABLE_P, TABLE_Y),
    "hinge": (Z, SIGNS[:3]),
    "grad_hinge": (Z, SIGNS[:3]),
    "accuracy": (TABLE_P, TABLE_Y),
    "output_delta": (TABLE_P, TABLE_Y, "cce", "softmax"),
    "weight_grad": (Z, Z),
    "linear_regression_grads": (X, TABLE_P, W, B),
    "logistic_regression_grads": (X, TABLE_Y, W, B),
    "softmax_regression_grads": (X, TABLE_Y, W, B),
    "linear_svm_grads": (X, SIGNS, Z[:2], np.array(0.1)),
    "fit_linear": (X, TABLE_P, 0.1, 5),
    "fit_logistic": (X, TABLE_Y, 0.1, 5),
    "fit_softmax": (X, TABLE_Y, 0.1, 5),
    "fit_linear_svm": (X, SIGNS, 0.01, 0.1, 5),
    "gd_update": (F1, F1[::1], 0.1),
    "gd_path": (lambda t: 3 * t, Z, 0.1, 4),
    "chain_forward": (F4_W, np.array(0.8)),
    "chain_backward": (F4_W, ml.chain_forward(F4_W, 0.8), np.array(1.0)),
    "mlp_forward": (F1_X, F1),
    "mlp_backward": (F1, CACHE, F1_Y),
    "error_to_previous": (W, Z[:2]),
    "hidden_delta": (Z, Z, ml.d_tanh),
    "collapse_linear": (F1,),
    "path_products": (NET, (1, 1, 2)),
    "path_gradient": (NET, (1, 1, 2)),
    "paths": (NET, (1, 1, 2)),
}
EVERY = pytest.mark.parametrize("name", sorted(CALLS))


def walk(tree, change):
    """The same tree with `change` applied to every array in it."""
    if isinstance(tree, np.ndarray):
        return change(tree)
    if isinstance(tree, Mapping):
        return {key: walk(value, change) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(walk(value, change) for value in tree)
    return tree


def arrays_in(tree):
    found = []
    walk(tree, found.append)
    return found


def equal(a, b):
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    return a is b or a == b


@EVERY
def test_arguments_are_left_alone(name):
    args = walk(CALLS[name], np.copy)
    before = copy.deepcopy(args)
    getattr(ml, name)(*args)
    assert equal(before, args)


@EVERY
def test_read_only_arguments_are_enough(name):
    def locked(x):
        x = x.copy()
        x.flags.writeable = False
        return x

    expected = getattr(ml, name)(*CALLS[name])
    assert equal(expected, getattr(ml, name)(*walk(CALLS[name], locked)))


@EVERY
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays_what_it_is(name, dtype):
    args = walk(CALLS[name], lambda x: x.astype(dtype))
    result = getattr(ml, name)(*args)
    for x in arrays_in(result):
        assert x.dtype == dtype or x.dtype.kind == "i"  # labels_of


@EVERY
def test_float32_gives_the_answer_of_float64_to_its_own_precision(name):
    small = getattr(ml, name)(*walk(CALLS[name], lambda x: x.astype(np.float32)))
    for got, expected in zip(
        arrays_in(small), arrays_in(getattr(ml, name)(*CALLS[name])), strict=True
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@EVERY
def test_strided_and_fortran_ordered_arrays_give_the_same(name):
    def fortran(x):
        return np.array(x, order="F")

    def strided(x):
        if x.ndim == 0:
            return x
        wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), np.nan)
        wide[..., ::2] = x
        return wide[..., ::2]

    expected = arrays_in(getattr(ml, name)(*CALLS[name]))
    for change in (strided, fortran):
        got = arrays_in(getattr(ml, name)(*walk(CALLS[name], change)))
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)


@EVERY
def test_answers_share_no_memory_with_parameters(name):
    if name in ("mlp_forward", "paths"):  # the cache holds x itself
        return
    args = walk(CALLS[name], np.copy)
    for out in arrays_in(getattr(ml, name)(*args)):
        for given in arrays_in(args):
            assert not np.shares_memory(out, given)


LESSONS_1_TO_9 = [
    *("activations", "chain", "col", "delta", "descent", "encoding", "losses", "neuron"),
    *("perceptron", "regression", "softmax"),
]


def test_the_table_above_is_complete():
    public = {
        name
        for name in ml.__all__
        if getattr(getattr(ml, name), "__module__", "").removeprefix("mlp_lib.") in LESSONS_1_TO_9
        and not isinstance(getattr(ml, name), type)
    }
    elsewhere = {"one_hot", "iterate_minibatches", "updates_per_epoch", "xor_gate_net"}
    assert public - elsewhere - {"get_activation", "get_loss"} == set(CALLS)
