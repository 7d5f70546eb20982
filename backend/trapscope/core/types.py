"""The vocabulary that everything else is written against: registers, steps, writes, contexts.

Plain frozen values and ints; what exists once a step is a NamedTuple, because those are made fastest. A *step* is
one retired instruction of one CPU, or one *delivery* (the CPU taking an exception or interrupt, its pushes included).
*Moment* n is the state before step n.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

MASK64: Final = (1 << 64) - 1

#: Every register that a step may change, in the order of all register files, masks and encodings.
REGISTERS: Final = (
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
    "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    "rip", "rflags", "cs", "ss", "gs_base",
)  # fmt: skip
REGISTER_INDEX: Final = {name: index for index, name in enumerate(REGISTERS)}

RAX: Final = REGISTER_INDEX["rax"]
RBX: Final = REGISTER_INDEX["rbx"]
RCX: Final = REGISTER_INDEX["rcx"]
RDX: Final = REGISTER_INDEX["rdx"]
RSI: Final = REGISTER_INDEX["rsi"]
RDI: Final = REGISTER_INDEX["rdi"]
RBP: Final = REGISTER_INDEX["rbp"]
RSP: Final = REGISTER_INDEX["rsp"]
RIP: Final = REGISTER_INDEX["rip"]
RFLAGS: Final = REGISTER_INDEX["rflags"]
CS: Final = REGISTER_INDEX["cs"]
SS: Final = REGISTER_INDEX["ss"]
GS_BASE: Final = REGISTER_INDEX["gs_base"]

#: The two mappings of guest RAM: virtual = base + physical (Documentation/x86/x86_64/mm.txt has the same bases).
KERNEL_MAP: Final = 0xFFFFFFFF80000000
DIRECT_MAP: Final = 0xFFFF888000000000
RAM_BASE: Final = 0x1000000
RAM_SIZE: Final = 0x100000

MAX_CPUS: Final = 4
DEFAULT_MAX_STEPS: Final = 200_000


def ram_offset(address: int) -> int:
    """The offset into guest RAM that a virtual address of either mapping names; raises ValueError for any other."""
    base = KERNEL_MAP if address >= KERNEL_MAP else DIRECT_MAP
    offset = address - base - RAM_BASE
    if not 0 <= offset < RAM_SIZE:
        raise ValueError(f"{address:#x} is not an address of guest RAM")
    return offset


class FetchModel(StrEnum):
    """What a CPU's instruction fetch sees of a store to text that another address made."""

    COHERENT = "coherent"
    WEAK = "weak"


class StepKind(StrEnum):
    """What one unit of time was."""

    INSN = "insn"
    DELIVERY = "delivery"


class Context(StrEnum):
    """What a CPU is doing, as the guest's own preempt_count says (in_nmi(), in_irq(), in_softirq())."""

    PROCESS = "process"
    SOFTIRQ = "softirq"
    IRQ = "irq"
    NMI = "nmi"
    MCE = "mce"


class Verdict(StrEnum):
    """How a run ended."""

    OK = "ok"
    VIOLATED = "violated"
    OUT_OF_STEPS = "out-of-steps"
    STUCK = "stuck"
    SHUTDOWN = "shutdown"


class Severity(StrEnum):
    """A note changes neither verdict nor exit status."""

    VIOLATION = "violation"
    NOTE = "note"


class Write(NamedTuple):
    """One store: `old` and `new` have the same length; `addr` is the virtual address that was written."""

    addr: int
    old: bytes
    new: bytes


class DeviceWrite(NamedTuple):
    """One store to a device's page, which is no memory: it has no old bytes, and there is nothing to undo."""

    addr: int
    new: bytes

    def touches(self, address: int, length: int) -> bool:
        """Whether it stores to any of those bytes."""
        return self.addr < address + length and address < self.addr + len(self.new)


class RegisterChange(NamedTuple):
    """One register before and after a step; `register` indexes REGISTERS."""

    register: int
    old: int
    new: int


class Step(NamedTuple):
    """One unit of time of one CPU, with what is needed to apply it and to undo it.

    `rip` is where the CPU stood before the step. `code` holds the instruction's bytes as this CPU decoded
    them (empty for a delivery). `vector` is -1 for an instruction; `error_code` is -1 where none is pushed.
    `device` are the stores that reached the local APIC; they change no memory.
    """

    moment: int
    cpu: int
    kind: StepKind
    rip: int
    code: bytes
    vector: int
    error_code: int
    regs: tuple[RegisterChange, ...]
    writes: tuple[Write, ...]
    device: tuple[DeviceWrite, ...] = ()

    def before(self, register: int, after: int) -> int:
        """The register's value before this step, given its value `after` it."""
        for change in self.regs:
            if change.register == register:
                return change.old
        return after


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything that determines a run besides its schedule. Names, as the catalogue has them."""

    scenario: str
    design: str
    variants: tuple[str, ...] = ()
    fetch: FetchModel = FetchModel.COHERENT
    cpus: int = 1
