"""What a cell prints is shown as it was printed.

A kernel sends the output of a cell in pieces, cut wherever its clock says so. MyST-NB joins them,
but first takes the white space from the end of every piece and puts a line break there, so that a
table gains an empty line, now here and now there. Here the pieces are joined as they are.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from myst_nb.core import render
from sphinx.application import Sphinx


def joined(outputs: list[Any]) -> list[Any]:
    """Join the pieces of each stream where its first piece stands."""
    kept: list[Any] = []
    streams: dict[str, Any] = {}
    for output in outputs:
        if output["output_type"] != "stream":
            kept.append(output)
        elif output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
        else:
            streams[output["name"]] = copy(output)
            kept.append(streams[output["name"]])
    for stream in streams.values():
        stream["text"] = stream["text"].rstrip() + "\n"
    return kept


def setup(_app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    render.coalesce_streams = joined
    return {"parallel_read_safe": True, "parallel_write_safe": True}
