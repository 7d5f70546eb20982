"""What the page says of a run that is over, and where it goes on when another choice is made."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.conftest import OpenStage
from tests.e2e.told import Told
from trapscope.core.image import Image


async def test_a_bad_ending_names_what_broke_first_and_leads_there_and_on(open_stage: OpenStage, image: Image) -> None:
    told = Told.of(image, "preempt-migrate", "--design", "percpu")
    first = told.end["ending"]["first"]
    stage = await open_stage()
    await stage.open(len(told.steps), scenario="preempt-migrate", design="percpu")
    await expect(stage.page.locator('[data-part="outcome"]')).to_contain_text(f"{first['check']}, at step {first['n']}")

    await stage.press("End")

    panel = stage.page.locator('[data-part="ending"]')
    await expect(panel).to_have_attribute("data-first", str(first["n"]))
    await expect(panel).to_contain_text(first["detail"])
    assert await panel.locator("li").count() == len(told.end["ending"]["rest"])
    await stage.click("One beat before")
    assert 0 < await stage.moment() <= first["n"]
    await expect(panel).to_have_count(0)

    await stage.press("End")
    await panel.locator("[data-next]").click()
    await expect(stage.main).to_have_attribute("data-moment", "0")
    assert "design=thread" in stage.page.url


async def test_another_design_goes_on_after_the_same_event(open_stage: OpenStage, image: Image) -> None:
    percpu, thread = (Told.of(image, "first-call", "--design", design) for design in ("percpu", "thread"))
    stage = await open_stage()
    await stage.open(len(thread.steps), scenario="first-call", design="thread")
    await stage.go_to(thread.moment_behind("iret"))

    await stage.page.get_by_text("percpu", exact=True).click()

    await expect(stage.main).to_have_attribute("data-moment", str(percpu.moment_behind("iret")))
