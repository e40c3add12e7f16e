"""The words of the judge: what went wrong, said in terms of the task."""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from autograder.engine.compare import (
    NEGLIGIBLE,
    Finding,
    alike,
    apart,
    asked,
    compare,
    describe,
    digits,
)
from autograder.engine.diagnose import diagnose
from autograder.engine.facts import base, order
from autograder.engine.step import Case, Mistake, Returns, Step
from autograder.inside.runner import Tree

if TYPE_CHECKING:
    from autograder.engine.judge import CaseResult

MAX_ROWS, MAX_COLUMNS = 6, 8


@dataclass(frozen=True)
class Named:
    """A known mistake that gives the student's numbers."""

    id: str
    name: str
    hint: str
    equation: str


@dataclass(frozen=True)
class Failure:
    """The first failing case of one function, with everything there is to say about it."""

    function: str
    case: str
    kind: str
    status: str
    call: str
    inputs: list[tuple[str, str]]
    sentences: list[str]
    label: str
    got: str
    expected: str
    error: dict[str, Tree] | None
    mistakes: list[Named]
    certain: bool
    known: bool
    diagnosis: str
    equation: str
    printed: str
    failed: int = 0
    of: int = 0
    pattern: str = ""
    facts: list[str] = field(default_factory=list)
    exchanged: bool = False
    partly: tuple[str, str, int, int] | None = None


def failure(
    step: Step,
    case: Case,
    args: Mapping[str, Tree],
    outcome: Mapping[str, Tree],
    expected: Mapping[str, Tree] | None,
    findings: Sequence[Finding],
    problems: Sequence[str],
    conduct: Sequence[str],
    mistakes: Sequence[tuple[Mistake, bool]],
) -> Failure:
    """Put together what a student reads about one failing case."""
    wrong = [finding for finding in findings if not finding.ok]
    named = [Named(m.id, m.name, m.hint, m.equation or step.equation) for m, _ in mistakes]
    known = expected is not None and expected["status"] == "ok" and not case.raises
    truth = expected["value"] if expected is not None and known else None
    label, got, right = "", "", ""
    exchanged = order(step.returns(case), outcome["value"], truth) if wrong and known else ""
    if exchanged:
        least = NEGLIGIBLE * _largest(truth)
        got, right = show(outcome["value"], least=least), show(truth, least=least)
    elif wrong and wrong[0].problem not in ("none", "structure"):
        label = wrong[0].label
        got, right = told_apart(wrong[0].got, wrong[0].expected, truth)
    elif outcome["value"] is not None and (wrong or problems):
        got = show(outcome["value"])
        if known and case.compare:
            got, right = told_apart(outcome["value"], truth, truth)
            if alike(outcome["value"], truth):  # the numbers are not what is wrong
                got, right = "", ""
    way = None
    if outcome["status"] == "ok" and known and not case.driver:
        function = step.function(case.call.function)
        structure = any(finding.problem in ("none", "structure") for finding in wrong)
        near = all(finding.near for finding in wrong)
        if wrong and not structure and not near and not exchanged:
            way = diagnose(function, outcome["value"], truth, args)
    equation = step.equation
    if len(named) == 1:
        equation = named[0].equation
    elif way is not None and way.equation:
        equation = way.equation
    told = 1 if all(finding.near for finding in wrong) else 3
    sentences = [finding.sentence for finding in wrong[:told]]
    if len(wrong) > told:
        rest = ", ".join(dict.fromkeys(finding.label for finding in wrong[told:]))
        sentences.append(f"Also wrong: {rest}.")
    sentences = [*([exchanged] if exchanged else sentences), *problems, *conduct]
    return Failure(
        function=case.call.function,
        case=case.name,
        kind=case.kind,
        status=str(outcome["status"]),
        call=written(case, args),
        inputs=[(name, show(value)) for name, value in args.items()],
        sentences=sentences,
        label=label,
        got=got,
        expected=right,
        error=outcome["error"] if outcome["error"] and outcome["error"]["trace"] else None,
        mistakes=named,
        certain=len(mistakes) == 1 and mistakes[0][1],
        known=bool(mistakes)
        or bool(exchanged)
        or bool(conduct)
        or not wrong
        or wrong[0].problem != "value"
        or wrong[0].near,
        diagnosis=way.sentence if way is not None else "",
        equation=equation,
        printed=str(outcome["printed"]),
        exchanged=bool(exchanged),
    )


