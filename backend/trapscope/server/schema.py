"""The API's own description, for the command line."""

from __future__ import annotations

from typing import Any

from trapscope.server.http.app import create_app
from trapscope.settings import Settings


def document() -> dict[str, Any]:
    """The OpenAPI document, the socket's messages included."""
    return create_app(Settings()).openapi()
