"""The machine: virtual CPUs, guest RAM and local APICs; commands in, steps out.

Deterministic: the same image, boot parameters and sequence of calls give the same steps. Who runs next is the
caller's choice; when an interrupt is taken is the architecture's.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from trapscope.core.errors import ImageError
from trapscope.core.image import Image
from trapscope.core.machine.apic import Ipi, LocalApic
from trapscope.core.machine.cpu import Cpu
from trapscope.core.machine.delivery import Interrupted, Outcome, SecondFault, deliver, frame_bytes
from trapscope.core.machine.engine import Engine, Executed
from trapscope.core.machine.engine import Image as EngineImage
from trapscope.core.machine.faults import MC, WITH_ERROR_CODE, Event, Shutdown, Source, second
from trapscope.core.machine.loader import BootParams, load
from trapscope.core.machine.selftest import verify
from trapscope.core.types import (
    CS,
    KERNEL_MAP,
    MAX_CPUS,
    RAM_BASE,
    RDI,
    REGISTERS,
    RFLAGS,
    RIP,
    RSP,
    SS,
    FetchModel,
    RegisterChange,
    Step,
    StepKind,
    Write,
    ram_offset,
)

#: The vector that `irq@K` raises: the guest's timer.
TIMER_VECTOR: Final = 0xEC
_BOOT_BUDGET_STEPS: Final = 200_000
_RFLAGS_AT_ENTRY: Final = 2
_MCG_STATUS: Final = 0x17A
_MCG_STATUS_RIPV: Final = 1
_MCG_STATUS_MCIP: Final = 4
_ALL: Final = range(len(REGISTERS))
#: Stands for a step that nobody looks at.
_UNRECORDED: Final = Step(-1, 0, StepKind.INSN, 0, b"", -1, -1, (), ())
_NO_ADDRESSES: Final[frozenset[int]] = frozenset()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A machine at one moment. Opaque: it goes back into the machine that made it."""

    engine: EngineImage
    cpus: tuple[Cpu, ...]
    moment: int
    shutdown: bool


