"""One judge for both places: the student's notebook and the grading host.

    requests = requests_for(step)                          in the notebook
    requests = requests_for(step, salt, student)           at grading time: hidden data
    outcomes = [execute(namespace, request.wire) for request in requests]     wherever it is safe
    result = judge(step, requests, outcomes)

Only `request.wire`, a plain tree, travels to where the student's code runs; what is expected stays
here. `StepResult` is plain data as well (`to_dict`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from autograder.engine import explain
from autograder.engine.compare import EVERY_PART, Finding, alike, compare, names
from autograder.engine.explain import Failure
from autograder.engine.facts import Seen, facts
from autograder.engine.given import drawn, named, source_of
from autograder.engine.step import Answer, Case, Mistake, Step, check_case
from autograder.inside.runner import Tree, chance_kept, execute

RULE = (
    "A step's points are shared equally among its parts. A part earns the first half of its share "
    "when all its ordinary cases (the lesson's numbers and random ones) are right. It earns the "
    "second half when, on top, all its edge cases are right, your function leaves its inputs "
    "alone, and it gives the same answer when it is called again. The bare number under a check is "
    "the points it gives, for nbgrader to read."
)


# --------------------------------------------------------------------------------------
# what to ask


@dataclass(frozen=True)
class Request:
    """One call to make: `wire` is what travels, `again` marks the repetition of an earlier one.

    `shared` says that many submissions are asked this very request, so that it pays to remember
    what the reference and the known mistakes make of it.
    """

    case: Case
    wire: dict[str, Tree]
    again: int | None = None
    shared: bool = False


def cases_for(step: Step, salt: str = "", student: str = "") -> list[Case]:
    """Return the cases of a step: the fixed ones, then random ones drawn for salt and student."""
    found = list(step.cases)
    for draw in range(step.hidden_draws if salt else step.draws):
        rng = np.random.default_rng(_seed(salt, student, step.id, draw))
        for case in step.generate(rng):
            check_case(step, case)
            found.append(case)
    return found


def requests_for(
    step: Step, salt: str = "", student: str = "", limit: float | None = None
) -> list[Request]:
    """Return the calls to make, in order; `limit` is seconds per call, default nobody's watch."""
    cases = cases_for(step, salt, student)
    requests = [
        Request(case, _wire(step, case, number, limit)) for number, case in enumerate(cases)
    ]
    repeated: list[int] = []
    for kind in ("random", "worked"):
        seen: set[tuple[str, str, bool]] = set()
        for number, case in enumerate(cases):
            key = case.call.function, case.part, drawn(case.call.args, case.call.kwargs)
            if case.kind == kind and case.repeat and not case.raises and key not in seen:
                seen.add(key)
                repeated.append(number)
    for number in sorted(repeated, reverse=True):
        wire = _wire(step, cases[number], 10_000 + number, limit)
        requests.append(Request(cases[number], wire, again=number))
    return requests


def _wire(step: Step, case: Case, seed: int, limit: float | None) -> dict[str, Tree]:
    args, kwargs = list(case.call.args), dict(case.call.kwargs)
    return {
        "function": case.call.function,
        "functions": list(case.uses),
        "args": args,
        "kwargs": kwargs,
        "given": source_of(named(args) | named(kwargs), step.given),
        "driver": case.driver,
        "seed": seed,
        "limit": limit,
        "memory": case.memory is not None,
    }


def _seed(*parts: object) -> int:
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


# --------------------------------------------------------------------------------------
# what came of it


@dataclass(frozen=True)
class CaseResult:
    """One call, judged: for each part of the step it touches, whether it is right."""

    name: str
    kind: str
    function: str
    parts: dict[str, bool]
    status: str
    findings: list[Finding]
    problems: list[str]
    conduct: list[str]
    remarks: list[str]

    @property
    def ok(self) -> bool:
        """Whether nothing at all is to be said against it."""
        return all(self.parts.values()) and not self.conduct


@dataclass(frozen=True)
class PartResult:
    """One part of a step and what it earned."""

    name: str
    ordinary: bool
    edges: bool
    points: float
    of: float


