"""The binary frame of guest RAM at moment 0: the ranges that are not zero.

Payload: varint number of ranges; each u64 address (of the kernel mapping), varint length, the bytes. Ranges ascend
and do not overlap; all other bytes of RAM are zero.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from trapscope.core.types import KERNEL_MAP, RAM_BASE, RAM_SIZE, ram_offset
from trapscope.wire.frame import BadFrame, FrameKind, FrameReader, put_varint, seal

#: A shorter run of zeros inside a range costs less than a new range's header.
_NONZERO: Final = re.compile(rb"[^\0]+(?:\0{1,9}[^\0]+)*")
_LEAST_RANGE_BYTES: Final = 10

Range = tuple[int, bytes]


def ranges_of(ram: bytes) -> list[Range]:
    """The non-zero ranges of all of guest RAM, by address in the kernel mapping."""
    return [(KERNEL_MAP + RAM_BASE + match.start(), match.group()) for match in _NONZERO.finditer(ram)]


def encode_memory(ranges: Iterable[Range]) -> bytes:
    """The frame for these ranges."""
    listed = list(ranges)
    out = bytearray()
    put_varint(out, len(listed))
    for addr, data in listed:
        out += addr.to_bytes(8, "little")
        put_varint(out, len(data))
        out += data
    return seal(FrameKind.MEMORY, out)


def decode_memory(frame: bytes) -> list[Range]:
    """The ranges of a frame; raises BadFrame for anything that encode_memory would not have made."""
    reader = FrameReader(frame, FrameKind.MEMORY)
    ranges: list[Range] = []
    floor = 0
    for _ in range(reader.count(_LEAST_RANGE_BYTES)):
        addr, length = reader.u64(), reader.varint()
        data = reader.take(length)
        try:
            start = ram_offset(addr)
        except ValueError as error:
            raise BadFrame(str(error)) from None
        if addr < KERNEL_MAP or start < floor or length == 0 or start + length > RAM_SIZE:
            raise BadFrame(f"range of {length} bytes at {addr:#x} overlaps, is empty, or leaves guest RAM")
        floor = start + length
        ranges.append((addr, data))
    reader.end()
    return ranges
