"""A run of the Playground as the end of an address: ``#playground&data=xor&hidden=3&steps=500``.

Only what differs from the defaults is written. A list is written with commas, a list of lists with
semicolons. The page writes and reads the same text (`playground_link.js`).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

START = "#playground"


def _number(x: float) -> str:
    """As JavaScript writes it: 1, 0.00001, 1e-7."""
    if x == int(x) and abs(x) < 1e15:
        return str(int(x))
    if 1e-6 <= abs(x) < 1e-4:
        return f"{Decimal(repr(x)):f}"
    return repr(x).replace("e-0", "e-")


def _written(value: Any) -> str:
    if isinstance(value, list):
        return (";" if value and isinstance(value[0], list) else ",").join(map(_written, value))
    if isinstance(value, str):
        return value
    return _number(float(value))


def write(state: Mapping[str, Any], usual: Mapping[str, Any]) -> str:
    """The text that stands for a state."""
    names = [name for name in sorted(usual) if state[name] != usual[name]]
    return "&".join([START, *(f"{name}={_written(state[name])}" for name in names)])


def _read(text: str, usual: Any) -> Any:
    if isinstance(usual, str):
        return text
    if isinstance(usual, bool):
        return text == "1"
    if not isinstance(usual, list):
        return type(usual)(float(text))
    return [_entry(part, usual) for part in text.split(";" if ";" in text else ",") if part]


def _entry(text: str, usual: list[Any]) -> Any:
    return type(usual[0])(float(text)) if usual else float(text)


def _event(text: str) -> list[Any]:
    """One entry of `until` or `edits`: [update, setting or place, value]."""
    t, place, value = text.split(",")
    known = place.isdigit()
    whole = place == "batch"
    return [
        int(t),
        int(place) if known else place,
        value if place in ("optimiser", "penalty") else int(value) if whole else float(value),
    ]


def read(link: str, usual: Mapping[str, Any]) -> dict[str, Any]:
    """The state that an address stands for; anything before the # is left out."""
    found = link.find(START)
    if found < 0:
        raise ValueError(f"link: expected an address with {START}, got {link!r}")
    state = dict(usual)
    for pair in unquote(link[found + len(START) :]).split("&")[1:]:
        name, _, text = pair.partition("=")
        if name not in usual:
            raise ValueError(f"link: expected a trait of the figure, got {name!r}")
        if name in ("until", "edits"):
            state[name] = [_event(part) for part in text.split(";") if part]
        else:
            state[name] = _read(text, usual[name])
    return state
