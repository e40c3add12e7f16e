"""Fuzz what reads untrusted bytes on the host, guided by coverage (needs `pip install atheris`).

    python benchmarks/fuzz.py codec -max_total_time=60       frames from a submission's process
    python benchmarks/fuzz.py notebook -max_total_time=60    files that were handed in

What follows the target goes to libFuzzer. A crash is an exception other than the one each reader
promises: `ProtocolError` for what comes over the wire, `Refused` for a file. The tests fuzz the
same readers with hypothesis, in seconds; this is for an hour on an idle machine.
"""

from __future__ import annotations

import contextlib
import json
import sys

import atheris

with atheris.instrument_imports(include=["autograder.inside", "autograder.grading", "msgpack"]):
    from autograder import sets
    from autograder.grading import notebook
    from autograder.grading.notebook import Refused, Template
    from autograder.inside import codec
    from autograder.sandbox import replies

SET = "ps02-softmax"


def codec_target(data: bytes) -> None:
    """A frame's payload, and every reading of it that the host knows."""
    with contextlib.suppress(codec.ProtocolError):
        tree = codec.decode(data)
        again = codec.decode(codec.encode(tree))
        assert repr(again) == repr(tree)
        for reading in (replies.outcome, lambda t: replies.cell_result(t, late=False, room=1000)):
            with contextlib.suppress(codec.ProtocolError):
                reading(tree)
    with contextlib.suppress(codec.ProtocolError):
        codec.parse_header(data[: codec.HEADER.size].ljust(codec.HEADER.size, b"\0"))


def notebook_target(template: Template, data: bytes) -> None:
    """A submitted file, read and restored: every locked cell of the set comes out once."""
    with contextlib.suppress(Refused):
        cells, notes = notebook.restore(notebook.parse(data, template), template)
        found = sorted(cell.grade_id for cell in cells if cell.grade_id)
        assert len(found) == len(set(found))
        lost = set(template.slots) - set(found)  # a missing answer is not made up
        assert all(template.slots[name].role == "answer" for name in lost)
        for cell in cells:
            slot = template.slots.get(cell.grade_id)
            assert slot is None or not slot.fixed or cell.source == slot.source
        "".join([*notes, *(cell.source for cell in cells)]).encode()


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in ("codec", "notebook"):
        raise SystemExit(__doc__)
    target = sys.argv.pop(1)
    if target == "codec":
        atheris.Setup(sys.argv, codec_target)
    else:
        released = json.loads(sets.as_text(sets.student(SET)))
        template = Template.build(SET, released)
        # Random bytes are hardly ever JSON: structures made from them are.
        cells = released["cells"]

        def structured(data: bytes) -> None:
            notebook_target(template, data)
            provider = atheris.FuzzedDataProvider(data)
            made = [_cell(provider, cells) for _ in range(provider.ConsumeIntInRange(0, 12))]
            tree = {"cells": made, "metadata": _junk(provider), "nbformat": 4, "nbformat_minor": 5}
            notebook_target(template, json.dumps(tree).encode())

        atheris.Setup(sys.argv, structured)
    atheris.Fuzz()


def _cell(provider: atheris.FuzzedDataProvider, cells: list[dict]) -> object:  # type: ignore[type-arg]
    if provider.ConsumeBool():
        return _junk(provider)
    cell = json.loads(json.dumps(provider.PickValueInList(cells)))
    for _ in range(provider.ConsumeIntInRange(0, 3)):
        place = cell if provider.ConsumeBool() else cell["metadata"]
        if not isinstance(place, dict):
            break
        name = provider.PickValueInList(["source", "metadata", "cell_type", "nbgrader", "grade_id"])
        place[name] = _junk(provider)
        if not isinstance(cell.get("metadata"), dict):
            break
    return cell


def _junk(provider: atheris.FuzzedDataProvider, depth: int = 3) -> object:
    kind = provider.ConsumeIntInRange(0, 6 if depth else 4)
    if kind == 0:
        return None
    if kind == 1:
        return provider.ConsumeInt(8)
    if kind == 2:
        return provider.ConsumeUnicode(20)
    if kind == 3:
        return provider.PickValueInList(["code", "markdown", "softmax", "softmax-answer", "x"])
    if kind == 4:
        return provider.ConsumeBool()
    few = range(provider.ConsumeIntInRange(0, 3))
    if kind == 5:
        return [_junk(provider, depth - 1) for _ in few]
    return {provider.ConsumeUnicode(8): _junk(provider, depth - 1) for _ in few}


if __name__ == "__main__":
    main()
