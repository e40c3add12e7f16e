"""What `pip install .` puts into an environment is the whole course, without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autograder import sets

pytestmark = pytest.mark.slow
NAME = "ps01-neuron"


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    pip("wheel", *options, str(root))
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, installed where it comes before the checkout."""
    folder: Path = tmp_path_factory.mktemp("site")
    pip("install", "--no-deps", "--no-index", "--target", str(folder), str(wheel))
    return folder


def autograder(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, str(installed / "bin" / "autograder"), *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(installed), "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def test_the_wheel_has_the_sets_and_nothing_of_the_workshop(wheel: Path):
    files = zipfile.ZipFile(wheel).namelist()
    inside = {Path(f).stem for f in files if f.startswith("autograder/_solutions/")}
    assert inside == set(sets.names())
    top = {file.split("/")[0] for file in files}
    assert top == {"mlp_lib", "autograder", "backprop_course-0.1.0.dist-info"}


def test_a_course_is_made_and_a_set_released_from_the_wheel_alone(installed: Path, tmp_path: Path):
    made = autograder(installed, tmp_path, "init", "course")
    assert made.returncode == 0, made.stderr
    assert f"wrote source/{NAME}/{NAME}.ipynb" in made.stdout
    course = tmp_path / "course"
    released = autograder(installed, course, "release", NAME)
    assert released.returncode == 0, released.stderr
    assert f"released {NAME}: 6 points, release/{NAME}.zip" in released.stdout
    text = (course / "release" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8")
    assert text == sets.as_text(sets.student(NAME))
    where = "import autograder; print(autograder.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", where],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()).is_relative_to(installed)  # not the checkout


def test_without_the_packages_for_grading_the_command_says_so_in_one_line(
    installed: Path, tmp_path: Path
):
    """A student's environment has `check`, and no nbgrader."""
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text(
        "import sys\n"
        "for name in ('nbgrader', 'nbformat', 'nbclient', 'jupytext', 'msgpack', 'nh3',\n"
        "             'distributed', 'sqlalchemy'):\n"
        "    sys.modules[name] = None\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{blocked}{os.pathsep}{installed}"}
    command = [sys.executable, "-m", "autograder", "init", "course"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("autograder: ")
    assert "is not installed" in done.stderr
    assert done.stderr.count("\n") == 1
    code = "from autograder import check; print(check('softmax'))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "0.0"
