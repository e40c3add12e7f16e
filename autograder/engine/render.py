"""Show a judgement to a student: the same words as HTML and as plain text.

The HTML brings its own colours, a light sheet wherever the page says nothing, and dark ones where
the page says that it is dark (JupyterLab, Notebook 7, VS Code, Colab); no scripts; and it says with
words whatever it says with colour. Everything a student's code can influence is escaped.

What went wrong comes first, the numbers it is about after it.
"""

from __future__ import annotations

import html
import os
from typing import Any

from autograder.bank.equations import HOME, SECTION
from autograder.engine.explain import Failure, Named
from autograder.engine.judge import RULE, PartResult, StepResult

SIGN = {
    "passed": ("✓", "passed", "#1b6e3c"),
    "partial": ("◐", "partly right", "#8a5300"),
    "failed": ("✗", "not right yet", "#a4262c"),
    "not-started": ("○", "not started", "#4a5568"),
}
KINDS = {"worked": "the lesson's numbers", "edge": "an edge case", "random": "random numbers"}


def lesson_url(lesson: str, equation: str = "") -> str:
    """Return the address of an equation, or of a lesson; "" when the book has none.

    The environment variable BACKPROP_BOOK says where the book is published.
    """
    base = os.environ.get("BACKPROP_BOOK", "").rstrip("/")
    if not base:
        return ""
    lesson = HOME.get(equation, lesson)
    return f"{base}/lessons/{lesson}.html" + (f"#equation-{equation}" if equation else "")


def lesson_words(lesson: str, equation: str = "") -> str:
    """Name a lesson, and the section with one of its equations, for readers without a link."""
    lesson = HOME.get(equation, lesson)
    words = f"lesson {int(lesson[:2])} ({lesson[3:].replace('-', ' ')})"
    return words + (f", “{SECTION[equation]}”" if equation in SECTION else "")


class Report:
    """A judgement that Jupyter shows as HTML and a terminal as text."""

    def __init__(self, result: StepResult, notes: list[str] | None = None) -> None:
        self.result = result
        self.notes = notes or []

    def __repr__(self) -> str:
        return as_text(self.result, self.notes)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {
            "text/plain": as_text(self.result, self.notes),
            "text/html": as_html(self.result, self.notes),
        }


def points_text(result: StepResult) -> str:
    """Write the points, as in "1.5 of 2 points"."""
    return f"{result.points:g} of {result.max_points:g} point{'s'[: result.max_points != 1]}"


def _counts(result: StepResult) -> str:
    first = [case for case in result.cases if not case.name.endswith(", called again")]
    right = sum(case.ok for case in first)
    return f"{right} of {len(first)} cases right"


def _headline(failure: Failure) -> str:
    if failure.status in ("not-started", "missing"):
        return failure.sentences[0] if failure.sentences else failure.function
    return f"{failure.function}: {failure.failed or 1} of {failure.of} cases fail"


def _mistake_title(mistakes: list[Named], certain: bool) -> str:
    if certain:
        return f"This is what you get with: {mistakes[0].name}"
    if len(mistakes) == 1:
        return f"Closest to: {mistakes[0].name}"
    return "Closest to: " + "; or: ".join(mistake.name for mistake in mistakes)


def _unnamed(failure: Failure) -> str:
    """Say how far the known mistakes get when none of them explains everything."""
    if failure.partly is not None:
        name, hint, some, count = failure.partly
        return f"{some} of the {count} failing cases look like: {name}. {hint}"
    if failure.known or failure.diagnosis:
        return ""
    return "No known mistake gives exactly these numbers."


# --------------------------------------------------------------------------------------
# plain text


def as_text(result: StepResult, notes: list[str] | None = None) -> str:
    """Return the judgement as plain text."""
    sign, word, _ = SIGN[result.status]
    lines = [f"{sign} {result.title}: {word}. {_counts(result)}, {points_text(result)}."]
    lines += [f"  Note: {note}" for note in notes or []]
    if len(result.parts) > 1:
        lines += [
            f"  {part.name}: {_part_word(part, result)}, {part.points:g} of {part.of:g}"
            for part in result.parts
        ]
    for number, failure in enumerate(result.failures):
        lines += ["", *(_long_text(failure, result) if number == 0 else _short_text(failure))]
    lines += [f"  Remark: {remark}" for remark in result.remarks]
    if result.failures and result.status != "not-started":
        lines += ["", f"How points are counted: {RULE}"]
    return "\n".join(lines)


