"""Who had a CPU take an interrupt: against what the machine's local APICs and the schedule did."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.lens.played import played
from trapscope.core.errors import BadInput
from trapscope.core.image import Image
from trapscope.core.image.flow import Role
from trapscope.core.lens.events import IpiSent
from trapscope.core.session import Session
from trapscope.core.session.catalogue import resolve
from trapscope.core.why import Inquiry, Question
from trapscope.core.why.senders import BeforeTheRun, Injected, Sent

ICR = "0xfee00300+4"


def of_schedule(image: Image, schedule: str, scenario: str = "first-call") -> Session:
    session = Session(image, resolve(image, scenario))
    session.feed(schedule)
    session.advance(session.max_steps)
    return session


@pytest.mark.parametrize("scenario", ["patch-live", "two-sites", "late-handler", "torn", "disable-live"])
def test_every_ipi_was_sent_by_the_store_that_the_ipi_sent_event_is_of(image: Image, scenario: str) -> None:
    session = played(image, scenario)
    inquiry = Inquiry(session)
    taken = inquiry.events("ipi-taken")
    assert taken
    for delivery in taken:
        sent = [event for event in inquiry.events("ipi-sent", 0, delivery.moment) if isinstance(event, IpiSent)]
        [*_, last] = (event for event in sent if delivery.cpu in event.to)
        assert inquiry.cause(delivery.moment) == Sent(last.moment)


def test_why_the_cpu_is_in_the_handler_goes_on_to_the_store_that_sent_the_interrupt(image: Image) -> None:
    inquiry = Inquiry(played(image, "patch-live"))
    chain = inquiry.why("rip@0", "ipi-taken")
    delivery, store = (chain.links[number] for number in chain.path[:2])

    assert delivery.sources[0].role is Role.CAUSE
    assert (inquiry.name(store.place), store.value.hex()) == ("local APIC: ICR", "fb400000")
    assert store.step == inquiry.find(Question.LAST_WRITE, ICR, "ipi-taken")[2].step


@given(
    before=st.integers(0, 60),
    raised=st.lists(st.sampled_from(["irq@0", "nmi@0", "mce@0", "0*1", "0*7"]), min_size=1, max_size=8),
)
@settings(max_examples=40, deadline=None)
def test_what_the_schedule_raises_is_said_with_the_moment_at_which_it_did(
    image: Image, before: int, raised: list[str]
) -> None:
    session = of_schedule(image, f"0*{before + 1} {' '.join(raised)} 0*150")
    inquiry = Inquiry(session)
    moments = {(moment, token.what) for moment, token in session.injections}
    names = {0xEC: "irq", 2: "nmi", 18: "mce"}
    for step, vector in enumerate(session.trace.columns.vector):
        if int(vector) in names:
            cause = inquiry.cause(step)
            assert isinstance(cause, Injected)
            assert (cause.moment, names[int(vector)]) in moments
            assert cause.moment <= step
            moments.remove((cause.moment, names[int(vector)]))
        else:
            assert inquiry.cause(step) is None


def test_what_is_pending_at_moment_0_was_sent_before(image: Image) -> None:
    session = of_schedule(image, "0*5 irq@0 0*5")
    inquiry = Inquiry(session)
    step = next(at for at, vector in enumerate(session.trace.columns.vector) if vector == 0xEC)
    session.injections.clear()

    assert inquiry.cause(step) == BeforeTheRun()


def test_a_store_to_the_local_apic_is_found_on_any_cpu_and_on_one(image: Image) -> None:
    inquiry = Inquiry(played(image, "patch-live"))
    columns = inquiry.session.trace.columns
    stores = [at for at, writes in sorted(columns.device.items()) if writes[0].addr == 0xFEE000B0]

    _, _, found = inquiry.find(Question.NEXT_WRITE, "0xfee000b0+4", "0")
    assert (found.step, found.old, found.new) == (stores[0], None, bytes(4))
    for cpu in (0, 1):
        mine = [at for at in stores if columns.cpu[at] == cpu]
        _, _, found = inquiry.find(Question.LAST_WRITE, "0xfee000b0+4", str(len(columns.cpu)), cpu)
        assert found.step == (mine[-1] if mine else None)


def test_the_local_apic_holds_no_value_to_ask_why_of(image: Image) -> None:
    with pytest.raises(BadInput, match="a register of the local APIC, of which every CPU has its own"):
        Inquiry(played(image, "patch-live")).why(ICR, "ipi-taken")
