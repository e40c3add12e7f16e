"""What students may import of the course inside the sandbox: names that work and tell nothing.

This file never runs on the host. Its text travels as the driver of a first call (`REQUEST` in
`run`), so it needs nothing but the standard library, and it leaves no trace in the numbering of
the cells. Points are counted by the host, from values; nothing here has a part in it.
"""

from __future__ import annotations

import sys
import types
from typing import Any

SAID = "The points of this step are counted at its own check cell."
NO_SHELL = "[no other programs here: this line was left out]"


def check(step_id: str = "", *functions: Any) -> float:
    """Stand for the course's `check`, wherever a cell of the student's own calls it."""
    del step_id, functions
    print(SAID)
    return 0.0


class Quiet:
    """Stand for a figure: it can be called, looked into and gone through, and shows nothing."""

    def __call__(self, *_: Any, **__: Any) -> Quiet:
        """Return itself."""
        return self

    def __getattr__(self, name: str) -> Quiet:
        if name.startswith("_"):  # no protocol of IPython, numpy or copy is supported
            raise AttributeError(name)
        return self

    def __iter__(self) -> Any:
        return iter(())

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __repr__(self) -> str:
        return "[a figure: not drawn while grading]"


class QuietModule(types.ModuleType):
    """A module in which every public name is a figure."""

    def __getattr__(self, name: str) -> Quiet:
        if name.startswith("_"):
            raise AttributeError(name)
        return Quiet()


def install(shell: Any) -> None:
    """Put the names in place, and make lines for other programs (`!pip …`) do nothing."""
    course = types.ModuleType("autograder", "The course, as far as grading needs it.")
    course.check = check  # type: ignore[attr-defined]
    sys.modules["autograder"] = course

    library = types.ModuleType("mlp_lib", "Only the figures; the functions are yours to write.")
    library.__path__ = []
    sys.modules["mlp_lib"] = library
    for name in ("plots", "interactive"):
        module = QuietModule(f"mlp_lib.{name}")
        setattr(library, name, module)
        sys.modules[f"mlp_lib.{name}"] = module

    def no_shell(*_: Any, **__: Any) -> None:
        print(NO_SHELL)

    def no_output(*_: Any, **__: Any) -> list[str]:
        print(NO_SHELL)
        return []

    if shell is not None:
        for name in ("system", "system_raw", "system_piped"):
            setattr(shell, name, no_shell)
        shell.getoutput = no_output
