"""Interrupts between CPUs: what a store to the local APIC sent, and which CPU took it.

Such a store reaches no memory, so it is worked out from the instruction's operands.
"""

from __future__ import annotations

from typing import Final

from trapscope.core.lens.accesses import Accesses
from trapscope.core.lens.contexts import NMI_VECTOR
from trapscope.core.lens.events import IpiSent, IpiTaken
from trapscope.core.lens.frames import Frames, LiveFrame
from trapscope.core.lens.record import Record
from trapscope.core.machine import apic
from trapscope.core.trace import State
from trapscope.core.types import Step

_APIC: Final = range(apic.BASE, apic.BASE + apic.SIZE)


class Interrupts:
    """A shadow of each CPU's APIC, as far as sending goes, and what is on its way."""

    def __init__(self, cpus: int, record: Record, accesses: Accesses, frames: Frames) -> None:
        self._record, self._accesses = record, accesses
        self._apics = [apic.LocalApic(cpu, cpus) for cpu in range(cpus)]
        self._sent: dict[tuple[int, int], int] = {}
        frames.on_pushed.append(self._on_pushed)

    def stored(self, step: Step, after: State) -> None:
        """An instruction with a store retired; was it to the APIC?"""
        if step.writes:
            return
        for address, _ in self._accesses.stores(step, after):
            if address in _APIC:
                self._on_apic(address - apic.BASE, step, after)

    def _on_apic(self, register: int, step: Step, after: State) -> None:
        ipi = self._apics[step.cpu].write(register, self._accesses.stored_value(step, after))
        if ipi is None:
            return
        vector = NMI_VECTOR if ipi.nmi else ipi.vector
        self._record.events.append(IpiSent(step.moment, step.cpu, "nmi" if ipi.nmi else "fixed", vector, ipi.targets))
        for target in ipi.targets:
            self._sent[target, vector] = step.cpu

    def _on_pushed(self, frame: LiveFrame, step: Step, _after: State) -> None:
        sender = self._sent.pop((step.cpu, frame.vector), None)
        if sender is not None:
            self._record.events.append(IpiTaken(step.moment, step.cpu, frame.vector, sender))
