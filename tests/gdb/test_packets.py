"""The protocol's packets: cut, wrong, repeated, hostile."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from trapscope.gdb.packets import INTERRUPT, PACKET_BYTES, Packets


def packet(body: bytes) -> bytes:
    """As a client sends it."""
    client = Packets()
    client.send(body)
    return bytes(client.outgoing)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.lists(st.integers(1, 7), min_size=1, max_size=9))
def test_packets_arrive_whole_however_the_bytes_are_cut(bodies: list[bytes], cuts: list[int]) -> None:
    stream, packets, received = b"".join(map(packet, bodies)), Packets(), []
    turn = 0
    while stream:
        size = cuts[turn % len(cuts)]
        received += packets.receive(stream[:size])
        stream, turn = stream[size:], turn + 1
    assert received == bodies
    assert packets.outgoing == b"+" * len(bodies)


def test_a_wrong_checksum_is_asked_for_again_and_the_repeated_packet_is_taken() -> None:
    packets = Packets()
    assert packets.receive(b"$g#00") == []
    assert packets.outgoing == b"-"
    assert packets.receive(b"$g#67") == [b"g"]


def test_what_gdb_did_not_get_is_sent_again() -> None:
    packets = Packets()
    packets.send(b"OK")
    first = bytes(packets.outgoing)
    packets.outgoing.clear()
    assert packets.receive(b"-") == []
    assert packets.outgoing == first == b"$OK#9a"


def test_bytes_that_mean_something_to_the_framing_are_escaped() -> None:
    packets = Packets()
    packets.send(b"}#$*")
    assert bytes(packets.outgoing).startswith(b"$}]}\x03}\x04}\x0a#")
    assert Packets().receive(bytes(packets.outgoing)) == [b"}#$*"]


def test_an_interrupt_between_packets_is_told_in_its_place() -> None:
    assert Packets().receive(b"$?#3f\x03$g#67") == [b"?", INTERRUPT, b"g"]


def test_without_acknowledgements_checksums_do_not_count_and_nothing_is_acknowledged() -> None:
    packets = Packets()
    packets.acknowledges = False
    assert packets.receive(b"$g#00") == [b"g"]
    assert packets.outgoing == b""


@given(st.binary(max_size=400))
def test_garbage_never_raises_and_a_good_packet_behind_it_arrives(garbage: bytes) -> None:
    packets = Packets()
    packets.receive(garbage)
    # Whatever was begun is over behind a "#" and its two digits.
    packets.receive(b"#00")
    assert packets.receive(b"$g#67") == [b"g"]


def test_a_packet_that_never_ends_is_dropped_instead_of_kept() -> None:
    packets = Packets()
    for _ in range(3 * PACKET_BYTES // 4096):
        assert packets.receive(b"$" + b"a" * 4095) == []
    assert packets.receive(b"#00$g#67")[-1:] == [b"g"]
