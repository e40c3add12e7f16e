"""A course directory: nbgrader's own layout, plus a folder of ours that nbgrader never looks into.

source/ release/ submitted/ autograded/ feedback/ gradebook.db nbgrader_config.py     nbgrader's
.autograder/salt          the course's secret, readable by its owner only
.autograder/written.json  digests of the source notebooks we wrote, to notice edits by hand
.autograder/new/          new versions of notebooks that were edited by hand and therefore kept
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from traitlets.config import Config

from autograder import sets

CONFIG = '''\
"""nbgrader's configuration of this course. Stock nbgrader commands and formgrader read it too."""

import os
import sys

c = get_config()  # noqa: F821

# The name in the gradebook; change it before the first release if you like.
c.CourseDirectory.course_id = {course_id!r}

# What students find in place of an answer. `check` takes a stub that still raises
# NotImplementedError for "not started", so keep that line.
c.ClearSolutions.code_stub = {{"python": {stub!r}}}
c.ClearSolutions.text_stub = {text_stub!r}

# True: `nbgrader autograde` and formgrader's button run submissions in the sandbox, as `autograder
# grade` does. False: nbgrader runs them itself, in your own account, where a submission can read
# and change whatever you can.
SANDBOX = True

if SANDBOX:
    c.Autograde.exporter_class = "autograder.grading.plug.Unread"
    c.Autograde.sanitize_preprocessors = []
    c.Autograde.autograde_preprocessors = [
        "autograder.grading.plug.Sandboxed",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
    ]
    # The sandbox's limits for one submission; `autograder.sandbox.limits` has all of them.
    # c.Sandbox.cell = 10.0
    # c.Sandbox.call = 5.0
else:
    # Deleted cells are put back and copied ones tolerated; the rest is nbgrader as it comes.
    c.Autograde.sanitize_preprocessors = [
        "autograder.mend.Mended",
        "nbgrader.preprocessors.CheckCellMetadata",
    ]
    # So that an endless loop or an endless printout does not stop it for long.
    c.Execute.timeout = 60
    c.Execute.interrupt_on_timeout = True
    c.LimitOutput.max_lines = 1000

# nbgrader starts the program `alembic` by name. It lives beside the Python that runs nbgrader,
# which need not be on the PATH (in a virtual environment nobody activated, for example).
os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])

