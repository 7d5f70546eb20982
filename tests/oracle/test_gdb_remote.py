"""The remote protocol's client against a stub made of two pipes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from trapscope.oracle.gdb_remote import GdbFailed, GdbRemote


def packet(body: bytes) -> bytes:
    """The acknowledgement of the request, and an answer with its checksum."""
    return b"+$%b#%02x" % (body, sum(body) & 0xFF)


class Stub:
    """The far ends of a client's pipes; answers are laid ready before they are asked for."""

    def __init__(self) -> None:
        self._requests, client_send = os.pipe()
        client_receive, self._answers = os.pipe()
        self.gdb = GdbRemote(client_receive, client_send)
        self._ends = [self._requests, client_send, client_receive]

    def will_answer(self, *packets: bytes) -> None:
        os.write(self._answers, b"".join(packets))

    def hang_up(self) -> None:
        os.close(self._answers)
        self._answers = -1

    def was_asked(self) -> bytes:
        return os.read(self._requests, 65536)

    def close(self) -> None:
        for end in (*self._ends, self._answers):
            if end >= 0:
                os.close(end)


@pytest.fixture
def stub() -> Iterator[Stub]:
    stub = Stub()
    yield stub
    stub.close()


def test_a_request_is_framed_with_its_checksum_and_the_answer_acknowledged(stub: Stub) -> None:
    stub.will_answer(packet(b"OK"))

    assert stub.gdb.ask("g") == "OK"
    stub.will_answer(packet(b"T05"))
    assert stub.gdb.ask("s") == "T05"
    assert stub.was_asked() == b"$g#67+$s#73"


def test_memory_is_read_in_pieces_that_fit_a_packet(stub: Stub) -> None:
    stub.will_answer(packet(b"00" * 1024), packet(b"ff" * 16))

    assert stub.gdb.read(0x1000, 1040) == bytes(1024) + b"\xff" * 16
    assert stub.was_asked() == b"$m1000,400#ee+$m1400,10#bf"


def test_what_the_monitor_prints_is_collected(stub: Stub) -> None:
    stub.will_answer(packet(b"O" + b"hi".hex().encode()), packet(b"OK"))

    assert stub.gdb.monitor("info") == "hi"


@pytest.mark.parametrize(
    ("answer", "message"),
    [(packet(b"E22"), "E22"), (b"+$OK#00", "checksum")],
)
def test_a_refusal_and_a_broken_packet_are_named(stub: Stub, answer: bytes, message: str) -> None:
    stub.will_answer(answer)

    with pytest.raises(GdbFailed, match=message):
        stub.gdb.expect_ok("Z1,0,1")


def test_unreadable_memory_is_an_error(stub: Stub) -> None:
    stub.will_answer(packet(b"E14"))

    with pytest.raises(GdbFailed, match="4 bytes at 0x10 cannot be read"):
        stub.gdb.read(0x10, 4)


def test_a_stub_that_goes_away_is_an_error(stub: Stub) -> None:
    stub.hang_up()

    with pytest.raises(GdbFailed, match="closed the connection"):
        stub.gdb.ask("g")
