"""Backpropagation works on any computation: record it as a graph, then walk the graph in reverse.

A `Value` is a number that remembers which values it was computed from (its parents) and how fast
it changes with each of them (the slopes ∂self/∂parent). That is all `backward` needs:

    parent.grad += slope · node.grad          for every node, children before parents

It is the e and δ of the scalar chain again, for chains that fork and join.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from numbers import Real
from typing import Any

from mlp_lib._types import Func
from mlp_lib.activations import d_relu, d_sigmoid, d_tanh, relu, sigmoid, tanh


class Value:
    """A number in a computation: `data` holds its value, `grad` its gradient after `backward`.

    Values and plain numbers mix freely: +, −, *, /, ** and the functions below return new values.
    """

    __slots__ = ("data", "grad", "label", "op", "parents", "slopes")
    __array_ufunc__ = None  # numpy numbers leave `np.float64(2) * value` to `Value.__rmul__`

    def __init__(
        self,
        data: Any,
        parents: tuple[Value, ...] = (),
        slopes: tuple[float, ...] = (),
        op: str = "",
        label: str = "",
    ) -> None:
        if not isinstance(data, Real):
            raise TypeError(f"Value: expected one real number, got {type(data).__name__}")
        if not math.isfinite(data):
            raise ValueError(f"Value: expected a finite number, got {data} from {op or 'outside'}")
        self.data: float = float(data)
        self.grad: float = 0.0
        self.parents: tuple[Value, ...] = parents
        self.slopes: tuple[float, ...] = slopes
        self.op: str = op
        self.label: str = label

    def __repr__(self) -> str:
        return f"Value(data={self.data:g}, grad={self.grad:g})"

    # -- arithmetic: each operation states its value and its slopes -------------------------------

    def __add__(self, other: Value | float) -> Value:
        """a + b:  ∂/∂a = 1,  ∂/∂b = 1."""
        other = as_value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0), "+")

    def __mul__(self, other: Value | float) -> Value:
        """a · b:  ∂/∂a = b,  ∂/∂b = a."""
        other = as_value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data), "*")

    def __neg__(self) -> Value:
        """−a:  ∂/∂a = −1."""
        return Value(-self.data, (self,), (-1.0,), "neg")

    def __sub__(self, other: Value | float) -> Value:
        """a − b:  ∂/∂a = 1,  ∂/∂b = −1."""
        other = as_value(other)
        return Value(self.data - other.data, (self, other), (1.0, -1.0), "-")

    def __truediv__(self, other: Value | float) -> Value:
        """a / b:  ∂/∂a = 1/b,  ∂/∂b = −a/b²."""
        other = as_value(other)
        quotient = self.data / other.data
        return Value(quotient, (self, other), (1 / other.data, -quotient / other.data), "/")

    def __pow__(self, exponent: Value | float) -> Value:
        """aᵖ:  ∂/∂a = p aᵖ⁻¹  and, where p is a Value too,  ∂/∂p = aᵖ ln a."""
        base, p = self.data, as_value(exponent).data
        if base < 0 and not p.is_integer():
            raise ValueError(f"**: expected a base ≥ 0 for the exponent {p:g}, got {base:g}")
        slope = p * base ** (p - 1) if p else 0.0
        if not isinstance(exponent, Value):
            return Value(base**p, (self,), (slope,), f"**{p:g}")
        if base <= 0:
            raise ValueError(f"**: expected a base > 0 under a Value exponent, got {base:g}")
        return Value(base**p, (self, exponent), (slope, base**p * math.log(base)), "**")

    def __radd__(self, other: float) -> Value:
        return self + other

    def __rmul__(self, other: float) -> Value:
        return self * other

    def __rsub__(self, other: float) -> Value:
        return as_value(other) - self

    def __rtruediv__(self, other: float) -> Value:
        return as_value(other) / self

    def __rpow__(self, other: float) -> Value:
        return as_value(other) ** self

    # -- functions: g(z) with the slope g′(z) -----------------------------------------------------

    def exp(self) -> Value:
        """eᶻ, its own slope."""
        a = math.exp(self.data)
        return Value(a, (self,), (a,), "exp")

    def log(self) -> Value:
        """The natural logarithm ln z, slope 1/z."""
        if self.data <= 0:
            raise ValueError(f"log: expected a number > 0, got {self.data:g}")
        return Value(math.log(self.data), (self,), (1 / self.data,), "log")

    def sigmoid(self) -> Value:
        """σ(z), slope σ(z)(1 − σ(z))."""
        return self._activation(sigmoid, d_sigmoid)

    def tanh(self) -> Value:
        """tanh z, slope 1 − tanh² z."""
        return self._activation(tanh, d_tanh)

    def relu(self) -> Value:
        """max(z, 0), slope 1 where z > 0, else 0."""
        return self._activation(relu, d_relu)

    def _activation(self, g: Func, dg: Func) -> Value:
        """g(z) with the slope g′(z), both from lesson 7."""
        return Value(float(g(self.data)), (self,), (float(dg(self.data)),), g.__name__)

    # -- backpropagation --------------------------------------------------------------------------

    def backward(self) -> None:
        """Fill `grad` of every value behind this one with ∂self/∂value (eq-reverse-mode).

        ∂self/∂parent = Σ over its children c of  ∂c/∂parent · ∂self/∂c

        The sum is the `+=`: a value used twice receives from both uses. The reversed topological
        order makes a node's own sum complete before it is passed on. Gradients start from zero at
        every call.
        """
        order = topological_order(self)
        for node in order:
            node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            for parent, slope in zip(node.parents, node.slopes, strict=True):
                parent.grad += slope * node.grad

    def graph(self) -> Graph:
        """Return the computation behind this value as nodes and edges, placed for drawing."""
        return draw_graph(self)


def as_value(number: Any) -> Value:
    """Return a `Value` as it is and a plain number as a new leaf of the graph."""
    return number if isinstance(number, Value) else Value(number)


def topological_order(root: Value) -> list[Value]:
    """Return every value behind `root`, parents always before children, `root` last.

    A depth-first walk with its own stack instead of recursion, so that a chain may be deeper than
    Python's recursion limit.
    """
    order: list[Value] = []
    seen: set[Value] = set()
    stack = [(root, False)]
    while stack:
        node, parents_are_done = stack.pop()
        if parents_are_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    return order


# -- the graph as data, for drawing ---------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """One value of the graph: what it is, and where to draw it (`column`, `row`)."""

    id: int
    label: str
    op: str
    data: float
    grad: float
    column: int
    row: int


@dataclass(frozen=True)
class Edge:
    """One use of a value: `source` is the parent, `target` the child, `slope` ∂target/∂source."""

    source: int
    target: int
    slope: float


@dataclass(frozen=True)
class Graph:
    """Nodes in topological order (the order of the forward pass) and the edges between them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def to_dot(self) -> str:
        """Return the graph in Graphviz's DOT language, drawn from left to right."""
        nodes = [f'  n{n.id} [shape=box, label="{_caption(n)}"];' for n in self.nodes]
        edges = [f'  n{e.source} -> n{e.target} [label="{e.slope:.4g}"];' for e in self.edges]
        return "\n".join(["digraph {", "  rankdir=LR;", *nodes, *edges, "}"])


def draw_graph(root: Value) -> Graph:
    """Return the graph behind `root`; leaves stand in column 0, a child right of its parents."""
    order = topological_order(root)
    ids = {value: i for i, value in enumerate(order)}
    columns: list[int] = []
    rows: list[int] = []
    used: Counter[int] = Counter()
    for value in order:
        column = max((columns[ids[parent]] + 1 for parent in value.parents), default=0)
        columns.append(column)
        rows.append(used[column])
        used[column] += 1
    nodes = (
        Node(i, value.label, value.op, value.data, value.grad, columns[i], rows[i])
        for i, value in enumerate(order)
    )
    edges = (
        Edge(ids[parent], ids[value], slope)
        for value in order
        for parent, slope in zip(value.parents, value.slopes, strict=True)
    )
    return Graph(tuple(nodes), tuple(edges))


def _caption(node: Node) -> str:
    """Return a node's text for DOT: its name or operation, its value and its gradient."""
    name = (node.label or node.op or "number").replace("\\", "\\\\").replace('"', '\\"')
    return f"{name}\\ndata {node.data:.4g}\\ngrad {node.grad:.4g}"
