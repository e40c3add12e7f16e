"""How good is the bank? Mistakes named, mutants killed, right answers accepted, step by step.

    python benchmarks/bank_quality.py [--steps softmax chain-backward] [--quick] [--jobs 2]

For every step:

    mistakes      every listed mistake is rejected, on the notebook's cases and on hidden ones, and
                  the check names it, and it alone (except mistakes marked `same_as`)
    mutants       every mechanical mutant of the reference's source is rejected, or is declared in
                  `Step.equivalent` with the reason why it computes the same
    alternatives  every correct answer in tests/autograder/bank/alternatives is accepted, on the
                  notebook's cases and on hidden ones, with all points; at least five a step
    lazy          a constant, the answer to the printed example and an exception earn nothing
    time          the check of a right answer takes at most 0.3 s (2 s where a network is trained),
                  the best of three

The exit status is 1 when a target is missed. `--quick` samples the mutants and draws fewer hidden
cases, for CI.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import random
import re
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from autograder import bank
from autograder.checking import evaluate, outcomes_of
from autograder.engine.judge import Run, judge, reference_outcomes, requests_for
from autograder.engine.step import Alternative, Step
from autograder.inside.runner import execute
from benchmarks.mutants import Mutant, mutants_of

ALTERNATIVES = Path(__file__).resolve().parent.parent / "tests/autograder/bank/alternatives"
HIDDEN = (("salt", "ada"), ("salt", "emmy"), ("pepper", "sofia"))
LIMIT = 2.0
ENOUGH_ALTERNATIVES = 5
QUICK_MUTANTS = 40


@dataclass
class Quality:
    """What was measured of one step."""

    step: str
    mistakes: int = 0
    rejected: int = 0
    named: int = 0
    mutants: int = 0
    killed: int = 0
    declared: int = 0
    alternatives: int = 0
    accepted: int = 0
    seconds: float = 0.0
    check: float = 0.0
    problems: list[str] = field(default_factory=list)
    equivalent: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)


def measure(step_id: str, quick: bool) -> Quality:
    """Measure one step."""
    start = time.perf_counter()
    step = bank.get(step_id)
    quality = Quality(step_id)
    hidden = HIDDEN[:1] if quick else HIDDEN
    reference(step, quality, hidden)
    mistakes(step, quality, hidden)
    mutants(step, quality, QUICK_MUTANTS if quick else None)
    alternatives(step, quality, hidden)
    lazy(step, quality)
    speed(step, quality)
    quality.seconds = time.perf_counter() - start
    return quality


# --------------------------------------------------------------------------------------
# the reference: were it wrong, every mistake and mutant would look caught


def reference(step: Step, quality: Quality, hidden: tuple[tuple[str, str], ...]) -> None:
    """The reference earns all points, in the notebook and on hidden data."""
    if evaluate(step, step.reference, LIMIT).points != step.points:
        quality.problems.append("the reference does not earn all points in the notebook")
    for salt, student in hidden:
        if not passes(step, step.reference, salt, student):
            quality.problems.append(f"the reference fails a hidden case of {salt}/{student}")


# --------------------------------------------------------------------------------------
# mistakes


def mistakes(step: Step, quality: Quality, hidden: tuple[tuple[str, str], ...]) -> None:
    """Every mistake is rejected and named."""
    for mistake in step.mistakes:
        if mistake.contrast:
            continue
        quality.mistakes += 1
        namespace = {**step.reference, **mistake.code}
        result = evaluate(step, namespace, LIMIT)
        unseen = [
            f"{salt}/{student}"
            for salt, student in hidden
            if passes(step, namespace, salt, student)
        ]
        if result.passed or unseen:
            where = " and ".join((["in the notebook"] if result.passed else []) + unseen)
            quality.problems.append(f"mistake {mistake.id}: accepted {where}")
        else:
            quality.rejected += 1
        twins = {m.id for m in step.mistakes if mistake.id in (m.id, m.same_as)}
        twins |= {mistake.same_as} if mistake.same_as else set()
        if mistake.same_as:
            quality.same.append(f"{mistake.id} gives the same numbers as {mistake.same_as}")
        certain = all(f.certain for f in result.failures)
        if result.mistakes and set(result.mistakes) <= twins and certain:
            quality.named += 1
        else:
            said = ", ".join(result.mistakes) or "nothing"
            sure = "" if certain else " (unsure)"
            quality.problems.append(f"mistake {mistake.id}: named as {said}{sure}")
        if missing := set(mistake.shows_on) - {c.kind for c in result.cases if not c.ok}:
            quality.problems.append(f"mistake {mistake.id}: does not show on {sorted(missing)}")
        if 0 < len(mistake.shows_on) < 3:
            kinds = {case.kind for case in result.cases if not case.ok}
            if extra := kinds - set(mistake.shows_on):
                quality.problems.append(f"mistake {mistake.id}: shows on {sorted(extra)} too")


def passes(step: Step, namespace: Mapping[str, Any], salt: str, student: str) -> bool:
    """Tell whether a namespace answers all cases, stopping at the first wrong one."""
    requests = requests_for(step, salt, student, LIMIT)
    expected = reference_outcomes(step, requests)
    outcomes: list[dict[str, Any]] = []
    run = Run(step, requests, outcomes, expected)
    for number, request in enumerate(requests):
        outcomes.append(execute(namespace, request.wire))
        if not run.judge(number).ok:
            return False
    return True


# --------------------------------------------------------------------------------------
# mutants


def mutants(step: Step, quality: Quality, most: int | None) -> None:
    """Every mutant of the reference is rejected, or its survival has a reason."""
    found = mutants_of(step.reference)
    if most is not None and len(found) > most:
        found = random.Random(step.id).sample(found, most)
    visible, hidden = requests_for(step, limit=LIMIT), requests_for(step, *HIDDEN[0], LIMIT)
    asked = [(requests, reference_outcomes(step, requests)) for requests in (visible, hidden)]
    reasons = [(_pattern(key), reason) for key, reason in step.equivalent.items()]
    used: set[str] = set()
    for mutant in found:
        quality.mutants += 1
        if not _survives(step, mutant, asked):
            quality.killed += 1
            continue
        reason = next(((p, r) for p, r in reasons if p.fullmatch(mutant.description)), None)
        if reason is None:
            quality.problems.append(f"mutant survives: {mutant.description}")
        else:
            quality.declared += 1
            used.add(reason[0].pattern)
            quality.equivalent.append(f"{mutant.description}   because {reason[1]}")
    if most is None:
        for pattern, _ in reasons:
            if pattern.pattern not in used:
                quality.problems.append(f"no surviving mutant matches {pattern.pattern!r}")


def _survives(step: Step, mutant: Mutant, asked: list[tuple[Any, Any]]) -> bool:
    try:
        code = mutant.build()
    except Exception:  # a mutant that cannot even be defined is no answer
        return False
    namespace = {**step.reference, **code}
    for requests, expected in asked:
        outcomes: list[dict[str, Any]] = []
        run = Run(step, requests, outcomes, expected)
        for number, request in enumerate(requests):
            outcomes.append(execute(namespace, request.wire))
            if not run.judge(number).ok:
                return False
    return True


def _pattern(key: str) -> re.Pattern[str]:
    """Turn a pattern with * and ? into a regular expression; all else stands for itself."""
    return re.compile(re.escape(key).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


# --------------------------------------------------------------------------------------
# right answers, and lazy ones


def alternatives(step: Step, quality: Quality, hidden: tuple[tuple[str, str], ...]) -> None:
    """Every correct answer is accepted with all points."""
    for alternative in alternatives_of(step):
        quality.alternatives += 1
        namespace = {**step.reference, **alternative.code}
        refused = None
        for salt, student in (("", ""), *hidden):
            requests = requests_for(step, salt, student, LIMIT)
            result = judge(step, requests, outcomes_of(namespace, requests))
            if not result.passed or result.points != step.points:
                assert result.failure is not None
                said = " ".join(result.failure.sentences)
                refused = f"{result.failure.case}: {said}"
                break
        if refused is None:
            quality.accepted += 1
        else:
            quality.problems.append(f"right answer {alternative.name!r} refused: {refused}")
    if quality.alternatives < ENOUGH_ALTERNATIVES:
        quality.problems.append(
            f"{quality.alternatives} right answers written differently; "
            f"at least {ENOUGH_ALTERNATIVES} are needed"
        )


def alternatives_of(step: Step) -> tuple[Alternative, ...]:
    """Return the correct answers to a step that the tests declare."""
    file = next(file for file, steps in bank.FILES.items() if step.id in steps)
    path = ALTERNATIVES / f"{file}.py"
    if not path.exists():
        return ()
    spec = importlib.util.spec_from_file_location(f"alternatives_{file}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: tuple[Alternative, ...] = module.ALTERNATIVES.get(step.id, ())
    return found


def lazy(step: Step, quality: Quality) -> None:
    """Earn nothing without work."""
    for name, code in lazy_answers(step).items():
        points = evaluate(step, code, LIMIT).points
        if points > 0:
            quality.problems.append(f"lazy answer {name!r} earns {points:g} points")


def speed(step: Step, quality: Quality) -> None:
    """Let the student wait no longer than 0.3 s, for training 2 s, of processor time."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()  # what else the machine does is not the bank's fault
        evaluate(step, step.reference)
        best = min(best, time.process_time() - start)
    quality.check = best
    allowed = 2.0 if step.lesson == "12-training" else 0.3
    if best > allowed:
        quality.problems.append(f"a check takes {best:.2f} s; {allowed} s are allowed")


