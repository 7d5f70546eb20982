"""Taking an exception or interrupt as the CPU does: through the guest's IDT and TSS, onto the guest's stack.

Pure: the outcome is a value that the machine then carries out. Intel SDM vol. 3A, 6.14 (64-bit mode), 6.14.2
(stack frame), 6.14.5 (IST), 6.12.1.3 (flags), 6.13 (error code). Same-privilege deliveries only: the guest
never leaves CPL 0.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trapscope.core.machine.descriptors import GATE_BYTES, INTERRUPT_GATE, TRAP_GATE, Gate, ist_address
from trapscope.core.machine.faults import FAULTS, GP, NP, PF, SS, WITH_ERROR_CODE, Event, Source
from trapscope.core.types import MASK64

_IF: Final = 1 << 9
_TF: Final = 1 << 8
_NT: Final = 1 << 14
_RF: Final = 1 << 16
_VM: Final = 1 << 17

Read = Callable[[int, int], bytes]
StoreFault = Callable[[int, int], int]


@dataclass(frozen=True, slots=True)
class Tables:
    """Where the CPU's system tables are: IDTR's base and limit, TR's base."""

    idt_base: int
    idt_limit: int
    tss_base: int


@dataclass(frozen=True, slots=True)
class Interrupted:
    """What a delivery saves."""

    rip: int
    cs: int
    rflags: int
    rsp: int
    ss: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a completed delivery does: the pushes, in order, and the new registers."""

    pushes: tuple[tuple[int, int], ...]
    rip: int
    cs: int
    rflags: int
    rsp: int
    ss: int


class SecondFault(Exception):
    """The delivery itself faulted; `event` is the fault. Table 6-5 decides what follows."""

    def __init__(self, event: Event) -> None:
        super().__init__(event)
        self.event = event


def deliver(event: Event, cpu: Interrupted, tables: Tables, read: Read, store_fault: StoreFault) -> Outcome:
    """The five (or six) pushes and the new registers; raises SecondFault.

    `read(address, length)` raises ValueError outside mapped memory; `store_fault(address, length)` is the
    #PF error code that a store there gives, or -1 where it succeeds.
    """
    # SDM vol. 3A, 6.13: bit 1 says "IDT", bit 0 (EXT) that the event was not asked for by software.
    external = event.source is not Source.SOFTWARE
    idt_error = event.vector << 3 | 2 | external
    if event.vector * GATE_BYTES + GATE_BYTES - 1 > tables.idt_limit:
        raise SecondFault(Event(GP, Source.EXCEPTION, idt_error))
    gate = Gate.decode(_read(read, tables.idt_base + event.vector * GATE_BYTES, GATE_BYTES))
    if gate.kind not in (INTERRUPT_GATE, TRAP_GATE):
        raise SecondFault(Event(GP, Source.EXCEPTION, idt_error))
    if not gate.present:
        raise SecondFault(Event(NP, Source.EXCEPTION, idt_error))
    ss, top = cpu.ss, cpu.rsp
    if gate.ist:
        top = int.from_bytes(_read(read, ist_address(tables.tss_base, gate.ist), 8), "little")
        ss = 0
    rsp = top & ~0xF
    # A fault is saved with RF set, so that a restart does not hit an instruction breakpoint again.
    saved_flags = cpu.rflags | _RF if event.vector in FAULTS else cpu.rflags
    words = [cpu.ss, cpu.rsp, saved_flags, cpu.cs, cpu.rip]
    if event.vector in WITH_ERROR_CODE:
        words.append(max(event.error_code, 0))
    pushes = []
    for word in words:
        rsp = (rsp - 8) & MASK64
        if not canonical(rsp):
            raise SecondFault(Event(SS, Source.EXCEPTION, int(external)))
        page_fault = store_fault(rsp, 8)
        if page_fault >= 0:
            raise SecondFault(Event(PF, Source.EXCEPTION, page_fault, cr2=rsp))
        pushes.append((rsp, word))
    cleared = _TF | _NT | _RF | _VM | (_IF if gate.kind == INTERRUPT_GATE else 0)
    return Outcome(tuple(pushes), gate.offset, gate.selector, cpu.rflags & ~cleared, rsp, ss)


def frame_bytes(word: int) -> bytes:
    """One pushed word as it lies in memory."""
    return struct.pack("<Q", word)


def canonical(address: int) -> bool:
    """Whether bits 63 … 47 are all equal (SDM vol. 1, 3.3.7.1); any other address gives #GP or #SS, not #PF."""
    return address < 1 << 47 or address >= MASK64 - (1 << 47) + 1


def _read(read: Read, address: int, length: int) -> bytes:
    try:
        return read(address, length)
    except ValueError:
        raise SecondFault(Event(PF, Source.EXCEPTION, 0, cr2=address)) from None
