"""The envelope of binary frames, and the reader of what is inside: every length is checked before it is believed.

A frame is "TS", kind (u8), version (u8), payload, CRC-32 (u32, zlib's, of everything before it); all little-endian.
Varints are unsigned LEB128 in their shortest form; zigzag maps a signed 64-bit difference, wrapped, to unsigned.
"""

from __future__ import annotations

import zlib
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trapscope.core.errors import BadInput
from trapscope.core.types import MASK64

MAGIC: Final = b"TS"
VERSION: Final = 3
_HEADER_BYTES: Final = 4
_CRC_BYTES: Final = 4
_VARINT_BYTES: Final = 10


class FrameKind(IntEnum):
    """What the payload is."""

    MEMORY = 1
    STEPS = 2


class BadFrame(BadInput):
    """A binary frame that was cut, damaged, made by another version, or never was one. Nothing of it is used."""


def seal(kind: FrameKind, payload: bytes | bytearray) -> bytes:
    """Put the envelope around a payload."""
    body = MAGIC + bytes((kind, VERSION)) + payload
    return body + zlib.crc32(body).to_bytes(_CRC_BYTES, "little")


def put_varint(out: bytearray, value: int) -> None:
    """Append an unsigned 64-bit value; raises ValueError outside 0 … 2**64-1."""
    if not 0 <= value <= MASK64:
        raise ValueError(f"{value} is not an unsigned 64-bit value")
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def varints(values: NDArray[np.uint64]) -> bytes:
    """The varints of all values, one after the other."""
    groups = np.arange(_VARINT_BYTES, dtype=np.uint64)
    shifted = values[:, None] >> np.uint64(7) * groups
    told = shifted != 0
    told[:, 0] = True
    septets = (shifted & np.uint64(0x7F)).astype(np.uint8)
    septets[:, :-1] |= told[:, 1:].astype(np.uint8) << 7
    taken: NDArray[np.uint8] = septets[told]
    return taken.tobytes()


def zigzags(differences: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """`zigzag` of each."""
    signs = (differences.view(np.int64) >> 63).view(np.uint64)
    return (differences << np.uint64(1)) ^ signs


def zigzag(difference: int) -> int:
    """0, -1, 1, -2 … to 0, 1, 2, 3 …, of a difference taken modulo 2**64."""
    difference &= MASK64
    return (difference << 1) & MASK64 if difference >> 63 == 0 else ((difference << 1) & MASK64) ^ MASK64


def unzigzag(value: int) -> int:
    """The difference again, in -2**63 … 2**63-1."""
    return value >> 1 if value & 1 == 0 else -(value >> 1) - 1


class FrameReader:
    """Reads a sealed frame from front to back; raises BadFrame wherever it is not what it should be."""

    def __init__(self, frame: bytes, kind: FrameKind) -> None:
        if len(frame) < _HEADER_BYTES + _CRC_BYTES:
            raise BadFrame(f"a frame has at least {_HEADER_BYTES + _CRC_BYTES} bytes, not {len(frame)}")
        if frame[:2] != MAGIC:
            raise BadFrame(f'a frame begins with "TS", not with {frame[:2].hex()}')
        if frame[3] != VERSION:
            raise BadFrame(f"frame version {frame[3]} came, {VERSION} is understood")
        body = frame[:-_CRC_BYTES]
        if zlib.crc32(body) != int.from_bytes(frame[-_CRC_BYTES:], "little"):
            raise BadFrame("the frame's checksum is wrong: it was cut or damaged on the way")
        if frame[2] != kind:
            raise BadFrame(f"frame kind {frame[2]} came where {kind} was due")
        self._body = body
        self._at = _HEADER_BYTES

    @property
    def left(self) -> int:
        """Bytes of the payload not read yet."""
        return len(self._body) - self._at

    def u8(self) -> int:
        return self.take(1)[0]

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        if length > self.left:
            raise BadFrame(f"{length} bytes due at offset {self._at}, {self.left} left")
        start, self._at = self._at, self._at + length
        return self._body[start : self._at]

    def varint(self) -> int:
        """An unsigned value below 2**64, in its shortest form."""
        value = 0
        for index in range(_VARINT_BYTES):
            byte = self.u8()
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                if value > MASK64 or (byte == 0 and index > 0):
                    break
                return value
        raise BadFrame(f"no varint ends at offset {self._at}: too long, or not in its shortest form")

    def count(self, least_bytes: int) -> int:
        """How many items of at least `least_bytes` follow: never more than can be there."""
        count = self.varint()
        if count * least_bytes > self.left:
            raise BadFrame(f"{count} items announced at offset {self._at}, {self.left} bytes left")
        return count

    def end(self) -> None:
        """Nothing may be left."""
        if self.left:
            raise BadFrame(f"{self.left} bytes too many at offset {self._at}")