# --------------------------------------------------------------------------------------
# one sentence for each way to fail


def not_ok(step: Step, case: Case, outcome: Mapping[str, Tree]) -> str:
    """Say why there is no value."""
    name, error = case.call.function, outcome["error"]
    signature = step.function(name).signature
    if outcome["status"] == "missing":
        if error["type"] == "TypeError":
            return f"`{error['message']}` is not a function."
        return (
            f"There is no function called `{error['message']}`: check the spelling, and that the "
            "cell that defines it has been run."
        )
    if outcome["status"] == "not-started":
        inner = error["function"]
        if inner and inner not in step.names and inner.isidentifier() and inner[0] != "_":
            return (
                f"`{inner}`, which `{name}` calls, is not started: it raises NotImplementedError."
            )
        return f"`{name}` is not started: it still raises NotImplementedError."
    if outcome["status"] == "timeout":
        return (
            f"`{name}` gave no answer in time ({error['message']}): is there a loop that never "
            "ends?"
        )
    if outcome["status"] == "unserialisable":
        kind = error["type"]
        if _is_exception(kind):
            return f"`{name}` returned a {kind}; to refuse an input, raise it: `raise {kind}(…)`."
        if kind in ("generator", "map", "filter", "zip"):
            return f"`{name}` returned a {kind}, not a value: list(…) or a loop turns it into one."
        if kind in ("function", "method", "builtin_function_or_method"):
            return f"`{name}` returned a function: are the parentheses of a call missing?"
        wanted = asked(step.returns(case))
        return f"`{name}` should return {wanted}, but {error['message']}."
    if error["at_call"]:
        return _at_call(name, signature, case, error)
    if "read-only" in error["message"]:
        return (
            f"`{name}` tries to change its input in {_line(error)}. Work on a copy: the caller "
            "still needs the old values."
        )
    if is_shape_error(error):
        return (
            f"The shapes do not fit in {_line(error)}{_shapes(error) or ': ' + error['message']}."
        )
    if "IndexError" in error["bases"]:
        return f"{error['type']} in {_line(error)}: {error['message']}{_shapes(error)}."
    said = f"{error['type']} in {_line(error)}: {error['message']}"
    if "KeyError" in error["bases"] and (keys := _keys(step, case)):
        return f"{said}. {keys}"
    if "NoneType" in error["message"] and (left := _left_out(step, case)):
        return f"{said}. {left}"
    return said


def _keys(step: Step, case: Case) -> str:
    """Say which keys the dictionaries among the arguments have."""
    parameters = step.function(case.call.function).parameters
    given = {**dict(zip(parameters, case.call.args, strict=False)), **case.call.kwargs}
    return " ".join(
        f"`{name}` has the keys {', '.join(map(repr, value))}."
        for name, value in given.items()
        if isinstance(value, dict) and not any(str(key).startswith("$") for key in value)
    )


def _left_out(step: Step, case: Case) -> str:
    """Say which arguments are None because the call leaves them out."""
    function = step.function(case.call.function)
    if case.driver:
        return ""
    absent = [
        f"`{name}`"
        for name in function.parameters[len(case.call.args) :]
        if name not in case.call.kwargs and f"{name}=None" in function.signature.replace(" ", "")
    ]
    if not absent:
        return ""
    several = absent[0] if len(absent) == 1 else f"{', '.join(absent[:-1])} and {absent[-1]}"
    return f"This call leaves {several} out: None."


def parts(explained: Sequence[tuple[str, Mistake]]) -> list[str]:
    """Say which known mistake gives one quantity of an answer, whatever the others are."""
    return [f"{part} is what you get with: {m.name}. {m.hint}" for part, m in explained]


