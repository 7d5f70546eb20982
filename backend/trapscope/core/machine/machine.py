"""The machine: virtual CPUs, guest RAM and local APICs; commands in, steps out.

Deterministic: the same image, boot parameters and sequence of calls give the same steps. Who runs next is the
caller's choice; when an interrupt is taken is the architecture's.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from trapscope.core.errors import ImageError
from trapscope.core.image import Image
from trapscope.core.machine.apic import Ipi, LocalApic
from trapscope.core.machine.block import Block
from trapscope.core.machine.code import Trait, traits
from trapscope.core.machine.cpu import Cpu
from trapscope.core.machine.deliveries import Deliveries
from trapscope.core.machine.engine import Engine
from trapscope.core.machine.engine import Image as EngineImage
from trapscope.core.machine.faults import Event, ShutdownCause
from trapscope.core.machine.held import NOTHING, Held, Holding, Holdings, holding_of
from trapscope.core.machine.journal import Glimpse
from trapscope.core.machine.loader import BootParams, load
from trapscope.core.machine.recorder import NOWHERE
from trapscope.core.machine.selftest import verify
from trapscope.core.types import (
    KERNEL_MAP,
    MAX_CPUS,
    RAM_BASE,
    RDI,
    REGISTERS,
    RFLAGS,
    RIP,
    FetchModel,
    Step,
    ram_offset,
)

#: The vector that `irq@K` raises: the guest's timer.
TIMER_VECTOR: Final = 0xEC
_BOOT_BUDGET_STEPS: Final = 200_000
_RFLAGS_AT_ENTRY: Final = 2


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A machine at one moment. Opaque: it goes back into the machine that made it."""

    engine: EngineImage
    cpus: tuple[Cpu, ...]
    moment: int
    stores: int
    shutdown: ShutdownCause | None
    holdings: tuple[Holding, ...]


