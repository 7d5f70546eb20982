"""What a CPU takes, carried out on the engine: the pushes, the new registers, and the faults that come of trying.

Intel SDM vol. 3A, 6.14 (delivery in 64-bit mode) and table 6-5 (double faults); vol. 3B, 15.3.1.2 (machine checks).
"""

from __future__ import annotations

from typing import Final

from trapscope.core.machine.cpu import Cpu
from trapscope.core.machine.delivery import Interrupted, Outcome, SecondFault, deliver, frame_bytes
from trapscope.core.machine.engine import Engine
from trapscope.core.machine.faults import (
    MC,
    WITH_ERROR_CODE,
    Event,
    MachineCheckInProgress,
    ShutdownCause,
    Source,
    ThirdFault,
    TripleFault,
    second,
)
from trapscope.core.types import CS, RFLAGS, RIP, RSP, SS

_MCG_STATUS: Final = 0x17A
_MCG_STATUS_RIPV: Final = 1
_MCG_STATUS_MCIP: Final = 4


class Deliveries:
    """Of the CPUs of one engine, of which the one that takes something is the current."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def take(self, cpu: Cpu, event: Event) -> ShutdownCause | None:
        """Deliver the event, or the second fault that it turns into; what shut the CPU down, where neither can be."""
        before = self._engine.registers(cpu.number)
        cpu.take(event)
        if event.vector == MC and event.source is Source.EXTERNAL and not self._begin_machine_check():
            return MachineCheckInProgress(cpu.number)
        interrupted = Interrupted(before[RIP], before[CS], before[RFLAGS], before[RSP], before[SS])
        try:
            while True:
                outcome = self._outcome(event, interrupted)
                if isinstance(outcome, Outcome):
                    self._carry_out(cpu, event, outcome)
                    return None
                if event.restart >= 0:
                    interrupted = Interrupted(event.restart, before[CS], before[RFLAGS], before[RSP], before[SS])
                event = second(event, outcome)
        except ThirdFault as fault:
            return TripleFault(cpu.number, fault.vector)

    def _outcome(self, event: Event, interrupted: Interrupted) -> Outcome | Event:
        """What delivering the event does, or the fault that it raises."""
        engine = self._engine
        try:
            return deliver(event, interrupted, engine.tables(), engine.memory.read, engine.memory.store_fault)
        except SecondFault as fault:
            return fault.event

    def _carry_out(self, cpu: Cpu, event: Event, outcome: Outcome) -> None:
        memory = self._engine.memory
        pushes = []
        for address, word in outcome.pushes:
            data = frame_bytes(word)
            old = memory.read(address, len(data))
            pushes.append((address, len(data), int.from_bytes(old, "little"), int.from_bytes(data, "little")))
            memory.store(address, data)
        if event.cr2 >= 0:
            self._engine.set_cr2(event.cr2)
        error_code = max(event.error_code, 0) if event.vector in WITH_ERROR_CODE else -1
        self._engine.journal.deliver(cpu.number, event.vector, error_code, pushes)
        self._engine.set_registers(
            [(CS, outcome.cs), (SS, outcome.ss), (RSP, outcome.rsp), (RFLAGS, outcome.rflags), (RIP, outcome.rip)]
        )

    def _begin_machine_check(self) -> bool:
        """Set MCG_STATUS.MCIP; False if it was set already, which is a shutdown."""
        status = self._engine.model_specific(_MCG_STATUS)
        self._engine.set_model_specific(_MCG_STATUS, _MCG_STATUS_MCIP | _MCG_STATUS_RIPV)
        return not status & _MCG_STATUS_MCIP
