"""What every request passes before anything else sees it: own Host, own Origin, a bounded body, safe headers.

Any page on the web can open ws://127.0.0.1 or post to it, and any name can be made to resolve to it. So the Host must
be a name of ours, and where a browser names an Origin on a socket or an unsafe method, it must be that same Host.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import time
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trapscope.server.http.problem import problem_response
from trapscope.server.metrics import Metrics
from trapscope.server.refusal import Refused, internal
from trapscope.settings import Settings

log: Final = logging.getLogger(__name__)

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST: Final = re.compile(r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9_.-]+))(?P<port>:\d{1,5})?", re.IGNORECASE)

_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Gate:
    """ASGI middleware, outermost."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._hosts = _LOOPBACK | {host.lower() for host in (settings.host, *settings.allowed_hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check_host(scope)
            self._check_origin(scope)
        except Refused as refused:
            self._metrics.refusals.labels(refused.code).inc()
            response = problem_response(refused, scope["path"])
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            self._check_host(scope)
            if scope["method"] not in _SAFE_METHODS:
                self._check_origin(scope)
                receive = await self._bounded(scope, receive)
            await self._app(scope, receive, send_with_headers)
        except Refused as refused:
            self._metrics.refusals.labels(refused.code).inc()
            await problem_response(refused, scope["path"])(scope, receive, send_with_headers)
        except Exception:
            log.exception("unhandled", extra={"method": scope["method"]})
            if status:
                raise
            await problem_response(internal(), scope["path"])(scope, receive, send_with_headers)
        finally:
            seconds = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", "") or "other"
            self._metrics.requests.labels(scope["method"], route, str(status)).observe(seconds)
            log.info(
                "request",
                extra={"method": scope["method"], "route": route, "status": status, "ms": round(seconds * 1000, 1)},
            )

    def _check_host(self, scope: Scope) -> None:
        """The name, or the very address that this connection was made to. An address cannot be rebound."""
        given = Headers(scope=scope).getlist("host")
        match = _HOST.fullmatch(given[0]) if len(given) == 1 else None
        if match is not None:
            name = (match["v6"] or match["name"]).lower().rstrip(".")
            if name in self._hosts or _same_address(name, scope.get("server")):
                return
        raise Refused(
            "foreign-host",
            "the Host header names none of this server's hosts; TRAPSCOPE_ALLOWED_HOSTS adds to them",
        )

    def _check_origin(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        for origin in headers.getlist("origin"):
            scheme, separator, authority = origin.partition("://")
            if not separator or scheme not in ("http", "https") or authority.lower() != headers["host"].lower():
                raise Refused("foreign-origin", "only this server's own pages may ask for that")

    async def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """Read the body, which is small or refused, so that nobody behind has to think of it."""
        limit = self._settings.max_message_bytes
        too_big = Refused("body-too-big", f"a body has at most {limit} bytes")
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > limit:
            raise too_big
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return receive
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > limit:
                raise too_big
        read = False

        async def receive_again() -> Message:
            nonlocal read
            if read:
                return await receive()
            read = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        return receive_again


def _same_address(name: str, server: tuple[str, int | None] | None) -> bool:
    if server is None:
        return False
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(server[0])
    except ValueError:
        return False