@dataclass(frozen=True)
class StepResult:
    """The judgement of one step, as plain data."""

    step: str
    title: str
    lesson: str
    equation: str
    points: float
    max_points: float
    status: str
    cases: list[CaseResult]
    parts: list[PartResult]
    failures: list[Failure]
    remarks: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every case is right."""
        return self.status == "passed"

    @property
    def failure(self) -> Failure | None:
        """What to say first."""
        return self.failures[0] if self.failures else None

    @property
    def mistakes(self) -> list[str]:
        """The ids of the mistakes named, without doubles."""
        return list(dict.fromkeys(m.id for f in self.failures for m in f.mistakes))

    def to_dict(self) -> dict[str, Any]:
        """Return a tree that `json` can write."""
        tree = dataclasses.asdict(self)
        for case in tree["cases"]:
            case["ok"] = all(case["parts"].values()) and not case["conduct"]
            case["findings"] = [
                {key: f[key] for key in ("label", "problem", "sentence", "where")}
                for f in case["findings"]
            ]
        return tree


def reference_outcomes(step: Step, requests: Sequence[Request]) -> list[dict[str, Tree]]:
    """Return what the reference makes of the requests, repetitions left out."""
    found = []
    for number, request in enumerate(requests):
        if request.again is not None:
            break
        wire = {**request.wire, "limit": None}
        found.append(_remembered(step, number, request, "", step.reference, wire))
        if found[-1]["status"] != "ok" and not request.case.raises:
            raise RuntimeError(
                f"step {step.id}, case {request.case.name!r}: the reference fails: "
                f"{found[-1]['error']}"
            )
    return found


_memory: dict[tuple[str, int, str], tuple[Case, dict[str, Tree]]] = {}
"""By step, case and mistake: what came of the cases that are asked more than once."""


def _remembered(
    step: Step,
    number: int,
    request: Request,
    mistake: str,
    namespace: Mapping[str, Any],
    wire: dict[str, Tree],
) -> dict[str, Tree]:
    """Execute a request of ours; what is asked of many students is executed once."""
    if not _kept(step, number, request):
        return execute(namespace, wire, keep_chance=False)
    # the case is stored as well, so that its id belongs to no other as long as it is in use
    key = step.id, id(request.case) if request.shared else number, mistake
    known = _memory.get(key)
    if known is None or known[0] is not request.case:
        known = request.case, execute(namespace, wire, keep_chance=False)
        if known[1]["status"] != "timeout":  # that may have been the machine's fault
            _memory[key] = known
    return known[1]


def _kept(step: Step, number: int, request: Request) -> bool:
    return request.shared or (number < len(step.cases) and request.case is step.cases[number])


class Run:
    """One namespace's outcomes beside the reference's, case by case."""

    def __init__(
        self,
        step: Step,
        requests: Sequence[Request],
        outcomes: Sequence[Mapping[str, Tree]],
        expected: list[dict[str, Tree]] | None = None,
    ) -> None:
        self.step = step
        self.requests = requests
        self.outcomes = outcomes
        self.expected = reference_outcomes(step, requests) if expected is None else expected

    @cached_property
    def results(self) -> list[CaseResult]:
        """The judgement of every request, repetitions included."""
        return [self.judge(number) for number in range(len(self.requests))]

    def args(self, case: Case) -> dict[str, Tree]:
        """The arguments of a case by name, with markers of arrays resolved."""
        parameters = self.step.function(case.call.function).parameters
        positional = dict(zip(parameters, case.call.args, strict=False))
        if len(case.call.args) > len(parameters):  # a driver may take what it likes
            positional = {f"argument {i + 1}": arg for i, arg in enumerate(case.call.args)}
        return {
            key: explain.resolved(arg) for key, arg in {**positional, **case.call.kwargs}.items()
        }

    def judge(self, number: int) -> CaseResult:
        """Judge one request."""
        request, outcome = self.requests[number], self.outcomes[number]
        case = request.case
        parts = parts_of(self.step, case)
        if request.again is not None:
            return self._again(request, outcome, parts)
        findings: list[Finding] = []
        problems: list[str] = []
        status = str(outcome["status"])
        if case.raises:
            if not (status == "raised" and set(case.raises) & set(outcome["error"]["bases"])):
                problems.append(explain.should_raise(case, outcome))
        elif status == "raised" and set(case.may_raise) & set(outcome["error"]["bases"]):
            pass
        elif status != "ok":
            problems.append(explain.not_ok(self.step, case, outcome))
        else:
            findings, problems = self._values(case, outcome, self.expected[number])
        wrong = {finding.output for finding in findings if not finding.ok}
        all_wrong = bool(problems) or EVERY_PART in wrong
        right = {part: not all_wrong and part not in wrong for part in parts}
        if len(parts) == 1 and wrong:
            right = dict.fromkeys(parts, False)
        said = (explain.changed(self.step, case, path) for path in outcome["changed"])
        conduct = list(dict.fromkeys(said))  # one sentence for an input, however many arrays it has
        return CaseResult(
            case.name,
            case.kind,
            case.call.function,
            right,
            status,
            findings,
            problems,
            conduct,
            [finding.remark for finding in findings if finding.ok and finding.remark],
        )

    def _values(
        self, case: Case, outcome: Mapping[str, Tree], expected: Mapping[str, Tree]
    ) -> tuple[list[Finding], list[str]]:
        step, function = self.step, self.step.function(case.call.function)
        findings: list[Finding] = []
        problems: list[str] = []
        if case.compare:
            findings = compare(
                step.returns(case), outcome["value"], expected["value"], function.name
            )
        elif outcome["value"] is None:
            problems.append(f"`{function.name}` returned None: is the `return` missing?")
            return findings, problems
        answer = self.answer(case, outcome, expected)
        rules = case.rules if case.driver else (*function.rules, *case.rules)
        if any(finding.problem not in ("", "value") for finding in findings):
            rules = ()  # they would only repeat that it is not even an array of numbers
        for rule in rules:
            try:
                said = rule(answer)
            except Exception:  # the value has another form than the rule can look at
                said = None if case.compare else "The value has another form than is asked for."
            if said and said not in problems:
                problems.append(said)
        if case.quiet:
            problems += explain.noise(outcome)
        if case.counts and outcome["calls"] != expected["calls"]:
            problems.append(explain.counts(outcome["calls"], expected["calls"]))
        if case.memory is not None and (outcome["peak"] or 0) > case.memory:
            problems.append(explain.memory(outcome["peak"], case.memory))
        return findings, problems

    def answer(
        self, case: Case, outcome: Mapping[str, Tree], expected: Mapping[str, Tree]
    ) -> Answer:
        """One call with what came back, for the rules."""
        return Answer(
            self.args(case),
            outcome["value"],
            expected["value"],
            outcome["calls"],
            expected["calls"],
            outcome["peak"],
            tuple(w["message"] for w in outcome["warned"]),
        )

    def clue(self, number: int) -> str:
        """What a wrong answer of right form shows of the slip behind it, "" if nothing."""
        case, found = self.requests[number].case, self.results[number].findings
        clue = self.step.function(case.call.function).clue
        plain = not case.driver and case.returns is None
        if clue is None or not plain or all(finding.ok for finding in found):
            return ""
        if any(finding.problem not in ("", "value") for finding in found):
            return ""
        try:
            return clue(self.answer(case, self.outcomes[number], self.expected[number])) or ""
        except Exception:  # the value has another form than the clue can look at
            return ""

    def _again(
        self, request: Request, outcome: Mapping[str, Tree], parts: Iterable[str]
    ) -> CaseResult:
        case = request.case
        assert request.again is not None
        before = self.outcomes[request.again]
        conduct: list[str] = []
        same = outcome["status"] == before["status"] and alike(outcome["value"], before["value"])
        if before["status"] == "ok" and not same:
            conduct.append(explain.again(self.step, case, before, outcome))
        status = str(outcome["status"])
        right = dict.fromkeys(parts, True)
        return CaseResult(
            f"{case.name}, called again", case.kind, case.call.function, right, status,
            [], [], conduct, [],
        )  # fmt: skip


def parts_of(step: Step, case: Case) -> list[str]:
    """Return the names of the parts of the step that a case bears on."""
    if case.part:
        return [case.part]
    function = step.function(case.call.function)
    if function.parts == "outputs":
        several = names(function.returns)
        return several if case.returns is None else [several[0]]
    return [function.name]


# --------------------------------------------------------------------------------------
# the judgement


def judge(
    step: Step, requests: Sequence[Request], outcomes: Sequence[Mapping[str, Tree]]
) -> StepResult:
    """Compare outcomes with the reference's, count the points and find the words."""
    with chance_kept(), np.errstate(all="ignore"):  # answers may hold ∞ and nan
        return _judge(step, requests, outcomes)


