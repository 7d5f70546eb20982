"""Guest RAM as Unicorn sees it: the kernel mapping, its writable alias, and the text that the CPU fetches.

Text is mapped from a buffer of its own, which shows what the current CPU would decode; everything else, and the
alias of text too, is RAM itself.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Final

from unicorn import Uc, unicorn_const

from trapscope.core.types import DIRECT_MAP, KERNEL_MAP, RAM_BASE, RAM_SIZE, ram_offset

_PAGE: Final = 4096
_TEXT_MAP: Final = KERNEL_MAP + RAM_BASE
_ALIAS: Final = DIRECT_MAP + RAM_BASE
_READ, _WRITE, _EXEC = unicorn_const.UC_PROT_READ, unicorn_const.UC_PROT_WRITE, unicorn_const.UC_PROT_EXEC
_PF_PRESENT, _PF_WRITE = 1, 2


class GuestMemory:
    """RAM (`ram`) and fetched text (`fetched`), both indexed by RAM offset. Text is [first, end) of `text`."""

    def __init__(self, uc: Uc, text: tuple[int, int]) -> None:
        """`text` holds virtual addresses; it grows to whole pages."""
        self._uc = uc
        self.on_forget: Callable[[int, int], None] = _nobody
        """Told of (RAM offset, length) of text that will be fetched anew."""
        first, end = text[0] & ~(_PAGE - 1), -(-text[1] // _PAGE) * _PAGE
        self._text = (first, end)
        self.text = self._first, self._end = first - _TEXT_MAP, end - _TEXT_MAP
        """(first, end) of text as RAM offsets."""
        self._ram_buffer, self.ram_address = _page_aligned(RAM_SIZE)
        self._fetched_buffer, self.fetched_address = _page_aligned(self._end)
        ram, fetched = self.ram_address, self.fetched_address
        self.ram = memoryview(self._ram_buffer).cast("B")[ram - ctypes.addressof(self._ram_buffer) :][:RAM_SIZE]
        self.fetched = memoryview(self._fetched_buffer).cast("B")[fetched - ctypes.addressof(self._fetched_buffer) :][
            : self._end
        ]
        if self._first:
            uc.mem_map_ptr(_TEXT_MAP, self._first, _READ | _WRITE, ram)
        uc.mem_map_ptr(first, end - first, _READ | _EXEC, fetched + self._first)
        uc.mem_map_ptr(end, _TEXT_MAP + RAM_SIZE - end, _READ | _WRITE, ram + self._end)
        uc.mem_map_ptr(_ALIAS, RAM_SIZE, _READ | _WRITE, ram)

    def is_text(self, offset: int, length: int) -> bool:
        """Whether a range of RAM overlaps text."""
        return offset < self._end and offset + length > self._first

    def read(self, address: int, length: int) -> bytes:
        """RAM by virtual address; raises ValueError outside it."""
        offset = ram_offset(address)
        if offset + length > RAM_SIZE:
            raise ValueError(f"{length} bytes at {address:#x} end behind guest RAM")
        return bytes(self.ram[offset : offset + length])

    def store(self, address: int, data: bytes) -> None:
        """Write RAM from the host; text is fetched anew."""
        offset = ram_offset(address)
        self.ram[offset : offset + len(data)] = data
        if self.is_text(offset, len(data)):
            for at, byte in enumerate(data, offset):
                if self._first <= at < self._end:
                    self.fetched[at] = byte
            self._forget(offset, len(data))

    def show(self, bytes_by_offset: dict[int, int]) -> None:
        """Make the next fetch see these bytes of text."""
        for offset, byte in bytes_by_offset.items():
            if self.fetched[offset] != byte:
                self.fetched[offset] = byte
                self._forget(offset, 1)

    def snapshot(self) -> tuple[bytes, bytes]:
        """RAM and fetched text, as `restore` takes them."""
        return bytes(self.ram), bytes(self.fetched)

    def restore(self, image: tuple[bytes, bytes]) -> None:
        """Be as at `snapshot()`; only text that differs is translated anew."""
        ram, fetched = image
        self.ram[:] = ram
        if self.fetched != fetched:
            self.show({at: byte for at, byte in enumerate(fetched) if self.fetched[at] != byte})

    def store_fault(self, address: int, length: int) -> int:
        """The #PF error code of a supervisor store (SDM vol. 3A, 4.7), or -1 where it succeeds."""
        for at in (address, address + length - 1):
            try:
                ram_offset(at)
            except ValueError:
                return _PF_WRITE
            if self._text[0] <= at < self._text[1]:
                return _PF_WRITE | _PF_PRESENT
        return -1

    def _forget(self, offset: int, length: int) -> None:
        """Drop what was translated from these bytes."""
        self._uc.ctl_remove_cache(_TEXT_MAP + offset, _TEXT_MAP + offset + length)
        self.on_forget(offset, length)


def _nobody(_offset: int, _length: int) -> None:
    """Nothing was noted of any text."""


def _page_aligned(size: int) -> tuple[ctypes.Array[ctypes.c_char], int]:
    """A zeroed buffer, and the first page boundary in it: Unicorn maps whole host pages."""
    buffer = ctypes.create_string_buffer(size + _PAGE)
    return buffer, -(-ctypes.addressof(buffer) // _PAGE) * _PAGE
