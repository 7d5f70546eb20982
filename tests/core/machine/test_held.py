"""What a CPU holds back: told when it changes, and the same however the run was cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trapscope.core.image import Image
from trapscope.core.lens.events import IpiSent
from trapscope.core.machine import Held, Holding, Pending, Wait
from trapscope.core.machine.apic import LocalApic
from trapscope.core.machine.cpu import Cpu, Shadow
from trapscope.core.machine.faults import BP, Event, Source
from trapscope.core.machine.held import holding_of
from trapscope.core.session import Session
from trapscope.core.session.catalogue import resolve
from trapscope.core.types import RFLAGS, StepKind

_IF = 1 << 9


def played(image: Image, schedule: str, *, scenario: str = "first-call", piece: int = 10_000) -> Session:
    session = Session(image, resolve(image, scenario), max_steps=5000)
    session.feed(schedule)
    while session.pending:
        session.advance(piece)
    session.finish()
    return session


def at(held: list[Held], moment: int, cpu: int = 0) -> Holding:
    """What the entries say of a moment: the last one up to it."""
    mine = [entry.holding for entry in held if entry.cpu == cpu and entry.moment <= moment]
    return mine[-1] if mine else Holding()


@given(
    st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.sampled_from(Shadow), st.sampled_from([0, _IF]),
    st.sets(st.sampled_from([0x31, 0xEC, 0xED, 0xF3])), st.sets(st.sampled_from([0x31, 0xEC, 0xF3])),
    st.sampled_from([0, 0x30, 0xF0]),
)  # fmt: skip
def test_what_waits_for_nothing_is_what_the_cpu_takes_next(
    owed: bool, nmi: bool, blocked: bool, mce: bool, shadow: Shadow, rflags: int, requested: set[int],
    in_service: set[int], tpr: int,
) -> None:  # fmt: skip
    cpu = Cpu(0, LocalApic(0, 1, requested, in_service, tpr), None, nmi, blocked, mce, shadow=shadow)
    cpu.owed = Event(BP, Source.SOFTWARE) if owed else None
    holding = holding_of(cpu, rflags)
    assert sorted(each.vector for each in holding.pending) == sorted([*requested, *[2] * nmi, *[18] * mce])
    taken = cpu.deliverable(rflags)
    ready = [each.vector for each in holding.pending if not each.waits_for]
    assert ready == ([taken.vector] if taken is not None and not owed else [])


def test_an_interrupt_under_a_clear_if_is_pending_until_the_cpu_takes_it_and_says_why(image: Image) -> None:
    session = played(image, "0>int3 0*1 irq@0 0>.")
    raised = next(entry for entry in session.held if entry.holding.pending)
    steps = session.trace.steps(raised.moment, len(session.trace))
    taken = next(step.moment for step in steps if step.vector == 0xEC)
    assert raised.holding == Holding(False, (Pending("irq", 0xEC, (Wait.IF_CLEAR,)),))
    for moment in range(raised.moment, taken + 1):
        (pending,) = at(session.held, moment).pending
        clear = not session.trace.seek(moment).regs[0][RFLAGS] & _IF
        assert (Wait.IF_CLEAR in pending.waits_for) is clear
    assert at(session.held, taken + 1).pending == ()


def test_nmis_are_blocked_from_the_delivery_until_behind_the_iretq(image: Image) -> None:
    session = played(image, "0>int3 nmi@0 0>.")
    steps = list(session.trace.steps(0, len(session.trace)))
    taken = next(step.moment for step in steps if step.vector == 2)
    iretq = next(step.moment for step in steps[taken:] if step.code == b"\x48\xcf")
    blocked = [moment for moment in range(len(steps) + 1) if at(session.held, moment).nmi_blocked]
    assert blocked == list(range(taken + 1, iretq + 1))


@pytest.mark.parametrize("piece", [1, 7, 64])
def test_it_does_not_depend_on_how_a_run_is_cut_into_pieces(image: Image, piece: int) -> None:
    schedule = "0>int3 irq@0 nmi@0 0*3 mce@0 nmi@0 0*20 irq@0 0*300"
    whole, cut = played(image, schedule), played(image, schedule, piece=piece)
    assert cut.held == whole.held != []


def test_an_interrupt_from_another_cpu_is_pending_right_behind_the_store_that_sent_it(image: Image) -> None:
    session = played(image, "rr*3", scenario="patch-live")
    sent = [event for event in session.events if isinstance(event, IpiSent)]
    assert sent
    for event in sent:
        for target in event.to:
            vectors = [pending.vector for pending in at(session.held, event.moment + 1, target).pending]
            assert event.vector in vectors


def test_what_was_raised_at_a_moment_is_told_though_nothing_ran_since(image: Image) -> None:
    session = Session(image, resolve(image, "first-call"))
    session.feed("irq@0 nmi@0 nmi@0")
    session.advance(10)
    assert [(entry.moment, len(entry.holding.pending)) for entry in session.held] == [(0, 1), (0, 2)]


def test_looking_at_what_a_cpu_would_do_tells_nothing(image: Image) -> None:
    session = Session(image, resolve(image, "first-call"))
    session.feed("nmi@0")
    session.advance(10)
    before = list(session.held)
    step = session.would_step(0, ())
    assert step is not None
    assert step.kind is StepKind.DELIVERY
    assert session.held == before
