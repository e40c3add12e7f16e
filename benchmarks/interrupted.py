"""Interrupt a grading again and again; the gradebook must be that of an undisturbed one.

    python benchmarks/interrupted.py                    300 submissions of set 2, five interruptions
    python benchmarks/interrupted.py --seed 7           the same draw of signals and moments
    python benchmarks/interrupted.py --set ps09-backprop --count 1000 --interrupt 20 --workers 2

Two copies of one course are graded by `autograder grade`. One run is left alone. The other gets a
SIGINT (to its process group, as Ctrl-C does) or a SIGKILL (to the main process, as the kernel does)
at random moments, once while it starts, and is started again at once; both signals occur. At the
end every score, penalty, flag and comment in the gradebooks is compared, and every autograded file.
A difference is printed and the exit status is 1; it is 2 where the run ended too early to be
interrupted as often as asked for.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from grading import ROOT, new_course
from nbgrader.api import Gradebook

from autograder.course import Course


def start(course: Course, name: str, workers: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "autograder.cli", "grade", name, "--workers", str(workers)]
    return subprocess.Popen(
        [*command, "--course", str(course.root)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def done(course: Course, name: str) -> int:
    return len(list((course.root / ".autograder" / "results" / name).glob("*.json")))


def finish(course: Course, name: str, workers: int) -> tuple[float, float]:
    """Grade to the end; return the seconds until the first result and until the end."""
    begin, first = time.monotonic(), 0.0
    process = start(course, name, workers)
    while process.poll() is None:
        if not first and done(course, name):
            first = time.monotonic() - begin
        time.sleep(0.02)
    if process.returncode not in (0, 3):
        raise SystemExit(f"grading ended with status {process.returncode}")
    return first, time.monotonic() - begin


def gradebook(course: Course) -> dict[tuple[str, ...], Any]:
    """Return what the gradebook says, without ids and times of writing."""
    found: dict[tuple[str, ...], Any] = {}
    with Gradebook(course.gradebook_url) as book:
        for assignment in book.assignments:
            for submission in book.assignment_submissions(assignment.name):
                who = (assignment.name, submission.student.id)
                assert who not in found, f"{who} stands twice in the gradebook"
                found[who] = submission.timestamp, submission.total_seconds_late
                for notebook in submission.notebooks:
                    where = (*who, notebook.name)
                    penalty = notebook.late_submission_penalty
                    found[where] = notebook.score, notebook.max_score, penalty
                    for grade in notebook.grades:
                        found[*where, "grade", grade.name] = (
                            *(grade.auto_score, grade.manual_score, grade.extra_credit),
                            *(grade.needs_manual_grade, grade.max_score, grade.failed_tests),
                        )
                    for comment in notebook.comments:
                        found[*where, "comment", comment.name] = (
                            comment.auto_comment,
                            comment.manual_comment,
                        )
    return found


def notebooks(course: Course) -> dict[tuple[str, ...], Any]:
    """Return the fingerprint of every file that lies beside an autograded notebook."""
    root = course.root / "autograded"
    return {
        path.relative_to(root).parts: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def disturb(
    course: Course, name: str, workers: int, count: int, times: tuple[float, float], rng: Any
) -> int:
    """Interrupt so many runs; return how many were still running.

    One while it starts, the others so many seconds after their first new result that some is left.
    """
    first, whole = times
    signals = [signal.SIGINT, signal.SIGKILL][:count]
    signals += rng.choices([signal.SIGINT, signal.SIGKILL], k=count - len(signals))
    rng.shuffle(signals)
    early = rng.randrange(count) if count else 0
    hit = 0
    for number, what in enumerate(signals):
        moment = rng.uniform(0.0, first if number == early else (whole - first) / count)
        before = done(course, name)
        process = start(course, name, workers)
        while number != early and process.poll() is None and done(course, name) == before:
            time.sleep(0.005)
        time.sleep(moment)
        if process.poll() is None:
            hit += 1
            if what is signal.SIGINT:
                os.killpg(process.pid, what)
            else:
                process.send_signal(what)
        status = process.wait(60)
        since = "its start" if number == early else "its first result"
        print(
            f"{number + 1}. {what.name} {moment:.2f} s after {since}: status {status}, "
            f"{done(course, name)} graded",
            flush=True,
        )
    return hit


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--set", default="ps02-softmax")
    options.add_argument("--count", type=int, default=300, help="submissions")
    options.add_argument("--interrupt", type=int, default=5, help="how often")
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = options.parse_args()
    print(f"{given.set}, {given.count} submissions, seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="interrupted-") as folder:
        calm = new_course(Path(folder), given.set, given.count, plug=True)
        disturbed = Course(Path(folder) / "disturbed")
        shutil.copytree(calm.root, disturbed.root)
        first, whole = finish(calm, given.set, given.workers)
        print(f"undisturbed: {whole:.1f} s, the first result after {first:.1f} s", flush=True)
        rng = random.Random(given.seed)
        times = first, whole
        hit = disturb(disturbed, given.set, given.workers, given.interrupt, times, rng)
        before = done(disturbed, given.set)
        finish(disturbed, given.set, given.workers)
        print(f"then left alone: {before} were graded, {done(disturbed, given.set)} are now")
        differences = []
        counts = []
        for what in (gradebook, notebooks):
            one, other = what(calm), what(disturbed)
            counts.append(len(one))
            differences += [
                f"{key}: {one.get(key)} undisturbed, {other.get(key)} interrupted"
                for key in sorted({*one, *other}, key=str)
                if one.get(key) != other.get(key)
            ]
        graded = {key for key in gradebook(calm) if len(key) == 2}
    print("\n".join(differences[:20]))
    print(
        f"{len(graded)} students, {counts[0]} entries of the gradebook, {counts[1]} autograded "
        f"files: {len(differences)} differences after {hit} interruptions"
    )
    if differences or len(graded) != given.count:
        return 1
    return 0 if hit == given.interrupt else 2


if __name__ == "__main__":
    sys.exit(main())
