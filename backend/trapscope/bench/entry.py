"""A one-CPU run from the first 64-bit instruction to the end of the scenario, boot included, to be recorded again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from trapscope.core.image import Image
from trapscope.core.machine import BootParams, Machine, Snapshot
from trapscope.core.session import boot_params
from trapscope.core.session.catalogue import resolve
from trapscope.core.trace import Memory, State, Trace
from trapscope.core.types import Step

_MOST_STEPS: Final = 1_000_000
_PIECE_STEPS: Final = 4096


@dataclass(frozen=True, slots=True)
class Entry:
    """Where the run begins, and how long it is."""

    params: BootParams
    machine: Machine
    at_entry: Snapshot
    ram: bytes
    rip: int
    recorded: tuple[Step, ...]

    @classmethod
    def of(cls, image: Image, scenario: str) -> Self:
        """The scenario with nothing injected; raises ValueError where it does not come to its end."""
        params = boot_params(image, resolve(image, scenario))
        machine = Machine(image, params)
        at_entry, ram, rip = machine.snapshot(), machine.ram(), machine.rip(0)
        recorded = tuple(machine.steps(0, _MOST_STEPS))
        if not machine.at_end(0):
            raise ValueError(f"{scenario} does not get to its end on one CPU without help")
        return cls(params, machine, at_entry, ram, rip, recorded)

    @property
    def steps(self) -> int:
        """How long the run is."""
        return len(self.recorded)

    @property
    def steps_without_delivery(self) -> int:
        """How many steps come before the first trap's instruction."""
        return next(step.moment for step in self.recorded if step.vector >= 0) - 1

    def rips(self, count: int) -> tuple[int, ...]:
        """Where the first instructions begin, deliveries left out."""
        return tuple(step.rip for step in self.recorded if step.vector < 0)[:count]

    def start(self) -> Trace:
        """An empty trace, the machine back at the entry."""
        self.machine.restore(self.at_entry)
        return Trace(State([self.machine.registers(0)], Memory.of(self.machine.ram())))

    def record(self, trace: Trace, steps: int) -> None:
        """Record so many steps: every register that changed, every write."""
        left = steps
        while left:
            left -= self.machine.run(0, min(left, _PIECE_STEPS))
            for block in self.machine.take():
                trace.extend(block)
        _ = trace.head
