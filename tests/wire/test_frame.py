"""The envelope and the numbers inside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trapscope.core.types import MASK64
from trapscope.wire.frame import BadFrame, FrameKind, FrameReader, put_varint, seal, unzigzag, zigzag

U64 = st.integers(0, MASK64)


def read_back(payload: bytes | bytearray) -> FrameReader:
    return FrameReader(seal(FrameKind.STEPS, payload), FrameKind.STEPS)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (MASK64, "ffffffffffffffffff01")],
)
def test_varints_are_leb128(value: int, encoded: str) -> None:
    out = bytearray()
    put_varint(out, value)
    assert out.hex() == encoded


@pytest.mark.parametrize(
    ("difference", "encoded"), [(0, 0), (-1, 1), (1, 2), (-2, 3), (2**63 - 1, MASK64 - 1), (-(2**63), MASK64)]
)
def test_zigzag_alternates_between_signs(difference: int, encoded: int) -> None:
    assert (zigzag(difference), unzigzag(encoded)) == (encoded, difference)


@given(U64)
def test_a_varint_is_read_as_it_was_put(value: int) -> None:
    out = bytearray()
    put_varint(out, value)
    reader = read_back(out)
    assert reader.varint() == value
    reader.end()


@given(U64, U64)
def test_a_difference_leads_from_old_to_new_modulo_64_bits(old: int, new: int) -> None:
    assert (old + unzigzag(zigzag(new - old))) & MASK64 == new


@pytest.mark.parametrize("value", [-1, MASK64 + 1])
def test_what_is_no_64_bit_value_is_not_put(value: int) -> None:
    with pytest.raises(ValueError, match="not an unsigned 64-bit value"):
        put_varint(bytearray(), value)


@given(st.binary(max_size=64), st.data())
def test_any_flipped_bit_is_noticed(payload: bytes, data: st.DataObject) -> None:
    frame = bytearray(seal(FrameKind.STEPS, payload))
    bit = data.draw(st.integers(0, len(frame) * 8 - 1))
    frame[bit // 8] ^= 1 << bit % 8
    with pytest.raises(BadFrame):
        FrameReader(bytes(frame), FrameKind.STEPS)


@given(st.binary(max_size=64), st.data())
def test_any_cut_is_noticed(payload: bytes, data: st.DataObject) -> None:
    frame = seal(FrameKind.STEPS, payload)
    with pytest.raises(BadFrame):
        FrameReader(frame[: data.draw(st.integers(0, len(frame) - 1))], FrameKind.STEPS)


@given(st.binary(max_size=64))
def test_arbitrary_bytes_under_a_right_checksum_end_in_values_or_a_named_error(payload: bytes) -> None:
    reader = read_back(payload)
    while reader.left:
        try:
            assert 0 <= reader.varint() <= MASK64
        except BadFrame:
            break
