"""Measure the figures of the built book in Chromium: bytes, time to interactive, latency, frames.

    make book && python benchmarks/figures.py       the book in _build/html
    python benchmarks/figures.py --book FOLDER      another built book
    python benchmarks/figures.py forward backprop   these figures only

For each figure, on a page that shows it:

- script, style, markup: bytes after gzip -9; markup is the static figure on the page;
- interactive: ms from the start of navigation until the figure answers, median of 5 fresh visits;
  slow is 1.6 Mbit/s, 150 ms latency and a CPU slowed 4 times;
- work: ms of script from an input event to the redrawn picture; frame: ms from the event until the
  frame that shows it begins; medians (and the 95th percentile) of 200 inputs;
- frames/s while the first slider is moved in every frame for two seconds;
- shift: cumulative layout shift of the page while it loads.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gzip
import http.server
import re
import shutil
import statistics
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FIGURE = re.compile(r'<div class="lm-figure.*?</script></div>', re.S)
ARGUMENTS = ["--no-sandbox", "--headless=new", "--disable-gpu", "--no-first-run"]
SLOW = {"offline": False, "latency": 150, "downloadThroughput": 2e5, "uploadThroughput": 1e5}

WATCH = """
    window.pageShifted = 0;
    new PerformanceObserver((list) => {
      for (const e of list.getEntries()) if (!e.hadRecentInput) window.pageShifted += e.value;
    }).observe({ type: "layout-shift", buffered: true });
    new MutationObserver(() => {
      if (!window.figureReady && document.querySelector('[data-lm-figure="NAME"][data-lm-ready]')) {
        window.figureReady = performance.now();
      }
    }).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-lm-ready"] });
"""

INPUTS = """async ([name, count]) => {
    const slider = document.querySelector(`.lm-${name} input[type=range]:enabled`);
    const steps = (Number(slider.max) - Number(slider.min)) / Number(slider.step);
    const work = [], frame = [];
    for (let k = 0; k < count; k += 1) {
      await new Promise((done) => setTimeout(done, 5 + 20 * ((k * 0.618) % 1)));
      await new Promise((done) => {
        let began = 0;
        slider.value = Number(slider.min) + Number(slider.step) * ((k * 37) % steps);
        const pressed = performance.now();
        requestAnimationFrame(() => { began = performance.now(); });
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        const handled = performance.now() - pressed;
        requestAnimationFrame(() => {
          const now = performance.now();
          work.push(handled + now - began);
          frame.push(now - pressed);
          done();
        });
      });
    }
    return { work, frame };
}"""

FRAMES = """async ([name, ms]) => {
    const slider = document.querySelector(`.lm-${name} input[type=range]:enabled`);
    const steps = (Number(slider.max) - Number(slider.min)) / Number(slider.step);
    const start = performance.now();
    let frames = 0;
    while (performance.now() - start < ms) {
      await new Promise(requestAnimationFrame);
      frames += 1;
      slider.value = Number(slider.min) + Number(slider.step) * ((frames * 3) % steps);
      slider.dispatchEvent(new Event("input", { bubbles: true }));
    }
    return (1000 * frames) / (performance.now() - start);
}"""


class _Compressing(http.server.SimpleHTTPRequestHandler):
    """Serves text compressed, as the hosts of static sites do."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if path.suffix in {".html", ".js", ".css", ".svg"}:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(book: Path) -> Iterator[str]:
    handler = functools.partial(_Compressing, directory=str(book))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def packed(text: str) -> int:
    return len(gzip.compress(text.encode(), 9))


def pages_with_figures(book: Path) -> dict[str, Path]:
    """The first page of each figure."""
    found: dict[str, Path] = {}
    for page in sorted(book.rglob("*.html")):
        for name in re.findall(r'data-lm-figure="(\w+)"', page.read_text(encoding="utf-8")):
            found.setdefault(name, page)
    return found


@contextlib.contextmanager
def visit(browser: Browser, address: str, name: str, *, slow: bool = False) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(WATCH.replace("NAME", name))
    page = context.new_page()
    if slow:
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", SLOW)
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(address, wait_until="commit")
    page.wait_for_function("window.figureReady")
    yield page
    context.close()


def time_to_interactive(
    browser: Browser, address: str, name: str, *, slow: bool, visits: int = 5
) -> float:
    times: list[float] = []
    for _ in range(visits):
        with visit(browser, address, name, slow=slow) as page:
            times.append(page.evaluate("window.figureReady"))
    return statistics.median(times)


def measure(browser: Browser, book: Path, base: str, name: str, path: Path) -> list[str]:
    address = f"{base}/{path.relative_to(book).as_posix()}"
    html = path.read_text(encoding="utf-8")
    markup = next(m[0] for m in FIGURE.finditer(html) if f'data-lm-figure="{name}"' in m[0])
    assets = book / "_static" / "figures"
    weights = [packed((assets / f"{name}.{kind}").read_text("utf-8")) for kind in ("js", "css")]
    weights.append(packed(markup))
    fast = time_to_interactive(browser, address, name, slow=False)
    slow = time_to_interactive(browser, address, name, slow=True)
    with visit(browser, address, name) as page:
        page.wait_for_load_state("networkidle")
        inputs = page.evaluate(INPUTS, [name, 200])
        rate = page.evaluate(FRAMES, [name, 2000])
        shift = page.evaluate("window.pageShifted")

    def spread(values: list[float]) -> str:
        return f"{statistics.median(values):.1f} ({statistics.quantiles(values, n=20)[-1]:.1f})"

    numbers = [f"{w / 1000:.1f}" for w in (*weights, sum(weights))]
    numbers += [f"{fast:.0f}", f"{slow:.0f}", spread(inputs["work"]), spread(inputs["frame"])]
    return [name, *numbers, f"{rate:.0f}", f"{shift:.4f}"]


HEAD = ["figure", "script kB", "style kB", "markup kB", "sum kB", "interactive ms", "slow ms"]
HEAD += ["work ms (p95)", "frame ms (p95)", "frames/s", "shift"]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--book", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("names", nargs="*", help="the figures to measure, all unless given")
    asked = parser.parse_args()
    book = asked.book.resolve()
    pages = pages_with_figures(book)
    pages = {name: pages[name] for name in asked.names or pages}
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if not pages or program is None:
        print("expected a built book with figures (make book) and chromium", file=sys.stderr)
        return 1
    with sync_playwright() as playwright, served(book) as base:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
        for name, path in pages.items():
            print("| " + " | ".join(measure(browser, book, base, name, path)) + " |", flush=True)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