def _judge(
    step: Step, requests: Sequence[Request], outcomes: Sequence[Mapping[str, Tree]]
) -> StepResult:
    run = Run(step, requests, outcomes)
    parts = _parts(step, run)
    full = all(part.ordinary and part.edges for part in parts)
    points = float(step.points) if full else _floor(sum(part.points for part in parts))
    wrong = {result.status for result in run.results if not result.ok}
    if full:
        status = "passed"
    elif points == 0 and wrong <= {"not-started", "missing"}:
        status = "not-started"
    else:
        status = "partial" if points > 0 else "failed"
    return StepResult(
        step.id,
        step.title,
        step.lesson,
        step.equation,
        points,
        float(step.points),
        status,
        run.results,
        parts,
        [] if full else _failures(step, run),
        explain.remarks(run.results, run.outcomes),
    )


def _parts(step: Step, run: Run) -> list[PartResult]:
    order: dict[str, None] = {}
    for function in step.functions:
        order.update(dict.fromkeys(names(function.returns) if function.parts == "outputs" else []))
        if function.parts == "whole":
            order[function.name] = None
    for result in run.results:
        order.update(dict.fromkeys(result.parts))
    touched = {part for result in run.results for part in result.parts}
    found = [part for part in order if part in touched]
    share = step.points / len(found)
    parts = []
    for part in found:
        mine = [result for result in run.results if part in result.parts]
        common = [result for result in mine if result.kind != "edge"]
        ordinary = bool(common) and all(result.parts[part] for result in common)
        edges = all(result.parts[part] and not result.conduct for result in mine)
        points = share * (0.5 * ordinary + 0.5 * (ordinary and edges))
        parts.append(PartResult(part, ordinary, edges, _floor(points), _floor(share)))
    return parts


