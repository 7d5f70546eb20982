"""Parameters that a route does not have are refused by name, instead of being passed over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fastapi import WebSocketException
from fastapi.dependencies.models import Dependant
from fastapi.requests import HTTPConnection
from fastapi.routing import APIRoute, APIWebSocketRoute

from trapscope.server.refusal import Refused

_POLICY: Final = 1008


def known_parameters(connection: HTTPConnection) -> None:
    """Raise Refused if the query names what the route does not take; a dependency of every route of the API."""
    route = connection.scope.get("route")
    if not isinstance(route, APIRoute | APIWebSocketRoute):
        return
    known = sorted(set(_names(route.dependant)))
    for name in connection.query_params:
        if name not in known:
            there = f"there are {', '.join(known)}" if known else "it takes none"
            refused = Refused("bad-input", f"there is no parameter “{name[:40]}” here: {there}")
            raise WebSocketException(_POLICY, refused.detail) if connection.scope["type"] == "websocket" else refused


def _names(dependant: Dependant) -> Iterator[str]:
    yield from (parameter.alias for parameter in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _names(inner)
