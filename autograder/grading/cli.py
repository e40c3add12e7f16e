"""The commands `autograder grade` and `autograder doctor`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from tqdm import tqdm

from autograder.course import Course, CourseError
from autograder.grading import batch
from autograder.grading.batch import Options, Summary
from autograder.grading.grade import Result
from autograder.sandbox import doctor
from autograder.sandbox.limits import SandboxError
from autograder.sandbox.tiers import Tier

DONE, FAILED, REFUSED, INTERRUPTED = 0, 1, 3, 130
"""Exit status: all graded; something failed on our side; some had no points for a reason."""

EXIT = (
    "Exit status: 0 when everything is graded, 3 when everything is and some submissions could "
    "not be read or run and have no points, 1 when something failed on our side, 130 after Ctrl-C. "
    "What is done stays done: the next run continues."
)


def add_commands(commands: Any) -> None:
    """Register the commands of this package."""
    one = commands.add_parser(
        "grade",
        help="grade submissions in the sandbox",
        description="Grade submitted/STUDENT/SET/SET.ipynb. Results of an earlier run that still "
        "hold (same submission, same bank, same secret) are kept.",
        epilog=EXIT,
    )
    one.add_argument("sets", nargs="*", metavar="SET", help="default: every set handed in")
    one.add_argument(
        "--student",
        action="append",
        default=[],
        metavar="ID",
        help="only this one; may be repeated",
    )
    one.add_argument("--workers", type=_positive, default=1, metavar="N", help="default: 1")
    one.add_argument(
        "--scheduler",
        default="",
        metavar="ADDRESS",
        help="grade on the Dask cluster of this address, for example tcp://10.0.0.1:8786, in place "
        "of this machine; each worker chooses its tier by its own self-test",
    )
    again = one.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="keep what still holds (the default)")
    again.add_argument("--force", action="store_true", help="grade everything anew")
    one.add_argument("--figures", action="store_true", help="draw the figures of every cell")
    one.add_argument("--json", action="store_true", help="results as JSON, no progress bar")
    one.add_argument("--course", default=".", metavar="DIR", help="default: the folder you are in")
    one.add_argument(
        "--unsafe",
        action="store_true",
        help="run notebooks with resource limits only, in your own account: nothing protects your "
        "files from them",
    )
    one.set_defaults(run=grade)

    one = commands.add_parser("doctor", help="say how well this machine can contain submissions")
    one.set_defaults(run=examine)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("expected at least 1")
    return number


def examine(_options: argparse.Namespace) -> int:
    """Try every tier and explain."""
    found = doctor.diagnose()
    print(found.text())
    return DONE if found.tier is not None else FAILED


def tier_for(unsafe: bool) -> Tier:
    """Return the tier to use; a weaker one than the machine gives is only for the asking."""
    if unsafe:
        return Tier.D
    found = doctor.choose()
    if found.tier is None:
        raise CourseError(found.text())
    return found.tier


def grade(options: argparse.Namespace) -> int:
    """Grade, show progress, report."""
    course = Course.find(options.course)
    chosen = Options(
        tuple(options.sets),
        tuple(options.student),
        options.workers,
        options.force,
        options.figures,
        options.unsafe,
        options.scheduler,
    )
    if options.unsafe:
        where = "on the workers" if options.scheduler else "in this account"
        print(f"Tier D: submissions run unprotected {where}.", file=sys.stderr)
    with tqdm(
        total=0,
        unit="submission",
        disable=options.json or not sys.stderr.isatty(),
        smoothing=0.05,
        desc="grading",
    ) as bar:

        def total(count: int) -> None:
            bar.total = count
            bar.refresh()

        try:
            summary = batch.run(
                course, chosen, lambda: tier_for(options.unsafe), progress=bar.update, total=total
            )
        except SandboxError as error:
            raise CourseError(f"the sandbox does not work here: {error}") from None
    print(as_json(summary) if options.json else as_text(summary))
    for where, why in summary.failures.items():
        print(f"autograder: {where} could not be graded, a fault of ours:\n{why}", file=sys.stderr)
    if summary.interrupted:
        print("autograder: interrupted; the next run continues from here.", file=sys.stderr)
        return INTERRUPTED
    if summary.failures:
        return FAILED
    return REFUSED if summary.refused else DONE


def as_text(summary: Summary) -> str:
    """Return a line for each submission and one for all."""
    wide = max((len(result["student"]) for result in summary.results), default=0)
    lines = [_line(result, wide) for result in summary.results]
    count = len(summary.results) + len(summary.failures)
    said = [f"{count} submission{'s'[: count != 1]}", f"{summary.graded} graded now"]
    said += [f"{summary.kept} kept from earlier"] if summary.kept else []
    said += [f"{len(summary.refused)} without points"] if summary.refused else []
    said += [f"{len(summary.failures)} failed on our side"] if summary.failures else []
    return "\n".join([*lines, ", ".join(said) + "."])


def _line(result: Result, wide: int) -> str:
    score = f"{result['score']:g}/{result['max']:g}"
    words = [result["reason"]] if result["reason"] else []
    manual = [name for name, entry in result["cells"].items()
              if entry["score"] is None and entry["kind"] in ("manual", "task")]  # fmt: skip
    words += [f"to be read: {', '.join(manual)}"] if manual else []
    words += list(result["notes"])
    return f"{result['set']}  {result['student']:<{wide}}  {score:>9}  {'; '.join(words)}".rstrip()


def as_json(summary: Summary) -> str:
    """Return everything but the single cases, which are in .autograder/results."""
    return json.dumps(
        {
            "results": summary.results,
            "failures": summary.failures,
            "graded": summary.graded,
            "kept": summary.kept,
            "interrupted": summary.interrupted,
        },
        indent=1,
    )
