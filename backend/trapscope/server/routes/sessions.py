"""Sessions: create, describe, delete, and their traces as text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from trapscope.server.room import Room
from trapscope.server.services import Provided
from trapscope.wire.rest import CreateSession, SessionInfo

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


@router.get("/{id_}/trace", response_class=StreamingResponse)
async def trace(
    services: Provided, id_: Id, format_: Annotated[Literal["jsonl"], Query(alias="format")] = "jsonl"
) -> StreamingResponse:
    """What has been recorded so far, as JSON lines; the last line is of type `end` once the run has its verdict."""
    room = services.sessions.get(id_)
    # The first piece before the status line is sent, so that a session that cannot go on is a problem document.
    piece, following = await room.export(format_, None)
    name = f"{room.choice.scenario}-{room.choice.design}.{format_}"
    return StreamingResponse(
        _pieces(room, format_, piece, following),
        media_type="application/x-ndjson",
        headers={"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"},
    )


async def _pieces(room: Room, format_: Literal["jsonl"], piece: bytes, following: int | None) -> AsyncIterator[bytes]:
    yield piece
    while following is not None:
        piece, following = await room.export(format_, following)
        yield piece
