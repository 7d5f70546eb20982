"""A session over a real socket: what one person sees, what two see, what one sees who was away."""

from __future__ import annotations

from tests.server.running import Running, serving
from tests.server.viewer import Viewer, viewing
from trapscope.core.image import Image
from trapscope.core.session import Session
from trapscope.core.session.catalogue import resolve
from trapscope.wire.messages import Refused, Reply


def same_run(one: Viewer, other: Viewer) -> bool:
    return (one.steps, one.lane_of, one.lanes, one.codes, one.events, one.findings) == (
        other.steps,
        other.lane_of,
        other.lanes,
        other.codes,
        other.events,
        other.findings,
    )


async def test_a_client_sees_the_very_steps_of_the_run(server: Running, image: Image) -> None:
    expected = Session(image, resolve(image, "first-call", "thread"))
    expected.feed("0>.")
    expected.advance(expected.max_steps)

    session = await server.create(design="thread")
    async with viewing(server.url, session) as viewer:
        reply = await viewer.command("run", schedule="0>.")
        status = await viewer.until_state("ended")

    assert isinstance(reply, Reply)
    assert (reply.did, reply.at) == ("queued", 0)
    assert viewer.steps == list(expected.trace.steps())
    assert viewer.state is not None
    assert viewer.state.digest() == expected.trace.head.digest()
    assert [lane.task for lane in viewer.lanes] == [lane.task for lane in expected.lanes]
    assert viewer.lane_of == list(expected.lane_of)
    assert [event["event"] for event in viewer.events] == [event.name for event in expected.events]
    assert len(viewer.findings) == len(expected.findings)
    assert (status.verdict, status.hash, status.schedule) == ("ok", expected.hash, expected.schedule)


async def test_a_new_client_is_told_who_it_is_and_what_runs_here(server: Running) -> None:
    session = await server.create(design="skip")
    async with viewing(server.url, session, name="Ada") as viewer:
        await viewer.until(viewer.is_caught_up)
        assert viewer.hello is not None
        assert viewer.hello.session == session
        assert (viewer.hello.choice.scenario, viewer.hello.choice.design) == ("first-call", "skip")
        assert [(person.client, person.name) for person in viewer.hello.people] == [(viewer.hello.client, "Ada")]
        assert viewer.connection.subprotocol == "trapscope.v1"
        assert (viewer.status.state, viewer.status.steps, viewer.status.schedule) == ("idle", 0, "")


async def test_two_clients_see_the_same_run_whoever_drives(server: Running) -> None:
    session = await server.create()
    async with viewing(server.url, session) as one, viewing(server.url, session) as other:
        await one.run("0*100")
        await other.until(lambda: len(other.steps) == 100)
        reply = await other.command("run", schedule="0>.")
        await other.until_state("ended")
        await one.until_state("ended")
    assert isinstance(reply, Reply)
    assert reply.at == 100
    assert same_run(one, other)
    assert one.status == other.status


async def test_whoever_comes_late_sees_everything(server: Running) -> None:
    session = await server.create()
    async with viewing(server.url, session) as early:
        await early.run("0>.")
        async with viewing(server.url, session) as late:
            await late.until_state("ended")
    assert same_run(early, late)
    assert late.status == early.status


async def test_whoever_was_cut_off_gets_what_is_missing_and_no_more(server: Running) -> None:
    session = await server.create()
    async with viewing(server.url, session) as whole:
        async with viewing(server.url, session) as first:
            await whole.run("0*300")
            await first.until(lambda: len(first.steps) == 300)
        await whole.run("0>.")
    async with viewing(server.url, session, have=300) as again:
        again.resume_from(first)
        await again.until_state("ended")
    assert again.snapshot is not None
    assert (again.snapshot.first, again.snapshot.cpus) == (300, None)
    assert again.chunk_firsts[0] == 300
    assert same_run(again, whole)