def _floor(points: float) -> float:
    return math.floor(points * 100 + 1e-9) / 100


def _failures(step: Step, run: Run) -> list[Failure]:
    """Explain the first failure of every function, started ones first."""
    failures: list[Failure] = []
    for name in step.names:
        mine = [n for n, result in enumerate(run.results) if result.function == name]
        wrong = [n for n in mine if not run.results[n].ok]
        if not wrong:
            continue
        first = min(wrong, key=lambda n: _telling(run, n))
        request, result = run.requests[first], run.results[first]
        calls = [n for n in mine if run.requests[n].again is None]
        state = [said for n in mine if n not in calls for said in run.results[n].conduct][:1]
        if first not in calls:
            state = []
        found, partly = _explaining(step, run, name)
        said = explain.failure(
            step,
            request.case,
            run.args(request.case),
            run.outcomes[first],
            run.expected[first] if request.again is None else None,
            result.findings,
            result.problems,
            [*result.conduct, *state],
            found,
        )
        clue = run.clue(first)
        if clue and found:
            said.sentences.append(clue)
        told = [clue] if clue and not found else []
        if not (told or found or said.exchanged):
            told = _facts(step, run, mine, first)
        if not (told or found or said.exchanged):
            several = _parts_explained(step, run, calls)
            told = explain.parts(several)
            if several:
                equation = several[0][1].equation or step.equation
                said = dataclasses.replace(said, equation=equation)
        failures.append(
            dataclasses.replace(
                said,
                failed=sum(not run.results[n].ok for n in calls),
                of=len(calls),
                pattern="" if found or told else _pattern(run, mine),
                facts=told,
                known=said.known or bool(told),
                partly=None if told else partly,
            )
        )
    return sorted(failures, key=lambda failure: failure.status in ("not-started", "missing"))


def _telling(run: Run, number: int) -> tuple[bool, int, bool, int, int]:
    """Sort failing cases: first calls, the lesson's numbers, random ones, then edge cases.

    Of the random ones a wrong shape says more than wrong numbers, and a small one more than a
    large one.
    """
    request, result = run.requests[number], run.results[number]
    kind = ("worked", "random", "edge").index(request.case.kind)
    numbers = result.status == "ok" and all(f.problem in ("", "value") for f in result.findings)
    size = _entries(request.wire["args"]) if kind == 1 else 0
    return request.again is not None, kind, numbers, size, number


