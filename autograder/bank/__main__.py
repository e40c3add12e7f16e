"""List the steps: `python -m autograder.bank`."""

from __future__ import annotations

from autograder import bank
from autograder.engine.judge import cases_for


def main() -> None:
    """Print one line for each step."""
    rows = [("step", "lesson", "points", "cases", "mistakes", "functions")]
    points, cases, mistakes, count = 0.0, 0, 0, 0
    for step in bank.steps():
        found = len(cases_for(step))
        wrong = sum(not mistake.contrast for mistake in step.mistakes)
        functions = ", ".join(step.names)
        rows.append((step.id, step.lesson, f"{step.points:g}", str(found), str(wrong), functions))
        points, cases, mistakes = points + step.points, cases + found, mistakes + wrong
        count += 1
    rows.append((f"{count} of {len(bank.ids())}", "", f"{points:g}", str(cases), str(mistakes), ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            text.rjust(width) if 2 <= column <= 4 else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


if __name__ == "__main__":
    main()
