"""Figure 16, Graph: an expression as a graph, values forward, gradients backward, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import Any, ClassVar

import traitlets

from mlp_lib.interactive.drawing import (
    Marks,
    act,
    coordinate,
    down,
    element,
    factor,
    mark,
    picture,
    select,
    short,
    slider,
    trimmed,
    value,
)
from mlp_lib.interactive.expression import (
    MOST_LETTERS,
    MOST_VARIABLES,
    Node,
    UnreadError,
    evaluate,
    read,
    reverse,
)
from mlp_lib.interactive.figure import Figure, View
from mlp_lib.interactive.graph_own import run, taken

Step = tuple[str, int]

EXAMPLES = {
    "u = a*b; u*u + u + a": "the lesson’s graph",
    "tanh(w*x + b)": "one unit",
    "z = w*x + b; p = sigmoid(z); -(t*log(p) + (1 - t)*log(1 - p))": "sigmoid and cross-entropy",
    "e = exp(z); e / (e + 1)": "the sigmoid, spelt out",
    "h = relu(w*x); (v*h - t)**2 / 2": "two layers and a loss",
}
START = [2.0, -3.0, 0.5, 1.0, -1.0, 1.5]
WIDTH, HEIGHT, ROOM, FLOOR = 350, 520, 84, 1e-12
AWAY = "Your class was run at other inputs: these numbers are the reference's."
STILL = (
    "Your numbers belong to the inputs they were computed at. To move those, give an expression "
    'and your class: Graph("a*b + a", engine=Value).'
)
SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷", "**": "**", "neg": "−"}


def _known(v: float | None) -> str:
    return "–" if v is None else value(v)


@dataclass
class _Own:
    """What the reader's object says."""

    grads: list[float]
    given: list[list[float]]  # slopes
    wrong: list[list[int]]  # which slopes are
    bad: list[int]  # nodes with a wrong gradient

    @property
    def first(self) -> int:
        """The first one on the way back."""
        return self.bad[-1] if self.bad else -1


@dataclass
class _Graph:
    """Everything that a state of the figure stands for."""

    nodes: list[Node]
    variables: list[str]
    problem: UnreadError | None
    own: _Own | None = None
    names: list[str] = field(default_factory=list)
    grads: list[float] = field(default_factory=list)
    parts: list[list[tuple[int, float]]] = field(default_factory=list)
    broken: int = -1

    def __post_init__(self) -> None:
        nodes = self.nodes
        taken = {node.name for node in nodes} | set(self.variables)
        count = 0
        for i, node in enumerate(nodes):
            name = node.name
            if not name and node.op == "number":
                name = _known(node.data)
            elif not name and i == len(nodes) - 1 and "y" not in taken:
                name = "y"
            elif not name:
                count += 1
                name = "v" + "".join(down(int(digit)) for digit in str(count))
            self.names.append(name)
        self.broken = next((i for i, node in enumerate(nodes) if node.data is None), -1)
        self.grads, self.parts = [0.0] * len(nodes), [[] for _ in nodes]
        if self.whole:
            self.grads, self.parts = reverse(nodes)
        if self.own:
            allowed = 1e-9 * max([0.0, *map(abs, self.grads)]) + FLOOR
            pairs = zip(self.own.grads, self.grads, strict=True)
            self.own.bad = [i for i, (a, b) in enumerate(pairs) if not abs(a - b) <= allowed]

    @property
    def whole(self) -> bool:
        return bool(self.nodes) and self.broken < 0

    def steps(self) -> list[Step]:
        inner = [i for i, n in enumerate(self.nodes) if n.parents and n.data is not None]
        found: list[Step] = [("start", -1), *(("forward", i) for i in inner)]
        if self.whole:
            found += [("seed", -1), *(("back", i) for i in reversed(inner))]
        return found


def _written(node: Node, operands: list[str]) -> str:
    """An operation with its operands."""
    if node.op == "neg":
        return f"−{operands[0]}"
    if node.op == "power":
        return f"{operands[0]} ** {short(node.number)}"
    if node.op in SIGNS:
        return f"{operands[0]} {SIGNS[node.op]} {operands[1]}"
    return f"{node.op}({', '.join(operands)})"


