"""Grade on a Dask cluster: every Dask worker holds a warm sandbox, and the course stays here.

A worker is sent the bytes of one submission and sends back its result and its notebook; files and
gradebook are written on this side alone, once for each submission, however often Dask had to run
it. What judges is what judges on one machine (`batch.Worker`), so the points are the same. The
workers are trusted: they know the course's secret. Submissions are contained on each of them, in
the tier that its own self-test gives.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any

from distributed import Client, KilledWorker, WorkerPlugin, as_completed, get_worker
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
AHEAD = 256
"""Submissions that are with the cluster at a time, so that a cluster that grows sees why."""
AHEAD_BYTES = 64 * 2**20

Answer = tuple[Result, dict[str, Any]] | str


class Warm(WorkerPlugin):
    """The sandbox of one Dask worker process, open from the start of a run to its end."""

    def __init__(self, templates: dict[str, Template], settings: Settings, unsafe: bool) -> None:
        self.arguments = templates, settings, unsafe

    async def setup(self, worker: Any) -> None:
        """Prove a tier and warm up, while the worker goes on answering its scheduler."""
        self.address = worker.address
        self.lock = threading.Lock()
        self.worker: batch.Worker | None = None
        self.trouble = ""
        await asyncio.to_thread(self._open)

    def _open(self) -> None:
        templates, settings, unsafe = self.arguments
        found = None if unsafe else doctor.choose()
        tier = Tier.D if found is None else found.tier
        if tier is None:
            self.trouble = found.text() if found is not None else ""
            return
        try:
            self.worker = batch.Worker(tier, templates, settings, unsafe).__enter__()
        except SandboxError as error:
            self.trouble = str(error)

    def teardown(self, worker: Any) -> None:  # noqa: ARG002 - how Dask calls it
        """Close the sandbox."""
        if self.worker is not None:
            self.worker.__exit__()

    def grade(self, task: Task, intake: Intake) -> Answer:
        """Grade, one submission at a time: judging redirects the output of its whole process."""
        if self.worker is None:
            raise SandboxError(f"on the worker {self.address}: {self.trouble}")
        worker = self.worker
        with self.lock:
            return batch.attempt(lambda: worker.grade(task, intake))


def grade_there(plugin: str, task: Task, intake: Intake) -> Answer:
    """Grade with the sandbox of the Dask worker that this runs on."""
    warm = get_worker().plugins[plugin]
    assert isinstance(warm, Warm)
    return warm.grade(task, intake)


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
        client.register_plugin(Warm(templates, settings, unsafe), name=run.plugin)
        suspects: list[Task] = []
        yield from run.all(tasks, suspects)
        for task in suspects:
            guilty: list[Task] = []
            yield from run.all([task], guilty)
            if guilty:
                yield task, "worker after worker died while grading it"
    except (CancelledError, CommClosedError, TimeoutError) as error:
        raise CourseError(
            f"the scheduler at {address} is gone ({type(error).__name__}); what is graded is "
            "kept, and the next run goes on from there"
        ) from None
    finally:
        with contextlib.suppress(Exception):  # the cluster may be gone, and the reason is known
            client.unregister_worker_plugin(run.plugin)  # type: ignore[no-untyped-call]
        client.close(timeout=5)  # type: ignore[no-untyped-call]


class _Run:
    """One run's tasks on the cluster."""

    def __init__(self, client: Any, templates: dict[str, Template], settings: Settings) -> None:
        self.client, self.templates, self.settings = client, templates, settings
        self.plugin = f"autograder-{secrets.token_hex(4)}"
        self.sent = 0

    def all(
        self, tasks: Sequence[Task], suspects: list[Task]
    ) -> Iterator[tuple[Task, Result | str]]:
        """Yield the results as they come; tasks whose workers kept dying go to the suspects."""
        waiting = deque(tasks)
        running: dict[Any, tuple[Task, Intake]] = {}
        done = as_completed(loop=self.client.loop)  # type: ignore[no-untyped-call]
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
                    done.add(future)  # type: ignore[no-untyped-call]
                if not running:
                    continue
                future = next(done)
                task, intake = running.pop(future)
                try:
                    found = self._result(future, task, intake)
                except KilledWorker:
                    suspects.append(task)
                else:
                    yield task, found
        finally:
            self.client.cancel(list(running))

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
            answer: Answer = future.result()
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
