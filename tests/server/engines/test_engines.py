"""Engine processes die; nobody loses a step."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.server.running import Running, serving
from tests.server.viewer import viewing
from trapscope.core.image import Image
from trapscope.core.session import Session
from trapscope.core.session.catalogue import resolve
from trapscope.server.engines.engine import MAX_DEATHS, Engine
from trapscope.server.engines.engine_process import EngineLost, EngineProcess, EngineUnfit, Guest
from trapscope.server.engines.pool import Pool
from trapscope.server.engines.step_log import StepLog
from trapscope.server.metrics import Metrics
from trapscope.server.pipe import requests as ask
from trapscope.server.refusal import Refused
from trapscope.settings import Settings
from trapscope.store import MemoryInputLog
from trapscope.wire.messages import Refused as RefusedMessage

OPENING = ask.Open(
    session="s", scenario="first-call", design=None, variants=[], fetch="coherent", cpus=None, max_steps=1000
)


def the_process(server: Running) -> EngineProcess:
    (process,) = server.services.pool.processes
    return process


async def test_a_process_killed_in_the_middle_of_a_run_costs_nobody_a_step(image: Image) -> None:
    expected = Session(image, resolve(image, "first-call"))
    expected.feed("0>.")
    expected.advance(expected.max_steps)
    async with serving(chunk_steps=8) as server:
        session = await server.create()
        async with viewing(server.url, session) as one, viewing(server.url, session) as other:
            await one.command("run", schedule="0>.")
            await one.until(lambda: len(one.steps) > 0)
            os.kill(the_process(server).pid, signal.SIGKILL)
            steps_at_death = server.services.sessions.get(session).log.steps
            status = await one.until_state("ended", "failed")
            await other.until_state("ended", "failed")
        assert 0 < steps_at_death < len(expected.trace)
        assert one.steps == other.steps == list(expected.trace.steps())
        assert (status.state, status.verdict, status.hash) == ("ended", "ok", expected.hash)
        assert "rebuilding" in [told.state for told in one.statuses + other.statuses]
        assert await server.figure("trapscope_rebuilds_total") == 1
        assert await server.figure("trapscope_engine_deaths_total") == 1


async def test_a_process_killed_while_nothing_runs_is_not_noticed(image: Image) -> None:
    expected = Session(image, resolve(image, "first-call"))
    expected.feed("0>.")
    expected.advance(expected.max_steps)
    async with serving() as server:
        session = await server.create()
        async with viewing(server.url, session) as viewer:
            await viewer.run("0*100")
            process = the_process(server)
            process.kill()
            await process.died()
            status = await viewer.run("0>.")
        assert (status.state, status.hash) == ("ended", expected.hash)
        assert viewer.steps == list(expected.trace.steps())


async def test_an_injection_told_before_anything_ran_is_told_the_same_when_the_session_is_rebuilt() -> None:
    async with serving() as server:
        session = await server.create()
        async with viewing(server.url, session) as viewer:
            for schedule in ("irq@0", "nmi@0", "0*5", "irq@0"):
                await viewer.run(schedule)
            told = list(viewer.held)
            os.kill(the_process(server).pid, signal.SIGKILL)
            assert (await viewer.run("0*5")).state == "idle"
            assert viewer.held[: len(told)] == told
            assert [entry["n"] for entry in told[:2]] == [0, 0]
        assert await server.figure("trapscope_rebuilds_total") == 1


async def test_an_ended_run_whose_process_died_is_still_ended_and_can_be_exported() -> None:
    async with serving() as server:
        session = await server.create()
        async with viewing(server.url, session) as viewer:
            ended = await viewer.run("0>.")
            process = the_process(server)
            process.kill()
            await process.died()
            trace = await server.http.get(f"api/sessions/{session}/trace")
            refused = await viewer.command("run", schedule="0")
            assert isinstance(refused, RefusedMessage)
            assert refused.why.code == "session-ended"
        assert json.loads(trace.text.splitlines()[-1])["hash"] == ended.hash
        assert (await server.http.get(f"api/sessions/{session}")).json()["state"] == "ended"


async def test_a_schedule_refused_by_a_rebuilt_session_leaves_it_idle() -> None:
    async with serving() as server:
        session = await server.create()
        async with viewing(server.url, session) as viewer:
            before = await viewer.run("0*10")
            process = the_process(server)
            process.kill()
            await process.died()
            refused = await viewer.command("run", schedule="nonsense")
            assert isinstance(refused, RefusedMessage)
            assert refused.why.code == "bad-schedule"
        info = (await server.http.get(f"api/sessions/{session}")).json()
        assert (info["state"], info["hash"], info["schedule"]) == ("idle", before.hash, "0*10")


async def test_what_was_cancelled_stays_cancelled_when_the_session_is_rebuilt() -> None:
    async with serving(chunk_steps=1) as server:
        session = await server.create()
        async with viewing(server.url, session) as viewer:
            await viewer.send("run", schedule="0>.")
            await viewer.command("cancel")
            before = await viewer.settled()
            process = the_process(server)
            process.kill()
            await process.died()
            after = await viewer.run("0*5")
        assert after.schedule == f"0*{before.steps + 5}"


async def test_a_process_that_hangs_is_replaced() -> None:
    async with serving(request_timeout_seconds=1) as server:
        session = await server.create()
        process = the_process(server)
        os.kill(process.pid, signal.SIGSTOP)
        async with viewing(server.url, session) as viewer:
            assert (await viewer.run("0>.")).verdict == "ok"
        assert the_process(server).pid != process.pid


async def test_a_session_that_comes_out_differently_fails_rather_than_change_the_past() -> None:
    async with serving() as server:
        session = await server.create()
        async with viewing(server.url, session) as viewer:
            await viewer.run("0*50")
            chunks = server.services.sessions.get(session).log.chunks
            chunks[0] = replace(chunks[0], frame=chunks[0].frame + b"\x00")
            the_process(server).kill()
            await the_process(server).died()
            refused = await viewer.command("run", schedule="0")
            await viewer.until_state("failed")
        assert isinstance(refused, RefusedMessage)
        assert refused.why.code == "session-failed"


async def test_a_worn_process_is_replaced_when_its_last_session_goes() -> None:
    async with serving(worker_sessions=1) as server:
        worn = the_process(server)
        session = await server.create()
        await server.http.delete(f"api/sessions/{session}")
        await worn.died()
        async with viewing(server.url, await server.create()) as viewer:
            assert (await viewer.run("0")).steps == 1


async def test_sessions_are_spread_over_the_processes() -> None:
    async with serving(workers=2) as server:
        while len(server.services.pool.processes) < 2:
            await server.services.pool.changed()
        for _ in range(4):
            await server.create()
        assert sorted(len(process.sessions) for process in server.services.pool.processes) == [2, 2]


class DyingPool(Pool):
    """Every process dies over the first thing it is asked."""

    async def open(self, request: ask.Open) -> tuple[EngineProcess, ask.Answer, tuple[bytes, ...]]:
        raise EngineLost(f"died over {request.session}")


async def test_a_session_that_kills_every_process_is_given_up() -> None:
    engine = Engine(OPENING, DyingPool(Settings(), Metrics()), MemoryInputLog(), StepLog())
    with pytest.raises(Refused, match=f"{MAX_DEATHS} engine processes") as refused:
        await engine.open()
    assert refused.value.code == "session-failed"


async def test_a_server_whose_processes_never_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    pool = Pool(Settings(workers=1), Metrics())
    pool.start(Guest(b"", {}))
    try:
        with pytest.raises(EngineUnfit, match="in a row did not start"):
            await pool.ready()
    finally:
        await pool.stop()


async def test_a_process_that_cannot_run_here_tells_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "python"
    greeting = (
        "import trapscope.server.worker.__main__ as w; from trapscope.server.pipe import requests as a; import sys"
    )
    say = "w._say(sys.stdout.buffer, a.Unfit(outcome='unfit', why='Unicorn fails: iretq'))"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{greeting}; {say}"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(script))
    with pytest.raises(EngineUnfit, match="Unicorn fails: iretq"):
        await EngineProcess.start(Guest(b"", {}), 1024, 10)
