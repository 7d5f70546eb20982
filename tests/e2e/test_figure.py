"""Figures as a browser draws them, and their sentences beside the page's."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser

from tests.core.lens.played import played
from tests.e2e.conftest import OpenStage
from trapscope import assets
from trapscope.copy import english
from trapscope.core.image import Image
from trapscope.core.reading import Reading
from trapscope.figure import ThemeName, draw
from trapscope.figure.facts.story import story_at
from trapscope.figure.scene import Scene

#: The decisive moments, by what has just happened there.
DECISIVE = [
    ("first-call", "thread", "frame-rewritten", 1),
    ("first-call", "thread", "slot-pushed", 1),
    ("first-call", "thread", "call-emulated", 1),
    ("first-call", "percpu", "slot-pushed", 1),
    ("first-call", "gap", "frame-rewritten", 2),
    ("first-call", "gap", "call-emulated", 1),
    ("four-contexts", "thread", "slot-pushed", 4),
    ("preempt-migrate", "percpu", "migrated", 1),
    ("livepatch-window", "skip", "old-body-ran", 1),
]
#: Pairs of texts whose boxes meet. A line of text may stand on the next one's ascent by a pixel.
_MEETING = """() => {
  const boxes = [...document.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
  const meets = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.45 * Math.min(a.height, b.height);
  const isOutside = ([, box]) => box.left < 0 || box.right > 1440 || box.bottom > 810;
  return boxes.filter(isOutside).map(([text]) => [text]).concat(
    boxes.flatMap(([text, box], index) =>
      boxes.slice(index + 1).filter(([, other]) => meets(box, other)).map(([other]) => [text, other]),
    ),
  );
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_in_a_browser_no_text_meets_another(browser: Browser, image: Image, theme: ThemeName) -> None:
    page = await browser.new_page(viewport={"width": 1440, "height": 810})
    for scenario, design, name, which in DECISIVE:
        session = played(image, scenario, design)
        moment = [event.moment for event in session.events if event.name == name][which - 1] + 1
        svg = draw(Reading(session), moment, assets.sources(), english(), theme=theme)
        await page.set_content(f"<style>body {{ margin: 0 }}</style>{svg}")
        meeting: list[Any] = await page.evaluate(_MEETING)
        assert meeting == [], (scenario, design, name)
    await page.close()


@pytest.mark.parametrize(
    ("scenario", "design", "variants", "fetch"),
    [
        ("first-call", "thread", (), "coherent"),
        ("first-call", "gap", (), "coherent"),
        ("livepatch-window", "skip", (), "coherent"),
        ("patch-live", "thread", (), "coherent"),
        ("preempt-migrate", "percpu", (), "coherent"),
        ("fifth", "thread", (), "coherent"),
        ("nmi-in-handler", "thread", ("slot-first",), "coherent"),
        ("irq-in-stub", "thread", ("lower-first",), "coherent"),
        ("torn", "thread", ("no-sync-1",), "weak"),
        ("fork", "thread", (), "coherent"),
    ],
)
async def test_a_figure_tells_what_the_page_tells(
    open_stage: OpenStage, image: Image, scenario: str, design: str, variants: tuple[str, ...], fetch: str
) -> None:
    session = played(image, scenario, design, *variants, fetch=fetch)
    reading = Reading(session)
    stage = await open_stage()
    await stage.open(len(session.trace), scenario=scenario, design=design, variant=",".join(variants), fetch=fetch)
    told: dict[int, tuple[str, str]] = {}
    first = {event.name: event.moment + 1 for event in reversed(session.events)}
    length = len(session.trace)
    for moment in sorted({*first.values(), *range(20, length, length // 8), length}):
        await stage.go_to(moment)
        told[moment] = (
            story_at(Scene.at(reading, moment, None, {}, english())).sentence.replace("`", ""),
            (await stage.story()).splitlines()[0],
        )
    assert [pair for pair in told.items() if pair[1][0] != pair[1][1]] == []
