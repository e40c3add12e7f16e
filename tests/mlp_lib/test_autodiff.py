import math
import operator
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlp_lib import chain_backward, chain_forward, d_tanh, mlp_backward, mlp_forward, tanh
from mlp_lib.autodiff import Value, as_value, topological_order
from mlp_lib.numgrad import numerical_gradient


def worked_example():
    a, b = Value(2, label="a"), Value(-3, label="b")
    u = a * b
    return a, b, u * u + u + a


def test_the_worked_example_of_lesson_14():
    a, b, y = worked_example()
    y.backward()
    assert (y.data, a.grad, b.grad) == (32, 34, -22)


def test_backward_twice_gives_fresh_gradients():
    a, b, y = worked_example()
    y.backward()
    y.backward()
    assert (a.grad, b.grad) == (34, -22)


def test_gradients_of_every_node_on_the_way():
    a = Value(2.0)
    u = a * 3
    y = u + u * u
    y.backward()
    assert (y.grad, u.grad, a.grad) == (1, 13, 39)


def test_a_value_used_twice_in_one_operation_receives_from_both_uses():
    x = Value(3.0)
    (x * x).backward()
    assert x.grad == 6
    (x + x).backward()
    assert x.grad == 2
    (x / x).backward()
    assert x.grad == 0


def test_diamonds_stacked_count_every_path_once_in_linear_time():
    x = Value(1.0)
    y = x
    for _ in range(60):  # 2^60 paths, 61 nodes
        y = y + y
    y.backward()
    assert x.grad == 2.0**60
    assert len(topological_order(y)) == 61


def test_a_chain_far_deeper_than_the_recursion_limit():
    depth = 20_000
    assert depth > sys.getrecursionlimit()
    x = Value(0.5)
    y = x
    for _ in range(depth):
        y = y + 1.0
    y.backward()
    assert x.grad == 1
    assert y.graph().nodes[-1].column == depth


def test_parents_come_before_children():
    *_, y = worked_example()
    order = topological_order(y)
    place = {node: i for i, node in enumerate(order)}
    assert order[-1] is y
    assert len(place) == len(order)
    assert all(place[p] < place[node] for node in order for p in node.parents)


@pytest.mark.parametrize("number", [4, 4.0, np.float64(4), np.float32(4), np.int64(4)])
@pytest.mark.parametrize(
    ("op", "left", "right"),
    [
        (operator.add, 1, 1),
        (operator.sub, 1, -1),
        (operator.mul, 4, 4),
        (operator.truediv, 1 / 4, -4 / 9),
        (operator.pow, 4 * 27, 4**3 * math.log(4)),
    ],
)
def test_plain_numbers_on_both_sides(op, left, right, number):
    x = Value(3)
    for y, slope, value in (
        (op(x, number), left, op(3, 4)),
        (op(number, x), right, op(4, 3)),
    ):
        assert isinstance(y, Value)
        y.backward()
        assert y.data == pytest.approx(value, rel=1e-15)
        assert x.grad == pytest.approx(slope, rel=1e-15)


def test_negation_and_sum():
    x = Value(3)
    y = -sum([x, x, 1])
    y.backward()
    assert (y.data, x.grad) == (-7, -2)


@pytest.mark.parametrize(
    ("power", "slope"), [(0, 0), (1, 1), (2, 0), (0.0, 0)], ids=["0", "1", "2", "0.0"]
)
def test_powers_of_zero(power, slope):
    x = Value(0.0)
    (x**power).backward()
    assert x.grad == slope


def test_negative_base_with_whole_exponent():
    x = Value(-2.0)
    y = x**3
    y.backward()
    assert (y.data, x.grad) == (-8, 12)


@given(z=st.floats(-30, 30))
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "exp"])
def test_slopes_of_functions_against_their_definitions(name, z):
    x = Value(z)
    y = getattr(x, name)()
    y.backward()
    s = 1 / (1 + math.exp(-z))
    value, slope = {
        "sigmoid": (s, s * (1 / (1 + math.exp(z)))),
        "tanh": (math.tanh(z), 1 - math.tanh(z) ** 2),
        "exp": (math.exp(z), math.exp(z)),
    }[name]
    assert y.data == pytest.approx(value, rel=1e-14)
    assert x.grad == pytest.approx(slope, rel=1e-13, abs=1e-15)


def test_log_and_relu():
    x = Value(4.0)
    x.log().backward()
    assert x.grad == 0.25
    for z, slope in ((-1.0, 0), (0.0, 0), (2.0, 1)):
        x = Value(z)
        x.relu().backward()
        assert (x.relu().data, x.grad) == (max(z, 0), slope)


