"""The command `autograder`: make a course, release its problem sets, grade what is handed in."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from autograder.course import Course, CourseError, initialise
from autograder.grading.cli import add_commands as add_grading
from autograder.lab import WorkError
from autograder.sets import SetError


def init(options: argparse.Namespace) -> int:
    """Make a course directory or bring one up to date."""
    print("\n".join(initialise(options.folder)))
    print(f"The course is in {options.folder.resolve()}. Next: autograder release, inside it.")
    return 0


def release(options: argparse.Namespace) -> int:
    """Make the students' versions."""
    from autograder.release import release as release_sets

    print("\n".join(release_sets(Course.find(options.course), options.sets)))
    return 0


def work(options: argparse.Namespace) -> int:
    """Put released sets into a student's folder, without touching what they wrote."""
    from autograder.lab import fill

    print("\n".join(fill(options.folder, options.sets)))
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="autograder", description=(__doc__ or "").split(": ", 1)[1])
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    one = commands.add_parser("init", help="make a course directory, or bring one up to date")
    one.add_argument(
        "folder", nargs="?", type=Path, default=Path("course"), metavar="DIR", help="default course"
    )
    one.set_defaults(run=init)

    one = commands.add_parser("release", help="make the students' versions of problem sets")
    add_sets(one)
    one.add_argument("--course", default=".", metavar="DIR", help="default: the folder you are in")
    one.set_defaults(run=release)

    one = commands.add_parser("work", help="put released sets into a student's own folder")
    one.add_argument("folder", type=Path, metavar="DIR")
    add_sets(one)
    one.set_defaults(run=work)
    add_grading(commands)
    return top


def add_sets(command: argparse.ArgumentParser) -> None:
    """Let a command take the names of problem sets."""
    command.add_argument(
        "sets", nargs="*", metavar="SET", help="for example ps07-activations; default all"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a failure that a person can mend is one line, not a traceback."""
    options = parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        return status
    except (CourseError, SetError, WorkError) as problem:
        print(f"autograder: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
