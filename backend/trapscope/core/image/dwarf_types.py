"""C types from DWARF entries: names as C writes them, sizes, arrays, layouts (DWARF 5, chapter 5)."""

from __future__ import annotations

from elftools.dwarf.die import DIE

from trapscope.core.image.layout import Member, StructLayout


def name_of(die: DIE) -> str:
    """The entry's name; raises KeyError where it has none."""
    value = die.attributes["DW_AT_name"].value
    return value.decode() if isinstance(value, bytes) else str(value)


def layout_of(die: DIE, name: str) -> StructLayout:
    """The members of a struct or union, those of nested ones included, by ascending offset."""
    members = tuple(_member(child) for child in die.iter_children() if child.tag == "DW_TAG_member")
    keyword = "union" if die.tag == "DW_TAG_union_type" else "struct"
    ordered = tuple(sorted(members, key=lambda member: member.offset))
    return StructLayout(name, keyword, int(die.attributes["DW_AT_byte_size"].value), ordered)


def _member(die: DIE) -> Member:
    type_die = die.get_DIE_from_attribute("DW_AT_type")
    base, extents = array_of(type_die)
    place = die.attributes.get("DW_AT_data_member_location")
    resolved = _strip(base)
    nested = None
    if resolved is not None and resolved.tag in ("DW_TAG_structure_type", "DW_TAG_union_type"):
        nested = layout_of(resolved, name_of(resolved) if "DW_AT_name" in resolved.attributes else "")
    name = name_of(die) if "DW_AT_name" in die.attributes else ""
    return Member(name, int(place.value) if place else 0, size_of(type_die), type_of(base), extents, nested)


def array_of(die: DIE) -> tuple[DIE | None, tuple[int, ...]]:
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


def size_of(die: DIE | None) -> int:
    """In bytes; 0 for void, functions and arrays without an extent."""
    die = _strip(die)
    if die is None:
        return 0
    if "DW_AT_byte_size" in die.attributes:
        return int(die.attributes["DW_AT_byte_size"].value)
    if die.tag == "DW_TAG_pointer_type":
        return 8
    if die.tag == "DW_TAG_array_type":
        base, extents = array_of(die)
        size = size_of(base)
        for extent in extents:
            size *= extent
        return size
    return 0


def type_of(die: DIE | None) -> str:
    """The type as C writes it; functions behind pointers are abbreviated."""
    if die is None:
        return "void"
    tag = str(die.tag)
    match tag:
        case "DW_TAG_pointer_type":
            target = _target(die)
            if target is not None and target.tag == "DW_TAG_subroutine_type":
                return f"{type_of(_target(target))} (*)()"
            name = type_of(target)
            return f"{name}*" if name.endswith("*") else f"{name} *"
        case "DW_TAG_const_type":
            return f"const {type_of(_target(die))}"
        case "DW_TAG_volatile_type":
            return f"volatile {type_of(_target(die))}"
        case "DW_TAG_structure_type":
            return f"struct {name_of(die)}" if "DW_AT_name" in die.attributes else "struct"
        case "DW_TAG_union_type":
            return f"union {name_of(die)}" if "DW_AT_name" in die.attributes else "union"
        case "DW_TAG_enumeration_type":
            return f"enum {name_of(die)}" if "DW_AT_name" in die.attributes else "enum"
        case "DW_TAG_array_type":
            base, extents = array_of(die)
            return type_of(base) + "".join(f"[{extent}]" for extent in extents)
        case _:
            return name_of(die) if "DW_AT_name" in die.attributes else tag.removeprefix("DW_TAG_")