def _part_word(part: PartResult, result: StepResult) -> str:
    if part.ordinary:
        return "right" if part.edges else "right but for edge cases"
    wrong = {c.status for c in result.cases if not c.parts.get(part.name, True)}
    if wrong <= {"not-started", "missing"}:
        return "not started"
    return "not right" if "ok" in wrong else "not reached: the call failed"


def _long_text(failure: Failure, result: StepResult) -> list[str]:
    lines = [_headline(failure)]
    if failure.status in ("not-started", "missing"):
        return lines
    lines.append(f"First failing case: {failure.case} ({KINDS[failure.kind]})")
    lines += [f"  {sentence}" for sentence in failure.sentences]
    lines += [f"  {line}" for line in _trace(failure)]
    if failure.diagnosis:
        lines.append(f"  Where it starts: {failure.diagnosis}")
    lines += [f"  {fact}" for fact in failure.facts]
    if failure.pattern:
        lines.append(f"  {failure.pattern}")
    if failure.mistakes:
        lines.append(f"  {_mistake_title(failure.mistakes, failure.certain)}.")
        lines += [f"    {mistake.hint}" for mistake in failure.mistakes]
    elif unnamed := _unnamed(failure):
        lines.append(f"  {unnamed}")
    place = lesson_words(result.lesson, failure.equation)
    url = lesson_url(result.lesson, failure.equation)
    lines.append(f"  Read on in {place}" + (f": {url}" if url else "."))
    lines.append(f"  {failure.call} with")
    lines += [_hanging(f"    {name} = ", text) for name, text in failure.inputs]
    what = f" {failure.label}" if failure.label else ""
    if failure.got:
        lines.append(_hanging(f"  your{what or 's'}: ", failure.got))
    if failure.expected:
        lines.append(_hanging(f"  expected{what}: ", failure.expected))
    if failure.printed.strip():
        lines.append(_hanging("  printed: ", failure.printed.rstrip()))
    return lines


def _short_text(failure: Failure) -> list[str]:
    lines = [_headline(failure)]
    if failure.status not in ("not-started", "missing"):
        lines += [f"  {failure.case}: {sentence}" for sentence in failure.sentences[:1]]
    if failure.mistakes:
        lines.append(f"  {_mistake_title(failure.mistakes, failure.certain)}.")
    return lines


def _trace(failure: Failure) -> list[str]:
    """What Python said and where, as far as the sentences have not told it already."""
    error = failure.error
    if error is None:
        return []
    told = any(str(error["message"]) in sentence for sentence in failure.sentences)
    lines = [] if told else [f"{error['type']}: {error['message']}"]
    for function, line, source in error["trace"] if len(error["trace"]) > 1 else []:
        lines.append(f"line {line}, in {function}: {source}" if line else str(source))
    return lines


def _hanging(start: str, text: str) -> str:
    return start + text.replace("\n", "\n" + " " * len(start))


# --------------------------------------------------------------------------------------
# HTML

_BOX = (
    "border:1px solid {c};border-left-width:6px;border-radius:4px;padding:10px 14px;margin:4px 0;"
    "background:#ffffff;color:#1a202c;font-family:system-ui,sans-serif;font-size:14px;"
    "line-height:1.5;max-width:60em;color-scheme:light"
)
_PRE = (
    "margin:2px 0;padding:4px 8px;background:#f1f4f8;color:#1a202c;font-family:monospace;"
    "font-size:13px;line-height:1.4;overflow-x:auto;white-space:pre;border:0"
)
_CELL = (
    "padding:3px 12px 3px 0;text-align:left;vertical-align:top;background:#ffffff;color:#1a202c;"
    "border:0;font-size:14px"
)
_HINT = (
    "margin:8px 0;padding:8px 12px;background:#fff7e0;color:#1a202c;border:1px solid #b7791f;"
    "border-radius:4px"
)
_LINK = "color:#0b5394;text-decoration:underline"

