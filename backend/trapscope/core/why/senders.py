"""Who had a CPU take an interrupt: a store to an ICR, or the schedule.

Worked out from the trace: a vector waits in the IRR once, and an NMI is latched once, however often it is sent (Intel
SDM vol. 3A, 10.8.4 and 6.7.1). So what a CPU takes was raised by the first that sent it since it took the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from trapscope.core.machine import TIMER_VECTOR
from trapscope.core.machine.apic import BASE, ICR_HIGH, ICR_LOW, Ipi, sent
from trapscope.core.machine.faults import MC, NMI
from trapscope.core.session.schedule import Inject
from trapscope.core.trace import TraceIndex

#: Vectors below are the CPU's own exceptions, but for these two (vol. 3A, table 6-1).
_FIRST_OF_APIC: Final = 32
_INJECTED: Final = {"irq": TIMER_VECTOR, "nmi": NMI, "mce": MC}

Injections = Callable[[], Sequence[tuple[int, Inject]]]


class Sent(NamedTuple):
    """By the store that is this step."""

    step: int


class Injected(NamedTuple):
    """By the schedule, at this moment."""

    moment: int


class BeforeTheRun(NamedTuple):
    """It was pending at moment 0."""


Cause = Sent | Injected | BeforeTheRun


class Senders:
    """Of one run with so many CPUs, whose steps the index has; `injections` are what its schedule raised, by moment."""

    def __init__(self, index: TraceIndex, cpus: int, injections: Injections) -> None:
        self._index, self._cpus, self._injections = index, cpus, injections

    def of(self, step: int) -> Cause | None:
        """Why this delivery came; None for an exception, which an instruction raised."""
        vector, cpu = int(self._index.columns.vector[step]), int(self._index.columns.cpu[step])
        if vector not in (NMI, MC) and vector < _FIRST_OF_APIC:
            return None
        first = self._last_taken(step, vector, cpu) + 1
        stores = (at for at in self._index.device_steps(first, step) if self._reaches(at, vector, cpu))
        store = next(stores, None)
        injected = next((moment for moment in self._injected(vector, cpu) if first <= moment <= step), None)
        if injected is not None and (store is None or injected <= store):
            return Injected(injected)
        return BeforeTheRun() if store is None else Sent(store)

    def _last_taken(self, step: int, vector: int, cpu: int) -> int:
        """The step at which the CPU took that vector before; -1 where it did not."""
        columns = self._index.columns
        earlier = (columns.vector[:step] == vector) & (columns.cpu[:step] == cpu)
        return int(earlier.nonzero()[0][-1]) if earlier.any() else -1

    def _injected(self, vector: int, cpu: int) -> list[int]:
        raised = self._injections()
        return [moment for moment, token in raised if token.cpu == cpu and _INJECTED[token.what] == vector]

    def _reaches(self, step: int, vector: int, cpu: int) -> bool:
        """Whether the step's store to a device sends that CPU that vector."""
        ipi = self._sent(step)
        if ipi is None or cpu not in ipi.targets:
            return False
        return vector == NMI if ipi.nmi else vector == ipi.vector

    def _sent(self, step: int) -> Ipi | None:
        low = self._stored(step, ICR_LOW)
        if low is None:
            return None
        sender = int(self._index.columns.cpu[step])
        at = self._index.last_device_write(BASE + ICR_HIGH, 4, step, sender)
        high = 0 if at is None else self._stored(at, ICR_HIGH)
        return sent(low, high or 0, sender, self._cpus)

    def _stored(self, step: int, register: int) -> int | None:
        """What the step stores to that register of its CPU's APIC."""
        for write in self._index.columns.device[step]:
            if write.addr == BASE + register:
                return int.from_bytes(write.new, "little")
        return None