def _at_call(name: str, signature: str, case: Case, error: Mapping[str, Tree]) -> str:
    message = str(error["message"])
    if error["type"] == "TypeError" and "()" in message:
        if "missing" in message:
            names = ", ".join(re.findall(r"'(\w+)'", message))
            return f"`{name}` is called as `{signature}`, but yours also wants {names}."
        if "positional argument" in message:
            return (
                f"`{name}` is called as `{signature}`, but yours takes another number of "
                f"arguments: {message}."
            )
        if found := re.search(r"unexpected keyword argument '(\w+)'", message):
            return f"`{name}` is called as `{signature}`, but yours has no argument `{found[1]}`."
    if case.driver:
        return f"What `{name}` gives cannot be used as the task says: {error['type']}: {message}"
    return f"Calling `{signature}` raised {error['type']}: {message}"


def _line(error: Mapping[str, Tree]) -> str:
    if error["line"] is None:
        return "your code"
    source = f", `{error['source']}`" if error["source"] else ""
    return f"line {error['line']} of `{error['function']}`{source}"


def _shapes(error: Mapping[str, Tree]) -> str:
    pairs = error.get("shapes") or []
    shapes = [f"{name} = {value}" for name, value in pairs if not value.startswith("(")]
    shapes += [f"{name} is {shape}" for name, shape in pairs if shape.startswith("(")]
    if not shapes:
        return ""
    return ", where " + " and ".join([", ".join(shapes[:-1]), shapes[-1]] if shapes[1:] else shapes)


_SHAPE = re.compile(r"shape|dimension|broadcast|not aligned|mismatch|inhomogeneous|axis|size")


_RANGE = re.compile(r"out of (range|bounds)")


def is_shape_error(error: Mapping[str, Tree]) -> bool:
    """Tell whether an exception speaks of shapes that do not fit; an index too far does not."""
    message = str(error["message"])
    if not {"ValueError", "IndexError"} & set(error["bases"]) or _RANGE.search(message):
        return False
    return bool(_SHAPE.search(message))


def same_error(a: Mapping[str, Tree], b: Mapping[str, Tree]) -> bool:
    """Tell whether two exceptions come of the same thing; shape errors are worded in many ways."""
    if is_shape_error(a) and is_shape_error(b):
        return True
    return bool(a["type"] == b["type"] and a["message"] == b["message"])


def should_raise(case: Case, outcome: Mapping[str, Tree]) -> str:
    """Say that an exception was due."""
    kind = " or ".join(case.raises)
    if outcome["status"] == "ok":
        return (
            f"This input should be refused with a {kind}; yours returned {brief(outcome['value'])}."
        )
    if outcome["status"] == "raised":
        error = outcome["error"]
        return (
            f"This input should be refused with a {kind}; yours raised "
            f"{error['type']}: {error['message']}"
        )
    if outcome["status"] == "not-started":
        return f"`{case.call.function}` is not started: it still raises NotImplementedError."
    if outcome["status"] == "unserialisable" and _is_exception(outcome["error"]["type"]):
        returned = outcome["error"]["type"]
        return (
            f"This input should be refused with a {kind}; yours returned a {returned}: write "
            f"`raise {returned}(…)` in place of `return`."
        )
    return f"This input should be refused with a {kind}; there was none."


def _is_exception(name: str) -> bool:
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, BaseException)


def changed(step: Step, case: Case, path: str) -> str:
    """Say which input was modified."""
    name = path
    if found := re.match(r"args\[(\d+)\]", path):
        parameters = step.function(case.call.function).parameters
        position = int(found[1])
        name = parameters[position] if position < len(parameters) else path
    elif found := re.match(r"kwargs\['(\w+)'\]", path):
        name = found[1]
    return (
        f"`{case.call.function}` changed its input `{name}`. Work on a copy: the caller still "
        "needs the old values."
    )


def noise(outcome: Mapping[str, Tree]) -> list[str]:
    """Say what numpy warned of."""
    return [
        f"numpy warned: {warning['message']}"
        + (f", in line {warning['line']}, `{warning['source']}`" if warning["line"] else "")
        + "."
        for warning in outcome["warned"]
        if warning["category"] == "RuntimeWarning"
    ]


def counts(yours: Mapping[str, int], ours: Mapping[str, int]) -> str:
    """Say that a given function was called too often or too seldom."""
    said = [
        f"`{name}` is called {yours.get(name, 0)} times; {count} are needed"
        for name, count in ours.items()
        if yours.get(name, 0) != count
    ]
    return "; ".join(said) + "."


