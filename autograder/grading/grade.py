"""Grade one submission: from the bytes that were handed in to a result and a notebook to look at.

A result is a plain tree, written as one JSON file per submission:

    key          what it depends on: the submission, the set, the bank, the salt, the limits
    status       "graded", or "refused" with a `reason`
    cells        by grade id: kind, score (None where a person grades), max, answered
    steps        the judgements: `StepResult` as a tree, of right cases little more than the name
    score, max, notes, runs, cpu, memory, seconds, tier, submitted (the time stamp or None)
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder import bank
from autograder.engine.judge import StepResult, judge
from autograder.engine.render import as_html, as_text
from autograder.grading import clean, notebook, papers, run
from autograder.grading.notebook import Cell, Refused, Template
from autograder.sandbox.host import Sandbox
from autograder.sandbox.limits import Limits

Result = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One submission to grade, as it travels to a worker."""

    student: str
    set: str
    source: Path
    autograded: Path
    result: Path

    @property
    def folder(self) -> Path:
        """Where it was handed in."""
        return self.source.parent


@dataclass(frozen=True)
class Intake:
    """What was handed in, as it travels to a worker that does not see the course's folders."""

    data: bytes
    note: str = ""
    """Something about how it was handed in."""
    missing: str = ""
    """Why there is nothing to grade."""
    submitted: str | None = None
    """The time of handing in, as nbgrader's exchange notes it."""


@dataclass(frozen=True)
class Settings:
    """What is the same for all submissions of a run."""

    salt: str
    limits: Limits
    figures: bool = False


# --------------------------------------------------------------------------------------
# what a result depends on


@functools.lru_cache(maxsize=64)
def bank_digest(steps: tuple[str, ...]) -> str:
    """Return the fingerprint of all code that decides the points of these steps."""
    root = Path(bank.__file__).parent.parent
    files = [f for f, ids in bank.FILES.items() if set(ids) & set(steps)]
    paths = [root / "bank" / f"{name}.py" for name in ("__init__", "common", *files)]
    for folder in (root / "engine", root / "inside", root / "grading", root.parent / "mlp_lib"):
        paths += sorted(folder.glob("*.py"))
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def key_of(task: Task, data: bytes, template: Template, settings: Settings) -> str:
    """Return the fingerprint of everything a result depends on."""
    parts = [
        hashlib.sha256(data).hexdigest(),
        task.student,
        template.name,
        template.digest,
        bank_digest(tuple(template.steps)),
        hashlib.sha256(settings.salt.encode()).hexdigest(),
        json.dumps(dataclasses.asdict(settings.limits)),
        str(settings.figures),
    ]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def read(task: Task) -> Intake:
    """Read a submission. One notebook under another name, as browsers make of a copy, counts."""
    path, note = task.source, ""
    if task.folder.is_symlink():
        return Intake(b"", missing=f"{task.set} is a link to another folder; it is not followed.")
    if not path.exists() and not path.is_symlink():
        others = sorted(task.folder.glob("*.ipynb"))
        if len(others) > 1:
            names = ", ".join(repr(clean.text_of(other.name)[:80]) for other in others[:5])
            missing = f"There is no {path.name}, but several others: {names}."
            return Intake(b"", missing=missing, submitted=time_stamp(task))
        if others:
            path = others[0]
            name = clean.text_of(path.name)[:80]
            note = f"The notebook was handed in under the name {name!r}."
    try:
        return Intake(notebook.load(path), note, submitted=time_stamp(task))
    except Refused as refusal:
        return Intake(b"", missing=str(refusal), submitted=time_stamp(task))


# --------------------------------------------------------------------------------------
# grading


def grade(
    task: Task, intake: Intake, template: Template, settings: Settings, sandbox: Sandbox
) -> tuple[Result, dict[str, Any]]:
    """Grade what was handed in; return the result and the autograded notebook."""
    result = _header(task, intake, template, settings)
    try:
        if intake.missing:
            raise Refused(intake.missing)
        handed = notebook.parse(intake.data, template)
    except Refused as refusal:
        return _refused(result, template, str(refusal))
    cells, notes = notebook.restore(handed, template)
    if intake.note:
        notes.insert(0, intake.note)
    return _graded(result, cells, notes, task, template, settings, sandbox)


def _header(task: Task, intake: Intake, template: Template, settings: Settings) -> Result:
    return {
        "key": key_of(task, intake.data, template, settings),
        "student": task.student,
        "set": template.name,
        "status": "graded",
        "reason": "",
        "score": 0.0,
        "max": template.max_score,
        "cells": {},
        "steps": [],
        "notes": [],
        "submitted": intake.submitted,
    }


def time_stamp(task: Task) -> str | None:
    """Return the time of handing in, as nbgrader's exchange notes it."""
    path = task.folder / "timestamp.txt"
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        with open(os.open(path, flags), "rb") as file:  # no link, and no pipe to wait for
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            return file.read(400).decode("utf-8")[:100].strip() or None
    except (OSError, ValueError):
        return None


def _refused(result: Result, template: Template, reason: str) -> tuple[Result, dict[str, Any]]:
    result["status"], result["reason"] = "refused", reason
    for slot in template.slots.values():
        if slot.role != "locked":
            score = None if slot.role == "answer" else 0.0
            result["cells"][slot.grade_id] = _entry(slot.role, score, slot.points, False)
    cells = notebook.blank(template)
    for cell in cells:
        if cell.role in ("check", "test"):
            cell.outputs = [_stream(f"Not graded: {reason}\n"), _points(0.0)]
    words = f"**This submission could not be graded, so it has no points.** {reason}"
    return result, assemble(cells, template, [words])


