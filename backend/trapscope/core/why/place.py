"""A place that holds a value: some bits of a register of a CPU, or some bytes of memory. And its text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trapscope.core.image.flow import AC, AF, CF, DF, IF, NT, OF, PF, RF, SF, TF, ZF
from trapscope.core.image.parts import PARTS
from trapscope.core.machine.apic import BASE as APIC
from trapscope.core.machine.apic import SIZE as APIC_SIZE
from trapscope.core.types import MASK64, REGISTER_INDEX, REGISTERS, RFLAGS

#: Flags by the manual's names (SDM vol. 1, 3.4.3).
FLAGS: Final = {
    "cf": CF,
    "pf": PF,
    "af": AF,
    "zf": ZF,
    "sf": SF,
    "tf": TF,
    "if": IF,
    "df": DF,
    "of": OF,
    "nt": NT,
    "rf": RF,
    "ac": AC,
}
_SEGMENTS: Final = ("cs", "ss")
_NAMES: Final = {
    **{(part.register, part.mask): name for name, part in PARTS.items() if name not in _SEGMENTS},
    **{(REGISTER_INDEX[name], MASK64): name for name in _SEGMENTS},
}


@dataclass(frozen=True, slots=True)
class Register:
    """The bits of a CPU's register that the mask has; `register` indexes REGISTERS."""

    cpu: int
    register: int
    mask: int = MASK64

    def __str__(self) -> str:
        """`rax@0`, `al@0`, `rax[2:8]@0` (bytes 2 to 7), `rflags[zf,cf]@0`; `targets` reads it."""
        return f"{self._name}@{self.cpu}"

    @property
    def shift(self) -> int:
        """How far its value lies above bit 0. Flags stay where they are."""
        return 0 if self.register == RFLAGS else (self.mask & -self.mask).bit_length() - 1

    def value(self, whole: int) -> int:
        """Its value, given the register's."""
        return (whole & self.mask) >> self.shift

    @property
    def size(self) -> int:
        """In bytes."""
        return ((self.mask >> self.shift).bit_length() + 7) // 8

    @property
    def _name(self) -> str:
        if (name := _NAMES.get((self.register, self.mask))) is not None:
            return name
        register = REGISTERS[self.register]
        if self.register == RFLAGS:
            flags = [name for name, bit in FLAGS.items() if self.mask & bit]
            rest = self.mask & ~sum(FLAGS.values())
            return f"{register}[{','.join([*flags, *([hex(rest)] if rest else [])])}]"
        first = self.shift // 8
        return f"{register}[{first}:{first + self.size}]"


@dataclass(frozen=True, slots=True)
class Bytes:
    """`length` bytes at a virtual address of either mapping."""

    address: int
    length: int

    def __str__(self) -> str:
        """`0xffffffff81002000+8`: the address and the length."""
        return f"{self.address:#x}+{self.length}"


Place = Register | Bytes


def is_device(place: Bytes) -> bool:
    """Whether the bytes lie in the local APIC's page, which is no memory."""
    return place.address >= APIC and place.address + place.length <= APIC + APIC_SIZE


def register_named(name: str, cpu: int) -> Register | None:
    """What `__str__` writes before the @; None for what is no register of a trace."""
    if (part := PARTS.get(name)) is not None:
        return Register(cpu, part.register, MASK64 if name in _SEGMENTS else part.mask)
    whole, bracket, inside = name.partition("[")
    register = REGISTER_INDEX.get(whole)
    if register is None or not bracket or not inside.endswith("]"):
        return None
    mask = _flags(inside[:-1]) if register == RFLAGS else _byte_range(inside[:-1])
    return None if mask is None else Register(cpu, register, mask)


def _flags(text: str) -> int | None:
    mask = 0
    for name in text.split(","):
        if name in FLAGS:
            mask |= FLAGS[name]
        elif name.startswith("0x") and all(digit in "0123456789abcdef" for digit in name[2:]) and 2 < len(name) <= 18:
            mask |= int(name, 16)
        else:
            return None
    return mask or None


def _byte_range(text: str) -> int | None:
    first, colon, end = text.partition(":")
    if not colon or len(first) != 1 or len(end) != 1 or first not in "01234567" or end not in "12345678":
        return None
    if int(first) >= int(end):
        return None
    return (1 << 8 * int(end)) - (1 << 8 * int(first))
