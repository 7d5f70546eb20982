"""A trap and what it leaves for its stub: an int3 on its way to the emulated call, and the stack that it goes over.

Each knows the other: a trap where its return address lies, a stack whose addresses are on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from trapscope.core.lens.frames import LiveFrame
from trapscope.core.lens.text import SITE_BYTES
from trapscope.core.trace import Memory

SLOT_BYTES: Final = 8

Owner = Callable[[Memory], str]


@dataclass(eq=False, slots=True)
class Int3Stack:
    """One `struct ftrace_int3_stack`. `pending` are the traps that have begun to push and not yet popped."""

    depth_at: int
    slots_at: int
    owner: Owner
    pending: list[Trap] = field(default_factory=list)
    told: tuple[int, int] = (0, 0)
    """The depth and the number pending that were reported last, so that one leak is one finding."""

    def depth(self, memory: Memory) -> int:
        """A C int."""
        return signed(memory.read(self.depth_at, 4))

    def slot_at(self, index: int) -> int:
        """Where `slots[index]` is, or would be."""
        return self.slots_at + index * SLOT_BYTES


class Phase(Enum):
    """How far a trap has come."""

    HANDLER = "handler"
    STUB = "stub"


@dataclass(slots=True)
class Pushed:
    """What the handler put where, for the stub to find."""

    stack: Int3Stack
    index: int
    value: int


@dataclass(slots=True)
class Trap:
    """One int3. `regs` are the registers behind it, which is what a call would have been made with."""

    task: int
    ip: int
    regs: list[int]
    phase: Phase = Phase.HANDLER
    frame: LiveFrame | None = None
    half_done: bool = False
    """Whether the first access of the push, or then of the pop, has been made and the second has not."""
    pushed: Pushed | None = None

    def has_pushed(self, stack: Int3Stack, index: int) -> bool:
        """Whether its return address went there."""
        return self.pushed is not None and self.pushed.stack is stack and self.pushed.index == index

    @property
    def return_address(self) -> int:
        return self.ip + SITE_BYTES


def signed(raw: bytes) -> int:
    """A C int, as memory holds it."""
    return int.from_bytes(raw, "little", signed=True)
