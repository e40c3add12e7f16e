"""Read a submission defensively, and restore what is not the student's to change.

    template = Template.of(course, "ps07-activations")
    submission = read(path)                     Refused, with a sentence for the student
    cells, notes = restore(submission, template)

Nothing in a submission is trusted but the text of its cells. The cells that nbgrader locks, and
the metadata of every cell it knows, come from the released notebook by `grade_id`; a cell that was
deleted comes back, a copy loses its id, and one whose metadata a tool threw away is recognised by
its text or its place. The student's own cells keep their text, and pictures pasted into Markdown.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from autograder import bank
from autograder.course import Course, CourseError
from autograder.grading import clean

MAX_BYTES = 10 * 2**20
"""Of a notebook file. One with every figure of a set in it has about one megabyte."""
MAX_CELLS = 1000

Role = Literal["check", "test", "manual", "task", "answer", "locked", "own"]
"""What a cell is to grading.

`check` is a graded cell of the bank, judged from values; `test` a graded cell with code that an
instructor added, judged as nbgrader does; `manual` an answer that a person reads; `task` a task
that a person grades; `answer` an answer that checks depend on; `locked` text or code for reading;
`own` everything a student added.
"""


class Refused(Exception):  # noqa: N818 - a finding about a submission, not an error of ours
    """A submission that cannot be graded; the message says why, to the student."""


# --------------------------------------------------------------------------------------
# what was released


@dataclass(frozen=True)
class Slot:
    """A cell of the released notebook that nbgrader knows."""

    grade_id: str
    role: Role
    kind: str
    source: str
    metadata: dict[str, Any]
    points: float
    before: str
    """The text of the cell before it, by which its place is known."""
    answers: tuple[str, ...]
    """The grade ids of the answers between the check before and this one."""

    @property
    def fixed(self) -> bool:
        """Whether its text is restored."""
        return self.role not in ("manual", "answer")


@dataclass(frozen=True)
class Template:
    """A released problem set, as plain data that travels to workers."""

    name: str
    slots: dict[str, Slot]
    metadata: dict[str, Any]
    cells: tuple[dict[str, Any], ...]
    digest: str

    @property
    def steps(self) -> list[str]:
        """The ids of the bank's steps in it."""
        return [slot.grade_id for slot in self.slots.values() if slot.role == "check"]

    @property
    def max_score(self) -> float:
        """The points of the whole set."""
        return sum(slot.points for slot in self.slots.values())

    @classmethod
    def of(cls, course: Course, name: str) -> Template:
        """Read a released set; the gradebook's copy of locked cells counts, as for nbgrader."""
        path = course.released(name)
        if not path.exists():
            raise CourseError(f"{name} is not released: run 'autograder release {name}' first")
        notebook = json.loads(path.read_text(encoding="utf-8"))
        return cls.build(name, notebook, _gradebook_cells(course, name))

    @classmethod
    def build(
        cls, name: str, notebook: dict[str, Any], kept: dict[str, str] | None = None
    ) -> Template:
        """Make a template of a released notebook; `kept` has texts that take precedence."""
        slots: dict[str, Slot] = {}
        cells: list[dict[str, Any]] = []
        before, answers = "", []
        known = set(bank.ids())
        for cell in notebook["cells"]:
            source = _newlines(clean.text_of(cell["source"]))
            about = cell["metadata"].get("nbgrader", {})
            cells.append({"cell_type": cell["cell_type"], "source": source, "id": cell.get("id")})
            if name_of_cell := about.get("grade_id"):
                role = _role(cell["cell_type"], about, known)
                text = source
                if kept is not None and role not in ("manual", "answer"):
                    text = kept.get(name_of_cell, source)
                if role == "answer":
                    answers.append(name_of_cell)
                slots[name_of_cell] = Slot(
                    grade_id=name_of_cell,
                    role=role,
                    kind=cell["cell_type"],
                    source=text,
                    metadata=copy.deepcopy(cell["metadata"]),
                    points=float(about.get("points", 0)) if role != "answer" else 0.0,
                    before=before,
                    answers=tuple(answers) if role in ("check", "test") else (),
                )
                cells[-1]["grade_id"] = name_of_cell
                if role in ("check", "test"):
                    answers = []
            before = source
        metadata = {
            key: notebook["metadata"][key]
            for key in ("kernelspec", "language_info", "course")
            if key in notebook["metadata"]
        }
        written = json.dumps([cells, [[s.source, s.metadata] for s in slots.values()]])
        digest = hashlib.sha256(written.encode()).hexdigest()
        return cls(name, slots, metadata, tuple(cells), digest)


