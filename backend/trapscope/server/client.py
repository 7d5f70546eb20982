"""One connection's place in a room: what it has been told, and an endless sequence of what to tell it next.

Log and state differ: of the log every chunk is told, in order; of status and presence only the newest, when everything
before has been told. Somebody slow therefore costs an index, not a queue, and holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from trapscope.wire.messages import PROTOCOL_VERSION, Goodbye, Hello, Person, Presence, Refused, Reply, Snapshot

if TYPE_CHECKING:
    from trapscope.server.room import Room

_MAX_REPLIES: Final = 64


class Client:
    """Made by `Room.enter`."""

    def __init__(self, room: Room, id_: str, name: str, have: int) -> None:
        self.id = id_
        self.name = name
        self.moment: int | None = None
        self.wake = asyncio.Event()
        """Set whenever there may be something to tell."""
        self._room = room
        self._have = have
        self._replies: asyncio.Queue[Reply | Refused] = asyncio.Queue(_MAX_REPLIES)
        self._people_changed = False
        self._next_chunk = 0

    @property
    def behind(self) -> int:
        """How many chunks of the log this client has not been told yet."""
        return len(self._room.log.chunks) - self._next_chunk

    def person(self) -> Person:
        return Person(client=self.id, name=self.name, role="driver", moment=self.moment)

    def people_changed(self) -> None:
        self._people_changed = True
        self.wake.set()

    async def reply(self, message: Reply | Refused) -> None:
        """Answer a command; waits while too many answers wait, which stops reading from whoever does not listen."""
        await self._replies.put(message)
        self.wake.set()

    async def messages(self) -> AsyncIterator[str | bytes]:
        """Everything to send, in order: text frames and binary frames. Ends after the goodbye."""
        room = self._room
        self._people_changed = False
        yield _text(
            Hello(
                type="hello",
                protocol=PROTOCOL_VERSION,
                client=self.id,
                role="driver",
                session=room.id,
                choice=room.choice,
                guest=room.guest,
                people=room.present(),
            )
        )
        self._next_chunk, first = room.log.locate(self._have)
        yield _text(Snapshot(type="snapshot", first=first, steps=room.log.steps, cpus=None if first else room.cpus))
        if first == 0:
            yield room.memory_frame
        told_changes = -1
        while True:
            self.wake.clear()
            while not self._replies.empty():
                yield _text(self._replies.get_nowait())
            if self._people_changed:
                self._people_changed = False
                yield _text(Presence(type="presence", people=room.present()))
            if room.closed is not None:
                yield _text(Goodbye(type="goodbye", why=room.closed.told()))
                return
            if self.behind > 0:
                chunk = room.log.chunks[self._next_chunk]
                self._next_chunk += 1
                yield chunk.text
                yield chunk.frame
            elif told_changes != room.status_changes:
                told_changes = room.status_changes
                yield _text(room.status)
            else:
                await self.wake.wait()


def _text(message: BaseModel) -> str:
    return message.model_dump_json()
