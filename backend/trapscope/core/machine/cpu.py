"""One virtual CPU: its registers, what is pending for it, and what it may take now.

Priorities among simultaneous events: Intel SDM vol. 3A, table 6-2. An exception is owed by the instruction that
raised it and comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from trapscope.core.machine.apic import LocalApic
from trapscope.core.machine.code import Trait, traits
from trapscope.core.machine.faults import MC, NMI, Event, Source

_IF: Final = 1 << 9


class Shadow(Enum):
    """What the last instruction holds back until one more has retired."""

    NONE = "none"
    STI = "sti"
    """Maskable interrupts; NMIs are taken (implementation-specific, SDM vol. 2, STI)."""
    MOV_SS = "mov-ss"
    """Maskable interrupts and NMIs (SDM vol. 3A, 6.8.3)."""


@dataclass(slots=True)
class Cpu:
    """State that no register of the guest's shows."""

    number: int
    apic: LocalApic
    owed: Event | None = None
    nmi_pending: bool = False
    nmi_blocked: bool = False
    mce_pending: bool = False
    halted: bool = False
    waits: bool = False
    """The last instruction was HLT or PAUSE: the CPU has nothing to do until somebody else acts."""
    shadow: Shadow = Shadow.NONE

    @property
    def has_pending(self) -> bool:
        """Whether something may become deliverable at the next instruction boundary: any IRET unblocks NMIs."""
        return bool(self.apic.requested) or self.owed is not None or self.nmi_pending or self.mce_pending

    @property
    def pending(self) -> frozenset[str]:
        """What was raised and not taken: `irq` (any maskable vector), `nmi`, `mce`."""
        raised = {"irq": bool(self.apic.requested), "nmi": self.nmi_pending, "mce": self.mce_pending}
        return frozenset(what for what, waits in raised.items() if waits)

    def deliverable(self, rflags: int) -> Event | None:
        """What the CPU takes now instead of its next instruction, given its RFLAGS."""
        if self.owed is not None:
            return self.owed
        if self.mce_pending:
            return Event(MC, Source.EXTERNAL)
        if self.nmi_pending and not self.nmi_blocked and self.shadow is not Shadow.MOV_SS:
            return Event(NMI, Source.EXTERNAL)
        if rflags & _IF and self.shadow is Shadow.NONE:
            vector = self.apic.next_vector()
            if vector is not None:
                return Event(vector, Source.EXTERNAL)
        return None

    def take(self, event: Event) -> None:
        """Book-keeping of a delivery that is happening: nothing of it is pending any more, and the CPU is awake."""
        if self.owed is not None:
            self.owed = None
        elif event.vector == MC:
            self.mce_pending = False
        elif event.vector == NMI:
            self.nmi_pending, self.nmi_blocked = False, True
        else:
            self.apic.accept(event.vector)
        self.halted = self.waits = False
        self.shadow = Shadow.NONE

    def retire(self, code: bytes, flags_before: Callable[[], int]) -> None:
        """Follow one retired instruction: shadows, NMI blocking, waiting. `flags_before`: RFLAGS, where they count."""
        trait = traits(code)
        self.shadow = Shadow.NONE
        self.waits = False
        if trait is Trait.NONE:
            return
        if trait is Trait.IRET:
            self.nmi_blocked = False
        elif trait is Trait.STI and not flags_before() & _IF:
            self.shadow = Shadow.STI
        elif trait is Trait.MOV_SS:
            self.shadow = Shadow.MOV_SS
        elif trait is Trait.HALT:
            self.halted = self.waits = True
        elif trait is Trait.PAUSE:
            self.waits = True
