"""A run leaves the page as files: each arrives under its name, and is what the command line writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.async_api import Locator, expect

from tests.e2e.conftest import OpenStage
from tests.e2e.stage import Stage
from tests.e2e.told import Told


async def opened(stage: Stage, told: Told) -> Locator:
    await stage.open(len(told.steps), scenario="first-call", design="thread")
    await stage.go_to(told.moment_behind("frame-rewritten"))
    await stage.press("x")
    dialog = stage.page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    return dialog


async def fetched(stage: Stage, link: Locator, directory: Path) -> Path:
    """The file behind a link, under the name that it arrives with."""
    async with stage.page.expect_download() as coming:
        await link.click()
    download = await coming.value
    path = directory / download.suggested_filename
    await download.save_as(path)
    return path


def by_command_line(command: str, *options: str) -> str:
    line = [sys.executable, "-m", "trapscope", command, "first-call", "--design", "thread", *options]
    return subprocess.run(line, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(
    ("name", "format_", "suffix"),
    [
        ("Trace as JSON lines", "jsonl", ".jsonl"),
        ("Trace for Perfetto", "perfetto", ".json"),
        ("Trace for Tenet", "tenet", ".log"),
    ],
)
async def test_a_trace_arrives_as_the_command_line_writes_it(
    open_stage: OpenStage, first_call: Told, tmp_path: Path, name: str, format_: str, suffix: str
) -> None:
    stage = await open_stage()
    dialog = await opened(stage, first_call)

    path = await fetched(stage, dialog.get_by_role("link", name=name), tmp_path)

    assert path.name.startswith("first-call-thread")
    assert path.suffix == suffix
    assert path.read_text() == by_command_line("run", "--format", format_)


async def test_the_perfetto_file_is_chromes_json(open_stage: OpenStage, first_call: Told, tmp_path: Path) -> None:
    stage = await open_stage()
    dialog = await opened(stage, first_call)

    path = await fetched(stage, dialog.get_by_role("link", name="Trace for Perfetto"), tmp_path)

    content: dict[str, Any] = json.loads(path.read_text())
    assert {"M", "X"} <= {event["ph"] for event in content["traceEvents"]}


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_figure_is_the_moment_as_svg(
    open_stage: OpenStage, first_call: Told, tmp_path: Path, theme: str
) -> None:
    moment = first_call.moment_behind("frame-rewritten")
    stage = await open_stage()
    dialog = await opened(stage, first_call)

    path = await fetched(stage, dialog.get_by_role("link", name=f"{theme.title()}: Figure of moment"), tmp_path)

    assert path.name == f"first-call-thread-{moment}.svg"
    root = ElementTree.fromstring(path.read_text())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "ftrace_int3_stub_regs_caller" in "".join(root.itertext())
    assert path.read_text() == by_command_line("figure", "--at", str(moment), "--theme", theme)


async def test_each_cpu_has_its_own_side_for_tenet(open_stage: OpenStage) -> None:
    stage = await open_stage()
    await stage.page.goto(f"{stage.url}?scenario=patch-live&design=thread")
    await expect(stage.main).to_have_attribute("data-state", "ready", timeout=30_000)
    await stage.press("x")

    links = stage.page.locator('[data-export="tenet"] a')

    assert await links.all_inner_texts() == ["CPU 0", "CPU 1"]
    for cpu, link in enumerate(await links.all()):
        assert f"cpu={cpu}" in (await link.get_attribute("href") or "")


async def test_a_forgotten_session_has_words_and_is_made_anew(open_stage: OpenStage, first_call: Told) -> None:
    moment = first_call.moment_behind("frame-rewritten")
    stage = await open_stage()
    await stage.open(len(first_call.steps), scenario="first-call", design="thread")
    await stage.go_to(moment)
    session = await stage.main.get_attribute("data-session") or ""
    await stage.page.request.delete(f"{stage.url}api/sessions/{session}")

    await stage.press("x")
    dialog = stage.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("forgotten this session")
    await dialog.get_by_role("button", name="Make the run anew").click()

    await expect(stage.main).not_to_have_attribute("data-session", session)
    await expect(stage.main).to_have_attribute("data-steps", str(len(first_call.steps)))
    await stage.is_at(moment)
    await expect(dialog).to_have_count(0)
    stage.errors.clear()  # that the session was gone is in the console


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
async def test_axe_finds_nothing_in_the_dialog(
    open_stage: OpenStage, first_call: Told, scheme: str, width: int, height: int
) -> None:
    stage = await open_stage(width, height, color_scheme=scheme, bypass_csp=True)
    await opened(stage, first_call)

    assert await stage.axe() == []
