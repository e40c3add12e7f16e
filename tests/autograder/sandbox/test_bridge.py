"""Tier C's way to a warm process, run here over the pipes of a plain process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from autograder.sandbox import tiers
from autograder.sandbox.host import Sandbox
from autograder.sandbox.layout import Layout
from autograder.sandbox.limits import Limits, SandboxError, SessionDied
from autograder.sandbox.tiers import Start, Tier

from .conftest import SMALL, layout_for


@pytest.fixture(scope="module")
def bridged() -> Iterator[Sandbox]:
    layout = layout_for(Tier.B)

    def start(_t: Tier, layout: Layout, stage: Path, _d: int, _l: Limits) -> Start:
        plain = tiers.plain_process(layout, stage, 0, landlock=True)
        script = str(stage / "home" / "inside" / "bridge.py")
        command = [script if part.endswith("zygote.py") else part for part in plain.command]
        assert command != plain.command
        return Start(command, plain.env, plain.config, bridged=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiers, "start", start)
        sandbox = Sandbox(Tier.C, SMALL, layout=layout)
        try:
            sandbox.__enter__()
        except SandboxError as error:
            pytest.skip(str(error))
        yield sandbox
        sandbox.__exit__()


def test_cells_and_calls_go_over_pipes(bridged: Sandbox) -> None:
    with bridged.submission() as session:
        cell = session.run_cell("def f(x): return x.T\nprint('here')")
        assert cell.outputs[0]["text"] == "here\n"
        large = np.arange(1_000_000.0).reshape(1000, 1000)
        outcome = session.call({"function": "f", "args": [large]})
        np.testing.assert_array_equal(outcome["value"], large.T)
    assert session.usage is not None


def test_several_sessions_at_once(bridged: Sandbox) -> None:
    sessions = [bridged.submission(seed=k) for k in range(3)]
    for k, session in enumerate(sessions):
        session.run_cell(f"def f(): return {k}")
    assert [s.call({"function": "f", "args": []})["value"] for s in sessions] == [0, 1, 2]
    for session in sessions:
        session.close()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import os; os._exit(3)", "exit"),
        ("import os\nwhile True: os.write(3, bytes(10**6))", "protocol"),
        (
            "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
            "timeout",
        ),
        ("import ctypes; ctypes.string_at(0)", "crash"),
    ],
)
def test_a_bad_session_ends_alone(bridged: Sandbox, source: str, reason: str) -> None:
    with bridged.submission() as good, bridged.submission() as bad:
        good.run_cell("def f(): return 1")
        with pytest.raises(SessionDied) as death:
            bad.run_cell(source, limit=0.4)
        assert death.value.reason == reason
        assert good.call({"function": "f", "args": []})["value"] == 1


def test_a_flood_that_nobody_reads_is_bounded(bridged: Sandbox) -> None:
    flood = (
        "import os, threading\n"
        "def f():\n  while True: os.write(3, bytes(10**6))\n"
        "threading.Timer(0.05, f).start()"
    )
    with bridged.submission() as good, bridged.submission() as bad:
        good.run_cell("def f(): return 1")
        bad.run_cell(flood)
        time.sleep(0.5)
        assert good.call({"function": "f", "args": []})["value"] == 1
        with pytest.raises(SessionDied):
            bad.run_cell("1")


def test_the_command_of_a_container(tmp_path: Path) -> None:
    start = tiers.container("/usr/bin/docker", tmp_path, SMALL)
    assert start.bridged
    assert start.command[:2] == ["/usr/bin/docker", "run"]
    text = " ".join(start.command)
    for part in (
        "--network none",
        "--read-only",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--pids-limit 64",
        "--interactive",
        "--pull never",
        f"source={tmp_path}/home,target=/grader,readonly",
        f"size={2 * SMALL.disk}",
    ):
        assert part in text
    assert "--privileged" not in text
    assert "--volume" not in text
    assert start.command[-2:] == ["-B", "/grader/inside/bridge.py"]
    assert start.command.index(tiers.IMAGE) == len(start.command) - 7
    uid = start.command[start.command.index("--user") + 1]
    assert int(uid.split(":")[0]) >= 200_000
    name = start.command[start.command.index("--name") + 1]
    assert start.clean_up == ["/usr/bin/docker", "kill", name]
    assert "autograder" not in text.replace("autograder-", "").replace(str(tmp_path), "")


def test_the_image_has_the_versions_of_this_machine() -> None:
    recipe = tiers.dockerfile()
    assert recipe.startswith("FROM docker.io/library/python:3.")
    assert f"numpy=={np.__version__}" in recipe
    assert "mlp_lib" not in recipe
    assert "backprop" not in recipe


def test_no_engine_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers.shutil, "which", lambda *a, **k: None)
    with pytest.raises(SandboxError, match="neither docker nor podman"):
        tiers.engine()
    monkeypatch.setattr(tiers.shutil, "which", lambda name, **k: f"/nowhere/{name}")
    with pytest.raises(SandboxError, match="docker is installed, but its engine is silent"):
        tiers.engine()
    monkeypatch.setattr(tiers, "_answers", lambda command: command[1] == "info")
    with pytest.raises(SandboxError, match="has no image"):
        tiers.engine()
    monkeypatch.setattr(tiers, "_answers", lambda command: True)
    assert tiers.engine() == "/nowhere/docker"
