"""Runs that take a while to record: seen to come, walked meanwhile, called off."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import OpenStage

#: A run that goes round for ever, up to the server's limit.
ENDLESS = {"scenario": "nmi-in-nmi", "design": "gap", "variant": "plain-nmi"}


@pytest.mark.parametrize("way", ["button", "key"])
async def test_a_run_is_walked_while_it_is_recorded_and_then_cancelled(open_stage: OpenStage, way: str) -> None:
    stage = await open_stage()
    await stage.visit(**ENDLESS)
    progress = stage.page.locator('[data-part="progress"]')
    await expect(progress).to_contain_text("steps recorded so far · verdict pending")
    await stage.click("Step")
    await stage.click("Step")
    await stage.is_at(2)

    if way == "button":
        await stage.click("Cancel")
    else:
        await stage.press("c")

    told = stage.page.get_by_text("Cancelled after")
    await expect(told).to_be_visible()
    await expect(progress).to_have_count(0)
    session = await stage.main.get_attribute("data-session")
    facts = await (await stage.page.request.get(f"{stage.url}api/sessions/{session}")).json()
    assert (facts["state"], facts["verdict"]) == ("idle", None)
    assert 2 < facts["steps"] < facts["choice"]["max_steps"]
    await expect(stage.main).to_have_attribute("data-steps", str(facts["steps"]))
    await expect(told).to_contain_text(f"{facts['steps']:,} steps")
    await stage.is_at(2)
    await stage.press("End")
    await stage.is_at(facts["steps"])
