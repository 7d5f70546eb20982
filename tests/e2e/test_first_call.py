"""The main path, stepped in the page and compared with what the command line tells of the same run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import OpenStage
from tests.e2e.stage import Stage
from tests.e2e.told import Told


def short(symbol: str) -> str:
    return symbol.removesuffix("+0x0")


#: What the story must name of an event.
NAMED: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "int3": lambda event: [short(event["symbol"]), "int3"],
    "frame-pushed": lambda event: [event["symbol"], "RIP", "RSP"],
    "push-begun": lambda event: [f"depth to {event['depth']}", f"slots[{event['index']}]"],
    "slot-pushed": lambda event: [f"slots[{event['index']}]", "thread_info"],
    "frame-rewritten": lambda event: [short(event["old_symbol"]), short(event["new_symbol"])],
    "iret": lambda event: ["iretq", short(event["symbol"])],
    "stub-entered": lambda event: [event["stub"], event["context"]],
    "pop-begun": lambda event: [f"slots[{event['index']}]", f"depth still says {event['depth']}"],
    "slot-popped": lambda event: [f"depth goes down to {event['depth']}", f"slots[{event['index']}]"],
    "call-emulated": lambda event: [short(event["target_symbol"])],
    "fops-called": lambda event: [event["func"], short(event["symbol"]), event["parent_symbol"]],
}


async def assert_shows(stage: Stage, told: Told, moment: int) -> None:
    """The page shows this moment as the command line tells it."""
    await stage.is_at(moment)
    assert await stage.picture() == told.pictures[moment]


async def test_from_the_int3_to_the_fops_every_event_is_shown_as_it_was(
    open_stage: OpenStage, first_call: Told
) -> None:
    trapped, called = first_call.moment_behind("int3"), first_call.moment_behind("fops-called")
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    while await stage.moment() < trapped:
        await stage.click("Next event")

    told = []
    for moment in range(trapped, called + 1):
        await stage.is_at(moment)
        if moment in first_call.event_moments:
            await assert_shows(stage, first_call, moment)
            story = await stage.story()
            events = first_call.events_before(moment)
            assert any(all(part in story for part in NAMED[event["event"]](event)) for event in events), story
            told += [event["event"] for event in events]
        if moment < called:
            await stage.click("Step")

    assert told == [
        "int3", "frame-pushed", "push-begun", "slot-pushed", "frame-rewritten", "iret", "stub-entered",
        "pop-begun", "slot-popped", "call-emulated", "fops-called",
    ]  # fmt: skip


async def test_next_event_stops_behind_every_step_that_raised_one(open_stage: OpenStage, first_call: Told) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")

    for moment in first_call.event_moments:
        await stage.click("Next event")
        await assert_shows(stage, first_call, moment)


async def test_stepping_back_to_the_start_shows_every_moment_as_it_was_on_the_way(
    open_stage: OpenStage, first_call: Told
) -> None:
    called = first_call.moment_behind("fops-called")
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")

    looks = [await stage.look()]
    for moment in range(1, called + 1):
        await stage.press("ArrowRight")
        await stage.is_at(moment)
        looks.append(await stage.look())
    for moment in range(called - 1, -1, -1):
        await stage.press("ArrowLeft")
        await stage.is_at(moment)
        assert await stage.look() == looks[moment], f"moment {moment} looks different from behind"

    assert await stage.look() == looks[0]
    await assert_shows(stage, first_call, 0)


@pytest.mark.parametrize("way", ["step", "jump", "link"])
async def test_a_moment_looks_the_same_however_it_is_reached(open_stage: OpenStage, first_call: Told, way: str) -> None:
    rewritten = first_call.moment_behind("frame-rewritten")
    reference = await open_stage()
    await reference.open(len(first_call.steps), scenario="first-call", design="thread")
    await reference.go_to(rewritten)

    stage = await open_stage()
    if way == "link":
        await stage.open(len(first_call.steps), f"#s=0>.&m={rewritten}", scenario="first-call", design="thread")
    else:
        await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    if way == "step":
        await stage.go_to(rewritten - 3)
        await stage.press("ArrowRight", 3)
    elif way == "jump":
        await stage.press("End")
        await stage.go_to(rewritten)
    await stage.is_at(rewritten)

    assert await stage.look() == await reference.look()
    await assert_shows(stage, first_call, rewritten)


async def test_the_end_of_the_run_says_how_it_went(open_stage: OpenStage, first_call: Told) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")

    await stage.click("Go to end")

    await assert_shows(stage, first_call, len(first_call.steps))
    assert await stage.main.get_attribute("data-state") == "ended"
    assert first_call.end["verdict"] == "ok"
    await stage.page.get_by_text("All checks held.", exact=True).wait_for()
