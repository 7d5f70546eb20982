"""A client that folds what the server sends into a state, as the page does, and believes nothing: every message must
be of its model, every batch must fit the registers and memory that the batches before led to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from trapscope.core.machine import Code
from trapscope.core.trace.memory import Memory
from trapscope.core.trace.state import State
from trapscope.core.types import KERNEL_MAP, RAM_BASE, RAM_SIZE, REGISTERS, Step
from trapscope.wire.batch_reader import decode_steps
from trapscope.wire.memory_image import decode_memory
from trapscope.wire.messages import (
    SERVER_MESSAGES,
    SUBPROTOCOL,
    Chunk,
    Goodbye,
    Hello,
    Lane,
    Presence,
    Refused,
    Reply,
    Snapshot,
    Status,
)

_PATIENCE_SECONDS = 60


class Viewer:
    """What one connected person knows."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.hello: Hello | None = None
        self.snapshot: Snapshot | None = None
        self.statuses: list[Status] = []
        self.people: list[str] = []
        self.answers: dict[int | None, Reply | Refused] = {}
        self.goodbye: Goodbye | None = None
        self.steps: list[Step] = []
        self.lanes: list[Lane] = []
        self.lane_of: list[int] = []
        self.codes: list[Code] = []
        self.events: list[dict[str, Any]] = []
        self.findings: list[dict[str, Any]] = []
        self.held: list[dict[str, Any]] = []
        self.chunk_firsts: list[int] = []
        self.state: State | None = None
        self._sent = 0

    @property
    def status(self) -> Status:
        return self.statuses[-1]

    def is_caught_up(self) -> bool:
        return bool(self.statuses)

    def resume_from(self, before: Self) -> None:
        """Go on where another connection of the same person was cut off."""
        self.steps, self.lanes, self.lane_of = list(before.steps), list(before.lanes), list(before.lane_of)
        self.codes, self.events, self.findings = list(before.codes), list(before.events), list(before.findings)
        self.held = list(before.held)
        self.state = before.state

    async def send(self, type_: str, **fields: Any) -> int:
        """Send a command; returns its sequence number."""
        self._sent += 1
        await self.connection.send(json.dumps({"type": type_, "seq": self._sent, **fields}))
        return self._sent

    async def command(self, type_: str, **fields: Any) -> Reply | Refused:
        """Send a command and wait for its answer."""
        seq = await self.send(type_, **fields)
        await self.until(lambda: seq in self.answers)
        return self.answers[seq]

    async def run(self, schedule: str) -> Status:
        """Queue a schedule and wait until nothing is left to do."""
        reply = await self.command("run", schedule=schedule)
        assert isinstance(reply, Reply), reply
        return await self.settled()

    async def settled(self) -> Status:
        """The first status after an answer just taken in that says that nothing is left to do."""
        told = len(self.statuses)
        await self.until(lambda: any(status.state in ("idle", "ended", "failed") for status in self.statuses[told:]))
        return self.status

    async def until(self, holds: Callable[[], bool]) -> None:
        """Take in messages until something holds."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not holds():
                await self.take_one()

    async def until_closed(self) -> int | None:
        """Take in what comes until the server closes; returns its close code."""
        with suppress(ConnectionClosed):
            await self.until(lambda: False)
        return self.connection.close_code

    async def until_state(self, *states: str) -> Status:
        await self.until(lambda: self.is_caught_up() and self.status.state in states)
        return self.status

    async def take_one(self) -> None:
        """Fold the next message, with the binary frame that belongs to it."""
        text = await self.connection.recv()
        assert isinstance(text, str), "a binary frame came that nothing announced"
        message = SERVER_MESSAGES.validate_json(text)
        match message:
            case Hello():
                self.hello = message
                self.people = [person.name for person in message.people]
            case Snapshot():
                await self._begin(message)
            case Chunk():
                await self._append(message, json.loads(text))
            case Status():
                self.statuses.append(message)
                assert message.steps == len(self.steps)
            case Presence():
                self.people = [person.name for person in message.people]
            case Reply() | Refused():
                self.answers[message.seq] = message
            case Goodbye():
                self.goodbye = message

    async def _begin(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        assert snapshot.first <= len(self.steps)
        if snapshot.cpus is None:
            return
        frame = await self.connection.recv()
        assert isinstance(frame, bytes)
        ram = bytearray(RAM_SIZE)
        for addr, data in decode_memory(frame):
            offset = addr - KERNEL_MAP - RAM_BASE
            ram[offset : offset + len(data)] = data
        files = [[int(getattr(file, name), 16) for name in REGISTERS] for file in snapshot.cpus]
        self.state = State(files, Memory.of(bytes(ram)))

    async def _append(self, chunk: Chunk, told: dict[str, Any]) -> None:
        assert chunk.first == len(self.steps), "the log has a hole or repeats itself"
        assert self.state is not None
        for insn in chunk.insns:
            assert insn.id == len(self.codes)
            self.codes.append((int(insn.rip, 16), bytes.fromhex(insn.bytes)))
        for lane in chunk.lanes:
            assert lane.id == len(self.lanes)
            self.lanes.append(lane)
        frame = await self.connection.recv()
        assert isinstance(frame, bytes)
        batch = decode_steps(frame, self.state, self.codes)
        assert len(batch.steps) == chunk.count
        for step in batch.steps:
            self.state.apply(step)
        self.steps += batch.steps
        self.lane_of += batch.lanes
        self.events += told["events"]
        self.findings += told["findings"]
        self.held += told["held"]
        self.chunk_firsts.append(chunk.first)


@asynccontextmanager
async def viewing(url: str, session: str, have: int = 0, name: str = "", **options: Any) -> AsyncIterator[Viewer]:
    """Connect to a session."""
    query = f"?from={have}" + (f"&name={name}" if name else "")
    socket = f"{url.replace('http', 'ws', 1)}api/sessions/{session}/socket{query}"
    chosen: dict[str, Any] = {"subprotocols": [Subprotocol(SUBPROTOCOL)], "proxy": None, "max_size": None, **options}
    async with connect(socket, **chosen) as connection:
        yield Viewer(connection)
