"""Which steps set which part of which register, by what their instructions do: also where the value stayed the same.

A register's *fields* are what instructions set apart from each other: its lowest byte, its second, the others; each
flag. Like the trace's index, made piece by piece as it grows. A field's number is its place in FIELDS.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from trapscope.core.image.flow import AF, CF, DF, IF, NT, OF, PF, RF, SF, STATUS, TF, ZF, Part
from trapscope.core.image.flows import Flows
from trapscope.core.trace import TraceIndex
from trapscope.core.trace.postings import Postings
from trapscope.core.types import CS, GS_BASE, MASK64, MAX_CPUS, REGISTERS, RFLAGS, RIP, RSP, SS

_FLAGS: Final = (CF, PF, AF, ZF, SF, OF, IF, DF, TF, NT, RF)
FIELDS: Final = (
    *(Part(register, mask) for register in range(RIP) for mask in (0xFF, 0xFF00, MASK64 & ~0xFFFF)),
    Part(RIP),
    *(Part(RFLAGS, flag) for flag in _FLAGS),
    Part(RFLAGS, MASK64 & ~(STATUS | IF | DF | TF | NT | RF)),
    *(Part(register) for register in (CS, SS, GS_BASE)),
)
"""In the order of the registers."""
_OF_REGISTER: Final = tuple(
    tuple(number for number, field in enumerate(FIELDS) if field.register == register)
    for register in range(len(REGISTERS))
)
_BY_DELIVERY: Final = (Part(RIP), Part(CS), Part(SS), Part(RSP), Part(RFLAGS, TF | IF | NT | RF))


class Writers:
    """Of registers. `transfers` are the steps after which a CPU did not simply go on behind its instruction."""

    def __init__(self, index: TraceIndex, flows: Flows) -> None:
        self._index, self._flows = index, flows
        self._fields_of_code: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._ends_of_code: NDArray[np.uint64] = np.empty((0, 2), np.uint64)
        self._steps = Postings()
        self._taken = 0
        self._transfers = Postings()
        self._transferred = 0

    def of(self, cpu: int, part: Part, before: int) -> list[tuple[int, int | None]]:
        """Who set the part's bits last before a moment: (mask, step), the latest first; None for no step of the run.

        A step that changed a bit counts, whatever its instruction is thought to set.
        """
        self._take_fields()
        found: dict[int, int] = {}
        for number in _OF_REGISTER[part.register]:
            mask = FIELDS[number].mask & part.mask
            if mask:
                step = self._steps.before(number * MAX_CPUS + cpu, before)
                found[step] = found.get(step, 0) | mask
        return [(found[step], None if step < 0 else step) for step in sorted(found, reverse=True)]

    def last_transfer(self, cpu: int, before: int) -> int | None:
        """The last step of the CPU before a moment that was a jump, a call, a return, a delivery."""
        self._take_transfers()
        step = self._transfers.before(cpu, before)
        return None if step < 0 else step

    def _take_fields(self) -> None:
        columns, done = self._index.columns, self._taken
        count = len(columns.cpu)
        if count == done:
            return
        self._take_codes()
        unexplained = self._unexplained(done)
        sets = self._fields_of_code[columns.code[done:]]
        for field in range(len(FIELDS)):
            steps = np.flatnonzero(sets & np.uint64(1 << field)) + done
            if len(unexplained[field]):
                steps = np.union1d(steps, unexplained[field])
            self._steps.extend(columns.cpu[steps] + np.uint8(field * MAX_CPUS), steps)
        self._taken = count

    def _unexplained(self, done: int) -> list[NDArray[np.int64]]:
        """By field, steps that changed it though their instruction is not thought to: none, if the flows are right."""
        columns = self._index.columns
        first = int(columns.change_end[done])
        registers = columns.register[first:]
        flipped = columns.reg_old[first:] ^ columns.reg_new[first:]
        steps = np.repeat(np.arange(done, len(columns.cpu)), np.diff(columns.change_end[done:]))
        found: list[NDArray[np.int64]] = []
        for register, fields in enumerate(_OF_REGISTER):
            mine = np.flatnonzero(registers == register)
            said = self._fields_of_code[columns.code[steps[mine]]]
            for field in fields:
                changed = flipped[mine] & np.uint64(FIELDS[field].mask) != 0
                found.append(steps[mine[changed & (said & np.uint64(1 << field) == 0)]])
        return found

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
        steps = np.flatnonzero(after != behind) + done
        self._transfers.extend(columns.cpu[steps], steps)
        self._transferred = count
