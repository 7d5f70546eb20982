"""Where a trace's writes, changes and executions are: each question costs a few binary searches, however long the run.

Made piece by piece: each part takes in what the trace has grown by when somebody next asks about it, and never starts
over. Moment n lies before step n: “before” means steps below it, “from” that step and later ones. Keys, which the
postings sort by: a write's offset in RAM and its size, a change's CPU and register, an execution's code and CPU.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trapscope.core.trace.columns import Columns
from trapscope.core.trace.postings import Postings
from trapscope.core.trace.trace import Trace
from trapscope.core.types import DIRECT_MAP, KERNEL_MAP, MASK64, MAX_CPUS, RAM_BASE, RAM_SIZE, REGISTERS, ram_offset

_LONGEST_WRITE: Final = 8
_SIZE_BITS: Final = 4
_SIZE_MASK: Final = (1 << _SIZE_BITS) - 1
_RAM_START: Final = np.uint64(KERNEL_MAP + RAM_BASE)
_ALIAS_START: Final = np.uint64(DIRECT_MAP + RAM_BASE)


class Stretch(NamedTuple):
    """`size` bytes from `first` on, counted from an address, and the write that left them there.

    The write is None for bytes that are as they were at moment 0.
    """

    first: int
    size: int
    write: int | None


class TraceIndex:
    """Of the trace as it was at the last `refresh`; the first is made with the index.

    Answers in steps, or in places of the columns `write_*` and `register`; None where there is no answer.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._start = trace.seek(0)
        self.columns: Columns = trace.columns
        self._writes = Postings()
        self._written = 0
        self._changes = Postings()
        self._changed = 0
        self._executions = Postings()
        self._executed = 0
        self._addresses: list[int] = []
        """Of every instruction that was executed, sorted."""
        self._codes_at: dict[int, list[int]] = {}
        self._codes = 0
        self._devices: list[int] = []

    def refresh(self) -> None:
        """Take notice that the trace has grown."""
        if len(self.columns.cpu) != len(self.trace):
            self.columns = self.trace.columns

    def last_write(self, address: int, length: int, before: int) -> int | None:
        """The last write that touches the bytes before a moment. Raises ValueError outside RAM, as all for bytes do."""
        return self.last_of_writes(address, length, int(self.columns.write_end[before]))

    def last_of_writes(self, address: int, length: int, end: int) -> int | None:
        """The last write that touches the bytes among writes 0 … end-1."""
        self._take_writes()
        found = max((self._writes.before(key, end) for key in self._touching(address, length)), default=-1)
        return None if found < 0 else found

    def next_write(self, address: int, length: int, start: int) -> int | None:
        """The first write that touches the bytes from a moment on."""
        self._take_writes()
        first = int(self.columns.write_end[start])
        positions = (self._writes.start_at(key, first) for key in self._touching(address, length))
        return min((position for position in positions if position >= 0), default=None)

    def device_steps(self, first: int, end: int) -> list[int]:
        """Those of steps first … end-1 that store to a device, in order."""
        if len(self._devices) != len(self.columns.device):
            self._devices = sorted(self.columns.device)
        return self._devices[bisect_left(self._devices, first) : bisect_left(self._devices, end)]

    def last_device_write(self, address: int, length: int, before: int, cpu: int | None = None) -> int | None:
        """The last step before a moment that stores to those bytes of a device, on one CPU or on any."""
        earlier = reversed(self.device_steps(0, before))
        return next((step for step in earlier if self._stores_to_device(step, address, length, cpu)), None)

    def next_device_write(self, address: int, length: int, start: int, cpu: int | None = None) -> int | None:
        """The first from a moment on."""
        later = self.device_steps(start, len(self.columns.cpu))
        return next((step for step in later if self._stores_to_device(step, address, length, cpu)), None)

    def step_of_write(self, write: int) -> int:
        """The step that made it."""
        return int(np.searchsorted(self.columns.write_end, write, "right")) - 1

    def last_change(self, cpu: int, register: int, before: int, mask: int = MASK64) -> int | None:
        """The last change of (those bits of) a register before a moment."""
        self._take_changes()
        end = int(self.columns.change_end[before])
        for piece in self._changes.pieces_before(_register_key(cpu, register), end):
            hits = self._flipping(piece, mask)
            if len(hits):
                return int(hits[-1])
        return None

    def next_change(self, cpu: int, register: int, start: int, mask: int = MASK64) -> int | None:
        """The first change of (those bits of) a register from a moment on."""
        self._take_changes()
        first = int(self.columns.change_end[start])
        for piece in self._changes.pieces_from(_register_key(cpu, register), first):
            hits = self._flipping(piece, mask)
            if len(hits):
                return int(hits[0])
        return None

    def step_of_change(self, change: int) -> int:
        """The step that made it."""
        return int(np.searchsorted(self.columns.change_end, change, "right")) - 1

    def previous_execution(self, first: int, end: int, before: int, cpu: int | None = None) -> int | None:
        """The last instruction that began in first … end-1 before a moment, on one CPU or on any."""
        self._take_executions()
        found = max((self._executions.before(key, before) for key in self._executing(first, end, cpu)), default=-1)
        return None if found < 0 else found

    def next_execution(self, first: int, end: int, start: int, cpu: int | None = None) -> int | None:
        """The first instruction that begins in first … end-1 from a moment on, on one CPU or on any."""
        self._take_executions()
        steps = (self._executions.start_at(key, start) for key in self._executing(first, end, cpu))
        return min((step for step in steps if step >= 0), default=None)

    def register(self, cpu: int, register: int, moment: int) -> int:
        """Its value at a moment."""
        self._take_changes()
        change = self._changes.before(_register_key(cpu, register), int(self.columns.change_end[moment]))
        return self._start.regs[cpu][register] if change < 0 else int(self.columns.reg_new[change])

    def memory(self, address: int, length: int, moment: int) -> bytes:
        """The bytes at a moment."""
        return self.memory_after(address, length, int(self.columns.write_end[moment]))

    def memory_after(self, address: int, length: int, writes: int) -> bytes:
        """The bytes after that many writes."""
        return self.written(address, length, self.writers(address, length, writes))

    def written(self, address: int, length: int, stretches: Iterable[Stretch]) -> bytes:
        """The bytes, given who wrote which of them."""
        found = bytearray(self._start.memory.read(address, length))
        for at, count, write in stretches:
            if write is None:
                continue
            new = int(self.columns.write_new[write]).to_bytes(_LONGEST_WRITE, "little")
            skipped = ram_offset(address) + at - ram_offset(int(self.columns.write_addr[write]))
            found[at : at + count] = new[skipped : skipped + count]
        return bytes(found)

    def writers(self, address: int, length: int, writes: int) -> list[Stretch]:
        """Who wrote which of the bytes last among that many writes, in order of the bytes."""
        found: list[Stretch] = []
        pending = [(0, length, writes)]
        while pending:
            first, count, end = pending.pop()
            write = self.last_of_writes(address + first, count, end)
            if write is None:
                found.append(Stretch(first, count, None))
                continue
            start = ram_offset(int(self.columns.write_addr[write])) - ram_offset(address)
            begin, stop = max(first, start), min(first + count, start + int(self.columns.write_size[write]))
            found.append(Stretch(begin, stop - begin, write))
            pending += [(a, b - a, write) for a, b in ((first, begin), (stop, first + count)) if a < b]
        return sorted(found, key=_start)

    def _stores_to_device(self, step: int, address: int, length: int, cpu: int | None) -> bool:
        is_there = cpu is None or cpu == int(self.columns.cpu[step])
        return is_there and any(write.touches(address, length) for write in self.columns.device[step])

    def _touching(self, address: int, length: int) -> list[int]:
        """The keys of every write that touches the bytes."""
        if length < 1:
            raise ValueError(f"{length} bytes: a range has at least one")
        offset = ram_offset(address)
        end = offset + length
        if end > RAM_SIZE:
            raise ValueError(f"{length} bytes at {address:#x} end behind guest RAM")
        near = self._writes.keys(offset - _LONGEST_WRITE + 1 << _SIZE_BITS, end << _SIZE_BITS)
        return [key for key in near if (key >> _SIZE_BITS) + (key & _SIZE_MASK) > offset]

    def _take_writes(self) -> None:
        columns, done = self.columns, self._written
        count = len(columns.write_addr)
        if count == done:
            return
        address, size = columns.write_addr[done:], columns.write_size[done:].astype(np.int64)
        offset = np.where(address >= _RAM_START, address - _RAM_START, address - _ALIAS_START).astype(np.int64)
        self._writes.extend(offset << _SIZE_BITS | size, np.arange(done, count))
        self._written = count

    def _take_changes(self) -> None:
        columns, done = self.columns, self._changed
        count = len(columns.cpu)
        if count == done:
            return
        first = int(columns.change_end[done])
        cpus = np.repeat(columns.cpu[done:], np.diff(columns.change_end[done:]))
        keys = cpus * np.uint8(len(REGISTERS)) + columns.register[first:]
        self._changes.extend(keys, np.arange(first, len(columns.register)))
        self._changed = count

    def _flipping(self, changes: NDArray[np.uint32], mask: int) -> NDArray[np.uint32]:
        """Those of the changes that touch a bit of the mask."""
        flipped = self.columns.reg_old[changes] ^ self.columns.reg_new[changes]
        touching: NDArray[np.uint32] = changes[(flipped & np.uint64(mask)) != 0]
        return touching

    def _take_executions(self) -> None:
        columns, done = self.columns, self._executed
        count = len(columns.cpu)
        if count == done:
            return
        instructions = np.flatnonzero(columns.vector[done:] < 0) + done
        self._executions.extend(
            columns.code[instructions].astype(np.int64) * MAX_CPUS + columns.cpu[instructions], instructions
        )
        for number in range(self._codes, len(self.trace.code_table)):
            address, code = self.trace.code_table[number]
            if code:
                known = self._codes_at.setdefault(address, [])
                if not known:
                    insort(self._addresses, address)
                known.append(number)
        self._codes = len(self.trace.code_table)
        self._executed = count

    def _executing(self, first: int, end: int, cpu: int | None) -> Iterator[int]:
        """The keys of every instruction that begins there."""
        for address in self._addresses[bisect_left(self._addresses, first) : bisect_left(self._addresses, end)]:
            for number in self._codes_at[address]:
                yield from (number * MAX_CPUS + each for each in (range(MAX_CPUS) if cpu is None else (cpu,)))


def _register_key(cpu: int, register: int) -> int:
    return cpu * len(REGISTERS) + register


def _start(stretch: Stretch) -> int:
    return stretch.first
