"""`serve` as people meet it: a process that says where it is, answers there, and ends when told to."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from trapscope.core.errors import BadInput
from trapscope.server.run import listen, url_of

SERVE = "from trapscope.server.run import serve; serve(port=0, workers=1)"


@asynccontextmanager
async def started(code: str = SERVE, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=os.environ | environment,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def announced(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert line.startswith("Trapscope is at http://127.0.0.1:"), line
    return line.split()[-1]


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_it_answers_where_it_says_and_ends_when_told(how: signal.Signals) -> None:
    async with started() as process:
        url = await announced(process)
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            assert (await http.get("readyz")).json()["engines"] == 1
            created = await http.post("api/sessions", json={"scenario": "first-call"})
            assert created.status_code == 201
        engines = children_of(process.pid)
        assert len(engines) == 1
        process.send_signal(how)
        _, said = await process.communicate()
        assert process.returncode in (0, -how)
        assert b"Traceback" not in said
        assert not is_there(engines[0])


async def test_engines_end_when_the_server_is_killed() -> None:
    async with started() as process:
        await announced(process)
        (engine,) = children_of(process.pid)
        watched = os.pidfd_open(engine)
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(watched, ended.set)
        process.kill()
        await ended.wait()
        asyncio.get_running_loop().remove_reader(watched)
        os.close(watched)


async def test_the_log_holds_neither_ids_nor_schedules() -> None:
    async with started(TRAPSCOPE_LOG_LEVEL="debug") as process:
        url = await announced(process)
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            session = (await http.post("api/sessions", json={"scenario": "first-call"})).json()["id"]
            await http.get(f"api/sessions/{session}?also=secret")
        process.send_signal(signal.SIGINT)
        _, said = await process.communicate()
    assert b'"said": "session created"' in said
    assert b'"route": "/api/sessions/{id_}"' in said
    assert session.encode() not in said
    assert b"secret" not in said


async def test_a_port_that_is_taken_is_bad_input() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"port {port}"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.1", "300.1.1.1"])
def test_an_address_that_is_not_ours_is_bad_input(host: str) -> None:
    with pytest.raises(BadInput, match=host):
        listen(host, 0)


def test_the_url_is_one_that_a_browser_can_open() -> None:
    with listen("0.0.0.0", 0) as anywhere:
        assert url_of(anywhere) == f"http://127.0.0.1:{anywhere.getsockname()[1]}/"


async def test_a_wrong_setting_is_named() -> None:
    code = SERVE.replace("serve; ", "serve\nfrom trapscope.core.errors import BadInput\ntry: ").replace(
        "workers=1)", "workers=1)\nexcept BadInput as error: print(error)"
    )
    async with started(code, TRAPSCOPE_MAX_STEPS="many") as process:
        said, _ = await process.communicate()
    assert b"TRAPSCOPE_MAX_STEPS" in said
    assert said.count(b"\n") == 1
