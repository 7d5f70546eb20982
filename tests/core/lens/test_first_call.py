"""The path of the patch, once, in each design: which events, in which order, with which values."""

import pytest

from tests.core.lens.played import names, only, played
from trapscope.core.image import Image
from trapscope.core.lens import Event
from trapscope.core.lens.events import (
    BreakpointHit,
    CallEmulated,
    FopsCalled,
    FopsMissed,
    FramePushed,
    FrameRewritten,
    GapOpened,
    IretExecuted,
    SlotPopped,
    SlotPushed,
    StackAccess,
    TextWritten,
)
from trapscope.core.types import RCX, RDI, RDX, RIP, RSI, RSP, Context

PATCHER = {"patch-phase", "text-write"}


def trap(events: list[Event]) -> list[str]:
    """What happens besides the patching."""
    return [name for name in names(events) if name not in {*PATCHER, "sync-core"}]


def test_under_thread_the_call_is_made_by_way_of_slot_and_stub(image: Image) -> None:
    assert trap(played(image, "first-call", "thread").events) == [
        "int3", "frame-pushed", "push-begun", "slot-pushed", "frame-rewritten",
        "iret", "stub-entered", "pop-begun", "slot-popped", "call-emulated", "fops-called",
    ]  # fmt: skip


def test_under_gap_the_entry_makes_room_and_no_slot_is_used(image: Image) -> None:
    assert trap(played(image, "first-call", "gap").events) == [
        "int3", "frame-pushed", "gap-opened", "frame-rewritten", "frame-rewritten",
        "iret", "call-emulated", "fops-called",
    ]  # fmt: skip


def test_under_skip_the_fops_is_missed_and_may_be(image: Image) -> None:
    session = played(image, "first-call", "skip")
    assert trap(session.events) == ["int3", "frame-pushed", "frame-rewritten", "iret", "fops-missed"]
    (missed,) = only(session.events, "fops-missed")
    assert isinstance(missed, FopsMissed)
    assert (missed.op, missed.allowed) == ("tracer_ops", True)


def test_the_patcher_goes_through_its_passes_in_order(image: Image) -> None:
    events = played(image, "first-call", "thread").events
    phases = [getattr(event, "phase", getattr(event, "part", "")) for event in events if event.name in PATCHER]
    assert phases == [
        "breakpoints", "breakpoint", "sync-1", "synced", "tails", "tail", "sync-2", "synced",
        "first-bytes", "first-byte", "sync-3", "synced", "done",
    ]  # fmt: skip


def test_the_bytes_written_make_a_call_to_the_trampoline(image: Image) -> None:
    writes = [event for event in played(image, "first-call").events if isinstance(event, TextWritten)]
    site = image.symbol("traced_fn").address
    assert [(event.addr - site, event.old.hex(), len(event.new)) for event in writes] == [
        (0, "0f", 1), (1, "1f440000", 4), (0, "cc", 1),
    ]  # fmt: skip
    rel32 = int.from_bytes(writes[1].new, "little", signed=True)
    assert writes[2].new == b"\xe8"
    assert site + 5 + rel32 == image.symbol("ftrace_caller").address


@pytest.mark.parametrize("design", ["skip", "thread", "percpu", "gap"])
def test_the_frame_of_the_event_is_what_lies_in_memory(image: Image, design: str) -> None:
    session = played(image, "first-call", design)
    (event,) = only(session.events, "frame-pushed")
    assert isinstance(event, FramePushed)
    frame = event.frame
    after = session.trace.seek(event.moment + 1)
    words = tuple(after.memory.u64(frame.addr + 8 * index) for index in range(5))
    assert words == (frame.ip, frame.cs, frame.flags, frame.sp, frame.ss)
    assert frame.ip == image.symbol("traced_fn").address + 1
    assert frame.sp == session.trace.seek(event.moment).regs[0][RSP]
    assert after.regs[0][RSP] == frame.addr == (frame.sp & ~15) - 40


