"""The trusted side: starts warm processes, hands submissions to them, and believes nothing.

    with Sandbox() as sandbox, sandbox.submission(seed=7) as session:
        session.run_cell("def f(x): return 2 * x")
        outcome = session.call({"function": "f", "args": [21]})

A `Sandbox` belongs to one thread. Reading from a child is bounded in size and time everywhere, and
whatever a child does wrong ends in `SessionDied`; the next submission starts from a fresh fork.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from autograder.inside import bridge, codec
from autograder.sandbox import replies, tiers
from autograder.sandbox.layout import INSIDE, Layout
from autograder.sandbox.limits import CellResult, Limits, SandboxError, SessionDied, Usage
from autograder.sandbox.tiers import Tier

PRELOAD = (
    "numpy.random",
    "numpy.linalg",
    "matplotlib.pyplot",
    "IPython.display",
    "tqdm",
    "tqdm.auto",
)
"""What the warm process imports, so that no child has to."""

_SETTLE = 5.0
"""Seconds the warm process has to carry out an order; it is ours and does nothing else."""


class Sandbox:
    """A warm process of one tier, and the submissions that run in forks of it."""

    def __init__(
        self,
        tier: Tier,
        limits: Limits | None = None,
        *,
        unsafe: bool = False,
        layout: Layout | None = None,
        preload: Sequence[str] = PRELOAD,
    ) -> None:
        if tier is Tier.D and not unsafe:
            raise SandboxError("tier D does not protect this machine; it has to be asked for")
        self.tier = tier
        self.limits = limits or Limits()
        self._layout = layout or Layout.of_this_process()
        self._preload = list(preload)
        self._zygote: Zygote | None = None

    def __enter__(self) -> Sandbox:
        if self._zygote is None:
            self._zygote = self._start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._zygote is not None:
            self._zygote.stop()
            self._zygote = None

    def _start(self) -> Zygote:
        return Zygote(self.tier, self.limits, self._layout, self._preload)

    def submission(self, seed: int = 0) -> Session:
        """Fork a fresh process; a warm process that was lost is replaced first."""
        if self._zygote is None:
            raise SandboxError("the sandbox is not open")
        if not self._zygote.alive():
            self._zygote.stop()
            self._zygote = self._start()
        return Session(self._zygote, seed, self.limits)


class Zygote:
    """The warm process as the host sees it: a control socket and a list of deaths."""

    def __init__(self, tier: Tier, limits: Limits, layout: Layout, preload: list[str]) -> None:
        sweep()
        self._stage = make_stage()
        self._held = hold(self._stage)
        self._exits: dict[int, dict[str, Any]] = {}
        self._buffer = b""
        self._count = 0
        ours, theirs = socket.socketpair()
        self._control = ours
        self._process: subprocess.Popen[bytes] | None = None
        self._clean_up: list[str] | None = None
        try:
            start = tiers.start(tier, layout, self._stage, theirs.fileno(), limits)
            self._clean_up = start.clean_up
            with (self._stage / "zygote.log").open("wb") as log:
                self._process = subprocess.Popen(
                    start.command,
                    env=start.env,
                    stdin=subprocess.PIPE if start.bridged else subprocess.DEVNULL,
                    stdout=subprocess.PIPE if start.bridged else log,
                    stderr=log,
                    cwd="/",
                    pass_fds=[] if start.bridged else [theirs.fileno()],
                    start_new_session=True,
                )
            if start.bridged:
                _carry(self._process, theirs)
            else:
                theirs.close()
            self._say({**start.config, "limits": limits.for_zygote(), "preload": preload})
            self.about = self._event("ready", time.monotonic() + limits.start)
        except BaseException:
            theirs.close()
            self.stop()
            raise

    def _say(self, order: dict[str, Any], *descriptors: int) -> None:
        data = json.dumps(order).encode() + b"\n"
        try:
            self._control.settimeout(_SETTLE)
            sent = socket.send_fds(self._control, [data], list(descriptors)) if descriptors else 0
            self._control.sendall(data[sent:])
        except OSError as error:
            raise SandboxError(f"the warm process is gone: {error}{self._last_words()}") from None

    def _event(self, name: str, deadline: float, number: int | None = None) -> dict[str, Any]:
        """Wait for an event; remember the deaths that come in between."""
        while True:
            while b"\n" in self._buffer:
                line, _, self._buffer = self._buffer.partition(b"\n")
                event: dict[str, Any] = json.loads(line)
                if event["event"] == "exit":
                    self._exits[event["id"]] = event
                if event["event"] == name and number in (None, event.get("id")):
                    return event
            left = deadline - time.monotonic()
            readable = select.select([self._control], [], [], max(0.0, left))[0]
            if not readable:
                raise SandboxError(f"the warm process does not answer{self._last_words()}")
            data = self._control.recv(65536)
            if not data:
                raise SandboxError(f"the warm process ended{self._last_words()}")
            self._buffer += data

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            text = (self._stage / "zygote.log").read_bytes()[-2000:].decode("utf-8", "replace")
            if text.strip():
                return ":\n" + text.strip()
        return ""

    def alive(self) -> bool:
        """Tell whether it still runs."""
        return self._process is not None and self._process.poll() is None

    def fork(self, seed: int) -> tuple[int, socket.socket]:
        """Start a child; return its number and our end of its socket."""
        self._count += 1
        number = self._count
        ours, theirs = socket.socketpair()
        try:
            self._say({"do": "fork", "id": number, "seed": seed}, theirs.fileno())
            self._event("started", time.monotonic() + _SETTLE, number)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return number, ours

    def signal(self, number: int, what: int) -> None:
        """Send a child a signal."""
        self._say({"do": "signal", "id": number, "signal": what})

    def exit_of(self, number: int, patience: float) -> dict[str, Any] | None:
        """Return how a child ended, or None if it has not."""
        if number not in self._exits:
            try:
                self._event("exit", time.monotonic() + patience, number)
            except SandboxError:
                if not self.alive():
                    raise
                return None
        return self._exits.pop(number)

    def stop(self) -> None:
        """End the warm process and with it every child."""
        self._control.close()
        if self._process is not None:
            try:
                self._process.wait(_SETTLE)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(OSError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
                if self._clean_up is not None:
                    subprocess.run(self._clean_up, capture_output=True, timeout=60, check=False)
            self._process = None
        shutil.rmtree(self._stage, ignore_errors=True)
        if self._held >= 0:
            os.close(self._held)
            self._held = -1


def encoded(request: dict[str, Any]) -> bytes:
    """Return a request to call a function as it travels."""
    return codec.encode({"do": "call", "request": request})


class Session:
    """One submission's process, from the first cell to the last call."""

    def __init__(self, zygote: Zygote, seed: int, limits: Limits) -> None:
        self._zygote = zygote
        self._limits = limits
        self._sequence = 0
        self.usage: Usage | None = None
        self.death: SessionDied | None = None
        self._number, self._socket = zygote.fork(seed)
        self._socket.setblocking(False)
        try:
            hello = self._receive(time.monotonic() + _SETTLE)
        except (TimeoutError, codec.ProtocolError, EOFError):
            hello = {}
        if not isinstance(hello, dict) or hello.get("ready") is not True:
            self.close()
            reason = hello.get("reason") if isinstance(hello, dict) else None
            raise SandboxError(f"a child could not be confined: {reason or 'it ended at once'}")

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def run_cell(
        self, source: str, *, figures: bool = False, limit: float | None = None
    ) -> CellResult:
        """Run a cell; figures are drawn only if somebody will look at them."""
        request = {"do": "cell", "source": source, "figures": figures}
        seconds = self._limits.cell if limit is None else limit
        reply, late = self._exchange(codec.encode(request), seconds)
        try:
            return replies.cell_result(reply, late=late, room=self._limits.output)
        except codec.ProtocolError as error:
            raise self._die("protocol", str(error)) from None

    def call(
        self, request: dict[str, Any] | bytes, *, limit: float | None = None
    ) -> dict[str, Any]:
        """Call a function of the notebook through the runner; return its outcome.

        The request may be what `encoded` made of it, for whoever makes it many times.
        """
        seconds = self._limits.call if limit is None else limit
        payload = request if isinstance(request, bytes) else encoded(request)
        reply, late = self._exchange(payload, seconds)
        try:
            return replies.timeout(seconds) if late else replies.outcome(reply)
        except codec.ProtocolError as error:
            raise self._die("protocol", str(error)) from None

    def close(self) -> None:
        """End the process, whatever it is doing, and take the account of what it used."""
        if self._socket.fileno() < 0:
            return
        self._socket.close()
        with contextlib.suppress(SandboxError):
            self._end(patience=0.0)

    # ----------------------------------------------------------------------------------

    def _exchange(self, payload: bytes, seconds: float) -> tuple[Any, bool]:
        """Send a request and wait for its reply; tell whether it had to be interrupted."""
        if self.death is not None:
            raise self.death
        self._sequence += 1
        data = codec.framed(self._sequence, codec.REQUEST, payload)
        deadline = time.monotonic() + seconds
        try:
            self._nothing_waits()
            self._send(data, deadline + self._limits.grace)
            try:
                return self._receive(deadline), False
            except TimeoutError:
                self._zygote.signal(self._number, signal.SIGINT)
                return self._receive(time.monotonic() + self._limits.grace), True
        except TimeoutError:
            raise self._die(
                "timeout", f"no answer after {seconds:g} s, nor to an interrupt"
            ) from None
        except codec.ProtocolError as error:
            raise self._die("protocol", str(error)) from None
        except (EOFError, ConnectionError, BrokenPipeError):
            raise self._die(None, "it closed its connection") from None

    def _nothing_waits(self) -> None:
        """Refuse bytes that nobody has asked for: an answer sent before its question."""
        try:
            waiting = self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        if not waiting:
            raise EOFError
        raise codec.ProtocolError("bytes that nobody asked for")

    def _send(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._socket.send(view) :]
            except BlockingIOError:
                self._wait(deadline, write=True)

    def _receive(self, deadline: float) -> Any:
        header = self._read(codec.HEADER.size, deadline)
        length, sequence, kind = codec.parse_header(header)
        if kind != codec.REPLY or sequence != self._sequence:
            raise codec.ProtocolError(f"frame {sequence} where {self._sequence} was due")
        return codec.decode(self._read(length, deadline))

    def _read(self, size: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                chunk = self._socket.recv(min(size - len(data), 2**18))
            except BlockingIOError:
                self._wait(deadline, write=False)
                continue
            if not chunk:
                raise EOFError
            data += chunk
            if time.monotonic() > deadline and len(data) < size:
                raise TimeoutError
        return bytes(data)

    def _wait(self, deadline: float, *, write: bool) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLOUT if write else select.POLLIN)
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise TimeoutError

    def _end(self, patience: float) -> dict[str, Any] | None:
        """Make sure that the process is gone; return how it ended, if it ended by itself."""
        ended = self._zygote.exit_of(self._number, patience) if patience else None
        own = ended
        if ended is None:
            self._zygote.signal(self._number, signal.SIGKILL)
            ended = self._zygote.exit_of(self._number, _SETTLE)
        if ended is None:
            self._zygote.stop()
            raise SandboxError("a child outlived SIGKILL; its warm process was ended with it")
        self.usage = Usage(cpu=float(ended["cpu"]), memory=1024 * int(ended["memory"]))
        return own if own is not None else ({**ended} if ended["reason"] else None)

    def _die(self, reason: str | None, detail: str) -> SessionDied:
        """Bury the session; without a known reason, ask how the process ended."""
        self._socket.close()
        ended = self._end(patience=0.0 if reason else 0.5)
        if ended is not None and ended["reason"]:
            reason, detail = str(ended["reason"]), "it used more than it may"
        elif reason is None and ended is not None:
            reason, detail = self._cause(ended)
        self.death = SessionDied(reason or "protocol", detail)
        return self.death

    def _cause(self, ended: dict[str, Any]) -> tuple[str, str]:
        status = int(ended["status"])
        if status >= 0:
            return "exit", f"it ended itself with status {status}"
        name = signal.Signals(-status).name if -status in list(signal.Signals) else str(-status)
        if float(ended["cpu"]) >= self._limits.cpu:
            return "cpu", f"more than {self._limits.cpu} s of CPU time"
        if status == -signal.SIGKILL:
            return "killed", "ended by SIGKILL, as a rule for memory"
        return "crash", f"ended by {name}"


