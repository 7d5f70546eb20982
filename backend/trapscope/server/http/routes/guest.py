"""The guest as built: symbols, layouts, sources, assembly. It never changes while the server runs.

An engine process answers, because it has read the ELF anyway; each answer is kept, and its ETag is the guest's hash.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from trapscope.server.http.services import GuestQuestion, Provided, Services
from trapscope.server.pipe import requests as ask
from trapscope.server.refusal import Refused
from trapscope.wire.rest import Assembly, GuestInfo, GuestText, SourceFile, StructInfo, SymbolList

router = APIRouter(prefix="/api/guest", tags=["guest"])

Name = Annotated[str, Path(max_length=200)]
Names = Annotated[list[Annotated[str, Field(max_length=200)]], Query(max_length=300)]


@router.get("", response_model=GuestInfo)
async def guest(request: Request, services: Provided) -> Response:
    """The ELF's hash, where its text lies, and the names of its sources."""
    greeting = (await services.any_engine()).greeting
    return await _kept(request, services, greeting.guest.model_dump_json().encode())


@router.get("/symbols", response_model=SymbolList)
async def symbols(request: Request, services: Provided) -> Response:
    """Every symbol, by address."""
    return await _asked(request, services, ask.AskSymbols())


@router.get("/structs/{name}", response_model=StructInfo)
async def struct(request: Request, services: Provided, name: Name) -> Response:
    """The layout of `struct name`, nested members by their path."""
    return await _asked(request, services, ask.AskStruct(name=name))


@router.get("/assembly/{symbol}", response_model=Assembly)
async def assembly(request: Request, services: Provided, symbol: Name) -> Response:
    """The instructions of a symbol as the ELF holds them, each with its source line."""
    return await _asked(request, services, ask.AskAssembly(symbol=symbol))


@router.get("/sources/{path:path}", response_model=SourceFile)
async def source(request: Request, services: Provided, path: Name) -> Response:
    """One file of the guest's source."""
    text = services.sources.get(path)
    if text is None:
        raise Refused("not-found", f"the guest has no source file {path!r}")
    return await _kept(request, services, _source(path, text))


@router.get("/text", response_model=GuestText)
async def text(request: Request, services: Provided, symbol: Names = [], source: Names = []) -> Response:  # noqa: B006
    """The assembly of many symbols and the text of many sources, in one answer; what is not there is left out."""
    assemblies: list[bytes] = []
    for name in symbol:
        try:
            assemblies.append(await services.ask_guest(ask.AskAssembly(symbol=name)))
        except Refused as refused:
            if refused.code != "not-found":
                raise
    sources = [_source(path, services.sources[path]) for path in source if path in services.sources]
    body = b'{"assemblies":[%b],"sources":[%b]}' % (b",".join(assemblies), b",".join(sources))
    return await _kept(request, services, body)


def _source(path: str, text: str) -> bytes:
    return SourceFile(path=path, text=text).model_dump_json().encode()


async def _asked(request: Request, services: Services, question: GuestQuestion) -> Response:
    return await _kept(request, services, await services.ask_guest(question))


async def _kept(request: Request, services: Services, body: bytes) -> Response:
    etag = f'"{(await services.any_engine()).greeting.guest.sha256}"'
    headers = {"etag": etag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
