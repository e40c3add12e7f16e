"""`check`: ask, in the notebook, what is wrong with an answer.

    check("softmax", softmax)

shows which cases fail, what came back, what the reference says, and the known mistake that gives
the same numbers. Its value is the points, a plain float, so that the last line of a test cell gives
partial credit in stock nbgrader.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from autograder import bank
from autograder.engine.compare import describe
from autograder.engine.judge import Request, StepResult, judge, requests_for
from autograder.engine.render import Report
from autograder.engine.step import Step
from autograder.inside.runner import Tree, execute, out_of_time, plain


def check(step_id: str, *functions: Any) -> float:
    """Check your answer to a step, show what came out, and return the points."""
    step = bank.get(step_id)
    caller = sys._getframe(1)
    scope = {**caller.f_globals, **caller.f_locals}
    namespace, notes = bind(step, functions, scope)
    result = evaluate(step, namespace)
    _display(Report(result, notes))
    return result.points


def evaluate(step: Step, namespace: Mapping[str, Any], limit: float | None = None) -> StepResult:
    """Run all cases of a step against a namespace, in this process, and judge them."""
    requests = requests_for(step, limit=step.limit if limit is None else limit)
    return judge(step, requests, outcomes_of(namespace, requests))


PATIENCE = 5
"""All calls of one function together may take this many times the limit of a single one."""


def outcomes_of(namespace: Mapping[str, Any], requests: list[Request]) -> list[dict[str, Tree]]:
    """Execute requests one after the other; a function out of time is not called again."""
    outcomes: list[dict[str, Tree]] = []
    late: dict[str, dict[str, Tree]] = {}
    spent: dict[str, float] = {}
    for request in requests:
        name, limit = request.case.call.function, request.wire["limit"]
        outcome = late.get(name) or execute(namespace, request.wire)
        outcomes.append(outcome)
        spent[name] = spent.get(name, 0.0) + outcome["seconds"]
        if outcome["status"] == "timeout":
            late[name] = outcome
        elif limit is not None and spent[name] > PATIENCE * limit:
            late[name] = out_of_time(f"its calls together took more than {PATIENCE * limit:g} s")
    return outcomes


def bind(
    step: Step, functions: tuple[Any, ...], scope: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Match what was passed to `check` with the names of the step.

    A function counts under its own name, or under the name by which the notebook knows it. Returns
    the namespace, and a sentence for whatever does not fit.
    """
    asked = ", ".join(step.names)
    how = f'check("{step.id}", {asked})'
    if not functions:
        return {name: scope[name] for name in step.names if name in scope}, _near(step, scope)
    namespace: dict[str, Any] = {}
    notes: list[str] = []
    left: list[tuple[int, Any]] = []
    for position, function in enumerate(functions):
        name = getattr(function, "__name__", "")
        if not callable(function) or isinstance(function, ModuleType):
            notes.append(
                f"`check` got {_kind(function)}, not a function; pass the function itself, "
                f"without calling it: `{how}`."
            )
        elif name in step.names and name not in namespace:
            namespace[name] = function
        else:
            left.append((position, function))
    for position, function in left:
        name = getattr(function, "__name__", "")
        known = [key for key in step.names if scope.get(key) is function and key not in namespace]
        if known:
            namespace[known[0]] = function
        elif name in ("", "<lambda>") and _free(step, position, namespace):
            namespace[step.names[position]] = function
        elif name:
            notes.append(f"`check` got a function called `{name}`; this step asks for: {asked}.")
    return namespace, notes


def _near(step: Step, scope: Mapping[str, Any]) -> list[str]:
    """Point from a name the notebook does not have to a function of it that is called alike."""
    mine = [key for key, value in scope.items() if callable(value) and key not in step.names]
    found = {
        name: difflib.get_close_matches(name, mine, 1, 0.8)
        for name in step.names
        if name not in scope
    }
    return [
        f"The notebook has a function called `{close[0]}`; this step asks for `{name}`."
        for name, close in found.items()
        if close
    ]


def _free(step: Step, position: int, namespace: Mapping[str, Callable[..., Any]]) -> bool:
    return position < len(step.names) and step.names[position] not in namespace


def _kind(value: Any) -> str:
    try:
        return describe(plain(value))
    except Exception:
        return f"a {type(value).__name__}"


def _display(report: Report) -> None:
    """Show a report where we are: in Jupyter as HTML, elsewhere as text."""
    shell = sys.modules.get("IPython")
    if shell is not None and shell.get_ipython() is not None:
        from IPython.display import display

        display(report)  # type: ignore[no-untyped-call]
    else:
        print(report)
