"""Short names for what only a module itself can see.

A bundle travels to every reader, and most of what remains of a module after the blanks are gone are
names: of its constants, functions and arguments. Nothing outside can see them, so each gets one or
two letters, the same everywhere in the module. Properties, keys, texts and names from outside stay;
where a name is both (``{ a }`` for ``{ a: a }``), the key is written out.

This is no parser. It knows the JavaScript of this folder, and leaves a module with a class alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, product

_TOKEN = re.compile(
    r"""(?P<kept>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?<=[(,=])/(?:\\.|[^/\\\n])+/[a-z]*)"""
    r"""|(?P<name>[A-Za-z_$][\w$]*)|(?P<number>\d[\w.]*)|(?P<blank>\s+)|(?P<tick>`)"""
    r"""|(?P<sign>\.\.\.|\?\.(?!\d)|=>|[=!]==?|[<>]=|.)"""
)
_TEXT = re.compile(r"(?:\\.|[^`\\$]|\$(?!\{))*")
_WORDS = """await break case catch class const continue default delete do else export extends
finally for function if import in instanceof let new null of return static super switch this throw
true false try typeof undefined var void while with yield async NaN Infinity arguments"""
# Not needed, since only what is declared gets a short name; here in case that goes wrong.
_GLOBALS = """Array BigInt Boolean Date Error JSON Map Math Number Object Promise RegExp Set String
Symbol URL console document history location navigator performance window"""
_KEYWORDS = {*_WORDS.split(), *_GLOBALS.split()}
_OPENS_BLOCK = {")", "=>", ";", "}", "else", "do", "try", "finally", "catch", ""}
# Those that text is full of anyway first: it packs better.
_LETTERS = "etaoinsrlhdcumpfgybwvkxjqzETAOINSRLHDCUMPFGYBWVKXJQZ"
_CLOSER = {"(": ")", "[": "]", "{": "}", "${": "}"}


@dataclass
class _Token:
    kind: str
    text: str
    role: str = ""  # of a name: name, key, both (a key and a name in one), or property
    other: _Token | None = None  # of a bracket: its other half
    depth: int = 0  # how many brackets are open around it

    @property
    def opens(self) -> bool:
        """Whether it is an opening bracket."""
        return self.kind == "sign" and self.text in _CLOSER

    @property
    def closes(self) -> bool:
        """Whether it is a closing bracket."""
        return self.kind == "sign" and self.text in _CLOSER.values()

    @property
    def names(self) -> bool:
        """Whether it stands for a variable."""
        return self.role in ("name", "both")


def shorten(source: str) -> tuple[str, dict[str, str]]:
    """The body of a module with short names for what it declares, and the short names themselves.

    A name of the module is the same everywhere. One that is declared inside a statement of the
    module has its short form there, and other statements use the same letters for names of theirs.
    """
    tokens = list(_tokens(source))
    if any(token.text == "class" and token.kind == "name" for token in tokens):
        return source, {}
    solid = [token for token in tokens if token.kind != "blank"]
    _assign_roles(solid)
    statements = _statements(solid)
    everywhere = {name for name in _declared(solid, outside=True) if len(name) > 2} - _KEYWORDS
    seen = Counter(token.text for token in solid if token.names)
    inside = [{*_declared(part)} - everywhere - _KEYWORDS for part in statements]
    kept = {name for name in seen if name not in everywhere.union(*inside)} | _KEYWORDS
    kept |= {name for name in seen if len(name) < 3}
    new = _named((name for name, _ in seen.most_common() if name in everywhere), kept)
    for part, declared in zip(statements, inside, strict=True):
        here = Counter(token.text for token in part if token.names)
        taken = _KEYWORDS | {new.get(name, name) for name in here if name not in declared}
        taken |= {name for name in declared if len(name) < 3}
        local = (name for name, _ in here.most_common() if name in declared and len(name) > 2)
        short = new | _named(local, taken)
        for token in part:
            if token.names and token.text in short:
                key = f"{token.text}:" if token.role == "both" else ""
                token.text = key + short[token.text]
    return "".join(token.text for token in tokens), new


def _named(names: Iterable[str], taken: set[str]) -> dict[str, str]:
    """A short form for each name, the shortest for the first."""
    free = chain(_LETTERS, map("".join, product(_LETTERS, _LETTERS)))
    fresh = (name for name in free if name not in taken)
    return {name: next(fresh) for name in names}


