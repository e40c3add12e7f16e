"""Right answers to the steps of lesson 14, written differently."""

import math
import sys
from collections import Counter
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from autograder.engine.step import Alternative


def softmax(z):
    e = np.exp(z - np.max(z))
    return e / e.sum()


# -- softmax --------------------------------------------------------------------------------------


def jacobian_loops(z):
    p, K = softmax(z), len(z)
    J = np.zeros((K, K))
    for i in range(K):
        for j in range(K):
            J[i, j] = p[i] * ((i == j) - p[j])
    return J


def jacobian_broadcast(z):
    p = softmax(np.asarray(z))
    return p[:, None] * (np.eye(p.size) - p)


def jacobian_filled(z):
    p = softmax(z)
    J = -np.outer(p, p)
    np.fill_diagonal(J, p * (1 - p))
    return J


def jacobian_by_vjp(z):
    """Row i is the VJP of the i-th unit vector."""
    p = softmax(z)
    return np.stack([vjp_einsum(p, e) for e in np.eye(len(p))])


def jacobian_columns(z):
    """Column j: by the quotient rule on e^z over the total."""
    e = np.exp(z - np.max(z))
    total = e.sum()
    columns = [(np.eye(len(e))[j] * e[j] * total - e * e[j]) / total**2 for j in range(len(e))]
    return np.array(columns).T


def vjp_einsum(p, v):
    return p * (v - np.einsum("i,i->", p, v))


def vjp_distributed(p, v):
    return p * v - p * np.dot(p, v)


def vjp_loop(p, v):
    mean = sum(p_i * v_i for p_i, v_i in zip(p, v, strict=True))
    return np.array([p_i * (v_i - mean) for p_i, v_i in zip(p, v, strict=True)])


def vjp_at(p, v):
    pv = p @ v
    out = np.array(v, dtype=float)
    out -= pv
    out *= p
    return out


def vjp_keepdims(p, v):
    pv = np.multiply(p, v)
    return pv - p * pv.sum(keepdims=True)


# -- the linear layer -----------------------------------------------------------------------------


def vjp_dot(X, W, dY):
    return np.dot(dY, W.T), np.dot(X.T, dY)


def vjp_of_layer_einsum(X, W, dY):
    return [np.einsum("nm,dm->nd", dY, W), np.einsum("nd,nm->dm", X, dY)]


def vjp_by_examples(X, W, dY):
    dX, dW = np.zeros(X.shape), np.zeros(W.shape)
    for n in range(len(X)):
        dX[n] = W @ dY[n]
        dW += np.outer(X[n], dY[n])
    return dX, dW


def vjp_transposed(X, W, dY):
    return (W @ dY.T).T, (dY.T @ X).T


def vjp_tensordot(X, W, dY):
    return np.tensordot(dY, W, axes=(1, 1)), np.tensordot(X, dY, axes=(0, 0))


def full_loops(X, W):
    (N, D), M = X.shape, W.shape[1]
    J = np.zeros((N, M, D, M))
    for n in range(N):
        for m in range(M):
            for d in range(D):
                J[n, m, d, m] = X[n, d]
    return J


def full_broadcast(X, W):
    return X[:, None, :, None] * np.eye(W.shape[1])[None, :, None, :]


def full_kron(X, W):
    M = W.shape[1]
    return np.kron(X, np.eye(M)).reshape(X.shape[0], M, X.shape[1], M)


def full_diagonal(X, W):
    M = W.shape[1]
    J = np.zeros((len(X), M, X.shape[1], M))
    m = np.arange(M)
    J[:, m, :, m] = X
    return J


def full_by_unit_matrices(X, W):
    """Y is linear in W: the derivative by W[d, k] is X times a unit matrix."""
    J = np.empty((X.shape[0], W.shape[1], *W.shape))
    for index in np.ndindex(*W.shape):
        E = np.zeros(W.shape)
        E[index] = 1.0
        J[(slice(None), slice(None), *index)] = X @ E
    return J


def entries_tuple(N, D, M):
    return (N * M) * (D * M), (N * M) * (N * D), D * M, N * D


def entries_list(N, D, M):
    X, W, Y = N * D, D * M, N * M
    return [Y * W, Y * X, W, X]


def entries_prod(N, D, M):
    return tuple(math.prod(shape) for shape in ((N, M, D, M), (N, M, N, D), (D, M), (N, D)))


