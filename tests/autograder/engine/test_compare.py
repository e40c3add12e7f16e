"""The comparison says what it allows, and no more."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.engine.compare import (
    alike,
    apart,
    close,
    compare,
    describe,
    digits,
    superscript,
)
from autograder.engine.explain import show, told_apart
from autograder.engine.step import (
    Anything,
    Array,
    Fields,
    Flag,
    Gradient,
    Integer,
    Layers,
    Number,
    Several,
    Text,
)

A = np.array([[0.5, -1.25, 2.5], [3.0, 0.125, -0.75]])


def problems(spec, got, expected):
    return [(f.label, f.problem) for f in compare(spec, got, expected, "f") if not f.ok]


def sentence(spec, got, expected):
    return next(f.sentence for f in compare(spec, got, expected, "f") if not f.ok)


def test_rounding_is_accepted_and_a_numerical_derivative_is_not():
    assert not problems(Array("a"), A * (1 + 1e-14), A)
    assert problems(Array("a"), A * (1 + 1e-9), A) == [("a", "value")]


def test_the_tolerance_is_norm_wise():
    tails = np.array([1.0, 1e-13])
    assert not problems(Array("a"), np.array([1.0, 1.0001e-13]), tails)


def test_float32_is_accepted_with_a_remark_where_it_is_rounding():
    (finding,) = compare(Array("a"), A.astype(np.float32) * np.float32(1.0000001), A, "f")
    assert finding.ok
    assert "float32" in finding.remark
    assert problems(Array("a"), (A * 1.0002).astype(np.float32), A) == [("a", "value")]
    assert problems(Array("a"), (A * 1.002).astype(np.float16), A) == [("a", "value")]


def test_nan_fails_explicitly_even_beside_right_numbers():
    got = A.copy()
    got[1, 2] = np.nan
    assert problems(Array("a"), got, A) == [("a", "nan")]
    assert "[1, 2]" in sentence(Array("a"), got, A)


def test_infinity_equals_itself_only():
    assert close(np.array([np.inf, 1.0]), np.array([np.inf, 1.0]), 1e-10, 1e-12)
    assert not close(np.array([np.inf]), np.array([-np.inf]), 1e-10, 1e-12)
    assert not close(np.array([1e308]), np.array([np.inf]), 1e-10, 1e-12)


def test_zeros_and_huge_numbers_are_compared_without_overflow():
    assert close(np.zeros(3), np.full(3, 1e-13), 1e-10, 1e-12)
    assert not close(np.full(3, 1e-9), np.zeros(3), 1e-10, 1e-12)
    assert close(np.full(3, 1e300), np.full(3, 1e300), 1e-10, 1e-12)
    assert not close(np.full(3, 1.1e300), np.full(3, 1e300), 1e-10, 1e-12)


def test_a_transposed_gradient_is_told_whose_shape_it_should_have():
    said = sentence(Gradient("dW", of="W"), A.T, A)
    assert said == (
        "dW is (3, 2) but W is (2, 3): a gradient has the shape of its variable; "
        "yours is its transpose."
    )
    reshaped = sentence(Gradient("dW", of="W"), A.reshape(3, 2), A)
    assert reshaped.endswith("; yours has the same numbers in the order of a reshape.")
    assert sentence(Array("dW"), 2 * A.T, A).endswith("; yours has the shape of its transpose.")


def test_a_transposed_square_is_recognised_by_its_values():
    square = A[:, :2]
    assert sentence(Array("dA"), square.T, square).endswith(
        "Yours is the transpose of what is expected."
    )
    assert "transpose" not in sentence(Array("dA"), 2 * square.T, square)
    assert "transpose" not in sentence(Array("dA"), square + 1, square)


def test_integers_that_lost_their_decimals_are_told_so():
    got = np.trunc(A).astype(int)
    assert sentence(Array("dW"), got, A).endswith(
        "dW holds integers (int64): the decimals were cut off."
    )
    assert "cut off" not in sentence(Array("dW"), got + 7, A)


def test_an_order_or_a_grouping_is_told_as_such():
    spec = Layers(Several(Gradient("dW", of="W"), Gradient("db", of="b")))
    right = [(A, A[0]), (A.T, A[:, 0])]
    assert problems(spec, right[::-1], right) == [("[(dW, db), …]", "structure")]
    assert "reverse order" in sentence(spec, right[::-1], right)
    pair = ([A, 2 * A.T], [A[0], A[:, 0]])
    assert problems(spec, pair, right) == [("[(dW, db), …]", "structure")]
    assert "yours is ([dW, …], [db, …])" in sentence(spec, pair, right)
    assert problems(spec, [(A, A[0]), (2 * A.T, A[:, 0])], right) == [("dW⁽²⁾", "value")]


def test_lists_are_counted_in_words():
    assert describe([A]) == "a list of 1 thing, an array of shape (2, 3)"
    assert describe((0.5,)) == "a tuple of 1 number"
    assert describe([0.5, 1.5]) == "a list of 2 numbers"
    assert describe([]) == "an empty list"


def test_a_layer_is_named_by_its_number():
    spec = Layers(Several(Gradient("dW", of="W"), Gradient("db", of="b")))
    right = [(A, A[0]), (A.T, A[:, 0])]
    wrong = ((A, A[0]), [A.T, 2 * A[:, 0]])
    assert not problems(spec, tuple(right), right)
    assert problems(spec, wrong, right) == [("db⁽²⁾", "value")]
    said = sentence(spec, [(A, A[0]), (A, A[:, 0])], right)
    assert said.startswith("dW⁽²⁾ is (2, 3) but W⁽²⁾ is (3, 2)")


def test_a_tuple_is_as_good_as_a_list_but_an_array_is_an_array():
    spec = Several(Array("z"), Array("a", list_ok=True))
    assert not problems(spec, [A[0], A[1].tolist()], (A[0], A[1]))
    assert not any(f.remark for f in compare(spec, [A[0], A[1].tolist()], (A[0], A[1]), "f"))
    assert problems(spec, (A[0].tolist(), A[1]), (A[0], A[1])) == [("z", "type")]
    assert not problems(spec, A, (A[0], A[1]))


def test_scalars_come_in_many_guises():
    for got in (0.5, np.float64(0.5), np.array(0.5)):
        assert not problems(Number("J"), got, 0.5)
    assert problems(Number("J"), np.array([0.5]), 0.5) == [("J", "shape")]
    assert problems(Number("J"), [0.5], 0.5) == [("J", "shape")]
    assert problems(Number("J"), True, 1.0) == [("J", "dtype")]
    assert problems(Number("J"), "0.5", 0.5) == [("J", "type")]


def test_whole_numbers_flags_and_texts():
    assert not problems(Integer("n"), 3.0, 3)
    assert problems(Integer("n"), 2.5, 3) == [("n", "value")]
    assert not problems(Flag("ok"), np.array(True), True)
    assert problems(Flag("ok"), False, True) == [("ok", "value")]
    assert problems(Flag("ok"), "yes", True) == [("ok", "type")]
    assert not problems(Text("s"), "central", "central")
    assert problems(Text("s"), "forward", "central") == [("s", "value")]
    assert not problems(Anything("net"), {"any": 1}, None)


def test_dtypes():
    ones = np.array([1.0, 0.0])
    assert not problems(Array("a"), np.array([1, 0]), ones)
    assert problems(Array("a", kind="strict float"), np.array([1, 0]), ones) == [("a", "dtype")]
    assert problems(Array("a"), np.array([True, False]), ones) == [("a", "dtype")]
    assert problems(Array("a"), ones + 0j, ones) == [("a", "dtype")]
    assert problems(Array("a", kind="integer"), ones, np.array([1, 0])) == [("a", "dtype")]


def test_structures_that_do_not_fit_are_one_finding():
    several = Several(Array("z"), Array("a"))
    assert problems(several, (A,), (A, A)) == [("(z, a)", "structure")]
    assert "`f` should give 2 things, (z, a)" in sentence(several, 3.0, (A, A))
    assert problems(Layers(Array("z")), [A], [A, A]) == [("[z, …]", "structure")]
    fields = Fields(z=Layers(Array("z")), a=Layers(Array("a"), first=0))
    right = {"z": [A], "a": [A, A]}
    assert not problems(fields, {**right, "extra": 1}, right)
    assert "'a'" in sentence(fields, {"z": [A]}, right)
    assert problems(fields, [A], right) == [("{z, a}", "structure")]
    assert problems(fields, {"z": [A], "a": [A, 2 * A]}, right) == [("a⁽¹⁾", "value")]


def test_a_forgotten_return():
    assert sentence(Array("a"), None, A) == "`f` returned None: is the `return` missing?"


def test_the_place_that_differs_most_is_named():
    got = A.copy()
    got[0, 1] = 9
    said = sentence(Array("a"), got, A)
    assert said == "a: 1 of 6 entries differ, most at [0, 1], where it is 9; expected -1.25."


def test_values_that_look_the_same_are_told_apart():
    assert apart(3.138, 3.13844) == ("3.138", "3.1384")
    assert apart(2.0, 3.0) == ("2", "3")
    assert apart(1.5, 1.5) == ("1.5", "1.5")
    got = np.round(A / 7, 4)
    said = sentence(Array("a"), got, A / 7)
    assert said.endswith("it is 0.3571; expected 0.35714. It agrees to 4 decimals: was it rounded?")
    assert next(f.near for f in compare(Array("a"), got, A / 7, "f"))


def test_a_value_rounded_on_the_way_agrees_to_some_digits():
    said = sentence(Array("a"), A / 7 * (1 + 2e-6), A / 7)
    assert said.endswith("It agrees to 5 digits: is something rounded on the way, or approximated?")
    assert "agrees" not in sentence(Array("a"), A / 7 * 1.01, A / 7)
    assert "agrees" not in sentence(Array("a"), np.zeros((2, 3)), A)
    huge, exact = np.array([1e308]), Array("a", rtol=0.0, atol=0.0)
    assert "agrees" not in sentence(Array("a"), -huge, huge)
    said = sentence(exact, np.array([1e10, 1e-8]), np.array([1e10, 0.0]))
    assert said.endswith("most at [1], where it is 1e-8; expected 0.")
    assert "cut off" not in sentence(Array("a"), np.array([1]), np.array([1.5 + 1j]))


def test_what_rounding_left_of_a_zero_is_written_as_zero():
    got, expected = np.array([0.5, 2.0]), np.array([-2.776e-17, 2.0])
    assert sentence(Array("a"), got, expected).endswith("it is 0.5; expected 0.")
    assert told_apart(got, expected) == ("[0.5, 2]", "[0, 2]")
    assert told_apart(np.array([np.nan, 2.0]), expected)[0] == "[nan, 2]"
    assert show(np.array([np.nan, -np.inf])) == "[nan, -inf]"
    assert told_apart(np.array([1e-17, 2.0]), expected) == ("[1e-17, 2]", "[-2.776e-17, 2]")


def test_alike_looks_through_containers():
    assert alike([A, (1.0, 2.0)], (A.copy(), np.array([1.0, 2.0])))
    assert not alike([A], [A, A])
    assert not alike({"a": 1.0}, {"b": 1.0})
    assert alike(np.array([np.nan, 1]), np.array([np.nan, 1]))
    assert not alike(None, 0.0)
    assert alike("x", "x")


@given(hnp.arrays(np.float64, hnp.array_shapes(max_dims=2, max_side=4), elements=st.floats()))
def test_everything_is_like_itself(array):
    assert alike(array, array.copy())


@given(
    hnp.arrays(np.float64, (3,), elements=st.floats(0.1, 1e6)),
    st.floats(1e-6, 10),
)
def test_a_visible_change_of_the_largest_entry_is_never_accepted(array, factor):
    changed = array.copy()
    changed[np.argmax(array)] *= 1 + factor
    assert not alike(changed, array)


def test_words():
    assert superscript(12) == "⁽¹²⁾"
    assert digits(-0.0123456) == "-0.01235"
    assert digits(1e-9) == "1e-9"
    assert digits(np.array(3)) == "3"
    assert digits(1 - 2j) == "1-2j"
