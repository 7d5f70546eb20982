"""GDB's remote serial protocol as packets: bytes in, packets out, and the other way round; no socket in here.

GDB manual, appendix E.1: `$body#checksum`, `}` escapes, `+` and `-` acknowledge until QStartNoAckMode is agreed, 0x03
interrupts.
"""

from __future__ import annotations

from typing import Final

#: The longest body that is taken, in bytes; what `PacketSize` tells gdb.
PACKET_BYTES: Final = 0x8000
INTERRUPT: Final = b"\x03"
_ESCAPED: Final = b"#$}*"
_CHECK_DIGITS: Final = 2


class Packets:
    """One connection. After `receive`, send everything in `outgoing` and handle what it returned, in order."""

    def __init__(self) -> None:
        self.outgoing = bytearray()
        self.acknowledges = True
        """Off once QStartNoAckMode has been answered."""
        self._incoming = bytearray()
        self._last = b""

    def receive(self, data: bytes) -> list[bytes]:
        """The bodies of the packets that are complete now, and INTERRUPT for gdb's Ctrl-C.

        A packet with a wrong checksum is asked for again; bytes between packets are passed over, and so is a body that
        has grown longer than PACKET_BYTES.
        """
        self._incoming += data
        found = []
        while (body := self._next()) is not None:
            found.append(body)
        return found

    def send(self, body: bytes) -> None:
        """Put a packet into `outgoing`."""
        escaped = bytearray()
        for byte in body:
            if byte in _ESCAPED:
                escaped += bytes((ord("}"), byte ^ 0x20))
            else:
                escaped.append(byte)
        self._last = b"$%b#%02x" % (bytes(escaped), sum(escaped) & 0xFF)
        self.outgoing += self._last

    def _next(self) -> bytes | None:
        incoming = self._incoming
        while incoming:
            head = incoming[:1]
            if head == b"$":
                body = self._body()
                if body is None:
                    return None
                if body:
                    return body
                continue
            del incoming[:1]
            if head == INTERRUPT:
                return INTERRUPT
            if head == b"-":
                self.outgoing += self._last
        return None

    def _body(self) -> bytes | None:
        """The packet that `_incoming` begins with; b"" for one that is dropped, None while it is not complete."""
        incoming = self._incoming
        end = incoming.find(b"#")
        if end < 0 or len(incoming) < end + 1 + _CHECK_DIGITS:
            if end < 0 and len(incoming) > PACKET_BYTES:
                incoming.clear()
            return None
        raw, check = bytes(incoming[1:end]), bytes(incoming[end + 1 : end + 1 + _CHECK_DIGITS])
        del incoming[: end + 1 + _CHECK_DIGITS]
        if not self.acknowledges:
            return _unescaped(raw)
        try:
            right = int(check, 16) == sum(raw) & 0xFF
        except ValueError:
            right = False
        self.outgoing += b"+" if right else b"-"
        return _unescaped(raw) if right else b""


def _unescaped(raw: bytes) -> bytes:
    body, at = bytearray(), 0
    while at < len(raw):
        if raw[at] == ord("}") and at + 1 < len(raw):
            body.append(raw[at + 1] ^ 0x20)
            at += 2
        else:
            body.append(raw[at])
            at += 1
    return bytes(body)
