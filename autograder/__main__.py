"""Start the command `autograder`, or say in one line which packages it lacks."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line."""
    try:
        from autograder import cli
    except ModuleNotFoundError as missing:
        print(
            f"autograder: {missing.name} is not installed. Students need only `check`; for this "
            "command run pip install '.[grading]' in a copy of the course's repository.",
            file=sys.stderr,
        )
        return 1
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
