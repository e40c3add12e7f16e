"""A tier is used because it was tried out, and nothing weaker takes its place unasked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.sandbox import doctor, host, layout, tiers
from autograder.sandbox.doctor import Diagnosis, Finding, Proof
from autograder.sandbox.host import Sandbox
from autograder.sandbox.layout import Layout
from autograder.sandbox.limits import SandboxError
from autograder.sandbox.tiers import Tier

from .conftest import SMALL, layout_for, open_sandbox


@pytest.mark.parametrize("tier", [Tier.A, Tier.B])
def test_protecting_tiers_hold(tier: Tier) -> None:
    open_sandbox(tier).__exit__()  # skips where it does not run
    proof = doctor.prove(tier, layout_for(tier))
    assert proof.holds, proof.why_not()
    assert len(proof.findings) >= 20


def test_the_probe_finds_the_holes_of_tier_d() -> None:
    open_sandbox(Tier.D).__exit__()
    proof = doctor.prove(Tier.D, layout_for(Tier.D))
    assert not proof.holds


def test_the_probe_notices_a_missing_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Namespaces alone are not tier A: the same start without the filter does not hold."""
    real = host.make_stage

    def without_filter() -> Path:
        stage = real()
        path = stage / "home" / "inside" / "seccomp.py"
        text = path.read_text()
        assert "def install(policy: Policy) -> None:\n" in text
        path.write_text(text.replace("def install(", "def install(policy): pass\ndef unused("))
        return stage

    open_sandbox(Tier.A).__exit__()
    monkeypatch.setattr(host, "make_stage", without_filter)
    proof = doctor.prove(Tier.A)
    assert not proof.holds


def test_the_strongest_tier_is_chosen_and_the_choice_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[Tier] = []

    def prove(tier: Tier, layout: Layout | None = None) -> Proof:
        tried.append(tier)
        ok = tier is Tier.B
        return Proof(tier, (Finding("starts", ok, "" if ok else "bubblewrap is not installed"),))

    monkeypatch.setattr(doctor, "prove", prove)
    doctor.choose.cache_clear()
    chosen = doctor.choose()
    assert doctor.choose() is chosen
    assert chosen.tier is Tier.B
    assert tried == [Tier.A, Tier.B]
    assert "bubblewrap is not installed" in chosen.text()
    assert "Grading uses tier B" in chosen.text()
    doctor.choose.cache_clear()


def test_without_any_tier_there_is_no_silent_fall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doctor, "prove", lambda tier: Proof(tier, (Finding("starts", False, "no"),))
    )
    doctor.choose.cache_clear()
    chosen = doctor.choose()
    doctor.choose.cache_clear()
    assert chosen.tier is None
    assert [proof.tier for proof in chosen.proofs] == [Tier.A, Tier.B, Tier.C]
    assert "--unsafe" in chosen.text()
    with pytest.raises(SandboxError, match="asked for"):
        Sandbox(Tier.D)


def test_an_empty_proof_is_not_mistaken_for_text() -> None:
    assert Diagnosis(None, ()).text().startswith("This machine")


def test_a_missing_tool_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers.shutil, "which", lambda *a, **k: None)
    proof = doctor.prove(Tier.A)
    assert proof.why_not() == "starts: bubblewrap is not installed"


def test_a_child_that_cannot_be_confined_never_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    real = host.make_stage

    def broken() -> Path:
        stage = real()
        with (stage / "home" / "inside" / "confine.py").open("a") as file:
            file.write("\ndef drop_capabilities():\n    raise OSError(1, 'refused')\n")
        return stage

    monkeypatch.setattr(host, "make_stage", broken)
    with open_sandbox(Tier.A) as sandbox, pytest.raises(SandboxError, match="refused"):
        sandbox.submission()


def test_a_warm_process_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    real = host.make_stage

    def broken() -> Path:
        stage = real()
        (stage / "home" / "inside" / "child.py").write_text("raise RuntimeError('broken here')")
        return stage

    open_sandbox(Tier.A).__exit__()
    monkeypatch.setattr(host, "make_stage", broken)
    with pytest.raises(SandboxError, match="broken here"):
        Sandbox(Tier.A, SMALL).__enter__()


def test_nothing_is_left_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    real = host.make_stage
    monkeypatch.setattr(host, "make_stage", lambda: made.append(real()) or made[-1])
    with open_sandbox(Tier.A) as sandbox:
        assert made
        assert all(stage.is_dir() for stage in made)
        sandbox.submission().close()
    assert not any(stage.exists() for stage in made)


def test_the_layout_hides_what_is_ours(root: Path) -> None:
    here = Layout.of_this_process()
    whole, parts = here.readable()
    ours = [
        root / "mlp_lib",
        root / "autograder",
        root / "tests",
        root / "solutions",
        root / ".git",
    ]
    for path in ours:
        assert not any(path.is_relative_to(entry) for entry in whole), path
    for site in here.sites:
        for entry in os.listdir(site):
            if "backprop" in entry or entry in ("mlp_lib", "autograder"):
                assert not any(Path(site, entry).is_relative_to(one) for one in whole), entry
    assert any("numpy" in entry for entry in [*whole, *(f"{p}/numpy" for p in parts)])


def test_an_installed_course_is_hidden_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As from a wheel: our packages lie beside everybody else's."""
    site = tmp_path / "site-packages"
    for name in ("numpy", "mlp_lib", "autograder", "backprop_course-0.1.0.dist-info"):
        (site / name).mkdir(parents=True)
    monkeypatch.setattr(layout, "_site_of", lambda name: str(site))
    found = Layout.of_this_process()
    names = {Path(path).name for path in found.masked()}
    assert {"mlp_lib", "autograder", "backprop_course-0.1.0.dist-info"} <= names
    whole, parts = found.readable()
    assert str(site / "numpy") in whole
    assert str(site) in parts
    assert not any("mlp_lib" in path for path in whole)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_an_ordinary_user_gets_the_same(root: Path) -> None:
    """The whole diagnosis once more as a user without any right."""
    python = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    setpriv = shutil.which("setpriv")
    sites = Layout.of_this_process().sites
    if setpriv is None or not os.path.exists(python):
        pytest.skip("no setpriv, or no interpreter that an ordinary user can read")
    if not all(map(layout.reachable, (str(root / "autograder"), *sites))):
        pytest.skip("an ordinary user cannot read the packages")
    program = (
        "from autograder.sandbox import doctor\n"
        "from autograder.sandbox.tiers import Tier\n"
        "d = doctor.diagnose([Tier.A, Tier.B]); print(d.text()); assert d.tier is Tier.A\n"
        "assert all(p.holds for p in d.proofs)\n"
    )
    done = subprocess.run(
        [
            *(setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"),
            *(python, "-B", "-c", program),
        ],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join([str(root), *sites])},
        capture_output=True,
        text=True,
        timeout=120,
        cwd="/",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
