"""Compare what came back with what the reference says, quantity by quantity.

`compare` follows the description of a return value (`Array`, `Several`, `Layers`, …) and returns
one `Finding` for each quantity, or one for a structure that does not fit. `alike` compares two
values without a description, to tell whether a known mistake gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from autograder.engine.step import (
    ATOL,
    FLOAT32_RTOL,
    RTOL,
    Anything,
    Array,
    Fields,
    Flag,
    Integer,
    Layers,
    Leaf,
    Number,
    Returns,
    Several,
    Text,
)
from autograder.inside.runner import Tree

FLOAT32_ATOL = 1e-7
EVERY_PART = ""

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Finding:
    """What is to be said about one quantity of an answer.

    `problem` is "" when it is right, else one of none, structure, type, shape, dtype, nan, value.
    `output` is the name of the item of the outermost `Several` it belongs to, "" for the whole.
    `near` is true for a wrong value that agrees to some digits: nothing else is wrong with it.
    """

    label: str
    output: str
    problem: str = ""
    sentence: str = ""
    where: str = ""
    remark: str = ""
    got: Tree = None
    expected: Tree = None
    near: bool = False

    @property
    def ok(self) -> bool:
        """Whether the quantity is right."""
        return not self.problem


def superscript(index: int) -> str:
    """Write a layer's number the way the lessons do: ⁽¹⁾."""
    return "⁽" + str(index).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")) + "⁾"


def compare(spec: Returns, got: Tree, expected: Tree, function: str) -> list[Finding]:
    """Return the findings for one returned value."""
    if got is None:
        what = f"`{function}` returned None: is the `return` missing?"
        return [Finding("", EVERY_PART, "none", what)]
    return list(_walk(spec, got, expected, function, "", EVERY_PART))


def names(spec: Returns) -> list[str]:
    """Return the names of the items of a `Several`, or the one name there is."""
    if isinstance(spec, Several):
        return [_name(item) for item in spec.items]
    return [_name(spec)]


def asked(spec: Returns) -> str:
    """Say in a few words what is to be returned."""
    return _name(spec) if isinstance(spec, Several | Layers | Fields) else "numbers"


def _name(spec: Returns) -> str:
    if isinstance(spec, Several):
        return "(" + ", ".join(map(_name, spec.items)) + ")"
    if isinstance(spec, Layers):
        return f"[{_name(spec.item)}, …]"
    if isinstance(spec, Fields):
        return "{" + ", ".join(spec.items) + "}"
    return spec.name


def _walk(
    spec: Returns, got: Tree, expected: Tree, function: str, index: str, output: str
) -> Iterator[Finding]:
    if isinstance(spec, Several):
        yield from _several(spec, got, expected, function, index, output)
    elif isinstance(spec, Layers):
        yield from _layers(spec, got, expected, function, index, output)
    elif isinstance(spec, Fields):
        yield from _fields(spec, got, expected, function, index, output)
    else:
        yield _leaf(spec, got, expected, index, output)


def _several(
    spec: Several, got: Tree, expected: Tree, function: str, index: str, output: str
) -> Iterator[Finding]:
    wanted = f"{len(spec.items)} things, {_name(spec)}"
    place = f"entry{index} of the result" if index else f"`{function}`"
    items = _items(got)
    alone = _alone(spec, got, expected)
    if items is None:
        what = f"{place} should give {wanted}; yours gave {describe(got)}."
    elif alone:
        what = f"{place} should give {wanted}; yours gave {alone}."
    elif len(items) != len(spec.items):
        what = f"{place} should give {wanted}; yours gave {len(items)}: {describe(got)}."
    else:
        for item, g, e in zip(spec.items, items, expected, strict=True):
            yield from _walk(item, g, e, function, index, output or _name(item))
        return
    yield Finding(_name(spec) + index, output, "structure", what[0].upper() + what[1:])


def _alone(spec: Several, got: Tree, expected: Tree) -> str:
    """Tell which one of several things came back alone, though it can be taken apart as well."""
    alone = [
        item for item, ours in zip(spec.items, expected, strict=True) if _formed(item, got, ours)
    ]
    items = _items(got)
    if not alone or not items:
        return ""
    if len(items) == len(spec.items) and any(
        _formed(item, yours, ours)
        for item, yours, ours in zip(spec.items, items, expected, strict=True)
    ):
        return ""
    known = len(alone) == 1
    if not isinstance(got, np.ndarray):
        return f"{_name(alone[0])} alone" if known else f"one of them alone, {describe(got)}"
    return f"one array, of shape {got.shape}" + (f" like {_name(alone[0])}" if known else "")


