"""The pane of code: only the rows in sight are on the page, and it is to look as if all were."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, expect

from tests.e2e.conftest import OpenStage
from tests.e2e.told import Told


async def in_sight(row: Locator) -> bool:
    """Whether a row comes to lie within the list that it scrolls in: that finds its rows a frame after its own size."""
    seen: bool = await row.evaluate(
        """async (row) => {
          const isSeen = () => {
            const [at, list] = [row, row.closest("[role=group]")].map((one) => one.getBoundingClientRect());
            return at.top > list.top - 1 && at.bottom < list.bottom + 1; // scrolling knows no fractions
          };
          for (let frame = 0; frame < 60 && !isSeen(); frame++) await new Promise(requestAnimationFrame);
          return isSeen();
        }"""
    )
    return seen


async def test_the_rows_of_a_long_function_come_as_one_scrolls_and_the_next_step_leads_back(
    open_stage: OpenStage, first_call: Told
) -> None:
    stage = await open_stage(height=640)
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    # The end of the entry code of int3, whose beginning is far above.
    await stage.go_to(first_call.moment_behind("iret") - 1)
    code = stage.page.locator('[data-part="code"]')
    current = code.locator("[aria-current]")
    assert await in_sight(current)
    rows = await code.locator(".insn, .source").count()

    await code.get_by_role("group").hover()
    await stage.page.mouse.wheel(0, -20_000)

    await expect(current).to_have_count(0)
    assert await code.locator(".insn, .source").count() <= rows + 16
    await stage.press("ArrowLeft")
    await expect(current).to_have_count(1)
    assert await in_sight(current)


@pytest.mark.parametrize("width", [1280, 1440, 1920])
async def test_no_line_of_c_is_cut(open_stage: OpenStage, first_call: Told, width: int) -> None:
    stage = await open_stage(width)
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    for event in ("push-begun", "fops-called", "iret"):
        await stage.go_to(first_call.moment_behind(event) - 1)
        reach: list[float] = await stage.page.locator('[data-part="code"] .source').evaluate_all(
            """(rows) => {
              const edge = rows[0].closest("[role=group]").getBoundingClientRect().right;
              return rows.map((row) => row.lastElementChild.getBoundingClientRect().right - edge);
            }"""
        )
        assert reach
        assert max(reach) <= 0
