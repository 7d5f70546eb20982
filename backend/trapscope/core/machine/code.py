"""What the machine must know of an instruction by its bytes: a closed list of those that touch interrupt state.

Encodings: Intel SDM vol. 2. The answer is cached by bytes; a guest has a few hundred different instructions.
"""

from __future__ import annotations

from enum import Flag, auto
from functools import lru_cache
from typing import Final

_PREFIXES: Final = frozenset({0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3})


class Trait(Flag):
    """Why an instruction matters to interrupt delivery."""

    NONE = 0
    IRET = auto()
    """Ends NMI blocking, whatever it returns to (SDM vol. 3A, 6.7.1)."""
    STI = auto()
    """Holds interrupts back for one instruction if IF was 0 (vol. 2, STI)."""
    MOV_SS = auto()
    """MOV SS and POP SS hold interrupts and NMIs back for one instruction (vol. 3A, 6.8.3)."""
    HALT = auto()
    PAUSE = auto()
    INT3 = auto()


@lru_cache(maxsize=4096)
def traits(code: bytes) -> Trait:
    """The traits of one instruction, given its bytes as decoded."""
    if code == b"\xf3\x90":
        return Trait.PAUSE
    at = _opcode_at(code)
    opcode, rest = code[at : at + 1], code[at + 1 :]
    if opcode == b"\xcf":
        return Trait.IRET
    if opcode == b"\xfb":
        return Trait.STI
    if opcode == b"\xf4":
        return Trait.HALT
    if opcode == b"\xcc":
        return Trait.INT3
    if opcode == b"\x8e" and rest and rest[0] >> 3 & 7 == 2:
        return Trait.MOV_SS
    return Trait.NONE


_SERIALISING_0F: Final = frozenset({0xA2, 0x22, 0x23, 0x30, 0x08, 0x09, 0xAA})
"""CPUID, MOV to CR, MOV to DR, WRMSR, INVD, WBINVD, RSM."""


@lru_cache(maxsize=4096)
def serialises(code: bytes) -> bool:
    """Whether the instruction is serialising: Intel SDM vol. 3A, 8.3 (MOV to CR8 is not)."""
    if traits(code) is Trait.IRET:
        return True
    at = _opcode_at(code)
    if code[at : at + 1] != b"\x0f" or at + 1 >= len(code):
        return False
    second, rest = code[at + 1], code[at + 2 :]
    if second == 0x22:
        cr8 = bool(rest) and rest[0] >> 3 & 7 == 0 and at > 0 and code[at - 1] & 0xF4 == 0x44  # REX.R
        return not cr8
    if second in _SERIALISING_0F:
        return True
    if not rest:
        return False
    form = rest[0] >> 3 & 7
    if second == 0x00:
        return form in (2, 3)  # LLDT, LTR
    if second == 0x01:
        memory = rest[0] < 0xC0
        return (memory and form in (2, 3, 7)) or rest[0] == 0xE8  # LGDT, LIDT, INVLPG; SERIALIZE
    return False


def _opcode_at(code: bytes) -> int:
    """Where the opcode begins: behind legacy and REX prefixes."""
    at = 0
    while at < len(code) and (code[at] in _PREFIXES or 0x40 <= code[at] <= 0x4F):
        at += 1
    return at