async def test_whoever_claims_more_than_there_is_goes_on_where_the_log_ends(server: Running) -> None:
    session = await server.create()
    async with viewing(server.url, session) as viewer:
        await viewer.run("0*64")
    async with viewing(server.url, session, have=10_000) as again:
        again.resume_from(viewer)
        await again.until_state("idle")
    assert again.snapshot is not None
    assert again.snapshot.first == 64


async def test_queued_schedules_run_in_the_order_of_the_log(server: Running) -> None:
    session = await server.create()
    async with viewing(server.url, session) as viewer:
        for schedule in ("0*3", "0*4", "0*5"):
            await viewer.command("run", schedule=schedule)
        await viewer.until(lambda: viewer.is_caught_up() and viewer.status.steps == 12)
        info = (await server.http.get(f"api/sessions/{session}")).json()
    assert viewer.status.schedule == "0*12"
    assert info["inputs"] == ["0*3", "0*4", "0*5"]
    assert (info["steps"], info["state"], info["hash"]) == (12, "idle", viewer.status.hash)


async def test_what_is_cancelled_does_not_run_and_what_ran_stays() -> None:
    async with serving(chunk_steps=1) as server:
        session = await server.create()
        async with viewing(server.url, session) as viewer:
            await viewer.send("run", schedule="0>.")
            cancelled = await viewer.command("cancel")
            status = await viewer.settled()
            assert isinstance(cancelled, Reply)
            assert cancelled.did == "cancelled"
            assert (status.state, status.steps) == ("idle", cancelled.at)
            nothing = await viewer.command("cancel")
            assert isinstance(nothing, Reply)
            assert nothing.did == "nothing-to-cancel"
            assert (await viewer.run("0>.")).verdict == "ok"


async def test_an_ended_run_takes_no_more_schedules(server: Running) -> None:
    session = await server.create()
    async with viewing(server.url, session) as viewer:
        await viewer.run("0>.")
        refused = await viewer.command("run", schedule="0")
    assert isinstance(refused, Refused)
    assert refused.why.code == "session-ended"


async def test_a_bad_schedule_is_refused_with_token_and_position_and_queues_nothing(server: Running) -> None:
    session = await server.create()
    async with viewing(server.url, session) as viewer:
        refused = await viewer.command("run", schedule="0*10 7*3")
        assert isinstance(refused, Refused)
        assert (refused.why.code, refused.why.token, refused.why.position) == ("bad-schedule", "7*3", 5)
        assert (await viewer.run("0*2")).steps == 2
    assert (await server.http.get(f"api/sessions/{session}")).json()["inputs"] == ["0*2"]


async def test_presence_tells_of_names_and_cursors(server: Running) -> None:
    session = await server.create()
    async with viewing(server.url, session, name="Ada") as ada:
        await ada.until(ada.is_caught_up)
        async with viewing(server.url, session, name="Bob") as bob:
            await ada.until(lambda: ada.people == ["Ada", "Bob"])
            await bob.command("rename", name="Grace")
            await ada.until(lambda: ada.people == ["Ada", "Grace"])
        await ada.until(lambda: ada.people == ["Ada"])


async def test_a_deleted_session_says_goodbye(server: Running) -> None:
    session = await server.create()
    async with viewing(server.url, session) as viewer:
        await viewer.until(viewer.is_caught_up)
        assert (await server.http.delete(f"api/sessions/{session}")).status_code == 204
        await viewer.until(lambda: viewer.goodbye is not None)
        await viewer.connection.wait_closed()
        assert viewer.connection.close_code == 1000
    assert viewer.goodbye is not None
    assert viewer.goodbye.why.code == "unknown-session"


async def test_an_unknown_session_says_so(server: Running) -> None:
    async with viewing(server.url, "nobody") as viewer:
        await viewer.until(lambda: viewer.goodbye is not None)
        await viewer.connection.wait_closed()
    assert viewer.goodbye is not None
    assert viewer.goodbye.why.code == "unknown-session"
    assert viewer.connection.close_code == 4404
