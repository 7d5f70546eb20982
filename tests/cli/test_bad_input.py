"""Whatever is wrong with a command line: one line that says what and what would be right, status 2, nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from trapscope.cli import main

BAD = [
    (["run", "nope"], "there is no scenario “nope”; there are first-call, livepatch-window"),
    (["run", "first-call", "--design", "magic"], "there is no design “magic”; there are skip, thread, percpu, gap"),
    (["run", "irq-in-stub", "--design", "gap"], "says nothing about design gap; choose thread, percpu"),
    (
        ["run", "first-call", "--variant", "magic"],
        "there is no variant “magic”; scenario first-call under design thread",
    ),
    (["run", "first-call", "--variant", "no-gap"], "variant no-gap means nothing here"),
    (
        ["run", "first-call", "--variant", "flags-exact", "--variant", "caller-not-regs"],
        "variants flags-exact and caller-not-regs contradict each other",
    ),
    (["run", "first-call", "--fetch", "lazy"], "there is no fetch model “lazy”; there are coherent, weak"),
    (["run", "first-call", "--cpus", "2"], "scenario first-call runs on 1 CPU, not on 2"),
    (["run", "two-sites", "--cpus", "1"], "runs on 2 to 4 CPUs, not on 1"),
    (["run", "first-call", "--cpus", "5"], "“5” is not a whole number from 1 to 4"),
    (
        ["run", "first-call", "--schedule", "0*3 0>elevenses"],
        "“0>elevenses” at position 4: there is no event elevenses",
    ),
    (["run", "first-call", "--schedule", "7>."], "“7>.” at position 0: there is no CPU 7"),
    (["run", "first-call", "--schedule", "0>&nowhere"], "no symbol nowhere"),
    (["run", "first-call", "--schedule", "fetch@0"], "“fetch@0” at position 0"),
    (["run", "first-call", "--max-steps", "0"], "--max-steps: “0” is not a whole number from 1"),
    (["run", "first-call", "--max-steps", "many"], "--max-steps: “many” is not a whole number from 1"),
    (["run", "first-call", "--max-steps", "-4"], "--max-steps"),
    (["run", "first-call", "--format", "xml"], "invalid choice: 'xml' (choose from"),
    (["figure", "first-call"], "--at"),
    (["figure", "first-call", "--at", "elevenses"], "there is no event “elevenses”"),
    (["figure", "first-call", "--at", "749"], "this run has no moment 749: its moments are 0 to 748"),
    (["figure", "first-call", "--at", "0", "--cpu", "1"], "this run has no CPU 1: its CPUs are 0 to 0"),
    (["figure", "first-call", "--at", "0", "--part", "timeline"], "invalid choice: 'timeline'"),
    (["run", "patch-live", "--format", "tenet"], "Tenet knows one CPU and this run has 2: say whose side you want"),
    (["run", "first-call", "--format", "tenet", "--cpu", "1"], "this run has no CPU 1"),
    (["run", "first-call", "--format", "perfetto", "--cpu", "0"], "a CPU can be chosen for tenet only"),
    (["run", "first-call", "--cpu", "0"], "--cpu says whose side `--format tenet` is to tell"),
    (["run", "first-call", "--format", "tenet", "--cpu", "4"], "“4” is not a whole number from 0 to 3"),
    (["why", "first-call", "rax@0"], "--at"),
    (["why", "first-call", "rax@0", "--at", "elevenses"], "there is no event “elevenses”; there are text-write"),
    (["why", "first-call", "rax@0", "--at", "int3:2"], "there is no int3:2: this run has int3:1 to int3:1"),
    (["why", "first-call", "rax@0", "--at", "9999999"], "this run has no moment 9999999: its moments are 0 to"),
    (["why", "first-call", "rax@5", "--at", "3"], "“rax@5”: this run has no CPU 5, only CPU 0"),
    (["why", "first-call", "nobody", "--at", "3"], "“nobody”: the guest has no symbol nobody"),
    (["why", "first-call", "rax@0", "--at", "3", "--links", "9999"], "a chain has 1 to 512 links, not 9999"),
    (["why", "nope", "rax@0", "--at", "3"], "there is no scenario “nope”"),
    (["find", "first-call", "who", "rax@0", "--at", "3"], "invalid choice: 'who' (choose from"),
    (["find", "first-call", "last-write", "rax@0", "--at", "3"], "rax@0 is a register"),
    (["find", "first-call", "last-change", "report", "--at", "3"], "is memory: ask for its last-write or next-write"),
    (["find", "first-call", "next-execution", "rax@0", "--at", "3"], "“rax@0” is no place of code"),
    (["run"], "SCENARIO"),
    ([], "COMMAND"),
    (["dance"], "invalid choice: 'dance'"),
    (["guest"], "PART"),
    (["guest", "layout", "nope"], "the guest has no struct nope; it has boot_params"),
    (["guest", "asm", "nope"], "the guest has no function nope"),
    (["guest", "symbols", "zzz"], "no symbol of the guest has “zzz” in its name"),
    (["serve", "--port", "70000"], "“70000” is not a whole number from 0 to 65535"),
    (["serve", "--workers", "0"], "“0” is not a whole number from 1"),
]


def status_of(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as end:  # argparse's way of saying it
        return end.code if isinstance(end.code, int) else -1


@pytest.mark.parametrize(("arguments", "why"), BAD)
def test_one_line_says_what_is_wrong(arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("trapscope")
    assert why in err


@pytest.mark.parametrize(
    ("place", "why"), [("missing/out.jsonl", "No such file or directory"), (".", "it is a directory")]
)
def test_an_output_that_cannot_be_written_is_refused_before_the_run(
    place: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "first-call", "--out", str(tmp_path / place)]) == 2
    assert why in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_bad_input_leaves_an_older_file_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    older = tmp_path / "trace.jsonl"
    older.write_text("older")
    assert main(["run", "first-call", "--schedule", "0*x", "--out", str(older)]) == 2
    assert "0*x" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["trace.jsonl"]
    assert older.read_text() == "older"


@pytest.mark.parametrize("arguments", [["--out", "/dev/full"], []])
def test_a_full_disk_is_one_line_too(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "trapscope", "run", "first-call", "--format", "jsonl", *arguments]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "No space left on device" in ended.stderr


def test_a_reader_that_has_read_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "trapscope", "run", "first-call", "--format", "jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline().startswith('{"type":"header"')
        running.stdout.close()
        assert running.stderr.read() == ""
        running.wait(timeout=120)
    assert running.returncode != 2
