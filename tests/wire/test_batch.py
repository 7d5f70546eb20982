"""Steps as a binary frame: what the encoder makes, the decoder reads back; what it did not make, it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.tape import TEXT, Tape, state_at
from tests.wire.vectors import TAPES, damaged, first_call, frame, one_store, sealed, varint
from trapscope.core.errors import BadInput
from trapscope.core.types import MASK64, RAM_SIZE, REGISTERS
from trapscope.wire.batch_reader import Batch, decode_steps
from trapscope.wire.frame import BadFrame, zigzag

REGISTERS_BUT_RIP = [name for name in REGISTERS if name != "rip"]


def test_every_byte_of_two_steps_is_what_the_table_says() -> None:
    tape = Tape(state_at([TEXT + 0x100], {TEXT + 0x200: b"\x11\x22"}, rax=5), first=300)
    tape.insn(0, b"\x90", lane=2, rax=4, writes=[(TEXT + 0x200, b"\x33\x44")], device=[(0xFEE000B0, b"\x07")])
    tape.delivery(0, 13, lane=2, error_code=0x1A, rip=TEXT + 0x111)

    expected = (
        "54 53 02 03"  # "TS", kind 2, version 3
        "ac 02"  # first moment 300
        "02"  # two steps
        "58"  # head: CPU 0, lane follows, writes follow, device writes follow
        "24"  # head: CPU 0, delivery, error code follows
        "00"  # code of the instruction: 0 follows on -1
        "0d"  # vector 13
        "1a"  # its error code
        "02"  # lane 2
        "01"  # mask: rax; rip falls through
        "80 80 04"  # mask: rip
        "01"  # rax: zigzag(-1)
        "20"  # rip: zigzag(16) from 0xffffffff81000101
        "01"  # one write
        "ff f7 ff ef 0f"  # zigzag(0xffffffff81000200 - 0), a negative difference
        "02"  # of two bytes
        "11 22"  # old
        "33 44"  # new
        "01"  # one write to a device
        "e0 82 80 ee 1f"  # zigzag(0xfee000b0 - 0)
        "01"  # of one byte
        "07"
    )
    assert tape.frame[:-4] == bytes.fromhex(expected)


@pytest.mark.parametrize("name", TAPES)
def test_the_steps_of_a_vector_come_back(name: str) -> None:
    tape = TAPES[name]()
    assert decode_steps(tape.frame, tape.start, tape.codes) == tape.batch


def test_decoding_leaves_the_state_as_it_was() -> None:
    tape = first_call()
    before = tape.start.digest()
    decode_steps(tape.frame, tape.start, tape.codes)
    assert tape.start.digest() == before


@pytest.mark.parametrize("why", damaged())
def test_a_damaged_frame_is_refused_by_name(why: str) -> None:
    tape = first_call()
    with pytest.raises(BadFrame) as refusal:
        decode_steps(damaged()[why], tape.start, tape.codes)
    assert isinstance(refusal.value, BadInput)
    assert "\n" not in str(refusal.value)


def test_a_batch_of_another_moment_is_refused_because_its_old_bytes_differ() -> None:
    tape = first_call()
    with pytest.raises(BadFrame):
        decode_steps(tape.frame, tape.end, tape.codes)


def test_the_step_that_the_damaged_ones_are_made_from_is_read() -> None:
    tape = first_call()
    assert len(decode_steps(frame(), tape.start, tape.codes).steps) == 1
    store = one_store(b"\x01", varint(zigzag(TEXT + 0x100)), b"\x01\xcc\x11")
    assert decode_steps(store, tape.start, tape.codes).steps[0].writes[0].new == b"\x11"


@pytest.mark.parametrize("name", TAPES)
def test_a_frame_that_is_cut_anywhere_or_has_any_bit_flipped_is_refused(name: str) -> None:
    tape = TAPES[name]()
    whole = tape.frame
    cut = [whole[:end] for end in range(len(whole))]
    flipped = [
        whole[:at] + bytes((whole[at] ^ 1 << bit,)) + whole[at + 1 :] for at in range(len(whole)) for bit in range(8)
    ]
    for frame_ in (*cut, *flipped):
        with pytest.raises(BadFrame):
            decode_steps(frame_, tape.start, tape.codes)


def test_a_payload_that_is_cut_anywhere_is_refused_though_its_checksum_is_right() -> None:
    tape = first_call()
    body = tape.frame[:-4]
    for end in range(4, len(body)):
        with pytest.raises(BadFrame):
            decode_steps(sealed(body[:end]), tape.start, tape.codes)


@st.composite
def tapes(draw: st.DrawFn) -> Tape:
    """Any steps at all of up to four CPUs: registers, writes and lanes as they come."""
    u64 = st.integers(0, MASK64)
    cpus = draw(st.integers(1, 4))
    start = state_at(draw(st.lists(u64, min_size=cpus, max_size=cpus)), {TEXT: draw(st.binary(max_size=40))})
    tape = Tape(start, first=draw(st.integers(0, 2**40)))
    values = st.one_of(u64, st.integers(0, 3))
    news = st.dictionaries(st.sampled_from(REGISTERS_BUT_RIP), values, max_size=4)
    stores = st.lists(
        st.tuples(
            st.integers(0, RAM_SIZE - 64).map(TEXT.__add__) | st.integers(TEXT, TEXT + 64),
            st.binary(min_size=1, max_size=8),
        ),
        max_size=3,
    )
    device_stores = st.lists(
        st.tuples(st.integers(0xFEE00000, 0xFEE00FF8), st.binary(min_size=1, max_size=8)), max_size=2
    )
    for _ in range(draw(st.integers(0, 12))):
        cpu, lane = draw(st.integers(0, cpus - 1)), draw(st.integers(0, 300))
        new = draw(news) | draw(st.fixed_dictionaries({}, optional={"rip": u64}))
        if draw(st.booleans()):
            tape.insn(cpu, draw(st.binary(min_size=1, max_size=15)), lane, draw(stores), draw(device_stores), **new)
        else:
            vector, error_code = draw(st.integers(0, 255)), draw(st.integers(-1, 2**32 - 1))
            tape.delivery(cpu, vector, lane, error_code, draw(stores), **new)
    return tape


@given(tapes())
def test_whatever_was_encoded_is_decoded(tape: Tape) -> None:
    frame = tape.frame
    assert decode_steps(frame, tape.start, tape.codes) == tape.batch


@given(tapes(), st.data())
def test_a_damaged_batch_with_a_right_checksum_is_refused_or_is_a_batch_that_encodes_alike(
    tape: Tape, data: st.DataObject
) -> None:
    body = bytearray(tape.frame[:-4])
    at = data.draw(st.integers(4, len(body) - 1))
    body[at] ^= data.draw(st.integers(1, 255))
    frame = sealed(bytes(body))
    try:
        batch = decode_steps(frame, tape.start, tape.codes)
    except BadFrame:
        return
    again = replayed(tape, batch)
    if again is not None:
        assert decode_steps(again.frame, tape.start, tape.codes) == batch


def replayed(tape: Tape, batch: Batch) -> Tape | None:
    """A tape of a batch's steps; none where it has no step to count from."""
    if not batch.steps:
        return None
    again = Tape(tape.start, batch.steps[0].moment)
    again.codes, again.steps, again.lanes = tape.codes, list(batch.steps), list(batch.lanes)
    return again


def test_a_step_costs_few_bytes() -> None:
    tape = Tape(state_at([TEXT], rcx=1000, rflags=0x202))
    for round_ in range(100):
        tape.insn(0, b"\x48\xff\xc9", rcx=999 - round_, rflags=0x202 if round_ % 2 else 0x206)
        tape.insn(0, b"\x75\xfb", rip=TEXT)
    assert len(tape.frame) / len(tape.steps) <= 7
    assert isinstance(tape.batch, Batch)
