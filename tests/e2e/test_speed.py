"""How long people wait: each test prints what it measured, and holds the figure that the page promises.

The machine may be busy with other things, and a wait cannot be shorter than the page makes it: so the best of a few
tries is held, and all are printed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import OpenStage
from tests.e2e.frame_log import FrameLog, control, frames_of
from tests.e2e.stage import Stage

pytestmark = pytest.mark.alone

Say = Callable[[str], None]

TRIES = 8
#: A run that goes round for ever: an NMI in an NMI, and entry code that does not keep the first one's frame.
ENDLESS = {"scenario": "nmi-in-nmi", "design": "gap", "variant": "plain-nmi"}
INTERRUPTED = "0*562 nmi@0 0*157 nmi@0"
INTERRUPTED_STEPS = 562 + 157

#: Notes when the page can first be played: milliseconds since the address was entered.
_WATCH = """
new MutationObserver(() => {
  if (document.querySelector('[aria-label="Play"]:enabled')) window.playable ??= performance.now();
}).observe(document, { subtree: true, childList: true, attributes: true });
"""

#: Chooses another scenario; milliseconds until all of its steps and their code are there.
_CHOOSE_AND_WAIT = """async (scenario) => {
  const main = document.querySelector("main");
  const before = main.dataset.session;
  const start = performance.now();
  const list = document.querySelector(`select:has(option[value=${scenario}])`);
  list.value = scenario;
  list.dispatchEvent(new Event("change", { bubbles: true }));
  const isThere = () => main.dataset.session !== before && main.dataset.state === "ready";
  while (!isThere()) await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""

#: Chooses another design and plays the new run as soon as that is possible; milliseconds until a step was drawn.
_CHOOSE_AND_PLAY = """async (design) => {
  const frame = () => new Promise(requestAnimationFrame);
  const main = document.querySelector("main");
  const before = main.dataset.session;
  const start = performance.now();
  document.querySelector(`input[name=design][value=${design}]`).click();
  while (main.dataset.session === before || !document.querySelector('[aria-label="Play"]:enabled')) await frame();
  document.querySelector('[aria-label="Play"]').click();
  while (main.dataset.moment === "0") await frame();
  await frame();
  const took = performance.now() - start;
  document.querySelector('[aria-label="Pause"]')?.click();
  return took;
}"""

#: Goes to moments all over the run, a few thousand times; milliseconds each took, sorted.
_SEEK = """() => {
  const { recording } = trapscope.session;
  const took = [];
  for (let seed = 1, round = 0; round < 4000; round++) {
    seed = (seed * 48271) % 2147483647;
    const start = performance.now();
    recording.at(seed % (recording.length + 1));
    took.push(performance.now() - start);
  }
  return took.sort((one, other) => one - other);
}"""

#: Steps once a frame, as a key does that is held.
_HOLD_KEY = """async () => {
  for (let frame = 0; frame < 240; frame++) {
    await new Promise(requestAnimationFrame);
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, repeat: frame > 0 }));
  }
}"""


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Say:
    """Prints a line for whoever runs the tests, whatever comes of them."""

    def say(line: str) -> None:
        with capsys.disabled():
            print(f"\n  {request.node.name}: {line}", end="", flush=True)

    return say


def schedule_of(steps: int) -> str:
    """So many steps of the endless run, as a link's fragment."""
    return f"#s={INTERRUPTED} 0*{steps - INTERRUPTED_STEPS}".replace(" ", "+")


async def drag(stage: Stage, *places: float, moves: int) -> None:
    """Hold the timeline at the first of these places (0 to 1) and move to the others; still held at the end."""
    box = await stage.page.locator('[data-part="timeline"] [role="slider"]').bounding_box()
    assert box is not None
    label, margin = 56, 10  # px in front of moment 0, and behind the end
    at = [box["x"] + label + place * (box["width"] - label - margin) for place in places]
    middle = box["y"] + box["height"] / 2
    await stage.page.mouse.move(at[0], middle)
    await stage.page.mouse.down()
    for x in at[1:]:
        await stage.page.mouse.move(x, middle, steps=moves)


async def test_the_page_can_be_played_within_a_second(open_stage: OpenStage, say: Say) -> None:
    waits: list[float] = []
    for _ in range(4):
        stage = await open_stage()
        await stage.page.add_init_script(_WATCH)
        await stage.visit()
        await stage.page.locator('[aria-label="Play"]:enabled').wait_for()
        waits.append(await stage.page.evaluate("window.playable"))

    say(f"from the address to a page that can be played: {', '.join(f'{wait:.0f}' for wait in waits)} ms")
    assert min(waits) < 1000


async def test_a_whole_live_patch_is_in_the_browser_within_a_second_of_choosing_it(
    open_stage: OpenStage, say: Say
) -> None:
    waits: list[float] = []
    for _ in range(4):
        stage = await open_stage()
        await stage.visit(scenario="first-call", design="thread")
        await expect(stage.main).to_have_attribute("data-state", "ready", timeout=30_000)
        waits.append(await stage.page.evaluate(_CHOOSE_AND_WAIT, "patch-live"))
        assert await stage.main.get_attribute("data-steps") == "6235"

    say(f"6235 steps and the code that they ran after {', '.join(f'{wait:.0f}' for wait in waits)} ms")
    assert min(waits) < 1000


async def test_from_a_click_to_the_first_step_of_another_run_it_takes_no_300_ms(
    open_stage: OpenStage, say: Say
) -> None:
    stage = await open_stage(reduced_motion="no-preference")
    await stage.visit(scenario="first-call", design="thread")
    await expect(stage.main).to_have_attribute("data-state", "ready")

    waits: list[float] = []
    for design in ("gap", "percpu", "skip", "thread", "gap", "percpu"):
        waits.append(await stage.page.evaluate(_CHOOSE_AND_PLAY, design))
        await expect(stage.main).to_have_attribute("data-state", "paused")

    say(f"{', '.join(f'{wait:.0f}' for wait in waits)} ms")
    assert min(waits) < 300


async def test_seeking_in_200_000_steps_takes_no_4_ms(open_stage: OpenStage, say: Say) -> None:
    stage = await open_stage()
    await stage.open(200_000, schedule_of(200_000), **ENDLESS)

    tries: list[float] = []
    for _ in range(3):
        took: list[float] = await stage.page.evaluate(_SEEK)
        tries.append(took[len(took) * 99 // 100])
        say(f"median {took[len(took) // 2]:.2f} ms, p99 {tries[-1]:.2f}, longest {took[-1]:.2f}")

    assert min(tries) < 4


async def by_mouse(stage: Stage) -> None:
    """Through the whole run and back, a hundred steps a frame."""
    await drag(stage, 0, 1, 0.3, 0.6, moves=80)
    await stage.page.mouse.up()


async def by_key(stage: Stage) -> None:
    """A key that is held, and repeats faster than any does."""
    await stage.page.evaluate(_HOLD_KEY)


@pytest.mark.parametrize("scrub", [by_mouse, by_key])
async def test_scrubbing_through_20_000_steps_no_frame_takes_longer_than_33_ms(
    open_stage: OpenStage, say: Say, scrub: Callable[[Stage], Awaitable[None]]
) -> None:
    stage = await open_stage(reduced_motion="no-preference")
    await stage.open(20_000, schedule_of(20_000), **ENDLESS)

    tries: list[FrameLog] = []
    controls: list[FrameLog] = []
    while len(tries) < TRIES and all(frames.late for frames in tries):
        before = await stage.moment()
        async with frames_of(stage.page) as frames:
            await scrub(stage)
        assert await stage.moment() > before + 200
        tries.append(frames)
        say(str(frames))
        if frames.late:
            controls.append(await control(stage.page))
            say(f"while a page that only counts has {controls[-1]}")
        await stage.press("Home")
        await stage.is_at(0)

    # On a machine so busy that not even that page keeps its frames, ours is held to what it works for one.
    assert min(frames.late for frames in tries) == 0 or any(frames.late for frames in controls)
    assert min(frames.work for frames in tries) < 1000 / 60


async def test_what_scrubbing_shows_is_what_stepping_there_shows(open_stage: OpenStage) -> None:
    stage = await open_stage(reduced_motion="no-preference")
    await stage.open(6235, scenario="patch-live", design="thread")

    for places in ((0, 0.31), (0.9, 0.47, 0.48), (0.2, 1, 0.72)):
        await drag(stage, *places, moves=40)
        scrubbed, moment = await stage.look(), await stage.moment()
        await stage.page.mouse.up()
        await stage.go_to(moment - 1)
        await stage.press("ArrowRight")
        await stage.is_at(moment)
        assert await stage.look() == scrubbed, f"moment {moment}"
