"""Measure grading: CPU and wall time per submission against stock nbgrader, scaling, memory.

    python benchmarks/grading.py                        set 2: ours with 1 and 2 workers, and stock
    python benchmarks/grading.py --set ps09-backprop    another set
    python benchmarks/grading.py --count 1000 --stock 0 --workers 2     a whole class, ours only
    python benchmarks/grading.py --tiny --count 10000 --stock 0 --workers 2     a set of one step
    python benchmarks/grading.py --otter /path/to/venv/bin/python   otter-grader's local run as well
    python benchmarks/grading.py --markdown OUT         write the table to OUT as well

The same simulated notebooks go to all: of ten, six are the solution, three have a wrong function
each, one is the stub. CPU is the operating system's account of every process (the grader, its
workers, the warm process, every submission; nbgrader and its kernels), taken with getrusage after
the command has ended. What a submission costs is the slope between a small and a large run, so
that start-up does not count; the start-up is given as well. otter-grader (`pip install otter-grader
ipykernel numpy` in an environment of its own) starts a process for each submission, so that its
figure is the whole of `otter run`; its tests are the hidden cases of the set that are plain arrays.
"""

from __future__ import annotations

import argparse
import copy
import ctypes
import json
import os
import platform
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from autograder import bank, sets
from autograder.course import Course, initialise
from autograder.engine.judge import requests_for
from autograder.engine.step import Step
from autograder.inside.runner import execute
from autograder.release import release

ROOT = Path(__file__).resolve().parent.parent


def variants(course: Course, name: str) -> list[dict[str, Any]]:
    """The solution, the stub, and the solution with one function wrong, for every function."""
    released = json.loads(course.released(name).read_text())
    full = json.loads(course.source(name).read_text())
    solved = copy.deepcopy(released)
    answers = []
    for number, (cell, source) in enumerate(zip(solved["cells"], full["cells"], strict=True)):
        about = cell["metadata"].get("nbgrader", {})
        if about.get("solution"):
            cell["source"] = source["source"]
            if cell["cell_type"] == "code":
                answers.append(number)
    wrong = []
    for number in answers:
        text = "".join(solved["cells"][number]["source"])
        for function in re.findall(r"^def (\w+)", text, re.M):
            bad = copy.deepcopy(solved)
            bad["cells"][number]["source"] = text + (
                f"\n\nright_{function} = {function}\n\n"
                f"def {function}(*args, **kwargs):\n"
                f"    value = right_{function}(*args, **kwargs)\n"
                "    return value * 1.5 if isinstance(value, (float, np.ndarray)) else None\n"
            )
            wrong.append(bad)
    return [solved, released, *wrong]


def hand_in(course: Course, name: str, count: int) -> None:
    """Put simulated submissions where nbgrader collects them."""
    solved, stub, *wrong = (json.dumps(notebook) for notebook in variants(course, name))
    rng = random.Random(1)
    for number in range(count):
        kind = number % 10
        text = solved if kind < 6 else rng.choice(wrong) if kind < 9 and wrong else stub
        folder = course.root / "submitted" / f"s{number:05}" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.ipynb").write_text(text)


TINY = "tiny"


def release_tiny(course: Course) -> None:
    """Release a set of one step, the first of set 2, with stock nbgrader."""
    source = sets.source("ps02-softmax")
    keep = ("ps02-setup", "one-hot-answer", "one-hot")
    source.cells = [c for c, about in sets.nbgrader_cells(source) if about["grade_id"] in keep]
    path = course.source(TINY)
    path.parent.mkdir(parents=True)
    path.write_text(sets.as_text(source))
    program = str(Path(sys.executable).with_name("nbgrader"))
    subprocess.run(
        [program, "generate_assignment", TINY, "--log-level=ERROR"], cwd=course.root, check=True
    )


def new_course(folder: Path, name: str, count: int, *, plug: bool) -> Course:
    """A fresh course with submissions; without the plug it is stock nbgrader's."""
    template = folder / "template"
    if not template.exists():
        initialise(template)
        if name == TINY:
            release_tiny(Course.find(template))
        else:
            release(Course.find(template), [name])
    root = folder / f"course-{name}-{count}-{plug}-{time.monotonic_ns()}"
    shutil.copytree(template, root)
    course = Course.find(root)
    hand_in(course, name, count)
    if not plug:
        config = root / "nbgrader_config.py"
        with config.open("a") as file:
            file.write("\ndel c.Autograde\n")
    return course


