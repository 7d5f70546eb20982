"""A struct as pahole prints it: offset and size beside each member, holes, and where a 64-byte line ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from trapscope.core.image import Member, StructLayout

_LINE_BYTES: Final = 64
_TYPE_WIDTH: Final = 24
_COMMENT_COLUMN: Final = 56
_INDENT: Final = "    "


def pahole(layout: StructLayout) -> str:
    """C-like text of the whole struct."""
    return "\n".join((f"{layout.keyword} {layout.name} {{", *_body(layout, 0, 1), *_totals(layout), "};"))


def _body(layout: StructLayout, base: int, depth: int) -> Iterator[str]:
    """The members, `base` bytes into the outermost struct; lines and holes where they fall."""
    holes = dict(layout.holes)
    pad = _INDENT * depth
    for member in layout.members:
        start = base + member.offset
        if start and start % _LINE_BYTES == 0:
            yield f"{pad}/* --- cacheline {start // _LINE_BYTES} boundary ({start} bytes) --- */"
        if member.struct is not None and not member.extents:
            yield f"{pad}{member.type} {{"
            yield from _body(member.struct, start, depth + 1)
            yield _commented(f"{pad}}} {member.name};", start, member.size)
        else:
            yield _commented(f"{pad}{_declaration(member)};", start, member.size)
        line = (start + member.size - 1) // _LINE_BYTES
        if start // _LINE_BYTES < line and (start + member.size) % _LINE_BYTES:
            end = line * _LINE_BYTES
            ago = start + member.size - end
            yield f"{pad}/* --- cacheline {line} boundary ({end} bytes) was {ago} bytes ago --- */"
        hole = holes.get(member.offset + member.size, 0)
        if hole and member.offset + member.size + hole < layout.size:
            yield f"{pad}/* XXX {hole} bytes hole */"


def _totals(layout: StructLayout) -> Iterator[str]:
    padding = sum(size for offset, size in layout.holes if offset + size == layout.size)
    holes = [size for offset, size in layout.holes if offset + size != layout.size]
    lines = -(-layout.size // _LINE_BYTES)
    yield ""
    yield f"{_INDENT}/* size: {layout.size}, cachelines: {lines}, members: {len(layout.members)} */"
    if holes or padding:
        parts = [f"holes: {len(holes)}, sum holes: {sum(holes)}"] * bool(holes) + [f"padding: {padding}"] * bool(
            padding
        )
        yield f"{_INDENT}/* {', '.join(parts)} */"
    if layout.size % _LINE_BYTES:
        yield f"{_INDENT}/* last cacheline: {layout.size % _LINE_BYTES} bytes */"


def _declaration(member: Member) -> str:
    extents = "".join(f"[{extent}]" for extent in member.extents)
    if "(*)" in member.type:
        return member.type.replace("(*)", f"(*{member.name}{extents})", 1)
    if member.type.endswith("*"):
        stem = member.type.rstrip("*").rstrip()
        stars = member.type[len(member.type.rstrip("*")) :]
        return f"{stem:{_TYPE_WIDTH - len(stars)}} {stars}{member.name}{extents}"
    return f"{member.type:{_TYPE_WIDTH}} {member.name}{extents}"


def _commented(text: str, offset: int, size: int) -> str:
    return f"{text:{_COMMENT_COLUMN}} /* {offset:5} {size:5} */"
