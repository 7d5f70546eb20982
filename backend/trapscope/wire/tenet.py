"""A run in Tenet's text format: a line for each state of one CPU, told as what changed.

https://github.com/gaasedelen/tenet, tracers/README.md: `rax=0x1,rip=0x…,mr=ADDRESS:BYTES,mw=ADDRESS:BYTES`. The
first line holds all registers and all of memory that is not zero, as if it had just been written. Line j is the CPU
before its step j: what its step j-1 changed, and what other CPUs have stored meanwhile, because Tenet knows one CPU
and one memory. Tenet's amd64 has no names for RFLAGS, selectors and GS base. Both mappings of a byte are told under
the kernel mapping's address.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from trapscope.core.errors import BadInput
from trapscope.core.session import Session
from trapscope.core.trace import State
from trapscope.core.types import KERNEL_MAP, RAM_BASE, RAM_SIZE, REGISTERS, RIP, RSP, Step, ram_offset
from trapscope.wire.memory_image import ranges_of

#: The registers that Tenet parses for amd64 (plugins/tenet/trace/arch/amd64.py); it gives up at any other name.
TENET_REGISTERS: Final = REGISTERS[: RIP + 1]
#: What these pop, implicitly, at RSP.
_POPS: Final = {"pop": 8, "popfq": 8, "ret": 8, "retfq": 16, "leave": 8, "iretq": 40}


class Tenet:
    """One CPU's side of the first `length` steps. Raises BadInput where it is not said whose."""

    def __init__(self, session: Session, length: int, cpu: int | None) -> None:
        cpus = session.spec.cpus
        if cpu is None and cpus > 1:
            raise BadInput(
                f"Tenet knows one CPU and this run has {cpus}: say whose side you want (cpu 0 to {cpus - 1})"
            )
        if cpu is not None and cpu >= cpus:
            raise BadInput(f"this run has no CPU {cpu}: its CPUs are 0 to {cpus - 1}")
        self._session, self._length, self._cpu = session, length, cpu or 0

    def head(self) -> Iterator[str]:
        """The CPU before its first step."""
        start = self._session.state0
        regs = start.regs[self._cpu]
        ram = start.memory.read(KERNEL_MAP + RAM_BASE, RAM_SIZE)
        memory = [_access("mw", address, data) for address, data in ranges_of(ram)]
        others = [store for step in self._others(0) for store in _stores(step)]
        yield _line({register: regs[register] for register in range(len(TENET_REGISTERS))}, [*memory, *others])

    def steps(self, first: int, end: int) -> Iterator[str]:
        """The lines of the CPU's own steps among first … end-1."""
        trace = self._session.trace
        state: State | None = None
        for step in trace.steps(first, end):
            if state is None:
                state = trace.seek(first)
            if step.cpu != self._cpu:
                state.apply(step)
                continue
            reads = list(self._reads(step, state))
            state.apply(step)
            changed = {change.register: change.new for change in step.regs if change.register < len(TENET_REGISTERS)}
            changed[RIP] = state.regs[self._cpu][RIP]
            others = [store for other in self._others(step.moment + 1) for store in _stores(other)]
            yield _line(changed, [*reads, *_stores(step), *others])

    def tail(self) -> Iterator[str]:
        """Nothing: Tenet would take any line for a step."""
        return iter(())

    def _others(self, first: int) -> Iterator[Step]:
        """The steps of other CPUs until this one's next."""
        for step in self._session.trace.steps(first, self._length):
            if step.cpu == self._cpu:
                return
            yield step

    def _reads(self, step: Step, before: State) -> Iterator[str]:
        if step.vector >= 0:
            return
        insn = self._session.image.disassembler.decode(step.code)
        regs = before.regs[step.cpu]
        places = [(operand.address(regs, step.rip + insn.length), operand.size) for operand in insn.loads]
        if insn.mnemonic in _POPS:
            places.append((regs[RSP], _POPS[insn.mnemonic]))
        for address, size in places:
            try:
                ram_offset(address + size - 1)
                yield _access("mr", address, before.memory.read(address, size))
            except ValueError:
                continue  # the local APIC's page, or a read that faulted


def _line(registers: dict[int, int], memory: list[str]) -> str:
    """One line; RIP comes last of the registers, as the format asks."""
    ordered = sorted(registers.items(), key=lambda entry: (entry[0] == RIP, entry[0]))
    return ",".join([*(f"{REGISTERS[index]}={value:#x}" for index, value in ordered), *memory]) + "\n"


def _stores(step: Step) -> list[str]:
    return [_access("mw", write.addr, write.new) for write in step.writes]


def _access(kind: str, address: int, data: bytes) -> str:
    return f"{kind}={KERNEL_MAP + RAM_BASE + ram_offset(address):#x}:{data.hex()}"
