"""The page for people who use no mouse, no animation, or a screen reader; and the one promise to the server."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import OpenStage
from tests.e2e.told import Told


# The phone is a long one: axe calls a target too small where the bar at the window's bottom happens to lie over it.
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 2600)])
async def test_axe_finds_nothing(open_stage: OpenStage, first_call: Told, scheme: str, width: int, height: int) -> None:
    stage = await open_stage(width, height, color_scheme=scheme, bypass_csp=True)
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")

    found: list[str] = []
    for moment in (0, *map(first_call.moment_behind, ("frame-rewritten", "call-emulated")), len(first_call.steps)):
        await stage.go_to(moment)
        found += [f"moment {moment}: {violation}" for violation in await stage.axe()]

    assert found == []


async def test_the_whole_path_can_be_gone_by_keyboard(open_stage: OpenStage, first_call: Told) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    first, second = first_call.event_moments[:2]

    await stage.press("Shift+ArrowRight")
    await stage.is_at(first)
    await stage.press("Shift+ArrowRight")
    await stage.is_at(second)
    await stage.press("ArrowLeft")
    await stage.is_at(second - 1)
    await stage.press("Shift+ArrowLeft")
    await stage.is_at(first)
    await stage.press("End")
    await stage.is_at(len(first_call.steps))
    await stage.press("Home")
    await stage.is_at(0)
    await stage.go_to(first_call.moment_behind("slot-pushed"))
    await stage.press(" ")
    await expect(stage.main).to_have_attribute("data-state", "playing")
    await stage.press(" ")
    await expect(stage.main).to_have_attribute("data-state", "paused")


async def test_the_question_mark_lists_the_keys_and_escape_closes_it(open_stage: OpenStage, first_call: Told) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")

    await stage.press("?")
    dialog = stage.page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    keys = await dialog.locator("kbd").all_inner_texts()
    assert {"←", "→", "g", "?"} <= set(keys)
    await stage.press("Escape")

    await expect(dialog).not_to_be_visible()
    await stage.press("ArrowRight")
    await stage.is_at(1)


async def test_every_control_is_reached_by_tab_and_says_what_it_is(open_stage: OpenStage, first_call: Told) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(first_call.moment_behind("slot-pushed"))

    names: list[str] = []
    for _ in range(200):
        await stage.press("Tab")
        name = await stage.page.evaluate(
            "document.activeElement === document.body ? null"
            " : (document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText).trim()"
        )
        if name is None:
            break
        names.append(name)

    assert {"Step", "Step back", "Next event", "Previous event", "Play", "Restart", "Go to end"} <= set(names)
    assert len(names) < 200, "the focus never leaves the page"


async def test_the_narrator_says_what_happened(open_stage: OpenStage, first_call: Told) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")

    await stage.go_to(first_call.moment_behind("frame-rewritten") - 1)
    await stage.click("Next event")

    await expect(stage.page.locator("[aria-live=polite]")).to_contain_text("ftrace_int3_stub_regs_caller")


async def test_moving_the_cursor_asks_the_server_nothing(open_stage: OpenStage, first_call: Told) -> None:
    stage = await open_stage()
    traffic: list[str] = []
    stage.page.on("request", lambda request: traffic.append(request.url))
    stage.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: traffic.append(repr(frame)[:80])))
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    assert traffic
    traffic.clear()

    for event in ("int3", "frame-rewritten", "fops-called"):
        await stage.go_to(first_call.moment_behind(event))
        await stage.press("ArrowLeft", 5)
        await stage.press("ArrowRight", 5)
    await stage.press("End")
    timeline = stage.page.locator('[data-part="timeline"]')
    box = await timeline.bounding_box()
    assert box is not None
    await stage.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
    await stage.page.mouse.down()
    await stage.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 10, steps=10)
    await stage.page.mouse.up()

    assert 0 < await stage.moment() < len(first_call.steps) / 2
    assert traffic == []
