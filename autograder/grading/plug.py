"""The same grading inside nbgrader: `nbgrader autograde` and formgrader's button use the sandbox.

A course's nbgrader_config.py names `Sandboxed` in place of nbgrader's executor. It reads what was
handed in itself, so that nothing a notebook says about its own cells is believed, and leaves
outputs from which nbgrader's own preprocessors read the points. On a machine that cannot contain
submissions it refuses to work, instead of running them in the instructor's account.
"""

from __future__ import annotations

import atexit
import json
import os
import threading
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.preprocessors import NbGraderPreprocessor

from autograder.course import Course, CourseError, write_atomically
from autograder.grading import batch, grade
from autograder.grading.book import note_entered
from autograder.grading.notebook import Template
from autograder.sandbox import doctor
from autograder.sandbox.host import Sandbox
from autograder.sandbox.limits import Limits

_lock = threading.Lock()
_open: dict[Limits, Sandbox] = {}


def _sandbox(limits: Limits) -> Sandbox:
    """Return the sandbox of this process; it stays warm for the next submission."""
    if limits not in _open:
        found = doctor.choose()
        if found.tier is None:
            raise CourseError(found.text())
        _open[limits] = Sandbox(found.tier, limits).__enter__()
        atexit.register(_open[limits].__exit__)
    return _open[limits]


class Unread(NotebookExporter):
    """Give nbgrader an empty notebook in place of a submitted file, which `Sandboxed` reads.

    nbgrader itself would stop at a file that is no notebook, before any of us is asked.
    """

    def from_filename(self, filename: str, resources: Any = None, **more: Any) -> Any:
        """Return an empty notebook after the preprocessors, and the resources."""
        del filename
        empty = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
        return self.from_notebook_node(  # type: ignore[no-untyped-call]
            empty, resources=resources, **more
        )


class Sandboxed(NbGraderPreprocessor):  # type: ignore[misc]
    """Grade a submission in the sandbox, in place of running it here."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:  # noqa: ARG002
        """Return the autograded notebook."""
        about = resources["nbgrader"]
        if about["notebook"] != about["assignment"]:
            raise CourseError(
                f"{about['notebook']}.ipynb: a problem set has one notebook of its own name"
            )
        course = Course.find(os.getcwd())
        task = batch.task_of(course, about["assignment"], about["student"])
        settings = batch.settings_of(course)
        template = Template.of(course, task.set)
        with _lock:
            result, notebook = grade.grade(
                task, grade.read(task), template, settings, _sandbox(settings.limits)
            )
        for note in [result["reason"], *result["notes"]]:
            if note:
                self.log.warning("%s, %s: %s", task.set, task.student, note)
        write_atomically(task.result, json.dumps(result, ensure_ascii=False))
        note_entered(course, result)
        tree = nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]
        return tree, resources
