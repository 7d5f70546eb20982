"""`stack-balanced`, `registers-preserved`, `flags-preserved`: an emulated call leaves what a real one leaves.

A real `call` pushes the address behind it and changes nothing else (SDM vol. 2, CALL).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from trapscope.core.types import REGISTERS, RFLAGS, RSP

_WORD: Final = 8
_GENERAL: Final = range(16)


def stack_balanced(before: Sequence[int], after: Sequence[int], pushed: int, return_address: int) -> str | None:
    """Registers at the int3 and at the call's target, and the word on top of the stack there."""
    if after[RSP] != before[RSP] - _WORD:
        return f"RSP is {after[RSP]:#x} at the target; a call from RSP {before[RSP]:#x} leaves {before[RSP] - _WORD:#x}"
    if pushed != return_address:
        return f"The return address on the stack is {pushed:#x}; a call leaves {return_address:#x}"
    return None


def registers_preserved(before: Sequence[int], after: Sequence[int]) -> str | None:
    """The general registers but RSP."""
    changed = [i for i in _GENERAL if i != RSP and before[i] != after[i]]
    if not changed:
        return None
    return "After the call " + "; ".join(f"{REGISTERS[i]} was {before[i]:#x} and is {after[i]:#x}" for i in changed)


def flags_preserved(before: Sequence[int], after: Sequence[int]) -> str | None:
    """All of RFLAGS."""
    if before[RFLAGS] == after[RFLAGS]:
        return None
    return f"RFLAGS was {before[RFLAGS]:#x} at the int3 and is {after[RFLAGS]:#x} at the target; a call changes none"


def body_begins_with(function: str, sp: int, entered_with: int) -> str:
    """The traced function's body runs on another stack pointer than it was entered with."""
    return f"The body of {function} begins with RSP {sp:#x}; it was entered with {entered_with:#x}"
