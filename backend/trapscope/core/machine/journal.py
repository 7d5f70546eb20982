"""What the CPUs did since somebody last took it: what the hooks note, and the deliveries, in the order of time."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trapscope.core.machine.block import Block, Code, View
from trapscope.core.machine.registers import RegisterFiles
from trapscope.core.types import RIP


class Glimpse(NamedTuple):
    """The last step, as much as it takes to say whether it may mean something."""

    vector: int
    rip: int
    code: bytes
    next_rip: int
    stores: tuple[tuple[int, int], ...]
    """(address, size)"""
    views: bool
    """Whether what some CPU would decode has changed."""


class Journal:
    """Up to ROWS steps, which whoever runs the engine sees to.

    Row i of the register files, `codes[i]` and the CPU of step i belong together.

    Unsigned 64-bit values are kept as the hook gets them, signed; `take` puts that right for all at once.
    """

    def __init__(self, files: RegisterFiles, cpus: int) -> None:
        self._files, self._cpus = files, cpus
        self.code_table: list[Code] = []
        """Every (address, bytes as decoded) that was ever executed; only ever grows."""
        self._code_ids: dict[Code, int] = {}
        self.codes: list[int] = []
        """Per step, the index into code_table."""
        self.writes: list[tuple[int, int, int, int, int]] = []
        """(step, address, size, old, new); new may be negative."""
        self._views: list[View] = []
        self._turns: list[tuple[int, int]] = []
        """(CPU, end of its turn)"""
        self._vectors: dict[int, int] = {}
        self._error_codes: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self.codes)

    def code_id(self, code: Code) -> int:
        """The number of (address, bytes)."""
        found = self._code_ids.get(code)
        if found is None:
            found = self._code_ids[code] = len(self.code_table)
            self.code_table.append(code)
        return found

    def drop_last(self) -> None:
        """The instruction noted last has not retired: nothing of it counts."""
        self.codes.pop()
        last = len(self.codes)
        self._files.rewind(last)
        while self.writes and self.writes[-1][0] == last:
            self.writes.pop()

    def end_turn(self, cpu: int) -> None:
        """What was noted since the last end of a turn was this CPU's."""
        self._turns.append((cpu, len(self.codes)))

    def deliver(self, cpu: int, vector: int, error_code: int, pushes: list[tuple[int, int, int, int]]) -> None:
        """The CPU is taking a vector; its registers have not changed yet. Pushes: (address, size, old, new)."""
        row = len(self.codes)
        self.codes.append(self.code_id((self._files.now[cpu][RIP], b"")))
        self._files.keep_now(cpu)
        self._vectors[row] = vector
        if error_code >= 0:
            self._error_codes[row] = error_code
        self.writes += [(row, at, size, old, new - (new >> 63 << 64)) for at, size, old, new in pushes]
        self._turns.append((cpu, row + 1))

    def see(self, cpu: int, cause: str, stale: dict[int, int]) -> None:
        """What a CPU would decode has changed, now: see View."""
        self._views.append(View(len(self.codes) - 1, cpu, cause, stale))

    @property
    def has_news(self) -> bool:
        """Whether there is anything to take."""
        return bool(self.codes or self._views)

    def latest(self) -> Glimpse:
        """The last step; there must be one."""
        row = len(self.codes) - 1
        stores: list[tuple[int, int]] = []
        for step, address, size, _, _ in reversed(self.writes):
            if step != row:
                break
            stores.append((address, size))
        rip, code = self.code_table[self.codes[row]]
        return Glimpse(
            self._vectors.get(row, -1),
            rip,
            code,
            self._files.now[self._turns[-1][0]][RIP],
            tuple(stores),
            bool(self._views),
        )

    def forget(self) -> None:
        """Drop what was noted; nobody wants it."""
        self.codes.clear()
        self.writes.clear()
        self._views = []
        self._turns.clear()
        self._vectors, self._error_codes = {}, {}
        self._files.rewind(0)

    def take(self, first: int) -> Block:
        """Everything noted, as steps first, first + 1, …; the journal is empty then."""
        count = len(self.codes)
        vectors = np.full(count, -1, np.int16)
        for row, vector in self._vectors.items():
            vectors[row] = vector
        steps, addresses, sizes, old, new = zip(*self.writes, strict=True) if self.writes else ((),) * 5
        size = np.array(sizes, np.uint8)
        block = Block(
            first=first,
            cpu=self._cpu_of(),
            vector=vectors,
            error_code=self._error_codes,
            code=np.array(self.codes, np.int32),
            codes=self.code_table,
            files=self._files.copy(count, self._cpus),
            write_step=np.array(steps, np.int64),
            write_addr=np.array(addresses, np.uint64),
            write_size=size,
            write_old=np.array(old, np.uint64),
            write_new=np.array(new, np.int64).view(np.uint64) & _MASKS[size],
            views=self._views,
        )
        self.forget()
        return block

    def _cpu_of(self) -> NDArray[np.uint8]:
        cpus: list[int] = []
        start = 0
        for cpu, end in self._turns:
            cpus += [cpu] * (end - start)
            start = end
        return np.array(cpus, np.uint8)


#: By size in bytes, what a store of it keeps of a 64-bit value.
_MASKS: Final = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)
