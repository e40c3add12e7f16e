"""Grade many submissions: find them, leave out what is done, spread the rest over workers.

Every worker is a process with one sandbox, because judging redirects output and catches warnings
for the whole process it happens in. A worker writes the autograded notebook and then the result,
each atomically; the results are entered into the gradebook here, by one writer. So whatever is
interrupted, what is written is whole, and the next run goes on from there.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import multiprocessing
import os
import re
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from autograder.course import Course, CourseError, write_atomically
from autograder.grading import grade
from autograder.grading.grade import Intake, Result, Settings, Task
from autograder.grading.notebook import Template
from autograder.sandbox.host import Sandbox
from autograder.sandbox.limits import Limits, SandboxError
from autograder.sandbox.tiers import Tier

T = TypeVar("T")


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    sets: tuple[str, ...] = ()
    students: tuple[str, ...] = ()
    workers: int = 1
    force: bool = False
    figures: bool = False
    unsafe: bool = False
    scheduler: str = ""
    """The address of a Dask cluster that is to do it, in place of this machine."""


@dataclass
class Summary:
    """What became of every submission, in the order of sets and students."""

    results: list[Result] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    """Where our own work failed: set/student and why."""
    graded: int = 0
    kept: int = 0
    interrupted: bool = False

    @property
    def refused(self) -> list[Result]:
        """What could not be graded and has no points."""
        return [result for result in self.results if result["status"] == "refused"]


# --------------------------------------------------------------------------------------
# what there is to do


def templates_of(course: Course, wanted: Sequence[str]) -> dict[str, Template]:
    """Return the released sets that are wanted, default all with a submission."""
    if not wanted:
        handed = {path.name for path in _folders(course, "*")}
        wanted = sorted(name for name in handed if course.released(name).exists())
        if not wanted:
            raise CourseError(
                f"there is nothing to grade: no submitted/STUDENT/SET for a released set in "
                f"{course.root}"
            )
    return {name: Template.of(course, name) for name in wanted}


def tasks_of(course: Course, name: str, students: Sequence[str] = ()) -> list[Task]:
    """Return the submissions of a set, by student."""
    tasks = []
    for folder in _folders(course, name):
        student = folder.parent.name
        if not students or student in students:
            tasks.append(task_of(course, name, student))
    return sorted(tasks, key=lambda task: task.student)


def task_of(course: Course, name: str, student: str) -> Task:
    """Return the paths of one submission."""
    return Task(
        student=student,
        set=name,
        source=course.root / "submitted" / student / name / f"{name}.ipynb",
        autograded=course.root / "autograded" / student / name / f"{name}.ipynb",
        result=course.root / ".autograder" / "results" / name / f"{student}.json",
    )


def _folders(course: Course, name: str) -> Iterator[Path]:
    for folder in (course.root / "submitted").glob(f"*/{name}"):
        student = folder.parent.name
        if folder.is_dir() and re.fullmatch(r"[^.\x00-\x1f][^\x00-\x1f]*", student):
            yield folder


def settings_of(course: Course, figures: bool = False) -> Settings:
    """Read the salt, and limits of the course's own: `c.Sandbox.cell = 20.0` and the like."""
    given = dict(course.nbgrader_config().get("Sandbox", {}))
    known = set(Limits.__dataclass_fields__)
    if unknown := sorted(set(given) - known):
        raise CourseError(
            f"nbgrader_config.py sets c.Sandbox.{unknown[0]}; known: {', '.join(sorted(known))}"
        )
    return Settings(course.salt, Limits(**given), figures)


def finished(task: Task, template: Template, settings: Settings) -> Result | None:
    """Return the result of an earlier run, if it is of this very submission, bank and salt."""
    try:
        result: Result = json.loads(task.result.read_text(encoding="utf-8"))
        if not task.autograded.exists() or result.get("submitted") != grade.time_stamp(task):
            return None
        same = result["key"] == grade.key_of(task, grade.read(task).data, template, settings)
        return result if same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


# --------------------------------------------------------------------------------------
# one worker


class Worker:
    """A sandbox, and what it needs to grade one submission after the other."""

    def __init__(
        self, tier: Tier, templates: dict[str, Template], settings: Settings, unsafe: bool
    ) -> None:
        self.templates, self.settings = templates, settings
        self.sandbox = Sandbox(tier, settings.limits, unsafe=unsafe)

    def __enter__(self) -> Worker:
        self.sandbox.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.sandbox.__exit__()

    def grade(self, task: Task, intake: Intake) -> tuple[Result, dict[str, Any]]:
        """Grade one submission; return its result and the autograded notebook."""
        return grade.grade(task, intake, self.templates[task.set], self.settings, self.sandbox)


def save(task: Task, result: Result, notebook: dict[str, Any]) -> Result:
    """Write what came of a submission, the result last, and return it in short."""
    write_atomically(task.autograded, json.dumps(notebook, ensure_ascii=False, indent=1))
    stamp = task.autograded.parent / "timestamp.txt"
    if result["submitted"]:
        write_atomically(stamp, result["submitted"])
    else:
        stamp.unlink(missing_ok=True)
    write_atomically(task.result, json.dumps(result, ensure_ascii=False))
    return slim(result)


def slim(result: Result) -> Result:
    """Return a result without the judgements, for keeping thousands of them in memory."""
    short = {key: value for key, value in result.items() if key != "steps"}
    short["mistakes"] = [
        f"{step['step']}: {mistake['id']}"
        for step in result["steps"]
        for failure in step["failures"]
        for mistake in failure["mistakes"]
    ]
    return short


