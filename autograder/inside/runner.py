"""Call one function of a student's namespace and describe what came of it as plain data.

`execute(namespace, request) -> outcome` is the only way an answer is ever called: in the student's
notebook, in the sandbox, and for the reference and every known mistake on the grader's side.

Request (a plain tree: None, bool, int, float, complex, str, list, tuple, dict, numeric arrays)

    function   the name to call
    functions  names that must exist, default [function]; a driver may use several
    args       positional arguments, see markers
    kwargs     keyword arguments
    given      source text of the callables that `Fn` markers name, default ""
    driver     None, or source text that defines `drive(fns, *args, **kwargs)`; `fns` holds the
               student's functions as attributes, and what `drive` returns is the value
    seed       sets numpy's and Python's global generators for the call (they are restored)
    limit      seconds for the call, or None when somebody else keeps the time
    memory     True to measure the peak of memory allocated during the call

Any other key is ignored. Markers inside `args` and `kwargs` are dictionaries with one `$` key,
made by `Fn`, `RngArg` and `View` below.

Outcome (a plain tree)

    status   "ok", "missing", "not-started", "raised", "timeout" or "unserialisable"
    value    what came back, None unless status is "ok"
    changed  paths of arguments the call modified, such as "args[0][1]" or "kwargs['w']"
    printed  what was printed, cut off after a while
    warned   [{"category", "message", "line", "source"}], repeated warnings once
    error    None or {"type", "bases", "message", "line", "source", "function", "shapes", "at_call",
             "trace"}; `bases` are the names of the exception's classes; `trace` is
             [[function, line, source], ...] of the student's frames only; `shapes` is
             [[name, shape], ...] of arrays in the failing line, such as ["z[l-1]", "(4,)"], and
             [name, value] of the integers that pick them; `at_call` is true when the
             exception came from the call itself, before any line of the student's ran
    calls    how often each given callable was called
    peak     bytes, or None
    seconds  wall-clock time of the call
"""

from __future__ import annotations

import ast
import contextlib
import ctypes
import functools
import io
import linecache
import math
import os
import random
import re
import signal
import sys
import sysconfig
import threading
import time
import tracemalloc
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

Tree = Any
"""None, bool, int, float, complex, str, list, tuple, dict with string keys, or a numeric array."""

MAX_PRINTED = 4_000
MAX_BYTES = 12_000_000
MAX_ITEMS = 50_000
MAX_DEPTH = 24
MAX_MESSAGE = 2_000


# --------------------------------------------------------------------------------------
# markers


def Fn(name: str) -> dict[str, Tree]:
    """Stand for a given callable, defined in the request's `given` text; its calls are counted."""
    return {"$fn": name}


def RngArg(seed: int) -> dict[str, Tree]:
    """Stand for `numpy.random.default_rng(seed)`, made anew for every call."""
    return {"$rng": seed}


def View(array: Tree, how: str) -> dict[str, Tree]:
    """Stand for the same numbers in another guise: readonly, fortran, strided, reversed or list."""
    return {"$view": array, "how": how}


# --------------------------------------------------------------------------------------
# time


class Timeout(BaseException):
    """Raised inside a call that takes too long; no `except Exception` stops it."""


