"""Every value says who wrote it last, and leads there: compared with a scan over the steps of the command line."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import OpenStage
from tests.e2e.told import Told
from trapscope.core.types import ram_offset

_EVERY_VALUE = """() => [...document.querySelectorAll('.stage [data-at]')].map((element) =>
  [element.dataset.name, element.dataset.at, Number(element.dataset.size)])"""

_PLACES = {
    "slot": '[data-slot="0"]',
    "depth": '[data-part="int3-stack"] [data-field="depth"]',
    "frame word": '[data-word="ip"]',
    "word that the CPU pushed": '[data-word="ss"]',
    "byte of the patch site": '[data-byte="0"] button',
    "member of thread_info": '[data-field="flags"]',
}


def last_writer(told: Told, moment: int, address: int, size: int) -> dict[str, Any] | None:
    """The newest step before a moment that stored to any of these bytes."""
    start = ram_offset(address)
    for step in reversed(told.steps[:moment]):
        for write in step["writes"]:
            at = ram_offset(int(write["addr"], 16))
            if at < start + size and start < at + len(write["new"]) // 2:
                return step
    return None


@pytest.mark.parametrize("place", list(_PLACES))
async def test_enter_on_a_value_goes_to_where_it_was_written_last(
    open_stage: OpenStage, first_call: Told, place: str
) -> None:
    moment = first_call.moment_behind("frame-rewritten") + 4
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(moment)
    value = stage.page.locator(_PLACES[place])
    at, size = await value.get_attribute("data-at"), await value.get_attribute("data-size")
    assert at is not None
    assert size is not None
    writer = last_writer(first_call, moment, int(at, 16), int(size))

    await value.focus()
    await stage.press("Enter")

    await stage.is_at(moment if writer is None else writer["n"] + 1)


async def test_every_value_of_the_stage_says_who_wrote_it(open_stage: OpenStage, first_call: Told) -> None:
    moment = first_call.moment_behind("frame-rewritten") + 4
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(moment)
    folds = stage.page.locator('[data-part="stack"] button[aria-expanded="false"]')
    while await folds.count():
        await folds.first.click()
    values = await stage.page.evaluate(_EVERY_VALUE)
    assert len(values) > 30
    card = stage.page.locator("#value-card")

    # The keyboard's way of pointing: the card opens at a focus that is to be seen.
    await stage.press("Tab")
    for index, (name, at, size) in enumerate(values):
        writer = last_writer(first_call, moment, int(at, 16), size)
        await stage.page.locator(".stage [data-at]").nth(index).focus()
        await expect(card).to_contain_text(name)
        if writer is None:
            await expect(card).to_contain_text("not written since")
        else:
            await expect(card).to_contain_text(f"Last written at moment {writer['n'] + 1} by")
            await expect(card).to_contain_text(writer["symbol"].removesuffix("+0x0"))


async def test_a_card_opens_under_the_mouse_and_closes_by_escape(open_stage: OpenStage, first_call: Told) -> None:
    moment = first_call.moment_behind("frame-rewritten") + 4
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(moment)
    card = stage.page.locator("#value-card")

    await stage.page.hover('[data-slot="0"]')
    await expect(card).to_contain_text("slots[0]")
    await stage.press("Escape")
    await expect(card).to_have_count(0)
    await stage.page.hover('[data-word="ip"]')
    await card.get_by_role("button", name="Go there").click()

    await stage.is_at(first_call.moment_behind("frame-rewritten"))
    await expect(card).to_have_count(0)


async def test_a_finger_opens_the_card_first(open_stage: OpenStage, first_call: Told) -> None:
    moment = first_call.moment_behind("frame-rewritten")
    stage = await open_stage(390, 844, has_touch=True, is_mobile=True)
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(moment)

    await stage.page.locator('[data-slot="0"]').tap()

    card = stage.page.locator("#value-card")
    await expect(card).to_contain_text("Last written at moment")
    await stage.is_at(moment)
    await card.get_by_role("button", name="Go there").tap()
    await stage.is_at(first_call.moment_behind("slot-pushed"))
