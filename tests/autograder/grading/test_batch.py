"""Many submissions: broken ones, resuming, interruptions, workers, gradebook and feedback."""

from __future__ import annotations

import copy
import json
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from nbgrader.api import Gradebook

from autograder import cli
from autograder.course import Course, CourseError
from autograder.grading import batch
from autograder.grading.batch import Options
from autograder.sandbox.limits import SandboxError
from autograder.sandbox.tiers import Tier

from .conftest import ACTIVATIONS, SOFTMAX, cell_of, code, hand_in, id_of, insert, text


def tier() -> Tier:
    return Tier.A


@pytest.fixture(autouse=True)
def _needs_tier_a(sandbox):
    """Skip where the sandbox does not run, and spare every run the self-test."""


def go(course: Course, **options):
    return batch.run(course, Options(**options), tier)


def grades(course: Course) -> dict:
    """What the gradebook says, without ids and times of writing."""
    found = {}
    with Gradebook(course.gradebook_url) as book:
        for assignment in book.assignments:
            for submission in book.assignment_submissions(assignment.name):
                for notebook in submission.notebooks:
                    where = assignment.name, submission.student.id
                    found[where] = {
                        "score": notebook.score,
                        "max": notebook.max_score,
                        "penalty": notebook.late_submission_penalty,
                        "time": submission.timestamp,
                        **{
                            g.name: (
                                g.auto_score,
                                g.manual_score,
                                g.needs_manual_grade,
                                g.max_score,
                            )
                            for g in notebook.grades
                        },
                        **{f"{c.name} says": c.comment for c in notebook.comments},
                    }
    return found


def variants(notebooks):
    """Seven kinds of submissions of set 2, and the points they have."""
    solved, empty = notebooks[SOFTMAX], notebooks[f"{SOFTMAX} empty"]
    half = copy.deepcopy(solved)
    cell_of(half, "softmax-answer")["source"] = (
        "def softmax(Z):\n    return np.exp(Z) / np.exp(Z).sum(axis=-1, keepdims=True)"
    )
    dies = copy.deepcopy(solved)
    insert(dies, "softmax", code("import os; os._exit(1)"))
    gone = copy.deepcopy(solved)
    for grade_id in ("softmax", "softmax-answer"):
        gone["cells"].remove(cell_of(gone, grade_id))
    return {
        "solved": (solved, 3),
        "empty": (empty, 0),
        "half": (half, 2),
        "dies": (dies, 3),
        "gone": (gone, 1),
        "broken": (b'{"cells": [', 0),
        "other": (notebooks[ACTIVATIONS], 0),
    }


def test_all_kinds_side_by_side(course, notebooks, capsys):
    kinds = variants(notebooks)
    for name, (notebook, _) in kinds.items():
        hand_in(course, name, notebook)
    (course.root / "submitted" / "nothing" / SOFTMAX).mkdir(parents=True)
    (course.root / "submitted" / ".hidden" / SOFTMAX).mkdir(parents=True)
    status = cli.main(["grade", "--course", str(course.root)])
    lines = capsys.readouterr().out.splitlines()
    assert status == 3
    assert lines[-1] == "8 submissions, 8 graded now, 3 without points."
    book = grades(course)
    assert {student: entry["score"] for (_, student), entry in book.items()} == {
        **{name: points for name, (_, points) in kinds.items()},
        "nothing": 0,
    }
    for student in ("broken", "other", "nothing"):
        assert book[SOFTMAX, student]["ps02-explain"] == (0.0, None, False, 2.0)
        line = next(line for line in lines if f" {student} " in line)
        assert "0/5" in line
        notebook = autograded(course, student)
        assert "could not be graded" in "".join(notebook["cells"][0]["source"])
    assert book[SOFTMAX, "solved"]["ps02-explain"] == (None, None, True, 2.0)
    assert book[SOFTMAX, "empty"]["ps02-explain"] == (0.0, None, False, 2.0)
    assert book[SOFTMAX, "empty"]["softmax-answer says"] == "No response."