def _entries(tree: Tree) -> int:
    if isinstance(tree, np.ndarray):
        return int(tree.size)
    if isinstance(tree, dict):
        return sum(map(_entries, tree.values()))
    if isinstance(tree, list | tuple):
        return sum(map(_entries, tree))
    return 1


def _pattern(run: Run, mine: Sequence[int]) -> str:
    """Notice answers that do not depend on their input, or are right in the lesson only."""
    first = [n for n in mine if run.requests[n].again is None and run.results[n].status == "ok"]
    worked = [n for n in first if run.results[n].kind == "worked"]
    drawn = [n for n in first if run.results[n].kind == "random"]
    if not drawn or any(run.results[n].ok for n in drawn):
        return ""
    values = [run.outcomes[n]["value"] for n in (*worked, *drawn)]
    if values[0] is None:
        return ""
    same = len(values) > 1 and all(alike(values[0], value) for value in values[1:])
    truly = [run.expected[n]["value"] for n in (*worked, *drawn)]
    if same and not all(alike(truly[0], value) for value in truly[1:]):
        return "Your function gives the same answer whatever the input."
    printed = [n for n in mine if run.results[n].kind == "worked"]
    if printed and all(run.results[n].ok for n in printed) and not _near(run, drawn):
        return (
            "The lesson's numbers come out right and other inputs do not: the lesson's example "
            "cannot show this mistake."
        )
    return ""


def _facts(step: Step, run: Run, mine: Sequence[int], first: int) -> list[str]:
    """Notice what holds of all values that a function gave, beside the one that is shown."""
    seen: dict[int, Seen] = {}
    for n in mine:
        case, result = run.requests[n].case, run.results[n]
        if (
            run.requests[n].again is None
            and _usual(step, case)
            and result.findings
            and run.expected[n]["status"] == "ok"
        ):
            value, ours = run.outcomes[n]["value"], run.expected[n]["value"]
            seen[n] = Seen(run.args(case), value, ours, result.findings)
    if first not in seen or all(finding.ok for finding in seen[first].findings):
        return []
    spec = step.function(run.results[first].function).returns
    return facts(spec, list(seen.values()), seen[first])


def _usual(step: Step, case: Case) -> bool:
    """Tell whether a case brings back what its function returns, and not what a driver makes."""
    return step.returns(case) == step.function(case.call.function).returns


def _near(run: Run, numbers: Sequence[int]) -> bool:
    """Tell whether all wrong values agree to some digits: only rounding stands between them."""
    wrong = [f for n in numbers for f in run.results[n].findings if not f.ok]
    return bool(wrong) and all(finding.near for finding in wrong)


# --------------------------------------------------------------------------------------
# which known mistake is it


IMPATIENCE = 0.4
"""Seconds that counting what a mistake explains only in part may take."""


def _explaining(
    step: Step, run: Run, function: str
) -> tuple[list[tuple[Mistake, bool]], tuple[str, str, int, int] | None]:
    """Return the mistakes that explain every wrong answer of a function.

    The second item of a pair is True when the mistake behaves the same on the right answers too.
    If there is none, the last value is (name, hint, explained, wrong) of the one mistake that
    explains the most, at least half.
    """
    first = [n for n, request in enumerate(run.requests) if request.again is None]
    wrong = [
        n for n in first if not run.results[n].ok and run.requests[n].case.call.function == function
    ]
    statuses = {run.results[n].status for n in wrong}
    if not wrong or statuses & {"not-started", "missing", "timeout"}:
        return [], None
    # What is remembered first, then what is quick.
    wrong.sort(key=lambda n: (not _kept(step, n, run.requests[n]), run.expected[n]["seconds"]))
    patient = sum(run.expected[n]["seconds"] for n in wrong) * len(step.mistakes) < IMPATIENCE
    found: list[tuple[Mistake, bool]] = []
    part: list[tuple[int, Mistake]] = []
    for mistake in step.mistakes:
        touched = [n for n in first if set(run.requests[n].case.uses) & set(mistake.code)]
        if mistake.contrast or not set(wrong) <= set(touched):
            continue
        explained = []
        for tried, n in enumerate(wrong, start=1):
            if _same(run, n, mistake):
                explained.append(n)
            elif not patient or 2 * (tried - len(explained)) > len(wrong):
                break  # where calls are slow, one deviation is enough; else more than half
        if len(explained) == len(wrong):
            others = (n for n in touched if n not in wrong)
            found.append((mistake, all(_same(run, n, mistake) for n in others)))
        elif any(run.results[n].status == "ok" for n in explained):
            part.append((len(explained), mistake))
    if any(fully for _, fully in found):
        found = [(mistake, fully) for mistake, fully in found if fully]
    kept = {mistake.id for mistake, _ in found}
    found = [(mistake, fully) for mistake, fully in found if mistake.same_as not in kept]
    if found or not part:
        return found, None
    most = max(count for count, _ in part)
    best = [mistake for count, mistake in part if count == most]
    if len(best) == 1 and 2 * most >= len(wrong):
        return [], (best[0].name, best[0].hint, most, len(wrong))
    return [], None


