"""Every error of the REST API as a problem document (RFC 9457), whoever raised it."""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from trapscope.server.metrics import Metrics
from trapscope.server.refusal import Refused
from trapscope.wire.problems import ProblemCode

MEDIA_TYPE: Final = "application/problem+json"
_BY_STATUS: Final[dict[int, ProblemCode]] = {404: "not-found", 405: "method-refused", 413: "body-too-big"}


def problem_response(refused: Refused, path: str) -> Response:
    """The document, with its status."""
    headers = {} if refused.retry_after is None else {"retry-after": str(refused.retry_after)}
    return Response(
        refused.problem(path).model_dump_json(), status_code=refused.status, media_type=MEDIA_TYPE, headers=headers
    )


def install(app: FastAPI, metrics: Metrics) -> None:
    """Let the application answer errors so."""

    def told(refused: Refused, request: Request) -> Response:
        metrics.refusals.labels(refused.code).inc()
        return problem_response(refused, request.url.path)

    @app.exception_handler(Refused)
    async def _(request: Request, error: Refused) -> Response:
        return told(error, request)

    @app.exception_handler(RequestValidationError)
    async def _(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return told(Refused("bad-json", "the body is not JSON"), request)
        where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
        return told(Refused("bad-input", f"{where or 'body'}: {first['msg']}"), request)

    @app.exception_handler(HTTPException)
    async def _(request: Request, error: HTTPException) -> Response:
        code = _BY_STATUS.get(error.status_code, "bad-input" if error.status_code < 500 else "internal")
        response = told(Refused(code, str(error.detail)), request)
        response.headers.update(error.headers or {})
        return response