DARK = {
    "bp-ground": "background:#181c22;color:#e6e9ee",
    "bp-code": "background:#272d37;color:#e6e9ee",
    "bp-hint": "background:#362d16;color:#f3ead6",
    "bp-link": "color:#7cc0ff",
    "bp-passed": "color:#6fd08c",
    "bp-partial": "color:#f0b35a",
    "bp-failed": "color:#ff9a9a",
    "bp-not-started": "color:#a9b4c0",
}
"""By class, what stands in place of the light colours on a dark page."""
_IS_DARK = ':is(body[data-jp-theme-light="false"],body.vscode-dark,html[theme="dark"])'


def _dark(status: str) -> str:
    """The style sheet for dark pages; where it is dropped, the light sheet stays as it is."""
    edge = DARK[f"bp-{status}"].split(":")[1]
    rules = [
        f"{_IS_DARK} .bp-check .{name}{{{style.replace(';', '!important;')}!important}}"
        for name, style in DARK.items()
        if name in ("bp-ground", "bp-code", "bp-hint", "bp-link", f"bp-{status}")
    ]
    box = DARK["bp-ground"].replace(";", "!important;")
    rules.append(
        f"{_IS_DARK} .bp-check.bp-{status}{{{box}!important;border-color:{edge}!important;"
        "color-scheme:dark!important}"
    )
    return f"<style>{''.join(rules)}</style>"


def _e(text: object) -> str:
    return html.escape(str(text), quote=True)


def _code(text: str) -> str:
    """Escape a sentence, and set what stands between backquotes as code."""
    pieces = _e(text).split("`")
    if len(pieces) % 2 == 0:  # an odd backquote: leave it as it is
        return _e(text)
    style = "background:#f1f4f8;color:#1a202c;padding:0 3px;font-family:monospace"
    return "".join(
        f'<code class="bp-code" style="{style}">{piece}</code>' if i % 2 else piece
        for i, piece in enumerate(pieces)
    )


def _p(text: str, style: str = "margin:4px 0") -> str:
    return f'<p style="{style}">{text}</p>'


def as_html(result: StepResult, notes: list[str] | None = None) -> str:
    """Return the judgement as HTML without scripts."""
    sign, word, colour = SIGN[result.status]
    title = _e(f"{result.title}: {word}")
    parts = [
        f'<section class="bp-check bp-{result.status}" '
        f'aria-label="{_e("Check of " + result.title)}" style="{_BOX.format(c=colour)}">',
        _dark(result.status),
        f'<p style="margin:0 0 4px 0"><strong class="bp-{result.status}" '
        f'style="color:{colour};font-size:15px">'
        f'<span aria-hidden="true">{sign}</span> {title}</strong> '
        f"{_e(_counts(result))}, <strong>{_e(points_text(result))}</strong></p>",
    ]
    parts += [_p("Note: " + _code(note)) for note in notes or []]
    if len(result.parts) > 1:
        parts.append(_parts_html(result))
    for number, failure in enumerate(result.failures):
        parts.append(_long_html(failure, result) if number == 0 else _short_html(failure))
    parts += [_p("Remark: " + _code(remark)) for remark in result.remarks]
    if result.failures:
        parts.append(
            '<details style="margin-top:8px"><summary>How points are counted</summary>'
            f"{_p(_e(RULE))}</details>"
        )
    return "".join([*parts, "</section>"])


