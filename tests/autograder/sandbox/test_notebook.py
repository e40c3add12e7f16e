"""Cells behave as in a kernel: the same notebook through nbclient and through the sandbox."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.sandbox.host import Sandbox
from autograder.sandbox.limits import Limits
from autograder.sandbox.tiers import Tier

from .conftest import SMALL, open_sandbox

CELLS = {
    "print": "print('a'); print('b')",
    "both streams": "import sys\nprint('out'); print('err', file=sys.stderr); print('out again')",
    "value": "{'a': [1, 2.5], 'b': None}",
    "semicolon": "3 + 4;",
    "underscore": "_",
    "numpy": "import numpy as np\nnp.arange(6).reshape(2, 3) / 7",
    "html": "from IPython.display import HTML, Latex, Markdown, display\nHTML('<b>bold</b>')",
    "several displays": "display(Markdown('*a*'), Latex('$x$')); display({'k': 1}); 5",
    "rich": "class A:\n  def _repr_html_(self): return '<i>a</i>'\n"
    "  def __repr__(self): return 'A'\nA()",
    "json": "from IPython.display import JSON\nJSON({'a': [1, None]})",
    "update": "h = display('first', display_id=True)\nh.update('second')",
    "clear": "from IPython.display import clear_output\n"
    "print('gone'); clear_output(); print('stays')",
    "error": "def f(x):\n    return 1 / x\nf(0)",
    "error after print": "print('before')\nraise ValueError('wrong')",
    "chained": "try:\n    {}['a']\nexcept KeyError as e:\n    raise RuntimeError('b') from e",
    "syntax": "x = = 2",
    "indentation": "if True:\nprint(1)",
    "name": "undefined_name",
    "assert": "assert 1 == 2, 'unequal'",
    "await": "import asyncio\nawait asyncio.sleep(0.01)\n'done'",
    "loop runs": "asyncio.get_running_loop().is_running()",
    "asyncio.run": "asyncio.run(asyncio.sleep(0))",
    "task": "async def g():\n  return 7\nt = asyncio.create_task(g())\nawait t",
    "magic": "%precision 2\n3.14159",
    "cell magic": "%%capture out\nprint('caught')",
    "captured": "out.stdout",
    "line magic": "%who_ls int",
    "warning": "import warnings\nwarnings.warn('careful')",
    "inputs": "len(In) > 3, Out[3]",
    "main": "__name__, f.__module__",
    "inspect": "import inspect\nprint(inspect.getsource(f))",
    "dataclass": "import dataclasses, pickle\n@dataclasses.dataclass\nclass P:\n  x: int = 1\n"
    "pickle.loads(pickle.dumps(P(2)))",
    "figure": "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1, 2])",
    "show": "plt.plot([1, 2]); plt.show(); print('after')",
    "figure again": "fig",
    "closed": "plt.plot([1, 2]); plt.close()",
    "exit": "import sys\nsys.exit(3)",
    "input": "input('name? ')",
    "stdout": "sys.stdout.write('no newline')",
    "flush": "print('x', end='', flush=True); sys.stdout.isatty()",
    "threads": "import threading\nt = threading.Thread(target=print, args=('thread',))\n"
    "t.start(); t.join()",
    "help": "f?",
    "errors in display": "class B:\n  def __repr__(self): raise ValueError('no repr')\nB()",
}

SAME_TRACE = {"error", "error after print", "name", "assert"}


def normal(output: dict[str, Any], name: str) -> dict[str, Any]:
    """Leave out what differs between any two kernels: paths, addresses, pictures."""
    output = {k: v for k, v in dict(output).items() if k != "transient"}
    if output["output_type"] == "error":
        lines = "\n".join(output.pop("traceback"))
        if name in SAME_TRACE:
            output["traceback"] = re.sub(r"\x1b\[[0-9;]*m", "", lines)
    text = repr(output)
    text = re.sub(r"'image/png': '[^']*'", "'image/png': '…'", text)
    text = re.sub(r"0x[0-9a-f]+", "0x…", text)
    text = re.sub(r"/tmp/ipykernel_\d+/\d+\.py:(\d+)", r"FILE:\1", text)
    text = re.sub(r"<ipython-input-[^>]*>:(\d+)", r"FILE:\1", text)
    text = re.sub(r"\((<ipython-input-[^>]*>|\d+\.py), line", "(FILE, line", text)
    text = re.sub(r"/\S+/site-packages/", "SITE/", text)
    return eval(text, {"__builtins__": {}}, {"inf": float("inf")})  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def by_kernel() -> list[list[dict[str, Any]]]:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    )
    NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=60).execute()
    return [cell.outputs for cell in notebook.cells]


def merged(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join the parts of a stream: a kernel cuts and orders the two streams as it likes."""
    streams: dict[str, dict[str, Any]] = {}
    found: list[dict[str, Any]] = []
    for output in outputs:
        if output["output_type"] == "stream" and output["name"] in streams:
            streams[output["name"]]["text"] += output["text"]
            continue
        found.append(dict(output))
        if output["output_type"] == "stream":
            streams[output["name"]] = found[-1]
    return found


