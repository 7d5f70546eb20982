"""The built user interface: files whose names carry a hash never change, everything else is asked for again."""

from __future__ import annotations

import os
from typing import Final

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from trapscope import assets
from trapscope.server.refusal import Refused

_HASHED: Final = "assets"
_FOR_EVER: Final = "public, max-age=31536000, immutable"


class _BuiltFiles(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        hashed = path.split(os.sep, 1)[0] == _HASHED and response.status_code in (200, 304)
        response.headers["cache-control"] = _FOR_EVER if hashed else "no-cache"
        return response


def mount(app: FastAPI) -> None:
    """Serve it at /, or say there how to build it."""
    folder = assets.ui()
    if folder is not None:
        app.mount("/", _BuiltFiles(directory=str(folder), html=True), name="ui")
        return

    @app.get("/", include_in_schema=False)
    async def _() -> None:
        raise Refused("not-ready", "the user interface is not built: run `make ui`")
