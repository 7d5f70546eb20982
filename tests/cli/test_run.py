"""`trapscope run`: verdicts, exit status, reports, files."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trapscope.cli import main
from trapscope.cli.output import opened

RESULTS = [
    (["first-call"], 0, "ok"),
    (["first-call", "--design", "skip"], 0, "ok"),
    (["livepatch-window", "--design", "thread"], 0, "ok"),
    (["livepatch-window", "--design", "skip"], 1, "violated"),
    (["first-call", "--max-steps", "10"], 1, "out-of-steps"),
    (["stack-room", "--design", "gap", "--variant", "no-gap"], 1, "violated"),
    (["stack-room", "--design", "gap", "--variant", "rsp-8", "--variant", "no-gap"], 0, "ok"),
]


def lines(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    status = main(["run", *arguments, "--format", "jsonl"])
    return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(("arguments", "status", "verdict"), RESULTS)
def test_the_exit_status_is_0_for_ok_and_1_for_any_other_verdict(
    arguments: list[str], status: int, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    got, told = lines(capsys, *arguments)
    assert (got, told[-1]["type"], told[-1]["verdict"]) == (status, "end", verdict)


def test_a_missed_fops_is_told_and_allowed_under_skip(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = lines(capsys, "first-call", "--design", "skip")
    missed = [line for line in told if line.get("event") == "fops-missed"]
    assert (status, [line["allowed"] for line in missed]) == (0, [True])


def test_the_old_body_is_told_with_the_checks_that_it_breaks(capsys: pytest.CaptureFixture[str]) -> None:
    _, told = lines(capsys, "livepatch-window", "--design", "skip")
    (ran,) = [line for line in told if line.get("event") == "old-body-ran"]
    checks = {line["check"]: line["n"] for line in told if line["type"] == "check" and line["severity"] == "violation"}
    assert checks == {"livepatch-consistent": ran["n"], "calls-once": ran["n"]}


@pytest.mark.parametrize("design", ["skip", "thread"])
def test_a_run_repeated_by_its_canonical_schedule_has_the_same_hash(
    design: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, told = lines(capsys, "nmi-in-handler" if design == "thread" else "livepatch-window", "--design", design)
    scenario, schedule = told[0]["scenario"], told[-1]["schedule"]
    _, again = lines(capsys, scenario, "--design", design, "--schedule", schedule)
    assert again[-1] == told[-1]


def test_the_report_tells_the_story_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "first-call"]) == 0
    report = capsys.readouterr().out
    for said in (
        "first-call · design thread · coherent fetch · 1 CPU",
        "ip: traced_fn+0x1 → ftrace_int3_stub_regs_caller+0x0",
        "worker: slots[0] = traced_fn+0x5 written; depth is 1",
        "traced_fn+0x0 → ftrace_regs_caller+0x0, returning to traced_fn+0x5",
        "tracer_func of tracer_ops for traced_fn+0x0, called from caller_fn+",
        "calls-once             holds",
        "flags-preserved        note at moment",
        "guest   says ok: entries 1, calls 1, traps 1, emulations 1",
        "steps stored to its first cache line, 3 to ftrace_int3_stack",
        "0 violations, 1 note",
    ):
        assert said in report


def test_the_report_of_a_broken_run_says_what_broke_and_where(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "livepatch-window", "--design", "skip"]) == 1
    report = capsys.readouterr().out
    assert "livepatch-consistent   violation at moment " in report
    assert "\nviolated: calls-once, livepatch-consistent\n" in report
    assert "guest   says violated" in report


def test_a_schedule_that_ends_early_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "first-call", "--schedule", "0*10"]) == 0
    assert "ok (the schedule ended at moment 10, before the scenario did): 10 steps" in capsys.readouterr().out


def test_a_file_is_there_whole_and_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "trace.jsonl"
    assert main(["run", "livepatch-window", "--design", "skip", "--format", "jsonl", "--out", str(out)]) == 1
    assert capsys.readouterr().out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["trace.jsonl"]
    assert json.loads(out.read_text().splitlines()[-1])["verdict"] == "violated"


def test_a_file_that_is_written_again_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "report.txt"
    out.write_text("older and longer " * 10_000)
    assert main(["run", "first-call", "--out", str(out)]) == 0
    assert out.read_text().startswith("first-call · design thread")
    assert "older" not in out.read_text()


def test_a_run_leaves_in_every_format(tmp_path: Path) -> None:
    written = {}
    for name in ("jsonl", "perfetto", "tenet"):
        out = tmp_path / name
        assert (
            main(["run", "patch-live", "--format", name, "--out", str(out), *(["--cpu", "1"] * (name == "tenet"))]) == 0
        )
        written[name] = out.read_text()
    assert json.loads(written["jsonl"].splitlines()[0])["type"] == "header"
    assert {event["pid"] for event in json.loads(written["perfetto"])["traceEvents"]} == {1, 2}
    assert written["tenet"].startswith("rax=0x")


def test_python_dash_m_is_the_same_program() -> None:
    command = [sys.executable, "-m", "trapscope", "run", "livepatch-window", "--design", "skip"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert "violated: calls-once, livepatch-consistent" in ended.stdout


@pytest.mark.parametrize("end", [KeyboardInterrupt, ValueError])
def test_a_file_that_is_not_finished_is_not_there(tmp_path: Path, end: type[BaseException]) -> None:
    def half() -> None:
        with opened(str(tmp_path / "trace.jsonl")) as stream:
            stream.write("half")
            raise end

    with pytest.raises(end):
        half()
    assert list(tmp_path.iterdir()) == []
