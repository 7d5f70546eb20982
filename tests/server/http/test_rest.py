"""The REST API against the real server: what it says, and how it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.server.running import Running
from tests.server.viewer import viewing
from trapscope.cli import main
from trapscope.core.image import Image
from trapscope.core.reading import Reading
from trapscope.core.session import Session
from trapscope.core.session.catalogue import resolve
from trapscope.wire import exports, jsonl
from trapscope.wire.problems import Problem
from trapscope.wire.rest import (
    Assembly,
    DesignList,
    GuestInfo,
    GuestText,
    ScenarioList,
    SessionInfo,
    SourceFile,
    StructInfo,
    SymbolList,
)


async def test_the_catalogue_is_told(server: Running) -> None:
    scenarios = ScenarioList.model_validate_json((await server.http.get("api/scenarios")).content)
    designs = DesignList.model_validate_json((await server.http.get("api/designs")).content)
    names = [scenario.name for scenario in scenarios.scenarios]
    assert {"first-call", "livepatch-window"} <= set(names)
    known = {design.name for design in designs.designs}
    for scenario in scenarios.scenarios:
        assert {design.name for design in scenario.designs} <= known
        assert scenario.default_design in known
        assert scenario.schedule


async def test_every_scenario_can_be_created_with_its_defaults(server: Running) -> None:
    scenarios = ScenarioList.model_validate_json((await server.http.get("api/scenarios")).content)
    for scenario in scenarios.scenarios:
        response = await server.http.post("api/sessions", json={"scenario": scenario.name})
        assert response.status_code == 201, response.text
        info = SessionInfo.model_validate_json(response.content)
        assert response.headers["location"] == f"/api/sessions/{info.id}"
        assert (info.choice.scenario, info.choice.design) == (scenario.name, scenario.default_design)
        assert (info.state, info.steps, info.verdict, info.schedule) == ("idle", 0, None, "")
        assert (await server.http.delete(f"api/sessions/{info.id}")).status_code == 204


async def test_the_guest_is_told_as_the_elf_says(server: Running, image: Image) -> None:
    guest = GuestInfo.model_validate_json((await server.http.get("api/guest")).content)
    assert guest.sha256 == image.sha256
    assert guest.text_start == hex(image.symbol("_text").address)

    symbols = SymbolList.model_validate_json((await server.http.get("api/guest/symbols")).content)
    assert [(symbol.name, int(symbol.address, 16)) for symbol in symbols.symbols] == [
        (symbol.name, symbol.address) for symbol in image.symbols
    ]

    task = StructInfo.model_validate_json((await server.http.get("api/guest/structs/task_struct")).content)
    offsets = {member.path: member.offset for member in task.members}
    assert offsets["thread_info.ftrace_int3_stack.depth"] == 16
    assert offsets["thread_info.ftrace_int3_stack.slots"] == 24


async def test_assembly_covers_the_symbol_and_names_lines_that_exist(server: Running, image: Image) -> None:
    assembly = Assembly.model_validate_json((await server.http.get("api/guest/assembly/do_int3")).content)
    symbol = image.symbol("do_int3")
    assert b"".join(bytes.fromhex(line.bytes) for line in assembly.lines) == image.bytes_at(symbol.address, symbol.size)
    for line in assembly.lines:
        if line.file is None:
            continue
        source = SourceFile.model_validate_json((await server.http.get(f"api/guest/sources/{line.file}")).content)
        assert line.line is not None
        assert line.line <= len(source.text.splitlines())


async def test_much_of_the_text_comes_at_once_as_it_would_one_by_one(server: Running) -> None:
    names, paths = ["do_int3", "nothing", "traced_fn"], ["traps.c", "nothing.c", "scenario.c"]
    answer = await server.http.get("api/guest/text", params={"symbol": names, "source": paths})
    text = GuestText.model_validate_json(answer.content)

    for name, assembly in zip(("do_int3", "traced_fn"), text.assemblies, strict=True):
        alone = await server.http.get(f"api/guest/assembly/{name}")
        assert assembly == Assembly.model_validate_json(alone.content)
    for path, source in zip(("traps.c", "scenario.c"), text.sources, strict=True):
        alone = await server.http.get(f"api/guest/sources/{path}")
        assert source == SourceFile.model_validate_json(alone.content)


async def test_a_label_without_a_size_has_assembly_up_to_the_next_symbol(server: Running, image: Image) -> None:
    labels = [
        symbol
        for symbol in image.symbols
        if symbol.size == 0 and image.symbol("_text").address < symbol.address < image.symbol("_etext").address
    ]
    assembly = Assembly.model_validate_json((await server.http.get(f"api/guest/assembly/{labels[0].name}")).content)
    assert assembly.size > 0
    assert assembly.lines


async def test_every_source_that_is_listed_is_there(server: Running) -> None:
    guest = GuestInfo.model_validate_json((await server.http.get("api/guest")).content)
    assert guest.sources
    for path in guest.sources:
        source = SourceFile.model_validate_json((await server.http.get(f"api/guest/sources/{path}")).content)
        assert source.path == path
        assert source.text


async def test_the_guest_is_not_sent_twice_to_whoever_has_it(server: Running) -> None:
    first = await server.http.get("api/guest/symbols")
    again = await server.http.get("api/guest/symbols", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_answers_are_compressed_where_it_pays(server: Running) -> None:
    response = await server.http.get("api/guest/symbols", headers={"accept-encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"


async def test_the_trace_is_that_of_the_command_line(server: Running, image: Image) -> None:
    expected = Session(image, resolve(image, "livepatch-window", "skip"))
    expected.feed("0>.")
    expected.advance(expected.max_steps)

    session = await server.create(scenario="livepatch-window", design="skip")
    async with viewing(server.url, session) as viewer:
        await viewer.run("0>.")
    response = await server.http.get(f"api/sessions/{session}/trace", params={"format": "jsonl"})

    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.text == "".join(jsonl.lines(expected))
    assert json.loads(response.text.splitlines()[-1])["verdict"] == "violated"


@pytest.mark.parametrize(
    ("format_", "cpu", "media_type", "name"),
    [
        ("jsonl", None, "application/x-ndjson", "patch-live-thread.jsonl"),
        ("perfetto", None, "application/json", "patch-live-thread.perfetto.json"),
        ("tenet", 1, "text/plain; charset=utf-8", "patch-live-thread.tenet.log"),
    ],
)
async def test_every_format_is_that_of_the_command_line_whole_or_in_pieces(
    server: Running, image: Image, format_: exports.TraceFormat, cpu: int | None, media_type: str, name: str
) -> None:
    expected = Session(image, resolve(image, "patch-live"))
    expected.feed("rr*3")
    expected.advance(expected.max_steps)

    session = await server.create(scenario="patch-live")
    async with viewing(server.url, session) as viewer:
        await viewer.run("rr*3")
    asked = {"format": format_} | ({} if cpu is None else {"cpu": str(cpu)})
    response = await server.http.get(f"api/sessions/{session}/trace", params=asked)

    assert response.status_code == 200
    assert response.headers["content-type"] == media_type
    assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert len(expected.trace) > exports.FORMATS["tenet"].piece_steps
    assert response.text == "".join(exports.lines(format_, Reading(expected), cpu))


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"format": "tenet"}, "Tenet knows one CPU and this run has 2"),
        ({"format": "tenet", "cpu": "2"}, "no CPU 2"),
        ({"format": "jsonl", "cpu": "0"}, "tenet only"),
        ({"format": "tenet", "cpu": "x"}, "cpu"),
    ],
)
async def test_whose_side_a_trace_tells_must_be_clear(server: Running, asked: dict[str, str], says: str) -> None:
    session = await server.create(scenario="patch-live")
    response = await server.http.get(f"api/sessions/{session}/trace", params=asked)
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.code) == (422, "bad-input")
    assert says in problem.detail


async def test_the_openapi_document_tells_of_every_format(server: Running) -> None:
    document = (await server.http.get("openapi.json")).json()
    told = document["paths"]["/api/sessions/{id_}/trace"]["get"]
    parameters = {parameter["name"]: parameter["schema"] for parameter in told["parameters"]}
    assert set(parameters["format"]["enum"]) == set(exports.FORMATS)
    assert set(told["responses"]["200"]["content"]) == {"application/x-ndjson", "application/json", "text/plain"}


@pytest.mark.parametrize(
    ("at", "asked"),
    [
        ("frame-rewritten", {}),
        ("296", {"theme": "dark"}),
        ("slot-pushed:1", {"part": "thread-info", "cpu": "0"}),
    ],
)
async def test_the_figure_is_that_of_the_command_line(
    server: Running, at: str, asked: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    session = await server.create()
    async with viewing(server.url, session) as viewer:
        await viewer.run("0>.")
    response = await server.http.get(f"api/sessions/{session}/figure", params={"at": at, **asked})
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/svg+xml"
    assert response.headers["content-disposition"].startswith('inline; filename="first-call-thread-')
    assert response.headers["x-content-type-options"] == "nosniff"
    assert main(["figure", "first-call", "--at", at, *(f"--{name}={value}" for name, value in asked.items())]) == 0
    assert response.text == capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "at"),
        ({"at": "11"}, "this run has no moment 11: its moments are 0 to 10"),
        ({"at": "slot-pushed"}, "no step of this run raises slot-pushed"),
        ({"at": "x\r\ny"}, "is no moment"),
        ({"at": "3", "cpu": "1"}, "this run has no CPU 1"),
        ({"at": "3", "cpu": "9"}, "cpu"),
        ({"at": "3", "theme": "pink"}, "theme"),
        ({"at": "3", "part": "timeline"}, "part"),
        ({"at": "1" * 100}, "at"),
    ],
)
async def test_a_figure_of_what_is_not_there_is_refused(server: Running, asked: dict[str, str], says: str) -> None:
    session = await server.create()
    async with viewing(server.url, session) as viewer:
        await viewer.run("0*10")
    response = await server.http.get(f"api/sessions/{session}/figure", params=asked)
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.code) == (422, "bad-input")
    assert says in problem.detail


async def test_a_run_at_moment_0_can_be_drawn_and_exported(server: Running) -> None:
    session = await server.create()
    assert (await server.http.get(f"api/sessions/{session}/figure", params={"at": "0"})).status_code == 200
    for format_ in exports.FORMATS:
        response = await server.http.get(f"api/sessions/{session}/trace", params={"format": format_})
        assert response.status_code == 200
        assert response.text


async def test_the_lines_of_a_trace_are_as_the_schema_that_is_served(server: Running) -> None:
    document = (await server.http.get("api/schemas/jsonl")).json()
    session = await server.create()
    async with viewing(server.url, session) as viewer:
        await viewer.run("0*200")
    validator = Draft202012Validator(document)
    lines = (await server.http.get(f"api/sessions/{session}/trace")).text.splitlines()
    assert len(lines) > 200
    for line in lines:
        validator.validate(json.loads(line))


async def test_the_trace_of_a_run_that_goes_on_has_no_end_line(server: Running) -> None:
    session = await server.create()
    async with viewing(server.url, session) as viewer:
        await viewer.run("0*10")
    text = (await server.http.get(f"api/sessions/{session}/trace")).text
    types = [json.loads(line)["type"] for line in text.splitlines()]
    assert types.count("step") == 10
    assert "end" not in types


@pytest.mark.parametrize(
    ("body", "status", "code", "says"),
    [
        ({"scenario": "no-such"}, 422, "bad-input", "no-such"),
        ({"scenario": "first-call", "design": "best"}, 422, "bad-input", "best"),
        ({"scenario": "first-call", "variants": ["faster"]}, 422, "bad-input", "faster"),
        ({"scenario": "first-call", "cpus": 4}, 422, "bad-input", "4"),
        ({"scenario": "first-call", "cpus": 5}, 422, "bad-input", "cpus"),
        ({"scenario": "first-call", "fetch": "lazy"}, 422, "bad-input", "fetch"),
        ({"scenario": "first-call", "max_steps": 0}, 422, "bad-input", "max_steps"),
        ({"scenario": "first-call", "max_steps": "many"}, 422, "bad-input", "max_steps"),
        ({"scenario": "first-call", "colour": "red"}, 422, "bad-input", "colour"),
        ({}, 422, "bad-input", "scenario"),
        ([], 422, "bad-input", "body"),
    ],
)
async def test_an_impossible_choice_is_a_problem_document(
    server: Running, body: Any, status: int, code: str, says: str
) -> None:
    response = await server.http.post("api/sessions", json=body)
    problem = Problem.model_validate_json(response.content)
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, problem.status, problem.code) == (status, status, code)
    assert says in problem.detail
    assert "\n" not in problem.detail
    assert problem.instance == "/api/sessions"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("api/scenarios?colour=red", "“colour” here: it takes none"),
        ("api/sessions/{id}/trace?fromat=jsonl", "“fromat” here: there are cpu, format"),
        ("api/sessions/{id}/why?target=rax@0&at=0&links=3", "“links” here: there are at, limit, target"),
    ],
)
async def test_a_parameter_that_there_is_not_is_refused_by_name(server: Running, path: str, says: str) -> None:
    response = await server.http.get(path.format(id=await server.create()))
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.code) == (422, "bad-input")
    assert says in problem.detail


async def test_the_page_takes_any_parameter_for_it_is_its_own(server: Running) -> None:
    assert (await server.http.get("?scenario=first-call&anything=1")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "nowhere", 404, "not-found"),
        ("GET", "api/nowhere", 404, "not-found"),
        ("PUT", "api/sessions", 405, "method-refused"),
        ("GET", "api/sessions/nobody", 404, "unknown-session"),
        ("DELETE", "api/sessions/nobody", 404, "unknown-session"),
        ("GET", "api/sessions/nobody/trace", 404, "unknown-session"),
        ("GET", "api/guest/structs/nothing", 404, "not-found"),
        ("GET", "api/guest/assembly/nothing", 404, "not-found"),
        ("GET", "api/guest/assembly/boot_params", 404, "not-found"),
        ("GET", "api/guest/sources/nothing.c", 404, "not-found"),
        ("GET", "api/guest/sources/..%2f..%2fbuild.py", 404, "not-found"),
    ],
)
async def test_what_is_not_there_is_a_problem_document(
    server: Running, method: str, path: str, status: int, code: str
) -> None:
    response = await server.http.request(method, path)
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.code) == (status, code)


async def test_an_unknown_trace_format_is_refused(server: Running) -> None:
    session = await server.create()
    response = await server.http.get(f"api/sessions/{session}/trace", params={"format": "pdf"})
    assert (response.status_code, response.json()["code"]) == (422, "bad-input")


async def test_a_body_that_is_not_json_is_refused(server: Running) -> None:
    response = await server.http.post("api/sessions", content=b"{", headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (400, "bad-json")


async def test_the_server_says_how_it_is(server: Running) -> None:
    assert (await server.http.get("healthz")).json() == {"status": "ok"}
    assert (await server.http.get("readyz")).json()["status"] == "ready"
    before = await server.figure("trapscope_sessions_created_total")
    await server.create()
    assert await server.figure("trapscope_sessions_created_total") == before + 1
    assert await server.figure("trapscope_engines") >= 1


async def test_the_openapi_document_tells_of_the_socket_and_every_reference_leads_somewhere(server: Running) -> None:
    document = (await server.http.get("openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    socket = document["paths"]["/api/sessions/{id_}/socket"]["get"]
    assert socket["x-websocket"]["client"]["$ref"] == "#/components/schemas/ClientMessage"
    schemas = document["components"]["schemas"]
    assert {"ClientMessage", "ServerMessage", "Run", "Chunk", "SlotPushed", "Problem"} <= set(schemas)
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        here = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return here + [reference for value in node.values() for reference in references(value)]
    if isinstance(node, list):
        return [reference for value in node for reference in references(value)]
    return []


async def test_a_session_says_by_which_schedule_its_own_choice_is_played(server: Running) -> None:
    openings = {}
    for design in ("thread", "gap"):
        body = {"scenario": "nmi-in-handler", "design": design}
        response = await server.http.post("api/sessions", json=body)
        openings[design] = SessionInfo.model_validate_json(response.content).opening
    assert openings["thread"] == "0>push-begun nmi@0 0>."
    assert "push-begun" not in openings["gap"]