def _formed(spec: Returns, got: Tree, expected: Tree) -> bool:
    """Tell whether a value has the structure and the shapes of what is asked for."""
    if isinstance(spec, Several | Layers):
        if not isinstance(got, list | tuple) or len(got) != len(expected):
            return False
        items = spec.items if isinstance(spec, Several) else [spec.item] * len(expected)
        return all(_formed(i, g, e) for i, g, e in zip(items, got, expected, strict=True))
    return (
        isinstance(got, np.ndarray)
        and np.ndim(expected) > 0
        and np.shape(got) == np.shape(expected)
    )


def _layers(
    spec: Layers, got: Tree, expected: Tree, function: str, index: str, output: str
) -> Iterator[Finding]:
    items = _items(got)
    name = _name(spec)
    if items is not None and isinstance(spec.item, Several) and _turned(spec.item, items, expected):
        lists = ", ".join(f"[{part}, …]" for part in map(_name, spec.item.items))
        what = f"{name} is asked for, one entry for each layer; yours is ({lists}): zip turns it."
    elif items is None:
        what = f"{name} should be a list with {len(expected)} entries; yours is {describe(got)}."
    elif len(items) != len(expected):
        count = "1 entry" if len(items) == 1 else f"{len(items)} entries"
        what = f"{name} should have {len(expected)} entries, one for each layer; yours has {count}."
    elif len(items) > 1 and not alike(got, expected) and alike(list(reversed(items)), expected):
        what = (
            f"The numbers are right, but {name} is in the reverse order: the last layer is first."
        )
    elif len(items) > 1 and not _form(items, expected) and _form(items[::-1], expected):
        what = f"Going by the shapes, {name} is in the reverse order: the last layer is first."
    else:
        for number, (g, e) in enumerate(zip(items, expected, strict=True), start=spec.first):
            yield from _walk(spec.item, g, e, function, index + superscript(number), output)
        return
    yield Finding(name, output, "structure", what)


def _form(items: Sequence[Tree], expected: Sequence[Tree]) -> bool:
    """Tell whether entries, pairs of arrays mostly, have the shapes of what is asked for."""
    for yours, ours in zip(items, expected, strict=True):
        pairs = isinstance(ours, list | tuple)
        if pairs and not (isinstance(yours, list | tuple) and len(yours) == len(ours)):
            return False
        if _shapes(yours if pairs else [yours]) != _shapes(ours if pairs else [ours]):
            return False
    return True


def _turned(item: Several, items: Sequence[Tree], expected: Sequence[Tree]) -> bool:
    """Tell whether lists by quantity came back where a list by layer is asked for."""
    lists = [_items(part) for part in items]
    if len(lists) != len(item.items) or not all(isinstance(part, list | tuple) for part in items):
        return False
    if any(part is None or len(part) != len(expected) for part in lists):
        return False
    shapes = [_shapes(part) for part in expected]
    turned = [_shapes(layer) for layer in zip(*(part or [] for part in lists), strict=True)]
    return turned == shapes and [_shapes(part) for part in items] != shapes


def _shapes(parts: Sequence[Tree]) -> list[tuple[int, ...] | None]:
    arrays = [_as_numbers(part) for part in parts]
    return [None if array is None else array.shape for array in arrays]


def _fields(
    spec: Fields, got: Tree, expected: Tree, function: str, index: str, output: str
) -> Iterator[Finding]:
    if not isinstance(got, dict):
        what = f"A dictionary with the keys {_name(spec)} is asked for; yours is {describe(got)}."
        yield Finding(_name(spec), output, "structure", what)
        return
    if missing := [key for key in spec.items if key not in got]:
        what = f"The dictionary lacks {', '.join(map(repr, missing))}; it has {sorted(got)}."
        yield Finding(_name(spec), output, "structure", what)
        return
    for key, item in spec.items.items():
        yield from _walk(item, got[key], expected[key], function, index, output)


def _items(got: Tree) -> Sequence[Tree] | None:
    """Return the entries of a tuple, a list, or an array that unpacks like one."""
    if isinstance(got, list | tuple):
        return got
    if isinstance(got, np.ndarray) and got.ndim > 0:
        return list(got)
    return None


