"""Every limit has a name, is told to whoever meets it, and hits nobody else."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.server.running import Running, serving
from tests.server.viewer import viewing
from trapscope.server.rooms.sessions import fingerprint, network_of
from trapscope.wire.messages import Refused as RefusedMessage
from trapscope.wire.problems import Problem


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def refused_creation(server: Running) -> tuple[int, str]:
    response = await server.http.post("api/sessions", json={"scenario": "first-call"})
    assert int(response.headers["retry-after"]) > 0
    return response.status_code, response.json()["code"]


async def test_a_full_server_says_so_and_has_room_again_when_a_session_goes() -> None:
    async with serving(max_sessions=2) as server:
        first = await server.create()
        await server.create()
        assert await refused_creation(server) == (503, "server-full")
        await server.http.delete(f"api/sessions/{first}")
        await server.create()


async def test_one_address_cannot_take_everything() -> None:
    async with serving(max_sessions_per_address=1) as server:
        await server.create()
        assert await refused_creation(server) == (429, "address-full")


async def test_whoever_goes_from_run_to_run_is_not_held_up_by_the_ones_left_behind() -> None:
    clock = Clock()
    async with serving(clock, max_sessions_per_address=2) as server:
        left = await server.create()
        async with viewing(server.url, await server.create()) as inside:
            await inside.until(inside.is_caught_up)
            clock.now += 10
            await server.create()
            assert await refused_creation(server) == (429, "address-full")
            assert (await server.http.get(f"api/sessions/{left}")).status_code == 404
            assert (await inside.run("0")).steps == 1


async def test_creating_and_deleting_does_not_get_around_the_rate() -> None:
    clock = Clock()
    async with serving(clock, max_creations_per_minute=2) as server:
        for _ in range(2):
            await server.http.delete(f"api/sessions/{await server.create()}")
        assert await refused_creation(server) == (429, "address-full")
        clock.now += 30
        await server.create()


async def test_addresses_behind_a_trusted_proxy_are_told_apart() -> None:
    async with serving(max_sessions_per_address=1, trusted_proxies="127.0.0.1") as server:
        for address in ("192.0.2.1", "192.0.2.2"):
            headers = {"x-forwarded-for": address}
            response = await server.http.post("api/sessions", json={"scenario": "first-call"}, headers=headers)
            assert response.status_code == 201


async def test_nobody_else_can_claim_another_address() -> None:
    async with serving(max_sessions_per_address=1) as server:
        await server.create()
        headers = {"x-forwarded-for": "192.0.2.1"}
        response = await server.http.post("api/sessions", json={"scenario": "first-call"}, headers=headers)
        assert response.json()["code"] == "address-full"


async def test_a_full_room_says_so() -> None:
    async with serving(max_clients_per_session=1) as server:
        session = await server.create()
        async with viewing(server.url, session) as inside:
            await inside.until(inside.is_caught_up)
            async with viewing(server.url, session) as outside:
                assert await outside.until_closed() == 4429
            assert outside.goodbye is not None
            assert outside.goodbye.why.code == "room-full"
            assert (await inside.run("0")).steps == 1


async def test_a_session_ends_out_of_steps_and_not_later() -> None:
    async with serving(max_steps=100) as server:
        session = await server.create()
        async with viewing(server.url, session) as viewer:
            status = await viewer.run("0>.")
        assert (status.steps, status.verdict) == (100, "out-of-steps")
        assert (await server.http.get(f"api/sessions/{session}")).json()["choice"]["max_steps"] == 100


async def test_more_steps_than_a_run_may_have_are_refused_by_name_and_not_made_fewer() -> None:
    async with serving(max_steps=100) as server:
        refused = await server.http.post("api/sessions", json={"scenario": "first-call", "max_steps": 101})
        problem = Problem.model_validate_json(refused.content)
        assert (refused.status_code, problem.code, problem.asked, problem.limit) == (422, "over-limit", 101, 100)
        assert await server.create(max_steps=100)


async def test_a_session_that_replaces_ones_own_takes_no_more_room() -> None:
    async with serving(max_sessions_per_address=1) as server:
        session = await server.create()
        for _ in range(3):
            old, session = session, await server.create(replaces=session)
            assert (await server.http.get(f"api/sessions/{old}")).json()["code"] == "unknown-session"


async def test_a_session_that_others_look_at_is_not_replaced() -> None:
    async with serving() as server:
        session = await server.create()
        async with viewing(server.url, session) as one, viewing(server.url, session) as other:
            await one.until(one.is_caught_up)
            await other.until(other.is_caught_up)
            await server.create(replaces=session)
            assert (await one.run("0")).steps == 1


async def test_whoever_ends_their_own_run_sooner_may(server: Running) -> None:
    async with viewing(server.url, await server.create(max_steps=64)) as viewer:
        status = await viewer.run("0>.")
    assert (status.steps, status.verdict) == (64, "out-of-steps")


async def test_a_queue_that_is_full_refuses_the_next_schedule() -> None:
    async with serving(max_queued_inputs=3, chunk_steps=1) as server:
        session = await server.create()
        async with viewing(server.url, session) as viewer:
            answers = [await viewer.command("run", schedule="0*200") for _ in range(4)]
            assert isinstance(answers[3], RefusedMessage)
            assert answers[3].why.code == "queue-full"
            await viewer.command("cancel")
            await viewer.settled()
            assert (await viewer.run("0")).state == "idle"


async def test_an_input_log_has_an_end() -> None:
    async with serving(max_inputs_per_session=2) as server:
        async with viewing(server.url, await server.create()) as viewer:
            await viewer.run("0")
            await viewer.run("0")
            refused = await viewer.command("run", schedule="0")
        assert isinstance(refused, RefusedMessage)
        assert refused.why.code == "queue-full"


async def test_an_unused_session_expires_and_a_used_one_does_not() -> None:
    clock = Clock()
    async with serving(clock, idle_expiry_seconds=100) as server:
        unused, used = await server.create(), await server.create()
        async with viewing(server.url, used) as viewer:
            await viewer.until(viewer.is_caught_up)
            clock.now += 100
            await server.services.sessions.sweep()
            assert (await server.http.get(f"api/sessions/{unused}")).json()["code"] == "unknown-session"
            assert (await server.http.get(f"api/sessions/{used}")).status_code == 200
        async with viewing(server.url, unused) as late:
            assert await late.until_closed() == 4404


async def test_a_forgotten_tab_does_not_keep_a_session_for_ever() -> None:
    clock = Clock()
    async with serving(clock, max_age_seconds=500) as server, viewing(server.url, await server.create()) as viewer:
        await viewer.until(viewer.is_caught_up)
        clock.now += 500
        await server.services.sessions.sweep()
        assert await viewer.until_closed() == 1000
        assert viewer.goodbye is not None


async def test_unused_sessions_make_way_when_memory_is_short() -> None:
    async with serving(max_log_bytes=10_000) as server:
        unused = await server.create()
        async with viewing(server.url, unused) as viewer:
            await viewer.run("0>.")
        session = await server.create()
        assert (await server.http.get(f"api/sessions/{unused}")).status_code == 404
        async with viewing(server.url, session) as viewer:
            await viewer.run("0*1000")
            refused = await viewer.command("run", schedule="0")
        assert isinstance(refused, RefusedMessage)
        assert refused.why.code == "server-full"


async def test_somebody_slow_holds_up_nobody_and_misses_nothing() -> None:
    async with serving(chunk_steps=4, send_buffer_bytes=4096) as server:
        session = await server.create()
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        narrow.setblocking(False)
        host, port = server.url.removeprefix("http://").rstrip("/").split(":")
        await asyncio.get_running_loop().sock_connect(narrow, (host, int(port)))
        async with (
            viewing(server.url, session, sock=narrow, max_queue=1) as slow,
            viewing(server.url, session) as quick,
        ):
            await quick.run("0>.")
            assert await server.figure("trapscope_slowest_client_chunks") > 0
            assert (await server.http.get("healthz")).status_code == 200
            await slow.until_state("ended")
        assert slow.steps == quick.steps
        assert slow.events == quick.events
        assert slow.status == quick.status


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("somewhere", "somewhere"),
    ],
)
def test_what_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_fingerprint_does_not_let_anybody_in() -> None:
    assert fingerprint("secret") != fingerprint("secreT")
    assert "secret" not in fingerprint("secret")