@dataclass(eq=False)
class _Item:
    """What stands in a row: a node, or a place (−1) through which a long edge goes."""

    node: int
    above: list[_Item] = field(default_factory=list)
    below: list[_Item] = field(default_factory=list)
    x: float = 0.0
    key: float = 0.0

    @property
    def room(self) -> int:
        return 26 if self.node < 0 else ROOM


@dataclass(eq=False)
class _Edge:
    parent: int
    child: int
    k: int
    way: list[_Item]


def _mean(values: list[float]) -> float:
    total = 0.0
    for v in values:  # one after the other, as in the page
        total += v
    return total / len(values)


def _place(row: list[_Item], wide: float) -> None:
    gap = (wide - sum(item.room for item in row)) / max(1, len(row))
    x = 0.0
    for item in row:
        own = item.room + gap
        item.x = x + own / 2
        x += own


def _layout(nodes: list[Node]) -> tuple[list[_Item], list[_Edge], list[int], int, float]:
    """Levels from top to bottom: inner nodes as in `draw_graph`, leaves just above their first use.

    Long edges go through places of their own.
    """
    level: list[int] = []
    for node in nodes:
        level.append(max([-1, *(level[parent] for parent in node.parents)]) + 1)
    for i, node in enumerate(nodes):
        users = [level[k] for k, other in enumerate(nodes) if i in other.parents]
        if not node.parents and users:
            level[i] = min(users) - 1
    depth = max([0, *level]) + 1
    rows: list[list[_Item]] = [[] for _ in range(depth)]
    items = [_Item(i) for i in range(len(nodes))]
    for i, item in enumerate(items):
        rows[level[i]].append(item)
    edges = []
    for child, node in enumerate(nodes):
        for k, parent in enumerate(node.parents):
            way = [items[parent]]
            for row in range(level[parent] + 1, level[child]):
                way.append(_Item(-1))
                rows[row].append(way[-1])
            way.append(items[child])
            for before, item in pairwise(way):
                item.above.append(before)
                before.below.append(item)
            edges.append(_Edge(parent, child, k, way))
    wide = float(max([WIDTH, *(sum(item.room for item in row) for row in rows)]))
    for items_of_row in rows:
        _place(items_of_row, wide)

    def sweep(row: list[_Item], side: str) -> None:
        for item in row:
            others: list[_Item] = getattr(item, side)
            item.key = _mean([other.x for other in others]) if others else item.x
        row.sort(key=lambda item: item.key)
        _place(row, wide)

    for _ in range(4):
        for r in range(1, depth):
            sweep(rows[r], "above")
        for r in range(depth - 2, -1, -1):
            sweep(rows[r], "below")
    return items, edges, level, depth, wide


