"""The reason for the series, on the page: the same window under two designs."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import OpenStage
from tests.e2e.told import Told
from trapscope.core.image import Image
from trapscope.core.session import Session
from trapscope.core.session.catalogue import CATALOGUE, resolve


@pytest.mark.parametrize(
    ("design", "event", "part"), [("skip", "old-body-ran", "old body"), ("thread", "redirected", "patched_fn_new")]
)
async def test_the_page_says_which_body_ran(
    open_stage: OpenStage, image: Image, design: str, event: str, part: str
) -> None:
    told = Told.of(image, "livepatch-window", "--design", design)
    stage = await open_stage()
    await stage.open(len(told.steps), scenario="livepatch-window", design=design)

    await stage.go_to(told.moment_behind(event))

    assert part in (await stage.story()).lower()
    verdict = stage.page.get_by_text("All checks held.", exact=True)
    await expect(verdict).to_have_count(1 if told.end["verdict"] == "ok" else 0)


async def test_another_design_is_chosen_by_one_click(open_stage: OpenStage, image: Image, first_call: Told) -> None:
    skip = Told.of(image, "first-call", "--design", "skip")
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")

    await stage.page.get_by_text("skip", exact=True).click()

    await expect(stage.main).to_have_attribute("data-steps", str(len(skip.steps)))
    assert "design=skip" in stage.page.url
    await stage.go_to(skip.moment_behind("fops-missed"))
    assert "without tracer_ops being called" in await stage.story()


async def test_nothing_lies_above_the_frame_on_an_nmis_own_stack(open_stage: OpenStage, image: Image) -> None:
    session = Session(image, resolve(image, "four-contexts"))
    session.feed(CATALOGUE["four-contexts"].schedule)
    session.advance(session.max_steps)
    nmi = next(event.moment for event in session.events if event.name == "nmi")
    stage = await open_stage()
    await stage.open(len(session.trace), scenario="four-contexts")

    await stage.go_to(nmi + 2)

    stack = await stage.page.locator('[data-part="stack"]').inner_text()
    above, own = stack.split("nmi_stacks[0]")
    assert "words of the callers" in above
    assert own.split("\n…")[0].strip().startswith("iret frame")
    assert "callers" not in own
