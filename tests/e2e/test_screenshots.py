"""Pictures of the four key moments, for people to look at: in tests/e2e/screenshots, which git ignores."""

from __future__ import annotations

import re
import struct

import pytest

from tests.e2e.conftest import SCREENSHOTS, OpenStage
from tests.e2e.told import Told

#: Name of the picture, and the event that has just happened.
KEY_MOMENTS = {
    "1-frame-built": "frame-pushed",
    "2-slot-pushed": "slot-pushed",
    "3-frame-rewritten": "frame-rewritten",
    "4-call-emulated": "call-emulated",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_four_key_moments_have_their_picture(open_stage: OpenStage, first_call: Told, scheme: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    stage = await open_stage(color_scheme=scheme)
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")

    pictures = []
    for name, event in KEY_MOMENTS.items():
        await stage.go_to(first_call.moment_behind(event))
        pictures.append(await stage.page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}.png", animations="disabled"))

    assert len(set(pictures)) == len(KEY_MOMENTS)
    assert {struct.unpack_from(">2I", picture, 16) for picture in pictures} == {(1440, 900)}


async def test_light_and_dark_are_two_designs(open_stage: OpenStage, first_call: Told) -> None:
    papers = []
    for scheme in ("light", "dark"):
        stage = await open_stage(color_scheme=scheme)
        await stage.open(len(first_call.steps), scenario="first-call", design="thread")
        papers.append(await stage.page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))

    light, dark = (sum(int(part) for part in re.findall(r"\d+", paper)[:3]) for paper in papers)
    assert dark < 200 < 600 < light


@pytest.mark.parametrize("width", [1280, 1440])
async def test_the_stage_fits_the_window_without_scrolling_sideways(
    open_stage: OpenStage, first_call: Told, width: int
) -> None:
    stage = await open_stage(width=width)
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(first_call.moment_behind("frame-rewritten"))

    size = await stage.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")

    assert size[0] <= width
    assert size[1] <= 900