class Graph(Figure):
    """The computational graph of an expression: values forward, gradients backward, step by step.

    graph: an expression of numbers, names, + − * / **, brackets and the functions exp, log, sin,
    cos, tanh, sigmoid and relu; parts before the last one name what is used again: u = a*b; u*u.
    values: of its variables, in the order in which they appear. engine: a class of your own; the
    expression is computed with it too, again after every change, and its gradients stand beside
    the right ones:

        Graph("u = a*b; u*u + u + a", engine=Value)

    It is called with a number; its objects have data, grad, backward(), the signs as operators and
    the functions as methods. If they have parents and slopes as those of `mlp_lib.Value`, the
    slopes are compared as well.

    Or graph is one such object after backward(), with parents and slopes; its numbers belong to
    the inputs they were computed at and stay. names: {"a": a, …} for some of its values.
    """

    name: ClassVar[str] = "graph"
    title: ClassVar[str] = "An expression as a graph"

    expression = traitlets.Unicode("u = a*b; u*u + u + a").tag(sync=True)
    values = traitlets.List(
        traitlets.Float(min=-5.0, max=5.0), START, minlen=MOST_VARIABLES, maxlen=MOST_VARIABLES
    ).tag(sync=True)
    step = traitlets.Int(99, min=0).tag(sync=True)
    own = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        graph: Any = None,
        *,
        engine: Callable[[float], Any] | None = None,
        names: dict[str, Any] | None = None,
        **traits: Any,
    ) -> None:
        if isinstance(graph, str):
            traits["expression"] = graph
        elif graph is not None and engine is not None:
            raise TypeError(f"engine: expected an expression with it, got {type(graph).__name__}")
        elif graph is not None:
            traits["own"] = {"nodes": taken(graph, names or {})}
        if "values" in traits:
            given = list(traits["values"])
            traits["values"] = given + START[len(given) :]
        super().__init__(**traits)
        self._engine = engine
        if engine is not None:
            self.observe(self._ask_own, ["expression", "values"])
            self._ask_own()

    def _settings(self) -> list[Any]:
        """What the numbers of the reader's own class belong to."""
        return [self.expression, *self.values]

    def _ask_own(self, _change: Any = None) -> None:
        """Compute with the reader's class where the figure stands."""
        assert self._engine is not None
        made = read(self.expression)
        graph = _Graph(evaluate(made, self.values), made.variables, made.problem)
        own: dict[str, Any] = {"at": self._settings(), "nodes": [], "remark": ""}
        if graph.whole:
            try:
                own |= run(self._engine, graph.nodes, graph.names)
            except Exception as error:  # anything that the reader's code may raise
                own["remark"] = f"Your class raised {type(error).__name__}: {error}"
        self.own = own

    @property
    def _recorded(self) -> bool:
        """The reader handed over one object, which cannot be computed anew."""
        return bool(self.own) and "at" not in self.own

    def _graph(self) -> _Graph:
        own, said = None, self.own.get("nodes", [])
        if said and (self._recorded or self.own["at"] == self._settings()):
            own = _Own(
                [math.nan if n["grad"] is None else n["grad"] for n in said],
                [n["given"] for n in said],
                [n["wrong"] for n in said],
                [],
            )
        if not self._recorded:
            made = read(self.expression)
            return _Graph(evaluate(made, self.values), made.variables, made.problem, own)
        nodes = [
            Node(n["op"], tuple(n["parents"]), n["name"], n["p"], n["data"], tuple(n["slopes"]))
            for n in said
        ]
        return _Graph(nodes, [], None, own)

    def _own_text(self, graph: _Graph) -> str:
        if not self.own:
            return ""
        if not self._recorded and self.own["at"] != self._settings():
            return AWAY
        if self.own.get("remark"):
            return f"{self.own['remark']}."
        return _remark(graph, graph.own) if graph.own else ""

    def view(self) -> View:
        """See `Figure.view`; the twin of view() in graph.js."""
        graph = self._graph()
        nodes, names, problem = graph.nodes, graph.names, graph.problem
        steps = graph.steps()
        last = len(steps) - 1
        at = min(self.step, last)
        shown = set(steps[: at + 1])
        title, formula = self._stage(graph, *steps[at]) if nodes else ("nothing to draw yet", "")
        trouble = f"Character {problem.at + 1}: {problem}." if problem else ""
        if graph.broken >= 0:
            node = nodes[graph.broken]
            inside = _written(node, [factor(nodes[p].data or 0.0) for p in node.parents])
            trouble += " " if trouble else ""
            trouble += f"{names[graph.broken]} = {inside} has no finite value or slope."
        where = f"{self.expression}\n{' ' * min(problem.at, 120)}▲" if problem else ""
        words = []
        leaves = [i for i, node in enumerate(nodes) if node.op == "variable"]
        if nodes:
            given = ", ".join(f"{names[i]} = {_known(nodes[i].data)}" for i in leaves)
            words.append(f"With {given}:" if leaves else "The value:")
        if graph.whole:
            y = names[-1]
            words.append(f"{y} = {_known(nodes[-1].data)}.")
            if leaves:
                slopes = (f"∂{y}/∂{names[i]} = {value(graph.grads[i])}" for i in leaves)
                words.append(f"{', '.join(slopes)}.")
            words += [
                f"{names[i]} is used {len(graph.parts[i])} times, "
                f"∂{y}/∂{names[i]} = {value(graph.grads[i])}."
                for i, node in enumerate(nodes)
                if len(graph.parts[i]) > 1 and node.parents
            ]
        elif nodes:
            words.append("no result.")
        verdict = self._own_text(graph)
        source = "Your own object" if self._recorded else self.expression.strip() or "Nothing"
        marks: Marks = {
            "graph": {"html": _drawn(graph, steps, at)},
            "stage": {"text": title},
            "formula": {"text": formula},
            "sums": {"html": _sums(graph, shown)},
            "where": {"text": where},
            "problem": {"text": trouble},
            "own": {"text": verdict},
            "still": {"text": STILL if self._recorded else ""},
            "text": {"aria-invalid": "true" if problem else "false"},
        }
        values = {"step": str(at), "expression": self.expression}
        disabled = ["expression"] if self._recorded else []
        for i in range(MOST_VARIABLES):
            used = i < len(graph.variables)
            name = graph.variables[i] if used else ""
            marks[f"slot-{i}"] = {"style": "" if used else "display:none"}
            marks[f"name-{i}"] = {"text": name}
            marks[f"input-{i}"] = {"aria-label": name or "unused"}
            values[f"values.{i}"] = short(self.values[i])
            if not used:
                disabled.append(f"values.{i}")
        said = [f"{source}.", trouble, *words, f"Step {at} of {last}: {title}.", verdict]
        said += [STILL] if self._recorded else []
        return {
            "marks": marks,
            "values": values,
            "disabled": disabled,
            "limits": {"step": (0, last, 1)},
            "sentence": " ".join(part for part in said if part),
        }

    def _stage(self, graph: _Graph, kind: str, i: int) -> tuple[str, str]:
        """A step in words, and its formula with the numbers filled in."""
        nodes, names, grads, y = graph.nodes, graph.names, graph.grads, graph.names[-1]
        if kind == "start":
            pairs = zip(nodes, names, strict=True)
            given = [f"{name} = {_known(n.data)}" for n, name in pairs if n.op == "variable"]
            return "the leaves of the graph", ", ".join(given) or "numbers only"
        if kind == "seed":
            return "backward begins at the result", f"∂{y}/∂{y} = 1"
        node = nodes[i]
        if kind == "forward":
            single = len(node.parents) == 1 and node.op not in ("neg", "power")
            write = value if single else factor
            numbers = [write(nodes[parent].data or 0.0) for parent in node.parents]
            text = f"{names[i]} = {_written(node, [names[parent] for parent in node.parents])}"
            return (
                f"forward: {names[i]}",
                f"{text} = {_written(node, numbers)} = {_known(node.data)}",
            )
        shares = [
            f"{names[parent]} gets {value(slope)} · {factor(grads[i])} = {value(slope * grads[i])}"
            for parent, slope in zip(node.parents, node.slopes, strict=True)
        ]
        title = f"backward: {names[i]} hands on ∂{y}/∂{names[i]} = {value(grads[i])}"
        return title, "; ".join(shares)

    def body(self, view: View) -> str:
        """See `Figure.body`."""
        marks, values, limits = view["marks"], view["values"], view["limits"]
        last = int(limits["step"][1])
        field_ = element(
            "label",
            {"class": "lm-control lm-text"},
            '<span class="lm-name">expression</span>'
            + mark(
                "input",
                "text",
                marks,
                type_="text",
                data_lm_trait="expression",
                aria_label="expression",
                value=self.expression,
                maxlength=str(MOST_LETTERS),
                spellcheck="false",
                autocomplete="off",
                autocapitalize="off",
                data_lm_suppress_shortcuts="true",
            ).removesuffix("</input>"),
        )
        slots = ""
        for i in range(MOST_VARIABLES):
            v = self.values[i]
            made = slider("values", "", (-5, 5, 0.1), v, values[f"values.{i}"], index=i)
            name = mark("span", f"name-{i}", marks, class_="lm-name")
            made = made.replace('<span class="lm-name"></span>', name)
            label = escape(marks[f"input-{i}"]["aria-label"])
            made = made.replace('aria-label=""', f'aria-label="{label}" data-lm="input-{i}"')
            slots += mark("div", f"slot-{i}", marks).replace("></div>", f">{made}</div>")
        go = (
            slider("step", "step", limits["step"], min(self.step, last), values["step"])
            + act("back", "back")
            + act("next", "next")
            + act("play", "play", pace=1100)
        )
        return (
            f'<div class="lm-row lm-wide">{field_}'
            + select("expression", "examples", EXAMPLES, self.expression)
            + f'</div><div class="lm-row lm-wide">{go}</div>'
            + picture(
                350,
                532,
                "The graph from the leaves at the top to the result at the bottom",
                mark("g", "graph", marks, font_size="12.5"),
                "lm-graph-picture",
            )
            + '<div class="lm-side">'
            + mark("pre", "where", marks)
            + mark("p", "problem", marks, class_="lm-strong")
            + '<div class="lm-stage">'
            + mark("p", "stage", marks, class_="lm-strong")
            + mark("p", "formula", marks)
            + '</div><div class="lm-sums"><p class="lm-strong">values that are used again</p>'
            + mark("div", "sums", marks)
            + "</div>"
            + f'<div class="lm-slots">{slots}</div>'  # above what changes its height
            + mark("p", "own", marks, class_="lm-strong")
            + mark("p", "still", marks)
            + '<p class="lm-key"><span class="lm-a">value</span> · <span class="lm-b">∂ gradient'
            '</span> · <span class="lm-c">slope of a use</span></p></div>'
        )