def test_as_in_a_kernel(by_kernel: list[list[dict[str, Any]]]) -> None:
    differences = {}
    sandbox = open_sandbox(Tier.A, Limits())
    with sandbox.submission() as session:
        for (name, source), expected in zip(CELLS.items(), by_kernel, strict=True):
            got = session.run_cell(source, figures=True).outputs
            ours = [normal(output, name) for output in merged(got)]
            theirs = [normal(output, name) for output in merged(expected)]
            if ours != theirs:
                differences[name] = (ours, theirs)
    sandbox.__exit__()
    assert differences == {}


def test_figures_only_where_somebody_looks(sandbox: Sandbox) -> None:
    with sandbox.submission() as session:
        cell = session.run_cell("import matplotlib.pyplot as plt\nplt.plot([1, 2]);")
        assert cell.outputs == [
            {
                "output_type": "display_data",
                "data": {"text/plain": "<Figure size 640x480 with 1 Axes>"},
                "metadata": {},
            }
        ]


def test_outputs_are_cut_and_it_is_said(sandbox: Sandbox) -> None:
    with sandbox.submission() as session:
        cell = session.run_cell("for k in range(10**5): print(k)")
        assert cell.status == "ok"
        assert cell.truncated
        assert cell.outputs[0]["text"].startswith("0\n1\n2\n")
        assert len(cell.outputs[0]["text"]) == sandbox.limits.output
        assert "cut off" in cell.outputs[-1]["text"]
        assert not session.run_cell("print(1)").truncated


@pytest.fixture(scope="module")
def patient() -> Iterator[Sandbox]:
    """With time to heed an interrupt, however busy the machine."""
    opened = open_sandbox(Tier.A, dataclasses.replace(SMALL, grace=20.0))
    yield opened
    opened.__exit__()


def test_an_interrupted_cell_leaves_the_rest_alive(patient: Sandbox) -> None:
    with patient.submission() as session:
        session.run_cell("def f(x): return x + 1")
        for source in (
            "print('on the way')\nwhile True: pass",
            "import time; time.sleep(60)",
            "import asyncio; await asyncio.sleep(60)",
        ):
            cell = session.run_cell(source, limit=0.3)
            assert cell.status == "timeout"
            assert cell.outputs[-1]["ename"] in ("KeyboardInterrupt", "CancelledError")
            assert session.call({"function": "f", "args": [1]})["value"] == 2
        assert session.run_cell("import asyncio; await asyncio.sleep(0); 'ok'").status == "ok"


def test_an_endless_call_is_one_timeout(patient: Sandbox) -> None:
    with patient.submission() as session:
        session.run_cell("def f():\n  while True: pass\ndef g(): return 1")
        outcome = session.call({"function": "f", "args": []}, limit=0.3)
        assert outcome["status"] == "timeout"
        assert "0.3 s" in outcome["error"]["message"]
        assert session.call({"function": "g", "args": []})["value"] == 1


def test_calls_leave_the_notebooks_chance_alone(sandbox: Sandbox) -> None:
    """Every call has a seed of its own; the cells after it draw on as if there had been none."""
    start = "import random, numpy as np\nrandom.seed(1); np.random.seed(1); np.random.normal()"
    draw = "[np.random.normal(), np.random.rand(), random.random()]"
    drawn = []
    for calls in (0, 3):
        with sandbox.submission() as session:
            session.run_cell(start + "\ndef f(): return float(np.random.rand() + random.random())")
            request = {"function": "f", "args": [], "seed": 5}
            values = [session.call(request)["value"] for _ in range(calls)]
            assert len(set(values)) <= 1
            drawn.append(session.run_cell(draw).outputs[0]["data"]["text/plain"])
    assert drawn[0] == drawn[1]


def test_a_traceback_is_coloured_and_cheap(sandbox: Sandbox) -> None:
    """The shortcuts for tracebacks leave what is shown as it was (see `test_as_in_a_kernel`)."""
    with sandbox.submission() as session:
        session.run_cell("def f(x):\n    return 1 / x")
        for _ in range(2):
            cell = session.run_cell("f(0)")
            trace = "\n".join(cell.outputs[-1]["traceback"])
            assert cell.outputs[-1]["ename"] == "ZeroDivisionError"
            assert "\x1b[" in trace
            assert "return" in trace


def test_linear_algebra_in_threads(sandbox: Sandbox) -> None:
    source = (
        "import numpy as np\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "def f():\n  with ThreadPoolExecutor(4) as pool:\n"
        "    return sum(pool.map(lambda k: float(np.linalg.svd(np.eye(k))[1].sum()), range(1, 40)))"
    )
    with sandbox.submission() as session:
        session.run_cell(source)
        assert session.call({"function": "f", "args": []})["value"] == pytest.approx(780)


def test_packages_of_a_course_can_be_used(sandbox: Sandbox) -> None:
    source = (
        "import scipy.linalg, sklearn.datasets, ipywidgets, tempfile, sqlite3, json, csv\n"
        "import numpy as np\nfrom tqdm.auto import tqdm\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "X, y = sklearn.datasets.make_moons(50, random_state=1)\n"
        "LogisticRegression().fit(X, y)\nsum(1 for _ in tqdm(range(3)))\n"
        "np.save('x.npy', X); np.load('x.npy')\n"
        "with tempfile.TemporaryDirectory() as d: open(d + '/a', 'w').write('b')\n"
        "ipywidgets.IntSlider(3)"
    )
    with sandbox.submission() as session:
        cell = session.run_cell(source)
        assert cell.status == "ok", cell.outputs
        assert "application/vnd.jupyter.widget-view+json" in cell.outputs[-1]["data"]
