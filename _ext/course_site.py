"""What makes the site self-contained and still: MathJax from the package, nothing moves on loading.

MathJax comes from the package `sphinx-mathjax-offline`, which carries it whole (24 MB). Only what
the pages use is copied: the TeX-to-CHTML component, its TeX extensions and its fonts.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

ASSETS = Path(__file__).parent / "assets"
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
    """Drop repeated scripts (jupyter-book adds some twice), and thebe, which needs a server.

    The rest waits until the page is parsed: nothing that a reader sees first depends on it. (The
    search page has a script of the theme that does not wait.)
    """
    _app, page, _template, context, _doctree = event
    seen: set[str] = set()
    kept = []
    for script in context.get("script_files", []):
        attributes = getattr(script, "attributes", {})
        name = str(getattr(script, "filename", script) or "")
        key = f"{name} {attributes.get('body', '')}"
        if "thebe" in key.lower() or key in seen:
            continue
        seen.add(key)
        waits = name and page != "search" and not name.endswith("documentation_options.js")
        if waits and not {"async", "defer"} & attributes.keys():
            # a new object, because all pages share the old one
            priority, kind = getattr(script, "priority", 500), type(script)
            script = kind(script.filename, priority=priority, **attributes, defer="defer")
        kept.append(script)
    context["script_files"] = kept


def made_of() -> str:
    """A digest of what every page is made of besides its text."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.suffix in {".py", ".js", ".html"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def sidebar_in_place(*event: Any) -> None:
    """Let the sidebar take its place before the first picture; see the template."""
    context = event[3]
    if context.get("sidebars"):
        context["sidebars"] = [*context["sidebars"], "sidebar-place.html"]


CELL = re.compile(r"<td.*?</td>", re.DOTALL)
NAME = re.compile(r'(?<=<span class="pre">)[^<]*_[^<]*(?=</span>)')
WORD = re.compile(r"[^\W_]{4}_(?=\w)")


def names_break(*event: Any) -> None:
    """Let names in code break behind `long_` in tables; the style sheet says on which screens."""
    context = event[3]
    if "body" in context:
        context["body"] = CELL.sub(
            lambda cell: NAME.sub(lambda name: WORD.sub(r"\g<0><wbr>", name[0]), cell[0]),
            context["body"],
        )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_config_value("course_site_made_of", made_of(), "html")  # an edit writes all pages anew
    app.config.html_static_path.append(str(ASSETS))
    app.add_css_file("course.css")
    app.add_js_file(None, body=(ASSETS / "early.js").read_text(encoding="utf-8"), priority=1)
    app.config.html_context.setdefault("default_mode", "auto")
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    app.connect("build-finished", copy_mathjax)
    app.config.templates_path.append(str(Path(__file__).parent / "templates"))
    app.connect("html-page-context", each_script_once, priority=900)
    app.connect("html-page-context", sidebar_in_place, priority=900)
    app.connect("html-page-context", names_break, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