def _drawn(graph: _Graph, steps: list[Step], at: int) -> str:
    nodes, names, own = graph.nodes, graph.names, graph.own
    if not nodes:
        return ""
    items, edges, level, depth, wide = _layout(nodes)
    tall = 64 if own else 50
    pitch = max(tall + 32, min(118, (HEIGHT - tall) / max(1, depth - 1)))
    scale = min(1, WIDTH / wide, HEIGHT / ((depth - 1) * pitch + tall))
    left = (WIDTH / scale - wide) / 2
    shown = set(steps[: at + 1])
    kind, active = steps[at]

    def forward(i: int) -> bool:
        return not nodes[i].parents or ("forward", i) in shown

    lines, labels, boxes = "", "", ""
    for edge in edges:
        parent, child, way = edge.parent, edge.child, edge.way
        uses = sorted((e for e in edges if e.parent == parent), key=lambda e: (e.way[1].x, e.k))
        others = sorted((e for e in edges if e.child == child), key=lambda e: (e.way[-2].x, e.k))
        spread = min(14, 60 / len(uses))
        x = left + way[0].x + (uses.index(edge) - (len(uses) - 1) / 2) * spread
        y = level[parent] * pitch + tall
        entry, count = others.index(edge), len(others)
        end = left + way[-1].x + (entry - (count - 1) / 2) * 22
        d = f"M{coordinate(x)} {coordinate(y)}"
        for n, item in enumerate(way[1:]):
            is_last = n == len(way) - 2
            to_x, to_y = end if is_last else left + item.x, (level[parent] + n + 1) * pitch
            bend = (to_y - y) / 2
            d += (
                f"C{coordinate(x)} {coordinate(y + bend)} {coordinate(to_x)} "
                f"{coordinate(to_y - bend)} {coordinate(to_x)} {coordinate(to_y)}"
            )
            d += "" if is_last else f"v{tall}"
            x, y = to_x, to_y + tall
        now = ""
        if child == active:
            now = " lm-b lm-on" if kind == "back" else " lm-a lm-on"
        lines += f'<path class="lm-edge{now}" fill="none" d="{d}"/>'
        if forward(child) and nodes[child].slopes:
            anchor = "start" if count == 1 or entry else "end"
            wrong = "✗" if own and edge.k in own.wrong[child] else ""
            labels += (
                f'<text class="lm-label lm-c" text-anchor="{anchor}" '
                f'x="{coordinate(end + (5 if anchor == "start" else -5))}" '
                f'y="{coordinate(level[child] * pitch - 6)}">'
                f"{wrong}{value(nodes[child].slopes[edge.k])}</text>"
            )
    for i, node in enumerate(nodes):
        box_x, box_y = left + items[i].x, level[i] * pitch
        look = "lm-node" if node.parents else "lm-node lm-leaf"
        look += " lm-on" if i == active else ""
        look += " lm-first" if own and own.first == i else ""
        sign = SIGNS.get(node.op, node.op)
        if node.op == "power":
            sign = f"**{short(node.number)}"
        title = names[i]
        if node.parents:
            title = f"{names[i]}: {sign}"
        elif node.op == "number" and not node.name:
            title = "number"
        received = [amount for c, amount in graph.parts[i] if ("back", c) in shown]
        ready = len(received) == len(graph.parts[i]) > 0
        if i == len(nodes) - 1:
            ready = ("seed", -1) in shown
        grad = "∂ ·"
        if ready:
            grad = f"∂ {value(graph.grads[i])}"
        elif received:
            grad = f"∂ {value(_mean(received) * len(received))} + …"
        texts = [
            (title, "lm-name-of"),
            (_known(node.data) if forward(i) else "·", "lm-a"),
            (grad, "lm-b"),
        ]
        if own:
            flag = "✗" if i in own.bad else ""
            texts.append((f"yours {flag + value(own.grads[i]) if ready else '·'}", ""))
        boxes += (
            f'<rect class="{look}" fill="none" x="{coordinate(box_x - 39)}" '
            f'y="{coordinate(box_y)}" width="78" height="{tall}" rx="7"/>'
        )
        for row, (text, class_) in enumerate(texts):
            boxes += (
                f'<text class="{class_}" text-anchor="middle" x="{coordinate(box_x)}" '
                f'y="{coordinate(box_y + 15 + 14.5 * row)}">{text}</text>'
            )
    return f'<g transform="translate(0 6) scale({trimmed(scale, 3)})">{lines}{labels}{boxes}</g>'


