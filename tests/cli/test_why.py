"""`trapscope why` and `trapscope find`: the chain and the step, for people and for programs."""

import json
import re
import subprocess
import sys

import pytest

from tests.core.lens.played import played
from trapscope.cli import main
from trapscope.cli.arguments import QUESTIONS
from trapscope.core.image import Image
from trapscope.core.why import Inquiry, Question
from trapscope.wire import answers
from trapscope.wire.queries import Found, Why


def test_the_chain_of_a_slot_is_told_from_the_store_back_to_the_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", "first-call", "slots[0]@0", "--at", "slot-pushed"]) == 0
    told = capsys.readouterr().out
    assert re.match(r"worker: slots\[0\] is 0x[0-9a-f]{16} traced_fn\+0x5 at moment ", told)
    order = [
        "int3_thread.c:",
        "ftrace_int3.c:",
        "traced_fn+0x1: delivery of #BP",
        "int3  (process context of worker)",
        "decoded from bytes that step ",
        "call traced_fn  (process context of worker)",
        "the instruction itself says it",
        "beside the main line",
        "as it was at moment 0: no step of this run wrote it",
    ]
    places = [told.find(line) for line in order]
    assert -1 not in places
    assert places == sorted(places)


def test_a_call_that_the_other_cpu_patched_is_led_back_to_that_cpus_stores(
    capsys: pytest.CaptureFixture[str], image: Image
) -> None:
    site = image.symbol("traced_fn").address
    steps = played(image, "patch-live").trace.steps()
    call = next(step for step in steps if step.rip == site and step.code[:1] == b"\xe8")
    assert main(["why", "patch-live", f"rip@{call.cpu}", "--at", str(call.moment + 1)]) == 0
    main_line, _, _ = capsys.readouterr().out.partition("beside the main line")
    assert "call ftrace_caller" in main_line
    assert "on CPU 1, text_poke_opcode+" in main_line
    assert "patcher" in main_line


def test_a_lagging_cpu_is_said_to_have_decoded_older_bytes(capsys: pytest.CaptureFixture[str], image: Image) -> None:
    session = played(image, "patch-live", fetch="weak")
    inquiry = Inquiry(session)
    stale = next(
        step.moment
        for step in session.trace.steps()
        if step.vector < 0 and (version := inquiry.decoded(step.moment)) is not None and version.stale
    )
    cpu = session.trace.step(stale).cpu
    assert main(["why", "patch-live", "--fetch", "weak", f"rip@{cpu}", "--at", str(stale + 1)]) == 0
    assert "memory held newer bytes by then: this CPU had not seen them" in capsys.readouterr().out


def test_the_json_is_what_the_http_interface_says(capsys: pytest.CaptureFixture[str], image: Image) -> None:
    inquiry = Inquiry(played(image, "first-call"))
    assert main(["why", "first-call", "rsp@0", "--at", "frame-pushed", "--links", "9", "--json"]) == 0
    told = Why.model_validate_json(capsys.readouterr().out)
    assert told == answers.why(inquiry, inquiry.why("rsp@0", "frame-pushed", 9))
    assert main(["find", "first-call", "next-write", "depth@0", "--at", "int3", "--json"]) == 0
    found = Found.model_validate_json(capsys.readouterr().out)
    asked = Question.NEXT_WRITE
    assert found == answers.found(inquiry, asked, *inquiry.find(asked, "depth@0", "int3"))


def test_the_options_of_a_run_choose_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    run = ["--design", "gap", "--schedule", "0*40"]
    assert main(["find", "first-call", *run, "last-change", "rip@0", "--at", "40", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["step"]["n"] == 39
    assert main(["why", "first-call", *run, "rip@0", "--at", "41"]) == 2
    assert "this run has no moment 41: its moments are 0 to 40" in capsys.readouterr().err


def test_a_step_is_told_with_the_value_around_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find", "first-call", "last-write", "depth@0", "--at", "slot-pushed"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("last write of worker: depth seen from moment ")
    assert "int3_thread.c:" in told
    assert told.endswith("0x0 → 0x1\n")


def test_what_never_happens_is_status_1_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find", "first-call", "next-execution", "do_nmi", "--at", "0"]) == 1
    assert "there is no next execution of do_nmi+0x0 from moment 0" in capsys.readouterr().out


def test_executions_can_be_asked_of_one_cpu(capsys: pytest.CaptureFixture[str], image: Image) -> None:
    start = image.symbol("run_sync").address
    ran = [step for step in played(image, "two-sites").trace.steps() if step.rip == start]
    for cpu in range(2):
        status = main(["find", "two-sites", "next-execution", "run_sync", "--on-cpu", str(cpu), "--at", "0", "--json"])
        told = json.loads(capsys.readouterr().out)["step"]
        mine = [step.moment for step in ran if step.cpu == cpu]
        assert (status, told and told["n"]) == ((0, mine[0]) if mine else (1, None))
    assert len({step.cpu for step in ran}) == 1


def test_python_dash_m_answers_too() -> None:
    command = [sys.executable, "-m", "trapscope", "why", "first-call", "slots[0]@0", "--at", "slot-pushed"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "traced_fn+0x5" in ended.stdout


def test_every_question_can_be_typed() -> None:
    assert tuple(question.value for question in Question) == QUESTIONS