def _parts_html(result: StepResult) -> str:
    head = "".join(
        f'<th scope="col" class="bp-ground" style="{_CELL};font-weight:600">{name}</th>'
        for name in ("part", "state", "points")
    )
    rows = "".join(
        f'<tr class="bp-ground" style="background:#ffffff">'
        f'<th scope="row" class="bp-ground" style="{_CELL};font-weight:400">'
        f'{_e(part.name)}</th><td class="bp-ground" style="{_CELL}">'
        f"{_e(_part_word(part, result))}</td>"
        f'<td class="bp-ground" style="{_CELL}">{part.points:g} of {part.of:g}</td></tr>'
        for part in result.parts
    )
    return (
        '<table style="border-collapse:collapse;margin:4px 0"><thead>'
        f'<tr class="bp-ground" style="background:#ffffff">{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _long_html(failure: Failure, result: StepResult) -> str:
    parts = [_p(f"<strong>{_code(_headline(failure))}</strong>", "margin:10px 0 4px 0")]
    if failure.status in ("not-started", "missing"):
        return parts[0]
    parts.append(_p(f"First failing case: {_e(failure.case)} ({_e(KINDS[failure.kind])})"))
    parts += [_p(_code(sentence)) for sentence in failure.sentences]
    if trace := _trace(failure):
        text = _e("\n".join(trace))
        parts.append(f'<pre class="bp-code" style="{_PRE};white-space:pre-wrap">{text}</pre>')
    if failure.diagnosis:
        parts.append(_p("<strong>Where it starts:</strong> " + _code(failure.diagnosis)))
    if failure.facts:
        told = "".join(_p(_code(fact)) for fact in failure.facts)
        parts.append(f'<div class="bp-hint" style="{_HINT}">{told}</div>')
    if failure.pattern:
        parts.append(_p(_code(failure.pattern)))
    if failure.mistakes:
        parts.append(f'<div class="bp-hint" style="{_HINT}">{_mistakes_html(failure)}</div>')
    elif failure.partly is not None:
        parts.append(f'<div class="bp-hint" style="{_HINT}">{_p(_code(_unnamed(failure)))}</div>')
    elif unnamed := _unnamed(failure):
        parts.append(_p(_code(unnamed)))
    place = _e(lesson_words(result.lesson, failure.equation))
    if url := lesson_url(result.lesson, failure.equation):
        link = f'<a class="bp-link" style="{_LINK}" href="{_e(url)}"'
        place = f'{link} target="_blank" rel="noopener">{place}</a>'
    parts.append(_p(f"Read on in {place}."))
    parts.append(_values_html(failure))
    if failure.printed.strip():
        parts.append(
            "<details><summary>What your code printed</summary>"
            f'<pre class="bp-code" style="{_PRE}">{_e(failure.printed.rstrip())}</pre></details>'
        )
    return "".join(parts)


def _mistakes_html(failure: Failure) -> str:
    """The known mistakes, each with its hint; where there are several, one below the other."""
    if len(failure.mistakes) == 1:
        heading = _code(_mistake_title(failure.mistakes, failure.certain))
        return f"<strong>{heading}.</strong>{_p(_code(failure.mistakes[0].hint))}"
    items = "".join(
        f'<li style="margin:4px 0"><strong>{_code(m.name)}.</strong> {_code(m.hint)}</li>'
        for m in failure.mistakes
    )
    return f'<strong>Closest to one of these:</strong><ul style="margin:4px 0">{items}</ul>'


def _values_html(failure: Failure) -> str:
    """The call, what went in, what came back, and what should have."""
    what = f" {failure.label}" if failure.label else ""
    rows = list(failure.inputs)
    if failure.got:
        rows.append((f"your{what or 's'}", failure.got))
    if failure.expected:
        rows.append((f"expected{what}", failure.expected))
    table = "".join(
        '<tr class="bp-ground" style="background:#ffffff">'
        f'<th scope="row" class="bp-ground" style="{_CELL};font-weight:600">{_e(name)}</th>'
        f'<td class="bp-ground" style="{_CELL}">'
        f'<pre class="bp-code" style="{_PRE}">{_e(text)}</pre></td></tr>'
        for name, text in rows
    )
    caption = f"{_CELL};caption-side:top;white-space:nowrap"
    return (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;margin:4px 0">'
        f'<caption class="bp-ground" style="{caption}"><code class="bp-ground" '
        f'style="background:#ffffff;color:#1a202c;white-space:nowrap">{_e(failure.call)}</code></caption>'
        f"<tbody>{table}</tbody></table></div>"
    )


def _short_html(failure: Failure) -> str:
    parts = [_p(f"<strong>{_code(_headline(failure))}</strong>", "margin:10px 0 4px 0")]
    if failure.status not in ("not-started", "missing"):
        parts += [_p(f"{_e(failure.case)}: {_code(s)}") for s in failure.sentences[:1]]
    if failure.mistakes:
        parts.append(_p(_code(_mistake_title(failure.mistakes, failure.certain)) + "."))
    return "".join(parts)
