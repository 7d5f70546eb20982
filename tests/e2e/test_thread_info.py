"""The pane of thread_info: a task's int3 stack, its copy behind a fork, and the card about one of its values."""

from __future__ import annotations

from playwright.async_api import expect

from tests.core.lens.played import played
from tests.e2e.conftest import OpenStage
from tests.e2e.told import Told
from trapscope.core.image import Image


def moment_of(image: Image, scenario: str, event: str, *variants: str) -> tuple[int, int]:
    """The moment right behind the first such event, and how many steps the run has."""
    session = played(image, scenario, "thread", *variants)
    return next(one.moment for one in session.events if one.name == event) + 1, len(session.trace)


async def test_the_copy_that_a_fork_makes_is_seen_beside_what_was_copied(open_stage: OpenStage, image: Image) -> None:
    moment, steps = moment_of(image, "fork", "forked")
    stage = await open_stage()
    await stage.open(steps, scenario="fork", design="thread")
    copy = stage.page.locator('[data-part="copy"]')
    await stage.go_to(moment - 1)
    await expect(copy).to_have_count(0)

    await stage.press("ArrowRight")

    await expect(copy.locator('[data-field="depth"]')).to_have_attribute("data-value", "0x0")
    address = await copy.locator('[data-field="depth"]').get_attribute("data-at")
    assert int(address or "", 16) == image.symbol("child").address + 16
    await expect(stage.page.locator('[data-part="int3-stack"]')).to_have_count(2)


async def test_an_address_that_depth_does_not_count_yet_is_not_called_left_over(
    open_stage: OpenStage, image: Image
) -> None:
    moment, steps = moment_of(image, "nmi-in-handler", "push-begun", "slot-first")
    stage = await open_stage()
    await stage.open(steps, scenario="nmi-in-handler", design="thread", variant="slot-first")
    await stage.go_to(moment)

    await expect(stage.page.locator('[data-slot="0"]')).to_contain_text("not counted by depth")


async def test_the_card_about_a_slot_leaves_its_neighbours_in_sight(open_stage: OpenStage, first_call: Told) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(first_call.moment_behind("slot-pushed"))

    await stage.page.locator('[data-slot="0"]').hover()

    card = await stage.page.locator("#value-card").bounding_box()
    assert card is not None
    for index in range(4):
        slot = await stage.page.locator(f'[data-slot="{index}"]').bounding_box()
        assert slot is not None
        assert card["x"] + card["width"] <= slot["x"] or card["x"] >= slot["x"] + slot["width"]
