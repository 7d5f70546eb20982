"""Why a value is what it is: the way back through the steps that made it, walked on the page."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.e2e.conftest import OpenStage
from tests.e2e.stage import Stage
from tests.e2e.told import Told
from trapscope.core.image import Image

_SLOT = '[data-slot="0"]'


async def told_by_server(stage: Stage, value: Locator) -> dict[str, Any]:
    """The server's own answer to the question about a value at the moment shown."""
    at, size = await value.get_attribute("data-at"), await value.get_attribute("data-size")
    session = await stage.main.get_attribute("data-session")
    asked: dict[str, str | float | bool] = {"target": f"{at}+{size}", "at": await stage.moment()}
    response = await stage.page.request.get(f"{stage.url}api/sessions/{session}/why", params=asked)
    assert response.ok, await response.text()
    chain: dict[str, Any] = await response.json()
    return chain


def moment_of(link: dict[str, Any]) -> int:
    return int(link["at"] if link["step"] is None else link["step"]["n"] + 1)


async def ask(stage: Stage, selector: str) -> Locator:
    """Ask by keyboard; the stops, once there are any."""
    await stage.page.locator(selector).focus()
    await stage.press("w")
    stops = stage.page.locator('[data-part="why"] [data-link]')
    await expect(stops.first).to_be_focused()
    return stops


async def shown(stops: Locator) -> list[tuple[int, int]]:
    return [
        (int(await stop.get_attribute("data-link") or ""), int(await stop.get_attribute("data-moment") or ""))
        for stop in await stops.all()
    ]


async def test_the_way_back_is_the_servers_and_is_walked_by_keyboard(open_stage: OpenStage, first_call: Told) -> None:
    asked_at = first_call.moment_behind("frame-rewritten")
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(asked_at)
    chain = await told_by_server(stage, stage.page.locator(_SLOT))
    way = [chain["links"][number] for number in chain["path"]]
    assert len(way) > 3

    stops = await ask(stage, _SLOT)

    assert await shown(stops) == [(link["id"], moment_of(link)) for link in way]
    for at, link in enumerate(way):
        await expect(stops.nth(at)).to_contain_text(link["name"])
        if link["step"] is not None:
            await expect(stops.nth(at)).to_contain_text(link["step"]["symbol"].removesuffix("+0x0"))
            await expect(stops.nth(at)).to_contain_text(f"{link['step']['file']}:{link['step']['line']}")
    await stage.press("ArrowDown", 2)
    await expect(stops.nth(2)).to_be_focused()
    await stage.is_at(asked_at)
    await stage.press("Enter")
    await stage.is_at(moment_of(way[2]))
    await expect(stops.nth(2)).to_have_attribute("aria-current", "step")
    await stage.press("ArrowUp")
    await expect(stops.nth(1)).to_be_focused()
    await stage.click(f"at moment {asked_at}")
    await stage.is_at(asked_at)
    await stage.press("Escape")
    await expect(stops).to_have_count(0)
    await expect(stage.page.locator(_SLOT)).to_be_focused()


async def test_another_source_begins_another_way(open_stage: OpenStage, first_call: Told) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(first_call.moment_behind("frame-rewritten"))
    chain = await told_by_server(stage, stage.page.locator(_SLOT))
    main, *others = [source["link"] for source in chain["links"][0]["sources"]]
    stops = await ask(stage, _SLOT)

    await stage.page.locator(f'[data-branch="{others[0]}"]').first.click()

    await expect(stops.nth(1)).to_have_attribute("data-link", str(others[0]))
    await expect(stops.nth(1)).to_be_focused()
    await stage.page.locator(f'[data-branch="{main}"]').first.click()
    await expect(stops.nth(1)).to_have_attribute("data-link", str(main))


