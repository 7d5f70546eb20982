"""The guest's own tables, as bytes in its RAM: IDT gates (SDM vol. 3A, 6.14.1) and the 64-bit TSS (7.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

GATE_BYTES: Final = 16
INTERRUPT_GATE: Final = 0xE
TRAP_GATE: Final = 0xF
#: Offset of IST1 in the 64-bit TSS (SDM vol. 3A, figure 7-11).
_IST1: Final = 0x24


@dataclass(frozen=True, slots=True)
class Gate:
    """One IDT entry, decoded."""

    offset: int
    selector: int
    ist: int
    kind: int
    dpl: int
    present: bool

    @classmethod
    def decode(cls, raw: bytes) -> Gate:
        """From the 16 bytes of a 64-bit gate descriptor."""
        if len(raw) != GATE_BYTES:
            raise ValueError(f"a 64-bit gate has {GATE_BYTES} bytes, not {len(raw)}")
        low, high = int.from_bytes(raw[:8], "little"), int.from_bytes(raw[8:], "little")
        offset = (low & 0xFFFF) | (low >> 32 & 0xFFFF0000) | (high & 0xFFFFFFFF) << 32
        return cls(
            offset=offset,
            selector=low >> 16 & 0xFFFF,
            ist=low >> 32 & 7,
            kind=low >> 40 & 0xF,
            dpl=low >> 45 & 3,
            present=bool(low >> 47 & 1),
        )


def ist_address(tss_base: int, ist: int) -> int:
    """Where in memory the TSS holds the stack pointer ISTn, n = 1 … 7."""
    if not 1 <= ist <= 7:
        raise ValueError(f"IST index {ist} is not 1 … 7")
    return tss_base + _IST1 + 8 * (ist - 1)
