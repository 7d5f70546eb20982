"""The real application on a real port with real engine processes, inside the test's own event loop."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn

from trapscope.server.http.app import create_app
from trapscope.server.http.services import Services
from trapscope.server.run import configure, listen, url_of
from trapscope.settings import Settings


@dataclass(frozen=True, slots=True)
class Running:
    """Where the server is, and its insides for what cannot be seen from outside."""

    url: str
    services: Services
    http: httpx.AsyncClient

    async def create(self, **choice: Any) -> str:
        """A new session's id."""
        response = await self.http.post("api/sessions", json={"scenario": "first-call", **choice})
        assert response.status_code == 201, response.text
        return str(response.json()["id"])

    async def figure(self, name: str) -> float:
        """One line of /metrics."""
        lines = (await self.http.get("metrics")).text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split(" ")[0].split("{")[0] == name)


@asynccontextmanager
async def serving(
    clock: Callable[[], float] = time.monotonic, send_buffer_bytes: int = 0, **settings: Any
) -> AsyncIterator[Running]:
    """Serve with these settings until the block ends."""
    chosen = Settings(**{"workers": 1, "port": 0, **settings})
    app = create_app(chosen, clock)
    with listen(chosen.host, chosen.port) as listener:
        if send_buffer_bytes:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        server = uvicorn.Server(configure(chosen, app))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        services = app.state.services
        assert isinstance(services, Services)
        url = url_of(listener)
        try:
            await services.pool.ready()
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
                yield Running(url, services, http)
        finally:
            server.should_exit = True
            await task