def test_sigmoid_of_extreme_numbers_does_not_overflow():
    assert Value(-1000).sigmoid().data == 0
    assert Value(1000).sigmoid().data == 1


@given(
    point=st.lists(st.floats(0.2, 2.0), min_size=3, max_size=3),
)
def test_a_mixed_expression_against_central_differences(point):
    def expression(a, b, c):
        u = a * b - c / (a + 1)
        v = (u * c).tanh() + (a**b).log() * 0.5 - (2.0**c).sigmoid()
        return v * v - u.exp() * 0.1 + 1 / (1 + u * u)

    leaves = [Value(p) for p in point]
    expression(*leaves).backward()
    measured = numerical_gradient(
        lambda t: expression(*map(Value, t)).data, np.array(point), h=1e-5
    )
    got = np.array([leaf.grad for leaf in leaves])
    assert np.linalg.norm(got - measured) <= 1e-7 * max(1, np.linalg.norm(measured))


@pytest.mark.parametrize("bad", ["3", None, 1j, [1.0], np.ones(2)])
def test_what_is_no_real_number_is_refused(bad):
    with pytest.raises(TypeError, match="expected one real number, got"):
        Value(bad)
    for op in (operator.add, operator.mul, operator.sub, operator.truediv, operator.pow):
        with pytest.raises(TypeError):
            op(Value(1.0), bad)
        with pytest.raises(TypeError):
            op(bad, Value(1.0))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_non_finite_numbers_are_refused(bad):
    with pytest.raises(ValueError, match="expected a finite number, got"):
        Value(bad)


def test_an_overflow_names_the_operation():
    with pytest.raises(ValueError, match=r"expected a finite number, got inf from \*"):
        Value(1e200) * Value(1e200)


def test_domain_errors_say_what_was_expected():
    with pytest.raises(ValueError, match="log: expected a number > 0, got -1"):
        Value(-1).log()
    with pytest.raises(ValueError, match=r"expected a base ≥ 0 for the exponent 0\.5, got -4"):
        Value(-4) ** 0.5
    with pytest.raises(ValueError, match="expected a base > 0 under a Value exponent, got -2"):
        Value(-2) ** Value(2)
    with pytest.raises(ZeroDivisionError):
        Value(1) / 0


def test_as_value_keeps_values_and_wraps_numbers():
    x = Value(1)
    assert as_value(x) is x
    assert as_value(2).data == 2


def test_the_graph_is_data_for_drawing():
    a, b, y = worked_example()
    y.backward()
    graph = y.graph()
    ops = [node.op for node in graph.nodes]
    assert sorted(ops) == ["", "", "*", "*", "+", "+"]
    by_label = {node.label: node for node in graph.nodes if node.label}
    assert (by_label["a"].grad, by_label["b"].grad) == (a.grad, b.grad)
    assert [node.id for node in graph.nodes] == list(range(6))
    # every use is an edge: u·u is two edges from u
    assert len(graph.edges) == 8
    square = next(n for n in graph.nodes if n.op == "*" and n.data == 36)
    assert [e.slope for e in graph.edges if e.target == square.id] == [-6, -6]
    # edges run to the right, no two nodes share a place
    column = {node.id: node.column for node in graph.nodes}
    assert all(column[e.source] < column[e.target] for e in graph.edges)
    assert len({(n.column, n.row) for n in graph.nodes}) == len(graph.nodes)
    assert {n.label for n in graph.nodes if n.column == 0} == {"a", "b"}


def test_the_gradient_can_be_read_off_the_graph():
    a, _, y = worked_example()
    y.backward()
    graph = y.graph()
    grad = {node.id: node.grad for node in graph.nodes}
    a_id = next(n.id for n in graph.nodes if n.label == "a")
    assert sum(e.slope * grad[e.target] for e in graph.edges if e.source == a_id) == a.grad


def test_dot_text_has_every_node_and_edge_and_escapes_labels():
    x = Value(1.5, label='say "x"\\')
    dot = (x * 2).graph().to_dot()
    assert dot.startswith("digraph {")
    assert dot.endswith("}")
    assert dot.count(" -> ") == 2
    assert dot.count("shape=box") == 3
    assert r'label="say \"x\"\\\ndata 1.5\ngrad 0"' in dot


def test_repr_shows_data_and_gradient():
    assert repr(Value(2.5)) == "Value(data=2.5, grad=0)"


