"""Guest RAM as an image that can be shared between moments: pages are copied on the first write after a snapshot.

Addresses are virtual, of either mapping; both name the same bytes (types.ram_offset).
"""

from __future__ import annotations

import hashlib
from typing import Final

from trapscope.core.types import RAM_SIZE, ram_offset

_PAGE_SHIFT: Final = 12
PAGE: Final = 1 << _PAGE_SHIFT
_IN_PAGE: Final = PAGE - 1

Pages = tuple[bytes, ...]


class Memory:
    """All of guest RAM at one moment."""

    __slots__ = ("_dirty", "_pages")

    def __init__(self, pages: Pages) -> None:
        self._pages: list[bytes | bytearray] = list(pages)
        self._dirty: list[int] = []
        """Pages that are bytearrays: written since the last snapshot."""

    @classmethod
    def of(cls, ram: bytes) -> Memory:
        """From `RAM_SIZE` bytes; raises ValueError for any other length."""
        if len(ram) != RAM_SIZE:
            raise ValueError(f"guest RAM has {RAM_SIZE} bytes, not {len(ram)}")
        return cls(tuple(ram[start : start + PAGE] for start in range(0, RAM_SIZE, PAGE)))

    def snapshot(self) -> Pages:
        """The pages as they are now, shared with this memory: a later write copies the page it touches."""
        for page in self._dirty:
            self._pages[page] = bytes(self._pages[page])
        self._dirty.clear()
        return tuple(self._pages)  # type: ignore[arg-type]  # every page is bytes now

    def read(self, address: int, length: int) -> bytes:
        """`length` bytes at a virtual address; raises ValueError outside RAM."""
        offset = ram_offset(address)
        page, start = offset >> _PAGE_SHIFT, offset & _IN_PAGE
        if start + length <= PAGE:
            return bytes(self._pages[page][start : start + length])
        if offset + length > RAM_SIZE:
            raise ValueError(f"{length} bytes at {address:#x} end behind guest RAM")
        return self.read(address, PAGE - start) + self.read(address + PAGE - start, length - PAGE + start)

    def write(self, address: int, data: bytes) -> None:
        """Store `data` at a virtual address; raises ValueError outside RAM."""
        offset = ram_offset(address)
        start = offset & _IN_PAGE
        if start + len(data) <= PAGE:
            into = self._pages[offset >> _PAGE_SHIFT]
            if not isinstance(into, bytearray):
                into = self._writable(offset >> _PAGE_SHIFT)
            into[start : start + len(data)] = data
            return
        if offset + len(data) > RAM_SIZE:
            raise ValueError(f"{len(data)} bytes at {address:#x} end behind guest RAM")
        done = 0
        while done < len(data):
            page, start = divmod(offset + done, PAGE)
            part = data[done : done + PAGE - start]
            self._writable(page)[start : start + len(part)] = part
            done += len(part)

    def u64(self, address: int) -> int:
        """The little-endian 64-bit word at `address`."""
        return int.from_bytes(self.read(address, 8), "little")

    def u32(self, address: int) -> int:
        """The little-endian 32-bit word at `address`."""
        return int.from_bytes(self.read(address, 4), "little")

    def digest_into(self, digest: hashlib._Hash) -> None:
        """Feed every byte to a running hash, in address order."""
        for page in self._pages:
            digest.update(page)

    def _writable(self, page: int) -> bytearray:
        current = self._pages[page]
        if isinstance(current, bytearray):
            return current
        copy = bytearray(current)
        self._pages[page] = copy
        self._dirty.append(page)
        return copy
