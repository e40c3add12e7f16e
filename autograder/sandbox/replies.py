"""The form of what comes back. A child may send any tree; only these shapes get any further."""

from __future__ import annotations

import re
from typing import Any

from autograder.inside.codec import ProtocolError, Tree
from autograder.sandbox.limits import CellResult

_OUTCOMES = ("ok", "missing", "not-started", "raised", "timeout", "unserialisable")
_MAX_TEXT = 20_000
_MAX_ITEMS = 2_000
_PATH = re.compile(r"args\[\d{1,6}\]|kwargs\[")
_MIME = re.compile(r"[a-z]+/[A-Za-z0-9.+-]{1,100}(;[^\x00-\x1f]{0,60})?\Z")


def outcome(reply: Tree) -> dict[str, Tree]:
    """Return the runner's outcome with every field of its type."""
    fields = _dict(reply, "an outcome")
    status = fields.get("status")
    if status not in _OUTCOMES:
        raise ProtocolError("an outcome without a known status")
    if status == "unserialisable" and "reason" in fields:  # found out only by the wire
        return {**_blank("unserialisable"), "error": _no_line("size", _text(fields["reason"]))}
    if status == "timeout" and "value" not in fields:  # an interrupt from within
        return {**_blank("timeout"), "error": _no_line("Timeout", "interrupted")}
    changed = _list(fields.get("changed"), "changed")
    warned = _list(fields.get("warned"), "warned")
    calls = _dict(fields.get("calls"), "calls")
    peak = fields.get("peak")
    return {
        "status": status,
        "value": fields.get("value") if status == "ok" else None,
        "changed": [_path(path) for path in changed],
        "printed": _text(fields.get("printed")),
        "warned": [_warning(item) for item in warned],
        "error": None if fields.get("error") is None else _error(fields["error"]),
        "calls": {_text(name): _integer(count) for name, count in calls.items()},
        "peak": None if peak is None else _integer(peak),
        "seconds": _number(fields.get("seconds")),
    }


def timeout(seconds: float) -> dict[str, Tree]:
    """Return the outcome of a call that the host had to interrupt."""
    error = _no_line("Timeout", f"no answer after {seconds:g} s")
    return {**_blank("timeout"), "error": error, "seconds": float(seconds)}


def _blank(status: str) -> dict[str, Tree]:
    return {
        "status": status,
        "value": None,
        "changed": [],
        "printed": "",
        "warned": [],
        "error": None,
        "calls": {},
        "peak": None,
        "seconds": 0.0,
    }


def _no_line(kind: str, message: str) -> dict[str, Tree]:
    return {
        "type": kind,
        "bases": [kind],
        "message": message,
        "line": None,
        "source": "",
        "function": "",
        "shapes": [],
        "at_call": False,
        "trace": [],
    }


def _error(tree: Tree) -> dict[str, Tree]:
    fields = _dict(tree, "an error")
    trace = []
    for step in _list(fields.get("trace"), "trace"):
        if not isinstance(step, list | tuple) or len(step) != 3:
            raise ProtocolError("a trace that is none")
        trace.append([_text(step[0]), _line(step[1]), _text(step[2])])
    shapes = [_list(pair, "a shape") for pair in _list(fields.get("shapes"), "shapes")]
    if any(len(pair) != 2 for pair in shapes):
        raise ProtocolError("a shape without a name")
    return {
        "type": _text(fields.get("type")),
        "bases": [_text(name) for name in _list(fields.get("bases"), "bases")],
        "message": _text(fields.get("message")),
        "line": _line(fields.get("line")),
        "source": _text(fields.get("source")),
        "function": _text(fields.get("function")),
        "shapes": [[_text(part) for part in pair] for pair in shapes],
        "at_call": fields.get("at_call") is True,
        "trace": trace,
    }


def _warning(tree: Tree) -> dict[str, Tree]:
    fields = _dict(tree, "a warning")
    return {
        "category": _text(fields.get("category")),
        "message": _text(fields.get("message")),
        "line": _line(fields.get("line")),
        "source": _text(fields.get("source")),
    }


# --------------------------------------------------------------------------------------
# cells


