"""The gradebook: written by one writer, through nbgrader's own interface.

A result is entered when it is new, that is when its key is not the one entered last for this
student, or when the gradebook does not say what the result says. So a second run changes nothing
that people did in between: manual points, comments and extra credit stay; and only an answer that
was handed in anew asks for manual grading again, as in nbgrader.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any

from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import parse_utc
from sqlalchemy.exc import OperationalError, SAWarning

from autograder.course import Course, write_atomically
from autograder.grading.grade import Result
from autograder.grading.notebook import Template
from autograder.sets import tools_on_path

BATCH = 25
"""Results between two notes of what was entered."""
_PATIENCE = 30.0
"""Seconds to wait for somebody else, formgrader for example, to finish writing."""


class Book:
    """The open gradebook of a course."""

    def __init__(self, course: Course, templates: dict[str, Template]) -> None:
        config = course.nbgrader_config()
        name = config.get("CourseDirectory", {}).get("course_id", "")
        with tools_on_path():
            self._gradebook = Gradebook(course.gradebook_url, *([name] if name else []))
        # What was read of the set stays valid beyond a commit; `enter` forgets it now and then.
        self._gradebook.db().expire_on_commit = False
        self._note = _note(course)
        self._entered = _entered(course)
        self._unsaved = self._looked_at = 0
        self._students: set[str] = {student.id for student in self._gradebook.students}
        self._templates = templates
        penalties = AssignLatePenalties(config=config)
        penalties.log = logging.getLogger("autograder.late")
        penalties.init_plugin()
        self._penalties = penalties
        self._plugin: LateSubmissionPlugin = penalties.plugin_inst

    def __enter__(self) -> Book:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._save()
        self._gradebook.close()

    def missing(self, name: str) -> list[str]:
        """Return the graded cells of a released set that the gradebook does not know."""
        notebook = self._gradebook.find_notebook(name, name)
        known = {cell.name: float(cell.max_score) for cell in
                 (*notebook.grade_cells, *notebook.task_cells)}  # fmt: skip
        slots = self._templates[name].slots.values()
        graded = [s for s in slots if s.role in ("check", "test", "manual", "task")]
        return [s.grade_id for s in graded if known.get(s.grade_id) != s.points]

    def enter(self, result: Result) -> bool:
        """Enter a result; return whether anything had to be written."""
        self._looked_at += 1
        if self._looked_at % BATCH == 0:
            self._gradebook.db.expunge_all()  # or every submission of the class stays in memory
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", SAWarning)  # about nbgrader's own queries
                    return self._enter(result)
            except OperationalError:  # somebody else is writing
                self._gradebook.db.rollback()
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def _enter(self, result: Result) -> bool:
        name, student = result["set"], result["student"]
        where = f"{name}/{student}"
        new = self._entered.get(where) != result["key"]
        submission = self._find(name, student)
        if not new and submission is not None and _says(submission, result):
            return False
        if student not in self._students:
            self._gradebook.add_student(student)
            self._students.add(student)
        about = {"timestamp": stamp} if (stamp := _time(result["submitted"])) else {}
        if submission is None:
            submission = self._gradebook.add_submission(name, student, **about)
        elif about:
            submission.timestamp = about["timestamp"]
        self._write(submission, result, new)
        self._gradebook.db.commit()
        if submission.total_seconds_late > 0 or any(
            notebook.late_submission_penalty is not None for notebook in submission.notebooks
        ):
            self._late(submission)
        self._entered[where] = result["key"]
        self._unsaved += 1
        if self._unsaved >= BATCH:
            self._save()
        return True

    def _find(self, name: str, student: str) -> Any:
        if student not in self._students:
            return None
        try:
            return self._gradebook.find_submission(name, student)
        except MissingEntry:
            return None

    def _write(self, submission: SubmittedAssignment, result: Result, new: bool) -> None:
        for notebook in submission.notebooks:
            if notebook.name != result["set"]:
                continue
            for grade in notebook.grades:
                entry = result["cells"].get(grade.name)
                if entry is None or (not new and grade.auto_score == entry["score"]):
                    continue
                grade.auto_score = entry["score"]
                grade.needs_manual_grade = (
                    grade.manual_score is not None or grade.auto_score is None
                )
            for comment in notebook.comments:
                entry = result["cells"].get(comment.name)
                if entry is not None and entry["kind"] in ("manual", "answer"):
                    comment.auto_comment = None if entry["answered"] else "No response."

    def _late(self, submission: SubmittedAssignment) -> None:
        """Have the course's own plugin say what lateness costs, within nbgrader's bounds."""
        self._gradebook.db.refresh(submission)
        for notebook in submission.notebooks:
            notebook.late_submission_penalty = None
            if submission.total_seconds_late <= 0:
                continue
            penalty = self._plugin.late_submission_penalty(
                submission.student.id, notebook.score, submission.total_seconds_late
            )
            if penalty is not None:
                bounded = self._penalties._check_late_penalty(notebook, penalty)
                notebook.late_submission_penalty = bounded
        self._gradebook.db.commit()

    def _save(self) -> None:
        if self._unsaved:
            write_atomically(self._note, json.dumps(self._entered, indent=0, sort_keys=True))
            self._unsaved = 0


def _note(course: Course) -> Path:
    return course.root / ".autograder" / "entered.json"


def _entered(course: Course) -> dict[str, str]:
    with contextlib.suppress(OSError, ValueError):
        found: dict[str, str] = json.loads(_note(course).read_text())
        return found
    return {}


def note_entered(course: Course, result: Result) -> None:
    """Note that nbgrader itself enters this result."""
    entered = {**_entered(course), f"{result['set']}/{result['student']}": result["key"]}
    write_atomically(_note(course), json.dumps(entered, indent=0, sort_keys=True))


def _says(submission: SubmittedAssignment, result: Result) -> bool:
    """Tell whether the gradebook has the scores of a result."""
    scores = {
        grade.name: grade.auto_score
        for notebook in submission.notebooks
        if notebook.name == result["set"]
        for grade in notebook.grades
    }
    return all(
        grade in scores and scores[grade] == entry["score"]
        for grade, entry in result["cells"].items()
        if entry["kind"] != "answer"
    )


def _time(text: str | None) -> Any:
    """Return a time stamp as nbgrader keeps it; one that cannot be read counts as none."""
    if not text:
        return None
    try:
        return parse_utc(text)
    except (ValueError, OverflowError, TypeError):
        return None
