"""The comparison: QEMU stepped beside a recording, everything that a step may change looked at after it.

One stop of QEMU is an instruction together with the exception that it raises, or the delivery of an interrupt;
the machine's steps are grouped to match. Where QEMU is known to be wrong, a closed list says how, with the manual's
page; QEMU's value is then replaced by the manual's, so that what follows is compared too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from trapscope.core.image import Image
from trapscope.core.machine.faults import FAULTS, MC, NMI, WITH_ERROR_CODE
from trapscope.core.types import KERNEL_MAP, RAM_BASE, RAM_SIZE, REGISTERS, RIP, Step, StepKind
from trapscope.oracle.qemu import Qemu
from trapscope.oracle.recording import Recording

#: Stops at which QEMU only took note of something; more than these in a row is a difference.
_IDLE_STOPS: Final = 3
_RF: Final = 1 << 16
_FIRST_INTERRUPT_VECTOR: Final = 32

SAVED_RF: Final = "QEMU saves RF = 0 for a fault; the SDM wants 1 (vol. 3B, 17.3.1.1)"
IDT_ERROR_CODE: Final = (
    "QEMU gives vector * 16 + 2 for a fault at an IDT gate; the SDM wants vector * 8 + 2 (vol. 3A, 6.13)"
)
#: Every way in which QEMU may differ. All are words of a frame that a delivery pushes.
ALLOWED: Final = (SAVED_RF, IDT_ERROR_CODE)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared without a difference, and how often QEMU was wrong in a way of `ALLOWED`."""

    instructions: int
    deliveries: int
    faults: int
    """Deliveries of faults, which save RF."""
    words: int
    memory_bytes: int
    allowed: dict[str, int]


class Disagreement(Exception):
    """QEMU and the machine differ; `step` is the index from the entry (-1: in memory, at the end)."""

    def __init__(self, step: int, message: str) -> None:
        super().__init__(message)
        self.step = step


def compare(image: Image, recording: Recording, qemu: Qemu) -> Comparison:
    """Step QEMU from `startup_64` to the recording's end; raises Disagreement at the first difference."""
    return _Lockstep(image, recording, qemu).run()


