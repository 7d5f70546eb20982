"""Going back and choosing otherwise: an interrupt raised at a moment, a schedule edited, a run joined."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import OpenStage
from tests.e2e.told import Told
from trapscope.core.image import Image
from trapscope.core.session import Session
from trapscope.core.session.catalogue import resolve


def played(image: Image, schedule: str) -> Session:
    session = Session(image, resolve(image, "first-call", "thread"))
    session.feed(schedule)
    session.advance(session.max_steps)
    return session


def moment_behind(session: Session, name: str) -> int:
    return next(event.moment for event in session.events if event.name == name) + 1


@pytest.mark.parametrize(("key", "token", "event"), [("n", "nmi@0", "nmi"), ("m", "mce@0", "mce")])
async def test_an_interrupt_is_raised_at_the_moment_shown_and_the_run_goes_on(
    open_stage: OpenStage, image: Image, first_call: Told, key: str, token: str, event: str
) -> None:
    moment = first_call.moment_behind("push-begun")
    expected = played(image, f"0*{moment} {token} 0>.")
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(moment)
    before = await stage.picture()

    await stage.press(key)

    await expect(stage.main).to_have_attribute("data-steps", str(len(expected.trace)))
    await stage.is_at(moment)
    assert token in stage.page.url
    assert await stage.picture() == before
    await stage.press("Shift+ArrowRight")
    assert await stage.moment() == moment_behind(expected, event)


async def test_the_schedule_can_be_edited_and_run(open_stage: OpenStage, image: Image, first_call: Told) -> None:
    expected = played(image, "0>&do_int3 irq@0 0>.")
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")

    await stage.press("e")
    await stage.page.get_by_role("textbox", name="Schedule").fill("0>&do_int3 irq@0 0>.")
    await stage.click("Run")

    await expect(stage.main).to_have_attribute("data-steps", str(len(expected.trace)))
    await stage.go_to(moment_behind(expected, "irq"))


async def test_two_browsers_on_one_session_see_the_same_run(open_stage: OpenStage, first_call: Told) -> None:
    one, other = await open_stage(), await open_stage()
    steps = len(first_call.steps)
    await one.open(steps, scenario="first-call", design="thread")
    session = await one.main.get_attribute("data-session") or ""

    await other.open(steps, session=session)

    assert await other.main.get_attribute("data-session") == session
    moment = first_call.moment_behind("frame-rewritten")
    await one.go_to(moment)
    await other.go_to(moment)
    assert json.dumps(await one.look()) == json.dumps(await other.look())
