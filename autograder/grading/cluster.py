"""Grade on a Dask cluster: every Dask worker holds a warm sandbox, and the course stays here.

A worker is sent the bytes of one submission and sends back its result and its notebook; files and
gradebook are written on this side alone, once for each submission, however often Dask had to run
it. What judges is what judges on one machine (`batch.Worker`), so the points are the same. The
workers are trusted: they know the course's secret. Submissions are contained on each of them, in
the tier that its own self-test gives.
"""

from __future__ import annotations

import contextlib
import queue
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any

from distributed import Client, KilledWorker, WorkerPlugin, get_worker
from distributed.comm.core import CommClosedError

from autograder.course import CourseError
from autograder.grading import batch, grade
from autograder.grading.grade import Intake, Result, Settings, Task
from autograder.grading.notebook import Template
from autograder.sandbox import doctor
from autograder.sandbox.limits import SandboxError
from autograder.sandbox.tiers import Tier

PATIENCE = 30.0
"""Seconds to wait for the scheduler."""
LOOK = 5.0
"""Seconds without a result after which to look whether there are workers at all."""
ABSENCE = 300.0
"""Seconds to wait while the cluster has no worker: for one that restarts, or for the first."""
SILENCE = 1800.0
"""Seconds to wait while it has some and no result comes; one submission takes far less."""
AHEAD = 256
"""Submissions that are with the cluster at a time, so that a cluster that grows sees why."""
AHEAD_BYTES = 64 * 2**20

Answer = tuple[Result, dict[str, Any]] | str


class OverError(Exception):
    """The plugin was asked to grade after Dask had taken it away."""


class Warm(WorkerPlugin):
    """The sandbox of one Dask worker process, open from the start of a run to its end.

    Dask calls `setup` and `teardown` in the worker's event loop, also while a submission is being
    graded, and gives a worker that starts just then the plugin twice, taking the first away. So
    both return at once, and whoever holds the lock has the sandbox for themselves.
    """

    def __init__(self, templates: dict[str, Template], settings: Settings, unsafe: bool) -> None:
        self.arguments = templates, settings, unsafe

    def setup(self, worker: Any) -> None:
        """Begin to prove a tier and to warm up."""
        self.address = worker.address
        self.lock = threading.Lock()
        self.over = False
        self.worker: batch.Worker | None = None
        threading.Thread(target=self._prepare, name="warm up", daemon=True).start()

    def teardown(self, worker: Any) -> None:  # noqa: ARG002 - how Dask calls it
        """Close the sandbox as soon as nobody grades with it."""
        self.over = True
        threading.Thread(target=self._close, name="cool down").start()

    def _prepare(self) -> None:
        with self.lock, contextlib.suppress(Exception):  # who grades tries again, and is told
            self._open()

    def _close(self) -> None:
        with self.lock:
            if self.worker is not None:
                self.worker.__exit__()
                self.worker = None

    def _open(self) -> batch.Worker:
        if self.over:
            raise OverError
        if self.worker is None:
            templates, settings, unsafe = self.arguments
            found = None if unsafe else doctor.choose()
            tier = Tier.D if found is None else found.tier
            if tier is None:
                raise SandboxError(found.text() if found is not None else "")
            self.worker = batch.Worker(tier, templates, settings, unsafe).__enter__()
        return self.worker

    def grade(self, task: Task, intake: Intake) -> Answer:
        """Grade, one submission at a time: judging redirects the output of its whole process."""
        with self.lock:
            try:
                worker = self._open()
            except SandboxError as error:
                raise SandboxError(f"on the worker {self.address}: {error}") from None
            return batch.attempt(lambda: worker.grade(task, intake))


def grade_there(plugin: str, task: Task, intake: Intake) -> Answer:
    """Grade with the sandbox of the Dask worker that this runs on."""
    worker = get_worker()
    for _ in range(100):  # 5 seconds for the second of two plugins to take the place of the first
        warm = worker.plugins.get(plugin)
        if isinstance(warm, Warm):
            with contextlib.suppress(OverError):
                return warm.grade(task, intake)
        time.sleep(0.05)
    raise SandboxError(f"the worker {worker.address} was not told what to grade with")


# --------------------------------------------------------------------------------------


