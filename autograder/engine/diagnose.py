"""Find the first wrong station of a compound answer, walking back from the output.

An answer such as (dw, delta, e) or [(dW, db), …] shows its own way: the error at the output, the
delta, the weight gradient, the error of the layer before. One wrong station makes all later ones
wrong, so the first one tells which line of thought to look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autograder.engine.compare import alike
from autograder.engine.step import Function
from autograder.inside.runner import Tree


@dataclass(frozen=True)
class Diagnosis:
    """The first wrong quantity, the ones before it that are right, and where to look."""

    right: list[str]
    wrong: str
    sentence: str
    equation: str


def diagnose(
    function: Function, value: Tree, expected: Tree, args: Mapping[str, Any]
) -> Diagnosis | None:
    """Compare the stations of two answers; None when the answer does not expose them."""
    if function.trace is None:
        return None
    try:
        ours = list(function.trace(expected, args))
        yours = {station.label: station.value for station in function.trace(value, args)}
    except Exception:  # an answer of another form has no stations to compare
        return None
    fits = [s.label in yours and alike(yours[s.label], s.value) for s in ours]
    if function.everywhere and len(ours) > 1 and not any(fits):
        sentence = f"none of the quantities is right: {function.everywhere}."
        return Diagnosis([], ours[0].label, sentence, "")
    right: list[str] = []
    for station, fit in zip(ours, fits, strict=True):
        if fit:
            right.append(station.label)
            continue
        return Diagnosis(
            right,
            station.label,
            _sentence(right, station.label, station.after, station.rule),
            station.equation,
        )
    return None


def _sentence(right: list[str], wrong: str, after: str, rule: str) -> str:
    how = f" ({rule})" if rule else ""
    if not right:
        start = f"{wrong}, the very first quantity, is wrong already"
        return f"{start}: {rule}." if rule else f"{start}."
    shown = right if len(right) <= 4 else [*right[:1], "…", *right[-2:]]
    if len(shown) == 1:
        fine = f"{shown[0]} is right"
    elif "…" in shown:
        fine = f"{', '.join(shown)} are right"
    else:
        fine = f"{', '.join(shown[:-1])} and {shown[-1]} are right"
    look = f"look at the step from {after} to {wrong}" if after else f"look at how {wrong} is made"
    return f"{fine}, {wrong} is the first wrong one: {look}{how}."
