"""The directive ```` ```{coverage} A ````: a group of lessons/coverage.yml as a table of links.

It writes the table in MyST and lets the parser do the rest, so that a place that does not exist is
an unresolved reference, which fails the build like any other.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

# the labels a page, a heading or an equation can have
LABEL = re.compile(r"^\(([a-z0-9-]+)\)=$|^\$\$ \((eq-[a-z0-9-]+)\)$", re.MULTILINE)
NAMES = {"notation": "Notation", "tools": "Tools", "slips": "Slips"}


@cache
def places(folder: Path) -> dict[str, tuple[str, str]]:
    """For every label in the pages of a folder, the name of its page and the reference in MyST."""
    found = {}
    for page in sorted(folder.glob("*.md")):
        number = page.stem.split("-")[0]
        name = f"Lesson {int(number)}" if number.isdigit() else NAMES.get(page.stem, page.stem)
        for k, (heading, equation) in enumerate(LABEL.findall(page.read_text(encoding="utf-8"))):
            if equation:
                found[equation] = name, f"{{eq}}`{equation}`"
            else:  # the first label is the page's own, and its title says which page it is
                found[heading] = name if k else "", f"{{ref}}`{heading}`"
    return found


def table(rows: list[dict[str, Any]], found: dict[str, tuple[str, str]]) -> list[str]:
    """The lines of a MyST table."""
    lines = ["| | what | where | how |", "|---|---|---|---|"]
    for row in rows:
        by_page: dict[str, list[str]] = {}
        for label in row["at"]:
            # a label that is not found becomes an unresolved reference, which stops the build
            name, reference = found.get(label, ("", f"{{ref}}`{label}`"))
            by_page.setdefault(name, []).append(reference)
        at = "; ".join(
            f"{name}: {', '.join(references)}" if name else ", ".join(references)
            for name, references in by_page.items()
        )
        code = ", ".join(f"`{name}`" for name in row.get("code", []))
        how = f"{row['how']}: {code}" if code else row["how"]
        lines.append(f"| {row['id']} | {row['what']} | {at} | {how} |")
    return lines


class Coverage(SphinxDirective):
    """One group of the table; the argument is `topics` or the letter of a group."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the parsed table."""
        source = Path(self.env.srcdir) / "lessons" / "coverage.yml"
        self.env.note_dependency(str(source))
        data = yaml.safe_load(source.read_text(encoding="utf-8"))
        name = self.arguments[0]
        rows = data["topics"] if name == "topics" else data["groups"][name]["rows"]
        lines = StringList(table(rows, places(source.parent)), source=self.env.docname)
        box = nodes.Element()
        self.state.nested_parse(lines, self.content_offset, box)
        return list(box.children)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("coverage", Coverage)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
