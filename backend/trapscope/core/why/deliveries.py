"""What a delivery takes from where: the five words that it pushes, the gate that it goes through, the stack it takes.

Intel SDM vol. 3A, 6.14. Where the tables lie is the guest's word (its symbols), believed only where what lies there is
what the CPU did.
"""

from __future__ import annotations

from typing import Final

from trapscope.core.image import Image
from trapscope.core.image.flow import IF, NT, RF, TF, Constant, Part, Role, Untracked
from trapscope.core.machine.descriptors import GATE_BYTES, INTERRUPT_GATE, Gate
from trapscope.core.trace import TraceIndex
from trapscope.core.types import CS, MASK64, RFLAGS, RIP, RSP, SS
from trapscope.core.why.place import Bytes, Place, Register
from trapscope.core.why.writers import Writers

_PUSHED: Final = (SS, RSP, RFLAGS, CS, RIP)
_BREAKPOINT: Final = 3
_INT3: Final = b"\xcc"
_SELECTOR_AT: Final = 2
_WORD: Final = 8
#: The byte of a gate that says of which kind it is (vol. 3A, figure 6-8).
_KIND_AT: Final = 5
_CLEARED: Final = TF | NT | RF | 1 << 17

#: What something was made from: a place at a moment, the bytes that a step was decoded from, or a dead end.
Taken = tuple[Role, Place | Constant | Untracked, int]


class Deliveries:
    """Of one run, whose steps the index has."""

    def __init__(self, image: Image, index: TraceIndex, writers: Writers) -> None:
        self._index, self._writers = index, writers
        variables = image.layouts.variables
        self._idt = variables["idt_table"].address if "idt_table" in variables else None
        self._tss = variables.get("cpu_tss")
        self._ist = image.offset("tss_struct", "ist") if self._tss is not None else 0

    def of_word(self, step: int, which: int) -> list[Taken]:
        """From what the delivery pushed its `which`-th word, counted from 0: SS, RSP, RFLAGS, CS, RIP, error code."""
        address = (Role.ADDRESS, *self._stack(step))
        if which >= len(_PUSHED):
            return [(Role.DATA, Constant(), step), address]
        cpu, register = self._cpu(step), _PUSHED[which]
        if register == RIP and self._pushed(step, which) != self._index.register(cpu, RIP, step):
            # A fault in delivering a software interrupt is saved as of the instruction that asked for it.
            previous = self.previous(step)
            if previous is not None:
                return [(Role.DATA, Register(cpu, RIP), previous), address]
        return [(Role.DATA, Register(cpu, register), step), address]

    def of_register(self, step: int, register: int, mask: int = MASK64) -> list[Taken]:
        """From what the delivery set a register."""
        cpu = self._cpu(step)
        gate = self._gate(step)
        if register == RFLAGS:
            return self._flags(step, mask, gate)
        if register == SS:
            kept = self._index.register(cpu, SS, step + 1) == self._index.register(cpu, SS, step)
            return [(Role.DATA, Register(cpu, SS) if kept else Constant(), step)]
        if register == RSP:
            return [(Role.DATA, *self._stack(step))]
        if gate is None:
            return [(Role.DATA, Untracked("the interrupt descriptor table"), step)]
        if register == CS:
            return [(Role.DATA, Bytes(gate + _SELECTOR_AT, 2), step)]
        return [(Role.DATA, Bytes(gate, GATE_BYTES), step)]

    def _flags(self, step: int, mask: int, gate: int | None) -> list[Taken]:
        """Of the flags: TF, NT, RF and VM are cleared, and IF through an interrupt gate (6.12.1.3, 6.14.4)."""
        kind = None if gate is None else Gate.decode(self._index.memory(gate, GATE_BYTES, step)).kind
        taken: list[Taken] = []
        if mask & IF:
            cleared = kind == INTERRUPT_GATE
            if kind is None:
                taken.append((Role.DATA, Untracked("the interrupt descriptor table"), step))
            elif gate is not None:
                taken.append((Role.DATA, Bytes(gate + _KIND_AT, 1), step))
            if not cleared:
                taken.append((Role.DATA, Register(self._cpu(step), RFLAGS, IF), step))
        if mask & _CLEARED:
            taken.append((Role.DATA, Constant(), step))
        if kept := mask & ~(_CLEARED | IF):
            taken.insert(0, (Role.DATA, Register(self._cpu(step), RFLAGS, kept), step))
        return taken

    def int3_before(self, step: int) -> int | None:
        """The `int3` that the delivery is of; None for any other."""
        previous = self.previous(step)
        if self._index.columns.vector[step] != _BREAKPOINT or previous is None:
            return None
        _, code = self._index.trace.code_table[self._index.columns.code[previous]]
        return previous if code == _INT3 else None

    def previous(self, step: int) -> int | None:
        """The step before on the same CPU."""
        return self._writers.of(self._cpu(step), Part(RIP), step)[0][1]

    def _gate(self, step: int) -> int | None:
        """Where the gate is that leads to where the CPU went."""
        if self._idt is None:
            return None
        address: int = self._idt + int(self._index.columns.vector[step]) * GATE_BYTES
        gate = Gate.decode(self._index.memory(address, GATE_BYTES, step))
        return address if gate.offset == self._index.register(self._cpu(step), RIP, step + 1) else None

    def _stack(self, step: int) -> tuple[Place | Untracked, int]:
        """From what the CPU took its stack: the interrupted RSP, or the word in its TSS for the gate's IST."""
        gate, cpu = self._gate(step), self._cpu(step)
        ist = 0 if gate is None else Gate.decode(self._index.memory(gate, GATE_BYTES, step)).ist
        if not ist:
            return Register(cpu, RSP), step
        if self._tss is None:
            return Untracked("the task state segment"), step
        segment = self._tss.address + cpu * (self._tss.size // max(self._tss.extents[0], 1))
        address = segment + self._ist + (ist - 1) * _WORD
        return Bytes(address, _WORD), step

    def _pushed(self, step: int, which: int) -> int:
        return int(self._index.columns.write_new[int(self._index.columns.write_end[step]) + which])

    def _cpu(self, step: int) -> int:
        return int(self._index.columns.cpu[step])
