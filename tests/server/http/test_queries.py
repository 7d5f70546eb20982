"""Questions over HTTP against the real server: answered as an inquiry of one's own answers, and bad ones named."""

from __future__ import annotations

import pytest

from tests.core.lens.played import played
from tests.server.running import Running, serving
from tests.server.viewer import viewing
from trapscope.core.image import Image
from trapscope.core.session.catalogue import CATALOGUE
from trapscope.core.why import Inquiry, Question
from trapscope.wire import answers
from trapscope.wire.problems import Problem
from trapscope.wire.queries import EventList, Found, Why


@pytest.fixture(scope="module")
async def ran(server: Running) -> str:
    """A session that has played `patch-live` to its end by its own schedule, as `played` does."""
    session = await server.create(scenario="patch-live")
    async with viewing(server.url, session) as viewer:
        await viewer.run(CATALOGUE["patch-live"].schedule)
    return session


async def test_why_leads_from_a_call_on_one_cpu_to_the_store_that_the_other_made(
    server: Running, ran: str, image: Image
) -> None:
    session = played(image, "patch-live")
    site = image.symbol("traced_fn").address
    call = next(step for step in session.trace.steps() if step.rip == site and step.code[:1] == b"\xe8")
    query = {"target": f"rip@{call.cpu}", "at": str(call.moment + 1)}
    response = await server.http.get(f"api/sessions/{ran}/why", params=query)
    told = Why.model_validate_json(response.content)
    inquiry = Inquiry(session)
    assert told == answers.why(inquiry, inquiry.why(query["target"], query["at"]))
    line = [told.links[number] for number in told.path]
    assert line[0].step is not None
    assert (line[0].step.text, line[0].step.cpu, line[0].step.stale) == ("call ftrace_caller", 0, False)
    writers = [link.step.n for link in line if link.step is not None and link.step.cpu == 1]
    assert line[0].step.written[-1] == writers[0]


async def test_a_chain_has_no_more_links_than_were_asked_for_and_says_that_there_are_more(
    server: Running, ran: str
) -> None:
    query = {"target": "rsp@0", "at": "int3", "limit": "5"}
    told = Why.model_validate_json((await server.http.get(f"api/sessions/{ran}/why", params=query)).content)
    assert (len(told.links) <= 5, told.limited) == (True, True)
    ends = [link.end.code for link in told.links if link.end is not None]
    assert "limit" in ends


async def test_find_tells_the_step_with_the_value_around_it(server: Running, ran: str, image: Image) -> None:
    inquiry = Inquiry(played(image, "patch-live"))
    for question, target in [
        (Question.LAST_WRITE, "traced_fn+0x1:4"),
        (Question.NEXT_CHANGE, "rax@1"),
        (Question.PREVIOUS_EXECUTION, "do_int3"),
    ]:
        query: dict[str, str] = {"question": question.value, "target": target, "at": "fops-called:2"}
        response = await server.http.get(f"api/sessions/{ran}/find", params=query)
        told = Found.model_validate_json(response.content)
        assert told == answers.found(inquiry, question, *inquiry.find(question, target, "fops-called:2"))
        assert told.step is not None


async def test_events_of_a_kind_are_listed_in_a_range_up_to_the_limit(server: Running, ran: str, image: Image) -> None:
    every = [event.moment for event in played(image, "patch-live").events if event.name == "text-write"]
    path = f"api/sessions/{ran}/events"
    whole = EventList.model_validate_json((await server.http.get(path, params={"name": "text-write"})).content)
    assert (whole.total, [event.n for event in whole.events]) == (len(every), every)
    query: dict[str, str | int] = {"name": "text-write", "from": every[2], "to": every[7], "limit": 3}
    some = EventList.model_validate_json((await server.http.get(path, params=query)).content)
    assert (some.total, [event.n for event in some.events]) == (5, every[2:5])


async def test_a_run_that_goes_on_is_asked_anew(server: Running) -> None:
    session = await server.create()
    path, query = f"api/sessions/{session}/find", {"question": "last-change", "target": "rip@0"}
    async with viewing(server.url, session) as viewer:
        for steps in (10, 20):
            await viewer.run("0*10")
            answer = await server.http.get(path, params={**query, "at": str(steps)})
            told = Found.model_validate_json(answer.content)
            assert told.step is not None
            assert told.step.n == steps - 1


async def test_questions_are_answered_again_after_the_engine_process_has_died() -> None:
    async with serving() as server:
        session = await server.create()
        async with viewing(server.url, session) as viewer:
            await viewer.run("0>.")
        query = {"target": "slots[0]@0", "at": "slot-pushed"}
        before = await server.http.get(f"api/sessions/{session}/why", params=query)
        for process in server.services.pool.processes:
            process.kill()
        again = await server.http.get(f"api/sessions/{session}/why", params=query)
        assert (again.status_code, again.json()) == (200, before.json())


@pytest.mark.parametrize(
    ("path", "query", "says"),
    [
        ("why", {"target": "rax", "at": "3"}, "“rax”: of which CPU? rax@0"),
        ("why", {"target": "xyz@0", "at": "3"}, "a CPU has no “xyz”"),
        ("why", {"target": "rax@3", "at": "3"}, "this run has no CPU 3"),
        ("why", {"target": "slots[7]@0", "at": "3"}, "there is no slots[7]"),
        ("why", {"target": "0x10+8", "at": "3"}, "0x10+8 is not in the guest's RAM"),
        ("why", {"target": "report", "at": "99999999"}, "this run has no moment 99999999"),
        ("why", {"target": "report", "at": "elevenses"}, "there is no event “elevenses”"),
        ("why", {"target": "report", "at": "3", "limit": 0}, "limit"),
        ("why", {"at": "3"}, "target"),
        ("find", {"question": "last-write", "target": "rax@0", "at": "3"}, "ask for its last-change"),
        ("find", {"question": "last-change", "target": "report:4", "at": "3"}, "ask for its last-write"),
        ("find", {"question": "next-execution", "target": "rax@0", "at": "3"}, "“rax@0” is no place of code"),
        ("find", {"question": "first-love", "target": "report", "at": "3"}, "question"),
        ("find", {"question": "next-execution", "target": "do_int3", "at": "3", "cpu": 2}, "this run has no CPU 2"),
        ("events", {"name": "elevenses"}, "there is no event “elevenses”"),
        ("events", {"name": "int3", "limit": 5000}, "limit"),
    ],
)
async def test_a_question_that_cannot_be_answered_is_a_problem_document(
    server: Running, ran: str, path: str, query: dict[str, str | int], says: str
) -> None:
    response = await server.http.get(f"api/sessions/{ran}/{path}", params=query)
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.code) == (422, "bad-input")
    assert says in problem.detail
    assert "\n" not in problem.detail


@pytest.mark.parametrize(
    "path", ["why?target=rax@0&at=0", "find?question=last-change&target=rax@0&at=0", "events?name=int3"]
)
async def test_a_session_that_is_not_there_is_named(server: Running, path: str) -> None:
    response = await server.http.get(f"api/sessions/nobody/{path}")
    assert (response.status_code, response.json()["code"]) == (404, "unknown-session")
