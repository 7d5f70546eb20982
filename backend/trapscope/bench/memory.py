"""What a session takes of its engine process, above a process that is idle."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from trapscope.bench.long_run import DESIGN, SCENARIO, VARIANTS
from trapscope.server.engines.engine_process import EngineProcess, Guest
from trapscope.server.pipe import requests as ask

STEPS: Final = 20_000
_PIECE_STEPS: Final = 2048
_MEMORY_MIB: Final = 4096
_PATIENCE_SECONDS: Final = 60
_PAGE_BYTES: Final = 4096


def session_bytes(elf: bytes) -> int:
    """Resident bytes that a session of STEPS steps adds to a fresh process that has warmed up."""
    return asyncio.run(_session_bytes(elf))


async def _session_bytes(elf: bytes) -> int:
    process = await EngineProcess.start(Guest(elf, {}), _MEMORY_MIB, _PATIENCE_SECONDS)
    try:
        await process.ask(ask.AskSymbols())  # answered behind the warm-up
        idle = _resident(process.pid)
        await _play(process)
        return _resident(process.pid) - idle
    finally:
        process.kill()
        await process.died()


async def _play(process: EngineProcess) -> None:
    opened, _ = await process.ask(
        ask.Open(
            session="measured", scenario=SCENARIO, design=DESIGN, variants=list(VARIANTS), fetch="coherent", cpus=None,
            max_steps=STEPS,
        )
    )  # fmt: skip
    assert isinstance(opened, ask.Opened), opened
    await process.ask(ask.Feed(session="measured", schedule=opened.opening))
    pending, made = True, 0
    while pending:
        advanced, _ = await process.ask(ask.Advance(session="measured", limit=_PIECE_STEPS))
        assert isinstance(advanced, ask.Advanced), advanced
        pending, made = advanced.pending, made + advanced.count
    assert made == STEPS, made


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES
