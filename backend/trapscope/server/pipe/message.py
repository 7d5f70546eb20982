"""Messages between the server and an engine process: one JSON object and any number of byte strings each.

A message is u32 length of the JSON text, u32 number of parts, u32 length of each part, the text, the parts; all
little-endian. Not pickle: the server must be able to read what a process says in which an emulator went wrong.
"""

from __future__ import annotations

import asyncio
import json
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

_U32: Final = struct.Struct("<I")
_HEAD: Final = struct.Struct("<II")
_MAX_PARTS: Final = 16
MAX_BYTES: Final = 64 << 20


class BrokenPipe(Exception):
    """The other end closed, died in the middle of a message, or wrote what is none."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one side says to the other."""

    head: dict[str, Any]
    parts: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        text = json.dumps(self.head, separators=(",", ":")).encode()
        lengths = b"".join(_U32.pack(len(part)) for part in self.parts)
        return b"".join((_HEAD.pack(len(text), len(self.parts)), lengths, text, *self.parts))


def read_message(stream: BinaryIO) -> Message:
    """The next message, in a process without an event loop; raises BrokenPipe where there is none."""

    def exactly(length: int) -> bytes:
        data = stream.read(length)
        if len(data) != length:
            raise BrokenPipe("the other end is gone")
        return data

    text_length, parts = _checked(*_HEAD.unpack(exactly(_HEAD.size)))
    lengths = _lengths(text_length, exactly(4 * parts))
    return Message(_object(exactly(text_length)), tuple(exactly(length) for length in lengths))


async def receive_message(stream: asyncio.StreamReader) -> Message:
    """The next message, on an event loop; raises BrokenPipe where there is none."""
    try:
        text_length, parts = _checked(*_HEAD.unpack(await stream.readexactly(_HEAD.size)))
        lengths = _lengths(text_length, await stream.readexactly(4 * parts))
        head = _object(await stream.readexactly(text_length))
        return Message(head, tuple([await stream.readexactly(length) for length in lengths]))
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise BrokenPipe("the other end is gone") from error


def _checked(text_length: int, parts: int) -> tuple[int, int]:
    if text_length > MAX_BYTES or parts > _MAX_PARTS:
        raise BrokenPipe(f"a message of {text_length} bytes and {parts} parts is none of ours")
    return text_length, parts


def _lengths(text_length: int, packed: bytes) -> list[int]:
    lengths = [length for (length,) in _U32.iter_unpack(packed)]
    if text_length + sum(lengths) > MAX_BYTES:
        raise BrokenPipe(f"a message of {text_length + sum(lengths)} bytes is none of ours")
    return lengths


def _object(text: bytes) -> dict[str, Any]:
    try:
        head = json.loads(text)
    except ValueError as error:
        raise BrokenPipe("a message begins with JSON") from error
    if not isinstance(head, dict):
        raise BrokenPipe("a message begins with a JSON object")
    return head