@pytest.mark.parametrize(
    ("design", "symbol"),
    [
        ("skip", "traced_fn+0x5"),
        ("thread", "ftrace_int3_stub_regs_caller+0x0"),
        ("percpu", "ftrace_int3_stub_percpu_regs_caller+0x0"),
        ("gap", "ftrace_regs_caller+0x0"),
    ],
)
def test_the_handler_rewrites_the_ip_that_iretq_loads(image: Image, design: str, symbol: str) -> None:
    session = played(image, "first-call", design)
    rewritten = [e for e in session.events if isinstance(e, FrameRewritten) and e.field == "ip"]
    (iret,) = [event for event in session.events if isinstance(event, IretExecuted)]
    assert [(event.old_symbol, event.new_symbol) for event in rewritten] == [("traced_fn+0x1", symbol)]
    assert (iret.vector, iret.ip, iret.symbol) == (3, rewritten[0].new, symbol)
    assert session.trace.seek(iret.moment + 1).regs[0][RIP] == iret.ip


def test_the_slot_holds_the_address_behind_the_site_until_it_is_popped(image: Image) -> None:
    session = played(image, "first-call", "thread")
    behind = image.symbol("traced_fn").address + 5
    slot = image.symbol("worker").address + image.offset("task_struct", "thread_info.ftrace_int3_stack.slots[0]")
    accesses = [event for event in session.events if isinstance(event, StackAccess)]
    assert [(event.access, event.index, event.value, event.depth) for event in accesses] == [
        ("depth", 0, 0, 1), ("slot", 0, behind, 1), ("slot", 0, behind, 1), ("depth", 0, behind, 0),
    ]  # fmt: skip
    assert {(event.owner, event.task, event.context) for event in accesses} == {("worker", "worker", Context.PROCESS)}
    for event in accesses:
        assert session.trace.seek(event.moment + 1).memory.u64(slot) == event.value
    pushed, popped = accesses[1], accesses[3]
    assert isinstance(pushed, SlotPushed)
    assert isinstance(popped, SlotPopped)


def test_under_percpu_the_stack_is_the_cpus(image: Image) -> None:
    accesses = [event for event in played(image, "first-call", "percpu").events if isinstance(event, StackAccess)]
    assert [(event.name, event.owner, event.index) for event in accesses] == [
        ("push-begun", "cpu 0", 0), ("slot-pushed", "cpu 0", 0), ("pop-begun", "cpu 0", 0), ("slot-popped", "cpu 0", 0),
    ]  # fmt: skip


def test_the_gap_is_six_words_below_the_frame(image: Image) -> None:
    session = played(image, "first-call", "gap")
    (gap,) = [event for event in session.events if isinstance(event, GapOpened)]
    assert (gap.hardware - gap.addr, gap.words) == (48, 6)
    memory = session.trace.seek(gap.moment + 1).memory
    assert memory.read(gap.addr, 40) == memory.read(gap.hardware, 40)


@pytest.mark.parametrize("design", ["thread", "percpu", "gap"])
def test_the_emulated_call_looks_like_a_real_one(image: Image, design: str) -> None:
    session = played(image, "first-call", design)
    (hit,) = [event for event in session.events if isinstance(event, BreakpointHit)]
    (call,) = [event for event in session.events if isinstance(event, CallEmulated)]
    before, after = session.trace.seek(hit.moment), session.trace.seek(call.moment + 1)
    assert (hit.symbol, hit.site) == ("traced_fn+0x0", "function")
    assert call.target_symbol == "ftrace_regs_caller+0x0"
    assert call.return_address == after.memory.u64(call.sp) == hit.ip + 5
    assert after.regs[0][RSP] == call.sp == before.regs[0][RSP] - 8


def test_the_fops_gets_site_parent_op_and_regs(image: Image) -> None:
    session = played(image, "first-call", "thread")
    (called,) = [event for event in session.events if isinstance(event, FopsCalled)]
    regs = session.trace.seek(called.moment + 1).regs[0]
    assert (called.ip, called.parent_ip, called.regs) == (regs[RDI], regs[RSI], regs[RCX])
    assert (called.op, called.func) == ("tracer_ops", "tracer_func")
    assert regs[RDX] == image.symbol("tracer_ops").address
    assert called.symbol == "traced_fn+0x0"
    assert called.parent_symbol.startswith("caller_fn+")


def test_caller_not_regs_gives_the_fops_no_regs(image: Image) -> None:
    session = played(image, "first-call", "thread", "caller-not-regs")
    (called,) = [event for event in session.events if isinstance(event, FopsCalled)]
    assert called.regs == 0