# --------------------------------------------------------------------------------------
# one quantity


def _leaf(spec: Leaf, got: Tree, expected: Tree, index: str, output: str) -> Finding:
    label = spec.name + index
    part = output

    def wrong(problem: str, sentence: str, where: str = "") -> Finding:
        return Finding(label, part, problem, sentence, where, "", got, expected)

    if isinstance(spec, Anything):
        return Finding(label, part, got=got, expected=expected)
    if got is None:
        return wrong("none", f"{label} is None.")
    if isinstance(spec, Text):
        if got == expected:
            return Finding(label, part, got=got, expected=expected)
        return wrong("value", f"{label} is {got!r}; expected {expected!r}.")
    if isinstance(spec, Flag | Integer):
        return _whole(spec, got, expected, label, part)

    remark = ""
    numbers = _as_numbers(got)
    if numbers is None:
        return wrong("type", f"{label} is {describe(got)}; {_wanted(spec, expected)} is asked for.")
    reference = np.asarray(expected)
    listed = isinstance(got, list | tuple) and reference.ndim > 0
    if listed and not (isinstance(spec, Array) and spec.list_ok):
        what = f"{label} is {describe(got)}; an array is asked for (np.array turns it into one)."
        return wrong("type", what)
    if numbers.dtype.kind == "b":
        what = f"{label} holds truth values; numbers are asked for (1.0 and 0.0)."
        return wrong("dtype", what)
    if numbers.dtype.kind == "c" and reference.dtype.kind != "c":
        return wrong("dtype", f"{label} holds complex numbers; real ones are asked for.")
    if numbers.shape != reference.shape:
        return wrong("shape", _shape_sentence(spec, label, index, numbers, reference))
    if isinstance(spec, Array) and numbers.dtype.kind in "iu" and reference.dtype.kind == "f":
        if spec.kind == "strict float":
            what = f"{label} holds integers ({numbers.dtype}); floats are asked for."
            return wrong("dtype", what)
        remark = (
            f"{label} holds integers; the values agree, but floats are what the next step needs."
        )
    if isinstance(spec, Array) and spec.kind == "integer" and numbers.dtype.kind not in "iu":
        return wrong("dtype", f"{label} is of dtype {numbers.dtype}; whole numbers are asked for.")

    rtol, atol = spec.rtol, spec.atol
    if single(numbers) or single(reference):
        rtol, atol = max(rtol, FLOAT32_RTOL), max(atol, FLOAT32_ATOL)
        if not single(reference):
            remark = (
                f"{label} was computed in {numbers.dtype}; it differs by no more than rounding, "
                "so it is accepted."
            )
    if close(numbers, reference, rtol, atol):
        return Finding(label, part, remark=remark, got=got, expected=expected)
    nan = np.isnan(numbers) & ~np.isnan(reference)
    if nan.any():
        first = _index(np.argwhere(nan)[0])
        what = f"{label} contains nan (not a number)"
        return wrong("nan", f"{what}{' at ' + first if first else ''}.", first)
    where, sentence = _difference(label, numbers, reference, rtol, atol)
    agrees = _agreement(numbers, reference)
    if agrees:
        sentence += f" {agrees}"
    elif _cut_off(numbers, reference):
        sentence += f" {label} holds integers ({numbers.dtype}): the decimals were cut off."
    elif _transpose_of(numbers, reference, rtol, atol):
        sentence += " Yours is the transpose of what is expected."
    return replace(wrong("value", sentence, where), near=bool(agrees))


def _whole(spec: Flag | Integer, got: Tree, expected: Tree, label: str, part: str) -> Finding:
    numbers = _as_numbers(got)
    kind = "True or False" if isinstance(spec, Flag) else "one whole number"
    if numbers is None or numbers.ndim > 0 or numbers.dtype.kind == "c":
        what = f"{label} is {describe(got)}; {kind} is asked for."
        return Finding(label, part, "type", what, got=got, expected=expected)
    if numbers == expected:
        return Finding(label, part, got=got, expected=expected)
    what = f"{label} is {got}; expected {expected}."
    return Finding(label, part, "value", what, got=got, expected=expected)


def _as_numbers(got: Tree) -> Numbers | None:
    if isinstance(got, bool | int | float | complex | np.ndarray):
        return np.asarray(got)
    if isinstance(got, list | tuple):
        try:
            array = np.array(got)
        except ValueError:  # ragged
            return None
        return array if array.dtype.kind in "biufc" else None
    return None