class Machine:
    """CPUs 0 … n-1 at their 64-bit entry; `boot()` takes them to moment 0."""

    def __init__(self, image: Image, params: BootParams, fetch: FetchModel = FetchModel.COHERENT) -> None:
        if not 1 <= params.cpus <= MAX_CPUS:
            raise ValueError(f"{params.cpus} CPUs: a machine has 1 to {MAX_CPUS}")
        verify()
        self._start = image.symbol("scenario_start").address
        self._end = image.symbol("scenario_end").address
        text = image.symbol("_text").address, image.symbol("_etext").address
        self._engine = Engine(text, params.cpus, self._device_read, self._device_write, fetch, self._end)
        load(image, params, self._engine)
        entry = [0] * len(REGISTERS)
        entry[RIP], entry[RFLAGS] = image.symbol("startup_64").address, _RFLAGS_AT_ENTRY
        self._cpus = [Cpu(number, LocalApic(number, params.cpus)) for number in range(params.cpus)]
        for number in reversed(range(params.cpus)):
            entry[RDI] = number
            self._engine.become(number)
            self._engine.set_registers([(index, entry[index]) for index in (RDI, RFLAGS, RIP)])
        self._deliveries = Deliveries(self._engine)
        self._taken = self._stores = 0
        self._full: list[Block] = []
        self._holdings = Holdings(params.cpus)
        self._reached: set[int] = set()
        """CPUs that the instruction at hand sent an interrupt to."""
        self.shutdown: ShutdownCause | None = None
        """Why a CPU gave up, if one did; nothing runs any more."""

    @property
    def cpus(self) -> int:
        """How many CPUs there are."""
        return len(self._cpus)

    @property
    def moment(self) -> int:
        """How many steps were made since moment 0."""
        return self._taken + len(self._engine.journal)

    @property
    def stores(self) -> int:
        """How many stores there have been; goes back with `restore`."""
        return self._stores + self._engine.journal.stores

    def registers(self, cpu: int) -> tuple[int, ...]:
        """A CPU's registers now, in the order of REGISTERS."""
        return tuple(self._engine.registers(cpu))

    def rip(self, cpu: int) -> int:
        """What the CPU executes next, where nothing comes in between."""
        return self._engine.registers(cpu)[RIP]

    def ram(self) -> bytes:
        """All of guest RAM now."""
        return bytes(self._engine.memory.ram)

    def boot(self) -> None:
        """Run every CPU, unrecorded, until CPU 0 is about to execute `scenario_start`: moment 0.

        The CPUs take turns, each until it waits. Raises ImageError if the guest never gets there.
        """
        done = self._boot()
        if self.rip(0) != self._start:
            raise ImageError(f"the guest did not reach scenario_start in {done} steps of booting")

    def _boot(self) -> int:
        done = 0
        while done < _BOOT_BUDGET_STEPS and self.shutdown is None:
            for cpu in self._cpus:
                done += self.run(cpu.number, _BOOT_BUDGET_STEPS, self._start)
                self._engine.journal.forget()
                self._full, self._taken, self._stores = [], 0, 0
                self._holdings.start()
                if self.rip(0) == self._start:
                    return done
        return done

    def snapshot(self) -> Snapshot:
        """The machine as it is now, as `restore` takes it."""
        return Snapshot(
            self._engine.snapshot(),
            tuple(deepcopy(cpu) for cpu in self._cpus),
            self.moment,
            self.stores,
            self.shutdown,
            self._holdings.snapshot(),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Be what the machine was at `snapshot()`; the same snapshot can be restored any number of times.

        Steps that nobody has taken are dropped.
        """
        self._engine.restore(snapshot.engine)
        self._cpus = [deepcopy(cpu) for cpu in snapshot.cpus]
        self._taken, self._stores, self._full = snapshot.moment, snapshot.stores, []
        self.shutdown = snapshot.shutdown
        self._holdings.restore(snapshot.holdings)

    def at_end(self, cpu: int) -> bool:
        """Whether this CPU is about to execute `scenario_end`."""
        return self.rip(cpu) == self._end

    def waits(self, cpu: int) -> bool:
        """Whether this CPU's last instruction was HLT or PAUSE and nothing has come for it since."""
        state = self._cpus[cpu]
        return state.waits and self._deliverable(state) is None

    def can_step(self, cpu: int) -> bool:
        """Whether this CPU has a next step: not so for one in HLT that nothing wakes, nor after a shutdown."""
        state = self._cpus[cpu]
        return self.shutdown is None and (not state.halted or self._deliverable(state) is not None)

    def run(self, cpu: int, limit: int, stop_at: int = NOWHERE) -> int:
        """Let one CPU make up to `limit` steps; returns how many. They are in `take()`.

        It stops early when the CPU waits (HLT, PAUSE), when it is about to execute the address `stop_at`
        (after at least one step) or `scenario_end`, and at a shutdown.
        """
        state, registers = self._cpus[cpu], self._engine.registers(cpu)
        self._engine.become(cpu)
        made = 0
        while made < limit and self.shutdown is None:
            if self._engine.is_full:
                self._take()
            pending = state.has_pending
            if pending:
                event = state.deliverable(registers[RFLAGS])
                if event is not None:
                    if not self._deliver(state, event):
                        break
                    made += 1
                    continue
            if registers[RIP] == self._end or (made and registers[RIP] == stop_at):
                break
            if state.halted or (state.waits and made):
                break
            made += self._execute(state, 1 if pending else limit - made, stop_at)
        return made

    def take(self) -> list[Block]:
        """The steps since the last call, in order: as few blocks as they fit in, none if there are none."""
        if self._engine.journal.has_news:
            self._take()
        taken, self._full = self._full, []
        return taken

    def take_held(self) -> list[Held]:
        """What the CPUs began or ceased to hold back since the last call, in order."""
        return self._holdings.take()

    def latest(self) -> Glimpse | None:
        """The last step, if nobody has taken it."""
        return self._engine.journal.latest() if len(self._engine.journal) else None

    def steps(self, cpu: int, limit: int, stop_at: int = NOWHERE) -> list[Step]:
        """`run` and `take`, as objects: for few steps."""
        self.run(cpu, limit, stop_at)
        return [step for block in self.take() for step in block.steps()]

    def pending(self, cpu: int) -> frozenset[str]:
        """What was raised at a CPU and not taken yet: `irq`, `nmi`, `mce`."""
        return self._cpus[cpu].pending

    def inject(self, cpu: int, what: str) -> bool:
        """Raise `irq` (the timer's, at the CPU's local APIC), `nmi` or `mce`; taken when the CPU may.

        False where it was pending already: the IRR has one bit a vector (SDM vol. 3A, 10.8.4), one NMI is latched
        (6.7.1), and nothing changes.
        """
        state = self._cpus[cpu]
        match what:
            case "irq":
                is_new = TIMER_VECTOR not in state.apic.requested
                state.apic.requested.add(TIMER_VECTOR)
            case "nmi":
                is_new, state.nmi_pending = not state.nmi_pending, True
            case "mce":
                is_new, state.mce_pending = not state.mce_pending, True
            case _:
                raise ValueError(f"“{what}” cannot be injected: irq, nmi and mce can")
        self._note_held(cpu)
        return is_new

    def stale(self, cpu: int) -> dict[int, int]:
        """The bytes of text, by high-half address, that this CPU would decode instead of what memory holds."""
        return {KERNEL_MAP + RAM_BASE + offset: byte for offset, byte in self._engine.stale(cpu).items()}

    def catch_up(self, cpu: int, address: int | None = None) -> None:
        """Let this CPU's fetch see the newest text: all of it, or the byte at a high-half address."""
        self._engine.catch_up(cpu, None if address is None else ram_offset(address))

    def _take(self) -> None:
        block = self._engine.journal.take(self._taken)
        self._taken += len(block)
        self._stores += len(block.write_addr)
        self._full.append(block)

    def _deliverable(self, cpu: Cpu) -> Event | None:
        return cpu.deliverable(self._engine.registers(cpu.number)[RFLAGS])

    def _execute(self, cpu: Cpu, limit: int, stop_at: int) -> int:
        engine, journal = self._engine, self._engine.journal
        retired, cpu.owed, code, refused = engine.run(limit, stop_at)
        if retired:
            if cpu.nmi_blocked:
                self._unblock(cpu, journal.first_with(Trait.IRET, len(journal) - retired))
            cpu.retire(code, engine.flags_before_last)
        if traits(refused) is Trait.IRET:
            # Unblocked even if IRET faults, and before the fault's handler begins (SDM vol. 2A, IRET).
            cpu.nmi_blocked = False
        self._note_held(cpu.number)
        while self._reached:
            self._note_held(self._reached.pop())
        return retired

    def _unblock(self, cpu: Cpu, row: int) -> None:
        """Step `row` of the journal, if there is one, was an IRET: NMIs are not blocked any more.

        Where more was executed behind it in one go, nothing was pending then.
        """
        if row >= 0:
            cpu.nmi_blocked = False
            if row + 1 < len(self._engine.journal):
                self._holdings.note(self._taken + row + 1, cpu.number, NOTHING)

    def _note_held(self, cpu: int) -> None:
        self._holdings.note(self.moment, cpu, self._holding(self._cpus[cpu]))

    def _holding(self, cpu: Cpu) -> Holding:
        return holding_of(cpu, self._engine.registers(cpu.number)[RFLAGS])

    def _deliver(self, cpu: Cpu, event: Event) -> bool:
        """Carry out a delivery, or the second fault that it turns into; False at a shutdown."""
        self.shutdown = self._deliveries.take(cpu, event)
        if self.shutdown is not None:
            return False
        self._note_held(cpu.number)
        return True

    def _device_read(self, offset: int, _size: int) -> int:
        return self._cpus[self._engine.cpu].apic.read(offset)

    def _device_write(self, offset: int, _size: int, value: int) -> None:
        sent = self._cpus[self._engine.cpu].apic.write(offset, value)
        if sent is not None:
            self._send(sent)

    def _send(self, ipi: Ipi) -> None:
        self._reached.update(ipi.targets)
        for target in ipi.targets:
            if ipi.nmi:
                self._cpus[target].nmi_pending = True
            else:
                self._cpus[target].apic.requested.add(ipi.vector)
