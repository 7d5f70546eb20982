"""What the machine looked like at one moment, and how a step leads to the next one or back."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

from trapscope.core.trace.memory import Memory
from trapscope.core.types import REGISTERS, Step


class State:
    """Registers of every CPU and all of RAM. `regs[cpu][register]`, registers in the order of REGISTERS."""

    __slots__ = ("memory", "regs")

    def __init__(self, regs: Sequence[Sequence[int]], memory: Memory) -> None:
        for file in regs:
            if len(file) != len(REGISTERS):
                raise ValueError(f"a register file has {len(REGISTERS)} registers, not {len(file)}")
        self.regs = [list(file) for file in regs]
        self.memory = memory

    def copy(self) -> State:
        """An independent state that shares the unwritten pages."""
        return State(self.regs, Memory(self.memory.snapshot()))

    def apply(self, step: Step) -> None:
        """Go from moment n to n + 1."""
        regs = self.regs[step.cpu]
        for change in step.regs:
            regs[change.register] = change.new
        for write in step.writes:
            self.memory.write(write.addr, write.new)

    def undo(self, step: Step) -> None:
        """Go from moment n + 1 back to n."""
        for write in reversed(step.writes):
            self.memory.write(write.addr, write.old)
        regs = self.regs[step.cpu]
        for change in step.regs:
            regs[change.register] = change.old

    def digest(self) -> str:
        """SHA-256 over all registers and all of RAM, in hex: equal states and only they have equal digests."""
        digest = hashlib.sha256()
        for file in self.regs:
            digest.update(struct.pack(f"<{len(file)}Q", *file))
        self.memory.digest_into(digest)
        return digest.hexdigest()
