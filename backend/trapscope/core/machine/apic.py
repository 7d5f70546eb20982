"""One CPU's local APIC, as far as the guest uses it: ICR, EOI, TPR and the priority of what is in service.

Intel SDM vol. 3A, chapter 10: register map (table 10-1), ICR (figure 10-12), priorities (10.8.3), EOI (10.8.5).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

BASE: Final = 0xFEE00000
SIZE: Final = 0x1000
_ID: Final = 0x20
_VERSION: Final = 0x30
_TPR: Final = 0x80
_PPR: Final = 0xA0
_EOI: Final = 0xB0
_SVR: Final = 0xF0
_ISR: Final = 0x100
_IRR: Final = 0x200
ICR_LOW: Final = 0x300
ICR_HIGH: Final = 0x310

#: What is stored to, by its name in the manual.
REGISTERS: Final = {_TPR: "TPR", _EOI: "EOI", _SVR: "SVR", ICR_LOW: "ICR", ICR_HIGH: "ICR (high half)"}

_FIXED: Final = 0
_NMI: Final = 4


@dataclass(frozen=True, slots=True)
class Ipi:
    """What a write to the ICR sends: to which CPUs, and a vector, or an NMI where `vector` is 2 and `nmi` is set."""

    targets: tuple[int, ...]
    vector: int
    nmi: bool


@dataclass(slots=True)
class LocalApic:
    """State of one local APIC. `requested` and `in_service` are sets of vectors (IRR and ISR)."""

    cpu: int
    cpus: int
    requested: set[int] = field(default_factory=set)
    in_service: set[int] = field(default_factory=set)
    tpr: int = 0
    svr: int = 0xFF
    icr_low: int = 0
    icr_high: int = 0

    def read(self, offset: int) -> int:
        """The 32-bit register at `offset`; a register that is not modelled reads as 0."""
        if offset == _ID:
            return self.cpu << 24
        if offset == _VERSION:
            return 0x50014
        if offset == _TPR:
            return self.tpr
        if offset == _PPR:
            return self._priority() << 4
        if offset == _SVR:
            return self.svr
        if offset == ICR_LOW:
            return self.icr_low
        if offset == ICR_HIGH:
            return self.icr_high
        if _ISR <= offset < _ISR + 0x80:
            return _bits(self.in_service, offset - _ISR)
        if _IRR <= offset < _IRR + 0x80:
            return _bits(self.requested, offset - _IRR)
        return 0

    def write(self, offset: int, value: int) -> Ipi | None:
        """Store to the register at `offset`; returns the interrupt that a write to the ICR sends."""
        if offset == _TPR:
            self.tpr = value & 0xFF
        elif offset == _EOI:
            if self.in_service:
                self.in_service.discard(max(self.in_service))
        elif offset == _SVR:
            self.svr = value
        elif offset == ICR_HIGH:
            self.icr_high = value
        elif offset == ICR_LOW:
            self.icr_low = value & ~(1 << 12)  # delivery status: always idle
            return sent(self.icr_low, self.icr_high, self.cpu, self.cpus)
        return None

    def next_vector(self) -> int | None:
        """The vector to be taken next, if its class is above what is in service and above TPR; else None."""
        if not self.requested:
            return None
        vector = max(self.requested)
        return vector if vector >> 4 > self._priority() else None

    def accept(self, vector: int) -> None:
        """The CPU takes `vector`: from IRR to ISR."""
        self.requested.remove(vector)
        self.in_service.add(vector)

    def _priority(self) -> int:
        return max(self.tpr >> 4, max(self.in_service, default=0) >> 4)


def sent(low: int, high: int, cpu: int, cpus: int) -> Ipi | None:
    """What a store of `low` to a CPU's ICR, whose high half is `high`, sends (figure 10-12); None for INIT and SIPI."""
    mode = low >> 8 & 7
    if mode not in (_FIXED, _NMI):
        return None
    shorthand = low >> 18 & 3
    if shorthand == 0:
        targets = tuple(one for one in range(cpus) if one == high >> 24)
    elif shorthand == 1:
        targets = (cpu,)
    else:
        targets = tuple(one for one in range(cpus) if shorthand == 2 or one != cpu)
    return Ipi(targets, low & 0xFF, mode == _NMI)


def _bits(vectors: set[int], offset: int) -> int:
    """One 32-bit word of the 256-bit ISR or IRR; the eight words lie 16 bytes apart."""
    first = offset // 16 * 32
    return sum(1 << vector - first for vector in vectors if first <= vector < first + 32)