class _Lockstep:
    def __init__(self, image: Image, recording: Recording, qemu: Qemu) -> None:
        self._image, self._recording, self._qemu = image, recording, qemu
        self._registers = list(recording.entry)
        # The contract of the entry leaves CS, SS and the GS base open; each counts from the guest's first load on.
        self._open = {REGISTERS.index(name) for name in ("cs", "ss", "gs_base")}
        self._allowed: Counter[str] = Counter()
        self._words = 0
        self._pending = list(recording.injections)

    def run(self) -> Comparison:
        self._expect_registers(0, self._qemu.registers(), ())
        for first, group in _stops(self._recording.steps):
            self._inject(first)
            self._apply(group)
            self._expect_registers(first, self._step(group[0].rip), group)
            self._expect_writes(first, group)
        steps = self._recording.steps
        return Comparison(
            instructions=sum(step.kind is StepKind.INSN for step in steps),
            deliveries=sum(step.kind is StepKind.DELIVERY for step in steps),
            faults=sum(step.vector in FAULTS for step in steps),
            words=self._words,
            memory_bytes=self._expect_memory(),
            allowed=dict(self._allowed),
        )

    def _inject(self, index: int) -> None:
        while self._pending and self._pending[0].before <= index:
            what = self._pending.pop(0).what
            {"nmi": self._qemu.inject_nmi, "irq": self._qemu.inject_irq, "mce": self._qemu.inject_machine_check}[what]()

    def _apply(self, group: tuple[Step, ...]) -> None:
        for step in group:
            for change in step.regs:
                self._registers[change.register] = change.new
                self._open.discard(change.register)

    def _step(self, start: int) -> tuple[int, ...]:
        """Make a stop's progress from `start`: step until QEMU left it, unless the machine stays there too."""
        self._qemu.step()
        registers = self._qemu.registers()
        for _ in range(_IDLE_STOPS):
            if registers[RIP] != start or self._registers[RIP] == start:
                break
            self._qemu.step()
            registers = self._qemu.registers()
        return registers

    def _expect_registers(self, index: int, theirs: tuple[int, ...], group: tuple[Step, ...]) -> None:
        different = [
            register
            for register in range(len(REGISTERS))
            if theirs[register] != self._registers[register] and register not in self._open
        ]
        if different:
            names = ", ".join(REGISTERS[register] for register in different)
            raise Disagreement(index, self._report(index, group, theirs, f"they differ in {names}"))

    def _expect_writes(self, index: int, group: tuple[Step, ...]) -> None:
        """Every word that the machine says was written must be in QEMU's memory."""
        final = {write.addr: write.new for step in group for write in step.writes}
        for address, new in final.items():
            theirs = self._qemu.read(address, len(new))
            self._words += 1
            if theirs == new:
                continue
            reason = allowed_difference(group, address, int.from_bytes(new, "little"), int.from_bytes(theirs, "little"))
            if reason is None:
                what = f"at {self._place(address)} the machine wrote {new.hex()}, QEMU has {theirs.hex()}"
                raise Disagreement(index, self._report(index, group, self._qemu.registers(), what))
            self._allowed[reason] += 1
            self._qemu.write(address, new)

    def _expect_memory(self) -> int:
        """All guest memory but the page tables, which each emulator's start makes for itself; returns its size."""
        base = KERNEL_MAP + RAM_BASE
        tables_start = self._image.symbol("__page_tables_start").address - base
        tables_end = self._image.symbol("__page_tables_end").address - base
        ours, theirs = self._recording.ram, self._qemu.ram()
        for part in (range(tables_start), range(tables_end, RAM_SIZE)):
            if ours[part.start : part.stop] != theirs[part.start : part.stop]:
                at = next(offset for offset in part if ours[offset] != theirs[offset])
                here = f"{self._place(base + at)} is {ours[at]:#04x}"
                raise Disagreement(-1, f"at the end, {here} in the machine and {theirs[at]:#04x} in QEMU")
        return RAM_SIZE - (tables_end - tables_start)

    def _report(self, index: int, group: tuple[Step, ...], theirs: tuple[int, ...], what: str) -> str:
        boot = self._recording.boot
        where = f"moment {index - boot}" if index >= boot else f"step {index} of booting"
        lines = [f"after {where}, {what}"]
        for step in group:
            did = step.code.hex(" ") if step.kind is StepKind.INSN else f"delivery of vector {step.vector}"
            source = self._image.line(step.rip)
            at = f" ({source.file}:{source.line})" if source else ""
            lines.append(f"  {self._place(step.rip)}{at}: {did}")
        lines.append("             machine              QEMU")
        for register, name in enumerate(REGISTERS):
            ours, other = self._registers[register], theirs[register]
            mark = " <" if ours != other and register not in self._open else ""
            lines.append(f"  {name:8} {ours:#018x}  {other:#018x}{mark}")
        return "\n".join(lines)

    def _place(self, address: int) -> str:
        name = self._image.name(address)
        return f"{address:#x}" if name is None else f"{address:#x} <{name}>"


def _stops(steps: tuple[Step, ...]) -> Iterator[tuple[int, tuple[Step, ...]]]:
    """(index, steps) of each stop of QEMU: a software interrupt's delivery belongs to its instruction."""
    index = 0
    while index < len(steps):
        end = index + 1
        if (
            steps[index].kind is StepKind.INSN
            and end < len(steps)
            and _is_raised_by_instruction(steps[index], steps[end])
        ):
            end += 1
        yield index, steps[index:end]
        index = end


def _is_raised_by_instruction(insn: Step, following: Step) -> bool:
    """Whether the delivery is of the exception that INT3 or INT n raised as it retired."""
    if following.kind is not StepKind.DELIVERY or following.vector in (NMI, MC):
        return False
    return insn.code[:1] in (b"\xcc", b"\xcd") and following.vector < _FIRST_INTERRUPT_VECTOR


def allowed_difference(group: tuple[Step, ...], address: int, ours: int, theirs: int) -> str | None:
    """Which entry of `ALLOWED` explains a word of a pushed frame, if one does."""
    delivery = group[-1]
    if delivery.kind is not StepKind.DELIVERY or delivery.vector not in FAULTS:
        return None
    pushed = [write.addr for write in delivery.writes]
    if address == pushed[2] and ours ^ theirs == _RF and ours & _RF:
        return SAVED_RF
    if delivery.vector in WITH_ERROR_CODE and address == pushed[5] and ours & 7 == 2 and theirs == (ours >> 3) * 16 + 2:
        return IDT_ERROR_CODE
    return None
