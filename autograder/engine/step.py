"""What a graded step is: plain data about one task, written once in `autograder/bank/`.

    Step       the task: id, lesson, points, functions, cases, random cases, mistakes
    Function   one function the student writes: signature, reference, what it returns
    Array, Number, Integer, Flag, Text      one quantity of an answer
    Several, Layers, Fields, Anything       how quantities are put together
    Case       one call with known inputs; made by `worked`, `edge` and `random`
    Mistake    a known wrong implementation, with the words that help
    Quantity   one station on the way back, for the diagnosis of compound answers

`autograder/bank/README.md` shows how to write one.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from autograder.inside.runner import Tree

Kind = Literal["worked", "edge", "random"]

RTOL, ATOL = 1e-10, 1e-12
TOLERANCE = (
    "‖yours − ours‖ ≤ 1e-10 ‖ours‖ + 1e-12: correct float64 code agrees to about 1e-15, the "
    "least visible mistake differs by 1e-4, and a numerical derivative by 1e-9 or more"
)
FLOAT32_RTOL = 1e-5
GRADIENT = "a gradient has the shape of its variable"


# --------------------------------------------------------------------------------------
# what a function returns


@dataclass(frozen=True)
class Array:
    """An array. `like` names the argument or quantity whose shape it has, `because` says why.

    `kind` of the entries: "float" accepts integers too when the values agree (with a remark),
    "strict float" does not, "integer" wants integers. `list_ok` accepts a list of numbers.
    """

    name: str
    like: str = ""
    because: str = ""
    kind: Literal["float", "strict float", "integer"] = "float"
    list_ok: bool = False
    rtol: float = RTOL
    atol: float = ATOL
    why: str = TOLERANCE


def Gradient(name: str, of: str, **options: Any) -> Array:
    """Return the `Array` of a gradient: it has the shape of the variable `of`."""
    return Array(name, like=of, because=GRADIENT, **options)


@dataclass(frozen=True)
class Number:
    """One real number: a Python float, a numpy scalar or a 0-d array."""

    name: str
    rtol: float = RTOL
    atol: float = ATOL
    why: str = TOLERANCE


@dataclass(frozen=True)
class Integer:
    """One whole number; 3.0 is taken for 3."""

    name: str


@dataclass(frozen=True)
class Flag:
    """True or False."""

    name: str


@dataclass(frozen=True)
class Text:
    """A string, compared exactly."""

    name: str


@dataclass(frozen=True)
class Several:
    """A fixed number of things, returned as a tuple or a list."""

    items: tuple[Returns, ...]

    def __init__(self, *items: Returns) -> None:
        object.__setattr__(self, "items", items)


@dataclass(frozen=True)
class Layers:
    """A list or tuple with one `item` per layer, named with a superscript from `first` on."""

    item: Returns
    first: int = 1


@dataclass(frozen=True)
class Fields:
    """A dictionary with these keys."""

    items: Mapping[str, Returns]

    def __init__(self, **items: Returns) -> None:
        object.__setattr__(self, "items", items)


@dataclass(frozen=True)
class Anything:
    """A value that only the rules of the case judge, such as any valid set of weights."""

    name: str


Leaf = Array | Number | Integer | Flag | Text | Anything
Returns = Leaf | Several | Layers | Fields


# --------------------------------------------------------------------------------------
# functions and cases


@dataclass(frozen=True)
class Answer:
    """What a rule sees: one call with what came back, as plain trees."""

    args: Mapping[str, Any]
    value: Tree
    expected: Tree
    calls: Mapping[str, int]
    expected_calls: Mapping[str, int]
    peak: int | None
    warned: tuple[str, ...] = ()


Rule = Callable[[Answer], "str | None"]
"""A further property: None when it holds, otherwise a sentence that says what is wrong."""


@dataclass(frozen=True)
class Quantity:
    """One station of a compound answer, listed from the output backwards.

    `label` as in "e⁽¹⁾"; `after` is the label of the quantity it is computed from; `rule` the step
    between the two in words or symbols; `equation` the label of that step's equation.
    """

    label: str
    value: Tree
    after: str = ""
    rule: str = ""
    equation: str = ""


@dataclass(frozen=True)
class Function:
    """A function (or class) the student writes.

    `signature` is the text students see, as in "softmax(Z)"; `reference` computes the answer.
    `rules` hold for every value this function returns. `clue` takes a wrong answer apart and says
    what it recognises, None if nothing. `parts` says how its points are split:
    "whole", or "outputs" when each quantity of a `Several` is a graded part of its own. `trace`
    takes a returned value and the arguments by name, and lists the stations of the way back;
    `everywhere` says where to look when none of them is right.
    """

    signature: str
    reference: Callable[..., Any]
    returns: Returns
    rules: tuple[Rule, ...] = ()
    parts: Literal["whole", "outputs"] = "whole"
    trace: Callable[[Tree, Mapping[str, Any]], Iterable[Quantity]] | None = None
    everywhere: str = ""
    clue: Rule | None = None

    @property
    def name(self) -> str:
        """The name alone."""
        return self.signature.split("(")[0].strip()

    @cached_property
    def parameters(self) -> list[str]:
        """The names of the parameters, in order."""
        tree = ast.parse(f"def {self.signature}: ...").body[0]
        assert isinstance(tree, ast.FunctionDef)
        return [a.arg for a in (*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs)]


@dataclass(frozen=True)
class Call:
    """A function's name and its arguments, markers of the runner included."""

    function: str
    args: tuple[Tree, ...]
    kwargs: Mapping[str, Tree]


def call(function: str, /, *args: Tree, **kwargs: Tree) -> Call:
    """Write a call as data: `call("leaky_relu", z, alpha=0.2)`."""
    return Call(function, args, kwargs)


