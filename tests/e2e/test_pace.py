"""Playing is for somebody who reads along: a sentence stands as long as that takes, a run takes a minute at most."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.core.lens.played import played
from tests.e2e.conftest import OpenStage
from trapscope.core.image import Image

_SPEED = 4
#: Reads the page while it plays: each sentence, and from when to when it stood, in ms at normal speed.
_READ = """(speed) => new Promise((done) => {
  const main = document.querySelector("main");
  const sentence = document.querySelector('[data-part="story"] .sentence');
  const read = [];
  const began = performance.now();
  let [before, gap] = [0, 0];
  const look = () => {
    const now = (performance.now() - began) * speed;
    [before, gap] = [now, Math.max(gap, now - before)];
    const text = sentence.innerText;
    if (read.at(-1)?.text !== text) read.push({ text, from: now, to: now });
    read.at(-1).to = now;
    if (main.dataset.state === "playing") requestAnimationFrame(look);
    else done({ read, gap });
  };
  requestAnimationFrame(look);
})"""


@pytest.mark.parametrize("scenario", ["first-call", "patch-live"])
async def test_a_run_at_normal_speed_takes_half_a_minute_to_a_minute_and_each_sentence_can_be_read(
    open_stage: OpenStage, image: Image, scenario: str
) -> None:
    steps = len(played(image, scenario).trace)
    stage = await open_stage()
    await stage.open(steps, scenario=scenario, design="thread")
    await stage.page.get_by_role("combobox", name="speed").select_option(f"{_SPEED}×")
    await stage.click("Play")
    await expect(stage.main).to_have_attribute("data-state", "playing")

    seen: dict[str, Any] = await stage.page.evaluate(_READ, _SPEED)

    await stage.is_at(steps)
    *told, last = seen["read"][1:]
    assert len(told) >= 10
    for sentence in told:
        # A frame of this machine, which is four times as long here, may be missing at either end.
        stood = sentence["to"] - sentence["from"] + 2 * seen["gap"]
        assert stood >= max(1500, len(sentence["text"]) / 15 * 1000), sentence
    assert 30_000 <= last["from"] <= 60_000


async def test_both_halves_of_a_push_and_of_a_pop_are_told(open_stage: OpenStage, image: Image) -> None:
    steps = len(played(image, "first-call").trace)
    stage = await open_stage()
    await stage.open(steps, scenario="first-call", design="thread")
    await stage.page.get_by_role("combobox", name="speed").select_option(f"{_SPEED}×")
    await stage.click("Play")

    texts = [sentence["text"] for sentence in (await stage.page.evaluate(_READ, _SPEED))["read"]]

    for part in ("before the slot is filled", "holds the return address", "before depth goes down", "the slot is free"):
        assert any(part in text for text in texts), part


async def test_where_control_is_stands_on_a_quiet_line_while_it_plays(open_stage: OpenStage, image: Image) -> None:
    stage = await open_stage()
    await stage.open(len(played(image, "first-call").trace), scenario="first-call", design="thread")
    where = stage.page.locator('[data-part="where"]')
    await stage.press("ArrowRight")
    await expect(where).to_have_count(0)

    await stage.click("Play")

    await expect(where).to_contain_text("CPU 0 goes on in")
    await stage.click("Pause")
    await expect(where).to_have_count(0)
