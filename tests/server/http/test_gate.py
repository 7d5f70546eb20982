"""Only this server's own pages, by this server's own names."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import InvalidStatus

from tests.server.running import Running, serving
from tests.server.viewer import viewing

FOREIGN_ORIGINS = [
    "https://evil.example",
    "http://127.0.0.1:1",
    "http://localhost",
    "null",
    "file://",
    "http://127.0.0.1.evil.example",
]


def authority(server: Running) -> str:
    return server.url.removeprefix("http://").rstrip("/")


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_a_page_of_another_site_opens_no_socket(server: Running, origin: str) -> None:
    session = await server.create()
    with pytest.raises(InvalidStatus) as refused:
        async with viewing(server.url, session, origin=origin):
            pass
    assert refused.value.response.status_code == 403
    assert b"foreign-origin" in (refused.value.response.body or b"")


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
async def test_a_page_of_another_site_creates_and_deletes_nothing(server: Running, origin: str) -> None:
    session = await server.create()
    created = await server.http.post("api/sessions", json={"scenario": "first-call"}, headers={"origin": origin})
    deleted = await server.http.delete(f"api/sessions/{session}", headers={"origin": origin})
    for response in (created, deleted):
        assert (response.status_code, response.json()["code"]) == (403, "foreign-origin")
    assert (await server.http.get(f"api/sessions/{session}")).status_code == 200


async def test_the_servers_own_page_may(server: Running) -> None:
    own = {"origin": f"http://{authority(server)}"}
    created = await server.http.post("api/sessions", json={"scenario": "first-call"}, headers=own)
    assert created.status_code == 201
    async with viewing(server.url, created.json()["id"], origin=own["origin"]) as viewer:
        await viewer.until(viewer.is_caught_up)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "", "a b", "10.1.2.3"],
)
async def test_a_foreign_host_is_refused_whatever_is_asked(server: Running, host: str) -> None:
    for path in ("", "api/scenarios", "healthz", "openapi.json"):
        response = await server.http.get(path, headers={"host": host})
        assert (response.status_code, response.json()["code"]) == (421, "foreign-host")


async def test_a_foreign_host_opens_no_socket(server: Running) -> None:
    session = await server.create()
    with pytest.raises(InvalidStatus) as refused:
        async with viewing("http://evil.example/", session, host="127.0.0.1", port=int(server.url.split(":")[2][:-1])):
            pass
    assert refused.value.response.status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "[::1]:8000", "localhost."])
async def test_every_name_of_the_loopback_is_the_servers_own(server: Running, host: str) -> None:
    assert (await server.http.get("healthz", headers={"host": host})).status_code == 200


async def test_more_hosts_can_be_allowed_by_name() -> None:
    async with serving(allowed_hosts="demo.example, www.demo.example") as server:
        for host, status in (("demo.example", 200), ("www.demo.example:443", 200), ("example", 421)):
            assert (await server.http.get("healthz", headers={"host": host})).status_code == status
        origin = {"host": "demo.example", "origin": "https://demo.example"}
        assert (await server.http.post("api/sessions", json={"scenario": "?"}, headers=origin)).status_code == 422


async def test_every_answer_keeps_the_browser_in_bounds(server: Running) -> None:
    for path in ("healthz", "api/scenarios", "nowhere", "api/sessions/nobody"):
        headers = (await server.http.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


@pytest.mark.parametrize("body", [b"x" * (128 * 1024 + 1), b"x" * (2 << 20)])
async def test_a_big_body_is_refused_however_it_is_sent(server: Running, body: bytes) -> None:
    async def piecewise() -> AsyncIterator[bytes]:
        yield body

    for content in (body, piecewise()):
        response = await server.http.post("api/sessions", content=content)
        assert (response.status_code, response.json()["code"]) == (413, "body-too-big")
