"""The state that goes along with the steps: through a block of the machine's, in any strides, never back."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from trapscope.core.machine import Block
from trapscope.core.trace.state import State
from trapscope.core.types import Step


class Playback:
    """`state` is the one at `moment`. Registers come from the block's files, memory from its writes."""

    def __init__(self, start: State) -> None:
        self.state = start
        self.moment = 0
        self._block: Block | None = None
        self._rows: list[list[int]] = []
        """By CPU, its rows in the block's files, the one after its last step included."""
        self._at: list[int] = []
        """By CPU, which of them `state` has."""
        self._writes: list[tuple[int, int, int, int]] = []
        """(step of the block, address, size, new), latest first."""

    def follow(self, block: Block) -> None:
        """Steps that follow `moment`, to go through. The block before must have been gone through to its end."""
        count = len(block)
        self._block = block
        self._rows = [[*np.flatnonzero(block.cpu == cpu).tolist(), count + cpu] for cpu in range(len(self.state.regs))]
        self._at = [0] * len(self._rows)
        writes = zip(
            block.write_step.tolist(),
            block.write_addr.tolist(),
            block.write_size.tolist(),
            block.write_new.tolist(),
            strict=True,
        )
        self._writes = list(writes)[::-1]

    def take(self, step: Step) -> None:
        """Go over one step that is in no block."""
        self._block = None
        self.state.apply(step)
        self.moment += 1

    def go(self, moment: int) -> None:
        """Go to a moment of the block, not before the one at hand."""
        block = self._block
        if block is None or moment == self.moment:
            return
        self.moment = moment
        made, writes, memory = moment - block.first, self._writes, self.state.memory
        while writes and writes[-1][0] < made:
            _, address, size, new = writes.pop()
            memory.write(address, new.to_bytes(size, "little"))
        for cpu, rows in enumerate(self._rows):
            at = bisect_left(rows, made)
            if at != self._at[cpu]:
                self._at[cpu] = at
                self.state.regs[cpu] = block.files[rows[at]].tolist()
