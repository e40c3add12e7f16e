"""An expression as a computational graph: read, evaluated, and gone through backwards.

The twin of maths/expression.js. Nothing is executed: a text is taken apart into numbers, names and
signs, and what comes of them is built of `mlp_lib.autodiff.Value`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mlp_lib.autodiff import Value

MOST_VARIABLES, MOST_NODES, MOST_LETTERS = 6, 40, 120

_PIECE = re.compile(
    r"(?P<blank> +)|(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>\*\*|[-+*/()=;])",
    re.ASCII,
)


def _wave(
    f: Callable[[float], float], df: Callable[[float], float], op: str
) -> Callable[[Value], Value]:
    """A function that Value does not have, made of its value and its slope."""
    return lambda a: Value(f(a.data), (a,), (df(a.data),), op)


FUNCTIONS: dict[str, Callable[[Value], Value]] = {
    "exp": Value.exp,
    "log": Value.log,
    "sin": _wave(math.sin, math.cos, "sin"),
    "cos": _wave(math.cos, lambda z: -math.sin(z), "cos"),
    "tanh": Value.tanh,
    "sigmoid": Value.sigmoid,
    "relu": Value.relu,
}
SIGNS: dict[str, Callable[..., Value]] = {
    "+": Value.__add__,
    "-": Value.__sub__,
    "*": Value.__mul__,
    "/": Value.__truediv__,
    "**": Value.__pow__,
    "neg": Value.__neg__,
}


class UnreadError(ValueError):
    """A text that cannot be read on at a place."""

    def __init__(self, at: int, why: str) -> None:
        super().__init__(why)
        self.at = at


@dataclass(frozen=True)
class Token:
    """A piece of the text."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class Node:
    """One value of the graph; data is None where it has none."""

    op: str
    parents: tuple[int, ...] = ()
    name: str = ""
    number: float = 0.0  # of a number itself, or the exponent of a power
    data: float | None = None
    slopes: tuple[float, ...] = ()


@dataclass(frozen=True)
class Read:
    """A text as a graph, and where and why it could not be read on, if so."""

    nodes: list[Node]
    root: int
    variables: list[str]
    problem: UnreadError | None


def _tokens(text: str) -> list[Token]:
    tokens, at = [], 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            raise UnreadError(at, f"“{text[at]}” is no part of an expression")
        if found.lastgroup != "blank":
            tokens.append(Token(str(found.lastgroup), found[0], at))
        at = found.end()
    if len(text) > MOST_LETTERS:
        raise UnreadError(MOST_LETTERS, f"more than {MOST_LETTERS} characters")
    return [*tokens, Token("end", "", len(text))]


