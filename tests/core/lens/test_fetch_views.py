"""What each CPU would decode at the sites: told whenever it changes, and what it then decodes."""

from __future__ import annotations

import pytest

from trapscope.core.image import Image
from trapscope.core.lens.events import FetchViewChanged
from trapscope.core.session import Session
from trapscope.core.session.catalogue import resolve
from trapscope.core.session.schedule import SITE_BYTES
from trapscope.core.types import FetchModel, StepKind


def weak(image: Image, schedule: str, design: str = "thread") -> Session:
    session = Session(image, resolve(image, "patch-live", design, (), FetchModel.WEAK))
    session.feed(schedule)
    while session.advance(10_000):
        pass
    return session


def views(session: Session) -> list[FetchViewChanged]:
    return [event for event in session.events if isinstance(event, FetchViewChanged)]


@pytest.mark.parametrize("quantum", [1, 7])
def test_every_instruction_at_a_site_is_decoded_from_what_was_told_last(image: Image, quantum: int) -> None:
    session = weak(image, f"rr*{quantum}")
    told = {(event.cpu, event.site, event.moment): event.seen for event in views(session)}
    sites = {site for _, site, _ in told}
    seen: dict[tuple[int, int], bytes] = {}
    looked_at = 0
    for step in session.trace.steps():
        if step.rip in sites and step.kind is StepKind.INSN:
            held = session.trace.seek(step.moment).memory.read(step.rip, SITE_BYTES)
            expected = seen.get((step.cpu, step.rip), held)
            assert step.code == expected[: len(step.code)]
            looked_at += expected != held
        seen |= {(cpu, site): code for (cpu, site, moment), code in told.items() if moment == step.moment}
    assert looked_at


def test_a_store_to_a_site_is_told_to_every_cpu_that_lags_and_a_serialising_instruction_ends_it(image: Image) -> None:
    session = weak(image, "rr*7")
    told = views(session)
    store = next(event for event in session.events if event.name == "text-write")
    first = [event for event in told if event.moment == store.moment]
    assert {event.cpu for event in first} == {0, 1}
    assert all(event.cause == "stored" and event.stale == (0,) for event in first)
    fresh = next(
        event for event in told if event.moment > store.moment and event.cpu == 0 and event.cause == "serialised"
    )
    assert fresh.stale == ()
    assert fresh.seen[:1] == b"\xcc"


def test_a_fetch_token_is_told_behind_the_step_before_it(image: Image) -> None:
    session = weak(image, "0* 1>text-write fetch@0 1*3")
    (store,) = [event for event in session.events if event.name == "text-write"]
    by_schedule = [event for event in views(session) if event.cause == "schedule"]
    assert [(event.moment, event.cpu, event.seen[0], event.stale) for event in by_schedule] == [
        (store.moment, 0, 0xCC, ())
    ]


def test_a_run_can_go_to_the_next_change_of_a_view(image: Image) -> None:
    session = weak(image, "0* 1>fetch-view")
    assert [(event.cpu, event.moment) for event in views(session)][-1] == (1, len(session.trace) - 1)


def test_nothing_is_told_in_the_coherent_model(image: Image) -> None:
    session = Session(image, resolve(image, "patch-live", "thread"))
    session.feed("rr*7")
    while session.advance(10_000):
        pass
    assert not views(session)
