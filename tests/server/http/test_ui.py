"""The page's files: what has a hash in its name is kept for ever, the page itself is asked for again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from trapscope import assets
from trapscope.server.http import problem, ui
from trapscope.server.metrics import Metrics


def application() -> FastAPI:
    app = FastAPI()
    problem.install(app, Metrics())
    ui.mount(app)
    return app


def asking(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")


@pytest.fixture
async def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>page")
    (tmp_path / "favicon.svg").write_text("<svg/>")
    (tmp_path / "assets" / "index-Ab3d.js").write_text("export {}")
    (tmp_path.parent / "secret").write_text("secret")
    monkeypatch.setattr(assets, "ui", lambda: tmp_path)
    async with asking(application()) as http:
        yield http


async def test_the_page_is_asked_for_again(built: httpx.AsyncClient) -> None:
    for path in ("/", "/index.html", "/?scenario=first-call"):
        response = await built.get(path)
        assert (response.status_code, response.text) == (200, "<!doctype html>page")
        assert response.headers["cache-control"] == "no-cache"
        again = await built.get(path, headers={"if-none-match": response.headers["etag"]})
        assert again.status_code == 304


async def test_hashed_files_are_kept_for_ever(built: httpx.AsyncClient) -> None:
    response = await built.get("/assets/index-Ab3d.js")
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["content-type"].startswith("text/javascript")


async def test_other_files_are_asked_for_again(built: httpx.AsyncClient) -> None:
    assert (await built.get("/favicon.svg")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/assets/index-0000.js", "/nothing", "/../secret", "/..%2fsecret", "/assets/%00"])
async def test_what_is_not_there_is_a_problem_document(built: httpx.AsyncClient, path: str) -> None:
    response = await built.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "not-found")


async def test_without_a_build_the_page_says_how_to_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "ui", lambda: None)
    async with asking(application()) as http:
        response = await http.get("/")
    assert response.status_code == 503
    assert "make ui" in response.json()["detail"]
