"""The memory that an instruction read: worked out from its operands, because a step records writes only.

Stores are worked out too, for those that reach a device and therefore no memory.
"""

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

    def stores(self, step: Step, after: State) -> list[tuple[int, int]]:
        """(address, size) of what the instruction wrote."""
        insn = self._disassembler.decode(step.code)
        return self._places(insn, insn.stores, step, after)

    def stored_value(self, step: Step, after: State) -> int:
        """What a plain `mov` to memory stored: its other operand. Raises ValueError for any other instruction."""
        insn = self._disassembler.decode(step.code)
        if insn.mnemonic != "mov" or not insn.stores:
            raise ValueError(f"{insn.mnemonic} {insn.operands} is no mov to memory")
        mask = (1 << 8 * insn.stores[0].size) - 1
        if insn.source is not None:
            return registers_before(step, after)[insn.source] & mask
        return (insn.immediate or 0) & mask

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
