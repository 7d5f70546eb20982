"""Each check, broken on purpose by the mistake that it is there for; and none of them where nothing is wrong."""

from collections.abc import Callable

import pytest

from tests.core.lens.played import observed_again, played, violated
from trapscope.core.image import Image
from trapscope.core.lens import CHECKS, Finding, Lens
from trapscope.core.lens.checks import emulated_call
from trapscope.core.lens.events import CallEmulated, StubEntered
from trapscope.core.machine import MachineCheckInProgress, ShutdownCause, TripleFault
from trapscope.core.types import RBX, REGISTERS, RSP, RegisterChange, Severity, Step, Verdict

#: A run that breaks exactly these checks: scenario, design, variants.
BROKEN = [
    ("livepatch-window", "skip", (), {"calls-once", "livepatch-consistent"}),
    ("livepatch-window", "thread", ("caller-not-regs",), {"calls-once", "livepatch-consistent"}),
    ("trampoline-site", "skip", (), {"calls-once"}),
    ("fifth", "thread", (), {"calls-once"}),
    ("fifth", "thread", ("unchecked-depth",), {"neighbours-untouched", "depth-in-bounds"}),
    ("nmi-in-handler", "thread", ("slot-first",), {"slot-integrity", "stack-balanced"}),
    ("irq-in-stub", "thread", ("lower-first",), {"slot-integrity", "stack-balanced"}),
    ("nmi-in-nmi", "thread", ("plain-nmi",), {"frame-intact", "no-unexpected-fault"}),
    ("stack-room", "gap", ("no-gap",), {"no-unexpected-fault"}),
    ("first-call", "thread", ("traced-handler",), {"no-unexpected-fault"}),
    ("patch-live", "thread", ("no-int3",), {"no-torn-fetch", "no-unexpected-fault"}),
    ("late-handler", "thread", ("no-sync-3",), {"no-unexpected-fault"}),
    ("late-handler", "thread", ("early-done",), {"no-unexpected-fault"}),
]

WHOLE = [
    ("first-call", "thread", ()),
    ("livepatch-window", "thread", ()),
    ("livepatch-window", "gap", ()),
    ("four-contexts", "thread", ()),
    ("nmi-in-handler", "thread", ()),
    ("irq-in-stub", "thread", ()),
    ("nmi-in-nmi", "thread", ()),
    ("preempt-migrate", "thread", ()),
    ("stack-room", "gap", ("no-gap", "rsp-8")),
    ("patch-live", "thread", ()),
    ("patch-live", "skip", ("early-done",)),
    ("late-handler", "thread", ()),
    ("two-sites", "gap", ()),
]


@pytest.mark.parametrize(("scenario", "design", "variants", "checks"), BROKEN)
def test_a_mistake_breaks_the_checks_that_it_should(
    image: Image, scenario: str, design: str, variants: tuple[str, ...], checks: set[str]
) -> None:
    assert violated(played(image, scenario, design, *variants)) == checks


@pytest.mark.parametrize(("scenario", "design", "variants"), WHOLE)
def test_nothing_is_found_where_nothing_is_wrong(
    image: Image, scenario: str, design: str, variants: tuple[str, ...]
) -> None:
    assert violated(played(image, scenario, design, *variants)) == set()


def test_a_per_cpu_stack_loses_what_a_migrated_task_pushed(image: Image) -> None:
    session = played(image, "preempt-migrate", "percpu")
    assert {"slot-integrity", "depth-in-bounds", "depth-zero-at-rest"} <= violated(session)


def test_the_stub_changes_flags_where_a_call_would_not_and_that_is_a_note(image: Image) -> None:
    session = played(image, "livepatch-window", "thread")
    (note,) = session.findings
    (call,) = [event for event in session.events if isinstance(event, CallEmulated)]
    assert (note.check, note.severity, note.moment) == ("flags-preserved", Severity.NOTE, call.moment)


@pytest.mark.parametrize(("design", "variants"), [("thread", ("flags-exact",)), ("gap", ())])
def test_an_exact_stub_and_the_gap_leave_the_flags_alone(image: Image, design: str, variants: tuple[str, ...]) -> None:
    assert played(image, "livepatch-window", design, *variants).findings == []


def test_a_finding_names_the_step_and_the_values(image: Image) -> None:
    session = played(image, "stack-room", "gap", "no-gap")
    (finding,) = session.findings
    fault = next(event for event in session.events if event.name == "fault")
    assert (finding.moment, finding.cpu) == (fault.moment, fault.cpu)
    assert finding.detail.startswith("The CPU raised #GP at native_irq_return_iret+0x0, error code 0x")


def test_a_torn_fetch_names_the_bytes_that_were_decoded(image: Image) -> None:
    session = played(image, "patch-live", "thread", "no-int3")
    torn = next(finding for finding in session.findings if finding.check == "no-torn-fetch")
    step = session.trace.step(torn.moment)
    decoded = step.code or session.trace.seek(torn.moment).memory.read(step.rip, 5)  # no code: it raised #UD
    assert "at traced_fn" in torn.detail
    assert decoded.hex(" ") in torn.detail
    assert decoded not in (b"\xcc", bytes.fromhex("0f1f440000"))


@pytest.mark.parametrize("variant", ["no-sync-1", "no-sync-2", "no-int3"])
def test_a_fetch_that_lags_tears_where_a_sync_or_the_breakpoint_is_missing(image: Image, variant: str) -> None:
    assert "no-torn-fetch" in violated(played(image, "torn", "thread", variant, fetch="weak"))


