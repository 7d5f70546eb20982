"""The client's side of GDB's remote serial protocol over two pipes, as far as QEMU's stub is asked here.

GDB manual, appendix E. One request is under way at a time, and every answer is acknowledged: QEMU 7.2's stub knows no
QStartNoAckMode. A stub that does not answer in time is an error, never a hang.
"""

from __future__ import annotations

import os
import select
from typing import Final

_ANSWER_SECONDS: Final = 30.0
#: QEMU's packets hold 4096 bytes, two digits a byte.
_MEMORY_BYTES: Final = 1024


class GdbFailed(Exception):
    """The stub went away, did not answer, or refused; the message says what was asked."""


class GdbRemote:
    """A connection to a stub: `receive` and `send` are the two pipes' file descriptors."""

    def __init__(self, receive: int, send: int) -> None:
        self._receive, self._send = receive, send
        self._buffer = bytearray()
        self._acknowledgement = b""

    def ask(self, request: str) -> str:
        """Send a request and return its answer."""
        self._put(request)
        return self._answer(request)

    def expect_ok(self, request: str) -> None:
        """Send a request that changes something; raises GdbFailed unless the stub says OK."""
        answer = self.ask(request)
        if answer != "OK":
            raise GdbFailed(f"the stub answered {answer!r} to {request[:60]!r}")

    def monitor(self, command: str) -> str:
        """Have QEMU's monitor carry out a command; returns what it printed."""
        printed = ""
        answer = self.ask("qRcmd," + command.encode().hex())
        while answer.startswith("O") and answer != "OK":
            printed += bytes.fromhex(answer[1:]).decode(errors="replace")
            answer = self._answer(command)
        if answer != "OK":
            raise GdbFailed(f"the monitor answered {answer!r} to {command!r}")
        return printed

    def read(self, address: int, length: int) -> bytes:
        """Guest memory by virtual address."""
        data = b""
        while len(data) < length:
            part = min(_MEMORY_BYTES, length - len(data))
            answer = self.ask(f"m{address + len(data):x},{part:x}")
            if len(answer) != 2 * part:
                raise GdbFailed(f"{part} bytes at {address + len(data):#x} cannot be read: {answer[:20]!r}")
            data += bytes.fromhex(answer)
        return data

    def write(self, address: int, data: bytes) -> None:
        """Change guest memory by virtual address; page protection does not apply."""
        for at in range(0, len(data), _MEMORY_BYTES):
            part = data[at : at + _MEMORY_BYTES]
            self.expect_ok(f"M{address + at:x},{len(part):x}:{part.hex()}")

    def _put(self, request: str) -> None:
        body = request.encode("ascii")
        packet = b"%b$%b#%02x" % (self._acknowledgement, body, sum(body) & 0xFF)
        self._acknowledgement = b""
        while packet:
            packet = packet[os.write(self._send, packet) :]

    def _answer(self, request: str) -> str:
        while True:
            start = self._buffer.find(b"$")
            end = self._buffer.find(b"#", start)
            if start >= 0 and end >= 0 and len(self._buffer) >= end + 3:
                break
            self._fill(request)
        body, check = bytes(self._buffer[start + 1 : end]), int(self._buffer[end + 1 : end + 3], 16)
        del self._buffer[: end + 3]
        if sum(body) & 0xFF != check:
            raise GdbFailed(f"the answer to {request[:60]!r} has a wrong checksum")
        self._acknowledgement = b"+"  # it goes out with the next request: one system call less
        return body.decode("ascii")

    def _fill(self, request: str) -> None:
        if not select.select([self._receive], [], [], _ANSWER_SECONDS)[0]:
            raise GdbFailed(f"no answer to {request[:60]!r} in {_ANSWER_SECONDS:.0f} s")
        data = os.read(self._receive, 65536)
        if not data:
            raise GdbFailed(f"the stub closed the connection during {request[:60]!r}")
        self._buffer += data