_worker: Worker | None = None


def _start_worker(*arguments: Any) -> None:
    """Open the sandbox of this worker process; Ctrl-C is the main process's to handle."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _leave())
    threading.Thread(target=_follow, name="follow", daemon=True).start()
    _worker = Worker(*arguments)
    _worker.__enter__()
    atexit.register(_worker.__exit__)


def _follow() -> None:
    """End with the main process, however it ends: nobody else would tell a worker to."""
    main = multiprocessing.parent_process()
    if main is not None:
        main.join()
        _leave()


def _leave() -> None:
    if _worker is not None:
        _worker.__exit__()
    os._exit(1)


def _work(task: Task) -> Result | str:
    assert _worker is not None
    return _grade_and_save(_worker, task)


def _grade_and_save(worker: Worker, task: Task) -> Result | str:
    return attempt(lambda: save(task, *worker.grade(task, grade.read(task))))


def attempt(work: Callable[[], T]) -> T | str:
    """Do the work for one submission; a failure of ours becomes a text, and the others go on."""
    try:
        return work()
    except SandboxError:
        raise
    except Exception:
        return traceback.format_exc(limit=-6)


# --------------------------------------------------------------------------------------
# all of them


def process(
    tasks: Sequence[Task],
    tier: Tier,
    templates: dict[str, Template],
    settings: Settings,
    workers: int,
    unsafe: bool,
) -> Iterator[tuple[Task, Result | str]]:
    """Yield every task with its result, or with a text that says how we failed."""
    arguments = (tier, templates, settings, unsafe)
    if not tasks:
        return
    if workers <= 1:
        with Worker(*arguments) as worker:
            for task in tasks:
                yield task, _grade_and_save(worker, task)
        return
    suspects: list[Task] = []
    waiting = list(tasks)
    while waiting:
        with contextlib.suppress(BrokenProcessPool):
            yield from _pool(waiting, suspects, workers, arguments)
    for task in suspects:  # each by itself, so that only the one that kills its worker is lost
        try:
            yield from _pool([task], [], 1, arguments)
        except BrokenProcessPool:
            yield task, "the worker that graded it died twice"


def _pool(
    waiting: list[Task], under_way: list[Task], workers: int, arguments: tuple[Any, ...]
) -> Iterator[tuple[Task, Result | str]]:
    """Grade what waits; when a worker dies, what was under way is left in that list."""
    pool = ProcessPoolExecutor(
        min(workers, len(waiting)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=arguments,
    )
    running: dict[Future[Result | str], Task] = {}
    try:
        while waiting or running:
            while waiting and len(running) < 2 * workers:
                task = waiting.pop(0)
                running[pool.submit(_work, task)] = task
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                found = future.result()
                yield running.pop(future), found
    except BrokenProcessPool:
        under_way += running.values()
        raise
    finally:
        _close(pool)


def _close(pool: ProcessPoolExecutor) -> None:
    """Stop the workers: what they have not finished is done by the next run."""
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(5)


def spread(
    tasks: Sequence[Task],
    templates: dict[str, Template],
    settings: Settings,
    options: Options,
    tier: Callable[[], Tier],
) -> Iterator[tuple[Task, Result | str]]:
    """Grade tasks on this machine, or on the cluster that the options name."""
    if not tasks:
        return
    if options.scheduler:
        try:
            from autograder.grading import cluster
        except ImportError:
            raise CourseError("--scheduler needs Dask: pip install distributed") from None
        yield from cluster.process(tasks, options.scheduler, templates, settings, options.unsafe)
        return
    using = tier()
    yield from process(tasks, using, templates, settings, options.workers, using is Tier.D)


@contextlib.contextmanager
def alone(course: Course) -> Iterator[None]:
    """Hold the course's lock: two gradings at once would write the same files."""
    with (course.root / ".autograder" / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CourseError(f"{course.root} is being graded by another process") from None
        yield


def run(
    course: Course,
    options: Options,
    tier: Callable[[], Tier],
    *,
    progress: Callable[[int], Any] | None = None,
    total: Callable[[int], Any] | None = None,
) -> Summary:
    """Grade what the options ask for; Ctrl-C ends with what has been done so far.

    `tier` is asked only when there is something to run: trying out a tier takes a second or two.
    """
    from autograder.grading.book import Book

    summary = Summary()
    with alone(course):
        templates = templates_of(course, options.sets)
        settings = settings_of(course, options.figures)
        with Book(course, templates) as book:
            for name in templates:
                if wrong := book.missing(name):
                    raise CourseError(
                        f"release and gradebook differ about {name} ({', '.join(wrong)}): run "
                        f"'autograder release {name}'"
                    )
            tasks = [t for name in templates for t in tasks_of(course, name, options.students)]
            if total is not None:
                total(len(tasks))
            tick = progress or (lambda _: None)
            left: list[Task] = []
            try:
                for task in tasks:
                    template = templates[task.set]
                    kept = None if options.force else finished(task, template, settings)
                    if kept is None:
                        left.append(task)
                        continue
                    short = slim(kept)
                    book.enter(short)
                    summary.results.append(short)
                    summary.kept += 1
                    tick(1)
                for task, found in spread(left, templates, settings, options, tier):
                    if isinstance(found, str):
                        summary.failures[f"{task.set}/{task.student}"] = found
                    else:
                        book.enter(found)
                        summary.results.append(found)
                        summary.graded += 1
                    tick(1)
            except KeyboardInterrupt:
                summary.interrupted = True
    summary.results.sort(key=lambda result: (result["set"], result["student"]))
    return summary
