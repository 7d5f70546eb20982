"""The OpenAPI 3.1 document, with the socket's messages: FastAPI leaves those out, so they are added here.

OpenAPI has no words for a socket. It is described as the GET that upgrades, with an extension that names both unions.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI

from trapscope.wire import schema as wire
from trapscope.wire.messages import SUBPROTOCOL

_COMPONENTS: Final = "#/components/schemas/"
_SOCKET: Final = "/api/sessions/{id_}/socket"


def install(app: FastAPI) -> None:
    """Let /openapi.json tell of the socket too."""
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(_described(FastAPI.openapi(app)))
        return made

    app.openapi = openapi  # type: ignore[method-assign]


def _described(document: dict[str, Any]) -> dict[str, Any]:
    shapes = wire.document(ref_template=_COMPONENTS + "{model}")["$defs"]
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    document["components"]["schemas"] = dict(sorted((shapes | schemas).items()))
    document["paths"][_SOCKET] = {"get": _upgrade()}
    return document


def _upgrade() -> dict[str, Any]:
    def parameter(place: str, name: str, text: str, schema: dict[str, Any]) -> dict[str, Any]:
        return {"in": place, "name": name, "required": place == "path", "description": text, "schema": schema}

    return {
        "tags": ["socket"],
        "summary": "Join a session",
        "description": (
            "A WebSocket. Text frames are JSON: ClientMessage from the client, each answered by its `seq`; "
            "ServerMessage from the server. A binary frame follows a snapshot with `cpus` (memory at moment 0) "
            "and every chunk (its steps)."
        ),
        "operationId": "socket",
        "parameters": [
            parameter("path", "id_", "The session's id", {"type": "string"}),
            parameter("query", "from", "How many steps the client holds already", {"type": "integer", "minimum": 0}),
            parameter("query", "name", "What others see", {"type": "string", "minLength": 1, "maxLength": 40}),
        ],
        "responses": {
            "101": {"description": f"The socket is open, with subprotocol {SUBPROTOCOL} where that was offered"},
            "4XX": {
                "description": "Refused, with a problem document",
                "content": {"application/problem+json": {"schema": {"$ref": f"{_COMPONENTS}Problem"}}},
            },
        },
        "x-websocket": {
            "subprotocol": SUBPROTOCOL,
            "client": {"$ref": f"{_COMPONENTS}ClientMessage"},
            "server": {"$ref": f"{_COMPONENTS}ServerMessage"},
        },
    }
