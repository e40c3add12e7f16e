# ruff: noqa: ARG002 - the signatures are libcst's
"""Mechanical mutants of a function's source: what a slip of the pen would make of it.

`mutants_of({"softmax": softmax})` mutates the functions of a step and the private helpers of the
same module that they use. Checks of the inputs (calls into `mlp_lib._check`, blocks that only
raise), annotations and docstrings are left alone: they do not compute the answer.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import libcst as cst
import libcst.matchers as m


@dataclass(frozen=True)
class Mutant:
    """One changed place; `build` compiles the module with it and returns the step's functions."""

    description: str
    source: str
    module: str
    names: tuple[tuple[str, str], ...]

    def build(self) -> dict[str, Callable[..., Any]]:
        """Return the functions of the step, out of the changed module."""
        namespace: dict[str, Any] = {
            "__name__": self.module,
            "__file__": f"<mutant of {self.module}>",
            "__package__": self.module.rpartition(".")[0],
        }
        exec(compile(self.source, f"<mutant of {self.module}>", "exec"), namespace)
        return {name: namespace[attribute] for name, attribute in self.names}


def mutants_of(reference: Mapping[str, Callable[..., Any]]) -> list[Mutant]:
    """Return all mutants of the functions of a step."""
    by_module: dict[str, list[tuple[str, str]]] = {}
    for name, function in reference.items():
        by_module.setdefault(function.__module__, []).append((name, function.__qualname__))
    return [
        mutant for module, names in by_module.items() for mutant in _of_module(module, tuple(names))
    ]


def _of_module(module: str, names: tuple[tuple[str, str], ...]) -> Iterator[Mutant]:
    source = inspect.getsource(sys.modules[module])
    tree = cst.parse_module(source)
    checks = _imported_checks(source)
    wanted = _reachable(source, {attribute for _, attribute in names})
    seen: dict[str, int] = {}
    for statement in tree.body:
        if not isinstance(statement, cst.FunctionDef | cst.ClassDef):
            continue
        if statement.name.value not in wanted:
            continue
        collector = _Collector(checks)
        statement.body.visit(collector)
        if isinstance(statement, cst.FunctionDef):
            for parameter in statement.params.params:
                if parameter.default is not None:
                    parameter.default.visit(collector)
        for old, new in collector.found:
            changed = tree.deep_replace(old, new)
            text = changed.code  # type: ignore[attr-defined]
            if text == source:
                continue
            before, after = _text(old), _text(new)
            description = f"{statement.name.value}: {before} -> {after}"
            seen[description] = seen.get(description, 0) + 1
            if seen[description] > 1:
                description += f" ({seen[description]})"
            yield Mutant(description, text, module, names)


def _text(node: cst.CSTNode) -> str:
    code = cst.Module([]).code_for_node(node)
    return " ".join(code.split())


def _imported_checks(source: str) -> set[str]:
    """The names a module imports from the package's input checks."""
    return {
        alias.asname or alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith("_check")
        for alias in node.names
    }