def entries_floats(N, D, M):
    return np.array([float(N) * M * D * M, float(N) * M * N * D, D * M, N * D])


def entries_numpy(N, D, M):
    y = np.int64(N) * np.int64(M)
    return y * D * M, y * N * D, np.int64(D * M), np.int64(N * D)


# -- values ---------------------------------------------------------------------------------------


class Closures:
    """Each operation leaves a function that hands its gradient on."""

    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents = data, 0, parents
        self.hand_on = lambda: None

    def __add__(self, other):
        other = other if isinstance(other, Closures) else Closures(other)
        out = Closures(self.data + other.data, (self, other))

        def hand_on():
            self.grad += out.grad
            other.grad += out.grad

        out.hand_on = hand_on
        return out

    def __mul__(self, other):
        other = other if isinstance(other, Closures) else Closures(other)
        out = Closures(self.data * other.data, (self, other))

        def hand_on():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.hand_on = hand_on
        return out

    __radd__, __rmul__ = __add__, __mul__

    def _apply(self, result, slope):
        out = Closures(result, (self,))

        def hand_on():
            self.grad += slope * out.grad

        out.hand_on = hand_on
        return out

    def sigmoid(self):
        s = 1 / (1 + math.exp(-self.data))
        return self._apply(s, s * (1 - s))

    def tanh(self):
        return self._apply(math.tanh(self.data), 1 - math.tanh(self.data) ** 2)

    def relu(self):
        return self._apply(self.data if self.data > 0 else 0.0, 1.0 if self.data > 0 else 0.0)

    def exp(self):
        return self._apply(math.exp(self.data), math.exp(self.data))

    def log(self):
        return self._apply(math.log(self.data), 1 / self.data)

    def backward(self):
        order, done, todo = [], set(), [self]
        while todo:
            node = todo[-1]
            waiting = [p for p in node.parents if id(p) not in done]
            if waiting:
                todo.append(waiting[0])
                continue
            todo.pop()
            if id(node) not in done:
                done.add(id(node))
                order.append(node)
        for node in order:
            node.grad = 0
        self.grad = 1
        for node in order[::-1]:
            node.hand_on()


