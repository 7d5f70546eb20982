"""The recorder: a little C (backend/recorder) that Unicorn's hooks call once an instruction and once a store.

A callback into Python costs more than the instruction that it looks at, ten times over. Here is what C is given to
work with, and what it says of a run; which bytes an instruction is, and what a store means, is found out between runs.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from unicorn import Uc, unicorn_const

from trapscope.core.errors import EmulatorUnfit
from trapscope.core.machine import native
from trapscope.core.machine.guest_memory import GuestMemory
from trapscope.core.machine.registers import ROWS, WIDTH, RegisterFiles
from trapscope.core.types import DIRECT_MAP, KERNEL_MAP, RAM_BASE, RAM_SIZE

#: An address that RIP never has, for a run to end at.
NOWHERE: Final = 1 << 63
STOP_AFTER: Final = 1
"""A mark: the run ends behind this instruction."""
STOP_BEFORE: Final = 2
"""A mark: no run executes this instruction."""

_TEXT_MAP: Final = KERNEL_MAP + RAM_BASE
_STORES: Final = 2 * ROWS
#: Where `STORES_OF_ONE` of recorder.c makes a run end: one instruction's stores must fit.
_STORES_FULL: Final = _STORES - 64
_SHOWN: Final = 256
#: Longest instruction, in bytes.
_LONGEST_INSTRUCTION: Final = 15

STORE: Final = np.dtype([("address", "u8"), ("old", "u8"), ("value", "u8"), ("row", "u4"), ("size", "u4")])
"""`struct store`: values are little-endian numbers of `size` bytes."""


class _Struct(ctypes.Structure):
    """`struct recorder`, field by field."""

    _fields_ = (
        ("start", ctypes.c_void_p),
        ("stop", ctypes.c_void_p),
        ("read_registers", ctypes.c_void_p),
        ("uc", ctypes.c_void_p),
        ("ids", ctypes.c_void_p),
        ("files", ctypes.c_void_p),
        ("ram", ctypes.c_void_p),
        ("fetched", ctypes.c_void_p),
        ("code_at", ctypes.c_void_p),
        ("marks", ctypes.c_void_p),
        ("lags", ctypes.c_void_p),
        ("codes", ctypes.c_void_p),
        ("rips", ctypes.c_void_p),
        ("sizes", ctypes.c_void_p),
        ("stores", ctypes.c_void_p),
        ("shown", ctypes.c_void_p),
        ("kernel_map", ctypes.c_uint64),
        ("direct_map", ctypes.c_uint64),
        ("ram_size", ctypes.c_uint64),
        ("text_first", ctypes.c_uint64),
        ("text_end", ctypes.c_uint64),
        ("stop_at", ctypes.c_uint64),
        ("width", ctypes.c_uint32),
        ("stores_most", ctypes.c_uint32),
        ("shown_most", ctypes.c_uint32),
        ("lagging", ctypes.c_uint32),
        ("first", ctypes.c_uint32),
        ("rows", ctypes.c_uint32),
        ("stored", ctypes.c_uint32),
        ("shown_count", ctypes.c_uint32),
        ("stopping", ctypes.c_uint32),
        ("unknown", ctypes.c_uint32),
        ("patched", ctypes.c_uint32),
    )


class Recorder:
    """The notes of one engine: row i is step i since somebody last took them."""

    def __init__(self, uc: Uc, files: RegisterFiles, memory: GuestMemory, *, weak: bool) -> None:
        """Adds its hooks, to be there before the first run. Raises EmulatorUnfit where there is no recorder."""
        library = _library()
        self._run = library.recorder_run
        self._now = files.now_cells
        text_first, text_end = memory.text
        self.codes: NDArray[np.int32] = np.empty(ROWS, np.int32)
        """By row, the number of the instruction; -1 where `code_at` has none yet."""
        self.rips: NDArray[np.uint64] = np.empty(ROWS, np.uint64)
        self.sizes: NDArray[np.uint8] = np.empty(ROWS, np.uint8)
        self.stores: NDArray[Any] = np.zeros(_STORES, STORE)
        """Stores of all rows, in order."""
        self.code_at: NDArray[np.int32] = np.full(text_end, -1, np.int32)
        """By RAM offset, what the journal calls the instruction that fetches give there now."""
        self._marks: NDArray[np.uint8] = np.zeros(text_end, np.uint8)
        self._lags: NDArray[np.uint8] = np.zeros(text_end, np.uint8)
        self._shown: NDArray[np.uint32] = np.empty(_SHOWN, np.uint32)
        self.notes = notes = _Struct(
            start=_address(native.start),
            stop=_address(native.stop),
            read_registers=_address(native.read_registers),
            uc=files.engine.value,
            ids=ctypes.addressof(files.ids),
            files=files.first_cell,
            ram=memory.ram_address,
            fetched=memory.fetched_address,
            kernel_map=_TEXT_MAP,
            direct_map=DIRECT_MAP + RAM_BASE,
            ram_size=RAM_SIZE,
            text_first=text_first,
            text_end=text_end,
            stop_at=NOWHERE,
            width=WIDTH,
            stores_most=_STORES,
            shown_most=_SHOWN,
        )
        for name, array in (
            ("code_at", self.code_at), ("marks", self._marks), ("lags", self._lags), ("codes", self.codes),
            ("rips", self.rips), ("sizes", self.sizes), ("stores", self.stores), ("shown", self._shown),
        ):  # fmt: skip
            setattr(notes, name, array.ctypes.data)
        self._notes_at = ctypes.byref(notes)
        native.add_hook(uc, unicorn_const.UC_HOOK_CODE, library.recorder_on_code, self._notes_at)
        native.add_hook(uc, unicorn_const.UC_HOOK_MEM_WRITE, library.recorder_on_write, self._notes_at)
        if weak:
            native.add_hook(uc, unicorn_const.UC_HOOK_MEM_READ, library.recorder_on_read, self._notes_at)
        memory.on_forget = self._forget

    def mark(self, addresses: Iterable[int], mark: int) -> None:
        """Make runs end at these addresses of text, as the mark says; others are ignored."""
        for address in addresses:
            if 0 <= address - _TEXT_MAP < len(self._marks):
                self._marks[address - _TEXT_MAP] |= mark

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another step with its stores."""
        return bool(self.notes.rows == ROWS or self.notes.stored > _STORES_FULL)

    def run(self, cpu: int, rip: int, steps: int, stop_at: int) -> int:
        """Run the engine, which is that CPU, and read its registers; returns Unicorn's status.

        It ends early as marks say, before the address `stop_at` (unless that is the first), behind a store to text,
        and where there is no room for the next step.
        """
        self.notes.stop_at = stop_at
        status: int = self._run(self._notes_at, rip, NOWHERE, min(steps, ROWS - self.notes.rows), self._now[cpu])
        return status

    def stop(self) -> None:
        """End the run behind the instruction at hand."""
        self.notes.stopping = 1

    def lag(self, stale: dict[int, int]) -> None:
        """Fetches of these bytes of text, by RAM offset, are not as RAM has them, until `catch_up`."""
        self._lags[list(stale)] = 1
        self.notes.lagging = 1

    def catch_up(self, stale: dict[int, int]) -> dict[int, int]:
        """No fetch lags; returns the stale bytes that a data read replaced by RAM's, which it must not leave so."""
        self._lags[list(stale)] = 0
        self.notes.lagging = 0
        shown = self._shown[: self.notes.shown_count].tolist()
        self.notes.shown_count = 0
        return {offset: stale[offset] for offset in shown}

    def _forget(self, offset: int, length: int) -> None:
        """These bytes of text will be fetched anew."""
        self.code_at[max(offset - _LONGEST_INSTRUCTION + 1, 0) : offset + length] = -1


@cache
def _library() -> ctypes.PyDLL:
    """The library that is built for this machine."""
    machine = platform.machine()
    path = f"{native.PACKAGE}assets/recorder/recorder.{machine}.so"
    try:
        library = ctypes.PyDLL(path)
    except OSError as error:
        raise EmulatorUnfit(f"there is no recorder for {machine} here (run `make recorder`): {error}") from None
    library.recorder_size.restype = ctypes.c_size_t
    if library.recorder_size() != ctypes.sizeof(_Struct):
        raise EmulatorUnfit(f"the recorder for {machine} is of another version: run `make recorder`")
    library.recorder_run.argtypes = (
        ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_size_t, ctypes.c_void_p,
    )  # fmt: skip
    library.recorder_run.restype = ctypes.c_int
    return library


def _address(function: Any) -> int | None:
    return ctypes.cast(function, ctypes.c_void_p).value