class Machine:
    """CPUs 0 … n-1 at their 64-bit entry; `boot()` takes them to moment 0."""

    def __init__(self, image: Image, params: BootParams, fetch: FetchModel = FetchModel.COHERENT) -> None:
        if not 1 <= params.cpus <= MAX_CPUS:
            raise ValueError(f"{params.cpus} CPUs: a machine has 1 to {MAX_CPUS}")
        verify()
        self._start = image.symbol("scenario_start").address
        self._end = frozenset({image.symbol("scenario_end").address})
        text = image.symbol("_text").address, image.symbol("_etext").address
        self._engine = Engine(text, params.cpus, self._device_read, self._device_write, fetch)
        load(image, params, self._engine)
        entry = [0] * len(REGISTERS)
        entry[RIP], entry[RFLAGS] = image.symbol("startup_64").address, _RFLAGS_AT_ENTRY
        self._cpus = []
        for number in range(params.cpus):
            entry[RDI] = number
            self._engine.become(number)
            self._engine.set_registers([(index, entry[index]) for index in (RDI, RFLAGS, RIP)])
            self._cpus.append(Cpu(number, LocalApic(number, params.cpus), self._engine.registers()))
        self._moment = 0
        self._recording = True
        self.shutdown = False
        """Whether a CPU gave up ("triple fault"); nothing runs any more."""

    @property
    def cpus(self) -> int:
        """How many CPUs there are."""
        return len(self._cpus)

    def registers(self, cpu: int) -> tuple[int, ...]:
        """A CPU's registers now, in the order of REGISTERS."""
        return self._cpus[cpu].registers

    def ram(self) -> bytes:
        """All of guest RAM now."""
        return bytes(self._engine.memory.ram)

    def boot(self) -> None:
        """Run every CPU, unrecorded, until CPU 0 is about to execute `scenario_start`: moment 0.

        The CPUs take turns, each until it waits. Raises ImageError if the guest never gets there.
        """
        self._recording = False
        done = self._boot()
        self._recording = True
        if self._cpus[0].registers[RIP] != self._start:
            raise ImageError(f"the guest did not reach scenario_start in {done} steps of booting")
        self._moment = 0

    def _boot(self) -> int:
        done = 0
        stop = frozenset({self._start})
        while done < _BOOT_BUDGET_STEPS and not self.shutdown:
            for cpu in self._cpus:
                made = len(self.run(cpu.number, _BOOT_BUDGET_STEPS, stop))
                done += made
                if self._cpus[0].registers[RIP] == self._start:
                    return done
        return done

    def snapshot(self) -> Snapshot:
        """The machine as it is now, as `restore` takes it."""
        return Snapshot(
            self._engine.snapshot(), tuple(deepcopy(cpu) for cpu in self._cpus), self._moment, self.shutdown
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Be what the machine was at `snapshot()`; the same snapshot can be restored any number of times."""
        self._engine.restore(snapshot.engine)
        self._cpus = [deepcopy(cpu) for cpu in snapshot.cpus]
        self._moment, self.shutdown = snapshot.moment, snapshot.shutdown

    def at_end(self, cpu: int) -> bool:
        """Whether this CPU is about to execute `scenario_end`."""
        return self._cpus[cpu].registers[RIP] in self._end

    def waits(self, cpu: int) -> bool:
        """Whether this CPU's last instruction was HLT or PAUSE and nothing has come for it since."""
        state = self._cpus[cpu]
        return state.waits and state.deliverable() is None

    def can_step(self, cpu: int) -> bool:
        """Whether this CPU has a next step: not so for one in HLT that nothing wakes, nor after a shutdown."""
        state = self._cpus[cpu]
        return not self.shutdown and (not state.halted or state.deliverable() is not None)

    def run(self, cpu: int, limit: int, stop_at: frozenset[int] = _NO_ADDRESSES) -> list[Step]:
        """Let one CPU make up to `limit` steps; returns them.

        It stops early when the CPU waits (HLT, PAUSE), when it is about to execute an address of `stop_at`
        (after at least one step) or `scenario_end`, and at a shutdown.
        """
        return list(self._advance(self._cpus[cpu], limit, stop_at | self._end))

    def pending(self, cpu: int) -> frozenset[str]:
        """What was raised at a CPU and not taken yet: `irq`, `nmi`, `mce`."""
        return self._cpus[cpu].pending

    def inject_irq(self, cpu: int) -> None:
        """Raise the timer interrupt at a CPU's local APIC; taken when the CPU may."""
        self._cpus[cpu].apic.requested.add(TIMER_VECTOR)

    def inject_nmi(self, cpu: int) -> None:
        """Raise an NMI; at most one is latched while NMIs are blocked (SDM vol. 3A, 6.7.1)."""
        self._cpus[cpu].nmi_pending = True

    def inject_mce(self, cpu: int) -> None:
        """Raise a machine check."""
        self._cpus[cpu].mce_pending = True

    def stale(self, cpu: int) -> dict[int, int]:
        """The bytes of text, by high-half address, that this CPU would decode instead of what memory holds."""
        return {KERNEL_MAP + RAM_BASE + offset: byte for offset, byte in self._engine.stale(cpu).items()}

    def catch_up(self, cpu: int, address: int | None = None) -> None:
        """Let this CPU's fetch see the newest text: all of it, or the byte at a high-half address."""
        self._engine.catch_up(cpu, None if address is None else ram_offset(address))

    def _advance(self, cpu: Cpu, limit: int, stop_at: frozenset[int]) -> Iterator[Step]:
        self._engine.become(cpu.number)
        made = 0
        while made < limit and not self.shutdown:
            event = cpu.deliverable()
            if event is None:
                if cpu.registers[RIP] in stop_at and (made or cpu.registers[RIP] in self._end):
                    return
                if cpu.halted or (cpu.waits and made):
                    return
                for step in self._execute(cpu, 1 if cpu.has_pending else limit - made, stop_at):
                    made += 1
                    yield step
            else:
                taken = self._deliver(cpu, event)
                if taken is None:
                    return
                made += 1
                yield taken

    def _execute(self, cpu: Cpu, limit: int, stop_at: frozenset[int]) -> Iterator[Step]:
        result = self._engine.run(limit, stop_at)
        cpu.owed = result.event
        executed = result.executed
        if not self._recording:
            for insn in executed:
                cpu.retire(insn.code, insn.before[RFLAGS])
                yield _UNRECORDED
            cpu.registers = result.after
            return
        for index, insn in enumerate(executed):
            after = executed[index + 1].before if index + 1 < len(executed) else result.after
            cpu.registers = after
            cpu.retire(insn.code, insn.before[RFLAGS])
            yield self._insn(cpu.number, insn, after)
        cpu.registers = result.after

    def _insn(self, cpu: int, insn: Executed, after: tuple[int, ...]) -> Step:
        moment = self._moment
        self._moment += 1
        return Step(
            moment=moment,
            cpu=cpu,
            kind=StepKind.INSN,
            rip=insn.before[RIP],
            code=insn.code,
            vector=-1,
            error_code=-1,
            regs=_changes(insn.before, after),
            writes=insn.writes,
        )

    def _deliver(self, cpu: Cpu, event: Event) -> Step | None:
        """Carry out a delivery, or the second fault that it turns into; None at a shutdown."""
        before = cpu.registers
        cpu.take(event)
        if event.vector == MC and event.source is Source.EXTERNAL and not self._begin_machine_check():
            self.shutdown = True
            return None
        interrupted = Interrupted(before[RIP], before[CS], before[RFLAGS], before[RSP], before[SS])
        try:
            while True:
                outcome = self._outcome(event, interrupted)
                if isinstance(outcome, Outcome):
                    return self._carry_out(cpu, event, outcome, before)
                if event.restart >= 0:
                    interrupted = Interrupted(event.restart, before[CS], before[RFLAGS], before[RSP], before[SS])
                event = second(event, outcome)
        except Shutdown:
            self.shutdown = True
            return None

    def _outcome(self, event: Event, interrupted: Interrupted) -> Outcome | Event:
        """What delivering the event does, or the fault that it raises."""
        engine = self._engine
        try:
            return deliver(event, interrupted, engine.tables(), engine.memory.read, engine.memory.store_fault)
        except SecondFault as fault:
            return fault.event

    def _carry_out(self, cpu: Cpu, event: Event, outcome: Outcome, before: tuple[int, ...]) -> Step:
        writes = []
        for address, word in outcome.pushes:
            data = frame_bytes(word)
            writes.append(Write(address, self._engine.memory.read(address, len(data)), data))
            self._engine.memory.store(address, data)
        if event.cr2 >= 0:
            self._engine.set_cr2(event.cr2)
        after = list(before)
        after[RIP], after[CS], after[RFLAGS] = outcome.rip, outcome.cs, outcome.rflags
        after[RSP], after[SS] = outcome.rsp, outcome.ss
        self._engine.set_registers([(index, after[index]) for index in (CS, SS, RSP, RFLAGS, RIP)])
        cpu.registers = tuple(after)
        moment = self._moment
        self._moment += 1
        return Step(
            moment=moment,
            cpu=cpu.number,
            kind=StepKind.DELIVERY,
            rip=before[RIP],
            code=b"",
            vector=event.vector,
            error_code=max(event.error_code, 0) if event.vector in WITH_ERROR_CODE else -1,
            regs=_changes(before, cpu.registers),
            writes=tuple(writes),
        )

    def _begin_machine_check(self) -> bool:
        """Set MCG_STATUS.MCIP; False if it was set already, which is a shutdown (SDM vol. 3B, 15.3.1.2)."""
        status = self._engine.model_specific(_MCG_STATUS)
        self._engine.set_model_specific(_MCG_STATUS, _MCG_STATUS_MCIP | _MCG_STATUS_RIPV)
        return not status & _MCG_STATUS_MCIP

    def _device_read(self, offset: int, _size: int) -> int:
        return self._cpus[self._engine.cpu].apic.read(offset)

    def _device_write(self, offset: int, _size: int, value: int) -> None:
        sent = self._cpus[self._engine.cpu].apic.write(offset, value)
        if sent is not None:
            self._send(sent)

    def _send(self, ipi: Ipi) -> None:
        for target in ipi.targets:
            if ipi.nmi:
                self._cpus[target].nmi_pending = True
            else:
                self._cpus[target].apic.requested.add(ipi.vector)


def _changes(before: tuple[int, ...], after: tuple[int, ...]) -> tuple[RegisterChange, ...]:
    if before == after:
        return ()
    return tuple(
        [
            RegisterChange(register, before[register], after[register])
            for register in _ALL
            if before[register] != after[register]
        ]
    )