@dataclass(frozen=True)
class Cost:
    """What a command used."""

    cpu: float
    wall: float
    memory: list[float]
    """Megabytes of the grader and its workers, sampled, without the sandboxed processes."""


def measure(command: list[str], folder: Path) -> Cost:
    """Run a command; its CPU is that of all its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    samples: list[float] = []
    watcher = threading.Thread(target=watch, args=(process.pid, samples), daemon=True)
    watcher.start()
    _, said = process.communicate()
    wall = time.perf_counter() - start
    adopt_and_wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode not in (0, 3):
        raise RuntimeError(f"{command} ended with {process.returncode}:\n{said[-3000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, wall, samples)


def adopt_and_wait() -> None:
    """Wait for what outlived the command: bubblewrap does not wait for its warm process."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.05)
        except ChildProcessError:
            return


def watch(pid: int, samples: list[float]) -> None:
    """Sample the memory of a process and those of its descendants that run our package."""
    try:
        top = psutil.Process(pid)
        while top.is_running():
            total = 0.0
            for process in [top, *top.children(recursive=True)]:
                try:
                    if process.username() == top.username() and "bwrap" not in process.name():
                        total += process.memory_info().rss / 2**20
                except psutil.NoSuchProcess:
                    continue
            samples.append(total)
            time.sleep(0.5)
    except psutil.NoSuchProcess:
        return


def ours(folder: Path, name: str, count: int, workers: int) -> Cost:
    course = new_course(folder, name, count, plug=True)
    program = [sys.executable, "-m", "autograder.cli", "grade", name, "--workers", str(workers)]
    cost = measure([*program, "--course", str(course.root)], ROOT)
    done = len(list((course.root / ".autograder" / "results" / name).glob("*.json")))
    assert done == count, (done, count)
    shutil.rmtree(course.root)
    return cost


def stock(folder: Path, name: str, count: int) -> Cost:
    course = new_course(folder, name, count, plug=False)
    program = str(Path(sys.executable).with_name("nbgrader"))
    cost = measure([program, "autograde", name, "--log-level=ERROR"], course.root)
    done = len(list((course.root / "autograded").glob(f"*/{name}/{name}.ipynb")))
    assert done == count, (done, count)
    shutil.rmtree(course.root)
    return cost


def otter(folder: Path, name: str, count: int, python: Path) -> Cost:
    """Grade solved notebooks one after the other with otter-grader's local run."""
    course = new_course(folder, name, 1, plug=False)
    notebook = folder / f"{name}.ipynb"
    notebook.write_text(json.dumps(variants(course, name)[0]))
    shutil.rmtree(course.root)
    tests = folder / "tests"
    tests.mkdir()
    steps = [bank.get(about["grade_id"]) for _, about in sets.nbgrader_cells(sets.source(name))
             if about["grade_id"] in bank.ids()]  # fmt: skip
    for step in steps:
        cases = [{"code": code, "hidden": True, "locked": False} for code in otter_cases(step)]
        suite = {"cases": cases, "scored": True, "setup": "", "teardown": "", "type": "doctest"}
        test = {"name": step.id, "points": step.points, "suites": [suite]}
        path = tests / f"{step.id.replace('-', '_')}.py"
        path.write_text(f"OK_FORMAT = True\n\ntest = {test!r}\n")
    stub = folder / "stub"  # the notebooks import it; otter's tests do the judging
    stub.mkdir()
    (stub / "autograder.py").write_text("def check(*_):\n    return 0.0\n")
    program = str(python.with_name("otter"))
    environment = {"PATH": f"{python.parent}:{os.environ['PATH']}", "PYTHONPATH": str(stub)}
    os.environ |= environment
    try:
        archive = str(folder / "tests.zip")
        make = [program, "generate", "-t", str(tests), "-o", archive]
        make += ["--no-environment", "--no-requirements"]
        subprocess.run(make, cwd=folder, check=True, capture_output=True)
        cpu = wall = 0.0
        for _ in range(count):
            cost = measure(
                [program, "run", "--no-logo", "-a", archive, "-o", str(folder), str(notebook)],
                folder,
            )
            cpu, wall = cpu + cost.cpu, wall + cost.wall
        tests_run = json.loads((folder / "results.json").read_text())["tests"]
        scores = {test["name"]: test.get("score") for test in tests_run}
        assert all(scores[step.id] == step.points for step in steps), scores
    finally:
        del os.environ["PYTHONPATH"]
    return Cost(cpu / count, wall / count, cost.memory)