def _statements(tokens: list[_Token]) -> list[list[_Token]]:
    """The statements of the module itself: each begins with const, let or function, outside."""
    found: list[list[_Token]] = [[]]
    for token in tokens:
        if token.depth == 0 and token.role == "name" and token.text in ("const", "let", "function"):
            found.append([])
        found[-1].append(token)
    return found


def _tokens(source: str) -> Iterator[_Token]:
    at, depth = 0, [0]  # depth: open braces, for each template that is open around us
    while at < len(source):
        found = _TOKEN.match(source, at)
        assert found is not None
        at = found.end()
        kind, text = found.lastgroup or "", found[0]
        if text == "{":
            depth[-1] += 1
        closes = text == "}" and depth[-1] == 0 and len(depth) > 1
        if kind == "tick" or closes:
            if closes:
                yield _Token("sign", "}")
            else:
                depth.append(0)
                yield _Token("kept", "`")
            words = _TEXT.match(source, at)
            assert words is not None
            at = words.end()
            yield _Token("kept", words[0])
            if source[at] == "`":
                depth.pop()
                yield _Token("kept", "`")
                at += 1
            else:
                yield _Token("sign", "${")
                at += 2
            continue
        if text == "}":
            depth[-1] -= 1
        yield _Token(kind, text)


def _assign_roles(tokens: list[_Token]) -> None:
    """Match the brackets, and say of each name whether it is a key or a property."""
    around: list[tuple[_Token, str]] = []
    for i, token in enumerate(tokens):
        before = tokens[i - 1].text if i else ""
        after = tokens[i + 1].text if i + 1 < len(tokens) else ""
        token.depth = len(around)
        if token.opens:
            block = token.text == "{" and (
                before in _OPENS_BLOCK or (before == "{" and around[-1][1] == "block")
            )
            around.append((token, "block" if block else token.text))
        elif token.closes:
            start, _ = around.pop()
            assert _CLOSER[start.text] == token.text
            token.other, start.other, token.depth = start, token, start.depth
        elif token.kind == "name":
            first = bool(around) and around[-1][1] == "{" and before in ("{", ",")
            if before in (".", "?."):
                token.role = "property"
            elif first and after in (":", "("):
                token.role = "key"
            elif first and after in (",", "}", "="):
                token.role = "both"
            else:
                token.role = "name"


def _declared(tokens: list[_Token], *, outside: bool = False) -> Iterator[str]:
    """Every name declared by const, let, function or as an argument; or those outside functions."""
    for i, token in enumerate(tokens):
        after = tokens[i + 1] if i + 1 < len(tokens) else None
        if outside and token.depth:
            continue
        if token.role == "name" and token.text in ("const", "let"):
            yield from _bound(tokens, i + 1)
        elif token.role == "name" and token.text == "function" and after:
            start = i + 1
            if after.names:
                yield after.text
                start += 1
            if not outside:
                yield from _bound(tokens, start + 1)
        elif outside:
            continue
        elif token.text == "=>" and tokens[i - 1].text == ")":
            yield from _bound(tokens, _index(tokens, tokens[i - 1].other) + 1)
        elif token.text == "=>":
            yield tokens[i - 1].text
        elif after and after.text == "(" and (token.role == "key" or token.text == "catch"):
            yield from _bound(tokens, i + 2)


def _index(tokens: list[_Token], wanted: _Token | None) -> int:
    return next(i for i, token in enumerate(tokens) if token is wanted)


def _bound(tokens: list[_Token], start: int) -> Iterator[str]:
    """The names bound by a declaration or by a list of arguments that begins at start.

    What default values and initial values mention is not bound.
    """
    depth, value = tokens[start].depth, False
    if tokens[start].closes:
        return  # no arguments
    for token in tokens[start:]:
        outer = token.depth < depth
        if outer or (token.depth == depth and token.text in (";", "of", "in")):
            return
        if value is False and token.text == "=":
            value, at = True, token.depth
        elif (
            value
            and token.depth <= at
            and (token.text == "," or (token.closes and token.depth < at))
        ):
            value = False
        if not value and token.names:
            yield token.text
