"""The application: services with a life, routes on top, the gate around everything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from trapscope import __version__
from trapscope.server import openapi, problem, socket, ui
from trapscope.server.gate import Gate
from trapscope.server.metrics import Metrics
from trapscope.server.pool import Pool
from trapscope.server.routes import catalogue, guest, health, sessions
from trapscope.server.services import Services
from trapscope.server.sessions import Sessions
from trapscope.settings import Settings
from trapscope.store import MemoryInputLog
from trapscope.wire.problems import Problem

_GZIP_FROM_BYTES = 1024


def create_app(settings: Settings, clock: Callable[[], float] = time.monotonic) -> FastAPI:
    """A complete application; engine processes start with its lifespan. `clock` says in seconds when things expire."""
    metrics = Metrics()
    pool = Pool(settings, metrics)
    services = Services(settings, metrics, pool, Sessions(settings, pool, MemoryInputLog(), metrics, clock))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        pool.start()
        sweeper = asyncio.create_task(services.sessions.keep_sweeping(), name="sweeper")
        try:
            yield
        finally:
            sweeper.cancel()
            await services.sessions.close()
            await pool.stop()

    problems: dict[int | str, dict[str, Any]] = {
        "4XX": {"model": Problem, "description": "Refused, with a problem document"},
        "5XX": {"model": Problem, "description": "Not possible now, with a problem document"},
    }
    app = FastAPI(
        title="Trapscope",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=problems,
    )
    app.state.services = services
    for router in (catalogue.router, guest.router, sessions.router, health.router, socket.router):
        app.include_router(router)
    problem.install(app, metrics)
    openapi.install(app)
    ui.mount(app)
    app.add_middleware(GZipMiddleware, minimum_size=_GZIP_FROM_BYTES)
    app.add_middleware(Gate, settings=settings, metrics=metrics)
    return app
