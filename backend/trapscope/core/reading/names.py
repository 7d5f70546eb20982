"""Names for addresses as people say them: the function or variable around an address, and the stack it lies in.

A sized symbol that contains an address wins over a nearer label: ftrace_call is a place inside ftrace_caller. Both
mappings of RAM name the same things.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from typing import Final

from trapscope.core.image import Image
from trapscope.core.types import DIRECT_MAP, KERNEL_MAP

#: Absolute symbols of the linker script lie below.
_IMAGE_START: Final = 0x1000000
#: How far behind a label without a size an address still counts as part of it.
_LABEL_REACH: Final = 4096
_STACKS: Final = "_stacks"


@dataclass(frozen=True, slots=True)
class Area:
    """A stack, or any other object: `[start, end)`, in the kernel mapping."""

    name: str
    start: int
    end: int


class Names:
    """Asks one image; answers are kept."""

    def __init__(self, image: Image) -> None:
        mapped = [s for s in image.symbols if not s.per_cpu and s.address >= KERNEL_MAP + _IMAGE_START]
        self._sized = [(s.address, s.size, s.name) for s in mapped if s.size]
        self._labels = [(s.address, s.name) for s in mapped if not s.size]
        self._sized_at = [address for address, _, _ in self._sized]
        self._labels_at = [address for address, _ in self._labels]
        self._stacks = {
            name: variable.size // variable.extents[0]
            for name, variable in image.layouts.variables.items()
            if name.endswith(_STACKS) and variable.extents
        }
        self._text = range(image.symbol("_text").address, image.symbol("_etext").address)
        self.owner = cache(self._owner)
        """The function or variable that an address lies in, without the offset; None outside the image."""

    def name(self, address: int) -> str | None:
        """`traced_fn+0x5`, `traced_fn` at its start; None where no symbol is."""
        place = self._locate(address) or self._behind(address)
        if place is None:
            return None
        name, offset = place
        return f"{name}+{offset:#x}" if offset else name

    def code(self, value: int) -> str | None:
        """The name of an address in the kernel's text; None for any other value."""
        return self.name(value) if value in self._text else None

    def label(self, address: int) -> str | None:
        """The label at the address itself: ftrace_regs_call rather than ftrace_regs_caller+0xb0."""
        at = bisect_right(self._labels_at, _mapped(address)) - 1
        return self._labels[at][1] if at >= 0 and self._labels_at[at] == _mapped(address) else None

    def area(self, address: int) -> Area | None:
        """The stack (`thread_stacks[1]`) or the object around an address."""
        place = self._locate(address)
        if place is None:
            return None
        name, offset = place
        start = _mapped(address) - offset
        if name not in self._stacks:
            size = next((size for at, size, owner in self._sized if at == start and owner == name), 0)
            return Area(name, start, start + size)
        size = self._stacks[name]
        index = offset // size
        return Area(f"{name}[{index}]", start + index * size, start + (index + 1) * size)

    def stack(self, pointer: int) -> str:
        """A key for the stack that a pointer points into; an empty stack's pointer stands behind its last word."""
        area = self.area(pointer - 1)
        return f"{pointer >> 12:x}" if area is None else area.name

    def word(self, value: int) -> str:
        """A 64-bit value as people read it: a symbol, a short address on a stack, else its digits."""
        if value <= 0xFFFF:
            return f"{value:#x}"
        if (self.owner(value) or "").endswith(_STACKS):
            return short(value)
        return self.name(value) or wide(value)

    def _owner(self, address: int) -> str | None:
        place = self._locate(address)
        return None if place is None else place[0]

    def _locate(self, address: int) -> tuple[str, int] | None:
        at = _mapped(address)
        if at < KERNEL_MAP + _IMAGE_START:
            return None
        end = 0
        index = bisect_right(self._sized_at, at) - 1
        if index >= 0:
            start, size, name = self._sized[index]
            end = start + size
            if at < end:
                return name, at - start
        index = bisect_right(self._labels_at, at) - 1
        if index >= 0 and at - self._labels_at[index] < _LABEL_REACH and self._labels_at[index] >= end:
            return self._labels[index][1], at - self._labels_at[index]
        return None

    def _behind(self, address: int) -> tuple[str, int] | None:
        """A return address behind a function's last instruction, a call that never returns, still belongs to it."""
        at = _mapped(address)
        index = bisect_right(self._sized_at, at - 1) - 1
        if index < 0:
            return None
        start, size, name = self._sized[index]
        return (name, size) if at == start + size else None


def short(value: int) -> str:
    """The last four digits, for an address whose neighbours share the rest."""
    return f"…{value & 0xFFFF:04x}"


def wide(value: int) -> str:
    """Sixteen digits in groups of four."""
    digits = f"{value:016x}"
    return " ".join(digits[at : at + 4] for at in range(0, 16, 4))


def _mapped(address: int) -> int:
    """The address in the kernel mapping."""
    return address if address >= KERNEL_MAP or address < DIRECT_MAP else address - DIRECT_MAP + KERNEL_MAP
