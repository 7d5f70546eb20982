"""The values that messages are made of: hex text for 64 bits, names for enumerations, all registers of a CPU.

JavaScript's numbers lose bits beyond 2**53: addresses and registers travel as lower-case hex text, counts as numbers.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeAliasType

from trapscope.core.types import MASK64, REGISTERS


class Frozen(BaseModel):
    """Base of everything on the wire: immutable; an unknown field, or a number sent as text, is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


#: A 64-bit value: "0x" and lower-case digits, without leading zeros.
Hex = TypeAliasType("Hex", Annotated[str, Field(pattern=r"^0x(0|[1-9a-f][0-9a-f]{0,15})$")])
#: Bytes: two lower-case digits each, no prefix.
HexBytes = TypeAliasType("HexBytes", Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$")])
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
Moment = TypeAliasType("Moment", Count)
Cpu = TypeAliasType("Cpu", Annotated[int, Field(ge=0, le=3)])

ContextName = TypeAliasType("ContextName", Literal["process", "softirq", "irq", "nmi", "mce"])
FetchName = TypeAliasType("FetchName", Literal["coherent", "weak"])
SeverityName = TypeAliasType("SeverityName", Literal["violation", "note"])
VerdictName = TypeAliasType("VerdictName", Literal["ok", "violated", "out-of-steps", "stuck", "shutdown"])


def hex_text(value: int) -> str:
    """The wire's text for a 64-bit value."""
    return hex(value & MASK64)


class Registers(Frozen):
    """All registers of one CPU, in the order of core.types.REGISTERS, which is the order of the batch's masks too."""

    rax: Hex
    rbx: Hex
    rcx: Hex
    rdx: Hex
    rsi: Hex
    rdi: Hex
    rbp: Hex
    rsp: Hex
    r8: Hex
    r9: Hex
    r10: Hex
    r11: Hex
    r12: Hex
    r13: Hex
    r14: Hex
    r15: Hex
    rip: Hex
    rflags: Hex
    cs: Hex
    ss: Hex
    gs_base: Hex

    @classmethod
    def of(cls, values: tuple[int, ...] | list[int]) -> Registers:
        """From a register file in the order of REGISTERS."""
        return cls(**{name: hex_text(value) for name, value in zip(REGISTERS, values, strict=True)})
