"""What the manual calls an exception (SDM vol. 3A, table 6-1), and the guest its two interrupts (segment.h)."""

from __future__ import annotations

from typing import Final

from trapscope.core.machine import MNEMONICS

_NAMES: Final = {2: "NMI", 3: "#BP", 18: "#MC", 0xEC: "timer IRQ", 0xFB: "call-function IPI", **MNEMONICS}


def vector_name(vector: int) -> str:
    """`#BP`, `timer IRQ`, or the number."""
    return _NAMES.get(vector, f"vector {vector:#x}")
