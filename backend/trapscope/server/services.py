"""What the routes stand on, made once per application and handed to them by FastAPI's dependencies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from trapscope.server import requests as ask
from trapscope.server.engine_process import EngineLost, EngineProcess, EngineUnfit
from trapscope.server.metrics import Metrics
from trapscope.server.pool import Pool
from trapscope.server.refusal import Refused
from trapscope.server.sessions import Sessions
from trapscope.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """Everything with a life of its own."""

    settings: Settings
    metrics: Metrics
    pool: Pool
    sessions: Sessions

    async def any_engine(self) -> EngineProcess:
        """Some engine process; raises Refused where none can run."""
        try:
            return await self.pool.ready()
        except EngineUnfit as error:
            raise Refused("not-ready", str(error)) from error

    async def ask_any(self, question: ask.Request) -> tuple[ask.Answer, tuple[bytes, ...]]:
        """The answer of any engine process to what needs no session; raises Refused where none can answer."""
        try:
            return await self.pool.ask(question)
        except (EngineLost, EngineUnfit) as error:
            raise Refused("not-ready", str(error), retry_after=5) from error


def _services(connection: HTTPConnection) -> Services:
    services = connection.app.state.services
    assert isinstance(services, Services)
    return services


Provided = Annotated[Services, Depends(_services)]
