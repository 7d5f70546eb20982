"""The socket of a session: text frames in, each answered; log and state out, at the client's own pace.

Whatever comes in, the session goes on for everybody else. A frame beyond the size limit never gets here: the protocol
layer closes with 1009.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Annotated, Final, assert_never

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from pydantic import ValidationError
from pydantic_core import from_json

from trapscope.server.bucket import Bucket
from trapscope.server.http.services import Provided, Services
from trapscope.server.refusal import Refused
from trapscope.server.rooms.client import Client
from trapscope.server.rooms.room import Room
from trapscope.wire.messages import (
    CLIENT_MESSAGES,
    SUBPROTOCOL,
    Cancel,
    ClientMessage,
    Cursor,
    Goodbye,
    Rename,
    Reply,
    Run,
)
from trapscope.wire.messages import Refused as RefusedMessage

log: Final = logging.getLogger(__name__)

CLOSED_NORMALLY: Final = 1000
CLOSED_FOR_MISBEHAVIOUR: Final = 1008
CLOSED_UNKNOWN_SESSION: Final = 4404
CLOSED_ROOM_FULL: Final = 4429

#: So many refused messages in a row end the patience.
_MAX_REFUSED_IN_A_ROW: Final = 200

router = APIRouter()


@router.websocket("/api/sessions/{id_}/socket")
async def socket(
    websocket: WebSocket,
    services: Provided,
    id_: str,
    have: Annotated[int, Query(alias="from", ge=0, le=2**53 - 1)] = 0,
    name: Annotated[str | None, Query(min_length=1, max_length=40)] = None,
) -> None:
    """Join a session, or go on from step `from` after a drop."""
    offered = SUBPROTOCOL in websocket.scope["subprotocols"]
    await websocket.accept(subprotocol=SUBPROTOCOL if offered else None)
    try:
        room = services.sessions.get(id_)
        client = room.enter(name, have)
    except Refused as refused:
        services.metrics.refusals.labels(refused.code).inc()
        await websocket.send_text(Goodbye(type="goodbye", why=refused.told()).model_dump_json())
        code = CLOSED_ROOM_FULL if refused.code == "room-full" else CLOSED_UNKNOWN_SESSION
        await websocket.close(code)
        return
    try:
        await _converse(websocket, services, room, client)
    finally:
        room.leave(client)


async def _converse(websocket: WebSocket, services: Services, room: Room, client: Client) -> None:
    """Both directions at once, until one of them ends."""
    outgoing = asyncio.create_task(_tell(websocket, client.messages()), name="socket out")
    incoming = asyncio.create_task(_listen(websocket, services, room, client), name="socket in")
    try:
        await asyncio.wait((outgoing, incoming), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (outgoing, incoming):
            task.cancel()
        await asyncio.wait((outgoing, incoming))
    code = CLOSED_NORMALLY
    for task in (outgoing, incoming):
        if task.cancelled():
            continue
        match task.exception():
            case None:
                pass
            case WebSocketDisconnect():
                return
            case Refused() as refused:
                code = CLOSED_FOR_MISBEHAVIOUR
                await websocket.send_text(Goodbye(type="goodbye", why=refused.told()).model_dump_json())
            case BaseException() as error:
                raise error
    await websocket.close(code)


async def _tell(websocket: WebSocket, messages: AsyncIterator[str | bytes]) -> None:
    """Each send waits until the transport has room: that is this client's own pace."""
    async for message in messages:
        if isinstance(message, str):
            await websocket.send_text(message)
        else:
            await websocket.send_bytes(message)


async def _listen(websocket: WebSocket, services: Services, room: Room, client: Client) -> None:
    """Answer every frame; raises Refused when somebody goes on sending what is refused."""
    rate = services.settings.max_messages_per_second
    bucket = Bucket(rate, 2 * rate, asyncio.get_running_loop().time)
    refused_in_a_row = 0
    while True:
        frame = await websocket.receive()
        if frame["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(frame.get("code", 1006), frame.get("reason"))
        text = frame.get("text")
        try:
            if text is None:
                raise Refused("binary-refused", "clients send text frames only")
            if not bucket.take():
                raise Refused("too-many-messages", f"more than {rate} messages a second; this one was not looked at")
            reply = await _obey(text, services, room, client)
        except Refused as refused:
            services.metrics.refusals.labels(refused.code).inc()
            refused_in_a_row += 1
            if refused_in_a_row >= _MAX_REFUSED_IN_A_ROW:
                raise Refused("too-many-messages", f"{refused_in_a_row} messages in a row were refused") from refused
            seq = None if text is None else sequence_of(text)
            await client.reply(RefusedMessage(type="refused", seq=seq, why=refused.told()))
        else:
            refused_in_a_row = 0
            await client.reply(reply)


async def _obey(text: str, services: Services, room: Room, client: Client) -> Reply:
    """Do what a message says; raises Refused."""
    message = understood(text)
    services.metrics.messages.labels(message.type).inc()
    match message:
        case Run():
            await services.sessions.make_room()
            return Reply(type="reply", seq=message.seq, did="queued", at=await room.run(message.schedule))
        case Cancel():
            dropped, at = await room.cancel()
            return Reply(type="reply", seq=message.seq, did="cancelled" if dropped else "nothing-to-cancel", at=at)
        case Cursor():
            room.move(client, message.moment)
            return Reply(type="reply", seq=message.seq, did="moved", at=room.log.steps)
        case Rename():
            room.rename(client, message.name)
            return Reply(type="reply", seq=message.seq, did="renamed", at=room.log.steps)
        case _:
            assert_never(message)


def understood(text: str) -> ClientMessage:
    """The message in a text frame; raises Refused, which says what is wrong with it."""
    try:
        return CLIENT_MESSAGES.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        raise Refused("bad-json", "the frame is not JSON")
    where = ".".join(str(part) for part in first["loc"])
    raise Refused("bad-message", f"{where}: {first['msg']}" if where else first["msg"])


def sequence_of(text: str) -> int | None:
    """The sequence number of a message that is otherwise not understood, if it has one."""
    try:
        message = from_json(text)
    except ValueError:
        return None
    seq = message.get("seq") if isinstance(message, dict) else None
    return seq if type(seq) is int and 0 <= seq < 2**53 else None
