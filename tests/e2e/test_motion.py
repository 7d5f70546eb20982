"""What moves between two moments: the old leaves and the new comes, and never the new twice."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import OpenStage
from tests.e2e.told import Told


@pytest.mark.parametrize(("event", "old", "new"), [("push-begun", "0", "1"), ("slot-popped", "1", "0")])
async def test_the_digit_that_leaves_is_the_old_depth(
    open_stage: OpenStage, first_call: Told, event: str, old: str, new: str
) -> None:
    stage = await open_stage(reduced_motion="no-preference")
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    depth = stage.page.locator('[data-field="depth"]')
    moment = first_call.moment_behind(event)
    for start, key, leaves, stays in (
        (moment - 1, "ArrowRight", old, new),
        (moment, "ArrowLeft", new, old),
    ):
        await stage.go_to(start)
        await stage.page.evaluate(
            """() => {
              globalThis.ghosts = [];
              new MutationObserver((records) => {
                for (const { addedNodes } of records)
                  for (const node of addedNodes) globalThis.ghosts.push(node.textContent.trim());
              }).observe(document.querySelector(".layer"), { childList: true });
            }"""
        )
        await stage.press(key)
        await expect(depth).to_have_text(stays)
        ghosts = await stage.page.evaluate(
            """async () => {
              for (let frame = 0; frame < 60 && !ghosts.length; frame++) await new Promise(requestAnimationFrame);
              return ghosts;
            }"""
        )
        assert leaves in ghosts
        assert stays not in await stage.page.evaluate("globalThis.ghosts")
