"""The reader's own values in `Graph`: as handed over, or made by their class at every change."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

from mlp_lib.interactive.drawing import value
from mlp_lib.interactive.expression import FUNCTIONS, MOST_NODES, Node, computed

SIGNS: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
    "neg": operator.neg,
}


def run(engine: Callable[[float], Any], nodes: Sequence[Node], names: list[str]) -> dict[str, Any]:
    """What the reader's class says where the figure stands: a value for each node, then backward().

    nodes: of the reference, all with data. Returns for each its gradient and its slopes, and a
    remark where a value is not the reference's.
    """
    values: list[Any] = []
    for node in nodes:
        values.append(_made(engine, node, [values[parent] for parent in node.parents]))
    remark = ""
    for made, node, name in zip(values, nodes, names, strict=True):
        assert node.data is not None
        if not _close(float(made.data), node.data):
            got = value(float(made.data))
            remark = f"Your first wrong value: {name} = {got}, expected {value(node.data)}"
            break
    values[-1].backward()
    said = []
    for made, node in zip(values, nodes, strict=True):
        grad = float(made.grad)
        given = _slopes(made, [values[parent] for parent in node.parents])
        said.append(
            {
                "grad": grad if math.isfinite(grad) else None,
                "given": given,
                "wrong": [k for k, s in enumerate(given) if not _close(s, node.slopes[k])],
            }
        )
    return {"nodes": said, "remark": remark}


def _made(engine: Callable[[float], Any], node: Node, given: list[Any]) -> Any:
    """One operation of the reader's class; minus by way of · and + where it has none."""
    if not given:
        return engine(float(node.data or 0.0))
    if node.op == "neg" and not hasattr(given[0], "__neg__"):
        return given[0] * engine(-1.0)
    if node.op == "-" and not hasattr(given[0], "__sub__"):
        return given[0] + given[1] * engine(-1.0)
    if node.op == "power":
        return given[0] ** node.number
    return SIGNS[node.op](*given) if node.op in SIGNS else getattr(given[0], node.op)()


def _slopes(made: Any, given: list[Any]) -> list[float]:
    """The slopes that a value has noted, if it was made of these operands as the reference is."""
    try:
        parents, slopes = list(made.parents), [float(slope) for slope in made.slopes]
    except (AttributeError, TypeError, ValueError):
        return []
    same = len(parents) == len(slopes) == len(given)
    return slopes if same and all(a is b for a, b in zip(parents, given, strict=True)) else []


def taken(root: Any, names: dict[str, Any]) -> list[dict[str, Any]]:
    """The graph behind a value of the reader's own engine, parents before children."""
    order: list[Any] = []
    places: dict[int, int] = {}
    stack = [(root, False)]
    while stack:
        thing, parents_done = stack.pop()
        if id(thing) in places:
            continue
        parents = _parents(thing)
        if parents_done:
            places[id(thing)] = len(order)
            order.append(thing)
        else:
            stack.append((thing, True))
            stack += [(parent, False) for parent in reversed(parents)]
        if len(stack) > 20 * MOST_NODES or len(order) > MOST_NODES:
            raise ValueError(f"expected a graph of at most {MOST_NODES} values")
    given = {id(thing): name for name, thing in names.items()}
    return [_own_node(thing, places, given.get(id(thing), "")) for thing in order]


def _parents(thing: Any) -> list[Any]:
    for need in ("data", "grad", "parents"):
        if not hasattr(thing, need):
            raise TypeError(
                f"expected an expression or a value with data, grad and parents, "
                f"got {type(thing).__name__} without {need}"
            )
    return list(thing.parents)


def _own_node(thing: Any, places: dict[int, int], name: str) -> dict[str, Any]:
    parents = _parents(thing)
    data, grad = float(thing.data), float(thing.grad)
    if not math.isfinite(data):
        raise ValueError(f"expected finite data, got {data}")
    name = name or str(getattr(thing, "label", "") or "")
    slopes = [float(slope) for slope in getattr(thing, "slopes", ())]
    op, p, right = _operation(thing, [float(q.data) for q in parents], data, slopes)
    return {
        "op": op if parents else "variable" if name else "number",
        "name": re.sub(r"[^\w ]", "", name),
        "parents": [places[id(parent)] for parent in parents],
        "p": p,
        "data": data,
        "slopes": right,
        "grad": grad if math.isfinite(grad) else None,
        "given": slopes,
        "wrong": [k for k, slope in enumerate(slopes) if not _close(slope, right[k])],
    }


def _close(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-9 * max(1.0, abs(b))


def _operation(
    thing: Any, inputs: list[float], data: float, slopes: list[float]
) -> tuple[str, float, list[float]]:
    """The operation that gives this number from its parents', with its slopes.

    Several may, as 2 + 2 and 2 · 2: then the one whose slopes, or whose `op`, are the object's.
    """
    if not inputs:
        return "number", 0.0, []
    candidates: list[Node] = []
    if len(inputs) == 2:
        candidates = [Node(op, (0, 1)) for op in ("+", "*", "-", "/", "**")]
    elif len(inputs) == 1:
        candidates = [Node(op, (0,)) for op in ("neg", *FUNCTIONS)]
        candidates += [Node("power", (0,), number=p) for p in (2.0, 3.0, -1.0, 0.5, 4.0)]
    found = []
    for node in candidates:
        made = computed(node, inputs)
        if made and _close(made[0], data):
            named = str(getattr(thing, "op", "")) == node.op
            same = len(slopes) == len(inputs) and all(map(_close, slopes, made[1]))
            found.append((not named, not same, node, made[1]))
    if found:
        *_, node, right = min(found, key=lambda entry: entry[:2])
        return node.op, node.number, list(right)
    if len(slopes) != len(inputs):
        raise ValueError(f"slopes: expected {len(inputs)}, one a parent, got {len(slopes)}")
    return "f", 0.0, slopes
