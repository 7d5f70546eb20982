"""Whatever a client sends: a named refusal or a clean close, and the session goes on for everybody else."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from tests.server.running import Running, serving
from tests.server.viewer import viewing
from trapscope.server.http.socket import sequence_of, understood
from trapscope.server.refusal import Refused
from trapscope.wire.messages import ClientMessage, Reply
from trapscope.wire.messages import Refused as RefusedMessage

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ALMOST = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["run", "cancel", "cursor", "rename", "hello"]) | VALUES,
        "seq": st.integers(-2, 2**54) | VALUES,
        "schedule": st.text(max_size=8) | VALUES,
        "moment": st.integers(-2, 2**54) | VALUES,
        "name": st.text(max_size=60) | VALUES,
        "more": VALUES,
    },
)


@given(st.text() | VALUES.map(json.dumps) | ALMOST.map(json.dumps))
def test_any_text_is_a_message_or_is_refused_in_one_line(text: str) -> None:
    seq = sequence_of(text)
    refusal, message = outcome(text)
    if refusal is None:
        assert message is not None
        assert message.seq == seq
    else:
        assert refusal.code in ("bad-json", "bad-message")
        assert len(refusal.detail) < 500


def outcome(text: str) -> tuple[Refused | None, ClientMessage | None]:
    try:
        return None, understood(text)
    except Refused as refused:
        return refused, None


@pytest.mark.parametrize(
    ("frame", "code", "seq"),
    [
        ("", "bad-json", None),
        ("{", "bad-json", None),
        ("[" * 20_000, "bad-json", None),
        ("null", "bad-message", None),
        ("[1,2]", "bad-message", None),
        ('{"type":"run"}', "bad-message", None),
        ('{"type":"fly","seq":4}', "bad-message", 4),
        ('{"seq":5}', "bad-message", 5),
        ('{"type":"run","seq":6}', "bad-message", 6),
        ('{"type":"run","seq":7,"schedule":7}', "bad-message", 7),
        ('{"type":"run","seq":8,"schedule":""}', "bad-message", 8),
        ('{"type":"run","seq":9,"schedule":"0","also":1}', "bad-message", 9),
        ('{"type":"run","seq":-1,"schedule":"0"}', "bad-message", None),
        ('{"type":"run","seq":"10","schedule":"0"}', "bad-message", None),
        ('{"type":"cursor","seq":11,"moment":1e300}', "bad-message", 11),
        ('{"type":"rename","seq":12,"name":"' + "x" * 41 + '"}', "bad-message", 12),
        ('{"type":"run","seq":13,"schedule":"garbage"}', "bad-schedule", 13),
        ('{"type":"run","seq":14,"schedule":"0>&no_such_symbol"}', "bad-schedule", 14),
        (b"", "binary-refused", None),
        (b"\x00\xff\xfe garbage", "binary-refused", None),
        (b"TS\x02\x01", "binary-refused", None),
    ],
)
async def test_bad_input_is_refused_by_name_and_the_socket_stays_open(
    server: Running, frame: str | bytes, code: str, seq: int | None
) -> None:
    session = await server.create()
    async with viewing(server.url, session) as viewer:
        await viewer.connection.send(frame)
        await viewer.until(lambda: seq in viewer.answers)
        refused = viewer.answers[seq]
        assert isinstance(refused, RefusedMessage)
        assert refused.why.code == code
        assert (await viewer.run("0*3")).steps == 3


@pytest.mark.parametrize(
    ("frame", "close_code"),
    [("x" * (2 << 20), 1009), (b"x" * (2 << 20), 1009), ("x" * (128 * 1024 + 1), 1009)],
    ids=["two megabytes of text", "two megabytes of binary", "a byte too many"],
)
async def test_a_frame_that_is_too_big_closes_only_its_own_socket(
    server: Running, frame: str | bytes, close_code: int
) -> None:
    session = await server.create()
    async with viewing(server.url, session) as other:
        async with viewing(server.url, session) as rude:
            await rude.until(rude.is_caught_up)
            with suppress(ConnectionClosed):
                await rude.connection.send(frame)
            assert await rude.until_closed() == close_code
        await other.until(lambda: len(other.people) == 1)
        assert (await other.run("0>.")).state == "ended"


async def test_a_frame_as_big_as_allowed_is_looked_at(server: Running) -> None:
    session = await server.create()
    async with viewing(server.url, session) as viewer:
        await viewer.connection.send("x" * (128 * 1024))
        await viewer.until(lambda: None in viewer.answers)


async def test_text_that_is_not_utf8_closes_only_its_own_socket(server: Running) -> None:
    session = await server.create()
    async with viewing(server.url, session) as other:
        async with viewing(server.url, session) as rude:
            await rude.until(rude.is_caught_up)
            await rude.connection.send(b"\xff\xfe", text=True)
            assert await rude.until_closed() == 1007
        await other.until(lambda: len(other.people) == 1)
        assert (await other.run("0")).steps == 1


async def test_whoever_sends_too_fast_is_refused_and_then_let_go() -> None:
    async with serving(max_messages_per_second=5) as server:
        session = await server.create()
        async with viewing(server.url, session) as other, viewing(server.url, session) as rude:
            await rude.until(rude.is_caught_up)
            with suppress(ConnectionClosed):
                for moment in range(1000):
                    await rude.send("cursor", moment=moment)
            assert await rude.until_closed() == 1008
            assert rude.goodbye is not None
            refused = [answer for answer in rude.answers.values() if isinstance(answer, RefusedMessage)]
            assert {answer.why.code for answer in refused} == {"too-many-messages"}
            assert any(isinstance(answer, Reply) for answer in rude.answers.values())
            assert (await other.run("0")).steps == 1


async def test_a_client_that_does_not_offer_the_subprotocol_is_served_all_the_same(server: Running) -> None:
    session = await server.create()
    async with viewing(server.url, session, subprotocols=None) as viewer:
        await viewer.until(viewer.is_caught_up)
        assert viewer.connection.subprotocol is None
