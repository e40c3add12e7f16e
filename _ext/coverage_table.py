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
def places(folder: Path) -> dict[str, str]:
    """Every label in the pages of a folder with the link to it, in MyST."""
    links = {}
    for page in sorted(folder.glob("*.md")):
        number = page.stem.split("-")[0]
        name = f"Lesson {int(number)}" if number.isdigit() else NAMES.get(page.stem, page.stem)
        for k, (heading, equation) in enumerate(LABEL.findall(page.read_text(encoding="utf-8"))):
            if equation:
                links[equation] = f"{name}, equation {{eq}}`{equation}`"
            else:  # the first label is the page's own, and its title says which page it is
                links[heading] = f"{name}: {{ref}}`{heading}`" if k else f"{{ref}}`{heading}`"
    return links


def table(rows: list[dict[str, Any]], links: dict[str, str]) -> list[str]:
    """The lines of a MyST table."""
    lines = ["| | what | how | where |", "|---|---|---|---|"]
    for row in rows:
        code = ", ".join(f"`{name}`" for name in row.get("code", []))
        how = f"{row['how']}: {code}" if code else row["how"]
        at = "; ".join(links.get(label, f"{{ref}}`{label}`") for label in row["at"])
        lines.append(f"| {row['id']} | {row['what']} | {how} | {at} |")
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
