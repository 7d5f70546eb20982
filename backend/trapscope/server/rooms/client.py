"""One connection's place in a room: what it has been told, and an endless sequence of what to tell it next.

Log and state differ: of the log every chunk is told, in order; of status and presence only the newest, when everything
before has been told. Somebody slow therefore costs an index, not a queue, and holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from pydantic import BaseModel

from trapscope.server.rooms.board import Board
from trapscope.wire.messages import PROTOCOL_VERSION, Goodbye, Hello, Presence, Refused, Reply, Snapshot

_MAX_REPLIES: Final = 64


class Client:
    """Made by `Room.enter`. `wake` is set whenever there may be something to tell."""

    def __init__(self, board: Board, id_: str, have: int) -> None:
        self.id = id_
        self.wake = asyncio.Event()
        self._board = board
        self._have = have
        self._replies: asyncio.Queue[Reply | Refused] = asyncio.Queue(_MAX_REPLIES)
        self._next_chunk = 0

    @property
    def behind(self) -> int:
        """How many chunks of the log this client has not been told yet."""
        return len(self._board.log.chunks) - self._next_chunk

    async def reply(self, message: Reply | Refused) -> None:
        """Answer a command; waits while too many answers wait, which stops reading from whoever does not listen."""
        await self._replies.put(message)
        self.wake.set()

    async def messages(self) -> AsyncIterator[str | bytes]:
        """Everything to send, in order: text frames and binary frames. Ends after the goodbye."""
        board, beginning = self._board, self._board.beginning
        told_status, told_people = -1, board.people_changes
        yield _text(
            Hello(
                type="hello",
                protocol=PROTOCOL_VERSION,
                client=self.id,
                role=board.people[self.id].role,
                session=beginning.session,
                choice=beginning.choice,
                guest=beginning.guest,
                people=list(board.people.values()),
            )
        )
        self._next_chunk, first = board.log.locate(self._have)
        cpus = None if first else beginning.cpus
        yield _text(Snapshot(type="snapshot", first=first, steps=board.log.steps, cpus=cpus))
        if first == 0:
            yield beginning.memory_frame
        while True:
            self.wake.clear()
            while not self._replies.empty():
                yield _text(self._replies.get_nowait())
            if told_people != board.people_changes:
                told_people = board.people_changes
                yield _text(Presence(type="presence", people=list(board.people.values())))
            if board.closed is not None:
                yield _text(Goodbye(type="goodbye", why=board.closed.told()))
                return
            if self.behind > 0:
                chunk = board.log.chunks[self._next_chunk]
                self._next_chunk += 1
                yield chunk.text
                yield chunk.frame
            elif told_status != board.status_changes:
                told_status = board.status_changes
                yield _text(board.status)
            else:
                await self.wake.wait()


def _text(message: BaseModel) -> str:
    return message.model_dump_json()
