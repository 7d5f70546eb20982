"""Every row of the matrix, walked through all its events in the page: no pane fails at any of them."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import OpenStage
from trapscope.core.session.catalogue import CATALOGUE
from trapscope.core.types import DEFAULT_MAX_STEPS, FetchModel
from trapscope.matrix.expectations import EXPECTATIONS
from trapscope.matrix.row import Row, Sweep

#: A run that goes round in circles shows the same events again: so many of its first and last moments are walked.
_ENDS = 150
#: What differs between the rows of a sweep is when something comes, not what there is to show.
_SCHEDULES = {Sweep.QUANTA: "rr*7", Sweep.RANDOM: "rr*3"}

#: Goes to each moment, lets the page show it, and says at which a pane gave up and what it said. Svelte brings the page
#: up to date in a microtask; painting every moment as well would take longer than all the rest: that is now and then.
_WALK = """async (ends) => {
  const { session, cursor } = trapscope;
  const events = [...new Set(session.recording.events.map(({ n }) => n + 1))];
  const moments = [0, ...(events.length <= 2 * ends ? events : [...events.slice(0, ends), ...events.slice(-ends)])];
  const failures = [];
  let since = 0;
  for (const moment of [...moments, session.length]) {
    cursor.goTo(moment);
    for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    if (++since % 32 === 0) await new Promise((painted) => setTimeout(painted));
    const broken = document.querySelector('[data-part="broken"] pre');
    if (broken !== null) failures.push(`moment ${moment}: ${broken.textContent}`);
    const shown = Number(document.querySelector("main").dataset.moment);
    if (shown !== moment) failures.push(`moment ${moment}: the page shows ${shown}`);
  }
  return failures;
}"""


def _runs() -> list[tuple[str, dict[str, Any], str]]:
    """Each run that the rows are about, once: its name, how to make it and what to play."""
    runs: dict[str, tuple[dict[str, Any], str]] = {}
    for row in EXPECTATIONS:
        choice = {
            "scenario": row.scenario,
            "design": row.design,
            "variants": list(row.variants),
            "fetch": row.fetch.value,
            "cpus": row.cpus,
            "max_steps": None if row.max_steps == DEFAULT_MAX_STEPS else row.max_steps,
        }
        runs[_name(row)] = choice, row.schedule or _SCHEDULES.get(row.sweep, "") or _own(row)
    return [(name, *run) for name, run in runs.items()]


def _own(row: Row) -> str:
    return CATALOGUE[row.scenario].schedule_under(row.design, frozenset(row.variants), row.fetch)


def _name(row: Row) -> str:
    parts = [row.scenario, row.design, *row.variants]
    if row.fetch is FetchModel.WEAK:
        parts.append("weak")
    if row.cpus is not None:
        parts.append(f"{row.cpus} CPUs")
    if row.sweep in _SCHEDULES:
        parts.append(_SCHEDULES[row.sweep])
    return " ".join(parts)


@pytest.mark.parametrize(("choice", "schedule"), [run[1:] for run in _runs()], ids=[run[0] for run in _runs()])
async def test_every_pane_shows_every_event_of_the_run(
    open_stage: OpenStage, choice: dict[str, Any], schedule: str
) -> None:
    stage = await open_stage()
    made = await stage.page.request.post(f"{stage.url}api/sessions", data=choice)
    assert made.ok, await made.text()
    await stage.visit(session=(await made.json())["id"])
    await stage.page.wait_for_function("() => trapscope.session?.recording != null")
    assert await stage.page.evaluate("(schedule) => trapscope.session.run(schedule)", schedule)
    await stage.page.wait_for_function("() => trapscope.session.isOver && trapscope.session.isComplete")
    await expect(stage.page.locator('[data-part="code"]')).to_be_visible()
    assert await stage.page.evaluate(_WALK, _ENDS) == []


async def test_a_push_beyond_the_slots_shows_what_it_destroyed_and_says_who_did(open_stage: OpenStage) -> None:
    stage = await open_stage()
    await stage.visit("#m=1522", scenario="fifth", variant="unchecked-depth")
    await stage.is_at(1522)
    state = stage.page.locator('[data-part="thread-info"] [data-field="state"]')
    await expect(state).to_have_text("0xffffffff81002d95")
    row = stage.page.locator(".field", has=stage.page.locator('[data-field="state"]'))
    await expect(row).to_contain_text("clobbered by slots[4]")


async def test_an_error_in_one_pane_leaves_the_others_and_is_over_at_the_next_moment(open_stage: OpenStage) -> None:
    stage = await open_stage()
    await stage.visit("#m=60", scenario="first-call")
    await stage.is_at(60)
    # The panes that read a task are thread_info and the heading of the stack; the others know nothing of it.
    await stage.page.evaluate(
        """() => {
          const { guest } = trapscope.session.recording;
          const layout = guest.layout.bind(guest);
          guest.layout = (name) => {
            if (name === "task_struct") throw new RangeError("no such struct");
            return layout(name);
          };
          globalThis.mend = () => { guest.layout = layout; };
        }"""
    )
    await stage.press("ArrowRight")
    await stage.is_at(61)
    broken = stage.page.locator('[data-part="broken"][data-name="thread-info"]')
    await expect(broken).to_contain_text("no such struct")
    await expect(stage.page.locator('[data-part="code"] [aria-current]')).to_be_visible()
    assert [error for error in stage.errors if "no such struct" not in error] == []
    assert stage.errors != []
    await stage.page.evaluate("mend()")
    await broken.get_by_role("button", name="Show this pane again").click()
    await expect(stage.page.locator('[data-part="thread-info"]')).to_be_visible()
    stage.errors.clear()
