import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlp_lib.perceptron import perceptron_predict, perceptron_train, sgn

pytestmark = pytest.mark.filterwarnings("error")

ROWS = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
GATES = {"AND": [-1, -1, -1, 1], "OR": [-1, 1, 1, 1], "NOR": [1, -1, -1, -1]}
XOR = [-1, 1, 1, -1]


@pytest.mark.parametrize(
    ("gate", "w", "n"), [("AND", [-3, 1, 2], 11), ("OR", [-1, 1, 1], 5), ("NOR", None, 4)]
)
def test_worked_numbers_of_lesson_1(gate, w, n):
    got, n_updates, converged = perceptron_train(ROWS, GATES[gate])
    assert (n_updates, converged) == (n, True)
    assert perceptron_predict(ROWS, got).tolist() == GATES[gate]
    if w is not None:
        assert got.tolist() == w


def test_xor_never_ends():
    w, n_updates, converged = perceptron_train(ROWS, XOR)
    assert (w.tolist(), n_updates, converged) == ([0, 1, 1], 100, False)


def test_xor_cycles_with_period_four():
    path = [perceptron_train(ROWS, XOR, max_updates=n)[0].tolist() for n in range(40, 53)]
    assert path[:4] == path[4:8] == path[8:12]
    assert path[0] != path[1]


def test_converged_also_counts_after_the_last_allowed_update():
    assert perceptron_train(ROWS, GATES["AND"], max_updates=11)[1:] == (11, True)
    assert perceptron_train(ROWS, GATES["AND"], max_updates=10)[1:] == (10, False)


def test_no_update_is_needed_from_a_solution():
    w0 = np.array([-3.0, 1, 2])
    w, n_updates, converged = perceptron_train(ROWS, GATES["AND"], max_updates=0, w0=w0)
    assert (w.tolist(), n_updates, converged) == ([-3, 1, 2], 0, True)
    assert w is not w0


def test_sgn_of_zero_is_plus_one():
    assert sgn(np.array([-0.5, 0.0, 0.5])).tolist() == [-1, 1, 1]
    assert perceptron_predict(np.zeros((1, 2)), np.array([0.0, 1, 1])).tolist() == [1]


@given(st.integers(0, 10_000))
def test_separable_data_is_separated(seed):
    rng = np.random.default_rng(seed)
    X, w_true = rng.normal(size=(12, 3)), rng.normal(size=4)
    score = X @ w_true[1:] + w_true[0]
    X, y = X[np.abs(score) > 0.3], sgn(score[np.abs(score) > 0.3])
    if len(X):
        w, _, converged = perceptron_train(X, y, max_updates=10_000)
        assert converged
        assert perceptron_predict(X, w).tolist() == y.tolist()


def test_each_update_is_twice_eta_times_the_first_mistake():
    w1 = perceptron_train(ROWS, GATES["AND"], eta=0.25, max_updates=1)[0]
    assert w1.tolist() == [-0.5, 0, 0]  # row 0 = (1, 0, 0), y − ŷ = −2


def test_float32_stays():
    assert perceptron_train(ROWS.astype(np.float32), GATES["OR"])[0].dtype == np.float32


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"y: expected labels -1 or \+1, got 0.0 at index \(0,\)"):
        perceptron_train(ROWS, [0, 0, 0, 1])
    with pytest.raises(ValueError, match=r"y: expected shape \(m,\) with m = 4, got \(4, 1\)"):
        perceptron_train(ROWS, np.array([[-1], [-1], [-1], [1]]))
    with pytest.raises(ValueError, match=r"w0: expected shape \(3,\), got \(2,\)"):
        perceptron_train(ROWS, XOR, w0=[0.0, 0.0])
    with pytest.raises(TypeError, match="w0: expected a parameter array of floats"):
        perceptron_train(ROWS, XOR, w0=np.zeros(3, dtype=int))
    with pytest.raises(ValueError, match="max_updates: expected a whole number at least 0"):
        perceptron_train(ROWS, XOR, max_updates=-1)
    with pytest.raises(ValueError, match="eta: expected a finite number"):
        perceptron_train(ROWS, XOR, eta=np.nan)
    with pytest.raises(ValueError, match=r"w: expected shape \(3,\), got \(2,\)"):
        perceptron_predict(ROWS, [1.0, 2.0])