def otter_cases(step: Step) -> list[str]:
    """The hidden cases of a step as doctests, those that are plain arrays."""

    def literal(value: Any) -> str:
        if isinstance(value, np.ndarray):
            return f"np.array({value.tolist()!r}, dtype='{value.dtype}')"
        return repr(value)

    found = []
    for request in requests_for(step, "salt", "otter"):
        wire, case = request.wire, request.case
        plain = not any(isinstance(arg, dict | list | tuple) for arg in wire["args"])
        if case.driver or case.raises or wire["given"] or wire["kwargs"] or not plain:
            continue
        value = execute(step.reference, wire)["value"]
        if isinstance(value, np.ndarray | float | int):
            call = f"{case.call.function}({', '.join(map(literal, wire['args']))})"
            found.append(
                ">>> from numpy import inf, nan\n"
                f">>> bool(np.allclose({call}, {literal(value)}, equal_nan=True))\nTrue"
            )
    return found


@dataclass(frozen=True)
class Slope:
    """What one more submission costs, and what the start costs."""

    cpu: float
    wall: float
    start_cpu: float
    start_wall: float
    peak: float
    whole: float
    """Wall seconds of the large run, start included."""
    flat: float
    """Memory in the last tenth of the large run, divided by that in its fifth tenth."""


def slope(small: Cost, large: Cost, few: int, many: int) -> Slope:
    cpu = (large.cpu - small.cpu) / (many - few)
    wall = (large.wall - small.wall) / (many - few)
    tenth = max(1, len(large.memory) // 10)
    early = large.memory[4 * tenth : 5 * tenth] or large.memory
    late = large.memory[-tenth - 1 : -1] or large.memory
    return Slope(
        cpu,
        wall,
        small.cpu - few * cpu,
        small.wall - few * wall,
        max(large.memory, default=0.0),
        large.wall,
        (sum(late) / len(late)) / (sum(early) / len(early)),
    )


def main() -> None:
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: orphans become ours
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--set", default="ps02-softmax")
    options.add_argument("--count", type=int, default=60, help="submissions of ours")
    options.add_argument("--stock", type=int, default=8, help="submissions of stock, 0 for none")
    options.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    options.add_argument("--tiny", action="store_true", help="a set of one step, in place of --set")
    options.add_argument("--otter", type=Path, metavar="PYTHON", help="that has otter-grader")
    options.add_argument("--markdown", type=Path)
    given = options.parse_args()
    if given.tiny:
        given.set = TINY
    rows: dict[str, Slope] = {}
    with tempfile.TemporaryDirectory(prefix="grading-") as name:
        folder = Path(name)
        for workers in given.workers:
            few = max(2, given.count // 10)
            small = ours(folder, given.set, few, workers)
            large = ours(folder, given.set, given.count, workers)
            rows[f"ours, {workers} worker{'s'[: workers != 1]}"] = slope(
                small, large, few, given.count
            )
        if given.stock:
            few = max(1, given.stock // 4)
            small, large = (stock(folder, given.set, n) for n in (few, given.stock))
            rows["nbgrader autograde"] = slope(small, large, few, given.stock)
        if given.otter:
            one = otter(folder, given.set, 3, given.otter)
            rows["otter run"] = Slope(one.cpu, one.wall, 0.0, 0.0, max(one.memory), one.wall, 1.0)
    text = table(given.set, rows)
    print(text)
    if given.markdown:
        given.markdown.write_text(text + "\n")


def table(name: str, rows: dict[str, Slope]) -> str:
    base = rows.get("nbgrader autograde")
    lines = [
        f"{name}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f}",
        "",
        "| | CPU s per submission | wall s per submission | CPU ÷ stock | wall ÷ stock "
        "| start: CPU s, wall s | memory MB (growth) | large run: wall s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for what, row in rows.items():
        ratios = [
            f"{mine / theirs:.3f}" if base is not None and base is not row else ""
            for mine, theirs in (
                (row.cpu, base.cpu if base else 0),
                (row.wall, base.wall if base else 0),
            )
        ]
        lines.append(
            f"| {what} | {row.cpu:.3f} | {row.wall:.3f} | {ratios[0]} | {ratios[1]} "
            f"| {row.start_cpu:.1f}, {row.start_wall:.1f} | {row.peak:.0f} (×{row.flat:.2f}) "
            f"| {row.whole:.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
