"""Run a notebook in the sandbox and collect what it puts out and what its functions return.

A check cell is not run: at its place the host calls the student's functions, with data that nobody
could know before, and keeps the outcomes for the judge. Whatever ends the process costs that one
cell or function: the notebook is run again in a fresh process without it, up to `RUNS` times.
"""

from __future__ import annotations

import hashlib
import inspect
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from autograder.checking import PATIENCE
from autograder.engine.judge import Request
from autograder.grading import clean, standin
from autograder.grading.notebook import Cell
from autograder.inside.runner import Tree, out_of_time
from autograder.sandbox.host import Sandbox, Session, encoded
from autograder.sandbox.limits import CellResult, SandboxError, SessionDied

RUNS = 4
"""How often a notebook is run at most; every run after the first leaves out one more culprit."""
TOTAL = 120.0
"""Seconds for a whole notebook, all its runs together."""
ROOM = 5 * 2**20
"""Characters of output that a whole notebook may have."""

WORDS = {
    "timeout": "it did not stop when it was interrupted",
    "cpu": "it used more processor time than a whole notebook may",
    "disk": "it wrote more to the disk than a notebook may",
    "killed": "the system ended it, as a rule because it took too much memory",
    "crash": "it crashed the Python process",
    "exit": "it ended the Python process",
    "protocol": "it sent what is no answer",
}

PRELUDE: dict[str, Tree] = {
    "function": "get_ipython",
    "driver": inspect.getsource(standin) + "\n\ndef drive(fns):\n    install(fns.get_ipython())\n",
}
"""The first call: puts the stand-ins in place without running a cell."""


@dataclass
class Execution:
    """What running a notebook came to."""

    outcomes: dict[str, list[dict[str, Tree]]] = field(default_factory=dict)
    """By step, one for each request."""
    notes: list[str] = field(default_factory=list)
    runs: int = 0
    cpu: float = 0.0
    memory: int = 0
    seconds: float = 0.0


class _Stop(Exception):  # noqa: N818
    """The time of the whole notebook is over."""


def seed_of(*parts: str) -> int:
    """Return the seed of a submission's own random numbers: the same in every run."""
    return int.from_bytes(hashlib.sha256("\x1f".join(parts).encode()).digest()[:4], "big")


def execute(
    sandbox: Sandbox,
    cells: Sequence[Cell],
    requests: Mapping[str, Sequence[Request]],
    limits: Mapping[str, float],
    *,
    seed: int,
    figures: bool = False,
) -> Execution:
    """Run cells in order, fill in their outputs, and collect the outcomes of all requests.

    `limits` has the seconds for one call of each step. Figures are drawn where a person grades,
    everywhere if `figures` says so.
    """
    run = _Run(sandbox, cells, requests, limits, figures)
    start = time.monotonic()
    while run.again:
        run.once(seed, start + TOTAL)
    run.result.seconds = time.monotonic() - start
    run.fill_up()
    return run.result


