"""The guest's ELF, read: segments to load, symbols, source lines, types.

Loading reads headers and symbols only; lines and types are worked out at the first question about them.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property

from elftools.common.exceptions import ELFError
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.elf.elffile import ELFFile

from trapscope.core.errors import ImageError
from trapscope.core.image.disassembly import Disassembler
from trapscope.core.image.layout import StructLayout
from trapscope.core.image.layouts import Layouts, Variable
from trapscope.core.image.lines import LineTable, SourceLine
from trapscope.core.image.symbols import Symbol, SymbolTable


@dataclass(frozen=True, slots=True)
class Segment:
    """A PT_LOAD segment: `data` is what the file holds, the rest of `memsz` is zero. `flags`: 1 X, 2 W, 4 R."""

    vaddr: int
    paddr: int
    data: bytes
    memsz: int
    flags: int


class Image:
    """Answers where things are in the guest, so that no offset is ever typed twice."""

    def __init__(self, elf: ELFFile, sha256: str) -> None:
        self.sha256 = sha256
        self.segments = tuple(
            Segment(s["p_vaddr"], s["p_paddr"], s.data(), s["p_memsz"], s["p_flags"])
            for s in elf.iter_segments()
            if s["p_type"] == "PT_LOAD"
        )
        self._elf = elf
        self._symbols = SymbolTable.from_elf(elf)
        self._lines_by_address: dict[int, SourceLine | None] = {}
        self._names: dict[int, str | None] = {}

    @classmethod
    def from_bytes(cls, elf: bytes) -> Image:
        """Read an executable; ImageError if it is none."""
        return cls(_open(elf), hashlib.sha256(elf).hexdigest())

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """All symbols, sorted by address."""
        return self._symbols.all

    def find(self, name: str) -> Symbol | None:
        """The symbol of that name, if there is one."""
        return self._symbols.find(name)

    def symbol(self, name: str) -> Symbol:
        """The symbol of that name; ImageError if the guest lacks it."""
        found = self._symbols.find(name)
        if found is None:
            raise ImageError(f"the guest has no symbol {name!r}")
        return found

    def locate(self, address: int) -> tuple[Symbol, int] | None:
        """The innermost symbol that covers the address, and the offset into it."""
        return self._symbols.locate(address)

    def name(self, address: int) -> str | None:
        """`traced_fn+0x5`, with `+0x0` at the symbol itself."""
        if address not in self._names:
            found = self._symbols.locate(address)
            self._names[address] = None if found is None else f"{found[0].name}+{found[1]:#x}"
        return self._names[address]

    def per_cpu_name(self, offset: int) -> str | None:
        """`current_task+0x0` for an offset from the GS base."""
        found = self._symbols.locate_per_cpu(offset)
        return None if found is None else f"{found[0].name}+{found[1]:#x}"

    def line(self, address: int) -> SourceLine | None:
        """The C or assembly line whose code covers the address."""
        if address not in self._lines_by_address:
            self._lines_by_address[address] = self.lines.find(address)
        return self._lines_by_address[address]

    def struct(self, name: str) -> StructLayout:
        """The layout of a struct; ImageError if the guest lacks it."""
        return self.layouts.struct(name)

    def offset(self, struct: str, path: str) -> int:
        """The offset of a member path, such as `thread_info.ftrace_int3_stack.depth`, in a struct."""
        return self.layouts.struct(struct).resolve(path)[0]

    def enum(self, name: str) -> dict[str, int]:
        """The enumerators of an enum; ImageError if the guest lacks it."""
        return self.layouts.enum(name)

    def variables_of(self, type_name: str) -> list[Variable]:
        """Every static variable of that C type (`struct task_struct`), array elements one by one."""
        found = []
        for variable in self.layouts.variables.values():
            if variable.type != type_name:
                continue
            if not variable.extents:
                found.append(variable)
                continue
            count = 1
            for extent in variable.extents:
                count *= extent
            stride = variable.size // count if count else 0
            found += [
                Variable(f"{variable.name}[{index}]", variable.address + index * stride, stride, type_name, ())
                for index in range(count)
            ]
        return sorted(found, key=lambda variable: variable.address)

    @cached_property
    def disassembler(self) -> Disassembler:
        return Disassembler(self.name, self.per_cpu_name)

    @cached_property
    def layouts(self) -> Layouts:
        return Layouts(self._dwarf)

    @cached_property
    def lines(self) -> LineTable:
        return LineTable.from_dwarf(self._dwarf)

    def bytes_at(self, address: int, length: int) -> bytes:
        """What the file holds at a virtual address, zeros included where a segment has them."""
        for segment in self.segments:
            offset = address - segment.vaddr
            if offset >= 0 and offset + length <= segment.memsz:
                return segment.data[offset : offset + length].ljust(length, b"\0")
        raise ImageError(f"no segment of the guest covers {length} bytes at {address:#x}")

    @cached_property
    def _dwarf(self) -> DWARFInfo:
        return _dwarf_of(self._elf)


def read_layouts(elf: bytes) -> Layouts:
    """The types of any ELF, an object file included."""
    return Layouts(_dwarf_of(_open(elf)))


def _open(elf: bytes) -> ELFFile:
    try:
        return ELFFile(io.BytesIO(elf))
    except ELFError as error:
        raise ImageError(f"the guest's image is no ELF file: {error}") from error


def _dwarf_of(elf: ELFFile) -> DWARFInfo:
    if not elf.has_dwarf_info():
        raise ImageError("the guest's ELF has no DWARF: it was stripped")
    return elf.get_dwarf_info()
