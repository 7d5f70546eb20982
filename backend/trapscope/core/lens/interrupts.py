"""Interrupts between CPUs: what a store to the local APIC sent, and which CPU took it."""

from __future__ import annotations

from trapscope.core.lens.contexts import NMI_VECTOR
from trapscope.core.lens.events import IpiSent, IpiTaken
from trapscope.core.lens.frames import Frames, LiveFrame
from trapscope.core.lens.record import Record
from trapscope.core.machine import apic
from trapscope.core.trace import State
from trapscope.core.types import Step


class Interrupts:
    """A shadow of each CPU's APIC, as far as sending goes, and what is on its way."""

    def __init__(self, cpus: int, record: Record, frames: Frames) -> None:
        self._record = record
        self._apics = [apic.LocalApic(cpu, cpus) for cpu in range(cpus)]
        self._sent: dict[tuple[int, int], int] = {}
        frames.on_pushed.append(self._on_pushed)

    def stored(self, step: Step) -> None:
        """An instruction retired, which may have stored to the APIC."""
        for write in step.device:
            ipi = self._apics[step.cpu].write(write.addr - apic.BASE, int.from_bytes(write.new, "little"))
            if ipi is not None:
                self._on_sent(ipi, step)

    def _on_sent(self, ipi: apic.Ipi, step: Step) -> None:
        vector = NMI_VECTOR if ipi.nmi else ipi.vector
        self._record.events.append(IpiSent(step.moment, step.cpu, "nmi" if ipi.nmi else "fixed", vector, ipi.targets))
        for target in ipi.targets:
            self._sent[target, vector] = step.cpu

    def _on_pushed(self, frame: LiveFrame, step: Step, _after: State) -> None:
        sender = self._sent.pop((step.cpu, frame.vector), None)
        if sender is not None:
            self._record.events.append(IpiTaken(step.moment, step.cpu, frame.vector, sender))
