"""Questions while a run goes on, and events of a kind: against a look through all of them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.lens.played import played
from trapscope.core.errors import BadInput
from trapscope.core.image import Image
from trapscope.core.lens import EVENT_NAMES
from trapscope.core.session import Session
from trapscope.core.session.catalogue import resolve
from trapscope.core.why import Inquiry, Question


@given(st.data())
@settings(max_examples=60)
def test_events_of_a_kind_in_a_range_are_those_that_a_look_through_all_finds(image: Image, data: st.DataObject) -> None:
    session = played(image, "patch-live")
    moments = st.integers(0, len(session.trace))
    name, first = data.draw(st.sampled_from(EVENT_NAMES)), data.draw(moments)
    end = data.draw(moments | st.none())
    until = len(session.trace) if end is None else end
    expected = [event for event in session.events if event.name == name and first <= event.moment < until]
    assert Inquiry(session).events(name, first, end) == expected


@given(st.lists(st.sampled_from(["0*7", "1*5", "0*40", "1*90"]), min_size=1, max_size=12))
@settings(max_examples=25)
def test_an_inquiry_that_is_asked_after_every_turn_says_what_a_new_one_says(image: Image, turns: list[str]) -> None:
    session = Session(image, resolve(image, "two-sites"))
    asked_often = Inquiry(session)
    for turn in turns:
        session.feed(turn)
        session.advance(session.max_steps)
        at, asked_once = str(len(session.trace)), Inquiry(session)
        for cpu in range(2):
            assert asked_often.why(f"rflags@{cpu}", at, 24) == asked_once.why(f"rflags@{cpu}", at, 24)
            assert asked_often.why(f"rip@{cpu}", at, 24) == asked_once.why(f"rip@{cpu}", at, 24)
        for question, target in ((Question.LAST_WRITE, "thread_stacks:4096"), (Question.LAST_CHANGE, "rax@1")):
            assert asked_often.find(question, target, at) == asked_once.find(question, target, at)
        for name in ("ipi-sent", "patch-phase"):
            assert asked_often.events(name) == asked_once.events(name)


def test_the_value_around_a_write_is_the_targets_before_and_after_its_step(image: Image) -> None:
    session = played(image, "first-call")
    _, _, found = Inquiry(session).find(Question.NEXT_WRITE, "traced_fn:5", "0")
    assert found.step is not None
    site = image.symbol("traced_fn").address
    around = [session.trace.seek(moment).memory.read(site, 5) for moment in (found.step, found.step + 1)]
    assert [found.old, found.new] == around
    assert around[1] == b"\xcc" + around[0][1:]


def test_the_value_around_a_change_is_the_parts_before_and_after_its_step(image: Image) -> None:
    session = played(image, "first-call")
    _, _, found = Inquiry(session).find(Question.NEXT_CHANGE, "rflags[if]@0", "0")
    assert found.step is not None
    flags = [session.trace.seek(moment).regs[0][17] & 1 << 9 for moment in (found.step, found.step + 1)]
    assert [int.from_bytes(value or b"", "little") for value in (found.old, found.new)] == flags
    assert flags[0] != flags[1]


def test_an_event_that_does_not_exist_is_refused(image: Image) -> None:
    with pytest.raises(BadInput, match="there is no event “elevenses”; there are text-write"):
        Inquiry(played(image, "first-call")).events("elevenses")