class _Run:
    def __init__(
        self,
        sandbox: Sandbox,
        cells: Sequence[Cell],
        requests: Mapping[str, Sequence[Request]],
        limits: Mapping[str, float],
        figures: bool,
    ) -> None:
        self.sandbox, self.cells, self.requests, self.limits = sandbox, cells, requests, limits
        self.figures = figures
        self.result = Execution()
        self.again = True
        self.culprits: dict[tuple[str, ...], SessionDied] = {}
        self.at: tuple[str, ...] = ()
        self.room = ROOM
        self.partial: dict[str, list[dict[str, Tree]]] = {}

    def once(self, seed: int, deadline: float) -> None:
        """Run the notebook, leaving out the known culprits."""
        self.again = False
        self.result.runs += 1
        self.room = ROOM
        session = self._session(seed)
        try:
            self.at = ("the start",)
            session.call(PRELUDE)
            for number, cell in enumerate(self.cells):
                if cell.kind != "code" or (cell.role == "locked" and not cell.source.strip()):
                    continue
                if time.monotonic() > deadline:
                    raise _Stop
                if cell.role == "check":
                    self.at = ("step", cell.grade_id)
                    outcomes = self._ask(session, cell.grade_id, deadline)
                    self.result.outcomes[cell.grade_id] = outcomes
                else:
                    self.at = ("cell", str(number))
                    self._cell(session, number, cell)
        except SessionDied as death:
            self.culprits[self.at] = death
            self.again = self.result.runs < RUNS and time.monotonic() < deadline
            self._tell(death)
        except _Stop:
            self.result.notes.append(
                f"The notebook as a whole took more than {TOTAL:g} s: what came after was not run."
            )
        finally:
            session.close()
            if session.usage is not None:
                self.result.cpu += session.usage.cpu
                self.result.memory = max(self.result.memory, session.usage.memory)

    def _session(self, seed: int) -> Session:
        try:
            return self.sandbox.submission(seed)
        except SandboxError:  # a warm process may have been lost; a second failure is for good
            self.sandbox.__exit__()
            self.sandbox.__enter__()
            return self.sandbox.submission(seed)

    def _tell(self, death: SessionDied) -> None:
        words = WORDS.get(death.reason, death.detail)
        if self.at[0] == "call":
            what = f"A call of `{self.at[2]}` ended the notebook: {words}."
        elif self.at[0] == "cell":
            what = f"A cell ended the notebook: {words}."
            cell = self.cells[int(self.at[1])]
            cell.outputs, cell.count = [_error("Ended", f"{words}.")], None
        else:
            what = f"The notebook was ended between two cells: {words}."
        if self.again:
            what += " It was run again without that." if self.at[0] in ("call", "cell") else (
                " It was run again."
            )  # fmt: skip
        else:
            what += " What came after was not run."
        self.result.notes.append(what)

    # ----------------------------------------------------------------------------------

    def _cell(self, session: Session, number: int, cell: Cell) -> None:
        if ("cell", str(number)) in self.culprits:
            return
        figures = self.figures or cell.role in ("manual", "task")
        found = session.run_cell(cell.source, figures=figures)
        cell.count = found.count
        cell.outputs = self._bounded(found)

    def _bounded(self, found: CellResult) -> list[dict[str, Any]]:
        outputs: list[dict[str, Any]] = []
        size = 0
        for output in found.outputs:  # one by one: what is cleaned may be larger than what came
            cleaned = clean.outputs([output])
            outputs += cleaned
            size += _size(cleaned)
            if size > self.room:
                telling = [short for one in found.outputs if (short := _short(one))]
                outputs = [
                    _stream("[output left out: the notebook as a whole puts out too much]\n"),
                    *clean.outputs(telling[:1]),  # a test cell's points are read from it
                ]
                break
        self.room -= min(size, max(self.room, 0))
        if found.status == "timeout":
            outputs.append(_error("Timeout", "the cell took too long and was interrupted."))
        return outputs

    def _ask(self, session: Session, step: str, deadline: float) -> list[dict[str, Tree]]:
        """Make the calls of a step; a function out of time is not called again."""
        outcomes: list[dict[str, Tree]] = []
        if step not in self.partial:
            self.partial[step] = outcomes
        late: dict[str, dict[str, Tree]] = {}
        spent: dict[str, float] = {}
        limit = self.limits[step]
        for request in self.requests[step]:
            name = request.case.call.function
            place = ("call", step, name, str(len(outcomes)))
            if place in self.culprits:
                late[name] = ended(self.culprits[place])
            if name in late:
                outcomes.append(late[name])
                continue
            if time.monotonic() > deadline:
                raise _Stop
            self.at = place
            start = time.monotonic()
            outcome = session.call(payload_of(request), limit=limit)
            spent[name] = spent.get(name, 0.0) + time.monotonic() - start
            outcomes.append(outcome)
            if outcome["status"] == "timeout":
                late[name] = outcome
            elif spent[name] > PATIENCE * limit:
                why = f"its calls together took more than {PATIENCE * limit:g} s"
                late[name] = out_of_time(why)
        return outcomes

    def fill_up(self) -> None:
        """Give the calls that were never made an outcome that says so."""
        nothing = out_of_time("the notebook ended before this call")
        for step, requests in self.requests.items():
            if step not in self.result.outcomes:
                made = self.partial.get(step, [])
                self.result.outcomes[step] = [*made, *[nothing] * (len(requests) - len(made))]


_payloads: dict[int, tuple[Request, bytes]] = {}
"""What travels of the requests that many are asked, by the request's id; it is kept alive here."""


def payload_of(request: Request) -> bytes:
    """Return a request as it travels; one that many are asked is encoded once."""
    known = _payloads.get(id(request))
    if known is None:
        known = request, encoded(request.wire)
        if request.shared:
            _payloads[id(request)] = known
    return known[1]


def ended(death: SessionDied) -> dict[str, Tree]:
    """Return the outcome of a call that ended the process."""
    words = WORDS.get(death.reason, death.detail)
    outcome = out_of_time(words)
    if death.reason not in ("timeout", "cpu"):
        outcome["status"] = "raised"
        outcome["error"] = {
            **outcome["error"], "type": "Ended", "bases": ["Ended"], "message": words,
        }  # fmt: skip
    return outcome


def _error(name: str, text: str) -> dict[str, Any]:
    return {
        "output_type": "error",
        "ename": name,
        "evalue": text,
        "traceback": [f"{name}: {text}"],
    }


def _short(output: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the part of an error or a result that nbgrader reads points from."""
    if output["output_type"] == "error":
        return _error(output["ename"][:100], output["evalue"][:1000])
    if output["output_type"] == "execute_result":
        text = str(output["data"].get("text/plain", ""))[:100]
        return {**output, "data": {"text/plain": text}}
    return None


def _stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stderr", "text": text}


def _size(tree: Any) -> int:
    if isinstance(tree, Mapping):
        return sum(_size(value) for value in tree.values())
    if isinstance(tree, str):
        return len(tree)
    return sum(map(_size, tree)) if isinstance(tree, Iterable) else 8
