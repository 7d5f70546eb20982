"""The vocabulary of data flow: what one instruction puts where, and from where it takes it, apart from the values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trapscope.core.image.disassembly import MemoryOperand
from trapscope.core.types import MASK64, RFLAGS

#: Intel SDM vol. 1, 3.4.3: bits of RFLAGS.
CF: Final = 1 << 0
PF: Final = 1 << 2
AF: Final = 1 << 4
ZF: Final = 1 << 6
SF: Final = 1 << 7
TF: Final = 1 << 8
IF: Final = 1 << 9
DF: Final = 1 << 10
OF: Final = 1 << 11
NT: Final = 1 << 14
RF: Final = 1 << 16
AC: Final = 1 << 18
#: What arithmetic leaves behind.
STATUS: Final = CF | PF | AF | ZF | SF | OF


class Role(StrEnum):
    """What a source is for. In this order a person wants to see them."""

    DATA = "data"
    """The value came from there."""
    PART = "part"
    """Some of the value's bytes came from there."""
    FLAGS = "flags"
    """A condition that chose."""
    CODE = "code"
    """The instruction's own bytes."""
    CAUSE = "cause"
    """The store to an ICR that sent the interrupt."""
    ADDRESS = "address"
    """Where to load, store or go."""


@dataclass(frozen=True, slots=True)
class Part:
    """The bits of a register that the mask has; `register` indexes REGISTERS."""

    register: int
    mask: int = MASK64


@dataclass(frozen=True, slots=True)
class Constant:
    """The instruction itself says the value."""


@dataclass(frozen=True, slots=True)
class Untracked:
    """State that a trace does not record: a control register; a device, whose answer it is."""

    what: str
    device: bool = False


Operand = Part | MemoryOperand | Constant | Untracked


@dataclass(frozen=True, slots=True)
class Use:
    """One thing that an output is made from. The registers of a memory operand's address go without saying."""

    role: Role
    operand: Operand


@dataclass(frozen=True, slots=True)
class Output:
    """One thing that an instruction sets, and from what.

    `copies`: the value is the first use's, byte by byte from the lowest, and zero above it. With a `condition`, `uses`
    are those of an instruction for which it holds, `otherwise` those of the others.
    """

    place: Part | MemoryOperand
    uses: tuple[Use, ...]
    copies: bool = False
    condition: Condition | None = None
    otherwise: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """All that an instruction sets; one output always is RIP's."""

    outputs: tuple[Output, ...]

    @property
    def registers(self) -> tuple[Part, ...]:
        """The registers that it sets."""
        return tuple(output.place for output in self.outputs if isinstance(output.place, Part))


@dataclass(frozen=True, slots=True)
class Condition:
    """What is asked of the flags as an instruction leaves them (SDM vol. 1, appendix B).

    Jcc, SETcc and CMOVcc leave them as they found them; CMPXCHG says by ZF what it did.
    """

    mask: int
    holds: Callable[[int], bool]

    @property
    def use(self) -> Use:
        return Use(Role.FLAGS, Part(RFLAGS, self.mask))


def _not(condition: Condition) -> Condition:
    return Condition(condition.mask, lambda flags: not condition.holds(flags))


_O: Final = Condition(OF, lambda flags: bool(flags & OF))
_B: Final = Condition(CF, lambda flags: bool(flags & CF))
_E: Final = Condition(ZF, lambda flags: bool(flags & ZF))
_BE: Final = Condition(CF | ZF, lambda flags: bool(flags & (CF | ZF)))
_S: Final = Condition(SF, lambda flags: bool(flags & SF))
_P: Final = Condition(PF, lambda flags: bool(flags & PF))
_L: Final = Condition(SF | OF, lambda flags: bool(flags & SF) != bool(flags & OF))
_LE: Final = Condition(ZF | SF | OF, lambda flags: _E.holds(flags) or _L.holds(flags))

CONDITIONS: Final = {
    "o": _O, "b": _B, "e": _E, "be": _BE, "s": _S, "p": _P, "l": _L, "le": _LE,
    "no": _not(_O), "ae": _not(_B), "ne": _not(_E), "a": _not(_BE), "ns": _not(_S), "np": _not(_P),
    "ge": _not(_L), "g": _not(_LE),
}  # fmt: skip