def _role(kind: str, about: dict[str, Any], known: set[str]) -> Role:
    if about.get("task"):
        return "task"
    if about.get("grade") and (about.get("solution") or kind != "code"):
        return "manual"
    if about.get("grade"):
        return "check" if about["grade_id"] in known else "test"
    return "answer" if about.get("solution") else "locked"


def _gradebook_cells(course: Course, name: str) -> dict[str, str]:
    """Return the texts of a set's cells from the gradebook, and see that it knows the set."""
    from nbgrader.api import Gradebook, MissingEntry

    from autograder.sets import tools_on_path

    with tools_on_path(), Gradebook(course.gradebook_url) as gradebook:
        try:
            notebook = gradebook.find_notebook(name, name)
        except MissingEntry:
            raise CourseError(
                f"the gradebook does not know {name}: run 'autograder release {name}' first"
            ) from None
        return {cell.name: _newlines(cell.source or "") for cell in notebook.source_cells}


# --------------------------------------------------------------------------------------
# what was handed in


@dataclass(frozen=True)
class Handed:
    """A cell of a submission, its text and the little else that is looked at."""

    kind: str
    source: str
    grade_id: str
    attachments: dict[str, dict[str, str]] = field(default_factory=dict)


def load(path: Path) -> bytes:
    """Return the bytes of a submitted file, which must be a file and not too large."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Refused("There is no notebook in what was handed in.") from None
    except OSError as error:
        raise Refused(f"The notebook cannot be opened ({error.strerror}).") from None
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise Refused("What was handed in under the notebook's name is no file.")
        if about.st_size > MAX_BYTES:
            raise Refused(
                f"The notebook has {about.st_size / 2**20:.1f} MB; {MAX_BYTES // 2**20} MB is the "
                "limit. Clear its outputs and hand it in again."
            )
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def parse(data: bytes, template: Template) -> list[Handed]:
    """Return the cells of a submission, or say in a `Refused` why that is impossible."""
    if not data.strip():
        raise Refused("The file is empty.")
    try:
        text = data.decode("utf-8-sig")
        if "\0" in text:
            raise ValueError
        tree = json.loads(text)
    except (ValueError, RecursionError, MemoryError):
        raise Refused(
            "The file is not a notebook: it is not in the JSON format. Was it renamed, exported "
            "to another format, or cut off while uploading?"
        ) from None
    if not isinstance(tree, dict) or not isinstance(tree.get("cells"), list):
        older = isinstance(tree, dict) and "worksheets" in tree
        raise Refused(
            "The notebook is in a format from before 2015; open and save it in a current Jupyter."
            if older
            else "The file is not a notebook: it has no list of cells."
        )
    if len(tree["cells"]) > MAX_CELLS:
        raise Refused(f"The notebook has more than {MAX_CELLS} cells.")
    cells = [cell for item in tree["cells"] if (cell := _cell(item)) is not None]
    if not any(cell.source.strip() for cell in cells):
        raise Refused("The notebook is empty: none of its cells contains anything.")
    if not any(cell.grade_id in template.slots for cell in cells) and not any(
        _same(cell.source, slot.source) for cell in cells for slot in template.slots.values()
    ):
        other = _says_it_is(tree)
        raise Refused(
            f"This is not the notebook of {template.name}: none of its cells belongs to it."
            + (f" It says that it is {other}." if other and other != template.name else "")
        )
    return cells


def _cell(item: Any) -> Handed | None:
    if not isinstance(item, dict) or item.get("cell_type") not in ("code", "markdown", "raw"):
        return None
    source = item.get("source", "")
    if isinstance(source, list) and not all(isinstance(line, str) for line in source):
        return None
    if not isinstance(source, str | list):
        return None
    metadata = item.get("metadata")
    about = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = about.get("grade_id") if isinstance(about, dict) else None
    return Handed(
        kind=item["cell_type"],
        source=_newlines(clean.text_of(source)),
        grade_id=grade_id if isinstance(grade_id, str) else "",
        attachments=clean.attachments(item.get("attachments")),
    )


def _says_it_is(tree: dict[str, Any]) -> str:
    metadata = tree.get("metadata")
    course = metadata.get("course") if isinstance(metadata, dict) else None
    name = course.get("set") if isinstance(course, dict) else None
    return name[:60] if isinstance(name, str) else ""


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _same(a: str, b: str) -> bool:
    """Compare texts, but for the white space that editors change."""
    return _squeezed(a) == _squeezed(b) != ""


def _squeezed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


# --------------------------------------------------------------------------------------
# the two together


@dataclass
class Cell:
    """A cell of the notebook that will be run, looked at and fed back."""

    role: Role
    kind: str
    source: str
    grade_id: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    attachments: dict[str, dict[str, str]] = field(default_factory=dict)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    count: int | None = None
    answered: bool = True
    """Whether the student wrote something of their own here."""


def restore(handed: Sequence[Handed], template: Template) -> tuple[list[Cell], list[str]]:
    """Return the notebook to grade, in the student's order, and what had to be mended."""
    notes: list[str] = []
    claims = _claims(handed, template, notes)
    taken = {number: grade_id for grade_id, number in claims.items()}
    cells = []
    for number, item in enumerate(handed):
        slot = template.slots[taken[number]] if number in taken else None
        cells.append(_own(item) if slot is None else _known(slot, item))
    for slot in template.slots.values():
        if slot.grade_id not in claims:
            _put_back(cells, slot, template, notes)
    return cells, notes