def memory(peak: int, limit: int) -> str:
    """Say that too much memory was taken."""
    return (
        f"The call took {peak / 1e6:.3g} MB at its peak; {limit / 1e6:.3g} MB are plenty. Is a "
        "large matrix built that is not needed?"
    )


def again(step: Step, case: Case, before: Mapping[str, Tree], after: Mapping[str, Tree]) -> str:
    """Say that the second call of the same thing came out differently."""
    name = case.call.function
    assert name in step.names
    told = f"first {brief(before['value'])}, then "
    if after["status"] != "ok":
        told += str(after["error"]["type"])
    else:
        found = _first_difference(step.returns(case), before["value"], after["value"])
        told = found or told + brief(after["value"])
    return (
        f"`{name}` called twice with the same arguments gave two answers: {told}. The result must "
        "depend on the arguments alone, not on earlier calls, global variables or chance."
    )


def _first_difference(spec: Returns, before: Tree, after: Tree) -> str:
    """Say which number of an answer changed, "" when it is not a matter of one number."""
    for finding in compare(spec, after, before, ""):
        if finding.problem not in ("value", "nan"):
            continue
        was, now = np.asarray(finding.expected), np.asarray(finding.got)
        if was.dtype.kind not in "biufc" or now.dtype.kind not in "biufc":
            return ""
        place = tuple(int(i) for i in np.argwhere(was != now)[0])
        where = f"[{', '.join(map(str, place))}]" if place else ""
        first, second = apart(was[place], now[place])
        return f"{finding.label}{where} was {first}, then {second}"
    return ""


def remarks(results: Sequence[CaseResult], outcomes: Sequence[Mapping[str, Tree]]) -> list[str]:
    """Collect what is worth saying about right answers: rounding, lists, warnings."""
    bad = {base(f.label) for result in results for f in result.findings if not f.ok}
    said = _together([remark for result in results for remark in result.remarks], bad)
    wrong = [f.sentence for result in results for f in result.findings if not f.ok]
    if any("decimals were cut off" in sentence for sentence in wrong):
        said = [remark for remark in said if "holds integers" not in remark]
    failing = {result.function for result in results if not result.ok}
    for result, outcome in zip(results, outcomes, strict=True):
        if result.function not in failing:
            said += [
                f"`{result.function}`: {text} The values are right." for text in noise(outcome)
            ]
    return list(dict.fromkeys(said))[:5]


_ROUNDED = re.compile(r"(.*) was computed in (\w+); it differs by no more than rounding")


def _together(remarks: Sequence[str], wrong: set[str]) -> list[str]:
    """Say once for all layers that float32 was used; not of what is wrong in another case."""
    kinds: dict[str, dict[str, None]] = {}
    said: list[str] = []
    for remark in remarks:
        found = _ROUNDED.match(remark)
        if found is None:
            said.append(remark)
        elif base(found[1]) not in wrong:
            kinds.setdefault(found[2], {})[base(found[1])] = None
    for kind, labels in kinds.items():
        if len(labels) == 1:
            text = f"{next(iter(labels))} was computed in {kind}; it differs"
            said.append(f"{text} by no more than rounding, so it is accepted.")
        else:
            *most, last = labels
            text = f"{', '.join(most)} and {last} were computed in {kind}; they differ"
            said.append(f"{text} by no more than rounding, so they are accepted.")
    return said


# --------------------------------------------------------------------------------------
# values in words


def resolved(tree: Tree) -> Any:
    """Put what a marker stands for in its place: the array of a view, the name of a callable."""
    if isinstance(tree, dict):
        if "$view" in tree:
            return np.asarray(tree["$view"])
        if "$fn" in tree:
            return Verbatim(str(tree["$fn"]))
        if "$rng" in tree:
            return Verbatim(f"default_rng({tree['$rng']})")
        return {key: resolved(item) for key, item in tree.items()}
    if isinstance(tree, list):
        return [resolved(item) for item in tree]
    if isinstance(tree, tuple):
        return tuple(resolved(item) for item in tree)
    return tree