class Watchdog:
    """Raise `Timeout` in the thread that armed it, again and again, until it is disarmed.

    It needs no signals, so it works in any thread and on Windows. A call that sleeps in C sees the
    exception only when it wakes up; in the main thread an interrupt is sent too, which wakes it.
    """

    def __init__(self, seconds: float, every: float = 0.02, interrupt_after: float = 0.5) -> None:
        self._seconds = seconds
        self._every = every
        self._interrupt_after = interrupt_after
        self._thread_id = threading.get_ident()
        self._main = threading.current_thread() is threading.main_thread()
        self._running = threading.Lock()
        self._finished = threading.Lock()
        self._ended = False
        self.fired = False
        self.stopping = False

    def arm(self) -> None:
        """Start the clock."""
        self._running.acquire()
        self._finished.acquire()
        threading.Thread(target=self._watch, name="time limit", daemon=True).start()

    def disarm(self) -> None:
        """Stop the clock, wait for the watcher to end, and leave no exception pending.

        A last exception may arrive anywhere in here, so every step may be done twice. Set
        `stopping` first, in line: from then on at most one more can arrive.
        """
        self.stopping = True
        while True:
            try:
                with contextlib.suppress(RuntimeError):  # released already
                    self._running.release()
                while not self._ended:
                    self._finished.acquire(timeout=0.05)
                if self.fired:
                    self._take_the_last()
                return
            except Timeout:
                continue
            except KeyboardInterrupt:
                if not self.fired:
                    raise

    def _take_the_last(self) -> None:
        """Raise one exception more and catch it, so that none is pending.

        Clearing it would leave a flag set in Python 3.11, which then hangs at the first call under
        a profiler or a debugger.
        """
        with contextlib.suppress(Timeout):
            _set_async_exception(self._thread_id, Timeout)
            while True:
                pass

    def _watch(self) -> None:
        try:
            if self._running.acquire(timeout=self._seconds):
                return
            start = time.monotonic()
            interrupted = False
            while not self.stopping:
                self.fired = True
                _set_async_exception(self._thread_id, Timeout)
                late = time.monotonic() - start
                if self._main and not interrupted and late > self._interrupt_after:
                    interrupted = True
                    _interrupt_main(self._thread_id)
                if self._running.acquire(timeout=self._every):
                    return
        finally:
            self._ended = True
            self._finished.release()


def _set_async_exception(thread_id: int, exception: type[BaseException]) -> None:
    """Make `exception` pending in a thread."""
    argument = ctypes.py_object(exception)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread_id), argument)