def cell_result(reply: Tree, *, late: bool, room: int) -> CellResult:
    """Return what a cell put out as outputs of the notebook format, within `room` characters."""
    fields = _dict(reply, "a cell's result")
    if fields.get("status") not in ("ok", "error"):
        if fields.get("status") == "unserialisable":
            return CellResult("timeout" if late else "error", [], None, True)
        raise ProtocolError("a cell's result without a known status")
    outputs: list[dict[str, Any]] = []
    truncated = fields.get("truncated") is True
    left = room + 1000  # the inside keeps to `room`, and may add that something was cut off
    for item in _list(fields.get("outputs"), "outputs"):
        output = _output(item)
        left -= _size(output)
        if left < 0:
            truncated = True
            break
        outputs.append(output)
    count = fields.get("count")
    return CellResult(
        status="timeout" if late else str(fields["status"]),
        outputs=outputs,
        count=count if type(count) is int and 0 <= count < 10**6 else None,
        truncated=truncated,
    )


def _output(tree: Tree) -> dict[str, Any]:
    fields = _dict(tree, "an output")
    kind = fields.get("output_type")
    if kind == "stream":
        name = "stderr" if fields.get("name") == "stderr" else "stdout"
        return {"output_type": kind, "name": name, "text": _string(fields.get("text"))}
    if kind == "error":
        return {
            "output_type": kind,
            "ename": _string(fields.get("ename")),
            "evalue": _string(fields.get("evalue")),
            "traceback": [_string(line) for line in _list(fields.get("traceback"), "traceback")],
        }
    if kind in ("display_data", "execute_result"):
        data = _dict(fields.get("data"), "data")
        metadata = _dict(fields.get("metadata"), "metadata")
        output = {
            "output_type": kind,
            "data": {_mime(name): _content(name, value) for name, value in data.items()},
            "metadata": _json(metadata),
        }
        if kind == "execute_result":
            count = fields.get("execution_count")
            output["execution_count"] = count if type(count) is int else None
        return output
    raise ProtocolError("an output of unknown type")


def _mime(name: str) -> str:
    if not _MIME.match(name):
        raise ProtocolError("a MIME type that is none")
    return name


def _content(mime: str, value: Tree) -> Any:
    if mime == "application/json" or mime.endswith("+json"):
        return _json(value)
    return _string(value)


def _json(tree: Tree) -> Any:
    if tree is None or type(tree) in (bool, str, int):
        return tree
    if type(tree) is float:
        if tree != tree or abs(tree) == float("inf"):
            raise ProtocolError("a number that JSON does not know")
        return tree
    if type(tree) is list:
        return [_json(item) for item in tree]
    if type(tree) is dict:
        return {key: _json(value) for key, value in tree.items()}
    raise ProtocolError("a value that JSON does not know")


def _size(tree: Any) -> int:
    if isinstance(tree, dict):
        return sum(len(key) + _size(value) for key, value in tree.items())
    if isinstance(tree, list):
        return sum(_size(item) for item in tree)
    return len(tree) if isinstance(tree, str) else 8


# --------------------------------------------------------------------------------------


def _dict(tree: Tree, what: str) -> dict[str, Tree]:
    if type(tree) is not dict or len(tree) > _MAX_ITEMS:
        raise ProtocolError(f"{what} that is no dictionary")
    return tree


def _list(tree: Tree, what: str) -> list[Tree]:
    if type(tree) is not list or len(tree) > _MAX_ITEMS:
        raise ProtocolError(f"{what} that is no list")
    return tree


def _string(tree: Tree) -> str:
    if type(tree) is not str:
        raise ProtocolError("something else where text was due")
    return tree


def _text(tree: Tree) -> str:
    return _string(tree)[:_MAX_TEXT]


def _path(tree: Tree) -> str:
    path = _text(tree)
    if not _PATH.match(path):
        raise ProtocolError("a path that leads to no argument")
    return path


def _integer(tree: Tree) -> int:
    if type(tree) is not int:
        raise ProtocolError("something else where an integer was due")
    return tree


def _line(tree: Tree) -> int | None:
    return None if tree is None else _integer(tree)


def _number(tree: Tree) -> float:
    if type(tree) is not float and type(tree) is not int:
        raise ProtocolError("something else where a number was due")
    return float(tree)
