"""Facts about wrong answers that need no list of mistakes: a factor, an order, one array twice.

A fact is said only when it holds in every case that can show it, so none of them is a guess: "in
every case your dW is what is expected, times the number of rows of `X`". `order` looks at one
answer, `facts` at all answers of one function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from autograder.engine.compare import Finding, alike, digits, names
from autograder.engine.step import Layers, Returns, Several
from autograder.inside.runner import Tree


@dataclass(frozen=True)
class Seen:
    """One call that gave a value: its arguments by name, and what was found."""

    args: Mapping[str, Any]
    value: Tree
    expected: Tree
    findings: Sequence[Finding]


# --------------------------------------------------------------------------------------
# the right numbers in another order


def order(spec: Returns, value: Tree, expected: Tree) -> str:
    """Say that the quantities stand in another order, "" when they do not.

    Right numbers tell it, or else shapes that fit in another order only.
    """
    pairs, item = [(value, expected)], spec
    if isinstance(spec, Layers):
        if not isinstance(value, list | tuple) or len(value) != len(expected):
            return ""
        pairs, item = list(zip(value, expected, strict=True)), spec.item
    if not isinstance(item, Several) or len(item.items) > 4 or not pairs:
        return ""
    count, asked = len(item.items), names(item)
    if any(not isinstance(yours, list | tuple) or len(yours) != count for yours, _ in pairs):
        return ""
    ways: tuple[tuple[Callable[[Tree, Tree], bool], str], ...] = (
        (alike, "The numbers are right, but they"),
        (_same_shapes, "Going by their shapes, your results"),
    )
    for same, start in ways:
        if all(_exchanged(yours, ours, range(count), same) for yours, ours in pairs):
            return ""
        for places in permutations(range(count)):
            if all(_exchanged(yours, ours, places, same) for yours, ours in pairs):
                found = ", ".join(asked[place] for place in places)
                where = " in every entry" if isinstance(spec, Layers) else ""
                return (
                    f"{start} stand in the order ({found}){where}; "
                    f"({', '.join(asked)}) is asked for."
                )
    return ""


def _exchanged(
    yours: Sequence[Tree],
    ours: Sequence[Tree],
    places: Sequence[int],
    same: Callable[[Tree, Tree], bool],
) -> bool:
    return all(same(item, ours[place]) for item, place in zip(yours, places, strict=True))


def _same_shapes(yours: Tree, ours: Tree) -> bool:
    return (
        isinstance(yours, np.ndarray)
        and isinstance(ours, np.ndarray)
        and yours.ndim > 0
        and yours.shape == ours.shape
    )


# --------------------------------------------------------------------------------------
# all answers of a function


def facts(spec: Returns, seen: Sequence[Seen], first: Seen) -> list[str]:
    """Return what holds of every answer; `first` is the one whose sizes are told."""
    if said := _same_numbers(spec, seen):
        return [said]
    return _factors(seen, first)


def _same_numbers(spec: Returns, seen: Sequence[Seen]) -> str:
    """Notice one array under several names."""
    if not isinstance(spec, Several) or len(spec.items) < 2:
        return ""
    told = False
    for one in seen:
        if not isinstance(one.value, list | tuple) or len(one.value) != len(spec.items):
            return ""
        if not all(alike(one.value[0], other) for other in one.value[1:]):
            return ""
        told = told or not all(alike(one.expected[0], other) for other in one.expected[1:])
    if not told:
        return ""
    asked = names(spec)
    several = f"{', '.join(asked[:-1])} and {asked[-1]}"
    return f"{several} hold the same numbers. After `a = b = np.zeros(3)` two names mean one array."


@dataclass(frozen=True)
class Size:
    """One axis of one argument, and how to speak of it."""

    name: str
    axis: int
    axes: int

    @property
    def words(self) -> str:
        """As in "the number of rows of `X`"."""
        what = ("rows", "columns")[self.axis] if self.axes == 2 else "entries"
        return f"the number of {what} of `{self.name}`"

    def of(self, args: Mapping[str, Any]) -> float:
        """The size itself."""
        return float(np.shape(args[self.name])[self.axis])


Rule = tuple[float, "Size | None", "Size | None"]
"""c, times a size, divided by a size."""


def _factors(seen: Sequence[Seen], first: Seen) -> list[str]:
    """Notice quantities that are right but for one factor, known or the size of an argument."""
    wrong: dict[str, None] = {}
    for one in seen:
        wrong.update(dict.fromkeys(base(f.label) for f in one.findings if not f.ok))
    told: dict[Rule, list[str]] = {}
    for name in wrong:
        ratios: list[tuple[float, Mapping[str, Any]]] = []
        for one in seen:
            found = _ratio([f for f in one.findings if base(f.label) == name])
            if found is None:
                break
            if found:
                ratios.append((found, one.args))
        else:
            rule = _rule(ratios)
            if rule is not None:
                told.setdefault(rule, []).append(name)
    return [_sentence(rule, labels, first) for rule, labels in told.items()]


def base(label: str) -> str:
    """A label without the number of its layer."""
    return re.sub("⁽.*⁾", "", label)


def _ratio(findings: Sequence[Finding]) -> float | None:
    """What the expected numbers have to be multiplied by: 0 if nothing tells, None if nothing does.

    One number for all layers of a quantity.
    """
    ratios = []
    for finding in findings:
        if finding.problem not in ("", "value"):
            return None
        yours, ours = np.asarray(finding.got), np.asarray(finding.expected)
        if yours.dtype.kind not in "iuf" or ours.dtype.kind not in "iuf":
            return None
        if yours.shape != ours.shape or not np.isfinite(yours).all():
            return None
        if not np.isfinite(ours).all():
            return None
        size = float(np.linalg.norm(ours.astype(np.float64)))
        if size < 1e-9:
            if np.abs(yours).max(initial=0.0) > 1e-9:
                return None
            continue
        ratio = float(np.vdot(ours / size, yours / size))
        if not abs(ratio) > 1e-9 or not alike(yours / ratio, ours * 1.0):
            return None
        ratios.append(ratio)
    if not ratios:
        return 0.0
    return ratios[0] if np.allclose(ratios, ratios[0], rtol=1e-7, atol=0.0) else None


def _rule(ratios: Sequence[tuple[float, Mapping[str, Any]]]) -> Rule | None:
    """Find the one factor, or the size of an argument, that gives all ratios."""
    if len(ratios) < 2 or all(abs(ratio - 1) < 0.01 for ratio, _ in ratios):
        return None
    values = np.array([ratio for ratio, _ in ratios])
    if np.allclose(values, values[0], rtol=1e-7, atol=0.0):
        simple = round(60 * values[0])
        return (simple / 60, None, None) if abs(values[0] - simple / 60) < 1e-7 else None
    sizes = list(_sizes([args for _, args in ratios]))
    for constant in (1.0, -1.0, 2.0, -2.0, 0.5, -0.5):
        for above, below in _fractions(sizes):
            told = np.array([_value((constant, above, below), args) for _, args in ratios])
            if np.allclose(values, told, rtol=1e-7, atol=0.0):
                return constant, above, below
    return None


def _sizes(all_args: Sequence[Mapping[str, Any]]) -> Iterator[Size]:
    """Yield the axes that every call has, each once: the rows of X are those of Y too."""
    known: list[list[float]] = []
    for name in all_args[0]:
        given = [args.get(name) for args in all_args]
        arrays = [value for value in given if isinstance(value, np.ndarray)]
        if len(arrays) < len(given) or len({array.ndim for array in arrays}) > 1:
            continue
        axes = arrays[0].ndim
        for axis in range(axes if axes < 3 else 0):
            size = Size(name, axis, axes)
            values = [size.of(args) for args in all_args]
            if values not in known and len(set(values)) > 1:
                known.append(values)
                yield size


def _fractions(sizes: Sequence[Size]) -> Iterator[tuple[Size | None, Size | None]]:
    for size in sizes:
        yield size, None
        yield None, size
    for above in sizes:
        for below in sizes:
            if above != below:
                yield above, below


def _value(rule: Rule, args: Mapping[str, Any]) -> float:
    constant, above, below = rule
    return constant * (above.of(args) if above else 1.0) / (below.of(args) if below else 1.0)


def _sentence(rule: Rule, labels: Sequence[str], first: Seen) -> str:
    constant, above, below = rule
    yours = labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"
    are = "is" if len(labels) == 1 else "are"
    how = "" if abs(constant) == 1 else f", times {digits(abs(constant))}"
    if above is not None:
        how += f", times {above.words} (here {above.of(first.args):g})"
    if below is not None:
        how += f", divided by {below.words} (here {below.of(first.args):g})"
    sign = ", with the wrong sign" if constant < 0 else ""
    return f"In every case your {yours} {are} what is expected{how}{sign}."
