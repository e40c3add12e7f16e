"""One submission's process: runs the cells of a notebook as a kernel would, then serves calls.

It speaks frames of `codec` over one socket. A request is `{"do": "cell", "source", "figures"}` or
`{"do": "call", "request"}`; the reply is what the cell put out, or the runner's outcome. Everything
here is at the mercy of the student's code, which shares the process. That is fine: whatever it
breaks or forges is its own answer, and the host checks the form of every reply.
"""

from __future__ import annotations

import asyncio
import base64
import builtins
import contextlib
import io
import os
import random
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from IPython.core import page
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.formatters import DisplayFormatter
from IPython.core.interactiveshell import InteractiveShell
from pygments.lexer import RegexLexerMeta  # type: ignore[import-untyped]
from traitlets import CBool, Type
from traitlets.config import Config

from . import codec, runner

Output = dict[str, Any]

MAX_OUTPUTS = 1000


# --------------------------------------------------------------------------------------
# what a cell puts out


class Recorder:
    """Collect the outputs of one cell in the notebook format, up to a number of characters."""

    def __init__(self, limit: int) -> None:
        self.outputs: list[Output] = []
        self.truncated = False
        self._room = limit
        self._parts: list[str] = []  # of the stream output that is still open
        self._open: str | None = None
        self._displays: dict[str, list[Output]] = {}
        self._clear_next = False

    def stream(self, name: str, text: str) -> None:
        """Append text to the last output if it is the same stream, as a notebook does."""
        self._clear_now()
        if self._open != name:
            self.close()
            if not self._fits(0):
                return
            self._open = name
        if len(text) > self._room:
            text = text[: self._room]
            self.truncated = True
        self._room -= len(text)
        self._parts.append(text)

    def close(self) -> None:
        """End the stream output that is open."""
        if self._open is not None and self._parts:
            text = "".join(self._parts)
            self.outputs.append({"output_type": "stream", "name": self._open, "text": text})
        self._open, self._parts = None, []

    def add(self, output: Output, display_id: str | None = None) -> None:
        """Append an output other than a stream."""
        self._clear_now()
        self.close()
        if self._fits(_size(output)):
            self.outputs.append(output)
            if display_id is not None:
                self._displays.setdefault(display_id, []).append(output)

    def update(self, display_id: str, data: Output, metadata: Output) -> None:
        """Give the displays of that name other contents."""
        if self._fits(_size(data) * len(self._displays.get(display_id, []))):
            for output in self._displays.get(display_id, []):
                output["data"], output["metadata"] = data, metadata

    def clear(self, wait: bool) -> None:
        """Forget what there is, now or when the next output comes."""
        self._clear_next = True
        if not wait:
            self._clear_now()

    def finish(self) -> list[Output]:
        """Return everything, with a last word if something was cut off."""
        self.close()
        if self.truncated:
            note = "\n[output cut off: a cell may put out only so much]\n"
            self.outputs.append({"output_type": "stream", "name": "stderr", "text": note})
        return self.outputs

    def _clear_now(self) -> None:
        if self._clear_next:
            self._clear_next = False
            self._open, self._parts = None, []
            self.outputs.clear()
            self._displays.clear()

    def _fits(self, size: int) -> bool:
        if size > self._room or len(self.outputs) >= MAX_OUTPUTS:
            self.truncated = True
            return False
        self._room -= size
        return True


def _size(tree: Any) -> int:
    if isinstance(tree, dict):
        return sum(len(key) + _size(value) for key, value in tree.items())
    if isinstance(tree, list):
        return sum(_size(item) + 2 for item in tree)
    return len(tree) if isinstance(tree, str) else 8


class Stream(io.TextIOBase):
    """What `sys.stdout` and `sys.stderr` are while a notebook runs."""

    encoding = "UTF-8"
    errors = "strict"

    def __init__(self, name: str, session: Session) -> None:
        self.name = f"<{name}>"
        self._name = name
        self._session = session

    def writable(self) -> bool:
        """Say yes, as any output stream does."""
        return True

    def write(self, text: str) -> int:
        """Record text."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if text:
            self._session.recorder.stream(self._name, str(text))
        return len(text)


def _plain(value: Any, depth: int = 0) -> Any:
    """Turn the contents of a MIME bundle into what JSON can say."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, int | float):
        number = float(value) if isinstance(value, float) else int(value)
        finite = number == number and abs(number) != float("inf")
        return number if finite and abs(number) < 2**63 else repr(number)
    if depth < 20 and isinstance(value, dict):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if depth < 20 and isinstance(value, list | tuple | set):
        return [_plain(item, depth + 1) for item in value]
    return repr(value)


# --------------------------------------------------------------------------------------
# the shell


def _session(part: Any) -> Session:
    """Return the session of the shell that a part of IPython belongs to."""
    session: Session = part.shell.session
    return session


