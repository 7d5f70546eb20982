"""The input log: what goes in comes out, in order, and nothing else."""

from __future__ import annotations

import pytest

from trapscope.core.types import RunSpec
from trapscope.store import Input, MemoryInputLog, SessionRecord, UnknownSession

RECORD = SessionRecord("s1", RunSpec("first-call", "thread"), 1000)


@pytest.fixture
async def log() -> MemoryInputLog:
    made = MemoryInputLog()
    await made.create(RECORD)
    return made


async def test_inputs_come_back_in_order(log: MemoryInputLog) -> None:
    entries = (Input(0, "0*5"), Input(5, "nmi@0"), Input(5, None), Input(9, "0>."))
    for entry in entries:
        await log.append("s1", entry)
    assert await log.read("s1") == entries


async def test_the_record_is_what_was_created(log: MemoryInputLog) -> None:
    assert await log.record("s1") == RECORD


async def test_an_id_cannot_be_taken_twice(log: MemoryInputLog) -> None:
    with pytest.raises(ValueError, match="exists already"):
        await log.create(RECORD)


async def test_time_does_not_run_backwards(log: MemoryInputLog) -> None:
    await log.append("s1", Input(7, "0*5"))
    with pytest.raises(ValueError, match="cannot follow"):
        await log.append("s1", Input(6, "0*5"))


async def test_reading_is_not_changed_by_what_comes_later(log: MemoryInputLog) -> None:
    before = await log.read("s1")
    await log.append("s1", Input(0, "0"))
    assert before == ()


async def test_a_deleted_session_is_unknown(log: MemoryInputLog) -> None:
    await log.delete("s1")
    for asked in (log.read("s1"), log.record("s1"), log.delete("s1"), log.append("s1", Input(0, "0"))):
        with pytest.raises(UnknownSession, match="'s1'"):
            await asked
