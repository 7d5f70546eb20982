"""What the CPUs did since somebody last took it: what the hooks note, and the deliveries, in the order of time."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trapscope.core.machine.block import Block, Code, View
from trapscope.core.machine.code import Trait, traits
from trapscope.core.machine.guest_memory import GuestMemory
from trapscope.core.machine.recorder import Recorder
from trapscope.core.machine.registers import RegisterFiles
from trapscope.core.types import KERNEL_MAP, RAM_BASE, RIP, DeviceWrite

_TEXT_MAP: Final = KERNEL_MAP + RAM_BASE


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
    device: bool
    """Whether it stored to the local APIC."""


class Journal:
    """Up to ROWS steps, which whoever runs the engine sees to: those of the recorder, and the deliveries between them.

    Row i of the register files, of the recorder's notes, and the CPU of step i belong together.
    """

    def __init__(self, files: RegisterFiles, recorder: Recorder, memory: GuestMemory, cpus: int) -> None:
        self._files, self._recorder, self._cpus = files, recorder, cpus
        self._notes = recorder.notes
        self._fetched = memory.fetched
        self.code_table: list[Code] = []
        """Every (address, bytes as decoded) that was ever executed; only ever grows."""
        self._code_ids: dict[Code, int] = {}
        self._views: list[View] = []
        self._turns: list[tuple[int, int]] = []
        """(CPU, end of its turn)"""
        self._vectors: dict[int, int] = {}
        self._error_codes: dict[int, int] = {}
        self._device: dict[int, tuple[DeviceWrite, ...]] = {}

    def __len__(self) -> int:
        rows: int = self._notes.rows
        return rows

    @property
    def stores(self) -> int:
        """How many stores there are."""
        stored: int = self._notes.stored
        return stored

    def code(self, row: int) -> bytes:
        """The bytes of an instruction; none for a delivery."""
        return self.code_table[self._recorder.codes.item(row)][1]

    def first_with(self, trait: Trait, first: int) -> int:
        """The first row from that one on whose instruction has the trait, or -1."""
        numbers = self._recorder.codes[first : len(self)]
        wanted = [number for number in set(numbers.tolist()) if traits(self.code_table[number][1]) is trait]
        return first + int(np.isin(numbers, wanted).argmax()) if wanted else -1

    def learn(self, first: int) -> None:
        """Number what was executed from that row on; to be called before any text changes."""
        recorder, rows = self._recorder, len(self)
        for row in (np.flatnonzero(recorder.codes[first:rows] < 0) + first).tolist():
            address = recorder.rips.item(row)
            at = address - _TEXT_MAP
            number = self._code_id((address, bytes(self._fetched[at : at + recorder.sizes.item(row)])))
            recorder.codes[row] = recorder.code_at[at] = number

    def drop_last(self) -> None:
        """The instruction noted last has not retired: nothing of it counts."""
        self._notes.rows -= 1
        last = len(self)
        while self.stores and self._recorder.stores["row"].item(self.stores - 1) == last:
            self._notes.stored -= 1
        self._device.pop(last, None)

    def store_to_device(self, address: int, data: bytes) -> None:
        """The instruction at hand stores to a device."""
        row = len(self) - 1
        self._device[row] = (*self._device.get(row, ()), DeviceWrite(address, data))

    def end_turn(self, cpu: int) -> None:
        """What was noted since the last end of a turn was this CPU's."""
        self._turns.append((cpu, len(self)))

    def deliver(self, cpu: int, vector: int, error_code: int, pushes: list[tuple[int, int, int, int]]) -> None:
        """The CPU is taking a vector; its registers have not changed yet. Pushes: (address, size, old, new)."""
        row, recorder = len(self), self._recorder
        recorder.codes[row] = self._code_id((self._files.now[cpu][RIP], b""))
        self._files.keep_now(cpu, row)
        self._vectors[row] = vector
        if error_code >= 0:
            self._error_codes[row] = error_code
        for address, size, old, new in pushes:
            recorder.stores[self.stores] = (address, old, new, row, size)
            self._notes.stored += 1
        self._notes.rows = row + 1
        self._turns.append((cpu, row + 1))

    def stored(self, first: int) -> list[tuple[int, int, int, int, int]]:
        """The stores from that one on, in order: (row, address, size, old, new), values as little-endian numbers."""
        stores = self._recorder.stores[first : self.stores]
        columns = (stores[name].tolist() for name in ("row", "address", "size", "old", "value"))
        return list(zip(*columns, strict=True))

    def see(self, cpu: int, cause: str, stale: dict[int, int]) -> None:
        """What a CPU would decode has changed, now: see View."""
        self._views.append(View(len(self) - 1, cpu, cause, stale))

    @property
    def has_news(self) -> bool:
        """Whether there is anything to take."""
        return bool(len(self) or self._views)

    def latest(self) -> Glimpse:
        """The last step; there must be one."""
        row, first = len(self) - 1, self.stores
        rows = self._recorder.stores["row"]
        while first and rows.item(first - 1) == row:
            first -= 1
        stores = [(address, size) for _, address, size, _, _ in self.stored(first)]
        rip, code = self.code_table[self._recorder.codes.item(row)]
        return Glimpse(
            self._vectors.get(row, -1),
            rip,
            code,
            self._files.now[self._turns[-1][0]][RIP],
            tuple(stores),
            bool(self._views),
            row in self._device,
        )

    def forget(self) -> None:
        """Drop what was noted; nobody wants it."""
        self._notes.rows = self._notes.stored = 0
        self._views = []
        self._turns.clear()
        self._vectors, self._error_codes, self._device = {}, {}, {}

    def take(self, first: int) -> Block:
        """Everything noted, as steps first, first + 1, …; the journal is empty then."""
        count = len(self)
        vectors = np.full(count, -1, np.int16)
        for row, vector in self._vectors.items():
            vectors[row] = vector
        stores = self._recorder.stores[: self.stores]
        block = Block(
            first=first,
            cpu=self._cpu_of(),
            vector=vectors,
            error_code=self._error_codes,
            code=self._recorder.codes[:count].copy(),
            codes=self.code_table,
            files=self._files.copy(count, self._cpus),
            write_step=stores["row"].astype(np.int64),
            write_addr=stores["address"].copy(),
            write_size=stores["size"].astype(np.uint8),
            write_old=stores["old"].copy(),
            write_new=stores["value"].copy(),
            device=self._device,
            views=self._views,
        )
        self.forget()
        return block

    def _cpu_of(self) -> NDArray[np.uint8]:
        ends = np.array([end for _, end in self._turns], np.int64)
        cpus = np.array([cpu for cpu, _ in self._turns], np.uint8)
        return np.repeat(cpus, np.diff(ends, prepend=0))

    def _code_id(self, code: Code) -> int:
        """The number of (address, bytes)."""
        found = self._code_ids.get(code)
        if found is None:
            found = self._code_ids[code] = len(self.code_table)
            self.code_table.append(code)
        return found
