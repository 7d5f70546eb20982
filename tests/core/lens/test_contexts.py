"""Contexts, lanes and nesting: who runs, inside how many traps, as the guest's own counters say."""

from itertools import pairwise

import pytest

from tests.core.lens.played import names, only, play, played, violated
from trapscope.core.image import Image
from trapscope.core.lens import Lane
from trapscope.core.lens.events import (
    BreakpointHit,
    Forked,
    FramePushed,
    Interrupted,
    IpiSent,
    IpiTaken,
    IretExecuted,
    Migrated,
    NmiTaken,
    PatchPhaseBegun,
    Preempted,
    SlotPopped,
    SlotPushed,
    SoftirqBegun,
)
from trapscope.core.session import Session
from trapscope.core.types import REGISTER_INDEX, Context, StepKind

FOUR = [Context.PROCESS, Context.SOFTIRQ, Context.IRQ, Context.NMI]


def lane(session: Session, moment: int) -> Lane:
    return session.lanes[session.lane_of[moment]]


def test_the_int3_belongs_to_the_lane_it_left_and_the_delivery_to_the_one_it_opened(image: Image) -> None:
    session = played(image, "first-call")
    (hit,) = only(session.events, "int3")
    assert lane(session, hit.moment) == Lane(Context.PROCESS, 0, "worker")
    assert lane(session, hit.moment + 1) == Lane(Context.PROCESS, 1, "worker")
    (iret,) = only(session.events, "iret")
    assert lane(session, iret.moment).trap == 1
    assert lane(session, iret.moment + 1).trap == 0


def test_four_contexts_hold_a_slot_each_and_unwind_in_order(image: Image) -> None:
    session = played(image, "four-contexts", "thread")
    pushed = [event for event in session.events if isinstance(event, SlotPushed)]
    popped = [event for event in session.events if isinstance(event, SlotPopped)]
    assert [(event.context, event.index, event.depth) for event in pushed] == [
        (context, index, index + 1) for index, context in enumerate(FOUR)
    ]
    assert [(event.context, event.index, event.depth) for event in popped] == [
        (context, index, index) for index, context in reversed(list(enumerate(FOUR)))
    ]
    assert [event.value for event in popped] == [event.value for event in reversed(pushed)]
    assert {event.owner for event in pushed} == {"worker"}


def test_each_context_hits_its_own_function(image: Image) -> None:
    hits = [event for event in played(image, "four-contexts").events if isinstance(event, BreakpointHit)]
    assert [(event.context, event.symbol) for event in hits] == [
        (Context.PROCESS, "traced_fn+0x0"), (Context.SOFTIRQ, "traced_softirq+0x0"),
        (Context.IRQ, "traced_irq+0x0"), (Context.NMI, "traced_nmi+0x0"),
    ]  # fmt: skip


def test_an_interrupt_is_in_irq_context_from_its_delivery_on(image: Image) -> None:
    session = played(image, "four-contexts")
    for event in session.events:
        if isinstance(event, Interrupted):
            assert lane(session, event.moment).context is Context.IRQ
            assert lane(session, event.moment + 1).context is Context.IRQ
        if isinstance(event, NmiTaken):
            assert lane(session, event.moment).context is Context.NMI


def test_an_interrupt_says_what_it_interrupted(image: Image) -> None:
    session = played(image, "four-contexts")
    assert [e.context for e in session.events if isinstance(e, Interrupted)] == [Context.PROCESS, Context.SOFTIRQ]
    assert [e.context for e in session.events if isinstance(e, NmiTaken)] == [Context.IRQ]
    (softirq,) = [event for event in session.events if isinstance(event, SoftirqBegun)]
    assert softirq.task == "worker"


def test_contexts_are_left_again_in_the_end(image: Image) -> None:
    session = played(image, "four-contexts")
    assert lane(session, len(session.trace) - 1) == Lane(Context.PROCESS, 0, "worker")


def test_a_lane_changes_only_where_something_began_or_ended(image: Image) -> None:
    """The count of traps goes by one, up at a delivery and down behind an iretq."""
    session = played(image, "four-contexts")
    traps = [lane(session, moment).trap for moment in range(len(session.trace))]
    for moment, (before, after) in enumerate(pairwise(traps), 1):
        if after > before:
            assert session.trace.step(moment).kind is StepKind.DELIVERY
        elif after < before:
            assert session.trace.step(moment - 1).code == b"\x48\xcf"
        assert abs(after - before) <= 1


