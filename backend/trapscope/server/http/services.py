"""What the routes stand on, made once per application and handed to them by FastAPI's dependencies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from trapscope import assets
from trapscope.server.engines.engine import refusal
from trapscope.server.engines.engine_process import EngineLost, EngineProcess, EngineUnfit, Guest
from trapscope.server.engines.pool import Pool
from trapscope.server.metrics import Metrics
from trapscope.server.pipe import requests as ask
from trapscope.server.refusal import Refused
from trapscope.server.rooms.sessions import Sessions
from trapscope.settings import Settings
from trapscope.store import MemoryInputLog

GuestQuestion = ask.AskSymbols | ask.AskStruct | ask.AskAssembly


class Services:
    """Everything with a life of its own."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.pool = Pool(settings, self.metrics)
        self.sessions = Sessions(settings, self.pool, MemoryInputLog(), self.metrics, clock)
        self.sources: dict[str, str] = {}
        """The guest's sources, by path."""
        self._guest_answers: dict[str, bytes] = {}
        self._sweeper: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Read the guest and start the engine processes, without waiting; raises ImageError without a guest."""
        guest = Guest(assets.guest_elf(), assets.sources())
        self.sources = guest.sources
        self.pool.start(guest)
        self._sweeper = asyncio.create_task(self.sessions.keep_sweeping(), name="sweeper")

    async def end(self) -> None:
        """End every session and every process."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        await self.sessions.close()
        await self.pool.stop()

    async def any_engine(self) -> EngineProcess:
        """Some engine process; raises Refused where none can run."""
        try:
            return await self.pool.ready()
        except EngineUnfit as error:
            raise Refused("not-ready", str(error)) from error

    async def ask_guest(self, question: GuestQuestion) -> bytes:
        """What an engine process says about the guest, as JSON; raises Refused where none can answer.

        Kept for good: the guest has only so many names, and what it says of them never changes.
        """
        key = question.model_dump_json()
        if key not in self._guest_answers:
            try:
                answer, parts = await self.pool.ask(question)
            except (EngineLost, EngineUnfit) as error:
                raise Refused("not-ready", str(error), retry_after=5) from error
            if not isinstance(answer, ask.Done):
                raise refusal(answer, "bad-input")
            self._guest_answers[key] = parts[0]
        return self._guest_answers[key]


def _services(connection: HTTPConnection) -> Services:
    services = connection.app.state.services
    assert isinstance(services, Services)
    return services


Provided = Annotated[Services, Depends(_services)]
