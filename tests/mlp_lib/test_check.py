import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp_lib import _check

pytestmark = pytest.mark.filterwarnings("error")


def test_a_spec_names_the_sizes_and_compares_them():
    sizes = _check.shapes("m d, m K, 1 K, ()", X=np.ones((5, 2)), Y=np.ones((5, 3)),
                          b=np.ones((1, 3)), c=np.array(0.5))  # fmt: skip
    assert sizes == {"m": 5, "d": 2, "K": 3}


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        ("n", (2, 1), r"x: expected shape \(n,\), got \(2, 1\)"),
        ("n n", (2, 3), r"x: expected shape \(n, n\), got \(2, 3\)"),
        ("1 K", (2, 3), r"x: expected shape \(1, K\), got \(2, 3\)"),
        ("()", (1,), r"x: expected shape \(\), got \(1,\)"),
        ("m d", (), r"x: expected shape \(m, d\), got \(\)"),
    ],
)
def test_a_shape_that_does_not_fit_is_named(spec, shape, message):
    with pytest.raises(ValueError, match=message):
        _check.shapes(spec, x=np.ones(shape))


def test_a_size_fixed_by_an_earlier_array_is_told():
    with pytest.raises(ValueError, match=r"w: expected shape \(n,\) with n = 3, got \(2,\)"):
        _check.shapes("n, n", x=np.ones(3), w=np.ones(2))


@given(st.lists(st.integers(1, 3), max_size=3), st.lists(st.integers(1, 3), max_size=3))
def test_same_shape_accepts_equal_shapes_only(a, b):
    if a == b:
        _check.same_shape(a=np.ones(a), b=np.ones(b))
    else:
        with pytest.raises(ValueError, match="b: expected the shape of a"):
            _check.same_shape(a=np.ones(a), b=np.ones(b))


def test_what_is_no_numpy_float_takes_the_dtype_of_the_float_array_beside_it():
    single = np.ones(2, np.float32)
    for other in (1, 0.5, [1, 2], [0.5, 1.5], np.array([1, 2]), np.array([True, False])):
        assert [x.dtype for x in _check.reals(a=other, b=single)] == [np.float32] * 2
        assert _check.reals(a=other)[0].dtype == np.float64
    assert [x.dtype for x in _check.reals(a=single, b=np.ones(2))] == [np.float32, np.float64]


def test_integers_and_flags_become_floats_and_nothing_else_does():
    assert _check.as_real("x", [1, 2]).tolist() == [1.0, 2.0]
    assert _check.as_real("x", np.array([True])).dtype == np.float64
    for bad in (None, "1", [None], np.array(["a"]), {"a": 1}, np.array([1], dtype="datetime64[s]")):
        with pytest.raises(TypeError, match="x: expected an array of real numbers, got dtype"):
            _check.as_real("x", bad)


def test_a_float_array_is_not_copied():
    x = np.ones(3)
    assert _check.as_real("x", x) is x


def test_finite_tells_the_first_bad_place():
    with pytest.raises(ValueError, match=r"x: expected finite numbers, got inf at index \(1, 0\)"):
        _check.finite("x", np.array([[0.0, 1], [np.inf, np.nan]]))
    with pytest.raises(ValueError, match=r"x: expected finite numbers, got nan at index \(\)"):
        _check.finite("x", np.array(np.nan))


def test_integer_parameters_are_refused_with_the_way_out():
    with pytest.raises(TypeError, match=r"W: expected a parameter array of floats, got dtype int64"
                                        r" .*W\.astype\(float\)"):  # fmt: skip
        _check.params(W=np.array([[1, 2]]))
    assert _check.params(W=[[1, 2]])[0].dtype == np.float64  # a list has no dtype to be cut to


@pytest.mark.parametrize("bad", [True, 1.0, "1", None, np.ones(1)])
def test_integer_refuses_what_only_looks_like_one(bad):
    with pytest.raises(TypeError, match="n: expected a whole number, got"):
        _check.integer("n", bad, low=0)


def test_scalar_gives_a_python_float_within_bounds():
    assert type(_check.scalar("lr", np.float32(0.5))) is float
    assert _check.scalar("lr", np.array(2)) == 2.0
    with pytest.raises(ValueError, match="p: expected a finite number from 0 to 1, got 2"):
        _check.scalar("p", 2, low=0, high=1)
    for bad in ("0.1", [0.1], 1j, np.ones(1)):
        with pytest.raises(TypeError, match="p: expected one real number"):
            _check.scalar("p", bad)


def test_probabilities_allow_rounding_and_no_more():
    _check.probabilities(p=np.float32([1.0000001, 0.0]))
    with pytest.raises(ValueError, match="p: expected probabilities"):
        _check.probabilities(p=np.array([1.00001]))


def test_choice_lists_the_names():
    with pytest.raises(ValueError, match="act: expected one of relu, tanh; got 'than'"):
        _check.choice("act", "than", {"tanh": 1, "relu": 2})