def blank(template: Template) -> list[Cell]:
    """Return the notebook of somebody who handed in nothing that can be read."""
    cells = []
    for item in template.cells:
        if "grade_id" in item:
            cells.append(_known(template.slots[item["grade_id"]], None))
        else:
            cells.append(Cell("own", item["cell_type"], item["source"]))
    return cells


def _claims(handed: Sequence[Handed], template: Template, notes: list[str]) -> dict[str, int]:
    """Find the cell of the submission for every grade id, as far as there is one."""
    claims: dict[str, int] = {}
    for slot in template.slots.values():
        found = [n for n, item in enumerate(handed) if item.grade_id == slot.grade_id]
        if not found:
            continue
        if len(found) > 1:
            notes.append(
                f"The cell '{slot.grade_id}' is there {len(found)} times: "
                f"the last {'one' if slot.fixed else 'one with an answer'} counts."
            )
        changed = [n for n in found if not _same(handed[n].source, slot.source)]
        claims[slot.grade_id] = (changed or found)[-1] if not slot.fixed else found[-1]
    taken = set(claims.values())
    for slot in template.slots.values():
        if slot.grade_id in claims:
            continue
        number = _recognised(slot, handed, taken)
        if number is not None:
            claims[slot.grade_id] = number
            taken.add(number)
            notes.append(f"The cell '{slot.grade_id}' had lost its name and was recognised.")
    return claims


def _recognised(slot: Slot, handed: Sequence[Handed], taken: Iterable[int]) -> int | None:
    """Find a cell without its id by its text, or an answer by the text before it."""
    free = [n for n, item in enumerate(handed) if n not in taken and item.kind == slot.kind]
    if slot.fixed:
        return next((n for n in free if _same(handed[n].source, slot.source)), None)
    after = [n for n in free if n > 0 and _same(handed[n - 1].source, slot.before)]
    return after[0] if after else None


def _known(slot: Slot, item: Handed | None) -> Cell:
    metadata = copy.deepcopy(slot.metadata)
    if item is None or slot.fixed:
        return Cell(slot.role, slot.kind, slot.source, slot.grade_id, metadata, answered=False)
    written = item.source if item.source.strip() else ""
    answered = bool(written) and not _same(written, slot.source)
    pictures = item.attachments if slot.kind == "markdown" else {}
    return Cell(
        slot.role, slot.kind, item.source, slot.grade_id, metadata, pictures,
        answered=answered or bool(pictures),
    )  # fmt: skip


def _own(item: Handed) -> Cell:
    if item.kind == "raw":  # a page would take its text for HTML
        return Cell("own", "markdown", clean.as_typed(item.source))
    pictures = item.attachments if item.kind == "markdown" else {}
    return Cell("own", item.kind, item.source, attachments=pictures)


def _put_back(cells: list[Cell], slot: Slot, template: Template, notes: list[str]) -> None:
    """Insert a missing cell: a check below its answer or at the end, others in their order."""
    if slot.role == "answer":
        notes.append(f"The cell '{slot.grade_id}' is missing.")
        return
    here = {cell.grade_id: number for number, cell in enumerate(cells) if cell.grade_id}
    if slot.role in ("check", "test"):
        answers = [here[name] for name in slot.answers if name in here]
        place = max(answers) + 1 if answers else len(cells)
    else:
        order = list(template.slots)
        earlier = order[: order.index(slot.grade_id)]
        place = max((here[name] + 1 for name in earlier if name in here), default=0)
    cells.insert(place, _known(slot, None))
    notes.append(f"The cell '{slot.grade_id}' was missing and has been put back.")
