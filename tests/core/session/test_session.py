"""Runs through the session's door: the first scenarios under both designs, budgets, standstill, reproducibility."""

import pytest

from trapscope.core.errors import BadSchedule
from trapscope.core.image import Image
from trapscope.core.session import Session
from trapscope.core.types import RunSpec, Verdict


def finished(image: Image, scenario: str, design: str, schedule: str = "0>.", *, piece: int = 1_000_000) -> Session:
    session = Session(image, RunSpec(scenario, design))
    session.feed(schedule)
    while session.advance(piece):
        pass
    session.finish()
    return session


def names(session: Session) -> list[str]:
    return [event.name for event in session.events]


def violated(session: Session) -> set[str]:
    return {finding.check for finding in session.findings if finding.severity == "violation"}


def test_under_thread_the_first_call_goes_from_the_trap_through_slot_and_stub_to_the_fops(image: Image) -> None:
    session = finished(image, "first-call", "thread")
    story = ["int3", "frame-pushed", "slot-pushed", "frame-rewritten", "stub-entered", "slot-popped", "call-emulated"]
    story.append("fops-called")
    at = [names(session).index(name) for name in story]
    assert at == sorted(at)
    assert session.verdict is Verdict.OK
    assert "fops-missed" not in names(session)


def test_under_skip_the_first_call_misses_its_fops_which_is_allowed_for_a_nop_site(image: Image) -> None:
    session = finished(image, "first-call", "skip")
    assert "fops-missed" in names(session)
    assert "slot-pushed" not in names(session)
    assert session.verdict is Verdict.OK


def test_under_skip_a_live_patched_function_runs_its_old_body(image: Image) -> None:
    session = finished(image, "livepatch-window", "skip")
    assert "old-body-ran" in names(session)
    assert session.verdict is Verdict.VIOLATED
    assert violated(session) >= {"livepatch-consistent", "calls-once"}


def test_under_thread_a_live_patched_function_runs_its_new_body(image: Image) -> None:
    session = finished(image, "livepatch-window", "thread")
    assert "redirected" in names(session)
    assert "old-body-ran" not in names(session)
    assert session.verdict is Verdict.OK


def test_advancing_in_small_pieces_gives_the_same_run(image: Image) -> None:
    whole = finished(image, "first-call", "thread")
    pieces = finished(image, "first-call", "thread", piece=7)
    assert pieces.hash == whole.hash
    assert pieces.events == whole.events


def test_the_canonical_schedule_reproduces_the_hash(image: Image) -> None:
    first = finished(image, "livepatch-window", "thread", "0>int3 0>&do_int3 0*3 0>slot-pushed 0>.")
    again = finished(image, "livepatch-window", "thread", first.schedule)
    assert again.hash == first.hash
    assert set(first.schedule) <= set("0123456789* ")


def test_undoing_every_step_leads_back_to_moment_0(image: Image) -> None:
    session = finished(image, "first-call", "thread")
    state = session.trace.seek(len(session.trace))
    for moment in range(len(session.trace) - 1, -1, -1):
        state.undo(session.trace.step(moment))
    assert state.digest() == session.state0.digest()


def test_run_until_event_stops_behind_the_step_that_raises_it(image: Image) -> None:
    session = finished(image, "first-call", "thread", "0>slot-pushed")
    assert session.events[-1].name == "slot-pushed"
    assert session.events[-1].moment == len(session.trace) - 1


def test_run_until_symbol_stops_before_executing_it(image: Image) -> None:
    session = finished(image, "first-call", "thread", "0>&do_int3")
    assert session.trace.head.regs[0][16] == image.symbol("do_int3").address


def test_a_used_up_step_budget_is_a_verdict(image: Image) -> None:
    session = Session(image, RunSpec("first-call", "thread"), max_steps=50)
    session.feed("0>.")
    assert session.advance(1000) == 50
    assert session.advance(1000) == 0
    assert session.verdict is Verdict.OUT_OF_STEPS
    assert "50" in session.reason


def test_a_schedule_that_ends_early_leaves_the_run_open_and_says_so_when_finished(image: Image) -> None:
    session = Session(image, RunSpec("first-call", "thread"))
    session.feed("0*10")
    session.advance(1000)
    assert session.verdict is None
    assert session.finish() is Verdict.OK
    assert "moment 10" in session.reason


def test_a_bad_schedule_queues_nothing_of_itself(image: Image) -> None:
    session = Session(image, RunSpec("first-call", "thread"))
    with pytest.raises(BadSchedule):
        session.feed("0*10 7*3")
    assert not session.pending
    assert session.advance(10) == 0


def test_cancel_drops_what_is_queued_and_keeps_what_has_happened(image: Image) -> None:
    session = Session(image, RunSpec("first-call", "thread"))
    session.feed("0>.")
    session.advance(10)
    session.cancel()
    assert session.advance(10) == 0
    assert len(session.trace) == 10
    session.feed("0*5")
    assert session.advance(10) == 5


def test_every_step_has_a_lane(image: Image) -> None:
    session = finished(image, "first-call", "thread")
    assert len(session.lane_of) == len(session.trace)
    assert {(lane.context, lane.trap) for lane in session.lanes} >= {("process", 0), ("process", 1)}


def test_an_injection_that_no_cpu_takes_is_noted_with_its_token(image: Image) -> None:
    session = finished(image, "first-call", "thread", "0>&do_int3 irq@0 0*3")
    [note] = [finding for finding in session.findings if finding.check == "injections-taken"]
    assert "irq@0" in note.detail
    assert note.severity == "note"


def test_an_injection_that_is_taken_is_not_noted(image: Image) -> None:
    session = finished(image, "first-call", "thread", "0>&do_int3 nmi@0 0>.")
    assert "nmi" in names(session)
    assert not [finding for finding in session.findings if finding.check == "injections-taken"]
