"""What an inquiry finds, as the wire tells it: the shapes of queries.py."""

from __future__ import annotations

from typing import Any

from trapscope.core.lens import Event
from trapscope.core.session import Session
from trapscope.core.types import StepKind
from trapscope.core.why import Chain, Found, Inquiry, Link, Place, Question
from trapscope.core.why.senders import BeforeTheRun, Cause, Injected, Sent
from trapscope.wire import queries as wire
from trapscope.wire.events import event_object
from trapscope.wire.values import hex_text

_WORD = 8


def why(inquiry: Inquiry, chain: Chain) -> wire.Why:
    """A chain, each link with its step."""
    asked = chain.links[0]
    return wire.Why(
        target=str(asked.place),
        at=asked.moment,
        links=[_link(inquiry, link) for link in chain.links],
        path=list(chain.path),
        limited=chain.limited,
    )


def found(inquiry: Inquiry, question: Question, place: Place, moment: int, what: Found) -> wire.Found:
    """The step that answers a question."""
    session = inquiry.session
    return wire.Found(
        question=question.value,
        target=str(place),
        at=moment,
        step=None if what.step is None else traced_step(inquiry, what.step),
        old=None if what.old is None else value(session, what.old),
        new=None if what.new is None else value(session, what.new),
    )


def event_list(events: list[Event], most: int) -> dict[str, Any]:
    """An EventList as JSON will have it."""
    return {"total": len(events), "events": [event_object(event) for event in events[:most]]}


def value(session: Session, raw: bytes) -> wire.Value:
    """Bytes in memory's order; by name where they are an address that has one."""
    if len(raw) > _WORD:
        return wire.Value(hex=None, bytes=raw.hex(), symbol=None)
    number = int.from_bytes(raw, "little")
    return wire.Value(hex=hex_text(number), bytes=raw.hex(), symbol=session.image.name(number))


def traced_step(inquiry: Inquiry, moment: int) -> wire.TracedStep:
    """A step with all that says where it belongs."""
    session = inquiry.session
    step = session.trace.step(moment)
    lane = session.lanes[session.lane_of[moment]]
    line = session.image.line(step.rip)
    decoded = inquiry.decoded(moment)
    writes = () if decoded is None else (write for _, _, write in decoded.stretches if write is not None)
    return wire.TracedStep(
        n=moment,
        cpu=step.cpu,
        kind=step.kind.value,
        rip=hex_text(step.rip),
        symbol=session.image.name(step.rip),
        file=None if line is None else line.file,
        line=None if line is None else line.line,
        bytes=step.code.hex(),
        text=session.image.disassembler.text(step.rip, step.code) if step.kind is StepKind.INSN else None,
        vector=None if step.vector < 0 else step.vector,
        context=lane.context.value,
        trap=lane.trap,
        task=lane.task,
        written=sorted({inquiry.step_of_write(write) for write in writes}),
        stale=decoded is not None and decoded.stale,
        cause=_cause(inquiry.cause(moment)),
    )


def _cause(cause: Cause | None) -> wire.Cause | None:
    match cause:
        case Sent(step):
            return wire.Cause(by="store", moment=step)
        case Injected(moment):
            return wire.Cause(by="schedule", moment=moment)
        case BeforeTheRun():
            return wire.Cause(by="before", moment=None)
        case None:
            return None


def _link(inquiry: Inquiry, link: Link) -> wire.Link:
    return wire.Link(
        id=link.number,
        target=str(link.place),
        name=inquiry.name(link.place),
        at=link.moment,
        value=value(inquiry.session, link.value),
        step=None if link.step is None else traced_step(inquiry, link.step),
        end=None if link.end is None else wire.End(code=link.end.code.value, words=link.end.words),
        sources=[wire.Source(role=source.role.value, link=source.link) for source in link.sources],
    )
