"""A session that people look at: one machine, one log, whoever is connected. It does not know what a socket is.

Everybody reads the same log at their own pace. Commands come in any order from anybody; the order in which they get
hold of the engine decides, and that is the order of the input log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Final, Literal

from trapscope.server.engines.engine import Engine, refusal
from trapscope.server.engines.step_log import LogChunk, StepLog
from trapscope.server.metrics import Metrics
from trapscope.server.pipe import requests as ask
from trapscope.server.refusal import Refused
from trapscope.server.rooms.board import Beginning, Board
from trapscope.server.rooms.client import Client
from trapscope.settings import Settings
from trapscope.store import Input, InputLog
from trapscope.wire.exports import TraceFormat
from trapscope.wire.messages import Person, Status
from trapscope.wire.rest import RunChoice, SessionInfo

log: Final = logging.getLogger(__name__)

SessionState = Literal["idle", "running", "rebuilding", "ended", "failed"]

_FIRST_CHUNK_STEPS: Final = 64
_PRESENCE_PAUSE_SECONDS: Final = 0.05


class Room:
    """Made by `Sessions.create`, with a machine that is at moment 0."""

    def __init__(
        self,
        id_: str,
        opened: ask.Opened,
        memory_frame: bytes,
        engine: Engine,
        steps: StepLog,
        inputs: InputLog,
        settings: Settings,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self.id = id_
        idle = Status(type="status", state="idle", steps=0, verdict=None, schedule="", hash=opened.hash, ending=None)
        beginning = Beginning(id_, opened.guest, opened.choice, opened.cpus, memory_frame)
        self.board = Board(beginning, steps, idle)
        self.clients: dict[str, Client] = {}
        self._opening = opened.opening
        self.used_at = clock()
        """When somebody last came, left or asked for something."""
        self.driven_at = clock()
        """When somebody last asked for something."""
        self._engine = engine
        engine.on_rebuilding = self._rebuilding
        self._engine_lock = asyncio.Lock()
        self._inputs = inputs
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._driver: asyncio.Task[None] | None = None
        self._queued = 0
        self._input_count = 0
        self._names_given = 0
        self._presence_timer: asyncio.TimerHandle | None = None

    @property
    def choice(self) -> RunChoice:
        return self.board.beginning.choice

    @property
    def log(self) -> StepLog:
        return self.board.log

    async def info(self) -> SessionInfo:
        """Everything about the session, for REST."""
        status = self.board.status
        return SessionInfo(
            id=self.id,
            choice=self.choice,
            state=status.state,
            steps=status.steps,
            verdict=status.verdict,
            schedule=status.schedule,
            hash=status.hash,
            opening=self._opening,
            inputs=[entry.schedule for entry in await self._inputs.read(self.id) if entry.schedule is not None],
            socket=f"/api/sessions/{self.id}/socket",
            idle_expiry_seconds=self._settings.idle_expiry_seconds,
        )

    # ── people ───────────────────────────────────────────────────────────────────────────────────────────────────

    def enter(self, name: str | None, have: int) -> Client:
        """Somebody connects who holds `have` steps; raises Refused where the room is full."""
        if len(self.clients) >= self._settings.max_clients_per_session:
            raise Refused("room-full", f"{len(self.clients)} people are in this session, which is as many as fit")
        self._names_given += 1
        number = self._names_given
        client = Client(self.board, f"c{number}", have)
        self.clients[client.id] = client
        self.board.wakes.add(client.wake)
        self.board.people[client.id] = Person(
            client=client.id, name=name or f"Guest {number}", role="driver", moment=None
        )
        self.used_at = self._clock()
        self._announce_people()
        return client

    def leave(self, client: Client) -> None:
        """The connection is gone."""
        if self.clients.pop(client.id, None) is not None:
            self.board.wakes.discard(client.wake)
            del self.board.people[client.id]
            self.used_at = self._clock()
            self._announce_people()

    def move(self, client: Client, moment: int) -> None:
        """Somebody looks at another moment."""
        self._change(client, {"moment": moment})

    def rename(self, client: Client, name: str) -> None:
        """Somebody has another name from now on."""
        self._change(client, {"name": name})

    def _change(self, client: Client, update: dict[str, str | int]) -> None:
        """Told to all a little later, with what else changes meanwhile."""
        self.board.people[client.id] = self.board.people[client.id].model_copy(update=update)
        self.used_at = self._clock()
        if self._presence_timer is None:
            loop = asyncio.get_running_loop()
            self._presence_timer = loop.call_later(_PRESENCE_PAUSE_SECONDS, self._announce_people)

    def _announce_people(self) -> None:
        if self._presence_timer is not None:
            self._presence_timer.cancel()
            self._presence_timer = None
        self.board.announce_people()

    # ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, schedule: str) -> int:
        """Queue a schedule; returns the number of steps in the log when it was. Raises Refused, and then it was not."""
        async with self._engine_lock:
            self._refuse_if_over()
            if self._queued >= self._settings.max_queued_inputs:
                raise Refused("queue-full", f"{self._queued} schedules wait already; cancel, or wait for them")
            if self._input_count >= self._settings.max_inputs_per_session:
                raise Refused("queue-full", f"a session takes {self._input_count} inputs at most; begin another")
            answer, _ = await self._ask(ask.Feed(session=self.id, schedule=schedule))
            if not isinstance(answer, ask.Done):
                raise refusal(answer, "bad-schedule")
            at = self.log.steps
            try:
                await self._inputs.append(self.id, Input(at, schedule))
            except BaseException:
                await self._engine.close()  # it has heard what the log has not; the log is right
                raise
            self._queued += 1
            self._input_count += 1
            self.used_at = self.driven_at = self._clock()
            self._become("running")
        if self._driver is None or self._driver.done():
            self._driver = asyncio.create_task(self._drive(), name="room driver")
        return at

    async def cancel(self) -> tuple[bool, int]:
        """Drop what is queued; returns whether there was anything, and the number of steps in the log."""
        async with self._engine_lock:
            self._refuse_if_closed()
            self.used_at = self.driven_at = self._clock()
            at = self.log.steps
            if not self._queued:
                return False, at
            # First into the log: if the process dies over the request, the rebuilt one has done it already.
            await self._inputs.append(self.id, Input(at, None))
            self._input_count += 1
            await self._ask(ask.Drop(session=self.id))
            return True, at

    async def export(self, format_: TraceFormat, cpu: int | None) -> AsyncIterator[bytes]:
        """The trace so far as text, in pieces between which commands are let in; raises Refused."""
        first: int | None = None
        length: int | None = None
        while True:
            async with self._engine_lock:
                self._refuse_if_closed()
                request = ask.Export(session=self.id, format=format_, cpu=cpu, first=first, length=length)
                answer, parts = await self._ask(request)
            if not isinstance(answer, ask.Exported):
                raise refusal(answer, "bad-input")
            yield parts[0]
            first, length = answer.next_first, answer.length
            if first is None:
                return

    async def inquire(self, question: ask.Inquiry) -> bytes:
        """What the run says to a question about it, as text; raises Refused for a target or moment that it lacks."""
        async with self._engine_lock:
            self._refuse_if_closed()
            answer, parts = await self._ask(question)
        if not isinstance(answer, ask.Done):
            raise refusal(answer, "bad-input")
        return parts[0]

    async def close(self, why: Refused) -> None:
        """End the session for everybody."""
        self.board.close(why)
        if self._driver is not None:
            self._driver.cancel()
            await asyncio.wait([self._driver])
        if self._presence_timer is not None:
            self._presence_timer.cancel()
        await self._engine.close()
        await self._inputs.delete(self.id)

    # ── the engine ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _drive(self) -> None:
        """Advance until nothing is left to do, letting commands in between chunks."""
        limit = _FIRST_CHUNK_STEPS
        while self._queued:
            async with self._engine_lock:
                limit = min(limit, self._settings.chunk_steps)
                try:
                    await self._advance(limit)
                except Exception:
                    log.exception("a session cannot go on")
                    self._queued = 0
                    self._become("failed")
            limit *= 2

    async def _advance(self, limit: int) -> None:
        with self._metrics.advance.time():
            answer, parts = await self._ask(ask.Advance(session=self.id, limit=limit))
        if not isinstance(answer, ask.Advanced):
            raise refusal(answer, "internal")
        if parts:
            text, frame = parts
            self.board.record(LogChunk(answer.first, answer.count, limit, text.decode(), frame, self._input_count))
            self._metrics.steps.inc(answer.count)
        if answer.pending:
            if self.board.status.state != "running":
                self._become("running")
            return
        self._queued = 0
        state: SessionState = "idle" if answer.verdict is None else "ended"
        self._become(state, answer)

    async def _ask(self, request: ask.Request) -> tuple[ask.Answer, tuple[bytes, ...]]:
        before = self.board.status
        try:
            reply = await self._engine.ask(request)
        except Refused:
            self._queued = 0
            if before.state == "ended":
                self.board.show(before)
            else:
                self._become("failed")
            raise
        if self.board.status.state == "rebuilding":
            self.board.show(before)
        return reply

    def _rebuilding(self) -> None:
        self._metrics.rebuilds.inc()
        self._become("rebuilding")

    def _refuse_if_over(self) -> None:
        self._refuse_if_closed()
        if self.board.status.state == "ended":
            raise Refused("session-ended", f"the run has ended with verdict {self.board.status.verdict}; begin another")
        if self.board.status.state == "failed":
            raise Refused("session-failed", "the session cannot go on; begin another")

    def _refuse_if_closed(self) -> None:
        if self.board.closed is not None:
            raise self.board.closed

    def _become(self, state: SessionState, answer: ask.Advanced | None = None) -> None:
        self.board.show(
            Status(
                type="status",
                state=state,
                steps=self.log.steps,
                verdict=None if answer is None else answer.verdict,
                schedule=None if answer is None else answer.schedule,
                hash=None if answer is None else answer.hash,
                ending=None if answer is None else answer.ending,
            )
        )