@dataclass(frozen=True)
class Case:
    """One call of the student's function.

    name      what is special about it, as in "scores around 1000"
    kind      worked (numbers of the lesson), edge, or random
    gives     for worked cases: the value printed in the lesson (4 decimals), checked by a test
    raises    names of exceptions that are the right answer, as in ("ValueError",)
    may_raise names of exceptions that are as good as the right value
    quiet     True: a warning fails the case
    compare   False: only the rules judge
    rules     further properties, on top of the function's
    returns   what comes back, when it is not what the function returns (drivers)
    driver    source text that defines `drive(fns, *args, **kwargs)`, see autograder.inside.runner
    functions the functions a driver uses, default the called one
    memory    the largest peak of memory in bytes
    counts    True: the given callables must be called as often as the reference calls them
    part      the part of the step this case belongs to, default the function's
    repeat    whether the case may be called a second time to look for hidden state
    """

    name: str
    call: Call
    kind: Kind
    gives: Tree = None
    raises: tuple[str, ...] = ()
    may_raise: tuple[str, ...] = ()
    quiet: bool = False
    compare: bool = True
    rules: tuple[Rule, ...] = ()
    returns: Returns | None = None
    driver: str | None = None
    functions: tuple[str, ...] = ()
    memory: int | None = None
    counts: bool = False
    part: str = ""
    repeat: bool = True

    @property
    def uses(self) -> tuple[str, ...]:
        """The functions this case needs."""
        return self.functions or (self.call.function,)


def worked(name: str, call: Call, **options: Any) -> Case:
    """Return a case with the lesson's numbers."""
    return Case(name, call, "worked", **options)


def edge(name: str, call: Call, **options: Any) -> Case:
    """Return an edge case."""
    return Case(name, call, "edge", **options)


def random(name: str, call: Call, **options: Any) -> Case:
    """Return a case with generic numbers, for the generator of a step."""
    return Case(name, call, "random", **options)


@dataclass(frozen=True)
class Mistake:
    """A known wrong implementation.

    id        kebab-case, unique in the step
    name      a noun phrase, as in "no shift by the maximum"
    hint      one or two sentences that speak of backpropagation, not of Python
    code      the functions it gets wrong; all others are the reference's
    equation  the label of the equation to look at, default the step's
    shows_on  the kinds of case on which it must fail; empty: on any
    same_as   id of a mistake that gives the same numbers on every admissible input
    contrast  True for correct code in an instructive situation: never rejected, never named
    gives     what it returns on the case `on` (default the function's first worked case), to four
              decimals, checked by a test; for an exception the beginning of "Type: message"
    of        the label of the quantity `gives` speaks of, when it is not the whole answer
    """

    id: str
    name: str
    hint: str
    code: Mapping[str, Callable[..., Any]]
    equation: str = ""
    shows_on: tuple[Kind, ...] = ()
    same_as: str = ""
    contrast: bool = False
    gives: Tree = None
    on: str = ""
    of: str = ""


@dataclass(frozen=True)
class Alternative:
    """A correct answer written differently, for the tests of the bank."""

    name: str
    code: Mapping[str, Callable[..., Any]]


@dataclass(frozen=True)
class Step:
    """One graded task.

    `generate` takes a generator and yields cases (`random`, or `edge` with random numbers); it is
    called `draws` times in the notebook and `hidden_draws` times at grading, and each call yields
    at least one random case for every part. `given` are callables that `Fn` may name beyond those
    of `autograder.engine.given`. `limit` is seconds per call. `equivalent` says why a mechanical
    mutant of the reference survives: pattern of the mutant's description → reason.
    """

    id: str
    title: str
    lesson: str
    equation: str
    points: float
    functions: tuple[Function, ...]
    cases: tuple[Case, ...]
    generate: Callable[[np.random.Generator], Iterable[Case]]
    mistakes: tuple[Mistake, ...]
    given: Mapping[str, str] = field(default_factory=dict)
    draws: int = 2
    hidden_draws: int = 4
    limit: float = 2.0
    equivalent: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = self.names
        for case in self.cases:
            check_case(self, case)
        seen: set[str] = set()
        for mistake in self.mistakes:
            if mistake.id in seen:
                raise ValueError(f"step {self.id}: two mistakes are called {mistake.id!r}")
            seen.add(mistake.id)
            if unknown := set(mistake.code) - set(names):
                raise ValueError(f"mistake {mistake.id}: no function {sorted(unknown)} in {names}")
            if mistake.same_as and mistake.same_as not in {m.id for m in self.mistakes}:
                raise ValueError(f"mistake {mistake.id}: no mistake {mistake.same_as!r}")

    @property
    def names(self) -> list[str]:
        """The names of the functions, in order."""
        return [function.name for function in self.functions]

    def function(self, name: str) -> Function:
        """The function of that name."""
        return next(f for f in self.functions if f.name == name)

    @property
    def reference(self) -> dict[str, Callable[..., Any]]:
        """The namespace that answers the step."""
        return {function.name: function.reference for function in self.functions}

    def mistake(self, id: str) -> Mistake:
        """The mistake of that id."""
        return next(m for m in self.mistakes if m.id == id)

    def returns(self, case: Case) -> Returns:
        """What a case brings back."""
        return case.returns or self.function(case.call.function).returns

    def with_(self, **changes: Any) -> Step:
        """Return a copy with changes."""
        return replace(self, **changes)


def check_case(step: Step, case: Case) -> None:
    """Raise ValueError when a case does not fit its step."""
    for name in case.uses:
        if name not in step.names:
            raise ValueError(f"step {step.id}, case {case.name!r}: no function {name!r}")
    if case.driver and case.returns is None and not case.raises:
        raise ValueError(f"step {step.id}, case {case.name!r}: a driver needs `returns`")
