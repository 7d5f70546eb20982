"""Instructions as text (Intel syntax) and as operands, decoded by Capstone from bytes that a CPU fetched.

Capstone takes tens of microseconds: decoding is cached by bytes, text by address and bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import capstone
from capstone import (
    CS_AC_READ,
    CS_AC_WRITE,
    CS_GRP_CALL,
    CS_GRP_JUMP,
    CS_OP_IMM,
    CS_OP_MEM,
    CS_OP_REG,
    CsInsn,
    x86_const,
)
from capstone.x86 import X86Op

from trapscope.core.types import GS_BASE, KERNEL_MAP, MASK64, REGISTER_INDEX, REGISTERS, RIP

_NO_REGISTER: Final = -1
#: Operands of these are addresses or hints, never accesses.
_NO_ACCESS: Final = frozenset({x86_const.X86_INS_LEA, x86_const.X86_INS_NOP})

#: Every name of a general register, to its index in REGISTERS.
_FULL: Final = {
    **{name: REGISTER_INDEX[name] for name in REGISTERS[:16]},
    **{f"e{name[1:]}": REGISTER_INDEX[name] for name in REGISTERS[:8]},
    **{name[1:]: REGISTER_INDEX[name] for name in REGISTERS[:8]},
    **{f"{name[1]}l": REGISTER_INDEX[name] for name in ("rax", "rbx", "rcx", "rdx")},
    **{f"{name[1:]}l": REGISTER_INDEX[name] for name in ("rsi", "rdi", "rbp", "rsp")},
    **{f"{name}{part}": REGISTER_INDEX[name] for name in REGISTERS[8:16] for part in ("d", "w", "b")},
}

Name = Callable[[int], str | None]


@dataclass(frozen=True, slots=True)
class MemoryOperand:
    """`segment:[base + index * scale + displacement]`; registers index REGISTERS, -1 where there is none."""

    base: int
    index: int
    scale: int
    displacement: int
    gs: bool
    size: int
    reads: bool
    writes: bool

    def address(self, regs: Sequence[int], next_rip: int) -> int:
        """The effective address, given the registers before the instruction and the address behind it."""
        address = self.displacement
        if self.base == RIP:
            address += next_rip
        elif self.base != _NO_REGISTER:
            address += regs[self.base]
        if self.index != _NO_REGISTER:
            address += regs[self.index] * self.scale
        if self.gs:
            address += regs[GS_BASE]
        return address & MASK64


@dataclass(frozen=True, slots=True)
class Instruction:
    """What an instruction is, apart from where it stands. `memory` leaves out the stack's implicit accesses."""

    mnemonic: str
    operands: str
    length: int
    memory: tuple[MemoryOperand, ...]
    relative: int | None
    """A direct branch's target, relative to the address of the instruction."""
    immediate: int | None
    """The last operand where it is a constant, sign-extended to 64 bits."""
    source: int | None
    """The last operand where it is (the low part of) a register: its index in REGISTERS."""

    @property
    def loads(self) -> tuple[MemoryOperand, ...]:
        return tuple(operand for operand in self.memory if operand.reads)

    @property
    def stores(self) -> tuple[MemoryOperand, ...]:
        return tuple(operand for operand in self.memory if operand.writes)


#: What stands for bytes that are no instruction.
_UNDECODABLE: Final = Instruction("(bad)", "", 1, (), None, None, None)


