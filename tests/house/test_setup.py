"""`make` sets everything up by itself, once, and says in one line what is missing."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.fixture
def setup_script(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    spec = importlib.util.spec_from_file_location("course_setup", root / "scripts" / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    venv = tmp_path / "a path with spaces" / ".venv"
    venv.mkdir(parents=True)
    monkeypatch.setattr(module, "VENV", str(venv))
    monkeypatch.setattr(module, "STAMP", str(venv / "course-setup.json"))
    monkeypatch.setattr(module, "LOG", str(venv / "course-setup.log"))
    return module


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    message = capsys.readouterr().err
    assert message.count("\n") == 1, message
    return message


def test_an_old_python_is_refused_in_one_line(setup_script, monkeypatch, capsys):
    monkeypatch.setattr(setup_script.sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit):
        setup_script.check_python()
    assert re.search(r"Python 3\.11 or newer is needed, this is 3\.9", one_line(capsys))


def test_a_missing_venv_module_is_named_with_its_package(setup_script, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit):
        setup_script.check_python()
    assert "apt install python3-venv" in one_line(capsys)


def test_no_network_is_told_from_other_failures(setup_script, capsys):
    fail = "import sys; print('NewConnectionError: no route'); sys.exit(1)"
    with pytest.raises(SystemExit):
        setup_script.run("Installing", [sys.executable, "-c", fail])
    assert "cannot reach a package index" in one_line(capsys)


def test_another_failure_shows_the_end_of_the_log(setup_script, capsys):
    fail = "import sys; print('the disk is full'); sys.exit(1)"
    with pytest.raises(SystemExit):
        setup_script.run("Installing", [sys.executable, "-c", fail])
    message = capsys.readouterr().err
    assert "the disk is full" in message
    assert "Installing failed" in message


def test_a_changed_pin_or_a_moved_folder_is_noticed(setup_script, monkeypatch):
    Path(setup_script.STAMP).write_text("{}")
    assert not setup_script.is_ready()
    interpreter = Path(setup_script.venv_python())
    interpreter.parent.mkdir()
    interpreter.touch()
    Path(setup_script.STAMP).write_text(setup_script.json.dumps(setup_script.wanted()))
    assert setup_script.is_ready()
    monkeypatch.setattr(setup_script, "wanted", lambda: {"pins": "", "place": "elsewhere"})
    assert not setup_script.is_ready()


def test_help_lists_every_target(root: Path):
    text = subprocess.run(["make", "help"], cwd=root, capture_output=True, text=True).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (root / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    for target in phony[1].split():
        assert re.search(rf"^  make {target} ", text, re.MULTILINE), target


def test_a_second_setup_takes_no_time(root: Path):
    if not (root / ".venv" / "course-setup.json").exists():
        pytest.skip("this environment was not made by scripts/setup.py")
    began = time.perf_counter()
    command = ["make", "--no-print-directory", "setup"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout == ""
    assert time.perf_counter() - began < 10