class Publisher(DisplayPublisher):
    """Where `display(…)` ends up."""

    def publish(
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        source: Any = None,  # noqa: ARG002 - IPython still has it
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        """Record a MIME bundle."""
        if not isinstance(data, dict) or not isinstance(metadata or {}, dict):
            raise TypeError(f"data and metadata must be dictionaries, got {data!r}")
        recorder = _session(self).recorder
        bundle, about = _plain(data), _plain(metadata or {})
        name = (transient or {}).get("display_id")
        if update:
            recorder.update(str(name), bundle, about)
            return
        output = {"output_type": "display_data", "data": bundle, "metadata": about}
        recorder.add(output, None if name is None else str(name))

    def clear_output(self, wait: bool = False) -> None:
        """Forget the outputs of the cell that runs."""
        _session(self).recorder.clear(wait)


class Hook(DisplayHook):
    """Where the value of a cell's last line ends up."""

    def write_output_prompt(self) -> None:
        """Write none: the notebook has its own."""

    def write_format_data(
        self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None
    ) -> None:
        """Record the value in all its formats."""
        output = {
            "output_type": "execute_result",
            "execution_count": self.prompt_count,
            "data": _plain(format_dict),
            "metadata": _plain(md_dict or {}),
        }
        _session(self).recorder.add(output)

    def finish_displayhook(self) -> None:
        """End nothing: there is no line to end."""


class Formatter(DisplayFormatter):
    """Formats that leave out the picture of a figure where nobody will look at it."""

    def format(self, obj: Any, include: Any = None, exclude: Any = None) -> Any:
        """Return the formats of an object."""
        shell: Any = self.parent
        if not shell.session.figures and _is_figure(obj):
            include = {"text/plain"}
        return super().format(obj, include=include, exclude=exclude)  # type: ignore[no-untyped-call]


def _is_figure(value: Any) -> bool:
    module = sys.modules.get("matplotlib.figure")
    return module is not None and isinstance(value, module.Figure)


class Shell(InteractiveShell):
    """IPython's shell with the manners of a notebook kernel."""

    displayhook_class = Type(Hook)
    display_pub_class = Type(Publisher)
    colors_force = CBool(True)
    autoindent = CBool(False)
    readline_use = CBool(False)
    session: Session

    def init_display_formatter(self) -> None:
        """Use formats of ours."""
        self.display_formatter = Formatter(parent=self)
        self.configurables.append(self.display_formatter)  # type: ignore[arg-type]

    def init_hooks(self) -> None:
        """Swallow what would go to a pager: a notebook shows it elsewhere."""
        super().init_hooks()  # type: ignore[no-untyped-call]
        nowhere = page.as_hook(lambda *_, **__: None)  # type: ignore[no-untyped-call]
        self.set_hook("show_in_pager", nowhere, 99)  # type: ignore[no-untyped-call]

    def init_virtualenv(self) -> None:
        """Look for none."""

    def enable_gui(self, gui: Any = None) -> None:
        """Accept any: there is no window to open."""

    def _format_exception_for_storage(self, exception: BaseException, *_: Any) -> dict[str, Any]:
        """Keep no formatted traceback beside the one that is shown: each costs milliseconds."""
        return {"ename": type(exception).__name__, "evalue": "", "traceback": []}

    def _showtraceback(self, etype: type[BaseException], evalue: Any, stb: list[str]) -> None:
        try:
            message = str(evalue)
        except Exception:
            message = ""
        output = {
            "output_type": "error",
            "ename": str(etype.__name__),
            "evalue": message,
            "traceback": [str(line) for line in stb],
        }
        self.session.recorder.add(output)


def share_token_tables() -> None:
    """Let the lexers that tracebacks are coloured with share one table.

    stack_data makes a class for every line it colours, and pygments works out the tables of
    Python's grammar for each class anew: half the time of a traceback.
    """
    prepare = RegexLexerMeta.__call__

    def call(cls: Any, *arguments: Any, **named: Any) -> Any:
        if "_tokens" not in vars(cls) and "tokens" not in vars(cls):
            tables = [vars(base)["_tokens"] for base in cls.__mro__ if "_tokens" in vars(base)]
            if tables:
                cls._tokens = tables[0]
        return prepare(cls, *arguments, **named)

    RegexLexerMeta.__call__ = call


def make_shell() -> Shell:
    """Create the shell that every child inherits."""
    share_token_tables()
    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    shell: Shell = Shell.instance(config=config)
    shell.session = Session(shell)
    return shell


_REHEARSAL = (
    "1/0",
    "import matplotlib.pyplot as plt; plt.plot([0, 1], label='$x$'); plt.legend(); plt.title('a')",
    "%matplotlib inline",
    "%time 1",
    "x =",
    "[1, 2.5]",
)


def rehearse(shell: Shell) -> None:
    """Run what notebooks run, once, so that every child inherits the imports and the caches."""
    shell.session.figures = True
    for source in _REHEARSAL:
        shell.run_cell(source, store_history=False)  # type: ignore[no-untyped-call]
    # pyplot draws every figure after each cell; the notebook's backend draws those it shows anyway.
    for callback in list(shell.events.callbacks["post_execute"]):
        if callback.__module__ == "matplotlib.pyplot":
            shell.events.unregister("post_execute", callback)
    shell.reset(new_session=True)  # type: ignore[no-untyped-call]
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        if hasattr(sys, name):
            delattr(sys, name)
    shell.session.figures = False


# --------------------------------------------------------------------------------------
# the session


class Session:
    """The state of one submission: its shell, its event loop, and what the cell has put out."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.figures = False
        self.limit = 2**20
        self.recorder = Recorder(self.limit)
        self.loop: asyncio.AbstractEventLoop | None = None
        self.chance: runner.Chance | None = None
        """The notebook's random state while calls, each with a seed of its own, come in between."""

    def prepare(self, *, seed: int, output_limit: int) -> None:
        """Make the inherited process this submission's own."""
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002 - the global state siblings would share
        self.limit = output_limit
        self.recorder = Recorder(output_limit)
        sys.stdin = open(os.devnull)  # noqa: SIM115 - as long as the process lives
        for name in ("stdout", "stderr"):
            stream = Stream(name, self)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        builtins.input = _no_input
        self._new_loop()

    def _new_loop(self) -> None:
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Let an interrupt, or the end of the CPU time, reach the student's code and no other."""
        numbers = (signal.SIGINT, signal.SIGXCPU)
        for number in numbers:
            signal.signal(number, signal.default_int_handler)
        try:
            yield
        finally:
            for number in numbers:
                signal.signal(number, signal.SIG_IGN)

    def cell(self, source: str, figures: bool) -> dict[str, Any]:
        """Run one cell and return its outputs."""
        self.figures = figures
        self.recorder = Recorder(self.limit)
        if self.chance is not None:
            with contextlib.suppress(Exception):  # the notebook may have tampered with it
                runner.put_back(self.chance)
            self.chance = None
        status = "error"
        try:
            with self._interruptible():
                assert self.loop is not None
                result = self.loop.run_until_complete(self._run(source))
            status = "ok" if result.success else "error"
        except KeyboardInterrupt:
            self._new_loop()
            self._record_error("KeyboardInterrupt", "")
        except BaseException as error:  # an event loop or a shell that was tampered with
            self._new_loop()
            self._record_error(type(error).__name__, str(error))
        outputs = self.recorder.finish()
        return {
            "status": status,
            "outputs": outputs,
            "count": int(self.shell.execution_count) - 1,
            "truncated": self.recorder.truncated,
        }

    def _record_error(self, name: str, message: str) -> None:
        if not any(output["output_type"] == "error" for output in self.recorder.outputs):
            trace = [f"{name}: {message}" if message else name]
            self.recorder.add(
                {"output_type": "error", "ename": name, "evalue": message, "traceback": trace}
            )

    async def _run(self, source: str) -> Any:
        """Run a cell inside the running loop, as a kernel does, so that tasks can be started."""
        shell = self.shell
        failed = None
        transformed = source
        try:
            transformed = shell.transform_cell(source)  # type: ignore[no-untyped-call]
        except Exception:
            failed = sys.exc_info()
        known: dict[str, Any] = {"transformed_cell": transformed, "preprocessing_exc_tuple": failed}
        if not shell.should_run_async(source, **known):
            return shell.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
        try:
            result = await shell.run_cell_async(source, store_history=True, **known)
        finally:
            shell.events.trigger("post_execute")
        shell.events.trigger("post_run_cell", result)
        return result

    def call(self, request: dict[str, Any]) -> dict[str, Any]:
        """Call a function of the notebook."""
        try:
            if self.chance is None:
                self.chance = runner.chance()
            with self._interruptible():
                return runner.execute(self.shell.user_ns, request, keep_chance=False)
        except KeyboardInterrupt:
            return {"status": "timeout"}


def _no_input(*_: Any, **__: Any) -> str:
    raise StdinNotImplementedError(
        "raw_input was called, but this frontend does not support input requests."
    )


# --------------------------------------------------------------------------------------
# the wire


def serve(channel: socket.socket, session: Session) -> None:
    """Answer requests until the other side hangs up."""
    send(channel, 0, {"ready": True})
    while True:
        try:
            header = _read(channel, codec.HEADER.size)
            if header is None:
                return
            length, sequence, _ = codec.parse_header(header)
            payload = _read(channel, length)
            if payload is None:
                return
            request = codec.decode(payload)
            del header, payload
        except KeyboardInterrupt:
            continue
        try:
            if request["do"] == "cell":
                reply = session.cell(request["source"], request["figures"])
            else:
                reply = session.call(request["request"])
        except BaseException as error:  # the runner itself was broken from within
            reply = {"status": "broken", "error": repr(error)[:500]}
        send(channel, sequence, reply)


def send(channel: socket.socket, sequence: int, tree: Any) -> None:
    """Send one reply; a value that cannot travel becomes a status that says so."""
    try:
        data = codec.frame(sequence, codec.REPLY, tree)
    except codec.Unserialisable as error:
        data = codec.frame(
            sequence, codec.REPLY, {"status": "unserialisable", "reason": str(error)[:500]}
        )
    channel.sendall(data)


def _read(channel: socket.socket, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        chunk = channel.recv(min(size - len(parts), 2**20))
        if not chunk:
            return None
        parts += chunk
    return bytes(parts)