def lazy_answers(step: Step) -> dict[str, dict[str, Callable[..., Any]]]:
    """Return namespaces that must earn nothing: constants, the printed answers, exceptions."""
    printed: dict[str, Any] = {}
    for request, outcome in zip(
        requests := requests_for(step), reference_outcomes(step, requests), strict=False
    ):
        if not request.case.driver and outcome["status"] == "ok":
            printed.setdefault(request.case.call.function, outcome["value"])

    def constant(value: Any) -> Callable[..., Any]:
        return lambda *_args, **_kwargs: value

    def refuse(*_args: Any, **_kwargs: Any) -> Any:
        raise ValueError("no")

    return {
        "None": {name: constant(None) for name in step.names},
        "0.0": {name: constant(0.0) for name in step.names},
        "the first answer, always": {name: constant(printed.get(name)) for name in step.names},
        "ValueError": dict.fromkeys(step.names, refuse),
    }


# --------------------------------------------------------------------------------------
# the table


def show(results: list[Quality]) -> bool:
    """Print the table and the lists; return whether every target is met."""
    head = ("step", "rejected", "named", "killed", "equivalent", "accepted", "check", "s")
    rows = [head]
    for q in results:
        rows.append(
            (
                q.step,
                f"{q.rejected}/{q.mistakes}",
                f"{q.named}/{q.mistakes}",
                f"{q.killed}/{q.mutants}",
                str(q.declared),
                f"{q.accepted}/{q.alternatives}",
                f"{1000 * q.check:.0f} ms",
                f"{q.seconds:.1f}",
            )
        )

    def total(some: str, of: str) -> str:
        a, b = (sum(getattr(q, name) for q in results) for name in (some, of))
        return f"{a}/{b}"

    rows.append(
        (
            f"{len(results)} steps",
            total("rejected", "mistakes"),
            total("named", "mistakes"),
            total("killed", "mutants"),
            str(sum(q.declared for q in results)),
            total("accepted", "alternatives"),
            f"{1000 * sum(q.check for q in results):.0f} ms",
            f"{sum(q.seconds for q in results):.1f}",
        )
    )
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for row in rows:
        first, *rest = (
            text.ljust(w) if i == 0 else text.rjust(w)
            for i, (text, w) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join([first, *rest]))
    for title, lines in (
        (
            "Mistakes equal on every admissible input",
            [(q.step, x) for q in results for x in q.same],
        ),
        ("Equivalent mutants", [(q.step, x) for q in results for x in q.equivalent]),
        ("Targets missed", [(q.step, x) for q in results for x in q.problems]),
    ):
        if lines:
            print(f"\n{title}")
            for step, line in lines:
                print(f"  {step}: {line}")
    return not any(q.problems for q in results)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--steps", nargs="*", default=None, help="ids, default all that are written"
    )
    parser.add_argument("--quick", action="store_true", help="sample the mutants, for CI")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    options = parser.parse_args()
    chosen = options.steps or [step.id for step in bank.steps()]
    if options.jobs > 1 and len(chosen) > 1:
        with ProcessPoolExecutor(options.jobs) as pool:
            results = list(pool.map(measure, chosen, [options.quick] * len(chosen)))
    else:
        results = [measure(step, options.quick) for step in chosen]
    return 0 if show(results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