def _interrupt_main(thread_id: int) -> None:
    """Wake the main thread from a blocking call, if Ctrl-C has its usual meaning there."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(thread_id, signal.SIGINT)
    else:  # pragma: no cover - Windows
        import _thread

        _thread.interrupt_main()


# --------------------------------------------------------------------------------------
# the call


def execute(
    namespace: Mapping[str, Any], request: Mapping[str, Tree], *, keep_chance: bool = True
) -> dict[str, Tree]:
    """Run one request against `namespace` and return its outcome; see the module's docstring.

    Whoever makes many calls may see to numpy's and Python's global random state by themselves,
    with `chance_kept` around all of them, and say so: putting it back costs as much as a call.
    """
    outcome = _outcome()
    for name in request.get("functions") or [request["function"]]:
        if not callable(namespace.get(name)):
            kind = "TypeError" if name in namespace else "NameError"
            outcome["status"] = "missing"
            outcome["error"] = _error(kind, name)
            return outcome

    calls: dict[str, int] = {}
    given = _load(request.get("given") or "", "<given>")
    args = _resolve(list(request.get("args") or []), given, calls)
    kwargs = _resolve(dict(request.get("kwargs") or {}), given, calls)
    before = (
        _resolve(list(request.get("args") or []), {}, {}),
        _resolve(dict(request.get("kwargs") or {}), {}, {}),
    )
    call = _callable(namespace, request)

    printed = _Printed(MAX_PRINTED)
    limit = request.get("limit")
    dog = Watchdog(float(limit)) if limit is not None else None
    memory = _Memory(bool(request.get("memory")))
    kept = chance_kept() if keep_chance else contextlib.nullcontext()
    with kept, _state_kept(int(request.get("seed") or 0), printed) as caught:
        start = time.perf_counter()
        try:
            try:
                memory.start()
                if dog is not None:
                    dog.arm()
                value = call(*args, **kwargs)
                outcome["seconds"] = time.perf_counter() - start
                memory.stop()
                outcome["value"] = plain(value)
            finally:
                if dog is not None:
                    dog.stopping = True
                    for _ in range(4):  # a last exception may hit the very entry of disarm
                        try:
                            dog.disarm()
                            break
                        except Timeout:
                            continue
        except Timeout:
            outcome["status"] = "timeout"
            outcome["error"] = _error("Timeout", f"no answer after {limit} s")
        except KeyboardInterrupt:
            if dog is None or not dog.fired:
                raise
            outcome["status"] = "timeout"
            outcome["error"] = _error("Timeout", f"no answer after {limit} s")
        except _UnserialisableError as what:
            outcome["status"] = "unserialisable"
            outcome["error"] = _error(what.kind, str(what))
        except NotImplementedError as exception:
            outcome["status"] = "not-started"
            outcome["error"] = _describe(exception)
        except BaseException as exception:
            outcome["status"] = "raised"
            outcome["error"] = _describe(exception)
        finally:
            memory.stop()
    if outcome["status"] != "ok":
        outcome["value"] = None
        outcome["seconds"] = outcome["seconds"] or time.perf_counter() - start
    outcome["printed"] = printed.text()
    outcome["warned"] = _warned(caught)
    outcome["calls"] = calls
    outcome["peak"] = memory.peak
    outcome["changed"] = [
        *_changes(before[0], args, "args"),
        *_changes(before[1], kwargs, "kwargs"),
    ]
    return outcome


def _outcome() -> dict[str, Tree]:
    return {
        "status": "ok",
        "value": None,
        "changed": [],
        "printed": "",
        "warned": [],
        "error": None,
        "calls": {},
        "peak": None,
        "seconds": 0.0,
    }


def out_of_time(why: str) -> dict[str, Tree]:
    """Return the outcome of a call that was not made, or not finished, for lack of time."""
    return {**_outcome(), "status": "timeout", "error": _error("Timeout", why)}


def _callable(namespace: Mapping[str, Any], request: Mapping[str, Tree]) -> Callable[..., Any]:
    """Return the function to call: the student's, or the driver around the student's functions."""
    if not request.get("driver"):
        function: Callable[..., Any] = namespace[request["function"]]
        return function
    names = request.get("functions") or [request["function"]]
    fns = types.SimpleNamespace(**{name: namespace[name] for name in names})
    drive = _load(request["driver"], "<driver>")["drive"]
    return functools.partial(drive, fns)


@functools.lru_cache(maxsize=256)
def _compiled(source: str, filename: str) -> types.CodeType:
    return compile(source, filename, "exec")


def _load(source: str, filename: str) -> dict[str, Any]:
    """Run source text of ours in a namespace of its own."""
    namespace: dict[str, Any] = {"np": np, "math": math, "__name__": filename}
    if source:
        exec(_compiled(source, filename), namespace)
    return namespace


def _resolve(tree: Tree, given: Mapping[str, Any], calls: dict[str, int]) -> Any:
    """Copy a tree, putting real objects in the place of markers."""
    if isinstance(tree, np.ndarray):
        return np.array(tree, copy=True)
    if isinstance(tree, list):
        return [_resolve(item, given, calls) for item in tree]
    if isinstance(tree, tuple):
        return tuple(_resolve(item, given, calls) for item in tree)
    if isinstance(tree, dict):
        if "$fn" in tree:
            return _counted(tree["$fn"], given, calls)
        if "$rng" in tree:
            return np.random.default_rng(tree["$rng"])
        if "$view" in tree:
            return _view(np.array(tree["$view"], copy=True), tree["how"])
        return {key: _resolve(item, given, calls) for key, item in tree.items()}
    return tree


def _counted(name: str, given: Mapping[str, Any], calls: dict[str, int]) -> Any:
    function = given.get(name)
    if function is None:  # the pristine copy of the arguments needs no functions
        return name
    calls.setdefault(name, 0)

    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        calls[name] += 1
        return function(*args, **kwargs)

    return counted


def _view(array: np.ndarray[Any, Any], how: str) -> Any:
    if how == "list":
        return array.tolist()
    if how == "readonly":
        array.flags.writeable = False
        return array
    if how == "fortran":
        return np.asfortranarray(array)
    if how == "reversed":
        turn = (slice(None, None, -1),) * array.ndim
        return np.ascontiguousarray(array[turn])[turn]
    if how == "strided":
        wide = np.full([2 * size for size in array.shape], 77, dtype=array.dtype)
        window = wide[(slice(None, None, 2),) * array.ndim]
        window[...] = array
        return window
    raise ValueError(f"expected readonly, fortran, strided, reversed or list, got {how!r}")


def _changes(before: Any, after: Any, path: str) -> list[str]:
    """List the paths at which `after` is no longer what it was."""
    if isinstance(before, np.ndarray):
        same = (
            isinstance(after, np.ndarray)
            and before.shape == after.shape
            and before.dtype == after.dtype
            and before.tobytes() == after.tobytes()
        )
        return [] if same else [path]
    if isinstance(before, list | tuple):
        if not isinstance(after, type(before)) or len(before) != len(after):
            return [path]
        pairs = enumerate(zip(before, after, strict=True))
        return [found for i, (b, a) in pairs for found in _changes(b, a, f"{path}[{i}]")]
    if isinstance(before, dict):
        if not isinstance(after, dict) or before.keys() != after.keys():
            return [path]
        keys = (_changes(before[key], after[key], f"{path}[{key!r}]") for key in before)
        return [found for changes in keys for found in changes]
    return []


# --------------------------------------------------------------------------------------
# what came back, as plain data


class _UnserialisableError(Exception):
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def plain(value: Any) -> Tree:
    """Copy a returned value into a plain tree; a numpy scalar becomes a 0-d array of its dtype."""
    return _Plainer().convert(value, 0)


class _Plainer:
    def __init__(self) -> None:
        self.bytes = 0
        self.items = 0

    def convert(self, value: Any, depth: int) -> Tree:
        self.items += 1
        if depth > MAX_DEPTH or self.items > MAX_ITEMS:
            raise _UnserialisableError(
                "size", "the value is nested too deeply or has too many items"
            )
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, np.bool_):
            return bool(value)
        if isinstance(value, np.ndarray | np.generic):
            return self._array(value)
        if isinstance(value, int):
            if not -(2**63) <= value < 2**64:
                raise _UnserialisableError("int", "the value is an integer beyond 64 bits")
            return int(value)
        if isinstance(value, float):
            return float(value)
        if isinstance(value, complex):
            return complex(value)
        if isinstance(value, str):
            self._count(4 * len(value))
            return str(value)
        if isinstance(value, list):
            return [self.convert(item, depth + 1) for item in value]
        if isinstance(value, tuple):
            return tuple(self.convert(item, depth + 1) for item in value)
        if isinstance(value, Mapping):
            if not all(isinstance(key, str) for key in value):
                raise _UnserialisableError(
                    type(value).__name__, "the value is a dictionary whose keys are not strings"
                )
            return {str(key): self.convert(item, depth + 1) for key, item in value.items()}
        kind = type(value).__name__
        raise _UnserialisableError(kind, f"the value is of type {kind}")

    def _array(self, value: Any) -> np.ndarray[Any, Any]:
        array = np.array(value, copy=True, subok=False)
        if array.dtype.kind not in "biufc":
            raise _UnserialisableError("ndarray", f"the value is an array of dtype {array.dtype}")
        if array.dtype.kind == "f" and array.dtype.itemsize > 8:
            array = array.astype(np.float64)
        if array.dtype.kind == "c" and array.dtype.itemsize > 16:
            array = array.astype(np.complex128)
        self._count(array.nbytes)
        return array

    def _count(self, size: int) -> None:
        self.bytes += size
        if self.bytes > MAX_BYTES:
            raise _UnserialisableError("size", f"the value is larger than {MAX_BYTES} bytes")


# --------------------------------------------------------------------------------------
# surroundings: nothing a call does to global state outlives it


class _Printed(io.TextIOBase):
    """Keep the first characters that are written and forget the rest."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[str] = []
        self._length = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        room = self._limit - self._length
        if room > 0:
            self._parts.append(text[:room])
        self._length += len(text)
        return len(text)

    def text(self) -> str:
        return "".join(self._parts) + (" …" if self._length > self._limit else "")