# -- the same gradients as the lessons' code ------------------------------------------------------


def test_a_chain_agrees_with_chain_backward():
    weights, a0, y = [0.5, -1.5, 2.0], 0.8, 1.0  # F4
    leaves = [Value(w) for w in weights]
    a = Value(a0)
    for w in leaves:
        a = (w * a).sigmoid()
    loss = 0.5 * (a - y) ** 2
    loss.backward()
    dw, _, _ = chain_backward(weights, chain_forward(weights, a0), y)
    assert loss.data == pytest.approx(0.0645063, abs=5e-8)
    np.testing.assert_allclose([w.grad for w in leaves], dw, rtol=1e-12)


def test_a_chain_of_10_000_tanh_units_agrees_with_chain_backward():
    weights = np.full(10_000, 1.0005)
    a = leaf = Value(0.3)
    for w in weights:
        a = (a * w).tanh()
    a.backward()
    cache = chain_forward(weights, 0.3, tanh)
    _, delta, _ = chain_backward(weights, cache, 0.0, d_tanh)
    # delta of layer 1 is ŷ ∂ŷ/∂z¹, and ∂z¹/∂a0 = w¹
    assert leaf.grad == pytest.approx(delta[0] / cache[1][-1] * weights[0], rel=1e-9)
    assert leaf.grad != 0


def test_a_network_agrees_with_mlp_backward():
    rng = np.random.default_rng(0)
    params = [(rng.normal(size=s), rng.normal(size=s[0])) for s in ((3, 2), (4, 3))]
    x, true_class = np.array([0.8, -2.0]), 1
    leaves = [([[Value(w) for w in row] for row in W], [Value(v) for v in b]) for W, b in params]
    a = list(x)
    for k, (W, b) in enumerate(leaves):
        z = [
            sum((w * v for w, v in zip(row, a, strict=True)), c)
            for row, c in zip(W, b, strict=True)
        ]
        a = [v.tanh() for v in z] if k == 0 else [v.exp() for v in z]
    loss = -(a[true_class] / sum(a)).log()
    loss.backward()

    _, cache = mlp_forward(x, params, tanh)
    grads = mlp_backward(params, cache, np.eye(4)[true_class], d_tanh)
    for (W, b), (dW, db) in zip(leaves, grads, strict=True):
        np.testing.assert_allclose([[w.grad for w in row] for row in W], dW, rtol=1e-12)
        np.testing.assert_allclose([v.grad for v in b], db, rtol=1e-12)


# -- a peer ---------------------------------------------------------------------------------------

UNARY = ("sigmoid", "tanh", "relu", "exp")


@st.composite
def programs(draw):
    """Random straight-line programs: each line applies an operation to earlier results."""
    lines = []
    for size in range(3, 3 + draw(st.integers(1, 12))):
        earlier = st.integers(0, size - 1)
        op = draw(st.sampled_from(["+", "-", "*", "/", "**2", "log", *UNARY]))
        lines.append((op, draw(earlier), draw(earlier)))
    return lines


def run(lines, leaves):
    """Run a program on numbers of any kind that have +, −, *, / and the named methods."""
    values = list(leaves)
    for op, i, j in lines:
        x, y = values[i], values[j]
        if op in "+-*":
            result = {"+": operator.add, "-": operator.sub, "*": operator.mul}[op](x, y)
        elif op == "/":
            result = x / (y * y + 1)
        elif op == "**2":
            result = x**2
        elif op == "log":
            result = (x * x + 1.0).log()
        else:
            result = getattr(x.tanh() * 2, op)()  # tanh keeps exp small
        values.append(result)
    return values[-1].tanh() + values[-1] * 0.25


@pytest.mark.peer
@settings(deadline=None)  # the first call loads PyTorch
@given(lines=programs(), point=st.lists(st.floats(-2, 2), min_size=3, max_size=3))
def test_random_expressions_against_torch(lines, point):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: no peer for Value")
    theirs = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in point]
    out = run(lines, theirs)
    if not math.isfinite(out.item()) or abs(out.item()) > 1e6:
        return
    out.backward()
    ours = [Value(p) for p in point]
    y = run(lines, ours)
    y.backward()
    expected = np.array([0.0 if t.grad is None else t.grad.item() for t in theirs])
    got = np.array([v.grad for v in ours])
    if np.linalg.norm(expected) > 1e6:
        return
    assert y.data == pytest.approx(out.item(), rel=1e-12, abs=1e-12)
    assert np.linalg.norm(got - expected) <= 1e-12 * max(1, np.linalg.norm(expected))
