"""The weak fetch model on the page: the bytes that each CPU would decode at the site, beside those of memory."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import OpenStage
from trapscope.core.image import Image
from trapscope.core.lens.events import FetchViewChanged
from trapscope.core.session import Session
from trapscope.core.session.catalogue import CATALOGUE, resolve
from trapscope.core.session.schedule import SITE_BYTES
from trapscope.core.types import FetchModel

_SEEN = """() => [...document.querySelectorAll('[data-part="patch-site"] [data-cpu]')].map((row) =>
  [...row.querySelectorAll("[data-fetched]")].map((byte) => [parseInt(byte.dataset.value, 16), byte.dataset.stale]))"""


def played(image: Image, scenario: str, *variants: str, fetch: FetchModel = FetchModel.WEAK) -> Session:
    session = Session(image, resolve(image, scenario, "thread", variants, fetch))
    session.feed(CATALOGUE[scenario].schedule_under("thread", variants, fetch))
    while session.advance(10_000):
        pass
    return session


def views(session: Session) -> list[FetchViewChanged]:
    return [event for event in session.events if isinstance(event, FetchViewChanged)]


def expected(session: Session, site: int, moment: int) -> list[list[list[Any]]]:
    """For each CPU the bytes told last, each with whether memory holds another."""
    held = session.trace.seek(moment).memory.read(site, SITE_BYTES)
    rows = []
    for cpu in range(2):
        told = [event for event in views(session) if (event.cpu, event.site) == (cpu, site) and event.moment < moment]
        seen = told[-1].seen if told else held
        rows.append([[byte, "true" if byte != memory else "false"] for byte, memory in zip(seen, held, strict=True)])
    return rows


async def test_each_cpu_shows_the_bytes_it_would_decode_and_which_are_stale(
    open_stage: OpenStage, image: Image
) -> None:
    session = played(image, "torn")
    moments = sorted({event.moment + 1 for event in session.events if event.name in ("fetch-view", "text-write")})
    site = views(session)[0].site
    stage = await open_stage()
    await stage.open(len(session.trace), scenario="torn", fetch="weak")

    shown = []
    for moment in moments:
        await stage.go_to(moment)
        shown.append(await stage.page.evaluate(_SEEN))

    assert shown == [expected(session, site, moment) for moment in moments]
    assert any("true" in (stale for _, stale in row) for rows in shown for row in rows)


async def test_since_when_a_cpu_sees_what_it_sees_leads_to_that_moment(open_stage: OpenStage, image: Image) -> None:
    session = played(image, "torn")
    fresh = next(event for event in views(session) if event.cause == "serialised")
    stage = await open_stage()
    await stage.open(len(session.trace), scenario="torn", fetch="weak")
    await stage.go_to(fresh.moment + 20)

    await stage.page.locator(f'[data-cpu="{fresh.cpu}"]').get_by_role("button", name="fresh since").click()

    await stage.is_at(fresh.moment + 1)


async def test_a_mixture_that_nobody_meant_is_called_torn(open_stage: OpenStage, image: Image) -> None:
    session = played(image, "torn", "no-int3")
    tail = next(event.moment for event in session.events if event.name == "text-write") + 1
    torn = next(event for event in views(session) if event.moment >= tail and event.cause == "serialised")
    stage = await open_stage()
    await stage.open(len(session.trace), scenario="torn", fetch="weak", variant="no-int3")

    await stage.go_to(torn.moment + 1)

    row = stage.page.locator(f'[data-cpu="{torn.cpu}"]')
    await expect(row).to_contain_text("ud2")
    await expect(row).to_contain_text("torn")


@pytest.mark.parametrize("fetch", list(FetchModel))
async def test_a_site_can_be_kept_in_view_while_the_run_speaks_of_another(
    open_stage: OpenStage, image: Image, fetch: FetchModel
) -> None:
    session = played(image, "two-sites", fetch=fetch)
    stores = [event.moment + 1 for event in session.events if event.name == "text-write"]
    stage = await open_stage()
    await stage.open(len(session.trace), scenario="two-sites", fetch=fetch)
    await stage.go_to(stores[1])
    held = stage.page.get_by_role("button", name="traced_fn", exact=False).and_(stage.page.locator("[aria-pressed]"))
    await expect(held).to_have_attribute("aria-pressed", "false")
    before = (await stage.picture()).site

    await held.click()

    site = image.symbol("traced_fn").address
    for moment in stores[1:4]:
        await stage.go_to(moment)
        memory = session.trace.seek(moment).memory.read(site, SITE_BYTES)
        assert (await stage.picture()).site == tuple(memory)
    await held.click()
    await stage.go_to(stores[1])
    assert (await stage.picture()).site == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 2600)])
async def test_axe_finds_nothing_wrong_with_several_cpus_and_sites(
    open_stage: OpenStage, image: Image, scheme: str, width: int, height: int
) -> None:
    session = played(image, "two-sites")
    stage = await open_stage(width, height, color_scheme=scheme, bypass_csp=True)
    await stage.open(len(session.trace), scenario="two-sites", fetch="weak")

    await stage.go_to(next(event.moment for event in session.events if event.name == "int3") + 1)

    assert await stage.axe() == []