def _graded(
    result: Result,
    cells: list[Cell],
    notes: list[str],
    task: Task,
    template: Template,
    settings: Settings,
    sandbox: Sandbox,
) -> tuple[Result, dict[str, Any]]:
    steps = {cell.grade_id: bank.get(cell.grade_id) for cell in cells if cell.role == "check"}
    paper = papers.paper_of(settings.salt, task.student)
    requests = {name: papers.requests_of(name, settings.salt, paper) for name in steps}
    limits = {name: max(settings.limits.call, step.limit) for name, step in steps.items()}
    done = run.execute(
        sandbox,
        cells,
        requests,
        limits,
        seed=run.seed_of(task.student, template.name),
        figures=settings.figures,
    )
    for cell in cells:
        if not cell.grade_id:
            continue
        most = template.slots[cell.grade_id].points
        score: float | None = None
        if cell.role == "check":
            judged = judge(steps[cell.grade_id], requests[cell.grade_id],
                           done.outcomes[cell.grade_id])  # fmt: skip
            score = scaled(judged, most)
            result["steps"].append(judgement(judged))
            cell.outputs = [_report(judged), _points(score)]
        elif cell.role == "test":
            score = points_of_output(cell.outputs, most)
            if any(output.get("name") == "stderr" for output in cell.outputs):
                cell.outputs.insert(0, _points(score))  # nbgrader would give 0 for a warning
        elif cell.role == "manual":
            score = None if cell.answered else 0.0
        if cell.role in ("check", "test", "manual", "task", "answer"):
            result["cells"][cell.grade_id] = _entry(cell.role, score, most, cell.answered)
    result["score"] = sum(entry["score"] or 0.0 for entry in result["cells"].values())
    result["notes"] = [*notes, *done.notes]
    result["runs"], result["cpu"] = done.runs, round(done.cpu, 4)
    result["memory"], result["seconds"] = done.memory, round(done.seconds, 4)
    result["tier"] = sandbox.tier.name
    return result, assemble(cells, template, result["notes"])


def judgement(judged: StepResult) -> dict[str, Any]:
    """Return a judgement as a plain tree, in detail only where something is wrong."""
    cases = []
    for case in judged.cases:
        short = {"name": case.name, "kind": case.kind, "function": case.function, "ok": case.ok}
        if not case.ok:
            said = [f.sentence for f in case.findings if not f.ok and f.sentence]
            short["status"] = case.status
            short["parts"] = case.parts
            short["said"] = [*said, *case.problems, *case.conduct]
        cases.append(short)
    return {
        "step": judged.step,
        "title": judged.title,
        "lesson": judged.lesson,
        "equation": judged.equation,
        "points": judged.points,
        "max_points": judged.max_points,
        "status": judged.status,
        "mistakes": judged.mistakes,
        "parts": [dataclasses.asdict(part) for part in judged.parts],
        "failures": [dataclasses.asdict(failure) for failure in judged.failures],
        "remarks": judged.remarks,
        "cases": cases,
    }


def _entry(role: str, score: float | None, most: float, answered: bool) -> dict[str, Any]:
    return {"kind": role, "score": score, "max": most, "answered": answered}


def scaled(judged: StepResult, most: float) -> float:
    """Return the points for a step in a set that gives other points for it than the bank."""
    if judged.max_points == most or judged.max_points <= 0:
        return min(judged.points, most)
    return min(most, math.floor(100 * judged.points * most / judged.max_points + 1e-9) / 100)


def points_of_output(outputs: Sequence[Mapping[str, Any]], most: float) -> float:
    """Return what nbgrader gives for a test cell, except that warnings and prints cost nothing."""
    for output in outputs:
        if output["output_type"] == "error":
            return 0.0
        if output["output_type"] == "execute_result":
            try:
                points = float(output["data"].get("text/plain", ""))
            except ValueError:
                return most
            return min(max(points, 0.0), most) if points == points else 0.0
    return most


# --------------------------------------------------------------------------------------
# the notebook that people look at


def assemble(cells: Sequence[Cell], template: Template, notes: Sequence[str]) -> dict[str, Any]:
    """Return the autograded notebook as a plain tree of nbformat 4.5."""
    ours = {item["source"] for item in template.cells}
    items = [_item(cell, number, ours) for number, cell in enumerate(cells)]
    if notes:
        lines = "\n".join(f"- {clean.markdown(note)}" for note in notes)
        text = f"### Notes from the grader\n\n{lines}"
        items.insert(0, {"cell_type": "markdown", "id": "notes", "metadata": {}, "source": text})
    return {"cells": items, "metadata": template.metadata, "nbformat": 4, "nbformat_minor": 5}


def _item(cell: Cell, number: int, ours: set[str]) -> dict[str, Any]:
    item: dict[str, Any] = {
        "cell_type": cell.kind,
        "id": f"cell-{number}",
        "metadata": cell.metadata,
        "source": cell.source,
    }
    if cell.kind == "code":
        item["outputs"], item["execution_count"] = cell.outputs, cell.count
    else:
        if cell.source not in ours:
            item["source"] = clean.markdown(cell.source, cell.attachments)
        if cell.attachments:
            item["attachments"] = cell.attachments
    return item


def _report(judged: StepResult) -> dict[str, Any]:
    data = {"text/html": as_html(judged), "text/plain": as_text(judged)}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _points(score: float) -> dict[str, Any]:
    """Return what nbgrader reads the points from, if it is asked to."""
    return {
        "output_type": "execute_result",
        "data": {"text/plain": f"{score:g}" if score == round(score, 4) else repr(score)},
        "metadata": {},
        "execution_count": None,
    }


def _stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}