def single(array: Numbers) -> bool:
    """Tell whether an array has fewer digits than float64."""
    return (array.dtype.kind == "f" and array.itemsize < 8) or (
        array.dtype.kind == "c" and array.itemsize < 16
    )


_TINY, _HUGE = 1e-200, 1e200
"""Between them a sum of squares is exact enough as it stands."""


def close(got: Numbers, expected: Numbers, rtol: float, atol: float) -> bool:
    """‖got − expected‖ ≤ rtol ‖expected‖ + atol; nan and ±∞ must sit in the same places."""
    if got.shape != expected.shape:
        return False
    if got.dtype == expected.dtype == np.float64:  # the usual case, with a third of the work
        square, size = np.vdot(got, got), np.vdot(expected, expected)
        if _TINY < size < _HUGE and square < _HUGE:  # so nothing is nan or infinite
            gap = got - expected
            return bool(np.vdot(gap, gap) ** 0.5 <= rtol * size**0.5 + atol)
    finite = np.isfinite(expected)
    same_places = np.isfinite(got) == finite
    if not same_places.all():
        return False
    if not finite.all() and not np.array_equal(got[~finite], expected[~finite], equal_nan=True):
        return False
    kind = np.complex128 if "c" in (got.dtype.kind, expected.dtype.kind) else np.float64
    g, e = got[finite].astype(kind), expected[finite].astype(kind)
    if g.size == 0:
        return True
    scale = float(max(np.abs(e).max(), np.abs(g).max(), 1e-300))
    difference = float(np.linalg.norm(g / scale - e / scale))
    return difference <= rtol * float(np.linalg.norm(e / scale)) + atol / scale


def _difference(
    label: str, got: Numbers, expected: Numbers, rtol: float, atol: float
) -> tuple[str, str]:
    """Say where two arrays differ: how many entries, and the one that differs most."""
    with np.errstate(all="ignore"):
        gap = np.abs(got.astype(complex) - expected.astype(complex))
        gap = np.where(np.isnan(gap), np.inf, gap)
        gap = np.where(got == expected, 0.0, gap)  # ∞ − ∞
    limit = rtol * _largest(expected) + atol
    wrong = gap > limit
    if not wrong.any():  # many tiny differences
        wrong = gap >= gap.max()
    if got.ndim == 0:
        yours, ours = apart(got, expected)
        return "", f"{label} is {yours}; expected {ours}."
    worst = np.unravel_index(int(np.argmax(gap)), gap.shape)
    first = _index(worst)
    count = int(wrong.sum())
    many = "all entries differ" if count == gap.size else f"{count} of {gap.size} entries differ"
    least = NEGLIGIBLE * max(_largest(expected), min(_largest(got), 1.0))
    pair: tuple[Any, ...] = (got[worst], expected[worst])
    if max(map(abs, pair)) >= least:  # one of the two at most is what rounding left of a zero
        pair = tuple(0.0 if abs(x) < least else x for x in pair)
    yours, ours = apart(*pair)
    return first, f"{label}: {many}, most at {first}, where it is {yours}; expected {ours}."


def _agreement(got: Numbers, expected: Numbers) -> str:
    """Say to how many decimals or digits a wrong answer agrees, "" if it does not."""
    if got.dtype.kind not in "fc" or not (np.isfinite(got).all() and np.isfinite(expected).all()):
        return ""
    largest = _largest(expected)
    with np.errstate(over="ignore"):
        gap = float(np.abs(got - expected).max(initial=0.0))
    if not 1e-17 * largest < gap <= 5e-3 * largest:
        return ""
    for decimals in range(1, 13):
        kept = np.round(expected, decimals)
        if (
            _largest(got - kept) <= 1e-14 * largest
            and _largest(kept - np.round(got, decimals)) == 0
        ):
            places = "1 decimal" if decimals == 1 else f"{decimals} decimals"
            return f"It agrees to {places}: was it rounded?"
    agreeing = int(-np.log10(gap / largest))
    if agreeing < 4:
        return ""
    single = " (float32 keeps about 7)" if 6 <= agreeing <= 8 else ""
    return (
        f"It agrees to {agreeing} digits: is something rounded on the way{single}, or approximated?"
    )


def _largest(array: Numbers) -> float:
    finite = array[np.isfinite(array)]
    return float(np.abs(finite).max()) if finite.size else 0.0


