"""Fit code into a page of the book: the text is broken anew, and what it does stays the same."""

from __future__ import annotations

import re
import textwrap
from itertools import accumulate, pairwise

PAGE = 84  # letters of code in a line of the page

# where the inside of a bracket may break; the first kind that is there counts
LOOP, COMMA = r" (?=(?:for|if) )", r"(?<=,) "
CHOICE, LOGIC, CALLS = r" (?=(?:if|else) )", r" (?=(?:and|or) )", r"(?<=_)(?=\.)"
SUM, PRODUCT = r" (?=[-+] )", r" (?=[*/@] )"
STRING = r'(f?")([^"]*)("[^"]*)'


def narrow(code: str) -> str:
    """Fill docstrings and remarks, lift remarks from the end of a line, break long statements."""
    code = re.sub(r'^( *""".*?)(\n *"""$|"""$)', _docstring, code, flags=re.DOTALL | re.MULTILINE)
    code = re.sub(r"^( *)(\S.*)  (# .*)$", _lifted, code, flags=re.MULTILINE)
    code = re.sub(r"^( *)# .*(?:\n\1# .*)*", _remark, code, flags=re.MULTILINE)
    lines, before, inside = [], "", False
    for line in code.split("\n"):
        inside ^= line.count('"""') % 2 == 1  # a docstring, which stays as it is now
        lines.append(line if inside or "#" in line else _broken(line, before[-1:] in tuple("([{")))
        before = re.sub(r"  # .*", "", line)
    return "\n".join(lines)


def _docstring(found: re.Match[str]) -> str:
    text, close = (found[1], found[2]) if "\n" in found[2] else (found[0], "")
    text = re.sub(r"^( *)\S.*(?:\n *\S.*)*", _paragraph, text, flags=re.MULTILINE)
    return text + close


def _paragraph(found: re.Match[str]) -> str:
    text, indent, lines = found[0], found[1], found[0].split("\n")
    if all(len(line) <= PAGE for line in lines):
        return text
    if len(lines) > 1 and any("   " in line.strip() for line in lines):  # formulas in columns
        return text
    if len(lines) == 1 and "   " in text.strip():  # formulas side by side: one a line
        return re.sub(r"(?<=\S) {3,}", f"\n{indent}", text)
    return _filled(re.sub(r"\n *", " ", text.strip()), indent)


def _filled(text: str, indent: str) -> str:
    together = re.sub(r"`[^`]*`|\([^()]{,16}\)", lambda part: part[0].replace(" ", "\0"), text)
    lines = textwrap.wrap(
        together, PAGE, break_on_hyphens=False, initial_indent=indent, subsequent_indent=indent
    )
    return "\n".join(lines).replace("\0", " ")


def _lifted(found: re.Match[str]) -> str:
    indent, statement, remark = found.groups()
    return f"{indent}{remark}\n{indent}{statement}" if len(found[0]) > PAGE else found[0]


def _remark(found: re.Match[str]) -> str:
    if all(len(line) <= PAGE for line in found[0].split("\n")):
        return found[0]
    return _filled(re.sub(r"\s*# ", " ", found[0]).strip(), f"{found[1]}# ")


def _broken(line: str, in_bracket: bool = False) -> str:
    """Break a line that is too long: inside a bracket between its parts, else behind a bracket."""
    code = line.strip()
    indent = line[: len(line) - len(line.lstrip())]
    if len(line) <= PAGE:
        return line
    parts = _parts(code)
    if in_bracket and len(parts) > 1:
        return "\n".join(_broken(indent + part) for part in parts)
    if string := re.fullmatch(STRING, code):
        return _two_strings(indent, *string.groups())
    opened = re.match(r"[^(\[{\"']*[(\[{]", code)
    end = _depths(code).index(0, opened.end()) - 1 if opened else 0
    if opened and (code.startswith("def ") or code[end + 1 :] in ("", ":", ",")):
        return _in_lines(indent, opened[0], code[opened.end() : end], code[end:])
    start = re.match(r"return |[^(\[{\"']*? = ", code)
    rest = code[start.end() :] if start else ""
    if start and (len(parts) > 1 or re.fullmatch(STRING, rest)):
        return _in_lines(indent, f"{start[0]}(", rest, ")", is_tuple=parts[-1].endswith(","))
    return line


def _in_lines(indent: str, head: str, body: str, tail: str, is_tuple: bool = False) -> str:
    """Put what is in a bracket on lines of its own: one, if it fits there and is no tuple."""
    inner = f"{indent}    "
    lines = [inner + part for part in _parts(body)] if is_tuple else [inner + body]
    return "\n".join([indent + head, *(_broken(part, True) for part in lines), indent + tail])


def _depths(code: str) -> list[int]:
    """Return how many brackets are open before each letter; a string counts as one."""
    bare = re.sub(r'"[^"]*"|\'[^\']*\'', lambda text: f"({'_' * (len(text[0]) - 2)})", code)
    return [*accumulate(((c in "([{") - (c in ")]}") for c in bare), initial=0)]


def _parts(code: str) -> list[str]:
    """Return the parts that a bracket holds, one to a line."""
    depths = _depths(code)
    bare = "".join("_" if depth else letter for letter, depth in zip(code, depths, strict=False))
    loop = [LOOP] if " for " in bare else []
    for kind in (*loop, COMMA, CHOICE, LOGIC, SUM, PRODUCT, CALLS):
        spaces = [found.start() for found in re.finditer(kind, bare)]
        if spaces:
            code += "," if kind == COMMA and not code.endswith(",") else ""
            marks = [0, *spaces, len(code)]
            return [code[start:end].strip() for start, end in pairwise(marks)]
    return [code]


def _two_strings(indent: str, opening: str, text: str, closing: str) -> str:
    room = PAGE - len(indent + opening) - 1
    ends = [
        found.end()
        for found in re.finditer(r" ", text[:room])
        if text[: found.end()].count("{") == text[: found.end()].count("}")
    ]
    if not ends:
        return indent + opening + text + closing
    rest = _broken(f"{indent}{opening}{text[ends[-1] :]}{closing}")
    return f'{indent}{opening}{text[: ends[-1]]}"\n{rest}'
