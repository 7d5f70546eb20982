"""What a CPU holds in its registers, and what it holds back, for whoever asks to see it."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.conftest import OpenStage
from tests.e2e.told import Told
from trapscope.core.types import REGISTERS


async def test_the_registers_are_the_runs_at_every_moment_and_a_key_shows_and_hides_them(
    open_stage: OpenStage, first_call: Told
) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    pane = stage.page.locator('[data-part="registers"]')
    await expect(pane).to_have_count(0)
    await stage.press("r")
    now = dict(first_call.registers)
    for moment in range(1, 12):
        await stage.press("ArrowRight")
        await stage.is_at(moment)
        now |= {name: int(new, 16) for name, new in first_call.steps[moment - 1]["regs"].items()}
        shown = await pane.locator("[data-register]").evaluate_all(
            "(all) => all.map(({ dataset }) => [dataset.register, dataset.value])"
        )
        assert {name: int(value, 16) for name, value in shown} == {name: now[name] for name in REGISTERS}
    await stage.press("r")
    await expect(pane).to_have_count(0)


async def test_a_registers_value_says_why_it_is_what_it_is(open_stage: OpenStage, first_call: Told) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(first_call.moment_behind("slot-pushed"))
    await stage.click("Registers")

    await stage.page.locator('[data-register="rsi"]').click()

    await expect(stage.page.locator('[data-part="why"] [data-link="0"]')).to_contain_text("rsi of CPU 0")


async def test_an_interrupt_that_must_wait_is_shown_on_its_cpu_and_on_the_timeline_with_what_for(
    open_stage: OpenStage, first_call: Told
) -> None:
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    # Inside the handler of #BP, which an interrupt gate led to: RFLAGS.IF is 0.
    await stage.go_to(first_call.moment_behind("frame-pushed"))
    await stage.press("i")

    waiting = stage.page.locator('[data-part="code"] [data-pending="irq"]')
    await expect(waiting).to_have_attribute("data-waits", "if-clear")
    await expect(waiting).to_contain_text("RFLAGS.IF is 0")
    await expect(stage.page.locator('[data-part="timeline"] [data-pending="irq"]')).to_have_count(1)
    await stage.press("Home")
    await expect(waiting).to_have_count(0)