# Late penalties are nbgrader's own. A submission is late when its set has a due date (formgrader,
# Manage Assignments, the pencil) and its timestamp.txt, which nbgrader's collection writes, is
# later. Nothing is taken off unless you say what; for example half a point for every day begun:
#
# from nbgrader.plugins import LateSubmissionPlugin
#
#
# class ByTheDay(LateSubmissionPlugin):
#     def late_submission_penalty(self, student_id, score, total_seconds_late):
#         return min(score, 0.5 * -(-total_seconds_late // 86400))
#
#
# c.AssignLatePenalties.plugin_class = ByTheDay
#
# The penalty is entered when a submission is graded. Feedback and export show it; formgrader's
# tables show the points before it. Extra credit and manual points are given in formgrader.
'''


class CourseError(Exception):
    """A folder that is not a course, or cannot become one; the message says what to do."""


@dataclass(frozen=True)
class Course:
    """The paths of one course."""

    root: Path

    @classmethod
    def find(cls, folder: str | Path = ".") -> Course:
        """The course in this folder or in one above it."""
        start = Path(folder).resolve()
        for place in (start, *start.parents):
            if (place / "nbgrader_config.py").exists() and (place / ".autograder").is_dir():
                return cls(place)
        raise CourseError(
            f"{start} is not inside a course directory: make one with 'autograder init DIR', "
            "or name it with --course DIR"
        )

    @property
    def ours(self) -> Path:
        """The folder that nbgrader never looks into."""
        return self.root / ".autograder"

    @property
    def salt_file(self) -> Path:
        """Where the secret is."""
        return self.ours / "salt"

    @property
    def salt(self) -> str:
        """The course's secret: it decides the data of the hidden cases."""
        try:
            text = self.salt_file.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            text = ""
        if not text:
            raise CourseError(
                f"the course's secret is missing: put {self.salt_file} back from a backup, or run "
                "'autograder init' for a new one (hidden cases will then be others)"
            )
        return text

    @property
    def gradebook_url(self) -> str:
        """The gradebook as nbgrader names it."""
        return f"sqlite:///{self.root / 'gradebook.db'}"

    def source(self, name: str) -> Path:
        """The instructor's notebook of a set."""
        return self.root / "source" / name / f"{name}.ipynb"

    def released(self, name: str) -> Path:
        """The students' notebook of a set."""
        return self.root / "release" / name / f"{name}.ipynb"

    def nbgrader_config(self) -> Config:
        """Read nbgrader_config.py as nbgrader does."""
        from traitlets.config.loader import PyFileConfigLoader

        config = PyFileConfigLoader("nbgrader_config.py", path=str(self.root)).load_config()
        config.CourseDirectory.root = str(self.root)
        config.CourseDirectory.db_url = self.gradebook_url
        return config


def digest(text: str) -> str:
    """The fingerprint by which edits are noticed."""
    return hashlib.sha256(text.encode()).hexdigest()


def write_atomically(path: Path, text: str) -> None:
    """Write a whole file or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, path)


def make_salt(path: Path) -> bool:
    """Create the secret, for its owner only; True where there was none."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(file, "w") as salt:
        salt.write(secrets.token_hex(32) + "\n")
    return True


def close_to_others(path: Path, mode: int) -> bool:
    """Take a file or folder away from everybody but its owner; True where that was needed."""
    if os.name == "nt" or not stat.S_IMODE(path.stat().st_mode) & 0o077:
        return False
    path.chmod(mode)
    return True


def initialise(folder: Path) -> list[str]:
    """Make a course directory, or bring one up to date; return what was done, a line each.

    Nothing that is there is overwritten, except source notebooks that nobody has edited.
    """
    root = folder.resolve()
    if root.exists() and not root.is_dir():
        raise CourseError(f"{root} is a file: name a folder")
    known = (root / ".autograder").is_dir()
    if not known and root.is_dir() and any(root.iterdir()):
        raise CourseError(
            f"{root} is not empty and not a course: name a new folder, so that nothing of yours "
            "gets mixed up with the course"
        )
    course, done = Course(root), []
    for part in ("source", "release", "submitted", "autograded", "feedback"):
        (root / part).mkdir(parents=True, exist_ok=True)
    course.ours.mkdir(mode=0o700, exist_ok=True)
    config = root / "nbgrader_config.py"
    if not config.exists():
        text = CONFIG.format(course_id=root.name, stub=sets.STUB, text_stub=sets.TEXT_STUB)
        write_atomically(config, text)
        done.append("wrote nbgrader_config.py")
    if make_salt(course.salt_file):
        done.append(
            "made the course's secret in .autograder/salt: keep it, and keep it to yourself"
        )
    if any([close_to_others(course.ours, 0o700), close_to_others(course.salt_file, 0o600)]):
        done.append("closed .autograder/salt to other users: it had been readable by them")
    done += update_sources(course)
    if not (root / "gradebook.db").exists():
        done.append("made the gradebook, gradebook.db")
    from nbgrader.api import Gradebook

    with sets.tools_on_path(), Gradebook(course.gradebook_url):
        pass  # opening creates the tables, or brings those of an older nbgrader up to date
    return done or ["everything is up to date"]


def update_sources(course: Course) -> list[str]:
    """Write the source notebooks; one that was edited by hand is kept, the new one put beside."""
    record = course.ours / "written.json"
    written = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    done = []
    for name in sets.names():
        text = sets.as_text(sets.source(name))
        path, beside = course.source(name), course.ours / "new" / f"{name}.ipynb"
        there = path.read_text(encoding="utf-8") if path.exists() else None
        if there == text:
            written[name] = digest(text)
            beside.unlink(missing_ok=True)
        elif there is None or digest(there) == written.get(name):
            write_atomically(path, text)
            written[name] = digest(text)
            done.append(f"{'wrote' if there is None else 'updated'} source/{name}/{name}.ipynb")
        elif digest(text) == written.get(name):
            pass  # edited by hand, and the course has nothing new
        elif not beside.exists() or beside.read_text(encoding="utf-8") != text:
            write_atomically(beside, text)
            done.append(
                f"kept source/{name}/{name}.ipynb, which you edited; the course's new version is "
                f".autograder/new/{name}.ipynb"
            )
    write_atomically(record, json.dumps(written, indent=1, sort_keys=True))
    return done
