"""Guest RAM as a binary frame."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.tape import ALIAS, TEXT
from tests.wire.vectors import MEMORIES
from trapscope.core.types import RAM_SIZE, ram_offset
from trapscope.wire.frame import BadFrame, FrameKind, seal
from trapscope.wire.memory_image import Range, decode_memory, encode_memory, ranges_of


def laid_out(ranges: list[Range]) -> bytes:
    ram = bytearray(RAM_SIZE)
    for addr, data in ranges:
        ram[ram_offset(addr) : ram_offset(addr) + len(data)] = data
    return bytes(ram)


@given(st.lists(st.tuples(st.integers(0, RAM_SIZE - 32), st.binary(max_size=32)), max_size=8))
def test_ram_comes_back_byte_for_byte(stores: list[tuple[int, bytes]]) -> None:
    ram = laid_out([(TEXT + offset, data) for offset, data in stores])
    assert laid_out(decode_memory(encode_memory(ranges_of(ram)))) == ram


def test_a_range_bridges_short_gaps_only() -> None:
    ram = laid_out([(TEXT, b"\x01" + bytes(9) + b"\x02" + bytes(10) + b"\x03")])
    assert ranges_of(ram) == [(TEXT, b"\x01" + bytes(9) + b"\x02"), (TEXT + 21, b"\x03")]


@pytest.mark.parametrize("name", MEMORIES)
def test_the_ranges_of_a_vector_come_back(name: str) -> None:
    assert decode_memory(encode_memory(MEMORIES[name])) == MEMORIES[name]


@pytest.mark.parametrize(
    "ranges",
    [
        [(TEXT - 1, b"\x01\x02")],
        [(TEXT + RAM_SIZE - 1, b"\x01\x02")],
        [(ALIAS, b"\x01")],
        [(TEXT + 4, b"\x01"), (TEXT, b"\x01")],
        [(TEXT, b"\x01\x02"), (TEXT + 1, b"\x01")],
        [(TEXT, b"")],
    ],
)
def test_ranges_that_overlap_or_leave_ram_are_refused(ranges: list[Range]) -> None:
    with pytest.raises(BadFrame):
        decode_memory(encode_memory(ranges))


@pytest.mark.parametrize("payload", ["01", "ff01", "01" + "00" * 9, "00ff"])
def test_a_frame_that_ends_too_early_or_too_late_is_refused(payload: str) -> None:
    with pytest.raises(BadFrame):
        decode_memory(seal(FrameKind.MEMORY, bytes.fromhex(payload)))
