"""What `trapscope doctor` says on a well and on an unwell machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from trapscope import assets, doctor


@pytest.fixture
def nothing_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def diagnosis(what: str) -> doctor.Diagnosis:
    return next(diagnosis for diagnosis in doctor.diagnose() if diagnosis.what == what)


def test_it_names_the_emulator_that_passed_and_the_guest_by_its_hash(guest_elf: bytes) -> None:
    text = doctor.report(doctor.diagnose())

    assert "2.1.4, self-test passed" in text
    assert hashlib.sha256(guest_elf).hexdigest() in text


@pytest.mark.usefixtures("nothing_on_the_path")
def test_what_only_the_tests_need_may_be_missing() -> None:
    diagnoses = doctor.diagnose()

    missing = [one for one in diagnoses if not one.needed]
    assert [one.what for one in missing] == ["QEMU", "Chromium", "Redis", "Node"]
    assert not any(one.is_well for one in missing)
    assert all("apt-get install" in one.remedy for one in missing)
    assert doctor.is_fit(one for one in diagnoses if one.what != "User interface")


def test_a_program_that_does_not_run_is_not_well(nothing_on_the_path: Path) -> None:
    broken = nothing_on_the_path / "redis-server"
    broken.write_text("#!/nonexistent\n")
    broken.chmod(0o755)

    assert not diagnosis("Redis").is_well
    assert "does not run" in diagnosis("Redis").found


def test_a_missing_guest_makes_it_unfit_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(assets, "_GUEST", tmp_path)

    diagnoses = doctor.diagnose()

    assert not doctor.is_fit(diagnoses)
    assert "► run `make guest`" in doctor.report(diagnoses)


@pytest.mark.parametrize(
    ("self_test", "found"),
    [
        ("raise SystemExit('iretq pops four words')", "its self-test fails: iretq pops four words"),
        ("import os; os._exit(9)", "ended with status 9"),
    ],
)
def test_an_unfit_emulator_is_named_even_if_it_takes_its_process_along(
    monkeypatch: pytest.MonkeyPatch, self_test: str, found: str
) -> None:
    monkeypatch.setattr(doctor, "_SELF_TEST", self_test)

    assert not diagnosis("Unicorn").is_well
    assert found in diagnosis("Unicorn").found