def _carry(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    """Let a thread carry the control socket's bytes over the pipes of a process."""
    assert process.stdin is not None
    assert process.stdout is not None
    source, sink = process.stdout, process.stdin

    def carry() -> None:
        try:
            bridge.Bridge(source.fileno(), sink.fileno(), control, outer=True).run()
        finally:
            for end in (control, source, sink):
                with contextlib.suppress(OSError):
                    end.close()

    threading.Thread(target=carry, name="sandbox bridge", daemon=True).start()


STAGE = "autograder-stage-"
_YOUNG = 10.0
"""Seconds in which a stage may still be in the making."""


def hold(stage: Path) -> int:
    """Mark a stage as in use for as long as this process lives, however it ends."""
    descriptor = os.open(stage / "held", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def sweep() -> None:
    """Remove the stages of processes that were killed before they could do so themselves."""
    for stage in Path(tempfile.gettempdir()).glob(f"{STAGE}*"):
        with contextlib.suppress(OSError):
            about = stage.lstat()
            if about.st_uid != os.geteuid() or time.time() - about.st_mtime < _YOUNG:
                continue
            descriptor = os.open(stage / "held", os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(stage, ignore_errors=True)
            finally:
                os.close(descriptor)


def make_stage() -> Path:
    """Create the folder a warm process starts from: a copy of `inside/`, and room for scratch."""
    stage = Path(tempfile.mkdtemp(prefix=STAGE))
    stage.chmod(0o755)
    target = stage / "home" / "inside"
    target.mkdir(parents=True)
    for source in sorted(INSIDE.glob("*.py")):
        shutil.copyfile(source, target / source.name)
    scratch = stage / "scratch"
    scratch.mkdir(mode=0o700)
    for path in (stage / "home", target, *target.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    if os.geteuid() == 0:
        os.chown(scratch, tiers.NOBODY, tiers.NOBODY)
    return stage
