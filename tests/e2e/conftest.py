"""The real server behind its own command, and a real Chromium in front of it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, async_playwright

from tests.e2e.stage import Stage
from tests.e2e.told import Told
from tests.serving import serving
from trapscope.core.image import Image

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = Path(__file__).parent / "screenshots"

OpenStage = Callable[..., Awaitable[Stage]]


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The server's address."""
    # One browser plays more people in a minute than an address may be.
    environment = {
        **os.environ,
        "TRAPSCOPE_MAX_CREATIONS_PER_MINUTE": "1000",
        "TRAPSCOPE_MAX_SESSIONS_PER_ADDRESS": "200",
        # A run that goes on for ever is still going on when somebody cancels it.
        "TRAPSCOPE_MAX_STEPS": "2000000",
    }
    command = [sys.executable, "-m", "trapscope", "serve", "--port", "0", "--workers", "1"]
    with serving(command, environment=environment) as url:
        yield url


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium."""
    program = shutil.which("chromium")
    assert program is not None, "chromium is not installed: `make test` installs it"
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking"]
        yield await playwright.chromium.launch(executable_path=program, args=arguments)


@pytest.fixture
async def open_stage(browser: Browser, server: str) -> AsyncIterator[OpenStage]:
    """Opens pages with a window, a colour scheme and whatever else a context takes; none may have raised an error."""
    contexts: list[BrowserContext] = []
    stages: list[Stage] = []

    async def new(width: int = 1440, height: int = 900, **options: Any) -> Stage:
        settings = {"reduced_motion": "reduce", "viewport": {"width": width, "height": height}, **options}
        contexts.append(await browser.new_context(**settings))
        stages.append(Stage(await contexts[-1].new_page(), server))
        return stages[-1]

    yield new
    for context in contexts:
        await context.close()
    assert [error for stage in stages for error in stage.errors] == []


@pytest.fixture(scope="session")
def first_call(image: Image) -> Told:
    """`first-call` under the design of the patch, as the command line tells it."""
    return Told.of(image, "first-call", "--design", "thread")
