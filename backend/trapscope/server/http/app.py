"""The application: services with a life, routes on top, the gate around everything."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware

from trapscope import __version__
from trapscope.server.http import openapi, problem, socket, ui
from trapscope.server.http.gate import Gate
from trapscope.server.http.parameters import known_parameters
from trapscope.server.http.routes import catalogue, guest, health, queries, sessions
from trapscope.server.http.services import Services
from trapscope.settings import Settings
from trapscope.wire.problems import Problem

_GZIP_FROM_BYTES = 1024


def create_app(settings: Settings, clock: Callable[[], float] = time.monotonic) -> FastAPI:
    """A complete application; engine processes start with its lifespan. `clock` says in seconds when things expire."""
    services = Services(settings, clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        services.begin()
        try:
            yield
        finally:
            await services.end()

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
        dependencies=[Depends(known_parameters)],
    )
    app.state.services = services
    for router in (catalogue.router, guest.router, sessions.router, queries.router, health.router, socket.router):
        app.include_router(router)
    problem.install(app, services.metrics)
    openapi.install(app)
    ui.mount(app)
    app.add_middleware(GZipMiddleware, minimum_size=_GZIP_FROM_BYTES)
    app.add_middleware(Gate, settings=settings, metrics=services.metrics)
    return app
