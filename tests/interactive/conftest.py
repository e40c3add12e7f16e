"""A small book with every figure, a browser, and Node."""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlp_lib import interactive
from mlp_lib.interactive import bundle

ROOT = Path(__file__).resolve().parents[2]
FIGURES = {getattr(interactive, name).name: name for name in interactive.__all__}


def _need(what: str) -> None:
    """Skip on a machine without `what`; in CI, where it has to be, fail."""
    if os.environ.get("COURSE_CI"):
        pytest.fail(f"CI must have {what}")
    pytest.skip(f"this machine has no {what}")


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str, Any], Any]:
    """node(figure, body, data): run JavaScript on a figure's bundle, as it is sent to Jupyter.

    `body` sees `figure` (the default export) and `data`, and returns what is wanted. Numbers travel
    as 17-digit text with NaN and ±Infinity spelt out, which JSON alone cannot do.
    """
    program = shutil.which("node")
    if program is None:
        _need("node")
    folder = tmp_path_factory.mktemp("node")

    def run(name: str, body: str, data: Any) -> Any:
        module = folder / f"{name}.mjs"
        module.write_text(bundle.widget_module(name), encoding="utf-8")
        script = f"""
            import figure from "./{name}.mjs";
            import {{ readFileSync }} from "node:fs";
            const revive = (_, v) => (v === "NaN" ? NaN : v === "Infinity" ? Infinity
              : v === "-Infinity" ? -Infinity : v);
            const keep = (_, v) =>
              typeof v === "number" && !Number.isFinite(v) ? String(v) : Object.is(v, -0) ? 0 : v;
            const data = JSON.parse(readFileSync(0, "utf8"), revive);
            const result = (() => {{ {body} }})();
            process.stdout.write(JSON.stringify(result, keep));
        """
        (folder / "run.mjs").write_text(script, encoding="utf-8")
        done = subprocess.run(
            [str(program), str(folder / "run.mjs")],
            input=json.dumps(_spelt(data)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return _read(json.loads(done.stdout))

    return run


def _spelt(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _spelt(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_spelt(value) for value in tree]
    if isinstance(tree, float) and tree != tree:
        return "NaN"
    if tree in (float("inf"), float("-inf")):
        return "Infinity" if tree > 0 else "-Infinity"
    return tree


def _read(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _read(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_read(value) for value in tree]
    return float(tree) if tree in ("NaN", "Infinity", "-Infinity") else tree


PAGE = """---
jupytext:
  text_representation: {{extension: .md, format_name: myst}}
kernelspec: {{name: python3, display_name: Python 3, language: python}}
---

# {title}

Before the figure.

```{{code-cell}} ipython3
from mlp_lib.interactive import {title}
{title}()
```

After the figure.
"""

SEVERAL = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {name: python3, display_name: Python 3, language: python}
---

# Several figures

```{code-cell} ipython3
from mlp_lib.interactive import Activations, Softmax
Softmax(scores=[0, 0, 0])
```

```{code-cell} ipython3
Softmax(scores=[2, 2, 2], temperature=0.5)
```

```{code-cell} ipython3
Activations("relu", own=(lambda z: abs(z), lambda z: 2 * (z > 0) - 1.0))
```
"""


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The HTML of a small book with one page per figure, built with the book's own settings."""
    source = tmp_path_factory.mktemp("book")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    shutil.copytree(ROOT / "_ext", source / "_ext")
    config["sphinx"].setdefault("local_extensions", {})["figures"] = "_ext"
    config["sphinx"]["config"].pop("bibtex_bibfiles", None)
    config["execute"] = config.get("execute", {}) | {"execute_notebooks": "force"}
    for key in ("logo", "bibtex_bibfiles"):
        config.pop(key, None)
    (source / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    for name, title in FIGURES.items():
        (source / f"{name}.md").write_text(PAGE.format(title=title), encoding="utf-8")
    (source / "index.md").write_text("# A book\n\nNo figure here.\n", encoding="utf-8")
    (source / "several.md").write_text(SEVERAL, encoding="utf-8")
    chapters = [{"file": name} for name in [*FIGURES, "several"]]
    contents = {"format": "jb-book", "root": "index", "chapters": chapters}
    (source / "_toc.yml").write_text(yaml.safe_dump(contents), encoding="utf-8")
    build = "from jupyter_book.cli.main import main; main()"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    done = subprocess.run(
        [sys.executable, "-c", build, "build", "-n", "-q", "."],
        cwd=source,
        env=os.environ | {"PATH": path, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    html = source / "_build" / "html"
    assert done.returncode == 0, done.stdout + done.stderr
    assert (html / "index.html").exists(), done.stdout + done.stderr
    return html


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def site(book: Path) -> Iterator[str]:
    """The address of the book on a local server."""
    handler = functools.partial(_Quiet, directory=str(book))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


# What themes and jupyter-book say on their own.
HARMLESS = ("[PST]", "[togglebutton]")


@pytest.fixture
def open_page(browser: Any, site: str) -> Iterator[Callable[..., Any]]:
    """open_page(name, **context): a page; no error and no stray request may come of it."""
    contexts, problems = [], []

    def open_it(name: str, base: str = site, ready: bool = True, **context: Any) -> Any:
        contexts.append(
            browser.new_context(**{"viewport": {"width": 1200, "height": 900}} | context)
        )
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: problems.append(f"page error: {error}"))

        def heard(message: Any) -> None:
            text, url = message.text, message.location["url"]
            # a browser asks for a favicon whatever the page says
            harmless = text.startswith(HARMLESS) or url.endswith("/favicon.ico")
            if message.type in ("error", "warning") and not harmless:
                problems.append(f"console {message.type}: {text} {url}")

        page.on("console", heard)

        def request(made: Any) -> None:
            if not made.url.startswith((base, "data:", "blob:")):
                problems.append(f"request that leaves the site: {made.url}")

        page.on("request", request)
        page.goto(f"{base}/{name}.html")
        if ready:
            page.wait_for_selector("[data-lm-ready]")
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert problems == []
