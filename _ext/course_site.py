"""What makes the site self-contained: MathJax from the installed package, no script twice.

MathJax comes from the package `sphinx-mathjax-offline`, which carries it whole (24 MB). Only what
the pages use is copied: the TeX-to-CHTML component, its TeX extensions and its fonts.
"""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

MATHJAX_PARTS = ("tex-chtml.js", "input/tex/extensions", "output/chtml/fonts/woff-v2")


def mathjax_home() -> Path:
    """The folder of the installed package that holds MathJax."""
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise RuntimeError(
            "sphinx-mathjax-offline is not installed: pip install -r requirements.txt"
        )
    return Path(spec.origin).parent / "static" / "mathjax"


def copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    """Copy MathJax into the built site."""
    if exception is not None or app.builder.format != "html":
        return
    source, target = mathjax_home(), Path(app.outdir) / "_static" / "mathjax"
    for part in MATHJAX_PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, dirs_exist_ok=True)
        else:
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / part, target / part)


def each_script_once(*event: Any) -> None:
    """Drop repeated scripts (jupyter-book adds some twice), and thebe, which needs a server."""
    _app, _page, _template, context, _doctree = event
    seen: set[str] = set()
    kept = []
    for script in context.get("script_files", []):
        attributes = getattr(script, "attributes", {})
        key = f"{getattr(script, 'filename', script) or ''} {attributes.get('body', '')}"
        if "thebe" in key.lower() or key in seen:
            continue
        seen.add(key)
        kept.append(script)
    context["script_files"] = kept


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.config.html_static_path.append(str(Path(__file__).parent / "assets"))
    app.add_css_file("course.css")
    app.config.html_context.setdefault("default_mode", "auto")
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    app.connect("build-finished", copy_mathjax)
    app.connect("html-page-context", each_script_once, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
