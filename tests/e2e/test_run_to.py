"""Run to here: by a click on an instruction, or by a symbol typed where a moment can be."""

from __future__ import annotations

from typing import Any

from playwright.async_api import expect

from tests.e2e.conftest import OpenStage
from tests.e2e.stage import Stage
from tests.e2e.told import Told
from trapscope.core.image import Image


async def click(stage: Stage, rip: str, **how: Any) -> None:
    """Click an instruction that has come to rest: bringing it into sight scrolls the list and makes its rows anew."""
    row = stage.page.locator(f'[data-part="code"] .insn[data-value="{rip}"]')
    await stage.settled()
    await row.scroll_into_view_if_needed()
    await stage.settled()
    await row.click(**how)


async def test_a_click_on_an_instruction_goes_to_where_the_cpu_comes_to_it(
    open_stage: OpenStage, first_call: Told
) -> None:
    moment = first_call.moment_behind("push-begun")
    ahead = first_call.steps[moment + 3]
    behind = first_call.steps[moment - 3]
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(moment)

    await click(stage, ahead["rip"])
    await stage.is_at(ahead["n"])
    await click(stage, behind["rip"], modifiers=["Shift"])
    await stage.is_at(behind["n"])

    await stage.go_to(moment)
    await click(stage, behind["rip"])
    await expect(stage.page.locator('[data-part="code"]')).to_contain_text("does not come here again")
    await stage.is_at(moment)


async def test_a_symbol_can_be_gone_to_by_keyboard(open_stage: OpenStage, image: Image, first_call: Told) -> None:
    handler = hex(image.symbol("do_int3").address)
    entered = next(step["n"] for step in first_call.steps if step["rip"] == handler)
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")

    await stage.press("g")
    await stage.page.keyboard.type("no_such_thing")
    await stage.press("Enter")
    dialog = stage.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("no symbol no_such_thing")
    await stage.page.get_by_role("textbox", name="moment or symbol").fill("do_int3")
    await stage.press("Enter")

    await stage.is_at(entered)
    await expect(dialog).to_have_count(0)
