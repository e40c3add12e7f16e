"""One self-contained script per figure, from small ES modules.

Jupyter loads a widget's module from a blob, where relative imports cannot work, and Chromium
refuses module imports on a page opened from ``file://``. So the sources are joined: each module
becomes a function that is called once and returns what it exports. Two wrappings exist:

- :func:`widget_module`, an ES module for anywidget;
- :func:`page_script`, a classic script for the book, which also carries ``host.js`` and brings
  every figure of that name on the page to life.

The sources keep to what this file understands: ``import { a, b as c } from "./x.js";`` at the
start of a line, ``export`` before ``function``, ``const`` or ``class``, one ``export default``.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mlp_lib.interactive.shorten import shorten

HERE = Path(__file__).parent

_IMPORT = re.compile(r'^import\s+\{(?P<names>[^}]*)\}\s+from\s+"(?P<path>\.[^"]+)";\n', re.M)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class)\b\*?\s*(?P<name>\w+))", re.M)
_SHEET = re.compile(r'^@import "(?P<path>[^"]+)";\n', re.M)
_DEFAULT = re.compile(r"^export default ", re.M)
_COMMENT = re.compile(r"^[ \t]*(?://.*|/\*[\s\S]*?\*/[ \t]*)\n|(?<=[;,{}()]) +// .*$", re.M)
_BETWEEN = re.compile(r"\}\n(?=(?:const|for|function|if|let|return|while)\b)")
_INDENT = re.compile(r"^(?:[ \t]+|\n)", re.M)
# Pieces of a script: text that has to stay as it is, the braces that say where a template ends,
# signs after which no statement can end, signs after which one may, and signs between two terms.
_PIECE = re.compile(
    r"""(?P<kept>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?<=[(,=])/(?:\\.|[^/\\\n])+/)"""
    r"""|(?P<brace> ?(?:\{\s*|\} ?))|(?P<template>`)| ?(?P<sign>[-+/%]) (?![-+])| (?P<set>[-+]=) """
    r"""| *(?:(?P<open>=>|[=<>]=+|[=<>(\[,;:?*&|!])\s*|(?P<shut>[)\]]) *)"""
)
_TEMPLATE = re.compile(r"(?:\\.|[^`\\$]|\$(?!\{))*(?P<end>`|\$\{)")
_ANY_MODULE_WORD = re.compile(r"^(?:import|export)\b.*$", re.M)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _variable(path: Path) -> str:
    """The name under which a module's exports are known inside a bundle."""
    return "_" + re.sub(r"\W", "_", path.relative_to(HERE).with_suffix("").as_posix())


@dataclass
class _Module:
    """A module of a bundle: its text, and by which key its exports are known."""

    text: str
    keys: dict[str, str]


def _wrap(path: Path, done: dict[Path, _Module]) -> None:
    """Add the module at ``path``, and before it what it imports, to ``done``."""
    if path in done:
        return
    source = _read(path)

    def take_import(match: re.Match[str]) -> str:
        target = (path.parent / match["path"]).resolve()
        _wrap(target, done)
        taken = []
        for name in match["names"].strip().strip(",").split(","):
            there, _, here = name.strip().partition(" as ")
            key = done[target].keys.get(there, there)
            taken.append(f"{key}: {here or there}")
        return f"const {{ {', '.join(taken)} }} = {_variable(target)};\n"

    names = [match["name"] for match in _EXPORT.finditer(source)]
    source = _IMPORT.sub(take_import, source)
    source = _EXPORT.sub("", source)
    source, defaults = _DEFAULT.subn("const _default = ", source)
    left = _ANY_MODULE_WORD.search(source)
    if left:
        raise ValueError(f"{path.name}: expected a form bundle.py knows, got {left[0]!r}")
    source = _BETWEEN.sub("}", squeeze(_INDENT.sub("", _COMMENT.sub("", source))))
    source, short = shorten(source)
    keys = {name: short.get(name, name) for name in names}
    shown = [*keys.values(), *([f"default:{short.get('_default', '_default')}"] * defaults)]
    text = f"const {_variable(path)}=(()=>{{{source}return{{{','.join(shown)}}};}})();\n"
    done[path] = _Module(text, keys)


def squeeze(source: str) -> str:
    """A script without the blanks that only a reader needs; strings and templates stay."""
    done, at, depth = [], 0, [0]  # depth: open braces, for each template that is open around us

    def text() -> int:
        """The place after the piece of a template's text that begins here."""
        found = _TEMPLATE.match(source, at)
        if found is None:
            raise ValueError(f"a template without an end: {source[at : at + 40]!r}")
        done.append(found[0])
        if found["end"] == "`":
            depth.pop()
        return found.end()

    while piece := _PIECE.search(source, at):
        done.append(source[at : piece.start()])
        at = piece.end()
        brace = (piece["brace"] or "").strip()
        if piece["template"]:
            done.append("`")
            depth.append(0)
            at = text()
        elif brace == "}" and len(depth) > 1 and depth[-1] == 0:
            at = piece.start() + piece[0].index("}") + 1
            done.append("}")
            at = text()
        else:
            depth[-1] += (brace == "{") - (brace == "}")
            done.append(
                piece["kept"]
                or brace
                or piece["sign"]
                or piece["set"]
                or piece["open"]
                or piece["shut"]
            )
    return "".join(done) + source[at:]


def _modules(*names: str) -> dict[Path, _Module]:
    """These modules and all that they import, each after what it needs."""
    done: dict[Path, _Module] = {}
    for name in names:
        _wrap((HERE / f"{name}.js").resolve(), done)
    return done


def _join(done: dict[Path, _Module]) -> str:
    return "".join(module.text for module in done.values())


@cache
def widget_module(name: str) -> str:
    """The figure ``name`` as one ES module, for anywidget."""
    return f"{_join(_modules(name))}export default {_variable(HERE / name)}.default;\n"


@cache
def page_script(name: str) -> str:
    """The figure ``name`` with the host as one classic script, for a page without a kernel."""
    done, host = _modules("host", name), HERE / "host.js"
    hydrate = f"{_variable(host)}.{done[host.resolve()].keys['hydrate']}"
    start = f"{hydrate}({name!r}, {_variable(HERE / name)}.default);\n"
    return f'(() => {{\n"use strict";\n{_join(done)}{start}}})();\n'


@cache
def style_sheet(name: str) -> str:
    """The shared look and the figure's own style sheet in one.

    The figure's own rules reach its own elements only, so that two figures share a page.
    """
    own = _SHEET.sub(lambda match: _read(HERE / match["path"]), _read(HERE / f"{name}.css"))
    # In a scope, .lm-figure p means one inside the figure; the figure itself is :scope.
    own = re.sub(rf"\.lm-(?:figure|{name})(?![\w-])", ":scope", own)
    scoped = f"@scope (.lm-{name}) {{\n{own}}}\n"
    rules = _INDENT.sub("", _COMMENT.sub("", _read(HERE / "shared.css") + scoped))
    return re.sub(r"(?<=[:,]) | (?={)|(?<=[{;,])\n|;?\n(?=})", "", rules)


@cache
def version(name: str) -> str:
    """A short digest of what a figure's markup and script have to agree on."""
    parts = [page_script(name), style_sheet(name), _read(HERE / f"{name}.py")]
    parts += [_read(part) for part in sorted(HERE.glob(f"{name}_*.py"))]
    parts += [_read(HERE / shared) for shared in ("figure.py", "drawing.py")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def names() -> list[str]:
    """The figures there are: every style sheet that has a module and a Python class beside it."""
    return sorted(
        path.stem
        for path in HERE.glob("*.css")
        if path.with_suffix(".js").exists() and path.with_suffix(".py").exists()
    )
