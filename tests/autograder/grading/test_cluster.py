"""Grading on a Dask cluster of several processes, with workers that die.

Run in a process of their own, `make cluster`. Where workers die a cluster is used for one test
only. Leave the package's files alone meanwhile: a worker that is started anew imports them from
disk, and grading refuses a worker of another version.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import Client, LocalCluster

from autograder import cli
from autograder.course import Course
from autograder.grading import batch, cluster
from autograder.grading.batch import Options
from autograder.grading.book import Book
from autograder.sandbox.tiers import Tier

from .conftest import SOFTMAX, hand_in
from .test_batch import autograded, go, grades, many, variants

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]
WORKERS = 3
AT_MOST = 1200.0
"""Seconds after which the whole process ends, whatever hangs in it."""

PRELOAD = """
import os, pathlib, signal, time
from autograder.grading import batch

record = pathlib.Path({record!r})
real = getattr(batch.grade, "real", batch.grade.grade)  # Dask may load this twice

def die(student):
    with record.open("a") as file:
        file.write(student + "\\n")
    os.kill(os.getpid(), signal.SIGKILL)

def grade(task, *rest):
    new = task.student not in record.read_text().split()
    if task.student == "killer" or (new and task.student.startswith("before")):
        die(task.student)
    if task.student == "sleeper":
        time.sleep(600)
    if task.student == "bug":
        raise RuntimeError("a bug")
    found = real(task, *rest)
    if new and task.student.startswith("after"):
        die(task.student)
    return found

batch.grade.real, batch.grade.grade = real, grade
"""
"""Played by every worker: some students' submissions are the end of its process.

Of `before…` and `after…` only the first time, before and after all the work is done.
"""


@pytest.fixture(scope="module", autouse=True)
def _hard_stop(request: pytest.FixtureRequest) -> Iterator[None]:
    """End the process with all its stacks on the screen if a time limit could not end a test."""
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        screen = os.dup(2)
    faulthandler.dump_traceback_later(AT_MOST, exit=True, file=screen)
    yield
    faulthandler.cancel_dump_traceback_later()
    os.close(screen)


@pytest.fixture(autouse=True)
def _less_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say what is missing before the time limit of the test does."""
    monkeypatch.setattr(cluster, "ABSENCE", 120.0)
    monkeypatch.setattr(cluster, "SILENCE", 150.0)


