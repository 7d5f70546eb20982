"""What can be run, and what a trace of it looks like."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from trapscope.server.http.services import Provided
from trapscope.wire import lines
from trapscope.wire.rest import DesignList, ScenarioList

router = APIRouter(prefix="/api", tags=["catalogue"])


@router.get("/scenarios")
async def scenarios(services: Provided) -> ScenarioList:
    """Every scenario, with the question it answers, its designs with their variants, its default schedule."""
    return (await services.any_engine()).greeting.scenarios


@router.get("/designs")
async def designs(services: Provided) -> DesignList:
    """Every design and every variant, with what it does and where it comes from."""
    return (await services.any_engine()).greeting.designs


@router.get("/schemas/jsonl")
async def schema_of_lines() -> dict[str, Any]:
    """The JSON Schema of a line of a trace in the format jsonl."""
    return lines.document()
