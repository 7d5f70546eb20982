"""What C knows about the guest's data: struct layouts, enums and variables, from DWARF.

Also reads a plain object file, so that the same headers compiled without CONFIG_DYNAMIC_FTRACE can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DWARFInfo

from trapscope.core.errors import ImageError
from trapscope.core.image.dwarf_types import array_of, layout_of, name_of, size_of, type_of
from trapscope.core.image.layout import StructLayout

_DW_OP_ADDR = 0x03
_DW_OP_ADDRX = 0xA1


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable with static storage: its address (an offset from the GS base if per-CPU) and its type."""

    name: str
    address: int
    size: int
    type: str
    extents: tuple[int, ...]


class Layouts:
    """Types and variables of all units. The first definition of a name is the one that counts."""

    def __init__(self, dwarf: DWARFInfo) -> None:
        self._dwarf = dwarf
        self._structs: dict[str, StructLayout] = {}

    def struct(self, name: str) -> StructLayout:
        """The layout of `struct name` (or of a union or a typedef of one)."""
        if name not in self._structs:
            die = self._index.structs.get(name)
            if die is None:
                raise ImageError(f"the guest has no struct {name!r}")
            self._structs[name] = layout_of(die, name)
        return self._structs[name]

    def enum(self, name: str) -> dict[str, int]:
        """The enumerators of `enum name`, in order."""
        die = self._index.enums.get(name)
        if die is None:
            raise ImageError(f"the guest has no enum {name!r}")
        return {
            name_of(child): int(child.attributes["DW_AT_const_value"].value)
            for child in die.iter_children()
            if child.tag == "DW_TAG_enumerator"
        }

    @property
    def struct_names(self) -> tuple[str, ...]:
        return tuple(sorted(self._index.structs))

    @cached_property
    def variables(self) -> dict[str, Variable]:
        """Every variable that has an address, by name."""
        found: dict[str, Variable] = {}
        for die in self._index.variables:
            address = self._address(die)
            spec = die.get_DIE_from_attribute("DW_AT_specification") if "DW_AT_specification" in die.attributes else die
            if address is None or "DW_AT_name" not in spec.attributes or "DW_AT_type" not in spec.attributes:
                continue
            type_die = spec.get_DIE_from_attribute("DW_AT_type")
            base, extents = array_of(type_die)
            found.setdefault(name_of(spec), Variable(name_of(spec), address, size_of(type_die), type_of(base), extents))
        return found

    def _address(self, die: DIE) -> int | None:
        """The operand of a lone DW_OP_addr or DW_OP_addrx; anything else is no static variable."""
        attribute = die.attributes["DW_AT_location"]
        location = attribute.value
        if attribute.form != "DW_FORM_exprloc" or not location:
            return None
        if location[0] == _DW_OP_ADDR and len(location) == 9:
            return int.from_bytes(bytes(location[1:]), "little")
        if location[0] == _DW_OP_ADDRX and all(byte & 0x80 for byte in location[1:-1]) and not location[-1] & 0x80:
            index = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(location[1:]))
            return int(self._dwarf.get_addr(die.cu, index))
        return None

    @cached_property
    def _index(self) -> _Index:
        return _Index(self._dwarf)


class _Index:
    """One walk over all entries, which is what costs; types are laid out only when asked for."""

    def __init__(self, dwarf: DWARFInfo) -> None:
        self.structs: dict[str, DIE] = {}
        self.enums: dict[str, DIE] = {}
        self.variables: list[DIE] = []
        for die in _entries(dwarf):
            match die.tag:
                case "DW_TAG_structure_type" | "DW_TAG_union_type":
                    if "DW_AT_name" in die.attributes and "DW_AT_declaration" not in die.attributes:
                        self.structs.setdefault(name_of(die), die)
                case "DW_TAG_enumeration_type":
                    if "DW_AT_name" in die.attributes:
                        self.enums.setdefault(name_of(die), die)
                case "DW_TAG_variable":
                    if "DW_AT_location" in die.attributes:
                        self.variables.append(die)
                case _:
                    pass


def _entries(dwarf: DWARFInfo) -> Iterator[DIE]:
    for unit in dwarf.iter_CUs():
        yield from unit.iter_DIEs()
