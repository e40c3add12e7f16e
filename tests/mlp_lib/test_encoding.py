import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp_lib.encoding import labels_of, one_hot

pytestmark = pytest.mark.filterwarnings("error")


def test_the_exercise_fixture_with_a_class_that_never_occurs():
    expected = [[0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]
    np.testing.assert_array_equal(one_hot([2, 0, 1, 2], 4), expected)
    assert one_hot([2, 0, 1, 2], 4).dtype == np.float64


def test_the_pattern_of_independent_answers_is_no_one_hot_row():
    pattern = np.array([0.7311, 0.9526, 0.0180]) > 0.5
    assert pattern.tolist() == [True, True, False]  # [1, 1, 0]: two classes at once
    assert all(row.sum() == 1 for row in one_hot([0, 1, 2], 3))


@given(st.integers(2, 6).flatmap(lambda K: st.tuples(st.just(K), st.lists(st.integers(0, K - 1)))))
def test_one_one_a_row_and_back_again(case):
    K, labels = case
    Y = one_hot(labels, K)
    assert Y.shape == (len(labels), K)
    assert set(Y.ravel()) <= {0.0, 1.0}
    np.testing.assert_array_equal(Y.sum(axis=1), 1)
    if labels:
        assert labels_of(Y).tolist() == labels


def test_float32_on_request():
    assert one_hot(np.array([1, 0], dtype=np.uint8), 2, dtype=np.float32).dtype == np.float32


def test_result_is_not_a_view_of_shared_rows():
    Y = one_hot([1, 1], 2)
    Y[0, 0] = 5
    assert Y[1].tolist() == [0, 1]


@pytest.mark.parametrize("labels", [[0, 4], [-1, 0]])
def test_labels_out_of_range_are_refused(labels):
    with pytest.raises(ValueError, match="labels: expected class numbers from 0 to 3, got"):
        one_hot(labels, 4)


def test_labels_must_be_whole_numbers_in_one_axis():
    with pytest.raises(TypeError, match="labels: expected integers"):
        one_hot([0.0, 1.0], 2)
    with pytest.raises(TypeError, match="labels: expected integers"):
        one_hot([True, False], 2)
    with pytest.raises(ValueError, match=r"labels: expected shape \(m,\), got \(2, 1\)"):
        one_hot([[0], [1]], 2)


@pytest.mark.parametrize(("K", "error"), [(0, ValueError), (2.0, TypeError), (True, TypeError)])
def test_k_is_a_whole_number_of_classes(K, error):
    with pytest.raises(error, match="K: expected a whole number"):
        one_hot([0], K)


def test_labels_of_probabilities_and_its_refusals():
    assert labels_of([[0.4, 0.5, 0.1], [0.9, 0.05, 0.05]]).tolist() == [1, 0]
    for bad in ([0.4, 0.6], [[0.4], [0.6]]):
        with pytest.raises(ValueError, match=r"Y: expected shape \(m, K\) with K of at least 2"):
            labels_of(bad)
