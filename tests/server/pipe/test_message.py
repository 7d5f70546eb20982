"""Messages between server and engine process survive the pipe, or are refused."""

from __future__ import annotations

import asyncio
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trapscope.server.pipe.message import MAX_BYTES, BrokenPipe, Message, read_message, receive_message

JSON = st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.text(max_size=8), max_size=4)
MESSAGES = st.builds(Message, JSON, st.lists(st.binary(max_size=64), max_size=4).map(tuple))


async def receive(data: bytes) -> Message:
    stream = asyncio.StreamReader()
    stream.feed_data(data)
    stream.feed_eof()
    return await receive_message(stream)


@given(st.lists(MESSAGES, min_size=1, max_size=3))
def test_messages_come_out_as_they_went_in(messages: list[Message]) -> None:
    stream = io.BytesIO(b"".join(message.encode() for message in messages))
    assert [read_message(stream) for _ in messages] == messages


@given(MESSAGES)
def test_both_ends_read_alike(message: Message) -> None:
    assert asyncio.run(receive(message.encode())) == message


@given(MESSAGES, st.data())
def test_a_message_that_is_cut_is_refused(message: Message, data: st.DataObject) -> None:
    whole = message.encode()
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(BrokenPipe):
        asyncio.run(receive(part))


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff" + bytes(4),
        bytes(4) + b"\xff\xff\xff\xff",
        (2).to_bytes(4, "little") + (1).to_bytes(4, "little") + MAX_BYTES.to_bytes(4, "little") + b"{}",
        (2).to_bytes(4, "little") + bytes(4) + b"[]",
        (2).to_bytes(4, "little") + bytes(4) + b"{{",
        (2).to_bytes(4, "little") + bytes(4) + b"\xff\xff",
    ],
    ids=["text too long", "too many parts", "too long together", "no object", "no JSON", "no UTF-8"],
)
async def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(BrokenPipe):
        await receive(data)
