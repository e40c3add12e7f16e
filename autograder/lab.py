"""A student's own folder: released sets are put into it, and what they wrote is never touched.

`autograder work work` fills the folder `work/`; `make lab` does that and opens JupyterLab in it.
`.released.json` in the folder holds digests of what was put there, so that a notebook that was
opened, run or edited is recognised: a new version is then put beside it under a new name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from autograder import sets
from autograder.course import digest, write_atomically

RECORD = ".released.json"


class WorkError(Exception):
    """A folder that cannot be a student's work folder; the message says what to do."""


def fill(folder: Path, wanted: Sequence[str] = ()) -> list[str]:
    """Put released sets (default all) into a student's folder; return what was done, a line each.

    A notebook that is missing is written, one that was never touched is brought up to date, and any
    other stays exactly as it is.
    """
    if folder.exists() and not folder.is_dir():
        raise WorkError(f"{folder} is a file: name a folder")
    if (folder / ".autograder").is_dir():
        raise WorkError(f"{folder} is an instructor's course directory: name another folder")
    texts = {name: sets.as_text(sets.student(name)) for name in list(wanted) or sets.names()}
    folder.mkdir(parents=True, exist_ok=True)
    record = read_record(folder / RECORD)
    done = []
    for name, text in texts.items():
        done += place(folder, name, text, record)
        write_atomically(folder / RECORD, json.dumps(record, indent=1, sort_keys=True))
    return done or ["nothing new: your notebooks are as you left them"]


def read_record(path: Path) -> dict[str, str]:
    """The digests of what was put into the folder; a damaged file counts as none."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def place(folder: Path, name: str, text: str, record: dict[str, str]) -> list[str]:
    """Put one set where it does no harm, and say what happened."""
    now = digest(text)
    for number in count(1):
        file = f"{name}.ipynb" if number == 1 else f"{name}-version-{number}.ipynb"
        path, put = folder / file, record.get(file)
        if not path.exists():
            if number > 1 and put == now:
                return []  # this version was there once, and the student threw it away
            write_atomically(path, text)
            record[file] = now
            if number == 1:
                return [f"put {file} there"]
            return [
                f"kept {name}.ipynb as you left it; the course's new version is beside it, {file}"
            ]
        there = hashlib.sha256(path.read_bytes()).hexdigest()
        if put == now or there == now:
            record[file] = now
            return []  # this very version, touched or not
        if there == put:
            write_atomically(path, text)
            record[file] = now
            return [f"brought {file} up to date (you had not touched it)"]
    raise AssertionError("unreachable")
