"""The register file, read and written by Unicorn's C batch calls through buffers that are made once.

The Python binding's own reads cost about twenty times as much (docs/decisions/0002).
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Final

from unicorn import Uc, UcError, x86_const
from unicorn.unicorn_py3.unicorn import uclib

from trapscope.core.types import REGISTERS

_IDS: Final = {
    **{name: getattr(x86_const, f"UC_X86_REG_{name.upper()}") for name in REGISTERS if name != "rflags"},
    "rflags": x86_const.UC_X86_REG_EFLAGS,
}
_COUNT: Final = len(REGISTERS)
#: How many register files can be kept before somebody reads them: the longest slice of one run.
ROWS: Final = 256


class RegisterFile:
    """The registers of REGISTERS, in that order, of whichever CPU the engine is being."""

    def __init__(self, uc: Uc) -> None:
        self._handle = uc._uch
        self._ids = (ctypes.c_int * _COUNT)(*(_IDS[name] for name in REGISTERS))
        # Zeroed 64-bit cells: Unicorn writes only as many bytes as the register has (two for cs and ss).
        self._cells = (ctypes.c_uint64 * _COUNT)()
        self._one = _pointers(ctypes.addressof(self._cells))
        self._rows = (ctypes.c_uint64 * (_COUNT * ROWS))()
        first = ctypes.addressof(self._rows)
        self._row_pointers = [_pointers(first + 8 * _COUNT * row) for row in range(ROWS)]
        self._words = memoryview(self._rows).cast("B").cast("Q")
        self._read = uclib.uc_reg_read_batch
        self._write = uclib.uc_reg_write_batch

    def read(self) -> tuple[int, ...]:
        """All registers, in the order of REGISTERS."""
        self._read(self._handle, self._ids, self._one, _COUNT)
        return tuple(self._cells)

    def keep(self, row: int) -> None:
        """Copy all registers into row `row` of ROWS: the hot path, one call of C and no Python object."""
        self._read(self._handle, self._ids, self._row_pointers[row], _COUNT)

    def kept(self, row: int) -> tuple[int, ...]:
        """What `keep(row)` saw."""
        return tuple(self._words[row * _COUNT : row * _COUNT + _COUNT])

    def write(self, changes: Sequence[tuple[int, int]]) -> None:
        """Set (register index, value) pairs; raises UcError where the engine refuses one."""
        count = len(changes)
        values = (ctypes.c_uint64 * count)(*(value for _, value in changes))
        ids = (ctypes.c_int * count)(*(self._ids[register] for register, _ in changes))
        base = ctypes.addressof(values)
        pointers = (ctypes.c_void_p * count)(*(base + 8 * i for i in range(count)))
        status = self._write(self._handle, ids, pointers, count)
        if status:
            raise UcError(status)


def _pointers(base: int) -> ctypes.Array[ctypes.c_void_p]:
    return (ctypes.c_void_p * _COUNT)(*(base + 8 * i for i in range(_COUNT)))
