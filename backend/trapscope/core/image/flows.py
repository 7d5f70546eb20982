"""Works out an instruction's data flow from its bytes: which registers and memory each of its outputs is made from.

By a rule for its mnemonic; where there is none, by one that errs on the side of more: every output from every input.
"""

from __future__ import annotations

from typing import Final

import capstone
from capstone import CS_OP_IMM, CS_OP_MEM, CS_OP_REG, CsInsn
from capstone.x86 import X86Op

from trapscope.core.image.disassembly import memory_operand
from trapscope.core.image.flow import Constant, Flow, Operand, Part, Untracked
from trapscope.core.image.flow_rules import NEXT, RULES, Reading, by_access
from trapscope.core.image.parts import PARTS
from trapscope.core.types import RIP

_PREFIXES: Final = ("lock ", "rep ", "repe ", "repne ", "notrack ", "bnd ")


class Flows:
    """Flows by bytes, each worked out once."""

    def __init__(self) -> None:
        self._capstone = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        self._capstone.detail = True
        self._known: dict[bytes, Flow] = {}

    def of(self, code: bytes) -> Flow:
        """The flow of the instruction that the bytes are; of bytes that are none, only that RIP moves on."""
        known = self._known.get(code)
        if known is None:
            insn = next(self._capstone.disasm(code, 0, 1), None)
            known = self._known[code] = Flow((NEXT,)) if insn is None else _flow(insn)
        return known


def _flow(insn: CsInsn) -> Flow:
    name = insn.mnemonic
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    operands = [_operand(insn, operand) for operand in insn.operands]
    outputs = RULES.get(name, by_access)(Reading(insn, name, operands))
    if all(output.place != Part(RIP) for output in outputs):
        outputs = [*outputs, NEXT]
    return Flow(tuple(outputs))


def _operand(insn: CsInsn, operand: X86Op) -> Operand:
    if operand.type == CS_OP_REG:
        name = insn.reg_name(operand.reg)
        return PARTS.get(name) or Untracked(f"register {name}")
    if operand.type == CS_OP_IMM:
        return Constant()
    if operand.type == CS_OP_MEM:
        return memory_operand(insn, operand) or Untracked("memory at a 32-bit address")
    return Untracked(f"an operand of {insn.mnemonic}")