class Tape:
    """Every value has a number, later ones a larger one: that is a topological order."""

    clock = count()

    def __init__(self, data, edges=()):
        self.data = float(data)
        self.grad = 0.0
        self.edges = edges
        self.number = next(Tape.clock)

    @staticmethod
    def lift(x):
        return x if isinstance(x, Tape) else Tape(x)

    def __add__(self, other):
        other = Tape.lift(other)
        return Tape(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __radd__(self, other):
        return Tape.lift(other).__add__(self)

    def __mul__(self, other):
        other = Tape.lift(other)
        return Tape(self.data * other.data, ((self, other.data), (other, self.data)))

    def __rmul__(self, other):
        return Tape.lift(other).__mul__(self)

    def sigmoid(self):
        s = 0.5 * (1 + math.tanh(self.data / 2))
        return Tape(s, ((self, s - s * s),))

    def tanh(self):
        return Tape(math.tanh(self.data), ((self, 1 / math.cosh(self.data) ** 2),))

    def relu(self):
        return Tape(max(0.0, self.data), ((self, 1.0 * (self.data > 0)),))

    def exp(self):
        return Tape(math.exp(self.data), ((self, math.exp(self.data)),))

    def log(self):
        return Tape(math.log(self.data), ((self, self.data**-1),))

    def backward(self):
        behind, todo = {self}, [self]
        while todo:
            for parent, _ in todo.pop().edges:
                if parent not in behind:
                    behind.add(parent)
                    todo.append(parent)
        for node in behind:
            node.grad = 0.0
        self.grad = 1.0
        for node in sorted(behind, key=lambda node: -node.number):
            for parent, slope in node.edges:
                parent.grad = parent.grad + slope * node.grad


@dataclass(eq=False)
class Counted:
    """A value hands on its gradient when all its children have delivered."""

    data: float
    parents: list = field(default_factory=list)
    slopes: list = field(default_factory=list)
    grad: float = 0.0

    def _of(self, f, slope):
        return Counted(f, [self], [slope])

    def __add__(self, other):
        if not isinstance(other, Counted):
            return Counted(self.data + other, [self], [1.0])
        return Counted(self.data + other.data, [self, other], [1.0, 1.0])

    def __mul__(self, other):
        if not isinstance(other, Counted):
            return self._of(self.data * other, other)
        return Counted(self.data * other.data, [self, other], [other.data, self.data])

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def sigmoid(self):
        s = 1 / (1 + np.exp(-self.data))
        return self._of(s, s * (1 - s))

    def tanh(self):
        return self._of(np.tanh(self.data), 1 - np.tanh(self.data) ** 2)

    def relu(self):
        return self._of(np.maximum(self.data, 0.0), np.heaviside(self.data, 0.0))

    def exp(self):
        return self._of(np.exp(self.data), np.exp(self.data))

    def log(self):
        return self._of(np.log(self.data), 1 / self.data)

    def backward(self):
        uses, seen, todo = Counter(), {id(self)}, [self]
        while todo:
            node = todo.pop()
            node.grad = 0.0
            for parent in node.parents:
                uses[id(parent)] += 1
                if id(parent) not in seen:
                    seen.add(id(parent))
                    todo.append(parent)
        self.grad, ready = 1.0, [self]
        while ready:
            node = ready.pop()
            for parent, slope in zip(node.parents, node.slopes, strict=True):
                parent.grad += slope * node.grad
                uses[id(parent)] -= 1
                if uses[id(parent)] == 0:
                    ready.append(parent)


class DeepRecursion(Tape):
    """Recursion, with the limit raised as far as the graph needs."""

    def backward(self):
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(100_000)
        order = []
        seen = set()

        def visit(node):
            if node in seen:
                return
            seen.add(node)
            for parent, _ in node.edges:
                visit(parent)
            node.grad = 0.0
            order.append(node)

        try:
            visit(self)
        finally:
            sys.setrecursionlimit(limit)
        self.grad = 1.0
        while order:
            node = order.pop()
            for parent, slope in node.edges:
                parent.grad += slope * node.grad


class Matrix(Tape):
    """The sums of the backward pass as one triangular system, (I − S) g = e."""

    def backward(self):
        behind, todo = {self: None}, [self]
        while todo:
            for parent, _ in todo.pop().edges:
                if parent not in behind:
                    behind[parent] = None
                    todo.append(parent)
        nodes = sorted(behind, key=lambda node: node.number)
        place = {node: i for i, node in enumerate(nodes)}
        g = np.zeros(len(nodes))
        g[-1] = 1.0
        for i in range(len(nodes) - 1, -1, -1):
            for parent, slope in nodes[i].edges:
                g[place[parent]] += slope * g[i]
        for node, number in zip(nodes, g.tolist(), strict=True):
            node.grad = number


def _softmax(jacobian, vjp):
    return {"softmax_jacobian": jacobian, "softmax_vjp": vjp}


def _linear(vjp, full, entries):
    return {"linear_vjp": vjp, "full_jacobian_W": full, "jacobian_entries": entries}


ALTERNATIVES = {
    "softmax-jacobian": (
        Alternative("double loops, einsum", _softmax(jacobian_loops, vjp_einsum)),
        Alternative("broadcasting, two terms", _softmax(jacobian_broadcast, vjp_distributed)),
        Alternative("a filled diagonal, a loop", _softmax(jacobian_filled, vjp_loop)),
        Alternative("row by row through the VJP, in place", _softmax(jacobian_by_vjp, vjp_at)),
        Alternative("column by column, keepdims", _softmax(jacobian_columns, vjp_keepdims)),
    ),
    "linear-vjp": (
        Alternative("np.dot, loops", _linear(vjp_dot, full_loops, entries_tuple)),
        Alternative(
            "einsum, broadcasting", _linear(vjp_of_layer_einsum, full_broadcast, entries_list)
        ),
        Alternative("by examples, kron", _linear(vjp_by_examples, full_kron, entries_prod)),
        Alternative(
            "transposed, fancy index", _linear(vjp_transposed, full_diagonal, entries_floats)
        ),
        Alternative("tensordot", _linear(vjp_tensordot, full_by_unit_matrices, entries_numpy)),
    ),
    "value": (
        Alternative("closures", {"Value": Closures}),
        Alternative("creation order", {"Value": Tape}),
        Alternative("counting uses, numpy scalars", {"Value": Counted}),
        Alternative("recursion with a higher limit", {"Value": DeepRecursion}),
        Alternative("gradients in one array", {"Value": Matrix}),
    ),
}
