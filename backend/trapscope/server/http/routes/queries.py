"""Questions about a session's run, answered by the process that has it. It may go on between them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from trapscope.core.why import DEFAULT_LINKS, MAX_EVENTS, MAX_LINKS
from trapscope.server.http.routes.sessions import Id
from trapscope.server.http.services import Provided
from trapscope.server.pipe import requests as ask
from trapscope.wire.queries import EventList, Found, Question, Why

router = APIRouter(prefix="/api/sessions", tags=["queries"])

Target = Annotated[
    str,
    Query(
        max_length=200,
        description="rax@0, al@0, rflags[zf]@0; depth@0, slots[1]@0; 0xffffffff81002000+8; report+0x10:4; a symbol",
    ),
]
At = Annotated[
    str, Query(max_length=80, description="A moment: a number, an event's name (right after it), EVENT:N for its N-th")
]
Limit = Annotated[int, Query(ge=1, le=MAX_LINKS, description="The most links")]


@router.get("/{id_}/why", response_model=Why)
async def why(
    services: Provided,
    id_: Id,
    target: Target,
    at: At,
    limit: Limit = DEFAULT_LINKS,
) -> Response:
    """Where the value came from that the target holds at a moment, back through the steps that made it."""
    return _json(await services.sessions.get(id_).inquire(ask.AskWhy(session=id_, target=target, at=at, limit=limit)))


@router.get("/{id_}/find", response_model=Found)
async def find(
    services: Provided,
    id_: Id,
    question: Question,
    target: Target,
    at: At,
    cpu: Annotated[int | None, Query(ge=0, le=3, description="Executions on this CPU only")] = None,
) -> Response:
    """The step that last wrote, changed or executed the target before a moment, or does so next from it on."""
    asked = ask.AskFind(session=id_, question=question, target=target, at=at, cpu=cpu)
    return _json(await services.sessions.get(id_).inquire(asked))


@router.get("/{id_}/events", response_model=EventList)
async def events(
    services: Provided,
    id_: Id,
    name: Annotated[str, Query(max_length=80, description="As the JSON lines have it: slot-pushed")],
    first: Annotated[int, Query(alias="from", ge=0, le=2**53 - 1, description="The first step")] = 0,
    end: Annotated[int | None, Query(alias="to", ge=0, le=2**53 - 1, description="The step after the last")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_EVENTS)] = MAX_EVENTS,
) -> Response:
    """The events of a kind in a range of steps."""
    asked = ask.AskEvents(session=id_, name=name, first=first, end=end, limit=limit)
    return _json(await services.sessions.get(id_).inquire(asked))


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"cache-control": "no-store"})