async def test_the_card_asks_too_and_an_end_is_told_in_words(open_stage: OpenStage, first_call: Told) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(first_call.moment_behind("slot-pushed"))

    await stage.page.hover('[data-slot="3"]')
    await stage.page.locator("#value-card").get_by_role("button", name="Why?").click()

    panel = stage.page.locator('[data-part="why"]')
    await expect(panel).to_contain_text("slots[3]")
    await expect(panel).to_contain_text("As it was at moment 0")


async def test_a_call_names_the_version_of_the_site_that_it_was_decoded_from(
    open_stage: OpenStage, image: Image
) -> None:
    told = Told.of(image, "patch-live", "--design", "thread")
    poke = next(event for event in told.events if event["event"] == "text-write" and event["part"] == "first-byte")
    call = next(step for step in told.steps[poke["n"] :] if step["rip"] == poke["site"] and step["bytes"][:2] == "e8")
    (pushed,) = call["writes"]
    stage = await open_stage()
    await stage.open(len(told.steps), scenario="patch-live", design="thread")
    await stage.go_to(call["n"] + 1)

    stops = await ask(stage, f'[data-part="stack"] [data-at="{pushed["addr"]}"]')

    await expect(stops.first).to_contain_text("Decoded from its bytes as written at moment")
    await expect(stops.first).to_contain_text(str(poke["n"] + 1))
    await expect(stage.page.locator('[data-part="why"]')).to_contain_text("its code:")


async def test_without_a_value_the_panel_says_how_to_ask(open_stage: OpenStage, first_call: Told) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")

    await stage.press("w")

    panel = stage.page.locator('[data-part="why"]')
    await expect(panel).to_have_attribute("data-state", "no-question")
    await expect(panel).to_contain_text("Tab")
    await stage.press("Escape")
    await expect(panel).to_have_count(0)


async def test_a_server_that_does_not_answer_can_be_asked_again(open_stage: OpenStage, first_call: Told) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(first_call.moment_behind("frame-rewritten"))
    await stage.page.route("**/why?*", lambda route: route.abort())
    await stage.page.locator(_SLOT).focus()
    await stage.press("w")
    again = stage.page.get_by_role("button", name="Ask again")
    await expect(again).to_be_focused()
    await expect(stage.page.locator('[data-part="why"]')).to_contain_text("does not answer")
    stage.errors.clear()  # that the request failed is in the console

    await stage.page.unroute("**/why?*")
    await again.click()

    await expect(stage.page.locator('[data-part="why"] [data-link]').first).to_be_focused()


async def test_a_forgotten_session_is_made_anew_at_the_same_moment(open_stage: OpenStage, first_call: Told) -> None:
    moment = first_call.moment_behind("frame-rewritten")
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(moment)
    before = await stage.look()
    session = await stage.main.get_attribute("data-session") or ""
    response = await stage.page.request.delete(f"{stage.url}api/sessions/{session}")
    assert response.ok, await response.text()

    await stage.page.locator(_SLOT).focus()
    await stage.press("w")
    await expect(stage.page.locator('[data-part="why"]')).to_contain_text("forgotten this session")
    await stage.click("Make the run anew")

    await expect(stage.main).not_to_have_attribute("data-session", session)
    await expect(stage.main).to_have_attribute("data-steps", str(len(first_call.steps)))
    await stage.is_at(moment)
    await ask(stage, _SLOT)
    await stage.press("Escape")
    assert await stage.look_again(before) == before
    stage.errors.clear()  # that the session was gone is in the console


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (820, 1180), (390, 2600)])
async def test_axe_finds_nothing_in_the_open_panel(
    open_stage: OpenStage, first_call: Told, scheme: str, width: int, height: int
) -> None:
    stage = await open_stage(width, height, color_scheme=scheme, bypass_csp=True)
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(first_call.moment_behind("frame-rewritten"))
    await ask(stage, _SLOT)
    await stage.press("Enter")

    assert await stage.axe() == []
    assert await stage.page.evaluate("document.documentElement.scrollWidth") <= width
