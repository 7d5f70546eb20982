"""What a CPU holds back: whether NMIs are blocked, what was raised and not taken, and what each of it waits for.

Told as changes: between two of a CPU's entries nothing of it changed, so any moment is a lookup. An entry of moment n
speaks of the state before step n; of several with the same moment and CPU the last counts (an injection happens at a
moment, behind what the step before it brought). Priorities: Intel SDM vol. 3A, table 6-2 and 10.8.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trapscope.core.machine.cpu import Cpu, Shadow
from trapscope.core.machine.faults import MC, NMI

_IF: Final = 1 << 9


class Wait(StrEnum):
    """Why something that is pending is not what its CPU does next."""

    EXCEPTION = "exception"
    """An instruction raised an exception, which is delivered first."""
    MACHINE_CHECK = "machine-check"
    """A pending #MC is taken first."""
    NMI = "nmi"
    """A pending NMI is taken first."""
    HIGHER_VECTOR = "higher-vector"
    """A higher vector is requested."""
    IF_CLEAR = "if-clear"
    """RFLAGS.IF is 0 (vol. 3A, 6.8.1)."""
    STI_SHADOW = "sti-shadow"
    """STI holds interrupts back for one instruction (vol. 2, STI)."""
    MOV_SS_SHADOW = "mov-ss-shadow"
    """MOV SS or POP SS holds interrupts and NMIs back for one instruction (vol. 3A, 6.8.3)."""
    NMI_BLOCKED = "nmi-blocked"
    """An NMI was taken, and no IRET executed since (vol. 3A, 6.7.1)."""
    IN_SERVICE = "in-service"
    """An interrupt of the same or a higher class is in service: no EOI yet (vol. 3A, 10.8.3.1)."""
    TASK_PRIORITY = "task-priority"
    """The TPR's class is not below the vector's."""


@dataclass(frozen=True, slots=True)
class Pending:
    """One thing that was raised and not taken: `irq`, `nmi` or `mce`. With nothing in `waits_for`, it is taken next."""

    what: str
    vector: int
    waits_for: tuple[Wait, ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """What one CPU holds back. `pending` is in the order in which it would be taken."""

    nmi_blocked: bool = False
    pending: tuple[Pending, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """From this moment on, until the CPU's next entry, this is what it holds back."""

    moment: int
    cpu: int
    holding: Holding


NOTHING: Final = Holding()


def holding_of(cpu: Cpu, rflags: int) -> Holding:
    """What the CPU holds back now, given its RFLAGS."""
    apic = cpu.apic
    if not (cpu.mce_pending or cpu.nmi_pending or apic.requested):
        return Holding(nmi_blocked=True) if cpu.nmi_blocked else NOTHING
    pending = []
    first = [Wait.EXCEPTION] if cpu.owed is not None else []
    if cpu.mce_pending:
        pending.append(Pending("mce", MC, tuple(first)))
        first = [*first, Wait.MACHINE_CHECK]
    if cpu.nmi_pending:
        shadow = [Wait.MOV_SS_SHADOW] if cpu.shadow is Shadow.MOV_SS else []
        own = ([Wait.NMI_BLOCKED] if cpu.nmi_blocked else []) + shadow
        pending.append(Pending("nmi", NMI, (*first, *own)))
        if not own:
            first = [*first, Wait.NMI]
    if not rflags & _IF:
        first = [*first, Wait.IF_CLEAR]
    if cpu.shadow is not Shadow.NONE:
        first = [*first, Wait.STI_SHADOW if cpu.shadow is Shadow.STI else Wait.MOV_SS_SHADOW]
    for rank, vector in enumerate(sorted(apic.requested, reverse=True)):
        waits = [*first, Wait.HIGHER_VECTOR] if rank else list(first)
        if vector >> 4 <= max(apic.in_service, default=0) >> 4:
            waits.append(Wait.IN_SERVICE)
        if vector >> 4 <= apic.tpr >> 4:
            waits.append(Wait.TASK_PRIORITY)
        pending.append(Pending("irq", vector, tuple(waits)))
    return Holding(cpu.nmi_blocked, tuple(pending))


class Holdings:
    """What every CPU holds back now, and the changes that nobody has taken yet."""

    def __init__(self, cpus: int) -> None:
        self._now = [NOTHING] * cpus
        self._changes: list[Held] = []

    def note(self, moment: int, cpu: int, holding: Holding) -> None:
        """What the CPU holds back from that moment on; moments never go back."""
        if holding != self._now[cpu]:
            self._now[cpu] = holding
            self._changes.append(Held(moment, cpu, holding))

    def take(self) -> list[Held]:
        """The changes since the last call, in order."""
        taken, self._changes = self._changes, []
        return taken

    def start(self) -> None:
        """This is moment 0: what is held back now are the changes, and nothing before."""
        self._changes = [Held(0, cpu, now) for cpu, now in enumerate(self._now) if now != NOTHING]

    def snapshot(self) -> tuple[Holding, ...]:
        """As `restore` takes it."""
        return tuple(self._now)

    def restore(self, snapshot: Sequence[Holding]) -> None:
        """Be as at `snapshot()`; changes that nobody has taken are dropped."""
        self._now, self._changes = list(snapshot), []
