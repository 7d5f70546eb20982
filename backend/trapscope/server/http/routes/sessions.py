"""Sessions: create, describe, delete, their traces as text, their moments as pictures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from trapscope.figure import Part, ThemeName
from trapscope.server.http.services import Provided
from trapscope.server.pipe import requests as ask
from trapscope.wire.exports import FORMATS, TraceFormat
from trapscope.wire.rest import CreateSession, SessionInfo
from trapscope.wire.values import Cpu

router = APIRouter(prefix="/api/sessions", tags=["sessions"])

Id = Annotated[str, Path(max_length=64)]


@router.post("", status_code=201)
async def create(request: Request, response: Response, services: Provided, wanted: CreateSession) -> SessionInfo:
    """Boot a machine; it stands at moment 0 until somebody asks it to run."""
    address = request.client.host if request.client is not None else ""
    room = await services.sessions.create(wanted, address)
    response.headers["location"] = f"/api/sessions/{room.id}"
    return await room.info()


@router.get("/{id_}")
async def describe(services: Provided, id_: Id) -> SessionInfo:
    """Choice, state, verdict, inputs."""
    return await services.sessions.get(id_).info()


@router.delete("/{id_}", status_code=204)
async def delete(services: Provided, id_: Id) -> None:
    """End it for everybody."""
    await services.sessions.delete(id_)


@router.get(
    "/{id_}/trace",
    response_class=StreamingResponse,
    responses={
        200: {"content": {f.media_type.split(";")[0]: {"schema": {"type": "string"}} for f in FORMATS.values()}}
    },
)
async def trace(
    services: Provided,
    id_: Id,
    format_: Annotated[TraceFormat, Query(alias="format", description="JSON lines; Chrome's JSON; Tenet's text")] = (
        "jsonl"
    ),
    cpu: Annotated[Cpu | None, Query(description="Whose side: for tenet, where the run has several CPUs")] = None,
) -> StreamingResponse:
    """What has been recorded so far, in a format of choice; as JSON lines the last is of type `end` once it is over."""
    room = services.sessions.get(id_)
    pieces = room.export(format_, cpu)
    # The first piece before the status line is sent, so that a session that cannot go on is a problem document.
    first = await anext(pieces)
    name = f"{room.choice.scenario}-{room.choice.design}.{FORMATS[format_].suffix}"
    return StreamingResponse(
        _joined(first, pieces),
        media_type=FORMATS[format_].media_type,
        headers={"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"},
    )


@router.get(
    "/{id_}/figure",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
)
async def figure(
    services: Provided,
    id_: Id,
    at: Annotated[str, Query(max_length=80, description="A moment, an event's name, or EVENT:N for its N-th")],
    theme: ThemeName = "light",
    part: Annotated[Part, Query(description="All of the stage, 16:9, or one part of it")] = "all",
    cpu: Annotated[Cpu | None, Query(description="Whose code and stack; who made the last step if not given")] = None,
) -> Response:
    """A moment of the run as SVG, for slides and papers: what `trapscope figure` draws, byte for byte."""
    room = services.sessions.get(id_)
    svg = await room.inquire(ask.AskFigure(session=id_, at=at, theme=theme, part=part, cpu=cpu))
    name = f"{room.choice.scenario}-{room.choice.design}-{at.replace(':', '-')}.svg"
    return Response(
        svg,
        media_type="image/svg+xml",
        headers={"content-disposition": f'inline; filename="{name}"', "cache-control": "no-store"},
    )


async def _joined(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in pieces:
        yield piece