def _index(index: Any) -> str:
    numbers = [str(int(i)) for i in index]
    return "[" + ", ".join(numbers) + "]" if numbers else ""


def _shape_sentence(
    spec: Array | Number, label: str, index: str, got: Numbers, expected: Numbers
) -> str:
    if isinstance(spec, Number):
        return f"{label} is an array of shape {got.shape}; one number is asked for."
    found = "a single number" if got.ndim == 0 else f"{got.shape}"
    if not spec.like:
        sentence = f"{label} is {found}; expected shape {expected.shape}"
    else:
        sentence = f"{label} is {found} but {spec.like}{index} is {expected.shape}"
    if spec.because:
        sentence += f": {spec.because}"
    if got.ndim == 2 and got.shape == expected.shape[::-1]:
        if _transpose_of(got, expected, spec.rtol, spec.atol):
            sentence += "; yours is its transpose"
        elif close(got.ravel(), expected.ravel(), spec.rtol, spec.atol):
            sentence += "; yours has the same numbers in the order of a reshape"
        else:
            sentence += "; yours has the shape of its transpose"
    return sentence + "."


def _cut_off(got: Numbers, expected: Numbers) -> bool:
    if got.dtype.kind not in "iu" or expected.dtype.kind != "f":
        return False
    return close(got, np.trunc(expected), 0.0, 0.0)


def _transpose_of(got: Numbers, expected: Numbers, rtol: float, atol: float) -> bool:
    if got.ndim != 2 or got.shape != expected.shape[::-1]:
        return False
    rtol = FLOAT32_RTOL if single(got) else rtol
    return close(got.T, expected, max(rtol, RTOL), max(atol, ATOL))


def _wanted(spec: Leaf, expected: Tree) -> str:
    if isinstance(spec, Number):
        return "one number"
    return f"an array of shape {np.asarray(expected).shape}"


# --------------------------------------------------------------------------------------
# without a description


def alike(a: Tree, b: Tree) -> bool:
    """Tell whether two values are the same up to rounding, a list being as good as a tuple."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    x, y = _as_numbers(a), _as_numbers(b)
    if x is not None and y is not None:
        if x.shape != y.shape:
            return False
        if single(x) or single(y):
            return close(x, y, FLOAT32_RTOL, FLOAT32_ATOL)
        return close(x, y, 1e-9, 1e-12)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(alike(i, j) for i, j in zip(a, b, strict=True))
    return type(a) is type(b) and not isinstance(a, np.ndarray) and bool(a == b)


# --------------------------------------------------------------------------------------
# words


NEGLIGIBLE = 1e-14
"""An entry this much smaller than the largest one is what rounding left of a zero."""


def apart(got: Any, expected: Any) -> tuple[str, str]:
    """Write two numbers with as many digits as it takes to tell them apart."""
    for count in range(4, 18):
        yours, ours = digits(got, count), digits(expected, count)
        if yours != ours:
            return yours, ours
    return digits(got), digits(expected)


def digits(value: Any, count: int = 4) -> str:
    """Write one number with four significant digits, so that Python can read it back."""
    if isinstance(value, np.ndarray):
        value = value[()]
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return str(value)
    if isinstance(value, complex | np.complexfloating):
        sign = "+" if value.imag >= 0 else "-"
        return f"{digits(value.real, count)}{sign}{digits(abs(value.imag), count)}j"
    return f"{float(value):.{count}g}".replace("e+0", "e+").replace("e-0", "e-")


def describe(value: Tree) -> str:
    """Name the type of a value, with its size."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        if value.ndim == 0:
            return "a single number"
        return f"an array of shape {value.shape}"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float | complex):
        return "a single number"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        inside = {describe(item) for item in value[:1000]}  # more would take the judge its time
        if len(inside) == 1 and value:
            what = inside.pop().replace("a single number", "numbers")
            return (
                f"a {kind} of {len(value)} {what[: -1 if len(value) == 1 else None]}"
                if what == "numbers"
                else _many(kind, value, what)
            )
        return f"a {kind} of {len(value)} things" if value else f"an empty {kind}"
    if isinstance(value, dict):
        return f"a dictionary with the keys {sorted(value)}"
    return f"a {type(value).__name__}"


def _many(kind: str, value: Sequence[Tree], what: str) -> str:
    if len(value) == 1:
        return f"a {kind} of 1 thing, {what}"
    return f"a {kind} of {len(value)} things, each {what}"
