"""Puts the figures of `mlp_lib.interactive` on the pages that show them.

A page with a figure gets the figure's style sheet and its script, loaded async; a page without one
gets nothing. The files are built from the ES modules into `_static/figures/` of the site. The
widget state that a notebook leaves behind is dropped: nothing on a page without a kernel reads it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

from mlp_lib.interactive import bundle

FIGURE = re.compile(r'data-lm-figure="(\w+)" data-lm-version="(\w+)"')
STATE = "application/vnd.jupyter.widget-state+json"
logger = logging.getLogger(__name__)


def write_assets(app: Sphinx) -> None:
    """Write one script and one style sheet per figure into the site."""
    if app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static" / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    for name in bundle.names():
        (folder / f"{name}.js").write_text(bundle.page_script(name), encoding="utf-8")
        (folder / f"{name}.css").write_text(bundle.style_sheet(name), encoding="utf-8")


def add_to_page(
    app: Sphinx, pagename: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    """Link what the figures of this page need, and drop the widget state."""
    scripts = context.get("script_files", [])
    # in place: Sphinx adds the page's own scripts to this very list
    scripts[:] = [s for s in scripts if getattr(s, "attributes", {}).get("type") != STATE]
    for name, version in sorted(set(FIGURE.findall(context.get("body") or ""))):
        if version != bundle.version(name):
            logger.warning(
                "the figure %s was executed with another version of mlp_lib.interactive: "
                "remove the execution cache",
                name,
                location=pagename,
            )
        app.add_css_file(f"figures/{name}.css")
        app.add_js_file(f"figures/{name}.js", loading_method="async", fetchpriority="high")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("builder-inited", write_assets)
    # after myst-nb has added its state, before course_site weeds out what is there twice
    app.connect("html-page-context", add_to_page, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
