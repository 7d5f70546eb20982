"""Deliveries against the manual: frame layout, alignment, flags, IST, error codes, second faults."""

import struct

import pytest

from trapscope.core.machine.delivery import Interrupted, Outcome, SecondFault, Tables, canonical, deliver
from trapscope.core.machine.faults import BP, DF, GP, NP, PF, UD, Event, Source, ThirdFault, second

IDT, TSS, HANDLER = 0x1000, 0x2000, 0xFFFFFFFF81000123
IF, TF, NT, RF, DF_FLAG, AC = 1 << 9, 1 << 8, 1 << 14, 1 << 16, 1 << 10, 1 << 18


def gate(offset: int, *, ist: int = 0, kind: int = 0xE, present: bool = True) -> bytes:
    low = (
        offset & 0xFFFF | 0x10 << 16 | ist << 32 | kind << 40 | 3 << 45 | present << 47 | (offset >> 16 & 0xFFFF) << 48
    )
    return struct.pack("<QQ", low, offset >> 32)


def taken(
    event: Event, *, descriptor: bytes = gate(HANDLER), rsp: int = 0x8008, flags: int = 2, ist1: int = 0, bad: int = -1
) -> Outcome:
    memory = {IDT + event.vector * 16 + i: byte for i, byte in enumerate(descriptor)}
    memory |= {TSS + 0x24 + i: byte for i, byte in enumerate(ist1.to_bytes(8, "little"))}
    return deliver(
        event,
        Interrupted(rip=0xFFFFFFFF81000777, cs=0x10, rflags=flags, rsp=rsp, ss=0x18),
        Tables(IDT, 256 * 16 - 1, TSS),
        lambda address, length: bytes(memory[address + i] for i in range(length)),
        lambda address, _: 2 if address == bad else -1,
    )


def test_int3_pushes_ss_rsp_rflags_cs_rip_below_the_aligned_stack_pointer() -> None:
    outcome = taken(Event(BP, Source.SOFTWARE), rsp=0x8008)
    assert outcome.pushes == (
        (0x7FF8, 0x18),
        (0x7FF0, 0x8008),
        (0x7FE8, 2),
        (0x7FE0, 0x10),
        (0x7FD8, 0xFFFFFFFF81000777),
    )
    assert (outcome.rip, outcome.cs, outcome.rsp, outcome.ss) == (HANDLER, 0x10, 0x7FD8, 0x18)


def test_an_aligned_stack_pointer_leaves_no_padding() -> None:
    assert taken(Event(BP, Source.SOFTWARE), rsp=0x8000).pushes[0] == (0x7FF8, 0x18)


def test_an_interrupt_gate_clears_if_tf_nt_rf_and_keeps_df_and_ac() -> None:
    outcome = taken(Event(BP, Source.SOFTWARE), flags=2 | IF | TF | NT | RF | DF_FLAG | AC)
    assert outcome.rflags == 2 | DF_FLAG | AC


def test_a_trap_gate_keeps_if() -> None:
    assert taken(Event(BP, Source.SOFTWARE), descriptor=gate(HANDLER, kind=0xF), flags=2 | IF).rflags == 2 | IF


def test_an_ist_stack_is_taken_from_the_tss_and_ss_becomes_null() -> None:
    outcome = taken(Event(2, Source.EXTERNAL), descriptor=gate(HANDLER, ist=1), ist1=0x9018)
    assert outcome.pushes[0] == (0x9008, 0x18)
    assert outcome.ss == 0


def test_a_fault_pushes_its_error_code_and_saves_rf() -> None:
    outcome = taken(Event(GP, Source.EXCEPTION, error_code=0x18))
    assert outcome.pushes[-1][1] == 0x18
    assert outcome.pushes[2][1] & RF


def test_a_trap_saves_rf_as_it_was() -> None:
    assert not taken(Event(BP, Source.SOFTWARE)).pushes[2][1] & RF


def test_an_absent_gate_is_a_segment_not_present_fault_with_the_idt_bit() -> None:
    with pytest.raises(SecondFault) as caught:
        taken(Event(BP, Source.SOFTWARE), descriptor=gate(HANDLER, present=False))
    assert caught.value.event == Event(NP, Source.EXCEPTION, error_code=0x1A)


def test_a_gate_of_the_wrong_type_is_a_general_protection_fault_with_ext_for_an_external_event() -> None:
    with pytest.raises(SecondFault) as caught:
        taken(Event(2, Source.EXTERNAL), descriptor=gate(HANDLER, kind=5))
    assert caught.value.event == Event(GP, Source.EXCEPTION, error_code=2 << 3 | 3)


def test_an_unmapped_stack_is_a_page_fault_at_the_first_push_that_fails() -> None:
    with pytest.raises(SecondFault) as caught:
        taken(Event(BP, Source.SOFTWARE), rsp=0x8000, bad=0x7FF0)
    assert caught.value.event == Event(PF, Source.EXCEPTION, 2, cr2=0x7FF0)


@pytest.mark.parametrize(
    ("first", "then", "delivered"),
    [
        (BP, GP, GP),
        (BP, PF, PF),
        (UD, NP, NP),
        (GP, GP, DF),
        (GP, PF, PF),
        (PF, GP, DF),
        (PF, PF, DF),
        (NP, GP, DF),
    ],
)
def test_a_second_fault_follows_table_6_5(first: int, then: int, delivered: int) -> None:
    got = second(Event(first, Source.EXCEPTION), Event(then, Source.EXCEPTION, error_code=5))
    assert got.vector == delivered
    assert got.error_code == (0 if delivered == DF else 5)


def test_a_fault_while_delivering_a_double_fault_is_a_shutdown() -> None:
    with pytest.raises(ThirdFault):
        second(Event(DF, Source.EXCEPTION, 0), Event(PF, Source.EXCEPTION, 2))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (0x7FFF_FFFF_FFFF, True),
        (0x8000_0000_0000, False),
        (0xFFFF_8000_0000_0000, True),
        (0xFFFF_7FFF_FFFF_FFFF, False),
    ],
)
def test_canonical_addresses_have_equal_high_bits(address: int, expected: bool) -> None:
    assert canonical(address) is expected