@contextlib.contextmanager
def workers(folder: Path, count: int = WORKERS, **options: Any) -> Iterator[LocalCluster]:
    """Start worker processes, each watched by a nanny that starts it anew."""
    record = folder / "deaths"
    record.touch()
    settings = {
        "distributed.scheduler.allowed-failures": 1,
        "distributed.logging": {},
        # Dask's 15 s are less than a start takes on a busy machine: it would then give up the
        # worker that is starting, in the end all of them, and leave the tasks waiting.
        "distributed.deploy.lost-worker-timeout": "1 hour",
    }
    with dask.config.set(settings):
        opened = LocalCluster(
            n_workers=count,
            threads_per_worker=2,
            processes=True,
            dashboard_address=":0",
            preload=[PRELOAD.format(record=str(record))],
            silence_logs=60,
            **options,
        )
        try:
            with Client(opened, set_as_default=False) as client:
                if count:
                    client.wait_for_workers(count, timeout=120)
            yield opened
        finally:
            started = [worker.pid for worker in opened.scheduler.workers.values()]
            try:
                opened.close(timeout=60)
            except TimeoutError:
                for pid in started:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def dask_cluster(sandbox: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """Workers that nothing kills."""
    with workers(tmp_path_factory.mktemp("cluster")) as opened:
        yield opened


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """Whose submissions ended a worker of `mortal_cluster`, a line for each death."""
    return tmp_path / "deaths"


@pytest.fixture
def mortal_cluster(sandbox: Any, tmp_path: Path) -> Iterator[LocalCluster]:
    """Workers for one test, which may kill them."""
    with workers(tmp_path) as opened:
        yield opened


def on(cluster_: LocalCluster, course: Course, **options: Any) -> batch.Summary:
    chosen = Options(scheduler=cluster_.scheduler_address, **options)
    return batch.run(course, chosen, lambda: pytest.fail("no tier of this machine is asked for"))


@pytest.fixture
def entered(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a result of each student was written into the gradebook."""
    counted: Counter[str] = Counter()
    real = Book._write

    def write(self: Book, submission: Any, result: Any, new: bool) -> None:
        counted[result["student"]] += 1
        real(self, submission, result, new)

    monkeypatch.setattr(Book, "_write", write)
    return counted


def test_the_same_as_on_one_machine(dask_cluster, course, notebooks, tmp_path, capsys):
    for name, (notebook, _) in variants(notebooks).items():
        hand_in(course, name, notebook)
    path = hand_in(course, "late", notebooks[SOFTMAX])
    (path.parent / "timestamp.txt").write_text("2026-03-01 12:00:01 UTC")
    other = Course(tmp_path / "undisturbed")
    shutil.copytree(course.root, other.root)
    go(other)
    arguments = ["grade", "--scheduler", dask_cluster.scheduler_address]
    assert cli.main([*arguments, "--course", str(course.root)]) == 3
    assert "8 submissions, 8 graded now, 2 without points." in capsys.readouterr().out
    assert grades(course) == grades(other)
    for student in variants(notebooks):
        assert autograded(course, student) == autograded(other, student)
    assert on(dask_cluster, course).kept == 8
    assert go(course).kept == 8


def test_killed_workers_lose_nothing_and_nothing_counts_twice(
    mortal_cluster, course, notebooks, tmp_path, record, entered
):
    many(course, notebooks, 14)
    mortal = ("before-1", "after-1", "after-2")
    for student in mortal:
        hand_in(course, student, notebooks[SOFTMAX])
    other = Course(tmp_path / "undisturbed")
    shutil.copytree(course.root, other.root)
    summary = on(mortal_cluster, course)
    assert sorted(record.read_text().split()) == sorted(mortal)
    assert summary.failures == {}
    assert summary.graded == 17
    assert entered == {task.student: 1 for task in batch.tasks_of(course, SOFTMAX)}
    go(other)
    assert grades(course) == grades(other)


def test_a_submission_that_kills_its_worker_is_reported(
    mortal_cluster, course, notebooks, record, entered
):
    others = [f"s{number}" for number in range(6)]
    for student in ("bug", "killer", *others):
        hand_in(course, student, notebooks[SOFTMAX])
    summary = on(mortal_cluster, course)
    assert summary.failures.pop(f"{SOFTMAX}/killer") == (
        "worker after worker died while grading it"
    )
    assert "RuntimeError: a bug" in summary.failures.pop(f"{SOFTMAX}/bug")
    assert summary.failures == {}
    # two deaths in company, as the scheduler allows one failure, and two by itself
    assert record.read_text().split() == ["killer"] * 4
    assert [result["student"] for result in summary.results] == others
    assert entered == dict.fromkeys(others, 1)
    assert on(mortal_cluster, course, students=tuple(others)).kept == len(others)


def test_workers_that_stay_away_are_not_waited_for_without_end(
    course, notebooks, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(cluster, "LOOK", 0.1)
    monkeypatch.setattr(cluster, "ABSENCE", 2.0)
    many(course, notebooks, 3)
    with workers(tmp_path, count=0) as empty:
        arguments = ["grade", "--scheduler", empty.scheduler_address]
        assert cli.main([*arguments, "--course", str(course.root)]) == 1
    assert "the cluster has had no worker for 2 s; what is graded" in capsys.readouterr().err


def test_a_worker_that_does_not_answer_is_not_waited_for_without_end(
    mortal_cluster, course, notebooks, monkeypatch, capsys
):
    hand_in(course, "sleeper", notebooks[SOFTMAX])
    monkeypatch.setattr(cluster, "LOOK", 0.1)
    monkeypatch.setattr(cluster, "SILENCE", 10.0)
    arguments = ["grade", "--scheduler", mortal_cluster.scheduler_address]
    assert cli.main([*arguments, "--course", str(course.root)]) == 1
    said = capsys.readouterr().err
    assert "nothing has come from the cluster's workers (tcp://127.0.0.1" in said
    # one that is frozen does not even take the order to get ready
    monkeypatch.setattr(cluster, "PATIENCE", 3.0)
    frozen = next(iter(mortal_cluster.scheduler.workers.values())).pid
    os.kill(frozen, signal.SIGSTOP)
    try:
        assert cli.main([*arguments, "--course", str(course.root)]) == 1
    finally:
        os.kill(frozen, signal.SIGKILL)
    assert "not every worker of the cluster answers" in capsys.readouterr().err


def test_a_plugin_that_comes_twice_grades_once_and_closes_when_it_is_free(monkeypatch):
    """What Dask does to a worker that starts while a run starts."""
    events: list[str] = []
    grading, go_on = threading.Event(), threading.Event()

    class Fake:
        def __init__(self, *_: Any) -> None: ...

        def __enter__(self) -> Fake:
            events.append("open")
            return self

        def __exit__(self, *_: Any) -> None:
            events.append("close")

        def grade(self, task: Any, intake: Any) -> Any:
            grading.set()
            assert go_on.wait(30)
            events.append("graded")
            return task

    class Place:
        address = "here"
        plugins: dict[str, cluster.Warm] = {}  # noqa: RUF012

    monkeypatch.setattr(cluster.batch, "Worker", Fake)
    monkeypatch.setattr(cluster, "get_worker", lambda: Place)
    first, second = (cluster.Warm({}, None, True) for _ in range(2))
    first.setup(Place)
    Place.plugins["p"] = first
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(cluster.grade_there("p", "a", None)))
    thread.start()
    assert grading.wait(30)
    first.teardown(Place)
    threading.Timer(0.5, go_on.set).start()
    with pytest.raises(cluster.SandboxError, match="not told"):
        cluster.grade_there("p", "b", None)  # the first is over, and no second comes
    thread.join(30)
    assert answers == ["a"]
    end = time.monotonic() + 30
    while "close" not in events and time.monotonic() < end:
        time.sleep(0.01)
    assert events == ["open", "graded", "close"]
    threading.Timer(0.3, lambda: (second.setup(Place), Place.plugins.update(p=second))).start()
    assert cluster.grade_there("p", "b", None) == "b"


def test_interrupted_it_goes_on(dask_cluster, course, notebooks):
    many(course, notebooks, 10)

    def tick(_count: int) -> None:
        raise KeyboardInterrupt

    chosen = Options(scheduler=dask_cluster.scheduler_address)
    summary = batch.run(course, chosen, lambda: Tier.A, progress=tick)
    assert summary.interrupted
    assert summary.graded == 1
    with Client(dask_cluster, set_as_default=False) as client:
        for _ in range(100):  # nothing of the run is left on the workers
            plugins = client.run(lambda dask_worker: list(dask_worker.plugins))
            if not any("autograder" in name for names in plugins.values() for name in names):
                break
            time.sleep(0.1)
        else:
            pytest.fail(str(plugins))
    assert on(dask_cluster, course).kept == 1
    assert len(grades(course)) == 10


def test_another_version_on_the_workers_is_found_out(
    dask_cluster, course, notebooks, monkeypatch, capsys
):
    hand_in(course, "anna", notebooks[SOFTMAX])
    monkeypatch.setattr(cluster.grade, "bank_digest", lambda steps: "a later version")
    arguments = ["grade", "--scheduler", dask_cluster.scheduler_address]
    assert cli.main([*arguments, "--course", str(course.root)]) == 1
    assert "another version of the course" in capsys.readouterr().err
    assert grades(course) == {}


def test_no_tier_on_a_worker_no_grading(dask_cluster, course, notebooks, capsys):
    hand_in(course, "anna", notebooks[SOFTMAX])

    def blind() -> None:
        from autograder.sandbox import doctor

        doctor.choose = lambda kept=doctor.choose: doctor.Diagnosis(None, ())  # type: ignore

    def see() -> None:
        from autograder.sandbox import doctor

        doctor.choose = doctor.choose.__defaults__[0]

    with Client(dask_cluster, set_as_default=False) as client:
        client.run(blind)
        try:
            arguments = ["grade", "--scheduler", dask_cluster.scheduler_address]
            assert cli.main([*arguments, "--course", str(course.root)]) == 1
        finally:
            client.run(see)
    said = capsys.readouterr().err
    assert "on the worker tcp://127.0.0.1" in said
    assert "No tier protects this machine." in said
    assert grades(course) == {}


@contextlib.contextmanager
def scheduler_process(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler with one worker, each a process of its own, and its address."""
    where = folder / "scheduler.json"
    dask_ = [sys.executable, "-m", "dask"]
    here = ["--scheduler-file", str(where)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler = subprocess.Popen(
        [*dask_, "scheduler", *here, "--host", "127.0.0.1", "--port", "0", "--no-dashboard"],
        **quiet,  # type: ignore[call-overload]
    )
    worker = subprocess.Popen(
        [*dask_, "worker", *here, "--no-nanny", "--no-dashboard", "--nthreads", "1"],
        **quiet,  # type: ignore[call-overload]
    )
    try:
        end = time.monotonic() + 60
        while not (where.exists() and where.read_text().strip().endswith("}")):
            assert time.monotonic() < end, "no scheduler has come up"
            time.sleep(0.1)
        yield json.loads(where.read_text())["address"], scheduler
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP])
def test_a_scheduler_that_goes_away(sandbox, course, notebooks, tmp_path, monkeypatch, fate):
    """Killed, or frozen: what is graded stays, and the run says so and ends."""
    monkeypatch.setattr(cluster, "LOOK", 0.5)
    many(course, notebooks, 6)
    with scheduler_process(tmp_path) as (address, scheduler):
        done = []

        def tick(_count: int) -> None:
            done.append(1)
            scheduler.send_signal(fate)
            monkeypatch.setattr(cluster, "PATIENCE", 5.0)  # now that it need not be waited for

        with pytest.raises(cluster.CourseError, match="goes on from there"):
            batch.run(course, Options(scheduler=address), lambda: Tier.A, progress=tick)
    assert len(grades(course)) == len(done) >= 1


def test_no_scheduler(course, notebooks, monkeypatch, capsys):
    monkeypatch.setattr(cluster, "PATIENCE", 2.0)
    many(course, notebooks, 1)
    arguments = ["grade", "--course", str(course.root), "--scheduler"]
    assert cli.main([*arguments, "tcp://127.0.0.1:9"]) == 1
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err
