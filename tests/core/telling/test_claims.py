"""Every sentence that a run tells is true at its moment: in every row of the matrix, and wherever interrupts come."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.telling.claims import CLAIMS, Scene
from trapscope.copy import english
from trapscope.core.image import Image
from trapscope.core.session import Session
from trapscope.core.session.catalogue import CATALOGUE, resolve
from trapscope.core.telling import PASSAGES
from trapscope.matrix.expectations import EXPECTATIONS
from trapscope.matrix.row import Row

#: A run that goes in circles tells the same again.
_MOST_EVENTS = 400


def told_of(session: Session, image: Image) -> Counter[str]:
    """Which messages the run tells, each of them checked."""
    found: Counter[str] = Counter()
    words = english()
    for place, (event, told) in enumerate(zip(session.events, session.told, strict=True)):
        found[told.id] += 1
        text = words.say(told.id, told.args)
        assert text[0] in "`ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        assert text.endswith(".")
        assert text.count("`") % 2 == 0
        assert told.passage is None or told.passage in PASSAGES
        claim = CLAIMS.get(told.id)
        if claim is not None and found[told.id] <= _MOST_EVENTS:
            before, after = (session.trace.seek(moment) for moment in (event.moment, event.moment + 1))
            assert claim(Scene(image, session, event, place, before, after)), f"moment {event.moment + 1}: {text}"
    return found


def played(image: Image, row: Row, schedule: str = "") -> Session:
    spec = resolve(image, row.scenario, row.design, row.variants, row.fetch.value, row.cpus)
    session = Session(image, spec, max_steps=min(row.max_steps, 20_000))
    session.feed(
        schedule or row.schedule or CATALOGUE[row.scenario].schedule_under(row.design, spec.variants, row.fetch)
    )
    while session.pending:
        session.advance(5_000)
    return session


ROWS = {
    f"{row.scenario} {row.design} {','.join(row.variants)} {row.fetch.value} {row.schedule}": row
    for row in EXPECTATIONS
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_sentence_of_a_row_is_true(image: Image, row: Row) -> None:
    assert told_of(played(image, row), image)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_every_sentence_is_true_wherever_interrupts_come(image: Image, data: st.DataObject) -> None:
    row = data.draw(st.sampled_from([row for row in EXPECTATIONS if row.cpus in (None, 1)]))
    pieces = data.draw(
        st.lists(st.tuples(st.integers(1, 400), st.sampled_from(["irq@0", "nmi@0", "mce@0"])), min_size=1, max_size=3)
    )
    told_of(played(image, row, " ".join(f"0*{steps} {what}" for steps, what in pieces) + " 0>."), image)


def test_what_was_told_wrongly_is_told_as_it_is(image: Image) -> None:
    """The runs in which sentences were found that the run contradicts."""

    def told(scenario: str, design: str = "thread", *variants: str) -> Counter[str]:
        spec = resolve(image, scenario, design, variants)
        session = Session(image, spec, max_steps=20_000)
        session.feed(CATALOGUE[scenario].schedule_under(design, spec.variants, spec.fetch))
        session.advance(20_000)
        return told_of(session, image)

    slot_first, lower_first = (
        told("nmi-in-handler", "thread", "slot-first"),
        told("irq-in-stub", "thread", "lower-first"),
    )
    assert slot_first["push-over"] == 1
    assert slot_first["fops-called-astray"] + slot_first["call-emulated-wrong"] >= 1
    assert lower_first["push-over"] == 1
    assert lower_first["call-emulated-wrong"] >= 1
    assert told("preempt-migrate", "percpu")["call-emulated-wrong"] >= 1
    assert told("first-call")["int3-nop"] == 1
    assert told("four-contexts")["pop-begun-slot-full"] == 1
    assert told("fifth", "thread", "unchecked-depth")["push-beyond"] >= 1
    no_gap = told("stack-room", "gap", "no-gap")
    assert no_gap["frame-rewritten-pushed"] == 1
    assert no_gap["fault-selector"] == 1


def test_a_passage_of_the_patch_stands_only_where_the_design_has_what_it_speaks_of(image: Image) -> None:
    for design in ("gap", "skip"):
        session = Session(image, resolve(image, "first-call", design))
        session.feed(CATALOGUE["first-call"].schedule_under(design, frozenset(), session.spec.fetch))
        session.advance(20_000)
        shown = {told.passage for told in session.told}
        assert not shown & {"frame", "stub", "communicate", "slots", "offsets"}
