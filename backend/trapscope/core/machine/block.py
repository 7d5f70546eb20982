"""What a machine did, in columns: consecutive steps of any of its CPUs, with the register files around them.

Nothing is made per step here; whoever wants steps as objects asks for them (`steps`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trapscope.core.types import DeviceWrite, RegisterChange, Step, StepKind, Write

#: An address, and the bytes that were decoded there (none for a delivery).
Code = tuple[int, bytes]


class View(NamedTuple):
    """What a CPU would decode has changed, behind that step of the block (-1: before its first).

    `stale` are the bytes, by high-half address, that it would decode instead of what memory holds. Cause: `stored`,
    `serialised` or `schedule`.
    """

    step: int
    cpu: int
    cause: str
    stale: dict[int, int]


class Changes(NamedTuple):
    """Changed registers, in the order of the steps: step i has those from end[i-1] (0 for the first) to end[i]."""

    end: NDArray[np.int64]
    register: NDArray[np.uint8]
    old: NDArray[np.uint64]
    new: NDArray[np.uint64]


@dataclass(frozen=True)
class Block:
    """Steps first … first + len - 1. Arrays of one length belong together; n is len.

    `files` is (n + cpus, registers): row i < n holds the registers of step i's CPU before it, row n + k those of CPU k
    after the last step. `code` indexes `codes`, which the machine goes on extending. Writes are in program order;
    `write_old` and `write_new` are little-endian numbers of `write_size` bytes.
    """

    first: int
    cpu: NDArray[np.uint8]
    vector: NDArray[np.int16]
    error_code: dict[int, int]
    """By step, counted from the first."""
    code: NDArray[np.int32]
    codes: list[Code]
    files: NDArray[np.uint64]
    write_step: NDArray[np.int64]
    """Counted from the first."""
    write_addr: NDArray[np.uint64]
    write_size: NDArray[np.uint8]
    write_old: NDArray[np.uint64]
    write_new: NDArray[np.uint64]
    device: dict[int, tuple[DeviceWrite, ...]]
    """By step, counted from the first, in order: stores to the local APIC. The others made none."""
    views: list[View]
    """In order; none in the coherent model."""

    def __len__(self) -> int:
        return len(self.cpu)

    @cached_property
    def after(self) -> NDArray[np.int64]:
        """Per step, the row of `files` that holds its CPU's registers after it."""
        count = len(self)
        after = np.empty(count, np.int64)
        for cpu in range(len(self.files) - count):
            mine = np.flatnonzero(self.cpu == cpu)
            if len(mine):
                after[mine[:-1]] = mine[1:]
                after[mine[-1]] = count + cpu
        return after

    @cached_property
    def changes(self) -> Changes:
        """What each step changed in its CPU's registers."""
        before, after = self.files[: len(self)], self.files[self.after]
        changed = before != after
        return Changes(
            end=np.cumsum(np.count_nonzero(changed, axis=1)),
            register=np.nonzero(changed)[1].astype(np.uint8),
            old=before[changed],
            new=after[changed],
        )

    @cached_property
    def write_end(self) -> NDArray[np.int64]:
        """Step i has the writes from write_end[i-1] (0 for the first) to write_end[i]."""
        return np.cumsum(np.bincount(self.write_step, minlength=len(self)))

    def step(self, at: int) -> Step:
        """The step at `at`, counted from the first, as an object."""
        rip, code = self.codes[self.code.item(at)]
        vector = self.vector.item(at)
        kind = StepKind.INSN if vector < 0 else StepKind.DELIVERY
        error_code = self.error_code.get(at, -1)
        ends, register, old, new = self.changes
        first, end = (ends.item(at - 1) if at else 0), ends.item(at)
        changes = zip(register[first:end].tolist(), old[first:end].tolist(), new[first:end].tolist(), strict=True)
        regs = tuple(map(RegisterChange._make, changes))
        first, end = (self.write_end.item(at - 1) if at else 0), self.write_end.item(at)
        writes = self._writes(first, end) if end > first else ()
        return Step(
            self.first + at,
            self.cpu.item(at),
            kind,
            rip,
            code,
            vector,
            error_code,
            regs,
            writes,
            self.device.get(at, ()),
        )

    def steps(self) -> list[Step]:
        """Every step as an object."""
        return [self.step(at) for at in range(len(self))]

    def _writes(self, first: int, end: int) -> tuple[Write, ...]:
        columns = self.write_addr, self.write_size, self.write_old, self.write_new
        return tuple(
            Write(address, old.to_bytes(size, "little"), new.to_bytes(size, "little"))
            for address, size, old, new in zip(*(column[first:end].tolist() for column in columns), strict=True)
        )
