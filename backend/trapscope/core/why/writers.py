"""Which steps set which part of which register, by what their instructions do: also where the value stayed the same.

A register's *fields* are what instructions set apart from each other: its lowest byte, its second, the others; each
flag. Like the trace's index, made piece by piece as it grows, each field when somebody first asks about it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from trapscope.core.image.flow import AF, CF, DF, IF, OF, PF, SF, STATUS, ZF, Part
from trapscope.core.image.flows import Flows
from trapscope.core.trace import TraceIndex
from trapscope.core.trace.postings import Postings
from trapscope.core.types import CS, GS_BASE, MASK64, MAX_CPUS, REGISTERS, RFLAGS, RIP, RSP, SS

_FLAGS: Final = (CF, PF, AF, ZF, SF, OF, IF, DF)
FIELDS: Final = (
    *(Part(register, mask) for register in range(RIP) for mask in (0xFF, 0xFF00, MASK64 & ~0xFFFF)),
    *(Part(register) for register in (RIP, CS, SS, GS_BASE)),
    *(Part(RFLAGS, flag) for flag in _FLAGS),
    Part(RFLAGS, MASK64 & ~(STATUS | IF | DF)),
)
_OF_REGISTER: Final = tuple(
    tuple(number for number, field in enumerate(FIELDS) if field.register == register)
    for register in range(len(REGISTERS))
)
_BY_DELIVERY: Final = tuple(Part(register) for register in (RIP, CS, SS, RSP, RFLAGS))


class Writers:
    """Of registers. `transfers` are the steps after which a CPU did not simply go on behind its instruction."""

    def __init__(self, index: TraceIndex, flows: Flows) -> None:
        self._index, self._flows = index, flows
        self._fields_of_code: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._ends_of_code: NDArray[np.uint64] = np.empty((0, 2), np.uint64)
        self._steps = Postings()
        self._done = [0] * len(FIELDS)
        self._transfers = Postings()
        self._transferred = 0

    def of(self, cpu: int, part: Part, before: int) -> list[tuple[int, int | None]]:
        """Who set the part's bits last before a moment: (mask, step), the latest first; None for no step of the run.

        A step that changed a bit counts, whatever its instruction is thought to set.
        """
        found: dict[int | None, int] = {}
        for number in _OF_REGISTER[part.register]:
            mask = FIELDS[number].mask & part.mask
            if mask:
                step = self._last(cpu, number, before)
                found[step] = found.get(step, 0) | mask
        return [(found[step], step) for step in sorted(found, key=lambda step: -1 if step is None else step)[::-1]]

    def last_transfer(self, cpu: int, before: int) -> int | None:
        """The last step of the CPU before a moment that was a jump, a call, a return, a delivery."""
        self._take_transfers()
        step = self._transfers.before(cpu, before)
        return None if step < 0 else step

    def _last(self, cpu: int, field: int, before: int) -> int | None:
        self._take_field(field)
        step = self._steps.before(field * MAX_CPUS + cpu, before)
        return None if step < 0 else step

    def _take_field(self, field: int) -> None:
        columns, done = self._index.columns, self._done[field]
        count = len(columns.cpu)
        if count == done:
            return
        self._take_codes()
        sets = np.flatnonzero(self._fields_of_code[columns.code[done:]] >> np.uint64(field) & np.uint64(1)) + done
        steps = np.union1d(sets, self._changing(FIELDS[field], done))
        self._steps.extend(columns.cpu[steps].astype(np.int64) + field * MAX_CPUS, steps)
        self._done[field] = count

    def _changing(self, field: Part, done: int) -> NDArray[np.int64]:
        """The steps from `done` on that changed a bit of the field."""
        columns = self._index.columns
        first = int(columns.change_end[done])
        flipped = columns.reg_old[first:] ^ columns.reg_new[first:]
        mine = (columns.register[first:] == field.register) & (flipped & np.uint64(field.mask) != 0)
        return np.searchsorted(columns.change_end, np.flatnonzero(mine) + first, "right") - 1

    def _take_codes(self) -> None:
        table, known = self._index.trace.code_table, len(self._fields_of_code)
        if len(table) == known:
            return
        fields = [self._fields(code) for _, code in table[known:]]
        ends = [(address, address + len(code) & MASK64) for address, code in table[known:]]
        self._fields_of_code = np.concatenate((self._fields_of_code, np.array(fields, np.uint64)))
        self._ends_of_code = np.concatenate((self._ends_of_code, np.array(ends, np.uint64)))

    def _fields(self, code: bytes) -> int:
        fields = 0
        for part in self._flows.of(code).registers if code else _BY_DELIVERY:
            for number in _OF_REGISTER[part.register]:
                if FIELDS[number].mask & part.mask:
                    fields |= 1 << number
        return fields

    def _take_transfers(self) -> None:
        columns, done = self._index.columns, self._transferred
        count = len(columns.cpu)
        if count == done:
            return
        self._take_codes()
        start, behind = self._ends_of_code[columns.code[done:]].T
        after = start.copy()
        first = int(columns.change_end[done])
        moved = np.flatnonzero(columns.register[first:] == RIP) + first
        after[np.searchsorted(columns.change_end, moved, "right") - 1 - done] = columns.reg_new[moved]
        steps = np.flatnonzero((after != behind) | (columns.vector[done:] >= 0)) + done
        self._transfers.extend(columns.cpu[steps].astype(np.int64), steps)
        self._transferred = count