def test_a_task_that_is_preempted_takes_slot_and_trap_to_the_other_cpu(image: Image) -> None:
    session = played(image, "preempt-migrate", "thread")
    (preempted,) = [e for e in session.events if isinstance(e, Preempted) and e.task == "worker" and e.depth]
    migrated = next(event for event in session.events if isinstance(event, Migrated) and event.task == "worker")
    assert (preempted.cpu, preempted.depth) == (0, 1)
    assert (migrated.cpu, migrated.from_cpu, migrated.depth) == (1, 0, 1)
    (popped,) = [event for event in session.events if isinstance(event, SlotPopped)]
    assert (popped.cpu, popped.task, popped.depth) == (1, "worker", 0)


def test_traced_preempt_makes_one_process_context_hold_two_slots(image: Image) -> None:
    pushed = [
        e for e in played(image, "preempt-migrate", "thread", "traced-preempt").events if isinstance(e, SlotPushed)
    ]
    assert [(event.context, event.index) for event in pushed] == [(Context.PROCESS, 0), (Context.PROCESS, 1)]


def test_a_child_is_copied_with_depth_0(image: Image) -> None:
    (forked,) = [event for event in played(image, "fork").events if isinstance(event, Forked)]
    assert (forked.parent, forked.depth, forked.addr) == ("worker", 0, image.symbol("child").address)


def test_a_fork_from_an_interrupt_before_the_pop_copies_a_phantom_depth(image: Image) -> None:
    session = played(image, "fork", schedule="0>stub-entered irq@0 0>.")
    assert [event.depth for event in session.events if isinstance(event, Forked)] == [1, 0]


def test_every_ipi_that_is_taken_was_sent(image: Image) -> None:
    session = played(image, "patch-live")
    sent = [event for event in session.events if isinstance(event, IpiSent)]
    taken = [event for event in session.events if isinstance(event, IpiTaken)]
    assert {(event.cpu, event.delivery, event.vector, event.to) for event in sent} == {(1, "fixed", 0xFB, (0,))}
    assert {(event.cpu, event.vector, event.sender) for event in taken} == {(0, 0xFB, 1)}
    assert len(taken) == len(sent)


def test_each_sync_reaches_every_cpu_before_the_next_pass(image: Image) -> None:
    session = played(image, "livepatch-live")
    told = [event for event in session.events if event.name in ("patch-phase", "sync-core")]
    phases = ["breakpoints", "sync-1", "synced", "tails", "sync-2", "synced", "first-bytes", "sync-3", "synced", "done"]
    seen: list[str] = []
    synced: set[int] = set()
    for event in told:
        if event.name == "sync-core":
            synced.add(event.cpu)
            continue
        phase = getattr(event, "phase", "")
        if phase == "synced":
            assert synced == {0, 1}
        synced.clear()
        seen.append(phase)
    assert seen == phases


def phases_of(session: Session) -> list[tuple[int, str]]:
    return [(event.moment, event.phase) for event in session.events if isinstance(event, PatchPhaseBegun)]


def test_a_sync_is_over_when_the_patcher_goes_on_not_when_it_was_asked_for(image: Image) -> None:
    session = played(image, "late-handler")
    phases = phases_of(session)
    (begun,) = [moment for moment, phase in phases if phase == "sync-3"]
    over = [moment for moment, phase in phases if phase == "synced"][-1]
    answered = [event.moment for event in session.events if event.name == "sync-core" and event.cpu == 0][-1]
    returned = next(event.moment for event in session.events if event.name == "iret" and event.moment > begun)
    assert begun < returned < answered < over


def test_a_change_that_is_called_done_too_early_still_has_its_last_sync(image: Image) -> None:
    phases = [phase for _, phase in phases_of(played(image, "disable-live", "thread", "early-done"))]
    at = phases.index("done")
    assert phases[at - 1 : at + 3] == ["first-bytes", "done", "sync-3", "synced"]


def test_a_sync_that_is_left_out_is_neither_begun_nor_over(image: Image) -> None:
    phases = [phase for _, phase in phases_of(played(image, "livepatch-live", "thread", "no-sync-2"))]
    assert phases == ["breakpoints", "sync-1", "synced", "tails", "first-bytes", "sync-3", "synced", "done"]