def _same(run: Run, number: int, mistake: Mistake) -> bool:
    theirs = _theirs(run, number, mistake)
    return same_outcome(run.requests[number].case, run.outcomes[number], theirs)


def _theirs(run: Run, number: int, mistake: Mistake) -> dict[str, Tree]:
    """What a known mistake makes of a request."""
    request = run.requests[number]
    namespace = {**run.step.reference, **mistake.code}
    wire = {**request.wire, "limit": run.step.limit}
    return _remembered(run.step, number, request, mistake.id, namespace, wire)


def _parts_explained(step: Step, run: Run, calls: Sequence[int]) -> list[tuple[str, Mistake]]:
    """Return, for each quantity of an answer, the one mistake that gives it in every case.

    For answers of several quantities which no mistake explains as a whole: two slips, one in each.
    """
    function = step.function(run.results[calls[0]].function)
    asked = names(function.returns)
    plain = [n for n in calls if run.results[n].findings and _usual(step, run.requests[n].case)]
    if len(asked) < 2 or len(plain) < 2 or any(run.results[n].status != "ok" for n in calls):
        return []
    structure = {f.output for n in plain for f in run.results[n].findings}
    wrong = {f.output for n in plain for f in run.results[n].findings if not f.ok}
    if EVERY_PART in structure or sum(run.expected[n]["seconds"] for n in plain) > IMPATIENCE:
        return []
    plain.sort(key=lambda n: (run.results[n].ok, run.expected[n]["seconds"]))
    told = []
    for place, part in enumerate(asked):
        if part not in wrong:
            continue
        found = [
            mistake
            for mistake in step.mistakes
            if not mistake.contrast
            and function.name in mistake.code
            and all(_same_part(run, n, mistake, place) for n in plain)
        ]
        if found:
            told.append((part, found[0]))
    return told


def _same_part(run: Run, number: int, mistake: Mistake, place: int) -> bool:
    theirs = _theirs(run, number, mistake)["value"]
    if not isinstance(theirs, list | tuple) or len(theirs) <= place:
        return False
    return alike(run.outcomes[number]["value"][place], theirs[place])


def same_outcome(case: Case, a: Mapping[str, Tree], b: Mapping[str, Tree]) -> bool:
    """Tell whether two outcomes of a case look the same from outside."""
    if a["status"] != b["status"] or bool(a["changed"]) != bool(b["changed"]):
        return False
    if a["status"] == "raised":
        due = {*case.raises, *case.may_raise}
        if due & set(a["error"]["bases"]) and due & set(b["error"]["bases"]):
            return True  # refused, as it should be; the words are everybody's own
        return explain.same_error(a["error"], b["error"])
    if a["status"] != "ok":
        return bool(a["error"]["type"] == b["error"]["type"])
    if case.quiet and bool(explain.noise(a)) != bool(explain.noise(b)):
        return False
    if case.counts and a["calls"] != b["calls"]:
        return False
    if case.memory is not None and (a["peak"] > case.memory) != (b["peak"] > case.memory):
        return False
    return alike(a["value"], b["value"])
