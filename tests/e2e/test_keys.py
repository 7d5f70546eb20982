"""The keys are the cursor's wherever the focus has been left, unless a text field or an open list has them."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import OpenStage
from tests.e2e.stage import Stage
from tests.e2e.told import Told


async def choose(stage: Stage, group: str, name: str) -> None:
    """Choose one of a few by a click, as a mouse does."""
    await stage.page.get_by_role("group", name=group).get_by_text(name, exact=True).click()


@pytest.mark.parametrize(("group", "name"), [("Design", "percpu"), ("Granularity", "call")])
async def test_the_cursor_has_the_keys_after_a_choice_by_mouse(
    open_stage: OpenStage, first_call: Told, group: str, name: str
) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    before = await stage.main.get_attribute("data-session") or ""
    await choose(stage, group, name)
    chosen = stage.page.get_by_role("radio", name=name, exact=True)
    await expect(chosen).to_be_checked()
    if group == "Design":  # which is another run
        await expect(stage.main).not_to_have_attribute("data-session", before)
    await expect(stage.main).to_have_attribute("data-state", "ready")
    await stage.press("Home")
    await stage.is_at(0)

    await stage.press("ArrowRight")
    await expect(stage.main).not_to_have_attribute("data-moment", "0")
    await stage.press(" ")
    await expect(stage.main).to_have_attribute("data-state", "playing")
    await stage.press(" ")

    await expect(chosen).to_be_checked()


async def test_the_cursor_has_the_keys_after_a_choice_from_a_list(open_stage: OpenStage, first_call: Told) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    speed = stage.page.get_by_role("combobox", name="speed")
    await speed.click()
    await stage.press("Escape")
    await speed.select_option("2×")

    await stage.press("ArrowRight")
    await stage.is_at(1)
    await stage.press(" ")

    await expect(stage.main).to_have_attribute("data-state", "playing")
    await expect(speed).to_have_value("2×")


async def test_an_open_list_keeps_its_keys(open_stage: OpenStage, first_call: Told) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")

    await stage.page.get_by_label("variants").click()
    await stage.press("Tab")
    await stage.press("ArrowRight")

    await stage.is_at(0)


async def test_by_keyboard_alone_a_choice_is_made_up_and_down_and_a_button_pressed_by_space(
    open_stage: OpenStage, first_call: Told
) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.page.get_by_role("radio", name="instruction").focus()

    await stage.press("ArrowUp")
    await expect(stage.page.get_by_role("radio", name="call", exact=True)).to_be_checked()
    await stage.press("1")
    await stage.press("Shift+Tab")
    while await stage.page.evaluate("document.activeElement?.getAttribute('aria-label')") != "Go to end":
        await stage.press("Shift+Tab")
    await stage.press(" ")

    await stage.is_at(len(first_call.steps))
