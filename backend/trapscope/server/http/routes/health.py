"""For whoever keeps the server running: alive, able to work, and how much it does."""

from __future__ import annotations

from fastapi import APIRouter, Response

from trapscope.server.http.services import Provided
from trapscope.server.refusal import Refused

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def alive() -> dict[str, str]:
    """The server answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def ready(services: Provided) -> dict[str, str | int]:
    """At least one engine process answers, so that sessions can be created."""
    engines = len(services.pool.processes)
    if engines == 0:
        raise Refused("not-ready", services.pool.unfit or "no engine process answers yet", retry_after=2)
    return {"status": "ready", "engines": engines}


@router.get("/metrics", response_class=Response)
async def metrics(services: Provided) -> Response:
    """Prometheus' text format."""
    return Response(services.sessions.measured.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
