"""What C knows about the guest's data: struct layouts, enums and variables, from DWARF.

Also reads a plain object file, so that the same headers compiled without CONFIG_DYNAMIC_FTRACE can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DWARFInfo

from trapscope.core.errors import ImageError

_DW_OP_ADDR = 0x03
_DW_OP_ADDRX = 0xA1
_STEP = re.compile(r"^(\w+)((?:\[\d+\])*)$")


@dataclass(frozen=True, slots=True)
class Member:
    """One member: offset and size in bytes, C type, array extents, and the layout of a nested struct."""

    name: str
    offset: int
    size: int
    type: str
    extents: tuple[int, ...]
    struct: StructLayout | None

    @property
    def element_size(self) -> int:
        """The size of one element of the array, or of the member itself."""
        count = 1
        for extent in self.extents:
            count *= extent
        return self.size // count if count else self.size


@dataclass(frozen=True, slots=True)
class StructLayout:
    """A struct or union with its members in order of their offsets."""

    name: str
    keyword: str
    size: int
    members: tuple[Member, ...]

    def member(self, name: str) -> Member:
        for member in self.members:
            if member.name == name:
                return member
        raise ImageError(f"{self.keyword} {self.name} has no member {name!r}")

    @property
    def holes(self) -> tuple[tuple[int, int], ...]:
        """(offset, size) of every run of bytes that no member covers, padding at the end included."""
        found, end = [], 0
        for member in self.members:
            if member.offset > end:
                found.append((end, member.offset - end))
            end = max(end, member.offset + member.size)
        if self.size > end:
            found.append((end, self.size - end))
        return tuple(found)

    def resolve(self, path: str) -> tuple[int, Member]:
        """Offset and member of a path such as `thread_info.ftrace_int3_stack.slots[2]`."""
        layout, offset, member = self, 0, None
        for part in path.split("."):
            match = _STEP.match(part)
            if match is None:
                raise ImageError(f"{path!r} is no path of members")
            if member is not None:
                if member.struct is None:
                    raise ImageError(f"{member.name!r} in {path!r} of struct {self.name} has no members")
                layout = member.struct
            member = layout.member(match[1])
            offset += member.offset
            stride = member.size
            for index, extent in zip(re.findall(r"\d+", match[2]), member.extents, strict=False):
                stride //= extent
                if int(index) >= extent:
                    raise ImageError(f"{part!r} in {path!r} of struct {self.name} is beyond its {extent} elements")
                offset += int(index) * stride
        assert member is not None
        return offset, member


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
            self._structs[name] = _layout(die, name)
        return self._structs[name]

    def enum(self, name: str) -> dict[str, int]:
        """The enumerators of `enum name`, in order."""
        die = self._index.enums.get(name)
        if die is None:
            raise ImageError(f"the guest has no enum {name!r}")
        return {
            _name(child): int(child.attributes["DW_AT_const_value"].value)
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
            base, extents = _array(type_die)
            found.setdefault(_name(spec), Variable(_name(spec), address, _size(type_die), _type_name(base), extents))
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
                        self.structs.setdefault(_name(die), die)
                case "DW_TAG_enumeration_type":
                    if "DW_AT_name" in die.attributes:
                        self.enums.setdefault(_name(die), die)
                case "DW_TAG_variable":
                    if "DW_AT_location" in die.attributes:
                        self.variables.append(die)
                case _:
                    pass


def _entries(dwarf: DWARFInfo) -> Iterator[DIE]:
    for unit in dwarf.iter_CUs():
        yield from unit.iter_DIEs()


def _name(die: DIE) -> str:
    value = die.attributes["DW_AT_name"].value
    return value.decode() if isinstance(value, bytes) else str(value)


def _layout(die: DIE, name: str) -> StructLayout:
    members = tuple(_member(child) for child in die.iter_children() if child.tag == "DW_TAG_member")
    keyword = "union" if die.tag == "DW_TAG_union_type" else "struct"
    ordered = tuple(sorted(members, key=lambda member: member.offset))
    return StructLayout(name, keyword, int(die.attributes["DW_AT_byte_size"].value), ordered)


def _member(die: DIE) -> Member:
    type_die = die.get_DIE_from_attribute("DW_AT_type")
    base, extents = _array(type_die)
    place = die.attributes.get("DW_AT_data_member_location")
    resolved = _strip(base)
    nested = None
    if resolved is not None and resolved.tag in ("DW_TAG_structure_type", "DW_TAG_union_type"):
        nested = _layout(resolved, _name(resolved) if "DW_AT_name" in resolved.attributes else "")
    name = _name(die) if "DW_AT_name" in die.attributes else ""
    return Member(name, int(place.value) if place else 0, _size(type_die), _type_name(base), extents, nested)


def _array(die: DIE) -> tuple[DIE | None, tuple[int, ...]]:
    """The element type and the extents of an array type; any other type is its own element."""
    if die.tag != "DW_TAG_array_type":
        return die, ()
    extents = []
    for child in die.iter_children():
        if child.tag == "DW_TAG_subrange_type":
            if "DW_AT_count" in child.attributes:
                extents.append(int(child.attributes["DW_AT_count"].value))
            elif "DW_AT_upper_bound" in child.attributes:
                extents.append(int(child.attributes["DW_AT_upper_bound"].value) + 1)
            else:
                extents.append(0)
    return _target(die), tuple(extents)


def _target(die: DIE) -> DIE | None:
    return die.get_DIE_from_attribute("DW_AT_type") if "DW_AT_type" in die.attributes else None


def _strip(die: DIE | None) -> DIE | None:
    """Through typedefs and qualifiers to the type itself."""
    while die is not None and die.tag in (
        "DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type", "DW_TAG_atomic_type",
    ):  # fmt: skip
        die = _target(die)
    return die


def _size(die: DIE | None) -> int:
    die = _strip(die)
    if die is None:
        return 0
    if "DW_AT_byte_size" in die.attributes:
        return int(die.attributes["DW_AT_byte_size"].value)
    if die.tag == "DW_TAG_pointer_type":
        return 8
    if die.tag == "DW_TAG_array_type":
        base, extents = _array(die)
        size = _size(base)
        for extent in extents:
            size *= extent
        return size
    return 0


def _type_name(die: DIE | None) -> str:
    """The type as C writes it; functions behind pointers are abbreviated."""
    if die is None:
        return "void"
    tag = str(die.tag)
    match tag:
        case "DW_TAG_pointer_type":
            target = _target(die)
            if target is not None and target.tag == "DW_TAG_subroutine_type":
                return f"{_type_name(_target(target))} (*)()"
            name = _type_name(target)
            return f"{name}*" if name.endswith("*") else f"{name} *"
        case "DW_TAG_const_type":
            return f"const {_type_name(_target(die))}"
        case "DW_TAG_volatile_type":
            return f"volatile {_type_name(_target(die))}"
        case "DW_TAG_structure_type":
            return f"struct {_name(die)}" if "DW_AT_name" in die.attributes else "struct"
        case "DW_TAG_union_type":
            return f"union {_name(die)}" if "DW_AT_name" in die.attributes else "union"
        case "DW_TAG_enumeration_type":
            return f"enum {_name(die)}" if "DW_AT_name" in die.attributes else "enum"
        case "DW_TAG_array_type":
            base, extents = _array(die)
            return _type_name(base) + "".join(f"[{extent}]" for extent in extents)
        case _:
            return _name(die) if "DW_AT_name" in die.attributes else tag.removeprefix("DW_TAG_")