class _Memory:
    """The peak of traced memory between start and stop, above what was there at the start."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._own = False
        self._base = 0
        self._open = False
        self.peak: int | None = None

    def start(self) -> None:
        if not self._wanted:
            return
        self._own = not tracemalloc.is_tracing()
        if self._own:
            tracemalloc.start()
        tracemalloc.reset_peak()
        self._base = tracemalloc.get_traced_memory()[0]
        self._open = True

    def stop(self) -> None:
        if not self._open:
            return
        self._open = False
        if tracemalloc.is_tracing():
            self.peak = max(0, tracemalloc.get_traced_memory()[1] - self._base)
            if self._own:
                tracemalloc.stop()


Chance = tuple[Any, Any]


def chance() -> Chance:
    """Return the state of the global random generators, numpy's legacy one and Python's."""
    return np.random.get_state(), random.getstate()  # noqa: NPY002


def put_back(state: Chance) -> None:
    """Give the global random generators the state they had."""
    np.random.set_state(state[0])  # noqa: NPY002
    random.setstate(state[1])


@contextlib.contextmanager
def chance_kept() -> Iterator[None]:
    """Put the state of the global random generators back afterwards."""
    state = chance()
    try:
        yield
    finally:
        put_back(state)


@contextlib.contextmanager
def _state_kept(seed: int, printed: _Printed) -> Iterator[list[warnings.WarningMessage]]:
    """Seed, catch printing and warnings, and put global settings back afterwards."""
    recursion = sys.getrecursionlimit()
    try:
        np.random.seed(seed % 2**32)  # noqa: NPY002
        random.seed(seed)
        with (
            np.errstate(divide="warn", over="warn", invalid="warn", under="ignore"),
            np.printoptions(),
            warnings.catch_warnings(record=True) as caught,
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            warnings.simplefilter("always")
            yield caught
    finally:
        sys.setrecursionlimit(recursion)


# --------------------------------------------------------------------------------------
# errors at the student's line


def _error(kind: str, message: str) -> dict[str, Tree]:
    return {
        "type": kind,
        "bases": [kind],
        "message": message[:MAX_MESSAGE],
        "line": None,
        "source": "",
        "function": "",
        "shapes": [],
        "at_call": False,
        "trace": [],
    }


_HERE = os.path.dirname(os.path.abspath(__file__))
_LIBRARIES = tuple(
    {
        os.path.abspath(path) + os.sep
        for key in ("stdlib", "platstdlib", "purelib", "platlib")
        if (path := sysconfig.get_paths().get(key))
    }
    | {os.path.dirname(os.path.abspath(np.__file__)) + os.sep}
)


def _ours(filename: str) -> bool:
    """Tell frames of the grader and of libraries from frames of the student."""
    if filename in ("<given>", "<driver>") or filename.startswith("<frozen "):
        return True
    if filename.startswith("<"):
        return filename == "<__array_function__ internals>"
    path = os.path.abspath(filename)
    return os.path.dirname(path) == _HERE or path.startswith(_LIBRARIES)


def _describe(exception: BaseException) -> dict[str, Tree]:
    """Say what was raised, and where, in the student's lines only."""
    try:
        message = str(exception)
    except BaseException:  # an exception class of the student's may fail to print itself
        message = ""
    error = _error(type(exception).__name__, message)
    error["bases"] = [base.__name__ for base in type(exception).__mro__][:-1]
    trace: list[list[Tree]] = []
    entered = False
    step = exception.__traceback__
    while step is not None:
        filename = step.tb_frame.f_code.co_filename
        if not _ours(filename):
            source = linecache.getline(filename, step.tb_lineno, step.tb_frame.f_globals).strip()
            trace.append([step.tb_frame.f_code.co_name, step.tb_lineno, source[:200]])
            error["shapes"] = _shapes(step.tb_frame.f_locals, source)
        entered = entered or not _ours(filename)
        step = step.tb_next
    if len(trace) > 12:
        trace = [*trace[:6], ["…", None, f"{len(trace) - 12} more"], *trace[-6:]]
    error["trace"] = trace
    error["at_call"] = not entered
    if trace:
        error["function"], error["line"], error["source"] = trace[-1]
    return error


