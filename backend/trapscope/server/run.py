"""Runs the server until it is told to stop; says where it is once it answers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from typing import Final

import uvicorn
from pydantic import ValidationError

from trapscope import assets
from trapscope.core.errors import BadInput, EmulatorUnfit
from trapscope.server import journal
from trapscope.server.engines.engine_process import EngineUnfit
from trapscope.server.http.app import create_app
from trapscope.server.http.services import Services
from trapscope.settings import Settings

_PING_SECONDS: Final = 20.0
#: Generous, because a pong queues behind whatever a slow client has not read yet.
_PONG_SECONDS: Final = 90.0
_GOODBYE_SECONDS: Final = 5
_BACKLOG: Final = 512
_ANYWHERE: Final = frozenset({"0.0.0.0", "::", ""})


def serve(host: str | None = None, port: int | None = None, workers: int | None = None) -> None:
    """Serve until interrupted. What is None is as the settings say.

    Raises BadInput where it cannot listen there, ImageError without a guest, EmulatorUnfit where no machine can run.
    """
    settings = settings_with(host=host, port=port, workers=workers)
    journal.begin(settings.log_level)
    assets.guest_elf()
    listener = listen(settings.host, settings.port)
    # uvicorn ends in good order on SIGINT and then raises it again.
    with listener, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(settings, listener))


def settings_with(**given: str | int | None) -> Settings:
    """The settings, with what is given and not None in place of theirs; raises BadInput, which names a wrong one."""
    try:
        return Settings.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        where = f"--{name}" if given.get(name) is not None else f"TRAPSCOPE_{name.upper()}"
        raise BadInput(f"{where}: {first['msg']}, not {first['input']!r}") from None


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises BadInput, in one line, where that is not possible. Port 0 takes any free one."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise BadInput(f"cannot listen on {host}: {error.strerror or error}") from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise BadInput(f"cannot listen on {host}, port {port}: {error.strerror}") from error
    listener.setblocking(False)
    return listener


def configure(settings: Settings, services_of: object) -> uvicorn.Config:
    """How uvicorn runs the application."""
    return uvicorn.Config(
        services_of,  # type: ignore[arg-type]
        ws="websockets-sansio",
        ws_max_size=settings.max_message_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=_PING_SECONDS,
        ws_ping_timeout=_PONG_SECONDS,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=_GOODBYE_SECONDS,
        lifespan="on",
    )


async def _serve(settings: Settings, listener: socket.socket) -> None:
    app = create_app(settings)
    server = uvicorn.Server(configure(settings, app))
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="uvicorn")
    services = app.state.services
    assert isinstance(services, Services)
    announcing = asyncio.create_task(services.pool.ready(), name="first engine")
    await asyncio.wait((serving, announcing), return_when=asyncio.FIRST_COMPLETED)
    try:
        if announcing.done():
            announcing.result()
            print(f"Trapscope is at {url_of(listener)}", flush=True)  # noqa: T201  (the one thing that is said)
    except EngineUnfit as error:
        raise EmulatorUnfit(str(error)) from error
    finally:
        announcing.cancel()
        if sys.exc_info()[0] is not None:
            server.should_exit = True
        await serving


def url_of(listener: socket.socket) -> str:
    """What to type into a browser on this machine."""
    host, port = listener.getsockname()[:2]
    if host in _ANYWHERE:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
