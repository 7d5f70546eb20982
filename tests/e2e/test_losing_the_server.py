"""What is recorded stays on the stage, and can be walked, whatever becomes of the server and of what is asked of it."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, expect

from tests.e2e.stage import Stage
from tests.e2e.told import Told
from tests.serving import serving


def a_server(port: int = 0, **settings: str) -> AbstractContextManager[str]:
    """One of the test's own, which may be ended."""
    command = [sys.executable, "-m", "trapscope", "serve", "--port", str(port), "--workers", "1"]
    return serving(command, environment={**os.environ, **settings})


async def a_page(browser: Browser) -> Page:
    context = await browser.new_context(reduced_motion="reduce", viewport={"width": 1440, "height": 900})
    return await context.new_page()


async def test_a_server_that_is_gone_leaves_the_stage_and_says_so(browser: Browser, first_call: Told) -> None:
    page = await a_page(browser)
    with a_server() as url:
        stage = Stage(page, url)
        await stage.open(len(first_call.steps), scenario="first-call", design="thread")
        await stage.go_to(200)
    await expect(page.get_by_role("status").filter(has_text="748 steps")).to_be_visible()
    address = page.url

    await stage.press("n")

    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("The server does not answer")
    await expect(alert).to_contain_text("The run on the stage stays")
    assert page.url == address
    await stage.press("ArrowRight")
    await stage.is_at(201)
    await alert.get_by_role("button", name="Dismiss").click()
    await expect(alert).to_have_count(0)
    await page.context.close()


async def test_a_server_that_was_started_anew_plays_the_run_again_at_the_same_moment(
    browser: Browser, first_call: Told
) -> None:
    page = await a_page(browser)
    with a_server() as url:
        stage = Stage(page, url)
        await stage.open(len(first_call.steps), scenario="first-call", design="thread")
        await stage.go_to(200)
    before = await stage.main.get_attribute("data-session") or ""
    port = urlsplit(url).port
    assert port is not None
    with a_server(port):
        await page.get_by_role("button", name="Play it again").click()

        await expect(stage.main).not_to_have_attribute("data-session", before)
        await stage.is_at(200)
        await expect(stage.main).to_have_attribute("data-steps", str(len(first_call.steps)))
        await expect(page.get_by_role("button", name="Play it again")).to_have_count(0)
        await page.context.close()


async def test_exploring_takes_up_no_more_than_one_session(browser: Browser, first_call: Told) -> None:
    with a_server(TRAPSCOPE_MAX_SESSIONS_PER_ADDRESS="1") as url:
        page = await a_page(browser)
        stage = Stage(page, url)
        await stage.open(len(first_call.steps), scenario="first-call", design="thread")
        for name in ("gap", "skip", "thread"):
            before = await stage.main.get_attribute("data-session") or ""
            await page.get_by_role("group", name="Design").get_by_text(name, exact=True).click()
            await expect(stage.main).not_to_have_attribute("data-session", before)
            await expect(stage.main).to_have_attribute("data-state", "ready")
        await stage.press("n")
        await expect(stage.main).not_to_have_attribute("data-steps", str(len(first_call.steps)))
        await expect(page.get_by_role("alert")).to_have_count(0)

        other = await a_page(browser)
        await other.goto(f"{url}?scenario=first-call")
        await expect(other.get_by_role("alert")).to_contain_text("close one of its pages, or wait")
        await other.context.close()
        await page.context.close()


async def test_a_link_with_no_schedule_in_it_shows_the_scenarios_own_and_says_why(
    browser: Browser, server: str, first_call: Told
) -> None:
    page = await a_page(browser)
    stage = Stage(page, server)
    await stage.open(len(first_call.steps), fragment="#s=hello+world", scenario="first-call", design="thread")

    await expect(page.get_by_role("alert")).to_contain_text("hello")
    await expect(page.get_by_role("alert")).to_contain_text("This is the scenario’s own")
    await stage.press("ArrowRight")
    await stage.is_at(1)
    await page.context.close()


async def test_a_link_to_what_there_is_not_keeps_the_stage_that_there_is(
    browser: Browser, server: str, first_call: Told
) -> None:
    page = await a_page(browser)
    stage = Stage(page, server)
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(7)

    await page.evaluate(
        "history.pushState(null, '', '?scenario=no-such'); dispatchEvent(new PopStateEvent('popstate'))"
    )

    await expect(page.get_by_role("alert")).to_contain_text("There is no scenario “no-such”")
    await stage.is_at(7)
    assert "scenario=first-call" in page.url
    await page.context.close()