@pytest.mark.parametrize("variants", [(), ("no-sync-3",), ("early-done",)])
def test_a_fetch_that_lags_is_stale_but_whole_otherwise(image: Image, variants: tuple[str, ...]) -> None:
    assert "no-torn-fetch" not in violated(played(image, "torn", "thread", *variants, fetch="weak"))


def test_an_interrupt_that_a_handler_keeps_out_to_the_end_is_noted(image: Image) -> None:
    session = played(image, "first-call", schedule="0>&do_int3 irq@0 0*3")
    assert [(finding.check, finding.severity) for finding in session.findings] == [("injections-taken", Severity.NOTE)]


def stub_moment(image: Image, kind: type[StubEntered | CallEmulated]) -> int:
    return next(event.moment for event in played(image, "first-call").events if isinstance(event, kind))


def changing(moment: int, register: int, by: int) -> Callable[[Step], Step]:
    """The step `moment` leaves the register changed by so much, and the next one that names it sets it right."""

    def tamper(step: Step) -> Step:
        if step.moment != moment:
            return step
        old = next((change for change in step.regs if change.register == register), None)
        value = old or RegisterChange(register, 0x1000, 0x1000)
        others = tuple(change for change in step.regs if change.register != register)
        return step._replace(regs=(*others, RegisterChange(register, value.old, value.new + by)))

    return tamper


def found(findings: list[Finding], check: str) -> list[Finding]:
    return [finding for finding in findings if finding.check == check]


def test_a_register_that_the_stub_spoils_is_found(image: Image) -> None:
    call = stub_moment(image, CallEmulated)
    _, findings = observed_again(played(image, "first-call"), changing(call, RBX, 1))
    (finding,) = found(findings, "registers-preserved")
    assert finding.moment == call
    assert finding.detail.startswith("After the call rbx was ")


def test_a_stack_pointer_that_is_off_by_a_word_is_found(image: Image) -> None:
    call = stub_moment(image, CallEmulated)
    _, findings = observed_again(played(image, "first-call"), changing(call, RSP, 8))
    assert found(findings, "stack-balanced")[0].moment == call


def test_a_breakpoint_that_the_handler_leaves_alone_is_nobodys(image: Image) -> None:
    session = played(image, "first-call", "skip")
    rewritten = next(event.moment for event in session.events if event.name == "frame-rewritten")
    _, findings = observed_again(session, lambda step: step._replace(writes=()) if step.moment == rewritten else step)
    (finding,) = found(findings, "no-unexpected-fault")
    assert finding.detail == "Nobody claimed the int3 at traced_fn+0x0"


def test_a_call_moves_rsp_by_a_word_and_pushes_the_address_behind_it() -> None:
    before = [0x1000] * len(REGISTERS)
    after = list(before)
    after[RSP] = 0xFF8
    assert emulated_call.stack_balanced(before, after, 0x2005, 0x2005) is None
    assert "0x2004" in (emulated_call.stack_balanced(before, after, 0x2004, 0x2005) or "")
    assert "a call from RSP 0x1000 leaves 0xff8" in (emulated_call.stack_balanced(before, before, 0x2005, 0x2005) or "")


def test_looking_again_finds_the_same(image: Image) -> None:
    session = played(image, "four-contexts")
    events, findings = observed_again(session)
    assert events == session.events
    assert findings == session.findings


def test_a_fops_that_is_called_twice_is_found(image: Image) -> None:
    """The call that entered the fops is observed as if it had come twice."""
    session = played(image, "livepatch-window")
    calls = [event.moment for event in session.events if event.name == "fops-called"]
    state = session.state0.copy()
    lens = Lens(image, session.spec, state)
    for step in session.trace.steps():
        state.apply(step)
        lens.observe(step, state)
        if step.moment == calls[0]:
            lens.observe(step, state)
    twice = found(lens.take_findings(), "calls-once")
    assert [finding.moment for finding in twice] == [calls[0]]
    assert "twice" in twice[0].detail


def test_every_check_has_a_run_here_that_breaks_it() -> None:
    broken = set().union(*(checks for *_, checks in BROKEN))
    elsewhere = {"depth-zero-at-rest", "registers-preserved", "flags-preserved", "injections-taken"}
    assert broken | elsewhere == set(CHECKS)


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        (TripleFault(1, 14), "CPU 1 shut down: #PF came while it was delivering a double fault"),
        (MachineCheckInProgress(0), "CPU 0 shut down: a machine check came while MCG_STATUS.MCIP was set"),
    ],
)
def test_a_shutdown_is_found_with_its_own_cause(image: Image, cause: ShutdownCause, says: str) -> None:
    session = played(image, "first-call")
    lens = Lens(image, session.spec, session.state0)
    (finding,) = lens.finish(0, 0, session.state0, complete=False, shutdown=cause)
    assert finding.check == "no-unexpected-fault"
    assert finding.detail.startswith(says)


def test_a_machine_check_in_the_handler_of_another_is_not_called_a_double_fault(image: Image) -> None:
    session = played(image, "first-call", schedule="0>&traced_fn mce@0 0*1 mce@0 0>.")
    assert session.verdict is Verdict.SHUTDOWN
    assert "MCG_STATUS.MCIP was set" in session.reason
    assert "double fault" not in session.reason
    assert session.reason == session.findings[-1].detail