class _Builder:
    """Reads tokens from left to right; each method reads what its name says and returns a node."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.i = tokens, 0
        self.nodes: list[Node] = []
        self.known: dict[str, int] = {}
        self.variables: list[str] = []

    def found(self) -> str:
        token = self.tokens[self.i]
        return "the end" if token.kind == "end" else f"“{token.text}”"

    def fail(self, why: str, at: int | None = None) -> UnreadError:
        return UnreadError(self.tokens[self.i].at if at is None else at, why)

    def take(self, sign: str) -> bool:
        token = self.tokens[self.i]
        here = token.kind == "sign" and token.text == sign
        self.i += here
        return here

    def need(self, sign: str, after: str = "") -> None:
        if not self.take(sign):
            raise self.fail(f"expected “{sign}”{after}, found {self.found()}")

    def add(self, op: str, *parents: int, name: str = "", number: float = 0.0) -> int:
        if len(self.nodes) == MOST_NODES:
            raise self.fail(f"more than {MOST_NODES} steps", self.tokens[self.i - 1].at)
        self.nodes.append(Node(op, parents, name, number))
        return len(self.nodes) - 1

    def atom(self) -> int:
        token = self.tokens[self.i]
        if token.kind == "number":
            self.i += 1
            return self.add("number", number=float(token.text))
        if token.kind == "name":
            self.i += 1
            return self.named(token)
        if self.take("("):
            inside = self.sum()
            self.need(")")
            return inside
        raise self.fail(f"expected a number, a name or “(”, found {self.found()}")

    def named(self, token: Token) -> int:
        name, following = token.text, self.tokens[self.i]
        if name in FUNCTIONS:
            self.need("(", f" after {name}")
            inside = self.sum()
            self.need(")")
            return self.add(name, inside)
        if following.kind == "sign" and following.text == "(":
            raise self.fail(f"“{name}” is none of the functions {', '.join(FUNCTIONS)}", token.at)
        if name not in self.known:
            if len(self.variables) == MOST_VARIABLES:
                raise self.fail(f"more than {MOST_VARIABLES} variables", token.at)
            self.variables.append(name)
            self.known[name] = self.add("variable", name=name)
        return self.known[name]

    def power(self) -> int:
        base = self.atom()
        if not self.take("**"):
            return base
        exponent = self.signed()
        if self.nodes[exponent].op == "number":
            return self.add("power", base, number=self.nodes[exponent].number)
        return self.add("**", base, exponent)

    def signed(self) -> int:
        if not self.take("-"):
            return self.power()
        inside = self.signed()
        if self.nodes[inside].op == "number":
            return self.add("number", number=-self.nodes[inside].number)
        return self.add("neg", inside)

    def chain(self, following: Callable[[], int], signs: str) -> int:
        left = following()
        while sign := next((sign for sign in signs if self.take(sign)), None):
            left = self.add(sign, left, following())
        return left

    def product(self) -> int:
        return self.chain(self.signed, "*/")

    def sum(self) -> int:
        return self.chain(self.product, "+-")

    def all(self) -> int:
        while True:
            token = self.tokens[self.i]
            named = token.kind == "name" and self.tokens[self.i + 1].text == "="
            if named:
                if token.text in self.known or token.text in FUNCTIONS:
                    raise self.fail(f"“{token.text}” has a meaning already")
                self.i += 2
            root = self.sum()
            if named:
                self.known[token.text] = root
                node = self.nodes[root]
                if not node.name and node.op != "number":
                    self.nodes[root] = replace(node, name=token.text)
            if self.tokens[self.i].kind == "end":
                return root
            if not self.take(";"):
                raise self.fail(f"expected an operator, found {self.found()}")
            if not named:
                why = "only the last part may be without a name, as in u = a*b; u + 1"
                raise self.fail(why, token.at)


def read(text: str) -> Read:
    """A text as a graph; where it cannot be read on, the longest beginning that can."""
    problem: UnreadError | None = None
    try:
        tokens = _tokens(text)
    except UnreadError as unread:
        problem = unread
        tokens = _tokens(text[: unread.at])
    for n in range(len(tokens) - 1, 0, -1):
        builder = _Builder([*tokens[:n], Token("end", "", 0)] if problem else tokens)
        try:
            root = builder.all()
        except UnreadError as unread:
            problem = problem or unread
            continue
        return Read(builder.nodes, root, builder.variables, problem)
    if problem is None:  # nothing at all
        try:
            _Builder(tokens).all()
        except UnreadError as unread:
            problem = unread
    return Read([], -1, [], problem)


def evaluate(graph: Read, values: Sequence[float]) -> list[Node]:
    """The nodes behind the root, parents before children, with their data and slopes.

    By `Value`, so that they are those of `mlp_lib`. From the first node on that has no value, data
    is None.
    """
    order: list[int] = []

    def visit(i: int) -> None:
        if i not in order:
            for parent in graph.nodes[i].parents:
                visit(parent)
            order.append(i)

    if graph.root >= 0:
        visit(graph.root)
    done: list[Node] = []
    made: list[Value] = []
    broken = False
    for i in order:
        node = graph.nodes[i]
        parents = tuple(order.index(parent) for parent in node.parents)
        value = None
        if node.op == "variable":
            value = Value(values[graph.variables.index(node.name)])
        elif not broken:
            value = _computed(node, [made[parent] for parent in parents])
            broken = value is None
        made.append(value if value is not None else Value(0.0))
        done.append(
            replace(
                node,
                parents=parents,
                data=None if value is None else value.data,
                slopes=() if value is None else value.slopes,
            )
        )
    return done


def _computed(node: Node, parents: list[Value]) -> Value | None:
    """What the operation of a node gives, None if that is no finite number."""
    try:
        if node.op == "number":
            return Value(node.number)
        if node.op == "power":
            value = parents[0] ** node.number
        elif node.op in SIGNS:
            value = SIGNS[node.op](*parents)
        else:
            value = FUNCTIONS[node.op](*parents)
    except (ValueError, ArithmeticError):
        return None
    return value if all(map(math.isfinite, value.slopes)) else None


def computed(node: Node, inputs: Sequence[float]) -> tuple[float, tuple[float, ...]] | None:
    """The value and the slopes of an operation, None where they are not finite."""
    made = _computed(node, [Value(v) for v in inputs])
    return (made.data, made.slopes) if made is not None else None


def reverse(nodes: Sequence[Node]) -> tuple[list[float], list[list[tuple[int, float]]]]:
    """The gradient of the last node by every node, and what each one receives from which child."""
    grads = [0.0] * len(nodes)
    parts: list[list[tuple[int, float]]] = [[] for _ in nodes]
    if nodes:
        grads[-1] = 1.0
    for i in range(len(nodes) - 1, -1, -1):
        for parent, slope in zip(nodes[i].parents, nodes[i].slopes, strict=True):
            parts[parent].append((i, slope * grads[i]))
            grads[parent] += slope * grads[i]
    return grads, parts
