"""The files that gdb may read through the connection: `vFile` requests, read only (GDB manual, appendix E.8)."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from typing import Final

_NO_ENTRY: Final = b"F-1,2"
_BAD_DESCRIPTOR: Final = b"F-1,9"
_INVALID: Final = b"F-1,16"
_MOST_BYTES: Final = 0x4000
_REGULAR_READABLE: Final = 0o100444
_PREAD: Final = re.compile(r"([0-9a-f]+),([0-9a-f]+),([0-9a-f]+)")
_DESCRIPTOR: Final = re.compile(r"[0-9a-f]{1,8}")


class Files:
    """By path, the whole of each file."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._open: dict[int, bytes] = {}
        self._next = 3

    def answer(self, request: bytes) -> bytes:
        """The reply to a `vFile:` request; empty for an operation that is not supported."""
        operation, _, rest = request.removeprefix(b"vFile:").decode("ascii", errors="replace").partition(":")
        if operation == "setfs":
            return b"F0"
        if operation == "open":
            return self._opened(rest)
        if operation == "pread":
            return self._read(rest)
        if operation in ("close", "fstat"):
            if not _DESCRIPTOR.fullmatch(rest) or int(rest, 16) not in self._open:
                return _BAD_DESCRIPTOR
            if operation == "fstat":
                return _attached(_stat(len(self._open[int(rest, 16)])))
            del self._open[int(rest, 16)]
            return b"F0"
        return b""

    def _opened(self, rest: str) -> bytes:
        try:
            path = bytes.fromhex(rest.partition(",")[0]).decode()
        except ValueError:
            return _INVALID
        if path not in self._files:
            return _NO_ENTRY
        descriptor, self._next = self._next, self._next + 1
        self._open[descriptor] = self._files[path]
        return b"F%x" % descriptor

    def _read(self, rest: str) -> bytes:
        match = _PREAD.fullmatch(rest)
        if match is None:
            return _INVALID
        descriptor, count, offset = (int(part, 16) for part in match.groups())
        if descriptor not in self._open:
            return _BAD_DESCRIPTOR
        return _attached(self._open[descriptor][offset : offset + min(count, _MOST_BYTES)])


def _attached(data: bytes) -> bytes:
    return b"F%x;%b" % (len(data), data)


def _stat(size: int) -> bytes:
    """`struct stat` as the protocol has it (appendix E.8.7): big-endian, 64 bytes."""
    return struct.pack(">7IQQQ3I", 0, 0, _REGULAR_READABLE, 1, 0, 0, 0, size, 512, -(-size // 512), 0, 0, 0)