class Verbatim(str):
    """A text that is shown without quotes."""

    __slots__ = ()


def written(case: Case, args: Mapping[str, Tree]) -> str:
    """Write a call with the names of its arguments."""
    options = case.call.kwargs
    parts = [f"{name}={name}" if name in options else name for name in args]
    return f"{case.call.function}({', '.join(parts)})"


def brief(value: Tree) -> str:
    """Write a value on one line, or name its type if it is large."""
    text = show(value)
    return text if "\n" not in text and len(text) < 70 else describe(value)


def told_apart(got: Tree, expected: Tree, whole: Tree = None) -> tuple[str, str]:
    """Write two values; with more than four digits where those do not tell them apart.

    At four digits what rounding left of a zero is written as zero; `whole` is the answer that
    `expected` is a part of, and tells how large its numbers are.
    """
    least = NEGLIGIBLE * max(_largest(expected), _largest(whole))
    yours, ours = show(got, least=least), show(expected, least=least)
    for count in range(5, 18):
        if yours != ours:
            return yours, ours
        yours, ours = show(got, count=count), show(expected, count=count)
    return (yours, ours) if yours != ours else (show(got), show(expected))


def _largest(tree: Tree) -> float:
    """The largest finite entry of the arrays in a tree, by magnitude."""
    if isinstance(tree, dict):
        return max(map(_largest, tree.values()), default=0.0)
    if isinstance(tree, list | tuple):
        return max(map(_largest, tree), default=0.0)
    if not isinstance(tree, np.ndarray) or tree.dtype.kind not in "fc":
        return 0.0
    return float(np.abs(tree[np.isfinite(tree)]).max(initial=0.0))


def show(value: Tree, indent: int = 0, count: int = 4, least: float = 0.0) -> str:
    """Write a value with `count` significant digits, large ones shortened.

    Numbers smaller than `least` are written as zero.
    """
    if isinstance(value, Verbatim):
        return str(value)
    if value is None or isinstance(value, str):
        return repr(value) if len(repr(value)) < 200 else repr(value)[:200] + "…"
    if isinstance(value, bool | int | float | complex | np.generic):
        return _digits(value, count, least)
    if isinstance(value, np.ndarray):
        return _array(value, indent, count, least)
    if isinstance(value, dict):
        lines = [
            f"{key!r}: {show(item, indent + len(repr(key)) + 3, count, least)}"
            for key, item in value.items()
        ]
        return "{" + (",\n" + " " * (indent + 1)).join(lines) + "}"
    if isinstance(value, list | tuple):
        opening, closing = ("[", "]") if isinstance(value, list) else ("(", ")")
        items = [show(item, indent + 1, count, least) for item in value[:MAX_COLUMNS]]
        if len(value) > MAX_COLUMNS:
            items.append(f"… {len(value) - MAX_COLUMNS} more")
        plain = all("\n" not in item for item in items) and sum(map(len, items)) < 70
        glue = ", " if plain else ",\n" + " " * (indent + 1)
        return opening + glue.join(items) + closing
    return repr(value)


def _digits(value: Any, count: int, least: float) -> str:
    return "0" if abs(value) < least else digits(value, count)  # nan is written as it is


def _array(array: np.ndarray[Any, Any], indent: int, count: int, least: float) -> str:
    if array.ndim == 0:
        return _digits(array, count, least)
    if array.ndim == 1:
        items = [_digits(x, count, least) for x in array[:50]]
        return "[" + ", ".join(_cut(items, array.size, MAX_COLUMNS)) + "]"
    if array.ndim == 2:
        rows = [[_digits(x, count, least) for x in row[:50]] for row in array[: MAX_ROWS + 1]]
        rows = [_cut(row, array.shape[1], MAX_COLUMNS) for row in rows]
        width = max((len(x) for row in rows for x in row), default=0)
        lines = ["[" + ", ".join(x.rjust(width) for x in row) + "]" for row in rows]
        lines = _cut(lines, array.shape[0], MAX_ROWS)
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    return f"array of shape {array.shape}"


def _cut(items: list[str], count: int, most: int) -> list[str]:
    if count <= most:
        return items
    return [*items[: most - 1], f"… {count - most + 1} more"]
