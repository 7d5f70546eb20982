"""One server for every test that does not need its own settings."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.server.running import Running, serving


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[Running]:
    async with serving(max_sessions_per_address=200, max_creations_per_minute=10_000) as running:
        yield running