def process(
    tasks: Sequence[Task],
    address: str,
    templates: dict[str, Template],
    settings: Settings,
    unsafe: bool,
) -> Iterator[tuple[Task, Result | str]]:
    """Yield every task with its result, or with a text that says how we failed.

    Dask gives the tasks of a worker that died to others, until a few have died of one task. Such a
    task, and with it whatever happened to be on the same workers, is tried once more by itself.
    """
    try:
        client = Client(  # type: ignore[no-untyped-call]
            address, timeout=PATIENCE, name="autograder", set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise CourseError(f"no Dask scheduler answers at {address}: {error}") from None
    run = _Run(client, templates, settings)
    try:
        run.prepare(Warm(templates, settings, unsafe))
        suspects: list[Task] = []
        yield from run.all(tasks, suspects)
        for task in suspects:
            guilty: list[Task] = []
            yield from run.all([task], guilty)
            if guilty:
                yield task, "worker after worker died while grading it"
    except (CancelledError, CommClosedError, TimeoutError) as error:
        raise CourseError(
            f"the scheduler at {address} is gone ({type(error).__name__}); {KEPT}"
        ) from None
    finally:
        with contextlib.suppress(Exception):  # the cluster may be gone, and the reason is known
            run.client.sync(client.unregister_worker_plugin, run.plugin, callback_timeout=5)
        client.close(timeout=5)  # type: ignore[no-untyped-call]


KEPT = "what is graded is kept, and the next run goes on from there"


class _Run:
    """One run's tasks on the cluster."""

    def __init__(self, client: Any, templates: dict[str, Template], settings: Settings) -> None:
        self.client, self.templates, self.settings = client, templates, settings
        self.plugin = f"autograder-{secrets.token_hex(4)}"
        self.sent = 0
        self.heard = self.seen = time.monotonic()
        """When the last result came, and when there last was a worker."""

    def prepare(self, warm: Warm) -> None:
        """Give every worker a sandbox; where one dies while it is told, tell them all again."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.client.sync(
                    self.client.register_plugin, warm, self.plugin, callback_timeout=PATIENCE
                )
                return
            except OSError as error:  # Dask stops telling at the first that does not answer
                if time.monotonic() > end:
                    self.client.nthreads(callback_timeout=PATIENCE)  # or the scheduler is gone
                    raise CourseError(
                        f"not every worker of the cluster answers ({type(error).__name__}): "
                        "restart them"
                    ) from None
                time.sleep(0.5)

    def all(
        self, tasks: Sequence[Task], suspects: list[Task]
    ) -> Iterator[tuple[Task, Result | str]]:
        """Yield the results as they come; tasks whose workers kept dying go to the suspects."""
        waiting = deque(tasks)
        running: dict[Any, tuple[Task, Intake]] = {}
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.heard = self.seen = time.monotonic()
        try:
            while waiting or running:
                while waiting and self._room(running):
                    task = waiting.popleft()
                    intake = batch.attempt(lambda task=task: grade.read(task))  # type: ignore[misc]
                    if isinstance(intake, str):
                        yield task, intake
                        continue
                    future = self._submit(task, intake)
                    running[future] = task, intake
                    future.add_done_callback(done.put)
                if not running:
                    continue
                future = self._next(done)
                task, intake = running[future]
                try:
                    found = self._result(future, task, intake)
                except TimeoutError:  # its worker died before it was fetched: it is done again
                    self._look()
                    future.add_done_callback(done.put)
                    continue
                except KilledWorker:
                    found = None
                self.heard = self.seen = time.monotonic()
                del running[future]
                if found is None:
                    suspects.append(task)
                else:
                    yield task, found
        finally:
            self.client.cancel(list(running))

    def _next(self, done: queue.SimpleQueue[Any]) -> Any:
        while True:
            try:
                return done.get(timeout=LOOK)
            except queue.Empty:
                self._look()

    def _look(self) -> None:
        """Give up if there is nobody to wait for, or nothing has come for very long."""
        workers = self.client.nthreads(callback_timeout=PATIENCE)
        now = time.monotonic()
        if workers:
            self.seen = now
        if now - self.seen > ABSENCE:
            raise CourseError(f"the cluster has had no worker for {ABSENCE:.0f} s; {KEPT}")
        if now - self.heard > SILENCE:
            raise CourseError(
                f"nothing has come from the cluster's workers ({', '.join(workers)}) for "
                f"{SILENCE:.0f} s; restart them; {KEPT}"
            )

    def _room(self, running: dict[Any, tuple[Task, Intake]]) -> bool:
        size = sum(len(intake.data) for _, intake in running.values())
        return len(running) < AHEAD and size < AHEAD_BYTES

    def _submit(self, task: Task, intake: Intake) -> Any:
        self.sent += 1
        return self.client.submit(
            grade_there, self.plugin, task, intake, key=(self.plugin, self.sent), pure=False
        )

    def _result(self, future: Any, task: Task, intake: Intake) -> Result | str:
        try:
            answer: Answer = future.result(timeout=PATIENCE)
        except SandboxError as error:
            raise CourseError(str(error)) from None
        if isinstance(answer, str):
            return answer
        result, notebook = answer
        template = self.templates[task.set]
        if result["key"] != grade.key_of(task, intake.data, template, self.settings):
            raise CourseError(
                "a worker of the cluster has another version of the course than this machine: "
                "install the same on all of them"
            )
        return batch.attempt(lambda: batch.save(task, result, notebook))
