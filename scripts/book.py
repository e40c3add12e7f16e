"""Build the book, strictly, and say where it is.

Warnings are errors, unresolved references are warnings, and a failing cell stops the build.
Executed cells are cached in `_build/.execution`; the cache is thrown away when anything a lesson
imports has changed, because the pages would otherwise show what the code used to do.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
CACHE = BUILD / ".execution"
# the package has no __main__, and the script beside the interpreter breaks in paths with spaces
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"


def imported_by_lessons() -> str:
    """A digest of all that a lesson's cells depend on besides their own text."""
    digest = hashlib.sha256((ROOT / "requirements.txt").read_bytes())
    for package in ("mlp_lib", "autograder"):
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix in {".py", ".js", ".css"}:
                digest.update(path.read_bytes())
    return digest.hexdigest()


def forget_stale_outputs() -> None:
    """Remove the execution cache unless it was made with the code as it is now."""
    mark = CACHE / "made-with"
    now = imported_by_lessons()
    if mark.exists() and mark.read_text() == now:
        return
    shutil.rmtree(CACHE, ignore_errors=True)
    CACHE.mkdir(parents=True)
    mark.write_text(now)


def remove_old_pages() -> None:
    """Remove pages of an earlier build that are no longer in the book."""
    html = BUILD / "html"
    index = (html / "searchindex.js").read_text(encoding="utf-8")
    names = re.search(r'"?docnames"?:\s*(\[.*?\])', index)
    if names is None:
        return
    current = {f"{name}.html" for name in json.loads(names[1])}
    for page in html.rglob("*.html"):
        name = page.relative_to(html).as_posix()
        if "/" in name and not name.startswith("_") and name not in current:
            page.unlink()


# what a reader of the build's output need not see
NOISE = ("IPKernelApp] WARNING", "Use IPC transport")


def run(command: list[str], environment: dict[str, str]) -> tuple[int, list[str]]:
    """Run the build, show what it prints as it comes, and return the status and the complaints."""
    complaints = []
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, encoding="utf-8", errors="replace",
    ) as build:  # fmt: skip
        assert build.stdout is not None
        for line in build.stdout:
            if any(noise in line for noise in NOISE):
                continue
            print(line, end="", flush=True)
            if "WARNING:" in line or "ERROR:" in line:
                complaints.append(line.strip())
    return build.returncode, complaints


def main() -> int:
    """Build; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--strict", action="store_true", help="start from nothing, as CI does")
    parser.add_argument("--quiet", action="store_true", help="print warnings and errors only")
    options = parser.parse_args()
    if options.strict:
        shutil.rmtree(BUILD, ignore_errors=True)
    forget_stale_outputs()
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", "-W", "-n", "--keep-going"]
    command += ["-q"] if options.quiet else []
    # the kernel of a lesson is this interpreter, whatever kernels the user has registered
    environment = os.environ | {"PYDEVD_DISABLE_FILE_VALIDATION": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    status, complaints = run([*command, "."], environment)
    if status != 0:
        # Sphinx does not repeat the warnings of pages that it has cached
        shutil.rmtree(BUILD / ".doctrees", ignore_errors=True)
        print("The book was not built:", *complaints[:20], sep="\n  ", file=sys.stderr)
        if not complaints:
            print("  the error above says why", file=sys.stderr)
        return status
    remove_old_pages()
    page = BUILD / "html" / "index.html"
    print(f"The book is at {page.as_uri()} (or: make serve)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