def _shapes(variables: Mapping[str, Any], source: str) -> list[list[str]]:
    """The shapes of the arrays that a line of the student's uses, and the indices that pick them.

    Nothing of the student's is run for it: only names, `.T`, `@` and indices made of integers.
    """
    found: dict[str, str] = {}
    with contextlib.suppress(RecursionError):  # a line may be nested as deeply as it likes
        for tree in _parsed(source[:500]):
            _Operands(variables, found).visit(tree)
    return [[name, what] for name, what in list(found.items())[:8]]


_PIECE = re.compile(r"[^\W\d]\w*(?:\[[^\[\]]*\])*(?:\.T\b)?")


def _parsed(source: str) -> list[ast.AST]:
    """The syntax trees of a line, or of its pieces when a statement spans several lines."""
    found: list[ast.AST] = []
    for text in (source, source + " pass"):
        with contextlib.suppress(SyntaxError, ValueError):
            return [ast.parse(text)]
    for piece in _PIECE.findall(source):
        with contextlib.suppress(SyntaxError, ValueError):
            found.append(ast.parse(piece))
    return found


class _Operands(ast.NodeVisitor):
    """Collect the shapes of the largest expressions that can be told without running anything."""

    def __init__(self, variables: Mapping[str, Any], found: dict[str, str]) -> None:
        self._variables = variables
        self._found = found

    def visit(self, node: ast.AST) -> None:
        told = False
        if isinstance(node, ast.AugAssign):
            self._tell(node.target)
        if isinstance(node, ast.Subscript):
            self._too_far(node)
        if isinstance(node, ast.expr):
            fresh = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            told = not fresh and self._tell(node)
        if not told:
            self.generic_visit(node)

    def _tell(self, node: ast.expr) -> bool:
        shape = self._shape(node)
        if shape is None:
            return False
        for part in ast.walk(node):
            if isinstance(part, ast.Subscript):
                self._indices(part.slice)
        self._found[_text(node)] = str(shape)
        return True

    def _too_far(self, node: ast.Subscript) -> None:
        base, index = self._value(node.value), self._index(node.slice)
        known = type(base) in (list, tuple) and isinstance(index, int)
        if known and not -len(base) <= index < len(base):  # type: ignore[operator]
            self._indices(node.slice)
            self._found[f"len({_text(node.value)})"] = str(len(base))

    def _indices(self, node: ast.expr) -> None:
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and type(self._value(part)) is int:
                self._found[part.id] = str(self._value(part))

    def _shape(self, node: ast.expr) -> tuple[int, ...] | None:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            left, right = self._shape(node.left), self._shape(node.right)
            if not left or not right or len(left) > 2 or len(right) > 2:
                return None
            if left[-1] != right[-2 if len(right) == 2 else 0]:
                return None
            return left[:-1] + right[1:]
        value = self._value(node)
        return value.shape if type(value) is np.ndarray else None

    def _value(self, node: ast.expr) -> Any:
        """What an expression stands for; None when telling it could run code of the student's."""
        if isinstance(node, ast.Name):
            return self._variables.get(node.id)
        if isinstance(node, ast.Attribute) and node.attr == "T":
            base = self._value(node.value)
            return base.T if type(base) is np.ndarray else None
        if isinstance(node, ast.Subscript):
            base, index = self._value(node.value), self._index(node.slice)
            if type(base) in (list, tuple, np.ndarray) and isinstance(index, int):
                with contextlib.suppress(IndexError):
                    return base[index]
            if type(base) is dict and isinstance(index, str):
                return base.get(index)
        return None

    def _index(self, node: ast.expr) -> int | str | None:
        if isinstance(node, ast.Constant | ast.Name):
            value: Any = node.value if isinstance(node, ast.Constant) else self._value(node)
            return value if type(value) in (int, str) else None
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self._index(node.operand)
            return -inner if isinstance(inner, int) else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            left, right = self._index(node.left), self._index(node.right)
            if isinstance(left, int) and isinstance(right, int):
                return left + right if isinstance(node.op, ast.Add) else left - right
        return None


def _text(node: ast.expr) -> str:
    """Write an expression; an index without spaces, as students do."""
    text = ast.unparse(node)[:60]
    return re.sub(r"\[[^\[\]]*\]", lambda found: found[0].replace(" ", ""), text)


def _warned(caught: list[warnings.WarningMessage]) -> list[Tree]:
    found: dict[tuple[str, str], dict[str, Tree]] = {}
    for item in caught or []:
        key = (item.category.__name__, str(item.message)[:MAX_MESSAGE])
        if key in found or len(found) >= 10:
            continue
        mine = not _ours(item.filename)
        found[key] = {
            "category": key[0],
            "message": key[1],
            "line": item.lineno if mine else None,
            "source": linecache.getline(item.filename, item.lineno).strip()[:200] if mine else "",
        }
    return list(found.values())