def test_the_command_line(course, notebooks, capsys, monkeypatch):
    """What the options choose, what a script reads, and what somebody at a terminal sees."""
    monkeypatch.setattr("autograder.grading.cli.tier_for", lambda unsafe: Tier.A)
    for student in ("anna", "ben"):
        hand_in(course, student, notebooks[SOFTMAX])
    where = ["--course", str(course.root)]
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert cli.main(["grade", "--student", "anna", *where]) == 0
    said = capsys.readouterr()
    first, last = said.out.splitlines()
    assert re.fullmatch(rf"{SOFTMAX}  anna +3/5  to be read: ps02-explain", first)
    assert last == "1 submission, 1 graded now."
    assert re.search(r"grading: 100%.* 1/1 \[\d\d:\d\d<\d\d:\d\d, .*submission", said.err)
    for options, graded in (["--resume"], 1), (["--workers", "2", SOFTMAX, "--force"], 2):
        assert cli.main(["grade", "--json", *options, *where]) == 0
        said = capsys.readouterr()
        report = json.loads(said.out)
        assert [result["student"] for result in report["results"]] == ["anna", "ben"]
        assert (report["graded"], report["kept"]) == (graded, 2 - graded)
        assert "submission" not in said.err
    for wrong in (["--resume", "--force"], ["--workers", "0"]):
        with pytest.raises(SystemExit) as exit_:
            cli.main(["grade", *wrong, *where])
        assert exit_.value.code == 2


def autograded(course, student, name=SOFTMAX):
    path = course.root / "autograded" / student / name / f"{name}.ipynb"
    return json.loads(path.read_text())


def test_a_second_run_grades_nothing_and_a_change_only_itself(course, notebooks, monkeypatch):
    for student in ("anna", "ben"):
        hand_in(course, student, notebooks[SOFTMAX])
    assert go(course).graded == 2
    before = grades(course)
    monkeypatch.setattr(batch, "process", lambda *a: pytest.fail("nothing to do") if a[0] else ())
    again = batch.run(course, Options(), lambda: pytest.fail("no sandbox is needed"))
    assert (again.graded, again.kept) == (0, 2)
    assert grades(course) == before
    monkeypatch.undo()
    hand_in(course, "ben", notebooks[f"{SOFTMAX} empty"])
    assert (go(course).graded, grades(course)[SOFTMAX, "ben"]["score"]) == (1, 0)
    course.salt_file.write_text("another secret")
    assert go(course).graded == 2
    assert go(course, force=True).graded == 2
    assert go(course, force=True, students=("anna",)).graded == 1


def test_what_people_did_stays(course, notebooks):
    hand_in(course, "anna", notebooks[SOFTMAX])
    go(course)
    with Gradebook(course.gradebook_url) as book:
        grade = book.find_grade("ps02-explain", SOFTMAX, SOFTMAX, "anna")
        grade.manual_score, grade.needs_manual_grade, grade.extra_credit = 1.5, False, 0.25
        book.find_comment("ps02-explain", SOFTMAX, SOFTMAX, "anna").manual_comment = "Good."
        book.db.commit()
    before = grades(course)
    assert before[SOFTMAX, "anna"]["score"] == 4.75
    for options in ({}, {"force": True}):
        go(course, **options)
        assert grades(course) == before
    changed = copy.deepcopy(notebooks[SOFTMAX])
    cell_of(changed, "ps02-explain")["source"] = "Another answer."
    hand_in(course, "anna", changed)
    go(course)
    assert grades(course)[SOFTMAX, "anna"]["ps02-explain"] == (None, 1.5, True, 2.0)


def test_a_gradebook_that_lost_something_is_mended(course, notebooks):
    hand_in(course, "anna", notebooks[SOFTMAX])
    go(course)
    before = grades(course)
    with Gradebook(course.gradebook_url) as book:
        book.find_grade("softmax", SOFTMAX, SOFTMAX, "anna").auto_score = 17
        book.db.commit()
    go(course)
    assert grades(course) == before
    with Gradebook(course.gradebook_url) as book:
        book.remove_submission(SOFTMAX, "anna")
    go(course)
    assert grades(course) == before


def test_late_submissions_cost_what_the_course_says(course, notebooks):
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.LateSubmissionPlugin.penalty_method = 'zero'\n")
    with Gradebook(course.gradebook_url) as book:
        book.update_or_create_assignment(SOFTMAX, duedate="2026-03-01 12:00:00 UTC")
    for student, time in (("early", "2026-03-01 11:59:00 UTC"), ("late", "2026-03-01 12:00:01 UTC"),
                          ("odd", "when it suited me")):  # fmt: skip
        path = hand_in(course, student, notebooks[SOFTMAX])
        (path.parent / "timestamp.txt").write_text(time)
    go(course)
    book = grades(course)
    assert book[SOFTMAX, "early"]["penalty"] is None
    assert book[SOFTMAX, "late"]["penalty"] == 3
    assert str(book[SOFTMAX, "late"]["time"]) == "2026-03-01 12:00:01"
    assert book[SOFTMAX, "odd"]["time"] is None
    with Gradebook(course.gradebook_url) as opened:
        opened.grant_extension(SOFTMAX, "late", hours=1)
    go(course, force=True)
    (course.root / ".autograder" / "entered.json").unlink()
    go(course)
    assert grades(course)[SOFTMAX, "late"]["penalty"] is None