def _sums(graph: _Graph, shown: set[Step]) -> str:
    """The sum of every node that is used more than once, as far as it has arrived."""
    rows = ""
    for i, parts in enumerate(graph.parts):
        if len(parts) < 2:
            continue
        received = [factor(amount) for child, amount in parts if ("back", child) in shown]
        waiting = len(parts) - len(received)
        total = "" if waiting else f" = {value(graph.grads[i])}"
        terms = " + ".join([*received, *["·"] * waiting])
        rows += f"<p>∂{graph.names[-1]}/∂{graph.names[i]} = {terms}{total}</p>"
    return rows or "<p>No value is used twice.</p>"


def _remark(graph: _Graph, own: _Own) -> str:
    """The first thing that is wrong in the reader's object, on the way back."""
    nodes, names, y = graph.nodes, graph.names, graph.names[-1]
    for i in range(len(nodes) - 1, -1, -1):
        for k in own.wrong[i]:
            return (
                f"Your slope of {names[i]} by {names[nodes[i].parents[k]]} is "
                f"{value(own.given[i][k])}, expected {value(nodes[i].slopes[k])}."
            )
    if own.first < 0:
        return "Your gradients are the reference's."
    i = own.first
    made, right = own.grads[i], graph.grads[i]
    said = f"Your first wrong gradient: ∂{y}/∂{names[i]} = {value(made)}, expected {value(right)}."
    if i == len(nodes) - 1:
        return f"{said} The result's own gradient has to be set to 1."
    amounts = [amount for _, amount in graph.parts[i]]

    def near(v: float) -> bool:
        return abs(v - made) <= 1e-9 * abs(v) + FLOOR

    if len(amounts) > 1 and any(map(near, amounts)):
        return f"{said} That is one share of {len(amounts)}: was it = where += belongs?"
    if near(2 * right):
        return f"{said} That is twice as much: was it cleared before a second backward?"
    return said
