"""Release: the students' notebooks, made by nbgrader's generator, and a zip that opens anywhere."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import nbformat

from autograder import sets
from autograder.course import Course, CourseError

READ_ME = """\
{name}

Open {name}.ipynb in JupyterLab, Jupyter Notebook, VS Code or Colab.
It needs Python 3.11 or newer with the course installed; its first cell says how.

Work from top to bottom. Below each function you write stands a cell that checks it: run it as often
as you like. Hand in the notebook under the name it has.
"""


def release(course: Course, wanted: Sequence[str] = ()) -> list[str]:
    """Make students' versions of the named sets (default all); return what was done, a line each.

    The notebook in source/ counts, so an instructor's edits are released too. nbgrader's generator
    writes release/NAME/NAME.ipynb and enters the assignment into the gradebook. A notebook with a
    leak is removed again and the release refused.
    """
    chosen = list(wanted) or [n for n in sets.names() if course.source(n).exists()]
    for name in chosen:
        if not course.source(name).exists():
            there = ", ".join(sorted(p.name for p in (course.root / "source").iterdir())) or "none"
            raise CourseError(f"there is no source/{name}/{name}.ipynb; there are: {there}")
    return [release_one(course, name) for name in chosen]


def release_one(course: Course, name: str) -> str:
    """Release one set."""
    full = nbformat.read(course.source(name), as_version=4)
    # a source that was run in Jupyter has outputs; nbgrader clears them, so only the result counts
    kept = course.released(name).read_bytes() if course.released(name).exists() else None
    generate(course, name)
    released = nbformat.read(course.released(name), as_version=4)
    if found := sets.leaks(full, released, course.salt):
        if kept is None:
            course.released(name).unlink()
        else:
            course.released(name).write_bytes(kept)
        raise CourseError(f"{name} was not released: " + "; ".join(found))
    archive = make_zip(course.root / "release" / f"{name}.zip", name, course.released(name))
    points = sum(float(meta.get("points", 0)) for _, meta in sets.graded_cells(released))
    return f"released {name}: {points:g} points, {archive.relative_to(course.root)}"


def generate(course: Course, name: str) -> None:
    """Run nbgrader's generate_assignment with the course's own configuration."""
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    config = nbgrader_config(course)
    directory = CourseDirectory(config=config)
    directory.root = str(course.root)
    with sets.tools_on_path():
        result = NbGraderAPI(coursedir=directory, config=config).generate_assignment(name)
    if not result["success"]:
        raise CourseError(
            f"nbgrader could not make {name}: {result.get('error') or result['log']}".strip()
        )


def nbgrader_config(course: Course):  # type: ignore[no-untyped-def]
    """Read nbgrader_config.py as nbgrader does."""
    from traitlets.config.loader import PyFileConfigLoader

    config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    config.CourseDirectory.db_url = course.gradebook_url
    return config


def make_zip(archive: Path, name: str, notebook: Path) -> Path:
    """Pack a released notebook with a short text; the same input gives the same bytes."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as pack:
        for inside, text in (
            (f"{name}/{name}.ipynb", notebook.read_text(encoding="utf-8")),
            (f"{name}/README.txt", READ_ME.format(name=name)),
        ):
            info = zipfile.ZipInfo(inside, date_time=(2026, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            pack.writestr(info, text)
    return archive