class Disassembler:
    """Text and operands. `name` gives addresses their symbols, `per_cpu_name` offsets from the GS base."""

    def __init__(self, name: Name, per_cpu_name: Name) -> None:
        self._name = name
        self._per_cpu_name = per_cpu_name
        self._capstone = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        self._capstone.detail = True
        self._by_bytes: dict[bytes, Instruction] = {}
        self._texts: dict[tuple[int, bytes], str] = {}

    def decode(self, code: bytes) -> Instruction:
        """The first instruction in the bytes, decoded as if at address 0."""
        known = self._by_bytes.get(code)
        if known is None:
            found = next(self._capstone.disasm(code, 0, 1), None)
            known = self._by_bytes[code] = _UNDECODABLE if found is None else _instruction(found)
        return known

    def text(self, rip: int, code: bytes) -> str:
        """`mov rax, qword ptr gs:[current_task]`, `call ftrace_regs_caller`: addresses by name where they have one."""
        known = self._texts.get((rip, code))
        if known is None:
            known = self._texts[rip, code] = self._text(rip, self.decode(code))
        return known

    def lines(self, start: int, code: bytes) -> list[tuple[int, bytes, str]]:
        """(address, bytes, text) of consecutive instructions; a byte that begins none stands alone."""
        lines, offset = [], 0
        while offset < len(code):
            window = code[offset : offset + 15]
            length = self.decode(window).length
            exact = window[:length]
            lines.append((start + offset, exact, self.text(start + offset, exact)))
            offset += length
        return lines

    def _text(self, rip: int, insn: Instruction) -> str:
        operands = insn.operands
        if insn.relative is not None:
            target = (rip + insn.relative) & MASK64
            operands = self._named(target) or f"{target:#x}"
        for operand in insn.memory:
            if operand.index != _NO_REGISTER:
                continue
            if operand.base == RIP:
                name = self._named((rip + insn.length + operand.displacement) & MASK64)
                operands = operands if name is None else _within_brackets(operands, f"rip + {name}")
            elif operand.base == _NO_REGISTER and operand.gs and (name := self._per_cpu_name(operand.displacement)):
                operands = _within_brackets(operands, name.removesuffix("+0x0"))
        if insn.immediate is not None and insn.immediate >= KERNEL_MAP and (name := self._named(insn.immediate)):
            operands = f"{operands.rpartition(', ')[0]}, offset {name}".removeprefix(", ")
        return f"{insn.mnemonic} {operands}".strip()

    def _named(self, address: int) -> str | None:
        name = self._name(address)
        return None if name is None else name.removesuffix("+0x0")


def _within_brackets(operands: str, inside: str) -> str:
    before, _, rest = operands.partition("[")
    _, _, after = rest.partition("]")
    return f"{before}[{inside}]{after}"


def _instruction(insn: CsInsn) -> Instruction:
    relative = immediate = None
    branches = insn.group(CS_GRP_JUMP) or insn.group(CS_GRP_CALL)
    for operand in insn.operands:
        if operand.type == CS_OP_IMM and branches:
            relative = operand.imm
        elif operand.type == CS_OP_IMM:
            immediate = operand.imm & MASK64
    last = insn.operands[-1] if insn.operands else None
    source = _FULL.get(insn.reg_name(last.reg)) if last is not None and last.type == CS_OP_REG else None
    memory = tuple(operand for operand in map(partial(memory_operand, insn), insn.operands) if operand is not None)
    return Instruction(insn.mnemonic, insn.op_str, insn.size, memory, relative, immediate, source)


def memory_operand(insn: CsInsn, operand: X86Op) -> MemoryOperand | None:
    """None for other kinds of operand, and for address registers that only torn bytes would use (32-bit ones)."""
    if operand.type != CS_OP_MEM:
        return None
    place = operand.mem
    base, index = _register(insn, place.base), _register(insn, place.index)
    if base is None or index is None:
        return None
    accesses = insn.id not in _NO_ACCESS
    return MemoryOperand(
        base,
        index,
        place.scale,
        place.disp,
        place.segment == x86_const.X86_REG_GS,
        operand.size,
        accesses and bool(operand.access & CS_AC_READ),
        accesses and bool(operand.access & CS_AC_WRITE),
    )


def _register(insn: CsInsn, number: int) -> int | None:
    """The index into REGISTERS, -1 for no register, None for one that is not there."""
    if number in (0, x86_const.X86_REG_RIZ):
        return _NO_REGISTER
    return REGISTER_INDEX.get(insn.reg_name(number))