def test_the_outer_nmi_ends_by_a_copy_of_its_frame(image: Image) -> None:
    """The nested NMI overwrites the hardware's frame; the entry code had kept one, and leads to repeat_nmi first."""
    session = played(image, "nmi-in-nmi", "thread")
    frames = [event for event in session.events if isinstance(event, FramePushed) and event.vector == 2]
    irets = [event for event in session.events if isinstance(event, IretExecuted) and event.vector != 3]
    nested, repeat, outer = irets
    assert (nested.vector, nested.addr, nested.symbol) == (2, frames[1].frame.addr, frames[1].symbol)
    assert (repeat.vector, repeat.symbol) == (-1, "repeat_nmi+0x0")
    assert (outer.vector, outer.ip, outer.sp) == (2, frames[0].frame.ip, frames[0].frame.sp)
    assert outer.addr < frames[0].frame.addr


@pytest.mark.parametrize("place", ["patched_fn", "tracer_func", "klp_ftrace_handler", "patched_fn_new"])
def test_an_interrupt_at_a_functions_first_instruction_is_no_second_entry(image: Image, place: str) -> None:
    plain = played(image, "livepatch-window")
    session = played(image, "livepatch-window", schedule=f"0>&{place} irq@0 0>.")
    of_interest = ("fops-called", "fops-missed", "redirected", "old-body-ran", "call-emulated")
    assert "irq" in names(session.events)
    assert names(only(session.events, *of_interest)) == names(only(plain.events, *of_interest))
    assert violated(session) == set()


OPENS = {2: Context.NMI, 18: Context.MCE, 0xEC: Context.IRQ}


def innermost_by_deliveries(image: Image, session: Session) -> list[Context | None]:
    """Before each step of CPU 0, what the innermost open delivery made of it; None once it has been counted down.

    Made from deliveries, `iretq` and the guest's two words in memory alone.
    """
    gs = session.state0.regs[0][REGISTER_INDEX["gs_base"]]
    preempt_count, mce_count = (gs + image.symbol(name).address for name in ("__preempt_count", "mce_count"))
    sync_core = image.symbol("sync_core")
    words = {address: session.state0.memory.u32(address) for address in (preempt_count, mce_count)}
    open_: list[list[int]] = []  # [vector, the count when it came, 0 not counted yet / 1 counted / 2 counted down]
    found: list[Context | None] = []
    for step in session.trace.steps():
        words |= {write.addr: int.from_bytes(write.new, "little") for write in step.writes if write.addr in words}
        counts = {18: words[mce_count], 2: words[preempt_count] >> 16 & 0xFF, 0xEC: words[preempt_count] >> 16 & 0xFF}
        if step.vector in OPENS:
            open_.append([step.vector, counts[step.vector], 0])
        found.append(OPENS[open_[-1][0]] if open_ and open_[-1][2] < 2 else None)
        if not open_:
            continue
        vector, before, phase = open_[-1]
        if step.code == b"\x48\xcf" and not 0 <= step.rip - sync_core.address < sync_core.size:
            open_.pop()
        elif counts[vector] > before:
            open_[-1][2] = 1
        elif phase == 1:
            open_[-1][2] = 2
    return found


@pytest.mark.parametrize("inner", ["nmi@0 0*{j} mce@0", "mce@0 0*{j} nmi@0", "nmi@0"])
def test_a_delivery_that_is_not_counted_yet_decides_the_context_however_deep(image: Image, inner: str) -> None:
    for first in range(1, 31, 3):
        for second in (1, 2, 5, 14):
            session = play(image, "first-call", schedule=f"0*5 irq@0 0*{first} {inner.format(j=second)} 0*260")
            expected = innermost_by_deliveries(image, session)
            for moment, context in enumerate(expected):
                if context is not None:
                    place = image.name(session.trace.step(moment).rip)
                    assert lane(session, moment).context is context, (session.schedule, moment, place)


def test_an_nmi_in_an_interrupt_that_is_not_counted_leaves_the_interrupt_an_interrupt(image: Image) -> None:
    session = play(image, "first-call", schedule="0*5 irq@0 0*1 nmi@0 0*140")
    contexts = [lane(session, moment).context for moment in range(5, 100)]
    assert contexts[0] is Context.IRQ
    assert Context.PROCESS not in contexts


def test_a_frame_that_an_nmi_overwrites_before_it_was_copied_is_lost_at_that_step(image: Image) -> None:
    session = play(image, "first-call", schedule="0*1 nmi@0 0*1 mce@0 nmi@0 0>.")
    second = [event for event in session.events if isinstance(event, NmiTaken)][1]
    (broken,) = [finding for finding in session.findings if finding.check == "frame-intact"]
    assert broken.moment == second.moment
    assert "overwritten by another delivery" in broken.detail
    assert all(lane(session, moment).context is not Context.PROCESS for moment in range(1, 150))
