"""Release: the students' notebooks, made by nbgrader's generator, and a zip that opens anywhere."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from autograder import sets
from autograder.course import Course, CourseError

READ_ME = """\
{name}

Open {name}.ipynb in JupyterLab, Jupyter Notebook, VS Code or Colab.
It needs Python 3.11 or newer with the course installed; its first cell says how. Whoever gave you
this set can tell you where the course's repository and its book are.

Work from top to bottom. Below each function you write stands a cell that checks it: run it as often
as you like. Hand in the notebook under the name it has.

Words in “quotation marks” behind an equation name the section of the lesson where it stands.
"""


def release(course: Course, wanted: Sequence[str] = ()) -> list[str]:
    """Make students' versions of the named sets (default all); return what was done, a line each.

    The notebook in source/ counts, so an instructor's edits are released too. nbgrader's generator
    writes release/NAME/NAME.ipynb and enters the assignment into the gradebook. A set that would
    leak is refused before anything is written.
    """
    chosen = list(wanted) or [n for n in sets.names() if course.source(n).exists()]
    for name in chosen:
        if not course.source(name).exists():
            there = ", ".join(sorted(p.name for p in (course.root / "source").iterdir())) or "none"
            raise CourseError(f"there is no source/{name}/{name}.ipynb; there are: {there}")
        refuse_leaks(course, name)
    return [release_one(course, name) for name in chosen]


def refuse_leaks(course: Course, name: str) -> None:
    """Raise CourseError with all reasons why a set must not be released as it is."""
    full = sets.read(course.source(name))
    try:
        released = sets.student_version(full, course.nbgrader_config())
    except Exception as problem:  # whatever nbgrader raises about markers and metadata
        raise CourseError(f"{name} was not released: nbgrader says: {problem}") from problem
    found = sets.leaks(full, released, course.salt)
    for path in sorted((course.root / "source" / name).rglob("*")):  # nbgrader copies them, too
        if path.is_file() and course.salt.encode() in path.read_bytes():
            found.append(f"{path.relative_to(course.root)} contains the course's secret salt")
    if found:
        raise CourseError(f"{name} was not released: " + "; ".join(dict.fromkeys(found)))


def release_one(course: Course, name: str) -> str:
    """Release one set."""
    generate(course, name)
    full = sets.read(course.source(name))
    released = sets.read(course.released(name))
    if found := sets.leaks(full, released, course.salt):
        course.released(name).unlink()
        raise CourseError(f"{name} was not released: " + "; ".join(found))
    archive = make_zip(course.root / "release" / f"{name}.zip", course.released(name))
    points = sets.points_of(released)
    return f"released {name}: {points:g} points, {archive.relative_to(course.root).as_posix()}"


def generate(course: Course, name: str) -> None:
    """Run nbgrader's generate_assignment with the course's own configuration."""
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    config = course.nbgrader_config()
    with sets.tools_on_path():
        directory = CourseDirectory(config=config)
        result = NbGraderAPI(coursedir=directory, config=config).generate_assignment(name)
    if not result["success"]:
        raise CourseError(
            f"nbgrader could not make {name}: {result.get('error') or result['log']}".strip()
        )


def make_zip(archive: Path, notebook: Path) -> Path:
    """Pack a released notebook, what lies beside it, and a short text.

    The same input gives the same bytes.
    """
    name = notebook.stem
    files = {
        path.relative_to(notebook.parent).as_posix(): path.read_bytes()
        for path in sorted(notebook.parent.rglob("*"))
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }
    files.setdefault("README.txt", READ_ME.format(name=name).encode())
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as pack:
        for inside, content in files.items():
            info = zipfile.ZipInfo(f"{name}/{inside}", date_time=(2026, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            pack.writestr(info, content)
    return archive