def _reachable(source: str, start: set[str]) -> set[str]:
    """The definitions of a module that the given ones use, themselves included."""
    definitions = {
        node.name: node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    found: set[str] = set()
    todo = [name for name in start if name in definitions]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        used = {n.id for n in ast.walk(definitions[name]) if isinstance(n, ast.Name)}
        todo += [other for other in used if other in definitions]
    return found


# --------------------------------------------------------------------------------------
# the changes

_ARITHMETIC: dict[type[cst.BaseBinaryOp], tuple[cst.BaseBinaryOp, ...]] = {
    cst.Add: (cst.Subtract(),),
    cst.Subtract: (cst.Add(),),
    cst.Multiply: (cst.Divide(),),
    cst.Divide: (cst.Multiply(),),
    cst.Power: (cst.Multiply(),),
    cst.FloorDivide: (cst.Divide(),),
    cst.Modulo: (cst.FloorDivide(),),
    cst.MatrixMultiply: (cst.Multiply(),),
}
_NOT_COMMUTATIVE = (cst.Subtract, cst.Divide, cst.MatrixMultiply, cst.Power)
_COMPARISONS: dict[type[cst.BaseCompOp], tuple[cst.BaseCompOp, ...]] = {
    cst.GreaterThan: (cst.GreaterThanEqual(), cst.LessThan()),
    cst.GreaterThanEqual: (cst.GreaterThan(), cst.LessThan()),
    cst.LessThan: (cst.LessThanEqual(), cst.GreaterThan()),
    cst.LessThanEqual: (cst.LessThan(), cst.GreaterThan()),
    cst.Equal: (cst.NotEqual(),),
    cst.NotEqual: (cst.Equal(),),
    cst.Is: (cst.IsNot(),),
    cst.IsNot: (cst.Is(),),
}
_AUGMENTED: dict[type[cst.BaseAugOp], tuple[cst.BaseAugOp, ...]] = {
    cst.AddAssign: (cst.SubtractAssign(),),
    cst.SubtractAssign: (cst.AddAssign(),),
    cst.MultiplyAssign: (cst.DivideAssign(),),
    cst.DivideAssign: (cst.MultiplyAssign(),),
}
_RENAMED = {
    "max": "min",
    "min": "max",
    "sum": "mean",
    "mean": "sum",
    "argmax": "argmin",
    "argmin": "argmax",
    "maximum": "minimum",
    "minimum": "maximum",
    "zeros": "ones",
    "ones": "zeros",
    "zeros_like": "ones_like",
    "ones_like": "zeros_like",
    "sin": "cos",
    "cos": "sin",
    "log": "log2",
    "cumsum": "cumprod",
    "cumprod": "cumsum",
    "outer": "inner",
    "append": "extend",
}


class _Collector(cst.CSTVisitor):
    """Collect (node, replacement) pairs."""

    def __init__(self, checks: set[str]) -> None:
        self._checks = checks
        self.found: list[tuple[cst.CSTNode, cst.CSTNode]] = []

    def add(self, old: cst.CSTNode, *new: cst.CSTNode) -> None:
        for node in new:
            if not old.deep_equals(node):
                self.found.append((old, node))

    # what is left alone

    def visit_Annotation(self, node: cst.Annotation) -> bool:
        return False

    def visit_Raise(self, node: cst.Raise) -> bool:
        return False

    def visit_Assert(self, node: cst.Assert) -> bool:
        return False

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> bool:
        if len(node.body) != 1:
            return True
        statement = node.body[0]
        value = getattr(statement, "value", None)
        if isinstance(value, cst.SimpleString | cst.ConcatenatedString):
            return False  # a docstring
        if isinstance(statement, cst.Expr) and isinstance(value, cst.Call):
            if self._is_check(value):
                return False
            self.add(node, node.with_changes(body=[cst.Pass()]))
        return not (isinstance(value, cst.Call) and self._is_check(value))

    def visit_If(self, node: cst.If) -> bool:
        if _only_raises(node.body):
            if node.orelse is not None:
                node.orelse.visit(self)
            return False
        negated = cst.UnaryOperation(
            cst.Not(), node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        )
        self.add(node.test, negated)
        return True

    def _is_check(self, node: cst.Call) -> bool:
        return isinstance(node.func, cst.Name) and node.func.value in self._checks

    # operators

    def visit_BinaryOperation(self, node: cst.BinaryOperation) -> None:
        left, right, operator = node.left, node.right, node.operator
        for other in _ARITHMETIC.get(type(operator), ()):
            self.add(node, _grouped(node.with_changes(operator=_spaced(other))))
        dropped = _grouped(right) if not isinstance(operator, cst.Power) else right
        self.add(node, _grouped(left), dropped)
        if isinstance(operator, _NOT_COMMUTATIVE):
            swapped = node.with_changes(left=_grouped(right), right=_grouped(left))
            self.add(node, _grouped(swapped))
        if isinstance(operator, cst.MatrixMultiply):
            self.add(node, _grouped(node.with_changes(left=_turned(left))))
            self.add(node, _grouped(node.with_changes(right=_turned(right))))

    def visit_UnaryOperation(self, node: cst.UnaryOperation) -> None:
        if isinstance(node.operator, cst.Minus | cst.Not | cst.BitInvert) and not isinstance(
            node.expression, cst.Integer | cst.Float
        ):
            self.add(node, _grouped(node.expression))

    def visit_Comparison(self, node: cst.Comparison) -> None:
        for k, target in enumerate(node.comparisons):
            for other in _COMPARISONS.get(type(target.operator), ()):
                changed = [*node.comparisons]
                changed[k] = target.with_changes(operator=_spaced(other))
                self.add(node, node.with_changes(comparisons=changed))

    def visit_BooleanOperation(self, node: cst.BooleanOperation) -> None:
        other = cst.Or() if isinstance(node.operator, cst.And) else cst.And()
        self.add(node, node.with_changes(operator=other))

    def visit_AugAssign(self, node: cst.AugAssign) -> None:
        for other in _AUGMENTED.get(type(node.operator), ()):
            self.add(node, node.with_changes(operator=other))
        plain = cst.Assign([cst.AssignTarget(node.target)], node.value)
        self.add(node, plain)

    # constants

    def visit_Integer(self, node: cst.Integer) -> None:
        value = int(node.value, 0)
        self.add(node, cst.Integer(str(value + 1)))
        if value > 0:
            self.add(node, cst.Integer(str(value - 1)))

    def visit_Float(self, node: cst.Float) -> None:
        value = float(node.value)
        self.add(node, cst.Float(repr(value * 2)) if value else cst.Float("1.0"))
        self.add(node, cst.Float(repr(value + 1.0)))

    def visit_Name(self, node: cst.Name) -> None:
        if node.value in ("True", "False"):
            self.add(node, cst.Name("False" if node.value == "True" else "True"))

    # calls

    def visit_Call(self, node: cst.Call) -> bool:
        if self._is_check(node):
            return False
        positional = [arg for arg in node.args if arg.keyword is None and not arg.star]
        if m.matches(node, m.Call(func=m.Name("range"))) and len(positional) <= 2:
            self._range(node, positional)
        if m.matches(node, m.Call(func=m.Name("reversed"))) and positional:
            self.add(node, positional[0].value)
        name = node.func.attr.value if isinstance(node.func, cst.Attribute) else None
        if name in _RENAMED:
            assert isinstance(node.func, cst.Attribute)
            renamed = node.func.with_changes(attr=cst.Name(_RENAMED[name]))
            self.add(node, node.with_changes(func=renamed))
        if len(positional) in (2, 3) and len(positional) == len(node.args):
            for i in range(len(positional) - 1):
                order = list(node.args)
                order[i], order[i + 1] = (
                    order[i].with_changes(value=order[i + 1].value),
                    order[i + 1].with_changes(value=order[i].value),
                )
                self.add(node, node.with_changes(args=order))
        if len(positional) == 1 and not m.matches(node.func, m.Name("range") | m.Name("reversed")):
            self.add(node, _grouped(positional[0].value))
        for k, arg in enumerate(node.args):
            if arg.keyword is not None and arg.keyword.value == "axis":
                for other in ("0", "1", "-1", "None"):
                    changed = [*node.args]
                    changed[k] = arg.with_changes(value=cst.parse_expression(other))
                    self.add(node, node.with_changes(args=changed))
        return True

    def _range(self, node: cst.Call, args: list[cst.Arg]) -> None:
        stop = args[-1].value
        less = cst.BinaryOperation(_grouped(stop), _spaced(cst.Subtract()), cst.Integer("1"))
        shorter = [*node.args[:-1], node.args[-1].with_changes(value=less)]
        self.add(node, node.with_changes(args=shorter))
        if len(args) == 1:
            later = [cst.Arg(cst.Integer("1")), cst.Arg(stop)]
            self.add(node, node.with_changes(args=later))

    # shapes and indices

    def visit_Attribute(self, node: cst.Attribute) -> None:
        if node.attr.value == "T":
            self.add(node, node.value)

    def visit_Subscript(self, node: cst.Subscript) -> None:
        if len(node.slice) != 1:
            return
        element = node.slice[0]
        inside = element.slice
        if isinstance(inside, cst.Slice):
            if inside.step is not None:
                self.add(node, node.value)
                return
            head = cst.parse_expression("x[:-1]")
            tail = cst.parse_expression("x[1:]")
            assert isinstance(head, cst.Subscript)
            assert isinstance(tail, cst.Subscript)
            self.add(node, node.with_changes(slice=head.slice))
            self.add(node, node.with_changes(slice=tail.slice), node.value)
        elif isinstance(inside, cst.Index) and isinstance(inside.value, cst.Name):
            for operator in (cst.Add(), cst.Subtract()):
                moved = cst.BinaryOperation(inside.value, _spaced(operator), cst.Integer("1"))
                index = element.with_changes(slice=inside.with_changes(value=moved))
                self.add(node, node.with_changes(slice=[index]))


def _only_raises(body: cst.BaseSuite) -> bool:
    inside = body.body
    return all(
        isinstance(line, cst.SimpleStatementLine)
        and all(isinstance(statement, cst.Raise) for statement in line.body)
        for line in inside
    )


def _grouped(node: cst.BaseExpression) -> cst.BaseExpression:
    """Put parentheses around an expression, so that it stays one when its neighbours change."""
    if isinstance(node, cst.Name | cst.Integer | cst.Float | cst.Call | cst.Subscript) or node.lpar:
        return node
    return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _turned(node: cst.BaseExpression) -> cst.BaseExpression:
    return cst.Attribute(_grouped(node), cst.Name("T"))


def _spaced(operator: Any) -> Any:
    space = cst.SimpleWhitespace(" ")
    return operator.with_changes(whitespace_before=space, whitespace_after=space)
