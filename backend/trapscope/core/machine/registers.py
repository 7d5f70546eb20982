"""The register files: of every CPU now, and before each of the steps that nobody has taken yet.

All lie in one buffer of rows, read and written by Unicorn's C batch calls through pointers that are made once.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from unicorn import Uc, x86_const

from trapscope.core.machine import native
from trapscope.core.types import MAX_CPUS, REGISTERS

_IDS: Final = {
    **{name: getattr(x86_const, f"UC_X86_REG_{name.upper()}") for name in REGISTERS if name != "rflags"},
    "rflags": x86_const.UC_X86_REG_EFLAGS,
}
#: Registers in a file.
WIDTH: Final = len(REGISTERS)
#: How many files can be kept before somebody takes them: the longest slice of one run.
ROWS: Final = 4096
#: By register, what Unicorn calls it.
REGISTER_IDS: Final = tuple(_IDS[name] for name in REGISTERS)


class RegisterFiles:
    """Files of REGISTERS, in that order. Row i < ROWS is kept by the recorder; the CPUs' own come behind those."""

    def __init__(self, uc: Uc) -> None:
        self.engine = native.handle_of(uc)
        self.ids = (ctypes.c_int * WIDTH)(*REGISTER_IDS)
        self._count = ctypes.c_int(WIDTH)
        # Zeroed 64-bit cells: Unicorn writes only as many bytes as the register has (two for cs and ss).
        self._cells = (ctypes.c_uint64 * (WIDTH * (ROWS + MAX_CPUS)))()
        self.words = memoryview(self._cells).cast("B").cast("Q")
        """Every word of every row."""
        self._table: NDArray[np.uint64] = np.frombuffer(self.words, np.uint64).reshape(ROWS + MAX_CPUS, WIDTH)
        self.first_cell = ctypes.addressof(self._cells)
        self.now_cells = [self.first_cell + 8 * WIDTH * (ROWS + cpu) for cpu in range(MAX_CPUS)]
        """By CPU, where its registers after its last step are."""
        self._now_pointers = [_pointers(base) for base in self.now_cells]
        self.now = [self.kept(ROWS + cpu) for cpu in range(MAX_CPUS)]
        """The same, to index by register."""

    def kept(self, row: int) -> memoryview[int]:
        """A file that was kept."""
        return self.words[row * WIDTH : (row + 1) * WIDTH]

    def read(self, cpu: int) -> None:
        """Take over the registers of the CPU that the engine is now."""
        native.read_registers(self.engine, self.ids, self._now_pointers[cpu], self._count)

    def keep_now(self, cpu: int, row: int) -> None:
        """Keep the CPU's registers in that row, without asking the engine."""
        self._table[row] = self._table[ROWS + cpu]

    def write(self, changes: Sequence[tuple[int, int]]) -> None:
        """Set (register index, value) pairs in the engine; raises UcError where it refuses one."""
        count = len(changes)
        values = (ctypes.c_uint64 * count)(*(value for _, value in changes))
        ids = (ctypes.c_int * count)(*(self.ids[register] for register, _ in changes))
        base = ctypes.addressof(values)
        pointers = (ctypes.c_void_p * count)(*(base + 8 * i for i in range(count)))
        native.check(native.write_registers(self.engine, ids, pointers, ctypes.c_int(count)))

    def copy(self, rows: int, cpus: int) -> NDArray[np.uint64]:
        """The first `rows` kept files, and behind them those of the CPUs now: shape (rows + cpus, WIDTH)."""
        return np.concatenate((self._table[:rows], self._table[ROWS : ROWS + cpus]))

    def snapshot(self) -> bytes:
        """The CPUs' registers, as `restore` takes them."""
        return bytes(self._table[ROWS:])

    def restore(self, files: bytes) -> None:
        """Be as at `snapshot()`; the engine is not told."""
        self._table[ROWS:] = np.frombuffer(files, np.uint64).reshape(MAX_CPUS, WIDTH)


def _pointers(base: int) -> Any:
    return (ctypes.c_void_p * WIDTH)(*(base + 8 * i for i in range(WIDTH)))
