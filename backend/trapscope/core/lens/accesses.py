"""The memory that an instruction read: worked out from its operands, because a step records writes only."""

from __future__ import annotations

from collections.abc import Sequence

from trapscope.core.image import Disassembler, Instruction, MemoryOperand
from trapscope.core.trace import State
from trapscope.core.types import Step


class Accesses:
    """Effective addresses of a step's explicit operands; those of push, pop, call, ret and iretq are left out."""

    def __init__(self, disassembler: Disassembler) -> None:
        self._disassembler = disassembler

    def loads(self, step: Step, after: State) -> list[tuple[int, int]]:
        """(address, size) of what the instruction read."""
        insn = self._disassembler.decode(step.code)
        return self._places(insn, insn.loads, step, after)

    def _places(
        self, insn: Instruction, operands: Sequence[MemoryOperand], step: Step, after: State
    ) -> list[tuple[int, int]]:
        if not operands:
            return []
        regs = registers_before(step, after)
        next_rip = step.rip + insn.length
        return [(operand.address(regs, next_rip), operand.size) for operand in operands]


def registers_before(step: Step, after: State) -> list[int]:
    """The registers of the step's CPU before it."""
    regs = list(after.regs[step.cpu])
    for change in step.regs:
        regs[change.register] = change.old
    return regs
