"""The ELF's symbols: by name, and by the address that they cover.

Per-CPU symbols live in a section linked at 0: their value is an offset from the GS base, so they have a name but
cover no address. Labels inside a function cover what follows them, as in the kernel's own backtraces
(`ftrace_call+0x5`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from trapscope.core.errors import ImageError

#: Linked at 0 and not loaded: every CPU has its own area for it.
PER_CPU_SECTION = ".data..percpu"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name, its address (an offset from the GS base if `per_cpu`), and its size (0 for a label)."""

    name: str
    address: int
    size: int
    per_cpu: bool = False


class SymbolTable:
    """Symbols sorted by address. Where several share an address, functions and sized objects name it first."""

    def __init__(self, symbols: Iterable[tuple[Symbol, int, int]]) -> None:
        """Take (symbol, rank among symbols at its address, end of its section)."""
        ordered = sorted(symbols, key=lambda entry: (entry[0].address, entry[1], entry[0].name))
        self.all = tuple(symbol for symbol, _, _ in ordered)
        self._by_name: dict[str, Symbol] = {}
        for symbol in self.all:
            self._by_name.setdefault(symbol.name, symbol)
        entries = [(symbol, end) for symbol, _, end in ordered if symbol.address < end]
        self._addressed = _Cover((symbol, end) for symbol, end in entries if not symbol.per_cpu)
        self._per_cpu = _Cover((symbol, end) for symbol, end in entries if symbol.per_cpu)

    @classmethod
    def from_elf(cls, elf: ELFFile) -> SymbolTable:
        """Read `.symtab`; files, sections and undefined symbols are left out."""
        table = elf.get_section_by_name(".symtab")
        if not isinstance(table, SymbolTableSection):
            raise ImageError("the guest's ELF has no symbol table")
        extents = [(s.name, int(s["sh_addr"]) + int(s["sh_size"])) for s in elf.iter_sections()]
        return cls(_readable(table, extents))

    def find(self, name: str) -> Symbol | None:
        """The symbol of that name, if there is one."""
        return self._by_name.get(name)

    def locate(self, address: int) -> tuple[Symbol, int] | None:
        """The innermost symbol that covers the address, and the offset into it."""
        return self._addressed.locate(address)

    def locate_per_cpu(self, offset: int) -> tuple[Symbol, int] | None:
        """The same for an offset from the GS base."""
        return self._per_cpu.locate(offset)


class _Cover:
    """Symbols of one address space, with the ends of their sections, in order of address; the first at one counts."""

    def __init__(self, entries: Iterable[tuple[Symbol, int]]) -> None:
        first: dict[int, tuple[Symbol, int]] = {}
        for symbol, end in entries:
            first.setdefault(symbol.address, (symbol, end))
        self._addresses = list(first)
        self._entries = list(first.values())

    def locate(self, address: int) -> tuple[Symbol, int] | None:
        index = bisect_right(self._addresses, address) - 1
        while index >= 0:
            symbol, section_end = self._entries[index]
            if address >= section_end:
                return None
            if symbol.size == 0 or address < symbol.address + symbol.size:
                return symbol, address - symbol.address
            index -= 1
        return None


def _readable(table: SymbolTableSection, extents: list[tuple[str, int]]) -> Iterable[tuple[Symbol, int, int]]:
    for entry in table.iter_symbols():
        kind, section = entry["st_info"]["type"], entry["st_shndx"]
        if not entry.name or kind in ("STT_FILE", "STT_SECTION") or section == "SHN_UNDEF":
            continue
        address, size = int(entry["st_value"]), int(entry["st_size"])
        if not isinstance(section, int):
            # Absolute, as the linker script's assignments are: they name a place but cover nothing.
            yield Symbol(entry.name, address, size), 9, 0
            continue
        section_name, end = extents[section]
        rank = 2 * (size == 0) + 4 * entry.name.startswith(("_", ".")) + (entry["st_info"]["bind"] == "STB_LOCAL")
        yield Symbol(entry.name, address, size, per_cpu=section_name == PER_CPU_SECTION and address < end), rank, end