def many(course, notebooks, count, seed=1):
    kinds = [notebook for notebook, _ in variants(notebooks).values()]
    rng = random.Random(seed)
    for number in range(count):
        hand_in(course, f"s{number:03}", rng.choice(kinds))


@pytest.mark.parametrize("count", [30, pytest.param(300, marks=pytest.mark.slow)])
def test_interrupted_five_times_it_ends_alike(course, notebooks, tmp_path, count):
    import shutil

    many(course, notebooks, count)
    other = Course(tmp_path / "undisturbed")
    shutil.copytree(course.root, other.root)
    go(other)
    rng = random.Random(5)
    for _ in range(5):
        left = rng.randrange(1, count // 6)

        def tick(_count, left=[left]):  # noqa: B006 - counts down
            left[0] -= 1
            if left[0] <= 0:
                raise KeyboardInterrupt

        (course.root / ".autograder" / "entered.json").unlink(missing_ok=True)
        summary = batch.run(course, Options(force=False), tier, progress=tick)
        assert summary.interrupted
    assert go(course).kept >= 4
    assert grades(course) == grades(other)
    first, second = (json.dumps(autograded(c, "s000")) for c in (course, other))
    assert first == second


def test_killed_outright_it_goes_on(course, notebooks, tmp_path):
    """`kill -9` in the middle, by the clock, with two workers."""
    many(course, notebooks, 24)
    command = [sys.executable, "-m", "autograder.cli", "grade", "--workers", "2", "--course"]
    seen = 0
    for _ in range(2):
        process = subprocess.Popen([*command, str(course.root)], stdout=subprocess.DEVNULL)
        results = course.root / ".autograder" / "results" / SOFTMAX
        while process.poll() is None and len(list(results.glob("*.json"))) < seen + 3:
            pass
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert len(workers) > 4  # two workers, their sandboxes
        assert psutil.wait_procs(workers, timeout=20)[1] == []  # and nobody stays behind
        seen = len(list(results.glob("*.json")))
    done = subprocess.run([*command, str(course.root), "--json"], capture_output=True, check=False)
    report = json.loads(done.stdout)
    assert done.returncode == 3
    assert len(report["results"]) == 24
    assert report["kept"] >= 3
    assert report["failures"] == {}
    assert len(grades(course)) == 24


def test_ctrl_c_on_the_command_line(course, notebooks):
    many(course, notebooks, 24)
    command = [sys.executable, "-m", "autograder.cli", "grade", "--course", str(course.root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    results = course.root / ".autograder" / "results" / SOFTMAX
    while process.poll() is None and len(list(results.glob("*.json"))) < 3:
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "the next run continues from here" in err
    assert "Traceback" not in err
    assert len(grades(course)) >= 2
    assert go(course).kept >= 2
    assert len(grades(course)) == 24


def test_two_workers_give_the_same(course, notebooks, tmp_path):
    import shutil

    many(course, notebooks, 10)
    other = Course(tmp_path / "one")
    shutil.copytree(course.root, other.root)
    assert go(course, workers=2).graded == 10
    go(other)
    assert grades(course) == grades(other)


def test_a_fault_of_ours_stops_nobody_else(course, notebooks, monkeypatch, capsys):
    for student in ("anna", "ben", "carl"):
        hand_in(course, student, notebooks[SOFTMAX])
    real = batch.grade.grade

    def faulty(task, *rest):
        if task.student == "ben":
            raise RuntimeError("a bug")
        return real(task, *rest)

    monkeypatch.setattr(batch.grade, "grade", faulty)
    monkeypatch.setattr("autograder.grading.cli.tier_for", lambda unsafe: Tier.A)
    assert cli.main(["grade", "--course", str(course.root)]) == 1
    said = capsys.readouterr()
    assert "1 failed on our side" in said.out
    assert "a bug" in said.err
    assert {student for _, student in grades(course)} == {"anna", "carl"}


def test_a_submission_that_kills_its_worker_is_reported_and_nobody_else_lost(course, notebooks):
    """Played by killing the worker processes whenever only that submission is under way."""
    others = ("anna", "carl", "dora", "emil")
    for student in others:
        hand_in(course, student, notebooks[SOFTMAX])
    slow = copy.deepcopy(notebooks[SOFTMAX])
    for _ in range(4):
        insert(slow, "softmax", code("while True: pass"))
    hand_in(course, "ben", slow)
    results = course.root / ".autograder" / "results" / SOFTMAX
    over, killed = threading.Event(), []

    def kill():
        while not over.wait(0.05):
            if {path.stem for path in results.glob("*.json")} == set(others):
                for process in multiprocessing.active_children():
                    killed.append(process.pid)
                    process.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        summary = go(course, workers=2)
    finally:
        over.set()
        killer.join()
    assert summary.failures == {f"{SOFTMAX}/ben": "the worker that graded it died twice"}
    assert [result["student"] for result in summary.results] == list(others)
    assert len(killed) >= 2
    assert go(course).kept == 4


def test_one_grading_at_a_time(course, notebooks):
    hand_in(course, "anna", notebooks[SOFTMAX])
    with batch.alone(course), pytest.raises(CourseError, match="another process"):
        go(course)


def test_what_is_asked_for_must_exist(course, capsys):
    assert cli.main(["grade", "--course", str(course.root)]) == 1
    assert "nothing to grade" in capsys.readouterr().err
    assert cli.main(["grade", "ps01-neuron", "--course", str(course.root)]) == 1
    assert "is not released" in capsys.readouterr().err


def test_no_tier_no_grading(course, notebooks, monkeypatch, capsys):
    from autograder.sandbox import doctor

    hand_in(course, "anna", notebooks[SOFTMAX])
    monkeypatch.setattr(doctor, "choose", lambda: doctor.Diagnosis(None, ()))
    assert cli.main(["grade", "--course", str(course.root)]) == 1
    assert "--unsafe" in capsys.readouterr().err
    assert grades(course) == {}
    monkeypatch.setattr(batch, "Sandbox", lambda *a, **k: (_ for _ in ()).throw(SandboxError("x")))
    monkeypatch.setattr("autograder.grading.cli.tier_for", lambda unsafe: Tier.A)
    assert cli.main(["grade", "--course", str(course.root)]) == 1
    assert "the sandbox does not work here: x" in capsys.readouterr().err


def test_a_scheduler_needs_dask(course, notebooks, monkeypatch, capsys):
    hand_in(course, "anna", notebooks[SOFTMAX])
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "autograder.grading.cluster", raising=False)
    monkeypatch.delattr("autograder.grading.cluster", raising=False)
    assert cli.main(["grade", "--scheduler", "tcp://x:1", "--course", str(course.root)]) == 1
    assert "pip install distributed" in capsys.readouterr().err


def test_limits_of_the_course(course, notebooks):
    config = course.root / "nbgrader_config.py"
    config.write_text(config.read_text() + "c.Sandbox.threads = 8\n")
    assert batch.settings_of(course).limits.threads == 8
    config.write_text(config.read_text() + "c.Sandbox.speed = 8\n")
    with pytest.raises(CourseError, match=r"c\.Sandbox\.speed; known: call, cell"):
        batch.settings_of(course)


def test_a_notebook_under_another_name_counts(course, notebooks):
    path = hand_in(course, "anna", notebooks[SOFTMAX])
    path.rename(path.with_name(f"{SOFTMAX} (1).ipynb"))
    path = hand_in(course, "ben", notebooks[SOFTMAX])
    path.rename(path.with_name("a.ipynb"))
    path.with_name("b.ipynb").write_text("{}")
    by_student = {result["student"]: result for result in go(course).results}
    assert by_student["anna"]["score"] == 3
    assert "(1)" in by_student["anna"]["notes"][0]
    assert by_student["ben"]["reason"].endswith("several others: 'a.ipynb', 'b.ipynb'.")


def test_a_folder_that_is_a_link_is_not_somebody_elses_work(course, notebooks):
    hand_in(course, "anna", notebooks[SOFTMAX])
    (course.root / "submitted" / "berta").mkdir()
    (course.root / "submitted" / "berta" / SOFTMAX).symlink_to(
        course.root / "submitted" / "anna" / SOFTMAX
    )
    summary = go(course)
    assert [result["student"] for result in summary.results] == ["anna", "berta"]
    assert summary.results[0]["score"] > 0
    assert summary.results[1]["score"] == 0
    assert "is a link to another folder" in summary.results[1]["reason"]


def test_a_link_to_somewhere_else_is_not_followed(course, notebooks):
    path = hand_in(course, "anna", notebooks[SOFTMAX])
    path.unlink()
    path.symlink_to(course.salt_file)
    assert go(course).results[0]["status"] == "refused"
    assert course.salt not in json.dumps(autograded(course, "anna"))


def test_a_time_stamp_is_a_file_and_short(course, notebooks):
    """A link would show what it leads to, and a pipe would never end."""
    make = {
        "link": lambda path: path.symlink_to(course.salt_file),
        "pipe": os.mkfifo,
        "folder": lambda path: path.mkdir(),
        "bytes": lambda path: path.write_bytes(b"\xff\xfe"),
        "long": lambda path: path.write_text("2026-03-01 12:00:00 UTC" + " " * 10**6 + "x"),
    }
    for student, how in make.items():
        how(hand_in(course, student, notebooks[SOFTMAX]).with_name("timestamp.txt"))
    found = {result["student"]: result["submitted"] for result in go(course).results}
    assert found == dict.fromkeys(make) | {"long": "2026-03-01 12:00:00 UTC"}


def test_feedback_and_export_of_nbgrader_work_on_it(course, notebooks):
    for name, (notebook, _) in variants(notebooks).items():
        hand_in(course, name, notebook)
    evil = copy.deepcopy(notebooks[SOFTMAX])
    cell_of(evil, "ps02-explain")["source"] = "<img src=x onerror=alert(1)> ![x](attachment:y.png)"
    insert(
        evil,
        "softmax",
        code("from IPython.display import HTML\nHTML('<script>alert(1)</script><b>bold</b>')"),
        text("[x](javascript:alert(1)) <script>alert(1)</script>"),
    )
    hand_in(course, "evil", evil)
    go(course)
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    config = course.nbgrader_config()
    directory = CourseDirectory(config=config)
    directory.root = str(course.root)
    api = NbGraderAPI(coursedir=directory, config=config)
    result = api.generate_feedback(SOFTMAX)
    assert result["success"], result
    pages = {p.parent.parent.name: p.read_text() for p in course.root.glob("feedback/*/*/*.html")}
    assert set(pages) == {*variants(notebooks), "evil"}
    assert "Score: 3.0 / 5.0" in pages["solved"]
    assert "not in the JSON format" in pages["broken"]
    assert "No response." in pages["empty"]
    body = pages["evil"][pages["evil"].index("<body") :]
    assert "alert(1)</script>" not in body
    assert not re.search("<[^>]*onerror", body)
    assert 'href="javascript' not in body
    assert course.salt not in "".join(pages.values())

    target = course.root / "grades.csv"
    program = Path(sys.executable).with_name("nbgrader")
    subprocess.run(
        [program, "export", f"--to={target}"], cwd=course.root, check=True, capture_output=True
    )
    rows = [line.split(",") for line in target.read_text().splitlines()[1:]]
    assert {row[3]: float(row[9]) for row in rows if row[0] == SOFTMAX} == {
        student: entry["score"] for (_, student), entry in grades(course).items()
    }


def test_the_plug_gives_the_same(course, notebooks, tmp_path):
    """`nbgrader autograde`, as formgrader's button calls it, through the course's configuration."""
    import shutil

    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    kinds = variants(notebooks)
    for name, (notebook, _) in kinds.items():
        hand_in(course, name, notebook)
    other = Course(tmp_path / "other")
    shutil.copytree(course.root, other.root)
    go(other)
    config = course.nbgrader_config()
    directory = CourseDirectory(config=config)
    directory.root = str(course.root)
    api = NbGraderAPI(coursedir=directory, config=config)
    for student in kinds:
        result = api.autograde(SOFTMAX, student)
        assert result["success"], result
    assert grades(course) == grades(other)
    for student in kinds:
        ours, theirs = (autograded(c, student) for c in (other, course))
        assert [plain(c) for c in ours["cells"]] == [plain(c) for c in theirs["cells"]]
    assert go(course).kept == len(kinds)
    assert grades(course) == grades(other)


def plain(cell):
    source = "".join(cell["source"])
    return source, id_of(cell), len(cell.get("outputs", []))


@pytest.mark.slow
def test_stock_nbgrader_agrees_about_honest_submissions(course, notebooks):
    """The same notebooks in an unprotected kernel, with `check` inside: equal points."""
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    kinds = {k: v for k, v in variants(notebooks).items() if k in ("solved", "empty", "half")}
    for name, (notebook, _) in kinds.items():
        hand_in(course, name, notebook)
    go(course)
    ours = grades(course)
    config = course.nbgrader_config()
    del config["Autograde"]
    directory = CourseDirectory(config=config)
    directory.root = str(course.root)
    api = NbGraderAPI(coursedir=directory, config=config)
    for student in kinds:
        result = api.autograde(SOFTMAX, student)
        assert result["success"], result
    stock = grades(course)
    for key, entry in ours.items():
        assert {k: v for k, v in entry.items() if k != "penalty"} == {
            k: v for k, v in stock[key].items() if k != "penalty"
        }
